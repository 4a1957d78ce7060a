#include <calzone/base64.h>
#include <calzone/testing.h>

CZ_TEST(base64_agrees_with_rfc_4648_and_back)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = { { "", "" },
                  { "f", "Zg==" },
                  { "fo", "Zm8=" },
                  { "foo", "Zm9v" },
                  { "foob", "Zm9vYg==" },
                  { "fooba", "Zm9vYmE=" },
                  { "foobar", "Zm9vYmFy" },
                  { "\xfb\xff", "+/8=" } };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char text[64];
        size_t len = strlen(cases[i].bytes);
        CZ_REQUIRE(cz_base64_write(text, cases[i].bytes, len) == CZ_BASE64_TEXT(len));
        CZ_EXPECT(cz_str_eq(cz_str_of(text, CZ_BASE64_TEXT(len)), cz_str_from(cases[i].text)));
        cz_bytes back;
        CZ_REQUIRE_OK(cz_base64_read(arena, cz_str_from(cases[i].text), &back));
        CZ_EXPECT(back.len == len && memcmp(back.ptr, cases[i].bytes, len) == 0);
    }
    static const char *const bad[] = { "Z",    "Zg",   "Zg=",  "=",    "====",   "Z===", "Zg==Zg==",
                                       "Zh==", "Zm9=", "Zm 9", "Zm-_", "Zm9v\n", "=Zg=", "Zg==\n" };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_bytes out = { "x", 1 };
        CZ_EXPECT_EQ(cz_base64_read(arena, cz_str_from(bad[i]), &out), CZ_EVALIDATION);
        CZ_EXPECT_EQ(out.len, 1);
    }
    cz_arena_destroy(arena);
}
