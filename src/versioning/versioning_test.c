/* Versions of an API, by every scheme, and how they end. */
#include <calzone/calzone.h>
#include <calzone/map.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>

#define PIER(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Pier, PIER, .ordering = CZ_ORDER_BY(CZ_ASC(Pier, id)));
#define FERRY(F)                                                                                   \
    F(char_field, name, .max_length = 20)                                                          \
    F(int_field, berths, .default_ = cz_int(0))                                                    \
    F(foreign_key, home, Pier, .null = true, .on_delete = CZ_SET_NULL)
CZ_MODEL(Ferry, FERRY, .ordering = CZ_ORDER_BY(CZ_ASC(Ferry, id)));

/* Version 1 calls a ferry's name "title" and gives keys, version 2 gives addresses. */
static CZ_SERIALIZER(OldFerrySerializer, Ferry, .fields = CZ_FIELDS(Ferry, id, home),
                     .members = CZ_MEMBERS({ .name = "title", .source = CZ_FIELD(Ferry, name) }));
static CZ_SERIALIZER(FerrySerializer, Ferry, .fields = CZ_FIELDS(Ferry, id, name, berths, home),
                     .members = CZ_MEMBERS({ .name = "url", .view = "ferry-detail" },
                                           { .source = CZ_FIELD(Ferry, home),
                                             .view = "pier-detail" }));
static CZ_SERIALIZER(PierSerializer, Pier, .fields = CZ_FIELDS(Pier, id, name),
                     .members = CZ_MEMBERS({ .name = "url", .view = "pier-detail" }));
static CZ_VIEWSET(old_ferries, Ferry, .serializer = &OldFerrySerializer,
                  .permissions = &cz_allow_any, .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(ferries, Ferry, .serializer = &FerrySerializer, .permissions = &cz_allow_any,
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer), .page_size = 1);
static CZ_VIEWSET(piers, Pier, .serializer = &PierSerializer, .permissions = &cz_allow_any,
                  .pagination = CZ_NO_PAGES);

static void which(cz_ctx *ctx, cz_request *req)
{
    const char *version = cz_request_version(req);
    cz_respond(ctx, req, 200, CZ_STR("text/plain"),
               cz_format(ctx, "%s%s", version ? version : "none",
                         cz_request_has_version(req, "2") ? " or later" : ""));
}

static void plain(cz_ctx *ctx, cz_request *req)
{
    which(ctx, req);
}

static const cz_route old_urls[] = { CZ_RESOURCE("/ferries", &old_ferries),
                                     CZ_RESOURCE("/piers", &piers),
                                     CZ_GET("/which", which, .name = "which"),
                                     CZ_GET("/old", plain), CZ_ROUTES_END };
static const cz_route new_urls[] = { CZ_RESOURCE("/ferries", &ferries),
                                     CZ_RESOURCE("/piers", &piers),
                                     CZ_GET("/which", which, .name = "which"), CZ_ROUTES_END };
#define TABLES(...)                                                                                \
    .versions = CZ_VERSION_LIST({ .name = "1", .urls = old_urls, __VA_ARGS__ },                    \
                                { .name = "2", .urls = new_urls })
#define SCHEMES(...) .schemes = CZ_VERSION_SCHEMES(__VA_ARGS__)

static CZ_VERSIONS(all_ways,
                   SCHEMES({ .by = CZ_VERSION_BY_PATH }, { .by = CZ_VERSION_BY_HEADER },
                           { .by = CZ_VERSION_BY_ACCEPT }, { .by = CZ_VERSION_BY_QUERY },
                           { .by = CZ_VERSION_BY_HOST }),
                   .default_ = "2", TABLES());
static const cz_app port_app = { .name = "port", .models = CZ_MODELS(Pier, Ferry) };
static CZ_OPENAPI(port_document, .title = "Port", .version = "2");
static const cz_route all_urls[] = { CZ_GET("/health", plain),
                                     CZ_RESOURCE("/openapi.json", &port_document),
                                     CZ_RESOURCE("", &all_ways), CZ_GET("/<path:rest>", plain),
                                     CZ_ROUTES_END };
static CZ_PROJECT(port, "port", .apps = CZ_APPS(&port_app), .urls = all_urls);

#define VARY "Accept-Version, Accept"
static const struct {
    const char *target, *headers;
    int status;
    const char *told; /* the body, or the detail of an error */
    const char *vary;
} choices[] = {
    { "/v1/which", NULL, 200, "1", "" },
    { "/v2/which", NULL, 200, "2 or later", "" },
    { "/v1/which", "Accept-Version: 2\r\n", 200, "1", "" },
    { "/v1/which?version=2", NULL, 200, "1", "" },
    { "/v3/which", NULL, 200, "none", "" }, /* what is behind them */
    { "/health", "Accept-Version: 9\r\n", 200, "none", "" },
    { "/which", NULL, 200, "2 or later", VARY },
    { "/which", "Accept-Version: 1\r\n", 200, "1", VARY },
    { "/which", "accept-version: 2\r\n", 200, "2 or later", VARY },
    { "/which", "Accept: application/json; version=1\r\n", 200, "1", VARY },
    { "/which", "Accept: application/json;VERSION=\"1\"\r\n", 200, "1", VARY },
    { "/which", "Accept: */*; version=1\r\n", 200, "1", VARY },
    { "/which", "Accept: text/html; version=1, application/json; version=2\r\n", 200, "2 or later",
      VARY },
    { "/which", "Accept: application/json; version=2;q=0.5, */*; version=1\r\n", 200, "2 or later",
      VARY },
    { "/which", "Accept: text/*; version=2;q=0.5, text/html; version=1\r\n", 200, "1", VARY },
    { "/which", "Accept: application/json; version=1;q=0\r\n", 200, "2 or later", VARY },
    { "/which?version=1", NULL, 200, "1", VARY },
    { "/which?version=%31", NULL, 200, "1", VARY },
    { "/which?version=2&version=1", NULL, 200, "1", VARY },
    { "/which", "Host: v1.example.com\r\n", 200, "1", VARY },
    { "/which", "Host: V1.Example.com:8000\r\n", 200, "1", VARY },
    { "/which", "Host: example.com\r\n", 200, "2 or later", VARY },
    { "/which", "Host: a.b.example.com\r\n", 200, "2 or later", VARY },
    { "/which", "Host: 127.0.0.1\r\n", 200, "2 or later", VARY },
    { "/which", "Host: [::1]:80\r\n", 200, "2 or later", VARY },
    /* in the order of the schemes */
    { "/which?version=2", "Accept-Version: 1\r\n", 200, "1", VARY },
    { "/which?version=2", "Accept: application/json; version=1\r\n", 200, "1", VARY },
    { "/which?version=2", "Host: v1.example.com\r\n", 200, "2 or later", VARY },
    /* what is of one version alone */
    { "/old", "Accept-Version: 1\r\n", 200, "1", VARY },
    { "/old", NULL, 200, "none", VARY },
    { "/v2/old", NULL, 200, "none", "" },
    /* what is no version */
    { "/which", "Accept-Version: 3\r\n", 406,
      "Invalid version in \"Accept-Version\" header. There are \"1\", \"2\".", VARY },
    { "/which", "Accept-Version: v1\r\n", 406, NULL, VARY },
    { "/which", "Accept-Version: 1.0\r\n", 406, NULL, VARY },
    { "/which", "Accept-Version: 1, 2\r\n", 406, NULL, VARY },
    { "/which", "Accept-Version: 1\r\nAccept-Version: 2\r\n", 406, NULL, VARY },
    { "/which", "Accept-Version:\r\n", 406, NULL, VARY },
    { "/which", "Accept: text/csv\r\nAccept: application/json; version=3\r\n", 406, NULL, VARY },
    { "/which?version=1", "Accept-Version: 3\r\n", 406, NULL, VARY },
    { "/which", "Accept: application/json; version=3\r\n", 406,
      "Invalid version in \"Accept\" header. There are \"1\", \"2\".", VARY },
    { "/which", "Accept: application/json; version=\r\n", 406, NULL, VARY },
    { "/which", "Accept: application/json; version\r\n", 406, NULL, VARY },
    { "/which?version=3", NULL, 404, "Invalid version in query parameter. There are \"1\", \"2\".",
      VARY },
    { "/which?version=", NULL, 404, NULL, VARY },
    { "/which", "Host: v3.example.com\r\n", 404, "Invalid version in hostname.", VARY },
    { "/which", "Host: www.example.com\r\n", 404, NULL, VARY },
};

static const cz_answer *ask(cz_client *client, const char *method, const char *target,
                            const char *headers)
{
    const cz_client_request request = { .method = method, .target = target, .headers = headers };
    return cz_client_send(client, &request);
}

CZ_TEST(a_version_is_chosen_by_path_header_accept_query_and_host)
{
    setenv("ALLOWED_HOSTS", "*", 1);
    cz_client *client = cz_client_create(&port);
    for (size_t i = 0; i < CZ_COUNT(choices); i++) {
        const cz_answer *answer = ask(client, "GET", choices[i].target, choices[i].headers);
        CZ_EXPECT_MSG(answer->status == choices[i].status, "%s %s is %d", choices[i].target,
                      choices[i].headers ? choices[i].headers : "", answer->status);
        CZ_EXPECT_HEADER(answer, "Vary", choices[i].vary);
        if (choices[i].told && answer->status == 200)
            CZ_EXPECT_STR(answer->body, choices[i].told);
        else if (choices[i].told)
            CZ_EXPECT_JSON(answer, "detail", choices[i].told);
        if (answer->status >= 400)
            CZ_EXPECT_JSON(answer, "code", answer->status == 406 ? "not_acceptable" : "not_found");
    }
}

CZ_DATABASE_TEST(two_versions_of_one_model_stand_side_by_side)
{
    cz_client *client = cz_client_create(&port);
    CZ_EXPECT_STATUS(cz_client_post(client, "/v1/piers", "{\"name\": \"North\"}"), 201);
    const cz_answer *answer =
        cz_client_post(client, "/v1/ferries", "{\"title\":\"Ada\",\"home\":1}");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON_TEXT(answer, "", "{\"id\":1,\"home\":1,\"title\":\"Ada\"}");
    CZ_EXPECT_HEADER(answer, "Location", "/v1/ferries/1");
    answer = cz_client_post(client, "/v1/ferries", "{\"name\":\"Ada\"}");
    CZ_EXPECT_JSON_TEXT(answer, "",
                        "{\"name\":[\"Unknown field.\"],\"title\":[\"This field is required.\"]}");
    answer = cz_client_get(client, "/v2/ferries/1");
    CZ_EXPECT_JSON_TEXT(answer, "",
                        "{\"id\":1,\"name\":\"Ada\",\"berths\":0,"
                        "\"home\":\"http://testserver/v2/piers/1\","
                        "\"url\":\"http://testserver/v2/ferries/1\"}");
    /* without a path the addresses have none either, but the query that chose */
    cz_client_set_header(client, "Accept-Version", "2");
    answer = cz_client_get(client, "/ferries/1");
    CZ_EXPECT_JSON(answer, "url", "http://testserver/ferries/1");
    CZ_EXPECT_HEADER(answer, "Vary", "Accept-Version, Accept");
    cz_client_set_header(client, "Accept-Version", NULL);
    answer = cz_client_get(client, "/ferries/1?version=2");
    CZ_EXPECT_JSON(answer, "home", "http://testserver/piers/1?version=2");
    CZ_EXPECT_JSON(cz_client_get(client, "/v1/piers/1"), "url", "http://testserver/v1/piers/1");
    answer = cz_client_post(client, "/ferries?version=2", "{\"name\": \"Bea\"}");
    CZ_EXPECT_HEADER(answer, "Location", "/ferries/2?version=2");
    answer = cz_client_post(client, "/ferries", "{\"name\": \"Cid\"}");
    CZ_EXPECT_HEADER(answer, "Location", "/ferries/3");
}

static const struct {
    const char *target, *version, *home;
    int status;
} links[] = {
    { "/v2/ferries", NULL, "/v2/piers/1", 201 },
    { "/v2/ferries", NULL, "http://anywhere/v2/piers/1?x=1", 201 },
    { "/v2/ferries", NULL, "/piers/1", 201 }, /* the default one */
    { "/ferries", "2", "/piers/1", 201 },
    { "/ferries", "2", "/v2/piers/1", 201 },
    { "/v2/ferries", NULL, "/v1/piers/1", 400 }, /* of another version */
    { "/v2/ferries", "1", "/piers/1", 400 },
    { "/v2/ferries", NULL, "/v2/ferries/1", 400 },
    { "/v2/ferries", NULL, "/v3/piers/1", 400 },
    { "/v2/ferries", NULL, "/v2/piers/2", 400 },
    { "/ferries", "2", "/v1/piers/1", 400 },
};

CZ_DATABASE_TEST(addresses_are_read_in_the_version_that_was_asked)
{
    cz_client *client = cz_client_create(&port);
    CZ_EXPECT_STATUS(cz_client_post(client, "/v1/piers", "{\"name\": \"North\"}"), 201);
    for (size_t i = 0; i < CZ_COUNT(links); i++) {
        cz_client_set_header(client, "Accept-Version", links[i].version);
        char body[128];
        snprintf(body, sizeof body, "{\"name\": \"F\", \"home\": \"%s\"}", links[i].home);
        const cz_answer *answer = cz_client_post(client, links[i].target, body);
        CZ_EXPECT_MSG(answer->status == links[i].status, "%s with %s is %d", links[i].target,
                      links[i].home, answer->status);
    }
}

CZ_TEST(methods_are_those_of_the_version)
{
    cz_client *client = cz_client_create(&port);
    const cz_answer *answer = ask(client, "DELETE", "/ferries", "Accept-Version: 1\r\n");
    CZ_EXPECT_STATUS(answer, 405);
    CZ_EXPECT_HEADER(answer, "Allow", "GET, HEAD, POST, OPTIONS");
    CZ_EXPECT_HEADER(answer, "Vary", VARY);
    CZ_EXPECT_STATUS(ask(client, "DELETE", "/ferries", "Accept-Version: 7\r\n"), 406);
    CZ_EXPECT_STATUS(ask(client, "OPTIONS", "/which", "Accept-Version: 7\r\n"), 406);
    answer = ask(client, "GET", "/ferries/", "Accept-Version: 1\r\n");
    CZ_EXPECT_STATUS(answer, 200); /* the catch-all behind them, as in Django */
}

/* ---- other sets ---- */

static CZ_VERSIONS(by_header_alone,
                   SCHEMES({ .by = CZ_VERSION_BY_HEADER, .name = "X-API-Version" },
                           { .by = CZ_VERSION_BY_HOST, .name = "api.example" }),
                   TABLES());
static const cz_route header_urls[] = { CZ_RESOURCE("/api", &by_header_alone, .name_space = "api"),
                                        CZ_ROUTES_END };
static CZ_PROJECT(header_port, "header_port", .apps = CZ_APPS(&port_app), .urls = header_urls);

CZ_TEST(without_a_default_a_request_must_say_its_version)
{
    static const struct {
        const char *target, *headers;
        int status;
        const char *told;
    } cases[] = {
        { "/api/which", "X-API-Version: 1\r\n", 200, "1" },
        { "/api/which", "X-API-Version: 2\r\n", 200, "2 or later" },
        { "/api/which", "Host: v2.api.example\r\n", 200, "2 or later" },
        { "/api/old", "Host: v1.api.example:81\r\n", 200, "1" },
        { "/api/which", NULL, 406, "The request says no version. There are \"1\", \"2\"." },
        { "/api/which", "Accept-Version: 1\r\n", 406, NULL },
        { "/api/which", "Host: api.example\r\n", 406, NULL },
        { "/api/which", "Host: v2.example.com\r\n", 406, NULL },
        { "/api/which", "Host: v2.xapi.example\r\n", 406, NULL },
        { "/api/which", "Host: v3.api.example\r\n", 404, "Invalid version in hostname." },
        { "/api/which", "Host: a.v1.api.example\r\n", 404, NULL },
        { "/api/v1/which", "X-API-Version: 1\r\n", 404, "Not found." },
        { "/which", "X-API-Version: 1\r\n", 404, "Not found." },
        { "/api/old", "X-API-Version: 2\r\n", 404, "Not found." },
    };
    setenv("ALLOWED_HOSTS", "*", 1);
    cz_client *client = cz_client_create(&header_port);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = ask(client, "GET", cases[i].target, cases[i].headers);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s %s is %d", cases[i].target,
                      cases[i].headers ? cases[i].headers : "", answer->status);
        if (cases[i].told && answer->status == 200)
            CZ_EXPECT_STR(answer->body, cases[i].told);
        else if (cases[i].told)
            CZ_EXPECT_JSON(answer, "detail", cases[i].told);
    }
}

CZ_TEST(redirects_of_slashes_vary_on_what_was_asked)
{
    static const struct {
        const char *target, *version;
        int status;
        const char *location;
    } cases[] = {
        { "/api/old/", "1", 301, "/api/old" },
        { "/api/ferries/?page=2", "2", 301, "/api/ferries?page=2" },
        { "/api/old/", "2", 404, "" },
        { "/api/old/", "9", 404, "" },
    };
    cz_client *client = cz_client_create(&header_port);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "X-API-Version", cases[i].version);
        const cz_answer *answer = cz_client_get(client, cases[i].target);
        CZ_EXPECT_STATUS(answer, cases[i].status);
        CZ_EXPECT_HEADER(answer, "Location", cases[i].location);
        CZ_EXPECT_HEADER(answer, "Vary", "X-API-Version");
    }
}

/* ---- how they end ---- */

CZ_DEPRECATION(old_search, .since = "2026-06-01", .document = "https://example.com/why",
               .successor = "/ferries");
CZ_DEPRECATION(ended, .sunset = "2026-06-01T12:00:00+02:00", .gone = true);
static CZ_VERSIONS(ending, SCHEMES({ .by = CZ_VERSION_BY_PATH }, { .by = CZ_VERSION_BY_HEADER }),
                   .default_ = "2",
                   TABLES(.successor = "2", .deprecation = { .since = "2026-06-01",
                                                             .sunset = "2027-06-01",
                                                             .gone = true }));
static const cz_route ending_urls[] = {
    CZ_GET("/search", plain, .middleware = CZ_DEPRECATED(old_search)),
    CZ_GET("/ended", plain, .middleware = CZ_DEPRECATED(ended)),
    CZ_RESOURCE("", &ending),
    CZ_ROUTES_END,
};
static CZ_PROJECT(ending_port, "ending_port", .apps = CZ_APPS(&port_app), .urls = ending_urls);

#define LINK_TO(path) "<" path ">; rel=\"successor-version\""
CZ_DATABASE_TEST(what_is_deprecated_says_so)
{
    static const struct {
        const char *target, *version, *deprecation, *sunset, *link;
        int status;
    } cases[] = {
        { "/search", NULL, "@1780272000", "",
          "<https://example.com/why>; rel=\"deprecation\", " LINK_TO("/ferries"), 200 },
        { "/ended", NULL, "", "Mon, 01 Jun 2026 10:00:00 GMT", "", 410 },
        { "/v1/which", NULL, "@1780272000", "Tue, 01 Jun 2027 00:00:00 GMT", LINK_TO("/v2/which"),
          200 },
        { "/which", "1", "@1780272000", "Tue, 01 Jun 2027 00:00:00 GMT", LINK_TO("/v2/which"),
          200 },
        { "/v1/old", NULL, "@1780272000", "Tue, 01 Jun 2027 00:00:00 GMT", "", 200 },
        { "/v1/ferries/77", NULL, "@1780272000", "Tue, 01 Jun 2027 00:00:00 GMT",
          LINK_TO("/v2/ferries/77"), 404 },
        { "/v2/which", NULL, "", "", "", 200 },
        { "/which", NULL, "", "", "", 200 },
        { "/v1/nowhere", NULL, "", "", "", 404 },
    };
    cz_client *client = cz_client_create(&ending_port);
    cz_datetime day;
    CZ_REQUIRE_OK(cz_datetime_parse(CZ_STR("2026-11-21T00:00:00Z"), &day));
    cz__time_freeze(day);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "Accept-Version", cases[i].version);
        const cz_answer *answer = cz_client_get(client, cases[i].target);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s is %d", cases[i].target,
                      answer->status);
        CZ_EXPECT_HEADER(answer, "Deprecation", cases[i].deprecation);
        CZ_EXPECT_HEADER(answer, "Sunset", cases[i].sunset);
        CZ_EXPECT_HEADER(answer, "Link", cases[i].link);
    }
}

CZ_DATABASE_TEST(after_its_sunset_a_version_is_gone_where_it_says_so)
{
    cz_client *client = cz_client_create(&ending_port);
    cz_datetime last;
    CZ_REQUIRE_OK(cz_datetime_parse(CZ_STR("2027-05-31T23:59:59.999999Z"), &last));
    cz__time_freeze(last);
    CZ_EXPECT_STATUS(cz_client_get(client, "/v1/which"), 200);
    cz__time_freeze((cz_datetime){ last.us + 1 });
    const cz_answer *answer = cz_client_get(client, "/v1/ferries");
    CZ_EXPECT_STATUS(answer, 410);
    CZ_EXPECT_JSON(answer, "code", "gone");
    CZ_EXPECT_JSON(answer, "detail", "This is no longer here since 2027-06-01.");
    CZ_EXPECT_HEADER(answer, "Link", LINK_TO("/v2/ferries"));
    CZ_EXPECT_STATUS(cz_client_post(client, "/v1/piers", "{\"name\": \"x\"}"), 410);
    CZ_EXPECT_JSON_TEXT(cz_client_get(client, "/v2/piers"), "", "[]");
    CZ_EXPECT_STATUS(cz_client_get(client, "/search"), 200);
}

/* ---- documents and declarations ---- */

CZ_TEST(routes_tell_their_version_and_what_deprecates_them)
{
    cz_client_create(&ending_port);
    const cz_router *router = cz_router_of_project();
    size_t listed = 0, first = 0, deprecated = 0;
    cz_route_info info;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &info);) {
        const char *version = cz_version_of_route(&info);
        listed += cz_version_lists_route(NULL, &info);
        first += cz_version_lists_route("1", &info);
        deprecated += cz_deprecation_of_route(&info) != NULL;
        if (strcmp(info.pattern, "/v1/which") == 0)
            CZ_EXPECT_STR(cz_str_from(info.name), "v1:which");
        CZ_EXPECT((version == NULL) ==
                  (strcmp(info.pattern, "/search") == 0 || strcmp(info.pattern, "/ended") == 0));
    }
    CZ_EXPECT_EQ(listed, 2 + 14 + 13); /* two viewsets of six routes each, and handlers */
    CZ_EXPECT_EQ(first, 2 + 14);
    CZ_EXPECT_EQ(deprecated, 2 + 2 * 14);
}

/* Both versions under their paths, each operation under a name of its own although they share a viewset. */
CZ_TEST(a_document_has_each_version_once)
{
    static const char *const there[] = { "/health",  "/v1/ferries", "/v1/ferries/{id}",
                                         "/v1/old",  "/v2/ferries", "/v2/piers/{id}",
                                         "/v2/which" };
    static const char *const not_there[] = { "/ferries", "/which", "/v2/old", "/openapi.json" };
    cz_client *client = cz_client_create(&port);
    const cz_answer *answer = cz_client_get(client, "/openapi.json");
    const cz_json_value *paths = cz_json_get(answer->json, CZ_STR("paths"));
    CZ_REQUIRE(paths);
    for (size_t i = 0; i < CZ_COUNT(there); i++)
        CZ_EXPECT_MSG(cz_json_get(paths, cz_str_from(there[i])) != NULL, "%s", there[i]);
    for (size_t i = 0; i < CZ_COUNT(not_there); i++)
        CZ_EXPECT_MSG(cz_json_get(paths, cz_str_from(not_there[i])) == NULL, "%s", not_there[i]);
    cz_map ids;
    cz_map_init(&ids, cz_test_arena());
    size_t operations = 0;
    for (uint32_t p = 0; p < paths->count; p++)
        for (uint32_t m = 0; m < paths->as.items[p].count; m++) {
            const cz_json_value *id =
                cz_json_get(&paths->as.items[p].as.items[m], CZ_STR("operationId"));
            CZ_REQUIRE(id);
            CZ_REQUIRE_OK(cz_map_set(&ids, id->as.text, &operations));
            operations++;
        }
    CZ_EXPECT_EQ(operations, 2 + 14 + 13); /* those of no version, and each version's */
    CZ_EXPECT_EQ(cz_map_count(&ids), operations);
}

static const cz_route few_urls[] = { CZ_GET("/which", which), CZ_ROUTES_END };
static CZ_VERSIONS(few_ways, .versions = CZ_VERSION_LIST({ .name = "1", .urls = few_urls }));
static const cz_route twice_urls[] = { CZ_RESOURCE("/in", &few_ways), CZ_ROUTES_END };

CZ_TEST(versions_that_cannot_be_stop_the_start)
{
    static const cz_version_scheme header[] = { { .by = CZ_VERSION_BY_HEADER } },
                                   none[] = { { 0 } };
#define OF(...)                                                                                    \
    {                                                                                              \
        (const cz_version[]){ __VA_ARGS__ }, 2                                                     \
    }
#define V1                                                                                         \
    {                                                                                              \
        .name = "1", .urls = few_urls                                                              \
    }
    const struct {
        cz_versions versions;
        const char *told;
    } cases[] = {
        { { .schemes = { header, 1 } }, "versions bad: there is none" },
        { { .schemes = { none, 1 }, .versions = OF(V1) }, "versions bad: scheme 1 is none" },
        { { .versions = OF(V1, { .urls = few_urls }) },
          "versions bad: \"\" is no name of a version; letters, digits, \".\", \"-\", \"_\" and "
          "\"~\" make one" },
        { { .versions = OF(V1, { .name = "a b", .urls = few_urls }) },
          "versions bad: \"a b\" is no name of a version; letters, digits, \".\", \"-\", \"_\" and "
          "\"~\" make one" },
        { { .versions = OF(V1, { .name = "2", .label = "v/2", .urls = few_urls }) },
          "versions bad: \"2\" is no name of a version; letters, digits, \".\", \"-\", \"_\" and "
          "\"~\" make one" },
        { { .versions = OF(V1, { .name = "2" }) }, "versions bad: \"2\" names no .urls" },
        { { .versions = OF(V1, { .name = "1", .urls = few_urls }) },
          "versions bad: two are called \"1\"" },
        { { .versions = OF(V1, { .name = "v1", .urls = few_urls }) },
          "versions bad: two are called \"v1\"" },
        { { .versions = OF(V1, { .name = "2", .urls = few_urls, .successor = "3" }) },
          "versions bad: no version \"3\" to succeed \"2\"" },
        { { .default_ = "3", .versions = OF(V1, { .name = "2", .urls = few_urls }) },
          "versions bad: .default_ \"3\" is none of them" },
        { { .versions = OF(V1, { .name = "2", .urls = twice_urls }) },
          "versions cannot be inside versions: /in/v1" },
        { { .versions =
                OF(V1, { .name = "2", .urls = few_urls, .deprecation = { .since = "soon" } }) },
          "version \"2\": \"soon\" is no date such as \"2026-06-01\" or \"2026-06-01T12:00:00Z\"" },
        { { .versions =
                OF(V1, { .name = "2",
                         .urls = few_urls,
                         .deprecation = { .since = "2027-01-02", .sunset = "2027-01-01" } }) },
          "version \"2\": the sunset, 2027-01-01, is before the deprecation" },
        { { .versions = OF(V1, { .name = "2",
                                 .urls = few_urls,
                                 .deprecation = { .since = "2027-01-02", .gone = true } }) },
          "version \"2\": .gone needs a .sunset" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_versions versions = cases[i].versions;
        versions.resource = all_ways.resource;
        versions.name = "bad";
        const cz_route urls[] = { CZ_RESOURCE("", &versions), CZ_ROUTES_END };
        cz_router *router;
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_router_create(urls, NULL, &router, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].told);
    }
}

/* A path, a query and a header that are looked at, so that each way to a version allocates. */
static int dispatch_without_memory(cz_router *router, uint64_t nth, uint64_t *out_count)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_buf body = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz_request req = { .method = CZ_METHOD_GET,
                       .method_text = CZ_STR("GET"),
                       .path = CZ_STR("/which"),
                       .target = CZ_STR("/which"),
                       .query = CZ_STR("version=%31&x=%20"),
                       .response = { .status = 200, .body = &body } };
    cz_ignore(cz__alloc_fail_at(nth, true)); /* begins counting */
    cz_router_dispatch(router, &ctx, &req);
    *out_count = cz__alloc_fail_at(0, false);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
    cz_buf_done(&body);
    return req.response.status;
}

static CZ_VERSIONS(many_ways,
                   SCHEMES({ .by = CZ_VERSION_BY_PATH }, { .by = CZ_VERSION_BY_ACCEPT },
                           { .by = CZ_VERSION_BY_QUERY }),
                   .default_ = "1",
                   .versions = CZ_VERSION_LIST(
                       { .name = "1", .urls = few_urls, .deprecation = { .since = "2026-06-01" } },
                       { .name = "2", .urls = few_urls }));

CZ_TEST(whichever_allocation_fails_versions_are_whole_or_not_at_all)
{
    const cz_route routes[] = { CZ_RESOURCE("/", &many_ways, .name_space = "many"), CZ_ROUTES_END };
    cz_router *router = NULL;
    for (uint64_t n = 1; !router; n++) {
        cz_error err = { 0 };
        cz_ignore(cz__alloc_fail_at(n, n % 2)); /* begins counting */
        cz_status status = cz_router_create(routes, NULL, &router, &err);
        uint64_t count = cz__alloc_fail_at(0, false);
        CZ_EXPECT_EQ(status, count < n ? CZ_OK : CZ_ENOMEM);
        CZ_REQUIRE(status || router);
    }
    for (uint64_t n = 1, count = n; count >= n; n++) {
        int status = dispatch_without_memory(router, n, &count);
        CZ_EXPECT(count < n ? status == 200 : status == 200 || status == 503);
    }
    cz_router_destroy(router);
}

/* ---- versions and a cache of pages ---- */

static CZ_PAGE_CACHE(kept_pages, .ttl_ms = 60000);
static const cz_route kept_urls[] = {
    CZ_GET("/which", which, .middleware = CZ_CACHE_PAGES(kept_pages)), CZ_ROUTES_END
};
static CZ_VERSIONS(kept_ways,
                   SCHEMES({ .by = CZ_VERSION_BY_HEADER }, { .by = CZ_VERSION_BY_QUERY }),
                   .default_ = "2",
                   .versions = CZ_VERSION_LIST(
                       { .name = "1", .urls = kept_urls, .deprecation = { .since = "2026-06-01" } },
                       { .name = "2", .urls = kept_urls }));
static const cz_route kept_project_urls[] = { CZ_RESOURCE("", &kept_ways), CZ_ROUTES_END };
static CZ_PROJECT(kept_port, "kept_port", .urls = kept_project_urls);

CZ_TEST(pages_that_are_kept_are_of_the_version_that_was_asked)
{
    static const struct {
        const char *target, *version, *told, *deprecation;
    } cases[] = {
        { "/which", "1", "1", "@1780272000" },
        { "/which", "2", "2 or later", "" },
        { "/which", NULL, "2 or later", "" },
        { "/which?version=1", NULL, "1", "@1780272000" },
        { "/which?version=1", "2", "2 or later", "" },
    };
    cz_client *client = cz_client_create(&kept_port);
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            cz_client_set_header(client, "Accept-Version", cases[i].version);
            const cz_answer *answer = cz_client_get(client, cases[i].target);
            CZ_EXPECT_STR(answer->body, cases[i].told);
            CZ_EXPECT_HEADER(answer, "Deprecation", cases[i].deprecation);
            CZ_EXPECT_HEADER(answer, "Vary", "Accept-Version");
            CZ_EXPECT((cz_answer_header(answer, "Age").len > 0) == (round > 0));
        }
}

CZ_TEST(addresses_made_in_a_version_may_be_of_another)
{
    static const struct {
        const char *name, *version, *path;
    } cases[] = {
        { "which", "1", "/v1/which" },        { "which", "2", "/v2/which" },
        { "v2:which", "1", "/v2/which" },     { "v1:which", "2", "/v1/which" },
        { "ferry-list", "2", "/v2/ferries" },
    };
    cz_client_create(&port);
    const cz_router *router = cz_router_of_project();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_ctx ctx;
        cz_buf body = { 0 };
        cz_ctx_init(&ctx, cz_test_arena());
        cz_str path = cz_format(&ctx, "/v%s/which", cases[i].version);
        cz_request req = { .method = CZ_METHOD_GET,
                           .method_text = CZ_STR("GET"),
                           .path = path,
                           .target = path,
                           .host = CZ_STR("testserver"),
                           .response = { .status = 200, .body = &body } };
        cz_router_dispatch(router, &ctx, &req);
        CZ_EXPECT_STR(cz_reverse(&ctx, cases[i].name, NULL, 0), cases[i].path);
        cz_ctx_done(&ctx);
        cz_buf_done(&body);
    }
}
