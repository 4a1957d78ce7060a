/* calzone/sse.h: server-sent events, which a browser's EventSource reads (HTML, 9.2).
 *
 *     static void ticks(cz_ctx *ctx, cz_request *req, void *arg)
 *     {
 *         do
 *             cz_sse_send(ctx, req, &(cz_sse_event){ .event = "tick", .data = CZ_STR("x") });
 *         while (cz_sse_wait(ctx, req, 1000));
 *     }
 *     static void clock(cz_ctx *ctx, cz_request *req)
 *     {
 *         cz_sse_begin(ctx, req, ticks, NULL);
 *     }
 *     ... CZ_GET("/clock", clock),
 *
 * A stream is a body as cz_respond_stream() (http.h) sends it: it may last for days, and ends when the client goes away.
 */
#ifndef CALZONE_SSE_H
#define CALZONE_SSE_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_sse_event {
    cz_str data;       /* UTF-8; its lines, whatever ends them, arrive with LF between */
    const char *event; /* NULL: "message", which EventSource gives to onmessage */
    cz_str id;         /* empty: none; comes back as Last-Event-ID when the client connects again */
    uint32_t retry_ms; /* after how long it is to connect again; 0: as it was */
} cz_sse_event;

/* Answer with a stream of events: text/event-stream that nobody is to keep or to gather. `stream(ctx, req, arg)` is called when
 * handler and middleware have returned, and sends them. Raises as cz_respond_stream(). */
void cz_sse_begin(cz_ctx *ctx, cz_request *req, cz_stream_fn stream, void *arg);

/* Send an event. What it is made of is not kept. Raises: CZ_ECANCELED: the client is gone; CZ_EINVAL: data that is not UTF-8,
 * or a line end in .event, or a line end or NUL in .id; CZ_ENOMEM. Context: inside `stream`; suspends while the client has
 * more than 256 KiB to take. */
void cz_sse_send(cz_ctx *ctx, cz_request *req, const cz_sse_event *event);
/* Send a comment, which clients skip; raises likewise, CZ_EINVAL for a line end. */
void cz_sse_comment(cz_ctx *ctx, cz_request *req, cz_str text);

/* Sleep for `ms` with a comment every 15 seconds, by which proxies keep the connection and a client that went away without a
 * word is found out. False, at once: the server stops, and the stream is to end; the client connects again, to the next.
 * Raises: CZ_ECANCELED; CZ_ENOMEM. Context: inside `stream`; suspends. */
bool cz_sse_wait(cz_ctx *ctx, cz_request *req, uint32_t ms);

/* The id of the last event that a client had which connects again; empty: it had none. */
cz_str cz_sse_last_event_id(const cz_request *req);

#ifdef __cplusplus
}
#endif
#endif
