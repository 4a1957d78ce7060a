#include <calzone/testing.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "json_internal.h"

/* A copy that ends where its memory does: the sanitizer sees a byte read too far. */
static cz_str exact_copy(cz_str s)
{
    char *copy = malloc(s.len);
    CZ_REQUIRE(copy || s.len == 0);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return cz_str_of(copy, s.len);
}

static void free_copy(cz_str copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

static cz_arena *new_arena(void)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    return arena;
}

/* Parse `text`; when it is accepted put what the tree is written as into `out`. */
static cz_status parse_and_write(cz_str text, const cz_json_limits *limits, cz_buf *out,
                                 cz_error *err)
{
    cz_arena *arena = new_arena();
    cz_str copy = exact_copy(text);
    const cz_json_value *tree = NULL;
    cz_status status = cz_json_parse(arena, copy, limits, &tree, err);
    if (status == CZ_OK) {
        cz_json_writer json;
        cz_json_writer_init(&json, out);
        cz_json_write(&json, tree);
        CZ_EXPECT_EQ(json.depth, 0);
    } else {
        CZ_EXPECT(tree == NULL);
    }
    free_copy(copy);
    cz_arena_destroy(arena);
    return status;
}

/* ---- what is accepted ---- */

CZ_TEST(trees_are_the_same_when_they_say_the_same)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "null", "null", true },
        { "null", "false", false },
        { "true", "false", false },
        { "1", "1", true },
        { "1", "2", false },
        { "1", "1.0", false },
        { "1.5", "15e-1", true },
        { "\"a\"", "\"\\u0061\"", true },
        { "\"a\"", "\"b\"", false },
        { "[]", "{}", false },
        { "[1,2]", "[1,2]", true },
        { "[1,2]", "[2,1]", false },
        { "[1]", "[1,1]", false },
        { "{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true },
        { "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
        { "{\"a\":1,\"b\":2}", "{\"a\":1}", false },
        { "{\"a\":1}", "{\"b\":1}", false },
        { "{\"a\":1,\"a\":2}", "{\"a\":2}", true },
        { "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":1}", false },
        { "{\"a\":{\"b\":null}}", "{\"a\":{\"b\":0}}", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_json_value *a, *b;
        CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_from(cases[i].a), NULL, &a, NULL));
        CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_from(cases[i].b), NULL, &b, NULL));
        CZ_EXPECT_MSG(cz_json_eq(a, b) == cases[i].same, "%s and %s", cases[i].a, cases[i].b);
        CZ_EXPECT_MSG(cz_json_eq(b, a) == cases[i].same, "%s and %s", cases[i].b, cases[i].a);
    }
}

CZ_TEST(json_documents_are_read_and_written_back)
{
    static const struct {
        cz_str text;
        const char *written; /* NULL: as it was read */
    } cases[] = {
        { CZ_STR("null"), NULL },
        { CZ_STR("true"), NULL },
        { CZ_STR("false"), NULL },
        { CZ_STR("0"), NULL },
        { CZ_STR("\"\""), NULL },
        { CZ_STR("[]"), NULL },
        { CZ_STR("{}"), NULL },
        { CZ_STR("[[],{},[[]]]"), NULL },
        { CZ_STR("{\"\":{\"\":{}}}"), NULL },
        { CZ_STR(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n"), "[1,2]" },
        { CZ_STR("{ \"a\" : 1 , \"b\" : [ ] , \"c\" : { } }"), "{\"a\":1,\"b\":[],\"c\":{}}" },
        { CZ_STR("9223372036854775807"), NULL },
        { CZ_STR("-9223372036854775808"), NULL },
        { CZ_STR("9223372036854775806"), NULL },
        { CZ_STR("-9223372036854775807"), NULL },
        { CZ_STR("9223372036854775808"), "9.223372036854776e+18" },
        { CZ_STR("-9223372036854775809"), "-9.223372036854776e+18" },
        { CZ_STR("10000000000000000000"), "1e+19" },
        { CZ_STR("18446744073709551616"), "1.8446744073709552e+19" },
        { CZ_STR("-0"), "-0.0" },
        { CZ_STR("-0.0"), NULL },
        { CZ_STR("0.0"), NULL },
        { CZ_STR("0e0"), "0.0" },
        { CZ_STR("-0e-5"), "-0.0" },
        { CZ_STR("1.0"), NULL },
        { CZ_STR("1e2"), "100.0" },
        { CZ_STR("1E+2"), "100.0" },
        { CZ_STR("1e-2"), "0.01" },
        { CZ_STR("1e-999"), "0.0" },
        { CZ_STR("-1e-999"), "-0.0" },
        { CZ_STR("[1.5,-2.25e3]"), "[1.5,-2250.0]" },
        { CZ_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        { CZ_STR("\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\""),
          "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
        { CZ_STR("\"\\u0000\\u001f\\u007f\""), "\"\\u0000\\u001f\x7f\"" },
        { CZ_STR("\"\\ud800\\udc00\\udbff\\udfff\\ud7ff\\ue000\\uffff\""),
          "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"" },
        { CZ_STR("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x80\xa8\xef\xbb\xbf\x7f\""), NULL },
        { CZ_STR("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xc2\x80"
                 "\xdf\xbf\xe0\xa0\x80\""),
          NULL },
        { CZ_STR("{\"a\":1,\"A\":2,\"\":3,\"aa\":4,\"\\u00e9\":5,\"e\\u0301\":6}"),
          "{\"a\":1,\"A\":2,\"\":3,\"aa\":4,\"\xc3\xa9\":5,\"e\xcc\x81\":6}" },
        { CZ_STR("[{\"a\":{\"a\":[{\"a\":1}]}},{\"a\":2}]"), NULL },
        { CZ_STR("{\"a\":1,\"b\":[],\"a\":{\"a\":2},\"\\u0061\":3}"),
          "{\"a\":1,\"b\":[],\"a\":{\"a\":2},\"a\":3}" },
        { CZ_STR("\"0123456789abcde\\n0123456789abcdef0123456789abcdef\\t\xc3\xa9 0123456789\""),
          NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_buf out = { 0 };
        cz_error err = { .status = CZ_OK };
        cz_status status = parse_and_write(cases[i].text, NULL, &out, &err);
        CZ_EXPECT_MSG(status == CZ_OK, "%s: %s", cases[i].text.ptr, err.message);
        CZ_EXPECT_STR(cz_buf_str(&out), cases[i].written ? cases[i].written : cases[i].text.ptr);
        cz_buf_done(&out);
    }
}

/* ---- what is refused ---- */

static void expect_refused(cz_str text, cz_status status, const char *message)
{
    cz_buf out = { 0 };
    cz_error err = { .message = "" };
    CZ_EXPECT_MSG(parse_and_write(text, NULL, &out, &err) == status, "%.60s: %s", text.ptr,
                  cz_status_name(err.status));
    CZ_EXPECT_MSG(cz_str_starts_with(cz_str_from(err.message), CZ_STR("JSON parse error: ")), "%s",
                  err.message);
    CZ_EXPECT_STR(cz_str_tail(cz_str_from(err.message), 18), message);
    CZ_EXPECT_EQ(err.status, status);
    cz_buf_done(&out);
}

CZ_TEST(what_python_refuses_is_refused_with_its_sentence)
{
    static const struct {
        cz_str text;
        const char *message;
    } cases[] = {
        /* the sentences are those of CPython 3.11 */
        { CZ_STR(""), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR(" "), "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("\n"), "Expecting value: line 2 column 1 (char 1)" },
        { CZ_STR("["), "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("[1"), "Expecting ',' delimiter: line 1 column 3 (char 2)" },
        { CZ_STR("[1,"), "Expecting value: line 1 column 4 (char 3)" },
        { CZ_STR("[1,]"), "Expecting value: line 1 column 4 (char 3)" },
        { CZ_STR("[1 2]"), "Expecting ',' delimiter: line 1 column 4 (char 3)" },
        { CZ_STR("[,]"), "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("[,1]"), "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("[1,,2]"), "Expecting value: line 1 column 4 (char 3)" },
        { CZ_STR("{"),
          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)" },
        { CZ_STR("{\"a\""), "Expecting ':' delimiter: line 1 column 5 (char 4)" },
        { CZ_STR("{\"a\" 1}"), "Expecting ':' delimiter: line 1 column 6 (char 5)" },
        { CZ_STR("{\"a\":"), "Expecting value: line 1 column 6 (char 5)" },
        { CZ_STR("{\"a\":}"), "Expecting value: line 1 column 6 (char 5)" },
        { CZ_STR("{\"a\":1"), "Expecting ',' delimiter: line 1 column 7 (char 6)" },
        { CZ_STR("{\"a\":1,"),
          "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)" },
        { CZ_STR("{\"a\":1,}"),
          "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)" },
        { CZ_STR("{,}"),
          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)" },
        { CZ_STR("{a:1}"),
          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)" },
        { CZ_STR("{'a':1}"),
          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)" },
        { CZ_STR("{\"a\":1 \"b\":2}"), "Expecting ',' delimiter: line 1 column 8 (char 7)" },
        { CZ_STR("{\"a\"::1}"), "Expecting value: line 1 column 6 (char 5)" },
        { CZ_STR("{\"a\":1,,}"),
          "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)" },
        { CZ_STR("{1:2}"),
          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)" },
        { CZ_STR("[\"a\":1]"), "Expecting ',' delimiter: line 1 column 5 (char 4)" },
        { CZ_STR("{\"a\",1}"), "Expecting ':' delimiter: line 1 column 5 (char 4)" },
        { CZ_STR("{null:1}"),
          "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)" },
        { CZ_STR("\""), "Unterminated string starting at: line 1 column 1 (char 0)" },
        { CZ_STR("\"abc"), "Unterminated string starting at: line 1 column 1 (char 0)" },
        { CZ_STR("\"a\\"), "Unterminated string starting at: line 1 column 1 (char 0)" },
        { CZ_STR("\"a\\x\""), "Invalid \\escape: line 1 column 3 (char 2)" },
        { CZ_STR("\"\\"), "Unterminated string starting at: line 1 column 1 (char 0)" },
        { CZ_STR("\"\\u12"), "Invalid \\uXXXX escape: line 1 column 3 (char 2)" },
        { CZ_STR("\"\\u12g4\""), "Invalid \\uXXXX escape: line 1 column 3 (char 2)" },
        { CZ_STR("\"\\u 123\""), "Invalid \\uXXXX escape: line 1 column 3 (char 2)" },
        { CZ_STR("\"\\u+123\""), "Invalid \\uXXXX escape: line 1 column 3 (char 2)" },
        { CZ_STR("\"\\U0041\""), "Invalid \\escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"a\nb\""), "Invalid control character at: line 1 column 3 (char 2)" },
        { CZ_STR("\"a\tb\""), "Invalid control character at: line 1 column 3 (char 2)" },
        { CZ_STR("\"a\\n\037b"), "Invalid control character at: line 1 column 5 (char 4)" },
        { CZ_STR("\"\000\""), "Invalid control character at: line 1 column 2 (char 1)" },
        { CZ_STR("01"), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("-"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("- 1"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("1."), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("[1.]"), "Expecting ',' delimiter: line 1 column 3 (char 2)" },
        { CZ_STR("1e"), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("[1e]"), "Expecting ',' delimiter: line 1 column 3 (char 2)" },
        { CZ_STR("[1e+]"), "Expecting ',' delimiter: line 1 column 3 (char 2)" },
        { CZ_STR(".5"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("+1"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("-01"), "Extra data: line 1 column 3 (char 2)" },
        { CZ_STR("--1"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("0x1"), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("1_0"), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("1 2"), "Extra data: line 1 column 3 (char 2)" },
        { CZ_STR("{} x"), "Extra data: line 1 column 4 (char 3)" },
        { CZ_STR("{}}"), "Extra data: line 1 column 3 (char 2)" },
        { CZ_STR("[]]"), "Extra data: line 1 column 3 (char 2)" },
        { CZ_STR("1,"), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("nul"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("tru"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("True"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("falsee"), "Extra data: line 1 column 6 (char 5)" },
        { CZ_STR("nullx"), "Extra data: line 1 column 5 (char 4)" },
        { CZ_STR("[true false]"), "Expecting ',' delimiter: line 1 column 7 (char 6)" },
        { CZ_STR("\n\n [1,\n x]"), "Expecting value: line 4 column 2 (char 8)" },
        { CZ_STR("\"\303\251\" x"), "Extra data: line 1 column 5 (char 4)" },
        { CZ_STR("{\"\303\251\":1}\n\""), "Extra data: line 2 column 1 (char 8)" },
        { CZ_STR("[[["), "Expecting value: line 1 column 4 (char 3)" },
        { CZ_STR("}"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("]"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[1}"), "Expecting ',' delimiter: line 1 column 3 (char 2)" },
        { CZ_STR("{\"a\":1]"), "Expecting ',' delimiter: line 1 column 7 (char 6)" },
        { CZ_STR("'a'"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[1,2,3"), "Expecting ',' delimiter: line 1 column 7 (char 6)" },
        { CZ_STR("\"a\\u"), "Invalid \\uXXXX escape: line 1 column 4 (char 3)" },
        { CZ_STR("\000"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[\000]"), "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("1\000"), "Extra data: line 1 column 2 (char 1)" },
        { CZ_STR("\0131"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("\014"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("\302\2401"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("// c\n1"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[1]//"), "Extra data: line 1 column 4 (char 3)" },
        { CZ_STR("/**/1"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("nan"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("inf"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("undefined"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[*]"), "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("#"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[1;2]"), "Expecting ',' delimiter: line 1 column 3 (char 2)" },
        { CZ_STR("{\"a\"=1}"), "Expecting ':' delimiter: line 1 column 5 (char 4)" },
        { CZ_STR("[1] []"), "Extra data: line 1 column 5 (char 4)" },
        { CZ_STR("\"a\" \"b\""), "Extra data: line 1 column 5 (char 4)" },
        { CZ_STR("\\u0031"), "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("\"a\"b"), "Extra data: line 1 column 4 (char 3)" },
        { CZ_STR("[\n  1,\n  \303\251\n]"), "Expecting value: line 3 column 3 (char 9)" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect_refused(cases[i].text, CZ_EPROTOCOL, cases[i].message);
}

CZ_TEST(what_python_lets_pass_is_refused_too)
{
    static const struct {
        cz_str text;
        cz_status status;
        const char *message;
    } cases[] = {
        { CZ_STR("NaN"), CZ_EPROTOCOL, "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("[-Infinity]"), CZ_EPROTOCOL, "Expecting value: line 1 column 2 (char 1)" },
        { CZ_STR("\xef\xbb\xbf{}"), CZ_EPROTOCOL,
          "Unexpected UTF-8 BOM: line 1 column 1 (char 0)" },
        { CZ_STR("[1e309]"), CZ_ETOOBIG, "Number out of range: line 1 column 2 (char 1)" },
        { CZ_STR("-1e400"), CZ_ETOOBIG, "Number out of range: line 1 column 1 (char 0)" },
        { CZ_STR("\"\\ud800\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"a\\udc00\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 3 (char 2)" },
        { CZ_STR("\"\\udc00\\ud800\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"\\ud800\\ud800\\udc00\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"\\ud800\\u0041\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"\\ud800\\n\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"\\ud800\\udc0\""), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"\\ud800"), CZ_EPROTOCOL,
          "Unpaired surrogate escape: line 1 column 2 (char 1)" },
        { CZ_STR("\"\x80\""), CZ_EPROTOCOL, "Invalid UTF-8: line 1 column 2 (char 1)" },
        { CZ_STR("\"\xc3\xa9\xff\""), CZ_EPROTOCOL, "Invalid UTF-8: line 1 column 3 (char 2)" },
        { CZ_STR("[\"\\n\xc3\"]"), CZ_EPROTOCOL, "Invalid UTF-8: line 1 column 5 (char 4)" },
        { CZ_STR("\"\xc3"), CZ_EPROTOCOL, "Invalid UTF-8: line 1 column 2 (char 1)" },
        { CZ_STR("\xff"), CZ_EPROTOCOL, "Expecting value: line 1 column 1 (char 0)" },
        { CZ_STR("{\"\xff\":1}"), CZ_EPROTOCOL, "Invalid UTF-8: line 1 column 3 (char 2)" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect_refused(cases[i].text, cases[i].status, cases[i].message);
}

/* Ill-formed UTF-8 and what takes its place: a U+FFFD (written ?) for each maximal subpart, as in
 * table 3-11 of Unicode 15 and as Python's errors="replace". */
static const struct {
    const char *text, *replaced;
} ill_formed[] = {
    { "\x80", "?" },
    { "\xbf", "?" },
    { "\xc0\x80", "??" },
    { "\xc1\xbf", "??" },
    { "\xc2", "?" },
    { "\xc2x", "?x" },
    { "\xc2\xc2\xa9", "?\xc2\xa9" },
    { "\xe0\x80\x80", "???" },
    { "\xe0\x9f\xbf", "???" },
    { "\xe0\xa0", "?" },
    { "\xe2\x82", "?" },
    { "\xe2\x82x", "?x" },
    { "\xe2", "?" },
    { "\xed\xa0\x80", "???" },
    { "\xed\xbf\xbf", "???" },
    { "\xed\xa0\xbd\xed\xb8\x80", "??????" },
    { "\xf0\x80\x80\x80", "????" },
    { "\xf0\x8f\xbf\xbf", "????" },
    { "\xf0\x9f\x98", "?" },
    { "\xf0\x9f", "?" },
    { "\xf0", "?" },
    { "\xf0\x9f\x98x", "?x" },
    { "\xf4\x90\x80\x80", "????" },
    { "\xf5\x80\x80\x80", "????" },
    { "\xf8\x88\x80\x80\x80", "?????" },
    { "\xfe", "?" },
    { "\xff\xff", "??" },
    { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "????A" },
    { "a\xff"
      "b",
      "a?b" },
    { "\xc3\xa9\xff\xc3\xa9", "\xc3\xa9?\xc3\xa9" },
};

CZ_TEST(ill_formed_utf8_is_refused_when_read_and_replaced_when_written)
{
    for (size_t i = 0; i < CZ_COUNT(ill_formed); i++) {
        for (size_t before = 0; before < 40; before++) { /* at every place of a 16-byte step */
            cz_buf document = { 0 }, written = { 0 }, expected = { 0 };
            cz_buf_append_char(&expected, '"');
            for (size_t n = 0; n < before; n++)
                cz_buf_append_char(&expected, 'x');
            for (const char *p = ill_formed[i].replaced; *p; p++)
                if (*p == '?')
                    cz_buf_append_lit(&expected, "\xef\xbf\xbd");
                else
                    cz_buf_append_char(&expected, *p);
            cz_buf_append_char(&expected, '"');
            cz_buf_printf(&document, "\"%.*s%s\"", (int)before,
                          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ill_formed[i].text);
            cz_str copy = exact_copy(cz_str_of(document.ptr + 1, document.len - 2));
            cz_json_writer json;
            cz_json_writer_init(&json, &written);
            cz_json_str(&json, copy);
            CZ_EXPECT_STR(cz_buf_str(&written), cz_buf_cstr(&expected));
            cz_buf none = { 0 };
            CZ_EXPECT_EQ(parse_and_write(cz_buf_str(&document), NULL, &none, NULL), CZ_EPROTOCOL);
            free_copy(copy);
            cz_buf_done(&document);
            cz_buf_done(&written);
            cz_buf_done(&expected);
            cz_buf_done(&none);
        }
    }
}

/* ---- limits ---- */

static cz_str nested(cz_buf *buf, size_t depth)
{
    cz_buf_clear(buf);
    for (size_t i = 0; i < depth; i++)
        cz_buf_append(buf, i % 2 ? "{\"a\":" : "[", i % 2 ? 5 : 1);
    cz_buf_append_lit(buf, "0");
    for (size_t i = depth; i-- > 0;)
        cz_buf_append_char(buf, i % 2 ? '}' : ']');
    return cz_buf_str(buf);
}

CZ_TEST(depth_is_limited)
{
    static const struct {
        uint32_t depth_max;
        size_t depth;
        cz_status status;
    } cases[] = {
        { 0, 64, CZ_OK },
        { 0, 65, CZ_ETOOBIG },
        { 1, 1, CZ_OK },
        { 1, 2, CZ_ETOOBIG },
        { 7, 7, CZ_OK },
        { 7, 8, CZ_ETOOBIG },
        { 128, 128, CZ_OK },
        { 128, 129, CZ_ETOOBIG },
        { 4000000000, 128, CZ_OK },
        { 4000000000, 129, CZ_ETOOBIG },
        { 0, 100000, CZ_ETOOBIG },
    };
    cz_buf buf = { 0 };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_buf out = { 0 };
        cz_error err = { .message = "" };
        cz_json_limits limits = { .depth_max = cases[i].depth_max };
        cz_status status = parse_and_write(nested(&buf, cases[i].depth), &limits, &out, &err);
        CZ_EXPECT_MSG(status == cases[i].status, "depth %zu of %u: %s", cases[i].depth,
                      cases[i].depth_max, err.message);
        if (status == CZ_OK)
            CZ_EXPECT_STR(cz_buf_str(&out), cz_buf_cstr(&buf));
        cz_buf_done(&out);
    }
    cz_buf_done(&buf);
    expect_refused(CZ_STR("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
                   CZ_ETOOBIG, "Too many nested levels: line 1 column 65 (char 64)");
}

static cz_str many_keys(cz_buf *buf, uint32_t count)
{
    cz_buf_clear(buf);
    cz_buf_append_char(buf, '{');
    for (uint32_t i = 0; i < count; i++)
        cz_buf_printf(buf, "%s\"key%u\":%u", i ? "," : "", i, i);
    cz_buf_append_char(buf, '}');
    return cz_buf_str(buf);
}

CZ_TEST(names_are_limited_in_the_whole_document)
{
    static const struct {
        uint32_t keys_max, count;
        cz_status status;
    } cases[] = { { 0, 20000, CZ_OK },
                  { 0, 20001, CZ_ETOOBIG },
                  { 3, 3, CZ_OK },
                  { 3, 4, CZ_ETOOBIG },
                  { 30000, 30000, CZ_OK } };
    cz_buf buf = { 0 }, out = { 0 };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_json_limits limits = { .keys_max = cases[i].keys_max };
        cz_buf_clear(&out);
        CZ_EXPECT_EQ(parse_and_write(many_keys(&buf, cases[i].count), &limits, &out, NULL),
                     cases[i].status);
    }
    cz_json_limits three = { .keys_max = 3 };
    CZ_EXPECT_EQ(
        parse_and_write(CZ_STR("[{\"a\":1},{\"a\":1},{\"a\":{\"b\":1}}]"), &three, &out, NULL),
        CZ_ETOOBIG);
    CZ_EXPECT_EQ(parse_and_write(CZ_STR("{\"a\":1,\"a\":2,\"a\":3,\"a\":4}"), &three, &out, NULL),
                 CZ_ETOOBIG);
    cz_buf_done(&buf);
    cz_buf_done(&out);
}

CZ_TEST(of_a_repeated_name_the_last_value_counts)
{
    static const struct {
        cz_str text;
        const char *key, *value; /* as JSON; NULL: there is none */
    } cases[] = {
        { CZ_STR("{\"a\":1,\"a\":2}"), "a", "2" },
        { CZ_STR("{\"a\":1,\"\\u0061\":2}"), "a", "2" },
        { CZ_STR("{\"\\u0061\":1,\"b\":3,\"a\":2,\"c\":4}"), "a", "2" },
        { CZ_STR("{\"a\":{\"b\":1},\"a\":null}"), "a", "null" },
        { CZ_STR("{\"a\":null,\"a\":{\"a\":1,\"a\":[]}}"), "a", "{\"a\":1,\"a\":[]}" },
        { CZ_STR("{\"a\":1,\"b\":{\"a\":2}}"), "a", "1" },
        { CZ_STR("{\"\":1,\"\":2,\"\":3}"), "", "3" },
        { CZ_STR("{\"a\":1,\"A\":2}"), "a", "1" },
        { CZ_STR("{\"b\":1,\"b\":2}"), "a", NULL },
        { CZ_STR("{}"), "a", NULL },
        { CZ_STR("[1]"), "a", NULL },
        { CZ_STR("\"a\""), "a", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_arena *arena = new_arena();
        cz_buf out = { 0 };
        cz_json_writer json;
        const cz_json_value *tree = NULL;
        CZ_REQUIRE_OK(cz_json_parse(arena, cases[i].text, NULL, &tree, NULL));
        const cz_json_value *value = cz_json_get(tree, cz_str_from(cases[i].key));
        CZ_EXPECT_EQ(value == NULL, cases[i].value == NULL);
        cz_json_writer_init(&json, &out);
        if (value)
            cz_json_write(&json, value);
        CZ_EXPECT_STR(cz_buf_str(&out), cases[i].value ? cases[i].value : "");
        cz_buf_done(&out);
        cz_arena_destroy(arena);
    }
    CZ_EXPECT(cz_json_get(NULL, CZ_STR("a")) == NULL);
}

CZ_TEST(a_document_over_the_arena_s_budget_is_refused)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 64 * 1024, &arena));
    cz_buf buf = { 0 };
    cz_buf_append_char(&buf, '[');
    for (int i = 0; i < 20000; i++)
        cz_buf_append_lit(&buf, "0,");
    cz_buf_append_lit(&buf, "0]");
    const cz_json_value *tree = NULL;
    cz_error err = { .message = "" };
    CZ_EXPECT_EQ(cz_json_parse(arena, cz_buf_str(&buf), NULL, &tree, &err), CZ_ENOMEM);
    CZ_EXPECT(tree == NULL && err.status == CZ_ENOMEM && err.message[0]);
    cz_buf_done(&buf);
    cz_arena_destroy(arena);
}

CZ_TEST(null_characters_of_a_document_are_found)
{
    static const struct {
        const char *text;
        bool has;
    } rows[] = {
        { "\"\\u0000\"", true },
        { "[\"a\", {\"b\\u0000\": 1}]", true },
        { "\"\\\\\\u0000\"", true },
        { "\"\\\\u0000\"", false },
        { "\"\\\\u0000\\u0000\"", true },
        { "\"\\u00000\"", true },
        { "\"\\u0001\"", false },
        { "\"u0000\"", false },
        { "", false },
        { "[]", false },
    };
    for (size_t i = 0; i < CZ_COUNT(rows); i++)
        CZ_EXPECT_MSG(cz__json_has_null_character(cz_str_from(rows[i].text)) == rows[i].has, "%s",
                      rows[i].text);
}

CZ_TEST(every_failing_allocation_of_a_parse_is_reported)
{
    cz_buf text = { 0 };
    cz_buf_append_lit(&text, "{\"list\":[");
    for (int i = 0; i < 300; i++)
        cz_buf_printf(&text, "%s%d", i ? "," : "", i);
    cz_buf_append_lit(&text, "],\"esc\\u0061ped\":\"\\n\",\"big\":");
    cz_buf big = { 0 };
    cz_buf_append_str(&text, many_keys(&big, 100));
    cz_buf_append_char(&text, '}');
    for (uint64_t n = 1;; n++) {
        cz_arena *arena = new_arena();
        const cz_json_value *tree = NULL;
        cz_error err = { .message = "" };
        cz_ignore(cz__alloc_fail_at(n, n % 2)); /* begins counting */
        cz_status status = cz_json_parse(arena, cz_buf_str(&text), NULL, &tree, &err);
        uint64_t count = cz__alloc_fail_at(0, false);
        cz_arena_destroy(arena);
        if (count < n) { /* none failed: all places were tried, or this build fails none */
            CZ_EXPECT_EQ(status, CZ_OK);
            if (count)
                CZ_EXPECT(n > 5);
            break;
        }
        CZ_EXPECT_EQ(status, CZ_ENOMEM);
        CZ_EXPECT(tree == NULL && err.status == CZ_ENOMEM && err.message[0]);
    }
    cz_buf_done(&text);
    cz_buf_done(&big);
}

CZ_TEST(a_failing_allocation_while_writing_stays_in_the_buffer)
{
    for (uint64_t n = 1;; n++) {
        cz_buf out = { 0 };
        cz_json_writer json;
        cz_json_writer_init(&json, &out);
        cz_ignore(cz__alloc_fail_at(n, true)); /* begins counting */
        cz_json_list(&json);
        for (int i = 0; i < 300; i++) {
            cz_json_object(&json);
            cz_json_key(&json, CZ_STR("key"));
            cz_json_str(&json, CZ_STR("value"));
            cz_json_key(&json, CZ_STR("f"));
            cz_json_f64(&json, 1.5);
            cz_json_object_end(&json);
            cz_json_i64(&json, i);
            cz_json_u64(&json, 1);
            cz_json_bool(&json, true);
            cz_json_null(&json);
        }
        cz_json_list_end(&json);
        uint64_t count = cz__alloc_fail_at(0, false);
        CZ_EXPECT_EQ(cz_buf_status(&out), count < n ? CZ_OK : CZ_ENOMEM);
        cz_buf_done(&out);
        if (count < n)
            break;
    }
}

/* ---- the pull interface ---- */

CZ_TEST(the_reader_gives_items_level_by_level)
{
    cz_arena *arena = new_arena();
    cz_json_reader r;
    cz_json_reader_init(
        &r, arena,
        CZ_STR(
            "{\"id\": 7, \"tags\": [\"a\", null, [], 1.50], \"o\": {\"x\\n\": true}, \"z\": -0}"),
        NULL);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_OBJECT);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_INT);
    CZ_EXPECT_STR(r.key, "id");
    CZ_EXPECT_STR(r.text, "7");
    CZ_EXPECT_EQ(r.integer, 7);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_LIST);
    CZ_EXPECT_STR(r.key, "tags");
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_STR);
    CZ_EXPECT_STR(r.text, "a");
    CZ_EXPECT_STR(r.key, "");
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_NULL);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_LIST);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_REAL);
    CZ_EXPECT_STR(r.text, "1.50");
    CZ_EXPECT(r.real == 1.5);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_OBJECT);
    CZ_EXPECT_STR(r.key, "o");
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_BOOL);
    CZ_EXPECT_STR(r.key, "x\n");
    CZ_EXPECT(r.boolean);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_REAL);
    CZ_EXPECT(r.real == 0 && __builtin_signbit(r.real));
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    for (int i = 0; i < 3; i++) {
        CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
        CZ_EXPECT_EQ(r.status, CZ_OK);
    }
    cz_arena_destroy(arena);
}

CZ_TEST(a_failed_reader_only_ends)
{
    static const char *const texts[] = { "[1,[2 3]]", "{\"a\":[1,{\"b\"}]}", "[[[1]]", "{\"a\":1}x",
                                         "",          "[\"\\u12\"]" };
    for (size_t i = 0; i < CZ_COUNT(texts); i++) {
        cz_arena *arena = new_arena();
        cz_json_reader r;
        cz_json_reader_init(&r, arena, cz_str_from(texts[i]), NULL);
        int calls = 0;
        while (!r.status && calls++ < 50)
            (void)cz_json_next(&r);
        size_t at = r.error_at;
        CZ_EXPECT_EQ(r.status, CZ_EPROTOCOL);
        CZ_EXPECT(r.error && at <= strlen(texts[i]));
        for (int n = 0; n < 3; n++)
            CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
        cz_json_skip(&r);
        CZ_EXPECT(r.status == CZ_EPROTOCOL && r.error_at == at);
        cz_arena_destroy(arena);
    }
}

CZ_TEST(skipping_passes_over_a_level_and_checks_it)
{
    cz_arena *arena = new_arena();
    cz_json_reader r;
    cz_json_reader_init(&r, arena, CZ_STR("[{\"a\":[[1,{}],\"]\"],\"b\":\"}\"},[],5,\"x\"]"), NULL);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_LIST);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_OBJECT);
    cz_json_skip(&r);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_LIST);
    cz_json_skip(&r);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_INT);
    cz_json_skip(&r); /* a number has nothing to pass over */
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_STR);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    CZ_EXPECT_EQ(r.status, CZ_OK);

    cz_json_reader_init(&r, arena, CZ_STR("[{\"a\":1,\n\"b\":\"\xff\"},1]"), NULL);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_LIST);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_OBJECT);
    cz_json_skip(&r);
    CZ_EXPECT_EQ(r.status, CZ_EPROTOCOL);
    size_t line, column;
    cz_json_error_position(&r, &line, &column);
    CZ_EXPECT(line == 2 && column == 6);

    cz_json_reader_init(&r, arena, CZ_STR("{\"a\":[]}"), NULL); /* the whole document */
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_OBJECT);
    cz_json_skip(&r);
    CZ_EXPECT_EQ(cz_json_next(&r), CZ_JSON_END);
    CZ_EXPECT_EQ(r.status, CZ_OK);
    cz_arena_destroy(arena);
}

CZ_TEST(unescaped_text_points_into_the_document)
{
    static const char text[] = "{\"name\":\"plain\",\"other\":\"esc\\taped\"}";
    cz_arena *arena = new_arena();
    const cz_json_value *tree;
    CZ_REQUIRE_OK(cz_json_parse(arena, cz_str_from(text), NULL, &tree, NULL));
    const cz_json_value *name = cz_json_get(tree, CZ_STR("name")),
                        *other = cz_json_get(tree, CZ_STR("other"));
    CZ_REQUIRE(name && other);
    CZ_EXPECT(name->as.text.ptr == text + 9 && tree->keys[0].ptr == text + 2);
    CZ_EXPECT(other->as.text.ptr < text || other->as.text.ptr > text + sizeof text);
    CZ_EXPECT_STR(other->as.text, "esc\taped");
    CZ_EXPECT(cz_json_get(tree, CZ_STR("nam")) == NULL && cz_json_get(name, CZ_STR("x")) == NULL &&
              cz_json_get(NULL, CZ_STR("x")) == NULL);
    cz_arena_destroy(arena);
}

/* ---- writing ---- */

CZ_TEST(the_writer_puts_commas_where_they_belong)
{
    cz_buf out = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &out);
    cz_json_object(&json);
    cz_json_key(&json, CZ_STR("a"));
    cz_json_list(&json);
    cz_json_i64(&json, INT64_MIN);
    cz_json_u64(&json, UINT64_MAX);
    cz_json_f64(&json, 0.5);
    cz_json_bool(&json, true);
    cz_json_bool(&json, false);
    cz_json_null(&json);
    cz_json_str(&json, cz_str_of(NULL, 0));
    cz_json_list(&json);
    cz_json_list_end(&json);
    cz_json_object(&json);
    cz_json_object_end(&json);
    cz_json_raw(&json, CZ_STR("[1, 2]"));
    cz_json_list_end(&json);
    cz_json_key(&json, CZ_STR("b\"\n"));
    cz_json_f64(&json, (double)__builtin_inf());
    cz_json_key(&json, CZ_STR(""));
    cz_json_raw(&json, CZ_STR("{}"));
    cz_json_object_end(&json);
    CZ_EXPECT_STR(
        cz_buf_str(&out),
        "{\"a\":[-9223372036854775808,18446744073709551615,0.5,true,false,null,\"\",[],{},"
        "[1, 2]],\"b\\\"\\n\":null,\"\":{}}");
    CZ_EXPECT_EQ(json.depth, 0);
    cz_buf_done(&out);
}

/* What a string is written as, said as plainly as possible; `text` is well-formed. */
static void write_plainly(cz_buf *out, cz_str text)
{
    cz_buf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        const char *name = c ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", c) : NULL;
        if (name && (c == '"' || c == '\\' || (unsigned char)c < 0x20)) {
            cz_buf_append_char(out, '\\');
            cz_buf_append_char(out, name[1]);
        } else if ((unsigned char)c < 0x20) {
            cz_buf_printf(out, "\\u%04x", c);
        } else {
            cz_buf_append_char(out, c);
        }
    }
    cz_buf_append_char(out, '"');
}

static void expect_plain(cz_str text)
{
    cz_buf expected = { 0 }, out = { 0 };
    write_plainly(&expected, text);
    cz_str copy = exact_copy(text);
    cz_json_writer json;
    cz_json_writer_init(&json, &out);
    cz_json_str(&json, copy);
    CZ_EXPECT_MSG(cz_str_eq(cz_buf_str(&out), cz_buf_str(&expected)), "%.*s, not %s",
                  CZ_STR_ARG(cz_buf_str(&out)), cz_buf_cstr(&expected));
    /* The bare piece keeps to the room it asks for: the block is exactly that. */
    char *room = malloc(2 + 6 * text.len + 16), *end = cz__json_write_str(room, copy);
    CZ_EXPECT(cz_str_eq(cz_str_of(room, (size_t)(end - room)), cz_buf_str(&expected)));
    free(room);
    /* And it reads back. */
    cz_arena *arena = new_arena();
    const cz_json_value *tree;
    CZ_REQUIRE_OK(cz_json_parse(arena, cz_buf_str(&out), NULL, &tree, NULL));
    CZ_EXPECT(tree->kind == CZ_JSON_STR && cz_str_eq(tree->as.text, copy));
    cz_arena_destroy(arena);
    free_copy(copy);
    cz_buf_done(&expected);
    cz_buf_done(&out);
}

CZ_TEST(every_byte_is_escaped_as_needed_at_every_place)
{
    char text[48];
    for (unsigned c = 0; c < 0x80; c++)
        for (size_t len = 1; len < sizeof text; len += c < 0x24 ? 1 : 5)
            for (size_t at = 0; at < len; at += len < 20 ? 1 : 3) {
                memset(text, 'a' + (int)(at % 26), len);
                text[at] = (char)c;
                expect_plain(cz_str_of(text, len));
            }
    memset(text, 0x1f, sizeof text);
    for (size_t len = 0; len <= sizeof text; len++)
        expect_plain(cz_str_of(text, len));
}

CZ_TEST(long_strings_are_cut_between_characters)
{
    static const char *const units[] = {
        "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x01", "ab\xf0\x9f\x98\x80\""
    };
    for (size_t i = 0; i < CZ_COUNT(units); i++) {
        cz_buf text = { 0 };
        for (size_t before = 0; before < 6; before++) {
            cz_buf_clear(&text);
            cz_buf_append(&text, "yyyyyy", before);
            while (text.len < 1100)
                cz_buf_append_str(&text, cz_str_from(units[i]));
            expect_plain(cz_buf_str(&text));
        }
        cz_buf_done(&text);
    }
    for (size_t len = 250; len < 270; len++) { /* stray bytes where the cut would be */
        char text[300], *end;
        memset(text, 'a', sizeof text);
        memset(text + len - 8, 0x80, 8);
        cz_buf out = { 0 };
        cz_json_writer json;
        cz_json_writer_init(&json, &out);
        cz_json_str(&json, cz_str_of(text, sizeof text));
        char *whole = malloc(2 + 6 * sizeof text + 16);
        end = cz__json_write_str(whole, cz_str_of(text, sizeof text));
        CZ_EXPECT(cz_str_eq(cz_buf_str(&out), cz_str_of(whole, (size_t)(end - whole))));
        CZ_EXPECT_EQ(out.len, 2 + sizeof text - 8 + 8 * 3);
        free(whole);
        cz_buf_done(&out);
    }
}

static void write_sample(cz_buf *out)
{
    cz_json_writer json;
    cz_json_writer_init(&json, out);
    cz_json_list(&json);
    cz_json_str(&json, CZ_STR("some text"));
    cz_json_i64(&json, -12);
    cz_json_u64(&json, 12);
    cz_json_f64(&json, -1.25);
    cz_json_object(&json);
    cz_json_key(&json, CZ_STR("k\n"));
    cz_json_bool(&json, true);
    cz_json_object_end(&json);
    cz_json_list_end(&json);
}

CZ_TEST(a_buffer_takes_what_fits_its_maximum_to_the_byte)
{
    static const char expected[] = "[\"some text\",-12,12,-1.25,{\"k\\n\":true}]";
    for (size_t max = 1; max < sizeof expected + 5; max++) {
        cz_buf out;
        cz_buf_init(&out, max);
        write_sample(&out);
        CZ_EXPECT_EQ(cz_buf_status(&out), max < sizeof expected - 1 ? CZ_ETOOBIG : CZ_OK);
        if (cz_buf_status(&out) == CZ_OK)
            CZ_EXPECT_STR(cz_buf_str(&out), expected);
        else
            CZ_EXPECT(out.len <= max && memcmp(out.ptr ? out.ptr : "", expected, out.len) == 0);
        cz_buf_done(&out);
    }
    char text[2000]; /* the worst case would be six times as long */
    memset(text, 'x', sizeof text);
    cz_buf out;
    cz_buf_init(&out, sizeof text + 2);
    cz_json_writer json;
    cz_json_writer_init(&json, &out);
    cz_json_str(&json, cz_str_of(text, sizeof text));
    CZ_EXPECT(cz_buf_status(&out) == CZ_OK && out.len == sizeof text + 2);
    cz_buf_done(&out);
}

/* ---- nst/JSONTestSuite ---- */

static const char suite[] = CZ_SHARED_VECTORS "/json-test-suite/";

static cz_str read_file(const char *folder, const char *name, char *out, size_t cap)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s/%s", suite, folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CZ_REQUIRE(fd >= 0);
    ssize_t len = read(fd, out, cap);
    close(fd);
    CZ_REQUIRE(len >= 0 && (size_t)len < cap);
    return cz_str_of(out, (size_t)len);
}

static void require_suite(void)
{
    struct stat st;
    if (stat(suite, &st) != 0)
        cz_test_skip("the JSON test suite is not here");
}

static char file_bytes[1 << 20];

static cz_status parse_file(const char *folder, const char *name, cz_buf *out)
{
    cz_str text = read_file(folder, name, file_bytes, sizeof file_bytes);
    return parse_and_write(text, NULL, out, NULL);
}

CZ_TEST(the_json_test_suite_agrees)
{
    require_suite();
    char path[512];
    snprintf(path, sizeof path, "%stest_parsing", suite);
    DIR *dir = opendir(path);
    CZ_REQUIRE(dir);
    int accepted = 0, refused = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (name[0] != 'y' && name[0] != 'n')
            continue;
        cz_buf out = { 0 };
        cz_status status = parse_file("test_parsing", name, &out);
        if (name[0] == 'y')
            CZ_EXPECT_MSG(status == CZ_OK, "%s: %s", name, cz_status_name(status));
        else
            CZ_EXPECT_MSG(status == CZ_EPROTOCOL || status == CZ_ETOOBIG, "%s: %s", name,
                          cz_status_name(status));
        accepted += name[0] == 'y';
        refused += name[0] == 'n';
        cz_buf_done(&out);
    }
    closedir(dir);
    CZ_EXPECT(accepted == 95 && refused == 188);
}

CZ_TEST(where_the_suite_leaves_a_choice_ours_stays)
{
    static const struct {
        const char *folder, *name;
        cz_status status;
        const char *written;
    } cases[] = {
        { "test_parsing", "i_number_double_huge_neg_exp.json", CZ_OK, "[0.0]" },
        { "test_parsing", "i_number_huge_exp.json", CZ_ETOOBIG, NULL },
        { "test_parsing", "i_number_neg_int_huge_exp.json", CZ_ETOOBIG, NULL },
        { "test_parsing", "i_number_pos_double_huge_exp.json", CZ_ETOOBIG, NULL },
        { "test_parsing", "i_number_real_neg_overflow.json", CZ_ETOOBIG, NULL },
        { "test_parsing", "i_number_real_pos_overflow.json", CZ_ETOOBIG, NULL },
        { "test_parsing", "i_number_real_underflow.json", CZ_OK, "[0.0]" },
        { "test_parsing", "i_number_too_big_neg_int.json", CZ_OK, "[-1.2312312312312312e+29]" },
        { "test_parsing", "i_number_too_big_pos_int.json", CZ_OK, "[1e+20]" },
        { "test_parsing", "i_number_very_big_negative_int.json", CZ_OK,
          "[-2.374623746732769e+47]" },
        { "test_parsing", "i_object_key_lone_2nd_surrogate.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_1st_surrogate_but_2nd_missing.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_1st_valid_surrogate_2nd_invalid.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_UTF-16LE_with_BOM.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_UTF-8_invalid_sequence.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_UTF8_surrogate_U+D800.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_incomplete_surrogate_and_escape_valid.json", CZ_EPROTOCOL,
          NULL },
        { "test_parsing", "i_string_incomplete_surrogate_pair.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_incomplete_surrogates_escape_valid.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_invalid_lonely_surrogate.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_invalid_surrogate.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_invalid_utf-8.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_inverted_surrogates_U+1D11E.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_iso_latin_1.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_lone_second_surrogate.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_lone_utf8_continuation_byte.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_not_in_unicode_range.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_overlong_sequence_2_bytes.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_overlong_sequence_6_bytes.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_overlong_sequence_6_bytes_null.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_truncated-utf-8.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_utf16BE_no_BOM.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_string_utf16LE_no_BOM.json", CZ_EPROTOCOL, NULL },
        { "test_parsing", "i_structure_500_nested_arrays.json", CZ_ETOOBIG, NULL },
        { "test_parsing", "i_structure_UTF-8_BOM_empty_object.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "number_-9223372036854775808.json", CZ_OK, "[-9223372036854775808]" },
        { "test_transform", "number_-9223372036854775809.json", CZ_OK, "[-9.223372036854776e+18]" },
        { "test_transform", "number_1.0.json", CZ_OK, "[1.0]" },
        { "test_transform", "number_1.000000000000000005.json", CZ_OK, "[1.0]" },
        { "test_transform", "number_1000000000000000.json", CZ_OK, "[1000000000000000]" },
        { "test_transform", "number_10000000000000000999.json", CZ_OK, "[1e+19]" },
        { "test_transform", "number_1e-999.json", CZ_OK, "[0.0]" },
        { "test_transform", "number_1e6.json", CZ_OK, "[1000000.0]" },
        { "test_transform", "number_9223372036854775807.json", CZ_OK, "[9223372036854775807]" },
        { "test_transform", "number_9223372036854775808.json", CZ_OK, "[9.223372036854776e+18]" },
        { "test_transform", "object_key_nfc_nfd.json", CZ_OK,
          "{\"\303\251\":\"NFC\",\"e\314\201\":\"NFD\"}" },
        { "test_transform", "object_key_nfd_nfc.json", CZ_OK,
          "{\"e\314\201\":\"NFD\",\"\303\251\":\"NFC\"}" },
        { "test_transform", "object_same_key_different_values.json", CZ_OK, "{\"a\":1,\"a\":2}" },
        { "test_transform", "object_same_key_same_value.json", CZ_OK, "{\"a\":1,\"a\":1}" },
        { "test_transform", "object_same_key_unclear_values.json", CZ_OK, "{\"a\":0,\"a\":-0.0}" },
        { "test_transform", "string_1_escaped_invalid_codepoint.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "string_1_invalid_codepoint.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "string_2_escaped_invalid_codepoints.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "string_2_invalid_codepoints.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "string_3_escaped_invalid_codepoints.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "string_3_invalid_codepoints.json", CZ_EPROTOCOL, NULL },
        { "test_transform", "string_with_escaped_NULL.json", CZ_OK, "[\"A\\u0000B\"]" },
    };
    require_suite();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_buf out = { 0 };
        cz_status status = parse_file(cases[i].folder, cases[i].name, &out);
        CZ_EXPECT_MSG(status == cases[i].status, "%s: %s", cases[i].name, cz_status_name(status));
        if (cases[i].written)
            CZ_EXPECT_STR(cz_buf_str(&out), cases[i].written);
        cz_buf_done(&out);
    }
}

CZ_TEST(a_document_is_valid_whole_or_not_at_all)
{
    static const char *const good[] = {
        "0", "\"a\\u00e9\\n\"", "[]", "{\"a\":[1,{\"b\":null}]}", " [1 , 2 ] ", "[[[[]]]]", "true"
    };
    static const char *const bad[] = {
        "",     " ",   "[",   "]",       "[1,]", "{\"a\"}", "[1] 2",
        "{}{}", "nul", "\"a", "[[[[]]]", "01",   "'a'",     "\"\\x\""
    };
    for (size_t i = 0; i < CZ_COUNT(good); i++)
        CZ_EXPECT(cz_json_is_valid(cz_str_from(good[i])));
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT(!cz_json_is_valid(cz_str_from(bad[i])));
}

CZ_TEST(values_of_fields_are_written_as_serializers_write_them)
{
    cz_buf out;
    cz_json_writer json;
    cz_uuid uuid;
    cz_buf_init(&out, 1000);
    cz_json_writer_init(&json, &out);
    CZ_REQUIRE_OK(cz_uuid_parse(CZ_STR("550e8400-e29b-41d4-a716-446655440000"), &uuid));
    cz_json_list(&json);
    cz_json_decimal(&json, cz_decimal_of(-1250, 2));
    cz_json_date(&json, (cz_date){ 1 });
    cz_json_datetime(&json, (cz_datetime){ 1500000 });
    cz_json_time(&json, (cz_time){ 61000000 });
    cz_json_duration(&json, (cz_duration){ 61000000 });
    cz_json_uuid(&json, uuid);
    cz_json_list_end(&json);
    CZ_EXPECT_STR(cz_buf_str(&out),
                  "[\"-12.50\",\"1970-01-02\",\"1970-01-01T00:00:01.500000Z\",\"00:01:01\","
                  "\"00:01:01\",\"550e8400-e29b-41d4-a716-446655440000\"]");
    cz_buf_done(&out);
}
