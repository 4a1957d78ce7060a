/* `openapi`: the document about the project's API, and whether it tells of every route. */
#include "management/project.h"
#include "openapi/openapi.h"
#include "openapi/schema_check.h"
#include <calzone/openapi.h>
#include <calzone/views.h>
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
        bool action = cz_view_of_route(&route) && route.action >= CZ_ACTION_COUNT;
        fprintf(stderr,
                "openapi: %s %s says nothing of itself: give its %s a .doc = CZ_DOC(.summary = "
                "...)\n",
                route.method, route.pattern, action ? "action" : "route");
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

/* The document of that version, or the whole one's part about it. */
static bool choose_version(struct writing *writing, const char *api_version, cz_openapi *one)
{
    if (!cz__openapi_has_version(writing->router, api_version)) {
        fprintf(stderr, "openapi: no route is of a version \"%s\"\n", api_version);
        return false;
    }
    *one = *writing->api;
    one->api_version = api_version;
    const cz_openapi *own = cz__openapi_of_version(writing->router, api_version);
    writing->api = own ? own : one;
    return true;
}

static bool read_arguments(int argc, char **argv, struct writing *writing, const char **api_version)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--yaml") == 0) {
            writing->yaml = true;
        } else if (strcmp(argv[i], "--api-version") == 0 && i + 1 < argc) {
            *api_version = argv[++i];
        } else {
            fprintf(stderr, "openapi: unknown argument \"%s\"; see --help\n", argv[i]);
            return false;
        }
    }
    return true;
}

int cz__command_openapi(struct cz__site *site, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "diff") == 0)
        return cz__command_openapi_diff(site, argc - 1, argv + 1);
    struct writing writing = { .api = cz_openapi_of(site->router), .router = site->router };
    bool only_check = argc == 2 && strcmp(argv[1], "--check") == 0;
    const char *api_version = NULL;
    if (!only_check && !read_arguments(argc, argv, &writing, &api_version))
        return 2;
    if (only_check)
        return cz__site_run_offline(site, check, &writing);
    if (!writing.api) {
        fprintf(stderr,
                "openapi: no route answers with a document; add CZ_RESOURCE(\"/openapi.json\", "
                "&api) of a CZ_OPENAPI(api, .title = ..., .version = ...)\n");
        return 1;
    }
    cz_openapi one;
    if (api_version && !choose_version(&writing, api_version, &one))
        return 1;
    return cz__site_run_offline(site, print, &writing);
}
