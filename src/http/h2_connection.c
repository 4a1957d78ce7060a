/* HTTP/2 on a connection (RFC 9113), by libnghttp2, which reads and writes frames and keeps the windows.
 *
 * What is ours: streams become exchanges (h2_stream.c), what one connection may cost is counted (h2_guard.c), and nothing is
 * answered inside nghttp2's callbacks, which may not be left by a fiber: streams that became ready there are run behind them.
 *
 * The end: a first GOAWAY that names no stream tells the client to begin none, and a second one a little later names the last that
 * was taken (6.8), so no request that was sent in between is lost without a word.
 */
#include "http/connection.h"
#ifdef CZ_HTTP2
#include "http/h2_internal.h"
#include <calzone/log.h>
#include <errno.h>

enum { INPUT_BYTES = 16 << 10, GOAWAY_GAP_MS = 200 };

static const cz_http_limits *limits_of(const struct cz__h2 *h2)
{
    return &h2->conn->server->core.limits;
}

static struct cz__h2_stream *stream_of(const struct cz__h2 *h2, int32_t id)
{
    return cz__nghttp2.nghttp2_session_get_stream_user_data(h2->session, id);
}

/* ---- What comes: nghttp2's callbacks ---- */

/* Whether it may go on; else the connection is over. */
static int count(struct cz__h2 *h2, enum cz__h2_kind kind)
{
    if (kind == CZ__H2_KIND_COUNT || cz__h2_guard_take(&h2->guard, kind, cz__conn_now_ms(h2->conn)))
        return 0;
    h2->flood = kind;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static bool has_room(const struct cz__h2 *h2)
{
    return !h2->over && h2->exchange_count < CZ__H2_EXCHANGES_MAX &&
           h2->body_bytes <= CZ__H2_BODIES_MAX;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct cz__h2 *h2 = user;
    struct cz__h2_stream *stream;
    h2->block_bytes = 0;
    h2->block_stream = NULL;
    if (frame->headers.cat !=
        NGHTTP2_HCAT_REQUEST) { /* a trailer, which a tunnel has none of (8.5) */
        stream = h2->block_stream = stream_of(h2, frame->hd.stream_id);
        if (stream && stream->connects)
            cz__h2_websocket_fail(stream, NGHTTP2_PROTOCOL_ERROR);
        return 0;
    }
    h2->requests++;
    if (!has_room(h2) || cz__h2_stream_create(h2, frame->hd.stream_id, &stream)) {
        cz_ignore(cz__nghttp2.nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
                                                        frame->hd.stream_id,
                                                        NGHTTP2_REFUSED_STREAM)); /* it times out */
        return 0;
    }
    cz__nghttp2.nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    h2->block_stream = stream;
    return 0;
}

/* An indexed field takes a byte on the wire and 4 KiB here: counted is what it is, not how it came. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct cz__h2 *h2 = user;
    (void)session, (void)flags;
    h2->block_bytes += name_len + value_len + 32;
    if (h2->block_bytes > 4 * (size_t)limits_of(h2)->header_bytes) {
        h2->flood = CZ__H2_CONTINUATION;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    struct cz__h2_stream *stream = h2->block_stream;
    const cz_str name_text = cz_str_of((const char *)name, name_len);
    const cz_str value_text = cz_str_of((const char *)value, value_len);
    if (!stream)
        return 0;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        cz__h2_stream_trailer(stream, name_text, value_text);
        return 0;
    }
    return cz__h2_stream_field(stream, name_text, value_text)
               ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
               : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t len, void *user)
{
    struct cz__h2_stream *stream = stream_of(user, id);
    (void)flags;
    bool held = stream && cz__h2_stream_data(stream, bytes, len);
    /* The connection's window is everybody's: one whose reader is slow holds up itself alone. */
    if (cz__nghttp2.nghttp2_session_consume_connection(session, len) ||
        (!held && cz__nghttp2.nghttp2_session_consume_stream(session, id, len)))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct cz__h2 *h2 = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_WINDOW_UPDATE &&
        frame->window_update.window_size_increment < 1024)
        return count(h2, CZ__H2_WINDOW);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct cz__h2_stream *stream = stream_of(h2, frame->hd.stream_id);
    if (!stream)
        return 0;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        cz__h2_stream_end(stream);
    bool request = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    return request && cz__h2_stream_headers(stream) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Resets that a client provokes cost as much as its own. And an answer that is whole before its request tells the client to
 * stop sending (RFC 9113, 8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct cz__h2 *h2 = user;
    (void)session;
    bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        return frame->rst_stream.error_code == NGHTTP2_NO_ERROR ? 0 : count(h2, CZ__H2_RESET);
    if (!last || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    struct cz__h2_stream *stream = stream_of(h2, frame->hd.stream_id);
    if (stream && stream->ws)
        cz__h2_websocket_end_sent(stream);
    else if (stream && !stream->ended)
        cz__h2_stream_linger(stream);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct cz__h2_stream *stream = stream_of(user, id);
    (void)code;
    if (!stream)
        return 0;
    cz__nghttp2.nghttp2_session_set_stream_user_data(session, id, NULL);
    cz__h2_stream_close(stream);
    return 0;
}

/* ---- Ending ---- */

/* The last frame (6.8), written by hand: nghttp2 may have failed. */
static void say_goodbye(struct cz__h2 *h2, uint32_t code)
{
    int32_t last = cz__nghttp2.nghttp2_session_get_last_proc_stream_id(h2->session);
    cz_buf *out = cz__conn_output(h2->conn);
    uint8_t frame[17] = { [2] = 8, [3] = NGHTTP2_GOAWAY };
    for (int i = 0; i < 4; i++) {
        frame[9 + i] = (uint8_t)((uint32_t)last >> (24 - 8 * i));
        frame[13 + i] = (uint8_t)(code >> (24 - 8 * i));
    }
    if (out)
        cz_buf_append(out, frame, sizeof frame);
}

/* At once: nothing is read any more, and what runs is cancelled when the client has been told. */
static void fail(struct cz__h2 *h2, uint32_t code)
{
    if (!cz__conn_is_open(h2->conn))
        return;
    if (h2->flood != CZ__H2_KIND_COUNT) {
        cz__http_server_on_flood(h2->conn);
        cz_log_warning(NULL, "calzone.http", "a flood over HTTP/2 was ended",
                       CZ_FIELD_STR("of", cz_str_from(cz__h2_kind_text(h2->flood))),
                       CZ_FIELD_STR("client", cz_str_from(h2->conn->address_text)));
    }
    say_goodbye(h2, code);
    h2->over = true;
    h2->conn->linger = true;
    cz__conn_end(h2->conn);
}

/* Begin no more streams; the last word follows. */
static void wind_up(struct cz__h2 *h2)
{
    if (h2->over || h2->goaway_ms)
        return;
    h2->goaway_ms = cz__conn_now_ms(h2->conn) + GOAWAY_GAP_MS;
    h2->conn->due_ms = h2->goaway_ms;
    if (cz__nghttp2.nghttp2_submit_shutdown_notice(h2->session))
        fail(h2, NGHTTP2_NO_ERROR);
}

static void say_last(struct cz__h2 *h2)
{
    h2->over = true;
    if (cz__nghttp2.nghttp2_submit_goaway(
            h2->session, NGHTTP2_FLAG_NONE,
            cz__nghttp2.nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR,
            NULL, 0))
        fail(h2, NGHTTP2_NO_ERROR);
}

static void on_ended(cz__conn *conn)
{
    struct cz__h2 *h2 = conn->session;
    if (h2->flood == CZ__H2_KIND_COUNT && cz__h2_guard_is_low(&h2->guard, cz__conn_now_ms(conn)))
        cz__http_server_on_flood(
            conn); /* it stops short of being one, to come again with full buckets */
    for (struct cz__h2_stream *stream = h2->streams, *next; stream; stream = next) {
        next = stream->next;
        cz__h2_stream_close(stream);
    }
}

static bool is_done(const cz__conn *conn)
{
    return !((const struct cz__h2 *)conn->session)->streams;
}

static void destroy(cz__conn *conn)
{
    struct cz__h2 *h2 = conn->session;
    cz__nghttp2.nghttp2_session_del(h2->session);
    cz_free(h2);
}

/* ---- What goes ---- */

void cz__h2_pump(struct cz__h2 *h2)
{
    const uint8_t *bytes;
    while (cz__conn_is_open(h2->conn) && cz__conn_unsent(h2->conn) <= CZ__HTTP_UNSENT_BYTES_MAX) {
        ssize_t len = cz__nghttp2.nghttp2_session_mem_send(h2->session, &bytes);
        if (len == 0)
            return;
        cz_buf *out = len > 0 ? cz__conn_output(h2->conn) : NULL;
        if (!out) {
            fail(h2, h2->flood == CZ__H2_KIND_COUNT ? NGHTTP2_INTERNAL_ERROR
                                                    : NGHTTP2_ENHANCE_YOUR_CALM);
            return;
        }
        cz_buf_append(out, bytes, (size_t)len);
        if (cz_buf_status(out))
            cz__conn_close(h2->conn); /* frames would be missing */
    }
}

/* Answer what became whole. A handler may wait, and others begin meanwhile. */
static void run_streams(struct cz__h2 *h2)
{
    for (bool found = true; found && cz__conn_is_open(h2->conn);) {
        struct cz__h2_stream *oldest = NULL;
        for (struct cz__h2_stream *stream = h2->streams; stream; stream = stream->next)
            if ((stream->ready || stream->early) && !stream->started && !stream->closed)
                oldest = stream; /* the newest stand first */
        found = oldest != NULL;
        if (found)
            cz__h2_stream_run(oldest);
    }
}

void cz__h2_rest(struct cz__h2 *h2)
{
    h2->idle_due_ms = cz__conn_now_ms(h2->conn) + (h2->requests ? limits_of(h2)->idle_timeout_ms
                                                                : limits_of(h2)->header_timeout_ms);
}

/* Whether there is something of ours for the client to take. An end without bytes waits for its window, too. */
static bool has_to_take(const struct cz__h2_stream *stream)
{
    return stream->answered_ms && (!stream->streams || cz__h2_stream_unsent(stream) ||
                                   (stream->finished && !stream->end_sent));
}

/* A WebSocket has a time of its own, unless its client is to take something. */
static int64_t streams_due(const struct cz__h2 *h2, int64_t now)
{
    int64_t due = CZ__NEVER;
    for (const struct cz__h2_stream *stream = h2->streams; stream; stream = stream->next) {
        int64_t own = stream->ws ? stream->due_ms : now + CZ__H2_TICK_MS;
        if (has_to_take(stream) && own > now + CZ__H2_TICK_MS)
            own = now + CZ__H2_TICK_MS;
        due = own < due ? own : due;
    }
    return due;
}

static void set_due(struct cz__h2 *h2)
{
    int64_t now = cz__conn_now_ms(h2->conn);
    if (h2->goaway_ms && !h2->over)
        h2->conn->due_ms = h2->goaway_ms;
    else if (h2->streams)
        h2->conn->due_ms = h2->websocket_count ? streams_due(h2, now) : now + CZ__H2_TICK_MS;
    else
        h2->conn->due_ms = h2->idle_due_ms;
}

static bool go_on(cz__conn *conn)
{
    struct cz__h2 *h2 = conn->session;
    size_t before = cz__conn_unsent(conn);
    bool brought = cz__h2_websockets_bring(h2);
    cz__h2_pump(h2);
    if (!cz__conn_is_open(conn))
        return false;
    bool reads = cz__nghttp2.nghttp2_session_want_read(h2->session);
    if (!cz__nghttp2.nghttp2_session_want_write(h2->session) &&
        (!reads || (h2->over && !h2->streams))) {
        conn->linger = true;
        cz__conn_end(conn);
    }
    return brought || cz__conn_unsent(conn) > before;
}

static void on_sent(cz__conn *conn)
{
    (void)conn; /* settle() lets go_on() make more */
}

/* ---- Input ---- */

/* Headers are of a stream that begins, with a number above all before, or of one that has begun (5.1.1). nghttp2 passes over
 * others, as they may be of one that was reset. */
static bool numbers_rise(struct cz__h2 *h2, const uint8_t *head)
{
    uint32_t id = (uint32_t)(head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 |
                  (uint32_t)head[7] << 8 | head[8];
    unsigned kept = h2->begun_count < CZ__H2_BEGUN ? h2->begun_count : CZ__H2_BEGUN;
    uint32_t last = kept ? h2->begun[(h2->begun_count - 1) % CZ__H2_BEGUN] : 0;
    if (id > last) {
        h2->begun[h2->begun_count++ % CZ__H2_BEGUN] = id;
        return true;
    }
    for (unsigned i = 0; i < kept; i++)
        if (h2->begun[i] == id)
            return true;
    return kept == CZ__H2_BEGUN && id < h2->begun[h2->begun_count % CZ__H2_BEGUN]; /* long ago */
}

/* Every frame is looked at by its head, also those that nghttp2 passes over or gathers. CZ_EBUSY: it is a flood; CZ_EPROTOCOL. */
static cz_status count_frames(struct cz__h2 *h2, const char *bytes, size_t len)
{
    const uint8_t *head = h2->scan.head;
    for (size_t at = 0; cz__h2_scan_next(&h2->scan, bytes, len, &at);) {
        bool continuation = head[3] == NGHTTP2_CONTINUATION;
        h2->continuations = continuation ? h2->continuations + 1 : 0;
        if (h2->continuations > CZ__H2_CONTINUATIONS_MAX)
            h2->flood = CZ__H2_CONTINUATION;
        if (h2->flood != CZ__H2_KIND_COUNT ||
            count(h2, cz__h2_kind_of(head[3], head[4], cz__h2_scan_length(&h2->scan))))
            return CZ_EBUSY;
        if (head[3] == NGHTTP2_HEADERS && !numbers_rise(h2, head))
            return CZ_EPROTOCOL;
    }
    return CZ_OK;
}

static void take(struct cz__h2 *h2, const char *bytes, size_t len)
{
    cz_status status = count_frames(h2, bytes, len);
    if (status) {
        fail(h2, status == CZ_EBUSY ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    ssize_t taken = cz__nghttp2.nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes, len);
    if (taken < 0 && h2->continuations) /* nghttp2 takes fewer than we do */
        h2->flood = CZ__H2_CONTINUATION;
    if (h2->flood != CZ__H2_KIND_COUNT || taken == NGHTTP2_ERR_FLOODED)
        fail(h2, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (taken < 0)
        fail(h2, taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? NGHTTP2_PROTOCOL_ERROR
                                                       : NGHTTP2_INTERNAL_ERROR);
    run_streams(h2);
    uint32_t most = limits_of(h2)->requests_per_connection;
    if (cz__conn_is_open(h2->conn) && most && h2->requests >= most)
        wind_up(h2);
    cz__h2_rest(h2);
    if (cz__conn_is_open(h2->conn))
        set_due(h2);
}

static void on_ready(cz__conn *conn, uint32_t events)
{
    static char bytes[INPUT_BYTES]; /* of the one thread that has a loop */
    struct cz__h2 *h2 = conn->session;
    if (events & (EPOLLHUP | EPOLLERR)) {
        cz__conn_close(conn);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLRDHUP)))
        return;
    ssize_t n = cz__conn_read(conn, bytes, sizeof bytes);
    if (n > 0)
        take(h2, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        cz__conn_close(conn); /* who sends no more acknowledges no more either */
}

static uint32_t interest(const cz__conn *conn)
{
    return cz__conn_unsent(conn) > CZ__HTTP_UNSENT_BYTES_MAX ? EPOLLERR : EPOLLIN | EPOLLRDHUP;
}

/* ---- Time ---- */

/* A client that sends a body slower than one may: each stream by itself, as none else would notice. */
static void check_sending(struct cz__h2_stream *stream, int64_t now)
{
    const cz_http_limits *limits = limits_of(stream->h2);
    int64_t measured = now - stream->began_ms - limits->body_grace_ms;
    if (measured > 0 &&
        stream->exchange->body_in.len < (uint64_t)measured * limits->body_rate_min / 1000) {
        cz_error err;
        cz_ignore(cz_error_set(&err, CZ_ETIMEDOUT, "the body came slower than HTTP_BODY_RATE_MIN"));
        err.http_status = 408;
        cz__h2_stream_refuse(stream, &err);
    }
}

/* And one that takes nothing of an answer, or of a WebSocket. */
static void check_taking(struct cz__h2_stream *stream, int64_t now)
{
    if (!has_to_take(stream) || stream->sent != stream->sent_before || !stream->stalled_ms) {
        stream->stalled_ms = now;
        stream->sent_before = stream->sent;
    } else if (now - stream->stalled_ms >= (int64_t)limits_of(stream->h2)->write_timeout_ms) {
        cz__h2_stream_reset(stream, NGHTTP2_CANCEL); /* again next time */
    }
}

static void check_stream(struct cz__h2_stream *stream, int64_t now)
{
    cz__exchange *exchange = stream->exchange;
    if (stream->ws)
        cz__h2_websocket_tick(stream, now);
    else if (stream->end_sent && now >= stream->due_ms)
        cz__h2_stream_reset(stream, NGHTTP2_NO_ERROR); /* no memory: again next time */
    if (exchange && exchange->body.fiber)
        cz_ignore(cz__body_look_at_pace(exchange, now)); /* its reader goes on by itself */
    else if (exchange && exchange->running && exchange->ctx.deadline_us &&
             now * 1000 >= exchange->ctx.deadline_us)
        cz__fiber_cancel(&exchange->ctx, CZ_ETIMEDOUT);
    else if (exchange && !stream->closed && !stream->ready && stream->began_ms)
        check_sending(stream, now);
    else if (!stream->closed && (!exchange || !exchange->running || stream->answered_ms))
        check_taking(stream, now);
}

static void check_streams(struct cz__h2 *h2, int64_t now)
{
    for (struct cz__h2_stream *stream = h2->streams, *next; stream; stream = next) {
        next = stream->next;
        check_stream(stream, now);
    }
}

static void on_due(cz__conn *conn)
{
    struct cz__h2 *h2 = conn->session;
    int64_t now = cz__conn_now_ms(conn);
    if (h2->goaway_ms && !h2->over && now >= h2->goaway_ms)
        say_last(h2);
    else if (h2->streams)
        check_streams(h2, now);
    else if (h2->over)
        cz__conn_end(conn);
    else if (now >= h2->idle_due_ms)
        wind_up(h2);
    if (cz__conn_is_open(conn))
        set_due(h2);
}

static void drain(cz__conn *conn)
{
    struct cz__h2 *h2 = conn->session;
    wind_up(h2);
    for (struct cz__h2_stream *stream = h2->streams; stream; stream = stream->next)
        if (stream->ws)
            cz__ws_drain(stream->ws);
}

/* ---- Beginning ---- */

static const struct cz__conn_protocol protocol = { .on_ready = on_ready,
                                                   .on_due = on_due,
                                                   .on_sent = on_sent,
                                                   .go_on = go_on,
                                                   .interest = interest,
                                                   .drain = drain,
                                                   .on_ended = on_ended,
                                                   .is_done = is_done,
                                                   .destroy = destroy };

static void set_callbacks(nghttp2_session_callbacks *callbacks)
{
    cz__nghttp2.nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                                        on_begin_headers);
    cz__nghttp2.nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    cz__nghttp2.nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    cz__nghttp2.nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    cz__nghttp2.nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    cz__nghttp2.nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}

static int create_session(struct cz__h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int failed = cz__nghttp2.nghttp2_session_callbacks_new(&callbacks);
    if (!failed)
        failed = cz__nghttp2.nghttp2_option_new(&option);
    if (!failed) {
        set_callbacks(callbacks);
        cz__nghttp2.nghttp2_option_set_max_outbound_ack(option, 100);
        cz__nghttp2.nghttp2_option_set_max_settings(option, 32);
        cz__nghttp2.nghttp2_option_set_no_auto_window_update(option, 1);
        failed = cz__nghttp2.nghttp2_session_server_new2(&h2->session, callbacks, h2, option);
    }
    cz__nghttp2.nghttp2_option_del(option);
    cz__nghttp2.nghttp2_session_callbacks_del(callbacks);
    return failed;
}

static int submit_settings(const struct cz__h2 *h2)
{
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, CZ__H2_STREAMS_MAX },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, CZ__H2_STREAM_WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_of(h2)->header_bytes },
        { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    int failed = cz__nghttp2.nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                                     CZ_COUNT(settings));
    return failed ? failed
                  : cz__nghttp2.nghttp2_session_set_local_window_size(
                        h2->session, NGHTTP2_FLAG_NONE, 0, CZ__H2_CONNECTION_WINDOW);
}

cz_status cz__h2_begin(cz__conn *conn, cz_str input)
{
    struct cz__h2 *h2 = cz_calloc(1, sizeof *h2);
    if (!h2)
        return CZ_ENOMEM;
    h2->conn = conn;
    h2->flood = CZ__H2_KIND_COUNT;
    if (create_session(h2) || submit_settings(h2)) {
        if (h2->session)
            cz__nghttp2.nghttp2_session_del(h2->session);
        cz_free(h2);
        return CZ_ENOMEM;
    }
    conn->protocol = &protocol;
    conn->session = h2;
    cz__h2_rest(h2);
    set_due(h2);
    if (input.len)
        take(h2, input.ptr, input.len);
    return CZ_OK;
}

bool cz__h2_is_there(void)
{
    return cz__nghttp2_load(NULL) == CZ_OK;
}

#else

cz_status cz__h2_begin(cz__conn *conn, cz_str input)
{
    (void)conn, (void)input;
    return CZ_EUNSUPPORTED;
}

bool cz__h2_is_there(void)
{
    return false;
}
#endif

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum cz__h2_preface cz__h2_preface(cz_str input)
{
    const cz_str whole = cz_str_of(preface, sizeof preface - 1);
    if (input.len >= whole.len)
        return cz_str_starts_with(input, whole) ? CZ__H2_YES : CZ__H2_NO;
    return cz_str_starts_with(whole, input) ? CZ__H2_MAYBE : CZ__H2_NO;
}
