#include <calzone/testing.h>
#include <calzone/time.h>

CZ_TEST(times_of_day_are_read_and_written)
{
    static const struct {
        const char *in, *out;
    } cases[] = { { "04:05", "04:05:00" },
                  { "00:00:00", "00:00:00" },
                  { "23:59:59.999999", "23:59:59.999999" },
                  { "04:05:06.5", "04:05:06.500000" },
                  { "04:05:06.123456789", "04:05:06.123456" } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_time t;
        char text[CZ_TIME_TEXT];
        CZ_REQUIRE_OK(cz_time_parse(cz_str_from(cases[i].in), &t));
        CZ_EXPECT(cz_str_eq(cz_str_of(text, cz_time_write(text, t)), cz_str_from(cases[i].out)));
    }
    static const char *const bad[] = {
        "",  "4:05",      "24:00", "04:60",     "04:05:60",           "04", "04:05:", "04:05:06.",
        "x", "04:05:06Z", "-1:00", "04:05:006", "04:05:06.1234567890"
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_time t = { 7 };
        CZ_EXPECT_EQ(cz_time_parse(cz_str_from(bad[i]), &t), CZ_EVALIDATION);
        CZ_EXPECT_EQ(t.us, 7);
    }
}

/* What Django's parse_duration() and duration_string() make of the same texts. */
CZ_TEST(durations_are_read_and_written_as_django_does)
{
    static const struct {
        const char *in;
        int64_t us;
        const char *out;
    } cases[] = {
        { "15", 15000000, "00:00:15" },
        { "15:30", 930000000, "00:15:30" },
        { "10:15:30", 36930000000, "10:15:30" },
        { "4 15:30", 346530000000, "4 00:15:30" },
        { "4 days, 0:15:30.1", 346530100000, "4 00:15:30.100000" },
        { "1 day, 1:00:00", 90000000000, "1 01:00:00" },
        { "-4 15:30", -344670000000, "-4 00:15:30" },
        { "-15:30", -930000000, "-1 23:44:30" },
        { "-1 23:59:59.999999", -1, "-1 23:59:59.999999" },
        { "100:200:300", 372300000000, "4 07:25:00" },
        { "P4DT1H15M20S", 350120000000, "4 01:15:20" },
        { "PT0.5S", 500000, "00:00:00.500000" },
        { "-P1D", -86400000000, "-1 00:00:00" },
        { "P1W", 604800000000, "7 00:00:00" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_duration d;
        char text[CZ_DURATION_TEXT];
        CZ_REQUIRE_OK(cz_duration_parse(cz_str_from(cases[i].in), &d));
        CZ_EXPECT_EQ(d.us, cases[i].us);
        CZ_EXPECT(
            cz_str_eq(cz_str_of(text, cz_duration_write(text, d)), cz_str_from(cases[i].out)));
    }
    static const char *const bad[] = {
        "",
        "P",
        "PT",
        "P1Y",
        "P1M",
        "PT1D",
        "P1S",
        "P1H",
        "1:2:3:4",
        "1:",
        ":1",
        "1 ",
        "a 15:30",
        "1.5.5",
        "15 seconds",
        "--1",
        "P1D1",
        "PT1S1H",
        "1e3",
        "P-1D",
        "99999999999999999999",
        "999999999999 00:00:00",
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_duration d = { 7 };
        CZ_EXPECT_EQ(cz_duration_parse(cz_str_from(bad[i]), &d), CZ_EVALIDATION);
        CZ_EXPECT_EQ(d.us, 7);
    }
    char text[CZ_DURATION_TEXT];
    size_t len = cz_duration_write(text, (cz_duration){ INT64_MIN });
    CZ_EXPECT(cz_str_eq(cz_str_of(text, len), CZ_STR("-106751992 19:59:05.224192")));
}
