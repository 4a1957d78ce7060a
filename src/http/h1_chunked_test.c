#include "http/h1_chunked.h"
#include <calzone/testing.h>
#include <stdlib.h>

struct chunked_case {
    cz_str in;
    const char *body; /* NULL: more is needed */
    enum cz__h1_rule rule;
    size_t left; /* bytes that are the next request's */
};

#define GOOD(body, text, left)                                                                     \
    {                                                                                              \
        CZ_STR(text), body, CZ__H1_NONE, left                                                      \
    }
#define MORE(text)                                                                                 \
    {                                                                                              \
        CZ_STR(text), NULL, CZ__H1_NONE, 0                                                         \
    }
#define BAD(rule, text)                                                                            \
    {                                                                                              \
        CZ_STR(text), NULL, CZ__H1_##rule, 0                                                       \
    }
#define T16 "0123456789abcdef"
#define T256 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16 T16

static const struct chunked_case cases[] = {
    GOOD("", "0\r\n\r\n", 0),
    GOOD("", "0\r\n\r\nGET /", 5),
    GOOD("", "0000000000000000\r\n\r\n", 0),
    GOOD("hello", "5\r\nhello\r\n0\r\n\r\n", 0),
    GOOD("hello", "0000000000000005\r\nhello\r\n0\r\n\r\n", 0),
    GOOD("hello world", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nnext", 4),
    GOOD(T16, "10\r\n" T16 "\r\n0\r\n\r\n", 0),
    GOOD("0123456789", "A\r\n0123456789\r\n0\r\n\r\n", 0),
    GOOD("0123456789", "a\r\n0123456789\r\n00\r\n\r\n", 0),
    GOOD("\r\n0\r\n", "5\r\n\r\n0\r\n\r\n0\r\n\r\n", 0),
    GOOD("x", "1;a\r\nx\r\n0;b=c\r\n\r\n", 0),
    GOOD("x", "1 ; a=\"b;c\"\t\r\nx\r\n0\r\n\r\n", 0),
    GOOD("x", "1;" T256 "\r\nx\r\n0\r\n\r\n", 0),
    GOOD("x", "1;caf\xc3\xa9\r\nx\r\n0\r\n\r\n", 0),
    GOOD("x", "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\nmore", 4),
    GOOD("x", "1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n", 0), /* a trailer never counts */
    MORE(""),
    MORE("5"),
    MORE("5\r"),
    MORE("5\r\n"),
    MORE("5\r\nhell"),
    MORE("5\r\nhello"),
    MORE("5\r\nhello\r"),
    MORE("5\r\nhello\r\n"),
    MORE("5\r\nhello\r\n0\r\n"),
    MORE("5\r\nhello\r\n0\r\n\r"),
    MORE("0\r\nA: b\r\n"),
    BAD(CHUNK_SIZE, "\r\n"),
    BAD(CHUNK_SIZE, "\n"),
    BAD(CHUNK_SIZE, ";a\r\n"),
    BAD(CHUNK_SIZE, " 5\r\nhello\r\n"),
    BAD(CHUNK_SIZE, "g\r\n"),
    BAD(CHUNK_SIZE, "0x5\r\nhello\r\n"),
    BAD(CHUNK_SIZE, "+5\r\nhello\r\n"),
    BAD(CHUNK_SIZE, "-5\r\nhello\r\n"),
    BAD(CHUNK_SIZE, "5_0\r\n"),
    BAD(CHUNK_SIZE, "5,5\r\n"),
    BAD(CHUNK_SIZE, "5\0\r\n"),
    BAD(CHUNK_SIZE, "00000000000000005\r\nhello\r\n"),
    BAD(CHUNK_SIZE, "5\r\nhello\r\n\r\n"),
    BAD(CHUNK_LINE, "5\nhello\r\n"),
    BAD(CHUNK_LINE, "5\rhello\r\n"),
    BAD(CHUNK_LINE, "5\r\rhello\r\n"),
    BAD(CHUNK_LINE, "0\n\r\n"),
    BAD(CHUNK_LINE, "5;a\nhello\r\n"),
    BAD(CHUNK_LINE, "5;a\rhello\r\n"),
    BAD(CHUNK_LINE, "5 \n"),
    BAD(CHUNK_EXTENSION, "5 \r\nhello\r\n"),
    BAD(CHUNK_EXTENSION, "5 5\r\nhello\r\n"),
    BAD(CHUNK_EXTENSION, "5;a\0\r\nhello\r\n"),
    BAD(CHUNK_EXTENSION, "5;a\x7f\r\nhello\r\n"),
    BAD(CHUNK_EXTENSION, "5\tx\r\n"),
    BAD(CHUNK_EXTENSION_BYTES, "1;" T256 "x\r\nx\r\n0\r\n\r\n"),
    BAD(CHUNK_EXTENSION_BYTES, "1;" T256 "x"),
    BAD(CHUNK_DATA, "5\r\nhellox\r\n"),
    BAD(CHUNK_DATA, "5\r\nhello\n"),
    BAD(CHUNK_DATA, "5\r\nhello\rx"),
    BAD(CHUNK_DATA, "5\r\nhello0\r\n\r\n"),
    BAD(CHUNK_DATA, "3\r\nhello\r\n0\r\n\r\n"),
    BAD(BODY_TOO_LONG, "3e9\r\n"),
    BAD(BODY_TOO_LONG, "ffffffffffffffff\r\n"),
    BAD(BODY_TOO_LONG, "8000000000000000\r\n"),
    BAD(BODY_TOO_LONG, "5\r\nhello\r\n3e8\r\n"),
    BAD(BODY_TOO_LONG, "5\r\nhello\r\nfffffffffffffffb\r\n"),
    BAD(TRAILER, "0\r\n\n"),
    BAD(TRAILER, "0\r\n\rx"),
    BAD(TRAILER, "0\r\n: b\r\n\r\n"),
    BAD(TRAILER, "0\r\nA\r\n\r\n"),
    BAD(TRAILER, "0\r\nA : b\r\n\r\n"),
    BAD(TRAILER, "0\r\n A: b\r\n\r\n"),
    BAD(TRAILER, "0\r\nA: b\r\n c\r\n\r\n"),
    BAD(TRAILER, "0\r\nA: b\n\r\n"),
    BAD(TRAILER, "0\r\nA: b\rC: d\r\n\r\n"),
    BAD(TRAILER, "0\r\nA: \0\r\n\r\n"),
    BAD(TRAILER, "0\r\nGET / HTTP/1.1\r\n"),
};

struct result {
    cz_status status;
    enum cz__h1_rule rule;
    char body[1024];
    size_t body_len, used;
};

/* Decode in pieces that end at `cut`, or byte by byte with SIZE_MAX. */
static struct result decode(cz_str in, size_t cut)
{
    struct result result = { .status = CZ_EAGAIN };
    struct cz__h1_chunked chunked;
    cz__h1_chunked_init(&chunked, 1000);
    size_t at = 0;
    do {
        size_t end = cut == SIZE_MAX ? at + 1 : at < cut ? cut : in.len;
        size_t len = (end < in.len ? end : in.len) - at, used, decoded;
        char *piece = malloc(len ? len : 1);
        memcpy(piece, in.ptr + at, len);
        result.status = cz__h1_chunked_feed(&chunked, piece, len, &used, &decoded);
        cz_assert(decoded <= used && used <= len &&
                  result.body_len + decoded <= sizeof result.body);
        memcpy(result.body + result.body_len, piece, decoded);
        free(piece);
        result.body_len += decoded;
        result.used += used;
        at += len;
    } while (result.status == CZ_EAGAIN && at < in.len);
    result.rule = (enum cz__h1_rule)chunked.rule;
    return result;
}

static void expect_case(size_t n, size_t cut)
{
    const struct chunked_case *c = &cases[n];
    struct result result = decode(c->in, cut);
    cz_status expected = c->rule ? cz__h1_rule_error(c->rule, NULL) : c->body ? CZ_OK : CZ_EAGAIN;
    CZ_EXPECT_MSG(result.status == expected && result.rule == c->rule,
                  "case %zu cut at %zu: %s, rule %d", n, cut, cz_status_name(result.status),
                  result.rule);
    if (!c->body || result.status)
        return;
    CZ_EXPECT_MSG(cz_str_eq(cz_str_of(result.body, result.body_len), cz_str_from(c->body)),
                  "case %zu cut at %zu: body %.*s", n, cut, (int)result.body_len, result.body);
    CZ_EXPECT_MSG(result.used == c->in.len - c->left, "case %zu cut at %zu: used %zu", n, cut,
                  result.used);
}

CZ_TEST(a_chunked_body_means_the_same_wherever_the_network_cuts_it)
{
    size_t bad = 0;
    for (size_t n = 0; n < CZ_COUNT(cases); n++) {
        for (size_t cut = 0; cut <= cases[n].in.len; cut++)
            expect_case(n, cut);
        expect_case(n, SIZE_MAX);
        bad += cases[n].rule != CZ__H1_NONE;
    }
    CZ_EXPECT(bad * 2 > CZ_COUNT(cases));
}

static enum cz__h1_rule rule_of_repeated(const char *before, const char *piece, size_t count)
{
    struct cz__h1_chunked chunked;
    cz_buf in = { 0 };
    size_t used, decoded;
    cz__h1_chunked_init(&chunked, 1 << 20);
    cz_buf_append_str(&in, cz_str_from(before));
    for (size_t i = 0; i < count; i++)
        cz_buf_append_str(&in, cz_str_from(piece));
    cz_ignore(cz__h1_chunked_feed(&chunked, in.ptr, in.len, &used, &decoded)); /* the rule tells */
    cz_buf_done(&in);
    return (enum cz__h1_rule)chunked.rule;
}

CZ_TEST(extensions_and_trailers_are_bounded_over_a_whole_body)
{
    CZ_EXPECT_EQ(rule_of_repeated("", "1;" T256 "\r\nx\r\n", 32), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of_repeated("", "1;" T256 "\r\nx\r\n", 33), CZ__H1_CHUNK_EXTENSION_BYTES);
    CZ_EXPECT_EQ(rule_of_repeated("0\r\n", "A: bcd\r\n", 1024), CZ__H1_NONE);
    CZ_EXPECT_EQ(rule_of_repeated("0\r\n", "A: bcd\r\n", 1025), CZ__H1_TRAILER_BYTES);
}
