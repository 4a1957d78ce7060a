/* The router: a tree of segments, walked once per request. Every branch that suits is followed and the
 * route that stands first in the table wins, so order means what it means in Django; most paths have
 * one branch only. */
#include "routing/routing_internal.h"
#include "routing/errors.h"
#include <stdio.h>

enum { NAME_BYTES_MAX = 256, INCLUDE_DEPTH_MAX = 8 };

static const cz_router_options no_options;
static const cz_router *reverse_router; /* the process's; cz_reverse() needs no router at hand */

/* ---- compiling ---- */

static cz_status no_memory(cz_error *err)
{
    return cz_error_set(err, CZ_ENOMEM, "no memory for the routes");
}

static const char *full_pattern(cz_router *router, const struct cz__include *include,
                                const char *pattern)
{
    const char *whole = pattern;
    for (; include && whole; include = include->outer) {
        size_t len = strlen(include->prefix);
        while (len && include->prefix[len - 1] == '/')
            len--;
        whole = cz_arena_printf(router->arena, "%.*s%s", (int)len, include->prefix, whole);
    }
    return whole;
}

static const char *full_name(cz_router *router, const struct cz__include *include, const char *name)
{
    const char *whole = name;
    for (; include && whole && *name; include = include->outer)
        if (include->name_space)
            whole = cz_arena_printf(router->arena, "%s:%s", include->name_space, whole);
    return whole;
}

static size_t append_middleware(const cz_middleware **list, size_t count,
                                const cz_middleware *const *more)
{
    for (; more && *more; more++)
        list[count++] = *more;
    return count;
}

static size_t count_middleware(const cz_middleware *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static size_t append_includes(const cz_middleware **list, size_t count,
                              const struct cz__include *include)
{
    if (!include)
        return count;
    count = append_includes(list, count, include->outer);
    return append_middleware(list, count, include->middleware);
}

/* The chain around a route, outermost first. */
static const cz_middleware **chain_of(cz_router *router, const struct cz__include *include,
                                      const cz_route *route)
{
    size_t cap = count_middleware(router->options->middleware) + 1;
    for (const struct cz__include *outer = include; outer; outer = outer->outer)
        cap += count_middleware(outer->middleware);
    if (route)
        cap += count_middleware(route->middleware);
    const cz_middleware **list = cz_arena_array(router->arena, const cz_middleware *, cap);
    if (!list)
        return NULL;
    size_t count = append_middleware(list, 0, router->options->middleware);
    count = append_includes(list, count, include);
    if (route && route->kind != CZ__ROUTE_INCLUDE)
        append_middleware(list, count, route->middleware);
    return list;
}

static struct cz__node *child_for(cz_router *router, struct cz__node *node,
                                  const struct cz__segment *segment)
{
    struct cz__node **at = &node->child;
    for (; *at; at = &(*at)->sibling)
        if (cz__segment_same(&(*at)->segment, segment))
            return *at;
    *at = cz_arena_new(router->arena, struct cz__node);
    if (*at)
        (*at)->segment = *segment;
    return *at;
}

static cz_status place(cz_router *router, struct cz__route_entry *entry, cz_error *err)
{
    struct cz__node *node = &router->root;
    for (size_t i = 0; i < entry->segment_count; i++) {
        node = child_for(router, node, &entry->segments[i]);
        if (!node)
            return no_memory(err);
    }
    struct cz__route_entry **at = &node->entries;
    for (; *at; at = &(*at)->next_same_path)
        if ((*at)->method == entry->method)
            return cz_error_set(err, CZ_EVALIDATION, "two routes answer %s %s",
                                cz_method_name(entry->method), entry->pattern);
    *at = entry;
    return CZ_OK;
}

static cz_status remember(cz_router *router, struct cz__route_entry *entry, cz_error *err)
{
    if (router->entry_count == router->entry_cap) {
        size_t cap = router->entry_cap ? router->entry_cap * 2 : 32;
        struct cz__route_entry **grown =
            cz_arena_array(router->arena, struct cz__route_entry *, cap);
        if (!grown)
            return no_memory(err);
        if (router->entry_count)
            memcpy(grown, router->entries, router->entry_count * sizeof(void *));
        router->entries = grown;
        router->entry_cap = cap;
    }
    router->entries[router->entry_count++] = entry;
    if (!*entry->name)
        return CZ_OK;
    const struct cz__route_entry *other = cz_map_get(&router->names, cz_str_from(entry->name));
    if (other) /* several methods of one path may share a name */
        return strcmp(other->pattern, entry->pattern) == 0
                   ? CZ_OK
                   : cz_error_set(err, CZ_EVALIDATION, "two routes are called \"%s\": %s and %s",
                                  entry->name, other->pattern, entry->pattern);
    return cz_map_set(&router->names, cz_str_from(entry->name), entry) ? no_memory(err) : CZ_OK;
}

/* The include under way; resources add their routes below it. Start-up is single-threaded. */
static const struct cz__include *current_include;

cz_status cz__router_add(cz_router *router, const cz_route *route, cz_method method,
                         const char *pattern, cz_handler handler, const char *name, void *data,
                         int action, const char *label, cz_error *err)
{
    struct cz__route_entry *entry = cz_arena_new(router->arena, struct cz__route_entry);
    if (!entry)
        return no_memory(err);
    *entry = (struct cz__route_entry){ .order = (unsigned)router->entry_count,
                                       .method = method,
                                       .handler = handler,
                                       .route = route,
                                       .data = data,
                                       .action = action };
    entry->pattern = full_pattern(router, current_include, pattern);
    entry->name = full_name(router, current_include, name);
    entry->middleware = chain_of(router, current_include, route);
    if (!entry->pattern || !entry->middleware || !entry->name)
        return no_memory(err);
    if (entry->pattern == pattern) /* outside includes; a resource's stands on its stack */
        entry->pattern = cz_arena_strdup(router->arena, pattern);
    entry->name = cz_arena_strdup(router->arena, entry->name);
    entry->label = cz_arena_strdup(router->arena, label);
    if (!entry->pattern || !entry->name || !entry->label)
        return no_memory(err);
    cz_status status =
        cz__pattern_compile(router, entry->pattern, &entry->segments, &entry->segment_count, err);
    if (!status)
        status = place(router, entry, err);
    return status ? status : remember(router, entry, err);
}

static cz_status add_table(cz_router *router, const cz_route *routes, unsigned depth, cz_error *err)
{
    if (depth > INCLUDE_DEPTH_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "includes nest deeper than %d", INCLUDE_DEPTH_MAX);
    cz_status status = CZ_OK;
    for (const cz_route *route = routes; !status && route->kind != CZ__ROUTE_END; route++) {
        if (route->pattern[0] &&
            route->pattern[0] != '/') /* "/lib" and "books" would be "/libbooks" */
            return cz_error_set(err, CZ_EVALIDATION, "route \"%s\" must begin with \"/\"",
                                route->pattern);
        switch (route->kind) {
        case CZ__ROUTE_HANDLER:
            status = cz__router_add(router, route, route->method, route->pattern, route->handler,
                                    route->name ? route->name : "", NULL, 0, "handler", err);
            break;
        case CZ__ROUTE_RESOURCE:
            status =
                route->resource->add_routes(route->resource, router, route, route->pattern, err);
            break;
        case CZ__ROUTE_INCLUDE: {
            struct cz__include include = { current_include, route->pattern, route->name_space,
                                           route->middleware };
            current_include = &include;
            status = add_table(router, route->include, depth + 1, err);
            current_include = include.outer;
            break;
        }
        case CZ__ROUTE_END:
            break;
        }
    }
    return status;
}

cz_status cz_router_create(const cz_route *routes, const cz_router_options *options,
                           cz_router **out, cz_error *err)
{
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        return no_memory(err);
    cz_router *router = cz_arena_new(arena, cz_router);
    cz_status status = router ? CZ_OK : no_memory(err);
    if (!status) {
        router->arena = arena;
        router->options = options ? options : &no_options;
        cz_map_init(&router->names, arena);
        router->middleware = chain_of(router, NULL, NULL);
        status = router->middleware ? add_table(router, routes, 0, err) : no_memory(err);
    }
    if (status) {
        cz_arena_destroy(arena);
        return status;
    }
    reverse_router = router;
    *out = router;
    return CZ_OK;
}

void cz_router_destroy(cz_router *router)
{
    if (!router)
        return;
    if (reverse_router == router)
        reverse_router = NULL;
    cz_arena_destroy(router->arena);
}

/* ---- matching ---- */

struct match {
    const struct cz__route_entry *entries; /* of the best node: all its methods */
    unsigned order;
    cz_param params[CZ_COUNT(((cz_request *)0)->params)];
    uint32_t param_count;
};

struct walk {
    cz_param params[CZ_COUNT(((cz_request *)0)->params)];
    struct match *best;
};

static unsigned first_order(const struct cz__route_entry *entries)
{
    unsigned order = UINT32_MAX;
    for (; entries; entries = entries->next_same_path)
        if (entries->order < order)
            order = entries->order;
    return order;
}

static void offer(struct walk *walk, const struct cz__node *node, uint32_t param_count)
{
    unsigned order = first_order(node->entries);
    if (!node->entries || order >= walk->best->order)
        return;
    walk->best->entries = node->entries;
    walk->best->order = order;
    walk->best->param_count = param_count;
    memcpy(walk->best->params, walk->params, param_count * sizeof(cz_param));
}

/* `rest` is what follows the slash before this level's segment. */
static void descend(struct walk *walk, const struct cz__node *node, cz_str rest,
                    uint32_t param_count)
{
    size_t slash = cz_str_find_char(rest, '/');
    cz_str text = slash == SIZE_MAX ? rest : cz_str_head(rest, slash);
    for (const struct cz__node *child = node->child; child; child = child->sibling) {
        const struct cz__segment *segment = &child->segment;
        bool whole = segment->parameter && segment->kind == CZ__CONVERT_PATH;
        if (!cz__segment_matches(segment, whole ? rest : text, &walk->params[param_count]))
            continue;
        uint32_t count = param_count + segment->parameter;
        if (whole || slash == SIZE_MAX)
            offer(walk, child, count);
        else
            descend(walk, child, cz_str_tail(rest, slash + 1), count);
    }
}

static bool find(const cz_router *router, cz_str path, struct match *out)
{
    out->entries = NULL;
    out->order = UINT32_MAX;
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    struct walk walk;
    walk.best = out;
    descend(&walk, &router->root, cz_str_tail(path, 1), 0);
    return out->entries != NULL;
}

static const struct cz__route_entry *entry_for(const struct match *match, cz_method method)
{
    const struct cz__route_entry *get = NULL;
    for (const struct cz__route_entry *e = match->entries; e; e = e->next_same_path) {
        if (e->method == method)
            return e;
        if (e->method == CZ_METHOD_GET)
            get = e;
    }
    return method == CZ_METHOD_HEAD ? get : NULL;
}

static cz_str allowed_methods(cz_ctx *ctx, const struct match *match)
{
    bool allowed[CZ_METHOD_COUNT] = { [CZ_METHOD_OPTIONS] = true };
    for (const struct cz__route_entry *e = match->entries; e; e = e->next_same_path)
        allowed[e->method] = true;
    allowed[CZ_METHOD_HEAD] |= allowed[CZ_METHOD_GET];
    char text[128];
    size_t len = 0;
    for (int method = 0; method < CZ_METHOD_COUNT; method++)
        if (allowed[method]) {
            int added = snprintf(text + len, sizeof text - len, "%s%s", len ? ", " : "",
                                 cz_method_name((cz_method)method));
            len += (size_t)added; /* seven names are well below 128 bytes */
        }
    return cz_copy(ctx, cz_str_of(text, len));
}

/* ---- running ---- */

struct cz_next {
    const cz_middleware *const *rest; /* ended by NULL */
    void (*handler)(cz_ctx *ctx, cz_request *req, void *arg);
    void *arg;
};

struct layer {
    cz_request *req;
    const cz_next *next;
};

static void run_layer(cz_ctx *ctx, void *arg)
{
    struct layer *layer = arg;
    const cz_next *next = layer->next;
    if (!*next->rest) {
        next->handler(ctx, layer->req, next->arg);
        return;
    }
    cz_next further = { next->rest + 1, next->handler, next->arg };
    (*next->rest)->process(ctx, layer->req, &further);
}

/* Drop the headers from `first` on that describe a body which is not sent now: an error is neither gzip nor
 * to be kept for a year. What else was set, as Retry-After and cookies, stays. */
static void drop_body_headers(cz_response *response, uint32_t first)
{
    static const char *const names[] = {
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-location",
        "content-range",
        "etag",
        "expires",
        "last-modified",
        "location",
    };
    uint32_t kept = first;
    for (uint32_t i = first; i < response->header_count; i++) {
        bool drop = false;
        for (size_t n = 0; n < CZ_COUNT(names) && !drop; n++)
            drop = cz_str_eq_icase(response->headers[i].name, cz_str_from(names[n]));
        if (!drop)
            response->headers[kept++] = response->headers[i];
    }
    response->header_count = kept;
}

const cz_middleware *cz__next_middleware(const cz_next *next)
{
    return next->rest[-1]; /* run_layer() has made it of the one before */
}

void cz_next_call(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct layer layer = { req, next };
    uint32_t header_count = req->response.header_count;
    cz_error err;
    cz_status status = cz_try(ctx, run_layer, &layer, &err);
    if (status == CZ_ECANCELED)
        cz_raise_error(ctx, &err); /* nobody is there to read an answer */
    if (!status)
        return;
    drop_body_headers(&req->response, header_count);
    cz__answer_error(ctx, req, &err);
}

struct outcome { /* what the path and method came to */
    const cz_router *router;
    struct match match;
    const struct cz__route_entry *entry;
};

/* A buffer for a path, which goes with the context: what fills it may raise. */
static cz_buf *path_buf(cz_ctx *ctx)
{
    cz_buf *path = cz_scratch(ctx);
    cz_buf_init(path, 64 * 1024);
    return path;
}

/* Where only the trailing slash differs, say so. */
static bool redirect_slash(cz_ctx *ctx, cz_request *req, const cz_router *router)
{
    bool safe = req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD;
    if (router->options->no_slash_redirect || !safe || req->path.len < 2)
        return false;
    bool has = cz_str_ends_with(req->path, CZ_STR("/"));
    cz_str other = has ? cz_str_head(req->path, req->path.len - 1)
                       : cz_format(ctx, "%.*s/", CZ_STR_ARG(req->path));
    struct match match;
    if (cz_str_starts_with(req->path, CZ_STR("//")) || !find(router, other, &match) ||
        !entry_for(&match, req->method))
        return false;
    cz_buf *location = path_buf(ctx);
    cz_percent_encode(location, other);
    if (req->query.len)
        cz_buf_append_char(location, '?');
    for (cz_str rest = req->query;
         rest.len;) { /* a redirect takes no backslash, which is no URI's */
        bool escaped = cz_str_find_char(rest, '\\') != SIZE_MAX;
        cz_buf_append_str(location, cz_str_cut(&rest, '\\'));
        if (escaped)
            cz_buf_append_lit(location, "%5C");
    }
    cz_check(ctx, cz_buf_status(location));
    cz_respond_redirect(ctx, req, 301, cz_buf_str(location)); /* which copies it */
    return true;
}

static void run_handler(cz_ctx *ctx, cz_request *req, void *arg)
{
    const struct outcome *outcome = arg;
    if (outcome->entry) {
        outcome->entry->handler(ctx, req);
        if (!req->response.sent)
            cz_raise(ctx, CZ_EINVAL, "the handler of %s returned without an answer",
                     outcome->entry->pattern);
        return;
    }
    if (!outcome->match.entries) {
        if (req->method == CZ_METHOD_OTHER)
            cz_raise(ctx, CZ_EUNSUPPORTED, "Method \"%.*s\" is not implemented.",
                     CZ_STR_ARG(req->method_text));
        if (!redirect_slash(ctx, req, outcome->router))
            cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
        return;
    }
    cz_str allow = allowed_methods(ctx, &outcome->match);
    if (req->method == CZ_METHOD_OPTIONS) {
        cz_respond_empty(ctx, req, 204);
        cz_respond_header(ctx, req, CZ_STR("Allow"), allow);
        return;
    }
    if (req->method == CZ_METHOD_OTHER)
        cz_raise(ctx, CZ_EUNSUPPORTED, "Method \"%.*s\" is not implemented.",
                 CZ_STR_ARG(req->method_text));
    cz_error err;
    cz_ignore(cz_error_set(&err, CZ_EMETHOD, "Method \"%.*s\" not allowed.",
                           CZ_STR_ARG(req->method_text)));
    cz__answer_error(ctx, req, &err);
    cz_respond_header(ctx, req, CZ_STR("Allow"), allow);
}

/* Routes share the nodes of the tree whatever they call their parameters; each has its own names. */
static void name_params(const struct cz__route_entry *entry, cz_request *req)
{
    uint32_t n = 0;
    for (size_t i = 0; i < entry->segment_count; i++)
        if (entry->segments[i].parameter)
            req->params[n++].name = entry->segments[i].name;
}

void cz_router_dispatch(const cz_router *router, cz_ctx *ctx, cz_request *req)
{
    struct outcome outcome;
    outcome.router = router;
    bool found = find(router, req->path, &outcome.match);
    outcome.entry = found ? entry_for(&outcome.match, req->method) : NULL;
    cz_next next = { router->middleware, run_handler, &outcome };
    ctx->request = req;
    if (outcome.entry) {
        const struct cz__route_entry *entry = outcome.entry;
        memcpy(req->params, outcome.match.params, outcome.match.param_count * sizeof(cz_param));
        req->param_count = outcome.match.param_count;
        name_params(entry, req);
        req->route = entry->route;
        req->entry = entry;
        req->view_data = entry->data;
        req->view_action = entry->action;
        ctx->label = entry->pattern;
        next.rest = entry->middleware;
    } else {
        ctx->label = found ? outcome.match.entries->pattern : "(no route)";
    }
    cz_next_call(ctx, req, &next);
}

/* ---- reverse and listing ---- */

bool cz_resolve(cz_str path, cz_resolved *out)
{
    struct match match;
    if (!reverse_router || !find(reverse_router, path, &match))
        return false;
    *out = (cz_resolved){ .name = "", .param_count = match.param_count };
    memcpy(out->params, match.params, match.param_count * sizeof *match.params);
    for (const struct cz__route_entry *e = match.entries; e && !*out->name; e = e->next_same_path)
        out->name = e->name;
    return true;
}

cz_str cz_reverse(cz_ctx *ctx, const char *name, const cz_str *values, size_t count)
{
    const struct cz__route_entry *entry =
        reverse_router ? cz_map_get(&reverse_router->names, cz_str_from(name)) : NULL;
    if (!entry)
        cz_raise(ctx, CZ_EINVAL, "no route is called \"%s\"", name);
    cz_buf *path = path_buf(ctx);
    size_t used = 0;
    for (size_t i = 0; i < entry->segment_count; i++) {
        const struct cz__segment *segment = &entry->segments[i];
        cz_buf_append_char(path, '/');
        cz_buf_append_str(path, segment->text);
        if (!segment->parameter)
            continue;
        cz_param unused;
        cz_str whole = used < count
                           ? cz_format(ctx, "%.*s%.*s%.*s", CZ_STR_ARG(segment->text),
                                       CZ_STR_ARG(values[used]), CZ_STR_ARG(segment->suffix))
                           : CZ_STR("");
        bool one = segment->kind == CZ__CONVERT_PATH || cz_str_find_char(whole, '/') == SIZE_MAX;
        if (!one || !cz__segment_matches(segment, whole, &unused))
            cz_raise(ctx, CZ_EINVAL, "route \"%s\": no value that suits \"%.*s\"", name,
                     CZ_STR_ARG(segment->name));
        cz_percent_encode(path, values[used++]);
        cz_buf_append_str(path, segment->suffix);
    }
    cz_check(ctx, cz_buf_status(path));
    if (used < count)
        cz_raise(ctx, CZ_EINVAL, "route \"%s\" takes %zu values, not %zu", name, used, count);
    return cz_copy(ctx, cz_buf_str(path));
}

const cz_router *cz_router_of_project(void)
{
    return reverse_router;
}

static cz_route_info describe(const struct cz__route_entry *entry)
{
    return (cz_route_info){ .method = cz_method_name(entry->method),
                            .pattern = entry->pattern,
                            .name = entry->name,
                            .handler = entry->label,
                            .route = entry->route,
                            .data = entry->data,
                            .action = entry->action };
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
