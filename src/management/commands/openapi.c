/* `openapi`: the document about the project's API, and whether it tells of every route. */
#include "management/project.h"
#include <calzone/openapi.h>
#include <stdio.h>

/* The document that a route of the project answers with; NULL: none does. */
static const cz_openapi *document_of(const cz_router *router)
{
    cz_route_info route;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &route);)
        if (route.route->resource && route.route->resource->add_routes == cz__openapi_add_routes)
            return route.data;
    return NULL;
}

/* Print the routes that nothing is said of. */
static int check(const cz_router *router)
{
    size_t missing = 0;
    cz_route_info route;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &route);) {
        if (cz_openapi_is_documented(&route))
            continue;
        missing++;
        fprintf(stderr,
                "openapi: %s %s says nothing of itself: give its route a .doc = CZ_DOC(.summary = "
                "...)\n",
                route.method, route.pattern);
    }
    if (!missing)
        printf("every route is documented\n");
    return missing ? 1 : 0;
}

struct writing {
    const cz_openapi *api;
    const cz_router *router;
    cz_buf *out;
};

static void write_document(cz_ctx *ctx, void *arg)
{
    const struct writing *writing = arg;
    cz_openapi_write(ctx, writing->api, writing->router, CZ_STR(""), writing->out);
}

static int print(struct cz__site *site, const cz_openapi *api)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err = { 0 };
    cz_buf out = { 0 };
    struct writing writing = { api, site->router, &out };
    if (cz_arena_create(NULL, 0, &arena)) {
        fprintf(stderr, "openapi: no memory\n");
        return 1;
    }
    cz_ctx_init(&ctx, arena);
    cz_status status = cz_try(&ctx, write_document, &writing, &err);
    if (status)
        fprintf(stderr, "openapi: %s\n", cz_error_message(&err));
    else
        printf("%.*s\n", CZ_STR_ARG(cz_buf_str(&out)));
    cz_buf_done(&out);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
    return status ? 1 : 0;
}

int cz__command_openapi(struct cz__site *site, int argc, char **argv)
{
    bool only_check = argc == 2 && strcmp(argv[1], "--check") == 0;
    if (argc > 1 && !only_check) {
        fprintf(stderr, "openapi: unknown argument \"%s\"; see --help\n", argv[1]);
        return 2;
    }
    if (only_check)
        return check(site->router);
    const cz_openapi *api = document_of(site->router);
    if (api)
        return print(site, api);
    fprintf(
        stderr,
        "openapi: no route answers with a document; add CZ_RESOURCE(\"/openapi.json\", &api) of a "
        "CZ_OPENAPI(api, .title = ..., .version = ...)\n");
    return 1;
}
