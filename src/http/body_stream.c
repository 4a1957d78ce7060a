/* Bodies of requests, read by their handlers: as they come, or whole. */
#include "http/form_internal.h"
#include "http/http_internal.h"

enum { TURN_BYTES_MAX = 256 << 10 }; /* read without waiting before others have their turn */

/* ---- Pace ---- */

/* Only waiting for the client counts: a handler that takes its time is no reason to refuse. */
static bool is_slow(const cz__exchange *exchange, int64_t now_ms)
{
    const cz_http_limits *limits = &exchange->core->limits;
    const struct cz__body *body = &exchange->body;
    int64_t measured_ms = body->waited_ms + now_ms - body->waits_since_ms - limits->body_grace_ms;
    return measured_ms >= 0 &&
           (!body->received ||
            body->received < (uint64_t)measured_ms * limits->body_rate_min / 1000);
}

bool cz__body_look_at_pace(cz__exchange *exchange, int64_t now_ms)
{
    struct cz__body *body = &exchange->body;
    body->slow = is_slow(exchange, now_ms);
    if (body->slow)
        cz__fiber_wake(body->fiber);
    return !body->slow;
}

/* ---- Reading ---- */

void cz__body_invite(cz__exchange *exchange)
{
    struct cz__body *body = &exchange->body;
    if (!body->asked)
        return;
    body->asked = false;
    body->invite(exchange);
}

/* The body's pace bounds the wait, not the handler's time. */
static cz_status wait_for_more(cz_ctx *ctx, cz__exchange *exchange)
{
    struct cz__body *body = &exchange->body;
    const cz__loop *loop = exchange->core->loop;
    int64_t deadline_us = ctx->deadline_us;
    body->fiber = cz__fiber_current();
    body->waits_since_ms = cz__loop_now_ms(loop);
    body->since_turn_bytes = 0;
    ctx->deadline_us = 0;
    body->wait(exchange);
    cz_status status = cz__fiber_wait(ctx);
    ctx->deadline_us = deadline_us;
    body->fiber = NULL;
    body->waited_ms += cz__loop_now_ms(loop) - body->waits_since_ms;
    return status;
}

struct turn {
    cz__fiber *fiber;
    bool over;
};

static void end_turn(void *arg)
{
    struct turn *turn = arg;
    turn->over = true;
    cz__fiber_wake(turn->fiber);
}

void cz__http_let_others(cz_ctx *ctx, struct cz__http_core *core)
{
    struct turn turn = { cz__fiber_current(), false };
    cz__post post = { .fn = end_turn, .arg = &turn };
    cz__loop_post_own(core->loop, &post);
    while (!turn.over)
        cz__fiber_wait_uncancelled(ctx);
}

/* The handler has its time from each piece on. */
static void begin_time(cz_ctx *ctx, const cz__exchange *exchange)
{
    if (ctx->deadline_us)
        ctx->deadline_us = cz__loop_now_us(exchange->core->loop) +
                           (int64_t)exchange->core->limits.handler_timeout_ms * 1000;
}

static CZ_NORETURN void raise_slow(cz_ctx *ctx)
{
    cz_error err;
    cz_ignore(cz_error_set(&err, CZ_ETIMEDOUT, "the body came slower than HTTP_BODY_RATE_MIN"));
    err.http_status = 408;
    cz_raise_error(ctx, &err);
}

static size_t read_whole(cz_request *req, void *out, size_t room)
{
    cz_str left = cz_str_tail(req->body, req->body_given);
    size_t n = left.len < room ? left.len : room;
    if (n)
        memcpy(out, left.ptr, n);
    req->body_given += n;
    return n;
}

size_t cz_body_read(cz_ctx *ctx, cz_request *req, void *out, size_t room)
{
    cz_assert(room > 0);
    if (!req->streams_body)
        return read_whole(req, out, room);
    cz__exchange *exchange = cz__exchange_of(req);
    struct cz__body *body = &exchange->body;
    if (body->since_turn_bytes > TURN_BYTES_MAX) {
        body->since_turn_bytes = 0;
        cz__http_let_others(ctx, exchange->core);
    }
    cz__body_invite(exchange);
    for (;;) {
        size_t n = 0;
        cz_error err;
        if (body->slow)
            raise_slow(ctx);
        cz_status status = ctx->cancelled
                               ? cz_error_set(&err, ctx->cancelled, "the client went away")
                               : body->take(exchange, out, room, &n, &err);
        if (status == CZ_OK) {
            body->since_turn_bytes += n;
            begin_time(ctx, exchange);
            return n;
        }
        if (status != CZ_EAGAIN)
            cz_raise_error(ctx, &err);
        status = wait_for_more(ctx, exchange);
        if (status)
            cz_raise(ctx, status, "%s", cz_status_text(status));
    }
}

struct cz__form_limits cz__body_form_limits(const cz_request *req)
{
    const cz_http_limits *limits = &cz__exchange_of(req)->core->limits;
    return (struct cz__form_limits){ limits->body_bytes, limits->upload_memory_bytes };
}

/* ---- Whole ---- */

static void raise_rule(cz_ctx *ctx, enum cz__h1_rule rule)
{
    cz_error err;
    cz_ignore(cz__h1_rule_error(rule, &err)); /* which is raised */
    cz_raise_error(ctx, &err);
}

cz_str cz_request_body(cz_ctx *ctx, cz_request *req)
{
    enum { PIECE_BYTES = 16 << 10 };
    if (!req->streams_body)
        return req->body;
    uint64_t most = cz__exchange_of(req)->core->limits.body_bytes;
    cz_buf *all = cz_scratch(ctx);
    for (size_t n = 1; n;) {
        char *room = cz_buf_reserve(all, PIECE_BYTES);
        cz_check(ctx, cz_buf_status(all));
        n = cz_body_read(ctx, req, room, PIECE_BYTES);
        cz_buf_commit(all, n);
        if (all->len > most)
            raise_rule(ctx, CZ__H1_BODY_TOO_LONG);
    }
    req->streams_body = false;
    req->body = cz_buf_str(all);
    return req->body;
}
