#include "http/ws_frame.h"

enum state { FIRST, LENGTH, LONG_LENGTH, KEY, PAYLOAD, BROKEN };

uint16_t cz__ws_rule_code(enum cz__ws_rule rule)
{
    static const uint16_t codes[] = {
#define X(name, code, text) code,
        CZ__WS_RULE_MAP(X)
#undef X
    };
    return codes[rule];
}

const char *cz__ws_rule_text(enum cz__ws_rule rule)
{
    static const char *const texts[] = {
#define X(name, code, text) text,
        CZ__WS_RULE_MAP(X)
#undef X
    };
    return texts[rule];
}

/* ---- UTF-8 (Unicode 15, table 3-7) ---- */

static bool begin_character(struct cz__utf8 *utf8, unsigned char c)
{
    utf8->low = 0x80;
    utf8->high = 0xbf;
    if (c < 0x80)
        return true;
    if (c < 0xc2 || c > 0xf4)
        return false;
    utf8->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (c == 0xe0 || c == 0xf0) /* no overlong forms */
        utf8->low = c == 0xe0 ? 0xa0 : 0x90;
    if (c == 0xed || c == 0xf4) /* no surrogates, nothing above U+10FFFF */
        utf8->high = c == 0xed ? 0x9f : 0x8f;
    return true;
}

bool cz__utf8_feed(struct cz__utf8 *utf8, cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint64_t word;
        while (!utf8->need && text.len - i >= sizeof word) {
            memcpy(&word, text.ptr + i, sizeof word);
            if (word & UINT64_C(0x8080808080808080))
                break;
            i += sizeof word;
        }
        if (i == text.len)
            break;
        unsigned char c = (unsigned char)text.ptr[i];
        if (!utf8->need) {
            if (!begin_character(utf8, c))
                return false;
            continue;
        }
        if (c < utf8->low || c > utf8->high)
            return false;
        utf8->need--;
        utf8->low = 0x80;
        utf8->high = 0xbf;
    }
    return true;
}

/* ---- Masks ---- */

void cz__ws_mask(char *bytes, size_t len, const uint8_t key[4], size_t at)
{
    uint8_t turned[8];
    uint64_t word, mask;
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = key[(at + i) & 3];
    memcpy(&mask, turned, sizeof mask);
    size_t i = 0;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        word ^= mask;
        memcpy(bytes + i, &word, sizeof word);
    }
    for (; i < len; i++)
        bytes[i] = (char)((unsigned char)bytes[i] ^ turned[i & 7]);
}

/* ---- Heads ---- */

static unsigned opcode_of(const struct cz__ws_reader *reader)
{
    return reader->first & 15;
}

static bool is_control(const struct cz__ws_reader *reader)
{
    return reader->first & 8;
}

static enum cz__ws_rule take_first(struct cz__ws_reader *reader, unsigned char c)
{
    unsigned opcode = c & 15;
    bool begins = opcode == CZ__WS_TEXT || opcode == CZ__WS_BINARY;
    reader->first = c;
    if (c & 0x30 || ((c & CZ__WS_RSV1) && !(begins && reader->deflate)))
        return CZ__WS_RULE_RESERVED_BIT;
    if (opcode > CZ__WS_PONG || (opcode > CZ__WS_BINARY && opcode < CZ__WS_CLOSE))
        return CZ__WS_RULE_RESERVED_OPCODE;
    if (is_control(reader))
        return c & CZ__WS_FIN ? CZ__WS_RULE_NONE : CZ__WS_RULE_CONTROL_FRAGMENT;
    if (!begins)
        return reader->in_message ? CZ__WS_RULE_NONE : CZ__WS_RULE_NOTHING_TO_CONTINUE;
    if (reader->in_message)
        return CZ__WS_RULE_NOT_CONTINUED;
    reader->in_message = true;
    reader->message_bytes = 0;
    reader->text = opcode == CZ__WS_TEXT;
    reader->compressed = c & CZ__WS_RSV1;
    reader->utf8 = (struct cz__utf8){ 0 };
    return CZ__WS_RULE_NONE;
}

/* The length is known. */
static enum cz__ws_rule check_length(struct cz__ws_reader *reader)
{
    reader->left = reader->length;
    reader->key_at = 0;
    reader->state = reader->from_server ? PAYLOAD : KEY;
    if (is_control(reader)) {
        reader->control_bytes = 0;
        return CZ__WS_RULE_NONE;
    }
    if (reader->length > reader->message_bytes_max - reader->message_bytes)
        return CZ__WS_RULE_TOO_BIG;
    reader->message_bytes += reader->length;
    return CZ__WS_RULE_NONE;
}

static enum cz__ws_rule take_length(struct cz__ws_reader *reader, unsigned char c)
{
    bool masked = c & CZ__WS_MASK;
    reader->length = c & 127;
    reader->length_left = reader->length == 126 ? 2 : reader->length == 127 ? 8 : 0;
    if (masked == reader->from_server)
        return masked ? CZ__WS_RULE_MASKED : CZ__WS_RULE_UNMASKED;
    if (is_control(reader) && reader->length_left)
        return CZ__WS_RULE_CONTROL_LENGTH;
    if (opcode_of(reader) == CZ__WS_CLOSE && reader->length == 1)
        return CZ__WS_RULE_CLOSE_LENGTH;
    if (!reader->length_left)
        return check_length(reader);
    reader->long_bytes = reader->length_left;
    reader->length = 0;
    reader->state = LONG_LENGTH;
    return CZ__WS_RULE_NONE;
}

static enum cz__ws_rule take_long_length(struct cz__ws_reader *reader, unsigned char c)
{
    bool first = reader->length_left == reader->long_bytes;
    if (first && reader->long_bytes == 8 && c & 0x80)
        return CZ__WS_RULE_LENGTH_BIT;
    reader->length = reader->length << 8 | c;
    if (--reader->length_left)
        return CZ__WS_RULE_NONE;
    if (reader->length <= (reader->long_bytes == 8 ? 0xffff : 125))
        return CZ__WS_RULE_LENGTH_FORM;
    return check_length(reader);
}

static enum cz__ws_rule take_head_byte(struct cz__ws_reader *reader, unsigned char c)
{
    switch ((enum state)reader->state) {
    case FIRST:
        reader->state = LENGTH;
        return take_first(reader, c);
    case LENGTH:
        return take_length(reader, c);
    case LONG_LENGTH:
        return take_long_length(reader, c);
    case KEY:
    case PAYLOAD:
    case BROKEN:
        break;
    }
    cz_assert(reader->state == KEY);
    reader->key[reader->key_at++] = c;
    if (reader->key_at == sizeof reader->key)
        reader->state = PAYLOAD;
    return CZ__WS_RULE_NONE;
}

/* ---- Payloads ---- */

uint16_t cz__ws_close_code(const struct cz__ws_reader *reader)
{
    const unsigned char *bytes = (const unsigned char *)reader->control;
    return reader->control_bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : CZ__WS_NO_CODE;
}

cz_str cz__ws_close_reason(const struct cz__ws_reader *reader)
{
    return cz_str_tail(cz_str_of(reader->control, reader->control_bytes), 2);
}

bool cz__ws_code_may_be_sent(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum cz__ws_event refuse(struct cz__ws_reader *reader, enum cz__ws_rule rule)
{
    reader->state = BROKEN;
    reader->rule = (uint8_t)rule;
    return CZ__WS_REFUSED;
}

static enum cz__ws_event end_control(struct cz__ws_reader *reader)
{
    switch (opcode_of(reader)) {
    case CZ__WS_PING:
        return CZ__WS_GOT_PING;
    case CZ__WS_PONG:
        return CZ__WS_GOT_PONG;
    default:
        break;
    }
    if (!cz_str_is_utf8(cz__ws_close_reason(reader)))
        return refuse(reader, CZ__WS_RULE_CLOSE_UTF8);
    return CZ__WS_GOT_CLOSE;
}

/* The payload has been read to its end. */
static enum cz__ws_event end_frame(struct cz__ws_reader *reader)
{
    reader->state = FIRST;
    if (is_control(reader))
        return end_control(reader);
    if (!(reader->first & CZ__WS_FIN))
        return CZ__WS_MORE;
    reader->in_message = false;
    if (reader->text && !reader->compressed && reader->utf8.need)
        return refuse(reader, CZ__WS_RULE_TEXT_UTF8);
    return CZ__WS_MESSAGE;
}

/* The code is judged where it ends, so that a reason that never comes does not keep it waiting. */
static bool close_code_is_bad(const struct cz__ws_reader *reader)
{
    return opcode_of(reader) == CZ__WS_CLOSE && reader->control_bytes >= 2 &&
           !cz__ws_code_may_be_sent(cz__ws_close_code(reader));
}

static enum cz__ws_event take_payload(struct cz__ws_reader *reader, char *bytes, size_t len,
                                      cz_str *out_data)
{
    if (!reader->from_server)
        cz__ws_mask(bytes, len, reader->key, (size_t)(reader->length - reader->left));
    reader->left -= len;
    if (is_control(reader)) {
        memcpy(reader->control + reader->control_bytes, bytes, len);
        reader->control_bytes = (uint8_t)(reader->control_bytes + len);
        return close_code_is_bad(reader) ? refuse(reader, CZ__WS_RULE_CLOSE_CODE) : CZ__WS_MORE;
    }
    *out_data = cz_str_of(bytes, len);
    if (reader->text && !reader->compressed && !cz__utf8_feed(&reader->utf8, *out_data))
        return refuse(reader, CZ__WS_RULE_TEXT_UTF8);
    return CZ__WS_DATA;
}

enum cz__ws_event cz__ws_read(struct cz__ws_reader *reader, char *bytes, size_t len,
                              size_t *out_used, cz_str *out_data)
{
    size_t at = 0;
    enum cz__ws_event event = CZ__WS_MORE;
    while (event == CZ__WS_MORE) {
        if (reader->state == BROKEN) {
            event = CZ__WS_REFUSED;
        } else if (reader->state == PAYLOAD && !reader->left) {
            event = end_frame(reader);
        } else if (at == len) {
            break;
        } else if (reader->state == PAYLOAD) {
            size_t piece = len - at < reader->left ? len - at : (size_t)reader->left;
            event = take_payload(reader, bytes + at, piece, out_data);
            at += piece;
        } else {
            enum cz__ws_rule rule = take_head_byte(reader, (unsigned char)bytes[at++]);
            if (rule)
                event = refuse(reader, rule);
        }
    }
    *out_used = at;
    return event;
}

/* ---- Writing ---- */

size_t cz__ws_head_write(char out[CZ__WS_HEAD_MAX], unsigned first, uint64_t payload_bytes)
{
    unsigned long_bytes = payload_bytes < 126 ? 0 : payload_bytes < 0x10000 ? 2 : 8;
    out[0] = (char)first;
    out[1] = (char)(long_bytes == 0 ? payload_bytes : long_bytes == 2 ? 126 : 127);
    for (unsigned i = 0; i < long_bytes; i++)
        out[2 + i] = (char)(payload_bytes >> (8 * (long_bytes - 1 - i)));
    return 2 + long_bytes;
}
