/* Tables as Django keeps them: on SQLite decimals are numbers and UUIDs 32 digits, wherever a value meets them. */
#include "orm/orm_testing.h"
#include <calzone/relations.h>
#include <stdio.h>

CZ_MODEL_FORWARD_UUID(Gadget)
CZ_MODEL_FORWARD(Lot)

#define GADGET(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(reverse, lots, Lot, gadget)                                                                  \
    F(many_to_many_reverse, shown_in, Lot, shown)
CZ_MODEL_UUID(Gadget, GADGET, .django = true);

#define LOT(F)                                                                                     \
    F(decimal_field, price, .digits = 8, .places = 2)                                              \
    F(decimal_field, exact, .digits = 8, .places = 2, .default_ = cz_text("7.25"))                 \
    F(uuid_field, code, .unique = true)                                                            \
    F(foreign_key, gadget, Gadget, .on_delete = CZ_CASCADE)                                        \
    F(many_to_many, shown, Gadget)
CZ_MODEL(Lot, LOT, .django = true);

/* One that is ours and refers to a key that is not. */
#define JOTTING(F)                                                                                 \
    F(foreign_key, gadget, Gadget, .on_delete = CZ_CASCADE)                                        \
    F(uuid_field, own)                                                                             \
    F(decimal_field, cost, .digits = 8, .places = 2)
CZ_MODEL(Jotting, JOTTING);

#define SUMS(F) F(decimal_field, total, .digits = 20, .places = 4)
CZ_RECORD(Sums, SUMS);

static const struct cz__orm_test old = { "old", CZ_MODELS(Gadget, Lot, Jotting) };

static cz_uuid uuid(uint8_t last)
{
    cz_uuid id = { { 0xab, [15] = last } };
    return id;
}

static cz_decimal decimal(const char *text)
{
    cz_decimal value;
    CZ_REQUIRE_OK(cz_decimal_parse(cz_str_from(text), &value));
    return value;
}

static void seed(cz_ctx *c)
{
    static const char *const prices[] = { "0.10", "3.00", "99.99" };
    cz__tables_create(c);
    for (uint8_t i = 0; i < 3; i++) {
        Gadget *gadget = cz_row_new(c, Gadget);
        cz_set(c, gadget, id, uuid(i));
        cz_set(c, gadget, name, cz_format(c, "g%d", i));
        cz_save(c, gadget);
        Lot *lot = cz_create(c, Lot, (price, decimal(prices[i])), (code, uuid((uint8_t)(10 + i))),
                             (gadget_id, gadget->id));
        cz_related_add(c, lot, shown, CZ_UUIDS(uuid(i), uuid(0)));
        cz_create(c, Jotting, (gadget_id, gadget->id), (own, uuid(i)), (cost, decimal(prices[i])));
    }
}

static void one_text(cz_ctx *c, const char *sql, const char *expected)
{
    const cz__db_driver *driver = c->db->db->driver;
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_error err = { 0 };
    bool row = false;
    cz_str text = CZ_STR("nothing");
    CZ_REQUIRE_OK(driver->select(c, c->db, &statement, NULL, 0, &cursor, &err));
    if (driver->step(&cursor, &row, &err) == CZ_OK && row)
        cz_ignore(driver->read(&cursor, 0, CZ__DB_TEXT, &text)); /* NULL: nothing */
    CZ_EXPECT_STR(text, expected);
    driver->finish(&cursor);
}

static void stored(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    if (cz__test_on_postgresql)
        return;
    one_text(
        c,
        "SELECT group_concat(id || ' ' || name, ',') FROM (SELECT * FROM old_gadget ORDER BY name)",
        "ab000000000000000000000000000000 g0,ab000000000000000000000000000001 g1,"
        "ab000000000000000000000000000002 g2");
    one_text(c,
             "SELECT group_concat(DISTINCT typeof(price) || length(code) || length(gadget_id)) "
             "FROM old_lot",
             "real3232");
    one_text(c, "SELECT sum(exact) || ' ' || max(price) FROM old_lot", "21.75 99.99");
    one_text(c, "SELECT group_concat(DISTINCT length(gadget_id)) FROM old_lot_shown", "32");
    one_text(c,
             "SELECT group_concat(DISTINCT length(gadget_id) || ' ' || length(own) || "
             "typeof(cost)) FROM old_jotting",
             "32 36integer");
    one_text(c, "SELECT max(\"table\") FROM pragma_foreign_key_check", "nothing");
}

CZ_DATABASE_TEST(values_are_stored_as_django_stores_them)
{
    cz__orm_test_run(&old, stored);
}

static void asked(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_uuid many[200];
    for (size_t i = 0; i < CZ_COUNT(many); i++)
        many[i] = uuid((uint8_t)(i + 1));
    const cz_uuid_list long_list = { many, CZ_COUNT(many) };
    const struct {
        const char *what;
        int64_t found, expected;
    } cases[] = {
        { "a key", cz_count(c, Gadget, .where = CZ_Q(Gadget, id, EXACT, uuid(1))), 1 },
        { "none", cz_count(c, Gadget, .where = CZ_Q(Gadget, id, EXACT, uuid(9))), 0 },
        { "a short list",
          cz_count(c, Lot, .where = CZ_Q(Lot, code, IN, CZ_UUIDS(uuid(10), uuid(12), uuid(99)))),
          2 },
        { "a long list", cz_count(c, Gadget, .where = CZ_Q(Gadget, id, IN, long_list)), 2 },
        { "a range",
          cz_count(c, Gadget, .where = CZ_Q(Gadget, id, RANGE, CZ_UUIDS(uuid(1), uuid(2)))), 2 },
        { "text",
          cz_count(c, Lot,
                   .where = cz_cond_text(c, &Lot__model, CZ_STR("code"), CZ_LOOKUP_EXACT,
                                         CZ_STR("ab000000-0000-0000-0000-00000000000b"))),
          1 },
        { "over a relation", cz_count(c, Lot, .where = CZ_Q(Lot, gadget->name, EXACT, "g2")), 1 },
        { "a foreign key", cz_count(c, Jotting, .where = CZ_Q(Jotting, gadget, EXACT, uuid(2))),
          1 },
        { "a link", cz_count(c, Lot, .where = CZ_Q(Lot, shown, EXACT, uuid(0))), 3 },
        { "NOT over links", cz_count(c, Lot, .where = CZ_NOT(CZ_Q(Lot, shown, EXACT, uuid(1)))),
          2 },
        { "a decimal", cz_count(c, Lot, .where = CZ_Q(Lot, price, EXACT, decimal("0.10"))), 1 },
        { "a whole one", cz_count(c, Lot, .where = CZ_Q(Lot, price, EXACT, 3)), 1 },
        { "more than", cz_count(c, Lot, .where = CZ_Q(Lot, price, GT, decimal("3.00"))), 1 },
        { "decimals",
          cz_count(c, Lot,
                   .where = CZ_Q(Lot, price, IN, CZ_DECIMALS(decimal("99.99"), decimal("3")))),
          2 },
        { "between",
          cz_count(c, Lot,
                   .where = CZ_Q(Lot, price, RANGE, CZ_DECIMALS(decimal("0.10"), decimal("3")))),
          2 },
        { "of two fields", cz_count(c, Lot, .where = CZ_Q(Lot, price, LT, CZ_F(Lot, exact))), 2 },
        { "ours", cz_count(c, Jotting, .where = CZ_Q(Jotting, own, EXACT, uuid(2))), 1 },
        { "our decimal", cz_count(c, Jotting, .where = CZ_Q(Jotting, cost, EXACT, decimal("3"))),
          1 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(cases[i].found == cases[i].expected, "%s: %lld", cases[i].what,
                      (long long)cases[i].found);
    char text[CZ_DECIMAL_TEXT];
    Sums *sums =
        cz_aggregate(c, Sums, Lot, .values = CZ_AS(Sums, (total, CZ_SUM(CZ_F(Lot, price)))));
    size_t len = cz_decimal_write(text, sums->total);
    CZ_EXPECT_STR(cz_str_of(text, len), "103.0900");
    Lot *lot = cz_first(c, Lot, .order_by = CZ_ORDER_BY(CZ_DESC(Lot, price)));
    len = cz_decimal_write(text, lot->price);
    CZ_EXPECT_STR(cz_str_of(text, len), "99.99");
}

CZ_DATABASE_TEST(values_as_django_keeps_them_are_found)
{
    cz__orm_test_run(&old, asked);
}

static void related(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Lot) lots = cz_select(c, Lot, .order_by = CZ_ORDER_BY(CZ_ASC(Lot, price)));
    CZ_REQUIRE(lots.count == 3);
    for (size_t i = 0; i < lots.count; i++) {
        Lot *lot = &lots.items[i];
        CZ_EXPECT_STR(CZ_REL(c, lot, gadget)->name, cz_format(c, "g%zu", i).ptr);
        CZ_EXPECT_EQ(cz_related(c, Gadget, lot, shown).count, i ? 2 : 1);
    }
    Gadget *first = cz_get(c, Gadget, .where = CZ_Q(Gadget, name, EXACT, "g0"));
    CZ_EXPECT_EQ(cz_related(c, Lot, first, lots).count, 1);
    CZ_EXPECT_EQ(cz_related(c, Lot, first, shown_in).count, 3);
    CZ_EXPECT_EQ(cz_related(c, Lot, first, shown_in, .where = CZ_Q(Lot, price, GT, 1)).count, 2);
    cz_related_remove(c, &lots.items[2], shown, CZ_UUIDS(uuid(0)));
    CZ_EXPECT_EQ(cz_related(c, Gadget,
                            cz_get(c, Lot, .where = CZ_Q(Lot, id, EXACT, lots.items[2].id)), shown)
                     .count,
                 1);
    cz_set(c, &lots.items[1], price, decimal("4.50"));
    cz_save(c, &lots.items[1]);
    CZ_EXPECT_EQ(cz_update(c, Lot, CZ_Q(Lot, code, EXACT, uuid(11)),
                           (price, CZ_ADD(CZ_F(Lot, price), decimal("0.25")))),
                 1);
    CZ_EXPECT_EQ(cz_count(c, Lot, .where = CZ_Q(Lot, price, EXACT, decimal("4.75"))), 1);
    CZ_EXPECT_EQ(cz_delete(c, Gadget, CZ_Q(Gadget, id, EXACT, uuid(0))) > 2,
                 true); /* its lot, its note */
    CZ_EXPECT_EQ(cz_count(c, Jotting), 2);
    CZ_EXPECT_EQ(cz_count(c, Lot), 2);
    if (!cz__test_on_postgresql)
        one_text(c, "SELECT count(*) FROM old_lot_shown", "2");
}

CZ_DATABASE_TEST(relations_hold_over_keys_as_django_keeps_them)
{
    cz__orm_test_run(&old, related);
}
