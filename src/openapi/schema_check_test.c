/* Values against schemas: more that are not as they say than that are. */
#include <calzone/testing.h>
#include "openapi/schema_check.h"

static const char document_text[] =
    "{\"components\":{\"schemas\":{"
    "\"Name\":{\"type\":\"string\",\"maxLength\":3},"
    "\"Tree\":{\"type\":\"object\",\"properties\":{\"leaves\":{\"type\":\"array\",\"items\":"
    "{\"$ref\":\"#/components/schemas/Tree\"}}},\"additionalProperties\":false},"
    "\"a/b~c\":{\"type\":\"null\"},"
    "\"Circle\":{\"$ref\":\"#/components/schemas/Circle\"}}}}";

#define OBJECT                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}"
#define ANY                                                                                        \
    "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"type\":\"null\"}}]}"

static const struct {
    const char *schema, *value;
    const char *pointer, *what; /* NULL: it is as the schema says */
} cases[] = {
    { "{}", "[1]", NULL, NULL },
    { "true", "1", NULL, NULL },
    { "false", "1", "", "is not to be there" },
    { "7", "1", "", "the schema is no object" },
    { "{\"type\":\"string\"}", "\"a\"", NULL, NULL },
    { "{\"type\":\"string\"}", "1", "", "is an integer, not \"string\"" },
    { "{\"type\":\"string\"}", "null", "", "is null, not \"string\"" },
    { "{\"type\":[\"string\",\"null\"]}", "null", NULL, NULL },
    { "{\"type\":[\"string\",\"null\"]}", "true", "", "is a boolean, not [\"string\",\"null\"]" },
    { "{\"type\":\"integer\"}", "1.0", NULL, NULL },
    { "{\"type\":\"integer\"}", "1.5", "", "is a number, not \"integer\"" },
    { "{\"type\":\"integer\"}", "1e300", "", "is a number, not \"integer\"" },
    { "{\"type\":\"number\"}", "1", NULL, NULL },
    { "{\"type\":\"number\"}", "\"1\"", "", "is a string, not \"number\"" },
    { "{\"type\":\"boolean\"}", "0", "", "is an integer, not \"boolean\"" },
    { "{\"type\":\"array\"}", "{}", "", "is an object, not \"array\"" },
    { "{\"type\":\"object\"}", "[]", "", "is an array, not \"object\"" },
    { "{\"type\":7}", "1", "", "is an integer, not 7" },
    { "{\"enum\":[\"a\",null]}", "null", NULL, NULL },
    { "{\"enum\":[\"a\",null]}", "\"b\"", "", "\"b\" is none of [\"a\",null]" },
    { "{\"enum\":7}", "7", "", "7 is none of 7" },
    { "{\"minimum\":1}", "1", NULL, NULL },
    { "{\"minimum\":1}", "0", "", "is 0, less than 1" },
    { "{\"minimum\":0.5}", "0", "", "is 0, less than 0.5" },
    { "{\"minimum\":\"a\"}", "0", "", "the schema has a bound that is no number" },
    { "{\"maximum\":9223372036854775806}", "9223372036854775807", "",
      "is 9223372036854775807, more than 9223372036854775806" },
    { "{\"maximum\":1}", "\"2\"", NULL, NULL },
    { "{\"minLength\":2}", "\"\xc3\xa9\"", "", "has a length of 1, less than 2" },
    { "{\"maxLength\":2}", "\"\xc3\xa9\xc3\xa9\"", NULL, NULL },
    { "{\"maxLength\":2}", "\"abc\"", "", "has a length of 3, more than 2" },
    { "{\"maxItems\":1}", "[1,2]", "", "has items, and of them 2, more than 1" },
    { "{\"pattern\":\"^[a-z]+$\"}", "\"abc\"", NULL, NULL },
    { "{\"pattern\":\"^[a-z]+$\"}", "\"ab1\"", "", "\"ab1\" is not as the pattern ^[a-z]+$" },
    { "{\"pattern\":\"(\"}", "\"a\"", "", "the schema's pattern is malformed" },
    { "{\"pattern\":7}", "\"a\"", "", "the schema's pattern is malformed" },
    { "{\"contentEncoding\":\"base64\"}", "\"YQ==\"", NULL, NULL },
    { "{\"contentEncoding\":\"base64\"}", "\"Y\"", "", "is no base64" },
    { "{\"contentEncoding\":\"quoted\"}", "\"Y\"", "",
      "the schema has an encoding that is not known" },
    { "{\"items\":{\"type\":\"integer\"}}", "[1,2]", NULL, NULL },
    { "{\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]", "/1", "is a string, not \"integer\"" },
    { "{\"items\":{\"items\":{\"type\":\"null\"}}}", "[[null],[null,0]]", "/1/1",
      "is an integer, not \"null\"" },
    { OBJECT, "{\"a\":1,\"b\":2}", NULL, NULL },
    { OBJECT, "{\"b\":2}", "", "lacks \"a\"" },
    { OBJECT, "{\"a\":null}", "/a", "is null, not \"integer\"" },
    { "{\"required\":7}", "{}", NULL, NULL },
    { "{\"required\":[7]}", "{}", "", "the schema's \"required\" is no list of names" },
    { "{\"properties\":{\"a/b~c\":{\"type\":\"null\"}}}", "{\"a/b~c\":1}", "/a~1b~0c",
      "is an integer, not \"null\"" },
    { "{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1}", NULL, NULL },
    { "{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"b\":1}", "/b",
      "is not to be there" },
    { "{\"additionalProperties\":{\"type\":\"string\"}}", "{\"a\":1}", "/a",
      "is an integer, not \"string\"" },
    { ANY, "1", NULL, NULL },
    { ANY, "[null]", NULL, NULL },
    { ANY, "[1]", "/0",
      "is an integer, not \"null\" (the last of 2 alternatives, none of which it is)" },
    { "{\"anyOf\":[]}", "1", "", "the schema has no alternatives" },
    { "{\"anyOf\":[{\"typo\":1},{}]}", "1", "",
      "the schema has the keyword \"typo\", which is not known" },
    { "{\"$ref\":\"#/components/schemas/Name\"}", "\"abc\"", NULL, NULL },
    { "{\"$ref\":\"#/components/schemas/Name\"}", "\"abcd\"", "",
      "has a length of 4, more than 3" },
    { "{\"$ref\":\"#/components/schemas/a~1b~0c\"}", "null", NULL, NULL },
    { "{\"$ref\":\"#/components/schemas/Names\"}", "\"a\"", "",
      "the schema's reference \"#/components/schemas/Names\" leads nowhere" },
    { "{\"$ref\":\"other.json#/Name\"}", "\"a\"", "",
      "the schema's reference \"other.json#/Name\" leads nowhere" },
    { "{\"$ref\":\"#/components/schemas/Circle\"}", "1", "",
      "the schema refers to itself without end" },
    { "{\"$ref\":\"#/components/schemas/Tree\"}", "{\"leaves\":[{},{\"leaves\":[]}]}", NULL, NULL },
    { "{\"$ref\":\"#/components/schemas/Tree\"}", "{\"leaves\":[{},{\"leaf\":[]}]}",
      "/leaves/1/leaf", "is not to be there" },
    { "{\"oneOf\":[{}]}", "1", "", "the schema has the keyword \"oneOf\", which is not known" },
    { "{\"description\":\"a\",\"examples\":[1]}", "1", NULL, NULL },
    /* formats */
    { "{\"format\":\"int32\"}", "2147483647", NULL, NULL },
    { "{\"format\":\"int32\"}", "2147483648", "", "2147483648 is no int32" },
    { "{\"format\":\"int64\"}", "2147483648", NULL, NULL },
    { "{\"format\":\"double\"}", "0.5", NULL, NULL },
    { "{\"format\":\"uuid\"}", "\"0192b0a4-2222-7333-8444-555566667777\"", NULL, NULL },
    { "{\"format\":\"uuid\"}", "\"0192b0a4\"", "", "\"0192b0a4\" is no uuid" },
    { "{\"format\":\"date\"}", "\"2024-02-29\"", NULL, NULL },
    { "{\"format\":\"date\"}", "\"2023-02-29\"", "", "\"2023-02-29\" is no date" },
    { "{\"format\":\"date-time\"}", "\"2024-02-29T10:00:00Z\"", NULL, NULL },
    { "{\"format\":\"date-time\"}", "\"2024-02-29T10:00:00+02:00\"", NULL, NULL },
    { "{\"format\":\"date-time\"}", "\"2024-02-29T10:00:00\"", "",
      "\"2024-02-29T10:00:00\" is no date-time" },
    { "{\"format\":\"decimal\"}", "\"1.50\"", NULL, NULL },
    { "{\"format\":\"decimal\"}", "\"1,50\"", "", "\"1,50\" is no decimal" },
    { "{\"format\":\"email\"}", "\"a@b\"", NULL, NULL },
    { "{\"format\":\"email\"}", "\"a b@c\"", "", "\"a b@c\" is no email" },
    { "{\"format\":\"email\"}", "\"a@\"", "", "\"a@\" is no email" },
    { "{\"format\":\"uri\"}", "\"http://a/b\"", NULL, NULL },
    { "{\"format\":\"uri\"}", "\"/b\"", "", "\"/b\" is no uri" },
    { "{\"format\":\"uri\"}", "\"1:b\"", "", "\"1:b\" is no uri" },
    { "{\"format\":\"uri-reference\"}", "\"/b\"", NULL, NULL },
    { "{\"format\":\"uri-reference\"}", "\"/b c\"", "", "\"/b c\" is no uri-reference" },
    { "{\"format\":\"date\"}", "null", NULL, NULL },
    { "{\"format\":\"stardate\"}", "\"a\"", "",
      "the schema has the format \"stardate\", which is not known" },
    { "{\"format\":7}", "\"a\"", "", "the schema has the format 7, which is not known" },
};

static const cz_json_value *parsed(const char *text)
{
    const cz_json_value *value;
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_from(text), NULL, &value, NULL));
    return value;
}

CZ_TEST(a_value_is_checked_by_every_keyword_of_its_schema)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    const cz_json_value *document = parsed(document_text);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__schema_fault fault = { 0 };
        bool fits = cz__schema_check(&ctx, document, parsed(cases[i].schema),
                                     parsed(cases[i].value), true, &fault);
        CZ_EXPECT_MSG(fits == !cases[i].what, "%s of %s: %.*s", cases[i].value, cases[i].schema,
                      CZ_STR_ARG(fault.what));
        CZ_EXPECT_STR(fault.pointer, cases[i].pointer ? cases[i].pointer : "");
        CZ_EXPECT_STR(fault.what, cases[i].what ? cases[i].what : "");
    }
    cz_ctx_done(&ctx);
}

/* What is wrong is in logs, where no value belongs. */
CZ_TEST(of_a_wrong_value_its_kind_may_be_told_alone)
{
    static const struct {
        const char *schema, *value, *what;
    } rows[] = {
        { "{\"enum\":[\"a\"]}", "\"secret\"", "a string is none of [\"a\"]" },
        { "{\"enum\":[\"a\"]}", "{\"secret\":1}", "an object is none of [\"a\"]" },
        { "{\"format\":\"uuid\"}", "\"secret\"", "a string is no uuid" },
        { "{\"format\":\"int32\"}", "2147483648", "an integer is no int32" },
        { "{\"pattern\":\"^a\"}", "\"secret\"", "a string is not as the pattern ^a" },
        { "{\"minimum\":1}", "-4711", "is an integer, less than 1" },
        { "{\"maximum\":1}", "4711.5", "is a number, more than 1" },
        { "{\"maxLength\":2}", "\"secret\"", "has a length of 6, more than 2" },
        { "{\"maxItems\":1}", "[\"secret\",2]", "has items, and of them 2, more than 1" },
        { "{\"type\":\"integer\"}", "\"secret\"", "is a string, not \"integer\"" },
        { "{\"contentEncoding\":\"base64\"}", "\"secret!\"", "is no base64" },
        { "{\"anyOf\":[{\"minimum\":1}]}", "0",
          "is an integer, less than 1 (the last of 1 alternatives, none of which it is)" },
    };
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(rows); i++) {
        struct cz__schema_fault fault = { 0 };
        CZ_EXPECT(!cz__schema_check(&ctx, parsed("{}"), parsed(rows[i].schema),
                                    parsed(rows[i].value), false, &fault));
        CZ_EXPECT_STR(fault.what, rows[i].what);
    }
    cz_ctx_done(&ctx);
}
