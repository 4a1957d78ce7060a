/* Transactions of requests, over real connections. */
#include "server.h"
#include <calzone/time.h>

/* Out of development and tests a transaction may wait, within WRITE_HOLD_TIME. */
static const char *const env[] = { "ENV=staging", "ALLOWED_HOSTS=*", "WRITE_HOLD_TIME=400ms",
                                   "SECRET_KEY=0123456789abcdef0123456789abcdef", NULL };

static struct server start(void)
{
    struct server server = server_start("lab", 1, NULL); /* which creates the tables */
    CZ_EXPECT_EQ(server_stop(&server), 0);
    return server_start("lab", 1, env);
}

CZ_TEST(a_request_that_is_aborted_or_holds_its_lock_too_long_keeps_nothing)
{
    struct server server = start();
    CZ_EXPECT_STATUS(post(server.port, "/slow-notes/1", "kept"), 201);
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "1");
    cz_wire *wire = cz_wire_open(server.port);
    CZ_REQUIRE(cz_wire_send(wire, CZ_STR("POST /slow-notes/300 HTTP/1.1\r\nHost: localhost\r\n"
                                         "Content-Length: 4\r\n\r\ngone")));
    sleep_ms(100);
    cz_wire_abort(wire);
    sleep_ms(50);
    int64_t before_us = cz_monotonic_us();
    CZ_EXPECT_STATUS(post(server.port, "/slow-notes/1", "next"), 201); /* the lock is free again */
    CZ_EXPECT(cz_monotonic_us() - before_us < 140 * 1000);
    CZ_EXPECT_STATUS(post(server.port, "/slow-notes/2000", "held"), 503);
    CZ_EXPECT(cz_monotonic_us() - before_us < 1500 * 1000);
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "2");
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("WRITE_HOLD_TIME")) != SIZE_MAX);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
