#include "http/ws_deflate.h"
#include <calzone/testing.h>

/* ---- what is agreed on ---- */

#define PMD "permessage-deflate"
static const struct {
    const char *header;
    unsigned bits; /* 0: without compression; 1: the header is refused */
} offers[] = {
    { PMD, 15 },
    { "PerMessage-Deflate", 15 },
    { PMD "; client_max_window_bits", 15 }, /* what browsers send */
    { PMD ";client_max_window_bits=8", 15 },
    { PMD "; client_max_window_bits=\"10\"", 15 },
    { PMD "; server_no_context_takeover; client_no_context_takeover", 15 },
    { PMD "; server_max_window_bits=9", 9 },
    { PMD "; server_max_window_bits=\"12\" ; client_max_window_bits = 15", 12 },
    { PMD "; server_max_window_bits=15", 15 },
    { "foo, " PMD, 15 },
    { "foo; bar=baz; qux, ," PMD, 15 },
    { PMD "; server_max_window_bits=8, " PMD, 15 }, /* the second offer can be met */
    { PMD "; unknown, " PMD "; server_max_window_bits=10", 10 },
    { PMD "; server_max_window_bits=10, " PMD, 10 },
    /* nothing to agree on */
    { "foo", 0 },
    { "x-webkit-deflate-frame", 0 },
    { "foo; server_max_window_bits=1", 0 },
    { PMD "; server_max_window_bits=8", 0 },
    { PMD "; server_max_window_bits=7", 0 },
    { PMD "; server_max_window_bits=16", 0 },
    { PMD "; server_max_window_bits=015", 0 },
    { PMD "; server_max_window_bits=1a", 0 },
    { PMD "; server_max_window_bits=-9", 0 },
    { PMD "; server_max_window_bits=99999999999999999999999", 0 },
    { PMD "; server_max_window_bits", 0 },
    { PMD "; client_max_window_bits=7", 0 },
    { PMD "; client_max_window_bits=16", 0 },
    { PMD "; client_max_window_bits=08", 0 },
    { PMD "; client_max_window_bits; client_max_window_bits", 0 },
    { PMD "; server_max_window_bits=10; server_max_window_bits=10", 0 },
    { PMD "; server_no_context_takeover=1", 0 },
    { PMD "; server_no_context_takeover; server_no_context_takeover", 0 },
    { PMD "; client_no_context_takeover=\"true\"", 0 },
    { PMD "; client_no_context_takeover; client_no_context_takeover", 0 },
    { PMD "; unknown", 0 },
    { PMD "; unknown=1", 0 },
    /* malformed */
    { "", 1 },
    { ",", 1 },
    { ";", 1 },
    { PMD ";", 1 },
    { PMD "; ; client_max_window_bits", 1 },
    { PMD "; =9", 1 },
    { PMD "; server_max_window_bits=", 1 },
    { PMD "; server_max_window_bits=\"\"", 1 },
    { PMD "; server_max_window_bits=\"9", 1 },
    { PMD "; server_max_window_bits=9\"", 1 },
    { PMD "; server_max_window_bits='9'=9", 1 },
    { PMD "; a=\"b,c\"", 1 },
    { PMD "; a=\"b\\\"c\"", 1 },
    { "per message", 1 },
    { PMD ", (x)", 1 },
    { PMD " client_max_window_bits", 1 },
    { "foo; b\xc3\xa4r", 1 },
};

CZ_TEST(an_offer_is_taken_as_it_is_or_left)
{
    for (size_t i = 0; i < CZ_COUNT(offers); i++) {
        unsigned bits = 77;
        cz_status status = cz__ws_deflate_choose(cz_str_from(offers[i].header), &bits);
        CZ_EXPECT_MSG(offers[i].bits == 1 ? status == CZ_EPROTOCOL && bits == 77
                                          : status == CZ_OK && bits == offers[i].bits,
                      "\"%s\": %d, %u", offers[i].header, status, bits);
    }
}

/* ---- messages ---- */

static const struct {
    cz_str bytes;
    cz_status status;
    const char *message;
} compressed[] = {
    { CZ_STR("\xf2\x48\xcd\xc9\xc9\x07\x00"), CZ_OK, "Hello" },     /* RFC 7692, 7.2.3.1 */
    { CZ_STR("\x00\x05\x00\xfa\xffHello\x00"), CZ_OK, "Hello" },    /* 7.2.3.3: stored */
    { CZ_STR("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), CZ_OK, "Hello" }, /* 7.2.3.4: a last block */
    { CZ_STR("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), CZ_OK,
      "Hello" },                   /* 7.2.3.5 */
    { CZ_STR("\x00"), CZ_OK, "" }, /* 7.2.3.6 */
    { CZ_STR("\x02\x00"), CZ_OK, "" },
    /* bad */
    { CZ_STR(""), CZ_EPROTOCOL, "" },
    { CZ_STR("\x06"), CZ_EPROTOCOL, "" }, /* a block of the reserved type */
    { CZ_STR("\x07"), CZ_EPROTOCOL, "" },
    { CZ_STR("\xff\xff\xff\xff"), CZ_EPROTOCOL, "" },
    { CZ_STR("\xf2\x48\xcd\xc9\xc9"), CZ_EPROTOCOL, "" }, /* cut inside a block */
    { CZ_STR("\xf2\x48\xcd"), CZ_EPROTOCOL, "" },
    { CZ_STR("\x00\x05\x00\xfa\xffHel"), CZ_EPROTOCOL, "" },       /* stored, and cut */
    { CZ_STR("\x00\x05\x00\x05\x00Hello\x00"), CZ_EPROTOCOL, "" }, /* lengths that disagree */
    { CZ_STR("\xca\x02\x14\x00"), CZ_EPROTOCOL,
      "" }, /* a distance before the beginning: of a window that is not kept */
    { CZ_STR("Hello"), CZ_EPROTOCOL, "" },
    { CZ_STR("\x04\x00"), CZ_EPROTOCOL, "" },                             /* a tree without codes */
    { CZ_STR("\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00"), CZ_EPROTOCOL, "" }, /* with zlib's own head */
    { CZ_STR("\x1f\x8b\x08\x00\x00\x00\x00\x00"), CZ_EPROTOCOL, "" },     /* and gzip's */
};

CZ_TEST(messages_are_inflated_or_refused)
{
    cz__ws_codec *codec;
    CZ_REQUIRE_OK(cz__ws_codec_create(&codec));
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < CZ_COUNT(compressed); i++) {
            cz_buf out;
            cz_buf_init(&out, 100);
            cz_status status = cz__ws_inflate(codec, compressed[i].bytes, &out);
            CZ_EXPECT_MSG(status == compressed[i].status, "%zu: %s", i, cz_status_name(status));
            if (!status)
                CZ_EXPECT_STR(cz_buf_str(&out), compressed[i].message);
            cz_buf_done(&out);
        }
    cz__ws_codec_destroy(codec);
}

CZ_TEST(what_is_deflated_is_inflated_with_any_window)
{
    cz__ws_codec *codec;
    CZ_REQUIRE_OK(cz__ws_codec_create(&codec));
    static char text[200000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * i % 251 * (i % 7 == 0));
    static const size_t lengths[] = { 0, 1, 255, 256, 16384, 65535, 65536, sizeof text };
    for (unsigned bits = 9; bits <= 15; bits++)
        for (size_t i = 0; i < CZ_COUNT(lengths); i++) {
            cz_buf small = { 0 }, again;
            cz_buf_init(&again, sizeof text);
            cz_str message = cz_str_of(text, lengths[i]);
            CZ_EXPECT_EQ(cz__ws_deflate(codec, bits, message, &small), CZ_OK);
            CZ_EXPECT_EQ(cz__ws_inflate(codec, cz_buf_str(&small), &again), CZ_OK);
            CZ_EXPECT(cz_str_eq(cz_buf_str(&again), message));
            cz_buf_done(&small);
            cz_buf_done(&again);
        }
    cz__ws_codec_destroy(codec);
}

/* A thousand to one: nothing beyond the limit is made, and the limit itself is reached. */
CZ_TEST(a_bomb_is_stopped_at_the_limit)
{
    enum { BYTES = 1 << 20 };
    cz__ws_codec *codec;
    CZ_REQUIRE_OK(cz__ws_codec_create(&codec));
    char *zeros = cz_calloc(1, BYTES);
    cz_buf bomb = { 0 };
    CZ_REQUIRE_OK(cz__ws_deflate(codec, 15, cz_str_of(zeros, BYTES), &bomb));
    CZ_EXPECT(bomb.len < 6000);
    for (size_t less = 0; less < 3; less++) {
        cz_buf out;
        cz_buf_init(&out, BYTES - less);
        CZ_EXPECT_EQ(cz__ws_inflate(codec, cz_buf_str(&bomb), &out), less ? CZ_ETOOBIG : CZ_OK);
        CZ_EXPECT(out.len <= BYTES - less && out.cap < 2 * BYTES + 100);
        cz_buf_done(&out);
    }
    cz_buf_done(&bomb);
    cz_free(zeros);
    cz__ws_codec_destroy(codec);
}
