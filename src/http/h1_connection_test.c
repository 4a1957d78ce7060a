/* Connections over real sockets, with the real loop and real fibers, in one thread: the test writes as a
 * client and turns the loop. */
#include "http/http_testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* What the handlers saw. */
static struct {
    unsigned handled, answered, answered_499, cancelled, drained;
    int last_status;
    size_t last_bytes;
} seen;

static char large_body[2 << 20];

static cz_str large(size_t bytes)
{
    memset(large_body, 'L', sizeof large_body);
    return cz_str_of(large_body, bytes);
}

static void sleep_long(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_sleep(ctx, 60000);
}

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    seen.handled++;
    if (cz_str_eq(req->path, CZ_STR("/echo"))) {
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), req->body);
    } else if (cz_str_eq(req->path, CZ_STR("/sleep"))) {
        cz_sleep(ctx, 20);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("slept"));
    } else if (cz_str_eq(req->path, CZ_STR("/half"))) {
        cz_sleep(ctx, 400);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("still here"));
    } else if (cz_str_eq(req->path, CZ_STR("/forever"))) {
        cz_error err;
        if (cz_try(ctx, sleep_long, NULL, &err)) {
            seen.cancelled++;
            cz_raise_error(ctx, &err);
        }
    } else if (cz_str_eq(req->path, CZ_STR("/large"))) {
        cz_respond(ctx, req, 200, CZ_STR("application/octet-stream"), large(sizeof large_body));
    } else if (cz_str_eq(req->path, CZ_STR("/static"))) {
        cz_respond_empty(ctx, req, 200);
        req->response.body_text = large(100000);
    } else if (cz_str_eq(req->path, CZ_STR("/204"))) {
        cz_respond(ctx, req, 204, CZ_STR(""), CZ_STR("dropped"));
    } else if (cz_str_eq(req->path, CZ_STR("/205"))) {
        cz_respond(ctx, req, 205, CZ_STR(""), CZ_STR("dropped"));
    } else if (cz_str_eq(req->path, CZ_STR("/304"))) {
        cz_respond_empty(ctx, req, 304);
    } else if (cz_str_eq(req->path, CZ_STR("/silent"))) {
        return;
    } else if (cz_str_eq(req->path, CZ_STR("/close"))) {
        cz_respond(ctx, req, 200, CZ_STR(""), CZ_STR("bye"));
        req->response.close = true;
    } else if (cz_str_eq(req->path, CZ_STR("/split"))) {
        cz_respond_empty(ctx, req, 200);
        req->response.content_type = CZ_STR("a\r\nX-Evil: b");
    } else {
        cz_respond_header(ctx, req, CZ_STR("X-Path"), req->path);
        cz_respond(ctx, req, 200, CZ_STR("application/json"),
                   CZ_STR("{\"message\":\"Hello, World!\"}"));
    }
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"),
               cz_str_from(cz_error_message(err)));
}

static void on_answered(cz_ctx *ctx, cz_request *req, size_t bytes, void *user)
{
    (void)ctx;
    (void)user;
    seen.answered++;
    seen.answered_499 += req->response.status == 499;
    seen.last_status = req->response.status;
    seen.last_bytes = bytes;
}

static const cz__http_app app = { .handle = handle,
                                  .answer_error = answer_error,
                                  .on_answered = on_answered };

/* One connection, one text, what comes back. */
static struct heard ask(const cz_http_limits *limits, cz_str text)
{
    struct bench b = bench_make(limits, &app, NULL);
    int fd = dial(&b);
    say_bytes(fd, text);
    struct heard heard = hear(&b, fd);
    close(fd);
    bench_done(&b);
    return heard;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
static const cz_http_limits standard = { 0 };

/* ---- Answers ---- */

CZ_TEST(a_request_is_answered_with_exactly_this)
{
    struct heard heard = ask(&standard, CZ_STR(GET("/x%20y")));
    cz_str text = cz_buf_str(&heard.all);
    CZ_REQUIRE(text.len > 54);
    CZ_EXPECT_STR(cz_str_head(text, 23), "HTTP/1.1 200 OK\r\nDate: ");
    CZ_EXPECT_STR(cz_str_tail(text, 52),
                  "\r\nContent-Length: 27\r\nContent-Type: application/json\r\n"
                  "X-Path: /x y\r\n\r\n{\"message\":\"Hello, World!\"}");
    int64_t date;
    CZ_REQUIRE_OK(cz_http_date_parse(cz_str_of(text.ptr + 23, 29), &date));
    CZ_EXPECT(llabs(date - cz_now().us / 1000000) <= 1);
    CZ_EXPECT(!heard.closed);
    CZ_EXPECT_EQ(seen.answered, 1);
    CZ_EXPECT_EQ(seen.last_bytes, 27);
    cz_buf_done(&heard.all);
}

CZ_TEST(each_kind_of_request_gets_its_kind_of_answer)
{
    static const struct {
        const char *in, *begin, *has, *has_not;
        bool closed;
    } rows[] = {
        { "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 27\r\n",
          "{", false },
        { GET("/204"), "HTTP/1.1 204 No Content\r\n", "\r\n\r\n", "Content-Length", false },
        { GET("/204"), "HTTP/1.1 204 No Content\r\n", "\r\n\r\n", "dropped", false },
        { GET("/205"), "HTTP/1.1 205 Reset Content\r\n", "Content-Length: 0\r\n", "dropped",
          false },
        { GET("/304"), "HTTP/1.1 304 Not Modified\r\n", "\r\n\r\n", "Content-Length", false },
        { GET("/silent"), "HTTP/1.1 500 ", "without an answer", "Connection", false },
        { GET("/split"), "HTTP/1.1 500 ", "control byte", "X-Evil", false },
        { GET("/close"), "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", "keep-alive", true },
        { GET("/sleep"), "HTTP/1.1 200 OK\r\n", "slept", "Connection", false },
        { "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", "keep-alive",
          true },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\n",
          "Connection: keep-alive\r\n", "close", false },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n",
          "Connection: close\r\n", "keep-alive", true },
        { "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501 ", "BREW", "Connection", false },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n",
          "\r\n\r\nhello", "100 Continue", false },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
          "Content-Length: 0\r\n", "100 Continue", false },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
          "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello", "100 Continue", false },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: "
          "100-continue\r\n\r\nhello",
          "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello", "100 Continue", false },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
          "HTTP/1.1 100 Continue\r\n\r\n", "100", "200", false },
        { "POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", "", "", "100",
          false },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: magic\r\n\r\nhello",
          "HTTP/1.1 417 ", "Connection: close\r\n", "200", true },
        { "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "without Host", "200", true },
        { "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ", "not UTF-8", "200", true },
        { "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ", "escape", "200", true },
        { "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ", "escape", "200", true },
        { "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "X-Path: /\r\n", "400",
          false },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 ", "Connection: close\r\n", "200",
          true },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
          "HTTP/1.1 501 ", "Connection: close\r\n", "200", true },
        { "\x16\x03\x01", "HTTP/1.1 400 ", "control byte", "200", true },
        { "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501 ", "Connection: close\r\n",
          "200", true },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2097153\r\nExpect: 100-continue\r\n\r\n",
          "HTTP/1.1 413 ", "HTTP_BODY_MAX", "100 Continue", true },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200001\r\n",
          "HTTP/1.1 413 ", "HTTP_BODY_MAX", "200 OK", true },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n" GET(
              "/smuggled"),
          "HTTP/1.1 400 ", "chunk", "smuggled", true },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        cz_str in = cz_str_from(rows[n].in);
        struct heard heard = ask(&standard, in);
        cz_str text = cz_buf_str(&heard.all);
        CZ_EXPECT_MSG(cz_str_starts_with(text, cz_str_from(rows[n].begin)), "row %zu: %.*s", n,
                      CZ_STR_ARG(text));
        CZ_EXPECT_MSG(cz_str_find(text, cz_str_from(rows[n].has)) != SIZE_MAX, "row %zu: %.*s", n,
                      CZ_STR_ARG(text));
        CZ_EXPECT_MSG(cz_str_find(text, cz_str_from(rows[n].has_not)) == SIZE_MAX, "row %zu: %.*s",
                      n, CZ_STR_ARG(text));
        CZ_EXPECT_MSG(heard.closed == rows[n].closed && !heard.reset, "row %zu closed %d reset %d",
                      n, heard.closed, heard.reset);
        cz_buf_done(&heard.all);
    }
}

/* ---- Many requests ---- */

CZ_TEST(a_pipelined_batch_is_answered_in_order_in_one_send)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b);
    cz_buf in = { 0 };
    for (int i = 0; i < 50; i++)
        cz_buf_printf(&in,
                      "GET /%d HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 2\r\n\r\n%02d",
                      i, i);
    turn(&b, 5); /* accepted */
    say_bytes(fd, cz_buf_str(&in));
    cz__loop_turn(b.loop, 100);
    struct heard heard = hear(&b, fd);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 100u);
    cz_str rest = cz_buf_str(&heard.all);
    for (int i = 0; i < 50; i++) {
        char path[32];
        cz_ignore(snprintf(path, sizeof path, "X-Path: /%d\r\n", i));
        size_t at = cz_str_find(rest, cz_str_from(path));
        CZ_REQUIRE(at != SIZE_MAX);
        rest = cz_str_tail(rest, at);
        cz_ignore(snprintf(path, sizeof path, "\r\n\r\n%02d", i));
        at = cz_str_find(rest, cz_str_from(path));
        CZ_REQUIRE(at != SIZE_MAX);
        rest = cz_str_tail(rest, at);
    }
    CZ_EXPECT_EQ(heard.receives, 1);
    cz_buf_done(&heard.all);
    cz_buf_done(&in);
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_request_cut_at_any_byte_is_answered_the_same)
{
    struct bench b = bench_make(&standard, &app, NULL);
    static const char *const texts[] = {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" GET("/"),
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
        "chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n" GET("/"),
    };
    for (size_t n = 0; n < CZ_COUNT(texts); n++) {
        cz_str text = cz_str_from(texts[n]);
        int fd = dial(&b);
        for (size_t cut = 1; cut < text.len; cut++) {
            struct heard heard = { 0 };
            say_bytes(fd, cz_str_head(text, cut));
            cz__loop_turn(b.loop, 20);
            cz__loop_turn(b.loop, 0);
            say_bytes(fd, cz_str_tail(text, cut));
            while (count_of(&heard, "World") == 0 && !heard.closed)
                listen_until(&b, fd, &heard, heard.all.len + 1, 1000);
            EXPECT_HEARD(heard, "\r\n\r\nhello", 1u);
            EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 2u);
            CZ_EXPECT(!heard.closed);
            cz_buf_done(&heard.all);
        }
        struct heard heard = { 0 };
        for (size_t i = 0; i < text.len; i++) {
            say_bytes(fd, cz_str_of(text.ptr + i, 1));
            cz__loop_turn(b.loop, 20);
        }
        listen_until(&b, fd, &heard, SIZE_MAX, 30);
        EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 2u);
        cz_buf_done(&heard.all);
        close(fd);
    }
    bench_done(&b);
}

CZ_TEST(requests_behind_a_waiting_handler_are_answered_after_it_in_order)
{
    struct heard heard =
        ask(&standard, CZ_STR(GET("/a") GET("/sleep") GET("/b") GET("/sleep") GET("/c")));
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 5u);
    cz_str text = cz_buf_str(&heard.all);
    size_t a = cz_str_find(text, CZ_STR("/a")), s = cz_str_find(text, CZ_STR("slept")),
           b = cz_str_find(text, CZ_STR("/b")), c = cz_str_find(text, CZ_STR("/c"));
    CZ_EXPECT(a < s && s < b && b < c && c != SIZE_MAX);
    cz_buf_done(&heard.all);
}

CZ_TEST(bytes_that_come_while_a_handler_waits_are_read_after_it)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b);
    say(fd, GET("/sleep"));
    turn(&b, 5);
    say(fd, GET("/later"));
    struct heard heard = hear(&b, fd);
    EXPECT_HEARD(heard, "slept", 1u);
    EXPECT_HEARD(heard, "X-Path: /later", 1u);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(the_last_of_the_allowed_requests_closes_the_connection)
{
    cz_http_limits limits = { .requests_per_connection = 2 };
    struct heard heard = ask(&limits, CZ_STR(GET("/1") GET("/2") GET("/3")));
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 2u);
    EXPECT_HEARD(heard, "Connection: close", 1u);
    CZ_EXPECT(heard.closed && !heard.reset);
    cz_buf_done(&heard.all);
}

CZ_TEST(an_idle_connection_holds_no_buffer)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fds[100];
    for (size_t i = 0; i < CZ_COUNT(fds); i++) {
        fds[i] = dial(&b);
        say(fds[i], GET("/"));
        struct heard heard = { 0 };
        listen_until(&b, fds[i], &heard, 100, 1000);
        cz_buf_done(&heard.all);
    }
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 100);
    CZ_EXPECT_EQ(b.server->core.input_count, 1);
    CZ_EXPECT_EQ(b.server->core.output_count, 1);
    CZ_EXPECT_EQ(b.server->core.exchange_count, 1);
    for (size_t i = 0; i < CZ_COUNT(fds); i++)
        close(fds[i]);
    turn(&b, 20);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

/* ---- Large bodies, slow peers ---- */

CZ_TEST(a_body_as_large_as_allowed_comes_back_whole)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        struct bench b = bench_make(&standard, &app, NULL);
        int fd = dial(&b);
        cz_buf in = { 0 };
        for (size_t i = 0; i < sizeof large_body; i++)
            large_body[i] = (char)('a' + i % 26);
        cz_buf_append_lit(&in, "POST /echo HTTP/1.1\r\nHost: a\r\n");
        cz_buf_printf(&in, chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                                   : "Content-Length: 2097152\r\n\r\n");
        for (size_t i = 0; i < sizeof large_body; i += 32768) {
            if (chunked)
                cz_buf_append_lit(&in, "8000\r\n");
            cz_buf_append(&in, large_body + i, 32768);
            if (chunked)
                cz_buf_append_lit(&in, "\r\n");
        }
        if (chunked)
            cz_buf_append_lit(&in, "0\r\n\r\n");
        cz_buf_append_lit(&in, GET("/after"));
        struct heard heard = { 0 };
        for (size_t at = 0; at < in.len;) {
            ssize_t n = send(fd, in.ptr + at, in.len - at, MSG_NOSIGNAL);
            at += n > 0 ? (size_t)n : 0;
            cz__loop_turn(b.loop, 1);
        }
        while (count_of(&heard, "X-Path: /after") == 0 && !heard.closed)
            listen_until(&b, fd, &heard, heard.all.len + (1 << 20), 300);
        size_t at = cz_str_find(cz_buf_str(&heard.all), CZ_STR("\r\n\r\n"));
        CZ_REQUIRE(at != SIZE_MAX && heard.all.len > at + sizeof large_body);
        CZ_EXPECT(memcmp(heard.all.ptr + at + 4, large_body, sizeof large_body) == 0);
        EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 2u);
        cz_buf_done(&heard.all);
        cz_buf_done(&in);
        close(fd);
        bench_done(&b);
    }
}

CZ_TEST(a_slow_reader_gets_everything_and_holds_back_its_next_requests)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b);
    for (int i = 0; i < 8; i++)
        say(fd, GET("/large"));
    turn(&b, 30);
    CZ_EXPECT(seen.handled < 8); /* the kernel takes a few MiB; the rest waits */
    struct heard heard = { 0 };
    size_t before = 0;
    while (heard.all.len < 8 * sizeof large_body && !heard.closed) {
        listen_until(&b, fd, &heard, heard.all.len + 100000, 300);
        if (heard.all.len == before)
            break;
        before = heard.all.len;
    }
    listen_until(&b, fd, &heard, SIZE_MAX, 50);
    CZ_EXPECT_EQ(seen.handled, 8);
    CZ_EXPECT(heard.all.len > 8 * sizeof large_body && !heard.closed);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 8u);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(small_answers_to_a_client_that_does_not_read_stop_at_the_limit)
{
    cz_http_limits limits = { .write_timeout_ms = 100 };
    struct bench b = bench_make(&limits, &app, NULL);
    int fd = dial(&b);
    cz_buf in = { 0 };
    cz_buf_append_lit(&in, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
    for (int i = 0; i < 60000; i++)
        cz_buf_append_char(&in, 'x');
    size_t at = 0;
    unsigned stuck = 0;
    while (stuck < 300) {
        ssize_t n = send(fd, in.ptr + at % in.len, in.len - at % in.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        at += n > 0 ? (size_t)n : 0;
        stuck = n > 0 ? 0 : stuck + 1;
        cz__loop_turn(b.loop, 1);
    }
    CZ_EXPECT(stuck < 300); /* the write time-out has closed the connection */
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    cz_buf_done(&in);
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_static_body_is_sent_from_where_it_is)
{
    struct heard heard = ask(&standard, CZ_STR(GET("/static") GET("/after")));
    EXPECT_HEARD(heard, "Content-Length: 100000\r\n", 1u);
    EXPECT_HEARD(heard, "X-Path: /after", 1u);
    CZ_EXPECT(heard.all.len > 100000);
    cz_buf_done(&heard.all);
}

CZ_TEST(a_client_waiting_for_100_continue_gets_it_and_then_its_answer)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b);
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, 25, 500);
    EXPECT_HEARD(heard, "HTTP/1.1 100 Continue\r\n\r\n", 1u);
    say(fd, "hello");
    listen_until(&b, fd, &heard, SIZE_MAX, 40);
    EXPECT_HEARD(heard, "\r\n\r\nhello", 1u);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

/* ---- Clients that leave ---- */

static struct bench suspended_in(const char *request, int *out_fd)
{
    struct bench b = bench_make(&standard, &app, NULL);
    *out_fd = dial(&b);
    say(*out_fd, request);
    turn(&b, 10);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_in_flight, 1);
    return b;
}

CZ_TEST(a_client_that_resets_cancels_its_handler_at_once)
{
    int fd;
    struct bench b = suspended_in(GET("/forever"), &fd);
    CZ_REQUIRE(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
                          sizeof(struct linger)) == 0);
    close(fd);
    turn(&b, 20);
    CZ_EXPECT_EQ(seen.cancelled, 1);
    CZ_EXPECT_EQ(seen.answered_499, 1);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).cancelled, 1);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_in_flight, 0);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

CZ_TEST(a_client_that_closes_cancels_its_handler_soon)
{
    int fd;
    struct bench b = suspended_in(GET("/forever"), &fd);
    close(fd);
    turn(&b, 100);
    CZ_EXPECT_EQ(seen.cancelled, 0);
    turn(&b, 200);
    CZ_EXPECT_EQ(seen.cancelled, 1);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

CZ_TEST(a_client_that_only_stops_sending_gets_its_answer)
{
    int fd;
    struct bench b = suspended_in(GET("/half"), &fd);
    shutdown(fd, SHUT_WR);
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, SIZE_MAX, 1000);
    EXPECT_HEARD(heard, "HTTP/1.1 100 Continue\r\n\r\n", 1u); /* the question whether it is there */
    EXPECT_HEARD(heard, "still here", 1u);
    CZ_EXPECT(heard.closed && !heard.reset);
    CZ_EXPECT_EQ(seen.cancelled, 0);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_client_that_stops_sending_before_the_answer_is_asked_nothing)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b);
    say(fd, GET("/a") GET("/sleep") "GET /unfinished HTTP/1.1\r\n");
    shutdown(fd, SHUT_WR);
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, SIZE_MAX, 1000);
    EXPECT_HEARD(heard, "100 Continue", 0u);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 2u);
    CZ_EXPECT(heard.closed && !heard.reset);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

/* ---- Time-outs ---- */

static const cz_http_limits quick = { .header_timeout_ms = 50,
                                      .idle_timeout_ms = 60,
                                      .body_grace_ms = 50,
                                      .body_rate_min = 1000,
                                      .write_timeout_ms = 50,
                                      .handler_timeout_ms = 50 };

CZ_TEST(each_time_out_has_its_answer)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "", "" },
        { "GET / HT", "HTTP/1.1 408 Request Timeout" },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "HTTP_BODY_RATE_MIN" },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
          "HTTP_BODY_RATE_MIN" },
        { GET("/forever"), "HTTP/1.1 503 Service Unavailable" },
        { GET("/"), "HTTP/1.1 200 OK" },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        struct bench b = bench_make(&quick, &app, NULL);
        int fd = dial(&b);
        say(fd, rows[n].in);
        int64_t before = cz_monotonic_us();
        struct heard heard = { 0 };
        listen_until(&b, fd, &heard, SIZE_MAX, 2500);
        int64_t took_ms = (cz_monotonic_us() - before) / 1000;
        CZ_EXPECT_MSG(cz_str_find(cz_buf_str(&heard.all), cz_str_from(rows[n].out)) != SIZE_MAX,
                      "row %zu: %.*s", n, CZ_STR_ARG(cz_buf_str(&heard.all)));
        CZ_EXPECT_MSG(heard.closed && !heard.reset, "row %zu", n);
        CZ_EXPECT_MSG(took_ms >= 48 && took_ms < 2000, "row %zu took %lld ms", n,
                      (long long)took_ms);
        cz_buf_done(&heard.all);
        close(fd);
        bench_done(&b);
    }
}

CZ_TEST(a_body_that_comes_fast_enough_has_all_the_time_it_needs)
{
    cz_http_limits limits = quick;
    limits.body_rate_min = 10;
    struct bench b = bench_make(&limits, &app, NULL);
    int fd = dial(&b);
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        turn(&b, 20);
        say(fd, "x");
    }
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, 150, 500);
    EXPECT_HEARD(heard, "xxxxxxxxxxxxxxxxxxxx", 1u);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_handler_has_its_whole_time_after_a_slow_body)
{
    cz_http_limits limits = quick;
    limits.body_rate_min = 10;
    struct bench b = bench_make(&limits, &app, NULL);
    int fd = dial(&b);
    say(fd, "POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    for (int i = 0; i < 5; i++) { /* 100 ms; the handler has 50 and sleeps 20 */
        turn(&b, 20);
        say(fd, "x");
    }
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, 150, 500);
    EXPECT_HEARD(heard, "slept", 1u);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(an_error_is_seen_by_a_client_that_goes_on_sending)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        cz_ignore(send(fd, large_body, 4096, MSG_NOSIGNAL)); /* what it was sending anyway */
        turn(&b, 2);
    }
    struct heard heard = hear(&b, fd);
    EXPECT_HEARD(heard, "HTTP/1.1 413 Content Too Large", 1u);
    CZ_EXPECT(!heard.reset);
    cz_buf_done(&heard.all);
    close(fd);
    turn(&b, 20);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

/* ---- The server ---- */

CZ_TEST(one_address_may_have_so_many_connections)
{
    cz_http_limits limits = { .connections_per_address = 3 };
    struct bench b = bench_make(&limits, &app, NULL);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = dial(&b);
    struct heard heard = hear(&b, fds[3]);
    EXPECT_HEARD(heard, "HTTP/1.1 503 Service Unavailable", 1u);
    CZ_EXPECT(heard.closed);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_refused, 1);
    cz_buf_done(&heard.all);
    close(fds[0]);
    turn(&b, 10);
    int fd = dial(&b);
    say(fd, GET("/"));
    heard = hear(&b, fd);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 1u);
    cz_buf_done(&heard.all);
    bench_done(&b);
}

CZ_TEST(connections_over_the_maximum_wait_in_the_kernel)
{
    cz_http_limits limits = { .connections_max = 2 };
    struct bench b = bench_make(&limits, &app, NULL);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(&b);
        say(fds[i], GET("/"));
    }
    struct heard heard = hear(&b, fds[2]);
    CZ_EXPECT_EQ(heard.all.len, 0);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 2);
    cz_buf_done(&heard.all);
    close(fds[0]);
    heard = hear(&b, fds[2]);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 1u);
    cz_buf_done(&heard.all);
    bench_done(&b);
}

CZ_TEST(without_descriptors_accepting_pauses_and_goes_on)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int fd = dial(&b), hogs[64], count = 0;
    CZ_REQUIRE(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ CZ_COUNT(hogs), CZ_COUNT(hogs) }) == 0);
    while ((hogs[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    CZ_REQUIRE(errno == EMFILE);
    int64_t before = cz_monotonic_us();
    unsigned turns = 0;
    for (; cz_monotonic_us() - before < 50000; turns++)
        cz__loop_turn(b.loop, 10);
    CZ_EXPECT(turns < 30); /* no spinning */
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_refused, 1);
    while (count)
        close(hogs[--count]);
    close(fd);
    fd = dial(&b);
    say(fd, GET("/"));
    turn(&b, 120);
    struct heard heard = hear(&b, fd);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 1u);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

static void on_drained(void *arg)
{
    (void)arg;
    seen.drained++;
}

CZ_TEST(a_drain_answers_what_was_begun_or_accepted_and_closes_what_is_idle)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int idle = dial(&b), busy = dial(&b), partial = dial(&b);
    say(idle, GET("/idle"));
    say(busy, GET("/sleep"));
    say(partial, "GET /partial HTTP/1.1\r\n");
    turn(&b, 5);
    int queued = dial(&b); /* in the kernel's queue when the drain begins */
    say(queued, GET("/queued"));
    cz__http_server_drain(b.server, CZ__HTTP_STOPS, on_drained, NULL);
    turn(&b, 5);
    CZ_EXPECT_EQ(seen.drained, 0);
    say(partial, "Host: a\r\n\r\n");
    const int fds[] = { idle, busy, partial, queued };
    const char *const answers[] = { "/idle", "slept", "/partial", "/queued" };
    for (size_t i = 0; i < CZ_COUNT(fds); i++) {
        struct heard heard = hear(&b, fds[i]);
        EXPECT_HEARD(heard, answers[i], 1u);
        CZ_EXPECT(heard.closed && !heard.reset);
        EXPECT_HEARD(heard, "Connection: close", i > 0);
        cz_buf_done(&heard.all);
        close(fds[i]);
    }
    turn(&b, 20);
    CZ_EXPECT_EQ(seen.drained, 1);
    bench_done(&b);
}

/* A request may be on its way to an idle connection when the server hands over: it is answered, and is the last. */
CZ_TEST(a_server_that_hands_over_answers_one_more_request_of_idle_connections)
{
    struct bench b = bench_make(&standard, &app, NULL);
    int idle = dial(&b), piped = dial(&b);
    say(idle, GET("/idle"));
    say(piped, GET("/sleep") GET("/second") GET("/third"));
    turn(&b, 5);
    cz__http_server_drain(b.server, CZ__HTTP_HANDS_OVER, on_drained, NULL);
    turn(&b, 5);
    CZ_EXPECT_EQ(seen.drained, 0);
    say(idle, GET("/again"));
    struct heard heard = hear(&b, idle);
    EXPECT_HEARD(heard, "/idle", 1u);
    EXPECT_HEARD(heard, "/again", 1u);
    EXPECT_HEARD(heard, "Connection: close", 1u);
    CZ_EXPECT(heard.closed && !heard.reset);
    cz_buf_done(&heard.all);
    heard = hear(&b, piped); /* what had come was sent before its client could know */
    EXPECT_HEARD(heard, "slept", 1u);
    EXPECT_HEARD(heard, "/third", 1u);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 3u);
    EXPECT_HEARD(heard, "Connection: close", 1u);
    CZ_EXPECT(heard.closed && !heard.reset);
    cz_buf_done(&heard.all);
    close(idle);
    close(piped);
    turn(&b, 20);
    CZ_EXPECT_EQ(seen.drained, 1);
    bench_done(&b);
}

CZ_TEST(destroying_a_server_cancels_its_handlers)
{
    int fd;
    struct bench b = suspended_in(GET("/forever"), &fd);
    bench_done(&b);
    CZ_EXPECT_EQ(seen.cancelled, 1);
    close(fd);
}

CZ_TEST(a_request_in_memory_is_answered_as_over_a_socket)
{
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    static const struct {
        const char *in, *begin, *has;
    } rows[] = {
        { GET("/x"), "HTTP/1.1 200 OK\r\n", "X-Path: /x\r\n" },
        { GET("/sleep"), "HTTP/1.1 200 OK\r\n", "slept" },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n",
          "hello" },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
          "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\n", "\r\n\r\nab" },
        { "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "Connection: close" },
        { "GET / HT", "HTTP/1.1 400 ", "inside its head" },
        { "", "HTTP/1.1 400 ", "inside its head" },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 400 ",
          "inside its body" },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", "HTTP/1.1 413 ",
          "HTTP_BODY_MAX" },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        cz_buf out = { 0 };
        CZ_REQUIRE_OK(cz__http_serve_bytes(&standard, &app, cz_str_from(rows[n].in), &out));
        CZ_EXPECT_MSG(cz_str_starts_with(cz_buf_str(&out), cz_str_from(rows[n].begin)) &&
                          cz_str_find(cz_buf_str(&out), cz_str_from(rows[n].has)) != SIZE_MAX,
                      "row %zu: %.*s", n, CZ_STR_ARG(cz_buf_str(&out)));
        cz_buf_done(&out);
    }
    cz__fibers_done();
    cz__loop_destroy(loop);
}

/* ---- Out of memory (builds with CZ_FAULTS; elsewhere nothing fails) ---- */

CZ_TEST(whichever_allocation_fails_the_server_lives_and_the_client_is_answered_or_cut_off)
{
    struct bench b = bench_make(&standard, &app, NULL);
    for (uint64_t nth = 1; nth <= 24; nth++) {
        int fd = dial(&b);
        say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n");
        cz_ignore(cz__alloc_fail_at(nth, false)); /* the count before is of no use */
        cz__loop_turn(b.loop, 5);
        cz__loop_turn(b.loop, 5);
        cz_ignore(send(fd, "3\r\nllo\r\n0\r\n\r\n" GET("/%41"), 13 + sizeof(GET("/%41")) - 1,
                       MSG_NOSIGNAL));
        cz__loop_turn(b.loop, 5);
        cz__loop_turn(b.loop, 5);
        uint64_t count = cz__alloc_fail_at(0, false);
        struct heard heard = { 0 };
        listen_until(&b, fd, &heard, SIZE_MAX, 15);
        size_t good = count_of(&heard, "HTTP/1.1 200 OK"),
               unavailable = count_of(&heard, "HTTP/1.1 503");
        CZ_EXPECT_MSG(heard.closed || good + unavailable == 2, "allocation %d: %.*s", (int)nth,
                      CZ_STR_ARG(cz_str_head(cz_buf_str(&heard.all), 400)));
        CZ_EXPECT_MSG(count >= nth || good == 2, "allocation %d of %d", (int)nth, (int)count);
        cz_buf_done(&heard.all);
        close(fd);
        cz__loop_turn(b.loop, 5);
        while (b.server->core.exchanges || b.server->core.inputs) { /* cold again for the next */
            cz__http_server_destroy(b.server);
            CZ_REQUIRE_OK(cz__http_server_create(b.loop, &standard, &app, &b.server));
            CZ_REQUIRE_OK(cz__http_server_listen(b.server, b.listen_fd, CZ__HTTP_PLAIN));
        }
    }
    bench_done(&b);
}

CZ_TEST(whichever_allocation_fails_a_request_in_memory_is_answered_or_says_so)
{
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    for (uint64_t nth = 1; nth <= 24; nth++) {
        cz_buf out = { 0 };
        cz_ignore(cz__alloc_fail_at(nth, nth % 2)); /* the count before is of no use */
        cz_status status = cz__http_serve_bytes(&standard, &app, CZ_STR(GET("/%41")), &out);
        uint64_t count = cz__alloc_fail_at(0, false);
        if (status == CZ_OK)
            CZ_EXPECT(cz_str_starts_with(cz_buf_str(&out), CZ_STR("HTTP/1.1 200 ")) ||
                      cz_str_starts_with(cz_buf_str(&out), CZ_STR("HTTP/1.1 503 ")));
        else
            CZ_EXPECT_EQ(status, CZ_ENOMEM);
        CZ_EXPECT(count >= nth || status == CZ_OK);
        cz_buf_done(&out);
    }
    cz__fibers_done();
    cz__loop_destroy(loop);
}
