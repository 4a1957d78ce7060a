/* What a service manager is told, by a socket of the test's own in systemd's place. */
#include "certificates.h"
#include "server.h"
#include <arpa/inet.h>
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
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
    CZ_EXPECT(beats_within(fd, server.pid, 1500) >= 3); /* seven on an idle machine */
    cz_wire *wire = cz_wire_open(server.port);
    cz_wire_send(wire, CZ_STR("GET /hold/2500 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    sleep_ms(100);
    cz_ignore(beats_within(fd, server.pid, 900)); /* until it is noticed */
    CZ_EXPECT_EQ(beats_within(fd, server.pid, 1000), 0);
    CZ_EXPECT(cz_wire_next(wire, WAIT_MS) != NULL);
    cz_wire_close(wire);
    CZ_EXPECT(beats_within(fd, server.pid, 1500) >= 3); /* seven on an idle machine */
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

/* ---- sockets that are passed ---- */

enum { FIRST = 3, CONNECTIONS = 90, SOCKETS_MAX = 4 };

/* A .socket unit and its .service: what systemd would do. */
struct unit {
    int fds[SOCKETS_MAX];
    int count;
    const char *names;    /* LISTEN_FDNAMES; NULL: not said */
    const char *pid;      /* LISTEN_PID; NULL: the program's */
    const char *fds_text; /* LISTEN_FDS; NULL: the count */
    const char *bind;
    const char *env[8];
    const char *workers;
};

static int listen_local(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cz_ignore(snprintf(address.sun_path, sizeof address.sun_path, "%s", path)); /* it fits */
    CZ_REQUIRE(!bind(fd, (struct sockaddr *)&address, sizeof address) && !listen(fd, 512));
    return fd;
}

static int listen_port(uint16_t *out_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(!bind(fd, (struct sockaddr *)&address, bytes) && !listen(fd, 512) &&
               !getsockname(fd, (struct sockaddr *)&address, &bytes));
    *out_port = ntohs(address.sin_port);
    return fd;
}

/* In the child: the sockets from descriptor 3 on, and the variables. */
static void become_service(const struct unit *unit, const char *program, const char *database)
{
    for (int i = 0; i < unit->count; i++) { /* out of the way of each other first */
        int high = fcntl(unit->fds[i], F_DUPFD, 100 + i);
        dup2(high, 50 + i);
    }
    for (int i = 0; i < unit->count; i++)
        dup2(50 + i, FIRST + i);
    if (clearenv() || setenv("PATH", "/usr/bin:/bin", 1) || setenv("ENV", "test", 1) ||
        setenv("ACCESS_LOG", "off", 1) || setenv("DATABASE_URL", database, 1) ||
        setenv("LISTEN_PID", unit->pid ? unit->pid : format("%d", (int)getpid()).ptr, 1) ||
        setenv("LISTEN_FDS", unit->fds_text ? unit->fds_text : format("%d", unit->count).ptr, 1))
        _exit(99);
    if (unit->names)
        setenv("LISTEN_FDNAMES", unit->names, 1);
    for (size_t i = 0; i < CZ_COUNT(unit->env) && unit->env[i]; i++)
        putenv((char *)(uintptr_t)unit->env[i]);
    execl(program, program, "run", "--bind", unit->bind, "--workers",
          unit->workers ? unit->workers : "3", NULL);
    _exit(98);
}

static struct server service_start(const struct unit *unit, const char *name)
{
    static int number;
    struct server server = { 0 };
    const char *program = binary_path(name);
    const char *database = format("sqlite://%s/test.db", cz_test_directory()).ptr;
    cz_ignore(snprintf(server.log, sizeof server.log, "%s/service-%d.log", cz_test_directory(),
                       number++)); /* it fits */
    int log = open(server.log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    CZ_REQUIRE(log >= 0);
    fflush(NULL);
    server.pid = fork();
    CZ_REQUIRE(server.pid >= 0);
    if (server.pid == 0) {
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        if (!chdir(cz_test_directory()))
            become_service(unit, program, database);
        _exit(97);
    }
    close(log);
    return server;
}

static bool says(const struct server *server, const char *text)
{
    return cz_str_find(server_log(server), cz_str_from(text)) != SIZE_MAX;
}

static void wait_for(const struct server *server, const char *text)
{
    for (int i = 0; i < WAIT_MS / 10 && !says(server, text); i++)
        sleep_ms(10);
    CZ_EXPECT_MSG(says(server, text), "%.*s", CZ_STR_ARG(server_log(server)));
}

/* The process that answers on a connection, which stays open. */
static pid_t who_answers(cz_wire *wire)
{
    uint64_t pid = 0;
    cz_wire_send(wire, CZ_STR("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const cz_answer *answer = cz_wire_next(wire, WAIT_MS);
    CZ_REQUIRE(answer && answer->status == 200);
    CZ_REQUIRE_OK(cz_str_to_u64(cz_str_trim(answer->body), &pid));
    return (pid_t)pid;
}

/* Of connections that come one after another and stay, how many the worker with the fewest has. */
static size_t fewest(uint16_t port, size_t workers)
{
    cz_wire *wires[CONNECTIONS];
    pid_t pids[8] = { 0 };
    size_t counts[8] = { 0 }, known = 0, least = CONNECTIONS;
    for (int i = 0; i < CONNECTIONS; i++) {
        wires[i] = cz_wire_open(port);
        pid_t pid = who_answers(wires[i]);
        size_t at = 0;
        while (at < known && pids[at] != pid)
            at++;
        known += at == known;
        pids[at] = pid;
        counts[at]++;
        sleep_ms(2);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        cz_wire_close(wires[i]);
    for (size_t i = 0; i < workers; i++)
        least = counts[i] < least ? counts[i] : least;
    return least;
}

/* Where the machine is so busy that a worker does not run for a while, the others take its share, as they should: that does not
 * happen each time. */
static void expect_fair(uint16_t port, size_t workers)
{
    size_t least = 0;
    for (int i = 0; i < 5 && least < CONNECTIONS / workers / 2; i++)
        least = fewest(port, workers);
    CZ_EXPECT_MSG(least >= CONNECTIONS / workers / 2, "one has %zu of %d", least, CONNECTIONS);
}

CZ_TEST(a_passed_socket_is_served_by_all_workers_alike)
{
    uint16_t port;
    struct unit unit = { .count = 1, .names = "web", .bind = "systemd:web" };
    unit.fds[0] = listen_port(&port);
    struct server server = service_start(&unit, "sockets");
    wait_for(&server, "is served on");
    for (int i = 0; i < 2; i++) {
        server_reload(&server); /* ends when all workers are ready */
        expect_fair(port, 3);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
    cz_wire *wire = cz_wire_open(port); /* waits in the socket, which the manager has kept */
    server = service_start(&unit, "sockets");
    CZ_EXPECT(who_answers(wire) > 0);
    cz_wire_close(wire);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    close(unit.fds[0]);
}

CZ_TEST(passed_sockets_are_served_by_name_with_tls_and_as_files)
{
    certificates_make();
    uint16_t plain, tls;
    const char *path = format("%s/passed", cz_test_directory()).ptr;
    struct unit unit = { .count = 3,
                         .names = "web:secure:web",
                         .bind = "systemd:web, https://systemd:secure",
                         .env = { format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
                                  format("TLS_KEYS=%s", certificate_file("good.key")).ptr } };
    unit.fds[0] = listen_port(&plain);
    unit.fds[1] = listen_port(&tls);
    unit.fds[2] = listen_local(path);
    struct server server = service_start(&unit, "lab");
    wait_for(&server, "is served on");
    CZ_EXPECT_EQ(get(plain, "/sleep/0")->status, 200);
    CZ_REQUIRE(!system(format("curl -sSf --cacert %s https://localhost:%u/sleep/0 >/dev/null && "
                              "curl -sSf --unix-socket %s http://localhost/sleep/0 >/dev/null",
                              certificate_file("ca.pem"), tls, path)
                           .ptr)); /* NOLINT(cert-env33-c): its words are the test's own */
    CZ_EXPECT_EQ(server_stop(&server), 0);
    CZ_EXPECT(!access(path, F_OK));     /* it is the manager's */
    unit.bind = "systemd, 127.0.0.1:0"; /* TLS was asked for by name */
    server = service_start(&unit, "lab");
    wait_for(&server, "is served on");
    CZ_EXPECT_EQ(get(tls, "/sleep/0")->status, 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    unit.bind = "fd:4";
    unit.pid = "1"; /* of another process, but left open */
    server = service_start(&unit, "lab");
    wait_for(&server, "is served on");
    CZ_EXPECT_EQ(get(tls, "/sleep/0")->status, 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    for (int i = 0; i < unit.count; i++)
        close(unit.fds[i]);
}

CZ_TEST(a_passed_socket_that_nobody_serves_is_warned_of)
{
    uint16_t port;
    struct unit unit = { .count = 1, .names = "web", .bind = "127.0.0.1:0" };
    unit.fds[0] = listen_port(&port);
    struct server server = service_start(&unit, "lab");
    wait_for(&server, "is served on");
    CZ_EXPECT(says(&server, "BIND does not name it"));
    CZ_EXPECT_EQ(server_stop(&server), 0);
    close(unit.fds[0]);
}

CZ_TEST(sockets_that_are_passed_wrongly_stop_the_start_in_one_sentence)
{
    static const struct {
        const char *fds, *names, *bind, *why;
    } cases[] = {
        { "x", NULL, "systemd", "LISTEN_FDS: \"x\" is no number of sockets" },
        { "0", NULL, "systemd", "LISTEN_FDS: \"0\" is no number of sockets" },
        { "-1", NULL, "systemd", "LISTEN_FDS: \"-1\" is no number" },
        { "99999", NULL, "systemd", "is no number of sockets" },
        { "1", "a:b", "systemd", "LISTEN_FDNAMES names 2 sockets and LISTEN_FDS says 1" },
        { "3", "a:b:c", "systemd", "LISTEN_FDS: descriptor 4 is no socket that listens" },
        { "9", NULL, "systemd", "LISTEN_FDS: descriptor 4 is no socket that listens" },
        { "1", "web", "systemd:other", "BIND names systemd:other, and no service manager" },
        { "1", "web", "systemd:", "cannot listen on" },
        { "1", "web", "fd:4", "cannot listen on fd:4: no service manager has passed" },
        { "1", "web", "fd:x", "cannot listen on fd:x: no service manager has passed" },
    };
    uint16_t port;
    struct unit unit = { .count = 2 };
    unit.fds[0] = listen_port(&port);
    unit.fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        unit.fds_text = cases[i].fds;
        unit.names = cases[i].names;
        unit.bind = cases[i].bind;
        struct server server = service_start(&unit, "lab");
        CZ_EXPECT_EQ(server_wait(&server), 1);
        CZ_EXPECT_MSG(says(&server, cases[i].why), "%s: %.*s", cases[i].why,
                      CZ_STR_ARG(server_log(&server)));
    }
    close(unit.fds[0]);
    close(unit.fds[1]);
}
