#include <calzone/testing.h>
#include <stdio.h>
#include "http/http_internal.h"

/* A context and a request to call the functions of http.h with. */
struct fixture {
    cz_arena *arena;
    cz_ctx ctx;
    cz_buf body;
    cz_request req;
};

static struct fixture fixture_make(void)
{
    struct fixture f = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 1 << 20, &f.arena));
    cz_ctx_init(&f.ctx, f.arena);
    return f;
}

static void fixture_done(struct fixture *f)
{
    cz_ctx_done(&f->ctx);
    cz_arena_destroy(f->arena);
    cz_buf_done(&f->body);
}

/* ---- Headers ---- */

CZ_TEST(request_headers_are_found_without_case)
{
    static const cz_header headers[] = { { CZ_STR("Accept"), CZ_STR("a") },
                                         { CZ_STR("X-One"), CZ_STR("1") },
                                         { CZ_STR("Empty"), CZ_STR("") } };
    cz_request req = { .headers = headers, .header_count = CZ_COUNT(headers) };
    CZ_EXPECT_STR(cz_request_header(&req, CZ_STR("ACCEPT")), "a");
    CZ_EXPECT_STR(cz_request_header(&req, CZ_STR("x-oNE")), "1");
    CZ_EXPECT_STR(cz_request_header(&req, CZ_STR("X-On")), "");
    CZ_EXPECT(cz_request_has_header(&req, CZ_STR("empty")));
    CZ_EXPECT(!cz_request_has_header(&req, CZ_STR("none")));
}

/* RFC 9110, 5.3 and 5.6.1; what is joined has each name once, in the order they came first. */
CZ_TEST(lines_of_one_name_are_one_list)
{
    static const cz_header said[] = {
        { CZ_STR("Accept"), CZ_STR("text/csv") }, { CZ_STR("Cookie"), CZ_STR("a=1") },
        { CZ_STR("X-One"), CZ_STR("1") },         { CZ_STR("ACCEPT"), CZ_STR("") },
        { CZ_STR("cookie"), CZ_STR("b=2, 3") },   { CZ_STR("X-Two"), CZ_STR("") },
        { CZ_STR("accept"), CZ_STR("*/*;q=0") },
    };
    static const struct {
        const char *name, *value;
    } joined[] = { { "Accept", "text/csv, , */*;q=0" },
                   { "Cookie", "a=1; b=2, 3" },
                   { "X-One", "1" },
                   { "X-Two", "" } };
    struct fixture f = fixture_make();
    cz_header headers[CZ_COUNT(said)];
    uint32_t count = CZ_COUNT(said);
    memcpy(headers, said, sizeof headers);
    CZ_REQUIRE_OK(cz__request_join_headers(f.arena, headers, &count));
    CZ_REQUIRE(count == CZ_COUNT(joined));
    for (uint32_t i = 0; i < count; i++) {
        CZ_EXPECT_STR(headers[i].name, joined[i].name);
        CZ_EXPECT_STR(headers[i].value, joined[i].value);
    }
    CZ_REQUIRE_OK(cz__request_join_headers(f.arena, headers, &count));
    CZ_EXPECT_EQ(count, CZ_COUNT(joined));
    fixture_done(&f);
}

/* As many lines as a head has, each of a name of its own or all of one. */
CZ_TEST(joining_lines_takes_memory_once)
{
    struct fixture f = fixture_make();
    char names[100][8];
    cz_header headers[100];
    for (int same = 0; same < 2; same++) {
        uint32_t count = CZ_COUNT(headers);
        for (uint32_t i = 0; i < count; i++) {
            snprintf(names[i], sizeof names[i], "X-%03u", same ? 0 : i);
            headers[i] = (cz_header){ cz_str_from(names[i]), CZ_STR("v") };
        }
        CZ_REQUIRE_OK(cz__request_join_headers(f.arena, headers, &count));
        CZ_EXPECT_EQ(count, same ? 1 : 100);
        CZ_EXPECT_EQ(headers[0].value.len, same ? 100 + 99 * 2 : 1);
    }
    fixture_done(&f);
}

CZ_TEST(methods_have_names)
{
    CZ_EXPECT_STR(cz_str_from(cz_method_name(CZ_METHOD_DELETE)), "DELETE");
    CZ_EXPECT_STR(cz_str_from(cz_method_name(CZ_METHOD_OTHER)), "");
}

/* ---- Percent coding ---- */

CZ_TEST(percent_coding_is_decoded_or_refused)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
        bool plus;
    } rows[] = {
        { "", "", false },
        { "abc", "abc", false },
        { "a%20b", "a b", false },
        { "a+b", "a+b", false },
        { "a+b", "a b", true },
        { "%2B", "+", true },
        { "%c3%A9", "\xc3\xa9", false },
        { "%25", "%", false },
        { "%2525", "%25", false },
        { "%", NULL, false },
        { "%4", NULL, false },
        { "a%4", NULL, false },
        { "%g0", NULL, false },
        { "%0g", NULL, false },
        { "%%41", NULL, false },
        { "%u0041", NULL, false },
    };
    struct fixture f = fixture_make();
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        cz_str out = CZ_STR("untouched");
        cz_status status = cz_percent_decode(f.arena, cz_str_from(rows[n].in), rows[n].plus, &out);
        CZ_EXPECT_MSG(status == (rows[n].out ? CZ_OK : CZ_EVALIDATION), "row %zu", n);
        CZ_EXPECT_STR(out, rows[n].out ? rows[n].out : "untouched");
    }
    fixture_done(&f);
}

CZ_TEST(percent_encoding_keeps_what_a_path_may_hold)
{
    cz_buf out = { 0 };
    cz_percent_encode(&out, CZ_STR("/a-b._~Z9 \"%?#[]@!$&'()*+,;=:\xc3\xa9\x7f"));
    CZ_EXPECT_STR(cz_buf_str(&out),
                  "/a-b._~Z9%20%22%25%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%C3%A9%7F");
    cz_buf_done(&out);
}

/* ---- The query ---- */

CZ_TEST(query_parameters_are_found_and_decoded)
{
    struct fixture f = fixture_make();
    f.req.query = CZ_STR("a=1&a=2&&b&c=&d%20e=x+y%21&=nameless&f=%zz&g=a=b&+h=1&%zz=q");
    cz_str value = CZ_STR("");
    CZ_EXPECT_STR(cz_query_str(&f.ctx, &f.req, "a"), "2");
    CZ_EXPECT(cz_query_get(&f.ctx, &f.req, CZ_STR("b"), &value) && value.len == 0);
    CZ_EXPECT(cz_query_get(&f.ctx, &f.req, CZ_STR("c"), &value) && value.len == 0);
    CZ_EXPECT_STR(cz_query_str(&f.ctx, &f.req, "d e"), "x y!");
    CZ_EXPECT_STR(cz_query_str(&f.ctx, &f.req, ""), "nameless");
    CZ_EXPECT(!cz_query_get(&f.ctx, &f.req, CZ_STR("f"), &value)); /* malformed */
    CZ_EXPECT_STR(cz_query_str(&f.ctx, &f.req, "g"), "a=b");
    CZ_EXPECT_STR(cz_query_str(&f.ctx, &f.req, " h"), "1");
    CZ_EXPECT_STR(cz_query_str(&f.ctx, &f.req, "%zz"), "q");
    CZ_EXPECT(!cz_query_get(&f.ctx, &f.req, CZ_STR("absent"), &value));
    CZ_EXPECT(!cz_query_get(&f.ctx, &f.req, CZ_STR("d e f"), &value));
    fixture_done(&f);
}

CZ_TEST(query_pairs_come_in_order_and_no_more_than_a_thousand)
{
    struct fixture f = fixture_make();
    f.req.query = CZ_STR("&a=1&b%3d=%2&&c+=");
    static const char *const expected[][2] = { { "a", "1" }, { "b=", "%2" }, { "c ", "" } };
    size_t cursor = 0, count = 0;
    for (cz_str name, value; cz_query_next(&f.ctx, &f.req, &cursor, &name, &value); count++) {
        CZ_REQUIRE(count < CZ_COUNT(expected));
        CZ_EXPECT_STR(name, expected[count][0]);
        CZ_EXPECT_STR(value, expected[count][1]);
    }
    CZ_EXPECT_EQ(count, 3);
    cz_buf many = { 0 };
    for (int i = 0; i < 1200; i++)
        cz_buf_append_lit(&many, "x&");
    f.req.query = cz_buf_str(&many);
    cursor = count = 0;
    for (cz_str name, value; cz_query_next(&f.ctx, &f.req, &cursor, &name, &value);)
        count++;
    CZ_EXPECT_EQ(count, 1000);
    cz_buf_done(&many);
    fixture_done(&f);
}

static void ask_for_missing_parameter(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT_EQ(cz_path_int(ctx, arg, "none"), 0);
}

CZ_TEST(path_parameters_are_found_by_name)
{
    struct fixture f = fixture_make();
    f.req.params[0] =
        (cz_param){ .name = CZ_STR("id"), .text = CZ_STR("7"), .integer = 7, .is_integer = true };
    f.req.params[1] = (cz_param){ .name = CZ_STR("slug"), .text = CZ_STR("a-b") };
    f.req.param_count = 2;
    CZ_EXPECT_EQ(cz_path_int(&f.ctx, &f.req, "id"), 7);
    CZ_EXPECT_STR(cz_path_str(&f.ctx, &f.req, "slug"), "a-b");
    CZ_EXPECT_EQ(cz_try(&f.ctx, ask_for_missing_parameter, &f.req, NULL), CZ_EINVAL);
    fixture_done(&f);
}

CZ_TEST(absolute_uris_are_made_from_scheme_and_host)
{
    struct fixture f = fixture_make();
    f.req.scheme = CZ_STR("https");
    f.req.host = CZ_STR("a.example:8443");
    CZ_EXPECT_STR(cz_request_absolute_uri(&f.ctx, &f.req, CZ_STR("/b?c=d")),
                  "https://a.example:8443/b?c=d");
    f.req.host = CZ_STR("");
    CZ_EXPECT_STR(cz_request_absolute_uri(&f.ctx, &f.req, CZ_STR("/b")), "/b");
    fixture_done(&f);
}
