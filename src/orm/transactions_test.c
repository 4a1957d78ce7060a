#include "orm/orm.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COIN(F)                                                                                    \
    F(char_field, name, .max_length = 20, .unique = true)                                          \
    F(int_field, worth, .default_ = cz_int(1))
CZ_MODEL(Coin, COIN, .ordering = CZ_ORDER_BY(CZ_ASC(Coin, name)));

static const cz_app purse_app = { "purse", .models = CZ_MODELS(Coin) };

static void add(cz_ctx *ctx, const char *name)
{
    cz_create(ctx, Coin, (name, name));
}

/* Run SQL past the ORM. */
static void raw(cz_ctx *ctx, const char *sql)
{
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    int64_t rows, last_id;
    CZ_REQUIRE_OK(
        cz__db_default->driver->change(ctx, ctx->db, &statement, NULL, 0, &rows, &last_id, NULL));
}

static char trail[200];

static void note(cz_ctx *ctx, void *arg)
{
    (void)ctx;
    cz_ignore(snprintf(trail + strlen(trail), sizeof trail - strlen(trail), "%s ",
                       (const char *)arg)); /* cut would fail the comparison */
}

static void note_and_fail(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(!cz_in_atomic(ctx));
    note(ctx, arg);
    cz_raise(ctx, CZ_EIO, "this one fails");
}

struct call {
    void (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
    const cz_atomic_options *options;
};

static void call_atomic(cz_ctx *ctx, void *arg)
{
    const struct call *call = arg;
    if (call->options)
        cz_atomic_with(ctx, call->options, call->fn, call->arg);
    else
        cz_atomic(ctx, call->fn, call->arg);
}

/* What a block raises. */
static cz_status raised(cz_ctx *ctx, const cz_atomic_options *options,
                        void (*fn)(cz_ctx *ctx, void *arg), void *arg, cz_error *err)
{
    struct call call = { fn, arg, options };
    return cz_try(ctx, call_atomic, &call, err);
}

static void handle_coin(cz_ctx *ctx, cz_request *req)
{
    int64_t before = cz_count(ctx, Coin);
    cz_str query = req->query;
    cz_create(ctx, Coin, (name, req->body));
    CZ_EXPECT_EQ(cz_count(ctx, Coin), before + 1);
    CZ_EXPECT(cz_in_atomic(ctx));
    if (cz_str_eq(query, CZ_STR("refuse")))
        cz_raise(ctx, CZ_EVALIDATION, "no such coin");
    cz_respond(ctx, req, cz_str_eq(query, CZ_STR("fail")) ? 503 : 201, CZ_STR("text/plain"),
               CZ_STR("done"));
}

static void count_coins(cz_ctx *ctx, cz_request *req)
{
    cz_str count = cz_format(ctx, "%lld", (long long)cz_count(ctx, Coin));
    CZ_EXPECT(cz_in_atomic(ctx) && !ctx->db->writing);
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), count);
}

static const cz_middleware *const atomic_requests[] = { &cz_atomic_requests, NULL };
static const cz_route urls[] = {
    CZ_POST("/coins", handle_coin, .middleware = atomic_requests),
    CZ_GET("/coins", count_coins, .middleware = atomic_requests),
    CZ_ROUTES_END,
};
static CZ_PROJECT(purse, "purse", .apps = CZ_APPS(&purse_app), .urls = urls);

static void in_handler(void (*fn)(cz_ctx *ctx, void *arg))
{
    cz_client_run(cz_client_create(&purse), fn, NULL);
}

/* ---- rolling back ---- */

static void end_savepoint_by_hand(cz_ctx *ctx, void *arg)
{
    (void)arg;
    add(ctx, "inner");
    raw(ctx, "RELEASE cz_1"); /* so that the block's own RELEASE fails */
}

static void catch_and_go_on(cz_ctx *ctx, void *arg)
{
    (void)arg;
    add(ctx, "outer");
    CZ_EXPECT_EQ(raised(ctx, NULL, end_savepoint_by_hand, NULL, NULL), CZ_EDATABASE);
    CZ_EXPECT(cz_get_rollback(ctx));
}

static void fail_release(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    CZ_EXPECT_EQ(raised(ctx, NULL, catch_and_go_on, NULL, &err), CZ_EDATABASE);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 0);
    add(ctx, "later");
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
}

CZ_TEST(a_savepoint_that_cannot_be_ended_takes_the_transaction_with_it)
{
    in_handler(fail_release);
}

static void count_in_marked(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_count(ctx, Coin);
}

static void mark(cz_ctx *ctx, void *arg)
{
    add(ctx, arg);
    cz_set_rollback(ctx, true);
    CZ_EXPECT(cz_get_rollback(ctx));
    CZ_EXPECT_EQ(cz_try(ctx, count_in_marked, NULL, NULL), CZ_EDATABASE);
    CZ_EXPECT_EQ(raised(ctx, NULL, count_in_marked, NULL, NULL), CZ_EDATABASE);
}

static void mark_and_unmark(cz_ctx *ctx, void *arg)
{
    mark(ctx, arg);
    cz_set_rollback(ctx, false);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
}

static void mark_inside(cz_ctx *ctx, void *arg)
{
    add(ctx, "kept");
    cz_atomic(ctx, mark, arg);
    CZ_EXPECT(!cz_get_rollback(ctx));
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 2);
}

static void mark_outside(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_set_rollback(ctx, true);
}

static void marks(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static char name[] = "one", other[] = "two";
    cz_atomic(ctx, mark, name);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 0);
    cz_atomic(ctx, mark_and_unmark, name);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
    cz_atomic(ctx, mark_inside, other);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 2);
    CZ_EXPECT(!cz_in_atomic(ctx) && !cz_get_rollback(ctx));
    CZ_EXPECT_EQ(cz_try(ctx, mark_outside, NULL, NULL), CZ_EINVAL);
}

CZ_TEST(a_marked_block_runs_no_statement_and_is_rolled_back_without_a_raise)
{
    in_handler(marks);
}

/* ---- after the commit ---- */

static void register_and_fail(cz_ctx *ctx, void *arg)
{
    cz_on_commit(ctx, note, arg);
    cz_raise(ctx, CZ_EDENIED, "no");
}

static void register_in_savepoint(cz_ctx *ctx, void *arg)
{
    static char inner[] = "inner";
    cz_on_commit(ctx, note, inner);
    CZ_EXPECT_EQ(raised(ctx, NULL, register_and_fail, arg, NULL), CZ_EDENIED);
}

static void register_again(cz_ctx *ctx, void *arg)
{
    cz_on_commit(ctx, note, arg);
}

static void register_some(cz_ctx *ctx, void *arg)
{
    static char first[] = "first", fails[] = "fails", again[] = "again", dropped[] = "dropped",
                last[] = "last";
    (void)arg;
    cz_on_commit(ctx, note, first);
    cz_on_commit(ctx, note_and_fail, fails);
    cz_atomic(ctx, register_in_savepoint, dropped);
    cz_on_commit(ctx, register_again, again);
    cz_on_commit(ctx, note, last);
    CZ_EXPECT_STR(cz_str_from(trail), "");
}

static void cancel_after_registering(cz_ctx *ctx, void *arg)
{
    cz_on_commit(ctx, note, arg);
    cz__ctx_cancel(ctx, CZ_ECANCELED);
}

static void hooks(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static char dropped[] = "dropped", now[] = "now", gone[] = "gone";
    cz_atomic(ctx, register_some, NULL);
    CZ_EXPECT_STR(cz_str_from(trail), "first fails inner again last ");
    trail[0] = '\0';
    CZ_EXPECT_EQ(raised(ctx, NULL, register_and_fail, dropped, NULL), CZ_EDENIED);
    cz_on_commit(ctx, note, now);
    CZ_EXPECT_STR(cz_str_from(trail), "now ");
    cz_atomic(ctx, cancel_after_registering, gone);
    CZ_EXPECT_STR(cz_str_from(trail), "now gone ");
    CZ_EXPECT_EQ(ctx->cancelled, CZ_ECANCELED);
}

CZ_TEST(what_waits_for_the_commit_runs_after_it_in_order_and_not_after_a_rollback)
{
    in_handler(hooks);
}

/* ---- options ---- */

struct tries {
    cz_status status; /* to raise */
    int fail;         /* so many tries fail */
    int seen, cleaned;
};

static void count_clean_up(void *arg)
{
    ++*(int *)arg;
}

static void try_it(cz_ctx *ctx, void *arg)
{
    struct tries *tries = arg;
    static char done[] = "done";
    cz_defer(ctx, count_clean_up, &tries->cleaned);
    cz_on_commit(ctx, note, done);
    add(ctx, "tried");
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
    if (tries->seen++ < tries->fail)
        cz_raise(ctx, tries->status, "try %d", tries->seen);
}

static void retries(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const struct {
        cz_status status;
        int fail;
        unsigned retries;
        int seen;
        cz_status outcome;
    } cases[] = {
        { CZ_ESERIALIZATION, 2, 3, 3, CZ_OK },
        { CZ_ESERIALIZATION, 9, 2, 3, CZ_ESERIALIZATION },
        { CZ_ESERIALIZATION, 1, 0, 1, CZ_ESERIALIZATION },
        { CZ_EBUSY, 1, 5, 1, CZ_EBUSY },
        { CZ_EINTEGRITY, 1, 5, 1, CZ_EINTEGRITY },
        { CZ_ESERIALIZATION, 0, 101, 0, CZ_EINVAL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct tries tries = { .status = cases[i].status, .fail = cases[i].fail };
        cz_atomic_options options = { .retries = cases[i].retries };
        trail[0] = '\0';
        CZ_EXPECT_EQ(raised(ctx, &options, try_it, &tries, NULL), cases[i].outcome);
        CZ_EXPECT_EQ(tries.seen, cases[i].seen);
        CZ_EXPECT_EQ(tries.cleaned, cases[i].outcome ? cases[i].seen : cases[i].seen - 1);
        CZ_EXPECT_STR(cz_str_from(trail), cases[i].outcome ? "" : "done ");
        cz_delete(ctx, Coin, CZ_EVERY_ROW);
    }
}

CZ_TEST(a_transaction_that_met_another_runs_again_from_a_clean_start)
{
    in_handler(retries);
}

static void nothing(cz_ctx *ctx, void *arg)
{
    (void)ctx;
    (void)arg;
}

static void options_inside(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const struct {
        cz_atomic_options options;
        cz_status status;
    } cases[] = {
        { { .durable = true }, CZ_EINVAL },
        { { .read_only = true }, CZ_EINVAL },
        { { .isolation = CZ_ISOLATION_READ_COMMITTED }, CZ_EINVAL },
        { { .isolation = CZ_ISOLATION_SERIALIZABLE }, CZ_OK },
        { { .retries = 3 }, CZ_OK },
        { { .isolation = CZ_ISOLATION_DEFAULT }, CZ_OK },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_EQ(raised(ctx, &cases[i].options, nothing, NULL, NULL), cases[i].status);
}

static void add_one(cz_ctx *ctx, void *arg)
{
    add(ctx, arg);
}

static void only_read(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
    CZ_EXPECT_EQ(cz_try(ctx, add_one, arg, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(raised(ctx, NULL, add_one, arg, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
}

static void options(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static char name[] = "new";
    cz_atomic_options serializable = { .isolation = CZ_ISOLATION_SERIALIZABLE, .durable = true };
    cz_atomic_with(ctx, &serializable, options_inside, NULL);
    add(ctx, "first");
    cz_atomic_options reading = { .read_only = true },
                      one_state = { .read_only = true, .isolation = CZ_ISOLATION_REPEATABLE_READ };
    cz_atomic_with(ctx, &reading, only_read, name);
    cz_atomic_with(ctx, &one_state, only_read, name);
    cz_atomic(ctx, add_one, name); /* the options were the other transactions' */
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 2);
}

CZ_TEST(options_of_a_transaction_are_held_to)
{
    in_handler(options);
}

/* ---- another process ---- */

/* Another process changes the database in a transaction it holds for `ms`; returns once it has begun. */
static pid_t hold_lock(const char *sql, int ms)
{
    int ready[2];
    CZ_REQUIRE(pipe(ready) == 0);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        sqlite3 *other;
        const char *path = getenv("DATABASE_URL") + strlen("sqlite://");
        bool held = sqlite3_open(path, &other) == SQLITE_OK &&
                    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
                    sqlite3_exec(other, sql, NULL, NULL, NULL) == SQLITE_OK;
        cz_ignore(write(ready[1], held ? "y" : "n", 1) == 1); /* the parent sees a short read */
        usleep((useconds_t)ms * 1000);
        _exit(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL));
    }
    char answer = 'n';
    CZ_REQUIRE(read(ready[0], &answer, 1) == 1 && answer == 'y');
    return child;
}

static void read_twice(cz_ctx *ctx, void *arg)
{
    int64_t *counts = arg;
    counts[0] = cz_count(ctx, Coin);
    ctx->write_hold_us = 0; /* wait all the same */
    cz_sleep(ctx, 300);
    counts[1] = cz_count(ctx, Coin);
}

static void read_while_another_writes(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char insert[] =
        "INSERT INTO purse_coin (name, worth) VALUES (hex(randomblob(8)), 1)";
    int64_t counts[2];
    cz_atomic_options reading = { .read_only = true },
                      one_state = { .read_only = true, .isolation = CZ_ISOLATION_SERIALIZABLE };
    pid_t child = hold_lock(insert, 100);
    cz_atomic_with(ctx, &reading, read_twice, counts);
    CZ_EXPECT(counts[0] == 0 && counts[1] == 1);
    CZ_REQUIRE(waitpid(child, NULL, 0) == child);
    child = hold_lock(insert, 100);
    cz_atomic_with(ctx, &one_state, read_twice, counts);
    CZ_EXPECT(counts[0] == 1 && counts[1] == 1);
    CZ_REQUIRE(waitpid(child, NULL, 0) == child);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 2);
}

CZ_TEST(a_transaction_that_only_reads_waits_for_no_writer_and_may_see_one_state)
{
    in_handler(read_while_another_writes);
}

CZ_TEST(a_request_in_a_transaction_keeps_all_or_nothing_and_locks_at_its_first_change)
{
    cz_client *client = cz_client_create(&purse);
    const struct {
        const char *target, *body;
        int status;
        const char *count;
    } cases[] = {
        { "/coins", "one", 201, "1" },        { "/coins?refuse", "two", 400, "1" },
        { "/coins?fail", "three", 503, "1" }, { "/coins", "one", 409, "1" },
        { "/coins", "two", 201, "2" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        CZ_EXPECT_STATUS(cz_client_post(client, cases[i].target, cases[i].body), cases[i].status);
        CZ_EXPECT_STR(cz_client_get(client, "/coins")->body, cases[i].count);
    }
    pid_t child = hold_lock("SELECT 1", 300);
    int64_t before_us = cz_monotonic_us();
    CZ_EXPECT_STR(cz_client_get(client, "/coins")->body, "2");
    CZ_EXPECT(cz_monotonic_us() - before_us < 200 * 1000);
    CZ_EXPECT_STATUS(cz_client_post(client, "/coins", "late"), 201);
    CZ_EXPECT(cz_monotonic_us() - before_us > 200 * 1000);
    CZ_REQUIRE(waitpid(child, NULL, 0) == child);
}

/* ---- waiting inside ---- */

static int sleep_line;

static void add_and_sleep(cz_ctx *ctx, void *arg)
{
    add(ctx, arg);
    sleep_line = __LINE__ + 1;
    cz_sleep(ctx, 500);
}

static void take_a_job(void *arg)
{
    *(bool *)arg = true;
}

static void add_and_offload(cz_ctx *ctx, void *arg)
{
    static char name[] = "offloaded";
    add(ctx, name);
    cz_offload(ctx, take_a_job, arg);
}

static void wait_inside(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static char name[] = "one";
    bool done = false;
    cz_error err = { 0 };
    CZ_EXPECT_EQ(raised(ctx, NULL, add_and_sleep, name, &err), CZ_EINVAL);
    CZ_EXPECT_EQ(err.line, sleep_line);
    CZ_EXPECT(strstr(err.message, "transactions_test.c") != NULL);
    CZ_EXPECT_EQ(raised(ctx, NULL, add_and_offload, &done, NULL), CZ_EINVAL);
    CZ_EXPECT(!done);
    cz_sleep(ctx, 1);
    cz__db_write_hold_ms = 50;
    int64_t before_us = cz_monotonic_us();
    CZ_EXPECT_EQ(raised(ctx, NULL, add_and_sleep, name, &err), CZ_ETIMEDOUT);
    CZ_EXPECT(cz_monotonic_us() - before_us < 400 * 1000);
    CZ_EXPECT(strstr(err.message, "WRITE_HOLD_TIME") != NULL);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 0);
    cz__db_write_hold_ms = 2000;
    cz_atomic(ctx, add_and_offload, &done);
    CZ_EXPECT(done);
    CZ_EXPECT_EQ(cz_count(ctx, Coin), 1);
}

CZ_TEST(waiting_inside_a_write_transaction_is_refused_or_limited)
{
    in_handler(wait_inside);
}

/* ---- on PostgreSQL ---- */

static void isolation_is(cz_ctx *ctx, void *arg)
{
    cz__db_statement statement = { .sql =
                                       CZ_STR("SELECT current_setting('transaction_isolation') || "
                                              "' ' || current_setting('transaction_read_only')"),
                                   .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    bool row = false;
    cz_str text = { NULL, 0 };
    const cz__db_driver *driver = ctx->db->db->driver;
    CZ_REQUIRE_OK(driver->select(ctx, ctx->db, &statement, NULL, 0, &cursor, NULL));
    CZ_REQUIRE_OK(driver->step(&cursor, &row, NULL));
    CZ_EXPECT(row && driver->read(&cursor, 0, CZ__DB_TEXT, &text));
    CZ_EXPECT_STR(text, arg);
    driver->finish(&cursor);
}

static void make_table(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    if (ctx->db->db->driver->change(ctx, ctx->db,
                                    &(cz__db_statement){ .sql = CZ_STR("CREATE TABLE tx_t (n int)"),
                                                         .number = CZ__STATEMENT_UNCACHED },
                                    NULL, 0, &(int64_t){ 0 }, &(int64_t){ 0 }, &err))
        cz_raise_error(ctx, &err);
}

static void on_postgresql(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static char serializable[] = "serializable on", repeatable[] = "repeatable read off",
                plain[] = "read committed off";
    cz_atomic(ctx, isolation_is, plain);
    cz_atomic_options options = { .isolation = CZ_ISOLATION_SERIALIZABLE, .read_only = true };
    cz_atomic_with(ctx, &options, isolation_is, serializable);
    CZ_EXPECT_EQ(raised(ctx, &options, make_table, NULL, NULL), CZ_EINVAL);
    options = (cz_atomic_options){ .isolation = CZ_ISOLATION_REPEATABLE_READ };
    cz_atomic_with(ctx, &options, isolation_is, repeatable);
    cz_atomic(ctx, isolation_is, plain);
}

CZ_TEST(postgresql_is_told_the_options_of_a_transaction)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(cz_test_postgresql()), &cz__db_default, &err));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    if (cz_try(&ctx, on_postgresql, NULL, &err))
        cz__test_fail(__FILE__, __LINE__, "%s", cz_error_message(&err));
    cz_ctx_done(&ctx);
    cz__db_close(cz__db_default);
    cz_arena_destroy(arena);
}
