/* Members assigned without cz_set(): no save stores them, so in development and tests it says so. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/raw.h>

#define SHOP(F) F(char_field, name)
CZ_MODEL(Shop, SHOP);

#define REPAIR(F)                                                                                  \
    F(char_field, status, .default_ = cz_text("open"))                                             \
    F(int_field, hours, .null = true)                                                              \
    F(decimal_field, price, .digits = 8, .places = 2, .null = true)                                \
    F(date_field, done, .null = true)                                                              \
    F(json_field, notes, .null = true)                                                             \
    F(foreign_key, shop, Shop, .null = true, .on_delete = CZ_SET_NULL)
CZ_MODEL(Repair, REPAIR);

static const struct cz__orm_test shops = { "shops", CZ_MODELS(Shop, Repair) };

static Repair *stored(cz_ctx *c)
{
    Repair *made = cz_create(c, Repair, (status, "open"), (price, cz_decimal_of(1250, 2)));
    return cz_get(c, Repair, .where = CZ_Q(Repair, id, EXACT, made->id));
}

static void save_text(cz_ctx *c)
{
    Repair *repair = stored(c);
    repair->status = CZ_STR("done");
    cz_save(c, repair);
}

static void save_null(cz_ctx *c)
{
    Repair *repair = stored(c);
    repair->hours = 3;
    cz_save(c, repair);
}

static void save_beside(cz_ctx *c)
{
    Repair *repair = stored(c);
    cz_set(c, repair, status, "done");
    repair->price = cz_decimal_of(1, 0);
    cz_save(c, repair);
}

static void save_key_of_relation(cz_ctx *c)
{
    Repair *repair = cz_create(c, Repair);
    repair->shop_id = 7;
    cz_save(c, repair);
}

static void save_new(cz_ctx *c)
{
    Repair *repair = cz_row_new(c, Repair);
    repair->hours = 3;
    cz_save(c, repair);
}

static void save_new_in_bulk(cz_ctx *c)
{
    Repair *repair = cz_row_new(c, Repair);
    repair->hours = 3;
    cz_bulk_create(c, Repair, &repair, 1);
}

static void save_after_load(cz_ctx *c)
{
    stored(c);
    Repair *repair = cz_first(c, Repair, .only = CZ_FIELDS(Repair, id));
    cz_ignore(!cz_load(c, repair, status).len); /* read */
    repair->status = CZ_STR("done");
    cz_save(c, repair);
}

static void save_raw(cz_ctx *c)
{
    stored(c);
    cz_rows(Repair) rows = cz_raw(c, Repair, "SELECT * FROM shops_repair");
    rows.items->status = CZ_STR("done");
    cz_save(c, rows.items);
}

static void save_refreshed(cz_ctx *c)
{
    Repair *repair = stored(c);
    cz_refresh(c, repair);
    repair->done = cz_today();
    cz_save(c, repair);
}

static void refuse_all(cz_ctx *c, void *arg)
{
    static const struct {
        void (*body)(cz_ctx *c);
        const char *field;
    } cases[] = {
        { save_text, "status" },       { save_null, "hours" },
        { save_beside, "price" },      { save_key_of_relation, "shop_id" },
        { save_new, "hours" },         { save_new_in_bulk, "hours" },
        { save_after_load, "status" }, { save_raw, "status" },
        { save_refreshed, "done" },
    };
    (void)arg;
    cz__tables_create(c);
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(cz_str_from(cz__orm_test_raised(c, cases[i].body)),
                      cz_format(c,
                                "Repair.%s was assigned without cz_set(): nothing would store it",
                                cases[i].field)
                          .ptr);
    CZ_EXPECT(!cz_exists(c, Repair, .where = CZ_Q(Repair, status, EXACT, "done")));
}

CZ_DATABASE_TEST(what_is_assigned_without_cz_set_is_refused_where_it_would_be_lost)
{
    cz__orm_test_run(&shops, refuse_all);
}

static void allow(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Repair *repair = stored(c);
    cz_set(c, repair, status, "done");
    repair->status = CZ_STR("over"); /* of a field that is marked, what it is now is stored */
    cz_save(c, repair);
    cz_set(c, repair, hours, 2);
    cz_save(c, repair);
    repair->status = cz_copy(c, repair->status); /* the same value is none to store */
    repair->price = cz_decimal_of(125, 1);
    cz_save(c, repair);
    repair->hours = 4;
    cz_bulk_update(c, Repair, &repair, 1, hours); /* writes the fields it names */
    cz_save(c, repair);
    Repair *read = cz_first(c, Repair);
    CZ_EXPECT_STR(read->status, "over");
    CZ_EXPECT_EQ(read->hours, 4);
}

CZ_DATABASE_TEST(what_is_set_or_the_same_is_stored_as_ever)
{
    cz__orm_test_run(&shops, allow);
}

static void save_in_production(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__rows_kept = false;
    cz__tables_create(c);
    save_text(c);
    CZ_EXPECT_STR(cz_first(c, Repair)->status, "open");
    cz__rows_kept = true;
}

CZ_DATABASE_TEST(in_production_rows_keep_no_copies)
{
    cz__orm_test_run(&shops, save_in_production);
}
