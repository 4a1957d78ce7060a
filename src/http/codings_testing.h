/* http/codings_testing.h: bodies as clients read them, by the libraries' own decoders. */
#ifndef CZ_HTTP_CODINGS_TESTING_H
#define CZ_HTTP_CODINGS_TESTING_H

#include "base/library.h"
#include "http/codings.h"
#include "http/zstd.h"
#include <calzone/testing.h>
#include <zlib.h>

#define EXPECT_SAME(actual, expected) CZ_EXPECT(cz_str_eq((actual), (expected)))

/* What can be decoded of these bytes, of which a flush or the end is the last. */
static inline cz_str decode_gzip(cz_str bytes, char *room, size_t room_bytes)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)bytes.ptr,
                        .avail_in = (uInt)bytes.len,
                        .next_out = (Bytef *)room,
                        .avail_out = (uInt)room_bytes };
    CZ_REQUIRE(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    int code = inflate(&stream, Z_SYNC_FLUSH);
    CZ_EXPECT(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR);
    CZ_EXPECT_EQ(stream.avail_in, 0);
    cz_ignore(inflateEnd(&stream));
    return cz_str_of(room, room_bytes - stream.avail_out);
}

static inline cz_str decode_br(cz_str bytes, char *room, size_t room_bytes)
{
    static void *(*create)(void *, void *, void *);
    static void (*destroy)(void *);
    static int (*decompress)(void *, size_t *, const uint8_t **, size_t *, uint8_t **, size_t *);
    static struct cz__library library = { .file = "libbrotlidec.so.1", .from = "", .need = "" };
    static const struct cz__symbol symbols[] = {
        { "BrotliDecoderCreateInstance", &create },
        { "BrotliDecoderDestroyInstance", &destroy },
        { "BrotliDecoderDecompressStream", &decompress },
    };
    const uint8_t *in = (const uint8_t *)bytes.ptr;
    uint8_t *out = (uint8_t *)room;
    size_t in_left = bytes.len, out_left = room_bytes;
    CZ_REQUIRE_OK(cz__library_load(&library, symbols, CZ_COUNT(symbols), NULL));
    void *state = create(NULL, NULL, NULL);
    CZ_EXPECT(decompress(state, &in_left, &in, &out_left, &out, NULL) != 0); /* of an error */
    CZ_EXPECT_EQ(in_left, 0);
    destroy(state);
    return cz_str_of(room, room_bytes - out_left);
}

static inline cz_str decode_zstd(cz_str bytes, char *room, size_t room_bytes)
{
    static void *(*create)(void);
    static size_t (*destroy)(void *);
    static size_t (*decompress)(void *, ZSTD_outBuffer *, ZSTD_inBuffer *);
    static struct cz__library library = { .file = "libzstd.so.1", .from = "", .need = "" };
    static const struct cz__symbol symbols[] = {
        { "ZSTD_createDCtx", &create },
        { "ZSTD_freeDCtx", &destroy },
        { "ZSTD_decompressStream", &decompress },
    };
    ZSTD_inBuffer in = { bytes.ptr, bytes.len, 0 };
    ZSTD_outBuffer out = { room, room_bytes, 0 };
    CZ_REQUIRE_OK(cz__library_load(&library, symbols, CZ_COUNT(symbols), NULL));
    CZ_REQUIRE_OK(cz__zstd_load(NULL));
    void *state = create();
    for (size_t before = SIZE_MAX; in.pos < in.size && in.pos != before;) { /* frame by frame */
        before = in.pos;
        CZ_EXPECT(!cz__zstd.ZSTD_isError(decompress(state, &out, &in)));
    }
    CZ_EXPECT_EQ(in.pos, in.size);
    destroy(state);
    return cz_str_of(room, out.pos);
}

/* The result is in the test's arena. */
static inline cz_str decode(cz__coding coding, cz_str bytes, size_t room_bytes)
{
    char *room = cz_arena_alloc(cz_test_arena(), room_bytes + 1);
    CZ_REQUIRE(room);
    return coding == CZ__GZIP ? decode_gzip(bytes, room, room_bytes + 1)
           : coding == CZ__BR ? decode_br(bytes, room, room_bytes + 1)
                              : decode_zstd(bytes, room, room_bytes + 1);
}

#endif
