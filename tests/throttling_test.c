/* Throttles over real workers: how many of those that come at once pass, also when workers are killed, and who is one
 * caller. */
#include "private_server.h"
#include "server.h"
#include <calzone/random.h>
#include <calzone/time.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { RATE = 20, WORKERS = 4, PIDS_MAX = 2048, ANSWER_MS = 20000 };

/* What its callers take for one: a master, or two machines' that count in one Redis. */
struct site {
    struct server masters[2];
    size_t count;
};

struct count {
    int passed, refused, lost; /* lost: the worker died with the request */
};

/* The workers that have answered. */
static struct {
    uint64_t items[PIDS_MAX];
    size_t count;
} pids;

static void note_pid(cz_str body)
{
    uint64_t pid;
    if (cz_str_to_u64(body, &pid))
        return;
    for (size_t i = 0; i < pids.count; i++)
        if (pids.items[i] == pid)
            return;
    CZ_REQUIRE(pids.count < PIDS_MAX);
    pids.items[pids.count++] = pid;
}

static void take(cz_wire *wire, struct count *count)
{
    const cz_answer *answer = cz_wire_next(wire, ANSWER_MS);
    CZ_EXPECT(!wire->timed_out);
    if (!answer) {
        count->lost++;
    } else if (answer->status == 429) {
        count->refused++;
        CZ_EXPECT(cz_answer_header(answer, "Retry-After").len > 0);
    } else {
        CZ_EXPECT_STATUS(answer, 200);
        count->passed++;
        note_pid(answer->body);
    }
}

/* Wait up to 2 ms and kill a worker. */
static void kill_one(const struct site *site)
{
    pid_t workers[WORKERS + 1];
    const struct server *server = &site->masters[cz_random_u64() % site->count];
    size_t worker_count = server_workers(server, workers, CZ_COUNT(workers));
    CZ_REQUIRE(worker_count > 0);
    struct timespec pause = { .tv_nsec = (long)(cz_random_u64() % 2000000) };
    nanosleep(&pause, NULL);
    CZ_EXPECT(!kill(workers[cz_random_u64() % worker_count], SIGKILL));
}

/* A killed worker is replaced, at last with a pause between. */
static void wait_for_workers(const struct site *site, int64_t began_us)
{
    pid_t workers[WORKERS + 1];
    for (size_t i = 0; i < site->count; i++)
        while (server_workers(&site->masters[i], workers, CZ_COUNT(workers)) < WORKERS) {
            CZ_REQUIRE(cz_monotonic_us() - began_us < (int64_t)60 * 1000000);
            sleep_ms(5);
        }
}

/* So many requests of one caller at once, each on a connection of its own. */
static struct count fire(const struct site *site, const char *target, int round, int requests,
                         bool killing)
{
    cz_wire *wires[RATE + 1];
    struct count count = { 0 };
    cz_str bytes =
        format("GET %s HTTP/1.1\r\nHost: localhost\r\nX-Round: %d\r\n\r\n", target, round);
    CZ_REQUIRE(requests <= RATE + 1);
    for (int i = 0; i < requests; i++)
        wires[i] = cz_wire_open(site->masters[(size_t)i % site->count].port);
    for (int i = 0; i < requests; i++)
        cz_ignore(cz_wire_send(wires[i], bytes)); /* a worker that died answers none */
    if (killing)
        kill_one(site);
    for (int i = 0; i < requests; i++) {
        take(wires[i], &count);
        cz_wire_close(wires[i]);
    }
    return count;
}

static void round_in_peace(const struct site *site, const char *target, int round)
{
    struct count all = fire(site, target, round, RATE + 1, false);
    CZ_EXPECT_EQ(all.lost, 0);
    CZ_EXPECT_EQ(all.passed, RATE);
    CZ_EXPECT_EQ(all.refused, 1);
}

/* The workers that are left, and the new one, know what the dead one has counted. */
static void round_with_a_death_between(const struct site *site, const char *target, int round)
{
    int64_t began_us = cz_monotonic_us();
    struct count first = fire(site, target, round, RATE / 2, false);
    CZ_EXPECT_EQ(first.passed, RATE / 2);
    kill_one(site);
    sleep_ms(20); /* so that the master has seen it */
    wait_for_workers(site, began_us);
    struct count second = fire(site, target, round, RATE - RATE / 2 + 1, false);
    CZ_EXPECT_EQ(second.lost, 0);
    CZ_EXPECT_EQ(second.passed, RATE - RATE / 2);
    CZ_EXPECT_EQ(second.refused, 1);
}

/* Requests that were lost have counted or have not; no others are missing, and none is too many. */
static void round_with_a_death_amid(const struct site *site, const char *target, int round)
{
    int64_t began_us = cz_monotonic_us();
    struct count amid = fire(site, target, round, RATE + 1, true);
    CZ_EXPECT(amid.passed + amid.lost >= RATE);
    sleep_ms(20);
    wait_for_workers(site, began_us);
    struct count after = fire(site, target, round, RATE + 1, false);
    CZ_EXPECT_EQ(after.lost, 0);
    int passed = amid.passed + after.passed;
    CZ_EXPECT_MSG(passed <= RATE && passed >= RATE - amid.lost, "%d passed, %d lost", passed,
                  amid.lost);
}

static void fire_rounds(const struct site *site, int rounds)
{
    for (int round = 0; round < rounds && !cz_test_has_failed(); round++) {
        const char *target = round % 3 ? "/gate" : "/guests";
        switch (round % 10) {
        case 3:
            round_with_a_death_between(site, target, round);
            break;
        case 8:
            round_with_a_death_amid(site, target, round);
            break;
        default:
            round_in_peace(site, target, round);
        }
    }
    CZ_EXPECT(pids.count >= WORKERS * site->count);
}

CZ_TEST(of_one_request_too_many_at_once_all_but_one_pass_whoever_dies)
{
    struct site site = { { server_start("turnstile", WORKERS, NULL) }, 1 };
    fire_rounds(&site, full_or_short(200, 30));
    CZ_EXPECT_EQ(server_stop(&site.masters[0]), 0);
}

static const char *redis_url(const struct private_server *redis)
{
    return format("THROTTLE_URL=redis://127.0.0.1:%u/0", redis->port).ptr;
}

CZ_TEST(of_one_request_too_many_at_two_masters_all_but_one_pass_whoever_dies)
{
    struct private_server redis = { 0 };
    redis_run(&redis, NULL);
    const char *const env[] = { redis_url(&redis), "SECRET_KEY=known to both machines", NULL };
    struct site site = {
        { server_start("turnstile", WORKERS, env), server_start("turnstile", WORKERS, env) }, 2
    };
    fire_rounds(&site, full_or_short(200, 30));
    for (size_t i = 0; i < site.count; i++) {
        CZ_EXPECT_EQ(server_stop(&site.masters[i]), 0);
        CZ_EXPECT(cz_str_find(server_log(&site.masters[i]), CZ_STR("is away")) == SIZE_MAX);
    }
}

static const cz_answer *ask_as(const struct server *server, const char *target, int caller)
{
    return ask(server->port, "GET", target, format("X-Round: %d\r\n", caller).ptr, NULL);
}

CZ_TEST(after_the_time_a_refused_answer_names_one_passes)
{
    static const char *const targets[] = { "/few", "/many" };
    struct server server = server_start("turnstile", WORKERS, NULL);
    for (int round = 0; round < full_or_short(6, 2); round++) {
        const cz_answer *answer = ask_as(&server, targets[round % 2], round);
        for (int i = 0; answer->status == 200 && i < 200; i++)
            answer = ask_as(&server, targets[round % 2], round);
        CZ_EXPECT_STATUS(answer, 429);
        uint64_t wait_s;
        CZ_REQUIRE_OK(cz_str_to_u64(cz_answer_header(answer, "Retry-After"), &wait_s));
        CZ_EXPECT(wait_s >= 1 && wait_s <= 3);
        CZ_EXPECT_STATUS(ask_as(&server, targets[round % 2], 100 + round), 200);
        sleep_ms((int)wait_s * 1000);
        CZ_EXPECT_STATUS(ask_as(&server, targets[round % 2], round), 200);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Each machine lets its own callers have the rate, and one that had it before has no more. */
CZ_TEST(while_redis_is_away_each_machine_counts_for_itself)
{
    struct private_server redis = { 0 };
    redis_run(&redis, NULL);
    const char *const env[] = { redis_url(&redis), NULL };
    struct site site = { { server_start("turnstile", 1, env), server_start("turnstile", 1, env) },
                         2 };
    struct count known = fire(&site, "/gate", 1, RATE, false);
    CZ_EXPECT_EQ(known.passed, RATE);
    private_server_kill(&redis);
    for (size_t i = 0; i < site.count; i++) {
        struct site alone = { { site.masters[i] }, 1 };
        CZ_EXPECT_EQ(fire(&alone, "/gate", 2, RATE + 1, false).passed, RATE);
        CZ_EXPECT_EQ(fire(&alone, "/gate", 1, RATE, false).passed, RATE / 2); /* its own half */
    }
    redis_run(&redis, NULL);
    sleep_ms(1100);
    fire(&site, "/gate", 4, 2, false); /* one of each tries */
    CZ_EXPECT_EQ(fire(&site, "/gate", 3, RATE + 1, false).passed, RATE);
    for (size_t i = 0; i < site.count; i++) {
        CZ_EXPECT_EQ(server_stop(&site.masters[i]), 0);
        size_t first = cz_str_find(server_log(&site.masters[i]), CZ_STR("is away"));
        CZ_REQUIRE(first != SIZE_MAX);
        cz_str rest = cz_str_tail(server_log(&site.masters[i]), first + 1);
        CZ_EXPECT(cz_str_find(rest, CZ_STR("is away")) == SIZE_MAX); /* once a minute */
    }
}

CZ_TEST(more_callers_than_there_are_entries_are_told_to_whoever_runs_the_site)
{
    static const char *const env[] = { "THROTTLE_ENTRIES=1024", NULL };
    struct server server = server_start("turnstile", 1, env);
    cz_wire *wire = cz_wire_open(server.port);
    for (int caller = 0; caller < 3000; caller++) {
        CZ_REQUIRE(cz_wire_send(
            wire, format("GET /gate HTTP/1.1\r\nHost: localhost\r\nX-Round: %d\r\n\r\n", caller)));
        CZ_EXPECT_STATUS(cz_wire_next(wire, ANSWER_MS), 200);
        if (caller == 200)
            CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("THROTTLE_ENTRIES")) == SIZE_MAX);
    }
    cz_wire_close(wire);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    size_t first = cz_str_find(server_log(&server), CZ_STR("THROTTLE_ENTRIES"));
    CZ_REQUIRE(first != SIZE_MAX);
    cz_str rest = cz_str_tail(server_log(&server), first + 1);
    CZ_EXPECT(cz_str_find(rest, CZ_STR("THROTTLE_ENTRIES")) == SIZE_MAX); /* once a minute */
}

CZ_TEST(a_server_believes_the_proxies_it_is_told_to_trust)
{
    static const struct {
        const char *method, *headers, *body, *answer;
    } cases[] = {
        { "GET", NULL, NULL, "127.0.0.1 by http" },
        { "GET", "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", NULL,
          "192.0.2.1 by https" },
        { "POST", "Forwarded: for=\"[2001:db8::1]\";proto=https\r\n", "a body",
          "2001:db8::1 by https" },
        { "GET", "X-Forwarded-For: nobody\r\nX-Forwarded-Proto: https\r\n", NULL,
          "127.0.0.1 by http" },
    };
    static const char *const env[] = { "TRUSTED_PROXIES=127.0.0.0/8", NULL };
    struct server trusting = server_start("turnstile", 1, env);
    struct server wary = server_start("turnstile", 1, NULL);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        CZ_EXPECT_STR(
            ask(trusting.port, cases[i].method, "/who", cases[i].headers, cases[i].body)->body,
            cases[i].answer);
        CZ_EXPECT_STR(
            ask(wary.port, cases[i].method, "/who", cases[i].headers, cases[i].body)->body,
            "127.0.0.1 by http");
    }
    CZ_EXPECT_EQ(server_stop(&trusting), 0);
    CZ_EXPECT_EQ(server_stop(&wary), 0);
}
