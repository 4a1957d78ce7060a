/* Query strings and percent-coding (RFC 3986 section 2.1; URL Standard, urlencoded parsing). */
#include "http/http_internal.h"

enum { QUERY_PAIRS_MAX = 1000 };

/* ---- Percent coding ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_escaped(cz_str text, bool plus_is_space)
{
    return cz_str_find_char(text, '%') != SIZE_MAX ||
           (plus_is_space && cz_str_find_char(text, '+') != SIZE_MAX);
}

/* Decode into `out`, which has room for text.len bytes. Returns the length, or SIZE_MAX at a malformed
 * escape, which `lenient` copies as it is. */
static size_t decode(char *out, cz_str text, bool plus_is_space, bool lenient)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            } else if (!lenient) {
                return SIZE_MAX;
            }
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[len++] = c;
    }
    return len;
}

cz_status cz_percent_decode(cz_arena *arena, cz_str text, bool plus_is_space, cz_str *out)
{
    if (!is_escaped(text, plus_is_space)) {
        *out = text;
        return CZ_OK;
    }
    char *bytes = cz_arena_alloc(arena, text.len + 1);
    if (!bytes)
        return CZ_ENOMEM;
    size_t len = decode(bytes, text, plus_is_space, false);
    if (len == SIZE_MAX)
        return CZ_EVALIDATION;
    bytes[len] = '\0';
    *out = cz_str_of(bytes, len);
    return CZ_OK;
}

void cz_percent_encode(cz_buf *out, cz_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
        char *at = cz_buf_reserve(out, 3);
        if (!at)
            return;
        if (plain) {
            at[0] = (char)c;
            cz_buf_commit(out, 1);
        } else {
            at[0] = '%';
            at[1] = hex[c >> 4];
            at[2] = hex[c & 15];
            cz_buf_commit(out, 3);
        }
    }
}

/* ---- The query ---- */

cz_str cz__query_decode(cz_ctx *ctx, cz_str text)
{
    if (!is_escaped(text, true))
        return text;
    char *bytes = cz_alloc(ctx, text.len + 1);
    size_t len = decode(bytes, text, true, true);
    bytes[len] = '\0';
    return cz_str_of(bytes, len);
}

/* The next pair as sent, empty ones skipped; the cursor is the offset behind it. */
static bool next_raw(const cz_request *req, size_t *cursor, cz_str *name, cz_str *value)
{
    cz_str rest = cz_str_tail(req->query, *cursor);
    while (rest.len) {
        cz_str pair = cz_str_cut(&rest, '&');
        if (!pair.len)
            continue;
        *cursor = req->query.len - rest.len;
        *name = cz_str_cut(&pair, '=');
        *value = pair;
        return true;
    }
    return false;
}

/* The cursor counts the pairs above the offset's 32 bits, so the cap costs no second look at the query. */
bool cz_query_next(cz_ctx *ctx, const cz_request *req, size_t *cursor, cz_str *name, cz_str *value)
{
    _Static_assert(sizeof(size_t) == 8, "the cursor holds two numbers");
    size_t at = *cursor & UINT32_MAX, pairs = *cursor >> 32;
    cz_str raw_name, raw_value;
    if (pairs == QUERY_PAIRS_MAX || !next_raw(req, &at, &raw_name, &raw_value))
        return false;
    *cursor = (pairs + 1) << 32 | at;
    *name = cz__query_decode(ctx, raw_name);
    *value = cz__query_decode(ctx, raw_value);
    return true;
}

/* Compare a name as sent with a plain one, without memory. */
static bool name_matches(cz_str raw, cz_str name)
{
    if (!is_escaped(raw, true))
        return cz_str_eq(raw, name);
    size_t at = 0;
    for (size_t i = 0; i < raw.len; at++) {
        size_t take = raw.ptr[i] == '%' && raw.len - i > 2 && hex_digit(raw.ptr[i + 1]) >= 0 &&
                              hex_digit(raw.ptr[i + 2]) >= 0
                          ? 3
                          : 1;
        char c = raw.ptr[i] == '+' ? ' ' : raw.ptr[i];
        if (take == 3)
            c = (char)(hex_digit(raw.ptr[i + 1]) << 4 | hex_digit(raw.ptr[i + 2]));
        if (at >= name.len || name.ptr[at] != c)
            return false;
        i += take;
    }
    return at == name.len;
}

bool cz_query_get(cz_ctx *ctx, const cz_request *req, cz_str name, cz_str *out)
{
    cz_str raw_name, raw_value, last = CZ_STR("");
    size_t cursor = 0;
    bool found = false;
    for (size_t pairs = 0; pairs < QUERY_PAIRS_MAX && next_raw(req, &cursor, &raw_name, &raw_value);
         pairs++) {
        if (!name_matches(raw_name, name))
            continue;
        found = true;
        last = raw_value;
    }
    if (!found)
        return false;
    cz_status status = cz_percent_decode(ctx->arena, last, true, out);
    if (status == CZ_EVALIDATION)
        return false;
    cz_check(ctx, status);
    return true;
}

cz_str cz_query_str(cz_ctx *ctx, const cz_request *req, const char *name)
{
    cz_str value;
    return cz_query_get(ctx, req, cz_str_from(name), &value) ? value : CZ_STR("");
}
