#include "http/accept.h"
#include <calzone/testing.h>

CZ_TEST(a_coding_is_wanted_as_its_name_says_or_else_as_the_star)
{
    const struct {
        const char *header, *coding;
        int weight;
    } cases[] = {
        { "gzip", "gzip", 1000 },
        { "GZip", "gzip", 1000 },
        { "x-gzip", "gzip", 1000 },
        { "deflate, gzip;q=0.5, br", "gzip", 500 },
        { "gzip ; q=0.001", "gzip", 1 },
        { "gzip;Q=1.000", "gzip", 1000 },
        { "br;q=1.0, *;q=0.25", "gzip", 250 },
        { "*;q=0.25, gzip;q=0", "gzip", 0 },
        { "gzip;q=0, *", "gzip", 0 },
        { "*;q=0", "identity", 0 },
        { "identity;q=0.5, *;q=0", "identity", 500 },
        { "gzip", "identity", CZ__WEIGHT_UNSAID },
        { "", "gzip", CZ__WEIGHT_UNSAID },
        { " , ,", "gzip", CZ__WEIGHT_UNSAID },
        { "gzipped, xgzip, gzi", "gzip", CZ__WEIGHT_UNSAID },
        { "gzip;q=", "gzip", 0 },
        { "gzip;q=2", "gzip", 0 },
        { "gzip;q=1.5", "gzip", 0 },
        { "gzip;q=-1", "gzip", 0 },
        { "gzip;q=.5", "gzip", 0 },
        { "gzip;q=0.1234", "gzip", 0 },
        { "gzip;q=0,5", "gzip", 0 },
        { "gzip;q=0x1", "gzip", 0 },
        { "gzip;level=9;q=0.3", "gzip", 300 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(cz__accept_encoding(cz_str_from(cases[i].header),
                                          cz_str_from(cases[i].coding)) == cases[i].weight,
                      "%s of %s", cases[i].coding, cases[i].header);
}
