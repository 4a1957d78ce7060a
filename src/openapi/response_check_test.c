/* Answers that are not as the document says are told of. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <errno.h>
#include <stdlib.h>
#include "management/command_testing.h"
#include "openapi/response_check.h"

#define TEAPOT(F)                                                                                  \
    F(char_field, name, .max_length = 20)                                                          \
    F(email_field, owner, .blank = true)                                                           \
    F(url_field, shop, .blank = true)
CZ_MODEL(Teapot, TEAPOT);
static const cz_app kitchen_app = { .name = "kitchen", .models = CZ_MODELS(Teapot) };
static CZ_SERIALIZER(TeapotSerializer, Teapot, .fields = CZ_FIELDS(Teapot, id, name));
#define STEEP(F) F(uuid_field, secret)
CZ_RECORD(Steep, STEEP);
static CZ_SERIALIZER(SteepSerializer, Steep, .fields = CZ_FIELDS(Steep, secret));
static CZ_SERIALIZER(WholeTeapotSerializer, Teapot,
                     .fields = CZ_FIELDS(Teapot, id, name, owner, shop));

/* What the request's body says it should answer: a status, a media type and a body, between spaces. */
static void as_told(cz_ctx *ctx, cz_request *req)
{
    cz_str body = req->body;
    int64_t status;
    cz_check(ctx, cz_str_to_i64(cz_str_cut(&body, ' '), &status));
    cz_str type = cz_str_cut(&body, ' ');
    if (type.len)
        cz_respond(ctx, req, (int)status, type, body);
    else
        cz_respond_empty(ctx, req, (int)status);
}

static void raise_told(cz_ctx *ctx, cz_request *req)
{
    (void)req;
    cz_raise(ctx, CZ_EDENIED, "No.");
}

static CZ_VIEWSET(teapots, Teapot, .serializer = &WholeTeapotSerializer,
                  .permissions = &cz_allow_any, .etags = true,
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
static const cz_route urls[] = {
    CZ_RESOURCE("/teapots", &teapots),
    CZ_POST("/one", as_told, .doc = CZ_DOC(.summary = "One", .response = &TeapotSerializer)),
    CZ_POST("/many", as_told,
            .doc = CZ_DOC(.summary = "Many", .response = &TeapotSerializer, .list = true)),
    CZ_POST("/steep", as_told, .doc = CZ_DOC(.summary = "Steep", .response = &SteepSerializer)),
    CZ_POST("/none", as_told, .doc = CZ_DOC(.summary = "None", .status = 204)),
    CZ_POST("/moved", as_told, .doc = CZ_DOC(.summary = "Moved", .status = 303)),
    CZ_POST("/unsaid", as_told),
    CZ_POST("/hidden", as_told, .doc = CZ_DOC(.hidden = true)),
    CZ_GET("/refused", raise_told, .doc = CZ_DOC(.summary = "Refused")),
    CZ_ROUTES_END,
};
static CZ_PROJECT(kitchen, "kitchen", .apps = CZ_APPS(&kitchen_app), .urls = urls);

static char told[400];

static void keep_fault(const struct cz__response_fault *fault)
{
    cz_ignore(snprintf(told, sizeof told, "%.*s %d \"%.*s\" %.*s", CZ_STR_ARG(fault->operation),
                       fault->status, CZ_STR_ARG(fault->pointer), CZ_STR_ARG(fault->what)));
}

static const struct {
    const char *path, *answer;
    const char *fault; /* NULL: it is as documented */
} cases[] = {
    { "/one", "200 application/json {\"id\":1,\"name\":\"a\"}", NULL },
    { "/one", "200 application/json;charset=utf-8 {\"id\":1,\"name\":\"a\"}", NULL },
    { "/one", "200 application/json {\"id\":1,\"name\":7}",
      "POST /one 200 \"/name\" is an integer, not \"string\"" },
    { "/one", "200 application/json {\"id\":1}", "POST /one 200 \"\" lacks \"name\"" },
    { "/one", "200 application/json {\"id\":1,\"name\"",
      "POST /one 200 \"\" JSON parse error: Expecting ':' delimiter: line 1 column 15 (char 14)" },
    { "/one", "200 text/plain hello",
      "POST /one 200 \"\" has the type text/plain, which is not documented" },
    { "/one", "200", "POST /one 200 \"\" has no body, and one is documented" },
    { "/one", "201 application/json {\"id\":1,\"name\":\"a\"}",
      "POST /one 201 \"\" its status is not documented" },
    { "/one", "302", "POST /one 302 \"\" its status is not documented" },
    { "/one", "418 application/json {\"detail\":\"a\",\"code\":\"b\"}", NULL },
    { "/one", "418 application/problem+json {\"type\":\"a\",\"title\":\"b\",\"status\":418}",
      NULL },
    { "/one", "418 application/problem+json {\"type\":\"a\",\"title\":\"b\"}",
      "POST /one 418 \"\" lacks \"status\"" },
    { "/one", "418 application/json 7",
      "POST /one 418 \"\" is an integer, not \"object\" (the last of 2 alternatives, none of which "
      "it is)" },
    { "/one", "418 text/html <p>", NULL },
    { "/one", "418 image/png x",
      "POST /one 418 \"\" has the type image/png, which is not documented" },
    { "/many", "200 application/json []", NULL },
    { "/many", "200 application/json [{\"id\":1,\"name\":\"a\"},{\"id\":null,\"name\":\"a\"}]",
      "POST /many 200 \"/1/id\" is null, not \"integer\"" },
    { "/many", "200 application/json {}", "POST /many 200 \"\" is an object, not \"array\"" },
    { "/none", "204", NULL },
    { "/none", "200 application/json 1", "POST /none 200 \"\" its status is not documented" },
    { "/moved", "303", NULL },
    { "/moved", "303 text/plain a", "POST /moved 303 \"\" has a body, and none is documented" },
    { "/unsaid", "200 image/png x", NULL },
    { "/unsaid", "302", NULL },
    { "/hidden", "299 image/png x", NULL },
};

CZ_TEST(an_answer_that_is_not_as_documented_is_told_with_its_place)
{
    cz_client *client = cz_client_create(&kitchen);
    CZ_REQUIRE(cz__response_fault_report); /* so the client fails its test */
    cz__response_fault_report = keep_fault;
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        told[0] = '\0';
        cz_client_send(client, &(cz_client_request){ .method = "POST",
                                                     .target = cases[i].path,
                                                     .content_type = "text/plain",
                                                     .body = cz_str_from(cases[i].answer) });
        CZ_EXPECT_STR(cz_str_from(told), cases[i].fault ? cases[i].fault : "");
    }
}

static void answer_large(cz_ctx *ctx, cz_request *req)
{
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_list(&json);
    for (int i = 0; i < 300000; i++) {
        cz_json_object(&json);
        cz_json_key(&json, CZ_STR("id"));
        cz_json_i64(&json, i);
        cz_json_key(&json, CZ_STR("name"));
        cz_json_str(&json, CZ_STR("a"));
        cz_json_object_end(&json);
    }
    cz_json_list_end(&json);
}

static const cz_route large_urls[] = {
    CZ_GET("/large", answer_large,
           .doc = CZ_DOC(.summary = "Large", .response = &TeapotSerializer, .list = true)),
    CZ_ROUTES_END,
};
static CZ_PROJECT(large, "large", .apps = CZ_APPS(&kitchen_app), .urls = large_urls);

CZ_TEST(an_answer_beyond_a_requests_memory_is_checked_as_well)
{
    CZ_EXPECT_STATUS(cz_client_get(cz_client_create(&large), "/large"), 200);
}

/* Asked for with one Accept and ERROR_FORMAT after the other; the client fails the test where the document is wrong. */
static void ask_for_every_answer(void)
{
    static const char *const accepts[] = { "Accept: application/json\r\n",
                                           "Accept: application/problem+json, */*;q=0.1\r\n",
                                           "Accept: text/html, */*;q=0.1\r\n",
                                           "Accept: text/csv\r\n", "Accept: image/png\r\n" };
    static const struct {
        const char *method, *target, *body;
    } asked[] = {
        { "POST", "/teapots", "{\"name\":\"a\"}" },
        { "POST", "/teapots", "{}" },
        { "POST", "/teapots", "{\"name\"" },
        { "GET", "/teapots", NULL },
        { "GET", "/teapots?page=9", NULL },
        { "GET", "/teapots?page=x", NULL },
        { "GET", "/teapots/1", NULL },
        { "HEAD", "/teapots/1", NULL },
        { "GET", "/teapots/77", NULL },
        { "PUT", "/teapots/1", "{\"name\":\"b\"}" },
        { "PUT", "/teapots/1", "[]" },
        { "PATCH", "/teapots/1", "{\"name\":null}" },
        { "PATCH", "/teapots/1", "{\"nome\":1}" },
        { "GET", "/teapots?format=xml", NULL },
        { "GET", "/refused", NULL },
        { "OPTIONS", "/teapots", NULL },
        { "DELETE", "/teapots", NULL },
        { "GET", "/nowhere", NULL },
    };
    cz_client *client = cz_client_create(&kitchen);
    for (size_t a = 0; a < CZ_COUNT(accepts); a++)
        for (size_t i = 0; i < CZ_COUNT(asked); i++)
            cz_client_send(client, &(cz_client_request){ .method = asked[i].method,
                                                         .target = asked[i].target,
                                                         .headers = accepts[a],
                                                         .body = cz_str_from(asked[i].body) });
    const cz_answer *answer = cz_client_get(client, "/teapots/1");
    CZ_EXPECT_STATUS(answer, 200);
    cz_str tag = cz_answer_header(answer, "ETag");
    answer = cz_client_send(
        client,
        &(cz_client_request){ .method = "GET",
                              .target = "/teapots/1",
                              .headers = cz_arena_printf(cz_test_arena(), "If-None-Match: %.*s\r\n",
                                                         CZ_STR_ARG(tag)) });
    CZ_EXPECT_STATUS(answer, 304);
    answer = cz_client_send(client, &(cz_client_request){ .method = "GET",
                                                          .target = "/teapots/1",
                                                          .headers = "If-Match: \"x\"\r\n" });
    CZ_EXPECT_STATUS(answer, 412);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/teapots/1"), 204);
}

CZ_TEST(every_error_is_as_documented_in_drfs_form)
{
    ask_for_every_answer();
}

CZ_TEST(every_error_is_as_documented_in_the_form_of_problems)
{
    setenv("ERROR_FORMAT", "problem", 1);
    ask_for_every_answer();
}

CZ_TEST(every_error_is_as_documented_in_fastapis_form)
{
    setenv("ERROR_FORMAT", "fastapi", 1);
    ask_for_every_answer();
}

#define FAULTY "{\"secret\":\"open sesame\"}"

static const cz_answer *ask_for_a_fault(const char *checking)
{
    setenv("CHECK_RESPONSES", checking, 1);
    cz_client *client = cz_client_create(&kitchen);
    cz__response_fault_report = NULL; /* as outside tests */
    return cz_client_send(client,
                          &(cz_client_request){ .method = "POST",
                                                .target = "/steep",
                                                .content_type = "text/plain",
                                                .body = CZ_STR("200 application/json " FAULTY) });
}

CZ_TEST(an_answer_that_is_not_as_documented_becomes_a_500)
{
    const char *log = cz_arena_printf(cz_test_arena(), "%s/access", cz_test_directory());
    char text[1000] = "";
    setenv("ACCESS_LOG", log, 1);
    setenv("LOG_FORMAT", "json", 1);
    const cz_answer *answer = ask_for_a_fault("fail");
    CZ_EXPECT_STATUS(answer, 500);
    CZ_EXPECT(cz_str_find(answer->body, CZ_STR("sesame")) == SIZE_MAX);
    cz_log_flush(true);
    FILE *file = fopen(log, "re");
    CZ_REQUIRE(file);
    cz_ignore(fread(text, 1, sizeof text - 1, file)); /* nothing read is found below */
    fclose(file);
    CZ_EXPECT_MSG(strstr(text, "\"path\":\"/steep\",\"status\":500,"), "%s", text);
}

CZ_TEST(an_answer_that_is_not_as_documented_is_logged_and_leaves_in_production)
{
    const char *log = cz_arena_printf(cz_test_arena(), "%s/log", cz_test_directory());
    char text[1000] = "";
    setenv("LOG_FILE", log, 1);
    const cz_answer *answer = ask_for_a_fault("log");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_STR(answer->body, FAULTY);
    FILE *file = fopen(log, "re");
    CZ_REQUIRE(file);
    cz_ignore(fread(text, 1, sizeof text - 1, file)); /* nothing read is found below */
    fclose(file);
    CZ_EXPECT_MSG(strstr(text, "an answer is not as documented") &&
                      strstr(text, "a string is no uuid") && !strstr(text, "sesame"),
                  "%s", text);
}

CZ_TEST(nothing_is_checked_where_the_setting_says_so)
{
    CZ_EXPECT_STATUS(ask_for_a_fault("off"), 200);
}

CZ_TEST(the_setting_of_the_check_is_one_of_three_words)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&kitchen, CZ__TEXTS("CHECK_RESPONSES=sometimes"),
                                  CZ__TEXTS("check"), &out),
                 1);
    CZ_EXPECT(
        cz_str_find(out, CZ_STR("CHECK_RESPONSES: \"sometimes\" is none of off, log, fail")) !=
        SIZE_MAX);
}

CZ_TEST(answers_are_counted_where_the_environment_names_a_file)
{
    const char *path = cz_arena_printf(cz_test_arena(), "%s/seen", cz_test_directory());
    char text[300] = "";
    setenv("CZ_RESPONSES", path, 1);
    cz_client *client = cz_client_create(&kitchen);
    cz_client_get(client, "/teapots/7");
    cz_client_get(client, "/refused");
    cz_client_get(client, "/nowhere");
    FILE *file = fopen(path, "re");
    CZ_REQUIRE(file);
    cz_ignore(fread(text, 1, sizeof text - 1, file)); /* likewise */
    fclose(file);
    CZ_EXPECT_STR(cz_str_from(text),
                  cz_arena_printf(cz_test_arena(),
                                  "%s\tGET /teapots/{id}\t404\n%s\tGET /refused\t403\n",
                                  program_invocation_short_name, program_invocation_short_name));
}
