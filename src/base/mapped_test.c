#include "base/mapped.h"
#include <calzone/testing.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

CZ_TEST(what_can_be_read_is_told_from_what_cannot)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(two != MAP_FAILED);
    CZ_REQUIRE(mprotect(two + page, page, PROT_NONE) == 0);
    static const char text[] = "constants, too";
    CZ_EXPECT(cz__mapped(text, sizeof text));
    CZ_EXPECT(cz__mapped(two, page));
    CZ_EXPECT(cz__mapped(two + page - 1, 1));
    CZ_EXPECT(!cz__mapped(two + page - 1, 2));
    CZ_EXPECT(!cz__mapped(two + page, 1));
    CZ_EXPECT(!cz__mapped(NULL, 1));
    CZ_EXPECT(!cz__mapped((const void *)(uintptr_t)0x6c6c6f633a6f6f66, 8)); /* letters */
    CZ_EXPECT(!cz__mapped((const void *)UINTPTR_MAX, 8));
    CZ_EXPECT(munmap(two, 2 * page) == 0);
}
