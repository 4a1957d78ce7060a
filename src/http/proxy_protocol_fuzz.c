/* Headers of the PROXY protocol. Oracles: of a header each part is one that may go on, and what follows it changes nothing. */
#include "http/proxy_protocol.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    check(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    struct cz__proxy_header header = { 0 }, again = { 0 };
    if (!cz__proxy_header_read(cz_str_of(copy, size), &header)) {
        check(header.bytes && header.bytes <= size && header.bytes <= CZ__PROXY_BYTES_MAX);
        check(!cz__proxy_header_read(cz_str_of(copy, header.bytes), &again));
        check(again.bytes == header.bytes && again.known == header.known &&
              (!header.known || !memcmp(&again.client, &header.client, sizeof header.client)));
        for (size_t n = 0; n < header.bytes; n++)
            check(cz__proxy_header_read(cz_str_of(copy, n), &again) == CZ_EAGAIN);
    }
    free(copy);
    return 0;
}
