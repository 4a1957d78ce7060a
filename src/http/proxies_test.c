#include "http/proxies.h"
#include <calzone/testing.h>
#include <stdio.h>

static cz_status configure(const char *text, cz_error *err)
{
    cz_str items[300], rest = cz_str_from(text);
    size_t count = 0;
    while (rest.len && count < CZ_COUNT(items))
        items[count++] = cz_str_trim(cz_str_cut(&rest, ','));
    cz_str_list list = { items, count };
    return cz__proxies_configure(&list, err);
}

CZ_TEST(trusted_proxies_are_addresses_and_blocks_and_nothing_else)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        { "", true },
        { "127.0.0.1", true },
        { "10.0.0.0/8, 192.168.1.0/24,::1", true },
        { "2001:db8::/32", true },
        { "2001:db8::1/128", true },
        { "::ffff:10.0.0.1", true },
        { "128.0.0.0/1", true },
        { "localhost", false },
        { "10.0.0", false },
        { "10.0.0.0.0", false },
        { "10.0.0.256", false },
        { "010.0.0.1", false },
        { "10.0.0.0/", false },
        { "10.0.0.0/33", false },
        { "10.0.0.0/-1", false },
        { "10.0.0.0/8/8", false },
        { "10.0.0.0/ 8", false },
        { "10.0.0.0/255.0.0.0", false },
        { "10.0.0.1/8", false },
        { "2001:db8::1/64", false },
        { "2001:db8::/129", false },
        { "[::1]", false },
        { "fe80::1%eth0", false },
        { "0.0.0.0/0", false },
        { "::/0", false },
        { "*", false },
        { "127.0.0.1, , ::1", false },
        { "10.0.0.1:80", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        cz_status status = configure(cases[i].text, &err);
        CZ_EXPECT_MSG(status == (cases[i].good ? CZ_OK : CZ_EVALIDATION), "%s", cases[i].text);
        CZ_EXPECT_MSG(!status || strstr(err.message, "TRUSTED_PROXIES: \""), "%s", err.message);
    }
    char many[300 * 12], *at = many;
    for (int i = 0; i < 257; i++)
        at += snprintf(at, 12, "%s10.0.0.%d", i ? "," : "", i % 256);
    CZ_EXPECT_EQ(configure(many, NULL), CZ_ETOOBIG);
}

#define FORWARDED "Forwarded"
#define FOR "X-Forwarded-For"
#define PROTO "X-Forwarded-Proto"
#define PEER "10.0.0.1"

struct request_case {
    const char *peer;
    cz_header headers[4];
    const char *client, *scheme;
};
#define H(n, v)                                                                                    \
    {                                                                                              \
        { n, sizeof(n) - 1 },                                                                      \
        {                                                                                          \
            v, sizeof(v) - 1                                                                       \
        }                                                                                          \
    }

static void expect(const struct request_case *expected)
{
    cz_request req = { .client_address = cz_str_from(expected->peer),
                       .scheme = CZ_STR("http"),
                       .headers = expected->headers };
    while (req.header_count < 4 && expected->headers[req.header_count].name.ptr)
        req.header_count++;
    cz__proxies_apply(cz_test_arena(), &req);
    const char *shown = req.header_count ? expected->headers[0].value.ptr : "";
    CZ_EXPECT_MSG(cz_str_eq(req.client_address, cz_str_from(expected->client)),
                  "%s: client %.*s, expected %s", shown, CZ_STR_ARG(req.client_address),
                  expected->client);
    CZ_EXPECT_MSG(cz_str_eq(req.scheme, cz_str_from(expected->scheme)), "%s: scheme %.*s", shown,
                  CZ_STR_ARG(req.scheme));
}

CZ_TEST(nobody_but_a_trusted_proxy_says_who_asks)
{
    static const struct request_case cases[] = {
        { PEER, { H(FOR, "198.51.100.7"), H(PROTO, "https") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=198.51.100.7;proto=https") }, PEER, "http" },
    };
    CZ_REQUIRE_OK(configure("", NULL));
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect(&cases[i]);
    CZ_REQUIRE_OK(configure("10.0.0.2, fd00::/8", NULL));
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect(&cases[i]);
}

CZ_TEST(the_client_is_the_right_most_address_that_is_no_trusted_proxy)
{
    static const struct request_case cases[] = {
        { PEER, { { { 0 }, { 0 } } }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7") }, "198.51.100.7", "http" },
        { PEER, { H("x-FORWARDED-for", "198.51.100.7") }, "198.51.100.7", "http" },
        { "::ffff:10.0.0.1", { H(FOR, "198.51.100.7") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "6.6.6.6, 198.51.100.7 ,\t10.0.0.2") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "any\"thing, 198.51.100.7") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "6.6.6.6"), H(FOR, "198.51.100.7") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "198.51.100.7"), H(FOR, "10.0.0.2") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "10.0.0.3, 10.0.0.2") }, "10.0.0.3", "http" },
        { PEER, { H(FOR, "198.51.100.7:4711") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "2001:DB8:0::1") }, "2001:db8::1", "http" },
        { PEER, { H(FOR, "[2001:db8::1]:80") }, "2001:db8::1", "http" },
        { PEER, { H(FOR, "2001:db8::1, fd00::5") }, "2001:db8::1", "http" },
        { "fd00::5", { H(FOR, "::ffff:198.51.100.7") }, "198.51.100.7", "http" },
        { PEER, { H(FOR, "198.51.100.7"), H(PROTO, "HTTPS") }, "198.51.100.7", "https" },
        { PEER, { H(FOR, "198.51.100.7"), H(PROTO, "https, http") }, "198.51.100.7", "http" },
        { PEER, { H(PROTO, "https") }, PEER, "https" },
        { PEER, { H(FORWARDED, "for=198.51.100.7") }, "198.51.100.7", "http" },
        { PEER,
          { H(FORWARDED, "For=\"[2001:db8::1]:4711\";Proto=https;by=_hidden") },
          "2001:db8::1",
          "https" },
        { PEER,
          { H(FORWARDED, "for=6.6.6.6;proto=https, for=198.51.100.7;proto=http, for=10.0.0.2") },
          "198.51.100.7",
          "http" },
        { PEER,
          { H(FORWARDED, "for=198.51.100.7;proto=https"), H(FORWARDED, ", for=\"10.0.0.2:1\";,") },
          "198.51.100.7",
          "https" },
        { PEER,
          { H(FORWARDED, "for=\"never closed"), H(FORWARDED, "for=198.51.100.7") },
          "198.51.100.7",
          "http" },
        { PEER, { H(FORWARDED, "ext=\"a,b;c\\\"\";for=198.51.100.7") }, "198.51.100.7", "http" },
        { PEER,
          { H(FORWARDED, "for=198.51.100.7"), H(FOR, "198.51.100.7"), H(PROTO, "https") },
          "198.51.100.7",
          "https" },
    };
    CZ_REQUIRE_OK(configure("10.0.0.0/24, fd00::/8", NULL));
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect(&cases[i]);
}

CZ_TEST(what_is_malformed_or_contradicts_itself_leaves_the_peer)
{
    static const struct request_case cases[] = {
        { PEER, { H(FOR, "") }, PEER, "http" },
        { PEER, { H(FOR, ",") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7,") }, PEER, "http" },
        { PEER, { H(FOR, "unknown") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7, unknown") }, PEER, "http" },
        { PEER, { H(FOR, "unknown, 10.0.0.2") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7 198.51.100.8") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7:") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7:65536") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7:-1") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.07") }, PEER, "http" },
        { PEER, { H(FOR, "0xc6.51.100.7") }, PEER, "http" },
        { PEER, { H(FOR, "[198.51.100.7]") }, PEER, "http" },
        { PEER, { H(FOR, "[2001:db8::1") }, PEER, "http" },
        { PEER, { H(FOR, "[2001:db8::1]80") }, PEER, "http" },
        { PEER, { H(FOR, "fe80::1%eth0") }, PEER, "http" },
        { PEER, { H(FOR, "\"198.51.100.7\"") }, PEER, "http" },
        { PEER, { H(FOR, "198.51.100.7\0") }, PEER, "http" },
        { PEER, { H(FOR, "nobody"), H(PROTO, "https") }, PEER, "http" },
        { PEER, { H(PROTO, "ftp") }, PEER, "http" },
        { PEER, { H(PROTO, "https,") }, PEER, "https" },
        { PEER, { H(FORWARDED, "") }, PEER, "http" },
        { PEER, { H(FORWARDED, "198.51.100.7") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=\"\"") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for =198.51.100.7") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for= 198.51.100.7") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=198.51.100.7:80") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=\"2001:db8::1\"") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=[2001:db8::1]") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=unknown;proto=https") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=_gazonk") }, PEER, "http" },
        { PEER, { H(FORWARDED, "proto=https") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=198.51.100.7;for=198.51.100.8") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=198.51.100.7;proto=http;proto=https") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=\"6.6.6.6, for=198.51.100.7") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=\"198.51.100.7\\\"") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=\"198.51.100.\\7\"") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=198.51.100.7 proto=https") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=6.6.6.6"), H(FOR, "198.51.100.7") }, PEER, "http" },
        { PEER, { H(FORWARDED, "for=6.6.6.6"), H(FOR, "oops") }, PEER, "http" },
        { PEER,
          { H(FORWARDED, "for=198.51.100.7;proto=http"), H(FOR, "198.51.100.7"),
            H(PROTO, "https") },
          PEER,
          "http" },
        { "nonsense", { H(FOR, "198.51.100.7") }, "nonsense", "http" },
        { "", { H(FOR, "198.51.100.7") }, "", "http" },
    };
    CZ_REQUIRE_OK(configure("10.0.0.0/24, fd00::/8", NULL));
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect(&cases[i]);
    char hops[40 * 16] = "", *at = hops;
    for (int i = 0; i < 33; i++)
        at += snprintf(at, 16, "%sfor=10.0.0.%d", i ? "," : "", i);
    expect(
        &(struct request_case){ PEER, { { CZ_STR(FORWARDED), cz_str_from(hops) } }, PEER, "http" });
}
