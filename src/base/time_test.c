#include <calzone/testing.h>
#include <calzone/time.h>
#include <stdio.h>

/* An oracle that shares nothing with time.c: it walks the calendar one day at a time. */
CZ_TEST(every_day_of_years_1_to_9999_has_the_number_the_calendar_gives_it)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = 1, month = 1, day = 1, weekday = 1; /* 0001-01-01 was a Monday */
    static const char names[] = "SunMonTueWedThuFriSat";
    for (int32_t days = -719162; days <= 2932896; days++) {
        cz_date date;
        CZ_REQUIRE_OK(cz_civil_date(year, month, day, &date));
        cz_civil civil = cz_date_civil((cz_date){ days });
        CZ_REQUIRE(date.days == days);
        CZ_REQUIRE(civil.year == year && civil.month == month && civil.day == day);
        char text[CZ_HTTP_DATE_TEXT];
        cz_http_date_write(text, days * INT64_C(86400) + 86399);
        CZ_REQUIRE(!memcmp(text, names + weekday * 3, 3));
        weekday = (weekday + 1) % 7;
        int length = lengths[month - 1];
        if (month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
            length++;
        if (++day > length) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
    CZ_EXPECT_EQ(year, 10000);
}

CZ_TEST(an_instant_survives_civil_form_and_text)
{
    uint64_t state = 88172645463325252u; /* xorshift64: the same instants in every run */
    for (int i = 0; i < 200000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        int64_t us = (int64_t)(state % 315537897600000000u) - 62135596800000000;
        if (i % 3 == 0)
            us -= us % 1000000;
        cz_datetime t = { us }, back;
        CZ_REQUIRE_OK(cz_civil_datetime(cz_datetime_civil(t), &back));
        CZ_REQUIRE(back.us == t.us);
        char text[CZ_DATETIME_TEXT];
        size_t len = cz_datetime_write(text, t);
        CZ_REQUIRE(len == (us % 1000000 ? 27 : 20));
        CZ_REQUIRE_OK(cz_datetime_parse(cz_str_of(text, len), &back));
        CZ_REQUIRE(back.us == t.us);
        int64_t seconds;
        char http[CZ_HTTP_DATE_TEXT];
        CZ_REQUIRE(cz_http_date_write(http, us / 1000000) == CZ_HTTP_DATE_TEXT);
        CZ_REQUIRE_OK(cz_http_date_parse(cz_str_of(http, sizeof http), &seconds));
        CZ_REQUIRE(seconds == us / 1000000);
    }
}

CZ_TEST(instants_outside_the_calendar_are_shown_as_the_nearest_inside)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        { INT64_MIN, "0001-01-01T00:00:00Z" },
        { -62135596800000001, "0001-01-01T00:00:00Z" },
        { -62135596800000000, "0001-01-01T00:00:00Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { 0, "1970-01-01T00:00:00Z" },
        { 253402300799999999, "9999-12-31T23:59:59.999999Z" },
        { 253402300800000000, "9999-12-31T23:59:59.999999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999999Z" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char text[CZ_DATETIME_TEXT];
        size_t len = cz_datetime_write(text, (cz_datetime){ cases[i].us });
        CZ_EXPECT_STR(cz_str_of(text, len), cases[i].text);
    }
    char text[CZ_HTTP_DATE_TEXT];
    cz_http_date_write(text, INT64_MAX);
    CZ_EXPECT_STR(cz_str_of(text, sizeof text), "Fri, 31 Dec 9999 23:59:59 GMT");
    cz_http_date_write(text, INT64_MIN);
    CZ_EXPECT_STR(cz_str_of(text, sizeof text), "Mon, 01 Jan 0001 00:00:00 GMT");
    cz_date_write(text, (cz_date){ INT32_MAX });
    CZ_EXPECT_STR(cz_str_of(text, CZ_DATE_TEXT), "9999-12-31");
}

CZ_TEST(iso_datetimes_are_read_in_every_accepted_form)
{
    static const struct {
        const char *text, *expected;
    } good[] = {
        { "2026-11-21T04:05:06.789Z", "2026-11-21T04:05:06.789000Z" },
        { "2026-11-21 04:05:06", "2026-11-21T04:05:06Z" },
        { "2026-11-21t04:05:06z", "2026-11-21T04:05:06Z" },
        { "2026-11-21T04:05", "2026-11-21T04:05:00Z" },
        { "2026-11-21T04:05+02:00", "2026-11-21T02:05:00Z" },
        { "2026-11-21T04:05:06+0530", "2026-11-20T22:35:06Z" },
        { "2026-11-21T23:05:06-08", "2026-11-22T07:05:06Z" },
        { "2026-11-21T04:05:06-00:00", "2026-11-21T04:05:06Z" },
        { "2026-11-21T04:05:06,5Z", "2026-11-21T04:05:06.500000Z" },
        { "2026-11-21T04:05:06.123456789Z", "2026-11-21T04:05:06.123456Z" },
        { "2024-02-29T00:00Z", "2024-02-29T00:00:00Z" },
        { "2000-02-29T00:00Z", "2000-02-29T00:00:00Z" },
        { "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z" },
        { "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z" },
    };
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cz_datetime t = { 0 };
        CZ_EXPECT_MSG(!cz_datetime_parse(cz_str_from(good[i].text), &t), "%s", good[i].text);
        char text[CZ_DATETIME_TEXT];
        CZ_EXPECT_STR(cz_str_of(text, cz_datetime_write(text, t)), good[i].expected);
    }
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11",
        "2026-11-21",
        "2026-11-21T",
        "2026-11-21T04",
        "2026-11-21T04:",
        "2026-11-21T04:5",
        "2026-11-21T4:05",
        "2026-11-21T04:05:",
        "2026-11-21T04:05:6",
        "2026-11-21T04:05:06.",
        "2026-11-21T04:05:06.Z",
        "2026-11-21T04:05:06.1234567890Z",
        "2026-11-21T04:05.5Z",
        "2026-11-21T04:05:06 Z",
        "2026-11-21T04:05:06ZZ",
        "2026-11-21T04:05:06Z ",
        " 2026-11-21T04:05:06Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T04:60:00Z",
        "2026-11-21T04:05:60Z",
        "2026-13-21T04:05:06Z",
        "2026-00-21T04:05:06Z",
        "2026-11-00T04:05:06Z",
        "2026-11-31T04:05:06Z",
        "2026-02-29T04:05:06Z",
        "1900-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "+026-11-21T04:05:06Z",
        "2026-11-21X04:05:06Z",
        "2026/11/21T04:05:06Z",
        "20261121T040506Z",
        "2026-11-21T04:05:06+",
        "2026-11-21T04:05:06+2",
        "2026-11-21T04:05:06+02:",
        "2026-11-21T04:05:06+02:0",
        "2026-11-21T04:05:06+024",
        "2026-11-21T04:05:06+24:00",
        "2026-11-21T04:05:06+02:60",
        "2026-11-21T04:05:06 UTC",
        "2026-11-21T04:05:06+02:00x",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-11-21T04:05:0\xc2\xb2Z",
        "2026-1 -21T04:05:06Z",
        "now",
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_datetime t = { 42 };
        CZ_EXPECT_MSG(cz_datetime_parse(cz_str_from(bad[i]), &t) == CZ_EVALIDATION && t.us == 42,
                      "\"%s\" was accepted or `out` written", bad[i]);
    }
    cz_datetime t;
    CZ_EXPECT_EQ(cz_datetime_parse(cz_str_of("2026-11-21T04:05\0", 17), &t), CZ_EVALIDATION);
}

CZ_TEST(iso_dates_are_read_strictly)
{
    cz_date date;
    CZ_REQUIRE_OK(cz_date_parse(CZ_STR("2026-11-21"), &date));
    CZ_EXPECT_EQ(date.days, 20778);
    char text[CZ_DATE_TEXT];
    CZ_EXPECT_STR(cz_str_of(text, cz_date_write(text, date)), "2026-11-21");
    static const char *const bad[] = { "",           "2026-11-2",   "2026-11-211", "2026-1-21",
                                       "26-11-21",   "2026-11-21 ", "2026-02-30",  "2026-11-21T",
                                       "0000-01-01", "2026-+1-21",  "2100-02-29" };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz_date_parse(cz_str_from(bad[i]), &date) == CZ_EVALIDATION, "%s", bad[i]);
}

CZ_TEST(a_day_or_time_that_does_not_exist_is_refused)
{
    cz_date date;
    CZ_EXPECT_EQ(cz_civil_date(2025, 2, 29, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(2025, 4, 31, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(0, 1, 1, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(10000, 1, 1, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(INT32_MIN, 1, 1, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(2025, 0, 1, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(2025, 13, 1, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(2025, 1, 0, &date), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_civil_date(2025, 1, -5, &date), CZ_EVALIDATION);
    cz_datetime t;
    cz_civil civil = { 2025, 1, 1, 0, 0, 0, 0 };
    CZ_EXPECT_EQ(cz_civil_datetime(civil, &t), CZ_OK);
    civil.hour = 24;
    CZ_EXPECT_EQ(cz_civil_datetime(civil, &t), CZ_EVALIDATION);
    civil = (cz_civil){ 2025, 1, 1, 0, 60, 0, 0 };
    CZ_EXPECT_EQ(cz_civil_datetime(civil, &t), CZ_EVALIDATION);
    civil = (cz_civil){ 2025, 1, 1, 0, 0, 60, 0 };
    CZ_EXPECT_EQ(cz_civil_datetime(civil, &t), CZ_EVALIDATION);
    civil = (cz_civil){ 2025, 1, 1, 0, 0, 0, 1000000 };
    CZ_EXPECT_EQ(cz_civil_datetime(civil, &t), CZ_EVALIDATION);
}

CZ_TEST(http_dates_are_read_in_the_three_forms_of_rfc_9110)
{
    cz_datetime now;
    CZ_REQUIRE_OK(cz_datetime_parse(CZ_STR("2026-11-21T00:00:00Z"), &now));
    cz__time_freeze(now); /* two-digit years depend on it */
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
        { "Sun Nov  6 08:49:37 1994", 784111777 },
        { "Wed Nov 16 08:49:37 1994", 784975777 },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
        { "Saturday, 21-Nov-76 00:00:00 GMT", 3373142400 }, /* 50 years ahead: 2076 */
        { "Monday, 21-Nov-77 00:00:00 GMT", 248918400 },    /* more: 1977 */
    };
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        int64_t seconds = -1;
        CZ_EXPECT_MSG(!cz_http_date_parse(cz_str_from(good[i].text), &seconds), "%s", good[i].text);
        CZ_EXPECT_MSG(seconds == good[i].seconds, "%s gave %lld", good[i].text, (long long)seconds);
    }
    static const char *const bad[] = {
        "",
        "0",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 31-Jun-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov  6 08:49:37 94",
        "Sun, 06 Nov 1994  08:49:37 GMT",
        "2026-11-21T04:05:06Z",
        "784111777",
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        int64_t seconds = 42;
        CZ_EXPECT_MSG(cz_http_date_parse(cz_str_from(bad[i]), &seconds) == CZ_EVALIDATION &&
                          seconds == 42,
                      "\"%s\" was accepted", bad[i]);
    }
    cz__time_freeze((cz_datetime){ INT64_MIN });
}

CZ_TEST(a_frozen_clock_stands_still_and_goes_on_when_released)
{
    cz__time_freeze((cz_datetime){ 1234567 });
    CZ_EXPECT_EQ(cz_now().us, 1234567);
    CZ_EXPECT_EQ(cz_now().us, 1234567);
    cz__time_freeze((cz_datetime){ INT64_MIN });
    CZ_EXPECT(cz_now().us > INT64_C(1700000000) * 1000000);
    int64_t before = cz_monotonic_us();
    CZ_EXPECT(cz_monotonic_us() >= before);
}

/* What a database stores takes a path of its own; a zone after it takes the general one. */
CZ_TEST(an_instant_without_a_zone_reads_as_the_same_with_one)
{
    uint64_t state = 1;
    for (int i = 0; i < 2000000; i++) {
        char text[21] = "2024-02-29 23:59:59Z";
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        int changes = (int)(state >> 60) & 3;
        for (int c = 0; c <= changes; c++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
            char any = (char)(state >> 40);
            char digit = (char)('0' + (state >> 48) % 12); /* 10 of 12 are digits */
            text[(state >> 33) % 19] = (state >> 63) ? any : digit;
        }
        cz_datetime plain = { 1 }, zoned = { 1 };
        cz_status a = cz_datetime_parse(cz_str_of(text, 19), &plain);
        cz_status b = cz_datetime_parse(cz_str_of(text, 20), &zoned);
        if (a != b || plain.us != zoned.us) {
            /* "hh:mm:s" cut by a zone mark, as in "23:59+01:00Z", is the one thing only one of them is */
            if (memchr(text + 16, '+', 3) || memchr(text + 16, '-', 3) ||
                memchr(text + 16, 'Z', 3) || memchr(text + 16, 'z', 3))
                continue;
            cz__test_fail(__FILE__, __LINE__, "\"%.19s\": %d and %d, %lld and %lld", text, (int)a,
                          (int)b, (long long)plain.us, (long long)zoned.us);
            return;
        }
    }
}

CZ_TEST(today_is_the_day_of_now_in_utc)
{
    static const struct {
        const char *instant, *day;
    } cases[] = {
        { "2026-11-21T00:00:00Z", "2026-11-21" },
        { "2026-11-21T23:59:59.999999Z", "2026-11-21" },
        { "2026-11-21T00:30:00+02:00", "2026-11-20" },
        { "1970-01-01T00:00:00Z", "1970-01-01" },
        { "1969-12-31T23:59:59.999999Z", "1969-12-31" },
        { "0001-01-01T00:00:00Z", "0001-01-01" },
        { "9999-12-31T23:59:59Z", "9999-12-31" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_datetime t;
        cz_date day;
        CZ_REQUIRE_OK(cz_datetime_parse(cz_str_from(cases[i].instant), &t));
        CZ_REQUIRE_OK(cz_date_parse(cz_str_from(cases[i].day), &day));
        CZ_EXPECT_EQ(cz_datetime_date(t).days, day.days);
        cz__time_freeze(t);
        CZ_EXPECT_EQ(cz_today().days, day.days);
    }
    cz__time_freeze((cz_datetime){ INT64_MIN });
}
