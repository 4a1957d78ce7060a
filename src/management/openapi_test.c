/* `openapi diff` as CI runs it. */
#include "management/command_testing.h"
#include <calzone/calzone.h>

static const cz_route no_urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(comparer, "comparer", .urls = no_urls);

#define DOCUMENT(paths) "{\"openapi\":\"3.1.0\",\"paths\":{" paths "}}"

CZ_TEST(two_documents_are_compared_for_ci)
{
    const char *old = cz__test_write("old.json", DOCUMENT("\"/a\":{\"get\":{}}"));
    const char *new_ = cz__test_write("new.json", DOCUMENT("\"/a\":{\"get\":{},\"put\":{}}"));
    const char *yaml = cz__test_write("old.yaml", "openapi: \"3.1.0\"\n");
    const char *none = cz__test_write("none.json", "{}");
    const char *nothing = cz__test_path("nothing.json");
    const struct {
        const char *arguments[5];
        int code;
        const char *text;
    } cases[] = {
        { { old, old }, 0, "0 changes, 0 of them breaking\n" },
        { { old, new_ }, 0, "        PUT /a: is new\n1 changes, 0 of them breaking\n" },
        { { new_, old }, 1, "breaks  PUT /a: is gone\n1 changes, 1 of them breaking\n" },
        { { "--json", new_, old },
          1,
          "{\"breaking\":1,\"changes\":[{\"breaking\":true,\"where\":\"PUT /a\",\"what\":\"is "
          "gone\"}]}\n" },
        { { old, new_, "--json" },
          0,
          "{\"breaking\":0,\"changes\":[{\"breaking\":false,\"where\":\"PUT /a\",\"what\":\"is "
          "new\"}]}\n" },
        { { old }, 2, "openapi diff: name two files, the older one first\n" },
        { { NULL }, 2, "openapi diff: name two files, the older one first\n" },
        { { old, new_, old }, 2, NULL },
        { { "--yaml", old, new_ }, 2, NULL },
        { { old, none }, 2, "openapi diff: the new document is none of OpenAPI 3\n" },
        { { none, old }, 2, "openapi diff: the old document is none of OpenAPI 3\n" },
        { { yaml, old },
          2,
          cz_arena_printf(cz_test_arena(),
                          "openapi diff: %s: JSON parse error: Expecting value: line 1 column 1 "
                          "(char 0); documents are compared as JSON, YAML is not read\n",
                          yaml) },
        { { nothing, old },
          2,
          cz_arena_printf(cz_test_arena(), "openapi diff: %s: No such file or directory\n",
                          nothing) },
        { { "/", old }, 2, "openapi diff: /: Is a directory\n" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str out;
        const char *const *a = cases[i].arguments;
        int code = cz__test_command(
            &comparer, CZ__TEXTS(NULL),
            CZ__TEXTS("openapi", "diff", a[0], a[0] ? a[1] : NULL, a[0] && a[1] ? a[2] : NULL),
            &out);
        CZ_EXPECT_MSG(code == cases[i].code, "case %zu ends with %d: %.*s", i, code,
                      CZ_STR_ARG(out));
        if (cases[i].text)
            CZ_EXPECT_STR(out, cases[i].text);
    }
}

/* ---- documents about one version ---- */

static void medals(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

static const cz_route v1_urls[] = { CZ_GET("/medals", medals), CZ_ROUTES_END };
static const cz_route v2_urls[] = { CZ_GET("/medals", medals), CZ_ROUTES_END };
static CZ_VERSIONS(versions, .versions = CZ_VERSION_LIST({ .name = "1", .urls = v1_urls },
                                                         { .name = "2", .urls = v2_urls }));
static CZ_OPENAPI(old_api, .title = "Old club", .version = "1", .api_version = "1");
static CZ_OPENAPI(api, .title = "Club", .version = "2");
static const cz_route club_urls[] = { CZ_RESOURCE("", &versions),
                                      CZ_RESOURCE("/v1/openapi.json", &old_api),
                                      CZ_RESOURCE("/openapi.json", &api), CZ_ROUTES_END };
static CZ_PROJECT(club, "club", .urls = club_urls);

static CZ_OPENAPI(lost_api, .title = "Lost", .version = "1", .api_version = "3");
static const cz_route lost_urls[] = { CZ_RESOURCE("", &versions),
                                      CZ_RESOURCE("/openapi.json", &lost_api), CZ_ROUTES_END };
static CZ_PROJECT(lost, "lost", .urls = lost_urls);

CZ_TEST(a_document_about_no_version_stops_the_start)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&lost, CZ__TEXTS(NULL), CZ__TEXTS("check"), &out), 1);
    CZ_EXPECT(
        cz_str_find(out, CZ_STR("the OpenAPI document \"Lost\" is of .api_version \"3\", which no "
                                "route has")) != SIZE_MAX);
}

CZ_TEST(the_command_prints_a_document_about_one_version)
{
    static const struct {
        const char *arguments[4];
        int code;
        const char *has, *lacks;
    } cases[] = {
        { { "--api-version", "1" }, 0, "Old club", "/v2/medals" },
        { { "--api-version", "2" }, 0, "\"Club\"", "/v1/medals" },
        { { "--yaml", "--api-version", "2" }, 0, "title: Club", "/v1/medals" },
        { { "--api-version", "3" }, 1, "openapi: no route is of a version \"3\"", "paths" },
        { { "--api-version" }, 2, "unknown argument \"--api-version\"", "paths" },
        { { "--check", "--yaml" }, 2, "unknown argument \"--check\"", "paths" },
        { { "1" }, 2, "unknown argument \"1\"", "paths" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str out;
        const char *const *a = cases[i].arguments;
        int code =
            cz__test_command(&club, CZ__TEXTS(NULL), CZ__TEXTS("openapi", a[0], a[1], a[2]), &out);
        CZ_EXPECT_MSG(code == cases[i].code, "case %zu ends with %d", i, code);
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(cases[i].has)) != SIZE_MAX, "case %zu: %.*s", i,
                      CZ_STR_ARG(cz_str_head(out, 200)));
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(cases[i].lacks)) == SIZE_MAX, "case %zu", i);
    }
}

/* ---- what says nothing of itself ---- */

#define ROSTER(F) F(char_field, name)
CZ_MODEL(Roster, ROSTER);
static CZ_SERIALIZER(RosterSerializer, Roster, .fields = CZ_FIELDS(Roster, id, name));
static CZ_VIEWSET(rosters, Roster, .serializer = &RosterSerializer, .permissions = &cz_allow_any,
                  .actions = CZ_ACTIONS({ "shuffle", .method = CZ_METHOD_POST,
                                          .handler = medals }));
static const cz_app roster_app = { "roster", .models = CZ_MODELS(Roster) };
static const cz_route roster_urls[] = { CZ_RESOURCE("/rosters", &rosters),
                                        CZ_GET("/medals", medals), CZ_ROUTES_END };
static CZ_PROJECT(team, "team", .apps = CZ_APPS(&roster_app), .urls = roster_urls);

CZ_TEST(what_says_nothing_of_itself_is_told_where_to_say_it)
{
    cz_str out;
    const char *url = cz__test_setting("DATABASE_URL", cz_test_database());
    CZ_EXPECT_EQ(cz__test_command(&team, CZ__TEXTS(url), CZ__TEXTS("openapi", "--check"), &out), 1);
    CZ_EXPECT_STR(out,
                  "openapi: POST /rosters/shuffle says nothing of itself: give its action a .doc = "
                  "CZ_DOC(.summary = ...)\n"
                  "openapi: GET /medals says nothing of itself: give its route a .doc = "
                  "CZ_DOC(.summary = ...)\n");
}
