/* HTTP/1 on a connection: bytes in, requests one after another, answers out in one send().
 *
 * States, and what makes each:
 *
 *     IDLE      between requests, no byte of the next one, no buffers     cz__h1_begin(), next_request()
 *     HEAD      the head of a request has begun                           on_readable(), next_request()
 *     BODY      its head is complete, its body is not                     begin_request()
 *     HANDLING  the handler runs or waits; nothing is read but by it       start_handler()
 *     BLOCKED   answered, but too much is unsent; the next request waits  next_request()
 *     OVER      the last answer is made, or none will be                  end()
 *
 *     IDLE > HEAD > (BODY >) HANDLING > IDLE | HEAD | BLOCKED      BLOCKED > IDLE | HEAD      any > OVER
 *
 * Interest: a connection keeps EPOLLIN while its handler waits, until bytes do arrive (most clients send
 * nothing then); only that costs an epoll_ctl().
 *
 * A client that is gone. EPOLLHUP and EPOLLERR (a reset) cancel the handler at once. EPOLLRDHUP says only
 * that the client will send no more: it may have called shutdown() and wait for the answer, or close()
 * and be gone; TCP shows both as the same FIN. nginx and Node take it for gone and break the former; a
 * server that ignores it works on for nobody. Here, when the handler is not done 200 ms later, an interim
 * "100 Continue" is sent, which every HTTP/1.1 client must skip (9110, 15.2): a client that is there
 * ignores it, the kernel of one that is gone answers with a reset, and the handler is cancelled.
 */
#include "http/h1_internal.h"
#include <errno.h>
#include <sys/socket.h>

enum {
    PROBE_AFTER_MS = 200,
    BODY_ROOM_MIN = 4096, /* of the buffer, behind the head of a chunked body */
    BODY_READ_BYTES = 64 << 10,
    /* of a body that its handler left: as much as the kernel may have taken of the client, who else would see a reset and not
     * why */
    LEFT_BYTES_MAX = 8 << 20
};

enum h1_state { IDLE, HEAD, BODY, HANDLING, BLOCKED, OVER };

/* ---- State and time ---- */

static const cz_http_limits *limits_of(const struct cz__h1 *h1)
{
    return &h1->conn->server->core.limits;
}

static int64_t state_due_ms(const struct cz__h1 *h1)
{
    int64_t now = cz__conn_now_ms(h1->conn);
    const cz_http_limits *limits = limits_of(h1);
    switch ((enum h1_state)h1->state) {
    case IDLE:
        return now + limits->idle_timeout_ms;
    case HEAD:
        return now + limits->header_timeout_ms;
    case BODY:
        return now + limits->body_grace_ms;
    case HANDLING:
        return now + limits->handler_timeout_ms;
    case BLOCKED:
    case OVER:
        break;
    }
    return CZ__NEVER;
}

#define FROM(state) (1u << (state))
static const uint8_t legal_predecessors[] = {
    [IDLE] = FROM(HANDLING) | FROM(BLOCKED),
    [HEAD] = FROM(IDLE) | FROM(HANDLING) | FROM(BLOCKED),
    [BODY] = FROM(HEAD),
    [HANDLING] = FROM(HEAD) | FROM(BODY),
    [BLOCKED] = FROM(HANDLING),
    [OVER] = FROM(IDLE) | FROM(HEAD) | FROM(BODY) | FROM(HANDLING) | FROM(BLOCKED),
};

static void set_state(struct cz__h1 *h1, enum h1_state state)
{
    cz_assert(legal_predecessors[state] & FROM(h1->state));
    h1->state = (uint8_t)state;
    cz__h1_set_due(h1, state_due_ms(h1), h1->probe_due_ms);
}

/* ---- What it holds ---- */

static void input_release(struct cz__h1 *h1)
{
    cz__h1_input_release(&h1->conn->server->core, h1->input);
    h1->input = NULL;
}

static void exchange_release(struct cz__h1 *h1)
{
    if (h1->exchange)
        cz__exchange_release(h1->exchange);
    h1->exchange = NULL;
    h1->conn->rest = cz_str_of(NULL, 0);
}

/* ---- Ending ---- */

/* All is made: close when it is sent. */
static void end(struct cz__h1 *h1)
{
    set_state(h1, OVER);
    cz__conn_end(h1->conn);
}

static void on_ended(cz__conn *conn)
{
    struct cz__h1 *h1 = conn->session;
    if (h1->exchange &&
        h1->exchange->running) { /* its memory and the input stay until the handler has unwound */
        conn->server->core.stats.cancelled++;
        cz__fiber_cancel(&h1->exchange->ctx, CZ_ECANCELED);
    } else {
        exchange_release(h1);
        input_release(h1);
    }
}

static bool is_done(const cz__conn *conn)
{
    return !((const struct cz__h1 *)conn->session)->exchange;
}

static void destroy(cz__conn *conn)
{
    cz_free(conn->session);
}

/* ---- Output ---- */

static void on_sent(cz__conn *conn)
{
    struct cz__h1 *h1 = conn->session;
    cz__exchange *exchange = h1->exchange;
    if (!exchange)
        return;
    if (exchange->stream_fiber && cz__conn_unsent(conn) <= CZ__HTTP_UNSENT_BYTES_MAX / 2)
        cz__fiber_wake(exchange->stream_fiber);
    if (!cz__conn_unsent(conn) && h1->state != BODY && !exchange->running)
        exchange_release(h1); /* its body was being sent */
}

void cz__h1_send_continue(struct cz__h1 *h1)
{
    cz_buf *out = cz__conn_output(h1->conn);
    if (!out) {
        cz__conn_close(h1->conn);
        return;
    }
    cz_buf_append_lit(out, "HTTP/1.1 100 Continue\r\n\r\n");
    cz__conn_flush(h1->conn);
}

/* ---- Answers ---- */

/* Whether a request behind this one has come already, also when nobody has read it yet: it was sent before its client could
 * know that the server drains. */
static bool more_has_come(const struct cz__h1 *h1)
{
    char byte;
    return h1->input_waits || (h1->input && cz__h1_input_unread(h1->input)) ||
           (h1->conn->tls && cz__tls_session_has_more(h1->conn->tls)) ||
           recv(h1->conn->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool stays_open(const struct cz__h1 *h1)
{
    const struct cz__http_core *core = &h1->conn->server->core;
    const struct cz__body *body = &h1->exchange->body;
    bool unread = body->streamed && !body->over; /* what follows is not the next request */
    return h1->keep_alive && !unread && !h1->exchange->request.response.close &&
           (!core->draining || more_has_come(h1)) &&
           (!core->limits.requests_per_connection ||
            h1->requests < core->limits.requests_per_connection);
}

/* A body that was streamed and has no end. */
static void finish_cut(struct cz__h1 *h1)
{
    if (cz__conn_is_open(h1->conn)) { /* without its end, so the client knows */
        cz__conn_flush(h1->conn);
        cz__conn_close(h1->conn);
    } else { /* closed while its body was being sent, when it had to stay */
        exchange_release(h1);
        input_release(h1);
    }
}

/* The 101 is in the output: what follows it is no longer HTTP. */
static void become_websocket(struct cz__h1 *h1)
{
    cz__exchange *exchange = h1->exchange;
    struct cz__h1_input *input = h1->input;
    h1->exchange = NULL;
    h1->input = NULL;
    set_state(h1, OVER);
    if (!cz__h1_input_unread(input)) {
        cz__h1_input_release(exchange->core, input);
        input = NULL;
    }
    cz__h1_websocket_begin(h1->conn, exchange, input);
}

/* The client went away before its answer, and the handler has now unwound. */
static void drop_answer(struct cz__h1 *h1)
{
    cz__exchange *exchange = h1->exchange;
    exchange->request.response.status = 499;
    cz__exchange_answered(exchange, 0);
    exchange_release(h1);
    input_release(h1);
}

/* The answer is in the exchange, or has been streamed: put it into the output and decide what comes next. */
static void finish_answer(struct cz__h1 *h1)
{
    cz__conn *conn = h1->conn;
    cz__exchange *exchange = h1->exchange;
    bool client_closes = !h1->keep_alive;
    if (exchange->body.take && !exchange->streaming)
        cz__h1_body_drop(h1);
    bool keep_alive = exchange->streaming ? exchange->stream_keep_alive : stays_open(h1);
    bool body_was_left = exchange->body.take && !exchange->body.over;
    if (exchange->stream_cut) {
        finish_cut(h1);
        return;
    }
    if (!cz__conn_is_open(conn)) { /* closed while its body was being read */
        drop_answer(h1);
        return;
    }
    cz_buf *out = cz__conn_output(conn);
    if (!out) {
        cz__conn_close(conn);
        return;
    }
    cz__exchange_write(exchange, keep_alive, out, &conn->rest);
    if (cz_buf_status(out)) {
        cz__conn_close(conn);
        return;
    }
    if (exchange->request.response.upgrade) {
        become_websocket(h1);
        return;
    }
    if (!conn->rest.len)
        exchange_release(h1);
    if (keep_alive)
        return;
    if (body_was_left)
        conn->linger_bytes_left = LEFT_BYTES_MAX;
    conn->linger |=
        !client_closes || (h1->input && cz__h1_input_unread(h1->input)) || h1->input_waits;
    end(h1);
}

/* Refuse what is being read, with a document that says why, and close. */
static void refuse(struct cz__h1 *h1, const cz_error *err)
{
    struct cz__h1_input *input = h1->input;
    if (!h1->exchange) {
        if (cz__exchange_acquire(&h1->conn->server->core, &h1->exchange)) {
            cz__conn_close(h1->conn);
            return;
        }
        cz__exchange_fill_partly(h1->exchange, &input->head, input->bytes + input->start);
        h1->exchange->request.client_address = cz_str_from(h1->conn->address_text);
    }
    cz__exchange_refuse(h1->exchange, err);
    h1->exchange->request.response.close = true;
    h1->conn->linger = true;
    h1->keep_alive = true; /* as far as the client is concerned; the answer says close */
    finish_answer(h1);
    cz_assert(!cz__conn_is_open(h1->conn)); /* else serve() would refuse the same head for ever */
}

static void refuse_rule(struct cz__h1 *h1, enum cz__h1_rule rule)
{
    cz_error err;
    cz__h1_rule_error(rule, &err);
    refuse(h1, &err);
}

static void refuse_status(struct cz__h1 *h1, cz_status status, uint16_t http, const char *text)
{
    cz_error err;
    cz_error_set(&err, status, "%s", text);
    err.http_status = http;
    refuse(h1, &err);
}

/* A body that is sent from the exchange holds it, so no second request may begin either. */
static bool may_go_on(const cz__conn *conn)
{
    return cz__conn_unsent(conn) <= CZ__HTTP_UNSENT_BYTES_MAX && !conn->rest.len;
}

/* After an answer that leaves the connection open. */
static void next_request(struct cz__h1 *h1)
{
    struct cz__h1_input *input = h1->input;
    if (h1->state == HANDLING && cz__conn_unsent(h1->conn) > CZ__HTTP_UNSENT_BYTES_MAX)
        cz__conn_flush(h1->conn);
    if (!cz__conn_is_open(h1->conn))
        return;
    if (!may_go_on(h1->conn)) {
        if (h1->state != BLOCKED)
            set_state(h1, BLOCKED);
        return;
    }
    cz_assert(input); /* the request that was answered stood in it */
    cz__h1_head_reset(&input->head);
    set_state(h1, cz__h1_input_unread(input) ? HEAD : IDLE);
}

static void serve(struct cz__h1 *h1);

static bool go_on(cz__conn *conn)
{
    struct cz__h1 *h1 = conn->session;
    if (h1->state == IDLE)
        input_release(h1);
    if (h1->state != BLOCKED || !may_go_on(conn))
        return false;
    next_request(h1);
    serve(h1);
    return true;
}

/* The handler suspended and has now ended; its fiber is about to. */
static void on_handler_done(cz__exchange *exchange)
{
    struct cz__h1 *h1 = exchange->owner;
    if (cz__conn_is_open(h1->conn)) {
        h1->probe_due_ms = CZ__NEVER;
        finish_answer(h1);
        h1->input_waits = h1->peer_shut = false; /* if it holds, the loop will say so again */
        if (cz__conn_is_open(h1->conn) && h1->state == HANDLING)
            next_request(h1);
        serve(h1);
    } else {
        drop_answer(h1);
    }
    cz__conn_settle(h1->conn);
}

/* ---- Bodies of answers that are streamed ---- */

static cz_buf *stream_open(cz__exchange *exchange, bool *out_keep_alive)
{
    struct cz__h1 *h1 = exchange->owner;
    if (!cz__conn_is_open(h1->conn))
        return NULL;
    *out_keep_alive = stays_open(h1);
    cz__h1_set_due(h1, CZ__NEVER, CZ__NEVER); /* the write time-out is what bounds a stream */
    return cz__conn_output(h1->conn);
}

/* Until the client took something, or is gone. */
static cz_status wait_for_client(cz__exchange *exchange, cz__conn *conn)
{
    cz__conn_wait(conn);
    exchange->stream_fiber = cz__fiber_current();
    cz_status status = cz__fiber_wait(&exchange->ctx);
    exchange->stream_fiber = NULL;
    return status;
}

static cz_status stream_send(cz__exchange *exchange, size_t unsent_max)
{
    cz__conn *conn = ((struct cz__h1 *)exchange->owner)->conn;
    cz_status status = CZ_OK;
    cz__conn_flush(conn);
    while (!status && cz__conn_is_open(conn) && cz__conn_unsent(conn) > unsent_max)
        status = wait_for_client(exchange, conn);
    if (!cz__conn_is_open(conn))
        return CZ_ECANCELED;
    if (cz__conn_unsent(
            conn)) /* what is left goes when the client takes it, whatever the fiber does next */
        cz__conn_wait(conn);
    return status;
}

static cz_status stream_file(cz__exchange *exchange, int fd, uint64_t first, size_t bytes,
                             size_t *out_sent)
{
    cz__conn *conn = ((struct cz__h1 *)exchange->owner)->conn;
    cz_status status = stream_send(exchange, 0);
    while (!status) {
        if (!cz__conn_is_open(conn))
            return CZ_ECANCELED;
        status = cz__conn_send_file(conn, fd, first, bytes, out_sent);
        if (status != CZ_EAGAIN)
            break;
        status = wait_for_client(exchange, conn);
    }
    return status;
}

static void on_answer(struct cz__h1 *h1)
{
    finish_answer(h1);
    if (cz__conn_is_open(h1->conn) && h1->state == HANDLING)
        next_request(h1);
}

static void start_handler(struct cz__h1 *h1)
{
    cz__exchange *exchange = h1->exchange;
    set_state(h1, HANDLING);
    exchange->owner = h1;
    exchange->on_done = on_handler_done;
    exchange->stream_open = stream_open;
    exchange->stream_send = stream_send;
    exchange->stream_file = stream_file;
    cz__exchange_start(exchange);
    if (!exchange->running)
        on_answer(h1);
}

/* Nothing was done for it. Its connection stays where none of its body is still to come. */
static void refuse_overload(struct cz__h1 *h1, const cz_error *err)
{
    struct cz__h1_input *input = h1->input;
    size_t here = input->end - h1->body_at;
    if (input->head.has_coding || input->head.content_length > here) {
        refuse(h1, err);
        return;
    }
    input->start = h1->body_at + (size_t)input->head.content_length;
    set_state(h1, HANDLING);
    cz__exchange_refuse(h1->exchange, err);
    on_answer(h1);
}

/* ---- Bodies of requests ---- */

/* The body is whole at `ptr`, and the next request begins at `next` of the input. */
static void body_complete(struct cz__h1 *h1, cz_str body, size_t next)
{
    h1->exchange->request.body = body;
    h1->exchange->request.trailer = cz_buf_str(&h1->exchange->trailer);
    h1->input->start = next;
    start_handler(h1);
}

static void take_counted_body(struct cz__h1 *h1)
{
    struct cz__h1_input *input = h1->input;
    cz_buf *own = &h1->exchange->body_in;
    size_t length = (size_t)input->head.content_length, here = input->end - h1->body_at;
    if (!own->len && here >= length) {
        body_complete(h1, cz_str_of(input->bytes + h1->body_at, length), h1->body_at + length);
        return;
    }
    if (!own->len && input->cap - h1->body_at >= length)
        return; /* it will fit in behind the head */
    if (here) {
        cz_buf_append(own, input->bytes + h1->body_at, here);
        input->end = h1->body_at;
        if (cz_buf_status(own)) {
            refuse_status(h1, CZ_ENOMEM, 503, "no memory for the body");
            return;
        }
    }
    if (own->len == length)
        body_complete(h1, cz_buf_str(own), h1->body_at);
}

static void take_chunked_body(struct cz__h1 *h1)
{
    struct cz__h1_input *input = h1->input;
    cz_buf *own = &h1->exchange->body_in;
    size_t used, decoded;
    char *at = input->bytes + h1->body_at;
    cz_status status =
        cz__h1_chunked_feed(&h1->chunked, at, input->end - h1->body_at, &used, &decoded);
    if (cz_buf_status(&h1->exchange->trailer)) {
        refuse_status(h1, CZ_ENOMEM, 503, "no memory for the trailer");
        return;
    }
    if (status == CZ_OK && !own->len) {
        body_complete(h1, cz_str_of(at, decoded), h1->body_at + used);
        return;
    }
    if (status != CZ_OK && status != CZ_EAGAIN) {
        refuse_rule(h1, (enum cz__h1_rule)h1->chunked.rule);
        return;
    }
    cz_buf_append(own, at, decoded);
    if (cz_buf_status(own)) {
        refuse_status(h1, CZ_ENOMEM, 503, "no memory for the body");
    } else if (status == CZ_OK) {
        body_complete(h1, cz_buf_str(own), h1->body_at + used);
    } else {
        input->end = h1->body_at; /* all of it was taken */
    }
}

static void take_body(struct cz__h1 *h1)
{
    if (h1->body_chunked)
        take_chunked_body(h1);
    else
        take_counted_body(h1);
}

static void begin_body(struct cz__h1 *h1)
{
    struct cz__h1_input *input = h1->input;
    const struct cz__h1_head *head = &input->head;
    cz__exchange_plan_body(h1->exchange);
    uint64_t body_bytes_max = h1->exchange->body.bytes_max;
    if (head->content_length > body_bytes_max) {
        refuse_rule(h1, CZ__H1_BODY_TOO_LONG);
        return;
    }
    if (h1->exchange->body.streamed) {
        cz__h1_body_begin(h1);
        start_handler(h1);
        return;
    }
    h1->body_chunked = head->has_coding;
    h1->body_received = input->end - h1->body_at;
    h1->body_began_ms = cz__conn_now_ms(h1->conn);
    cz__h1_chunked_init(&h1->chunked, body_bytes_max);
    h1->chunked.trailer = &h1->exchange->trailer;
    h1->exchange->body_in.bytes_max = body_bytes_max;
    set_state(h1, BODY);
    /* A client that has begun to send is not waiting. */
    if (head->expect_continue && h1->body_received == 0)
        cz__h1_send_continue(h1);
    if (cz__conn_is_open(h1->conn))
        take_body(h1);
}

/* ---- Requests ---- */

/* Where the head is as long as the request lives. A WebSocket lives long, and is not to keep the input. NULL: no memory. */
static const char *head_that_stays(const struct cz__h1 *h1, const char *bytes)
{
    const struct cz__h1_head *head = &h1->input->head;
    if (__builtin_expect(!head->connection_upgrade, 1))
        return bytes;
    char *copy = cz_arena_alloc(h1->exchange->arena, head->bytes);
    return copy ? memcpy(copy, bytes, head->bytes) : NULL;
}

/* The head is complete. */
static void begin_request(struct cz__h1 *h1)
{
    struct cz__h1_input *input = h1->input;
    const struct cz__h1_head *head = &input->head;
    enum cz__h1_rule rule;
    cz_error err;
    bool body = head->has_coding || head->content_length;
    if (body && input->cap - input->start - head->bytes < BODY_ROOM_MIN &&
        !cz__h1_input_make_room(input, BODY_ROOM_MIN)) {
        cz__conn_close(h1->conn);
        return;
    }
    const char *bytes = input->bytes + input->start;
    const struct cz__http_peer peer = cz__conn_peer(h1->conn);
    if (cz__exchange_acquire(&h1->conn->server->core, &h1->exchange) ||
        !(bytes = head_that_stays(h1, bytes)) ||
        cz__exchange_fill(h1->exchange, head, bytes, &peer, &rule) ||
        cz__conn_name_client(h1->conn, h1->exchange)) {
        cz__conn_close(h1->conn);
        return;
    }
    h1->keep_alive = cz__h1_head_keep_alive(head);
    h1->requests++;
    h1->body_at = input->start + head->bytes;
    if (__builtin_expect(rule != CZ__H1_NONE, 0)) {
        refuse_rule(h1, rule);
    } else if (__builtin_expect(head->expect_unknown, 0)) {
        refuse_status(h1, CZ_EPROTOCOL, 417, "the expectation is not 100-continue");
    } else if (cz__overload_refuses(h1->exchange->core, &h1->exchange->request, &err)) {
        refuse_overload(h1, &err);
    } else if (body) {
        begin_body(h1);
    } else {
        input->start = h1->body_at;
        start_handler(h1);
    }
}

/* A client that knows that HTTP/2 is spoken here begins with its preface, of which perhaps not all came: then it is another
 * session's connection, and this one is gone. */
static bool is_http2(struct cz__h1 *h1, cz_str in)
{
    cz__conn *conn = h1->conn;
    enum cz__h2_preface preface = cz__h2_preface(in);
    if (preface == CZ__H2_NO || !conn->server->core.limits.http2)
        return false;
    if (preface == CZ__H2_MAYBE)
        return true;
    struct cz__h1_input *input = h1->input;
    if (cz__h2_begin(conn, in)) {
        cz__conn_close(conn);
        return true;
    }
    cz__h1_input_release(&conn->server->core, input);
    cz_free(h1);
    return true;
}

/* Answer as many requests as the input has. */
static void serve(struct cz__h1 *h1)
{
    while (cz__conn_is_open(h1->conn) && h1->state == HEAD) {
        struct cz__h1_input *input = h1->input;
        cz_assert(input); /* HEAD has begun to read one */
        cz_str in = cz_str_of(input->bytes + input->start, cz__h1_input_unread(input));
        if (__builtin_expect(in.ptr[0] == 'P' && !h1->requests, 0) && is_http2(h1, in))
            return;
        cz_status status = cz__h1_head_feed(&input->head, in);
        if (status == CZ_EAGAIN)
            return;
        if (status)
            refuse_rule(h1, (enum cz__h1_rule)input->head.rule);
        else
            begin_request(h1);
    }
}

/* ---- Input ---- */

/* The client sends no more: an unfinished request is dropped, as nobody vouches for its end. */
static void on_end_of_input(struct cz__h1 *h1)
{
    if (h1->state == BODY)
        exchange_release(h1);
    h1->conn->linger = false;
    end(h1);
}

/* Where the next bytes go: behind what is there, or for a large body straight into its own buffer. */
static char *read_place(struct cz__h1 *h1, size_t *out_room)
{
    struct cz__h1_input *input = h1->input;
    if (h1->state == BODY && !h1->body_chunked &&
        input->cap - h1->body_at < input->head.content_length) {
        cz_buf *own = &h1->exchange->body_in;
        size_t left = (size_t)input->head.content_length - own->len;
        *out_room = left < BODY_READ_BYTES ? left : BODY_READ_BYTES;
        return cz_buf_reserve(own, *out_room);
    }
    if (h1->state == HEAD && input->cap - input->end < CZ__HTTP_INPUT_BYTES / 4 &&
        !cz__h1_input_make_room(input, CZ__HTTP_INPUT_BYTES / 2))
        return NULL;
    *out_room = input->cap - input->end;
    return input->bytes + input->end;
}

static void on_bytes(struct cz__h1 *h1, const char *place, size_t n)
{
    struct cz__h1_input *input = h1->input;
    if (h1->state == BODY) {
        h1->body_received += n;
        if (place == input->bytes + input->end)
            input->end += n;
        else
            cz_buf_commit(&h1->exchange->body_in, n);
        take_body(h1);
    } else {
        input->end += n;
        if (h1->state == IDLE)
            set_state(h1, HEAD);
    }
    serve(h1);
}

/* One recv() a turn: level-triggered readiness comes back if there is more. */
static void on_readable(struct cz__h1 *h1)
{
    size_t room;
    if (!h1->input)
        h1->input = cz__h1_input_acquire(&h1->conn->server->core);
    char *place = h1->input ? read_place(h1, &room) : NULL;
    if (!place) {
        cz__conn_close(h1->conn);
        return;
    }
    ssize_t n = cz__conn_read(h1->conn, place, room);
    if (n > 0)
        on_bytes(h1, place, (size_t)n);
    else if (n == 0)
        on_end_of_input(h1);
    else if (errno != EAGAIN && errno != EINTR)
        cz__conn_close(h1->conn);
}

static void on_ready_while_handling(struct cz__h1 *h1, uint32_t events)
{
    if (events & (EPOLLHUP | EPOLLERR)) {
        cz__conn_close(h1->conn);
    } else if (h1->exchange->body.fiber) {
        if (events & (EPOLLIN | EPOLLRDHUP))
            cz__h1_body_ready(h1);
    } else if (events & EPOLLRDHUP) {
        h1->peer_shut = true;
        if (h1->exchange->request.version_minor > 0 && !h1->exchange->streaming)
            cz__h1_set_due(h1, h1->state_due_ms, cz__conn_now_ms(h1->conn) + PROBE_AFTER_MS);
    } else if (events & EPOLLIN) {
        h1->input_waits = true;
    }
}

static void on_ready(cz__conn *conn, uint32_t events)
{
    struct cz__h1 *h1 = conn->session;
    if (h1->state == HANDLING)
        on_ready_while_handling(h1, events);
    else if (h1->state != BLOCKED && (events & ~(uint32_t)EPOLLOUT))
        on_readable(h1);
}

/* ---- Time ---- */

static void on_body_time(struct cz__h1 *h1)
{
    const cz_http_limits *limits = limits_of(h1);
    int64_t measured_ms = cz__conn_now_ms(h1->conn) - h1->body_began_ms - limits->body_grace_ms;
    uint64_t wanted = (uint64_t)measured_ms * limits->body_rate_min / 1000;
    if (h1->body_received < wanted || h1->body_received == 0)
        refuse_status(h1, CZ_ETIMEDOUT, 408, "the body came slower than HTTP_BODY_RATE_MIN");
    else
        cz__h1_set_due(h1, cz__conn_now_ms(h1->conn) + CZ__H1_BODY_CHECK_MS, h1->probe_due_ms);
}

/* A body that is read as it comes moves the end of its handler's time. */
static void on_handler_time(struct cz__h1 *h1)
{
    cz__exchange *exchange = h1->exchange;
    int64_t due_us = exchange->ctx.deadline_us;
    if (exchange->body.fiber) {
        cz__h1_body_due(h1);
    } else if (!due_us) {
        cz__h1_set_due(h1, CZ__NEVER, h1->probe_due_ms);
    } else if (due_us > cz__conn_now_ms(h1->conn) * 1000) {
        cz__h1_set_due(h1, (due_us + 999) / 1000, h1->probe_due_ms);
    } else { /* its next wait fails; until then there is nothing to be done */
        cz__fiber_cancel(&exchange->ctx, CZ_ETIMEDOUT);
        cz__h1_set_due(h1, CZ__NEVER, h1->probe_due_ms);
    }
}

static void on_state_time(struct cz__h1 *h1)
{
    switch ((enum h1_state)h1->state) {
    case IDLE:
        on_end_of_input(h1);
        h1->conn->linger = true; /* a request may be on its way: let it see a FIN, not a reset */
        break;
    case HEAD:
        refuse_status(h1, CZ_ETIMEDOUT, 408, "the head did not arrive within HTTP_HEADER_TIMEOUT");
        break;
    case BODY:
        on_body_time(h1);
        break;
    case HANDLING:
        on_handler_time(h1);
        break;
    case BLOCKED:
    case OVER:
        break;
    }
}

static void on_due(cz__conn *conn)
{
    struct cz__h1 *h1 = conn->session;
    int64_t now = cz__conn_now_ms(conn);
    if (now >= h1->state_due_ms) {
        on_state_time(h1);
    } else if (now >= h1->probe_due_ms) {
        cz__h1_set_due(h1, h1->state_due_ms, CZ__NEVER);
        if (h1->state == HANDLING)
            cz__h1_send_continue(h1);
    }
}

static uint32_t interest(const cz__conn *conn)
{
    const struct cz__h1 *h1 = conn->session;
    switch ((enum h1_state)h1->state) {
    case IDLE:
    case HEAD:
    case BODY:
        return EPOLLIN | EPOLLRDHUP;
    case HANDLING:
        if (h1->exchange->body.fiber && !h1->input_waits)
            return EPOLLIN | EPOLLRDHUP;
        if (h1->peer_shut) /* level-triggered: it would be told every turn */
            return EPOLLERR;
        return (h1->input_waits ? 0 : EPOLLIN) | EPOLLRDHUP;
    case BLOCKED:
    case OVER:
        break;
    }
    return EPOLLERR;
}

/* ---- For the server ---- */

static void drain(cz__conn *conn)
{
    struct cz__h1 *h1 = conn->session;
    if (h1->state != IDLE || conn->server->core.draining == CZ__HTTP_HANDS_OVER)
        return;
    on_readable(h1); /* a request may have come since the last turn, or another protocol */
    if (cz__conn_is_open(conn) && conn->session == h1 && h1->state == IDLE && h1->requests) {
        on_end_of_input(h1);
        conn->linger = true;
    }
}

static const struct cz__conn_protocol protocol = { .on_ready = on_ready,
                                                   .on_due = on_due,
                                                   .on_sent = on_sent,
                                                   .go_on = go_on,
                                                   .interest = interest,
                                                   .drain = drain,
                                                   .on_ended = on_ended,
                                                   .is_done = is_done,
                                                   .destroy = destroy };

cz_status cz__h1_begin(cz__conn *conn)
{
    struct cz__h1 *h1 = cz_calloc(1, sizeof *h1);
    if (!h1)
        return CZ_ENOMEM;
    h1->conn = conn;
    conn->protocol = &protocol;
    conn->session = h1;
    cz__h1_set_due(h1, state_due_ms(h1), CZ__NEVER);
    return CZ_OK;
}
