/* calzone/openapi.h: the OpenAPI document of a project.
 *
 *     static CZ_OPENAPI(api_document, .title = "Shop", .version = "1.0");
 *
 *     CZ_RESOURCE("/openapi.json", &api_document)
 *
 * answers with OpenAPI 3.1 for every route of the project, made of the tables that parse and check its requests: viewsets with
 * their serializers, filters, pages and formats need no word more. What a handler of one's own takes and gives is said by its
 * route, CZ_POST("/loans", lend, .doc = CZ_DOC(.summary = "Lend a book", .request = &LoanSerializer)).
 *
 * A resource at a path that ends with ".json" answers at ".yaml", too, with the same as YAML; one at ".yaml" or ".yml" with
 * that alone.
 */
#ifndef CALZONE_OPENAPI_H
#define CALZONE_OPENAPI_H

#include <calzone/middleware.h>
#include <calzone/routing.h>
#include <calzone/serializers.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A parameter of the query that a handler reads. */
typedef struct cz_parameter_doc {
    const char *name;
    const char *description; /* CommonMark */
    cz_field_kind type;      /* CZ_KIND_int_field; 0: text */
    bool required;
    const char *const *one_of; /* CZ_ONE_OF("asc", "desc"); NULL: any */
} cz_parameter_doc;
typedef struct cz_parameter_docs {
    const cz_parameter_doc *items;
    size_t count;
} cz_parameter_docs;
#define CZ_PARAMETERS(...)                                                                         \
    {                                                                                              \
        (const cz_parameter_doc[]){ __VA_ARGS__ },                                                 \
            sizeof((const cz_parameter_doc[]){ __VA_ARGS__ }) / sizeof(cz_parameter_doc)           \
    }
#define CZ_ONE_OF(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What the document says of a handler, or of an extra action of a viewset. */
typedef struct cz_operation_doc {
    const char
        *summary; /* one line; NULL: method and path, and the operation counts as undocumented */
    const char *description; /* CommonMark */
    const char *tag; /* NULL: the path's first step; of a viewset the last of its own path */
    cz_parameter_docs parameters; /* CZ_PARAMETERS(...), of the query */
    cz_serializer *request;       /* of the body; NULL: none */
    cz_serializer *response;      /* of the answer; NULL: any JSON, or none with .status = 204 */
    bool list;                    /* the answer is a list of those */
    bool request_list;            /* the body is a list of those */
    int status;                   /* of the answer when all is well; 0: 200 */
    bool hidden;                  /* not in the document */
    bool deprecated;              /* clients should stop using it */
    const char *const *
        security; /* CZ_SECURITY(...), what it asks for; NULL: of a handler nothing, of a viewset's action
                                    what its viewset does */
} cz_operation_doc;
#define CZ_DOC(...) (&(const cz_operation_doc){ __VA_ARGS__ })

/* One of these security schemes is asked for: CZ_SECURITY("token", "oauth books:read"), each a scheme's name and, after
 * spaces, scopes. CZ_SECURITY() asks for none. */
#define CZ_SECURITY(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* How callers prove who they are. */
typedef enum cz_security_kind {
    CZ_SECURITY_BEARER,          /* Authorization: Bearer TOKEN */
    CZ_SECURITY_BASIC,           /* Authorization: Basic ..., a name and a password */
    CZ_SECURITY_API_KEY,         /* a key in .parameter, of the place .in */
    CZ_SECURITY_OAUTH2_PASSWORD, /* a token for a name and a password, from .url */
    CZ_SECURITY_OPENID_CONNECT   /* .url is that of /.well-known/openid-configuration */
} cz_security_kind;

typedef struct cz_security_scope {
    const char *name, *description;
} cz_security_scope;
typedef struct cz_security_scopes {
    const cz_security_scope *items;
    size_t count;
} cz_security_scopes;
#define CZ_SCOPES(...)                                                                             \
    {                                                                                              \
        (const cz_security_scope[]){ __VA_ARGS__ },                                                \
            sizeof((const cz_security_scope[]){ __VA_ARGS__ }) / sizeof(cz_security_scope)         \
    }

typedef struct cz_security_scheme {
    const char *name; /* required, without spaces: what operations call it */
    cz_security_kind kind;
    const char *description;       /* CommonMark */
    const char *bearer_format;     /* of a bearer token, "JWT"; for people */
    const char *parameter;         /* of a key: the name of its header, parameter or cookie */
    const char *in;                /* of a key: "header", "query" or "cookie"; NULL: "header" */
    const char *url, *refresh_url; /* addresses, or paths of this site */
    cz_security_scopes scopes;     /* of oauth2: CZ_SCOPES({ "books:read", "Read books." }) */
} cz_security_scheme;
typedef struct cz_security_schemes {
    const cz_security_scheme *items;
    size_t count;
} cz_security_schemes;
#define CZ_SECURITY_SCHEMES(...)                                                                   \
    {                                                                                              \
        (const cz_security_scheme[]){ __VA_ARGS__ },                                               \
            sizeof((const cz_security_scheme[]){ __VA_ARGS__ }) / sizeof(cz_security_scheme)       \
    }

/* What a tag, under which operations are listed, is about. */
typedef struct cz_tag_doc {
    const char *name, *description; /* CommonMark */
} cz_tag_doc;
typedef struct cz_tag_docs {
    const cz_tag_doc *items;
    size_t count;
} cz_tag_docs;
#define CZ_TAG_DOCS(...)                                                                           \
    {                                                                                              \
        (const cz_tag_doc[]){ __VA_ARGS__ },                                                       \
            sizeof((const cz_tag_doc[]){ __VA_ARGS__ }) / sizeof(cz_tag_doc)                       \
    }

typedef struct cz_openapi {
    cz_resource resource;    /* private */
    const char *title;       /* required */
    const char *version;     /* of the API; required */
    const char *description; /* CommonMark */
    const char *
        api_version; /* the name of one of a CZ_VERSIONS(): its routes alone, and those of no version; NULL: of all */
    cz_tag_docs
        tags; /* CZ_TAG_DOCS({ "books", "What is on the shelves." }), in this order; others follow */
    /* CZ_SECURITY_SCHEMES({ .name = "token", .kind = CZ_SECURITY_BEARER }). Viewsets whose permission is not open to all ask
     * for one of them, unless their .security says otherwise. Declared alone: nothing here checks who calls. */
    cz_security_schemes security;
} cz_openapi;

cz_status cz__openapi_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err);
#define CZ_OPENAPI(variable, ...)                                                                  \
    cz_openapi variable = { .resource = { cz__openapi_add_routes }, __VA_ARGS__ }

/* A page that shows the document and, Swagger UI, lets its reader call the API:
 *
 *     static CZ_SWAGGER_UI(swagger_ui);
 *     static CZ_REDOC(redoc);
 *
 *     CZ_RESOURCE("/docs", &swagger_ui),
 *     CZ_RESOURCE("/redoc", &redoc),
 *
 * All they load is in the binary: nothing comes from another site, and their Content-Security-Policy lets nothing. A project
 * that names neither carries neither. Where npm was not there to install them when Calzone was built, they answer 501. */
typedef struct cz_api_page {
    cz_resource resource;             /* private */
    const struct cz__page_kind *kind; /* private */
    char folder[48];                  /* private */
    const cz_openapi *document;       /* which one; NULL: that of cz_openapi_of() */
} cz_api_page;

cz_status cz__page_add_routes(const cz_resource *resource, cz_router *router, const cz_route *route,
                              const char *prefix, cz_error *err);
extern const struct cz__page_kind cz__swagger_ui, cz__redoc;
#define CZ_SWAGGER_UI(variable, ...)                                                               \
    cz_api_page variable = { .resource = { cz__page_add_routes },                                  \
                             .kind = &cz__swagger_ui,                                              \
                             ##__VA_ARGS__ }
#define CZ_REDOC(variable, ...)                                                                    \
    cz_api_page variable = { .resource = { cz__page_add_routes },                                  \
                             .kind = &cz__redoc,                                                   \
                             ##__VA_ARGS__ }

/* Append the document of a router's routes as JSON. `server` is the address clients reach it under, "" when that is not known.
 * Failures stay in the buffer. Raises: CZ_EINVAL: a serializer that cannot work, an .example that is no JSON, a security scheme
 * that is not there; CZ_ENOMEM. */
void cz_openapi_write(cz_ctx *ctx, const cz_openapi *api, const cz_router *router, cz_str server,
                      cz_buf *out);
/* The same as YAML. */
void cz_openapi_write_yaml(cz_ctx *ctx, const cz_openapi *api, const cz_router *router,
                           cz_str server, cz_buf *out);
/* The document that the first such route of a router answers with, one of all versions before those of one; NULL: it has
 * none. */
const cz_openapi *cz_openapi_of(const cz_router *router);

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
