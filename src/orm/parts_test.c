/* What outlives a part of the rows, and what goes with it: chunks and iterators. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/relations.h>
#include <calzone/transactions.h>

CZ_MODEL_FORWARD(Oar)

#define GALLEON(F)                                                                                 \
    F(char_field, name, .max_length = 40)                                                          \
    F(text_field, tale, .null = true)                                                              \
    F(reverse, oars, Oar, galleon)
CZ_MODEL(Galleon, GALLEON);

#define OAR(F)                                                                                     \
    F(char_field, wood, .max_length = 40)                                                          \
    F(foreign_key, galleon, Galleon, .on_delete = CZ_CASCADE)
CZ_MODEL(Oar, OAR);

enum { SHIPS = 60, PART = 20 };

static bool listens;
static int committed;

static void count(cz_ctx *ctx, void *arg)
{
    (void)ctx;
    int *n = arg;
    ++*n;
}

static void listen(cz_ctx *ctx, const cz_event *event)
{
    (void)event;
    if (!listens)
        return;
    cz_on_commit(ctx, count, &committed);
    cz_set_actor(ctx, CZ_STR("the receiver"));
}

static const cz_receiver receivers[] = { CZ_RECEIVER(CZ_POST_INIT, Galleon, listen) };
static const struct cz__orm_test dock = { "dock", CZ_MODELS(Galleon, Oar),
                                          CZ_RECEIVERS(receivers) };

static void make_ships(cz_ctx *c)
{
    cz__tables_create(c);
    for (int i = 0; i < SHIPS; i++) {
        const Galleon *ship =
            cz_create(c, Galleon, (name, cz_format(c, "ship %d", i)), (tale, "long"));
        cz_create(c, Oar, (wood, cz_format(c, "wood %d", i)), (galleon_id, ship->id));
    }
}

/* ---- receivers ---- */

static void read_chunks(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_chunks *chunks = cz_chunks_begin(c, Galleon, PART);
    for (cz_rows(Galleon) part; (part = cz_chunks_next(chunks, Galleon)).count;)
        CZ_EXPECT_EQ(part.count, PART);
}

static void read_iterator(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_iterator *all = cz_iterator_begin(c, Galleon, PART);
    for (cz_rows(Galleon) part; (part = cz_iterator_next(all, Galleon)).count;)
        CZ_EXPECT_EQ(part.count, PART);
    cz_iterator_end(all);
}

static void hear(cz_ctx *c, void *arg)
{
    (void)arg;
    make_ships(c);
    void (*const reads[])(cz_ctx *, void *) = { read_chunks, read_iterator };
    for (size_t i = 0; i < CZ_COUNT(reads); i++) {
        committed = 0;
        listens = true;
        cz_atomic(c, reads[i], NULL);
        listens = false;
        CZ_EXPECT_EQ(committed, SHIPS);
        CZ_EXPECT_STR(c->actor, "the receiver");
    }
}

CZ_DATABASE_TEST(what_a_receiver_leaves_for_the_commit_outlives_the_part)
{
    cz__orm_test_run(&dock, hear);
}

/* ---- the query ---- */

/* Everything the query points to is in a block that is over when the first part is read. */
static cz_chunks *begin_chunks(cz_ctx *c)
{
    char wood[] = "wood 7", path[] = "galleon";
    cz_str related[] = { cz_str_from(path) };
    cz_manager manager = { .where = CZ_Q(Oar, wood, EXACT, wood) };
    cz_chunks *chunks =
        cz_chunks_begin(c, Oar, PART, .related = (cz_fields){ related, 1 }, .manager = &manager);
    memset(path, 'x', sizeof path - 1);
    memset(wood, 'x', sizeof wood - 1);
    memset(related, 0, sizeof related);
    memset(&manager, 0, sizeof manager);
    return chunks;
}

static cz_iterator *begin_iterator(cz_ctx *c)
{
    char wood[] = "wood 7", path[] = "oars";
    cz_query oars = { .model = &Oar__model, .where = CZ_Q(Oar, wood, EXACT, wood) };
    cz_prefetch prefetch[] = { { cz_str_from(path), &oars } };
    cz_iterator *all = cz_iterator_begin(c, Galleon, PART, .prefetch = { prefetch, 1 });
    memset(path, 'x', sizeof path - 1);
    memset(wood, 'x', sizeof wood - 1);
    memset(prefetch, 0, sizeof prefetch);
    memset(&oars, 0, sizeof oars);
    return all;
}

static void over(cz_ctx *c, void *arg)
{
    (void)arg;
    make_ships(c);
    cz_chunks *chunks = begin_chunks(c);
    cz_rows(Oar) part = cz_chunks_next(chunks, Oar);
    CZ_REQUIRE(part.count == 1);
    CZ_EXPECT_STR(CZ_REL(c, &part.items[0], galleon)->name, "ship 7");
    size_t found = 0;
    cz_iterator *all = begin_iterator(c);
    for (cz_rows(Galleon) ships; (ships = cz_iterator_next(all, Galleon)).count;)
        for (size_t i = 0; i < ships.count; i++)
            found += cz_related(c, Oar, &ships.items[i], oars).count;
    cz_iterator_end(all);
    CZ_EXPECT_EQ(found, 1);
}

CZ_DATABASE_TEST(parts_need_nothing_of_the_block_they_were_asked_for_in)
{
    cz__orm_test_run(&dock, over);
}

/* ---- relations of a part's rows ---- */

static void touch(cz_ctx *c, void *arg)
{
    (void)arg;
    make_ships(c);
    for (int round = 0; round < 2; round++) { /* the second has what the first has left for good */
        size_t before = cz_arena_bytes(c->arena), seen = 0;
        cz_chunks *chunks = cz_chunks_begin(c, Galleon, PART, .defer = CZ_FIELDS(Galleon, tale));
        for (cz_rows(Galleon) part; (part = cz_chunks_next(chunks, Galleon)).count;)
            for (size_t i = 0; i < part.count; i++) {
                cz_rows(Oar) oars = cz_related(c, Oar, &part.items[i], oars);
                seen += oars.count;
                if (i == 0) /* was read for all rows of the part: a later change is not seen */
                    cz_update(c, Oar, CZ_EVERY_ROW, (wood, "changed"));
                CZ_EXPECT(round || i == 0 || !cz_str_eq(oars.items[0].wood, CZ_STR("changed")) ||
                          seen > PART);
                CZ_EXPECT(CZ_REL(c, &oars.items[0], galleon)->id == part.items[i].id);
                CZ_EXPECT_STR(cz_load(c, &part.items[i], tale), "long");
            }
        CZ_EXPECT_EQ(seen, SHIPS);
        size_t kept = cz_arena_bytes(c->arena) - before;
        CZ_EXPECT_MSG(kept < 16384, "%zu bytes stay", kept);
    }
}

CZ_DATABASE_TEST(relations_of_a_part_are_read_once_and_go_with_it)
{
    cz__orm_test_run(&dock, touch);
}
