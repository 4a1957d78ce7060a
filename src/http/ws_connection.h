/* http/ws_connection.h: the WebSocket that a request becomes, as the layer above sees it. What carries it is ws_carrier.h's.
 *
 * One fiber runs for the socket's life and asks for one message after another; a second message is not read before it has
 * asked, which is the back-pressure. What waits holds a session, the request and a fiber trimmed to the page it waits in.
 */
#ifndef CZ_HTTP_WS_CONNECTION_H
#define CZ_HTTP_WS_CONNECTION_H

#include "http/http_internal.h"

struct cz_websocket;

/* In the request's arena; set as response.upgrade together with the status 101, which HTTP/2 sends as 200. */
struct cz__ws_upgrade {
    void (*run)(cz_ctx *ctx, cz_request *req, struct cz_websocket *ws);
    cz_str subprotocol;
    uint8_t window_bits; /* of permessage-deflate; 0: without */
};

/* ---- For the socket's own fiber ---- */

enum cz__ws_received {
    CZ__WS_RECEIVED_CLOSED,
    CZ__WS_RECEIVED_TEXT,
    CZ__WS_RECEIVED_BINARY,
    CZ__WS_RECEIVED_NOTHING
};

/* Wait for a message, `timeout_ms` at most (negative: as long as it takes; then CZ__WS_RECEIVED_NOTHING). `*out_data` lives
 * until the next call, and with it what the context allocates and defers meanwhile. Errors: CZ_ECANCELED, CZ_ETIMEDOUT: of
 * the context; CZ_ENOMEM; CZ_EINVAL. */
CZ_NODISCARD cz_status cz__ws_receive(cz_ctx *ctx, struct cz_websocket *ws, int64_t timeout_ms,
                                      enum cz__ws_received *out, cz_str *out_data);
/* Send a message; waits while more than CZ__HTTP_UNSENT_BYTES_MAX is unsent. Errors: CZ_ECANCELED: the socket is closed;
 * and as above. */
CZ_NODISCARD cz_status cz__ws_send(cz_ctx *ctx, struct cz_websocket *ws, bool text, cz_str data);
/* Begin to close; what was sent before goes first. Does nothing when it is closed. */
void cz__ws_close(struct cz_websocket *ws, uint16_t code, cz_str reason);
bool cz__ws_is_open(const struct cz_websocket *ws);
/* Why it is closed: the other side's code, or this side's when that closed first; 0 while it is open. */
uint16_t cz__ws_closed_with(const struct cz_websocket *ws);
cz_str cz__ws_subprotocol(const struct cz_websocket *ws);

#endif
