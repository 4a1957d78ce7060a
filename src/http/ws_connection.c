/* A WebSocket on a connection (RFC 6455, 5 to 7).
 *
 * States, and what makes each:
 *
 *     OPEN     messages go both ways                                           cz__ws_begin()
 *     CLOSING  a close frame is sent, theirs has not come; data is dropped     begin_close()
 *     OVER     both have come, or the connection failed or is gone             finish(), on_ended()
 *
 *     OPEN > CLOSING > OVER      OPEN > OVER
 *
 * The handler's fiber and the connection live apart: the handler may end first (the socket then closes by itself) or last
 * (the connection's memory waits for it). Nothing is read while a message waits for the handler or too much is unsent, so
 * a client that floods, be it with pings, waits itself.
 */
#include "http/ws_connection.h"
#include "base/defers.h"
#include "http/ws_deflate.h"
#include "http/ws_frame.h"
#include <calzone/log.h>
#include <errno.h>

enum {
    CLOSE_MS = 5000,        /* for the other side's close frame */
    LINGER_BYTES = 8 << 20, /* of a client that was refused in the middle of a message */
    /* More, and nothing is read: above what a handler may leave unsent, or one that always sends would never hear a close. */
    READ_UNSENT_MAX = 2 << 20,
    TRIM_AFTER_MS = 1000,      /* a socket idle for so long gives memory back */
    FRAGMENT_BYTES = 64 << 10, /* longer messages leave in several frames */
    DEFLATE_BYTES_MIN = 256,   /* shorter ones are hardly made smaller */
    DEFLATE_BYTES_MAX = 1 << 20
};

enum ws_state { OPEN, CLOSING, OVER };

/* What the context had before a message, to be set again after it. */
struct before {
    cz_arena *arena;
    struct cz__defer *defers;
    struct cz__db_session *db;
    struct cz_map *once;
    cz_str actor;
};

struct cz_websocket {
    cz__conn *conn;
    cz__exchange *exchange;        /* the request; NULL: the handler has ended */
    struct cz__boundary *boundary; /* the handler's outermost */
    const struct cz__ws_upgrade *terms;
    struct cz__h1_input *input;   /* bytes that came and were not taken yet; NULL: none */
    cz__fiber *receiver, *sender; /* the handler's fiber while it waits in one of the two */
    cz_buf message;               /* that comes, or waits for the handler */
    cz_buf in_hand;               /* the handler's */
    cz_arena *arena;              /* of the message in hand; NULL: none */
    struct before before;
    char *actor; /* room for one that was set in a message; NULL: none was */
    int64_t heard_ms, pinged_ms, active_ms;
    struct cz__ws_reader reader;
    uint16_t close_code;
    uint8_t state; /* enum ws_state */
    bool message_waits;
    bool started, running, suspended; /* the handler, as in cz__exchange */
    bool awaiting_pong, trimmed;
};

static const cz_http_limits *limits_of(const struct cz_websocket *ws)
{
    return &ws->conn->server->core.limits;
}

/* ---- State and time ---- */

static void set_state(struct cz_websocket *ws, enum ws_state state)
{
    cz_assert(ws->state < state);
    ws->state = (uint8_t)state;
    if (ws->receiver)
        cz__fiber_wake(ws->receiver);
    if (ws->sender)
        cz__fiber_wake(ws->sender);
}

static void set_due(struct cz_websocket *ws)
{
    int64_t due = ws->awaiting_pong ? ws->pinged_ms + limits_of(ws)->ws_pong_timeout_ms
                                    : ws->heard_ms + limits_of(ws)->ws_ping_interval_ms;
    if (!ws->trimmed && due > ws->active_ms + TRIM_AFTER_MS)
        due = ws->active_ms + TRIM_AFTER_MS;
    ws->conn->due_ms = due;
}

static bool may_read(const struct cz_websocket *ws)
{
    if (cz__conn_unsent(ws->conn) > READ_UNSENT_MAX)
        return false;
    return ws->state == CLOSING || (ws->state == OPEN && !ws->message_waits);
}

/* ---- Output ---- */

static void put_frame(struct cz_websocket *ws, unsigned first, cz_str payload)
{
    char head[CZ__WS_HEAD_MAX];
    cz_buf *out = cz__conn_is_open(ws->conn) ? cz__conn_output(ws->conn) : NULL;
    if (out) {
        cz_buf_append(out, head, cz__ws_head_write(head, first, payload.len));
        cz_buf_append_str(out, payload);
    }
    if (!out || cz_buf_status(out)) /* part of a frame may stand there */
        cz__conn_close(ws->conn);
}

static void put_close(struct cz_websocket *ws, uint16_t code, cz_str reason)
{
    char payload[CZ__WS_CONTROL_MAX] = { (char)(code >> 8), (char)code };
    size_t len = code == CZ__WS_NO_CODE ? 0 : 2;
    if (len && reason.len) {
        cz_assert(reason.len <= sizeof payload - 2);
        memcpy(payload + 2, reason.ptr, reason.len);
        len += reason.len;
    }
    put_frame(ws, CZ__WS_FIN | CZ__WS_CLOSE, cz_str_of(payload, len));
}

/* ---- Closing ---- */

/* All is said: the server is the one that ends the connection (RFC 6455, 7.1.1). */
static void finish(struct cz_websocket *ws)
{
    cz__conn *conn = ws->conn;
    if (ws->state != OVER)
        set_state(ws, OVER);
    if (!cz__conn_is_open(conn))
        return;
    conn->linger = true;
    conn->linger_bytes_left = LINGER_BYTES;
    cz__conn_end(conn);
}

/* The other side broke a rule or a limit: say which, and read no more of it (RFC 6455, 7.1.7). */
static void fail(struct cz_websocket *ws, uint16_t code, const char *text)
{
    if (ws->state == OPEN) {
        ws->close_code = code;
        put_close(ws, code, cz_str_from(text));
        cz_log_debug(NULL, "calzone.websocket", text, CZ_FIELD_INT("code", code));
    }
    finish(ws);
}

static void fail_by_rule(struct cz_websocket *ws, enum cz__ws_rule rule)
{
    fail(ws, cz__ws_rule_code(rule), cz__ws_rule_text(rule));
}

static void begin_close(struct cz_websocket *ws, uint16_t code, cz_str reason)
{
    if (ws->state != OPEN)
        return;
    ws->close_code = code;
    put_close(ws, code, reason);
    if (ws->state != OPEN) /* there was no memory for it */
        return;
    set_state(ws, CLOSING);
    ws->conn->due_ms = cz__conn_now_ms(ws->conn) + CLOSE_MS;
}

/* ---- What comes in ---- */

static cz__ws_codec *codec_of(struct cz_websocket *ws)
{
    struct cz__http_core *core = &ws->conn->server->core;
    if (!core->ws_codec && cz__ws_codec_create(&core->ws_codec))
        return NULL;
    return core->ws_codec;
}

static cz_status inflate_message(struct cz_websocket *ws)
{
    cz__ws_codec *codec = codec_of(ws);
    cz_buf whole;
    cz_buf_init(&whole, limits_of(ws)->ws_message_bytes);
    cz_status status = codec ? cz__ws_inflate(codec, cz_buf_str(&ws->message), &whole) : CZ_ENOMEM;
    if (status) {
        cz_buf_done(&whole);
        return status;
    }
    cz_buf_done(&ws->message);
    ws->message = whole;
    return CZ_OK;
}

/* The message is whole, its text checked unless it was compressed. */
static void take_message(struct cz_websocket *ws)
{
    if (ws->state != OPEN)
        return;
    cz_status status = ws->reader.compressed ? inflate_message(ws) : CZ_OK;
    if (status == CZ_ENOMEM) {
        fail(ws, CZ__WS_INTERNAL_ERROR, "no memory for a message");
    } else if (status) {
        fail_by_rule(ws, status == CZ_ETOOBIG ? CZ__WS_RULE_TOO_BIG : CZ__WS_RULE_DEFLATE);
    } else if (ws->reader.compressed && ws->reader.text &&
               !cz_str_is_utf8(cz_buf_str(&ws->message))) {
        fail_by_rule(ws, CZ__WS_RULE_TEXT_UTF8);
    } else {
        ws->message_waits = true;
        if (ws->receiver)
            cz__fiber_wake(ws->receiver);
    }
}

static void take_data(struct cz_websocket *ws, cz_str data)
{
    if (ws->state != OPEN)
        return;
    cz_buf_append_str(&ws->message, data);
    if (cz_buf_status(&ws->message))
        fail(ws, CZ__WS_INTERNAL_ERROR, "no memory for a message");
}

/* The answer has the same code (RFC 6455, 5.5.1). */
static void take_close(struct cz_websocket *ws)
{
    if (ws->state == OPEN) {
        ws->close_code = cz__ws_close_code(&ws->reader);
        put_close(ws, ws->close_code, CZ_STR(""));
    }
    finish(ws);
}

static void take_event(struct cz_websocket *ws, enum cz__ws_event event, cz_str data)
{
    switch (event) {
    case CZ__WS_DATA:
        take_data(ws, data);
        break;
    case CZ__WS_MESSAGE:
        take_message(ws);
        break;
    case CZ__WS_GOT_PING:
        if (ws->state == OPEN)
            put_frame(ws, CZ__WS_FIN | CZ__WS_PONG,
                      cz_str_of(ws->reader.control, ws->reader.control_bytes));
        break;
    case CZ__WS_GOT_CLOSE:
        take_close(ws);
        break;
    case CZ__WS_REFUSED:
        fail_by_rule(ws, (enum cz__ws_rule)ws->reader.rule);
        break;
    case CZ__WS_MORE:
    case CZ__WS_GOT_PONG: /* it was heard, which is all it is for */
        break;
    }
}

static void input_release(struct cz_websocket *ws)
{
    cz__h1_input_release(&ws->conn->server->core, ws->input);
    ws->input = NULL;
}

/* Take the frames that are there, until one has to wait. */
static void take_frames(struct cz_websocket *ws)
{
    while (ws->input && may_read(ws)) {
        struct cz__h1_input *input = ws->input;
        size_t used;
        cz_str data = cz_str_of(NULL, 0);
        enum cz__ws_event event = cz__ws_read(&ws->reader, input->bytes + input->start,
                                              cz__h1_input_unread(input), &used, &data);
        input->start += used;
        take_event(ws, event, data);
        if (event == CZ__WS_MORE)
            input_release(ws);
    }
    /* A message that waits begins where the next read would: what is empty need not be kept. */
    if (ws->input && ws->state != OVER && !cz__h1_input_unread(ws->input))
        input_release(ws);
}

/* One recv(). */
static void read_some(struct cz_websocket *ws)
{
    cz__conn *conn = ws->conn;
    cz_assert(!ws->input);
    ws->input = cz__h1_input_acquire(&conn->server->core);
    if (!ws->input) {
        cz__conn_close(conn);
        return;
    }
    ssize_t n = cz__conn_read(conn, ws->input->bytes, ws->input->cap);
    if (n > 0) {
        ws->input->end = (size_t)n;
        ws->heard_ms = cz__conn_now_ms(conn);
        ws->awaiting_pong = false;
        take_frames(ws);
        return;
    }
    input_release(ws);
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        cz__conn_close(conn);
}

static void exchange_release(struct cz_websocket *ws)
{
    if (ws->exchange)
        cz__exchange_release(ws->exchange);
    ws->exchange = NULL;
}

/* ---- The protocol ---- */

static void on_ready(cz__conn *conn, uint32_t events)
{
    struct cz_websocket *ws = conn->session;
    take_frames(ws);
    if (!cz__conn_is_open(conn))
        return;
    if (may_read(ws) && (events & ~(uint32_t)EPOLLOUT))
        read_some(ws);
    else if (events & (EPOLLHUP | EPOLLERR))
        cz__conn_close(conn);
}

static void trim(struct cz_websocket *ws)
{
    ws->trimmed = true;
    if (ws->receiver)
        cz__fiber_trim(ws->receiver);
}

/* Nobody was heard for WS_PING_INTERVAL: ask, and wait WS_PONG_TIMEOUT for anything. */
static void tick(struct cz_websocket *ws)
{
    int64_t now = cz__conn_now_ms(ws->conn);
    const cz_http_limits *limits = limits_of(ws);
    if (!ws->trimmed && now >= ws->active_ms + TRIM_AFTER_MS)
        trim(ws);
    if (!may_read(
            ws)) { /* it may have answered, unread; the write time-out watches one that takes nothing */
        ws->heard_ms = now;
        ws->awaiting_pong = false;
    } else if (ws->awaiting_pong && now >= ws->pinged_ms + limits->ws_pong_timeout_ms) {
        cz_log_debug(NULL, "calzone.websocket", "no answer to a ping");
        cz__conn_close(ws->conn);
        return;
    } else if (!ws->awaiting_pong && now >= ws->heard_ms + limits->ws_ping_interval_ms) {
        put_frame(ws, CZ__WS_FIN | CZ__WS_PING, CZ_STR(""));
        ws->pinged_ms = now;
        ws->awaiting_pong = true;
    }
    set_due(ws);
}

static void on_due(cz__conn *conn)
{
    struct cz_websocket *ws = conn->session;
    if (ws->state == OPEN)
        tick(ws);
    else
        cz__conn_close(conn);
}

static void on_sent(cz__conn *conn)
{
    struct cz_websocket *ws = conn->session;
    if (ws->sender && cz__conn_unsent(conn) <= CZ__HTTP_UNSENT_BYTES_MAX / 2)
        cz__fiber_wake(ws->sender);
}

static void start_handler(struct cz_websocket *ws);

/* The handler begins here, when nothing of HTTP/1 is on the stack any more. */
static bool go_on(cz__conn *conn)
{
    struct cz_websocket *ws = conn->session;
    if (!ws->started) {
        start_handler(ws);
        return true;
    }
    if (!ws->input || !may_read(ws))
        return false;
    take_frames(ws);
    return true;
}

static uint32_t interest(const cz__conn *conn)
{
    return may_read(conn->session) ? EPOLLIN : EPOLLERR;
}

static void drain(cz__conn *conn)
{
    if (conn->server->core.draining == CZ__HTTP_HANDS_OVER)
        begin_close(conn->session, CZ__WS_SERVICE_RESTART, CZ_STR("the server is replaced"));
    else
        begin_close(conn->session, CZ__WS_GOING_AWAY, CZ_STR("the server stops"));
}

static void on_ended(cz__conn *conn)
{
    struct cz_websocket *ws = conn->session;
    if (!ws->close_code)
        ws->close_code = CZ__WS_ABNORMAL;
    if (ws->state != OVER)
        set_state(ws, OVER);
    input_release(ws);
    if (!ws->running)
        exchange_release(ws);
}

static bool is_done(const cz__conn *conn)
{
    return !((const struct cz_websocket *)conn->session)->running;
}

static void destroy(cz__conn *conn)
{
    struct cz_websocket *ws = conn->session;
    cz_assert(!ws->exchange && !ws->arena && !ws->input);
    cz_buf_done(&ws->message);
    cz_buf_done(&ws->in_hand);
    cz_free(ws);
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

/* ---- The handler's side: one message after another ---- */

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
        ws->before = (struct before){ ctx->arena, ctx->defers, ctx->db, ctx->once, ctx->actor };
        ctx->arena = ws->arena;
    }
    ws->in_hand = ws->message;
    cz_buf_init(&ws->message, limits_of(ws)->ws_message_bytes);
    ws->message_waits = false;
    ws->trimmed = false;
    ws->active_ms = cz__conn_now_ms(ws->conn);
    set_due(ws);
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
    ws->receiver = cz__fiber_current();
    cz_status status = cz__fiber_wait(ctx);
    ws->receiver = NULL;
    ctx->deadline_us = deadline_us;
    return status;
}

cz_status cz__ws_receive(cz_ctx *ctx, struct cz_websocket *ws, int64_t timeout_ms,
                         enum cz__ws_received *out, cz_str *out_data)
{
    const cz__loop *loop = ws->conn->server->core.loop;
    int64_t until_us = timeout_ms < 0 ? 0 : cz__loop_now_us(loop) + timeout_ms * 1000;
    forget_message(ctx, ws);
    cz_buf_done(&ws->in_hand); /* now that no clean-up looks at it */
    for (;;) {
        cz__conn_settle(ws->conn); /* takes and sends what is there */
        if (ws->message_waits)
            return deliver(ctx, ws, out, out_data);
        *out_data = cz_str_of(NULL, 0);
        *out = CZ__WS_RECEIVED_CLOSED;
        if (ws->state != OPEN)
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

/* ---- The handler's side: sending ---- */

static cz_status wait_for_room(cz_ctx *ctx, struct cz_websocket *ws)
{
    cz_status status = CZ_OK;
    cz__conn_settle(ws->conn);
    while (!status && ws->state == OPEN && cz__conn_unsent(ws->conn) > CZ__HTTP_UNSENT_BYTES_MAX) {
        ws->sender = cz__fiber_current();
        status = cz__fiber_wait(ctx);
        ws->sender = NULL;
    }
    return status;
}

/* Whether the message has gone compressed; not when that does not make it smaller. */
static bool send_compressed(struct cz_websocket *ws, unsigned opcode, cz_str data)
{
    unsigned window_bits = ws->terms->window_bits;
    if (!window_bits || data.len < DEFLATE_BYTES_MIN || data.len > DEFLATE_BYTES_MAX)
        return false;
    cz__ws_codec *codec = codec_of(ws);
    cz_buf small;
    cz_buf_init(&small,
                data.len + (DEFLATE_BYTES_MIN << 8)); /* it may grow before it is given up */
    bool smaller =
        codec && !cz__ws_deflate(codec, window_bits, data, &small) && small.len < data.len;
    if (smaller)
        put_frame(ws, CZ__WS_FIN | CZ__WS_RSV1 | opcode, cz_buf_str(&small));
    cz_buf_done(&small);
    return smaller;
}

cz_status cz__ws_send(cz_ctx *ctx, struct cz_websocket *ws, bool text, cz_str data)
{
    unsigned opcode = text ? CZ__WS_TEXT : CZ__WS_BINARY;
    if (ws->state != OPEN)
        return CZ_ECANCELED;
    if (send_compressed(ws, opcode, data))
        return wait_for_room(ctx, ws);
    for (cz_status status;;) {
        cz_str part = cz_str_head(data, FRAGMENT_BYTES);
        data = cz_str_tail(data, part.len);
        put_frame(ws, (data.len ? 0 : CZ__WS_FIN) | opcode, part);
        status = wait_for_room(ctx, ws);
        if (!data.len)
            return status;
        if (status) /* it will never be whole */
            begin_close(ws, CZ__WS_INTERNAL_ERROR, CZ_STR(""));
        if (ws->state != OPEN)
            return status ? status : CZ_ECANCELED;
        opcode = CZ__WS_CONTINUATION;
    }
}

/* ---- The handler's side: the rest ---- */

void cz__ws_close(struct cz_websocket *ws, uint16_t code, cz_str reason)
{
    begin_close(ws, code, reason);
    cz__conn_settle(ws->conn);
}

bool cz__ws_is_open(const struct cz_websocket *ws)
{
    return ws->state == OPEN;
}

uint16_t cz__ws_closed_with(const struct cz_websocket *ws)
{
    return ws->close_code;
}

cz_str cz__ws_subprotocol(const struct cz_websocket *ws)
{
    return ws->terms->subprotocol;
}

/* ---- The handler ---- */

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
    exchange_release(ws);
    if (ws->suspended)
        cz__conn_settle(ws->conn);
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
    exchange_release(ws);
    begin_close(ws, CZ__WS_TRY_AGAIN, CZ_STR("no fiber is free"));
}

void cz__ws_begin(cz__conn *conn, cz__exchange *exchange, struct cz__h1_input *input)
{
    struct cz__http_core *core = &conn->server->core;
    const struct cz__ws_upgrade *terms = exchange->request.response.upgrade;
    struct cz_websocket *ws = cz_calloc(1, sizeof *ws);
    if (!ws) {
        cz__h1_input_release(core, input);
        cz__exchange_release(exchange);
        cz__conn_close(conn);
        return;
    }
    ws->conn = conn;
    ws->exchange = exchange;
    ws->terms = terms;
    ws->input = input;
    ws->heard_ms = ws->active_ms = cz__conn_now_ms(conn);
    ws->reader.message_bytes_max = core->limits.ws_message_bytes;
    ws->reader.deflate = terms->window_bits != 0;
    cz_buf_init(&ws->message, core->limits.ws_message_bytes);
    cz_buf_done(&exchange->body_in); /* nothing is left to be written with them */
    cz_buf_done(&exchange->body_out);
    cz__conn_become(conn, &protocol, ws);
    set_due(ws);
    if (core->draining)
        drain(conn);
}
