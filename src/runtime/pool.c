/* Threads for calls that block, and sleeping.
 *
 * The threads start one by one as jobs find none idle. A job lies on the waiting fiber's stack: the fiber
 * never leaves its wait before the job is done, cancelled or not, so neither job nor argument can vanish
 * under the thread.
 */
#include <calzone/runtime.h>
#include <calzone/time.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "runtime/runtime_internal.h"

enum { QUEUE_MAX = 1024, THREADS_DEFAULT = 4, THREADS_MAX = 64, THREAD_STACK_BYTES = 1 << 20 };

struct job {
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
    cz__loop *loop; /* where its fiber waits */
    cz__fiber *fiber;
    cz__post done_post;
    bool done; /* read and written in the loop's thread only */
};

static struct {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t work;
    struct job *first, **end;
    unsigned queued, idle, thread_count, thread_max;
    bool stopping;
    pthread_t threads[THREADS_MAX];
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

void cz__pool_configure(unsigned threads)
{
    pool.thread_max = threads < THREADS_MAX ? threads : THREADS_MAX;
}

static void job_done(void *arg)
{
    struct job *job = arg;
    job->done = true;
    cz__fiber_wake(job->fiber);
}

static struct job *take_job(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.idle++;
    while (!pool.first && !pool.stopping)
        pthread_cond_wait(&pool.work, &pool.lock);
    pool.idle--;
    struct job *job = pool.first;
    if (job) {
        pool.first = job->next;
        if (!pool.first)
            pool.end = &pool.first;
        pool.queued--;
    }
    pthread_mutex_unlock(&pool.lock);
    return job;
}

static void *thread_main(void *arg)
{
    struct job *job;
    while ((job = take_job())) {
        job->fn(job->arg);
        cz__loop_post_own(job->loop, &job->done_post);
    }
    return arg;
}

/* Signals belong to the loop's thread: the new one begins with all of them blocked, but for those that a
 * fault raises in the thread itself. */
static bool start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
    for (size_t i = 0; i < CZ_COUNT(faults); i++)
        sigdelset(&all, faults[i]);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes))
        return false;
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool ok = !pthread_create(&pool.threads[pool.thread_count], &attributes, thread_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    pool.thread_count += ok;
    return ok;
}

static cz_status enqueue(struct job *job)
{
    cz_status status = CZ_OK;
    pthread_mutex_lock(&pool.lock);
    unsigned max = pool.thread_max ? pool.thread_max : THREADS_DEFAULT;
    if (pool.queued >= QUEUE_MAX)
        status = CZ_EBUSY;
    else if (pool.idle <= pool.queued && pool.thread_count < max && !start_thread() &&
             !pool.thread_count)
        status = CZ_EBUSY; /* not even one thread */
    if (!status) {
        if (!pool.first)
            pool.end = &pool.first;
        job->next = NULL;
        *pool.end = job;
        pool.end = &job->next;
        pool.queued++;
        pthread_cond_signal(&pool.work);
    }
    pthread_mutex_unlock(&pool.lock);
    return status;
}

void cz__pool_done(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.stopping = true;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    for (unsigned i = 0; i < pool.thread_count; i++)
        pthread_join(pool.threads[i], NULL);
    pool.thread_count = 0;
    pool.stopping = false;
}

/* What ended a wait, told with the line that waited. */
static CZ_NORETURN void raise_over(cz_ctx *ctx, cz_status reason, const char *file, int line)
{
    if (reason == CZ_EINVAL)
        cz__raise(
            ctx, file, line, reason,
            "%s:%d waits inside a write transaction, which keeps every other writer waiting; do it "
            "before or after, or with cz_on_commit()",
            file, line);
    if (reason == CZ_ETIMEDOUT && ctx->write_hold_us && ctx->write_hold_us <= cz_monotonic_us())
        cz__raise(ctx, file, line, reason,
                  "%s:%d waited inside a write transaction for longer than WRITE_HOLD_TIME", file,
                  line);
    cz__raise(ctx, file, line, reason, "%s", cz_status_text(reason));
}

/* Outside fibers nothing wakes a wait, so the reasons to end it are looked at before. */
static cz_status over_already(const cz_ctx *ctx)
{
    if (ctx->cancelled)
        return ctx->cancelled;
    if (ctx->write_hold_us < 0)
        return CZ_EINVAL;
    int64_t deadline_us = cz__wait_deadline_us(ctx);
    return deadline_us && deadline_us <= cz_monotonic_us() ? CZ_ETIMEDOUT : CZ_OK;
}

cz_status cz__fiber_offload(cz_ctx *ctx, void (*fn)(void *arg), void *arg)
{
    cz_assert(ctx->foreign == 0);
    cz_status status = over_already(ctx);
    if (status)
        return status;
    cz__fiber *fiber = cz__fiber_current();
    if (!fiber) {
        fn(arg);
        return CZ_OK;
    }
    struct job job = { .fn = fn, .arg = arg, .loop = cz__loop_current(), .fiber = fiber };
    job.done_post = (cz__post){ .fn = job_done, .arg = &job };
    if (enqueue(&job))
        return CZ_EBUSY;
    while (!job.done && !status)
        status = cz__fiber_wait(ctx);
    while (!job.done)
        cz__fiber_wait_uncancelled(ctx);
    return status;
}

void cz__offload(cz_ctx *ctx, void (*fn)(void *arg), void *arg, const char *file, int line)
{
    cz_status status = cz__fiber_offload(ctx, fn, arg);
    if (status == CZ_EBUSY)
        cz_raise(ctx, CZ_EBUSY, "the queue of blocking calls is full");
    if (status)
        raise_over(ctx, status, file, line);
}

cz_status cz__fiber_offload_uncancelled(cz_ctx *ctx, void (*fn)(void *arg), void *arg)
{
    cz_assert(ctx->foreign == 0);
    struct job job = {
        .fn = fn, .arg = arg, .loop = cz__loop_current(), .fiber = cz__fiber_current()
    };
    if (!job.fiber) {
        fn(arg);
        return CZ_OK;
    }
    job.done_post = (cz__post){ .fn = job_done, .arg = &job };
    cz_status status = enqueue(&job);
    while (!status && !job.done)
        cz__fiber_wait_uncancelled(ctx);
    return status;
}

/* ---- Sleeping ---- */

struct sleeper {
    cz__timer timer;
    cz__fiber *fiber;
    bool over;
};

static void sleep_over(cz__timer *timer)
{
    struct sleeper *sleeper = (struct sleeper *)(void *)timer; /* its first member */
    sleeper->over = true;
    cz__fiber_wake(sleeper->fiber);
}

static cz_status sleep_blocking(const cz_ctx *ctx, uint64_t ms)
{
    int64_t now_us = cz_monotonic_us();
    int64_t end_us = ms < INT64_MAX / 2000 ? now_us + (int64_t)ms * 1000 : INT64_MAX;
    int64_t deadline_us = cz__wait_deadline_us(ctx);
    if (deadline_us && deadline_us < end_us)
        end_us = deadline_us;
    struct timespec end = { end_us / 1000000, end_us % 1000000 * 1000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR && !ctx->cancelled)
        ;
    return over_already(ctx);
}

cz_status cz__fiber_sleep(cz_ctx *ctx, uint64_t ms)
{
    cz_assert(ctx->foreign == 0);
    cz_status status = over_already(ctx);
    struct sleeper sleeper = { .fiber = cz__fiber_current() };
    if (!status && !sleeper.fiber) {
        status = sleep_blocking(ctx, ms);
    } else if (!status) {
        cz__loop *loop = cz__loop_current();
        cz__timer_set(loop, &sleeper.timer, ms < INT64_MAX ? (int64_t)ms : INT64_MAX, sleep_over);
        while (!sleeper.over && !status)
            status = cz__fiber_wait(ctx);
        cz__timer_cancel(loop, &sleeper.timer);
    }
    return status;
}

void cz__sleep(cz_ctx *ctx, uint64_t ms, const char *file, int line)
{
    cz_status status = cz__fiber_sleep(ctx, ms);
    if (status)
        raise_over(ctx, status, file, line);
}
