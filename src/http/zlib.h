/* http/zlib.h: what the codings of bodies and of messages do alike with zlib, whose types this names. */
#ifndef CZ_HTTP_ZLIB_H
#define CZ_HTTP_ZLIB_H

#include <calzone/buf.h>
#include <zlib.h>

/* Append what `piece` becomes, with deflate()'s `flush`. Errors: CZ_ETOOBIG, CZ_ENOMEM: it does not fit `out`. */
CZ_NODISCARD cz_status cz__deflate_append(z_stream *stream, cz_str piece, int flush, cz_buf *out);

#endif
