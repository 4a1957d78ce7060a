/* A WebSocket (RFC 6455, 5 to 7), whatever carries it (ws_carrier.h): its state, the frames that come, and time.
 *
 * States, and what makes each:
 *
 *     OPEN     messages go both ways                                           cz__ws_create()
 *     CLOSING  a close frame is sent, theirs has not come; data is dropped     cz__ws_begin_close()
 *     OVER     both have come, or the carrier failed or is gone                finish(), cz__ws_gone()
 *
 *     OPEN > CLOSING > OVER      OPEN > OVER
 *
 * The handler's fiber and the carrier live apart: the handler may end first (the socket then closes by itself) or last (the
 * carrier's memory waits for it). Nothing is read while a message waits for the handler or too much is unsent, so a client that
 * floods, be it with pings, waits itself.
 */
#include "http/ws_internal.h"
#include <calzone/log.h>

enum {
    CLOSE_MS = 5000, /* for the other side's close frame */
    /* More, and nothing is read: above what a handler may leave unsent, or one that always sends would never hear a close. */
    READ_UNSENT_MAX = 2 << 20,
    TRIM_AFTER_MS = 1000 /* a socket idle for so long gives memory back */
};

/* ---- State and time ---- */

static void set_state(struct cz_websocket *ws, enum cz__ws_state state)
{
    cz_assert(ws->state < state);
    ws->state = (uint8_t)state;
    if (ws->receiver)
        cz__fiber_wake(ws->receiver);
    if (ws->sender)
        cz__fiber_wake(ws->sender);
}

void cz__ws_set_due(struct cz_websocket *ws)
{
    const cz_http_limits *limits = &ws->core->limits;
    if (ws->state != CZ__WS_OPEN) /* its end has a time of its own */
        return;
    int64_t due = ws->awaiting_pong ? ws->pinged_ms + limits->ws_pong_timeout_ms
                                    : ws->heard_ms + limits->ws_ping_interval_ms;
    if (!ws->trimmed && due > ws->active_ms + TRIM_AFTER_MS)
        due = ws->active_ms + TRIM_AFTER_MS;
    ws->carrier->wake_at(ws->carrier_arg, due);
}

bool cz__ws_wants(const struct cz_websocket *ws)
{
    if (ws->carrier->unsent(ws->carrier_arg) > READ_UNSENT_MAX)
        return false;
    return ws->state == CZ__WS_CLOSING || (ws->state == CZ__WS_OPEN && !ws->message_waits);
}

/* ---- Closing ---- */

/* All is said: the server is the one that ends the connection (RFC 6455, 7.1.1). */
static void finish(struct cz_websocket *ws)
{
    if (ws->state != CZ__WS_OVER)
        set_state(ws, CZ__WS_OVER);
    ws->carrier->end(ws->carrier_arg);
}

/* The other side broke a rule or a limit: say which, and read no more of it (RFC 6455, 7.1.7). */
static void fail(struct cz_websocket *ws, uint16_t code, const char *text)
{
    if (ws->state == CZ__WS_OPEN) {
        ws->close_code = code;
        cz__ws_put_close(ws, code, cz_str_from(text));
        cz_log_debug(NULL, "calzone.websocket", text, CZ_FIELD_INT("code", code));
    }
    finish(ws);
}

static void fail_by_rule(struct cz_websocket *ws, enum cz__ws_rule rule)
{
    fail(ws, cz__ws_rule_code(rule), cz__ws_rule_text(rule));
}

void cz__ws_begin_close(struct cz_websocket *ws, uint16_t code, cz_str reason)
{
    if (ws->state != CZ__WS_OPEN)
        return;
    ws->close_code = code;
    cz__ws_put_close(ws, code, reason);
    if (ws->state != CZ__WS_OPEN) /* there was no memory for it */
        return;
    set_state(ws, CZ__WS_CLOSING);
    ws->carrier->wake_at(ws->carrier_arg, cz__ws_now_ms(ws) + CLOSE_MS);
}

void cz__ws_gone(struct cz_websocket *ws)
{
    if (!ws->close_code)
        ws->close_code = CZ__WS_ABNORMAL;
    if (ws->state != CZ__WS_OVER)
        set_state(ws, CZ__WS_OVER);
}

void cz__ws_drain(struct cz_websocket *ws)
{
    if (ws->core->draining == CZ__HTTP_HANDS_OVER)
        cz__ws_begin_close(ws, CZ__WS_SERVICE_RESTART, CZ_STR("the server is replaced"));
    else
        cz__ws_begin_close(ws, CZ__WS_GOING_AWAY, CZ_STR("the server stops"));
}

/* ---- What comes in ---- */

cz__ws_codec *cz__ws_codec_of(struct cz_websocket *ws)
{
    struct cz__http_core *core = ws->core;
    if (!core->ws_codec && cz__ws_codec_create(&core->ws_codec))
        return NULL;
    return core->ws_codec;
}

static cz_status inflate_message(struct cz_websocket *ws)
{
    cz__ws_codec *codec = cz__ws_codec_of(ws);
    cz_buf whole;
    cz_buf_init(&whole, ws->core->limits.ws_message_bytes);
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
    if (ws->state != CZ__WS_OPEN)
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
    if (ws->state != CZ__WS_OPEN)
        return;
    cz_buf_append_str(&ws->message, data);
    if (cz_buf_status(&ws->message))
        fail(ws, CZ__WS_INTERNAL_ERROR, "no memory for a message");
}

/* The answer has the same code (RFC 6455, 5.5.1). */
static void take_close(struct cz_websocket *ws)
{
    if (ws->state == CZ__WS_OPEN) {
        ws->close_code = cz__ws_close_code(&ws->reader);
        cz__ws_put_close(ws, ws->close_code, CZ_STR(""));
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
        if (ws->state == CZ__WS_OPEN)
            cz__ws_put_frame(ws, CZ__WS_FIN | CZ__WS_PONG,
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

size_t cz__ws_take(struct cz_websocket *ws, char *bytes, size_t len)
{
    size_t at = 0;
    ws->heard_ms = cz__ws_now_ms(ws);
    ws->awaiting_pong = false;
    while (cz__ws_wants(ws)) {
        size_t used;
        cz_str data = cz_str_of(NULL, 0);
        enum cz__ws_event event = cz__ws_read(&ws->reader, bytes + at, len - at, &used, &data);
        at += used;
        take_event(ws, event, data);
        if (event == CZ__WS_MORE)
            break;
    }
    return at;
}

/* ---- Time ---- */

void cz__ws_on_sent(struct cz_websocket *ws)
{
    if (ws->sender && ws->carrier->unsent(ws->carrier_arg) <= CZ__HTTP_UNSENT_BYTES_MAX / 2)
        cz__fiber_wake(ws->sender);
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
    int64_t now = cz__ws_now_ms(ws);
    const cz_http_limits *limits = &ws->core->limits;
    if (!ws->trimmed && now >= ws->active_ms + TRIM_AFTER_MS)
        trim(ws);
    if (!cz__ws_wants(ws)) {
        /* it may have answered, unread; the write time-out watches one that takes nothing */
        ws->heard_ms = now;
        ws->awaiting_pong = false;
    } else if (ws->awaiting_pong && now >= ws->pinged_ms + limits->ws_pong_timeout_ms) {
        cz_log_debug(NULL, "calzone.websocket", "no answer to a ping");
        ws->carrier->abort(ws->carrier_arg);
        return;
    } else if (!ws->awaiting_pong && now >= ws->heard_ms + limits->ws_ping_interval_ms) {
        cz__ws_put_frame(ws, CZ__WS_FIN | CZ__WS_PING, CZ_STR(""));
        ws->pinged_ms = now;
        ws->awaiting_pong = true;
    }
    cz__ws_set_due(ws);
}

void cz__ws_on_due(struct cz_websocket *ws)
{
    if (ws->state == CZ__WS_OPEN)
        tick(ws);
    else
        ws->carrier->abort(ws->carrier_arg);
}

/* ---- Beginning and end ---- */

struct cz_websocket *cz__ws_create(const struct cz__ws_carrier *carrier, void *arg,
                                   cz__exchange *exchange)
{
    struct cz__http_core *core = exchange->core;
    struct cz_websocket *ws = cz_calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    ws->carrier = carrier;
    ws->carrier_arg = arg;
    ws->core = core;
    ws->exchange = exchange;
    ws->terms = exchange->request.response.upgrade;
    ws->heard_ms = ws->active_ms = cz__ws_now_ms(ws);
    ws->reader.message_bytes_max = core->limits.ws_message_bytes;
    ws->reader.deflate = ws->terms->window_bits != 0;
    cz_buf_init(&ws->message, core->limits.ws_message_bytes);
    cz_buf_done(&exchange->body_in); /* nothing is left to be written with them */
    cz_buf_done(&exchange->body_out);
    return ws;
}

bool cz__ws_is_done(const struct cz_websocket *ws)
{
    return !ws->running;
}

void cz__ws_destroy(struct cz_websocket *ws)
{
    cz_assert(!ws->running && !ws->arena);
    cz_buf_done(&ws->message);
    cz_buf_done(&ws->in_hand);
    cz_free(ws);
}
