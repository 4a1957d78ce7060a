#include <calzone/runtime.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/fiber_stack.h"
#include "runtime/runtime_internal.h"

#if defined(__has_feature)
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer)
enum { ASAN = 1 };
#else
enum { ASAN = 0 };
#endif

static cz__loop *loop;

static void begin(unsigned count_max)
{
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(&(cz__fiber_options){ .count_max = count_max }));
}

static void end(void)
{
    CZ_EXPECT_EQ(cz__fibers_stats().in_use, 0);
    cz__fibers_done();
    cz__loop_destroy(loop);
}

/* ---- The switch ---- */

struct worker {
    cz_ctx ctx;
    cz__fiber *fiber;
    int id, rounds, done;
    double result; /* of what it computed across its waits */
};

static void plain_wait(cz_ctx *ctx)
{
    CZ_EXPECT_EQ(cz__fiber_wait(ctx), CZ_OK);
}

/* Keeps enough integers and reals alive across the switch to fill every saved register. */
static void many_values(void *arg)
{
    struct worker *worker = arg;
    worker->fiber = cz__fiber_current();
    cz_ctx_init(&worker->ctx, NULL);
    cz__fiber_attach(&worker->ctx);
    uint64_t i[10];
    double d[10];
    for (int n = 0; n < 10; n++) {
        i[n] = (uint64_t)(worker->id * 1000 + n);
        d[n] = worker->id + n / 16.0;
    }
    for (int round = 0; round < worker->rounds; round++) {
        double a = d[0] + d[1], b = d[2] + d[3], c = d[4] + d[5], e = d[6] + d[7], f = d[8] + d[9];
        uint64_t p = i[0] ^ i[1], q = i[2] ^ i[3], r = i[4] ^ i[5], s = i[6] ^ i[7],
                 t = i[8] ^ i[9];
        plain_wait(&worker->ctx);
        CZ_EXPECT(a == d[0] + d[1] && b == d[2] + d[3] && c == d[4] + d[5] && e == d[6] + d[7] &&
                  f == d[8] + d[9]);
        CZ_EXPECT(p == (i[0] ^ i[1]) && q == (i[2] ^ i[3]) && r == (i[4] ^ i[5]) &&
                  s == (i[6] ^ i[7]) && t == (i[8] ^ i[9]));
        worker->result += a + b + c + e + f;
    }
    worker->done = 1;
    cz__fiber_attach(NULL);
}

CZ_TEST(a_thousand_fibers_keep_their_registers_and_frames_apart)
{
    enum { COUNT = 1000, ROUNDS = 20 };
    static struct worker workers[COUNT];
    begin(COUNT);
    for (int i = 0; i < COUNT; i++) {
        workers[i].id = i;
        workers[i].rounds = ROUNDS;
        CZ_REQUIRE_OK(cz__fiber_start(many_values, &workers[i]));
    }
    CZ_EXPECT_EQ(cz__fibers_stats().in_use, COUNT);
    CZ_EXPECT_EQ(cz__fiber_start(many_values, &workers[0]), CZ_EBUSY);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++)
            cz__fiber_wake(workers[i * 7 % COUNT].fiber);
        cz__loop_turn(loop, 0);
    }
    for (int i = 0; i < COUNT; i++) {
        CZ_EXPECT(workers[i].done);
        CZ_EXPECT(fabs(workers[i].result - ROUNDS * (10.0 * i + 45 / 16.0)) < 1e-6);
    }
    end();
}

/* Each frame reads its caller's after the call, so no compiler makes a loop of it. */
static __attribute__((noinline)) int sum_deep(int depth, volatile const char *caller)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    int below = depth ? sum_deep(depth - 1, frame) : 0;
    return below + (frame[0] == (char)depth && caller[0] != frame[0]);
}

static void recurse(void *arg)
{
    volatile char first = 127;
    *(int *)arg = sum_deep(100, &first) + sum_deep(100, &first);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

CZ_TEST(a_deep_call_fits_and_its_pages_go_back_when_the_fiber_is_pooled)
{
    begin(0);
    int result = 0;
    CZ_REQUIRE_OK(cz__fiber_start(recurse, &result));
    CZ_EXPECT_EQ(result, 202);
    cz__fibers_trim();
    size_t deepest = cz__fibers_stats().stack_high_water_bytes;
    /* AddressSanitizer may keep most of each frame elsewhere */
    CZ_EXPECT_MSG(deepest >= 20 * 1024, "%zu bytes", deepest);
    CZ_REQUIRE_OK(cz__fiber_start(do_nothing, NULL));
    CZ_EXPECT_EQ(cz__fibers_stats().alive, 1); /* the same fiber again */
    cz__fibers_trim();
    CZ_EXPECT_EQ(cz__fibers_stats().stack_high_water_bytes, deepest);
    end();
}

static void touch_and_note(void *arg)
{
    *(cz__fiber **)arg = cz__fiber_current();
}

CZ_TEST(idle_fibers_beyond_a_stock_are_given_back)
{
    enum { COUNT = 300 };
    static struct worker workers[COUNT];
    begin(0);
    for (int i = 0; i < COUNT; i++) {
        workers[i].rounds = 1;
        CZ_REQUIRE_OK(cz__fiber_start(many_values, &workers[i]));
    }
    for (int i = 0; i < COUNT; i++)
        cz__fiber_wake(workers[i].fiber);
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(cz__fibers_stats().alive, COUNT);
    int64_t until = cz_monotonic_us() + 20000000;
    while (cz__fibers_stats().alive > 64 && cz_monotonic_us() < until)
        cz__loop_turn(loop, 100);
    CZ_EXPECT_EQ(cz__fibers_stats().alive, 64);
    cz__fiber *again;
    CZ_REQUIRE_OK(cz__fiber_start(touch_and_note, &again));
    end();
}

CZ_TEST(without_address_space_a_start_fails_and_serves_on_later)
{
    if (ASAN)
        cz_test_skip("AddressSanitizer needs the address space itself");
    begin(0);
    struct rlimit before, tight;
    CZ_REQUIRE(!getrlimit(RLIMIT_AS, &before));
    tight = before;
    tight.rlim_cur = 1;
    CZ_REQUIRE(!setrlimit(RLIMIT_AS, &tight));
    CZ_EXPECT_EQ(cz__fiber_start(do_nothing, NULL), CZ_ENOMEM);
    CZ_REQUIRE(!setrlimit(RLIMIT_AS, &before));
    CZ_EXPECT_EQ(cz__fiber_start(do_nothing, NULL), CZ_OK);
    CZ_EXPECT_EQ(cz__fibers_stats().alive, 1);
    end();
}

/* ---- Waking ---- */

struct waiter {
    cz_ctx ctx;
    cz__fiber *fiber;
    int woken;
    cz_status status;
};

static void wait_thrice(void *arg)
{
    struct waiter *waiter = arg;
    waiter->fiber = cz__fiber_current();
    cz_ctx_init(&waiter->ctx, NULL);
    cz__fiber_attach(&waiter->ctx);
    cz__fiber_wake(waiter->fiber); /* before the wait: remembered, once */
    cz__fiber_wake(waiter->fiber);
    for (int i = 0; i < 3; i++) {
        plain_wait(&waiter->ctx);
        waiter->woken++;
    }
    cz__fiber_attach(NULL);
}

CZ_TEST(one_wake_of_a_running_fiber_is_remembered_and_doubled_wakes_count_once)
{
    begin(0);
    struct waiter waiter = { 0 };
    CZ_REQUIRE_OK(cz__fiber_start(wait_thrice, &waiter));
    CZ_EXPECT_EQ(waiter.woken, 1);
    cz__fiber_wake(waiter.fiber);
    cz__fiber_wake(waiter.fiber);
    CZ_EXPECT_EQ(waiter.woken, 1); /* resumed by the loop, not by the waker */
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(waiter.woken, 2);
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(waiter.woken, 2);
    cz__fiber_wake(waiter.fiber);
    cz__loop_turn(loop, -1); /* does not sleep with a woken fiber */
    CZ_EXPECT_EQ(waiter.woken, 3);
    cz__fiber_wake(waiter.fiber); /* it is pooled: nothing happens */
    cz__loop_turn(loop, 0);
    end();
}

static void wait_once(void *arg)
{
    struct waiter *waiter = arg;
    waiter->fiber = cz__fiber_current();
    cz__fiber_attach(&waiter->ctx);
    waiter->status = cz__fiber_wait(&waiter->ctx);
    waiter->woken++;
    CZ_EXPECT_EQ(cz__fiber_wait(&waiter->ctx), waiter->status); /* every later wait fails too */
    cz__fiber_attach(NULL);
}

CZ_TEST(cancelling_wakes_a_waiting_fiber_with_the_reason)
{
    begin(0);
    struct waiter waiter = { 0 };
    cz_ctx_init(&waiter.ctx, NULL);
    CZ_REQUIRE_OK(cz__fiber_start(wait_once, &waiter));
    cz__fiber_cancel(&waiter.ctx, CZ_ECANCELED);
    cz__fiber_cancel(&waiter.ctx, CZ_ETIMEDOUT); /* the first reason stays */
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(waiter.woken, 1);
    CZ_EXPECT_EQ(waiter.status, CZ_ECANCELED);
    CZ_EXPECT(waiter.ctx.fiber == NULL);
    end();
}

CZ_TEST(a_deadline_ends_a_wait_and_not_before_its_time)
{
    begin(0);
    struct waiter waiter = { 0 };
    cz_ctx_init(&waiter.ctx, NULL);
    waiter.ctx.deadline_us = cz_monotonic_us() + 20000;
    CZ_REQUIRE_OK(cz__fiber_start(wait_once, &waiter));
    while (!waiter.woken)
        cz__loop_turn(loop, -1);
    CZ_EXPECT_EQ(waiter.status, CZ_ETIMEDOUT);
    CZ_EXPECT(cz_monotonic_us() >= waiter.ctx.deadline_us);
    end();
}

static void wait_to_the_end(void *arg)
{
    struct waiter *waiter = arg;
    waiter->fiber = cz__fiber_current();
    cz__fiber_attach(&waiter->ctx);
    cz__fiber_wait_uncancelled(&waiter->ctx);
    waiter->woken++;
    cz__fiber_attach(NULL);
}

CZ_TEST(a_clean_up_waits_through_cancellation_and_deadline)
{
    begin(0);
    struct waiter waiter = { 0 };
    cz_ctx_init(&waiter.ctx, NULL);
    waiter.ctx.deadline_us = 1;
    CZ_REQUIRE_OK(cz__fiber_start(wait_to_the_end, &waiter));
    cz__fiber_cancel(&waiter.ctx, CZ_ECANCELED);
    cz__fibers_cancel_all(CZ_ECANCELED);
    cz__loop_turn(loop, 5);
    CZ_EXPECT_EQ(waiter.woken, 0);
    cz__fiber_wake(waiter.fiber);
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(waiter.woken, 1);
    end();
}

/* ---- Starting from a fiber, raising on one ---- */

static char order[16];

static void inner(void *arg)
{
    struct waiter *waiter = arg;
    strcat(order, "b");
    waiter->fiber = cz__fiber_current();
    plain_wait(&waiter->ctx);
    strcat(order, "d");
}

static void outer(void *arg)
{
    strcat(order, "a");
    CZ_REQUIRE_OK(cz__fiber_start(inner, arg));
    strcat(order, "c");
}

CZ_TEST(a_fiber_may_start_another_which_runs_at_once_until_it_waits)
{
    begin(0);
    struct waiter waiter = { 0 };
    cz_ctx_init(&waiter.ctx, NULL);
    CZ_REQUIRE_OK(cz__fiber_start(outer, &waiter));
    CZ_EXPECT(!strcmp(order, "abc"));
    cz__fiber_wake(waiter.fiber);
    cz__loop_turn(loop, 0);
    CZ_EXPECT(!strcmp(order, "abcd"));
    end();
}

static void raise_after_sleep(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_sleep(ctx, 3);
    cz_raise(ctx, CZ_ENOTFOUND, "nothing");
}

static void sleep_and_catch(void *arg)
{
    struct waiter *waiter = arg;
    cz__fiber_attach(&waiter->ctx);
    for (int i = 0; i < 5; i++)
        waiter->woken += cz_try(&waiter->ctx, raise_after_sleep, NULL, NULL) == CZ_ENOTFOUND;
    waiter->status = cz_try(&waiter->ctx, raise_after_sleep, NULL, NULL);
    cz__fiber_attach(NULL);
}

CZ_TEST(raises_on_interleaved_fibers_reach_their_own_boundaries)
{
    enum { COUNT = 50 };
    static struct waiter waiters[COUNT];
    begin(0);
    for (int i = 0; i < COUNT; i++) {
        cz_ctx_init(&waiters[i].ctx, NULL);
        CZ_REQUIRE_OK(cz__fiber_start(sleep_and_catch, &waiters[i]));
    }
    while (cz__fibers_stats().in_use)
        cz__loop_turn(loop, -1);
    for (int i = 0; i < COUNT; i++)
        CZ_EXPECT_EQ(waiters[i].woken, 5);
    end();
}

/* ---- Deaths ---- */

static __attribute__((noinline)) int overflow(int depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

static void overflow_main(void *arg)
{
    *(int *)arg = overflow(1);
}

static void on_segv(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)context;
    _exit(cz__fiber_guards(info->si_addr) ? 42 : 43);
}

CZ_TEST(an_overflow_hits_the_guard_region_and_is_known_as_such)
{
    if (ASAN)
        cz_test_skip("AddressSanitizer reports faults itself");
    pid_t pid = fork();
    if (pid == 0) {
        static char alternate[32768];
        sigaltstack(&(stack_t){ .ss_sp = alternate, .ss_size = sizeof alternate }, NULL);
        sigaction(
            SIGSEGV,
            &(struct sigaction){ .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK },
            NULL);
        begin(0);
        int result;
        cz_ignore(cz__fiber_start(overflow_main, &result)); /* does not return */
        _exit(1);
    }
    int status;
    waitpid(pid, &status, 0);
    CZ_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void wait_in_foreign(void *arg)
{
    cz_ctx *ctx = arg;
    cz_foreign_enter(ctx);
    cz_ignore(cz__fiber_wait(ctx)); /* does not return */
}

CZ_TEST(waiting_under_a_foreign_frame_is_an_assertion)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        begin(0);
        cz_ctx ctx;
        cz_ctx_init(&ctx, NULL);
        cz_ignore(cz__fiber_start(wait_in_foreign, &ctx)); /* does not return */
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    CZ_EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- The pool of threads ---- */

struct offloaded {
    cz_ctx ctx;
    int job_ran, job_value, sleep_ms;
    cz_status status;
    bool over;
};

static volatile sig_atomic_t job_may_end;

static void blocking_job(void *arg)
{
    struct offloaded *job = arg;
    while (job->sleep_ms < 0 && !__atomic_load_n(&job_may_end, __ATOMIC_ACQUIRE))
        usleep(1000);
    if (job->sleep_ms > 0)
        usleep((useconds_t)job->sleep_ms * 1000);
    job->job_value = 7;
    job->job_ran++;
}

static void offload_within(cz_ctx *ctx, void *arg)
{
    cz_offload(ctx, blocking_job, arg);
}

static void offload_main(void *arg)
{
    struct offloaded local =
        *(struct offloaded *)arg; /* on this stack: gone when the wait leaves it */
    struct offloaded *shared = arg;
    cz__fiber_attach(&shared->ctx);
    shared->status = cz_try(&shared->ctx, offload_within, &local, NULL);
    shared->job_ran = local.job_ran;
    shared->job_value = local.job_value;
    shared->over = true;
    cz__fiber_attach(NULL);
}

CZ_TEST(blocking_calls_run_side_by_side_and_wake_their_fibers)
{
    enum { COUNT = 40 };
    static struct offloaded jobs[COUNT];
    begin(0);
    cz__pool_configure(4);
    int64_t start_us = cz_monotonic_us();
    for (int i = 0; i < COUNT; i++) {
        cz_ctx_init(&jobs[i].ctx, NULL);
        jobs[i].sleep_ms = 20;
        CZ_REQUIRE_OK(cz__fiber_start(offload_main, &jobs[i]));
    }
    while (cz__fibers_stats().in_use)
        cz__loop_turn(loop, -1);
    int64_t took_ms = (cz_monotonic_us() - start_us) / 1000;
    CZ_EXPECT_MSG(took_ms >= 190 && took_ms < 700, "%lld ms", (long long)took_ms);
    for (int i = 0; i < COUNT; i++)
        CZ_EXPECT(jobs[i].status == CZ_OK && jobs[i].job_ran == 1 && jobs[i].job_value == 7);
    cz__pool_done();
    end();
}

CZ_TEST(a_cancelled_offload_raises_only_after_its_job_has_ended)
{
    begin(0);
    struct offloaded job = { .sleep_ms = 50 };
    cz_ctx_init(&job.ctx, NULL);
    CZ_REQUIRE_OK(cz__fiber_start(offload_main, &job));
    cz__fiber_cancel(&job.ctx, CZ_ECANCELED);
    cz__loop_turn(loop, 5);
    CZ_EXPECT(!job.over);
    while (!job.over)
        cz__loop_turn(loop, -1);
    CZ_EXPECT_EQ(job.status, CZ_ECANCELED);
    CZ_EXPECT_EQ(job.job_ran, 1);
    struct offloaded late = { 0 };
    cz_ctx_init(&late.ctx, NULL);
    late.ctx.cancelled = CZ_ECANCELED; /* already: the job is not even begun */
    CZ_REQUIRE_OK(cz__fiber_start(offload_main, &late));
    CZ_EXPECT(late.over && late.status == CZ_ECANCELED && late.job_ran == 0);
    cz__pool_done();
    end();
}

CZ_TEST(a_full_queue_of_blocking_calls_is_refused)
{
    enum { COUNT = 1100 };
    static struct offloaded jobs[COUNT];
    begin(COUNT);
    cz__pool_configure(1);
    int refused = 0;
    for (int i = 0; i < COUNT; i++) {
        cz_ctx_init(&jobs[i].ctx, NULL);
        jobs[i].sleep_ms = i ? 0 : -1; /* the first holds the only thread */
        CZ_REQUIRE_OK(cz__fiber_start(offload_main, &jobs[i]));
        refused += jobs[i].over && jobs[i].status == CZ_EBUSY;
    }
    CZ_EXPECT_MSG(refused >= COUNT - 1026 && refused <= COUNT - 1024, "%d refused", refused);
    __atomic_store_n(&job_may_end, 1, __ATOMIC_RELEASE);
    while (cz__fibers_stats().in_use)
        cz__loop_turn(loop, -1);
    cz__pool_done();
    end();
}

static void sleep_50(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_sleep(ctx, 50);
}

CZ_TEST(outside_fibers_sleep_blocks_until_the_deadline_and_offload_calls)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, NULL);
    int64_t start_us = cz_monotonic_us();
    CZ_EXPECT_EQ(cz_try(&ctx, sleep_50, NULL, NULL), CZ_OK);
    CZ_EXPECT(cz_monotonic_us() - start_us >= 50000);
    start_us = cz_monotonic_us();
    ctx.deadline_us = start_us + 5000;
    CZ_EXPECT_EQ(cz_try(&ctx, sleep_50, NULL, NULL), CZ_ETIMEDOUT);
    CZ_EXPECT(cz_monotonic_us() - start_us < 45000);
    ctx.deadline_us = 0;
    struct offloaded job = { 0 };
    CZ_EXPECT_EQ(cz_try(&ctx, offload_within, &job, NULL), CZ_OK);
    CZ_EXPECT_EQ(job.job_ran, 1);
}
