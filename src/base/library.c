#include "base/library.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static cz_status load(const struct cz__library *library, const struct cz__symbol *symbols,
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

cz_status cz__library_load(struct cz__library *library, const struct cz__symbol *symbols,
                           size_t count, cz_error *err)
{
    static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
    if (atomic_load_explicit(&library->loaded, memory_order_acquire))
        return CZ_OK;
    pthread_mutex_lock(&loading);
    cz_status status = library->loaded ? CZ_OK : load(library, symbols, count, err);
    atomic_store_explicit(&library->loaded, !status, memory_order_release);
    pthread_mutex_unlock(&loading);
    return status;
}
