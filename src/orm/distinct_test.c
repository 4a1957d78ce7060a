/* Distinct values and what may order them: the same on both databases. */
#include "orm/orm_testing.h"

#define BREWER(F) F(char_field, name)
CZ_MODEL(Brewer, BREWER, .ordering = CZ_ORDER_BY(CZ_ASC(Brewer, name)));

#define BEER(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(foreign_key, brewer, Brewer, .on_delete = CZ_CASCADE)                                        \
    F(int_field, stars)
CZ_MODEL(Beer, BEER, .ordering = CZ_ORDER_BY(CZ_DESC(Beer, stars), CZ_ASC(Beer, brewer->name)));

static const struct cz__orm_test cellar = { "cellar", CZ_MODELS(Brewer, Beer) };

#define INSCRIPTION(F)                                                                             \
    F(char_field, text)                                                                            \
    F(big_int_field, count)
CZ_RECORD(Inscription, INSCRIPTION);

static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Brewer *ann = cz_create(c, Brewer, (name, "Ann")), *bob = cz_create(c, Brewer, (name, "Bob"));
    cz_create(c, Beer, (name, "Ale"), (brewer, ann->id), (stars, 1));
    cz_create(c, Beer, (name, "Bock"), (brewer, bob->id), (stars, 2));
    cz_create(c, Beer, (name, "Amber"), (brewer, bob->id), (stars, 3));
    cz_create(c, Beer, (name, "Ale"), (brewer, bob->id), (stars, 4));
}

static void expect_texts(cz_ctx *c, int line, const char *expected, cz_rows(Inscription) labels)
{
    cz_str found = CZ_STR("");
    for (size_t i = 0; i < labels.count; i++)
        found = cz_format(c, "%.*s%s%.*s", CZ_STR_ARG(found), i ? " " : "",
                          CZ_STR_ARG(labels.items[i].text));
    if (!cz_str_eq(found, cz_str_from(expected)))
        cz__test_fail(__FILE__, line, "found \"%.*s\", expected \"%s\"", CZ_STR_ARG(found),
                      expected);
}
/* The distinct texts that an expression gives. */
#define EXPECT_TEXTS(expected, e, ...)                                                             \
    expect_texts(c, __LINE__, expected,                                                            \
                 cz_values(c, Inscription, Beer, .values = CZ_AS(Inscription, (text, e)),          \
                           .distinct = true, __VA_ARGS__))
#define FIRST_LETTER CZ_LEFT(CZ_F(Beer, name), 1)
#define PLACE CZ_WINDOW(CZ_DENSE_RANK, .order_by = CZ_ORDER_BY(CZ_ASC(Beer, name)))

static void ordered(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    EXPECT_TEXTS("Bock Amber Ale", CZ_F(Beer, name), .order_by = CZ_ORDER_BY(CZ_DESC(Beer, name)));
    EXPECT_TEXTS("Bob Ann", CZ_F(Beer, brewer->name),
                 .order_by = CZ_ORDER_BY(CZ_DESC(Beer, brewer->name)));
    /* expressions with the same values are the same; their parameters are others */
    EXPECT_TEXTS("B A", FIRST_LETTER, .order_by = CZ_ORDER_BY(CZ_DESC_OF(FIRST_LETTER)));
    EXPECT_TEXTS("B", FIRST_LETTER, .order_by = CZ_ORDER_BY(CZ_DESC_OF(FIRST_LETTER)),
                 .where = CZ_Q(Beer, stars, LT, 4), .limit = 1);
    EXPECT_TEXTS("A", FIRST_LETTER, .order_by = CZ_ORDER_BY(CZ_DESC_OF(FIRST_LETTER)),
                 .where = CZ_QE(PLACE, LT, 3));
    cz_rows(Inscription) labels = cz_values(
        c, Inscription, Beer,
        .values = CZ_AS(Inscription, (text, CZ_F(Beer, brewer->name)), (count, CZ_COUNT_ROWS)),
        .distinct = true,
        .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_COUNT_ROWS), CZ_ASC(Beer, brewer->name)));
    CZ_REQUIRE(labels.count == 2);
    CZ_EXPECT(labels.items[0].count == 3 && labels.items[1].count == 1);
    labels = cz_values(c, Inscription, Beer, .values = CZ_AS(Inscription, (text, CZ_F(Beer, name))),
                       .distinct = true, .order_by = CZ_ORDER_BY(CZ_RANDOM), .limit = 9);
    CZ_EXPECT_EQ(labels.count, 3);
    labels = cz_values(c, Inscription, Beer, .distinct = true,
                       .values = CZ_AS(Inscription, (count, CZ_F(Beer, brewer))),
                       .order_by = CZ_ORDER_BY(CZ_DESC(Beer, brewer_id)));
    CZ_EXPECT(labels.count == 2 && labels.items[0].count > labels.items[1].count);
    /* what a refusal proposes */
    labels = cz_values(c, Inscription, Beer, .values = CZ_AS(Inscription, (text, CZ_F(Beer, name))),
                       .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_MAX(CZ_F(Beer, stars)))));
    expect_texts(c, __LINE__, "Ale Amber Bock", labels);
}

CZ_DATABASE_TEST(distinct_values_are_ordered_by_any_of_them)
{
    cz__orm_test_run(&cellar, ordered);
}

static int64_t count_named(cz_ctx *c, int64_t most, cz_order_list order)
{
    return cz_count(c, Beer,
                    .where = CZ_Q(Beer, name, IN,
                                  CZ_SUBQUERY(CZ_F(Beer, name), Beer, .distinct = true,
                                              .order_by = order, .limit = most)));
}

static void sliced(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_EQ(count_named(c, 2, (cz_order_list)CZ_ORDER_BY(CZ_ASC(Beer, name))), 3);
    CZ_EXPECT_EQ(count_named(c, 2, (cz_order_list)CZ_ORDER_BY(CZ_DESC(Beer, name))), 2);
    /* the model's own order is of what is none of the values */
    CZ_EXPECT_EQ(count_named(c, 3, (cz_order_list){ 0 }), 4);
    CZ_EXPECT_EQ(
        cz_count(c, Beer,
                 .where = CZ_Q(Beer, stars, EXACT,
                               CZ_SUBQUERY(CZ_F(Beer, stars), Beer, .distinct = true, .offset = 3,
                                           .where = CZ_Q(Beer, brewer->name, GT, "A")))),
        1);
    CZ_EXPECT_EQ(
        cz_count(c, Beer,
                 .where = CZ_QE(FIRST_LETTER, IN,
                                CZ_SUBQUERY(FIRST_LETTER, Beer, .distinct = true, .limit = 1,
                                            .order_by = CZ_ORDER_BY(CZ_DESC_OF(FIRST_LETTER))))),
        1);
    /* kept where it is of them */
    Beer *last =
        cz_get(c, Beer,
               .where = CZ_Q(Beer, stars, IN,
                             CZ_SUBQUERY(CZ_F(Beer, stars), Beer, .distinct = true, .limit = 1)));
    CZ_EXPECT_EQ(last->stars, 4);
}

CZ_DATABASE_TEST(a_slice_of_distinct_values_in_a_subquery_is_ordered_by_the_value)
{
    cz__orm_test_run(&cellar, sliced);
}

static void by_other(cz_ctx *c, void *arg)
{
    (void)arg;
    EXPECT_TEXTS("", CZ_F(Beer, name),
                 .order_by = CZ_ORDER_BY(CZ_ASC(Beer, name), CZ_ASC(Beer, stars)));
}
static void by_order_of_relation(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_values(c, Inscription, Beer, .values = CZ_AS(Inscription, (count, CZ_F(Beer, brewer))),
              .distinct = true, .order_by = CZ_ORDER_BY(CZ_DESC(Beer, brewer)));
}
static void by_other_letter(cz_ctx *c, void *arg)
{
    (void)arg;
    EXPECT_TEXTS("", FIRST_LETTER,
                 .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_LEFT(CZ_F(Beer, name), 2))));
}
static void by_other_window(cz_ctx *c, void *arg)
{
    (void)arg;
    EXPECT_TEXTS("", CZ_F(Beer, name), .where = CZ_QE(PLACE, LT, 3),
                 .order_by = CZ_ORDER_BY(CZ_ASC_OF(PLACE)));
}
static void by_random_and_more(cz_ctx *c, void *arg)
{
    (void)arg;
    EXPECT_TEXTS("", CZ_F(Beer, name), .order_by = CZ_ORDER_BY(CZ_ASC(Beer, name), CZ_RANDOM));
}
static void rows_by_random_and_more(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Beer, .distinct = true, .order_by = CZ_ORDER_BY(CZ_ASC(Beer, name), CZ_RANDOM));
}
static void slice_by_other(cz_ctx *c, void *arg)
{
    (void)arg;
    count_named(c, 3, Beer__model.meta.ordering);
}
static void slice_by_random(cz_ctx *c, void *arg)
{
    (void)arg;
    count_named(c, 3, (cz_order_list)CZ_ORDER_BY(CZ_RANDOM));
}

#define WHAT_TO_DO                                                                                 \
    ", which is none of them: order by a value, adding it to .values, or leave out .distinct and " \
    "order by CZ_MIN() or CZ_MAX() of it"
#define ONLY_RANDOM                                                                                \
    "distinct rows of Beer ordered by CZ_RANDOM and more: it is their only order, outside of "     \
    "subqueries, or none"

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    /* the same in shape as two of those refused, which find no plan of theirs */
    EXPECT_TEXTS("A B", FIRST_LETTER, .order_by = CZ_ORDER_BY(CZ_ASC_OF(FIRST_LETTER)));
    CZ_EXPECT_EQ(count_named(c, 3, (cz_order_list){ 0 }), 4);
    static const struct cz__orm_test_refusal cases[] = {
        { by_other, CZ_EINVAL, "distinct values of Beer ordered by \"stars\"" WHAT_TO_DO },
        { by_order_of_relation, CZ_EINVAL,
          "distinct values of Beer ordered by \"brewer->name\"" WHAT_TO_DO },
        { by_other_letter, CZ_EINVAL,
          "distinct values of Beer ordered by an expression" WHAT_TO_DO },
        { by_other_window, CZ_EINVAL,
          "distinct values of Beer ordered by an expression" WHAT_TO_DO },
        { by_random_and_more, CZ_EINVAL, ONLY_RANDOM },
        { rows_by_random_and_more, CZ_EINVAL, ONLY_RANDOM },
        { slice_by_other, CZ_EINVAL,
          "distinct values of Beer ordered by \"stars\", which is none of them: order by the "
          "value, or leave out .distinct and order by CZ_MIN() or CZ_MAX() of it" },
        { slice_by_random, CZ_EINVAL, ONLY_RANDOM },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
}

CZ_DATABASE_TEST(distinct_values_ordered_by_something_else_are_refused)
{
    cz__orm_test_run(&cellar, mistakes);
}
