#include "migrations/ledger.h"
#include "migrations/migrations_internal.h"
#include "migrations/migrations_testing.h"

static void nothing(cz_ctx *ctx, const cz_history *history)
{
    (void)ctx, (void)history;
}

#define BOOK(...)                                                                                  \
    CZ_CREATE_MODEL("Book", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },        \
                                            { "title", "char_field", __VA_ARGS__ }))
#define PAGES CZ_ADD_FIELD("Book", { "pages", "int_field", .null = true })
#define TOUCH CZ_RUN_SQL("UPDATE store_book SET pages = 1", "")

static CZ_MIGRATION(first, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES,
                                                CZ_RUN_C(nothing, nothing)));

/* The first as other files would have it, and what is said of each; NULL: it means the same. */
static CZ_MIGRATION(laid_out_otherwise, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.null = false, .max_length = 8 * 10),
                                                PAGES, /* the number of pages */
                                                CZ_RUN_C(nothing, nothing)));
static CZ_MIGRATION(longer, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 81), PAGES,
                                                CZ_RUN_C(nothing, nothing)));
static CZ_MIGRATION(unique, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80, .unique = true), PAGES,
                                                CZ_RUN_C(nothing, nothing)));
static CZ_MIGRATION(more, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES,
                                                CZ_RUN_C(nothing, nothing), TOUCH));
static CZ_MIGRATION(fewer, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES));
static CZ_MIGRATION(none, "store", "0001_initial");
static CZ_MIGRATION(turned, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(PAGES, BOOK(.max_length = 80),
                                                CZ_RUN_C(nothing, nothing)));
static CZ_MIGRATION(not_undone, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES,
                                                CZ_RUN_C(nothing, NULL)));
static CZ_MIGRATION(undone_otherwise, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES,
                                                CZ_RUN_C(nothing, cz_run_nothing,
                                                         .alias = "default")));
static CZ_MIGRATION(
    apart, "store", "0001_initial",
    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES,
                                CZ_SEPARATE(.state_operations = CZ_OPERATIONS(PAGES))));

static const struct {
    const cz_migration *migration;
    const char *said;
} cases[] = {
    { &first, NULL },
    { &laid_out_otherwise, NULL },
    { &longer, "its operation 1, \"Create model Book\", was another" },
    { &unique, "its operation 1, \"Create model Book\", was another" },
    { &more, "its operation 4, \"Run SQL\", was added" },
    { &fewer, "it had 3 operations, and has 2" },
    { &none, "it had 3 operations, and has 0" },
    { &turned, "its operation 1, \"Add field pages to Book\", was another" },
    { &not_undone, NULL },
    { &undone_otherwise, NULL },
    { &apart, "its operation 3, \"Change the database and the models' state apart\", was another" },
};

static void compare(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const char *recorded = cz__migration_fingerprint(ctx, &first);
    CZ_EXPECT(cz__is_fingerprint(cz_str_from(recorded)));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *said = cz__migration_edited(ctx, cases[i].migration, recorded);
        CZ_EXPECT_MSG(!said == !cases[i].said, "case %zu: %s", i, said ? said : "nothing");
        if (said && cases[i].said)
            CZ_EXPECT_STR(cz_str_from(said),
                          cz_format(ctx, "store.0001_initial was changed after it was applied: %s",
                                    cases[i].said)
                              .ptr);
    }
    static const char *const unknown[] = { "", "operations ", "operations 2: 0", "{\"models\":[]}",
                                           "operations" };
    for (size_t i = 0; i < CZ_COUNT(unknown); i++) /* of another form, or none: cannot be told */
        CZ_EXPECT(!cz__migration_edited(ctx, &first, unknown[i]));
}

/* What runs the same, seen from either side; and what does not. */
static CZ_MIGRATION(touch, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(TOUCH, CZ_RUN_C(nothing, NULL)));
static CZ_MIGRATION(
    touch_there, "store", "0001_initial",
    .operations = CZ_OPERATIONS(CZ_RUN_SQL("UPDATE store_book SET pages = 1", "", .alias = "stats"),
                                CZ_RUN_C(nothing, cz_run_nothing, .alias = "stats")));
static CZ_MIGRATION(touch_more, "store", "0001_initial",
                    .operations = CZ_OPERATIONS(CZ_RUN_SQL("UPDATE store_book SET pages = 2", "",
                                                           .alias = "stats"),
                                                CZ_RUN_C(nothing, NULL)));

static void compare_aliases(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const char *plain = cz__migration_fingerprint(ctx, &touch);
    const char *there = cz__migration_fingerprint(ctx, &touch_there);
    CZ_EXPECT(!cz__migration_edited(ctx, &touch_there, plain)); /* .alias was added */
    CZ_EXPECT(cz__migration_edited(ctx, &touch, there));        /* and taken away */
    CZ_EXPECT(cz__migration_edited(ctx, &touch_more, plain));
}

CZ_TEST(an_alias_that_was_added_is_no_change)
{
    cz__test_on_database("sqlite:///:memory:", compare_aliases);
}

CZ_TEST(operations_are_compared_by_what_they_say)
{
    cz__test_on_database("sqlite:///:memory:", compare);
}

static size_t told;

static void count_sentence(const char *sentence)
{
    (void)sentence;
    told++;
}

static size_t edited(cz_ctx *ctx, const cz_migration *migration)
{
    const cz_migration *const all[] = { migration };
    cz__ledger *ledger = cz__ledger_read(ctx);
    told = 0;
    size_t count =
        cz__migrations_edited(ctx, cz__graph_make(ctx, all, 1, ledger), ledger, count_sentence);
    CZ_EXPECT_EQ(told, count);
    return count;
}

static void apply_and_edit(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const cz_migration *const all[] = { &first };
    cz__graph *graph = cz__graph_make(ctx, all, 1, NULL);
    CZ_EXPECT_EQ(edited(ctx, &first), 0); /* nothing is applied */
    cz__migrate_step(ctx, graph, (cz__planned){ 0, false }, CZ__MIGRATE_RUN);
    cz__ledger *ledger = cz__ledger_read(ctx);
    CZ_REQUIRE(ledger->count == 1);
    CZ_EXPECT(!ledger->rows[0].from_tables && ledger->rows[0].fingerprint);
    CZ_EXPECT_EQ(edited(ctx, &first), 0);
    CZ_EXPECT_EQ(edited(ctx, &laid_out_otherwise), 0);
    CZ_EXPECT_EQ(edited(ctx, &longer), 1);
    CZ_EXPECT_EQ(edited(ctx, &none), 1);
    const cz_migration *const now[] = { &longer };
    ledger = cz__ledger_read(ctx);
    graph = cz__graph_make(ctx, now, 1, ledger);
    CZ_EXPECT_EQ(cz__migrations_accept_edited(ctx, graph, ledger), 1);
    CZ_EXPECT_EQ(edited(ctx, &longer), 0);
    CZ_EXPECT_EQ(edited(ctx, &first), 1);
    CZ_EXPECT_EQ(cz__migrations_accept_edited(ctx, graph, cz__ledger_read(ctx)), 0);
    cz__ledger_remove(ctx, "store", "0001_initial");
    cz__ledger_add(ctx, "store", "0001_initial",
                   ""); /* as it was recorded before there were hashes */
    CZ_EXPECT_EQ(edited(ctx, &longer), 0);
    CZ_EXPECT(!cz__ledger_read(ctx)->rows[0].from_tables);
}

CZ_TEST(a_migration_that_was_changed_is_noticed)
{
    cz__test_on_database("sqlite:///:memory:", apply_and_edit);
}

CZ_TEST(a_migration_that_was_changed_is_noticed_on_postgresql)
{
    cz__test_on_database(cz_test_postgresql(), apply_and_edit);
}

/* ---- tables that were there before there were migrations ---- */

static const cz_dependency after_1[] = { { "store", "0001_initial" } };
static const cz_dependency after_2[] = { { "store", "0002_more" } };
static const cz_dependency after_3[] = { { "store", "0003_less" } };
static CZ_MIGRATION(second, "store", "0002_more", .depends = { after_1, 1 },
                    .operations = CZ_OPERATIONS(CZ_ADD_FIELD(
                        "Book", { "isbn", "char_field", .max_length = 13, .null = true })));
static CZ_MIGRATION(third, "store", "0003_less", .depends = { after_2, 1 },
                    .operations = CZ_OPERATIONS(CZ_REMOVE_FIELD("Book", "pages"),
                                                CZ_RENAME_FIELD("Book", "title", "name")));
static CZ_MIGRATION(fourth, "store", "0004_novel", .depends = { after_3, 1 },
                    .operations = CZ_OPERATIONS(CZ_RENAME_MODEL("Book", "Novel")));
static const cz_migration *const life[] = { &first, &second, &third, &fourth };

/* What `migrate` does with the first `count` migrations of a list. Returns how many it ran. */
static size_t migrate_to(cz_ctx *ctx, const cz_migration *const *list, size_t count,
                         const char *app, const char *name)
{
    cz__ledger *ledger = cz__ledger_read(ctx);
    cz__graph *graph = cz__graph_make(ctx, list, count, ledger);
    cz__graph_check_applied(ctx, graph);
    cz__plan_list plan = cz__migrate_plan(ctx, graph, app, name);
    cz__migrate_check_tables(ctx, graph, ledger);
    cz__migrate_record_squashed(ctx, graph, ledger);
    for (size_t i = 0; i < plan.count; i++)
        cz__migrate_step(ctx, graph, plan.items[i], CZ__MIGRATE_RUN);
    return plan.count;
}

static size_t migrate_first(cz_ctx *ctx, size_t count)
{
    return migrate_to(ctx, life, count, NULL, NULL);
}

/* As `createtables` leaves them. */
static void make_tables(cz_ctx *ctx)
{
    CZ_REQUIRE(migrate_first(ctx, 1) == 1);
    cz__ledger_remove(ctx, "store", "0001_initial");
    cz__ledger_add(ctx, "store", "0001_initial", "[{\"model\":\"Book\",\"fields\":[]}]");
    CZ_REQUIRE(cz__ledger_read(ctx)->rows[0].from_tables);
}

static void go_on_one_by_one(cz_ctx *ctx, void *arg)
{
    (void)arg;
    make_tables(ctx);
    CZ_EXPECT_EQ(migrate_first(ctx, 1), 0);
    for (size_t count = 2; count <= CZ_COUNT(life); count++) {
        CZ_EXPECT_EQ(migrate_first(ctx, count), 1);
        CZ_EXPECT_EQ(migrate_first(ctx, count), 0);
    }
    CZ_EXPECT_EQ(cz__ledger_read(ctx)->count, CZ_COUNT(life));
}

CZ_TEST(tables_made_without_migrations_go_on_with_one_migration_after_another)
{
    cz__test_on_database("sqlite:///:memory:", go_on_one_by_one);
}

CZ_TEST(tables_made_without_migrations_go_on_with_one_migration_after_another_on_postgresql)
{
    cz__test_on_database(cz_test_postgresql(), go_on_one_by_one);
}

static void try_first(cz_ctx *ctx, void *arg)
{
    migrate_first(ctx, *(const size_t *)arg);
}

static void lack_a_column(cz_ctx *ctx, void *arg)
{
    (void)arg;
    make_tables(ctx);
    cz_error err = { 0 };
    CZ_REQUIRE_OK(ctx->db->db->driver->run(
        ctx, ctx->db, CZ_STR("ALTER TABLE store_book DROP COLUMN pages"), &err));
    for (size_t count = 1; count <= 2; count++) { /* the second has nothing to do with it */
        CZ_EXPECT_EQ(cz_try(ctx, try_first, &count, &err), CZ_EVALIDATION);
        CZ_EXPECT(strstr(cz_error_message(&err), "store_book.pages is missing"));
    }
}

CZ_TEST(tables_made_without_migrations_must_be_those_of_the_first)
{
    cz__test_on_database("sqlite:///:memory:", lack_a_column);
}

CZ_TEST(tables_made_without_migrations_must_be_those_of_the_first_on_postgresql)
{
    cz__test_on_database(cz_test_postgresql(), lack_a_column);
}

static CZ_MIGRATION(start, "store", "0001_start",
                    .operations = CZ_OPERATIONS(BOOK(.max_length = 80), PAGES));
static const cz_dependency after_start[] = { { "store", "0001_start" } };
static CZ_MIGRATION(after, "store", "0002_more", .depends = { after_start, 1 },
                    .operations = CZ_OPERATIONS(CZ_ADD_FIELD(
                        "Book", { "isbn", "char_field", .max_length = 13, .null = true })));
static const cz_migration *const called_otherwise[] = { &start, &after };

static void try_otherwise(cz_ctx *ctx, void *arg)
{
    (void)arg;
    migrate_to(ctx, called_otherwise, 1, NULL, NULL);
}

static void begin_otherwise(cz_ctx *ctx, void *arg)
{
    (void)arg;
    make_tables(ctx);
    CZ_EXPECT_EQ(migrate_to(ctx, called_otherwise, 1, NULL, NULL), 0);
    CZ_EXPECT_EQ(migrate_to(ctx, called_otherwise, 2, NULL, NULL), 1);
    CZ_EXPECT_EQ(migrate_to(ctx, called_otherwise, 2, NULL, NULL), 0);
    cz__ledger *ledger = cz__ledger_read(ctx);
    CZ_REQUIRE(ledger->count == 2);
    CZ_EXPECT_STR(cz_str_from(ledger->rows[0].name), "0001_start");
    CZ_EXPECT(ledger->rows[0].fingerprint); /* so a change to it is noticed */
    /* And there is nothing left that says that the tables are there when they are not. */
    CZ_EXPECT_EQ(migrate_to(ctx, called_otherwise, 2, "store", "zero"), 2);
    CZ_EXPECT_EQ(cz__ledger_read(ctx)->count, 0);
    CZ_EXPECT_EQ(migrate_to(ctx, called_otherwise, 2, NULL, NULL), 2);
    CZ_EXPECT_EQ(migrate_to(ctx, called_otherwise, 2, "store", "zero"), 2);
    /* What is missing is named by the name there is. */
    make_tables(ctx);
    cz_error err = { 0 };
    CZ_REQUIRE_OK(ctx->db->db->driver->run(
        ctx, ctx->db, CZ_STR("ALTER TABLE store_book DROP COLUMN pages"), &err));
    CZ_EXPECT_EQ(cz_try(ctx, try_otherwise, NULL, &err), CZ_EVALIDATION);
    CZ_EXPECT(strstr(cz_error_message(&err), "not those of store.0001_start"));
}

CZ_TEST(tables_made_without_migrations_are_those_of_the_first_whatever_its_name)
{
    cz__test_on_database("sqlite:///:memory:", begin_otherwise);
}

CZ_TEST(tables_made_without_migrations_are_those_of_the_first_whatever_its_name_on_postgresql)
{
    cz__test_on_database(cz_test_postgresql(), begin_otherwise);
}

/* ---- a squashed migration, and a program that is older than it ---- */

static const char *const replaced[] = { "0001_initial", "0002_more", "0003_less" };
static CZ_MIGRATION(squashed, "store", "0001_initial_squashed_0003_less",
                    .replaces = { replaced, CZ_COUNT(replaced) },
                    .operations = CZ_OPERATIONS(CZ_CREATE_MODEL(
                        "Book", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                                { "name", "char_field", .max_length = 80 },
                                                { "isbn", "char_field", .max_length = 13,
                                                  .null = true }))));
static const cz_migration *const life_squashed[] = { &first, &squashed, &second, &third, &fourth };

static void squash_and_turn_back(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(migrate_to(ctx, life_squashed, 5, NULL, NULL), 2); /* the squashed, the fourth */
    CZ_EXPECT_EQ(migrate_to(ctx, life, 4, NULL, NULL), 0);
    CZ_EXPECT_EQ(migrate_to(ctx, life, 4, "store", "0001_initial"), 3);
    CZ_EXPECT_EQ(migrate_to(ctx, life_squashed, 5, NULL, NULL), 3);
    CZ_EXPECT_EQ(migrate_to(ctx, life_squashed, 5, NULL, NULL), 0);
    CZ_EXPECT_EQ(migrate_to(ctx, life_squashed, 5, "store", "zero"), 2);
    CZ_EXPECT_EQ(cz__ledger_read(ctx)->count, 0);
    /* a database whose squashed one was recorded alone has it */
    CZ_EXPECT_EQ(migrate_to(ctx, life_squashed, 5, NULL, NULL), 2);
    for (size_t i = 0; i < CZ_COUNT(replaced); i++)
        cz__ledger_remove(ctx, "store", replaced[i]);
    CZ_EXPECT_EQ(migrate_to(ctx, life_squashed, 5, NULL, NULL), 0);
}

CZ_TEST(a_squashed_migration_stands_for_those_it_replaces_in_an_older_program)
{
    cz__test_on_database("sqlite:///:memory:", squash_and_turn_back);
}

CZ_TEST(a_squashed_migration_stands_for_those_it_replaces_in_an_older_program_on_postgresql)
{
    cz__test_on_database(cz_test_postgresql(), squash_and_turn_back);
}
