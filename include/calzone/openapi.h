/* calzone/openapi.h: the OpenAPI document of a project.
 *
 *     static CZ_OPENAPI(api_document, .title = "Shop", .version = "1.0");
 *
 *     CZ_RESOURCE("/openapi.json", &api_document)
 *
 * answers with OpenAPI 3.1 for every route of the project, made of the tables that parse and check its requests: viewsets with
 * their serializers, filters, pages and formats need no word more. What a handler of one's own takes and gives is said by its
 * route, CZ_POST("/loans", lend, .doc = CZ_DOC(.summary = "Lend a book", .request = &LoanSerializer)).
 */
#ifndef CALZONE_OPENAPI_H
#define CALZONE_OPENAPI_H

#include <calzone/middleware.h>
#include <calzone/routing.h>
#include <calzone/serializers.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the document says of a handler, or of an extra action of a viewset. */
typedef struct cz_operation_doc {
    const char
        *summary; /* one line; NULL: method and path, and the operation counts as undocumented */
    const char *description; /* CommonMark */
    const char *tag;         /* NULL: the path's first step; of a viewset its name */
    cz_serializer *request;  /* of the body; NULL: none */
    cz_serializer *response; /* of the answer; NULL: any JSON, or none with .status = 204 */
    bool list;               /* the answer is a list of those */
    int status;              /* of the answer when all is well; 0: 200 */
    bool hidden;             /* not in the document */
} cz_operation_doc;
#define CZ_DOC(...) (&(const cz_operation_doc){ __VA_ARGS__ })

typedef struct cz_openapi {
    cz_resource resource;    /* private */
    const char *title;       /* required */
    const char *version;     /* of the API; required */
    const char *description; /* CommonMark */
} cz_openapi;

cz_status cz__openapi_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err);
#define CZ_OPENAPI(variable, ...)                                                                  \
    cz_openapi variable = { .resource = { cz__openapi_add_routes }, __VA_ARGS__ }

/* Append the document of a router's routes as JSON. `server` is the address clients reach it under, "" when that is not known.
 * Failures stay in the buffer. Raises: CZ_EINVAL: a serializer that cannot work; CZ_ENOMEM. */
void cz_openapi_write(cz_ctx *ctx, const cz_openapi *api, const cz_router *router, cz_str server,
                      cz_buf *out);

/* Checks every answer against the document: its status, its type and its body. An answer that is not as documented becomes a
 * 500 in development, and fails the test in tests; with CHECK_RESPONSES=log it is logged and leaves as it is. Stands in
 * front of a project's middleware by itself where the setting asks for it; a project that lists it says where it stands.
 * Bodies that are streamed, encoded or not JSON are not looked into. */
extern const cz_middleware cz_response_check;

/* Whether the document tells what a route is for: its viewset's own actions always, others by a .summary; what is .hidden need
 * not be told. */
bool cz_openapi_is_documented(const cz_route_info *route);

#ifdef __cplusplus
}
#endif
#endif
