/* cache/cache_testing.h: what every kind of cache must do. */
#ifndef CZ_CACHE_CACHE_TESTING_H
#define CZ_CACHE_CACHE_TESTING_H

#include "cache/cache_internal.h"
#include "private_server.h"
#include "runtime/link.h"
#include <calzone/testing.h>

/* Open the cache "default". */
void cache_begin(const char *url);
/* Run `fn(ctx, arg)` with a context of its own: on a fiber of a loop, or in this thread, as a command does. What it raises
 * ends the test. */
void cache_run_on_fiber(void (*fn)(cz_ctx *ctx, void *arg), void *arg);
void cache_run(void (*fn)(cz_ctx *ctx, void *arg), void *arg);
/* As many fibers at once. */
void cache_run_many(unsigned count, void (*fn)(cz_ctx *ctx, void *arg), void *arg);
/* The answers of one cache to calls of all kinds. */
void cache_suite(cz_ctx *ctx, void *arg);
/* Single-flight of 40 fibers: one computes. */
void cache_flight_suite(void);

/* ---- caches in a server (servers_test.c) ---- */

/* How a suite treats the server that the cache "default" is in. */
struct cache_server {
    struct private_server *process;
    void (*run)(void);                                   /* again, where it was */
    const char *(*url)(uint16_t port, const char *rest); /* of what is in its place there */
    bool (*is_away)(void);
    void (*retry)(void); /* as if a second had passed */
    cz__link *(*link)(void);
    struct cz__owed *(*owed)(void);
};

/* Set the key "who" to a text, and expect it there ("nobody": nothing). */
void cache_set_key(cz_ctx *ctx, void *arg);
void cache_expect_key(cz_ctx *ctx, void *arg);
void cache_sharing_suite(const struct cache_server *of); /* 200 fibers over one connection */
void cache_killed_suite(const struct cache_server *of);  /* under load, and started again */
/* One that takes connections and is silent, and none at all; no cache is open before and after. */
void cache_silent_suite(const struct cache_server *of);
void cache_unknown_host_suite(const struct cache_server *of, const char *url);
/* What stands for it says each of `replies`, whatever it is asked. */
void cache_liar_suite(const struct cache_server *of, const cz_str *replies, size_t count);
/* What is ended while it is stopped does not come back, also when the process ends that ended it. */
void cache_owing_suite(const struct cache_server *of);
void cache_owing_process_suite(const struct cache_server *of);
void cache_cancelled_suite(const struct cache_server *of);

/* The n-th allocation fails, for every n: calls raise CZ_ENOMEM or do their work, and the cache goes on,
 * after `retry()` (NULL: nothing) as if a second had passed. In builds with
 * CZ_FAULTS. */
void cache_without_memory_suite(void (*run)(void (*fn)(cz_ctx *ctx, void *arg), void *arg),
                                void (*retry)(void));

#endif
