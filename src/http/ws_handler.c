/* The handler of a WebSocket: its fiber from the first message to the last, each of them a unit of work. */
#include "base/defers.h"
#include "http/ws_internal.h"
#include <calzone/log.h>

enum { TURN_MESSAGES_MAX = 128 }; /* received without waiting before others have their turn */

/* ---- One message after another ---- */

static void keep_actor(cz_ctx *ctx, struct cz_websocket *ws)
{
    cz_str actor = ctx->actor;
    if (actor.ptr == ws->before.actor.ptr && actor.len == ws->before.actor.len)
        return;
    if (!ws->actor)
        ws->actor = cz_arena_alloc(ws->before.arena, CZ_ACTOR_BYTES_MAX);
    if (ws->actor && actor.len)
        memcpy(ws->actor, actor.ptr, actor.len);
    ctx->actor = cz_str_of(ws->actor, ws->actor ? actor.len : 0);
}

/* What a message's part of the work has allocated and deferred goes, as at the end of a request, so that a socket may live
 * for days; who it acts for stays. Not inside a cz_try() of the handler's, which would find its own clean-ups gone. */
static void forget_message(cz_ctx *ctx, struct cz_websocket *ws)
{
    if (ctx->boundary != ws->boundary)
        return;
    if (!ws->arena)
        return;
    cz__defers_run(ctx, ws->before.defers);
    keep_actor(ctx, ws);
    ctx->arena = ws->before.arena;
    ctx->db = ws->before.db;
    ctx->once = ws->before.once;
    cz_arena_destroy(ws->arena);
    ws->arena = NULL;
}

/* The message in hand goes from here to the next call. */
static cz_status deliver(cz_ctx *ctx, struct cz_websocket *ws, enum cz__ws_received *out,
                         cz_str *out_data)
{
    if (!ws->arena && ctx->boundary == ws->boundary) { /* or what is remembered could be gone */
        cz_status status = cz_arena_create(NULL, CZ__HTTP_ARENA_BYTES_MAX, &ws->arena);
        if (status)
            return status;
        ws->before =
            (struct cz__ws_before){ ctx->arena, ctx->defers, ctx->db, ctx->once, ctx->actor };
        ctx->arena = ws->arena;
    }
    ws->in_hand = ws->message;
    cz_buf_init(&ws->message, ws->core->limits.ws_message_bytes);
    ws->message_waits = false;
    ws->trimmed = false;
    ws->active_ms = cz__ws_now_ms(ws);
    cz__ws_set_due(ws);
    *out = ws->reader.text ? CZ__WS_RECEIVED_TEXT : CZ__WS_RECEIVED_BINARY;
    *out_data = cz_buf_str(&ws->in_hand);
    return CZ_OK;
}

/* Until there may be something. Errors: of the context. */
static cz_status wait_for_input(cz_ctx *ctx, struct cz_websocket *ws, int64_t until_us)
{
    int64_t deadline_us = ctx->deadline_us;
    if (until_us && (!deadline_us || until_us < deadline_us))
        ctx->deadline_us = until_us;
    ws->since_turn = 0;
    ws->receiver = cz__fiber_current();
    cz_status status = cz__fiber_wait(ctx);
    ws->receiver = NULL;
    ctx->deadline_us = deadline_us;
    return status;
}

cz_status cz__ws_receive(cz_ctx *ctx, struct cz_websocket *ws, int64_t timeout_ms,
                         enum cz__ws_received *out, cz_str *out_data)
{
    const cz__loop *loop = ws->core->loop;
    int64_t until_us = timeout_ms < 0 ? 0 : cz__loop_now_us(loop) + timeout_ms * 1000;
    forget_message(ctx, ws);
    cz_buf_done(&ws->in_hand); /* now that no clean-up looks at it */
    if (ws->since_turn++ == TURN_MESSAGES_MAX) {
        ws->since_turn = 0;
        cz__http_let_others(ctx, ws->core);
    }
    for (;;) {
        ws->carrier->settle(ws->carrier_arg); /* takes and sends what is there */
        if (ws->message_waits)
            return deliver(ctx, ws, out, out_data);
        *out_data = cz_str_of(NULL, 0);
        *out = CZ__WS_RECEIVED_CLOSED;
        if (ws->state != CZ__WS_OPEN)
            return CZ_OK;
        cz_status status = wait_for_input(ctx, ws, until_us);
        *out = CZ__WS_RECEIVED_NOTHING;
        if (status == CZ_ETIMEDOUT && !ctx->cancelled && until_us &&
            cz__loop_now_us(loop) >= until_us)
            return CZ_OK;
        if (status)
            return status;
    }
}

/* ---- The rest of what it may ask ---- */

void cz__ws_close(struct cz_websocket *ws, uint16_t code, cz_str reason)
{
    cz__ws_begin_close(ws, code, reason);
    ws->carrier->settle(ws->carrier_arg);
}

bool cz__ws_is_open(const struct cz_websocket *ws)
{
    return ws->state == CZ__WS_OPEN;
}

uint16_t cz__ws_closed_with(const struct cz_websocket *ws)
{
    return ws->close_code;
}

cz_str cz__ws_subprotocol(const struct cz_websocket *ws)
{
    return ws->terms->subprotocol;
}

/* ---- Its life ---- */

static void call_handler(cz_ctx *ctx, void *arg)
{
    struct cz_websocket *ws = arg;
    ws->boundary = ctx->boundary;
    ws->terms->run(ctx, &ws->exchange->request, ws);
}

/* What it raised is told to nobody but the log. */
static void close_after(cz_ctx *ctx, struct cz_websocket *ws, cz_status status)
{
    const cz_request *req = &ws->exchange->request;
    if (!status) {
        cz__ws_close(ws, CZ__WS_NORMAL, CZ_STR(""));
    } else if (status == CZ_ECANCELED) { /* the socket is closed, or the worker stops */
        cz__ws_close(ws, CZ__WS_GOING_AWAY, CZ_STR(""));
    } else {
        cz_log_error(ctx, "calzone.request", cz_error_message(&ctx->error),
                     CZ_FIELD_STR("error", cz_str_from(cz_status_name(status))),
                     CZ_FIELD_STR("path", req->path),
                     CZ_FIELD_STR("state", CZ_STR("in a WebSocket")));
        cz__ws_close(ws, CZ__WS_INTERNAL_ERROR, CZ_STR(""));
    }
}

static void run_handler(void *arg)
{
    struct cz_websocket *ws = arg;
    cz_ctx *ctx = &ws->exchange->ctx;
    cz__fiber_attach(ctx);
    cz_status status = cz_try(ctx, call_handler, ws, NULL);
    close_after(ctx, ws, status);
    ws->boundary = ctx->boundary; /* outside all of them now */
    forget_message(ctx, ws);
    cz_ctx_done(ctx);
    cz__fiber_attach(NULL);
    ws->running = false;
    if (ws->suspended)
        ws->carrier->settle(ws->carrier_arg);
}

/* The request's context begins again: its clean-ups have run. */
static void renew_context(cz__exchange *exchange)
{
    cz_ctx *ctx = &exchange->ctx;
    cz_str request_id = ctx->request_id, actor = ctx->actor;
    const char *label = ctx->label;
    cz_ctx_init(ctx, exchange->arena);
    ctx->request_id = request_id;
    ctx->actor = actor;
    ctx->label = label;
    ctx->request = &exchange->request;
}

static void start_handler(struct cz_websocket *ws)
{
    renew_context(ws->exchange);
    ws->started = ws->running = true;
    if (cz__fiber_start(run_handler, ws) == CZ_OK) {
        ws->suspended = ws->running;
        return;
    }
    ws->running = false;
    cz__ws_begin_close(ws, CZ__WS_TRY_AGAIN, CZ_STR("no fiber is free"));
}

bool cz__ws_start(struct cz_websocket *ws)
{
    if (ws->started || ws->state == CZ__WS_OVER)
        return false;
    cz__ws_set_due(ws);
    if (ws->core->draining)
        cz__ws_drain(ws);
    start_handler(ws);
    return true;
}
