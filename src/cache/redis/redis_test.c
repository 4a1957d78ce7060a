#include "cache/cache_testing.h"
#include "private_server.h"
#include "redis/redis.h"
#include <stdio.h>

static struct private_server server;

static void run_server(void)
{
    static const char *const accounts[] = {
        "--requirepass", "s3cret word", "--user", "shop", "on", ">pass", "~*", "&*", "+@all", NULL
    };
    redis_run(&server, accounts);
}

static const char *url_of(const char *user, uint16_t port, const char *rest)
{
    static char url[128];
    cz_ignore(
        snprintf(url, sizeof url, "redis://%s127.0.0.1:%u%s", user, port, rest)); /* it fits */
    return url;
}

static void begin(void)
{
    run_server();
    cache_begin(url_of(":s3cret%20word@", server.port, "/2"));
}

static struct cz__store *store(void)
{
    return cz_cache_of(NULL, "default")->store;
}

static cz__redis *redis(void)
{
    return store()->state;
}

CZ_TEST(redis_does_what_every_cache_does)
{
    begin();
    cache_run(cache_suite, NULL); /* as a command does */
    cache_run_on_fiber(cache_suite, NULL);
    cache_flight_suite();
    CZ_EXPECT(!store()->circuit.is_away);
    cz__caches_close();
}

CZ_TEST(the_url_of_redis_tells_user_password_database_and_prefix)
{
    static const struct {
        const char *user, *rest, *expected;
    } cases[] = {
        { ":s3cret%20word@", "/2", "in 2" },
        { "shop:pass@", "/2", "in 2" },
        { "shop:pass@", "/3", "nobody" },
        { ":s3cret%20word@", "", "nobody" },
        { ":s3cret%20word@", "/2?prefix=other", "nobody" },
        { ":s3cret%20word@", "/2?version=2", "nobody" },
        { ":wrong@", "/2", "nobody" },
        { "", "/2", "nobody" },
        { ":s3cret%20word@", "/9999", "nobody" }, /* it has 16 */
    };
    begin();
    cache_run_on_fiber(cache_set_key, (void *)"in 2");
    cz__caches_close();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cache_begin(url_of(cases[i].user, server.port, cases[i].rest));
        cache_run_on_fiber(cache_expect_key, (void *)cases[i].expected);
        CZ_EXPECT_MSG(store()->circuit.is_away == (i >= 6), "%s%s", cases[i].user, cases[i].rest);
        cz__caches_close();
    }
}

CZ_TEST(urls_of_redis_are_read_strictly)
{
    static const char *const bad[] = { "redis://host/x",
                                       "redis://host/-1",
                                       "redis://host/1/2",
                                       "redis://user@host/",
                                       "redis://host/?bytes=1000000",
                                       "redi://host/",
                                       "redis://host/10001" };
    cz_error err;
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__cache_open("default", cz_str_from(bad[i]), CZ_STR("p"), &err) ==
                          CZ_EVALIDATION,
                      "%s", bad[i]);
}

static void clear_own(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3000; i++)
        cz_cache_set_int(ctx, NULL, cz_format(ctx, "key %d", i), i, NULL);
    cz_cache_clear(ctx, NULL);
    for (int i = 0; i < 3000; i += 100)
        CZ_EXPECT(!cz_cache_has_key(ctx, NULL, cz_format(ctx, "key %d", i)));
}

CZ_TEST(clearing_takes_no_keys_of_others_along)
{
    begin();
    cache_run_on_fiber(cache_set_key, (void *)"mine");
    cz__caches_close();
    cache_begin(url_of(":s3cret%20word@", server.port, "/2?prefix=t*")); /* no pattern */
    cache_run_on_fiber(clear_own, NULL);
    cz__caches_close();
    cache_begin(url_of(":s3cret%20word@", server.port, "/2"));
    cache_run_on_fiber(cache_expect_key, (void *)"mine");
}

/* ---- the server dies, hangs, lies ---- */

static bool is_away(void)
{
    return store()->circuit.is_away;
}

static void retry(void)
{
    store()->circuit.retry_at_us = 0;
}

static cz__link *link_of(void)
{
    return &redis()->link;
}

static struct cz__owed *owed(void)
{
    return store()->owed;
}

static const char *plain_url(uint16_t port, const char *rest)
{
    return url_of("", port, rest);
}

static const struct cache_server redis_server = { &server, run_server, plain_url, is_away,
                                                  retry,   link_of,    owed };

CZ_TEST(many_fibers_share_a_connection_and_each_gets_its_own_replies)
{
    begin();
    cache_sharing_suite(&redis_server);
}

CZ_TEST(a_redis_killed_under_load_costs_no_request_more_than_a_miss)
{
    begin();
    cache_killed_suite(&redis_server);
}

CZ_TEST(a_redis_that_never_answers_costs_its_time_out_once)
{
    cache_silent_suite(&redis_server);
    cache_unknown_host_suite(&redis_server, "redis://no-such-host.invalid:1/0?timeout=50");
}

CZ_TEST(what_redis_would_never_say_is_a_miss)
{
    static const cz_str replies[] = {
        CZ_STR("HTTP/1.1 400 Bad Request\r\n\r\n"),
        CZ_STR("*1073741824\r\n"),
        CZ_STR("*-5\r\n"),
        CZ_STR("$99999999999999999999\r\n"),
        CZ_STR("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
        CZ_STR("*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
        CZ_STR("+OK\r\n+OK\r\n+OK\r\n"),
        CZ_STR(":5\r\n"),
        CZ_STR("-LOADING Redis is loading the dataset in memory\r\n"),
        CZ_STR("$5\r\nabcdefgh\r\n"),
        CZ_STR("\0\0\0\0"),
    };
    cache_liar_suite(&redis_server, replies, CZ_COUNT(replies));
}

CZ_TEST(what_was_ended_while_redis_was_away_does_not_come_back_with_it)
{
    begin();
    cache_owing_suite(&redis_server);
}

CZ_TEST(what_a_worker_owed_that_has_ended_the_others_remove)
{
    begin();
    cache_owing_process_suite(&redis_server);
}

CZ_TEST(a_request_that_ends_while_it_waits_takes_nothing_from_the_others)
{
    begin();
    cache_cancelled_suite(&redis_server);
}

#ifdef CZ_FAULTS
CZ_TEST(without_memory_a_call_on_redis_fails_and_the_next_succeeds)
{
    begin();
    cache_without_memory_suite(cache_run, NULL);
    cache_without_memory_suite(cache_run_on_fiber, NULL);
}
#endif
