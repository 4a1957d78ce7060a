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
    uint64_t ticket;
    int64_t give_up_us;
    bool granted, late;
};

struct cz__sqlite_job { /* a change that shares a transaction with others; on its fiber's stack */
    struct cz__sqlite_job *next;
    cz__fiber *fiber;
    const cz__db_statement *statement;
    const cz__db_param *params;
    size_t count;
    int64_t give_up_us;
    int64_t rows, last_id;
    cz_status status;
    cz_error err;
    bool running, done;
};

struct cz__sqlite {
    cz__db base;
    struct cz__sqlite_connection read, write; /* in memory both are `write` */
    char *path;                               /* owned */
    bool in_memory;
    bool reading; /* the read connection has this turn's transaction open */
    bool taken;   /* the write connection belongs to a fiber */
    bool
        misread; /* a number of the row that was read does not fit its column; the next step tells */
    struct cz__sqlite_waiter *waiters, **waiters_end;
    struct cz__sqlite_job *jobs, **jobs_end;
    cz__fiber *group; /* runs the jobs; NULL when there are none */
    int slot;         /* in the queue between processes; -1: this one is alone */
    bool asked;       /* it waits there for its turn */
    cz__watch turn_came;
    cz__timer look;
    int wal_frames,
        checkpoint_at; /* the log's length after the last commit, and when to fold it up */
    int64_t commit_us; /* what a commit takes, of late */
    cz__loop *loop;    /* NULL in commands */
    cz__turn_hook turn_hook;
    int64_t busy_timeout_ms;
};

/* options.c: what the query of a DATABASE_URL may say, "busy_timeout=5000&synchronous=full". */
struct cz__sqlite_options {
    int64_t busy_timeout_ms;
    const char *synchronous; /* the PRAGMA */
};
/* Errors: CZ_EVALIDATION. */
cz_status cz__sqlite_read_options(cz_str query, struct cz__sqlite_options *out, cz_error *err);

/* connection.c */
cz_status cz__sqlite_check(cz_arena *arena, const cz_url *url, cz_error *err);
cz_status cz__sqlite_open(const cz_url *url, cz__db **out, cz_error *err);
void cz__sqlite_close(cz__db *db);
/* Errors: CZ_ENOMEM, CZ_EIO; nothing is open then. */
cz_status cz__sqlite_connection_open(struct cz__sqlite_connection *connection, const char *path,
                                     int flags, cz_error *err);
void cz__sqlite_connection_close(struct cz__sqlite_connection *connection);
cz_status cz__sqlite_select(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                            const cz__db_param *params, size_t count, cz__db_cursor *out,
                            cz_error *err);
cz_status cz__sqlite_step(cz__db_cursor *cursor, bool *out_row, cz_error *err);
void cz__sqlite_finish(cz__db_cursor *cursor);
cz_status cz__sqlite_describe(cz_ctx *ctx, cz__db_session *session,
                              const cz__db_statement *statement, cz__db_cursor *out, size_t *out_at,
                              cz_error *err);
unsigned cz__sqlite_column_count(const cz__db_cursor *cursor);
const char *cz__sqlite_column_name(const cz__db_cursor *cursor, unsigned column);
bool cz__sqlite_is_readable(const cz__db_cursor *cursor, unsigned column, cz__db_type type);
cz_status cz__sqlite_error(struct cz__sqlite_connection *connection, int code, cz_error *err);
cz_status cz__sqlite_prepare(struct cz__sqlite_connection *connection,
                             const cz__db_statement *statement, sqlite3_stmt **out, cz_error *err);
void cz__sqlite_release(sqlite3_stmt *prepared, bool uncached);
cz_status cz__sqlite_bind_all(struct cz__sqlite_connection *connection, sqlite3_stmt *prepared,
                              const cz__db_param *params, size_t count, cz_error *err);
void cz__sqlite_end_read(struct cz__sqlite *db);
/* Statements without rows, separated by semicolons. */
cz_status cz__sqlite_run_text(struct cz__sqlite_connection *connection, const char *sql,
                              cz_error *err);

/* stream.c: rows in parts. */
cz_status cz__sqlite_stream_begin(cz_ctx *ctx, cz__db_session *session,
                                  const cz__db_statement *statement, const cz__db_param *params,
                                  size_t count, size_t rows, cz__db_stream **out, cz_error *err);
cz_status cz__sqlite_stream_next(cz_ctx *ctx, cz__db_stream *stream, cz__db_cursor *out,
                                 cz_error *err);
void cz__sqlite_stream_end(cz_ctx *ctx, cz__db_stream *stream, bool ends_early);
/* Before a step: whether the part has another row; after the last of all; at the end of a part. */
bool cz__sqlite_stream_step(cz__db_cursor *cursor);
void cz__sqlite_stream_over(cz__db_cursor *cursor);
void cz__sqlite_stream_finish(cz__db_cursor *cursor);

/* queue.c: the queue of the processes that write; see there. */
cz_status cz__sqlite_share(unsigned processes, cz_error *err);
/* A slot for this process and a database, by any number but 0; -1: there is no queue, or it is full. */
int cz__queue_join(uint64_t database);
void cz__queue_leave(int slot);
int cz__queue_wake_fd(int slot); /* becomes readable when the turn has come; stays the queue's */
uint64_t cz__queue_ticket(void);
/* Wait in line with a ticket; whether it is this slot's turn already. */
bool cz__queue_enter(int slot, uint64_t ticket);
/* End the turn, or the wait for it, and with a ticket that is not 0 wait again; whether it is its turn. */
bool cz__queue_pass(int slot, uint64_t ticket);
/* Whether it is this slot's turn, having passed over processes that died. */
bool cz__queue_look(int slot);

/* backup.c */
cz_status cz__sqlite_backup(cz_ctx *ctx, cz__db *base, const char *path, cz_error *err);

/* turn.c: the queue of this process's fibers. */
void cz__sqlite_turn_start(struct cz__sqlite *db, const char *path);
void cz__sqlite_turn_stop(struct cz__sqlite *db);
/* Wait for the write connection, and give it to whoever is next. Errors: CZ_EBUSY: `give_up_us` has come;
 * CZ_ECANCELED, CZ_ETIMEDOUT; CZ_EINVAL: outside fibers nobody could give it back. */
cz_status cz__sqlite_take_turn(cz_ctx *ctx, struct cz__sqlite *db, int64_t give_up_us,
                               cz_error *err);
void cz__sqlite_give_turn(struct cz__sqlite *db);
cz_status cz__sqlite_busy(const struct cz__sqlite *db, cz_error *err); /* sets CZ_EBUSY */
/* In memory there is one connection: wait until no fiber has a transaction open on it. */
cz_status cz__sqlite_wait_for_writer(cz_ctx *ctx, struct cz__sqlite *db, cz_error *err);

/* group.c: changes that share a transaction. */
/* Whether this fiber's change can; true is followed by cz__sqlite_change_in_group() at once. */
bool cz__sqlite_group_ready(struct cz__sqlite *db);
/* Run a job and wait until it is committed or has failed. */
cz_status cz__sqlite_change_in_group(cz_ctx *ctx, struct cz__sqlite *db, struct cz__sqlite_job *job,
                                     cz_error *err);

/* write.c */
/* A transaction on the write connection, which must be the caller's: BEGIN IMMEDIATE, tried again until
 * `give_up_us`; COMMIT, which rolls back when it fails; ROLLBACK, unless SQLite has done that. */
cz_status cz__sqlite_begin_write(cz_ctx *ctx, struct cz__sqlite *db, int64_t give_up_us,
                                 cz_error *err);
cz_status cz__sqlite_end_write(cz_ctx *ctx, struct cz__sqlite *db, cz_error *err);
void cz__sqlite_undo_write(struct cz__sqlite *db);
/* SQLite's callback after a commit; with it there are no checkpoints but write.c's. */
int cz__sqlite_note_frames(void *arg, sqlite3 *handle, const char *name, int frames);
/* Errors: CZ_EDATABASE: SQLite has ended the transaction by itself. */
cz_status cz__sqlite_check_transaction(const struct cz__sqlite *db, cz_error *err);
/* Inside it: a statement without parameters or rows, and a change. */
cz_status cz__sqlite_run_on_write(struct cz__sqlite *db, const cz__db_statement *statement,
                                  cz_error *err);
cz_status cz__sqlite_run_change(struct cz__sqlite *db, const cz__db_statement *statement,
                                const cz__db_param *params, size_t count, int64_t *out_rows,
                                int64_t *out_last_id, cz_error *err);
cz_status cz__sqlite_refuse_change(cz_error *err); /* in a transaction that only reads: CZ_EINVAL */
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
/* Write a UUID as its column keeps it, at most CZ_UUID_TEXT characters; returns their number. */
size_t cz__sqlite_uuid_write(char *out, cz_uuid uuid, cz__db_type type);
/* Read one, with hyphens or without. Errors: CZ_EVALIDATION; `*out` is as it was. */
CZ_NODISCARD cz_status cz__sqlite_uuid_parse(cz_str text, cz_uuid *out);
/* The decimal a value holds, however it is stored; 0 when it holds none. */
cz_decimal cz__sqlite_decimal(sqlite3_value *value, cz__db_type type);

/* A function's argument as text, until it returns; "" for NULL, and when there is no memory. */
static inline cz_str cz__sqlite_text(sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);
    return text ? cz_str_of(text, (size_t)sqlite3_value_bytes(value)) : CZ_STR("");
}

/* functions.c: what SQLite lacks, added to every connection. */
cz_status cz__sqlite_add_functions(sqlite3 *handle);
bool cz__sqlite_add_casts(sqlite3 *handle);          /* casts.c */
bool cz__sqlite_add_time_functions(sqlite3 *handle); /* time_functions.c */
bool cz__sqlite_add_json_functions(sqlite3 *handle); /* json_functions.c */
bool cz__sqlite_add_search(sqlite3 *handle);         /* search.c: cz_search(query, text) */
bool cz__sqlite_add_headline(sqlite3 *handle); /* headline.c: cz_headline(english, query, text) */
/* regex.c: cz_regex(pattern, text), cz_iregex(pattern, text), and regexp() for "text REGEXP pattern". */
cz_status cz__sqlite_add_regex(sqlite3 *handle);

/* schema.c */
cz_status cz__sqlite_schema_write(const struct cz__schema_step *step, struct cz__sql_list *out,
                                  cz_error *err);
/* Whether a step is about foreign keys that let go and hold again, which is nothing here: a rebuild does it. */
bool cz__sqlite_is_about_keys(const struct cz__schema_step *step);
/* Whether a step is a rebuild of the table. */
bool cz__sqlite_is_rebuild(const struct cz__schema_step *step);
cz_status cz__sqlite_create_table(cz_ctx *ctx, cz__db_session *session, const cz__db_table *table,
                                  cz_error *err);
/* search_index.c: an index of full text, made of what is in the table; and the features' functions about one. */
struct cz__sql_script;
void cz__sqlite_search_create(struct cz__sql_script *script, const cz__db_table *table,
                              const cz__db_index *index);
void cz__sqlite_search_drop(struct cz__sql_script *script, const cz__db_index *index);
/* Whether a trigger of the table keeps one of its indexes of full text. */
bool cz__sqlite_is_search_trigger(const cz__db_table *table, const char *name);
void cz__sqlite_search_match(cz_buf *sql, const cz__db_search *search);
void cz__sqlite_search_rank(cz_buf *sql, const cz__db_search *search);
void cz__sqlite_search_rebuild(cz_buf *sql, const char *index);
void cz__sqlite_search_headline(cz_buf *sql, const char *language, cz_str text, cz_str query);
/* introspection.c */
cz_status cz__sqlite_table_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                  bool *out_exists, cz_error *err);
cz_status cz__sqlite_column_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                   const char *column, bool *out_exists, cz_error *err);
cz_status cz__sqlite_describe_table(cz_ctx *ctx, cz__db_session *session, const char *table,
                                    struct cz__table_info *out, cz_error *err);
struct cz__index_info;
/* Whether a rebuild makes the index again: it is none of ours under another name. */
bool cz__sqlite_index_stays(cz_arena *arena, const struct cz__schema_step *step,
                            const struct cz__index_info *index);
cz_status cz__sqlite_schema_names(cz_ctx *ctx, cz__db_session *session,
                                  const struct cz__schema_step *step, struct cz__sql_list *out,
                                  cz_error *err);
cz_status cz__sqlite_schema_keep(cz_ctx *ctx, cz__db_session *session,
                                 const struct cz__schema_step *step, struct cz__sql_list *out,
                                 cz_error *err);
cz_status cz__sqlite_list_tables(cz_ctx *ctx, cz__db_session *session, cz_str_list *out,
                                 cz_error *err);
/* features.c */
extern const cz__db_features cz__sqlite_features;

#endif
