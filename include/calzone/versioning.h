/* calzone/versioning.h: several versions of an API side by side, and how an old one ends.
 *
 *     static CZ_VERSIONS(api,
 *         .schemes  = CZ_VERSION_SCHEMES({ .by = CZ_VERSION_BY_PATH }, { .by = CZ_VERSION_BY_HEADER }),
 *         .default_ = "2",
 *         .versions = CZ_VERSION_LIST(
 *             { .name = "1", .urls = v1_urls, .successor = "2",
 *               .deprecation = { .since = "2026-06-01", .sunset = "2027-06-01" } },
 *             { .name = "2", .urls = v2_urls }));
 *
 *     CZ_RESOURCE("", &api)
 *
 * Each version has a table of routes, and two may share one. By path /v1/books is the one's and /v2/books the other's; by one of
 * the other schemes /books is the one's or the other's as the request says. cz_reverse() and serializers' addresses stay in
 * the version that was asked. docs/topics/versioning.md has the rest.
 */
#ifndef CALZONE_VERSIONING_H
#define CALZONE_VERSIONING_H

#include <calzone/middleware.h>
#include <calzone/routing.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a request says which version it wants, and the answer to one that there is not, as DRF's schemes have it. */
typedef enum cz_version_by {
    CZ_VERSION_BY_PATH = 1, /* /v1/books: 404 */
    CZ_VERSION_BY_HEADER,   /* Accept-Version: 1, or the header .name: 406 */
    CZ_VERSION_BY_ACCEPT, /* Accept: application/json; version=1, or the parameter .name; of several ranges the one that
                             names JSON most exactly, then the one wanted most: 406 */
    CZ_VERSION_BY_QUERY, /* ?version=1, or the parameter .name: 404 */
    CZ_VERSION_BY_HOST /* v1.example.com: the first of three labels, or what stands before the domain .name: 404 */
} cz_version_by;

typedef struct cz_version_scheme {
    cz_version_by by;
    const char *name; /* NULL: the one above */
} cz_version_scheme;

/* What ends, when, and what to use instead. Dates are "2026-06-01" or RFC 3339 with a time, in UTC. */
typedef struct cz_deprecation {
    cz_middleware middleware;  /* private; begins it, so that a list can hold it */
    const char *since;         /* Deprecation: since or from when nobody should use it (RFC 9745) */
    const char *sunset;        /* Sunset: when it is likely to go (RFC 8594); not before `since` */
    const char *document;      /* the address of a page about it, for people; NULL: none */
    const char *successor;     /* the address of what comes instead; a version has its own */
    bool gone;                 /* after `sunset` it is gone: 410, with the same headers */
    int64_t since_s, sunset_s; /* private; Unix time, INT64_MIN: none */
} cz_deprecation;

/* A deprecation of single routes, viewsets or includes, by their .middleware:
 *
 *     CZ_DEPRECATION(old_search, .since = "2026-06-01", .successor = "/books");
 *     ... CZ_GET("/search", search, .middleware = CZ_DEPRECATED(old_search)),
 */
#define CZ_DEPRECATION(variable, ...)                                                              \
    static cz_deprecation variable;                                                                \
    static cz_status variable##__configure(const cz_settings *settings, cz_error *err)             \
    {                                                                                              \
        (void)settings;                                                                            \
        return cz__deprecation_prepare(&variable, #variable, err);                                 \
    }                                                                                              \
    static cz_deprecation variable = { .middleware = { "deprecation", cz__deprecation_process,     \
                                                       variable##__configure },                    \
                                       __VA_ARGS__ }
#define CZ_DEPRECATED(variable) ((const cz_middleware *const[]){ &(variable).middleware, NULL })

typedef struct cz_version {
    const char *name;     /* required: what a request says, "1" */
    const char *label;    /* of paths, hosts and name spaces; NULL: "v1" of "1", and "v1" of "v1" */
    const cz_route *urls; /* required; versions may share a table */
    const char *
        successor; /* the name of the version that comes after: answers tell where the same thing is there, as far
                              as versions have paths; NULL: none */
    cz_deprecation deprecation; /* without a .since and a .sunset it has none */
} cz_version;

typedef struct cz_version_schemes {
    const cz_version_scheme *items;
    size_t count;
} cz_version_schemes;
#define CZ_VERSION_SCHEMES(...)                                                                    \
    {                                                                                              \
        (const cz_version_scheme[]){ __VA_ARGS__ },                                                \
            sizeof((const cz_version_scheme[]){ __VA_ARGS__ }) / sizeof(cz_version_scheme)         \
    }
typedef struct cz_version_list {
    const cz_version *items;
    size_t count;
} cz_version_list;
#define CZ_VERSION_LIST(...)                                                                       \
    {                                                                                              \
        (const cz_version[]){ __VA_ARGS__ },                                                       \
            sizeof((const cz_version[]){ __VA_ARGS__ }) / sizeof(cz_version)                       \
    }

typedef struct cz_versions {
    cz_resource resource; /* private */
    const char *name;     /* set by CZ_VERSIONS */
    cz_version_schemes
        schemes; /* asked in order, the first that a request uses counts; none: by path */
    const char *
        default_; /* of requests that use none; NULL: they are refused as those for an unknown version are */
    cz_version_list versions; /* from old to new */
} cz_versions;

/* Mount them with CZ_RESOURCE("", &variable), or below a prefix. Errors at start: CZ_EVALIDATION, which names what is wrong. */
#define CZ_VERSIONS(variable, ...)                                                                 \
    cz_versions variable = { .resource = { .add_routes = cz__versions_add_routes,                  \
                                           .table = cz__versions_table },                          \
                             .name = #variable,                                                    \
                             __VA_ARGS__ }

/* The name of the version a request was led to; NULL: its route is of none. Context: a request, once it is routed. */
const char *cz_request_version(const cz_request *req);
/* Whether it is that one. */
bool cz_request_has_version(const cz_request *req, const char *name);

/* Of a route as cz_router_next() tells of it: the name of its version, NULL for none; and what it is deprecated by, its
 * own or its version's, NULL for nothing. */
const char *cz_version_of_route(const cz_route_info *info);
const cz_deprecation *cz_deprecation_of_route(const cz_route_info *info);
/* Whether a document about `version` (NULL: about the whole API) tells of a route: not of second addresses, and about the whole
 * API, where versions share paths, of those that are given without asking. */
bool cz_version_lists_route(const char *version, const cz_route_info *info);

cz_status cz__versions_add_routes(const cz_resource *resource, cz_router *router,
                                  const cz_route *route, const char *prefix, cz_error *err);
const cz_route *cz__versions_table(const cz_resource *resource, size_t index);
void cz__deprecation_process(cz_ctx *ctx, cz_request *req, const cz_next *next);
/* Read the dates. Errors: CZ_EVALIDATION, which names `owner`. */
CZ_NODISCARD cz_status cz__deprecation_prepare(cz_deprecation *deprecation, const char *owner,
                                               cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
