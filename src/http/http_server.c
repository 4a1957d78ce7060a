/* The listener: accepts, counts, pauses, drains.
 *
 * It pauses while connections_max are open (the rest wait in the kernel's queue, where they cost us
 * nothing) and for 100 ms when the process or the machine has no descriptor left. Then one connection is
 * still taken, with a descriptor kept in reserve, and closed: otherwise the listener stays readable and
 * the client waits for nothing.
 */
#include <calzone/log.h>
#include <calzone/map.h>
#include <calzone/random.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "http/connection.h"

enum { ACCEPT_BATCH = 64, RESUME_AFTER_MS = 100, DESTROY_MS = 2000 };

/* ---- Clients' addresses ---- */

static struct cz__http_address **address_slot(cz__http_server *server, const cz__address *of)
{
    uint64_t hash = cz__siphash13(server->address_key, of->bytes, sizeof of->bytes);
    struct cz__http_address **at = &server->addresses[hash % CZ_COUNT(server->addresses)];
    while (*at && memcmp(&(*at)->address, of, sizeof *of) != 0)
        at = &(*at)->next;
    return at;
}

/* False for a peer without one (a Unix socket). */
static bool read_address(const struct sockaddr_storage *peer, cz__address *out)
{
    if (peer->ss_family == AF_INET)
        *out = cz__address_of_ipv4(&((const struct sockaddr_in *)(const void *)peer)->sin_addr);
    else if (peer->ss_family == AF_INET6)
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, sizeof *out);
    else
        return false;
    return true;
}

/* Count a connection of this address. Errors: CZ_EBUSY: it has as many as it may, or has flooded; CZ_ENOMEM. */
static cz_status address_take(cz__http_server *server, const cz__address *of,
                              struct cz__http_address **out)
{
    struct cz__http_address **at = address_slot(server, of);
    if (cz__flooders_refuse(&server->flooders, of, cz__loop_now_ms(server->core.loop)))
        return CZ_EBUSY;
    if (!*at) {
        struct cz__http_address *address = cz_calloc(1, sizeof *address);
        if (!address)
            return CZ_ENOMEM;
        address->address = *of;
        *at = address;
    }
    if ((*at)->connections >= server->core.limits.connections_per_address)
        return CZ_EBUSY;
    (*at)->connections++;
    *out = *at;
    return CZ_OK;
}

static void address_drop(cz__http_server *server, struct cz__http_address *address)
{
    if (!address || --address->connections)
        return;
    struct cz__http_address **at = address_slot(server, &address->address);
    *at = address->next;
    cz_free(address);
}

cz_status cz__http_server_know_client(cz__conn *conn, const cz__address *client)
{
    struct cz__http_address *counted = NULL;
    cz_status status = address_take(conn->server, client, &counted);
    if (status)
        return status;
    address_drop(conn->server, conn->address);
    conn->address = counted;
    cz__address_to_text(client, conn->address_text);
    return CZ_OK;
}

void cz__http_server_on_flood(cz__conn *conn)
{
    cz__http_server *server = conn->server;
    if (conn->address && !cz__proxies_trust(&conn->address->address))
        cz__flooders_add(&server->flooders, &conn->address->address,
                         cz__loop_now_ms(server->core.loop));
}

/* ---- Accepting ---- */

/* Of the workers that share a socket the kernel wakes one for a connection, not all. */
static uint32_t events_of(const struct cz__http_listener *listener)
{
    return listener->shared ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN;
}

static bool is_full(const cz__http_server *server)
{
    return server->core.stats.connections_open + server->websocket_streams >=
           server->core.limits.connections_max;
}

static void want_connections(cz__http_server *server)
{
    bool wanted = server->accepting && !server->paused && !is_full(server);
    for (struct cz__http_listener *at = server->listeners; at; at = at->next)
        cz__watch_want(server->core.loop, &at->watch, wanted ? events_of(at) : 0);
}

static void resume(cz__timer *timer)
{
    cz__http_server *server =
        (cz__http_server *)(void *)((char *)timer - offsetof(cz__http_server, resume_timer));
    server->paused = false;
    if (server->reserve_fd < 0)
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    want_connections(server);
}

static void pause_accepting(cz__http_server *server)
{
    server->paused = true;
    cz__timer_set(server->core.loop, &server->resume_timer, RESUME_AFTER_MS, resume);
}

static void on_no_descriptor(cz__http_server *server, int listen_fd)
{
    if (server->reserve_fd >= 0) {
        close(server->reserve_fd);
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        server->core.stats.connections_refused += fd >= 0;
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    cz_log_warning(NULL, "http", "no descriptor is left for connections; accepting pauses",
                   CZ_FIELD_INT("open", server->core.stats.connections_open));
    pause_accepting(server);
}

/* One line a second, as there may be thousands. */
static void tell_refused(cz__http_server *server, const cz__address *peer)
{
    int64_t now_ms = cz__loop_now_ms(server->core.loop);
    char text[CZ__ADDRESS_BYTES] = "";
    server->refused_untold++;
    if (server->refused_told_ms && now_ms - server->refused_told_ms < 1000)
        return;
    if (peer)
        cz__address_to_text(peer, text);
    cz_log_warning(NULL, "calzone.http",
                   "connections are refused: their address has HTTP_CONNECTIONS_PER_ADDRESS of "
                   "them, or has flooded",
                   CZ_FIELD_INT("count", (int64_t)server->refused_untold),
                   CZ_FIELD_STR("client", cz_str_from(text)));
    server->refused_untold = 0;
    server->refused_told_ms = now_ms;
}

static void refuse_connection(const struct cz__http_listener *listener, int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n"
                               "Content-Length: 0\r\nConnection: close\r\n\r\n";
    if (!listener->tls)
        cz_ignore(send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT)); /* a courtesy */
    close(fd);
    listener->server->core.stats.connections_refused++;
}

/* With PROXY_PROTOCOL anybody else could say to be whoever they like. A Unix socket is for a proxy beside it. */
static bool is_no_proxy(const cz__http_server *server, const cz__address *peer)
{
    static bool told;
    char text[CZ__ADDRESS_BYTES];
    if (!server->core.limits.proxy_protocol || cz__proxies_trust(peer))
        return false;
    cz__address_to_text(peer, text);
    if (!told) /* once: whoever scans the port would fill the log */
        cz_log_warning(NULL, "calzone.http",
                       "PROXY_PROTOCOL is on, and who connects is not of TRUSTED_PROXIES; closed",
                       CZ_FIELD_STR("client", cz_str_from(text)));
    told = true;
    return true;
}

/* Count it and give it a connection. What comes from a proxy counts when that has said for whom it speaks. Errors: CZ_EBUSY,
 * CZ_ENOMEM, CZ_EIO: `fd` is still the caller's. */
static cz_status begin_connection(const struct cz__http_listener *listener, int fd,
                                  const cz__address *peer)
{
    cz__http_server *server = listener->server;
    char text[CZ__ADDRESS_BYTES] = "";
    struct cz__http_address *counted = NULL;
    cz_status status = CZ_OK;
    if (peer)
        cz__address_to_text(peer, text);
    if (peer && !server->core.limits.proxy_protocol)
        status = address_take(server, peer, &counted);
    if (!status)
        status = cz__conn_create(server, fd, counted, text, listener->tls ? server->tls : NULL);
    if (status)
        address_drop(server, counted);
    return status;
}

static void take_connection(const struct cz__http_listener *listener, int fd,
                            const struct sockaddr_storage *from)
{
    cz__http_stats *stats = &listener->server->core.stats;
    cz__address peer;
    bool has_address = read_address(from, &peer);
    if (has_address && is_no_proxy(listener->server, &peer)) {
        close(fd);
        stats->connections_refused++;
        return;
    }
    cz_status status = begin_connection(listener, fd, has_address ? &peer : NULL);
    if (status == CZ_EBUSY)
        tell_refused(listener->server, has_address ? &peer : NULL);
    if (status)
        refuse_connection(listener, fd);
    else
        stats->connections_accepted++;
}

/* Accept one. False when there is none, or none can be taken now. */
static bool accept_one(const struct cz__http_listener *listener)
{
    cz__http_server *server = listener->server;
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    peer.ss_family = AF_UNSPEC;
    int fd = accept4(listener->watch.fd, (struct sockaddr *)(void *)&peer, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        cz__overload_accepted(&server->core, fd);
        take_connection(listener, fd, &peer);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE)
        on_no_descriptor(server, listener->watch.fd);
    else if (errno == ENOBUFS || errno == ENOMEM)
        pause_accepting(server);
    else if (errno != EAGAIN)
        return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
    return false;
}

static void on_ready(cz__watch *watch, uint32_t events)
{
    (void)events;
    const struct cz__http_listener *listener =
        (struct cz__http_listener *)(void *)((char *)watch -
                                             offsetof(struct cz__http_listener, watch));
    cz__http_server *server = listener->server;
    for (int i = 0; i < (listener->shared ? 1 : ACCEPT_BATCH); i++)
        if (is_full(server) || !accept_one(listener))
            break;
    want_connections(server);
    if (listener->shared) /* the kernel wakes who has waited longest: go behind the others */
        cz__watch_renew(server->core.loop, watch);
}

/* ---- Ending ---- */

static void on_drained(cz__timer *timer)
{
    cz__http_server *server =
        (cz__http_server *)(void *)((char *)timer - offsetof(cz__http_server, drained_timer));
    if (server->on_drained)
        server->on_drained(server->on_drained_arg);
}

cz_status cz__http_server_count_stream(cz__conn *conn)
{
    cz__http_server *server = conn->server;
    struct cz__http_address *address = conn->address;
    if (is_full(server) ||
        (address && address->connections >= server->core.limits.connections_per_address))
        return CZ_EBUSY;
    server->websocket_streams++;
    if (address)
        address->connections++;
    return CZ_OK;
}

void cz__http_server_uncount_stream(cz__conn *conn)
{
    cz__http_server *server = conn->server;
    server->websocket_streams--;
    address_drop(server, conn->address); /* its connection's own is still counted */
    if (server->accepting)
        want_connections(server);
}

/* Told from the loop, not from whatever freed the last connection: the callee may destroy the server. */
static void check_drained(cz__http_server *server)
{
    if (server->core.draining && !server->accepting && server->conns_alive == 0)
        cz__timer_set(server->core.loop, &server->drained_timer, 0, on_drained);
}

void cz__http_server_on_closed(cz__http_server *server, struct cz__http_address *address)
{
    address_drop(server, address);
    server->core.stats.connections_open--;
    if (server->accepting)
        want_connections(server);
}

void cz__http_server_on_freed(cz__http_server *server)
{
    server->conns_alive--;
    check_drained(server);
}

/* What the kernel has accepted belongs to us: nobody else will answer it. */
static void stop_accepting(cz__http_server *server, bool take_what_waits)
{
    if (!server->accepting)
        return;
    for (const struct cz__http_listener *at = server->listeners; at; at = at->next)
        while (take_what_waits && accept_one(at))
            ;
    server->accepting = false;
    cz__timer_cancel(server->core.loop, &server->resume_timer);
    while (server->listeners) {
        struct cz__http_listener *listener = server->listeners;
        server->listeners = listener->next;
        cz__watch_remove(server->core.loop, &listener->watch);
        cz_free(listener);
    }
}

void cz__http_server_drain(cz__http_server *server, enum cz__http_drain how, void (*fn)(void *arg),
                           void *arg)
{
    server->on_drained = fn;
    server->on_drained_arg = arg;
    server->core.draining = how;
    stop_accepting(server, true);
    for (cz__conn *conn = server->conns, *next; conn; conn = next) {
        next = conn->next;
        cz__conn_drain(conn);
    }
    check_drained(server);
}

static void abort_connections(cz__http_server *server)
{
    while (server->conns) {
        cz__conn *conn = server->conns;
        cz__conn_close(conn);
        cz__conn_settle(conn);
    }
    int64_t until = cz__loop_now_ms(server->core.loop) + DESTROY_MS;
    while (server->conns_alive && cz__loop_now_ms(server->core.loop) < until)
        cz__loop_turn(server->core.loop, 10);
}

void cz__http_server_destroy(cz__http_server *server)
{
    if (!server)
        return;
    server->on_drained = NULL;
    stop_accepting(server, false);
    abort_connections(server);
    cz__timer_cancel(server->core.loop, &server->resume_timer);
    cz__timer_cancel(server->core.loop, &server->drained_timer);
    if (server->reserve_fd >= 0)
        close(server->reserve_fd);
    if (server->conns_alive) {
        cz_log_error(NULL, "http", "handlers did not end when cancelled",
                     CZ_FIELD_INT("count", server->conns_alive));
        return; /* they still use the server: better lost than used after it is freed */
    }
    cz__tls_server_release(server->tls);
    cz__timer_cancel(server->core.loop, &server->core.waiting.timer);
    cz__overload_done(&server->core);
    cz__http_core_done(&server->core);
    cz_free(server);
}

/* ---- Beginning ---- */

cz_status cz__http_server_create(cz__loop *loop, const cz_http_limits *limits,
                                 const cz__http_app *app, cz__http_server **out)
{
    cz__http_server *server = cz_calloc(1, sizeof *server);
    if (!server)
        return CZ_ENOMEM;
    cz_status status = cz__http_core_init(&server->core, loop, limits, app);
    if (status) {
        cz_free(server);
        return status;
    }
    cz_random_bytes(server->address_key, sizeof server->address_key);
    status = cz__overload_init(&server->core);
    if (status) {
        cz__http_core_done(&server->core);
        cz_free(server);
        return status;
    }
    server->accepting = true;
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    *out = server;
    return CZ_OK;
}

cz_status cz__http_server_listen(cz__http_server *server, int fd, unsigned how)
{
    cz_assert(!(how & CZ__HTTP_TLS) || server->tls);
    struct cz__http_listener *listener = cz_calloc(1, sizeof *listener);
    if (!listener)
        return CZ_ENOMEM;
    listener->server = server;
    listener->tls = how & CZ__HTTP_TLS;
    listener->shared = how & CZ__HTTP_SHARED;
    /* Inherited by what is accepted; answers leave whole, so there is nothing to gather for (on a Unix
     * socket it fails, and is not needed). */
    cz_ignore(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)));
    cz_status status =
        cz__watch_add(server->core.loop, &listener->watch, fd, events_of(listener), on_ready);
    if (status) {
        cz_free(listener);
        return status;
    }
    listener->next = server->listeners;
    server->listeners = listener;
    return CZ_OK;
}

void cz__http_server_set_tls(cz__http_server *server, cz__tls_server *tls)
{
    cz__tls_server_retain(tls);
    cz__tls_server_release(server->tls);
    server->tls = tls;
}

cz__http_stats cz__http_server_stats(const cz__http_server *server)
{
    return server->core.stats;
}

/* ---- One request in memory ---- */

static void on_done_in_memory(cz__exchange *exchange)
{
    (void)exchange; /* cz__http_serve_bytes() sees that it no longer runs */
}

static cz_buf *stream_open_in_memory(cz__exchange *exchange, bool *out_keep_alive)
{
    *out_keep_alive = !exchange->request.response.close;
    return exchange->owner;
}

static cz_status stream_send_in_memory(cz__exchange *exchange, size_t unsent_max)
{
    (void)unsent_max; /* all of it is taken at once */
    return cz_buf_status(exchange->owner);
}

/* Set the exchange from a whole request. Returns why it is refused, in `err`. */
static cz_status take_request(cz__exchange *exchange, struct cz__h1_head *head, char *bytes,
                              size_t len, cz_error *err)
{
    enum cz__h1_rule rule = CZ__H1_NONE;
    cz_status status = cz__h1_head_feed(head, cz_str_of(bytes, len));
    if (status == CZ_EAGAIN)
        return cz_error_set(err, CZ_EPROTOCOL, "the request ends inside its head");
    if (status) {
        cz__exchange_fill_partly(exchange, head, bytes);
        return cz__h1_rule_error((enum cz__h1_rule)head->rule, err);
    }
    const struct cz__http_peer peer = { .address = exchange->request.client_address };
    status = cz__exchange_fill(exchange, head, bytes, &peer, &rule);
    if (status)
        return cz_error_set(err, status, "no memory for the request");
    cz__exchange_plan_body(exchange);
    exchange->request.streams_body = exchange->body.streamed = false; /* all of it is here */
    uint64_t body_bytes_max = exchange->body.bytes_max;
    if (!rule && head->content_length > body_bytes_max)
        rule = CZ__H1_BODY_TOO_LONG;
    if (rule)
        return cz__h1_rule_error(rule, err);
    size_t used, decoded, left = len - head->bytes;
    char *body = bytes + head->bytes;
    if (head->has_coding) {
        struct cz__h1_chunked chunked;
        cz__h1_chunked_init(&chunked, body_bytes_max);
        chunked.trailer = &exchange->trailer;
        status = cz__h1_chunked_feed(&chunked, body, left, &used, &decoded);
        if (status && status != CZ_EAGAIN)
            return cz__h1_rule_error((enum cz__h1_rule)chunked.rule, err);
    } else {
        decoded = (size_t)head->content_length;
        status = decoded > left ? CZ_EAGAIN : CZ_OK;
    }
    if (status)
        return cz_error_set(err, CZ_EPROTOCOL, "the request ends inside its body");
    exchange->request.body = cz_str_of(body, decoded);
    exchange->request.trailer = cz_buf_str(&exchange->trailer);
    return CZ_OK;
}

static cz_status answer_in_memory(cz__exchange *exchange, struct cz__h1_head *head, char *bytes,
                                  size_t len, cz_buf *out)
{
    struct cz__http_core *core = exchange->core;
    cz_error err;
    cz_str rest;
    exchange->request.client_address = CZ_STR("127.0.0.1");
    exchange->on_done = on_done_in_memory;
    exchange->stream_open = stream_open_in_memory;
    exchange->stream_send = stream_send_in_memory;
    exchange->owner = out;
    cz_status refused = take_request(exchange, head, bytes, len, &err);
    if (refused) {
        cz__exchange_refuse(exchange, &err);
    } else {
        cz__exchange_start(exchange);
        int64_t until = cz__loop_now_ms(core->loop) + core->limits.handler_timeout_ms + 1000;
        while (exchange->running) {
            cz__loop_turn(core->loop, 100);
            if (exchange->running && cz__loop_now_ms(core->loop) >= until)
                return CZ_ETIMEDOUT;
        }
    }
    bool keep_alive = !refused && cz__h1_head_keep_alive(head) && !exchange->request.response.close;
    cz__exchange_write(exchange, keep_alive, out, &rest);
    cz_buf_append_str(out, rest);
    cz__exchange_release(exchange);
    return cz_buf_status(out);
}

cz_status cz__http_serve_bytes(const cz_http_limits *limits, const cz__http_app *app, cz_str raw,
                               cz_buf *out)
{
    struct cz__http_core *core = cz_malloc(sizeof *core);
    struct cz__h1_head head;
    cz__exchange *exchange;
    if (!core)
        return CZ_ENOMEM;
    cz_status status = cz__http_core_init(core, cz__loop_current(), limits, app);
    if (status) {
        cz_free(core);
        return status;
    }
    char *bytes = cz_malloc(raw.len + core->limits.header_count * sizeof(struct cz__h1_field) + 16);
    if (!bytes) {
        status = CZ_ENOMEM;
        goto done;
    }
    struct cz__h1_field *fields = (struct cz__h1_field *)(void *)bytes;
    char *copy = (char *)(fields + core->limits.header_count);
    if (raw.len)
        memcpy(copy, raw.ptr, raw.len);
    cz__h1_head_init(&head, &core->limits, fields);
    cz__loop_turn(core->loop, 0); /* the clock of a loop that has rested is old */
    status = cz__exchange_acquire(core, &exchange);
    if (status)
        goto done;
    status = answer_in_memory(exchange, &head, copy, raw.len, out);
    if (status == CZ_ETIMEDOUT)
        return status; /* the handler still runs on all of it: better lost than used after it is freed */
done:
    cz_free(bytes);
    cz__http_core_done(core);
    cz_free(core);
    return status;
}
