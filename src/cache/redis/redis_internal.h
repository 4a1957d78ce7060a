/* cache/redis/redis_internal.h: one connection to a Redis server, shared by all fibers of a process. */
#ifndef CZ_CACHE_REDIS_REDIS_INTERNAL_H
#define CZ_CACHE_REDIS_REDIS_INTERNAL_H

#include "cache/cache_internal.h"
#include "cache/redis/hiredis.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <calzone/buf.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { CZ__REDIS_ADDRESSES_MAX = 4, CZ__REDIS_ELEMENTS_MAX = 1 << 20 };
/* What waits to be sent, and a reply that is not whole yet: a few of the longest values. */
#define CZ__REDIS_BYTES_MAX ((size_t)64 << 20)

enum cz__redis_state {
    CZ__REDIS_CLOSED,
    CZ__REDIS_RESOLVING,
    CZ__REDIS_CONNECTING,
    CZ__REDIS_HELLO,
    CZ__REDIS_READY
};

/* Commands sent in one piece, and their replies. On the heap: who asked may go away before the answer comes. */
struct cz__redis_request {
    struct cz__redis_request *next;
    cz__fiber *fiber; /* NULL: nobody is to be woken */
    size_t expected, got;
    bool done, lost, abandoned;
    redisReply *replies[]; /* as many as got */
};

struct cz__redis {
    /* of the URL, owned */
    char *host, *user, *password;
    uint16_t port;
    int64_t number; /* of the database */

    enum cz__redis_state state;
    int fd;
    cz__loop *loop; /* that watches it; NULL: who waits polls */
    cz__watch watch;
    struct sockaddr_storage addresses[CZ__REDIS_ADDRESSES_MAX];
    socklen_t address_bytes[CZ__REDIS_ADDRESSES_MAX];
    unsigned address_count, address_at; /* 0 of them: the host is to be looked up */
    uint64_t attempt;                   /* counts openings: a look-up that comes late is dropped */
    cz_buf hello,
        out; /* to send: before anything else, and requests; `sent` bytes of it are gone */
    size_t sent, hello_left;
    redisReader *reader;
    redisReplyObjectFunctions functions;
    struct cz__redis_request *first, **end; /* under way and waiting, in order */
    char reason[160];                       /* why it was lost */
};

/* Append a command of `count` arguments. */
void cz__redis_command(cz_buf *out, const cz_str *arguments, size_t count);

/* Send commands and wait for as many replies, which the caller ends with cz__redis_done(). `commands` is taken and ended in any
 * case. Errors: CZ_EUNAVAILABLE: the server is away, or does not answer in time; CZ_ENOMEM; those of a wait. */
CZ_NODISCARD cz_status cz__redis_ask(cz_ctx *ctx, struct cz__store *store, cz_buf *commands,
                                     size_t replies, struct cz__redis_request **out);
void cz__redis_done(struct cz__redis_request *request);

/* Close the connection; what is under way is lost. */
void cz__redis_close(struct cz__redis *redis);

#endif
