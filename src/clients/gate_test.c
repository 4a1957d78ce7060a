/* The gate for versions of clients: rows of platforms, the cache, and settings. */
#include <calzone/calzone.h>
#include <calzone/clients.h>
#include <calzone/testing.h>
#include "management/project.h"
#include <stdlib.h>

static CZ_SERIALIZER(PlatformSerializer, cz_client_platform,
                     .fields = CZ_FIELDS(cz_client_platform, id, platform, minimum, recommended,
                                         store_link, message));
static CZ_VIEWSET(platforms, cz_client_platform, .serializer = &PlatformSerializer,
                  .permissions = &cz_allow_any);

static void hello(cz_ctx *ctx, cz_request *req)
{
    cz_respond_json(ctx, req, 200, CZ_STR("{\"hello\":true}"));
}

static const cz_middleware *const gated[] = { &cz_client_gate, NULL };
static const cz_route api_urls[] = { CZ_GET("/hello", hello), CZ_POST("/hello", hello),
                                     CZ_ROUTES_END };
static const cz_route urls[] = {
    CZ_INCLUDE("/api", api_urls, .middleware = gated), CZ_RESOURCE("/platforms", &platforms),
    CZ_RESOURCE("/gated", &platforms, .name = "gated", .middleware = gated), CZ_ROUTES_END
};
static CZ_PROJECT(phones, "phones", .apps = CZ_APPS(&cz_clients_app), .urls = urls);

#define IOS                                                                                        \
    "{\"platform\":\"ios\",\"minimum\":\"2.0.0\",\"recommended\":\"2.4\","                         \
    "\"store_link\":\"https://apps.example/ios\",\"message\":\"Please update.\"}"
#define ANDROID "{\"platform\":\"android\",\"minimum\":\"1.5.0-beta.2\"}"

static const cz_answer *ask(cz_client *client, const char *platform, const char *version)
{
    cz_client_set_header(client, "X-Client-Platform", platform);
    cz_client_set_header(client, "X-Client-Version", version);
    return cz_client_get(client, "/api/hello");
}

CZ_DATABASE_TEST(clients_that_are_too_old_are_told_to_update)
{
    static const struct {
        const char *platform, *version;
        int status;
        const char *recommended; /* the header */
    } cases[] = {
        { "ios", "2.4.0", 200, "" },
        { "ios", "2.4", 200, "" },
        { "IOS", "3.0.0-alpha", 200, "" },
        { "ios", "2.4.0+77", 200, "" },
        { "ios", "2.3.9", 200, "2.4" },
        { "ios", "2.4.0-rc.1", 200, "2.4" }, /* comes before 2.4.0 */
        { "ios", "2.0.0", 200, "2.4" },
        { "ios", "2", 200, "2.4" },
        { "ios", "2.0.0-rc.9", 426, "" },
        { "ios", "1.99.99", 426, "" },
        { "ios", "0", 426, "" },
        { "android", "1.5.0-beta.2", 200, "" },
        { "android", "1.5.0-beta.11", 200, "" },
        { "android", "1.5.0-beta.1", 426, "" },
        { "android", "1.5.0-alpha", 426, "" },
        { "windows", "0.1", 200, "" }, /* nobody has described it */
        { "ios", NULL, 200, "" },
        { NULL, "0.1", 200, "" },
        { NULL, NULL, 200, "" },
        { "ios", "two", 400, "" },
        { "ios", "1.2.3.4", 400, "" },
        { "windows", "v1", 400, "" },
        { NULL, "01.1", 400, "" },
    };
    cz_client *client = cz_client_create(&phones);
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", IOS), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", ANDROID), 201);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = ask(client, cases[i].platform, cases[i].version);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s %s is %d", cases[i].platform,
                      cases[i].version, answer->status);
        CZ_EXPECT_HEADER(answer, "X-Client-Recommended-Version", cases[i].recommended);
        CZ_EXPECT_HEADER(answer, "Vary", "X-Client-Platform, X-Client-Version");
        if (answer->status == 400)
            CZ_EXPECT_JSON(answer, "code", "invalid_client_version");
    }
}

CZ_DATABASE_TEST(an_answer_426_says_where_a_newer_version_is)
{
    cz_client *client = cz_client_create(&phones);
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", IOS), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", ANDROID), 201);
    const cz_answer *answer = ask(client, "iOS", "1.0.0");
    CZ_EXPECT_STATUS(answer, 426);
    CZ_EXPECT_JSON_TEXT(
        answer, "",
        "{\"detail\":\"Please update.\",\"code\":\"upgrade_required\","
        "\"store_link\":\"https://apps.example/ios\",\"minimum_version\":\"2.0.0\"}");
    CZ_EXPECT_HEADER(answer, "Upgrade", "ios/2.0.0");
    CZ_EXPECT_HEADER(answer, "Connection", "upgrade");
    CZ_EXPECT_STATUS(cz_client_post(client, "/api/hello", "{}"), 426);
    answer = ask(client, "android", "1.0.0");
    CZ_EXPECT_JSON(answer, "detail",
                   "This version is too old; version 1.5.0-beta.2 or newer is needed.");
    CZ_EXPECT_JSON(answer, "store_link", "");
    answer = ask(client, "ios", "2.1.0");
    CZ_EXPECT_HEADER(answer, "X-Client-Store-Link", "https://apps.example/ios");
    CZ_EXPECT_HEADER(answer, "Upgrade", "");
}

CZ_DATABASE_TEST(what_is_known_of_platforms_costs_no_query_until_it_changes)
{
    cz_client *client = cz_client_create(&phones);
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", IOS), 201);
    const cz_answer *answer = ask(client, "ios", "1.0.0");
    CZ_EXPECT_QUERIES(answer, 1);
    answer = ask(client, "ios", "1.0.0");
    CZ_EXPECT_QUERIES(answer, 0);
    answer = ask(client, "android", "1.0.0");
    CZ_EXPECT_QUERIES(answer, 0); /* what is not there is known, too */
    CZ_EXPECT_STATUS(ask(client, "ios", "1.9.0"), 426);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/platforms/1", "{\"minimum\":\"1.8\"}"), 200);
    CZ_EXPECT_STATUS(ask(client, "ios", "1.9.0"), 200);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/platforms/1"), 204);
    CZ_EXPECT_STATUS(ask(client, "ios", "1.0.0"), 200);
    answer = ask(client, "ios", "1.0.0");
    CZ_EXPECT_QUERIES(answer, 0);
}

CZ_DATABASE_TEST(a_platform_has_versions_that_can_be)
{
    static const struct {
        const char *body, *told;
    } cases[] = {
        { "{\"platform\":\"tv\",\"minimum\":\"x\"}",
          "{\"minimum\":[\"Enter a version such as 2.4.0.\"]}" },
        { "{\"platform\":\"tv\",\"recommended\":\"1.2.3.4\"}",
          "{\"recommended\":[\"Enter a version such as 2.4.0.\"]}" },
        { "{\"platform\":\"tv\",\"minimum\":\"2\",\"recommended\":\"1.9\"}",
          "{\"recommended\":[\"The recommended version is older than the minimum.\"]}" },
        { "{\"platform\":\"a b\"}",
          "{\"platform\":[\"Enter a valid \\\"slug\\\" consisting of letters, numbers, underscores "
          "or hyphens.\"]}" },
        { "{\"platform\":\"tv\",\"store_link\":\"javascript:x\"}",
          "{\"store_link\":[\"Enter a valid URL.\"]}" },
        { "{}", "{\"platform\":[\"This field is required.\"]}" },
    };
    cz_client *client = cz_client_create(&phones);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = cz_client_post(client, "/platforms", cases[i].body);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON_TEXT(answer, "", cases[i].told);
    }
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", "{\"platform\":\"tv\"}"), 201);
    CZ_EXPECT_STATUS(ask(client, "tv", "0.0.1"), 200);
}

CZ_DATABASE_TEST(unknown_clients_are_refused_where_the_settings_say_so)
{
    static const struct {
        const char *platform, *version, *detail;
    } cases[] = {
        { NULL, "1.0.0", "A client says its platform: say it in the header \"X-App\"." },
        { "ios", NULL, "A client says its version: say it in the header \"X-App-Version\"." },
        { "tv", "1.0.0", "Nothing is known of this platform: say it in the header \"X-App\"." },
    };
    setenv("CLIENT_UNKNOWN", "refuse", 1);
    setenv("CLIENT_PLATFORM_HEADER", "X-App", 1);
    setenv("CLIENT_VERSION_HEADER", "X-App-Version", 1);
    cz_client *client = cz_client_create(&phones);
    CZ_EXPECT_STATUS(cz_client_post(client, "/platforms", IOS), 201);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "X-App", cases[i].platform);
        cz_client_set_header(client, "X-App-Version", cases[i].version);
        const cz_answer *answer = cz_client_get(client, "/api/hello");
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON(answer, "code", "unknown_client");
        CZ_EXPECT_JSON(answer, "detail", cases[i].detail);
    }
    cz_client_set_header(client, "X-App", "ios");
    CZ_EXPECT_STATUS(cz_client_get(client, "/api/hello"), 426);
    CZ_EXPECT_STATUS(cz_client_get(client, "/platforms"), 200); /* which is not behind it */
}

/* A browser asks without the headers of the script, whatever the script would say. */
CZ_DATABASE_TEST(a_browser_may_ask_whether_a_script_may_send)
{
    static const struct {
        const char *method, *headers;
        int status;
    } cases[] = {
        { "OPTIONS",
          "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n"
          "Access-Control-Request-Headers: x-client-platform,x-client-version\r\n",
          200 },
        { "OPTIONS", "Origin: https://a.example\r\n", 400 },
        { "OPTIONS", "Access-Control-Request-Method: POST\r\n", 400 },
        { "OPTIONS", NULL, 400 },
        { "POST", "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n", 400 },
    };
    setenv("CLIENT_UNKNOWN", "refuse", 1);
    cz_client *client = cz_client_create(&phones);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_client_request request = { .method = cases[i].method,
                                            .target = "/gated",
                                            .headers = cases[i].headers };
        const cz_answer *answer = cz_client_send(client, &request);
        CZ_EXPECT_STATUS(answer, cases[i].status);
        CZ_EXPECT_HEADER(answer, "Vary", "X-Client-Platform, X-Client-Version");
    }
}

CZ_TEST(a_gate_that_cannot_work_stops_the_start)
{
    static const struct {
        const char *name, *value, *told;
    } cases[] = {
        { "CLIENT_UNKNOWN", "maybe", "CLIENT_UNKNOWN: \"maybe\" is neither allow nor refuse" },
        { "CLIENT_VERSION_HEADER", "",
          "CLIENT_PLATFORM_HEADER and CLIENT_VERSION_HEADER name a header each" },
        { "CLIENT_PLATFORM_HEADER", "X Platform",
          "CLIENT_PLATFORM_HEADER: \"X Platform\" is no name of a header" },
        { "CLIENT_VERSION_HEADER", "X-App",
          "cz_client_gate needs &cz_clients_app among the project's .apps" },
    };
    const cz_setting_table table = { cz__framework_settings, cz__framework_setting_count };
    setenv("ENV", "test", 1);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_settings *settings;
        cz_error err = { 0 };
        setenv(cases[i].name, cases[i].value, 1);
        CZ_REQUIRE_OK(cz_settings_load(NULL, &table, 1, &settings, NULL));
        CZ_EXPECT_EQ(cz_client_gate.configure(settings, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(err.message), cases[i].told);
        cz_settings_destroy(settings);
        unsetenv(cases[i].name);
    }
}
