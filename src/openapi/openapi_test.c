/* The OpenAPI document says what the tables say. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdlib.h>

static const cz_choice SIZES[] = { { "small", "Small" }, { "large", "Large" } };

#define WORKSHOP(F) F(char_field, name, .max_length = 20, .help_text = "Over the door.")
CZ_MODEL(Workshop, WORKSHOP, .verbose_name = "work shop");
#define GIZMO(F)                                                                                   \
    F(slug_field, code, .unique = true, .max_length = 8)                                           \
    F(char_field, size, .choices = CZ_CHOICES(SIZES), .default_ = cz_text("small"))                \
    F(int_field, weight, .null = true, .min = cz_int(1), .max = cz_int(900), .example = "70")      \
    F(decimal_field, price, .digits = 6, .places = 2)                                              \
    F(datetime_field, made_at, .auto_now_add = true, .read_only = true)                            \
    F(text_field, secret, .blank = true, .example = "hush")                                        \
    F(foreign_key, workshop, Workshop, .null = true, .on_delete = CZ_CASCADE)                      \
    F(many_to_many, sold_by, Workshop, .blank = true)
CZ_MODEL_UUID(Gizmo, GIZMO);

static const cz_app factory_app = { .name = "factory", .models = CZ_MODELS(Workshop, Gizmo) };
static CZ_SERIALIZER(WorkshopSerializer, Workshop, .fields = CZ_FIELDS(Workshop, id, name));
static void twice(cz_ctx *ctx, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)ctx, (void)req, (void)row;
    cz_json_i64(out, 2);
}
static CZ_SERIALIZER(
    GizmoSerializer, Gizmo,
    .fields = CZ_FIELDS(Gizmo, id, code, size, weight, price, made_at, secret, workshop, sold_by),
    .write_only = CZ_FIELDS(Gizmo, secret),
    .members = CZ_MEMBERS(
        { .source = CZ_FIELD(Gizmo, workshop), .nested = &WorkshopSerializer, .writable = true },
        { .name = "twice", .compute = twice, .type = CZ_KIND_int_field, .example = "4" },
        { .name = "where", .source = CZ_FIELD(Gizmo, workshop->name) }));

static void greet(cz_ctx *ctx, cz_request *req)
{
    cz_respond_json(ctx, req, 200, CZ_STR("\"hello\""));
}

static CZ_VIEWSET(
    gadgets, Gizmo, .serializer = &GizmoSerializer, .permissions = &cz_read_only,
    .filters = CZ_FILTERS({ .path = CZ_FIELD(Gizmo, size) },
                          { .path = CZ_FIELD(Gizmo, weight), CZ_LOOKUPS(EXACT, GTE, ISNULL, IN) }),
    .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Gizmo, code) }),
    .orderings = CZ_FIELDS(Gizmo, price, workshop->name),
    .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer),
    .actions = CZ_ACTIONS({ .name = "praise",
                            .method = CZ_METHOD_POST,
                            .detail = true,
                            .handler = greet,
                            .doc = CZ_DOC(.summary = "Praise it", .response = &GizmoSerializer) }));
static CZ_VIEWSET(workshops, Workshop, .serializer = &WorkshopSerializer,
                  .permissions = &cz_allow_any, .pagination = CZ_CURSOR, .page_size_query = "rows",
                  .only = { .list = true, .create = true }, .etags = true);
static CZ_OPENAPI(api, .title = "Factory", .version = "2.1");

static const cz_route urls[] = {
    CZ_RESOURCE("/gadgets", &gadgets),
    CZ_RESOURCE("/workshops", &workshops),
    CZ_GET("/hello/<name>", greet, .doc = CZ_DOC(.summary = "Greet", .tag = "people")),
    CZ_POST("/hello/<name>", greet),
    CZ_GET("/health", greet, .doc = CZ_DOC(.hidden = true)),
    CZ_RESOURCE("/openapi.json", &api),
    CZ_ROUTES_END,
};
static CZ_PROJECT(factory, "factory", .apps = CZ_APPS(&factory_app), .urls = urls);

static const struct {
    const char *path, *text; /* NULL: nothing is there */
} expected[] = {
    { "openapi", "\"3.1.0\"" },
    { "info", "{\"title\":\"Factory\",\"version\":\"2.1\"}" },
    { "servers", "[{\"url\":\"http://testserver\"}]" },
    { "tags", "[{\"name\":\"gadgets\"},{\"name\":\"workshops\"},{\"name\":\"people\"},{\"name\":"
              "\"hello\"}]" },
    { "paths./health", NULL },
    { "paths./openapi", NULL },
    { "paths./hello/{name}.get.summary", "\"Greet\"" },
    { "paths./hello/{name}.get.operationId", "\"get_hello_name\"" },
    { "paths./hello/{name}.get.parameters",
      "[{\"name\":\"name\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}]" },
    { "paths./hello/{name}.post.summary", "\"POST /hello/<name>\"" },
    { "paths./gadgets.get.operationId", "\"gadgets_list\"" },
    { "paths./gadgets.get.responses.200.content.application/json.schema",
      "{\"$ref\":\"#/components/schemas/GizmoPage\"}" },
    { "paths./gadgets.get.responses.200.content.text/csv.schema", "{\"type\":\"string\"}" },
    { "paths./gadgets.get.parameters[0].name", "\"page\"" },
    { "paths./gadgets.get.parameters[1].name", "\"search\"" },
    { "paths./gadgets.get.parameters[2].description",
      "\"Names to order by, with commas, `-` before one for descending: `price`, "
      "`workshop__name`.\"" },
    { "paths./gadgets.get.parameters[3]",
      "{\"name\":\"size\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"string\","
      "\"enum\":[\"small\",\"large\"]}}" },
    { "paths./gadgets.get.parameters[5].name", "\"weight__gte\"" },
    { "paths./gadgets.get.parameters[5].schema", "{\"type\":\"integer\",\"format\":\"int32\"}" },
    { "paths./gadgets.get.parameters[6].schema", "{\"type\":\"boolean\"}" },
    { "paths./gadgets.get.parameters[7].schema", "{\"type\":\"string\"}" },
    { "paths./gadgets.get.parameters[8].schema.enum", "[\"json\",\"csv\"]" },
    { "paths./gadgets.post.responses.201.headers.Location.schema.type", "\"string\"" },
    { "paths./gadgets.post.responses.403.content.application/json.schema",
      "{\"$ref\":\"#/components/schemas/Error\"}" },
    { "paths./gadgets.post.requestBody.content.multipart/form-data.schema",
      "{\"$ref\":\"#/components/schemas/GizmoRequest\"}" },
    { "paths./gadgets/{id}.get.parameters[0].schema", "{\"type\":\"string\",\"format\":\"uuid\"}" },
    { "paths./gadgets/{id}.patch.requestBody.required", "false" },
    { "paths./gadgets/{id}.delete.responses.204.content", NULL },
    { "paths./gadgets/{id}/praise.post.summary", "\"Praise it\"" },
    { "paths./gadgets/{id}/praise.post.responses.200.content.application/json.schema",
      "{\"$ref\":\"#/components/schemas/Gizmo\"}" },
    { "paths./workshops.post.responses.403", NULL },
    { "paths./workshops.get.parameters[0].name", "\"cursor\"" },
    { "paths./workshops.get.parameters[1].schema",
      "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100}" },
    { "paths./workshops.get.responses.412.content.application/json.schema",
      "{\"$ref\":\"#/components/schemas/Error\"}" },
    { "paths./workshops.get.parameters[3].name", "\"If-Match\"" },
    { "paths./workshops.get.parameters[3].required", "false" },
    { "paths./workshops/{id}", NULL },
    { "components.schemas.WorkshopPage.required", "[\"next\",\"previous\",\"results\"]" },
    { "components.schemas.GizmoPage.required", "[\"count\",\"next\",\"previous\",\"results\"]" },
    { "components.schemas.GizmoPage.properties.next",
      "{\"type\":[\"string\",\"null\"],\"format\":\"uri\"}" },
    { "components.schemas.Gizmo.required", "[\"id\",\"code\",\"size\",\"weight\",\"price\",\"made_"
                                           "at\",\"workshop\",\"sold_by\",\"twice\",\"where\"]" },
    { "components.schemas.Gizmo.properties.secret", NULL },
    { "components.schemas.Gizmo.properties.id",
      "{\"type\":\"string\",\"format\":\"uuid\",\"examples\":[\"018f3c1e-7a4b-7c3d-9e2f-"
      "4a5b6c7d8e9f\"]}" },
    { "components.schemas.Gizmo.properties.workshop",
      "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Workshop\"},{\"type\":\"null\"}]}" },
    { "components.schemas.Gizmo.properties.where",
      "{\"type\":[\"string\",\"null\"],\"examples\":[\"text\"]}" },
    { "components.schemas.Gizmo.properties.twice",
      "{\"type\":[\"integer\",\"null\"],\"examples\":[4]}" },
    { "components.schemas.Gizmo.properties.price",
      "{\"type\":\"string\",\"format\":\"decimal\",\"examples\":[\"1.50\"]}" },
    { "components.schemas.GizmoRequest.required", "[\"code\",\"price\"]" },
    { "components.schemas.GizmoRequest.additionalProperties", "false" },
    { "components.schemas.GizmoRequest.properties.id", NULL },
    { "components.schemas.GizmoRequest.properties.made_at", NULL },
    { "components.schemas.GizmoRequest.properties.twice", NULL },
    { "components.schemas.GizmoRequest.properties.secret",
      "{\"type\":\"string\",\"examples\":[\"hush\"]}" },
    { "components.schemas.GizmoRequest.properties.code",
      "{\"type\":\"string\",\"pattern\":\"^[-a-zA-Z0-9_]+$\",\"maxLength\":8,\"minLength\":1,"
      "\"examples\":[\"a-slug\"]}" },
    { "components.schemas.GizmoRequest.properties.size",
      "{\"type\":\"string\",\"enum\":[\"small\",\"large\"],\"examples\":[\"small\"]}" },
    { "components.schemas.GizmoRequest.properties.weight",
      "{\"type\":[\"integer\",\"null\"],\"format\":\"int32\",\"minimum\":1,\"maximum\":900,"
      "\"examples\":[70]}" },
    { "components.schemas.GizmoRequest.properties.sold_by",
      "{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"type\":\"integer\",\"format\":\"int64\"}"
      "}" },
    { "components.schemas.PatchedGizmoRequest.required", NULL },
    { "components.schemas.PatchedWorkshopRequest.properties.id.type", "\"integer\"" },
    { "components.schemas.WorkshopRequest.properties.name.description", "\"Over the door.\"" },
};

CZ_TEST(the_openapi_document_says_what_the_tables_say)
{
    cz_client *client = cz_client_create(&factory);
    const cz_answer *answer = cz_client_get(client, "/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    for (size_t i = 0; i < CZ_COUNT(expected); i++) {
        if (expected[i].text)
            CZ_EXPECT_JSON_TEXT(answer, expected[i].path, expected[i].text);
        else
            CZ_EXPECT_MSG(!cz_answer_at(answer, expected[i].path), "%s is there", expected[i].path);
    }
}

CZ_TEST(every_reference_of_the_document_leads_somewhere)
{
    cz_client *client = cz_client_create(&factory);
    const cz_answer *answer = cz_client_get(client, "/openapi.json");
    static const char ref[] = "\"$ref\":\"#/";
    size_t count = 0;
    cz_str rest = answer->body;
    for (size_t at; (at = cz_str_find(rest, CZ_STR("\"$ref\":\"#/"))) != SIZE_MAX; count++) {
        rest = cz_str_tail(rest, at + sizeof ref - 1);
        char path[128];
        size_t len = cz_str_find_char(rest, '"');
        CZ_REQUIRE(len < sizeof path);
        for (size_t i = 0; i < len; i++)
            path[i] = (char)(rest.ptr[i] == '/' ? '.' : rest.ptr[i]);
        path[len] = '\0';
        CZ_EXPECT_MSG(cz_answer_at(answer, path), "%s leads nowhere", path);
    }
    CZ_EXPECT(count > 20);
}

static CZ_OPENAPI(untitled, .version = "1");
static const cz_route bad_urls[] = { CZ_RESOURCE("/openapi.json", &untitled), CZ_ROUTES_END };

CZ_TEST(a_document_without_a_title_is_refused)
{
    cz_router *router;
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_router_create(bad_urls, NULL, &router, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "the OpenAPI document at /openapi.json has a .title and a .version");
}

/* ---- forms of errors ---- */

static void expect_document(const char *error_format, const char *const (*wanted)[2], size_t count)
{
    setenv("ERROR_FORMAT", error_format, 1);
    const cz_answer *answer = cz_client_get(cz_client_create(&factory), "/openapi.json");
    for (size_t i = 0; i < count; i++) {
        if (wanted[i][1])
            CZ_EXPECT_JSON_TEXT(answer, wanted[i][0], wanted[i][1]);
        else
            CZ_EXPECT_MSG(!cz_answer_at(answer, wanted[i][0]), "%s is there", wanted[i][0]);
    }
}

#define POST_ANSWERS "paths./gadgets.post.responses."

CZ_TEST(the_document_has_errors_in_drfs_form)
{
    static const char *const wanted[][2] = {
        { POST_ANSWERS "400.content.application/json.schema.anyOf[0]",
          "{\"$ref\":\"#/components/schemas/ValidationErrors\"}" },
        { POST_ANSWERS "422", NULL },
        { POST_ANSWERS "403.content.application/json.example",
          "{\"detail\":\"You do not have permission to perform this action.\",\"code\":"
          "\"permission_denied\"}" },
        { POST_ANSWERS "403.content.text/html.schema", "{\"type\":\"string\"}" },
        { POST_ANSWERS "403.content.text/csv.schema", "{\"type\":\"string\"}" },
        { "components.schemas.HTTPValidationError", NULL },
    };
    expect_document("drf", wanted, CZ_COUNT(wanted));
}

CZ_TEST(the_document_has_errors_in_fastapis_form)
{
    static const char *const wanted[][2] = {
        { POST_ANSWERS "400.content.application/json.schema",
          "{\"$ref\":\"#/components/schemas/Error\"}" },
        { POST_ANSWERS "422.content.application/json.schema",
          "{\"$ref\":\"#/components/schemas/HTTPValidationError\"}" },
        { POST_ANSWERS "403.content.application/json.example",
          "{\"detail\":\"You do not have permission to perform this action.\"}" },
        { "components.schemas.Error.required", "[\"detail\"]" },
        { "components.schemas.ValidationError.required", "[\"type\",\"loc\",\"msg\"]" },
    };
    expect_document("fastapi", wanted, CZ_COUNT(wanted));
}

CZ_TEST(the_document_has_errors_in_the_form_of_problems)
{
    static const char *const wanted[][2] = {
        { POST_ANSWERS "400.content.application/json", NULL },
        { POST_ANSWERS "400.content.application/problem+json.schema",
          "{\"$ref\":\"#/components/schemas/Problem\"}" },
        { POST_ANSWERS "403.content.application/problem+json.example.status", "403" },
        { "components.schemas.Error", NULL },
    };
    expect_document("problem", wanted, CZ_COUNT(wanted));
}
