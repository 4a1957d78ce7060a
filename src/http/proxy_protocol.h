/* http/proxy_protocol.h: what a proxy says in front of a connection, for whom it speaks (HAProxy's "The PROXY protocol", versions 1
 * and 2). */
#ifndef CZ_HTTP_PROXY_PROTOCOL_H
#define CZ_HTTP_PROXY_PROTOCOL_H

#include "http/proxies.h"

enum {
    CZ__PROXY_LINE_MAX = 107, /* of version 1, with its end */
    CZ__PROXY_BYTES_MAX =
        1024 /* of version 2, with what stands behind the addresses, which is passed over */
};

struct cz__proxy_header {
    size_t bytes; /* as many are the header; what follows is the client's */
    bool
        known; /* it names a client; else the proxy speaks for itself, as to see whether the site lives */
    cz__address client;
};

/* Read the header that `bytes` begin with. Errors: CZ_EAGAIN: it has not come whole, and all of it is the header's; CZ_EPROTOCOL:
 * it is none, or has more than CZ__PROXY_BYTES_MAX. Context: any thread. */
CZ_NODISCARD cz_status cz__proxy_header_read(cz_str bytes, struct cz__proxy_header *out);

#endif
