/* Expressions, aggregates, windows, subqueries, unions: each asked of a small shop whose answers are known. */
#include "orm/orm_testing.h"
#include <math.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Sale)
CZ_MODEL_FORWARD(Ware)

#define MAKER(F)                                                                                   \
    F(char_field, name, .unique = true)                                                            \
    F(reverse, wares, Ware, maker)
CZ_MODEL(Maker, MAKER, .ordering = CZ_ORDER_BY(CZ_DESC(Maker, name)));

#define WARE(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(foreign_key, maker, Maker, .null = true, .on_delete = CZ_CASCADE)                            \
    F(decimal_field, price, .digits = 8, .places = 2)                                              \
    F(decimal_field, tax, .digits = 5, .places = 3, .default_ = cz_text("0.2"))                    \
    F(int_field, stock)                                                                            \
    F(float_field, weight, .null = true)                                                           \
    F(datetime_field, made)                                                                        \
    F(date_field, best_before, .null = true)                                                       \
    F(duration_field, keeps, .null = true)                                                         \
    F(json_field, extra, .default_ = cz_text("{}"))                                                \
    F(ip_field, seller, .default_ = cz_text("10.0.0.7"))                                           \
    F(int_array_field, sizes, .null = true)                                                        \
    F(reverse, sales, Sale, ware)
CZ_MODEL(Ware, WARE);

#define SALE(F)                                                                                    \
    F(foreign_key, ware, Ware, .on_delete = CZ_CASCADE)                                            \
    F(int_field, pieces)
CZ_MODEL(Sale, SALE);

static const struct cz__orm_test shop = { "shop", CZ_MODELS(Maker, Ware, Sale) };

static cz_decimal decimal(const char *text)
{
    cz_decimal d;
    CZ_REQUIRE_OK(cz_decimal_parse(cz_str_from(text), &d));
    return d;
}

static cz_datetime instant(const char *text)
{
    cz_datetime t;
    CZ_REQUIRE_OK(cz_datetime_parse(cz_str_from(text), &t));
    return t;
}

static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Maker *ann = cz_create(c, Maker, (name, "Ann")), *bob = cz_create(c, Maker, (name, "Bob"));
    cz_create(c, Maker, (name, "Cid")); /* makes nothing */
    cz_date day = { 20454 };            /* 2026-01-01 */
    Ware *jam = cz_create(c, Ware, (name, "jam"), (maker, ann->id), (price, decimal("3.50")),
                          (stock, 4), (weight, 0.5), (made, instant("2025-12-29T23:15:07Z")),
                          (best_before, day), (keeps, (cz_duration){ 86400000000 }),
                          (extra, "{\"sugar\":{\"g\":55,\"kind\":\"cane\"},\"tags\":[\"red\",7]}"),
                          (sizes, CZ_INTS(1, 2, 3)));
    Ware *tea =
        cz_create(c, Ware, (name, "Tea"), (maker, ann->id), (price, decimal("12.25")), (stock, 10),
                  (weight, 1.5), (made, instant("2026-02-28T08:00:00Z")), (sizes, CZ_INTS(2)));
    cz_create(c, Ware, (name, "bread"), (maker, bob->id), (price, decimal("2.00")), (stock, 0),
              (made, instant("2026-02-01T00:00:00Z")), (extra, "{\"sugar\":null}"),
              (seller, "2001:db8::7"));
    cz_create(c, Ware, (name, "100%_x"), (price, decimal("99.99")), (stock, 7),
              (made, instant("2024-07-15T12:30:45Z")));
    for (int i = 1; i <= 3; i++)
        cz_create(c, Sale, (ware, jam->id), (pieces, i));
    cz_create(c, Sale, (ware, tea->id), (pieces, 10));
}

static bool same(cz_decimal d, const char *text)
{
    return cz_decimal_compare(d, decimal(text)) == 0;
}

/* The names of the wares that match, in order of their keys: "jam Tea". */
static const char *wares(cz_ctx *c, cz_cond where)
{
    cz_rows(Ware) rows =
        cz_select(c, Ware, .where = where, .order_by = CZ_ORDER_BY(CZ_ASC(Ware, id)));
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < rows.count; i++)
        text = cz_format(c, "%.*s%s%.*s", CZ_STR_ARG(text), i ? " " : "",
                         CZ_STR_ARG(rows.items[i].name));
    return text.ptr;
}
static void expect_wares(cz_ctx *c, int line, const char *names, cz_cond where)
{
    const char *found = wares(c, where);
    if (strcmp(found, names) != 0)
        cz__test_fail(__FILE__, line, "found \"%s\", expected \"%s\"", found, names);
}
#define EXPECT_WARES(names, ...) expect_wares(c, __LINE__, names, __VA_ARGS__)

static void conditions(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    EXPECT_WARES("Tea", CZ_Q(Ware, stock, EXACT, CZ_ADD(CZ_F(Ware, id), 8)));
    EXPECT_WARES("jam Tea bread", CZ_Q(Ware, price, LT, CZ_ADD(CZ_F(Ware, stock), 3)));
    EXPECT_WARES("Tea 100%_x", CZ_QE(CZ_MUL(CZ_F(Ware, price), CZ_F(Ware, stock)), GT, 100));
    EXPECT_WARES("jam", CZ_QE(CZ_MUL(CZ_F(Ware, price), CZ_F(Ware, tax)), EXACT, decimal("0.7")));
    EXPECT_WARES("jam", CZ_QE(CZ_ADD(CZ_F(Ware, price), CZ_F(Ware, tax)), EXACT, decimal("3.7")));
    EXPECT_WARES("bread", CZ_QE(CZ_DIV(CZ_F(Ware, price), 4), LTE, decimal("0.5")));
    EXPECT_WARES("jam Tea 100%_x", CZ_QE(CZ_MOD(CZ_F(Ware, stock), 3), EXACT, 1));
}

CZ_DATABASE_TEST(conditions_compare_expressions)
{
    cz__orm_test_run(&shop, conditions);
}

static void text_and_time(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    EXPECT_WARES("Tea", CZ_QE(CZ_LOWER(CZ_F(Ware, name)), EXACT, "tea"));
    EXPECT_WARES("Tea", CZ_QE(CZ_CONCAT(CZ_F(Ware, maker->name), "'s ", CZ_F(Ware, name)), EXACT,
                              "Ann's Tea"));
    EXPECT_WARES("100%_x", CZ_QE(CZ_CONCAT(CZ_F(Ware, maker->name), "?"), EXACT, "?"));
    EXPECT_WARES("bread", CZ_QE(CZ_SUBSTR(CZ_F(Ware, name), 2, 3), EXACT, "rea"));
    EXPECT_WARES("jam Tea", CZ_QE(CZ_LENGTH(CZ_F(Ware, name)), EXACT, 3));
    EXPECT_WARES("Tea", CZ_QE(CZ_STRPOS(CZ_F(Ware, name), "ea"), EXACT, 2));
    EXPECT_WARES("Tea bread", CZ_QE(CZ_REPLACE(CZ_F(Ware, name), "ea", "o"), CONTAINS, "o"));
    EXPECT_WARES("100%_x", CZ_QE(CZ_RIGHT(CZ_F(Ware, name), 2), EXACT, "_x"));
    EXPECT_WARES("Tea", CZ_Q(Ware, name, STARTSWITH, CZ_LEFT("Tx", 1)));
    EXPECT_WARES("jam", CZ_QE(CZ_CONCAT("x", CZ_F(Ware, name)), ENDSWITH, CZ_VALUE("jam")));
    EXPECT_WARES("jam", CZ_Q(Ware, name, ICONTAINS, CZ_UPPER("AM")));
    EXPECT_WARES("jam bread", CZ_Q(Ware, name, REGEX, "^[a-z]+$"));
    EXPECT_WARES("jam Tea bread", CZ_Q(Ware, name, IREGEX, "^[a-z]+$"));
    EXPECT_WARES("Tea bread", CZ_QE(CZ_YEAR(CZ_F(Ware, made)), EXACT, 2026));
    EXPECT_WARES("jam Tea bread", CZ_QE(CZ_ISO_YEAR(CZ_F(Ware, made)), EXACT, 2026));
    CZ_EXPECT_EQ(cz_count(c, Ware, .where = CZ_QE(CZ_WEEK(CZ_F(Ware, made)), EXACT, 1)), 1);
    EXPECT_WARES("jam", CZ_QE(CZ_QUARTER(CZ_F(Ware, made)), EXACT, 4));
    EXPECT_WARES("100%_x", CZ_QE(CZ_MONTH(CZ_F(Ware, made)), EXACT, 7));
    EXPECT_WARES("jam 100%_x", CZ_QE(CZ_WEEK_DAY(CZ_F(Ware, made)), EXACT, 2)); /* Mondays */
    EXPECT_WARES("bread", CZ_QE(CZ_ISO_WEEK_DAY(CZ_F(Ware, made)), EXACT, 7));
    EXPECT_WARES("jam", CZ_QE(CZ_HOUR(CZ_F(Ware, made)), EXACT, 23));
    EXPECT_WARES("100%_x", CZ_QE(CZ_SECOND(CZ_F(Ware, made)), EXACT, 45));
    EXPECT_WARES("bread", CZ_QE(CZ_DATE_OF(CZ_F(Ware, made)), EXACT, (cz_date){ 20485 }));
    EXPECT_WARES("Tea", CZ_QE(CZ_TIME_OF(CZ_F(Ware, made)), EXACT, (cz_time){ 28800000000 }));
    EXPECT_WARES("Tea bread",
                 CZ_QE(CZ_TRUNC(MONTH, CZ_F(Ware, made)), EXACT, instant("2026-02-01T00:00:00Z")));
    EXPECT_WARES("jam",
                 CZ_QE(CZ_TRUNC(WEEK, CZ_F(Ware, made)), EXACT, instant("2025-12-29T00:00:00Z")));
    EXPECT_WARES("jam", CZ_QE(CZ_TRUNC(YEAR, CZ_F(Ware, best_before)), EXACT, (cz_date){ 20454 }));
    EXPECT_WARES("jam", CZ_QE(CZ_ADD(CZ_F(Ware, made), CZ_F(Ware, keeps)), EXACT,
                              instant("2025-12-30T23:15:07Z")));
    EXPECT_WARES("jam", CZ_QE(CZ_SUB(CZ_F(Ware, made), instant("2025-12-29T23:15:06Z")), EXACT,
                              (cz_duration){ 1000000 }));
    EXPECT_WARES("jam", CZ_QE(CZ_ADD(CZ_F(Ware, keeps), CZ_F(Ware, made)), EXACT,
                              instant("2025-12-30T23:15:07Z")));
    EXPECT_WARES("100%_x", CZ_QE(CZ_SUB(CZ_TIME_OF(CZ_F(Ware, made)), (cz_time){ 45045000000 }),
                                 EXACT, (cz_duration){ 0 }));
    EXPECT_WARES("jam Tea bread 100%_x", CZ_Q(Ware, made, LT, CZ_NOW));
}

CZ_DATABASE_TEST(functions_of_text_and_time)
{
    cz__orm_test_run(&shop, text_and_time);
}

static void choices(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    EXPECT_WARES("bread 100%_x", CZ_QE(CZ_COALESCE(CZ_F(Ware, weight), 0.0), EXACT, 0.0));
    EXPECT_WARES("jam", CZ_QE(CZ_GREATEST(CZ_F(Ware, price), CZ_F(Ware, stock)), EXACT, 4));
    EXPECT_WARES("bread", CZ_QE(CZ_NULLIF(CZ_F(Ware, stock), 0), ISNULL, true));
    EXPECT_WARES("bread", CZ_QE(CZ_CASE("few", CZ_WHEN(CZ_Q(Ware, stock, GTE, 5), "many"),
                                        CZ_WHEN(CZ_Q(Ware, stock, EXACT, 0), "none")),
                                EXACT, "none"));
    EXPECT_WARES("jam 100%_x", CZ_QE(CZ_ROUND(CZ_F(Ware, price), 0), IN,
                                     CZ_DECIMALS(decimal("4"), decimal("100"))));
    EXPECT_WARES("Tea", CZ_QE(CZ_FLOOR(CZ_F(Ware, price)), EXACT, 12));
    EXPECT_WARES("Tea", CZ_QE(CZ_ABS(CZ_SUB(CZ_F(Ware, stock), 20)), EXACT, 10));
    EXPECT_WARES("Tea 100%_x", CZ_XOR(CZ_Q(Ware, stock, GTE, 5), CZ_Q(Ware, name, EXACT, "bread"),
                                      CZ_Q(Ware, stock, EXACT, 0)));
    EXPECT_WARES("jam", CZ_QE(CZ_JSON_INT(CZ_F(Ware, extra), "sugar", "g"), GT, 50));
    EXPECT_WARES("jam", CZ_QE(CZ_JSON_TEXT(CZ_F(Ware, extra), "tags", "0"), EXACT, "red"));
    EXPECT_WARES("jam", CZ_Q(Ware, extra, CONTAINS, "{\"tags\":[7]}"));
    EXPECT_WARES("bread", CZ_Q(Ware, extra, EXACT, "{ \"sugar\" : null }"));
    EXPECT_WARES("jam",
                 CZ_Q(Ware, extra, EXACT,
                      "{\"tags\": [\"red\", 7.0], \"sugar\": {\"kind\": \"cane\", \"g\": 55}}"));
    EXPECT_WARES("", CZ_Q(Ware, extra, EXACT,
                          "{\"tags\": [7, \"red\"], \"sugar\": {\"kind\": \"cane\", \"g\": 55}}"));
    EXPECT_WARES("", CZ_Q(Ware, extra, EXACT, "{\"sugar\": null, \"salt\": null}"));
    EXPECT_WARES("jam Tea bread 100%_x", CZ_Q(Ware, extra, EXACT, CZ_F(Ware, extra)));
    EXPECT_WARES("bread", CZ_Q(Ware, seller, STARTSWITH, "2001:"));
    EXPECT_WARES("bread", CZ_Q(Ware, seller, ICONTAINS, ":DB8:"));
    EXPECT_WARES("jam Tea 100%_x", CZ_Q(Ware, seller, REGEX, "^10[.]"));
    EXPECT_WARES("jam Tea 100%_x", CZ_Q(Ware, seller, EXACT, "10.0.0.7"));
    EXPECT_WARES("jam bread", CZ_Q(Ware, extra, HAS_KEY, "sugar"));
    EXPECT_WARES("jam", CZ_Q(Ware, extra, HAS_KEYS, CZ_STRS("sugar", "tags")));
    EXPECT_WARES("jam bread", CZ_Q(Ware, extra, HAS_ANY_KEYS, CZ_STRS("sugar", "no")));
    EXPECT_WARES("jam", CZ_Q(Ware, sizes, CONTAINS, CZ_INTS(3, 1)));
    EXPECT_WARES("Tea", CZ_Q(Ware, sizes, CONTAINED_BY, CZ_INTS(2, 4)));
    EXPECT_WARES("jam Tea", CZ_Q(Ware, sizes, OVERLAP, CZ_INTS(2, 4)));
    EXPECT_WARES("jam", CZ_QE(CZ_LIST_LENGTH(CZ_F(Ware, sizes)), EXACT, 3));
}

CZ_DATABASE_TEST(choices_documents_and_arrays)
{
    cz__orm_test_run(&shop, choices);
}

static void subqueries(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    EXPECT_WARES("jam Tea", CZ_EXISTS(Sale, .where = CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id))));
    EXPECT_WARES(
        "Tea", CZ_EXISTS(Sale, .where = CZ_WHERE(CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id)),
                                                 CZ_Q(Sale, pieces, GTE, CZ_OUTER(Ware, stock)))));
    CZ_EXPECT_EQ(
        cz_count(c, Maker,
                 .where = CZ_EXISTS(
                     Ware, .where = CZ_WHERE(
                               CZ_EXISTS(Sale, .where = CZ_WHERE(
                                                   CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id)),
                                                   CZ_Q(Sale, pieces, GT, 2))),
                               CZ_Q(Ware, maker, EXACT, CZ_OUTER(Maker, id))))),
        1);
    EXPECT_WARES("jam Tea", CZ_Q(Ware, id, IN, CZ_SUBQUERY(CZ_F(Sale, ware), Sale)));
    EXPECT_WARES("bread 100%_x", CZ_NOT(CZ_Q(Ware, id, IN, CZ_SUBQUERY(CZ_F(Sale, ware), Sale))));
    EXPECT_WARES("jam Tea", CZ_Q(Ware, id, IN,
                                 CZ_SUBQUERY(CZ_F(Sale, ware), Sale, .distinct = true,
                                             .order_by = CZ_ORDER_BY(CZ_DESC(Sale, pieces)))));
    CZ_EXPECT_EQ(
        cz_count(c, Ware,
                 .where = CZ_QE(CZ_SUBQUERY(CZ_F(Sale, pieces), Sale, .distinct = true,
                                            .where = CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id)),
                                            .order_by = CZ_ORDER_BY(CZ_DESC(Sale, id))),
                                GT, 0)),
        2);
    /* of groups, also what other tables have */
    CZ_EXPECT_EQ(
        cz_count(c, Maker,
                 .where = CZ_Q(Maker, name, IN,
                               CZ_SUBQUERY(CZ_CONCAT(CZ_F(Ware, maker->name), CZ_VALUE("")), Ware,
                                           .where = CZ_QE(CZ_COUNT_OF(CZ_F(Ware, sales)), GTE, 1),
                                           .order_by = CZ_ORDER_BY(CZ_ASC(Ware, maker->name))))),
        1);
    EXPECT_WARES(
        "jam",
        CZ_Q(Ware, id, EXACT,
             CZ_SUBQUERY(CZ_F(Ware, id), Ware,
                         .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_COUNT_OF(CZ_F(Ware, sales)))))));
    EXPECT_WARES("jam", CZ_Q(Ware, stock, LT,
                             CZ_SUBQUERY(CZ_SUM(CZ_F(Sale, pieces)), Sale,
                                         .where = CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id)))));
    EXPECT_WARES("Tea", CZ_Q(Ware, stock, EXACT,
                             CZ_SUBQUERY(CZ_F(Sale, pieces), Sale,
                                         .order_by = CZ_ORDER_BY(CZ_DESC(Sale, pieces)))));
    /* over a to-many relation NOT asks about all related rows */
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_NOT(CZ_Q(Maker, wares->name, EXACT, "jam"))), 2);
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_NOT(CZ_Q(Maker, wares->sales->pieces, GT, 2))), 2);
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_Q(Maker, wares, ISNULL, true)), 1);
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_NOT(CZ_Q(Maker, wares, ISNULL, true))), 2);
    /* a plan found again feeds each value to its place */
    for (int i = 0; i < 3; i++) {
        const char *names[] = { "jam", "Tea", "" };
        EXPECT_WARES(
            names[i],
            CZ_AND(CZ_Q(Ware, stock, GTE, i),
                   CZ_EXISTS(Sale, .where = CZ_WHERE(CZ_Q(Sale, pieces, EXACT,
                                                          i == 0   ? 1
                                                          : i == 1 ? 10
                                                                   : 11),
                                                     CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id)))),
                   CZ_Q(Ware, name, IN, CZ_STRS("jam", "Tea"))));
    }
}

/* Conditions whose parts are overwritten before they are used. */
static cz_cond copied(cz_ctx *c, const char *name, int pieces)
{
    char text[16];
    snprintf(text, sizeof text, "%s", name);
    cz_cond cond = cz_cond_copy(
        c, CZ_OR(CZ_EXISTS(Sale, .where = CZ_WHERE(CZ_Q(Sale, ware, EXACT, CZ_OUTER(Ware, id)),
                                                   CZ_Q(Sale, pieces, EXACT, pieces))),
                 CZ_QE(CZ_CASE(CZ_CONCAT(CZ_F(Ware, name), text),
                               CZ_WHEN(CZ_Q(Ware, stock, EXACT, 0), CZ_UPPER(text))),
                       IN, CZ_STRS("BREAD", "x"))));
    memset(text, '?', sizeof text - 1);
    return cond;
}

static void copies(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_cond where = copied(c, "bread", 10);
    char scratch[4096];
    memset(scratch, 0x55, sizeof scratch);
    CZ_EXPECT(scratch[7] == 0x55);
    EXPECT_WARES("Tea bread", where);
}

CZ_DATABASE_TEST(a_copied_condition_owns_its_expressions)
{
    cz__orm_test_run(&shop, copies);
}

CZ_DATABASE_TEST(subqueries_and_negated_relations)
{
    cz__orm_test_run(&shop, subqueries);
}

#define TOTALS(F)                                                                                  \
    F(char_field, maker, .null = true)                                                             \
    F(int_field, wares)                                                                            \
    F(decimal_field, value, .digits = 18, .places = 2, .null = true)                               \
    F(decimal_field, mean, .digits = 10, .places = 4, .null = true)                                \
    F(float_field, heavy, .null = true)                                                            \
    F(big_int_field, stocked)
CZ_RECORD(Totals, TOTALS);

#define RANKED(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(big_int_field, place)                                                                        \
    F(decimal_field, before, .digits = 8, .places = 2, .null = true)                               \
    F(big_int_field, running)                                                                      \
    F(small_int_field, small)
CZ_RECORD(Ranked, RANKED);

static void aggregates(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Totals) t = cz_values(
        c, Totals, Ware,
        .values = CZ_AS(Totals, (maker, CZ_F(Ware, maker->name)), (wares, CZ_COUNT_ROWS),
                        (value, CZ_SUM(CZ_MUL(CZ_F(Ware, price), CZ_F(Ware, stock)))),
                        (mean, CZ_AVG(CZ_F(Ware, price))), (heavy, CZ_MAX(CZ_F(Ware, weight))),
                        (stocked, CZ_COUNT_OF(CZ_F(Ware, id), .filter = CZ_Q(Ware, stock, GT, 0)))),
        .order_by = CZ_ORDER_BY(CZ_ASC(Ware, maker->name, .nulls = CZ_NULLS_LAST)));
    CZ_REQUIRE(t.count == 3);
    CZ_EXPECT_STR(t.items[0].maker, "Ann");
    CZ_EXPECT_EQ(t.items[0].wares, 2);
    CZ_EXPECT(same(t.items[0].value, "136.50"));
    CZ_EXPECT(same(t.items[0].mean, "7.875"));
    CZ_EXPECT(t.items[0].heavy == 1.5);
    CZ_EXPECT_EQ(t.items[1].stocked, 0);
    CZ_EXPECT(cz_is_null(&t.items[1], heavy));
    CZ_EXPECT(cz_is_null(&t.items[2], maker) && same(t.items[2].value, "699.93"));
    /* groups chosen by an aggregate, ordered by another */
    t = cz_values(c, Totals, Maker,
                  .values = CZ_AS(Totals, (maker, CZ_F(Maker, name)),
                                  (wares, CZ_COUNT_OF(CZ_F(Maker, wares)))),
                  .where = CZ_WHERE(CZ_QE(CZ_COUNT_OF(CZ_F(Maker, wares)), LT, 2),
                                    CZ_Q(Maker, name, GT, "A")),
                  .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_COUNT_OF(CZ_F(Maker, wares)))));
    CZ_REQUIRE(t.count == 2);
    CZ_EXPECT_STR(t.items[0].maker, "Bob");
    CZ_EXPECT_STR(t.items[1].maker, "Cid");
    /* rows of a model, chosen by an aggregate */
    cz_rows(Maker) makers =
        cz_select(c, Maker, .where = CZ_QE(CZ_SUM(CZ_F(Maker, wares->sales->pieces)), EXACT, 16));
    CZ_REQUIRE(makers.count == 1);
    CZ_EXPECT_STR(makers.items[0].name, "Ann");
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_QE(CZ_COUNT_OF(CZ_F(Maker, wares)), GTE, 1)), 2);
    /* one record over everything; over nothing counts are 0 and the rest NULL */
    Totals *all = cz_aggregate(c, Totals, Ware,
                               .values = CZ_AS(Totals, (wares, CZ_COUNT_ROWS),
                                               (value, CZ_SUM(CZ_F(Ware, price))),
                                               (heavy, CZ_STDDEV(CZ_F(Ware, stock)))));
    CZ_EXPECT_EQ(all->wares, 4);
    CZ_EXPECT(same(all->value, "117.74"));
    CZ_EXPECT(fabs(all->heavy - 3.69966) < 0.0001);
    all = cz_aggregate(
        c, Totals, Ware,
        .values = CZ_AS(Totals, (wares, CZ_COUNT_ROWS), (value, CZ_SUM(CZ_F(Ware, price)))),
        .where = CZ_Q(Ware, stock, LT, 0));
    CZ_EXPECT(all->wares == 0 && cz_is_null(all, value));
}

CZ_DATABASE_TEST(aggregates_and_groups)
{
    cz__orm_test_run(&shop, aggregates);
}

static void groups_and_rows(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_cond either = CZ_OR(CZ_QE(CZ_COUNT_OF(CZ_F(Maker, wares)), GTE, 2),
                           CZ_QE(CZ_LOWER(CZ_F(Maker, name)), EXACT, "cid"));
    cz_rows(Maker) makers = cz_select(c, Maker, .where = either);
    CZ_REQUIRE(makers.count == 2);
    CZ_EXPECT_STR(makers.items[0].name, "Cid");
    CZ_EXPECT_STR(makers.items[1].name, "Ann");
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = either), 2);
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_NOT(either)), 1);
    CZ_EXPECT(cz_exists(c, Maker, .where = CZ_AND(either, CZ_Q(Maker, name, EXACT, "Cid"))));
    /* what is read of the rows splits their groups; jam and Tea are Ann's, in stock 4 and 10 */
    cz_rows(Totals) t =
        cz_values(c, Totals, Ware,
                  .values = CZ_AS(Totals, (maker, CZ_F(Ware, maker->name)), (wares, CZ_COUNT_ROWS)),
                  .where = CZ_OR(CZ_QE(CZ_COUNT_ROWS, GT, 2), CZ_Q(Ware, stock, GTE, 4)),
                  .order_by = CZ_ORDER_BY(CZ_ASC(Ware, maker->name, .nulls = CZ_NULLS_LAST)));
    CZ_REQUIRE(t.count == 3);
    CZ_EXPECT_STR(t.items[0].maker, "Ann");
    CZ_EXPECT_EQ(t.items[0].wares, 1);
    CZ_EXPECT_STR(t.items[1].maker, "Ann");
    CZ_EXPECT(cz_is_null(&t.items[2], maker));
    /* a value that reads both */
    t = cz_values(c, Totals, Ware,
                  .values = CZ_AS(Totals, (wares, CZ_ADD(CZ_F(Ware, maker->id), CZ_COUNT_ROWS))),
                  .where = CZ_Q(Ware, maker, ISNULL, false),
                  .order_by =
                      CZ_ORDER_BY(CZ_DESC_OF(CZ_ADD(CZ_F(Ware, maker->id), CZ_COUNT_ROWS))));
    CZ_REQUIRE(t.count == 2);
    CZ_EXPECT_EQ(t.items[0].wares, 3);
    CZ_EXPECT_EQ(cz_update(c, Maker, CZ_NOT(either), (name, "Rob")), 1);
    CZ_EXPECT_EQ(cz_delete(c, Maker, either), 8); /* two makers, two wares, four sales */
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_Q(Maker, name, EXACT, "Rob")), 1);
}

CZ_DATABASE_TEST(conditions_ask_about_groups_and_their_rows_at_once)
{
    cz__orm_test_run(&shop, groups_and_rows);
}

static void windows(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Ranked) r = cz_values(
        c, Ranked, Ware,
        .values = CZ_AS(Ranked, (name, CZ_F(Ware, name)),
                        (place, CZ_WINDOW(CZ_RANK, .order_by = CZ_ORDER_BY(CZ_DESC(Ware, price)))),
                        (before, CZ_WINDOW(CZ_LAG(CZ_F(Ware, price), 1),
                                           .order_by = CZ_ORDER_BY(CZ_ASC(Ware, price)))),
                        (running, CZ_WINDOW(CZ_SUM(CZ_F(Ware, stock)),
                                            .partition_by = CZ_EXPRS(CZ_F(Ware, maker)),
                                            .order_by = CZ_ORDER_BY(CZ_ASC(Ware, id)),
                                            .frame = CZ_ROWS_BETWEEN(CZ_UNBOUNDED_PRECEDING, 0)))),
        .order_by = CZ_ORDER_BY(CZ_ASC(Ware, id)));
    CZ_REQUIRE(r.count == 4);
    CZ_EXPECT_EQ(r.items[0].place, 3);
    CZ_EXPECT(same(r.items[0].before, "2.00"));
    CZ_EXPECT_EQ(r.items[1].running, 14);
    CZ_EXPECT(cz_is_null(&r.items[2], before));
    CZ_EXPECT_EQ(r.items[3].place, 1);
}

CZ_DATABASE_TEST(windows_rank_and_run)
{
    cz__orm_test_run(&shop, windows);
}

static void unions(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Ware) rows =
        cz_select(c, Ware, .where = CZ_Q(Ware, name, EXACT, "jam"),
                  .combine = CZ_UNION(CZ_QUERY(Ware, .where = CZ_Q(Ware, stock, EXACT, 0)),
                                      CZ_QUERY(Ware, .where = CZ_Q(Ware, name, EXACT, "jam"))),
                  .order_by = CZ_ORDER_BY(CZ_DESC(Ware, name)), .limit = 5);
    CZ_REQUIRE(rows.count == 2);
    CZ_EXPECT_STR(rows.items[0].name, "jam");
    CZ_EXPECT_STR(rows.items[1].name, "bread");
    CZ_EXPECT_EQ(cz_count(c, Ware, .where = CZ_EVERY_ROW,
                          .combine = CZ_EXCEPT(CZ_QUERY(Ware, .where = CZ_Q(Ware, stock, GT, 5)))),
                 2);
    rows = cz_select(c, Ware, .where = CZ_Q(Ware, stock, GT, 3),
                     .combine = CZ_INTERSECT(CZ_QUERY(Ware, .where = CZ_Q(Ware, stock, LT, 6))));
    CZ_REQUIRE(rows.count == 1);
    CZ_EXPECT_STR(rows.items[0].name, "jam");
    /* part of the columns; in unions the whole's are those of all, and relations are read afterwards */
    rows = cz_select(c, Ware, .where = CZ_Q(Ware, stock, GT, 5), .defer = CZ_FIELDS(Ware, extra),
                     .combine = CZ_UNION(CZ_QUERY(Ware, .where = CZ_Q(Ware, stock, EXACT, 0)),
                                         CZ_QUERY(Ware, .where = CZ_Q(Ware, stock, EXACT, 4),
                                                  .defer = CZ_FIELDS(Ware, extra))),
                     .prefetch = CZ_PREFETCH(Ware, (maker)),
                     .order_by = CZ_ORDER_BY(CZ_ASC(Ware, id)));
    CZ_REQUIRE(rows.count == 4);
    CZ_EXPECT(!cz_is_loaded(&rows.items[2], extra));
    CZ_EXPECT_STR(CZ_REL(c, &rows.items[2], maker)->name, "Bob");
    rows = cz_select(c, Ware, .only = CZ_FIELDS(Ware, name), .limit = 1);
    CZ_EXPECT(cz_is_loaded(&rows.items[0], name) && cz_is_loaded(&rows.items[0], id));
    CZ_EXPECT(!cz_is_loaded(&rows.items[0], price));
    rows = cz_select(c, Ware, .defer = CZ_FIELDS(Ware, name), .related = CZ_RELATED(Ware, maker),
                     .order_by = CZ_ORDER_BY(CZ_ASC(Ware, id)));
    CZ_EXPECT(!cz_is_loaded(&rows.items[0], name) && same(rows.items[0].price, "3.5"));
    CZ_EXPECT_STR(CZ_REL(c, &rows.items[0], maker)->name, "Ann");
    /* a foreign key orders as its model does, by name going down */
    rows = cz_select(c, Ware, .where = CZ_Q(Ware, maker, ISNULL, false),
                     .order_by = CZ_ORDER_BY(CZ_ASC(Ware, maker), CZ_ASC(Ware, id)));
    CZ_EXPECT_STR(rows.items[0].name, "bread");
    rows = cz_select(c, Ware, .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_LOWER(CZ_F(Ware, name)))));
    CZ_EXPECT_STR(rows.items[0].name, "Tea");
    /* changed in the database, without reading first */
    CZ_EXPECT_EQ(cz_update(c, Ware, CZ_Q(Ware, stock, GT, 0), (stock, CZ_SUB(CZ_F(Ware, stock), 1)),
                           (price, CZ_MUL(CZ_F(Ware, price), 2))),
                 3);
    Ware *jam = cz_get(c, Ware, .where = CZ_Q(Ware, name, EXACT, "jam"));
    CZ_EXPECT(jam->stock == 3 && same(jam->price, "7"));
    cz_rows(Maker) makers =
        cz_select(c, Maker, .where = CZ_Q(Maker, wares->stock, GTE, 0), .distinct = true);
    CZ_EXPECT_EQ(makers.count, 2);
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_Q(Maker, wares->stock, GTE, 0)), 3);
    /* in any order, and by what is computed */
    CZ_EXPECT_EQ(cz_select(c, Maker, .where = CZ_Q(Maker, wares->stock, GTE, 0), .distinct = true,
                           .order_by = CZ_ORDER_BY(CZ_RANDOM), .limit = 5)
                     .count,
                 2);
    makers = cz_select(c, Maker, .where = CZ_Q(Maker, wares->stock, GTE, 0), .distinct = true,
                       .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_WINDOW(
                           CZ_DENSE_RANK, .order_by = CZ_ORDER_BY(CZ_ASC(Maker, name))))));
    CZ_EXPECT(makers.count == 2 && cz_str_eq(makers.items[0].name, CZ_STR("Bob")));
    makers = cz_select(c, Maker, .distinct = true,
                       .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_COUNT_OF(CZ_F(Maker, wares)))));
    CZ_EXPECT(makers.count == 3 && cz_str_eq(makers.items[0].name, CZ_STR("Ann")));
    CZ_EXPECT_EQ(cz_count(c, Maker, .where = CZ_Q(Maker, wares->stock, GTE, 0), .distinct = true),
                 2);
    /* a list longer than what stands in SQL item by item */
    int64_t ids[1000];
    for (int i = 0; i < 1000; i++)
        ids[i] = i + 2;
    CZ_EXPECT_EQ(cz_count(c, Ware, .where = CZ_Q(Ware, id, IN, ((cz_int_list){ ids, 1000 }))), 3);
    CZ_EXPECT(cz_explain(c, Ware, .where = CZ_Q(Ware, id, EXACT, 1)).len > 0);
    /* of values, too, it is what is asked: a model's own order stays out */
    CZ_EXPECT(cz_explain(c, Maker, .values = CZ_AS(Totals, (wares, CZ_COUNT_ROWS))).len > 0);
    cz_str plan = cz_explain(c, Maker, .values = CZ_AS(Totals, (maker, CZ_F(Maker, name))),
                             .where = CZ_Q(Maker, id, GT, 0));
    CZ_EXPECT(plan.len > 0 && cz_str_find(plan, CZ_STR("Sort")) == SIZE_MAX &&
              cz_str_find(plan, CZ_STR("ORDER BY")) == SIZE_MAX);
}

CZ_DATABASE_TEST(unions_parts_of_rows_orders_and_updates_by_expressions)
{
    cz__orm_test_run(&shop, unions);
}

#define JOINED(F) F(char_field, names)
CZ_RECORD(Joined, JOINED);

static void outer_outside(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Ware, .where = CZ_Q(Ware, id, EXACT, CZ_OUTER(Ware, id)));
}
static void of_another_model(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Ware, .where = CZ_Q(Ware, stock, EXACT, CZ_F(Sale, pieces)));
}
static void update_over_relation(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_update(c, Sale, CZ_EVERY_ROW, (pieces, CZ_F(Sale, ware->stock)));
}
static void too_small_a_member(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_values(c, Ranked, Ware, .values = CZ_AS(Ranked, (small, CZ_MUL(CZ_F(Ware, id), 40000))));
}
static void grouped_aggregate(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_aggregate(
        c, Totals, Ware,
        .values = CZ_AS(Totals, (wares, CZ_F(Ware, stock)), (stocked, CZ_COUNT_ROWS))));
}
static void distinct_on(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Ware, .distinct_on = CZ_FIELDS(Ware, maker));
}
static void ordered_parts(cz_ctx *c, void *arg)
{
    (void)arg;
    Joined *joined = cz_aggregate(
        c, Joined, Ware,
        .values =
            CZ_AS(Joined, (names, CZ_STRING_AGG(CZ_F(Ware, name), ", ",
                                                .order_by = CZ_ORDER_BY(CZ_DESC(Ware, stock))))));
    CZ_EXPECT_STR(joined->names, "Tea, 100%_x, jam, bread");
}
static void update_by_aggregate(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_update(c, Ware, CZ_EVERY_ROW, (stock, CZ_ADD(CZ_COUNT_ROWS, 1)));
}
static void update_by_window(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_update(c, Ware, CZ_EVERY_ROW,
              (stock, CZ_WINDOW(CZ_RANK, .order_by = CZ_ORDER_BY(CZ_ASC(Ware, name)))));
}
static void distinct_parts(cz_ctx *c, void *arg)
{
    (void)arg;
    Joined *joined = cz_aggregate(
        c, Joined, Ware,
        .values =
            CZ_AS(Joined, (names, CZ_STRING_AGG(CZ_F(Ware, maker->name), ", ", .distinct = true))));
    CZ_EXPECT_STR(joined->names, "Ann, Bob");
}
static void ordered_sum(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_aggregate(
        c, Totals, Ware,
        .values = CZ_AS(Totals, (wares, CZ_SUM(CZ_F(Ware, stock),
                                               .order_by = CZ_ORDER_BY(CZ_DESC(Ware, stock)))))));
}
static void union_with_limit(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Ware, .combine = CZ_UNION(CZ_QUERY(Ware, .limit = 1)));
}
static void union_with_related(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Ware, .related = CZ_RELATED(Ware, maker),
              .combine = CZ_EXCEPT(CZ_QUERY(Ware, .where = CZ_Q(Ware, stock, GT, 5))));
}
static void union_of_part(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Ware, .combine = CZ_EXCEPT(CZ_QUERY(Ware, .defer = CZ_FIELDS(Ware, extra))));
}
static void union_of_parts(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Ware, .only = CZ_FIELDS(Ware, name),
              .combine = CZ_UNION(CZ_QUERY(Ware, .only = CZ_FIELDS(Ware, name, stock))));
}
static void no_window(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_values(c, Ranked, Ware,
              .values = CZ_AS(Ranked, (running, CZ_WINDOW(CZ_ADD(CZ_F(Ware, stock), 1)))));
}
static void bad_frame(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_values(c, Ranked, Ware,
              .values = CZ_AS(Ranked, (running, CZ_WINDOW(CZ_SUM(CZ_F(Ware, stock)),
                                                          .frame = CZ_ROWS_BETWEEN(2, 1)))));
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    if (cz__test_on_postgresql) {
        ordered_parts(c, NULL);
        distinct_parts(c, NULL);
    }
    static const struct cz__orm_test_refusal cases[] = {
        { outer_outside, CZ_EINVAL, "CZ_OUTER() outside a subquery" },
        { of_another_model, CZ_EINVAL, "an expression about Sale in a query of Ware" },
        { update_over_relation, CZ_EINVAL,
          "an update of Sale from fields of another model; use a subquery" },
        { update_by_aggregate, CZ_EINVAL,
          "Ware.stock: an aggregate or a window as its value; use a subquery" },
        { update_by_window, CZ_EINVAL,
          "Ware.stock: an aggregate or a window as its value; use a subquery" },
        { too_small_a_member, CZ_EINVAL, "a value of Ranked does not fit the member \"small\"" },
        { grouped_aggregate, CZ_EINVAL,
          "cz_aggregate() of Ware gave 4 rows: each of its values is an aggregate" },
        { union_with_limit, CZ_EINVAL,
          "a part of a union has neither order nor limit, relations or unions of its own" },
        { union_with_related, CZ_EINVAL,
          "a union of Ware has no .related, whose columns its parts would lack: .prefetch and "
          "CZ_REL() read over relations" },
        { union_of_part, CZ_EINVAL,
          "the parts of a union of Ware give the same columns: the .only and .defer of the whole "
          "are for all" },
        { union_of_parts, CZ_EINVAL,
          "the parts of a union of Ware give the same columns: the .only and .defer of the whole "
          "are for all" },
        { no_window, CZ_EINVAL, "CZ_WINDOW() takes an aggregate or a window function" },
        { bad_frame, CZ_EINVAL, "a window's frame that cannot be: from 2 to 1" },
        { ordered_sum, CZ_EINVAL,
          "an aggregate with .order_by, which CZ_STRING_AGG() alone takes" },
        /* the last, which PostgreSQL does not refuse */
        { ordered_parts, CZ_EUNSUPPORTED,
          "SQLite puts the parts of CZ_STRING_AGG() into no order: leave out its .order_by, or "
          "read "
          "the parts with one and join them" },
        { distinct_parts, CZ_EUNSUPPORTED,
          "SQLite joins distinct parts by no separator: leave out the .distinct of "
          "CZ_STRING_AGG(), or read the parts with .distinct and join them" },
        { distinct_on, CZ_EUNSUPPORTED, "SQLite has no DISTINCT ON" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases) - 3 * cz__test_on_postgresql);
}

CZ_DATABASE_TEST(expressions_that_cannot_be_raise_with_the_reason)
{
    cz__orm_test_run(&shop, mistakes);
}
