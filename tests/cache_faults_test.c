/* What clients see of a site whose cache and throttles lie in a server that is killed, stopped and started again under their
 * load. The server keeps what it had, so what was invalidated meanwhile would come back with it. */
#include "private_server.h"
#include "server.h"
#include <calzone/time.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* CLAIM_MS: who was to make a page when the server went away could not take that back, and others wait for it as long as a
 * computation may last (.compute_ms), when the server comes back with what it had. */
enum { WORKERS = 2, READERS = 6, ANSWER_MS = 20000, MS = 1000, CLAIM_MS = 5500 };

/* What the clients, processes of their own, have seen. */
struct seen {
    _Atomic int64_t newest; /* the last price that its writer was told */
    _Atomic int64_t slowest_us;
    _Atomic unsigned answers, kept, stale, failed;
    _Atomic bool over;
};

static struct seen *share(void)
{
    struct seen *seen =
        mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(seen != MAP_FAILED);
    return seen;
}

/* The answer's number; -1: there was none. */
static int64_t ask_price(struct seen *seen, cz_wire *wire, const char *method, bool *out_kept)
{
    int64_t began_us = cz_monotonic_us(), price;
    const cz_answer *answer = NULL;
    if (cz_wire_send(wire, format("%s /price HTTP/1.1\r\nHost: localhost\r\nX-Client: %d\r\n"
                                  "Content-Length: 0\r\n\r\n",
                                  method, (int)getpid())))
        answer = cz_wire_next(wire, ANSWER_MS);
    int64_t took_us = cz_monotonic_us() - began_us, slowest_us = seen->slowest_us;
    while (took_us > slowest_us &&
           !atomic_compare_exchange_weak(&seen->slowest_us, &slowest_us, took_us))
        ;
    seen->answers++;
    if (!answer || answer->status != 200 || cz_str_to_i64(answer->body, &price)) {
        seen->failed++;
        return -1;
    }
    *out_kept = cz_answer_header(answer, "Age").len > 0;
    return price;
}

static void read_for_long(struct seen *seen, uint16_t port)
{
    cz_wire *wire = cz_wire_open(port);
    while (!seen->over) {
        bool kept = false;
        int64_t newest = seen->newest, price = ask_price(seen, wire, "GET", &kept);
        seen->stale += price >= 0 && price < newest;
        seen->kept += kept;
        usleep(2 * MS);
    }
}

static void write_for_long(struct seen *seen, uint16_t port)
{
    cz_wire *wire = cz_wire_open(port);
    while (!seen->over) {
        bool kept = false;
        int64_t price = ask_price(seen, wire, "POST", &kept);
        if (price > seen->newest)
            seen->newest = price;
        usleep(30 * MS);
    }
}

static pid_t start_client(void (*run)(struct seen *seen, uint16_t port), struct seen *seen,
                          uint16_t port)
{
    fflush(NULL);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        run(seen, port);
        _exit(0);
    }
    return pid;
}

/* Beside other tests, on a machine of two cores, and with sanitizers all of it takes its time. */
static int slowness(void)
{
    return full_or_short(1, 4) * (is_sanitized() ? 8 : 2);
}

/* Answers, failures and stale prices since the last call; whether pages came from the cache. */
static void expect_good(struct seen *seen, const char *when, int64_t slowest_ms, bool from_cache)
{
    int64_t slowest = seen->slowest_us / MS;
    CZ_EXPECT_MSG(seen->answers > 50, "%s: %u answers", when, seen->answers);
    CZ_EXPECT_MSG(seen->failed == 0, "%s: %u failed", when, seen->failed);
    CZ_EXPECT_MSG(seen->stale == 0, "%s: %u were out of date", when, seen->stale);
    CZ_EXPECT_MSG(slowest < slowest_ms * slowness(), "%s: the slowest took %lld ms", when,
                  (long long)slowest);
    CZ_EXPECT_MSG(!from_cache || seen->kept > 20, "%s: %u from the cache", when, seen->kept);
    seen->answers = seen->kept = 0;
    seen->slowest_us = 0;
}

static const char *const keeping[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };

/* Pages come from the server again; on a busy machine it takes its time. */
static void wait_until_kept(struct seen *seen)
{
    sleep_ms(1500);
    seen->kept = 0;
    for (int i = 0; i < 200 && seen->kept <= 20; i++)
        sleep_ms(50);
}

/* A request waits for a server that is silent once for the cache's sake and once for the throttles', 200 ms each; half a second
 * is for a busy machine. */
static void take_server_away(struct private_server *redis, struct seen *seen)
{
    sleep_ms(700);
    expect_good(seen, "with Redis", 500, true);
    private_server_kill(redis);
    sleep_ms(1500);
    expect_good(seen, "killed", 900, false);
    redis_run(redis, keeping);
    wait_until_kept(seen);
    expect_good(seen, "started again", CLAIM_MS, true);
    private_server_stop(redis);
    sleep_ms(700); /* some workers see it come back before others know that it was away */
    kill(redis->pid, SIGCONT);
    wait_until_kept(seen);
    expect_good(seen, "stopped and continued", CLAIM_MS, true);
}

CZ_TEST(a_redis_that_is_killed_under_load_fails_slows_and_outdates_no_answer)
{
    struct private_server redis = { 0 };
    pid_t clients[READERS + 1];
    struct seen *seen = share();
    redis_run(&redis, keeping);
    const char *const env[] = { format("CACHE_URL=redis://127.0.0.1:%u/0", redis.port).ptr,
                                format("THROTTLE_URL=redis://127.0.0.1:%u/0", redis.port).ptr,
                                NULL };
    struct server server = server_start("board", WORKERS, env);
    for (int i = 0; i < READERS; i++)
        clients[i] = start_client(read_for_long, seen, server.port);
    clients[READERS] = start_client(write_for_long, seen, server.port);
    for (int round = 0; round < full_or_short(5, 1) && !cz_test_has_failed(); round++)
        take_server_away(&redis, seen);
    seen->over = true;
    for (int i = 0; i <= READERS; i++)
        waitpid(clients[i], NULL, 0);
    CZ_EXPECT(seen->newest > 50);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
