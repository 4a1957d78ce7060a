/* Keys of encrypted fields, as a project's commands meet them. */
#include "management/command_testing.h"
#include <calzone/calzone.h>
#include <sqlite3.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

#define SPY(F)                                                                                     \
    CZ_SOFT_DELETED(F)                                                                             \
    F(encrypted_field, real_name, .max_length = 40)
CZ_MODEL(Spy, SPY);
static const cz_app agency_app = { "agency", .models = CZ_MODELS(Spy) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(agency, "agency", .apps = CZ_APPS(&agency_app), .urls = urls);

/* Run a command with these keys. */
static int run(const char *keys, cz_str *out, const char *const *arguments)
{
    return cz__test_command(&agency,
                            CZ__TEXTS(cz__test_setting("DATABASE_URL", cz__test_sqlite("a.db")),
                                      cz__test_setting("FIELD_ENCRYPTION_KEYS", keys)),
                            arguments, out);
}

#define RUN(code, text, keys, ...)                                                                 \
    do {                                                                                           \
        cz_str out_;                                                                               \
        CZ_EXPECT_EQ(run((keys), &out_, CZ__TEXTS(__VA_ARGS__)), (code));                          \
        CZ_EXPECT_STR(out_, (text));                                                               \
    } while (0)

static const char rows[] =
    "[{\"model\": \"agency.spy\", \"pk\": 1, \"fields\": {\"deleted_at\": null, "
    "\"is_deleted\": false, \"real_name\": \"Ann\"}}, "
    "{\"model\": \"agency.spy\", \"pk\": 2, \"fields\": {\"deleted_at\": "
    "\"2001-01-01T00:00:00Z\", \"is_deleted\": true, \"real_name\": \"Bob\"}}]\n";

/* One that is alive and one that is deleted. */
static void load_spies(void)
{
    const char *file = cz__test_write("spies.json", rows);
    RUN(0, "agency: 1 table created\n", "a:" KEY_A, "createtables");
    RUN(0, "2 rows loaded from 1 file\n", "a:" KEY_A, "loaddata", file);
}

CZ_TEST(keys_of_encrypted_fields_are_changed_in_two_steps)
{
    RUN(1,
        "agency: FIELD_ENCRYPTION_KEYS is required: Spy has an encrypted field. A "
        "first key, for tests alone: echo FIELD_ENCRYPTION_KEYS=k1:$(openssl rand -base64 32) >> "
        "settings/test.env\n",
        "", "createtables");
    load_spies();
    RUN(0, rows, "b:" KEY_B ",a:" KEY_A, "dumpdata");
    cz_str out;
    CZ_EXPECT_EQ(run("b:" KEY_B, &out, CZ__TEXTS("dumpdata")), 1); /* too early */
    RUN(2, "reencrypt: unknown argument \"now\"; see --help\n", "a:" KEY_A, "reencrypt", "now");
    RUN(0, "agency.spy: 2 rows\n", "b:" KEY_B ",a:" KEY_A, "reencrypt"); /* deleted ones, too */
    RUN(0, rows, "b:" KEY_B, "dumpdata");
}

CZ_TEST(version_is_told_whatever_is_wrong_with_the_settings)
{
    RUN(0,
        cz_arena_printf(cz_test_arena(), "agency 0\nCalzone %s\nSQLite %s\n", CZ_VERSION,
                        sqlite3_libversion()),
        "", "version");
    cz_str out;
    CZ_EXPECT_EQ(run("nonsense", &out, CZ__TEXTS("version", "--json")), 0);
    CZ_EXPECT(cz_str_starts_with(out, CZ_STR("{")));
}

/* The key is gone, and with it what it kept: the rows may go all the same. */
CZ_TEST(purge_needs_no_key)
{
    cz_str out;
    load_spies();
    CZ_EXPECT_EQ(run("b:" KEY_B, &out, CZ__TEXTS("dumpdata")), 1);
    RUN(0, "1 row purged\n", "b:" KEY_B, "purge", "--days", "0");
    RUN(0, "0 rows purged\n", "b:" KEY_B, "purge", "--days", "0");
}

CZ_TEST(commands_that_read_no_value_need_no_key)
{
    static const char *const commands[] = { "makemigrations", "showmigrations", "inspectdb",
                                            "routes", "settings" };
    cz_str out;
    for (size_t i = 0; i < CZ_COUNT(commands); i++) {
        const char *check = i ? NULL : "--check"; /* the app has no migrations: there are changes */
        int code = run("", &out, CZ__TEXTS(commands[i], check));
        CZ_EXPECT_MSG(code == (i ? 0 : 1), "%s: %.*s", commands[i], CZ_STR_ARG(out));
        CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("is required")) == SIZE_MAX, "%.*s", CZ_STR_ARG(out));
    }
    CZ_EXPECT_EQ(run("", &out, CZ__TEXTS("check")), 0);
    CZ_EXPECT(
        cz_str_starts_with(out, CZ_STR("agency: warning: FIELD_ENCRYPTION_KEYS is required")));
    CZ_EXPECT(cz_str_find(out, CZ_STR("no issues")) != SIZE_MAX);
    CZ_EXPECT_EQ(run("", &out, CZ__TEXTS("dumpdata")), 1);
    CZ_EXPECT_EQ(run("a:short", &out, CZ__TEXTS("makemigrations", "--check")), 1);
    CZ_EXPECT(cz_str_find(out, CZ_STR("is not 32 bytes in base64")) != SIZE_MAX);
}
