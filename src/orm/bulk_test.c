/* Many rows at once, rows that may be there, rows in chunks. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>

#define CITY(F)                                                                                    \
    F(char_field, name, .unique = true)                                                            \
    F(int_field, people, .default_ = cz_int(7))                                                    \
    F(char_field, note, .null = true)
CZ_MODEL(City, CITY);

#define STREET(F) F(char_field, name)
CZ_MODEL_UUID(Street, STREET);

static const struct cz__orm_test map = { "map", CZ_MODELS(City, Street) };

static City **cities(cz_ctx *c, int from, int count)
{
    City **made = cz_array(c, City *, (size_t)count);
    for (int i = 0; i < count; i++) {
        made[i] = cz_row_new(c, City);
        cz_set(c, made[i], name, cz_format(c, "city %d", from + i));
    }
    return made;
}

static void create_many(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    City **made = cities(c, 0, 1000);
    cz_set(c, made[3], people, 3);
    cz_set(c, made[500], note, "here");
    CZ_EXPECT_EQ(cz_bulk_create(c, City, made, 1000), 1000);
    CZ_EXPECT_EQ(cz_count(c, City), 1000);
    for (int i = 0; i < 1000; i += 37) {
        City *read = cz_get(c, City, .where = CZ_Q(City, id, EXACT, made[i]->id));
        CZ_EXPECT(cz_str_eq(read->name, made[i]->name));
    }
    City *third = cz_get(c, City, .where = CZ_Q(City, name, EXACT, "city 3"));
    CZ_EXPECT_EQ(third->people, 3);
    CZ_EXPECT(cz_is_null(third, note) && !cz_is_dirty(made[3], people));
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, note, EXACT, "here")), 1);
    CZ_EXPECT_EQ(cz_bulk_create(c, City, made, 0), 0);
    Street *streets[300];
    for (int i = 0; i < 300; i++) {
        streets[i] = cz_row_new(c, Street);
        cz_set(c, streets[i], name, "x");
    }
    CZ_EXPECT_EQ(cz_bulk_create(c, Street, streets, 300), 300);
    CZ_EXPECT(cz_exists(c, Street, .where = CZ_Q(Street, id, EXACT, streets[299]->id)));
    /* changed in bulk */
    for (int i = 0; i < 300; i++)
        cz_set(c, made[i], people, i);
    CZ_EXPECT_EQ(cz_bulk_update(c, City, made, 300, people), 300);
    CZ_EXPECT(!cz_is_dirty(made[5], people));
    third = cz_get(c, City, .where = CZ_Q(City, name, EXACT, "city 299"));
    CZ_EXPECT_EQ(third->people, 299);
}

CZ_DATABASE_TEST(many_rows_are_stored_and_changed)
{
    cz__orm_test_run(&map, create_many);
}

static void conflicts(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_bulk_create(c, City, cities(c, 0, 10), 10);
    CZ_EXPECT_EQ(cz_bulk_create(c, City, cities(c, 5, 10), 10, .ignore_conflicts = true), 5);
    CZ_EXPECT_EQ(cz_count(c, City), 15);
    City **again = cities(c, 14, 3);
    for (int i = 0; i < 3; i++)
        cz_set(c, again[i], people, 100 + i);
    cz_bulk_create(c, City, again, 3, .update = CZ_FIELDS(City, people),
                   .unique = CZ_FIELDS(City, name));
    CZ_EXPECT_EQ(cz_count(c, City), 17);
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, people, GTE, 100)), 3);
}

CZ_DATABASE_TEST(rows_that_are_there_are_left_or_changed)
{
    cz__orm_test_run(&map, conflicts);
}

static void get_or_create(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    bool created = false;
    City *city = cz_get_or_create(c, City, CZ_PAIRS(City, (name, "Ulm")),
                                  CZ_PAIRS(City, (people, 5)), &created);
    CZ_EXPECT(created && city->people == 5);
    city = cz_get_or_create(c, City, CZ_PAIRS(City, (name, "Ulm")), CZ_PAIRS(City, (people, 6)),
                            &created);
    CZ_EXPECT(!created && city->people == 5);
    city = cz_update_or_create(c, City, CZ_PAIRS(City, (name, "Ulm")), CZ_PAIRS(City, (people, 6)),
                               &created);
    CZ_EXPECT(!created && city->people == 6);
    city = cz_update_or_create(c, City, CZ_PAIRS(City, (name, "Bonn")), CZ_PAIRS(City), &created);
    CZ_EXPECT(created && city->people == 7);
    CZ_EXPECT_EQ(cz_count(c, City), 2);
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, people, EXACT, 6)), 1);
}

CZ_DATABASE_TEST(a_row_is_read_or_made)
{
    cz__orm_test_run(&map, get_or_create);
}

static void in_chunks(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_bulk_create(c, City, cities(c, 0, 250), 250);
    size_t seen = 0, chunks = 0;
    cz_chunks *all = cz_chunks_begin(c, City, 100);
    for (cz_rows(City) rows; (rows = cz_chunks_next(all, City)).count; chunks++)
        for (size_t i = 0; i < rows.count; i++, seen++)
            CZ_EXPECT(cz_str_starts_with(rows.items[i].name, CZ_STR("city ")));
    CZ_EXPECT_EQ(seen, 250);
    CZ_EXPECT_EQ(chunks, 3);
    CZ_EXPECT_EQ(cz_chunks_next(all, City).count, 0);
    /* rows that come and go meanwhile neither repeat nor hide others */
    seen = 0;
    all = cz_chunks_begin(c, City, 50, .where = CZ_Q(City, people, EXACT, 7));
    for (cz_rows(City) rows; (rows = cz_chunks_next(all, City)).count;) {
        seen += rows.count;
        cz_delete(c, City, CZ_Q(City, id, EXACT, rows.items[0].id));
        if (seen <= 100)
            cz_create(c, City, (name, cz_format(c, "new %zu", seen)));
    }
    CZ_EXPECT_EQ(seen, 252);
    for (int i = 0; i < 120; i++)
        cz_create(c, Street, (name, "x"));
    seen = 0;
    all = cz_chunks_begin(c, Street, 7);
    for (cz_rows(Street) rows; (rows = cz_chunks_next(all, Street)).count;)
        seen += rows.count;
    CZ_EXPECT_EQ(seen, 120);
}

CZ_DATABASE_TEST(chunks_give_each_row_once)
{
    cz__orm_test_run(&map, in_chunks);
}

static void twice(cz_ctx *c, void *arg)
{
    (void)arg;
    City **made = cities(c, 0, 3);
    cz_set(c, made[2], name, "city 0");
    cz_bulk_create(c, City, made, 3);
}
static void null_pointer(cz_ctx *c, void *arg)
{
    (void)arg;
    City *made[2] = { cz_row_new(c, City), NULL };
    cz_bulk_create(c, City, made, 2);
}
static void update_without_unique(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_bulk_create(c, City, cities(c, 0, 1), 1, .update = CZ_FIELDS(City, people));
}
static void update_unstored(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_bulk_update(c, City, cities(c, 0, 1), 1, people);
}
static void no_match(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_get_or_create(c, City, CZ_PAIRS(City), CZ_PAIRS(City), NULL));
}
static void chunks_in_order(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_chunks_begin(c, City, 10, .order_by = CZ_ORDER_BY(CZ_ASC(City, name))));
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const struct cz__orm_test_refusal cases[] = {
        { twice, CZ_EINTEGRITY, "Another row has this name already." },
        { null_pointer, CZ_EINVAL, "row 1 of a bulk call is no City" },
        { update_without_unique, CZ_EINVAL,
          ".update needs the fields that make a row the same in .unique, and no "
          ".ignore_conflicts" },
        { update_unstored, CZ_EINVAL, "row 0 of a bulk update is not stored" },
        { no_match, CZ_EINVAL, "get_or_create without anything to match a City by" },
        { chunks_in_order, CZ_EINVAL,
          "chunks of City: they have a size, and no order, limit, distinct, union or values" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_count(c, City), 0);
}

CZ_DATABASE_TEST(bulk_calls_that_cannot_be_store_nothing)
{
    cz__orm_test_run(&map, mistakes);
}
