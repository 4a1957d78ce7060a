#include "base/library.h"
#include <dlfcn.h>
#include <string.h>

cz_status cz__library_load(const struct cz__library *library, const struct cz__symbol *symbols,
                           size_t count, cz_error *err)
{
    void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return cz_error_set(err, CZ_EUNSUPPORTED, "%s cannot be loaded%s: %s", library->file,
                            library->from, dlerror());
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol) {
            dlclose(handle);
            return cz_error_set(err, CZ_EUNSUPPORTED, "%s lacks %s()%s", library->name,
                                symbols[i].name, library->need);
        }
        memcpy(symbols[i].out, &symbol,
               sizeof symbol); /* POSIX: a function's address fits a data pointer */
    }
    return CZ_OK;
}
