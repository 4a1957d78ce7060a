/* http/connection.h: a client's connection below the protocol it speaks: bytes in and out, time, and how it ends.
 *
 * A protocol (HTTP/1, the handshake of TLS, HTTP/2, WebSocket) is a table of functions and a session of its own. Each entry
 * (readiness, time-out, the end of a handler) does its work and ends in cz__conn_settle(), the one place that sends, sets
 * interest and timer, and frees.
 *
 *     OPEN      the protocol reads and answers                            cz__conn_create()
 *     ENDING    the last answer is made; it goes when all is sent         cz__conn_end()
 *     LINGERING all sent and our side shut; what still comes is dropped   settle(), when the client may still be sending
 *     CLOSED    the descriptor is closed; freed when nothing runs for it  cz__conn_close()
 */
#ifndef CZ_HTTP_CONNECTION_H
#define CZ_HTTP_CONNECTION_H

#include "http/http_internal.h"
#include "http/proxies.h"
#include "http/tls.h"
#include <sys/types.h>

#define CZ__NEVER INT64_MAX

/* What is to be sent: pooled, and there only while something is unsent. */
struct cz__output {
    struct cz__output *next;
    cz_buf buf;
    size_t sent;
};

enum cz__conn_life { CZ__CONN_OPEN, CZ__CONN_ENDING, CZ__CONN_LINGERING, CZ__CONN_CLOSED };

/* None of these may free the connection; what they close is freed by settle(). */
struct cz__conn_protocol {
    /* The descriptor is ready, or TLS has bytes that it will not be ready for again. */
    void (*on_ready)(cz__conn *conn, uint32_t events);
    /* conn->due_ms has come. */
    void (*on_due)(cz__conn *conn);
    /* The client took some of what was unsent. */
    void (*on_sent)(cz__conn *conn);
    /* After a flush: whether it went on with what had waited for room, so there may be more to flush. NULL: never. */
    bool (*go_on)(cz__conn *conn);
    /* EPOLLIN and EPOLLRDHUP as it wants them while it is open. */
    uint32_t (*interest)(const cz__conn *conn);
    /* The server drains: end if nothing is under way, else take no more than that. */
    void (*drain)(cz__conn *conn);
    /* Nothing is read or sent for it any more: cancel what runs, release what does not. Once. */
    void (*on_ended)(cz__conn *conn);
    /* Whether nothing runs for it any more; of a closed one. */
    bool (*is_done)(const cz__conn *conn);
    /* Free the session. */
    void (*destroy)(cz__conn *conn);
};

/* Of protocols that stand in front of another: nothing runs for them, and they read until they have read enough. */
void cz__conn_do_nothing(cz__conn *conn);
uint32_t cz__conn_wants_input(const cz__conn *conn);
bool cz__conn_runs_nothing(const cz__conn *conn);

struct cz__conn {
    cz__watch watch;
    cz__timer timer;
    cz__http_server *server;
    cz__conn *next, **link; /* the server's list of open ones */
    struct cz__http_address *address;
    const struct cz__conn_protocol *protocol;
    void *session;        /* the protocol's */
    cz__tls_session *tls; /* NULL: bytes go as they are */
    struct cz__output *output;
    cz_str rest;          /* sent behind the output from where it is, for the protocol to keep */
    int64_t due_ms;       /* when the protocol's time is over; CZ__NEVER */
    int64_t write_due_ms; /* when a write without progress is; CZ__NEVER: nothing unsent */
    int64_t armed_ms;     /* when the timer fires: at or before both, and looks again */
    int64_t read_turn_us; /* the turn of the loop in which TLS was read last */
    size_t read_bytes;    /* in that turn */
    void *left;           /* the session of the protocol before, until settle() */
    uint32_t linger_bytes_left; /* what is dropped of the client before a close() */
    uint8_t life;               /* enum cz__conn_life */
    bool file_waits;            /* the client has to take something before more of a file goes */
    bool read_waits;            /* TLS has read ahead, and others have their turn first */
    bool linger;                /* the client may still be sending: close gently */
    char address_text[46];
};

/* A connection of `fd`, which becomes its own, inside TLS of `tls` or without when that is NULL; `address` may be NULL.
 * Errors: CZ_ENOMEM, CZ_EIO: `fd` is still the caller's. */
CZ_NODISCARD cz_status cz__conn_create(cz__http_server *server, int fd,
                                       struct cz__http_address *address, const char *address_text,
                                       cz__tls_server *tls);

/* Begin what a client speaks, TLS or HTTP; proxy_connection.c: or first what its proxy does. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__conn_begin(cz__conn *conn);
CZ_NODISCARD cz_status cz__proxy_begin(cz__conn *conn);
/* http_server.c: it is of another address than it came from, and counts there. Errors: CZ_EBUSY: that has as many as it may, or has
 * flooded;
 * CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__http_server_know_client(cz__conn *conn, const cz__address *client);

/* http_server.c: a WebSocket on a stream counts as a connection does, of its address and of all. Errors: CZ_EBUSY: there are as many
 * as may be; nothing was counted. */
CZ_NODISCARD cz_status cz__http_server_count_stream(cz__conn *conn);
/* One that was counted has ended. */
void cz__http_server_uncount_stream(cz__conn *conn);

/* http_server.c: it was ended as a flood, which its address is made to pay for unless a proxy speaks there for many. */
void cz__http_server_on_flood(cz__conn *conn);

/* recv(): more than 0 bytes, 0 at the end of input, or -1 and errno, EAGAIN when there is nothing now. */
ssize_t cz__conn_read(cz__conn *conn, char *room, size_t bytes);

/* Who is at the other end, for a request; and say in it whose certificate TLS verified. Errors: CZ_ENOMEM. */
struct cz__http_peer cz__conn_peer(const cz__conn *conn);
CZ_NODISCARD cz_status cz__conn_name_client(const cz__conn *conn, cz__exchange *exchange);

/* Where to append what is to be sent; NULL: no memory. */
cz_buf *cz__conn_output(cz__conn *conn);
size_t cz__conn_unsent(const cz__conn *conn);
/* One send() of what is unsent. May close the connection. */
void cz__conn_flush(cz__conn *conn);

/* Send some bytes of an open file by sendfile(2), when nothing is unsent. `*out_sent` is 0 at the end of the file. Errors:
 * CZ_EAGAIN: the client takes nothing now, on_sent() is called when it does; CZ_ECANCELED: the connection was closed;
 * CZ_EUNSUPPORTED: not through TLS, or not from this file; CZ_EIO: it cannot be read. */
CZ_NODISCARD cz_status cz__conn_send_file(cz__conn *conn, int fd, uint64_t first, size_t bytes,
                                          size_t *out_sent);

/* The server drains; ends in settle(). */
void cz__conn_drain(cz__conn *conn);

/* Nothing more is to be made: close when all is sent. */
void cz__conn_end(cz__conn *conn);
/* Close at once. */
void cz__conn_close(cz__conn *conn);
static inline bool cz__conn_is_open(const cz__conn *conn)
{
    return conn->life == CZ__CONN_OPEN;
}
/* The end of every entry. Frees a closed connection that nothing runs for. */
void cz__conn_settle(cz__conn *conn);
/* Interest and timer of a connection whose fiber is about to wait in the middle of an entry. */
void cz__conn_wait(cz__conn *conn);

static inline int64_t cz__conn_now_ms(const cz__conn *conn)
{
    return cz__loop_now_ms(conn->server->core.loop);
}

/* Speak another protocol from here on, with `session`, which is one allocation, as the one before has to be: the frames of
 * this entry may still use that one, and settle() frees it. */
void cz__conn_become(cz__conn *conn, const struct cz__conn_protocol *protocol, void *session);

void cz__outputs_free(struct cz__http_core *core);

/* ---- The protocols ---- */

/* h1_connection.c: speak HTTP/1 from here on. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__h1_begin(cz__conn *conn);
/* h2_connection.c: speak HTTP/2 from here on, of which `input` came already. Errors: CZ_ENOMEM; CZ_EUNSUPPORTED: it is not built
 * in. */
CZ_NODISCARD cz_status cz__h2_begin(cz__conn *conn, cz_str input);
/* Whether what a client says first is HTTP/2's preface (RFC 9113, 3.4). */
enum cz__h2_preface { CZ__H2_NO, CZ__H2_MAYBE, CZ__H2_YES };
enum cz__h2_preface cz__h2_preface(cz_str input);
/* tls_handshake.c: what comes before, inside TLS; then what the client chose. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_handshake_begin(cz__conn *conn);

#endif
