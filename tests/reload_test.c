/* SIGHUP: programs that replace one another, and what may go wrong on the way. */
#include "certificates.h"
#include "reload_load.h"
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 20000, MASTERS_MAX = 8, WORKERS_MAX = 32 };

static const char failed[] = "the reload failed";

/* ---- looking at it ---- */

/* ---- programs of the test's own ---- */

static const char *in_directory(const char *name)
{
    return format("%s/%s", cz_test_directory(), name).ptr;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    const char *whole = format("%s.new", path).ptr;
    FILE *file = fopen(whole, "we");
    CZ_REQUIRE(file && fputs(text, file) >= 0 && !fclose(file));
    CZ_REQUIRE(!chmod(whole, mode) && !rename(whole, path));
}

/* Put a copy of a built program in the place of another, by mv. */
static void install(const char *name, const char *path)
{
    CZ_REQUIRE(
        !system(format("cp '%s' '%s.new' && mv '%s.new' '%s'", binary_path(name), path, path, path)
                    .ptr)); /* NOLINT(cert-env33-c): its words are the test's own */
}

static void install_script(const char *path, const char *lines)
{
    write_text(path, format("#!/bin/sh\n%s\n", lines).ptr, 0755);
}

/* ---- no request fails ---- */

/* CZ_RELOADS of them (`./dev reload N`), or ten. */
CZ_TEST(reloads_under_load_fail_no_request)
{
    const char *wanted = getenv("CZ_RELOADS");
    uint64_t count = 10;
    if (wanted)
        CZ_REQUIRE_OK(cz_str_to_u64(cz_str_from(wanted), &count));
    struct server server = load_server(LOAD_BIND, 2);
    struct load load = load_start(&server);
    server_reload(&server); /* the first generation is a fork, which has others open */
    size_t keeper = open_files(server.pid), master = open_files(server_only_master(&server));
    for (uint64_t i = 0; i < count; i++) {
        sleep_ms((int)(i * 7 % 40)); /* at no beat of the clients */
        server_reload(&server);
    }
    CZ_EXPECT_EQ(open_files(server.pid), keeper);
    CZ_EXPECT_EQ(open_files(server_only_master(&server)), master);
    load_stop(&load);
    load_expect_no_failure(&load);
    CZ_EXPECT_EQ(server_logged(&server, failed), 0);
    CZ_EXPECT_EQ(server_logged(&server, "a worker"), 0); /* died, or could not be started */
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Signals as they come, none waited for: many are one, and there are never three generations. */
CZ_TEST(a_storm_of_hangups_reloads_again_and_again_and_fails_no_request)
{
    struct server server = load_server(LOAD_BIND, 2);
    struct load load = load_start(&server);
    pid_t masters[MASTERS_MAX];
    for (int i = 0; i < 5000 && (i < 150 || server_logged(&server, SERVER_RELOADED) < 3); i++) {
        kill(server.pid, SIGHUP);
        CZ_EXPECT(server_masters(&server, masters, MASTERS_MAX) <= 3); /* two, and a `check` */
        sleep_ms(i % 10);
    }
    server_wait_for_log(&server, SERVER_RELOADED, 3);
    load_stop(&load);
    load_expect_no_failure(&load);
    server_only_master(&server);
    CZ_EXPECT_EQ(server_logged(&server, failed), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Connections that wait in the socket of a slot that the next generation has not are served by the others. */
CZ_TEST(addresses_and_workers_change_with_the_settings)
{
    const char *settings = in_directory("settings/test.env");
    const char *local = in_directory("s"), *other = in_directory("t");
    CZ_REQUIRE(!mkdir(in_directory("settings"), 0700));
    write_text(settings, format("BIND=" LOAD_BIND ", unix:%s\nWORKERS=4\n", local).ptr, 0600);
    struct server server = load_server(NULL, 0);
    struct load load = load_start(&server);
    static const unsigned counts[] = { 1, 3, 2, 4 };
    pid_t workers[WORKERS_MAX];
    for (size_t i = 0; i < CZ_COUNT(counts); i++) {
        const char *path = i % 2 ? local : other, *gone = i % 2 ? other : local;
        write_text(settings,
                   format("BIND=" LOAD_BIND ", unix:%s\nWORKERS=%u\n", path, counts[i]).ptr, 0600);
        server_reload(&server);
        CZ_EXPECT_EQ(server_workers(&server, workers, WORKERS_MAX), counts[i]);
        CZ_EXPECT(!access(path, F_OK));
        CZ_EXPECT(access(gone, F_OK));
    }
    load_stop(&load);
    load_expect_no_failure(&load);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    CZ_EXPECT(access(local, F_OK));
}

CZ_TEST(a_websocket_is_told_1012_at_a_reload_and_1001_at_a_stop)
{
    struct server server = server_start("sockets", 1, NULL);
    static const struct {
        int signal;
        const char *end;
    } cases[] = { { SIGHUP, "\x03\xf4" }, { SIGTERM, "\x03\xe9" } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_wire *wire = cz_wire_open(server.port);
        char frame[200];
        cz_wire_send(wire, CZ_STR("GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        const cz_answer *answer = cz_wire_next(wire, WAIT_MS);
        CZ_REQUIRE(answer && answer->status == 101);
        kill(server.pid, cases[i].signal);
        ssize_t got = recv(wire->fd, frame, sizeof frame, 0);
        CZ_EXPECT(got > 4 && !memcmp(frame, "\x88", 1) && !memcmp(frame + 2, cases[i].end, 2));
        cz_wire_close(wire);
        if (cases[i].signal == SIGHUP)
            server_wait_for_log(&server, SERVER_RELOADED, 1);
    }
    CZ_EXPECT_EQ(server_wait(&server), 0);
}

/* ---- what lies there now ---- */

CZ_TEST(the_program_that_took_its_place_answers_after_a_reload)
{
    const char *path = in_directory("program");
    install("lab", path);
    struct server server = server_start(path, 2, NULL);
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200);
    CZ_EXPECT_EQ(get(server.port, "/")->status, 404);
    install("sockets", path);
    server_reload(&server);
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 404);
    CZ_EXPECT_EQ(get(server.port, "/")->status, 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Releases are folders, and a link names the one that serves. */
CZ_TEST(a_link_to_another_release_is_followed_at_a_reload)
{
    const char *link = in_directory("current");
    CZ_REQUIRE(!mkdir(in_directory("1"), 0700) && !mkdir(in_directory("2"), 0700));
    install("lab", in_directory("1/program"));
    install("sockets", in_directory("2/program"));
    CZ_REQUIRE(!symlink("1", link));
    struct server server = server_start(in_directory("current/program"), 2, NULL);
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200);
    CZ_REQUIRE(!symlink("2", in_directory("next")) && !rename(in_directory("next"), link));
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200);
    server_reload(&server);
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 404);
    CZ_EXPECT_EQ(get(server.port, "/")->status, 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_program_that_cannot_take_over_changes_nothing)
{
    const char *path = in_directory("program");
    static const struct {
        const char *what, *lines, *why;
    } cases[] = {
        { "no program", NULL, "ENOEXEC" },
        { "whose check fails", "[ \"$1\" = check ] && { echo no >&2; exit 1; }", "`check` failed" },
        { "that dies at its start", "[ \"$1\" = check ] || exit 3",
          "it ended before it was ready" },
        { "whose check hangs", "[ \"$1\" = check ] && exec sleep 60",
          "`check` took longer than RELOAD_TIMEOUT" },
        { "that hangs", "[ \"$1\" = check ] || exec sleep 60",
          "it was not ready within RELOAD_TIMEOUT" },
    };
    const char *const env[] = { "RELOAD_TIMEOUT=1s", NULL };
    install("lab", path);
    struct server server = server_start(path, 2, env);
    pid_t master = server_only_master(&server);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        if (cases[i].lines)
            install_script(path, cases[i].lines);
        else
            write_text(path,
                       "\x7f"
                       "ELF and no more",
                       0755);
        kill(server.pid, SIGHUP);
        server_wait_for_log(&server, failed, i + 1);
        CZ_EXPECT_MSG(server_logged(&server, cases[i].why), "%s: %.*s", cases[i].what,
                      CZ_STR_ARG(server_log(&server)));
        CZ_EXPECT_EQ(server_only_master(&server), master);
        CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200);
    }
    unlink(path);
    kill(server.pid, SIGHUP);
    server_wait_for_log(&server, failed, CZ_COUNT(cases) + 1);
    CZ_EXPECT(server_logged(&server, "ENOENT"));
    install("lab", path);
    server_reload(&server);
    CZ_EXPECT(server_only_master(&server) != master);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(settings_that_are_wrong_change_nothing)
{
    const char *settings = in_directory("settings/test.env");
    CZ_REQUIRE(!mkdir(in_directory("settings"), 0700));
    struct server server = server_start("lab", 2, NULL);
    write_text(settings, "HTTP_BODY_MAX=many\n", 0600);
    kill(server.pid, SIGHUP);
    server_wait_for_log(&server, failed, 1);
    CZ_EXPECT_EQ(post(server.port, "/echo", "0123456789")->status, 200);
    write_text(settings, "HTTP_BODY_MAX=5\n", 0600);
    server_reload(&server);
    CZ_EXPECT_EQ(post(server.port, "/echo", "0123456789")->status, 413);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

static cz_str certificate_of(uint16_t port)
{
    char text[512] = "";
    FILE *out = popen(format("openssl s_client -connect 127.0.0.1:%u </dev/null 2>/dev/null | "
                             "openssl x509 -noout -ext subjectAltName",
                             port)
                          .ptr,
                      "r"); /* NOLINT(cert-env33-c): its words are the test's own */
    CZ_REQUIRE(out);
    size_t len = fread(text, 1, sizeof text - 1, out);
    cz_ignore(pclose(out)); /* the text tells */
    return format("%.*s", (int)len, text);
}

CZ_TEST(certificates_are_read_anew)
{
    certificates_make();
    const char *pem = in_directory("site.pem"), *key = in_directory("site.key");
    const char *const env[] = { format("TLS_CERTIFICATES=%s", pem).ptr,
                                format("TLS_KEYS=%s", key).ptr, NULL };
    static const char *const names[] = { "good", "elsewhere" };
    static const char *const hosts[] = { "DNS:localhost", "DNS:example.com" };
    struct server server;
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        const char *from = in_directory(names[i]);
        CZ_REQUIRE(!system(format("cp %s.pem %s; cp %s.key %s", from, pem, from, key).ptr));
        if (i == 0)
            server = server_start_on("lab", "127.0.0.1:0, https://127.0.0.1:0", 2, env);
        else
            server_reload(&server);
        cz_str told = certificate_of(server.tls_port);
        CZ_EXPECT_MSG(cz_str_find(told, cz_str_from(hosts[i])) != SIZE_MAX, "%.*s",
                      CZ_STR_ARG(told));
    }
    write_text(pem, "no certificate\n", 0600);
    kill(server.pid, SIGHUP);
    server_wait_for_log(&server, failed, 1);
    CZ_EXPECT(cz_str_find(certificate_of(server.tls_port), CZ_STR("example.com")) != SIZE_MAX);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- deaths on the way ---- */

/* Put in its place one that takes a while to start. */
static void install_slow(const char *path)
{
    install_script(
        path, format("[ \"$1\" = check ] || sleep 0.7; exec '%s' \"$@\"", binary_path("lab")).ptr);
}

/* Whether it is `PROGRAM run`, and not its check. */
static bool runs(pid_t pid)
{
    char words[1024];
    int fd = open(format("/proc/%d/cmdline", (int)pid).ptr, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, words, sizeof words);
    if (fd >= 0)
        close(fd);
    return len > 0 && memmem(words, (size_t)len, "run", sizeof "run");
}

/* The master that is not yet ready. */
static pid_t next_master(const struct server *server, pid_t current)
{
    pid_t masters[MASTERS_MAX];
    server_wait_for_log(server, "reloading", 1);
    for (int i = 0; i < WAIT_MS / 5; i++) {
        size_t count = server_masters(server, masters, MASTERS_MAX);
        for (size_t n = 0; n < count; n++) {
            pid_t child;
            if (masters[n] != current && runs(masters[n]) &&
                process_children(masters[n], &child, 1))
                return masters[n]; /* it sleeps */
        }
        sleep_ms(5);
    }
    return 0;
}

/* A server, its master and the next one, which is not yet ready. */
static struct server start_and_reload_slowly(pid_t *out_master, pid_t *out_next)
{
    const char *path = in_directory("program");
    install("lab", path);
    struct server server = server_start(path, 2, NULL);
    *out_master = server_only_master(&server);
    install_slow(path);
    kill(server.pid, SIGHUP);
    *out_next = next_master(&server, *out_master);
    CZ_REQUIRE(*out_next > 0);
    return server;
}

CZ_TEST(a_new_master_that_is_killed_changes_nothing)
{
    pid_t master, next;
    struct server server = start_and_reload_slowly(&master, &next);
    kill(next, SIGKILL);
    server_wait_for_log(&server, failed, 1);
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200);
    server_reload(&server); /* the slow one, in peace */
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(an_old_master_that_is_killed_meanwhile_is_followed_by_the_new_one)
{
    pid_t master, next;
    struct server server = start_and_reload_slowly(&master, &next);
    kill(master, SIGKILL);
    CZ_EXPECT_EQ(get(server.port, "/sleep/0")->status, 200); /* waits in the socket */
    server_wait_for_log(&server, SERVER_RELOADED, 1);
    CZ_EXPECT_EQ(server_only_master(&server), next);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_master_that_is_killed_is_replaced_and_its_waiting_connections_are_served)
{
    struct server server = load_server(LOAD_BIND, 2);
    pid_t master = server_only_master(&server);
    sleep_ms(1200); /* one that dies at its start is not */
    struct load load = load_start(&server);
    sleep_ms(100);
    kill(master, SIGKILL);
    server_wait_for_log(&server, SERVER_RELOADED, 1);
    CZ_EXPECT_EQ(server_logged(&server, "a master was killed"), 1);
    sleep_ms(100);
    load_stop(&load);
    load_expect_no_failure(&load); /* its workers have answered what they had */
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < WAIT_MS / 10; i++) {
        if (kill(pid, 0) && errno == ESRCH)
            return true;
        sleep_ms(10);
    }
    return false;
}

CZ_TEST(all_end_with_the_process_that_was_started)
{
    struct server server = server_start("lab", 2, NULL);
    server_reload(&server);
    pid_t workers[WORKERS_MAX], master = server_only_master(&server);
    size_t count = server_workers(&server, workers, WORKERS_MAX);
    CZ_EXPECT_EQ(count, 2);
    kill(server.pid, SIGKILL);
    CZ_EXPECT(server_wait(&server) < 0);
    CZ_EXPECT(is_gone(master));
    for (size_t i = 0; i < count; i++)
        CZ_EXPECT(is_gone(workers[i]));
}

CZ_TEST(a_stop_in_the_middle_of_a_reload_ends_both_generations)
{
    pid_t master, next;
    struct server server = start_and_reload_slowly(&master, &next);
    cz_wire *wire = cz_wire_open(server.port); /* under way when it comes */
    cz_wire_send(wire, CZ_STR("GET /sleep/300 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    sleep_ms(50);
    kill(server.pid, SIGTERM);
    const cz_answer *answer = cz_wire_next(wire, WAIT_MS);
    CZ_EXPECT(answer && answer->status == 200);
    cz_wire_close(wire);
    CZ_EXPECT_EQ(server_wait(&server), 0);
    CZ_EXPECT(is_gone(master) && is_gone(next));
}
