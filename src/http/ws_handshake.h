/* http/ws_handshake.h: whether a request may become a WebSocket (RFC 6455, 4.2; RFC 8441, 5), and what is agreed on. Pure. */
#ifndef CZ_HTTP_WS_HANDSHAKE_H
#define CZ_HTTP_WS_HANDSHAKE_H

#include <calzone/http.h>

enum { CZ__WS_ACCEPT_BYTES = 28 };

struct cz__ws_wanted {
    /* Origins that browsers may come from beside the site's own, "https://shop.example"; "*" is any. */
    const cz_str *origins;
    size_t origin_count;
    const char *const *subprotocols; /* ended by NULL; may be NULL */
    bool no_compression;
};

struct cz__ws_agreed {
    char accept[CZ__WS_ACCEPT_BYTES]; /* of Sec-WebSocket-Accept; HTTP/2 has none */
    cz_str subprotocol;               /* one of those wanted; empty: none */
    uint8_t window_bits;              /* of permessage-deflate; 0: it was not agreed on */
};

/* Errors, with the answer's sentence in `err`: CZ_EPROTOCOL 400: malformed; CZ_EDENIED 403: another site's origin; 426: no
 * WebSocket was asked for, or another version: the answer needs Upgrade and Sec-WebSocket-Version. */
CZ_NODISCARD cz_status cz__ws_handshake(const cz_request *req, const struct cz__ws_wanted *wanted,
                                        struct cz__ws_agreed *out, cz_error *err);

/* Whether `origin` is that of scheme and host, of which either may leave out the scheme's own port. */
bool cz__ws_same_origin(cz_str origin, cz_str scheme, cz_str host);

#endif
