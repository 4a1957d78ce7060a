/* A table of routes and requests to it, a line each:
 *
 *     GET /books/<int:id> book        a route: method, pattern, name
 *     > /shop shop                    the routes from here on stand in an include
 *     ? GET /books/3?page=2           a request
 *
 * Oracles: a table is taken or refused with a word; what comes after holds for those taken. Every request is
 * answered, with the route's 204 or an error of routing. A route that matched, its pattern filled with the
 * parameters it gave, is the path again; reversing its name gives that path percent-encoded. */
#include <calzone/routing.h>
#include <stdlib.h>
#include "routing/routing_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 4096, ROUTES_MAX = 40, REQUESTS_MAX = 16 };

static char filled[INPUT_BYTES_MAX * 2];

struct table {
    cz_route own[ROUTES_MAX + 2], included[ROUTES_MAX + 1];
    size_t own_count, included_count;
    bool in_include;
    cz_str requests[REQUESTS_MAX];
    size_t request_count;
};

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

static void check_reverse(cz_ctx *ctx, const cz_request *req, const cz_str *values, size_t count)
{
    const struct cz__route_entry *entry = req->entry;
    if (!*entry->name)
        return;
    cz_str back = cz_reverse(ctx, entry->name, values, count), decoded;
    expect(cz_percent_decode(ctx->arena, back, false, &decoded) == CZ_OK);
    cz_str plain = req->path; /* a literal "%41" of a pattern is sent as it stands */
    expect(cz_percent_decode(ctx->arena, plain, false, &plain) != CZ_OK ||
           cz_str_find_char(req->path, '%') != SIZE_MAX || cz_str_eq(decoded, req->path));
}

static void fill(cz_ctx *ctx, cz_request *req)
{
    const struct cz__route_entry *entry = req->entry;
    cz_str pattern = cz_str_from(entry->pattern);
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
        pattern = cz_str_tail(pattern, open); /* a ">" before it is text */
        pattern = cz_str_tail(pattern, cz_str_find_char(pattern, '>') + 1);
    }
    expect(used == req->param_count);
    expect(cz_str_eq(cz_str_of(filled, len), req->path));
    check_reverse(ctx, req, values, used);
    cz_respond_empty(ctx, req, 204);
}

static bool is_even(cz_str text)
{
    return (text.ptr[text.len - 1] & 1) == 0;
}

static cz_method method_of(cz_str name)
{
    for (int method = 0; method < CZ_METHOD_OTHER; method++)
        if (cz_str_eq(name, cz_str_from(cz_method_name((cz_method)method))))
            return (cz_method)method;
    return CZ_METHOD_OTHER;
}

static const char *text_of(cz_arena *arena, cz_str text)
{
    const char *copy = cz_arena_printf(arena, "%.*s", CZ_STR_ARG(text));
    expect(copy != NULL);
    return copy;
}

static void add_route(cz_arena *arena, struct table *table, cz_str method, cz_str rest)
{
    size_t *count = table->in_include ? &table->included_count : &table->own_count;
    if (*count == ROUTES_MAX || method_of(method) == CZ_METHOD_OTHER)
        return;
    const char *pattern = text_of(arena, cz_str_cut(&rest, ' '));
    cz_route *route = (table->in_include ? table->included : table->own) + (*count)++;
    *route = (cz_route){ .kind = CZ__ROUTE_HANDLER,
                         .method = method_of(method),
                         .pattern = pattern,
                         .handler = fill,
                         .name = rest.len ? text_of(arena, rest) : NULL };
}

static void add_include(cz_arena *arena, struct table *table, cz_str rest)
{
    if (table->in_include)
        return;
    table->in_include = true;
    const char *prefix = text_of(arena, cz_str_cut(&rest, ' '));
    table->own[table->own_count++] =
        (cz_route){ .kind = CZ__ROUTE_INCLUDE,
                    .pattern = prefix,
                    .include = table->included,
                    .name_space = rest.len ? text_of(arena, rest) : NULL };
}

static void read_lines(cz_arena *arena, cz_str text, struct table *table)
{
    while (text.len) {
        cz_str line = cz_str_cut(&text, '\n');
        cz_str first = cz_str_cut(&line, ' ');
        if (cz_str_eq(first, CZ_STR(">")))
            add_include(arena, table, line);
        else if (!cz_str_eq(first, CZ_STR("?")))
            add_route(arena, table, first, line);
        else if (table->request_count < REQUESTS_MAX)
            table->requests[table->request_count++] = line;
    }
}

/* What the head parser lets into a query. */
static bool is_sendable(cz_str query)
{
    for (size_t i = 0; i < query.len; i++)
        if ((unsigned char)query.ptr[i] <= ' ' || query.ptr[i] == 0x7f)
            return false;
    return true;
}

static void request(const cz_router *router, cz_arena *arena, cz_str line)
{
    static const uint16_t allowed[] = { 204, 301, 404, 405, 501 };
    static cz_buf body;
    cz_str method = cz_str_cut(&line, ' '), target = line;
    cz_str path = cz_str_cut(&line, '?');
    if (!is_sendable(line))
        return;
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    cz_buf_clear(&body);
    cz_request req = { .method = method_of(method),
                       .method_text = method,
                       .path = path,
                       .query = line,
                       .target = target,
                       .response = { .status = 200, .body = &body } };
    cz_router_dispatch(router, &ctx, &req);
    bool is_allowed = false;
    for (size_t i = 0; i < CZ_COUNT(allowed); i++)
        is_allowed |= req.response.status == allowed[i];
    expect(is_allowed && req.response.sent);
    cz_ctx_done(&ctx);
}

static void list(const cz_router *router)
{
    cz_route_info info;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &info);)
        expect(info.pattern[0] == '/' && *info.method);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const cz_converter converters[] = { { "even", is_even }, { NULL, NULL } };
    static const cz_middleware *const none[] = { NULL };
    static cz_arena *arena;
    if (!arena)
        expect(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    if (size == 0 || size > INPUT_BYTES_MAX || memchr(data, '\0', size))
        return 0;              /* the head parser lets no NUL through */
    char *text = malloc(size); /* exactly as long, so a byte read past it is seen */
    expect(text != NULL);
    memcpy(text, data, size);
    struct table table = { 0 };
    read_lines(arena, cz_str_of(text, size), &table);
    const cz_router_options options = { .middleware = none,
                                        .converters = converters,
                                        .no_slash_redirect = (size & 1) != 0 };
    cz_router *router = NULL;
    cz_error err = { 0 };
    if (cz_router_create(table.own, &options, &router, &err) == CZ_OK) {
        list(router);
        for (size_t i = 0; i < table.request_count; i++)
            request(router, arena, table.requests[i]);
        cz_router_destroy(router);
    } else {
        expect(err.message[0] != '\0');
    }
    cz_arena_reset(arena);
    free(text);
    return 0;
}
