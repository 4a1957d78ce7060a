/* From a name to a path, from a path to a name, and the list of all routes. */
#include "routing/routing_internal.h"

static const cz_router *project_router; /* the process's; cz_reverse() needs no router at hand */

void cz__reverse_use(const cz_router *router)
{
    project_router = router;
}

const cz_router *cz_router_of_project(void)
{
    return project_router;
}

const cz_route_guard *cz__route_guard(const cz_request *req)
{
    return req->entry ? req->entry->guard : NULL;
}

/* That of the request in hand, if there is one. */
static const cz_route_guard *guard_of(const cz_ctx *ctx)
{
    const cz_request *req = ctx->request;
    return req ? cz__route_guard(req) : NULL;
}

/* ---- from a path ---- */

static bool resolve(struct cz__match *match, cz_str path, cz_resolved *out)
{
    if (!project_router || !cz__router_find(project_router, path, match))
        return false;
    *out = (cz_resolved){ .name = "", .local_name = "", .param_count = match->param_count };
    memcpy(out->params, match->params, match->param_count * sizeof *match->params);
    const cz_route_guard *guard = match->ctx ? guard_of(match->ctx) : NULL;
    for (const struct cz__route_entry *e = match->entries; e && !*out->name;
         e = e->next_same_path) {
        if (cz__admission(match, e) != CZ_ADMITTED)
            continue;
        bool same = guard && e->guard && !strcmp(guard->name_space, e->guard->name_space);
        out->name = e->name;
        out->local_name = e->name + (same && *e->name ? strlen(guard->name_space) : 0);
    }
    return true;
}

bool cz_resolve(cz_str path, cz_resolved *out)
{
    struct cz__match match = { .ctx = NULL };
    return resolve(&match, path, out);
}

bool cz_resolve_for(cz_ctx *ctx, cz_str path, cz_resolved *out)
{
    struct cz__match match = { .ctx = ctx, .req = ctx->request };
    return resolve(&match, path, out);
}

/* ---- from a name ---- */

/* A name within the guard of the request in hand, before one of the whole project. */
static const struct cz__route_entry *entry_of(cz_ctx *ctx, const char *name)
{
    const cz_route_guard *guard = guard_of(ctx);
    if (!project_router)
        return NULL;
    const struct cz__route_entry *entry = NULL;
    if (guard)
        entry = cz_map_get(guard->alias ? &project_router->aliases : &project_router->names,
                           cz_format(ctx, "%s%s", guard->name_space, name));
    return entry ? entry : cz_map_get(&project_router->names, cz_str_from(name));
}

static void append_segment(cz_ctx *ctx, cz_buf *path, const struct cz__segment *segment,
                           cz_str value, const char *name)
{
    cz_param unused;
    cz_str whole = cz_format(ctx, "%.*s%.*s%.*s", CZ_STR_ARG(segment->text), CZ_STR_ARG(value),
                             CZ_STR_ARG(segment->suffix));
    bool one = segment->kind == CZ__CONVERT_PATH || cz_str_find_char(whole, '/') == SIZE_MAX;
    if (!one || !cz__segment_matches(segment, whole, &unused))
        cz_raise(ctx, CZ_EINVAL, "route \"%s\": no value that suits \"%.*s\"", name,
                 CZ_STR_ARG(segment->name));
    cz_percent_encode(path, value);
    cz_buf_append_str(path, segment->suffix);
}

cz_str cz_reverse(cz_ctx *ctx, const char *name, const cz_str *values, size_t count)
{
    const struct cz__route_entry *entry = entry_of(ctx, name);
    if (!entry)
        cz_raise(ctx, CZ_EINVAL, "no route is called \"%s\"", name);
    cz_buf *path = cz__path_buf(ctx);
    size_t used = 0;
    for (size_t i = 0; i < entry->segment_count; i++) {
        const struct cz__segment *segment = &entry->segments[i];
        cz_buf_append_char(path, '/');
        cz_buf_append_str(path, segment->text);
        if (!segment->parameter)
            continue;
        append_segment(ctx, path, segment, used < count ? values[used] : CZ_STR(""), name);
        used++;
    }
    if (used < count)
        cz_raise(ctx, CZ_EINVAL, "route \"%s\" takes %zu values, not %zu", name, used, count);
    if (entry->guard && entry->guard->complete && entry->guard == guard_of(ctx))
        entry->guard->complete(ctx, ctx->request, entry->guard, path);
    cz_check(ctx, cz_buf_status(path));
    return cz_copy(ctx, cz_buf_str(path));
}

/* ---- all of them ---- */

static cz_route_info describe(const struct cz__route_entry *entry)
{
    return (cz_route_info){ .method = cz_method_name(entry->method),
                            .pattern = entry->pattern,
                            .name = entry->name,
                            .handler = entry->label,
                            .route = entry->route,
                            .data = entry->data,
                            .action = entry->action,
                            .guard = entry->guard,
                            .middleware = entry->middleware };
}

bool cz_router_next(const cz_router *router, size_t *cursor, cz_route_info *out)
{
    if (*cursor >= router->entry_count)
        return false;
    *out = describe(router->entries[(*cursor)++]);
    return true;
}

bool cz_route_of(const cz_request *req, cz_route_info *out)
{
    if (!req->entry)
        return false;
    *out = describe(req->entry);
    return true;
}
