/* Streams of HTTP/2 that end as no client library ends them. */
#ifdef CZ_HTTP2
#include "http/h2_internal.h"
#include "http/h2_testing.h"
#include "http/http_testing.h"

static int client_fd;
static unsigned answered;

/* The client resets the connection, as one may at any time. */
static void reset_connection(void)
{
    CZ_REQUIRE(setsockopt(client_fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
                          sizeof(struct linger)) == 0);
    close(client_fd);
}

static void stream(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    reset_connection();
    cz_stream_write(ctx, req, CZ_STR("to nobody"));
}

static void read_body(cz_ctx *ctx, cz_request *req)
{
    char bytes[10];
    reset_connection();
    while (cz_body_read(ctx, req, bytes, sizeof bytes))
        ;
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("read"));
}

static void stream_nothing(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)ctx, (void)req, (void)arg;
}

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    if (cz_str_eq(req->path, CZ_STR("/nothing")))
        cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), stream_nothing, NULL);
    else if (cz_str_eq(req->path, CZ_STR("/read")))
        read_body(ctx, req);
    else
        cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), stream, NULL);
}

static void plan_body(cz_ctx *ctx, cz_request *req, cz__body_plan *plan, void *user)
{
    (void)ctx, (void)req, (void)user;
    plan->streamed = true;
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"), CZ_STR("error"));
}

static void on_answered(cz_ctx *ctx, cz_request *req, size_t bytes, void *user)
{
    (void)ctx, (void)req, (void)bytes, (void)user;
    answered++;
}

static const cz__http_app app = { .handle = handle,
                                  .plan_body = plan_body,
                                  .answer_error = answer_error,
                                  .on_answered = on_answered };

/* What a handler sends before it first waits may be what finds the connection gone. */
CZ_TEST(a_connection_that_ends_while_a_handler_begins_is_freed)
{
    const cz_http_limits limits = { .http2 = cz__h2_is_there() };
    for (int post = 0; post < 2; post++) {
        struct bench b = bench_make(&limits, &app, NULL);
        cz_buf out = { 0 };
        answered = 0;
        client_fd = dial(&b);
        put_preface(&out);
        put_request(&out, 1, post, post ? "/read" : "/", END_HEADERS | (post ? 0 : END_STREAM));
        if (post)
            put_frame(&out, DATA, 0, 1, "some", 4);
        say_bytes(client_fd, cz_buf_str(&out));
        turn(&b, 50);
        CZ_EXPECT_EQ(answered, 1);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
        CZ_EXPECT_EQ(b.server->conns_alive, 0);
        cz_buf_done(&out);
        bench_done(&b);
    }
}

/* A frame of the end alone has no bytes, and waits for the window all the same. */
CZ_TEST(an_end_that_the_client_does_not_take_is_not_waited_for)
{
    const cz_http_limits limits = { .http2 = cz__h2_is_there(), .write_timeout_ms = 500 };
    struct bench b = bench_make(&limits, &app, NULL);
    struct heard heard = { 0 };
    cz_buf out = { 0 };
    int fd = dial(&b);
    cz_buf_append_lit(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(&out, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
    put_get(&out, 1, "/nothing");
    say_bytes(fd, cz_buf_str(&out));
    listen_until(&b, fd, &heard, SIZE_MAX, 2500);
    CZ_EXPECT(cz_str_ends_with(cz_buf_str(&heard.all), CZ_STR("\0\0\4\3\0\0\0\0\1\0\0\0\10")));
    CZ_EXPECT(!heard.closed);
    close(fd);
    turn(&b, 20);
    cz_buf_done(&heard.all);
    cz_buf_done(&out);
    bench_done(&b);
}
#endif
