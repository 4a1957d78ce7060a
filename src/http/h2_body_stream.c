/* A body that its handler reads as it comes, over HTTP/2: what came waits in the exchange, and the client may send as much anew as
 * the handler has read, so never more than CZ__H2_STREAM_WINDOW waits. */
#ifdef CZ_HTTP2
#include "http/h2_internal.h"

static void wake(struct cz__h2_stream *stream)
{
    if (stream->exchange->body.fiber)
        cz__fiber_wake(stream->exchange->body.fiber);
}

/* What there is to say, now: the fiber runs outside the connection's entries. */
static void send(struct cz__h2_stream *stream)
{
    cz__h2_pump(stream->h2);
    cz__conn_flush(stream->h2->conn);
    if (!stream->closed)
        cz__conn_wait(stream->h2->conn);
}

static void give(struct cz__h2_stream *stream, void *out, size_t n)
{
    cz_buf *in = &stream->exchange->body_in;
    struct cz__body *body = &stream->exchange->body;
    memcpy(out, in->ptr + body->given, n);
    body->given += n;
    stream->h2->body_bytes -= n;
    if (body->given >= in->len - body->given) { /* so it does not grow behind a slow reader */
        in->len -= body->given;
        memmove(in->ptr, in->ptr + body->given, in->len);
        body->given = 0;
    }
}

/* cz__body.take */
static cz_status take(cz__exchange *exchange, void *out, size_t room, size_t *out_n, cz_error *err)
{
    struct cz__h2_stream *stream = exchange->owner;
    struct cz__body *body = &exchange->body;
    size_t here = exchange->body_in.len - body->given;
    if (stream->closed)
        return cz_error_set(err, CZ_ECANCELED, "the client went away");
    if (here) {
        *out_n = here < room ? here : room;
        give(stream, out, *out_n);
        if (cz__nghttp2.nghttp2_session_consume_stream(stream->h2->session, stream->id, *out_n))
            return cz_error_set(err, CZ_ENOMEM, "no memory for the body");
        send(stream);
        return CZ_OK;
    }
    if (body->rule)
        return cz__h1_rule_error((enum cz__h1_rule)body->rule, err);
    if (cz_buf_status(&exchange->body_in))
        return cz_error_set(err, CZ_ENOMEM, "no memory for the body");
    if (body->over)
        return CZ_OK;
    return CZ_EAGAIN;
}

/* cz__body.wait: the connection always reads. */
static void wait(cz__exchange *exchange)
{
    const struct cz__h2_stream *stream = exchange->owner;
    if (!stream->closed)
        cz__conn_wait(stream->h2->conn);
}

/* cz__body.invite */
static void invite(cz__exchange *exchange)
{
    struct cz__h2_stream *stream = exchange->owner;
    if (stream->closed)
        return;
    cz__h2_stream_continue(stream);
    send(stream);
}

void cz__h2_body_begin(struct cz__h2_stream *stream, bool asked)
{
    struct cz__body *body = &stream->exchange->body;
    stream->early = true;
    stream->exchange->body_in.bytes_max = 2 * CZ__H2_STREAM_WINDOW;
    body->take = take;
    body->wait = wait;
    body->invite = invite;
    body->asked = asked;
}

void cz__h2_body_came(struct cz__h2_stream *stream, size_t len)
{
    struct cz__body *body = &stream->exchange->body;
    body->asked = false;
    body->received += len;
    if (body->received > body->bytes_max)
        body->rule = CZ__H1_BODY_TOO_LONG;
    wake(stream);
}

void cz__h2_body_end(struct cz__h2_stream *stream)
{
    stream->exchange->body.over = true;
    stream->exchange->request.trailer = cz_buf_str(&stream->exchange->trailer);
    wake(stream);
}
#endif
