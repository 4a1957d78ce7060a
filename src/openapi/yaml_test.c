/* YAML of JSON, as it is written and as a parser of YAML reads it. */
#include <calzone/testing.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "openapi/yaml.h"

static const struct {
    const char *json, *yaml;
} cases[] = {
    { "null", "null\n" },
    { "true", "true\n" },
    { "-7", "-7\n" },
    { "1.5", "1.5\n" },
    { "[]", "[]\n" },
    { "{}", "{}\n" },
    { "\"plain text\"", "plain text\n" },
    { "\"/v2/books/{id}\"", "/v2/books/{id}\n" },
    { "\"\"", "\"\"\n" },
    { "\" a\"", "\" a\"\n" },
    { "\"a \"", "\"a \"\n" },
    { "\"true\"", "\"true\"\n" },
    { "\"No\"", "\"No\"\n" },
    { "\"NULL\"", "\"NULL\"\n" },
    { "\"y\"", "\"y\"\n" },
    { "\"200\"", "\"200\"\n" },
    { "\"1e5\"", "\"1e5\"\n" },
    { "\"0x1F\"", "\"0x1F\"\n" },
    { "\".inf\"", "\".inf\"\n" },
    { "\"2026-01-31\"", "\"2026-01-31\"\n" },
    { "\"12:30\"", "\"12:30\"\n" },
    { "\"a: b\"", "\"a: b\"\n" },
    { "\"a #b\"", "\"a #b\"\n" },
    { "\"- a\"", "\"- a\"\n" },
    { "\"*a\"", "\"*a\"\n" },
    { "\"&a\"", "\"&a\"\n" },
    { "\"!a\"", "\"!a\"\n" },
    { "\"%a\"", "\"%a\"\n" },
    { "\"@a\"", "\"@a\"\n" },
    { "\"<<\"", "\"<<\"\n" },
    { "\"=\"", "\"=\"\n" },
    { "\"~\"", "\"~\"\n" },
    { "\"---\"", "\"---\"\n" },
    { "\"a,b\"", "\"a,b\"\n" },
    { "\"[a]\"", "\"[a]\"\n" },
    { "\"it's\"", "\"it's\"\n" },
    { "\"a\\nb\\t\\\"c\\\\\"", "\"a\\nb\\t\\\"c\\\\\"\n" },
    { "\"\\u0000\\u007f\\u0085\"", "\"\\u0000\\u007f\\u0085\"\n" },
    { "\"\\u2028\\u2029\\ufeff\"", "\"\\u2028\\u2029\\ufeff\"\n" },
    { "\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"\n" },
    { "[1,[2,[]],{\"a\":3,\"b\":[4]}]", "- 1\n- - 2\n  - []\n- a: 3\n  b:\n    - 4\n" },
    { "{\"a\":{\"b\":{}},\"200\":[{\"c\":null}],\"on\":\"off\"}",
      "a:\n  b: {}\n\"200\":\n  - c: null\n\"on\": \"off\"\n" },
    { "{\"a\":1,\"a\":2}", "a: 2\n" },
};

static const char *yaml_of(const char *json)
{
    const cz_json_value *value;
    cz_buf out;
    cz_buf_init(&out, 0);
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_from(json), NULL, &value, NULL));
    cz__yaml_write(&out, value);
    CZ_REQUIRE_OK(cz_buf_status(&out));
    const char *text = cz_arena_strdup(cz_test_arena(), cz_buf_cstr(&out));
    CZ_REQUIRE(text);
    cz_buf_done(&out);
    return text;
}

CZ_TEST(json_is_written_as_yaml)
{
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(cz_str_from(yaml_of(cases[i].json)), cases[i].yaml);
}

/* What Python's parser makes of two files that should say the same, told by its exit: 0 yes, 1 no, 77 it is not there. */
static int python_compares(const char *json_path, const char *yaml_path)
{
    static const char program[] =
        "import json, sys\n"
        "try:\n"
        "    import yaml\n"
        "except ImportError:\n"
        "    sys.exit(77)\n"
        "wanted = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]\n"
        "read = list(yaml.safe_load_all(open(sys.argv[2], encoding='utf-8', newline='')))\n"
        "bad = [pair for pair in zip(wanted, read) if pair[0] != pair[1]]\n"
        "print(len(wanted), len(read), bad[:5])\n"
        "sys.exit(1 if bad or len(wanted) != len(read) else 0)\n";
    int status;
    fflush(NULL);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        unsetenv("LD_PRELOAD");
        execl("/usr/bin/python3", "python3", "-I", "-c", program, json_path, yaml_path, NULL);
        _exit(77);
    }
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Texts of what YAML gives a meaning to, drawn by a generator that always draws the same. */
static const char *drawn_text(uint32_t *state)
{
    static const char *const pieces[] = {
        "a",       "B",   "0",  "1",   " ",   ":",   "#", "-", "?",    ",",
        "[",       "]",   "{",  "}",   "&",   "*",   "!", "|", ">",    "'",
        "\\\"",    "%",   "@",  "`",   "\\n", "\\t", ".", "~", "=",    "\\u0085",
        "\\u2028", "\\r", "no", "yes", "e",   "_",   "+", "/", "\\\\", "\\ufeff"
    };
    char text[128] = "\"";
    size_t len = 1;
    unsigned count = (*state >> 8) % 9;
    for (unsigned i = 0; i < count; i++) {
        *state = *state * 1664525 + 1013904223;
        const char *piece = pieces[(*state >> 10) % CZ_COUNT(pieces)];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", piece);
    }
    *state = *state * 1664525 + 1013904223;
    snprintf(text + len, sizeof text - len, "\"");
    return cz_arena_strdup(cz_test_arena(), text);
}

CZ_TEST(a_parser_of_yaml_reads_what_was_meant)
{
    enum { DRAWN = 3000 };
    uint32_t state = 7;
    const char *json = cz_arena_printf(cz_test_arena(), "%s/lines.json", cz_test_directory());
    const char *yaml = cz_arena_printf(cz_test_arena(), "%s/documents.yaml", cz_test_directory());
    FILE *wanted = fopen(json, "we"), *written = fopen(yaml, "we");
    CZ_REQUIRE(wanted && written);
    for (size_t i = 0; i < CZ_COUNT(cases) + DRAWN; i++) {
        const char *text = i < CZ_COUNT(cases)
                               ? cases[i].json
                               : cz_arena_printf(cz_test_arena(), "{%s:[%s]}", drawn_text(&state),
                                                 drawn_text(&state));
        fprintf(wanted, "%s\n", text);
        fprintf(written, "---\n%s", yaml_of(text));
    }
    CZ_REQUIRE(!fclose(wanted) && !fclose(written));
    int code = python_compares(json, yaml);
    if (code == 77)
        cz_test_skip("python3 has no yaml");
    CZ_EXPECT_EQ(code, 0);
}
