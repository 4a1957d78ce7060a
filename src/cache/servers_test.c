/* What a cache whose values lie in a server of its own must do when that dies, hangs or lies. */
#include "cache/cache_testing.h"
#include "runtime/link.h"
#include <calzone/runtime.h>
#include <calzone/time.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct cache_server *server;

void cache_set_key(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("who"), cz_str_from(arg), NULL));
}

void cache_expect_key(cz_ctx *ctx, void *arg)
{
    cz_str value = CZ_STR("nobody");
    cz_cache_get(ctx, NULL, CZ_STR("who"), &value);
    CZ_EXPECT_STR(value, (const char *)arg);
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

void cache_sharing_suite(const struct cache_server *of)
{
    unsigned count = 0;
    server = of;
    cz_cache_of(NULL, "default")->store->timeout_ms = 10000; /* on a busy machine they are many */
    cache_run_many(200, set_and_get, &count);
    CZ_EXPECT_EQ(server->link()->attempt, 1);
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
    private_server_kill(server->process);
    CZ_EXPECT(hits > 100);
    cz_sleep(ctx, 300);
    server->run();
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

void cache_killed_suite(const struct cache_server *of)
{
    server = of;
    struct killing killing = { .end_us = cz_monotonic_us() + 2500000 };
    cache_run_many(30, ask_or_kill, &killing);
    CZ_EXPECT_EQ(errors, 0);
    CZ_EXPECT_MSG(slowest_us < 900000, "the slowest took %llu us", (unsigned long long)slowest_us);
    CZ_EXPECT(hits > 100); /* it is used again */
    CZ_EXPECT(!server->is_away());
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
    CZ_EXPECT(server->is_away());
}

void cache_silent_suite(const struct cache_server *of)
{
    uint16_t port;
    int64_t most_us = 400000;
    server = of;
    int fd = listen_anywhere(&port); /* takes connections, by the kernel, and says nothing */
    cache_begin(server->url(port, "?timeout=50"));
    cache_run_on_fiber(expect_a_miss, &most_us);
    cz__caches_close();
    cache_begin(server->url(port, "?timeout=50"));
    cache_run(expect_a_miss, &most_us);
    cz__caches_close();
    close(fd);
    cache_begin(server->url(port, "")); /* refused */
    cache_run_on_fiber(expect_a_miss, &most_us);
    cz__caches_close();
}

void cache_unknown_host_suite(const struct cache_server *of, const char *url)
{
    int64_t most_us = 400000;
    server = of;
    cache_begin(url);
    cache_run_on_fiber(expect_a_miss, &most_us);
    cz__caches_close();
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

void cache_liar_suite(const struct cache_server *of, const cz_str *replies, size_t count)
{
    uint16_t port;
    int64_t most_us = 400000;
    server = of;
    int fd = listen_anywhere(&port);
    for (size_t i = 0; i < count; i++) {
        pid_t pid = start_liar(fd, replies[i]);
        cache_begin(server->url(port, "?timeout=100"));
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
    CZ_EXPECT(server->is_away());
    server->retry();                                          /* a second later */
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("other"))); /* still away, and still owed */
}

static void expect_no_old_values(cz_ctx *ctx, void *arg)
{
    const char *other = arg;
    cz_str value = CZ_STR("");
    server->retry();
    CZ_EXPECT(cz_cache_get(ctx, NULL, CZ_STR("other"), &value) == (*other != '\0'));
    CZ_EXPECT_STR(value, other);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("deleted")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("stored")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("tagged")));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("tagged anew")));
    CZ_EXPECT(cz__owed_is_none(server->owed()));
}

static void owe_too_much(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        cz_cache_delete(ctx, NULL, cz_format(ctx, "key %d", i));
    struct cz__debt debt;
    CZ_EXPECT(!cz__owed_read(server->owed(), ctx->arena, &debt) && debt.all);
}

void cache_owing_suite(const struct cache_server *of)
{
    server = of;
    pid_t pid = server->process->pid;
    cache_run_on_fiber(prepare_old_values, NULL);
    private_server_stop(server->process);
    cache_run_on_fiber(change_while_away, NULL);
    kill(pid, SIGCONT);
    cache_run_on_fiber(expect_no_old_values, (void *)"kept");
    cache_run_on_fiber(prepare_old_values, NULL);
    private_server_stop(server->process);
    cache_run_on_fiber(change_while_away, NULL);
    cache_run_on_fiber(owe_too_much, NULL);
    kill(pid, SIGCONT);
    cache_run_on_fiber(expect_no_old_values, (void *)"");
}

void cache_owing_process_suite(const struct cache_server *of)
{
    server = of;
    pid_t pid = server->process->pid;
    cache_run(prepare_old_values, NULL);
    cz__link_close(server->link()); /* each process has its own */
    private_server_stop(server->process);
    fflush(NULL);
    pid_t worker = fork();
    CZ_REQUIRE(worker >= 0);
    if (!worker) {
        cache_run(change_while_away, NULL);
        kill(getpid(), SIGKILL);
    }
    waitpid(worker, NULL, 0);
    kill(pid, SIGCONT);
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

void cache_cancelled_suite(const struct cache_server *of)
{
    server = of;
    cache_run_on_fiber(cache_set_key, (void *)"here");
    private_server_stop(server->process);
    cache_run_on_fiber(expect_its_end, NULL);
    kill(server->process->pid, SIGCONT);
    cache_run_on_fiber(cache_expect_key, (void *)"here");
    CZ_EXPECT(!server->is_away());
    CZ_EXPECT_EQ(server->link()->attempt, 1);
}
