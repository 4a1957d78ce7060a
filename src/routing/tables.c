/* Tables as their authors wrote them. What C cannot refuse, an end that was forgotten, is found before it is followed. */
#include "routing/routing_internal.h"

static bool is_entry(const cz_route *route)
{
    switch (route->kind) {
    case CZ__ROUTE_END:
    case CZ__ROUTE_HANDLER:
    case CZ__ROUTE_RESOURCE:
    case CZ__ROUTE_INCLUDE:
        return true;
    }
    return false;
}

cz_status cz__route_check(cz_router *router, const cz_route *table, const cz_route *route,
                          cz_error *err)
{
    if (route->kind == CZ__ROUTE_END)
        return CZ_OK;
    bool entry = is_entry(route);
    const char *pattern = entry ? route->pattern : route > table ? route[-1].pattern : "";
    const char *last = cz__route_pattern(router, pattern);
    if (!last)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the routes");
    if (!entry && route == table)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "a table of routes%s%s begins with what is no route: write CZ_GET() and "
            "its kin, and CZ_ROUTES_END last",
            *last ? " below " : "", last);
    if (!entry)
        return cz_error_set(err, CZ_EVALIDATION,
                            "the table of routes that ends with %s has no CZ_ROUTES_END", last);
    if (route->pattern[0] && route->pattern[0] != '/') /* "/lib" and "books" would be "/libbooks" */
        return cz_error_set(err, CZ_EVALIDATION, "route \"%s\" must begin with \"/\"",
                            route->pattern);
    if (route->kind == CZ__ROUTE_INCLUDE && (route->body_max || route->body_streamed))
        return cz_error_set(err, CZ_EVALIDATION,
                            "the include at %s says what is done with bodies: its routes do", last);
    if (!route->body_streamed && route->body_max > CZ_WHOLE_BODY_BYTES_MAX)
        return cz_error_set(err, CZ_EVALIDATION,
                            "route %s: .body_max is more than %d bytes, which is for bodies that "
                            "are not held in memory: .body_streamed",
                            last, CZ_WHOLE_BODY_BYTES_MAX);
    return cz__middleware_check(route->middleware, last, err);
}
