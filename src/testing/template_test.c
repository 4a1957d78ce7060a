/* What a test gets: a database of its own, from a template that was migrated once. */
#include <calzone/calzone.h>
#include "db/database.h"
#include "testing/template.h"
#include "testing/testing_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRATE(F) F(char_field, label, .max_length = 20, .unique = true)
CZ_MODEL(Crate, CRATE);

static int *migrated; /* shared by the processes of a test */

static void fill(cz_ctx *ctx, const cz_history *history)
{
    (void)ctx, (void)history;
    __atomic_add_fetch(migrated, 1, __ATOMIC_SEQ_CST);
}

static CZ_MIGRATION(
    quay_0001_initial, "quay", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("Crate", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                                 { "label", "char_field", .max_length = 20,
                                                   .unique = true })),
        CZ_RUN_SQL("INSERT INTO quay_crate (label) VALUES ('from the migration')", ""),
        CZ_RUN_C(fill, cz_run_nothing)));
static const cz_migration *migrations(size_t index)
{
    return index == 0 ? &quay_0001_initial : NULL;
}

static const cz_app quay_app = { "quay", .models = CZ_MODELS(Crate), .migrations = migrations };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(quay, "quay", .apps = CZ_APPS(&quay_app), .urls = urls);

static void add_crate(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT_EQ(cz_count(ctx, Crate), 1); /* the migration's, and no other test's */
    Crate *crate = cz_create(ctx, Crate, (label, "mine"));
    CZ_EXPECT_EQ(crate->id, 2);
    CZ_EXPECT_EQ(cz_count(ctx, Crate), 2);
    *(bool *)arg = true;
}

/* A test in a process of its own, as the runner would start it. */
static pid_t start_test(void)
{
    fflush(NULL);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        bool ran = false;
        cz_client_run(cz_client_create(&quay), add_crate, &ran);
        fflush(NULL);
        exit(ran && !cz_test_has_failed() ? 0 : 1);
    }
    return pid;
}

CZ_DATABASE_TEST(tests_at_once_have_databases_of_their_own_that_were_migrated_once)
{
    enum { COUNT = 4 };
    pid_t pids[COUNT];
    migrated =
        mmap(NULL, sizeof *migrated, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(migrated != MAP_FAILED);
    if (cz__test_on_postgresql)
        cz_ignore(cz_test_postgresql()); /* skips where there is no server */
    for (size_t i = 0; i < COUNT; i++)
        pids[i] = start_test();
    for (size_t i = 0; i < COUNT; i++) {
        int status;
        CZ_REQUIRE(waitpid(pids[i], &status, 0) == pids[i]);
        CZ_EXPECT_EQ(status, 0);
    }
    CZ_EXPECT_EQ(*migrated, 1);
}

CZ_TEST(a_template_whose_maker_was_killed_is_made_anew)
{
    cz__test_database database;
    const char *own = "sqlite:///own.db?synchronous=normal"; /* a template no other test shares */
    setenv("DATABASE_URL", own, 1);
    cz__test_database_plan(&quay, "default", cz_str_from(own), &database);
    const char *part = cz_arena_printf(cz_test_arena(), "%s.part", database.template_);
    FILE *file = fopen(part, "w");
    CZ_REQUIRE(file);
    fputs("half of a database", file);
    fclose(file);
    migrated =
        mmap(NULL, sizeof *migrated, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(migrated != MAP_FAILED);
    int status;
    CZ_REQUIRE(waitpid(start_test(), &status, 0) > 0);
    CZ_EXPECT_EQ(status, 0);
    CZ_EXPECT_EQ(*migrated, 1);
    CZ_EXPECT(access(part, F_OK) != 0 && access(database.template_, F_OK) == 0);
}

static void tell_url(cz_ctx *ctx, void *arg)
{
    (void)ctx;
    *(cz_str *)arg = cz_setting_str(cz_project_settings(), "DATABASE_URL");
}

CZ_TEST(the_settings_never_name_the_database_the_project_has)
{
    const char *own = cz_arena_printf(cz_test_arena(), "sqlite://%s/own.db?synchronous=normal",
                                      cz_test_directory());
    cz_str url;
    CZ_REQUIRE(own);
    setenv("DATABASE_URL", own, 1);
    static CZ_PROJECT(bare, "bare", .urls = urls);
    cz_client_run(cz_client_create(&bare), tell_url, &url);
    CZ_EXPECT(cz_str_ends_with(url, CZ_STR("/test.db?synchronous=normal")));
    CZ_EXPECT(access(strchr(own, '/') + 2, F_OK) != 0);
}

/* ---- PostgreSQL ---- */

static bool is_there(const char *server, const char *name)
{
    cz_error err = { 0 };
    cz__db *db;
    cz_arena *arena;
    cz_ctx ctx;
    cz__db_session session = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(cz__test_server_url(server, name)), &db, &err));
    session.db = db;
    bool found = db->driver->run(&ctx, &session, CZ_STR("SELECT 1"), &err) == CZ_OK;
    cz__db_close(db);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
    return found;
}

CZ_TEST(a_database_url_of_postgresql_gives_each_test_a_copy_that_goes_with_it)
{
    const char *server = (cz_ignore(cz_test_postgresql()), getenv("CZ_TEST_POSTGRESQL_URL"));
    setenv("DATABASE_URL", server, 1);
    int fds[2];
    CZ_REQUIRE(pipe(fds) == 0);
    migrated =
        mmap(NULL, sizeof *migrated, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(migrated != MAP_FAILED);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        bool ran = false;
        char name[128] = "";
        cz_client_run(cz_client_create(&quay), add_crate, &ran);
        cz_url url;
        CZ_REQUIRE_OK(cz_url_parse(cz_test_arena(), cz_str_from(getenv("DATABASE_URL")), &url));
        cz_ignore(snprintf(name, sizeof name, "%.*s", CZ_STR_ARG(cz_str_tail(url.path, 1))));
        CZ_EXPECT(is_there(server, name));
        CZ_REQUIRE(write(fds[1], name, sizeof name) == sizeof name);
        exit(ran && !cz_test_has_failed() ? 0 : 1);
    }
    char name[128] = "";
    int status;
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    CZ_EXPECT_EQ(status, 0);
    CZ_REQUIRE(read(fds[0], name, sizeof name) == sizeof name);
    CZ_EXPECT(cz_str_starts_with(cz_str_from(name),
                                 cz_str_from(cz__test_server_prefix(cz__test_runner()))));
    CZ_EXPECT(!is_there(server, name));
}

CZ_TEST(what_a_killed_run_left_on_a_server_goes_and_what_others_have_stays)
{
    const char *server = (cz_ignore(cz_test_postgresql()), getenv("CZ_TEST_POSTGRESQL_URL"));
    const char *ours = cz__test_server_prefix(cz__test_runner());
    unsigned machine;
    CZ_REQUIRE(sscanf(ours, "test_%8x_", &machine) == 1);
    long tag = (long)getpid();
    /* a process number that came back: it runs, but did not start then */
    const struct {
        const char *name;
        bool stays;
    } cases[] = {
        { cz_arena_printf(cz_test_arena(), "test_%08x_%ld_1_t%ld", machine, tag, tag), false },
        { cz_arena_printf(cz_test_arena(), "test_%08x_4194305_7b_t%ld", machine, tag), false },
        { cz_arena_printf(cz_test_arena(), "test_%08x_4194305_7b_t%ld", machine + 1, tag), true },
        { cz_arena_printf(cz_test_arena(), "%skept_%ld", ours, tag), true },
        { cz_arena_printf(cz_test_arena(), "test_shop_%ld", tag), true },
        { cz_arena_printf(cz_test_arena(), "test_%08x_%ld", machine, tag), true },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_REQUIRE(cz__test_server_create(server, cases[i].name, NULL));
    CZ_EXPECT(cz__test_server_sweep(server, NULL));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        CZ_EXPECT_MSG(is_there(server, cases[i].name) == cases[i].stays, "%s", cases[i].name);
        CZ_EXPECT(cz__test_server_drop(server, cases[i].name));
    }
}
