/* calzone/runtime.h: waiting without blocking.
 *
 * A handler runs on a fiber of a single-threaded worker: what blocks the thread blocks every other
 * request of the worker (a watchdog logs the route of any handler that held it over 100 ms). These calls
 * suspend the fiber instead. Cancellation (the client went away) and the deadline raise at such a call.
 */
#ifndef CALZONE_RUNTIME_H
#define CALZONE_RUNTIME_H

#include <calzone/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sleep for `ms` milliseconds. Raises: CZ_ECANCELED, CZ_ETIMEDOUT; CZ_EINVAL inside a write transaction of
 * SQLite, in development and tests (transactions.h). Context: fiber, suspends; outside fibers (a command)
 * it blocks. */
#define cz_sleep(ctx, ms) cz__sleep((ctx), (ms), __FILE__, __LINE__)
void cz__sleep(cz_ctx *ctx, uint64_t ms, const char *file, int line);

/* Call `fn(arg)` on a thread of the pool and wait for its end. `fn` owns or outlives nothing of the
 * fiber: it may not raise, nor use `ctx` or its arena. When the wait is cancelled the job still runs to
 * its end: the raise happens after it, so `arg` may live on the caller's stack or arena.
 * Raises: CZ_EBUSY: the pool's queue is full; CZ_ECANCELED, CZ_ETIMEDOUT; CZ_EINVAL as cz_sleep().
 * Context: fiber, suspends; outside fibers it calls `fn` directly. */
#define cz_offload(ctx, fn, arg) cz__offload((ctx), (fn), (arg), __FILE__, __LINE__)
void cz__offload(cz_ctx *ctx, void (*fn)(void *arg), void *arg, const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
