/* http/h2_internal.h: what the files of HTTP/2 share. */
#ifndef CZ_HTTP_H2_INTERNAL_H
#define CZ_HTTP_H2_INTERNAL_H

#include "http/connection.h"
#include "http/h2_guard.h"
#include "http/nghttp2.h"
#include "http/ws_carrier.h"

enum {
    CZ__H2_STREAMS_MAX = 200,      /* at once */
    CZ__H2_EXCHANGES_MAX = 228,    /* with those whose client is gone and whose handler is not */
    CZ__H2_WEBSOCKETS_MAX = 100,   /* of them, so that requests have a place beside them */
    CZ__H2_CONTINUATIONS_MAX = 32, /* of one block of headers */
    CZ__H2_BODIES_MAX =
        8 << 20, /* bytes of bodies that are not whole; more, and streams are refused */
    CZ__H2_BEGUN = 128,
    CZ__H2_TICK_MS =
        1000, /* how often streams are looked at whose client is to send or take something */
    CZ__H2_LINGER_MS = 1000,          /* for the client's end, after ours */
    CZ__H2_STREAM_WINDOW = 256 << 10, /* what a client may send ahead */
    CZ__H2_CONNECTION_WINDOW = 1 << 20
};

struct cz__h2;

/* One request and its answer, or a WebSocket. It lasts until the stream is closed and no handler runs for it. */
struct cz__h2_stream {
    struct cz__h2_stream *next, **link;
    struct cz__h2 *h2;
    int32_t id;
    cz__exchange *exchange;                   /* in whose arena the stream is */
    cz_str method, path, authority, protocol; /* in the exchange's arena */
    cz_buf cookies;                           /* "a=1; b=2" of several fields (RFC 9113, 8.2.3) */
    cz_buf out;                               /* of a streamed answer what is not yet sent */
    size_t out_sent;                          /* of its beginning what was sent, for all that */
    cz_str body;                              /* of another what is not */
    int64_t began_ms, answered_ms;            /* when its body, and its answer began; 0: not yet */
    uint64_t sent, sent_before; /* bytes of the answer's body; when the clock looked last */
    int64_t stalled_ms;         /* since when none went */
    /* h2_websocket.c */
    struct cz_websocket *ws; /* NULL: it is none, or not yet */
    cz_buf in;               /* bytes that came and were not taken yet */
    size_t taken;            /* of its beginning what was, for all that */
    int64_t due_ms; /* when the socket, or our patience after its end, wants to be called */
    bool connects;  /* a WebSocket is asked for, and counted among those there may be */
    bool in_waits;  /* bytes of `in`, or the client's end, wait for the socket */
    bool end_sent;  /* nothing follows from our side */

    bool ready;   /* nothing more is taken of the request: it is whole, or refused */
    bool early;   /* its handler reads the body as it comes, so it may begin before that is whole */
    bool started; /* it is being answered */
    bool too_large; /* its headers are */
    bool two_hosts;
    bool ended;    /* the client sends no more of it */
    bool closed;   /* nothing of it is read or sent any more */
    bool streams;  /* the answer's head is out, its body comes by and by */
    bool finished; /* and has come */
};

struct cz__h2 {
    cz__conn *conn;
    nghttp2_session *session;
    struct cz__h2_stream *streams; /* the newest first */
    unsigned exchange_count;       /* of streams, those closed whose view still runs among them */
    unsigned websocket_count;      /* of them WebSockets, from their request on */
    unsigned waiting_count;        /* of these, those with in_waits */
    size_t body_bytes;             /* of bodies that are not whole */
    struct cz__h2_stream
        *block_stream;      /* whose headers are being read; NULL: they are passed over */
    size_t block_bytes;     /* of the headers being read, as RFC 9113, 6.5.2, counts them */
    unsigned continuations; /* of them */
    uint32_t requests;
    int64_t idle_due_ms; /* when a connection without streams is over */
    int64_t goaway_ms;   /* when the last word is to be said after the first; 0: no word was */
    struct cz__h2_guard guard;
    struct cz__h2_scan scan;
    uint32_t begun[CZ__H2_BEGUN]; /* the streams that began last, in a ring */
    unsigned begun_count;
    enum cz__h2_kind flood; /* CZ__H2_KIND_COUNT: none */
    bool over;              /* GOAWAY was said: no new stream */
};

/* ---- h2_stream.c ---- */

/* Bytes of a streamed answer, or of a WebSocket, that nghttp2 has not taken yet. */
static inline size_t cz__h2_stream_unsent(const struct cz__h2_stream *stream)
{
    return stream->out.len - stream->out_sent;
}

/* Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__h2_stream_create(struct cz__h2 *h2, int32_t id,
                                            struct cz__h2_stream **out);
/* A field of its headers. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__h2_stream_field(struct cz__h2_stream *stream, cz_str name, cz_str value);
/* A field behind its body. */
void cz__h2_stream_trailer(struct cz__h2_stream *stream, cz_str name, cz_str value);
/* Its headers are whole. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__h2_stream_headers(struct cz__h2_stream *stream);
/* Its answer is whole before its request is: the client is told to stop (RFC 9113, 8.1), but not before it has had the time to read
 * why. There are clients that take nothing behind the reset for true, answers that have come among it. */
void cz__h2_stream_linger(struct cz__h2_stream *stream);
/* The client sends no more of it. */
void cz__h2_stream_end(struct cz__h2_stream *stream);
/* Bytes of its body. Whether they are held for a reader, who gives the client more room when it has them. */
bool cz__h2_stream_data(struct cz__h2_stream *stream, const uint8_t *bytes, size_t len);
/* Run the handler of one that is ready. Context: not inside a callback of nghttp2. */
void cz__h2_stream_run(struct cz__h2_stream *stream);
/* Answer with an error instead. Likewise. */
void cz__h2_stream_refuse(struct cz__h2_stream *stream, const cz_error *err);
/* Nothing more is read or sent: cancel what runs, free what does not. */
void cz__h2_stream_close(struct cz__h2_stream *stream);

/* Free one that is closed and for which nothing runs. */
void cz__h2_stream_destroy(struct cz__h2_stream *stream);
/* Our side of it ends with what is in `out`. */
void cz__h2_stream_finish(struct cz__h2_stream *stream);
/* The client is told that there will be no answer, or no more of it, by RST_STREAM with `code`. */
void cz__h2_stream_reset(struct cz__h2_stream *stream, uint32_t code);
/* Tell the client that it may send its body. */
void cz__h2_stream_continue(struct cz__h2_stream *stream);

/* ---- h2_headers.c ---- */

/* The headers of the exchange's answer, in its arena; they may be read until the exchange is released. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__h2_headers(cz__exchange *exchange, const nghttp2_nv **out,
                                      size_t *out_count);

/* ---- h2_body_stream.c: a body that the handler reads as it comes ---- */

/* Its head has come; `asked`: the client waits for a 100 before it sends more. */
void cz__h2_body_begin(struct cz__h2_stream *stream, bool asked);
/* So many bytes came; they are in body_in, but for want of memory. */
void cz__h2_body_came(struct cz__h2_stream *stream, size_t len);
/* All of it has come. */
void cz__h2_body_end(struct cz__h2_stream *stream);

/* ---- h2_websocket.c: a stream that carries a WebSocket (RFC 8441) ---- */

/* Count one that is asked for. Errors: CZ_EBUSY: there are as many as may be; `err` says which. */
CZ_NODISCARD cz_status cz__h2_websocket_ask(struct cz__h2_stream *stream, cz_error *err);
/* Its request is answered, and that is sent: go on as a WebSocket. May free the stream. */
void cz__h2_websocket_begin(struct cz__h2_stream *stream);
/* Bytes came, or, with none, the client's end. */
void cz__h2_websocket_data(struct cz__h2_stream *stream, const uint8_t *bytes, size_t len);
/* Neither side says more: RST_STREAM with `code`. */
void cz__h2_websocket_fail(struct cz__h2_stream *stream, uint32_t code);
/* Bring what waits to sockets that want it. Whether any took something. Context: not inside a callback of nghttp2. */
bool cz__h2_websockets_bring(struct cz__h2 *h2);
/* Our last frame of it is sent. */
void cz__h2_websocket_end_sent(struct cz__h2_stream *stream);
/* Its time, where that has come. */
void cz__h2_websocket_tick(struct cz__h2_stream *stream, int64_t now_ms);
/* The stream is closed, or was not opened. */
void cz__h2_websocket_close(struct cz__h2_stream *stream);

/* ---- h2_connection.c ---- */

/* Something happened: the time without it begins anew. */
void cz__h2_rest(struct cz__h2 *h2);

/* Put what is to be sent into the connection's output, as far as it has room. */
void cz__h2_pump(struct cz__h2 *h2);

#endif
