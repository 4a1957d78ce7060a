/* What the document says of lists as input, of members to choose, and of versions that end. */
#include <calzone/calzone.h>
#include <calzone/testing.h>

#define GUILDHALL(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Guildhall, GUILDHALL);
#define TROPHY(F)                                                                                  \
    F(char_field, title, .max_length = 20)                                                         \
    F(foreign_key, hall, Guildhall, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL(Trophy, TROPHY);

static CZ_SERIALIZER(HallSerializer, Guildhall, .fields = CZ_FIELDS(Guildhall, id, name));
static CZ_SERIALIZER(TrophySerializer, Trophy, .fields = CZ_FIELDS(Trophy, id, title, hall),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Trophy, hall),
                                             .expand = &HallSerializer }));
static CZ_VIEWSET(old_trophies, Trophy, .serializer = &TrophySerializer,
                  .permissions = &cz_read_only);
static CZ_VIEWSET(trophies, Trophy, .serializer = &TrophySerializer, .permissions = &cz_allow_any,
                  .bulk = true, .sparse = true);

static void import(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

static const cz_route v1_urls[] = { CZ_RESOURCE("/trophies", &old_trophies), CZ_ROUTES_END };
static const cz_route v2_urls[] = { CZ_RESOURCE("/trophies", &trophies), CZ_ROUTES_END };
static CZ_VERSIONS(versions, .default_ = "2",
                   .versions = CZ_VERSION_LIST(
                       { .name = "1", .urls = v1_urls, .deprecation = { .since = "2026-01-01" } },
                       { .name = "2", .urls = v2_urls }));
static CZ_OPENAPI(old_api, .title = "Old club", .version = "1", .api_version = "1");
static CZ_OPENAPI(api, .title = "Club", .version = "2");
static CZ_REDOC(old_redoc, .document = &old_api);
static const cz_route urls[] = {
    CZ_RESOURCE("", &versions),
    CZ_POST("/import", import,
            .doc =
                CZ_DOC(.summary = "Import",
                       .parameters = CZ_PARAMETERS(
                           { .name = "mode", .required = true, .one_of = CZ_ONE_OF("dry", "wet") },
                           { .name = "most", .type = CZ_KIND_int_field, .description = "Rows." }),
                       .request = &TrophySerializer, .request_list = true, .status = 204)),
    CZ_RESOURCE("/v1/openapi.json", &old_api),
    CZ_RESOURCE("/openapi.json", &api),
    CZ_RESOURCE("/v1/redoc", &old_redoc),
    CZ_ROUTES_END,
};
static const cz_app club_app = { .name = "club", .models = CZ_MODELS(Guildhall, Trophy) };
static CZ_PROJECT(club, "club", .apps = CZ_APPS(&club_app), .urls = urls);

#define TROPHY_REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST_OF(name) "{\"type\":\"array\",\"maxItems\":1000,\"items\":" TROPHY_REF(name) "}"

static const struct {
    const char *path, *text; /* NULL: nothing is there */
} expected[] = {
    { "paths./v1/trophies.get.deprecated", "true" },
    { "paths./v2/trophies.get.deprecated", NULL },
    { "paths./v1/trophies.put", NULL },
    { "paths./v2/trophies.post.requestBody.content.application/json.schema",
      "{\"anyOf\":[" TROPHY_REF("TrophyRequest") "," LIST_OF("TrophyRequest") "]}" },
    { "paths./v2/trophies.put.summary", "\"Replace each named trophy\"" },
    { "paths./v2/trophies.put.requestBody.content.application/json.schema",
      LIST_OF("ListedTrophyRequest") },
    { "paths./v2/trophies.patch.requestBody.content.application/json.schema",
      LIST_OF("PatchedTrophyRequest") },
    { "paths./v2/trophies.put.responses.200.content.application/json.schema",
      "{\"type\":\"array\",\"items\":" TROPHY_REF("SparseTrophy") "}" },
    { "paths./v2/trophies.delete.requestBody", NULL },
    { "paths./v2/trophies.delete.responses.204.content", NULL },
    { "paths./v2/trophies.delete.responses.404", NULL },
    { "paths./v2/trophies.delete.parameters[0].name", "\"id\"" },
    { "paths./v2/trophies.delete.parameters[0].required", "true" },
    { "paths./v2/trophies/{id}.get.parameters[1].name", "\"fields\"" },
    { "paths./v2/trophies/{id}.get.parameters[2].name", "\"expand\"" },
    { "paths./v2/trophies/{id}.get.responses.400.description", "\"The input is malformed, or its "
                                                               "values can't be.\"" },
    { "paths./v2/trophies/{id}.delete.parameters[1].name", "\"If-Match\"" },
    { "paths./v1/trophies/{id}.get.parameters[1]", NULL },
    { "paths./import.post.parameters",
      "[{\"name\":\"mode\",\"in\":\"query\",\"required\":true,\"schema\":{\"type\":\"string\","
      "\"enum\":[\"dry\",\"wet\"]}},{\"name\":\"most\",\"in\":\"query\",\"description\":\"Rows.\","
      "\"required\":false,\"schema\":{\"type\":\"integer\"}}]" },
    { "paths./import.post.requestBody.content.application/json.schema", LIST_OF("TrophyRequest") },
    { "components.schemas.ListedTrophyRequest.required", "[\"id\",\"title\"]" },
    { "components.schemas.TrophyRequest.required", "[\"title\"]" },
    { "components.schemas.Trophy.required", "[\"id\",\"title\",\"hall\"]" },
    { "components.schemas.SparseTrophy.required", NULL },
    { "components.schemas.SparseTrophy.properties.hall.anyOf[0].type", "[\"integer\",\"null\"]" },
    { "components.schemas.SparseTrophy.properties.hall.anyOf[1]", TROPHY_REF("SparseHall") },
    { "components.schemas.SparseTrophyPage.properties.results.items", TROPHY_REF("SparseTrophy") },
};

CZ_TEST(the_document_tells_of_lists_choices_and_ends)
{
    const cz_answer *answer = cz_client_get(cz_client_create(&club), "/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    for (size_t i = 0; i < CZ_COUNT(expected); i++)
        if (expected[i].text)
            CZ_EXPECT_JSON_TEXT(answer, expected[i].path, expected[i].text);
        else
            CZ_EXPECT_MSG(!cz_answer_at(answer, expected[i].path), "%s", expected[i].path);
}

/* It tells of its own routes and of those of no version, and has the schemas these name. */
CZ_TEST(a_document_may_be_about_one_version)
{
    static const char *const there[] = { "paths./v1/trophies.get", "paths./v1/trophies/{id}.get",
                                         "paths./import.post", "components.schemas.TrophyPage" };
    static const char *const not_there[] = { "paths./v2/trophies", "paths./v2/trophies/{id}",
                                             "components.schemas.SparseTrophy" };
    cz_client *client = cz_client_create(&club);
    const cz_answer *answer = cz_client_get(client, "/v1/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(answer, "info.title", "\"Old club\"");
    for (size_t i = 0; i < CZ_COUNT(there); i++)
        CZ_EXPECT_MSG(cz_answer_at(answer, there[i]), "%s", there[i]);
    for (size_t i = 0; i < CZ_COUNT(not_there); i++)
        CZ_EXPECT_MSG(!cz_answer_at(answer, not_there[i]), "%s", not_there[i]);
    answer = cz_client_get(client, "/openapi.json"); /* which is of all, though it stands behind */
    CZ_EXPECT_JSON_TEXT(answer, "info.title", "\"Club\"");
    CZ_EXPECT(cz_answer_at(answer, "paths./v1/trophies.get"));
    answer = cz_client_get(client, "/v1/openapi.yaml");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT(cz_str_find(answer->body, CZ_STR("Old club")) != SIZE_MAX);
    answer = cz_client_get(client, "/v1/redoc");
    if (answer->status != 501)
        CZ_EXPECT(cz_str_find(answer->body, CZ_STR("data-document=\"/v1/openapi.json\"")) !=
                  SIZE_MAX);
}
