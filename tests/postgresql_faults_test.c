/* What a site on PostgreSQL does when the server ends its connections, goes away or stops answering. Each test
 * has a server of its own, so that it can be treated badly. */
#include "postgresql_server.h"
#include <calzone/time.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 4, NAMES_MAX = 20000 };

/* ---- a server ---- */

static struct pg pg;

static cz_str sql(const char *text)
{
    return pg_script("sql", pg.folder, text);
}

static void remove_server(void)
{
    pg_remove(&pg);
}

static void make_server(void)
{
    pg_create(&pg);
    atexit(remove_server);
    pg_run(&pg);
}

static struct server start(unsigned workers, const char *parameters)
{
    make_server();
    const char *env[] = {
        BOOKSTORE_SERVICE,
        format("DATABASE_URL=%s?application_name=site&%s", pg.url, parameters).ptr, NULL
    };
    ask_always = BOOKSTORE_SERVICE_HEADER;
    struct server server = server_start("bookstore", workers, env);
    CZ_EXPECT_STATUS(post(server.port, "/v2/authors", "{\"name\":\"Ovid\"}"), 201);
    return server;
}

/* ---- clients that write, each in a process of its own ---- */

static struct { /* where, and what is stored then */
    const char *path, *stored;
} site = { "/v2/authors", "SELECT name FROM store_author" };

static struct board { /* shared by the clients and the test */
    volatile int stop;
    volatile uint16_t answers[CLIENTS][NAMES_MAX]; /* HTTP status; 0: none */
    volatile int count[CLIENTS];
} * board;

static void client(uint16_t port, int number)
{
    for (int i = 0; i < NAMES_MAX && !board->stop; i++) {
        cz_str body = format("{\"name\":\"c%d-%d\"}", number, i);
        const cz_answer *answer = ask_raw(
            port, format("POST %s HTTP/1.1\r\nHost: localhost\r\n" BOOKSTORE_SERVICE_HEADER
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                         site.path, body.len, CZ_STR_ARG(body)));
        board->answers[number][i] = answer ? (uint16_t)answer->status : 0;
        board->count[number] = i + 1;
        sleep_ms(answer && answer->status == 201 ? 1 : 5);
    }
    _exit(0);
}

static void start_clients(uint16_t port, pid_t pids[CLIENTS])
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(board != MAP_FAILED);
    for (int i = 0; i < CLIENTS; i++) {
        fflush(NULL);
        pids[i] = fork();
        CZ_REQUIRE(pids[i] >= 0);
        if (pids[i] == 0)
            client(port, i);
    }
}

/* How many of these names, "('c0-1'),('c0-2')", are stored. */
static cz_str count_stored(cz_buf *names)
{
    /* through a file: the list is longer than an argument may be */
    const char *path = format("%s/names", pg.folder).ptr;
    FILE *file = fopen(path, "we");
    CZ_REQUIRE(file);
    fprintf(file, "%s", names->len ? cz_buf_cstr(names) : "");
    fclose(file);
    CZ_EXPECT(chmod(path, 0644) == 0);
    cz_buf_done(names);
    return sql(format("SELECT count(*) FROM (SELECT (regexp_matches(pg_read_file('%s'), "
                      "'c[0-9]+-[0-9]+', 'g'))[1] AS name) a "
                      "WHERE name IN (%s)",
                      path, site.stored)
                   .ptr);
}

/* What was acknowledged is stored, once; what was refused (503) is not; the rest is, at most once. Returns how
 * many were acknowledged. */
static int check_clients(const pid_t pids[CLIENTS], int *out_unanswered)
{
    board->stop = 1;
    for (int i = 0; i < CLIENTS; i++)
        CZ_EXPECT(waitpid(pids[i], NULL, 0) == pids[i]);
    cz_str twice = sql(format("SELECT count(*) FROM (SELECT name FROM (%s) s (name) GROUP BY name "
                              "HAVING count(*) > 1) t",
                              site.stored)
                           .ptr);
    CZ_EXPECT_STR(twice, "0");
    int acknowledged = 0;
    *out_unanswered = 0;
    cz_buf list = { 0 }, refused = { 0 };
    for (int c = 0; c < CLIENTS; c++)
        for (int i = 0; i < board->count[c]; i++) {
            uint16_t answer = board->answers[c][i];
            if (answer == 201 || answer == 503)
                cz_buf_printf(answer == 201 ? &list : &refused, "('c%d-%d')", c, i);
            acknowledged += answer == 201;
            *out_unanswered += answer != 201;
            CZ_EXPECT_MSG(answer == 201 || answer == 503 || answer == 500,
                          "a change was answered with %d", answer);
        }
    CZ_REQUIRE(acknowledged > 0);
    CZ_EXPECT_STR(count_stored(&list), format("%d", acknowledged).ptr);
    CZ_EXPECT_STR(count_stored(&refused), "0");
    return acknowledged;
}

/* ---- the tests ---- */

CZ_TEST(postgresql_connections_ended_under_load_lose_nothing_acknowledged)
{
    struct server server = start(2, "pool_size=3");
    pid_t pids[CLIENTS];
    start_clients(server.port, pids);
    int rounds = full_or_short(20, 6), reads = 0, refused = 0;
    for (int i = 0; i < rounds; i++) {
        sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'site'");
        for (int r = 0; r < 10; r++, reads++) {
            const cz_answer *answer = get(server.port, "/v2/authors/1");
            CZ_EXPECT_MSG(answer->status == 200 || answer->status == 503, "%d", answer->status);
            refused += answer->status != 200;
        }
    }
    int unanswered, acknowledged = check_clients(pids, &unanswered);
    CZ_EXPECT_MSG(refused * 10 <= reads, "%d of %d reads were refused", refused, reads);
    CZ_EXPECT(acknowledged > rounds);
    CZ_EXPECT_STATUS(get(server.port, "/v2/authors/1"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* A server that is asked to end a connection while it commits ends it when it has: the rows are stored, and its
 * last words are those of one that refuses. Here each commit takes a while, or waits for a replica for ever. */
static void end_commits(const char *program, const char *setting, int rounds)
{
    make_server();
    const char *env[] = { format("DATABASE_URL=%s?application_name=site&pool_size=4", pg.url).ptr,
                          BOOKSTORE_SERVICE, NULL };
    struct server server = server_start(program, 1, env);
    const char *const settings[] = { "fsync = on", "commit_siblings = 0", setting };
    for (size_t i = 0; i < CZ_COUNT(settings); i++)
        sql(format("ALTER SYSTEM SET %s", settings[i]).ptr);
    sql("SELECT pg_reload_conf()");
    pid_t pids[CLIENTS];
    start_clients(server.port, pids);
    sql(format("DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM pg_stat_clear_snapshot(), pg_sleep(0.05); "
               "PERFORM pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE application_name = 'site' AND state <> 'idle'; END LOOP; END $$",
               rounds)
            .ptr);
    sql("ALTER SYSTEM RESET synchronous_standby_names");
    sql("SELECT pg_reload_conf()");
    CZ_EXPECT(!cz_str_eq(sql("SELECT sum(sessions_killed) FROM pg_stat_database"), CZ_STR("0")));
    int unanswered;
    check_clients(pids, &unanswered);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

static void end_transactions(const char *setting, int rounds)
{
    site.path = "/slow-notes/0";
    site.stored = "SELECT substring(text FROM 'c[0-9]+-[0-9]+') FROM notes_note";
    end_commits("lab", setting, rounds);
}

static int count_unknown(void)
{
    int unknown = 0;
    for (int c = 0; c < CLIENTS; c++)
        for (int i = 0; i < board->count[c]; i++)
            unknown += board->answers[c][i] == 500;
    return unknown;
}

CZ_TEST(a_commit_that_postgresql_confirms_before_it_ends_the_connection_is_none_refused)
{
    end_transactions("commit_delay = 20000", full_or_short(100, 30));
}

CZ_TEST(a_commit_that_postgresql_does_not_confirm_is_none_refused)
{
    end_transactions("synchronous_standby_names = 'nobody'", full_or_short(40, 20));
    CZ_EXPECT(count_unknown() > 0);
}

/* The same of changes outside transactions, which share a connection: what ends it ends them all. */
CZ_TEST(a_change_whose_connection_postgresql_ends_in_the_middle_is_none_refused)
{
    end_commits("bookstore", "commit_delay = 20000", full_or_short(100, 30));
    CZ_EXPECT(count_unknown() > 0);
}

CZ_TEST(a_change_that_postgresql_does_not_confirm_is_none_refused)
{
    end_commits("bookstore", "synchronous_standby_names = 'nobody'", full_or_short(40, 20));
    CZ_EXPECT(count_unknown() > 0);
}

/* Ask until the site answers 200 again; the milliseconds that took. */
static int heal_ms(uint16_t port)
{
    int64_t began = cz_monotonic_us();
    while (get(port, "/v2/authors/1")->status != 200 && cz_monotonic_us() - began < 10000000)
        sleep_ms(10);
    return (int)((cz_monotonic_us() - began) / 1000);
}

static int slowest_refusal_ms(uint16_t port, int count)
{
    int64_t slowest = 0;
    for (int i = 0; i < count; i++) {
        int64_t began = cz_monotonic_us();
        const cz_answer *answer = get(port, "/v2/authors/1");
        int64_t took = cz_monotonic_us() - began;
        CZ_EXPECT_STATUS(answer, 503);
        CZ_EXPECT(cz_answer_header(answer, "Retry-After").len > 0);
        slowest = took > slowest ? took : slowest;
        sleep_ms(20);
    }
    return (int)(slowest / 1000);
}

CZ_TEST(a_postgresql_that_comes_back_is_used_again_within_a_second)
{
    struct server server = start(1, "");
    pid_t pids[CLIENTS];
    for (int i = 0; i < full_or_short(3, 1); i++) {
        start_clients(server.port, pids);
        sleep_ms(200);
        pg_end(&pg);
        int slowest = slowest_refusal_ms(server.port, 30);
        CZ_EXPECT_MSG(slowest < 500, "a refusal took %d ms", slowest);
        pg_run(&pg);
        int healed = heal_ms(server.port);
        CZ_EXPECT_MSG(healed < 1000, "healed after %d ms", healed);
        sleep_ms(100);
        int unanswered;
        check_clients(pids, &unanswered);
        CZ_EXPECT(unanswered > 0);
        sql("DELETE FROM store_author WHERE id > 1");
        munmap(board, sizeof *board);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_postgresql_that_stops_answering_is_noticed_and_costs_little)
{
    struct server server = start(1, "");
    for (int i = 0; i < 3; i++)
        CZ_EXPECT_STATUS(get(server.port, "/v2/authors/1"), 200);
    pg_script("signal", "STOP", pg.folder);
    int first = slowest_refusal_ms(server.port, 1);
    CZ_EXPECT_MSG(first < 3500, "noticed after %d ms", first);
    int next = slowest_refusal_ms(server.port, 20);
    CZ_EXPECT_MSG(next < 600, "a refusal took %d ms", next);
    pg_script("signal", "CONT", pg.folder);
    int healed = heal_ms(server.port);
    CZ_EXPECT_MSG(healed < 1000, "healed after %d ms", healed);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_locked_postgresql_table_holds_up_those_who_read_it_and_no_others)
{
    struct server server = start(1, "");
    CZ_EXPECT_STATUS(get(server.port, "/v2/books"), 200);
    CZ_EXPECT_STATUS(get(server.port, "/v2/authors/1"), 200);
    fflush(NULL);
    pid_t locker = fork();
    CZ_REQUIRE(locker >= 0);
    if (locker == 0) {
        sql("BEGIN; LOCK TABLE store_book; SELECT pg_sleep(2); COMMIT");
        _exit(0);
    }
    sleep_ms(300);
    int answered[2];
    CZ_REQUIRE(!pipe2(answered, O_CLOEXEC));
    pid_t reader = fork();
    CZ_REQUIRE(reader >= 0);
    if (reader == 0) {
        int status = get(server.port, "/v2/books")->status;
        cz_ignore(write(answered[1], &status, sizeof status) < 0);
        _exit(0);
    }
    sleep_ms(20);
    int64_t slowest = 0, second = 0;
    for (int i = 0; i < 100; i++) {
        int64_t began = cz_monotonic_us();
        CZ_EXPECT_STATUS(get(server.port, "/v2/authors/1"), 200);
        int64_t took = cz_monotonic_us() - began;
        if (took > slowest) {
            second = slowest;
            slowest = took;
        } else if (took > second) {
            second = took;
        }
    }
    /* those behind it wait for its time-out once, the rest not at all */
    CZ_EXPECT_MSG(slowest < 300 * 1000 && second < 50 * 1000, "%lld us, %lld us",
                  (long long)slowest, (long long)second);
    int status = 0;
    CZ_EXPECT(read(answered[0], &status, sizeof status) == sizeof status);
    CZ_EXPECT_EQ(status, 200);
    waitpid(reader, NULL, 0);
    waitpid(locker, NULL, 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(postgresql_over_tls_proves_who_it_is_and_asks_for_the_password)
{
    make_server();
    pg_script("tls", pg.folder, NULL);
    cz_str rest = cz_str_from(pg.url);
    rest = cz_str_tail(rest, cz_str_find(rest, CZ_STR("127.0.0.1:")) + strlen("127.0.0.1:"));
    cz_str port = cz_str_cut(&rest, '/');
    const struct {
        const char *host, *password, *parameters, *said; /* said: NULL: it connects */
    } cases[] = {
        { "localhost", "p%40ss%20word",
          "sslmode=verify-full&sslrootcert=%s/certificates/authority.crt", NULL },
        { "localhost", "p%40ss%20word", "sslmode=require", NULL },
        { "localhost", "wrong", "sslmode=verify-full&sslrootcert=%s/certificates/authority.crt",
          "password authentication failed" },
        { "localhost", "p%40ss%20word",
          "sslmode=verify-full&sslrootcert=%s/certificates/stranger.crt",
          "certificate verify failed" },
        { "127.0.0.1", "p%40ss%20word",
          "sslmode=verify-full&sslrootcert=%s/certificates/authority.crt",
          "does not match host name" },
        { "localhost", "p%40ss%20word", "sslmode=disable", "no encryption" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *where = strstr(cases[i].parameters, "%s");
        const char *parameters = where ? format("%.*s%s%s", (int)(where - cases[i].parameters),
                                                cases[i].parameters, pg.folder, where + 2)
                                             .ptr
                                       : cases[i].parameters;
        const char *env[] = { "ENV=test",
                              format("DATABASE_URL=postgresql://guarded:%s@%s:%.*s/postgres?%s",
                                     cases[i].password, cases[i].host, CZ_STR_ARG(port), parameters)
                                  .ptr,
                              NULL };
        const char *const argv[] = { "bookstore", "migrate", NULL };
        cz_str out;
        cz_ignore(run_binary("bookstore", argv, env, &out)); /* this role may not create tables */
        const char *said = cases[i].said ? cases[i].said : "permission denied";
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(said)) != SIZE_MAX, "%s %s: %.*s", cases[i].host,
                      parameters, CZ_STR_ARG(out));
        CZ_EXPECT(cz_str_find(out, CZ_STR("p@ss")) == SIZE_MAX);
    }
}

/* ---- notifications ---- */

/* Ask until the site has heard `wanted`, for at most 5 s; what it has heard. */
static cz_str hear(uint16_t port, const char *wanted)
{
    cz_str heard = { 0 };
    for (int i = 0; i < 250; i++) {
        heard = get(port, "/heard")->body;
        if (cz_str_find(heard, cz_str_from(wanted)) != SIZE_MAX)
            return heard;
        sleep_ms(20);
    }
    CZ_EXPECT_MSG(false, "\"%s\" was not heard, but \"%.*s\"", wanted, CZ_STR_ARG(heard));
    return heard;
}

static struct server start_ear(void)
{
    make_server();
    const char *env[] = { format("DATABASE_URL=%s?application_name=ear", pg.url).ptr, NULL };
    struct server server = server_start("ear", 1, env);
    for (int i = 0; i < 250 && get(server.port, "/heard")->body.len == 0; i++) {
        CZ_EXPECT_STATUS(post(server.port, "/send/news", "ready"), 200);
        sleep_ms(20);
    }
    return server;
}

CZ_TEST(notifications_are_heard_when_they_are_committed)
{
    struct server server = start_ear();
    CZ_EXPECT_STATUS(post(server.port, "/send/quoted", "of upper case"), 200);
    hear(server.port, "News \"x\":of upper case\n");
    sql("NOTIFY news, 'from elsewhere'");
    hear(server.port, "news:from elsewhere\n");
    /* inside a transaction */
    CZ_EXPECT_STATUS(post(server.port, "/send-and-fail", "never"), 400);
    fflush(NULL);
    pid_t sender = fork();
    CZ_REQUIRE(sender >= 0);
    if (sender == 0) {
        cz_ignore(post(server.port, "/send-in-transaction", "late") == NULL);
        _exit(0);
    }
    sleep_ms(100);
    cz_str before = get(server.port, "/heard")->body;
    CZ_EXPECT(cz_str_find(before, CZ_STR("late")) == SIZE_MAX);
    cz_str after = hear(server.port, "news:late\n");
    waitpid(sender, NULL, 0);
    CZ_EXPECT(cz_str_find(after, CZ_STR("never")) == SIZE_MAX);
    /* one that raises takes no other along */
    CZ_EXPECT_STATUS(post(server.port, "/send/bad", "this"), 200);
    CZ_EXPECT_STATUS(post(server.port, "/send/news", "after bad"), 200);
    hear(server.port, "news:after bad\n");
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("this is not to be heard")) != SIZE_MAX);
    /* limits */
    cz_buf large = { 0 };
    for (int i = 0; i < 7999; i++)
        cz_buf_append_char(&large, 'x');
    CZ_EXPECT_STATUS(post(server.port, "/send/news", cz_buf_cstr(&large)), 200);
    hear(server.port, format("news:%s\n", cz_buf_cstr(&large)).ptr);
    cz_buf_append_char(&large, 'x');
    CZ_EXPECT_STATUS(post(server.port, "/send/news", cz_buf_cstr(&large)), 413);
    cz_buf_done(&large);
    static const char longest[] = "c23456789012345678901234567890123456789012345678901234567890123";
    CZ_EXPECT_STATUS(post(server.port, format("/send/%s", longest).ptr, "x"), 200);
    CZ_EXPECT_STATUS(post(server.port, format("/send/%s4", longest).ptr, "x"), 500);
    CZ_EXPECT_STATUS(post(server.port, "/send/news", "\377"), 400);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(more_notifications_than_handlers_wait_in_order)
{
    struct server server = start_ear();
    CZ_EXPECT_STATUS(post(server.port, "/send-many/news/300", ""), 200);
    cz_str heard = hear(server.port, "news:299\n");
    size_t at = 0;
    for (int i = 0; i < 300; i++) { /* handlers that do not wait end in order, too */
        cz_str line = format("news:%d\n", i);
        size_t found = cz_str_find(cz_str_tail(heard, at), line);
        CZ_REQUIRE(found != SIZE_MAX);
        at += found + line.len;
    }
    CZ_EXPECT_STATUS(post(server.port, "/send-many/slow/200", ""), 200);
    hear(server.port, "done:199\n");
    for (int i = 0; i < 200; i++)
        hear(server.port, format("done:%d\n", i).ptr);
    CZ_EXPECT_STR(get(server.port, "/most")->body, "16");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_listener_whose_connection_is_ended_listens_again_and_is_told)
{
    struct server server = start_ear();
    for (int i = 1; i <= full_or_short(5, 2); i++) {
        sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'ear' AND query LIKE 'LISTEN%'");
        for (int tries = 0; tries < 250; tries++) {
            cz_str heard = get(server.port, "/heard")->body;
            if (cz_str_count(heard, '(') == 3 * (size_t)i) /* for each of its channels */
                break;
            sleep_ms(20);
        }
        hear(server.port, "News \"x\":(reconnected)\n");
        CZ_EXPECT_STATUS(post(server.port, "/send/news", format("again %d", i).ptr), 200);
        hear(server.port, format("news:again %d\n", i).ptr);
    }
    /* the whole server, for longer */
    pg_end(&pg);
    sleep_ms(700);
    pg_run(&pg);
    for (int i = 0; i < 250; i++) {
        const cz_answer *answer = post(server.port, "/send/news", "back");
        cz_str heard = get(server.port, "/heard")->body;
        if (answer->status == 200 && cz_str_find(heard, CZ_STR("news:back\n")) != SIZE_MAX)
            break;
        sleep_ms(20);
    }
    hear(server.port, "news:back\n");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_site_with_listeners_does_not_start_on_sqlite)
{
    const char *path = format("/tmp/calzone-ear-%d.db", (int)getpid()).ptr;
    const char *const argv[] = { "ear", "run", NULL };
    const char *env[] = { "ENV=test", format("DATABASE_URL=sqlite://%s", path).ptr, NULL };
    cz_str out;
    CZ_EXPECT_EQ(run_binary("ear", argv, env, &out), 1);
    CZ_EXPECT(
        cz_str_find(out, CZ_STR("ear: app ear has listeners, and SQLite has no notifications; "
                                "PostgreSQL has")) != SIZE_MAX);
    cz_ignore(unlink(path));
}
