/* The router: a tree of segments, walked once per request. Every branch that suits is followed and the
 * route that stands first in the table wins, so order means what it means in Django; most paths have
 * one branch only. */
#include "base/unset.h"
#include "routing/routing_internal.h"
#include "routing/errors.h"
#include "http/http_server.h"
#include <stdio.h>

enum { NAME_BYTES_MAX = 256, INCLUDE_DEPTH_MAX = 8 };

static const cz_router_options no_options;

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
        if ((*at)->method == entry->method &&
            ((*at)->guard == entry->guard || !(*at)->guard || !entry->guard))
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
    cz_map *names = entry->guard && entry->guard->alias ? &router->aliases : &router->names;
    const struct cz__route_entry *other = cz_map_get(names, cz_str_from(entry->name));
    if (other) /* several methods of one path may share a name */
        return strcmp(other->pattern, entry->pattern) == 0
                   ? CZ_OK
                   : cz_error_set(err, CZ_EVALIDATION, "two routes are called \"%s\": %s and %s",
                                  entry->name, other->pattern, entry->pattern);
    return cz_map_set(names, cz_str_from(entry->name), entry) ? no_memory(err) : CZ_OK;
}

/* The include under way; resources add their routes below it. Start-up is single-threaded. */
static const struct cz__include *current_include;

const char *cz__route_pattern(cz_router *router, const char *pattern)
{
    return full_pattern(router, current_include, pattern);
}

static cz_route_guard *current_guard(void)
{
    const struct cz__include *include = current_include;
    while (include && !include->guard)
        include = include->outer;
    return include ? include->guard : NULL;
}

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
                                       .guard = current_guard(),
                                       .data = data,
                                       .action = action };
    router->plans_bodies |= route->body_max || route->body_streamed;
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

static cz_status add_table(cz_router *router, const cz_route *routes, cz_error *err);

/* A table below the current include, which it is one deeper than. */
static cz_status add_included(cz_router *router, const cz_route *routes,
                              const struct cz__include *include, cz_error *err)
{
    unsigned depth = 1;
    for (const struct cz__include *outer = include->outer; outer; outer = outer->outer)
        depth++;
    if (depth > INCLUDE_DEPTH_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "includes nest deeper than %d", INCLUDE_DEPTH_MAX);
    current_include = include;
    cz_status status = add_table(router, routes, err);
    current_include = include->outer;
    return status;
}

static cz_status add_table(cz_router *router, const cz_route *routes, cz_error *err)
{
    cz_status status = CZ_OK;
    for (const cz_route *route = routes;; route++) {
        if (!status)
            status = cz__route_check(router, routes, route, err);
        if (status || route->kind == CZ__ROUTE_END)
            break;
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
            const struct cz__include include = { current_include, route->pattern, route->name_space,
                                                 route->middleware, NULL };
            status = add_included(router, route->include, &include, err);
            break;
        }
        case CZ__ROUTE_END:
            break;
        }
    }
    return status;
}

/* Tell the guard what its routes' names and paths begin with. */
static cz_status describe_guard(cz_router *router, const struct cz__include *include, cz_error *err)
{
    cz_route_guard *guard = include->guard;
    const char *prefix = full_pattern(router, include, "");
    const char *name = full_name(router, include, "-");
    guard->name_space =
        name ? cz_arena_printf(router->arena, "%.*s", (int)strlen(name) - 1, name) : NULL;
    if (!prefix || !guard->name_space)
        return no_memory(err);
    for (guard->segments = 0; *prefix; prefix++)
        guard->segments += *prefix == '/';
    return CZ_OK;
}

cz_status cz__router_add_table(cz_router *router, const cz__guarded_table *table, cz_error *err)
{
    const cz_route *mount = table->mount;
    const struct cz__include outer = { current_include, mount->pattern, mount->name_space,
                                       mount->middleware, NULL };
    const struct cz__include include = { &outer, table->prefix, table->name_space,
                                         table->middleware, table->guard };
    if (current_guard())
        return cz_error_set(err, CZ_EVALIDATION, "versions cannot be inside versions: %s%s",
                            mount->pattern, table->prefix);
    cz_status status = describe_guard(router, &include, err);
    if (!status)
        status = add_included(router, table->routes, &include, err);
    current_include = outer.outer;
    return status;
}

cz_arena *cz__router_arena(const cz_router *router)
{
    return router->arena;
}

cz_status cz_router_create(const cz_route *routes, const cz_router_options *options,
                           cz_router **out, cz_error *err)
{
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        return no_memory(err);
    cz_router *router = cz_arena_new(arena, cz_router);
    cz_status status = router ? CZ_OK : no_memory(err);
    if (!status && options)
        status = cz__middleware_check(options->middleware, NULL, err);
    if (!status) {
        router->arena = arena;
        router->options = options ? options : &no_options;
        cz_map_init(&router->names, arena);
        cz_map_init(&router->aliases, arena);
        router->middleware = chain_of(router, NULL, NULL);
        status = router->middleware ? add_table(router, routes, err) : no_memory(err);
    }
    if (status) {
        cz_arena_destroy(arena);
        return status;
    }
    cz__reverse_use(router);
    *out = router;
    return CZ_OK;
}

void cz_router_destroy(cz_router *router)
{
    if (!router)
        return;
    if (cz_router_of_project() == router)
        cz__reverse_use(NULL);
    cz_arena_destroy(router->arena);
}

/* ---- matching ---- */

struct walk {
    cz_param params[CZ_COUNT(((cz_request *)0)->params)];
    struct cz__match *best;
};

cz_admission cz__admission(const struct cz__match *match, const struct cz__route_entry *entry)
{
    const cz_route_guard *guard = entry->guard;
    return guard && guard->admit && match->req ? guard->admit(match->ctx, match->req, guard)
                                               : CZ_ADMITTED;
}

/* The first of a node's routes that is not passed by. */
static unsigned first_order(struct cz__match *best, const struct cz__route_entry *entries)
{
    unsigned order = UINT32_MAX;
    for (; entries; entries = entries->next_same_path) {
        if (entries->guard && entries->guard->admit)
            best->asked = entries->guard;
        if (entries->order < order && cz__admission(best, entries) != CZ_PASSED_BY)
            order = entries->order;
    }
    return order;
}

static void offer(struct walk *walk, const struct cz__node *node, uint32_t param_count)
{
    unsigned order = first_order(walk->best, node->entries);
    if (order >= walk->best->order)
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

bool cz__router_find(const cz_router *router, cz_str path, struct cz__match *out)
{
    out->entries = NULL;
    out->order = UINT32_MAX;
    out->asked = NULL;
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    struct walk walk CZ__UNSET;
    walk.best = out;
    descend(&walk, &router->root, cz_str_tail(path, 1), 0);
    return out->entries != NULL;
}

static const struct cz__route_entry *entry_for(const struct cz__match *match, cz_method method)
{
    const struct cz__route_entry *get = NULL;
    for (const struct cz__route_entry *e = match->entries; e; e = e->next_same_path) {
        if (cz__admission(match, e) != CZ_ADMITTED)
            continue;
        if (e->method == method)
            return e;
        if (e->method == CZ_METHOD_GET)
            get = e;
    }
    return method == CZ_METHOD_HEAD ? get : NULL;
}

/* The route whose resource answers OPTIONS of the path; NULL: there is none. */
static const struct cz__route_entry *describing_entry(const struct cz__match *match)
{
    for (const struct cz__route_entry *e = match->entries; e; e = e->next_same_path)
        if (e->route->resource && e->route->resource->options &&
            cz__admission(match, e) == CZ_ADMITTED)
            return e;
    return NULL;
}

static cz_str allowed_methods(cz_ctx *ctx, const struct cz__match *match)
{
    bool allowed[CZ_METHOD_COUNT] = { [CZ_METHOD_OPTIONS] = true };
    for (const struct cz__route_entry *e = match->entries; e; e = e->next_same_path)
        if (cz__admission(match, e) == CZ_ADMITTED)
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
 * to be kept for a year. What else was set, as Retry-After and cookies, stays; so does the Content-Range of a 416, which
 * tells how much there is (RFC 9110, 15.5.17). */
static void drop_body_headers(cz_response *response, uint32_t first, int status)
{
    static const char *const names[] = {
        "content-range", /* the first: see above */
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-location",
        "etag",
        "expires",
        "last-modified",
        "location",
    };
    uint32_t kept = first;
    for (uint32_t i = first; i < response->header_count; i++) {
        bool drop = false;
        for (size_t n = status == 416; n < CZ_COUNT(names) && !drop; n++)
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
    cz_error err CZ__UNSET;
    cz_status status = cz_try(ctx, run_layer, &layer, &err);
    if (status == CZ_ECANCELED)
        cz_raise_error(ctx, &err); /* nobody is there to read an answer */
    if (!status)
        return;
    drop_body_headers(&req->response, header_count, cz_error_http(&err));
    cz__answer_error(ctx, req, &err);
}

struct outcome { /* what the path and method came to */
    const cz_router *router;
    struct cz__match match;
    const struct cz__route_entry *entry;
    bool describes; /* the entry's resource answers OPTIONS */
};

cz_buf *cz__path_buf(cz_ctx *ctx)
{
    cz_buf *path = cz_scratch(ctx);
    cz_buf_init(path, 64 * 1024);
    return path;
}

/* Tell caches which headers the choice among routes asked, whatever it came to. */
static void tell_what_was_asked(cz_ctx *ctx, cz_request *req, const cz_route_guard *guard)
{
    for (cz_str names = cz_str_from(guard && guard->vary ? guard->vary : ""); names.len;)
        cz_respond_header_add(ctx, req, CZ_STR("Vary"), cz_str_trim(cz_str_cut(&names, ',')));
}

/* The path with a slash at its end, or without. */
static cz_str other_path(cz_ctx *ctx, const cz_request *req)
{
    return cz_str_ends_with(req->path, CZ_STR("/"))
               ? cz_str_head(req->path, req->path.len - 1)
               : cz_format(ctx, "%.*s/", CZ_STR_ARG(req->path));
}

/* What is sent to the wrong one of the two is not done, which its author is told; to others it would tell which paths there
 * are. */
static CZ_NORETURN void raise_not_found(cz_ctx *ctx, cz_request *req, const cz_router *router)
{
    struct cz__match match = { .ctx = ctx, .req = req };
    cz_str other = req->path.len < 2 ? CZ_STR("") : other_path(ctx, req);
    if (cz__errors_tell_internals() && other.len && cz__router_find(router, other, &match) &&
        entry_for(&match, req->method))
        cz_raise(ctx, CZ_ENOTFOUND, "Not found. There is “%.*s”, %s a slash at its end.",
                 CZ_STR_ARG(cz_str_head(other, other.len < 100 ? other.len : 100)),
                 cz_str_ends_with(other, CZ_STR("/")) ? "with" : "without");
    cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
}

void cz__redirect_with_query(cz_ctx *ctx, cz_request *req, cz_str path)
{
    cz_buf *location = cz__path_buf(ctx);
    cz_percent_encode(location, path);
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
}

/* Where only the trailing slash differs, say so. */
static bool redirect_slash(cz_ctx *ctx, cz_request *req, const cz_router *router)
{
    bool safe = req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD;
    if (router->options->no_slash_redirect || !safe || req->path.len < 2)
        return false;
    cz_str other = other_path(ctx, req);
    struct cz__match match = { .ctx = ctx, .req = req };
    bool found = cz__router_find(router, other, &match);
    tell_what_was_asked(ctx, req, match.asked);
    if (cz_str_starts_with(req->path, CZ_STR("//")) || !found || !entry_for(&match, req->method))
        return false;
    cz__redirect_with_query(ctx, req, other);
    return true;
}

static void raise_refusal(cz_ctx *ctx, cz_request *req, const struct cz__match *match)
{
    for (const struct cz__route_entry *e = match->entries; e; e = e->next_same_path)
        if (cz__admission(match, e) == CZ_REFUSED)
            e->guard->refuse(ctx, req, e->guard);
}

/* "OPTIONS *" is about no resource (RFC 9110, 9.3.7); the parser lets no other method have that target. */
static void answer_for_server(cz_ctx *ctx, cz_request *req)
{
#define X(name) ", " #name
    static const char methods[] = CZ_METHOD_MAP(X);
#undef X
    cz_respond_empty(ctx, req, 204);
    cz_respond_header_static(ctx, req, CZ_STR("Allow"), cz_str_of(methods + 2, sizeof methods - 3));
}

static void run_handler(cz_ctx *ctx, cz_request *req, void *arg)
{
    const struct outcome *outcome = arg;
    tell_what_was_asked(ctx, req, outcome->match.asked);
    if (outcome->describes)
        cz_respond_header(ctx, req, CZ_STR("Allow"), allowed_methods(ctx, &outcome->match));
    if (outcome->entry) {
        cz_handler handler =
            outcome->describes ? outcome->entry->route->resource->options : outcome->entry->handler;
        handler(ctx, req);
        if (!req->response.sent)
            cz_raise(ctx, CZ_EINVAL, "the handler of %s returned without an answer",
                     outcome->entry->pattern);
        return;
    }
    if (!outcome->match.entries) {
        if (cz_str_eq(req->path, CZ_STR("*"))) {
            answer_for_server(ctx, req);
            return;
        }
        if (req->method == CZ_METHOD_OTHER)
            cz_raise(ctx, CZ_EUNSUPPORTED, "Method \"%.*s\" is not implemented.",
                     CZ_STR_ARG(req->method_text));
        if (!redirect_slash(ctx, req, outcome->router))
            raise_not_found(ctx, req, outcome->router);
        return;
    }
    raise_refusal(ctx, req, &outcome->match);
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

void cz__router_plan_body(const cz_router *router, cz_ctx *ctx, cz_request *req,
                          cz__body_plan *plan)
{
    bool changes = req->method == CZ_METHOD_POST || req->method == CZ_METHOD_PUT ||
                   req->method == CZ_METHOD_PATCH || req->method == CZ_METHOD_DELETE;
    struct cz__match match = { .ctx = ctx, .req = req };
    if (!router->plans_bodies || !changes || !cz__router_find(router, req->path, &match))
        return;
    const struct cz__route_entry *entry = entry_for(&match, req->method);
    if (!entry)
        return;
    if (entry->route->body_max)
        plan->bytes_max = entry->route->body_max;
    plan->streamed = entry->route->body_streamed;
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
    outcome.match.ctx = ctx;
    outcome.match.req = req;
    bool found = cz__router_find(router, req->path, &outcome.match);
    outcome.entry = found ? entry_for(&outcome.match, req->method) : NULL;
    outcome.describes = false;
    if (found && !outcome.entry && req->method == CZ_METHOD_OPTIONS) {
        outcome.entry = describing_entry(&outcome.match);
        outcome.describes = outcome.entry != NULL;
    }
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
