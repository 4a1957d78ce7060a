/* Shared libraries that are loaded when they are first needed: a program that needs none starts without them, and one
 * binary serves machines that have them and those that have not (docs/decisions/0012). */
#ifndef CZ_BASE_LIBRARY_H
#define CZ_BASE_LIBRARY_H

#include <calzone/status.h>

struct cz__symbol {
    const char *name;
    void *out; /* a pointer to the function, which is written there */
};

struct cz__library {
    const char *file; /* "libpq.so.5" */
    const char *
        from; /* what brings it, for the error of one that is not there: " (package libpq5)", or "" */
    const char *name; /* for the error of one that lacks a function: "libpq" */
    const char *need; /* and what would have it: "; version 14 or newer is needed", or "" */
};

/* Load a library and find its functions; it stays for the life of the process. Not for two threads at once. Errors:
 * CZ_EUNSUPPORTED, and nothing stays loaded. */
CZ_NODISCARD cz_status cz__library_load(const struct cz__library *library,
                                        const struct cz__symbol *symbols, size_t count,
                                        cz_error *err);

#endif
