#include "base/mapped.h"
#include <calzone/middleware.h>

const cz_middleware *const cz_default_middleware[] = {
    &cz_request_id, &cz_access_log, &cz_security_headers, &cz_host_check, &cz_https_redirect, NULL,
};

/* What follows a list is other data: text, code, other tables. Taken for a middleware its first words are no addresses. */
static bool is_middleware(const cz_middleware *item)
{
    union {
        void (*function)(cz_ctx *ctx, cz_request *req, const cz_next *next);
        const void *address;
    } process;
    if (!cz__mapped(item, sizeof *item))
        return false;
    process.function = item->process;
    return cz__mapped(process.address, 1) && (!item->name || cz__mapped(item->name, 1));
}

cz_status cz__middleware_check(const cz_middleware *const *list, const char *route, cz_error *err)
{
    const char *last = NULL;
    for (; list && *list; list++) {
        if (!is_middleware(*list))
            return cz_error_set(err, CZ_EVALIDATION, "the middleware list of %s has no NULL %s%s",
                                route ? route : "the project", last ? "after " : "at its end",
                                last ? last : "");
        last = (*list)->name;
    }
    return CZ_OK;
}
