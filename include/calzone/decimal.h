/* calzone/decimal.h: exact decimal numbers, as money needs them.
 *
 * A decimal is a whole number of at most 38 digits and the number of its places behind the point: 12.50 is
 * 1250 with 2 places. Sums, differences and products are exact or refused; nothing is rounded but by
 * cz_decimal_round() and its kin. 1.50 and 1.5 compare as equal and print as they are. There is no infinity and no NaN.
 */
#ifndef CALZONE_DECIMAL_H
#define CALZONE_DECIMAL_H

#include <calzone/context.h>
#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CZ_DECIMAL_DIGITS_MAX = 38, CZ_DECIMAL_TEXT = 41 /* sign, "0." and 38 digits */ };

typedef struct
    cz_decimal { /* the whole number in two's complement, and 0 to 38 places; zeroed: 0 */
    uint64_t low;
    int64_t high;
    int32_t places;
} cz_decimal;

/* `units` with the point `places` (0 to 38) before its end: cz_decimal_of(1250, 2) is 12.50. */
cz_decimal cz_decimal_of(int64_t units, int places);

/* Read "12.50", "-.5", "1E+3": what Python's Decimal() takes, without spaces, NaN and Infinity.
 * Errors: CZ_EVALIDATION: no number, or more than 38 digits or places. */
CZ_NODISCARD cz_status cz_decimal_parse(cz_str text, cz_decimal *out);
/* Write it plainly, never with an exponent. Returns the bytes written, at most CZ_DECIMAL_TEXT; no NUL. */
size_t cz_decimal_write(char *out, cz_decimal d);
/* The nearest double. */
double cz_decimal_to_double(cz_decimal d);
/* The exact value of the shortest text that reads back as `value`, as Python's Decimal(repr(value)).
 * Errors: CZ_EVALIDATION: not finite, or more digits than fit. */
CZ_NODISCARD cz_status cz_decimal_from_double(double value, cz_decimal *out);
/* The whole number of units when it is written with `places`: 12.5 with 2 places is 1250.
 * Errors: CZ_EVALIDATION: digits would be lost, or it does not fit 64 bits. */
CZ_NODISCARD cz_status cz_decimal_units(cz_decimal d, int places, int64_t *out);

/* Below zero, zero, above zero, as strcmp(). */
int cz_decimal_compare(cz_decimal a, cz_decimal b);
/* Exact. Errors: CZ_ETOOBIG: the result has more than 38 digits; `out` is untouched. */
CZ_NODISCARD cz_status cz_decimal_add(cz_decimal a, cz_decimal b, cz_decimal *out);
CZ_NODISCARD cz_status cz_decimal_subtract(cz_decimal a, cz_decimal b, cz_decimal *out);
CZ_NODISCARD cz_status cz_decimal_multiply(cz_decimal a, cz_decimal b, cz_decimal *out);
/* To exactly `places` (0 to 38) places: zeros are added, digits dropped with half going to the even
 * neighbour. Errors: CZ_ETOOBIG: more than 38 digits. */
CZ_NODISCARD cz_status cz_decimal_round(cz_decimal d, int places, cz_decimal *out);
/* The same with half going away from zero, as prices are rounded, and as both databases do: 2.5 to 3, -2.5 to -3.
 * Errors: as cz_decimal_round(). */
CZ_NODISCARD cz_status cz_decimal_round_half_up(cz_decimal d, int places, cz_decimal *out);
/* The same for handlers, tasks and commands, where what fails is raised; cz_decimal_rounded() rounds half up.
 * Raises: CZ_EVALIDATION: the result has more than 38 digits. */
cz_decimal cz_decimal_plus(cz_ctx *ctx, cz_decimal a, cz_decimal b);
cz_decimal cz_decimal_minus(cz_ctx *ctx, cz_decimal a, cz_decimal b);
cz_decimal cz_decimal_times(cz_ctx *ctx, cz_decimal a, cz_decimal b);
cz_decimal cz_decimal_rounded(cz_ctx *ctx, cz_decimal d, int places);
/* Digits of the whole number, without leading zeros: 3 for 1.25, 1 for 0.05 and for 0. */
int cz_decimal_digits(cz_decimal d);

#ifdef __cplusplus
}
#endif
#endif
