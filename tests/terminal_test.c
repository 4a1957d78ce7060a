/* A server in a terminal: Ctrl-C, which all of its processes get at once, and a terminal that closes. */
#include "server.h"
#include <calzone/time.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

struct terminal {
    pid_t pid;
    int fd; /* what is typed and shown */
    uint16_t port;
    char shown[16384];
    size_t len;
};

static struct terminal terminal_start(const char *name)
{
    struct terminal terminal = { 0 };
    const char *program = binary_path(name);
    const char *database = format("DATABASE_URL=sqlite://%s/test.db", cz_test_directory()).ptr;
    fflush(NULL);
    terminal.pid = forkpty(&terminal.fd, NULL, NULL, NULL);
    CZ_REQUIRE(terminal.pid >= 0);
    if (terminal.pid == 0) {
        const char *const env[] = { "ENV=test", "ACCESS_LOG=off", "PATH=/usr/bin:/bin", database,
                                    NULL };
        const char *const argv[] = {
            program, "run", "--bind", "127.0.0.1:0", "--workers", "2", NULL
        };
        if (!chdir(cz_test_directory()))
            execve(program, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
        _exit(127);
    }
    return terminal;
}

static bool shows(struct terminal *terminal, const char *text)
{
    for (int64_t until = cz_monotonic_us() + WAIT_MS * 1000; cz_monotonic_us() < until;) {
        if (strstr(terminal->shown, text))
            return true;
        struct pollfd ready = { .fd = terminal->fd, .events = POLLIN };
        if (poll(&ready, 1, 100) <= 0)
            continue;
        ssize_t got = read(terminal->fd, terminal->shown + terminal->len,
                           sizeof terminal->shown - 1 - terminal->len);
        if (got <= 0)
            return false;
        terminal->len += (size_t)got;
    }
    return false;
}

static void wait_until_served(struct terminal *terminal)
{
    CZ_REQUIRE(shows(terminal, "Ctrl-C stops it"));
    const char *at = strstr(terminal->shown, "http://127.0.0.1:");
    CZ_REQUIRE(at);
    terminal->port = (uint16_t)strtoul(at + strlen("http://127.0.0.1:"), NULL, 10);
}

/* The exit code; -1: a signal's, -2: it did not end. */
static int terminal_end(const struct terminal *terminal)
{
    int status;
    for (int64_t until = cz_monotonic_us() + WAIT_MS * 1000; cz_monotonic_us() < until;) {
        if (waitpid(terminal->pid, &status, WNOHANG) == terminal->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        sleep_ms(10);
    }
    kill(terminal->pid, SIGKILL);
    return -2;
}

CZ_TEST(ctrl_c_finishes_what_is_under_way_and_twice_does_not)
{
    for (int times = 1; times <= 2; times++) {
        struct terminal terminal = terminal_start("lab");
        wait_until_served(&terminal);
        cz_wire *wire = cz_wire_open(terminal.port);
        cz_wire_send(wire, times == 1
                               ? CZ_STR("GET /sleep/1500 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                               : CZ_STR("GET /sleep/9000 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        sleep_ms(150);
        for (int i = 0; i < times; i++) {
            CZ_EXPECT_EQ(write(terminal.fd, "\x03", 1), 1);
            sleep_ms(150);
        }
        const cz_answer *answer = cz_wire_next(wire, WAIT_MS);
        CZ_EXPECT_EQ(answer && answer->status == 200, times == 1);
        cz_wire_close(wire);
        CZ_EXPECT_EQ(terminal_end(&terminal), times - 1);
        close(terminal.fd);
    }
}

CZ_TEST(a_terminal_that_closes_ends_the_program_and_a_hangup_before_reloads_it)
{
    struct terminal terminal = terminal_start("lab");
    wait_until_served(&terminal);
    kill(terminal.pid, SIGHUP);
    CZ_EXPECT(shows(&terminal, SERVER_RELOADED));
    CZ_EXPECT_EQ(get(terminal.port, "/sleep/0")->status, 200);
    cz_wire *wire = cz_wire_open(terminal.port);
    cz_wire_send(wire, CZ_STR("GET /sleep/500 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    sleep_ms(100);
    close(terminal.fd);
    const cz_answer *answer = cz_wire_next(wire, WAIT_MS);
    CZ_EXPECT(answer && answer->status == 200);
    cz_wire_close(wire);
    CZ_EXPECT_EQ(terminal_end(&terminal), 0);
}
