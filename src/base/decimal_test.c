#include <calzone/decimal.h>
#include <calzone/testing.h>

static cz_decimal of(const char *text)
{
    cz_decimal d;
    CZ_REQUIRE_OK(cz_decimal_parse(cz_str_from(text), &d));
    return d;
}

static bool reads_as(cz_decimal d, const char *text)
{
    char out[CZ_DECIMAL_TEXT];
    return cz_str_eq(cz_str_of(out, cz_decimal_write(out, d)), cz_str_from(text));
}

CZ_TEST(a_decimal_is_read_and_written_exactly)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "0", "0" },
        { "-0", "0" },
        { "12.50", "12.50" },
        { "-12.5", "-12.5" },
        { "+7", "7" },
        { ".5", "0.5" },
        { "5.", "5" },
        { "0.00", "0.00" },
        { "-0.01", "-0.01" },
        { "1E+3", "1000" },
        { "1.25e1", "12.5" },
        { "125e-4", "0.0125" },
        { "0e99", "0" },
        { "99999999999999999999999999999999999999", "99999999999999999999999999999999999999" },
        { "-0.99999999999999999999999999999999999999",
          "-0.99999999999999999999999999999999999999" },
        { "1e37", "10000000000000000000000000000000000000" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT(reads_as(of(cases[i].in), cases[i].out));
}

CZ_TEST(what_is_no_decimal_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "-",
        "+",
        ".",
        "1 ",
        " 1",
        "1,5",
        "0x10",
        "1.2.3",
        "NaN",
        "Infinity",
        "-inf",
        "1e",
        "1e+",
        "1e1.5",
        "--1",
        "1_000",
        "1e38",
        "1e-39",
        "1e999999999999",
        "999999999999999999999999999999999999999",
        "0.000000000000000000000000000000000000001",
        "12a",
        "e5",
    };
    cz_decimal d = cz_decimal_of(7, 0);
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_EQ(cz_decimal_parse(cz_str_from(bad[i]), &d), CZ_EVALIDATION);
        CZ_EXPECT(reads_as(d, "7"));
    }
}

CZ_TEST(decimals_compare_by_value)
{
    static const char *const ascending[] = { "-99999999999999999999999999999999999999",
                                             "-1.5",
                                             "-1.49",
                                             "-0.00000000000000000000000000000000000001",
                                             "0",
                                             "0.01",
                                             "1.5",
                                             "1.51",
                                             "99999999999999999999999999999999999999" };
    for (size_t i = 0; i < CZ_COUNT(ascending); i++)
        for (size_t j = 0; j < CZ_COUNT(ascending); j++) {
            int got = cz_decimal_compare(of(ascending[i]), of(ascending[j]));
            CZ_EXPECT_EQ((got > 0) - (got < 0), (i > j) - (i < j));
        }
    CZ_EXPECT_EQ(cz_decimal_compare(of("1.50"), of("1.5")), 0);
    CZ_EXPECT_EQ(cz_decimal_compare(of("-0.0"), of("0")), 0);
}

CZ_TEST(arithmetic_is_exact_or_refused)
{
    cz_decimal d;
    CZ_REQUIRE_OK(cz_decimal_add(of("0.1"), of("0.2"), &d));
    CZ_EXPECT(reads_as(d, "0.3"));
    CZ_REQUIRE_OK(cz_decimal_add(of("1.25"), of("-3"), &d));
    CZ_EXPECT(reads_as(d, "-1.75"));
    CZ_REQUIRE_OK(cz_decimal_subtract(of("1"), of("0.001"), &d));
    CZ_EXPECT(reads_as(d, "0.999"));
    CZ_REQUIRE_OK(cz_decimal_multiply(of("-1.5"), of("2.25"), &d));
    CZ_EXPECT(reads_as(d, "-3.375"));
    CZ_EXPECT_EQ(cz_decimal_add(of("99999999999999999999999999999999999999"), of("1"), &d),
                 CZ_ETOOBIG);
    CZ_EXPECT_EQ(cz_decimal_add(of("1e37"), of("0.01"), &d), CZ_ETOOBIG);
    CZ_EXPECT_EQ(cz_decimal_multiply(of("1e20"), of("1e18"), &d), CZ_ETOOBIG);
    CZ_EXPECT_EQ(cz_decimal_multiply(of("1e-20"), of("1e-19"), &d), CZ_ETOOBIG);
    CZ_EXPECT(reads_as(d, "-3.375"));
}

CZ_TEST(rounding_goes_to_the_even_neighbour)
{
    static const struct {
        const char *in, *out;
        int places;
    } cases[] = {
        { "1.005", "1.00", 2 }, { "1.015", "1.02", 2 },      { "1.0151", "1.02", 2 },
        { "-2.5", "-2", 0 },    { "-3.5", "-4", 0 },         { "0.49", "0", 0 },
        { "1.2", "1.200", 3 },  { "999.995", "1000.00", 2 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_decimal d;
        CZ_REQUIRE_OK(cz_decimal_round(of(cases[i].in), cases[i].places, &d));
        CZ_EXPECT(reads_as(d, cases[i].out));
    }
    cz_decimal d;
    CZ_EXPECT_EQ(cz_decimal_round(of("1e37"), 1, &d), CZ_ETOOBIG);
}

CZ_TEST(rounding_half_up_goes_away_from_zero)
{
    static const struct {
        const char *in, *out;
        int places;
    } cases[] = {
        { "2.5", "3", 0 },
        { "-2.5", "-3", 0 },
        { "2.4999", "2", 0 },
        { "0.125", "0.13", 2 },
        { "-0.125", "-0.13", 2 },
        { "0.5", "1", 0 },
        { "-0.5", "-1", 0 },
        { "9.995", "10.00", 2 },
        { "1.2", "1.20", 2 },
        { "0", "0.0", 1 },
        { "12345678901234567890.5", "12345678901234567891", 0 },
    };
    cz_decimal d;
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        CZ_REQUIRE_OK(cz_decimal_round_half_up(of(cases[i].in), cases[i].places, &d));
        CZ_EXPECT(reads_as(d, cases[i].out));
    }
    CZ_EXPECT_EQ(cz_decimal_round_half_up(of("1e37"), 1, &d), CZ_ETOOBIG);
}

CZ_TEST(units_and_doubles)
{
    int64_t units;
    CZ_REQUIRE_OK(cz_decimal_units(of("12.5"), 2, &units));
    CZ_EXPECT_EQ(units, 1250);
    CZ_REQUIRE_OK(cz_decimal_units(of("12.500"), 2, &units));
    CZ_EXPECT_EQ(units, 1250);
    CZ_EXPECT_EQ(cz_decimal_units(of("12.505"), 2, &units), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_decimal_units(of("1e19"), 0, &units), CZ_EVALIDATION);
    CZ_EXPECT_EQ(units, 1250);
    CZ_EXPECT(cz_decimal_to_double(of("0.1")) == 0.1);
    cz_decimal d;
    CZ_REQUIRE_OK(cz_decimal_from_double(12.1, &d));
    CZ_EXPECT(reads_as(d, "12.1"));
    CZ_REQUIRE_OK(cz_decimal_from_double(1e20, &d));
    CZ_EXPECT(reads_as(d, "100000000000000000000"));
    CZ_EXPECT_EQ(cz_decimal_from_double(1.0 / 0.0, &d), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_decimal_digits(of("1.25")), 3);
    CZ_EXPECT_EQ(cz_decimal_digits(of("0.05")), 1);
    CZ_EXPECT_EQ(cz_decimal_digits(of("0")), 1);
}

struct sum {
    cz_decimal a, b, out;
    cz_decimal (*of)(cz_ctx *ctx, cz_decimal a, cz_decimal b);
};

static void compute(cz_ctx *ctx, void *arg)
{
    struct sum *sum = arg;
    sum->out = sum->of(ctx, sum->a, sum->b);
}

static cz_decimal rounded(cz_ctx *ctx, cz_decimal a, cz_decimal b)
{
    (void)b;
    return cz_decimal_rounded(ctx, a, 2);
}

CZ_TEST(handlers_get_a_result_or_a_raise)
{
    static const struct {
        cz_decimal (*of)(cz_ctx *ctx, cz_decimal a, cz_decimal b);
        const char *a, *b, *result;
    } cases[] = {
        { cz_decimal_plus, "12.50", "0.05", "12.55" },
        { cz_decimal_minus, "12.50", "13", "-0.50" },
        { cz_decimal_times, "2.5", "0.19", "0.475" },
        { rounded, "0.475", "0", "0.48" },
        { rounded, "-0.475", "0", "-0.48" },
        { cz_decimal_plus, "99999999999999999999999999999999999999", "1", NULL },
        { cz_decimal_minus, "-99999999999999999999999999999999999999", "1", NULL },
        { cz_decimal_times, "99999999999999999999", "99999999999999999999", NULL },
        { rounded, "99999999999999999999999999999999999999", "0", NULL },
    };
    cz_arena *arena;
    cz_ctx ctx;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct sum sum = { of(cases[i].a), of(cases[i].b), { 0 }, cases[i].of };
        cz_error err;
        cz_status status = cz_try(&ctx, compute, &sum, &err);
        CZ_EXPECT_EQ(status, cases[i].result ? CZ_OK : CZ_EVALIDATION);
        if (cases[i].result)
            CZ_EXPECT(reads_as(sum.out, cases[i].result));
        else
            CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "A number has more than 38 digits.");
    }
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}
