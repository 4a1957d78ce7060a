/* The command line of `loadtest`, and whom it asks. */
#include "management/command_testing.h"
#include "management/commands/loadtest.h"
#include <calzone/calzone.h>
#include <signal.h>

static void fine(cz_ctx *ctx, cz_request *req)
{
    cz_respond_json(ctx, req, 200, CZ_STR("{}"));
}

static void make_nothing(cz_load_call *call)
{
    (void)call;
}

/* Ctrl-C amid the run. */
static void make_interrupted(cz_load_call *call)
{
    cz_buf_append_lit(call->path, "/fine");
    if (call->number == 50)
        raise(SIGINT);
}

static const cz_route mill_urls[] = { CZ_GET("/fine", fine), CZ_ROUTES_END };
static const cz_load_test mill_tests[] = {
    { .name = "interrupted", .requests = CZ_LOAD_REQUESTS({ .make = make_interrupted }) },
    { .name = "grind", .requests = CZ_LOAD_REQUESTS({ .path = "/fine" }) },
    { .name = "lost", .requests = CZ_LOAD_REQUESTS({ .path = "/lost" }) },
    { .name = "made", .requests = CZ_LOAD_REQUESTS({ .make = make_nothing }) },
};
static const cz_load_test broken_tests[] = {
    { .name = "broken", .requests = CZ_LOAD_REQUESTS({ .path = "fine" }) },
};
static CZ_PROJECT(mill, "mill", .urls = mill_urls, .load_tests = CZ_LOAD_TESTS(mill_tests));
static CZ_PROJECT(idle_mill, "mill", .urls = mill_urls);
static CZ_PROJECT(broken_mill, "mill", .urls = mill_urls,
                  .load_tests = CZ_LOAD_TESTS(broken_tests));

static int run_mill(const cz_project *project, const char *const *arguments, cz_str *out)
{
    const char *settings[] = { cz__test_setting("DATABASE_URL", cz__test_sqlite("mill.db")),
                               "WORKERS=1", "ACCESS_LOG=off", NULL };
    return cz__test_command(project, settings, arguments, out);
}

#define URL "--url", "http://127.0.0.1:1"
static const struct {
    const char *arguments[5];
    const char *says;
} refused[] = {
    { { "nothing" },
      "there is no load test \"nothing\"; there are interrupted, grind, lost, made" },
    { { "--fast" }, "unknown argument \"--fast\"" },
    { { "-x" }, "unknown argument \"-x\"" },
    { { "--clients" }, "--clients takes a number from 1 to 1000, not \"\"" },
    { { "--clients", "0" }, "--clients takes a number from 1 to 1000, not \"0\"" },
    { { "--clients", "1001" }, "--clients takes" },
    { { "--clients", "-3" }, "--clients takes" },
    { { "--clients", "ten" }, "--clients takes" },
    { { "--duration", "10" }, "--duration takes a time" },
    { { "--duration", "0" }, "--duration takes a time" },
    { { "--duration", "25h" }, "--duration takes a time" },
    { { "--timeout", "-1s" }, "--timeout takes a time" },
    { { "--p99", "50 ms" }, "--p99 takes a time" },
    { { "--requests", "0" }, "--requests takes" },
    { { "--requests", "1e3" }, "--requests takes" },
    { { "--rate", "0" }, "--rate takes" },
    { { "--rate", "-1" }, "--rate takes" },
    { { "--rate", "nan" }, "--rate takes" },
    { { "--rate", "1000001" }, "--rate takes" },
    { { "--errors", "101%" }, "--errors takes" },
    { { "--errors", "2" }, "--errors takes" },
    { { "--errors", "-0.1" }, "--errors takes" },
    { { "--errors", "%" }, "--errors takes" },
    { { "--header", "nothing" }, "--header takes" },
    { { "--header", "Host: a" }, "--header takes" },
    { { "--header", "A: b\r\nC: d" }, "--header takes" },
    { { "--host", "a b" }, "--host takes" },
    { { "--search", "--rate", "5" }, "--search goes without --rate" },
    { { "--search", "--requests", "5" }, "--search goes without --rate" },
    { { "--url", "https://127.0.0.1:1" }, "https is not spoken" },
    { { "--url", "127.0.0.1:1" }, "--url takes http://HOST:PORT" },
    { { "--url", "http://" }, "without a path" },
    { { "--url", "http://127.0.0.1:1/v2" }, "without a path" },
    { { "--url", "http://127.0.0.1:65536" }, "without a path" },
    { { "--url", "http://user@127.0.0.1" }, "without a path" },
    { { "--url", "http://192.0.2.1:80" }, "is not this machine; --allow-remote" },
    { { "--url", "http://[2001:db8::1]:80" }, "is not this machine" },
    { { "--url", "http://0.0.0.0:80" }, "is not this machine" },
};

CZ_TEST(loadtest_refuses_a_command_line_that_makes_no_sense)
{
    for (size_t i = 0; i < CZ_COUNT(refused); i++) {
        const char *arguments[8] = { "loadtest" };
        cz_str out;
        for (size_t n = 0; n < CZ_COUNT(refused[i].arguments); n++)
            arguments[n + 1] = refused[i].arguments[n];
        int code = run_mill(&mill, arguments, &out);
        CZ_EXPECT_MSG(code == 2 && cz_str_find(out, cz_str_from(refused[i].says)) != SIZE_MAX,
                      "%zu, code %d: %.*s", i, code, CZ_STR_ARG(out));
    }
}

CZ_TEST(an_address_is_that_of_the_url)
{
    static const struct {
        const char *url, *host, *address;
        bool remote;
    } cases[] = {
        { "http://127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1:8000", false },
        { "http://127.1.2.3:8000/", "127.1.2.3:8000", "127.1.2.3:8000", false },
        { "http://127.0.0.1", "127.0.0.1", "127.0.0.1:80", false },
        { "http://127.0.0.1:", "127.0.0.1:", "127.0.0.1:80", false },
        { "http://[::1]:8000", "[::1]:8000", "[::1]:8000", false },
        { "http://[::1]", "[::1]", "[::1]:80", false },
        { "http://192.0.2.1:81", "192.0.2.1:81", "192.0.2.1:81", true },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__address address;
        const char *host;
        char text[CZ__ADDRESS_TEXT];
        cz_error err;
        CZ_REQUIRE_OK(cz__loadtest_resolve(cz_test_arena(), cases[i].url, cases[i].remote, &address,
                                           &host, &err));
        cz__address_write(&address, text);
        CZ_EXPECT_STR(cz_str_from(host), cases[i].host);
        CZ_EXPECT_STR(cz_str_from(text), cases[i].address);
    }
}

CZ_TEST(loadtest_starts_the_project_asks_it_and_stops_it)
{
    cz_str out;
    CZ_EXPECT_EQ(run_mill(&mill,
                          CZ__TEXTS("loadtest", "--requests", "200", "--clients", "3", "grind"),
                          &out),
                 0);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("\ngrind\n")) != SIZE_MAX, "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("\nall                 200 ")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(out));
    CZ_EXPECT(cz_str_find(out, CZ_STR("[###")) == SIZE_MAX); /* no terminal, no bar */
}

CZ_TEST(loadtest_fails_when_answers_are_not_those_expected)
{
    cz_str out;
    CZ_EXPECT_EQ(run_mill(&mill, CZ__TEXTS("loadtest", "--requests", "20", "lost"), &out), 1);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("  404: 20\n")) != SIZE_MAX, "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_EQ(run_mill(&mill,
                          CZ__TEXTS("loadtest", "--requests", "20", "--errors", "100%", "lost"),
                          &out),
                 0);
    CZ_EXPECT_EQ(run_mill(&mill, CZ__TEXTS("loadtest", "--requests", "20", "made"), &out), 2);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("GET (made): the path made for it")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(out));
}

CZ_TEST(loadtest_of_a_project_without_load_tests_or_with_a_broken_one_says_so)
{
    cz_str out;
    CZ_EXPECT_EQ(run_mill(&idle_mill, CZ__TEXTS("loadtest"), &out), 1);
    CZ_EXPECT_STR(out,
                  "loadtest: mill declares no load tests; .load_tests of the project has them\n");
    CZ_EXPECT_EQ(run_mill(&broken_mill, CZ__TEXTS("check"), &out), 1);
    CZ_EXPECT_MSG(cz_str_starts_with(out, CZ_STR("mill: load test \"broken\": request 1")), "%.*s",
                  CZ_STR_ARG(out));
    CZ_EXPECT_EQ(run_mill(&broken_mill, CZ__TEXTS("loadtest", URL), &out), 1);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("load test \"broken\": request 1 has a .path")) !=
                      SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
}

CZ_TEST(loadtest_ends_soon_when_nobody_listens)
{
    cz_str out;
    int64_t begun_us = cz_monotonic_us();
    CZ_EXPECT_EQ(run_mill(&mill, CZ__TEXTS("loadtest", URL, "--duration", "1h", "grind"), &out), 1);
    CZ_EXPECT(cz_monotonic_us() - begun_us < 10 * 1000000);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("cannot connect: ")) != SIZE_MAX &&
                      cz_str_find(out, CZ_STR("Ended early")) != SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
}

CZ_TEST(loadtest_that_is_interrupted_tells_what_it_has_and_fails)
{
    cz_str out;
    int64_t begun_us = cz_monotonic_us();
    CZ_EXPECT_EQ(
        run_mill(&mill, CZ__TEXTS("loadtest", "--duration", "1h", "interrupted", "grind"), &out),
        1);
    CZ_EXPECT(cz_monotonic_us() - begun_us < 20 * 1000000);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("\nGET (made) ")) != SIZE_MAX &&
                      cz_str_find(out, CZ_STR("loadtest: stopped early\n")) != SIZE_MAX &&
                      cz_str_find(out, CZ_STR("grind")) == SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
}
