#include <calzone/middleware.h>
#include <calzone/testing.h>

CZ_TEST(a_host_is_allowed_by_name_domain_or_star_and_nothing_else)
{
    static const cz_str items[] = {
        { "example.com", 11 }, { ".shop.test", 10 }, { "[::1]", 5 }, { "127.0.0.1", 9 }
    };
    const cz_str_list allowed = { items, CZ_COUNT(items) };
    const struct {
        const char *host;
        bool allowed;
    } cases[] = {
        { "example.com", true },
        { "EXAMPLE.com:8000", true },
        { "example.com.", true },
        { "shop.test", true },
        { "a.shop.test", true },
        { "a.b.shop.test:1", true },
        { "[::1]", true },
        { "[::1]:8000", true },
        { "127.0.0.1:9", true },
        { "", false },
        { "example.org", false },
        { "www.example.com", false },
        { "xexample.com", false },
        { "evilshop.test", false },
        { "shop.test.evil", false },
        { ".shop.test", false },
        { "[::2]", false },
        { "127.0.0.11", false },
        { "example.com@evil", false },
        { "evil:example.com", false },
        { "[::1", false },
        { ".", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(cz_host_is_allowed(cz_str_from(cases[i].host), &allowed) == cases[i].allowed,
                      "%s", cases[i].host);
    const cz_str star = CZ_STR("*");
    const cz_str_list any = { &star, 1 };
    CZ_EXPECT(cz_host_is_allowed(CZ_STR("anything"), &any));
}
