/* Decimals as text. Oracles: what is read is written so that it reads as the same value, with as many places;
 * it is neither above nor below itself, and a difference with itself is zero. */
#include <calzone/decimal.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static bool read(const uint8_t *data, size_t size, cz_decimal *out)
{
    char *text = malloc(size ? size : 1); /* exactly as long, so a byte read past it is seen */
    expect(text != NULL);
    if (size)
        memcpy(text, data, size);
    bool fine = cz_decimal_parse(cz_str_of(text, size), out) == CZ_OK;
    free(text);
    return fine;
}

static void round_trip(cz_decimal d)
{
    char text[CZ_DECIMAL_TEXT];
    cz_decimal again, difference;
    size_t len = cz_decimal_write(text, d);
    expect(len > 0 && len <= sizeof text);
    expect(cz_decimal_parse(cz_str_of(text, len), &again) == CZ_OK);
    expect(again.places == d.places && cz_decimal_compare(again, d) == 0);
    expect(cz_decimal_subtract(d, again, &difference) == CZ_OK);
    expect(cz_decimal_compare(difference, cz_decimal_of(0, 0)) == 0);
    cz_decimal rounded;
    if (cz_decimal_round(d, 2, &rounded) == CZ_OK && d.places <= 2)
        expect(cz_decimal_compare(rounded, d) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t half = size / 2;
    cz_decimal a, b, sum, back;
    bool first = read(data, half, &a), second = read(data + half, size - half, &b);
    if (first)
        round_trip(a);
    if (second)
        round_trip(b);
    if (!first || !second)
        return 0;
    int order = cz_decimal_compare(a, b), reverse = cz_decimal_compare(b, a);
    expect((order > 0) == (reverse < 0) && (order == 0) == (reverse == 0));
    if (cz_decimal_add(a, b, &sum) == CZ_OK && cz_decimal_subtract(sum, b, &back) == CZ_OK)
        expect(cz_decimal_compare(back, a) == 0);
    if (cz_decimal_multiply(a, b, &sum) == CZ_OK)
        round_trip(sum);
    return 0;
}
