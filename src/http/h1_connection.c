/* A connection that speaks HTTP/1: bytes in, requests one after another, answers out in one send().
 *
 * States, and what makes each:
 *
 *     IDLE      between requests, no byte of the next one, no buffers     conn_create(), next_request()
 *     HEAD      the head of a request has begun                           on_readable(), next_request()
 *     BODY      its head is complete, its body is not                     begin_request()
 *     HANDLING  the handler runs or waits; nothing is read                start_handler()
 *     BLOCKED   answered, but too much is unsent; the next request waits  next_request()
 *     FLUSHING  the last answer is made; closes when all is sent          finish_answer(), refuse(),
 *                                                                         on_end_of_input(), drain
 *     LINGERING all sent and our side shut; what still comes is dropped   close_gently()
 *     CLOSED    the descriptor is closed; freed when no handler runs      conn_close()
 *
 *     IDLE > HEAD > (BODY >) HANDLING > IDLE | HEAD | BLOCKED | FLUSHING      BLOCKED > IDLE | HEAD
 *     IDLE | HEAD | BODY > FLUSHING      FLUSHING > LINGERING > CLOSED      any > CLOSED
 *
 * Whether answers are unsent is no state: it goes with all of them. Each entry (readiness, time-out, end
 * of a handler) does its work and ends in settle(), the one place that sends, sets interest and timer,
 * gives buffers back and frees.
 *
 * Interest: a connection keeps EPOLLIN while its handler waits, until bytes do arrive (most clients send
 * nothing then); only that costs an epoll_ctl(). Timer: the due time is a number in the connection; one
 * timer is armed at or before it and looks again, so requests cost no wheel operation.
 *
 * A client that is gone. EPOLLHUP and EPOLLERR (a reset) cancel the handler at once. EPOLLRDHUP says only
 * that the client will send no more: it may have called shutdown() and wait for the answer, or close()
 * and be gone; TCP shows both as the same FIN. nginx and Node take it for gone and break the former; a
 * server that ignores it works on for nobody. Here, when the handler is not done 200 ms later, an interim
 * "100 Continue" is sent, which every HTTP/1.1 client must skip (9110, 15.2): a client that is there
 * ignores it, the kernel of one that is gone answers with a reset, and the handler is cancelled.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "http/http_internal.h"

enum {
    LINGER_MS = 1000,
    LINGER_BYTES_MAX = 64 << 10,
    PROBE_AFTER_MS = 200,
    BODY_CHECK_MS = 1000,
    BODY_ROOM_MIN = 4096, /* of the buffer, behind the head of a chunked body */
    BODY_READ_BYTES = 64 << 10
};

#define NEVER INT64_MAX

/* What is being read. Pooled; a connection has one only while bytes of a request are there. */
struct cz__h1_input {
    struct cz__h1_input *next;
    size_t start, end, cap; /* bytes[start..end) came and is not consumed */
    char *bytes;            /* the room below, or owned when a head was larger */
    struct cz__h1_field *fields;
    struct cz__h1_head head;
    char room[];
};

/* What is to be sent: pooled like the input. */
struct cz__h1_output {
    struct cz__h1_output *next;
    cz_buf buf;
    size_t sent;
};

enum conn_state { IDLE, HEAD, BODY, HANDLING, BLOCKED, FLUSHING, LINGERING, CLOSED };

struct cz__h1_conn {
    cz__watch watch;
    cz__timer timer;
    cz__http_server *server;
    cz__h1_conn *next, **link; /* the server's list of open ones */
    struct cz__http_address *address;
    struct cz__h1_input *input;
    struct cz__h1_output *output;
    cz__exchange *exchange; /* the request at hand, or the one whose body is still being sent */
    cz_str rest;          /* of the answer's body, sent from where it is; then `exchange` is kept */
    int64_t due_ms;       /* when the state's time is over */
    int64_t write_due_ms; /* when a write without progress is; NEVER: nothing unsent */
    int64_t probe_due_ms; /* when to find out whether the client is gone */
    int64_t armed_ms;     /* when the timer fires */
    int64_t body_began_ms;
    uint64_t body_received; /* as sent, coding included */
    size_t body_at;         /* where the body begins in the input */
    struct cz__h1_chunked chunked;
    uint32_t requests, lingered_bytes;
    uint8_t state;   /* enum conn_state */
    bool keep_alive; /* the request at hand leaves the connection open */
    bool body_chunked;
    bool linger;      /* the client may still be sending: close gently */
    bool input_waits; /* bytes came while the handler waited */
    bool peer_shut;   /* the client sends no more */
    char address_text[46];
};
_Static_assert(sizeof(struct cz__h1_conn) <= 512, "what an idle connection costs");

/* ---- State and time ---- */

static int64_t now_ms(const cz__h1_conn *conn)
{
    return cz__loop_now_ms(conn->server->core.loop);
}

static int64_t state_due_ms(const cz__h1_conn *conn, enum conn_state state)
{
    const cz_http_limits *limits = &conn->server->core.limits;
    switch (state) {
    case IDLE:
        return now_ms(conn) + limits->idle_timeout_ms;
    case HEAD:
        return now_ms(conn) + limits->header_timeout_ms;
    case BODY:
        return now_ms(conn) + limits->body_grace_ms;
    case HANDLING:
        return now_ms(conn) + limits->handler_timeout_ms;
    case LINGERING:
        return now_ms(conn) + LINGER_MS;
    case BLOCKED:
    case FLUSHING:
    case CLOSED:
        break;
    }
    return NEVER;
}

#define FROM(state) (1u << (state))
static const uint8_t legal_predecessors[] = {
    [IDLE] = FROM(HANDLING) | FROM(BLOCKED),
    [HEAD] = FROM(IDLE) | FROM(HANDLING) | FROM(BLOCKED),
    [BODY] = FROM(HEAD),
    [HANDLING] = FROM(HEAD) | FROM(BODY),
    [BLOCKED] = FROM(HANDLING),
    [FLUSHING] = FROM(IDLE) | FROM(HEAD) | FROM(BODY) | FROM(HANDLING) | FROM(BLOCKED),
    [LINGERING] = FROM(FLUSHING),
    [CLOSED] = 0xff & ~FROM(CLOSED),
};

static void set_state(cz__h1_conn *conn, enum conn_state state)
{
    cz_assert(legal_predecessors[state] & FROM(conn->state));
    conn->state = (uint8_t)state;
    conn->due_ms = state_due_ms(conn, state);
}

/* ---- Buffers ---- */

static bool input_acquire(cz__h1_conn *conn)
{
    struct cz__http_core *core = &conn->server->core;
    struct cz__h1_input *input = core->inputs;
    size_t field_bytes = core->limits.header_count * sizeof *input->fields;
    if (input) {
        core->inputs = input->next;
        core->input_count--;
    } else {
        input = cz_malloc(sizeof *input + field_bytes + CZ__HTTP_INPUT_BYTES);
        if (!input)
            return false;
        input->fields = (struct cz__h1_field *)(void *)input->room;
        input->bytes = input->room + field_bytes;
        input->cap = CZ__HTTP_INPUT_BYTES;
        cz__h1_head_init(&input->head, &core->limits, input->fields);
    }
    input->start = input->end = 0;
    cz__h1_head_reset(&input->head);
    conn->input = input;
    return true;
}

static void input_release(cz__h1_conn *conn)
{
    struct cz__http_core *core = &conn->server->core;
    struct cz__h1_input *input = conn->input;
    if (!input)
        return;
    conn->input = NULL;
    if (input->cap > CZ__HTTP_INPUT_BYTES) {
        cz_free(input->bytes);
        input->bytes = (char *)(input->fields + core->limits.header_count);
        input->cap = CZ__HTTP_INPUT_BYTES;
    }
    if (core->input_count >= CZ__HTTP_POOLED_MAX) {
        cz_free(input);
        return;
    }
    input->next = core->inputs;
    core->inputs = input;
    core->input_count++;
}

/* Let at least `room` bytes follow what is in the input; nothing may point into it yet. */
static bool input_make_room(cz__h1_conn *conn, size_t room)
{
    struct cz__h1_input *input = conn->input;
    if (input->cap - input->end >= room)
        return true;
    size_t len = input->end - input->start;
    if (input->cap - len >= room) {
        memmove(input->bytes, input->bytes + input->start, len);
    } else {
        size_t cap = len + room;
        char *bytes = cz_malloc(cap);
        if (!bytes)
            return false;
        memcpy(bytes, input->bytes + input->start, len);
        if (input->cap > CZ__HTTP_INPUT_BYTES)
            cz_free(input->bytes);
        input->bytes = bytes;
        input->cap = cap;
    }
    input->start = 0;
    input->end = len;
    return true;
}

static size_t unsent_bytes(const cz__h1_conn *conn)
{
    return (conn->output ? conn->output->buf.len - conn->output->sent : 0) + conn->rest.len;
}

static cz_buf *output_acquire(cz__h1_conn *conn)
{
    struct cz__http_core *core = &conn->server->core;
    if (!conn->output) {
        struct cz__h1_output *output = core->outputs;
        if (output) {
            core->outputs = output->next;
            core->output_count--;
        } else {
            output = cz_calloc(1, sizeof *output);
        }
        conn->output = output;
    }
    return conn->output ? &conn->output->buf : NULL;
}

static void output_release(cz__h1_conn *conn)
{
    struct cz__http_core *core = &conn->server->core;
    struct cz__h1_output *output = conn->output;
    if (!output)
        return;
    conn->output = NULL;
    output->sent = 0;
    if (output->buf.cap > CZ__HTTP_KEEP_BYTES_MAX)
        cz_buf_done(&output->buf);
    cz_buf_clear(&output->buf);
    if (core->output_count >= CZ__HTTP_POOLED_MAX) {
        cz_buf_done(&output->buf);
        cz_free(output);
        return;
    }
    output->next = core->outputs;
    core->outputs = output;
    core->output_count++;
}

void cz__h1_pools_free(struct cz__http_core *core)
{
    while (core->inputs) {
        struct cz__h1_input *input = core->inputs;
        core->inputs = input->next;
        cz_free(input);
    }
    while (core->outputs) {
        struct cz__h1_output *output = core->outputs;
        core->outputs = output->next;
        cz_buf_done(&output->buf);
        cz_free(output);
    }
}

static void exchange_release(cz__h1_conn *conn)
{
    if (conn->exchange)
        cz__exchange_release(conn->exchange);
    conn->exchange = NULL;
    conn->rest = cz_str_of(NULL, 0);
}

/* ---- Ending ---- */

static void conn_close(cz__h1_conn *conn)
{
    cz__http_server *server = conn->server;
    if (conn->state == CLOSED)
        return;
    set_state(conn, CLOSED);
    cz__timer_cancel(server->core.loop, &conn->timer);
    cz__watch_remove(server->core.loop, &conn->watch);
    close(conn->watch.fd);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    output_release(conn);
    if (conn->exchange && conn->exchange->running) {
        server->core.stats
            .cancelled++; /* its memory and the input stay until the handler has unwound */
        cz__fiber_cancel(&conn->exchange->ctx, CZ_ECANCELED);
    } else {
        exchange_release(conn);
        input_release(conn);
    }
    cz__http_server_on_closed(server, conn->address);
}

static void conn_free(cz__h1_conn *conn)
{
    cz__http_server *server = conn->server;
    cz_free(conn);
    cz__http_server_on_freed(server);
}

/* All is sent. A close() while bytes of the client are unread or on their way makes the kernel send a
 * reset, which can destroy the answer before the client has read it (9112, 9.6). */
static void close_gently(cz__h1_conn *conn)
{
    if (!conn->linger || shutdown(conn->watch.fd, SHUT_WR)) {
        conn_close(conn);
        return;
    }
    exchange_release(conn);
    input_release(conn);
    conn->lingered_bytes = 0;
    set_state(conn, LINGERING);
}

static void drop_lingering_bytes(cz__h1_conn *conn)
{
    char dropped[4096];
    ssize_t n = recv(conn->watch.fd, dropped, sizeof dropped, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        conn->lingered_bytes += (uint32_t)n;
    if (n <= 0 || conn->lingered_bytes > LINGER_BYTES_MAX)
        conn_close(conn);
}

/* ---- Output ---- */

static void on_sent(cz__h1_conn *conn, size_t bytes)
{
    size_t from_output = conn->output ? conn->output->buf.len - conn->output->sent : 0;
    if (bytes < from_output) {
        struct cz__h1_output *output = conn->output;
        output->sent += bytes;
        if (output->sent > output->buf.len / 2) { /* so it does not grow behind a slow reader */
            output->buf.len -= output->sent;
            memmove(output->buf.ptr, output->buf.ptr + output->sent, output->buf.len);
            output->sent = 0;
        }
    } else {
        conn->rest = cz_str_tail(conn->rest, bytes - from_output);
        output_release(conn);
    }
    if (conn->exchange && conn->exchange->stream_fiber &&
        unsent_bytes(conn) <= CZ__HTTP_UNSENT_BYTES_MAX / 2)
        cz__fiber_wake(conn->exchange->stream_fiber);
    if (unsent_bytes(conn)) {
        conn->write_due_ms = now_ms(conn) + conn->server->core.limits.write_timeout_ms;
        return;
    }
    conn->write_due_ms = NEVER;
    if (conn->exchange && conn->state != BODY && !conn->exchange->running)
        exchange_release(conn); /* its body was being sent */
}

/* One send() of all that is unsent. */
static void flush(cz__h1_conn *conn)
{
    struct iovec parts[2];
    struct msghdr message = { .msg_iov = parts };
    if (conn->output && conn->output->buf.len > conn->output->sent)
        parts[message.msg_iovlen++] = (struct iovec){ conn->output->buf.ptr + conn->output->sent,
                                                      conn->output->buf.len - conn->output->sent };
    if (conn->rest.len)
        parts[message.msg_iovlen++] =
            (struct iovec){ (void *)(uintptr_t)conn->rest.ptr, conn->rest.len };
    if (!message.msg_iovlen)
        return;
    ssize_t n = message.msg_iovlen == 1
                    ? send(conn->watch.fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                    : sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL);
    if (n >= 0)
        on_sent(conn, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        conn_close(conn);
    else if (conn->write_due_ms == NEVER)
        conn->write_due_ms = now_ms(conn) + conn->server->core.limits.write_timeout_ms;
}

static void send_continue(cz__h1_conn *conn)
{
    cz_buf *out = output_acquire(conn);
    if (!out) {
        conn_close(conn);
        return;
    }
    cz_buf_append_lit(out, "HTTP/1.1 100 Continue\r\n\r\n");
    flush(conn);
}

/* ---- Answers ---- */

static bool stays_open(const cz__h1_conn *conn)
{
    const struct cz__http_core *core = &conn->server->core;
    return conn->keep_alive && !conn->exchange->request.response.close && !core->draining &&
           (!core->limits.requests_per_connection ||
            conn->requests < core->limits.requests_per_connection);
}

/* The answer is in the exchange, or has been streamed: put it into the output and decide what comes next. */
static void finish_answer(cz__h1_conn *conn)
{
    cz__exchange *exchange = conn->exchange;
    bool client_closes = !conn->keep_alive;
    bool keep_alive = exchange->streaming ? exchange->stream_keep_alive : stays_open(conn);
    if (exchange->stream_cut && conn->state == CLOSED) {
        exchange_release(conn); /* closed while its body was being sent, when it had to stay */
        input_release(conn);
        return;
    }
    if (exchange->stream_cut) { /* without its end, so the client knows */
        flush(conn);
        conn_close(conn);
        return;
    }
    cz_buf *out = output_acquire(conn);
    if (!out) {
        conn_close(conn);
        return;
    }
    cz__exchange_write(exchange, keep_alive, out, &conn->rest);
    if (cz_buf_status(out)) {
        conn_close(conn);
        return;
    }
    if (!conn->rest.len)
        exchange_release(conn);
    if (keep_alive)
        return;
    bool unread = conn->input && conn->input->end > conn->input->start;
    conn->linger |= !client_closes || unread || conn->input_waits;
    set_state(conn, FLUSHING);
}

/* Refuse what is being read, with a document that says why, and close. */
static void refuse(cz__h1_conn *conn, const cz_error *err)
{
    struct cz__h1_input *input = conn->input;
    if (!conn->exchange) {
        if (cz__exchange_acquire(&conn->server->core, &conn->exchange)) {
            conn_close(conn);
            return;
        }
        cz__exchange_fill_partly(conn->exchange, &input->head, input->bytes + input->start);
        conn->exchange->request.client_address = cz_str_from(conn->address_text);
    }
    cz__exchange_refuse(conn->exchange, err);
    conn->exchange->request.response.close = true;
    conn->linger = true;
    conn->keep_alive = true; /* as far as the client is concerned; the answer says close */
    finish_answer(conn);
}

static void refuse_rule(cz__h1_conn *conn, enum cz__h1_rule rule)
{
    cz_error err;
    cz__h1_rule_error(rule, &err);
    refuse(conn, &err);
}

static void refuse_status(cz__h1_conn *conn, cz_status status, uint16_t http, const char *text)
{
    cz_error err;
    cz_error_set(&err, status, "%s", text);
    err.http_status = http;
    refuse(conn, &err);
}

/* After an answer that leaves the connection open. */
static void next_request(cz__h1_conn *conn)
{
    struct cz__h1_input *input = conn->input;
    if (conn->state == HANDLING && unsent_bytes(conn) > CZ__HTTP_UNSENT_BYTES_MAX)
        flush(conn);
    if (conn->state == CLOSED)
        return;
    /* A body that is sent from the exchange holds it, so no second request may begin either. */
    if (unsent_bytes(conn) > CZ__HTTP_UNSENT_BYTES_MAX || conn->rest.len) {
        if (conn->state != BLOCKED)
            set_state(conn, BLOCKED);
        return;
    }
    cz_assert(input); /* the request that was answered stood in it */
    cz__h1_head_reset(&input->head);
    set_state(conn, input->end > input->start ? HEAD : IDLE);
}

static void settle(cz__h1_conn *conn);
static void serve(cz__h1_conn *conn);

/* The handler suspended and has now ended; its fiber is about to. */
static void on_handler_done(cz__exchange *exchange)
{
    cz__h1_conn *conn = exchange->owner;
    if (conn->state == CLOSED) {
        struct cz__http_core *core = exchange->core;
        exchange->request.response.status = 499;
        if (core->app.on_answered)
            core->app.on_answered(&exchange->ctx, &exchange->request, 0, core->app.user);
        exchange_release(conn);
        input_release(conn);
        conn_free(conn);
        return;
    }
    conn->probe_due_ms = NEVER;
    finish_answer(conn);
    conn->input_waits = conn->peer_shut = false; /* if it holds, the loop will say so again */
    if (conn->state == HANDLING)
        next_request(conn);
    serve(conn);
    settle(conn);
}

static cz_buf *stream_open(cz__exchange *exchange, bool *out_keep_alive)
{
    cz__h1_conn *conn = exchange->owner;
    if (conn->state == CLOSED)
        return NULL;
    *out_keep_alive = stays_open(conn);
    conn->due_ms = conn->probe_due_ms = NEVER; /* the write time-out is what bounds a stream */
    return output_acquire(conn);
}

static uint32_t interest(const cz__h1_conn *conn);
static void arm_timer(cz__h1_conn *conn);

static cz_status stream_send(cz__exchange *exchange)
{
    cz__h1_conn *conn = exchange->owner;
    cz_status status = CZ_OK;
    flush(conn);
    while (!status && conn->state != CLOSED && unsent_bytes(conn) > CZ__HTTP_UNSENT_BYTES_MAX) {
        cz__watch_want(exchange->core->loop, &conn->watch, interest(conn));
        arm_timer(conn);
        exchange->stream_fiber = cz__fiber_current();
        status = cz__fiber_wait(&exchange->ctx);
        exchange->stream_fiber = NULL;
    }
    if (conn->state == CLOSED)
        return CZ_ECANCELED;
    if (unsent_bytes(
            conn)) { /* what is left goes when the client takes it, whatever the fiber does next */
        cz__watch_want(exchange->core->loop, &conn->watch, interest(conn));
        arm_timer(conn);
    }
    return status;
}

static void start_handler(cz__h1_conn *conn)
{
    cz__exchange *exchange = conn->exchange;
    set_state(conn, HANDLING);
    exchange->owner = conn;
    exchange->on_done = on_handler_done;
    exchange->stream_open = stream_open;
    exchange->stream_send = stream_send;
    cz__exchange_start(exchange);
    if (exchange->running)
        return;
    finish_answer(conn);
    if (conn->state == HANDLING)
        next_request(conn);
}

/* ---- Bodies ---- */

/* The body is whole at `ptr`, and the next request begins at `next` of the input. */
static void body_complete(cz__h1_conn *conn, cz_str body, size_t next)
{
    conn->exchange->request.body = body;
    conn->input->start = next;
    start_handler(conn);
}

static void take_counted_body(cz__h1_conn *conn)
{
    struct cz__h1_input *input = conn->input;
    cz_buf *own = &conn->exchange->body_in;
    size_t length = (size_t)input->head.content_length, here = input->end - conn->body_at;
    if (!own->len && here >= length) {
        body_complete(conn, cz_str_of(input->bytes + conn->body_at, length),
                      conn->body_at + length);
        return;
    }
    if (!own->len && input->cap - conn->body_at >= length)
        return; /* it will fit in behind the head */
    if (here) {
        cz_buf_append(own, input->bytes + conn->body_at, here);
        input->end = conn->body_at;
        if (cz_buf_status(own)) {
            refuse_status(conn, CZ_ENOMEM, 503, "no memory for the body");
            return;
        }
    }
    if (own->len == length)
        body_complete(conn, cz_buf_str(own), conn->body_at);
}

static void take_chunked_body(cz__h1_conn *conn)
{
    struct cz__h1_input *input = conn->input;
    cz_buf *own = &conn->exchange->body_in;
    size_t used, decoded;
    char *at = input->bytes + conn->body_at;
    cz_status status =
        cz__h1_chunked_feed(&conn->chunked, at, input->end - conn->body_at, &used, &decoded);
    if (status == CZ_OK && !own->len) {
        body_complete(conn, cz_str_of(at, decoded), conn->body_at + used);
        return;
    }
    if (status != CZ_OK && status != CZ_EAGAIN) {
        refuse_rule(conn, (enum cz__h1_rule)conn->chunked.rule);
        return;
    }
    cz_buf_append(own, at, decoded);
    if (cz_buf_status(own)) {
        refuse_status(conn, CZ_ENOMEM, 503, "no memory for the body");
    } else if (status == CZ_OK) {
        body_complete(conn, cz_buf_str(own), conn->body_at + used);
    } else {
        input->end = conn->body_at; /* all of it was taken */
    }
}

static void take_body(cz__h1_conn *conn)
{
    if (conn->body_chunked)
        take_chunked_body(conn);
    else
        take_counted_body(conn);
}

static void begin_body(cz__h1_conn *conn)
{
    struct cz__h1_input *input = conn->input;
    const struct cz__h1_head *head = &input->head;
    uint64_t body_bytes_max = conn->server->core.limits.body_bytes;
    if (head->content_length > body_bytes_max) {
        refuse_rule(conn, CZ__H1_BODY_TOO_LONG);
        return;
    }
    conn->body_chunked = head->has_coding;
    conn->body_received = input->end - conn->body_at;
    conn->body_began_ms = now_ms(conn);
    cz__h1_chunked_init(&conn->chunked, body_bytes_max);
    conn->exchange->body_in.bytes_max = body_bytes_max;
    set_state(conn, BODY);
    /* A client that has begun to send is not waiting. */
    if (head->expect_continue && conn->body_received == 0)
        send_continue(conn);
    if (conn->state == BODY)
        take_body(conn);
}

/* ---- Requests ---- */

/* The head is complete. */
static void begin_request(cz__h1_conn *conn)
{
    struct cz__h1_input *input = conn->input;
    const struct cz__h1_head *head = &input->head;
    enum cz__h1_rule rule;
    bool body = head->has_coding || head->content_length;
    if (body && input->cap - input->start - head->bytes < BODY_ROOM_MIN &&
        !input_make_room(conn, BODY_ROOM_MIN)) {
        conn_close(conn);
        return;
    }
    const char *bytes = input->bytes + input->start;
    if (cz__exchange_acquire(&conn->server->core, &conn->exchange) ||
        cz__exchange_fill(conn->exchange, head, bytes, &rule)) {
        conn_close(conn);
        return;
    }
    cz__exchange_set_peer(conn->exchange, cz_str_from(conn->address_text));
    conn->keep_alive = cz__h1_head_keep_alive(head);
    conn->requests++;
    conn->body_at = input->start + head->bytes;
    if (__builtin_expect(rule != CZ__H1_NONE, 0)) {
        refuse_rule(conn, rule);
    } else if (__builtin_expect(head->expect_unknown, 0)) {
        refuse_status(conn, CZ_EPROTOCOL, 417, "the expectation is not 100-continue");
    } else if (body) {
        begin_body(conn);
    } else {
        input->start = conn->body_at;
        start_handler(conn);
    }
}

/* Answer as many requests as the input has. */
static void serve(cz__h1_conn *conn)
{
    for (;;) {
        struct cz__h1_input *input = conn->input;
        if (conn->state != HEAD)
            return;
        cz_assert(input); /* HEAD has begun to read one */
        cz_str in = cz_str_of(input->bytes + input->start, input->end - input->start);
        cz_status status = cz__h1_head_feed(&input->head, in);
        if (status == CZ_EAGAIN)
            return;
        if (status)
            refuse_rule(conn, (enum cz__h1_rule)input->head.rule);
        else
            begin_request(conn);
    }
}

/* ---- Input ---- */

/* The client sends no more: an unfinished request is dropped, as nobody vouches for its end. */
static void on_end_of_input(cz__h1_conn *conn)
{
    if (conn->state == BODY)
        exchange_release(conn);
    conn->linger = false;
    set_state(conn, FLUSHING);
}

/* Where the next bytes go: behind what is there, or for a large body straight into its own buffer. */
static char *read_place(cz__h1_conn *conn, size_t *out_room)
{
    struct cz__h1_input *input = conn->input;
    if (conn->state == BODY && !conn->body_chunked &&
        input->cap - conn->body_at < input->head.content_length) {
        cz_buf *own = &conn->exchange->body_in;
        size_t left = (size_t)input->head.content_length - own->len;
        *out_room = left < BODY_READ_BYTES ? left : BODY_READ_BYTES;
        return cz_buf_reserve(own, *out_room);
    }
    if (conn->state == HEAD && input->cap - input->end < CZ__HTTP_INPUT_BYTES / 4 &&
        !input_make_room(conn, CZ__HTTP_INPUT_BYTES / 2))
        return NULL;
    *out_room = input->cap - input->end;
    return input->bytes + input->end;
}

static void on_bytes(cz__h1_conn *conn, const char *place, size_t n)
{
    struct cz__h1_input *input = conn->input;
    if (conn->state == BODY) {
        conn->body_received += n;
        if (place == input->bytes + input->end)
            input->end += n;
        else
            cz_buf_commit(&conn->exchange->body_in, n);
        take_body(conn);
    } else {
        input->end += n;
        if (conn->state == IDLE)
            set_state(conn, HEAD);
    }
    serve(conn);
}

/* One recv() a turn: level-triggered readiness comes back if there is more. */
static void on_readable(cz__h1_conn *conn)
{
    size_t room;
    if (!conn->input && !input_acquire(conn)) {
        conn_close(conn);
        return;
    }
    char *place = read_place(conn, &room);
    if (!place) {
        conn_close(conn);
        return;
    }
    ssize_t n = recv(conn->watch.fd, place, room, 0);
    if (n > 0)
        on_bytes(conn, place, (size_t)n);
    else if (n == 0)
        on_end_of_input(conn);
    else if (errno != EAGAIN && errno != EINTR)
        conn_close(conn);
}

static void on_ready_while_handling(cz__h1_conn *conn, uint32_t events)
{
    if (events & (EPOLLHUP | EPOLLERR)) {
        conn_close(conn);
    } else if (events & EPOLLRDHUP) {
        conn->peer_shut = true;
        if (conn->exchange->request.version_minor > 0 && !conn->exchange->streaming)
            conn->probe_due_ms = now_ms(conn) + PROBE_AFTER_MS;
    } else if (events & EPOLLIN) {
        conn->input_waits = true;
    }
}

static void on_ready(cz__watch *watch, uint32_t events)
{
    cz__h1_conn *conn = (cz__h1_conn *)(void *)((char *)watch - offsetof(cz__h1_conn, watch));
    switch ((enum conn_state)conn->state) {
    case IDLE:
    case HEAD:
    case BODY:
        if (events & ~(uint32_t)EPOLLOUT)
            on_readable(conn);
        break;
    case HANDLING:
        on_ready_while_handling(conn, events);
        break;
    case LINGERING:
        drop_lingering_bytes(conn);
        break;
    case BLOCKED: /* settle() sends, which finds out what is wrong too */
    case FLUSHING:
    case CLOSED:
        break;
    }
    settle(conn);
}

/* ---- Time ---- */

static void on_state_timeout(cz__h1_conn *conn)
{
    const cz_http_limits *limits = &conn->server->core.limits;
    switch ((enum conn_state)conn->state) {
    case IDLE:
        on_end_of_input(conn);
        conn->linger = true; /* a request may be on its way: let it see a FIN, not a reset */
        break;
    case HEAD:
        refuse_status(conn, CZ_ETIMEDOUT, 408,
                      "the head did not arrive within HTTP_HEADER_TIMEOUT");
        break;
    case BODY: {
        int64_t measured_ms = now_ms(conn) - conn->body_began_ms - limits->body_grace_ms;
        uint64_t wanted = (uint64_t)measured_ms * limits->body_rate_min / 1000;
        if (conn->body_received < wanted || conn->body_received == 0)
            refuse_status(conn, CZ_ETIMEDOUT, 408, "the body came slower than HTTP_BODY_RATE_MIN");
        else
            conn->due_ms = now_ms(conn) + BODY_CHECK_MS;
        break;
    }
    case HANDLING: /* its next wait fails; until then there is nothing to be done */
        cz__fiber_cancel(&conn->exchange->ctx, CZ_ETIMEDOUT);
        conn->due_ms = NEVER;
        break;
    case LINGERING:
        conn_close(conn);
        break;
    case BLOCKED:
    case FLUSHING:
    case CLOSED:
        break;
    }
}

static void on_due(cz__timer *timer)
{
    cz__h1_conn *conn = (cz__h1_conn *)(void *)((char *)timer - offsetof(cz__h1_conn, timer));
    int64_t now = now_ms(conn);
    if (now >= conn->write_due_ms) {
        conn_close(conn);
    } else if (now >= conn->due_ms) {
        on_state_timeout(conn);
    } else if (now >= conn->probe_due_ms && conn->state == HANDLING) {
        conn->probe_due_ms = NEVER;
        send_continue(conn);
    }
    settle(conn);
}

static void arm_timer(cz__h1_conn *conn)
{
    int64_t due = conn->due_ms < conn->write_due_ms ? conn->due_ms : conn->write_due_ms;
    if (conn->probe_due_ms < due)
        due = conn->probe_due_ms;
    if (due == NEVER || (cz__timer_is_set(&conn->timer) && conn->armed_ms <= due))
        return;
    conn->armed_ms = due;
    cz__timer_set(conn->server->core.loop, &conn->timer, due - now_ms(conn), on_due);
}

/* ---- The end of every entry ---- */

static uint32_t interest(const cz__h1_conn *conn)
{
    uint32_t out = unsent_bytes(conn) ? EPOLLOUT : 0;
    switch ((enum conn_state)conn->state) {
    case IDLE:
    case HEAD:
    case BODY:
        return EPOLLIN | EPOLLRDHUP | out;
    case HANDLING:
        if (conn->peer_shut) /* level-triggered: it would be told every turn */
            return EPOLLERR | out;
        return (conn->input_waits ? 0 : EPOLLIN) | EPOLLRDHUP | out;
    case LINGERING:
        return EPOLLIN;
    case BLOCKED:
    case FLUSHING:
    case CLOSED:
        break;
    }
    return EPOLLERR | out;
}

static void settle(cz__h1_conn *conn)
{
    while (conn->state != CLOSED) {
        flush(conn);
        if (conn->state != BLOCKED || unsent_bytes(conn) > CZ__HTTP_UNSENT_BYTES_MAX ||
            conn->rest.len)
            break;
        next_request(conn);
        serve(conn);
    }
    if (conn->state == FLUSHING && !unsent_bytes(conn))
        close_gently(conn);
    if (conn->state == CLOSED) {
        if (!conn->exchange)
            conn_free(conn);
        return;
    }
    if (conn->state == IDLE)
        input_release(conn);
    cz__watch_want(conn->server->core.loop, &conn->watch, interest(conn));
    arm_timer(conn);
}

/* ---- For the server ---- */

cz_status cz__h1_conn_create(cz__http_server *server, int fd, struct cz__http_address *address,
                             const char *address_text)
{
    cz__h1_conn *conn = cz_calloc(1, sizeof *conn);
    if (!conn)
        return CZ_ENOMEM;
    conn->server = server;
    conn->address = address;
    conn->write_due_ms = conn->probe_due_ms = NEVER;
    cz_ignore(snprintf(conn->address_text, sizeof conn->address_text, "%s", address_text));
    cz_status status =
        cz__watch_add(server->core.loop, &conn->watch, fd, EPOLLIN | EPOLLRDHUP, on_ready);
    if (status) {
        cz_free(conn);
        return status;
    }
    conn->state = IDLE;
    conn->due_ms = state_due_ms(conn, IDLE);
    conn->next = server->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    conn->link = &server->conns;
    server->conns = conn;
    server->conns_alive++;
    server->core.stats.connections_open++;
    arm_timer(conn);
    return CZ_OK;
}

void cz__h1_conn_drain(cz__h1_conn *conn)
{
    if (conn->state != IDLE)
        return;
    on_readable(conn); /* a request may have come since the last turn */
    if (conn->state == IDLE && conn->requests) {
        on_end_of_input(conn);
        conn->linger = true;
    }
    settle(conn);
}

void cz__h1_conn_abort(cz__h1_conn *conn)
{
    conn_close(conn);
    settle(conn);
}

cz__h1_conn *cz__h1_conn_next(const cz__h1_conn *conn)
{
    return conn->next;
}
