/* The tables and columns of many-to-manys under other names: links kept, forward and back. */
#include "migrations/executor_testing.h"

static const cz_operation first[] = {
    CZ_CREATE_MODEL("Tag", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true })),
    CZ_CREATE_MODEL(
        "Book", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                { "tags", "many_to_many", "store.Tag" },
                                { "sequels", "many_to_many", "store.Book" },
                                { "marks", "many_to_many", "store.Tag", .table = "marks" },
                                { "loans", "many_to_many", "store.Tag", .through = "store.Loan" })),
    CZ_CREATE_MODEL(
        "Loan", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                { "book", "foreign_key", "store.Book", .on_delete = CZ_CASCADE },
                                { "tag", "foreign_key", "store.Tag", .on_delete = CZ_CASCADE })),
    CZ_RUN_SQL(
        "INSERT INTO store_tag (id) VALUES (1), (2); INSERT INTO store_book (id) VALUES (3), (4);"
        "INSERT INTO store_book_tags (book_id, tag_id) VALUES (3, 1), (4, 2);"
        "INSERT INTO store_book_sequels (from_book_id, to_book_id) VALUES (3, 4);"
        "INSERT INTO marks (book_id, tag_id) VALUES (4, 1);"
        "INSERT INTO store_loan (book_id, tag_id) VALUES (3, 2)",
        ""),
};

static const cz_operation keeps_table[] = {
    CZ_ALTER_FIELD("Book", { "tags", "many_to_many", "store.Tag", .table = "store_book_tags" }),
    CZ_RENAME_FIELD("Book", "tags", "labels"),
};

static const struct {
    cz_operation op;
    const char *links; /* SELECT of what is linked afterwards, a number for each */
    const char *numbers;
} renames[] = {
    { CZ_RENAME_FIELD("Book", "tags", "labels"),
      "SELECT book_id * 10 + tag_id AS n FROM store_book_labels", "31,42" },
    { CZ_RENAME_FIELD("Book", "marks", "notes"), "SELECT book_id * 10 + tag_id AS n FROM marks",
      "41" },
    { CZ_RENAME_FIELD("Loan", "tag", "label"),
      "SELECT book_id * 10 + label_id AS n FROM store_loan", "32" },
    { CZ_RENAME_MODEL("Tag", "Label"),
      "SELECT book_id * 10 + label_id AS n FROM store_book_tags UNION ALL "
      "SELECT book_id * 10 + label_id FROM marks",
      "31,41,42" },
    { CZ_RENAME_MODEL("Book", "Volume"),
      "SELECT from_volume_id * 10 + to_volume_id AS n FROM store_volume_sequels UNION ALL "
      "SELECT volume_id * 10 + tag_id FROM store_volume_tags UNION ALL "
      "SELECT volume_id * 10 + tag_id FROM marks",
      "31,34,41,42" },
    { CZ_ALTER_TABLE("Book", "volumes"),
      "SELECT book_id * 10 + tag_id AS n FROM volumes_tags UNION ALL "
      "SELECT book_id * 10 + tag_id FROM marks",
      "31,41,42" },
    { CZ_ALTER_FIELD("Book", { "tags", "many_to_many", "store.Tag", .table = "tagged" }),
      "SELECT book_id * 10 + tag_id AS n FROM tagged", "31,42" },
    { CZ_ALTER_FIELD("Book", { "sequels", "many_to_many", "store.Book", .table = "next" }),
      "SELECT from_book_id * 10 + to_book_id AS n FROM next", "34" },
    { CZ_ALTER_FIELD("Book", { "marks", "many_to_many", "store.Tag" }),
      "SELECT book_id * 10 + tag_id AS n FROM store_book_marks", "41" },
    { CZ_ALTER_FIELD("Book", { "tags", "many_to_many", "store.Tag", .table = "store_book_tags" }),
      "SELECT book_id * 10 + tag_id AS n FROM store_book_tags", "31,42" },
    { CZ_SEPARATE(.database_operations = { keeps_table, CZ_COUNT(keeps_table) },
                  .state_operations = { keeps_table, CZ_COUNT(keeps_table) }),
      "SELECT book_id * 10 + tag_id AS n FROM store_book_tags", "31,42" },
};
static const cz_dependency on_initial[] = { { "store", "0001_initial" } };

static void rename_links(const cz_operation *op, const char *links, const char *expected)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration initial = { "store", "0001_initial", .operations = { first, CZ_COUNT(first) } };
    cz_migration change = { "store", "0002_change", .depends = { on_initial, 1 },
                            .operations = { op, 1 } };
    const cz_migration *const all[] = { &initial, &change };
    struct steps_job job = { cz__graph_make(&ctx, all, 2, NULL), "0001" };
    const char *what = cz__operation_describe(&ctx, op);
    cz_str before = tell_fresh(cz__graph_state(&ctx, job.graph, (bool[]){ true, false }));
    cz_str after = tell_fresh(cz__graph_state(&ctx, job.graph, NULL));
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz_try(&ctx, migrate_to, &job, &err));
    job.target = "0002";
    cz_status status = cz_try(&ctx, migrate_to, &job, &err);
    CZ_EXPECT_MSG(!status, "%s: %s", what, cz_error_message(&err));
    CZ_EXPECT_STR(tell_tables(&ctx), after.ptr);
    CZ_EXPECT_STR(
        cz_str_from(text_of(
            &ctx, cz_format(&ctx, "SELECT CAST(n AS TEXT) FROM (%s) AS l ORDER BY n", links).ptr)),
        expected);
    job.target = "0001";
    status = cz_try(&ctx, migrate_to, &job, &err);
    CZ_EXPECT_MSG(!status, "%s, back: %s", what, cz_error_message(&err));
    CZ_EXPECT_STR(tell_tables(&ctx), before.ptr);
    close_database(&ctx);
}

ON_BOTH(links_are_kept_whatever_their_tables_and_columns_are_called)
{
    for (size_t i = 0; i < CZ_COUNT(renames); i++)
        rename_links(&renames[i].op, renames[i].links, renames[i].numbers);
}

/* ---- a field that keeps its links' table under another name ---- */

static bool say_renamed(cz_ctx *ctx, void *user, const char *app, const char *model,
                        const char *old, const char *name, bool similar)
{
    (void)ctx, (void)user, (void)app, (void)model, (void)old, (void)name;
    return similar;
}

CZ_TEST(a_field_that_keeps_the_table_of_its_links_is_found_renamed)
{
    static const cz__answers answers = { say_renamed, NULL, NULL };
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    cz_migration initial = { "store", "0001_initial", .operations = { first, CZ_COUNT(first) } };
    cz_migration change = { "store", "0002_change", .depends = { on_initial, 1 },
                            .operations = { keeps_table, CZ_COUNT(keeps_table) } };
    const cz_migration *const all[] = { &initial, &change };
    const cz__state *after = cz__graph_state(&ctx, cz__graph_make(&ctx, all, 2, NULL), NULL);
    cz__migration_list made =
        cz__autodetect_state(&ctx, cz__graph_make(&ctx, all, 1, NULL), after, &answers, NULL, NULL);
    CZ_REQUIRE(made.count == 1 && made.items[0].operations.count == CZ_COUNT(keeps_table));
    for (size_t i = 0; i < CZ_COUNT(keeps_table); i++)
        CZ_EXPECT_STR(cz_str_from(cz__operation_describe(&ctx, &made.items[0].operations.items[i])),
                      cz__operation_describe(&ctx, &keeps_table[i]));
    const cz_state_field *field = cz__state_field(cz__state_get(after, "store", "Book"), "labels");
    CZ_REQUIRE(field && field->table);
    CZ_EXPECT_STR(cz_str_from(field->table), "store_book_tags");
}
