/* MessagePack out: each value in its shortest form, and counts that outgrow the room left for them. */
#include <calzone/parsers.h>
#include <calzone/renderers.h>
#include <calzone/testing.h>
#include <stdio.h>

struct writing {
    cz_str json;
    cz_buf out;
    cz_str back; /* what it is read as again */
};

static void write_document(cz_ctx *ctx, void *arg)
{
    struct writing *writing = arg;
    cz_request req = { 0 };
    cz_msgpack_renderer.render(ctx, &req, writing->json, &writing->out);
    cz_check(ctx, cz_buf_status(&writing->out));
    req.body = cz_buf_str(&writing->out);
    writing->back = cz_msgpack_parser.to_json(ctx, &req);
}

static const struct {
    const char *json, *hex;
} cases[] = {
    { "null", "c0" },
    { "true", "c3" },
    { "0", "00" },
    { "127", "7f" },
    { "128", "cc80" },
    { "255", "ccff" },
    { "256", "cd0100" },
    { "65536", "ce00010000" },
    { "4294967296", "cf0000000100000000" },
    { "18446744073709551615", "cfffffffffffffffff" },
    { "-1", "ff" },
    { "-32", "e0" },
    { "-33", "d0df" },
    { "-129", "d1ff7f" },
    { "-32769", "d2ffff7fff" },
    { "-2147483649", "d3ffffffff7fffffff" },
    { "1.5", "cb3ff8000000000000" },
    { "18446744073709551616.0", "cb43f0000000000000" },
    { "\"\"", "a0" },
    { "\"h\\u00e9\\n\"", "a468c3a90a" },
    { "[]", "90" },
    { "{}", "80" },
    { "[1,{\"a\":[],\"b\":null}]", "920182a16190a162c0" },
    { "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]", "9f000102030405060708090a0b0c0d0e" },
    { "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,[15]]", "dc0010000102030405060708090a0b0c0d0e910f" },
    { "{\"2020-01-02\":\"10.50\"}", "81aa323032302d30312d3032a531302e3530" },
};

CZ_TEST(json_is_written_as_messagepack)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct writing writing = { .json = cz_str_from(cases[i].json) };
        char hex[128] = "";
        CZ_EXPECT_EQ(cz_try(&ctx, write_document, &writing, NULL), CZ_OK);
        for (size_t n = 0; n < writing.out.len && n < 60; n++)
            cz_ignore(
                snprintf(hex + 2 * n, 3, "%02x", (uint8_t)writing.out.ptr[n])); /* two digits */
        CZ_EXPECT_STR(cz_str_from(hex), cases[i].hex);
        cz_buf_done(&writing.out);
    }
    cz_ctx_done(&ctx);
}

/* Texts and lists around each size where the head grows come back the same. */
CZ_TEST(messagepack_of_every_size_comes_back)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000 };
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(sizes); i++) {
        cz_buf json = { 0 };
        cz_buf_append_lit(&json, "{\"list\":[");
        for (size_t n = 0; n < sizes[i]; n++)
            cz_buf_printf(&json, "%s%zu", n ? "," : "", n);
        cz_buf_append_lit(&json, "],\"text\":\"");
        for (size_t n = 0; n < sizes[i]; n++)
            cz_buf_append_char(&json, 'x');
        cz_buf_append_lit(&json, "\",\"object\":{");
        for (size_t n = 0; n < sizes[i] && n < 19000; n++)
            cz_buf_printf(&json, "%s\"%zu\":[]", n ? "," : "", n);
        cz_buf_append_lit(&json, "}}");
        struct writing writing = { .json = cz_buf_str(&json) };
        CZ_EXPECT_EQ(cz_try(&ctx, write_document, &writing, NULL), CZ_OK);
        CZ_EXPECT(cz_str_eq(writing.back, writing.json));
        cz_buf_done(&writing.out);
        cz_buf_done(&json);
    }
    cz_ctx_done(&ctx);
}

CZ_TEST(what_is_no_json_is_no_messagepack)
{
    static const char *const bad[] = { "", "[1", "{\"a\"}", "1 2", "nul" };
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        struct writing writing = { .json = cz_str_from(bad[i]) };
        CZ_EXPECT_EQ(cz_try(&ctx, write_document, &writing, NULL), CZ_EINVAL);
        cz_buf_done(&writing.out);
    }
    cz_ctx_done(&ctx);
}
