/* SQL by hand in a project of several databases: which of them it goes to. */
#include "orm/orm_internal.h"
#include "orm/raw.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdlib.h>

#define KETTLE(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Kettle, KETTLE);
#define BREW(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Brew, BREW, .database = "cellar");

#define COUNTED(F) F(big_int_field, rows)
CZ_RECORD(Counted, COUNTED);

static const cz_app kitchen_app = { "kitchen", .models = CZ_MODELS(Kettle, Brew) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(kitchen, "kitchen", .apps = CZ_APPS(&kitchen_app), .urls = urls,
                  .databases = CZ_DATABASES({ "cellar" }));

/* Two SQLite files or, where there is a server, SQLite and PostgreSQL. */
static void in_kitchen(void (*fn)(cz_ctx *ctx, void *arg))
{
    const char *server = getenv("CZ_TEST_POSTGRESQL_URL");
#ifdef CZ_POSTGRESQL
    if (server && *server)
        setenv("DATABASE_CELLAR_URL", server, 1);
#endif
    cz_client_run(cz_client_create(&kitchen), fn, NULL);
}

static void brew_in_default(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_execute(c, "INSERT INTO kitchen_brew (name) VALUES ('ale')");
}

static void goes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_execute(c, "INSERT INTO kitchen_kettle (name) VALUES (?)", CZ_ARGS("copper"));
    CZ_EXPECT_EQ(cz_execute(c, "INSERT INTO kitchen_brew (name) VALUES (?), (?)",
                            CZ_ARGS("ale", "stout"), .database = "cellar"),
                 2);
    CZ_EXPECT_EQ(cz_try(c, brew_in_default, NULL, NULL), CZ_EDATABASE);
    /* a model's rows come from where it lives, and know it */
    cz_rows(Brew) brews = cz_raw(c, Brew, "SELECT * FROM kitchen_brew ORDER BY name");
    CZ_REQUIRE(brews.count == 2);
    CZ_EXPECT(brews.items[0].row_.database == cz__database_find("cellar"));
    cz_set(c, &brews.items[0], name, "mild");
    cz_save(c, &brews.items[0]);
    CZ_EXPECT(cz_exists(c, Brew, .where = CZ_Q(Brew, name, EXACT, "mild")));
    /* a record's from where one says */
    cz_rows(Counted) counted = cz_raw_values(
        c, Counted, "SELECT COUNT(*) AS rows FROM kitchen_brew", CZ_ARGS(), .database = "cellar");
    CZ_EXPECT_EQ(counted.items[0].rows, 2);
    counted = cz_raw_values(c, Counted, "SELECT COUNT(*) AS rows FROM kitchen_kettle");
    CZ_EXPECT_EQ(counted.items[0].rows, 1);
}

CZ_TEST(sql_by_hand_goes_to_its_database)
{
    in_kitchen(goes);
}

static void brew(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_execute(c, "INSERT INTO kitchen_brew (name) VALUES ('porter')");
    cz_execute(c, "INSERT INTO kitchen_kettle (name) VALUES ('tin')", CZ_ARGS(),
               .database = "default");
    cz_raise(c, CZ_EVALIDATION, "no");
}

static void brew_in_cellar(cz_ctx *c, void *arg)
{
    cz_atomic_options options = { .database = "cellar" };
    cz_atomic_with(c, &options, brew, arg);
}

static void at_home(cz_ctx *c, void *arg)
{
    cz_with_database(c, "cellar", brew_in_cellar, arg);
}

static void follows(cz_ctx *c, void *arg)
{
    (void)arg;
    /* what names no database goes where the scope says, in its transaction */
    CZ_EXPECT_EQ(cz_try(c, at_home, NULL, NULL), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_count(c, Brew), 0);
    CZ_EXPECT_EQ(cz_count(c, Kettle), 1);
}

CZ_TEST(sql_by_hand_follows_a_scope_and_its_transaction)
{
    in_kitchen(follows);
}

static void note(const char *sentence, void *arg)
{
    const char **last = arg;
    *last = sentence;
}

static void checked(cz_ctx *c, void *arg)
{
    (void)arg;
    const char *last = "";
    cz_error err;
    cz__raw_mixed = false;
    for (size_t i = 0; i < cz__database_count; i++) {
        CZ_REQUIRE_OK(cz__db_go_home(c, &cz__databases[i], &err));
        cz__raw_check(c);
    }
    cz_ignore(cz__raw_check_end(true, note, &last) > 0); /* other tests' have mistakes */
    for (size_t i = 0; i < cz__raw_count(); i++) {
        const struct cz__raw *here = cz__raw_at(i);
        if (!strcmp(here->file, __FILE__))
            CZ_EXPECT_MSG(here->taken || !here->trouble, "%s", here->trouble);
    }
    /* a model's literal was prepared in one of them alone */
    CZ_EXPECT_EQ(cz_count(c, Kettle, .database = "default"), 0);
}

CZ_TEST(a_literal_is_checked_where_its_model_lives)
{
    in_kitchen(checked);
}
