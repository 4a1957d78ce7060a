/* http/ws_frame.h: the frames of a WebSocket (RFC 6455, 5), read from any pieces and written.
 *
 *     frame       = FIN RSV1 RSV2 RSV3 opcode(4) MASK length(7) [ length(16) / length(64) ] [ key(32) ] payload
 *     message     = frame( TEXT / BINARY ) *frame( CONTINUATION )      the last of them has FIN
 *     control     = frame( CLOSE / PING / PONG ), whole, at most 125 bytes, between any two others
 *
 * What comes of some bytes depends on them alone and not on where they were cut, and a frame that may not be is refused at
 * the byte that shows it. Pure: no input, no output, no memory of its own.
 */
#ifndef CZ_HTTP_WS_FRAME_H
#define CZ_HTTP_WS_FRAME_H

#include <calzone/str.h>

enum cz__ws_opcode {
    CZ__WS_CONTINUATION = 0,
    CZ__WS_TEXT = 1,
    CZ__WS_BINARY = 2,
    CZ__WS_CLOSE = 8,
    CZ__WS_PING = 9,
    CZ__WS_PONG = 10
};
enum { CZ__WS_FIN = 0x80, CZ__WS_RSV1 = 0x40, CZ__WS_MASK = 0x80 };
enum { CZ__WS_CONTROL_MAX = 125, CZ__WS_HEAD_MAX = 10 };

/* RFC 6455, 7.4.1, and those registered since. The last three are never sent. */
enum cz__ws_code {
    CZ__WS_NORMAL = 1000,
    CZ__WS_GOING_AWAY = 1001,
    CZ__WS_PROTOCOL_ERROR = 1002,
    CZ__WS_INVALID_DATA = 1007,
    CZ__WS_TOO_BIG = 1009,
    CZ__WS_INTERNAL_ERROR = 1011,
    CZ__WS_SERVICE_RESTART = 1012,
    CZ__WS_TRY_AGAIN = 1013,
    CZ__WS_NO_CODE = 1005,
    CZ__WS_ABNORMAL = 1006
};

/* Why a frame was refused, the code to close with and the sentence. */
#define CZ__WS_RULE_MAP(X)                                                                         \
    X(NONE, 1000, "")                                                                              \
    X(RESERVED_BIT, 1002, "a reserved bit is set")                                                 \
    X(RESERVED_OPCODE, 1002, "a reserved opcode")                                                  \
    X(UNMASKED, 1002, "a frame of a client is not masked")                                         \
    X(MASKED, 1002, "a frame of a server is masked")                                               \
    X(CONTROL_FRAGMENT, 1002, "a control frame is fragmented")                                     \
    X(CONTROL_LENGTH, 1002, "a control frame is longer than 125 bytes")                            \
    X(NOTHING_TO_CONTINUE, 1002, "there is no message to continue")                                \
    X(NOT_CONTINUED, 1002, "a message begins inside another")                                      \
    X(LENGTH_FORM, 1002, "a length is not in its shortest form")                                   \
    X(LENGTH_BIT, 1002, "the highest bit of a length is set")                                      \
    X(CLOSE_LENGTH, 1002, "a close frame has half a code")                                         \
    X(CLOSE_CODE, 1002, "a close frame has a code that may not be sent")                           \
    X(CLOSE_UTF8, 1007, "the reason of a close frame is not UTF-8")                                \
    X(TEXT_UTF8, 1007, "a text message is not UTF-8")                                              \
    X(TOO_BIG, 1009, "a message is longer than WS_MESSAGE_MAX")                                    \
    X(DEFLATE, 1007, "a message cannot be inflated")

enum cz__ws_rule {
#define X(name, code, text) CZ__WS_RULE_##name,
    CZ__WS_RULE_MAP(X)
#undef X
        CZ__WS_RULE_COUNT
};
uint16_t cz__ws_rule_code(enum cz__ws_rule rule);
const char *cz__ws_rule_text(enum cz__ws_rule rule);

/* UTF-8 in pieces: what may come next. Zeroed is the beginning. */
struct cz__utf8 {
    uint8_t need;      /* bytes that the character still needs */
    uint8_t low, high; /* what the next of them may be */
};
/* False at a byte that cannot be there. */
bool cz__utf8_feed(struct cz__utf8 *utf8, cz_str text);

struct cz__ws_reader {
    uint64_t message_bytes_max;
    bool deflate;     /* permessage-deflate was agreed on: RSV1 may begin a message */
    bool from_server; /* frames may not be masked, instead of having to be */

    /* private */
    uint8_t state, long_bytes, length_left, key_at;
    uint8_t first; /* the first byte of the frame */
    uint8_t key[4];
    uint64_t length, left; /* of the frame's payload */
    uint64_t message_bytes;
    bool in_message;
    struct cz__utf8 utf8;

    /* of the message that has begun or has come */
    bool text, compressed;
    /* of the control frame that has come */
    uint8_t control_bytes;
    char control[CZ__WS_CONTROL_MAX];
    uint8_t rule; /* enum cz__ws_rule: why it was refused */
};

enum cz__ws_event {
    CZ__WS_MORE,     /* all bytes were taken */
    CZ__WS_DATA,     /* `*out_data`, unmasked where it is, is part of the message */
    CZ__WS_MESSAGE,  /* the message is whole */
    CZ__WS_GOT_PING, /* reader->control */
    CZ__WS_GOT_PONG,
    CZ__WS_GOT_CLOSE, /* cz__ws_close_code() and cz__ws_close_reason() */
    CZ__WS_REFUSED    /* reader->rule; nothing more may be read */
};
/* Read on, to the next event. `bytes` are changed; the first `*out_used` were taken. */
enum cz__ws_event cz__ws_read(struct cz__ws_reader *reader, char *bytes, size_t len,
                              size_t *out_used, cz_str *out_data);

/* Of the close frame that has come; CZ__WS_NO_CODE when it had none. */
uint16_t cz__ws_close_code(const struct cz__ws_reader *reader);
cz_str cz__ws_close_reason(const struct cz__ws_reader *reader);
/* Whether a close frame may have the code (RFC 6455, 7.4). */
bool cz__ws_code_may_be_sent(unsigned code);

/* Write the head of an unmasked frame; `first` is opcode, FIN and RSV1. Returns its bytes. */
size_t cz__ws_head_write(char out[CZ__WS_HEAD_MAX], unsigned first, uint64_t payload_bytes);
/* Mask or unmask bytes that begin at `at` of the payload. */
void cz__ws_mask(char *bytes, size_t len, const uint8_t key[4], size_t at);

#endif
