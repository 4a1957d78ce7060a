/* runtime/link.h: one connection to a server that answers in order, shared by all fibers of a process.
 *
 * What many ask at once travels together: requests are sent as they come, and the first of those under way owns the next
 * answer. The connection is opened by the first request, and anew by the first after it was lost. Of the server's language a
 * link knows nothing; its protocol reads the answers.
 *
 *     CLOSED      nothing is open                          cz__link_close(), at any time
 *     RESOLVING   a thread looks the host up               link_open.c
 *     CONNECTING  TCP's handshake                          link_open.c
 *     TLS         TLS' handshake, if there is to be one    cz__link_connected()
 *     HELLO       what comes before any request was sent   link.c's say_hello()
 *     READY       requests are sent as they come           cz__link_ready()
 *
 * Whoever waits has a time-out, through all of this; when that passes, the server is too slow for everybody and the
 * connection is closed. Outside a loop, as in a command, whoever waits polls the socket and takes the same steps.
 *
 * Context: the thread of the process's loop, or that of a command; not while a foreign callback is under way.
 */
#ifndef CZ_RUNTIME_LINK_H
#define CZ_RUNTIME_LINK_H

#include "runtime/fiber.h"
#include "runtime/loop.h"
#include "runtime/tls.h"
#include <calzone/buf.h>
#include <sys/socket.h>

enum { CZ__LINK_ADDRESSES_MAX = 4 };
/* What waits to be sent: a few of the longest values of a cache. */
#define CZ__LINK_BYTES_MAX ((size_t)64 << 20)

typedef struct cz__link cz__link;

/* What a fiber has asked; the protocol's own begins with it. On the heap: who asked may go away before the answer comes. */
struct cz__link_request {
    struct cz__link_request *next;
    cz__fiber *fiber; /* NULL: nobody is to be woken */
    bool done, lost, abandoned;
};

struct cz__link_protocol {
    /* The connection is open: make what reads it, and append to link->hello what comes before any request. False: there is no
     * memory. */
    bool (*begin)(cz__link *link);
    /* Bytes came. Calls cz__link_request_over() for each request whose answer is whole, and cz__link_ready() when the hello
     * was granted. Returns why the connection cannot go on, which is copied; NULL: it can. */
    const char *(*receive)(cz__link *link, const char *bytes, size_t len);
    /* The connection has gone, if there was one. */
    void (*end)(cz__link *link);
    void (*free_request)(struct cz__link_request *request);
};

enum cz__link_state {
    CZ__LINK_CLOSED,
    CZ__LINK_RESOLVING,
    CZ__LINK_CONNECTING,
    CZ__LINK_TLS,
    CZ__LINK_HELLO,
    CZ__LINK_READY
};

struct cz__link {
    const struct cz__link_protocol *protocol;
    char *host; /* owned */
    uint16_t port;
    enum cz__link_state state;
    int fd;
    cz__loop *loop; /* that watches it; NULL: who waits polls */
    cz__watch watch;
    struct sockaddr_storage addresses[CZ__LINK_ADDRESSES_MAX];
    socklen_t address_bytes[CZ__LINK_ADDRESSES_MAX];
    unsigned address_count, address_at; /* 0 of them: the host is to be looked up */
    uint64_t attempt;                   /* counts openings: a look-up that comes late is dropped */
    cz_buf hello, out;                  /* to send; `sent` bytes of the one or the other are gone */
    size_t sent;
    const cz__tls_context *trusted; /* whom, borrowed; NULL: no TLS. Set after cz__link_init() */
    cz__tls *tls;                   /* of this connection */
    cz_buf wire;                    /* what TLS made of that, of which `wire_sent` bytes are gone */
    size_t wire_sent;
    struct cz__link_request *first, **end; /* under way and waiting, in order */
    char reason[160];                      /* why it was lost */
};

/* A link that is closed. `host` is copied. Errors: CZ_ENOMEM, and it may be ended all the same. */
CZ_NODISCARD cz_status cz__link_init(cz__link *link, const struct cz__link_protocol *protocol,
                                     cz_str host, uint16_t port);
void cz__link_done(cz__link *link);

/* Send `bytes`, which are taken and ended in any case; so is `request`, zeroed but for the protocol's own, when this fails.
 * Errors: CZ_EUNAVAILABLE: more than CZ__LINK_BYTES_MAX wait already; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__link_send(cz__link *link, struct cz__link_request *request,
                                     cz_buf *bytes);
/* Wait until a request that was sent is answered; afterwards it is the caller's. On failure it is not: CZ_EUNAVAILABLE: the
 * server is away, or does not answer within `timeout_ms`; those of cz__fiber_wait(). */
CZ_NODISCARD cz_status cz__link_wait(cz_ctx *ctx, cz__link *link, struct cz__link_request *request,
                                     int64_t timeout_ms);

/* Close the connection; what is under way is lost. */
void cz__link_close(cz__link *link);

/* ---- for protocols ---- */

/* The first request is over: answered, or lost. */
void cz__link_request_over(cz__link *link);
/* The hello was granted: requests are sent from now on. */
void cz__link_ready(cz__link *link);

/* ---- between link.c and link_open.c ---- */

/* Begin to open a closed link. */
void cz__link_open(cz__link *link);
/* The handshake is over one way or the other: go on, or try the next address. */
void cz__link_connect_over(cz__link *link);
/* There is a connection. */
void cz__link_connected(cz__link *link);
/* Close for a reason, which is kept for the log. */
void cz__link_fail(cz__link *link, const char *reason);
void cz__link_close_socket(cz__link *link);
void cz__link_on_ready(cz__watch *watch, uint32_t events);

#endif
