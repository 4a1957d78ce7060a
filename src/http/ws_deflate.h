/* http/ws_deflate.h: permessage-deflate (RFC 7692): what is agreed on, and the messages.
 *
 * Both sides always begin each message anew (server_no_context_takeover and client_no_context_takeover), so a socket has no
 * state of zlib: one stream each way is made when the first message needs it and serves all sockets of a worker. A stream of
 * each socket's own would compress small messages better and cost 300 KiB.
 */
#ifndef CZ_HTTP_WS_DEFLATE_H
#define CZ_HTTP_WS_DEFLATE_H

#include <calzone/buf.h>

enum { CZ__WS_WINDOW_BITS_MIN = 9, CZ__WS_WINDOW_BITS_MAX = 15 };

/* Choose from a Sec-WebSocket-Extensions header (RFC 6455, 9.1; RFC 7692, 7.1) the first offer of permessage-deflate that
 * can be met, and the window this side's messages are to be compressed with; 0 when there is none.
 * Errors: CZ_EPROTOCOL: the header is malformed. An offer whose parameters are unknown, doubled or out of range is one that
 * cannot be met, and no error. */
CZ_NODISCARD cz_status cz__ws_deflate_choose(cz_str header, unsigned *out_window_bits);

/* A worker's streams. */
typedef struct cz__ws_codec cz__ws_codec;
CZ_NODISCARD cz_status cz__ws_codec_create(cz__ws_codec **out);
void cz__ws_codec_destroy(cz__ws_codec *codec);

/* Append the message that was compressed. Errors: CZ_EPROTOCOL: it is no deflate, or ends inside; CZ_ETOOBIG: it does not
 * fit `out`, of which no more than that is made; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__ws_inflate(cz__ws_codec *codec, cz_str message, cz_buf *out);
/* Append the message compressed with a window of `window_bits`. Errors: CZ_ENOMEM, CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__ws_deflate(cz__ws_codec *codec, unsigned window_bits, cz_str message,
                                      cz_buf *out);

#endif
