#include <calzone/str.h>
#include "base/base_internal.h"

int cz_str_cmp(cz_str a, cz_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool cz_str_eq_icase(cz_str a, cz_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold((unsigned char)a.ptr[i]) != fold((unsigned char)b.ptr[i]))
            return false;
    return true;
}

bool cz_str_starts_with(cz_str s, cz_str prefix)
{
    return s.len >= prefix.len && cz_str_eq(cz_str_head(s, prefix.len), prefix);
}

bool cz_str_ends_with(cz_str s, cz_str suffix)
{
    return s.len >= suffix.len && cz_str_eq(cz_str_tail(s, s.len - suffix.len), suffix);
}

size_t cz_str_find_char(cz_str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

size_t cz_str_find(cz_str s, cz_str needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

size_t cz_str_count(cz_str s, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += s.ptr[i] == c;
    return count;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

cz_str cz_str_trim(cz_str s)
{
    while (s.len && is_space(s.ptr[0]))
        s = cz_str_tail(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

cz_str cz_str_cut(cz_str *rest, char separator)
{
    size_t at = cz_str_find_char(*rest, separator);
    if (at == SIZE_MAX) {
        cz_str all = *rest;
        *rest = cz_str_tail(all, all.len);
        return all;
    }
    cz_str head = cz_str_head(*rest, at);
    *rest = cz_str_tail(*rest, at + 1);
    return head;
}

cz_status cz_str_to_u64(cz_str s, uint64_t *out)
{
    if (s.len == 0)
        return CZ_EVALIDATION;
    uint64_t value = 0;
    bool overflow = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return CZ_EVALIDATION;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        overflow |= __builtin_mul_overflow(value, 10, &value);
        overflow |= __builtin_add_overflow(value, digit, &value);
    }
    if (overflow)
        return CZ_ETOOBIG;
    *out = value;
    return CZ_OK;
}

cz_status cz_str_to_i64(cz_str s, int64_t *out)
{
    bool negative = s.len && s.ptr[0] == '-';
    uint64_t magnitude;
    cz_status status = cz_str_to_u64(negative ? cz_str_tail(s, 1) : s, &magnitude);
    if (status)
        return status;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return CZ_ETOOBIG;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return CZ_OK;
}

cz_status cz_str_dup(cz_arena *arena, cz_str s, cz_str *out)
{
    char *copy = cz_arena_alloc(arena, s.len + 1);
    if (!copy)
        return CZ_ENOMEM;
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    *out = cz_str_of(copy, s.len);
    return CZ_OK;
}

/* Well-formed sequences, Unicode 15, table 3-7. Returns their length, 0 when ill-formed. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char a = p[0];
    if (a < 0x80)
        return 1;
    if (a < 0xc2 || a > 0xf4)
        return 0;
    size_t len = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
    if (left < len)
        return 0;
    unsigned char low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
    unsigned char high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool cz_str_is_utf8(cz_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        uint64_t word;
        if (s.len - i >= sizeof word) { /* eight ASCII bytes at once */
            memcpy(&word, p + i, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                i += sizeof word;
                continue;
            }
        }
        size_t len = utf8_sequence(p + i, s.len - i);
        if (!len)
            return false;
        i += len;
    }
    return true;
}

size_t cz_str_utf8_length(cz_str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
    return count;
}

size_t cz_utf8_write(char *out, uint32_t code)
{
    char *at = out;
    if (code < 0x80) {
        *out = (char)code;
        return 1;
    }
    if (code < 0x800) {
        *at++ = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        *at++ = (char)(0xe0 | code >> 12);
        *at++ = (char)(0x80 | (code >> 6 & 0x3f));
    } else {
        *at++ = (char)(0xf0 | code >> 18);
        *at++ = (char)(0x80 | (code >> 12 & 0x3f));
        *at++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *at++ = (char)(0x80 | (code & 0x3f));
    return (size_t)(at - out);
}

bool cz_str_eq_constant_time(cz_str a, cz_str b)
{
    if (a.len != b.len)
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a.len; i++) {
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
        __asm__ volatile("" : "+r"(difference)); /* keeps the compiler from leaving early */
    }
    return difference == 0;
}

const char cz__digit_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
    "949596979899";

size_t cz_u64_write(char *out, uint64_t value)
{
    char text[20];
    size_t at = sizeof text;
    while (value >= 100) {
        size_t pair = (size_t)(value % 100) * 2;
        value /= 100;
        text[--at] = cz__digit_pairs[pair + 1];
        text[--at] = cz__digit_pairs[pair];
    }
    if (value >= 10) {
        text[--at] = cz__digit_pairs[value * 2 + 1];
        text[--at] = cz__digit_pairs[value * 2];
    } else {
        text[--at] = (char)('0' + value);
    }
    memcpy(out, text + at, sizeof text - at);
    return sizeof text - at;
}

size_t cz_i64_write(char *out, int64_t value)
{
    if (value >= 0)
        return cz_u64_write(out, (uint64_t)value);
    out[0] = '-';
    return 1 + cz_u64_write(out + 1, 0 - (uint64_t)value);
}
