#include "db/postgresql/libpq.h"
#include "base/library.h"

struct cz__pq cz__pq;

cz_status cz__pg_load(cz_error *err)
{
    static struct cz__library library = { .file = "libpq.so.5",
                                          .from = " (package libpq5)",
                                          .name = "libpq",
                                          .need = "; version 14 or newer is needed" };
    static const struct cz__symbol symbols[] = {
#define X(name) { #name, &cz__pq.name },
        CZ__PQ_MAP(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}
