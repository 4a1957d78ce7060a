#include "http/brotli.h"
#include "base/library.h"

struct cz__brotli cz__brotli;

cz_status cz__brotli_load(cz_error *err)
{
    static struct cz__library library = { .file = "libbrotlienc.so.1",
                                          .from = " (package libbrotli1)",
                                          .name = "libbrotlienc",
                                          .need = "; version 1 is needed" };
    static const struct cz__symbol symbols[] = {
#define X(type, name, arguments) { #name, &cz__brotli.name },
        CZ__BROTLI_FUNCTIONS(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}
