#include <calzone/testing.h>

CZ_TEST(every_status_has_a_name_a_code_a_sentence_and_an_http_answer)
{
    static const cz_status all[] = {
#define X(name, value, http, code, text) CZ_##name,
        CZ_STATUS_MAP(X)
#undef X
    };
    for (size_t i = 0; i < CZ_COUNT(all); i++) {
        CZ_EXPECT_EQ(all[i], -(int)i); /* no gap, so no number is ever used twice */
        CZ_EXPECT(cz_status_name(all[i])[0] && cz_status_text(all[i])[0]);
        CZ_EXPECT(strlen(cz_status_code(all[i])) < sizeof((cz_error *)0)->code);
        CZ_EXPECT(cz_status_http(all[i]) >= 200 && cz_status_http(all[i]) <= 599);
    }
    CZ_EXPECT_STR(cz_str_from(cz_status_name((cz_status)-1000)), "UNKNOWN");
    CZ_EXPECT_EQ(cz_status_http((cz_status)-1000), 500);
}

CZ_TEST(an_error_carries_its_message_and_falls_back_on_the_statuss_own)
{
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_error_set(&err, CZ_ENOTFOUND, "no book %d", 7), CZ_ENOTFOUND);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "no book 7");
    CZ_EXPECT_STR(cz_str_from(cz_error_code(&err)), "not_found");
    CZ_EXPECT_EQ(cz_error_http(&err), 404);
    CZ_EXPECT_EQ(cz_error_set(&err, CZ_EIO, "again: %s", err.message), CZ_EIO);
    CZ_EXPECT_STR(cz_str_from(err.message), "again: no book 7");
    cz_error plain = { .status = CZ_EDENIED, .http_status = 418, .code = "teapot" };
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&plain)), cz_status_text(CZ_EDENIED));
    CZ_EXPECT_STR(cz_str_from(cz_error_code(&plain)), "teapot");
    CZ_EXPECT_EQ(cz_error_http(&plain), 418);
    CZ_EXPECT_EQ(cz_error_set(NULL, CZ_EIO, "nobody listens"), CZ_EIO);
    char text[600];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cz_ignore(cz_error_set(&err, CZ_EIO, "%s", text)); /* its status is not what is tested */
    CZ_EXPECT_EQ(strlen(err.message), sizeof err.message - 1);
}
