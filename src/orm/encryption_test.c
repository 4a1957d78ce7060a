#include "orm/encryption.h"
#include <calzone/testing.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=" /* 32 times "a" */
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

CZ_TEST(keys_of_a_setting_are_read_or_refused_without_being_repeated)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", NULL },
        { " ", NULL },
        { "a:" KEY_A, NULL },
        { " b : " KEY_B " , a-_9:" KEY_A, NULL },
        { KEY_A, "key 1 has no name" },
        { ":" KEY_A, "key 1 has no name" },
        { "a:" KEY_A "," KEY_B, "key 2 has no name" },
        { "a b:" KEY_A, "key 1 has no name" },
        { "a12345678901234567890:" KEY_A, "key 1 has no name" },
        { "a:", "\"a\" is not 32 bytes" },
        { "a:YWFh", "\"a\" is not 32 bytes" },
        { "a:" KEY_A "YWFh", "\"a\" is not 32 bytes" },
        { "a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE", "\"a\" is not 32 bytes" },
        { "a:" KEY_A ",a:" KEY_B, "two keys are called \"a\"" },
        { "a:" KEY_A ",", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        cz_status status = cz__field_keys_set(cz_str_from(cases[i].text), &err);
        if (!cases[i].message) {
            CZ_EXPECT_MSG(!status, "%zu: %s", i, cz_error_message(&err));
            continue;
        }
        cz_str message = cz_str_from(cz_error_message(&err));
        CZ_EXPECT_EQ(status, CZ_EVALIDATION);
        CZ_EXPECT_MSG(cz_str_find(message, cz_str_from(cases[i].message)) != SIZE_MAX, "%zu: %.*s",
                      i, CZ_STR_ARG(message));
        CZ_EXPECT(cz_str_find(message, CZ_STR("YWFhYWFhYWFh")) == SIZE_MAX);
        CZ_EXPECT_EQ(cz__field_keys_count(), 0);
    }
}

static cz_status open_stored(const char *stored, cz_str *out)
{
    cz_error err;
    return cz__field_decrypt(cz_test_arena(), cz_str_from(stored), out, &err);
}

CZ_TEST(a_value_opens_with_the_key_it_names)
{
    cz_arena *arena = cz_test_arena();
    cz_str stored, plain;
    cz_error err;
    CZ_EXPECT_EQ(cz__field_encrypt(arena, CZ_STR("x"), &stored, &err), CZ_EINVAL);
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("a:" KEY_A), &err));
    CZ_REQUIRE_OK(cz__field_encrypt(arena, CZ_STR("a secret"), &stored, &err));
    CZ_EXPECT(cz_str_starts_with(stored, CZ_STR("v1:a:")));
    CZ_EXPECT(cz__field_is_current(stored));
    CZ_REQUIRE_OK(cz__field_decrypt(arena, stored, &plain, &err));
    CZ_EXPECT_STR(plain, "a secret");
    /* another key comes first: the old one still opens */
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B ",a:" KEY_A), &err));
    CZ_EXPECT(!cz__field_is_current(stored));
    CZ_REQUIRE_OK(cz__field_decrypt(arena, stored, &plain, &err));
    CZ_EXPECT_STR(plain, "a secret");
    /* and is gone, or has become another */
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B), &err));
    CZ_EXPECT_EQ(cz__field_decrypt(arena, stored, &plain, &err), CZ_EDATABASE);
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("a:" KEY_B), &err));
    CZ_EXPECT_EQ(cz__field_decrypt(arena, stored, &plain, &err), CZ_EDATABASE);
    static const char *const bad[] = { "",      "a secret", "v1",        "v1:",       "v1:a",
                                       "v1:a:", "v1:a:!",   "v1:a:YWFh", "v2:a:YWFh", "v1::YWFh" };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_EQ(open_stored(bad[i], &plain), CZ_EDATABASE);
}
