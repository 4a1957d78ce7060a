#include <calzone/websocket.h>
#include "http/ws_connection.h"
#include "http/ws_frame.h"
#include "http/ws_handshake.h"

enum { REASON_BYTES_MAX = CZ__WS_CONTROL_MAX - 2 };

static struct {
    cz_str_list origins;
    bool no_compression;
} configured;

/* ---- Start-up ---- */

/* "https://shop.example" or with a port, as browsers write it; with a slash behind it none would ever match. */
static bool is_origin(cz_str text)
{
    size_t colon = cz_str_find(text, CZ_STR("://"));
    return cz_str_eq(text, CZ_STR("*")) ||
           (colon != SIZE_MAX && colon > 0 && cz__http_is_host(cz_str_tail(text, colon + 3)));
}

cz_status cz__websockets_configure(const cz_settings *settings, cz_error *err)
{
    configured.origins = (cz_str_list){ NULL, 0 };
    if (!settings)
        return CZ_OK;
    cz_str_list origins = cz_setting_list(settings, "WS_ALLOWED_ORIGINS");
    for (size_t i = 0; i < origins.count; i++)
        if (!is_origin(origins.items[i]))
            return cz_error_set(err, CZ_EVALIDATION,
                                "WS_ALLOWED_ORIGINS: \"%.*s\" is no origin as "
                                "https://shop.example",
                                CZ_STR_ARG(origins.items[i]));
    configured.origins = origins;
    configured.no_compression = !cz_setting_bool(settings, "WS_COMPRESSION");
    return CZ_OK;
}

/* ---- The handshake ---- */

static struct cz__ws_wanted wanted_of(cz_ctx *ctx, const cz_websocket_options *options)
{
    size_t count = 0;
    while (options && options->origins && options->origins[count])
        count++;
    cz_str *origins = cz_array(ctx, cz_str, configured.origins.count + count);
    if (configured.origins.count)
        memcpy(origins, configured.origins.items, configured.origins.count * sizeof *origins);
    for (size_t i = 0; i < count; i++)
        origins[configured.origins.count + i] = cz_str_from(options->origins[i]);
    return (struct cz__ws_wanted){ .origins = origins,
                                   .origin_count = configured.origins.count + count,
                                   .subprotocols = options ? options->subprotocols : NULL,
                                   .no_compression = configured.no_compression };
}

static void say_extensions(cz_ctx *ctx, cz_request *req, unsigned window_bits)
{
    cz_str value = CZ_STR("permessage-deflate; server_no_context_takeover; "
                          "client_no_context_takeover");
    if (window_bits &&
        window_bits < 15) /* only what was asked for may be said (RFC 7692, 7.1.2.1) */
        value = cz_format(ctx, "%.*s; server_max_window_bits=%u", CZ_STR_ARG(value), window_bits);
    if (window_bits)
        cz_respond_header_static(ctx, req, CZ_STR("Sec-WebSocket-Extensions"), value);
}

/* 101 (RFC 6455, 4.2.2), as which HTTP/2's 200 passes the middleware. */
static void switch_protocols(cz_ctx *ctx, cz_request *req, const struct cz__ws_agreed *agreed)
{
    struct cz__ws_upgrade *upgrade = cz_new(ctx, struct cz__ws_upgrade);
    *upgrade = (struct cz__ws_upgrade){ .run = req->route->websocket,
                                        .subprotocol = agreed->subprotocol,
                                        .window_bits = agreed->window_bits };
    cz_respond_empty(ctx, req, 204);
    if (!req->connects) {
        cz_respond_header_static(ctx, req, CZ_STR("Upgrade"), CZ_STR("websocket"));
        cz_respond_header(ctx, req, CZ_STR("Sec-WebSocket-Accept"),
                          cz_str_of(agreed->accept, sizeof agreed->accept));
    }
    if (agreed->subprotocol.len)
        cz_respond_header_static(ctx, req, CZ_STR("Sec-WebSocket-Protocol"), agreed->subprotocol);
    say_extensions(ctx, req, agreed->window_bits);
    req->response.status = 101;
    req->response.upgrade = upgrade;
}

void cz__websocket_upgrade(cz_ctx *ctx, cz_request *req)
{
    const cz_websocket_options *options = req->route->websocket_options;
    struct cz__ws_agreed agreed;
    cz_error err = { 0 };
    if (options && options->permissions)
        cz_permission_require(ctx, req, options->permissions, NULL);
    struct cz__ws_wanted wanted = wanted_of(ctx, options);
    if (cz__ws_handshake(req, &wanted, &agreed, &err) == CZ_OK) {
        switch_protocols(ctx, req, &agreed);
        return;
    }
    if (cz_error_http(&err) == 426) { /* RFC 9110, 15.5.22; RFC 6455, 4.4 */
        cz_respond_header_static(ctx, req, CZ_STR("Upgrade"), CZ_STR("websocket"));
        cz_respond_header_static(ctx, req, CZ_STR("Sec-WebSocket-Version"), CZ_STR("13"));
    }
    cz_raise_error(ctx, &err);
}

/* ---- For handlers ---- */

static CZ_NORETURN void raise_end(cz_ctx *ctx, cz_status status)
{
    cz_raise(ctx, status, "%s",
             status == CZ_ECANCELED ? "the socket is closed" : cz_status_text(status));
}

static cz_ws_outcome receive(cz_ctx *ctx, cz_websocket *ws, int64_t timeout_ms, cz_ws_message *out)
{
    enum cz__ws_received received;
    cz_str data;
    cz_status status = cz__ws_receive(ctx, ws, timeout_ms, &received, &data);
    if (status)
        raise_end(ctx, status);
    if (received == CZ__WS_RECEIVED_CLOSED)
        return CZ_WS_CLOSED;
    if (received == CZ__WS_RECEIVED_NOTHING)
        return CZ_WS_TIMED_OUT;
    *out = (cz_ws_message){ .data = data, .is_text = received == CZ__WS_RECEIVED_TEXT };
    return CZ_WS_MESSAGE;
}

bool cz_ws_receive(cz_ctx *ctx, cz_websocket *ws, cz_ws_message *out)
{
    return receive(ctx, ws, -1, out) == CZ_WS_MESSAGE;
}

cz_ws_outcome cz_ws_receive_within(cz_ctx *ctx, cz_websocket *ws, uint32_t timeout_ms,
                                   cz_ws_message *out)
{
    return receive(ctx, ws, timeout_ms, out);
}

static void send_message(cz_ctx *ctx, cz_websocket *ws, bool text, cz_str data)
{
    cz_status status = cz__ws_send(ctx, ws, text, data);
    if (status)
        raise_end(ctx, status);
}

void cz_ws_send_text(cz_ctx *ctx, cz_websocket *ws, cz_str text)
{
    if (!cz_str_is_utf8(text))
        cz_raise(ctx, CZ_EINVAL, "a text message has to be UTF-8");
    send_message(ctx, ws, true, text);
}

void cz_ws_send_binary(cz_ctx *ctx, cz_websocket *ws, cz_str bytes)
{
    send_message(ctx, ws, false, bytes);
}

void cz_ws_close(cz_ctx *ctx, cz_websocket *ws, unsigned code, cz_str reason)
{
    if (!cz__ws_code_may_be_sent(code))
        cz_raise(ctx, CZ_EINVAL, "%u is no code that a WebSocket may be closed with", code);
    if (reason.len > REASON_BYTES_MAX || !cz_str_is_utf8(reason))
        cz_raise(ctx, CZ_EINVAL, "the reason of a close is at most %d bytes of UTF-8",
                 REASON_BYTES_MAX);
    cz__ws_close(ws, (uint16_t)code, reason);
}

bool cz_ws_is_open(const cz_websocket *ws)
{
    return cz__ws_is_open(ws);
}

unsigned cz_ws_closed_with(const cz_websocket *ws)
{
    return cz__ws_closed_with(ws);
}

cz_str cz_ws_subprotocol(const cz_websocket *ws)
{
    return cz__ws_subprotocol(ws);
}
