/* staticfiles/variants.h: files that were packed beforehand. */
#ifndef CZ_STATICFILES_VARIANTS_H
#define CZ_STATICFILES_VARIANTS_H

#include <calzone/str.h>

enum { CZ__VARIANT_COUNT = 3 };

struct cz__variant {
    cz_str coding; /* "br", of Content-Encoding */
    cz_str suffix; /* ".br" */
};

/* The variants that a client takes rather than the file as it is, the most wanted first (RFC 9110, 12.5.3); of those it wants
 * alike br, zstd, gzip. Returns how many. `accepted` is its Accept-Encoding; an empty one takes none. */
size_t cz__variants_wanted(cz_str accepted, const struct cz__variant *out[CZ__VARIANT_COUNT]);

#endif
