/* What all protocols share of a connection.
 *
 * Whether answers are unsent is no state: it goes with all of them. The timer's due time is a number in the connection; one
 * timer is armed at or before it and looks again, so requests cost no wheel operation. */
#include "base/unset.h"
#include "http/connection.h"
#include <errno.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    LINGER_MS = 1000,
    LINGER_BYTES_MAX = 64 << 10,
    TURN_BYTES_MAX = 32 << 10, /* of TLS, that one connection reads before others have their turn */
    RECORD_BYTES = 32          /* what a record has besides, about */
};

/* ---- What is to be sent ---- */

size_t cz__conn_unsent(const cz__conn *conn)
{
    return (conn->output ? conn->output->buf.len - conn->output->sent : 0) + conn->rest.len;
}

cz_buf *cz__conn_output(cz__conn *conn)
{
    struct cz__http_core *core = &conn->server->core;
    if (!conn->output) {
        struct cz__output *output = core->outputs;
        if (output) {
            core->outputs = output->next;
            core->output_count--;
        } else {
            output = cz_calloc(1, sizeof *output);
        }
        conn->output = output;
    }
    return conn->output ? &conn->output->buf : NULL;
}

static void output_release(cz__conn *conn)
{
    struct cz__http_core *core = &conn->server->core;
    struct cz__output *output = conn->output;
    if (!output)
        return;
    conn->output = NULL;
    output->sent = 0;
    if (output->buf.cap > CZ__HTTP_KEEP_BYTES_MAX)
        cz_buf_done(&output->buf);
    cz_buf_clear(&output->buf);
    if (core->output_count >= CZ__HTTP_POOLED_MAX) {
        cz_buf_done(&output->buf);
        cz_free(output);
        return;
    }
    output->next = core->outputs;
    core->outputs = output;
    core->output_count++;
}

void cz__outputs_free(struct cz__http_core *core)
{
    while (core->outputs) {
        struct cz__output *output = core->outputs;
        core->outputs = output->next;
        cz_buf_done(&output->buf);
        cz_free(output);
    }
}

static void on_sent(cz__conn *conn, size_t bytes)
{
    size_t from_output = conn->output ? conn->output->buf.len - conn->output->sent : 0;
    if (bytes < from_output) {
        struct cz__output *output = conn->output;
        output->sent += bytes;
        if (output->sent > output->buf.len / 2) { /* so it does not grow behind a slow reader */
            output->buf.len -= output->sent;
            memmove(output->buf.ptr, output->buf.ptr + output->sent, output->buf.len);
            output->sent = 0;
        }
    } else {
        conn->rest = cz_str_tail(conn->rest, bytes - from_output);
        output_release(conn);
    }
    conn->write_due_ms = cz__conn_unsent(conn)
                             ? cz__conn_now_ms(conn) + conn->server->core.limits.write_timeout_ms
                             : CZ__NEVER;
    conn->protocol->on_sent(conn);
}

static ssize_t send_parts(cz__conn *conn, struct iovec *parts, size_t count)
{
    if (conn->tls)
        return cz__tls_session_write(conn->tls, parts, count);
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
    return count == 1 ? send(conn->watch.fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                      : sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL);
}

static void begin_write_time(cz__conn *conn)
{
    if (conn->write_due_ms == CZ__NEVER)
        conn->write_due_ms = cz__conn_now_ms(conn) + conn->server->core.limits.write_timeout_ms;
}

void cz__conn_flush(cz__conn *conn)
{
    struct iovec parts[2];
    size_t count = 0;
    if (conn->output && conn->output->buf.len > conn->output->sent)
        parts[count++] = (struct iovec){ conn->output->buf.ptr + conn->output->sent,
                                         conn->output->buf.len - conn->output->sent };
    if (conn->rest.len)
        parts[count++] = (struct iovec){ (void *)(uintptr_t)conn->rest.ptr, conn->rest.len };
    if (!count)
        return;
    ssize_t n = send_parts(conn, parts, count);
    if (n >= 0)
        on_sent(conn, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        cz__conn_close(conn);
    else
        begin_write_time(conn);
}

cz_status cz__conn_send_file(cz__conn *conn, int fd, uint64_t first, size_t bytes, size_t *out_sent)
{
    cz_assert(!cz__conn_unsent(conn));
    if (conn->tls)
        return CZ_EUNSUPPORTED;
    off_t at = (off_t)first;
    ssize_t n;
    do
        n = sendfile(conn->watch.fd, fd, &at, bytes);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        *out_sent = (size_t)n;
        conn->write_due_ms = CZ__NEVER;
        return CZ_OK;
    }
    switch (errno) {
    case EAGAIN:
        conn->file_waits = true;
        begin_write_time(conn);
        return CZ_EAGAIN;
    case EINVAL: /* what the file lies in has no pages to send from */
    case ENOSYS:
        return CZ_EUNSUPPORTED;
    case EIO:
        return CZ_EIO;
    default:
        cz__conn_close(conn);
        return CZ_ECANCELED;
    }
}

static size_t *read_in_this_turn(cz__conn *conn)
{
    int64_t turn_us = cz__loop_now_us(conn->server->core.loop);
    if (conn->read_turn_us != turn_us)
        conn->read_bytes = 0;
    conn->read_turn_us = turn_us;
    return &conn->read_bytes;
}

ssize_t cz__conn_read(cz__conn *conn, char *room, size_t bytes)
{
    if (!conn->tls)
        return recv(conn->watch.fd, room, bytes, 0);
    ssize_t n = cz__tls_session_read(conn->tls, room, bytes);
    if (n > 0)
        *read_in_this_turn(conn) += (size_t)n + RECORD_BYTES;
    return n;
}

struct cz__http_peer cz__conn_peer(const cz__conn *conn)
{
    return (struct cz__http_peer){ cz_str_from(conn->address_text), conn->tls != NULL };
}

cz_status cz__conn_name_client(const cz__conn *conn, cz__exchange *exchange)
{
    return conn->tls ? cz__tls_session_peer(conn->tls, exchange->arena,
                                            &exchange->request.client_certificate)
                     : CZ_OK;
}

/* ---- Ending ---- */

void cz__conn_end(cz__conn *conn)
{
    cz_assert(conn->life == CZ__CONN_OPEN);
    conn->life = CZ__CONN_ENDING;
    conn->due_ms = CZ__NEVER; /* the write's time-out bounds it */
}

void cz__conn_close(cz__conn *conn)
{
    cz__http_server *server = conn->server;
    bool ended = conn->life == CZ__CONN_LINGERING;
    if (conn->life == CZ__CONN_CLOSED)
        return;
    conn->life = CZ__CONN_CLOSED;
    cz__timer_cancel(server->core.loop, &conn->timer);
    cz__watch_remove(server->core.loop, &conn->watch);
    close(conn->watch.fd);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    output_release(conn);
    if (!ended)
        conn->protocol->on_ended(conn);
    cz__http_server_on_closed(server, conn->address);
}

static void conn_free(cz__conn *conn)
{
    cz__http_server *server = conn->server;
    conn->protocol->destroy(conn);
    cz__tls_session_destroy(conn->tls);
    cz_free(conn);
    cz__http_server_on_freed(server);
}

/* All is sent. A close() while bytes of the client are unread or on their way makes the kernel send a
 * reset, which can destroy the answer before the client has read it (9112, 9.6). */
static void close_gently(cz__conn *conn)
{
    if (conn->tls)
        cz__tls_session_end(conn->tls);
    if (!conn->linger || shutdown(conn->watch.fd, SHUT_WR)) {
        cz__conn_close(conn);
        return;
    }
    conn->life = CZ__CONN_LINGERING;
    conn->protocol->on_ended(conn);
    conn->due_ms = cz__conn_now_ms(conn) + LINGER_MS;
}

static void drop_lingering_bytes(cz__conn *conn)
{
    char dropped[4096] CZ__UNSET;
    ssize_t n = recv(conn->watch.fd, dropped, sizeof dropped, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || (size_t)n > conn->linger_bytes_left)
        cz__conn_close(conn);
    else
        conn->linger_bytes_left -= (uint32_t)n;
}

/* ---- Entries ---- */

static void on_ready(cz__watch *watch, uint32_t events)
{
    cz__conn *conn = (cz__conn *)(void *)((char *)watch - offsetof(cz__conn, watch));
    if (conn->file_waits && (events & EPOLLOUT)) {
        conn->file_waits = false;
        conn->protocol->on_sent(conn);
    }
    if (conn->life == CZ__CONN_OPEN)
        conn->protocol->on_ready(conn, events);
    else if (conn->life == CZ__CONN_LINGERING)
        drop_lingering_bytes(conn);
    cz__conn_settle(conn); /* which sends, and finds out what is wrong too */
}

static void on_due(cz__timer *timer)
{
    cz__conn *conn = (cz__conn *)(void *)((char *)timer - offsetof(cz__conn, timer));
    int64_t now = cz__conn_now_ms(conn);
    if (now >= conn->write_due_ms || (conn->life == CZ__CONN_LINGERING && now >= conn->due_ms))
        cz__conn_close(conn);
    else if (conn->life == CZ__CONN_OPEN && now >= conn->due_ms)
        conn->protocol->on_due(conn);
    cz__conn_settle(conn);
}

/* ---- The end of every entry ---- */

static void arm_timer(cz__conn *conn)
{
    int64_t due = conn->due_ms < conn->write_due_ms ? conn->due_ms : conn->write_due_ms;
    if (conn->read_waits)
        due = cz__conn_now_ms(conn); /* in the next turn: the descriptor need not be ready */
    if (due == CZ__NEVER || (cz__timer_is_set(&conn->timer) && conn->armed_ms <= due))
        return;
    conn->armed_ms = due;
    cz__timer_set(conn->server->core.loop, &conn->timer, due - cz__conn_now_ms(conn), on_due);
}

static uint32_t interest(const cz__conn *conn)
{
    bool tls_waits = conn->tls && cz__tls_session_wants_out(conn->tls);
    uint32_t out = cz__conn_unsent(conn) || tls_waits || conn->file_waits ? EPOLLOUT : 0;
    if (conn->life == CZ__CONN_OPEN)
        return conn->protocol->interest(conn) | out;
    return conn->life == CZ__CONN_LINGERING ? EPOLLIN : EPOLLERR | out;
}

void cz__conn_wait(cz__conn *conn)
{
    cz__watch_want(conn->server->core.loop, &conn->watch, interest(conn));
    arm_timer(conn);
}

/* Whether there was more to do than to wait for the descriptor. What TLS reads ahead may end inside the head of a record, upon which
 * it reads ahead again: of a client that sends without end there is always more. */
static bool go_on(cz__conn *conn)
{
    conn->read_waits = false;
    if (conn->life != CZ__CONN_OPEN)
        return false;
    if (conn->protocol->go_on && conn->protocol->go_on(conn))
        return true;
    if (!conn->tls || !cz__tls_session_has_more(conn->tls) ||
        !(conn->protocol->interest(conn) & EPOLLIN))
        return false;
    conn->read_waits = *read_in_this_turn(conn) >= TURN_BYTES_MAX;
    if (conn->read_waits)
        return false;
    conn->protocol->on_ready(conn, EPOLLIN); /* what TLS has read ahead */
    return true;
}

void cz__conn_settle(cz__conn *conn)
{
    do {
        if (conn->life < CZ__CONN_LINGERING)
            cz__conn_flush(conn);
    } while (go_on(conn));
    cz_free(conn->left);
    conn->left = NULL;
    if (conn->life == CZ__CONN_ENDING && !cz__conn_unsent(conn))
        close_gently(conn);
    if (conn->life != CZ__CONN_CLOSED)
        cz__conn_wait(conn);
    else if (conn->protocol->is_done(conn))
        conn_free(conn);
}

void cz__conn_become(cz__conn *conn, const struct cz__conn_protocol *protocol, void *session)
{
    cz_assert(!conn->left);
    conn->left = conn->session;
    conn->session = session;
    conn->protocol = protocol;
    conn->due_ms = CZ__NEVER;
}

void cz__conn_do_nothing(cz__conn *conn)
{
    (void)conn;
}

uint32_t cz__conn_wants_input(const cz__conn *conn)
{
    (void)conn;
    return EPOLLIN;
}

bool cz__conn_runs_nothing(const cz__conn *conn)
{
    (void)conn;
    return true;
}

void cz__conn_drain(cz__conn *conn)
{
    if (conn->life == CZ__CONN_OPEN)
        conn->protocol->drain(conn);
    cz__conn_settle(conn);
}

/* ---- Beginning ---- */

cz_status cz__conn_begin(cz__conn *conn)
{
    return conn->tls ? cz__tls_handshake_begin(conn) : cz__h1_begin(conn);
}

cz_status cz__conn_create(cz__http_server *server, int fd, struct cz__http_address *address,
                          const char *address_text, cz__tls_server *tls)
{
    cz__conn *conn = cz_calloc(1, sizeof *conn);
    if (!conn)
        return CZ_ENOMEM;
    conn->server = server;
    conn->address = address;
    conn->due_ms = conn->write_due_ms = CZ__NEVER;
    conn->linger_bytes_left = LINGER_BYTES_MAX;
    cz_ignore(snprintf(conn->address_text, sizeof conn->address_text, "%s", address_text));
    cz_status status = tls ? cz__tls_session_create(tls, fd, &conn->tls) : CZ_OK;
    if (!status)
        status = server->core.limits.proxy_protocol ? cz__proxy_begin(conn) : cz__conn_begin(conn);
    if (!status)
        status = cz__watch_add(server->core.loop, &conn->watch, fd, EPOLLIN | EPOLLRDHUP, on_ready);
    if (status) {
        if (conn->protocol)
            conn->protocol->destroy(conn);
        cz__tls_session_destroy(conn->tls);
        cz_free(conn);
        return status;
    }
    conn->next = server->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    conn->link = &server->conns;
    server->conns = conn;
    server->conns_alive++;
    server->core.stats.connections_open++;
    arm_timer(conn);
    return CZ_OK;
}
