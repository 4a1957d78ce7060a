/* What the files of src/json share. */
#ifndef CZ_JSON_INTERNAL_H
#define CZ_JSON_INTERNAL_H

#include <calzone/json.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#endif

/* As cz_json_error_position(), with the number of code points before the failure. */
void cz__json_position(const cz_json_reader *reader, size_t *out_line, size_t *out_column,
                       size_t *out_char);

/* 128-bit powers of ten: see pow10.c. */
enum { CZ__POW10_MIN = -342, CZ__POW10_MAX = 324 };
extern const uint64_t cz__pow10[CZ__POW10_MAX - CZ__POW10_MIN + 1][2];

__extension__ typedef unsigned __int128 cz__u128;

/* A number's text taken apart: (-1)^negative * mantissa * 10^exp10, when `exact`. */
struct cz__number {
    const char *end;   /* what follows the number */
    uint64_t mantissa; /* all its digits */
    int64_t exp10;
    bool negative, integer; /* integer: neither fraction nor exponent */
    bool exact;             /* the digits fitted `mantissa` */
};

/* Scan the longest number of RFC 8259 at `at`; false when there is none. */
bool cz__number_scan(const char *at, const char *end, struct cz__number *out);
/* The nearest double (ties to even) of a number scanned at `at`. Errors: CZ_ETOOBIG: it overflows.
 * */
CZ_NODISCARD cz_status cz__number_f64(const char *at, const struct cz__number *number, double *out);

/* The bytes of `word` that a JSON string cannot hold as they are, or that are not ASCII: the high
 * bit of the first such byte (in memory order) is set; those of later bytes may be wrong. */
static inline uint64_t cz__json_special8(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    uint64_t found = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
                     ((backslash - ones) & ~backslash) | word;
    return found & high;
}

#if defined(__SSE2__)
/* The same for 16 bytes: a bit for each. The comparison is signed, so it finds bytes above 0x7f
 * too. */
static inline unsigned cz__json_special16(__m128i v)
{
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
            backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash)));
}
#endif

/* How many bytes from `at` a JSON string holds as they are: ASCII, no quote, backslash or control.
 * */
static inline size_t cz__json_plain(const char *at, const char *end)
{
    const char *p = at;
#if defined(__SSE2__)
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = cz__json_special16(v);
        if (mask)
            return (size_t)(p - at) + (size_t)__builtin_ctz(mask);
        p += 16;
    }
#elif defined(__ARM_NEON) && defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - p >= 16) {
        uint8x16_t v = vld1q_u8((const uint8_t *)p);
        uint8x16_t bad =
            vorrq_u8(vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20)),
                     vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\'))));
        uint64_t mask =
            vget_lane_u64(/* four bits a byte */
                          vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(bad), 4)), 0);
        if (mask)
            return (size_t)(p - at) + (size_t)__builtin_ctzll(mask) / 4;
        p += 16;
    }
#endif
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        uint64_t found = cz__json_special8(word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (found)
            return (size_t)(p - at) + (size_t)__builtin_ctzll(found) / 8;
#else
        if (found)
            break;
#endif
        p += 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return (size_t)(p - at);
}

/* The UTF-8 sequence at `p`, whose first byte is above 0x7f: its length, or, when ill-formed, minus
 * the number of bytes to give up at once (Unicode 15, section 3.9, maximal subparts, as Python
 * does). */
static inline int cz__utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char a = p[0];
    if (a < 0xc2 || a > 0xf4)
        return -1;
    unsigned char low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
    unsigned char high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
    if (left < 2 || p[1] < low || p[1] > high)
        return -1;
    if (a < 0xe0)
        return 2;
    if (left < 3 || (p[2] & 0xc0) != 0x80)
        return -2;
    if (a < 0xf0)
        return 3;
    if (left < 4 || (p[3] & 0xc0) != 0x80)
        return -3;
    return 4;
}

#endif
