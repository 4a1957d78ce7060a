/* What is read is written as the same bytes, and is of a form whose length says which. */
#include "http/tls_signing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cz__signing signing;
    unsigned char again[CZ__SIGNING_MAX];
    if (cz__signing_read(cz_str_of((const char *)data, size), &signing))
        return 0;
    cz_assert(cz__signing_write(&signing, again) == size && memcmp(again, data, size) == 0);
    bool tls13 = signing.bytes.len == 130 || signing.bytes.len == 146;
    cz_assert(signing.id && cz__scheme_numbered(signing.scheme->number) == signing.scheme);
    cz_assert(tls13 ? signing.bytes.ptr[0] == ' ' && !signing.scheme->tls12_alone
                    : signing.bytes.ptr[64] == 3);
    return 0;
}
