#include <calzone/testing.h>
#include "orm/orm.h"
#include <calzone/html.h>
#include <math.h>
#include <stdio.h>

static const cz_choice SIZES[] = { { "small", "Small" }, { "large", "Large" } };

CZ_MODEL_FORWARD(Stranger)

/* One field each; each cannot work for a reason of its own. */
#define NO_RULE(F) F(foreign_key, other, NoRule)
CZ_MODEL(NoRule, NO_RULE);
#define NO_NULL(F) F(foreign_key, other, NoNull, .on_delete = CZ_SET_NULL)
CZ_MODEL(NoNull, NO_NULL);
#define NO_DEFAULT(F) F(foreign_key, other, NoDefault, .on_delete = CZ_SET_DEFAULT)
CZ_MODEL(NoDefault, NO_DEFAULT);
#define ACTOR_OF_INT(F) F(int_field, who, .auto_actor = true)
CZ_MODEL(ActorOfInt, ACTOR_OF_INT);
#define MARK_OF_DAY(F) F(date_field, gone, .null = true, .marks_deleted = true)
CZ_MODEL(MarkOfDay, MARK_OF_DAY);
#define MARK_NOT_NULL(F) F(datetime_field, gone, .marks_deleted = true)
CZ_MODEL(MarkNotNull, MARK_NOT_NULL);
#define MARK_ALONE(F) F(bool_field, gone, .marks_deleted = true)
CZ_MODEL(MarkAlone, MARK_ALONE);
#define MARKED_TWICE(F)                                                                            \
    CZ_SOFT_DELETED(F)                                                                             \
    F(datetime_field, gone, .null = true, .marks_deleted = true)
CZ_MODEL(MarkedTwice, MARKED_TWICE);
#define DB_NOW_OF_INT(F) F(int_field, seen, .db_default = cz_db_now())
CZ_MODEL(DbNowOfInt, DB_NOW_OF_INT);
#define DB_TEXT_OF_INT(F) F(int_field, seen, .db_default = cz_text("1"))
CZ_MODEL(DbTextOfInt, DB_TEXT_OF_INT);
#define DB_NO_DAY(F) F(date_field, seen, .db_default = cz_text("yesterday"))
CZ_MODEL(DbNoDay, DB_NO_DAY);
#define SQL_AS_DEFAULT(F) F(char_field, seen, .default_ = cz_sql("lower('X')"))
CZ_MODEL(SqlAsDefault, SQL_AS_DEFAULT);
#define UNIQUE_SECRET(F) F(encrypted_field, pin, .unique = true)
CZ_MODEL(UniqueSecret, UNIQUE_SECRET);
#define BARE_NUMBER(F) F(int_field, cents, .min = { 50, 0, 0, 0 })
CZ_MODEL(BareNumber, BARE_NUMBER);
#define WRONG_DEFAULT(F) F(char_field, name, .default_ = cz_int(3))
CZ_MODEL(WrongDefault, WRONG_DEFAULT);
#define NO_NUMBER(F) F(float_field, share, .default_ = cz_real(NAN))
CZ_MODEL(NoNumber, NO_NUMBER);
#define NO_END(F) F(float_field, share, .db_default = cz_real(INFINITY))
CZ_MODEL(NoEnd, NO_END);
#define NO_CHOICE(F) F(char_field, size, .choices = CZ_CHOICES(SIZES), .default_ = cz_text("huge"))
CZ_MODEL(NoChoice, NO_CHOICE);
#define UPSIDE_DOWN(F) F(int_field, cents, .min = cz_int(5), .max = cz_int(4))
CZ_MODEL(UpsideDown, UPSIDE_DOWN);
#define RANGE_OF_TEXT(F) F(char_field, name, .max = cz_int(4))
CZ_MODEL(RangeOfText, RANGE_OF_TEXT);
#define CHOICES_OF_INT(F) F(int_field, size, .choices = CZ_CHOICES(SIZES))
CZ_MODEL(ChoicesOfInt, CHOICES_OF_INT);
#define REGEX_OF_INT(F) F(int_field, size, .regex = "^1")
CZ_MODEL(RegexOfInt, REGEX_OF_INT);
#define REGEX_OF_KEY(F) F(foreign_key, other, RegexOfKey, .on_delete = CZ_CASCADE, .regex = "^1")
CZ_MODEL(RegexOfKey, REGEX_OF_KEY);
#define REGEX_OF_CHOICES(F) F(char_field, size, .choices = CZ_CHOICES(SIZES), .regex = "^1")
CZ_MODEL(RegexOfChoices, REGEX_OF_CHOICES);
#define BROKEN_REGEX(F) F(char_field, name, .regex = "(a")
CZ_MODEL(BrokenRegex, BROKEN_REGEX);
#define MESSAGE_ALONE(F) F(char_field, name, .regex_message = "No.")
CZ_MODEL(MessageAlone, MESSAGE_ALONE);
#define LONG_LEAST(F) F(slug_field, name, .min_length = 51)
CZ_MODEL(LongLeast, LONG_LEAST);
#define REGEX_OF_SLUG(F) F(slug_field, name, .regex = "^a")
CZ_MODEL(RegexOfSlug, REGEX_OF_SLUG);
#define HTML_OF_DATE(F) F(date_field, day, .html = &cz_html_basic)
CZ_MODEL(HtmlOfDate, HTML_OF_DATE);
static const cz_html_rules SCRIPTS = { .tags = "b script" };
#define UNSAFE_HTML(F) F(text_field, body, .html = &SCRIPTS)
CZ_MODEL(UnsafeHtml, UNSAFE_HTML);
#define NOW_OF_DATE(F) F(date_field, day, .auto_now = true)
CZ_MODEL(NowOfDate, NOW_OF_DATE);
#define LONG_NAME(F) F(int_field, a123456789012345678901234567890123456789012345678901234567890)
CZ_MODEL(LongName, LONG_NAME);
#define TO_STRANGER(F) F(foreign_key, stranger, Stranger, .on_delete = CZ_CASCADE)
CZ_MODEL(ToStranger, TO_STRANGER);
#define STRANGER(F) F(reverse, from, ToStranger, nothing)
CZ_MODEL(Stranger, STRANGER);

#define RULED(F) F(int_field, cents)
#define TEXT_FOR_KEY(F)                                                                            \
    F(foreign_key, other, Ruled, .default_ = cz_text("one"), .on_delete = CZ_CASCADE)
CZ_MODEL(Ruled, RULED);
CZ_MODEL(TextForKey, TEXT_FOR_KEY);
CZ_MODEL(EmptyIndex, RULED, .indexes = CZ_INDEXES({ .name = "x" }));
CZ_MODEL(NamelessIndex, RULED, .indexes = CZ_INDEXES({ .expressions = "abs(\"cents\")" }));
CZ_MODEL(TwoLists, RULED,
         .indexes = CZ_INDEXES({ .fields = CZ_FIELDS(TwoLists, cents),
                                 .order = CZ_ORDER_BY(CZ_DESC(TwoLists, cents)) }));
CZ_MODEL(NoMethod, RULED,
         .indexes = CZ_INDEXES({ .fields = CZ_FIELDS(NoMethod, cents), .method = "bitmap" }));
#define WORDS(F)                                                                                   \
    F(int_field, cents)                                                                            \
    F(text_field, words)                                                                           \
    F(encrypted_field, secret)
CZ_MODEL(NumberSearch, WORDS,
         .indexes = CZ_INDEXES({ .search = "english", .fields = CZ_FIELDS(NumberSearch, cents) }));
CZ_MODEL(SecretSearch, WORDS,
         .indexes = CZ_INDEXES({ .search = "simple", .fields = CZ_FIELDS(SecretSearch, secret) }));
CZ_MODEL(TwoSearches, WORDS,
         .indexes = CZ_INDEXES({ .search = "simple", .fields = CZ_FIELDS(TwoSearches, words) },
                               { .search = "english", .fields = CZ_FIELDS(TwoSearches, words) }));
CZ_MODEL(NoLanguage, WORDS,
         .indexes = CZ_INDEXES({ .search = "englsh", .fields = CZ_FIELDS(NoLanguage, words) }));
CZ_MODEL(HostileLanguage, WORDS,
         .indexes = CZ_INDEXES({ .search = "my_english'",
                                 .fields = CZ_FIELDS(HostileLanguage, words) }));
CZ_MODEL(EmptyLanguage, WORDS,
         .indexes = CZ_INDEXES({ .search = "", .fields = CZ_FIELDS(EmptyLanguage, words) }));
CZ_MODEL(WeightlessSearch, WORDS,
         .indexes = CZ_INDEXES({ .weights = "A", .fields = CZ_FIELDS(WeightlessSearch, words) }));
CZ_MODEL(FewWeights, WORDS,
         .indexes = CZ_INDEXES({ .search = "simple",
                                 .weights = "AE",
                                 .fields = CZ_FIELDS(FewWeights, words, words) }));
CZ_MODEL(PartOfSearch, WORDS,
         .indexes = CZ_INDEXES({ .search = "simple",
                                 .fields = CZ_FIELDS(PartOfSearch, words),
                                 .condition = "\"cents\" > 0" }));
CZ_MODEL(OthersSearch, WORDS, .unmanaged = true,
         .indexes = CZ_INDEXES({ .search = "simple", .fields = CZ_FIELDS(OthersSearch, words) }));
CZ_MODEL(RandomIndex, RULED, .indexes = CZ_INDEXES({ .order = CZ_ORDER_BY(CZ_RANDOM) }));
CZ_MODEL(NamelessRule, RULED, .constraints = CZ_CONSTRAINTS({ .check = "\"cents\" > 0" }));
CZ_MODEL(TwoUniques, RULED,
         .constraints = CZ_CONSTRAINTS({ .name = "x",
                                         .expressions = "lower(\"cents\")",
                                         .unique = CZ_FIELDS(TwoUniques, cents) }));
CZ_MODEL(TwoRules, RULED,
         .constraints = CZ_CONSTRAINTS(
             { .name = "x", .check = "\"cents\" > 0", .unique = CZ_FIELDS(TwoRules, cents) }));
CZ_MODEL(SameName, RULED,
         .constraints = CZ_CONSTRAINTS({ .name = "x", .check = "1 = 1" },
                                       { .name = "x", .check = "2 = 2" }));
#define TEN "1234567890"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
CZ_MODEL(NamelessPermission, RULED, .permissions = CZ_MODEL_PERMISSIONS({ .codename = "lend" }));
CZ_MODEL(PermissionOfNothing, RULED,
         .permissions = CZ_MODEL_PERMISSIONS({ .codename = "", .name = "Can do nothing" }));
CZ_MODEL(LongCodename, RULED, .permissions = CZ_MODEL_PERMISSIONS({ HUNDRED "x", "Can lend" }));
CZ_MODEL(LongPermission, RULED,
         .permissions = CZ_MODEL_PERMISSIONS({ "lend", HUNDRED HUNDRED HUNDRED }));
CZ_MODEL(SamePermission, RULED,
         .permissions = CZ_MODEL_PERMISSIONS({ "lend", "Can lend" }, { "lend", "Can lend out" }));
CZ_MODEL(DefaultPermission, RULED,
         .permissions = CZ_MODEL_PERMISSIONS({ "view_defaultpermission", "Can look" }));
CZ_MODEL(ChosenPermission, RULED, .default_permissions = "read  write ",
         .permissions = CZ_MODEL_PERMISSIONS({ "write_chosenpermission", "Can look" }));

#define LINKED(F)                                                                                  \
    F(many_to_many, a234567890123456789012345678901234567890123456789, Linked)                     \
    F(many_to_many, a23456789012345678901234567890123456789012345678901, Linked)
CZ_MODEL(Linked, LINKED);
#define LINKED_SHORT(F)                                                                            \
    F(many_to_many, a23456789012345678901234567890123456789012345678901, Shortened,                \
      .table = "short_links")
CZ_MODEL(Shortened, LINKED_SHORT);
#define LINKED_LONG(F)                                                                             \
    F(many_to_many, others, A2345678901234567890123456789012345678901234567890123,                 \
      .table = "long_links")
CZ_MODEL(A2345678901234567890123456789012345678901234567890123, LINKED_LONG, .table = "long");

CZ_TEST(a_model_that_cannot_work_stops_the_start_with_its_field)
{
    const struct {
        cz_model *models[2];
        size_t count;
        const char *message;
    } cases[] = {
        { { &NoRule__model },
          1,
          "NoRule.other: a foreign key must say on_delete: CZ_CASCADE, CZ_PROTECT, CZ_RESTRICT, "
          "CZ_SET_NULL, CZ_SET_DEFAULT or CZ_DO_NOTHING" },
        { { &NoNull__model },
          1,
          "NoNull.other: on_delete is CZ_SET_NULL, so it needs .null = true" },
        { { &NoDefault__model },
          1,
          "NoDefault.other: on_delete is CZ_SET_DEFAULT, so it needs a default, or .null = true" },
        { { &ActorOfInt__model },
          1,
          "ActorOfInt.who: auto_actor and auto_actor_add are for text fields" },
        { { &MarkOfDay__model },
          1,
          "MarkOfDay.gone: marks_deleted is for a datetime that may be NULL and a boolean beside "
          "it" },
        { { &MarkNotNull__model },
          1,
          "MarkNotNull.gone: marks_deleted is for a datetime that may be NULL and a boolean beside "
          "it" },
        { { &MarkAlone__model },
          1,
          "MarkAlone.gone: marks_deleted needs a datetime that does, too" },
        { { &MarkedTwice__model }, 1, "MarkedTwice.gone: is a second field with marks_deleted" },
        { { &DbNowOfInt__model },
          1,
          "DbNowOfInt.seen: cz_db_now() is for datetime and date fields" },
        { { &DbTextOfInt__model }, 1, "DbTextOfInt.seen: .db_default is not of the field's kind" },
        { { &DbNoDay__model },
          1,
          "DbNoDay.seen: db_default = cz_text(\"yesterday\"): Date has wrong format. Use one of "
          "these formats instead: YYYY-MM-DD." },
        { { &SqlAsDefault__model },
          1,
          "SqlAsDefault.seen: .default_ is written cz_int(50), cz_real(0.5), cz_text(\"draft\") or "
          "cz_bool(true)" },
        { { &UniqueSecret__model },
          1,
          "UniqueSecret.pin: an encrypted field is never twice the same: no unique, index or "
          "db_default" },
        { { &BareNumber__model },
          1,
          "BareNumber.cents: .min is written cz_int(50), cz_real(0.5), cz_text(\"draft\") or "
          "cz_bool(true)" },
        { { &WrongDefault__model }, 1, "WrongDefault.name: .default_ is not of the field's kind" },
        { { &NoNumber__model },
          1,
          "NoNumber.share: a default is a finite number: no migration can say others" },
        { { &NoEnd__model },
          1,
          "NoEnd.share: a default is a finite number: no migration can say others" },
        { { &NoChoice__model }, 1, "NoChoice.size: the default is none of the choices" },
        { { &UpsideDown__model }, 1, "UpsideDown.cents: .min is greater than .max" },
        { { &RangeOfText__model }, 1, "RangeOfText.name: .max is not of the field's kind" },
        { { &ChoicesOfInt__model }, 1, "ChoicesOfInt.size: choices are for text fields" },
        { { &RegexOfInt__model },
          1,
          "RegexOfInt.size: .regex, .min_length and .html are for text fields without choices" },
        { { &RegexOfKey__model },
          1,
          "RegexOfKey.other: .regex, .min_length and .html are for text fields without choices" },
        { { &RegexOfChoices__model },
          1,
          "RegexOfChoices.size: .regex, .min_length and .html are for text fields without "
          "choices" },
        { { &HtmlOfDate__model },
          1,
          "HtmlOfDate.day: .regex, .min_length and .html are for text fields without choices" },
        { { &BrokenRegex__model },
          1,
          "BrokenRegex.name: a regular expression is malformed: missing closing parenthesis, at "
          "byte 2" },
        { { &RegexOfSlug__model },
          1,
          "RegexOfSlug.name: a slug has a pattern of its own: want a char_field with .regex" },
        { { &MessageAlone__model }, 1, "MessageAlone.name: .regex_message is of a .regex" },
        { { &LongLeast__model }, 1, "LongLeast.name: .min_length is greater than .max_length" },
        { { &UnsafeHtml__model }, 1, "UnsafeHtml.body: no rules can allow the tag \"script\"" },
        { { &NowOfDate__model },
          1,
          "NowOfDate.day: auto_now and auto_now_add are for datetime fields" },
        { { &LongName__model },
          1,
          "LongName.a123456789012345678901234567890123456789012345678901234567890: a column's name "
          "has at most "
          "60 bytes" },
        { { &ToStranger__model },
          1,
          "ToStranger.stranger: the model Stranger is not in any app's .models" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        char app[16];
        cz_ignore(snprintf(app, sizeof app, "app%zu", i)); /* fits */
        cz_status status = cz__models_add(app, cases[i].models, cases[i].count, &err);
        if (!status)
            status = cz__models_resolve(&err);
        CZ_EXPECT_EQ(status, CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
    }
    cz_model *const stranger[] = { &Stranger__model };
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz__models_add("last", stranger, 1, &err), CZ_OK);
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Stranger.from: ToStranger.nothing is no foreign_key to Stranger");
}

/* Meta is looked at once all models are in, so each of these has a process of its own. */
static void refused(cz_model *model, const char *message)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("bad", &model, 1, &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), message);
}

CZ_TEST(the_default_of_a_foreign_key_is_a_key)
{
    cz_model *const models[] = { &Ruled__model, &TextForKey__model };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("bad", models, 2, &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "TextForKey.other: .default_ is not of the field's kind");
}

CZ_TEST(a_table_of_links_has_a_name_of_some_length)
{
    refused(&Linked__model,
            "Linked.a23456789012345678901234567890123456789012345678901: its links would have the "
            "table bad_linked_a23456789012345678901234567890123456789012345678901, of 62 bytes; a "
            "name has at most 60: name it by .table");
}
CZ_TEST(a_table_of_links_may_be_named)
{
    cz_model *const models[] = { &Shortened__model };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("fine", models, 1, &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_OK);
}
CZ_TEST(a_column_of_links_has_a_name_of_some_length)
{
    refused(&A2345678901234567890123456789012345678901234567890123__model,
            "A2345678901234567890123456789012345678901234567890123.others: its links would have "
            "the column from_a2345678901234567890123456789012345678901234567890123_id, of 61 "
            "bytes; a name has at most 60: go through a model by .through");
}

CZ_TEST(an_index_has_fields)
{
    refused(&EmptyIndex__model, "EmptyIndex: an index has one of .fields, .order and .expressions");
}
CZ_TEST(an_index_of_expressions_has_a_name)
{
    refused(&NamelessIndex__model, "NamelessIndex: an index of .expressions needs a .name");
}
CZ_TEST(an_index_has_one_list)
{
    refused(&TwoLists__model, "TwoLists: an index has one of .fields, .order and .expressions");
}
CZ_TEST(an_index_has_a_method_there_is)
{
    refused(&NoMethod__model, "NoMethod: there is no index method \"bitmap\"");
}
#define REFUSED_SEARCH(Model, says)                                                                \
    CZ_TEST(an_index_of_full_text_has_no_##Model)                                                  \
    {                                                                                              \
        refused(&Model##__model, #Model ": " says);                                                \
    }
REFUSED_SEARCH(NumberSearch, ".search: \"cents\" is no text")
REFUSED_SEARCH(SecretSearch, "indexes: \"secret\" is encrypted")
REFUSED_SEARCH(TwoSearches, "a model has one index with .search")
#define NO_LANGUAGE                                                                                \
    " is no language; say \"english\", or \"simple\" for words as they are. A configuration of "   \
    "your "                                                                                        \
    "own has a \"_\" in its name"
REFUSED_SEARCH(NoLanguage, ".search: \"englsh\"" NO_LANGUAGE)
REFUSED_SEARCH(HostileLanguage, ".search: \"my_english'\"" NO_LANGUAGE)
REFUSED_SEARCH(EmptyLanguage, ".search: \"\"" NO_LANGUAGE)
REFUSED_SEARCH(WeightlessSearch, ".weights are for an index with .search")
REFUSED_SEARCH(FewWeights, ".weights: \"AE\" is not one letter from A to D for each of .fields")
REFUSED_SEARCH(PartOfSearch,
               "an index with .search has .fields, and of the rest .name and .weights alone")
REFUSED_SEARCH(OthersSearch, ".search: the table is not managed, so no index of it is made")
CZ_TEST(an_index_is_ordered_by_columns)
{
    refused(&RandomIndex__model, "RandomIndex: an index's .order has fields and directions alone");
}

CZ_TEST(a_constraint_has_a_name)
{
    refused(&NamelessRule__model, "NamelessRule: a constraint without .name");
}

CZ_TEST(a_constraint_is_one_rule)
{
    refused(
        &TwoRules__model,
        "TwoRules: the constraint x has either .check, or .unique or .expressions with or without "
        ".condition");
}

CZ_TEST(a_constraint_is_unique_in_columns_or_expressions)
{
    refused(&TwoUniques__model,
            "TwoUniques: the constraint x has either .check, or .unique or .expressions with or "
            "without .condition");
}

CZ_TEST(a_models_constraints_differ_by_name)
{
    refused(&SameName__model, "SameName: two constraints are called x");
}

CZ_TEST(a_permission_has_a_codename_and_a_name)
{
    refused(&NamelessPermission__model,
            "NamelessPermission: a permission without .codename or .name");
}
CZ_TEST(a_permission_has_a_codename)
{
    refused(&PermissionOfNothing__model,
            "PermissionOfNothing: a permission without .codename or .name");
}
CZ_TEST(a_codename_has_a_length)
{
    refused(&LongCodename__model,
            "LongCodename: the permission " HUNDRED "x: a codename has at most 100 characters");
}
CZ_TEST(a_permissions_name_has_a_length)
{
    refused(&LongPermission__model,
            "LongPermission: the permission lend: a name has at most 255 characters");
}
CZ_TEST(a_models_permissions_differ)
{
    refused(&SamePermission__model, "SamePermission: two permissions are called lend");
}
CZ_TEST(a_permission_is_none_of_the_defaults)
{
    refused(&DefaultPermission__model,
            "DefaultPermission: the permission view_defaultpermission is one of "
            ".default_permissions already");
}
CZ_TEST(a_permission_is_none_of_the_models_own_defaults)
{
    refused(&ChosenPermission__model,
            "ChosenPermission: the permission write_chosenpermission is one of "
            ".default_permissions already");
}
