#include "cache/cache_testing.h"
#include "orm/orm.h"
#include <stdio.h>

static unsigned drawn;

static cz_str draw(cz_ctx *ctx, void *arg)
{
    return cz_format(ctx, "%s %u", arg ? (const char *)arg : "part", ++drawn);
}

static cz_str fragment(cz_ctx *ctx, const char *name, const cz_str *values, size_t count)
{
    return cz_cache_fragment(ctx, NULL, cz_str_from(name), (cz_str_list){ values, count }, NULL,
                             draw, NULL);
}

/* ---- parts of pages ---- */

static void draw_parts(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const struct {
        const char *name;
        cz_str values[3];
        size_t count;
    } parts[] = {
        { "menu", { { NULL, 0 } }, 0 },
        { "menu", { CZ_STR("") }, 1 },
        { "menu", { CZ_STR("a") }, 1 },
        { "menu", { CZ_STR("ab") }, 1 },
        { "menu", { CZ_STR("a"), CZ_STR("b") }, 2 },
        { "menu", { CZ_STR("b"), CZ_STR("a") }, 2 },
        { "menu", { CZ_STR("a"), CZ_STR("b"), CZ_STR("") }, 3 },
        { "menu", { CZ_STR("a\0b") }, 1 },
        { "menu", { CZ_STR("a:b") }, 1 },
        { "menus", { CZ_STR("a") }, 1 },
        { "Menu", { CZ_STR("a") }, 1 },
    };
    drawn = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < CZ_COUNT(parts); i++)
            CZ_EXPECT_STR(fragment(ctx, parts[i].name, parts[i].values, parts[i].count),
                          cz_format(ctx, "part %zu", i + 1).ptr);
    CZ_EXPECT_EQ(drawn, CZ_COUNT(parts));
    cz_str_list a = { parts[2].values, 1 };
    CZ_EXPECT(cz_cache_fragment_delete(ctx, NULL, CZ_STR("menu"), a));
    CZ_EXPECT(!cz_cache_fragment_delete(ctx, NULL, CZ_STR("menu"), a));
    CZ_EXPECT_STR(fragment(ctx, "menu", parts[2].values, 1), "part 12");
    CZ_EXPECT_STR(fragment(ctx, "menu", parts[4].values, 2), "part 5");
    cz_cache_clear(ctx, NULL);
}

CZ_TEST(a_part_of_a_page_is_kept_by_its_name_and_each_of_its_values)
{
    cache_begin("memory://");
    cache_run(draw_parts, NULL);
    cache_run_on_fiber(draw_parts, NULL);
}

static void name_badly(cz_ctx *ctx, void *arg)
{
    fragment(ctx, arg, NULL, 0);
}

static void expect_names(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char longest[CZ_CACHE_FRAGMENT_NAME_MAX + 2];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *bad[] = { "", "a\nb", "\x7f", longest };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_EQ(cz_try(ctx, name_badly, (void *)(uintptr_t)bad[i], NULL), CZ_EINVAL);
    longest[CZ_CACHE_FRAGMENT_NAME_MAX] = '\0';
    CZ_EXPECT_EQ(cz_try(ctx, name_badly, longest, NULL), CZ_OK);
}

CZ_TEST(a_part_of_a_page_has_a_name_that_can_be_a_key)
{
    cache_begin("memory://");
    cache_run(expect_names, NULL);
}

static void end_by_tag(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const cz_cache_options options = { .tags = CZ_CACHE_TAGS(CZ_STR("menu")) };
    const cz_str_list none = { NULL, 0 };
    drawn = 0;
    CZ_EXPECT_STR(cz_cache_fragment(ctx, NULL, CZ_STR("m"), none, &options, draw, NULL), "part 1");
    cz_cache_invalidate(ctx, NULL, CZ_STR("menu"));
    CZ_EXPECT_STR(cz_cache_fragment(ctx, NULL, CZ_STR("m"), none, &options, draw, NULL), "part 2");
}

CZ_TEST(a_part_of_a_page_ends_with_its_tags)
{
    cache_begin("memory://");
    cache_run(end_by_tag, NULL);
}

/* What is stored under the part's key is another's: as if their hashes were the same. */
static void meet_another(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const cz_str mine[] = { CZ_STR("mine") }, other[] = { CZ_STR("other") };
    cz_str stored;
    drawn = 0;
    CZ_EXPECT_STR(fragment(ctx, "m", other, 1), "part 1");
    cz_str key = cz__fragment_key(ctx, CZ_STR("m"), (cz_str_list){ mine, 1 });
    cz_str other_key = cz__fragment_key(ctx, CZ_STR("m"), (cz_str_list){ other, 1 });
    CZ_REQUIRE(cz_cache_get(ctx, NULL, other_key, &stored));
    const cz_str planted[] = { stored, CZ_STR(""), CZ_STR("short"), CZ_STR("12"),
                               cz_str_head(stored, 8) };
    for (unsigned i = 0; i < CZ_COUNT(planted); i++) {
        CZ_REQUIRE(cz_cache_set(ctx, NULL, key, planted[i], NULL));
        CZ_EXPECT_STR(fragment(ctx, "m", mine, 1), cz_format(ctx, "part %u", i + 2).ptr);
    }
}

CZ_TEST(a_part_of_other_values_is_never_shown)
{
    cache_begin("memory://");
    cache_run(meet_another, NULL);
}

/* ---- once in a unit of work ---- */

static cz_str draw_or_raise(cz_ctx *ctx, void *arg)
{
    if (++*(unsigned *)arg == 1)
        cz_raise(ctx, CZ_ENOTFOUND, "not yet");
    return CZ_STR("found");
}

static cz_str ask_itself(cz_ctx *ctx, void *arg)
{
    return cz_once(ctx, CZ_STR("self"), ask_itself, arg);
}

static void try_once(cz_ctx *ctx, void *arg)
{
    cz_once(ctx, CZ_STR("raising"), draw_or_raise, arg);
}

static void try_itself(cz_ctx *ctx, void *arg)
{
    cz_once(ctx, CZ_STR("self"), ask_itself, arg);
}

static void compute_once(cz_ctx *ctx, void *arg)
{
    unsigned calls = 0;
    (void)arg;
    drawn = 0;
    for (int i = 0; i < 3; i++) {
        CZ_EXPECT_STR(cz_once(ctx, CZ_STR("a"), draw, NULL), "part 1");
        CZ_EXPECT_STR(cz_once(ctx, CZ_STR("a\0b"), draw, (void *)"other"), "other 2");
    }
    CZ_EXPECT_EQ(drawn, 2);
    CZ_EXPECT_EQ(cz_try(ctx, try_once, &calls, NULL), CZ_ENOTFOUND);
    CZ_EXPECT_EQ(cz_try(ctx, try_once, &calls, NULL), CZ_OK);
    CZ_EXPECT_EQ(cz_try(ctx, try_once, &calls, NULL), CZ_OK);
    CZ_EXPECT_EQ(calls, 2);
    CZ_EXPECT_EQ(cz_try(ctx, try_itself, NULL, NULL), CZ_EINVAL);
}

CZ_TEST(what_is_computed_once_is_computed_once_in_each_unit_of_work)
{
    cache_run(compute_once, NULL); /* and needs no cache */
    cache_run(compute_once, NULL);
    cache_run_on_fiber(compute_once, NULL);
}
