/* http/zstd.h: what is called of libzstd to compress (RFC 8878). As brotli.h. */
#ifndef CZ_HTTP_ZSTD_H
#define CZ_HTTP_ZSTD_H

#include <calzone/status.h>

typedef struct ZSTD_CCtx_s ZSTD_CCtx;

typedef struct ZSTD_inBuffer_s {
    const void *src;
    size_t size, pos;
} ZSTD_inBuffer;
typedef struct ZSTD_outBuffer_s {
    void *dst;
    size_t size, pos;
} ZSTD_outBuffer;

enum {
    ZSTD_c_compressionLevel = 100,
    ZSTD_c_windowLog = 101,
    ZSTD_e_continue = 0,
    ZSTD_e_flush = 1,
    ZSTD_e_end = 2,
    ZSTD_reset_session_only = 1
};

#define CZ__ZSTD_FUNCTIONS(X)                                                                      \
    X(ZSTD_CCtx *, ZSTD_createCCtx, (void))                                                        \
    X(size_t, ZSTD_freeCCtx, (ZSTD_CCtx * cctx))                                                   \
    X(size_t, ZSTD_CCtx_reset, (ZSTD_CCtx * cctx, int reset))                                      \
    X(size_t, ZSTD_CCtx_setParameter, (ZSTD_CCtx * cctx, int parameter, int value))                \
    X(size_t, ZSTD_CCtx_setPledgedSrcSize, (ZSTD_CCtx * cctx, unsigned long long bytes))           \
    X(size_t, ZSTD_compressStream2,                                                                \
      (ZSTD_CCtx * cctx, ZSTD_outBuffer * out, ZSTD_inBuffer * in, int operation))                 \
    X(unsigned, ZSTD_isError, (size_t code))

struct cz__zstd {
#define X(type, name, arguments) type(*name) arguments; /* NOLINT(bugprone-macro-parentheses) */
    CZ__ZSTD_FUNCTIONS(X)
#undef X
};

extern struct cz__zstd cz__zstd;

/* Errors: CZ_EUNSUPPORTED: it is not there. */
CZ_NODISCARD cz_status cz__zstd_load(cz_error *err);

#endif
