/* What a start may do, and a developer should know: routes that ask who calls where nothing can know it. */
#include "management/project.h"
#include <calzone/authentication.h>
#include <calzone/cache.h>
#include <calzone/clients.h>
#include <calzone/idempotency.h>
#include <calzone/openapi.h>
#include <calzone/throttling.h>
#include <calzone/views.h>
#include <stdio.h>

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

static const cz_permission *permission_of(const cz_route_info *route)
{
    const cz_viewset *view = cz_view_of_route(route);
    if (!view)
        return NULL;
    const cz_permission *own =
        route->action < CZ_ACTION_COUNT
            ? NULL
            : view->actions.items[route->action - CZ_ACTION_COUNT].permissions;
    return own ? own : view->permissions;
}

size_t cz__site_warn(const struct cz__site *site)
{
    cz_route_info route, first = { 0 };
    size_t count = 0;
    for (size_t cursor = 0; cz_router_next(site->router, &cursor, &route);) {
        const cz_permission *permission = permission_of(&route);
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
