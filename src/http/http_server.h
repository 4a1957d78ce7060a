/* http/http_server.h: HTTP on a listening socket of a worker.
 *
 * What the layer above gives: one function that answers a request. It is called on a pooled fiber with a
 * context of its own (arena, deadline, request id) inside the request's outermost error boundary: it may
 * raise anything, and `answer_error` then writes the error document. Both leave the answer in
 * req->response. HTTP/2, TLS and WebSocket will stand beside HTTP/1 behind the same two calls.
 */
#ifndef CZ_HTTP_HTTP_SERVER_H
#define CZ_HTTP_HTTP_SERVER_H

#include <calzone/http.h>
#include "http/tls.h"
#include "runtime/loop.h"

/* What is done with a request's body. */
typedef struct cz__body_plan { /* routing.h names it */
    uint64_t bytes_max;        /* more is 413; HTTP_BODY_MAX until set */
    bool streamed;             /* its handler starts when the head has come, and reads it */
} cz__body_plan;

typedef struct cz__http_app {
    void (*handle)(cz_ctx *ctx, cz_request *req, void *user);
    /* Called when the head of a request with a body has come; neither raises nor suspends. NULL: all are alike. */
    void (*plan_body)(cz_ctx *ctx, cz_request *req, cz__body_plan *plan, void *user);
    /* Write the error document for `err` into req->response; may not raise. Also called, with a request
     * that has only what was parsed, for what the parser refuses. */
    void (*answer_error)(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user);
    /* Whether it is answered also in an overload, as what asks for the server's health is. NULL: none is. */
    bool (*is_vital)(const cz_request *req, void *user);
    /* After the response was put into the output buffer: the access log. `bytes` is the body's size. For a
     * client that went away before its answer the status is 499 and nothing was sent. */
    void (*on_answered)(cz_ctx *ctx, cz_request *req, size_t bytes, void *user);
    void *user;
} cz__http_app;

typedef struct cz__http_server cz__http_server;

/* A server of `loop` that listens to nothing yet. `limits` and `app` are copied. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__http_server_create(cz__loop *loop, const cz_http_limits *limits,
                                              const cz__http_app *app, cz__http_server **out);
enum cz__http_listen {
    CZ__HTTP_PLAIN,
    CZ__HTTP_TLS, /* connections speak TLS, for which cz__http_server_set_tls() has to have been called */
    CZ__HTTP_SHARED /* other processes take connections of it, too: one at a time, and the others have their turn before the next */
};
/* Take connections of `fd`, which is borrowed; `how` is a sum of the above. Errors: CZ_ENOMEM, CZ_EIO. */
CZ_NODISCARD cz_status cz__http_server_listen(cz__http_server *server, int fd, unsigned how);
/* Whether libnghttp2 is there, which limits->http2 asks for. */
bool cz__h2_is_there(void);
/* The certificates of connections from now on; retains `tls`. */
void cz__http_server_set_tls(cz__http_server *server, cz__tls_server *tls);
enum cz__http_drain {
    CZ__HTTP_SERVES,
    CZ__HTTP_STOPS, /* nobody serves after this one: idle connections are closed, WebSockets told 1001 */
    CZ__HTTP_HANDS_OVER /* another process goes on at the same addresses: idle connections have one more request, as one
                           may be on its way, and WebSockets are told 1012, upon which clients connect again */
};
/* Stop accepting; requests under way are answered with Connection: close, of several that have come at once the last one;
 * what was already accepted by the kernel is still taken and answered. `on_drained(arg)` when no connection is left. */
void cz__http_server_drain(cz__http_server *server, enum cz__http_drain how,
                           void (*on_drained)(void *arg), void *arg);
/* Cancel what is left and free everything; turns the loop until the cancelled handlers have ended, two
 * seconds at most. Context: outside a turn of the loop. */
void cz__http_server_destroy(cz__http_server *server);

/* Whether the server of a request under way drains: what would go on for long is to end. */
bool cz__request_is_drained(const cz_request *req);

typedef struct cz__http_stats {
    uint64_t requests, connections_accepted, connections_refused, cancelled;
    uint64_t requests_refused; /* for want of time or fibers */
    uint32_t connections_open, requests_in_flight;
} cz__http_stats;
cz__http_stats cz__http_server_stats(const cz__http_server *server);

/* Run one request through `app` without a socket: the in-process test client. `raw` is a whole request
 * as it would come over the wire; the answer's bytes are appended to `out`. Runs on a fiber of the
 * current loop and turns it until the answer is there. A request without its end is answered with 400.
 * Errors: CZ_ENOMEM, CZ_ETIMEDOUT. Context: outside a turn of the loop. */
CZ_NODISCARD cz_status cz__http_serve_bytes(const cz_http_limits *limits, const cz__http_app *app,
                                            cz_str raw, cz_buf *out);

#endif
