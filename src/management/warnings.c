/* What a start may do, and a developer should know: routes that ask who calls where nothing can know it, and static files that
 * are not there or hide other routes. */
#include "management/project.h"
#include "views/views.h"
#include <calzone/authentication.h>
#include <calzone/cache.h>
#include <calzone/clients.h>
#include <calzone/idempotency.h>
#include <calzone/openapi.h>
#include <calzone/staticfiles.h>
#include <calzone/throttling.h>
#include <calzone/views.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Whether a permission lets somebody in for being known, as far as its parts say it. */
static bool asks_who_calls(const cz_permission *permission)
{
    if (permission == &cz_is_authenticated)
        return true;
    bool parts =
        permission->allows == cz__permission_any || permission->allows == cz__permission_all;
    for (size_t i = 0; parts && i < permission->part_count; i++)
        if (asks_who_calls(permission->parts[i]))
            return true;
    return false;
}

/* Calzone's own but for CZ_AUTHENTICATION(): none of them tells who calls. */
static bool asks_nobody(const cz_middleware *middleware)
{
    static const cz_middleware *const ours[] = {
        &cz_request_id,      &cz_access_log,           &cz_security_headers, &cz_host_check,
        &cz_atomic_requests, &cz_read_your_writes,     &cz_response_check,   &cz_throttling,
        &cz_idempotency,     &cz_idempotency_required, &cz_client_gate,      &cz_https_redirect,
        &cz_compression,
    };
    for (size_t i = 0; i < CZ_COUNT(ours); i++)
        if (middleware == ours[i])
            return true;
    return middleware->process == cz__page_cache_process;
}

/* A middleware of the project's own may call cz_set_actor(), so where one stands nothing is said. */
static bool may_know(const cz_middleware *const *list)
{
    while (*list && asks_nobody(*list))
        list++;
    return *list != NULL;
}

static size_t warn_of_unknown_callers(const struct cz__site *site)
{
    cz_route_info route, first = { 0 };
    size_t count = 0;
    for (size_t cursor = 0; cz_router_next(site->router, &cursor, &route);) {
        const cz_permission *permission = cz__route_permission(&route);
        if (!permission || !asks_who_calls(permission) || may_know(route.middleware))
            continue;
        if (!count++)
            first = route;
    }
    if (!count)
        return 0;
    fprintf(stderr,
            "%s: warning: cz_is_authenticated is asked at %zu route%s, such as %s %s, with no "
            "CZ_AUTHENTICATION() around: nobody is ever known there\n",
            site->project->name, count, count == 1 ? "" : "s", first.method, first.pattern);
    return 1;
}

/* ---- static files ---- */

/* A folder that a build makes later may be missing now; a name that is wrong always will be. */
static size_t warn_of_missing_folder(const struct cz__site *site, const cz_route_info *route,
                                     const cz_static_files *files)
{
    struct stat status;
    if (!stat(files->folder, &status) && S_ISDIR(status.st_mode))
        return 0;
    fprintf(
        stderr,
        "%s: warning: %s serves files of the folder \"%s\", which is not there: all of them are "
        "404\n",
        site->project->name, route->pattern, files->folder);
    return 1;
}

/* Of those that stand behind it in the table none is reached, whatever their method: the path is taken. */
static size_t warn_of_hidden_routes(const struct cz__site *site, const cz_route_info *files,
                                    size_t cursor)
{
    size_t below = strlen(files->pattern) - strlen("<path:path>"), count = 0;
    cz_route_info route, first = { 0 };
    while (cz_router_next(site->router, &cursor, &route)) {
        if (route.data == files->data || strncmp(route.pattern, files->pattern, below) != 0)
            continue;
        if (!count++)
            first = route;
    }
    if (count)
        fprintf(stderr,
                "%s: warning: %zu route%s, such as %s %s, stand%s behind the static files at %s, "
                "which have every path there: put the files last\n",
                site->project->name, count, count == 1 ? "" : "s", first.method, first.pattern,
                count == 1 ? "s" : "", files->pattern);
    return count > 0;
}

static size_t warn_of_static_files(const struct cz__site *site)
{
    cz_route_info route;
    size_t count = 0;
    for (size_t cursor = 0; cz_router_next(site->router, &cursor, &route);) {
        const cz_static_files *files = cz_static_files_of_route(&route);
        if (!files || !strchr(route.pattern, '<')) /* which a folder's page is not */
            continue;
        count += warn_of_missing_folder(site, &route, files);
        count += warn_of_hidden_routes(site, &route, cursor);
    }
    return count;
}

size_t cz__site_warn(const struct cz__site *site)
{
    return warn_of_unknown_callers(site) + warn_of_static_files(site);
}
