/* http/brotli.h: what is called of libbrotlienc to compress (RFC 7932).
 *
 * Declared here, as its manual has it, and found at run time (decision 0012): neither its headers nor the library are needed to
 * build. */
#ifndef CZ_HTTP_BROTLI_H
#define CZ_HTTP_BROTLI_H

#include <calzone/status.h>

typedef struct BrotliEncoderStateStruct BrotliEncoderState;

enum {
    BROTLI_PARAM_QUALITY = 1,
    BROTLI_PARAM_LGWIN = 2,
    BROTLI_PARAM_SIZE_HINT = 5,
    BROTLI_OPERATION_PROCESS = 0,
    BROTLI_OPERATION_FLUSH = 1,
    BROTLI_OPERATION_FINISH = 2,
    BROTLI_OPERATION_EMIT_METADATA = 3
};

#define CZ__BROTLI_FUNCTIONS(X)                                                                    \
    X(BrotliEncoderState *, BrotliEncoderCreateInstance,                                           \
      (void *(*allocate)(void *user, size_t bytes), void (*release)(void *user, void *memory),     \
       void *user))                                                                                \
    X(void, BrotliEncoderDestroyInstance, (BrotliEncoderState * state))                            \
    X(int, BrotliEncoderSetParameter, (BrotliEncoderState * state, int parameter, uint32_t value)) \
    X(int, BrotliEncoderCompressStream,                                                            \
      (BrotliEncoderState * state, int operation, size_t *in_bytes, const uint8_t **in,            \
       size_t *out_bytes, uint8_t **out, size_t *total))                                           \
    X(int, BrotliEncoderHasMoreOutput, (BrotliEncoderState * state))

struct cz__brotli {
#define X(type, name, arguments) type(*name) arguments; /* NOLINT(bugprone-macro-parentheses) */
    CZ__BROTLI_FUNCTIONS(X)
#undef X
};

extern struct cz__brotli cz__brotli;

/* Errors: CZ_EUNSUPPORTED: it is not there. */
CZ_NODISCARD cz_status cz__brotli_load(cz_error *err);

#endif
