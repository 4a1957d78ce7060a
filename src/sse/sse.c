#include <calzone/runtime.h>
#include <calzone/sse.h>
#include <calzone/time.h>
#include "http/http_server.h"

enum { KEEP_ALIVE_MS = 15000, LOOK_MS = 500, ROOM_BYTES = 2048 };

void cz_sse_begin(cz_ctx *ctx, cz_request *req, cz_stream_fn stream, void *arg)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("text/event-stream"), stream, arg);
    cz_respond_header_static(ctx, req, CZ_STR("Cache-Control"), CZ_STR("no-store"));
    cz_respond_header_static(ctx, req, CZ_STR("X-Accel-Buffering"), CZ_STR("no")); /* nginx */
}

/* ---- Writing: gathered on the stack, so that a stream of days allocates nothing ---- */

struct writer {
    cz_ctx *ctx;
    cz_request *req;
    size_t len;
    char room[ROOM_BYTES];
};

static void flush(struct writer *writer)
{
    cz_stream_write(writer->ctx, writer->req, cz_str_of(writer->room, writer->len));
    writer->len = 0;
}

static void put(struct writer *writer, cz_str text)
{
    while (text.len) {
        if (writer->len == sizeof writer->room)
            flush(writer);
        cz_str part = cz_str_head(text, sizeof writer->room - writer->len);
        memcpy(writer->room + writer->len, part.ptr, part.len);
        writer->len += part.len;
        text = cz_str_tail(text, part.len);
    }
}

static void put_line(struct writer *writer, cz_str name, cz_str value)
{
    put(writer, name);
    put(writer, value);
    put(writer, CZ_STR("\n"));
}

/* CR LF, LF and CR each end a line there (HTML, 9.2.5), so each has to begin a new field here. */
static void put_data(struct writer *writer, cz_str data)
{
    for (;;) {
        size_t len = 0;
        while (len < data.len && data.ptr[len] != '\n' && data.ptr[len] != '\r')
            len++;
        put_line(writer, CZ_STR("data: "), cz_str_head(data, len));
        if (len == data.len)
            return;
        bool pair = data.ptr[len] == '\r' && len + 1 < data.len && data.ptr[len + 1] == '\n';
        data = cz_str_tail(data, len + 1 + pair);
    }
}

static bool is_one_line(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r' || text.ptr[i] == '\0')
            return false;
    return cz_str_is_utf8(text);
}

/* ---- Events ---- */

void cz_sse_send(cz_ctx *ctx, cz_request *req, const cz_sse_event *event)
{
    struct writer writer;
    writer.ctx = ctx;
    writer.req = req;
    writer.len = 0;
    cz_str name = cz_str_from(event->event);
    if (!is_one_line(name) || !is_one_line(event->id) || !cz_str_is_utf8(event->data))
        cz_raise(ctx, CZ_EINVAL, "an event is UTF-8, its name and id are one line each");
    if (event->id.len)
        put_line(&writer, CZ_STR("id: "), event->id);
    if (name.len)
        put_line(&writer, CZ_STR("event: "), name);
    if (event->retry_ms) {
        char digits[20];
        size_t len = cz_u64_write(digits, event->retry_ms);
        put_line(&writer, CZ_STR("retry: "), cz_str_of(digits, len));
    }
    put_data(&writer, event->data);
    put(&writer, CZ_STR("\n"));
    flush(&writer);
}

void cz_sse_comment(cz_ctx *ctx, cz_request *req, cz_str text)
{
    struct writer writer;
    writer.ctx = ctx;
    writer.req = req;
    writer.len = 0;
    if (!is_one_line(text))
        cz_raise(ctx, CZ_EINVAL, "a comment is one line of UTF-8");
    put_line(&writer, CZ_STR(": "), text);
    put(&writer, CZ_STR("\n"));
    flush(&writer);
}

bool cz_sse_wait(cz_ctx *ctx, cz_request *req, uint32_t ms)
{
    const int64_t until_us = cz_monotonic_us() + (int64_t)ms * 1000;
    int64_t comment_us = cz_monotonic_us() + KEEP_ALIVE_MS * 1000;
    while (!cz__request_is_drained(req)) {
        int64_t left_ms = (until_us - cz_monotonic_us() + 999) / 1000;
        if (left_ms <= 0)
            return true;
        cz_sleep(ctx, (uint64_t)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
        if (cz_monotonic_us() < comment_us)
            continue;
        cz_sse_comment(ctx, req, CZ_STR(""));
        comment_us = cz_monotonic_us() + KEEP_ALIVE_MS * 1000;
    }
    return false;
}

cz_str cz_sse_last_event_id(const cz_request *req)
{
    cz_str id = cz_request_header(req, CZ_STR("last-event-id"));
    return cz_str_is_utf8(id) ? id : cz_str_of(NULL, 0);
}
