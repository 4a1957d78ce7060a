/* http/ws_internal.h: what the files of a WebSocket share. */
#ifndef CZ_HTTP_WS_INTERNAL_H
#define CZ_HTTP_WS_INTERNAL_H

#include "http/ws_carrier.h"
#include "http/ws_deflate.h"
#include "http/ws_frame.h"

enum cz__ws_state { CZ__WS_OPEN, CZ__WS_CLOSING, CZ__WS_OVER };

/* What the context had before a message, to be set again after it. */
struct cz__ws_before {
    cz_arena *arena;
    struct cz__defer *defers;
    struct cz__db_session *db;
    struct cz_map *once;
    cz_str actor;
};

struct cz_websocket {
    const struct cz__ws_carrier *carrier;
    void *carrier_arg;
    struct cz__http_core *core;
    cz__exchange *exchange;        /* the request; borrowed */
    struct cz__boundary *boundary; /* the handler's outermost */
    const struct cz__ws_upgrade *terms;
    cz__fiber *receiver, *sender; /* the handler's fiber while it waits in one of the two */
    cz_buf message;               /* that comes, or waits for the handler */
    cz_buf in_hand;               /* the handler's */
    cz_arena *arena;              /* of the message in hand; NULL: none */
    struct cz__ws_before before;
    char *actor; /* room for one that was set in a message; NULL: none was */
    int64_t heard_ms, pinged_ms, active_ms;
    struct cz__ws_reader reader;
    uint16_t close_code;
    uint16_t since_turn; /* messages received since others had their turn */
    uint8_t state;       /* enum cz__ws_state */
    bool message_waits;
    bool started, running, suspended; /* the handler, as in cz__exchange */
    bool awaiting_pong, trimmed;
};

static inline int64_t cz__ws_now_ms(const struct cz_websocket *ws)
{
    return cz__loop_now_ms(ws->core->loop);
}

/* ---- ws_connection.c ---- */

/* Say why, and wait for the other side's close. Does nothing of one that is closed. */
void cz__ws_begin_close(struct cz_websocket *ws, uint16_t code, cz_str reason);
/* Set when the carrier is to call for pings and idleness. */
void cz__ws_set_due(struct cz_websocket *ws);
/* The worker's streams of zlib; NULL: no memory. */
cz__ws_codec *cz__ws_codec_of(struct cz_websocket *ws);

/* ---- ws_output.c ---- */

/* Append a frame; `first` is its opcode with FIN and RSV1. A failure ends the socket. */
void cz__ws_put_frame(struct cz_websocket *ws, unsigned first, cz_str payload);
void cz__ws_put_close(struct cz_websocket *ws, uint16_t code, cz_str reason);

#endif
