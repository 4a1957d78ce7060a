/* Master and workers with a small line server: each line is a command, answered by a line. */
#include <arpa/inet.h>
#include <calzone/log.h>
#include <calzone/runtime.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/listen.h"
#include "runtime/runtime_internal.h"

#if defined(__has_feature)
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer)
enum { ASAN = 1 };
#else
enum { ASAN = 0 };
#endif

/* ---- The worker's side ---- */

static cz__watch listener;
static int connections_open;
static cz__worker *this_worker;

struct connection {
    cz__watch watch;
    cz__fiber *fiber;
};

static void readable(cz__watch *watch, uint32_t events)
{
    (void)events;
    cz__fiber_wake(((struct connection *)(void *)watch)->fiber);
}

static __attribute__((noinline)) void test_handler_that_crashes(void)
{
    int *volatile nowhere = (int *)(uintptr_t)8;
    *nowhere = 1;
}

static __attribute__((noinline)) int test_handler_that_recurses(int depth)
{
    volatile char frame[2000];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : test_handler_that_recurses(depth + 1) + frame[0];
}

static __attribute__((noinline)) void test_handler_that_spins(int64_t ms)
{
    int64_t until_us = cz_monotonic_us() + ms * 1000;
    while (cz_monotonic_us() < until_us)
        ;
}

static void nap(cz_ctx *ctx, void *arg)
{
    cz_sleep(ctx, *(uint64_t *)arg);
}

static void obey(cz_ctx *ctx, int fd, const char *line)
{
    char answer[64];
    uint64_t ms = 400;
    ctx->label = line;
    if (!strncmp(line, "crash", 5))
        test_handler_that_crashes();
    else if (!strncmp(line, "recurse", 7))
        cz_ignore(test_handler_that_recurses(1)); /* does not return */
    else if (!strncmp(line, "assert", 6))
        cz_assert(line == NULL);
    else if (!strncmp(line, "spent", 5))
        cz__worker_spent("it was told to");
    else if (!strncmp(line, "spin", 4))
        test_handler_that_spins(250);
    else if (!strncmp(line, "stick", 5))
        test_handler_that_spins(1500);
    else if (!strncmp(line, "slow", 4))
        cz_ignore(cz_try(ctx, nap, &ms, NULL)); /* cancelled or not: an answer follows */
    int len =
        snprintf(answer, sizeof answer, "%d %s\n", (int)getpid(), cz_status_name(ctx->cancelled));
    cz_ignore(write(fd, answer, (size_t)len)); /* the test sees what is missing */
    ctx->label = NULL;
}

static void serve(void *arg)
{
    struct connection connection = { .fiber = cz__fiber_current() };
    int fd = (int)(intptr_t)arg;
    cz_ctx ctx;
    char line[64];
    cz_ctx_init(&ctx, NULL);
    ctx.request_id = CZ_STR("request-7");
    cz__fiber_attach(&ctx);
    connections_open++;
    cz_status status = cz__watch_add(this_worker->loop, &connection.watch, fd, EPOLLIN, readable);
    bool answered = false; /* one that comes while the worker drains has a line, too */
    while (!status && !(answered && this_worker->draining)) {
        status = cz__fiber_wait(&ctx);
        ssize_t got = read(fd, line, sizeof line - 1);
        if (status || got == 0 || (got < 0 && errno != EAGAIN))
            break;
        if (got < 0)
            continue;
        line[got] = '\0';
        line[strcspn(line, "\n")] = '\0';
        obey(&ctx, fd, line);
        answered = true;
    }
    cz__watch_remove(this_worker->loop, &connection.watch);
    close(fd);
    cz__fiber_attach(NULL);
    if (--connections_open == 0 && this_worker->draining)
        cz__worker_drained(this_worker);
}

static void take_connections(cz__watch *watch, uint32_t events)
{
    (void)events;
    int fd;
    while ((fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        if (cz__fiber_start(serve, (void *)(intptr_t)fd))
            close(fd);
}

static cz_status start_echo(cz__worker *worker, cz_error *err)
{
    if (worker->user && *(const char *)worker->user == 'f')
        return cz_error_set(err, CZ_EDATABASE, "no database here");
    if (worker->user && *(const char *)worker->user == 'd')
        _exit(3); /* as if it had died at start */
    this_worker = worker;
    return cz__watch_add(worker->loop, &listener, worker->listeners[0].fd, EPOLLIN,
                         take_connections);
}

static void drain_echo(cz__worker *worker)
{
    take_connections(&listener, 0);
    cz__watch_remove(worker->loop, &listener);
    if (!connections_open) /* idle connections of this server stay until they close */
        cz__worker_drained(worker);
}

/* ---- The test's side ---- */

struct server {
    pid_t pid;
    int log_fd, ready_fd;
    int port;
    char log[65536];
    size_t log_len;
};

static int ready_to; /* in the master: where it says its port */

static void tell_port(const struct cz__sockets *sockets, unsigned workers, void *user)
{
    (void)workers;
    (void)user;
    char text[16];
    int len = snprintf(text, sizeof text, "%s", strrchr(sockets->texts[0], ':') + 1);
    cz_ignore(write(ready_to, text, (size_t)len)); /* the test waits and times out otherwise */
}

static void server_start(struct server *server, const cz__server_options *given)
{
    cz__server_options options = *given;
    static const char *const anywhere[] = { "127.0.0.1:0" };
    options.bind = options.bind ? options.bind : anywhere;
    options.bind_count = options.bind_count ? options.bind_count : 1;
    options.on_worker_start = start_echo;
    options.on_worker_drain = drain_echo;
    options.on_ready = tell_port;
    int log_fds[2], ready_fds[2];
    CZ_REQUIRE(!pipe(log_fds) && !pipe(ready_fds));
    memset(server, 0, sizeof *server);
    fflush(NULL);
    server->pid = fork();
    CZ_REQUIRE(server->pid >= 0);
    if (server->pid == 0) {
        dup2(log_fds[1], STDERR_FILENO);
        close(log_fds[0]);
        close(ready_fds[0]);
        ready_to = ready_fds[1];
        exit(cz__server_run(&options));
    }
    close(log_fds[1]);
    close(ready_fds[1]);
    server->log_fd = log_fds[0];
    server->ready_fd = ready_fds[0];
    fcntl(server->log_fd, F_SETFL, O_NONBLOCK);
}

static void server_ready(struct server *server)
{
    char text[16] = "";
    struct pollfd fd = { .fd = server->ready_fd, .events = POLLIN };
    CZ_REQUIRE(poll(&fd, 1, 20000) == 1);
    CZ_REQUIRE(read(server->ready_fd, text, sizeof text - 1) > 0);
    server->port = (int)strtol(text, NULL, 10);
}

/* Wait until the log holds `text`. */
static bool logged(struct server *server, const char *text, int timeout_ms)
{
    int64_t until_us = cz_monotonic_us() + timeout_ms * 1000;
    for (;;) {
        ssize_t got = read(server->log_fd, server->log + server->log_len,
                           sizeof server->log - 1 - server->log_len);
        if (got > 0)
            server->log_len += (size_t)got;
        if (strstr(server->log, text))
            return true;
        if (cz_monotonic_us() > until_us)
            return false;
        if (got <= 0)
            usleep(2000);
    }
}

static int server_end(struct server *server, int timeout_ms)
{
    int64_t until_us = cz_monotonic_us() + timeout_ms * 1000;
    int status;
    while (waitpid(server->pid, &status, WNOHANG) == 0) {
        if (cz_monotonic_us() > until_us) {
            kill(server->pid, SIGKILL);
            cz__test_fail(__FILE__, __LINE__, "the master did not end; log: %s", server->log);
            return -1;
        }
        usleep(1000);
    }
    logged(server, "\x01", 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int connect_to(const struct server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)server->port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    struct timeval limit = { 20, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void say(int fd, const char *line)
{
    CZ_EXPECT(send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line));
}

/* The answering worker's process id; 0 when the connection ended instead. */
static pid_t answer(int fd, char *out_status)
{
    char text[64] = "";
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return 0;
    char *space = strchr(text, ' ');
    if (out_status && space)
        cz_ignore(snprintf(out_status, 32, "%.*s", (int)strcspn(space + 1, "\n"), space + 1));
    return (pid_t)strtol(text, NULL, 10);
}

static pid_t ask(const struct server *server, const char *line)
{
    int fd = connect_to(server);
    if (fd < 0)
        return 0;
    say(fd, line);
    pid_t pid = answer(fd, NULL);
    close(fd);
    return pid;
}

/* ---- Serving and dying ---- */

CZ_TEST(a_killed_worker_is_replaced_and_its_waiting_connections_are_served)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    pid_t first = ask(&server, "echo\n");
    CZ_REQUIRE(first > 0);
    int64_t worst_us = 0;
    for (int i = 0; i < 3; i++) {
        usleep(1200000); /* a steady worker: no delay by the back-off */
        kill(first, SIGKILL);
        int64_t start_us = cz_monotonic_us();
        pid_t second = ask(&server, "echo\n"); /* waits in the dead worker's queue */
        int64_t took_us = cz_monotonic_us() - start_us;
        CZ_EXPECT(second > 0 && second != first);
        worst_us = took_us > worst_us ? took_us : worst_us;
        first = second;
    }
    printf("replaced and answered within %lld us\n", (long long)worst_us);
    CZ_EXPECT_MSG(worst_us < (ASAN ? 2000000 : 100000), "%lld us", (long long)worst_us);
    CZ_EXPECT(logged(&server, "SIGKILL", 2000) || logged(&server, "SIGKILL", 0));
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(workers_share_the_port_and_all_serve)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 3 });
    server_ready(&server);
    pid_t seen[3] = { 0 };
    int count = 0;
    for (int i = 0; i < 200 && count < 3; i++) {
        pid_t pid = ask(&server, "echo\n");
        CZ_REQUIRE(pid > 0);
        bool known = false;
        for (int n = 0; n < count; n++)
            known |= seen[n] == pid;
        if (!known)
            seen[count++] = pid;
    }
    CZ_EXPECT_EQ(count, 3);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
    CZ_EXPECT(connect_to(&server) < 0);
}

static int connect_local(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    cz_ignore(snprintf(address.sun_path, sizeof address.sun_path, "%s", path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* All workers share it; its file goes with the server, and one that a killed server left is replaced. */
CZ_TEST(a_unix_socket_is_served_beside_a_port)
{
    static struct server server, second;
    char path[100], bind[110];
    cz_ignore(snprintf(path, sizeof path, "%s/s", cz_test_directory()));
    cz_ignore(snprintf(bind, sizeof bind, "unix:%s", path));
    const char *const both[] = { "127.0.0.1:0", bind };
    for (int killed = 1; killed >= 0; killed--) {
        struct stat file;
        server_start(&server, &(cz__server_options){ .workers = 2, .bind = both, .bind_count = 2 });
        server_ready(&server);
        int fd = connect_to(&server);
        CZ_EXPECT(fd >= 0);
        close(fd);
        CZ_EXPECT(stat(path, &file) == 0 && (file.st_mode & 0777) == 0660);
        server_start(&second, &(cz__server_options){ .workers = 1, .bind = both, .bind_count = 2 });
        CZ_EXPECT_EQ(server_end(&second, 5000), 1);
        CZ_EXPECT_MSG(strstr(second.log, "another server does"), "%s", second.log);
        fd = connect_local(path); /* the second one left it alone */
        CZ_EXPECT(fd >= 0);
        close(fd);
        kill(server.pid, killed ? SIGKILL : SIGTERM);
        cz_ignore(server_end(&server, 5000)); /* of a killed one there is no code */
        CZ_EXPECT_EQ(stat(path, &file) == 0, killed);
        for (int i = 0; i < 500 && (fd = connect_local(path)) >= 0;
             i++) { /* workers whose master was killed end by themselves */
            close(fd);
            usleep(10000);
        }
    }
}

CZ_TEST(a_file_that_is_no_socket_is_left_alone)
{
    static struct server server;
    char path[100], bind[110];
    cz_ignore(snprintf(path, sizeof path, "%s/file", cz_test_directory()));
    cz_ignore(snprintf(bind, sizeof bind, "unix:%s", path));
    FILE *file = fopen(path, "w");
    CZ_REQUIRE(file && fclose(file) == 0);
    const char *const only[] = { bind };
    server_start(&server, &(cz__server_options){ .workers = 1, .bind = only });
    CZ_EXPECT_EQ(server_end(&server, 5000), 1);
    CZ_EXPECT_MSG(strstr(server.log, "EADDRINUSE"), "%s", server.log);
    CZ_EXPECT(access(path, F_OK) == 0);
}

CZ_TEST(an_address_in_use_is_refused_in_one_sentence)
{
    static struct server server, second;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    char bind[64];
    cz_ignore(snprintf(bind, sizeof bind, "127.0.0.1:%d", server.port));
    server_start(&second,
                 &(cz__server_options){ .workers = 1, .bind = (const char *const[]){ bind } });
    CZ_EXPECT_EQ(server_end(&second, 5000), 1);
    CZ_EXPECT_MSG(strstr(second.log, "the address is in use; `run --bind"), "%s", second.log);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(a_start_that_fails_three_times_ends_the_master_with_the_error)
{
    static struct server server;
    static char fail[] = "fail", die[] = "die";
    server_start(&server, &(cz__server_options){ .workers = 1, .user = fail });
    CZ_EXPECT_EQ(server_end(&server, 10000), 1);
    CZ_EXPECT_MSG(strstr(server.log, "no database here"), "%s", server.log);
    int64_t start_us = cz_monotonic_us();
    server_start(&server, &(cz__server_options){ .workers = 1, .user = die });
    CZ_EXPECT_EQ(server_end(&server, 10000), 1);
    CZ_EXPECT(cz_monotonic_us() - start_us >= 100000); /* the third start was delayed */
    CZ_EXPECT_MSG(strstr(server.log, "exit code 3"), "%s", server.log);
}

CZ_TEST(workers_that_crash_again_and_again_are_started_with_growing_delay)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    int64_t took_ms[4];
    for (int i = 0; i < 4; i++) {
        pid_t pid = ask(&server, "echo\n");
        CZ_REQUIRE(pid > 0);
        kill(pid, SIGKILL);
        int64_t start_us = cz_monotonic_us();
        CZ_EXPECT(ask(&server, "echo\n") > 0);
        took_ms[i] = (cz_monotonic_us() - start_us) / 1000;
    }
    CZ_EXPECT_MSG(took_ms[1] >= 90 && took_ms[2] >= 190 && took_ms[3] >= 390, "%d, %d, %d ms",
                  (int)took_ms[1], (int)took_ms[2], (int)took_ms[3]);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(workers_end_with_their_master)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    pid_t worker = ask(&server, "echo\n");
    CZ_REQUIRE(worker > 0);
    kill(server.pid, SIGKILL);
    CZ_EXPECT_EQ(server_end(&server, 5000), -SIGKILL);
    int64_t until_us = cz_monotonic_us() + 5000000;
    while (!kill(worker, 0) && cz_monotonic_us() < until_us)
        usleep(5000);
    CZ_EXPECT(kill(worker, 0) && errno == ESRCH);
}

/* ---- Ending ---- */

CZ_TEST(a_drain_finishes_what_is_under_way_and_refuses_new_connections)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 2 });
    server_ready(&server);
    int fd = connect_to(&server);
    say(fd, "slow\n");
    usleep(100000);
    kill(server.pid, SIGTERM);
    kill(server.pid, SIGUSR1); /* reopens logs while draining, too */
    usleep(100000);
    CZ_EXPECT(connect_to(&server) < 0);
    char status[32] = "";
    CZ_EXPECT(answer(fd, status) > 0);
    CZ_EXPECT(!strcmp(status, "OK"));
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
    close(fd);
}

CZ_TEST(a_second_signal_stops_at_once)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    int fd = connect_to(&server); /* idle, and this server waits for it */
    say(fd, "echo\n");
    CZ_EXPECT(answer(fd, NULL) > 0);
    kill(server.pid, SIGTERM);
    usleep(150000);
    CZ_EXPECT_EQ(waitpid(server.pid, NULL, WNOHANG), 0);
    int64_t start_us = cz_monotonic_us();
    kill(server.pid, SIGINT);
    CZ_EXPECT_EQ(server_end(&server, 5000), 1);
    CZ_EXPECT(cz_monotonic_us() - start_us < (ASAN ? 4000000 : 1000000));
    close(fd);
}

CZ_TEST(what_is_left_at_the_drains_deadline_is_cancelled)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1, .drain_timeout_ms = 100 });
    server_ready(&server);
    int fd = connect_to(&server);
    say(fd, "slow\n");
    usleep(50000);
    kill(server.pid, SIGTERM);
    char status[32] = "";
    CZ_EXPECT(answer(fd, status) > 0);
    CZ_EXPECT_MSG(!strcmp(status, "ECANCELED"), "%s", status);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
    close(fd);
}

CZ_TEST(a_worker_that_is_told_to_end_drains_and_is_replaced)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    pid_t first = ask(&server, "echo\n");
    kill(first, SIGTERM);
    pid_t second = 0;
    for (int i = 0; i < 100 && (second == 0 || second == first); i++)
        second = ask(&server, "echo\n");
    CZ_EXPECT(second > 0 && second != first);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

/* Another is ready before it drains, and what it has it finishes, within the time for a drain. */
CZ_TEST(a_worker_that_is_spent_serves_until_another_is_ready)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 2, .drain_timeout_ms = 1000 });
    server_ready(&server);
    for (int round = 0; round < 3; round++) {
        int kept = connect_to(&server), stays = connect_to(&server);
        say(kept, "spent\n");
        pid_t first = answer(kept, NULL);
        CZ_REQUIRE(first > 0);
        say(stays, "echo\n");
        CZ_EXPECT(answer(stays, NULL) > 0);
        CZ_EXPECT(logged(&server, "a worker is replaced", 5000));
        CZ_EXPECT(logged(&server, "it was told to", 0));
        for (int i = 0; i < 200; i++) /* none is refused, and none waits for a worker to start */
            CZ_EXPECT(ask(&server, "echo\n") > 0);
        usleep(200000);
        for (int i = 0; i < 50; i++)
            CZ_EXPECT(ask(&server, "echo\n") != first);
        say(kept, "echo\n");
        CZ_EXPECT_EQ(answer(kept, NULL), first); /* it drains */
        close(kept);
        close(stays); /* of the same worker, maybe */
        int64_t until_us = cz_monotonic_us() + 5000000;
        while (!kill(first, 0) && cz_monotonic_us() < until_us)
            usleep(5000);
        CZ_EXPECT(kill(first, 0) && errno == ESRCH);
        memset(server.log, 0, sizeof server.log);
        server.log_len = 0;
    }
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

/* ---- Reports ---- */

CZ_TEST(a_crash_is_reported_with_its_route_and_function_after_the_replacement)
{
    if (ASAN)
        cz_test_skip("AddressSanitizer reports faults itself");
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    CZ_EXPECT_EQ(ask(&server, "crash POST /pizzas\n"), 0);
    CZ_EXPECT(ask(&server, "echo\n") > 0);
    CZ_EXPECT(logged(&server, "a worker crashed", 5000));
    CZ_EXPECT_MSG(strstr(server.log, "crash POST /pizzas") &&
                      strstr(server.log, "SIGSEGV at 0x8") && strstr(server.log, "request-7"),
                  "%s", server.log);
    CZ_EXPECT_MSG(strstr(server.log, "test_handler_that_crashes+"), "%s", server.log);
    CZ_EXPECT_MSG(strstr(server.log, " < serve+"), "%s", server.log);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(a_fiber_stack_overflow_is_reported_as_such)
{
    if (ASAN)
        cz_test_skip("AddressSanitizer reports faults itself");
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    CZ_EXPECT_EQ(ask(&server, "recurse GET /tree\n"), 0);
    CZ_EXPECT(logged(&server, "fiber stack overflow", 5000));
    CZ_EXPECT_MSG(strstr(server.log, "recurse GET /tree") &&
                      strstr(server.log, "test_handler_that_recurses"),
                  "%s", server.log);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(a_failed_assertion_is_reported_with_its_route)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 1 });
    server_ready(&server);
    CZ_EXPECT_EQ(ask(&server, "assert GET /\n"), 0);
    CZ_EXPECT(logged(&server, "a worker crashed", 5000));
    CZ_EXPECT_MSG(strstr(server.log, "assert GET /") && strstr(server.log, "SIGABRT"), "%s",
                  server.log);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(whoever_holds_the_loop_is_named_with_the_time)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 2 });
    server_ready(&server);
    for (int i = 0; i < 2; i++) { /* also after the watchdog went to sleep */
        CZ_EXPECT(ask(&server, "spin GET /report\n") > 0);
        CZ_EXPECT(logged(&server, "the loop was held", 5000));
        CZ_EXPECT_MSG(strstr(server.log, "spin GET /report"), "%s", server.log);
        memset(server.log, 0, sizeof server.log);
        server.log_len = 0;
        usleep(1600000);
    }
    CZ_EXPECT(ask(&server, "stick GET /stuck\n") > 0);
    CZ_EXPECT(logged(&server, "the loop is held", 5000));
    CZ_EXPECT(logged(&server, "stick GET /stuck", 0));
    CZ_EXPECT_MSG(strstr(server.log, "test_handler_that_spins"), "%s", server.log);
    CZ_EXPECT(logged(&server, "the loop was held", 5000));
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

CZ_TEST(quiet_workers_are_not_said_to_hold_the_loop)
{
    static struct server server;
    server_start(&server, &(cz__server_options){ .workers = 2 });
    server_ready(&server);
    for (int i = 0; i < 8; i++) {
        CZ_EXPECT(ask(&server, "echo\n") > 0);
        usleep(50000u << i % 4);
    }
    CZ_EXPECT(ask(&server, "slow\n") > 0);
    CZ_EXPECT_MSG(!logged(&server, "the loop", 50), "%s", server.log);
    kill(server.pid, SIGTERM);
    CZ_EXPECT_EQ(server_end(&server, 5000), 0);
}

/* ---- Addresses ---- */

CZ_TEST(addresses_are_read_and_written)
{
    static const struct {
        const char *text, *written;
        cz_status status;
    } cases[] = {
        { "127.0.0.1:8000", "127.0.0.1:8000", CZ_OK },
        { "localhost:1", "127.0.0.1:1", CZ_OK },
        { ":65535", "0.0.0.0:65535", CZ_OK },
        { "[::1]:80", "[::1]:80", CZ_OK },
        { "[fe80::1:2]:80", "[fe80::1:2]:80", CZ_OK },
        { "", NULL, CZ_EINVAL },
        { NULL, NULL, CZ_EINVAL },
        { "8000", NULL, CZ_EINVAL },
        { "127.0.0.1", NULL, CZ_EINVAL },
        { "127.0.0.1:", NULL, CZ_EINVAL },
        { "127.0.0.1:65536", NULL, CZ_EINVAL },
        { "127.0.0.1:80x", NULL, CZ_EINVAL },
        { "256.0.0.1:80", NULL, CZ_EINVAL },
        { "::1:80", NULL, CZ_EINVAL },
        { "[::1:80", NULL, CZ_EINVAL },
        { "[]:80", NULL, CZ_EINVAL },
        { "example.org:80", NULL, CZ_EINVAL },
        { "unix:/tmp/x", "unix:/tmp/x", CZ_OK },
        { "unix:x", "unix:x", CZ_OK },
        { "unix:", NULL, CZ_EINVAL },
        { "unix:/tmp/a\nb", NULL, CZ_EINVAL },
        { "unix:/"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaa",
          NULL, CZ_EINVAL },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80", NULL,
          CZ_EINVAL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__address address;
        cz_error err;
        cz_status status = cz__address_parse(cases[i].text, &address, &err);
        CZ_EXPECT_MSG(status == cases[i].status, "%s gave %s", cases[i].text,
                      cz_status_name(status));
        if (status)
            continue;
        char text[CZ__ADDRESS_TEXT];
        cz__address_write(&address, text);
        CZ_EXPECT_STR(cz_str_from(text), cases[i].written);
    }
}
