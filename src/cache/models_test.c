#include "cache/cache_internal.h"
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/cache.h>
#include <calzone/queries.h>
#include <calzone/raw.h>
#include <calzone/relations.h>
#include <calzone/transactions.h>

#define LEITMOTIF(F) F(char_field, word, .max_length = 20)
CZ_MODEL(Leitmotif, LEITMOTIF);
#define CUPBOARD(F) F(char_field, label, .max_length = 20)
CZ_MODEL(Cupboard, CUPBOARD);
#define ALMANAC(F)                                                                                 \
    F(char_field, title, .max_length = 20)                                                         \
    F(foreign_key, shelf, Cupboard, .on_delete = CZ_CASCADE)                                       \
    F(many_to_many, topics, Leitmotif)
CZ_MODEL(Almanac, ALMANAC);
#define MEMO(F) F(char_field, text, .max_length = 20)
CZ_MODEL(Memo, MEMO);

static const struct cz__orm_test app = { "store", CZ_MODELS(Leitmotif, Cupboard, Almanac, Memo) };
static const cz_model_list cached = CZ_MODELS(Almanac, Leitmotif);

static void keep(cz_ctx *ctx)
{
    cz_cache_options novels = { .tags = CZ_CACHE_TAGS(CZ_CACHE_MODEL(ctx, Almanac)) };
    cz_cache_options topics = { .tags = CZ_CACHE_TAGS(CZ_CACHE_MODEL(ctx, Leitmotif)) };
    CZ_REQUIRE(cz_cache_set(ctx, NULL, CZ_STR("novels"), CZ_STR("x"), &novels));
    CZ_REQUIRE(
        cz_cache_set(ctx, cz_cache_of(ctx, "pages"), CZ_STR("novels"), CZ_STR("x"), &novels));
    CZ_REQUIRE(cz_cache_set(ctx, NULL, CZ_STR("topics"), CZ_STR("x"), &topics));
}

static bool has(cz_ctx *ctx, const char *key)
{
    return cz_cache_has_key(ctx, NULL, cz_str_from(key));
}

/* Whether what was done has ended what is cached of novels and of nothing else, in both caches; begins anew. */
static bool ended(cz_ctx *ctx)
{
    bool here = has(ctx, "novels");
    bool there = cz_cache_has_key(ctx, cz_cache_of(ctx, "pages"), CZ_STR("novels"));
    CZ_EXPECT_EQ(here, there);
    CZ_EXPECT(has(ctx, "topics"));
    keep(ctx);
    return !here;
}

static void rename_all(cz_ctx *ctx, void *arg)
{
    cz_update(ctx, Almanac, CZ_EVERY_ROW, (title, "renamed"));
    CZ_EXPECT(has(ctx, "novels")); /* others still read the old rows */
    if (arg)
        cz_raise(ctx, CZ_EVALIDATION, "not so");
}

static void try_to_rename(cz_ctx *ctx, void *arg)
{
    cz_atomic(ctx, rename_all, arg);
}

static void rename_and_fail_inside(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT_EQ(cz_try(ctx, try_to_rename, arg, NULL), CZ_EVALIDATION);
}

static void fail_and_rename(cz_ctx *ctx, void *arg)
{
    rename_and_fail_inside(ctx, arg);
    cz_atomic(ctx, rename_all, NULL);
    CZ_EXPECT(has(ctx, "novels"));
}

static void change_novels(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    CZ_REQUIRE_OK(cz__cache_open("default", CZ_STR(""), CZ_STR("test"), &err));
    CZ_REQUIRE_OK(cz__cache_open("pages", CZ_STR(""), CZ_STR("test"), &err));
    CZ_REQUIRE_OK(cz__cache_watch_models("store", &cached, &err));
    cz__tables_create(ctx);
    keep(ctx);
    bool created;

    Cupboard *shelf = cz_create(ctx, Cupboard, (label, "north"));
    cz_create(ctx, Memo, (text, "nobody caches it"));
    CZ_EXPECT(!ended(ctx));
    Almanac *novel = cz_create(ctx, Almanac, (title, "Dune"), (shelf_id, shelf->id));
    CZ_EXPECT(ended(ctx));
    cz_set(ctx, novel, title, "Dune II");
    cz_save(ctx, novel);
    CZ_EXPECT(ended(ctx));
    CZ_EXPECT_EQ(cz_count(ctx, Almanac), 1);
    CZ_EXPECT(!ended(ctx));
    cz_get_or_create(ctx, Almanac, CZ_PAIRS(Almanac, (title, "Emma")),
                     CZ_PAIRS(Almanac, (shelf_id, shelf->id)), &created);
    CZ_EXPECT(created && ended(ctx));
    cz_update(ctx, Almanac, CZ_EVERY_ROW, (title, "all"));
    CZ_EXPECT(ended(ctx));

    enum { MANY = 600 }; /* by COPY, where there is such a thing */
    Almanac **novels = cz_array(ctx, Almanac *, MANY);
    for (int i = 0; i < MANY; i++) {
        novels[i] = cz_row_new(ctx, Almanac);
        cz_set(ctx, novels[i], title, "one of many");
        cz_set(ctx, novels[i], shelf_id, shelf->id);
    }
    cz_bulk_create(ctx, Almanac, novels, 3);
    CZ_EXPECT(ended(ctx));
    cz_bulk_create(ctx, Almanac, novels + 3, MANY - 3);
    CZ_EXPECT(ended(ctx));
    cz_set(ctx, novels[0], title, "changed");
    cz_bulk_update(ctx, Almanac, novels, 2, title);
    CZ_EXPECT(ended(ctx));

    cz_atomic(ctx, rename_all, NULL);
    CZ_EXPECT(ended(ctx));
    CZ_EXPECT_EQ(cz_try(ctx, try_to_rename, ctx, NULL), CZ_EVALIDATION);
    CZ_EXPECT(!ended(ctx)); /* rolled back */
    cz_atomic(ctx, rename_and_fail_inside, ctx);
    CZ_EXPECT(!ended(ctx));
    cz_atomic(ctx, fail_and_rename, ctx);
    CZ_EXPECT(ended(ctx));

    cz_cache_model_changed(ctx, Almanac);
    CZ_EXPECT(ended(ctx));
    cz_remove(ctx, novel);
    CZ_EXPECT(ended(ctx));
    cz_delete(ctx, Cupboard, CZ_EVERY_ROW); /* cascades */
    CZ_EXPECT(cz_count(ctx, Almanac) == 0 && ended(ctx));
    cz__caches_close();
}

CZ_DATABASE_TEST(whatever_changes_rows_of_a_model_ends_what_is_cached_of_it)
{
    cz__orm_test_run(&app, change_novels);
}

static void tag_a_note(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_ignore(CZ_CACHE_MODEL(ctx, Memo).len > 0);
}

static void change_links(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    CZ_REQUIRE_OK(cz__cache_open("default", CZ_STR(""), CZ_STR("test"), &err));
    CZ_REQUIRE_OK(cz__cache_open("pages", CZ_STR(""), CZ_STR("test"), &err));
    CZ_REQUIRE_OK(cz__cache_watch_models("store", &cached, &err));
    cz__tables_create(ctx);
    Cupboard *shelf = cz_create(ctx, Cupboard, (label, "north"));
    Almanac *novel = cz_create(ctx, Almanac, (title, "Dune"), (shelf_id, shelf->id));
    Leitmotif *topic = cz_create(ctx, Leitmotif, (word, "sand"));
    keep(ctx);
    cz_related_add(ctx, novel, topics, CZ_INTS(topic->id)); /* found by the other side as well */
    CZ_EXPECT(!has(ctx, "novels") && !has(ctx, "topics"));
    keep(ctx);
    cz_related_clear(ctx, novel, topics);
    CZ_EXPECT(!has(ctx, "novels") && !has(ctx, "topics"));
    CZ_EXPECT_EQ(cz_try(ctx, tag_a_note, NULL, NULL), CZ_EINVAL); /* it would never end */
    cz__caches_close();
}

CZ_DATABASE_TEST(links_of_a_many_to_many_end_what_is_cached_of_both_sides)
{
    cz__orm_test_run(&app, change_links);
}
