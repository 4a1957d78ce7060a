/* calzone/str.h: borrowed strings.
 *
 * A cz_str is a pointer and a length. It owns nothing and need not end in NUL; it lives as long as the
 * bytes it points into, which the function that returned it names. A zeroed cz_str is the empty string.
 * All functions here are pure: any thread, no allocation unless they take an arena.
 */
#ifndef CALZONE_STR_H
#define CALZONE_STR_H

#include <calzone/memory.h>
#include <calzone/status.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_str {
    const char *ptr;
    size_t len;
} cz_str;

/* Bytes that are no text. */
typedef struct cz_bytes {
    const void *ptr;
    size_t len;
} cz_bytes;

typedef struct cz_int_list {
    const int64_t *items;
    size_t count;
} cz_int_list;
typedef struct cz_str_list {
    const cz_str *items;
    size_t count;
} cz_str_list;

/* A string literal as a cz_str; a constant expression. */
#define CZ_STR(literal) ((cz_str){ "" literal, sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define CZ_STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline cz_str cz_str_of(const char *ptr, size_t len)
{
    cz_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

/* A NUL-terminated string; NULL is the empty string. */
static inline cz_str cz_str_from(const char *text)
{
    return cz_str_of(text, text ? strlen(text) : 0);
}

static inline bool cz_str_eq(cz_str a, cz_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The first `n` bytes, or all when there are fewer; and what follows them. */
static inline cz_str cz_str_head(cz_str s, size_t n)
{
    return cz_str_of(s.ptr, n < s.len ? n : s.len);
}

static inline cz_str cz_str_tail(cz_str s, size_t n)
{
    if (n >= s.len) /* adding even 0 to a null pointer is undefined in C */
        return cz_str_of(s.len ? s.ptr + s.len : s.ptr, 0);
    return cz_str_of(s.ptr + n, s.len - n);
}

/* Compare as bytes; negative, zero or positive as for memcmp. */
int cz_str_cmp(cz_str a, cz_str b);
/* Equal when ASCII letters are folded; other bytes must match exactly. */
bool cz_str_eq_icase(cz_str a, cz_str b);
bool cz_str_starts_with(cz_str s, cz_str prefix);
bool cz_str_ends_with(cz_str s, cz_str suffix);
/* Index of the first `c` or of the first `needle`; SIZE_MAX when there is none. */
size_t cz_str_find_char(cz_str s, char c);
size_t cz_str_find(cz_str s, cz_str needle);
/* How often `c` occurs. */
size_t cz_str_count(cz_str s, char c);
/* Without leading and trailing spaces, tabs, CR and LF. */
cz_str cz_str_trim(cz_str s);
/* Take what stands before the first `separator`, leaving what follows it in `*rest`; with no separator
 * takes all and leaves `*rest` empty. */
cz_str cz_str_cut(cz_str *rest, char separator);

/* Read a whole string as a decimal integer: an optional minus sign, digits, nothing else.
 * Errors: CZ_EVALIDATION not a number; CZ_ETOOBIG outside the type. */
CZ_NODISCARD cz_status cz_str_to_i64(cz_str s, int64_t *out);
CZ_NODISCARD cz_status cz_str_to_u64(cz_str s, uint64_t *out);

/* Copy into `arena`, with a NUL after it. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz_str_dup(cz_arena *arena, cz_str s, cz_str *out);

/* Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms). */
bool cz_str_is_utf8(cz_str s);
/* Code points in a well-formed UTF-8 string: what Django counts for max_length. */
size_t cz_str_utf8_length(cz_str s);

/* Write a code point at `out`, which must have room for 4 bytes. Returns the number of bytes written; no NUL. */
size_t cz_utf8_write(char *out, uint32_t code);

/* Equal in a time that depends on the lengths only; for secrets. */
bool cz_str_eq_constant_time(cz_str a, cz_str b);

/* Write `value` in decimal at `out`, which must have room for 20 bytes (21 for the signed form).
 * Returns the number of bytes written; no NUL. */
size_t cz_u64_write(char *out, uint64_t value);
size_t cz_i64_write(char *out, int64_t value);

#ifdef __cplusplus
}
#endif
#endif
