#include "redis/hiredis.h"
#include "base/library.h"

struct cz__hiredis cz__hiredis;

cz_status cz__hiredis_load(cz_error *err)
{
    static bool loaded;
    /* By the name it was built with: its structures differ between versions. */
    static const struct cz__library library = { CZ_HIREDIS, "", CZ_HIREDIS, "" };
    static const struct cz__symbol symbols[] = {
#define X(name) { #name, &cz__hiredis.name },
        CZ__HIREDIS_MAP(X)
#undef X
    };
    if (loaded)
        return CZ_OK;
    cz_status status = cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
    loaded = !status;
    return status;
}
