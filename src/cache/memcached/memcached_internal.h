/* cache/memcached/memcached_internal.h: the servers of a cache, and asking several of them at once. */
#ifndef CZ_CACHE_MEMCACHED_MEMCACHED_INTERNAL_H
#define CZ_CACHE_MEMCACHED_MEMCACHED_INTERNAL_H

#include "cache/cache_internal.h"
#include "cache/memcached/protocol.h"
#include "runtime/link.h"

enum {
    CZ__MC_SERVERS_MAX = 32,
    CZ__MC_TOKEN_BYTES_MAX = 250,
    CZ__MC_POINTS = 160 /* of a server */
};

/* Commands sent to one server in one piece, and their replies. */
struct cz__mc_request {
    struct cz__link_request link; /* first */
    size_t expected, got;
    struct cz__mc_reply replies[]; /* as many as got */
};

struct cz__mc_server {
    cz__link link; /* first */
    struct cz__mc_reader reader;
    cz__circuit circuit;
    struct cz__owed *owed; /* by this server */
};

struct cz__mc_point {
    uint32_t hash;
    uint32_t server;
};

/* Servers on a ring: a key belongs to the first point at or after its hash. One server more or less moves only the keys of its
 * own points. */
struct cz__memcached {
    struct cz__mc_server servers[CZ__MC_SERVERS_MAX];
    size_t count;
    struct cz__mc_point points[CZ__MC_SERVERS_MAX * CZ__MC_POINTS];
    size_t point_count;
    char reason[240]; /* why one of them was away last */
};

/* ---- servers.c ---- */

/* Add a server, "HOST:PORT" on the ring. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__mc_add_server(struct cz__memcached *memcached, cz_str host,
                                         uint16_t port);
void cz__mc_sort_points(struct cz__memcached *memcached);
size_t cz__mc_server_of(const struct cz__memcached *memcached, cz_str token);
void cz__mc_destroy(struct cz__memcached *memcached); /* NULL does nothing */

/* What is asked of each server at once. */
struct cz__mc_batch {
    struct {
        cz_buf commands;
        size_t count, owed; /* of them, and of those before that remove what was owed */
        struct cz__debt debt;
        struct cz__mc_request *request; /* answered; NULL: not asked, or away */
    } parts[CZ__MC_SERVERS_MAX];
};

/* Send what stands in `batch->parts` and wait for the answers. A server that is away has no request, and the log is told.
 * Errors: CZ_ENOMEM; those of cz__fiber_wait(). Ended by cz__mc_done() in any case. */
CZ_NODISCARD cz_status cz__mc_ask(cz_ctx *ctx, struct cz__store *store, struct cz__mc_batch *batch);
/* The n-th reply of a server; NULL: it was away. */
struct cz__mc_reply *cz__mc_reply(struct cz__mc_batch *batch, size_t server, size_t number);
void cz__mc_done(struct cz__mc_batch *batch);

/* ---- items.c ---- */

enum {
    CZ__MC_NEARLY_OVER_S = 3
}; /* seconds left, below which the flags tell whether a value is over */

/* Append "ms TOKEN SIZE FLAGS", and the value. `mode`: "", or " ME" to add; `unique`: only in place of that state, 0: of any. */
void cz__mc_add_store(cz_buf *out, cz_str token, cz_str value, int64_t ttl_ms, const char *mode,
                      uint64_t unique);
/* Whether there is a value that is not over, by a reply with flags and seconds. */
bool cz__mc_is_there(const struct cz__mc_reply *reply);
/* Digits, behind which memcached leaves blanks where there were more of them. */
bool cz__mc_read_number(cz_str text, uint64_t *out);
/* The value of a reply, in the arena; `.ptr` NULL: none, over, or not one of ours. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__mc_read_value(cz_arena *arena, const struct cz__mc_reply *reply,
                                         cz_str *out);

/* ---- tokens.c ---- */

/* The token that stands for a key, at most CZ__MC_TOKEN_BYTES_MAX bytes and none of them a blank; in the arena.
 * Errors: CZ_ENOMEM, CZ_EUNSUPPORTED. */
CZ_NODISCARD cz_status cz__mc_token(cz_arena *arena, cz_str key, cz_str *out);

#endif
