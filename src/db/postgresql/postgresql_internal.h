/* Private to src/db/postgresql. README.md has the idea. */
#ifndef CZ_DB_POSTGRESQL_INTERNAL_H
#define CZ_DB_POSTGRESQL_INTERNAL_H

#include "db/database.h"
#include "db/postgresql/libpq.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"

enum { CZ__PG_ADDRESS_BYTES = 56 /* of an IPv6 network as text */ };
enum { CZ__PG_LINKS_MAX = 64, CZ__PG_ADDRESSES_MAX = 8 };

/* ---- settings, from the URL (settings.c) ---- */

struct cz__pg_settings {
    char *host, *user, *password, *database; /* owned by the arena; NULL: not given */
    char *sslmode, *sslrootcert, *sslcert, *sslkey, *application_name, *options;
    unsigned port; /* 0: not given */
    unsigned pool_size, pipelines;
    int64_t connect_timeout_ms, statement_timeout_ms, pipeline_timeout_ms, lock_timeout_ms,
        idle_in_transaction_ms, pool_timeout_ms;
    bool is_socket, is_loopback;
};

/* Read the URL. `interactive`: for a command outside a loop, whose statements may take their time.
 * Errors: CZ_EVALIDATION: `err` names what is wrong, never the password; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__pg_settings_read(cz_arena *arena, const cz_url *url, bool interactive,
                                            struct cz__pg_settings *out, cz_error *err);

/* ---- requests ---- */

struct cz__pg_text { /* what a cursor has written of its row; owned */
    struct cz__pg_text *next;
    char bytes[CZ__PG_ADDRESS_BYTES];
};

/* One unit on a connection, from the first command to its Sync. Found again by nobody but the fiber that
 * waits, which may leave: then the result is discarded when it comes. */
struct cz__pg_request {
    struct cz__pg_request *next;
    struct cz__pg_link *link;
    cz__fiber *fiber; /* woken at the end; NULL outside fibers */
    bool done;
    bool abandoned; /* nobody waits: freed at the end */
    bool lost;      /* the connection ended first: what became of it is not known */
    bool copies;    /* it was a COPY that nobody feeds */
    bool loads;     /* it is a COPY FROM STDIN, outside the pipeline's protocol, fed with `load` */
    cz_str load;    /* borrowed from whoever waits */
    bool unsent;    /* or it was not even sent */
    bool movable;   /* it may run elsewhere as well: a read of the ORM's */
    bool moved;     /* it should: what is before it takes long */
    int parse_at;   /* which of its commands prepares statement `number`; -1: none */
    int succeeded;  /* commands */
    uint32_t number;
    PGresult *result; /* of the last command that succeeded; owned */
    struct cz__pg_text *texts;
    PGresult *failure; /* of the first that failed; owned */
    int row;           /* a cursor's place; -1: before the first */
};

/* ---- connections (link.c) ---- */

enum cz__pg_link_state { CZ__PG_CLOSED, CZ__PG_CONNECTING, CZ__PG_READY };

struct cz__pg_waiter { /* a fiber that waits for a connection; on its own stack */
    struct cz__pg_waiter *next;
    cz__fiber *fiber;
    struct cz__pg_link *link; /* granted */
    cz__timer timer;
    bool timed_out;
};

struct cz__pg_link {
    struct cz__pg *db;
    enum cz__pg_link_state state;
    PGconn *conn;
    cz__watch watch;
    int watch_fd;         /* a duplicate of libpq's, which it may close by itself; -1: none */
    uint32_t poll_events; /* what a wait outside a loop looks for */
    cz__timer timer;      /* CONNECTING: the attempt; READY: silence, draining or idleness */
    int64_t since_us;     /* when what the timer watches began */
    cz__timer
        stuck_timer; /* of pipelines: when to look whether the first request holds up the others */
    struct cz__pg_request *first, **end; /* sent, in order */
    struct cz__pg_waiter *opening;       /* fibers that wait for READY */
    uint16_t *prepared; /* by statement number: the version prepared here; 0: none. Owned */
    size_t prepared_cap;
    struct cz__pg_listener *listener; /* it is the one that listens; NULL: not */
    bool pooled;                      /* of the pool; else a shared pipeline */
    bool taken;                       /* pool: a fiber or a session has it */
    bool draining;                    /* pool: given back when what is under way has ended */
};

/* What is known of a numbered statement; lives as long as the database is open. */
struct cz__pg_shape {
    Oid *types; /* of its parameters; owned */
    uint16_t count;
    uint16_t version;      /* 0: nothing is known yet; rises when it must be prepared again */
    int64_t pool_until_us; /* slow or large: on the pool until then; 0: on a pipeline */
};

struct cz__pg {
    cz__db base;
    cz_arena *arena;
    struct cz__pg_settings settings;
    cz__loop *loop;                       /* NULL in commands */
    struct cz__pg_link *pipelines, *pool; /* settings.pipelines and .pool_size of them */
    unsigned next_pipeline;
    struct cz__pg_waiter *waiters, **waiters_end; /* for a connection of the pool */
    struct cz__pg_shape **shapes;                 /* by statement number; owned */
    size_t shape_cap;
    struct cz__pg_request *free_requests;
    struct cz__pg_listener *listener; /* owned; NULL: none */
    unsigned next_cursor;             /* a name for a server-side cursor */
    cz_buf scratch;                   /* encoded parameters, until they are sent */
    const char **values;
    int *lengths, *formats;
    Oid *types;
    size_t value_cap;
    /* the server as a whole */
    char addresses[512]; /* of the host, between commas; empty: not looked up */
    unsigned address_count;
    bool down;           /* the last attempt to connect failed */
    int64_t retry_at_us; /* until then nobody tries again */
    int64_t backoff_ms;
    char down_reason[200];
    struct cz__pg_reference *references; /* schema.c */
};

/* Wait until a connection is open, opening it when it is not. Errors: CZ_EUNAVAILABLE; CZ_ECANCELED,
 * CZ_ETIMEDOUT: of the context. */
CZ_NODISCARD cz_status cz__pg_link_open(cz_ctx *ctx, struct cz__pg_link *link, cz_error *err);
/* Whether the first request on a pipeline takes so long that no other should be sent behind it. */
bool cz__pg_link_is_stuck(const struct cz__pg_link *link);
/* End a connection: what is under way on it is lost. */
void cz__pg_link_close(struct cz__pg_link *link);
/* Begin a request: commands are sent by libpq's functions, then cz__pg_request_send() ends it with a Sync.
 * NULL: no memory. */
struct cz__pg_request *cz__pg_request_create(struct cz__pg_link *link);
/* End a request's commands; `sent`: libpq took them all. A connection that breaks here makes the request
 * done and `lost`. */
void cz__pg_request_send(struct cz__pg_request *request, bool sent);
/* Wait for the end. Returns CZ_OK when it has come, well or not; otherwise the context's reason, or CZ_EBUSY of a
 * movable one that waits behind a slow one, and the request is abandoned. `uncancelled`: only the end ends it. */
CZ_NODISCARD cz_status cz__pg_request_wait(cz_ctx *ctx, struct cz__pg_request *request,
                                           bool uncancelled);
void cz__pg_request_free_texts(struct cz__pg_request *request);
void cz__pg_request_destroy(struct cz__pg_request *request); /* done; NULL does nothing */
/* Nobody waits for it: its result is discarded when it comes. Outside a loop that is waited for. */
void cz__pg_request_abandon(struct cz__pg_request *request);

/* Leave the pipeline's protocol, in which there is no COPY, send COPY ... FROM STDIN and enter it again at the
 * request's end. `load` is borrowed until then. Nothing may be under way on the connection. NULL: no memory. */
struct cz__pg_request *cz__pg_request_load(struct cz__pg_link *link, const char *sql, cz_str load);

/* ---- the pool (pool.c) ---- */

/* Take a connection for the caller alone; it is open. Errors: CZ_EBUSY: none came free in time; those of
 * cz__pg_link_open(). */
CZ_NODISCARD cz_status cz__pg_pool_take(cz_ctx *ctx, struct cz__pg *db, struct cz__pg_link **out,
                                        cz_error *err);
/* Give it back: to the fiber that has waited longest, once what is under way on it has ended. */
void cz__pg_pool_give(struct cz__pg_link *link);

/* ---- values (values.c) ---- */

/* Encode parameters for the types of `shape` into db->values, lengths and formats; they live until the
 * next call. A whole number that does not fit its type widens the type in the shape and raises its
 * version. Errors: CZ_EVALIDATION: text that cannot be stored; CZ_ENOMEM; CZ_EINVAL: too many. */
CZ_NODISCARD cz_status cz__pg_encode(struct cz__pg *db, struct cz__pg_shape *shape,
                                     const cz__db_param *params, size_t count, cz_error *err);
Oid cz__pg_oid_of(cz__db_type type);
/* The statement must be prepared again, everywhere. */
void cz__pg_shape_outdate(struct cz__pg_shape *shape);
bool cz__postgresql_read(const cz__db_cursor *cursor, unsigned column, cz__db_type type, void *out);
cz_status cz__postgresql_read_list(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                                   cz_arena *arena, void *out, bool *out_null);
bool cz__postgresql_is_readable(const cz__db_cursor *cursor, unsigned column, cz__db_type type);
void cz__postgresql_write_json(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                               cz_buf *out);

/* ---- errors (errors.c) ---- */

/* What the server said, as a status and a sentence. */
cz_status cz__pg_error(const PGresult *failure, cz_error *err);
bool cz__pg_has_state(const PGresult *failure, const char *sqlstate);
/* Whether it is the end of the connection and says nothing of the statement: the server's last words, as 57P01, which
 * it also says when it has just committed, or none. `failure` may be NULL. */
bool cz__pg_is_loss(const PGresult *failure);

/* ---- the driver (connection.c) ---- */

cz_status cz__postgresql_select(cz_ctx *ctx, cz__db_session *session,
                                const cz__db_statement *statement, const cz__db_param *params,
                                size_t count, cz__db_cursor *out, cz_error *err);
cz_status cz__postgresql_step(cz__db_cursor *cursor, bool *out_row, cz_error *err);
void cz__postgresql_finish(cz__db_cursor *cursor);
/* A statement without parameters or rows. */
cz_status cz__postgresql_run(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err);

/* Statements without parameters or rows, one after the other. */
cz_status cz__postgresql_run_script(cz_ctx *ctx, cz__db_session *session, cz_str sql,
                                    cz_error *err);
/* A transaction for changing tables: one at a time in the database, and no statement of it waits long for
 * a lock, as everybody else would wait behind it. */
cz_status cz__postgresql_schema_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err);

/* listen.c */
cz_status cz__postgresql_notify(cz_ctx *ctx, cz__db_session *session, cz_str channel,
                                cz_str payload, cz_error *err);
cz_status cz__postgresql_listen(cz__db *base, const char *const *channels, size_t count,
                                bool (*deliver)(const cz__db_notification *notification),
                                cz_error *err);
void cz__postgresql_listen_again(cz__db *base);
void cz__postgresql_listen_stop(cz__db *base);
/* Its connection has read something; is closed. */
void cz__pg_listener_take(struct cz__pg_listener *listener);
void cz__pg_listener_lost(struct cz__pg_listener *listener);

/* stream.c */
cz_status cz__postgresql_stream_begin(cz_ctx *ctx, cz__db_session *session,
                                      const cz__db_statement *statement, const cz__db_param *params,
                                      size_t count, size_t rows, cz__db_stream **out,
                                      cz_error *err);
cz_status cz__postgresql_stream_next(cz_ctx *ctx, cz__db_stream *stream, cz__db_cursor *out,
                                     cz_error *err);
void cz__postgresql_stream_end(cz_ctx *ctx, cz__db_stream *stream, bool ends_early);

/* load.c */
cz_status cz__postgresql_load_begin(cz_ctx *ctx, cz__db_session *session,
                                    const struct cz__db_load_table *table, cz__db_load **out,
                                    cz_error *err);
cz_status cz__postgresql_load_row(cz_ctx *ctx, cz__db_load *load, const cz__db_param *params,
                                  cz_error *err);
cz_status cz__postgresql_load_end(cz_ctx *ctx, cz__db_load *load, cz_error *err);
void cz__postgresql_load_destroy(cz__db_load *load);

/* search.c: what an index of full text is of, columns of `row`, an alias; empty: of the table alone. */
void cz__postgresql_append_search(cz_buf *sql, cz_str row, const cz__db_index *index);
void cz__postgresql_search_match(cz_buf *sql, const cz__db_search *search);
void cz__postgresql_search_rank(cz_buf *sql, const cz__db_search *search);
void cz__postgresql_search_rebuild(cz_buf *sql, const char *index);
void cz__postgresql_search_headline(cz_buf *sql, const char *language, cz_str text, cz_str query);
/* schema.c */
cz_status cz__postgresql_schema_write(const struct cz__schema_step *step, struct cz__sql_list *out,
                                      cz_error *err);
cz_status cz__postgresql_create_table(cz_ctx *ctx, cz__db_session *session,
                                      const cz__db_table *table, cz_error *err);
void cz__pg_references_clear(struct cz__pg *db);
/* Run what `sql` holds as one statement, and empty it. */
cz_status cz__postgresql_run_buf(cz_ctx *ctx, cz__db_session *session, cz_buf *sql, cz_error *err);
/* The column's type as the server names it in CREATE TABLE. */
void cz__postgresql_append_type(cz_buf *sql, const cz__db_column *column);
/* "ALTER TABLE table ALTER COLUMN column ". */
void cz__postgresql_append_alter_column(cz_buf *sql, const char *table, const char *column);
/* schema_keys.c */
cz_status cz__postgresql_keys_given(cz_ctx *ctx, cz__db_session *session, const char *table,
                                    const char *key, cz_error *err);
struct cz__sql_script;
struct cz__column_info;
/* A key that is there is counted up no more; is, from beyond the highest. */
void cz__postgresql_stop_counting(struct cz__sql_script *script, const char *table,
                                  const char *key);
void cz__postgresql_count(struct cz__sql_script *script, const char *table, const char *key);
/* Before a key of the step's table, which is there as `there`, changes its type: what another program counts it by
 * follows, so that the step need not know. */
void cz__postgresql_name_key(struct cz__sql_script *script, const struct cz__schema_step *step,
                             const cz__db_column *was, const struct cz__column_info *there);
/* schema_names.c */
cz_status cz__postgresql_schema_names(cz_ctx *ctx, cz__db_session *session,
                                      const struct cz__schema_step *step, struct cz__sql_list *out,
                                      cz_error *err);
/* introspection.c */
cz_status cz__postgresql_table_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                      bool *out_exists, cz_error *err);
cz_status cz__postgresql_column_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                       const char *column, bool *out_exists, cz_error *err);
cz_status cz__postgresql_describe_table(cz_ctx *ctx, cz__db_session *session, const char *table,
                                        struct cz__table_info *out, cz_error *err);
cz_status cz__postgresql_list_tables(cz_ctx *ctx, cz__db_session *session, cz_str_list *out,
                                     cz_error *err);
/* features.c */
extern const cz__db_features cz__postgresql_features;

#endif
