/* http/h1_scan.h: find the first control byte, many bytes at a time.
 *
 * Every line of a head ends at its first control byte other than HTAB: that is CR and LF follows, or the
 * line is refused. So one scan both finds the end of the line and proves that nothing in it is a control.
 * The word-wise form is for machines without SSE2 and is tested against the other one.
 */
#ifndef CZ_HTTP_H1_SCAN_H
#define CZ_HTTP_H1_SCAN_H

#include <calzone/str.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool cz__is_ctl(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* The first control byte but HTAB in [p, end), or `end`. Exact for every byte, so without borrows from
 * one byte to the next: 7-bit sums never carry. */
static inline const char *cz__scan_ctl_words(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones, low = 0x7f * ones;
    for (; (size_t)(end - p) >= sizeof(uint64_t); p += sizeof(uint64_t)) {
        uint64_t x;
        memcpy(&x, p, sizeof x);
        uint64_t is_low = ~(((x & low) + 0x60 * ones) | x) & high;
        uint64_t tab = x ^ ('\t' * ones), del = x ^ (0x7f * ones);
        uint64_t is_tab = ~(((tab & low) + low) | tab) & high;
        uint64_t is_del = ~(((del & low) + low) | del) & high;
        if ((is_low & ~is_tab) | is_del)
            break;
    }
    while (p < end && !cz__is_ctl((unsigned char)*p))
        p++;
    return p;
}

#ifdef __SSE2__
static inline unsigned cz__ctl_mask(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')), low),
                               _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    return (unsigned)_mm_movemask_epi8(bad);
}

/* `floor` is the lowest address that may be read: the last bytes are read with some before them, so no
 * byte past `end` is touched. */
static inline const char *cz__scan_ctl(const char *floor, const char *p, const char *end)
{
    for (; end - p >= 32; p += 32) { /* most lines are shorter: one step, no branch to mispredict */
        unsigned mask = cz__ctl_mask(p) | cz__ctl_mask(p + 16) << 16;
        if (mask)
            return p + __builtin_ctz(mask);
    }
    for (; end - p >= 16; p += 16) {
        unsigned mask = cz__ctl_mask(p);
        if (mask)
            return p + __builtin_ctz(mask);
    }
    if (p < end && end - floor >= 16) {
        unsigned mask = cz__ctl_mask(end - 16) >> (16 - (end - p));
        return mask ? p + __builtin_ctz(mask) : end;
    }
    while (p < end && !cz__is_ctl((unsigned char)*p))
        p++;
    return p;
}
#else
static inline const char *cz__scan_ctl(const char *floor, const char *p, const char *end)
{
    (void)floor;
    return cz__scan_ctl_words(p, end);
}
#endif

#ifdef __SSE2__
/* How many bytes from `p` on are letters, digits or "-": up to 16, all of which can be read. Folding by
 * 0x20 brings no byte but a letter among the lower-case letters. */
static inline unsigned cz__alnum_prefix(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
    __m128i is_dash = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));
    __m128i good = _mm_or_si128(_mm_or_si128(is_letter, is_digit), is_dash);
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(good));
}
#endif

static inline bool cz__has_ctl(cz_str s)
{
    return s.len && cz__scan_ctl(s.ptr, s.ptr, s.ptr + s.len) != s.ptr + s.len;
}

#endif
