/* One connection: opening it, sending requests, sorting what comes back, noticing that nothing does.
 *
 * States of a link, and who makes each:
 *
 *     CLOSED      nothing is open            cz__pg_link_close(), at any time
 *     CONNECTING  looking up the host,       cz__pg_link_open()
 *                 then libpq's handshake
 *     READY       in pipeline mode           connected(), at the handshake's end
 *
 * The handshake and the reading go on in the loop's callbacks, whichever fibers wait. Outside a loop whoever
 * waits polls the socket and calls the same steps. Nothing suspends between the first command of a request
 * and its Sync, so requests never mix. */
#include "db/postgresql/postgresql_internal.h"
#include <calzone/log.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum {
    BACKOFF_MS_MIN = 50,
    BACKOFF_MS_MAX = 400,
    DOWN_GRACE_MS = 250, /* one waits so long for a server that was away a moment ago */
    SILENCE_MS = 2000,   /* over the statement's time-out: no server is that late */
    KEYWORDS_MAX = 24,
    STUCK_MS = 25, /* a statement that takes longer on a pipeline is overtaken */
    EMPTY_RESULTS_MAX = 2
};

static void link_timer_due(cz__timer *timer);

static void set_timer(struct cz__pg_link *link, int64_t ms)
{
    if (link->db->loop)
        cz__timer_set(link->db->loop, &link->timer, ms, link_timer_due);
}

static void cancel_timer(struct cz__pg_link *link)
{
    if (!link->db->loop)
        return;
    cz__timer_cancel(link->db->loop, &link->timer);
    cz__timer_cancel(link->db->loop, &link->stuck_timer);
}

/* ---- watching the socket ---- */

static void link_ready(cz__watch *watch, uint32_t events);

/* libpq closes its socket by itself when it fails, and epoll wants to be told before: a duplicate is
 * watched. */
static void unwatch(struct cz__pg_link *link)
{
    if (link->watch_fd < 0)
        return;
    cz__watch_remove(link->db->loop, &link->watch);
    close(link->watch_fd);
    link->watch_fd = -1;
}

static bool want(struct cz__pg_link *link, uint32_t events)
{
    link->poll_events = events;
    if (!link->db->loop)
        return true;
    if (link->watch_fd >= 0) {
        cz__watch_want(link->db->loop, &link->watch, events);
        return true;
    }
    int fd = fcntl(cz__pq.PQsocket(link->conn), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (cz__watch_add(link->db->loop, &link->watch, fd, events, link_ready)) {
        close(fd);
        return false;
    }
    link->watch_fd = fd;
    return true;
}

/* ---- the end ---- */

static void wake_openers(struct cz__pg_link *link)
{
    struct cz__pg_waiter *waiter = link->opening;
    link->opening = NULL;
    while (waiter) {
        struct cz__pg_waiter *next = waiter->next;
        waiter->link = link; /* told */
        cz__fiber_wake(waiter->fiber);
        waiter = next;
    }
}

void cz__pg_request_free_texts(struct cz__pg_request *request)
{
    while (request->texts) {
        struct cz__pg_text *next = request->texts->next;
        cz_free(request->texts);
        request->texts = next;
    }
}

static void request_free(struct cz__pg_request *request)
{
    struct cz__pg *db = request->link->db;
    cz__pg_request_free_texts(request);
    if (request->result)
        cz__pq.PQclear(request->result);
    if (request->failure)
        cz__pq.PQclear(request->failure);
    request->result = request->failure = NULL;
    request->next = db->free_requests;
    db->free_requests = request;
}

/* The first request under way is over. */
static void request_over(struct cz__pg_link *link)
{
    struct cz__pg_request *request = link->first;
    link->first = request->next;
    if (!link->first)
        link->end = &link->first;
    if (request->parse_at >= 0 && request->succeeded <= request->parse_at &&
        request->number < link->prepared_cap)
        link->prepared[request->number] = 0;
    request->done = true;
    if (request->abandoned)
        request_free(request);
    else if (request->fiber)
        cz__fiber_wake(request->fiber);
}

void cz__pg_link_close(struct cz__pg_link *link)
{
    cancel_timer(link);
    unwatch(link);
    if (link->conn)
        cz__pq.PQfinish(link->conn);
    link->conn = NULL;
    link->state = CZ__PG_CLOSED;
    while (link->first) {
        link->first->lost = true;
        request_over(link);
    }
    if (link->prepared)
        memset(link->prepared, 0, link->prepared_cap * sizeof *link->prepared);
    wake_openers(link);
    if (link->draining)
        cz__pg_pool_give(link);
    if (link->listener)
        cz__pg_listener_lost(link->listener);
}

/* What a server that was reached has said, as that there is no such database or role; NULL: it was not. */
static const char *refusal_of(const struct cz__pg *db)
{
    const char *mark = "FATAL:", *at = strstr(db->down_reason, mark);
    return at ? at + strlen(mark) + strspn(at + strlen(mark), " ") : NULL;
}

/* The server cannot be reached: for a while nobody tries again, longer each time and never all at once. */
static void server_down(struct cz__pg_link *link, const char *reason)
{
    struct cz__pg *db = link->db;
    int64_t backoff = db->backoff_ms * 2;
    db->backoff_ms = backoff < BACKOFF_MS_MIN   ? BACKOFF_MS_MIN
                     : backoff > BACKOFF_MS_MAX ? BACKOFF_MS_MAX
                                                : backoff;
    int64_t jitter = (int64_t)(cz_random_u64() % (uint64_t)(db->backoff_ms / 2 + 1));
    db->retry_at_us = cz_monotonic_us() + (db->backoff_ms + jitter) * 1000;
    cz_ignore(snprintf(db->down_reason, sizeof db->down_reason, "%.*s", (int)strcspn(reason, "\n"),
                       reason)); /* the rest may be cut */
    if (!db->down && db->loop)   /* a command says so itself when it fails */
        cz_log_warning(NULL, "calzone.db",
                       refusal_of(db) ? "PostgreSQL refuses connections" : "PostgreSQL is away",
                       CZ_FIELD_STR("reason", cz_str_from(db->down_reason)));
    db->down = true;
    db->addresses[0] = '\0'; /* another may have taken over the name */
    cz__pg_link_close(link);
}

static cz_status unavailable(const struct cz__pg *db, cz_error *err)
{
    const char *refusal = refusal_of(db);
    if (refusal)
        return cz_error_set(err, CZ_EUNAVAILABLE, "PostgreSQL refuses the connection: %s", refusal);
    return cz_error_set(err, CZ_EUNAVAILABLE, "PostgreSQL cannot be reached: %s",
                        *db->down_reason ? db->down_reason : "the connection was lost");
}

/* ---- opening ---- */

struct lookup { /* for a thread of the pool: owns what it uses */
    const char *host;
    char addresses[sizeof((struct cz__pg *)0)->addresses];
    unsigned count;
    int code;
};

static void look_up(void *arg)
{
    struct lookup *lookup = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;
    lookup->code = getaddrinfo(lookup->host, NULL, &hints, &found);
    if (lookup->code)
        return;
    size_t len = 0;
    for (struct addrinfo *at = found; at && lookup->count < CZ__PG_ADDRESSES_MAX;
         at = at->ai_next) {
        char text[64];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST))
            continue;
        int added = snprintf(lookup->addresses + len, sizeof lookup->addresses - len, "%s%s",
                             len ? "," : "", text);
        if (added < 0 || (size_t)added >= sizeof lookup->addresses - len) {
            lookup->addresses[len] = '\0';
            break;
        }
        len += (size_t)added;
        lookup->count++;
    }
    freeaddrinfo(found);
}

/* The addresses of the host: libpq would look them up in this thread. */
static cz_status resolve(cz_ctx *ctx, struct cz__pg *db)
{
    if (db->settings.is_socket || *db->addresses)
        return CZ_OK;
    struct lookup lookup = { .host = db->settings.host };
    cz_status status = cz__fiber_offload(ctx, look_up, &lookup);
    if (status == CZ_EBUSY)
        return status;
    if (lookup.count) { /* also when the fiber was cancelled meanwhile: others wait for it */
        memcpy(db->addresses, lookup.addresses, sizeof db->addresses);
        db->address_count = lookup.count;
        return CZ_OK;
    }
    if (!status)
        cz_ignore(snprintf(db->down_reason, sizeof db->down_reason, "%s: %s", db->settings.host,
                           lookup.code ? gai_strerror(lookup.code) : "no address"));
    return status ? status : CZ_EUNAVAILABLE;
}

/* What every session of the driver relies on. The server ends a statement whose client has gone. */
static char *session_options(const struct cz__pg_link *link, cz_arena *arena)
{
    const struct cz__pg_settings *s = &link->db->settings;
    return cz_arena_printf(
        arena,
        "%s%s-c TimeZone=UTC -c statement_timeout=%lld -c lock_timeout=%lld "
        "-c idle_in_transaction_session_timeout=%lld -c client_connection_check_interval=1000",
        s->options ? s->options : "", s->options ? " " : "",
        (long long)(link->pooled ? s->statement_timeout_ms : s->pipeline_timeout_ms),
        (long long)(link->pooled || s->lock_timeout_ms < s->pipeline_timeout_ms
                        ? s->lock_timeout_ms
                        : s->pipeline_timeout_ms),
        (long long)s->idle_in_transaction_ms);
}

/* libpq takes as many names as addresses. */
static char *repeat_host(const struct cz__pg *db, cz_arena *arena)
{
    char *hosts = db->settings.host;
    for (unsigned i = 1; i < db->address_count && hosts; i++)
        hosts = cz_arena_printf(arena, "%s,%s", hosts, db->settings.host);
    return hosts;
}

static cz_status begin_handshake(struct cz__pg_link *link)
{
    const struct cz__pg *db = link->db;
    const struct cz__pg_settings *s = &db->settings;
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        return CZ_ENOMEM;
    const char *names[KEYWORDS_MAX], *values[KEYWORDS_MAX];
    const char *hosts = s->is_socket ? s->host : repeat_host(db, arena);
    const char *port = s->port ? cz_arena_printf(arena, "%u", s->port) : NULL;
    const char *options = session_options(link, arena);
    if ((s->host && !hosts) || (s->port && !port) || !options) { /* else libpq takes its defaults */
        cz_arena_destroy(arena);
        return CZ_ENOMEM;
    }
    size_t count = 0;
    const struct {
        const char *name;
        const char *value;
    } words[] = {
        { "host", hosts },
        { "hostaddr", s->is_socket ? NULL : db->addresses },
        { "port", port },
        { "user", s->user },
        { "password", s->password },
        { "dbname", s->database },
        { "client_encoding", "UTF8" },
        { "application_name", s->application_name ? s->application_name : "calzone" },
        { "options", options },
        { "sslmode", s->sslmode },
        { "sslrootcert", s->sslrootcert },
        { "sslcert", s->sslcert },
        { "sslkey", s->sslkey },
        { "gssencmode", "disable" }, /* it would ask Kerberos' servers in this thread */
        { "keepalives_idle", "5" },
        { "keepalives_interval", "2" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "10000" },
    };
    for (size_t i = 0; i < CZ_COUNT(words); i++)
        if (words[i].value) {
            names[count] = words[i].name;
            values[count++] = words[i].value;
        }
    names[count] = values[count] = NULL;
    link->conn = cz__pq.PQconnectStartParams(names, values, 0);
    cz_arena_destroy(arena);
    return link->conn ? CZ_OK : CZ_ENOMEM;
}

static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice; /* "relation exists, skipping": nobody asked */
}

static void connected(struct cz__pg_link *link)
{
    struct cz__pg *db = link->db;
    cancel_timer(link);
    if (cz__pq.PQsetnonblocking(link->conn, 1) || !cz__pq.PQenterPipelineMode(link->conn) ||
        !want(link, EPOLLIN)) {
        server_down(link, "no memory for a connection");
        return;
    }
    cz__pq.PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
    if (db->down)
        cz_log_warning(NULL, "calzone.db", "PostgreSQL is back");
    db->down = false;
    db->backoff_ms = 0;
    link->state = CZ__PG_READY;
    wake_openers(link);
}

static void handshake_step(struct cz__pg_link *link)
{
    unwatch(link); /* the next step may be on another socket */
    bool ok = false;
    switch (cz__pq.PQconnectPoll(link->conn)) {
    case PGRES_POLLING_OK:
        connected(link);
        return;
    case PGRES_POLLING_READING:
        ok = want(link, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        ok = want(link, EPOLLOUT);
        break;
    default:
        server_down(link, cz__pq.PQerrorMessage(link->conn));
        return;
    }
    if (!ok)
        server_down(link, "the socket cannot be watched");
}

static cz_status begin_opening(cz_ctx *ctx, struct cz__pg_link *link)
{
    struct cz__pg *db = link->db;
    link->state = CZ__PG_CONNECTING; /* others wait from here on */
    link->since_us = cz_monotonic_us();
    if (db->down) /* one tries; the others hear the last reason meanwhile */
        db->retry_at_us = link->since_us + BACKOFF_MS_MAX * 1000;
    cz_status status = resolve(ctx, db);
    if (status) {
        char reason[sizeof db->down_reason];
        memcpy(reason, db->down_reason, sizeof reason);
        if (status == CZ_EUNAVAILABLE)
            server_down(link, reason);
        else
            cz__pg_link_close(link);
        return status == CZ_EUNAVAILABLE ? CZ_OK : status;
    }
    if (begin_handshake(link)) {
        cz__pg_link_close(link);
        return CZ_ENOMEM;
    }
    if (cz__pq.PQstatus(link->conn) == CONNECTION_BAD) {
        server_down(link, cz__pq.PQerrorMessage(link->conn));
        return CZ_OK;
    }
    set_timer(link, db->settings.connect_timeout_ms);
    if (!want(link, EPOLLOUT))
        server_down(link, "the socket cannot be watched");
    return CZ_OK;
}

static void waiter_timed_out(cz__timer *timer)
{
    struct cz__pg_waiter *waiter =
        (struct cz__pg_waiter *)(void *)((char *)timer - offsetof(struct cz__pg_waiter, timer));
    waiter->timed_out = true;
    cz__fiber_wake(waiter->fiber);
}

/* Wait for the handshake's end, a short time only when the server was away before. */
static cz_status wait_open(cz_ctx *ctx, struct cz__pg_link *link)
{
    struct cz__pg *db = link->db;
    struct cz__pg_waiter waiter = { .next = link->opening, .fiber = cz__fiber_current() };
    link->opening = &waiter;
    if (db->down)
        cz__timer_set(db->loop, &waiter.timer, DOWN_GRACE_MS, waiter_timed_out);
    cz_status status = CZ_OK;
    while (!status && !waiter.link && !waiter.timed_out)
        status = cz__db_wait(ctx);
    cz__timer_cancel(db->loop, &waiter.timer);
    if (!waiter.link) {
        struct cz__pg_waiter **at = &link->opening;
        while (*at != &waiter)
            at = &(*at)->next;
        *at = waiter.next;
    }
    return waiter.link ? CZ_OK : waiter.timed_out ? CZ_EUNAVAILABLE : status;
}

/* Wait for the socket outside a loop; false after `until_us` (0: never). */
static bool poll_until(const struct cz__pg_link *link, int64_t until_us, uint32_t *out_events)
{
    struct pollfd fd = { .fd = cz__pq.PQsocket(link->conn),
                         .events = (short)((link->poll_events & EPOLLIN ? POLLIN : 0) |
                                           (link->poll_events & EPOLLOUT ? POLLOUT : 0)) };
    int wait_ms = -1;
    if (until_us) {
        int64_t left = until_us - cz_monotonic_us();
        wait_ms = left <= 0 ? 0 : left > 3600000000 ? 3600000 : (int)((left + 999) / 1000);
    }
    int count = poll(&fd, 1, wait_ms);
    *out_events = (fd.revents & POLLOUT ? (uint32_t)EPOLLOUT : 0) |
                  (fd.revents & ~POLLOUT ? (uint32_t)EPOLLIN : 0);
    return count != 0 || !until_us || cz_monotonic_us() < until_us;
}

static void poll_handshake(struct cz__pg_link *link)
{
    int64_t until = link->since_us + link->db->settings.connect_timeout_ms * 1000;
    while (link->state == CZ__PG_CONNECTING) {
        uint32_t events;
        if (!poll_until(link, until, &events))
            server_down(link, "no answer in the time for connecting");
        else if (events)
            handshake_step(link);
    }
}

cz_status cz__pg_link_open(cz_ctx *ctx, struct cz__pg_link *link, cz_error *err)
{
    struct cz__pg *db = link->db;
    if (link->state == CZ__PG_READY)
        return CZ_OK;
    cz_status status = CZ_OK;
    if (link->state == CZ__PG_CLOSED) {
        if (db->down && cz_monotonic_us() < db->retry_at_us)
            return unavailable(db, err);
        status = begin_opening(ctx, link);
    }
    if (!status && link->state == CZ__PG_CONNECTING) {
        if (cz__fiber_current())
            status = wait_open(ctx, link);
        else
            poll_handshake(link);
    }
    if (link->state == CZ__PG_READY)
        return CZ_OK;
    if (status && status != CZ_EUNAVAILABLE)
        return cz_error_set(err, status, "gave up waiting for a connection to PostgreSQL");
    return unavailable(db, err);
}

/* ---- requests ---- */

struct cz__pg_request *cz__pg_request_create(struct cz__pg_link *link)
{
    struct cz__pg *db = link->db;
    struct cz__pg_request *request = db->free_requests;
    if (request)
        db->free_requests = request->next;
    else if (!(request = cz_malloc(sizeof *request)))
        return NULL;
    *request = (struct cz__pg_request){
        .link = link, .fiber = cz__fiber_current(), .row = -1, .parse_at = -1
    };
    return request;
}

/* The longest silence that a working server can keep; 0: no bound. */
static int64_t silence_ms(const struct cz__pg_link *link)
{
    const struct cz__pg_settings *s = &link->db->settings;
    int64_t statement = link->pooled ? s->statement_timeout_ms : s->pipeline_timeout_ms;
    return statement ? statement + SILENCE_MS : 0;
}

bool cz__pg_link_is_stuck(const struct cz__pg_link *link)
{
    return link->state == CZ__PG_READY && link->first &&
           cz__loop_now_us(link->db->loop) - link->since_us >= STUCK_MS * 1000;
}

/* Who waits behind a slow statement and can run elsewhere does so. */
static void stuck_timer_due(cz__timer *timer)
{
    struct cz__pg_link *link =
        (struct cz__pg_link *)(void *)((char *)timer - offsetof(struct cz__pg_link, stuck_timer));
    if (!link->first)
        return; /* set again with the next request */
    for (struct cz__pg_request *request = link->first->next; request && cz__pg_link_is_stuck(link);
         request = request->next) {
        if (!request->movable || request->moved || request->abandoned || !request->fiber)
            continue;
        request->moved = true;
        cz__fiber_wake(request->fiber);
    }
    int64_t left_ms = STUCK_MS - (cz__loop_now_us(link->db->loop) - link->since_us) / 1000;
    cz__timer_set(link->db->loop, timer, left_ms > 0 ? left_ms : STUCK_MS, stuck_timer_due);
}

void cz__pg_request_send(struct cz__pg_request *request, bool sent)
{
    struct cz__pg_link *link = request->link;
    bool first = !link->first;
    *link->end = request;
    link->end = &request->next;
    request->unsent = !sent;
    if (!sent || (!request->loads && !cz__pq.PQpipelineSync(link->conn))) {
        cz__pg_link_close(link);
        return;
    }
    int pending = cz__pq.PQflush(link->conn);
    if (pending < 0) {
        cz__pg_link_close(link);
        return;
    }
    if (pending)
        want(link, EPOLLIN | EPOLLOUT);
    if (first)
        link->since_us = cz_monotonic_us();
    if (!cz__timer_is_set(&link->timer) && silence_ms(link))
        set_timer(link, silence_ms(link));
    if (request->movable && !cz__timer_is_set(&link->stuck_timer))
        cz__timer_set(link->db->loop, &link->stuck_timer, STUCK_MS, stuck_timer_due);
}

struct cz__pg_request *cz__pg_request_load(struct cz__pg_link *link, const char *sql, cz_str load)
{
    struct cz__pg_request *request = cz__pg_request_create(link);
    if (!request)
        return NULL;
    request->loads = true;
    request->load = load;
    bool sent = !link->first && cz__pq.PQexitPipelineMode(link->conn) &&
                cz__pq.PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
    cz__pg_request_send(request, sent);
    return request;
}

/* The server waits for the data. libpq keeps what the socket does not take. False: the connection cannot go on. */
static bool send_load(struct cz__pg_link *link, const struct cz__pg_request *request)
{
    PGconn *conn = link->conn;
    if (request->abandoned) { /* its data went with who waited */
        if (cz__pq.PQputCopyEnd(conn, "given up") != 1)
            return false;
    } else if (cz__pq.PQputCopyData(conn, request->load.ptr, (int)request->load.len) != 1 ||
               cz__pq.PQputCopyEnd(conn, NULL) != 1) {
        return false;
    }
    int pending = cz__pq.PQflush(conn);
    if (pending > 0)
        want(link, EPOLLIN | EPOLLOUT);
    return pending >= 0;
}

/* False: the connection cannot go on. */
static bool take_result(struct cz__pg_link *link, PGresult *result)
{
    struct cz__pg_request *request = link->first;
    switch (cz__pq.PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        cz__pq.PQclear(result);
        link->since_us = cz_monotonic_us();
        request_over(link);
        return true;
    case PGRES_PIPELINE_ABORTED: /* a command behind the one that failed */
        cz__pq.PQclear(result);
        return true;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        cz__pq.PQclear(result);
        if (request->loads)
            return send_load(link, request);
        request->copies = true; /* which only leaving the pipeline's protocol would end */
        return false;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        request->succeeded++;
        if (request->result)
            cz__pq.PQclear(request->result);
        request->result = result;
        return true;
    default:
        if (request->failure)
            cz__pq.PQclear(result);
        else
            request->failure = result;
        return true;
    }
}

/* Hand out what has come. */
static bool take_results(struct cz__pg_link *link)
{
    unsigned empty = 0;
    while (link->first && empty <= EMPTY_RESULTS_MAX && !cz__pq.PQisBusy(link->conn)) {
        PGresult *result = cz__pq.PQgetResult(link->conn);
        if (!result && link->first->loads && (link->first->succeeded || link->first->failure)) {
            /* outside a pipeline that is the end of a request */
            if (!cz__pq.PQenterPipelineMode(link->conn))
                return false;
            link->since_us = cz_monotonic_us();
            request_over(link);
        } else if (!result)
            empty++; /* after each command; and for ever on a connection that is gone */
        else if (take_result(link, result))
            empty = 0;
        else
            return false;
    }
    return true;
}

static void transfer(struct cz__pg_link *link, uint32_t events)
{
    bool alive = true;
    if (events & EPOLLOUT) {
        int pending = cz__pq.PQflush(link->conn);
        alive = pending >= 0;
        if (pending == 0)
            want(link, EPOLLIN);
    }
    if (alive && events & ~(uint32_t)EPOLLOUT)
        alive = cz__pq.PQconsumeInput(link->conn);
    /* also of a connection that was closed: its last words tell why */
    alive = take_results(link) && alive;
    if (!alive || cz__pq.PQstatus(link->conn) == CONNECTION_BAD) {
        cz__pg_link_close(link);
        return;
    }
    if (!link->first && link->draining)
        cz__pg_pool_give(link);
    if (link->listener)
        cz__pg_listener_take(link->listener);
}

static void link_step(struct cz__pg_link *link, uint32_t events)
{
    if (link->state == CZ__PG_CONNECTING)
        handshake_step(link);
    else
        transfer(link, events);
}

static void link_ready(cz__watch *watch, uint32_t events)
{
    link_step((struct cz__pg_link *)(void *)((char *)watch - offsetof(struct cz__pg_link, watch)),
              events);
}

static void link_timer_due(cz__timer *timer)
{
    struct cz__pg_link *link =
        (struct cz__pg_link *)(void *)((char *)timer - offsetof(struct cz__pg_link, timer));
    if (link->state == CZ__PG_CONNECTING) {
        server_down(link, "no answer in the time for connecting");
        return;
    }
    int64_t left_ms =
        silence_ms(link) - (cz_monotonic_us() - link->since_us) / 1000; /* of the first request */
    if (!link->first)
        return; /* set again with the next request */
    if (left_ms > 0)
        set_timer(link, left_ms);
    else
        server_down(link, "the server has stopped answering");
}

/* Outside a loop: until the request is over or the deadline (0: none) has passed. */
static cz_status poll_request(struct cz__pg_request *request, int64_t deadline_us)
{
    struct cz__pg_link *link = request->link;
    while (!request->done) {
        int64_t silent = silence_ms(link) ? link->since_us + silence_ms(link) * 1000 : 0;
        int64_t until = silent;
        if (deadline_us && (!until || deadline_us < until))
            until = deadline_us;
        uint32_t events;
        if (poll_until(link, until, &events)) {
            if (events)
                link_step(link, events);
        } else if (until == silent) {
            server_down(link, "the server has stopped answering");
        } else {
            return CZ_ETIMEDOUT;
        }
    }
    return CZ_OK;
}

cz_status cz__pg_request_wait(cz_ctx *ctx, struct cz__pg_request *request, bool uncancelled)
{
    cz_status status = CZ_OK;
    if (!request->fiber) {
        status = poll_request(request, uncancelled ? 0 : ctx->deadline_us);
        if (status) { /* nobody would read on */
            request->abandoned = true;
            cz__pg_link_close(request->link);
        }
        return status;
    }
    while (!request->done && !request->moved && !status) {
        if (uncancelled)
            cz__fiber_wait_uncancelled(ctx);
        else
            status = cz__db_wait(ctx);
    }
    if (request->done)
        return CZ_OK;
    if (!status)
        status = CZ_EBUSY;
    request->abandoned = true;
    return status;
}

void cz__pg_request_abandon(struct cz__pg_request *request)
{
    request->abandoned = true;
    if (request->done)
        request_free(request);
    else if (!request->fiber) { /* outside a loop nobody would read on */
        request->abandoned = false;
        cz_ignore(poll_request(request, 0)); /* without a deadline there is only one end */
        request_free(request);
    }
}

void cz__pg_request_destroy(struct cz__pg_request *request)
{
    if (request)
        request_free(request);
}
