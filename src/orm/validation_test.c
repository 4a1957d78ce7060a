/* What cz_full_clean() finds wrong, and what it lets pass. */
#include "orm/orm_testing.h"
#include <calzone/routing.h>
#include <calzone/validation.h>

static const cz_choice MOODS[] = { { "calm", "Calm" }, { "wild", "Wild" } };

static const char *is_even(cz_str text, double number)
{
    (void)text;
    return (int64_t)number % 2 ? "An odd number." : NULL;
}
static const char *is_quiet(cz_str text, double number)
{
    (void)number;
    return cz_str_find_char(text, '!') == SIZE_MAX ? NULL : "No shouting.";
}
static void clean_pet(cz_ctx *ctx, void *row, cz_field_errors *errors);

#define PET(F)                                                                                     \
    F(char_field, name, .max_length = 5, .validator = is_quiet)                                    \
    F(char_field, tag, .max_length = 9, .unique = true, .null = true,                              \
      .verbose_name = "tag number")                                                                \
    F(char_field, mood, .choices = CZ_CHOICES(MOODS), .default_ = cz_text("calm"))                 \
    F(text_field, story, .blank = true)                                                            \
    F(email_field, owner, .null = true)                                                            \
    F(url_field, page, .null = true)                                                               \
    F(slug_field, slug, .null = true)                                                              \
    F(small_int_field, legs, .min = cz_int(0), .max = cz_int(8), .default_ = cz_int(4))            \
    F(int_field, even, .validator = is_even, .default_ = cz_int(0))                                \
    F(float_field, weight, .max = cz_real(99.5), .default_ = cz_real(1))                           \
    F(decimal_field, price, .digits = 6, .places = 2, .min = cz_int(1), .default_ = cz_int(1))     \
    F(date_field, born)                                                                            \
    F(date_field, died, .null = true)
CZ_MODEL(Pet, PET, .unique_together = CZ_FIELDS(Pet, name, born), .clean = clean_pet);

static void clean_pet(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Pet *pet = row;
    if (!cz_is_null(pet, died) && pet->died.days < pet->born.days)
        cz_field_errors_add(ctx, errors, CZ_STR("died"), "invalid", "Before it was born.");
}

#define CHIP(F) F(char_field, owner)
CZ_MODEL_UUID(Chip, CHIP);

static const struct cz__orm_test zoo = { "zoo", CZ_MODELS(Pet, Chip) };

static void clean(cz_ctx *c, void *arg)
{
    Pet *pet = arg;
    cz_full_clean(c, pet);
}

/* What is wrong with a pet, as the client would see it; "" when nothing is. */
static cz_str wrong_with(cz_ctx *c, Pet *pet)
{
    cz_error err;
    if (!cz_try(c, clean, pet, &err))
        return CZ_STR("");
    CZ_EXPECT_EQ(err.status, CZ_EVALIDATION);
    const cz_field_errors *errors = err.details;
    CZ_REQUIRE(errors->count);
    return cz_format(c, "%s | %.*s", cz_error_message(&err), CZ_STR_ARG(errors->first->message));
}

static Pet *good_pet(cz_ctx *c)
{
    Pet *pet = cz_row_new(c, Pet);
    cz_set(c, pet, name, "Rex");
    cz_set(c, pet, born, (cz_date){ 100 });
    return pet;
}

static void names(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Pet *stored = good_pet(c);
    cz_set(c, stored, tag, "A1");
    CZ_EXPECT_STR(wrong_with(c, stored), "");
    cz_save(c, stored);
    CZ_EXPECT_STR(wrong_with(c, stored), ""); /* its own values are not taken */
#define WRONG(field, value, message)                                                               \
    do {                                                                                           \
        Pet *pet = good_pet(c);                                                                    \
        cz_set(c, pet, name, "Ben");                                                               \
        cz_set(c, pet, field, value);                                                              \
        cz_str found = wrong_with(c, pet);                                                         \
        CZ_EXPECT_MSG(cz_str_find(found, CZ_STR(message)) != SIZE_MAX, "%s: %.*s", #field,         \
                      CZ_STR_ARG(found));                                                          \
    } while (0)
    WRONG(name, "", "name");
    WRONG(name, "Hector", "no more than 5 characters");
    WRONG(name, "Hi!", "No shouting.");
    WRONG(mood, "sad", "\"sad\" is not a valid choice.");
    WRONG(owner, "nobody", "Enter a valid email address.");
    WRONG(page, "nowhere", "Enter a valid URL.");
    WRONG(slug, "a b", "Enter a valid");
    WRONG(legs, 9, "less than or equal to 8");
    WRONG(legs, -1, "greater than or equal to 0");
    WRONG(even, 3, "An odd number.");
    WRONG(weight, 99.6, "less than or equal to 99.5");
    WRONG(price, cz_decimal_of(99, 2), "greater than or equal to 1");
    WRONG(died, (cz_date){ 99 }, "Before it was born.");
    WRONG(tag, "A1", "pet with this tag number already exists.");
    WRONG(name, "Rex", "The fields name, born must make a unique set.");
    WRONG(born, NULL, "This field may not be null.");
#undef WRONG
    Pet *unborn = cz_row_new(c, Pet);
    cz_set(c, unborn, name, "Tom");
    CZ_EXPECT_STR(wrong_with(c, unborn), "born: This field is required. | This field is required.");
    Pet *fine = good_pet(c);
    cz_set(c, fine, name, "Ünal"); /* characters, not bytes */
    cz_set(c, fine, owner, "a@example.com");
    cz_set(c, fine, tag, NULL);
    CZ_EXPECT_STR(wrong_with(c, fine), "");
}
CZ_DATABASE_TEST(a_whole_row_is_checked)
{
    cz__orm_test_run(&zoo, names);
}

static void clean_chip(cz_ctx *c, void *arg)
{
    Chip *chip = arg;
    cz_full_clean(c, chip);
}

static void keys(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Pet *stored = good_pet(c), *second = good_pet(c);
    cz_set(c, stored, id, 7);
    CZ_EXPECT_STR(wrong_with(c, stored), "");
    cz_save(c, stored);
    CZ_EXPECT_STR(wrong_with(c, stored), "");
    cz_set(c, second, name, "Ben");
    CZ_EXPECT_QUERIES_OF(1) /* of name and born: it has no key yet */
    CZ_EXPECT_STR(wrong_with(c, second), "");
    cz_set(c, second, id, 7);
    CZ_EXPECT_STR(wrong_with(c, second),
                  "id: pet with this id already exists. | pet with this id already exists.");
    cz_set(c, second, id, 8);
    CZ_EXPECT_STR(wrong_with(c, second), "");
    Chip *chip = cz_create(c, Chip, (owner, "Ann")), *copy = cz_row_new(c, Chip);
    cz_set(c, copy, owner, "Bob");
    cz_full_clean(c, copy); /* of the key it was made with */
    cz_set(c, copy, id, chip->id);
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, clean_chip, copy, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "id: chip with this id already exists.");
    cz_full_clean(c, chip);
}
CZ_DATABASE_TEST(a_key_that_is_given_is_not_taken)
{
    cz__orm_test_run(&zoo, keys);
}

/* ---- rules of the database ---- */

#define BUREAU(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Bureau, BUREAU);
CZ_MODEL_FORWARD(Checkout)
#define CHECKOUT(F)                                                                                \
    F(foreign_key, shelf, Bureau, .on_delete = CZ_PROTECT)                                         \
    F(char_field, title, .max_length = 20, .unique = true)                                         \
    F(char_field, code, .max_length = 20, .unique = true, .null = true)                            \
    F(decimal_field, fee, .digits = 6, .places = 2, .default_ = cz_int(1))                         \
    F(decimal_field, worth, .digits = 20, .places = 1, .default_ = cz_int(10))                     \
    F(date_field, returned, .null = true)                                                          \
    F(datetime_field, lent, .null = true)                                                          \
    F(bool_field, hidden, .default_ = cz_bool(false))                                              \
    F(foreign_key, before, Checkout, .null = true, .on_delete = CZ_SET_NULL, .unconstrained = true)
CZ_MODEL(Checkout, CHECKOUT, .unique_together = CZ_FIELDS(Checkout, shelf, lent),
         .constraints = CZ_CONSTRAINTS(
             { .name = "one_open",
               .unique = CZ_FIELDS(Checkout, shelf),
               .condition = "\"returned\" IS NULL" },
             { .name = "fee_and_before", .unique = CZ_FIELDS(Checkout, fee, before) },
             { .name = "code_shown",
               .unique = CZ_FIELDS(Checkout, code, fee),
               .condition = "NOT \"checkout\".\"hidden\" AND title <> 'it''s \"returned\"'" },
             { .name = "worth_more", .check = "\"worth\" > '9'" },
             { .name = "lent_first", .check = "\"returned\" >= '2000-01-01'" }),
         .table = "checkout");
CZ_PROXY(Borrowing, Checkout);

static const struct cz__orm_test library = { "library", CZ_MODELS(Bureau, Checkout, Borrowing) };

static void clean_row(cz_ctx *c, void *arg)
{
    cz__full_clean(c, arg);
}

/* All that is wrong with a row, "field: sentence" each. */
static cz_str all_wrong_with(cz_ctx *c, cz_row *row)
{
    cz_error err;
    cz_str text = CZ_STR("");
    if (!cz_try(c, clean_row, row, &err))
        return text;
    CZ_EXPECT_EQ(err.status, CZ_EVALIDATION);
    for (const cz_field_error *e = ((const cz_field_errors *)err.details)->first; e; e = e->next)
        text = cz_format(c, "%.*s%s%.*s: %.*s", CZ_STR_ARG(text), text.len ? " " : "",
                         CZ_STR_ARG(e->field), CZ_STR_ARG(e->message));
    return text;
}
#define EXPECT_ALL(row, expected) CZ_EXPECT_STR(all_wrong_with(c, &(row)->row_), expected)

#define TAKEN_SHELF "shelf: checkout with this shelf already exists."
#define TAKEN_TITLE "title: checkout with this title already exists."
#define TAKEN_CODE "code: checkout with this code already exists."
#define TAKEN_MOMENT "non_field_errors: The fields shelf, lent must make a unique set."
#define TAKEN_FEE "non_field_errors: The fields fee, before must make a unique set."
#define TAKEN_SHOWN "non_field_errors: The fields code, fee must make a unique set."
#define TOO_EARLY "non_field_errors: Constraint “lent_first” is violated."

static cz_datetime at(int year, unsigned month, unsigned of_month, unsigned hour)
{
    cz_datetime out;
    CZ_REQUIRE_OK(cz_civil_datetime((cz_civil){ .year = year,
                                                .month = (uint8_t)month,
                                                .day = (uint8_t)of_month,
                                                .hour = (uint8_t)hour },
                                    &out));
    return out;
}
static Checkout *lend(cz_ctx *c, int64_t shelf, const char *title)
{
    Checkout *new = cz_row_new(c, Checkout);
    cz_set(c, new, shelf, shelf);
    cz_set(c, new, title, title);
    return new;
}

static void constraints(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    const Bureau *upper = cz_create(c, Bureau, (name, "upper")),
                 *lower = cz_create(c, Bureau, (name, "lower"));
    Checkout *open = lend(c, upper->id, "Emma");
    cz_set(c, open, code, "A");
    cz_set(c, open, lent, at(2026, 1, 1, 12));
    EXPECT_ALL(open, "");
    cz_save(c, open);
    EXPECT_ALL(open, "");
    cz_set(c, open, shelf, upper->id); /* its own */
    EXPECT_ALL(open, "");
    EXPECT_ALL(lend(c, lower->id, "Dune"), "");
    EXPECT_ALL(lend(c, upper->id, "Dune"), TAKEN_SHELF);
    Checkout *back = lend(c, upper->id, "Dune");
    cz_set(c, back, returned, (cz_date){ 20000 }); /* the rule is not for this row */
    EXPECT_ALL(back, "");
    cz_set(c, back, returned, (cz_date){ 10000 });
    EXPECT_ALL(back, TOO_EARLY);
    cz_set(c, back, returned, (cz_date){ 20000 });
    cz_save(c, back);
    cz_set(c, back, returned, NULL); /* now it is; the shelf itself was not set */
    EXPECT_ALL(back, TAKEN_SHELF);

    /* all that are broken are told */
    Checkout *same = lend(c, upper->id, "Emma");
    cz_set(c, same, code, "A");
    cz_set(c, same, lent, open->lent);
    cz_set(c, same, returned, (cz_date){ 10000 });
    EXPECT_ALL(same, TAKEN_TITLE " " TAKEN_CODE " " TAKEN_MOMENT " " TAKEN_SHOWN " " TOO_EARLY);
    cz_set(c, same, hidden, true);
    EXPECT_ALL(same, TAKEN_TITLE " " TAKEN_CODE " " TAKEN_MOMENT " " TOO_EARLY);
    cz_set(c, same, title, ""); /* but not where the value is wrong already */
    EXPECT_ALL(same,
               "title: This field may not be blank. " TAKEN_CODE " " TAKEN_MOMENT " " TOO_EARLY);

    Checkout *cheap = lend(c, lower->id, "Cheap"); /* a decimal SQLite keeps as text */
    cz_set(c, cheap, worth, cz_decimal_of(8, 0));
    EXPECT_ALL(cheap, "non_field_errors: Constraint “worth_more” is violated.");

    Checkout *nowhere = lend(c, 99999, "Odd");
    cz_set(c, nowhere, before, 77);
    EXPECT_ALL(nowhere, "shelf: Invalid pk \"99999\" - object does not exist. "
                        "before: Invalid pk \"77\" - object does not exist.");
    Checkout *half = cz_get(c, Checkout, .where = CZ_Q(Checkout, id, EXACT, back->id),
                            .only = CZ_FIELDS(Checkout, returned));
    cz_set(c, half, returned, NULL); /* what was not read is passed over */
    EXPECT_ALL(half, "");
    Borrowing *borrowing = cz_row_new(c, Borrowing); /* its table's rules are a proxy's */
    cz_set(c, borrowing, shelf, upper->id);
    cz_set(c, borrowing, title, "Solaris");
    EXPECT_ALL(borrowing, "shelf: borrowing with this shelf already exists.");
    cz_set(c, open, before, open->id);
    cz_save(c, open);
    Checkout *after = lend(c, lower->id, "Ulysses");
    cz_set(c, after, before, open->id);
    EXPECT_ALL(after, TAKEN_FEE);
    cz_set(c, after, fee, cz_decimal_of(101, 2));
    EXPECT_ALL(after, "");
}
CZ_DATABASE_TEST(rules_of_the_database_are_checked_before_it_does)
{
    cz__orm_test_run(&library, constraints);
}

/* ---- unique for a date ---- */

#define POST(F)                                                                                    \
    F(char_field, slug, .max_length = 20, .unique_for_date = CZ_FIELD(Post, published))            \
    F(char_field, title, .max_length = 20, .null = true,                                           \
      .unique_for_month = CZ_FIELD(Post, published))                                               \
    F(int_field, number, .null = true, .unique_for_date = CZ_FIELD(Post, seen),                    \
      .unique_for_year = CZ_FIELD(Post, published))                                                \
    F(date_field, published, .null = true)                                                         \
    F(datetime_field, seen, .null = true)                                                          \
    F(foreign_key, before, Post, .null = true, .on_delete = CZ_SET_NULL,                           \
      .unique_for_month = CZ_FIELD(Post, seen))                                                    \
    F(bool_field, hidden, .default_ = cz_bool(false))
CZ_MODEL(Post, POST, .manager = CZ_MANAGER(.where = CZ_Q(Post, hidden, EXACT, false)));

static const struct cz__orm_test blog = { "blog", CZ_MODELS(Post) };

static void clean_post(cz_ctx *c, void *arg)
{
    cz_full_clean(c, (Post *)arg);
}

/* All that is wrong with a post, "field: sentence" each. */
static const char *wrong_with_post(cz_ctx *c, Post *post)
{
    cz_error err;
    cz_str text = CZ_STR("");
    if (!cz_try(c, clean_post, post, &err))
        return "";
    for (const cz_field_error *e = ((const cz_field_errors *)err.details)->first; e; e = e->next)
        text = cz_format(c, "%.*s%s%.*s: %.*s", CZ_STR_ARG(text), text.len ? " " : "",
                         CZ_STR_ARG(e->field), CZ_STR_ARG(e->message));
    return text.ptr;
}
#define EXPECT_WRONG(post, expected)                                                               \
    CZ_EXPECT_STR(cz_str_from(wrong_with_post(c, (post))), expected)

static cz_date day(int year, int month, int at)
{
    cz_date out;
    CZ_REQUIRE_OK(cz_civil_date(year, month, at, &out));
    return out;
}

#define OF_DATE "slug: This field must be unique for the \"published\" date."
#define OF_MONTH "title: This field must be unique for the \"published\" month."
#define OF_YEAR "number: This field must be unique for the \"published\" year."
#define OF_DAY_SEEN "number: This field must be unique for the \"seen\" date."
#define OF_MONTH_SEEN "before: This field must be unique for the \"seen\" month."

static void dates(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Post *first = cz_create(c, Post, (slug, "a"), (title, "A"), (number, 1),
                            (published, day(2026, 2, 28)), (seen, at(2026, 2, 28, 0)));
    cz_create(c, Post, (slug, "hid"), (published, day(2026, 2, 28)), (hidden, true));
    const Post *apart = cz_create(c, Post, (slug, "undated"), (title, "U"), (number, 7));
    cz_create(c, Post, (slug, "early"), (number, 2), (published, day(1, 1, 1)));
    cz_create(c, Post, (slug, "late"), (number, 3), (published, day(9999, 12, 31)),
              (seen, at(9999, 12, 31, 23)), (before, first->id));
    const struct {
        const char *slug, *title;
        int number;
        cz_date published;
        cz_datetime seen;
        const char *wrong;
    } cases[] = {
        { "a", "A", 1, day(2026, 2, 28), at(2026, 2, 28, 23),
          OF_DATE " " OF_MONTH " " OF_DAY_SEEN " " OF_YEAR },
        { "a", "B", 4, day(2026, 2, 27), at(2026, 3, 1, 0), "" },
        { "a", "B", 4, day(2026, 3, 28), at(2026, 3, 1, 0), "" },
        { "a", "B", 4, day(2025, 2, 28), at(2026, 3, 1, 0), "" },
        { "b", "A", 4, day(1999, 2, 1), at(2026, 3, 1, 0), OF_MONTH }, /* of any year */
        { "b", "A", 4, day(2026, 3, 28), at(2026, 3, 1, 0), "" },
        { "b", "B", 1, day(2026, 12, 31), at(2026, 3, 1, 0), OF_YEAR },
        { "b", "B", 1, day(2026, 1, 1), at(2026, 3, 1, 0), OF_YEAR },
        { "b", "B", 1, day(2027, 1, 1), at(2026, 3, 1, 0), "" },
        { "b", "B", 1, day(2025, 12, 31), at(2026, 2, 28, 23), OF_DAY_SEEN },
        { "b", "B", 1, day(2025, 12, 31), at(2026, 2, 27, 23), "" },
        { "hid", "B", 4, day(2026, 2, 28), at(2026, 3, 1, 0), "" }, /* the manager's rows alone */
        { "early", "B", 2, day(1, 1, 1), at(2026, 3, 1, 0), OF_DATE " " OF_YEAR },
        { "late", "B", 3, day(9999, 12, 31), at(9999, 12, 31, 0),
          OF_DATE " " OF_DAY_SEEN " " OF_YEAR },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        Post *post = cz_row_new(c, Post);
        cz_set(c, post, slug, cases[i].slug);
        cz_set(c, post, title, cases[i].title);
        cz_set(c, post, number, cases[i].number);
        cz_set(c, post, published, cases[i].published);
        cz_set(c, post, seen, cases[i].seen);
        cz_set(c, post, before, apart->id);
        CZ_EXPECT_MSG(strcmp(wrong_with_post(c, post), cases[i].wrong) == 0, "%zu: %s", i,
                      wrong_with_post(c, post));
    }
    /* the row itself does not count, and without a date nothing does */
    EXPECT_WRONG(first, "");
    Post *undated = cz_row_new(c, Post);
    cz_set(c, undated, slug, "undated");
    cz_set(c, undated, title, "U");
    EXPECT_WRONG(undated, "");
    /* NULL is a value, as in Django: one post of a month is before nothing */
    Post *after = cz_row_new(c, Post);
    cz_set(c, after, slug, "after");
    cz_set(c, after, seen, at(2026, 2, 1, 0));
    EXPECT_WRONG(after, OF_MONTH_SEEN);
    cz_set(c, after, seen, at(2026, 4, 1, 0));
    EXPECT_WRONG(after, "");
    cz_set(c, after, before, first->id);
    cz_set(c, after, seen, at(2026, 12, 1, 0));
    EXPECT_WRONG(after, OF_MONTH_SEEN);
    /* a stored row that moves onto another, and one whose value is wrong already */
    cz_save(c, after);
    cz_set(c, after, published, day(2026, 2, 28));
    cz_set(c, after, before, NULL);
    EXPECT_WRONG(after, "");
    cz_set(c, after, slug, "a");
    EXPECT_WRONG(after, OF_DATE);
    cz_set(c, after, slug, "");
    EXPECT_WRONG(after, "slug: This field may not be blank.");
    Post *half =
        cz_get(c, Post, .where = CZ_Q(Post, id, EXACT, after->id), .only = CZ_FIELDS(Post, title));
    EXPECT_WRONG(half, ""); /* what was not read is passed over */
}

CZ_DATABASE_TEST(a_value_is_unique_for_a_date_a_month_or_a_year)
{
    cz__orm_test_run(&blog, dates);
}

#define OF_TEXT(F)                                                                                 \
    F(char_field, slug, .unique_for_date = CZ_FIELD(OfText, day))                                  \
    F(char_field, day)
CZ_MODEL(OfText, OF_TEXT);
#define OF_ANOTHER(F)                                                                              \
    F(char_field, slug, .unique_for_month = CZ_FIELD(OfAnother, post->published))                  \
    F(foreign_key, post, Post, .on_delete = CZ_CASCADE)
CZ_MODEL(OfAnother, OF_ANOTHER);
#define OF_SECRET(F)                                                                               \
    F(encrypted_field, pin, .unique_for_year = CZ_FIELD(OfSecret, day))                            \
    F(date_field, day)
CZ_MODEL(OfSecret, OF_SECRET);
#define OF_LINKS(F)                                                                                \
    F(many_to_many, posts, Post, .unique_for_year = CZ_FIELD(OfLinks, day))                        \
    F(date_field, day)
CZ_MODEL(OfLinks, OF_LINKS);

CZ_TEST(what_a_value_cannot_be_unique_for_stops_the_start)
{
    static const struct {
        cz_model *model;
        const char *said;
    } cases[] = {
        { &OfText__model,
          "OfText.slug: unique_for_date: \"day\" is no date or datetime of OfText" },
        { &OfAnother__model, "OfAnother.slug: unique_for_month: \"post->published\" is no date or "
                             "datetime of OfAnother" },
        { &OfSecret__model, "OfSecret.pin: unique_for_year is for fields that can be compared" },
        { &OfLinks__model, "OfLinks.posts: unique_for_year is for fields that can be compared" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_model *const models[] = { cases[i].model };
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz__models_add("blog", models, 1, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].said);
    }
}

#define SUBSCRIBER(F)                                                                              \
    F(char_field, email, .null = true)                                                             \
    F(char_field, list, .default_ = cz_text("news"))                                               \
    F(bool_field, gone, .default_ = cz_bool(false))
CZ_MODEL(Subscriber, SUBSCRIBER,
         .constraints = CZ_CONSTRAINTS({ .name = "one_subscription",
                                         .expressions = "lower(\"email\"), \"list\"",
                                         .condition = "NOT \"gone\"" }));
static const struct cz__orm_test post = { "post", CZ_MODELS(Subscriber) };
#define TWICE "non_field_errors: Constraint “one_subscription” is violated."

static void expressions(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Subscriber *ann = cz_create(c, Subscriber, (email, "Ann@example.com"));
    EXPECT_ALL(ann, "");
    cz_set(c, ann, email, "ann@example.com"); /* its own */
    EXPECT_ALL(ann, "");
    Subscriber *other = cz_row_new(c, Subscriber);
    cz_set(c, other, email, "ANN@example.com");
    EXPECT_ALL(other, TWICE);
    cz_set(c, other, list, "jobs");
    EXPECT_ALL(other, "");
    cz_set(c, other, list, "news");
    cz_set(c, other, gone, true); /* the rule is not for it */
    EXPECT_ALL(other, "");
    cz_save(c, other);
    cz_set(c, other, gone, false);
    EXPECT_ALL(other, TWICE);
    cz_set(c, other, email, NULL); /* which equals nothing */
    EXPECT_ALL(other, "");
}

CZ_DATABASE_TEST(rules_over_expressions_are_checked_as_well)
{
    cz__orm_test_run(&post, expressions);
}
