/* What the document says of who may ask, of tags and of what is going away. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include "management/command_testing.h"

#define CAULDRON(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Cauldron, CAULDRON);
static const cz_app hearth_app = { .name = "hearth", .models = CZ_MODELS(Cauldron) };
static CZ_SERIALIZER(CauldronSerializer, Cauldron, .fields = CZ_FIELDS(Cauldron, id, name));

static void boil(cz_ctx *ctx, cz_request *req)
{
    cz_respond_json(ctx, req, 200, CZ_STR("1"));
}

static CZ_VIEWSET(open_cauldrons, Cauldron, .serializer = &CauldronSerializer,
                  .permissions = &cz_allow_any);
static CZ_VIEWSET(
    shown_cauldrons, Cauldron, .serializer = &CauldronSerializer, .permissions = &cz_read_only,
    .actions = CZ_ACTIONS({ .name = "boil", .method = CZ_METHOD_POST, .handler = boil },
                          { .name = "look",
                            .handler = boil,
                            .permissions = &cz_allow_any,
                            .doc = CZ_DOC(.summary = "Look", .deprecated = true) }));
static CZ_VIEWSET(
    own_cauldrons, Cauldron, .serializer = &CauldronSerializer, .permissions = &cz_deny_all,
    .security = CZ_SECURITY("key", "oauth cauldrons:read cauldrons:write"),
    .actions = CZ_ACTIONS({ .name = "peek",
                            .handler = boil,
                            .doc = CZ_DOC(.summary = "Peek", .security = CZ_SECURITY()) }));
static CZ_VIEWSET(mixed_cauldrons, Cauldron, .serializer = &CauldronSerializer,
                  .permissions = CZ_ANY_OF(&cz_read_only,
                                           CZ_ALL_OF(&cz_allow_any, &cz_is_authenticated)),
                  .security = CZ_SECURITY("key"));
static CZ_OPENAPI(
    hearth_api, .title = "Hearth", .version = "1",
    .tags = CZ_TAG_DOCS({ "fire", "What **burns**." }, { "open", "Those for all." }),
    .security = CZ_SECURITY_SCHEMES(
        { .name = "token", .kind = CZ_SECURITY_BEARER, .bearer_format = "JWT" },
        { .name = "basic", .kind = CZ_SECURITY_BASIC, .description = "Old." },
        { .name = "key", .kind = CZ_SECURITY_API_KEY, .parameter = "X-Key" },
        { .name = "cookie", .kind = CZ_SECURITY_API_KEY, .parameter = "session", .in = "cookie" },
        { .name = "oauth",
          .kind = CZ_SECURITY_OAUTH2_PASSWORD,
          .url = "/token",
          .refresh_url = "/refresh",
          .scopes = CZ_SCOPES({ "cauldrons:read", "Look at them." },
                              { "cauldrons:write", "Boil." }) },
        { .name = "openid",
          .kind = CZ_SECURITY_OPENID_CONNECT,
          .url = "https://id.example/.well-known/openid-configuration" }));

static const cz_route urls[] = {
    CZ_RESOURCE("/open", &open_cauldrons),
    CZ_RESOURCE("/shown", &shown_cauldrons, .name = "shown"),
    CZ_RESOURCE("/own", &own_cauldrons, .name = "own"),
    CZ_RESOURCE("/mixed", &mixed_cauldrons, .name = "mixed"),
    CZ_GET("/free", boil, .doc = CZ_DOC(.summary = "Free")),
    CZ_GET("/bought", boil, .doc = CZ_DOC(.summary = "Bought", .security = CZ_SECURITY("basic"))),
    CZ_RESOURCE("/openapi.json", &hearth_api),
    CZ_ROUTES_END,
};
static CZ_PROJECT(hearth, "hearth", .apps = CZ_APPS(&hearth_app), .urls = urls);

#define EVERY                                                                                      \
    "[{\"token\":[]},{\"basic\":[]},{\"key\":[]},{\"cookie\":[]},{\"oauth\":[]},{\"openid\":[]}]"
#define OWN "[{\"key\":[]},{\"oauth\":[\"cauldrons:read\",\"cauldrons:write\"]}]"

static const struct {
    const char *path, *text; /* NULL: nothing is there */
} expected[] = {
    { "security", "[]" },
    { "tags[0]", "{\"name\":\"fire\",\"description\":\"What **burns**.\"}" },
    { "tags[1]", "{\"name\":\"open\",\"description\":\"Those for all.\"}" },
    { "tags[2]", "{\"name\":\"shown\"}" },
    { "components.securitySchemes.token",
      "{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}" },
    { "components.securitySchemes.basic",
      "{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"Old.\"}" },
    { "components.securitySchemes.key",
      "{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Key\"}" },
    { "components.securitySchemes.cookie",
      "{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"session\"}" },
    { "components.securitySchemes.oauth",
      "{\"type\":\"oauth2\",\"flows\":{\"password\":{\"tokenUrl\":\"/token\",\"refreshUrl\":"
      "\"/refresh\",\"scopes\":{\"cauldrons:read\":\"Look at "
      "them.\",\"cauldrons:write\":\"Boil.\"}}}}" },
    { "components.securitySchemes.openid",
      "{\"type\":\"openIdConnect\",\"openIdConnectUrl\":"
      "\"https://id.example/.well-known/openid-configuration\"}" },
    { "paths./open.get.security", "[]" },
    { "paths./open.post.security", "[]" },
    { "paths./open.post.responses.401", NULL },
    { "paths./shown.get.security", "[]" },
    { "paths./shown.post.security", EVERY },
    { "paths./shown.post.responses.401.description", "\"It is not told who asks.\"" },
    { "paths./shown/boil.post.security", EVERY },
    { "paths./shown/look.get.security", "[]" },
    { "paths./shown/look.get.deprecated", "true" },
    { "paths./shown/boil.post.deprecated", NULL },
    { "paths./own.get.security", OWN },
    { "paths./own/{id}.delete.security", OWN },
    { "paths./own/peek.get.security", "[]" },
    { "paths./mixed.get.security", "[]" },
    { "paths./mixed.get.responses.401", NULL },
    { "paths./mixed.get.responses.403", NULL },
    { "paths./mixed.post.responses.403.description", "\"Not allowed.\"" },
    { "paths./mixed.post.security", "[{\"key\":[]}]" },
    { "paths./mixed/{id}.get.security", "[]" },
    { "paths./mixed/{id}.patch.responses.401.description", "\"It is not told who asks.\"" },
    { "paths./free.get.security", "[]" },
    { "paths./bought.get.security", "[{\"basic\":[]}]" },
};

CZ_TEST(operations_say_what_proof_they_ask_for)
{
    const cz_answer *answer = cz_client_get(cz_client_create(&hearth), "/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    for (size_t i = 0; i < CZ_COUNT(expected); i++) {
        if (expected[i].text)
            CZ_EXPECT_JSON_TEXT(answer, expected[i].path, expected[i].text);
        else
            CZ_EXPECT_MSG(!cz_answer_at(answer, expected[i].path), "%s is there", expected[i].path);
    }
}

CZ_TEST(the_document_is_served_as_yaml_beside)
{
    const cz_answer *answer = cz_client_get(cz_client_create(&hearth), "/openapi.yaml");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_HEADER(answer, "Content-Type", "application/yaml");
    CZ_EXPECT_STR(cz_str_head(answer->body, 46),
                  "openapi: \"3.1.0\"\ninfo:\n  title: Hearth\n  versi");
}

/* ---- what can't be ---- */

#define SCHEME(...) CZ_SECURITY_SCHEMES({ .name = "a", .kind = CZ_SECURITY_BASIC }, { __VA_ARGS__ })
static cz_openapi bad[] = {
    { .title = "A", .version = "1", .security = SCHEME(.kind = CZ_SECURITY_BASIC) },
    { .title = "A", .version = "1", .security = SCHEME(.name = "b c") },
    { .title = "A", .version = "1", .security = SCHEME(.name = "a") },
    { .title = "A", .version = "1", .security = SCHEME(.name = "b", .kind = CZ_SECURITY_API_KEY) },
    { .title = "A",
      .version = "1",
      .security =
          SCHEME(.name = "b", .kind = CZ_SECURITY_API_KEY, .parameter = "k", .in = "body") },
    { .title = "A",
      .version = "1",
      .security = SCHEME(.name = "b", .kind = CZ_SECURITY_OAUTH2_PASSWORD) },
    { .title = "A",
      .version = "1",
      .security = SCHEME(.name = "b", .kind = CZ_SECURITY_OPENID_CONNECT) },
};
static const char *const refusals[] = {
    "has a .name without spaces",
    "has a .name without spaces",
    "has a name of its own",
    "names the .parameter that the key comes in",
    "has an .in of \"header\", \"query\" or \"cookie\"",
    "has a .url",
    "has a .url",
};

CZ_TEST(a_security_scheme_that_cannot_be_is_refused)
{
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_router *router;
        cz_error err = { 0 };
        bad[i].resource.add_routes = cz__openapi_add_routes;
        const cz_route routes[] = { CZ_RESOURCE("/schema", &bad[i]), CZ_ROUTES_END };
        CZ_EXPECT_EQ(cz_router_create(routes, NULL, &router, &err), CZ_EVALIDATION);
        const char *sentence = cz_arena_printf(
            cz_test_arena(), "the OpenAPI document at /schema: security scheme 2 %s", refusals[i]);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), sentence);
    }
}

/* ---- what is found when the document is written ---- */

static CZ_OPENAPI(plain_api, .title = "Plain", .version = "1");
static const cz_route nameless_urls[] = {
    CZ_GET("/x", boil, .doc = CZ_DOC(.summary = "X", .security = CZ_SECURITY("tokn"))),
    CZ_RESOURCE("/openapi.json", &plain_api),
    CZ_ROUTES_END,
};
#define SAMOVAR(F) F(int_field, litres, .example = "many")
CZ_MODEL(Samovar, SAMOVAR);
static const cz_app samovar_app = { .name = "samovars", .models = CZ_MODELS(Samovar) };
static CZ_SERIALIZER(SamovarSerializer, Samovar, .fields = CZ_FIELDS(Samovar, id, litres));
static CZ_VIEWSET(samovars, Samovar, .serializer = &SamovarSerializer,
                  .permissions = &cz_allow_any);
static const cz_route samovar_urls[] = {
    CZ_RESOURCE("/samovars", &samovars),
    CZ_RESOURCE("/openapi.json", &plain_api),
    CZ_ROUTES_END,
};
static CZ_PROJECT(samovar_project, "samovars", .apps = CZ_APPS(&samovar_app), .urls = samovar_urls);
#define TRIVET(F) F(int_field, legs, .example = "\"three\"")
CZ_MODEL(Trivet, TRIVET);
static const cz_app trivet_app = { .name = "trivets", .models = CZ_MODELS(Trivet) };
static CZ_SERIALIZER(TrivetSerializer, Trivet, .fields = CZ_FIELDS(Trivet, id, legs));
static CZ_VIEWSET(trivets, Trivet, .serializer = &TrivetSerializer, .permissions = &cz_allow_any);
static const cz_route trivet_urls[] = {
    CZ_RESOURCE("/trivets", &trivets),
    CZ_RESOURCE("/openapi.json", &plain_api),
    CZ_ROUTES_END,
};
static CZ_PROJECT(trivet_project, "trivets", .apps = CZ_APPS(&trivet_app), .urls = trivet_urls);
static CZ_PROJECT(nameless, "nameless", .urls = nameless_urls);

CZ_TEST(what_a_document_cannot_say_is_told_by_its_command)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&nameless, CZ__TEXTS(NULL), CZ__TEXTS("openapi"), &out), 1);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("GET /x asks for \"tokn\", which is no scheme of the "
                                          "document's .security")) != SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_EQ(cz__test_command(&samovar_project, CZ__TEXTS(NULL), CZ__TEXTS("openapi"), &out),
                 1);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("the .example of \"litres\" is no JSON: many")) !=
                      SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_EQ(
        cz__test_command(&trivet_project, CZ__TEXTS(NULL), CZ__TEXTS("openapi", "--check"), &out),
        1);
    CZ_EXPECT_MSG(
        cz_str_find(out, CZ_STR("the example of "
                                "#/components/schemas/Trivet/properties/legs is a string, "
                                "not \"integer\"")) != SIZE_MAX,
        "%.*s", CZ_STR_ARG(out));
}

/* ---- tokens of services ---- */

static CZ_OPENAPI(forge_api, .title = "Forge", .version = "1",
                  .security = CZ_SECURITY_SCHEMES(
                      { .name = "token", .kind = CZ_SECURITY_BEARER },
                      { .name = "jwt", .kind = CZ_SECURITY_BEARER, .bearer_format = "JWT" }));
static const cz_authentication_scheme *const forge_schemes[] = { &cz_client_tokens, NULL };
static CZ_AUTHENTICATION(forge_callers, .schemes = forge_schemes);
static const cz_middleware *const forge_middleware[] = { &forge_callers.middleware, NULL };
static const cz_route forge_urls[] = { CZ_GET("/boil", boil, .doc = CZ_DOC(.summary = "Boil")),
                                       CZ_RESOURCE("/openapi.json", &forge_api), CZ_ROUTES_END };
static CZ_PROJECT(forge, "forge", .urls = forge_urls, .middleware = forge_middleware);

CZ_TEST(a_bearer_scheme_tells_how_a_services_token_is_sent)
{
    cz_client *client = cz_client_create(&forge);
    const cz_answer *answer = cz_client_get(client, "/openapi.json");
    CZ_EXPECT_JSON_TEXT(answer, "components.securitySchemes.token.description",
                        "\"The token of a service is the base64 of CLIENT:TOKEN, as `printf "
                        "CLIENT:TOKEN | base64 -w0` prints it.\"");
    CZ_EXPECT(!cz_answer_at(answer, "components.securitySchemes.jwt.description"));
    /* and that it was not is no answer that the document should have told of */
    const cz_client_request raw = { .method = "GET",
                                    .target = "/boil",
                                    .headers = "Authorization: Bearer 0123456789abcdef\r\n" };
    CZ_EXPECT_STATUS(cz_client_send(client, &raw), 401);
}
