/* Pages that many ask for at once, over several workers: who makes them, and who waits. */
#include "private_server.h"
#include "server.h"
#include <calzone/time.h>

enum { WORKERS = 3, CALLERS = 18, DRAWING_MS = 300, ANSWER_MS = 20000 };

struct crowd {
    int answered, different; /* how many, and of them of how many different pages */
    int at_once;             /* within half of what it takes to make one */
    int64_t took_ms;         /* the last one */
};

/* So many requests at once, each on a connection of its own; `headers` of every second. */
static struct crowd ask_at_once(const struct server *server, const char *target,
                                const char *headers)
{
    cz_wire *wires[CALLERS];
    cz_str bodies[CALLERS];
    struct crowd crowd = { 0 };
    for (int i = 0; i < CALLERS; i++)
        wires[i] = cz_wire_open(server->port);
    int64_t began_us = cz_monotonic_us();
    for (int i = 0; i < CALLERS; i++)
        CZ_REQUIRE(cz_wire_send(wires[i], format("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                                                 target, i % 2 ? headers : "")));
    for (int i = 0; i < CALLERS; i++) {
        const cz_answer *answer = cz_wire_next(wires[i], ANSWER_MS);
        CZ_REQUIRE(answer);
        CZ_EXPECT_STATUS(answer, 200);
        crowd.took_ms = (cz_monotonic_us() - began_us) / 1000;
        crowd.at_once += crowd.took_ms < DRAWING_MS / 2;
        int same = 0;
        for (int before = 0; before < crowd.answered; before++)
            same += cz_str_eq(bodies[before], answer->body);
        CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), answer->body, &bodies[crowd.answered++]));
        crowd.different += same == 0;
        cz_wire_close(wires[i]);
    }
    return crowd;
}

static void expect_one_each(struct crowd crowd, int pages, int drawings)
{
    CZ_EXPECT_EQ(crowd.different, pages);
    CZ_EXPECT_MSG(crowd.took_ms < DRAWING_MS * drawings + (is_sanitized() ? 2000 : 450),
                  "it took %lld ms", (long long)crowd.took_ms);
}

static void expect_pages(const struct server *server)
{
    for (int round = 0; round < full_or_short(5, 2); round++) {
        expect_one_each(ask_at_once(server, "/slow", ""), 1, 1);
        expect_one_each(ask_at_once(server, "/slow", ""), 1, 0); /* which is kept */
        CZ_EXPECT_STATUS(post(server->port, "/price", "{}"), 200);
    }
    /* those of another language wait for one that is not theirs, and make one of their own */
    expect_one_each(ask_at_once(server, "/languages", "Accept-Language: cy\r\n"), 2, 2);
    expect_one_each(ask_at_once(server, "/languages", "Accept-Language: cy\r\n"), 2, 0);
}

CZ_TEST(of_all_that_want_a_page_one_makes_it)
{
    struct server server = server_start("board", WORKERS, NULL);
    expect_pages(&server);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(of_all_that_want_a_page_in_redis_one_makes_it)
{
    struct private_server redis = { 0 };
    redis_run(&redis, NULL);
    const char *const env[] = { format("CACHE_URL=redis://127.0.0.1:%u/0", redis.port).ptr, NULL };
    struct server server = server_start("board", WORKERS, env);
    expect_pages(&server);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(an_old_page_is_everybody_s_while_one_makes_a_new_one)
{
    struct server server = server_start("board", WORKERS, NULL);
    expect_one_each(ask_at_once(&server, "/brief", ""), 1, 1);
    sleep_ms(1100);
    struct crowd crowd = ask_at_once(&server, "/brief", "");
    CZ_EXPECT_EQ(crowd.different, 2);
    CZ_EXPECT_MSG(crowd.took_ms >= DRAWING_MS, "%lld ms", (long long)crowd.took_ms);
    expect_one_each(ask_at_once(&server, "/brief", ""), 1, 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(nobody_waits_long_for_a_page_that_is_not_kept)
{
    struct server server = server_start("board", WORKERS, NULL);
    expect_one_each(ask_at_once(&server, "/private", ""), CALLERS, 2); /* nobody knew */
    expect_one_each(ask_at_once(&server, "/private", ""), CALLERS, 1);
    struct crowd crowd = ask_at_once(&server, "/mixed", "Cookie: a=b\r\n");
    expect_one_each(crowd, CALLERS / 2 + 1, 2); /* each one's own, and one of all others */
    expect_one_each(ask_at_once(&server, "/mixed", ""), 1, 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
