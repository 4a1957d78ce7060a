#include "db/postgresql/libpq.h"
#include <dlfcn.h>

struct cz__pq cz__pq;

static cz_status find(void *library, const char *name, void *out, cz_error *err)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        return cz_error_set(err, CZ_EUNSUPPORTED, "libpq lacks %s(); version 14 or newer is needed",
                            name);
    memcpy(out, &symbol, sizeof symbol); /* POSIX: a function's address fits a data pointer */
    return CZ_OK;
}

cz_status cz__pg_load(cz_error *err)
{
    static bool loaded;
    if (loaded)
        return CZ_OK;
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return cz_error_set(err, CZ_EUNSUPPORTED,
                            "libpq.so.5 cannot be loaded (package libpq5): %s", dlerror());
    cz_status status = CZ_OK;
#define X(name)                                                                                    \
    if (!status)                                                                                   \
        status = find(library, #name, &cz__pq.name, err);
    CZ__PQ_MAP(X)
#undef X
    loaded = !status;
    return status;
}
