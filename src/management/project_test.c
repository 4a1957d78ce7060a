#include "management/command_testing.h"
#include "management/project.h"
#include "routing/errors.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void answer(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("ok"));
}

static bool configured;

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    (void)settings;
    (void)err;
    configured = true;
    return CZ_OK;
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    CZ_EXPECT(configured);
    cz_next_call(ctx, req, next);
}

static const cz_middleware own = { "own", process, configure };
static const cz_middleware *const around_own[] = { &own, NULL };

static const cz_route inside[] = {
    CZ_GET("/own", answer, .middleware = around_own),
    CZ_ROUTES_END,
};
static const cz_route urls[] = {
    CZ_GET("/", answer),
    CZ_INCLUDE("/in", inside),
    CZ_ROUTES_END,
};

static CZ_PROJECT(plain, "plain", .urls = urls);

static size_t count_lines(const char *path, const char *part)
{
    char line[4096];
    size_t count = 0;
    FILE *file = fopen(path, "re");
    CZ_REQUIRE(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, part) != NULL;
    cz_ignore(fclose(file)); /* was only read */
    return count;
}

CZ_TEST(each_request_has_one_access_log_line_also_a_malformed_one)
{
    char path[512];
    cz_ignore(snprintf(path, sizeof path, "%s/access.log", cz_test_directory()) < 0); /* it fits */
    setenv("ACCESS_LOG", path, 1);
    setenv("LOG_FORMAT", "json", 1);
    cz_client *client = cz_client_create(&plain);
    CZ_EXPECT_STATUS(cz_client_get(client, "/"), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/nothing"), 404);
    CZ_EXPECT_STATUS(cz_client_send_raw(client, CZ_STR("GET / HTTP/1.1\r\n bad\r\n\r\n")), 400);
    CZ_EXPECT_STATUS(
        cz_client_send_raw(client, CZ_STR("BREW / HTTP/1.1\r\nHost: testserver\r\n\r\n")), 501);
    CZ_EXPECT_STATUS(cz_client_get(client, "/"), 200);
    cz_log_flush(true);
    CZ_EXPECT_EQ(count_lines(path, "{"), 5);
    CZ_EXPECT_EQ(count_lines(path, "\"status\":400"), 1);
    CZ_EXPECT_EQ(count_lines(path, "\"status\":501"), 1);
}

CZ_TEST(access_lines_are_for_people_where_all_others_are)
{
    char path[512];
    cz_ignore(snprintf(path, sizeof path, "%s/access.log", cz_test_directory()) < 0); /* it fits */
    setenv("ACCESS_LOG", path, 1);
    setenv("LOG_FORMAT", "console", 1);
    cz_client *client = cz_client_create(&plain);
    CZ_EXPECT_STATUS(cz_client_get(client, "/"), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/no%1bthing"), 404);
    cz_log_flush(true);
    CZ_EXPECT_EQ(count_lines(path, " INFO    calzone.access: GET / 200 bytes=2 us="), 1);
    CZ_EXPECT_EQ(count_lines(path, " WARNING calzone.access: GET /no\\u001bthing 404 bytes="), 1);
    CZ_EXPECT_EQ(count_lines(path, " request_id="), 2);
    CZ_EXPECT_EQ(count_lines(path, "\x1b"), 0);
}

CZ_TEST(the_middleware_of_a_route_reads_its_settings_too)
{
    cz_client *client = cz_client_create(&plain);
    CZ_EXPECT_STATUS(cz_client_get(client, "/in/own"), 200);
}

CZ_TEST(the_default_database_lies_in_the_working_directory_whatever_its_name)
{
    static const char *const names[] = {
        "plain", "a b", "100%", "a%20b", "what?", "h#x", "\xc3\xa9"
    };
    char command[] = "createtables", program[] = "plain";
    char *arguments[] = { program, command, NULL };
    unsetenv("DATABASE_URL");
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        CZ_REQUIRE(chdir(cz_test_directory()) == 0);
        CZ_REQUIRE(mkdir(names[i], 0700) == 0 && chdir(names[i]) == 0);
        CZ_EXPECT_EQ(cz_project_main(&plain, 2, arguments), 0);
        CZ_EXPECT_MSG(access("plain.db", F_OK) == 0, "%s", names[i]);
    }
}

/* ---- signals of requests ---- */

static char told[256];
static bool refuses;

static void tell(cz_ctx *ctx, const cz_event *event)
{
    bool finished = event->signal == CZ_REQUEST_FINISHED;
    CZ_EXPECT(!event->row && !event->model && event->request);
    cz_ignore(snprintf(told + strlen(told), sizeof told - strlen(told), "%s %.*s %d; ",
                       finished ? "end" : "begin", CZ_STR_ARG(event->request->path),
                       finished ? event->request->response.status : 0)); /* it fits */
    if (refuses)
        cz_raise(ctx, CZ_EDENIED, "closed");
}

static const cz_receiver listening[] = { CZ_RECEIVER_OF_ALL(CZ_REQUEST_STARTED, tell),
                                         CZ_RECEIVER_OF_ALL(CZ_REQUEST_FINISHED, tell) };
static const cz_app ears = { "ears", .receivers = CZ_RECEIVERS(listening) };
static CZ_PROJECT(heard, "heard", .apps = CZ_APPS(&ears), .urls = urls);

CZ_TEST(receivers_are_told_of_each_request_and_may_answer_it)
{
    cz_client *client = cz_client_create(&heard);
    CZ_EXPECT_STATUS(cz_client_get(client, "/"), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/nothing"), 404);
    CZ_EXPECT_STR(cz_str_from(told), "begin / 0; end / 200; begin /nothing 0; end /nothing 404; ");
    told[0] = '\0';
    CZ_EXPECT_STATUS(cz_client_send_raw(client, CZ_STR("GET / HTTP/1.1\r\n bad\r\n\r\n")), 400);
    CZ_EXPECT_STR(cz_str_from(told), ""); /* it was no request */
    refuses = true;
    CZ_EXPECT_STATUS(cz_client_get(client, "/"), 403);
    CZ_EXPECT_STR(cz_str_from(told), "begin / 0; ");
}

/* ---- routes ---- */

CZ_TEST(the_page_of_a_path_without_a_route_lists_the_routes_in_development_alone)
{
    const cz_client_request page = { .method = "GET",
                                     .target = "/nothing",
                                     .headers = "Accept: text/html\r\n" };
    const cz_client_request json = { .method = "GET", .target = "/nothing" };
    const char *const route = "<li><code>GET /in/own</code> </li>";
    cz_client *client = cz_client_create(&plain);
    cz__errors_configure(CZ__ERRORS_DRF, true); /* as in development */
    const cz_answer *answer = cz_client_send(client, &page);
    CZ_EXPECT_STATUS(answer, 404);
    CZ_EXPECT_MSG(cz_str_find(answer->body, cz_str_from(route)) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(answer->body));
    CZ_EXPECT_STR(cz_client_send(client, &json)->body,
                  "{\"detail\":\"Not found.\",\"code\":\"not_found\"}");
}

CZ_TEST(the_page_of_a_path_without_a_route_lists_none_elsewhere)
{
    const cz_client_request page = { .method = "GET",
                                     .target = "/nothing",
                                     .headers = "Accept: text/html\r\n" };
    const cz_answer *answer = cz_client_send(cz_client_create(&plain), &page);
    CZ_EXPECT_STATUS(answer, 404);
    CZ_EXPECT(cz_str_find(answer->body, CZ_STR("<code>")) == SIZE_MAX);
}

static const cz_route long_urls[] = {
    CZ_GET("/", answer),
    CZ_GET("/a-path-that-is-longer-than-the-forty-bytes/<int:that>", answer,
           .name = "whose-name-is-longer-as-well"),
    CZ_ROUTES_END,
};
static CZ_PROJECT(wide, "wide", .urls = long_urls);

CZ_TEST(the_columns_of_routes_stand_below_each_other)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&wide, CZ__TEXTS(NULL), CZ__TEXTS("routes"), &out), 0);
    CZ_EXPECT_STR(out, "GET      /                                                      "
                       "                             handler\n"
                       "GET      /a-path-that-is-longer-than-the-forty-bytes/<int:that> "
                       "whose-name-is-longer-as-well handler\n");
}

CZ_TEST(a_port_that_cannot_be_and_one_that_is_taken_are_told)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&plain, CZ__TEXTS(NULL),
                                  CZ__TEXTS("run", "--bind", "0.0.0.0:99999"), &out),
                 1);
    CZ_EXPECT_STR(out, "run: cannot listen on \"0.0.0.0:99999\": a port is 0 to 65535\n");
    CZ_EXPECT_EQ(
        cz__test_command(&plain, CZ__TEXTS(NULL), CZ__TEXTS("run", "--bind", "0.0.0.0"), &out), 1);
    CZ_EXPECT_STR(out,
                  "run: cannot listen on \"0.0.0.0\": want ADDRESS:PORT, unix:PATH, "
                  "systemd, systemd:NAME or fd:NUMBER, https:// before it for TLS, and an address "
                  "in numbers\n");
    CZ_EXPECT_EQ(cz__test_command(&plain, CZ__TEXTS(NULL),
                                  CZ__TEXTS("run", "--bind", ":8000", "--bind", "https://:8001"),
                                  &out),
                 2);
    CZ_EXPECT_STR(out, "run: --bind is given twice; several addresses have commas between them\n");
    static const char *const rows[][2] = {
        { "--bind", "run: --bind takes a value; see --help\n" },
        { "--workers=300", "run: --workers takes a number from 0 to 256, not \"300\"\n" },
        { "--bind=0.0.0.0:99999",
          "run: cannot listen on \"0.0.0.0:99999\": a port is 0 to 65535\n" },
        { "--bound=1", "run: unknown argument \"--bound=1\"; see --help\n" },
    };
    for (size_t i = 0; i < CZ_COUNT(rows); i++) {
        CZ_EXPECT(cz__test_command(&plain, CZ__TEXTS(NULL), CZ__TEXTS("run", rows[i][0]), &out) !=
                  0);
        CZ_EXPECT_STR(out, rows[i][1]);
    }
    CZ_EXPECT_EQ(cz__test_command(&plain, CZ__TEXTS("PROXY_PROTOCOL=on"),
                                  CZ__TEXTS("run", "--bind", "127.0.0.1:0"), &out),
                 1);
    CZ_EXPECT_STR(out, "run: PROXY_PROTOCOL needs TRUSTED_PROXIES: nobody else may connect by "
                       "TCP\n");
    CZ_EXPECT_EQ(cz__test_command(&plain, CZ__TEXTS("TLS_CLIENT_REQUIRED=on", "TLS_CERTIFICATES=x"),
                                  CZ__TEXTS("run", "--bind", "127.0.0.1:0"), &out),
                 1);
    CZ_EXPECT_STR(out, "run: TLS_CLIENT_REQUIRED needs TLS_CLIENT_CA, which says whose "
                       "certificates clients may show\n");
}

CZ_TEST(all_settings_that_production_lacks_are_told_at_once)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&plain, CZ__TEXTS("ENV=production"), CZ__TEXTS("check"), &out),
                 1);
    CZ_EXPECT_STR(out, "plain: ALLOWED_HOSTS: required list is missing; looked in the environment, "
                       "ALLOWED_HOSTS_FILE, settings/local.env, settings/production.env; also "
                       "missing: DATABASE_URL\n");
}

/* ---- settings ---- */

static char *read_page(const char *name)
{
    char path[512];
    cz_ignore(snprintf(path, sizeof path, "%s/docs/topics/%s", CZ_SOURCE_DIR, name)); /* it fits */
    FILE *file = fopen(path, "re");
    CZ_REQUIRE(file);
    size_t cap = 1 << 20;
    char *text = cz_arena_alloc(cz_test_arena(), cap);
    CZ_REQUIRE(text);
    text[fread(text, 1, cap - 1, file)] = '\0';
    cz_ignore(fclose(file)); /* was only read */
    return text;
}

CZ_TEST(each_setting_of_every_project_is_named_in_its_documentation)
{
    const char *page = read_page("management.md");
    for (size_t i = 0; i < cz__framework_setting_count; i++) {
        const cz_setting *setting = &cz__framework_settings[i];
        const char *name = cz_arena_printf(cz_test_arena(), "`%s`", setting->name);
        CZ_EXPECT_MSG(strstr(page, name), "docs/topics/management.md does not name %s", name);
        CZ_EXPECT_MSG(setting->help && *setting->help, "%s has no help", setting->name);
    }
}

CZ_TEST(settings_tell_what_each_is_for_when_asked)
{
    const cz_str help = CZ_STR("\n    Rows on a page of a list.\n");
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&plain, CZ__TEXTS(NULL), CZ__TEXTS("settings"), &out), 0);
    CZ_EXPECT(cz_str_find(out, help) == SIZE_MAX);
    CZ_EXPECT_EQ(
        cz__test_command(&plain, CZ__TEXTS(NULL), CZ__TEXTS("settings", "--help-texts"), &out), 0);
    CZ_EXPECT(cz_str_find(out, help) != SIZE_MAX);
    CZ_EXPECT_EQ(
        cz__test_command(&plain, CZ__TEXTS(NULL), CZ__TEXTS("settings", "--help-text"), &out), 2);
}

/* ---- what is warned of ---- */

static const cz_authentication_scheme *const schemes[] = { &cz_client_tokens, NULL };
static CZ_AUTHENTICATION(authentication, .schemes = schemes);
static const cz_middleware *const known[] = { &authentication.middleware, NULL };
static CZ_PROJECT(gate, "gate", .urls = urls, .middleware = known);

CZ_TEST(client_tokens_that_nobody_has_are_warned_of)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&gate, CZ__TEXTS("CLIENT_TOKENS="), CZ__TEXTS("check"), &out), 0);
    CZ_EXPECT_STR(out, "gate: warning: CLIENT_TOKENS is not set, so cz_client_tokens knows no "
                       "service; CLIENT_TOKENS=NAME:TOKEN names one, and `openssl rand -hex 32` "
                       "prints a token\ngate: 1 warning in 0 models and 2 routes (test)\n");
    CZ_EXPECT_EQ(cz__test_command(&gate, CZ__TEXTS("CLIENT_TOKENS=mail:0123456789abcdef"),
                                  CZ__TEXTS("check"), &out),
                 0);
    CZ_EXPECT_STR(out, "gate: no issues in 0 models and 2 routes (test)\n");
}
