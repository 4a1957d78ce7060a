#include "db/postgresql/libpq.h"
#include "base/library.h"

struct cz__pq cz__pq;

cz_status cz__pg_load(cz_error *err)
{
    static bool loaded;
    static const struct cz__library library = { "libpq.so.5", " (package libpq5)", "libpq",
                                                "; version 14 or newer is needed" };
    static const struct cz__symbol symbols[] = {
#define X(name) { #name, &cz__pq.name },
        CZ__PQ_MAP(X)
#undef X
    };
    if (loaded)
        return CZ_OK;
    cz_status status = cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
    loaded = !status;
    return status;
}
