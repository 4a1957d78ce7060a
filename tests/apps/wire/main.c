/* What tests/wire/table.py asks about: one route for each thing that HTTP says of answers. Not an example. */
#include <calzone/calzone.h>

#define THING(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Thing, THING);
static CZ_SERIALIZER(ThingSerializer, Thing, .fields = CZ_FIELDS(Thing, id, name));
static CZ_VIEWSET(things, Thing, .serializer = &ThingSerializer, .permissions = &cz_allow_any,
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer), .etags = true);

static const cz_authentication_scheme *const schemes[] = { &cz_client_tokens, NULL };
static CZ_AUTHENTICATION(authentication, .schemes = schemes);

static void say(cz_ctx *ctx, cz_request *req, cz_str text)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), text);
}

static void root(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, CZ_STR("root\n"));
}

static void hello(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, CZ_STR("hello\n"));
}

static void canary(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, CZ_STR("canary\n"));
}

static void echo(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, req->body);
}

/* The same, read as it comes. */
static void pieces(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, cz_request_body(ctx, req));
}

/* A body that is long enough to be sent from where it is. */
static void large(cz_ctx *ctx, cz_request *req)
{
    static char body[100000];
    memset(body, 'L', sizeof body);
    cz_respond_empty(ctx, req, 200);
    req->response.content_type = CZ_STR("text/plain");
    req->response.body_text = cz_str_of(body, sizeof body);
}

/* One that is compressed at once. */
static void wordy(cz_ctx *ctx, cz_request *req)
{
    static char body[20000];
    memset(body, 'w', sizeof body);
    say(ctx, req, cz_str_of(body, sizeof body));
}

static void send_hello(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    cz_stream_write(ctx, req, CZ_STR("hel"));
    cz_stream_write(ctx, req, CZ_STR("lo\n"));
}

static void stream(cz_ctx *ctx, cz_request *req)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_hello, NULL);
}

/* Answers that have no content, whatever the handler gives them. */
static void empty(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 204, CZ_STR("text/plain"), CZ_STR("dropped\n"));
}

static void reset(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 205, CZ_STR("text/plain"), CZ_STR("dropped\n"));
}

static void members_only(cz_ctx *ctx, cz_request *req)
{
    cz_permission_require(ctx, req, &cz_is_authenticated, NULL);
    say(ctx, req, CZ_STR("welcome\n"));
}

/* What tests/wire/run has put beside the database. */
static void file(cz_ctx *ctx, cz_request *req)
{
    cz_respond_file(ctx, req, ".", CZ_STR("file.txt"), NULL);
}

static void upgrade(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 426, CZ_STR("text/plain"), CZ_STR("another version\n"));
    cz_respond_header(ctx, req, CZ_STR("Upgrade"), CZ_STR("HTTP/3.0"));
}

static const cz_app wire_app = { "wire", .models = CZ_MODELS(Thing) };
static const cz_middleware *const middleware[] = { &cz_compression, &cz_security_headers,
                                                   &cz_host_check, &authentication.middleware,
                                                   NULL };
static const cz_route urls[] = {
    CZ_GET("/", root),
    CZ_GET("/hello", hello),
    CZ_GET("/canary", canary),
    CZ_POST("/pieces", pieces, .body_streamed = true),
    CZ_POST("/echo", echo),
    CZ_GET("/large", large),
    CZ_GET("/stream", stream),
    CZ_GET("/wordy", wordy),
    CZ_GET("/empty", empty),
    CZ_GET("/reset", reset),
    CZ_GET("/members", members_only),
    CZ_GET("/upgrade", upgrade),
    CZ_GET("/file.txt", file),
    CZ_RESOURCE("/state", &things),
    CZ_ROUTES_END,
};
CZ_PROJECT_MAIN("wire", .apps = CZ_APPS(&wire_app), .urls = urls, .middleware = middleware)
