/* What a client accepts, and rows as CSV. */
#include <calzone/renderers.h>
#include <calzone/testing.h>

static const struct {
    const char *accept, *type;
    int quality;
} qualities[] = {
    { "", "text/csv", 1000 },
    { "  ", "text/csv", 1000 },
    { "*/*", "text/csv", 1000 },
    { "text/csv", "text/csv", 1000 },
    { "TEXT/CSV", "text/csv", 1000 },
    { "text/*", "text/csv", 1000 },
    { "Text/*;q=0.5", "text/csv", 500 },
    { "text/*", "application/json", 0 },
    { "text/csvx", "text/csv", 0 },
    { "text/", "text/csv", 0 },
    { "*", "text/csv", 0 },
    { "*/csv", "text/csv", 0 },
    { "text/csv;q=0", "text/csv", 0 },
    { "text/csv; q=0.001", "text/csv", 1 },
    { "text/csv;header=present;q=0.25", "text/csv", 250 },
    { "text/csv;Q=0.3", "text/csv", 300 },
    { "text/csv;q=1.000", "text/csv", 1000 },
    /* no quality */
    { "text/csv;q=1.5", "text/csv", 0 },
    { "text/csv;q=2", "text/csv", 0 },
    { "text/csv;q=-1", "text/csv", 0 },
    { "text/csv;q=", "text/csv", 0 },
    { "text/csv;q=.5", "text/csv", 0 },
    { "text/csv;q=0.1234", "text/csv", 0 },
    { "text/csv;q=0,5", "text/csv", 0 },
    /* the most specific counts, wherever it stands */
    { "text/csv;q=0.2, text/*;q=0.9, */*", "text/csv", 200 },
    { "*/*, text/*;q=0.9, text/csv;q=0.2", "text/csv", 200 },
    { "*/*;q=0.1, text/*;q=0.9", "text/csv", 900 },
    { "*/*, text/csv;q=0", "text/csv", 0 },
    { ",, text/csv ,", "text/csv", 1000 },
};

CZ_TEST(an_accept_header_says_how_much_a_type_is_wanted)
{
    for (size_t i = 0; i < CZ_COUNT(qualities); i++)
        CZ_EXPECT_EQ(
            cz_accept_quality(cz_str_from(qualities[i].accept), cz_str_from(qualities[i].type)),
            qualities[i].quality);
}

struct asking {
    cz_request req;
    const cz_renderer *found;
};

static void choose(cz_ctx *ctx, void *arg)
{
    struct asking *asking = arg;
    asking->found =
        cz_renderer_for(ctx, &asking->req, CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
}

static const struct {
    const char *accept, *query, *format;
    cz_status status;
} choices[] = {
    { "*/*", "", "json", CZ_OK },
    { "text/csv, application/json", "", "json", CZ_OK }, /* equally: the server's first */
    { "text/csv, application/json;q=0.9", "", "csv", CZ_OK },
    { "text/*, */*;q=0.1", "", "csv", CZ_OK },
    { "image/png", "format=csv", "csv", CZ_OK },
    { "text/csv", "format=json", "json", CZ_OK },
    { "text/csv", "format=", "csv", CZ_OK },
    { "*/*", "format=xls", NULL, CZ_ENOTFOUND },
    { "*/*", "format=CSV", NULL, CZ_ENOTFOUND },
    { "image/png", "", NULL, CZ_ENOTACCEPTABLE },
    { "application/json;q=0, text/csv;q=0.0", "", NULL, CZ_ENOTACCEPTABLE },
};

CZ_TEST(a_renderer_is_chosen_by_what_a_client_accepts)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(choices); i++) {
        const cz_header accept = { CZ_STR("Accept"), cz_str_from(choices[i].accept) };
        struct asking asking = {
            .req = { .query = cz_str_from(choices[i].query), .headers = &accept, .header_count = 1 }
        };
        CZ_EXPECT_EQ(cz_try(&ctx, choose, &asking, NULL), choices[i].status);
        if (choices[i].format && asking.found)
            CZ_EXPECT_STR(cz_str_from(asking.found->format), choices[i].format);
    }
    cz_ctx_done(&ctx);
}

/* ---- CSV ---- */

static const struct {
    const char *json, *csv;
} documents[] = {
    { "[]", "" },
    { "[{\"a\":1,\"b\":\"x\"},{\"b\":\"y\",\"a\":2}]", "a,b\r\n1,x\r\n2,y\r\n" },
    { "{\"count\":1,\"next\":null,\"previous\":null,\"results\":[{\"a\":1.5}]}", "a\r\n1.5\r\n" },
    { "{\"detail\":\"Not found.\",\"code\":\"not_found\"}",
      "detail,code\r\nNot found.,not_found\r\n" },
    { "[{\"a\":null,\"b\":true,\"c\":\"\"}]", "a,b,c\r\n,true,\r\n" },
    { "[{\"a\":1},{\"b\":2}]", "a,b\r\n1,\r\n,2\r\n" },
    { "[{\"who\":{\"name\":\"Ann\",\"at\":{\"code\":\"oz\"}},\"n\":1},{\"who\":null,\"n\":2}]",
      "who.name,who.at.code,n,who\r\nAnn,oz,1,\r\n,,2,\r\n" },
    { "[{\"tags\":[\"a\",\"b\"],\"e\":{}}]", "tags,e\r\n\"[\"\"a\"\",\"\"b\"\"]\",{}\r\n" },
    { "[{\"a\":\"x,y\",\"b\":\"say \\\"hi\\\"\",\"c\":\"two\\nlines\"}]",
      "a,b,c\r\n\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n" },
    { "[{\"a\":\"=1+1\",\"b\":\"-x\",\"c\":-1,\"d\":\"@me\"}]",
      "a,b,c,d\r\n\"'=1+1\",\"'-x\",-1,\"'@me\"\r\n" },
    { "[{\"=a\":1}]", "\"'=a\"\r\n1\r\n" },
    { "[1,\"two\",null]", "1\r\ntwo\r\n\r\n" },
    { "3", "3\r\n" },
};

struct rendering {
    const char *json;
    cz_buf out;
};

static void render(cz_ctx *ctx, void *arg)
{
    struct rendering *rendering = arg;
    const cz_request req = { 0 };
    cz_csv_renderer.render(ctx, &req, cz_str_from(rendering->json), &rendering->out);
}

CZ_TEST(rows_are_csv)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(documents); i++) {
        struct rendering rendering = { .json = documents[i].json };
        CZ_EXPECT_EQ(cz_try(&ctx, render, &rendering, NULL), CZ_OK);
        CZ_EXPECT_STR(cz_buf_str(&rendering.out), documents[i].csv);
        cz_buf_done(&rendering.out);
    }
    cz_ctx_done(&ctx);
}

CZ_TEST(csv_has_a_most_of_columns)
{
    cz_ctx ctx;
    cz_buf json = { 0 };
    cz_ctx_init(&ctx, cz_test_arena());
    for (int n = 0; n < 1001; n++)
        cz_buf_printf(&json, "%c\"c%d\":%d", n ? ',' : '{', n, n);
    cz_buf_append(&json, "}", 2);
    struct rendering rendering = { .json = cz_buf_str(&json).ptr };
    CZ_EXPECT_EQ(cz_try(&ctx, render, &rendering, NULL), CZ_EINVAL);
    cz_buf_done(&rendering.out);
    cz_buf_done(&json);
    cz_ctx_done(&ctx);
}
