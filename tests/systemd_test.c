/* What a service manager is told, by a socket of the test's own in systemd's place. */
#include "server.h"
#include <calzone/time.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

/* ---- messages ---- */

static int manager_open(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    cz_ignore(snprintf(address.sun_path, sizeof address.sun_path, "%s", path)); /* it fits */
    CZ_REQUIRE(!bind(fd, (struct sockaddr *)&address, sizeof address));
    CZ_REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    return fd;
}

/* The next message that comes within a time, "" for none. Only `sender` may send: systemd hears nobody else (NotifyAccess=main). */
static const char *hear(int fd, pid_t sender, int timeout_ms)
{
    static char text[1024];
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec part = { text, sizeof text - 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    if (poll(&ready, 1, timeout_ms) <= 0)
        return "";
    ssize_t got = recvmsg(fd, &message, 0);
    CZ_REQUIRE(got > 0 && CMSG_FIRSTHDR(&message));
    struct ucred from;
    memcpy(&from, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof from);
    CZ_EXPECT_EQ(from.pid, sender);
    text[got] = '\0';
    return text;
}

/* The next one but for those of the watchdog. */
static const char *hear_news(int fd, pid_t sender)
{
    const char *text;
    do
        text = hear(fd, sender, WAIT_MS);
    while (!strcmp(text, "WATCHDOG=1"));
    return text;
}

#define EXPECT_NEWS(fd, sender, begin)                                                             \
    do {                                                                                           \
        const char *news_ = hear_news((fd), (sender));                                             \
        CZ_EXPECT_MSG(!strncmp(news_, (begin), strlen(begin)), "%s", news_);                       \
    } while (0)

CZ_TEST(a_service_manager_is_told_of_start_reloads_and_stop_in_order)
{
    const char *path = format("%s/notify", cz_test_directory()).ptr;
    const char *settings = format("%s/settings/test.env", cz_test_directory()).ptr;
    CZ_REQUIRE(!mkdir(format("%s/settings", cz_test_directory()).ptr, 0700));
    int fd = manager_open(path);
    const char *const env[] = { format("NOTIFY_SOCKET=%s", path).ptr, NULL };
    struct server server = server_start("lab", 2, env);
    const char *ready = format("READY=1\nMAINPID=%d\nSTATUS=Generation 1", (int)server.pid).ptr;
    EXPECT_NEWS(fd, server.pid, ready);
    int64_t before_us = cz_monotonic_us();
    kill(server.pid, SIGHUP);
    const char *reloading = hear_news(fd, server.pid), *word = "RELOADING=1\nMONOTONIC_USEC=";
    CZ_REQUIRE(!strncmp(reloading, word, strlen(word)));
    int64_t told_us = strtoll(reloading + strlen(word), NULL, 10);
    CZ_EXPECT(told_us >= before_us && told_us <= cz_monotonic_us());
    ready = format("READY=1\nMAINPID=%d\nSTATUS=Generation 2", (int)server.pid).ptr;
    EXPECT_NEWS(fd, server.pid, ready);
    FILE *file = fopen(settings, "we");
    CZ_REQUIRE(file && fputs("WORKERS=many\n", file) >= 0 && !fclose(file));
    kill(server.pid, SIGHUP);
    EXPECT_NEWS(fd, server.pid, "RELOADING=1\n");
    EXPECT_NEWS(fd, server.pid, "READY=1\nSTATUS=The reload failed: `check` failed (exit code 1)");
    kill(server.pid, SIGTERM);
    EXPECT_NEWS(fd, server.pid, "STOPPING=1\n");
    CZ_EXPECT_EQ(server_wait(&server), 0);
    CZ_EXPECT_STR(cz_str_from(hear(fd, server.pid, 50)), "");
    close(fd);
}

static size_t beats_within(int fd, pid_t sender, int ms)
{
    size_t count = 0;
    int64_t until = cz_monotonic_us() / 1000 + ms, left;
    while ((left = until - cz_monotonic_us() / 1000) > 0)
        count += !strcmp(hear(fd, sender, (int)left), "WATCHDOG=1");
    return count;
}

/* Idle workers are alive; one that a handler holds for longer than WATCHDOG_USEC is not, whatever the others do. */
CZ_TEST(the_watchdog_is_told_while_all_workers_are_alive)
{
    const char *path = format("%s/notify", cz_test_directory()).ptr;
    int fd = manager_open(path);
    const char *const env[] = { format("NOTIFY_SOCKET=%s", path).ptr, "WATCHDOG_USEC=400000",
                                "STALL_TIME=1h", /* which would interrupt the lab's sleep */
                                NULL };
    struct server server = server_start("lab", 2, env);
    EXPECT_NEWS(fd, server.pid, "READY=1");
    CZ_EXPECT(beats_within(fd, server.pid, 1500) >= (is_sanitized() ? 3 : 5));
    cz_wire *wire = cz_wire_open(server.port);
    cz_wire_send(wire, CZ_STR("GET /hold/2500 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    sleep_ms(100);
    cz_ignore(beats_within(fd, server.pid, 900)); /* until it is noticed */
    CZ_EXPECT_EQ(beats_within(fd, server.pid, 1000), 0);
    CZ_EXPECT(cz_wire_next(wire, WAIT_MS) != NULL);
    cz_wire_close(wire);
    CZ_EXPECT(beats_within(fd, server.pid, 1500) >= (is_sanitized() ? 3 : 5));
    CZ_EXPECT_EQ(server_stop(&server), 0);
    close(fd);
}

CZ_TEST(what_a_service_manager_says_wrongly_stops_the_start)
{
    static const struct {
        const char *setting, *why;
    } cases[] = {
        { "NOTIFY_SOCKET=somewhere", "NOTIFY_SOCKET: \"somewhere\" is neither a path" },
        { "WATCHDOG_USEC=x", "WATCHDOG_USEC: \"x\" is no number" },
        { "CZ_GENERATION=5 0 1 2", "it is not for you to set" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *const env[] = { "ENV=test", "NOTIFY_SOCKET=/nowhere", cases[i].setting, NULL };
        const char *const only[] = { "ENV=test", cases[i].setting, NULL };
        const char *const argv[] = { "lab", "run", NULL };
        cz_str said;
        bool replaces = !strncmp(cases[i].setting, "NOTIFY", 6);
        CZ_EXPECT_EQ(run_binary("lab", argv, replaces ? only : env, &said), 1);
        CZ_EXPECT_MSG(cz_str_find(said, cz_str_from(cases[i].why)) != SIZE_MAX, "%.*s",
                      CZ_STR_ARG(said));
    }
}
