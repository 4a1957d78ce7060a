/* Sending what fibers want, and giving each the answer to its own. */
#include "base/unset.h"
#include "runtime/link.h"
#include <calzone/time.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_BYTES = 65536, SEAL_BYTES = 16384 /* what TLS makes a record of */ };

cz_status cz__link_init(cz__link *link, const struct cz__link_protocol *protocol, cz_str host,
                        uint16_t port)
{
    link->protocol = protocol;
    link->port = port;
    link->fd = -1;
    link->end = &link->first;
    link->host = cz_malloc(host.len + 1);
    if (!link->host)
        return CZ_ENOMEM;
    memcpy(link->host, host.ptr, host.len);
    link->host[host.len] = '\0';
    return CZ_OK;
}

void cz__link_done(cz__link *link)
{
    cz__link_close(link);
    cz_free(link->host);
    link->host = NULL;
}

void cz__link_request_over(cz__link *link)
{
    struct cz__link_request *request = link->first;
    link->first = request->next;
    if (!link->first)
        link->end = &link->first;
    request->done = true;
    if (request->abandoned)
        link->protocol->free_request(request);
    else if (request->fiber)
        cz__fiber_wake(request->fiber);
}

/* ---- the end of a connection ---- */

void cz__link_close_socket(cz__link *link)
{
    if (link->loop)
        cz__watch_remove(link->loop, &link->watch);
    if (link->fd >= 0)
        close(link->fd);
    link->loop = NULL;
    link->fd = -1;
}

void cz__link_close(cz__link *link)
{
    cz__link_close_socket(link);
    link->state = CZ__LINK_CLOSED;
    link->protocol->end(link);
    cz_buf_done(&link->out);
    cz_buf_done(&link->hello);
    cz_buf_done(&link->wire);
    cz__tls_destroy(link->tls);
    link->tls = NULL;
    link->sent = link->wire_sent = 0;
    while (link->first) {
        link->first->lost = true;
        cz__link_request_over(link);
    }
}

void cz__link_fail(cz__link *link, const char *reason)
{
    cz_ignore(snprintf(link->reason, sizeof link->reason, "%s", reason)); /* may be cut */
    cz__link_close(link);
}

/* ---- sending ---- */

static cz_buf *to_send(cz__link *link)
{
    return link->state == CZ__LINK_READY ? &link->out : &link->hello;
}

/* Whether something waits for the socket. */
static bool is_behind(cz__link *link)
{
    if (link->tls)
        return link->wire.len > link->wire_sent;
    return link->state >= CZ__LINK_HELLO && to_send(link)->len > link->sent;
}

static uint32_t wanted_events(cz__link *link)
{
    if (link->state == CZ__LINK_CONNECTING)
        return EPOLLOUT;
    return EPOLLIN | (is_behind(link) ? EPOLLOUT : 0);
}

static void drop_sent(cz_buf *buf, size_t *sent)
{
    if (*sent > READ_BYTES && *sent > buf->len / 2) { /* never all at once under load */
        memmove(buf->ptr, buf->ptr + *sent, buf->len - *sent);
        buf->len -= *sent;
        *sent = 0;
    }
    if (*sent == buf->len) {
        *sent = 0;
        if (buf->cap > READ_BYTES)
            cz_buf_done(buf); /* one long value is no reason to keep its memory */
        else
            cz_buf_clear(buf);
    }
}

/* Send what the socket takes. False: the connection is gone. */
static bool send_some(cz__link *link, cz_buf *buf, size_t *sent)
{
    while (*sent < buf->len) {
        ssize_t count = send(link->fd, buf->ptr + *sent, buf->len - *sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (count < 0) {
            cz__link_fail(link, strerror(errno));
            return false;
        }
        *sent += (size_t)count;
    }
    drop_sent(buf, sent);
    return true;
}

/* A piece at a time goes through TLS, and no next one before the socket has taken it. */
static bool send_sealed(cz__link *link)
{
    while (send_some(link, &link->wire, &link->wire_sent)) {
        cz_buf *buf = to_send(link);
        size_t left = link->state >= CZ__LINK_HELLO ? buf->len - link->sent : 0;
        if (link->wire.len || !left)
            return true;
        left = left < SEAL_BYTES ? left : SEAL_BYTES;
        if (cz__tls_write(link->tls, buf->ptr + link->sent, left)) {
            cz__link_fail(link, cz__tls_reason(link->tls));
            return false;
        }
        link->sent += left;
        drop_sent(buf, &link->sent);
        cz__tls_take(link->tls, &link->wire);
        if (cz_buf_status(&link->wire)) {
            cz__link_fail(link, "no memory");
            return false;
        }
    }
    return false;
}

/* Send what the state allows. What fails tells who waits. */
static void flush(cz__link *link)
{
    bool there = link->tls ? send_sealed(link) : send_some(link, to_send(link), &link->sent);
    if (there && link->loop)
        cz__watch_want(link->loop, &link->watch, wanted_events(link));
}

void cz__link_ready(cz__link *link)
{
    link->state = CZ__LINK_READY;
    link->sent = 0;
}

/* False: the connection is gone. */
static bool say_hello(cz__link *link)
{
    cz_buf_clear(&link->hello);
    link->sent = 0;
    link->state = CZ__LINK_HELLO;
    if (!link->protocol->begin(link) || cz_buf_status(&link->hello)) {
        cz__link_fail(link, "no memory");
        return false;
    }
    if (!link->hello.len)
        cz__link_ready(link);
    return true;
}

/* Go on with the handshake of TLS. False: the connection is gone. */
static bool shake_hands(cz__link *link)
{
    bool done;
    if (cz__tls_handshake(link->tls, &done)) {
        cz__link_fail(link, cz__tls_reason(link->tls));
        return false;
    }
    return !done || say_hello(link);
}

void cz__link_connected(cz__link *link)
{
    bool there;
    if (!link->trusted) {
        there = say_hello(link);
    } else if (cz__tls_create(link->trusted, link->host, &link->tls)) {
        cz__link_fail(link, "no memory");
        return;
    } else {
        link->state = CZ__LINK_TLS;
        there = shake_hands(link);
    }
    if (there && link->tls)
        cz__tls_take(link->tls, &link->wire);
    if (there)
        flush(link);
}

/* ---- receiving ---- */

/* What is wrong with bytes that came; NULL: nothing. */
static const char *take(cz__link *link, const char *bytes, size_t len)
{
    return link->protocol->receive(link, bytes, len);
}

/* The same of sealed ones. */
static const char *take_sealed(cz__link *link, const char *bytes, size_t len)
{
    char plain[SEAL_BYTES] CZ__UNSET;
    size_t count = 0;
    const char *wrong = NULL;
    if (cz__tls_feed(link->tls, bytes, len))
        return "no memory";
    if (link->state == CZ__LINK_TLS && !shake_hands(link))
        return NULL; /* it was told already */
    do {
        if (link->state < CZ__LINK_HELLO)
            break;
        if (cz__tls_read(link->tls, plain, sizeof plain, &count))
            wrong = cz__tls_reason(link->tls);
        else if (count)
            wrong = take(link, plain, count);
    } while (count && !wrong);
    if (!wrong)
        cz__tls_take(link->tls, &link->wire); /* an answer of TLS' own */
    return wrong ? wrong : cz_buf_status(&link->wire) ? "no memory" : NULL;
}

static void receive(cz__link *link)
{
    char bytes[READ_BYTES] CZ__UNSET;
    ssize_t count;
    do {
        const char *wrong = NULL;
        count = recv(link->fd, bytes, sizeof bytes, 0);
        if (count > 0)
            wrong = link->tls ? take_sealed(link, bytes, (size_t)count)
                              : take(link, bytes, (size_t)count);
        if (wrong)
            cz__link_fail(link, wrong);
        if (link->state == CZ__LINK_CLOSED)
            return;
    } while (count == (ssize_t)sizeof bytes || (count < 0 && errno == EINTR));
    if (count == 0)
        cz__link_fail(link, "the server has closed the connection");
    else if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        cz__link_fail(link, strerror(errno));
}

static void step(cz__link *link, uint32_t events)
{
    if (link->state == CZ__LINK_CONNECTING) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            cz__link_connect_over(link);
        return;
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(link);
    if (link->state >= CZ__LINK_TLS)
        flush(link);
}

void cz__link_on_ready(cz__watch *watch, uint32_t events)
{
    step((cz__link *)(void *)((char *)watch - offsetof(cz__link, watch)), events);
}

/* ---- asking ---- */

static cz_status enqueue(cz__link *link, struct cz__link_request *request, const cz_buf *bytes)
{
    if (link->out.len + bytes->len > CZ__LINK_BYTES_MAX)
        return CZ_EUNAVAILABLE;
    size_t before = link->out.len;
    link->out.bytes_max = CZ__LINK_BYTES_MAX;
    cz_buf_append_str(&link->out, cz_buf_str(bytes));
    if (cz_buf_status(&link->out) || cz_buf_status(bytes)) {
        link->out.status = CZ_OK; /* what stood there is whole */
        link->out.len = before;
        return CZ_ENOMEM;
    }
    request->fiber = cz__fiber_current();
    *link->end = request;
    link->end = &request->next;
    return CZ_OK;
}

cz_status cz__link_send(cz__link *link, struct cz__link_request *request, cz_buf *bytes)
{
    if (cz__fiber_current() && link->fd >= 0 && !link->loop)
        cz__link_close(link); /* opened before there was a loop: nobody watches it */
    cz_status status = enqueue(link, request, bytes);
    cz_buf_done(bytes);
    if (status)
        link->protocol->free_request(request);
    else if (link->state == CZ__LINK_CLOSED)
        cz__link_open(link);
    else if (link->state == CZ__LINK_READY)
        flush(link);
    return status;
}

struct time_out {
    cz__timer timer; /* first: the timer is the time-out */
    cz__fiber *fiber;
    bool over;
};

static void time_is_over(cz__timer *timer)
{
    struct time_out *time_out = (struct time_out *)(void *)timer;
    time_out->over = true;
    cz__fiber_wake(time_out->fiber);
}

static cz_status wait_on_fiber(cz_ctx *ctx, cz__link *link, const struct cz__link_request *request,
                               int64_t timeout_ms)
{
    struct time_out time_out = { .fiber = cz__fiber_current() };
    cz_status status = CZ_OK;
    cz__timer_set(cz__loop_current(), &time_out.timer, timeout_ms, time_is_over);
    while (!request->done && !time_out.over && !status)
        status = cz__fiber_wait(ctx);
    cz__timer_cancel(cz__loop_current(), &time_out.timer);
    if (!request->done && time_out.over)
        cz__link_fail(link, "no answer in time");
    return status;
}

static void wait_polling(cz__link *link, const struct cz__link_request *request, int64_t timeout_ms)
{
    int64_t end_us = cz_monotonic_us() + timeout_ms * 1000;
    while (!request->done) {
        int64_t left_ms = (end_us - cz_monotonic_us() + 999) / 1000;
        struct pollfd at = { .fd = link->fd };
        uint32_t events = wanted_events(link);
        at.events = (short)((events & EPOLLIN ? POLLIN : 0) | (events & EPOLLOUT ? POLLOUT : 0));
        if (left_ms <= 0 || link->fd < 0) {
            cz__link_fail(link, "no answer in time");
            return;
        }
        if (poll(&at, 1, (int)left_ms) > 0)
            step(link, (at.revents & POLLIN ? EPOLLIN : 0u) |
                           (at.revents & POLLOUT ? EPOLLOUT : 0u) |
                           (at.revents & (POLLERR | POLLHUP) ? EPOLLERR : 0u));
    }
}

cz_status cz__link_wait(cz_ctx *ctx, cz__link *link, struct cz__link_request *request,
                        int64_t timeout_ms)
{
    cz_status status = CZ_OK;
    if (cz__fiber_current())
        status = wait_on_fiber(ctx, link, request, timeout_ms);
    else
        wait_polling(link, request, timeout_ms);
    if (!request->done) { /* its answer is still to come */
        request->abandoned = true;
        return status;
    }
    if (!status && request->lost)
        status = CZ_EUNAVAILABLE;
    if (status)
        link->protocol->free_request(request);
    return status;
}
