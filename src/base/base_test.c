#include <calzone/context.h>
#include <calzone/testing.h>

CZ_TEST(an_arena_gives_aligned_memory_and_keeps_to_its_budget)
{
    cz_arena *root, *child;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &root));
    CZ_REQUIRE_OK(cz_arena_create(root, 64 * 1024, &child));
    for (size_t i = 0; i < 100; i++)
        CZ_EXPECT_EQ((uintptr_t)cz_arena_alloc(child, i) % 16, 0);
    CZ_EXPECT(cz_arena_alloc(child, 100 * 1024) == NULL);
    CZ_EXPECT(cz_arena_alloc(child, 20 * 1024) != NULL);
    cz_arena_reset(child);
    CZ_EXPECT_EQ(cz_arena_bytes(child), CZ_ARENA_CHUNK_BYTES);
    cz_arena_destroy(root);
}
