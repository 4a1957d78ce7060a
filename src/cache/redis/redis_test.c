#include "cache/cache_testing.h"
#include "private_server.h"
#include "redis/redis.h"
#include <calzone/log.h>
#include <calzone/runtime.h>
#include <calzone/time.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void set_key(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("who"), cz_str_from(arg), NULL));
}

static void expect_key(cz_ctx *ctx, void *arg)
{
    cz_str value = CZ_STR("nobody");
    cz_cache_get(ctx, NULL, CZ_STR("who"), &value);
    CZ_EXPECT_STR(value, (const char *)arg);
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
    cache_run_on_fiber(set_key, (void *)"in 2");
    cz__caches_close();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cache_begin(url_of(cases[i].user, server.port, cases[i].rest));
        cache_run_on_fiber(expect_key, (void *)cases[i].expected);
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
                                       "rediss://host/",
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
    cache_run_on_fiber(set_key, (void *)"mine");
    cz__caches_close();
    cache_begin(url_of(":s3cret%20word@", server.port, "/2?prefix=t*")); /* no pattern */
    cache_run_on_fiber(clear_own, NULL);
    cz__caches_close();
    cache_begin(url_of(":s3cret%20word@", server.port, "/2"));
    cache_run_on_fiber(expect_key, (void *)"mine");
}

/* ---- together ---- */

static void set_and_get(cz_ctx *ctx, void *arg)
{
    unsigned number = ++*(unsigned *)arg;
    char *text = cz_alloc(ctx, 200000);
    for (unsigned i = 0; i < 20; i++) {
        cz_str key = cz_format(ctx, "key %u %u", number, i), value;
        size_t bytes = 1 + (number * 7919 + i * 104729) % (i % 10 == 0 ? 200000 : 500);
        memset(text, 'a' + (int)(number % 26), bytes);
        CZ_EXPECT(cz_cache_set(ctx, NULL, key, cz_str_of(text, bytes), NULL));
        CZ_EXPECT(cz_cache_get(ctx, NULL, key, &value) && cz_str_eq(value, cz_str_of(text, bytes)));
    }
}

CZ_TEST(many_fibers_share_a_connection_and_each_gets_its_own_replies)
{
    unsigned count = 0;
    begin();
    cache_run_many(200, set_and_get, &count);
    CZ_EXPECT_EQ(redis()->link.attempt, 1);
}

/* ---- away ---- */

static uint64_t slowest_us, errors, hits;

static void ask_for_long(cz_ctx *ctx, void *arg)
{
    const int64_t *end_us = arg;
    while (cz_monotonic_us() < *end_us) {
        cz_str value;
        int64_t began_us = cz_monotonic_us();
        cz_cache_set(ctx, NULL, CZ_STR("who"), CZ_STR("here"), NULL);
        hits += cz_cache_get(ctx, NULL, CZ_STR("who"), &value);
        uint64_t took_us = (uint64_t)(cz_monotonic_us() - began_us);
        slowest_us = took_us > slowest_us ? took_us : slowest_us;
        cz_sleep(ctx, 1);
    }
}

static void ask_and_count_errors(cz_ctx *ctx, void *arg)
{
    errors += cz_try(ctx, ask_for_long, arg, NULL) != CZ_OK;
}

static void kill_and_restart(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_sleep(ctx, 200);
    private_server_kill(&server);
    CZ_EXPECT(hits > 100);
    cz_sleep(ctx, 300);
    run_server();
    hits = 0;
}

struct killing {
    int64_t end_us;
    bool begun;
};

static void ask_or_kill(cz_ctx *ctx, void *arg)
{
    struct killing *killing = arg;
    if (killing->begun) {
        ask_and_count_errors(ctx, &killing->end_us);
        return;
    }
    killing->begun = true;
    kill_and_restart(ctx, NULL);
}

CZ_TEST(a_redis_killed_under_load_costs_no_request_more_than_a_miss)
{
    begin();
    struct killing killing = { .end_us = cz_monotonic_us() + 2500000 };
    cache_run_many(30, ask_or_kill, &killing);
    CZ_EXPECT_EQ(errors, 0);
    CZ_EXPECT_MSG(slowest_us < 900000, "the slowest took %llu us", (unsigned long long)slowest_us);
    CZ_EXPECT(hits > 100); /* it is used again */
    CZ_EXPECT(!store()->circuit.is_away);
}

static void expect_a_miss(cz_ctx *ctx, void *arg)
{
    cz_str value;
    int64_t number, began_us = cz_monotonic_us();
    CZ_EXPECT(!cz_cache_get(ctx, NULL, CZ_STR("who"), &value));
    CZ_EXPECT(!cz_cache_set(ctx, NULL, CZ_STR("who"), CZ_STR("x"), NULL));
    CZ_EXPECT(!cz_cache_add(ctx, NULL, CZ_STR("who"), CZ_STR("x"), NULL));
    CZ_EXPECT(!cz_cache_incr(ctx, NULL, CZ_STR("who"), 1, &number));
    CZ_EXPECT(!cz_cache_delete(ctx, NULL, CZ_STR("who")));
    cz_cache_invalidate(ctx, NULL, CZ_STR("tag"));
    cz_cache_clear(ctx, NULL);
    int64_t took_us = cz_monotonic_us() - began_us, *most_us = arg;
    CZ_EXPECT_MSG(took_us < *most_us, "took %lld us", (long long)took_us);
    CZ_EXPECT(store()->circuit.is_away);
}

CZ_TEST(a_redis_that_never_answers_costs_its_time_out_once)
{
    uint16_t port;
    int64_t most_us = 400000;
    int fd = listen_anywhere(&port); /* takes connections, by the kernel, and says nothing */
    cache_begin(url_of("", port, "/0?timeout=50"));
    cache_run_on_fiber(expect_a_miss, &most_us);
    cz__caches_close();
    cache_begin(url_of(":hello@", port, "/0?timeout=50"));
    cache_run(expect_a_miss, &most_us);
    cz__caches_close();
    close(fd);
    cache_begin(url_of("", port, "/0")); /* refused */
    cache_run_on_fiber(expect_a_miss, &most_us);
    cz__caches_close();
    cache_begin("redis://no-such-host.invalid:1/0?timeout=50");
    cache_run_on_fiber(expect_a_miss, &most_us);
}

/* What stands for a server says `reply` to whatever comes. */
static pid_t start_liar(int fd, cz_str reply)
{
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        char bytes[4096];
        int peer = accept(fd, NULL, NULL);
        if (read(peer, bytes, sizeof bytes) > 0)
            cz_ignore(write(peer, reply.ptr, reply.len) < 0); /* it may have gone */
        while (read(peer, bytes, sizeof bytes) > 0)
            ;
        close(peer);
    }
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
    uint16_t port;
    int64_t most_us = 400000;
    int fd = listen_anywhere(&port);
    for (size_t i = 0; i < CZ_COUNT(replies); i++) {
        pid_t pid = start_liar(fd, replies[i]);
        cache_begin(url_of("", port, "/0?timeout=100"));
        cache_run_on_fiber(expect_a_miss, &most_us);
        cz__caches_close();
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

/* ---- what was changed while it was away ---- */

static void prepare_old_values(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_options tagged = { .tags = CZ_CACHE_TAGS(CZ_STR("books")) };
    cz_cache_set(ctx, NULL, CZ_STR("deleted"), CZ_STR("old"), NULL);
    cz_cache_set(ctx, NULL, CZ_STR("stored"), CZ_STR("old"), NULL);
    cz_cache_set(ctx, NULL, CZ_STR("tagged"), CZ_STR("old"), &tagged);
    cz_cache_set(ctx, NULL, CZ_STR("tagged anew"), CZ_STR("old"), NULL);
    cz_cache_set(ctx, NULL, CZ_STR("other"), CZ_STR("kept"), NULL);
}

static void change_while_away(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_options tagged = { .tags = CZ_CACHE_TAGS(CZ_STR("books")) };
    CZ_EXPECT(!cz_cache_delete(ctx, NULL, CZ_STR("deleted")));
    CZ_EXPECT(!cz_cache_set(ctx, NULL, CZ_STR("stored"), CZ_STR("new"), NULL));
    CZ_EXPECT(!cz_cache_set(ctx, NULL, CZ_STR("tagged anew"), CZ_STR("new"), &tagged));
    cz_cache_invalidate(ctx, NULL, CZ_STR("books"));
    CZ_EXPECT(store()->circuit.is_away);
    store()->circuit.retry_at_us = 0;                         /* a second later */
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("other"))); /* still away, and still owed */
}

static void expect_no_old_values(cz_ctx *ctx, void *arg)
{
    const char *other = arg;
    cz_str value = CZ_STR("");
    store()->circuit.retry_at_us = 0;
    CZ_EXPECT(cz_cache_get(ctx, NULL, CZ_STR("other"), &value) == (*other != '\0'));
    CZ_EXPECT_STR(value, other);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("deleted")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("stored")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("tagged")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("tagged anew")));
    CZ_EXPECT(cz__owed_is_none(store()->owed));
}

static void owe_too_much(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        cz_cache_delete(ctx, NULL, cz_format(ctx, "key %d", i));
    struct cz__debt debt;
    CZ_EXPECT(!cz__owed_read(store()->owed, ctx->arena, &debt) && debt.all);
}

CZ_TEST(what_was_ended_while_redis_was_away_does_not_come_back_with_it)
{
    begin();
    cache_run_on_fiber(prepare_old_values, NULL);
    kill(server.pid, SIGSTOP);
    cache_run_on_fiber(change_while_away, NULL);
    kill(server.pid, SIGCONT);
    cache_run_on_fiber(expect_no_old_values, (void *)"kept");
    cache_run_on_fiber(prepare_old_values, NULL);
    kill(server.pid, SIGSTOP);
    cache_run_on_fiber(change_while_away, NULL);
    cache_run_on_fiber(owe_too_much, NULL);
    kill(server.pid, SIGCONT);
    cache_run_on_fiber(expect_no_old_values, (void *)"");
}

CZ_TEST(what_a_worker_owed_that_has_ended_the_others_remove)
{
    begin();
    cache_run(prepare_old_values, NULL);
    cz__link_close(&redis()->link); /* each process has its own */
    kill(server.pid, SIGSTOP);
    fflush(NULL);
    pid_t worker = fork();
    CZ_REQUIRE(worker >= 0);
    if (!worker) {
        cache_run(change_while_away, NULL);
        kill(getpid(), SIGKILL);
    }
    waitpid(worker, NULL, 0);
    kill(server.pid, SIGCONT);
    cache_run(expect_no_old_values, (void *)"kept");
}

/* ---- cancelled ---- */

static void get_and_be_cancelled(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_str value;
    ctx->deadline_us = cz_monotonic_us() + 20000;
    cz_cache_get(ctx, NULL, CZ_STR("who"), &value);
}

static void expect_its_end(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT_EQ(cz_try(ctx, get_and_be_cancelled, arg, NULL), CZ_ETIMEDOUT);
    ctx->deadline_us = 0;
}

CZ_TEST(a_request_that_ends_while_it_waits_takes_nothing_from_the_others)
{
    begin();
    cache_run_on_fiber(set_key, (void *)"here");
    kill(server.pid, SIGSTOP);
    cache_run_on_fiber(expect_its_end, NULL);
    kill(server.pid, SIGCONT);
    cache_run_on_fiber(expect_key, (void *)"here");
    CZ_EXPECT(!store()->circuit.is_away);
    CZ_EXPECT_EQ(redis()->link.attempt, 1);
}

#ifdef CZ_FAULTS
CZ_TEST(without_memory_a_call_on_redis_fails_and_the_next_succeeds)
{
    begin();
    cache_without_memory_suite(cache_run);
    cache_without_memory_suite(cache_run_on_fiber);
}
#endif
