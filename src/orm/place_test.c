/* The error of the database names the line that asked it. */
#include "orm/orm_testing.h"
#include <calzone/calzone.h>

#define LOST_ROW(F) F(int_field, number)
CZ_MODEL(LostRow, LOST_ROW);
static const struct cz__orm_test lost = { "lost", CZ_MODELS(LostRow) };

static int asked; /* the line */

static void select_all(cz_ctx *c, void *arg)
{
    (void)arg;
    asked = __LINE__ + 1;
    cz_ignore(cz_select(c, LostRow).count != 0); /* it raises */
}

static void count(cz_ctx *c, void *arg)
{
    (void)arg;
    asked = __LINE__ + 1;
    cz_ignore(cz_count(c, LostRow) != 0); /* it raises */
}

static void create(cz_ctx *c, void *arg)
{
    (void)arg;
    asked = __LINE__ + 1;
    cz_create(c, LostRow, (number, 1));
}

static void save(cz_ctx *c, void *arg)
{
    (void)arg;
    LostRow *row = cz_row_new(c, LostRow);
    asked = __LINE__ + 1;
    cz_save(c, row);
}

static void update(cz_ctx *c, void *arg)
{
    (void)arg;
    asked = __LINE__ + 1;
    cz_ignore(cz_update(c, LostRow, CZ_Q(LostRow, number, EXACT, 1), (number, 2)) !=
              0); /* it raises */
}

static void places(cz_ctx *c, void *arg)
{
    (void)arg;
    void (*const calls[])(cz_ctx * ctx, void *arg) = { select_all, count, create, save, update };
    for (size_t i = 0; i < CZ_COUNT(calls); i++) { /* there is no table */
        cz_error err = { 0 };
        CZ_EXPECT(cz_try(c, calls[i], NULL, &err) != CZ_OK);
        CZ_EXPECT_MSG(err.file && strstr(err.file, "place_test.c") && err.line == asked,
                      "call %zu: %s:%d, not line %d", i, err.file ? err.file : "?", err.line,
                      asked);
    }
}

CZ_DATABASE_TEST(an_error_of_the_database_names_the_line_that_asked)
{
    cz__orm_test_run(&lost, places);
}
