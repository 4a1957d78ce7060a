#include "cache/memcached/memcached_internal.h"
#include "cache/cache_testing.h"
#include <calzone/runtime.h>
#include <signal.h>
#include <stdio.h>

static struct private_server servers[3];
static const char *const roomy[] = { "-I", "2m", NULL }; /* values of 1 MiB need a little more */

static void run_first(void)
{
    memcached_run(&servers[0], roomy);
}

static const char *url_of(uint16_t port, const char *rest)
{
    static char url[128];
    cz_ignore(snprintf(url, sizeof url, "memcached://127.0.0.1:%u%s", port, rest)); /* it fits */
    return url;
}

static void begin(void)
{
    run_first();
    cache_begin(url_of(servers[0].port, ""));
}

static void begin_three(const char *rest)
{
    char url[200];
    for (size_t i = 0; i < CZ_COUNT(servers); i++)
        memcached_run(&servers[i], roomy);
    cz_ignore(snprintf(url, sizeof url, "memcached://127.0.0.1:%u,127.0.0.1:%u,localhost:%u/%s",
                       servers[0].port, servers[1].port, servers[2].port, rest)); /* it fits */
    cache_begin(url);
}

static struct cz__store *store(void)
{
    return cz_cache_of(NULL, "default")->store;
}

static struct cz__memcached *memcached(void)
{
    return store()->state;
}

static bool is_away(void)
{
    bool away = false;
    for (size_t i = 0; i < memcached()->count; i++)
        away |= memcached()->servers[i].circuit.is_away;
    return away;
}

/* As if a second had passed. */
static void retry(void)
{
    for (size_t i = 0; i < memcached()->count; i++)
        memcached()->servers[i].circuit.retry_at_us = 0;
}

static cz__link *link_of(void)
{
    return &memcached()->servers[0].link;
}

static struct cz__owed *owed(void)
{
    return memcached()->servers[0].owed;
}

static const struct cache_server server = { &servers[0], run_first, url_of, is_away,
                                            retry,       link_of,   owed };

CZ_TEST(memcached_does_what_every_cache_does)
{
    begin();
    cache_run(cache_suite, NULL);
    cache_run_on_fiber(cache_suite, NULL);
    cache_flight_suite();
    CZ_EXPECT(!is_away());
}

CZ_TEST(several_memcacheds_do_what_every_cache_does)
{
    begin_three("?ttl=200000");
    cache_run(cache_suite, NULL);
    cache_run_on_fiber(cache_suite, NULL);
    cache_flight_suite();
    CZ_EXPECT(!is_away());
    for (size_t i = 0; i < CZ_COUNT(servers); i++)
        CZ_EXPECT_EQ(memcached()->servers[i].link.attempt, 2); /* once without a loop */
}

CZ_TEST(urls_of_memcached_are_read_strictly)
{
    static const char *const bad[] = { "memcached://host/1",       "memcached://user@host",
                                       "memcached://:word@host",   "memcached://a,,b",
                                       "memcached://a,",           "memcached://,a",
                                       "memcached://a:0,b",        "memcached://a,b:65536",
                                       "memcached://a b",          "memcached://a,[::1",
                                       "memcached://host?bytes=1", "redis://a,b/0" };
    static const char *const good[] = { "memcached://", "memcached://a",
                                        "memcached://a,b:1,[::1]:2,c/",
                                        "memcached://a?timeout=10&prefix=x&version=2" };
    cz_error err = { 0 };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__cache_open("default", cz_str_from(bad[i]), CZ_STR("p"), &err) ==
                          CZ_EVALIDATION,
                      "%s", bad[i]);
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cache_begin(good[i]);
        cz__caches_close();
    }
    char many[400] = "memcached://h";
    for (int i = 0; i < 32; i++)
        strcat(many, ",h");
    CZ_EXPECT_EQ(cz__cache_open("default", cz_str_from(many), CZ_STR("p"), &err), CZ_EVALIDATION);
    CZ_EXPECT_MSG(strstr(err.message, "at most 32 servers"), "%s", err.message);
}

/* ---- keys ---- */

CZ_TEST(tokens_are_short_without_blanks_and_each_a_key_s_own)
{
    char longest[CZ__FULL_KEY_BYTES_MAX], longer[CZ__FULL_KEY_BYTES_MAX];
    memset(longest, 'k', sizeof longest);
    memset(longer, 'k', sizeof longer);
    longer[sizeof longer - 1] = 'l';
    const cz_str keys[] = { CZ_STR("p:1:plain"),
                            CZ_STR("p:1:"),
                            CZ_STR("p:1:with blank"),
                            CZ_STR("p:1:with%20blank"),
                            CZ_STR("p:1:with%2520blank"),
                            CZ_STR("p:1:\xc3\xa9"),
                            CZ_STR("p:1:\xc3\xa9\xff"),
                            cz_str_of(longest, 250),
                            cz_str_of(longest, 251),
                            cz_str_of(longest, sizeof longest),
                            cz_str_of(longer, sizeof longer),
                            CZ_STR(
                                "p:1:                                                           "
                                "                                                            ") };
    cz_str tokens[CZ_COUNT(keys)];
    for (size_t i = 0; i < CZ_COUNT(keys); i++) {
        CZ_REQUIRE_OK(cz__mc_token(cz_test_arena(), keys[i], &tokens[i]));
        CZ_EXPECT(tokens[i].len > 0 && tokens[i].len <= CZ__MC_TOKEN_BYTES_MAX);
        for (size_t c = 0; c < tokens[i].len; c++)
            CZ_EXPECT((unsigned char)tokens[i].ptr[c] > ' ');
        for (size_t j = 0; j < i; j++)
            CZ_EXPECT_MSG(!cz_str_eq(tokens[i], tokens[j]), "%zu and %zu", i, j);
    }
    CZ_EXPECT_STR(tokens[0], "p:1:plain");
    CZ_EXPECT_STR(tokens[2], "p:1:with%20blank");
}

CZ_TEST(keys_lie_evenly_on_the_servers_and_few_move_with_one_more)
{
    enum { KEYS = 10000 };
    struct cz__memcached *three = cz_calloc(1, sizeof *three), *four = cz_calloc(1, sizeof *four);
    size_t counts[3] = { 0 }, moved = 0, to_others = 0;
    static const cz_str hosts[] = { CZ_STR("a"), CZ_STR("b"), CZ_STR("c"), CZ_STR("d") };
    for (size_t i = 0; i < 4; i++) {
        if (i < 3)
            CZ_REQUIRE_OK(cz__mc_add_server(three, hosts[i], 11211));
        CZ_REQUIRE_OK(cz__mc_add_server(four, hosts[i], 11211));
    }
    cz__mc_sort_points(three);
    cz__mc_sort_points(four);
    for (int i = 0; i < KEYS; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, "key %d", i);
        size_t old = cz__mc_server_of(three, cz_str_of(text, (size_t)len));
        size_t new = cz__mc_server_of(four, cz_str_of(text, (size_t)len));
        counts[old]++;
        moved += old != new;
        to_others += old != new &&new != 3;
    }
    for (size_t i = 0; i < 3; i++)
        CZ_EXPECT_MSG(counts[i] > KEYS / 4 && counts[i] < KEYS / 2, "%zu has %zu", i, counts[i]);
    CZ_EXPECT_MSG(moved < KEYS / 3, "%zu moved", moved);
    CZ_EXPECT_EQ(to_others, 0);
    cz__mc_destroy(three);
    cz__mc_destroy(four);
}

/* ---- the server dies, hangs, lies ---- */

CZ_TEST(many_fibers_share_a_connection_to_memcached)
{
    begin();
    cache_sharing_suite(&server);
}

CZ_TEST(a_memcached_killed_under_load_costs_no_request_more_than_a_miss)
{
    begin();
    cache_killed_suite(&server);
}

CZ_TEST(a_memcached_that_never_answers_costs_its_time_out_once)
{
    cache_silent_suite(&server);
    cache_unknown_host_suite(&server, "memcached://no-such-host.invalid:1/?timeout=50");
}

CZ_TEST(what_memcached_would_never_say_is_a_miss)
{
    static const cz_str replies[] = {
        CZ_STR("HTTP/1.1 400 Bad Request\r\n\r\n"),
        CZ_STR("VA 99999999999999999999 f0\r\n"),
        CZ_STR("VA 2097153 f0\r\n"),
        CZ_STR("VA -1\r\n"),
        CZ_STR("VA 3 f0 t-1\r\nabcde\r\n"),
        CZ_STR("VA 3 f-1 t-1\r\nabc\r\n"),
        CZ_STR("VA 3 f0 t-2\r\nabc\r\n"),
        CZ_STR("HD\n"),
        CZ_STR("VALUE k 0 1\r\na\r\nEND\r\n"),
        CZ_STR("\x81\0\0\0"),
    };
    cache_liar_suite(&server, replies, CZ_COUNT(replies));
}

CZ_TEST(what_was_ended_while_memcached_was_away_does_not_come_back_with_it)
{
    begin();
    cache_owing_suite(&server);
}

CZ_TEST(what_a_worker_owed_to_memcached_that_has_ended_the_others_remove)
{
    begin();
    cache_owing_process_suite(&server);
}

CZ_TEST(a_request_that_ends_while_it_waits_for_memcached_takes_nothing_from_the_others)
{
    begin();
    cache_cancelled_suite(&server);
}

static void set_many_keys(cz_ctx *ctx, void *arg)
{
    const char *value = arg;
    for (int i = 0; i < 90; i++)
        cz_cache_set(ctx, NULL, cz_format(ctx, "key %d", i), cz_str_from(value), NULL);
}

/* How many of them have a value, asked at once and one by one. */
static size_t count_values(cz_ctx *ctx, const char *value)
{
    cz_str keys[90], one;
    size_t count = 0;
    for (int i = 0; i < 90; i++)
        keys[i] = cz_format(ctx, "key %d", i);
    cz_str_list got = cz_cache_get_many(ctx, NULL, (cz_str_list){ keys, 90 });
    for (int i = 0; i < 90; i++) {
        bool there = got.items[i].ptr && cz_str_eq(got.items[i], cz_str_from(value));
        CZ_EXPECT_EQ(there,
                     cz_cache_get(ctx, NULL, keys[i], &one) && cz_str_eq(one, cz_str_from(value)));
        count += there;
    }
    return count;
}

static void live_with_two(cz_ctx *ctx, void *arg)
{
    (void)arg;
    set_many_keys(ctx, (void *)"old");
    CZ_EXPECT_EQ(count_values(ctx, "old"), 90);
    private_server_stop(&servers[1]);
    set_many_keys(ctx, (void *)"new");
    size_t stored = count_values(ctx, "new");
    CZ_EXPECT_MSG(stored > 30 && stored < 85, "%zu of 90", stored);
    CZ_EXPECT_EQ(count_values(ctx, "old"), 0);
    kill(servers[1].pid, SIGCONT);
    retry();
    CZ_EXPECT_EQ(count_values(ctx, "old"), 0); /* what could not be replaced has gone */
    size_t after = count_values(ctx, "new"); /* what was sent and not answered may have been made */
    CZ_EXPECT_MSG(after >= stored && after <= stored + 1, "%zu, then %zu", stored, after);
    set_many_keys(ctx, (void *)"newer");
    CZ_EXPECT_EQ(count_values(ctx, "newer"), 90);
}

CZ_TEST(a_memcached_that_is_away_takes_no_other_s_keys_along)
{
    begin_three("");
    cache_run_on_fiber(live_with_two, NULL);
    CZ_EXPECT(!is_away());
}

static void store_too_much(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char *big = cz_alloc(ctx, CZ_CACHE_VALUE_BYTES_MAX);
    memset(big, 'b', CZ_CACHE_VALUE_BYTES_MAX);
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("big"), CZ_STR("small"), NULL));
    CZ_EXPECT(
        !cz_cache_set(ctx, NULL, CZ_STR("big"), cz_str_of(big, CZ_CACHE_VALUE_BYTES_MAX), NULL));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("big"))); /* what was there is out of date */
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("big"), cz_str_of(big, 1000000), NULL));
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("big")));
}

CZ_TEST(what_memcached_has_no_room_for_is_not_stored_and_ends_what_was)
{
    memcached_run(&servers[0], NULL);
    cache_begin(url_of(servers[0].port, ""));
    cache_run_on_fiber(store_too_much, NULL);
    CZ_EXPECT(!is_away() && store()->told_at_us[CZ__NEWS_REFUSED]);
}

/* What is over to the millisecond is still with the server for up to two seconds. */
static void use_what_is_over(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const cz_cache_options brief = { .ttl_ms = 100, .exact = true };
    int64_t number = 7;
    cz_cache_set_int(ctx, NULL, CZ_STR("count"), 5, &brief);
    cz_cache_set(ctx, NULL, CZ_STR("text"), CZ_STR("x"), &brief);
    cz_cache_set(ctx, NULL, CZ_STR("gone"), CZ_STR("x"), &brief);
    cz_sleep(ctx, 120);
    CZ_EXPECT(!cz_cache_incr(ctx, NULL, CZ_STR("count"), 1, &number) && number == 7);
    CZ_EXPECT(!cz_cache_incr(ctx, NULL, CZ_STR("text"), 1, &number));
    CZ_EXPECT(!cz_cache_touch(ctx, NULL, CZ_STR("text"), 60000));
    CZ_EXPECT(!cz_cache_delete(ctx, NULL, CZ_STR("gone")));
    CZ_EXPECT(cz_cache_add(ctx, NULL, CZ_STR("count"), CZ_STR("1"), NULL));
    CZ_EXPECT(!cz_cache_add(ctx, NULL, CZ_STR("count"), CZ_STR("2"), NULL));
    CZ_EXPECT(cz_cache_incr(ctx, NULL, CZ_STR("count"), 1, &number) && number == 2);
}

static void add_what_is_over(cz_ctx *ctx, void *arg)
{
    *(unsigned *)arg += cz_cache_add(ctx, NULL, CZ_STR("one"), CZ_STR("mine"), NULL);
}

static void set_what_is_over(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_set(ctx, NULL, CZ_STR("one"), CZ_STR("old"),
                 &(cz_cache_options){ .ttl_ms = 50, .exact = true });
    cz_sleep(ctx, 60);
}

CZ_TEST(what_is_over_is_none_and_one_alone_takes_its_place)
{
    unsigned added = 0;
    begin();
    cache_run_on_fiber(use_what_is_over, NULL);
    cache_run_on_fiber(set_what_is_over, NULL);
    cache_run_many(50, add_what_is_over, &added);
    CZ_EXPECT_EQ(added, 1);
}

static void count_to_the_ends(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const int64_t from[] = { 0, -1, 5, INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1 };
    for (size_t i = 0; i < CZ_COUNT(from); i++) {
        int64_t number = 0;
        CZ_EXPECT(cz_cache_set_int(ctx, NULL, CZ_STR("n"), from[i], NULL));
        CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("n"), &number) && number == from[i]);
        int64_t delta = from[i] > 0 ? -from[i] : from[i] < INT64_MIN + 2 ? INT64_MAX : 1 - from[i];
        CZ_EXPECT(cz_cache_incr(ctx, NULL, CZ_STR("n"), delta, &number));
        CZ_EXPECT_EQ(number, from[i] + delta);
        CZ_EXPECT(cz_cache_incr(ctx, NULL, CZ_STR("n"), 0, &number) && number == from[i] + delta);
    }
}

CZ_TEST(memcached_counts_all_integers_up_and_down)
{
    begin();
    cache_run_on_fiber(count_to_the_ends, NULL);
}

#ifdef CZ_FAULTS
CZ_TEST(without_memory_a_call_on_memcached_fails_and_the_next_succeeds)
{
    begin();
    cache_without_memory_suite(cache_run, retry);
    cache_without_memory_suite(cache_run_on_fiber, retry);
}
#endif
