/* orm/collector.h: the rows that are deleted or restored together, collected before anything changes, each once:
 * Django's Collector. For delete.c and restore.c. */
#ifndef CZ_ORM_COLLECTOR_H
#define CZ_ORM_COLLECTOR_H

#include "orm/orm_internal.h"

enum { CZ__KEYS_PER_STATEMENT = 500 };

struct cz__collected { /* of rows of one model, as a counted list of its key's type */
    cz_model *model;
    bool uuid;
    int64_t *integers;
    cz_uuid *uuids;
    size_t count;
    cz_row **rows; /* of the keys, when somebody wants to be told of them; else NULL */
    struct cz__collected *before; /* collected before these */
    struct cz__collected *after;  /* and after */
};

struct cz__deletion {
    const cz_query *query; /* which rows */
    const char *database;  /* all of it is one's; NULL: there is nothing to choose */
    bool soft;             /* rows are marked and stay */
    cz_datetime now;
    int64_t removed;
    struct cz__collected *last;
    cz_map seen; /* model and key of every row collected */
};

union cz__key_value {
    int64_t integer;
    cz_uuid uuid;
};

struct cz__name { /* model and key of a row */
    char bytes[sizeof(cz_model *) + sizeof(cz_uuid)];
    size_t len;
};

struct cz__name cz__name_key(const cz_model *model, const void *key);
cz_str cz__name_text(const struct cz__name *name);
/* Keep a value under a copy of the name. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__name_remember(cz_ctx *ctx, cz_map *map, const struct cz__name *name,
                                         void *value);

/* Collect the rows that match and were not collected yet: their keys, and, where somebody is told of the model's rows,
 * the rows. Raises. */
void cz__collect(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query);
/* Their keys alone. Raises. */
void cz__collect_keys(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query);
/* Whether every row that matches is collected. Raises. */
bool cz__all_collected(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query);

/* "column IN (a part of the keys)", CZ__KEYS_PER_STATEMENT from `from` on. Raises: CZ_ENOMEM. */
cz_cond cz__keys_part(cz_ctx *ctx, cz_model *model, cz_str path, const struct cz__collected *keys,
                      size_t from);
/* Mark the keys' rows as deleted at `now`; NULL: as not deleted. Returns how many there were. Raises. */
int64_t cz__mark_keys(cz_ctx *ctx, const char *database, const struct cz__collected *keys,
                      const cz_datetime *now);

#endif
