/* Two documents compared, in both directions: what breaks one way is often what does not the other. */
#include <calzone/testing.h>
#include "openapi/diff.h"

/* What is told of each change: "! " where clients break, then where and what. */
static const char *told(const char *old, const char *new_)
{
    cz_ctx ctx;
    cz_buf out;
    struct cz__diff diff;
    const cz_json_value *was, *is;
    cz_error err;
    cz_buf_init(&out, 0);
    cz_ctx_init(&ctx, cz_test_arena());
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_from(old), NULL, &was, NULL));
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_from(new_), NULL, &is, NULL));
    if (cz__openapi_diff(&ctx, was, is, &diff, &err))
        return cz_arena_strdup(cz_test_arena(), cz_error_message(&err));
    for (size_t i = 0; i < diff.count; i++)
        cz_buf_printf(&out, "%s%s%.*s: %.*s", i ? "\n" : "", diff.changes[i].breaking ? "! " : "",
                      CZ_STR_ARG(diff.changes[i].where), CZ_STR_ARG(diff.changes[i].what));
    const char *text = cz_arena_strdup(cz_test_arena(), cz_buf_cstr(&out));
    cz_buf_done(&out);
    cz_ctx_done(&ctx);
    return text;
}

/* The documents are what stands before a part, the part, and what stands behind. */
static void expect(const char *before, const char *old, const char *new_, const char *behind,
                   const char *forward, const char *backward)
{
    const char *was = cz_arena_printf(cz_test_arena(), "%s%s%s", before, old, behind);
    const char *is = cz_arena_printf(cz_test_arena(), "%s%s%s", before, new_, behind);
    const char *there = told(was, is), *back = told(is, was);
    CZ_EXPECT_MSG(strcmp(there, forward) == 0, "%s, then %s:\n%s\nexpected:\n%s", old, new_, there,
                  forward);
    CZ_EXPECT_MSG(strcmp(back, backward) == 0, "back to %s from %s:\n%s\nexpected:\n%s", old, new_,
                  back, backward);
}

struct change_case {
    const char *old, *new_;
    const char *forward, *backward;
};

/* ---- schemas: as an answer, and as a request ---- */

#define ANSWER "! GET /x, answer 200"
#define BODY "! POST /x, body"
#define ANSWER_OK "GET /x, answer 200"
#define BODY_OK "POST /x, body"

/* What is told of the answer, and then of the body, there and back. */
static const struct {
    const char *old, *new_;
    const char *forward, *backward;
} schemas[] = {
    { "{}", "{}", "", "" },
    { "{\"type\":\"string\"}", "{\"type\":\"string\",\"description\":\"a\",\"x-y\":1}", "", "" },
    { "{\"type\":\"string\"}", "{\"type\":\"integer\"}",
      ANSWER ": has the type \"integer\", not \"string\"\n" BODY
             ": has the type \"integer\", not \"string\"",
      ANSWER ": has the type \"string\", not \"integer\"\n" BODY
             ": has the type \"string\", not \"integer\"" },
    { "{\"type\":\"string\"}", "{\"type\":[\"string\",\"null\"]}",
      ANSWER ": has the type [\"string\",\"null\"], not \"string\"\n" BODY_OK
             ": has the type [\"string\",\"null\"], not \"string\"",
      ANSWER_OK ": has the type \"string\", not [\"string\",\"null\"]\n" BODY
                ": has the type \"string\", not [\"string\",\"null\"]" },
    { "{\"type\":\"integer\"}", "{\"type\":\"number\"}",
      ANSWER ": has the type \"number\", not \"integer\"\n" BODY_OK
             ": has the type \"number\", not \"integer\"",
      ANSWER_OK ": has the type \"integer\", not \"number\"\n" BODY
                ": has the type \"integer\", not \"number\"" },
    { "{\"type\":\"string\",\"nullable\":true}", "{\"type\":[\"string\",\"null\"]}", "", "" },
    { "{}", "{\"type\":\"string\"}",
      ANSWER_OK ": has the type \"string\"\n" BODY ": has the type \"string\"",
      ANSWER ": may be of any type\n" BODY_OK ": may be of any type" },
    { "{\"enum\":[\"a\"]}", "{\"enum\":[\"a\",\"b\"]}",
      ANSWER ": may be \"b\"\n" BODY_OK ": may be \"b\"",
      ANSWER_OK ": is no longer \"b\"\n" BODY ": is no longer \"b\"" },
    { "{}", "{\"enum\":[1]}", ANSWER_OK ": is one of [1]\n" BODY ": is one of [1]",
      ANSWER ": is no longer one of a few values\n" BODY_OK ": is no longer one of a few values" },
    { "{\"maximum\":9}", "{\"maximum\":5}",
      ANSWER_OK ": has the maximum 5, not 9\n" BODY ": has the maximum 5, not 9",
      ANSWER ": has the maximum 9, not 5\n" BODY_OK ": has the maximum 9, not 5" },
    { "{\"minimum\":1}", "{\"minimum\":2}",
      ANSWER_OK ": has the minimum 2, not 1\n" BODY ": has the minimum 2, not 1",
      ANSWER ": has the minimum 1, not 2\n" BODY_OK ": has the minimum 1, not 2" },
    { "{}", "{\"maxLength\":3}", ANSWER_OK ": has the maxLength 3\n" BODY ": has the maxLength 3",
      ANSWER ": has no maxLength\n" BODY_OK ": has no maxLength" },
    { "{\"pattern\":\"a\"}", "{\"pattern\":\"b\"}",
      ANSWER ": has the pattern \"b\", not \"a\"\n" BODY ": has the pattern \"b\", not \"a\"",
      ANSWER ": has the pattern \"a\", not \"b\"\n" BODY ": has the pattern \"a\", not \"b\"" },
    { "{\"format\":\"int32\"}", "{\"format\":\"int64\"}",
      ANSWER ": has the format \"int64\", not \"int32\"\n" BODY_OK
             ": has the format \"int64\", not \"int32\"",
      ANSWER_OK ": has the format \"int32\", not \"int64\"\n" BODY
                ": has the format \"int32\", not \"int64\"" },
    { "{}", "{\"format\":\"date\"}",
      ANSWER_OK ": has the format \"date\"\n" BODY ": has the format \"date\"",
      ANSWER ": has no format\n" BODY_OK ": has no format" },
    { "{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{},\"b\":{}}}",
      ANSWER_OK ", /b: is new\n" BODY_OK ", /b: is new",
      ANSWER ", /b: is gone\n" BODY ", /b: is gone" },
    { "{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"b\"]}",
      ANSWER_OK ", /b: is new\n" BODY ", /b: is new and required",
      ANSWER ", /b: is gone\n" BODY ", /b: is gone" },
    { "{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{}},\"required\":[\"a\"]}",
      ANSWER_OK ", /a: is required\n" BODY ", /a: is required",
      ANSWER ", /a: is no longer required\n" BODY_OK ", /a: is no longer required" },
    { "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"string\"}}}}}",
      "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}",
      ANSWER ", /a/b: has the type \"null\", not \"string\"\n" BODY
             ", /a/b: has the type \"null\", not \"string\"",
      ANSWER ", /a/b: has the type \"string\", not \"null\"\n" BODY
             ", /a/b: has the type \"string\", not \"null\"" },
    { "{\"items\":{\"type\":\"integer\"}}", "{\"items\":{\"type\":\"number\"}}",
      ANSWER ", /*: has the type \"number\", not \"integer\"\n" BODY_OK
             ", /*: has the type \"number\", not \"integer\"",
      ANSWER_OK ", /*: has the type \"integer\", not \"number\"\n" BODY
                ", /*: has the type \"integer\", not \"number\"" },
    { "{\"additionalProperties\":false}", "{}",
      ANSWER_OK ": takes other members\n" BODY_OK ": takes other members",
      ANSWER_OK ": takes no other members\n" BODY ": takes no other members" },
    { "{\"additionalProperties\":{\"type\":\"string\"}}",
      "{\"additionalProperties\":{\"type\":\"null\"}}",
      ANSWER ", /*: has the type \"null\", not \"string\"\n" BODY
             ", /*: has the type \"null\", not \"string\"",
      ANSWER ", /*: has the type \"string\", not \"null\"\n" BODY
             ", /*: has the type \"string\", not \"null\"" },
    { "{\"anyOf\":[{\"type\":\"string\"}]}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
      ANSWER ": has 1 of its anyOf more\n" BODY_OK ": has 1 of its anyOf more",
      ANSWER_OK ": has 1 of its anyOf fewer\n" BODY ": has 1 of its anyOf fewer" },
    { "{\"type\":\"string\"}", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
      ANSWER ": has 1 of its anyOf more\n" BODY_OK ": has 1 of its anyOf more",
      ANSWER_OK ": has 1 of its anyOf fewer\n" BODY ": has 1 of its anyOf fewer" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"maximum\":1}]}",
      "{\"anyOf\":[{\"maximum\":2},{\"type\":\"string\"}]}",
      ANSWER ": has the maximum 2, not 1\n" BODY_OK ": has the maximum 2, not 1",
      ANSWER_OK ": has the maximum 1, not 2\n" BODY ": has the maximum 1, not 2" },
    { "{\"allOf\":[{\"minimum\":1}]}", "{\"allOf\":[{\"minimum\":1},{\"maximum\":2}]}",
      ANSWER_OK ": has 1 of its allOf more\n" BODY ": has 1 of its allOf more",
      ANSWER ": has 1 of its allOf fewer\n" BODY_OK ": has 1 of its allOf fewer" },
    { "{\"anyOf\":[{\"minimum\":1}],\"required\":[\"a\"]}", "{\"type\":\"object\"}",
      ANSWER ": has another \"anyOf\"\n" BODY ": has another \"anyOf\"",
      ANSWER ": has another \"anyOf\"\n" BODY ": has another \"anyOf\"" },
    { "{\"not\":{\"type\":\"null\"}}", "{\"not\":{\"type\":\"string\"}}",
      ANSWER ": has another \"not\"\n" BODY ": has another \"not\"",
      ANSWER ": has another \"not\"\n" BODY ": has another \"not\"" },
    { "{\"if\":{}}", "{}", ANSWER ": has another \"if\"\n" BODY ": has another \"if\"",
      ANSWER ": has another \"if\"\n" BODY ": has another \"if\"" },
    { "false", "true", ANSWER ": may be there\n" BODY_OK ": may be there",
      ANSWER_OK ": may not be there\n" BODY ": may not be there" },
    { "{\"$ref\":\"#/components/schemas/Circle\"}", "{\"$ref\":\"#/components/schemas/Circle\"}",
      "", "" },
    { "{\"$ref\":\"#/components/schemas/Itself\"}", "{}",
      ANSWER ": has a reference that leads nowhere\n" BODY ": has a reference that leads nowhere",
      ANSWER ": has a reference that leads nowhere\n" BODY ": has a reference that leads nowhere" },
};

CZ_TEST(a_schema_that_got_wider_breaks_those_who_are_answered_and_a_narrower_one_those_who_send)
{
#define SCHEMAS                                                                                    \
    "{\"openapi\":\"3.1.0\",\"components\":{\"schemas\":{\"Circle\":{\"properties\":{\"a\":{"      \
    "\"$ref\":\"#/components/schemas/Circle\"}}},\"Itself\":{\"$ref\":"                            \
    "\"#/components/schemas/Itself\"}}},\"paths\":{\"/x\":{\"get\":{\"responses\":{\"200\":{"      \
    "\"content\":{\"application/json\":{\"schema\":%s}}}}},\"post\":{\"requestBody\":{"            \
    "\"content\":{\"application/json\":{\"schema\":%s}}}}}}}"
    for (size_t i = 0; i < CZ_COUNT(schemas); i++)
        expect("", cz_arena_printf(cz_test_arena(), SCHEMAS, schemas[i].old, schemas[i].old),
               cz_arena_printf(cz_test_arena(), SCHEMAS, schemas[i].new_, schemas[i].new_), "",
               schemas[i].forward, schemas[i].backward);
}

/* ---- operations ---- */

#define PARAMETER(more) "\"parameters\":[{\"name\":\"a\",\"in\":\"query\"" more "}]"
#define JSON_BODY(more) "\"requestBody\":{\"content\":{\"application/json\":{}}" more "}"

static const struct change_case operations[] = {
    { "\"operationId\":\"a\"", "\"operationId\":\"b\"", "GET /x: has another operationId, b",
      "GET /x: has another operationId, a" },
    { "\"summary\":\"a\"", "\"deprecated\":true", "GET /x: is deprecated", "" },
    { "\"parameters\":[]", PARAMETER(""), "GET /x, query parameter \"a\": is new",
      "! GET /x, query parameter \"a\": is gone" },
    { "\"parameters\":[]", PARAMETER(",\"required\":true"),
      "! GET /x, query parameter \"a\": is new and required",
      "! GET /x, query parameter \"a\": is gone" },
    { PARAMETER(""), PARAMETER(",\"required\":true"),
      "! GET /x, query parameter \"a\": is required now",
      "GET /x, query parameter \"a\": is no longer required" },
    { PARAMETER(",\"schema\":{\"type\":\"string\"}"),
      PARAMETER(",\"schema\":{\"type\":\"integer\"}"),
      "! GET /x, query parameter \"a\": has the type \"integer\", not \"string\"",
      "! GET /x, query parameter \"a\": has the type \"string\", not \"integer\"" },
    { PARAMETER(",\"schema\":{\"maximum\":5}"), PARAMETER(",\"schema\":{\"maximum\":9}"),
      "GET /x, query parameter \"a\": has the maximum 9, not 5",
      "! GET /x, query parameter \"a\": has the maximum 5, not 9" },
    { "\"parameters\":[{\"name\":\"If-Match\",\"in\":\"header\"}]",
      "\"parameters\":[{\"name\":\"if-match\",\"in\":\"header\"}]", "", "" },
    { "\"parameters\":[{\"name\":\"a\",\"in\":\"query\"}]",
      "\"parameters\":[{\"name\":\"a\",\"in\":\"cookie\"}]",
      "! GET /x, query parameter \"a\": is gone\nGET /x, cookie parameter \"a\": is new",
      "! GET /x, cookie parameter \"a\": is gone\nGET /x, query parameter \"a\": is new" },
    { "\"parameters\":[{\"$ref\":\"#/components/parameters/A\"}]", PARAMETER(""), "", "" },
    { "\"summary\":\"a\"", JSON_BODY(""), "GET /x, body: is new", "! GET /x, body: is gone" },
    { "\"summary\":\"a\"", JSON_BODY(",\"required\":true"), "! GET /x, body: is new and required",
      "! GET /x, body: is gone" },
    { JSON_BODY(""), JSON_BODY(",\"required\":true"), "! GET /x, body: is required now",
      "GET /x, body: is no longer required" },
    { JSON_BODY(""), "\"requestBody\":{\"content\":{\"application/json\":{},\"text/csv\":{}}}",
      "GET /x, body: may be text/csv", "! GET /x, body: is no longer text/csv" },
    { "\"responses\":{\"200\":{}}", "\"responses\":{\"200\":{},\"201\":{}}",
      "GET /x: may answer 201", "! GET /x: no longer answers 201" },
    { "\"responses\":{\"200\":{}}", "\"responses\":{\"200\":{},\"404\":{}}",
      "GET /x: may answer 404", "! GET /x: no longer answers 404" },
    { "\"responses\":{\"default\":{}}", "\"responses\":{\"default\":{},\"404\":{}}",
      "GET /x: may answer 404", "GET /x: no longer answers 404" },
    { "\"responses\":{\"2XX\":{}}", "\"responses\":{\"2XX\":{},\"201\":{}}",
      "GET /x: may answer 201", "GET /x: no longer answers 201" },
    { "\"responses\":{\"default\":{}}", "\"responses\":{\"default\":{},\"204\":{}}",
      "GET /x: may answer 204", "! GET /x: no longer answers 204" },
    { "\"responses\":{\"200\":{\"content\":{\"text/csv\":{}}}}", "\"responses\":{\"200\":{}}",
      "! GET /x, answer 200: is no longer text/csv", "GET /x, answer 200: may be text/csv" },
    { "\"responses\":{\"200\":{\"headers\":{\"ETag\":{}}}}", "\"responses\":{\"200\":{}}",
      "! GET /x, answer 200, header ETag: is gone", "GET /x, answer 200: has the header ETag" },
    { "\"responses\":{\"200\":{\"headers\":{\"A\":{\"schema\":{\"type\":\"string\"}}}}}",
      "\"responses\":{\"200\":{\"headers\":{\"A\":{\"schema\":{}}}}}",
      "! GET /x, answer 200, header A: may be of any type",
      "GET /x, answer 200, header A: has the type \"string\"" },
    { "\"security\":[]", "\"security\":[{\"t\":[]}]", "! GET /x: asks for other proof of who calls",
      "GET /x: asks for less proof of who calls" },
    { "\"security\":[{\"t\":[]}]", "\"security\":[{\"t\":[]},{\"u\":[]}]",
      "GET /x: asks for less proof of who calls", "! GET /x: asks for other proof of who calls" },
    { "\"security\":[{\"t\":[]}]", "\"security\":[{\"t\":[],\"u\":[]}]",
      "! GET /x: asks for other proof of who calls", "GET /x: asks for less proof of who calls" },
    { "\"security\":[{\"t\":[\"a\"]}]", "\"security\":[{\"t\":[\"a\",\"b\"]}]",
      "! GET /x: asks for other proof of who calls", "GET /x: asks for less proof of who calls" },
    { "\"security\":[{\"t\":[]}]", "\"security\":[{\"u\":[]}]",
      "! GET /x: asks for other proof of who calls",
      "! GET /x: asks for other proof of who calls" },
    { "\"security\":[{\"t\":[]}]", "\"security\":[{\"t\":[]},{}]",
      "GET /x: asks for less proof of who calls", "! GET /x: asks for other proof of who calls" },
    { "\"security\":[]", "\"summary\":\"the document's own\"",
      "! GET /x: asks for other proof of who calls", "GET /x: asks for less proof of who calls" },
};

CZ_TEST(changes_of_an_operation_are_told_with_what_breaks)
{
    for (size_t i = 0; i < CZ_COUNT(operations); i++)
        expect("{\"openapi\":\"3.1.0\",\"security\":[{\"d\":[]}],\"components\":{\"parameters\":{"
               "\"A\":{\"name\":\"a\",\"in\":\"query\"}}},\"paths\":{\"/x\":{\"get\":{",
               operations[i].old, operations[i].new_, "}}}}", operations[i].forward,
               operations[i].backward);
}

/* ---- paths and the rest ---- */

static const struct change_case documents[] = {
    { "\"paths\":{}", "\"paths\":{\"/a\":{\"get\":{},\"post\":{}}}",
      "GET /a: is new\nPOST /a: is new", "! GET /a: is gone\n! POST /a: is gone" },
    { "\"paths\":{\"/a\":{\"get\":{}}}", "\"paths\":{\"/a\":{\"get\":{},\"put\":{}}}",
      "PUT /a: is new", "! PUT /a: is gone" },
    { "\"paths\":{\"/a/{b}\":{\"get\":{\"parameters\":[{\"name\":\"b\",\"in\":\"path\","
      "\"schema\":{\"type\":\"integer\"}}]}}}",
      "\"paths\":{\"/a/{c}\":{\"get\":{\"parameters\":[{\"name\":\"c\",\"in\":\"path\","
      "\"schema\":{\"type\":\"string\"}}]}}}",
      "! GET /a/{b}, path parameter \"c\": has the type \"string\", not \"integer\"",
      "! GET /a/{c}, path parameter \"b\": has the type \"integer\", not \"string\"" },
    { "\"paths\":{\"/a/{b}\":{\"get\":{}}}", "\"paths\":{\"/a/{b}/c\":{\"get\":{}}}",
      "! GET /a/{b}: is gone\nGET /a/{b}/c: is new",
      "! GET /a/{b}/c: is gone\nGET /a/{b}: is new" },
    { "\"paths\":{\"/a\":{\"parameters\":[],\"get\":{}}}",
      "\"paths\":{\"/a\":{\"parameters\":[{\"name\":\"q\",\"in\":\"query\"}],\"get\":{}}}",
      "GET /a, query parameter \"q\": is new", "! GET /a, query parameter \"q\": is gone" },
    { "\"paths\":{\"/a\":{\"parameters\":[{\"name\":\"q\",\"in\":\"query\",\"required\":true}],"
      "\"get\":{\"parameters\":[{\"name\":\"q\",\"in\":\"query\"}]}}}",
      "\"paths\":{\"/a\":{\"get\":{\"parameters\":[{\"name\":\"q\",\"in\":\"query\"}]}}}", "", "" },
    { "\"components\":{\"securitySchemes\":{\"t\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}",
      "\"components\":{\"securitySchemes\":{\"t\":{\"type\":\"http\",\"scheme\":\"basic\"}}}",
      "! security scheme \"t\": has another \"scheme\"",
      "! security scheme \"t\": has another \"scheme\"" },
    { "\"info\":{\"title\":\"a\"}", "\"info\":{\"title\":\"b\"}", "", "" },
    /* what a schema of a name says is told once, where it is */
    { "\"paths\":{\"/a\":{\"get\":{\"responses\":{\"200\":{\"content\":{\"application/json\":{"
      "\"schema\":{\"$ref\":\"#/components/schemas/A\"}}}},\"201\":{\"content\":{"
      "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/A\"}}}}}}}},"
      "\"components\":{\"schemas\":{\"A\":{\"properties\":{\"b\":{\"type\":\"string\"}}}}}",
      "\"paths\":{\"/a\":{\"get\":{\"responses\":{\"200\":{\"content\":{\"application/json\":{"
      "\"schema\":{\"$ref\":\"#/components/schemas/A\"}}}},\"201\":{\"content\":{"
      "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/A\"}}}}}}}},"
      "\"components\":{\"schemas\":{\"A\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}",
      "! schema A, as it is answered, /b: has the type \"null\", not \"string\"",
      "! schema A, as it is answered, /b: has the type \"string\", not \"null\"" },
};

CZ_TEST(changes_of_paths_and_of_the_document_are_told)
{
    for (size_t i = 0; i < CZ_COUNT(documents); i++)
        expect("{\"openapi\":\"3.1.0\",", documents[i].old, documents[i].new_, "}",
               documents[i].forward, documents[i].backward);
}

CZ_TEST(what_is_no_document_is_not_compared)
{
    static const char *const none[] = { "{}",
                                        "[]",
                                        "7",
                                        "null",
                                        "{\"openapi\":3}",
                                        "{\"openapi\":\"2.0\"}",
                                        "{\"swagger\":\"2.0\",\"paths\":{}}" };
    for (size_t i = 0; i < CZ_COUNT(none); i++) {
        CZ_EXPECT_STR(cz_str_from(told(none[i], "{\"openapi\":\"3.1.0\"}")),
                      "the old document is none of OpenAPI 3");
        CZ_EXPECT_STR(cz_str_from(told("{\"openapi\":\"3.1.0\"}", none[i])),
                      "the new document is none of OpenAPI 3");
    }
    CZ_EXPECT_STR(
        cz_str_from(told("{\"openapi\":\"3.1.0\",\"paths\":[]}", "{\"openapi\":\"3.1.0\"}")),
        "the old document's paths are no object");
}
