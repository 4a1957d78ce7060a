/* `openapi`: the document about the project's API, and whether it tells of every route. */
#include "management/project.h"
#include "openapi/schema_check.h"
#include <calzone/openapi.h>
#include <stdio.h>

struct writing {
    const cz_openapi *api;
    const cz_router *router;
    bool yaml;
};

/* ---- --check ---- */

/* Print the routes that nothing is said of. */
static size_t print_undocumented(const cz_router *router)
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
    return missing;
}

static const cz_json_value *document_of(cz_ctx *ctx, const struct writing *writing)
{
    cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX, .keys_max = UINT32_MAX };
    const cz_json_value *document;
    cz_error err;
    cz_buf *text = cz_scratch(ctx);
    cz_openapi_write(ctx, writing->api, writing->router, CZ_STR(""), text);
    if (cz_json_parse(ctx->arena, cz_copy(ctx, cz_buf_str(text)), &limits, &document, &err))
        cz_raise_error(ctx, &err);
    return document;
}

static int check(cz_ctx *ctx, void *arg)
{
    const struct writing *writing = arg;
    struct cz__schema_fault fault;
    size_t missing = print_undocumented(writing->router);
    if (writing->api && !cz__examples_check(ctx, document_of(ctx, writing), &fault)) {
        fprintf(stderr, "openapi: the example of %.*s %.*s\n", CZ_STR_ARG(fault.pointer),
                CZ_STR_ARG(fault.what));
        missing++;
    }
    if (!missing)
        printf("every route is documented\n");
    return missing ? 1 : 0;
}

/* ---- the document ---- */

static int print(cz_ctx *ctx, void *arg)
{
    const struct writing *writing = arg;
    cz_buf *out = cz_scratch(ctx);
    if (writing->yaml)
        cz_openapi_write_yaml(ctx, writing->api, writing->router, CZ_STR(""), out);
    else
        cz_openapi_write(ctx, writing->api, writing->router, CZ_STR(""), out);
    printf("%.*s%s", CZ_STR_ARG(cz_buf_str(out)), writing->yaml ? "" : "\n");
    return 0;
}

int cz__command_openapi(struct cz__site *site, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "diff") == 0)
        return cz__command_openapi_diff(site, argc - 1, argv + 1);
    bool only_check = argc == 2 && strcmp(argv[1], "--check") == 0;
    bool yaml = argc == 2 && strcmp(argv[1], "--yaml") == 0;
    if (argc > 1 && !only_check && !yaml) {
        fprintf(stderr, "openapi: unknown argument \"%s\"; see --help\n", argv[argc > 2 ? 2 : 1]);
        return 2;
    }
    struct writing writing = { cz_openapi_of(site->router), site->router, yaml };
    if (only_check)
        return cz__site_run_offline(site, check, &writing);
    if (writing.api)
        return cz__site_run_offline(site, print, &writing);
    fprintf(
        stderr,
        "openapi: no route answers with a document; add CZ_RESOURCE(\"/openapi.json\", &api) of a "
        "CZ_OPENAPI(api, .title = ..., .version = ...)\n");
    return 1;
}
