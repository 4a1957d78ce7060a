/* calzone/http.h: requests and responses.
 *
 * A cz_request is one HTTP request with its body already read (within the limits) and the response to
 * be. Everything in it lives until the request ends; its text points into the connection's buffer or the
 * request's arena. One fiber uses it at a time.
 *
 * The response is built in the request: status, headers, body. It leaves when the handler and all
 * middleware have returned, so each of them may still change it.
 */
#ifndef CALZONE_HTTP_H
#define CALZONE_HTTP_H

#include <calzone/buf.h>
#include <calzone/context.h>
#include <calzone/files.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CZ_METHOD_MAP(X) X(GET) X(HEAD) X(POST) X(PUT) X(PATCH) X(DELETE) X(OPTIONS)

typedef enum cz_method {
#define X(name) CZ_METHOD_##name,
    CZ_METHOD_MAP(X)
#undef X
        CZ_METHOD_COUNT,
    CZ_METHOD_OTHER =
        CZ_METHOD_COUNT /* a well-formed method not in the list: answered with 501 by the
                                         server, no handler sees it */
} cz_method;

/* "GET"; "" for CZ_METHOD_OTHER. */
const char *cz_method_name(cz_method method);

typedef struct cz_header {
    cz_str name;  /* as sent */
    cz_str value; /* without surrounding white space */
} cz_header;

struct cz_request;
/* Sends a body piece by piece; see cz_respond_stream(). */
typedef void (*cz_stream_fn)(cz_ctx *ctx, struct cz_request *req, void *arg);

typedef struct cz_response {
    int status;          /* 200 until set */
    cz_str content_type; /* empty: no Content-Type header */
    cz_buf *body;        /* where the body is written; never NULL */
    cz_header *headers;  /* further headers, in order; in the arena */
    uint32_t header_count, header_cap;
    cz_str header_lines; /* lines sent after the headers, each whole with its CRLF: static, and put
                                  there by middleware that sends the same every time */
    cz_stream_fn stream; /* sends the body instead; see cz_respond_stream() */
    void *stream_arg;
    bool stream_counted;   /* private: the stream has stream_bytes, as its head says */
    uint64_t stream_bytes; /* private */
    /* private: what cz_stream_write() gives its pieces to, with stream_arg; NULL: they go as they are */
    void (*stream_filter)(cz_ctx *ctx, struct cz_request *req, cz_str piece, void *arg);
    struct cz__ws_upgrade
        *upgrade;     /* private: the 101 of a WebSocket (websocket.h), and what comes after it */
    bool sent;        /* the handler has answered: set by every cz_respond*() */
    bool close;       /* close the connection after this answer */
    bool raised;      /* something was raised, of which the answer tells; set by routing */
    cz_str body_text; /* a body that needs no copy (static or in the arena); used when set and
                                  `body` is empty */
} cz_response;

typedef struct cz_param { /* a path parameter, converted */
    cz_str name;
    cz_str text;     /* percent-decoded */
    int64_t integer; /* int converters */
    bool is_integer;
    uint8_t uuid[16]; /* uuid converters */
} cz_param;

typedef struct cz_request {
    cz_method method;
    cz_str method_text; /* "GET" */
    cz_str target;      /* as sent: "/books/?page=2" */
    cz_str path;   /* percent-decoded, "/books/"; valid UTF-8, no NUL, begins with "/" or is "*" */
    cz_str query;  /* as sent, without "?" */
    cz_str host;   /* Host header, lower-case not applied; empty for HTTP/1.0 without one */
    cz_str scheme; /* "http" or "https" */
    cz_str client_address; /* "192.0.2.1" or "2001:db8::1" */
    cz_str
        client_certificate; /* whose it is, "CN=till 7,O=Shop" (RFC 2253), when TLS verified one; empty: none */
    cz_str content_type; /* the Content-Type header; empty when there is none */
    cz_str
        body; /* decoded body, whole; empty where the route has .body_streamed: cz_request_body() */
    const cz_header *headers; /* each name once, in the order they came first */
    uint32_t header_count;
    uint8_t version_major; /* 1 or 2 */
    uint8_t version_minor; /* of HTTP/1.x */
    int64_t started_us;    /* cz_monotonic_us() when its head was complete */
    bool authenticates;    /* schemes were asked who calls (authentication.h) */
    /* private: its credentials, which none of these schemes reads and nothing else has yet; NULL: it has none */
    const struct cz_authentication *unread;
    cz_response response;

    cz_str trailer;    /* private: lines behind the body, once all of it has come */
    bool streams_body; /* private: it is read as it comes */
    bool
        connects; /* private: a WebSocket's over HTTP/2, whose method is GET as over HTTP/1 and whose method_text CONNECT */
    size_t body_given;          /* private: of a whole one, what cz_body_read() has given */
    const struct cz_form *form; /* private: what cz_request_form() read; NULL: nothing yet */
    /* set by views: what reads the body, and what makes another format of a JSON answer */
    const struct cz_parsers *parsers;
    void (*render)(cz_ctx *ctx, struct cz_request *req);
    const struct cz_renderer *renderer;
    const struct cz__throttle_layer *throttles; /* private: asked by the view (throttling.h) */
    /* private: the versions it was asked which of them it wants, that one, and by which scheme (versioning.h) */
    const struct cz_versions *versions;
    const struct cz_version *version;
    int version_scheme;

    /* set by routing */
    cz_param params[8];
    uint32_t param_count;
    const struct cz_route *route;        /* NULL until one matched */
    const struct cz__route_entry *entry; /* private: the compiled route */
    void *view_data;                     /* the route's: a viewset */
    int view_action;
} cz_request;

/* The header with this name, compared without case; empty when there is none, which cz_request_has_header() tells from one
 * that is empty. What came on several lines is one value, as in Django: "a, b", of Cookie "a; b" (RFC 9110, 5.3), so one that
 * may come once and came twice is malformed. A second Host, Content-Length or Content-Type is 400 before. Context: any. */
cz_str cz_request_header(const cz_request *req, cz_str name);
bool cz_request_has_header(const cz_request *req, cz_str name);

/* The first field of this name behind the body (RFC 9110, 6.5), which is no header and known when cz_body_read() has come to the
 * body's end; empty when there is none. Context: any. */
cz_str cz_request_trailer(const cz_request *req, cz_str name);

/* The last query parameter `name`, as in Django, decoded ("+" is a space); false when absent or malformed.
 * Owns: `*out` is in the arena or points into the target. Raises: CZ_ENOMEM. */
bool cz_query_get(cz_ctx *ctx, const cz_request *req, cz_str name, cz_str *out);
/* The same, with "" when absent. */
cz_str cz_query_str(cz_ctx *ctx, const cz_request *req, const char *name);
/* Walk the pairs in order; `*cursor` starts at 0; false at the end. Malformed escapes are kept as they
 * are. At most 1,000 pairs, the rest are ignored. */
bool cz_query_next(cz_ctx *ctx, const cz_request *req, size_t *cursor, cz_str *name, cz_str *value);

/* Read what comes next of the request's body: at most `room` bytes, which is not 0, to `out`; returns how many, 0 at the end.
 * At a route with .body_streamed (routing.h) it waits for them to come, and only then more is taken of the client, who is told
 * that it may send (100 Continue) at the first call; the handler's time begins anew with each piece. A handler may answer without
 * having read all: what is not here by then ends a connection of HTTP/1 with that answer. Elsewhere it gives what is in req->body.
 * Raises: CZ_EPROTOCOL: it is malformed, or ends too early; CZ_ETOOBIG: more than .body_max; CZ_ETIMEDOUT (408): slower than
 * HTTP_BODY_RATE_MIN; CZ_ECANCELED; CZ_ENOMEM; CZ_EINVAL as cz_sleep(). Context: fiber, may suspend. */
size_t cz_body_read(cz_ctx *ctx, cz_request *req, void *out, size_t room);
/* The whole body, or what cz_body_read() has left of it, which is in req->body from then on. Owns: the request's. Raises: as
 * cz_body_read(); CZ_ETOOBIG: more than HTTP_BODY_MAX. Context: likewise. */
cz_str cz_request_body(cz_ctx *ctx, cz_request *req);

/* What a form sent, in order. */
typedef struct cz_form_item {
    cz_str name;
    cz_str
        value; /* UTF-8; of a file its bytes, but for one that lies on a disk: cz_form_upload() */
    uint64_t size; /* of the value, or of the file */
    bool is_file;  /* it came with a filename, be it empty */
    cz_str
        filename; /* the last step of the one that came, without control bytes; at most 255 bytes; never a path */
    cz_str content_type;      /* of a file, as it says; empty: it does not */
    struct cz__spool *spool_; /* private: where a file lies that was not held in memory */
} cz_form_item;
typedef struct cz_form {
    const cz_form_item *items;
    size_t count;
} cz_form;
enum {
    CZ_FORM_ITEMS_MAX = 1000,
    CZ_FORM_FILES_MAX = 100,
    CZ_FORM_PART_HEADER_MAX = 8192 /* bytes before a part's value */
};

/* The request's body as a form: application/x-www-form-urlencoded (URL Standard) or multipart/form-data (RFC 7578). Owns:
 * what needs no decoding points into the body, the rest is in the arena; a body is read once and remembered. At a route with
 * .body_streamed a multipart body is read as it comes: files of more than UPLOAD_MEMORY_MAX bytes lie on a disk, without a name,
 * until the request ends. Context: fiber; suspends for such a body.
 * Raises, besides as cz_body_read() and, with 507, for a full disk: CZ_EMEDIATYPE: the body is of another type; CZ_EPROTOCOL: it is malformed or not UTF-8; CZ_ETOOBIG: a limit;
 * CZ_ENOMEM. */
const cz_form *cz_request_form(cz_ctx *ctx, cz_request *req);
/* The first item of this name; NULL: there is none. */
const cz_form_item *cz_form_find(const cz_form *form, cz_str name);
/* A file of a form, wherever it lies (files.h). Raises: CZ_EINVAL: it is no file; as cz_upload_read(). */
cz_upload cz_form_upload(cz_ctx *ctx, const cz_form_item *item);

/* A path parameter by name. Raises: CZ_EINVAL: the route has none of that name. */
int64_t cz_path_int(cz_ctx *ctx, const cz_request *req, const char *name);
cz_str cz_path_str(cz_ctx *ctx, const cz_request *req, const char *name);

/* "http://host/path?query" of this request, from its Host header (which the host check has allowed);
 * without one (HTTP/1.0) the path alone. Raises: CZ_ENOMEM. */
cz_str cz_request_absolute_uri(cz_ctx *ctx, const cz_request *req, cz_str path_and_query);

/* Answer with a status, a media type and a body, which is copied. `content_type` is static or in the
 * arena; "" sends none. Headers set before stay. Content-Length is the server's affair: 204, 205
 * and 304 leave without a body, the answer to HEAD with the length only.
 * Raises: CZ_ENOMEM; CZ_ETOOBIG over the response limit (64 MiB); CZ_EINVAL: the status is not 200 to
 * 599, or a control byte in `content_type`. */
void cz_respond(cz_ctx *ctx, cz_request *req, int status, cz_str content_type, cz_str body);
/* Answer 204 without a body. */
void cz_respond_empty(cz_ctx *ctx, cz_request *req, int status);
/* Answer with the text of a JSON document. */
void cz_respond_json(cz_ctx *ctx, cz_request *req, int status, cz_str json);
/* Begin a JSON answer and return where to write it, with cz_json_writer_init() or by hand; nothing to free,
 * and whatever was answered before is gone. A failure stays in the buffer and becomes a 500 or 503. */
cz_buf *cz_respond_json_begin(cz_ctx *ctx, cz_request *req, int status);
/* Answer with a body whose length is not known yet. When the handler and all middleware have returned, the
 * head leaves with Transfer-Encoding: chunked (RFC 9112, 7.1) and `stream(ctx, req, arg)` is called on the
 * same fiber to send the body by cz_stream_write(). To a client of HTTP/1.0 the body ends with the
 * connection; HEAD gets the head alone. What `stream` raises is logged and cuts the connection, so the client
 * sees that the body is not whole. The handler's time ends with the head: a stream may take as long as its
 * client takes it without stalling. `arg` must live as long as the context. Raises as cz_respond(). */
void cz_respond_stream(cz_ctx *ctx, cz_request *req, int status, cz_str content_type,
                       cz_stream_fn stream, void *arg);
/* Send a piece of the body at once; pieces of a few KiB cost least, an empty one is none. Raises:
 * CZ_ECANCELED: the client is gone; CZ_ENOMEM. Context: inside `stream`; suspends while the client has more
 * than 256 KiB to take. */
void cz_stream_write(cz_ctx *ctx, cz_request *req, cz_str piece);
/* Answer with a redirect to a path of this site, which begins with one "/"; a target with a scheme, "//",
 * "\" or a control byte is refused, other bytes that no URI may have are escaped. `status` is 301, 302,
 * 303, 307 or 308. Raises: CZ_EINVAL. */
void cz_respond_redirect(cz_ctx *ctx, cz_request *req, int status, cz_str path);

/* Add or replace a response header; Set-Cookie is always added. Content-Type sets
 * response.content_type. Name and value are copied, but by cz_respond_header_static(), which takes what
 * is static or in the arena.
 * Raises: CZ_EINVAL: a control byte but HTAB or a malformed name, so no input can split a response; or a
 * name that the server itself writes (Content-Length, Transfer-Encoding, Connection, Date); CZ_ENOMEM. */
void cz_respond_header(cz_ctx *ctx, cz_request *req, cz_str name, cz_str value);
void cz_respond_header_static(cz_ctx *ctx, cz_request *req, cz_str name, cz_str value);
/* Add an item to a response header that is a list, as Vary and Link are (RFC 9110, 5.6.1), behind those it has; one that
 * stands there is not repeated, compared without case. Copied. Raises likewise. */
void cz_respond_header_add(cz_ctx *ctx, cz_request *req, cz_str name, cz_str value);
/* The value of a response header set so far; empty when there is none. */
cz_str cz_response_header(const cz_request *req, cz_str name);

/* Percent-decode `text` into `arena`; `plus_is_space` for query strings. Malformed escapes give
 * CZ_EVALIDATION. When nothing is escaped `*out` is `text` itself. */
CZ_NODISCARD cz_status cz_percent_decode(cz_arena *arena, cz_str text, bool plus_is_space,
                                         cz_str *out);
/* Append `text` with all but RFC 3986's unreserved characters and "/" escaped. */
void cz_percent_encode(cz_buf *out, cz_str text);

/* The reason phrase of a status: "Not Found". Never NULL. */
const char *cz_http_reason(int status);

/* Limits and time-outs of the server, each a setting (docs/topics/http.md); zero means the default. */
typedef struct cz_http_limits {
    uint32_t request_line_bytes; /* 8,192; longer: 414 */
    uint32_t header_bytes;       /* 32,768 in all; more: 431 */
    uint32_t header_count;       /* 100; more: 431 */
    uint64_t body_bytes;         /* 2 MiB; more: 413 */
    uint32_t
        upload_memory_bytes; /* 64 KiB of a form's file, which is on a disk when it has more and is not held */
    uint32_t header_timeout_ms;  /* 10,000 from the first byte to the end of the head; later: 408 */
    uint32_t idle_timeout_ms;    /* 15,000 between requests; then the connection closes */
    uint32_t body_grace_ms;      /* 5,000, after which a body must come at body_rate_min */
    uint32_t body_rate_min;      /* 1,024 bytes a second; slower: 408 */
    uint32_t write_timeout_ms;   /* 30,000 without progress; then the connection closes */
    uint32_t handler_timeout_ms; /* 30,000; then the handler is cancelled and 503 answered */
    uint32_t
        queue_wait_max_ms; /* 1,000 that requests may wait to be begun, all of them; UINT32_MAX: no limit */
    uint32_t requests_per_connection; /* 0: no limit by default */
    bool http2;                       /* spoken, too: libnghttp2 is there */
    bool proxy_protocol;      /* proxies say first for whom they connect, and nobody else may */
    uint32_t connections_max; /* 4,096 a worker, below the descriptor limit */
    uint32_t connections_per_address; /* 256 a worker */
    uint32_t ws_message_bytes;        /* 1 MiB of a WebSocket's message, inflated; more: 1009 */
    uint32_t ws_ping_interval_ms;     /* 30,000 without a byte of a WebSocket's client: a ping */
    uint32_t ws_pong_timeout_ms;      /* 60,000 without an answer to it: closed */
} cz_http_limits;

#ifdef __cplusplus
}
#endif
#endif
