/* `makemigrations` where nobody sits at a terminal. */
#include "management/command_testing.h"
#include <calzone/calzone.h>

#define DRAWER(F)                                                                                  \
    F(int_field, breadth)                                                                          \
    F(int_field, depth)                                                                            \
    F(char_field, label, .max_length = 20)
CZ_MODEL(Drawer, DRAWER);

static CZ_MIGRATION(desk_0001_initial, "desk", "0001_initial",
                    .operations = CZ_OPERATIONS(CZ_CREATE_MODEL(
                        "Drawer",
                        CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                        { "width", "int_field" }, { "length", "int_field" }))));
CZ_MIGRATION_LIST(desk_migrations)
{
    CZ_LISTED(desk_0001_initial);
    CZ_LIST_END;
}

static const cz_app desk_app = { "desk", .models = CZ_MODELS(Drawer),
                                 .migrations = desk_migrations };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(office, "office", .apps = CZ_APPS(&desk_app), .urls = urls);

#define RENAMED(old, new)                                                                          \
    "office: was desk.Drawer." old " renamed to " new "? Say --rename desk.Drawer." old            \
                                                      ":" new ", or --no-rename\n"
#define FILLED(field)                                                                              \
    "office: desk.Drawer." field                                                                   \
    " may not be NULL and has no default: say what the rows that are "                             \
    "there get, --default desk.Drawer." field "=VALUE\n"

#define EXPECT_RUN(code, text, ...)                                                                \
    do {                                                                                           \
        cz_str run_out;                                                                            \
        CZ_EXPECT_EQ(cz__test_command(&office, CZ__TEXTS(NULL),                                    \
                                      CZ__TEXTS("makemigrations", "--dry-run", __VA_ARGS__),       \
                                      &run_out),                                                   \
                     code);                                                                        \
        CZ_EXPECT_MSG(cz_str_starts_with(run_out, CZ_STR(text)), "%.*s", CZ_STR_ARG(run_out));     \
    } while (0)

CZ_TEST(all_questions_are_told_at_once)
{
    EXPECT_RUN(1, RENAMED("width", "breadth") RENAMED("length", "depth") FILLED("label"), NULL);
    /* what is answered is not asked again */
    EXPECT_RUN(1, RENAMED("length", "depth") FILLED("label"), "--rename",
               "desk.Drawer.width:breadth");
    EXPECT_RUN(1, FILLED("breadth") FILLED("depth") FILLED("label"), "--no-rename");
    EXPECT_RUN(0, "Migrations for desk:\n  0002_", "--rename", "desk.Drawer.width:breadth",
               "--rename", "desk.Drawer.length:depth", "--default", "desk.Drawer.label=x");
}
