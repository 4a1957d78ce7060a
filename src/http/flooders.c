#include "http/flooders.h"
#include <string.h>

/* Also of IPv4 that was translated (RFC 6052, 2.1). */
static bool is_ipv4(const cz__address *address)
{
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    return cz__address_is_ipv4(address) || memcmp(address->bytes, nat64, sizeof nat64) == 0;
}

static bool is_one_client(const cz__address *a, const cz__address *b)
{
    size_t bytes = is_ipv4(a) || is_ipv4(b) ? sizeof a->bytes : 8;
    return memcmp(a->bytes, b->bytes, bytes) == 0;
}

static struct cz__flooder *place_of(struct cz__flooders *flooders, const cz__address *address)
{
    struct cz__flooder *oldest = &flooders->items[0];
    for (unsigned i = 0; i < flooders->count; i++) {
        struct cz__flooder *at = &flooders->items[i];
        if (is_one_client(address, &at->address))
            return at;
        if (at->last_ms < oldest->last_ms)
            oldest = at;
    }
    if (flooders->count < CZ__FLOODERS_MAX)
        oldest = &flooders->items[flooders->count++];
    *oldest = (struct cz__flooder){ .address = *address };
    return oldest;
}

void cz__flooders_add(struct cz__flooders *flooders, const cz__address *address, int64_t now_ms)
{
    struct cz__flooder *flooder = place_of(flooders, address);
    if (now_ms - flooder->last_ms >= CZ__FLOODERS_FORGOTTEN_MS)
        flooder->times = 0;
    flooder->last_ms = now_ms;
    flooder->times++;
    if (flooder->times < 2)
        return; /* a client with a mistake, or one of many behind an address */
    uint32_t doubled = flooder->times - 2;
    if (doubled > CZ__FLOODERS_DOUBLED_MAX)
        doubled = CZ__FLOODERS_DOUBLED_MAX;
    flooder->until_ms = now_ms + ((int64_t)CZ__FLOODERS_REFUSED_MS << doubled);
}

bool cz__flooders_refuse(const struct cz__flooders *flooders, const cz__address *address,
                         int64_t now_ms)
{
    for (unsigned i = 0; i < flooders->count; i++)
        if (now_ms < flooders->items[i].until_ms &&
            is_one_client(address, &flooders->items[i].address))
            return true;
    return false;
}
