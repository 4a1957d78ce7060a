/* Two oracles: the decoder fed in pieces of chosen sizes agrees with itself fed whole, and both agree with
 * a naive decoder that sees everything and is written line by line from the grammar. */
#include <stdlib.h>
#include "http/h1_chunked.h"

enum { BODY_MAX = 4096 };

struct result {
    cz_status status;
    size_t used, body_len;
    char *body;
};

static struct result decode(const uint8_t *bytes, size_t len, size_t step)
{
    struct result result = { .status = CZ_EAGAIN, .body = malloc(len + 1) };
    struct cz__h1_chunked chunked;
    cz__h1_chunked_init(&chunked, BODY_MAX);
    if (!result.body)
        abort();
    for (size_t at = 0; at < len && result.status == CZ_EAGAIN;) {
        size_t piece_len = step < len - at ? step : len - at, used, decoded;
        char *piece = malloc(piece_len);
        if (!piece)
            abort();
        memcpy(piece, bytes + at, piece_len);
        result.status = cz__h1_chunked_feed(&chunked, piece, piece_len, &used, &decoded);
        cz_assert(used <= piece_len && decoded <= used);
        cz_assert(result.status != CZ_EAGAIN || used == piece_len);
        memcpy(result.body + result.body_len, piece, decoded);
        free(piece);
        result.body_len += decoded;
        result.used += used;
        at += piece_len;
    }
    cz_assert(result.body_len <= BODY_MAX);
    return result;
}

/* The line at `*at` without its CRLF; false: there is none, or it holds a lone CR or LF. */
static bool take_line(cz_str in, size_t *at, cz_str *out)
{
    cz_str rest = cz_str_tail(in, *at);
    size_t end = cz_str_find_char(rest, '\n');
    if (end == SIZE_MAX || end == 0 || rest.ptr[end - 1] != '\r')
        return false;
    *out = cz_str_head(rest, end - 1);
    *at += end + 1;
    return cz_str_count(*out, '\r') == 0;
}

static bool is_plain(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.ptr[i] < 32 && text.ptr[i] != '\t') || text.ptr[i] == 127)
            return false;
    return true;
}

/* The size line's value; -1: malformed or beyond the limits. */
static long long size_of(cz_str line, size_t *ext_total)
{
    size_t digits = strspn(line.len ? line.ptr : "", "0123456789abcdefABCDEF");
    if (digits > line.len)
        digits = line.len;
    if (digits == 0 || digits > 16)
        return -1;
    char text[17] = { 0 };
    memcpy(text, line.ptr, digits);
    unsigned long long size = strtoull(text, NULL, 16);
    cz_str ext = cz_str_tail(line, digits), after_white = cz_str_trim(ext);
    if (ext.len && (!after_white.len || after_white.ptr[0] != ';' || !is_plain(ext)))
        return -1;
    size_t ext_bytes = ext.len ? ext.len - 1 : 0;
    *ext_total += ext_bytes;
    if (ext_bytes > CZ__CHUNK_EXT_BYTES_MAX || *ext_total > CZ__CHUNK_EXT_TOTAL_BYTES_MAX)
        return -1;
    return size > BODY_MAX ? -1 : (long long)size;
}

/* True when `in` begins with a whole chunked body. */
static bool naive(cz_str in, struct result *out)
{
    size_t at = 0, ext_total = 0, trailer_bytes = 0;
    for (;;) {
        cz_str line;
        if (!take_line(in, &at, &line))
            return false;
        long long size = size_of(line, &ext_total);
        if (size < 0 || out->body_len + (size_t)size > BODY_MAX)
            return false;
        if (size == 0)
            break;
        if (in.len - at < (size_t)size + 2 || memcmp(in.ptr + at + size, "\r\n", 2) != 0)
            return false;
        memcpy(out->body + out->body_len, in.ptr + at, (size_t)size);
        out->body_len += (size_t)size;
        at += (size_t)size + 2;
    }
    for (cz_str line; take_line(in, &at, &line);) {
        trailer_bytes += line.len + 2;
        if (trailer_bytes > CZ__CHUNK_TRAILER_BYTES_MAX || !is_plain(line))
            return false;
        out->used = at;
        if (!line.len)
            return true;
        size_t colon = cz_str_find_char(line, ':');
        if (colon == SIZE_MAX || !cz__http_is_token(cz_str_head(line, colon)))
            return false;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t step = (size_t)data[0] + 1, len = size - 1;
    struct result whole = decode(data + 1, len, len ? len : 1);
    struct result pieces = decode(data + 1, len, step);
    struct result reference = { .body = malloc(BODY_MAX + 1) };
    char *text = malloc(len + 1); /* the naive one may rely on a NUL */
    if (!reference.body || !text)
        abort();
    memcpy(text, data + 1, len);
    text[len] = '\0';
    cz_assert(whole.status == pieces.status && whole.used == pieces.used);
    cz_assert(whole.body_len == pieces.body_len &&
              !memcmp(whole.body, pieces.body, whole.body_len));
    bool accepted = naive(cz_str_of(text, len), &reference);
    cz_assert(accepted == (whole.status == CZ_OK));
    if (accepted) {
        cz_assert(reference.used == whole.used && reference.body_len == whole.body_len);
        cz_assert(memcmp(reference.body, whole.body, whole.body_len) == 0);
    }
    free(whole.body);
    free(pieces.body);
    free(reference.body);
    free(text);
    return 0;
}
