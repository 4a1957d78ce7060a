#include "http/h2_guard.h"
#include <calzone/testing.h>

CZ_TEST(a_bucket_has_its_burst_and_fills_at_its_rate)
{
    struct cz__h2_guard guard = { 0 };
    int64_t now = 1000000;
    for (int i = 0; i < 200; i++)
        CZ_EXPECT(cz__h2_guard_take(&guard, CZ__H2_RESET, now));
    CZ_EXPECT(!cz__h2_guard_take(&guard, CZ__H2_RESET, now));
    CZ_EXPECT(cz__h2_guard_take(&guard, CZ__H2_PING, now)); /* of its own */
    CZ_EXPECT(!cz__h2_guard_take(&guard, CZ__H2_RESET, now + 49));
    CZ_EXPECT(cz__h2_guard_take(&guard, CZ__H2_RESET, now + 50)); /* 20 a second */
    CZ_EXPECT(!cz__h2_guard_take(&guard, CZ__H2_RESET, now + 50));
    now += 3600 * 1000; /* it never holds more than the burst */
    for (int i = 0; i < 200; i++)
        CZ_EXPECT(cz__h2_guard_take(&guard, CZ__H2_RESET, now));
    CZ_EXPECT(!cz__h2_guard_take(&guard, CZ__H2_RESET, now));
}

/* What was spent comes back, for this as for the tokens. */
CZ_TEST(a_guard_is_low_when_three_quarters_of_a_bucket_are_spent)
{
    struct cz__h2_guard guard = { 0 };
    for (int i = 0; i < 150; i++) {
        CZ_EXPECT(!cz__h2_guard_is_low(&guard, 5000));
        CZ_EXPECT(cz__h2_guard_take(&guard, CZ__H2_RESET, 5000));
    }
    CZ_EXPECT(!cz__h2_guard_is_low(&guard, 5000));
    CZ_EXPECT(cz__h2_guard_take(&guard, CZ__H2_RESET, 5000));
    CZ_EXPECT(cz__h2_guard_is_low(&guard, 5000));
    CZ_EXPECT(!cz__h2_guard_is_low(&guard, 5051)); /* 20 a second */
}

CZ_TEST(frames_are_of_a_kind_by_their_heads)
{
    static const struct {
        uint8_t type, flags;
        uint32_t length;
        enum cz__h2_kind kind;
    } cases[] = {
        { 0, 0, 1, CZ__H2_KIND_COUNT },    { 0, 0, 0, CZ__H2_EMPTY },
        { 0, 1, 0, CZ__H2_KIND_COUNT },    { 0, 8, 0, CZ__H2_EMPTY },
        { 1, 0, 0, CZ__H2_KIND_COUNT },    { 2, 0, 5, CZ__H2_PRIORITY },
        { 3, 0, 4, CZ__H2_RESET },         { 4, 0, 0, CZ__H2_SETTINGS },
        { 4, 1, 0, CZ__H2_KIND_COUNT },    { 6, 0, 8, CZ__H2_PING },
        { 6, 1, 8, CZ__H2_PING },          { 8, 0, 4, CZ__H2_KIND_COUNT },
        { 9, 4, 10, CZ__H2_CONTINUATION }, { 10, 0, 0, CZ__H2_UNKNOWN },
        { 255, 255, 9, CZ__H2_UNKNOWN },   { 16, 0, 9, CZ__H2_PRIORITY },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_EQ(cz__h2_kind_of(cases[i].type, cases[i].flags, cases[i].length), cases[i].kind);
}

/* Wherever the bytes are cut. */
CZ_TEST(frames_are_found_in_what_a_client_sends)
{
    static const char bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0\0"
                                "\0\0\3\0\1\0\0\0\1abc"
                                "\0\0\1\xee\0\0\0\0\0x"
                                "\0\0\0\4\1\0\0\0\0"
                                "\0\0";
    static const struct {
        uint8_t type;
        uint32_t length;
    } frames[] = { { 4, 0 }, { 0, 3 }, { 0xee, 1 }, { 4, 0 } };
    for (size_t cut = 0; cut < sizeof bytes - 1; cut++) {
        struct cz__h2_scan scan = { 0 };
        size_t found = 0, at = 0;
        while (cz__h2_scan_next(&scan, bytes, cut, &at) ||
               (at = at < cut ? cut : at, cz__h2_scan_next(&scan, bytes, sizeof bytes - 1, &at))) {
            CZ_REQUIRE(found < CZ_COUNT(frames));
            CZ_EXPECT_EQ(scan.head[3], frames[found].type);
            CZ_EXPECT_EQ(cz__h2_scan_length(&scan), frames[found].length);
            found++;
        }
        CZ_EXPECT_EQ(found, CZ_COUNT(frames));
    }
}
