/* The connection: opening it, sending what fibers want, giving each the replies to its own.
 *
 *     CLOSED      nothing is open                    cz__redis_close(), at any time
 *     RESOLVING   a thread looks the host up         begin_opening()
 *     CONNECTING  TCP's handshake                    try_address()
 *     HELLO       AUTH and SELECT were sent; nothing  connected()
 *                 else is, before both were granted
 *     READY       requests are sent as they come     say_ready()
 *
 * Replies come in the order of the commands, so the first request of the queue owns the next one. Whoever waits has the
 * store's time-out, through all of this; when that passes, the server is too slow for everybody and the connection is
 * closed. Outside a loop whoever waits polls the socket and calls the same steps. */
#include "cache/redis/redis_internal.h"
#include <arpa/inet.h>
#include <calzone/time.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

static void on_ready(cz__watch *watch, uint32_t events);

/* ---- requests ---- */

void cz__redis_command(cz_buf *out, const cz_str *arguments, size_t count)
{
    cz_buf_append_char(out, '*');
    cz_buf_append_u64(out, count);
    cz_buf_append_lit(out, "\r\n");
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_char(out, '$');
        cz_buf_append_u64(out, arguments[i].len);
        cz_buf_append_lit(out, "\r\n");
        cz_buf_append_str(out, arguments[i]);
        cz_buf_append_lit(out, "\r\n");
    }
}

void cz__redis_done(struct cz__redis_request *request)
{
    for (size_t i = 0; i < request->got; i++)
        cz__hiredis.freeReplyObject(request->replies[i]);
    cz_free(request);
}

/* The first request is over, one way or the other. */
static void request_over(struct cz__redis *redis)
{
    struct cz__redis_request *request = redis->first;
    redis->first = request->next;
    if (!redis->first)
        redis->end = &redis->first;
    request->done = true;
    if (request->abandoned)
        cz__redis_done(request);
    else if (request->fiber)
        cz__fiber_wake(request->fiber);
}

/* ---- the end of a connection ---- */

static void close_socket(struct cz__redis *redis)
{
    if (redis->loop)
        cz__watch_remove(redis->loop, &redis->watch);
    if (redis->fd >= 0)
        close(redis->fd);
    redis->loop = NULL;
    redis->fd = -1;
}

void cz__redis_close(struct cz__redis *redis)
{
    close_socket(redis);
    redis->state = CZ__REDIS_CLOSED;
    if (redis->reader)
        cz__hiredis.redisReaderFree(redis->reader);
    redis->reader = NULL;
    cz_buf_done(&redis->out);
    cz_buf_done(&redis->hello);
    redis->sent = redis->hello_left = 0;
    while (redis->first) {
        redis->first->lost = true;
        request_over(redis);
    }
}

static void fail(struct cz__redis *redis, const char *reason)
{
    cz_ignore(snprintf(redis->reason, sizeof redis->reason, "%s", reason)); /* may be cut */
    cz__redis_close(redis);
}

/* The host may have moved: look it up again. */
static void fail_to_connect(struct cz__redis *redis, const char *reason)
{
    redis->address_count = 0;
    fail(redis, reason);
}

/* ---- sending ---- */

static void want(struct cz__redis *redis, uint32_t events)
{
    if (redis->loop)
        cz__watch_want(redis->loop, &redis->watch, events);
}

static uint32_t wanted_events(const struct cz__redis *redis)
{
    const cz_buf *buf = redis->state == CZ__REDIS_READY ? &redis->out : &redis->hello;
    if (redis->state == CZ__REDIS_CONNECTING)
        return EPOLLOUT;
    return EPOLLIN | (buf->len > redis->sent ? EPOLLOUT : 0);
}

/* Send what the state allows. False: the connection is gone. */
static bool flush(struct cz__redis *redis)
{
    cz_buf *buf = redis->state == CZ__REDIS_READY ? &redis->out : &redis->hello;
    while (redis->sent < buf->len) {
        ssize_t count =
            send(redis->fd, buf->ptr + redis->sent, buf->len - redis->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (count < 0) {
            fail(redis, strerror(errno));
            return false;
        }
        redis->sent += (size_t)count;
    }
    if (redis->sent > READ_BYTES && redis->sent > buf->len / 2) { /* never all at once under load */
        memmove(buf->ptr, buf->ptr + redis->sent, buf->len - redis->sent);
        buf->len -= redis->sent;
        redis->sent = 0;
    }
    if (redis->sent == buf->len) {
        redis->sent = 0;
        if (buf->cap > READ_BYTES)
            cz_buf_done(buf); /* one long value is no reason to keep its memory */
        else
            cz_buf_clear(buf);
    }
    want(redis, wanted_events(redis));
    return true;
}

static void say_ready(struct cz__redis *redis)
{
    redis->state = CZ__REDIS_READY;
    redis->sent = 0;
    cz_ignore(flush(redis)); /* it tells who waits */
}

/* ---- receiving ---- */

/* Errors of the server at the beginning, as a wrong password, end the connection; later they are replies. */
static bool take_hello(struct cz__redis *redis, redisReply *reply)
{
    bool granted = reply->type != REDIS_REPLY_ERROR;
    if (!granted)
        fail(redis, reply->str);
    cz__hiredis.freeReplyObject(reply);
    if (granted && --redis->hello_left == 0)
        say_ready(redis);
    return granted && redis->state != CZ__REDIS_CLOSED;
}

static bool take_reply(struct cz__redis *redis, redisReply *reply)
{
    if (redis->state == CZ__REDIS_HELLO)
        return take_hello(redis, reply);
    struct cz__redis_request *request = redis->first;
    if (!request) {
        cz__hiredis.freeReplyObject(reply);
        fail(redis, "a reply to nothing");
        return false;
    }
    request->replies[request->got++] = reply;
    if (request->got == request->expected)
        request_over(redis);
    return true;
}

static bool read_replies(struct cz__redis *redis)
{
    for (;;) {
        void *reply = NULL;
        if (cz__hiredis.redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
            fail(redis, redis->reader->errstr);
            return false;
        }
        if (!reply)
            break;
        if (!take_reply(redis, reply))
            return false;
    }
    if (redis->reader->len - redis->reader->pos > CZ__REDIS_BYTES_MAX) {
        fail(redis, "a reply that does not end");
        return false;
    }
    return true;
}

static void receive(struct cz__redis *redis)
{
    char bytes[READ_BYTES];
    ssize_t count;
    do {
        count = recv(redis->fd, bytes, sizeof bytes, 0);
        if (count > 0) {
            if (cz__hiredis.redisReaderFeed(redis->reader, bytes, (size_t)count) != REDIS_OK) {
                fail(redis, "no memory");
                return;
            }
            if (!read_replies(redis))
                return;
        }
    } while (count == (ssize_t)sizeof bytes || (count < 0 && errno == EINTR));
    if (count == 0)
        fail(redis, "the server has closed the connection");
    else if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        fail(redis, strerror(errno));
}

/* ---- opening ---- */

/* An array's length comes before its elements: one that no command of ours asks for is not made room for. */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *(*create_array)(const redisReadTask *task, element_count elements);

static void *create_bounded_array(const redisReadTask *task, element_count elements)
{
    return elements > CZ__REDIS_ELEMENTS_MAX ? NULL : create_array(task, elements);
}

static bool create_reader(struct cz__redis *redis)
{
    redis->reader = cz__hiredis.redisReaderCreate();
    if (!redis->reader)
        return false;
    redis->functions = *redis->reader->fn;
    create_array = redis->functions.createArray;
    redis->functions.createArray = create_bounded_array;
    redis->reader->fn = &redis->functions;
    return true;
}

static void add_hello(struct cz__redis *redis)
{
    cz_buf_clear(&redis->hello);
    redis->sent = redis->hello_left = 0;
    if (*redis->password) {
        cz_str with_user[] = { CZ_STR("AUTH"), cz_str_from(redis->user),
                               cz_str_from(redis->password) };
        cz_str without[] = { CZ_STR("AUTH"), cz_str_from(redis->password) };
        cz__redis_command(&redis->hello, *redis->user ? with_user : without, *redis->user ? 3 : 2);
        redis->hello_left++;
    }
    if (redis->number) {
        char text[24];
        cz_str select[] = { CZ_STR("SELECT"), cz_str_of(text, cz_i64_write(text, redis->number)) };
        cz__redis_command(&redis->hello, select, 2);
        redis->hello_left++;
    }
}

static void connected(struct cz__redis *redis)
{
    int one = 1;
    cz_ignore(setsockopt(redis->fd, IPPROTO_TCP, TCP_NODELAY, &one,
                         sizeof one)); /* slower without, that is all */
    if (!create_reader(redis)) {
        fail(redis, "no memory");
        return;
    }
    add_hello(redis);
    if (cz_buf_status(&redis->hello)) {
        fail(redis, "no memory");
    } else if (redis->hello_left) {
        redis->state = CZ__REDIS_HELLO;
        cz_ignore(flush(redis)); /* it tells who waits */
    } else {
        say_ready(redis);
    }
}

static void try_address(struct cz__redis *redis)
{
    unsigned at = redis->address_at;
    redis->state = CZ__REDIS_CONNECTING;
    redis->fd =
        socket(redis->addresses[at].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (redis->fd < 0) {
        fail(redis, strerror(errno));
        return;
    }
    if (connect(redis->fd, (const struct sockaddr *)&redis->addresses[at],
                redis->address_bytes[at]) < 0 &&
        errno != EINPROGRESS) {
        fail_to_connect(redis, strerror(errno));
        return;
    }
    cz__loop *loop = cz__loop_current();
    if (loop && cz__watch_add(loop, &redis->watch, redis->fd, EPOLLOUT, on_ready)) {
        fail(redis, "the socket cannot be watched");
        return;
    }
    redis->loop = loop;
}

/* Of a host with several addresses the next, when one does not take the connection. */
static void connect_over(struct cz__redis *redis)
{
    int code = 0;
    socklen_t bytes = sizeof code;
    if (getsockopt(redis->fd, SOL_SOCKET, SO_ERROR, &code, &bytes))
        code = errno;
    if (!code) {
        connected(redis);
    } else if (redis->address_at + 1 < redis->address_count) {
        close_socket(redis);
        redis->address_at++;
        try_address(redis);
    } else {
        fail_to_connect(redis, strerror(code));
    }
}

static void step(struct cz__redis *redis, uint32_t events)
{
    if (redis->state == CZ__REDIS_CONNECTING) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            connect_over(redis);
        return;
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(redis);
    if (redis->state >= CZ__REDIS_HELLO && (events & EPOLLOUT))
        cz_ignore(flush(redis)); /* it tells who waits */
}

static void on_ready(cz__watch *watch, uint32_t events)
{
    step((struct cz__redis *)(void *)((char *)watch - offsetof(struct cz__redis, watch)), events);
}

/* ---- looking the host up ---- */

struct
    lookup { /* for a thread of the pool, and a fiber that waits for it longer than anybody else */
    struct cz__redis *redis;
    uint64_t attempt;
    char host[256], port[8];
    struct addrinfo *found;
    int code;
};

static void look_up(void *arg)
{
    struct lookup *lookup = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    lookup->code = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
}

static void looked_up(struct lookup *lookup)
{
    struct cz__redis *redis = lookup->redis;
    bool wanted = redis->state == CZ__REDIS_RESOLVING && redis->attempt == lookup->attempt;
    if (wanted && lookup->code) {
        fail(redis, gai_strerror(lookup->code));
    } else if (wanted) {
        redis->address_count = redis->address_at = 0;
        for (const struct addrinfo *at = lookup->found;
             at && redis->address_count < CZ__REDIS_ADDRESSES_MAX; at = at->ai_next) {
            memcpy(&redis->addresses[redis->address_count], at->ai_addr, at->ai_addrlen);
            redis->address_bytes[redis->address_count++] = at->ai_addrlen;
        }
        try_address(redis);
    }
    if (lookup->found)
        freeaddrinfo(lookup->found);
    cz_free(lookup);
}

static void look_up_on_fiber(void *arg)
{
    struct lookup *lookup = arg;
    cz_ctx ctx;
    cz_ctx_init(&ctx, NULL);
    if (cz__fiber_offload_uncancelled(&ctx, look_up, lookup))
        lookup->code = EAI_AGAIN;
    cz_ctx_done(&ctx);
    looked_up(lookup);
}

static void begin_opening(struct cz__redis *redis)
{
    redis->attempt++;
    redis->address_at = 0;
    if (redis->address_count) {
        try_address(redis);
        return;
    }
    redis->state = CZ__REDIS_RESOLVING;
    struct lookup *lookup = cz_calloc(1, sizeof *lookup);
    if (!lookup) {
        fail(redis, "no memory");
        return;
    }
    lookup->redis = redis;
    lookup->attempt = redis->attempt;
    cz_ignore(snprintf(lookup->host, sizeof lookup->host, "%s", redis->host)); /* 253 at most */
    cz_ignore(snprintf(lookup->port, sizeof lookup->port, "%u", redis->port));
    struct in6_addr number;
    bool is_number = inet_pton(AF_INET, redis->host, &number) == 1 ||
                     inet_pton(AF_INET6, redis->host, &number) == 1;
    if (is_number || !cz__fiber_current()) {
        look_up(lookup);
        looked_up(lookup);
    } else if (cz__fiber_start(look_up_on_fiber, lookup)) {
        cz_free(lookup);
        fail(redis, "no fiber to look the host up");
    }
}

/* ---- asking ---- */

static struct cz__redis_request *enqueue(struct cz__redis *redis, cz_buf *commands, size_t replies)
{
    struct cz__redis_request *request =
        cz_calloc(1, sizeof *request + replies * sizeof *request->replies);
    if (!request)
        return NULL;
    size_t before = redis->out.len;
    redis->out.bytes_max = CZ__REDIS_BYTES_MAX;
    cz_buf_append_str(&redis->out, cz_buf_str(commands));
    if (cz_buf_status(&redis->out) || cz_buf_status(commands)) {
        redis->out.status = CZ_OK; /* what stood there is whole */
        redis->out.len = before;
        cz_free(request);
        return NULL;
    }
    request->expected = replies;
    request->fiber = cz__fiber_current();
    *redis->end = request;
    redis->end = &request->next;
    return request;
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

static cz_status wait_on_fiber(cz_ctx *ctx, struct cz__redis *redis,
                               const struct cz__redis_request *request, int64_t timeout_ms)
{
    struct time_out time_out = { .fiber = cz__fiber_current() };
    cz_status status = CZ_OK;
    cz__timer_set(cz__loop_current(), &time_out.timer, timeout_ms, time_is_over);
    while (!request->done && !time_out.over && !status)
        status = cz__fiber_wait(ctx);
    cz__timer_cancel(cz__loop_current(), &time_out.timer);
    if (!request->done && time_out.over)
        fail(redis, "no answer in time");
    return status;
}

static void wait_polling(struct cz__redis *redis, const struct cz__redis_request *request,
                         int64_t timeout_ms)
{
    int64_t end_us = cz_monotonic_us() + timeout_ms * 1000;
    while (!request->done) {
        int64_t left_ms = (end_us - cz_monotonic_us() + 999) / 1000;
        struct pollfd at = { .fd = redis->fd };
        uint32_t events = wanted_events(redis);
        at.events = (short)((events & EPOLLIN ? POLLIN : 0) | (events & EPOLLOUT ? POLLOUT : 0));
        if (left_ms <= 0 || redis->fd < 0) {
            fail(redis, "no answer in time");
            return;
        }
        if (poll(&at, 1, (int)left_ms) > 0)
            step(redis, (at.revents & POLLIN ? EPOLLIN : 0u) |
                            (at.revents & POLLOUT ? EPOLLOUT : 0u) |
                            (at.revents & (POLLERR | POLLHUP) ? EPOLLERR : 0u));
    }
}

cz_status cz__redis_ask(cz_ctx *ctx, struct cz__store *store, cz_buf *commands, size_t replies,
                        struct cz__redis_request **out)
{
    struct cz__redis *redis = store->state;
    if (cz__fiber_current() && redis->fd >= 0 && !redis->loop)
        cz__redis_close(redis); /* opened before there was a loop: nobody watches it */
    bool is_behind = redis->out.len + commands->len > CZ__REDIS_BYTES_MAX;
    struct cz__redis_request *request = is_behind ? NULL : enqueue(redis, commands, replies);
    cz_buf_done(commands);
    if (!request)
        return is_behind ? CZ_EUNAVAILABLE : CZ_ENOMEM;
    if (redis->state == CZ__REDIS_CLOSED)
        begin_opening(redis);
    else if (redis->state == CZ__REDIS_READY)
        cz_ignore(flush(redis)); /* it tells this request */
    cz_status status = CZ_OK;
    if (cz__fiber_current())
        status = wait_on_fiber(ctx, redis, request, store->timeout_ms);
    else
        wait_polling(redis, request, store->timeout_ms);
    if (!request->done) { /* its replies are still to come */
        request->abandoned = true;
        return status;
    }
    if (!status && request->lost)
        status = CZ_EUNAVAILABLE;
    if (status)
        cz__redis_done(request);
    else
        *out = request;
    return status;
}
