/* A handler that does as it is told, and what clients of WebSockets say and hear, whatever carries them. */
#ifndef CZ_HTTP_WS_TESTING_H
#define CZ_HTTP_WS_TESTING_H

#include "http/http_testing.h"
#include "http/ws_connection.h"
#include "http/ws_deflate.h"
#include "http/ws_frame.h"
#include <stdio.h>

/* ---- the application ---- */

static struct {
    unsigned handlers, deferred;
    uint16_t closed_with;
    size_t arena_bytes;
} seen;

static inline void count_defer(void *arg)
{
    (void)arg;
    seen.deferred++;
}

static inline bool receive(cz_ctx *ctx, struct cz_websocket *ws, int64_t timeout_ms,
                           enum cz__ws_received *out, cz_str *out_data)
{
    cz_check(ctx, cz__ws_receive(ctx, ws, timeout_ms, out, out_data));
    return *out != CZ__WS_RECEIVED_CLOSED;
}

static inline void echo(cz_ctx *ctx, cz_request *req, struct cz_websocket *ws)
{
    enum cz__ws_received kind;
    cz_str data;
    (void)req;
    seen.handlers++;
    while (receive(ctx, ws, -1, &kind, &data)) {
        cz_defer(ctx, count_defer, NULL);
        cz_ignore(cz_alloc(ctx, 5000)); /* to be released with the message */
        seen.arena_bytes = cz_arena_bytes(ctx->arena);
        cz_check(ctx, cz__ws_send(ctx, ws, kind == CZ__WS_RECEIVED_TEXT, data));
    }
    seen.closed_with = cz__ws_closed_with(ws);
    seen.handlers--;
}

struct part {
    struct cz_websocket *ws;
    int messages; /* then it raises */
};

static inline void receive_some(cz_ctx *ctx, void *arg)
{
    struct part *part = arg;
    enum cz__ws_received kind;
    cz_str data;
    while (part->messages--) {
        if (!receive(ctx, part->ws, -1, &kind, &data))
            return;
        cz_defer(ctx, count_defer, NULL);
        cz_check(ctx, cz__ws_send(ctx, part->ws, true, data));
    }
    cz_raise(ctx, CZ_EVALIDATION, "enough");
}

/* Receives inside a cz_try() of its own, and as whom the last message said. */
static inline void nest(cz_ctx *ctx, cz_request *req, struct cz_websocket *ws)
{
    struct part part = { ws, 3 };
    enum cz__ws_received kind;
    cz_str data;
    (void)req;
    cz_ignore(cz_try(ctx, receive_some, &part, NULL)); /* it raises, which is all it is for */
    while (receive(ctx, ws, -1, &kind, &data)) {
        cz_check(ctx, cz__ws_send(ctx, ws, true, ctx->actor));
        cz_set_actor(ctx, data);
    }
}

/* "raise", "end", "close", "sleep", "big", "quick": by the path. */
static inline void obey(cz_ctx *ctx, cz_request *req, struct cz_websocket *ws)
{
    enum cz__ws_received kind;
    cz_str data;
    static char big[3 << 20];
    if (cz_str_eq(req->path, CZ_STR("/raise")))
        cz_raise(ctx, CZ_EVALIDATION, "not today");
    if (cz_str_eq(req->path, CZ_STR("/close")))
        cz__ws_close(ws, 4001, CZ_STR("enough"));
    if (cz_str_eq(req->path, CZ_STR("/big")))
        cz_check(ctx, cz__ws_send(ctx, ws, false, cz_str_of(big, sizeof big)));
    if (cz_str_eq(req->path, CZ_STR("/flood")))
        for (;;)
            cz_check(ctx, cz__ws_send(ctx, ws, false, cz_str_of(big, 65536)));
    if (cz_str_eq(req->path, CZ_STR("/sleep"))) {
        cz_sleep(ctx, 400);
        while (receive(ctx, ws, 20, &kind, &data) && kind != CZ__WS_RECEIVED_NOTHING)
            cz_check(ctx, cz__ws_send(ctx, ws, true, CZ_STR("awake")));
    }
    seen.closed_with = cz__ws_closed_with(ws);
}

static inline void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    static struct cz__ws_upgrade plain, deflate;
    (void)user;
    plain.run = deflate.run = cz_str_eq(req->path, CZ_STR("/echo"))   ? echo
                              : cz_str_eq(req->path, CZ_STR("/nest")) ? nest
                                                                      : obey;
    deflate.window_bits = 15;
    if (cz_str_eq(req->path, CZ_STR("/plain"))) {
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("no WebSocket"));
        return;
    }
    if (cz_str_eq(req->path, CZ_STR("/slow")))
        cz_sleep(ctx, 30);
    cz_respond_empty(ctx, req, 204);
    cz_respond_header_static(ctx, req, CZ_STR("Upgrade"), CZ_STR("websocket"));
    req->response.status = 101;
    req->response.upgrade = req->query.len ? &deflate : &plain;
    if (cz_str_eq(req->path, CZ_STR("/slow")))
        plain.run = echo;
}

static inline void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"),
               cz_str_from(cz_error_message(err)));
}

static const cz__http_app app = { .handle = handle, .answer_error = answer_error };

/* ---- a client ---- */

#define TEXT_FRAME (CZ__WS_FIN | CZ__WS_TEXT)
#define BINARY_FRAME (CZ__WS_FIN | CZ__WS_BINARY)
#define CLOSE_FRAME (CZ__WS_FIN | CZ__WS_CLOSE)

static inline void put_ws_frame(cz_buf *out, unsigned first, cz_str payload)
{
    static const uint8_t key[] = { 7, 77, 177, 27 };
    char head[CZ__WS_HEAD_MAX];
    size_t len = cz__ws_head_write(head, first, payload.len), at;
    head[1] = (char)(head[1] | (char)CZ__WS_MASK);
    cz_buf_append(out, head, len);
    cz_buf_append(out, key, sizeof key);
    at = out->len;
    cz_buf_append_str(out, payload);
    cz__ws_mask(out->ptr + at, payload.len, key, 0);
}

/* What is heard in text: "text hello; close 1000", of frames of a server. */
static inline const char *frames_of(const cz_buf *bytes, bool closed)
{
    static char text[4096];
    struct cz__ws_reader reader = { .message_bytes_max = 1 << 24,
                                    .from_server = true,
                                    .deflate = true };
    size_t used, at = 0, len = 0, message_len = 0;
    cz_str data;
    text[0] = '\0';
    for (;; at += used) {
        const char *word = NULL;
        switch (cz__ws_read(&reader, bytes->ptr + at, bytes->len - at, &used, &data)) {
        case CZ__WS_MORE:
            if (closed)
                snprintf(text + len, sizeof text - len, "%sgone", len ? "; " : "");
            return text;
        case CZ__WS_DATA:
            message_len += data.len;
            continue;
        case CZ__WS_MESSAGE:
            word = reader.compressed ? "small" : "message";
            break;
        case CZ__WS_GOT_PING:
            word = "ping";
            break;
        case CZ__WS_GOT_PONG:
            word = "pong";
            break;
        case CZ__WS_GOT_CLOSE:
            len += (size_t)snprintf(text + len, sizeof text - len, "%sclose %d", len ? "; " : "",
                                    cz__ws_close_code(&reader));
            continue;
        case CZ__WS_REFUSED:
            return cz__ws_rule_text(reader.rule);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? "; " : "", word);
        if (*word == 'm' || *word == 's')
            len += (size_t)snprintf(text + len, sizeof text - len, " of %zu", message_len);
        message_len = 0;
    }
}

#endif
