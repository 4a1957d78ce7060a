/* MessagePack in: every form, and what is refused. */
#include <calzone/parsers.h>
#include <calzone/testing.h>

struct reading {
    cz_request req;
    cz_str json;
};

static void read_body(cz_ctx *ctx, void *arg)
{
    struct reading *reading = arg;
    reading->json = cz_msgpack_parser.to_json(ctx, &reading->req);
}

#define BYTES(text)                                                                                \
    {                                                                                              \
        "" text, sizeof(text) - 1                                                                  \
    }
static const struct {
    cz_str body;
    const char *json; /* NULL: it is refused, */
    const char *told; /* with this sentence */
} cases[] = {
    { BYTES("\xc0"), "null" },
    { BYTES("\xc2"), "false" },
    { BYTES("\xc3"), "true" },
    { BYTES("\x00"), "0" },
    { BYTES("\x7f"), "127" },
    { BYTES("\xff"), "-1" },
    { BYTES("\xe0"), "-32" },
    { BYTES("\xcc\x80"), "128" },
    { BYTES("\xcc\x01"), "1" }, /* longer than it need be */
    { BYTES("\xcd\x01\x00"), "256" },
    { BYTES("\xce\xff\xff\xff\xff"), "4294967295" },
    { BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615" },
    { BYTES("\xd0\x80"), "-128" },
    { BYTES("\xd0\x7f"), "127" },
    { BYTES("\xd1\x80\x00"), "-32768" },
    { BYTES("\xd2\x80\x00\x00\x00"), "-2147483648" },
    { BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808" },
    { BYTES("\xca\x3f\x80\x00\x00"), "1.0" },
    { BYTES("\xca\x3d\xcc\xcc\xcd"), "0.10000000149011612" },
    { BYTES("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "0.1" },
    { BYTES("\xa0"), "\"\"" },
    { BYTES("\xa3"
            "a\"b"),
      "\"a\\\"b\"" },
    { BYTES("\xa2\xc3\xa9"), "\"\xc3\xa9\"" },
    { BYTES("\xd9\x01"
            "a"),
      "\"a\"" },
    { BYTES("\xda\x00\x01"
            "a"),
      "\"a\"" },
    { BYTES("\xdb\x00\x00\x00\x01"
            "a"),
      "\"a\"" },
    { BYTES("\xc4\x03\x00\x01\x02"), "\"AAEC\"" },
    { BYTES("\xc4\x00"), "\"\"" },
    { BYTES("\xc5\x00\x01\xff"), "\"/w==\"" },
    { BYTES("\xc6\x00\x00\x00\x01\xff"), "\"/w==\"" },
    { BYTES("\x90"), "[]" },
    { BYTES("\x93\x01\x92\x02\x03\xc0"), "[1,[2,3],null]" },
    { BYTES("\xdc\x00\x02\x01\x02"), "[1,2]" },
    { BYTES("\xdd\x00\x00\x00\x01\x01"), "[1]" },
    { BYTES("\x80"), "{}" },
    { BYTES("\x82\xa1"
            "a\x01\xa1"
            "b\x80"),
      "{\"a\":1,\"b\":{}}" },
    { BYTES("\xde\x00\x01\xd9\x01"
            "a\x01"),
      "{\"a\":1}" },
    { BYTES("\xdf\x00\x00\x00\x01\xa1"
            "a\x90"),
      "{\"a\":[]}" },
    { BYTES("\x92\x81\xa1"
            "a\x01\x81\xa1"
            "a\x02"),
      "[{\"a\":1},{\"a\":2}]" }, /* the same key, in two maps */
    { BYTES("\xd6\xff\x00\x00\x00\x00"), "\"1970-01-01T00:00:00Z\"" },
    { BYTES("\xd6\xff\xff\xff\xff\xff"), "\"2106-02-07T06:28:15Z\"" },
    { BYTES("\xd7\xff\x77\x35\x94\x00\x00\x00\x00\x01"), "\"1970-01-01T00:00:01.500000Z\"" },
    { BYTES("\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
      "\"1969-12-31T23:59:59Z\"" },
    /* cut short */
    { BYTES(""), NULL, "MessagePack parse error: it ends too early (byte 0)" },
    { BYTES("\xcc"), NULL, "MessagePack parse error: it ends too early (byte 1)" },
    { BYTES("\xcf\x00\x00\x00"), NULL, NULL },
    { BYTES("\xca\x00"), NULL, NULL },
    { BYTES("\xa1"), NULL, NULL },
    { BYTES("\xd9"), NULL, NULL },
    { BYTES("\xdb\xff\xff\xff\xff"
            "a"),
      NULL, NULL },
    { BYTES("\xc6\xff\xff\xff\xff"), NULL, NULL },
    { BYTES("\x91"), NULL, NULL },
    { BYTES("\x92\x01"), NULL, NULL },
    { BYTES("\xdd\xff\xff\xff\xff\x01"), NULL,
      "MessagePack parse error: it ends too early (byte 5)" },
    { BYTES("\xdf\x80\x00\x00\x01\xa0\x01"), NULL, NULL },
    { BYTES("\x81\xa1"
            "a"),
      NULL, NULL },
    { BYTES("\xd6\xff\x00"), NULL, NULL },
    { BYTES("\xc7\x04"), NULL, NULL },
    /* more than one */
    { BYTES("\xc0\xc0"), NULL, "MessagePack parse error: something follows the document (byte 1)" },
    { BYTES("\x90\x00"), NULL, NULL },
    /* no JSON */
    { BYTES("\xc1"), NULL, "MessagePack parse error: 0xc1 begins nothing (byte 1)" },
    { BYTES("\x81\x01\x02"), NULL, "MessagePack parse error: a key that is no text (byte 2)" },
    { BYTES("\x81\xc0\x02"), NULL, NULL },
    { BYTES("\x81\xc4\x01"
            "a\x02"),
      NULL, NULL },
    { BYTES("\x82\xa1"
            "a\x01\xa1"
            "a\x02"),
      NULL, "MessagePack parse error: a key comes twice (byte 6)" },
    { BYTES("\x82\xa1"
            "a\x01\xd9\x01"
            "a\x02"),
      NULL, NULL },
    { BYTES("\xa1\xff"), NULL, "MessagePack parse error: text is not UTF-8 (byte 2)" },
    { BYTES("\xa3\xed\xa0\x80"), NULL, NULL }, /* a surrogate */
    { BYTES("\xa2\xc0\x80"), NULL, NULL },
    { BYTES("\x81\xa1\xff\x01"), NULL, NULL },
    { BYTES("\xca\x7f\xc0\x00\x00"), NULL,
      "MessagePack parse error: NaN and infinities are no numbers (byte 5)" },
    { BYTES("\xca\x7f\x80\x00\x00"), NULL, NULL },
    { BYTES("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"), NULL, NULL },
    { BYTES("\xd4\x01\x00"), NULL,
      "MessagePack parse error: an extension that nobody knows (byte 2)" },
    { BYTES("\xc7\x00\x05"), NULL, NULL },
    { BYTES("\xd4\xff\x00"), NULL,
      "MessagePack parse error: a timestamp has 4, 8 or 12 bytes (byte 2)" },
    { BYTES("\xd7\xff\xff\xff\xff\xfc\x00\x00\x00\x01"), NULL,
      "MessagePack parse error: there is no such time (byte 10)" },
    { BYTES("\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"), NULL, NULL },
    { BYTES("\xc7\x0c\xff\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"), NULL, NULL },
};

CZ_TEST(messagepack_is_read_as_json)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct reading reading = { .req = { .body = cases[i].body } };
        cz_error err = { 0 };
        cz_status status = cz_try(&ctx, read_body, &reading, &err);
        CZ_EXPECT_MSG(status == (cases[i].json ? CZ_OK : CZ_EPROTOCOL), "case %zu is %s: %s", i,
                      cz_status_name(status), err.message);
        if (cases[i].json && !status)
            CZ_EXPECT_STR(reading.json, cases[i].json);
        if (cases[i].told)
            CZ_EXPECT_STR(cz_str_from(err.message), cases[i].told);
    }
    cz_ctx_done(&ctx);
}

/* Every beginning of a document is refused, not misread. */
CZ_TEST(messagepack_that_is_cut_is_refused_wherever_it_is_cut)
{
    static const cz_str whole = BYTES("\x83\xa1"
                                      "a\x93\x01\xcd\x01\x00\xa2hi\xa1"
                                      "b\xd6\xff\x00\x00\x00\x01\xa1"
                                      "c\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t cut = 0; cut <= whole.len; cut++) {
        struct reading reading = { .req = { .body = cz_str_head(whole, cut) } };
        CZ_EXPECT_EQ(cz_try(&ctx, read_body, &reading, NULL),
                     cut == whole.len ? CZ_OK : CZ_EPROTOCOL);
    }
    cz_ctx_done(&ctx);
}

CZ_TEST(messagepack_has_limits)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t depth = 64; depth <= 65; depth++) {
        cz_buf body = { 0 };
        for (size_t i = 1; i < depth; i++)
            cz_buf_append_char(&body, (char)0x91);
        cz_buf_append_char(&body, (char)0x90);
        struct reading reading = { .req = { .body = cz_buf_str(&body) } };
        CZ_EXPECT_EQ(cz_try(&ctx, read_body, &reading, NULL), depth == 64 ? CZ_OK : CZ_ETOOBIG);
        cz_buf_done(&body);
    }
    for (uint32_t count = 20000; count <= 20001; count++) {
        cz_buf body = { 0 };
        cz_buf_printf(&body, "%c%c%c", 0xde, count >> 8, count & 0xff);
        for (uint32_t i = 0; i < count; i++)
            cz_buf_printf(&body, "%c%05u%c", 0xa5, i, 1);
        struct reading reading = { .req = { .body = cz_buf_str(&body) } };
        CZ_EXPECT_EQ(cz_try(&ctx, read_body, &reading, NULL), count == 20000 ? CZ_OK : CZ_ETOOBIG);
        cz_buf_done(&body);
    }
    cz_ctx_done(&ctx);
}
