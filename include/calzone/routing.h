/* calzone/routing.h: from a path to a handler, and back.
 *
 *     static const cz_route urls[] = {
 *         CZ_GET("/pizzas/random", random_pizzas),
 *         CZ_GET("/pizzas/<int:id>", pizza, .name = "pizza"),
 *         CZ_RESOURCE("/api/v1/pizzas", &pizza_views),
 *         CZ_INCLUDE("/shop", shop_urls, .name_space = "shop"),
 *         CZ_ROUTES_END
 *     };
 *
 * A pattern is made of segments between slashes. A segment is text, or holds one parameter with text
 * around it: `<int:id>`, `<str:name>` (the default: `<name>`), `<slug:s>`, `<uuid:u>`, and `<path:p>`,
 * which takes the rest of the path. A value that the converter does not take is no match, and the next
 * route is tried: the first route of the table that matches wins, as in Django.
 *
 * A path without a route is 404; one whose routes do not take the method is 405 with Allow. HEAD is
 * answered by GET without its body, OPTIONS by 204 with Allow. Where only the trailing slash differs, GET
 * and HEAD are redirected (301). Two routes for the same path and method stop the start.
 */
#ifndef CALZONE_ROUTING_H
#define CALZONE_ROUTING_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*cz_handler)(cz_ctx *ctx, cz_request *req);
typedef struct cz_middleware cz_middleware;
typedef struct cz_router cz_router;
typedef struct cz_route cz_route;

/* Whatever adds routes of its own below a prefix: a viewset (views.h). Begins such an object. Its handlers call
 * cz_throttle_require() (throttling.h), which middleware leaves to them. */
typedef struct cz_resource {
    cz_status (*add_routes)(const struct cz_resource *resource, cz_router *router,
                            const cz_route *route, const char *prefix, cz_error *err);
} cz_resource;

typedef enum cz_route_kind {
    CZ__ROUTE_END,
    CZ__ROUTE_HANDLER,
    CZ__ROUTE_RESOURCE,
    CZ__ROUTE_INCLUDE
} cz_route_kind;

struct cz_route {
    cz_route_kind kind;
    const char *pattern; /* begins with "/" (an include's may be "") */
    cz_method method;    /* of a handler */
    cz_handler handler;
    const cz_resource *resource;
    const cz_route *include;
    const char *name;       /* for cz_reverse(); a resource's basename */
    const char *name_space; /* of an include: its routes' names become "shop:pizza" */
    const cz_middleware *const *middleware; /* around these routes only; in order, ended by NULL */
    const struct cz_operation_doc
        *doc; /* of a handler: what documents about the API say (openapi.h) */
};

#define CZ_ROUTE(verb, path, function, ...)                                                        \
    {                                                                                              \
        .kind = CZ__ROUTE_HANDLER, .method = CZ_METHOD_##verb, .pattern = (path),                  \
        .handler = (function), ##__VA_ARGS__                                                       \
    }
#define CZ_GET(path, function, ...) CZ_ROUTE(GET, path, function, ##__VA_ARGS__)
#define CZ_POST(path, function, ...) CZ_ROUTE(POST, path, function, ##__VA_ARGS__)
#define CZ_PUT(path, function, ...) CZ_ROUTE(PUT, path, function, ##__VA_ARGS__)
#define CZ_PATCH(path, function, ...) CZ_ROUTE(PATCH, path, function, ##__VA_ARGS__)
#define CZ_DELETE(path, function, ...) CZ_ROUTE(DELETE, path, function, ##__VA_ARGS__)
#define CZ_OPTIONS(path, function, ...) CZ_ROUTE(OPTIONS, path, function, ##__VA_ARGS__)
/* A viewset: the list at the path, one object at path/<key>. */
#define CZ_RESOURCE(path, viewset, ...)                                                            \
    {                                                                                              \
        .kind = CZ__ROUTE_RESOURCE, .pattern = (path), .resource = &(viewset)->resource,           \
        ##__VA_ARGS__                                                                              \
    }
/* Another table below a prefix. */
#define CZ_INCLUDE(path, table, ...)                                                               \
    {                                                                                              \
        .kind = CZ__ROUTE_INCLUDE, .pattern = (path), .include = (table), ##__VA_ARGS__            \
    }
#define CZ_ROUTES_END                                                                              \
    {                                                                                              \
        .kind = CZ__ROUTE_END                                                                      \
    }

/* A converter of the project's own: whether it takes `text` (not empty, percent-decoded, without "/"). */
typedef struct cz_converter {
    const char *name;
    bool (*matches)(cz_str text);
} cz_converter;

typedef struct cz_router_options {
    const cz_middleware *const *middleware; /* around every request; ended by NULL; may be NULL */
    const cz_converter *converters;         /* ended by a zeroed one; may be NULL */
    bool no_slash_redirect; /* do not redirect where only the trailing slash differs */
} cz_router_options;

/* Compile a table, which is borrowed as long as the router lives.
 * Errors: CZ_EVALIDATION: a pattern or name that cannot be, or a conflict; `err` names the route.
 * Context: start-up. */
CZ_NODISCARD cz_status cz_router_create(const cz_route *routes, const cz_router_options *options,
                                        cz_router **out, cz_error *err);
void cz_router_destroy(cz_router *router);

/* Find the route of `req`, run it inside its middleware, and leave the answer in req->response; what the
 * handler raises has become its error document. Never raises but for CZ_ECANCELED. */
void cz_router_dispatch(const cz_router *router, cz_ctx *ctx, cz_request *req);

/* The path of a named route, with `count` parameters as text, in order; they are percent-encoded.
 * Raises: CZ_EINVAL: no such name, or other parameters. */
cz_str cz_reverse(cz_ctx *ctx, const char *name, const cz_str *values, size_t count);

/* What a path leads to, Django's resolve(): the name of its first route that has one, and its parameters. `path` is
 * percent-decoded, and lives as long as the parameters. False: no route has it. */
typedef struct cz_resolved {
    const char *name; /* "" for none */
    cz_param params[8];
    uint32_t param_count;
} cz_resolved;
bool cz_resolve(cz_str path, cz_resolved *out);

/* Walk the compiled routes in the order they are tried; false at the end. */
typedef struct cz_route_info {
    const char *method, *pattern, *name,
        *handler; /* `name` may be ""; `handler` says what answers */
    const cz_route *route;
    const void *data; /* of a resource's routes: what it added them with, and which action it is */
    int action;
} cz_route_info;
/* The project's router; NULL before it has started. */
const cz_router *cz_router_of_project(void);
bool cz_router_next(const cz_router *router, size_t *cursor, cz_route_info *out);
/* The route a request was given to, of HEAD that of GET; false: none has its path and method. */
bool cz_route_of(const cz_request *req, cz_route_info *out);

/* For resources: add a route. `action` and `data` reach the handler as req->view_action and view_data;
 * `name` ("" for none) and `label` are copied. */
CZ_NODISCARD cz_status cz__router_add(cz_router *router, const cz_route *route, cz_method method,
                                      const char *pattern, cz_handler handler, const char *name,
                                      void *data, int action, const char *label, cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
