#include "throttling/throttling_internal.h"
#include <calzone/random.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000 };

static cz__throttle_table *table_of(size_t entries)
{
    cz__throttle_table *table = NULL;
    CZ_REQUIRE_OK(cz__throttle_table_create(entries, &table));
    return table;
}

/* One hit of caller `name` at a rate; what is said of it is in `*out`, which may be NULL. */
static bool hit_at(cz__throttle_table *table, uint64_t name, uint32_t hits, int64_t period_us,
                   int64_t now_us, struct cz__hit *out)
{
    bool evicted;
    struct cz__hit hit = { .key = { name, hits }, .rate = { hits, period_us } };
    bool pass = cz__throttle_table_take(table, &hit, 1, now_us, &evicted);
    if (out)
        *out = hit;
    return pass;
}

CZ_TEST(of_one_hit_more_than_the_rate_all_but_the_last_pass)
{
    static const uint32_t rates[] = { 1, 2, 29, 30, 31, 32, 33, 100, 1000 };
    cz__throttle_table *table = table_of(1024);
    for (size_t i = 0; i < CZ_COUNT(rates); i++) {
        int64_t spread_us = 59 * SECOND / rates[i], now_us = 1000;
        for (uint32_t n = 0; n < rates[i]; n++, now_us += spread_us) {
            struct cz__hit hit;
            CZ_REQUIRE(hit_at(table, 1, rates[i], 60 * SECOND, now_us, &hit));
            CZ_EXPECT_EQ(hit.left, rates[i] - n - 1);
        }
        CZ_EXPECT(!hit_at(table, 1, rates[i], 60 * SECOND, now_us, NULL));
        CZ_EXPECT(hit_at(table, 2, rates[i], 60 * SECOND, now_us, NULL));
    }
    cz__throttle_table_destroy(table);
}

CZ_TEST(no_period_wherever_it_begins_has_more_hits_than_the_rate)
{
    enum { CALLS = 40000, PERIOD = 10 * SECOND };
    static const uint32_t rates[] = { 1, 7, 30, 31, 100, 500 };
    static int64_t passed_us[CALLS];
    cz__throttle_table *table = table_of(1024);
    for (size_t r = 0; r < CZ_COUNT(rates); r++) {
        size_t passed = 0;
        int64_t now_us = 1, step_us = PERIOD / rates[r];
        for (int i = 0; i < CALLS; i++) {
            now_us += (int64_t)(cz_random_u64() % (uint64_t)(i % 3 ? step_us / 4 + 1 : step_us));
            struct cz__hit hit;
            if (hit_at(table, 1, rates[r], PERIOD, now_us, &hit))
                passed_us[passed++] = now_us;
            else
                CZ_REQUIRE(hit.wait_us > 0 && hit.wait_us <= PERIOD + PERIOD / 29);
        }
        for (size_t i = rates[r]; i < passed; i++)
            CZ_REQUIRE(passed_us[i] - passed_us[i - rates[r]] >= PERIOD);
        /* and little less: hits are forgotten a thirtieth late at most */
        double rate = (double)passed * PERIOD / (double)now_us / rates[r];
        CZ_EXPECT_MSG(rate > 0.7, "of %u only %.2f passed", rates[r], rate);
    }
    cz__throttle_table_destroy(table);
}

CZ_TEST(the_wait_it_names_is_true_to_the_microsecond)
{
    static const uint32_t rates[] = { 1, 5, 30, 31, 64, 1000 };
    cz__throttle_table *table = table_of(1024);
    for (size_t r = 0; r < CZ_COUNT(rates); r++)
        for (int round = 0; round < 50; round++) {
            int64_t now_us = 1 + round * 1000 * (int64_t)SECOND;
            struct cz__hit hit;
            while (hit_at(table, 1, rates[r], 60 * SECOND, now_us, &hit))
                now_us += (int64_t)(cz_random_u64() % (60 * SECOND / rates[r]));
            int64_t wait_us = hit.wait_us;
            CZ_REQUIRE(wait_us > 0);
            CZ_EXPECT(!hit_at(table, 1, rates[r], 60 * SECOND, now_us + wait_us - 1, NULL));
            CZ_EXPECT(hit_at(table, 1, rates[r], 60 * SECOND, now_us + wait_us, NULL));
        }
    cz__throttle_table_destroy(table);
}

CZ_TEST(a_request_that_one_rate_refuses_counts_in_none)
{
    cz__throttle_table *table = table_of(1024);
    bool evicted;
    for (int i = 0; i < 10; i++) {
        struct cz__hit hits[] = { { .key = { 1, 1 }, .rate = { 5, 60 * SECOND } },
                                  { .key = { 2, 1 }, .rate = { 3, 10 * SECOND } } };
        bool pass = cz__throttle_table_take(table, hits, 2, 100 + i, &evicted);
        CZ_EXPECT_EQ(pass, i < 3);
        CZ_EXPECT_EQ(hits[0].left, i < 3 ? 4 - i : 2);
        CZ_EXPECT_EQ(hits[0].wait_us, 0);
    }
    cz__throttle_table_destroy(table);
}

CZ_TEST(a_clock_that_was_read_early_takes_nothing_back)
{
    cz__throttle_table *table = table_of(1024);
    CZ_EXPECT(hit_at(table, 1, 2, SECOND, 5000, NULL));
    CZ_EXPECT(hit_at(table, 1, 2, SECOND, 4000, NULL));
    CZ_EXPECT(!hit_at(table, 1, 2, SECOND, 4500, NULL));
    CZ_EXPECT(!hit_at(table, 1, 2, SECOND, 5000 + SECOND - 1, NULL));
    CZ_EXPECT(hit_at(table, 1, 2, SECOND, 5000 + SECOND, NULL));
    cz__throttle_table_destroy(table);
}

CZ_TEST(a_flood_of_callers_frees_nobody_who_is_at_the_limit)
{
    cz__throttle_table *table = table_of(64);
    for (int i = 0; i < 10; i++)
        CZ_EXPECT(hit_at(table, 1, 10, 60 * SECOND, 100, NULL));
    bool evicted = false;
    for (uint64_t i = 0; i < 10000; i++) {
        struct cz__hit hit = { .key = { 2 + i, 7 }, .rate = { 10, 60 * SECOND } };
        bool here;
        CZ_EXPECT(cz__throttle_table_take(table, &hit, 1, 200, &here));
        evicted |= here;
    }
    CZ_EXPECT(evicted);
    CZ_EXPECT(!hit_at(table, 1, 10, 60 * SECOND, 300, NULL));
    cz__throttle_table_destroy(table);
}

/* All entries of a request lie in one set: none may make room for another. */
CZ_TEST(a_request_with_as_many_rates_as_a_set_has_entries_counts_in_all)
{
    cz__throttle_table *table = table_of(16);
    for (int round = 0; round < 3; round++) {
        struct cz__hit hits[CZ__HITS_MAX];
        bool evicted;
        for (size_t i = 0; i < CZ_COUNT(hits); i++)
            hits[i] = (struct cz__hit){ .key = { 1 + i, 1 }, .rate = { 2, 60 * SECOND } };
        CZ_EXPECT_EQ(cz__throttle_table_take(table, hits, CZ_COUNT(hits), 100, &evicted),
                     round < 2);
        CZ_EXPECT(!evicted);
        for (size_t i = 0; i < CZ_COUNT(hits); i++)
            CZ_EXPECT_EQ(hits[i].left, round < 2 ? 1 - round : 0);
    }
    cz__throttle_table_destroy(table);
}

/* ---- processes ---- */

struct tally {
    uint64_t passed[256]; /* by caller; counted behind the table's back */
};

#define HITS_OF(caller, most)                                                                      \
    { .key = { (caller), 1 }, .rate = { (most), 3600 * (int64_t)SECOND } },                        \
    {                                                                                              \
        .key = { (caller), 2 }, .rate = {(most) + 1, 3600 * (int64_t)SECOND }                      \
    }

static void pause_us(long us)
{
    nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* Take until killed; each request counts in two rates of one caller. */
CZ_NORETURN static void hammer(cz__throttle_table *table, struct tally *tally, uint32_t rate)
{
    for (uint64_t i = (uint64_t)getpid();; i++) {
        uint64_t caller = i % CZ_COUNT(tally->passed);
        bool evicted;
        struct cz__hit hits[] = { HITS_OF(caller, rate) };
        if (cz__throttle_table_take(table, hits, 2, cz_monotonic_us(), &evicted))
            __atomic_add_fetch(&tally->passed[caller], 1, __ATOMIC_RELAXED);
    }
}

CZ_TEST(processes_that_are_killed_in_the_middle_leave_whole_counters)
{
    enum { WORKERS = 4, KILLS = 400, RATE = 1000000 };
    cz__throttle_table *table = table_of(2048);
    struct tally *tally =
        mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(tally != MAP_FAILED);
    pid_t workers[WORKERS] = { 0 };
    for (int kill_count = 0; kill_count < KILLS + WORKERS; kill_count++) {
        pid_t *worker = &workers[kill_count % WORKERS];
        if (*worker) {
            CZ_REQUIRE(!kill(*worker, SIGKILL) && waitpid(*worker, NULL, 0) == *worker);
            *worker = 0;
        }
        if (kill_count < KILLS) {
            *worker = fork();
            CZ_REQUIRE(*worker >= 0);
            if (!*worker)
                hammer(table, tally, RATE);
            pause_us((long)(cz_random_u64() % 3000));
        }
    }
    uint64_t all = 0, untold = 0; /* counted, and the worker killed before it could tell */
    for (uint64_t caller = 0; caller < CZ_COUNT(tally->passed); caller++) {
        struct cz__hit hits[] = { HITS_OF(caller, RATE) };
        bool evicted, pass = cz__throttle_table_take(table, hits, 2, cz_monotonic_us(), &evicted);
        CZ_EXPECT(!evicted);
        CZ_EXPECT_EQ(hits[1].left, hits[0].left + 1); /* in both or in none */
        uint64_t counted = RATE - hits[0].left - pass;
        CZ_EXPECT(counted >= tally->passed[caller]);
        untold += counted - tally->passed[caller];
        all += counted;
    }
    CZ_EXPECT(untold <= KILLS);
    CZ_EXPECT(all > (uint64_t)10 * KILLS);
    munmap(tally, sizeof *tally);
    cz__throttle_table_destroy(table);
}
