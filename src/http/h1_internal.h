/* http/h1_internal.h: what the files of HTTP/1's connection share. */
#ifndef CZ_HTTP_H1_INTERNAL_H
#define CZ_HTTP_H1_INTERNAL_H

#include "http/connection.h"
#include "http/h1_input.h"

enum { CZ__H1_BODY_CHECK_MS = 1000 }; /* how often a body's pace is looked at */

struct cz__h1 {
    cz__conn *conn;
    struct cz__h1_input *input;
    cz__exchange *exchange; /* the request at hand, or the one whose body is still being sent */
    int64_t state_due_ms;   /* when the state's time is over */
    int64_t probe_due_ms;   /* when to find out whether the client is gone */
    int64_t body_began_ms;
    uint64_t body_received; /* as sent, coding included */
    size_t body_at;         /* where the body begins in the input */
    struct cz__h1_chunked chunked;
    uint32_t requests;
    uint8_t state;   /* enum h1_state */
    bool keep_alive; /* the request at hand leaves the connection open */
    bool body_chunked;
    bool input_waits; /* bytes came while the handler waited */
    bool peer_shut;   /* the client sends no more */
};
_Static_assert(sizeof(struct cz__h1) + sizeof(cz__conn) <= 512, "what an idle connection costs");

/* The sooner of the two is when the connection's time is over. */
static inline void cz__h1_set_due(struct cz__h1 *h1, int64_t state_due, int64_t probe_due)
{
    h1->state_due_ms = state_due;
    h1->probe_due_ms = probe_due;
    h1->conn->due_ms = state_due < probe_due ? state_due : probe_due;
}

/* May close the connection. */
void cz__h1_send_continue(struct cz__h1 *h1);

/* ---- h1_body_stream.c: a body that the handler reads as it comes ---- */

/* The head is complete, and what came behind it is in the input. */
void cz__h1_body_begin(struct cz__h1 *h1);
/* The client sent something, or ended. */
void cz__h1_body_ready(struct cz__h1 *h1);
/* The reader waits, and its time to look at the pace has come. */
void cz__h1_body_due(struct cz__h1 *h1);
/* The handler has answered: take the rest, as far as it is here and small. */
void cz__h1_body_drop(struct cz__h1 *h1);

/* ---- h1_websocket.c ---- */

/* Go on as a WebSocket. Takes the exchange, and `input` (NULL: none), whose unread bytes are its first. Fails by closing. */
void cz__h1_websocket_begin(cz__conn *conn, cz__exchange *exchange, struct cz__h1_input *input);

#endif
