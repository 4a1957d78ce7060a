/* Keys that change their type, with everything that holds one of them: forward and back, rows kept. */
#include "migrations/executor_testing.h"

/* ---- the models: all ways to refer to a Book ---- */

static const cz_state_field shelf[] = { { "id", "big_int_field", .primary_key = true } };
static const cz_state_field review[] = {
    { "id", "big_int_field", .primary_key = true },
    { "book", "foreign_key", "store.Book", .on_delete = CZ_CASCADE },
};
static const cz_state_field edition[] = {
    { "book", "one_to_one", "store.Book", .primary_key = true, .on_delete = CZ_CASCADE },
};
static const cz_state_field copy[] = {
    { "id", "big_int_field", .primary_key = true },
    { "edition", "foreign_key", "store.Edition", .on_delete = CZ_CASCADE },
};
static const cz_state_field tagging[] = {
    { "id", "big_int_field", .primary_key = true },
    { "book", "foreign_key", "store.Book", .null = true, .on_delete = CZ_SET_NULL },
    { "shelf", "foreign_key", "store.Shelf", .on_delete = CZ_CASCADE },
};
static const cz_state_field note[] = {
    { "id", "big_int_field", .primary_key = true },
    { "book", "foreign_key", "store.Book", .unconstrained = true, .null = true,
      .on_delete = CZ_DO_NOTHING },
};

static cz_state_field key_of(const char *kind)
{
    bool is_char = strcmp(kind, "char_field") == 0;
    return (cz_state_field){ "id", kind, .primary_key = true, .max_length = is_char ? 40 : 0 };
}

static cz_operation create(const char *model, const cz_state_field *fields, size_t count)
{
    return (cz_operation){ .kind = CZ_OPERATION_CREATE_MODEL,
                           .model = model,
                           .fields = { fields, count } };
}

static cz_operation_list first_operations(const char *kind)
{
    cz_operation *ops = cz_arena_array(cz_test_arena(), cz_operation, 7);
    cz_state_field *book = cz_arena_array(cz_test_arena(), cz_state_field, 6);
    book[0] = key_of(kind);
    book[1] = (cz_state_field){ "title", "char_field", .max_length = 20 };
    book[2] = (cz_state_field){ "sequel_of", "foreign_key", "store.Book", .null = true,
                                .on_delete = CZ_SET_NULL };
    book[3] = (cz_state_field){ "shelves", "many_to_many", "store.Shelf" };
    book[4] = (cz_state_field){ "similar", "many_to_many", "store.Book" };
    book[5] =
        (cz_state_field){ "tagged", "many_to_many", "store.Shelf", .through = "store.Tagging" };
    ops[0] = create("Shelf", shelf, CZ_COUNT(shelf));
    ops[1] = create("Book", book, 6);
    ops[2] = create("Review", review, CZ_COUNT(review));
    ops[3] = create("Edition", edition, CZ_COUNT(edition));
    ops[4] = create("Copy", copy, CZ_COUNT(copy));
    ops[5] = create("Tagging", tagging, CZ_COUNT(tagging));
    ops[6] = create("Note", note, CZ_COUNT(note));
    return (cz_operation_list){ ops, 7 };
}

/* Rows that refer to three books in every way; "$1" to "$3" are their keys. */
static const char rows[] =
    "INSERT INTO store_shelf (id) VALUES (5);"
    "INSERT INTO store_book (id, title, sequel_of_id) VALUES ('$1', 'a', NULL), "
    "('$2', 'b', '$1'), ('$3', 'c', '$3');"
    "INSERT INTO store_review (book_id) VALUES ('$1'), ('$3');"
    "INSERT INTO store_edition (book_id) VALUES ('$2'), ('$3');"
    "INSERT INTO store_copy (edition_id) VALUES ('$2'), ('$3');"
    "INSERT INTO store_book_shelves (book_id, shelf_id) VALUES ('$1', 5), ('$2', 5);"
    "INSERT INTO store_book_similar (from_book_id, to_book_id) VALUES ('$1', '$2');"
    "INSERT INTO store_tagging (book_id, shelf_id) VALUES ('$3', 5), (NULL, 5);"
    "INSERT INTO store_note (book_id) VALUES ('$2'), (NULL)";

#define TEXT(column) "coalesce(CAST(" column " AS TEXT), '-') || '|' || "
static const char rows_told[] = "SELECT " TEXT("b.id") TEXT("b.title") TEXT("b.sequel_of_id")
    TEXT("r.book_id") TEXT("e.book_id") TEXT("c.edition_id") TEXT("s.book_id")
        TEXT("m.from_book_id") TEXT("m.to_book_id") TEXT("t.book_id")
            TEXT("n.book_id") "'.' "
                              "FROM store_book b LEFT JOIN store_review r ON r.book_id = b.id "
                              "LEFT JOIN store_edition e ON e.book_id = b.id "
                              "LEFT JOIN store_copy c ON c.edition_id = e.book_id "
                              "LEFT JOIN store_book_shelves s ON s.book_id = b.id "
                              "LEFT JOIN store_book_similar m ON m.from_book_id = b.id "
                              "LEFT JOIN store_tagging t ON t.book_id = b.id "
                              "LEFT JOIN store_note n ON n.book_id = b.id ORDER BY b.title";

#define UUID_OF(n) "0190a000-0000-7000-8000-00000000000" #n

static const struct key_change {
    const char *from, *to;
    const char *keys[3];
} changes[] = {
    { "int_field", "big_int_field", { "1", "2", "40" } },
    { "big_int_field", "small_int_field", { "1", "2", "40" } },
    { "big_int_field", "char_field", { "1", "2", "5000000000" } },
    { "int_field", "text_field", { "7", "8", "9" } },
    { "char_field", "uuid_field", { UUID_OF(1), UUID_OF(2), UUID_OF(3) } },
    { "uuid_field", "text_field", { UUID_OF(4), UUID_OF(5), UUID_OF(6) } },
    { "char_field", "big_int_field", { "10", "9", "8" } },
};

/* ---- one change ---- */

static const cz_dependency on_initial[] = { { "store", "0001_initial" } };

static cz_migration first_migration(const char *kind)
{
    return (cz_migration){ "store", "0001_initial", .operations = first_operations(kind) };
}

static cz_migration change_to(const char *kind)
{
    cz_operation *op = cz_arena_new(cz_test_arena(), cz_operation);
    cz_state_field *key = cz_arena_new(cz_test_arena(), cz_state_field);
    *key = key_of(kind);
    *op = (cz_operation){ .kind = CZ_OPERATION_ALTER_FIELD, .model = "Book", .fields = { key, 1 } };
    return (cz_migration){ "store", "0002_key", .depends = { on_initial, 1 },
                           .operations = { op, 1 } };
}

static bool is_counted(const char *kind)
{
    return strstr(kind, "int_field") != NULL;
}

/* Run a statement in which "$1" to "$3" are keys. */
static cz_status run_with(cz_ctx *ctx, const char *sql, const char *const *keys, cz_error *err)
{
    cz_buf text = { 0 };
    for (const char *c = sql; *c; c++) {
        if (*c == '$')
            cz_buf_append_str(&text, cz_str_from(keys[*++c - '1']));
        else
            cz_buf_append_char(&text, *c);
    }
    cz_buf_cstr(&text);
    cz_status status = ctx->db->db->driver->run(ctx, ctx->db, cz_buf_str(&text), err);
    cz_buf_done(&text);
    return status;
}

static void add_rows(cz_ctx *ctx, const char *const *keys, bool counted)
{
    cz_error err = { 0 };
    const cz__db_driver *driver = ctx->db->db->driver;
    cz_status status = run_with(ctx, rows, keys, &err);
    if (!status && counted && driver->keys_given)
        status = driver->keys_given(ctx, ctx->db, "store_book", "id", &err);
    CZ_EXPECT_MSG(!status, "%s", cz_error_message(&err));
}

/* What the migrations leave behind: nothing, or a sentence. */
static const char *run_to(cz_ctx *ctx, cz__graph *graph, const char *target)
{
    struct steps_job job = { graph, target };
    cz_error err = { 0 };
    cz_status status = cz_try(ctx, migrate_to, &job, &err);
    return status ? cz_copy(ctx, cz_str_from(cz_error_message(&err))).ptr : "";
}

static void expect_text(const struct key_change *c, const char *when, cz_str actual,
                        cz_str expected)
{
    CZ_EXPECT_MSG(cz_str_eq(actual, expected), "%s to %s, %s:\n%.*s\nexpected:\n%.*s", c->from,
                  c->to, when, CZ_STR_ARG(actual), CZ_STR_ARG(expected));
}

/* The key a new row gets lies beyond all that are there, and beyond `*last`, the one given before. */
static void expect_counted(cz_ctx *ctx, const struct key_change *c, const char *kind, int64_t *last)
{
    int64_t highest = 0, given = 0;
    if (!is_counted(kind))
        return;
    cz_str text = cz_str_from(text_of(ctx, "SELECT CAST(max(id) AS TEXT) FROM store_book"));
    CZ_REQUIRE_OK(cz_str_to_i64(text, &highest));
    run_sql(ctx, "INSERT INTO store_book (title) VALUES ('new')");
    text = cz_str_from(text_of(ctx, "SELECT CAST(id AS TEXT) FROM store_book WHERE title = 'new'"));
    CZ_REQUIRE_OK(cz_str_to_i64(text, &given));
    run_sql(ctx, "DELETE FROM store_book WHERE title = 'new'");
    if (!is_counted(c->from) || !is_counted(c->to))
        *last = 0; /* a key that is not counted does not know it */
    CZ_EXPECT_MSG(given > highest && given > *last, "%s to %s, as %s: %lld is given after %lld",
                  c->from, c->to, kind, (long long)given, (long long)highest);
    *last = given;
}

/* Every foreign key holds: a row that leads nowhere is refused. */
static void expect_held(cz_ctx *ctx, const struct key_change *c)
{
    static const char *const dangling[] = {
        "INSERT INTO store_review (book_id) VALUES ('$1')",
        "INSERT INTO store_edition (book_id) VALUES ('$1')",
        "INSERT INTO store_book_shelves (book_id, shelf_id) VALUES ('$1', 5)",
        "INSERT INTO store_book_similar (from_book_id, to_book_id) VALUES ('$1', '$1')",
        "UPDATE store_book SET sequel_of_id = '$1' WHERE title = 'a'",
        "UPDATE store_tagging SET book_id = '$1'",
        "UPDATE store_copy SET edition_id = '$1'",
    };
    const char *nobody = strlen(c->keys[0]) == strlen(UUID_OF(0)) ? UUID_OF(9) : "30";
    for (size_t i = 0; i < CZ_COUNT(dangling); i++) {
        cz_error err = { 0 };
        cz_status status = run_with(ctx, dangling[i], &nobody, &err);
        CZ_EXPECT_MSG(status == CZ_EINTEGRITY, "%s to %s, %s: %s", c->from, c->to, dangling[i],
                      status ? cz_error_message(&err) : "went");
    }
}

/* Found again from the models, as the one operation it is. */
static void expect_detected(cz_ctx *ctx, const cz_migration *first, const cz__state *after)
{
    static const cz__answers no_answers = { NULL, NULL, NULL };
    const cz_migration *const all[] = { first };
    cz__migration_list made = cz__autodetect_state(ctx, cz__graph_make(ctx, all, 1, NULL), after,
                                                   &no_answers, NULL, NULL);
    CZ_REQUIRE(made.count == 1 && made.items[0].operations.count == 1);
    CZ_EXPECT_STR(cz_str_from(cz__operation_describe(ctx, &made.items[0].operations.items[0])),
                  "Alter field id on Book");
}

static void change_key(const struct key_change *c)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration(c->from), second = change_to(c->to);
    const cz_migration *const all[] = { &first, &second };
    bool only_first[] = { true, false };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    cz_str before = tell_fresh(cz__graph_state(&ctx, graph, only_first));
    cz_str after = tell_fresh(cz__graph_state(&ctx, graph, NULL));
    expect_detected(&ctx, &first, cz__graph_state(&ctx, graph, NULL));
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    expect_text(c, "made", tell_tables(&ctx), before);
    add_rows(&ctx, c->keys, is_counted(c->from));
    int64_t last = 0;
    cz_str told = cz_str_from(text_of(&ctx, rows_told));
    for (int round = 0; round < 2; round++) { /* a way back must leave nothing in the way */
        CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0002")), "");
        expect_text(c, "forward", tell_tables(&ctx), after);
        expect_text(c, "rows", cz_str_from(text_of(&ctx, rows_told)), told);
        expect_counted(&ctx, c, c->to, &last);
        expect_held(&ctx, c);
        CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
        expect_text(c, "backward", tell_tables(&ctx), before);
        expect_text(c, "rows", cz_str_from(text_of(&ctx, rows_told)), told);
        expect_counted(&ctx, c, c->from, &last);
        expect_held(&ctx, c);
    }
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "zero")), "");
    CZ_EXPECT_STR(tell_tables(&ctx), "");
    close_database(&ctx);
}

ON_BOTH(a_key_changes_its_type_with_all_that_refers_to_it_and_back)
{
    for (size_t i = 0; i < CZ_COUNT(changes); i++)
        change_key(&changes[i]);
}

/* Further changes that come with another type of key, on one book and its review. */
static const cz_operation with_more[] = {
    CZ_ALTER_FIELD(
        "Book", { "id", "char_field", .max_length = 40, .column = "number", .primary_key = true }),
    CZ_ALTER_FIELD("Edition", { "book", "one_to_one", "store.Label", .primary_key = true,
                                .on_delete = CZ_CASCADE }),
    CZ_ALTER_FIELD("Edition",
                   { "book", "big_int_field", .column = "book_id", .primary_key = true }),
    CZ_ALTER_FIELD("Edition", { "book", "uuid_field", .primary_key = true }),
};

ON_BOTH(a_key_changes_its_type_with_its_column_or_what_it_refers_to)
{
    static const cz_state_field label[] = { { "id", "uuid_field", .primary_key = true } };
    for (size_t i = 0; i < CZ_COUNT(with_more); i++) {
        cz_ctx ctx;
        open_database(scenario_url(), &ctx);
        clear_database(&ctx);
        cz_operation first_ops[8];
        cz_migration first = first_migration("big_int_field");
        memcpy(first_ops, first.operations.items, 7 * sizeof *first_ops);
        first_ops[7] = create("Label", label, 1);
        first.operations = (cz_operation_list){ first_ops, 8 };
        cz_migration second = { "store", "0002_key", .depends = { on_initial, 1 },
                                .operations = { &with_more[i], 1 } };
        const cz_migration *const all[] = { &first, &second };
        cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
        cz_str before = tell_fresh(cz__graph_state(&ctx, graph, (bool[]){ true, false }));
        cz_str after = tell_fresh(cz__graph_state(&ctx, graph, NULL));
        CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
        run_sql(&ctx, "INSERT INTO store_book (title) VALUES ('a');"
                      "INSERT INTO store_review (book_id) VALUES (1)");
        CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0002")), "");
        CZ_EXPECT_STR(tell_tables(&ctx), after.ptr);
        CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(book_id AS TEXT) FROM store_review")),
                      "1");
        CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
        CZ_EXPECT_STR(tell_tables(&ctx), before.ptr);
        run_sql(&ctx, "INSERT INTO store_book (title) VALUES ('b')");
        CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(max(id) AS TEXT) FROM store_book")),
                      "2");
        close_database(&ctx);
    }
}

/* What sqlmigrate prints, run by hand, makes the same tables. */
ON_BOTH(the_sql_of_a_changed_key_is_what_runs)
{
    static const char *const keys[] = { "1", "2", "3" };
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration("big_int_field"), second = change_to("char_field");
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    cz_error err = { 0 };
    cz_str states[2];
    for (size_t i = 0; i < 2; i++)
        states[i] = tell_fresh(cz__graph_state(&ctx, graph, (bool[]){ true, i == 1 }));
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    add_rows(&ctx, keys, true);
    cz_str told = cz_str_from(text_of(&ctx, rows_told));
    for (size_t i = 2; i-- > 0;) { /* forward, then back */
        const cz__sql_list *sql = cz__migrate_sql(&ctx, graph, (cz__planned){ 1, i == 0 });
        CZ_REQUIRE_OK(ctx.db->db->driver->schema_begin(&ctx, ctx.db, &err));
        for (size_t s = 0; s < sql->count; s++)
            run_sql(&ctx, sql->items[s].ptr);
        CZ_REQUIRE_OK(ctx.db->db->driver->schema_commit(&ctx, ctx.db, &err));
        CZ_EXPECT_STR(tell_tables(&ctx), states[i].ptr);
        CZ_EXPECT_STR(cz_str_from(text_of(&ctx, rows_told)), told.ptr);
    }
    close_database(&ctx);
}

/* ---- what is refused ---- */

static const struct refusal {
    const char *from, *to;
    const char *keys[3];
    const char *after;  /* further SQL before the change; NULL: none */
    const char *values; /* where the value is: "store_book" and "id" are said */
    const char *column;
} refusals[] = {
    { "char_field", "uuid_field", { UUID_OF(1), "abc", UUID_OF(3) }, NULL, "store_book", "id" },
    { "char_field", "big_int_field", { "1", "2x", "3" }, NULL, "store_book", "id" },
    { "big_int_field", "int_field", { "1", "2", "5000000000" }, NULL, "store_book", "id" },
    { "big_int_field", "uuid_field", { "1", "2", "3" }, NULL, "store_book", "id" },
    { "uuid_field",
      "big_int_field",
      { UUID_OF(1), UUID_OF(2), UUID_OF(3) },
      NULL,
      "store_book",
      "id" },
    { "char_field",
      "big_int_field",
      { "1", "2", "3" },
      "INSERT INTO store_note (book_id) VALUES ('nobody')",
      "store_note",
      "book_id" },
};

static void refuse(const struct refusal *r)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration(r->from), second = change_to(r->to);
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    add_rows(&ctx, r->keys, is_counted(r->from));
    if (r->after)
        run_sql(&ctx, r->after);
    cz_str before = tell_tables(&ctx), told = cz_str_from(text_of(&ctx, rows_told));
    const char *message = run_to(&ctx, graph, "0002");
    CZ_EXPECT_MSG(strstr(message, r->values) && strstr(message, r->column) && *message,
                  "%s to %s: %s", r->from, r->to, message);
    CZ_EXPECT_STR(tell_tables(&ctx), before.ptr);
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, rows_told)), told.ptr);
    CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 1);
    close_database(&ctx);
}

ON_BOTH(a_key_that_cannot_be_of_its_new_type_is_named_and_nothing_changes)
{
    for (size_t i = 0; i < CZ_COUNT(refusals); i++)
        refuse(&refusals[i]);
}

ON_BOTH(tables_without_rows_take_any_type_of_key)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration("big_int_field"), second = change_to("uuid_field");
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    cz_str after = tell_fresh(cz__graph_state(&ctx, graph, NULL));
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0002")), "");
    CZ_EXPECT_STR(tell_tables(&ctx), after.ptr);
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    run_sql(&ctx, "INSERT INTO store_book (title) VALUES ('new')");
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(id AS TEXT) FROM store_book")), "1");
    close_database(&ctx);
}

/* A half of it would be left: on both databases, so that a project finds out before it is in production. */
ON_BOTH(a_migration_that_is_online_changes_no_key)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration("int_field"), second = change_to("big_int_field");
    second.online = true;
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    cz_str before = tell_fresh(cz__graph_state(&ctx, graph, (bool[]){ true, false }));
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0002")),
                  "store.0002_key: \"Alter field id on Book\" changes the type of a key, which is "
                  "done whole or not at all: put it into a migration that is not .online");
    CZ_EXPECT_STR(tell_tables(&ctx), before.ptr);
    close_database(&ctx);
}

ON_BOTH(a_change_of_a_key_killed_at_any_statement_is_whole_or_not_at_all)
{
    static const char *const keys[] = { "1", "2", "3" };
    cz_ignore(database_url()); /* the directory is the parent's */
    cz_migration first = first_migration("big_int_field"), second = change_to("char_field");
    const cz_migration *const all[] = { &first, &second };
    cz_ctx ctx;
    open_database(database_url(), &ctx);
    clear_database(&ctx);
    CZ_REQUIRE(migrate_in_child(all, 2, "0001", UINT32_MAX));
    add_rows(&ctx, keys, true);
    cz_str told = cz_str_from(text_of(&ctx, rows_told));
    const char *const targets[] = { "0002", "0001" };
    unsigned killed = 0;
    for (size_t t = 0; t < CZ_COUNT(targets); t++) {
        cz_str whole = tell_tables(&ctx);
        for (unsigned n = 0; !migrate_in_child(all, 2, targets[t], n); n++) {
            killed++;
            CZ_EXPECT_STR(tell_tables(&ctx), whole.ptr);
            CZ_EXPECT_STR(cz_str_from(text_of(&ctx, rows_told)), told.ptr);
            CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 1 + t);
        }
        CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 2 - t);
        CZ_EXPECT_STR(cz_str_from(text_of(&ctx, rows_told)), told.ptr);
    }
    CZ_EXPECT_MSG(killed > 20, "only %u statements were tried", killed);
    close_database(&ctx);
}

/* A reference may lead to a model of another database: its column changes where it is. */
CZ_TEST(a_column_that_holds_keys_of_another_database_changes_with_them)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    cz__database logs = *cz__databases;
    logs.alias = "logs";
    ctx.db->database = &logs;
    cz_migration first = first_migration("big_int_field"), second = change_to("uuid_field");
    cz_operation *note_made = (cz_operation *)(uintptr_t)&first.operations.items[6];
    note_made->alias = "logs";
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' "
                                            "AND name LIKE 'store%'")),
                  "store_note");
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0002")), "");
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT type FROM pragma_table_info('store_note')")),
                  "INTEGER,TEXT");
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT type FROM pragma_table_info('store_note')")),
                  "INTEGER,INTEGER");
    close_database(&ctx);
}

/* ---- new keys for old, by SQL between ---- */

static const cz_state_field text_key = { "id", "char_field", .max_length = 40,
                                         .primary_key = true };
static const cz_state_field uuid_key = { "id", "uuid_field", .primary_key = true };
#define GIVE(table, column)                                                                        \
    "UPDATE " table " SET " column " = '0190a000-0000-7000-8000-' || "                             \
    "substr('000000000000' || " column ", length(" column ") + 1);"
static const char give_uuids[] = GIVE("store_book", "id") GIVE("store_book", "sequel_of_id")
    GIVE("store_review", "book_id") GIVE("store_edition", "book_id")
        GIVE("store_copy", "edition_id") GIVE("store_book_shelves", "book_id")
            GIVE("store_book_similar", "from_book_id") GIVE("store_book_similar", "to_book_id")
                GIVE("store_tagging", "book_id") GIVE("store_note", "book_id");

static void add_edition(cz_ctx *ctx, cz_past_row *row, void *arg)
{
    cz_buf *editions = arg;
    cz_buf_append_str(editions, cz_past_text(ctx, row, "edition"));
    cz_buf_append_char(editions, ' ');
}

/* A function sees the keys as they are then, also those of a model whose own key refers. */
static void read_copies(cz_ctx *ctx, const cz_history *history)
{
    cz_buf editions = { 0 };
    cz_past_each(ctx, history, "Copy", add_edition, &editions);
    CZ_EXPECT_STR(cz_buf_str(&editions), "2 40 ");
    cz_buf_done(&editions);
}

static const cz_operation to_uuids[] = {
    { .kind = CZ_OPERATION_ALTER_FIELD, .model = "Book", .fields = { &text_key, 1 } },
    CZ_RUN_C(read_copies, cz_run_nothing),
    CZ_RUN_SQL(give_uuids, ""),
    { .kind = CZ_OPERATION_ALTER_FIELD, .model = "Book", .fields = { &uuid_key, 1 } },
};

ON_BOTH(numbers_become_uuids_by_way_of_text)
{
    static const char *const keys[] = { "1", "2", "40" };
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration("big_int_field");
    cz_migration second = { "store", "0002_key", .depends = { on_initial, 1 },
                            .operations = { to_uuids, CZ_COUNT(to_uuids) } };
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    cz_str after = tell_fresh(cz__graph_state(&ctx, graph, NULL));
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    add_rows(&ctx, keys, true);
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0002")), "");
    CZ_EXPECT_STR(tell_tables(&ctx), after.ptr);
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(c.edition_id AS TEXT) FROM store_copy c "
                                            "JOIN store_book b ON b.id = c.edition_id "
                                            "ORDER BY b.title")),
                  "0190a000-0000-7000-8000-000000000002,0190a000-0000-7000-8000-000000000040");
    close_database(&ctx);
}

/* ---- on PostgreSQL alone ---- */

/* The key as others made it. */
static const char *const others[] = {
    "ALTER TABLE store_book ALTER COLUMN id DROP IDENTITY;" /* serial, as by Django before 4.1 */
    "CREATE SEQUENCE store_book_id_seq AS integer OWNED BY store_book.id;"
    "ALTER TABLE store_book ALTER COLUMN id SET DEFAULT nextval('store_book_id_seq')",
    "ALTER TABLE store_book ALTER COLUMN id DROP IDENTITY;"
    "CREATE SEQUENCE \"Keys of books\" AS integer OWNED BY store_book.id;"
    "ALTER TABLE store_book ALTER COLUMN id SET DEFAULT nextval('\"Keys of books\"')",
    "ALTER TABLE store_book ALTER COLUMN id DROP IDENTITY;"
    "ALTER TABLE store_book ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "
    "book_ids);"
    "ALTER TABLE store_book ALTER COLUMN id SET GENERATED BY DEFAULT",
    "ALTER TABLE store_book ALTER COLUMN id DROP IDENTITY", /* not counted at all */
};

static const char sequence_told[] =
    "SELECT CAST(data_type AS text) || ' to ' || max_value FROM pg_sequences WHERE schemaname = "
    "current_schema() AND format('%I', sequencename) = "
    "pg_get_serial_sequence('store_book', 'id')::regclass::text";

static void change_others_key(cz_ctx *ctx, const char *made)
{
    static const char *const keys[] = { "1", "2", "2147483646" };
    clear_database(ctx);
    cz_migration first = first_migration("int_field"), second = change_to("big_int_field");
    cz_migration third = change_to("text_field");
    cz_dependency on_second[] = { { "store", "0002_key" } };
    third.name = "0003_text";
    third.depends = (cz_dependency_list){ on_second, 1 };
    const cz_migration *const all[] = { &first, &second, &third };
    cz__graph *graph = cz__graph_make(ctx, all, 3, NULL);
    CZ_EXPECT_STR(cz_str_from(run_to(ctx, graph, "0001")), "");
    run_sql(ctx, made);
    add_rows(ctx, keys, true);
    CZ_EXPECT_STR(cz_str_from(run_to(ctx, graph, "0002")), "");
    CZ_EXPECT_STR(cz_str_from(text_of(ctx, sequence_told)), "bigint to 9223372036854775807");
    run_sql(ctx, "INSERT INTO store_book (title) VALUES ('x'), ('y')");
    CZ_EXPECT_STR(cz_str_from(text_of(ctx, "SELECT max(id)::text FROM store_book")), "2147483648");
    CZ_EXPECT_STR(cz_str_from(run_to(ctx, graph, "0003")), "");
    CZ_EXPECT_STR(cz_str_from(text_of(ctx, "SELECT sequencename::text FROM pg_sequences WHERE "
                                           "schemaname = current_schema() AND sequencename ~* "
                                           "'book_id|keys of'")),
                  "");
    CZ_EXPECT_STR(cz_str_from(run_to(ctx, graph, "0002")), "");
    CZ_EXPECT_STR(cz_str_from(text_of(ctx, sequence_told)), "bigint to 9223372036854775807");
    run_sql(ctx, "INSERT INTO store_book (title) VALUES ('z')");
    CZ_EXPECT_STR(cz_str_from(text_of(ctx, "SELECT max(id)::text FROM store_book")), "2147483649");
}

CZ_TEST(keys_that_others_count_are_counted_as_far_as_their_new_type_goes)
{
    cz_ctx ctx;
    on_postgresql = *cz_test_postgresql() != '\0'; /* it skips when there is none */
    open_database(scenario_url(), &ctx);
    for (size_t i = 0; i < CZ_COUNT(others); i++)
        change_others_key(&ctx, others[i]);
    close_database(&ctx);
}

/* A foreign key that an .online migration left before it was checked is checked now. */
static void change_unchecked(const char *rows_before, const char *expected)
{
    static const char *const keys[] = { "1", "2", "3" };
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration("big_int_field"), second = change_to("text_field");
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    add_rows(&ctx, keys, true);
    run_sql(&ctx, "ALTER TABLE store_review DROP CONSTRAINT store_review_book_id_fk");
    run_sql(&ctx, rows_before);
    run_sql(&ctx,
            "ALTER TABLE store_review ADD CONSTRAINT store_review_book_id_fk FOREIGN KEY (book_id) "
            "REFERENCES store_book (id) DEFERRABLE INITIALLY DEFERRED NOT VALID");
    const char *message = run_to(&ctx, graph, "0002");
    CZ_EXPECT_MSG(*expected ? strstr(message, expected) != NULL : !*message, "said: %s", message);
    CZ_EXPECT_STR(
        cz_str_from(text_of(&ctx, "SELECT convalidated::text FROM pg_constraint WHERE "
                                  "conrelid = 'store_review'::regclass AND contype = 'f'")),
        *expected ? "false" : "true");
    close_database(&ctx);
}

CZ_TEST(foreign_keys_not_checked_yet_are_checked)
{
    on_postgresql = *cz_test_postgresql() != '\0'; /* it skips when there is none */
    change_unchecked("SELECT 1", "");
    change_unchecked("INSERT INTO store_review (book_id) VALUES (77)", "Key (book_id)=(77)");
}

/* What no model knows holds the key fast: the server says what it is, and nothing changes. */
CZ_TEST(a_foreign_key_that_no_model_knows_is_named)
{
    cz_ctx ctx;
    on_postgresql = *cz_test_postgresql() != '\0'; /* it skips when there is none */
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_migration first = first_migration("big_int_field"), second = change_to("text_field");
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    CZ_EXPECT_STR(cz_str_from(run_to(&ctx, graph, "0001")), "");
    run_sql(&ctx, "CREATE TABLE loan (book bigint CONSTRAINT loan_of REFERENCES store_book (id))");
    cz_str before = tell_tables(&ctx);
    const char *message = run_to(&ctx, graph, "0002");
    CZ_EXPECT_MSG(strstr(message, "loan_of") != NULL, "said: %s", message);
    CZ_EXPECT_STR(tell_tables(&ctx), before.ptr);
    clear_database(&ctx);
    close_database(&ctx);
}
