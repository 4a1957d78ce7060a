#include <calzone/map.h>
#include <calzone/testing.h>
#include <pthread.h>
#include <stdio.h>

/* SipHash-1-3, key 00..0f, input 00 01 02 ... of length 0 to 19: from the reference definition
 * (Aumasson and Bernstein, with c = 1 and d = 3), computed by an independent
 * implementation that was checked with the published SipHash-2-4 vector. */
CZ_TEST(siphash_1_3_gives_the_reference_values)
{
    static const uint64_t expected[] = {
        0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
        0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
        0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
        0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
        0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
    };
    uint8_t key[16], input[64];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 64; i++)
        input[i] = i;
    for (size_t len = 0; len < CZ_COUNT(expected); len++)
        CZ_EXPECT_MSG(cz__siphash13(key, input, len) == expected[len], "length %zu", len);
}

enum { KEYS = 400, STEPS = 60000 };

struct model {
    int keys[KEYS]; /* in insertion order */
    int values[KEYS];
    size_t count;
};

static size_t model_find(const struct model *model, int key)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->keys[i] == key)
            return i;
    return SIZE_MAX;
}

static void model_remove(struct model *model, size_t at)
{
    model->count--;
    memmove(model->keys + at, model->keys + at + 1, (model->count - at) * sizeof *model->keys);
    memmove(model->values + at, model->values + at + 1,
            (model->count - at) * sizeof *model->values);
}

static char names[KEYS][24];
static int values[1000];

static void check_same(const cz_map *map, const struct model *model)
{
    CZ_REQUIRE(cz_map_count(map) == model->count);
    size_t cursor = 0;
    const cz_map_entry *entry;
    for (size_t i = 0; i < model->count; i++) {
        entry = cz_map_next(map, &cursor);
        CZ_REQUIRE(entry);
        CZ_REQUIRE(cz_str_eq(entry->key, cz_str_from(names[model->keys[i]])));
        CZ_REQUIRE(entry->value == &values[model->values[i]]);
    }
    CZ_REQUIRE(!cz_map_next(map, &cursor));
}

CZ_TEST(a_map_behaves_as_an_ordered_list_of_pairs)
{
    cz_arena *arena;
    cz_map map;
    static struct model model;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_map_init(&map, arena);
    for (int i = 0; i < KEYS; i++)
        cz_ignore(snprintf(names[i], sizeof names[i], "%s-%d", i % 2 ? "a" : "longer-name",
                           i)); /* fits */
    uint32_t state = 7;
    for (int step = 0; step < STEPS; step++) {
        state = state * 1664525 + 1013904223;
        int phase = step / 5000 % 3; /* growing, shrinking, both */
        int key = (int)(state >> 8) % KEYS, action = (int)(state >> 24) % 10;
        cz_str name = cz_str_from(names[key]);
        size_t at = model_find(&model, key);
        if (action < (phase == 0 ? 8 : phase == 1 ? 2 : 5)) {
            int value = step % (int)CZ_COUNT(values);
            CZ_REQUIRE_OK(cz_map_set(&map, name, &values[value]));
            if (at == SIZE_MAX) {
                at = model.count++;
                model.keys[at] = key;
            }
            model.values[at] = value;
        } else {
            void *expected = at == SIZE_MAX ? NULL : &values[model.values[at]];
            CZ_REQUIRE(cz_map_get(&map, name) == expected);
            CZ_REQUIRE(cz_map_remove(&map, name) == expected);
            CZ_REQUIRE(cz_map_get(&map, name) == NULL);
            if (at != SIZE_MAX)
                model_remove(&model, at);
        }
        if (step % 97 == 0)
            check_same(&map, &model);
    }
    check_same(&map, &model);
    CZ_EXPECT(cz_arena_bytes(arena) < 128 * 1024); /* coming and going costs no memory */
    cz_arena_destroy(arena);
}

CZ_TEST(entries_may_be_removed_while_walking)
{
    cz_arena *arena;
    cz_map map;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_map_init(&map, arena);
    static const char *const keys[] = { "a", "b", "c", "d", "e" };
    for (size_t i = 0; i < CZ_COUNT(keys); i++)
        CZ_REQUIRE_OK(cz_map_set(&map, cz_str_from(keys[i]), &values[i]));
    size_t cursor = 0, seen = 0;
    const cz_map_entry *entry;
    while ((entry = cz_map_next(&map, &cursor))) {
        CZ_EXPECT(cz_map_remove(&map, entry->key) == &values[seen]);
        seen++;
    }
    CZ_EXPECT_EQ(seen, CZ_COUNT(keys));
    CZ_EXPECT_EQ(cz_map_count(&map), 0);
    cz_arena_destroy(arena);
}

CZ_TEST(any_bytes_are_a_key_also_none)
{
    cz_arena *arena;
    cz_map map;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_map_init(&map, arena);
    CZ_EXPECT(cz_map_get(&map, CZ_STR("a")) == NULL && cz_map_remove(&map, CZ_STR("a")) == NULL);
    CZ_REQUIRE_OK(cz_map_set(&map, cz_str_of(NULL, 0), &values[0]));
    CZ_REQUIRE_OK(cz_map_set(&map, cz_str_of("a\0b", 3), &values[1]));
    CZ_REQUIRE_OK(cz_map_set(&map, cz_str_of("a\0c", 3), &values[2]));
    CZ_EXPECT(cz_map_get(&map, CZ_STR("")) == &values[0]);
    CZ_EXPECT(cz_map_get(&map, cz_str_of("a\0b", 3)) == &values[1]);
    CZ_EXPECT(cz_map_get(&map, CZ_STR("a")) == NULL);
    cz_arena_destroy(arena);
}

/* Keys that collide in the low bits under one hash key do not under another, so whoever does not know
 * the process's key cannot fill one chain. */
CZ_TEST(keys_chosen_to_collide_under_one_hash_key_spread_under_another)
{
    enum { FLOOD = 256, BUCKETS = 4096 };
    static char flood[FLOOD][24];
    static unsigned char used[BUCKETS];
    uint8_t known[16] = { 1 };
    size_t count = 0;
    for (unsigned n = 0; count < FLOOD; n++) {
        char text[24];
        int len = snprintf(text, sizeof text, "key-%u", n);
        if (cz__siphash13(known, text, (size_t)len) % BUCKETS == 0)
            memcpy(flood[count++], text, sizeof text);
    }
    unsigned distinct = 0;
    for (size_t i = 0; i < FLOOD; i++) {
        unsigned bucket = (unsigned)(cz_hash(flood[i], strlen(flood[i])) % BUCKETS);
        distinct += !used[bucket];
        used[bucket] = 1;
    }
    CZ_EXPECT_MSG(distinct > FLOOD * 3 / 4, "only %u of %d buckets", distinct, FLOOD);
    uint64_t before = cz_hash("x", 1);
    CZ_EXPECT(cz_hash("x", 1) == before);
    cz__hash_reseed();
    CZ_EXPECT(cz_hash("x", 1) != before);
}

CZ_TEST(a_map_made_before_a_new_hash_key_stays_good)
{
    cz_arena *arena;
    cz_map map;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_map_init(&map, arena);
    CZ_REQUIRE_OK(cz_map_set(&map, CZ_STR("before"), &map));
    cz__hash_reseed(); /* what a worker does after the fork */
    CZ_EXPECT(cz_map_get(&map, CZ_STR("before")) == &map);
    for (int i = 0; i < 100; i++)
        CZ_REQUIRE_OK(cz_map_set(&map, cz_str_from(cz_arena_printf(arena, "key %d", i)), &map));
    CZ_EXPECT(cz_map_get(&map, CZ_STR("before")) == &map);
    cz_arena_destroy(arena);
}

static void *hash_in_thread(void *out)
{
    *(uint64_t *)out = cz_hash("x", 1);
    return NULL;
}

CZ_TEST(threads_that_hash_first_at_the_same_time_share_one_key)
{
    pthread_t threads[8];
    uint64_t hashes[8];
    for (size_t i = 0; i < CZ_COUNT(threads); i++)
        CZ_REQUIRE(pthread_create(&threads[i], NULL, hash_in_thread, &hashes[i]) == 0);
    for (size_t i = 0; i < CZ_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 1; i < CZ_COUNT(threads); i++)
        CZ_EXPECT(hashes[i] == hashes[0]);
}

#ifdef CZ_FAULTS
CZ_TEST(a_map_survives_any_failing_allocation)
{
    uint64_t count = 0;
    for (int i = 0; i < KEYS; i++)
        cz_ignore(snprintf(names[i], sizeof names[i], "key-%d", i)); /* fits */
    for (uint64_t n = 0; n <= count; n++) {
        cz_arena *arena;
        cz_map map;
        CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
        cz_map_init(&map, arena);
        cz__alloc_fail_at(n, false);
        size_t stored = 0;
        for (int i = 0; i < KEYS; i++) {
            cz_status status = cz_map_set(&map, cz_str_from(names[i]), &values[i]);
            CZ_EXPECT(status == CZ_OK || (n && status == CZ_ENOMEM));
            stored += status == CZ_OK;
            CZ_REQUIRE(cz_map_get(&map, cz_str_from(names[i])) == (status ? NULL : &values[i]));
        }
        uint64_t made = cz__alloc_fail_at(0, false);
        if (n == 0)
            count = made;
        CZ_EXPECT_EQ(cz_map_count(&map), stored);
        CZ_EXPECT_EQ(stored, n ? KEYS - 1 : KEYS);
        cz_arena_destroy(arena);
    }
    CZ_EXPECT(count > 0);
}
#endif
