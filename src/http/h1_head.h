/* http/h1_head.h: the head of an HTTP/1 request, parsed strictly (RFC 9112, sections 2 to 6).
 *
 *     head         = [ CRLF ] request-line CRLF *( field-line CRLF ) CRLF
 *     request-line = method SP request-target SP "HTTP/" DIGIT "." DIGIT
 *     field-line   = token ":" OWS field-value OWS
 *
 * Where the RFC lets a recipient be lenient (bare LF, obs-fold, white space) this parser refuses: two
 * parties that read one message differently is how requests are smuggled. The answer is the same wherever
 * the network cuts the bytes, no byte is scanned twice for line ends, and everything is bounded.
 */
#ifndef CZ_HTTP_H1_HEAD_H
#define CZ_HTTP_H1_HEAD_H

#include <calzone/http.h>

/* What a request can be refused for: the status, the answer and the sentence in answer and log. */
#define CZ__H1_RULE_MAP(X)                                                                         \
    X(NONE, OK, 200, "")                                                                           \
    X(BARE_CR, EPROTOCOL, 400, "a CR in the head is not followed by LF")                           \
    X(BARE_LF, EPROTOCOL, 400, "a line of the head ends in a bare LF")                             \
    X(CONTROL, EPROTOCOL, 400, "a control byte in the head")                                       \
    X(EMPTY_LINES, EPROTOCOL, 400, "more than one empty line before the request line")             \
    X(LINE_TOO_LONG, ETOOBIG, 414, "the request line is longer than HTTP_REQUEST_LINE_MAX")        \
    X(HEADERS_TOO_LONG, ETOOBIG, 431, "the header fields are longer than HTTP_HEADER_BYTES_MAX")   \
    X(TOO_MANY_HEADERS, ETOOBIG, 431, "more header fields than HTTP_HEADER_COUNT_MAX")             \
    X(REQUEST_LINE, EPROTOCOL, 400, "the request line is not 'method target HTTP/1.1'")            \
    X(METHOD, EPROTOCOL, 400, "the method is not a token")                                         \
    X(TARGET_BYTES, EPROTOCOL, 400, "the target has a byte that must be percent-encoded, or '#'")  \
    X(TARGET_FORM, EPROTOCOL, 400, "the target is neither a path nor an http URI")                 \
    X(TARGET_ESCAPE, EPROTOCOL, 400, "the path has a malformed percent escape or an escaped NUL")  \
    X(TARGET_UTF8, EPROTOCOL, 400, "the path is not UTF-8")                                        \
    X(VERSION, EPROTOCOL, 400, "the version is not HTTP/1.0 or HTTP/1.1")                          \
    X(VERSION_MAJOR, EUNSUPPORTED, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here")              \
    X(METHOD_TUNNEL, EUNSUPPORTED, 501, "CONNECT and TRACE are not supported")                     \
    X(FOLDED, EPROTOCOL, 400, "a header line begins with white space (obs-fold)")                  \
    X(FIELD_NAME, EPROTOCOL, 400, "a header name is empty, not a token, or not followed by ':'")   \
    X(HOST_MISSING, EPROTOCOL, 400, "an HTTP/1.1 request without Host")                            \
    X(HOST_TWICE, EPROTOCOL, 400, "more than one Host header")                                     \
    X(HOST_INVALID, EPROTOCOL, 400, "Host is not a name or address with an optional port")         \
    X(HOST_MISMATCH, EPROTOCOL, 400, "Host differs from the host in the target")                   \
    X(LENGTH_TWICE, EPROTOCOL, 400, "more than one Content-Length")                                \
    X(LENGTH_INVALID, EPROTOCOL, 400, "Content-Length is not a number below 2^63")                 \
    X(LENGTH_AND_CODING, EPROTOCOL, 400, "both Content-Length and Transfer-Encoding")              \
    X(TYPE_TWICE, EPROTOCOL, 400, "more than one Content-Type")                                    \
    X(AUTHORIZATION_TWICE, EPROTOCOL, 400, "more than one Authorization")                          \
    X(CODING_TWICE, EPROTOCOL, 400, "more than one Transfer-Encoding")                             \
    X(CODING_INVALID, EPROTOCOL, 400, "Transfer-Encoding is not exactly 'chunked'")                \
    X(CODING_UNKNOWN, EUNSUPPORTED, 501, "no transfer coding but 'chunked' is understood")         \
    X(CODING_VERSION, EPROTOCOL, 400, "Transfer-Encoding in an HTTP/1.0 request")                  \
    X(CHUNK_SIZE, EPROTOCOL, 400, "a chunk size is not 1 to 16 hexadecimal digits")                \
    X(CHUNK_EXTENSION, EPROTOCOL, 400, "a chunk extension is malformed")                           \
    X(CHUNK_EXTENSION_BYTES, ETOOBIG, 413,                                                         \
      "chunk extensions over 256 bytes a chunk or 8 KiB in all")                                   \
    X(CHUNK_LINE, EPROTOCOL, 400, "a chunk line does not end in CRLF")                             \
    X(CHUNK_DATA, EPROTOCOL, 400, "a chunk's data does not end in CRLF")                           \
    X(TRAILER, EPROTOCOL, 400, "a trailer field is malformed")                                     \
    X(TRAILER_BYTES, ETOOBIG, 431, "the trailer is longer than 8 KiB")                             \
    X(BODY_TOO_LONG, ETOOBIG, 413, "the body is longer than HTTP_BODY_MAX or its route takes")

enum cz__h1_rule {
#define X(name, status, http, text) CZ__H1_##name,
    CZ__H1_RULE_MAP(X)
#undef X
        CZ__H1_RULE_COUNT
};

/* Fill `err` with what the rule says. Returns its status. */
cz_status cz__h1_rule_error(enum cz__h1_rule rule, cz_error *err);

struct cz__h1_span {
    uint32_t at, len; /* from the first byte of the head */
};

struct cz__h1_field {
    struct cz__h1_span name, value;
};

struct cz__h1_head {
    /* set by cz__h1_head_init() */
    uint32_t line_bytes_max, header_bytes_max, field_count_max;
    struct cz__h1_field *fields; /* borrowed; room for field_count_max */

    /* where it is */
    uint8_t state;
    uint8_t rule; /* enum cz__h1_rule: why it was refused */
    bool skipped_empty_line;
    uint32_t position; /* what lies before it was looked at */
    uint32_t line;     /* where the current line begins */
    uint32_t block;    /* where the header lines begin */

    /* what it said; complete at CZ_OK, and as far as it came at a refusal */
    uint8_t method; /* cz_method */
    uint8_t version_minor;
    bool has_host, has_length, has_type, has_authorization, has_coding, has_expect;
    bool connection_close, connection_keep_alive, connection_upgrade;
    bool expect_continue, expect_unknown;
    bool path_is_escaped;
    struct cz__h1_span method_text, target, path, query, authority, host, content_type;
    uint64_t content_length; /* 0 without has_length */
    uint32_t field_count;
    uint32_t bytes; /* of the whole head, with the empty line */
};

/* Begin a head. `fields` has room for limits->header_count entries; zero limits mean the defaults of
 * cz_http_limits. */
void cz__h1_head_init(struct cz__h1_head *head, const cz_http_limits *limits,
                      struct cz__h1_field *fields);

/* Begin the next head with the same limits and fields. */
void cz__h1_head_reset(struct cz__h1_head *head);

/* Parse on. `in` is all that has arrived from the head's first byte on; it may lie elsewhere than at the
 * last call, and what was there then must be unchanged. Returns CZ_OK when the head is complete
 * (head->bytes of it), CZ_EAGAIN when more is needed.
 * Errors: CZ_EPROTOCOL, CZ_ETOOBIG, CZ_EUNSUPPORTED: head->rule says why; the connection is to be closed. */
CZ_NODISCARD cz_status cz__h1_head_feed(struct cz__h1_head *head, cz_str in);

/* Whether the connection stays open after this request, as far as the client has a say (9112, 9.3). */
static inline bool cz__h1_head_keep_alive(const struct cz__h1_head *head)
{
    if (head->connection_close)
        return false;
    return head->version_minor > 0 || head->connection_keep_alive;
}

static inline cz_str cz__h1_span_str(const char *bytes, struct cz__h1_span span)
{
    return cz_str_of(bytes + span.at, span.len);
}

/* Whether `name` is a token, and so a field name or a method (RFC 9110, 5.6.2). */
bool cz__http_is_token(cz_str name);
/* Whether `host` is a DNS name, an IPv4 address or a bracketed IPv6 address, with an optional port. */
bool cz__http_is_host(cz_str host);

#endif
