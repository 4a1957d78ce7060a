/* http/http_internal.h: what the server, its connections and its exchanges share. */
#ifndef CZ_HTTP_HTTP_INTERNAL_H
#define CZ_HTTP_HTTP_INTERNAL_H

#include "http/flooders.h"
#include "http/h1_chunked.h"
#include "http/h1_head.h"
#include "http/http_server.h"
#include "http/overload.h"
#include "http/proxies.h"
#include "runtime/fiber.h"

enum {
    CZ__HTTP_ARENA_BYTES_MAX = 16 << 20,    /* of one request */
    CZ__HTTP_RESPONSE_BYTES_MAX = 64 << 20, /* of one body */
    CZ__HTTP_COPY_BYTES_MAX = 64 << 10,     /* a body as long or longer is sent from where it is */
    CZ__HTTP_UNSENT_BYTES_MAX = 256 << 10,  /* more, and the next request waits */
    CZ__HTTP_COUNTED_MAX = 2048,            /* files being sent at once; more are 503 */
    CZ__HTTP_WAITING_MAX = 1024,            /* requests that wait for a fiber; more are 503 */
    CZ__HTTP_INPUT_BYTES = 16 << 10,        /* one recv() */
    CZ__HTTP_POOLED_MAX = 64,               /* idle exchanges, inputs and outputs kept */
    CZ__HTTP_KEEP_BYTES_MAX = 64 << 10      /* a pooled buffer that grew past it is freed */
};

typedef struct cz__exchange cz__exchange;
typedef struct cz__conn cz__conn;
struct cz__h1_input;
struct cz__output;

/* Requests that found no fiber, the one that came first in front. */
struct cz__waiting {
    cz__exchange *first, **end;
    unsigned count;
    cz__timer timer; /* when the first has waited long enough */
};

/* What one listener's protocols share: the application, the limits, pools, the date. */
struct cz__http_core {
    cz__loop *loop;
    cz__http_app app;
    cz_http_limits limits; /* no zeros left but in requests_per_connection */
    cz__http_stats stats;
    enum cz__http_drain draining;
    struct cz__overload overload;
    struct cz__waiting waiting;

    cz__exchange *exchanges; /* pools, newest first: their memory is still in the cache */
    struct cz__h1_input *inputs;
    struct cz__output *outputs;
    unsigned exchange_count, input_count, output_count;
    unsigned
        counted_streams; /* being sent: each has a fiber until its client has taken nearly all */
    struct cz__ws_codec *ws_codec; /* made when a WebSocket needs it */

    int64_t date_until_ms; /* loop time until which `common` is right */
    char *common;          /* owned: "Date: ...\r\n" */
    size_t common_bytes;
};

CZ_NODISCARD cz_status cz__http_core_init(struct cz__http_core *core, cz__loop *loop,
                                          const cz_http_limits *limits, const cz__http_app *app);
void cz__http_core_done(struct cz__http_core *core);

/* ---- exchange.c: one request and its answer ----
 *
 * Life: acquire, fill, (body), start or refuse, write, release. Pooled; releasing resets everything. */

/* A request's body: whole before its handler starts, or read by it as it comes (body_stream.c), by what its protocol gives. */
struct cz__body {
    uint64_t bytes_max;
    bool streamed;
    bool over;                 /* all of it has come */
    bool asked;                /* the client waits for a 100 before it sends any */
    bool slow;                 /* it came slower than HTTP_BODY_RATE_MIN */
    uint8_t rule;              /* enum cz__h1_rule: what is wrong with what came */
    cz_str ready;              /* HTTP/1: decoded, and not read yet */
    uint64_t left;             /* HTTP/1: of a counted one, not yet received */
    uint64_t received;         /* as sent */
    size_t given;              /* HTTP/2: of what is in body_in */
    uint64_t since_turn_bytes; /* read since others had their turn */
    cz__fiber *fiber;          /* waits for more */
    int64_t waits_since_ms, waited_ms;
    /* Set when its handler may read. What has come, at most `room` bytes; CZ_OK with none of them at the end, CZ_EAGAIN: wait. Others are set in `err`. */
    cz_status (*take)(cz__exchange *exchange, void *out, size_t room, size_t *out_n, cz_error *err);
    void (*wait)(cz__exchange *exchange);   /* have the fiber woken when there is more */
    void (*invite)(cz__exchange *exchange); /* send the 100 that the client waits for */
};

struct cz__exchange {
    cz__exchange *next; /* in the pool, or among those that wait for a fiber */
    int64_t waits_since_ms;
    struct cz__http_core *core;
    cz_arena *arena;
    cz_ctx ctx;
    cz_request request;
    cz_buf body_in;  /* a request body that did not fit the input buffer */
    cz_buf body_out; /* request.response.body */
    cz_buf trailer;  /* lines behind the body, "Name: value\r\n" */
    struct cz__body body;
    bool running;   /* on a fiber */
    bool suspended; /* its fiber outlived cz__exchange_start(): on_done will be called */
    void (*on_done)(cz__exchange *exchange);
    /* For a body that is streamed: where its bytes go (NULL: the client is gone) and whether the connection
     * stays open after it; and sending them, which waits while too much is unsent. */
    cz_buf *(*stream_open)(cz__exchange *exchange, bool *out_keep_alive);
    cz_status (*stream_begin)(cz__exchange *exchange); /* sends the head; NULL: it is HTTP/1's */
    cz_status (*stream_send)(cz__exchange *exchange, size_t unsent_max);
    /* Send some bytes of a file without a copy, behind all that is unsent; waits. NULL: it has no way. Errors:
     * CZ_EUNSUPPORTED: not of this file; CZ_EIO: it cannot be read. */
    cz_status (*stream_file)(cz__exchange *exchange, int fd, uint64_t first, size_t bytes,
                             size_t *out_sent);
    cz__fiber *stream_fiber; /* waits for the client to take what is unsent */
    bool streaming;          /* the head is out; the answer is no longer in `request` */
    bool stream_chunked, stream_keep_alive;
    bool stream_cut;      /* the body did not come to its end */
    uint64_t stream_left; /* of a counted one what is still to come */
    void *owner;
};

/* Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__exchange_acquire(struct cz__http_core *core, cz__exchange **out);
void cz__exchange_release(cz__exchange *exchange);

/* Who is at the other end of a connection. */
struct cz__http_peer {
    cz_str address;
    bool tls; /* it came by TLS */
};

/* Set the request from a complete head whose first byte is at `bytes`; what it points to must stay
 * there until the release. Who asks is `peer`, whose address must live as long, or whom it speaks for when it is a
 * trusted proxy (proxies.h). Returns the rule that the path broke, or CZ__H1_NONE. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__exchange_fill(cz__exchange *exchange, const struct cz__h1_head *head,
                                         const char *bytes, const struct cz__http_peer *peer,
                                         enum cz__h1_rule *out_rule);
/* The same for a head that was refused: what is known of it, for the log. */
void cz__exchange_fill_partly(cz__exchange *exchange, const struct cz__h1_head *head,
                              const char *bytes);

/* What the application does with the body of a request that has one: exchange->body.bytes_max and .streamed. */
void cz__exchange_plan_body(cz__exchange *exchange);
/* body_stream.c: send the 100 that the client waits for, if it does and the body is read. */
void cz__body_invite(cz__exchange *exchange);
/* body_stream.c: go on when the loop has turned: a client that sends as fast as it is read would keep it for itself. Waits, also when
 * the context is cancelled. */
void cz__http_let_others(cz_ctx *ctx, struct cz__http_core *core);
/* Whether a body that is waited for comes fast enough; else its reader is woken to refuse it. */
bool cz__body_look_at_pace(cz__exchange *exchange, int64_t now_ms);

/* Let the application answer, on a fiber. When it has done so on return, `running` is false; otherwise
 * on_done(exchange) is called later, on that fiber, which ends right after. */
void cz__exchange_start(cz__exchange *exchange);
/* Answer with an error document, on the caller's stack. */
void cz__exchange_refuse(cz__exchange *exchange, const cz_error *err);
/* A fiber's function: what cz__exchange_start() starts. */
void cz__exchange_run(void *exchange);
/* It was started and waits for a fiber, and is to have none: answered with `err`; NULL: its client is gone. Calls on_done(). */
void cz__exchange_give_up(cz__exchange *exchange, const cz_error *err);

/* waiting.c: have it wait for a fiber; false: it may not. And start those for which there are fibers now. */
bool cz__waiting_add(cz__exchange *exchange);
void cz__waiting_start(struct cz__http_core *core);

/* The body of the answer, and that it was answered: for the log and the count. A client that went away is 499. */
cz_str cz__exchange_body(const cz__exchange *exchange);
/* How many bytes the head says that it has; false: it says nothing, as the body is streamed. */
bool cz__exchange_body_bytes(const cz__exchange *exchange, uint64_t *out);
void cz__exchange_answered(cz__exchange *exchange, size_t bytes);
/* "Sun, 06 Nov 1994 08:49:37 GMT", right for this second. */
cz_str cz__http_date(struct cz__http_core *core);

/* Whose request it is. */
static inline cz__exchange *cz__exchange_of(const cz_request *req)
{
    return (cz__exchange *)((uintptr_t)req - offsetof(cz__exchange, request));
}

/* Append the answer to `out`. `*out_rest` is what of the body was not copied and must be sent from where
 * it lies before the release; empty for most. A failure is in cz_buf_status(out). */
void cz__exchange_write(cz__exchange *exchange, bool keep_alive, cz_buf *out, cz_str *out_rest);

/* A client's address, and the connections it has. */
struct cz__http_address {
    struct cz__http_address *next;
    uint32_t connections;
    cz__address address;
};

/* ---- http_server.c ---- */

struct cz__http_listener {
    cz__watch watch;
    struct cz__http_listener *next;
    cz__http_server *server;
    bool tls, shared;
};

struct cz__http_server {
    struct cz__http_core core;
    struct cz__http_listener *listeners; /* owned */
    cz__tls_server *tls;                 /* retained; NULL: none */
    cz__timer resume_timer, drained_timer;
    int reserve_fd;
    bool accepting, paused;
    cz__conn *conns;            /* open ones */
    uint32_t conns_alive;       /* and those whose handler still unwinds */
    int64_t refused_told_ms;    /* when the log was last told of connections that were refused */
    uint64_t refused_untold;    /* since */
    uint32_t websocket_streams; /* WebSockets over HTTP/2, each of which counts as a connection */
    void (*on_drained)(void *arg);
    void *on_drained_arg;
    uint8_t address_key[16];
    struct cz__http_address *addresses[1024];
    struct cz__flooders flooders;
};

/* request.c: make one of the lines that have the same name, as RFC 9110, 5.3 lets a recipient do: the first one's name, and the
 * values with ", " between them, of Cookie "; ". Whoever reads a header then reads all of it, and of one that may come once,
 * what comes twice is no value of it. Owns: the new values are in `arena`. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__request_join_headers(cz_arena *arena, cz_header *headers,
                                                uint32_t *count);

/* response.c: cz_respond_stream() of a body that has so many bytes: its head says so, and one that has fewer is cut. */
void cz__respond_counted(cz_ctx *ctx, cz_request *req, int status, cz_str content_type,
                         uint64_t bytes, cz_stream_fn stream, void *arg);
/* exchange.c: for such a stream: send a piece, and return when the client has taken all but `unsent_max` bytes; or some of a
 * file, likewise. Raises: CZ_ECANCELED; CZ_ENOMEM; CZ_EINVAL: more than was said. */
void cz__stream_write(cz_ctx *ctx, cz_request *req, cz_str piece, size_t unsent_max);
/* Returns how many bytes were sent, 0 at the end of the file; false: send them otherwise. Raises: likewise, and CZ_EIO. */
bool cz__stream_file(cz_ctx *ctx, cz_request *req, int fd, uint64_t first, size_t bytes,
                     size_t *out_sent);

/* query.c: a name or value as a form sends it; what is malformed stays, as browsers and Django keep it. Raises: CZ_ENOMEM. */
cz_str cz__query_decode(cz_ctx *ctx, cz_str text);

/* body_stream.c: what a form that is read as it comes may hold. */
struct cz__form_limits;
struct cz__form_limits cz__body_form_limits(const cz_request *req);

/* A connection's descriptor was closed; and its memory is about to go. */
void cz__http_server_on_closed(cz__http_server *server, struct cz__http_address *address);
void cz__http_server_on_freed(cz__http_server *server);

#endif
