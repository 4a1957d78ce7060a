#ifdef CZ_HTTP2
#include "http/nghttp2.h"
#include "base/library.h"

struct cz__nghttp2 cz__nghttp2;

cz_status cz__nghttp2_load(cz_error *err)
{
    static struct cz__library library = { .file = "libnghttp2.so.14",
                                          .from = " (package libnghttp2-14)",
                                          .name = "libnghttp2",
                                          .need = "; version 1.50 or newer is needed" };
    static const struct cz__symbol symbols[] = {
#define X(name) { #name, &cz__nghttp2.name },
        CZ__NGHTTP2_MAP(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}
#endif
