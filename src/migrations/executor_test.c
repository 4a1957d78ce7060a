/* Every operation with every kind of field: forward and backward, rows kept, and the tables as if they had
 * been made so from the start. */
#include "migrations/executor_testing.h"

static bool online; /* with .online migrations */

#define ON_BOTH_AND_ONLINE(name)                                                                   \
    ON_BOTH(name);                                                                                 \
    CZ_TEST(name##_online)                                                                         \
    {                                                                                              \
        online = on_postgresql = *cz_test_postgresql() != '\0';                                    \
        name##_on_a_database();                                                                    \
    }                                                                                              \
    static void name##_on_a_database(void)

/* ---- the models that change ---- */

static const char *const kinds[] = {
    "char_field",    "text_field",      "slug_field",       "email_field",   "url_field",
    "int_field",     "bool_field",      "small_int_field",  "big_int_field", "float_field",
    "date_field",    "datetime_field",  "uuid_field",       "time_field",    "duration_field",
    "decimal_field", "json_field",      "ip_field",         "file_field",    "image_field",
    "binary_field",  "int_array_field", "text_array_field", "foreign_key",   "one_to_one",
};

/* The value of row `n` of 3, in SQL, and a default, for a kind. */
static const char *sample(const char *kind, int n)
{
    static char text[64];
    switch (cz__kind_of(kind)) {
    case CZ_KIND_small_int_field:
    case CZ_KIND_int_field:
    case CZ_KIND_big_int_field:
    case CZ_KIND_foreign_key:
    case CZ_KIND_one_to_one:
        snprintf(text, sizeof text, "%d", n);
        break;
    case CZ_KIND_decimal_field:
        snprintf(text, sizeof text, on_postgresql ? "%d.25" : "%d25", n);
        break;
    case CZ_KIND_duration_field:
        snprintf(text, sizeof text, on_postgresql ? "'%d seconds'" : "%d000000", n);
        break;
    case CZ_KIND_time_field:
        snprintf(text, sizeof text, "'04:05:0%d'", n);
        break;
    case CZ_KIND_json_field:
        snprintf(text, sizeof text, "'{\"n\": %d}'", n);
        break;
    case CZ_KIND_ip_field:
        snprintf(text, sizeof text, "'192.0.2.%d'", n);
        break;
    case CZ_KIND_binary_field:
        snprintf(text, sizeof text, on_postgresql ? "'\\x0%d'" : "X'0%d'", n);
        break;
    case CZ_KIND_int_array_field:
        snprintf(text, sizeof text, on_postgresql ? "'{%d}'" : "'[%d]'", n);
        break;
    case CZ_KIND_text_array_field:
        snprintf(text, sizeof text, on_postgresql ? "'{\"%d\"}'" : "'[\"%d\"]'", n);
        break;
    case CZ_KIND_bool_field:
        snprintf(text, sizeof text, "%s", n % 2 ? "true" : "false");
        break;
    case CZ_KIND_float_field:
        snprintf(text, sizeof text, "%d.25", n);
        break;
    case CZ_KIND_date_field:
        snprintf(text, sizeof text, "'2026-11-0%d'", n);
        break;
    case CZ_KIND_datetime_field:
        snprintf(text, sizeof text, "'2026-11-0%d 04:05:06'", n);
        break;
    case CZ_KIND_uuid_field:
        snprintf(text, sizeof text, "'0190a000-0000-7000-8000-00000000000%d'", n);
        break;
    default:
        snprintf(text, sizeof text, "'it''s %d'", n);
    }
    return text;
}

static cz_tagged default_of(const char *kind)
{
    switch (cz__kind_of(kind)) {
    case CZ_KIND_small_int_field:
    case CZ_KIND_int_field:
    case CZ_KIND_big_int_field:
    case CZ_KIND_foreign_key:
    case CZ_KIND_one_to_one:
        return (cz_tagged)cz_int(1);
    case CZ_KIND_decimal_field:
        return (cz_tagged)cz_text("9.90");
    case CZ_KIND_duration_field:
        return (cz_tagged)cz_text("00:00:05");
    case CZ_KIND_time_field:
        return (cz_tagged)cz_text("04:05");
    case CZ_KIND_json_field:
        return (cz_tagged)cz_text("{\"it's\": null}");
    case CZ_KIND_ip_field:
        return (cz_tagged)cz_text("192.0.2.1");
    case CZ_KIND_bool_field:
        return (cz_tagged)cz_bool(true);
    case CZ_KIND_float_field:
        return (cz_tagged)cz_real(0.5);
    case CZ_KIND_date_field:
        return (cz_tagged)cz_text("2026-11-21");
    case CZ_KIND_datetime_field:
        return (cz_tagged)cz_text("2026-11-21T04:05:06Z");
    case CZ_KIND_uuid_field:
        return (cz_tagged)cz_text("0190a000-0000-7000-8000-000000000001");
    default:
        return (cz_tagged)cz_text("it's");
    }
}

static bool has_default(const char *kind)
{
    cz_field_kind known = cz__kind_of(kind);
    return known != CZ_KIND_binary_field && known != CZ_KIND_int_array_field &&
           known != CZ_KIND_text_array_field;
}

static const cz_state_field id_field = { "id", "big_int_field", .primary_key = true };
static const cz_state_field author_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "name", "char_field", .max_length = 50, .unique = true },
};
static const cz_state_field review_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "book", "foreign_key", "store.Book", .on_delete = CZ_CASCADE },
};

/* Author, Book with an author, a year and maybe one field more, Review of a Book. */
static cz_operation_list initial_operations(const cz_state_field *extra)
{
    cz_operation *ops = cz_arena_array(cz_test_arena(), cz_operation, 3);
    cz_state_field *book = cz_arena_array(cz_test_arena(), cz_state_field, 5);
    book[0] = id_field;
    book[1] = (cz_state_field){ "title", "char_field", .max_length = 200, .index = true };
    book[2] = (cz_state_field){ "author", "foreign_key", "store.Author", .on_delete = CZ_PROTECT };
    book[3] = (cz_state_field){ "year", "int_field", .null = true };
    if (extra)
        book[4] = *extra;
    ops[0] = (cz_operation){ .kind = CZ_OPERATION_CREATE_MODEL,
                             .model = "Author",
                             .fields = { author_fields, 2 } };
    ops[1] = (cz_operation){ .kind = CZ_OPERATION_CREATE_MODEL,
                             .model = "Book",
                             .fields = { book, extra ? 5 : 4 } };
    ops[2] = (cz_operation){ .kind = CZ_OPERATION_CREATE_MODEL,
                             .model = "Review",
                             .fields = { review_fields, 2 } };
    return (cz_operation_list){ ops, 3 };
}

static void add_rows(cz_ctx *ctx, const cz_state_field *extra)
{
    run_sql(ctx, "INSERT INTO store_author (id, name) VALUES (1, 'Ovid'), (2, 'Sappho'), (3, 'x')");
    for (int n = 1; n <= 3; n++) {
        cz_str sql =
            extra && cz__kind_is_stored(extra->kind)
                ? cz_format(ctx,
                            "INSERT INTO store_book (id, title, author_id, year, \"%s\") VALUES "
                            "(%d, 'Title %d', %d, %d, %s)",
                            cz__state_column(ctx, extra), n * 10, n, n, 2000 + n,
                            sample(extra->kind, n))
                : cz_format(ctx,
                            "INSERT INTO store_book (id, title, author_id, year) VALUES "
                            "(%d, 'Title %d', %d, %d)",
                            n * 10, n, n, 2000 + n);
        run_sql(ctx, sql.ptr);
    }
    run_sql(ctx, "INSERT INTO store_review (id, book_id) VALUES (1, 10), (2, 30)");
    if (on_postgresql) /* keys that were given do not move what gives the next */
        run_sql(ctx, "ALTER TABLE store_review ALTER COLUMN id RESTART WITH 3");
    run_sql(ctx, "INSERT INTO store_book (id, title, author_id) VALUES (99, 'gone', 1)");
    run_sql(ctx, "DELETE FROM store_book WHERE id = 99");
}

/* ---- one case ---- */

struct scenario {
    const char *what, *kind;
    const cz_state_field *extra; /* of Book, from the start */
    cz_operation_list change;
    const char *kept; /* SELECT that says the same before and after the way back; may be NULL */
    const char
        *rows_after; /* SELECT that says after the change what rows_kept says before; may be NULL */
};

static const char *const rows_kept =
    "SELECT b.id || b.title || b.author_id || b.year || coalesce(CAST(r.id AS TEXT), '-') FROM "
    "store_book b LEFT JOIN store_review r ON r.book_id = b.id ORDER BY b.id";

static void expect_same(const struct scenario *s, const char *when, cz_str actual, cz_str expected)
{
    CZ_EXPECT_MSG(cz_str_eq(actual, expected), "%s, %s, %s:\n%.*s\nexpected:\n%.*s", s->what,
                  s->kind, when, CZ_STR_ARG(actual), CZ_STR_ARG(expected));
}

static bool migrate(cz_ctx *ctx, cz__graph *graph, const char *target, const struct scenario *s)
{
    struct steps_job job = { graph, target };
    cz_error err = { 0 };
    cz_status status = cz_try(ctx, migrate_to, &job, &err);
    CZ_EXPECT_MSG(!status, "%s, %s, to %s: %s", s->what, s->kind, target, cz_error_message(&err));
    return !status;
}

static bool say_renamed(cz_ctx *ctx, void *user, const char *app, const char *model,
                        const char *old, const char *name, bool similar)
{
    (void)ctx, (void)user, (void)app, (void)model, (void)old, (void)name;
    return similar;
}

static cz_tagged say_default(cz_ctx *ctx, void *user, const char *app, const char *model,
                             const cz_state_field *field)
{
    (void)ctx, (void)user, (void)app, (void)model;
    return default_of(field->kind);
}

static const cz__answers answers = { say_renamed, say_default, NULL };

/* The change is found again from the models before and after it, and finding it changes all there is. */
static void expect_detected(cz_ctx *ctx, const struct scenario *s, const cz__state *after)
{
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(s->extra) };
    const cz_migration *all[8] = { &first };
    cz__graph *graph = cz__graph_make(ctx, all, 1, NULL);
    cz__migration_list made = cz__autodetect_state(ctx, graph, after, &answers, NULL, NULL);
    CZ_REQUIRE(made.count < 8);
    CZ_EXPECT_MSG(made.count == 1, "%s, %s: %zu migrations", s->what, s->kind, made.count);
    if (s->change.count == 1 && made.count == 1)
        CZ_EXPECT_MSG(made.items[0].operations.count == 1 &&
                          made.items[0].operations.items[0].kind == s->change.items[0].kind,
                      "%s, %s: found %s", s->what, s->kind,
                      cz__operation_describe(ctx, &made.items[0].operations.items[0]));
    for (size_t i = 0; i < made.count; i++)
        all[i + 1] = &made.items[i];
    graph = cz__graph_make(ctx, all, made.count + 1, NULL);
    expect_same(s, "detected", tell_fresh(cz__graph_state(ctx, graph, NULL)), tell_fresh(after));
    made = cz__autodetect_state(ctx, graph, after, &answers, NULL, NULL);
    CZ_EXPECT_MSG(made.count == 0, "%s, %s: more is found: %s", s->what, s->kind,
                  cz__operation_describe(ctx, &made.items[0].operations.items[0]));
}

static void run_scenario(const struct scenario *s)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_dependency needs[] = { { "store", "0001_initial" } };
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(s->extra) };
    cz_migration second = { "store", "0002_change", .depends = { needs, 1 },
                            .operations = s->change, .online = online };
    const cz_migration *const all[] = { &first, &second };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    bool only_first[] = { true, false };
    cz_str before = tell_fresh(cz__graph_state(&ctx, graph, only_first));
    cz_str after = tell_fresh(cz__graph_state(&ctx, graph, NULL));
    expect_detected(&ctx, s, cz__graph_state(&ctx, graph, NULL));
    if (migrate(&ctx, graph, "0001", s)) {
        expect_same(s, "made", tell_tables(&ctx), before);
        add_rows(&ctx, s->extra);
        cz_str rows = cz_str_from(text_of(&ctx, rows_kept));
        cz_str kept = s->kept ? cz_str_from(text_of(&ctx, s->kept)) : CZ_STR("");
        if (migrate(&ctx, graph, "0002", s)) {
            expect_same(s, "forward", tell_tables(&ctx), after);
            const char *sql = s->rows_after ? s->rows_after : rows_kept;
            expect_same(s, "rows", cz_str_from(text_of(&ctx, sql)), rows);
        }
        if (migrate(&ctx, graph, "0001", s)) {
            expect_same(s, "backward", tell_tables(&ctx), before);
            expect_same(s, "rows", cz_str_from(text_of(&ctx, rows_kept)), rows);
            if (s->kept)
                expect_same(s, "values", cz_str_from(text_of(&ctx, s->kept)), kept);
            run_sql(&ctx, "INSERT INTO store_review (book_id) SELECT id FROM store_book LIMIT 1");
            CZ_EXPECT_STR(
                cz_str_from(text_of(&ctx, "SELECT CAST(max(id) AS TEXT) FROM store_review")), "3");
        }
        if (migrate(&ctx, graph, "zero", s))
            CZ_EXPECT_STR(tell_tables(&ctx), "");
    }
    close_database(&ctx);
}

static cz_state_field field_of(const char *name, const char *kind)
{
    bool relation = cz__kind_is_relation(kind);
    bool decimal = strcmp(kind, "decimal_field") == 0;
    return (cz_state_field){ .name = name,
                             .kind = kind,
                             .digits = decimal ? 8 : 0,
                             .places = decimal ? 2 : 0,
                             .to = relation ? "store.Author" : NULL,
                             .on_delete = relation && cz__kind_is_stored(kind) ? CZ_CASCADE : 0 };
}

static cz_operation_list one(cz_operation op)
{
    cz_operation *ops = cz_arena_new(cz_test_arena(), cz_operation);
    *ops = op;
    return (cz_operation_list){ ops, 1 };
}

static const cz_state_field *keep(cz_state_field field)
{
    cz_state_field *copy = cz_arena_new(cz_test_arena(), cz_state_field);
    *copy = field;
    return copy;
}

static cz_operation_list one_field(cz_operation_kind kind, cz_state_field field)
{
    return one((cz_operation){ .kind = kind, .model = "Book", .fields = { keep(field), 1 } });
}

ON_BOTH_AND_ONLINE(a_field_of_every_kind_is_added)
{
    for (size_t i = 0; i < CZ_COUNT(kinds); i += online ? 4 : 1) {
        cz_state_field field = field_of("extra", kinds[i]);
        field.null = true;
        run_scenario(&(struct scenario){ "add nullable", kinds[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
        field.index = true;
        run_scenario(&(struct scenario){ "add nullable with index", kinds[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
        field.index = false;
        field.unique = true;
        run_scenario(&(struct scenario){ "add nullable unique", kinds[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
        if (cz__kind_of(kinds[i]) == CZ_KIND_one_to_one || !has_default(kinds[i]))
            continue; /* one value cannot fill all rows; a list or bytes have no default */
        field.null = field.unique = false;
        field.fill = default_of(kinds[i]);
        run_scenario(&(struct scenario){ "add with fill", kinds[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
        field.fill = (cz_tagged){ 0 };
        field.default_ = default_of(kinds[i]);
        run_scenario(&(struct scenario){ "add with default", kinds[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
        if (cz__kind_is_relation(kinds[i]))
            continue;
        field.default_ = (cz_tagged){ 0 };
        field.db_default = default_of(kinds[i]);
        run_scenario(&(struct scenario){ "add with db_default", kinds[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
    }
}

ON_BOTH_AND_ONLINE(defaults_of_the_database_come_change_and_go)
{
    static const char *const kept =
        "SELECT coalesce(CAST(extra AS TEXT), 'none') FROM store_book ORDER BY id";
    static const cz_tagged values[] = {
        { 0 }, cz_text("a 'b'"), cz_text("c"), cz_sql("upper('d')")
    };
    for (size_t i = 0; i < CZ_COUNT(values); i++)
        for (size_t j = 0; j < CZ_COUNT(values); j++) {
            cz_state_field field = field_of("extra", "char_field"), changed;
            field.null = true;
            changed = field;
            field.db_default = values[i];
            changed.db_default = values[j];
            if (i != j)
                run_scenario(&(struct scenario){ "db_default", "char_field", keep(field),
                                                 one_field(CZ_OPERATION_ALTER_FIELD, changed),
                                                 kept });
        }
    cz_state_field number = field_of("extra", "int_field"), text = field_of("extra", "text_field");
    number.null = text.null = true;
    number.db_default = (cz_tagged)cz_int(7);
    text.db_default = (cz_tagged)cz_text("seven");
    run_scenario(&(struct scenario){ "db_default", "to another type", keep(number),
                                     one_field(CZ_OPERATION_ALTER_FIELD, text), kept });
    cz_state_field required = number;
    required.null = false;
    run_scenario(&(struct scenario){ "db_default", "to not null", keep(number),
                                     one_field(CZ_OPERATION_ALTER_FIELD, required), kept });
    static const char *const now[] = { "datetime_field", "date_field" };
    for (size_t i = 0; i < CZ_COUNT(now); i++) {
        cz_state_field field = field_of("extra", now[i]);
        field.db_default = (cz_tagged)cz_db_now();
        run_scenario(&(struct scenario){ "db_default now", now[i], NULL,
                                         one_field(CZ_OPERATION_ADD_FIELD, field) });
    }
}

ON_BOTH(a_field_of_every_kind_is_removed)
{
    for (size_t i = 0; i < CZ_COUNT(kinds); i++) {
        cz_state_field field = field_of("extra", kinds[i]);
        cz_operation_list gone = one(
            (cz_operation){ .kind = CZ_OPERATION_REMOVE_FIELD, .model = "Book", .name = "extra" });
        field.null = true;
        run_scenario(&(struct scenario){ "remove nullable", kinds[i], keep(field), gone });
        field.index = true;
        run_scenario(&(struct scenario){ "remove indexed", kinds[i], keep(field), gone });
    }
}

/* Half of the kinds at a time: on a busy machine all take longer than a test may. */
static void alter_fields(size_t first, size_t end)
{
    static const char *const kept =
        "SELECT coalesce(CAST(%s AS TEXT), 'none') FROM store_book ORDER BY id";
    for (size_t i = first; i < end; i += online ? 4 : 1) {
        cz_state_field field = field_of("extra", kinds[i]), changed = field;
        bool relation = cz__kind_is_relation(kinds[i]);
        bool repeats = cz__kind_of(kinds[i]) == CZ_KIND_bool_field;
        cz_str select = { 0 };
        char text[128];
        snprintf(text, sizeof text, kept, relation ? "extra_id" : "extra");
        CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_from(text), &select));
        field.null = true;
        changed.fill = default_of(kinds[i]);
        if (has_default(kinds[i]))
            run_scenario(&(struct scenario){ "to not null", kinds[i], keep(field),
                                             one_field(CZ_OPERATION_ALTER_FIELD, changed),
                                             select.ptr });
        changed = field;
        changed.index = true;
        run_scenario(&(struct scenario){ "to indexed", kinds[i], keep(field),
                                         one_field(CZ_OPERATION_ALTER_FIELD, changed),
                                         select.ptr });
        changed.index = false;
        changed.unique = true;
        if (!repeats)
            run_scenario(&(struct scenario){ "to unique", kinds[i], keep(field),
                                             one_field(CZ_OPERATION_ALTER_FIELD, changed),
                                             select.ptr });
        changed = field;
        changed.column = "other_column";
        run_scenario(&(struct scenario){ "to another column", kinds[i], keep(field),
                                         one_field(CZ_OPERATION_ALTER_FIELD, changed),
                                         select.ptr });
        run_scenario(&(struct scenario){ "renamed", kinds[i], keep(field),
                                         one((cz_operation){ .kind = CZ_OPERATION_RENAME_FIELD,
                                                             .model = "Book",
                                                             .name = "extra",
                                                             .new_name = "other" }),
                                         select.ptr });
        changed = field_of("extra", "text_field");
        changed.null = true;
        if (!relation && cz__kind_of(kinds[i]) != CZ_KIND_text_field)
            run_scenario(&(struct scenario){ "to text", kinds[i], keep(field),
                                             one_field(CZ_OPERATION_ALTER_FIELD, changed),
                                             select.ptr });
    }
}

ON_BOTH(a_field_is_renamed_in_the_case_of_its_letters)
{
    static const char *const some[] = { "char_field", "foreign_key", "one_to_one", "many_to_many" };
    for (size_t i = 0; i < CZ_COUNT(some); i++) {
        cz_state_field field = field_of("extra", some[i]);
        field.null = cz__kind_is_stored(some[i]);
        field.index = i == 0;
        run_scenario(&(struct scenario){ "case", some[i], keep(field),
                                         one((cz_operation){ .kind = CZ_OPERATION_RENAME_FIELD,
                                                             .model = "Book",
                                                             .name = "extra",
                                                             .new_name = "Extra" }) });
    }
}

enum { FIRST_KINDS = CZ_COUNT(kinds) / 2 };

ON_BOTH_AND_ONLINE(a_field_of_every_kind_is_altered)
{
    alter_fields(0, FIRST_KINDS);
}

ON_BOTH_AND_ONLINE(a_field_of_every_further_kind_is_altered)
{
    alter_fields(FIRST_KINDS, CZ_COUNT(kinds));
}

static const struct {
    cz_operation op;
    const char *rows_after;
} model_changes[] = {
    { CZ_CREATE_MODEL("Tag", CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true },
                                             { "books", "many_to_many", "store.Book" })),
      NULL },
    { CZ_RENAME_MODEL("Book", "Volume"),
      "SELECT b.id || b.title || b.author_id || b.year || coalesce(CAST(r.id AS TEXT), '-') FROM "
      "store_volume b LEFT JOIN store_review r ON r.book_id = b.id ORDER BY b.id" },
    { CZ_RENAME_MODEL("Author", "Writer"), NULL },
    { CZ_ALTER_TABLE("Book", "volumes"),
      "SELECT b.id || b.title || b.author_id || b.year || coalesce(CAST(r.id AS TEXT), '-') FROM "
      "volumes b LEFT JOIN store_review r ON r.book_id = b.id ORDER BY b.id" },
    { CZ_ALTER_UNIQUE_TOGETHER("Book", "title", "author"), NULL },
    { CZ_ADD_FIELD("Book", { "tags", "many_to_many", "store.Author" }), NULL },
    { CZ_ADD_FIELD("Book", { "sequels", "many_to_many", "store.Book" }), NULL },
    { CZ_ADD_FIELD("Book",
                   { "critics", "many_to_many", "store.Author", .through = "store.Review" }),
      NULL },
    { CZ_CREATE_MODEL("Tag", CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true },
                                             { "books", "many_to_many", "store.Book",
                                               .through = "store.Tagging" })),
      NULL },
    { CZ_ADD_FIELD("Book", { "sequel_of", "foreign_key", "store.Book", .null = true,
                             .on_delete = CZ_SET_NULL }),
      NULL },
    { CZ_ADD_INDEX("Book", { "book_year_title", CZ_NAMES("-year", "title") }), NULL },
    { CZ_ADD_INDEX("Book", { "book_new", CZ_NAMES("author"), "\"year\" > 2001" }), NULL },
    { CZ_ADD_INDEX("Book",
                   { "book_lower", .expressions = "lower(\"title\"), (\"year\" + 1) DESC" }),
      NULL },
    { CZ_ADD_INDEX("Book", { "book_covers", CZ_NAMES("title"), .include = CZ_NAMES("year") }),
      NULL },
    { CZ_ADD_INDEX("Book", { "book_brin", CZ_NAMES("year"), .method = "brin" }), NULL },
    { CZ_ADD_INDEX("Book", { "book_search", CZ_NAMES("title"), .search = "english" }), NULL },
    { CZ_ADD_CONSTRAINT("Book",
                        { "book_year_ck", .check = "\"year\" > 1000 AND \"title\" <> ')'" }),
      NULL },
    { CZ_ADD_CONSTRAINT("Book", { "book_one", CZ_NAMES("title"), .condition = "\"year\" > 2002" }),
      NULL },
    { CZ_ADD_CONSTRAINT("Book", { "book_lower_one", .expressions = "lower(\"title\"), (\"id\" + 0)",
                                  .condition = "\"year\" > 1" }),
      NULL },
};

ON_BOTH_AND_ONLINE(models_indexes_and_constraints_change)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(model_changes); i++) {
        const cz_operation *op = &model_changes[i].op;
        run_scenario(&(struct scenario){ "model change",
                                         cz__operation_describe(&ctx, op),
                                         NULL,
                                         { op, 1 },
                                         NULL,
                                         model_changes[i].rows_after });
    }
}

static const cz_operation renames[] = {
    CZ_ADD_FIELD("Book", { "tags", "many_to_many", "store.Author" }),
    CZ_ADD_FIELD("Book", { "sequels", "many_to_many", "store.Book" }),
    CZ_ADD_CONSTRAINT("Book", { "book_year_ck", .check = "\"year\" > 1000" }),
    CZ_ADD_CONSTRAINT("Book", { "book_year_one", .expressions = "(\"year\" + \"id\")" }),
    CZ_ADD_INDEX("Book", { "book_new", CZ_NAMES("-year"), "\"year\" > 2001" }),
    CZ_ADD_INDEX("Book", { "book_next", .expressions = "(\"year\" + 1)" }),
    CZ_ADD_INDEX("Book", { "book_covers", CZ_NAMES("title"), .include = CZ_NAMES("year") }),
    CZ_ADD_INDEX("Book", { "book_search", CZ_NAMES("title"), .search = "simple" }),
    CZ_ALTER_UNIQUE_TOGETHER("Book", "year", "title"),
    CZ_RUN_SQL("INSERT INTO store_book_tags (book_id, author_id) VALUES (10, 1), (20, 2)", ""),
    CZ_CREATE_MODEL("Shelf", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                             { "books", "many_to_many", "store.Book" })),
    CZ_DELETE_MODEL("Shelf"),
    CZ_RENAME_MODEL("Author", "Writer"),
    CZ_RENAME_MODEL("Book", "Volume"),
    CZ_RENAME_FIELD("Volume", "year", "published"),
    CZ_RENAME_FIELD("Volume", "tags", "labels"),
    CZ_RENAME_INDEX("Volume", "book_new", "volume_new"),
    CZ_ALTER_TABLE("Volume", "volumes"),
    CZ_RUN_SQL("INSERT INTO volumes_labels (volume_id, writer_id) VALUES (30, 3)", ""),
};

ON_BOTH(renames_reach_many_to_many_tables_indexes_and_conditions)
{
    run_scenario(&(struct scenario){
        "renames",
        "",
        NULL,
        { renames, CZ_COUNT(renames) },
        NULL,
        "SELECT b.id || b.title || b.author_id || b.published || coalesce(CAST(r.id AS TEXT), '-') "
        "FROM volumes b LEFT JOIN store_review r ON r.book_id = b.id "
        "WHERE 3 = (SELECT count(*) FROM volumes_labels) ORDER BY b.id" });
}

/* ---- processes that end in the middle, and at the same time ---- */

static const struct conversion {
    const char *from, *value, *to;
    const char *then; /* a condition about the value there is then; NULL: it is refused */
} conversions[] = {
    { "text_field", "'abc'", "int_field", NULL },
    { "text_field", "''", "int_field", NULL },
    { "text_field", "'4.5'", "int_field", NULL },
    { "text_field", "'99999999999'", "int_field", NULL },
    { "text_field", "' 42 '", "int_field", "extra = 42" },
    { "text_field", "'99999999999'", "big_int_field", "extra = 99999999999" },
    { "text_field", "'abc'", "float_field", NULL },
    { "text_field", "'1.5'", "float_field", "extra = 1.5" },
    { "text_field", "'abc'", "bool_field", NULL },
    { "text_field", "'2'", "bool_field", NULL },
    { "text_field", "'Yes'", "bool_field", "extra" },
    { "text_field", "'off'", "bool_field", "NOT extra" },
    { "text_field", "'abc'", "date_field", NULL },
    { "text_field", "'2026-11-21'", "date_field", "extra = '2026-11-21'" },
    { "text_field", "'abc'", "datetime_field", NULL },
    { "text_field", "'abc'", "time_field", NULL },
    { "text_field", "'abc'", "duration_field", NULL },
    { "text_field", "'abc'", "uuid_field", NULL },
    { "text_field", "'abc'", "decimal_field", NULL },
    { "text_field", "'1234567.5'", "decimal_field", NULL },
    { "text_field", "'12.346'", "decimal_field", "CAST(extra AS TEXT) IN ('12.35', '1235')" },
    { "text_field", "'12.345'", "decimal_field", "CAST(extra AS TEXT) IN ('12.35', '1235')" },
    { "text_field", "'-12.345'", "decimal_field", "CAST(extra AS TEXT) IN ('-12.35', '-1235')" },
    { "text_field", "'12.3449999'", "decimal_field", "CAST(extra AS TEXT) IN ('12.34', '1234')" },
    { "float_field", "0.125", "decimal_field", "CAST(extra AS TEXT) IN ('0.13', '13')" },
    { "float_field", "-0.125", "decimal_field", "CAST(extra AS TEXT) IN ('-0.13', '-13')" },
    { "int_field", "12", "decimal_field", "CAST(extra AS TEXT) IN ('12.00', '1200')" },
    { "text_field", "'abc'", "ip_field", NULL },
    { "text_field", "''", "ip_field", NULL },
    { "text_field", "'10.0.0.256'", "ip_field", NULL },
    { "text_field", "'2001:db8:::1'", "ip_field", NULL },
    { "text_field", "'10.0.0.1'", "ip_field", "extra = '10.0.0.1'" },
    { "text_field", "'2001:DB8:0::1'", "ip_field", "extra = '2001:db8::1'" },
    { "int_field", "12", "ip_field", NULL },
    { "big_int_field", "5000000000", "int_field", NULL },
    { "big_int_field", "-70000", "small_int_field", NULL },
    { "int_field", "70000", "small_int_field", NULL },
    { "big_int_field", "-7", "small_int_field", "extra = -7" },
    { "small_int_field", "7", "big_int_field", "extra = 7" },
    { "int_field", "5", "bool_field", "extra" },
    { "float_field", "2.5", "int_field", "extra = 2" },
    { "float_field", "3.5", "int_field", "extra = 4" },
    { "float_field", "10000000000.0", "int_field", NULL },
    { "datetime_field", "'2026-11-21 04:05:06'", "date_field", "extra = '2026-11-21'" },
    { "datetime_field", "'1926-11-21 04:05:06'", "date_field", "extra = '1926-11-21'" },
    { "datetime_field", "'2026-11-21 04:05:06'", "time_field", "extra = '04:05:06'" },
    { "date_field", "'1926-11-21'", "datetime_field", "extra = '1926-11-21 00:00:00'" },
};

static void convert(const struct conversion *c)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    clear_database(&ctx);
    cz_state_field was = field_of("extra", c->from), is = field_of("extra", c->to);
    was.null = is.null = true;
    cz_dependency needs[] = { { "store", "0001_initial" } };
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(&was) };
    cz_migration second = { "store", "0002_change", .depends = { needs, 1 },
                            .operations = one_field(CZ_OPERATION_ALTER_FIELD, is) };
    const cz_migration *const all[] = { &first, &second };
    struct steps_job job = { cz__graph_make(&ctx, all, 2, NULL), "0001" };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz_try(&ctx, migrate_to, &job, &err));
    add_rows(&ctx, NULL);
    run_sql(&ctx, cz_format(&ctx, "UPDATE store_book SET extra = %s WHERE id = 20", c->value).ptr);
    cz_str before = tell_tables(&ctx);
    const char *value = "SELECT CAST(extra AS TEXT) FROM store_book WHERE id = 20";
    cz_str kept = cz_str_from(text_of(&ctx, value));
    job.target = "0002";
    cz_status status = cz_try(&ctx, migrate_to, &job, &err);
    CZ_EXPECT_MSG(!status == (c->then != NULL), "%s %s to %s: %s", c->from, c->value, c->to,
                  status ? cz_error_message(&err) : "went");
    if (!status && c->then) {
        const char *sql =
            cz_format(&ctx, "SELECT CAST(id AS TEXT) FROM store_book WHERE %s", c->then).ptr;
        CZ_EXPECT_MSG(strcmp(text_of(&ctx, sql), "20") == 0, "%s %s to %s is %s", c->from, c->value,
                      c->to, text_of(&ctx, value));
    } else if (status) {
        CZ_EXPECT(cz_str_eq(tell_tables(&ctx), before));
        CZ_EXPECT(cz_str_eq(cz_str_from(text_of(&ctx, value)), kept));
        if (!on_postgresql) /* which names some of them */
            CZ_EXPECT_MSG(strstr(cz_error_message(&err),
                                 cz_format(&ctx, "\"%s\" in store_book.extra", kept.ptr).ptr) !=
                              NULL,
                          "%s", cz_error_message(&err));
    }
    close_database(&ctx);
}

ON_BOTH(a_value_becomes_one_of_another_type_or_the_change_is_refused)
{
    for (size_t i = 0; i < CZ_COUNT(conversions); i++)
        convert(&conversions[i]);
}

static const cz_state_field note = { "note", "encrypted_field", .null = true };
static const cz_operation closes_note[] = {
    CZ_RUN_SQL("UPDATE store_book SET note = 'v1:sealed'", ""),
    CZ_ALTER_FIELD("Book", { "note", "encrypted_field", .default_ = cz_text("secret") }),
};

/* A default is for new rows: what it says is never in the column. */
ON_BOTH_AND_ONLINE(an_encrypted_field_is_added_empty_filled_and_closed)
{
    run_scenario(
        &(struct scenario){ "encrypt", "add", NULL, one_field(CZ_OPERATION_ADD_FIELD, note) });
    run_scenario(&(struct scenario){
        "encrypt", "fill and close", &note, { closes_note, CZ_COUNT(closes_note) } });
}

static const cz_operation many_changes[] = {
    CZ_CREATE_MODEL("Tag", CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true },
                                           { "books", "many_to_many", "store.Book" })),
    CZ_ADD_FIELD("Book", { "isbn", "char_field", .max_length = 13, .default_ = cz_text("") }),
    CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 99, .null = true }),
    CZ_RENAME_FIELD("Book", "year", "published"),
    CZ_ADD_INDEX("Book", { "book_isbn", CZ_NAMES("isbn") }),
    CZ_RENAME_MODEL("Review", "Verdict"),
};
static const cz_dependency on_initial[] = { { "store", "0001_initial" } };

ON_BOTH(a_migration_killed_at_any_statement_leaves_the_last_whole_state)
{
    cz_ignore(database_url()); /* the directory is the parent's */
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(NULL) };
    cz_migration second = { "store", "0002_change", .depends = { on_initial, 1 },
                            .operations = { many_changes, CZ_COUNT(many_changes) } };
    const cz_migration *const all[] = { &first, &second };
    CZ_REQUIRE(migrate_in_child(all, 2, "0001", UINT32_MAX));
    cz_ctx ctx;
    open_database(database_url(), &ctx);
    add_rows(&ctx, NULL);
    cz_str before = tell_tables(&ctx), rows = cz_str_from(text_of(&ctx, rows_kept));
    const char *const targets[] = { "0002", "0001" };
    unsigned killed = 0;
    for (size_t t = 0; t < CZ_COUNT(targets); t++) {
        cz_str whole = tell_tables(&ctx);
        for (unsigned n = 0; !migrate_in_child(all, 2, targets[t], n); n++) {
            killed++;
            CZ_EXPECT(cz_str_eq(tell_tables(&ctx), whole));
            if (!on_postgresql)
                CZ_EXPECT_STR(cz_str_from(text_of(
                                  &ctx, "SELECT integrity_check FROM pragma_integrity_check")),
                              "ok");
            CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 1 + t);
        }
        CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 2 - t);
    }
    CZ_EXPECT_MSG(killed > 20, "only %u statements were tried", killed);
    CZ_EXPECT(cz_str_eq(tell_tables(&ctx), before));
    CZ_EXPECT(cz_str_eq(cz_str_from(text_of(&ctx, rows_kept)), rows));
    close_database(&ctx);
}

static const cz_operation counted[] = {
    CZ_RUN_SQL("CREATE TABLE IF NOT EXISTS runs (step INTEGER); INSERT INTO runs VALUES (1);"
               "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000) "
               "INSERT INTO runs SELECT 2 FROM n WHERE x = 300000",
               NULL),
};
static const cz_dependency on_first[] = { { "store", "0001_a" } };
static const cz_migration counted_migrations[] = {
    { "store", "0001_a", .operations = { counted, 1 } },
    { "store", "0002_b", .depends = { on_first, 1 }, .operations = { counted, 1 } },
};

ON_BOTH(of_several_processes_that_migrate_at_once_one_runs_each_step)
{
    enum { PROCESSES = 4 };
    pid_t children[PROCESSES];
    cz_ignore(database_url()); /* the directory is the parent's */
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        CZ_REQUIRE(children[i] >= 0);
        if (children[i])
            continue;
        cz_ctx ctx;
        open_database(database_url(), &ctx);
        const cz_migration *const all[] = { &counted_migrations[0], &counted_migrations[1] };
        cz__graph *graph = cz__graph_make(&ctx, all, 2, cz__ledger_read(&ctx));
        cz__plan_list plan = cz__migrate_plan(&ctx, graph, NULL, NULL);
        for (size_t p = 0; p < plan.count; p++)
            cz__migrate_step(&ctx, graph, plan.items[p], CZ__MIGRATE_RUN);
        close_database(&ctx);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        while (waitpid(children[i], &status, 0) < 0)
            continue;
        CZ_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    cz_ctx ctx;
    open_database(database_url(), &ctx);
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(count(*) AS TEXT) FROM runs")), "4");
    CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 2);
    close_database(&ctx);
}

/* ---- full text ---- */

static const struct search_step {
    cz_operation op;
    const char *table, *column, *index; /* after it; NULL: there is no index */
} search_steps[] = {
    { CZ_ADD_INDEX("Book", { "book_search", CZ_NAMES("title"), .search = "english" }), "store_book",
      "title", "book_search" },
    { CZ_ADD_FIELD("Book", { "isbn", "char_field", .null = true, .unique = true }), "store_book",
      "title", "book_search" },
    { CZ_RENAME_FIELD("Book", "title", "name"), "store_book", "name", "book_search" },
    { CZ_RENAME_MODEL("Book", "Volume"), "store_volume", "name", "book_search" },
    { CZ_RENAME_INDEX("Volume", "book_search", "volume_search"), "store_volume", "name",
      "volume_search" },
    { CZ_ALTER_FIELD("Volume", { "name", "char_field", .max_length = 90, .null = true }),
      "store_volume", "name", "volume_search" },
    { CZ_REMOVE_FIELD("Volume", "isbn"), "store_volume", "name", "volume_search" },
    { CZ_REMOVE_INDEX("Volume", "volume_search"), "store_volume", "name", NULL },
};
enum { SEARCH_STEPS = CZ_COUNT(search_steps) };

/* Write a row, and see that the index has it and all before it. */
static void expect_found(cz_ctx *ctx, const struct search_step *step, int64_t rows)
{
    const char *sql;
    run_sql(ctx,
            cz_format(ctx, "INSERT INTO \"%s\" (id, \"%s\", author_id) VALUES (%lld, 'new', 1)",
                      step->table, step->column, (long long)(100 + rows))
                .ptr);
    run_sql(ctx, cz_format(ctx, "UPDATE \"%s\" SET \"%s\" = 'planets' WHERE id = %lld", step->table,
                           step->column, (long long)(100 + rows))
                     .ptr);
    if (on_postgresql) {
        sql = cz_format(ctx,
                        "SELECT CAST(count(*) AS TEXT) FROM pg_indexes WHERE schemaname = "
                        "current_schema() AND indexdef LIKE '%%to_tsvector(''english''%%%s%%' "
                        "AND indexname = '%s'",
                        step->column, step->index ? step->index : "book_search")
                  .ptr;
        CZ_EXPECT_STR(cz_str_from(text_of(ctx, sql)), step->index ? "1" : "0");
        return;
    }
    if (!step->index) {
        CZ_EXPECT_STR(cz_str_from(text_of(ctx, "SELECT CAST(count(*) AS TEXT) FROM sqlite_schema "
                                               "WHERE name LIKE '%search%'")),
                      "0");
        return;
    }
    sql = cz_format(ctx, "SELECT CAST(count(*) AS TEXT) FROM \"%s\" WHERE \"%s\" MATCH 'planet'",
                    step->index, step->index)
              .ptr;
    CZ_EXPECT_STR(cz_str_from(text_of(ctx, sql)), cz_format(ctx, "%lld", (long long)rows).ptr);
    run_sql(ctx, cz_format(ctx, "INSERT INTO \"%s\"(\"%s\", rank) VALUES ('integrity-check', 1)",
                           step->index, step->index)
                     .ptr);
}

ON_BOTH_AND_ONLINE(an_index_of_full_text_goes_along_with_its_table)
{
    static const struct search_step before = { .table = "store_book", .column = "title" };
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(NULL) };
    cz_migration steps[SEARCH_STEPS];
    cz_dependency depends[SEARCH_STEPS];
    const cz_migration *all[SEARCH_STEPS + 1] = { &first };
    for (size_t i = 0; i < SEARCH_STEPS; i++) {
        const char *name = cz_format(&ctx, "%04zu_step", i + 2).ptr;
        depends[i] = (cz_dependency){ "store", all[i]->name };
        steps[i] = (cz_migration){ "store", name, .depends = { &depends[i], 1 },
                                   .operations = { &search_steps[i].op, 1 }, .online = online };
        all[i + 1] = &steps[i];
    }
    const struct scenario s = { "full text", "" };
    cz__graph *graph = cz__graph_make(&ctx, all, SEARCH_STEPS + 1, NULL);
    CZ_REQUIRE(migrate(&ctx, graph, "0001_initial", &s));
    add_rows(&ctx, NULL);
    int64_t rows = 0;
    expect_found(&ctx, &before, ++rows);
    for (size_t i = 0; i < SEARCH_STEPS; i++) {
        CZ_REQUIRE(migrate(&ctx, graph, steps[i].name, &s));
        expect_found(&ctx, &search_steps[i], ++rows);
    }
    for (size_t i = SEARCH_STEPS - 1; i-- > 0;) {
        CZ_REQUIRE(migrate(&ctx, graph, steps[i].name, &s));
        expect_found(&ctx, &search_steps[i], ++rows);
    }
    CZ_REQUIRE(migrate(&ctx, graph, "0001_initial", &s));
    expect_found(&ctx, &before, ++rows);
    close_database(&ctx);
}

static const cz_operation leaflets[] = {
    CZ_CREATE_MODEL(
        "Leaflet",
        CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true }, { "body", "text_field" }),
        .indexes = CZ_STATE_INDEXES(
            { "leaflet_search", CZ_NAMES("body"), .search = "german", .weights = "A" })),
    CZ_RUN_SQL("INSERT INTO store_leaflet (id, body) VALUES "
               "('0193a0f0-0000-7000-8000-000000000001', 'planets')",
               ""),
    CZ_RENAME_FIELD("Leaflet", "body", "text"),
    CZ_RENAME_MODEL("Leaflet", "Flyer"),
    CZ_ALTER_FIELD("Flyer", { "text", "text_field", .unique = true }),
};

/* What is beside the table of a key that is no number goes along too, and is no table of the project's. */
ON_BOTH(an_index_of_full_text_of_other_keys_leaves_nothing_behind)
{
    run_scenario(&(struct scenario){
        "full text", "by UUIDs", NULL, { leaflets, CZ_COUNT(leaflets) }, NULL, NULL });
}

static const cz_operation labelled[] = {
    CZ_CREATE_MODEL("Label", CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true },
                                             { "text", "char_field", .max_length = 9 })),
    CZ_RUN_SQL("INSERT INTO store_label (id, text) VALUES "
               "('0193a0f0-0000-7000-8000-000000000001', 'new')",
               ""),
    CZ_ADD_FIELD("Book", { "label", "foreign_key", "store.Label",
                           .fill = cz_text("0193a0f0-0000-7000-8000-000000000001"),
                           .on_delete = CZ_CASCADE }),
};

/* Foreign keys are checked at the end, so those that were filled in lead to a row. */
ON_BOTH(a_foreign_key_is_filled_with_a_uuid)
{
    run_scenario(&(struct scenario){
        "add with fill", "a UUID's key", NULL, { labelled, CZ_COUNT(labelled) }, NULL, NULL });
}

/* ---- what no model knows ---- */

static const cz_operation extras[] = {
    CZ_RUN_SQL("CREATE TABLE told (title TEXT); CREATE INDEX own_index ON store_book (year, title);"
               "CREATE TRIGGER own_trigger AFTER INSERT ON store_book BEGIN "
               "INSERT INTO told VALUES (new.title); INSERT INTO told VALUES ('end'); END;"
               "CREATE VIEW own_view AS SELECT title FROM store_book",
               ""),
    CZ_ADD_FIELD("Book", { "isbn", "char_field", .default_ = cz_text("") }),
    CZ_ALTER_FIELD("Book", { "title", "char_field", .max_length = 9, .unique = true }),
    CZ_RUN_SQL("INSERT INTO store_book (title, author_id, isbn) VALUES ('new', 1, 'x')", ""),
};

CZ_TEST(a_rebuild_keeps_triggers_indexes_and_views_of_others)
{
    cz_ctx ctx;
    open_database("sqlite:///:memory:", &ctx);
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(NULL) };
    cz_migration second = { "store", "0002_change", .depends = { on_initial, 1 },
                            .operations = { extras, CZ_COUNT(extras) } };
    const cz_migration *const all[] = { &first, &second };
    const struct scenario s = { "extras", "" };
    cz__graph *graph = cz__graph_make(&ctx, all, 2, NULL);
    CZ_REQUIRE(migrate(&ctx, graph, "0001", &s));
    add_rows(&ctx, NULL);
    CZ_EXPECT(migrate(&ctx, graph, "0002", &s));
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT title FROM told")), "new,end");
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(count(*) AS TEXT) FROM own_view")), "4");
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT name FROM sqlite_schema WHERE name LIKE "
                                            "'own%' ORDER BY name")),
                  "own_index,own_trigger,own_view");
    close_database(&ctx);
}

/* ---- what is refused ---- */

static const cz_operation breaks_keys[] = {
    CZ_RUN_SQL("INSERT INTO store_review (id, book_id) VALUES (7, 777)", ""),
};

static void refused(const cz_operation_list change, bool backward, const char *message)
{
    cz_ctx ctx;
    open_database("sqlite:///:memory:", &ctx);
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(NULL) };
    cz_migration second = { "store", "0002_change", .depends = { on_initial, 1 },
                            .operations = change };
    const cz_migration *const all[] = { &first, &second };
    struct steps_job job = { cz__graph_make(&ctx, all, 2, NULL), "0001" };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz_try(&ctx, migrate_to, &job, &err));
    add_rows(&ctx, NULL);
    cz_str before = tell_tables(&ctx), rows = cz_str_from(text_of(&ctx, rows_kept));
    job.target = "0002";
    cz_status status = cz_try(&ctx, migrate_to, &job, &err);
    if (!status && backward) {
        job.target = "0001";
        status = cz_try(&ctx, migrate_to, &job, &err);
    }
    CZ_EXPECT(status != CZ_OK);
    CZ_EXPECT_MSG(strstr(cz_error_message(&err), message) != NULL, "said: %s",
                  cz_error_message(&err));
    if (!backward) {
        CZ_EXPECT(cz_str_eq(tell_tables(&ctx), before));
        CZ_EXPECT(cz_str_eq(cz_str_from(text_of(&ctx, rows_kept)), rows));
        CZ_EXPECT_EQ(cz__ledger_read(&ctx)->count, 1);
    }
    CZ_EXPECT_STR(cz_str_from(text_of(&ctx, "SELECT CAST(foreign_keys AS TEXT) FROM "
                                            "pragma_foreign_keys")),
                  "1");
    close_database(&ctx);
}

static const cz_operation to_through[] = {
    CZ_ADD_FIELD("Book", { "critics", "many_to_many", "store.Author" }),
    CZ_ALTER_FIELD("Book",
                   { "critics", "many_to_many", "store.Author", .through = "store.Review" }),
};
static const cz_operation from_through[] = {
    CZ_ADD_FIELD("Book", { "critics", "many_to_many", "store.Author", .through = "store.Review" }),
    CZ_ALTER_FIELD("Book", { "critics", "many_to_many", "store.Author" }),
};
/* What is no change of the tables: another model between, its new name, and what CZ_SEPARATE keeps. */
static const cz_operation between[] = {
    CZ_ADD_FIELD("Book", { "critics", "many_to_many", "store.Author", .through = "store.Opinion" }),
    CZ_ALTER_FIELD("Book",
                   { "critics", "many_to_many", "store.Author", .through = "store.Review" }),
    CZ_RENAME_MODEL("Review", "Verdict"),
    CZ_ADD_FIELD("Book", { "fans", "many_to_many", "store.Author" }),
    CZ_SEPARATE(.state_operations = CZ_OPERATIONS(
                    CZ_CREATE_MODEL(
                        "Fan",
                        CZ_STATE_FIELDS(
                            { "id", "big_int_field", .primary_key = true },
                            { "book", "foreign_key", "store.Book", .on_delete = CZ_CASCADE },
                            { "author", "foreign_key", "store.Author", .on_delete = CZ_CASCADE }),
                        .table = "store_book_fans", .unique_together = CZ_NAMES("book", "author")),
                    CZ_ALTER_FIELD("Book", { "fans", "many_to_many", "store.Author",
                                             .through = "store.Fan" }))),
    CZ_RUN_SQL("INSERT INTO store_book_fans (book_id, author_id) VALUES (10, 1)", ""),
};

ON_BOTH(a_many_to_many_goes_through_other_models_and_names)
{
    run_scenario(&(struct scenario){
        "between",
        "",
        NULL,
        { between, CZ_COUNT(between) },
        NULL,
        "SELECT b.id || b.title || b.author_id || b.year || coalesce(CAST(r.id AS TEXT), '-') FROM "
        "store_book b LEFT JOIN store_verdict r ON r.book_id = b.id "
        "WHERE 1 = (SELECT count(*) FROM store_book_fans) ORDER BY b.id" });
}

static const cz_operation refusals[] = {
    CZ_ADD_FIELD("Book", { "n", "int_field", .null = true, .through = "store.Review" }),
    CZ_ADD_FIELD("Book", { "n", "int_field", .null = true, .table = "links" }),
    CZ_ADD_FIELD("Book", { "isbn", "char_field" }),
    CZ_ADD_FIELD("Book", { "isbn", "char_field", .unique = true, .default_ = cz_text("") }),
    CZ_ADD_FIELD("Book", { "year", "int_field", .null = true }),
    CZ_ADD_FIELD("Shop", { "year", "int_field", .null = true }),
    CZ_ADD_FIELD("Book", { "x", "float", .null = true }),
    CZ_ADD_FIELD("Book", { "x", "foreign_key", "store.Nobody", .null = true }),
    CZ_ADD_FIELD("Book", { "day", "date_field", .default_ = cz_text("someday") }),
    CZ_REMOVE_FIELD("Book", "pages"),
    CZ_RENAME_FIELD("Book", "title", "year"),
    CZ_RENAME_MODEL("Book", "Review"),
    CZ_DELETE_MODEL("Author"),
    CZ_ADD_CONSTRAINT("Book", { "book_ck", .check = "\"year\" > 2001" }),
    CZ_ADD_INDEX("Book", { "book_x", CZ_NAMES("pages") }),
    CZ_RUN_SQL("INSERT INTO store_author (id, name) VALUES (9, 'y'); INSERT INTO nosuch VALUES (1)",
               ""),
    CZ_ADD_FIELD("Book", { "note", "encrypted_field", .default_ = cz_text("secret") }),
    CZ_ADD_FIELD("Book",
                 { "note", "encrypted_field", .null = true, .default_ = cz_text("secret") }),
    CZ_ADD_FIELD("Book", { "note", "encrypted_field", .null = true, .fill = cz_text("secret") }),
    CZ_ADD_FIELD("Book", { "note", "encrypted_field" }),
};

CZ_TEST(what_a_migration_cannot_do_changes_nothing)
{
    static const char *const messages[CZ_COUNT(refusals)] = {
        ".through is for many-to-many relations",
        ".table is for many-to-many relations without .through",
        "may not be null",
        "has this",
        "is there already",
        "there is no model store.Shop",
        "\"float\" is no kind",
        "store.Nobody, which does not exist",
        "\"someday\" is no value",
        "has no field pages",
        "year is there already",
        "store.Review is there already",
        "which does not exist",
        "breaks a rule",
        "no field \"pages\"",
        "no such table",
        "note is encrypted",
        "note is encrypted",
        "note is encrypted",
        "may not be null",
    };
    for (size_t i = 0; i < CZ_COUNT(refusals); i++)
        refused((cz_operation_list){ &refusals[i], 1 }, false, messages[i]);
    refused((cz_operation_list){ breaks_keys, 1 }, false,
            "row 7 of store_review would refer to a row of store_book that does not exist");
    refused((cz_operation_list){ counted, 1 }, true, "cannot be undone");
    refused((cz_operation_list){ to_through, 2 }, false,
            "store.Book.critics cannot be altered to go through store.Review: a migration cannot "
            "turn links into rows");
    refused((cz_operation_list){ from_through, 2 }, false,
            "store.Book.critics cannot be altered to go through a table of its own");
}

ON_BOTH(a_migration_that_fails_says_what_the_database_said)
{
    cz_ctx ctx;
    open_database(scenario_url(), &ctx);
    cz_migration first = { "store", "0001_initial", .operations = initial_operations(NULL) };
    const cz_operation unique =
        CZ_ADD_FIELD("Book", { "isbn", "char_field", .unique = true, .default_ = cz_text("x1") });
    cz_migration second = { "store", "0002_change", .depends = { on_initial, 1 },
                            .operations = { &unique, 1 } };
    const cz_migration *const all[] = { &first, &second };
    struct steps_job job = { cz__graph_make(&ctx, all, 2, NULL), "0001" };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz_try(&ctx, migrate_to, &job, &err));
    add_rows(&ctx, NULL);
    job.target = "0002";
    CZ_EXPECT_EQ(cz_try(&ctx, migrate_to, &job, &err), CZ_EINTEGRITY);
    CZ_EXPECT_MSG(strstr(cz_error_message(&err),
                         on_postgresql ? "Key (isbn)=(x1) is duplicated"
                                       : "UNIQUE constraint failed: new__store_book.isbn") != NULL,
                  "said: %s", cz_error_message(&err));
    close_database(&ctx);
}
