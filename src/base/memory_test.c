#include <calzone/testing.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif

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

/* Pieces of every size in one arena: none may overlap another, whatever chunk it came from. */
CZ_TEST(pieces_do_not_overlap_and_keep_their_bytes)
{
    enum { PIECES = 3000 };
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    uint32_t state = 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PIECES; i++) {
            state = state * 1664525 + 1013904223;
            size_t size = (state >> 8) % (i % 50 == 0 ? 20000 : i % 10 == 0 ? 3000 : 100);
            sizes[i] = size;
            pieces[i] = cz_arena_alloc(arena, size);
            CZ_REQUIRE(pieces[i]);
            memset(pieces[i], i & 0xff, size);
        }
        for (int i = 0; i < PIECES; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                CZ_REQUIRE(pieces[i][k] == (unsigned char)i);
        cz_arena_reset(arena);
        CZ_EXPECT_EQ(cz_arena_bytes(arena), CZ_ARENA_CHUNK_BYTES);
    }
    cz_arena_destroy(arena);
}

CZ_TEST(a_large_piece_leaves_the_small_ones_their_chunk)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ignore(cz_arena_alloc(arena, 16)); /* only the count of bytes matters here */
    for (int i = 0; i < 10; i++)
        CZ_REQUIRE(cz_arena_alloc(arena, 8000) && cz_arena_alloc(arena, 16));
    CZ_EXPECT(cz_arena_bytes(arena) < CZ_ARENA_CHUNK_BYTES + 10 * 8100);
    cz_arena_destroy(arena);
}

CZ_TEST(a_budget_counts_for_all_descendants_and_the_tightest_decides)
{
    cz_arena *root, *middle, *leaf, *other;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 200 * 1024, &root));
    CZ_REQUIRE_OK(cz_arena_create(root, 0, &middle));
    CZ_REQUIRE_OK(cz_arena_create(middle, 1024 * 1024, &leaf));
    CZ_EXPECT_EQ(cz_arena_budget(leaf), 200 * 1024);
    CZ_EXPECT_EQ(cz_arena_bytes(root), 3 * CZ_ARENA_CHUNK_BYTES);
    CZ_EXPECT(!cz__arena_is_spent(root) && !cz__arena_is_spent(leaf));
    CZ_EXPECT(cz_arena_alloc(leaf, 190 * 1024) == NULL);
    CZ_EXPECT(cz__arena_is_spent(root) && cz__arena_is_spent(leaf));
    CZ_EXPECT_EQ(cz_arena_bytes(root), 3 * CZ_ARENA_CHUNK_BYTES);
    CZ_EXPECT(cz_arena_alloc(leaf, 170 * 1024) != NULL);
    CZ_EXPECT_EQ(cz_arena_create(middle, 0, &other), CZ_ENOMEM);
    cz_arena_destroy(leaf);
    CZ_EXPECT_EQ(cz_arena_bytes(root), 2 * CZ_ARENA_CHUNK_BYTES);
    CZ_REQUIRE_OK(cz_arena_create(middle, 0, &other));
    cz_arena_destroy(middle);
    CZ_EXPECT_EQ(cz_arena_bytes(root), CZ_ARENA_CHUNK_BYTES);
    CZ_EXPECT_EQ(cz_arena_create(root, 100, &other), CZ_ENOMEM); /* less than its first chunk */
    CZ_EXPECT_EQ(cz_arena_create(NULL, CZ_ARENA_CHUNK_BYTES - 1, &other), CZ_ENOMEM);
    cz_arena_reset(root);
    CZ_EXPECT(!cz__arena_is_spent(root));
    CZ_REQUIRE_OK(cz_arena_create(root, CZ_ARENA_CHUNK_BYTES, &other));
    CZ_EXPECT(cz_arena_alloc(other, 1000) != NULL);
    CZ_EXPECT(cz_arena_alloc(other, CZ_ARENA_CHUNK_BYTES) == NULL);
    CZ_EXPECT(cz__arena_is_spent(other) && !cz__arena_is_spent(root));
    cz_arena_destroy(root);
}

CZ_TEST(sizes_that_overflow_are_refused)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 1 << 20, &arena));
    volatile size_t huge = SIZE_MAX; /* hidden from the compiler's own check */
    for (size_t less = 0; less < 64; less++)
        CZ_EXPECT(cz_arena_alloc(arena, huge - less) == NULL);
    CZ_EXPECT(cz_arena_calloc(arena, huge / 2, 3) == NULL);
    CZ_EXPECT(cz_arena_alloc(arena, huge / 4) == NULL);
    CZ_EXPECT(cz__arena_grown(arena, "ab", 2, huge / 2, 3) == NULL);
    CZ_EXPECT_EQ(cz_arena_bytes(arena), CZ_ARENA_CHUNK_BYTES);
    CZ_EXPECT(cz_arena_calloc(arena, 0, 8) != NULL && cz_arena_alloc(arena, 0) != NULL);
    cz_arena_destroy(arena);
}

CZ_TEST(a_list_that_grows_keeps_its_items)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 1 << 20, &arena));
    uint32_t *items = NULL;
    size_t count = 0;
    for (size_t cap = 1; cap <= 4096; cap *= 2) {
        items = cz__arena_grown(arena, items, count, cap, sizeof *items);
        CZ_REQUIRE(items);
        for (; count < cap; count++)
            items[count] = (uint32_t)count * 2654435761u;
    }
    for (size_t i = 0; i < count; i++)
        CZ_REQUIRE(items[i] == (uint32_t)i * 2654435761u);
    CZ_EXPECT(cz__arena_grown(arena, items, count, 1 << 20, sizeof *items) == NULL); /* too much */
    CZ_EXPECT_EQ(items[count - 1], 4095 * 2654435761u);
    cz_arena_destroy(arena);
}

static char order[64];

static void note(void *arg)
{
    size_t len = strlen(order);
    cz_assert(len + 1 < sizeof order);
    order[len] = *(const char *)arg;
    order[len + 1] = '\0';
}

static void register_more(void *arg)
{
    note((void *)"R");
    CZ_REQUIRE_OK(cz_arena_on_reset(arg, note, (void *)"m"));
}

static void destroy_arena(void *arg)
{
    note((void *)"D");
    cz_arena_destroy(arg);
}

CZ_TEST(cleanups_and_children_end_newest_first)
{
    cz_arena *root, *first, *second;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &root));
    CZ_REQUIRE_OK(cz_arena_on_reset(root, note, (void *)"1"));
    CZ_REQUIRE_OK(cz_arena_create(root, 0, &first));
    CZ_REQUIRE_OK(cz_arena_on_reset(first, note, (void *)"a"));
    CZ_REQUIRE_OK(cz_arena_on_reset(root, note, (void *)"2"));
    CZ_REQUIRE_OK(cz_arena_create(root, 0, &second));
    CZ_REQUIRE_OK(cz_arena_on_reset(second, note, (void *)"b"));
    CZ_REQUIRE_OK(cz_arena_on_reset(first, note, (void *)"c"));
    CZ_REQUIRE_OK(cz_arena_on_reset(root, register_more, root));
    CZ_REQUIRE_OK(cz_arena_on_reset(root, destroy_arena, second)); /* an owner may end it itself */
    cz_arena_reset(root);
    CZ_EXPECT_STR(cz_str_from(order), "DbRm2ca1");
    order[0] = '\0';
    cz_arena_reset(root);
    CZ_EXPECT_STR(cz_str_from(order), "");
    CZ_REQUIRE_OK(cz_arena_on_reset(root, note, (void *)"x"));
    cz_arena_destroy(root);
    CZ_EXPECT_STR(cz_str_from(order), "x");
    cz_arena_destroy(NULL);
}

CZ_TEST(children_leave_the_tree_in_any_order)
{
    cz_arena *root, *children[5];
    for (unsigned permutation = 0; permutation < 120; permutation++) {
        CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &root));
        for (size_t i = 0; i < CZ_COUNT(children); i++)
            CZ_REQUIRE_OK(cz_arena_create(root, 0, &children[i]));
        unsigned code = permutation;
        for (unsigned left = CZ_COUNT(children); left > 1; left--) {
            unsigned pick = code % left;
            code /= left;
            cz_arena_destroy(children[pick]);
            children[pick] = children[left - 1];
            CZ_EXPECT_EQ(cz_arena_bytes(root), left * (size_t)CZ_ARENA_CHUNK_BYTES);
        }
        cz_arena_destroy(root);
    }
    cz__arena_trim();
}

CZ_TEST(text_in_an_arena)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    CZ_EXPECT_STR(cz_str_from(cz_arena_strdup(arena, "pizza")), "pizza");
    CZ_EXPECT_STR(cz_str_from(cz_arena_printf(arena, "%s-%d", "a", 7)), "a-7");
    char *large = cz_arena_printf(arena, "%0*d", 9000, 1);
    CZ_REQUIRE(large);
    CZ_EXPECT_EQ(strlen(large), 9000);
    uint32_t *numbers = cz_arena_array(arena, uint32_t, 1000);
    for (size_t i = 0; i < 1000; i++)
        CZ_REQUIRE(numbers[i] == 0);
    cz_arena_destroy(arena);
}

#ifdef ASAN
/* One byte behind a piece, wherever it lies, is a report. In a child, which it ends. */
static void expect_overrun_is_seen(size_t before, size_t bytes)
{
    pid_t pid = fork();
    if (pid == 0) {
        cz_arena *arena;
        close(STDERR_FILENO);
        if (cz_arena_create(NULL, 0, &arena) || !cz_arena_alloc(arena, before))
            _exit(0);
        volatile char *piece = cz_arena_alloc(arena, bytes);
        piece[bytes] = 1;
        _exit(0);
    }
    int status;
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    CZ_EXPECT_MSG(!WIFEXITED(status) || WEXITSTATUS(status) != 0, "%zu bytes behind %zu", bytes,
                  before);
}

CZ_TEST(an_overrun_is_reported_under_address_sanitizer)
{
    static const size_t befores[] = { 1, 1000, 8000 }, sizes[] = { 16, 100, 2000, 3000, 9000 };
    for (size_t i = 0; i < CZ_COUNT(befores); i++)
        for (size_t k = 0; k < CZ_COUNT(sizes); k++)
            expect_overrun_is_seen(befores[i], sizes[k]);
}
#endif

#ifdef CZ_FAULTS
CZ_TEST(arenas_survive_any_failing_allocation)
{
    for (uint64_t n = 1; n < 40; n++) {
        cz_arena *root = NULL, *child = NULL;
        order[0] = '\0';
        cz__alloc_fail_at(n, n % 2);
        if (cz_arena_create(NULL, 0, &root) == CZ_OK) {
            int registered = 0;
            if (cz_arena_create(root, 0, &child) == CZ_OK)
                registered += cz_arena_on_reset(child, note, (void *)"c") == CZ_OK;
            for (int i = 0; i < 10; i++) {
                char *piece = cz_arena_alloc(child ? child : root, 1000);
                if (piece)
                    memset(piece, 1, 1000);
                registered += cz_arena_on_reset(root, note, (void *)"r") == CZ_OK;
                cz_ignore(cz_arena_printf(root, "%d", i) == NULL); /* may fail: that is the test */
            }
            cz__alloc_fail_at(0, false);
            cz_arena_destroy(root);
            CZ_EXPECT_EQ(strlen(order), registered);
        }
        cz__alloc_fail_at(0, false);
    }
}
#endif
