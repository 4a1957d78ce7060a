#include "loadtest/connection.h"
#include "http/h1_answer.h"
#include "http/h1_chunked.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, SWITCHING_PROTOCOLS = 101, FINAL = 200 };

void cz__load_connection_init(cz__load_connection *connection, cz_ctx *ctx,
                              const struct cz__address *address, int64_t timeout_ms)
{
    *connection =
        (cz__load_connection){ .ctx = ctx, .address = address, .timeout_ms = timeout_ms, .fd = -1 };
}

static void shut(cz__load_connection *connection)
{
    if (connection->fd < 0)
        return;
    cz__watch_remove(cz__loop_current(), &connection->watch);
    close(connection->fd);
    connection->fd = -1;
}

void cz__load_connection_done(cz__load_connection *connection)
{
    shut(connection);
    cz_buf_done(&connection->in);
}

/* ---- waiting ---- */

static void wake(cz__load_connection *connection)
{
    if (connection->fiber)
        cz__fiber_wake(connection->fiber);
}

/* Between two requests the server has nothing to say: it closes what was idle for long, and so do we, before the
 * next request goes the same way. */
static void on_ready(cz__watch *watch, uint32_t events)
{
    cz__load_connection *connection =
        (cz__load_connection *)(void *)((char *)watch - offsetof(cz__load_connection, watch));
    (void)events;
    if (!connection->fiber) {
        shut(connection);
        return;
    }
    connection->ready = true;
    wake(connection);
}

static void on_timeout(cz__timer *timer)
{
    cz__load_connection *connection =
        (cz__load_connection *)(void *)((char *)timer - offsetof(cz__load_connection, timer));
    connection->timed_out = true;
    wake(connection);
}

/* Until the socket takes or has something. False: the time is over. */
static bool wait_for(cz__load_connection *connection, uint32_t events)
{
    cz__watch_want(cz__loop_current(), &connection->watch, events);
    connection->ready = false;
    while (!connection->ready && !connection->timed_out)
        cz__fiber_wait_uncancelled(connection->ctx);
    return connection->ready;
}

/* ---- connecting and sending ---- */

static enum cz__load_failure open_socket(cz__load_connection *connection)
{
    const struct cz__address *address = connection->address;
    int one = 1, code = 0;
    socklen_t bytes = sizeof code;
    connection->fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return CZ__LOAD_CONNECT;
    if (cz__watch_add(cz__loop_current(), &connection->watch, connection->fd, EPOLLIN, on_ready)) {
        close(connection->fd);
        connection->fd = -1;
        return CZ__LOAD_CONNECT;
    }
    cz_ignore(setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one,
                         sizeof one)); /* slower without, that is all */
    if (!connect(connection->fd, &address->any, address->bytes))
        return CZ__LOAD_NONE;
    if (errno != EINPROGRESS)
        return CZ__LOAD_CONNECT;
    if (!wait_for(connection, EPOLLOUT))
        return CZ__LOAD_TIMEOUT;
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &code, &bytes) || code)
        return CZ__LOAD_CONNECT;
    return CZ__LOAD_NONE;
}

static enum cz__load_failure send_all(cz__load_connection *connection, cz_str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(connection->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent >= 0)
            bytes = cz_str_tail(bytes, (size_t)sent);
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return CZ__LOAD_CLOSED;
        else if (errno != EINTR && !wait_for(connection, EPOLLOUT))
            return CZ__LOAD_TIMEOUT;
    }
    return CZ__LOAD_NONE;
}

/* ---- reading ---- */

/* Append what has come, waiting for the first of it. */
static enum cz__load_failure read_more(cz__load_connection *connection)
{
    for (;;) {
        char *at = cz_buf_reserve(&connection->in, READ_BYTES);
        if (!at)
            return CZ__LOAD_CLOSED;
        ssize_t got = recv(connection->fd, at, READ_BYTES, 0);
        if (got > 0) {
            cz_buf_commit(&connection->in, (size_t)got);
            return CZ__LOAD_NONE;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            return CZ__LOAD_CLOSED;
        if (!wait_for(connection, EPOLLIN))
            return CZ__LOAD_TIMEOUT;
    }
}

static void drop(cz_buf *buf, size_t bytes)
{
    memmove(buf->ptr, buf->ptr + bytes, buf->len - bytes);
    buf->len -= bytes;
}

static enum cz__load_failure read_head(cz__load_connection *connection, bool is_head,
                                       struct cz__h1_answer *out)
{
    const char *why;
    cz_status status;
    while ((status = cz__h1_answer_read(cz_buf_str(&connection->in), is_head, out, &why)) ==
           CZ_EAGAIN) {
        enum cz__load_failure failure = read_more(connection);
        if (failure)
            return failure;
    }
    if (status || out->status == SWITCHING_PROTOCOLS)
        return CZ__LOAD_MALFORMED;
    drop(&connection->in, out->bytes);
    return CZ__LOAD_NONE;
}

static enum cz__load_failure read_length(cz__load_connection *connection, uint64_t left)
{
    cz_buf *in = &connection->in;
    for (;;) {
        size_t take = left < in->len ? (size_t)left : in->len;
        drop(in, take);
        left -= take;
        if (!left)
            return CZ__LOAD_NONE;
        enum cz__load_failure failure = read_more(connection);
        if (failure)
            return failure;
    }
}

static enum cz__load_failure read_chunks(cz__load_connection *connection)
{
    cz_buf *in = &connection->in;
    struct cz__h1_chunked chunked;
    cz__h1_chunked_init(&chunked, INT64_MAX);
    for (;;) {
        size_t used, decoded;
        cz_status status = cz__h1_chunked_feed(&chunked, in->ptr, in->len, &used, &decoded);
        drop(in, used);
        if (status != CZ_EAGAIN)
            return status ? CZ__LOAD_MALFORMED : CZ__LOAD_NONE;
        enum cz__load_failure failure = read_more(connection);
        if (failure)
            return failure;
    }
}

static enum cz__load_failure read_to_close(cz__load_connection *connection)
{
    enum cz__load_failure failure;
    do {
        cz_buf_clear(&connection->in);
        failure = read_more(connection);
    } while (!failure);
    return failure == CZ__LOAD_CLOSED ? CZ__LOAD_NONE : failure;
}

static enum cz__load_failure read_body(cz__load_connection *connection,
                                       const struct cz__h1_answer *answer)
{
    switch ((enum cz__h1_answer_body)answer->body) {
    case CZ__H1_ANSWER_NO_BODY:
        return CZ__LOAD_NONE;
    case CZ__H1_ANSWER_LENGTH:
        return read_length(connection, answer->content_length);
    case CZ__H1_ANSWER_CHUNKED:
        return read_chunks(connection);
    case CZ__H1_ANSWER_TO_CLOSE:
        return read_to_close(connection);
    }
    return CZ__LOAD_MALFORMED;
}

static enum cz__load_failure exchange(cz__load_connection *connection, cz_str request, bool is_head,
                                      uint16_t *out_status)
{
    struct cz__h1_answer answer = { 0 };
    enum cz__load_failure failure = CZ__LOAD_NONE;
    cz_buf_clear(&connection->in);
    if (connection->fd < 0)
        failure = open_socket(connection);
    if (!failure)
        failure = send_all(connection, request);
    while (!failure && answer.status < FINAL) /* one of 1xx is followed by the answer */
        failure = read_head(connection, is_head, &answer);
    if (!failure)
        failure = read_body(connection, &answer);
    if (!failure && connection->in.len) /* more than was asked for */
        failure = CZ__LOAD_MALFORMED;
    if (failure || !answer.keep_alive)
        shut(connection);
    if (!failure)
        *out_status = answer.status;
    return failure;
}

enum cz__load_failure cz__load_ask(cz__load_connection *connection, cz_str request, bool is_head,
                                   uint16_t *out_status)
{
    cz__loop *loop = cz__loop_current();
    connection->fiber = cz__fiber_current();
    connection->timed_out = false;
    cz__timer_set(loop, &connection->timer, connection->timeout_ms, on_timeout);
    enum cz__load_failure failure = exchange(connection, request, is_head, out_status);
    cz__timer_cancel(loop, &connection->timer);
    connection->fiber = NULL;
    if (connection->fd >= 0)
        cz__watch_want(loop, &connection->watch, EPOLLIN);
    return failure;
}
