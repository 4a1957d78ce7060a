#include "runtime/shared_memory.h"
#include <calzone/testing.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "runtime/generation.h"

/* As if what is left had come over exec to the next generation. */
static void begin_next_generation(void)
{
    const struct cz__descriptors *leaves = &cz__generation.leaves;
    for (size_t i = 0; i < leaves->count; i++)
        CZ_REQUIRE_OK(cz__descriptors_add(&cz__generation.given, leaves->items[i].name,
                                          fcntl(leaves->items[i].fd, F_DUPFD_CLOEXEC, 0)));
    cz__descriptors_close(&cz__generation.leaves, NULL);
}

static char *open_memory(const char *name, size_t bytes, bool *out_fresh)
{
    void *memory = NULL;
    CZ_REQUIRE_OK(cz__shared_memory_open(name, bytes, &memory, out_fresh));
    return memory;
}

CZ_TEST(memory_of_the_same_name_and_size_is_the_next_generations)
{
    bool fresh;
    char *first = open_memory("x 1", 4096, &fresh);
    CZ_EXPECT(fresh && first[0] == 0);
    first[0] = 'a';
    char *again = open_memory("x 1", 4096, &fresh); /* the same generation: another site */
    CZ_EXPECT(fresh && again[0] == 0);
    again[0] = 'b';
    for (int generation = 0; generation < 2; generation++) {
        begin_next_generation();
        char *next = open_memory("x 1", 4096, &fresh);
        CZ_EXPECT(!fresh && next[0] == 'b');
        munmap(next, 4096);
    }
    begin_next_generation();
    char *other = open_memory("x 2", 4096, &fresh);
    CZ_EXPECT(fresh && other[0] == 0);
    char *longer = open_memory("x 1", 8192, &fresh);
    CZ_EXPECT(fresh && longer[0] == 0);
    CZ_EXPECT_EQ(cz__generation.given.count, 0); /* closed, as nobody can use it */
    munmap(first, 4096);
    munmap(again, 4096);
    munmap(other, 4096);
    munmap(longer, 8192);
}

CZ_TEST(memory_has_a_name_of_a_bounded_length)
{
    char name[CZ__DESCRIPTOR_NAME];
    void *memory;
    bool fresh;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CZ_EXPECT_EQ(cz__shared_memory_open(name, 4096, &memory, &fresh), CZ_EINVAL);
}
