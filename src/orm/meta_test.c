/* What a model's meta asks of its table, the table does. */
#include "orm/orm_testing.h"

#define LOAN(F)                                                                                    \
    F(int_field, book)                                                                             \
    F(int_field, days)                                                                             \
    F(date_field, returned, .null = true)
CZ_MODEL(Loan, LOAN,
         .indexes = CZ_INDEXES({ .fields = CZ_FIELDS(Loan, book, days) },
                               { .name = "loan_open",
                                 .fields = CZ_FIELDS(Loan, days),
                                 .condition = "\"returned\" IS NULL" }),
         .constraints = CZ_CONSTRAINTS({ .name = "loan_days", .check = "\"days\" > 0" },
                                       { .name = "loan_one_open",
                                         .unique = CZ_FIELDS(Loan, book),
                                         .condition = "\"returned\" IS NULL" }));

static const struct cz__orm_test library = { "library", CZ_MODELS(Loan) };

static void no_days(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Loan, (book, 9), (days, 0));
}
static void lent_already(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Loan, (book, 1), (days, 5));
}
static void in_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, *(void (**)(cz_ctx *, void *))arg, NULL);
}

static void rules(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_date day = { 20000 };
    cz_create(c, Loan, (book, 1), (days, 3), (returned, day));
    cz_create(c, Loan, (book, 1), (days, 3), (returned, day));
    cz_create(c, Loan, (book, 1), (days, 3));
    void (*bad[])(cz_ctx *, void *) = { no_days, lent_already };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_error err;
        CZ_EXPECT_EQ(cz_try(c, in_block, &bad[i], &err), CZ_EINTEGRITY);
    }
    CZ_EXPECT_EQ(cz_count(c, Loan), 3);
}

CZ_DATABASE_TEST(constraints_of_a_model_are_its_tables)
{
    cz__orm_test_run(&library, rules);
}
