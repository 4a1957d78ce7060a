#include "loadtest/loadtest.h"
#include <calzone/testing.h>

static void make_good(cz_load_call *call)
{
    cz_buf_printf(call->path, "/made/%d/%u", (int)call->number, call->client);
    cz_buf_append_lit(call->body, "{}");
}

static void make_bad(cz_load_call *call)
{
    cz_buf_append_lit(call->path, "/with a blank");
}

static void make_long(cz_load_call *call)
{
    for (int i = 0; i < 9000; i++)
        cz_buf_append_char(call->path, '/');
}

#define ONE(...)                                                                                   \
    {                                                                                              \
        .name = "one", .requests = CZ_LOAD_REQUESTS(__VA_ARGS__)                                   \
    }
static const cz_load_request too_many[CZ_LOAD_REQUESTS_MAX + 1] = { { .path = "/" } };
static const struct {
    cz_load_test test;
    const char *says;
} bad[] = {
    { { .name = NULL }, "load test 1: a name is letters" },
    { { .name = "" }, "load test 1: a name is letters" },
    { { .name = "a b" }, "load test 1: a name is letters" },
    { { .name = "-a" }, "load test 1: a name is letters" },
    { { .name = "one" }, "\"one\": has no requests" },
    { { .name = "one", .requests = { too_many, CZ_COUNT(too_many) } }, "or over 64" },
    { ONE({ .weight = 1 }), "request 1 has neither .path nor .make" },
    { ONE({ .path = "/" }, { .path = "" }), "request 2 has a .path" },
    { ONE({ .path = "books" }), "request 1 has a .path" },
    { ONE({ .path = "/a b" }), "request 1 has a .path" },
    { ONE({ .path = "/a\r\nB: c" }), "request 1 has a .path" },
    { ONE({ .path = "/a#b" }), "request 1 has a .path" },
    { ONE({ .path = "/\xc3\xa9" }), "request 1 has a .path" },
    { ONE({ .path = "/", .method = CZ_METHOD_OTHER }), "has a .method that is none" },
    { ONE({ .path = "/", .weight = 1000001 }), "has a .weight over 1000000" },
    { ONE({ .path = "/", .status = 199 }), "has a .status" },
    { ONE({ .path = "/", .status = 600 }), "has a .status" },
    { ONE({ .path = "/", .content_type = "a\nb" }), "has a content_type" },
    { ONE({ .path = "/", .headers = CZ_LOAD_HEADERS({ "Host", "a" }) }), "has a header that" },
    { ONE({ .path = "/", .headers = CZ_LOAD_HEADERS({ "content-length", "1" }) }), "has a header" },
    { ONE({ .path = "/", .headers = CZ_LOAD_HEADERS({ "A b", "1" }) }), "has a header that" },
    { ONE({ .path = "/", .headers = CZ_LOAD_HEADERS({ "A", "1\r\nB: 2" }) }), "has a header that" },
    { ONE({ .path = "/", .headers = CZ_LOAD_HEADERS({ "A", NULL }) }), "has a header that" },
};

static const cz_load_test twice[] = { ONE({ .path = "/" }), ONE({ .path = "/" }) };

CZ_TEST(a_load_test_that_cannot_be_sent_is_refused_by_its_name)
{
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_load_test_list list = { &bad[i].test, 1 };
        cz_error err;
        CZ_EXPECT_EQ(cz__load_tests_check(&list, &err), CZ_EVALIDATION);
        cz_str told = cz_str_from(cz_error_message(&err));
        CZ_EXPECT_MSG(cz_str_find(told, cz_str_from(bad[i].says)) != SIZE_MAX, "%zu: %.*s", i,
                      CZ_STR_ARG(told));
    }
    cz_error err;
    CZ_EXPECT_EQ(cz__load_tests_check(&(cz_load_test_list){ twice, 2 }, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "two load tests are called \"one\"");
}

static const cz_load_test good = {
    .name = "good",
    .requests = CZ_LOAD_REQUESTS(
        { .path = "/", .weight = 7, .headers = CZ_LOAD_HEADERS({ "A", "1" }, { "B", "" }) },
        { .path = "/none", .method = CZ_METHOD_POST, .weight = 2 },
        { .make = make_good, .method = CZ_METHOD_PUT, .content_type = "text/plain" },
        { .make = make_bad, .name = "bad" }, { .make = make_long, .name = "long" })
};

CZ_TEST(a_request_is_written_as_it_was_declared)
{
    static const char *const written[] = {
        "GET / HTTP/1.1\r\nHost: here:1\r\nX: y\r\nA: 1\r\nB: \r\n\r\n",
        "POST /none HTTP/1.1\r\nHost: here:1\r\nX: y\r\nContent-Length: 0\r\n\r\n",
        ("PUT /made/5/3 HTTP/1.1\r\nHost: here:1\r\nX: y\r\nContent-Type: text/plain\r\n"
         "Content-Length: 2\r\n\r\n{}"),
    };
    struct cz__load_scenario scenario;
    cz_buf out = { 0 };
    cz_str bytes;
    cz_error err;
    CZ_REQUIRE_OK(cz__load_tests_check(&(cz_load_test_list){ &good, 1 }, &err));
    CZ_REQUIRE_OK(cz__load_scenario_create(&good, "here:1", "X: y\r\n", &scenario));
    for (size_t i = 0; i < CZ_COUNT(written); i++) {
        CZ_REQUIRE_OK(cz__load_write(&scenario, &scenario.endpoints[i], 5, 3, &out, &bytes, &err));
        CZ_EXPECT_STR(bytes, written[i]);
    }
    CZ_EXPECT_STR(cz_str_from(scenario.endpoints[1].name), "POST /none");
    CZ_EXPECT_STR(cz_str_from(scenario.endpoints[2].name), "PUT (made)");
    CZ_EXPECT_EQ(cz__load_write(&scenario, &scenario.endpoints[3], 0, 0, &out, &bytes, &err),
                 CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz__load_write(&scenario, &scenario.endpoints[4], 0, 0, &out, &bytes, &err),
                 CZ_ETOOBIG);
    cz_buf_done(&out);
    cz__load_scenario_destroy(&scenario);
}

CZ_TEST(requests_come_by_their_weights_and_the_same_in_each_run)
{
    enum { COUNT = 12000 };
    unsigned counts[5] = { 0 };
    struct cz__load_scenario scenario;
    CZ_REQUIRE_OK(cz__load_scenario_create(&good, "here", "", &scenario));
    for (uint64_t n = 0; n < COUNT; n++) {
        const struct cz__load_endpoint *endpoint = cz__load_pick(&scenario, n);
        CZ_EXPECT(endpoint == cz__load_pick(&scenario, n));
        counts[endpoint - scenario.endpoints]++;
    }
    static const unsigned weights[] = { 7, 2, 1, 1, 1 };
    for (size_t i = 0; i < CZ_COUNT(weights); i++) {
        unsigned wanted = COUNT / 12 * weights[i];
        CZ_EXPECT_MSG(counts[i] > wanted * 9 / 10 && counts[i] < wanted * 11 / 10, "%zu: %u", i,
                      counts[i]);
    }
    cz__load_scenario_destroy(&scenario);
}
