#include "cache/cache_testing.h"
#include <calzone/random.h>
#include <calzone/runtime.h>
#include <calzone/time.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct cz__store *store(void)
{
    return cz_cache_of(NULL, "default")->store;
}

/* Call `fn` in a process of its own, which ends by _exit(0). */
static pid_t start(void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    fflush(NULL);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        cache_run(fn, arg);
        _exit(cz_test_has_failed());
    }
    return pid;
}

static void expect_success(pid_t pid)
{
    int status;
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    CZ_EXPECT(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* ---- eviction ---- */

static void fill(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char text[3000];
    memset(text, 'x', sizeof text);
    cz_cache_set(ctx, NULL, CZ_STR("read often"), CZ_STR("kept"), NULL);
    for (unsigned i = 0; i < 20000; i++) {
        char key[24];
        int len = snprintf(key, sizeof key, "key %u", i);
        CZ_REQUIRE(cz_cache_set(ctx, NULL, cz_str_of(key, (size_t)len),
                                cz_str_of(text, i * 7919 % sizeof text), NULL));
        cz_str value;
        if (i % 16 == 0)
            CZ_EXPECT(cz_cache_get(ctx, NULL, CZ_STR("read often"), &value));
        if (i % 500 == 0)
            CZ_REQUIRE(cz__cache_memory_is_sound(store()));
    }
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("key 19999")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("key 0")));
}

CZ_TEST(what_is_read_stays_when_the_memory_is_used_up)
{
    cache_begin("memory://?bytes=1048576");
    cache_run(fill, NULL);
    CZ_EXPECT(cz__cache_memory_is_sound(store()));
}

static void fill_with_large(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char *text = cz_alloc(ctx, 200000);
    memset(text, 'x', 200000);
    cz_cache_set(ctx, NULL, CZ_STR("large"), CZ_STR("before"), NULL);
    CZ_EXPECT(!cz_cache_set(ctx, NULL, CZ_STR("large"), cz_str_of(text, 200000), NULL));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("large")));
    CZ_EXPECT(!cz_cache_add(ctx, NULL, CZ_STR("large"), cz_str_of(text, 200000), NULL));
    for (int i = 0; i < 20; i++) /* each drives the others out */
        CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("large"), cz_str_of(text, 100000), NULL));
}

CZ_TEST(a_value_over_half_of_a_small_memory_is_not_stored)
{
    cache_begin("memory://?bytes=262144");
    cache_run(fill_with_large, NULL);
    CZ_EXPECT(cz__cache_memory_is_sound(store()));
}

/* ---- between processes ---- */

static void count_up(cz_ctx *ctx, void *arg)
{
    (void)arg;
    int64_t sum;
    for (int i = 0; i < 20000; i++)
        CZ_REQUIRE(cz_cache_incr(ctx, NULL, CZ_STR("hits"), 1, &sum));
}

static void begin_count(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_REQUIRE(cz_cache_set_int(ctx, NULL, CZ_STR("hits"), 0, NULL));
}

static void read_count(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("hits"), arg));
}

CZ_TEST(no_count_of_several_processes_is_lost)
{
    pid_t pids[4];
    int64_t sum = 0;
    cache_begin("memory://?timeout=10000"); /* a holder may be kept from running for long */
    cache_run(begin_count, NULL);
    for (size_t i = 0; i < CZ_COUNT(pids); i++)
        pids[i] = start(count_up, NULL);
    for (size_t i = 0; i < CZ_COUNT(pids); i++)
        expect_success(pids[i]);
    cache_run(read_count, &sum);
    CZ_EXPECT_EQ(sum, 80000);
}

static void add_once(cz_ctx *ctx, void *arg)
{
    unsigned *winners = arg; /* shared */
    for (int i = 0; i < 2000; i++)
        if (cz_cache_add(ctx, NULL, cz_format(ctx, "lock %d", i), CZ_STR("mine"), NULL))
            __atomic_add_fetch(winners, 1, __ATOMIC_RELAXED);
}

static void *shared_page(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(page != MAP_FAILED);
    return page;
}

CZ_TEST(of_several_processes_that_add_one_does)
{
    pid_t pids[4];
    unsigned *winners = shared_page();
    cache_begin("memory://?timeout=10000");
    for (size_t i = 0; i < CZ_COUNT(pids); i++)
        pids[i] = start(add_once, winners);
    for (size_t i = 0; i < CZ_COUNT(pids); i++)
        expect_success(pids[i]);
    CZ_EXPECT_EQ(*winners, 2000);
}

/* ---- killed ---- */

static int ending;

static void die(int number)
{
    (void)number;
    kill(getpid(), ending);
}

/* Store a value of which the second half cannot be read: the signal comes in the midst of the copy. */
static void die_in_a_write(cz_ctx *ctx, void *arg)
{
    ending = *(const int *)arg;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(pages != MAP_FAILED);
    size_t stored;
    cz_cache_item item = { CZ_STR("half"), cz_str_of(pages, 2 * page) };
    mprotect(pages + page, page, PROT_NONE);
    signal(SIGSEGV, die);
    cz_ignore(store()->driver->set(ctx, store(), &item, 1, 60000, &stored));
    cz__test_fail(__FILE__, __LINE__, "it was stored");
}

static void expect_usable(cz_ctx *ctx, void *arg)
{
    cz_str value;
    int64_t began_us = cz_monotonic_us();
    (void)arg;
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("half")));
    for (int i = 0; i < 200; i++) {
        cz_str key = cz_format(ctx, "after %d", i);
        CZ_EXPECT(cz_cache_set(ctx, NULL, key, key, NULL));
        CZ_EXPECT(cz_cache_get(ctx, NULL, key, &value) && cz_str_eq(value, key));
    }
    CZ_EXPECT(cz_monotonic_us() - began_us < 1000000);
}

CZ_TEST(a_process_killed_in_the_midst_of_a_write_costs_a_shard_and_nothing_else)
{
    int status, number = SIGKILL;
    cache_begin("memory://");
    for (int i = 0; i < 5; i++) {
        pid_t pid = start(die_in_a_write, &number);
        CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
        CZ_EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        cache_run(expect_usable, NULL);
        CZ_EXPECT(cz__cache_memory_is_sound(store()));
    }
}

/* Every value tells its key and its length, so that a mix of two is seen. */
static void write_for_ever(cz_ctx *ctx, void *arg)
{
    char text[6000];
    (void)arg;
    for (;;) {
        uint64_t draw = cz_random_u64();
        char key[24];
        int len = snprintf(key, sizeof key, "key %u", (unsigned)(draw % 300));
        size_t bytes = 1 + draw / 300 % sizeof text;
        memset(text, 'a' + (int)(draw % 26), bytes);
        cz_cache_item item = { cz_str_of(key, (size_t)len), cz_str_of(text, bytes) };
        size_t stored;
        cz_ignore(store()->driver->set(ctx, store(), &item, 1, 60000, &stored));
        if (draw % 7 == 0)
            cz_ignore(store()->driver->remove(ctx, store(), &item.key, 1, &stored));
    }
}

static void expect_whole_values(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        cz_str key = cz_format(ctx, "key %d", i), value;
        CZ_REQUIRE_OK(store()->driver->get(ctx, store(), &key, 1, &value));
        for (size_t at = 1; value.ptr && at < value.len; at++)
            CZ_REQUIRE(value.ptr[at] == value.ptr[0]);
    }
}

CZ_TEST(processes_killed_at_any_moment_leave_whole_values)
{
    cache_begin("memory://?bytes=524288&timeout=10000");
    for (int round = 0; round < 40; round++) {
        pid_t pids[3];
        for (size_t i = 0; i < CZ_COUNT(pids); i++)
            pids[i] = start(write_for_ever, NULL);
        usleep((useconds_t)(1000 + cz_random_u64() % 15000));
        for (size_t i = 0; i < CZ_COUNT(pids); i++)
            kill(pids[i], SIGKILL);
        for (size_t i = 0; i < CZ_COUNT(pids); i++)
            waitpid(pids[i], NULL, 0);
        cache_run(expect_whole_values, NULL);
        CZ_REQUIRE(cz__cache_memory_is_sound(store()));
    }
}

/* ---- one computes, among processes ---- */

struct shared_work {
    unsigned ready, computed, go;
};

static cz_str compute(cz_ctx *ctx, void *arg)
{
    struct shared_work *work = arg;
    __atomic_add_fetch(&work->computed, 1, __ATOMIC_SEQ_CST);
    cz_sleep(ctx, 100);
    return CZ_STR("computed");
}

static void wait_and_get(cz_ctx *ctx, void *arg)
{
    struct shared_work *work = arg;
    __atomic_add_fetch(&work->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&work->go, __ATOMIC_SEQ_CST))
        usleep(500);
    CZ_EXPECT_STR(cz_cache_get_or_set(ctx, NULL, CZ_STR("slow"), NULL, compute, work), "computed");
}

CZ_TEST(of_several_processes_one_computes)
{
    pid_t pids[6];
    struct shared_work *work = shared_page();
    cache_begin("memory://");
    for (size_t i = 0; i < CZ_COUNT(pids); i++)
        pids[i] = start(wait_and_get, work);
    while (__atomic_load_n(&work->ready, __ATOMIC_SEQ_CST) < CZ_COUNT(pids))
        usleep(500);
    __atomic_store_n(&work->go, 1, __ATOMIC_SEQ_CST);
    for (size_t i = 0; i < CZ_COUNT(pids); i++)
        expect_success(pids[i]);
    CZ_EXPECT_EQ(work->computed, 1);
}

static cz_str compute_for_ever(cz_ctx *ctx, void *arg)
{
    struct shared_work *work = arg;
    __atomic_store_n(&work->ready, 1, __ATOMIC_SEQ_CST);
    cz_sleep(ctx, 60000);
    return CZ_STR("never");
}

static void get_for_ever(cz_ctx *ctx, void *arg)
{
    cz_cache_get_or_set(ctx, NULL, CZ_STR("slow"), &(cz_cache_options){ .compute_ms = 60000 },
                        compute_for_ever, arg);
}

static void get_after_death(cz_ctx *ctx, void *arg)
{
    struct shared_work *work = arg;
    int64_t began_us = cz_monotonic_us();
    work->go = 1;
    cz_str value = cz_cache_get_or_set(ctx, NULL, CZ_STR("slow"),
                                       &(cz_cache_options){ .compute_ms = 60000 }, compute, work);
    CZ_EXPECT_STR(value, "computed");
    CZ_EXPECT(cz_monotonic_us() - began_us < 3000000);
}

CZ_TEST(who_waits_for_a_process_that_is_killed_computes_soon)
{
    struct shared_work *work = shared_page();
    cache_begin("memory://");
    pid_t computer = start(get_for_ever, work);
    while (!__atomic_load_n(&work->ready, __ATOMIC_SEQ_CST))
        usleep(500);
    pid_t waiter = start(get_after_death, work);
    usleep(100000);
    kill(computer, SIGKILL);
    waitpid(computer, NULL, 0);
    expect_success(waiter);
    CZ_EXPECT_EQ(work->computed, 1);
}

static void get_while_stopped(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_str value;
    int64_t began_us = cz_monotonic_us();
    for (int i = 0; i < 2000; i++)
        CZ_EXPECT(!cz_cache_get(ctx, NULL, cz_format(ctx, "key %d", i), &value));
    CZ_EXPECT(store()->circuit.is_away);
    CZ_EXPECT(cz_monotonic_us() - began_us < 500000);
}

CZ_TEST(a_process_stopped_with_a_lock_delays_others_once)
{
    int status;
    cache_begin("memory://?bytes=262144&timeout=20"); /* one shard */
    int number = SIGSTOP;
    pid_t pid = start(die_in_a_write, &number);
    CZ_REQUIRE(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    cache_run(get_while_stopped, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    store()->circuit.retry_at_us = 0; /* a second later */
    cache_run(expect_usable, NULL);
}
