/* Many rows at once, of every kind of field: what is loaded or changed in bulk is what single statements store. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>

static const char *const decimals[] = {
    "0",       "-0.01",    "1",          "10000",
    "9999.99", "-10000.1", "0.1",        "123456789012345678.25",
    "100",     "-1",       "50000000.5", "-999999999999999999.99"
};
static const char *const exacts[] = { "0.0001", "-1234567890123456789012345678.0123456789",
                                      "99999999", "0.0000000001", "-10000.00001" };
static const char *const texts[] = { "", "x", "Grüße, 世界", "a\nb\t\"c\\", "\\N", "%s" };
static const char *const documents[] = { "{}", "[1, 2.5, null]", "{\"a\": {\"b\": \"ü\"}}",
                                         "\"x\"" };
static const char *const addresses[] = { "10.0.0.7", "2001:db8::1", "0.0.0.0", "::1" };

#define SPECIMEN(F)                                                                                \
    F(char_field, name, .max_length = 40, .unique = true)                                          \
    F(text_field, text, .null = true)                                                              \
    F(small_int_field, small, .null = true)                                                        \
    F(int_field, medium, .null = true)                                                             \
    F(big_int_field, big, .null = true)                                                            \
    F(bool_field, flag, .null = true)                                                              \
    F(float_field, real, .null = true)                                                             \
    F(date_field, day, .null = true)                                                               \
    F(datetime_field, moment, .null = true)                                                        \
    F(uuid_field, uuid, .null = true)                                                              \
    F(ip_field, address, .null = true)                                                             \
    F(decimal_field, price, .digits = 20, .places = 2, .null = true)                               \
    F(decimal_field, exact, .digits = 38, .places = 10, .null = true)                              \
    F(time_field, clock, .null = true)                                                             \
    F(duration_field, span, .null = true)                                                          \
    F(json_field, document, .null = true)                                                          \
    F(binary_field, bytes, .null = true)                                                           \
    F(int_array_field, numbers, .null = true)                                                      \
    F(text_array_field, words, .null = true)                                                       \
    F(foreign_key, like, Specimen, .null = true, .on_delete = CZ_SET_NULL)
CZ_MODEL(Specimen, SPECIMEN);

#define TOKEN(F) F(char_field, name)
CZ_MODEL_UUID(Token, TOKEN);

static const struct cz__orm_test lab = { "lab", CZ_MODELS(Specimen, Token) };

static void run_sql(cz_ctx *c, const char *sql)
{
    cz_error err;
    if (c->db->db->driver->run(c, c->db, cz_str_from(sql), &err))
        cz_raise_error(c, &err);
}

static cz_decimal decimal(const char *text)
{
    cz_decimal d;
    CZ_REQUIRE_OK(cz_decimal_parse(cz_str_from(text), &d));
    return d;
}

/* Values that differ with `n`; every seventh row has none. */
static void fill(cz_ctx *c, Specimen *row, int n)
{
    static const int64_t bigs[] = { 0, -1, INT64_MAX, INT64_MIN, 65536 };
    static const double reals[] = { 0, -0.5, 1e300, -1e-300, 3.25 };
    static const int64_t numbers[] = { 1, -2, INT64_MAX };
    static const cz_str words[] = { { "a", 1 }, { "", 0 }, { "\"q\",{}", 6 } };
    if (n % 7 == 6)
        return;
    cz_set(c, row, text, texts[n % (int)CZ_COUNT(texts)]);
    cz_set(c, row, small, (int16_t)(n % 2 ? INT16_MIN + n : INT16_MAX - n));
    cz_set(c, row, medium, n % 2 ? INT32_MIN + n : INT32_MAX - n);
    cz_set(c, row, big, bigs[n % (int)CZ_COUNT(bigs)]);
    cz_set(c, row, flag, (bool)(n % 3 == 0));
    cz_set(c, row, real, reals[n % (int)CZ_COUNT(reals)]);
    cz_set(c, row, day, ((cz_date){ n * 100 - 20000 }));
    cz_set(c, row, moment, ((cz_datetime){ (int64_t)n * 86400000001 - 1000000000000000 }));
    cz_set(c, row, uuid, cz_uuid_v4());
    cz_set(c, row, address, addresses[n % (int)CZ_COUNT(addresses)]);
    cz_set(c, row, price, decimal(decimals[n % (int)CZ_COUNT(decimals)]));
    cz_set(c, row, exact, decimal(exacts[n % (int)CZ_COUNT(exacts)]));
    cz_set(c, row, clock, ((cz_time){ (int64_t)n * 1000001 }));
    cz_set(c, row, span, ((cz_duration){ (int64_t)(n % 2 ? -n : n) * 86400000123 }));
    cz_set(c, row, document, documents[n % (int)CZ_COUNT(documents)]);
    cz_set(c, row, bytes, ((cz_bytes){ "\0\377x\n", (size_t)n % 5 }));
    cz_set(c, row, numbers, ((cz_int_list){ numbers, (size_t)n % 4 }));
    cz_set(c, row, words, ((cz_str_list){ words, (size_t)n % 4 }));
}

static Specimen **specimens(cz_ctx *c, const char *prefix, int count)
{
    Specimen **made = cz_array(c, Specimen *, (size_t)count);
    for (int i = 0; i < count; i++) {
        made[i] = cz_row_new(c, Specimen);
        cz_set(c, made[i], name, cz_format(c, "%s %d", prefix, i));
        fill(c, made[i], i);
    }
    return made;
}

/* Both as the database gives them back: all but their keys and names are the same. */
static void expect_same(const Specimen *a, const Specimen *b, int n)
{
    cz_model *model = &Specimen__model;
    for (uint16_t i = 2; i < model->state->column_count; i++) {
        const cz__column *column = &model->state->columns[i];
        const cz_row *rows[2] = { (const cz_row *)(const void *)a,
                                  (const cz_row *)(const void *)b };
        bool null = cz__row_bit(rows[0], CZ__BITS_NULL, i);
        CZ_EXPECT_MSG(null == cz__row_bit(rows[1], CZ__BITS_NULL, i), "%s of row %d: NULL",
                      column->field->name, n);
        if (null)
            continue;
        const void *x = cz__row_at(rows[0], column), *y = cz__row_at(rows[1], column);
        bool same;
        if (CZ__DB_KIND(column->type) == CZ__DB_INT_LIST) {
            const cz_int_list *p = x, *q = y;
            same = p->count == q->count &&
                   (!p->count || !memcmp(p->items, q->items, p->count * sizeof *p->items));
        } else if (CZ__DB_KIND(column->type) == CZ__DB_TEXT_LIST) {
            const cz_str_list *p = x, *q = y;
            same = p->count == q->count;
            for (size_t k = 0; k < p->count && same; k++)
                same = cz_str_eq(p->items[k], q->items[k]);
        } else if (cz__kind_is_text(CZ__DB_KIND(column->type))) {
            same = cz_str_eq(*(const cz_str *)x, *(const cz_str *)y);
        } else if (CZ__DB_KIND(column->type) == CZ__DB_DECIMAL) {
            same = cz_decimal_compare(*(const cz_decimal *)x, *(const cz_decimal *)y) == 0;
        } else {
            size_t bytes = CZ__DB_KIND(column->type) == CZ__DB_UUID    ? sizeof(cz_uuid)
                           : CZ__DB_KIND(column->type) == CZ__DB_INT16 ? sizeof(int16_t)
                           : CZ__DB_KIND(column->type) == CZ__DB_INT32 ||
                                   CZ__DB_KIND(column->type) == CZ__DB_DATE
                               ? sizeof(int32_t)
                           : CZ__DB_KIND(column->type) == CZ__DB_BOOL ? sizeof(bool)
                                                                      : sizeof(int64_t);
            same = !memcmp(x, y, bytes);
        }
        CZ_EXPECT_MSG(same, "%s of row %d", column->field->name, n);
    }
}

static void load_kinds(cz_ctx *c, void *arg)
{
    enum { COUNT = 1000 };
    (void)arg;
    cz__tables_create(c);
    Specimen **made = specimens(c, "loaded", COUNT);
    CZ_EXPECT_EQ(cz_bulk_create(c, Specimen, made, COUNT), COUNT);
    CZ_EXPECT_EQ(cz_count(c, Specimen), COUNT);
    for (int i = 0; i < COUNT; i++) {
        CZ_EXPECT(made[i]->id > (i ? made[i - 1]->id : 0) && !cz_is_dirty(made[i], text));
        if (i % 41)
            continue;
        Specimen *single = cz_row_new(c, Specimen);
        cz_set(c, single, name, cz_format(c, "single %d", i));
        fill(c, single, i);
        if (!cz_is_null(made[i], uuid) && i % 7 != 6)
            cz_set(c, single, uuid, made[i]->uuid);
        cz_save(c, single);
        CZ_EXPECT(single->id > made[COUNT - 1]->id);
        expect_same(cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, made[i]->id)),
                    cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, single->id)), i);
    }
}

CZ_DATABASE_TEST(many_rows_of_every_kind_are_stored_as_single_ones_are)
{
    cz__orm_test_run(&lab, load_kinds);
}

static void update_kinds(cz_ctx *c, void *arg)
{
    enum { COUNT = 300 };
    (void)arg;
    cz__tables_create(c);
    Specimen **made = specimens(c, "first", COUNT), **other = specimens(c, "other", COUNT);
    cz_bulk_create(c, Specimen, made, COUNT);
    cz_bulk_create(c, Specimen, other, COUNT);
    /* shifted by one, so that values come and go */
    for (int i = 0; i < COUNT; i++) {
        Specimen *next = other[(i + 1) % COUNT];
        int64_t id = made[i]->id;
        cz_str name = made[i]->name;
        *made[i] = *next;
        made[i]->id = id;
        made[i]->name = name;
        cz_set(c, made[i], like, other[0]->id);
    }
    CZ_EXPECT_EQ(cz_bulk_update(c, Specimen, made, COUNT, text, small, medium, big, flag, real, day,
                                moment, uuid, address, price, exact, clock, span, document, bytes,
                                numbers, words, like),
                 COUNT);
    for (int i = 0; i < COUNT; i += 17) {
        Specimen *changed = cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, made[i]->id));
        Specimen *model =
            cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, other[(i + 1) % COUNT]->id));
        CZ_EXPECT_EQ(changed->like_id, other[0]->id);
        cz_set(c, model, like, other[0]->id);
        expect_same(changed, model, i);
        CZ_EXPECT_STR(changed->name, cz_format(c, "first %d", i).ptr);
    }
}

CZ_DATABASE_TEST(many_rows_of_every_kind_are_changed_at_once)
{
    cz__orm_test_run(&lab, update_kinds);
}

static void update_order(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Specimen **made = specimens(c, "s", 10);
    cz_bulk_create(c, Specimen, made, 10);
    /* a row given twice takes the later values; one that is gone is not counted */
    Specimen *again = cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, made[2]->id));
    Specimen *list[] = { made[0], made[2], made[1], again, made[3], again };
    for (int i = 0; i < 4; i++)
        cz_set(c, made[i], medium, i);
    cz_set(c, again, medium, 99);
    cz_delete(c, Specimen, CZ_Q(Specimen, id, EXACT, made[3]->id));
    CZ_EXPECT_EQ(cz_bulk_update(c, Specimen, list, 6, medium), 5);
    cz_refresh(c, made[2]);
    cz_refresh(c, made[1]);
    CZ_EXPECT_EQ(made[2]->medium, 99);
    CZ_EXPECT_EQ(made[1]->medium, 1);
    CZ_EXPECT_EQ(cz_bulk_update(c, Specimen, list, 0, medium), 0);
    Token *tokens[600];
    for (int i = 0; i < 600; i++) {
        tokens[i] = cz_row_new(c, Token);
        cz_set(c, tokens[i], name, "t");
    }
    CZ_EXPECT_EQ(cz_bulk_create(c, Token, tokens, 600), 600);
    for (int i = 0; i < 600; i++)
        cz_set(c, tokens[i], name, cz_format(c, "t%d", i));
    CZ_EXPECT_EQ(cz_bulk_update(c, Token, tokens, 600, name), 600);
    cz_refresh(c, tokens[599]);
    CZ_EXPECT_STR(tokens[599]->name, "t599");
}

CZ_DATABASE_TEST(a_bulk_update_knows_rows_given_twice_and_rows_that_are_gone)
{
    cz__orm_test_run(&lab, update_order);
}

/* ---- what is not loaded, or cannot be ---- */

enum { MANY = 1500 };

static void same_name(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], name, "x 0");
    cz_bulk_create(c, Specimen, made, MANY);
}
static void null_character(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], text, CZ_STR("a\0b"));
    cz_bulk_create(c, Specimen, made, MANY);
}
static void broken_utf8(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], text, "\377\376");
    cz_bulk_create(c, Specimen, made, MANY);
}
static void no_document(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], document, "{\"a\":");
    cz_bulk_create(c, Specimen, made, MANY);
}
static void too_long(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], name, "a name that is by far longer than forty characters are");
    cz_bulk_create(c, Specimen, made, MANY);
}
static void missing_reference(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], like, INT64_C(123456));
    cz_bulk_create(c, Specimen, made, MANY);
}
static void no_address(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    cz_set(c, made[MANY - 2], address, "somewhere");
    cz_bulk_create(c, Specimen, made, MANY);
}
static void key_twice(cz_ctx *c, void *arg)
{
    (void)arg;
    Specimen **made = specimens(c, "x", MANY);
    for (int i = 0; i < MANY; i++)
        cz_set(c, made[i], id, i + 1);
    cz_set(c, made[MANY - 2], id, 1);
    cz_bulk_create(c, Specimen, made, MANY);
}

static void store(cz_ctx *c, void *rows)
{
    cz_bulk_create(c, Specimen, (Specimen **)rows, MANY);
}

static void fail_at_the_end(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const struct {
        void (*body)(cz_ctx *c, void *arg);
        cz_status status;
        const char *said, *constraint;
        bool strict; /* of rows that are loaded, which SQLite has not */
    } cases[] = {
        { same_name, CZ_EINTEGRITY, "Another row has this name already.", NULL, false },
        { key_twice, CZ_EINTEGRITY, "Another row has this id already.", NULL, false },
        { missing_reference, CZ_EINTEGRITY,
          "A row that is referred to does not exist, or is still in use.", NULL, false },
        { null_character, CZ_EVALIDATION, "text: Null characters are not allowed.", "", false },
        { broken_utf8, CZ_EVALIDATION, "text: Not a valid string: it is not UTF-8.", "", false },
        { too_long, CZ_EVALIDATION, "A text is longer than its column.", "lab_specimen.name",
          true },
        { no_document, CZ_EVALIDATION, "A value is not what its column holds.",
          "lab_specimen.document", true },
        { no_document, CZ_EVALIDATION, "document: Value must be valid JSON.", "", false },
        { no_address, CZ_EVALIDATION, "address: Enter a valid IPv4 or IPv6 address.", "", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        if (cases[i].strict && !cz__test_on_postgresql)
            continue;
        if (cases[i].body == no_document && !cases[i].strict && cz__test_on_postgresql)
            continue;
        CZ_EXPECT_EQ(cz_try(c, cases[i].body, NULL, &err), cases[i].status);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].said);
        if (cases[i].constraint)
            CZ_EXPECT_STR(cz_str_from(err.constraint), cases[i].constraint);
        CZ_EXPECT_EQ(cz_count(c, Specimen), 0);
    }
    /* rows of a call that failed have no key, and can be tried again */
    Specimen **made = specimens(c, "again", MANY);
    cz_set(c, made[MANY - 1], name, "again 0");
    CZ_EXPECT_EQ(cz_try(c, store, made, NULL), CZ_EINTEGRITY);
    cz_set(c, made[MANY - 1], name, "other");
    CZ_EXPECT_EQ(cz_try(c, store, made, NULL), CZ_OK);
    CZ_EXPECT_EQ(cz_count(c, Specimen), MANY);
}

CZ_DATABASE_TEST(a_bulk_create_that_fails_at_its_end_stores_nothing_and_says_why)
{
    cz__orm_test_run(&lab, fail_at_the_end);
}

static int64_t scalar(cz_ctx *c, const char *sql)
{
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_error err;
    const cz__db_driver *driver = c->db->db->driver;
    if (driver->select(c, c->db, &statement, NULL, 0, &cursor, &err))
        cz_raise_error(c, &err);
    bool row;
    int64_t value = -1;
    CZ_EXPECT_EQ(driver->step(&cursor, &row, &err), CZ_OK);
    CZ_EXPECT(row && driver->read(&cursor, 0, CZ__DB_INT64, &value));
    driver->finish(&cursor);
    return value;
}

/* Statements are counted by a trigger. */
static int64_t statements(cz_ctx *c, int count, const char *prefix)
{
    run_sql(c, "DELETE FROM seen");
    Specimen **made = specimens(c, prefix, count);
    cz_set(c, made[3], address, "10.0.0.0/8"); /* a network, which only the server can read */
    CZ_EXPECT_EQ(cz_bulk_create(c, Specimen, made, (size_t)count), count);
    CZ_EXPECT_EQ(cz_count(c, Specimen, .where = CZ_Q(Specimen, name, STARTSWITH, prefix)), count);
    Specimen *network = cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, made[3]->id));
    CZ_EXPECT_STR(network->address, "10.0.0.0/8");
    return scalar(c, "SELECT count(*) FROM seen");
}

static void choose_ways(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    run_sql(c, "CREATE TABLE seen (n integer);"
               "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
               "'BEGIN INSERT INTO seen VALUES (1); RETURN NULL; END';"
               "CREATE TRIGGER note AFTER INSERT ON lab_specimen FOR EACH STATEMENT EXECUTE "
               "FUNCTION note()");
    CZ_EXPECT_EQ(statements(c, 100, "few"), 3);   /* of 64, 32 and 4 rows */
    CZ_EXPECT_EQ(statements(c, 1000, "many"), 3); /* two COPYs, and the row they could not load */
    run_sql(c, "CREATE RULE nothing AS ON INSERT TO lab_specimen DO ALSO NOTHING");
    CZ_EXPECT_EQ(statements(c, 1000, "ruled"), 7);
    run_sql(c, "DROP RULE nothing ON lab_specimen;"
               "UPDATE lab_specimen SET numbers = NULL, real = NULL;"
               "ALTER TABLE lab_specimen ALTER numbers TYPE integer[]");
    CZ_EXPECT_EQ(cz_try(c, store, specimens(c, "array", MANY), NULL), CZ_EVALIDATION);
    run_sql(c, "ALTER TABLE lab_specimen ALTER numbers TYPE bigint[];"
               "ALTER TABLE lab_specimen ALTER medium TYPE numeric,"
               " ALTER moment TYPE timestamp, ALTER document TYPE json, ALTER real TYPE real");
    Specimen **made = specimens(c, "other types", 600);
    for (int i = 0; i < 600; i++)
        cz_set(c, made[i], real, 0.5);
    CZ_EXPECT_EQ(cz_bulk_create(c, Specimen, made, 600), 600);
    for (int i = 0; i < 600; i += 100)
        expect_same(cz_get(c, Specimen, .where = CZ_Q(Specimen, id, EXACT, made[i]->id)), made[i],
                    i);
    run_sql(c, "ALTER TABLE lab_specimen ALTER big TYPE smallint USING 0");
    CZ_EXPECT_EQ(cz_try(c, store, specimens(c, "narrow", MANY), NULL), CZ_EVALIDATION);
}

CZ_TEST(postgresql_loads_by_copy_what_copy_can_load)
{
    cz__test_on_postgresql = true;
    cz__orm_test_run(&lab, choose_ways);
}
