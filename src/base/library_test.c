#include "base/library.h"
#include <calzone/testing.h>

CZ_TEST(a_library_is_loaded_with_all_functions_or_refused)
{
    double (*cosine)(double) = NULL;
    void (*nothing)(void) = NULL;
    const struct cz__symbol symbols[] = { { "cos", &cosine }, { "cz_no_such_function", &nothing } };
    static struct {
        struct cz__library library;
        size_t symbols;
        cz_status status;
        const char *message; /* how it begins */
    } cases[] = {
        { { "libm.so.6", "", "libm", "", false }, 1, CZ_OK, "" },
        { { "libm.so.6", "", "libm", "; version 9 is needed", false },
          2,
          CZ_EUNSUPPORTED,
          "libm lacks cz_no_such_function(); version 9 is needed" },
        { { "libm.so.6", "", "libm", "", false },
          2,
          CZ_EUNSUPPORTED,
          "libm lacks cz_no_such_function()" },
        { { "libnone.so.7", " (package none)", "libnone", "", false },
          1,
          CZ_EUNSUPPORTED,
          "libnone.so.7 cannot be loaded (package none): libnone.so.7: " },
        { { "libnone.so.7", "", "libnone", "", false },
          0,
          CZ_EUNSUPPORTED,
          "libnone.so.7 cannot be loaded: libnone.so.7: " },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz__library_load(&cases[i].library, symbols, cases[i].symbols, &err),
                     cases[i].status);
        CZ_EXPECT(
            cz_str_starts_with(cz_str_from(cz_error_message(&err)), cz_str_from(cases[i].message)));
    }
    CZ_REQUIRE(cosine);
    CZ_EXPECT(cosine(0) == 1);
    cosine = NULL;
    CZ_EXPECT_EQ(cz__library_load(&cases[0].library, symbols, 1, NULL), CZ_OK);
    CZ_EXPECT(!cosine); /* loaded once: nothing is written again */
    CZ_EXPECT(!nothing);
}
