/* What inspectdb writes of tables that were made by hand. */
#include "migrations/inspectdb.h"
#include "migrations/migrations_internal.h"
#include "migrations/migrations_testing.h"

static void run_sql(cz_ctx *ctx, const char *sql)
{
    cz__db_session *session = NULL;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_session_of(ctx, &session, &err));
    cz_status status = session->db->driver->run(ctx, session, cz_str_from(sql), &err);
    CZ_EXPECT_MSG(!status, "%s: %s", sql, cz_error_message(&err));
}

static void expect_lines(cz_ctx *ctx, const char *const *lines, size_t count)
{
    static const char *const tables[] = { "parcel" };
    cz_str text = cz__inspectdb(ctx, tables, 1, false);
    for (size_t i = 0; i < count; i++)
        CZ_EXPECT_MSG(cz_str_find(text, cz_str_from(lines[i])) != SIZE_MAX, "no %s in %.*s",
                      lines[i], CZ_STR_ARG(text));
    CZ_EXPECT_MSG(cz_str_find(text, CZ_STR("plain")) == SIZE_MAX, "%.*s", CZ_STR_ARG(text));
}

#define LONG_NAME "a_name_of_more_than_sixty_bytes_that_no_constraint_has_in_calzone"

static void on_postgresql(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const lines[] = {
        "F(decimal_field, price, .digits = 8, .places = 2)",
        "F(char_field, code, .max_length = 9, .unique = true)",
        "F(int_field, weight, .index = true)",
        "CZ_MODEL(Parcel, PARCEL_FIELDS, .table = \"parcel\",\n    .indexes = ",
        "F(text_field, span, .null = true) /* its type is int4range */",
        "F(text_field, days, .null = true) /* its type is datemultirange */",
        "{ .name = \"parcel_cover\", .fields = CZ_FIELDS(Parcel, weight), "
        ".include = CZ_FIELDS(Parcel, code, price) }",
        "{ .name = \"parcel_heavy\", .fields = CZ_FIELDS(Parcel, code), "
        ".condition = \"(weight > 1000)\" }",
        "{ .name = \"parcel_down\", .order = CZ_ORDER_BY(CZ_DESC(Parcel, price), "
        "CZ_ASC(Parcel, weight)) }",
        "{ .name = \"parcel_words\", .expressions = \"lower(note), \\\"weight\\\" DESC, "
        "(weight + 1)\" }",
        "{ .name = \"parcel_search\", .fields = CZ_FIELDS(Parcel, code, note), "
        ".search = \"english\", .weights = \"AD\" }",
        "{ .name = \"parcel_second\", .expressions = \"to_tsvector('simple'::regconfig, note)\", "
        ".method = \"gin\" }",
        "{ .name = \"parcel_hash\", .fields = CZ_FIELDS(Parcel, note), .method = \"hash\" }",
        "{ .name = \"parcel_one\", .unique = CZ_FIELDS(Parcel, weight), "
        ".condition = \"(price > (5)::numeric)\" }",
        "/* Left out: the index parcel_like: an operator class of its own. */\n",
        "{ .name = \"parcel_lower\", .expressions = \"lower(note)\" }",
        "/* Left out: the index parcel_carries: unique, and more than its columns or expressions. "
        "*/\n",
        "/* Left out: the index a_name_of_more_than_sixty_bytes_that_no_constraint_has_in_calzo: "
        "its "
        "name is too long. */\n",
    };
    run_sql(ctx, "CREATE TABLE parcel (id bigint PRIMARY KEY, code varchar(9) UNIQUE NOT NULL, "
                 "price numeric(8, 2) NOT NULL, weight int NOT NULL, note text, span int4range, "
                 "days datemultirange)");
    run_sql(ctx,
            "CREATE INDEX parcel_plain ON parcel (weight);"
            "CREATE INDEX parcel_cover ON parcel (weight) INCLUDE (code, price);"
            "CREATE INDEX parcel_heavy ON parcel (code) WHERE weight > 1000;"
            "CREATE INDEX parcel_down ON parcel (price DESC, weight);"
            "CREATE INDEX parcel_words ON parcel (lower(note), weight DESC, (weight + 1));"
            "CREATE INDEX parcel_hash ON parcel USING hash (note);"
            "CREATE UNIQUE INDEX parcel_one ON parcel (weight) WHERE price > 5;"
            "CREATE INDEX parcel_search ON parcel USING gin ((setweight(to_tsvector('english', "
            "coalesce(code, '')), 'A') || setweight(to_tsvector('english', coalesce(note, '')), "
            "'D')));"
            "CREATE INDEX parcel_second ON parcel USING gin (to_tsvector('simple', note));"
            "CREATE INDEX parcel_like ON parcel (note text_pattern_ops);"
            "CREATE UNIQUE INDEX parcel_lower ON parcel (lower(note));"
            "CREATE UNIQUE INDEX parcel_carries ON parcel (weight, note) INCLUDE (price);"
            "CREATE INDEX " LONG_NAME " ON parcel (weight, code)");
    expect_lines(ctx, lines, CZ_COUNT(lines));
}

CZ_TEST(indexes_that_were_there_are_declared_or_named_on_postgresql)
{
    cz__test_on_database(cz_test_postgresql(), on_postgresql);
}

static void on_sqlite(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const lines[] = {
        "F(decimal_field, price, .digits = 8, .places = 2)",
        ", .django = true, ", /* its prices are numbers */
        "{ .name = \"parcel_heavy\", .fields = CZ_FIELDS(Parcel, code), "
        ".condition = \"weight > 1000\" }",
        "{ .name = \"parcel_down\", .order = CZ_ORDER_BY(CZ_DESC(Parcel, price), "
        "CZ_ASC(Parcel, weight)) }",
        "{ .name = \"parcel_one\", .unique = CZ_FIELDS(Parcel, weight), "
        ".condition = \"price > 5\" }",
        "{ .name = \"parcel_words\", .expressions = \"lower(note), \\\"weight\\\" DESC, (weight + "
        "1) "
        "DESC\" }",
        "{ .name = \"parcel_lower\", .expressions = \"lower(code || ',')\" }",
        "/* Left out: the UNIQUE of code, price: it has no name, as another has none. */\n",
        "/* Left out: the index " LONG_NAME ": its name is too long. */\n",
    };
    run_sql(ctx, "CREATE TABLE parcel (id INTEGER PRIMARY KEY, code varchar(9) UNIQUE NOT NULL, "
                 "price numeric(8, 2) NOT NULL, weight int NOT NULL, note text, "
                 "UNIQUE (code, weight), UNIQUE (code, price))");
    run_sql(ctx, "CREATE INDEX parcel_plain ON parcel (weight)");
    run_sql(ctx, "CREATE INDEX parcel_heavy ON parcel (code) WHERE weight > 1000");
    run_sql(ctx, "CREATE INDEX parcel_down ON parcel (price DESC, weight)");
    run_sql(ctx,
            "CREATE INDEX parcel_words ON parcel (lower(note), weight desc, (weight + 1) DESC)");
    run_sql(ctx, "CREATE UNIQUE INDEX parcel_lower ON parcel (lower(code || ','))");
    run_sql(ctx, "CREATE UNIQUE INDEX parcel_one ON parcel (weight) WHERE price > 5");
    run_sql(ctx, "CREATE INDEX " LONG_NAME " ON parcel (weight, code)");
    expect_lines(ctx, lines, CZ_COUNT(lines));
}

CZ_TEST(indexes_that_were_there_are_declared_or_named)
{
    cz__test_on_database("sqlite:///:memory:", on_sqlite);
}

static void in_any_case(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const lines[] = {
        "F(char_field, code, .max_length = 9)",
        "{ .name = \"part\", .unique = CZ_FIELDS(Parcel, code), .condition = \"size > 1\" }",
        "{ .name = \"parcel_words\", .expressions = \"replace(code, ' WHERE ', '')\" }",
        "{ .name = \"heavy\", .check = \"weight > 0\" }",
        "{ .name = \"odd \\\"name\", .check = \"weight < 9\" }",
        "{ .name = \"odd too\", .check = \"code <> ')'\" }",
        "{ .name = \"parcel_check4\", .check = \"length(code) > 1\" }",
    };
    run_sql(ctx, "create table parcel (id integer primary key, code varchar(9) not null, "
                 "weight int not null constraint heavy check(weight > 0), where_to text, "
                 "size int, /* check (1) */ constraint \"odd \"\"name\" check\n( weight < 9 ), "
                 "Constraint [odd too] Check (code <> ')'), check (length(code) > 1))");
    run_sql(ctx, "create unique index part on parcel(code)\twhere size > 1");
    run_sql(ctx, "create index parcel_words on parcel(replace(code, ' WHERE ', ''))");
    expect_lines(ctx, lines, CZ_COUNT(lines));
}

CZ_TEST(sql_is_read_in_any_case_and_quotes)
{
    cz__test_on_database("sqlite:///:memory:", in_any_case);
}

#define LEFT_OUT_FOR_A_NAME(table)                                                                 \
    "/* Left out: " table ". The name " LONG_NAME                                                  \
    " has more than 60 bytes, which no model can say. */\n"

static void with_long_names(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const lines[] = {
        LEFT_OUT_FOR_A_NAME(LONG_NAME),
        LEFT_OUT_FOR_A_NAME("long_column"),
        "F(big_int_field, of)",
    };
    run_sql(ctx, "CREATE TABLE " LONG_NAME " (id INTEGER PRIMARY KEY)");
    run_sql(ctx, "CREATE TABLE long_column (id INTEGER PRIMARY KEY, " LONG_NAME " int)");
    run_sql(ctx, "CREATE TABLE referrer (id INTEGER PRIMARY KEY, of INTEGER NOT NULL REFERENCES "
                 "long_column (id))");
    cz_str text = cz__inspectdb(ctx, NULL, 0, false);
    for (size_t i = 0; i < CZ_COUNT(lines); i++)
        CZ_EXPECT_MSG(cz_str_find(text, cz_str_from(lines[i])) != SIZE_MAX, "no %s in %.*s",
                      lines[i], CZ_STR_ARG(text));
    CZ_EXPECT_MSG(cz_str_find(text, CZ_STR("CZ_MODELS(Referrer)")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(text));
}

CZ_TEST(tables_with_names_that_no_model_can_say_are_left_out)
{
    cz__test_on_database("sqlite:///:memory:", with_long_names);
}

/* ---- what Calzone made itself ---- */

static const cz__db_column note_columns[] = {
    { .name = "id", .type = CZ__DB_INT64, .primary_key = true },
    { .name = "title", .type = CZ__DB_TEXT, .max_length = 20 },
    { .name = "odd Name", .type = CZ__DB_TEXT },
    { .name = "pad", .type = CZ__DB_JSON, .null = true },
    { .name = "doc", .type = CZ__DB_JSON },
};

static void own_tables(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const fields[] = { "title", "odd Name" };
    static const struct {
        const char *table;
        cz__db_index index;
        const char *sqlite, *postgresql;
    } cases[] = {
        { "note",
          { .name = "note_search",
            .columns = fields,
            .column_count = 2,
            .search = "english",
            .weights = "AC" },
          ".fields = CZ_FIELDS(Note, title, odd_name), .search = \"english\" }",
          ".fields = CZ_FIELDS(Note, title, odd_name), .search = \"english\", .weights = \"AC\" "
          "}" },
        { "slip",
          { .name = "slip_search", .columns = fields + 1, .column_count = 1, .search = "simple" },
          ".fields = CZ_FIELDS(Slip, odd_name), .search = \"simple\" }",
          ".fields = CZ_FIELDS(Slip, odd_name), .search = \"simple\" }" },
        { "memo",
          { .name = "memo_search", .columns = fields, .column_count = 2, .search = "simple" },
          ".fields = CZ_FIELDS(Memo, title, odd_name), .search = \"simple\" }",
          ".fields = CZ_FIELDS(Memo, title, odd_name), .search = \"simple\" }" },
    };
    cz__db_session *session = NULL;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_session_of(ctx, &session, &err));
    const cz__db_driver *driver = session->db->driver;
    bool postgresql = driver->features->returning_key;
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz__db_table table = { .name = cases[i].table,
                               .columns = note_columns,
                               .column_count = CZ_COUNT(note_columns),
                               .indexes = &cases[i].index,
                               .index_count = 1 };
        CZ_REQUIRE_OK(driver->create_table(ctx, session, &table, &err));
        cz_str text = cz__inspectdb(ctx, &cases[i].table, 1, false);
        const char *line = postgresql ? cases[i].postgresql : cases[i].sqlite;
        CZ_EXPECT_MSG(cz_str_find(text, cz_str_from(line)) != SIZE_MAX, "no %s in %.*s", line,
                      CZ_STR_ARG(text));
        /* and nothing that the fields' kinds say already */
        CZ_EXPECT_MSG(cz_str_find(text, CZ_STR("F(json_field, pad, .null = true)")) != SIZE_MAX,
                      "%.*s", CZ_STR_ARG(text));
        CZ_EXPECT_MSG(cz_str_find(text, CZ_STR(".constraints")) == SIZE_MAX, "%.*s",
                      CZ_STR_ARG(text));
        CZ_EXPECT_MSG(cz_str_find(text, CZ_STR("Left out")) == SIZE_MAX, "%.*s", CZ_STR_ARG(text));
    }
}

CZ_DATABASE_TEST(what_calzone_made_is_written_as_it_was_declared)
{
    cz__test_on_database(cz_test_database(), own_tables);
}
