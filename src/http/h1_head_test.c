#include "http/h1_head.h"
#include <calzone/testing.h>
#include <stdlib.h>
#include "http/h1_scan.h"

enum { FIELDS = 100 };

struct head_case {
    cz_str in;
    enum cz__h1_rule rule; /* NONE: accepted, or still wanting more when `more` */
    bool more;
};

#define GOOD(text)                                                                                 \
    {                                                                                              \
        CZ_STR(text), CZ__H1_NONE, false                                                           \
    }
#define MORE(text)                                                                                 \
    {                                                                                              \
        CZ_STR(text), CZ__H1_NONE, true                                                            \
    }
#define BAD(rule, text)                                                                            \
    {                                                                                              \
        CZ_STR(text), CZ__H1_##rule, false                                                         \
    }
#define H "Host: a\r\n"
#define G "GET / HTTP/1.1\r\n"
#define P "POST / HTTP/1.1\r\n" H

static const struct head_case cases[] = {
    /* request lines that are right */
    GOOD(G H "\r\n"),
    GOOD("\r\n" G H "\r\n"),
    GOOD("GET / HTTP/1.0\r\n\r\n"),
    GOOD("GET / HTTP/1.2\r\n" H "\r\n"),
    GOOD("OPTIONS * HTTP/1.1\r\n" H "\r\n"),
    GOOD("M-SEARCH / HTTP/1.1\r\n" H "\r\n"),
    GOOD("get / HTTP/1.1\r\n" H "\r\n"),
    GOOD("GET http://a/b?c HTTP/1.1\r\n" H "\r\n"),
    GOOD("GET HTTP://A HTTP/1.1\r\n" H "\r\n"),
    GOOD("GET https://a?x HTTP/1.0\r\n\r\n"),
    GOOD("GET /?a=[b]|{c}\"<>^`\\ HTTP/1.1\r\n" H "\r\n"),
    GOOD("GET //a//b/../c HTTP/1.1\r\n" H "\r\n"),
    GOOD("GET /%zz?%00 HTTP/1.1\r\n" H "\r\n"), /* escapes are the exchange's affair */
    /* fields that are right */
    GOOD(G H "Empty:\r\n\r\n"),
    GOOD(G "Host:a\r\n\r\n"),
    GOOD(G "hOST: \t a:8080 \t \r\n\r\n"),
    GOOD(G "Host: [2001:db8::1]:80\r\n\r\n"),
    GOOD(G "Host: [::ffff:192.0.2.1]\r\n\r\n"),
    GOOD(G "Host: a:\r\n\r\n"),
    GOOD(G "Host: a_b-c.~d\r\n\r\n"),
    GOOD(G H "X: caf\xc3\xa9 \x80\xff\r\n\r\n"),
    GOOD(G H "X: a\tb\r\n\r\n"),
    GOOD(G H "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"),
    GOOD(P "Content-Length: 0\r\n\r\n"),
    GOOD(P "Content-Length: 9223372036854775807\r\n\r\n"),
    GOOD(P "Content-Length: 007\r\n\r\n"),
    GOOD(P "Transfer-Encoding: chunked\r\n\r\n"),
    GOOD(P "Transfer-Encoding:\t Chunked \r\n\r\n"),
    GOOD(P "Connection: keep-alive, Upgrade\r\nConnection: close\r\n\r\n"),
    GOOD(P "Expect: 100-continue\r\n\r\n"),
    GOOD(P "Content-Lengths: x\r\nXContent-Length: y\r\n\r\n"),
    GOOD(P "TE: trailers\r\nTrailer: x\r\n\r\n"),
    GOOD(G H "Accept: a\r\nAccept: b\r\nCookie: c\r\nCookie: d\r\n\r\n"),
    GOOD(G H "X-Authorization: a\r\nAuthorization: b\r\nAuthorisation: c\r\n\r\n"),
    /* not complete yet */
    MORE(""),
    MORE("\r"),
    MORE("\r\n"),
    MORE("G"),
    MORE("GET / HTTP/1.1"),
    MORE("GET / HTTP/1.1\r"),
    MORE(G),
    MORE(G H),
    MORE(G H "\r"),
    MORE(G H "X"),
    /* line ends */
    BAD(BARE_LF, "\n"),
    BAD(BARE_LF, "\n" G H "\r\n"),
    BAD(EMPTY_LINES, "\r\n\r\n" G H "\r\n"),
    BAD(EMPTY_LINES, "\r\n\r\n"),
    BAD(BARE_CR, "\rGET / HTTP/1.1\r\n" H "\r\n"),
    BAD(BARE_CR, "\r\r\n"),
    BAD(BARE_LF, "GET / HTTP/1.1\n" H "\r\n"),
    BAD(BARE_LF, "GET / HTTP/1.1\n\n"),
    BAD(BARE_CR, "GET / HTTP/1.1\r" H "\r\n"),
    BAD(BARE_CR, "GET /\rHTTP/1.1\r\n" H "\r\n"),
    BAD(BARE_CR, "GET / HTTP/1.1\r\r\n" H "\r\n"),
    BAD(BARE_LF, G "Host: a\n\r\n"),
    BAD(BARE_LF, G H "\n"),
    BAD(BARE_LF, G H "X: y\n\nGET /smuggled HTTP/1.1\r\n"),
    BAD(BARE_CR, G H "X: y\rZ: w\r\n\r\n"),
    BAD(BARE_CR, G H "X: y\r\r\n\r\n"),
    BAD(BARE_CR, G H "\r\r\n"),
    BAD(BARE_CR, G H "X: y\r Content-Length: 5\r\n\r\n"),
    BAD(BARE_LF, G H "\nX: y\r\n\r\n"),
    /* control bytes */
    BAD(CONTROL, "\x16\x03\x01\x02"),
    BAD(CONTROL, "\0"),
    BAD(CONTROL, "GE\0T / HTTP/1.1\r\n"),
    BAD(CONTROL, "GET /\x01 HTTP/1.1\r\n" H "\r\n"),
    BAD(CONTROL, "GET /\x7f HTTP/1.1\r\n" H "\r\n"),
    BAD(CONTROL, "GET / HTTP/1.1\x0b\r\n" H "\r\n"),
    BAD(CONTROL, G "Host: a\0b\r\n\r\n"),
    BAD(CONTROL, G H "X: \x00\r\n\r\n"),
    BAD(CONTROL, G H "X: a\x0c"
                     "b\r\n\r\n"),
    BAD(CONTROL, G H "X: a\x1f\r\n\r\n"),
    BAD(CONTROL, G H "X: \x7f\r\n\r\n"),
    BAD(CONTROL, G H "X\0: y\r\n\r\n"),
    BAD(CONTROL, G H "Transfer-Encoding: \x0b"
                     "chunked\r\n\r\n"),
    /* request lines */
    BAD(METHOD, " GET / HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD, "G(T / HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD, "GET: / HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD, "\"GET\" / HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD, "G\xc3\x89T / HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD, "GET\t/ HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD, "{}\r\n"),
    BAD(REQUEST_LINE, "GET\r\n" H "\r\n"),
    BAD(REQUEST_LINE, "GET \r\n" H "\r\n"),
    BAD(REQUEST_LINE, "GET /\r\n"),
    BAD(REQUEST_LINE, "GET  / HTTP/1.1\r\n" H "\r\n"),
    BAD(REQUEST_LINE, "GET  HTTP/1.1\r\n" H "\r\n"),
    BAD(VERSION, "GET /  HTTP/1.1\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/1.1 \r\n" H "\r\n"),
    BAD(VERSION, "GET /a b HTTP/1.1\r\n" H "\r\n"),
    BAD(VERSION, "GET / \r\n" H "\r\n"),
    BAD(VERSION, "GET / http/1.1\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/1\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/1.\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/1.10\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/11.\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/1,1\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/x.1\r\n" H "\r\n"),
    BAD(VERSION, "GET / HTTP/1.x\r\n" H "\r\n"),
    BAD(VERSION, "GET / ICY/1.1\r\n" H "\r\n"),
    BAD(VERSION, "GET /x/HTTP/1.1 x\r\n" H "\r\n"),
    BAD(VERSION_MAJOR, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    BAD(VERSION_MAJOR, "GET / HTTP/0.9\r\n\r\n"),
    BAD(VERSION_MAJOR, "GET / HTTP/3.0\r\n" H "\r\n"),
    BAD(METHOD_TUNNEL, "CONNECT a:443 HTTP/1.1\r\n" H "\r\n"),
    BAD(METHOD_TUNNEL, "TRACE / HTTP/1.1\r\n" H "\r\n"),
    /* targets */
    BAD(TARGET_BYTES, "GET /# HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_BYTES, "GET /a?b#c HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_BYTES, "GET /caf\xc3\xa9 HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_BYTES, "GET /\x80 HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_BYTES, "GET /a\tb HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET * HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "OPTIONS ** HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET a HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET a:80 HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET ?a HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET http:/a/ HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET http:///b HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET http:// HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET http://u@a/ HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET http://a:x/ HTTP/1.1\r\n" H "\r\n"),
    BAD(TARGET_FORM, "GET http://a\\b/ HTTP/1.1\r\n" H "\r\n"),
    BAD(HOST_MISMATCH, "GET http://b/ HTTP/1.1\r\n" H "\r\n"),
    BAD(HOST_MISMATCH, "GET http://a:80/ HTTP/1.1\r\n" H "\r\n"),
    BAD(HOST_MISSING, "GET http://a/ HTTP/1.1\r\n\r\n"),
    /* fields */
    BAD(FOLDED, G " X: y\r\n" H "\r\n"),
    BAD(FOLDED, G H "X: y\r\n z\r\n\r\n"),
    BAD(FOLDED, G H "X: y\r\n\tz\r\n\r\n"),
    BAD(FOLDED, G H " \r\n\r\n"),
    BAD(CODING_INVALID, G H "Transfer-Encoding:\r\n chunked\r\n\r\n"),
    BAD(FIELD_NAME, G H ": y\r\n\r\n"),
    BAD(FIELD_NAME, G H "X : y\r\n\r\n"),
    BAD(FIELD_NAME, G H "X\t: y\r\n\r\n"),
    BAD(FIELD_NAME, G H "X\r\n\r\n"),
    BAD(FIELD_NAME, G H "X Y: z\r\n\r\n"),
    BAD(FIELD_NAME, G H "X(: y\r\n\r\n"),
    BAD(FIELD_NAME, G H "X@Y: z\r\n\r\n"),
    BAD(FIELD_NAME, G H "X\xc3\xa9: y\r\n\r\n"),
    BAD(FIELD_NAME, G H "\"X\": y\r\n\r\n"),
    BAD(FIELD_NAME, G H "Transfer-Encoding : chunked\r\n\r\n"),
    BAD(FIELD_NAME, G H "Content-Length\xa0: 5\r\n\r\n"),
    BAD(FIELD_NAME, G H "GET / HTTP/1.1\r\n\r\n"),
    /* Host */
    BAD(HOST_MISSING, G "\r\n"),
    BAD(HOST_MISSING, G "X-Host: a\r\n\r\n"),
    BAD(HOST_MISSING, "GET / HTTP/1.9\r\n\r\n"),
    BAD(HOST_TWICE, G H H "\r\n"),
    BAD(HOST_TWICE, G H "HOST: b\r\n\r\n"),
    BAD(HOST_TWICE, "GET / HTTP/1.0\r\n" H H "\r\n"),
    BAD(HOST_INVALID, G "Host:\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: \r\n\r\n"),
    BAD(HOST_INVALID, "GET / HTTP/1.0\r\nHost:\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a b\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a,b\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a/b\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: u@a\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a?b\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a#b\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a:b\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a:65536\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a:000080\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a:-1\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a:80:80\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: :80\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: [::1\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: []\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: [a]\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: [::1]x\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: [::g]\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: ::1\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: a%00\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: caf\xc3\xa9\r\n\r\n"),
    BAD(HOST_INVALID, G "Host: <a>\r\n\r\n"),
    /* Content-Length */
    BAD(LENGTH_INVALID, P "Content-Length:\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: +5\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: -5\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 5,5\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 5, 5\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 5 5\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 0x5\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 5.0\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 1e3\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: \"5\"\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 5;\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 9223372036854775808\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 18446744073709551617\r\n\r\n"),
    BAD(LENGTH_INVALID, P "Content-Length: 99999999999999999999999\r\n\r\n"),
    BAD(LENGTH_TWICE, P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    BAD(LENGTH_TWICE, P "Content-Length: 5\r\ncontent-length: 6\r\n\r\n"),
    /* Content-Type */
    BAD(TYPE_TWICE, P "Content-Type: text/plain\r\ncontent-type: text/plain\r\n\r\n"),
    BAD(TYPE_TWICE, P "Content-Type:\r\nContent-Type: application/json\r\n\r\n"),
    BAD(TYPE_TWICE, P "Content-Type: application/json\r\nContent-Type:\r\n\r\n"),
    BAD(AUTHORIZATION_TWICE, G H "Authorization: Basic YQ==\r\nauthorization: Bearer b\r\n\r\n"),
    BAD(AUTHORIZATION_TWICE, G H "Authorization: x\r\nAuthorization:\r\n\r\n"),
    /* Transfer-Encoding */
    BAD(CODING_INVALID, P "Transfer-Encoding:\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: identity\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: gzip\r\n\r\n"),
    BAD(CODING_UNKNOWN, P "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    BAD(CODING_UNKNOWN, P "Transfer-Encoding: a ,\tb,Chunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: gzip;q=1, chunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: gzip,, chunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunked, gzip, chunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: gzip, chunked,\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunked, identity\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunked, chunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunked,\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: ,chunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunked;q=1\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: \"chunked\"\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: xchunked\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunke\r\n\r\n"),
    BAD(CODING_INVALID, P "Transfer-Encoding: chunked \xa0\r\n\r\n"),
    BAD(CODING_TWICE, P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(CODING_TWICE, P "Transfer-Encoding: chunked\r\nTRANSFER-ENCODING: identity\r\n\r\n"),
    BAD(CODING_VERSION, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(LENGTH_AND_CODING, P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(LENGTH_AND_CODING, P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    BAD(LENGTH_AND_CODING, P "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
};

static struct cz__h1_field fields[FIELDS];

static cz_status expected_status(const struct head_case *c)
{
    return c->more ? CZ_EAGAIN : cz__h1_rule_error(c->rule, NULL);
}

static bool same(const struct cz__h1_head *a, const struct cz__h1_head *b)
{
    return memcmp(&a->state, &b->state, sizeof *a - offsetof(struct cz__h1_head, state)) == 0;
}

CZ_TEST(a_request_head_is_judged_by_the_rfc)
{
    size_t bad = 0;
    for (size_t n = 0; n < CZ_COUNT(cases); n++) {
        struct cz__h1_head head = { 0 };
        cz__h1_head_init(&head, &(cz_http_limits){ 0 }, fields);
        cz_status status = cz__h1_head_feed(&head, cases[n].in);
        CZ_EXPECT_MSG(status == expected_status(&cases[n]) && head.rule == cases[n].rule,
                      "case %zu gave %s, rule %d: %.*s", n, cz_status_name(status), head.rule,
                      CZ_STR_ARG(cases[n].in));
        if (status == CZ_OK)
            CZ_EXPECT_EQ(head.bytes, cases[n].in.len);
        bad += cases[n].rule != CZ__H1_NONE;
    }
    CZ_EXPECT(bad * 2 > CZ_COUNT(cases) && CZ_COUNT(cases) >= 120);
}

/* Feed it in pieces, each time from memory of its own exact size, so a read past the end or of where the
 * bytes were before is seen by the sanitizer. */
static cz_status feed_at(struct cz__h1_head *head, cz_str in, size_t len)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, in.ptr, len);
    cz_status status = cz__h1_head_feed(head, cz_str_of(copy, len));
    free(copy);
    return status;
}

CZ_TEST(a_request_head_means_the_same_wherever_the_network_cuts_it)
{
    static struct cz__h1_field other[FIELDS];
    for (size_t n = 0; n < CZ_COUNT(cases); n++) {
        cz_str in = cases[n].in;
        struct cz__h1_head whole = { 0 }, head = { 0 };
        cz__h1_head_init(&whole, &(cz_http_limits){ 0 }, fields);
        cz_status expected = feed_at(&whole, in, in.len);
        for (size_t cut = 0; cut <= in.len; cut++) {
            cz__h1_head_init(&head, &(cz_http_limits){ 0 }, other);
            cz_status status = feed_at(&head, in, cut);
            if (status == CZ_EAGAIN)
                status = feed_at(&head, in, in.len);
            CZ_EXPECT_MSG(status == expected && same(&head, &whole), "case %zu cut at %zu", n, cut);
            CZ_EXPECT(memcmp(fields, other, head.field_count * sizeof *fields) == 0);
        }
        cz__h1_head_init(&head, &(cz_http_limits){ 0 }, other);
        cz_status status = CZ_EAGAIN;
        for (size_t len = 0; len <= in.len && status == CZ_EAGAIN; len++)
            status = feed_at(&head, in, len);
        CZ_EXPECT_MSG(status == expected && same(&head, &whole), "case %zu byte by byte", n);
    }
}

CZ_TEST(a_request_head_is_taken_apart)
{
    cz_str in =
        CZ_STR("\r\nPATCH http://a.example:8000/b%20c?d=e?f HTTP/1.1\r\nhost: A.example:8000\r\n"
               "Content-Type: \t text/plain \r\nX-Empty: \r\nContent-Length: 12\r\n"
               "Expect: 100-Continue\r\nConnection: x, Close\r\n\r\nbody");
    struct cz__h1_head head;
    cz__h1_head_init(&head, &(cz_http_limits){ 0 }, fields);
    CZ_REQUIRE_OK(cz__h1_head_feed(&head, in));
    CZ_EXPECT_EQ(head.method, CZ_METHOD_PATCH);
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, head.method_text), "PATCH");
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, head.target), "http://a.example:8000/b%20c?d=e?f");
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, head.path), "/b%20c");
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, head.query), "d=e?f");
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, head.host), "A.example:8000");
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, head.content_type), "text/plain");
    CZ_EXPECT_EQ(head.field_count, 6);
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, fields[2].name), "X-Empty");
    CZ_EXPECT_STR(cz__h1_span_str(in.ptr, fields[2].value), "");
    CZ_EXPECT_EQ(head.content_length, 12);
    CZ_EXPECT(head.path_is_escaped && head.expect_continue && !head.expect_unknown);
    CZ_EXPECT(head.connection_close && !cz__h1_head_keep_alive(&head));
    CZ_EXPECT_EQ(head.bytes, in.len - 4);
}

CZ_TEST(connections_stay_open_as_version_and_client_say)
{
    static const struct {
        const char *version, *connection;
        bool open;
    } rows[] = {
        { "1.1", "", true },
        { "1.1", "Connection: close\r\n", false },
        { "1.1", "Connection: keep-alive\r\n", true },
        { "1.1", "Connection: keep-alive\r\nConnection: Close\r\n", false },
        { "1.1", "Connection: closed\r\n", true },
        { "1.0", "", false },
        { "1.0", "Connection: Keep-Alive\r\n", true },
        { "1.0", "Connection: foo ,\tkeep-alive\r\n", true },
        { "1.0", "Connection: keep-alive, close\r\n", false },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        cz_buf in = { 0 };
        cz_buf_printf(&in, "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", rows[n].version,
                      rows[n].connection);
        struct cz__h1_head head;
        cz__h1_head_init(&head, &(cz_http_limits){ 0 }, fields);
        CZ_EXPECT_EQ(cz__h1_head_feed(&head, cz_buf_str(&in)), CZ_OK);
        CZ_EXPECT_MSG(cz__h1_head_keep_alive(&head) == rows[n].open, "row %zu", n);
        cz_buf_done(&in);
    }
}

CZ_TEST(expectations_other_than_100_continue_are_told_apart)
{
    static const struct {
        const char *lines;
        bool known, unknown;
    } rows[] = {
        { "1.1\r\nExpect: 100-continue", true, false },
        { "1.1\r\nExpect: 100-continue, x", false, true },
        { "1.1\r\nExpect: 200-ok", false, true },
        { "1.1\r\nExpect:", false, true },
        { "1.1\r\nExpect: 100-continue\r\nExpect: x", true, true },
        { "1.0\r\nExpect: 100-continue", false, false },
        { "1.0\r\nExpect: x", false, false },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        cz_buf in = { 0 };
        cz_buf_printf(&in, "POST / HTTP/%s\r\nHost: a\r\n\r\n", rows[n].lines);
        struct cz__h1_head head;
        cz__h1_head_init(&head, &(cz_http_limits){ 0 }, fields);
        CZ_EXPECT_EQ(cz__h1_head_feed(&head, cz_buf_str(&in)), CZ_OK);
        CZ_EXPECT_MSG(head.expect_continue == rows[n].known, "row %zu", n);
        CZ_EXPECT_MSG(head.expect_unknown == rows[n].unknown, "row %zu", n);
        cz_buf_done(&in);
    }
}

/* `before`, then `count` times `filler`, then `after`. */
static enum cz__h1_rule rule_of(const char *before, const char *filler, size_t count,
                                const char *after, const cz_http_limits *limits)
{
    cz_buf in = { 0 };
    struct cz__h1_head head;
    cz_buf_append_str(&in, cz_str_from(before));
    for (size_t i = 0; i < count; i++)
        cz_buf_append_str(&in, cz_str_from(filler));
    cz_buf_append_str(&in, cz_str_from(after));
    cz__h1_head_init(&head, limits, fields);
    cz_status whole = cz__h1_head_feed(&head, cz_buf_str(&in));
    enum cz__h1_rule rule = (enum cz__h1_rule)head.rule;
    cz__h1_head_init(&head, limits, fields);
    cz_status status = CZ_EAGAIN;
    for (size_t len = 1; len <= in.len && status == CZ_EAGAIN; len++)
        status = cz__h1_head_feed(&head, cz_str_of(in.ptr, len));
    CZ_EXPECT_EQ(status, whole);
    CZ_EXPECT_EQ(head.rule, rule);
    cz_buf_done(&in);
    return status == CZ_EAGAIN ? CZ__H1_RULE_COUNT : rule;
}

CZ_TEST(each_limit_of_a_head_holds_to_the_byte)
{
    const cz_http_limits standard = { 0 };
    const char *line = " HTTP/1.1\r\n" H "\r\n"; /* "GET /" and " HTTP/1.1" are 14 bytes */
    CZ_EXPECT_EQ(rule_of("GET /", "a", 8192 - 14, line, &standard), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of("GET /", "a", 8192 - 13, line, &standard), CZ__H1_LINE_TOO_LONG);
    CZ_EXPECT_EQ(rule_of("\r\nGET /", "a", 8192 - 14, line, &standard), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of("GET /", "a", 8192 - 5, "", &standard), CZ__H1_RULE_COUNT);
    CZ_EXPECT_EQ(rule_of("GET /", "a", 8192 - 4, "", &standard), CZ__H1_LINE_TOO_LONG);
    /* "Host: a\r\n", "X: ", "\r\n" and "\r\n" are 16 bytes of the fields */
    CZ_EXPECT_EQ(rule_of(G H "X: ", "a", 32768 - 16, "\r\n\r\n", &standard), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of(G H "X: ", "a", 32768 - 15, "\r\n\r\n", &standard),
                 CZ__H1_HEADERS_TOO_LONG);
    CZ_EXPECT_EQ(rule_of(G H "X: ", "a", 40000, "", &standard), CZ__H1_HEADERS_TOO_LONG);
    CZ_EXPECT_EQ(rule_of(G H, "a", 40000, "", &standard), CZ__H1_HEADERS_TOO_LONG);
    CZ_EXPECT_EQ(rule_of(G H, "X:\r\n", 99, "\r\n", &standard), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of(G H, "X:\r\n", 100, "\r\n", &standard), CZ__H1_TOO_MANY_HEADERS);
    const cz_http_limits small = { .request_line_bytes = 20,
                                   .header_bytes = 20,
                                   .header_count = 2 };
    CZ_EXPECT_EQ(rule_of("GET /", "a", 6, line, &small), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of("GET /", "a", 7, line, &small), CZ__H1_LINE_TOO_LONG);
    CZ_EXPECT_EQ(rule_of(G H, "X:y\r\n", 1, "\r\n", &small), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of(G H "X:", "y", 5, "\r\n\r\n", &small), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of(G H "X:", "y", 6, "\r\n\r\n", &small), CZ__H1_HEADERS_TOO_LONG);
    CZ_EXPECT_EQ(rule_of(G H, "X:\r\n", 2, "\r\n", &small), CZ__H1_TOO_MANY_HEADERS);
}

CZ_TEST(every_refusal_has_a_status_and_a_sentence)
{
    for (int rule = CZ__H1_NONE + 1; rule < CZ__H1_RULE_COUNT; rule++) {
        cz_error err = { .status = CZ_OK };
        cz_status status = cz__h1_rule_error((enum cz__h1_rule)rule, &err);
        CZ_EXPECT(status != CZ_OK && status == err.status && strlen(err.message) > 10);
        CZ_EXPECT(err.http_status >= 400 && err.http_status < 600);
    }
}

CZ_TEST(the_scans_for_control_bytes_agree_on_every_byte_at_every_place)
{
    char text[48];
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < sizeof text; at++)
            for (size_t from = 0; from <= at; from += 5) {
                memset(text, 0xe9, sizeof text);
                text[at] = (char)c;
                const char *end = text + sizeof text,
                           *expected = cz__is_ctl((unsigned char)c) ? text + at : end;
                CZ_EXPECT(cz__scan_ctl(text, text + from, end) == expected);
                CZ_EXPECT(cz__scan_ctl(text + from, text + from, end) == expected);
                CZ_EXPECT(cz__scan_ctl_words(text + from, end) == expected);
            }
}
