/* How a project refuses to start, and what it says then. */
#include "server.h"

static const char *url(void)
{
    return format("DATABASE_URL=sqlite://%s/test.db", cz_test_directory()).ptr;
}

static size_t lines_of(cz_str text)
{
    return cz_str_count(text, '\n');
}

CZ_TEST(a_bad_setting_stops_the_start_with_one_line_that_names_it)
{
    static const char *const cases[][2] = {
        { "ENV=prod", "ENV" },
        { "DATABASE_URL=oracle://localhost/x", "oracle" },
#ifdef CZ_POSTGRESQL
        { "DATABASE_URL=postgres://127.0.0.1:1/x", "PostgreSQL cannot be reached" },
        { "DATABASE_URL=postgres://localhost/x?colour=red", "colour" },
#else
        { "DATABASE_URL=postgres://localhost/x", "built without PostgreSQL" },
#endif
        { "DATABASE_URL=nonsense", "DATABASE_URL" },
        { "DATABASE_URL=sqlite://host/x.db", "DATABASE_URL" },
        { "DATABASE_URL=sqlite:///nowhere/at/all/x.db", "/nowhere/at/all/x.db" },
        { "WORKERS=many", "WORKERS" },
        { "WORKERS=257", "WORKERS" },
        { "WORKERS=-1", "WORKERS" },
        { "PAGE_SIZE=0", "PAGE_SIZE" },
        { "PAGE_SIZE=101", "PAGE_SIZE" },
        { "LOG_LEVEL=loud", "LOG_LEVEL" },
        { "LOG_FORMAT=xml", "LOG_FORMAT" },
        { "LOG_FILE=/nowhere/at/all.log", "/nowhere/at/all.log" },
        { "ACCESS_LOG=/nowhere/at/all.log", "/nowhere/at/all.log" },
        { "ERROR_FORMAT=rails", "ERROR_FORMAT" },
        { "TRAILING_SLASH_REDIRECT=maybe", "TRAILING_SLASH_REDIRECT" },
        { "DRAIN_TIMEOUT=10", "DRAIN_TIMEOUT" },
        { "DRAIN_TIMEOUT=2d", "DRAIN_TIMEOUT" },
        { "FIBER_STACK=1k", "FIBER_STACK" },
        { "TRUSTED_PROXIES=10.0.0.1/8", "TRUSTED_PROXIES" },
        { "HTTP_BODY_MAX=lots", "HTTP_BODY_MAX" },
        { "HTTP_BODY_MAX=0", "HTTP_BODY_MAX" },
        { "HTTP_HEADER_COUNT_MAX=1001", "HTTP_HEADER_COUNT_MAX" },
        { "BIND=nonsense", "nonsense" },
        { "BIND=127.0.0.1:99999", "127.0.0.1:99999" },
        { "BIND=192.0.2.1:8000", "192.0.2.1:8000" },
        { "SECRET_KEY_FILE=/nowhere/key", "SECRET_KEY" },
    };
    const char *const argv[] = { "bookstore", "run", NULL };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        bool url_case = !strncmp(cases[i][0], "DATABASE_URL", 12);
        const char *env[] = { cases[i][0], "LOG_LEVEL=error", url_case ? NULL : url(), NULL };
        cz_str out;
        int code = run_binary("bookstore", argv, env, &out);
        CZ_EXPECT_MSG(code == 1, "%s: exit code %d: %.*s", cases[i][0], code, CZ_STR_ARG(out));
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(cases[i][1])) != SIZE_MAX, "%s: %.*s",
                      cases[i][0], CZ_STR_ARG(out));
        CZ_EXPECT_MSG(lines_of(out) == 1, "%s: not one line: %.*s", cases[i][0], CZ_STR_ARG(out));
    }
}

CZ_TEST(production_names_what_is_missing_and_starts_when_it_is_there)
{
    const char *const argv[] = { "bookstore", "run", NULL };
    const char *const migrate[] = { "bookstore", "migrate", NULL };
    const char *hosts = "ALLOWED_HOSTS=localhost", *production = "ENV=production";
    cz_str out;
    const char *no_hosts[] = { production, url(), NULL };
    CZ_EXPECT_EQ(run_binary("bookstore", argv, no_hosts, &out), 1);
    CZ_EXPECT(cz_str_find(out, CZ_STR("ALLOWED_HOSTS")) != SIZE_MAX && lines_of(out) == 1);
    const char *no_url[] = { production, hosts, NULL };
    CZ_EXPECT_EQ(run_binary("bookstore", argv, no_url, &out), 1);
    CZ_EXPECT(cz_str_find(out, CZ_STR("DATABASE_URL")) != SIZE_MAX && lines_of(out) == 1);
    const char *empty_hosts[] = { production, url(), "ALLOWED_HOSTS=", NULL };
    CZ_EXPECT_EQ(run_binary("bookstore", argv, empty_hosts, &out), 1);
    CZ_EXPECT(cz_str_find(out, CZ_STR("ALLOWED_HOSTS")) != SIZE_MAX);
    const char *whole[] = { production, url(), hosts, NULL };
    CZ_EXPECT_EQ(run_binary("bookstore", argv, whole, &out), 1);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("`bookstore migrate`")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(out));
    CZ_EXPECT_EQ(lines_of(out), 2); /* and that the file was made */
    CZ_EXPECT_EQ(run_binary("bookstore", migrate, whole, &out), 0);
    CZ_EXPECT_EQ(run_binary("bookstore", migrate, whole, &out), 0);
    struct server server = server_start("bookstore", 1, whole);
    CZ_EXPECT_STATUS(get(server.port, "/v2/books"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(command_lines_that_make_no_sense_exit_with_two)
{
    static const char *const cases[][4] = {
        { "bookstore", NULL },
        { "bookstore", "sell", NULL },
        { "bookstore", "run", "--port", NULL },
        { "bookstore", "run", "--bind", NULL },
        { "bookstore", "run", "--workers=x", NULL },
        { "bookstore", "check", "all", NULL },
        { "bookstore", "routes", "--xml", NULL },
        { "bookstore", "loaddata", NULL },
        { "bookstore", "createtables", "now", NULL },
        { "bookstore", "migrate", "--now", NULL },
        { "bookstore", "sqlmigrate", "store", NULL },
        { "bookstore", "makemigrations", "--name", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(run_binary("bookstore", cases[i], NULL, NULL) == 2, "case %zu", i);
    const char *const help[] = { "bookstore", "help", NULL }, *const check[] = { "bookstore",
                                                                                 "check", NULL };
    CZ_EXPECT_EQ(run_binary("bookstore", help, NULL, NULL), 0);
    CZ_EXPECT_EQ(run_binary("bookstore", check, NULL, NULL), 0);
}
