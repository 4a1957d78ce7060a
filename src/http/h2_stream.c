/* A stream of HTTP/2 as an exchange.
 *
 * Its headers are written down as the head of an HTTP/1 request and read by the same parser, so that limits, hosts, targets and
 * every refusal are alike, and nothing passes by one way that does not by the other. */
#ifdef CZ_HTTP2
#include "http/h1_head.h"
#include "http/h2_internal.h"
#include <calzone/log.h>

/* ---- Life ---- */

cz_status cz__h2_stream_create(struct cz__h2 *h2, int32_t id, struct cz__h2_stream **out)
{
    cz__exchange *exchange;
    cz_status status = cz__exchange_acquire(&h2->conn->server->core, &exchange);
    if (status)
        return status;
    struct cz__h2_stream *stream = cz_arena_new(exchange->arena, struct cz__h2_stream);
    if (!stream) {
        cz__exchange_release(exchange);
        return CZ_ENOMEM;
    }
    stream->exchange = exchange;
    exchange->body_in.bytes_max = h2->conn->server->core.limits.header_bytes + 4096;
    stream->h2 = h2;
    stream->id = id;
    stream->next = h2->streams;
    if (stream->next)
        stream->next->link = &stream->next;
    stream->link = &h2->streams;
    h2->streams = stream;
    h2->exchange_count++;
    *out = stream;
    return CZ_OK;
}

void cz__h2_stream_destroy(struct cz__h2_stream *stream)
{
    stream->h2->websocket_count -= stream->connects;
    if (stream->ws)
        cz__ws_destroy(stream->ws);
    cz_buf_done(&stream->cookies);
    cz_buf_done(&stream->out);
    *stream->link = stream->next;
    if (stream->next)
        stream->next->link = stream->link;
    stream->h2->exchange_count--;
    if (stream->h2->block_stream == stream)
        stream->h2->block_stream = NULL;
    cz__exchange_release(stream->exchange); /* and the stream, which is in its arena */
}

/* Its body is not counted any more among those that are not whole. */
static void make_ready(struct cz__h2_stream *stream)
{
    if (!stream->ready && (stream->began_ms || stream->early))
        stream->h2->body_bytes -= stream->exchange->body_in.len - stream->exchange->body.given;
    stream->ready = true;
}

void cz__h2_stream_end(struct cz__h2_stream *stream)
{
    stream->ended = true;
    if (stream->connects)
        cz__h2_websocket_data(stream, NULL, 0);
    else if (stream->early)
        cz__h2_body_end(stream);
    else if (stream->began_ms)
        make_ready(stream);
}

void cz__h2_stream_close(struct cz__h2_stream *stream)
{
    struct cz__h2 *h2 = stream->h2;
    if (stream->closed)
        return;
    stream->closed = true;
    cz__h2_rest(h2);
    make_ready(stream);
    if (stream->connects)
        cz__h2_websocket_close(stream);
    if (stream->exchange->running) {
        h2->conn->server->core.stats.cancelled++;
        cz__fiber_cancel(&stream->exchange->ctx, CZ_ECANCELED);
    } else if (!stream->ws || cz__ws_is_done(stream->ws)) {
        cz__h2_stream_destroy(stream);
    }
}

/* ---- Headers ---- */

static cz_status keep(struct cz__h2_stream *stream, cz_str value, cz_str *out)
{
    return cz_str_dup(stream->exchange->arena, value, out);
}

static void append_line(cz_buf *lines, cz_str name, cz_str value)
{
    cz_buf_append_str(lines, name);
    cz_buf_append_lit(lines, ": ");
    cz_buf_append_str(lines, value);
    cz_buf_append_lit(lines, "\r\n");
}

static cz_status add_pseudo(struct cz__h2_stream *stream, cz_str name, cz_str value)
{
    if (cz_str_eq(name, CZ_STR(":method")))
        return keep(stream, value, &stream->method);
    if (cz_str_eq(name, CZ_STR(":path")))
        return keep(stream, value, &stream->path);
    if (cz_str_eq(name, CZ_STR(":authority")))
        return keep(stream, value, &stream->authority);
    if (cz_str_eq(name, CZ_STR(":protocol")))
        return keep(stream, value, &stream->protocol);
    return CZ_OK; /* :scheme, which the connection knows better; others nghttp2 refuses */
}

cz_status cz__h2_stream_field(struct cz__h2_stream *stream, cz_str name, cz_str value)
{
    if (cz_str_starts_with(name, CZ_STR(":"))) {
        if (stream->too_large || value.len > stream->exchange->body_in.bytes_max) {
            stream->too_large = true;
            return CZ_OK;
        }
        return add_pseudo(stream, name, value);
    }
    if (cz_str_eq(name, CZ_STR("cookie"))) {
        if (stream->cookies.len)
            cz_buf_append_lit(&stream->cookies, "; ");
        else
            cz_buf_init(&stream->cookies, stream->exchange->body_in.bytes_max);
        cz_buf_append_str(&stream->cookies, value);
    } else if (cz_str_eq(name, CZ_STR("host")) && stream->authority.len) {
        stream->two_hosts |= !cz_str_eq_icase(value, stream->authority); /* RFC 9113, 8.3.1 */
    } else {
        /* gathered where the body will be; what does not fit is known at the end */
        append_line(&stream->exchange->body_in, name, value);
    }
    return CZ_OK;
}

static char *put(char *at, cz_str text)
{
    if (text.len)
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static char *put_field(char *at, cz_str name, cz_str value)
{
    if (!value.len)
        return at;
    at = put(put(at, name), value);
    return put(at, CZ_STR("\r\n"));
}

/* The whole head as text in the arena, where it stays as long as the request. */
static cz_status write_head(struct cz__h2_stream *stream, cz_str *out)
{
    cz_str lines = cz_buf_str(&stream->exchange->body_in), cookies = cz_buf_str(&stream->cookies);
    cz_str target = stream->path.len ? stream->path : stream->authority; /* of CONNECT */
    /* A WebSocket's request is a GET over HTTP/1, and of the same routes and rules (RFC 8441, 5). */
    cz_str method = stream->protocol.len ? CZ_STR("GET") : stream->method;
    size_t fixed = sizeof "  HTTP/1.1\r\nhost: \r\ncookie: \r\n\r\n";
    char *start = cz_arena_alloc(stream->exchange->arena, fixed + method.len + target.len +
                                                              stream->authority.len + lines.len +
                                                              cookies.len);
    if (!start)
        return CZ_ENOMEM;
    char *at = put(put(start, method), CZ_STR(" "));
    at = put(put(at, target), CZ_STR(" HTTP/1.1\r\n"));
    at = put_field(at, CZ_STR("host: "), stream->authority);
    at = put(at, lines);
    at = put_field(at, CZ_STR("cookie: "), cookies);
    at = put(at, CZ_STR("\r\n"));
    *out = cz_str_of(start, (size_t)(at - start));
    return CZ_OK;
}

static void refuse_rule(struct cz__h2_stream *stream, enum cz__h1_rule rule)
{
    cz_error err;
    cz__h1_rule_error(rule, &err);
    cz__h2_stream_refuse(stream, &err);
}

void cz__h2_stream_continue(struct cz__h2_stream *stream)
{
    static uint8_t name[] = ":status", value[] = "100";
    const nghttp2_nv status = { name, value, sizeof name - 1, sizeof value - 1, 0 };
    cz_ignore(cz__nghttp2.nghttp2_submit_headers(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                                 NULL, &status, 1,
                                                 NULL)); /* the client goes on by itself */
}

static void refuse_with(struct cz__h2_stream *stream, cz_status status, uint16_t http,
                        const char *text)
{
    cz_error err;
    cz_ignore(cz_error_set(&err, status, "%s", text)); /* which is its code */
    err.http_status = http;
    cz__h2_stream_refuse(stream, &err);
}

/* An extended CONNECT (RFC 8441, 4): what follows is no body, and it is answered at once. */
static void begin_connect(struct cz__h2_stream *stream)
{
    cz_request *req = &stream->exchange->request;
    cz_error err;
    req->connects = true;
    req->method_text = stream->method;
    if (!cz_str_eq(stream->protocol, CZ_STR("websocket"))) /* RFC 9220, 3 */
        refuse_with(stream, CZ_EUNSUPPORTED, 501, "The one :protocol that is spoken is websocket.");
    else if (cz__h2_websocket_ask(stream, &err))
        cz__h2_stream_refuse(stream, &err);
    else
        make_ready(stream);
}

/* Gathered before its handler starts. */
static void begin_body(struct cz__h2_stream *stream, const struct cz__h1_head *head)
{
    stream->began_ms = cz__conn_now_ms(stream->h2->conn);
    if (head->expect_continue)
        cz__h2_stream_continue(stream);
}

/* With a 503 and not REFUSED_STREAM, which clients may send again at once. */
static bool refused_for_overload(struct cz__h2_stream *stream)
{
    cz_error err;
    if (!cz__overload_refuses(stream->exchange->core, &stream->exchange->request, &err))
        return false;
    cz__h2_stream_refuse(stream, &err);
    return true;
}

/* The request is as HTTP/1's would be from here on. */
static void begin(struct cz__h2_stream *stream, const struct cz__h1_head *head)
{
    cz__exchange *exchange = stream->exchange;
    exchange->request.version_major = 2;
    bool has_body = !stream->ended && !stream->protocol.len;
    if (has_body && refused_for_overload(stream)) /* others in their turn */
        return;
    if (has_body)
        cz__exchange_plan_body(exchange);
    exchange->body_in.bytes_max = exchange->body.bytes_max;
    if (head->expect_unknown)
        refuse_with(stream, CZ_EPROTOCOL, 417, "the expectation is not 100-continue");
    else if (stream->protocol.len)
        begin_connect(stream);
    else if (stream->ended)
        make_ready(stream);
    else if (head->content_length > exchange->body.bytes_max)
        refuse_rule(stream, CZ__H1_BODY_TOO_LONG);
    else if (exchange->body.streamed)
        cz__h2_body_begin(stream, head->expect_continue);
    else
        begin_body(stream, head);
}

cz_status cz__h2_stream_headers(struct cz__h2_stream *stream)
{
    cz__exchange *exchange = stream->exchange;
    const struct cz__http_core *core = exchange->core;
    struct cz__h1_head head;
    enum cz__h1_rule rule = CZ__H1_NONE;
    struct cz__h1_field *fields =
        cz_arena_alloc(exchange->arena, core->limits.header_count * sizeof *fields);
    cz_str text;
    stream->too_large |= cz_buf_status(&exchange->body_in) || cz_buf_status(&stream->cookies);
    cz_status status = fields ? CZ_OK : CZ_ENOMEM;
    if (!status && !stream->too_large)
        status = write_head(stream, &text);
    cz_buf_clear(&exchange->body_in);
    if (status)
        return status;
    if (stream->too_large || stream->two_hosts) {
        exchange->request.method_text = stream->method;
        exchange->request.path = exchange->request.target = stream->path;
        refuse_rule(stream, stream->too_large ? CZ__H1_HEADERS_TOO_LONG : CZ__H1_HOST_MISMATCH);
        return CZ_OK;
    }
    cz__h1_head_init(&head, &core->limits, fields);
    if (cz__h1_head_feed(&head, text)) { /* EAGAIN: an empty line in the midst, which can't be */
        cz__exchange_fill_partly(exchange, &head, text.ptr);
        refuse_rule(stream, head.rule ? (enum cz__h1_rule)head.rule : CZ__H1_REQUEST_LINE);
        return CZ_OK;
    }
    const struct cz__http_peer peer = cz__conn_peer(stream->h2->conn);
    status = cz__exchange_fill(exchange, &head, text.ptr, &peer, &rule);
    if (!status)
        status = cz__conn_name_client(stream->h2->conn, exchange);
    if (status)
        return status;
    if (rule)
        refuse_rule(stream, rule);
    else
        begin(stream, &head);
    return CZ_OK;
}

/* ---- Bodies of requests ---- */

bool cz__h2_stream_data(struct cz__h2_stream *stream, const uint8_t *bytes, size_t len)
{
    if (stream->connects) {
        cz__h2_websocket_data(stream, bytes, len);
        return true;
    }
    cz_buf *body = &stream->exchange->body_in;
    size_t before = body->len;
    if (stream->ready) /* answered before its end: what comes is dropped, and no more is let come */
        return stream->answered_ms != 0;
    cz_buf_append(body, bytes, len);
    stream->h2->body_bytes += body->len - before;
    if (stream->early)
        cz__h2_body_came(stream, len);
    else if (cz_buf_status(body))
        refuse_rule(stream, CZ__H1_BODY_TOO_LONG);
    return stream->early;
}

/* The body's end is in the same block, behind it. */
void cz__h2_stream_trailer(struct cz__h2_stream *stream, cz_str name, cz_str value)
{
    if (stream->ready)
        return;
    cz_buf *lines = &stream->exchange->trailer;
    append_line(lines, name, value);
    if (!cz_buf_status(lines))
        return;
    if (stream->early)
        stream->exchange->body.rule = CZ__H1_TRAILER_BYTES;
    else
        refuse_rule(stream, CZ__H1_TRAILER_BYTES);
}

/* ---- Answers ---- */

static ssize_t give(cz_str *from, uint8_t *out, size_t room)
{
    size_t len = from->len < room ? from->len : room;
    if (len)
        memcpy(out, from->ptr, len);
    *from = cz_str_tail(*from, len);
    return (ssize_t)len;
}

/* Moved when as much was sent as is left, so a client that takes little at a time costs no more. */
static void drop_sent(struct cz__h2_stream *stream, size_t bytes)
{
    cz_buf *out = &stream->out;
    stream->out_sent += bytes;
    size_t left = out->len - stream->out_sent;
    if (stream->out_sent < left)
        return;
    if (left)
        memmove(out->ptr, out->ptr + stream->out_sent, left);
    out->len = left;
    stream->out_sent = 0;
}

/* nghttp2_data_source_read_callback(3). */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct cz__h2_stream *stream = source->ptr;
    (void)session, (void)id, (void)user;
    if (!stream->streams) {
        ssize_t len = give(&stream->body, out, room);
        *flags |= stream->body.len ? 0 : NGHTTP2_DATA_FLAG_EOF;
        stream->sent += (uint64_t)len;
        return len;
    }
    cz_str left = cz_str_tail(cz_buf_str(&stream->out), stream->out_sent);
    if (!left.len && !stream->finished)
        return NGHTTP2_ERR_DEFERRED;
    ssize_t len = give(&left, out, room);
    drop_sent(stream, (size_t)len);
    *flags |= stream->finished && !left.len ? NGHTTP2_DATA_FLAG_EOF : 0;
    stream->sent += (uint64_t)len;
    if (stream->ws && !left.len)
        cz_buf_done(&stream->out); /* an idle socket holds no buffer */
    if (stream->ws)
        cz__ws_on_sent(stream->ws);
    else if (stream->exchange->stream_fiber && left.len <= CZ__HTTP_UNSENT_BYTES_MAX / 2)
        cz__fiber_wake(stream->exchange->stream_fiber);
    return len;
}

void cz__h2_stream_reset(struct cz__h2_stream *stream, uint32_t code)
{
    cz_ignore(cz__nghttp2.nghttp2_submit_rst_stream(
        stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, code)); /* no memory: it times out */
}

static cz_status submit(struct cz__h2_stream *stream, bool has_body)
{
    const nghttp2_nv *headers;
    size_t count;
    nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_body };
    cz_status status = cz__h2_headers(stream->exchange, &headers, &count);
    if (!status && cz__nghttp2.nghttp2_submit_response(stream->h2->session, stream->id, headers,
                                                       count, has_body ? &body : NULL))
        status = CZ_ENOMEM;
    stream->answered_ms = cz__conn_now_ms(stream->h2->conn);
    return status;
}

void cz__h2_stream_linger(struct cz__h2_stream *stream)
{
    stream->end_sent = true;
    stream->due_ms = cz__conn_now_ms(stream->h2->conn) + CZ__H2_LINGER_MS;
}

void cz__h2_stream_finish(struct cz__h2_stream *stream)
{
    stream->finished = true;
    cz_ignore(cz__nghttp2.nghttp2_session_resume_data(stream->h2->session,
                                                      stream->id)); /* it may not be deferred */
}

/* 200 says that it is open (RFC 8441, 5.1), and what follows is the socket's. */
static void open_websocket(struct cz__h2_stream *stream)
{
    cz__exchange *exchange = stream->exchange;
    exchange->request.response.status = 200;
    stream->streams = true;
    cz_status status = submit(stream, true);
    cz__exchange_answered(exchange, 0);
    if (status)
        cz__h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    else
        cz__h2_websocket_begin(stream);
}

/* The answer is in the exchange, or its body was streamed. May free the stream. */
static void finish(struct cz__h2_stream *stream)
{
    cz__exchange *exchange = stream->exchange;
    make_ready(stream); /* what its handler has not read nobody will */
    if (exchange->streaming) {
        if (exchange->stream_cut)
            cz__h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
        else
            cz__h2_stream_finish(stream);
        cz__exchange_answered(exchange, stream->sent);
        return;
    }
    const cz_request *req = &exchange->request;
    if (req->response.upgrade) {
        open_websocket(stream);
        return;
    }
    stream->body = req->method == CZ_METHOD_HEAD ? CZ_STR("") : cz__exchange_body(exchange);
    if (submit(stream, stream->body.len > 0))
        cz__h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    cz__exchange_answered(exchange, stream->body.len);
}

/* The handler has ended, perhaps after its stream. May free the stream. */
static void finish_or_drop(struct cz__h2_stream *stream)
{
    cz__exchange *exchange = stream->exchange;
    if (!stream->closed) {
        finish(stream);
        return;
    }
    exchange->request.response.status = 499;
    cz__exchange_answered(exchange, 0);
    cz__h2_stream_destroy(stream);
}

static void on_handler_done(cz__exchange *exchange)
{
    struct cz__h2_stream *stream = exchange->owner;
    struct cz__h2 *h2 = stream->h2;
    finish_or_drop(stream);
    cz__conn_settle(h2->conn);
}

/* ---- Bodies of answers that are streamed ---- */

static cz_status stream_begin(cz__exchange *exchange)
{
    struct cz__h2_stream *stream = exchange->owner;
    stream->streams = true;
    return submit(stream, true);
}

static cz_buf *stream_open(cz__exchange *exchange, bool *out_keep_alive)
{
    struct cz__h2_stream *stream = exchange->owner;
    *out_keep_alive = true;
    return stream->closed ? NULL : &stream->out;
}

static cz_status stream_send(cz__exchange *exchange, size_t unsent_max)
{
    struct cz__h2_stream *stream = exchange->owner;
    cz__conn *conn = stream->h2->conn;
    cz_status status = CZ_OK;
    cz_ignore(cz__nghttp2.nghttp2_session_resume_data(stream->h2->session,
                                                      stream->id)); /* it may not be deferred */
    cz__h2_pump(stream->h2);
    cz__conn_flush(conn);
    while (!status && !stream->closed && cz__h2_stream_unsent(stream) > unsent_max) {
        cz__conn_wait(conn);
        exchange->stream_fiber = cz__fiber_current();
        status = cz__fiber_wait(&exchange->ctx);
        exchange->stream_fiber = NULL;
    }
    if (stream->closed)
        return CZ_ECANCELED;
    cz__conn_wait(conn);
    return status;
}

/* ---- Running ---- */

void cz__h2_stream_run(struct cz__h2_stream *stream)
{
    cz__exchange *exchange = stream->exchange;
    bool had_body = stream->early || stream->began_ms;
    if (!had_body && refused_for_overload(stream)) /* of many that came at once, each in its turn */
        return;
    stream->started = true;
    if (!stream->early)
        exchange->request.body = cz_buf_str(&exchange->body_in);
    exchange->request.trailer = cz_buf_str(&exchange->trailer);
    exchange->owner = stream;
    exchange->on_done = on_handler_done;
    exchange->stream_begin = stream_begin;
    exchange->stream_open = stream_open;
    exchange->stream_send = stream_send;
    cz__exchange_start(exchange);
    if (!exchange->running)
        finish_or_drop(stream); /* what it sent may have found the connection gone */
}

void cz__h2_stream_refuse(struct cz__h2_stream *stream, const cz_error *err)
{
    cz__exchange *exchange = stream->exchange;
    make_ready(stream);
    stream->started = true;
    if (!exchange->request.client_address.len)
        exchange->request.client_address = cz_str_from(stream->h2->conn->address_text);
    exchange->owner = stream;
    cz__exchange_refuse(exchange, err);
    finish(stream);
}
#endif
