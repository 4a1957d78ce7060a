/* migrations/executor_testing.h: what tests that run migrations stand on, with the tables told as text. */
#ifndef CZ_MIGRATIONS_EXECUTOR_TESTING_H
#define CZ_MIGRATIONS_EXECUTOR_TESTING_H

#include "db/introspection.h"
#include "migrations/migrations_internal.h"
#include <calzone/testing.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- databases ---- */

/* The scenarios run on SQLite, in memory; with CZ_TEST_POSTGRESQL_URL the same run on PostgreSQL. */
static bool on_postgresql;

#define ON_BOTH(name)                                                                              \
    static void name##_on_a_database(void);                                                        \
    CZ_TEST(name)                                                                                  \
    {                                                                                              \
        name##_on_a_database();                                                                    \
    }                                                                                              \
    CZ_TEST(name##_on_postgresql)                                                                  \
    {                                                                                              \
        on_postgresql = *cz_test_postgresql() != '\0';                                             \
        name##_on_a_database();                                                                    \
    }                                                                                              \
    static void name##_on_a_database(void)

static inline const char *scenario_url(void)
{
    return on_postgresql ? cz_test_postgresql() : "sqlite:///:memory:";
}

static inline cz_ctx *open_database(const char *url, cz_ctx *ctx)
{
    cz_arena *arena;
    cz_error err = { 0 };
    cz__db *db;
    if (cz__db_open(cz_str_from(url), &db, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s", cz_error_message(&err));
        cz__test_abort();
    }
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(ctx, arena);
    ctx->db = cz_arena_new(arena, cz__db_session);
    CZ_REQUIRE(ctx->db);
    *ctx->db = (cz__db_session){ .db = db, .alone = true, .database = cz__databases };
    return ctx;
}

static inline void close_database(cz_ctx *ctx)
{
    cz__db *db = ctx->db->db;
    cz_arena *arena = ctx->arena;
    cz_ctx_done(ctx);
    cz__db_close(db);
    cz_arena_destroy(arena);
}

static inline void run_sql(cz_ctx *ctx, const char *sql)
{
    cz_error err = { 0 };
    if (ctx->db->db->driver->run(ctx, ctx->db, cz_str_from(sql), &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s: %s", sql, cz_error_message(&err));
        cz__test_abort();
    }
}

/* The rows' one column, with commas between. */
static inline const char *text_of(cz_ctx *ctx, const char *sql)
{
    const cz__db_driver *driver = ctx->db->db->driver;
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_error err = { 0 };
    bool row = false;
    cz_buf all = { 0 };
    cz_str text;
    if (driver->select(ctx, ctx->db, &statement, NULL, 0, &cursor, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s: %s", sql, cz_error_message(&err));
        cz__test_abort();
    }
    while (driver->step(&cursor, &row, &err) == CZ_OK && row) {
        text = CZ_STR("NULL");
        cz_ignore(driver->read(&cursor, 0, CZ__DB_TEXT, &text)); /* NULL: the word */
        cz_buf_append_str(&all, all.len ? CZ_STR(",") : CZ_STR(""));
        cz_buf_append_str(&all, text);
    }
    driver->finish(&cursor);
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&all), &text));
    cz_buf_done(&all);
    return text.ptr;
}

/* All tables but the ledger, told as text. */
static inline cz_str tell_tables(cz_ctx *ctx)
{
    const cz__db_driver *driver = ctx->db->db->driver;
    cz_str_list names;
    cz_error err = { 0 };
    cz_buf all = { 0 };
    CZ_REQUIRE_OK(driver->list_tables(ctx, ctx->db, &names, &err));
    for (size_t i = 0; i < names.count; i++) {
        cz__table_info info;
        cz_str text;
        if (cz_str_eq(names.items[i], CZ_STR("calzone_migrations")))
            continue;
        CZ_REQUIRE_OK(driver->describe_table(ctx, ctx->db, names.items[i].ptr, &info, &err));
        CZ_REQUIRE_OK(cz__table_info_text(&info, ctx->arena, &text));
        cz_buf_printf(&all, "%s\n%.*s", info.name, CZ_STR_ARG(text));
    }
    cz_str copy;
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&all), &copy));
    cz_buf_done(&all);
    return copy;
}

/* An empty database, in the schema all connections of the test share. */
static inline void clear_database(cz_ctx *ctx)
{
    cz_str_list names;
    cz_error err = { 0 };
    if (!on_postgresql)
        return;
    CZ_REQUIRE_OK(ctx->db->db->driver->list_tables(ctx, ctx->db, &names, &err));
    for (size_t i = 0; i < names.count; i++)
        run_sql(ctx, cz_format(ctx, "DROP TABLE \"%s\" CASCADE", names.items[i].ptr).ptr);
}

/* What the tables of a state look like when they are made at once. */
static inline cz_str tell_fresh(const cz__state *state)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz__state empty = { 0 };
    cz__steps steps = { 0 };
    cz_error err = { 0 };
    cz__state_steps(&ctx, &empty, state, "store", NULL, false, &steps);
    for (size_t i = 0; i < steps.count; i++) {
        cz__sql_list list = { .arena = ctx.arena };
        CZ_REQUIRE_OK(ctx.db->db->driver->schema_write(&steps.items[i], &list, &err));
        for (size_t s = 0; s < list.count; s++)
            run_sql(&ctx, list.items[s].ptr);
    }
    cz_str text = tell_tables(&ctx);
    clear_database(&ctx);
    close_database(&ctx);
    return text;
}

/* ---- running ---- */

struct steps_job {
    cz__graph *graph;
    const char *target;
};

static inline void migrate_to(cz_ctx *ctx, void *arg)
{
    struct steps_job *job = arg;
    cz__plan_list plan = cz__migrate_plan(ctx, job->graph, "store", job->target);
    for (size_t i = 0; i < plan.count; i++)
        CZ_EXPECT_EQ(cz__migrate_step(ctx, job->graph, plan.items[i], CZ__MIGRATE_RUN),
                     CZ__MIGRATED_RUN);
}

static inline const char *database_url(void)
{
    if (on_postgresql)
        return cz_test_postgresql();
    static char url[256];
    if (!url[0])
        snprintf(url, sizeof url, "sqlite://%s/test.db", cz_test_directory());
    return url;
}

static const cz__db_driver *real_driver;
static unsigned statements_left;

static inline cz_status run_or_die(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err)
{
    if (statements_left-- == 0)
        kill(getpid(), SIGKILL);
    return real_driver->run(ctx, session, sql, err);
}

/* In a child: run migrations of "store" up to `target` or back to it, killed before the statement after
 * `statements`. Returns whether it lived. */
static inline bool migrate_in_child(const cz_migration *const *all, size_t count,
                                    const char *target, unsigned statements)
{
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        cz_ctx ctx;
        open_database(database_url(), &ctx);
        cz__db_driver mortal = *ctx.db->db->driver;
        real_driver = ctx.db->db->driver;
        mortal.run = run_or_die;
        ctx.db->db->driver = &mortal;
        statements_left = statements;
        struct steps_job job = { cz__graph_make(&ctx, all, count, cz__ledger_read(&ctx)), target };
        cz_error err = { 0 };
        cz_status status = cz_try(&ctx, migrate_to, &job, &err);
        ctx.db->db->driver = real_driver;
        close_database(&ctx);
        _exit(status || cz_test_has_failed());
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        continue;
    CZ_EXPECT_MSG(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "the migration failed");
    return WIFEXITED(status);
}

#endif
