/* cache/database/database_internal.h: a table of a database as a cache.
 *
 * A row is a key, what is kept (an integer in `number`, everything else in `value`) and until when, in milliseconds since 1970.
 */
#ifndef CZ_CACHE_DATABASE_DATABASE_INTERNAL_H
#define CZ_CACHE_DATABASE_DATABASE_INTERNAL_H

#include "cache/cache_internal.h"
#include "db/database.h"

enum { CZ__CACHE_TABLE_BYTES_MAX = 48 };

struct cz__cache_table {
    char alias[CZ__ALIAS_BYTES_MAX + 1]; /* of the database */
    char name[CZ__CACHE_TABLE_BYTES_MAX + 1];
    char index[CZ__CACHE_TABLE_BYTES_MAX + 16];
    unsigned stores;  /* by this process, to look now and then for what is over */
    char reason[240]; /* why it could not answer */
};

/* ---- ask.c ---- */

/* A call's use of the database: the request's own transaction where that holds SQLite's one write side, else a session apart,
 * so that what is kept does not wait for a request's commit, nor lock what others want until then. */
struct cz__cache_use {
    struct cz__store *store;
    struct cz__cache_table *table;
    cz__db_session own, *session;
    int64_t deadline_us; /* the request's */
    cz_error err;
};

/* Begin; cz__cache_use_end() ends it, and makes of what the database said what a driver of caches may say. Errors:
 * CZ_EUNAVAILABLE: the database is not open. */
CZ_NODISCARD cz_status cz__cache_use_begin(cz_ctx *ctx, struct cz__store *store,
                                           struct cz__cache_use *use);
CZ_NODISCARD cz_status cz__cache_use_end(cz_ctx *ctx, struct cz__cache_use *use, cz_status status);

/* Run a change. In `sql` "$T" is the table and "$1" a parameter. */
CZ_NODISCARD cz_status cz__cache_change(cz_ctx *ctx, struct cz__cache_use *use, const char *sql,
                                        const cz__db_param *params, size_t count,
                                        int64_t *out_rows);
/* The same for a query, which the caller finishes. */
CZ_NODISCARD cz_status cz__cache_select(cz_ctx *ctx, struct cz__cache_use *use, const char *sql,
                                        const cz__db_param *params, size_t count,
                                        cz__db_cursor *out);

cz__db_param cz__cache_bytes(cz_str bytes);
cz__db_param cz__cache_integer(int64_t integer);
/* What is in a row's columns `first` (value) and `first + 1` (number), in the arena. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__cache_row_value(cz_arena *arena, const cz__db_cursor *cursor,
                                           unsigned first, cz_str *out);

#endif
