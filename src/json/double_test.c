#include <calzone/testing.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "json_internal.h"

/* ---- the table of powers of ten, recomputed ---- */

enum { WORDS = 40 }; /* 1280 bits; 10^342 has 1137 */

struct exact {
    uint32_t words[WORDS]; /* least significant first */
};

static struct exact exact_pow10(int power)
{
    struct exact x = { { 1 } };
    for (; power > 0; power--) {
        uint64_t carry = 0;
        for (int i = 0; i < WORDS; i++) {
            carry += (uint64_t)x.words[i] * 10;
            x.words[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return x;
}

static int exact_bit(const struct exact *x, int bit)
{
    return bit < 0 ? 0 : (int)(x->words[bit / 32] >> (bit % 32) & 1);
}

static int exact_bits(const struct exact *x)
{
    int bit = WORDS * 32;
    while (bit > 0 && !exact_bit(x, bit - 1))
        bit--;
    return bit;
}

static void exact_double(struct exact *x)
{
    uint32_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        uint32_t high = x->words[i] >> 31;
        x->words[i] = x->words[i] << 1 | carry;
        carry = high;
    }
}

/* Take `y` away when it is not larger. */
static bool exact_subtract(struct exact *x, const struct exact *y)
{
    struct exact difference;
    int64_t borrow = 0;
    for (int i = 0; i < WORDS; i++) {
        borrow += (int64_t)x->words[i] - y->words[i];
        difference.words[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    if (borrow)
        return false;
    *x = difference;
    return true;
}

static cz__u128 expected_power(int q)
{
    struct exact power = exact_pow10(q < 0 ? -q : q);
    int bits = exact_bits(&power);
    cz__u128 value = 0;
    if (q >= 0) {
        for (int i = 1; i <= 128; i++)
            value = value << 1 | (unsigned)exact_bit(&power, bits - i);
        return value;
    }
    struct exact rest = { { 0 } }; /* 2^(127 + bits) / 10^-q by long division */
    rest.words[(bits - 1) / 32] = (uint32_t)1 << ((bits - 1) % 32);
    for (int i = 0; i < 128; i++) {
        exact_double(&rest);
        value = value << 1 | exact_subtract(&rest, &power);
    }
    return value + (q >= -27);
}

CZ_TEST(the_powers_of_ten_are_what_exact_arithmetic_gives)
{
    for (int q = CZ__POW10_MIN; q <= CZ__POW10_MAX; q++) {
        cz__u128 expected = expected_power(q);
        uint64_t high = (uint64_t)(expected >> 64), low = (uint64_t)expected;
        const uint64_t *entry = cz__pow10[q - CZ__POW10_MIN];
        CZ_EXPECT_MSG(entry[0] == high && entry[1] == low, "{ 0x%016llx, 0x%016llx }, for %d",
                      (unsigned long long)high, (unsigned long long)low, q);
    }
}

/* ---- writing ---- */

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static cz_str written(char out[CZ__JSON_F64_BYTES + 1], double value)
{
    memset(out, '#', CZ__JSON_F64_BYTES + 1);
    char *end = cz__json_write_f64(out, value);
    CZ_EXPECT(end - out < CZ__JSON_F64_BYTES && out[CZ__JSON_F64_BYTES] == '#');
    *end = '\0';
    return cz_str_of(out, (size_t)(end - out));
}

/* Significant digits of a written double, without leading and trailing zeros: "0.0012" has 2. */
static int digit_count(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0')
            zeros += count > 0;
        else if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

/* Whether a decimal with fewer digits reads as `value`: the nearest and its two neighbours are
 * tried. */
static bool shorter_exists(double value, int digits)
{
    if (digits < 2)
        return false;
    char text[64], *e;
    snprintf(text, sizeof text, "%.*e", digits - 2, value);
    e = strchr(text, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10) - (digits - 2);
    long long mantissa = 0;
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            mantissa = mantissa * 10 + (*p - '0');
    for (long long m = mantissa - 1; m <= mantissa + 1; m++) {
        snprintf(text, sizeof text, "%s%llde%d", value < 0 ? "-" : "", m, exponent);
        if (strtod(text, NULL) == value)
            return true;
    }
    return false;
}

/* Round trip through glibc and through our reader; nothing shorter; and the nearest of that length.
 * */
static void expect_shortest(uint64_t bits, bool thoroughly)
{
    double value = from_bits(bits), read = 0;
    if (!isfinite(value))
        return;
    char text[CZ__JSON_F64_BYTES + 1], nearest[64];
    cz_str s = written(text, value);
    CZ_EXPECT_MSG(to_bits(strtod(text, NULL)) == bits, "%s is not %.17g", text, value);
    CZ_EXPECT_MSG(cz__json_read_f64(s, &read) == CZ_OK && to_bits(read) == bits, "%s read as %.17g",
                  text, read);
    int digits = digit_count(text);
    if (thoroughly) {
        CZ_EXPECT_MSG(!shorter_exists(value, digits), "%s could be shorter", text);
    } else if (digits > 1) {
        snprintf(nearest, sizeof nearest, "%.*e", digits - 2, value);
        CZ_EXPECT_MSG(strtod(nearest, NULL) != value, "%s could be %s", text, nearest);
    }
    if (digits && (bits & 0xfffffffffffff)) { /* a power of two's interval is lopsided */
        snprintf(nearest, sizeof nearest, "%.*e", digits - 1, value);
        char ours[64];
        snprintf(ours, sizeof ours, "%.*e", digits - 1, strtod(text, NULL));
        CZ_EXPECT_MSG(strcmp(nearest, ours) == 0 && digit_count(nearest) == digits,
                      "%s is nearer than %s", nearest, text);
    }
}

static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

enum { RANDOM_COUNT = 2000000 };

CZ_TEST(random_doubles_are_written_shortest_and_read_back)
{
    uint64_t state = 20260314;
    for (int i = 0; i < RANDOM_COUNT && !cz_test_has_failed(); i++)
        expect_shortest(random_bits(&state), false);
}

CZ_TEST(doubles_at_boundaries_are_written_shortest_and_read_back)
{
    for (int e = -1074; e <= 1023; e++)
        for (uint64_t step = 0; step < 5; step++)
            expect_shortest(to_bits(ldexp(1, e)) + step - 2, true);
    for (int e = -323; e <= 308; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        for (uint64_t step = 0; step < 5; step++)
            expect_shortest(to_bits(strtod(text, NULL)) + step - 2, true);
    }
    for (uint64_t bits = 0; bits < 2000; bits++) /* the smallest denormals */
        expect_shortest(bits, true);
    for (int cents = 0; cents < 200000; cents++) { /* the fast path and its edge */
        expect_shortest(to_bits(cents / 100.0), false);
        expect_shortest(to_bits(cents / 100.0) + 1, false);
        expect_shortest(to_bits(1e9 - cents / 1e6), false);
    }
}

CZ_TEST(doubles_have_the_text_of_python)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0.0, "0.0" },
        { -0.0, "-0.0" },
        { 1.0, "1.0" },
        { -1.5, "-1.5" },
        { 100.0, "100.0" },
        { 0.1, "0.1" },
        { 0.001, "0.001" },
        { 0.0001, "0.0001" },
        { 0.00001, "1e-05" },
        { 0.00012345678901234567, "0.00012345678901234567" },
        { 1.5e-7, "1.5e-07" },
        { 1e15, "1000000000000000.0" },
        { 9007199254740991.0, "9007199254740991.0" },
        { 9007199254740992.0, "9007199254740992.0" },
        { 9007199254740993.0, "9007199254740992.0" },
        { 9007199254740994.0, "9007199254740994.0" },
        { 9999999999999998.0, "9999999999999998.0" },
        { 1e16, "1e+16" },
        { 12345678901234567890.0, "1.2345678901234567e+19" },
        { 1e22, "1e+22" },
        { 1e23, "1e+23" },
        { 9.999999999999999e22, "1e+23" },
        { 5e-324, "5e-324" },
        { -5e-324, "-5e-324" },
        { 2.2250738585072011e-308, "2.225073858507201e-308" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { -1.7976931348623157e308, "-1.7976931348623157e+308" },
        { 0x1p-44, "5.684341886080802e-14" },
        { 0.3, "0.3" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 2.0 / 3, "0.6666666666666666" },
        { 123456.789, "123456.789" },
        { 123456.7890123, "123456.7890123" },
        { 999999999.999999, "999999999.999999" },
        { 1e9, "1000000000.0" },
        { 1e100, "1e+100" },
        { 1e-100, "1e-100" },
        { 51.5126, "51.5126" },
        { (double)NAN, "null" },
        { (double)INFINITY, "null" },
        { -(double)INFINITY, "null" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char text[CZ__JSON_F64_BYTES + 1];
        CZ_EXPECT_STR(written(text, cases[i].value), cases[i].text);
    }
}

/* ---- reading ---- */

/* Our reading of a number against glibc's, which rounds correctly whatever the length. */
static void expect_as_strtod(const char *text)
{
    double expected = strtod(text, NULL), value = 0;
    char *copy =
        malloc(strlen(text)); /* exactly its size: a byte too far is seen by the sanitizer */
    CZ_REQUIRE(copy);
    memcpy(copy, text, strlen(text));
    cz_status status = cz__json_read_f64(cz_str_of(copy, strlen(text)), &value);
    free(copy);
    if (isinf(expected))
        CZ_EXPECT_MSG(status == CZ_ETOOBIG, "%.80s: %s", text, cz_status_name(status));
    else
        CZ_EXPECT_MSG(status == CZ_OK && to_bits(value) == to_bits(expected),
                      "%.80s: %s, %.17g, not %.17g", text, cz_status_name(status), value, expected);
}

CZ_TEST(hard_numbers_are_read_to_the_nearest_double)
{
    static const char *const cases[] = {
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "0e999999999999999999999",
        "0.000e-5",
        "1",
        "-1",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0",
        "9007199254740993.00000000000000000000000000000000000000001",
        "9007199254740992.99999999999999999999999999999999999999999",
        "9007199254740995",
        "18014398509481985",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "99999999999999999999",
        "123456789012345678901234567890",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "3e-23",
        "123e20",
        "8.5e22",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072013e-308",
        "2.2250738585072014e-308",
        "2."
        "225073858507201136057409796709131975934819546351645648023426109724822222021076945516529523"
        "908135087914149158913"
        "039621106870086438694594645527657207407820621743379988141063267329253552286881372149012981"
        "122451451889849057222307"
        "285255133155755015914397476397983411801999323962548289017107081850690630666655994938275772"
        "572015763062690663332647"
        "565300009245888316433037779791869612049497390377829704905051080609940730262937128958950003"
        "583799967207254304360284"
        "078895771796150945516748243471030702609144621572289880258182545180325707018860872113128079"
        "512233426288368622321503"
        "775666622503982534335974568884423900265498198385487948292206894721689831099698365846814022"
        "854243330660339850886445"
        "804001034933970427567186443383770486037861622771738545623065874679014086723327636718751234"
        "567890123456789012345678"
        "901e-308",
        "4.9406564584124654e-324",
        "5e-324",
        "3e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.470328229206232720e-324",
        "2.4703282292062327208e-324",
        "2.4703282292062327209e-324",
        "1e-324",
        "1e-400",
        "1e-999999999999999999999999",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1.797693134862315807e308",
        "1.797693134862315808e308",
        "17976931348623158079e289",
        "1e308",
        "1e309",
        "-1e309",
        "9e308",
        "1e99999999999999999999999",
        "0.1",
        "0.3",
        "1.1",
        "100.0e-2",
        "1E5",
        "1E+05",
        "1e-05",
        "6.631236846766476e-316",
        "3.2378839133029012895883524125015321748630094115e-319",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "0.500000000000000166533453693773481063544750213623046875",
        "3.518437208883201171875e13",
        "62.5364939768271845828",
        "8.10109172351e-10",
        "1.50000000000000011102230246251565",
        "1.99999999999999988897769753748434",
        "7.0420557077594588669468784357561207962098443483187940792729600000e59",
        "1.448997445238699",
        "9355950000000000000."
        "00000000000000000000000000000000001844674407370955161600000184467440737095516161"
        "844674407370955161407370955161618446744073709551616000184467440737095516166000001844674407"
        "370955161618446744073709551614"
        "073709551616184467440737095516160184467440737095567445161618446744073709551614073709551616"
        "1844674407370955161600018446744",
        "2."
        "225073858507202124188701479202220329072405282794390378143031338374351073192441946867544064"
        "32563881851382188218502438069"
        "999947733013005649884107791928741341929297200970481951993067993290969042784064731682041565"
        "926728632933630474670123316852"
        "983422152744517260835859654566319282835244787787799894310779783833699159288594555213714181"
        "128458251145584319223079897504"
        "395086859412457230891738946169368372321191373658977977723286698840356390251044443035457396"
        "733706583981055420456693824658"
        "413747607155981176573877626747665912387199931904006317334709003012790188175203447190250028"
        "061277777916798391090578584006"
        "464715943810511489154282775041174682194133952466682503431306181587829379004205392375072083"
        "366693241580002758391118854188"
        "641513168478436313080237596295773983001708984375e-308",
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect_as_strtod(cases[i]);
}

CZ_TEST(midpoints_of_doubles_are_read_exactly_and_to_even)
{
    uint64_t state = 7;
    char text[1300], edited[1400];
    for (int i = 0; i < 6000; i++) {
        uint64_t bits = random_bits(&state) >> 1;
        if (i % 3 == 0)
            bits &= 0x003fffffffffffffu; /* denormal or nearly */
        double low = from_bits(bits), high = from_bits(bits + 1);
        if (!isfinite(low) || !isfinite(high))
            continue;
        long double middle =
            ((long double)low + (long double)high) / 2; /* exact: it has more bits */
        snprintf(text, sizeof text, "%.1100Le", middle);
        char *e = strchr(text, 'e'), *last = e;
        expect_as_strtod(text); /* hundreds of zeros at its end */
        while (last[-1] == '0')
            last--;
        snprintf(edited, sizeof edited, "%.*s%s", (int)(last - text), text, e);
        if (last[-1] != '.')
            expect_as_strtod(edited);
        snprintf(edited, sizeof edited, "%.*s1%s", (int)(e - text), text, e); /* barely above */
        expect_as_strtod(edited);
        if (last[-1] >= '1' && last[-1] <= '9') { /* barely below */
            last[-1]--;
            snprintf(edited, sizeof edited, "%.*s99999%s", (int)(last - text), text, e);
            expect_as_strtod(edited);
        }
    }
    for (int zeros = 0; zeros < 900; zeros += 37) { /* long on either side of the point */
        snprintf(text, sizeof text, "0.%0*d15e%d", zeros + 1, 0, zeros);
        expect_as_strtod(text);
        snprintf(text, sizeof text, "9007199254740993%0*de-%d", zeros + 1, 0, zeros);
        expect_as_strtod(text);
        snprintf(text, sizeof text, "9007199254740993.%0*d1", zeros + 1, 0);
        expect_as_strtod(text);
    }
}

CZ_TEST(random_decimals_are_read_to_the_nearest_double)
{
    uint64_t state = 99;
    char text[128];
    for (int i = 0; i < 200000 && !cz_test_has_failed(); i++) {
        unsigned long long a = random_bits(&state) >> random_bits(&state) % 64,
                           b = random_bits(&state);
        int exponent = (int)(random_bits(&state) % 700) - 360;
        if (i % 2)
            snprintf(text, sizeof text, "%llu%llue%d", a, b, exponent);
        else
            snprintf(text, sizeof text, "%llu.%llue%d", a, b >> random_bits(&state) % 64,
                     i % 4 ? exponent : exponent % 20);
        if (text[0] != '0' || text[1] == '.')
            expect_as_strtod(text);
    }
}

CZ_TEST(what_is_no_number_in_json_is_not_read)
{
    static const char *const cases[] = { "",         "-",   "+1",   "1.",   ".5",    "-.5",  "1e",
                                         "1e+",      "1e-", "1.e5", "01",   "-01",   "00",   "0x1",
                                         "1_000",    " 1",  "1 ",   "1,5",  "nan",   "NaN",  "inf",
                                         "Infinity", "--1", "1-",   "1e5.", "1e1e1", "1..2", "e5",
                                         "\xd9\xa1", "1a",  "1\t",  "-e",   "0e" };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        double value = 42;
        CZ_EXPECT_MSG(cz__json_read_f64(cz_str_from(cases[i]), &value) == CZ_EVALIDATION &&
                          value == 42,
                      "%s", cases[i]);
    }
    double value = 42;
    CZ_EXPECT_EQ(cz__json_read_f64(cz_str_of("1\0", 2), &value), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz__json_read_f64(cz_str_of(NULL, 0), &value), CZ_EVALIDATION);
}
