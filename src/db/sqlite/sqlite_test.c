#include <calzone/testing.h>
#include "db/sqlite/sqlite_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/calzone-sqlite-XXXXXX";
static char url[96], path[64];

static cz_ctx *start(void)
{
    static cz_arena *arena;
    static cz_ctx ctx;
    cz_error err = { 0 };
    CZ_REQUIRE(mkdtemp(folder) != NULL);
    cz_ignore(snprintf(path, sizeof path, "%s/test.db", folder)); /* fits */
    cz_ignore(snprintf(url, sizeof url, "sqlite://%s", path));
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(url), &cz__db_default, &err));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    return &ctx;
}

static void finish(void)
{
    cz__db_close(cz__db_default);
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < CZ_COUNT(suffixes); i++) {
        char name[80];
        cz_ignore(snprintf(name, sizeof name, "%s%s", path, suffixes[i]));
        cz_ignore(unlink(name)); /* gone already, after a clean close */
    }
    cz_ignore(rmdir(folder)); /* a failed test leaves it */
}

static void run(cz_ctx *ctx, const char *sql)
{
    cz__db_session *session;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_session_of(ctx, &session, &err));
    if (cz__sqlite_run(ctx, session, cz_str_from(sql), &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s: %s", sql, cz_error_message(&err));
        cz__test_abort();
    }
}

static int64_t number(cz_ctx *ctx, const char *sql)
{
    cz__db_session *session = ctx->db;
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_error err = { 0 };
    bool row = false;
    int64_t value = -1;
    CZ_REQUIRE_OK(cz__sqlite_select(ctx, session, &statement, NULL, 0, &cursor, &err));
    CZ_REQUIRE_OK(cz__sqlite_step(&cursor, &row, &err));
    CZ_EXPECT(row && cz__sqlite_read(&cursor, 0, CZ__DB_INT64, &value));
    cz__sqlite_finish(&cursor);
    return value;
}

CZ_TEST(a_new_database_is_its_owners_alone_and_in_wal_mode)
{
    umask(0);
    cz_ctx *ctx = start();
    run(ctx, "CREATE TABLE t (n INTEGER) STRICT");
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < CZ_COUNT(suffixes); i++) {
        char name[80];
        struct stat about;
        cz_ignore(snprintf(name, sizeof name, "%s%s", path, suffixes[i]));
        CZ_REQUIRE(stat(name, &about) == 0);
        CZ_EXPECT_MSG((about.st_mode & 0777) == 0600, "%s has mode %o", name, about.st_mode & 0777);
    }
    CZ_EXPECT_EQ(number(ctx, "SELECT foreign_keys FROM pragma_foreign_keys"), 1);
    CZ_EXPECT_EQ(number(ctx, "SELECT synchronous FROM pragma_synchronous"), 2);
    finish();
}

/* Another process holds the write lock for `ms`. */
static pid_t hold_lock(int ms)
{
    int ready[2];
    CZ_REQUIRE(pipe(ready) == 0);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        sqlite3 *other;
        bool held = sqlite3_open(path, &other) == SQLITE_OK &&
                    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
        cz_ignore(write(ready[1], held ? "y" : "n", 1) == 1); /* the parent sees a short read */
        usleep((useconds_t)ms * 1000);
        _exit(0);
    }
    char answer = 'n';
    CZ_REQUIRE(read(ready[0], &answer, 1) == 1 && answer == 'y');
    return child;
}

CZ_TEST(a_number_that_does_not_fit_its_column_is_an_error_and_never_another)
{
    static const struct {
        const char *number;
        cz__db_type type;
        bool fits;
    } cases[] = {
        { "32767", CZ__DB_INT16, true },       { "32768", CZ__DB_INT16, false },
        { "-32769", CZ__DB_INT16, false },     { "2147483647", CZ__DB_INT32, true },
        { "2147483648", CZ__DB_INT32, false }, { "5000000000", CZ__DB_INT32, false },
        { "5000000000", CZ__DB_INT64, true },
    };
    cz_ctx *ctx = start();
    cz__db_session *session;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_session_of(ctx, &session, &err));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str sql = cz_format(ctx, "SELECT %s", cases[i].number);
        cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
        cz__db_cursor cursor;
        bool row = false;
        int64_t room;
        cz_buf json = { 0 };
        CZ_REQUIRE_OK(cz__sqlite_select(ctx, session, &statement, NULL, 0, &cursor, &err));
        CZ_REQUIRE_OK(cz__sqlite_step(&cursor, &row, &err));
        cz__sqlite_write_json(&cursor, 0, cases[i].type, &json);
        CZ_EXPECT_STR(cz_buf_str(&json), cases[i].number);
        CZ_EXPECT(cz__sqlite_read(&cursor, 0, cases[i].type, &room));
        CZ_EXPECT_EQ(cz__sqlite_step(&cursor, &row, &err), cases[i].fits ? CZ_OK : CZ_EDATABASE);
        cz__sqlite_finish(&cursor);
        cz_buf_done(&json);
        CZ_EXPECT_EQ(number(ctx, "SELECT 1"), 1); /* and is over then */
    }
    cz_ctx_done(ctx);
    finish();
}

CZ_TEST(a_table_knows_its_columns)
{
    cz_ctx *ctx = start();
    run(ctx, "CREATE TABLE t (n INTEGER, \"a b\" TEXT) STRICT");
    const struct {
        const char *table, *column;
        bool exists;
    } cases[] = { { "t", "n", true },  { "t", "a b", true }, { "t", "N", true },
                  { "t", "x", false }, { "u", "n", false },  { "", "", false } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        bool exists = !cases[i].exists;
        cz_error err = { 0 };
        CZ_REQUIRE_OK(
            cz__sqlite_column_exists(ctx, ctx->db, cases[i].table, cases[i].column, &exists, &err));
        CZ_EXPECT_MSG(exists == cases[i].exists, "%s.%s", cases[i].table, cases[i].column);
    }
    finish();
}

CZ_TEST(a_lock_of_another_process_is_waited_for_and_given_up_after_the_busy_time)
{
    cz_ctx *ctx = start();
    run(ctx, "CREATE TABLE t (n INTEGER) STRICT");
    pid_t child = hold_lock(200);
    run(ctx, "INSERT INTO t VALUES (1)"); /* waits for the other's end */
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 1);
    waitpid(child, NULL, 0);
    ((struct cz__sqlite *)cz__db_default)->busy_timeout_ms = 100;
    child = hold_lock(2000);
    cz_error err = { 0 };
    int64_t before = cz_monotonic_us();
    CZ_EXPECT_EQ(cz__sqlite_run(ctx, ctx->db, CZ_STR("INSERT INTO t VALUES (2)"), &err), CZ_EBUSY);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "the database stayed locked for 100 ms");
    CZ_EXPECT(cz_monotonic_us() - before < 1500 * 1000);
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 1); /* readers never wait */
    waitpid(child, NULL, 0);
    run(ctx, "INSERT INTO t VALUES (3)"); /* the write side was given back */
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 2);
    finish();
}

CZ_TEST(processes_that_open_and_leave_a_new_database_at_once_all_get_in)
{
    CZ_REQUIRE(mkdtemp(folder) != NULL);
    cz_ignore(snprintf(path, sizeof path, "%s/test.db", folder)); /* fits */
    cz_ignore(snprintf(url, sizeof url, "sqlite://%s", path));
    enum { PROCESSES = 8, ROUNDS = 10 };
    for (int p = 0; p < PROCESSES; p++) {
        pid_t child = fork();
        CZ_REQUIRE(child >= 0);
        if (child)
            continue;
        int failures = 0;
        for (int round = 0; round < ROUNDS; round++) {
            cz_arena *arena;
            cz_ctx ctx;
            cz_error err = { 0 };
            CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
            cz_ctx_init(&ctx, arena);
            cz__db_session *session;
            cz_status status = cz__db_open(cz_str_from(url), &cz__db_default, &err);
            if (!status)
                status = cz__db_session_of(&ctx, &session, &err);
            if (!status)
                status = cz__sqlite_run(&ctx, session,
                                        CZ_STR("CREATE TABLE IF NOT EXISTS t (n INTEGER)"), &err);
            bool exists = false;
            if (!status)
                status = cz__sqlite_table_exists(&ctx, session, "t", &exists, &err);
            if (status || !exists)
                fprintf(stderr, "%s\n", cz_error_message(&err));
            failures += status != CZ_OK || !exists;
            cz__db_close(cz__db_default);
            cz_arena_destroy(arena);
        }
        _exit(failures);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        CZ_REQUIRE(wait(&status) > 0);
        CZ_EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    CZ_REQUIRE(unlink(path) == 0 && rmdir(folder) == 0);
}

CZ_TEST(a_database_that_cannot_be_opened_says_why)
{
    const struct {
        const char *url;
        cz_status status;
        const char *message;
    } cases[] = {
        { "sqlite:///nonexistent/folder/x.db", CZ_EIO,
          "cannot open the database /nonexistent/folder/x.db: unable to open database file" },
        { "sqlite:///", CZ_EVALIDATION,
          "DATABASE_URL: a SQLite URL is sqlite:///absolute/path.db" },
        { "sqlite://host/x.db", CZ_EVALIDATION,
          "DATABASE_URL: a SQLite URL is sqlite:///absolute/path.db" },
        { "oracle://x", CZ_EVALIDATION,
          "DATABASE_URL: no driver for \"oracle\"; known: sqlite, postgresql" },
        { "x", CZ_EVALIDATION,
          "DATABASE_URL is malformed; a form that works is sqlite:///absolute/path.db" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz__db *db = NULL;
        cz_error err = { 0 };
        cz_status status = cz__db_open(cz_str_from(cases[i].url), &db, &err);
        CZ_EXPECT_EQ(status, cases[i].status);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
    }
    CZ_REQUIRE(mkdtemp(folder) != NULL);
    cz_ignore(snprintf(path, sizeof path, "%s/test.db", folder)); /* fits */
    cz_ignore(snprintf(url, sizeof url, "sqlite://%s", path));
    FILE *file = fopen(path, "we");
    CZ_REQUIRE(file &&
               fputs("this is no database, but long enough to be looked at by one", file) >= 0);
    CZ_REQUIRE(fclose(file) == 0);
    cz__db *db = NULL;
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz__db_open(cz_str_from(url), &db, &err), CZ_EDATABASE);
    char said[300];
    cz_ignore(snprintf(said, sizeof said, "SQLite: %s: file is not a database", path)); /* fits */
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), said);
    CZ_REQUIRE(unlink(path) == 0 && rmdir(folder) == 0);
}
