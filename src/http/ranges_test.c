#include "http/ranges.h"
#include <calzone/testing.h>
#include <stdio.h>

#define MOST UINT64_MAX

CZ_TEST(what_a_range_header_asks_for)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum cz__ranges_wanted wanted;
        size_t count;
        struct cz__range ranges[3];
    } cases[] = {
        { "bytes=0-4", 100, CZ__RANGES_SOME, 1, { { 0, 5 } } },
        { "bytes=0-0", 100, CZ__RANGES_SOME, 1, { { 0, 1 } } },
        { "bytes=99-99", 100, CZ__RANGES_SOME, 1, { { 99, 1 } } },
        { "bytes=95-", 100, CZ__RANGES_SOME, 1, { { 95, 5 } } },
        { "bytes=0-", 1, CZ__RANGES_SOME, 1, { { 0, 1 } } },
        { "bytes=-3", 100, CZ__RANGES_SOME, 1, { { 97, 3 } } },
        { "bytes=-100", 100, CZ__RANGES_SOME, 1, { { 0, 100 } } },
        { "bytes=-1000", 100, CZ__RANGES_SOME, 1, { { 0, 100 } } },
        { "bytes=98-100000", 100, CZ__RANGES_SOME, 1, { { 98, 2 } } },
        { "BYTES=0-0", 100, CZ__RANGES_SOME, 1, { { 0, 1 } } },
        { "bytes= 1-2 ,\t4-5", 100, CZ__RANGES_SOME, 2, { { 1, 2 }, { 4, 2 } } },
        { "bytes=4-5,1-2", 100, CZ__RANGES_SOME, 2, { { 4, 2 }, { 1, 2 } } }, /* as asked for */
        { "bytes=,0-1,,", 100, CZ__RANGES_SOME, 1, { { 0, 2 } } },            /* 5.6.1 */
        { "bytes=0-1,2-3,4-", 100, CZ__RANGES_SOME, 3, { { 0, 2 }, { 2, 2 }, { 4, 96 } } },
        { "bytes=200-300,0-0", 100, CZ__RANGES_SOME, 1, { { 0, 1 } } },
        { "bytes=0-0,-0", 100, CZ__RANGES_SOME, 1, { { 0, 1 } } },
        { "bytes=000000000000000000000000000001-2", 100, CZ__RANGES_SOME, 1, { { 1, 2 } } },
        { "bytes=0-18446744073709551615", MOST, CZ__RANGES_SOME, 1, { { 0, MOST } } },
        { "bytes=0-99999999999999999999999", MOST, CZ__RANGES_SOME, 1, { { 0, MOST } } },
        { "bytes=18446744073709551614-", MOST, CZ__RANGES_SOME, 1, { { MOST - 1, 1 } } },
        { "bytes=-18446744073709551615", MOST, CZ__RANGES_SOME, 1, { { 0, MOST } } },

        { "bytes=100-", 100, CZ__RANGES_NONE, 0, { { 0, 0 } } },
        { "bytes=100-200", 100, CZ__RANGES_NONE, 0, { { 0, 0 } } },
        { "bytes=-0", 100, CZ__RANGES_NONE, 0, { { 0, 0 } } },
        { "bytes=100-,200-300,-0", 100, CZ__RANGES_NONE, 0, { { 0, 0 } } },
        { "bytes=18446744073709551616-", 100, CZ__RANGES_NONE, 0, { { 0, 0 } } },

        { "", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=,", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=-", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=a-b", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=1-b", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=0x1-2", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=+1-2", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=1 -2", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=1- 2", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=--1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=1--2", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=1-2-3", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=5-2", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=500-200", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=0-1;2-3", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=0-1,a", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=100-,a", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes 0-1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes =0-1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "lines=0-1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "0-1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=0-0", 0, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=-5", 0, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        /* What overlaps. */
        { "bytes=0-,0-", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=0-5,5-9", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=5-9,0-5", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=90-,-1", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=0-99,50-51", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
        { "bytes=50-51,0-99", 100, CZ__RANGES_ALL, 0, { { 0, 0 } } },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__ranges ranges = { .count = 0 };
        enum cz__ranges_wanted wanted =
            cz__ranges_read(cz_str_from(cases[i].header), cases[i].size, &ranges);
        CZ_EXPECT_MSG(wanted == cases[i].wanted && ranges.count == cases[i].count, "%s: %d, %zu",
                      cases[i].header, (int)wanted, ranges.count);
        for (size_t r = 0; r < ranges.count && r < CZ_COUNT(cases[i].ranges); r++)
            CZ_EXPECT_MSG(ranges.items[r].first == cases[i].ranges[r].first &&
                              ranges.items[r].bytes == cases[i].ranges[r].bytes,
                          "%s", cases[i].header);
    }
}

CZ_TEST(more_ranges_than_the_limit_are_all_of_it)
{
    char text[256];
    struct cz__ranges ranges;
    size_t len = (size_t)snprintf(text, sizeof text, "bytes=");
    for (int i = 0; i <= CZ__RANGES_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%d-%d,", 2 * i, 2 * i);
        enum cz__ranges_wanted wanted = cz__ranges_read(cz_str_of(text, len), 1000, &ranges);
        CZ_EXPECT_EQ((int)wanted, i < CZ__RANGES_MAX ? (int)CZ__RANGES_SOME : (int)CZ__RANGES_ALL);
    }
    /* Those that are not there count. */
    len = (size_t)snprintf(text, sizeof text, "bytes=0-0");
    for (int i = 0; i < CZ__RANGES_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, ",999-");
    CZ_EXPECT_EQ((int)cz__ranges_read(cz_str_of(text, len), 10, &ranges), (int)CZ__RANGES_ALL);
}
