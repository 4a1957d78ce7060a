#include "redis/hiredis.h"
#include "base/library.h"

struct cz__hiredis cz__hiredis;

cz_status cz__hiredis_load(cz_error *err)
{
    /* By the name it was built with: its structures differ between versions. */
    static struct cz__library library = {
        .file = CZ_HIREDIS, .from = "", .name = CZ_HIREDIS, .need = ""
    };
    static const struct cz__symbol symbols[] = {
#define X(name) { #name, &cz__hiredis.name },
        CZ__HIREDIS_MAP(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}
