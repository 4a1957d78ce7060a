/* Swagger UI and ReDoc: what they load comes from here, packed or not, and is kept. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include "openapi/pages.h"

static CZ_OPENAPI(shown_api, .title = "Tea & <Cakes>", .version = "1");
static CZ_OPENAPI(other_api, .title = "Other", .version = "1");
static CZ_OPENAPI(lost_api, .title = "Lost", .version = "1");
static CZ_SWAGGER_UI(docs);
static CZ_SWAGGER_UI(other_docs, .document = &other_api);
static CZ_REDOC(reference);
static CZ_REDOC(lost, .document = &lost_api);
static const struct cz__page_kind nothing = { "Nothing", "1.0", "default-src 'none'", NULL, 0 };
static cz_api_page empty = { .resource = { cz__page_add_routes }, .kind = &nothing };

static const cz_route under[] = { CZ_RESOURCE("/reference/", &reference), CZ_ROUTES_END };
static const cz_route urls[] = {
    CZ_RESOURCE("/a b/openapi.json", &shown_api),
    CZ_RESOURCE("/other.json", &other_api),
    CZ_RESOURCE("/docs", &docs, .name = "docs"),
    CZ_RESOURCE("/other", &other_docs),
    CZ_INCLUDE("/api", under),
    CZ_RESOURCE("/lost", &lost),
    CZ_RESOURCE("/empty", &empty),
    CZ_ROUTES_END,
};
static CZ_PROJECT(tearoom, "tearoom", .urls = urls);

static bool has(const cz_answer *answer, const char *text)
{
    return cz_str_find(answer->body, cz_str_from(text)) != SIZE_MAX;
}

static void need_pages(void)
{
    if (!cz__swagger_ui.asset_count)
        cz_test_skip("npm was not there to install the pages when this was built");
}

CZ_TEST(a_page_names_its_document_and_loads_only_from_here)
{
    need_pages();
    static const struct {
        const char *path, *document;
    } pages[] = { { "/docs", "/a%20b/openapi.json" },
                  { "/other", "/other.json" },
                  { "/api/reference/", "/a%20b/openapi.json" } };
    cz_client *client = cz_client_create(&tearoom);
    for (size_t i = 0; i < CZ_COUNT(pages); i++) {
        const cz_answer *answer = cz_client_get(client, pages[i].path);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_HEADER(answer, "Content-Type", "text/html; charset=utf-8");
        CZ_EXPECT_HEADER(answer, "Cache-Control", "no-cache");
        cz_str policy = cz_answer_header(answer, "Content-Security-Policy");
        CZ_EXPECT(cz_str_find(policy, CZ_STR("default-src 'none'")) != SIZE_MAX);
        CZ_EXPECT(cz_str_find(policy, CZ_STR("unsafe")) == SIZE_MAX);
        CZ_EXPECT(!has(answer, "http://") && !has(answer, "https://") && !has(answer, "//\""));
        CZ_EXPECT_MSG(has(answer, cz_arena_printf(cz_test_arena(), "data-document=\"%s\"",
                                                  pages[i].document)),
                      "%.*s", CZ_STR_ARG(answer->body));
    }
    CZ_EXPECT(has(cz_client_get(client, "/docs"), "<title>Tea &amp; &lt;Cakes&gt;</title>"));
}

/* The addresses between quotes that a page loads. */
static const char *asset_at(const cz_answer *page, unsigned index)
{
    cz_str rest = page->body;
    for (;; index--) {
        size_t script = cz_str_find(rest, CZ_STR("<script src=\""));
        CZ_REQUIRE(script != SIZE_MAX);
        rest = cz_str_tail(rest, script + strlen("<script src=\""));
        cz_str address = cz_str_cut(&rest, '"');
        if (!index)
            return cz_arena_printf(cz_test_arena(), "%.*s", CZ_STR_ARG(address));
    }
}

static const cz_answer *ask_for(cz_client *client, const char *path, const char *headers)
{
    return cz_client_send(
        client, &(cz_client_request){ .method = "GET", .target = path, .headers = headers });
}

CZ_TEST(what_a_page_loads_comes_packed_or_not_and_is_kept_for_a_year)
{
    need_pages();
    static const struct {
        const char *headers;
        bool packed;
    } cases[] = {
        { NULL, false },
        { "Accept-Encoding: gzip\r\n", true },
        { "Accept-Encoding: br, gzip;q=0.5\r\n", true },
        { "Accept-Encoding: *\r\n", true },
        { "Accept-Encoding: identity\r\n", false },
        { "Accept-Encoding: gzip;q=0\r\n", false },
        { "Accept-Encoding: \r\n", false },
    };
    cz_client *client = cz_client_create(&tearoom);
    const char *script = asset_at(cz_client_get(client, "/docs"), 0);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = ask_for(client, script, cases[i].headers);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_HEADER(answer, "Content-Type", "text/javascript; charset=utf-8");
        CZ_EXPECT_HEADER(answer, "Cache-Control", "public, max-age=31536000, immutable");
        CZ_EXPECT_HEADER(answer, "Vary", "Accept-Encoding");
        CZ_EXPECT_HEADER(answer, "Content-Encoding", cases[i].packed ? "gzip" : "");
        CZ_EXPECT_MSG(cz_str_starts_with(answer->body, CZ_STR("\x1f\x8b")) == cases[i].packed,
                      "case %zu", i);
        CZ_EXPECT_MSG(has(answer, "SwaggerUIBundle") == !cases[i].packed, "case %zu", i);
        CZ_EXPECT_HEADER(answer, "Transfer-Encoding", cases[i].packed ? "" : "chunked");
        cz_str etag = cz_answer_header(answer, "ETag");
        CZ_EXPECT(etag.len > 2);
        const char *again =
            cz_arena_printf(cz_test_arena(), "%sIf-None-Match: W/\"x\", %.*s\r\n",
                            cases[i].headers ? cases[i].headers : "", CZ_STR_ARG(etag));
        answer = ask_for(client, script, again);
        CZ_EXPECT_STATUS(answer, 304);
        CZ_EXPECT_EQ(answer->body.len, 0);
    }
    CZ_EXPECT_STATUS(ask_for(client, asset_at(cz_client_get(client, "/docs"), 1), NULL), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/docs/0.0.0/swagger-ui-bundle.js"), 404);
}

CZ_TEST(a_page_without_its_document_or_its_assets_says_so)
{
    need_pages();
    cz_client *client = cz_client_create(&tearoom);
    CZ_EXPECT_STATUS(cz_client_get(client, "/lost"), 500);
    const cz_answer *answer = cz_client_get(client, "/empty");
    CZ_EXPECT_STATUS(answer, 501);
    CZ_EXPECT_JSON(answer, "detail",
                   "This build has no Nothing: when CMake configured Calzone, npm was not there or "
                   "could not install it. Install npm (Debian: nodejs npm), and configure and "
                   "build again.");
}

CZ_TEST(a_page_below_a_parameter_is_refused)
{
    const cz_route routes[] = { CZ_RESOURCE("/<name>/docs", &docs), CZ_ROUTES_END };
    cz_router *router;
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_router_create(routes, NULL, &router, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "the page at /<name>/docs has a parameter in its path");
}

static void keep_piece(cz_ctx *ctx, cz_str piece, void *arg)
{
    cz_buf_append_str(arg, piece);
    cz_check(ctx, cz_buf_status(arg));
}

static cz_buf unpacked;
static void unpack(cz_ctx *ctx, void *arg)
{
    cz__page_unpack(ctx, arg, keep_piece, &unpacked);
}

CZ_TEST(what_is_not_gzip_is_told_of)
{
    /* printf 'tea' | gzip -n */
    static const unsigned char tea[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
                                         0x00, 0x03, 0x2b, 0x49, 0x4d, 0x04, 0x00, 0xb2,
                                         0xd7, 0x86, 0x8e, 0x03, 0x00, 0x00, 0x00 };
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    struct cz__page_asset asset = { "tea.js", tea, tea + sizeof tea, true };
    CZ_EXPECT_EQ(cz_try(&ctx, unpack, &asset, NULL), CZ_OK);
    CZ_EXPECT_STR(cz_buf_str(&unpacked), "tea");
    for (size_t cut = 0; cut < sizeof tea; cut++) {
        asset.end = tea + cut;
        CZ_EXPECT_MSG(cz_try(&ctx, unpack, &asset, NULL) == CZ_EPROTOCOL, "cut at %zu", cut);
    }
    cz_buf_done(&unpacked);
    cz_buf_init(&unpacked, 2); /* who takes the pieces fails */
    asset.end = tea + sizeof tea;
    CZ_EXPECT_EQ(cz_try(&ctx, unpack, &asset, NULL), CZ_ETOOBIG);
    cz_buf_done(&unpacked);
    cz_ctx_done(&ctx);
}
