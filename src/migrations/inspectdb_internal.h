/* Private to inspectdb: the tables found, and what each becomes. Everything here raises. */
#ifndef CZ_MIGRATIONS_INSPECTDB_INTERNAL_H
#define CZ_MIGRATIONS_INSPECTDB_INTERNAL_H

#include "db/introspection.h"
#include "migrations/migrations_internal.h"

enum { CZ__INSPECTED_NAME_BYTES_MAX = 60 }; /* of a table, column, constraint or index in a model */

enum cz__inspected_as { /* a column */
                        CZ__INSPECTED_KEY,
                        CZ__INSPECTED_FIELD,
                        CZ__INSPECTED_RELATION
};

struct cz__inspected_column {
    const cz__column_info *info;
    enum cz__inspected_as as;
    const char *name;                   /* the field's */
    const char *kind;                   /* "char_field"; of a type that has none: "text_field" */
    const struct cz__inspected *target; /* relations */
    bool unknown;                       /* the type has no kind */
};

/* A table; with what joins two and nothing else, the many-to-many it stands for. */
struct cz__inspected {
    cz__table_info info;
    const char *model, *list;              /* names in C */
    bool keyed, uuid;                      /* it has a key a model can have; of UUIDs */
    bool listed;                           /* its model is written: it was asked for, or all were */
    struct cz__inspected_column *columns;  /* as info.columns */
    const struct cz__inspected *from, *to; /* of a link */
    const char *link;                      /* the many-to-many's name; NULL: no link */
    bool django;                           /* decimals or UUIDs as Django keeps them */
};

struct cz__inspection {
    cz_ctx *ctx;
    struct cz__inspected *tables;
    size_t count;
    bool made_by_django; /* there is django_migrations */
    bool unmanaged;      /* models say that their tables are somebody else's */
    bool scaled;         /* decimals of our own are whole numbers: a number is somebody else's */
};

/* An index of full text, as a model declares it. */
struct cz__inspected_search {
    const char **columns;
    size_t count;
    const char *language;
    const char *weights; /* NULL: none, or the database does not keep them (SQLite) */
};

/* ---- inspectdb_search.c ---- */

/* Whether the index is one of full text as Calzone makes it. */
bool cz__inspect_search(cz_ctx *ctx, const cz__index_info *index, struct cz__inspected_search *out);

/* ---- inspectdb_names.c ---- */

/* "StoreBook" for "store_book"; "store_book" as it is called in a row. */
const char *cz__inspect_model_name(cz_ctx *ctx, const char *table);
const char *cz__inspect_member_name(cz_ctx *ctx, const char *column);
/* The macro that lists a model's fields. */
const char *cz__inspect_list_name(cz_ctx *ctx, const char *model);
/* The name, or the name with the first number from 2 that is not used. */
const char *cz__inspect_unique(cz_ctx *ctx, const char *name, bool (*is_used)(void *, const char *),
                               void *arg);

/* ---- inspectdb_kinds.c ---- */

/* Kinds, targets and names of a table's columns, and whether its key is one a model can have. */
/* The name of the table or of a column that is too long for a model; NULL: none. */
const char *cz__inspect_long_name(const cz__table_info *table);
void cz__inspect_key(const struct cz__inspection *all, struct cz__inspected *table);
void cz__inspect_columns(const struct cz__inspection *all, struct cz__inspected *table);
/* Find out whether the table does nothing but join two. */
void cz__inspect_link(const struct cz__inspection *all, struct cz__inspected *table);
/* The first two numbers of "numeric(8, 2)"; 0 where there is none. */
void cz__inspect_numbers(const char *type, uint64_t out[2]);
/* Whether a CHECK says no more than the kind of its column. */
bool cz__inspect_is_implied(cz_ctx *ctx, const cz__table_info *table, const char *check);

#endif
