/* Viewsets in other formats than JSON, both ways. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdlib.h>

CZ_MODEL_FORWARD(Recipe)
#define SPICE(F) F(char_field, name, .unique = true)
CZ_MODEL(Spice, SPICE);
#define RECIPE(F)                                                                                  \
    F(char_field, title, .max_length = 20)                                                         \
    F(char_field, notes, .blank = true)                                                            \
    F(int_field, minutes, .null = true)                                                            \
    F(bool_field, vegan, .default_ = cz_bool(true))                                                \
    F(json_field, extra, .null = true)                                                             \
    F(int_array_field, steps, .blank = true)                                                       \
    F(foreign_key, origin, Recipe, .null = true, .on_delete = CZ_SET_NULL)                         \
    F(many_to_many, spices, Spice, .blank = true)
CZ_MODEL(Recipe, RECIPE);

static const cz_app kitchen_app = { .name = "kitchen", .models = CZ_MODELS(Spice, Recipe) };
static CZ_SERIALIZER(SpiceSerializer, Spice, .fields = CZ_FIELDS(Spice, id, name));
static CZ_SERIALIZER(RecipeSerializer, Recipe,
                     .fields = CZ_FIELDS(Recipe, id, title, notes, minutes, vegan, extra, steps,
                                         origin, spices));
static CZ_VIEWSET(spices, Spice, .serializer = &SpiceSerializer, .permissions = &cz_allow_any,
                  .parsers = CZ_PARSERS(&cz_json_parser));
static CZ_VIEWSET(recipes, Recipe, .serializer = &RecipeSerializer, .permissions = &cz_allow_any,
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
static CZ_VIEWSET(packed, Recipe, .serializer = &RecipeSerializer, .permissions = &cz_allow_any,
                  .pagination = CZ_NO_PAGES,
                  .parsers = CZ_PARSERS(&cz_json_parser, &cz_msgpack_parser),
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_msgpack_renderer,
                                            &cz_xml_renderer));
static const cz_route urls[] = { CZ_RESOURCE("/spices", &spices), CZ_RESOURCE("/recipes", &recipes),
                                 CZ_RESOURCE("/packed", &packed, .name = "packed"), CZ_ROUTES_END };
static CZ_PROJECT(cookery, "cookery", .apps = CZ_APPS(&kitchen_app), .urls = urls);

static const cz_answer *send(cz_client *client, const char *method, const char *target,
                             const char *type, const char *body)
{
    const cz_client_request request = {
        .method = method, .target = target, .content_type = type, .body = cz_str_from(body)
    };
    return cz_client_send(client, &request);
}

#define FORM "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=X"
#define PART(name, value)                                                                          \
    "--X\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

static const struct {
    const char *method, *type, *body;
    int status;
    const char *told;
} forms[] = {
    { "POST", FORM,
      "title=Soup&minutes=&notes=&vegan=on&extra=&origin=&spices=1&spices=2&steps=1&steps=2", 201,
      "{\"id\":1,\"title\":\"Soup\",\"notes\":\"\",\"minutes\":null,\"vegan\":true,\"extra\":null,"
      "\"steps\":[1,2],\"origin\":null,\"spices\":[1,2]}" },
    { "POST", MULTIPART,
      PART("title", "Stew") PART("minutes", "90") PART("extra", "{\"a\": [1]}") PART("origin", "1")
          PART("csrfmiddlewaretoken", "x") "--X--",
      201,
      "{\"id\":2,\"title\":\"Stew\",\"notes\":\"\",\"minutes\":90,\"vegan\":false,\"extra\":{\"a\":"
      " [1]},"
      "\"steps\":[],\"origin\":1,\"spices\":[]}" },
    { "PATCH", FORM, "title=Soup+2&title=Soup+3", 200,
      "{\"id\":1,\"title\":\"Soup "
      "3\",\"notes\":\"\",\"minutes\":null,\"vegan\":true,\"extra\":null,"
      "\"steps\":[1,2],\"origin\":null,\"spices\":[1,2]}" },
    { "PUT", FORM, "title=Soup", 200,
      "{\"id\":1,\"title\":\"Soup\",\"notes\":\"\",\"minutes\":null,\"vegan\":false,\"extra\":null,"
      "\"steps\":[],\"origin\":null,\"spices\":[]}" },
    { "POST", FORM, "title=+&minutes=soon&extra=%7B&colour=red&colour=blue", 400,
      "{\"extra\":[\"Value must be valid JSON.\"]}" },
    { "POST", FORM, "title=+&minutes=soon&colour=red&colour=blue", 400,
      "{\"colour\":[\"Unknown field.\"],\"title\":[\"This field may not be blank.\"],"
      "\"minutes\":[\"A valid integer is required.\"]}" },
    { "POST", FORM, "", 400, "{\"title\":[\"This field is required.\"]}" },
    { "POST", FORM, "title=a&steps=x", 400, "{\"steps\":[\"A list of integers is required.\"]}" },
    { "POST", MULTIPART,
      "--X\r\nContent-Disposition: form-data; name=title; filename=a.txt\r\n\r\nx\r\n--X--", 400,
      "{\"title\":[\"This field takes no file.\"]}" },
    { "POST", MULTIPART, "title=a", 400,
      "{\"detail\":\"Form parse error - it does not begin with its "
      "boundary\",\"code\":\"parse_error\"}" },
    { "POST", "text/plain", "title=a", 415,
      "{\"detail\":\"Unsupported media type \\\"text/plain\\\" in "
      "request.\",\"code\":\"unsupported_media_type\"}" },
    { "POST", "application/jsonx", "{}", 415, NULL },
};

CZ_DATABASE_TEST(forms_are_input_as_json_is)
{
    cz_client *client = cz_client_create(&cookery);
    CZ_EXPECT_STATUS(cz_client_post(client, "/spices", "{\"name\": \"salt\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/spices", "{\"name\": \"dill\"}"), 201);
    for (size_t i = 0; i < CZ_COUNT(forms); i++) {
        const char *target = forms[i].method[1] == 'O' ? "/recipes" : "/recipes/1";
        const cz_answer *answer =
            send(client, forms[i].method, target, forms[i].type, forms[i].body);
        CZ_EXPECT_STATUS(answer, forms[i].status);
        if (forms[i].told)
            CZ_EXPECT_JSON_TEXT(answer, "", forms[i].told);
    }
    const cz_answer *answer = send(client, "POST", "/spices", FORM, "name=mace");
    CZ_EXPECT_STATUS(answer, 415);
    CZ_EXPECT_HEADER(answer, "Accept", "application/json");
    answer = send(client, "POST", "/recipes", "text/plain", "title");
    CZ_EXPECT_HEADER(answer, "Accept",
                     "application/json, application/x-www-form-urlencoded, multipart/form-data");
}

/* What is packed is not taken for what it says it is inside (RFC 9110, 8.4). */
CZ_DATABASE_TEST(a_body_with_a_content_coding_is_not_read)
{
    static const struct {
        const char *coding, *type, *body;
        int status;
    } cases[] = {
        { "gzip", "application/json", "{\"title\": \"Soup\"}", 415 },
        { "identity, br", "application/json", "{\"title\": \"Soup\"}", 415 },
        { "gzip", FORM, "title=Soup", 415 },
        { "Identity", "application/json", "{\"title\": \"Soup\"}", 201 },
        { "", FORM, "title=Soup", 201 },
    };
    cz_client *client = cz_client_create(&cookery);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "Content-Encoding", cases[i].coding);
        const cz_answer *answer = send(client, "POST", "/recipes", cases[i].type, cases[i].body);
        CZ_EXPECT_STATUS(answer, cases[i].status);
        CZ_EXPECT_HEADER(answer, "Accept-Encoding", cases[i].status == 415 ? "identity" : "");
    }
}

CZ_DATABASE_TEST(a_client_gets_the_format_it_asks_for)
{
    cz_client *client = cz_client_create(&cookery);
    CZ_EXPECT_STATUS(send(client, "POST", "/recipes", FORM, "title=Soup&minutes=5"), 201);
    const cz_answer *answer = cz_client_get(client, "/recipes?format=csv");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_HEADER(answer, "Content-Type", "text/csv; charset=utf-8");
    CZ_EXPECT_HEADER(answer, "Vary", "Accept");
    CZ_EXPECT_STR(answer->body, "id,title,notes,minutes,vegan,extra,steps,origin,spices\r\n"
                                "1,Soup,,5,false,,[],,[]\r\n");
    answer = cz_client_get(client, "/recipes?format=xls");
    CZ_EXPECT_STATUS(answer, 404);
    cz_client_set_header(client, "Accept", "text/csv, application/json;q=0.5");
    answer = cz_client_get(client, "/recipes/1");
    CZ_EXPECT_HEADER(answer, "Content-Type", "text/csv; charset=utf-8");
    answer = cz_client_get(client, "/recipes/2");
    CZ_EXPECT_STATUS(answer, 404);
    CZ_EXPECT_HEADER(answer, "Content-Type", "text/csv; charset=utf-8");
    CZ_EXPECT_STR(answer->body, "detail,code\r\nNot found.,not_found\r\n");
    answer = cz_client_post(client, "/recipes", "{\"minutes\": 3}");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_STR(answer->body, "title\r\n\"[\"\"This field is required.\"\"]\"\r\n");
    CZ_EXPECT_STATUS(cz_client_delete(client, "/recipes/1"), 204);
    cz_client_set_header(client, "Accept", "image/png\r\nAccept: application/json;q=0.5, text/csv");
    answer = cz_client_get(client, "/recipes");
    CZ_EXPECT_HEADER(answer, "Content-Type", "text/csv; charset=utf-8");
    cz_client_set_header(client, "Accept", "text/csv");
    answer = cz_client_get(client, "/spices");
    CZ_EXPECT_STATUS(answer, 406);
    CZ_EXPECT_JSON(answer, "detail", "Could not satisfy the request Accept header.");
    CZ_EXPECT_HEADER(answer, "Vary", "");
}

/* A body may be larger than a request's memory: 20 MiB where there are 16. Asking again would be no use, as 503 says. */
CZ_TEST(a_body_that_takes_more_memory_than_a_request_has_is_too_large)
{
    static const struct {
        const char *type, *before, *repeated, *after;
        int status;
    } cases[] = {
        { "application/json", "{\"title\": \"\\u0041", "a", "\"}", 413 },
        { "application/json", "{\"title\": \"", "a", "\"}", 413 },
        { "application/json", "{\"steps\": [", "0,", "0]}", 413 },
        { "application/json", "[", "0,", "0]", 400 },
        { FORM, "title=", "%41", "", 413 },
        { FORM, "title=", "a", "", 413 },
        { MULTIPART, "--X\r\nContent-Disposition: form-data; name=title\r\n\r\n", "\"", "\r\n--X--",
          413 },
    };
    enum { BYTES = 20 << 20 };
    setenv("HTTP_BODY_MAX", "67108864", 1);
    cz_client *client = cz_client_create(&cookery);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_buf body = { 0 };
        cz_buf_append_str(&body, cz_str_from(cases[i].before));
        while (body.len < BYTES)
            cz_buf_append_str(&body, cz_str_from(cases[i].repeated));
        cz_buf_append_str(&body, cz_str_from(cases[i].after));
        const cz_answer *answer =
            cz_client_send(client, &(cz_client_request){ .method = "POST",
                                                         .target = "/recipes",
                                                         .content_type = cases[i].type,
                                                         .body = cz_buf_str(&body) });
        CZ_EXPECT_MSG(answer->status == cases[i].status, "case %zu: %d", i, answer->status);
        if (answer->status == 413)
            CZ_EXPECT_JSON(answer, "code", "too_large");
        cz_buf_done(&body);
    }
}

#define PACKED "application/msgpack"
/* The length counts: MessagePack has NUL in it. */
static const cz_answer *pack(cz_client *client, const char *type, cz_str body)
{
    const cz_client_request request = {
        .method = "POST", .target = "/packed", .content_type = type, .body = body
    };
    return cz_client_send(client, &request);
}
#define PACK(type, text) pack(client, type, cz_str_of(text, sizeof(text) - 1))

CZ_DATABASE_TEST(messagepack_is_input_as_json_is)
{
    cz_client *client = cz_client_create(&cookery);
    const cz_answer *answer = PACK(PACKED, "\x83\xa5title\xa4Soup\xa7minutes\x00\xa5"
                                           "extra\x91\xc3");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(answer, "minutes", 0);
    CZ_EXPECT_JSON_TEXT(answer, "extra", "[true]");
    CZ_EXPECT_STATUS(PACK("application/x-msgpack", "\x81\xa5title\xa1x"), 201);
    CZ_EXPECT_STATUS(PACK("application/VND.msgpack; a=b", "\x81\xa5title\xa1x"), 201);
    /* the serializer's rules are the same */
    CZ_EXPECT_JSON_TEXT(PACK(PACKED, "\x82\xa7minutes\xa1x\xa4what\x01"), "",
                        "{\"what\":[\"Unknown field.\"],\"title\":[\"This field is required.\"],"
                        "\"minutes\":[\"A valid integer is required.\"]}");
    answer = PACK(PACKED, "\x90");
    CZ_EXPECT_STATUS(answer, 400);
    answer = PACK(PACKED, "\x81\xa5title");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "code", "parse_error");
    CZ_EXPECT_JSON(answer, "detail", "MessagePack parse error: it ends too early (byte 7)");
    CZ_EXPECT_STATUS(PACK("application/msgpackx", "\x80"), 415);
    CZ_EXPECT_STATUS(PACK("text/csv", "\x80"), 415);
}

CZ_DATABASE_TEST(messagepack_is_given_under_the_name_that_was_asked)
{
    static const struct {
        const char *accept, *type;
    } cases[] = {
        { "application/msgpack", "application/msgpack" },
        { "application/x-msgpack", "application/x-msgpack" },
        { "application/json;q=0.5, application/vnd.msgpack", "application/vnd.msgpack" },
        { "application/*;q=0.1, application/msgpack;q=0.2", "application/msgpack" },
        { "application/*", "application/json" },
        { "*/*", "application/json" },
    };
    cz_client *client = cz_client_create(&cookery);
    PACK(PACKED, "\x81\xa5title\xa1x");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "Accept", cases[i].accept);
        const cz_answer *answer = cz_client_get(client, "/packed/1");
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_HEADER(answer, "Content-Type", cases[i].type);
        CZ_EXPECT((answer->json == NULL) == (strstr(cases[i].type, "msgpack") != NULL));
    }
    cz_client_set_header(client, "Accept", PACKED);
    CZ_EXPECT_STR(cz_client_get(client, "/packed/7")->body, "\x82\xa6"
                                                            "detail\xaaNot found.\xa4"
                                                            "code\xa9not_found");
    CZ_EXPECT_HEADER(cz_client_get(client, "/packed/1?format=msgpack"), "Content-Type", PACKED);
}

CZ_DATABASE_TEST(xml_is_given_to_who_asks_for_it)
{
    cz_client *client = cz_client_create(&cookery);
    CZ_EXPECT_STATUS(cz_client_post(client, "/spices", "{\"name\": \"<salt>\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/packed", "{\"title\": \"a&b\", \"spices\": [1]}"),
                     201);
    cz_client_set_header(client, "Accept", "text/xml, application/json;q=0.9");
    const cz_answer *answer = cz_client_get(client, "/packed");
    CZ_EXPECT_HEADER(answer, "Content-Type", "application/xml; charset=utf-8");
    CZ_EXPECT_STR(answer->body,
                  "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<root><list-item><id>1</id>"
                  "<title>a&amp;b</title><notes></notes><minutes></minutes><vegan>true</vegan>"
                  "<extra></extra><steps></steps><origin></origin><spices><list-item>1</list-item>"
                  "</spices></list-item></root>");
    answer = cz_client_get(client, "/packed/2?format=xml");
    CZ_EXPECT_STATUS(answer, 404);
    CZ_EXPECT_STR(answer->body, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<root><detail>Not "
                                "found.</detail><code>not_found</code></root>");
    CZ_EXPECT_STATUS(PACK("application/xml", "<root/>"), 415);
}
