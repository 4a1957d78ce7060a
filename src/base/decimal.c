/* Exact decimals on the compiler's 128-bit integers. */
#include <calzone/decimal.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

static uint128 power_of_ten(int exponent)
{
    uint128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static int128 whole_of(cz_decimal d)
{
    return (int128)((uint128)(uint64_t)d.high << 64 | d.low);
}

static cz_decimal make(int128 whole, int places)
{
    uint128 bits = (uint128)whole;
    return (cz_decimal){ (uint64_t)bits, (int64_t)(uint64_t)(bits >> 64), places };
}

static uint128 magnitude(int128 whole)
{
    return whole < 0 ? (uint128)0 - (uint128)whole : (uint128)whole;
}

static bool fits(int128 whole)
{
    return magnitude(whole) < power_of_ten(CZ_DECIMAL_DIGITS_MAX);
}

cz_decimal cz_decimal_of(int64_t units, int places)
{
    cz_assert(places >= 0 && places <= CZ_DECIMAL_DIGITS_MAX);
    return make(units, places);
}

/* ---- text ---- */

/* The exponent behind "e": at most three digits matter. */
static cz_status read_exponent(cz_str text, int *out)
{
    bool negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = cz_str_tail(text, 1);
    if (!text.len)
        return CZ_EVALIDATION;
    int value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return CZ_EVALIDATION;
        if (value < 1000)
            value = value * 10 + (text.ptr[i] - '0');
    }
    *out = negative ? -value : value;
    return CZ_OK;
}

/* Move the point so that there is no exponent left. */
static cz_status apply_exponent(uint128 *whole, int *places, int exponent)
{
    *places -= exponent;
    if (*places >= 0)
        return *places <= CZ_DECIMAL_DIGITS_MAX ? CZ_OK : CZ_EVALIDATION;
    int zeros = -*places;
    *places = 0;
    if (*whole == 0)
        return CZ_OK;
    if (zeros > CZ_DECIMAL_DIGITS_MAX ||
        *whole >= power_of_ten(CZ_DECIMAL_DIGITS_MAX) / power_of_ten(zeros))
        return CZ_EVALIDATION;
    *whole *= power_of_ten(zeros);
    return CZ_OK;
}

cz_status cz_decimal_parse(cz_str text, cz_decimal *out)
{
    bool negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = cz_str_tail(text, 1);
    uint128 whole = 0;
    int places = 0, exponent = 0;
    bool point = false, digit = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == 'e' || c == 'E') {
            cz_status status = read_exponent(cz_str_tail(text, i + 1), &exponent);
            if (status)
                return status;
            break;
        }
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return CZ_EVALIDATION;
        digit = true;
        places += point;
        if (whole >= power_of_ten(CZ_DECIMAL_DIGITS_MAX - 1) || places > CZ_DECIMAL_DIGITS_MAX)
            return CZ_EVALIDATION; /* a digit more would be the 39th */
        whole = whole * 10 + (unsigned)(c - '0');
    }
    if (!digit)
        return CZ_EVALIDATION;
    cz_status status = apply_exponent(&whole, &places, exponent);
    if (!status)
        *out = make(negative ? -(int128)whole : (int128)whole, places);
    return status;
}

size_t cz_decimal_write(char *out, cz_decimal d)
{
    int128 whole = whole_of(d);
    uint128 rest = magnitude(whole);
    char digits[CZ_DECIMAL_DIGITS_MAX + 2];
    int count = 0;
    while (rest || count <= d.places) { /* at least one digit before the point */
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    char *at = out;
    if (whole < 0)
        *at++ = '-';
    while (count-- > 0) {
        *at++ = digits[count];
        if (count == d.places && d.places > 0)
            *at++ = '.';
    }
    return (size_t)(at - out);
}

double cz_decimal_to_double(cz_decimal d)
{
    char text[CZ_DECIMAL_TEXT + 1];
    text[cz_decimal_write(text, d)] = '\0';
    return strtod(text, NULL); /* always the point: the library never calls setlocale() */
}

cz_status cz_decimal_from_double(double value, cz_decimal *out)
{
    if (!isfinite(value))
        return CZ_EVALIDATION;
    char text[64];
    for (int digits = 15; digits <= 17; digits++) { /* the first that reads back is the shortest */
        int len = snprintf(text, sizeof text, "%.*g", digits, value);
        cz_assert(len > 0 && (size_t)len < sizeof text);
        if (digits == 17 || strtod(text, NULL) == value)
            break;
    }
    return cz_decimal_parse(cz_str_from(text), out);
}

/* ---- arithmetic ---- */

/* The same number with more places. Fails with CZ_ETOOBIG when it has too many digits then. */
static cz_status widen(int128 *whole, int from, int to)
{
    for (; from < to; from++) {
        if (__builtin_mul_overflow(*whole, (int128)10, whole))
            return CZ_ETOOBIG;
    }
    return CZ_OK;
}

int cz_decimal_compare(cz_decimal a, cz_decimal b)
{
    int128 x = whole_of(a), y = whole_of(b);
    if ((x < 0) != (y < 0))
        return x < 0 ? -1 : 1;
    int places = a.places > b.places ? a.places : b.places;
    /* what cannot be widened is farther from zero than what can */
    if (widen(&x, a.places, places))
        return whole_of(a) < 0 ? -1 : 1;
    if (widen(&y, b.places, places))
        return whole_of(b) < 0 ? 1 : -1;
    return (x > y) - (x < y);
}

cz_status cz_decimal_add(cz_decimal a, cz_decimal b, cz_decimal *out)
{
    int places = a.places > b.places ? a.places : b.places;
    int128 x = whole_of(a), y = whole_of(b), sum;
    if (widen(&x, a.places, places) || widen(&y, b.places, places) ||
        __builtin_add_overflow(x, y, &sum) || !fits(sum))
        return CZ_ETOOBIG;
    *out = make(sum, places);
    return CZ_OK;
}

cz_status cz_decimal_subtract(cz_decimal a, cz_decimal b, cz_decimal *out)
{
    return cz_decimal_add(a, make(-whole_of(b), b.places), out);
}

cz_status cz_decimal_multiply(cz_decimal a, cz_decimal b, cz_decimal *out)
{
    int128 product;
    if (a.places + b.places > CZ_DECIMAL_DIGITS_MAX ||
        __builtin_mul_overflow(whole_of(a), whole_of(b), &product) || !fits(product))
        return CZ_ETOOBIG;
    *out = make(product, a.places + b.places);
    return CZ_OK;
}

enum halves { TO_EVEN, AWAY_FROM_ZERO };

static cz_status round_to(cz_decimal d, int places, enum halves halves, cz_decimal *out)
{
    cz_assert(places >= 0 && places <= CZ_DECIMAL_DIGITS_MAX);
    int128 whole = whole_of(d);
    if (places >= d.places) {
        if (widen(&whole, d.places, places) || !fits(whole))
            return CZ_ETOOBIG;
        *out = make(whole, places);
        return CZ_OK;
    }
    uint128 unit = power_of_ten(d.places - places);
    uint128 kept = magnitude(whole) / unit, dropped = magnitude(whole) % unit;
    if (dropped > unit / 2 || (dropped == unit / 2 && (halves == AWAY_FROM_ZERO || (kept & 1))))
        kept++;
    if (kept >= power_of_ten(CZ_DECIMAL_DIGITS_MAX))
        return CZ_ETOOBIG;
    *out = make(whole < 0 ? -(int128)kept : (int128)kept, places);
    return CZ_OK;
}

cz_status cz_decimal_round(cz_decimal d, int places, cz_decimal *out)
{
    return round_to(d, places, TO_EVEN, out);
}

cz_status cz_decimal_round_half_up(cz_decimal d, int places, cz_decimal *out)
{
    return round_to(d, places, AWAY_FROM_ZERO, out);
}

cz_status cz_decimal_units(cz_decimal d, int places, int64_t *out)
{
    cz_decimal rounded;
    if (cz_decimal_round(d, places, &rounded) || cz_decimal_compare(rounded, d) != 0)
        return CZ_EVALIDATION;
    int128 whole = whole_of(rounded);
    if (whole < INT64_MIN || whole > INT64_MAX)
        return CZ_EVALIDATION;
    *out = (int64_t)whole;
    return CZ_OK;
}

/* Sums of what clients sent may grow too long; a 413, which CZ_ETOOBIG is, would speak of the request's size. */
static cz_decimal or_raise(cz_ctx *ctx, cz_status status, cz_decimal result)
{
    if (status)
        cz_raise(ctx, CZ_EVALIDATION, "A number has more than %d digits.", CZ_DECIMAL_DIGITS_MAX);
    return result;
}

cz_decimal cz_decimal_plus(cz_ctx *ctx, cz_decimal a, cz_decimal b)
{
    cz_decimal sum = { 0 };
    cz_status status = cz_decimal_add(a, b, &sum);
    return or_raise(ctx, status, sum);
}

cz_decimal cz_decimal_minus(cz_ctx *ctx, cz_decimal a, cz_decimal b)
{
    cz_decimal difference = { 0 };
    cz_status status = cz_decimal_subtract(a, b, &difference);
    return or_raise(ctx, status, difference);
}

cz_decimal cz_decimal_times(cz_ctx *ctx, cz_decimal a, cz_decimal b)
{
    cz_decimal product = { 0 };
    cz_status status = cz_decimal_multiply(a, b, &product);
    return or_raise(ctx, status, product);
}

cz_decimal cz_decimal_rounded(cz_ctx *ctx, cz_decimal d, int places)
{
    cz_decimal rounded = { 0 };
    cz_status status = cz_decimal_round_half_up(d, places, &rounded);
    return or_raise(ctx, status, rounded);
}

int cz_decimal_digits(cz_decimal d)
{
    uint128 rest = magnitude(whole_of(d));
    int digits = 1;
    while (rest >= 10) {
        rest /= 10;
        digits++;
    }
    return digits;
}
