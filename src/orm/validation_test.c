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

static const struct cz__orm_test zoo = { "zoo", CZ_MODELS(Pet) };

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
