/* Private to src/routing. */
#ifndef CZ_ROUTING_INTERNAL_H
#define CZ_ROUTING_INTERNAL_H

#include <calzone/map.h>
#include <calzone/middleware.h>
#include <calzone/routing.h>

enum cz__converter_kind {
    CZ__CONVERT_STR,
    CZ__CONVERT_INT,
    CZ__CONVERT_SLUG,
    CZ__CONVERT_UUID,
    CZ__CONVERT_PATH,
    CZ__CONVERT_CUSTOM
};

struct cz__segment {
    cz_str text;   /* of a plain segment; the text before the parameter otherwise */
    cz_str suffix; /* after the parameter */
    bool parameter;
    enum cz__converter_kind kind;
    const cz_converter *custom;
    cz_str name;
};

struct cz__route_entry {
    unsigned order; /* in the table; the lowest that matches wins */
    cz_method method;
    const char *pattern;
    struct cz__segment *segments;
    size_t segment_count;
    cz_handler handler;
    const cz_route *route;
    const char *name, *label;
    void *data;
    int action;
    const cz_middleware **middleware; /* project's, include's, route's; ended by NULL */
    const cz_route_guard *guard;      /* NULL: its path is enough */
    struct cz__route_entry *next_same_path;
};

/* A node stands for the segments up to it. */
struct cz__node {
    struct cz__segment segment;
    struct cz__node *child, *sibling;
    struct cz__route_entry *entries; /* those that end here */
};

struct cz_router {
    cz_arena *arena;
    const cz_router_options *options;
    struct cz__node root;
    struct cz__route_entry **entries;
    size_t entry_count, entry_cap;
    bool plans_bodies;                /* a route says what it does with them */
    cz_map names, aliases;            /* `aliases`: of routes whose guard is one */
    const cz_middleware **middleware; /* the project's; around 404 and 405 too */
};

/* The includes that lead to a table: their prefixes, name spaces, middleware and guard, outermost first. */
struct cz__include {
    const struct cz__include *outer;
    const char *prefix, *name_space;
    const cz_middleware *const *middleware;
    cz_route_guard *guard; /* NULL: it adds none */
};

/* What a path came to: the best node's routes, with all their methods and guards. */
struct cz__match {
    cz_ctx *ctx;
    cz_request *req; /* whom guards ask; NULL: nobody, and they admit all */
    const struct cz__route_entry *entries;
    unsigned order;
    cz_param params[CZ_COUNT(((cz_request *)0)->params)];
    uint32_t param_count;
    const cz_route_guard *asked; /* the last guard that was asked about the path */
};

/* router.c: look for a path; false: no route has it that this request may have or would be refused. */
bool cz__router_find(const cz_router *router, cz_str path, struct cz__match *out);
/* What an entry's guard says of the match's request. */
cz_admission cz__admission(const struct cz__match *match, const struct cz__route_entry *entry);

/* A buffer for a path, which goes with the context: what fills it may raise. Raises: CZ_ENOMEM. */
cz_buf *cz__path_buf(cz_ctx *ctx);
/* reverse.c: names are of this router from now on; NULL: of none. */
void cz__reverse_use(const cz_router *router);

/* tables.c: whether what stands in a table is a route, with a middleware list that ends. `table` is that of `route`. Errors:
 * CZ_EVALIDATION. */
cz_status cz__route_check(cz_router *router, const cz_route *table, const cz_route *route,
                          cz_error *err);
/* router.c: a pattern with the prefixes of the includes under way; NULL: no memory. */
const char *cz__route_pattern(cz_router *router, const char *pattern);

/* pattern.c */
cz_status cz__pattern_compile(cz_router *router, const char *pattern, struct cz__segment **out,
                              size_t *out_count, cz_error *err);
/* Whether a segment of the path suits, and the parameter's text. */
bool cz__segment_matches(const struct cz__segment *segment, cz_str text, cz_param *out);
bool cz__segment_same(const struct cz__segment *a, const struct cz__segment *b);

#endif
