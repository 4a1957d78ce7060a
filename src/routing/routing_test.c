#include "http/http_server.h"
#include <calzone/routing.h>
#include <calzone/middleware.h>
#include <calzone/log.h>
#include <calzone/testing.h>
#include "routing/errors.h"
#include <stdio.h>

static cz_arena *arena;
static cz_ctx ctx;
static cz_buf body;
static cz_request req;
static char ran[256]; /* what the request met, in order */

static void note(const char *text)
{
    size_t len = strlen(ran);
    cz_ignore(
        snprintf(ran + len, sizeof ran - len, "%s%s", len ? " " : "", text)); /* cut is seen */
}

static void answer(cz_ctx *c, cz_request *r)
{
    note(c->label);
    for (uint32_t i = 0; i < r->param_count; i++)
        note(cz_format(c, "%.*s=%.*s", CZ_STR_ARG(r->params[i].name), CZ_STR_ARG(r->params[i].text))
                 .ptr);
    cz_respond(c, r, 200, CZ_STR("text/plain"), CZ_STR("ok"));
}

static void forget_to_answer(cz_ctx *c, cz_request *r)
{
    (void)c;
    (void)r;
}

static void refuse(cz_ctx *c, cz_request *r)
{
    (void)r;
    cz_raise(c, CZ_EDENIED, "no");
}

static void outer(cz_ctx *c, cz_request *r, const cz_next *next)
{
    note("(outer");
    cz_next_call(c, r, next);
    note("outer)");
}

static void inner(cz_ctx *c, cz_request *r, const cz_next *next)
{
    note("(inner");
    cz_next_call(c, r, next);
    note("inner)");
}

static const cz_middleware outer_middleware = { "outer", outer, NULL };
static const cz_middleware inner_middleware = { "inner", inner, NULL };

static bool is_even(cz_str text)
{
    return (text.ptr[text.len - 1] - '0') % 2 == 0;
}

static const cz_converter converters[] = { { "even", is_even }, { NULL, NULL } };

static cz_router *make(const cz_route *routes, const cz_middleware *const *middleware)
{
    static cz_router_options options;
    options = (cz_router_options){ .middleware = middleware, .converters = converters };
    cz_router *router = NULL;
    cz_error err = { 0 };
    if (cz_router_create(routes, &options, &router, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s", cz_error_message(&err));
        cz__test_abort();
    }
    return router;
}

static void send_to(const cz_router *router, cz_method method, const char *path, const char *query)
{
    if (!arena)
        CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_arena_reset(arena);
    cz_ctx_init(&ctx, arena);
    cz_buf_clear(&body);
    req = (cz_request){ .method = method,
                        .method_text = cz_str_from(cz_method_name(method)),
                        .path = cz_str_from(path),
                        .query = cz_str_from(query),
                        .target = cz_str_from(path),
                        .response = { .status = 200, .body = &body } };
    ran[0] = '\0';
    cz_router_dispatch(router, &ctx, &req);
    cz_ctx_done(&ctx);
}

CZ_TEST(a_path_finds_the_first_route_that_matches_and_its_parameters)
{
    static const cz_route inside[] = { CZ_GET("/deep/<slug:s>", answer, .name = "deep"),
                                       CZ_ROUTES_END };
    static const cz_route routes[] = {
        CZ_GET("/", answer, .name = "root"),
        CZ_GET("/a", answer),
        CZ_GET("/a/<int:id>", answer, .name = "a"),
        CZ_GET("/a/latest", answer),
        CZ_GET("/a/<name>", answer),
        CZ_POST("/a/<int:id>", answer),
        CZ_GET("/u/<uuid:key>", answer),
        CZ_GET("/e/<even:n>", answer),
        CZ_GET("/file-<int:n>.txt", answer, .name = "file"),
        CZ_GET("/p/<path:rest>", answer, .name = "p"),
        CZ_GET("/two/<a>/<b>", answer),
        CZ_INCLUDE("/in/", inside, .name_space = "shop"),
        CZ_ROUTES_END,
    };
    cz_router *router = make(routes, NULL);
    const struct {
        cz_method method;
        const char *path, *ran;
        int status;
    } cases[] = {
        { CZ_METHOD_GET, "/", "/", 200 },
        { CZ_METHOD_GET, "/a", "/a", 200 },
        { CZ_METHOD_HEAD, "/a", "/a", 200 },
        { CZ_METHOD_GET, "/a/7", "/a/<int:id> id=7", 200 },
        { CZ_METHOD_GET, "/a/007", "/a/<int:id> id=007", 200 },
        { CZ_METHOD_GET, "/a/9223372036854775808", "/a/<name> name=9223372036854775808", 200 },
        { CZ_METHOD_GET, "/a/-7", "/a/<name> name=-7", 200 },
        { CZ_METHOD_GET, "/a/latest", "/a/latest", 200 },
        { CZ_METHOD_GET, "/a/x", "/a/<name> name=x", 200 },
        { CZ_METHOD_POST, "/a/7", "/a/<int:id> id=7", 200 },
        { CZ_METHOD_POST, "/a/x", "", 405 },
        { CZ_METHOD_DELETE, "/a", "", 405 },
        { CZ_METHOD_OPTIONS, "/a/7", "", 204 },
        { CZ_METHOD_GET, "/u/01890a5d-ac96-774b-bcce-b302099a8057",
          "/u/<uuid:key> key=01890a5d-ac96-774b-bcce-b302099a8057", 200 },
        { CZ_METHOD_GET, "/u/01890A5D-ac96-774b-bcce-b302099a8057", "", 404 },
        { CZ_METHOD_GET, "/u/x", "", 404 },
        { CZ_METHOD_GET, "/e/12", "/e/<even:n> n=12", 200 },
        { CZ_METHOD_GET, "/e/13", "", 404 },
        { CZ_METHOD_GET, "/file-3.txt", "/file-<int:n>.txt n=3", 200 },
        { CZ_METHOD_GET, "/file-.txt", "", 404 },
        { CZ_METHOD_GET, "/file-3.txt.bak", "", 404 },
        { CZ_METHOD_GET, "/p/a/b//c", "/p/<path:rest> rest=a/b//c", 200 },
        { CZ_METHOD_GET, "/p/", "", 404 },
        { CZ_METHOD_GET, "/two/x/y", "/two/<a>/<b> a=x b=y", 200 },
        { CZ_METHOD_GET, "/two//y", "", 404 },
        { CZ_METHOD_GET, "/in/deep/a-b_C1", "/in/deep/<slug:s> s=a-b_C1", 200 },
        { CZ_METHOD_GET, "/in/deep/a.b", "", 404 },
        { CZ_METHOD_GET, "/nothing", "", 404 },
        { CZ_METHOD_POST, "/a/", "", 404 },
        { CZ_METHOD_GET, "/a/", "", 301 },
        { CZ_METHOD_GET, "//a", "", 404 },
        { CZ_METHOD_GET, "", "", 404 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        send_to(router, cases[i].method, cases[i].path, "");
        CZ_EXPECT_MSG(req.response.status == cases[i].status && !strcmp(ran, cases[i].ran),
                      "%s %s: %d, ran \"%s\"", cz_method_name(cases[i].method), cases[i].path,
                      req.response.status, ran);
    }
    send_to(router, CZ_METHOD_DELETE, "/a/7", "");
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("allow")), "GET, HEAD, POST, OPTIONS");
    send_to(router, CZ_METHOD_GET, "/a/", "x=1&y=%20");
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("location")), "/a?x=1&y=%20");
    cz_router_destroy(router);
}

/* RFC 9110, 9.3.7; whatever the routes are. */
CZ_TEST(options_of_the_whole_server_names_the_methods)
{
    static const cz_middleware *const project[] = { &outer_middleware, NULL };
    static const cz_route routes[] = { CZ_GET("/<path:all>", answer), CZ_ROUTES_END };
    cz_router *router = make(routes, project);
    send_to(router, CZ_METHOD_OPTIONS, "*", "");
    CZ_EXPECT_EQ(req.response.status, 204);
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("Allow")),
                  "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    CZ_EXPECT_STR(cz_str_from(ran), "(outer outer)");
    cz_router_destroy(router);
}

CZ_TEST(a_parameter_has_the_name_its_own_route_gives_it)
{
    static const cz_route routes[] = {
        CZ_GET("/<x>/a/<int:id>", answer),
        CZ_POST("/<x>/a/<int:pk>", answer),
        CZ_GET("/<y>/a/<int:n>/b", answer),
        CZ_ROUTES_END,
    };
    cz_router *router = make(routes, NULL);
    send_to(router, CZ_METHOD_GET, "/1/a/7", "");
    CZ_EXPECT_STR(cz_str_from(ran), "/<x>/a/<int:id> x=1 id=7");
    send_to(router, CZ_METHOD_POST, "/1/a/7", "");
    CZ_EXPECT_STR(cz_str_from(ran), "/<x>/a/<int:pk> x=1 pk=7");
    send_to(router, CZ_METHOD_GET, "/1/a/7/b", "");
    CZ_EXPECT_STR(cz_str_from(ran), "/<y>/a/<int:n>/b y=1 n=7");
    cz_router_destroy(router);
}

static const cz_str one[] = { { "5", 1 } }, spaced[] = { { "a b/\xc3\xa9", 6 } };

static void reverse_all(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_STR(cz_reverse(c, "root", NULL, 0), "/");
    CZ_EXPECT_STR(cz_reverse(c, "a", one, 1), "/a/5");
    CZ_EXPECT_STR(cz_reverse(c, "file", one, 1), "/file-5.txt");
    CZ_EXPECT_STR(cz_reverse(c, "p", spaced, 1), "/p/a%20b/%C3%A9");
    CZ_EXPECT_STR(cz_reverse(c, "shop:deep", one, 1), "/in/deep/5");
}

struct reversal {
    const char *name;
    const cz_str *values;
    size_t count;
};

static void reverse_one(cz_ctx *c, void *arg)
{
    const struct reversal *r = arg;
    cz_ignore(cz_reverse(c, r->name, r->values, r->count).len == 0);
}

CZ_TEST(a_name_gives_its_path_and_refuses_values_that_do_not_suit)
{
    static const cz_route inside[] = { CZ_GET("/deep/<slug:s>", answer, .name = "deep"),
                                       CZ_ROUTES_END };
    static const cz_route routes[] = {
        CZ_GET("/", answer, .name = "root"),
        CZ_GET("/a/<int:id>", answer, .name = "a"),
        CZ_GET("/file-<int:n>.txt", answer, .name = "file"),
        CZ_GET("/p/<path:rest>", answer, .name = "p"),
        CZ_GET("/s/<s>", answer, .name = "s"),
        CZ_INCLUDE("/in", inside, .name_space = "shop"),
        CZ_ROUTES_END,
    };
    cz_router *router = make(routes, NULL);
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_EXPECT_EQ(cz_try(&ctx, reverse_all, NULL, NULL), CZ_OK);
    struct reversal bad[] = {
        { "nothing", NULL, 0 }, { "a", NULL, 0 },   { "a", spaced, 1 },
        { "root", one, 1 },     { "deep", one, 1 }, { "shop:deep", spaced, 1 },
        { "", NULL, 0 },        { "s", spaced, 1 }, /* a slash would be two segments */
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz_try(&ctx, reverse_one, &bad[i], NULL) == CZ_EINVAL, "%s", bad[i].name);
    cz_router_destroy(router);
}

static const cz_route without_slash[] = { CZ_GET("books", answer), CZ_ROUTES_END };

CZ_TEST(a_table_that_cannot_be_is_refused_with_its_route)
{
    static const cz_route empty[] = { CZ_ROUTES_END };
    const struct {
        cz_route routes[3];
        const char *message;
    } cases[] = {
        { { CZ_GET("a", answer), CZ_ROUTES_END }, "route \"a\" must begin with \"/\"" },
        { { CZ_INCLUDE("/lib", without_slash), CZ_ROUTES_END },
          "route \"books\" must begin with \"/\"" },
        { { CZ_INCLUDE("lib", without_slash), CZ_ROUTES_END },
          "route \"lib\" must begin with \"/\"" },
        { { CZ_GET("/a", answer), CZ_GET("/a", answer), CZ_ROUTES_END },
          "two routes answer GET /a" },
        { { CZ_GET("/<int:a>", answer), CZ_GET("/<int:b>", answer), CZ_ROUTES_END },
          "two routes answer GET /<int:b>" },
        { { CZ_GET("/a", answer, .name = "n"), CZ_GET("/b", answer, .name = "n"), CZ_ROUTES_END },
          "two routes are called \"n\": /a and /b" },
        { { CZ_GET("/<int:a", answer), CZ_ROUTES_END }, "route \"/<int:a\": \"<\" without \">\"" },
        { { CZ_GET("/a>", answer), CZ_ROUTES_END }, "route \"/a>\": \">\" without \"<\"" },
        { { CZ_GET("/<num:a>", answer), CZ_ROUTES_END },
          "route \"/<num:a>\": no converter \"num\"" },
        { { CZ_GET("/<int:>", answer), CZ_ROUTES_END },
          "route \"/<int:>\": \"\" is no parameter name" },
        { { CZ_GET("/<int:1a>", answer), CZ_ROUTES_END },
          "route \"/<int:1a>\": \"1a\" is no parameter name" },
        { { CZ_GET("/<a>-<b>", answer), CZ_ROUTES_END },
          "route \"/<a>-<b>\": two parameters in one segment" },
        { { CZ_GET("/<a>/<a>", answer), CZ_ROUTES_END },
          "route \"/<a>/<a>\": two parameters \"a\"" },
        { { CZ_GET("/<path:a>/b", answer), CZ_ROUTES_END },
          "route \"/<path:a>/b\": nothing can follow a path parameter" },
        { { CZ_GET("/<a>/<b>/<c>/<d>/<e>/<f>/<g>/<h>/<i>", answer), CZ_ROUTES_END },
          "route \"/<a>/<b>/<c>/<d>/<e>/<f>/<g>/<h>/<i>\" has more than 8 parameters" },
        { { CZ_INCLUDE("/lib", empty, .body_streamed = true), CZ_ROUTES_END },
          "the include at /lib says what is done with bodies: its routes do" },
        { { CZ_INCLUDE("/lib", empty, .body_max = 1), CZ_ROUTES_END },
          "the include at /lib says what is done with bodies: its routes do" },
        { { CZ_POST("/a", answer, .body_max = (64 << 20) + 1), CZ_ROUTES_END },
          "route /a: .body_max is more than 67108864 bytes, which is for bodies that are not held "
          "in memory: .body_streamed" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_router *router;
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_router_create(cases[i].routes, NULL, &router, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
    }
}

CZ_TEST(a_route_plans_bodies_of_what_changes_something)
{
    static const cz_route inside[] = { CZ_PUT("/<int:n>", answer, .body_max = 7), CZ_ROUTES_END };
    static const cz_route routes[] = {
        CZ_GET("/a", answer, .body_streamed = true, .body_max = 5),
        CZ_POST("/a", answer, .body_streamed = true),
        CZ_PATCH("/a", answer),
        CZ_INCLUDE("/in", inside),
        CZ_DELETE("/great", answer, .body_streamed = true, .body_max = UINT64_C(1) << 40),
        CZ_ROUTES_END,
    };
    static const struct {
        cz_method method;
        const char *path;
        bool streamed;
        uint64_t bytes_max;
    } cases[] = {
        { CZ_METHOD_POST, "/a", true, 100 },
        { CZ_METHOD_GET, "/a", false, 100 },
        { CZ_METHOD_HEAD, "/a", false, 100 },
        { CZ_METHOD_PATCH, "/a", false, 100 },
        { CZ_METHOD_PUT, "/a", false, 100 },
        { CZ_METHOD_PUT, "/in/3", false, 7 },
        { CZ_METHOD_PUT, "/in/x", false, 100 },
        { CZ_METHOD_POST, "/nothing", false, 100 },
        { CZ_METHOD_OPTIONS, "/a", false, 100 },
        { CZ_METHOD_DELETE, "/great", true, UINT64_C(1) << 40 },
    };
    cz_router *router = make(routes, NULL);
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_request asked = { .method = cases[i].method, .path = cz_str_from(cases[i].path) };
        cz__body_plan plan = { .bytes_max = 100 };
        cz__router_plan_body(router, &ctx, &asked, &plan);
        CZ_EXPECT_MSG(plan.streamed == cases[i].streamed && plan.bytes_max == cases[i].bytes_max,
                      "case %zu", i);
    }
    cz_router_destroy(router);
}

/* What a compiler puts behind an array is anything; here it is letters. */
union behind {
    cz_route route;
    char letters[sizeof(cz_route)];
};

CZ_TEST(a_table_without_its_end_is_told_by_its_last_route)
{
    static union behind table[] = { { .route = CZ_GET("/a", answer) },
                                    { .route = CZ_GET("/b/<int:n>", answer) },
                                    { .letters = "the next constants of the program, whichever" } };
    static const union behind no_route[] = { { .letters = "a table of something else" } };
    const cz_route around[] = { CZ_INCLUDE("/in", &table[0].route), CZ_ROUTES_END };
    const cz_route wrong[] = { CZ_INCLUDE("/in", &no_route[0].route), CZ_ROUTES_END };
    const struct {
        const cz_route *routes;
        const char *message;
    } cases[] = {
        { &table[0].route, "the table of routes that ends with /b/<int:n> has no CZ_ROUTES_END" },
        { around, "the table of routes that ends with /in/b/<int:n> has no CZ_ROUTES_END" },
        { wrong, "a table of routes below /in begins with what is no route: write CZ_GET() and its "
                 "kin, and CZ_ROUTES_END last" },
    };
    for (int zeros = 0; zeros < 2; zeros++, memset(table[2].letters, 0, sizeof table[2]))
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            cz_router *router;
            cz_error err = { 0 };
            CZ_EXPECT_EQ(cz_router_create(cases[i].routes, NULL, &router, &err), CZ_EVALIDATION);
            CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
        }
}

CZ_TEST(a_middleware_list_without_its_end_is_told)
{
    static const char text[] = "a text that stands behind the list and has some length";
    static const cz_middleware *const list[] = { &outer_middleware,
                                                 (const cz_middleware *)(const void *)text, NULL };
    static const cz_middleware *const far[] = {
        &inner_middleware, (const cz_middleware *)(uintptr_t)0x7265626d756e2061, NULL
    };
    static const cz_route plain[] = { CZ_GET("/", answer), CZ_ROUTES_END };
    static const cz_route own[] = { CZ_GET("/own", answer, .middleware = far), CZ_ROUTES_END };
    static const cz_router_options whole = { .middleware = list };
    cz_router *router;
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_router_create(plain, &whole, &router, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "the middleware list of the project has no NULL after outer");
    CZ_EXPECT_EQ(cz_router_create(own, NULL, &router, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "the middleware list of /own has no NULL after inner");
}

CZ_TEST(middleware_wraps_in_order_and_sees_errors_as_responses)
{
    static const cz_middleware *const project[] = { &outer_middleware, NULL };
    static const cz_middleware *const own[] = { &inner_middleware, NULL };
    static const cz_route inside[] = { CZ_GET("/x", answer), CZ_ROUTES_END };
    static const cz_route routes[] = {
        CZ_GET("/plain", answer),
        CZ_GET("/own", answer, .middleware = own),
        CZ_INCLUDE("/in", inside, .middleware = own),
        CZ_GET("/refuse", refuse, .middleware = own),
        CZ_GET("/forget", forget_to_answer),
        CZ_ROUTES_END,
    };
    cz_router *router = make(routes, project);
    const struct {
        const char *path, *ran;
        int status;
    } cases[] = {
        { "/plain", "(outer /plain outer)", 200 },
        { "/own", "(outer (inner /own inner) outer)", 200 },
        { "/in/x", "(outer (inner /in/x inner) outer)", 200 },
        { "/refuse", "(outer (inner inner) outer)", 403 },
        { "/nothing", "(outer outer)", 404 },
        { "/forget", "(outer outer)", 500 },
    };
    cz_log_threshold = CZ_LOG_OFF; /* the 500 is logged, which is not what this shows */
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        send_to(router, CZ_METHOD_GET, cases[i].path, "");
        CZ_EXPECT_EQ(req.response.status, cases[i].status);
        CZ_EXPECT_STR(cz_str_from(ran), cases[i].ran);
    }
    cz_router_destroy(router);
}

static void fail_half_way(cz_ctx *c, cz_request *r)
{
    cz_respond_header(c, r, CZ_STR("Cache-Control"), CZ_STR("public, max-age=31536000"));
    cz_respond_header(c, r, CZ_STR("Retry-After"), CZ_STR("7"));
    cz_respond_header(c, r, CZ_STR("content-encoding"), CZ_STR("gzip"));
    cz_raise(c, CZ_ETHROTTLED, "later");
}

static void set_language(cz_ctx *c, cz_request *r, const cz_next *next)
{
    cz_respond_header(c, r, CZ_STR("Content-Language"), CZ_STR("en"));
    cz_next_call(c, r, next);
}

CZ_TEST(an_error_has_no_headers_of_the_body_it_replaces)
{
    static const cz_middleware language = { "language", set_language, NULL };
    static const cz_middleware *const project[] = { &language, NULL };
    static const cz_route routes[] = { CZ_GET("/", fail_half_way), CZ_ROUTES_END };
    cz_router *router = make(routes, project);
    send_to(router, CZ_METHOD_GET, "/", "");
    CZ_EXPECT_EQ(req.response.status, 429);
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("retry-after")), "7");
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("cache-control")), "");
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("content-encoding")), "");
    CZ_EXPECT_STR(cz_response_header(&req, CZ_STR("content-language")), "en"); /* set outside */
    cz_router_destroy(router);
}

static unsigned layers_run;

static void count_layer(cz_ctx *c, cz_request *r, const cz_next *next)
{
    layers_run++;
    cz_next_call(c, r, next);
}

CZ_TEST(no_middleware_is_left_out_however_many_there_are)
{
    static const cz_middleware layer = { "layer", count_layer, NULL };
    static const cz_middleware *project[41], *own[41];
    static const cz_route routes[] = { CZ_GET("/", answer, .middleware = own), CZ_ROUTES_END };
    for (int i = 0; i < 40; i++)
        project[i] = own[i] = &layer;
    cz_router *router = make(routes, project);
    send_to(router, CZ_METHOD_GET, "/", "");
    CZ_EXPECT_EQ(req.response.status, 200);
    CZ_EXPECT_EQ(layers_run, 80);
    cz_router_destroy(router);
}

CZ_TEST(an_error_becomes_the_document_the_client_asks_for)
{
    static const cz_route routes[] = { CZ_GET("/refuse", refuse), CZ_ROUTES_END };
    cz_router *router = make(routes, NULL);
    const struct {
        cz__error_format format;
        const char *accept, *type, *body;
    } cases[] = {
        { CZ__ERRORS_DRF, "", "application/json",
          "{\"detail\":\"no\",\"code\":\"permission_denied\"}" },
        { CZ__ERRORS_DRF, "*/*", "application/json",
          "{\"detail\":\"no\",\"code\":\"permission_denied\"}" },
        { CZ__ERRORS_DRF, "application/problem+json", "application/problem+json",
          "{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"detail\":\"no\","
          "\"code\":\"permission_denied\"}" },
        { CZ__ERRORS_FASTAPI, "", "application/json", "{\"detail\":\"no\"}" },
        { CZ__ERRORS_DRF, "text/html,*/*;q=0.8", "text/html; charset=utf-8", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz__errors_configure(cases[i].format, false);
        cz_header accept = { CZ_STR("Accept"), cz_str_from(cases[i].accept) };
        if (!arena)
            CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
        cz_ctx_init(&ctx, arena);
        cz_buf_clear(&body);
        req = (cz_request){ .method = CZ_METHOD_GET,
                            .method_text = CZ_STR("GET"),
                            .path = CZ_STR("/refuse"),
                            .target = CZ_STR("/refuse"),
                            .headers = &accept,
                            .header_count = 1,
                            .response = { .status = 200, .body = &body } };
        cz_router_dispatch(router, &ctx, &req);
        CZ_EXPECT_EQ(req.response.status, 403);
        CZ_EXPECT_STR(req.response.content_type, cases[i].type);
        if (cases[i].body)
            CZ_EXPECT_STR(cz_buf_str(&body), cases[i].body);
        cz_ctx_done(&ctx);
    }
    cz_router_destroy(router);
}
