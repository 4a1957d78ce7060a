/* A WebSocket on a stream of HTTP/2 (RFC 8441): its bytes are those of DATA frames, wherever these are cut.
 *
 * The stream is what TCP is over HTTP/1 (5): END_STREAM is a FIN, RST_STREAM with CANCEL a reset, and the stream's window is the pace.
 * The client may send as much anew as the socket has taken, so CZ__H2_STREAM_WINDOW bytes wait for a handler that does not receive,
 * and no other stream waits for it: the connection's window is opened as bytes come (h2_connection.c). A socket ends its stream and
 * never the connection.
 *
 * Nothing is brought to a socket inside nghttp2's callbacks: what comes there is kept, and go_on() of the connection brings it.
 */
#ifdef CZ_HTTP2
#include "http/h2_internal.h"

/* ---- What came and was not taken yet ---- */

static void set_waits(struct cz__h2_stream *stream, bool waits)
{
    struct cz__h2 *h2 = stream->h2;
    if (stream->in_waits != waits)
        h2->waiting_count += waits ? 1U : -1U;
    stream->in_waits = waits;
}

static void drop_input(struct cz__h2_stream *stream)
{
    stream->h2->body_bytes -= stream->in.len - stream->taken;
    cz_buf_done(&stream->in);
    stream->taken = 0;
    set_waits(stream, false);
}

/* The first bytes are taken: the client may send as many. Errors: CZ_ENOMEM. */
static cz_status took(struct cz__h2_stream *stream, size_t bytes)
{
    cz_buf *in = &stream->in;
    stream->taken += bytes;
    stream->h2->body_bytes -= bytes;
    if (stream->taken == in->len) { /* an idle socket holds no buffer */
        cz_buf_done(in);
        stream->taken = 0;
    } else if (stream->taken >=
               in->len - stream->taken) { /* so it does not grow behind a slow handler */
        in->len -= stream->taken;
        memmove(in->ptr, in->ptr + stream->taken, in->len);
        stream->taken = 0;
    }
    return cz__nghttp2.nghttp2_session_consume_stream(stream->h2->session, stream->id, bytes)
               ? CZ_ENOMEM
               : CZ_OK;
}

void cz__h2_websocket_fail(struct cz__h2_stream *stream, uint32_t code)
{
    if (!stream->closed) {
        stream->due_ms = CZ__NEVER;
        stream->finished = true;
        cz__h2_stream_reset(stream, code);
    }
    if (stream->ws)
        cz__ws_gone(stream->ws);
}

void cz__h2_websocket_data(struct cz__h2_stream *stream, const uint8_t *bytes, size_t len)
{
    if (stream->finished) /* what comes behind our end is for nobody */
        return;
    size_t before = stream->in.len;
    cz_buf_append(&stream->in, bytes, len);
    stream->h2->body_bytes += stream->in.len - before;
    set_waits(stream, true);
    if (cz_buf_status(&stream->in))
        cz__h2_websocket_fail(stream, NGHTTP2_INTERNAL_ERROR);
}

/* ---- For the socket ---- */

static void call_within(cz__conn *conn, int64_t due_ms)
{
    if (due_ms < conn->due_ms)
        conn->due_ms = due_ms;
}

static cz_buf *output(void *arg)
{
    struct cz__h2_stream *stream = arg;
    cz__conn *conn = stream->h2->conn;
    if (stream->closed || stream->finished)
        return NULL;
    call_within(conn, cz__conn_now_ms(conn) + CZ__H2_TICK_MS); /* whether the client takes it */
    cz_ignore(cz__nghttp2.nghttp2_session_resume_data(stream->h2->session,
                                                      stream->id)); /* it may not be deferred */
    return &stream->out;
}

static size_t unsent(const void *arg)
{
    return cz__h2_stream_unsent(arg);
}

static void settle(void *arg)
{
    struct cz__h2_stream *stream = arg;
    cz__conn *conn = stream->h2->conn;
    if (stream->closed && cz__ws_is_done(stream->ws))
        cz__h2_stream_destroy(stream);
    cz__conn_settle(conn); /* where the stream may end */
}

static void wake_at(void *arg, int64_t due_ms)
{
    struct cz__h2_stream *stream = arg;
    if (stream->closed)
        return;
    stream->due_ms = due_ms;
    call_within(stream->h2->conn, due_ms);
}

/* The write time-out bounds it until our end is sent, and LINGER_MS from there. */
static void end(void *arg)
{
    struct cz__h2_stream *stream = arg;
    if (stream->closed || stream->finished)
        return;
    stream->due_ms = CZ__NEVER;
    call_within(stream->h2->conn, cz__conn_now_ms(stream->h2->conn) + CZ__H2_TICK_MS);
    cz__h2_stream_finish(stream);
}

static void abort_stream(void *arg)
{
    cz__h2_websocket_fail(arg, NGHTTP2_CANCEL);
}

static const struct cz__ws_carrier functions = { .output = output,
                                                 .unsent = unsent,
                                                 .settle = settle,
                                                 .end = end,
                                                 .abort = abort_stream,
                                                 .wake_at = wake_at };

/* ---- For the connection ---- */

static bool bring(struct cz__h2_stream *stream)
{
    struct cz_websocket *ws = stream->ws;
    cz_buf *in = &stream->in;
    if (!ws || !cz__ws_wants(ws))
        return false;
    if (in->len && took(stream, cz__ws_take(ws, in->ptr + stream->taken, in->len - stream->taken)))
        abort_stream(stream);
    if (!in->len && stream->ended && cz__ws_wants(ws)) { /* without a word */
        cz__ws_gone(ws);
        end(stream);
    }
    if (stream->finished)
        drop_input(stream);
    set_waits(stream, in->len || (stream->ended && !stream->finished));
    return true;
}

bool cz__h2_websockets_bring(struct cz__h2 *h2)
{
    bool brought = false;
    if (!h2->waiting_count)
        return false;
    for (struct cz__h2_stream *stream = h2->streams; stream; stream = stream->next)
        if (stream->in_waits)
            brought |= bring(stream);
    return brought;
}

void cz__h2_websocket_end_sent(struct cz__h2_stream *stream)
{
    stream->end_sent = true;
    wake_at(stream, cz__conn_now_ms(stream->h2->conn) + CZ__H2_LINGER_MS);
}

void cz__h2_websocket_tick(struct cz__h2_stream *stream, int64_t now_ms)
{
    if (stream->closed || now_ms < stream->due_ms)
        return;
    stream->due_ms = CZ__NEVER;
    if (stream->end_sent)
        cz__h2_stream_reset(stream, NGHTTP2_NO_ERROR);
    else
        cz__ws_on_due(stream->ws);
}

/* ---- Beginning and end ---- */

cz_status cz__h2_websocket_ask(struct cz__h2_stream *stream, cz_error *err)
{
    struct cz__h2 *h2 = stream->h2;
    if (h2->websocket_count >= CZ__H2_WEBSOCKETS_MAX)
        return cz_error_set(err, CZ_EBUSY, "One connection carries %d WebSockets.",
                            CZ__H2_WEBSOCKETS_MAX);
    if (cz__http_server_count_stream(h2->conn))
        return cz_error_set(err, CZ_EBUSY,
                            "HTTP_CONNECTIONS_PER_ADDRESS or HTTP_CONNECTIONS_MAX is reached.");
    cz_buf_init(&stream->in, 2 * CZ__H2_STREAM_WINDOW);
    stream->connects = true;
    stream->due_ms = CZ__NEVER;
    h2->websocket_count++;
    return CZ_OK;
}

void cz__h2_websocket_begin(struct cz__h2_stream *stream)
{
    stream->ws = cz__ws_create(&functions, stream, stream->exchange);
    cz_buf_done(&stream->cookies); /* which the request has */
    if (!stream->ws) {
        cz__h2_websocket_fail(stream, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    set_waits(stream, stream->in.len || stream->ended);
    cz__ws_start(stream->ws);
    if (stream->closed && cz__ws_is_done(stream->ws))
        cz__h2_stream_destroy(stream);
}

void cz__h2_websocket_close(struct cz__h2_stream *stream)
{
    stream->due_ms = CZ__NEVER;
    drop_input(stream);
    cz_buf_done(&stream->out);
    stream->out_sent = 0;
    cz__http_server_uncount_stream(stream->h2->conn);
    if (stream->ws)
        cz__ws_gone(stream->ws);
}
#endif
