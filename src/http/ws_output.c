/* What a WebSocket sends: frames, whole messages, compressed or in fragments. */
#include "http/ws_internal.h"

enum {
    FRAGMENT_BYTES = 64 << 10, /* longer messages leave in several frames */
    DEFLATE_BYTES_MIN = 256,   /* shorter ones are hardly made smaller */
    DEFLATE_BYTES_MAX = 1 << 20
};

/* ---- Frames ---- */

void cz__ws_put_frame(struct cz_websocket *ws, unsigned first, cz_str payload)
{
    char head[CZ__WS_HEAD_MAX];
    cz_buf *out = ws->carrier->output(ws->carrier_arg);
    if (out) {
        cz_buf_append(out, head, cz__ws_head_write(head, first, payload.len));
        cz_buf_append_str(out, payload);
    }
    if (!out || cz_buf_status(out)) /* part of a frame may stand there */
        ws->carrier->abort(ws->carrier_arg);
}

void cz__ws_put_close(struct cz_websocket *ws, uint16_t code, cz_str reason)
{
    char payload[CZ__WS_CONTROL_MAX] = { (char)(code >> 8), (char)code };
    size_t len = code == CZ__WS_NO_CODE ? 0 : 2;
    if (len && reason.len) {
        cz_assert(reason.len <= sizeof payload - 2);
        memcpy(payload + 2, reason.ptr, reason.len);
        len += reason.len;
    }
    cz__ws_put_frame(ws, CZ__WS_FIN | CZ__WS_CLOSE, cz_str_of(payload, len));
}

/* ---- Messages, from the handler's fiber ---- */

static cz_status wait_for_room(cz_ctx *ctx, struct cz_websocket *ws)
{
    cz_status status = CZ_OK;
    ws->carrier->settle(ws->carrier_arg);
    while (!status && ws->state == CZ__WS_OPEN &&
           ws->carrier->unsent(ws->carrier_arg) > CZ__HTTP_UNSENT_BYTES_MAX) {
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
    cz__ws_codec *codec = cz__ws_codec_of(ws);
    cz_buf small;
    cz_buf_init(&small,
                data.len + (DEFLATE_BYTES_MIN << 8)); /* it may grow before it is given up */
    bool smaller =
        codec && !cz__ws_deflate(codec, window_bits, data, &small) && small.len < data.len;
    if (smaller)
        cz__ws_put_frame(ws, CZ__WS_FIN | CZ__WS_RSV1 | opcode, cz_buf_str(&small));
    cz_buf_done(&small);
    return smaller;
}

cz_status cz__ws_send(cz_ctx *ctx, struct cz_websocket *ws, bool text, cz_str data)
{
    unsigned opcode = text ? CZ__WS_TEXT : CZ__WS_BINARY;
    if (ws->state != CZ__WS_OPEN)
        return CZ_ECANCELED;
    if (send_compressed(ws, opcode, data))
        return wait_for_room(ctx, ws);
    for (cz_status status;;) {
        cz_str part = cz_str_head(data, FRAGMENT_BYTES);
        data = cz_str_tail(data, part.len);
        cz__ws_put_frame(ws, (data.len ? 0 : CZ__WS_FIN) | opcode, part);
        status = wait_for_room(ctx, ws);
        if (!data.len)
            return status;
        if (status) /* it will never be whole */
            cz__ws_begin_close(ws, CZ__WS_INTERNAL_ERROR, CZ_STR(""));
        if (ws->state != CZ__WS_OPEN)
            return status ? status : CZ_ECANCELED;
        opcode = CZ__WS_CONTINUATION;
    }
}
