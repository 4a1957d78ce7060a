/* Lists of migrations as an app has them. */
#include "migrations/migrations.h"
#include <calzone/testing.h>

static const cz_migration one = { "shop", "0001_initial" }, two = { "shop", "0002_more" };
static const cz_migration *const letters = (const void *)(uintptr_t)0x7265626d756e2061;

static const cz_migration *whole(size_t index)
{
    return index == 0 ? &one : index == 1 ? &two : NULL;
}

static const cz_migration *of_another_app(size_t index)
{
    return index == 0 ? &one : NULL;
}

/* Two of the things that a function without its `return` gives. */
static const cz_migration *always_the_last(size_t index)
{
    return index == 0 ? &one : &two;
}

static const cz_migration *then_no_address(size_t index)
{
    return index < 2 ? whole(index) : letters;
}

CZ_TEST(a_list_of_migrations_without_its_end_is_told)
{
    static const char no_end[] = "the list of migrations of the app shop has no CZ_LIST_END, or "
                                 "one of them twice";
    cz_error err;
    CZ_EXPECT_EQ(cz__migrations_add("shop", whole, &err), CZ_OK);
    CZ_EXPECT_EQ(cz__migrations_add("shop", always_the_last, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), no_end);
    CZ_EXPECT_EQ(cz__migrations_add("shop", then_no_address, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), no_end);
    CZ_EXPECT_EQ(cz__migrations_add("yard", of_another_app, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "migration shop.0001_initial is in the list of the app yard");
}
