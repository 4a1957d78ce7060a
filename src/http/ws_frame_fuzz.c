/* Three oracles: the reader fed in pieces agrees with itself fed whole; both agree with a naive reader that sees everything;
 * and what was read, written again as a server would, is read as the same. */
#include <stdlib.h>
#include "http/ws_frame.h"

enum { MESSAGE_MAX = 3000, TRACE_MAX = 1 << 16 };

/* What came, in order: a kind, a length, the bytes. */
struct trace {
    unsigned char *bytes;
    size_t len;
    unsigned rule;
};

static void add(struct trace *trace, unsigned kind, const char *bytes, size_t len)
{
    if (trace->len + len + 4 > TRACE_MAX)
        return;
    trace->bytes[trace->len++] = (unsigned char)kind;
    trace->bytes[trace->len++] = (unsigned char)(len >> 8);
    trace->bytes[trace->len++] = (unsigned char)len;
    if (len)
        memcpy(trace->bytes + trace->len, bytes, len);
    trace->len += len;
}

/* In memory of its own by number. */
static struct trace trace_new(unsigned number)
{
    static unsigned char bytes[4][TRACE_MAX];
    return (struct trace){ .bytes = bytes[number] };
}

/* Feed one piece; false after a refusal. */
static bool feed(struct cz__ws_reader *reader, char *piece, size_t len, char *message,
                 size_t *message_len, struct trace *trace)
{
    size_t used;
    cz_str data;
    for (size_t at = 0;; at += used) {
        enum cz__ws_event event = cz__ws_read(reader, piece + at, len - at, &used, &data);
        cz_assert(at + used <= len);
        if (event == CZ__WS_MORE)
            return true;
        if (event == CZ__WS_REFUSED) {
            trace->rule = reader->rule;
            return false;
        }
        if (event == CZ__WS_DATA) {
            cz_assert(*message_len + data.len <= MESSAGE_MAX);
            memcpy(message + *message_len, data.ptr, data.len);
            *message_len += data.len;
        } else if (event == CZ__WS_MESSAGE) {
            add(trace, reader->compressed ? 'z' : reader->text ? 't' : 'b', message, *message_len);
            if (reader->text && !reader->compressed)
                cz_assert(cz_str_is_utf8(cz_str_of(message, *message_len)));
            *message_len = 0;
        } else {
            unsigned kind = event == CZ__WS_GOT_PING ? 'p' : event == CZ__WS_GOT_PONG ? 'q' : 'c';
            add(trace, kind, reader->control, reader->control_bytes);
        }
    }
}

static struct trace read_in_steps(const uint8_t *bytes, size_t len, size_t step, unsigned number)
{
    struct trace trace = trace_new(number);
    struct cz__ws_reader reader = { .message_bytes_max = MESSAGE_MAX, .deflate = true };
    char message[MESSAGE_MAX];
    size_t message_len = 0;
    bool more = true;
    for (size_t at = 0; at < len && more;) {
        size_t piece_len = step < len - at ? step : len - at;
        char *piece = malloc(piece_len);
        if (!piece)
            abort();
        memcpy(piece, bytes + at, piece_len);
        more = feed(&reader, piece, piece_len, message, &message_len, &trace);
        free(piece);
        at += piece_len;
    }
    return trace;
}

/* The rest of the message's fragment as far as it is there: whether it can still become UTF-8. */
static bool may_be_utf8(const char *text, size_t len, bool whole)
{
    static const char *const tails[] = { "",         "\x80",         "\xbf",         "\x80\x80",
                                         "\xbf\x80", "\x80\x80\x80", "\xbf\x80\x80", "\x90\x80\x80",
                                         "\x90\x80" };
    char copy[MESSAGE_MAX + 4];
    memcpy(copy, text, len);
    for (size_t i = 0; i < (whole ? 1 : CZ_COUNT(tails)); i++) {
        size_t tail = strlen(tails[i]);
        memcpy(copy + len, tails[i], tail);
        if (cz_str_is_utf8(cz_str_of(copy, len + tail)))
            return true;
    }
    return false;
}

/* Frame by frame, by the letter of RFC 6455, 5; false at the first thing that is wrong. */
struct naive {
    const uint8_t *bytes;
    size_t len, at;
    char message[MESSAGE_MAX];
    size_t message_len;
    bool in_message, text, compressed;
    struct trace *trace;
};

static bool control_is_good(struct naive *n, unsigned opcode, const char *payload, size_t length,
                            bool whole)
{
    if (opcode == 8 && length >= 2) {
        unsigned code = (unsigned)((unsigned char)payload[0] << 8 | (unsigned char)payload[1]);
        if (!cz__ws_code_may_be_sent(code))
            return false;
        if (whole && !cz_str_is_utf8(cz_str_of(payload + 2, length - 2)))
            return false;
    }
    if (whole)
        add(n->trace, opcode == 8 ? 'c' : opcode == 9 ? 'p' : 'q', payload, length);
    return true;
}

/* What comes before a payload. */
struct naive_head {
    unsigned opcode, first;
    uint64_t length;
    const uint8_t *key;
    size_t bytes;
};

static bool first_is_good(const struct naive *n, unsigned first)
{
    unsigned opcode = first & 15;
    bool control = opcode >= 8, begins = opcode == 1 || opcode == 2;
    return !(first & 0x30) && (!(first & 0x40) || begins) &&
           (opcode < 3 || (opcode > 7 && opcode < 11)) && (!control || first & 0x80) &&
           (opcode != 0 || n->in_message) && !(begins && n->in_message);
}

/* Whether the head is whole; `*good` is false when it is refused. */
static bool naive_head(const struct naive *n, struct naive_head *head, bool *good)
{
    const uint8_t *b = n->bytes + n->at;
    size_t left = n->len - n->at;
    *good = left < 1 || first_is_good(n, b[0]);
    if (!*good || left < 2)
        return false;
    *head = (struct naive_head){ .opcode = b[0] & 15, .first = b[0], .length = b[1] & 127 };
    bool control = head->opcode >= 8;
    unsigned more = head->length == 126 ? 2 : head->length == 127 ? 8 : 0;
    *good = b[1] & 128 && !(control && more) && !(head->opcode == 8 && head->length == 1) &&
            !(more == 8 && left > 2 && b[2] & 0x80);
    if (!*good || left < 2 + more)
        return false;
    for (unsigned i = 0; i < more; i++)
        head->length = (i ? head->length << 8 : 0) | b[2 + i];
    *good = !(more == 2 && head->length < 126) && !(more == 8 && head->length < 65536) &&
            (control || head->length <= MESSAGE_MAX - (head->opcode ? 0 : n->message_len));
    head->key = b + 2 + more;
    head->bytes = 6 + more;
    return *good && left >= head->bytes;
}

/* Part or all of a message's frame. */
static bool naive_data(struct naive *n, const struct naive_head *head, const char *payload,
                       size_t have)
{
    bool ends = have == head->length && head->first & 0x80;
    if (head->opcode) {
        n->message_len = 0;
        n->in_message = true;
        n->text = head->opcode == 1;
        n->compressed = head->first & 0x40;
    }
    memcpy(n->message + n->message_len, payload, have);
    n->message_len += have;
    if (n->text && !n->compressed && !may_be_utf8(n->message, n->message_len, ends))
        return false;
    if (ends) {
        add(n->trace, n->compressed ? 'z' : n->text ? 't' : 'b', n->message, n->message_len);
        n->in_message = false;
    }
    return true;
}

/* Whether to go on; `*good` is false when the frame is refused. */
static bool naive_frame(struct naive *n, bool *good)
{
    struct naive_head head;
    char payload[MESSAGE_MAX];
    if (!naive_head(n, &head, good))
        return false;
    size_t left = n->len - n->at - head.bytes;
    size_t have = left < head.length ? left : (size_t)head.length;
    for (size_t i = 0; i < have; i++)
        payload[i] = (char)(head.key[4 + i] ^ head.key[i & 3]);
    n->at += head.bytes + have;
    *good = head.opcode >= 8 ? control_is_good(n, head.opcode, payload, have, have == head.length)
                             : naive_data(n, &head, payload, have);
    return *good && have == head.length;
}

static void check_against_naive(const uint8_t *bytes, size_t len, const struct trace *trace)
{
    struct trace own = trace_new(2);
    struct naive n = { .bytes = bytes, .len = len, .trace = &own };
    bool good = true;
    while (naive_frame(&n, &good))
        ;
    cz_assert(good == !trace->rule);
    cz_assert(own.len == trace->len && memcmp(own.bytes, trace->bytes, own.len) == 0);
}

/* Write what was read as frames of a server, and read them. */
static void check_written(const struct trace *trace)
{
    struct trace again = trace_new(3);
    struct cz__ws_reader reader = { .message_bytes_max = MESSAGE_MAX,
                                    .deflate = true,
                                    .from_server = true };
    char message[MESSAGE_MAX], frame[MESSAGE_MAX + CZ__WS_HEAD_MAX];
    size_t message_len = 0;
    for (size_t at = 0; at < trace->len;) {
        unsigned kind = trace->bytes[at];
        size_t len = (size_t)trace->bytes[at + 1] << 8 | trace->bytes[at + 2];
        unsigned opcode = kind == 'p'   ? CZ__WS_PING
                          : kind == 'q' ? CZ__WS_PONG
                          : kind == 'c' ? CZ__WS_CLOSE
                          : kind == 'b' ? CZ__WS_BINARY
                                        : CZ__WS_TEXT;
        if (kind == 'z') /* what was compressed may have been either */
            opcode |= CZ__WS_RSV1;
        size_t head = cz__ws_head_write(frame, CZ__WS_FIN | opcode, len);
        memcpy(frame + head, trace->bytes + at + 3, len);
        cz_assert(feed(&reader, frame, head + len, message, &message_len, &again));
        at += 3 + len;
    }
    cz_assert(again.len == trace->len && memcmp(again.bytes, trace->bytes, again.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1 || len > 8000)
        return 0;
    size_t step = bytes[0] % 16 + 1; /* the first byte chooses the cuts */
    bytes++;
    len--;
    struct trace whole = read_in_steps(bytes, len, len ? len : 1, 0);
    struct trace cut = read_in_steps(bytes, len, step, 1);
    cz_assert(whole.rule == cut.rule && whole.len == cut.len);
    cz_assert(memcmp(whole.bytes, cut.bytes, whole.len) == 0);
    check_against_naive(bytes, len, &whole);
    check_written(&whole);
    return 0;
}
