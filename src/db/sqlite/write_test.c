/* Writers: fibers of one process, and processes of one site. */
#include <calzone/testing.h>
#include "db/sqlite/sqlite_internal.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static cz__loop *loop;
static int running; /* fibers */

static const char *path(void)
{
    return cz_arena_printf(cz_test_arena(), "%s/test.db", cz_test_directory());
}

static void open_database(const char *url)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(url), &cz__db_default, &err));
}

static void open_file(void)
{
    open_database(cz_arena_printf(cz_test_arena(), "sqlite://%s?busy_timeout=20000", path()));
}

static void close_database(void)
{
    cz__loop_turn(loop, 0);
    cz__db_close(cz__db_default);
    cz__fibers_done();
    cz__loop_destroy(loop);
}

/* Run SQL on a connection of its own, and return its first value. */
static int64_t sql(const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t value = -1;
    CZ_REQUIRE(sqlite3_open(path(), &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 20000);
    CZ_REQUIRE(sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_type(statement, 0) == SQLITE_TEXT
                    ? !strcmp((const char *)sqlite3_column_text(statement, 0), "ok")
                    : sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

struct work {
    void (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
    cz_ctx *ctx; /* while it runs */
};

static void run_work(void *arg)
{
    struct work *work = arg;
    cz_arena *arena;
    cz_ctx ctx;
    cz__db_session *session;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz__fiber_attach(&ctx);
    CZ_REQUIRE_OK(cz__db_session_of(&ctx, &session, NULL));
    work->ctx = &ctx;
    work->fn(&ctx, work->arg);
    work->ctx = NULL;
    cz_ctx_done(&ctx);
    cz__fiber_attach(NULL);
    cz_arena_destroy(arena);
    running--;
}

static void start_work(struct work *work)
{
    running++;
    CZ_REQUIRE_OK(cz__fiber_start(run_work, work));
}

static void turn_until_done(void)
{
    while (running)
        cz__loop_turn(loop, 100);
}

static cz_status change(cz_ctx *ctx, const char *text, int64_t *out_id, cz_error *err)
{
    cz__db_statement statement = { .sql = cz_str_from(text), .number = CZ__STATEMENT_UNCACHED };
    int64_t rows, id;
    cz_status status = cz__sqlite_change(ctx, ctx->db, &statement, NULL, 0, &rows, &id, err);
    if (!status && out_id)
        *out_id = id;
    return status;
}

static int64_t number(cz_ctx *ctx, const char *text)
{
    cz__db_statement statement = { .sql = cz_str_from(text), .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    bool row = false;
    int64_t value = -1;
    CZ_REQUIRE_OK(cz__sqlite_select(ctx, ctx->db, &statement, NULL, 0, &cursor, NULL));
    CZ_REQUIRE_OK(cz__sqlite_step(&cursor, &row, NULL));
    if (row)
        CZ_EXPECT(cz__sqlite_read(&cursor, 0, CZ__DB_INT64, &value));
    cz__sqlite_finish(&cursor);
    return value;
}

/* ---- fibers of one process ---- */

static void hold_in_memory(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_REQUIRE_OK(change(ctx, "CREATE TABLE t (n INTEGER)", NULL, NULL));
    CZ_REQUIRE_OK(cz__sqlite_begin(ctx, ctx->db, NULL));
    CZ_REQUIRE_OK(change(ctx, "INSERT INTO t VALUES (1)", NULL, NULL));
    ctx->write_hold_us = 0; /* wait all the same */
    CZ_REQUIRE_OK(cz__fiber_sleep(ctx, 50));
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 1);
    cz__sqlite_rollback(ctx, ctx->db);
}

static void read_in_memory(cz_ctx *ctx, void *arg)
{
    int64_t before_us = cz_monotonic_us();
    *(int64_t *)arg = number(ctx, "SELECT count(*) FROM t");
    CZ_EXPECT(cz_monotonic_us() - before_us > 30 * 1000);
}

CZ_TEST(in_memory_nobody_reads_what_another_fiber_has_not_committed)
{
    open_database("sqlite:///:memory:");
    int64_t seen = -1;
    struct work writer = { .fn = hold_in_memory }, reader = { .fn = read_in_memory, .arg = &seen };
    start_work(&writer);
    start_work(&reader);
    turn_until_done();
    CZ_EXPECT_EQ(seen, 0);
    close_database();
}

struct outcome {
    const char *text;
    cz_status status;
    int64_t id;
};

static void change_alone(cz_ctx *ctx, void *arg)
{
    struct outcome *outcome = arg;
    outcome->status = change(ctx, outcome->text, &outcome->id, NULL);
}

CZ_TEST(of_changes_that_share_a_commit_each_fails_alone)
{
    open_file();
    static struct outcome cases[] = {
        { .text = "INSERT INTO t VALUES (1, NULL)" },
        { .text = "INSERT INTO t VALUES (1, NULL)" }, /* unique */
        { .text = "INSERT INTO t VALUES (2, 1)" },
        { .text = "INSERT INTO t VALUES (3, 99)" }, /* refers to nothing */
        { .text = "INSERT INTO t VALUES (4, NULL)" },
        { .text = "INSERT INTO t VALUES (666, NULL)" }, /* the database rolls everything back */
        { .text = "INSERT INTO t VALUES (5, NULL)" },
        { .text = "INSERT INTO nowhere VALUES (5)" },
    };
    static const cz_status expected[] = { CZ_OK, CZ_EINTEGRITY, CZ_OK, CZ_EINTEGRITY,
                                          CZ_OK, CZ_EINTEGRITY, CZ_OK, CZ_EDATABASE };
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY, of INTEGER REFERENCES t (id) "
        "DEFERRABLE INITIALLY DEFERRED)");
    for (int round = 0; round < 2; round++) {
        struct work works[CZ_COUNT(cases)];
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            works[i] = (struct work){ .fn = change_alone, .arg = &cases[i] };
            start_work(&works[i]);
        }
        turn_until_done();
        for (size_t i = 0; i < CZ_COUNT(cases); i++)
            CZ_EXPECT_MSG((round == 0 && i == 5) || cases[i].status == expected[i], "%s: %s",
                          cases[i].text, cz_status_name(cases[i].status));
        CZ_EXPECT_EQ(sql("SELECT count(*) FROM t"), round == 0 ? 5 : 4);
        CZ_EXPECT(cases[0].id == 1 && cases[2].id == 2);
        sql("DELETE FROM t");
        sql("CREATE TRIGGER IF NOT EXISTS beast BEFORE INSERT ON t WHEN NEW.id = 666 "
            "BEGIN SELECT RAISE(ROLLBACK, 'no'); END");
    }
    close_database();
}

static void change_and_see(cz_ctx *ctx, void *arg)
{
    (void)arg;
    int64_t before = number(ctx, "SELECT count(*) FROM t");
    CZ_EXPECT_EQ(change(ctx, "INSERT INTO t DEFAULT VALUES", NULL, NULL), CZ_OK);
    CZ_EXPECT(number(ctx, "SELECT count(*) FROM t") > before);
}

CZ_TEST(a_fiber_sees_its_change_whichever_way_it_was_committed)
{
    open_file();
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    struct cz__sqlite *db = (struct cz__sqlite *)cz__db_default;
    for (int on_thread = 0; on_thread < 2; on_thread++)
        for (int round = 0; round < 20; round++) {
            struct work works[8];
            db->commit_us = on_thread ? 1000000 : 0;
            for (size_t i = 0; i < CZ_COUNT(works); i++) {
                works[i] = (struct work){ .fn = change_and_see };
                start_work(&works[i]);
            }
            turn_until_done();
        }
    CZ_EXPECT_EQ(sql("SELECT count(*) FROM t"), 320);
    close_database();
}

static pid_t hold_lock(int ms)
{
    int ready[2];
    char answer = 'n';
    CZ_REQUIRE(pipe(ready) == 0);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        sqlite3 *other;
        bool held = sqlite3_open(path(), &other) == SQLITE_OK &&
                    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
        cz_ignore(write(ready[1], held ? "y" : "n", 1) == 1); /* the parent sees a short read */
        usleep((useconds_t)ms * 1000);
        _exit(0);
    }
    CZ_REQUIRE(read(ready[0], &answer, 1) == 1 && answer == 'y');
    return child;
}

CZ_TEST(a_change_waits_for_its_busy_time_and_may_be_cancelled_before_it_runs)
{
    open_file();
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    ((struct cz__sqlite *)cz__db_default)->busy_timeout_ms = 150;
    struct outcome outcomes[] = { { .text = "INSERT INTO t VALUES (1)" },
                                  { .text = "INSERT INTO t VALUES (2)" },
                                  { .text = "INSERT INTO t VALUES (3)" } };
    struct work works[CZ_COUNT(outcomes)];
    for (size_t i = 0; i < CZ_COUNT(works); i++)
        works[i] = (struct work){ .fn = change_alone, .arg = &outcomes[i] };
    pid_t child = hold_lock(500);
    int64_t before_us = cz_monotonic_us();
    start_work(&works[0]);
    start_work(&works[1]);
    cz__loop_turn(loop, 20);
    cz__fiber_cancel(works[1].ctx, CZ_ECANCELED);
    while (cz_monotonic_us() - before_us < 100 * 1000)
        cz__loop_turn(loop, 10);
    start_work(&works[2]); /* its time is not over when the first one's is */
    turn_until_done();
    CZ_EXPECT_EQ(outcomes[0].status, CZ_EBUSY);
    CZ_EXPECT_EQ(outcomes[1].status, CZ_ECANCELED);
    CZ_EXPECT_EQ(outcomes[2].status, CZ_EBUSY);
    int64_t us = cz_monotonic_us() - before_us;
    CZ_EXPECT_MSG(us > 240 * 1000 && us < 450 * 1000, "%lld us", (long long)us);
    CZ_REQUIRE(waitpid(child, NULL, 0) == child);
    start_work(&works[0]);
    turn_until_done();
    CZ_EXPECT_EQ(outcomes[0].status, CZ_OK);
    CZ_EXPECT_EQ(sql("SELECT count(*) FROM t"), 1);
    close_database();
}

/* ---- processes of one site ---- */

enum { PROCESSES = 8, FIBERS = 3, ROUNDS = 25 };

/* What two writers lose when one reads before the other has written. */
static void count_up(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char text[80];
    for (int i = 0; i < ROUNDS; i++) {
        CZ_EXPECT_EQ(cz__sqlite_begin(ctx, ctx->db, NULL), CZ_OK);
        int64_t value = number(ctx, "SELECT value FROM counter");
        snprintf(text, sizeof text, "UPDATE counter SET value = %lld", (long long)value + 1);
        CZ_EXPECT_EQ(change(ctx, text, NULL, NULL), CZ_OK);
        CZ_EXPECT_EQ(cz__sqlite_commit(ctx, ctx->db, NULL), CZ_OK);
        CZ_EXPECT_EQ(change(ctx, "INSERT INTO t DEFAULT VALUES", NULL, NULL), CZ_OK);
    }
}

static pid_t fork_child(void (*fn)(void))
{
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        fn();
        _exit(cz_test_has_failed() ? 1 : 0);
    }
    return child;
}

static void write_as_worker(void)
{
    struct work works[FIBERS];
    open_file();
    for (int i = 0; i < FIBERS; i++) {
        works[i] = (struct work){ .fn = count_up };
        start_work(&works[i]);
    }
    turn_until_done();
    close_database();
}

/* A command: outside the queue. */
static void write_as_command(void)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz__db_session *session;
    char url[700];
    snprintf(url, sizeof url, "sqlite://%s?busy_timeout=20000", path());
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(url), &cz__db_default, NULL));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_REQUIRE_OK(cz__db_session_of(&ctx, &session, NULL));
    count_up(&ctx, NULL);
    cz_ctx_done(&ctx);
    cz__db_close(cz__db_default);
}

static void read_for_long(void)
{
    sqlite3 *db;
    CZ_REQUIRE(sqlite3_open(path(), &db) == SQLITE_OK);
    CZ_EXPECT(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM t;", NULL, NULL, NULL) == SQLITE_OK);
    usleep(700000);
    CZ_EXPECT(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static void checkpoint_often(void)
{
    for (int i = 0; i < 30; i++) {
        sql("PRAGMA wal_checkpoint(TRUNCATE)");
        usleep(10000);
    }
}

CZ_TEST(writers_in_many_processes_lose_no_update_and_meet_no_lock)
{
    sql("PRAGMA journal_mode=WAL");
    sql("CREATE TABLE counter (value INTEGER NOT NULL)");
    sql("INSERT INTO counter VALUES (0)");
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    CZ_REQUIRE_OK(cz__db_share(PROCESSES, NULL));
    pid_t children[PROCESSES + 3];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = fork_child(write_as_worker);
    children[PROCESSES] = fork_child(write_as_command);
    children[PROCESSES + 1] = fork_child(read_for_long);
    children[PROCESSES + 2] = fork_child(checkpoint_often);
    for (size_t i = 0; i < CZ_COUNT(children); i++) {
        int status;
        CZ_REQUIRE(waitpid(children[i], &status, 0) == children[i]);
        CZ_EXPECT_MSG(status == 0, "child %zu ended with %d", i, status);
    }
    CZ_EXPECT_EQ(sql("SELECT value FROM counter"), (PROCESSES * FIBERS + 1) * ROUNDS);
    CZ_EXPECT_EQ(sql("SELECT count(*) FROM t"), (PROCESSES * FIBERS + 1) * ROUNDS);
    CZ_EXPECT_EQ(sql("PRAGMA integrity_check"), 1);
}

CZ_TEST(tickets_are_served_in_order_and_the_dead_are_passed_over)
{
    CZ_REQUIRE_OK(cz__db_share(4, NULL));
    enum { BOOK = 7, OTHER = 8 };
    int first = cz__queue_join(BOOK), second = cz__queue_join(BOOK), other = cz__queue_join(OTHER);
    CZ_REQUIRE(first >= 0 && second >= 0 && other >= 0 && first != second);
    int pipes[2];
    CZ_REQUIRE(pipe(pipes) == 0);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        int slot = cz__queue_join(BOOK);
        bool ours = slot >= 0 && cz__queue_enter(slot, cz__queue_ticket());
        cz_ignore(write(pipes[1], ours ? "y" : "n", 1) == 1); /* the parent sees a short read */
        pause();
    }
    char answer;
    CZ_REQUIRE(read(pipes[0], &answer, 1) == 1 && answer == 'y');
    uint64_t early = cz__queue_ticket(), late = cz__queue_ticket();
    CZ_EXPECT(late > early);
    CZ_EXPECT(!cz__queue_enter(second, late));
    CZ_EXPECT(!cz__queue_enter(first, early));
    CZ_EXPECT(cz__queue_enter(other, cz__queue_ticket())); /* of another database */
    CZ_EXPECT(!cz__queue_look(first) && !cz__queue_look(second));
    CZ_REQUIRE(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    CZ_EXPECT(!cz__queue_look(second)); /* finds the dead one and lets the lower ticket go first */
    CZ_EXPECT(cz__queue_look(first));
    CZ_EXPECT(!cz__queue_pass(first, cz__queue_ticket()));
    CZ_EXPECT(cz__queue_look(second));
    CZ_EXPECT(!cz__queue_pass(second, 0));
    CZ_EXPECT(cz__queue_look(first));
    cz__queue_leave(first);
    CZ_EXPECT(cz__queue_enter(second, cz__queue_ticket()));
    cz__queue_leave(second);
    for (int i = 0; i < 7; i++) /* the other's and these are as many as there are */
        CZ_EXPECT(cz__queue_join(BOOK) >= 0);
    CZ_EXPECT_EQ(cz__queue_join(BOOK), -1);
}

/* ---- killed in the middle ---- */

static int acknowledge_fd;

static void insert_and_acknowledge(cz_ctx *ctx, void *arg)
{
    int64_t id;
    for (int i = 0; i < 100000; i++) {
        bool block = arg && i % 2;
        if ((block && cz__sqlite_begin(ctx, ctx->db, NULL)) ||
            change(ctx, "INSERT INTO t (data) VALUES (randomblob(300))", &id, NULL) ||
            (block && cz__sqlite_commit(ctx, ctx->db, NULL)))
            _exit(2);
        if (write(acknowledge_fd, &id, sizeof id) != sizeof id)
            _exit(3);
    }
}

static void write_until_killed(void)
{
    struct work works[4];
    open_file();
    /* every other time the commit is on a thread */
    ((struct cz__sqlite *)cz__db_default)->commit_us = getpid() % 2 ? 1000000 : 0;
    for (size_t i = 0; i < CZ_COUNT(works); i++) {
        works[i] = (struct work){ .fn = insert_and_acknowledge, .arg = i ? works : NULL };
        start_work(&works[i]);
    }
    turn_until_done();
}

/* Expect that a child which was killed had stored all it told of. Returns how many that were. */
static size_t check_acknowledged(int fd)
{
    sqlite3 *db;
    sqlite3_stmt *find;
    size_t count = 0;
    int64_t id;
    CZ_REQUIRE(sqlite3_open(path(), &db) == SQLITE_OK);
    CZ_REQUIRE(sqlite3_prepare_v2(db, "SELECT 1 FROM t WHERE id = ?", -1, &find, NULL) ==
               SQLITE_OK);
    while (read(fd, &id, sizeof id) == sizeof id) {
        sqlite3_bind_int64(find, 1, id);
        CZ_EXPECT_MSG(sqlite3_step(find) == SQLITE_ROW, "row %lld is lost", (long long)id);
        sqlite3_reset(find);
        count++;
    }
    sqlite3_finalize(find);
    sqlite3_close(db);
    return count;
}

CZ_TEST(what_was_acknowledged_outlives_a_kill_in_the_middle_of_commits)
{
    int rounds = getenv("CZ_SHORT") ? 40 : 1000;
    size_t acknowledged = 0;
    sql("PRAGMA journal_mode=WAL");
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB)");
    CZ_REQUIRE_OK(cz__db_share(2, NULL));
    for (int round = 0; round < rounds; round++) {
        int pipes[2];
        CZ_REQUIRE(pipe(pipes) == 0);
        acknowledge_fd = pipes[1];
        pid_t child = fork_child(write_until_killed), other = fork_child(write_until_killed);
        close(pipes[1]);
        usleep(5000 + (useconds_t)(cz_random_u64() % 15000));
        CZ_REQUIRE(kill(child, SIGKILL) == 0);
        usleep((useconds_t)(cz_random_u64() % 3000));
        CZ_REQUIRE(kill(other, SIGKILL) == 0);
        int status;
        CZ_REQUIRE(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        CZ_REQUIRE(waitpid(other, &status, 0) == other && WIFSIGNALED(status));
        acknowledged += check_acknowledged(pipes[0]);
        close(pipes[0]);
        CZ_EXPECT_EQ(sql("PRAGMA integrity_check"), 1);
        if (round % 50 == 49)
            sql("DELETE FROM t");
        if (cz_test_has_failed())
            return;
    }
    CZ_EXPECT(acknowledged > (size_t)rounds);
}

/* ---- backup ---- */

static void write_for_a_while(void)
{
    sqlite3 *db;
    CZ_REQUIRE(sqlite3_open(path(), &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 20000);
    int64_t until_us = cz_monotonic_us() + 1500 * 1000, longest_us = 0;
    while (cz_monotonic_us() < until_us) {
        /* two rows at a time: a copy of one state has an even number */
        int64_t before_us = cz_monotonic_us();
        CZ_EXPECT(sqlite3_exec(db,
                               "BEGIN IMMEDIATE; INSERT INTO t (data) VALUES (randomblob(2000));"
                               "INSERT INTO t (data) VALUES (randomblob(2000)); COMMIT",
                               NULL, NULL, NULL) == SQLITE_OK);
        int64_t us = cz_monotonic_us() - before_us;
        longest_us = us > longest_us ? us : longest_us;
    }
    CZ_EXPECT_MSG(longest_us < 700 * 1000, "a writer waited %lld us", (long long)longest_us);
    sqlite3_close(db);
}

static void back_up(cz_ctx *ctx, void *arg)
{
    cz_error err = { 0 };
    cz_status status = cz__sqlite_backup(ctx, cz__db_default, arg, &err);
    CZ_EXPECT_MSG(status == CZ_OK, "%s", cz_error_message(&err));
}

CZ_TEST(a_backup_is_one_whole_state_and_holds_up_no_writer)
{
    open_file();
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)");
    sql("INSERT INTO t (data) SELECT randomblob(2000) FROM "
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "
        "SELECT i FROM n)");
    pid_t child = fork_child(write_for_a_while);
    usleep(100000);
    char *copy =
        (char *)(uintptr_t)cz_arena_printf(cz_test_arena(), "%s/copy.db", cz_test_directory());
    struct work work = { .fn = back_up, .arg = copy };
    start_work(&work);
    turn_until_done();
    int status;
    CZ_EXPECT(waitpid(child, &status, WNOHANG) == 0); /* it was written meanwhile */
    CZ_REQUIRE(waitpid(child, &status, 0) == child && status == 0);
    sqlite3 *db;
    sqlite3_stmt *count;
    CZ_REQUIRE(sqlite3_open_v2(copy, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    CZ_REQUIRE(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &count, NULL) == SQLITE_OK);
    CZ_REQUIRE(sqlite3_step(count) == SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(count, 0);
    CZ_EXPECT(rows >= 4000 && rows % 2 == 0);
    CZ_EXPECT(rows < sql("SELECT count(*) FROM t"));
    sqlite3_finalize(count);
    sqlite3_close(db);
    cz_error err = { 0 };
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    CZ_EXPECT_EQ(cz__sqlite_backup(&ctx, cz__db_default, "/nowhere/x.db", &err), CZ_EIO);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "/nowhere/x.db.part: No such file or directory");
    close_database();
}

/* ---- options ---- */

CZ_TEST(the_query_of_a_url_sets_the_busy_time_and_how_safe_a_commit_is)
{
    static const struct {
        const char *query;
        int64_t busy_ms;
        const char *pragma, *message;
    } cases[] = {
        { "", 5000, "PRAGMA synchronous=FULL;", NULL },
        { "busy_timeout=0", 0, "PRAGMA synchronous=FULL;", NULL },
        { "synchronous=Extra&busy_timeout=250&", 250, "PRAGMA synchronous=EXTRA;", NULL },
        { "synchronous=normal", 5000, "PRAGMA synchronous=NORMAL;", NULL },
        { "synchronous=off", 0, NULL, "DATABASE_URL: synchronous is normal, full or extra" },
        { "busy_timeout=5s", 0, NULL,
          "DATABASE_URL: busy_timeout is milliseconds, at most 3600000" },
        { "busy_timeout=-1", 0, NULL,
          "DATABASE_URL: busy_timeout is milliseconds, at most 3600000" },
        { "busy_timeout", 0, NULL, "DATABASE_URL: busy_timeout is milliseconds, at most 3600000" },
        { "mode=ro", 0, NULL, "DATABASE_URL: \"mode\" is none of busy_timeout, synchronous" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__sqlite_options options = { 0 };
        cz_error err = { 0 };
        cz_status status = cz__sqlite_read_options(cz_str_from(cases[i].query), &options, &err);
        CZ_EXPECT_EQ(status, cases[i].message ? CZ_EVALIDATION : CZ_OK);
        if (cases[i].message) {
            CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
            continue;
        }
        CZ_EXPECT_EQ(options.busy_timeout_ms, cases[i].busy_ms);
        CZ_EXPECT_STR(cz_str_from(options.synchronous), cases[i].pragma);
    }
}
