#include "http/zstd.h"
#include "base/library.h"

struct cz__zstd cz__zstd;

cz_status cz__zstd_load(cz_error *err)
{
    static struct cz__library library = { .file = "libzstd.so.1",
                                          .from = " (package libzstd1)",
                                          .name = "libzstd",
                                          .need = "; version 1.4 or newer is needed" };
    static const struct cz__symbol symbols[] = {
#define X(type, name, arguments) { #name, &cz__zstd.name },
        CZ__ZSTD_FUNCTIONS(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}
