/* http/h1_chunked.h: the chunked coding of a request body, decoded in place (RFC 9112, 7.1). */
#ifndef CZ_HTTP_H1_CHUNKED_H
#define CZ_HTTP_H1_CHUNKED_H

#include "http/h1_head.h"
#include <calzone/buf.h>

enum {
    CZ__CHUNK_EXT_BYTES_MAX = 256, /* of one chunk */
    CZ__CHUNK_EXT_TOTAL_BYTES_MAX =
        8192, /* of a body: one-byte chunks must not carry 256 times as much */
    CZ__CHUNK_TRAILER_BYTES_MAX = 8192
};

struct cz__h1_chunked {
    uint64_t body_bytes_max;
    uint64_t body_bytes; /* decoded so far */
    uint64_t left;       /* of the chunk at hand */
    uint32_t ext_bytes, ext_total_bytes, trailer_bytes;
    uint8_t state, digits;
    uint8_t rule;    /* enum cz__h1_rule: why it was refused */
    cz_buf *trailer; /* where the lines of the trailer go, each with its CRLF; NULL: nowhere */
};

void cz__h1_chunked_init(struct cz__h1_chunked *chunked, uint64_t body_bytes_max);

/* Decode what has arrived. The decoded bytes are moved to the front of `bytes`, `*out_decoded` of them;
 * `*out_used` bytes were consumed, all of them unless the body is complete. Trailer fields are checked
 * and, where chunked->trailer has no room for one, dropped with a failure in that buffer. Returns CZ_OK when the body is complete, CZ_EAGAIN when more is needed.
 * Errors: CZ_EPROTOCOL, CZ_ETOOBIG: chunked->rule says why; the out values are set all the same. */
CZ_NODISCARD cz_status cz__h1_chunked_feed(struct cz__h1_chunked *chunked, char *bytes, size_t len,
                                           size_t *out_used, size_t *out_decoded);

#endif
