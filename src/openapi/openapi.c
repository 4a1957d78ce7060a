/* The document, and the route that answers with it. */
#include "openapi/openapi_internal.h"
#include <ctype.h>

/* ---- pieces ---- */

void cz__doc_str(struct cz__document *doc, const char *key, const char *value)
{
    cz_json_key(&doc->json, cz_str_from(key));
    cz_json_str(&doc->json, cz_str_from(value));
}

void cz__doc_object(struct cz__document *doc, const char *key)
{
    cz_json_key(&doc->json, cz_str_from(key));
    cz_json_object(&doc->json);
}

void cz__doc_list(struct cz__document *doc, const char *key)
{
    cz_json_key(&doc->json, cz_str_from(key));
    cz_json_list(&doc->json);
}

void cz__doc_int(struct cz__document *doc, const char *key, int64_t value)
{
    cz_json_key(&doc->json, cz_str_from(key));
    cz_json_i64(&doc->json, value);
}

void cz__doc_bool(struct cz__document *doc, const char *key, bool value)
{
    cz_json_key(&doc->json, cz_str_from(key));
    cz_json_bool(&doc->json, value);
}

/* ---- paths ---- */

cz_str cz__method_key(cz_ctx *ctx, const char *method)
{
    char *key = cz_alloc(ctx, strlen(method) + 1);
    size_t len = 0;
    for (; method[len]; len++)
        key[len] = (char)tolower((unsigned char)method[len]);
    return cz_str_of(key, len);
}

/* Whether an earlier route has this path, or also this method of it: the document has one place for each, whatever the
 * converters of the path's parameters are. */
static bool is_repeated(struct cz__document *doc, const cz_router *router, size_t index,
                        cz_str path, const char *method)
{
    size_t cursor = 0;
    cz_route_info route;
    for (size_t i = 0; i < index && cz_router_next(router, &cursor, &route); i++)
        if (cz__operation_is_shown(&route) && (!method || strcmp(method, route.method) == 0) &&
            cz_str_eq(cz__path_template(doc->ctx, route.pattern), path))
            return true;
    return false;
}

static void write_methods(struct cz__document *doc, const cz_router *router, cz_str path)
{
    size_t cursor = 0, index = 0;
    cz_route_info route;
    for (; cz_router_next(router, &cursor, &route); index++) {
        if (!cz__operation_is_shown(&route) ||
            !cz_str_eq(cz__path_template(doc->ctx, route.pattern), path) ||
            is_repeated(doc, router, index, path, route.method))
            continue;
        cz_json_key(&doc->json, cz__method_key(doc->ctx, route.method));
        cz__operation_write(doc, &route);
    }
}

static void write_paths(struct cz__document *doc, const cz_router *router)
{
    size_t cursor = 0, index = 0;
    cz_route_info route;
    cz__doc_object(doc, "paths");
    for (; cz_router_next(router, &cursor, &route); index++) {
        cz_str path = cz__path_template(doc->ctx, route.pattern);
        if (!cz__operation_is_shown(&route) || is_repeated(doc, router, index, path, NULL))
            continue;
        cz_json_key(&doc->json, path);
        cz_json_object(&doc->json);
        write_methods(doc, router, path);
        cz_json_object_end(&doc->json);
    }
    cz_json_object_end(&doc->json);
}

/* In the order of the routes. */
static void write_tags(struct cz__document *doc)
{
    size_t cursor = 0;
    cz__doc_list(doc, "tags");
    for (const cz_map_entry *tag; (tag = cz_map_next(&doc->tags, &cursor)) != NULL;) {
        cz_json_object(&doc->json);
        cz_json_key(&doc->json, CZ_STR("name"));
        cz_json_str(&doc->json, tag->key);
        cz_json_object_end(&doc->json);
    }
    cz_json_list_end(&doc->json);
}

void cz_openapi_write(cz_ctx *ctx, const cz_openapi *api, const cz_router *router, cz_str server,
                      cz_buf *out)
{
    struct cz__document doc = { .ctx = ctx };
    cz_map_init(&doc.tags, ctx->arena);
    cz_json_writer_init(&doc.json, out);
    cz_json_object(&doc.json);
    cz__doc_str(&doc, "openapi", "3.1.0");
    cz__doc_object(&doc, "info");
    cz__doc_str(&doc, "title", api->title);
    cz__doc_str(&doc, "version", api->version);
    if (api->description)
        cz__doc_str(&doc, "description", api->description);
    cz_json_object_end(&doc.json);
    cz__doc_list(&doc, "servers");
    cz_json_object(&doc.json);
    cz_json_key(&doc.json, CZ_STR("url"));
    cz_json_str(&doc.json, server.len ? server : CZ_STR("/"));
    cz_json_object_end(&doc.json);
    cz_json_list_end(&doc.json);
    cz__doc_list(&doc, "security");
    cz_json_list_end(&doc.json);
    write_paths(&doc, router);
    write_tags(&doc);
    cz__doc_object(&doc, "components");
    cz__schemas_write(&doc);
    cz_json_object_end(&doc.json);
    cz_json_object_end(&doc.json);
    cz_check(ctx, cz_buf_status(out));
}

/* ---- the route ---- */

static void answer(cz_ctx *ctx, cz_request *req)
{
    cz_str server = cz_request_absolute_uri(ctx, req, CZ_STR(""));
    cz_openapi_write(ctx, req->view_data, cz_router_of_project(), server,
                     cz_respond_json_begin(ctx, req, 200));
}

cz_status cz__openapi_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err)
{
    cz_openapi *api = (cz_openapi *)(uintptr_t)resource; /* its first member */
    if (!api->title || !api->version)
        return cz_error_set(err, CZ_EVALIDATION,
                            "the OpenAPI document at %s has a .title and a .version", prefix);
    return cz__router_add(router, route, CZ_METHOD_GET, prefix, answer,
                          route->name ? route->name : "", api, 0, "openapi", err);
}
