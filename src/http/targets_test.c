#include "http/targets.h"
#include <calzone/testing.h>

CZ_TEST(a_target_is_known_without_its_host)
{
    static const struct {
        const char *target, *on_host, *path;
    } cases[] = {
        { "/books?page=2", "/books?page=2", "/books" },
        { "/", "/", "/" },
        { "*", "*", "*" },
        { "", "", "" },
        { "http://h/books?a=b?c", "/books?a=b?c", "/books" },
        { "http://h:80", "/", "/" },
        { "http://h?x=/y", "/", "/" },
        { "/go/http://h/x?y", "/go/http://h/x?y", "/go/http://h/x" },
        { "/x?next=http://h/y", "/x?next=http://h/y", "/x" },
        { "books/7", "books/7", "books/7" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str target = cz_str_from(cases[i].target);
        CZ_EXPECT_STR(cz__target_on_host(target), cases[i].on_host);
        CZ_EXPECT_STR(cz__target_path(target), cases[i].path);
    }
}

CZ_TEST(a_host_is_known_without_its_port)
{
    static const char *const cases[][2] = {
        { "example.com:80", "example.com" },
        { "example.com", "example.com" },
        { "[::1]:80", "[::1]" },
        { "[::1]", "[::1]" },
        { "[::1", "[::1" },
        { "", "" },
        { ":80", "" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(cz__host_name(cz_str_from(cases[i][0])), cases[i][1]);
}
