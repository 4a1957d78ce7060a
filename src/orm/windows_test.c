/* Conditions on windows: what a window says is known only when the rows are, so they choose afterwards. */
#include "orm/orm_testing.h"
#include <calzone/expressions.h>
#include <calzone/relations.h>

CZ_MODEL_FORWARD(Skater)

#define TROUPE(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(reverse, skaters, Skater, club)
CZ_MODEL(Troupe, TROUPE);

#define SKATER(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(foreign_key, club, Troupe, .null = true, .on_delete = CZ_CASCADE)                            \
    F(int_field, points)
CZ_MODEL(Skater, SKATER, .ordering = CZ_ORDER_BY(CZ_DESC(Skater, points)));

#define PLACED(F) F(char_field, name) F(big_int_field, place)
CZ_RECORD(Placed, PLACED);

static const struct cz__orm_test rink = { "rink", CZ_MODELS(Troupe, Skater) };

/* Of club a: Ann 9, Bea 7, Cat 5; of b: Dee 8, Eve 6; of none: Fay 4. */
static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    static const struct {
        const char *name;
        int club, points;
    } skaters[] = { { "Ann", 1, 9 }, { "Dee", 2, 8 }, { "Bea", 1, 7 },
                    { "Eve", 2, 6 }, { "Cat", 1, 5 }, { "Fay", 0, 4 } };
    Troupe *clubs[] = { NULL, cz_create(c, Troupe, (name, "a")),
                        cz_create(c, Troupe, (name, "b")) };
    for (size_t i = 0; i < CZ_COUNT(skaters); i++) {
        Skater *skater = cz_row_new(c, Skater);
        cz_set(c, skater, name, skaters[i].name);
        cz_set(c, skater, points, skaters[i].points);
        if (skaters[i].club)
            cz_set(c, skater, club, clubs[skaters[i].club]->id);
        cz_save(c, skater);
    }
}

#define PLACE                                                                                      \
    CZ_WINDOW(CZ_ROW_NUMBER, .partition_by = CZ_EXPRS(CZ_F(Skater, club)),                         \
              .order_by = CZ_ORDER_BY(CZ_DESC(Skater, points)))
#define BEST(n) CZ_QE(PLACE, LTE, (n))

static cz_str names(cz_ctx *c, cz_rows(Skater) rows)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < rows.count; i++)
        text = cz_format(c, "%.*s%s%.*s", CZ_STR_ARG(text), i ? " " : "",
                         CZ_STR_ARG(rows.items[i].name));
    return text;
}
#define EXPECT_NAMES(expected, ...)                                                                \
    CZ_EXPECT_STR(names(c, cz_select(c, Skater, __VA_ARGS__)), expected)

static void selected(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    EXPECT_NAMES("Ann Dee Bea Eve Fay", .where = BEST(2));
    EXPECT_NAMES("Ann Dee Fay", .where = CZ_WHERE(BEST(1)));
    /* what is no window chooses before it, in either place */
    EXPECT_NAMES("Dee Bea Fay", .where = CZ_WHERE(BEST(1), CZ_Q(Skater, points, LT, 9)));
    EXPECT_NAMES("Dee Bea Fay", .where = CZ_WHERE(CZ_Q(Skater, points, LT, 9), BEST(1)));
    /* beside a window it is asked afterwards; so is a NOT; two windows */
    EXPECT_NAMES("Ann Dee Cat Fay", .where = CZ_OR(BEST(1), CZ_Q(Skater, name, EXACT, "Cat")));
    EXPECT_NAMES("Bea Eve Cat", .where = CZ_NOT(BEST(1)));
    EXPECT_NAMES("Bea Eve", .where = CZ_WHERE(
                                BEST(2), CZ_Q(Skater, points, GT, 3),
                                CZ_QE(CZ_WINDOW(CZ_LAG(CZ_F(Skater, points), 1),
                                                .partition_by = CZ_EXPRS(CZ_F(Skater, club)),
                                                .order_by = CZ_ORDER_BY(CZ_DESC(Skater, points))),
                                      ISNULL, false)));
    /* order, over a relation and by a window, and slices */
    EXPECT_NAMES("Fay Dee Eve Ann Bea", .where = BEST(2),
                 .order_by = CZ_ORDER_BY(CZ_DESC(Skater, club->name, .nulls = CZ_NULLS_FIRST),
                                         CZ_ASC_OF(PLACE)));
    EXPECT_NAMES("Bea Eve", .where = BEST(2), .limit = 2, .offset = 2);
    EXPECT_NAMES("Ann Dee Bea Eve Fay", .where = BEST(2), .distinct = true);
    EXPECT_NAMES("Dee Eve", .where = CZ_WHERE(BEST(2), CZ_Q(Skater, club->name, EXACT, "b")));
    cz_rows(Skater) rows =
        cz_select(c, Skater, .where = BEST(1), .related = CZ_RELATED(Skater, club),
                  .only = CZ_FIELDS(Skater, name, club), .strict = true);
    CZ_REQUIRE(rows.count == 3);
    CZ_EXPECT(cz_str_eq(CZ_REL(c, &rows.items[1], club)->name, CZ_STR("b")));
    CZ_EXPECT(!CZ_REL(c, &rows.items[2], club));
    CZ_EXPECT_EQ(cz_count(c, Skater, .where = BEST(2)), 5);
    CZ_EXPECT_EQ(cz_count(c, Skater, .where = BEST(2), .offset = 1, .limit = 3), 3);
    CZ_EXPECT_EQ(cz_count(c, Skater, .where = BEST(2), .distinct = true), 5);
    CZ_EXPECT(cz_exists(c, Skater, .where = CZ_QE(PLACE, EXACT, 3)));
    CZ_EXPECT(!cz_exists(c, Skater, .where = CZ_QE(PLACE, EXACT, 4)));
    Skater *first = cz_first(c, Skater, .where = CZ_QE(PLACE, EXACT, 2));
    CZ_EXPECT(first && cz_str_eq(first->name, CZ_STR("Bea")));
    first = cz_get(c, Skater, .where = CZ_QE(PLACE, EXACT, 3));
    CZ_EXPECT(cz_str_eq(first->name, CZ_STR("Cat")));
    CZ_EXPECT(cz_explain(c, Skater, .where = BEST(1)).len);
}

CZ_DATABASE_TEST(a_condition_on_a_window_chooses_among_the_rows_it_was_computed_from)
{
    cz__orm_test_run(&rink, selected);
}

static void elsewhere(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    /* the values are those of before, too */
    cz_rows(Placed) placed = cz_values(
        c, Placed, Skater, .values = CZ_AS(Placed, (name, CZ_F(Skater, name)), (place, PLACE)),
        .where = CZ_QE(PLACE, GTE, 2), .order_by = CZ_ORDER_BY(CZ_ASC(Skater, name)));
    CZ_REQUIRE(placed.count == 3);
    CZ_EXPECT(placed.items[0].place == 2 && placed.items[1].place == 3 &&
              placed.items[2].place == 2);
    placed = cz_values(c, Placed, Skater, .values = CZ_AS(Placed, (place, PLACE)), .where = BEST(2),
                       .distinct = true, .order_by = CZ_ORDER_BY(CZ_ASC_OF(PLACE)));
    CZ_EXPECT(placed.count == 2 && placed.items[1].place == 2);
    /* in subqueries of each kind */
    EXPECT_NAMES("Ann Bea",
                 .where = CZ_WHERE(CZ_Q(Skater, club->name, EXACT, "a"),
                                   CZ_Q(Skater, id, IN,
                                        CZ_SUBQUERY(CZ_F(Skater, id), Skater, .where = BEST(2)))));
    EXPECT_NAMES("Ann Bea Cat",
                 .where = CZ_EXISTS(
                     Skater, .where = CZ_WHERE(CZ_QE(PLACE, EXACT, 3),
                                               CZ_Q(Skater, club, EXACT, CZ_OUTER(Skater, club)))));
    EXPECT_NAMES(
        "Bea",
        .where = CZ_QE(
            CZ_SUBQUERY(CZ_F(Skater, name), Skater,
                        .where = CZ_QE(CZ_WINDOW(CZ_ROW_NUMBER,
                                                 .order_by = CZ_ORDER_BY(CZ_DESC(Skater, points))),
                                       EXACT, 3)),
            EXACT, CZ_F(Skater, name)));
    /* rows behind others, in parts, changed and deleted */
    Troupe *club = cz_get(c, Troupe, .where = CZ_Q(Troupe, name, EXACT, "a"));
    CZ_EXPECT_STR(names(c, cz_related(c, Skater, club, skaters, .where = BEST(2))), "Ann Bea");
    size_t seen = 0;
    cz_iterator *all = cz_iterator_begin(c, Skater, 2, .where = BEST(2));
    for (cz_rows(Skater) part; (part = cz_iterator_next(all, Skater)).count;)
        seen += part.count;
    CZ_EXPECT_EQ(seen, 5);
    cz_chunks *chunks = cz_chunks_begin(c, Skater, 1, .where = CZ_NOT(BEST(1)));
    for (seen = 0; cz_chunks_next(chunks, Skater).count;)
        seen++;
    CZ_EXPECT_EQ(seen, 3);
    CZ_EXPECT_EQ(cz_update(c, Skater, BEST(1), (points, CZ_ADD(CZ_F(Skater, points), 100))), 3);
    EXPECT_NAMES("Ann Dee Fay", .where = CZ_Q(Skater, points, GT, 100));
    CZ_EXPECT_EQ(cz_delete(c, Skater, CZ_NOT(BEST(1))), 3);
    CZ_EXPECT_EQ(cz_count(c, Skater), 3);
}

CZ_DATABASE_TEST(conditions_on_windows_stand_in_values_subqueries_and_changes)
{
    cz__orm_test_run(&rink, elsewhere);
}

#define SHARE(F) F(big_int_field, skaters) F(big_int_field, place) F(int_field, points)
CZ_RECORD(Share, SHARE);

static void of_groups(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    /* what a window reads outside aggregates is grouped by, as in Django */
    cz_rows(Share) shares = cz_values(
        c, Share, Skater, .where = CZ_Q(Skater, club, ISNULL, false),
        .values = CZ_AS(
            Share, (skaters, CZ_COUNT_ROWS),
            (place, CZ_WINDOW(CZ_RANK, .order_by = CZ_ORDER_BY(CZ_ASC(Skater, club->name)))),
            (points, CZ_WINDOW(CZ_SUM(CZ_SUM(CZ_F(Skater, points))),
                               .partition_by = CZ_EXPRS(CZ_LOWER(CZ_F(Skater, club->name)))))),
        .order_by = CZ_ORDER_BY(
            CZ_DESC_OF(CZ_WINDOW(CZ_RANK, .order_by = CZ_ORDER_BY(CZ_ASC(Skater, club->name))))));
    CZ_REQUIRE(shares.count == 2);
    CZ_EXPECT(shares.items[0].skaters == 2 && shares.items[0].place == 2);
    CZ_EXPECT_EQ(shares.items[0].points, 14);
    CZ_EXPECT(shares.items[1].skaters == 3 && shares.items[1].place == 1);
    CZ_EXPECT_EQ(shares.items[1].points, 21);
}

CZ_DATABASE_TEST(windows_over_groups_read_what_is_grouped_by)
{
    cz__orm_test_run(&rink, of_groups);
}

#define AMONG_ALL(n)                                                                               \
    CZ_QE(CZ_WINDOW(CZ_ROW_NUMBER, .order_by = CZ_ORDER_BY(CZ_DESC(Skater, points))), EXACT, (n))

static void behind_each(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    /* rows behind several are read together; a window is of one's alone, as if they were not */
    cz_rows(Troupe) clubs = cz_select(
        c, Troupe, .order_by = CZ_ORDER_BY(CZ_ASC(Troupe, name)),
        .prefetch = CZ_PREFETCH(Troupe, (skaters, Skater, .where = AMONG_ALL(1), .as = "best")));
    const char *const best[] = { "Ann", "Dee" }, *const second[] = { "Bea", "Eve" },
                      *const in_halves[] = { "Cat Ann Bea", "Eve Dee" };
    CZ_REQUIRE(clubs.count == 2);
    for (size_t i = 0; i < clubs.count; i++) {
        Troupe *club = &clubs.items[i];
        CZ_EXPECT_STR(names(c, cz_prefetched(c, Skater, club, skaters, "best")), best[i]);
        CZ_EXPECT_STR(names(c, cz_related(c, Skater, club, skaters, .where = AMONG_ALL(2))),
                      second[i]);
        CZ_EXPECT_STR(
            names(c,
                  cz_related(c, Skater, club, skaters,
                             .order_by = CZ_ORDER_BY(
                                 CZ_DESC_OF(CZ_WINDOW(CZ_NTILE(2), .order_by = CZ_ORDER_BY(
                                                                       CZ_DESC(Skater, points)))),
                                 CZ_DESC(Skater, points)))),
            in_halves[i]);
        CZ_EXPECT_STR(
            names(c,
                  cz_related(c, Skater, club, skaters, .limit = 1,
                             .order_by = CZ_ORDER_BY(
                                 CZ_DESC_OF(CZ_WINDOW(CZ_NTILE(2), .order_by = CZ_ORDER_BY(
                                                                       CZ_DESC(Skater, points)))),
                                 CZ_DESC(Skater, points)))),
            i ? "Eve" : "Cat");
    }
}

CZ_DATABASE_TEST(a_window_over_rows_behind_others_is_of_each_ones)
{
    cz__orm_test_run(&rink, behind_each);
}

static void grouped(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(
        !cz_select(c, Skater, .where = CZ_WHERE(BEST(2), CZ_QE(CZ_COUNT_ROWS, GTE, 1))).count);
}
static void combined(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_select(c, Skater, .where = BEST(2),
                         .combine = CZ_UNION(CZ_QUERY(Skater, .where = CZ_EVERY_ROW)))
                   .count);
}
static void part_combined(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_select(c, Skater, .combine = CZ_UNION(CZ_QUERY(Skater, .where = BEST(2)))).count);
}
static void locked(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_select(c, Skater, .where = BEST(2), .lock = CZ_FOR_UPDATE).count);
}
static void locked_in_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, locked, arg);
}
static void sliced(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(
        !cz_select(c, Troupe,
                   .prefetch = CZ_PREFETCH(Troupe, (skaters, Skater, .where = BEST(2), .limit = 1)))
             .count);
}
static void distinct_inside(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_count(c, Skater,
                        .where = CZ_Q(Skater, points, IN,
                                      CZ_SUBQUERY(CZ_F(Skater, points), Skater, .where = BEST(2),
                                                  .distinct = true))));
}

#define BY_KEYS                                                                                    \
    ": ask by the keys, CZ_Q(Skater, id, IN, CZ_SUBQUERY(CZ_F(Skater, id), Skater, .where = ...))"

static void refused(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    static const struct cz__orm_test_refusal cases[] = {
        { grouped, CZ_EINVAL, "a condition on a window in a query of Skater with groups" BY_KEYS },
        { combined, CZ_EINVAL,
          "a condition on a window in a query of Skater with .combine" BY_KEYS },
        { part_combined, CZ_EINVAL,
          "a condition on a window in a query of Skater with .combine" BY_KEYS },
        { locked_in_block, CZ_EINVAL,
          "a condition on a window in a query of Skater with .lock" BY_KEYS },
        { sliced, CZ_EINVAL,
          "a condition on a window and a slice of each row's Skater: leave out .limit and "
          ".offset, or number them by the window" },
        { distinct_inside, CZ_EINVAL, "a condition on a window in a subquery with .distinct" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_count(c, Skater,
                          .where = CZ_Q(Skater, id, IN,
                                        CZ_SUBQUERY(CZ_F(Skater, id), Skater, .where = BEST(2))),
                          .combine = CZ_UNION(CZ_QUERY(Skater, .where = CZ_EVERY_ROW))),
                 6);
}

CZ_DATABASE_TEST(a_condition_on_a_window_where_it_cannot_be_is_refused)
{
    cz__orm_test_run(&rink, refused);
}
