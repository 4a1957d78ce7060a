/* PostgreSQL over libpq: the driver's calls. README.md has the idea.
 *
 * Where a statement runs: in a transaction on the connection the session took from the pool at its first
 * statement; without one, on a shared pipeline when it is numbered (written by the ORM and met again), else
 * on a connection of the pool, for itself alone. */
#include "db/postgresql/postgresql_internal.h"
#include "db/schema.h"
#include <calzone/log.h>
#include <stdio.h>

enum {
    SHAPES_MIN = 64,
    NUMBER_MAX = 1 << 20,
    LARGE_BYTES = 256 * 1024, /* a result that holds up those behind it */
    POOL_MS =
        300000, /* how long a slow statement stays off the pipelines, from its last slow run */
    NAME_BYTES = 40,
    SCHEMA_TIMEOUT_MS = 10 * 60 * 1000, /* another process may migrate so long */
    SCHEMA_RETRY_MS = 50
};

static cz_status pg_check(cz_arena *arena, const cz_url *url, cz_error *err);
static cz_status pg_open(const cz_url *url, cz__db **out, cz_error *err);
static void pg_close(cz__db *base);
static cz_status pg_change(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                           const cz__db_param *params, size_t count, int64_t *out_rows,
                           int64_t *out_last_id, cz_error *err);
static cz_status pg_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err);
static cz_status pg_commit(cz_ctx *ctx, cz__db_session *session, cz_error *err);
static void pg_rollback(cz_ctx *ctx, cz__db_session *session);
static cz_status pg_position(cz_ctx *ctx, cz__db_session *session, bool as_replica, uint64_t *out,
                             cz_error *err);
static cz_status pg_describe(cz_ctx *ctx, cz__db_session *session,
                             const cz__db_statement *statement, cz__db_cursor *out, size_t *out_at,
                             cz_error *err);
static unsigned pg_column_count(const cz__db_cursor *cursor);
static const char *pg_column_name(const cz__db_cursor *cursor, unsigned column);

const cz__db_driver cz__postgresql_driver = {
    .scheme = "postgresql",
    .scheme_short = "postgres",
    .features = &cz__postgresql_features,
    .check = pg_check,
    .open = pg_open,
    .close = pg_close,
    .select = cz__postgresql_select,
    .step = cz__postgresql_step,
    .read = cz__postgresql_read,
    .read_list = cz__postgresql_read_list,
    .write_json = cz__postgresql_write_json,
    .finish = cz__postgresql_finish,
    .describe = pg_describe,
    .column_count = pg_column_count,
    .column_name = pg_column_name,
    .is_readable = cz__postgresql_is_readable,
    .change = pg_change,
    .notify = cz__postgresql_notify,
    .listen = cz__postgresql_listen,
    .listen_again = cz__postgresql_listen_again,
    .listen_stop = cz__postgresql_listen_stop,
    .stream_begin = cz__postgresql_stream_begin,
    .stream_next = cz__postgresql_stream_next,
    .stream_end = cz__postgresql_stream_end,
    .load_begin = cz__postgresql_load_begin,
    .load_row = cz__postgresql_load_row,
    .load_end = cz__postgresql_load_end,
    .load_destroy = cz__postgresql_load_destroy,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .run = cz__postgresql_run_script,
    .schema_begin = cz__postgresql_schema_begin,
    .schema_commit = pg_commit,
    .schema_rollback = pg_rollback,
    .schema_names = cz__postgresql_schema_names,
    .schema_write = cz__postgresql_schema_write,
    .create_table = cz__postgresql_create_table,
    .table_exists = cz__postgresql_table_exists,
    .column_exists = cz__postgresql_column_exists,
    .describe_table = cz__postgresql_describe_table,
    .list_tables = cz__postgresql_list_tables,
    .keys_given = cz__postgresql_keys_given,
    .position = pg_position,
};

/* cz_error_set(), so that static analysis sees that it returns `status`. */
static cz_status fail(cz_error *err, cz_status status, const char *sentence)
{
    cz_ignore(cz_error_set(err, status, "%s", sentence));
    return status;
}

/* ---- opening ---- */

static struct cz__pg_link *create_links(struct cz__pg *db, unsigned count, bool pooled)
{
    struct cz__pg_link *links =
        cz_calloc(count + 1, sizeof *links); /* never none: NULL is a failure */
    for (unsigned i = 0; links && i < count; i++)
        links[i] = (struct cz__pg_link){ .db = db, .watch_fd = -1, .pooled = pooled };
    for (unsigned i = 0; links && i < count; i++)
        links[i].end = &links[i].first;
    return links;
}

/* Nothing connects here: a worker begins, and answers 503, while its database is away. */
static cz_status pg_check(cz_arena *arena, const cz_url *url, cz_error *err)
{
    struct cz__pg_settings settings;
    return cz__pg_settings_read(arena, url, true, &settings, err);
}

static cz_status pg_open(const cz_url *url, cz__db **out, cz_error *err)
{
    cz_status status = cz__pg_load(err);
    if (status)
        return status;
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        return fail(err, CZ_ENOMEM, "no memory to open the database");
    struct cz__pg *db = cz_calloc(1, sizeof *db);
    if (!db) {
        cz_arena_destroy(arena);
        return fail(err, CZ_ENOMEM, "no memory to open the database");
    }
    db->base.driver = &cz__postgresql_driver;
    db->arena = arena;
    db->loop = cz__loop_current();
    db->waiters_end = &db->waiters;
    status = cz__pg_settings_read(arena, url, !db->loop, &db->settings, err);
    if (!status) {
        if (!db->loop) /* a command is alone: a second connection would only cost */
            db->settings.pipelines = 0;
        db->pipelines = create_links(db, db->settings.pipelines, false);
        db->pool = create_links(db, db->settings.pool_size, true);
        if (!db->pipelines || !db->pool)
            status = fail(err, CZ_ENOMEM, "no memory to open the database");
    }
    if (status) {
        pg_close(&db->base);
        return status;
    }
    *out = &db->base;
    return CZ_OK;
}

static void close_links(struct cz__pg_link *links, unsigned count)
{
    for (unsigned i = 0; links && i < count; i++) {
        cz__pg_link_close(&links[i]);
        cz_free(links[i].prepared);
    }
    cz_free(links);
}

static void pg_close(cz__db *base)
{
    struct cz__pg *db = (struct cz__pg *)base;
    cz__postgresql_listen_stop(base);
    close_links(db->pipelines, db->settings.pipelines);
    close_links(db->pool, db->settings.pool_size);
    while (db->free_requests) {
        struct cz__pg_request *next = db->free_requests->next;
        cz_free(db->free_requests);
        db->free_requests = next;
    }
    for (size_t i = 0; i < db->shape_cap; i++)
        if (db->shapes[i]) {
            cz_free(db->shapes[i]->types);
            cz_free(db->shapes[i]);
        }
    cz_free(db->shapes);
    cz_free(db->values);
    cz_free(db->lengths);
    cz_free(db->formats);
    cz_buf_done(&db->scratch);
    cz__pg_references_clear(db);
    cz_arena_destroy(db->arena);
    cz_free(db);
}

/* ---- statements ---- */

/* A statement on its way; on the stack of the fiber that runs it. */
struct call {
    cz__db_session *session;
    const cz__db_statement *statement;
    cz_str sql; /* the statement's, with its parameters numbered */
    const cz__db_param *params;
    size_t count;
    bool read;                             /* it changes nothing */
    bool repeatable;                       /* of the ORM's: nor does a function in it */
    bool begins;                           /* the transaction, whose first statement it is */
    bool moved;                            /* off a pipeline on which it would have waited */
    struct cz__pg_shape *shape, own_shape; /* own: of a statement without number */
};

void cz__pg_shape_outdate(struct cz__pg_shape *shape)
{
    shape->version = shape->version == UINT16_MAX ? 1 : (uint16_t)(shape->version + 1);
}

static struct cz__pg_shape *shape_of(struct cz__pg *db, uint32_t number)
{
    if (number >= NUMBER_MAX)
        return NULL;
    if (number >= db->shape_cap) {
        size_t cap = db->shape_cap ? db->shape_cap : SHAPES_MIN;
        while (cap <= number)
            cap *= 2;
        struct cz__pg_shape **grown = cz_realloc(db->shapes, cap * sizeof(struct cz__pg_shape *));
        if (!grown)
            return NULL;
        memset(grown + db->shape_cap, 0, (cap - db->shape_cap) * sizeof(struct cz__pg_shape *));
        db->shapes = grown;
        db->shape_cap = cap;
    }
    if (!db->shapes[number])
        db->shapes[number] = cz_calloc(1, sizeof **db->shapes);
    return db->shapes[number];
}

static uint16_t *prepared_of(struct cz__pg_link *link, uint32_t number)
{
    if (number >= link->prepared_cap) {
        size_t cap = link->prepared_cap ? link->prepared_cap : SHAPES_MIN;
        while (cap <= number)
            cap *= 2;
        uint16_t *grown = cz_realloc(link->prepared, cap * sizeof *grown);
        if (!grown)
            return NULL;
        memset(grown + link->prepared_cap, 0, (cap - link->prepared_cap) * sizeof *grown);
        link->prepared = grown;
        link->prepared_cap = cap;
    }
    return &link->prepared[number];
}

static bool is_numbered(const struct call *call)
{
    return call->statement->number != CZ__STATEMENT_UNCACHED;
}

/* A prepared statement's name; without number it is the unnamed one, which the next replaces. */
static void write_name(const struct call *call, char out[NAME_BYTES])
{
    out[0] = '\0';
    if (is_numbered(call))
        cz_ignore(snprintf(out, NAME_BYTES, "cz%u_%u", call->statement->number,
                           call->shape->version)); /* fits */
}

/* Hand-written SQL marks parameters by "?" whatever the database; here they are $1, $2. Text, names and
 * comments are left as they are. */
static cz_status number_parameters(cz_ctx *ctx, cz_str sql, cz_str *out)
{
    if (cz_str_find_char(sql, '?') == SIZE_MAX) {
        *out = sql;
        return CZ_OK;
    }
    char *text = cz_arena_alloc(ctx->arena, sql.len + cz_str_count(sql, '?') * 10 + 1);
    if (!text)
        return CZ_ENOMEM;
    size_t len = 0;
    unsigned count = 0;
    char until = '\0'; /* inside something that ends with it */
    for (size_t i = 0; i < sql.len; i++) {
        char c = sql.ptr[i], next = i + 1 < sql.len ? sql.ptr[i + 1] : '\0';
        if (until) {
            if (c == until)
                until = '\0';
        } else if (c == '\'' || c == '"') {
            until = c;
        } else if (c == '-' && next == '-') {
            until = '\n';
        } else if (c == '?') {
            text[len++] = '$';
            len += cz_u64_write(text + len, ++count);
            continue;
        }
        text[len++] = c;
    }
    text[len] = '\0';
    *out = cz_str_of(text, len);
    return CZ_OK;
}

/* ---- what comes before a statement in its request ---- */

static bool send_sql(struct cz__pg_link *link, const char *sql)
{
    return cz__pq.PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
}

/* BEGIN with what the outermost block asked for. */
static void write_begin(char *text, size_t bytes, const cz__db_session *session)
{
    static const char *const levels[] = {
        [CZ_ISOLATION_DEFAULT] = "",
        [CZ_ISOLATION_READ_COMMITTED] = " ISOLATION LEVEL READ COMMITTED",
        [CZ_ISOLATION_REPEATABLE_READ] = " ISOLATION LEVEL REPEATABLE READ",
        [CZ_ISOLATION_SERIALIZABLE] = " ISOLATION LEVEL SERIALIZABLE",
    };
    cz_ignore(snprintf(text, bytes, "BEGIN%s%s", levels[session->isolation],
                       session->read_only ? " READ ONLY" : "")); /* fits */
}

/* BEGIN and SAVEPOINT travel with the first statement that needs them. Returns how many, -1: a failure. */
static int send_beginnings(struct cz__pg_link *link, cz__db_session *session)
{
    int sent = 0;
    if (!session || session->connection != link)
        return 0;
    for (; session->depth_sent < session->depth; session->depth_sent++, sent++) {
        char text[64];
        if (session->depth_sent)
            cz_ignore(
                snprintf(text, sizeof text, "SAVEPOINT cz_%u", session->depth_sent)); /* fits */
        else
            write_begin(text, sizeof text, session);
        if (!send_sql(link, text))
            return -1;
    }
    return sent;
}

/* Keep what the server has said of the parameters' types. */
static cz_status learn(struct cz__pg_shape *shape, const PGresult *described)
{
    int count = cz__pq.PQnparams(described);
    Oid *types = cz_calloc((size_t)count + 1, sizeof *types);
    if (!types)
        return CZ_ENOMEM;
    for (int i = 0; i < count; i++)
        types[i] = cz__pq.PQparamtype(described, i);
    cz_free(shape->types);
    shape->types = types;
    shape->count = (uint16_t)count;
    return CZ_OK;
}

/* The ORM says what its parameters are. */
static cz_status take_types(struct cz__pg_shape *shape, const cz__db_statement *statement)
{
    Oid *types = cz_calloc(statement->type_count + 1, sizeof *types);
    if (!types)
        return CZ_ENOMEM;
    for (size_t i = 0; i < statement->type_count; i++)
        types[i] = cz__pg_oid_of(statement->types[i]);
    shape->types = types;
    shape->count = (uint16_t)statement->type_count;
    return CZ_OK;
}

static struct cz__pg_request *new_request(struct cz__pg_link *link, cz_error *err)
{
    struct cz__pg_request *request = cz__pg_request_create(link);
    if (!request)
        cz_ignore(fail(err, CZ_ENOMEM, "no memory to run a statement"));
    return request;
}

static bool send_parse(struct cz__pg_request *request, const struct call *call, int commands_before)
{
    char name[NAME_BYTES];
    write_name(call, name);
    struct cz__pg_link *link = request->link;
    if (is_numbered(call)) {
        request->number = call->statement->number;
        request->parse_at = commands_before;
        link->prepared[call->statement->number] = call->shape->version;
    }
    return cz__pq.PQsendPrepare(link->conn, name, call->sql.ptr, (int)call->shape->count,
                                call->shape->types);
}

/* Parse a statement and ask the server for its parameters' types: once in a process for each numbered one
 * that does not bring them. */
static cz_status describe(cz_ctx *ctx, struct cz__pg_link *link, struct call *call,
                          struct cz__pg_request **out, cz_error *err)
{
    char name[NAME_BYTES];
    struct cz__pg_request *request = new_request(link, err);
    if (!request)
        return CZ_ENOMEM;
    call->shape->version = call->shape->version ? call->shape->version : 1;
    write_name(call, name);
    int before = send_beginnings(link, call->session);
    /* another fiber may have been here first */
    bool parsed =
        is_numbered(call) && link->prepared[call->statement->number] == call->shape->version;
    bool sent = before >= 0 && (parsed || send_parse(request, call, before)) &&
                cz__pq.PQsendDescribePrepared(link->conn, name);
    cz__pg_request_send(request, sent);
    cz_status status = cz__pg_request_wait(ctx, request, false);
    if (status)
        return fail(err, status, "gave up waiting for the database");
    if (!request->lost && !request->failure)
        status = learn(call->shape, request->result);
    if (status) {
        cz__pg_request_destroy(request);
        return fail(err, status, "no memory to run a statement");
    }
    *out = request;
    return CZ_OK;
}

/* Send a statement whose parameters' types are known, and wait. */
static cz_status execute(cz_ctx *ctx, struct cz__pg_link *link, struct call *call, bool parsed,
                         struct cz__pg_request **out, cz_error *err)
{
    struct cz__pg *db = link->db;
    char name[NAME_BYTES];
    uint16_t version = call->shape->version;
    cz_status status = cz__pg_encode(db, call->shape, call->params, call->count, err);
    if (status)
        return status;
    struct cz__pg_request *request = new_request(link, err);
    if (!request)
        return CZ_ENOMEM;
    /* once: where everything is slow, to ask again and again would make it slower */
    request->movable = call->repeatable && !link->pooled && !call->session->depth && !call->moved;
    parsed = parsed && version == call->shape->version;
    if (is_numbered(call))
        parsed = link->prepared[call->statement->number] == call->shape->version;
    int before = send_beginnings(link, call->session);
    bool sent = before >= 0 && (parsed || send_parse(request, call, before));
    write_name(call, name);
    sent = sent && cz__pq.PQsendQueryPrepared(link->conn, name, (int)call->count, db->values,
                                              db->lengths, db->formats, 1);
    cz__pg_request_send(request, sent);
    /* A short change is waited for, so that its end is known. */
    status = cz__pg_request_wait(ctx, request, !call->read && !link->pooled);
    call->moved |= status == CZ_EBUSY;
    if (status)
        return fail(err, status,
                    call->read || call->session->depth
                        ? "gave up waiting for the database"
                        : "gave up waiting for the database; whether the change was "
                          "stored is not known");
    *out = request;
    return CZ_OK;
}

/* Run a statement on a connection. CZ_OK: the request is over, well or not. */
static cz_status run_on(cz_ctx *ctx, struct cz__pg_link *link, struct call *call,
                        struct cz__pg_request **out, cz_error *err)
{
    bool parsed = false;
    if (is_numbered(call) && !prepared_of(link, call->statement->number))
        return fail(err, CZ_ENOMEM, "no memory for a prepared statement");
    if (!call->shape->types && call->statement->types && take_types(call->shape, call->statement))
        return fail(err, CZ_ENOMEM, "no memory to run a statement");
    if (!call->shape->types && call->count) {
        struct cz__pg_request *request = NULL;
        cz_status status = describe(ctx, link, call, &request, err);
        if (status)
            return status;
        if (request->lost || request->failure) {
            request->unsent = true; /* it was only asked about */
            *out = request;
            return CZ_OK;
        }
        cz__pg_request_destroy(request);
        parsed = true;
    }
    if (!call->shape->version)
        call->shape->version = 1;
    return execute(ctx, link, call, parsed, out, err);
}

/* ---- where a statement runs, and trying again ---- */

static void forget_connection(cz__db_session *session)
{
    struct cz__pg_link *link = session->connection;
    session->connection = NULL;
    session->depth_sent = 0;
    if (link)
        cz__pg_pool_give(link);
}

/* Changes wait for the disk: with two pipelines or more, reads do not wait for them. */
static struct cz__pg_link *pick_pipeline(struct cz__pg *db, bool read)
{
    unsigned count = db->settings.pipelines;
    if (count > 1 && !read)
        return &db->pipelines[count - 1];
    unsigned readers = count > 1 ? count - 1 : count;
    struct cz__pg_link *link = &db->pipelines[db->next_pipeline++ % readers];
    /* behind a slow statement nobody should wait: better with the changes */
    for (unsigned i = 0; read && i < count && cz__pg_link_is_stuck(link); i++)
        link = &db->pipelines[i];
    return link;
}

static bool belongs_on_pool(const struct cz__pg *db, const struct call *call)
{
    if (!is_numbered(call) || call->statement->by_hand || !db->settings.pipelines)
        return true;
    bool stuck = call->repeatable;
    for (unsigned i = 0; i < db->settings.pipelines && stuck; i++)
        stuck = cz__pg_link_is_stuck(&db->pipelines[i]);
    if (stuck)
        return true;
    return call->shape->pool_until_us && cz_monotonic_us() < call->shape->pool_until_us;
}

static void keep_off_pipelines(struct cz__pg_shape *shape)
{
    shape->pool_until_us = cz_monotonic_us() + (int64_t)POOL_MS * 1000;
}

/* Take the connection for one try. `*out_single`: for this statement only, to be given back. */
static cz_status take_link(cz_ctx *ctx, struct cz__pg *db, const struct call *call, bool on_pool,
                           struct cz__pg_link **out, bool *out_single, cz_error *err)
{
    cz__db_session *session = call->session;
    *out_single = false;
    if (session->depth) {
        cz_status status = CZ_OK;
        if (!session->connection) {
            struct cz__pg_link *link;
            status = cz__pg_pool_take(ctx, db, &link, err);
            if (!status)
                session->connection = link;
        }
        *out = session->connection;
        if (!status && (*out)->state != CZ__PG_READY)
            status = fail(err, CZ_EUNAVAILABLE,
                          "the connection of this transaction was lost, which undid it");
        return status;
    }
    if (on_pool) {
        *out_single = true;
        return cz__pg_pool_take(ctx, db, out, err);
    }
    *out = pick_pipeline(db, call->read);
    return cz__pg_link_open(ctx, *out, err);
}

/* Whether the statement was prepared for tables that have changed since: its result would have other columns,
 * or what it says makes no sense any more with the types it was given then. */
static bool is_plan_outdated(const struct call *call, const struct cz__pg_request *request)
{
    const PGresult *failure = request->failure;
    const char *where = cz__pq.PQresultErrorField(failure, PG_DIAG_SOURCE_FUNCTION);
    if (!is_numbered(call))
        return false;
    if (cz__pg_has_state(failure, "0A000"))
        return where && !strcmp(where, "RevalidateCachedQuery");
    bool prepared_before = request->parse_at < 0;
    return cz__pg_has_state(failure, "26000") ||
           (prepared_before && cz__pg_has_state(failure, "42") &&
            !cz__pg_has_state(failure, "42501")); /* permission denied */
}

/* Prepare it again, everywhere, and ask again what its parameters are. */
static void renew(struct call *call)
{
    cz__pg_shape_outdate(call->shape);
    if (call->statement->types)
        return;
    cz_free(call->shape->types);
    call->shape->types = NULL;
    call->shape->count = 0;
}

enum outcome { DONE, FAILED, AGAIN, AGAIN_ON_POOL };

/* What a finished request means. AGAIN only where nothing can have been stored. */
static enum outcome judge(struct call *call, const struct cz__pg_request *request, bool on_pool,
                          cz_status *out_status, cz_error *err)
{
    bool alone = call->session->depth == 0;
    if (request->copies) {
        *out_status = fail(err, CZ_EUNSUPPORTED, "COPY cannot be run here");
        return FAILED;
    }
    if (request->lost || cz__pg_is_loss(request->failure)) {
        bool unknown = alone && !call->read && !request->unsent;
        *out_status = fail(
            err, unknown ? CZ_EUNKNOWN : CZ_EUNAVAILABLE,
            unknown ? "the connection to PostgreSQL was lost; whether the change was stored is "
                      "not known"
            : alone ? "the connection to PostgreSQL was lost"
                    : "the connection of this transaction was lost, which undid it");
        return (alone && (request->unsent || call->repeatable)) || call->begins ? AGAIN : FAILED;
    }
    if (!request->failure)
        return DONE;
    *out_status = cz__pg_error(request->failure, err);
    if (is_plan_outdated(call, request)) {
        renew(call);
        *out_status = fail(err, CZ_ESERIALIZATION, "PostgreSQL: a table has changed");
        return alone || call->begins ? AGAIN : FAILED;
    }
    if (alone && !on_pool &&
        (cz__pg_has_state(request->failure, "57014") ||
         cz__pg_has_state(request->failure, "55P03"))) {
        keep_off_pipelines(call->shape); /* too slow, or behind a lock */
        return AGAIN_ON_POOL;
    }
    /* the server had no room for it */
    if (((alone && call->repeatable) || call->begins) && *out_status == CZ_EUNAVAILABLE)
        return AGAIN;
    return FAILED;
}

static void note_cost(const struct cz__pg *db, const struct call *call,
                      const struct cz__pg_request *request, int64_t began_us)
{
    bool slow = cz_monotonic_us() - began_us > db->settings.pipeline_timeout_ms * 1000;
    if (is_numbered(call) && call->shape->pool_until_us && slow)
        keep_off_pipelines(call->shape);
    if (is_numbered(call) && cz__pq.PQresultMemorySize(request->result) > LARGE_BYTES)
        keep_off_pipelines(call->shape);
}

static cz_status run(cz_ctx *ctx, struct call *call, struct cz__pg_request **out, cz_error *err)
{
    struct cz__pg *db = (struct cz__pg *)call->session->db;
    bool on_pool = belongs_on_pool(db, call), tried = false;
    for (;;) {
        struct cz__pg_link *link;
        struct cz__pg_request *request = NULL;
        bool single;
        int64_t began_us = cz_monotonic_us();
        call->begins = call->session->depth && !call->session->depth_sent;
        cz_status status = take_link(ctx, db, call, on_pool, &link, &single, err);
        if (status)
            return status;
        status = run_on(ctx, link, call, &request, err);
        if (single)
            cz__pg_pool_give(link);
        if (status == CZ_EBUSY) { /* moved: what is read there is dropped when it comes */
            on_pool = belongs_on_pool(db, call);
            continue;
        }
        if (status)
            return status;
        enum outcome outcome = judge(call, request, on_pool, &status, err);
        cz_assert(outcome == DONE || status);
        if (outcome == DONE) {
            note_cost(db, call, request, began_us);
            *out = request;
            return CZ_OK;
        }
        cz__pg_request_destroy(request);
        if (outcome == AGAIN_ON_POOL && !on_pool)
            on_pool = true;
        else if (outcome == AGAIN && !tried) {
            tried = true;
            if (call->begins) /* nothing of it is left: it begins anew on another connection */
                forget_connection(call->session);
        } else
            return status;
    }
}

/* An INSERT may give rows, too. What begins otherwise is taken for a change. */
static bool is_read(cz_str sql)
{
    static const cz_str beginnings[] = { { "SELECT", 6 },
                                         { "(SELECT", 7 },
                                         { "EXPLAIN SELECT", 14 } };
    for (size_t i = 0; i < CZ_COUNT(beginnings); i++)
        if (cz_str_eq_icase(cz_str_head(sql, beginnings[i].len), beginnings[i]))
            return true;
    return false;
}

static cz_status begin_call(cz_ctx *ctx, struct call *call, cz_error *err)
{
    struct cz__pg *db = (struct cz__pg *)call->session->db;
    call->sql = call->statement->sql;
    call->shape = &call->own_shape;
    call->read = is_read(call->sql);
    call->repeatable =
        call->read && !call->statement->by_hand && (is_numbered(call) || call->statement->types);
    cz_status status = CZ_OK;
    /* the ORM numbers its own; where there are none, as in migrations, "?" may be an operator */
    if (call->count && !call->statement->types && !is_numbered(call))
        status = number_parameters(ctx, call->sql, &call->sql);
    if (is_numbered(call) && !(call->shape = shape_of(db, call->statement->number)))
        status = CZ_ENOMEM;
    return status ? fail(err, status, "no memory to run a statement") : CZ_OK;
}

static cz_status run_call(cz_ctx *ctx, struct call *call, struct cz__pg_request **out,
                          cz_error *err)
{
    cz_status status = begin_call(ctx, call, err);
    if (!status)
        status = run(ctx, call, out, err);
    cz_free(call->own_shape.types);
    return status;
}

/* ---- reading ---- */

cz_status cz__postgresql_select(cz_ctx *ctx, cz__db_session *session,
                                const cz__db_statement *statement, const cz__db_param *params,
                                size_t count, cz__db_cursor *out, cz_error *err)
{
    struct call call = {
        .session = session, .statement = statement, .params = params, .count = count
    };
    struct cz__pg_request *request = NULL;
    cz_status status = run_call(ctx, &call, &request, err);
    if (!status)
        *out = (cz__db_cursor){ .db = session->db, .handle = request };
    return status;
}

cz_status cz__postgresql_step(cz__db_cursor *cursor, bool *out_row, cz_error *err)
{
    (void)err;
    struct cz__pg_request *request = cursor->handle;
    int count = cz__pq.PQntuples(request->result);
    if (request->texts)
        cz__pg_request_free_texts(request);
    if (request->row < count)
        request->row++;
    *out_row = request->row < count;
    return CZ_OK;
}

void cz__postgresql_finish(cz__db_cursor *cursor)
{
    cz__pg_request_destroy(cursor->handle);
    cursor->handle = NULL;
}

/* ---- what a statement gives ---- */

/* The server counts characters, from 1. SIZE_MAX: it names no place. */
static size_t failure_at(const PGresult *failure, cz_str sql)
{
    uint64_t characters = 0;
    const char *text = cz__pq.PQresultErrorField(failure, PG_DIAG_STATEMENT_POSITION);
    if (!text || cz_str_to_u64(cz_str_from(text), &characters) || !characters)
        return SIZE_MAX;
    size_t at = 0;
    while (--characters && at < sql.len)
        while (++at < sql.len && ((unsigned char)sql.ptr[at] & 0xc0) == 0x80)
            ;
    return at;
}

/* Parse it as the unnamed statement, which the next one replaces. */
static cz_status describe_on(cz_ctx *ctx, struct cz__pg_link *link, struct call *call,
                             cz__db_cursor *out, size_t *out_at, cz_error *err)
{
    struct cz__pg_request *request = NULL;
    if (take_types(call->shape, call->statement))
        return fail(err, CZ_ENOMEM, "no memory to run a statement");
    cz_status status = describe(ctx, link, call, &request, err);
    if (status)
        return status;
    if (request->lost)
        status = fail(err, CZ_EUNAVAILABLE, "the connection to PostgreSQL was lost");
    else if (request->failure)
        status = cz__pg_error(request->failure, err);
    else if (call->shape->count != call->statement->type_count)
        status = cz_error_set(err, CZ_EINVAL, "the statement has %u parameters, not %zu",
                              call->shape->count, call->statement->type_count);
    if (status) {
        if (request->failure)
            *out_at = failure_at(request->failure, call->sql);
        cz__pg_request_destroy(request);
        return status;
    }
    *out = (cz__db_cursor){ .db = call->session->db, .handle = request };
    return CZ_OK;
}

static cz_status pg_describe(cz_ctx *ctx, cz__db_session *session,
                             const cz__db_statement *statement, cz__db_cursor *out, size_t *out_at,
                             cz_error *err)
{
    cz__db_statement once = *statement;
    once.number = CZ__STATEMENT_UNCACHED;
    struct call call = { .session = session,
                         .statement = &once,
                         .sql = once.sql,
                         .shape = &call.own_shape,
                         .read = true };
    struct cz__pg_link *link;
    bool single;
    *out_at = SIZE_MAX;
    cz_status status =
        take_link(ctx, (struct cz__pg *)session->db, &call, true, &link, &single, err);
    if (status)
        return status;
    status = describe_on(ctx, link, &call, out, out_at, err);
    if (single)
        cz__pg_pool_give(link);
    cz_free(call.own_shape.types);
    return status;
}

static unsigned pg_column_count(const cz__db_cursor *cursor)
{
    const struct cz__pg_request *request = cursor->handle;
    return (unsigned)cz__pq.PQnfields(request->result);
}

static const char *pg_column_name(const cz__db_cursor *cursor, unsigned column)
{
    const struct cz__pg_request *request = cursor->handle;
    const char *name = cz__pq.PQfname(request->result, (int)column);
    return name ? name : "";
}

/* ---- writing ---- */

static cz_status pg_change(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                           const cz__db_param *params, size_t count, int64_t *out_rows,
                           int64_t *out_last_id, cz_error *err)
{
    struct call call = {
        .session = session, .statement = statement, .params = params, .count = count
    };
    struct cz__pg_request *request = NULL;
    cz_status status = run_call(ctx, &call, &request, err);
    if (status)
        return status;
    uint64_t rows = 0;
    int64_t last_id = 0;
    /* empty for statements that count nothing */
    cz_ignore(cz_str_to_u64(cz_str_from(cz__pq.PQcmdTuples(request->result)), &rows));
    request->row = 0;
    cz__db_cursor cursor = { .db = session->db, .handle = request };
    if (cz__pq.PQntuples(request->result) > 0)
        cz_ignore(!cz__postgresql_read(&cursor, 0, CZ__DB_INT64, &last_id)); /* NULL: 0 */
    cz__pg_request_destroy(request);
    *out_rows = (int64_t)rows;
    *out_last_id = last_id;
    return CZ_OK;
}

cz_status cz__postgresql_run(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err)
{
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    int64_t rows, last_id;
    return pg_change(ctx, session, &statement, NULL, 0, &rows, &last_id, err);
}

cz_status cz__postgresql_run_script(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err)
{
    cz_status status = CZ_OK;
    for (cz_str rest = sql, one; !status && (one = cz__sql_cut(&rest)).len;) {
        status = cz_str_dup(ctx->arena, one, &one); /* statements end in NUL */
        status = status ? cz_error_set(err, status, "no memory for a statement")
                        : cz__postgresql_run(ctx, session, one, err);
    }
    return status;
}

/* ---- transactions ---- */

/* Nothing is sent: what begins a transaction goes with its first statement. */
static cz_status pg_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    (void)ctx;
    (void)err;
    session->depth++;
    session->writing = true;
    return CZ_OK;
}

/* Run a statement that ends a transaction or savepoint. */
static cz_status run_ending(cz_ctx *ctx, struct cz__pg_link *link, const char *sql,
                            struct cz__pg_request **out, cz_error *err)
{
    if (link->state != CZ__PG_READY)
        return fail(err, CZ_EUNAVAILABLE,
                    "the connection of this transaction was lost, which undid it");
    struct cz__pg_request *request = new_request(link, err);
    if (!request)
        return CZ_ENOMEM;
    bool sent = send_sql(link, sql);
    cz__pg_request_send(request, sent);
    /* waited for whatever becomes of the request: so its end is known */
    cz_ignore(cz__pg_request_wait(ctx, request, true));
    request->lost |= cz__pg_is_loss(request->failure);
    if (request->failure && !cz__pg_is_loss(request->failure)) {
        cz_status status = cz__pg_error(request->failure, err);
        cz_assert(status);
        cz__pg_request_destroy(request);
        return status;
    }
    *out = request;
    return CZ_OK;
}

static cz_status commit_outermost(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    struct cz__pg_request *request = NULL;
    if (!session->depth_sent)
        return CZ_OK; /* no statement ran */
    cz_status status = run_ending(ctx, session->connection, "COMMIT", &request, err);
    if (status)
        return status;
    /* "COMMIT" is said after it is done, whatever becomes of the connection then */
    if (request->result && strcmp(cz__pq.PQcmdStatus(request->result), "COMMIT") == 0)
        status = CZ_OK;
    else if (request->result)
        status = fail(err, CZ_EDATABASE,
                      "the transaction was rolled back: an earlier statement of it failed");
    else
        status = request->unsent
                     ? fail(err, CZ_EUNAVAILABLE,
                            "the connection of this transaction was lost, which undid it")
                     : fail(err, CZ_EUNKNOWN,
                            "the connection to PostgreSQL was lost during a commit; whether "
                            "the change was stored is not known");
    cz__pg_request_destroy(request);
    return status;
}

static cz_status pg_commit(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    cz_assert(session->depth > 0);
    cz_status status = CZ_OK;
    if (--session->depth == 0) {
        session->writing = false;
        status = commit_outermost(ctx, session, err);
        forget_connection(session);
        return status;
    }
    if (session->depth_sent <= session->depth)
        return CZ_OK; /* the savepoint was never made: no statement ran inside */
    session->depth_sent = session->depth;
    char text[64];
    cz_ignore(snprintf(text, sizeof text, "RELEASE SAVEPOINT cz_%u", session->depth)); /* fits */
    struct cz__pg_request *request = NULL;
    status = run_ending(ctx, session->connection, text, &request, err);
    if (status)
        return status;
    if (request->lost)
        status = fail(err, CZ_EUNAVAILABLE,
                      "the connection of this transaction was lost, which undid it");
    cz__pg_request_destroy(request);
    return status;
}

/* Nobody waits: the connection goes on with what is sent here before it serves anybody else, and one that
 * cannot is closed, which rolls back as well. */
static void send_rollback(struct cz__pg_link *link, const char *first, const char *second)
{
    struct cz__pg_request *request = NULL;
    if (link->state != CZ__PG_READY)
        return;
    if (!(request = cz__pg_request_create(link))) {
        cz__pg_link_close(link);
        return;
    }
    bool sent = send_sql(link, first) && (!second || send_sql(link, second));
    cz__pg_request_send(request, sent);
    cz__pg_request_abandon(request);
}

static void pg_rollback(cz_ctx *ctx, cz__db_session *session)
{
    (void)ctx;
    cz_assert(session->depth > 0);
    if (--session->depth == 0) {
        session->writing = false;
        if (session->depth_sent)
            send_rollback(session->connection, "ROLLBACK", NULL);
        forget_connection(session);
        return;
    }
    if (session->depth_sent <= session->depth)
        return;
    session->depth_sent = session->depth;
    char back[64], release[64];
    cz_ignore(snprintf(back, sizeof back, "ROLLBACK TO SAVEPOINT cz_%u", session->depth));
    cz_ignore(snprintf(release, sizeof release, "RELEASE SAVEPOINT cz_%u", session->depth));
    send_rollback(session->connection, back, release);
}

/* ---- replicas ---- */

/* Where the log is written, not where it is flushed: a commit that does not wait for the disk lies before it,
 * too. */
static cz_status pg_position(cz_ctx *ctx, cz__db_session *session, bool as_replica, uint64_t *out,
                             cz_error *err)
{
    static const cz__db_type none[1];
    static const cz__db_statement primary = {
        .sql = { "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint", 60 },
        .number = 1,
        .types = none,
    };
    static const cz__db_statement replica = {
        .sql = { "SELECT CASE WHEN pg_is_in_recovery() THEN "
                 "(pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint END",
                 96 },
        .number = 2,
        .types = none,
    };
    const cz__db_statement *statement = as_replica ? &replica : &primary;
    cz__db_cursor cursor;
    cz_assert(statement->sql.len == strlen(statement->sql.ptr));
    cz_status status = cz__postgresql_select(ctx, session, statement, NULL, 0, &cursor, err);
    if (status)
        return status;
    bool row = false, known = false;
    int64_t position = 0;
    status = cz__postgresql_step(&cursor, &row, err);
    if (!status && row)
        known = cz__postgresql_read(&cursor, 0, CZ__DB_INT64, &position);
    cz__postgresql_finish(&cursor);
    if (!status && !known)
        return fail(err, CZ_EUNSUPPORTED, "the server is no replica: it does not follow another");
    *out = (uint64_t)position;
    return status;
}

/* Whether the lock of migrations was free, and is this transaction's now. */
static cz_status try_schema_lock(cz_ctx *ctx, cz__db_session *session, bool *out_taken,
                                 cz_error *err)
{
    static const cz__db_statement try = {
        .sql = { "SELECT pg_try_advisory_xact_lock(7235126312)", 44 },
        .number = CZ__STATEMENT_UNCACHED,
    };
    cz__db_cursor cursor;
    bool row = false;
    cz_status status = cz__postgresql_select(ctx, session, &try, NULL, 0, &cursor, err);
    if (status)
        return status;
    *out_taken = false;
    status = cz__postgresql_step(&cursor, &row, err);
    if (!status && row)
        cz_ignore(cz__postgresql_read(&cursor, 0, CZ__DB_BOOL, out_taken)); /* never NULL */
    cz__postgresql_finish(&cursor);
    return status;
}

/* The lock of migrations is asked for again and again: a statement that waited for it would keep the other's
 * CREATE INDEX CONCURRENTLY waiting, for ever. */
cz_status cz__postgresql_schema_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    static const char limits[] = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'; "
                                 "SET LOCAL idle_in_transaction_session_timeout = 0";
    if (session->depth)
        return cz_error_set(err, CZ_EINVAL, "tables cannot change inside a transaction");
    int64_t give_up = cz_monotonic_us() + SCHEMA_TIMEOUT_MS * INT64_C(1000);
    for (;;) {
        bool taken = false;
        cz_status status = pg_begin(ctx, session, err);
        if (status)
            return status;
        status = try_schema_lock(ctx, session, &taken, err);
        if (!status && taken)
            status = cz__postgresql_run_script(ctx, session, cz_str_from(limits), err);
        if (!status && taken)
            return CZ_OK;
        pg_rollback(ctx, session);
        if (!status && cz_monotonic_us() > give_up)
            status =
                cz_error_set(err, CZ_EBUSY, "another process has been migrating for %d minutes",
                             SCHEMA_TIMEOUT_MS / 60000);
        if (!status)
            status = cz__db_sleep(ctx, SCHEMA_RETRY_MS);
        if (status)
            return status;
    }
}
