/* HTTP as bytes: cuts, pipelines and malformed requests over a real socket. */
#include <unistd.h>
#include "server.h"

enum { SECONDS_5 = 5000 };

#define CREATE_BODY "{\"title\":\"x\",\"author\":1,\"category\":\"cars\"}"
#define CHUNKED_BODY                                                                               \
    "5\r\n{\"tit\r\n25;a=\"b\"\r\nle\":\"x\",\"author\":1,\"category\":\"cars\"}\r\n0\r\nT: "      \
    "1\r\n\r\n"

/* The answer without what differs between two askings: Date and the request's id. */
static bool same_answer(const cz_answer *a, const cz_answer *b)
{
    return a && b && a->status == b->status && cz_str_eq(a->body, b->body) &&
           a->header_count == b->header_count;
}

CZ_TEST(a_request_cut_at_any_byte_gets_the_same_answer)
{
    static const char *const env[] = { BOOKSTORE_SERVICE, NULL };
    struct server server = server_start("bookstore", 1, env);
    static const char *const requests[] = {
        "GET /v2/books?page=1 HTTP/1.1\r\nHost: localhost\r\n" BOOKSTORE_SERVICE_HEADER "\r\n",
        "POST /v2/books HTTP/1.1\r\nHost: localhost\r\n" BOOKSTORE_SERVICE_HEADER
        "Content-Type: application/json\r\n"
        "Content-Length: 42\r\n\r\n" CREATE_BODY,
        "POST /v2/books HTTP/1.1\r\nHost: localhost\r\n" BOOKSTORE_SERVICE_HEADER
        "Content-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY,
        "GET /v2/boo ks HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    CZ_EXPECT_EQ(strlen(CREATE_BODY), 42);
    for (size_t i = 0; i < CZ_COUNT(requests); i++) {
        cz_str bytes = cz_str_from(requests[i]);
        const cz_answer *whole = ask_raw(server.port, bytes);
        CZ_REQUIRE(whole);
        CZ_EXPECT_EQ(whole->status, i == 0 ? 200 : 400);
        for (size_t cut = 1; cut < bytes.len; cut++) {
            cz_wire *wire = cz_wire_open(server.port);
            cz_ignore(cz_wire_send_cut(wire, bytes, cut)); /* may be refused at the cut */
            CZ_EXPECT_MSG(same_answer(cz_wire_next(wire, SECONDS_5), whole),
                          "request %zu cut at %zu", i, cut);
            cz_wire_close(wire);
        }
        cz_wire *wire = cz_wire_open(server.port);
        cz_ignore(cz_wire_send_bytes(wire, bytes));
        CZ_EXPECT(same_answer(cz_wire_next(wire, SECONDS_5), whole));
        cz_wire_close(wire);
    }
    CZ_EXPECT_JSON(get(server.port, "/v2/books"), "count", 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(pipelined_requests_are_answered_in_order_in_one_send)
{
    struct server server = server_start("lab", 1, NULL);
    enum { COUNT = 32 };
    cz_buf bytes = { 0 };
    for (int i = 0; i < COUNT; i++)
        cz_buf_printf(&bytes,
                      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n%4d", i);
    cz_wire *wire = cz_wire_open(server.port);
    CZ_REQUIRE(cz_wire_send(wire, cz_buf_str(&bytes)));
    sleep_ms(50); /* were there several sends, they would all be here now: so look at their count */
    for (int i = 0; i < COUNT; i++) {
        const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
        CZ_REQUIRE(answer);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_STR(answer->body, format("%4d", i).ptr);
    }
    CZ_EXPECT_EQ(wire->read_count, 1);
    cz_buf_clear(&bytes); /* one that waits holds back those behind it */
    cz_buf_append_lit(&bytes, "GET /sleep/30 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET /notes HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET /offload/10 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CZ_REQUIRE(cz_wire_send(wire, cz_buf_str(&bytes)));
    static const char *const bodies[] = { "slept", "0", "done" };
    for (size_t i = 0; i < CZ_COUNT(bodies); i++) {
        const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
        CZ_REQUIRE(answer);
        CZ_EXPECT_STR(answer->body, bodies[i]);
    }
    const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 404);
    cz_wire_close(wire);
    cz_buf_done(&bytes);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(head_continue_close_and_http_1_0)
{
    struct server server = server_start("lab", 1, NULL);
    cz_wire *wire = cz_wire_open(server.port);
    CZ_REQUIRE(cz_wire_send(wire, CZ_STR("HEAD /notes HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                         "GET /notes HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    wire->head = true;
    const cz_answer *head = cz_wire_next(wire, SECONDS_5), *whole = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(head && whole);
    CZ_EXPECT_HEADER(head, "Content-Length", "1");
    CZ_EXPECT_STR(whole->body, "0");
    CZ_REQUIRE(cz_wire_send(wire, CZ_STR("POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                                         "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")));
    const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 100);
    CZ_REQUIRE(cz_wire_send(wire, CZ_STR("ok")));
    answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STR(answer->body, "ok");
    CZ_REQUIRE(
        cz_wire_send(wire, CZ_STR("POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                                  "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")));
    answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 413); /* and not 100 first */
    CZ_EXPECT(cz_wire_closes(wire, SECONDS_5));
    cz_wire_close(wire);
    wire = cz_wire_open(server.port);
    CZ_REQUIRE(cz_wire_send(wire, CZ_STR("GET /notes HTTP/1.0\r\nHost: localhost\r\n\r\n")));
    CZ_REQUIRE(cz_wire_next(wire, SECONDS_5));
    CZ_EXPECT(cz_wire_closes(wire, SECONDS_5));
    cz_wire_close(wire);
    wire = cz_wire_open(server.port);
    CZ_REQUIRE(
        cz_wire_send(wire, CZ_STR("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")));
    answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STR(answer->body, "abc");
    CZ_EXPECT_HEADER(answer, "Connection", "close");
    CZ_EXPECT(cz_wire_closes(wire, SECONDS_5));
    cz_wire_close(wire);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(malformed_requests_are_refused_and_the_connection_closes)
{
    struct server server = server_start("lab", 1, NULL);
#define GET_LINE "GET /notes HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"
#define POST_HEAD "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
    const char *long_line = format("GET /%0*d HTTP/1.1\r\n" HOST "\r\n", 9000, 1).ptr;
    const char *long_headers = format(GET_LINE HOST "X: %0*d\r\n\r\n", 40000, 1).ptr;
    cz_buf many = { 0 };
    cz_buf_append_lit(&many, GET_LINE HOST);
    for (int i = 0; i < 101; i++)
        cz_buf_printf(&many, "X-%d: 1\r\n", i);
    cz_buf_append_lit(&many, "\r\n");
    const struct {
        const char *bytes;
        int status;
    } cases[] = {
        { "\r\n\r\n\r\n", 400 },
        { "GET\r\n\r\n", 400 },
        { "GET /\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "G<T / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET notes HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /# HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /%00 HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /%ff HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/1.2x\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", 505 }, /* one byte beside what begins HTTP/2 */
        { "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 501 },
        { "TRACE / HTTP/1.1\r\n" HOST "\r\n", 501 },
        { GET_LINE "\r\n", 400 },
        { GET_LINE HOST HOST "\r\n", 400 },
        { GET_LINE "Host: a b\r\n\r\n", 400 },
        { GET_LINE "Host : localhost\r\n\r\n", 400 },
        { GET_LINE HOST " folded: 1\r\n\r\n", 400 },
        { GET_LINE HOST ": nameless\r\n\r\n", 400 },
        { GET_LINE HOST "bad name: 1\r\n\r\n", 400 },
        { GET_LINE HOST "X: a\x02z\r\n\r\n", 400 },
        { "GET /notes HTTP/1.1\nHost: localhost\n\n", 400 },
        { GET_LINE HOST "X: a\rb\r\n\r\n", 400 },
        { POST_HEAD "Content-Length: x\r\n\r\n", 400 },
        { POST_HEAD "Content-Length: -1\r\n\r\n", 400 },
        { POST_HEAD "Content-Length: 1, 1\r\n\r\na", 400 },
        { POST_HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400 },
        { POST_HEAD "Content-Length: 99999999999999999999\r\n\r\n", 400 },
        { POST_HEAD "Content-Length: 4000000\r\n\r\n", 413 },
        { POST_HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { POST_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501 },
        { POST_HEAD "Transfer-Encoding: identity\r\n\r\n", 400 },
        { "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { CHUNKED "x\r\n", 400 },
        { CHUNKED "11111111111111111\r\n", 400 },
        { CHUNKED "1\nA\r\n0\r\n\r\n", 400 },
        { CHUNKED "1\r\nAB\r\n0\r\n\r\n", 400 },
        { CHUNKED "7fffffff\r\n", 413 },
        { long_line, 414 },
        { long_headers, 431 },
        { cz_buf_cstr(&many), 431 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_wire *wire = cz_wire_open(server.port);
        cz_ignore(cz_wire_send(wire, cz_str_from(cases[i].bytes))); /* may be refused on the way */
        const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
        CZ_EXPECT_MSG(answer && answer->status == cases[i].status, "case %zu, %.60s: %d", i,
                      cases[i].bytes, answer ? answer->status : 0);
        CZ_EXPECT_MSG(cz_wire_closes(wire, SECONDS_5), "case %zu stays open", i);
        cz_wire_close(wire);
    }
    cz_buf_done(&many);
    CZ_EXPECT_STR(get(server.port, "/notes")->body, "0");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

static bool all_x(cz_str body)
{
    for (size_t i = 0; i < body.len; i++)
        if (body.ptr[i] != 'x')
            return false;
    return true;
}

CZ_TEST(a_streamed_body_comes_in_chunks_and_the_connection_goes_on)
{
    struct server server = server_start("lab", 1, NULL);
    cz_wire *wire = cz_wire_open(server.port);
    static const int sizes[] = { 0, 1, 3001, 3002, 100000 };
    for (size_t i = 0; i < CZ_COUNT(sizes); i++) {
        cz_str two = format("GET /stream/%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "GET /trickle HTTP/1.1\r\nHost: localhost\r\n\r\n",
                            sizes[i]);
        CZ_REQUIRE(cz_wire_send(wire, two));
        const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
        CZ_REQUIRE(answer);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_HEADER(answer, "Transfer-Encoding", "chunked");
        CZ_EXPECT_HEADER(answer, "Content-Length", "");
        CZ_EXPECT(cz_answer_header(answer, "X-Request-Id").len); /* middleware has seen it */
        CZ_EXPECT_EQ(answer->body.len, sizes[i]);
        CZ_EXPECT(all_x(answer->body));
        const cz_answer *second = cz_wire_next(wire, SECONDS_5);
        CZ_REQUIRE(second);
        CZ_EXPECT_STR(second->body, "tick tick tick tick tick ");
    }
    cz_wire_close(wire);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_streamed_body_waits_for_a_slow_reader)
{
    enum { BYTES = 8 << 20 };
    struct server server = server_start("lab", 1, NULL);
    cz_wire *wire = cz_wire_open(server.port);
    CZ_REQUIRE(
        cz_wire_send(wire, format("GET /stream/%d HTTP/1.1\r\nHost: localhost\r\n\r\n", BYTES)));
    usleep(300 * 1000); /* the buffers of both sides are full by now */
    const cz_answer *other =
        ask_raw(server.port, CZ_STR("GET /notes HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CZ_EXPECT(other && other->status == 200); /* and the worker is free */
    const cz_answer *answer = cz_wire_next(wire, 4 * SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_EQ(answer->body.len, BYTES);
    CZ_EXPECT(all_x(answer->body));
    cz_wire_close(wire);
    for (int i = 0; i < 20; i++) { /* clients that leave in the middle */
        cz_wire *leaver = cz_wire_open(server.port);
        cz_ignore(cz_wire_send(leaver,
                               CZ_STR("GET /stream/8000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        usleep(5000);
        if (i % 2)
            cz_wire_abort(leaver);
        else
            cz_wire_close(leaver);
    }
    other = ask_raw(server.port, CZ_STR("GET /notes HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CZ_EXPECT(other && other->status == 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_stream_to_http_1_0_to_head_and_one_that_fails_end_as_they_must)
{
    struct server server = server_start("lab", 1, NULL);
    cz_wire *wire = cz_wire_open(server.port);
    CZ_REQUIRE(cz_wire_send(
        wire,
        CZ_STR("GET /stream/5000 HTTP/1.0\r\nConnection: keep-alive\r\nHost: localhost\r\n\r\n")));
    const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_EQ(answer->body.len, 5000);
    CZ_EXPECT_HEADER(answer, "Transfer-Encoding", "");
    CZ_EXPECT_HEADER(answer, "Connection", "close");
    CZ_EXPECT(cz_wire_closes(wire, SECONDS_5));
    cz_wire_close(wire);

    wire = cz_wire_open(server.port);
    wire->head = true;
    CZ_REQUIRE(cz_wire_send(wire, CZ_STR("HEAD /stream/5000 HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    answer = cz_wire_next(wire, SECONDS_5);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 200);
    wire->head = false;
    CZ_REQUIRE(
        cz_wire_send(wire, CZ_STR("GET /broken-stream HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    CZ_EXPECT(cz_wire_next(wire, SECONDS_5) == NULL); /* cut before its last chunk */
    CZ_EXPECT(!wire->timed_out);
    cz_wire_close(wire);
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("the rest cannot be read")) != SIZE_MAX);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
