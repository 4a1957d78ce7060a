/* Whole answers of a project that compresses. */
#include "http/codings_testing.h"
#include <calzone/calzone.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4000, GREAT_BYTES = 200000 };

static cz_str page_text(size_t bytes)
{
    static char text[GREAT_BYTES];
    if (!text[0])
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = "{\"title\": \"The Decameron\", \"price\": \"12.50\"}, "[(i + i / 900) % 46];
    return cz_str_of(text, bytes);
}

static void answer(cz_ctx *ctx, cz_request *req, size_t bytes)
{
    cz_respond(ctx, req, 200, CZ_STR("application/json"), page_text(bytes));
}

static void page(cz_ctx *ctx, cz_request *req)
{
    answer(ctx, req, PAGE_BYTES);
}
static void great(cz_ctx *ctx, cz_request *req)
{
    answer(ctx, req, GREAT_BYTES);
}
/* So many bytes, of whatever kind, with a header. */
static void any(cz_ctx *ctx, cz_request *req)
{
    cz_str type = cz_query_str(ctx, req, "type"), text = cz_query_str(ctx, req, "header");
    answer(ctx, req, (size_t)cz_path_int(ctx, req, "bytes"));
    if (type.len)
        req->response.content_type = type;
    cz_str name = cz_str_cut(&text, ':');
    if (name.len)
        cz_respond_header(ctx, req, name, text);
}
static void status(cz_ctx *ctx, cz_request *req)
{
    answer(ctx, req, PAGE_BYTES);
    req->response.status = (int)cz_path_int(ctx, req, "status");
}
static void noise(cz_ctx *ctx, cz_request *req)
{
    static char bytes[PAGE_BYTES];
    cz_random_bytes(bytes, sizeof bytes);
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_str_of(bytes, sizeof bytes));
}
static void fail(cz_ctx *ctx, cz_request *req)
{
    (void)req;
    cz_raise(ctx, CZ_ENOTFOUND, "no");
}
static void write_pieces(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    for (size_t at = 0; at < PAGE_BYTES; at += 100)
        cz_stream_write(ctx, req, cz_str_of(page_text(PAGE_BYTES).ptr + at, 100));
    cz_stream_write(ctx, req, CZ_STR(""));
}
static void stream(cz_ctx *ctx, cz_request *req)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), write_pieces, NULL);
    cz_respond_header(ctx, req, CZ_STR("ETag"), CZ_STR("\"s\""));
}
static void events(cz_ctx *ctx, cz_request *req)
{
    cz_sse_begin(ctx, req, write_pieces, NULL);
}

static const cz_middleware *const middleware[] = { &cz_request_id, &cz_access_log, &cz_compression,
                                                   &cz_security_headers, NULL };

#define BROADSHEET(F) F(text_field, text)
CZ_MODEL(Broadsheet, BROADSHEET);
static CZ_SERIALIZER(BroadsheetSerializer, Broadsheet, .fields = CZ_FIELDS(Broadsheet, id, text));
static CZ_VIEWSET(broadsheets, Broadsheet, .serializer = &BroadsheetSerializer,
                  .permissions = &cz_allow_any, .etags = true);
static const cz_app broadsheets_app = { "broadsheets", .models = CZ_MODELS(Broadsheet) };
static const cz_route urls[] = {
    CZ_GET("/page", page),
    CZ_GET("/great", great),
    CZ_GET("/any/<int:bytes>", any),
    CZ_GET("/status/<int:status>", status),
    CZ_GET("/noise", noise),
    CZ_GET("/fail", fail),
    CZ_GET("/stream", stream),
    CZ_GET("/events", events),
    CZ_RESOURCE("/broadsheets", &broadsheets),
    CZ_ROUTES_END,
};
static CZ_PROJECT(shop, "shop", .apps = CZ_APPS(&broadsheets_app), .urls = urls,
                  .middleware = middleware);

static const cz_answer *get(cz_client *client, const char *target, const char *headers)
{
    const cz_client_request request = { .method = "GET", .target = target, .headers = headers };
    return cz_client_send(client, &request);
}

#define EXPECT_CODING(answer, name) CZ_EXPECT_HEADER(answer, "Content-Encoding", name)

CZ_TEST(the_coding_is_chosen_as_the_client_weighs_and_the_site_likes)
{
    static const struct {
        const char *accept, *coding; /* "" is the body as it is */
    } cases[] = {
        { "gzip", "gzip" },
        { "br", "br" },
        { "zstd", "zstd" },
        { "gzip, deflate, br, zstd", "zstd" },
        { "gzip, deflate, br", "br" },
        { "gzip, br;q=0.9", "gzip" },
        { "gzip;q=0.1, br;q=0.2, zstd;q=0", "br" },
        { "*", "zstd" },
        { "*;q=0.1, zstd;q=0", "br" },
        { "identity;q=0.5, gzip;q=0.6", "gzip" },
        { "identity;q=0, gzip;q=0.001", "gzip" },
        { "x-gzip", "gzip" },
        { "", "" },
        { "identity", "" },
        { "deflate, compress", "" },
        { "gzip;q=0", "" },
        { "gzip;q=0, *;q=0", "" },
        { "identity, gzip;q=0.9", "" },
        { "gzip;q=nothing", "" },
        { "gzi, gzipp", "" },
        { "\"gzip\"", "" },
    };
    cz_client *client = cz_client_create(&shop);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "Accept-Encoding", cases[i].accept);
        const cz_answer *answer = cz_client_get(client, "/page");
        CZ_EXPECT_STATUS(answer, 200);
        cz_str coding = cz_answer_header(answer, "Content-Encoding");
        CZ_EXPECT_MSG(cz_str_eq(coding, cz_str_from(cases[i].coding)), "%s: %.*s", cases[i].accept,
                      CZ_STR_ARG(coding));
        CZ_EXPECT_HEADER(answer, "Vary", "Accept-Encoding");
        cz_str body =
            coding.len ? decode(cz__coding_find(coding), answer->body, PAGE_BYTES) : answer->body;
        EXPECT_SAME(body, page_text(PAGE_BYTES));
    }
    EXPECT_CODING(get(client, "/page", "X-Nothing: said\r\n"), "");
}

CZ_TEST(bodies_that_gain_nothing_stay_as_they_are)
{
    static const struct {
        const char *target, *coding, *vary;
    } cases[] = {
        { "/any/500", "gzip", "Accept-Encoding" },
        { "/any/499", "", "Accept-Encoding" },
        { "/any/0", "", "Accept-Encoding" },
        { "/noise", "", "Accept-Encoding" },
        { "/fail", "", "Accept-Encoding" },
        { "/any/4000?type=text/html;%20charset=utf-8", "gzip", "Accept-Encoding" },
        { "/any/4000?type=TEXT/CSV", "gzip", "Accept-Encoding" },
        { "/any/4000?type=image/svg%2Bxml", "gzip", "Accept-Encoding" },
        { "/any/4000?type=application/problem%2Bjson", "gzip", "Accept-Encoding" },
        { "/any/4000?type=application/msgpack", "gzip", "Accept-Encoding" },
        { "/any/4000?type=image/png", "", "" },
        { "/any/4000?type=video/mp4", "", "" },
        { "/any/4000?type=application/zip", "", "" },
        { "/any/4000?type=application/octet-stream", "", "" },
        { "/any/4000?type=font/woff2", "", "" },
        { "/any/4000?type=text/event-stream", "", "" },
        { "/any/4000?type=%2Bjson", "", "" },
        { "/any/4000?header=Content-Encoding:dcb", "dcb", "" },
        { "/any/4000?header=Content-Range:bytes%200-3999/4000", "", "" },
        { "/any/4000?header=Cache-Control:public,%20no-transform", "", "" },
        { "/any/4000?header=Cache-Control:no-transformation", "gzip", "Accept-Encoding" },
        { "/any/4000?header=Vary:Accept", "gzip", "Accept, Accept-Encoding" },
        { "/any/4000?header=Vary:accept-encoding", "gzip", "accept-encoding" },
        { "/any/4000?header=Set-Cookie:a=b", "", "Accept-Encoding" },
        { "/status/404", "gzip", "Accept-Encoding" },
        { "/status/503", "gzip", "Accept-Encoding" },
        { "/status/206", "", "" },
        { "/status/204", "", "" },
        { "/status/205", "", "" },
        { "/status/304", "", "Accept-Encoding" },
        { "/events", "", "" },
    };
    cz_client *client = cz_client_create(&shop);
    cz_client_set_header(client, "Accept-Encoding", "gzip");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = cz_client_get(client, cases[i].target);
        cz_str coding = cz_answer_header(answer, "Content-Encoding");
        cz_str vary = cz_answer_header(answer, "Vary");
        CZ_EXPECT_MSG(cz_str_eq(coding, cz_str_from(cases[i].coding)), "%s: %.*s", cases[i].target,
                      CZ_STR_ARG(coding));
        CZ_EXPECT_MSG(cz_str_eq(vary, cz_str_from(cases[i].vary)), "%s: Vary: %.*s",
                      cases[i].target, CZ_STR_ARG(vary));
    }
    /* Who refuses it as it is gets the smallest, too. */
    EXPECT_CODING(get(client, "/any/300", "Accept-Encoding: gzip, identity;q=0\r\n"), "gzip");
}

CZ_TEST(lengths_tell_no_secret_to_another_sites_page)
{
    static const struct {
        const char *headers, *coding;
    } cases[] = {
        { "Cookie: session=1\r\n", "" },
        { "Cookie: session=1\r\nSec-Fetch-Site: cross-site\r\n", "" },
        { "Cookie: session=1\r\nSec-Fetch-Site: same-site\r\n", "" },
        { "Cookie: session=1\r\nSec-Fetch-Site: same-origin, cross-site\r\n", "" },
        { "Cookie: session=1\r\nSec-Fetch-Site: same-origin\r\n", "gzip" },
        { "Cookie: session=1\r\nSec-Fetch-Site: none\r\n", "gzip" },
        { "Authorization: Basic YTpi\r\n", "" },
        { "Authorization: bAsIc YTpi\r\n", "" },
        { "Authorization: Negotiate abc\r\n", "" },
        { "Authorization: Bearer abc\r\n", "gzip" },
        { "Sec-Fetch-Site: cross-site\r\n", "gzip" },
    };
    cz_client *client = cz_client_create(&shop);
    cz_client_set_header(client, "Accept-Encoding", "gzip");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = get(client, "/page", cases[i].headers);
        cz_str coding = cz_answer_header(answer, "Content-Encoding");
        CZ_EXPECT_MSG(cz_str_eq(coding, cz_str_from(cases[i].coding)), "%s: %.*s", cases[i].headers,
                      CZ_STR_ARG(coding));
        CZ_EXPECT_HEADER(answer, "Vary", "Accept-Encoding");
    }
}

/* Lengths of pages that differ by one digit: without padding nearly all alike. */
CZ_TEST(padding_fits_the_body_and_differs_between_bodies)
{
    size_t shortest = SIZE_MAX, longest = 0;
    cz_client *client = cz_client_create(&shop);
    cz_client_set_header(client, "Accept-Encoding", "zstd");
    for (int i = 0; i < 40; i++) {
        const char *target = cz_arena_printf(cz_test_arena(), "/any/%d", PAGE_BYTES + i);
        size_t len = cz_client_get(client, target)->body.len;
        CZ_EXPECT_EQ(cz_client_get(client, target)->body.len, len); /* the same, the same */
        shortest = len < shortest ? len : shortest;
        longest = len > longest ? len : longest;
    }
    CZ_EXPECT_MSG(longest - shortest > 40 && longest - shortest <= 130, "%zu to %zu", shortest,
                  longest);
}

CZ_TEST(great_bodies_and_head_are_compressed_alike)
{
    cz_client *client = cz_client_create(&shop);
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++) {
        cz_client_set_header(client, "Accept-Encoding", cz__coding_name(coding).ptr);
        const cz_answer *answer = cz_client_get(client, "/great");
        EXPECT_CODING(answer, cz__coding_name(coding).ptr);
        CZ_EXPECT(answer->body.len < GREAT_BYTES / 10);
        EXPECT_SAME(decode(coding, answer->body, GREAT_BYTES), page_text(GREAT_BYTES));
        const cz_client_request head = { .method = "HEAD", .target = "/great" };
        const cz_answer *only = cz_client_send(client, &head);
        EXPECT_CODING(only, cz__coding_name(coding).ptr);
        EXPECT_SAME(cz_answer_header(only, "Content-Length"),
                    cz_answer_header(answer, "Content-Length"));
        CZ_EXPECT_EQ(only->body.len, 0);
    }
}

CZ_TEST(streams_are_compressed_and_events_are_not)
{
    cz_client *client = cz_client_create(&shop);
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++)
        for (int i = 0; i < 3 * CZ__ENCODERS_MAX / 2; i++) { /* and none is lost */
            cz_client_set_header(client, "Accept-Encoding", cz__coding_name(coding).ptr);
            const cz_answer *answer = cz_client_get(client, "/stream");
            EXPECT_CODING(answer, cz__coding_name(coding).ptr);
            CZ_EXPECT_HEADER(answer, "ETag", "W/\"s\"");
            CZ_EXPECT_HEADER(answer, "Content-Length", "");
            EXPECT_SAME(decode(coding, answer->body, PAGE_BYTES), page_text(PAGE_BYTES));
        }
    const cz_client_request head = { .method = "HEAD", .target = "/stream" };
    EXPECT_CODING(cz_client_send(client, &head), "zstd");
    EXPECT_SAME(cz_client_get(client, "/events")->body, page_text(PAGE_BYTES));
}

/* ---- names of states ---- */

static const char *post_broadsheet(cz_client *client)
{
    char json[1024] = "{\"text\": \"", *at = json + strlen(json);
    memset(at, 'a', 1000);
    memcpy(at + 1000, "\"}", 3);
    const cz_answer *made = cz_client_post(client, "/broadsheets", json);
    CZ_REQUIRE(made->status == 201);
    return "/broadsheets/1";
}

static const char *line(const char *name, cz_str value)
{
    return cz_arena_printf(cz_test_arena(), "%s: %.*s\r\n", name, CZ_STR_ARG(value));
}

CZ_TEST(what_is_coded_has_a_name_of_its_own_that_comes_back)
{
    cz_client *client = cz_client_create(&shop);
    const char *target = post_broadsheet(client);
    cz_str plain = cz_answer_header(cz_client_get(client, target), "ETag");
    CZ_REQUIRE(plain.len > 2);
    cz_client_set_header(client, "Accept-Encoding", "gzip");
    cz_str coded = cz_answer_header(cz_client_get(client, target), "ETag");
    cz_str expected = cz_str_from(cz_arena_printf(cz_test_arena(), "%.*s-gzip\"",
                                                  CZ_STR_ARG(cz_str_head(plain, plain.len - 1))));
    EXPECT_SAME(coded, expected);
    static const struct {
        const char *list; /* P: the plain name, G: gzip's, B: br's */
        int status;
        char named; /* of a 304 */
    } cases[] = {
        { "G", 304, 'G' },        { "W/G", 304, 'G' },  { "P", 304, 'P' },
        { "\"x\", G", 304, 'G' }, { "B, G", 304, 'G' }, { "G, P", 304, 'P' },
        { "*", 304, 'P' },        { "B", 200, 0 },      { "\"x-gzip\"", 200, 0 },
        { "\"-gzip\"", 200, 0 },  { "G-", 200, 0 },     { "", 200, 0 },
    };
    cz_str inside = cz_str_head(cz_str_tail(plain, 1), plain.len - 2);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_buf list = { 0 };
        for (const char *at = cases[i].list; *at; at++)
            if (*at == 'P' || *at == 'G' || *at == 'B')
                cz_buf_printf(&list, "\"%.*s%s\"", CZ_STR_ARG(inside),
                              *at == 'P'   ? ""
                              : *at == 'G' ? "-gzip"
                                           : "-br");
            else
                cz_buf_append_char(&list, *at);
        const cz_answer *answer = get(client, target, line("If-None-Match", cz_buf_str(&list)));
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s: %d", cases[i].list, answer->status);
        cz_str named = cz_answer_header(answer, "ETag");
        EXPECT_SAME(named, cases[i].named == 'P' ? plain : coded);
        CZ_EXPECT_HEADER(answer, "Vary", "Accept-Encoding");
        cz_buf_done(&list);
    }
    CZ_EXPECT_STATUS(get(client, target, line("If-Match", coded)), 200);
    CZ_EXPECT_STATUS(get(client, target, "If-Match: \"x-gzip\"\r\n"), 412);
    cz_client_request change = { .method = "PATCH",
                                 .target = target,
                                 .headers = line("If-Match", coded),
                                 .body = CZ_STR("{\"text\": \"new\"}") };
    CZ_EXPECT_STATUS(cz_client_send(client, &change), 200);
    CZ_EXPECT_STATUS(cz_client_send(client, &change), 412); /* it is another state now */
}

/* ---- settings ---- */

CZ_TEST(codings_are_those_of_the_setting)
{
    setenv("COMPRESSION", "gzip, zstd", 1);
    setenv("COMPRESSION_MIN", "3000", 1);
    cz_client *client = cz_client_create(&shop);
    cz_client_set_header(client, "Accept-Encoding", "gzip, br, zstd");
    EXPECT_CODING(cz_client_get(client, "/page"), "gzip");
    EXPECT_CODING(get(client, "/any/2999", NULL), "");
    EXPECT_CODING(get(client, "/any/3000", NULL), "gzip");
    cz_client_set_header(client, "Accept-Encoding", "br");
    EXPECT_CODING(cz_client_get(client, "/page"), "");
}

CZ_TEST(with_compression_off_nothing_varies)
{
    setenv("COMPRESSION", "off", 1);
    cz_client *client = cz_client_create(&shop);
    cz_client_set_header(client, "Accept-Encoding", "gzip, br, zstd");
    EXPECT_CODING(cz_client_get(client, "/page"), "");
    CZ_EXPECT_HEADER(cz_client_get(client, "/page"), "Vary", "");
}
