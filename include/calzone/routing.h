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
 * route is tried: the first route of the table that matches wins, as in Django. A table without CZ_ROUTES_END stops the start.
 *
 * A path without a route is 404; one whose routes do not take the method is 405 with Allow. HEAD is
 * answered by GET without its body, OPTIONS by Allow and what a viewset says of itself. Where only the trailing slash differs, GET
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
enum { CZ_WHOLE_BODY_BYTES_MAX = 64 << 20 }; /* of a body that is held in memory */
struct cz_websocket;
struct cz_websocket_options;

/* Whatever adds routes of its own below a prefix: a viewset (views.h), the versions of an API (versioning.h). Begins such an
 * object. Its handlers call cz_throttle_require() (throttling.h), which middleware leaves to them. */
typedef struct cz_resource {
    cz_status (*add_routes)(const struct cz_resource *resource, cz_router *router,
                            const cz_route *route, const char *prefix, cz_error *err);
    /* The tables among its routes, so that their middleware is configured; NULL at the end. NULL: it has none. */
    const cz_route *(*table)(const struct cz_resource *resource, size_t index);
    /* Answers OPTIONS for its routes, as one of them would be; Allow is set already. NULL: 204. */
    void (*options)(cz_ctx *ctx, cz_request *req);
} cz_resource;

typedef enum cz_admission {
    CZ_ADMITTED,  /* the request asks for these routes */
    CZ_PASSED_BY, /* it asks for others: as if they were not there */
    CZ_REFUSED    /* it asks for what cannot be: refuse() tells */
} cz_admission;

/* What a request must say beside method and path for routes to be its own; begins an object such as a version
 * (versioning.h). Routes of one method and path may differ by their guards. */
typedef struct cz_route_guard {
    /* Asked for each route whose path fits, before any middleware. Neither raises nor suspends. NULL: CZ_ADMITTED. */
    cz_admission (*admit)(cz_ctx *ctx, cz_request *req, const struct cz_route_guard *guard);
    /* Raises what is wrong, when no route was admitted and this guard refused. */
    void (*refuse)(cz_ctx *ctx, cz_request *req, const struct cz_route_guard *guard);
    /* Add what an address of these routes has beside its path, for the request in hand; may be NULL. Failures stay in the
     * buffer. */
    void (*complete)(cz_ctx *ctx, cz_request *req, const struct cz_route_guard *guard,
                     cz_buf *address);
    const char *vary; /* the headers it asks, "Accept-Version, Accept"; NULL: none */
    /* Its routes are another one's under another path, which has their names. */
    bool alias;
    const char *name_space; /* set by the router: what its routes' names begin with, "v1:" */
    uint32_t segments;      /* set by the router: of the path before its routes' own */
} cz_route_guard;

/* Values that nothing else has by chance: what follows a table without CZ_ROUTES_END is told from a route. */
typedef enum cz_route_kind {
    CZ__ROUTE_END = 0x43a7e5d0,
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
    /* Of handlers and resources, what POST, PUT, PATCH and DELETE do with a body: more bytes than these are 413; 0: HTTP_BODY_MAX.
     * At most CZ_WHOLE_BODY_BYTES_MAX where it is not streamed. */
    uint64_t body_max;
    /* It is not held in memory: the handler starts when the head has come, and reads the body by cz_body_read() or
     * cz_request_body() (http.h). */
    bool body_streamed;
    /* of CZ_WEBSOCKET (websocket.h) */
    void (*websocket)(cz_ctx *ctx, cz_request *req, struct cz_websocket *ws);
    const struct cz_websocket_options *websocket_options;
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

/* What the route of a request, whose head alone has come, does with its body; as it is where none has the path. */
struct cz__body_plan;
void cz__router_plan_body(const cz_router *router, cz_ctx *ctx, cz_request *req,
                          struct cz__body_plan *plan);

/* The path of a named route, with `count` parameters as text, in order; they are percent-encoded. A request to a version of an
 * API gets the address of the same version (versioning.h), whether the name has its name space or not.
 * Raises: CZ_EINVAL: no such name, or other parameters. */
cz_str cz_reverse(cz_ctx *ctx, const char *name, const cz_str *values, size_t count);

/* What a path leads to, Django's resolve(): the name of its first route that has one, and its parameters. `path` is
 * percent-decoded, and lives as long as the parameters. False: no route has it. */
typedef struct cz_resolved {
    const char *name; /* "" for none */
    cz_param params[8];
    uint32_t param_count;
    /* The name without the name space of the version that the request in hand is of; cz_resolve_for() alone tells. */
    const char *local_name;
} cz_resolved;
bool cz_resolve(cz_str path, cz_resolved *out);
/* The same as the request in hand would find it, if there is one: of several versions it leads to the request's. */
bool cz_resolve_for(cz_ctx *ctx, cz_str path, cz_resolved *out);

/* Walk the compiled routes in the order they are tried; false at the end. */
typedef struct cz_route_info {
    const char *method, *pattern, *name,
        *handler; /* `name` may be ""; `handler` says what answers */
    const cz_route *route;
    const void *data; /* of a resource's routes: what it added them with, and which action it is */
    int action;
    const cz_route_guard *guard;            /* NULL: its path is enough */
    const cz_middleware *const *middleware; /* around it, outermost first; ended by NULL */
} cz_route_info;
/* The project's router; NULL before it has started. */
const cz_router *cz_router_of_project(void);
bool cz_router_next(const cz_router *router, size_t *cursor, cz_route_info *out);
/* The route a request was given to, of HEAD that of GET; false: none has its path and method. */
bool cz_route_of(const cz_request *req, cz_route_info *out);

/* For resources: add a table of routes below the resource's own route and a prefix, as includes do, inside `guard`, which lives
 * as long as the router. Guards do not nest. Errors: as cz_router_create(). */
typedef struct cz__guarded_table {
    const cz_route
        *mount; /* the resource's: its pattern, name space and middleware are around all */
    const cz_route *routes;
    const char *prefix, *name_space; /* `name_space` may be NULL */
    const cz_middleware *const *middleware;
    cz_route_guard *guard;
} cz__guarded_table;
CZ_NODISCARD cz_status cz__router_add_table(cz_router *router, const cz__guarded_table *table,
                                            cz_error *err);
/* Answer 301 to a path of this site, percent-decoded, with the query of the request. Raises: CZ_EINVAL as
 * cz_respond_redirect(); CZ_ENOMEM. */
void cz__redirect_with_query(cz_ctx *ctx, cz_request *req, cz_str path);
/* The router's own memory, for what resources make for their routes. */
cz_arena *cz__router_arena(const cz_router *router);
/* The guard of the route that a request was led to; NULL: it has none. */
const cz_route_guard *cz__route_guard(const cz_request *req);

/* For resources: add a route. `action` and `data` reach the handler as req->view_action and view_data;
 * `name` ("" for none) and `label` are copied. */
CZ_NODISCARD cz_status cz__router_add(cz_router *router, const cz_route *route, cz_method method,
                                      const char *pattern, cz_handler handler, const char *name,
                                      void *data, int action, const char *label, cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
