/* `openapi diff` as CI runs it. */
#include "management/command_testing.h"
#include <calzone/calzone.h>

static const cz_route no_urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(comparer, "comparer", .urls = no_urls);

#define DOCUMENT(paths) "{\"openapi\":\"3.1.0\",\"paths\":{" paths "}}"

CZ_TEST(two_documents_are_compared_for_ci)
{
    const char *old = cz__test_write("old.json", DOCUMENT("\"/a\":{\"get\":{}}"));
    const char *new_ = cz__test_write("new.json", DOCUMENT("\"/a\":{\"get\":{},\"put\":{}}"));
    const char *yaml = cz__test_write("old.yaml", "openapi: \"3.1.0\"\n");
    const char *none = cz__test_write("none.json", "{}");
    const char *nothing = cz__test_path("nothing.json");
    const struct {
        const char *arguments[5];
        int code;
        const char *text;
    } cases[] = {
        { { old, old }, 0, "0 changes, 0 of them breaking\n" },
        { { old, new_ }, 0, "        PUT /a: is new\n1 changes, 0 of them breaking\n" },
        { { new_, old }, 1, "breaks  PUT /a: is gone\n1 changes, 1 of them breaking\n" },
        { { "--json", new_, old },
          1,
          "{\"breaking\":1,\"changes\":[{\"breaking\":true,\"where\":\"PUT /a\",\"what\":\"is "
          "gone\"}]}\n" },
        { { old, new_, "--json" },
          0,
          "{\"breaking\":0,\"changes\":[{\"breaking\":false,\"where\":\"PUT /a\",\"what\":\"is "
          "new\"}]}\n" },
        { { old }, 2, "openapi diff: name two files, the older one first\n" },
        { { NULL }, 2, "openapi diff: name two files, the older one first\n" },
        { { old, new_, old }, 2, NULL },
        { { "--yaml", old, new_ }, 2, NULL },
        { { old, none }, 2, "openapi diff: the new document is none of OpenAPI 3\n" },
        { { none, old }, 2, "openapi diff: the old document is none of OpenAPI 3\n" },
        { { yaml, old },
          2,
          cz_arena_printf(cz_test_arena(),
                          "openapi diff: %s: JSON parse error: Expecting value: line 1 column 1 "
                          "(char 0); documents are compared as JSON, YAML is not read\n",
                          yaml) },
        { { nothing, old },
          2,
          cz_arena_printf(cz_test_arena(), "openapi diff: %s: No such file or directory\n",
                          nothing) },
        { { "/", old }, 2, "openapi diff: /: Is a directory\n" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str out;
        const char *const *a = cases[i].arguments;
        int code = cz__test_command(
            &comparer, CZ__TEXTS(NULL),
            CZ__TEXTS("openapi", "diff", a[0], a[0] ? a[1] : NULL, a[0] && a[1] ? a[2] : NULL),
            &out);
        CZ_EXPECT_MSG(code == cases[i].code, "case %zu ends with %d: %.*s", i, code,
                      CZ_STR_ARG(out));
        if (cases[i].text)
            CZ_EXPECT_STR(out, cases[i].text);
    }
}
