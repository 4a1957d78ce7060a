/* http/streams.h: for what stands around a body that is streamed and makes other bytes of it.
 *
 * It puts itself into response->stream, with a filter beside it: what the body's own function writes goes through that.
 */
#ifndef CZ_HTTP_STREAMS_H
#define CZ_HTTP_STREAMS_H

#include <calzone/http.h>

/* Send a piece as it is, past response->stream_filter. Raises and context as cz_stream_write(). */
void cz__stream_put(cz_ctx *ctx, cz_request *req, cz_str piece);

#endif
