/* semver.org: what is a version, and which comes first. */
#include <calzone/clients.h>
#include <calzone/testing.h>

CZ_TEST(versions_are_those_of_semver)
{
    static const char *const good[] = {
        "0.0.4",
        "1.2.3",
        "10.20.30",
        "1.1.2-prerelease+meta",
        "1.1.2+meta",
        "1.1.2+meta-valid",
        "1.0.0-alpha",
        "1.0.0-beta",
        "1.0.0-alpha.beta",
        "1.0.0-alpha.beta.1",
        "1.0.0-alpha.1",
        "1.0.0-alpha0.valid",
        "1.0.0-alpha.0valid",
        "1.0.0-rc.1+build.1",
        "2.0.0-rc.1+build.123",
        "1.2.3-beta",
        "10.2.3-DEV-SNAPSHOT",
        "1.2.3-SNAPSHOT-123",
        "1.0.0",
        "2.0.0",
        "1.1.7",
        "2.0.0+build.1848",
        "2.0.1-alpha.1227",
        "1.0.0-alpha+beta",
        "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
        "1.2.3----R-S.12.9.1--.12+meta",
        "1.2.3----RC-SNAPSHOT.12.9.1--.12",
        "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
        "99999999999999999999999.999999999999999999.99999999999999999",
        "1.0.0-0A.is.legal",
        /* as stores have them */
        "1",
        "1.2",
        "0",
        "1.2-alpha",
        "1+build",
    };
    static const char *const bad[] = {
        "",
        " ",
        "1.",
        ".1",
        "1.2.",
        "1.2.3.",
        "1.2.3.4",
        "v1.2.3",
        "1.2.3-0123",
        "1.2.3-0123.0123",
        "1.1.2+.123",
        "+invalid",
        "-invalid",
        "-invalid+invalid",
        "-invalid.01",
        "alpha",
        "alpha.beta",
        "alpha.1",
        "alpha+beta",
        "alpha_beta",
        "alpha.",
        "alpha..",
        "beta",
        "1.0.0-alpha_beta",
        "-alpha.",
        "1.0.0-alpha..",
        "1.0.0-alpha..1",
        "1.0.0-alpha...1",
        "01.1.1",
        "1.01.1",
        "1.1.01",
        "1.2.3.DEV",
        "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788",
        "-1.0.3-gamma+b7718",
        "+justmeta",
        "9.8.7+meta+meta",
        "9.8.7-whatever+meta+meta",
        "1.2.3-",
        "1.2.3+",
        "1.2.3-+b",
        "1.2.3 ",
        " 1.2.3",
        "1,2,3",
        "1.2.x",
        "1.2.\xd9\xa3",
        "1.2.3-\xc3\xa9",
        "1.2.3-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < CZ_COUNT(good); i++)
        CZ_EXPECT_MSG(cz_semver_is_valid(cz_str_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(!cz_semver_is_valid(cz_str_from(bad[i])), "%s", bad[i]);
    CZ_EXPECT(!cz_semver_is_valid(cz_str_of("1.2.3\0", 6)));
    CZ_EXPECT(cz_semver_check(CZ_STR(""), 0) == NULL && cz_semver_check(CZ_STR("1.x"), 0) != NULL);
}

CZ_TEST(versions_have_the_order_of_semver)
{
    static const char *const ascending[] = {
        "0.0.0-0",
        "0",
        "0.0.1",
        "0.1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2",
        "1.10",
        "2.0.0-1",
        "2.0.0-2",
        "2.0.0-10",
        "2.0.0-10.a",
        "2.0.0--",
        "2.0.0-A",
        "2.0.0-a",
        "2",
        "2.0.1",
        "2.1.0",
        "2.1.1",
        "10.0.0",
        "99999999999999999999",
        "100000000000000000000",
    };
    static const char *const same[][2] = { { "1", "1.0.0" },
                                           { "1.2", "1.2.0+build.7" },
                                           { "1.0.0+a", "1.0.0+b" },
                                           { "1-rc.1", "1.0.0-rc.1" } };
    for (size_t i = 0; i < CZ_COUNT(ascending); i++)
        for (size_t n = 0; n < CZ_COUNT(ascending); n++) {
            int order = cz_semver_compare(cz_str_from(ascending[i]), cz_str_from(ascending[n]));
            CZ_EXPECT_MSG((order > 0) - (order < 0) == (i > n) - (i < n), "%s and %s: %d",
                          ascending[i], ascending[n], order);
        }
    for (size_t i = 0; i < CZ_COUNT(same); i++)
        CZ_EXPECT_EQ(cz_semver_compare(cz_str_from(same[i][0]), cz_str_from(same[i][1])), 0);
}
