/* Private to src/db/sqlite. */
#ifndef CZ_DB_SQLITE_INTERNAL_H
#define CZ_DB_SQLITE_INTERNAL_H

#include "db/database.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <sqlite3.h>

struct cz__sqlite_connection {
    sqlite3 *handle;
    sqlite3_stmt **statements; /* by statement number; owned */
    size_t statement_cap;
};

struct cz__sqlite_waiter { /* a fiber that wants the write side; on its own stack */
    struct cz__sqlite_waiter *next;
    cz__fiber *fiber;
    bool granted;
};

struct cz__sqlite {
    cz__db base;
    struct cz__sqlite_connection read, write; /* in memory both are `write` */
    bool in_memory;
    bool reading; /* the read connection has this turn's transaction open */
    bool taken;   /* the write connection belongs to a fiber */
    struct cz__sqlite_waiter *waiters, **waiters_end;
    cz__loop *loop; /* NULL in commands */
    cz__turn_hook turn_hook;
    int64_t busy_timeout_ms;
};

/* connection.c */
cz_status cz__sqlite_open(const cz_url *url, cz__db **out, cz_error *err);
void cz__sqlite_close(cz__db *db);
cz_status cz__sqlite_select(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                            const cz__db_param *params, size_t count, cz__db_cursor *out,
                            cz_error *err);
cz_status cz__sqlite_step(cz__db_cursor *cursor, bool *out_row, cz_error *err);
void cz__sqlite_finish(cz__db_cursor *cursor);
cz_status cz__sqlite_change(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                            const cz__db_param *params, size_t count, int64_t *out_rows,
                            int64_t *out_last_id, cz_error *err);
cz_status cz__sqlite_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err);
cz_status cz__sqlite_commit(cz_ctx *ctx, cz__db_session *session, cz_error *err);
void cz__sqlite_rollback(cz_ctx *ctx, cz__db_session *session);
/* A statement without parameters or rows, on the session's write side. */
cz_status cz__sqlite_run(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err);

/* Statements without parameters and rows. */
cz_status cz__sqlite_run_script(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err);
cz_status cz__sqlite_schema_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err);
cz_status cz__sqlite_schema_commit(cz_ctx *ctx, cz__db_session *session, cz_error *err);
void cz__sqlite_schema_rollback(cz_ctx *ctx, cz__db_session *session);

/* values.c */
/* Bind a parameter; an SQLite code. */
int cz__sqlite_bind(sqlite3_stmt *prepared, int at, const cz__db_param *param);
bool cz__sqlite_read(const cz__db_cursor *cursor, unsigned column, cz__db_type type, void *out);
cz_status cz__sqlite_read_list(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                               cz_arena *arena, void *out, bool *out_null);
void cz__sqlite_write_json(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                           cz_buf *out);
/* Whether a decimal is stored as the whole number of its last place: at most 18 digits, and the table ours. */
static inline bool cz__sqlite_decimal_is_scaled(cz__db_type type)
{
    return CZ__DB_DIGITS(type) <= 18 && !(type & CZ__DB_AS_NUMBER);
}
/* The decimal a value holds, however it is stored; 0 when it holds none. */
cz_decimal cz__sqlite_decimal(sqlite3_value *value, cz__db_type type);

/* functions.c: what SQLite lacks, added to every connection. */
cz_status cz__sqlite_add_functions(sqlite3 *handle);
bool cz__sqlite_add_time_functions(sqlite3 *handle); /* time_functions.c */
bool cz__sqlite_add_json_functions(sqlite3 *handle); /* json_functions.c */

/* schema.c */
cz_status cz__sqlite_schema_write(const struct cz__schema_step *step, struct cz__sql_list *out,
                                  cz_error *err);
cz_status cz__sqlite_create_table(cz_ctx *ctx, cz__db_session *session, const cz__db_table *table,
                                  cz_error *err);
/* introspection.c */
cz_status cz__sqlite_table_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                  bool *out_exists, cz_error *err);
cz_status cz__sqlite_column_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                   const char *column, bool *out_exists, cz_error *err);
cz_status cz__sqlite_describe_table(cz_ctx *ctx, cz__db_session *session, const char *table,
                                    struct cz__table_info *out, cz_error *err);
cz_status cz__sqlite_list_tables(cz_ctx *ctx, cz__db_session *session, cz_str_list *out,
                                 cz_error *err);
/* features.c */
extern const cz__db_features cz__sqlite_features;

#endif
