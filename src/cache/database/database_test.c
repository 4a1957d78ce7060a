#include "cache/database/table.h"
#include "cache/cache_testing.h"
#include <calzone/bulk.h>
#include <calzone/queries.h>
#include <calzone/raw.h>
#include <calzone/runtime.h>
#include <calzone/transactions.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The test's own; of SQLite a file, which is there again when it is opened again. */
static void open_database(void)
{
    cz_error err = { 0 };
    cz_str url = cz_str_from(cz_test_database());
    char file[400];
    cz_ignore(
        snprintf(file, sizeof file, "sqlite://%s/cache.db", cz_test_directory())); /* it fits */
    if (!cz_str_starts_with(url, CZ_STR("postgresql")))
        url = cz_str_from(file);
    cz_status status = cz__db_open(url, &cz__db_default, &err);
    CZ_EXPECT_MSG(!status, "%s", cz_error_message(&err));
    CZ_REQUIRE(!status);
}

static void close_database(void)
{
    cz__db_close(cz__db_default);
    cz__db_default = NULL;
}

static struct cz__store *store(void)
{
    return cz_cache_of(NULL, "default")->store;
}

static void make_table(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz__cache_tables_create(ctx, NULL, false);
}

/* A cache with its table, and the database open. */
static void begin(const char *rest)
{
    char url[100];
    cz_ignore(snprintf(url, sizeof url, "database://default/%s", rest)); /* it fits */
    cache_begin(url);
    open_database();
    cache_run(make_table, NULL);
}

static void finish(void)
{
    cz__caches_close();
    close_database();
}

static void suite_with_a_loop(cz_ctx *ctx, void *arg)
{
    open_database();
    cache_suite(ctx, arg);
}

CZ_DATABASE_TEST(a_database_does_what_every_cache_does)
{
    begin("?timeout=5000");
    cache_run(cache_suite, NULL);
    close_database();
    cache_run_on_fiber(suite_with_a_loop, NULL);
    cache_flight_suite();
    CZ_EXPECT_MSG(!store()->circuit.is_away, "%s", store()->driver->reason(store()));
    finish();
}

CZ_TEST(urls_of_databases_are_read_strictly)
{
    static const char *const bad[] = {
        "database://nobody",
        "database://default:5432",
        "database://me@default",
        "database://:word@default",
        "database://default/Table",
        "database://default/a/b",
        "database://default/1a",
        "database://default/a%22b",
        "database://default?bytes=262144",
        "database://default?entries=1",
        "database://default/a_name_of_a_table_that_is_longer_than_48_bytes_by_far",
        "database://an_alias_that_is_longer_than_the_aliases_of_databases_are",
    };
    cz_error err = { 0 };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__cache_open("default", cz_str_from(bad[i]), CZ_STR("p"), &err) ==
                          CZ_EVALIDATION,
                      "%s", bad[i]);
    static const char *const good[] = { "database://", "database://default",
                                        "database://default/kept?entries=300&ttl=5" };
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cache_begin(good[i]);
        cz__caches_close();
    }
}

/* ---- transactions ---- */

static void store_and_fail(cz_ctx *ctx, void *arg)
{
    int64_t count;
    cz_cache_set(ctx, NULL, CZ_STR("early"), CZ_STR("x"), NULL);
    cz_execute(ctx, "INSERT INTO ledger (entry) VALUES (1)", CZ_ARGS());
    cz_cache_set(ctx, NULL, CZ_STR("late"), CZ_STR("x"), NULL);
    cz_cache_incr(ctx, NULL, CZ_STR("count"), 1, &count);
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("late"))); /* seen by who stored it */
    if (arg)
        cz_raise(ctx, CZ_EVALIDATION, "not so");
}

static void store_and_fail_in_block(cz_ctx *ctx, void *arg)
{
    cz_atomic(ctx, store_and_fail, arg);
}

static void use_blocks(cz_ctx *ctx, void *arg)
{
    (void)arg;
    bool one_writer = !cz__db_default->driver->features->row_locks;
    int64_t count = 0;
    cz_execute(ctx, "CREATE TABLE ledger (entry INTEGER)", CZ_ARGS());
    cz_cache_set_int(ctx, NULL, CZ_STR("count"), 0, NULL);
    CZ_EXPECT_EQ(cz_try(ctx, store_and_fail_in_block, ctx, NULL), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_cache_has_key(ctx, NULL, CZ_STR("early")), !one_writer);
    CZ_EXPECT_EQ(cz_cache_has_key(ctx, NULL, CZ_STR("late")), !one_writer);
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("count"), &count) && count == !one_writer);
    cz_atomic(ctx, store_and_fail, NULL);
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("late")));
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("count"), &count) && count == 1 + !one_writer);
    CZ_EXPECT(!store()->circuit.is_away);
}

CZ_DATABASE_TEST(what_a_rolled_back_block_kept_is_the_block_s_only_where_there_is_one_writer)
{
    begin("?timeout=5000");
    cache_run(use_blocks, NULL);
    finish();
}

/* ---- several processes ---- */

enum { PROCESSES = 4, COUNTS = 100 };

static void count_up(cz_ctx *ctx, void *arg)
{
    (void)arg;
    int64_t number;
    unsigned counted = 0;
    for (int i = 0; i < COUNTS; i++)
        counted += cz_cache_incr(ctx, NULL, CZ_STR("n"), 1, &number);
    if (counted != COUNTS || store()->circuit.is_away)
        _exit(1);
}

static void add_first(cz_ctx *ctx, void *arg)
{
    cz_str own = cz_format(ctx, "%d", (int)getpid());
    for (int i = 0; i < COUNTS; i++)
        *(int64_t *)arg += cz_cache_add(ctx, NULL, cz_format(ctx, "add %d", i), own, NULL);
    int64_t sum;
    cz_cache_incr(ctx, NULL, CZ_STR("added"), *(int64_t *)arg, &sum);
}

static void expect_sums(cz_ctx *ctx, void *arg)
{
    (void)arg;
    int64_t number = 0;
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("n"), &number));
    CZ_EXPECT_EQ(number, PROCESSES * COUNTS);
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("added"), &number));
    CZ_EXPECT_EQ(number, COUNTS);
}

static void begin_sums(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_set_int(ctx, NULL, CZ_STR("n"), 0, NULL);
    cz_cache_set_int(ctx, NULL, CZ_STR("added"), 0, NULL);
}

CZ_DATABASE_TEST(processes_that_count_and_add_in_a_database_lose_nothing)
{
    pid_t pids[PROCESSES];
    begin("?timeout=10000");
    cache_run(begin_sums, NULL);
    close_database(); /* each process opens its own */
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        CZ_REQUIRE(pids[i] >= 0);
        if (pids[i])
            continue;
        int64_t added = 0;
        open_database();
        cache_run(count_up, NULL);
        cache_run(add_first, &added);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        CZ_EXPECT(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) &&
                  WEXITSTATUS(status) == 0);
    }
    open_database();
    cache_run(expect_sums, NULL);
    finish();
}

/* ---- its size ---- */

static int64_t count_all(cz_ctx *ctx)
{
    struct cz__cache_use use;
    cz__db_cursor cursor;
    bool row;
    int64_t count = -1;
    CZ_REQUIRE_OK(cz__cache_use_begin(ctx, store(), &use));
    CZ_REQUIRE_OK(cz__cache_select(ctx, &use, "SELECT COUNT(*) FROM $T", NULL, 0, &cursor));
    CZ_REQUIRE_OK(cursor.db->driver->step(&cursor, &row, NULL));
    cursor.db->driver->read(&cursor, 0, CZ__DB_INT64, &count);
    cursor.db->driver->finish(&cursor);
    CZ_REQUIRE_OK(cz__cache_use_end(ctx, &use, CZ_OK));
    return count;
}

static void fill(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const cz_cache_options brief = { .ttl_ms = 1, .exact = true };
    for (int i = 0; i < 100; i++)
        cz_cache_set(ctx, NULL, cz_format(ctx, "brief %d", i), CZ_STR("x"), &brief);
    cz_cache_set(ctx, NULL, CZ_STR("ever"), CZ_STR("x"),
                 &(cz_cache_options){ .ttl_ms = CZ_CACHE_FOREVER });
    for (int i = 0; i < 1000; i++) {
        cz_cache_set(ctx, NULL, cz_format(ctx, "key %d", i), CZ_STR("x"), NULL);
        if (i % 50 == 0)
            CZ_EXPECT(count_all(ctx) <= 300 + 64 + 1);
    }
    CZ_EXPECT(count_all(ctx) > 100);
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("key 999")));
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("ever"))); /* those that end soonest go first */
}

CZ_DATABASE_TEST(a_table_that_is_full_gives_up_what_ends_soonest)
{
    begin("full?entries=300&timeout=5000");
    cache_run(fill, NULL);
    finish();
}

static void clear_one(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache *other = cz_cache_of(ctx, "other");
    cz_cache_set(ctx, NULL, CZ_STR("a"), CZ_STR("1"), NULL);
    cz_cache_set(ctx, other, CZ_STR("a"), CZ_STR("2"), NULL);
    cz_cache_clear(ctx, NULL);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("a")));
    CZ_EXPECT(cz_cache_has_key(ctx, other, CZ_STR("a")));
}

CZ_DATABASE_TEST(caches_of_one_table_are_cleared_each_for_itself)
{
    cz_error err;
    begin("?prefix=test&timeout=5000");
    CZ_REQUIRE_OK(cz__cache_open("other", CZ_STR("database://default?prefix=test2&timeout=5000"),
                                 CZ_STR("x"), &err));
    cache_run(clear_one, NULL);
    finish();
}

/* ---- away ---- */

static void expect_a_miss(cz_ctx *ctx, void *arg)
{
    const char *why = arg;
    cz_str value;
    int64_t number;
    CZ_EXPECT(!cz_cache_get(ctx, NULL, CZ_STR("who"), &value));
    CZ_EXPECT(!cz_cache_set(ctx, NULL, CZ_STR("who"), CZ_STR("x"), NULL));
    CZ_EXPECT(!cz_cache_incr(ctx, NULL, CZ_STR("who"), 1, &number));
    CZ_EXPECT(store()->circuit.is_away);
    CZ_EXPECT_MSG(strstr(store()->driver->reason(store()), why), "%s",
                  store()->driver->reason(store()));
}

CZ_DATABASE_TEST(a_table_that_is_missing_is_a_cache_that_is_away)
{
    cache_begin("database://");
    cache_run(expect_a_miss, (void *)"is not open");
    cz__caches_close();
    cache_begin("database://");
    open_database();
    cache_run(expect_a_miss, (void *)"`createcachetable` makes the table");
    finish();
}

#ifdef CZ_FAULTS
CZ_DATABASE_TEST(without_memory_a_call_on_a_database_fails_and_the_next_succeeds)
{
    begin("?timeout=5000");
    cache_without_memory_suite(cache_run, NULL);
    finish();
}
#endif
