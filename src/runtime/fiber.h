/* runtime/fiber.h: pooled stackful fibers of a worker.
 *
 * A fiber is taken from the pool for a unit of work, runs on the caller's thread until it suspends, and
 * goes on when the loop resumes it. A suspended fiber is never destroyed: cancelling wakes it, its wait
 * returns the reason, and it unwinds by itself.
 *
 * A stack reserves 256 KiB of address space (setting) above a 64 KiB guard region; pages above the
 * high-water mark go back to the system when the fiber returns to the pool. Overflow is reported as such,
 * with the context's label. Sanitizers and Valgrind are told of every stack and switch.
 */
#ifndef CZ_RUNTIME_FIBER_H
#define CZ_RUNTIME_FIBER_H

#include <calzone/context.h>

typedef struct cz__fiber cz__fiber;

typedef struct cz__fiber_options {
    size_t stack_bytes; /* 0: 256 KiB; rounded up to pages */
    unsigned count_max; /* 0: 4096; fibers alive at once, pooled ones included */
} cz__fiber_options;

/* Set up and end the calling thread's pool. */
CZ_NODISCARD cz_status cz__fibers_init(const cz__fiber_options *options);
void cz__fibers_done(void);

/* Run `fn(arg)` on a pooled fiber now, returning to the caller at its first suspension or its end.
 * Called from the loop or from another fiber. Errors: CZ_EBUSY: `count_max` are alive; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__fiber_start(void (*fn)(void *arg), void *arg);

/* Whether cz__fiber_start() would find one, or room for one. */
bool cz__fibers_have_free(void);

/* The running fiber; NULL on the loop's own stack. */
cz__fiber *cz__fiber_current(void);

/* Attach a context to the running fiber, so waits see its deadline and cancellation and a crash its
 * label; NULL detaches. The context must outlive the attachment. */
void cz__fiber_attach(cz_ctx *ctx);
/* The context attached to the fiber that runs now; NULL when there is none. Async-signal-safe. */
cz_ctx *cz__fiber_ctx(void);

/* Give the thread to the loop until cz__fiber_wake() of this fiber.
 * Returns CZ_OK when woken; at once or later ctx->cancelled when the context is cancelled, and
 * CZ_ETIMEDOUT when its deadline passes; CZ_EINVAL while a write transaction allows no wait (ctx->write_hold_us;
 * a driver that waits for its own database sets that aside). The caller raises or returns it, and must then expect that
 * whatever it waited for may still happen. A wake that was meant for an earlier wait may end a later one,
 * so wait in a loop on what is waited for. Asserts that no foreign callback is under way. */
CZ_NODISCARD cz_status cz__fiber_wait(cz_ctx *ctx);
/* The same, without looking at cancellation or deadline: for clean-ups. */
void cz__fiber_wait_uncancelled(cz_ctx *ctx);
/* Let a suspended fiber go on, in this turn; a second wake before it ran does nothing. A fiber that runs
 * remembers one wake for its next wait. */
void cz__fiber_wake(cz__fiber *fiber);
/* When a wait of this context is over: its deadline, or the end of what its write transaction may wait. */
static inline int64_t cz__wait_deadline_us(const cz_ctx *ctx)
{
    bool held =
        ctx->write_hold_us > 0 && (!ctx->deadline_us || ctx->write_hold_us < ctx->deadline_us);
    return held ? ctx->write_hold_us : ctx->deadline_us;
}
/* Let all others that could go on do so first: for work that never waits. Returns why the context is to end, as
 * cz__fiber_wait(). */
CZ_NODISCARD cz_status cz__fiber_yield(cz_ctx *ctx);
/* Sleep for `ms` milliseconds; cz_sleep() (calzone/runtime.h) without the raise. Outside fibers it blocks.
 * Errors: CZ_ECANCELED, CZ_ETIMEDOUT: woken early, for the caller to pass on. */
CZ_NODISCARD cz_status cz__fiber_sleep(cz_ctx *ctx, uint64_t ms);
/* cz_offload() (calzone/runtime.h) without the raise. Outside fibers it calls `fn` directly.
 * Errors: CZ_EBUSY: the queue is full, `fn` was not called; CZ_ECANCELED, CZ_ETIMEDOUT: before `fn` was
 * called, or while it ran to its end. */
CZ_NODISCARD cz_status cz__fiber_offload(cz_ctx *ctx, void (*fn)(void *arg), void *arg);
/* Call `fn(arg)` on a thread of the pool and wait for its end, whatever happens to `ctx` meanwhile; outside
 * fibers it calls `fn` directly. Errors: CZ_EBUSY: no thread is free for it; nothing was called. */
CZ_NODISCARD cz_status cz__fiber_offload_uncancelled(cz_ctx *ctx, void (*fn)(void *arg), void *arg);
/* Cancel a context and wake its fiber. */
void cz__fiber_cancel(cz_ctx *ctx, cz_status reason);

/* Give the pages below the frames of a fiber that waits back to the system: for one that may wait long. */
void cz__fiber_trim(cz__fiber *fiber);

/* Fibers alive, of them in use, and the deepest stack seen, in bytes (of fibers that were pooled a second
 * ago or earlier). */
typedef struct cz__fiber_stats {
    unsigned alive, in_use;
    size_t stack_high_water_bytes;
} cz__fiber_stats;
cz__fiber_stats cz__fibers_stats(void);

#endif
