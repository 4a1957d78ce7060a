/* Many rows at once, rows that may be there, rows in chunks. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>

#define CITY(F)                                                                                    \
    F(char_field, name, .unique = true)                                                            \
    F(int_field, people, .default_ = cz_int(7))                                                    \
    F(char_field, note, .null = true)
CZ_MODEL(City, CITY);

#define STREET(F) F(char_field, name)
CZ_MODEL_UUID(Street, STREET);

static const struct cz__orm_test map = { "map", CZ_MODELS(City, Street) };

static City **cities(cz_ctx *c, int from, int count)
{
    City **made = cz_array(c, City *, (size_t)count);
    for (int i = 0; i < count; i++) {
        made[i] = cz_row_new(c, City);
        cz_set(c, made[i], name, cz_format(c, "city %d", from + i));
    }
    return made;
}

static void create_many(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    City **made = cities(c, 0, 1000);
    cz_set(c, made[3], people, 3);
    cz_set(c, made[500], note, "here");
    CZ_EXPECT_EQ(cz_bulk_create(c, City, made, 1000), 1000);
    CZ_EXPECT_EQ(cz_count(c, City), 1000);
    for (int i = 0; i < 1000; i += 37) {
        City *read = cz_get(c, City, .where = CZ_Q(City, id, EXACT, made[i]->id));
        CZ_EXPECT(cz_str_eq(read->name, made[i]->name));
    }
    City *third = cz_get(c, City, .where = CZ_Q(City, name, EXACT, "city 3"));
    CZ_EXPECT_EQ(third->people, 3);
    CZ_EXPECT(cz_is_null(third, note) && !cz_is_dirty(made[3], people));
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, note, EXACT, "here")), 1);
    CZ_EXPECT_EQ(cz_bulk_create(c, City, made, 0), 0);
    Street *streets[300];
    for (int i = 0; i < 300; i++) {
        streets[i] = cz_row_new(c, Street);
        cz_set(c, streets[i], name, "x");
    }
    CZ_EXPECT_EQ(cz_bulk_create(c, Street, streets, 300), 300);
    CZ_EXPECT(cz_exists(c, Street, .where = CZ_Q(Street, id, EXACT, streets[299]->id)));
    /* changed in bulk */
    for (int i = 0; i < 300; i++)
        cz_set(c, made[i], people, i);
    CZ_EXPECT_EQ(cz_bulk_update(c, City, made, 300, people), 300);
    CZ_EXPECT(!cz_is_dirty(made[5], people));
    third = cz_get(c, City, .where = CZ_Q(City, name, EXACT, "city 299"));
    CZ_EXPECT_EQ(third->people, 299);
}

CZ_DATABASE_TEST(many_rows_are_stored_and_changed)
{
    cz__orm_test_run(&map, create_many);
}

static void conflicts(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_bulk_create(c, City, cities(c, 0, 10), 10);
    CZ_EXPECT_EQ(cz_bulk_create(c, City, cities(c, 5, 10), 10, .ignore_conflicts = true), 5);
    CZ_EXPECT_EQ(cz_count(c, City), 15);
    City **again = cities(c, 14, 3);
    for (int i = 0; i < 3; i++)
        cz_set(c, again[i], people, 100 + i);
    cz_bulk_create(c, City, again, 3, .update = CZ_FIELDS(City, people),
                   .unique = CZ_FIELDS(City, name));
    CZ_EXPECT_EQ(cz_count(c, City), 17);
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, people, GTE, 100)), 3);
}

CZ_DATABASE_TEST(rows_that_are_there_are_left_or_changed)
{
    cz__orm_test_run(&map, conflicts);
}

#define SIGN(F) F(char_field, name, .unique = true) F(char_field, note)
CZ_MODEL_UUID(Sign, SIGN);

static const struct cz__orm_test keyed = { "keyed", CZ_MODELS(City, Sign) };

#define UPSERT(M, field) .update = CZ_FIELDS(M, field), .unique = CZ_FIELDS(M, name)

static void keys_of_an_upsert(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    City **first = cities(c, 0, 5), **again = cities(c, 0, 300);
    cz_bulk_create(c, City, first, 5);
    cz_set(c, again[1], people, 100);
    CZ_EXPECT_EQ(cz_bulk_create(c, City, again, 300, UPSERT(City, people)), 300);
    for (int i = 0; i < 300; i++) {
        City *read = cz_get(c, City, .where = CZ_Q(City, name, EXACT, again[i]->name));
        CZ_EXPECT_EQ(again[i]->id, read->id);
        CZ_EXPECT(i >= 5 || again[i]->id == first[i]->id);
    }
    /* what is saved afterwards is that row, and of it what was changed */
    cz_set(c, first[1], note, "kept");
    cz_save(c, first[1]);
    cz_set(c, again[1], people, 101);
    cz_save(c, again[1]);
    cz_refresh(c, first[1]);
    CZ_EXPECT(first[1]->people == 101 && cz_str_eq(first[1]->note, CZ_STR("kept")));
    CZ_EXPECT_EQ(cz_count(c, City), 300);
    /* a key that was given gives way to that of the row that is there */
    Sign *sign = cz_create(c, Sign, (name, "stop"), (note, "old")), *other = cz_row_new(c, Sign);
    cz_set(c, other, name, "stop");
    cz_set(c, other, note, "new");
    CZ_EXPECT(!cz_uuid_eq(other->id, sign->id));
    cz_bulk_create(c, Sign, &other, 1, UPSERT(Sign, note));
    CZ_EXPECT(cz_uuid_eq(other->id, sign->id));
    cz_set(c, other, note, "newer");
    cz_save(c, other);
    cz_refresh(c, sign);
    CZ_EXPECT(cz_str_eq(sign->note, CZ_STR("newer")) && cz_count(c, Sign) == 1);
}

CZ_DATABASE_TEST(an_upsert_gives_each_row_the_key_it_has)
{
    cz__orm_test_run(&keyed, keys_of_an_upsert);
}

static City **undone; /* what a block that is rolled back stores */

static void upsert_and_fail(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_bulk_create(c, City, undone, 2, UPSERT(City, people));
    cz_set(c, undone[0], people, 9); /* of the block, too */
    cz_save(c, undone[0]);
    cz_raise(c, CZ_EVALIDATION, "no");
}

static void ignore_and_fail(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_bulk_create(c, City, undone, 2, .ignore_conflicts = true);
    cz_raise(c, CZ_EVALIDATION, "no");
}

static void in_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, *(void (*const *)(cz_ctx *, void *))arg, NULL);
}

static void rolled_back(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static void (*const calls[])(cz_ctx *, void *) = { upsert_and_fail, ignore_and_fail };
    City *there = cz_create(c, City, (name, "city 0"));
    undone = cities(c, 0, 2);
    CZ_EXPECT_EQ(cz_try(c, in_block, (void *)(uintptr_t)&calls[0], NULL), CZ_EVALIDATION);
    for (int i = 0; i < 2; i++) { /* one was changed, the other was made */
        cz_set(c, undone[i], people, 20 + i);
        cz_save(c, undone[i]);
    }
    cz_refresh(c, there);
    CZ_EXPECT_EQ(there->people, 20);
    CZ_EXPECT_EQ(undone[0]->id, there->id);
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, people, IN, CZ_INTS(20, 21))), 2);
    undone = cities(c, 2, 2); /* none of them was stored, and that is known */
    CZ_EXPECT_EQ(cz_try(c, in_block, (void *)(uintptr_t)&calls[1], NULL), CZ_EVALIDATION);
    cz_save(c, undone[0]);
    cz_save(c, undone[1]);
    CZ_EXPECT_EQ(cz_count(c, City), 4);
}

CZ_DATABASE_TEST(rows_of_an_upsert_that_was_rolled_back_can_be_saved)
{
    cz__orm_test_run(&map, rolled_back);
}

static void save_what_was_left_out(cz_ctx *c, void *arg)
{
    (void)arg;
    City **made = cities(c, 0, 2);
    cz_bulk_create(c, City, made, 2, .ignore_conflicts = true);
    cz_set(c, made[1], people, 9);
    cz_save(c, made[1]);
}

static void save_with_its_key(cz_ctx *c, void *arg)
{
    (void)arg;
    Sign *sign = cz_row_new(c, Sign);
    cz_set(c, sign, name, "stop");
    cz_bulk_create(c, Sign, &sign, 1, .ignore_conflicts = true);
    cz_save(c, sign);
}

static void left_out(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const struct cz__orm_test_refusal cases[] = {
        { save_what_was_left_out, CZ_EINVAL,
          "a City of a cz_bulk_create() with .ignore_conflicts cannot be saved: whether it was "
          "stored, and under which key, is not known; read it first" },
        { save_with_its_key, CZ_EINVAL,
          "a Sign of a cz_bulk_create() with .ignore_conflicts cannot be saved: whether it was "
          "stored, and under which key, is not known; read it first" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_count(c, City), 2);
    CZ_EXPECT_EQ(cz_count(c, Sign), 1);
}

CZ_DATABASE_TEST(a_row_that_may_have_been_left_out_is_not_stored_a_second_time)
{
    cz__orm_test_run(&keyed, left_out);
}

static void get_or_create(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    bool created = false;
    City *city = cz_get_or_create(c, City, CZ_PAIRS(City, (name, "Ulm")),
                                  CZ_PAIRS(City, (people, 5)), &created);
    CZ_EXPECT(created && city->people == 5);
    city = cz_get_or_create(c, City, CZ_PAIRS(City, (name, "Ulm")), CZ_PAIRS(City, (people, 6)),
                            &created);
    CZ_EXPECT(!created && city->people == 5);
    city = cz_update_or_create(c, City, CZ_PAIRS(City, (name, "Ulm")), CZ_PAIRS(City, (people, 6)),
                               &created);
    CZ_EXPECT(!created && city->people == 6);
    city = cz_update_or_create(c, City, CZ_PAIRS(City, (name, "Bonn")), CZ_PAIRS(City), &created);
    CZ_EXPECT(created && city->people == 7);
    CZ_EXPECT_EQ(cz_count(c, City), 2);
    CZ_EXPECT_EQ(cz_count(c, City, .where = CZ_Q(City, people, EXACT, 6)), 1);
}

CZ_DATABASE_TEST(a_row_is_read_or_made)
{
    cz__orm_test_run(&map, get_or_create);
}

#define BEACON(F) CZ_SOFT_DELETED(F) F(char_field, name, .unique = true)
CZ_MODEL(Beacon, BEACON);

static const struct cz__orm_test coast = { "coast", CZ_MODELS(Beacon) };

static void get_or_create_deleted(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(
        !cz_get_or_create(c, Beacon, CZ_PAIRS(Beacon, (name, "red")), CZ_PAIRS(Beacon), NULL));
}

static void meets_a_deleted_row(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Beacon *beacon = cz_create(c, Beacon, (name, "red"));
    cz_remove(c, beacon);
    CZ_EXPECT_EQ(cz_try(c, get_or_create_deleted, NULL, NULL), CZ_EINTEGRITY);
    cz_restore(c, Beacon, CZ_Q(Beacon, id, EXACT, beacon->id));
    get_or_create_deleted(c, NULL);
    CZ_EXPECT_EQ(cz_count(c, Beacon, .deleted = CZ_WITH_DELETED), 1);
}

CZ_DATABASE_TEST(get_or_create_does_not_take_the_place_of_a_deleted_row)
{
    cz__orm_test_run(&coast, meets_a_deleted_row);
}

static void in_chunks(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_bulk_create(c, City, cities(c, 0, 250), 250);
    size_t seen = 0, chunks = 0;
    cz_chunks *all = cz_chunks_begin(c, City, 100);
    for (cz_rows(City) rows; (rows = cz_chunks_next(all, City)).count; chunks++)
        for (size_t i = 0; i < rows.count; i++, seen++)
            CZ_EXPECT(cz_str_starts_with(rows.items[i].name, CZ_STR("city ")));
    CZ_EXPECT_EQ(seen, 250);
    CZ_EXPECT_EQ(chunks, 3);
    CZ_EXPECT_EQ(cz_chunks_next(all, City).count, 0);
    /* rows that come and go meanwhile neither repeat nor hide others */
    seen = 0;
    all = cz_chunks_begin(c, City, 50, .where = CZ_Q(City, people, EXACT, 7));
    for (cz_rows(City) rows; (rows = cz_chunks_next(all, City)).count;) {
        seen += rows.count;
        cz_delete(c, City, CZ_Q(City, id, EXACT, rows.items[0].id));
        if (seen <= 100)
            cz_create(c, City, (name, cz_format(c, "new %zu", seen)));
    }
    CZ_EXPECT_EQ(seen, 252);
    for (int i = 0; i < 120; i++)
        cz_create(c, Street, (name, "x"));
    seen = 0;
    all = cz_chunks_begin(c, Street, 7);
    for (cz_rows(Street) rows; (rows = cz_chunks_next(all, Street)).count;)
        seen += rows.count;
    CZ_EXPECT_EQ(seen, 120);
}

CZ_DATABASE_TEST(chunks_give_each_row_once)
{
    cz__orm_test_run(&map, in_chunks);
}

CZ_MODEL_FORWARD(Wharf)
#define CRANE(F) F(foreign_key, wharf, Wharf, .on_delete = CZ_CASCADE) F(int_field, lifts)
CZ_MODEL(Crane, CRANE);
#define WHARF(F) CZ_SOFT_DELETED(F) F(char_field, name) F(reverse, cranes, Crane, wharf)
CZ_MODEL(Wharf, WHARF, .manager = CZ_MANAGER(.where = CZ_Q(Wharf, cranes->lifts, GT, 0)));

static const struct cz__orm_test docks = { "docks", CZ_MODELS(Wharf, Crane) };

/* The keys that come in chunks of a size, in order: "1 3 4". */
static cz_str chunked(cz_ctx *c, size_t rows, cz_cond where, const cz_manager *manager)
{
    cz_str keys = CZ_STR("");
    cz_chunks *chunks = cz_chunks_begin(c, Wharf, rows, .where = where, .manager = manager);
    for (cz_rows(Wharf) wharfs; (wharfs = cz_chunks_next(chunks, Wharf)).count;)
        for (size_t i = 0; i < wharfs.count; i++)
            keys = cz_format(c, "%.*s%s%lld", CZ_STR_ARG(keys), keys.len ? " " : "",
                             (long long)wharfs.items[i].id);
    return keys;
}

static void over_relations(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    for (int i = 1; i <= 6; i++) { /* of i cranes; the last has none, and the fifth is gone */
        Wharf *wharf = cz_create(c, Wharf, (name, "w"));
        for (int n = 0; n < i && i < 6; n++)
            cz_create(c, Crane, (wharf, wharf->id), (lifts, 10 * i + n));
        if (i == 5)
            cz_remove(c, wharf);
    }
    for (size_t rows = 1; rows <= 7; rows++) {
        const cz_manager *all = &cz_base_manager;
        CZ_EXPECT_STR(chunked(c, rows, NULL, NULL), "1 2 3 4");
        CZ_EXPECT_STR(chunked(c, rows, NULL, all), "1 2 3 4 5 6");
        CZ_EXPECT_STR(chunked(c, rows, CZ_Q(Wharf, cranes->lifts, LT, 40), NULL), "1 2 3");
        CZ_EXPECT_STR(chunked(c, rows, CZ_NOT(CZ_Q(Wharf, cranes->lifts, LT, 40)), all), "4 5 6");
        CZ_EXPECT_STR(chunked(c, rows, CZ_QE(CZ_COUNT_OF(CZ_F(Wharf, cranes)), GTE, 3), all),
                      "3 4 5");
        CZ_EXPECT_STR(chunked(c, rows,
                              CZ_OR(CZ_QE(CZ_MOD(CZ_F(Wharf, cranes->lifts), 10), EXACT, 1),
                                    CZ_Q(Wharf, id, EXACT, 6)),
                              all),
                      "2 3 4 5 6");
    }
}

CZ_DATABASE_TEST(chunks_by_conditions_over_to_many_relations_give_each_row_once)
{
    cz__orm_test_run(&docks, over_relations);
}

#define LEMMA(F)                                                                                   \
    F(char_field, slug)                                                                            \
    F(char_field, text)                                                                            \
    F(int_field, year, .default_ = cz_int(2000))                                                   \
    F(int_field, place, .default_ = cz_int(0))                                                     \
    F(char_field, state, .max_length = 8)                                                          \
    F(date_field, gone, .null = true)
CZ_MODEL(Lemma, LEMMA, .unique_together = CZ_FIELDS(Lemma, year, slug),
         .constraints = CZ_CONSTRAINTS({ .name = "lemma_slug",
                                         .unique = CZ_FIELDS(Lemma, slug),
                                         .condition = "\"gone\" IS NULL" },
                                       { .name = "lemma_place", .check = "\"place\" >= 0" },
                                       { .name = "lemma_draft",
                                         .unique = CZ_FIELDS(Lemma, text),
                                         .condition = "\"state\" = 'draft'" },
                                       { .name = "lemma_final",
                                         .unique = CZ_FIELDS(Lemma, text),
                                         .condition = "\"state\" = 'final'" },
                                       { .name = "lemma_at",
                                         .unique = CZ_FIELDS(Lemma, place, year) }));
CZ_PROXY(Wording, Lemma);

static const struct cz__orm_test ruled = { "ruled", CZ_MODELS(Lemma, Wording) };

static Lemma *lemma(cz_ctx *c, const char *slug, const char *text, int place)
{
    Lemma *made = cz_row_new(c, Lemma);
    cz_set(c, made, slug, slug);
    cz_set(c, made, text, text);
    cz_set(c, made, place, place);
    return made;
}

static void by_rules(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Lemma *gone =
        cz_create(c, Lemma, (slug, "a"), (text, "gone"), (gone, (cz_date){ 9 }), (year, 1999));
    Lemma *kept = cz_create(c, Lemma, (slug, "a"), (text, "kept"));
    Lemma *new = lemma(c, "a", "new", 1);
    /* a rule of some rows: those that are gone are none of its business */
    cz_bulk_create(c, Lemma, &new, 1, .update = CZ_FIELDS(Lemma, text),
                   .unique = CZ_FIELDS(Lemma, slug));
    CZ_EXPECT_EQ(new->id, kept->id);
    /* together, in any order; without a condition; by the key; of a proxy's table */
    Wording *draft = cz_row_new(c, Wording);
    cz_set(c, draft, slug, "a");
    cz_set(c, draft, text, "newer");
    cz_bulk_create(c, Wording, &draft, 1, .update = CZ_FIELDS(Wording, text),
                   .unique = CZ_FIELDS(Wording, slug, year));
    CZ_EXPECT_EQ(draft->id, kept->id);
    new = lemma(c, "b", "newest", 0);
    cz_bulk_create(c, Lemma, &new, 1, .update = CZ_FIELDS(Lemma, text),
                   .unique = CZ_FIELDS(Lemma, year, place));
    CZ_EXPECT_EQ(new->id, kept->id);
    new = lemma(c, "c", "last", 0);
    cz_set(c, new, id, kept->id);
    cz_bulk_create(c, Lemma, &new, 1, .update = CZ_FIELDS(Lemma, text),
                   .unique = CZ_FIELDS(Lemma, id));
    cz_refresh(c, kept);
    cz_refresh(c, gone);
    CZ_EXPECT(cz_str_eq(kept->text, CZ_STR("last")) && cz_str_eq(gone->text, CZ_STR("gone")));
    CZ_EXPECT_EQ(cz_count(c, Lemma), 2);
    /* left for this rule alone */
    new = lemma(c, "a", "other", 5);
    CZ_EXPECT_EQ(cz_bulk_create(c, Lemma, &new, 1, .ignore_conflicts = true,
                                .unique = CZ_FIELDS(Lemma, slug)),
                 0);
}

CZ_DATABASE_TEST(an_upsert_goes_by_any_unique_rule)
{
    cz__orm_test_run(&ruled, by_rules);
}

static void by_no_rule(cz_ctx *c, void *arg)
{
    (void)arg;
    Lemma *new = lemma(c, "a", "x", 1);
    cz_bulk_create(c, Lemma, &new, 1, .update = CZ_FIELDS(Lemma, slug),
                   .unique = CZ_FIELDS(Lemma, state));
}
static void by_part_of_a_rule(cz_ctx *c, void *arg)
{
    (void)arg;
    Lemma *new = lemma(c, "a", "x", 1);
    cz_bulk_create(c, Lemma, &new, 1, .ignore_conflicts = true,
                   .unique = CZ_FIELDS(Lemma, year, slug, slug));
}
static void by_two_rules(cz_ctx *c, void *arg)
{
    (void)arg;
    Wording *new = cz_row_new(c, Wording);
    cz_bulk_create(c, Wording, &new, 1, .update = CZ_FIELDS(Wording, slug),
                   .unique = CZ_FIELDS(Wording, text));
}
static void by_another_rule(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Lemma, (slug, "a"), (text, "x"), (place, 1));
    Lemma *new = lemma(c, "a", "y", 1);
    cz_bulk_create(c, Lemma, &new, 1, .ignore_conflicts = true, .unique = CZ_FIELDS(Lemma, id));
}
static void by_a_rule_for_nothing(cz_ctx *c, void *arg)
{
    (void)arg;
    Lemma *new = lemma(c, "a", "x", 1);
    cz_bulk_create(c, Lemma, &new, 1, .unique = CZ_FIELDS(Lemma, slug));
}

static void no_rules(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const struct cz__orm_test_refusal cases[] = {
        { by_no_rule, CZ_EINVAL, "Lemma has no unique rule over state" },
        { by_part_of_a_rule, CZ_EINVAL, "Lemma has no unique rule over year, slug, slug" },
        { by_two_rules, CZ_EINVAL,
          "Wording has several unique rules over text, of different rows" },
        { by_a_rule_for_nothing, CZ_EINVAL, ".unique is for .update or .ignore_conflicts" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_try(c, by_another_rule, NULL, NULL), CZ_EINTEGRITY);
}

CZ_DATABASE_TEST(an_upsert_by_what_is_no_rule_is_refused)
{
    cz__orm_test_run(&ruled, no_rules);
}

static void twice(cz_ctx *c, void *arg)
{
    (void)arg;
    City **made = cities(c, 0, 3);
    cz_set(c, made[2], name, "city 0");
    cz_bulk_create(c, City, made, 3);
}
static void null_pointer(cz_ctx *c, void *arg)
{
    (void)arg;
    City *made[2] = { cz_row_new(c, City), NULL };
    cz_bulk_create(c, City, made, 2);
}
static void update_without_unique(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_bulk_create(c, City, cities(c, 0, 1), 1, .update = CZ_FIELDS(City, people));
}
static void update_unstored(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_bulk_update(c, City, cities(c, 0, 1), 1, people);
}
static void no_match(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_get_or_create(c, City, CZ_PAIRS(City), CZ_PAIRS(City), NULL));
}
static void chunks_in_order(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_chunks_begin(c, City, 10, .order_by = CZ_ORDER_BY(CZ_ASC(City, name))));
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    static const struct cz__orm_test_refusal cases[] = {
        { twice, CZ_EINTEGRITY, "Another row has this name already." },
        { null_pointer, CZ_EINVAL, "row 1 of a bulk call is no City" },
        { update_without_unique, CZ_EINVAL,
          ".update needs the fields that make a row the same in .unique, and no "
          ".ignore_conflicts" },
        { update_unstored, CZ_EINVAL, "row 0 of a bulk update is not stored" },
        { no_match, CZ_EINVAL, "get_or_create without anything to match a City by" },
        { chunks_in_order, CZ_EINVAL,
          "chunks of City: they have a size, and no order, limit, distinct, union or values" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_count(c, City), 0);
}

CZ_DATABASE_TEST(bulk_calls_that_cannot_be_store_nothing)
{
    cz__orm_test_run(&map, mistakes);
}
