#include <calzone/testing.h>
#include <stdio.h>
#include "migrations/migrations_internal.h"
#include "orm/encryption.h"

static cz_ctx *start(const char *url)
{
    static cz_ctx ctx;
    cz_error err = { 0 };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(url), &cz__db_default, &err));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    return &ctx;
}

/* ---- a name becomes two, and books get labels of their own table ---- */

static void split(cz_ctx *ctx, cz_past_row *row, void *arg)
{
    cz_str rest = cz_past_text(ctx, row, "name");
    if (cz_past_int(ctx, row, "id") % 2)
        cz_past_set_text(ctx, row, "first", cz_str_cut(&rest, ' '));
    else
        cz_past_set(ctx, row, "first", NULL);
    cz_past_set_text(ctx, row, "price", CZ_STR("2.50"));
    cz_past_set_int(ctx, row, "born", cz_past_int(ctx, row, "id") + 1900);
    ++*(size_t *)arg;
}

static void split_names(cz_ctx *ctx, const cz_history *history)
{
    size_t seen = 0;
    CZ_EXPECT_EQ(cz_past_each(ctx, history, "Author", split, &seen), 2500);
    CZ_EXPECT_EQ(seen, 2500);
    cz_past_row *label = cz_past_new(ctx, history, "store.Label");
    cz_past_set_int(ctx, label, "author", 7);
    cz_past_save(ctx, label);
    CZ_EXPECT_EQ(cz_past_int(ctx, label, "id"), 1);
    CZ_EXPECT_STR(cz_past_text(ctx, label, "text"), "none");
}

static void check_one(cz_ctx *ctx, cz_past_row *row, void *arg)
{
    char name[32];
    int64_t id = cz_past_int(ctx, row, "id");
    cz_ignore(snprintf(name, sizeof name, "First%lld", (long long)id)); /* fits */
    if (id % 2)
        CZ_EXPECT_STR(cz_past_text(ctx, row, "first"), name);
    else
        CZ_EXPECT(cz_past_is_null(ctx, row, "first") && !cz_past_value(ctx, row, "first"));
    const cz_decimal *price = cz_past_value(ctx, row, "price");
    CZ_EXPECT(price && cz_decimal_compare(*price, cz_decimal_of(250, 2)) == 0);
    CZ_EXPECT_EQ(cz_past_int(ctx, row, "born"), id + 1900);
    if (id > 10)
        cz_past_delete(ctx, row);
    ++*(size_t *)arg;
}

static void check_all(cz_ctx *ctx, const cz_history *history)
{
    size_t seen = 0;
    cz_past_each(ctx, history, "author", check_one, &seen);
    CZ_EXPECT_EQ(seen, 2500);
    seen = 0;
    cz_past_each(ctx, history, "author", check_one, &seen);
    CZ_EXPECT_EQ(seen, 10);
}

static const cz_operation first[] = {
    CZ_CREATE_MODEL("Author", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                              { "name", "char_field", .max_length = 50 })),
    CZ_CREATE_MODEL(
        "Label",
        CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                        { "author", "foreign_key", "store.Author", .on_delete = CZ_DO_NOTHING },
                        { "text", "char_field", .max_length = 9, .default_ = cz_text("none") })),
};
static const cz_operation second[] = {
    CZ_ADD_FIELD("Author", { "first", "char_field", .max_length = 20, .null = true }),
    CZ_ADD_FIELD("Author", { "price", "decimal_field", .digits = 6, .places = 2,
                             .default_ = cz_text("1.00") }),
    CZ_ADD_FIELD("Author", { "born", "small_int_field", .null = true }),
    CZ_RUN_C(split_names, cz_run_nothing),
    CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 60 }),
    CZ_RUN_C(check_all, cz_run_nothing),
    CZ_REMOVE_FIELD("Author", "name"),
};
static const cz_dependency on_first[] = { { "store", "0001" } };
static const cz_migration migrations[] = {
    { "store", "0001", .operations = { first, CZ_COUNT(first) } },
    { "store", "0002", .depends = { on_first, 1 }, .operations = { second, CZ_COUNT(second) } },
};

static void run_all(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const cz_migration *const all[] = { &migrations[0], &migrations[1] };
    cz__graph *graph = cz__graph_make(ctx, all, 2, NULL);
    cz__migrate_step(ctx, graph, (cz__planned){ 0, false }, CZ__MIGRATE_RUN);
    cz_error err;
    CZ_REQUIRE_OK(cz__db_default->driver->run(
        ctx, ctx->db,
        CZ_STR("INSERT INTO store_author (id, name) "
               "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2500) "
               "SELECT x, 'First' || x || ' Last' FROM n"),
        &err));
    cz__migrate_step(ctx, graph, (cz__planned){ 1, false }, CZ__MIGRATE_RUN);
    CZ_EXPECT_EQ(cz__ledger_read(ctx)->count, 2);
    cz__migrate_step(ctx, graph, (cz__planned){ 1, true }, CZ__MIGRATE_RUN);
}

static void migrate(const char *url, void (*run)(cz_ctx *ctx, void *arg))
{
    cz_ctx *ctx = start(url);
    cz_error err = { 0 };
    cz_status status = cz_try(ctx, run, NULL, &err);
    CZ_EXPECT_MSG(!status, "%s", cz_error_message(&err));
    cz_ctx_done(ctx);
    cz__db_close(cz__db_default);
}

CZ_TEST(a_migration_moves_data_between_models_of_the_past)
{
    migrate("sqlite:///:memory:", run_all);
}

CZ_TEST(a_migration_moves_data_between_models_of_the_past_on_postgresql)
{
    migrate(cz_test_postgresql(), run_all);
}

/* ---- columns that are not what they look like: as Django keeps them, encrypted, filled by the database ---- */

static void fill_lots(cz_ctx *ctx, const cz_history *history)
{
    cz_past_row *lot = cz_past_new(ctx, history, "Lot");
    cz_past_set_text(ctx, lot, "price", CZ_STR("12.25"));
    cz_past_set_text(ctx, lot, "code", CZ_STR("abababab-0000-4000-8000-000000000002"));
    cz_past_set_text(ctx, lot, "secret", CZ_STR("hush"));
    cz_past_save(ctx, lot);
    CZ_EXPECT_EQ(cz_past_int(ctx, lot, "stock"), 3);
}

static void check_lot(cz_ctx *ctx, cz_past_row *row, void *arg)
{
    int64_t id = cz_past_int(ctx, row, "id");
    const cz_decimal *price = cz_past_value(ctx, row, "price");
    const cz_uuid *code = cz_past_value(ctx, row, "code");
    char text[CZ_UUID_TEXT];
    CZ_REQUIRE(price && code);
    CZ_EXPECT_EQ(cz_decimal_compare(*price, cz_decimal_of(id == 1 ? 990 : 1225, 2)), 0);
    cz_uuid_write(text, *code);
    CZ_EXPECT_STR(cz_str_of(text, sizeof text), id == 1 ? "abababab-0000-4000-8000-000000000001"
                                                        : "abababab-0000-4000-8000-000000000002");
    CZ_EXPECT_STR(cz_past_text(ctx, row, "secret"), id == 1 ? "" : "hush");
    ++*(size_t *)arg;
}

static void check_lots(cz_ctx *ctx, const cz_history *history)
{
    size_t seen = 0;
    cz_past_each(ctx, history, "Lot", check_lot, &seen);
    CZ_EXPECT_EQ(seen, 2);
}

static const cz_operation lots[] = {
    CZ_CREATE_MODEL("Lot", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                           { "price", "decimal_field", .digits = 8, .places = 2,
                                             .django = true },
                                           { "code", "uuid_field", .django = true },
                                           { "secret", "encrypted_field", .null = true },
                                           { "stock", "int_field", .db_default = cz_int(3) })),
    CZ_RUN_SQL(
        "INSERT INTO store_lot (price, code) VALUES (9.9, 'abababab000040008000000000000001')", ""),
    CZ_RUN_C(fill_lots, cz_run_nothing),
    CZ_RUN_C(check_lots, cz_run_nothing),
    /* what was stored is what the others see, too */
    CZ_RUN_SQL("CREATE TABLE stored (price REAL CHECK (price = 12.25), code TEXT CHECK "
               "(length(code) = 32),"
               " secret TEXT CHECK (secret LIKE 'v1:a:%')) STRICT;"
               "INSERT INTO stored SELECT price, code, secret FROM store_lot WHERE id = 2",
               "", .database = "sqlite"),
};
static const cz_migration of_lots = { "store", "0001", .operations = { lots, CZ_COUNT(lots) } };

static void run_lots(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    const cz_migration *const all[] = { &of_lots };
    CZ_REQUIRE_OK(
        cz__field_keys_set(CZ_STR("a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="), &err));
    cz__migrate_step(ctx, cz__graph_make(ctx, all, 1, NULL), (cz__planned){ 0, false },
                     CZ__MIGRATE_RUN);
}

CZ_TEST(models_of_the_past_read_and_store_as_those_of_today)
{
    migrate("sqlite:///:memory:", run_lots);
}

CZ_TEST(models_of_the_past_read_and_store_as_those_of_today_on_postgresql)
{
    migrate(cz_test_postgresql(), run_lots);
}

static void ask_wrongly(cz_ctx *ctx, void *arg)
{
    const cz_history *history = arg;
    cz_past_row *row = cz_past_new(ctx, history, "Author");
    cz_past_set_text(ctx, row, "name", CZ_STR("x"));
    cz_past_set_text(ctx, row, "pages", CZ_STR("x"));
}

CZ_TEST(a_field_that_was_not_there_then_is_an_error)
{
    cz_ctx *ctx = start("sqlite:///:memory:");
    const cz_migration *const all[] = { &migrations[0] };
    cz_history history = { cz__graph_state(ctx, cz__graph_make(ctx, all, 1, NULL), NULL), "store" };
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_try(ctx, ask_wrongly, &history, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "store.author has no field \"pages\" with a column then");
    cz_ctx_done(ctx);
    cz__db_close(cz__db_default);
}
