/* Any path against a table with every kind of segment. Oracle: a route that matched, its pattern filled with
 * the parameters it gave, is the path again; and reversing its name gives that path percent-encoded. */
#include <calzone/routing.h>
#include <stdlib.h>
#include "routing/routing_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_BYTES_MAX = 4096 };

static char filled[PATH_BYTES_MAX * 2];

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static size_t append(size_t len, cz_str text)
{
    expect(text.len <= sizeof filled - len);
    memcpy(filled + len, text.ptr, text.len);
    return len + text.len;
}

static void fill(cz_ctx *ctx, cz_request *req)
{
    cz_str pattern = cz_str_from(req->route->pattern);
    cz_str values[8];
    size_t len = 0, used = 0;
    while (pattern.len) {
        size_t open = cz_str_find_char(pattern, '<');
        if (open == SIZE_MAX) {
            len = append(len, pattern);
            break;
        }
        len = append(len, cz_str_head(pattern, open));
        expect(used < req->param_count);
        values[used] = req->params[used].text;
        len = append(len, values[used++]);
        pattern = cz_str_tail(pattern, cz_str_find_char(pattern, '>') + 1);
    }
    expect(used == req->param_count);
    expect(cz_str_eq(cz_str_of(filled, len), req->path));
    cz_str back = cz_reverse(ctx, req->route->name, values, used), decoded;
    expect(cz_percent_decode(ctx->arena, back, false, &decoded) == CZ_OK);
    expect(cz_str_eq(decoded, req->path));
    cz_respond_empty(ctx, req, 204);
}

static bool is_even(cz_str text)
{
    return (text.ptr[text.len - 1] & 1) == 0;
}

static cz_router *make(void)
{
    static const cz_converter converters[] = { { "even", is_even }, { NULL, NULL } };
    static const cz_router_options options = { .converters = converters,
                                               .no_slash_redirect = true };
    static const cz_route routes[] = {
        CZ_GET("/", fill, .name = "root"),
        CZ_GET("/a", fill, .name = "a"),
        CZ_GET("/a/<int:id>", fill, .name = "int"),
        CZ_GET("/a/<slug:s>", fill, .name = "slug"),
        CZ_GET("/a/<uuid:u>/x", fill, .name = "uuid"),
        CZ_GET("/a/<even:e>/y", fill, .name = "even"),
        CZ_GET("/f-<int:n>.txt", fill, .name = "file"),
        CZ_GET("/<x>/<y>/z", fill, .name = "two"),
        CZ_GET("/p/<path:rest>", fill, .name = "path"),
        CZ_ROUTES_END,
    };
    cz_router *router = NULL;
    expect(cz_router_create(routes, &options, &router, NULL) == CZ_OK);
    return router;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_router *router;
    static cz_arena *arena;
    static cz_buf body;
    if (!router) {
        router = make();
        expect(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    }
    if (size == 0 || size > PATH_BYTES_MAX || memchr(data, '\0', size))
        return 0;              /* the head parser lets no NUL through */
    char *path = malloc(size); /* exactly as long, so a byte read past it is seen */
    expect(path != NULL);
    memcpy(path, data, size);
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    cz_buf_clear(&body);
    cz_request req = { .method = CZ_METHOD_GET,
                       .method_text = CZ_STR("GET"),
                       .path = cz_str_of(path, size),
                       .target = cz_str_of(path, size),
                       .response = { .status = 200, .body = &body } };
    cz_router_dispatch(router, &ctx, &req);
    expect(req.response.status == 204 || req.response.status == 404);
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    free(path);
    return 0;
}
