#include "cache/caches.h"
#include "private_server.h"
#include "redis/redis.h"
#include "throttling/throttling_internal.h"
#include <calzone/random.h>
#include <calzone/time.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECOND = 1000000, TIMEOUT_MS = 500 };

static struct private_server server;

static cz__redis *open_redis(void)
{
    char text[80];
    cz_url url;
    cz__redis *redis;
    cz_ignore(snprintf(text, sizeof text, "redis://127.0.0.1:%u/1", server.port)); /* it fits */
    cz_str kept;
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_from(text), &kept));
    CZ_REQUIRE_OK(cz_url_parse(cz_test_arena(), kept, &url));
    CZ_REQUIRE_OK(cz__redis_open(&url, "the test", &redis, NULL));
    return redis;
}

static void begin(cz_ctx *ctx)
{
    redis_run(&server, NULL);
    cz_ctx_init(ctx, cz_test_arena());
}

static bool take(cz_ctx *ctx, cz__redis *redis, struct cz__hit *hits, size_t count)
{
    const char *reason;
    bool pass = false;
    cz_status status = cz__throttle_redis_take(ctx, redis, CZ_STR("test"), hits, count, TIMEOUT_MS,
                                               &pass, &reason);
    CZ_EXPECT_MSG(!status, "%s", reason);
    return pass;
}

/* One hit of caller `name` at a rate. */
static bool hit(cz_ctx *ctx, cz__redis *redis, uint64_t name, uint32_t hits, int64_t period_us,
                struct cz__hit *out)
{
    *out = (struct cz__hit){ .key = { name, hits }, .rate = { hits, period_us } };
    return take(ctx, redis, out, 1);
}

/* The one reply to a command. */
static struct cz__redis_request *ask_redis(cz_ctx *ctx, cz__redis *redis, const cz_str *arguments,
                                           size_t count)
{
    cz_buf commands = { 0 };
    struct cz__redis_request *request;
    cz__redis_command(&commands, arguments, count);
    CZ_REQUIRE_OK(cz__redis_ask(ctx, redis, &commands, 1, TIMEOUT_MS, &request));
    return request;
}

CZ_TEST(in_redis_of_one_hit_more_than_the_rate_all_but_the_last_pass)
{
    static const uint32_t rates[] = { 1, 2, 29, 30, 31, 32, 33, 100, 1000 };
    cz_ctx ctx;
    struct cz__hit out;
    begin(&ctx);
    cz__redis *redis = open_redis();
    for (size_t i = 0; i < CZ_COUNT(rates); i++) {
        for (uint32_t n = 0; n < rates[i]; n++) {
            CZ_REQUIRE(hit(&ctx, redis, 1, rates[i], 3600 * (int64_t)SECOND, &out));
            CZ_EXPECT_EQ(out.left, rates[i] - n - 1);
            CZ_EXPECT_EQ(out.wait_us, 0);
        }
        CZ_EXPECT(!hit(&ctx, redis, 1, rates[i], 3600 * (int64_t)SECOND, &out));
        CZ_EXPECT(out.left == 0 && out.wait_us > 3500 * (int64_t)SECOND &&
                  out.wait_us <= 3720 * (int64_t)SECOND);
        CZ_EXPECT(hit(&ctx, redis, 2, rates[i], 3600 * (int64_t)SECOND, &out));
    }
    cz__redis_close(redis);
}

/* The clock is the server's, so that a hit came between its question and its answer. */
CZ_TEST(in_redis_no_period_wherever_it_begins_has_more_hits_than_the_rate)
{
    enum { CALLS = 4000, PERIOD = 200000 };
    static const uint32_t rates[] = { 1, 7, 30, 31, 100 };
    static int64_t asked_us[CALLS], answered_us[CALLS];
    cz_ctx ctx;
    begin(&ctx);
    cz__redis *redis = open_redis();
    for (size_t r = 0; r < CZ_COUNT(rates); r++) {
        size_t passed = 0;
        int64_t began_us = cz_monotonic_us(), end_us = began_us + 6 * PERIOD;
        while (cz_monotonic_us() < end_us && passed < CALLS) {
            struct cz__hit out;
            asked_us[passed] = cz_monotonic_us();
            bool pass = hit(&ctx, redis, 1, rates[r], PERIOD, &out);
            answered_us[passed] = cz_monotonic_us();
            passed += pass;
            CZ_REQUIRE(pass || (out.wait_us > 0 && out.wait_us <= PERIOD + PERIOD / 29));
            usleep((useconds_t)(cz_random_u64() % (PERIOD / rates[r] / 3)));
        }
        CZ_EXPECT(passed > rates[r] * 3);
        for (size_t i = rates[r]; i < passed; i++)
            CZ_EXPECT_MSG(answered_us[i] - asked_us[i - rates[r]] >= PERIOD, "rate %u", rates[r]);
    }
    cz__redis_close(redis);
}

CZ_TEST(in_redis_the_wait_it_names_is_true)
{
    cz_ctx ctx;
    struct cz__hit out;
    begin(&ctx);
    cz__redis *redis = open_redis();
    for (uint64_t round = 0; round < 5; round++) {
        while (hit(&ctx, redis, round, 3, 300000, &out))
            usleep(20000);
        int64_t wait_us = out.wait_us;
        usleep((useconds_t)(wait_us / 2));
        CZ_EXPECT(!hit(&ctx, redis, round, 3, 300000, &out));
        usleep((useconds_t)(wait_us - wait_us / 2));
        CZ_EXPECT(hit(&ctx, redis, round, 3, 300000, &out));
    }
    cz__redis_close(redis);
}

CZ_TEST(in_redis_a_request_that_one_rate_refuses_counts_in_none)
{
    cz_ctx ctx;
    begin(&ctx);
    cz__redis *redis = open_redis();
    for (int i = 0; i < 10; i++) {
        struct cz__hit hits[] = { { .key = { 1, 1 }, .rate = { 5, 60 * SECOND } },
                                  { .key = { 2, 1 }, .rate = { 3, 10 * SECOND } } };
        CZ_EXPECT_EQ(take(&ctx, redis, hits, 2), i < 3);
        CZ_EXPECT_EQ(hits[0].left, i < 3 ? 4 - i : 2);
        CZ_EXPECT_EQ(hits[0].wait_us, 0);
        CZ_EXPECT(i < 3 || hits[1].wait_us > 0);
    }
    struct cz__hit most[CZ__HITS_MAX];
    for (size_t i = 0; i < CZ__HITS_MAX; i++)
        most[i] = (struct cz__hit){ .key = { 9, i }, .rate = { 2, SECOND * (int64_t)(60 + i) } };
    CZ_EXPECT(take(&ctx, redis, most, CZ__HITS_MAX));
    CZ_EXPECT_EQ(most[CZ__HITS_MAX - 1].left, 1);
    cz__redis_close(redis);
}

CZ_TEST(counters_in_redis_end_by_themselves)
{
    const cz_str size[] = { CZ_STR("DBSIZE") };
    cz_ctx ctx;
    struct cz__hit out;
    begin(&ctx);
    cz__redis *redis = open_redis();
    for (uint64_t i = 0; i < 20; i++)
        CZ_EXPECT(hit(&ctx, redis, i, 40, 100000, &out));
    struct cz__redis_request *request = ask_redis(&ctx, redis, size, 1);
    CZ_EXPECT_EQ(request->replies[0]->integer, 20);
    cz__redis_done(request);
    usleep(250000); /* the server looks for those that are over ten times a second */
    const cz_str random[] = { CZ_STR("RANDOMKEY") };
    request = ask_redis(&ctx, redis, random, 1);
    CZ_EXPECT_EQ(request->replies[0]->type, REDIS_REPLY_NIL);
    cz__redis_done(request);
    cz__redis_close(redis);
}

CZ_TEST(a_cache_in_the_same_database_shares_the_connection_and_clears_no_counters)
{
    static const char *const prefixes[] = { "test", "throttles", "throttles/test", "" };
    cz_ctx ctx;
    struct cz__hit out;
    begin(&ctx);
    cz__redis *redis = open_redis();
    CZ_EXPECT(hit(&ctx, redis, 1, 10, 60 * SECOND, &out));
    for (size_t i = 0; i < CZ_COUNT(prefixes); i++) {
        char url[120];
        cz_ignore(snprintf(url, sizeof url, "redis://127.0.0.1:%u/1?prefix=%s", server.port,
                           prefixes[i])); /* it fits */
        CZ_REQUIRE_OK(cz__cache_open("default", cz_str_from(url), CZ_STR("x"), NULL));
        CZ_EXPECT_EQ(redis->users, 2);
        CZ_EXPECT(cz_cache_set(&ctx, NULL, CZ_STR("k"), CZ_STR("v"), NULL));
        cz_cache_clear(&ctx, NULL);
        CZ_EXPECT(!cz_cache_has_key(&ctx, NULL, CZ_STR("k")));
        CZ_EXPECT(hit(&ctx, redis, 1, 10, 60 * SECOND, &out));
        CZ_EXPECT_EQ(out.left, 8 - i);
        cz__caches_close();
    }
    CZ_EXPECT_EQ(redis->link.attempt, 1);
    cz__redis_close(redis);
}

CZ_TEST(a_script_that_the_server_has_forgotten_is_sent_again)
{
    const cz_str forget[] = { CZ_STR("SCRIPT"), CZ_STR("FLUSH") };
    cz_ctx ctx;
    struct cz__hit out;
    begin(&ctx);
    cz__redis *redis = open_redis();
    for (uint32_t i = 0; i < 6; i++) {
        CZ_EXPECT(hit(&ctx, redis, 1, 10, 60 * SECOND, &out));
        CZ_EXPECT_EQ(out.left, 9 - i); /* once, also where it was sent twice */
        if (i % 2)
            cz__redis_done(ask_redis(&ctx, redis, forget, 2));
    }
    cz__redis_close(redis);
}

CZ_TEST(a_redis_that_keeps_no_scripts_runs_them_whole)
{
    const cz_str refuse[] = { CZ_STR("ACL"), CZ_STR("SETUSER"), CZ_STR("default"),
                              CZ_STR("-script") };
    cz_ctx ctx;
    struct cz__hit out;
    begin(&ctx);
    cz__redis *redis = open_redis();
    cz__redis_done(ask_redis(&ctx, redis, refuse, 4));
    for (uint32_t i = 0; i < 4; i++) {
        CZ_EXPECT(hit(&ctx, redis, 1, 10, 60 * SECOND, &out));
        CZ_EXPECT_EQ(out.left, 9 - i);
    }
    cz__redis_close(redis);
}

CZ_TEST(what_redis_refuses_is_a_server_that_is_away)
{
    cz_ctx ctx;
    bool pass;
    const char *reason = "";
    const cz_str key = CZ_STR("throttles/test/00000000000000010000000000000001");
    const cz_str wrong[] = { CZ_STR("LPUSH"), key, CZ_STR("x") };
    struct cz__hit hits[] = { { .key = { 1, 1 }, .rate = { 5, 60 * SECOND } } };
    begin(&ctx);
    cz__redis *redis = open_redis();
    cz__redis_done(ask_redis(&ctx, redis, wrong, 3));
    CZ_EXPECT_EQ(
        cz__throttle_redis_take(&ctx, redis, CZ_STR("test"), hits, 1, TIMEOUT_MS, &pass, &reason),
        CZ_EUNAVAILABLE);
    CZ_EXPECT_MSG(strstr(reason, "WRONGTYPE"), "%s", reason);
    kill(server.pid, SIGSTOP);
    int64_t began_us = cz_monotonic_us();
    CZ_EXPECT_EQ(cz__throttle_redis_take(&ctx, redis, CZ_STR("test"), hits, 1, 100, &pass, &reason),
                 CZ_EUNAVAILABLE);
    CZ_EXPECT(cz_monotonic_us() - began_us < 400000);
    CZ_EXPECT_MSG(strstr(reason, "in time"), "%s", reason);
    kill(server.pid, SIGCONT);
    cz__redis_close(redis);
}
