/* The commands of a project with several databases, as its binary runs them. */
#include "management/command_testing.h"
#include "management/project.h"
#include "orm/orm.h"
#include <calzone/calzone.h>
#include <sys/stat.h>

#define TOOL(F) F(char_field, name, .max_length = 40)
CZ_MODEL(Tool, TOOL);
#define VISIT(F) F(char_field, who, .max_length = 40)
CZ_MODEL(Visit, VISIT, .database = "logs", .natural_key = CZ_FIELDS(Visit, who));
#define TOOL_LOAN(F)                                                                               \
    F(foreign_key, tool, Tool, .on_delete = CZ_CASCADE)                                            \
    F(reference, visit, Visit, .on_delete = CZ_CASCADE)
CZ_MODEL(ToolLoan, TOOL_LOAN);
/* of an app that has migrations */
#define RECEIPT(F) F(int_field, amount)
CZ_MODEL(Receipt, RECEIPT, .database = "logs");

static void fill(cz_ctx *ctx, const cz_history *history)
{
    cz_past_row *row = cz_past_new(ctx, history, "Receipt");
    cz_past_set_int(ctx, row, "amount", 7);
    cz_past_save(ctx, row);
}

/* One model there was once has gone: its table was in "logs" all the same. */
static CZ_MIGRATION(
    sales_0001_initial, "sales", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("Receipt",
                        CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                        { "amount", "int_field" }),
                        .alias = "logs"),
        CZ_CREATE_MODEL("Old", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true }),
                        .alias = "logs"),
        CZ_RUN_C(fill, cz_run_nothing),
        CZ_RUN_SQL("CREATE TABLE only_default (id INTEGER)", "DROP TABLE only_default",
                   .alias = "default")));
static CZ_MIGRATION(sales_0002_delete_old, "sales", "0002_delete_old",
                    .depends = CZ_DEPENDS({ "sales", "0001_initial" }),
                    .operations = CZ_OPERATIONS(CZ_DELETE_MODEL("Old")));
CZ_MIGRATION_LIST(sales_migrations)
{
    CZ_LISTED(sales_0001_initial);
    CZ_LISTED(sales_0002_delete_old);
    CZ_LIST_END;
}

static int add_visit(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    (void)project;
    (void)argc;
    (void)argv;
    cz_create(ctx, Visit, (who, "Ann"));
    cz_create(ctx, Tool, (name, "saw"));
    printf("%lld %lld\n", (long long)cz_count(ctx, Visit), (long long)cz_count(ctx, Tool));
    return 0;
}

static const cz_command commands[] = { { "visit", "Visit.", NULL, add_visit } };
static const cz_app shed_app = { "shed", .models = CZ_MODELS(Tool, Visit, ToolLoan),
                                 .commands = CZ_COMMANDS(commands) };
static const cz_app sales_app = { "sales", .models = CZ_MODELS(Receipt),
                                  .migrations = sales_migrations };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(shed, "shed", .apps = CZ_APPS(&shed_app, &sales_app), .urls = urls,
                  .databases = CZ_DATABASES({ "logs" }));

/* Run a command; LOGS may name the second database. */
static int run(cz_str *out, const char *const *arguments)
{
    const char *logs = getenv("LOGS");
    return cz__test_command(
        &shed,
        CZ__TEXTS(cz__test_setting("DATABASE_URL", cz__test_sqlite("default.db")),
                  cz__test_setting("DATABASE_LOGS_URL", logs ? logs : cz__test_sqlite("logs.db"))),
        arguments, out);
}

#define EXPECT_RUN(code, text, ...)                                                                \
    do {                                                                                           \
        cz_str run_out;                                                                            \
        int run_code = run(&run_out, CZ__TEXTS(__VA_ARGS__));                                      \
        CZ_EXPECT_EQ(run_code, code);                                                              \
        CZ_EXPECT_STR(run_out, text);                                                              \
    } while (0)
#define EXPECT_PART(code, text, ...)                                                               \
    do {                                                                                           \
        cz_str run_out;                                                                            \
        CZ_EXPECT_EQ(run(&run_out, CZ__TEXTS(__VA_ARGS__)), code);                                 \
        CZ_EXPECT_MSG(cz_str_find(run_out, cz_str_from(text)) != SIZE_MAX,                         \
                      "\"%s\" is not in \"%.*s\"", text, CZ_STR_ARG(run_out));                     \
    } while (0)

CZ_TEST(a_reference_to_another_database_is_dumped_and_loaded)
{
    static const char loan[] =
        "[{\"model\": \"shed.toolloan\", \"pk\": 1, \"fields\": {\"tool\": 1, \"visit\": 7}}]\n";
    EXPECT_PART(0, "", "migrate");
    EXPECT_RUN(0, "2 rows loaded from 2 files\n", "loaddata", cz__test_write("loan.json", loan),
               cz__test_write("tool.json", "[{\"model\": \"shed.tool\", \"pk\": 1, "
                                           "\"fields\": {\"name\": \"adze\"}}]"));
    EXPECT_RUN(0, loan, "dumpdata", "shed.toolloan", "--natural-foreign");
    EXPECT_PART(
        1,
        "named.json:1: shed.toolloan: visit: the rows of shed.visit are in another database: "
        "name this one by its key",
        "loaddata",
        cz__test_write("named.json", "[{\"model\": \"shed.toolloan\", \"fields\": "
                                     "{\"tool\": 1, \"visit\": [\"Bob\"]}}]"));
}

CZ_TEST(each_database_is_migrated_dumped_and_loaded_by_itself)
{
    static const char fixture[] =
        "[{\"model\": \"shed.tool\", \"pk\": 1, \"fields\": {\"name\": \"adze\"}},"
        "{\"model\": \"shed.visit\", \"pk\": 1, \"fields\": {\"who\": \"Bob\"}}]";
    const char *file = cz__test_write("rows.json", fixture);
    const char *made = cz_arena_printf(
        cz_test_arena(),
        "New database %s\nRunning migrations:\n  Applying sales.0001_initial... OK\n"
        "  Applying sales.0002_delete_old... OK\n"
        "  Created 2 tables of apps without migrations.\n",
        cz__test_path("default.db"));
    EXPECT_RUN(0, made, "migrate");
    EXPECT_RUN(1, "", "migrate", "--check", "--database", "logs");
    EXPECT_RUN(0, "sales\n [ ] 0001_initial\n [ ] 0002_delete_old\n", "showmigrations", "sales",
               "--database", "logs");
    EXPECT_RUN(0,
               "Running migrations:\n  Applying sales.0001_initial... OK\n"
               "  Applying sales.0002_delete_old... OK\n"
               "  Created 1 table of apps without migrations.\n",
               "migrate", "--database", "logs");
    EXPECT_RUN(0, "No changes detected in sales\n", "makemigrations", "sales");
    EXPECT_RUN(0, "shed: 0 tables created\n", "createtables", "--database", "logs");
    EXPECT_RUN(0, "", "sqlmigrate", "sales", "0002");
    EXPECT_RUN(0, "DROP TABLE \"sales_old\";\n", "sqlmigrate", "sales", "0002", "--database",
               "logs");
    EXPECT_RUN(0, "1 1\n", "visit");
    EXPECT_RUN(0, "[]\n", "dumpdata", "sales", "--database", "default");
    EXPECT_RUN(0, "[{\"model\": \"shed.tool\", \"pk\": 1, \"fields\": {\"name\": \"saw\"}}]\n",
               "dumpdata");
    EXPECT_RUN(0,
               "[{\"model\": \"shed.visit\", \"pk\": 1, \"fields\": {\"who\": \"Ann\"}}, "
               "{\"model\": \"sales.receipt\", \"pk\": 1, \"fields\": {\"amount\": 7}}]\n",
               "dumpdata", "--database", "logs");
    EXPECT_RUN(0, "1 row loaded from 1 file\n", "loaddata", file);
    EXPECT_RUN(0, "1 row loaded from 1 file\n", "loaddata", "--database", "logs", file);
    EXPECT_RUN(0, "[{\"model\": \"shed.visit\", \"pk\": 1, \"fields\": {\"who\": \"Bob\"}}]\n",
               "dumpdata", "shed", "--database", "logs");
    EXPECT_PART(0, "CZ_MODEL(ShedVisit", "inspectdb", "--database", "logs", "shed_visit");
    EXPECT_PART(1, "shed_tool", "inspectdb", "--database", "logs", "shed_tool");
    EXPECT_PART(0, "bytes, checked", "backup", "--database", "logs", cz__test_path("copy.db"));
    EXPECT_RUN(0,
               "shed: no issues in 4 models and 0 routes (test)\n"
               "shed: the database \"default\" is up to date\n"
               "shed: the database \"logs\" is up to date\n",
               "check", "--databases");
}

CZ_TEST(a_database_that_is_not_there_is_told_by_its_alias)
{
    static const char *const known[] = { "migrate", "showmigrations", "createtables", "dumpdata",
                                         "inspectdb" };
    for (size_t i = 0; i < CZ_COUNT(known); i++) {
        EXPECT_RUN(2, "shed: there is no database \"log\"; declared are default, logs\n", known[i],
                   "--database", "log");
        EXPECT_PART(2, "--database", known[i], "--database");
    }
    EXPECT_RUN(2, "dbshell: there is no database \"x\"; declared are default, logs\n", "dbshell",
               "--database", "x");
    setenv("LOGS", "sqlite:///no/such/folder/logs.db", 1);
    EXPECT_PART(1, "shed (logs): database \"logs\": ", "check", "--databases");
    EXPECT_PART(1, "shed (logs): database \"logs\": ", "run", "--bind", "127.0.0.1:0");
    EXPECT_RUN(0, "shed: no issues in 4 models and 0 routes (test)\n", "check");
    EXPECT_PART(0, "No migrations to apply", "migrate"); /* it is not needed for this one */
    setenv("LOGS", "sqlite:///:memory:", 1);
    EXPECT_PART(1, "run: DATABASE_URL of logs: a database in memory", "run", "--bind",
                "127.0.0.1:0");
    unsetenv("LOGS");
}

CZ_TEST(a_url_that_no_database_has_stops_each_command_and_no_file_is_made)
{
    static const struct {
        const char *url, *why;
    } cases[] = {
        { "mysql://root@localhost/shed", "DATABASE_URL: no driver for \"mysql\"; known: sqlite, "
                                         "postgresql" },
        { "sqlite://x.db", "DATABASE_URL: a SQLite URL is sqlite:///absolute/path.db" },
        { "sqlite:///tmp/x.db?mode=ro",
          "DATABASE_URL: \"mode\" is none of busy_timeout, synchronous" },
        { "sqlite:///", "DATABASE_URL: a SQLite URL is sqlite:///absolute/path.db" },
    };
    static const char *const commands_[] = { "check", "migrate", "routes" };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        setenv("LOGS", cases[i].url, 1);
        for (size_t c = 0; c < CZ_COUNT(commands_); c++)
            EXPECT_RUN(
                1, cz_arena_printf(cz_test_arena(), "shed: database \"logs\": %s\n", cases[i].why),
                commands_[c]);
    }
    unsetenv("LOGS");
    CZ_EXPECT(access(cz__test_path("default.db"), F_OK) != 0);
}

CZ_TEST(a_new_file_is_told_by_its_name)
{
    const char *line = cz_arena_printf(cz_test_arena(), "New database %s\nRunning migrations:\n",
                                       cz__test_path("logs.db"));
    EXPECT_PART(0, line, "migrate", "--database", "logs");
    EXPECT_PART(0, "Running migrations:\n  No migrations", "migrate", "--database", "logs");
}

CZ_TEST(rows_do_not_move_to_another_database_by_a_migration)
{
    Receipt__model.meta.database = NULL; /* as if its declaration had changed */
    EXPECT_RUN(
        1,
        "shed: sales.Receipt was in the database \"logs\" and is to be in \"default\": no "
        "migration can move its rows; declare a new model there, copy them, then remove this "
        "one\n",
        "makemigrations", "sales");
}

CZ_TEST(each_flag_of_a_migration_command_has_a_line_of_help)
{
    static const struct {
        const char *command;
        const char *flags[12];
    } cases[] = {
        { "makemigrations",
          { "--check", "--dry-run", "--empty", "--merge", "--online", "--name", "--folder",
            "--rename", "--no-rename", "--default" } },
        { "migrate",
          { "--database", "--plan", "--check", "--fake", "--fake-initial", "--accept-edited" } },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        for (size_t f = 0; cases[i].flags[f]; f++)
            EXPECT_PART(0, cz_arena_printf(cz_test_arena(), "\n  %s ", cases[i].flags[f]),
                        cases[i].command, "--help");
}

static void prepare_sales(const char *sql)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err = { 0 };
    cz__db *db;
    cz__db_session session = { 0 };
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(cz__test_sqlite("logs.db")), &db, &err));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    session.db = db;
    CZ_REQUIRE_OK(db->driver->run(&ctx, &session, cz_str_from(sql), &err));
    cz_ctx_done(&ctx);
    cz__db_close(db);
    cz_arena_destroy(arena);
}

CZ_TEST(half_of_an_apps_first_tables_is_told_and_ends_the_line_before)
{
    prepare_sales("CREATE TABLE sales_receipt (id INTEGER PRIMARY KEY)");
    EXPECT_RUN(1,
               "Running migrations:\n  Applying sales.0001_initial...\n"
               "shed (logs): sales.0001_initial cannot be faked: the table sales_receipt is there "
               "already, but sales_receipt.amount is missing. Add it by hand, or begin with a new "
               "database\n",
               "migrate", "--database", "logs", "--fake-initial");
    EXPECT_PART(1,
                "Running migrations:\n  Applying sales.0001_initial...\n"
                "shed (logs): sales.0001_initial: SQLite: table \"sales_receipt\" already exists",
                "migrate", "--database", "logs");
    prepare_sales("ALTER TABLE sales_receipt ADD COLUMN amount INTEGER");
    EXPECT_PART(1, "the table sales_receipt is there already, but sales_old is missing", "migrate",
                "--database", "logs", "--fake-initial");
    prepare_sales("CREATE TABLE sales_old (id INTEGER PRIMARY KEY)");
    EXPECT_PART(0, "Applying sales.0001_initial... FAKED\n", "migrate", "--database", "logs",
                "--fake-initial");
}
