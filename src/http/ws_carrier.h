/* http/ws_carrier.h: between a WebSocket and what carries it: an HTTP/1 connection after its 101 (h1_websocket.c), or a stream of
 * HTTP/2 (h2_websocket.c).
 *
 * A carrier brings bytes when the socket wants them, sends what it appended, and tells it the time and the end. The socket knows
 * frames, messages and its handler, and of the carrier these six functions.
 */
#ifndef CZ_HTTP_WS_CARRIER_H
#define CZ_HTTP_WS_CARRIER_H

#include "http/ws_connection.h"

/* Each takes what cz__ws_create() was given. */
struct cz__ws_carrier {
    /* Where to append a frame; NULL: there is no memory, or nothing is sent any more. */
    cz_buf *(*output)(void *carrier);
    /* Bytes that were appended and not sent. */
    size_t (*unsent)(const void *carrier);
    /* Send what there is and bring what waited. Frees the socket when it is gone and its handler has ended. */
    void (*settle)(void *carrier);
    /* All is said: our side ends when all of it is sent. */
    void (*end)(void *carrier);
    /* End at once, without what is unsent. Calls cz__ws_gone(). */
    void (*abort)(void *carrier);
    /* Call cz__ws_on_due() at this time of the loop instead of the one before. */
    void (*wake_at)(void *carrier, int64_t due_ms);
};

/* The socket that a request became, whose answer has `response.upgrade`; `exchange` has to outlive it. NULL: no memory. */
struct cz_websocket *cz__ws_create(const struct cz__ws_carrier *carrier, void *arg,
                                   cz__exchange *exchange);
/* Free one that cz__ws_is_done(). */
void cz__ws_destroy(struct cz_websocket *ws);
/* Whether its handler has ended, or never began. */
bool cz__ws_is_done(const struct cz_websocket *ws);

/* Begin its handler's fiber. False: it has begun before, or will not. Context: nothing of the request is on the stack. */
bool cz__ws_start(struct cz_websocket *ws);

/* Whether it takes more bytes now: not while a message waits for the handler, or too much is unsent. */
bool cz__ws_wants(const struct cz_websocket *ws);
/* Take the frames in `bytes`, which are changed, until one has to wait. Returns how many bytes were taken; the carrier brings the
 * rest again. */
size_t cz__ws_take(struct cz_websocket *ws, char *bytes, size_t len);
/* Some of what was unsent has gone. */
void cz__ws_on_sent(struct cz_websocket *ws);
/* The time of wake_at() has come. */
void cz__ws_on_due(struct cz_websocket *ws);
/* The server drains: close with the code that says how. */
void cz__ws_drain(struct cz_websocket *ws);
/* Nothing is carried any more, either way. Again does nothing. */
void cz__ws_gone(struct cz_websocket *ws);

#endif
