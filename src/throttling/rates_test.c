#include "throttling/throttling_internal.h"
#include <calzone/testing.h>

CZ_TEST(a_rate_is_hits_and_a_period)
{
    static const struct {
        const char *text;
        uint32_t hits;
        int64_t seconds;
    } good[] = {
        { "100/day", 100, 86400 },
        { "5/second", 5, 1 },
        { "10/5m", 10, 300 },
        { "1/s", 1, 1 },
        { "20/m", 20, 60 },
        { "3/h", 3, 3600 },
        { "1000/d", 1000, 86400 },
        { "7/sec", 7, 1 },
        { "7/seconds", 7, 1 },
        { "7/min", 7, 60 },
        { "7/minute", 7, 60 },
        { "7/2minutes", 7, 120 },
        { "7/hour", 7, 3600 },
        { "7/12hours", 7, 43200 },
        { "7/30days", 7, 2592000 },
        { " 10 / 5 m ", 10, 300 },
        { "1000000000/366d", 1000000000, 366 * 86400 },
        { "1/8784h", 1, 366 * 86400 },
    };
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cz__rate rate = { 0 };
        cz_status status = cz__rate_read(cz_str_from(good[i].text), &rate);
        CZ_EXPECT_MSG(!status && rate.hits == good[i].hits &&
                          rate.period_us == good[i].seconds * 1000000,
                      "%s", good[i].text);
    }
}

CZ_TEST(what_is_no_rate_is_refused)
{
    static const char *const bad[] = {
        "",
        "/",
        "10",
        "10/",
        "/m",
        "10m",
        "10/parsec",
        "10/M",
        "10/Day",
        "10/month",
        "10/w",
        "10/ms",
        "0/m",
        "-1/m",
        "+1/m",
        "1.5/m",
        "1e3/m",
        "0x10/m",
        "10/0m",
        "10/-5m",
        "10/5",
        "10/m5",
        "10/5mm",
        "10//m",
        "10/m/2",
        "10/5 5m",
        "1 0/m",
        "ten/m",
        "1000000001/m",
        "99999999999999999999/m",
        "10/367d",
        "10/8785h",
        "10/99999999999999999999s",
        "10/18446744073709551615s",
        "10 per m",
        "10/m,",
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz__rate rate = { 42, 42 };
        CZ_EXPECT_MSG(cz__rate_read(cz_str_from(bad[i]), &rate) == CZ_EVALIDATION &&
                          rate.hits == 42,
                      "%s", bad[i]);
    }
}
