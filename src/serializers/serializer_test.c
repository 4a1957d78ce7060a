#include "orm/orm.h"
#include <calzone/json.h>
#include <calzone/serializers.h>
#include <calzone/testing.h>

static const cz_choice BINDINGS[] = { { "hard", "Hardback" }, { "soft", "Paperback" } };

static const char *check_year(cz_str text, double number)
{
    (void)text;
    return number == 1984 ? "Not that year." : NULL;
}

#define EDITION(F)                                                                                 \
    F(char_field, title, .max_length = 10)                                                         \
    F(char_field, isbn, .max_length = 13, .unique = true, .null = true)                            \
    F(char_field, subtitle, .blank = true)                                                         \
    F(char_field, binding, .choices = CZ_CHOICES(BINDINGS), .default_ = cz_text("soft"))           \
    F(int_field, year, .null = true, .min = cz_int(1450), .max = cz_int(2100),                     \
      .validator = check_year)                                                                     \
    F(small_int_field, pages, .default_ = cz_int(0))                                               \
    F(big_int_field, stock, .default_ = cz_int(0))                                                 \
    F(float_field, rating, .default_ = cz_real(0), .min = cz_real(0), .max = cz_real(4.9))         \
    F(bool_field, lent, .default_ = cz_bool(false))                                                \
    F(date_field, bought, .null = true)                                                            \
    F(datetime_field, read_at, .null = true)                                                       \
    F(uuid_field, batch, .null = true)                                                             \
    F(email_field, contact, .blank = true)                                                         \
    F(url_field, link, .blank = true)                                                              \
    F(slug_field, slug, .blank = true, .max_length = 12,                                           \
      .unique_for_year = CZ_FIELD(Edition, bought))                                                \
    F(char_field, shelf_mark, .blank = true, .read_only = true)                                    \
    F(foreign_key, house, House, .on_delete = CZ_PROTECT)
CZ_MODEL_FORWARD(House)
CZ_MODEL(Edition, EDITION, .unique_together = CZ_FIELDS(Edition, title, house),
         .constraints = CZ_CONSTRAINTS(
             { .name = "one_lent", .unique = CZ_FIELDS(Edition, batch), .condition = "\"lent\"" },
             { .name = "rated",
               .unique = CZ_FIELDS(Edition, rating, house),
               .condition = "\"rating\" > 1" }));

#define HOUSE(F) F(char_field, name)
CZ_MODEL(House, HOUSE);

static void check_pages(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Edition *edition = row;
    if (edition->lent && edition->pages == 1)
        cz_field_errors_add(ctx, errors, CZ_STR("non_field_errors"), "invalid",
                            "One page is not lent.");
}

static CZ_SERIALIZER(EditionSerializer, Edition,
                     .fields = CZ_FIELDS(Edition, id, title, isbn, subtitle, binding, year, pages,
                                         stock, rating, lent, bought, read_at, batch, contact, link,
                                         slug, shelf_mark, house),
                     .read_only = CZ_FIELDS(Edition, id), .validate = check_pages);
static CZ_SERIALIZER(LooseSerializer, Edition, .fields = CZ_FIELDS(Edition, title, house),
                     .ignore_unknown = true);

#define LOAN_SLIP(F)                                                                               \
    F(email_field, reader)                                                                         \
    F(int_field, days, .default_ = cz_int(14), .min = cz_int(1), .max = cz_int(60))                \
    F(date_field, from, .null = true)                                                              \
    F(decimal_field, fee, .digits = 5, .places = 2, .null = true)                                  \
    F(char_field, binding, .choices = CZ_CHOICES(BINDINGS), .blank = true)
CZ_RECORD(LoanSlip, LOAN_SLIP);

static void check_loan(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const LoanSlip *loan = row;
    if (loan->days > 30 && cz_is_null(loan, fee))
        cz_field_errors_add(ctx, errors, CZ_STR("fee"), "required", "A long loan has a fee.");
}
static CZ_SERIALIZER(LoanSlipSerializer, LoanSlip,
                     .fields = CZ_FIELDS(LoanSlip, reader, days, from, fee, binding),
                     .validate = check_loan);

static cz_arena *arena;
static cz_ctx ctx;
static Edition *stored;

#define BATCH "01890a5d-ac96-774b-bcce-b302099a8050"

static void seed(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_uuid batch;
    CZ_REQUIRE_OK(cz_uuid_parse(CZ_STR(BATCH), &batch));
    House *ace = cz_create(c, House, (name, "Ace"));
    stored =
        cz_create(c, Edition, (title, "Dune"), (isbn, "9780441013593"), (year, 1965),
                  (house, ace->id), (slug, "novel"), (lent, true), (batch, batch), (rating, 4.25));
    cz_create(c, Edition, (title, "Emma"), (isbn, "9780141439587"), (house, ace->id),
              (slug, "novel"), (bought, (cz_date){ 18262 })); /* 2020-01-01 */
}

static void start(void)
{
    static cz_model *const models[] = { &Edition__model, &House__model };
    cz_error err = { 0 };
    if (cz__models_add("press", models, CZ_COUNT(models), &err) || cz__models_resolve(&err) ||
        cz__db_open(CZ_STR("sqlite:///:memory:"), &cz__db_default, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s", cz_error_message(&err));
        cz__test_abort();
    }
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_REQUIRE_OK(cz_try(&ctx, seed, NULL, NULL));
}

static void finish(void)
{
    cz_ctx_done(&ctx);
    cz__db_close(cz__db_default);
    cz_arena_destroy(arena);
}

/* ---- one reading ---- */

struct reading {
    cz_str text;
    cz_serializer *serializer;
    cz_row *instance;
    bool partial;
    cz_row *row;
};

static void read_text(cz_ctx *c, void *arg)
{
    struct reading *reading = arg;
    reading->row = cz__read_row_text(c, reading->text, reading->serializer, reading->instance,
                                     reading->partial);
}

/* Read, and tell what was wrong: "title: sentence; isbn: sentence", the message of an error that is no
 * field's, or "" when the row was read. */
static cz_str wrong_with(struct reading *reading)
{
    cz_error err = { .status = CZ_OK };
    cz_buf out;
    cz_buf_init(&out, 1 << 20);
    if (!reading->serializer)
        reading->serializer = &EditionSerializer;
    cz_status status = cz_try(&ctx, read_text, reading, &err);
    const cz_field_errors *errors = status == CZ_EVALIDATION ? err.details : NULL;
    for (const cz_field_error *e = errors ? errors->first : NULL; e; e = e->next)
        cz_buf_printf(&out, "%s%.*s: %.*s", e == errors->first ? "" : "; ", CZ_STR_ARG(e->field),
                      CZ_STR_ARG(e->message));
    if (status && !errors)
        cz_buf_printf(&out, "%s %s", cz_status_name(status), cz_error_message(&err));
    cz_str text = cz_copy(&ctx, cz_buf_str(&out));
    cz_buf_done(&out);
    return text;
}

static Edition *read_edition(const char *text)
{
    struct reading reading = { .text = cz_str_from(text) };
    CZ_EXPECT_STR(wrong_with(&reading), "");
    CZ_REQUIRE(reading.row);
    return (Edition *)reading.row;
}

/* ---- what is refused ---- */

#define LETTERS_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char not_valid_email[] = "contact: Enter a valid email address.";
static const char not_valid_url[] = "link: Enter a valid URL.";
static const char not_valid_slug[] =
    "slug: Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
static const char no_date[] =
    "bought: Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
static const char no_datetime[] = "read_at: Datetime has wrong format. Use one of these formats "
                                  "instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
static const char no_integer[] = "year: A valid integer is required.";
static const char no_number[] = "rating: A valid number is required.";
static const char no_bool[] = "lent: Must be a valid boolean.";

/* Members added to a title and a house, which are fine. */
static const struct {
    const char *member, *wrong;
} values[] = {
    /* text */
    { "\"title\":null", "title: This field may not be null." },
    { "\"title\":\"\"", "title: This field may not be blank." },
    { "\"title\":\" \\t\\n\"", "title: This field may not be blank." },
    { "\"title\":true", "title: Not a valid string." },
    { "\"title\":[]", "title: Not a valid string." },
    { "\"title\":[\"a\"]", "title: Not a valid string." },
    { "\"title\":{\"title\":\"a\"}", "title: Not a valid string." },
    { "\"title\":\"12345678901\"", "title: Ensure this field has no more than 10 characters." },
    { "\"title\":12345678901", "title: Ensure this field has no more than 10 characters." },
    { "\"title\":\"a\\u0000b\"", "title: Null characters are not allowed." },
    { "\"title\":\" 1234567890 \"", "" },
    { "\"title\":"
      "\"\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\"",
      "" },
    { "\"title\":1984", "" },
    { "\"subtitle\":\"\"", "" },
    { "\"subtitle\":null", "subtitle: This field may not be null." },
    { "\"isbn\":null", "" },
    { "\"isbn\":\"\"", "isbn: This field may not be blank." },
    { "\"binding\":\"hard\"", "" },
    { "\"binding\":\"Hard\"", "binding: \"Hard\" is not a valid choice." },
    { "\"binding\":\"\"", "binding: \"\" is not a valid choice." },
    { "\"binding\":1", "binding: \"1\" is not a valid choice." },
    { "\"binding\":null", "binding: This field may not be null." },
    /* numbers */
    { "\"year\":null", "" },
    { "\"year\":\"1968\"", "" },
    { "\"year\":1968.0", "" },
    { "\"year\":1968.5", no_integer },
    { "\"year\":\"\"", no_integer },
    { "\"year\":\"x\"", no_integer },
    { "\"year\":\"0x7b0\"", no_integer },
    { "\"year\":true", no_integer },
    { "\"year\":[]", no_integer },
    { "\"year\":{}", no_integer },
    { "\"year\":1449", "year: Ensure this value is greater than or equal to 1450." },
    { "\"year\":1450", "" },
    { "\"year\":2100", "" },
    { "\"year\":2101", "year: Ensure this value is less than or equal to 2100." },
    { "\"year\":1984", "year: Not that year." },
    { "\"year\":2147483648", "year: Ensure this value is less than or equal to 2147483647." },
    { "\"pages\":32768", "pages: Ensure this value is less than or equal to 32767." },
    { "\"pages\":-32769", "pages: Ensure this value is greater than or equal to -32768." },
    { "\"pages\":null", "pages: This field may not be null." },
    { "\"stock\":9223372036854775807", "" },
    { "\"stock\":9223372036854775808",
      "stock: Ensure this value is less than or equal to 9223372036854775807." },
    { "\"stock\":\" -9223372036854775809\"",
      "stock: Ensure this value is greater than or equal to -9223372036854775808." },
    { "\"stock\":-1e30",
      "stock: Ensure this value is greater than or equal to -9223372036854775808." },
    { "\"rating\":\"4.5\"", "" },
    { "\"rating\":4", "" },
    { "\"rating\":4.91", "rating: Ensure this value is less than or equal to 4.9." },
    { "\"rating\":-0.1", "rating: Ensure this value is greater than or equal to 0.0." },
    { "\"rating\":\"\"", no_number },
    { "\"rating\":\"much\"", no_number },
    { "\"rating\":\"nan\"", no_number },
    { "\"rating\":\"1e999\"", no_number },
    { "\"rating\":[4]", no_number },
    { "\"rating\":null", "rating: This field may not be null." },
    /* booleans, dates, UUIDs */
    { "\"lent\":1", "" },
    { "\"lent\":\"true\"", "" },
    { "\"lent\":2", no_bool },
    { "\"lent\":\"perhaps\"", no_bool },
    { "\"lent\":[true]", no_bool },
    { "\"lent\":null", "lent: This field may not be null." },
    { "\"bought\":\"2024-02-29\"", "" },
    { "\"bought\":\"2023-02-29\"", no_date },
    { "\"bought\":\"\"", no_date },
    { "\"bought\":\"29.2.2024\"", no_date },
    { "\"bought\":20240229", no_date },
    { "\"bought\":[]", no_date },
    { "\"read_at\":\"2024-02-29T12:00:00Z\"", "" },
    { "\"read_at\":\"yesterday\"", no_datetime },
    { "\"read_at\":0", no_datetime },
    { "\"batch\":\"01890a5d-ac96-774b-bcce-b302099a8057\"", "" },
    { "\"batch\":\"01890a5d-ac96-774b-bcce-b302099a805\"", "batch: Must be a valid UUID." },
    { "\"batch\":7", "batch: Must be a valid UUID." },
    /* formats */
    { "\"contact\":\"\"", "" },
    { "\"contact\":\"o'neil+books@example.co.uk\"", "" },
    { "\"contact\":\"a@localhost\"", "" },
    { "\"contact\":\"a@[127.0.0.1]\"", "" },
    { "\"contact\":\"a\"", not_valid_email },
    { "\"contact\":\"a@\"", not_valid_email },
    { "\"contact\":\"@example.com\"", not_valid_email },
    { "\"contact\":\"a@b\"", not_valid_email },
    { "\"contact\":\"a@b@example.com\"", not_valid_email },
    { "\"contact\":\"a..b@example.com\"", not_valid_email },
    { "\"contact\":\".a@example.com\"", not_valid_email },
    { "\"contact\":\"a.@example.com\"", not_valid_email },
    { "\"contact\":\"a b@example.com\"", not_valid_email },
    { "\"contact\":\"a@-example.com\"", not_valid_email },
    { "\"contact\":\"a@example.com.\"", not_valid_email },
    { "\"contact\":\"a@example..com\"", not_valid_email },
    { "\"contact\":\"a@" LETTERS_60 "aaaa.com\"", not_valid_email },
    { "\"contact\":\"a@[300.0.0.1]\"", not_valid_email },
    { "\"contact\":\"a@example.com\\nBcc: b@example.com\"", not_valid_email },
    { "\"link\":\"https://example.com/a?b=c#d\"", "" },
    { "\"link\":\"ftp://user:pw@example.com:21/\"", "" },
    { "\"link\":\"http://[::1]:8000/\"", "" },
    { "\"link\":\"http://127.0.0.1\"", "" },
    { "\"link\":\"example.com\"", not_valid_url },
    { "\"link\":\"http://\"", not_valid_url },
    { "\"link\":\"http:///path\"", not_valid_url },
    { "\"link\":\"http://nodot\"", not_valid_url },
    { "\"link\":\"javascript:alert(1)\"", not_valid_url },
    { "\"link\":\"http://exa mple.com\"", not_valid_url },
    { "\"link\":\"http://example.com/\\n\\nx\"", not_valid_url },
    { "\"link\":\"http://example.com:99999/\"", not_valid_url },
    { "\"link\":\"http://example.com:/\"", not_valid_url },
    { "\"link\":\"http://1.2.3.400/\"", not_valid_url },
    { "\"slug\":\"a-b_C9\"", "" },
    { "\"slug\":\"a b\"", not_valid_slug },
    { "\"slug\":\"a/b\"", not_valid_slug },
    { "\"slug\":\"caf\303\251\"", not_valid_slug },
    { "\"slug\":\"1234567890123\"", "slug: Ensure this field has no more than 12 characters." },
    { "\"slug\":\"12345 789 123\"",
      "slug: Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.; "
      "slug: Ensure this field has no more than 12 characters." },
    /* relations */
    { "\"house\":\"1\"", "" },
    { "\"house\":null", "house: This field may not be null." },
    { "\"house\":99", "house: Invalid pk \"99\" - object does not exist." },
    { "\"house\":-1", "house: Invalid pk \"-1\" - object does not exist." },
    { "\"house\":\"Ace\"", "house: Incorrect type. Expected pk value, received str." },
    { "\"house\":true", "house: Incorrect type. Expected pk value, received bool." },
    { "\"house\":1.5", "house: Incorrect type. Expected pk value, received float." },
    { "\"house\":[1]", "house: Incorrect type. Expected pk value, received list." },
    { "\"house\":{\"id\":1}", "house: Incorrect type. Expected pk value, received dict." },
    /* other rows */
    { "\"isbn\":\"9780441013593\"", "isbn: edition with this isbn already exists." },
    { "\"title\":\"Dune\"", "non_field_errors: The fields title, house must make a unique set." },
    { "\"title\":\"Dune\",\"year\":1",
      "year: Ensure this value is greater than or equal to 1450." },
    { "\"batch\":\"" BATCH "\",\"rating\":4.25",
      "non_field_errors: The fields rating, house must make a unique set." },
    { "\"batch\":\"" BATCH "\",\"lent\":true,\"rating\":4.25",
      "batch: edition with this batch already exists." },
    { "\"title\":\"Dune\",\"rating\":4.25",
      "non_field_errors: The fields title, house must make a unique set.; "
      "non_field_errors: The fields rating, house must make a unique set." },
    { "\"pages\":1,\"lent\":true", "non_field_errors: One page is not lent." },
    /* members that are no field's, and those not taken */
    { "\"colour\":\"red\"", "colour: Unknown field." },
    { "\"Title\":\"a\"", "Title: Unknown field." },
    { "\"\":{\"title\":null}", ": Unknown field." },
    { "\"house_id\":1", "house_id: Unknown field." },
    { "\"colour\":1,\"colour\":2,\"size\":3", "colour: Unknown field.; size: Unknown field." },
    { "\"id\":7", "" },
    { "\"id\":\"seven\",\"shelf_mark\":[null]", "" },
};

CZ_TEST(each_value_is_refused_with_drf_s_sentence)
{
    start();
    for (size_t i = 0; i < CZ_COUNT(values); i++) {
        struct reading reading = { 0 };
        reading.text = cz_format(&ctx, "{\"title\":\"Ubik\",\"house\":1,%s}", values[i].member);
        cz_str wrong = wrong_with(&reading);
        CZ_EXPECT_MSG(cz_str_eq(wrong, cz_str_from(values[i].wrong)), "%s: \"%.*s\"",
                      values[i].member, CZ_STR_ARG(wrong));
    }
    finish();
}

CZ_TEST(documents_are_refused_with_drf_s_sentences)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        { "{}", "title: This field is required.; house: This field is required." },
        { "{\"house\":1}", "title: This field is required." },
        { "{\"house\":null,\"year\":[]}",
          "title: This field is required.; year: A valid integer is required.; "
          "house: This field may not be null." },
        { "{\"house\":9,\"year\":0,\"title\":\"\",\"x\":1}",
          "x: Unknown field.; title: This field may not be blank.; "
          "year: Ensure this value is greater than or equal to 1450.; "
          "house: Invalid pk \"9\" - object does not exist." },
        { "[]", "non_field_errors: Invalid data. Expected a dictionary, but got list." },
        { "[{\"title\":\"Ubik\",\"house\":1}]",
          "non_field_errors: Invalid data. Expected a dictionary, but got list." },
        { "\"title\"", "non_field_errors: Invalid data. Expected a dictionary, but got str." },
        { "1", "non_field_errors: Invalid data. Expected a dictionary, but got int." },
        { "1.5", "non_field_errors: Invalid data. Expected a dictionary, but got float." },
        { "true", "non_field_errors: Invalid data. Expected a dictionary, but got bool." },
        { "null", "non_field_errors: No data provided" },
        { "", "EPROTOCOL JSON parse error - Expecting value: line 1 column 1 (char 0)" },
        { "{\"title\":\"Ubik\",\"house\":1",
          "EPROTOCOL JSON parse error - Expecting ',' delimiter: line 1 column 26 (char 25)" },
        { "{\"title\":null}}",
          "EPROTOCOL JSON parse error - Extra data: line 1 column 15 (char 14)" },
        { "[}", "EPROTOCOL JSON parse error - Expecting value: line 1 column 2 (char 1)" },
        { "{\"title\":\"\303\251\303\251\",\n\"house\":x}",
          "EPROTOCOL JSON parse error - Expecting value: line 2 column 9 (char 23)" },
        { "{\"title\":\"\377\"}",
          "EPROTOCOL JSON parse error - Invalid UTF-8: line 1 column 11 (char 10)" },
        { "title=Ubik", "EPROTOCOL JSON parse error - Expecting value: line 1 column 1 (char 0)" },
    };
    start();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct reading reading = { .text = cz_str_from(cases[i].text) };
        CZ_EXPECT_STR(wrong_with(&reading), cases[i].wrong);
    }
    finish();
}

CZ_TEST(of_a_repeated_member_only_the_last_is_validated)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        { "{\"title\":\"Ubik\",\"house\":1,\"slug\":\"novel\",\"bought\":\"2021-02-03\","
          "\"bought\":\"2020-02-03\"}",
          "slug: This field must be unique for the \"bought\" year." },
        { "{\"title\":\"\",\"house\":1,\"title\":\"Ubik\"}", "" },
        { "{\"title\":\"Ubik\",\"house\":1,\"title\":\"\"}",
          "title: This field may not be blank." },
        { "{\"title\":[[1]],\"house\":{},\"house\":99,\"house\":1,\"title\":null,"
          "\"\\u0074itle\":\"Ubik\"}",
          "" },
        { "{\"title\":\"\",\"title\":null,\"house\":1}", "title: This field may not be null." },
        { "{\"title\":\"Ubik\",\"house\":1,\"house\":99}",
          "house: Invalid pk \"99\" - object does not exist." },
        { "{\"title\":\"Ubik\",\"house\":1,\"isbn\":\"9780441013593\",\"isbn\":null}", "" },
        { "{\"title\":\"Dune\",\"house\":1,\"title\":\"Ubik\"}", "" },
        { "{\"title\":\"Ubik\",\"house\":1,\"title\":\"Dune\"}",
          "non_field_errors: The fields title, house must make a unique set." },
    };
    start();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct reading reading = { .text = cz_str_from(cases[i].text) };
        CZ_EXPECT_STR(wrong_with(&reading), cases[i].wrong);
    }
    Edition *edition = read_edition("{\"title\":\"Emma\",\"house\":1,\"year\":1900,\"isbn\":\"1\","
                                    "\"title\":\"Ubik\",\"year\":null,\"isbn\":\"2\"}");
    CZ_EXPECT_STR(edition->title, "Ubik");
    CZ_EXPECT_STR(edition->isbn, "2");
    CZ_EXPECT(cz_is_null(edition, year));
    finish();
}

CZ_TEST(what_was_read_stands_in_the_row)
{
    start();
    Edition *edition = read_edition(
        "{\"title\":\" Ub\\u0069k \",\"house\":\"1\",\"isbn\":\"978\",\"binding\":\"hard\","
        "\"year\":\"1969\",\"pages\":202.0,\"stock\":-3,\"rating\":\"4.5\",\"lent\":\"yes\","
        "\"bought\":\"2024-02-29\",\"id\":99,\"shelf_mark\":\"X\"}");
    CZ_EXPECT_STR(edition->title, "Ubik");
    CZ_EXPECT_STR(edition->isbn, "978");
    CZ_EXPECT_STR(edition->binding, "hard");
    CZ_EXPECT_STR(edition->shelf_mark, "");
    CZ_EXPECT_EQ(edition->year, 1969);
    CZ_EXPECT_EQ(edition->pages, 202);
    CZ_EXPECT_EQ(edition->stock, -3);
    CZ_EXPECT_EQ(edition->house_id, 1);
    CZ_EXPECT(edition->rating == 4.5 && edition->lent && edition->id != 99);
    CZ_EXPECT(!cz_is_null(edition, bought) && cz_is_null(edition, read_at));
    finish();
}

CZ_TEST(a_partial_update_requires_nothing_and_keeps_the_rest)
{
    static const struct {
        bool partial;
        const char *text, *wrong;
    } cases[] = {
        { true, "{}", "" },
        { true, "{\"year\":1966}", "" },
        { true, "{\"isbn\":\"9780441013593\"}", "" }, /* its own */
        { true, "{\"title\":\"Dune\",\"house\":1}", "" },
        { true, "{\"title\":null}", "title: This field may not be null." },
        { true, "{\"isbn\":\"9780141439587\"}", "isbn: edition with this isbn already exists." },
        { true, "{\"title\":\"Emma\"}",
          "non_field_errors: The fields title, house must make a unique set." },
        { true, "{\"bought\":\"2020-12-31\"}",
          "slug: This field must be unique for the \"bought\" year." },
        { true, "{\"slug\":\"novel\",\"bought\":\"2020-12-31\"}",
          "slug: This field must be unique for the \"bought\" year." },
        { true, "{\"slug\":\"novel\"}", "" }, /* bought on no day */
        { true, "{\"slug\":\"first\",\"bought\":\"2020-12-31\"}", "" },
        { true, "{\"bought\":\"2021-01-01\"}", "" },
        { true, "{\"slug\":\"a b\",\"bought\":\"2020-12-31\"}",
          "slug: Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens." },
        { true, "{\"bought\":\"today\"}",
          "bought: Date has wrong format. Use one of these formats instead: YYYY-MM-DD." },
        { true, "{\"nothing\":1}", "nothing: Unknown field." },
        { true, "[]", "non_field_errors: Invalid data. Expected a dictionary, but got list." },
        { false, "{\"year\":1966}",
          "title: This field is required.; house: This field is required." },
    };
    start();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        Edition *copy = cz_new(&ctx, Edition);
        *copy = *stored;
        struct reading reading = { .text = cz_str_from(cases[i].text),
                                   .instance = &copy->row_,
                                   .partial = cases[i].partial };
        CZ_EXPECT_STR(wrong_with(&reading), cases[i].wrong);
        if (cases[i].wrong[0])
            continue;
        CZ_EXPECT(reading.row == &copy->row_);
        CZ_EXPECT_STR(copy->title, "Dune");
        CZ_EXPECT_STR(copy->isbn, "9780441013593");
        CZ_EXPECT_EQ(copy->year, i == 1 ? 1966 : 1965);
    }
    finish();
}

CZ_TEST(unknown_members_are_passed_over_when_asked_and_limited_when_not)
{
    start();
    struct reading loose = {
        .text =
            CZ_STR("{\"a\":[{\"title\":1}],\"title\":\"Ubik\",\"b\":{},\"house\":1,\"isbn\":[]}"),
        .serializer = &LooseSerializer
    };
    CZ_EXPECT_STR(wrong_with(&loose), "");
    cz_buf text;
    cz_buf_init(&text, 1 << 20);
    cz_buf_append_char(&text, '{');
    for (int i = 0; i < 5000; i++)
        cz_buf_printf(&text, "\"field%d\":%d,", i, i);
    cz_buf_append_lit(&text, "\"title\":null,\"house\":1}");
    struct reading strict = { .text = cz_buf_str(&text) };
    cz_str wrong = wrong_with(&strict);
    size_t count = 0;
    for (cz_str rest = wrong; rest.len; count++)
        cz_ignore(cz_str_cut(&rest, ';').len == 0);
    CZ_EXPECT_EQ(count, 51);
    CZ_EXPECT(cz_str_ends_with(wrong, CZ_STR("; title: This field may not be null.")));
    cz_buf_done(&text);
    finish();
}

/* ---- what is no model's ---- */

static void write_loan(cz_ctx *c, void *arg)
{
    const struct reading *reading = arg;
    cz_buf out = { 0 };
    cz__serializer_write(c, NULL, &LoanSlipSerializer, reading->row, &out);
    CZ_EXPECT_STR(cz_buf_str(&out), "{\"reader\":\"ann@example.com\",\"days\":14,\"from\":null,"
                                    "\"fee\":\"2.50\",\"binding\":\"\"}");
    cz_buf_done(&out);
}

CZ_TEST(a_record_is_read_and_written_as_a_model_is)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        { "{\"reader\":\"ann@example.com\"}", "" },
        { "{\"reader\":\"ann@example.com\",\"days\":31,\"fee\":\"1.00\"}", "" },
        { "{}", "reader: This field is required." },
        { "{\"reader\":\"ann\",\"days\":0}",
          "reader: Enter a valid email address.; "
          "days: Ensure this value is greater than or equal to 1." },
        { "{\"reader\":null}", "reader: This field may not be null." },
        { "{\"reader\":\"\"}", "reader: This field may not be blank." },
        { "{\"reader\":\"ann@example.com\",\"days\":\"many\"}",
          "days: A valid integer is required." },
        { "{\"reader\":\"ann@example.com\",\"from\":\"2026-02-30\"}",
          "from: Date has wrong format. Use one of these formats instead: YYYY-MM-DD." },
        { "{\"reader\":\"ann@example.com\",\"fee\":\"1234.5\"}",
          "fee: Ensure that there are no more than 3 digits before the decimal point." },
        { "{\"reader\":\"ann@example.com\",\"binding\":\"stone\"}",
          "binding: \"stone\" is not a valid choice." },
        { "{\"reader\":\"ann@example.com\",\"id\":1}", "id: Unknown field." },
        { "{\"reader\":\"ann@example.com\",\"days\":31}", "fee: A long loan has a fee." },
        { "[]", "non_field_errors: Invalid data. Expected a dictionary, but got list." },
    };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena); /* without a database */
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct reading reading = { .text = cz_str_from(cases[i].text),
                                   .serializer = &LoanSlipSerializer };
        CZ_EXPECT_STR(wrong_with(&reading), cases[i].wrong);
    }
    struct reading reading = { .text = CZ_STR("{\"reader\":\"ann@example.com\",\"fee\":\"2.5\"}"),
                               .serializer = &LoanSlipSerializer };
    CZ_EXPECT_STR(wrong_with(&reading), "");
    CZ_REQUIRE(reading.row);
    CZ_REQUIRE_OK(cz_try(&ctx, write_loan, &reading, NULL));
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

/* Before anything else has asked for what the record is. */
CZ_TEST(a_record_is_made_and_written_as_a_row_is)
{
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena); /* without a database */
    LoanSlip *loan = cz_row_new(&ctx, LoanSlip);
    cz_set(&ctx, loan, reader, CZ_STR("ann@example.com"));
    cz_set(&ctx, loan, fee, ((cz_decimal){ .low = 250, .places = 2 }));
    struct reading written = { .row = &loan->row_ };
    CZ_EXPECT_EQ(cz_try(&ctx, write_loan, &written, NULL), CZ_OK);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}
