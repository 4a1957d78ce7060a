#include "http/codings.h"
#include "http/brotli.h"
#include "http/zlib.h"
#include "http/zstd.h"
#include <calzone/memory.h>
#include <pthread.h>
#include <stddef.h>

enum {
    BR_PIECE_BYTES = 64 << 10,  /* given to br at a time, so that the reserve is enough */
    BR_RESERVE_BYTES = 8 << 20, /* measured: level 6 takes 6.9 MiB in one call at most */
    OUT_BYTES = 16 << 10,
    GZIP_WINDOW = 16 + MAX_WBITS,
    GZIP_MEMORY = 8,
    WINDOW_BITS_MIN = 16
};

struct cz__encoder {
    cz__encoder *next; /* in the pool */
    cz__encoder_options options;
    unsigned padding_left; /* to be written; of gzip its header does it */
    z_stream gzip;
    gz_header gzip_header;
    BrotliEncoderState *br;
    bool br_starved; /* it has the reserve, and what it makes is given up */
    ZSTD_CCtx *zstd;
};

/* libbrotlienc ends the process where it gets no memory. So it always gets some: of this, which no page is spent on before, by one
 * encoder at a time, until its call is over and it is ended. */
static struct {
    pthread_mutex_t lock;
    size_t used;
    _Alignas(max_align_t) char bytes[BR_RESERVE_BYTES];
} reserve = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct {
    cz__encoder *idle[CZ__CODING_COUNT];
    unsigned idle_count[CZ__CODING_COUNT];
    unsigned taken;
} pool;

static const unsigned char padding[CZ__PADDING_MAX + 1] = { [0 ... CZ__PADDING_MAX - 1] = 'x' };

cz_str cz__coding_name(cz__coding coding)
{
    static const char *const names[] = { "gzip", "br", "zstd" };
    return cz_str_from(names[coding]);
}

cz__coding cz__coding_find(cz_str name)
{
    cz__coding coding = CZ__GZIP;
    while (coding < CZ__CODING_COUNT && !cz_str_eq_icase(name, cz__coding_name(coding)))
        coding++;
    return coding;
}

cz_status cz__coding_load(cz__coding coding, cz_error *err)
{
    switch (coding) {
    case CZ__BR:
        return cz__brotli_load(err);
    case CZ__ZSTD:
        return cz__zstd_load(err);
    case CZ__GZIP: /* zlib is linked */
    case CZ__CODING_COUNT:
        break;
    }
    return CZ_OK;
}

/* ---- Life ---- */

static void *allocate_items(void *unused, unsigned count, unsigned bytes)
{
    (void)unused;
    return cz_calloc(count, bytes);
}

static void *allocate_br(void *user, size_t bytes)
{
    cz__encoder *encoder = user;
    void *memory = encoder->br_starved ? NULL : cz_malloc(bytes);
    if (memory)
        return memory;
    if (!encoder->br_starved) {
        pthread_mutex_lock(&reserve.lock);
        encoder->br_starved = true;
        reserve.used = 0;
    }
    size_t unit = sizeof(max_align_t), rounded = (bytes + unit - 1) / unit * unit;
    if (rounded > sizeof reserve.bytes - reserve.used)
        return NULL;
    memory = reserve.bytes + reserve.used;
    reserve.used += rounded;
    return memory;
}

static void release_br(void *unused, void *memory)
{
    const char *at = memory;
    (void)unused;
    if (at < reserve.bytes || at >= reserve.bytes + sizeof reserve.bytes)
        cz_free(memory);
}

/* It is ended, and the reserve is another's. */
static cz_status give_up_br(cz__encoder *encoder)
{
    if (encoder->br)
        cz__brotli.BrotliEncoderDestroyInstance(encoder->br);
    encoder->br = NULL;
    if (encoder->br_starved)
        pthread_mutex_unlock(&reserve.lock);
    encoder->br_starved = false;
    return CZ_ENOMEM;
}

static void release(void *unused, void *memory)
{
    (void)unused;
    cz_free(memory);
}

static void destroy(cz__encoder *encoder)
{
    if (encoder->gzip.state)
        cz_ignore(deflateEnd(&encoder->gzip)); /* it has nothing to tell any more */
    if (encoder->br)
        cz__brotli.BrotliEncoderDestroyInstance(encoder->br);
    if (encoder->zstd)
        cz__zstd.ZSTD_freeCCtx(encoder->zstd);
    cz_free(encoder);
}

static bool begin_gzip(cz__encoder *encoder)
{
    z_stream *stream = &encoder->gzip;
    int level = encoder->options.level;
    if (stream->state) {
        if (deflateReset(stream) != Z_OK ||
            deflateParams(stream, level, Z_DEFAULT_STRATEGY) != Z_OK)
            return false;
    } else {
        *stream = (z_stream){ .zalloc = allocate_items, .zfree = release };
        if (deflateInit2(stream, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY))
            return false;
    }
    /* The name ends in the NUL behind the padding. 255: of no system (RFC 1952, 2.3.1). */
    unsigned bytes = encoder->options.padding;
    encoder->gzip_header = (gz_header){ .os = 255 };
    if (bytes)
        encoder->gzip_header.name = (Bytef *)(uintptr_t)(padding + CZ__PADDING_MAX - bytes);
    return deflateSetHeader(stream, &encoder->gzip_header) == Z_OK;
}

/* The smallest window that has all of it, as far as there may be one. */
static unsigned window_bits(uint64_t bytes)
{
    unsigned bits = WINDOW_BITS_MIN;
    while (bits < CZ__WINDOW_BITS_MAX && (!bytes || bytes > (UINT64_C(1) << bits) - 16))
        bits++;
    return bits;
}

/* It can't be begun anew: each body has one of its own. */
static bool begin_br(cz__encoder *encoder)
{
    const cz__encoder_options *options = &encoder->options;
    BrotliEncoderState *br =
        cz__brotli.BrotliEncoderCreateInstance(allocate_br, release_br, encoder);
    uint32_t hint = options->bytes < UINT32_MAX ? (uint32_t)options->bytes : UINT32_MAX;
    encoder->br = br;
    encoder->padding_left = options->padding;
    if (!br || encoder->br_starved)
        return !give_up_br(encoder);
    return cz__brotli.BrotliEncoderSetParameter(br, BROTLI_PARAM_QUALITY,
                                                (uint32_t)options->level) &&
           cz__brotli.BrotliEncoderSetParameter(br, BROTLI_PARAM_LGWIN,
                                                window_bits(options->bytes)) &&
           cz__brotli.BrotliEncoderSetParameter(br, BROTLI_PARAM_SIZE_HINT, hint);
}

static bool begin_zstd(cz__encoder *encoder)
{
    const cz__encoder_options *options = &encoder->options;
    ZSTD_CCtx *zstd = encoder->zstd ? encoder->zstd : cz__zstd.ZSTD_createCCtx();
    encoder->zstd = zstd;
    encoder->padding_left = options->padding;
    return zstd &&
           !cz__zstd.ZSTD_isError(cz__zstd.ZSTD_CCtx_reset(zstd, ZSTD_reset_session_only)) &&
           !cz__zstd.ZSTD_isError(
               cz__zstd.ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, options->level)) &&
           !cz__zstd.ZSTD_isError(cz__zstd.ZSTD_CCtx_setParameter(
               zstd, ZSTD_c_windowLog, (int)window_bits(options->bytes))) &&
           (!options->bytes ||
            !cz__zstd.ZSTD_isError(cz__zstd.ZSTD_CCtx_setPledgedSrcSize(zstd, options->bytes)));
}

static bool begin(cz__encoder *encoder)
{
    switch (encoder->options.coding) {
    case CZ__GZIP:
        return begin_gzip(encoder);
    case CZ__BR:
        return begin_br(encoder);
    case CZ__ZSTD:
        return begin_zstd(encoder);
    case CZ__CODING_COUNT:
        break;
    }
    return false;
}

cz_status cz__encoder_acquire(const cz__encoder_options *options, cz__encoder **out)
{
    cz_assert(options->padding <= CZ__PADDING_MAX);
    cz__encoder *encoder = pool.idle[options->coding];
    if (pool.taken == CZ__ENCODERS_MAX)
        return CZ_EBUSY;
    if (encoder) {
        pool.idle[options->coding] = encoder->next;
        pool.idle_count[options->coding]--;
    } else if (!(encoder = cz_calloc(1, sizeof *encoder))) {
        return CZ_ENOMEM;
    }
    encoder->options = *options;
    encoder->padding_left = 0;
    if (!begin(encoder)) {
        destroy(encoder);
        return CZ_ENOMEM;
    }
    pool.taken++;
    *out = encoder;
    return CZ_OK;
}

void cz__encoder_release(cz__encoder *encoder)
{
    if (!encoder)
        return;
    cz__coding coding = encoder->options.coding;
    cz_assert(pool.taken);
    pool.taken--;
    if (coding == CZ__BR || pool.idle_count[coding] == CZ__ENCODERS_IDLE) {
        destroy(encoder);
        return;
    }
    encoder->next = pool.idle[coding];
    pool.idle[coding] = encoder;
    pool.idle_count[coding]++;
}

/* ---- Writing ---- */

static cz_status write_gzip(cz__encoder *encoder, cz_str piece, cz__encoding then, cz_buf *out)
{
    static const int modes[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
    return cz__deflate_append(&encoder->gzip, piece, modes[then], out);
}

static cz_status run_br(cz__encoder *encoder, int operation, cz_str piece, cz_buf *out)
{
    const uint8_t *in = (const uint8_t *)piece.ptr;
    size_t in_bytes = piece.len;
    do {
        char *room = cz_buf_reserve(out, OUT_BYTES);
        if (!room)
            return cz_buf_status(out);
        uint8_t *at = (uint8_t *)room;
        size_t left = OUT_BYTES;
        int good = cz__brotli.BrotliEncoderCompressStream(encoder->br, operation, &in_bytes, &in,
                                                          &left, &at, NULL);
        if (!good || encoder->br_starved)
            return give_up_br(encoder);
        cz_buf_commit(out, OUT_BYTES - left);
    } while (in_bytes || cz__brotli.BrotliEncoderHasMoreOutput(encoder->br));
    return CZ_OK;
}

static cz_status write_br(cz__encoder *encoder, cz_str piece, cz__encoding then, cz_buf *out)
{
    static const int operations[] = { BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH,
                                      BROTLI_OPERATION_FINISH };
    /* One byte of metadata it writes as none and one (libbrotlienc 1.0.9), which nobody can read. */
    unsigned bytes = encoder->padding_left == 1 ? 2 : encoder->padding_left;
    if (!encoder->br)
        return CZ_ENOMEM; /* it was given up */
    encoder->padding_left = 0;
    cz_status status = CZ_OK;
    if (bytes)
        status = run_br(encoder, BROTLI_OPERATION_EMIT_METADATA,
                        cz_str_of((const char *)padding, bytes), out);
    for (; !status && piece.len > BR_PIECE_BYTES; piece = cz_str_tail(piece, BR_PIECE_BYTES))
        status = run_br(encoder, BROTLI_OPERATION_PROCESS, cz_str_head(piece, BR_PIECE_BYTES), out);
    return status ? status : run_br(encoder, operations[then], piece, out);
}

/* A frame that is skipped: magic number, length, content (RFC 8878, 3.1.2). Behind the other, as nobody expects less than one
 * that has something in it. */
static void pad_zstd(cz__encoder *encoder, cz_buf *out)
{
    const unsigned char head[] = { 0x50, 0x2a, 0x4d, 0x18, (unsigned char)encoder->padding_left,
                                   0,    0,    0 };
    if (encoder->padding_left) {
        cz_buf_append(out, head, sizeof head);
        cz_buf_append(out, padding, encoder->padding_left);
    }
    encoder->padding_left = 0;
}

static cz_status write_zstd(cz__encoder *encoder, cz_str piece, cz__encoding then, cz_buf *out)
{
    static const int operations[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
    ZSTD_inBuffer in = { piece.ptr, piece.len, 0 };
    size_t left;
    do {
        char *room = cz_buf_reserve(out, OUT_BYTES);
        if (!room)
            return cz_buf_status(out);
        ZSTD_outBuffer made = { room, OUT_BYTES, 0 };
        left = cz__zstd.ZSTD_compressStream2(encoder->zstd, &made, &in, operations[then]);
        if (cz__zstd.ZSTD_isError(left))
            return CZ_ENOMEM; /* the size that was pledged is kept, so nothing else is left */
        cz_buf_commit(out, made.pos);
    } while (then == CZ__ENCODE_MORE ? in.pos < in.size : left > 0);
    if (then == CZ__ENCODE_END)
        pad_zstd(encoder, out);
    return cz_buf_status(out);
}

cz_status cz__encoder_write(cz__encoder *encoder, cz_str piece, cz__encoding then, cz_buf *out)
{
    switch (encoder->options.coding) {
    case CZ__GZIP:
        return write_gzip(encoder, piece, then, out);
    case CZ__BR:
        return write_br(encoder, piece, then, out);
    case CZ__ZSTD:
        return write_zstd(encoder, piece, then, out);
    case CZ__CODING_COUNT:
        break;
    }
    return CZ_EUNSUPPORTED;
}
