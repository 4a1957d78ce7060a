#include "orm/orm_testing.h"
#include <stdio.h>
#include <unistd.h>

CZ_MODEL_FORWARD(Writer)
CZ_MODEL_FORWARD_UUID(Shelf)

static const cz_choice KINDS[] = { { "novel", "Novel" }, { "essay", "Essay" } };

#define TOME(F)                                                                                    \
    CZ_TIMESTAMPED(F)                                                                              \
    F(char_field, title, .max_length = 200, .index = true)                                         \
    F(char_field, isbn, .max_length = 13, .unique = true, .null = true)                            \
    F(int_field, year, .null = true)                                                               \
    F(small_int_field, pages, .default_ = cz_int(0))                                               \
    F(float_field, rating, .default_ = cz_real(2.5))                                               \
    F(bool_field, lent, .default_ = cz_bool(false))                                                \
    F(date_field, bought, .null = true)                                                            \
    F(char_field, kind, .choices = CZ_CHOICES(KINDS), .default_ = cz_text("novel"))                \
    F(foreign_key, writer, Writer, .on_delete = CZ_PROTECT)                                        \
    F(foreign_key, sequel_of, Tome, .null = true, .on_delete = CZ_SET_NULL)                        \
    F(reverse, sequels, Tome, sequel_of)                                                           \
    F(many_to_many, shelves, Shelf)
CZ_MODEL(Tome, TOME, .ordering = CZ_ORDER_BY(CZ_ASC(Tome, title)));

#define WRITER(F)                                                                                  \
    F(char_field, name, .max_length = 100, .unique = true)                                         \
    F(foreign_key, best, Tome, .null = true, .on_delete = CZ_SET_NULL)                             \
    F(reverse, tomes, Tome, writer)
CZ_MODEL(Writer, WRITER);

#define SHELF(F)                                                                                   \
    F(char_field, label)                                                                           \
    F(many_to_many_reverse, tomes, Tome, shelves)                                                  \
    F(foreign_key, inside, Shelf, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL_UUID(Shelf, SHELF);

static const struct cz__orm_test library = { "library", CZ_MODELS(Tome, Writer, Shelf) };

static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Writer *ursula = cz_create(c, Writer, (name, "Ursula K. Le Guin"));
    Writer *frank = cz_create(c, Writer, (name, "Frank Herbert"));
    Tome *wizard = cz_create(c, Tome, (title, "A Wizard of Earthsea"), (year, 1968),
                             (writer, ursula->id), (isbn, "9780547722023"), (pages, 205));
    cz_create(c, Tome, (title, "The Tombs of Atuan"), (year, 1971), (writer, ursula->id),
              (sequel_of, wizard->id), (kind, "essay"));
    cz_create(c, Tome, (title, "Dune"), (year, 1965), (writer, frank->id), (rating, 4.5),
              (lent, true));
    cz_create(c, Tome, (title, "100% \\ _Pure_"), (year, NULL), (writer, frank->id));
}

static void create_and_read(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz__tables_create(c), 4);
    CZ_EXPECT_EQ(cz__tables_create(c), 0);
    CZ_EXPECT(cz__tables_missing(c) == NULL);
    Writer *writer = cz_create(c, Writer, (name, "N. K. Jemisin"));
    CZ_EXPECT_EQ(writer->id, 1);
    Tome *tome = cz_create(c, Tome, (title, CZ_STR("The Fifth Season")), (writer, writer->id));
    CZ_EXPECT(cz_is_null(tome, year));
    CZ_EXPECT(!cz_is_dirty(tome, title));
    Tome *read = cz_get(c, Tome, .where = CZ_Q(Tome, id, EXACT, tome->id));
    CZ_EXPECT_STR(read->title, "The Fifth Season");
    CZ_EXPECT_STR(read->kind, "novel");
    CZ_EXPECT(cz_is_null(read, year) && cz_is_null(read, isbn) && cz_is_null(read, sequel_of));
    CZ_EXPECT(read->rating == 2.5 && read->pages == 0 && !read->lent);
    CZ_EXPECT_EQ(read->created_at.us, tome->created_at.us);
    CZ_EXPECT_EQ(read->writer_id, writer->id);
    Shelf *shelf = cz_create(c, Shelf, (label, "north"));
    CZ_EXPECT_EQ(shelf->id.bytes[6] >> 4, 7);
    Shelf *inside = cz_create(c, Shelf, (label, "inner"), (inside, shelf->id));
    Shelf *found = cz_get(c, Shelf, .where = CZ_Q(Shelf, inside->label, EXACT, "north"));
    CZ_EXPECT(cz_uuid_eq(found->id, inside->id));
    CZ_EXPECT_STR(CZ_REL(c, found, inside)->label, "north");
}

CZ_DATABASE_TEST(a_created_row_is_read_back_with_its_defaults)
{
    cz__orm_test_run(&library, create_and_read);
}

static int64_t n(cz_ctx *c, cz_cond where)
{
    return cz_count(c, Tome, .where = where);
}

static void look_up(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    const char *no_text = NULL;
    const struct {
        const char *what;
        cz_cond where;
        int64_t expected;
    } cases[] = {
        { "every row", CZ_EVERY_ROW, 4 },
        { "no condition", NULL, 4 },
        { "exact", CZ_Q(Tome, title, EXACT, "Dune"), 1 },
        { "exact is exact", CZ_Q(Tome, title, EXACT, "dune"), 0 },
        { "exact NULL", CZ_Q(Tome, year, EXACT, NULL), 1 },
        { "exact text", CZ_Q(Tome, isbn, EXACT, "9780547722023"), 1 },
        { "exact text that is NULL", CZ_Q(Tome, isbn, EXACT, no_text), 3 },
        { "not text that is NULL", CZ_NOT(CZ_Q(Tome, isbn, EXACT, no_text)), 1 },
        { "iexact", CZ_Q(Tome, title, IEXACT, "dUNE"), 1 },
        { "contains tells case", CZ_Q(Tome, title, CONTAINS, "OF"), 0 },
        { "contains", CZ_Q(Tome, title, CONTAINS, "of"), 2 },
        { "icontains", CZ_Q(Tome, title, ICONTAINS, "OF"), 2 },
        { "icontains takes % literally", CZ_Q(Tome, title, ICONTAINS, "%"), 1 },
        { "icontains takes _ literally", CZ_Q(Tome, title, ICONTAINS, "_"), 1 },
        { "icontains takes a backslash literally", CZ_Q(Tome, title, ICONTAINS, "\\"), 1 },
        { "startswith", CZ_Q(Tome, title, STARTSWITH, "The"), 1 },
        { "startswith tells case", CZ_Q(Tome, title, STARTSWITH, "the"), 0 },
        { "startswith takes * literally", CZ_Q(Tome, title, STARTSWITH, "*"), 0 },
        { "istartswith", CZ_Q(Tome, title, ISTARTSWITH, "the"), 1 },
        { "endswith", CZ_Q(Tome, title, ENDSWITH, "une"), 1 },
        { "iendswith", CZ_Q(Tome, title, IENDSWITH, "UNE"), 1 },
        { "regex", CZ_Q(Tome, title, REGEX, "^The .*[oO]mbs?"), 1 },
        { "regex tells case", CZ_Q(Tome, title, REGEX, "^the"), 0 },
        { "iregex", CZ_Q(Tome, title, IREGEX, "^(THE|a) "), 2 },
        { "regex finds in the middle", CZ_Q(Tome, title, REGEX, "e$"), 1 },
        { "in", CZ_Q(Tome, year, IN, CZ_INTS(1965, 1968, 2000)), 2 },
        { "in nothing", CZ_Q(Tome, year, IN, (cz_int_list){ 0 }), 0 },
        { "in text", CZ_Q(Tome, title, IN, CZ_STRS("Dune", "x", "y")), 1 },
        { "gt", CZ_Q(Tome, year, GT, 1965), 2 },
        { "gte", CZ_Q(Tome, year, GTE, 1965), 3 },
        { "lt", CZ_Q(Tome, year, LT, 1968), 1 },
        { "lte", CZ_Q(Tome, year, LTE, 1968), 2 },
        { "range", CZ_Q(Tome, year, RANGE, CZ_INTS(1965, 1968)), 2 },
        { "isnull", CZ_Q(Tome, year, ISNULL, true), 1 },
        { "is not null", CZ_Q(Tome, year, ISNULL, false), 3 },
        { "bool", CZ_Q(Tome, lent, EXACT, true), 1 },
        { "real", CZ_Q(Tome, rating, GT, 4), 1 },
        { "a span", CZ_Q(Tome, writer->name, EXACT, "Frank Herbert"), 2 },
        { "a span over a nullable key", CZ_Q(Tome, sequel_of->title, CONTAINS, "Wizard"), 1 },
        { "two spans", CZ_Q(Tome, sequel_of->writer->name, STARTSWITH, "Ursula"), 1 },
        { "the key of a relation", CZ_Q(Tome, writer->id, EXACT, 1), 2 },
        { "the relation itself", CZ_Q(Tome, writer, EXACT, 2), 2 },
        { "a reverse span", CZ_Q(Tome, sequels->title, CONTAINS, "Tombs"), 1 },
        { "a reverse side is null", CZ_Q(Tome, sequels, ISNULL, true), 3 },
        { "or", CZ_OR(CZ_Q(Tome, year, EXACT, 1965), CZ_Q(Tome, year, EXACT, 1971)), 2 },
        { "or of nothing", CZ_OR(), 0 },
        { "not keeps NULL", CZ_NOT(CZ_Q(Tome, year, EXACT, 1965)), 3 },
        { "not not", CZ_NOT(CZ_NOT(CZ_Q(Tome, year, EXACT, 1965))), 1 },
        { "and", CZ_AND(CZ_Q(Tome, year, GT, 1900), CZ_Q(Tome, kind, EXACT, "essay")), 1 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int64_t count = n(c, cases[i].where);
        CZ_EXPECT_MSG(count == cases[i].expected, "%s: %lld rows, expected %lld", cases[i].what,
                      (long long)count, (long long)cases[i].expected);
    }
    for (size_t i = 0; i < CZ_COUNT(cases); i++) /* the same again, from the cache and copied */
        CZ_EXPECT_EQ(n(c, cz_cond_copy(c, cases[i].where)), cases[i].expected);
}

CZ_DATABASE_TEST(every_lookup_finds_its_rows)
{
    cz__orm_test_run(&library, look_up);
}

static const cz_cond old_books = CZ_Q(Tome, year, LT, 1970);
static const cz_cond either =
    CZ_OR(CZ_Q(Tome, title, EXACT, "Dune"), CZ_Q(Tome, writer->name, ICONTAINS, "ursula"));

static void slices(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_EQ(n(c, old_books), 2);
    CZ_EXPECT_EQ(n(c, either), 3);
    cz_rows(Tome) all = cz_select(c, Tome);
    CZ_REQUIRE(all.count == 4);
    CZ_EXPECT_STR(all.items[0].title, "100% \\ _Pure_");
    CZ_EXPECT_STR(all.items[3].title, "The Tombs of Atuan");
    cz_rows(Tome) page =
        cz_select(c, Tome, .order_by = CZ_ORDER_BY(CZ_DESC(Tome, year)), .limit = 2, .offset = 1);
    CZ_REQUIRE(page.count == 2);
    /* NULL comes last here and first there, as in Django */
    CZ_EXPECT_EQ(page.items[0].year, cz__test_on_postgresql ? 1971 : 1968);
    CZ_EXPECT_EQ(cz_select(c, Tome, .offset = 3).count, 1);
    CZ_EXPECT_EQ(cz_select(c, Tome, .order_by = CZ_ORDER_BY(CZ_RANDOM)).count, 4);
    CZ_EXPECT_STR(
        cz_first(c, Tome, .order_by = CZ_ORDER_BY(CZ_ASC(Tome, writer->name), CZ_ASC(Tome, title)))
            ->title,
        "100% \\ _Pure_");
    CZ_EXPECT(cz_first(c, Tome, .where = CZ_Q(Tome, year, GT, 3000)) == NULL);
    CZ_EXPECT(cz_exists(c, Tome, .where = old_books));
    CZ_EXPECT(!cz_exists(c, Tome, .where = CZ_Q(Tome, year, GT, 3000)));
    CZ_EXPECT(cz_exists(c, Tome, .offset = 3) && !cz_exists(c, Tome, .offset = 4));
    cz_rows(Tome) with = cz_select(c, Tome, .related = CZ_RELATED(Tome, writer, sequel_of->writer));
    for (size_t i = 0; i < with.count; i++) {
        CZ_EXPECT(with.items[i].writer_slot_ != NULL);
        CZ_EXPECT_EQ(CZ_REL(c, &with.items[i], writer)->id, with.items[i].writer_id);
    }
    CZ_EXPECT_STR(with.items[3].sequel_of_slot_->writer_slot_->name, "Ursula K. Le Guin");
    CZ_EXPECT(with.items[0].sequel_of_slot_ == NULL);
    for (size_t i = 0; i < all.count; i++) /* loaded for all four at the first touch */
        CZ_EXPECT(CZ_REL(c, &all.items[i], writer) != NULL);
    CZ_EXPECT(CZ_REL(c, &all.items[0], sequel_of) == NULL);
    CZ_EXPECT_STR(CZ_REL(c, &all.items[3], sequel_of)->title, "A Wizard of Earthsea");
}

CZ_DATABASE_TEST(rows_come_in_order_in_slices_and_with_their_relations)
{
    cz__orm_test_run(&library, slices);
}

static void get_nothing(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_get(c, Tome, .where = CZ_Q(Tome, title, EXACT, "nothing"));
}

static void get_many(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_get(c, Tome);
}

static void create_twice(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Tome, (title, "copy"), (isbn, "9780547722023"), (writer, 1));
}

static void create_orphan(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Tome, (title, "orphan"), (writer, 99));
}

static void create_without_writer(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Tome, (title, "orphan"));
}

static void set_out_of_range(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Tome, (title, "long"), (pages, 70000), (writer, 1));
}

static void delete_protected(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Writer, CZ_Q(Writer, id, EXACT, 1));
}

static void delete_without_condition(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Tome, NULL);
}

static void ask_about_another_model(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Tome, .where = CZ_Q(Writer, name, EXACT, "x"));
}

static void failures(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    static const struct cz__orm_test_refusal cases[] = {
        { get_nothing, CZ_ENOTFOUND, "No Tome matches the given query." },
        { get_many, CZ_EMULTIPLE, "more than one Tome matches the given query" },
        { create_twice, CZ_EINTEGRITY, "Another row has this isbn already." },
        { create_orphan, CZ_EINTEGRITY,
          "A row that is referred to does not exist, or is still in use." },
        { create_without_writer, CZ_EINTEGRITY, "writer_id may not be null." },
        { set_out_of_range, CZ_EINVAL, "70000 is out of range for \"pages\"" },
        { delete_protected, CZ_EINTEGRITY, "Cannot delete: a tome still refers to this writer." },
        { delete_without_condition, CZ_EINVAL,
          "cz_delete without a condition; CZ_EVERY_ROW means every row" },
        { ask_about_another_model, CZ_EINVAL, "a condition about Writer in a query of Tome" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(n(c, NULL), 4);
}

CZ_DATABASE_TEST(what_cannot_be_done_raises_and_changes_nothing)
{
    cz__orm_test_run(&library, failures);
}

static void changes(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    Tome *dune = cz_get(c, Tome, .where = CZ_Q(Tome, title, EXACT, "Dune"));
    cz_save(c, dune); /* nothing changed: writes nothing */
    cz_set(c, dune, title, "Dune Messiah");
    cz_set(c, dune, year, NULL);
    cz_set(c, dune, bought, (cz_date){ 19000 });
    CZ_EXPECT(cz_is_dirty(dune, title) && cz_is_null(dune, year));
    cz_save(c, dune);
    CZ_EXPECT(!cz_is_dirty(dune, title));
    Tome *again = cz_get(c, Tome, .where = CZ_Q(Tome, id, EXACT, dune->id));
    CZ_EXPECT_STR(again->title, "Dune Messiah");
    CZ_EXPECT(cz_is_null(again, year) && again->rating == 4.5 && again->bought.days == 19000);
    CZ_EXPECT(again->updated_at.us >= again->created_at.us);
    CZ_EXPECT_EQ(cz_update(c, Tome, CZ_Q(Tome, writer->name, STARTSWITH, "Ursula"), (pages, 7),
                           (year, NULL)),
                 2);
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, pages, EXACT, 7)), 2);
    CZ_EXPECT_EQ(cz_update(c, Tome, CZ_Q(Tome, id, EXACT, 999), (pages, 7)), 0);
    cz_set(c, again, title, "stale");
    cz_refresh(c, again);
    CZ_EXPECT_STR(again->title, "Dune Messiah");
    Tome *wizard = cz_get(c, Tome, .where = CZ_Q(Tome, isbn, EXACT, "9780547722023"));
    cz_remove(c, wizard);
    Tome *tombs = cz_get(c, Tome, .where = CZ_Q(Tome, title, STARTSWITH, "The Tombs"));
    CZ_EXPECT(cz_is_null(tombs, sequel_of));
    Shelf *outer = cz_create(c, Shelf, (label, "outer"));
    Shelf *inner = cz_create(c, Shelf, (label, "inner"), (inside, outer->id));
    cz_create(c, Shelf, (label, "innermost"), (inside, inner->id));
    CZ_EXPECT_EQ(cz_delete(c, Shelf, CZ_Q(Shelf, id, EXACT, outer->id)), 3);
    CZ_EXPECT_EQ(cz_count(c, Shelf), 0);
    CZ_EXPECT_EQ(cz_delete(c, Tome, CZ_EVERY_ROW), 3);
}

CZ_DATABASE_TEST(rows_are_changed_and_deleted_by_their_rules)
{
    cz__orm_test_run(&library, changes);
}

static void add_and_fail(cz_ctx *c, void *arg)
{
    cz_create(c, Writer, (name, "Nobody"));
    if (arg)
        cz_raise(c, CZ_EDENIED, "no");
}

static void in_atomic(cz_ctx *c, void *arg)
{
    cz_atomic(c, add_and_fail, arg);
}

static void nest(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Writer, (name, "Outer"));
    CZ_EXPECT_EQ(cz_count(c, Writer), 3); /* its own write */
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, in_atomic, (void *)1, &err), CZ_EDENIED);
    CZ_EXPECT_EQ(cz_count(c, Writer), 3);
    in_atomic(c, NULL);
    CZ_EXPECT_EQ(cz_count(c, Writer), 4);
}

static void transactions(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, in_atomic, (void *)1, &err), CZ_EDENIED);
    CZ_EXPECT_EQ(cz_count(c, Writer), 2);
    cz_atomic(c, nest, NULL);
    CZ_EXPECT_EQ(cz_count(c, Writer), 4);
}

CZ_DATABASE_TEST(a_raise_rolls_back_to_its_savepoint_and_no_further)
{
    cz__orm_test_run(&library, transactions);
}

struct text_case {
    const char *path, *text;
    cz_lookup lookup;
    int64_t count;
};

static void count_text(cz_ctx *c, void *arg)
{
    struct text_case *one = arg;
    cz_cond where =
        cz_cond_text(c, &Tome__model, cz_str_from(one->path), one->lookup, cz_str_from(one->text));
    one->count = cz_count(c, Tome, .where = where);
}

static void from_text(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    const struct {
        const char *path;
        cz_lookup lookup;
        const char *text;
        int64_t expected; /* -1: refused */
    } cases[] = {
        { "year", CZ_LOOKUP_EXACT, "1965", 1 },
        { "year", CZ_LOOKUP_GTE, "1968", 2 },
        { "year", CZ_LOOKUP_EXACT, "196x", -1 },
        { "year", CZ_LOOKUP_EXACT, "99999999999", -1 },
        { "year", CZ_LOOKUP_IN, "1965,1971", 2 },
        { "year", CZ_LOOKUP_IN, "1965,x", -1 },
        { "year", CZ_LOOKUP_ISNULL, "true", 1 },
        { "year", CZ_LOOKUP_ISNULL, "maybe", -1 },
        { "title", CZ_LOOKUP_ICONTAINS, "dune", 1 },
        { "writer->name", CZ_LOOKUP_EXACT, "Frank Herbert", 2 },
        { "writer__name", CZ_LOOKUP_EXACT, "Frank Herbert", 2 },
        { "writer__tomes -> writer__name", CZ_LOOKUP_EXACT, "Frank Herbert", 4 },
        { "writer__name__x", CZ_LOOKUP_EXACT, "Frank Herbert", -1 },
        { "writer___name", CZ_LOOKUP_EXACT, "Frank Herbert", -1 },
        { "__writer", CZ_LOOKUP_EXACT, "1", -1 },
        { "writer__", CZ_LOOKUP_EXACT, "1", -1 },
        { "writer -> ", CZ_LOOKUP_EXACT, "1", -1 },
        { "title__", CZ_LOOKUP_EXACT, "Dune", -1 },
        { "writer", CZ_LOOKUP_EXACT, "1", 2 },
        { "lent", CZ_LOOKUP_EXACT, "yes", 1 },
        { "rating", CZ_LOOKUP_GT, "4.0", 1 },
        { "rating", CZ_LOOKUP_GT, "nan", -1 },
        { "bought", CZ_LOOKUP_EXACT, "2024-13-01", -1 },
        { "bought", CZ_LOOKUP_EXACT, "2024-12-01", 0 },
        { "shelves", CZ_LOOKUP_EXACT, "not-a-uuid", -1 },
        { "rating", CZ_LOOKUP_RANGE, "2.5,4", 3 },
        { "rating", CZ_LOOKUP_IN, "2.5, 4.5,7", 4 },
        { "rating", CZ_LOOKUP_RANGE, "2.5", -1 },
        { "rating", CZ_LOOKUP_IN, "2.5,x", -1 },
        { "lent", CZ_LOOKUP_IN, "true,false", 4 },
        { "bought", CZ_LOOKUP_RANGE, "2020-01-01,2021-01-01", 0 },
        { "bought", CZ_LOOKUP_RANGE, "1,2", -1 },
        { "created_at", CZ_LOOKUP_RANGE, "2020-01-01T00:00:00Z,2999-01-01T00:00:00Z", 4 },
        { "nothing", CZ_LOOKUP_EXACT, "1", -1 },
        { "", CZ_LOOKUP_EXACT, "1", -1 },
        { "year\"", CZ_LOOKUP_EXACT, "1", -1 },
        { "writer->nothing", CZ_LOOKUP_EXACT, "1", -1 },
        { "title->name", CZ_LOOKUP_EXACT, "1", -1 },
        { "year", CZ_LOOKUP_CONTAINS, "1", -1 },
        { "year", CZ_LOOKUP_REGEX, "1", -1 },
        { "title", CZ_LOOKUP_HAS_KEY, "a", -1 },
        { "title", CZ_LOOKUP_OVERLAP, "a", -1 },
        { "title", CZ_LOOKUP_COUNT, "a", -1 },
        { "title", CZ_LOOKUP_REGEX, "Dune$", 1 },
        { "title", CZ_LOOKUP_REGEX, "(", -1 },
        { "title", CZ_LOOKUP_IREGEX, "[z-a]", -1 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct text_case one = { cases[i].path, cases[i].text, cases[i].lookup, -1 };
        cz_status status = cz_try(c, count_text, &one, NULL);
        CZ_EXPECT_MSG(status == (cases[i].expected < 0 ? CZ_EVALIDATION : CZ_OK), "%s %s: %s",
                      one.path, one.text, cz_status_name(status));
        CZ_EXPECT_EQ(one.count, cases[i].expected);
    }
}

CZ_DATABASE_TEST(conditions_from_text_are_read_as_the_fields_kind)
{
    cz__orm_test_run(&library, from_text);
}

static const cz_fields ALLOWED = CZ_FIELDS(Tome, title, year, writer->name);

struct names_case {
    const char *text;
    size_t count;     /* of the names; SIZE_MAX: refused */
    const char *last; /* path of the last */
    bool descending;  /* the last */
};

static void read_order(cz_ctx *c, void *arg)
{
    struct names_case *one = arg;
    cz_order_list order = cz_order_text(c, ALLOWED, cz_str_from(one->text));
    one->count = order.count;
    if (order.count) {
        one->last = order.items[order.count - 1].path.ptr;
        one->descending = order.items[order.count - 1].descending;
    }
    cz_rows(Tome) tomes = cz_select(c, Tome, .order_by = order);
    CZ_EXPECT_EQ(tomes.count, 4);
}

static void read_fields(cz_ctx *c, void *arg)
{
    struct names_case *one = arg;
    cz_fields fields = cz_fields_text(c, ALLOWED, cz_str_from(one->text));
    one->count = fields.count;
    one->last = fields.count ? fields.items[fields.count - 1].ptr : NULL;
}

static void names_from_text(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    char many[512] = "title";
    for (int i = 0; i < 64; i++)
        memcpy(many + 5 + i * 5, ",year", 6);
    const struct {
        const char *text;
        size_t order, fields; /* names read; SIZE_MAX: refused */
        const char *last;
        bool descending;
    } cases[] = {
        { "", 0, 0, NULL, false },
        { "title", 1, 1, "title", false },
        { "-year", 1, SIZE_MAX, "year", true },
        { "title, -year ", 2, SIZE_MAX, "year", true },
        { "year,writer__name", 2, 2, "writer->name", false },
        { " writer->name", 1, 1, "writer->name", false },
        { "-writer__name", 1, SIZE_MAX, "writer->name", true },
        { "isbn", SIZE_MAX, SIZE_MAX, NULL, false }, /* there, but not allowed */
        { "writer", SIZE_MAX, SIZE_MAX, NULL, false },
        { "writer__id", SIZE_MAX, SIZE_MAX, NULL, false },
        { "writer__name__x", SIZE_MAX, SIZE_MAX, NULL, false },
        { "__name", SIZE_MAX, SIZE_MAX, NULL, false },
        { "Title", SIZE_MAX, SIZE_MAX, NULL, false },
        { "--title", SIZE_MAX, SIZE_MAX, NULL, false },
        { "title,", SIZE_MAX, SIZE_MAX, NULL, false },
        { ",", SIZE_MAX, SIZE_MAX, NULL, false },
        { "title DESC", SIZE_MAX, SIZE_MAX, NULL, false },
        { "title\"", SIZE_MAX, SIZE_MAX, NULL, false },
        { "1", SIZE_MAX, SIZE_MAX, NULL, false },
        { "random()", SIZE_MAX, SIZE_MAX, NULL, false },
        { many, SIZE_MAX, SIZE_MAX, NULL, false }, /* one more than may be */
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        for (int fields = 0; fields < 2; fields++) {
            size_t wanted = fields ? cases[i].fields : cases[i].order;
            struct names_case one = { cases[i].text, SIZE_MAX, NULL, false };
            cz_status status = cz_try(c, fields ? read_fields : read_order, &one, NULL);
            CZ_EXPECT_MSG(status == (wanted == SIZE_MAX ? CZ_EVALIDATION : CZ_OK), "%s: %s",
                          one.text, cz_status_name(status));
            CZ_EXPECT_EQ(one.count, wanted);
            if (wanted != SIZE_MAX && cases[i].last)
                CZ_EXPECT_STR(cz_str_from(one.last), cases[i].last);
            if (!fields && wanted != SIZE_MAX)
                CZ_EXPECT_EQ(one.descending, cases[i].descending);
        }
    }
}

CZ_DATABASE_TEST(orders_and_fields_from_text_are_of_those_allowed)
{
    cz__orm_test_run(&library, names_from_text);
}

CZ_TEST(lookups_have_their_names_in_any_case)
{
    cz_lookup lookup = CZ_LOOKUP_COUNT;
    CZ_EXPECT(cz_lookup_find(CZ_STR("icontains"), &lookup) && lookup == CZ_LOOKUP_ICONTAINS);
    CZ_EXPECT(cz_lookup_find(CZ_STR("Has_Any_Keys"), &lookup) && lookup == CZ_LOOKUP_HAS_ANY_KEYS);
    static const char *const none[] = { "",      "contain", "icontains ", "exact--",
                                        "COUNT", "=",       "exact,in" };
    for (size_t i = 0; i < CZ_COUNT(none); i++)
        CZ_EXPECT(!cz_lookup_find(cz_str_from(none[i]), &lookup));
}

static void count_range(cz_ctx *c, void *arg)
{
    cz_int_list *years = arg;
    CZ_EXPECT_EQ(cz_count(c, Tome, .where = CZ_Q(Tome, year, RANGE, *years)), 2);
}

static void range_from_text(cz_ctx *c, void *arg)
{
    cz_cond where =
        cz_cond_text(c, &Tome__model, CZ_STR("title"), CZ_LOOKUP_RANGE, cz_str_from(arg));
    cz_ignore(cz_count(c, Tome, .where = where) == 0); /* only whether it raises matters */
}

static void ranges(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_int_list two = CZ_INTS(1965, 1968), one = CZ_INTS(1965), three = CZ_INTS(1965, 1968, 2000);
    CZ_EXPECT_EQ(cz_try(c, count_range, &two, NULL), CZ_OK); /* from here on the plan is cached */
    CZ_EXPECT_EQ(cz_try(c, count_range, &one, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(cz_try(c, count_range, &three, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(cz_try(c, range_from_text, (char[]){ "a,z" }, NULL), CZ_OK);
    CZ_EXPECT_EQ(cz_try(c, range_from_text, (char[]){ "a" }, NULL), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_try(c, range_from_text, (char[]){ "a,b,c" }, NULL), CZ_EVALIDATION);
}

CZ_DATABASE_TEST(a_range_takes_two_values_also_from_the_plan_cache)
{
    cz__orm_test_run(&library, ranges);
}

static void update_pages(cz_ctx *c, void *arg)
{
    cz_ignore(cz_update(c, Tome, CZ_EVERY_ROW, (pages, *(int *)arg)) ==
              0); /* only whether it raises */
}

static void update_out_of_range(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    int most = INT16_MAX, over = 70000;
    CZ_EXPECT_EQ(cz_try(c, update_pages, &most, NULL), CZ_OK);
    CZ_EXPECT_EQ(cz_try(c, update_pages, &over, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, pages, EXACT, INT16_MAX)), 4);
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, pages, LT, 70000)),
                 4); /* a condition may name what cannot be stored */
}

CZ_DATABASE_TEST(an_update_out_of_a_fields_range_is_refused)
{
    cz__orm_test_run(&library, update_out_of_range);
}

static void load_relation_of_late_row(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    for (int i = 0; i < 10001; i++)
        cz_create(c, Tome, (title, "copy"), (writer, 2));
    cz_rows(Tome) all = cz_select(c, Tome, .order_by = CZ_ORDER_BY(CZ_DESC(Tome, id)));
    CZ_REQUIRE(all.count > 10000);
    Tome *last = &all.items[all.count - 1];
    CZ_EXPECT(CZ_REL(c, last, writer) != NULL); /* more rows than one query loads relations for */
    Tome copy = *(Tome *)cz_first(c, Tome);
    CZ_EXPECT(CZ_REL(c, &copy, writer) != NULL); /* a row that is not its result's own */
}

CZ_DATABASE_TEST(a_relation_is_loaded_whatever_the_rows_place_in_its_result)
{
    cz__orm_test_run(&library, load_relation_of_late_row);
}

static void delete_chains(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    Shelf *outermost = cz_create(c, Shelf, (label, "0")), *shelf = outermost;
    for (int i = 0; i < 99; i++)
        shelf = cz_create(c, Shelf, (label, "deeper"), (inside, shelf->id));
    CZ_EXPECT_EQ(cz_delete(c, Shelf, CZ_Q(Shelf, id, EXACT, outermost->id)), 100);
    Shelf *one = cz_create(c, Shelf, (label, "one"));
    Shelf *two = cz_create(c, Shelf, (label, "two"), (inside, one->id));
    cz_set(c, one, inside, two->id);
    cz_save(c, one);
    CZ_EXPECT_EQ(cz_delete(c, Shelf, CZ_Q(Shelf, id, EXACT, one->id)), 2);
    CZ_EXPECT_EQ(cz_count(c, Shelf), 0);
}

CZ_DATABASE_TEST(a_delete_cascades_down_long_chains_and_around_cycles)
{
    cz__orm_test_run(&library, delete_chains);
}

static void put_on_shelf(cz_ctx *c, int64_t tome, cz_uuid shelf)
{
    static const char sql[] = "INSERT INTO library_tome_shelves (tome_id, shelf_id) VALUES (?, ?)";
    cz__db_statement statement = { .sql = { sql, sizeof sql - 1 },
                                   .number = CZ__STATEMENT_UNCACHED };
    cz__db_param params[] = { { .kind = CZ__PARAM_INT, .integer = tome },
                              { .kind = CZ__PARAM_UUID, .uuid = shelf } };
    int64_t rows, last_id;
    CZ_REQUIRE_OK(
        cz__db_default->driver->change(c, c->db, &statement, params, 2, &rows, &last_id, NULL));
}

static void delete_linked(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    Shelf *north = cz_create(c, Shelf, (label, "north")),
          *south = cz_create(c, Shelf, (label, "south"));
    for (int64_t id = 1; id <= 4; id++) {
        put_on_shelf(c, id, north->id);
        put_on_shelf(c, id, south->id);
    }
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, shelves->label, EXACT, "north")), 4);
    CZ_EXPECT_EQ(cz_delete(c, Tome, CZ_Q(Tome, title, EXACT, "Dune")), 3); /* and its two links */
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, shelves->label, EXACT, "north")), 3);
    cz_remove(c, north);
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, shelves->label, EXACT, "south")), 3);
    CZ_EXPECT_EQ(n(c, CZ_Q(Tome, shelves->label, EXACT, "north")), 0);
}

CZ_DATABASE_TEST(a_delete_takes_many_to_many_links_along)
{
    cz__orm_test_run(&library, delete_linked);
}

static void fail_and_go_on(cz_ctx *c, void *arg)
{
    cz_create(c, Writer, (name, "before"));
    cz_error err;
    CZ_EXPECT(cz_try(c, create_twice, NULL, &err) != CZ_OK);
    cz_create(c, Writer, (name, "after"));
    (void)arg;
}

static void atomic_with_rollback_inside(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_atomic(c, fail_and_go_on, NULL);
}

static void database_rolls_back(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    static const char sql[] =
        "CREATE TRIGGER no_copies BEFORE INSERT ON library_tome WHEN NEW.title = 'copy' "
        "BEGIN SELECT RAISE(ROLLBACK, 'no copies'); END";
    cz__db_statement statement = { .sql = { sql, sizeof sql - 1 },
                                   .number = CZ__STATEMENT_UNCACHED };
    int64_t rows, last_id;
    CZ_REQUIRE_OK(
        cz__db_default->driver->change(c, c->db, &statement, NULL, 0, &rows, &last_id, NULL));
    CZ_EXPECT(cz_try(c, atomic_with_rollback_inside, NULL, NULL) != CZ_OK);
    CZ_EXPECT_EQ(cz_count(c, Writer),
                 2); /* nothing of the transaction stays, nor what came after its end */
    in_atomic(c, NULL);
    CZ_EXPECT_EQ(cz_count(c, Writer), 3);
}

CZ_TEST(what_follows_a_rollback_by_the_database_is_not_stored)
{
    cz__orm_test_run(&library, database_rolls_back);
}

#define VOLUME(F)                                                                                  \
    F(char_field, title)                                                                           \
    F(foreign_key, writer, Writer, .on_delete = CZ_CASCADE)
CZ_MODEL(Volume, VOLUME, .unique_together = CZ_FIELDS(Volume, title, writer->name));

CZ_TEST(fields_unique_together_are_the_models_own)
{
    static cz_model *const models[] = { &Tome__model, &Writer__model, &Shelf__model,
                                        &Volume__model };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("library", models, CZ_COUNT(models), &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Volume: unique_together: \"writer->name\" is no column of its own");
}
