/* What looks like an overload and is none; tests/overload/run makes one. */
#include "server.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 40, EACH = 5, WAIT_MS = 20000 };

/* A handler holds the worker for longer than HTTP_QUEUE_WAIT_MAX, and behind it wait many that came meanwhile. */
CZ_TEST(a_slow_handler_and_the_burst_behind_it_refuse_nobody)
{
    static const cz_str ask = CZ_STR("GET /burn/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct server server = server_start("lab", 1, NULL);
    for (int round = 0; round < 2; round++) {
        cz_wire *slow = cz_wire_open(server.port), *wires[CLIENTS];
        cz_wire_send(slow, CZ_STR("GET /hold/1500 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        sleep_ms(50);
        for (int i = 0; i < CLIENTS; i++) {
            wires[i] = cz_wire_open(server.port);
            for (int n = 0; n < EACH; n++)
                cz_wire_send(wires[i], ask);
        }
        for (int i = 0; i < CLIENTS; i++) {
            for (int n = 0; n < EACH; n++) {
                const cz_answer *answer = cz_wire_next(wires[i], WAIT_MS);
                CZ_EXPECT(answer && answer->status == 200);
            }
            cz_wire_close(wires[i]);
        }
        const cz_answer *answer = cz_wire_next(slow, WAIT_MS);
        CZ_EXPECT(answer && answer->status == 200);
        cz_wire_close(slow);
    }
    CZ_EXPECT_EQ(server_logged(&server, "requests are refused"), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Handlers of 80 ms, so many that a turn of the loop takes three seconds, and who is answered asks again at once: seen after a few
 * turns, however long these are. */
CZ_TEST(an_overload_is_seen_where_turns_are_long)
{
    static const char ask[] = "GET /burn/80000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct server server = server_start("lab", 1, NULL);
    struct pollfd fds[CLIENTS];
    char answer[4096];
    int refused = 0, answers = 0;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = (struct pollfd){ .fd = dial(server.port), .events = POLLIN };
        CZ_REQUIRE(send(fds[i].fd, ask, sizeof ask - 1, 0) > 0);
    }
    while (answers < 4 * CLIENTS && !refused) {
        CZ_REQUIRE(poll(fds, CLIENTS, WAIT_MS) > 0);
        for (int i = 0; i < CLIENTS; i++) {
            if (!fds[i].revents)
                continue;
            ssize_t got = recv(fds[i].fd, answer, sizeof answer, 0); /* it comes in one piece */
            CZ_REQUIRE(got > 12);
            refused += memcmp(answer, "HTTP/1.1 503", 12) == 0;
            answers++;
            CZ_REQUIRE(send(fds[i].fd, ask, sizeof ask - 1, 0) > 0);
        }
    }
    CZ_EXPECT_MSG(refused, "none of %d", answers);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i].fd);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* All fibers wait, and a few more requests come: they are begun when the first end. */
CZ_TEST(requests_wait_for_a_fiber)
{
    const char *const env[] = { "FIBERS_MAX=4", NULL };
    struct server server = server_start("lab", 1, env);
    cz_wire *wires[12];
    for (int i = 0; i < 12; i++) {
        wires[i] = cz_wire_open(server.port);
        cz_wire_send(wires[i], CZ_STR("GET /sleep/100 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    for (int i = 0; i < 12; i++) {
        const cz_answer *answer = cz_wire_next(wires[i], WAIT_MS);
        CZ_EXPECT(answer && answer->status == 200);
        cz_wire_close(wires[i]);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
