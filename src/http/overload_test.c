#include "http/http_testing.h"

/* ---- the rule ---- */

enum { MS = 1000, WAIT_MAX_US = 500 * MS };

static bool stands(const struct cz__overload_rule *rule)
{
    return rule->on;
}

CZ_TEST(only_a_queue_that_stands_is_an_overload)
{
    static const struct {
        const char *what;
        bool on;
        struct {
            int at_ms, waited_ms; /* 0: no more */
        } seen[8];
    } cases[] = {
        { "nothing waits", false, { { 100, 0 }, { 200, 1 }, { 300, 499 }, { 400, 500 } } },
        { "a handler holds the worker", false, { { 60000, 60000 }, { 60100, 20 }, { 61000, 1 } } },
        { "two do, and others were quick meanwhile",
          false,
          { { 900, 900 }, { 1000, 40 }, { 2000, 900 }, { 2300, 3 } } },
        { "a burst that is over within the limit",
          false,
          { { 600, 600 }, { 1100, 501 }, { 1200, 0 } } },
        { "longer than the limit for as long again", true, { { 600, 600 }, { 1200, 600 } } },
        { "likewise, seen more often", true, { { 600, 501 }, { 800, 501 }, { 1101, 501 } } },
        { "it falls, and stands all the same", true, { { 900, 900 }, { 1600, 700 } } },
        { "exactly the limit", false, { { 500, 500 }, { 1100, 500 }, { 1700, 500 } } },
    };
    for (int queue = 0; queue < CZ__OVERLOAD_QUEUES; queue++)
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            struct cz__overload_rule rule = { .wait_max_us = WAIT_MAX_US }, never = { 0 };
            for (int n = 0; n < 8 && cases[i].seen[n].at_ms; n++) {
                int64_t waited = cases[i].seen[n].waited_ms * MS, at = cases[i].seen[n].at_ms * MS;
                cz__overload_waited(&rule, (enum cz__overload_queue)queue, waited, at);
                cz__overload_waited(&never, (enum cz__overload_queue)queue, waited, at);
            }
            CZ_EXPECT_MSG(stands(&rule) == cases[i].on, "%s", cases[i].what);
            CZ_EXPECT(!stands(&never));
        }
}

/* One queue that is short says nothing of the other. */
CZ_TEST(each_queue_is_judged_by_itself)
{
    struct cz__overload_rule rule = { .wait_max_us = WAIT_MAX_US };
    for (int ms = 0; ms <= 600; ms += 100) {
        cz__overload_waited(&rule, CZ__OVERLOAD_ACCEPT, 501 * MS, (ms + 1) * MS);
        cz__overload_waited(&rule, CZ__OVERLOAD_READY, 1 * MS, (ms + 1) * MS);
    }
    CZ_EXPECT(rule.on);
}

static struct cz__overload_rule overloaded(void)
{
    struct cz__overload_rule rule = { .wait_max_us = WAIT_MAX_US };
    cz__overload_waited(&rule, CZ__OVERLOAD_READY, 600 * MS, 1 * MS);
    cz__overload_waited(&rule, CZ__OVERLOAD_READY, 600 * MS, 1000 * MS);
    CZ_REQUIRE(rule.on);
    return rule;
}

/* A turn in which `count` requests are judged, each of which takes so long when it is served or refused, and then what goes on
 * behind them. Returns how many were served; `*now` goes on. */
static int turn_of(struct cz__overload_rule *rule, int64_t *now, int count, int served_us,
                   int refused_us, int behind_us)
{
    int64_t begin = *now;
    int served = 0;
    for (int i = 0; i < count; i++) {
        bool refused = cz__overload_judge(rule, begin, *now);
        served += !refused;
        *now += refused ? refused_us : served_us;
        if (!refused)
            cz__overload_begun(rule, *now);
    }
    *now += behind_us;
    cz__overload_turn_ended(rule, begin, *now);
    return served;
}

CZ_TEST(in_an_overload_a_turn_serves_what_it_can_in_its_time)
{
    static const struct {
        const char *what;
        int served_us, refused_us, behind_us, first, second;
    } cases[] = {
        { "quick handlers", 100, 10, 0, 31, 30 },
        { "usual ones", 2000, 10, 0, 2, 2 },
        { "one that takes longer than a turn may", 50000, 10, 0, 1, 1 },
        { "who waited and goes on holds back who comes", 10, 10, 4000, 100, 1 },
        { "refusing takes time, so serving has three times as much", 1000, 50, 0, 4, 15 },
        { "25 ms at most", 1000, 10000, 0, 4, 16 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__overload_rule rule = overloaded();
        int64_t now = 1000 * MS;
        int first =
            turn_of(&rule, &now, 100, cases[i].served_us, cases[i].refused_us, cases[i].behind_us);
        int second = turn_of(&rule, &now, 100, cases[i].served_us, cases[i].refused_us, 0);
        CZ_EXPECT_MSG(first == cases[i].first && second == cases[i].second, "%s: %d and %d",
                      cases[i].what, first, second);
    }
}

CZ_TEST(an_overload_ends_with_a_second_that_refuses_little_or_nothing_to_do)
{
    static const struct {
        const char *what;
        int requests, gap_ms;
        bool on;
    } cases[] = {
        { "five times too many", 20, 1, true },  { "a few too many", 4, 1, true },
        { "as many as it can do", 2, 1, false }, { "none at all", 0, 1, false },
        { "a rest", 20, 2000, false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__overload_rule rule = overloaded();
        int64_t now = 1000 * MS, end = now + 7 * CZ__OVERLOAD_SECOND_US / 2;
        while (rule.on && now < end) {
            turn_of(&rule, &now, cases[i].requests, 2000, 10, 0);
            now += cases[i].gap_ms * MS;
        }
        CZ_EXPECT_MSG(rule.on == cases[i].on, "%s", cases[i].what);
    }
}

/* ---- a server ---- */

static int running, handled;

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    running++;
    handled++;
    if (cz_str_starts_with(req->path, CZ_STR("/wait")))
        cz_sleep(ctx, 100);
    running--;
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("done"));
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"), cz_str_from(cz_error_code(err)));
}

static bool is_vital(const cz_request *req, void *user)
{
    (void)user;
    return cz_str_eq(req->path, CZ_STR("/vital"));
}

static const cz__http_app app = { .handle = handle,
                                  .answer_error = answer_error,
                                  .is_vital = is_vital };

#define ASK(target) "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n"

CZ_TEST(who_is_refused_has_done_nothing_and_keeps_the_connection_where_that_is_possible)
{
    static const struct {
        const char *what, *text;
        size_t good, refused;
        bool closed;
    } cases[] = {
        { "no body", ASK("/") ASK("/") ASK("/"), 1, 2, false },
        { "a body that has come",
          ASK("/") "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" ASK("/"), 1, 2,
          false },
        { "a body that has not",
          ASK("/") "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", 1, 1, true },
        { "a chunked body",
          ASK("/") "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1,
          1, true },
        { "a client that waits for 100 sends nothing",
          ASK("/") "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: "
                   "100-continue\r\n\r\n",
          1, 1, true },
        { "a client that closes", ASK("/") "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
          1, 1, true },
        { "the server's health", ASK("/") ASK("/vital") ASK("/") ASK("/vital"), 3, 1, false },
        { "what is malformed", ASK("/") "GET / HTTP/1.1\r\n\r\n", 1, 0, true },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct bench b = bench_make(NULL, &app, NULL);
        struct cz__overload_rule *rule = &b.server->core.overload.rule;
        int fd = dial(&b);
        struct heard heard = { 0 };
        turn(&b, 2); /* so that all comes in one turn */
        *rule = overloaded();
        rule->second_us = cz_monotonic_us();
        rule->allowed_us = -1; /* the first is served, and no other */
        handled = 0;
        say(fd, cases[i].text);
        listen_until(&b, fd, &heard, SIZE_MAX, 30);
        CZ_EXPECT_MSG(count_of(&heard, "HTTP/1.1 200") == cases[i].good &&
                          count_of(&heard, "HTTP/1.1 503") == cases[i].refused &&
                          heard.closed == cases[i].closed && (size_t)handled == cases[i].good,
                      "%s: %d handled, closed %d: %.*s", cases[i].what, handled, heard.closed,
                      CZ_STR_ARG(cz_buf_str(&heard.all)));
        CZ_EXPECT_EQ(count_of(&heard, "overloaded"), cases[i].refused);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_refused, cases[i].refused);
        cz_buf_done(&heard.all);
        close(fd);
        bench_done(&b);
    }
}

/* The mark's way through the loop: handlers that hold it make it wait. */
CZ_TEST(the_loop_tells_how_long_its_requests_wait)
{
    static const cz_http_limits limits = { .queue_wait_max_ms = 20 };
    struct bench b = bench_make(&limits, &app, NULL);
    struct cz__overload *overload = &b.server->core.overload;
    turn(&b, 300);
    CZ_EXPECT(overload->mark_next_us && !overload->rule.above_since_us[CZ__OVERLOAD_READY]);
    for (int i = 0; i < 30 && !overload->rule.on; i++) { /* each turn is held, from outside */
        cz__loop_turn(b.loop, 1);
        usleep(30000);
    }
    CZ_EXPECT(overload->rule.on);
    turn(&b, 2300); /* and it ends by itself */
    CZ_EXPECT(!overload->rule.on);
    bench_done(&b);
}

CZ_TEST(connections_that_wait_long_to_be_accepted_are_seen)
{
    static const cz_http_limits limits = { .queue_wait_max_ms = 50 };
    static const struct {
        int wait_ms;
        bool above;
    } cases[] = { { 0, false }, { 150, true }, { 0, false }, { 150, true } };
    struct bench b = bench_make(&limits, &app, NULL);
    const struct cz__overload_rule *rule = &b.server->core.overload.rule;
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        turn(&b, 110);
        int fd = dial(&b);
        usleep((useconds_t)cases[i].wait_ms * MS);
        turn(&b, 5);
        CZ_EXPECT_MSG(!!rule->above_since_us[CZ__OVERLOAD_ACCEPT] == cases[i].above, "%d", (int)i);
        close(fd);
    }
    bench_done(&b);
}

/* Each of two connections comes while the loop is held, and between them nobody waits. */
CZ_TEST(connections_that_waited_at_different_times_are_no_queue)
{
    static const cz_http_limits limits = { .queue_wait_max_ms = 50 };
    struct bench b = bench_make(&limits, &app, NULL);
    const struct cz__overload_rule *rule = &b.server->core.overload.rule;
    for (int i = 0; i < 2; i++) {
        int fd = dial(&b);
        usleep(120 * MS);
        turn(&b, 300);
        CZ_EXPECT(rule->above_since_us[CZ__OVERLOAD_ACCEPT]);
        CZ_EXPECT_MSG(!rule->on, "%d", i);
        close(fd);
    }
    bench_done(&b);
}

/* ---- requests that find no fiber ---- */

static struct bench bench_with_fibers(unsigned count, uint32_t wait_max_ms)
{
    const cz_http_limits limits = { .queue_wait_max_ms = wait_max_ms };
    struct bench b = bench_make(&limits, &app, NULL);
    cz__fibers_done();
    CZ_REQUIRE_OK(cz__fibers_init(&(cz__fiber_options){ .count_max = count }));
    running = handled = 0;
    return b;
}

CZ_TEST(a_request_that_finds_no_fiber_waits_for_one)
{
    static const struct {
        unsigned fibers;
        uint32_t wait_max_ms;
        size_t good, refused;
    } cases[] = {
        { 8, 500, 8, 0 },                /* one each */
        { 2, 2000, 8, 0 },               /* four rounds of 100 ms */
        { 2, 150, 4, 4 },                /* two rounds, and too late for the others */
        { 2, CZ__OVERLOAD_NEVER, 2, 6 }, /* no limit to how late: so none waits */
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct bench b = bench_with_fibers(cases[i].fibers, cases[i].wait_max_ms);
        struct heard heard[8] = { 0 };
        size_t good = 0, refused = 0;
        int fds[8];
        for (int n = 0; n < 8; n++) {
            fds[n] = dial(&b);
            say(fds[n], ASK("/wait"));
        }
        turn(&b, 20);
        CZ_EXPECT_EQ((unsigned)running, cases[i].fibers);
        for (int n = 0; n < 8; n++) {
            listen_until(&b, fds[n], &heard[n], 1, 2000);
            good += count_of(&heard[n], "HTTP/1.1 200");
            refused += count_of(&heard[n], "HTTP/1.1 503");
            cz_buf_done(&heard[n].all);
            close(fds[n]);
        }
        CZ_EXPECT_EQ(good, cases[i].good);
        CZ_EXPECT_EQ(refused, cases[i].refused);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_refused, cases[i].refused);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_in_flight, 0);
        bench_done(&b);
    }
}

/* Of who went away, and of who is there when the server ends, no handler runs. */
CZ_TEST(a_request_that_waits_for_a_fiber_is_given_up_with_its_client)
{
    struct bench b = bench_with_fibers(1, 5000);
    int fds[4];
    for (int n = 0; n < 4; n++) {
        fds[n] = dial(&b);
        say(fds[n], ASK("/wait"));
    }
    turn(&b, 20);
    CZ_EXPECT_EQ(b.server->core.waiting.count, 3);
    for (int n = 1; n < 4; n++) {
        setsockopt(fds[n], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
        close(fds[n]);
    }
    turn(&b, 150);
    CZ_EXPECT_EQ(handled, 1);
    CZ_EXPECT_EQ(b.server->core.waiting.count, 0);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_refused, 0);
    for (int n = 1; n < 4; n++) {
        fds[n] = dial(&b);
        say(fds[n], ASK("/wait"));
    }
    turn(&b, 20);
    CZ_EXPECT_EQ(handled, 2);
    bench_done(&b);
    CZ_EXPECT_EQ(handled, 2);
    for (int n = 0; n < 4; n++)
        close(fds[n]);
}
