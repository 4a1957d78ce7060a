/* One request and its answer, whatever the wire format: pooled, run on a fiber, written out. */
#include "base/unset.h"
#include "http/connection.h"
#include "http/h1_input.h"
#include "http/h1_scan.h"
#include "http/proxies.h"
#include "http/streams.h"
#include "http/ws_deflate.h"
#include <calzone/log.h>
#include <calzone/time.h>
#include <stdio.h>

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

static void fill_limits(cz_http_limits *limits)
{
    limits->request_line_bytes = or_default(limits->request_line_bytes, 8192);
    limits->header_bytes = or_default(limits->header_bytes, 32768);
    limits->header_count = or_default(limits->header_count, 100);
    limits->body_bytes = limits->body_bytes ? limits->body_bytes : 2 << 20;
    limits->upload_memory_bytes = or_default(limits->upload_memory_bytes, 64 << 10);
    limits->header_timeout_ms = or_default(limits->header_timeout_ms, 10000);
    limits->idle_timeout_ms = or_default(limits->idle_timeout_ms, 15000);
    limits->body_grace_ms = or_default(limits->body_grace_ms, 5000);
    limits->body_rate_min = or_default(limits->body_rate_min, 1024);
    limits->write_timeout_ms = or_default(limits->write_timeout_ms, 30000);
    limits->handler_timeout_ms = or_default(limits->handler_timeout_ms, 30000);
    limits->queue_wait_max_ms = or_default(limits->queue_wait_max_ms, 1000);
    limits->connections_max = or_default(limits->connections_max, 4096);
    limits->connections_per_address = or_default(limits->connections_per_address, 256);
    limits->ws_message_bytes = or_default(limits->ws_message_bytes, 1 << 20);
    limits->ws_ping_interval_ms = or_default(limits->ws_ping_interval_ms, 30000);
    limits->ws_pong_timeout_ms = or_default(limits->ws_pong_timeout_ms, 60000);
}

cz_status cz__http_core_init(struct cz__http_core *core, cz__loop *loop,
                             const cz_http_limits *limits, const cz__http_app *app)
{
    *core = (struct cz__http_core){ .loop = loop, .app = *app };
    if (limits)
        core->limits = *limits;
    fill_limits(&core->limits);
    core->common = cz_malloc(64);
    return core->common ? CZ_OK : CZ_ENOMEM;
}

static void destroy(cz__exchange *exchange)
{
    cz_buf_done(&exchange->body_in);
    cz_buf_done(&exchange->body_out);
    cz_buf_done(&exchange->trailer);
    cz_arena_destroy(exchange->arena);
    cz_free(exchange);
}

void cz__http_core_done(struct cz__http_core *core)
{
    while (core->exchanges) {
        cz__exchange *exchange = core->exchanges;
        core->exchanges = exchange->next;
        destroy(exchange);
    }
    cz__h1_inputs_free(core);
    cz__outputs_free(core);
    cz__ws_codec_destroy(core->ws_codec);
    cz_free(core->common);
}

/* ---- Life ---- */

static cz_status create(struct cz__http_core *core, cz__exchange **out)
{
    cz__exchange *exchange = cz_calloc(1, sizeof *exchange);
    if (!exchange)
        return CZ_ENOMEM;
    cz_status status = cz_arena_create(NULL, CZ__HTTP_ARENA_BYTES_MAX, &exchange->arena);
    if (status) {
        cz_free(exchange);
        return status;
    }
    exchange->core = core;
    cz_buf_init(&exchange->body_out, CZ__HTTP_RESPONSE_BYTES_MAX);
    cz_buf_init(&exchange->trailer, CZ__CHUNK_TRAILER_BYTES_MAX);
    *out = exchange;
    return CZ_OK;
}

/* All but the parameters, of which only param_count are read. */
static void clear_request(cz_request *req)
{
    memset(req, 0, offsetof(cz_request, params));
    size_t tail = offsetof(cz_request, param_count);
    memset((char *)req + tail, 0, sizeof *req - tail);
}

cz_status cz__exchange_acquire(struct cz__http_core *core, cz__exchange **out)
{
    cz__exchange *exchange = core->exchanges;
    if (exchange) {
        core->exchanges = exchange->next;
        core->exchange_count--;
    } else {
        cz_status status = create(core, &exchange);
        if (status)
            return status;
    }
    cz_ctx_init(&exchange->ctx, exchange->arena);
    exchange->ctx.request = &exchange->request;
    clear_request(&exchange->request);
    exchange->request.response.status = 200;
    exchange->request.response.body = &exchange->body_out;
    exchange->running = exchange->suspended = false;
    *out = exchange;
    return CZ_OK;
}

static void clear_buffer(cz_buf *buf)
{
    if (__builtin_expect(buf->cap > CZ__HTTP_KEEP_BYTES_MAX, 0))
        cz_buf_done(buf);
    cz_buf_clear(buf);
}

void cz__exchange_release(cz__exchange *exchange)
{
    struct cz__http_core *core = exchange->core;
    cz_assert(!exchange->running);
    cz_ctx_done(&exchange->ctx); /* only what an error document deferred is left */
    cz_arena_reset(exchange->arena);
    clear_buffer(&exchange->body_in);
    clear_buffer(&exchange->body_out);
    clear_buffer(&exchange->trailer);
    exchange->streaming = exchange->stream_cut = exchange->stream_chunked = false;
    exchange->stream_begin = NULL;
    exchange->stream_file = NULL;
    exchange->body = (struct cz__body){ 0 };
    if (core->exchange_count >= CZ__HTTP_POOLED_MAX) {
        destroy(exchange);
        return;
    }
    exchange->next = core->exchanges;
    core->exchanges = exchange;
    core->exchange_count++;
}

/* ---- The request ---- */

static void fill_line(cz__exchange *exchange, const struct cz__h1_head *head, const char *bytes)
{
    cz_request *req = &exchange->request;
    req->method = (cz_method)head->method;
    req->method_text = cz__h1_span_str(bytes, head->method_text);
    req->target = cz__h1_span_str(bytes, head->target);
    req->path = cz__h1_span_str(bytes, head->path);
    req->query = cz__h1_span_str(bytes, head->query);
    req->host = cz__h1_span_str(bytes, head->host);
    req->version_major = 1;
    req->version_minor = head->version_minor;
    req->scheme = CZ_STR("http");
    req->started_us = cz__loop_now_us(exchange->core->loop);
    if (!req->path.len)
        req->path = CZ_STR("/"); /* "http://host" means its root (9112, 3.2.1) */
}

void cz__exchange_fill_partly(cz__exchange *exchange, const struct cz__h1_head *head,
                              const char *bytes)
{
    fill_line(exchange, head, bytes);
    if (!head->method_text.len)
        exchange->request.method = CZ_METHOD_OTHER;
}

static enum cz__h1_rule decode_path(cz__exchange *exchange, cz_status *status)
{
    cz_request *req = &exchange->request;
    *status = cz_percent_decode(exchange->arena, req->path, false, &req->path);
    if (*status == CZ_ENOMEM)
        return CZ__H1_NONE;
    if (*status || cz_str_find_char(req->path, '\0') != SIZE_MAX) {
        *status = CZ_OK;
        return CZ__H1_TARGET_ESCAPE;
    }
    return cz_str_is_utf8(req->path) ? CZ__H1_NONE : CZ__H1_TARGET_UTF8;
}

/* The proxies' lines are read one by one: a quote that a client left open must not reach into what the next one wrote. */
static cz_status fill_headers(cz__exchange *exchange, const struct cz__h1_head *head,
                              const char *bytes)
{
    cz_request *req = &exchange->request;
    cz_header *headers = cz_arena_alloc(
        exchange->arena, (head->field_count ? head->field_count : 1) * sizeof *headers);
    if (!headers)
        return CZ_ENOMEM;
    for (uint32_t i = 0; i < head->field_count; i++) {
        headers[i].name = cz__h1_span_str(bytes, head->fields[i].name);
        headers[i].value = cz__h1_span_str(bytes, head->fields[i].value);
    }
    req->headers = headers;
    req->header_count = head->field_count;
    cz__proxies_apply(exchange->arena, req);
    return cz__request_join_headers(exchange->arena, headers, &req->header_count);
}

cz_status cz__exchange_fill(cz__exchange *exchange, const struct cz__h1_head *head,
                            const char *bytes, const struct cz__http_peer *peer,
                            enum cz__h1_rule *out_rule)
{
    cz_request *req = &exchange->request;
    fill_line(exchange, head, bytes);
    req->content_type = cz__h1_span_str(bytes, head->content_type);
    req->client_address = peer->address;
    if (peer->tls)
        req->scheme = CZ_STR("https");
    cz_status status = fill_headers(exchange, head, bytes);
    if (status)
        return status;
    *out_rule = head->path_is_escaped ? decode_path(exchange, &status) : CZ__H1_NONE;
    return status;
}

void cz__exchange_plan_body(cz__exchange *exchange)
{
    const struct cz__http_core *core = exchange->core;
    cz__body_plan plan = { .bytes_max = core->limits.body_bytes };
    if (core->app.plan_body)
        core->app.plan_body(&exchange->ctx, &exchange->request, &plan, core->app.user);
    exchange->body.bytes_max = plan.bytes_max;
    exchange->body.streamed = exchange->request.streams_body = plan.streamed;
}

/* ---- Running ---- */

static void call_handler(cz_ctx *ctx, void *arg)
{
    cz__exchange *exchange = arg;
    cz_request *req = &exchange->request;
    if (req->method == CZ_METHOD_OTHER)
        cz_raise(ctx, CZ_EUNSUPPORTED, "the method %.*s is not supported",
                 CZ_STR_ARG(req->method_text));
    exchange->core->app.handle(ctx, req, exchange->core->app.user);
    if (!req->response.sent)
        cz_raise(ctx, CZ_EINVAL, "the handler returned without an answer");
}

/* What no answer may be sent with, whoever wrote it: the last barrier against a split response. */
static cz_status check_response(const cz_request *req, cz_error *err)
{
    const cz_response *response = &req->response;
    cz_status status = cz_buf_status(response->body);
    if (status) {
        cz_error_set(err, status, "the response body could not be made");
        if (err && status == CZ_ETOOBIG)
            err->http_status = 500; /* not the client's fault, as 413 would say */
        return status;
    }
    bool switches = response->status == 101 && response->upgrade;
    /* To the client of a CONNECT any of these would say that its WebSocket is open (RFC 9110, 9.3.6). */
    if (req->connects && !switches && response->status >= 200 && response->status < 300)
        return cz_error_set(err, CZ_EPROTOCOL, "No WebSocket is spoken at this address.");
    if (!switches && (response->status < 200 || response->status > 599))
        return cz_error_set(err, CZ_EINVAL, "%d is not a final response status", response->status);
    bool bad = cz__has_ctl(response->content_type);
    for (uint32_t i = 0; i < response->header_count; i++)
        bad |= cz__has_ctl(response->headers[i].name) || cz__has_ctl(response->headers[i].value);
    if (bad)
        return cz_error_set(err, CZ_EINVAL, "a control byte in a response header");
    return CZ_OK;
}

struct error_answer {
    cz__exchange *exchange;
    const cz_error *err;
};

static void call_answer_error(cz_ctx *ctx, void *arg)
{
    struct error_answer *answer = arg;
    cz__exchange *exchange = answer->exchange;
    exchange->core->app.answer_error(ctx, &exchange->request, answer->err,
                                     exchange->core->app.user);
}

static void begin_again(cz__exchange *exchange)
{
    cz_response *response = &exchange->request.response;
    cz_buf_clear(&exchange->body_out);
    bool close = response->close;
    *response = (cz_response){ .status = 500, .body = &exchange->body_out, .close = close };
}

void cz__exchange_refuse(cz__exchange *exchange, const cz_error *err)
{
    cz_response *response = &exchange->request.response;
    cz_error copy = *err; /* it may be the context's own, which a nested boundary overwrites */
    begin_again(exchange);
    response->status = cz_error_http(&copy);
    struct error_answer answer = { exchange, &copy };
    if (cz_try(&exchange->ctx, call_answer_error, &answer, NULL) == CZ_OK &&
        check_response(&exchange->request, NULL) == CZ_OK)
        return;
    begin_again(exchange); /* the error document failed: the status alone needs no memory */
    response->status = cz_error_http(&copy);
    if (response->status < 200 || response->status > 599)
        response->status = 500;
    if (response->status == 503)
        response->header_lines = CZ_STR("Retry-After: 1\r\n");
}

/* ---- A streamed body ---- */

/* Answers that have no content, whatever the handler wrote (9110, 15.2.2, 15.3.5, 15.3.6 and 15.4.5). */
static bool has_no_content(int status)
{
    return status == 101 || status == 204 || status == 205 || status == 304;
}

enum { STREAM_PIECE_BYTES = 64 << 10 };

static void put_head(const cz__exchange *exchange, bool keep_alive, cz_buf *out);
static void refresh_common(struct cz__http_core *core);

static void call_stream(cz_ctx *ctx, void *arg)
{
    cz__exchange *exchange = arg;
    cz_response *response = &exchange->request.response;
    response->stream(ctx, &exchange->request, response->stream_arg);
}

/* Only inside the function given to cz_respond_stream(). */
static cz__exchange *streaming_exchange(const cz_request *req)
{
    cz__exchange *exchange = cz__exchange_of(req);
    cz_assert(exchange->streaming);
    return exchange;
}

static void count_streamed(cz_ctx *ctx, cz__exchange *exchange, uint64_t bytes)
{
    if (!exchange->request.response.stream_counted)
        return;
    if (bytes > exchange->stream_left)
        cz_raise(ctx, CZ_EINVAL, "a stream has more bytes than it said");
    exchange->stream_left -= bytes;
}

void cz_stream_write(cz_ctx *ctx, cz_request *req, cz_str piece)
{
    const cz_response *response = &req->response;
    if (response->stream_filter)
        response->stream_filter(ctx, req, piece, response->stream_arg);
    else
        cz__stream_put(ctx, req, piece);
}

void cz__stream_put(cz_ctx *ctx, cz_request *req, cz_str piece)
{
    cz__stream_write(ctx, req, piece, CZ__HTTP_UNSENT_BYTES_MAX);
}

bool cz__stream_file(cz_ctx *ctx, cz_request *req, int fd, uint64_t first, size_t bytes,
                     size_t *out_sent)
{
    cz__exchange *exchange = streaming_exchange(req);
    if (!exchange->stream_file)
        return false;
    cz_status status = exchange->stream_file(exchange, fd, first, bytes, out_sent);
    if (status == CZ_EUNSUPPORTED)
        return false;
    cz_check(ctx, status);
    count_streamed(ctx, exchange, *out_sent);
    return true;
}

void cz__stream_write(cz_ctx *ctx, cz_request *req, cz_str piece, size_t unsent_max)
{
    cz__exchange *exchange = streaming_exchange(req);
    count_streamed(ctx, exchange, piece.len);
    while (piece.len) { /* an empty chunk would end the body */
        cz_str part = cz_str_head(piece, STREAM_PIECE_BYTES);
        piece = cz_str_tail(piece, part.len);
        bool keep_alive;
        cz_buf *out = exchange->stream_open(exchange, &keep_alive);
        if (!out)
            cz_raise(ctx, CZ_ECANCELED, "the client went away");
        if (exchange->stream_chunked)
            cz_buf_printf(out, "%zx\r\n", part.len);
        cz_buf_append_str(out, part);
        if (exchange->stream_chunked)
            cz_buf_append_lit(out, "\r\n");
        cz_check(ctx, cz_buf_status(out));
        cz_check(ctx, exchange->stream_send(exchange, unsent_max));
    }
}

/* As HTTP/1 has it. */
static cz_status put_stream_head(cz__exchange *exchange, cz_buf *out)
{
    bool counted = exchange->request.response.stream_counted;
    exchange->stream_chunked = !counted && exchange->request.version_minor > 0;
    exchange->stream_keep_alive &= counted || exchange->stream_chunked;
    refresh_common(exchange->core);
    put_head(exchange, exchange->stream_keep_alive, out);
    return cz_buf_status(out);
}

bool cz__request_is_drained(const cz_request *req)
{
    return cz__exchange_of(req)->core->draining != CZ__HTTP_SERVES;
}

/* The head, the body by its function, and the end; or the mark that there is none. */
static void send_stream(cz__exchange *exchange)
{
    const cz_request *req = &exchange->request;
    cz__body_invite(exchange); /* behind the head of the answer there is no more place for it */
    cz_buf *out = exchange->stream_open(exchange, &exchange->stream_keep_alive);
    exchange->streaming = exchange->stream_cut = true;
    if (!out)
        return;
    exchange->ctx.deadline_us = 0;
    exchange->stream_left = req->response.stream_counted ? req->response.stream_bytes : 0;
    cz_error err;
    cz_status status =
        exchange->stream_begin ? exchange->stream_begin(exchange) : put_stream_head(exchange, out);
    if (!status)
        status = cz_try(&exchange->ctx, call_stream, exchange, &err);
    else
        cz_error_set(&err, status, "no memory for the head of a stream");
    if (!status && exchange->stream_left)
        status = cz_error_set(&err, CZ_EINVAL, "a stream has fewer bytes than it said");
    if (!status && (out = exchange->stream_open(exchange, &(bool){ false }))) {
        if (exchange->stream_chunked)
            cz_buf_append_lit(out, "0\r\n\r\n");
        exchange->stream_cut = cz_buf_status(out) != CZ_OK;
    } else if (status && status != CZ_ECANCELED) {
        cz_log_error(&exchange->ctx, "calzone.request", cz_error_message(&err),
                     CZ_FIELD_STR("error", cz_str_from(cz_status_name(status))),
                     CZ_FIELD_STR("path", req->path), CZ_FIELD_STR("state", CZ_STR("in a stream")));
    }
}

/* Who asks for a large file and takes nothing of it holds a fiber, of which other requests are to have some. */
static void send_counted(cz__exchange *exchange)
{
    unsigned *count = &exchange->core->counted_streams;
    cz_error err;
    if (*count >= CZ__HTTP_COUNTED_MAX) {
        cz_error_set(&err, CZ_EBUSY, "%d files are being sent", CZ__HTTP_COUNTED_MAX);
        cz__exchange_refuse(exchange, &err);
        return;
    }
    ++*count;
    send_stream(exchange);
    --*count;
}

static void send_body(cz__exchange *exchange)
{
    const cz_response *response = &exchange->request.response;
    if (!response->stream || exchange->request.method == CZ_METHOD_HEAD ||
        has_no_content(response->status))
        return; /* written with its head */
    if (response->stream_counted)
        send_counted(exchange);
    else
        send_stream(exchange);
}

void cz__exchange_run(void *arg)
{
    cz__exchange *exchange = arg;
    cz_ctx *ctx = &exchange->ctx;
    cz_error err CZ__UNSET; /* set where the status is not CZ_OK */
    cz__fiber_attach(ctx);
    cz_status status = cz_try(ctx, call_handler, exchange, &err);
    if (status == CZ_OK)
        status = check_response(&exchange->request, &err);
    if (ctx->cancelled == CZ_ECANCELED)
        exchange->request.response.status = 499; /* nobody is there to read an answer */
    else if (status)
        cz__exchange_refuse(exchange, &err);
    else
        send_body(exchange);
    cz_ctx_done(ctx); /* clean-ups may wait, so on the fiber and before the answer leaves */
    cz__fiber_attach(NULL);
    exchange->running = false;
    exchange->core->stats.requests_in_flight--;
    if (exchange->suspended)
        exchange->on_done(exchange);
}

void cz__exchange_start(cz__exchange *exchange)
{
    struct cz__http_core *core = exchange->core;
    cz_error err CZ__UNSET;
    /* from now: a slow body may have taken longer than a handler may, within its own limits */
    exchange->ctx.deadline_us =
        cz__loop_now_us(core->loop) + (int64_t)core->limits.handler_timeout_ms * 1000;
    exchange->running = true;
    core->stats.requests_in_flight++;
    cz_status status = core->waiting.first ? CZ_EBUSY : cz__fiber_start(cz__exchange_run, exchange);
    if (status == CZ_OK || (status == CZ_EBUSY && cz__waiting_add(exchange))) {
        exchange->suspended = exchange->running;
        if (__builtin_expect(core->overload.rule.on, 0))
            cz__overload_begun(&core->overload.rule, cz_monotonic_us());
        return;
    }
    exchange->running = false;
    core->stats.requests_in_flight--;
    cz__overload_refused(core, &err, "no fiber is free for this request");
    cz__exchange_refuse(exchange, &err);
}

void cz__exchange_give_up(cz__exchange *exchange, const cz_error *err)
{
    exchange->running = false;
    exchange->core->stats.requests_in_flight--;
    if (err)
        cz__exchange_refuse(exchange, err);
    exchange->on_done(exchange);
}

/* ---- The answer ---- */

/* "Date" is wanted to the second (9110, 6.6.1): look at the clock when the second is over. */
static void refresh_common(struct cz__http_core *core)
{
    int64_t now_ms = cz__loop_now_ms(core->loop);
    if (__builtin_expect(now_ms < core->date_until_ms, 1))
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char *at = core->common;
    memcpy(at, "Date: ", 6);
    at += 6;
    at += cz_http_date_write(at, now.tv_sec);
    memcpy(at, "\r\n", 2);
    at += 2;
    core->common_bytes = (size_t)(at - core->common);
    core->date_until_ms = now_ms + 1000 - now.tv_nsec / 1000000;
}

static char *put(char *at, cz_str s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

#define PUT(at, literal)                                                                           \
    ((char *)memcpy((at), "" literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static char *put_status_line(char *at, int status)
{
    if (status == 200)
        return PUT(at, "HTTP/1.1 200 OK\r\n");
    at = PUT(at, "HTTP/1.1 ");
    at += cz_u64_write(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, cz_str_from(cz_http_reason(status)));
    return PUT(at, "\r\n");
}

static size_t head_bytes_max(const struct cz__http_core *core, const cz_response *response)
{
    size_t bytes =
        256 + core->common_bytes + response->content_type.len + response->header_lines.len;
    for (uint32_t i = 0; i < response->header_count; i++)
        bytes += response->headers[i].name.len + response->headers[i].value.len + 4;
    return bytes;
}

/* Status line, Date, length, type, the rest. A body whose length is not known when its head leaves gets
 * "Transfer-Encoding: chunked" in the place of Content-Length. */
static void put_head(const cz__exchange *exchange, bool keep_alive, cz_buf *out)
{
    const struct cz__http_core *core = exchange->core;
    const cz_response *response = &exchange->request.response;
    char *start = cz_buf_reserve(out, head_bytes_max(core, response)), *at = start;
    if (!start)
        return;
    at = put_status_line(at, response->status);
    at = put(at, cz_str_of(core->common, core->common_bytes));
    bool switches = response->status == 101;
    /* 205 says that it is empty, 204 and 304 say nothing (9110, 8.6). */
    bool has_length = !switches && response->status != 204 && response->status != 304;
    uint64_t body_bytes;
    if (!cz__exchange_body_bytes(exchange, &body_bytes)) {
        if (exchange->request.version_minor > 0)
            at = PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (has_length) {
        at = PUT(at, "Content-Length: ");
        at += cz_u64_write(at, body_bytes);
        at = PUT(at, "\r\n");
    }
    if (response->content_type.len) {
        at = PUT(at, "Content-Type: ");
        at = put(at, response->content_type);
        at = PUT(at, "\r\n");
    }
    for (uint32_t i = 0; i < response->header_count; i++) {
        at = put(at, response->headers[i].name);
        at = PUT(at, ": ");
        at = put(at, response->headers[i].value);
        at = PUT(at, "\r\n");
    }
    at = put(at, response->header_lines);
    if (response->status == 426 || switches) /* between neighbours (RFC 9110, 7.8 and 15.5.22) */
        at = PUT(at, "Connection: upgrade\r\n");
    if (!keep_alive && !switches)
        at = PUT(at, "Connection: close\r\n");
    else if (exchange->request.version_minor == 0)
        at = PUT(at, "Connection: keep-alive\r\n");
    at = PUT(at, "\r\n");
    cz_buf_commit(out, (size_t)(at - start));
}

cz_str cz__http_date(struct cz__http_core *core)
{
    refresh_common(core);
    size_t name = sizeof "Date: " - 1, end = sizeof "\r\n" - 1;
    return cz_str_of(core->common + name, core->common_bytes - name - end);
}

cz_str cz__exchange_body(const cz__exchange *exchange)
{
    const cz_response *response = &exchange->request.response;
    if (has_no_content(response->status))
        return CZ_STR("");
    return exchange->body_out.len ? cz_buf_str(&exchange->body_out) : response->body_text;
}

bool cz__exchange_body_bytes(const cz__exchange *exchange, uint64_t *out)
{
    const cz_response *response = &exchange->request.response;
    bool streams = response->stream && !has_no_content(response->status);
    *out = streams ? response->stream_bytes : cz__exchange_body(exchange).len;
    return !streams || response->stream_counted;
}

void cz__exchange_answered(cz__exchange *exchange, size_t bytes)
{
    struct cz__http_core *core = exchange->core;
    core->stats.requests += exchange->request.response.status != 499;
    if (core->app.on_answered)
        core->app.on_answered(&exchange->ctx, &exchange->request, bytes, core->app.user);
}

void cz__exchange_write(cz__exchange *exchange, bool keep_alive, cz_buf *out, cz_str *out_rest)
{
    const cz_request *req = &exchange->request;
    cz_str body = cz__exchange_body(exchange);
    *out_rest = cz_str_of(NULL, 0);
    if (exchange->streaming) {
        cz__exchange_answered(exchange, 0);
        return;
    }
    refresh_common(exchange->core);
    put_head(exchange, keep_alive, out);
    if (req->method == CZ_METHOD_HEAD)
        body.len = 0;
    else if (body.len < CZ__HTTP_COPY_BYTES_MAX)
        cz_buf_append_str(out, body);
    else
        *out_rest = body;
    cz__exchange_answered(exchange, body.len);
}
