/* Shared libraries that are loaded when they are first needed: a program that needs none starts without them, and one
 * binary serves machines that have them and those that have not (docs/decisions/0012). */
#ifndef CZ_BASE_LIBRARY_H
#define CZ_BASE_LIBRARY_H

#include <calzone/status.h>
#include <stdatomic.h>

struct cz__symbol {
    const char *name;
    void *out; /* a pointer to the function, which is written there */
};

struct cz__library {
    const char *file; /* "libpq.so.5" */
    const char *
        from; /* what brings it, for the error of one that is not there: " (package libpq5)", or "" */
    const char *name;   /* for the error of one that lacks a function: "libpq" */
    const char *need;   /* and what would have it: "; version 14 or newer is needed", or "" */
    atomic_bool loaded; /* its functions are found */
};

/* Load a library and find its functions, the first time it is called for it; it stays for the life of the process. From any
 * thread. Errors: CZ_EUNSUPPORTED, and nothing stays loaded: the next call tries again. */
CZ_NODISCARD cz_status cz__library_load(struct cz__library *library,
                                        const struct cz__symbol *symbols, size_t count,
                                        cz_error *err);

#endif
