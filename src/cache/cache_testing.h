/* cache/cache_testing.h: what every kind of cache must do. */
#ifndef CZ_CACHE_CACHE_TESTING_H
#define CZ_CACHE_CACHE_TESTING_H

#include "cache/cache_internal.h"
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

/* The n-th allocation fails, for every n: calls raise CZ_ENOMEM or do their work, and the cache goes on. In builds with
 * CZ_FAULTS. */
void cache_without_memory_suite(void (*run)(void (*fn)(cz_ctx *ctx, void *arg), void *arg));

#endif
