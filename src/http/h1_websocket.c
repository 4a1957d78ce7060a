/* A WebSocket on an HTTP/1 connection after its 101: all of the connection is the socket's. */
#include "http/h1_internal.h"
#include "http/ws_carrier.h"
#include <errno.h>

enum { LINGER_BYTES = 8 << 20 }; /* of a client that was refused in the middle of a message */

struct carrier {
    cz__conn *conn;
    struct cz_websocket *ws;
    cz__exchange *exchange;     /* the request, for the socket */
    struct cz__h1_input *input; /* bytes that came and were not taken yet; NULL: none */
};

/* ---- For the socket ---- */

static cz_buf *output(void *arg)
{
    const struct carrier *carrier = arg;
    return cz__conn_is_open(carrier->conn) ? cz__conn_output(carrier->conn) : NULL;
}

static size_t unsent(const void *arg)
{
    return cz__conn_unsent(((const struct carrier *)arg)->conn);
}

static void settle(void *arg)
{
    cz__conn_settle(((struct carrier *)arg)->conn);
}

static void end(void *arg)
{
    cz__conn *conn = ((struct carrier *)arg)->conn;
    if (!cz__conn_is_open(conn))
        return;
    conn->linger = true;
    conn->linger_bytes_left = LINGER_BYTES;
    cz__conn_end(conn);
}

static void abort_connection(void *arg)
{
    cz__conn_close(((struct carrier *)arg)->conn);
}

static void wake_at(void *arg, int64_t due_ms)
{
    ((struct carrier *)arg)->conn->due_ms = due_ms;
}

static const struct cz__ws_carrier functions = { .output = output,
                                                 .unsent = unsent,
                                                 .settle = settle,
                                                 .end = end,
                                                 .abort = abort_connection,
                                                 .wake_at = wake_at };

/* ---- The protocol ---- */

static void input_release(struct carrier *carrier)
{
    cz__h1_input_release(&carrier->conn->server->core, carrier->input);
    carrier->input = NULL;
}

/* What came, as far as it is wanted: a message that waits begins where the next read would. */
static void bring(struct carrier *carrier)
{
    struct cz__h1_input *input = carrier->input;
    if (!input)
        return;
    size_t took = cz__ws_take(carrier->ws, input->bytes + input->start, cz__h1_input_unread(input));
    if (!carrier->input) /* it went with the connection */
        return;
    input->start += took;
    if (!cz__h1_input_unread(input))
        input_release(carrier);
}

/* One recv(). */
static void read_some(struct carrier *carrier)
{
    cz__conn *conn = carrier->conn;
    cz_assert(!carrier->input);
    carrier->input = cz__h1_input_acquire(&conn->server->core);
    if (!carrier->input) {
        cz__conn_close(conn);
        return;
    }
    ssize_t n = cz__conn_read(conn, carrier->input->bytes, carrier->input->cap);
    if (n > 0) {
        carrier->input->end = (size_t)n;
        bring(carrier);
        return;
    }
    input_release(carrier);
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        cz__conn_close(conn);
}

static void on_ready(cz__conn *conn, uint32_t events)
{
    struct carrier *carrier = conn->session;
    bring(carrier);
    if (!cz__conn_is_open(conn))
        return;
    if (cz__ws_wants(carrier->ws) && (events & ~(uint32_t)EPOLLOUT))
        read_some(carrier);
    else if (events & (EPOLLHUP | EPOLLERR))
        cz__conn_close(conn);
}

static void on_due(cz__conn *conn)
{
    cz__ws_on_due(((struct carrier *)conn->session)->ws);
}

static void on_sent(cz__conn *conn)
{
    cz__ws_on_sent(((struct carrier *)conn->session)->ws);
}

/* The handler begins here, when nothing of HTTP/1 is on the stack any more. */
static bool go_on(cz__conn *conn)
{
    struct carrier *carrier = conn->session;
    if (cz__ws_start(carrier->ws))
        return true;
    if (!carrier->input || !cz__ws_wants(carrier->ws))
        return false;
    bring(carrier);
    return true;
}

static uint32_t interest(const cz__conn *conn)
{
    return cz__ws_wants(((const struct carrier *)conn->session)->ws) ? EPOLLIN : EPOLLERR;
}

static void drain(cz__conn *conn)
{
    cz__ws_drain(((struct carrier *)conn->session)->ws);
}

static void on_ended(cz__conn *conn)
{
    struct carrier *carrier = conn->session;
    cz__ws_gone(carrier->ws);
    input_release(carrier);
}

static bool is_done(const cz__conn *conn)
{
    return cz__ws_is_done(((const struct carrier *)conn->session)->ws);
}

static void destroy(cz__conn *conn)
{
    struct carrier *carrier = conn->session;
    cz_assert(!carrier->input);
    cz__ws_destroy(carrier->ws);
    cz__exchange_release(carrier->exchange);
    cz_free(carrier);
}

static const struct cz__conn_protocol protocol = { .on_ready = on_ready,
                                                   .on_due = on_due,
                                                   .on_sent = on_sent,
                                                   .go_on = go_on,
                                                   .interest = interest,
                                                   .drain = drain,
                                                   .on_ended = on_ended,
                                                   .is_done = is_done,
                                                   .destroy = destroy };

/* ---- Beginning ---- */

void cz__h1_websocket_begin(cz__conn *conn, cz__exchange *exchange, struct cz__h1_input *input)
{
    struct carrier *carrier = cz_calloc(1, sizeof *carrier);
    struct cz_websocket *ws = carrier ? cz__ws_create(&functions, carrier, exchange) : NULL;
    if (!ws) {
        cz_free(carrier);
        cz__exchange_release(exchange);
        cz__h1_input_release(&conn->server->core, input);
        cz__conn_close(conn);
        return;
    }
    *carrier = (struct carrier){ conn, ws, exchange, input };
    cz__conn_become(conn, &protocol, carrier);
}
