/* Decimal text to the nearest double, ties to even; no locale, no strtod.
 *
 * 1. Clinger's fast path (How to Read Floating Point Numbers Accurately, 1990): an integer below
 *    2^53 and a power of ten up to 10^22 are exact doubles, so one multiplication or division
 *    rounds once.
 * 2. Eisel and Lemire (Lemire, "Number Parsing at a Gigabyte per Second", 2021): multiply by a
 *    128-bit power of ten. Correct for every 64-bit integer (Mushtak and Lemire, "Fast Number
 *    Parsing Without Fallback", 2022).
 * 3. More than 19 digits: the first 19 give a lower and an upper bound. Where both round to the
 *    same double, that is it; else the text is compared with the midpoint of the two as big
 *    integers.
 *
 * Doubles must be IEEE 754 binary64 computed without excess precision, as on x86-64 and AArch64. */
#include <float.h>
#include "json_internal.h"

_Static_assert(FLT_EVAL_METHOD == 0 && DBL_MANT_DIG == 53,
               "doubles are IEEE 754 without excess precision");

enum {
    DIGITS_EXACT = 19, /* any 19 digits fit 64 bits */
    FRACTION_BITS = 52,
    EXPONENT_INFINITE = 0x7ff,
    DIGITS_MAX = 800, /* no midpoint of two doubles has more than 767 */
    LIMBS = 64,       /* 4096 bits: 10^800 has 2658, 5^1142 with a midpoint 2706 */
};

static const double exact_pow10[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits into `*mantissa`, wrapping: the caller counts them. */
static const char *scan_digits(const char *p, const char *end, uint64_t *mantissa)
{
    uint64_t m = *mantissa;
    for (; p < end && is_digit(*p); p++)
        m = m * 10 + (uint64_t)(*p - '0');
    *mantissa = m;
    return p;
}

/* exponent = ("e" / "E") ["-" / "+"] 1*DIGIT; `p` itself when there is none. */
static const char *scan_exponent(const char *p, const char *end, int64_t *exp10)
{
    const char *at = p + 1;
    bool negative = false;
    if (at < end && (*at == '-' || *at == '+'))
        negative = *at++ == '-';
    if (at == end || !is_digit(*at))
        return p;
    int64_t e = 0;
    for (; at < end && is_digit(*at); at++)
        if (e < INT64_C(1) << 48) /* far beyond any number of digits that fit memory */
            e = e * 10 + (*at - '0');
    *exp10 += negative ? -e : e;
    return at;
}

/* number = ["-"] ("0" / digit1-9 *DIGIT) ["." 1*DIGIT] [exponent] (RFC 8259, 6) */
bool cz__number_scan(const char *at, const char *end, struct cz__number *out)
{
    const char *p = at;
    uint64_t mantissa = 0;
    out->negative = p < end && *p == '-';
    p += out->negative;
    if (p == end || !is_digit(*p))
        return false;
    const char *first = p;
    p = *p == '0' ? p + 1 : scan_digits(p, end, &mantissa);
    size_t digits = (size_t)(p - first);
    out->exp10 = 0;
    out->integer = true;
    if (end - p >= 2 && *p == '.' && is_digit(p[1])) {
        const char *decimals = p + 1;
        p = scan_digits(decimals, end, &mantissa);
        digits += (size_t)(p - decimals);
        out->exp10 = decimals - p;
        out->integer = false;
    }
    if (p < end && (*p | 0x20) == 'e') {
        const char *after = scan_exponent(p, end, &out->exp10);
        out->integer &= after == p;
        p = after;
    }
    out->end = p;
    out->mantissa = mantissa;
    out->exact = digits <= DIGITS_EXACT;
    return true;
}

static double double_of(uint64_t magnitude, bool negative)
{
    double value;
    uint64_t bits = magnitude | (uint64_t)negative << 63;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The bits of the double nearest to mantissa * 10^exp10; those of infinity when it overflows. */
static uint64_t eisel_lemire(uint64_t mantissa, int64_t exp10)
{
    const uint64_t infinite = (uint64_t)EXPONENT_INFINITE << FRACTION_BITS;
    if (mantissa == 0 || exp10 < CZ__POW10_MIN)
        return 0;
    if (exp10 > 308)
        return infinite;
    int q = (int)exp10, zeros = __builtin_clzll(mantissa);
    uint64_t w = mantissa << zeros;
    const uint64_t *power = cz__pow10[q - CZ__POW10_MIN];
    cz__u128 product = (cz__u128)w * power[0];
    if (((uint64_t)(product >> 64) & 0x1ff) ==
        0x1ff) /* the low word could carry into the bits kept */
        product += (uint64_t)(((cz__u128)w * power[1]) >> 64);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    int upper = (int)(high >> 63), shift = upper + 64 - FRACTION_BITS - 3;
    uint64_t m = high >> shift; /* 53 bits and one to round by */
    int exponent = ((217706 * q) >> 16) + 63 + upper - zeros + 1023; /* 217706 / 2^16 = log2(10) */
    if (exponent <= 0) {                                             /* denormal */
        if (exponent <= -63)
            return 0;
        m >>= 1 - exponent;
        m += m & 1;
        return m >> 1; /* rounding up to 2^52 is the smallest normal one, as it should be */
    }
    /* Half-way exactly, which only these powers allow: to even, that is down when the bit above is
     * 0. */
    if (low <= 1 && q >= -4 && q <= 23 && (m & 3) == 1 && m << shift == high)
        m &= ~(uint64_t)1;
    m += m & 1;
    m >>= 1;
    if (m >> (FRACTION_BITS + 1)) {
        m = (uint64_t)1 << FRACTION_BITS;
        exponent++;
    }
    if (exponent >= EXPONENT_INFINITE)
        return infinite;
    return (m & (((uint64_t)1 << FRACTION_BITS) - 1)) | (uint64_t)exponent << FRACTION_BITS;
}

/* ---- big integers, for the few numbers that need them ---- */

struct big {
    uint64_t limbs[LIMBS]; /* least significant first */
    int len;
};

static void big_multiply_add(struct big *big, uint64_t factor, uint64_t addend)
{
    uint64_t carry = addend;
    for (int i = 0; i < big->len; i++) {
        cz__u128 t = (cz__u128)big->limbs[i] * factor + carry;
        big->limbs[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    if (carry) {
        cz_assert(big->len < LIMBS);
        big->limbs[big->len++] = carry;
    }
}

static void big_multiply_pow5(struct big *big, int64_t power)
{
    for (; power >= 27; power -= 27)
        big_multiply_add(big, UINT64_C(7450580596923828125), 0); /* 5^27 */
    for (; power > 0; power--)
        big_multiply_add(big, 5, 0);
}

static void big_shift_left(struct big *big, int64_t bits)
{
    int words = (int)(bits / 64);
    big_multiply_add(big, (uint64_t)1 << (bits % 64), 0);
    if (words == 0 || big->len == 0)
        return;
    cz_assert(big->len + words <= LIMBS);
    memmove(big->limbs + words, big->limbs, (size_t)big->len * sizeof *big->limbs);
    memset(big->limbs, 0, (size_t)words * sizeof *big->limbs);
    big->len += words;
}

static int big_compare(const struct big *a, const struct big *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (int i = a->len - 1; i >= 0; i--)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* A number of any length: the digits from the first that is not 0 on, without the point. */
struct long_number {
    const char *at, *end;  /* the first such digit; where fraction or integer part end */
    int64_t digits, exp10; /* exp10 belongs to the last digit */
};

static struct long_number long_number(const char *at, const struct cz__number *number)
{
    struct long_number n = { .at = at + number->negative, .end = at, .exp10 = number->exp10 };
    const char *p = n.at;
    while (p < number->end && (is_digit(*p) || *p == '.'))
        p++;
    n.end = p;
    while (n.at < n.end && (*n.at == '0' || *n.at == '.'))
        n.at++;
    for (p = n.at; p < n.end; p++)
        n.digits += *p != '.';
    return n;
}

/* The text's digits as a big integer; `*out_dropped` of them were cut, and a last digit 1 put in
 * their place when any was not 0: enough to compare with a midpoint, which has none there. */
static void big_from_digits(struct big *big, const struct long_number *n, int64_t *out_dropped)
{
    int taken = 0;
    const char *p = n->at;
    for (; p < n->end && taken < DIGITS_MAX; p++) {
        if (*p == '.')
            continue;
        big_multiply_add(big, 10, (uint64_t)(*p - '0'));
        taken++;
    }
    *out_dropped = n->digits - taken;
    for (; p < n->end; p++) {
        if (*p != '0' && *p != '.') {
            big_multiply_add(big, 10, 1);
            --*out_dropped;
            return;
        }
    }
}

/* Whether the number is below (-1), at (0) or above (1) the midpoint of the doubles `bits` and bits
 * + 1. */
static int compare_with_midpoint(const struct long_number *n, uint64_t bits)
{
    int exponent = (int)(bits >> FRACTION_BITS);
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    uint64_t m = exponent ? fraction | (uint64_t)1 << FRACTION_BITS : fraction;
    int64_t exp2 = (exponent ? exponent : 1) - 1075 - 1; /* the midpoint is (2m + 1) * 2^exp2 */
    struct big text = { .len = 0 }, middle = { .limbs = { 2 * m + 1 }, .len = 1 };
    int64_t dropped;
    big_from_digits(&text, n, &dropped);
    int64_t exp10 = n->exp10 + dropped;
    if (exp10 >= 0)
        big_multiply_pow5(&text, exp10);
    else
        big_multiply_pow5(&middle, -exp10);
    if (exp10 > exp2)
        big_shift_left(&text, exp10 - exp2);
    else
        big_shift_left(&middle, exp2 - exp10);
    return big_compare(&text, &middle);
}

static uint64_t read_long(const char *at, const struct cz__number *number)
{
    struct long_number n = long_number(at, number);
    uint64_t mantissa = 0;
    int64_t taken = 0;
    for (const char *p = n.at; p < n.end && taken < DIGITS_EXACT; p++) {
        if (*p == '.')
            continue;
        mantissa = mantissa * 10 + (uint64_t)(*p - '0');
        taken++;
    }
    int64_t exp10 = n.exp10 + (n.digits - taken);
    uint64_t bits = eisel_lemire(mantissa, exp10);
    if (taken == n.digits || bits == eisel_lemire(mantissa + 1, exp10))
        return bits;
    /* 19 digits leave less than a double's spacing open, so it is this double or the next. */
    int order = compare_with_midpoint(&n, bits);
    return bits + (order > 0 || (order == 0 && (bits & 1)));
}

cz_status cz__number_f64(const char *at, const struct cz__number *number, double *out)
{
    uint64_t mantissa = number->mantissa;
    int64_t exp10 = number->exp10;
    if (number->exact && mantissa <= (uint64_t)1 << 53 && exp10 >= -22 && exp10 <= 22) {
        double value = (double)mantissa;
        value = exp10 < 0 ? value / exact_pow10[-exp10] : value * exact_pow10[exp10];
        *out = number->negative ? -value : value;
        return CZ_OK;
    }
    uint64_t bits = number->exact ? eisel_lemire(mantissa, exp10) : read_long(at, number);
    if (bits >> FRACTION_BITS == EXPONENT_INFINITE)
        return CZ_ETOOBIG;
    *out = double_of(bits, number->negative);
    return CZ_OK;
}

cz_status cz__json_read_f64(cz_str text, double *out)
{
    struct cz__number number;
    const char *end = text.ptr + text.len;
    if (text.len == 0 || !cz__number_scan(text.ptr, end, &number) || number.end != end)
        return CZ_EVALIDATION;
    return cz__number_f64(text.ptr, &number, out);
}
