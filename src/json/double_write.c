/* Doubles as the shortest text that reads back as the same double, the nearest one where several
 * are equally short, in the form of Python's repr().
 *
 * The algorithm is Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles" (2020,
 * revised 2022), as the JDK uses it. The double v = c * 2^q lies in an interval of numbers that
 * round to it. k is chosen so that 10^k is not longer than that interval and 10^(k+1) is: then at
 * least one multiple of 10^k lies in it and at most one of 10^(k+1), and that one is shorter. All
 * are compared as integers, scaled by a 128-bit approximation of 10^-k that the paper proves
 * precise enough. */
#include "json_internal.h"

enum {
    FRACTION_BITS = 52,
    EXPONENT_BIAS = 1075, /* of the fraction read as an integer */
};

struct decimal {
    uint64_t digits;
    int exp10;
};

/* floor(log2(10^e)) for |e| <= 1233. */
static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* The high word of g * cp / 2^64 with its last bit set when anything was cut off ("round to odd"),
 * so that it compares with integers as the exact product would. */
static uint64_t round_to_odd(uint64_t g_high, uint64_t g_low, uint64_t cp)
{
    uint64_t x_high = (uint64_t)(((cz__u128)g_low * cp) >> 64);
    cz__u128 y = (cz__u128)g_high * cp + x_high;
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static struct decimal shortest(uint64_t fraction, int exponent)
{
    uint64_t c = fraction;
    int q = 1 - EXPONENT_BIAS;
    if (exponent) {
        c |= (uint64_t)1 << FRACTION_BITS;
        q = exponent - EXPONENT_BIAS;
    }
    bool odd = c & 1;                            /* the interval's ends round to even */
    bool closer = fraction == 0 && exponent > 1; /* the double below is at half the distance */
    int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22; /* floor(log10(2^q or 3/4 of it)) */
    int shift = q + floor_log2_pow10(-k) + 1;
    const uint64_t *entry = cz__pow10[-k - CZ__POW10_MIN];
    bool cut = -k < -27 || -k > 55; /* see pow10.c */
    uint64_t g_low = entry[1] + cut, g_high = entry[0] + (cut && g_low == 0);
    uint64_t below = round_to_odd(g_high, g_low, (4 * c - 2 + closer) << shift) + odd;
    uint64_t value = round_to_odd(g_high, g_low, (4 * c) << shift);
    uint64_t above = round_to_odd(g_high, g_low, (4 * c + 2) << shift) - odd;
    uint64_t s = value / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool low_inside = below <= 40 * tens, high_inside = 40 * tens + 40 <= above;
        if (low_inside != high_inside)
            return (struct decimal){ tens + high_inside, k + 1 };
    }
    bool low_inside = below <= 4 * s, high_inside = 4 * s + 4 <= above;
    if (low_inside != high_inside)
        return (struct decimal){ s + high_inside, k };
    uint64_t middle = 4 * s + 2; /* both are inside: the nearer one, the even one of a tie */
    return (struct decimal){ s + (value > middle || (value == middle && (s & 1))), k };
}

/* value / unit, where unit is 10^count, without trailing zeros; it is not an integer. */
static char *write_decimals(char *out, uint64_t value, uint32_t unit, int count)
{
    out += cz_u64_write(out, value / unit);
    *out = '.';
    uint32_t decimals = (uint32_t)(value % unit);
    for (int i = count; i > 0; i--) {
        out[i] = (char)('0' + decimals % 10);
        decimals /= 10;
    }
    out += count;
    while (*out == '0')
        out--;
    return out + 1;
}

/* Most doubles people store have few decimals (prices, coordinates). If m / 10^6 is the double, for
 * an integer m of at most 15 digits, then m * 10^-6 without its trailing zeros is the only decimal
 * of at most 15 digits that reads as it (15 decimal digits survive a double), so it is the
 * shortest. The division is exact arithmetic rounded once: Clinger's fast path of reading. NULL
 * when it is not so. */
static char *write_few_decimals(char *out, double magnitude)
{
    if (!(magnitude >= 1e-3 && magnitude < 1e9))
        return NULL;
    uint64_t m = (uint64_t)(magnitude * 1e3 + 0.5);
    if ((double)m / 1e3 == magnitude)
        return write_decimals(out, m, 1000, 3);
    m = (uint64_t)(magnitude * 1e6 + 0.5);
    if ((double)m / 1e6 == magnitude)
        return write_decimals(out, m, 1000000, 6);
    return NULL;
}

static char *write_exponent(char *out, int exponent)
{
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    unsigned e = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (e < 10)
        *out++ = '0'; /* two digits at least, as Python and C */
    return out + cz_u64_write(out, e);
}

static char *write_shortest(char *out, struct decimal decimal)
{
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exp10++;
    }
    char digits[20];
    int len = (int)cz_u64_write(digits, decimal.digits);
    int point = len + decimal.exp10; /* the value is 0.DIGITS * 10^point */
    if (point > 16 || point <= -4) {
        *out++ = digits[0];
        if (len > 1) {
            *out++ = '.';
            memcpy(out, digits + 1, (size_t)len - 1);
            out += len - 1;
        }
        return write_exponent(out, point - 1);
    }
    if (point <= 0) {
        memcpy(out, "0.0000", 6);
        out += 2 - point;
        memcpy(out, digits, (size_t)len);
        return out + len;
    }
    if (point >= len) {
        memcpy(out, digits, (size_t)len);
        memset(out + len, '0', (size_t)(point - len));
        memcpy(out + point, ".0", 2);
        return out + point + 2;
    }
    memcpy(out, digits, (size_t)point);
    out[point] = '.';
    memcpy(out + point + 1, digits + point, (size_t)(len - point));
    return out + len + 1;
}

char *cz__json_write_f64(char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    int exponent = (int)(bits >> FRACTION_BITS) & 0x7ff;
    if (exponent == 0x7ff) {
        memcpy(out, "null", 4);
        return out + 4;
    }
    if (bits >> 63)
        *out++ = '-';
    double magnitude = value < 0 ? -value : value;
    if (magnitude < 0x1p53 && (double)(uint64_t)magnitude == magnitude) { /* all its digits count */
        out += cz_u64_write(out, (uint64_t)magnitude);
        memcpy(out, ".0", 2);
        return out + 2;
    }
    char *end = write_few_decimals(out, magnitude);
    return end ? end : write_shortest(out, shortest(fraction, exponent));
}
