/* What a model's meta asks of its table, the table does. */
#include "orm/orm_testing.h"
#include "db/introspection.h"
#include <calzone/bulk.h>
#include <calzone/raw.h>
#include <calzone/relations.h>

#define LOAN(F)                                                                                    \
    F(int_field, book)                                                                             \
    F(int_field, days)                                                                             \
    F(date_field, returned, .null = true)
CZ_MODEL(Loan, LOAN,
         .indexes =
             CZ_INDEXES({ .fields = CZ_FIELDS(Loan, book, days) },
                        { .name = "loan_open",
                          .fields = CZ_FIELDS(Loan, days),
                          .condition = "\"returned\" IS NULL" },
                        { .name = "loan_twice", .expressions = "(\"days\" * 2)" },
                        { .order = CZ_ORDER_BY(CZ_DESC(Loan, book), CZ_ASC(Loan, id)) },
                        { .name = "loan_covers",
                          .fields = CZ_FIELDS(Loan, returned),
                          .include = CZ_FIELDS(Loan, days) },
                        { .name = "loan_hash", .fields = CZ_FIELDS(Loan, book), .method = "hash" }),
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

static void indexes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    const cz__db_driver *driver = cz__db_default->driver;
    cz__db_session *session;
    cz__table_info info = { 0 };
    cz_error err;
    cz_str text;
    CZ_REQUIRE_OK(cz__db_session_of(c, &session, &err));
    CZ_REQUIRE_OK(driver->describe_table(c, session, "library_loan", &info, &err));
    CZ_REQUIRE_OK(cz__table_info_text(&info, c->arena, &text));
    bool postgresql = driver->features->returning_key;
    const char *const lines[] = {
        "index library_loan_book_days_idx(book, days)\n",
        "index library_loan_book_id_idx(-book, id)\n",
        "index loan_open(days) where ",
        postgresql ? "index loan_twice((days * 2))\n" : "index loan_twice((\"days\" * 2))\n",
        postgresql ? "index loan_covers(returned, +days)\n" : "index loan_covers(returned, days)\n",
        postgresql ? "index loan_hash(book)\n" : "",
    };
    for (size_t i = 0; i < CZ_COUNT(lines); i++)
        CZ_EXPECT_MSG(cz_str_find(text, cz_str_from(lines[i])) != SIZE_MAX, "no \"%s\" in %.*s",
                      lines[i], CZ_STR_ARG(text));
    CZ_EXPECT_EQ(cz_str_find(text, CZ_STR("loan_hash")) == SIZE_MAX, !postgresql);
}

CZ_DATABASE_TEST(indexes_of_a_model_are_its_tables)
{
    cz__orm_test_run(&library, indexes);
}

CZ_DATABASE_TEST(constraints_of_a_model_are_its_tables)
{
    cz__orm_test_run(&library, rules);
}

/* ---- which rule was broken ---- */

#define VAULT(F) F(char_field, name, .max_length = 20, .unique = true)
CZ_MODEL(Vault, VAULT);

#define COFFER(F)                                                                                  \
    F(foreign_key, vault, Vault, .on_delete = CZ_DO_NOTHING)                                       \
    F(int_field, shelf)                                                                            \
    F(int_field, place)                                                                            \
    F(int_field, coins, .default_ = cz_int(0))                                                     \
    F(int_field, gems, .default_ = cz_int(0))                                                      \
    F(char_field, label, .max_length = 20, .default_ = cz_text(""))                                \
    F(int_field, pearls, .default_ = cz_int(0))
CZ_MODEL(Coffer, COFFER, .unique_together = CZ_FIELDS(Coffer, shelf, place),
         .constraints = CZ_CONSTRAINTS({ .name = "coffer_coins", .check = "\"coins\" >= 0" },
                                       { .name = "coffer_gems",
                                         .unique = CZ_FIELDS(Coffer, vault, gems),
                                         .condition = "\"gems\" > 0" },
                                       { .name = "few_pearls",
                                         .unique = CZ_FIELDS(Coffer, pearls),
                                         .condition = "\"pearls\" between 1 and 9" },
                                       { .name = "many_pearls",
                                         .unique = CZ_FIELDS(Coffer, pearls),
                                         .condition = "\"pearls\" > 9" },
                                       { .name = "coffer_label",
                                         .expressions = "lower(\"label\"), (\"shelf\" + 0)",
                                         .condition = "\"label\" <> ''" }));

static const struct cz__orm_test bank = { "bank", CZ_MODELS(Vault, Coffer) };

static void same_name(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Vault, (name, "deep"));
}
static void same_key(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Vault, (id, 1), (name, "other"));
}
static void no_name(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_execute(c, "INSERT INTO bank_vault (name) VALUES (NULL)");
}
static void no_vault(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Coffer, (vault_id, 9), (shelf, 2), (place, 1));
}
static void vault_in_use(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Vault, CZ_EVERY_ROW);
}
static void same_place(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Coffer, (vault_id, 1), (shelf, 1), (place, 1));
}
static void debt(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Coffer, (vault_id, 1), (shelf, 2), (place, 1), (coins, -1));
}
static void same_gems(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Coffer, (vault_id, 1), (shelf, 2), (place, 1), (gems, 7));
}
static void same_pearls(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_update(c, Coffer, CZ_EVERY_ROW, (pearls, 3));
}
static void same_label(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Coffer, (vault_id, 1), (shelf, 1), (place, 8), (label, "GOLD"));
}
static void by_hand(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_execute(c, "UPDATE bank_coffer SET coins = -1");
}
static void no_rule(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_raise(c, CZ_EINTEGRITY, "not of the database");
}

static void broken_rules(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    bool postgresql = cz__db_default->driver->features->returning_key;
    cz_create(c, Vault, (name, "deep"));
    cz_create(c, Coffer, (vault_id, 1), (shelf, 1), (place, 1), (gems, 7));
    cz_create(c, Coffer, (vault_id, 1), (shelf, 1), (place, 2));
    cz_create(c, Coffer, (vault_id, 1), (shelf, 1), (place, 3), (label, "Gold"));
    cz_create(c, Coffer, (vault_id, 1), (shelf, 3), (place, 3), (label, "gold"));
    const struct {
        void (*change)(cz_ctx *ctx, void *arg);
        const char *constraint;
    } cases[] = {
        { same_name, "bank_vault.name" },
        { same_key, "bank_vault.id" },
        { no_name, "bank_vault.name" },
        { no_vault, postgresql ? "bank_coffer.vault_id" : "" },
        { vault_in_use, postgresql ? "bank_coffer.vault_id" : "" },
        { same_place, "bank_coffer.shelf, place" },
        { debt, "coffer_coins" },
        { same_gems, "coffer_gems" },
        { same_pearls, postgresql ? "few_pearls" : "bank_coffer.pearls" }, /* one of two */
        { same_label, "coffer_label" },
        { by_hand, "coffer_coins" },
        { no_rule, "" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        void (*change)(cz_ctx *, void *) = cases[i].change;
        cz_error err = { .constraint = "of before" };
        CZ_EXPECT_EQ(cz_try(c, in_block, &change, &err), CZ_EINTEGRITY);
        CZ_EXPECT_MSG(strcmp(err.constraint, cases[i].constraint) == 0, "%zu: %s: %s", i,
                      err.constraint, cz_error_message(&err));
    }
}

static void rule_over_expressions(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_create(c, Vault, (name, "deep"));
    cz_create(c, Coffer, (vault_id, 1), (shelf, 1), (place, 3), (label, "Gold"));
    void (*change)(cz_ctx *, void *) = same_label;
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, in_block, &change, &err), CZ_EINTEGRITY);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Another row is the same by the rule coffer_label.");
    /* a row that is found by other columns is changed all the same, and refused if its label is another's */
    Coffer *again = cz_row_new(c, Coffer);
    cz_set(c, again, vault_id, 1);
    cz_set(c, again, shelf, 1);
    cz_set(c, again, place, 3);
    cz_set(c, again, label, "GOLD");
    cz_bulk_create(c, Coffer, &again, 1, .update = CZ_FIELDS(Coffer, coins, label),
                   .unique = CZ_FIELDS(Coffer, shelf, place));
    CZ_EXPECT_EQ(cz_count(c, Coffer, .where = CZ_Q(Coffer, label, EXACT, "GOLD")), 1);
    CZ_EXPECT_EQ(cz_count(c, Coffer), 1);
}

CZ_DATABASE_TEST(rows_may_be_unique_in_an_expression)
{
    cz__orm_test_run(&bank, rule_over_expressions);
}

CZ_DATABASE_TEST(the_rule_that_was_broken_is_named)
{
    cz__orm_test_run(&bank, broken_rules);
}

/* ---- managers ---- */

#define TRUMP(F)                                                                                   \
    F(char_field, name)                                                                            \
    F(bool_field, hidden, .default_ = cz_bool(false))                                              \
    F(int_field, rank)                                                                             \
    F(foreign_key, above, Trump, .null = true, .on_delete = CZ_SET_NULL)                           \
    F(reverse, below, Trump, above)
CZ_MODEL(Trump, TRUMP,
         .manager = CZ_MANAGER(.where = CZ_Q(Trump, hidden, EXACT, false),
                               .order_by = CZ_ORDER_BY(CZ_DESC(Trump, rank))));

static const cz_manager low_cards = { .where = CZ_Q(Trump, rank, LT, 5) };
static const struct cz__orm_test game = { "game", CZ_MODELS(Trump) };

static void managed(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Trump *king = cz_create(c, Trump, (name, "king"), (rank, 13), (hidden, true));
    for (int i = 2; i < 8; i++)
        cz_create(c, Trump, (name, "card"), (rank, i), (hidden, i % 2 == 0), (above_id, king->id));
    cz_rows(Trump) rows = cz_select(c, Trump); /* 7, 5, 3 */
    CZ_REQUIRE(rows.count == 3);
    CZ_EXPECT_EQ(rows.items[0].rank, 7);
    CZ_EXPECT_EQ(cz_count(c, Trump, .where = CZ_Q(Trump, rank, GT, 3)), 2);
    CZ_EXPECT_EQ(cz_count(c, Trump, .manager = &low_cards), 3); /* 2, 3, 4 */
    CZ_EXPECT_EQ(cz_count(c, Trump, .manager = &cz_base_manager), 7);
    CZ_EXPECT_EQ(cz_first(c, Trump, .manager = &low_cards)->rank, 2);
    /* in subqueries and unions as well */
    CZ_EXPECT_EQ(cz_count(c, Trump, .manager = &cz_base_manager,
                          .where = CZ_EXISTS(
                              Trump, .where = CZ_Q(Trump, above, EXACT, CZ_OUTER(Trump, id)))),
                 1);
    CZ_EXPECT_EQ(cz_select(c, Trump, .unordered = true,
                           .combine = CZ_UNION(CZ_QUERY(Trump, .manager = &low_cards)))
                     .count,
                 5);
    /* the row a foreign key leads to, a row that was read, the many sides */
    CZ_EXPECT_STR(CZ_REL(c, &rows.items[0], above)->name, "king");
    Trump *hidden = cz_get(c, Trump, .manager = &low_cards, .where = CZ_Q(Trump, rank, EXACT, 4));
    cz_set(c, hidden, name, "four");
    cz_save(c, hidden);
    cz_refresh(c, hidden);
    CZ_EXPECT_STR(hidden->name, "four");
    CZ_EXPECT_EQ(cz_related(c, Trump, king, below).count, 3);
    CZ_EXPECT_EQ(cz_related(c, Trump, king, below, .manager = &cz_base_manager).count, 6);
    /* changes of many rows */
    CZ_EXPECT_EQ(cz_update(c, Trump, CZ_EVERY_ROW, (name, "seen")), 3);
    CZ_EXPECT_EQ(cz_update_rows(c, Trump, CZ_QUERY(Trump, .manager = &low_cards), (name, "low")),
                 3);
    CZ_EXPECT_EQ(cz_delete(c, Trump, CZ_Q(Trump, rank, GT, 5)), 1);
    cz_remove(c, hidden);
    CZ_EXPECT_EQ(cz_delete_rows(c, CZ_QUERY(Trump, .manager = &cz_base_manager)), 5);
}
CZ_DATABASE_TEST(queries_go_by_their_manager)
{
    cz__orm_test_run(&game, managed);
}

/* ---- defaults of the database ---- */

#define TICKET(F)                                                                                  \
    F(char_field, title)                                                                           \
    F(char_field, state, .db_default = cz_text("it's new"))                                        \
    F(int_field, votes, .db_default = cz_int(-3))                                                  \
    F(bool_field, open, .db_default = cz_bool(true))                                               \
    F(decimal_field, price, .digits = 8, .places = 2, .db_default = cz_text("9.90"))               \
    F(float_field, share, .db_default = cz_real(0.5))                                              \
    F(datetime_field, made, .db_default = cz_db_now())                                             \
    F(date_field, day, .null = true, .db_default = cz_db_now())                                    \
    F(date_field, due, .null = true, .db_default = cz_text("2001-02-03"))                          \
    F(uuid_field, token, .db_default = cz_text("00000000-0000-4000-8000-000000000001"))            \
    F(char_field, code, .null = true, .db_default = cz_sql("upper('a' || 'b')"))
CZ_MODEL(Ticket, TICKET);
static const struct cz__orm_test fair = { "fair", CZ_MODELS(Ticket) };

static void given(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Ticket *new = cz_create(c, Ticket, (title, "a"));
    CZ_EXPECT_STR(new->state, "it's new");
    CZ_EXPECT_EQ(new->votes, -3);
    CZ_EXPECT(new->open);
    CZ_EXPECT_EQ(cz_decimal_compare(new->price, cz_decimal_of(990, 2)), 0);
    CZ_EXPECT(new->share > 0.49 && new->share < 0.51);
    CZ_EXPECT(cz_now().us - new->made.us < 60000000 && new->made.us - cz_now().us < 60000000);
    CZ_EXPECT(!cz_is_null(new, day) && !cz_is_dirty(new, day));
    CZ_EXPECT_EQ(new->due.days, 11356);
    CZ_EXPECT_EQ(new->token.bytes[15], 1);
    CZ_EXPECT_STR(new->code, "AB");
    CZ_EXPECT_EQ(new->id, 1);
    CZ_EXPECT_EQ(cz_count(c, Ticket, .where = CZ_Q(Ticket, made, EXACT, new->made)), 1);
    /* what is given is what is stored, NULL too */
    Ticket *own =
        cz_create(c, Ticket, (title, "b"), (state, ""), (votes, 0), (due, NULL), (open, false));
    CZ_EXPECT_STR(own->state, "");
    CZ_EXPECT_EQ(own->votes, 0);
    CZ_EXPECT(cz_is_null(own, due) && !own->open);
    CZ_EXPECT_STR(own->code, "AB");
    cz_refresh(c, own);
    CZ_EXPECT(cz_is_null(own, due));
    /* and inside a transaction, where a rollback takes it away */
    Ticket *keyed = cz_create(c, Ticket, (id, 70), (title, "c"));
    CZ_EXPECT_EQ(keyed->id, 70);
    CZ_EXPECT_EQ(keyed->votes, -3);
}
CZ_DATABASE_TEST(the_database_gives_its_defaults)
{
    cz__orm_test_run(&fair, given);
}

static void given_many(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    enum { ROWS = 600 }; /* enough to be loaded, where a database loads */
    cz_row *rows[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        Ticket *ticket = cz_row_new(c, Ticket);
        cz_set(c, ticket, title, "many");
        if (i >= 550 && i % 2)
            cz_set(c, ticket, votes, (int)i);
        rows[i] = &ticket->row_;
    }
    CZ_EXPECT_EQ(cz__bulk_create(c, &Ticket__model, rows, ROWS, &(cz_bulk_options){ 0 }), ROWS);
    CZ_EXPECT_EQ(cz_count(c, Ticket, .where = CZ_Q(Ticket, votes, EXACT, -3)), 575);
    CZ_EXPECT_EQ(cz_count(c, Ticket, .where = CZ_Q(Ticket, votes, GTE, 551)), 25);
    CZ_EXPECT_EQ(cz_count(c, Ticket, .where = CZ_Q(Ticket, state, EXACT, "it's new")), ROWS);
    const Ticket *first = (const Ticket *)(const void *)rows[0];
    CZ_EXPECT(!cz_is_loaded(first, votes)); /* as in Django, nobody asked what it was */
}
CZ_DATABASE_TEST(the_database_gives_its_defaults_to_many_rows)
{
    cz__orm_test_run(&fair, given_many);
}
