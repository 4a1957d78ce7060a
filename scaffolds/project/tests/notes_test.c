#include "notes/models.h"
#include <calzone/testing.h>

CZ_TEST(a_title_of_one_line_is_taken)
{
    CZ_EXPECT(!validate_title(CZ_STR("Buy basil"), 0));
}

CZ_TEST(a_title_of_two_lines_is_refused)
{
    CZ_EXPECT_STR(cz_str_from(validate_title(CZ_STR("Buy\nbasil"), 0)), "A title is one line.");
}
