/* Every kind of field: what is stored is read back, compared and refused. */
#include "orm/orm_testing.h"
#include <calzone/serializers.h>

static void fresh_key(void *out)
{
    *(cz_uuid *)out = cz_uuid_v4();
}

#define SAMPLE(F)                                                                                  \
    F(decimal_field, price, .digits = 8, .places = 2, .default_ = cz_text("9.90"))                 \
    F(decimal_field, mass, .digits = 38, .places = 10, .null = true)                               \
    F(time_field, opens, .default_ = cz_text("08:30"))                                             \
    F(duration_field, lasts, .null = true)                                                         \
    F(json_field, extra, .default_ = cz_text("{}"))                                                \
    F(binary_field, digest, .null = true)                                                          \
    F(ip_field, address, .null = true)                                                             \
    F(int_array_field, sizes, .null = true)                                                        \
    F(text_array_field, tags, .null = true)                                                        \
    F(uuid_field, token, .default_function = fresh_key)                                            \
    F(date_field, day, .default_ = cz_text("2026-11-21"))
CZ_MODEL(Sample, SAMPLE);

static const struct cz__orm_test lab = { "lab", CZ_MODELS(Sample) };

static cz_decimal decimal(const char *text)
{
    cz_decimal d;
    CZ_REQUIRE_OK(cz_decimal_parse(cz_str_from(text), &d));
    return d;
}

static bool same(cz_decimal d, const char *text)
{
    char out[CZ_DECIMAL_TEXT];
    return cz_str_eq(cz_str_of(out, cz_decimal_write(out, d)), cz_str_from(text));
}

static void round_trip(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_bytes bytes = { "\0\xff\x80", 3 };
    Sample *made = cz_create(c, Sample, (price, decimal("12.5")),
                             (mass, decimal("1234567890123456789012345678.0000000001")),
                             (lasts, (cz_duration){ -1 }), (extra, "{\"a\":[1,2.5,null]}"),
                             (digest, bytes), (address, "2001:db8::1"), (sizes, CZ_INTS(3, -1, 4)),
                             (tags, CZ_STRS("a,b", "\"q\"", "")));
    Sample *read = cz_get(c, Sample, .where = CZ_Q(Sample, id, EXACT, made->id));
    CZ_EXPECT(same(read->price, "12.50"));
    CZ_EXPECT(same(read->mass, "1234567890123456789012345678.0000000001"));
    CZ_EXPECT_EQ(read->opens.us, INT64_C(30600000000));
    CZ_EXPECT_EQ(read->lasts.us, -1);
    /* there a document is kept as it is, here by what it says */
    CZ_EXPECT_STR(read->extra,
                  cz__test_on_postgresql ? "{\"a\": [1, 2.5, null]}" : "{\"a\":[1,2.5,null]}");
    CZ_EXPECT(read->digest.len == 3 && memcmp(read->digest.ptr, bytes.ptr, 3) == 0);
    CZ_EXPECT_STR(read->address, "2001:db8::1");
    CZ_REQUIRE(read->sizes.count == 3);
    CZ_EXPECT_EQ(read->sizes.items[1], -1);
    CZ_REQUIRE(read->tags.count == 3);
    CZ_EXPECT_STR(read->tags.items[0], "a,b");
    CZ_EXPECT_STR(read->tags.items[1], "\"q\"");
    CZ_EXPECT(cz_uuid_eq(read->token, made->token));
    CZ_EXPECT_EQ(read->day.days, 20778);
    Sample *bare = cz_create(c, Sample);
    read = cz_get(c, Sample, .where = CZ_Q(Sample, id, EXACT, bare->id));
    CZ_EXPECT(same(read->price, "9.90"));
    CZ_EXPECT(cz_is_null(read, mass) && cz_is_null(read, lasts) && cz_is_null(read, digest) &&
              cz_is_null(read, sizes) && cz_is_null(read, tags));
    CZ_EXPECT(!cz_uuid_eq(read->token, made->token));
}

CZ_DATABASE_TEST(every_kind_of_field_is_stored_and_read_back)
{
    cz__orm_test_run(&lab, round_trip);
}

static void compare(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const char *const prices[] = { "-3.25", "0", "2.5", "10", "999999.99" };
    static const char *const masses[] = { "-3.25", "0", "2.5", "10", "9999999999999999999.5" };
    for (int i = 0; i < 5; i++)
        cz_create(c, Sample, (price, decimal(prices[i])), (mass, decimal(masses[i])),
                  (lasts, (cz_duration){ (i - 2) * 1000000000 }),
                  (opens, (cz_time){ i * INT64_C(3600000000) }));
    cz_decimal ten = decimal("10.0");
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, price, EXACT, ten)), 1);
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, price, LT, ten)), 3);
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, price, GTE, 10)), 2);
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, mass, LT, ten)), 3);
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, mass, EXACT, ten)), 1);
    cz_decimal_list some = CZ_DECIMALS(decimal("2.50"), decimal("10"));
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, price, IN, some)), 2);
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, mass, RANGE, some)), 2);
    cz_duration zero = { 0 };
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, lasts, LT, zero)), 2);
    cz_time three = { INT64_C(10800000000) };
    CZ_EXPECT_EQ(cz_count(c, Sample, .where = CZ_Q(Sample, opens, GTE, three)), 2);
    cz_rows(Sample) rows =
        cz_select(c, Sample, .order_by = CZ_ORDER_BY(CZ_DESC(Sample, mass)), .limit = 1);
    CZ_EXPECT(same(rows.items[0].mass, "9999999999999999999.5000000000"));
}

CZ_DATABASE_TEST(decimals_times_and_durations_compare_by_value)
{
    cz__orm_test_run(&lab, compare);
}

static cz_decimal wanted_price;
static void store_price(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Sample, (price, wanted_price));
}

static void bad_json(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Sample, (extra, "{no}"));
}

static void refuse(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_error err;
    wanted_price = decimal("1000000");
    CZ_EXPECT_EQ(cz_try(c, store_price, NULL, &err), CZ_EINVAL);
    wanted_price = decimal("999999.995"); /* rounded half to even, it has nine digits */
    CZ_EXPECT_EQ(cz_try(c, store_price, NULL, &err), CZ_EINVAL);
    CZ_EXPECT_EQ(cz_try(c, bad_json, NULL, &err), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_count(c, Sample), 0);
}

CZ_DATABASE_TEST(values_a_column_cannot_hold_are_refused)
{
    cz__orm_test_run(&lab, refuse);
}

CZ_SERIALIZER(SampleSerializer, Sample,
              .fields = CZ_FIELDS(Sample, price, mass, opens, lasts, extra, digest, address, sizes,
                                  tags, day));

static void through_json(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const char document[] =
        "{\"price\":\"12.50\",\"mass\":\"0.5000000000\",\"opens\":\"04:05:06.500000\","
        "\"lasts\":\"3 04:05:06\",\"extra\":{\"a\": [1, \"\xc3\xa9\"]},\"digest\":\"AP+A\","
        "\"address\":\"192.0.2.1\",\"sizes\":[1,-2],\"tags\":[\"x\",\"y\\\"\"],"
        "\"day\":\"2026-11-21\"}";
    cz_row *row = cz__read_row_text(c, cz_str_from(document), &SampleSerializer, NULL, false);
    cz__save(c, row);
    cz_buf out = { 0 };
    cz__serializer_write(c, NULL, &SampleSerializer, row, &out);
    CZ_EXPECT_STR(cz_buf_str(&out), document);
    cz_query query = { .model = &Sample__model };
    cz_buf_clear(&out);
    cz_row *read = cz__first(c, &query);
    cz__serializer_write(c, NULL, &SampleSerializer, read, &out);
    CZ_EXPECT_STR(cz_buf_str(&out), document);
    cz_buf_done(&out);
}

CZ_DATABASE_TEST(every_kind_goes_from_json_to_a_row_and_back)
{
    cz__orm_test_run(&lab, through_json);
}

static const char *bad_document;
static void read_bad(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz__read_row_text(c, cz_str_from(bad_document), &SampleSerializer, NULL, true));
}

static void wrong_json(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const struct {
        const char *document, *said;
    } cases[] = {
        { "{\"price\":\"a\"}", "A valid number is required." },
        { "{\"price\":true}", "A valid number is required." },
        { "{\"price\":1.234}", "no more than 2 decimal places" },
        { "{\"price\":\"1234567.89\"}", "no more than 8 digits in total" },
        { "{\"price\":1234567}", "no more than 6 digits before the decimal point" },
        { "{\"opens\":\"25:00\"}", "Time has wrong format" },
        { "{\"lasts\":\"soon\"}", "Duration has wrong format" },
        { "{\"digest\":\"A\"}", "Not valid base64." },
        { "{\"address\":\"300.0.0.1\"}", "Enter a valid IPv4 or IPv6 address." },
        { "{\"address\":\"::g\"}", "Enter a valid IPv4 or IPv6 address." },
        { "{\"sizes\":3}", "Expected a list of items but got type \"int\"." },
        { "{\"sizes\":[1,\"2\"]}", "A list of integers is required." },
        { "{\"tags\":[[]]}", "A list of strings is required." },
        { "{\"extra\":null}", "This field may not be null." },
        { "{\"extra\":{\"a\":[\"b\\u0000\"]}}", "Null characters are not allowed." },
        { "{\"extra\":\"\\u0000\"}", "Null characters are not allowed." },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        bad_document = cases[i].document;
        CZ_EXPECT(cz_try(c, read_bad, NULL, &err) == CZ_EVALIDATION);
        const cz_field_errors *errors = err.details;
        CZ_REQUIRE(errors && errors->count == 1);
        if (cz_str_find(errors->first->message, cz_str_from(cases[i].said)) == SIZE_MAX)
            cz__test_fail(__FILE__, __LINE__, "%s: %.*s", cases[i].document,
                          CZ_STR_ARG(errors->first->message));
    }
}

CZ_DATABASE_TEST(json_that_is_no_such_kind_is_refused_with_the_reason)
{
    cz__orm_test_run(&lab, wrong_json);
}
