/* What a server does when workers die, clients leave and a stop comes in the middle of work. */
#include "server.h"
#include <calzone/time.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECONDS_10 = 10000, WORKERS_MAX = 8 };

static bool contains(cz_str text, const char *part)
{
    return cz_str_find(text, cz_str_from(part)) != SIZE_MAX;
}

static bool is_one_of(pid_t pid, const pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* Wait until `count` workers live of which none is `gone`. Returns the milliseconds it took. */
static int wait_for_replacement(const struct server *server, pid_t gone, size_t count)
{
    int64_t start_us = cz_monotonic_us();
    while (cz_monotonic_us() - start_us < 10 * 1000000) {
        pid_t pids[WORKERS_MAX];
        size_t alive = server_workers(server, pids, WORKERS_MAX);
        if (alive >= count && !is_one_of(gone, pids, alive))
            break;
        sleep_ms(1);
    }
    return (int)((cz_monotonic_us() - start_us) / 1000);
}

/* ---- a load: connections that each have one request under way ---- */

enum { LINES_MAX = 64 };

struct line {
    int fd; /* -1: closed */
    size_t sent, got;
    char bytes[400];
    size_t len;
    char answer[2048];
    int asked;    /* requests sent whole */
    int answered; /* with a whole answer */
    int number;   /* of the request under way */
};

static void line_open(struct line *line, uint16_t port)
{
    cz_wire *wire = cz_wire_open(port);
    line->fd = wire->fd;
    cz_free(wire);
    line->sent = line->len = line->got = 0;
}

static void line_close(struct line *line)
{
    close(line->fd);
    line->fd = -1;
}

/* Begin the next request. */
static void line_ask(struct line *line, cz_str bytes, int number)
{
    CZ_REQUIRE(bytes.len < sizeof line->bytes);
    memcpy(line->bytes, bytes.ptr, bytes.len);
    line->len = bytes.len;
    line->sent = line->got = 0;
    line->number = number;
}

enum outcome { GOING_ON, ANSWERED, BROKEN };

/* Send and receive what can be without waiting. */
static enum outcome line_step(struct line *line, int *out_status)
{
    while (line->sent < line->len) {
        ssize_t n = send(line->fd, line->bytes + line->sent, line->len - line->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            break;
        line->sent += (size_t)n;
        if (line->sent == line->len)
            line->asked++;
    }
    ssize_t n =
        recv(line->fd, line->answer + line->got, sizeof line->answer - line->got, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN ? GOING_ON : BROKEN;
    if (n == 0)
        return BROKEN;
    line->got += (size_t)n;
    cz_answer answer = { 0 };
    if (!cz__answer_parse(cz_str_of(line->answer, line->got), false, false, &answer))
        return GOING_ON;
    line->answered++;
    *out_status = answer.status;
    return ANSWERED;
}

static void wait_for_lines(const struct line *lines, int count)
{
    struct pollfd fds[LINES_MAX];
    for (int i = 0; i < count; i++)
        fds[i] = (struct pollfd){ .fd = lines[i].fd, .events = POLLIN };
    poll(fds, (nfds_t)count, 20);
}

/* ---- workers that die ---- */

CZ_TEST(a_crash_report_names_the_route)
{
    struct server server = server_start("lab", 2, NULL);
    const cz_answer *answer =
        ask_raw(server.port, CZ_STR("GET /crash HTTP/1.1\r\nHost: localhost\r\n"
                                    "X-Request-Id: crash-test-id\r\n\r\n"));
    CZ_EXPECT(!answer);
    for (int i = 0; i < 300 && !contains(server_log(&server), "/crash"); i++)
        sleep_ms(10);
    cz_str log = server_log(&server);
    CZ_EXPECT_MSG(contains(log, "/crash") && contains(log, "crash-test-id"), "%.*s",
                  CZ_STR_ARG(log));
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "0");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(an_error_is_answered_without_its_secrets_and_logged_with_them)
{
    const char *env[] = { "ENV=production", "ALLOWED_HOSTS=localhost",
                          "SECRET_KEY=of the test alone", NULL };
    const char *create_env[] = {
        env[0], env[1], env[2], format("DATABASE_URL=sqlite://%s/test.db", cz_test_directory()).ptr,
        NULL
    };
    const char *const create[] = { "lab", "createtables", NULL };
    CZ_REQUIRE(run_binary("lab", create, create_env, NULL) == 0);
    struct server server = server_start("lab", 1, env);
    const cz_answer *answer = get(server.port, "/fail");
    CZ_EXPECT_STATUS(answer, 500);
    CZ_EXPECT(!contains(answer->body, "secret"));
    CZ_EXPECT_EQ(server_stop(&server), 0);
    CZ_EXPECT(contains(server_log(&server), "the secret of the lab"));
}

CZ_TEST(a_killed_worker_is_replaced_and_the_others_do_not_notice)
{
    struct server server = server_start("lab", 2, NULL);
    pid_t pids[WORKERS_MAX];
    wait_for_replacement(&server, -1, 2);
    size_t count = server_workers(&server, pids, WORKERS_MAX);
    CZ_REQUIRE(count == 2);
    struct line lines[16] = { 0 };
    int broken = 0, status = 0;
    for (size_t i = 0; i < CZ_COUNT(lines); i++)
        line_open(&lines[i], server.port);
    int64_t start_us = cz_monotonic_us(), killed_us = 0;
    cz_str request = CZ_STR("GET /sleep/1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (cz_monotonic_us() - start_us < 1000000) {
        for (size_t i = 0; i < CZ_COUNT(lines); i++) {
            if (lines[i].fd < 0)
                continue;
            if (lines[i].sent == lines[i].len && lines[i].asked == lines[i].answered)
                line_ask(&lines[i], request, 0);
            enum outcome outcome = line_step(&lines[i], &status);
            if (outcome == BROKEN) {
                broken++;
                line_close(&lines[i]);
            } else if (outcome == ANSWERED) {
                CZ_EXPECT_EQ(status, 200);
            }
        }
        if (!killed_us && cz_monotonic_us() - start_us > 300000) {
            CZ_EXPECT_EQ(broken, 0);
            killed_us = cz_monotonic_us();
            kill(pids[0], SIGKILL);
            int ms = wait_for_replacement(&server, pids[0], 2);
            if (!is_sanitized())
                CZ_EXPECT_MSG(ms < 100, "replaced after %d ms", ms);
        }
        wait_for_lines(lines, (int)CZ_COUNT(lines));
    }
    int alive = (int)CZ_COUNT(lines) - broken, answered = 0;
    for (size_t i = 0; i < CZ_COUNT(lines); i++) {
        answered += lines[i].answered;
        if (lines[i].fd >= 0)
            line_close(&lines[i]);
    }
    /* 16 connections over two sockets by hash: all on one is a chance of 2^-15 */
    CZ_EXPECT_MSG(alive > 0 && broken > 0, "%d lived, %d broke", alive, broken);
    CZ_EXPECT(answered > 50);
    for (int i = 0; i < 20; i++) /* both sockets answer again */
        CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- rows that were promised ---- */

static int promised_once(sqlite3 *db, const unsigned char *promised, int count)
{
    sqlite3_stmt *statement;
    int wrong = 0;
    CZ_REQUIRE(sqlite3_prepare_v2(db, "SELECT count(*) FROM store_book WHERE title = ?", -1,
                                  &statement, NULL) == SQLITE_OK);
    for (int i = 0; i < count; i++) {
        cz_str title = format("t%d", i);
        sqlite3_bind_text(statement, 1, title.ptr, (int)title.len, SQLITE_STATIC);
        int rows = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
        wrong += promised[i] ? rows != 1 : rows > 1;
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return wrong;
}

static cz_str pragma(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    CZ_REQUIRE(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    CZ_REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    cz_str text = format("%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

/* Kill one worker at random of those seen for longer than the second after which a death is no failed
 * start: sooner, its replacement would wait longer each time. */
static bool kill_one(const struct server *server)
{
    static struct {
        pid_t pid;
        int64_t since_us;
    } seen[WORKERS_MAX], next[WORKERS_MAX];
    pid_t pids[WORKERS_MAX], old[WORKERS_MAX];
    size_t count = server_workers(server, pids, WORKERS_MAX), old_count = 0;
    int64_t now_us = cz_monotonic_us();
    for (size_t i = 0; i < count; i++) {
        next[i].pid = pids[i];
        next[i].since_us = now_us;
        for (size_t k = 0; k < WORKERS_MAX; k++)
            if (seen[k].pid == pids[i])
                next[i].since_us = seen[k].since_us;
        if (now_us - next[i].since_us > 1300000)
            old[old_count++] = pids[i];
    }
    memset(seen, 0, sizeof seen);
    memcpy(seen, next, count * sizeof *next);
    if (old_count)
        kill(old[(size_t)random() % old_count], SIGKILL);
    return old_count > 0;
}

CZ_TEST(every_row_that_was_promised_survives_killed_workers)
{
    enum { POSTS_MAX = 400000, LINES = 12 };
    static unsigned char promised[POSTS_MAX];
    static struct line lines[LINES];
    static const char *const env[] = { BOOKSTORE_SERVICE, "RATE_LIMIT=false", NULL };
    struct server server = server_start("bookstore", WORKERS_MAX, env);
    ask_always = BOOKSTORE_SERVICE_HEADER;
    CZ_EXPECT_STATUS(post(server.port, "/v2/authors", "{\"name\":\"A\"}"), 201);
    for (int i = 0; i < LINES; i++)
        line_open(&lines[i], server.port);
    int kills = 0, wanted = full_or_short(100, 20), number = 0, made = 0, status = 0;
    int64_t next_us = cz_monotonic_us() + 50000;
    srandom(7);
    int64_t until_us = cz_monotonic_us() + 60 * (int64_t)1000000;
    while (kills < wanted && number < POSTS_MAX && cz_monotonic_us() < until_us) {
        for (int i = 0; i < LINES; i++) {
            struct line *line = &lines[i];
            if (line->sent == line->len && line->asked == line->answered) {
                char body[80];
                int len =
                    snprintf(body, sizeof body,
                             "{\"title\":\"t%d\",\"author\":1,\"category\":\"drama\"}", number);
                char bytes[400];
                int total = snprintf(
                    bytes, sizeof bytes,
                    "POST /v2/books HTTP/1.1\r\nHost: localhost\r\n" BOOKSTORE_SERVICE_HEADER
                    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                    len, body);
                line_ask(line, cz_str_of(bytes, (size_t)total), number++);
            }
            enum outcome outcome = line_step(line, &status);
            if (outcome == ANSWERED && status == 201) {
                promised[line->number] = 1;
                made++;
            } else if (outcome == ANSWERED) {
                CZ_EXPECT_MSG(status == 503, "answered %d", status);
            } else if (outcome == BROKEN) {
                line_close(line);
                line->asked = line->answered;
                line_open(line, server.port);
            }
        }
        if (cz_monotonic_us() > next_us) {
            kills += kill_one(&server);
            next_us = cz_monotonic_us() + 100000;
        }
        wait_for_lines(lines, LINES);
    }
    for (int i = 0; i < LINES; i++)
        line_close(&lines[i]);
    CZ_EXPECT_EQ(kills, wanted);
    CZ_EXPECT_MSG(made > kills, "%d books made", made);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    sqlite3 *db;
    CZ_REQUIRE(sqlite3_open_v2(server.database, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    CZ_EXPECT_EQ(promised_once(db, promised, number), 0);
    CZ_EXPECT_STR(pragma(db, "PRAGMA integrity_check"), "ok");
    sqlite3_close(db);
    fprintf(stderr, "%d books over %d kills\n", made, kills);
}

/* ---- a stop under load ---- */

CZ_TEST(a_stop_under_load_answers_every_request_that_was_accepted)
{
    struct server server = server_start("lab", 2, NULL);
    static struct line lines[32];
    int status = 0, open = (int)CZ_COUNT(lines), bad = 0;
    for (size_t i = 0; i < CZ_COUNT(lines); i++)
        line_open(&lines[i], server.port);
    int64_t start_us = cz_monotonic_us();
    cz_str request = CZ_STR("GET /sleep/20 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    bool stopping = false;
    while (open && cz_monotonic_us() - start_us < 20 * 1000000) {
        for (size_t i = 0; i < CZ_COUNT(lines); i++) {
            struct line *line = &lines[i];
            if (line->fd < 0)
                continue;
            if (!stopping && line->sent == line->len && line->asked == line->answered)
                line_ask(line, request, 0);
            enum outcome outcome = line_step(line, &status);
            if (outcome == ANSWERED)
                bad += status != 200;
            if (outcome == BROKEN) {
                bad += line->asked != line->answered;
                line_close(line);
                open--;
            }
        }
        if (!stopping && cz_monotonic_us() - start_us > 300000) {
            /* every line has a whole request out: in a handler, in the server's buffer or on its way */
            for (size_t i = 0; i < CZ_COUNT(lines); i++) {
                struct line *line = &lines[i];
                if (line->asked > line->answered)
                    continue;
                line_ask(line, request, 0);
                CZ_REQUIRE(send(line->fd, line->bytes, line->len, MSG_NOSIGNAL) ==
                           (ssize_t)line->len);
                line->sent = line->len;
                line->asked++;
            }
            stopping = true;
            kill(server.pid, SIGTERM);
        }
        wait_for_lines(lines, (int)CZ_COUNT(lines));
    }
    CZ_EXPECT(stopping);
    CZ_EXPECT_EQ(open, 0);
    CZ_EXPECT_EQ(bad, 0);
    CZ_EXPECT_EQ(server_wait(&server), 0);
}

/* ---- one turn, many requests ---- */

CZ_TEST(a_handler_sees_its_own_row_among_readers_of_the_same_turn)
{
    enum { READERS = 64 };
    struct server server = server_start("lab", 1, NULL);
    cz_wire *readers[READERS], *writer = cz_wire_open(server.port),
                               *holder = cz_wire_open(server.port);
    for (int i = 0; i < READERS; i++)
        readers[i] = cz_wire_open(server.port);
    for (int round = 0; round < 10; round++) {
        CZ_REQUIRE(
            cz_wire_send(holder, CZ_STR("GET /hold/60 HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        sleep_ms(10); /* the worker is held; what follows is read in its next turn */
        for (int i = 0; i < READERS; i++) {
            CZ_REQUIRE(
                cz_wire_send(readers[i], CZ_STR("GET /notes HTTP/1.1\r\nHost: localhost\r\n\r\n")));
            if (i == READERS / 2) {
                cz_str bytes = format("POST /notes HTTP/1.1\r\nHost: localhost\r\n"
                                      "Content-Length: 2\r\n\r\nn%d",
                                      round);
                CZ_REQUIRE(cz_wire_send(writer, bytes));
            }
        }
        CZ_REQUIRE(cz_wire_next(holder, SECONDS_10));
        const cz_answer *answer = cz_wire_next(writer, SECONDS_10);
        CZ_REQUIRE(answer);
        CZ_EXPECT_STATUS(answer, 201);
        for (int i = 0; i < READERS; i++) {
            answer = cz_wire_next(readers[i], SECONDS_10);
            CZ_REQUIRE(answer);
            uint64_t count = UINT64_MAX;
            CZ_EXPECT(!cz_str_to_u64(answer->body, &count) && (int)count >= round &&
                      (int)count <= round + 1);
        }
    }
    for (int i = 0; i < READERS; i++)
        cz_wire_close(readers[i]);
    cz_wire_close(writer);
    cz_wire_close(holder);
    CZ_EXPECT_STATUS(ask(server.port, "POST", "/no-notes", NULL, "rolled back"), 400);
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "10");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(blocking_work_and_sleep_do_not_hold_up_others)
{
    struct server server = server_start("lab", 1, NULL);
    cz_wire *slow[2] = { cz_wire_open(server.port), cz_wire_open(server.port) };
    CZ_REQUIRE(
        cz_wire_send(slow[0], CZ_STR("GET /offload/400 HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    CZ_REQUIRE(cz_wire_send(slow[1], CZ_STR("GET /sleep/400 HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    int64_t start_us = cz_monotonic_us();
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "0");
    CZ_EXPECT(cz_monotonic_us() - start_us < 300000);
    for (size_t i = 0; i < 2; i++)
        CZ_EXPECT(cz_wire_next(slow[i], SECONDS_10));
    for (size_t i = 0; i < 2; i++)
        cz_wire_close(slow[i]);
    CZ_EXPECT(cz_monotonic_us() - start_us < 780000); /* beside each other */
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- clients that leave ---- */

CZ_TEST(clients_that_leave_in_the_middle_of_anything_leave_nothing_behind)
{
    static const char *const requests[] = {
        "GET /mix HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /mix HTTP/1.1\r\nHost: localhost\r\n\r\nGET /mix HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /offload/2 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /sleep/50 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /no-notes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nnone",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400\r\n\r\nnot all of it",
        "GET /notes HTTP/1.1\r\nHost: loc",
    };
    struct server server = server_start("lab", 1, NULL);
    int wanted = full_or_short(10000, 1000);
    int64_t until_us = cz_monotonic_us() + 60 * (int64_t)1000000;
    int left = 0;
    enum { AT_ONCE = 16 };
    while (left < wanted && cz_monotonic_us() < until_us) {
        cz_wire *wires[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            wires[i] = cz_wire_open(server.port);
            cz_ignore(cz_wire_send(wires[i],
                                   cz_str_from(requests[(size_t)(left + i) % CZ_COUNT(requests)])));
        }
        if (left % 5)
            sleep_ms(left % 3); /* begun, suspended or in the pool */
        for (int i = 0; i < AT_ONCE; i++)
            if (i % 2)
                cz_wire_abort(wires[i]);
            else
                cz_wire_close(wires[i]);
        left += AT_ONCE;
    }
    CZ_EXPECT_MSG(left >= wanted, "only %d clients left in a minute", left);
    sleep_ms(200);
    const cz_answer *answer = get(server.port, "/mix");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_STR(answer->body, "1"); /* every other one has run its clean-ups */
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "0");
    pid_t pids[WORKERS_MAX];
    CZ_EXPECT_EQ(server_workers(&server, pids, WORKERS_MAX), 1);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
