/* References: relations without a constraint, into another database or the same. */
#include "orm/orm_testing.h"
#include <calzone/calzone.h>
#include <stdlib.h>

CZ_MODEL_FORWARD(Voyage)
#define SHIP(F)                                                                                    \
    F(char_field, name, .max_length = 20)                                                          \
    F(reverse, voyages, Voyage, ship)
CZ_MODEL(Ship, SHIP);
#define VOYAGE(F)                                                                                  \
    F(int_field, number)                                                                           \
    F(reference, ship, Ship, .on_delete = CZ_CASCADE)                                              \
    F(reference, escort, Ship, .null = true, .on_delete = CZ_SET_NULL)                             \
    F(reference, seen, Ship, .null = true, .on_delete = CZ_DO_NOTHING)
CZ_MODEL(Voyage, VOYAGE, .ordering = CZ_ORDER_BY(CZ_ASC(Voyage, number)), .database = "logbook");

static const cz_app harbour_app = { "harbour", .models = CZ_MODELS(Ship, Voyage) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(harbour, "harbour", .apps = CZ_APPS(&harbour_app), .urls = urls,
                  .databases = CZ_DATABASES({ "logbook" }));

static void join(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Voyage, .where = CZ_Q(Voyage, ship->name, EXACT, "Ann"));
}
static void join_back(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Ship, .where = CZ_Q(Ship, voyages->number, EXACT, 1));
}
static void read_along(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Voyage, .related = CZ_RELATED(Voyage, ship));
}
static void sink_and_fail(cz_ctx *c, void *arg)
{
    cz_remove(c, (Ship *)arg);
    cz_raise(c, CZ_EVALIDATION, "not today");
}
static void in_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, sink_and_fail, arg);
}

static void sail(cz_ctx *c, void *arg)
{
    (void)arg;
    Ship *ann = cz_create(c, Ship, (name, "Ann")), *bob = cz_create(c, Ship, (name, "Bob"));
    cz_create(c, Voyage, (number, 1), (ship_id, ann->id), (escort_id, bob->id), (seen_id, bob->id));
    cz_create(c, Voyage, (number, 2), (ship_id, ann->id));
    cz_create(c, Voyage, (number, 3), (ship_id, bob->id), (escort_id, ann->id));
    cz_create(c, Voyage, (number, 4), (ship_id, 999)); /* nothing holds it to a row that is there */
    cz_rows(Voyage) voyages = cz_select(c, Voyage);
    CZ_REQUIRE(voyages.count == 4);
    CZ_EXPECT_QUERIES_OF(2)
    {
        CZ_EXPECT_STR(CZ_REL(c, &voyages.items[0], ship)->name, "Ann");
        CZ_EXPECT_STR(CZ_REL(c, &voyages.items[2], ship)->name, "Bob");
        CZ_EXPECT(!CZ_REL(c, &voyages.items[3], ship));
        CZ_EXPECT_STR(CZ_REL(c, &voyages.items[0], escort)->name, "Bob");
    }
    cz_rows(Ship) ships = cz_select(c, Ship, .order_by = CZ_ORDER_BY(CZ_ASC(Ship, name)),
                                    .prefetch = CZ_PREFETCH(Ship, (voyages)));
    CZ_EXPECT_EQ(cz_related(c, Voyage, &ships.items[0], voyages).count, 2);
    CZ_EXPECT_EQ(
        cz_related(c, Voyage, &ships.items[1], voyages, .where = CZ_Q(Voyage, number, GTE, 3))
            .count,
        1);
    CZ_EXPECT_EQ(cz_count(c, Voyage, .where = CZ_Q(Voyage, ship->id, EXACT, ann->id)), 2);
    cz_related_add(c, bob, voyages, CZ_INTS(voyages.items[3].id));
    CZ_EXPECT_EQ(cz_related_create(c, Voyage, bob, voyages, (number, 5))->ship_id, bob->id);
    CZ_EXPECT_EQ(cz_count(c, Voyage, .where = CZ_Q(Voyage, ship, EXACT, bob->id)), 3);

    cz_error err;
    void (*const bad[])(cz_ctx *, void *) = { join, join_back, read_along };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_EQ(cz_try(c, bad[i], NULL, &err), CZ_EINVAL);
        CZ_EXPECT(cz_str_find(cz_str_from(cz_error_message(&err)),
                              CZ_STR("leads to another database, which no statement can join")) !=
                  SIZE_MAX);
    }
    /* what refers follows the commit, and only that */
    CZ_EXPECT_EQ(cz_try(c, in_block, ann, &err), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_count(c, Voyage), 5);
    cz_remove(c, ann);
    CZ_EXPECT_EQ(cz_count(c, Voyage), 3);
    Voyage *third = cz_get(c, Voyage, .where = CZ_Q(Voyage, number, EXACT, 3));
    CZ_EXPECT(cz_is_null(third, escort_id));
    CZ_EXPECT_EQ(third->ship_id, bob->id);
}

CZ_TEST(a_reference_leads_into_another_database)
{
    const char *server = getenv("CZ_TEST_POSTGRESQL_URL");
#ifdef CZ_POSTGRESQL
    if (server && *server)
        setenv("DATABASE_LOGBOOK_URL", server, 1);
#endif
    cz_client_run(cz_client_create(&harbour), sail, NULL);
}

/* ---- in one database ---- */

#define PIER(F) F(char_field, name)
CZ_MODEL(Pier, PIER);
#define BERTH(F) F(reference, pier, Pier, .on_delete = CZ_PROTECT)
CZ_MODEL(Berth, BERTH);
static const struct cz__orm_test docks = { "docks", CZ_MODELS(Pier, Berth) };

static void remove_piers(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Pier, CZ_EVERY_ROW);
}

static void moor(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_error err;
    Pier *pier = cz_create(c, Pier, (name, "East"));
    cz_create(c, Berth, (pier_id, 999)); /* as Django's db_constraint=False */
    Berth *berth = cz_create(c, Berth, (pier_id, pier->id));
    CZ_EXPECT_EQ(cz_count(c, Berth, .where = CZ_Q(Berth, pier->name, EXACT, "East")), 1);
    CZ_EXPECT_EQ(cz_try(c, remove_piers, NULL, &err), CZ_EINTEGRITY);
    cz_remove(c, berth);
    CZ_EXPECT_EQ(cz_try(c, remove_piers, NULL, &err), CZ_OK);
}
CZ_DATABASE_TEST(a_reference_within_a_database_is_a_relation_without_a_constraint)
{
    cz__orm_test_run(&docks, moor);
}
