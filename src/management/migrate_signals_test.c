/* Receivers of CZ_PRE_MIGRATE and CZ_POST_MIGRATE. */
#include "management/command_testing.h"
#include <calzone/calzone.h>

#define ROLE(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Role, ROLE);
#define SHIFT(F) F(foreign_key, role, Role, .on_delete = CZ_CASCADE)
CZ_MODEL(Shift, SHIFT);

static void tell(cz_ctx *ctx, const cz_event *event)
{
    (void)ctx;
    printf("%s %s\n", event->signal == CZ_PRE_MIGRATE ? "before" : "after", event->app);
}

/* What Django's own apps do: the rows every database has. */
static void make_roles(cz_ctx *ctx, const cz_event *event)
{
    if (!strcmp(event->app, "staff") && !cz_exists(ctx, Role))
        cz_create(ctx, Role, (name, "cook"));
}

static const cz_receiver receivers[] = { CZ_RECEIVER_OF_ALL(CZ_PRE_MIGRATE, tell),
                                         CZ_RECEIVER_OF_ALL(CZ_POST_MIGRATE, make_roles),
                                         CZ_RECEIVER_OF_ALL(CZ_POST_MIGRATE, tell) };

static CZ_MIGRATION(staff_0001_initial, "staff", "0001_initial",
                    .operations = CZ_OPERATIONS(CZ_CREATE_MODEL(
                        "Role", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                                { "name", "char_field", .max_length = 20 }))));
static const cz_migration *migrations(size_t index)
{
    return index == 0 ? &staff_0001_initial : NULL;
}

static const cz_app staff = { "staff", .models = CZ_MODELS(Role), .migrations = migrations,
                              .receivers = CZ_RECEIVERS(receivers) };
static const cz_app plan = { "plan", .models = CZ_MODELS(Shift) };
static const cz_app bare = { "bare" };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(kitchen, "kitchen", .apps = CZ_APPS(&staff, &bare, &plan), .urls = urls);

/* What a command prints. */
static cz_str run(const char *const *arguments)
{
    const char *url = cz__test_on_postgresql ? cz_test_postgresql() : cz__test_sqlite("k.db");
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(&kitchen, CZ__TEXTS(cz__test_setting("DATABASE_URL", url)),
                                  arguments, &out),
                 0);
    return out;
}

CZ_DATABASE_TEST(migrate_tells_each_app_with_models_before_and_after)
{
    cz_str out = run(CZ__TEXTS("migrate", "--plan"));
    CZ_EXPECT(cz_str_find(out, CZ_STR("before ")) == SIZE_MAX);
    CZ_EXPECT(cz_str_find(out, CZ_STR("after ")) == SIZE_MAX);
    CZ_EXPECT_STR(run(CZ__TEXTS("migrate")), "before staff\nbefore plan\n"
                                             "Running migrations:\n"
                                             "  Applying staff.0001_initial... OK\n"
                                             "  Created 1 table of apps without migrations.\n"
                                             "after staff\nafter plan\n");
    /* also when there is nothing to do, and for the others when one app is named, as in Django */
    CZ_EXPECT_STR(run(CZ__TEXTS("migrate", "staff")), "before staff\nbefore plan\n"
                                                      "Running migrations:\n"
                                                      "  No migrations to apply.\n"
                                                      "after staff\nafter plan\n");
}

static void count_roles(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz_count(ctx, Role), 1);
}

CZ_DATABASE_TEST(a_tests_database_has_what_receivers_of_migrations_made)
{
    cz_client_run(cz_client_create(&kitchen), count_roles, NULL);
}
