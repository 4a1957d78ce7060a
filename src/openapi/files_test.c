/* Files in the OpenAPI document: forms alone take them, and their names are shown. */
#include <calzone/calzone.h>
#include <calzone/testing.h>

#define MURAL(F)                                                                                   \
    F(char_field, title, .max_length = 20)                                                         \
    F(file_field, photo, .max_length = 30, .content_types = "image/png image/jpeg",                \
      .help_text = "By day.", .example = "wall.png")                                               \
    F(file_field, sketch, .blank = true)                                                           \
    F(file_field, plan, .null = true, .content_types = "application/pdf")
CZ_RECORD(Mural, MURAL);
static CZ_SERIALIZER(MuralSerializer, Mural,
                     .fields = CZ_FIELDS(Mural, title, photo, sketch, plan));
/* A file that is only shown makes no form of a request. */
static CZ_SERIALIZER(NamedMuralSerializer, Mural, .fields = CZ_FIELDS(Mural, title, photo),
                     .read_only = CZ_FIELDS(Mural, photo));
static CZ_SERIALIZER(HiddenMuralSerializer, Mural, .fields = CZ_FIELDS(Mural, title, photo),
                     .write_only = CZ_FIELDS(Mural, photo));

static void paint(cz_ctx *ctx, cz_request *req)
{
    Mural *mural = cz_read_row(ctx, req, &MuralSerializer, Mural);
    cz_respond_row(ctx, req, 201, &MuralSerializer, mural);
}

#define HOUSE_FRONT(F) F(char_field, street, .max_length = 20)
CZ_MODEL(HouseFront, HOUSE_FRONT);
static CZ_SERIALIZER(HouseFrontSerializer, HouseFront, .fields = CZ_FIELDS(HouseFront, id, street));
static CZ_VIEWSET(
    fronts, HouseFront, .serializer = &HouseFrontSerializer, .permissions = &cz_allow_any,
    .actions = CZ_ACTIONS({ .name = "paint",
                            .method = CZ_METHOD_POST,
                            .handler = paint,
                            .serializer = &MuralSerializer,
                            .doc = CZ_DOC(.summary = "Paint", .response = &MuralSerializer,
                                          .status = 201) },
                          { .name = "look", .handler = paint, .serializer = &MuralSerializer }));
static CZ_OPENAPI(api, .title = "Walls", .version = "1");

#define PAINT(request_)                                                                            \
    CZ_DOC(.summary = "Paint", .request = &request_, .response = &request_, .status = 201)
static const cz_route urls[] = {
    CZ_RESOURCE("/fronts", &fronts),
    CZ_POST("/murals", paint, .doc = PAINT(MuralSerializer)),
    CZ_PATCH("/murals", paint, .doc = PAINT(MuralSerializer)),
    CZ_POST("/named", paint, .doc = PAINT(NamedMuralSerializer)),
    CZ_POST("/hidden", paint, .doc = PAINT(HiddenMuralSerializer)),
    CZ_RESOURCE("/openapi.json", &api),
    CZ_ROUTES_END,
};
static const cz_app town = { .name = "town", .models = CZ_MODELS(HouseFront) };
static CZ_PROJECT(walls, "walls", .apps = CZ_APPS(&town), .urls = urls);

#define BODY "paths./murals.post.requestBody.content"
#define IN "components.schemas.MuralRequest.properties."
#define OUT "components.schemas.Mural.properties."
#define OCTETS "\"contentMediaType\":\"application/octet-stream\""

static const struct {
    const char *path, *text; /* NULL: nothing is there */
} expected[] = {
    { BODY, "{\"multipart/form-data\":{\"schema\":{\"$ref\":\"#/components/schemas/MuralRequest\"},"
            "\"encoding\":{\"photo\":{\"contentType\":\"image/png, image/jpeg\"},"
            "\"sketch\":{\"contentType\":\"application/octet-stream\"},"
            "\"plan\":{\"contentType\":\"application/pdf\"}}}}" },
    { "paths./murals.patch.requestBody.content.multipart/form-data.schema",
      "{\"$ref\":\"#/components/schemas/PatchedMuralRequest\"}" },
    { "paths./murals.patch.requestBody.content.application/json", NULL },
    { "paths./fronts/paint.post.requestBody.content.multipart/form-data.encoding.plan",
      "{\"contentType\":\"application/pdf\"}" },
    { "paths./fronts/paint.post.requestBody.content.application/json", NULL },
    { "paths./fronts/look.get.requestBody", NULL },
    { "paths./fronts.post.requestBody.content.application/json.schema",
      "{\"$ref\":\"#/components/schemas/HouseFrontRequest\"}" },
    { "paths./named.post.requestBody.content.application/json.schema",
      "{\"$ref\":\"#/components/schemas/NamedMuralRequest\"}" },
    { "paths./named.post.requestBody.content.multipart/form-data.encoding", NULL },
    { "components.schemas.NamedMuralRequest.properties.photo", NULL },
    { "components.schemas.NamedMural.properties.photo.type", "\"string\"" },
    { "components.schemas.HiddenMural.properties.photo", NULL },
    { IN "photo", "{\"type\":\"string\"," OCTETS ",\"description\":\"By day.\"}" },
    { IN "sketch", "{\"type\":\"string\"," OCTETS "}" },
    { IN "plan", "{\"type\":\"string\"," OCTETS "}" },
    { "components.schemas.MuralRequest.required", "[\"title\",\"photo\"]" },
    { OUT "photo",
      "{\"type\":\"string\",\"description\":\"By day.\",\"examples\":[\"wall.png\"]}" },
    { OUT "sketch", "{\"type\":[\"string\",\"null\"],\"examples\":[\"file\"]}" },
    { OUT "plan", "{\"type\":[\"string\",\"null\"],\"examples\":[\"file\"]}" },
};

CZ_TEST(the_document_has_files_in_forms_alone_and_shows_their_names)
{
    cz_client *client = cz_client_create(&walls);
    const cz_answer *answer = cz_client_get(client, "/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    for (size_t i = 0; i < CZ_COUNT(expected); i++) {
        if (expected[i].text)
            CZ_EXPECT_JSON_TEXT(answer, expected[i].path, expected[i].text);
        else
            CZ_EXPECT_MSG(!cz_answer_at(answer, expected[i].path), "%s is there", expected[i].path);
    }
}

#define PART(name, more, value)                                                                    \
    "--X\r\nContent-Disposition: form-data; name=" name more "\r\n\r\n" value "\r\n"

/* The test client checks each answer against the document. */
CZ_TEST(answers_with_files_are_as_the_document_says)
{
    cz_client *client = cz_client_create(&walls);
    static const char *const bodies[] = {
        PART("title", "", "A") PART("photo", "; filename=a.png", "\x89PNG\r\n\x1a\n") "--X--",
        PART("title", "", "A") PART("photo", "; filename=a.png", "\x89PNG\r\n\x1a\n")
            PART("plan", "; filename=b", "%PDF-1") PART("sketch", "; filename=c", "x") "--X--",
        PART("title", "", "A") PART("photo", "; filename=a.png", "GIF89a") "--X--",
    };
    static const int statuses[] = { 201, 201, 400 };
    for (size_t i = 0; i < CZ_COUNT(bodies); i++)
        for (int extra = 0; extra < 2; extra++) {
            const cz_client_request request = { .method = "POST",
                                                .target = extra ? "/fronts/paint" : "/murals",
                                                .content_type = "multipart/form-data; boundary=X",
                                                .body = cz_str_from(bodies[i]) };
            CZ_EXPECT_STATUS(cz_client_send(client, &request), statuses[i]);
        }
}

static CZ_VIEWSET(plain_fronts, HouseFront, .serializer = &HouseFrontSerializer,
                  .permissions = &cz_allow_any, .parsers = CZ_PARSERS(&cz_json_parser),
                  .actions = CZ_ACTIONS({ .name = "paint",
                                          .method = CZ_METHOD_POST,
                                          .handler = paint,
                                          .serializer = &MuralSerializer }));
static const cz_route plain_urls[] = { CZ_RESOURCE("/fronts", &plain_fronts), CZ_ROUTES_END };
static CZ_PROJECT(plain_walls, "walls", .apps = CZ_APPS(&town), .urls = plain_urls);

static void write_document(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_openapi_write(ctx, &api, cz_router_of_project(), CZ_STR(""), cz_scratch(ctx));
}

static void try_document(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_try(ctx, write_document, NULL, &err), CZ_EINVAL);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "MuralSerializer takes files, so the .parsers of the viewset plain_fronts need "
                  "&cz_multipart_parser");
}

CZ_TEST(a_viewset_whose_parsers_take_no_file_is_told_so)
{
    cz_client_run(cz_client_create(&plain_walls), try_document, NULL);
}
