/* LISTEN and NOTIFY. A connection apart from pipelines and pool listens; a fiber opens it, opens it again when it is
 * lost, and asks now and then whether the server is still there, which a connection on which nothing comes does not
 * tell. */
#include "db/postgresql/postgresql_internal.h"
#include <calzone/log.h>

enum { RETRY_MS_MIN = 100, RETRY_MS_MAX = 5000, ALIVE_MS = 15000 };

struct cz__pg_listener {
    struct cz__pg_link link;
    const char *sql; /* LISTEN, one after the other; ended by an empty one */
    const char **channels;
    size_t channel_count;
    cz_arena *arena; /* holds what is above */
    bool (*deliver)(const cz__db_notification *notification);
    bool full;     /* nothing is taken until listen_again() */
    bool stopping; /* by cz__postgresql_listen_stop() */
    bool running;  /* the fiber */
    cz_ctx *ctx;   /* the fiber's */
    cz__fiber *fiber;
    cz__timer timer; /* when to ask */
    bool asking;
};

cz_status cz__postgresql_notify(cz_ctx *ctx, cz__db_session *session, cz_str channel,
                                cz_str payload, cz_error *err)
{
    /* VALUES, because a SELECT is a read, and repeated when its connection is lost */
    static const char sql[] = "VALUES (pg_notify($1, $2))";
    static const cz__db_type types[] = { CZ__DB_TEXT, CZ__DB_TEXT };
    cz__db_statement statement = { .sql = { sql, sizeof sql - 1 },
                                   .number = CZ__STATEMENT_UNCACHED,
                                   .types = types,
                                   .type_count = CZ_COUNT(types) };
    cz__db_param params[] = { { .kind = CZ__PARAM_TEXT, .text = channel },
                              { .kind = CZ__PARAM_TEXT, .text = payload } };
    int64_t rows, last_id;
    return cz__postgresql_driver.change(ctx, session, &statement, params, CZ_COUNT(params), &rows,
                                        &last_id, err);
}

/* ---- what comes ---- */

void cz__pg_listener_take(struct cz__pg_listener *listener)
{
    PGconn *conn = listener->link.conn;
    PGnotify *notify;
    while (!listener->full && !listener->stopping && (notify = cz__pq.PQnotifies(conn))) {
        cz__db_notification notification = { .channel = cz_str_from(notify->relname),
                                             .payload = cz_str_from(notify->extra),
                                             .sender = notify->be_pid };
        listener->full = !listener->deliver(&notification);
        cz__pq.PQfreemem(notify);
    }
    if (listener->full) /* what has not been read waits with the server */
        cz__watch_want(listener->link.db->loop, &listener->link.watch, 0);
}

void cz__postgresql_listen_again(cz__db *base)
{
    struct cz__pg_listener *listener = ((struct cz__pg *)base)->listener;
    if (!listener || !listener->full)
        return;
    listener->full = false;
    if (listener->link.state != CZ__PG_READY)
        return;
    cz__watch_want(listener->link.db->loop, &listener->link.watch, EPOLLIN);
    cz__pg_listener_take(listener);
}

void cz__pg_listener_lost(struct cz__pg_listener *listener)
{
    if (listener->fiber)
        cz__fiber_wake(listener->fiber);
}

/* ---- the fiber ---- */

static cz_status run(cz_ctx *ctx, struct cz__pg_listener *listener, const char *sql)
{
    struct cz__pg_link *link = &listener->link;
    struct cz__pg_request *request =
        link->state == CZ__PG_READY ? cz__pg_request_create(link) : NULL;
    if (!request)
        return CZ_EUNAVAILABLE;
    bool sent = cz__pq.PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
    cz__pg_request_send(request, sent);
    cz_status status = cz__pg_request_wait(ctx, request, false);
    if (status)
        return status;
    if (request->lost || request->failure)
        status = CZ_EUNAVAILABLE;
    if (request->failure) { /* it may not: say so, and go on trying */
        cz_error err;
        cz_ignore(cz__pg_error(request->failure, &err));
        cz_log_warning(NULL, "calzone.db", cz_error_message(&err),
                       CZ_FIELD_STR("statement", cz_str_from(sql)));
    }
    cz__pg_request_destroy(request);
    return status;
}

static cz_status begin_listening(cz_ctx *ctx, struct cz__pg_listener *listener)
{
    cz_error err;
    cz_status status = cz__pg_link_open(ctx, &listener->link, &err);
    const char *sql = listener->sql;
    for (; !status && *sql; sql += strlen(sql) + 1)
        status = run(ctx, listener, sql);
    if (status)
        cz__pg_link_close(&listener->link);
    return status;
}

static void ask_due(cz__timer *timer)
{
    struct cz__pg_listener *listener =
        (struct cz__pg_listener *)(void *)((char *)timer - offsetof(struct cz__pg_listener, timer));
    listener->asking = true;
    cz__fiber_wake(listener->fiber);
}

/* Until the connection is lost, or an error that ends the fiber. */
static cz_status stay(cz_ctx *ctx, struct cz__pg_listener *listener)
{
    cz_status status = CZ_OK;
    while (!status && !listener->stopping && listener->link.state == CZ__PG_READY) {
        listener->asking = false;
        cz__timer_set(listener->link.db->loop, &listener->timer, ALIVE_MS, ask_due);
        while (!status && !listener->asking && !listener->stopping &&
               listener->link.state == CZ__PG_READY)
            status = cz__fiber_wait(ctx);
        cz__timer_cancel(listener->link.db->loop, &listener->timer);
        if (!status && listener->asking && !listener->full && !listener->stopping)
            cz_ignore(run(ctx, listener, "SELECT 1")); /* its failure closes the connection */
    }
    return status;
}

static void tell_reconnected(struct cz__pg_listener *listener)
{
    for (size_t i = 0; i < listener->channel_count && !listener->stopping; i++) {
        cz__db_notification notification = { .channel = cz_str_from(listener->channels[i]),
                                             .reconnected = true };
        listener->full = !listener->deliver(&notification);
    }
}

static void listen_on(cz_ctx *ctx, struct cz__pg_listener *listener)
{
    int64_t retry_ms = RETRY_MS_MIN;
    bool lost = false;
    while (!listener->stopping && !ctx->cancelled) {
        if (!begin_listening(ctx, listener)) {
            retry_ms = RETRY_MS_MIN;
            if (lost)
                tell_reconnected(listener);
            cz__pg_listener_take(listener); /* what came with the answers */
            cz_ignore(stay(ctx, listener)); /* the loop asks the context itself */
        }
        lost = true;
        if (ctx->cancelled || listener->stopping)
            break;
        uint64_t jitter = cz_random_u64() % (uint64_t)(retry_ms / 2 + 1);
        cz_ignore(cz__fiber_sleep(ctx, (uint64_t)retry_ms + jitter)); /* the loop's head looks */
        retry_ms = retry_ms * 2 > RETRY_MS_MAX ? RETRY_MS_MAX : retry_ms * 2;
    }
}

static void free_listener(struct cz__pg_listener *listener)
{
    cz_free(listener->link.prepared);
    cz_arena_destroy(listener->arena);
}

static void listen_fiber(void *arg)
{
    struct cz__pg_listener *listener = arg;
    cz_arena *arena = listener->arena;
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    ctx.label = "LISTEN";
    listener->ctx = &ctx;
    listener->fiber = cz__fiber_current();
    cz__fiber_attach(&ctx);
    listen_on(&ctx, listener);
    listener->link.listener = NULL;
    cz__pg_link_close(&listener->link);
    cz_ctx_done(&ctx);
    cz__fiber_attach(NULL);
    if (listener->stopping) /* else the database still knows it */
        free_listener(listener);
    else
        listener->running = false;
}

/* "LISTEN a\0LISTEN b\0\0" and copies of the names. */
static cz_status write_listener(struct cz__pg_listener *listener, const char *const *channels,
                                size_t count)
{
    cz_buf sql = { 0 };
    cz_str text;
    listener->channels = cz_arena_array(listener->arena, const char *, count);
    for (size_t i = 0; i < count && listener->channels; i++) {
        cz_buf_append_lit(&sql, "LISTEN ");
        cz__db_append_name(&sql, channels[i]);
        cz_buf_append_char(&sql, '\0');
        if (!(listener->channels[i] = cz_arena_strdup(listener->arena, channels[i])))
            break;
        listener->channel_count++;
    }
    bool whole = listener->channel_count == count && !cz_buf_status(&sql) &&
                 !cz_str_dup(listener->arena, cz_buf_str(&sql), &text); /* with a NUL after it */
    cz_buf_done(&sql);
    if (whole)
        listener->sql = text.ptr;
    return whole ? CZ_OK : CZ_ENOMEM;
}

cz_status cz__postgresql_listen(cz__db *base, const char *const *channels, size_t count,
                                bool (*deliver)(const cz__db_notification *notification),
                                cz_error *err)
{
    struct cz__pg *db = (struct cz__pg *)base;
    cz_arena *arena;
    cz_assert(db->loop && !db->listener);
    cz_status status = cz_arena_create(NULL, 0, &arena);
    if (status)
        return cz_error_set(err, status, "no memory to listen");
    struct cz__pg_listener *listener = cz_arena_new(arena, struct cz__pg_listener);
    if (listener) {
        *listener = (struct cz__pg_listener){ .arena = arena, .deliver = deliver };
        listener->link = (struct cz__pg_link){ .db = db, .watch_fd = -1, .listener = listener };
        listener->link.end = &listener->link.first;
        status = write_listener(listener, channels, count);
    }
    if (!listener || status) {
        cz_arena_destroy(arena);
        return cz_error_set(err, CZ_ENOMEM, "no memory to listen");
    }
    db->listener = listener;
    listener->running = true;
    status = cz__fiber_start(listen_fiber, listener);
    if (status) {
        db->listener = NULL;
        free_listener(listener);
        return cz_error_set(err, status, "no fiber is free to listen");
    }
    return CZ_OK;
}

void cz__postgresql_listen_stop(cz__db *base)
{
    struct cz__pg *db = (struct cz__pg *)base;
    struct cz__pg_listener *listener = db->listener;
    if (!listener)
        return;
    db->listener = NULL;
    listener->stopping = true;
    listener->link.listener = NULL;
    cz__timer_cancel(db->loop, &listener->timer);
    if (!listener->running) {
        free_listener(listener);
        return;
    }
    cz__pg_link_close(&listener->link);
    cz__fiber_cancel(listener->ctx, CZ_ECANCELED); /* it frees the rest as it leaves */
}
