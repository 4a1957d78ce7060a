/* Iterators: rows of one moment, in parts. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/transactions.h>
#include <stdlib.h>
#include <unistd.h>

CZ_MODEL_FORWARD(Lake)

#define LAND(F) F(char_field, name)
CZ_MODEL(Land, LAND);

#define LAKE(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(int_field, depth)                                                                            \
    F(foreign_key, land, Land, .on_delete = CZ_CASCADE)
CZ_MODEL(Lake, LAKE);

static const struct cz__orm_test earth = { "earth", CZ_MODELS(Land, Lake) };
static Land *land;

/* Lakes with the depths 0 to count - 1. */
static void make_lakes(cz_ctx *c, int count)
{
    cz__tables_create(c);
    land = cz_create(c, Land, (name, "Lapland"));
    Lake **lakes = cz_array(c, Lake *, (size_t)count);
    for (int i = 0; i < count; i++) {
        lakes[i] = cz_row_new(c, Lake);
        cz_set(c, lakes[i], name, cz_format(c, "lake %d", i));
        cz_set(c, lakes[i], depth, i);
        cz_set(c, lakes[i], land, land->id);
    }
    cz_bulk_create(c, Lake, lakes, (size_t)count);
}

static void one_moment(cz_ctx *c, void *arg)
{
    enum { COUNT = 1000 };
    (void)arg;
    make_lakes(c, COUNT);
    static const size_t parts[] = { 1, 7, 250, 999, 1000, 1001, 5000 };
    for (size_t n = 0; n < CZ_COUNT(parts); n++) {
        int seen = 0;
        size_t calls = 0;
        cz_iterator *all =
            cz_iterator_begin(c, Lake, parts[n], .order_by = CZ_ORDER_BY(CZ_DESC(Lake, depth)));
        for (cz_rows(Lake) lakes; (lakes = cz_iterator_next(all, Lake)).count; calls++) {
            CZ_EXPECT(lakes.count <= parts[n]);
            for (size_t i = 0; i < lakes.count; i++, seen++)
                CZ_EXPECT_EQ(lakes.items[i].depth, COUNT - 1 - seen);
            /* what happens meanwhile is not seen */
            cz_update(c, Lake, CZ_Q(Lake, depth, EXACT, COUNT - 1 - seen), (name, "changed"));
            if (calls % 50 == 0)
                cz_create(c, Lake, (name, "new"), (depth, -1), (land, land->id));
        }
        CZ_EXPECT_EQ(seen, COUNT);
        CZ_EXPECT_EQ(calls, (COUNT + parts[n] - 1) / parts[n]);
        CZ_EXPECT_EQ(cz_iterator_next(all, Lake).count, 0);
        cz_iterator_end(all);
        cz_delete(c, Lake, CZ_Q(Lake, depth, LT, 0));
    }
    cz_iterator *deleted = cz_iterator_begin(c, Lake, 300);
    CZ_EXPECT_EQ(cz_iterator_next(deleted, Lake).count, 300);
    cz_delete(c, Lake, CZ_EVERY_ROW);
    cz_rows(Lake) rest = cz_iterator_next(deleted, Lake);
    CZ_EXPECT_EQ(rest.count, 300);
    CZ_EXPECT(rest.items[0].name.len > 0);
}

CZ_DATABASE_TEST(an_iterator_gives_the_rows_of_its_beginning)
{
    cz__orm_test_run(&earth, one_moment);
}

static void whole_queries(cz_ctx *c, void *arg)
{
    (void)arg;
    make_lakes(c, 100);
    int seen = 0;
    cz_iterator *some = cz_iterator_begin(c, Lake, 10, .where = CZ_Q(Lake, depth, GTE, 20),
                                          .order_by = CZ_ORDER_BY(CZ_ASC(Lake, depth)), .limit = 25,
                                          .offset = 5, .related = CZ_RELATED(Lake, land));
    for (cz_rows(Lake) lakes; (lakes = cz_iterator_next(some, Lake)).count;)
        for (size_t i = 0; i < lakes.count; i++, seen++) {
            CZ_EXPECT_EQ(lakes.items[i].depth, 25 + seen);
            CZ_EXPECT_STR(CZ_REL(c, &lakes.items[i], land)->name, "Lapland");
        }
    CZ_EXPECT_EQ(seen, 25);
    cz_iterator *none = cz_iterator_begin(c, Lake, 10, .where = CZ_Q(Lake, depth, LT, 0));
    CZ_EXPECT_EQ(cz_iterator_next(none, Lake).count, 0);
    CZ_EXPECT_EQ(cz_iterator_next(none, Lake).count, 0);
    /* several at once, and more begun than the pool has connections, each left early */
    for (int i = 0; i < 20; i++) {
        cz_iterator *left = cz_iterator_begin(c, Lake, 1), *other = cz_iterator_begin(c, Lake, 30);
        CZ_EXPECT_EQ(cz_iterator_next(left, Lake).count, 1);
        CZ_EXPECT_EQ(cz_iterator_next(other, Lake).count, 30);
        CZ_EXPECT_EQ(cz_iterator_next(left, Lake).count, 1);
        cz_iterator_end(left);
        CZ_EXPECT_EQ(cz_iterator_next(left, Lake).count, 0);
        cz_iterator_end(other);
        cz_iterator_end(other);
    }
}

CZ_DATABASE_TEST(an_iterator_takes_a_whole_query_and_can_be_left)
{
    cz__orm_test_run(&earth, whole_queries);
}

static cz_iterator *kept;

static void in_transaction(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Lake, (name, "mine"), (depth, 1000), (land, land->id));
    size_t seen = 0;
    cz_iterator *all = cz_iterator_begin(c, Lake, 30);
    for (cz_rows(Lake) lakes; (lakes = cz_iterator_next(all, Lake)).count; seen += lakes.count)
        cz_create(c, Lake, (name, "later"), (depth, 1001), (land, land->id));
    CZ_EXPECT_EQ(seen, 101);
    kept = cz_iterator_begin(c, Lake, 30);
    CZ_EXPECT_EQ(cz_iterator_next(kept, Lake).count, 30);
    all = cz_iterator_begin(c, Lake, 30);
    cz_iterator_end(all); /* the transaction goes on */
    CZ_EXPECT_EQ(cz_count(c, Lake), 105);
}

static void failing(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_iterator *all = cz_iterator_begin(c, Lake, 30);
    CZ_EXPECT_EQ(cz_iterator_next(all, Lake).count, 30);
    cz_raise(c, CZ_ECANCELED, "left");
}

static void use_kept(cz_ctx *c, void *arg)
{
    (void)arg;
    (void)c;
    cz_ignore(cz_iterator_next(kept, Lake).count == 0);
}

static void transactions(cz_ctx *c, void *arg)
{
    cz_error err;
    (void)arg;
    make_lakes(c, 100);
    for (int i = 0; i < 10; i++) /* each gives its connection back */
        CZ_EXPECT_EQ(cz_try(c, failing, NULL, &err), CZ_ECANCELED);
    cz_atomic(c, in_transaction, NULL);
    CZ_EXPECT_EQ(cz_count(c, Lake), 105);
    CZ_EXPECT_EQ(cz_try(c, use_kept, NULL, &err), CZ_EINVAL);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "the transaction this iterator over Lake began in has ended");
    cz_iterator_end(kept);
    CZ_EXPECT_EQ(cz_count(c, Lake), 105);
}

CZ_DATABASE_TEST(an_iterator_lives_in_the_transaction_it_begins_in)
{
    cz__orm_test_run(&earth, transactions);
}

static void no_size(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_iterator_begin(c, Lake, 0));
}
static void locking(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(!cz_iterator_begin(c, Lake, 10, .lock = CZ_FOR_UPDATE));
}
static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    make_lakes(c, 1);
    static const struct cz__orm_test_refusal cases[] = {
        { no_size, CZ_EINVAL,
          "an iterator over Lake: its parts have a size, and no values or lock" },
        { locking, CZ_EINVAL,
          "an iterator over Lake: its parts have a size, and no values or lock" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
}

CZ_DATABASE_TEST(iterators_that_cannot_be_say_why)
{
    cz__orm_test_run(&earth, mistakes);
}

static void in_file(cz_ctx *c, void *arg)
{
    one_moment(c, arg);
    cz_delete(c, Land, CZ_EVERY_ROW);
    whole_queries(c, arg);
    cz_delete(c, Land, CZ_EVERY_ROW);
    transactions(c, arg);
}

/* In memory, where the other tests are, rows are copied; in a file a connection of its own reads them. */
CZ_TEST(an_iterator_over_a_file_reads_on_a_connection_of_its_own)
{
    char folder[] = "/tmp/calzone-iterator-XXXXXX";
    CZ_REQUIRE(mkdtemp(folder));
    struct cz__orm_test there = earth;
    there.url = cz_arena_printf(cz_test_arena(), "sqlite://%s/db", folder);
    cz__orm_test_run(&there, in_file);
    static const char *const names[] = { "db", "db-wal", "db-shm" };
    for (size_t i = 0; i < CZ_COUNT(names); i++)
        cz_ignore(unlink(cz_arena_printf(cz_test_arena(), "%s/%s", folder, names[i])));
    CZ_EXPECT_EQ(rmdir(folder), 0);
}
