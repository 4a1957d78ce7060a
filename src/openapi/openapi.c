/* The document, and the route that answers with it. */
#include "openapi/openapi.h"
#include "openapi/openapi_internal.h"
#include "openapi/yaml.h"
#include <ctype.h>
#include <stdio.h>

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

/* The routes that the document has, with the keys of their paths. */
struct shown {
    struct shown_route {
        cz_route_info route;
        cz_str path;
    } * items;
    size_t count;
};

static struct shown shown_routes(cz_ctx *ctx, const cz_openapi *api, const cz_router *router)
{
    cz_route_info route;
    struct shown shown = { 0 };
    size_t count = 0;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &route);)
        count++;
    shown.items = cz_array(ctx, struct shown_route, count + 1);
    for (size_t cursor = 0; cz_router_next(router, &cursor, &route);)
        if (cz__operation_is_shown(&route, api->api_version))
            shown.items[shown.count++] =
                (struct shown_route){ route, cz__path_template(ctx, route.pattern) };
    return shown;
}

/* Whether an earlier route has this path, or also this method of it: the document has one place for each, whatever the
 * converters of the path's parameters are. */
static bool is_repeated(const struct shown *shown, size_t index, const char *method)
{
    for (size_t i = 0; i < index; i++)
        if (cz_str_eq(shown->items[i].path, shown->items[index].path) &&
            (!method || strcmp(method, shown->items[i].route.method) == 0))
            return true;
    return false;
}

static void write_methods(struct cz__document *doc, const struct shown *shown, cz_str path)
{
    for (size_t i = 0; i < shown->count; i++) {
        const cz_route_info *route = &shown->items[i].route;
        if (!cz_str_eq(shown->items[i].path, path) || is_repeated(shown, i, route->method))
            continue;
        cz_json_key(&doc->json, cz__method_key(doc->ctx, route->method));
        cz__operation_write(doc, route);
    }
}

static void write_paths(struct cz__document *doc, const cz_router *router)
{
    struct shown shown = shown_routes(doc->ctx, doc->api, router);
    cz__doc_object(doc, "paths");
    for (size_t i = 0; i < shown.count; i++) {
        if (is_repeated(&shown, i, NULL))
            continue;
        cz_json_key(&doc->json, shown.items[i].path);
        cz_json_object(&doc->json);
        write_methods(doc, &shown, shown.items[i].path);
        cz_json_object_end(&doc->json);
    }
    cz_json_object_end(&doc->json);
}

/* ---- the rest ---- */

static void write_tag(struct cz__document *doc, cz_str name, const char *description)
{
    cz_json_object(&doc->json);
    cz_json_key(&doc->json, CZ_STR("name"));
    cz_json_str(&doc->json, name);
    if (description)
        cz__doc_str(doc, "description", description);
    cz_json_object_end(&doc->json);
}

/* Those that were told of, and others in the order of the routes. */
static void write_tags(struct cz__document *doc)
{
    size_t cursor = 0;
    cz__doc_list(doc, "tags");
    for (size_t i = 0; i < doc->api->tags.count; i++) {
        const cz_tag_doc *tag = &doc->api->tags.items[i];
        write_tag(doc, cz_str_from(tag->name), tag->description);
        cz_ignore(cz_map_remove(&doc->tags, cz_str_from(tag->name)) !=
                  NULL); /* or nothing uses it */
    }
    for (const cz_map_entry *tag; (tag = cz_map_next(&doc->tags, &cursor)) != NULL;)
        write_tag(doc, tag->key, NULL);
    cz_json_list_end(&doc->json);
}

static void write_info(struct cz__document *doc)
{
    cz__doc_object(doc, "info");
    cz__doc_str(doc, "title", doc->api->title);
    cz__doc_str(doc, "version", doc->api->version);
    if (doc->api->description)
        cz__doc_str(doc, "description", doc->api->description);
    cz_json_object_end(&doc->json);
}

void cz_openapi_write(cz_ctx *ctx, const cz_openapi *api, const cz_router *router, cz_str server,
                      cz_buf *out)
{
    struct cz__document doc = { .ctx = ctx, .api = api };
    cz_map_init(&doc.tags, ctx->arena);
    cz_json_writer_init(&doc.json, out);
    cz_json_object(&doc.json);
    cz__doc_str(&doc, "openapi", "3.1.0");
    write_info(&doc);
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
    cz__security_schemes_write(&doc);
    cz_json_object_end(&doc.json);
    cz_json_object_end(&doc.json);
    cz_check(ctx, cz_buf_status(out));
}

static void end_arena(void *arena)
{
    cz_arena_destroy(arena);
}

cz_arena *cz__document_arena(cz_ctx *ctx)
{
    cz_arena *arena;
    cz_check(ctx, cz_arena_create(NULL, 0, &arena));
    cz_defer(ctx, end_arena, arena);
    return arena;
}

void cz_openapi_write_yaml(cz_ctx *ctx, const cz_openapi *api, const cz_router *router,
                           cz_str server, cz_buf *out)
{
    cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX, .keys_max = UINT32_MAX };
    const cz_json_value *document;
    cz_error err;
    cz_buf *json = cz_scratch(ctx);
    cz_openapi_write(ctx, api, router, server, json);
    if (cz_json_parse(cz__document_arena(ctx), cz_buf_str(json), &limits, &document, &err))
        cz_raise_error(ctx, &err);
    cz__yaml_write(out, document);
    cz_check(ctx, cz_buf_status(out));
}

/* ---- the routes ---- */

static void answer(cz_ctx *ctx, cz_request *req)
{
    cz_str server = cz_request_absolute_uri(ctx, req, CZ_STR(""));
    cz_openapi_write(ctx, req->view_data, cz_router_of_project(), server,
                     cz_respond_json_begin(ctx, req, 200));
}

static void answer_yaml(cz_ctx *ctx, cz_request *req)
{
    cz_str server = cz_request_absolute_uri(ctx, req, CZ_STR(""));
    cz_buf *body = cz_respond_json_begin(ctx, req, 200);
    req->response.content_type = CZ_STR("application/yaml");
    cz_openapi_write_yaml(ctx, req->view_data, cz_router_of_project(), server, body);
}

cz_status cz__openapi_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err)
{
    cz_openapi *api = (cz_openapi *)(uintptr_t)resource; /* its first member */
    cz_str path = cz_str_from(prefix);
    bool json = cz_str_ends_with(path, CZ_STR(".json"));
    bool yaml = cz_str_ends_with(path, CZ_STR(".yaml")) || cz_str_ends_with(path, CZ_STR(".yml"));
    const char *name = route->name ? route->name : "";
    if (!api->title || !*api->title || !api->version)
        return cz_error_set(err, CZ_EVALIDATION,
                            "the OpenAPI document at %s has a .title and a .version", prefix);
    cz_status status = cz__security_check(api, prefix, err);
    if (!status)
        status = cz__router_add(router, route, CZ_METHOD_GET, prefix, yaml ? answer_yaml : answer,
                                name, api, 0, "openapi", err);
    if (status || !json)
        return status;
    char beside[512];
    int len =
        snprintf(beside, sizeof beside, "%.*s.yaml", (int)(path.len - strlen(".json")), prefix);
    if (len < 0 || (size_t)len >= sizeof beside)
        return cz_error_set(err, CZ_ETOOBIG, "the path of the OpenAPI document is too long: %s",
                            prefix);
    return cz__router_add(router, route, CZ_METHOD_GET, beside, answer_yaml, "", api, 0, "openapi",
                          err);
}

/* ---- which documents there are ---- */

/* The next document of a router, in the order of its routes. */
static const cz_openapi *next_document(const cz_router *router, size_t *cursor)
{
    cz_route_info route;
    while (cz_router_next(router, cursor, &route))
        if (route.route->resource && route.route->resource->add_routes == cz__openapi_add_routes)
            return route.data;
    return NULL;
}

const cz_openapi *cz_openapi_of(const cz_router *router)
{
    const cz_openapi *first = NULL, *api;
    for (size_t cursor = 0; (api = next_document(router, &cursor)) != NULL;) {
        if (!api->api_version)
            return api;
        first = first ? first : api;
    }
    return first;
}

const cz_openapi *cz__openapi_of_version(const cz_router *router, const char *api_version)
{
    const cz_openapi *api;
    for (size_t cursor = 0; (api = next_document(router, &cursor)) != NULL;)
        if (api->api_version && strcmp(api->api_version, api_version) == 0)
            return api;
    return NULL;
}

bool cz__openapi_has_version(const cz_router *router, const char *api_version)
{
    cz_route_info route;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &route);) {
        const char *version = cz_version_of_route(&route);
        if (version && strcmp(version, api_version) == 0)
            return true;
    }
    return false;
}

cz_status cz__openapi_check(const cz_router *router, cz_error *err)
{
    const cz_openapi *api;
    for (size_t cursor = 0; (api = next_document(router, &cursor)) != NULL;)
        if (api->api_version && !cz__openapi_has_version(router, api->api_version))
            return cz_error_set(err, CZ_EVALIDATION,
                                "the OpenAPI document \"%s\" is of .api_version \"%s\", which no "
                                "route has",
                                api->title, api->api_version);
    return CZ_OK;
}
