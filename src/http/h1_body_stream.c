/* A body that its handler reads as it comes, over HTTP/1.
 *
 * Nothing is read of the connection but by the handler, so a slow one makes the client wait, by TCP's window. Chunks are decoded
 * where they came, behind the head in the input, of which the request's texts are; counted bytes go straight to the reader.
 * What follows the body stays in the input, or unread, for the next request. */
#include "base/unset.h"
#include "http/h1_internal.h"
#include <errno.h>

enum {
    SMALL_ROOM_BYTES = 4096, /* for less, more is read into the input at a time */
    DROPPED_BYTES_MAX = 64 << 10
};

/* Decode what came behind the head, `len` bytes. */
static void decode(struct cz__h1 *h1, size_t len)
{
    struct cz__h1_input *input = h1->input;
    struct cz__body *body = &h1->exchange->body;
    char *at = input->bytes + h1->body_at;
    size_t used = len, decoded = len;
    if (h1->body_chunked) {
        body->over = cz__h1_chunked_feed(&h1->chunked, at, len, &used, &decoded) == CZ_OK;
        body->rule = h1->chunked.rule;
    } else {
        used = decoded = len < body->left ? len : (size_t)body->left;
        body->left -= decoded;
        body->over = !body->left;
    }
    body->ready = cz_str_of(at, decoded);
    if (body->over) {
        input->start = h1->body_at + used;
        h1->exchange->request.trailer = cz_buf_str(&h1->exchange->trailer);
    }
}

/* recv() to where the body stands; what is there was read. */
static ssize_t receive_into_input(struct cz__h1 *h1)
{
    struct cz__h1_input *input = h1->input;
    const struct cz__body *body = &h1->exchange->body;
    size_t room = input->cap - h1->body_at;
    if (!h1->body_chunked && body->left < room)
        room = (size_t)body->left;
    input->end = h1->body_at;
    ssize_t n = cz__conn_read(h1->conn, input->bytes + h1->body_at, room);
    if (n > 0) {
        input->end += (size_t)n;
        decode(h1, (size_t)n);
    }
    return n;
}

/* Straight to the reader. */
static ssize_t receive_counted(struct cz__h1 *h1, void *out, size_t room, size_t *out_n)
{
    struct cz__body *body = &h1->exchange->body;
    if (body->left < room)
        room = (size_t)body->left;
    ssize_t n = cz__conn_read(h1->conn, out, room);
    if (n <= 0)
        return n;
    *out_n = (size_t)n;
    body->left -= (size_t)n;
    body->over = !body->left;
    if (body->over)
        h1->input->start = h1->input->end = h1->body_at;
    return n;
}

static cz_status after_nothing(struct cz__h1 *h1, ssize_t n, cz_error *err)
{
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CZ_EAGAIN;
    if (n == 0)
        return cz_error_set(err, CZ_EPROTOCOL, "the client ended its request inside the body");
    cz__conn_close(h1->conn);
    return cz_error_set(err, CZ_ECANCELED, "the client went away");
}

/* cz__body.take */
static cz_status take(cz__exchange *exchange, void *out, size_t room, size_t *out_n, cz_error *err)
{
    struct cz__h1 *h1 = exchange->owner;
    struct cz__body *body = &exchange->body;
    for (;;) {
        if (!cz__conn_is_open(h1->conn))
            return cz_error_set(err, CZ_ECANCELED, "the client went away");
        if (body->ready.len) {
            *out_n = body->ready.len < room ? body->ready.len : room;
            memcpy(out, body->ready.ptr, *out_n);
            body->ready = cz_str_tail(body->ready, *out_n);
            return CZ_OK;
        }
        if (body->rule)
            return cz__h1_rule_error((enum cz__h1_rule)body->rule, err);
        if (cz_buf_status(&exchange->trailer))
            return cz_error_set(err, CZ_ENOMEM, "no memory for the trailer");
        if (body->over)
            return CZ_OK;
        bool direct = !h1->body_chunked && room >= SMALL_ROOM_BYTES;
        ssize_t n = direct ? receive_counted(h1, out, room, out_n) : receive_into_input(h1);
        if (n <= 0)
            return after_nothing(h1, n, err);
        body->received += (uint64_t)n;
        if (direct)
            return CZ_OK;
    }
}

/* cz__body.wait */
static void wait(cz__exchange *exchange)
{
    struct cz__h1 *h1 = exchange->owner;
    h1->input_waits = false;
    cz__h1_set_due(h1, cz__conn_now_ms(h1->conn) + CZ__H1_BODY_CHECK_MS, h1->probe_due_ms);
    cz__conn_wait(h1->conn);
}

/* cz__body.invite */
static void invite(cz__exchange *exchange)
{
    cz__h1_send_continue(exchange->owner);
}

void cz__h1_body_begin(struct cz__h1 *h1)
{
    const struct cz__h1_head *head = &h1->input->head;
    struct cz__body *body = &h1->exchange->body;
    size_t here = h1->input->end - h1->body_at;
    body->take = take;
    body->wait = wait;
    body->invite = invite;
    body->left = head->content_length;
    body->received = here;
    body->asked = head->expect_continue && here == 0; /* who has begun to send is not waiting */
    h1->body_chunked = head->has_coding;
    cz__h1_chunked_init(&h1->chunked, body->bytes_max);
    h1->chunked.trailer = &h1->exchange->trailer;
    if (here)
        decode(h1, here);
}

void cz__h1_body_ready(struct cz__h1 *h1)
{
    h1->input_waits = true; /* until it has read: the loop would say so every turn */
    cz__fiber_wake(h1->exchange->body.fiber);
}

void cz__h1_body_due(struct cz__h1 *h1)
{
    int64_t now = cz__conn_now_ms(h1->conn);
    if (cz__body_look_at_pace(h1->exchange, now))
        cz__h1_set_due(h1, now + CZ__H1_BODY_CHECK_MS, h1->probe_due_ms);
}

void cz__h1_body_drop(struct cz__h1 *h1)
{
    struct cz__body *body = &h1->exchange->body;
    cz_error err;
    bool goes_on = !body->asked; /* else the client may never send it */
    for (size_t dropped = 0, n; goes_on && !body->over && dropped <= DROPPED_BYTES_MAX;
         dropped += n) {
        char bytes[SMALL_ROOM_BYTES] CZ__UNSET;
        n = 0;
        goes_on = take(h1->exchange, bytes, sizeof bytes, &n, &err) == CZ_OK;
    }
}
