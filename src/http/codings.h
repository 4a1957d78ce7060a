/* http/codings.h: content codings, which make bodies of answers smaller (RFC 9110, 8.4.1; RFC 1952, 7932, 8878).
 *
 * An encoder holds what its library needs: up to 270 KiB for gzip, some 2 MiB for br and zstd. A worker has at most
 * CZ__ENCODERS_MAX of them at a time and keeps CZ__ENCODERS_IDLE of a coding for the next, as making one costs more than a small
 * body. They are taken and given back by the worker's own thread; writing may be another's.
 *
 * Padding is bytes that every decoder passes over, so that the length does not tell what a body is made of (BREACH): a file's
 * name in gzip, metadata in br, a frame to be skipped in zstd.
 */
#ifndef CZ_HTTP_CODINGS_H
#define CZ_HTTP_CODINGS_H

#include <calzone/buf.h>

typedef enum cz__coding { CZ__GZIP, CZ__BR, CZ__ZSTD, CZ__CODING_COUNT } cz__coding;

enum {
    CZ__ENCODERS_MAX = 64,
    CZ__ENCODERS_IDLE = 4,
    CZ__PADDING_MAX = 255,
    /* A window of a MiB: what all have to be able to decode is 8 (RFC 9659), and this is what memory is spent on. */
    CZ__WINDOW_BITS_MAX = 20
};

/* "gzip": as Content-Encoding has it. */
cz_str cz__coding_name(cz__coding coding);
/* The coding of this name; CZ__CODING_COUNT: none. */
cz__coding cz__coding_find(cz_str name);
/* Errors: CZ_EUNSUPPORTED: its library is not there; `err` names it. Context: any thread. */
CZ_NODISCARD cz_status cz__coding_load(cz__coding coding, cz_error *err);

typedef struct cz__encoder cz__encoder;

typedef struct cz__encoder_options {
    cz__coding coding; /* loaded before */
    int level;         /* the library's own: 1 to 9, 0 to 6, 1 to 12 */
    uint64_t bytes;    /* what will be written; 0: not known */
    unsigned padding;  /* at most CZ__PADDING_MAX bytes; of br two for one */
} cz__encoder_options;

/* Errors: CZ_EBUSY: there are CZ__ENCODERS_MAX; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__encoder_acquire(const cz__encoder_options *options, cz__encoder **out);
/* NULL does nothing. */
void cz__encoder_release(cz__encoder *encoder);

typedef enum cz__encoding { CZ__ENCODE_MORE, CZ__ENCODE_FLUSH, CZ__ENCODE_END } cz__encoding;

/* Append what `piece` becomes. After a flush all that was written can be decoded; after the end nothing may be written.
 * Errors: CZ_ETOOBIG: it does not fit `out`; CZ_ENOMEM. The encoder is then good for its release only. */
CZ_NODISCARD cz_status cz__encoder_write(cz__encoder *encoder, cz_str piece, cz__encoding then,
                                         cz_buf *out);

#endif
