#include "staticfiles/variants.h"
#include <calzone/renderers.h>

/* The best first. */
static const struct cz__variant variants[CZ__VARIANT_COUNT] = {
    { { "br", 2 }, { ".br", 3 } },
    { { "zstd", 4 }, { ".zst", 4 } },
    { { "gzip", 4 }, { ".gz", 3 } },
};

size_t cz__variants_wanted(cz_str accepted, const struct cz__variant *out[CZ__VARIANT_COUNT])
{
    int qualities[CZ__VARIANT_COUNT];
    size_t count = 0;
    if (!cz_str_trim(accepted).len)
        return 0;
    int plain = cz_accept_quality(accepted, CZ_STR("identity"));
    for (size_t i = 0; i < CZ__VARIANT_COUNT; i++) {
        int quality = cz_accept_quality(accepted, variants[i].coding);
        if (!quality || quality < plain)
            continue;
        size_t at = count++;
        for (; at > 0 && qualities[at - 1] < quality; at--) {
            qualities[at] = qualities[at - 1];
            out[at] = out[at - 1];
        }
        qualities[at] = quality;
        out[at] = &variants[i];
    }
    return count;
}
