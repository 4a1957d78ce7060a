/* http/flooders.h: addresses whose connections were ended as floods. Such a connection is ended soon, but its beginning, perhaps with
 * a handshake of TLS, and what it did until then have been paid; who connects again as soon as it is cut off makes that a flood of its
 * own. So from the second time on new connections of the address are refused for a while, each time for twice as long.
 */
#ifndef CZ_HTTP_FLOODERS_H
#define CZ_HTTP_FLOODERS_H

#include "http/proxies.h"

enum {
    CZ__FLOODERS_MAX = 64, /* at once; then the one that was quiet for longest is forgotten */
    CZ__FLOODERS_REFUSED_MS = 1000,
    CZ__FLOODERS_DOUBLED_MAX = 6, /* so 64 s at most */
    CZ__FLOODERS_FORGOTTEN_MS = 120000
};

/* Zeroed is empty. */
struct cz__flooders {
    unsigned count;
    struct cz__flooder {
        cz__address address;
        int64_t last_ms, until_ms;
        uint32_t times;
    } items[CZ__FLOODERS_MAX];
};

/* A connection of it was a flood. Of IPv6 a client has 2^64 addresses, which count as one. */
void cz__flooders_add(struct cz__flooders *flooders, const cz__address *address, int64_t now_ms);
/* Whether it is to be refused. */
bool cz__flooders_refuse(const struct cz__flooders *flooders, const cz__address *address,
                         int64_t now_ms);

#endif
