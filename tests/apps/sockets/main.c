/* Sockets: WebSockets and events for tests that connect from outside. Not an example. */
#include <calzone/calzone.h>
#include <stdio.h>
#include <unistd.h>

/* ---- WebSockets ---- */

/* Sends back what came, as it came. */
static void echo(cz_ctx *ctx, cz_request *req, cz_websocket *ws)
{
    cz_ws_message message;
    (void)req;
    while (cz_ws_receive(ctx, ws, &message)) {
        if (message.is_text)
            cz_ws_send_text(ctx, ws, message.data);
        else
            cz_ws_send_binary(ctx, ws, message.data);
    }
}

/* Does what it is told: "close CODE REASON", "raise", "send BYTES", "sleep MS", "end", "who", "last". */
static void obey(cz_ctx *ctx, cz_request *req, cz_websocket *ws)
{
    static unsigned last; /* why the socket before was closed */
    cz_ws_message message;
    while (cz_ws_receive(ctx, ws, &message)) {
        cz_str rest = message.data, word = cz_str_cut(&rest, ' ');
        cz_str first = cz_str_cut(&rest, ' ');
        uint64_t number = 0;
        cz_ignore(cz_str_to_u64(first, &number)); /* 0: it is none */
        if (cz_str_eq(word, CZ_STR("close")))
            cz_ws_close(ctx, ws, (unsigned)number, rest);
        else if (cz_str_eq(word, CZ_STR("raise")))
            cz_raise(ctx, CZ_EVALIDATION, "as I was told");
        else if (cz_str_eq(word, CZ_STR("send")))
            cz_ws_send_binary(ctx, ws, cz_str_of(cz_alloc_zero(ctx, 1, number), (size_t)number));
        else if (cz_str_eq(word, CZ_STR("sleep")))
            cz_sleep(ctx, number);
        else if (cz_str_eq(word, CZ_STR("end")))
            return;
        else if (cz_str_eq(word, CZ_STR("last")))
            cz_ws_send_text(ctx, ws, cz_format(ctx, "%u", last));
        else
            cz_ws_send_text(ctx, ws,
                            cz_format(ctx, "%.*s %.*s %.*s",
                                      CZ_STR_ARG(cz_path_str(ctx, req, "name")),
                                      CZ_STR_ARG(cz_ws_subprotocol(ws)), CZ_STR_ARG(ctx->actor)));
    }
    last = cz_ws_closed_with(ws);
}

/* Sends as fast as the client takes. */
static void flood(cz_ctx *ctx, cz_request *req, cz_websocket *ws)
{
    static char bytes[16 << 10];
    (void)req;
    for (;;)
        cz_ws_send_binary(ctx, ws, cz_str_of(bytes, sizeof bytes));
}

/* Counts what comes, and tells when nothing has for 100 ms. */
static void count(cz_ctx *ctx, cz_request *req, cz_websocket *ws)
{
    cz_ws_message message;
    unsigned messages = 0;
    (void)req;
    for (cz_ws_outcome outcome; (outcome = cz_ws_receive_within(ctx, ws, 100, &message));) {
        if (outcome == CZ_WS_MESSAGE)
            messages++;
        else
            cz_ws_send_text(ctx, ws, cz_format(ctx, "%u", messages));
    }
}

/* "?as=NAME" is whom the request says it is of. */
static bool knows(cz_ctx *ctx, cz_request *req, const cz_authentication_scheme *self)
{
    cz_str name = cz_query_str(ctx, req, "as");
    (void)self;
    if (cz_str_eq(name, CZ_STR("nobody")))
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "Nobody is not somebody.");
    if (name.len)
        cz_set_actor(ctx, name);
    return name.len > 0;
}

static const cz_authentication_scheme by_name = { "by name", "Name", knows };
static const cz_authentication_scheme *const schemes[] = { &by_name, NULL };
static CZ_AUTHENTICATION(authentication, .schemes = schemes);
static const char *const subprotocols[] = { "obey.v2", "obey.v1", NULL };
static const char *const anywhere[] = { "*", NULL };
CZ_THROTTLE_MIDDLEWARE(few, { .rate = "2/h" });
static const cz_middleware *const around_few[] = { &few, NULL };

/* ---- Events ---- */

/* What the event's next number is, after the one that the client had. */
static void numbers(cz_ctx *ctx, cz_request *req, void *arg)
{
    uint64_t number = 0;
    (void)arg;
    cz_ignore(cz_str_to_u64(cz_sse_last_event_id(req), &number)); /* 0: it had none */
    for (unsigned i = 0; i < 3; i++) {
        number++;
        cz_str text = cz_format(ctx, "number\n%u", (unsigned)number);
        cz_sse_send(ctx, req,
                    &(cz_sse_event){ .data = text,
                                     .event = number % 2 ? "odd" : NULL,
                                     .id = cz_format(ctx, "%u", (unsigned)number),
                                     .retry_ms = 50 });
    }
    cz_sse_comment(ctx, req, CZ_STR("the end"));
}

static void count_up(cz_ctx *ctx, cz_request *req)
{
    cz_sse_begin(ctx, req, numbers, NULL);
}

static void wait_on(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    cz_sse_send(ctx, req, &(cz_sse_event){ .data = CZ_STR("waiting") });
    while (cz_sse_wait(ctx, req, 60000))
        ;
    cz_sse_send(ctx, req, &(cz_sse_event){ .data = CZ_STR("bye") });
}

static void endless(cz_ctx *ctx, cz_request *req)
{
    cz_sse_begin(ctx, req, wait_on, NULL);
}

/* ---- For browsers ---- */

static void html(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/html; charset=utf-8"),
               CZ_STR("<!doctype html><title>Sockets</title><p>A page."));
}

static void fact(cz_ctx *ctx, cz_request *req)
{
    int64_t number = cz_path_int(ctx, req, "number");
    cz_respond(
        ctx, req, 200, CZ_STR("application/json"),
        cz_format(ctx, "{\"number\":%d,\"square\":%d}", (int)number, (int)(number * number)));
}

/* Tells how many bytes came, and their sum. */
static void add_up(cz_ctx *ctx, cz_request *req)
{
    char bytes[4096];
    unsigned count = 0, sum = 0;
    for (size_t n; (n = cz_body_read(ctx, req, bytes, sizeof bytes)); count += (unsigned)n)
        for (size_t i = 0; i < n; i++)
            sum += (unsigned char)bytes[i];
    cz_respond_json(ctx, req, 200, cz_format(ctx, "{\"bytes\":%u,\"sum\":%u}", count, sum));
}

/* ---- */

static void page(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_format(ctx, "%d\n", (int)getpid()));
}

static const cz_route urls[] = {
    CZ_GET("/", page),
    CZ_WEBSOCKET("/echo", echo),
    CZ_WEBSOCKET("/obey/<str:name>", obey,
                 .websocket_options = CZ_WEBSOCKET_OPTIONS(.subprotocols = subprotocols)),
    CZ_WEBSOCKET("/flood", flood),
    CZ_WEBSOCKET("/count", count),
    CZ_WEBSOCKET("/known/<str:name>", obey,
                 .websocket_options = CZ_WEBSOCKET_OPTIONS(.permissions = &cz_is_authenticated)),
    CZ_WEBSOCKET("/few", echo, .middleware = around_few),
    CZ_WEBSOCKET("/anywhere", echo, .websocket_options = CZ_WEBSOCKET_OPTIONS(.origins = anywhere)),
    CZ_GET("/numbers", count_up),
    CZ_GET("/endless", endless),
    CZ_GET("/page", html),
    CZ_GET("/facts/<int:number>", fact),
    CZ_POST("/add-up", add_up, .body_streamed = true, .body_max = 8 << 20),
    CZ_ROUTES_END,
};
static const cz_middleware *const middleware[] = { &cz_request_id,
                                                   &cz_access_log,
                                                   &cz_security_headers,
                                                   &cz_host_check,
                                                   &authentication.middleware,
                                                   NULL };
static const cz_app sockets_app = { "sockets" };
CZ_PROJECT_MAIN("sockets", .apps = CZ_APPS(&sockets_app), .urls = urls, .middleware = middleware)
