/* References: relations without a constraint, into another database or the same. */
#include "orm/orm_testing.h"
#include <calzone/calzone.h>
#include <stdlib.h>

CZ_MODEL_FORWARD(Passage)
#define VESSEL(F)                                                                                  \
    F(char_field, name, .max_length = 20)                                                          \
    F(reverse, voyages, Passage, ship)
CZ_MODEL(Vessel, VESSEL);
#define PASSAGE(F)                                                                                 \
    F(int_field, number)                                                                           \
    F(reference, ship, Vessel, .on_delete = CZ_CASCADE)                                            \
    F(reference, escort, Vessel, .null = true, .on_delete = CZ_SET_NULL)                           \
    F(reference, seen, Vessel, .null = true, .on_delete = CZ_DO_NOTHING)
CZ_MODEL(Passage, PASSAGE, .ordering = CZ_ORDER_BY(CZ_ASC(Passage, number)), .database = "logbook");

#define HELMSMAN(F)                                                                                \
    CZ_SOFT_DELETED(F)                                                                             \
    F(char_field, name, .max_length = 20)
CZ_MODEL(Helmsman, HELMSMAN);
#define WATCH(F)                                                                                   \
    CZ_SOFT_DELETED(F)                                                                             \
    F(reference, helmsman, Helmsman, .on_delete = CZ_CASCADE)
CZ_MODEL(Watch, WATCH, .database = "logbook");

static const cz_app harbour_app = { "harbour",
                                    .models = CZ_MODELS(Vessel, Passage, Helmsman, Watch) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(harbour, "harbour", .apps = CZ_APPS(&harbour_app), .urls = urls,
                  .databases = CZ_DATABASES({ "logbook" }));

static void join(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Passage, .where = CZ_Q(Passage, ship->name, EXACT, "Ann"));
}
static void join_back(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Vessel, .where = CZ_Q(Vessel, voyages->number, EXACT, 1));
}
static void read_along(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Passage, .related = CZ_RELATED(Passage, ship));
}
static void sink_and_fail(cz_ctx *c, void *arg)
{
    cz_remove(c, (Vessel *)arg);
    cz_raise(c, CZ_EVALIDATION, "not today");
}
static void in_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, sink_and_fail, arg);
}

static void sail(cz_ctx *c, void *arg)
{
    (void)arg;
    Vessel *ann = cz_create(c, Vessel, (name, "Ann")), *bob = cz_create(c, Vessel, (name, "Bob"));
    cz_create(c, Passage, (number, 1), (ship_id, ann->id), (escort_id, bob->id),
              (seen_id, bob->id));
    cz_create(c, Passage, (number, 2), (ship_id, ann->id));
    cz_create(c, Passage, (number, 3), (ship_id, bob->id), (escort_id, ann->id));
    cz_create(c, Passage, (number, 4),
              (ship_id, 999)); /* nothing holds it to a row that is there */
    cz_rows(Passage) voyages = cz_select(c, Passage);
    CZ_REQUIRE(voyages.count == 4);
    CZ_EXPECT_QUERIES_OF(2)
    {
        CZ_EXPECT_STR(CZ_REL(c, &voyages.items[0], ship)->name, "Ann");
        CZ_EXPECT_STR(CZ_REL(c, &voyages.items[2], ship)->name, "Bob");
        CZ_EXPECT(!CZ_REL(c, &voyages.items[3], ship));
        CZ_EXPECT_STR(CZ_REL(c, &voyages.items[0], escort)->name, "Bob");
    }
    cz_rows(Vessel) ships = cz_select(c, Vessel, .order_by = CZ_ORDER_BY(CZ_ASC(Vessel, name)),
                                      .prefetch = CZ_PREFETCH(Vessel, (voyages)));
    CZ_EXPECT_EQ(cz_related(c, Passage, &ships.items[0], voyages).count, 2);
    CZ_EXPECT_EQ(
        cz_related(c, Passage, &ships.items[1], voyages, .where = CZ_Q(Passage, number, GTE, 3))
            .count,
        1);
    CZ_EXPECT_EQ(cz_count(c, Passage, .where = CZ_Q(Passage, ship->id, EXACT, ann->id)), 2);
    cz_related_add(c, bob, voyages, CZ_INTS(voyages.items[3].id));
    CZ_EXPECT_EQ(cz_related_create(c, Passage, bob, voyages, (number, 5))->ship_id, bob->id);
    CZ_EXPECT_EQ(cz_count(c, Passage, .where = CZ_Q(Passage, ship, EXACT, bob->id)), 3);

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
    CZ_EXPECT_EQ(cz_count(c, Passage), 5);
    cz_remove(c, ann);
    CZ_EXPECT_EQ(cz_count(c, Passage), 3);
    Passage *third = cz_get(c, Passage, .where = CZ_Q(Passage, number, EXACT, 3));
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

/* Each database has a deletion of its own, and so a way back of its own. */
static void come_back(cz_ctx *c, void *arg)
{
    (void)arg;
    Helmsman *helmsman = cz_create(c, Helmsman, (name, "Ann"));
    cz_create(c, Watch, (helmsman_id, helmsman->id));
    cz_remove(c, helmsman);
    CZ_EXPECT_EQ(cz_count(c, Watch), 0);
    CZ_EXPECT_EQ(cz_restore(c, Helmsman, CZ_EVERY_ROW), 1);
    CZ_EXPECT_EQ(cz_count(c, Watch), 0);
    CZ_EXPECT_EQ(cz_restore(c, Watch, CZ_Q(Watch, helmsman, EXACT, helmsman->id)), 1);
    CZ_EXPECT_EQ(cz_count(c, Watch), 1);
    /* what goes for good takes those that are marked as well, as in one database */
    Watch *earlier = cz_create(c, Watch, (helmsman_id, helmsman->id));
    cz_remove(c, earlier);
    CZ_EXPECT_EQ(cz_purge(c, Helmsman, CZ_EVERY_ROW), 1);
    CZ_EXPECT_EQ(cz_count(c, Watch, .deleted = CZ_WITH_DELETED), 0);
}

CZ_TEST(a_row_comes_back_without_those_of_another_database)
{
    cz_client_run(cz_client_create(&harbour), come_back, NULL);
}

/* ---- in one database ---- */

#define QUAY(F) F(char_field, name)
CZ_MODEL(Quay, QUAY);
#define MOORING(F) F(reference, pier, Quay, .on_delete = CZ_PROTECT)
CZ_MODEL(Mooring, MOORING);
static const struct cz__orm_test docks = { "docks", CZ_MODELS(Quay, Mooring) };

static void remove_piers(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Quay, CZ_EVERY_ROW);
}

static void moor(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_error err;
    Quay *pier = cz_create(c, Quay, (name, "East"));
    cz_create(c, Mooring, (pier_id, 999)); /* as Django's db_constraint=False */
    Mooring *berth = cz_create(c, Mooring, (pier_id, pier->id));
    CZ_EXPECT_EQ(cz_count(c, Mooring, .where = CZ_Q(Mooring, pier->name, EXACT, "East")), 1);
    CZ_EXPECT_EQ(cz_try(c, remove_piers, NULL, &err), CZ_EINTEGRITY);
    cz_remove(c, berth);
    CZ_EXPECT_EQ(cz_try(c, remove_piers, NULL, &err), CZ_OK);
}
CZ_DATABASE_TEST(a_reference_within_a_database_is_a_relation_without_a_constraint)
{
    cz__orm_test_run(&docks, moor);
}
