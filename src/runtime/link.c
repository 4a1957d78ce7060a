/* Sending what fibers want, and giving each the answer to its own. */
#include "runtime/link.h"
#include <calzone/time.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

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
    link->sent = 0;
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

static uint32_t wanted_events(cz__link *link)
{
    if (link->state == CZ__LINK_CONNECTING)
        return EPOLLOUT;
    return EPOLLIN | (to_send(link)->len > link->sent ? EPOLLOUT : 0);
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

/* Send what the state allows. What fails tells who waits. */
static void flush(cz__link *link)
{
    cz_buf *buf = to_send(link);
    while (link->sent < buf->len) {
        ssize_t count = send(link->fd, buf->ptr + link->sent, buf->len - link->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (count < 0) {
            cz__link_fail(link, strerror(errno));
            return;
        }
        link->sent += (size_t)count;
    }
    drop_sent(buf, &link->sent);
    if (link->loop)
        cz__watch_want(link->loop, &link->watch, wanted_events(link));
}

void cz__link_ready(cz__link *link)
{
    link->state = CZ__LINK_READY;
    link->sent = 0;
}

void cz__link_connected(cz__link *link)
{
    cz_buf_clear(&link->hello);
    link->sent = 0;
    link->state = CZ__LINK_HELLO;
    if (!link->protocol->begin(link) || cz_buf_status(&link->hello)) {
        cz__link_fail(link, "no memory");
        return;
    }
    if (!link->hello.len)
        cz__link_ready(link);
    flush(link);
}

/* ---- receiving ---- */

static void receive(cz__link *link)
{
    char bytes[READ_BYTES];
    ssize_t count;
    do {
        count = recv(link->fd, bytes, sizeof bytes, 0);
        const char *wrong = count > 0 ? link->protocol->receive(link, bytes, (size_t)count) : NULL;
        if (wrong) {
            cz__link_fail(link, wrong);
            return;
        }
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
    if (link->state >= CZ__LINK_HELLO && to_send(link)->len > link->sent)
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
