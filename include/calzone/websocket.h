/* calzone/websocket.h: messages both ways over one connection (RFC 6455), or over one stream of HTTP/2 (RFC 8441).
 *
 *     static void chat(cz_ctx *ctx, cz_request *req, cz_websocket *ws)
 *     {
 *         cz_ws_message message;
 *         while (cz_ws_receive(ctx, ws, &message))
 *             cz_ws_send_text(ctx, ws, message.data);
 *     }
 *     ... CZ_WEBSOCKET("/chat/<str:room>", chat),
 *
 * The handler runs on a fiber of its own for the socket's life, after the answer: middleware, authentication, permissions and
 * throttles have run before, as for any request, so whom they refuse gets a plain 401, 403 or 429. HTTP_HANDLER_TIMEOUT is
 * not for it. When it returns the socket is closed with 1000; what it raises is logged, and closes it with 1011.
 *
 * Pings, their answers, fragments, compression (RFC 7692) and the closing handshake are the server's affair.
 */
#ifndef CALZONE_WEBSOCKET_H
#define CALZONE_WEBSOCKET_H

#include <calzone/permissions.h>
#include <calzone/routing.h>
#include <calzone/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_websocket cz_websocket; /* used by its handler's fiber only, until that returns */

typedef struct cz_websocket_options {
    const cz_permission *permissions; /* NULL: whoever the middleware lets through */
    /* Names that are agreed on by Sec-WebSocket-Protocol, ended by NULL: of the client's, the first that is here. */
    const char *const *subprotocols;
    /* Origins whose pages may connect beside the site's own and WS_ALLOWED_ORIGINS, "https://shop.example", ended by NULL;
     * "*" is any, for sockets that look at no cookie. */
    const char *const *origins;
} cz_websocket_options;

/* A route: CZ_WEBSOCKET("/chat/<str:room>", chat, .middleware = throttled,
 *                       .websocket_options = CZ_WEBSOCKET_OPTIONS(.permissions = &cz_is_authenticated)) */
#define CZ_WEBSOCKET(path, function, ...)                                                          \
    {                                                                                              \
        .kind = CZ__ROUTE_HANDLER, .method = CZ_METHOD_GET, .pattern = (path),                     \
        .handler = cz__websocket_upgrade, .websocket = (function), ##__VA_ARGS__                   \
    }
#define CZ_WEBSOCKET_OPTIONS(...) (&(const cz_websocket_options){ __VA_ARGS__ })

typedef struct cz_ws_message {
    cz_str data;  /* good until the next receive */
    bool is_text; /* then it is UTF-8 */
} cz_ws_message;

/* Wait for the next message, whole, inflated and at most WS_MESSAGE_MAX bytes. False: the socket is closed; then
 * cz_ws_closed_with() says why, and the handler may finish at leisure. No further message is read from the client before the
 * next call. What is allocated in `ctx`, deferred and queried between two calls is released at the second, as at the end of a
 * request; not what was before the first, nor at a call inside a cz_try(). Raises: CZ_ECANCELED: the worker stops;
 * CZ_ENOMEM. Context: the socket's fiber; suspends. */
bool cz_ws_receive(cz_ctx *ctx, cz_websocket *ws, cz_ws_message *out);

typedef enum cz_ws_outcome { CZ_WS_CLOSED, CZ_WS_MESSAGE, CZ_WS_TIMED_OUT } cz_ws_outcome;
/* The same, for at most `timeout_ms`; 0 takes what has come already. */
cz_ws_outcome cz_ws_receive_within(cz_ctx *ctx, cz_websocket *ws, uint32_t timeout_ms,
                                   cz_ws_message *out);

/* Send a message. Waits while the client has more than 256 KiB to take; one that takes nothing for HTTP_WRITE_TIMEOUT is cut.
 * Compressed where that was agreed on and the message has 256 bytes to 1 MiB: do not mix secrets with text that others
 * choose in one message (RFC 7692, 8). Raises: CZ_ECANCELED: the socket is closed, which ends the handler without a word in
 * the log; CZ_EINVAL: the text is not UTF-8; CZ_ENOMEM. Context: the socket's fiber; may suspend. */
void cz_ws_send_text(cz_ctx *ctx, cz_websocket *ws, cz_str text);
void cz_ws_send_binary(cz_ctx *ctx, cz_websocket *ws, cz_str bytes);

/* Begin the closing handshake, with a code of RFC 6455, 7.4 (1000 to 1003, 1007 to 1014, 3000 to 4999) and a reason of at
 * most 123 bytes of UTF-8. What was sent before arrives before it; messages of the client are dropped from now on. Of a closed
 * socket it does nothing. Raises: CZ_EINVAL. Context: the socket's fiber; does not suspend. */
void cz_ws_close(cz_ctx *ctx, cz_websocket *ws, unsigned code, cz_str reason);

bool cz_ws_is_open(const cz_websocket *ws);
/* The code it was closed with: the client's, 1005 when that named none, 1006 when it went away without a word; or this side's
 * own. 0: it is open. */
unsigned cz_ws_closed_with(const cz_websocket *ws);
/* One of the route's .subprotocols; empty: none was agreed on. */
cz_str cz_ws_subprotocol(const cz_websocket *ws);

/* The handler of such routes. */
void cz__websocket_upgrade(cz_ctx *ctx, cz_request *req);
/* Read WS_ALLOWED_ORIGINS and WS_COMPRESSION; `settings` is borrowed, NULL forgets it. Errors: CZ_EVALIDATION: no origin.
 * Context: start-up. */
CZ_NODISCARD cz_status cz__websockets_configure(const cz_settings *settings, cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
