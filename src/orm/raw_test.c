/* SQL written by hand: what it gives, what it refuses, and what `check` says of it. */
#include "orm/raw.h"
#include "orm/encryption.h"
#include "orm/orm_internal.h"
#include "orm/orm_testing.h"
#include <calzone/expressions.h>
#include <calzone/relations.h>

CZ_MODEL_FORWARD(Rose)

#define GARDEN(F)                                                                                  \
    F(char_field, name, .unique = true)                                                            \
    F(reverse, roses, Rose, garden)
CZ_MODEL(Garden, GARDEN);

#define ROSE(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(foreign_key, garden, Garden, .null = true, .on_delete = CZ_CASCADE)                          \
    F(int_field, petals)                                                                           \
    F(small_int_field, thorns, .default_ = cz_int(0))                                              \
    F(bool_field, wild, .default_ = cz_bool(false))                                                \
    F(float_field, height, .null = true)                                                           \
    F(decimal_field, price, .digits = 8, .places = 2, .default_ = cz_text("1.50"))                 \
    F(datetime_field, planted, .null = true)                                                       \
    F(date_field, blooms, .null = true)                                                            \
    F(uuid_field, tag, .null = true)                                                               \
    F(json_field, extra, .default_ = cz_text("{}"))                                                \
    F(int_array_field, sizes, .null = true)
CZ_MODEL(Rose, ROSE);

#define TALLY(F)                                                                                   \
    F(char_field, garden, .null = true)                                                            \
    F(int_field, roses)                                                                            \
    F(float_field, height, .null = true)
CZ_RECORD(Tally, TALLY);

#define SMALL(F) F(small_int_field, number)
CZ_RECORD(Small, SMALL);

#define FLOWER_BOX(F) F(file_field, number)
CZ_RECORD(FlowerBox, FLOWER_BOX);

static const struct cz__orm_test map = { "yard", CZ_MODELS(Garden, Rose) };

static const cz_uuid tag = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Garden *park = cz_create(c, Garden, (name, "Park")),
           *yard = cz_create(c, Garden, (name, "Yard"));
    cz_create(c, Rose, (name, "Alba"), (garden, park->id), (petals, 25), (height, 1.5),
              (wild, true), (planted, (cz_datetime){ 1000000 }), (blooms, (cz_date){ 20454 }),
              (tag, tag), (sizes, CZ_INTS(1, 2)));
    cz_create(c, Rose, (name, "what's ?"), (garden, park->id), (petals, 40), (height, 2.5));
    cz_create(c, Rose, (name, "Canina"), (garden, yard->id), (petals, 5));
}

static bool says(const char *message, const char *part)
{
    return cz_str_find(cz_str_from(message), cz_str_from(part)) != SIZE_MAX;
}

/* ---- rows ---- */

static void rows(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Rose) all = cz_raw(c, Rose, "SELECT * FROM yard_rose ORDER BY petals");
    CZ_REQUIRE(all.count == 3);
    CZ_EXPECT_STR(all.items[0].name, "Canina");
    CZ_EXPECT(cz_is_null(&all.items[0], height) && cz_is_null(&all.items[0], tag));
    Rose *alba = &all.items[1];
    CZ_EXPECT_EQ(alba->petals, 25);
    CZ_EXPECT(alba->wild && alba->height > 1.4 && alba->height < 1.6);
    CZ_EXPECT_EQ(alba->planted.us, 1000000);
    CZ_EXPECT_EQ(alba->blooms.days, 20454);
    CZ_EXPECT(memcmp(&alba->tag, &tag, sizeof tag) == 0);
    CZ_EXPECT_EQ(alba->sizes.count, 2);
    CZ_EXPECT_EQ(cz_decimal_compare(alba->price, cz_decimal_of(150, 2)), 0);
    /* a relation is read for all rows at once, and what comes is saved as ever */
    CZ_EXPECT_STR(CZ_REL(c, &all.items[1], garden)->name, "Park");
    CZ_EXPECT_STR(CZ_REL(c, &all.items[0], garden)->name, "Yard");
    cz_set(c, alba, petals, 26);
    cz_save(c, alba);
    CZ_EXPECT_EQ(cz_get(c, Rose, .where = CZ_Q(Rose, name, EXACT, "Alba"))->petals, 26);
    CZ_EXPECT_EQ(cz_raw(c, Rose, "SELECT * FROM yard_rose WHERE petals > 1000").count, 0);
}

CZ_DATABASE_TEST(raw_rows_are_a_models)
{
    cz__orm_test_run(&map, rows);
}

static void parts(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    /* in any order and case; what is left out is read when it is touched */
    cz_rows(Rose) some = cz_raw(
        c, Rose, "SELECT petals, ID FROM yard_rose WHERE petals > ? ORDER BY 1", CZ_ARGS(10));
    CZ_REQUIRE(some.count == 2);
    CZ_EXPECT(!cz_is_loaded(&some.items[0], name) && cz_is_loaded(&some.items[0], petals));
    CZ_EXPECT_STR(cz_load(c, &some.items[0], name), "Alba");
    CZ_EXPECT_STR(cz_load(c, &some.items[1], name), "what's ?");
    cz_rows(Garden) gardens =
        cz_raw(c, Garden, "SELECT id, name FROM yard_garden ORDER BY name DESC", CZ_ARGS(),
               .prefetch = CZ_PREFETCH(Garden, (roses)), .strict = true);
    CZ_REQUIRE(gardens.count == 2);
    CZ_EXPECT_EQ(cz_related(c, Rose, &gardens.items[1], roses).count, 2);
}

CZ_DATABASE_TEST(raw_rows_may_have_some_columns_only)
{
    cz__orm_test_run(&map, parts);
}

static void records(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Tally) tallies =
        cz_raw_values(c, Tally,
                      "SELECT g.name AS garden, COUNT(*) AS roses, AVG(r.height) AS height "
                      "FROM yard_garden g JOIN yard_rose r ON r.garden_id = g.id GROUP BY g.name "
                      "ORDER BY g.name");
    CZ_REQUIRE(tallies.count == 2);
    CZ_EXPECT_STR(tallies.items[0].garden, "Park");
    CZ_EXPECT_EQ(tallies.items[0].roses, 2);
    CZ_EXPECT(tallies.items[0].height > 1.99 && tallies.items[0].height < 2.01);
    CZ_EXPECT(cz_is_null(&tallies.items[1], height));
    cz_rows(Small) numbers = cz_raw_values(
        c, Small,
        "WITH n AS (SELECT petals AS number FROM yard_rose) SELECT MAX(number) AS number FROM n");
    CZ_EXPECT_EQ(numbers.items[0].number, 40);
}

CZ_DATABASE_TEST(raw_values_fill_records)
{
    cz__orm_test_run(&map, records);
}

/* ---- members that are not what their columns hold ---- */

#define PETAL(E) E(PETAL_RED, "red", "Red") E(PETAL_WHITE, "white", "White")
CZ_ENUM(Petal, PETAL)
#define SEED(F)                                                                                    \
    F(enum_field, inside, Petal)                                                                   \
    F(enum_field, outside, Petal, .null = true)                                                    \
    F(int_field, year)                                                                             \
    F(encrypted_field, origin, .null = true)
CZ_MODEL(Seed, SEED);
#define SEED_BAG(F)                                                                                \
    F(enum_field, inside, Petal)                                                                   \
    F(int_field, year)                                                                             \
    F(encrypted_field, origin, .null = true)                                                       \
    F(enum_field, outside, Petal, .null = true)
CZ_RECORD(SeedBag, SEED_BAG);
static const struct cz__orm_test nursery = { "nursery", CZ_MODELS(Seed) };

static void garbled(cz_ctx *c)
{
    cz_execute(c, "UPDATE nursery_seed SET origin = 'v1:a:Zm9yZ2Vk'");
    cz_ignore(cz_raw(c, Seed, "SELECT id, origin FROM nursery_seed").count == 0);
}

static void chosen_and_sealed(cz_ctx *c, void *arg)
{
    cz_error err;
    (void)arg;
    CZ_REQUIRE_OK(
        cz__field_keys_set(CZ_STR("a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="), &err));
    cz__tables_create(c);
    cz_create(c, Seed, (inside, PETAL_WHITE), (outside, PETAL_RED), (year, 7), (origin, "Rome"));
    cz_create(c, Seed, (inside, PETAL_RED), (year, 8));
    cz_rows(Seed) rows = cz_raw(c, Seed, "SELECT * FROM nursery_seed ORDER BY year");
    CZ_REQUIRE(rows.count == 2);
    CZ_EXPECT_EQ(rows.items[0].inside, PETAL_WHITE);
    CZ_EXPECT_EQ(rows.items[0].outside, PETAL_RED);
    CZ_EXPECT_EQ(rows.items[0].year, 7);
    CZ_EXPECT_STR(rows.items[0].origin, "Rome");
    CZ_EXPECT(cz_is_null(&rows.items[1], outside) && cz_is_null(&rows.items[1], origin));
    CZ_EXPECT_STR(cz_str_from(Petal_text(rows.items[1].inside)), "red");
    CZ_EXPECT_STR(cz_str_from(Petal_label(rows.items[0].inside)), "White");
    rows = cz_raw(c, Seed, "SELECT id FROM nursery_seed ORDER BY year");
    CZ_EXPECT_STR(cz_load(c, &rows.items[0], origin), "Rome");
    cz_rows(SeedBag) bags = cz_raw_values(
        c, SeedBag,
        "SELECT outside, year, origin, 'blue' AS inside FROM nursery_seed ORDER BY year");
    CZ_REQUIRE(bags.count == 2);
    CZ_EXPECT_EQ(bags.items[0].inside, (Petal)-1);
    CZ_EXPECT_EQ(bags.items[0].outside, PETAL_RED);
    CZ_EXPECT_EQ(bags.items[0].year, 7);
    CZ_EXPECT_STR(bags.items[0].origin, "Rome");
    CZ_EXPECT(cz_is_null(&bags.items[1], outside) && cz_is_null(&bags.items[1], origin));
    cz_rows(SeedBag) constant = cz_values(
        c, SeedBag, Seed,
        .values = CZ_AS(SeedBag, (inside, PETAL_WHITE), (year, CZ_F(Seed, year)), (outside, NULL)),
        .order_by = CZ_ORDER_BY(CZ_ASC(Seed, year)));
    CZ_REQUIRE(constant.count == 2);
    CZ_EXPECT_EQ(constant.items[1].inside, PETAL_WHITE);
    CZ_EXPECT_EQ(constant.items[1].year, 8);
    CZ_EXPECT(cz_is_null(&constant.items[1], outside));
    CZ_EXPECT(says(cz__orm_test_raised(c, garbled), "Seed.origin: a value encrypted with"));
}

CZ_DATABASE_TEST(raw_rows_have_enums_and_decrypted_texts)
{
    cz__orm_test_run(&nursery, chosen_and_sealed);
}

/* ---- parameters ---- */

static int64_t count_of(cz_rows(Small) rows)
{
    return rows.count == 1 ? rows.items[0].number : -1;
}

static bool session_is_sqlite(cz_ctx *c)
{
    return cz__session(c)->db->driver == &cz__sqlite_driver;
}

static void parameters(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
#define COUNT "SELECT COUNT(*) AS number FROM yard_rose WHERE "
    char buffer[] = "Alba";
    const char *nothing = NULL;
    cz_uuid *none = NULL;
    (void)none;
    /* quotes and comments hold no parameter */
    CZ_EXPECT_EQ(
        count_of(cz_raw_values(c, Small, COUNT "name = 'what''s ?' /* ? */ AND petals = ? -- ?",
                               CZ_ARGS(40))),
        1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "name = ?", CZ_ARGS("what's ?"))), 1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "name = ?;", CZ_ARGS(buffer))), 1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "name = ?", CZ_ARGS(CZ_STR("Alba")))), 1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "name = ?", CZ_ARGS(nothing))), 0);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "name = ?", CZ_ARGS("' OR 1=1 --"))), 0);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "wild = ?", CZ_ARGS((bool)true))), 1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "height >= ?", CZ_ARGS(1.5))), 2);
    CZ_EXPECT_EQ(
        count_of(cz_raw_values(c, Small, COUNT "planted = ?", CZ_ARGS((cz_datetime){ 1000000 }))),
        1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "blooms = ?", CZ_ARGS((cz_date){ 20454 }))),
                 1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "tag = ?", CZ_ARGS(tag))), 1);
    /* a number of any width, one after the other by the same statement */
    const int64_t numbers[] = { 5, INT64_MAX, 40, INT64_MIN, 25 };
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "petals = ?", CZ_ARGS(numbers[i]))),
                     i % 2 == 0);
    /* lists, also of none */
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "petals IN (?) AND name NOT in ( ? )",
                                        CZ_ARGS(CZ_INTS(5, 25, 7), CZ_STRS("Alba", "a,\"b")))),
                 1);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "tag IN (?)", CZ_ARGS(CZ_UUIDS(tag, tag)))),
                 1);
    cz_int_list empty = { 0 };
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "petals IN (?)", CZ_ARGS(empty))), 0);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "petals NOT IN (?)", CZ_ARGS(empty))), 3);
    CZ_EXPECT_EQ(count_of(cz_raw_values(c, Small, COUNT "petals IN (?, ?)", CZ_ARGS(5, 25))), 2);
    CZ_EXPECT_EQ(
        count_of(cz_raw_values(c, Small,
                               CZ_SQL((sqlite, COUNT "json_extract(extra, '$.a') IS ?"),
                                      (postgresql, COUNT "NOT extra ?? 'a' AND name <> ?")),
                               CZ_ARGS(nothing ? "" : "x"))),
        session_is_sqlite(c) ? 0 : 3);
}

CZ_DATABASE_TEST(raw_parameters_are_typed_by_their_values)
{
    cz__orm_test_run(&map, parameters);
}

/* ---- changes ---- */

static void add_and_fail(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz_execute(c, "INSERT INTO yard_garden (name) VALUES (?)", CZ_ARGS("Gone")), 1);
    CZ_EXPECT_EQ(cz_count(c, Garden), 3);
    cz_raise(c, CZ_EVALIDATION, "no");
}

static void add_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, add_and_fail, arg);
}

static void add_twice(cz_ctx *c)
{
    cz_execute(c, "INSERT INTO yard_garden (name) VALUES ('Park')");
}

static void changes(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_EQ(
        cz_execute(c, "UPDATE yard_rose SET petals = petals + ? WHERE petals < ?", CZ_ARGS(1, 30)),
        2);
    CZ_EXPECT_EQ(cz_execute(c, "UPDATE yard_rose SET petals = 0 WHERE name = ?", CZ_ARGS("nobody")),
                 0);
    CZ_EXPECT_EQ(cz_try(c, add_block, NULL, NULL), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_count(c, Garden), 2);
    CZ_EXPECT(says(cz__orm_test_raised(c, add_twice), "Another row has this name already."));
    CZ_EXPECT_EQ(cz_execute(c, "CREATE TABLE yard_extra (a integer)"), 0);
    CZ_EXPECT_EQ(cz_execute(c,
                            "WITH big AS (SELECT id FROM yard_rose WHERE petals > ?) "
                            "DELETE FROM yard_rose WHERE id IN (SELECT id FROM big)",
                            CZ_ARGS(30)),
                 1);
    cz_str built = cz_format(c, "DELETE FROM yard_%s WHERE petals IN (?)", "rose");
    CZ_EXPECT_EQ(cz_execute_unchecked(c, built, CZ_ARGS(CZ_INTS(6, 26, 26))), 2);
    CZ_EXPECT_EQ(cz_raw_unchecked(c, Rose, CZ_STR("SELECT * FROM yard_rose")).count, 0);
    CZ_EXPECT_EQ(cz_raw_values_unchecked(c, Small, CZ_STR("SELECT ? + 1 AS number"), CZ_ARGS(6))
                     .items[0]
                     .number,
                 7);
}

static void triggers(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    if (!session_is_sqlite(c)) { /* which names a function instead */
        cz_execute(c, "CREATE FUNCTION yard_grow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                      "NEW.thorns := 7; RETURN NEW; END $$");
        cz_execute(c, "CREATE TRIGGER yard_grown BEFORE UPDATE ON yard_rose FOR EACH ROW EXECUTE "
                      "FUNCTION yard_grow();");
    } else {
        cz_execute(c, "CREATE TRIGGER yard_grown AFTER UPDATE OF petals ON yard_rose BEGIN "
                      "UPDATE yard_rose SET thorns = CASE WHEN 1 THEN 7 END WHERE id = NEW.id; "
                      "SELECT ';' /* ; */; -- no END;\n"
                      "UPDATE yard_garden SET name = name || '; END; x' WHERE id = NEW.garden_id;\n"
                      "END");
        cz_execute_unchecked(c, CZ_STR("create temp trigger yard_shrunk after delete on yard_rose "
                                       "begin delete from yard_garden; end ; -- and no more"));
    }
    CZ_EXPECT_EQ(cz_update(c, Rose, CZ_Q(Rose, name, EXACT, "Canina"), (petals, 6)), 1);
    CZ_EXPECT_EQ(cz_count(c, Rose, .where = CZ_Q(Rose, thorns, EXACT, 7)), 1);
    CZ_EXPECT_EQ(cz_count(c, Garden, .where = CZ_Q(Garden, name, EXACT, "Yard; END; x")),
                 session_is_sqlite(c));
}

CZ_DATABASE_TEST(execute_makes_triggers)
{
    cz__orm_test_run(&map, triggers);
}

CZ_DATABASE_TEST(execute_changes_rows_and_counts_them)
{
    cz__orm_test_run(&map, changes);
}

/* ---- what is refused ---- */

#define REFUSED(name, call)                                                                        \
    static void name(cz_ctx *c)                                                                    \
    {                                                                                              \
        cz_ignore((call) < 0);                                                                     \
    }
#define ROSES(...) (int64_t) cz_raw(c, Rose, __VA_ARGS__).count
#define SMALLS(...) (int64_t) cz_raw_values(c, Small, __VA_ARGS__).count
/* clang-format off */
REFUSED(no_key, ROSES("SELECT name FROM yard_rose"))
REFUSED(no_key_and_no_row, ROSES("SELECT name FROM yard_rose WHERE petals < 0"))
REFUSED(null_key, ROSES("SELECT CAST(NULL AS bigint) AS id, name FROM yard_rose"))
REFUSED(unknown, ROSES("SELECT id, petals * 2 AS doubled FROM yard_rose"))
REFUSED(twice, ROSES("SELECT * FROM yard_rose r JOIN yard_garden g ON g.id = r.garden_id"))
REFUSED(member, SMALLS("SELECT 1 AS other"))
REFUSED(file_member, (int64_t)cz_raw_values(c, FlowerBox, "SELECT name AS number FROM yard_rose").count)
REFUSED(more_members, SMALLS("SELECT 1 AS number, 2 AS other"))
REFUSED(wide, SMALLS("SELECT 40000 AS number"))
REFUSED(text_as_number, SMALLS("SELECT CAST('seven' AS text) AS number"))
REFUSED(real_as_number, SMALLS("SELECT CAST(1.5 AS double precision) AS number"))
REFUSED(number_as_text, (int64_t)cz_raw_values(c, Tally, "SELECT 1 AS garden, 1 AS roses, 1.0 AS height").count)
REFUSED(too_few, ROSES("SELECT * FROM yard_rose WHERE petals > ? AND petals < ?", CZ_ARGS(1)))
REFUSED(too_many, ROSES("SELECT * FROM yard_rose WHERE name = '?'", CZ_ARGS(1)))
REFUSED(none, ROSES("SELECT * FROM yard_rose WHERE petals > ?"))
REFUSED(dollar, ROSES("SELECT * FROM yard_rose WHERE petals > $1", CZ_ARGS(1)))
REFUSED(mixed_list, ROSES("SELECT * FROM yard_rose WHERE petals IN (?, ?)", CZ_ARGS(CZ_INTS(1), 2)))
REFUSED(script, ROSES("SELECT * FROM yard_rose; SELECT 1"))
REFUSED(script_change, cz_execute(c, "DELETE FROM yard_rose; DELETE FROM yard_garden"))
REFUSED(hidden_script, cz_execute(c, "DELETE FROM yard_rose WHERE name = ''';' /* ; */ ; /* */ DROP TABLE yard_rose"))
REFUSED(behind_trigger, cz_execute(c, CZ_SQL((sqlite, "CREATE TRIGGER t AFTER INSERT ON yard_rose BEGIN SELECT 1; END; DROP TABLE yard_rose"),
                                            (postgresql, "CREATE TRIGGER t AFTER INSERT ON yard_rose EXECUTE FUNCTION f(); END; DROP TABLE yard_rose"))))
REFUSED(like_trigger, cz_execute(c, "CREATE TABLE yard_trigger (temp trigger); DROP TABLE yard_rose"))
REFUSED(quoted_trigger, cz_execute(c, "CREATE \"TRIGGER\" t AFTER INSERT ON yard_rose BEGIN SELECT 1; END"))
REFUSED(quoted_end, cz_execute(c, "CREATE TRIGGER t AFTER INSERT ON yard_rose BEGIN SELECT 1; \"END\"; DROP TABLE yard_rose"))
REFUSED(empty, ROSES(" -- nothing\n ;"))
REFUSED(change_as_rows, ROSES("UPDATE yard_rose SET petals = 1"))
REFUSED(hidden_change, ROSES("WITH g AS (DELETE FROM yard_rose RETURNING *) SELECT * FROM g"))
REFUSED(behind_with, ROSES("WITH g AS (SELECT 1) DELETE FROM yard_rose"))
REFUSED(into, ROSES("SELECT * INTO yard_copy FROM yard_rose"))
REFUSED(rows_as_change, cz_execute(c, "SELECT * FROM yard_rose"))
REFUSED(with_as_change, cz_execute(c, "WITH a AS (SELECT 1) SELECT * FROM a"))
REFUSED(pragma, cz_execute(c, "PRAGMA foreign_keys = OFF"))
REFUSED(pragma_rows, ROSES("PRAGMA table_info(yard_rose)"))
REFUSED(attach, cz_execute(c, "ATTACH 'other.db' AS other"))
REFUSED(set, cz_execute(c, "set search_path = 'x'"))
REFUSED(begin, cz_execute(c, "BEGIN"))
REFUSED(commit, cz_execute(c, "/* hm */ commit"))
REFUSED(copy, cz_execute(c, "COPY yard_rose TO STDOUT"))
REFUSED(broken, ROSES("SELECT * FORM yard_rose"))
REFUSED(no_table, ROSES("SELECT * FROM yard_nothing"))
REFUSED(other_database, ROSES("SELECT * FROM yard_rose", CZ_ARGS(), .database = "moon"))
REFUSED(only_other, ROSES(CZ_SQL((postgresql, "SELECT * FROM yard_rose WHERE 1 = 0")), CZ_ARGS()) +
                    ROSES(CZ_SQL((sqlite, "SELECT * FROM yard_rose WHERE 1 = 0")), CZ_ARGS()))
REFUSED(unsigned_wide, ROSES("SELECT * FROM yard_rose WHERE petals = ?", CZ_ARGS(UINT64_MAX)))
REFUSED(nul, ROSES("SELECT * FROM yard_rose WHERE name = ?", CZ_ARGS(CZ_STR("a\0b"))))
/* clang-format on */

static void nul_in_sql(cz_ctx *c)
{
    cz_ignore(cz_raw_unchecked(c, Rose, CZ_STR("SELECT * FROM yard_rose\0 WHERE")).count == 0);
}

static void long_sql(cz_ctx *c)
{
    char *text = cz_alloc(c, CZ__RAW_BYTES_MAX + 1);
    memset(text, ' ', CZ__RAW_BYTES_MAX + 1);
    cz_ignore(cz_execute_unchecked(c, cz_str_of(text, CZ__RAW_BYTES_MAX + 1)) == 0);
}

static void decimal(cz_ctx *c)
{
    cz_ignore(ROSES("SELECT * FROM yard_rose WHERE price > ?", CZ_ARGS(cz_decimal_of(1, 0))) == 0);
}

static void refuse(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    const struct {
        void (*fn)(cz_ctx *c);
        const char *says;
    } cases[] = {
        { no_key, "no column is called \"id\", which Rose needs" },
        { no_key_and_no_row, "no column is called \"id\", which Rose needs" },
        { null_key, "a row of Rose has no key" },
        { unknown, "Rose has no column \"doubled\"; a record has what one declares" },
        { twice, "two columns are called \"id\"" },
        { member, "Small has no column \"other\"" },
        { file_member, "\"number\" of FlowerBox is a file, which comes with a request" },
        { more_members, "Small has no column \"other\"" },
        { wide, "a number of \"number\" does not fit the member \"number\"" },
        { text_as_number, "the column \"number\" is not of the type of the member \"number\"" },
        { real_as_number, "the column \"number\" is not of the type of the member \"number\"" },
        { number_as_text, "the column \"garden\" is not of the type of the member \"garden\"" },
        { too_few, "the SQL has 2 parameters and CZ_ARGS() 1 value" },
        { too_many, "the SQL has 0 parameters and CZ_ARGS() 1 value" },
        { none, "the SQL has 1 parameter and CZ_ARGS() 0 values" },
        { dollar, "a parameter is written ?, not $1" },
        { mixed_list, "value 1 is a list, which stands alone in IN (?)" },
        { script, "this is more than one statement" },
        { script_change, "this is more than one statement" },
        { hidden_script, "this is more than one statement" },
        { behind_trigger, "this is more than one statement" },
        { like_trigger, "this is more than one statement" },
        { quoted_trigger, "this is more than one statement" },
        { quoted_end, cz__test_on_postgresql ? "this is more than one statement" : "syntax error" },
        { empty, "there is no statement" },
        { change_as_rows, "UPDATE here changes or is no query" },
        { hidden_change, "WITH here changes or is no query" },
        { behind_with, "WITH here changes or is no query" },
        { into, "SELECT here changes or is no query" },
        { rows_as_change, "SELECT reads; cz_raw() and cz_raw_values() give its rows" },
        { with_as_change, "WITH reads" },
        { pragma, "PRAGMA is not for cz_execute()" },
        { pragma_rows, "PRAGMA changes or is no query" },
        { attach, "ATTACH is not for cz_execute()" },
        { set, "SET is not for cz_execute()" },
        { begin, "BEGIN is not for cz_execute()" },
        { commit, "COMMIT is not for cz_execute()" },
        { copy, "COPY is not for cz_execute()" },
        { broken, "syntax error" },
        { no_table, "yard_nothing" },
        { other_database, "there is no database \"moon\"" },
        { only_other, "there is no SQL for " },
        { unsigned_wide, "a value over 2^63-1" },
        { nul_in_sql, "this SQL holds a null character" },
        { long_sql, "over 65536 bytes of SQL" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        for (int again = 0; again < 2; again++) {
            const char *message = cz__orm_test_raised(c, cases[i].fn);
            CZ_EXPECT_MSG(says(message, cases[i].says), "case %zu says \"%s\", not \"%s\"", i,
                          message, cases[i].says);
        }
    /* where databases differ */
    CZ_EXPECT(says(cz__orm_test_raised(c, decimal),
                   session_is_sqlite(c) ? "value 1 is a decimal, which SQLite" : ""));
    CZ_EXPECT(says(cz__orm_test_raised(c, nul),
                   session_is_sqlite(c) ? "" : "Null characters are not allowed."));
    CZ_EXPECT(says(cz__orm_test_raised(c, no_key), "src/orm/raw_test.c:"));
    CZ_EXPECT_EQ(cz_count(c, Rose), 3);
    CZ_EXPECT_EQ(cz_count(c, Garden), 2);
}

CZ_DATABASE_TEST(sql_by_hand_is_refused_with_its_place)
{
    cz__orm_test_run(&map, refuse);
}

static void wrong_again(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_ignore(!cz__orm_test_raised(c, too_few));
    size_t bytes = cz__raw_kept_bytes();
    for (int i = 0; i < 5000; i++)
        cz_ignore(!cz__orm_test_raised(c, i % 2 ? too_few : pragma));
    CZ_EXPECT_EQ(cz__raw_kept_bytes(), bytes);
}

CZ_DATABASE_TEST(a_literal_that_is_refused_each_time_keeps_no_memory)
{
    cz__orm_test_run(&map, wrong_again);
}

/* ---- the reader ---- */

CZ_TEST(statements_are_read_as_far_as_they_must_be)
{
    const struct {
        const char *sql, *verb;
        bool changes, locks;
        size_t params;
    } cases[] = {
        { "select 1", "SELECT", false, false, 0 },
        { "(SELECT ?) UNION (SELECT ?)", "SELECT", false, false, 2 },
        { "SELECT replace(a, ?, 'x') FROM t", "SELECT", false, false, 1 },
        { "SELECT \"update\", '?', \"?\" FROM t", "SELECT", false, false, 0 },
        { "SELECT $$?$$, $a$ ? $$ $a$, ? FROM t", "SELECT", false, false, 1 },
        { "SELECT a::text, b[1:2] FROM t WHERE c ?? 'k'", "SELECT", false, false, 0 },
        { "SELECT 'it''s ?', ? -- ?\n, ?", "SELECT", false, false, 2 },
        { "SELECT * FROM t FOR UPDATE", "SELECT", false, true, 0 },
        { "SELECT * FROM t FOR NO KEY UPDATE", "SELECT", false, true, 0 },
        { "SELECT substring(a FROM 1 FOR 2) FROM t", "SELECT", false, false, 0 },
        { "WITH a AS MATERIALIZED ( insert INTO t VALUES (?) RETURNING 1) SELECT 1", "WITH", true,
          false, 1 },
        { "WITH a AS (SELECT 1) UPDATE t SET a = ?", "WITH", true, false, 1 },
        { "REPLACE INTO t VALUES (?)", "REPLACE", true, false, 1 },
        { "INSERT INTO t VALUES (1);;  -- end", "INSERT", true, false, 0 },
        { "CREATE TRIGGER t BEGIN INSERT INTO t VALUES (?); END;; -- end", "CREATE", true, false,
          1 },
        { "a23456789012345678901234567890123456789", "A234567890123456789012345678901", false,
          false, 0 },
    };
    const uint8_t kinds[] = { CZ__VALUE_I32, CZ__VALUE_I32 };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__raw_text text = { 0 };
        cz_error err = { 0 };
        cz_status status = cz__raw_read(cz_str_from(cases[i].sql), cz__sqlite_driver.features,
                                        kinds, cases[i].params, &text, NULL, &err);
        CZ_EXPECT_MSG(!status, "%s: %s", cases[i].sql, cz_error_message(&err));
        CZ_EXPECT_MSG(strcmp(text.verb, cases[i].verb) == 0, "%s: %s", cases[i].sql, text.verb);
        CZ_EXPECT_MSG(text.changes == cases[i].changes && text.locks == cases[i].locks, "%s",
                      cases[i].sql);
    }
}

/* ---- check ---- */

static void check_all(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz__raw_mixed = false;
    cz__raw_check(c);
    struct cz__orm_test_told told = { c, CZ_STR("") };
    CZ_EXPECT(cz__raw_check_end(true, cz__orm_test_note, &told) > 20);
    const char *all = cz_format(c, "%.*s", CZ_STR_ARG(told.all)).ptr;
    /* not run: there is no row */
    CZ_EXPECT(says(all, "no column is called \"id\", which Rose needs"));
    CZ_EXPECT(says(all, "Rose has no column \"doubled\""));
    CZ_EXPECT(says(all, "the SQL has 2 parameters and CZ_ARGS() 1 value"));
    CZ_EXPECT(says(all, "syntax error"));
    CZ_EXPECT(says(all, ", at \"yard_rose\"") || says(all, ", at \"FORM yard_rose\""));
    CZ_EXPECT(says(all, "yard_nothing"));
    CZ_EXPECT(says(all, "src/orm/raw_test.c:"));
    if (!session_is_sqlite(c)) /* whose values have types of their own, known when they are read */
        CZ_EXPECT(says(all, "the column \"garden\" is not of the type of the member"));
    CZ_EXPECT(!says(all, "yard_rose ORDER BY petals"));
}

CZ_DATABASE_TEST(every_literal_is_prepared_and_none_is_run)
{
    cz__orm_test_run(&map, check_all);
}

#ifdef CZ_FAULTS
/* ---- memory ---- */

static void all_ways(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_raw(c, Rose, "SELECT * FROM yard_rose WHERE petals IN (?)", CZ_ARGS(CZ_INTS(5, 25)));
    cz_raw_values(c, Tally, "SELECT name AS garden, 1 AS roses, 0.5 AS height FROM yard_garden");
    cz_execute(c, "UPDATE yard_rose SET petals = ? WHERE name = ?", CZ_ARGS(5, "Canina"));
    cz_raw_unchecked(c, Garden, CZ_STR("SELECT * FROM yard_garden"), CZ_ARGS(),
                     .prefetch = CZ_PREFETCH(Garden, (roses)));
}

static void without_memory(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz__orm_test_without_memory(all_ways, NULL);
    CZ_EXPECT_EQ(cz_count(c, Rose), 3);
}

CZ_DATABASE_TEST(sql_by_hand_runs_or_memory_is_missing)
{
    cz__orm_test_run(&map, without_memory);
}
#endif
