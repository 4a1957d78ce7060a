/* Frames of HTTP/2 made by hand, as no client library would send them (RFC 9113, 6; RFC 7541, 6). */
#ifndef CZ_HTTP_H2_TESTING_H
#define CZ_HTTP_H2_TESTING_H

#include <arpa/inet.h>
#include <calzone/buf.h>

enum frame {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
    NOTHING = -1, /* no answer, and the connection lives */
    CLOSED = -2
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };
enum {
    NO_ERROR,
    PROTOCOL_ERROR,
    INTERNAL_ERROR,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR = 6,
    REFUSED_STREAM,
    CANCEL,
    COMPRESSION_ERROR,
    ENHANCE_YOUR_CALM = 11
};

static inline void put_frame(cz_buf *out, enum frame type, int flags, uint32_t stream,
                             const void *payload, size_t len)
{
    const uint8_t head[9] = {
        (uint8_t)(len >> 16),    (uint8_t)(len >> 8),    (uint8_t)len,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream
    };
    cz_buf_append(out, head, sizeof head);
    cz_buf_append(out, payload, len);
}

static inline void put_number(cz_buf *out, enum frame type, uint32_t stream, uint32_t number)
{
    uint32_t text = htonl(number);
    put_frame(out, type, 0, stream, &text, 4);
}

/* GET or POST of a path: fields of the static table, and literals. */
static inline void put_fields(cz_buf *out, bool post, const char *path)
{
    cz_buf_append_char(out, (char)(post ? 0x83 : 0x82));
    cz_buf_append_char(out, (char)0x86); /* http */
    cz_buf_append_char(out, 0x04);
    cz_buf_append_char(out, (char)strlen(path));
    cz_buf_append_str(out, cz_str_from(path));
    cz_buf_append_lit(out, "\x01\x09localhost");
}

static inline void put_request(cz_buf *out, uint32_t stream, bool post, const char *path, int flags)
{
    cz_buf fields = { 0 };
    put_fields(&fields, post, path);
    put_frame(out, HEADERS, flags, stream, fields.ptr, fields.len);
    cz_buf_done(&fields);
}

static inline void put_get(cz_buf *out, uint32_t stream, const char *path)
{
    put_request(out, stream, false, path, END_STREAM | END_HEADERS);
}

static inline void put_preface(cz_buf *out)
{
    cz_buf_append_lit(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(out, SETTINGS, 0, 0, NULL, 0);
}

static inline uint32_t number_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

#endif
