#include "cache/redis/hiredis.h"
#include <dlfcn.h>

struct cz__hiredis cz__hiredis;

static cz_status find(void *library, const char *name, void *out, cz_error *err)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        return cz_error_set(err, CZ_EUNSUPPORTED, "%s lacks %s()", CZ_HIREDIS, name);
    memcpy(out, &symbol, sizeof symbol); /* POSIX: a function's address fits a data pointer */
    return CZ_OK;
}

cz_status cz__hiredis_load(cz_error *err)
{
    static bool loaded;
    if (loaded)
        return CZ_OK;
    /* By the name it was built with: its structures differ between versions. */
    void *library = dlopen(CZ_HIREDIS, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return cz_error_set(err, CZ_EUNSUPPORTED, "%s cannot be loaded: %s", CZ_HIREDIS, dlerror());
    cz_status status = CZ_OK;
#define X(name)                                                                                    \
    if (!status)                                                                                   \
        status = find(library, #name, &cz__hiredis.name, err);
    CZ__HIREDIS_MAP(X)
#undef X
    loaded = !status;
    return status;
}
