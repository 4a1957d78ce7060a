#include <calzone/routing.h>
#include <calzone/testing.h>
#include <stdio.h>

static void answer(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

/* A resource whose path and names stand on its stack, as a viewset's do. */
static cz_status add_routes(const cz_resource *resource, cz_router *router, const cz_route *route,
                            const char *prefix, cz_error *err)
{
    (void)resource;
    char pattern[64], name[64], label[64];
    snprintf(pattern, sizeof pattern, "%s/<int:id>", prefix);
    snprintf(name, sizeof name, "thing-detail");
    snprintf(label, sizeof label, "things.retrieve");
    cz_status status =
        cz__router_add(router, route, CZ_METHOD_GET, pattern, answer, name, NULL, 0, label, err);
    memset(pattern, 'x', sizeof pattern);
    memset(name, 'x', sizeof name);
    memset(label, 'x', sizeof label);
    return status;
}

CZ_TEST(a_resource_outside_includes_keeps_its_paths)
{
    static const struct {
        cz_resource resource;
    } things = { { add_routes } };
    const cz_route inner[] = { CZ_RESOURCE("/things", &things), CZ_ROUTES_END };
    const cz_route outer[] = { CZ_INCLUDE("/api", inner), CZ_ROUTES_END };
    const cz_route *const tables[] = { inner, outer };
    const char *const patterns[] = { "/things/<int:id>", "/api/things/<int:id>" };
    for (size_t i = 0; i < CZ_COUNT(tables); i++) {
        cz_router *router;
        cz_route_info route;
        size_t cursor = 0;
        CZ_REQUIRE_OK(cz_router_create(tables[i], &(cz_router_options){ 0 }, &router, NULL));
        CZ_REQUIRE(cz_router_next(router, &cursor, &route));
        CZ_EXPECT_STR(cz_str_from(route.pattern), patterns[i]);
        CZ_EXPECT_STR(cz_str_from(route.name), "thing-detail");
        CZ_EXPECT_STR(cz_str_from(route.handler), "things.retrieve");
        cz_router_destroy(router);
    }
}
