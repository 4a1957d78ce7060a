#include "base/unset.h"
#include "json_internal.h"

/* Strings are written in pieces, so that the room kept for the worst case (six bytes for one) stays
 * small and a long string does not make the buffer six times too large. */
enum { PIECE_BYTES = 256, PIECE_ROOM = 6 * PIECE_BYTES + 16 };

/* ---- strings ---- */

static char *write_escape(char *out, unsigned char c)
{
    static const char short_form[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };
    *out++ = '\\';
    if (c >= 0x20) {
        *out++ = (char)c;
        return out;
    }
    if (short_form[c]) {
        *out++ = short_form[c];
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = (char)('0' + (c >> 4));
    out[4] = "0123456789abcdef"[c & 15];
    return out + 5;
}

/* Sequences from `*p` on, up to the next ASCII byte. */
static char *write_utf8(char *out, const char **p, const char *end)
{
    const char *at = *p;
    while (at < end && (unsigned char)*at >= 0x80) {
        int len = cz__utf8_sequence((const unsigned char *)at, (size_t)(end - at));
        if (len < 0) {
            memcpy(out, "\xef\xbf\xbd", 3); /* U+FFFD */
            out += 3;
            at -= len;
            continue;
        }
        for (int i = 0; i < len; i++)
            *out++ = *at++;
    }
    *p = at;
    return out;
}

/* Copy what needs no escape; the copy may write up to 15 bytes more than it returns. */
static char *copy_plain(char *out, const char **p, const char *end)
{
    const char *at = *p;
#if defined(__SSE2__)
    while (end - at >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        _mm_storeu_si128((__m128i *)(void *)out, v);
        unsigned mask = cz__json_special16(v);
        if (mask) {
            int n = __builtin_ctz(mask);
            *p = at + n;
            return out + n;
        }
        at += 16;
        out += 16;
    }
#endif
    size_t plain = cz__json_plain(at, end);
    memcpy(out, at, plain);
    *p = at + plain;
    return out + plain;
}

/* Copy `len` bytes if none needs an escape: most strings are short and plain. The loads overlap in
 * the middle, so that no loop is needed and nothing outside is read. */
static inline bool copy_short(char *out, const char *p, size_t len)
{
#if defined(__SSE2__)
    if (len > 32)
        return false;
    if (len >= 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + len - 16));
        _mm_storeu_si128((__m128i *)(void *)out, a);
        _mm_storeu_si128((__m128i *)(void *)(out + len - 16), b);
        return (cz__json_special16(a) | cz__json_special16(b)) == 0;
    }
#else
    if (len > 16)
        return false;
#endif
    if (len >= 8) {
        uint64_t a, b;
        memcpy(&a, p, 8);
        memcpy(&b, p + len - 8, 8);
        memcpy(out, &a, 8);
        memcpy(out + len - 8, &b, 8);
        return (cz__json_special8(a) | cz__json_special8(b)) == 0;
    }
    if (len >= 4) {
        uint32_t a, b;
        memcpy(&a, p, 4);
        memcpy(&b, p + len - 4, 4);
        memcpy(out, &a, 4);
        memcpy(out + len - 4, &b, 4);
        return cz__json_special8(a | (uint64_t)b << 32) == 0;
    }
    if (len == 0)
        return true;
    uint64_t a = (unsigned char)p[0], b = (unsigned char)p[len / 2], c = (unsigned char)p[len - 1];
    out[0] = (char)a;
    out[len / 2] = (char)b;
    out[len - 1] = (char)c;
    return cz__json_special8(0x2020202020000000u | a | b << 8 | c << 16) == 0;
}

/* The inside of a string; needs 6 * len + 16 bytes of room. */
static char *write_text(char *out, const char *p, const char *end)
{
    for (;;) {
        out = copy_plain(out, &p, end);
        if (p == end)
            return out;
        if ((unsigned char)*p >= 0x80)
            out = write_utf8(out, &p, end);
        else
            out = write_escape(out, (unsigned char)*p++);
    }
}

static inline char *write_str(char *out, cz_str value)
{
    *out++ = '"';
    if (__builtin_expect(copy_short(out, value.ptr, value.len), 1))
        out += value.len;
    else
        out = write_text(out, value.ptr, value.ptr + value.len);
    *out++ = '"';
    return out;
}

char *cz__json_write_str(char *out, cz_str value)
{
    return write_str(out, value);
}

/* ---- the stream ---- */

/* Room for the most an item may take. Near the buffer's maximum the item is written to `scratch`
 * and then appended, so that what fits is not refused because the worst case would not. NULL after
 * a failure. */
static char *begin(cz_buf *buf, size_t room, char *scratch)
{
    if (__builtin_expect(buf->bytes_max && buf->status == CZ_OK && room > buf->bytes_max - buf->len,
                         0))
        return scratch;
    return cz_buf_reserve(buf, room);
}

static void end(cz_buf *buf, const char *at, const char *written_end, const char *scratch)
{
    size_t len = (size_t)(written_end - at);
    if (__builtin_expect(at == scratch, 0))
        cz_buf_append(buf, at, len);
    else
        cz_buf_commit(buf, len);
}

/* Where the piece of a long string ends: between two sequences, if it is well-formed there. */
static size_t piece_len(cz_str value)
{
    if (value.len <= PIECE_BYTES)
        return value.len;
    for (size_t cut = PIECE_BYTES; cut > PIECE_BYTES - 4; cut--)
        if (((unsigned char)value.ptr[cut] & 0xc0) != 0x80)
            return cut;
    return PIECE_BYTES; /* four continuation bytes: the last is ill-formed wherever one cuts */
}

static void append_text(cz_buf *buf, cz_str value)
{
    char scratch[PIECE_ROOM] CZ__UNSET;
    while (value.len && buf->status == CZ_OK) {
        size_t len = piece_len(value);
        char *at = begin(buf, 6 * len + 16, scratch);
        if (!at)
            return;
        end(buf, at, write_text(at, value.ptr, value.ptr + len), scratch);
        value = cz_str_tail(value, len);
    }
}

static __attribute__((noinline)) void append_long(cz_json_writer *json, cz_str value, bool key)
{
    if (json->comma)
        cz_buf_append_char(json->out, ',');
    cz_buf_append_char(json->out, '"');
    append_text(json->out, value);
    if (key)
        cz_buf_append(json->out, "\":", 2);
    else
        cz_buf_append_char(json->out, '"');
}

static inline void append_str(cz_json_writer *json, cz_str value, bool key)
{
    cz_buf *buf = json->out;
    size_t room = 6 * PIECE_BYTES + 16 + 4;
    if (value.len > PIECE_BYTES || (buf->bytes_max && room > buf->bytes_max - buf->len)) {
        append_long(json, value, key);
        return;
    }
    char *at = cz_buf_reserve(buf, room), *p = at;
    if (!at)
        return;
    if (json->comma)
        *p++ = ',';
    p = write_str(p, value);
    if (key)
        *p++ = ':';
    cz_buf_commit(buf, (size_t)(p - at));
}

void cz_json_key(cz_json_writer *json, cz_str key)
{
    append_str(json, key, true);
    json->comma = false;
}

void cz_json_str(cz_json_writer *json, cz_str value)
{
    append_str(json, value, false);
    json->comma = true;
}

/* An item of at most `len` bytes, as it is. */
static void append_raw(cz_json_writer *json, const char *text, size_t len)
{
    if (json->comma)
        cz_buf_append_char(json->out, ',');
    cz_buf_append(json->out, text, len);
    json->comma = true;
}

static void open_level(cz_json_writer *json, char bracket)
{
    cz_assert(json->depth < CZ_JSON_WRITE_DEPTH_MAX);
    json->depth++;
    append_raw(json, &bracket, 1);
    json->comma = false;
}

static void close_level(cz_json_writer *json, char bracket)
{
    cz_assert(json->depth > 0);
    json->depth--;
    cz_buf_append_char(json->out, bracket);
    json->comma = true;
}

void cz_json_object(cz_json_writer *json)
{
    open_level(json, '{');
}

void cz_json_object_end(cz_json_writer *json)
{
    close_level(json, '}');
}

void cz_json_list(cz_json_writer *json)
{
    open_level(json, '[');
}

void cz_json_list_end(cz_json_writer *json)
{
    close_level(json, ']');
}

enum { NUMBER_ROOM = 1 + CZ__JSON_F64_BYTES };

/* Text that needs no escapes. */
static void append_quoted(cz_json_writer *json, const char *text, size_t len)
{
    if (json->comma)
        cz_buf_append_char(json->out, ',');
    cz_buf_append_char(json->out, '"');
    cz_buf_append(json->out, text, len);
    cz_buf_append_char(json->out, '"');
    json->comma = true;
}

void cz_json_decimal(cz_json_writer *json, cz_decimal value)
{
    char text[CZ_DECIMAL_TEXT];
    append_quoted(json, text, cz_decimal_write(text, value));
}

void cz_json_date(cz_json_writer *json, cz_date value)
{
    char text[CZ_DATE_TEXT];
    append_quoted(json, text, cz_date_write(text, value));
}

void cz_json_datetime(cz_json_writer *json, cz_datetime value)
{
    char text[CZ_DATETIME_TEXT];
    append_quoted(json, text, cz_datetime_write(text, value));
}

void cz_json_time(cz_json_writer *json, cz_time value)
{
    char text[CZ_TIME_TEXT];
    append_quoted(json, text, cz_time_write(text, value));
}

void cz_json_duration(cz_json_writer *json, cz_duration value)
{
    char text[CZ_DURATION_TEXT];
    append_quoted(json, text, cz_duration_write(text, value));
}

void cz_json_uuid(cz_json_writer *json, cz_uuid value)
{
    char text[CZ_UUID_TEXT];
    cz_uuid_write(text, value);
    append_quoted(json, text, sizeof text);
}

void cz_json_i64(cz_json_writer *json, int64_t value)
{
    char scratch[NUMBER_ROOM], *at = begin(json->out, NUMBER_ROOM, scratch), *p = at;
    if (!at)
        return;
    if (json->comma)
        *p++ = ',';
    p += cz_i64_write(p, value);
    end(json->out, at, p, scratch);
    json->comma = true;
}

void cz_json_u64(cz_json_writer *json, uint64_t value)
{
    char scratch[NUMBER_ROOM], *at = begin(json->out, NUMBER_ROOM, scratch), *p = at;
    if (!at)
        return;
    if (json->comma)
        *p++ = ',';
    p += cz_u64_write(p, value);
    end(json->out, at, p, scratch);
    json->comma = true;
}

void cz_json_f64(cz_json_writer *json, double value)
{
    char scratch[NUMBER_ROOM], *at = begin(json->out, NUMBER_ROOM, scratch), *p = at;
    if (!at)
        return;
    if (json->comma)
        *p++ = ',';
    p = cz__json_write_f64(p, value);
    end(json->out, at, p, scratch);
    json->comma = true;
}

void cz_json_bool(cz_json_writer *json, bool value)
{
    if (value)
        append_raw(json, "true", 4);
    else
        append_raw(json, "false", 5);
}

void cz_json_null(cz_json_writer *json)
{
    append_raw(json, "null", 4);
}

void cz_json_raw(cz_json_writer *json, cz_str value)
{
    append_raw(json, value.ptr, value.len);
}
