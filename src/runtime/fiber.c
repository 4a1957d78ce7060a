/* The pool of fibers and how they wait.
 *
 * States of a fiber, and who makes each:
 *
 *     POOLED    in the free list           release(), after its function returned
 *     RUNNING   has the thread, or         resume(), from cz__fiber_start() and run_woken()
 *               started the one that has
 *     WAITING   gave the thread away       suspend()
 *     WOKEN     in the ready list          cz__fiber_wake()
 *
 * A fiber never ends: its outermost frame is a loop that takes the next function, so a pooled fiber costs
 * no set-up. It lies at the top of its own stack, in the page that is touched anyway. The pool is a stack:
 * the fiber used last has its memory in the processor's caches.
 */
#include "runtime/fiber.h"
#include <calzone/memory.h>
#include <unistd.h>
#include "runtime/fiber_stack.h"
#include "runtime/runtime_internal.h"

enum {
    STACK_BYTES_DEFAULT = 256 * 1024,
    STACK_BYTES_MIN = 16 * 1024,
    FIBERS_MAX_DEFAULT = 4096,
    STACK_KEEP_BYTES = 8 * 1024, /* of a pooled fiber; what one use seldom goes below */
    POOLED_KEEP = 64,            /* fibers that stay when idle */
    TRIM_AFTER_MS = 1000,
    TRIM_BATCH = 256,
    WOKEN_PASSES_MAX = 16 /* over those that the woken wake, before the loop looks at its events */
};

enum fiber_state { POOLED, RUNNING, WAITING, WOKEN };

struct cz__fiber {
    cz__stack stack;
    cz__fiber *resumer; /* whom it gives the thread back to */
    cz_ctx *ctx;        /* borrowed; may be NULL */
    void (*fn)(void *arg);
    void *arg;
    enum fiber_state state;
    bool wake_remembered, cancellable, timed_out;
    bool used; /* since the pool was last trimmed */
    cz__timer deadline;
    cz__fiber *next; /* in the pool or the ready list */
    cz__fiber *alive_next, **alive_link;
};

/* One a thread. */
struct fiber_pool {
    cz__fiber thread; /* stands for the thread's own stack */
    cz__fiber *current;
    cz__fiber *pooled, *alive;
    cz__fiber *woken, **woken_end;
    unsigned alive_count, in_use_count, count_max;
    size_t stack_bytes, high_water_bytes;
    cz__timer trim;
    bool ready;
};

static _Thread_local struct fiber_pool pool;

static void destroy(cz__fiber *fiber)
{
    *fiber->alive_link = fiber->alive_next;
    if (fiber->alive_next)
        fiber->alive_next->alive_link = fiber->alive_link;
    pool.alive_count--;
    cz__stack_destroy(&fiber->stack);
}

cz_status cz__fibers_init(const cz__fiber_options *options)
{
    cz_assert(!pool.ready);
    pool = (struct fiber_pool){ .ready = true };
    pool.stack_bytes = options && options->stack_bytes ? options->stack_bytes : STACK_BYTES_DEFAULT;
    pool.count_max = options && options->count_max ? options->count_max : FIBERS_MAX_DEFAULT;
    if (pool.stack_bytes < STACK_BYTES_MIN)
        pool.stack_bytes = STACK_BYTES_MIN;
    pool.current = &pool.thread;
    pool.thread.state = RUNNING;
    pool.woken_end = &pool.woken;
    cz__stack_adopt_thread(&pool.thread.stack);
    return CZ_OK;
}

void cz__fibers_done(void)
{
    if (!pool.ready)
        return;
    cz_assert(pool.current == &pool.thread);
    if (cz__loop_current())
        cz__timer_cancel(cz__loop_current(), &pool.trim);
    while (pool.pooled) {
        cz__fiber *fiber = pool.pooled;
        pool.pooled = fiber->next;
        destroy(fiber);
    }
    if (pool.in_use_count)
        return; /* a suspended fiber is never destroyed; the process is about to end */
    cz__stack_disown_thread(&pool.thread.stack);
    pool = (struct fiber_pool){ 0 };
}

/* ---- Giving idle memory back ---- */

static void trim(cz__fiber *fiber)
{
    size_t bytes = cz__stack_trim(&fiber->stack, STACK_KEEP_BYTES);
    if (bytes > pool.high_water_bytes)
        pool.high_water_bytes = bytes;
    fiber->used = false;
}

void cz__fibers_trim(void)
{
    for (cz__fiber *fiber = pool.pooled; fiber; fiber = fiber->next)
        if (fiber->used)
            trim(fiber);
}

void cz__fiber_trim(cz__fiber *fiber)
{
    enum { RED_ZONE = 128 }; /* below the stack pointer; the System V ABI lets leaves use it */
    const char *low = fiber->stack.low, *sp = fiber->stack.sp;
    if (fiber->state != WAITING || sp <= low || sp >= low + fiber->stack.bytes)
        return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t used = (size_t)(low + fiber->stack.bytes - sp) + RED_ZONE;
    cz_ignore(cz__stack_trim(&fiber->stack, (used + page - 1) / page * page)); /* a count */
}

/* Pages that a deep call touched go back to the system within a second of the fiber's return to the
 * pool: looking at every return would cost each request a system call. */
static void trim_pool(cz__timer *timer)
{
    unsigned examined = 0, kept = 0;
    bool more = false;
    for (cz__fiber **at = &pool.pooled; *at;) {
        cz__fiber *fiber = *at;
        bool was_used = fiber->used;
        if (was_used && examined < TRIM_BATCH) {
            trim(fiber);
            examined++;
        }
        if (!was_used && kept >= POOLED_KEEP && examined < TRIM_BATCH) {
            *at = fiber->next;
            destroy(fiber);
            examined++;
            continue;
        }
        kept++;
        more |= fiber->used || kept > POOLED_KEEP;
        at = &fiber->next;
    }
    if (more)
        cz__timer_set(cz__loop_current(), timer, TRIM_AFTER_MS, trim_pool);
}

static void release(cz__fiber *fiber)
{
    fiber->ctx = NULL; /* its owner may be gone: not written to */
    fiber->state = POOLED;
    fiber->used = true;
    fiber->next = pool.pooled;
    pool.pooled = fiber;
    pool.in_use_count--;
    if (!cz__timer_is_set(&pool.trim) && cz__loop_current())
        cz__timer_set(cz__loop_current(), &pool.trim, TRIM_AFTER_MS, trim_pool);
}

/* ---- Switching ---- */

/* Give the thread back to whoever resumed the running fiber. */
static void give_back(cz__fiber *fiber)
{
    cz__fiber *to = fiber->resumer;
    pool.current = to;
    cz__stack_switch(&fiber->stack, &to->stack);
}

static void fiber_main(void *arg)
{
    cz__fiber *fiber = arg;
    cz__stack_entered(&fiber->stack, &fiber->resumer->stack);
    for (;;) {
        fiber->fn(fiber->arg);
        release(fiber);
        give_back(fiber);
    }
}

/* Run a fiber until it suspends or ends. Whoever resumes waits below it: the chain is a call chain. */
static void resume(cz__fiber *fiber)
{
    cz__fiber *from = pool.current;
    fiber->resumer = from;
    fiber->state = RUNNING;
    pool.current = fiber;
    cz__pulse_beat();
    cz__stack_switch(&from->stack, &fiber->stack);
}

static void suspend(cz__fiber *fiber)
{
    fiber->state = WAITING;
    give_back(fiber);
}

static cz__fiber *create(void)
{
    cz__stack stack;
    void *reserved;
    if (!cz__stack_create(&stack, pool.stack_bytes, sizeof(cz__fiber), &reserved, fiber_main))
        return NULL;
    cz__fiber *fiber = reserved;
    *fiber = (cz__fiber){ .stack = stack };
    fiber->alive_next = pool.alive;
    fiber->alive_link = &pool.alive;
    if (pool.alive)
        pool.alive->alive_link = &fiber->alive_next;
    pool.alive = fiber;
    pool.alive_count++;
    return fiber;
}

bool cz__fibers_have_free(void)
{
    return pool.pooled || pool.alive_count < pool.count_max;
}

cz_status cz__fiber_start(void (*fn)(void *arg), void *arg)
{
    cz_assert(pool.ready);
    cz__fiber *fiber = pool.pooled;
    if (fiber) {
        pool.pooled = fiber->next;
    } else {
        if (pool.alive_count >= pool.count_max)
            return CZ_EBUSY;
        fiber = create();
        if (!fiber)
            return CZ_ENOMEM;
    }
    pool.in_use_count++;
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->wake_remembered = false;
    resume(fiber);
    return CZ_OK;
}

cz__fiber *cz__fiber_current(void)
{
    return pool.current == &pool.thread ? NULL : pool.current;
}

void cz__fiber_attach(cz_ctx *ctx)
{
    cz__fiber *fiber = cz__fiber_current();
    cz_assert(fiber);
    if (fiber->ctx)
        fiber->ctx->fiber = NULL;
    fiber->ctx = ctx;
    if (ctx)
        ctx->fiber = fiber;
}

cz_ctx *cz__fiber_ctx(void)
{
    return pool.current ? pool.current->ctx : NULL;
}

/* ---- Waiting and waking ---- */

static void deadline_passed(cz__timer *timer)
{
    cz__fiber *fiber = (cz__fiber *)(void *)((char *)timer - offsetof(cz__fiber, deadline));
    fiber->timed_out = true;
    cz__fiber_wake(fiber);
}

/* Suspend until woken; the deadline, if any, wakes too. */
static void wait_with_deadline(cz__fiber *fiber, int64_t deadline_us)
{
    if (!deadline_us) {
        suspend(fiber);
        return;
    }
    cz__loop *loop = cz__loop_current();
    int64_t left_us = deadline_us - cz__loop_now_us(loop);
    cz__timer_set(loop, &fiber->deadline, (left_us + 999) / 1000, deadline_passed);
    suspend(fiber);
    cz__timer_cancel(loop, &fiber->deadline);
}

cz_status cz__fiber_wait(cz_ctx *ctx)
{
    cz__fiber *fiber = cz__fiber_current();
    cz_assert(fiber);
    cz_assert(ctx->foreign == 0); /* a foreign library's frames are on this stack */
    if (ctx->cancelled)
        return ctx->cancelled;
    if (ctx->write_hold_us < 0)
        return CZ_EINVAL;
    int64_t deadline_us = cz__wait_deadline_us(ctx);
    if (deadline_us && deadline_us <= cz__loop_now_us(cz__loop_current()))
        return CZ_ETIMEDOUT;
    if (fiber->wake_remembered) {
        fiber->wake_remembered = false;
        return CZ_OK;
    }
    fiber->timed_out = false;
    fiber->cancellable = true;
    wait_with_deadline(fiber, deadline_us);
    fiber->cancellable = false;
    if (ctx->cancelled)
        return ctx->cancelled;
    return fiber->timed_out ? CZ_ETIMEDOUT : CZ_OK;
}

void cz__fiber_wait_uncancelled(cz_ctx *ctx)
{
    cz__fiber *fiber = cz__fiber_current();
    cz_assert(fiber);
    cz_assert(ctx->foreign == 0);
    if (fiber->wake_remembered)
        fiber->wake_remembered = false;
    else
        suspend(fiber);
}

void cz__fiber_wake(cz__fiber *fiber)
{
    switch (fiber->state) {
    case RUNNING:
        fiber->wake_remembered = true;
        break;
    case WAITING:
        fiber->state = WOKEN;
        fiber->next = NULL;
        *pool.woken_end = fiber;
        pool.woken_end = &fiber->next;
        break;
    case WOKEN:
    case POOLED: /* a late wake for work that is over */
        break;
    }
}

cz_status cz__fiber_yield(cz_ctx *ctx)
{
    cz__fiber *fiber = cz__fiber_current();
    cz_assert(fiber && ctx->foreign == 0);
    fiber->state = WAITING;
    cz__fiber_wake(fiber);
    give_back(fiber);
    return ctx->cancelled;
}

void cz__fiber_cancel(cz_ctx *ctx, cz_status reason)
{
    cz__ctx_cancel(ctx, reason);
    cz__fiber *fiber = ctx->fiber;
    if (fiber && fiber->state == WAITING && fiber->cancellable)
        cz__fiber_wake(fiber);
}

void cz__fibers_cancel_all(cz_status reason)
{
    for (cz__fiber *fiber = pool.alive; fiber; fiber = fiber->alive_next)
        if (fiber->ctx)
            cz__fiber_cancel(fiber->ctx, reason);
}

bool cz__fibers_have_woken(void)
{
    return pool.woken != NULL;
}

void cz__fibers_run_woken(void)
{
    for (int pass = 0; pool.woken && pass < WOKEN_PASSES_MAX; pass++) {
        cz__fiber *fiber = pool.woken;
        pool.woken = NULL;
        pool.woken_end = &pool.woken;
        while (fiber) {
            cz__fiber *next = fiber->next; /* it may be woken again, or be pooled, while it runs */
            resume(fiber);
            fiber = next;
        }
    }
}

/* ---- For the crash reporter and the statistics ---- */

bool cz__fiber_guards(const void *address)
{
    cz__fiber *fiber = cz__fiber_current();
    return fiber && cz__stack_guards(&fiber->stack, address);
}

bool cz__fiber_stack_bounds(uintptr_t *out_low, uintptr_t *out_high)
{
    cz__fiber *fiber = cz__fiber_current();
    if (!fiber)
        return false;
    *out_low = (uintptr_t)fiber->stack.low;
    *out_high = *out_low + fiber->stack.bytes;
    return true;
}

cz__fiber_stats cz__fibers_stats(void)
{
    return (cz__fiber_stats){ pool.alive_count, pool.in_use_count, pool.high_water_bytes };
}
