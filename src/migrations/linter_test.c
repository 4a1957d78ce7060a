#include <calzone/testing.h>
#include "migrations/linter.h"
#include "migrations/migrations_internal.h"

static const cz_operation first[] = {
    CZ_CREATE_MODEL("Author",
                    CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                    { "name", "char_field", .max_length = 50 },
                                    { "kept", "char_field", .max_length = 50, .column = "same" },
                                    { "price", "decimal_field", .digits = 6, .places = 2 },
                                    { "born", "int_field", .null = true })),
    CZ_ADD_INDEX("Author", { "on_new_table", CZ_NAMES("name") }),
};

static const struct {
    cz_operation op;
    enum cz__safety safety;
    const char *lock;
    bool online;
} cases[] = {
    { CZ_CREATE_MODEL("Tag", CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true })),
      CZ__SAFE, NULL, false },
    { CZ_DELETE_MODEL("Author"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_MODEL("Author", "Writer"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_TABLE("Author", "writers"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_ADD_FIELD("Author", { "a", "int_field", .null = true }), CZ__SAFE, NULL, false },
    { CZ_ADD_FIELD("Author", { "a", "int_field", .default_ = cz_int(0) }), CZ__TWO_STEPS,
      "ACCESS EXCLUSIVE", false },
    { CZ_ADD_FIELD("Author", { "a", "int_field", .db_default = cz_int(0) }), CZ__SAFE, NULL,
      false },
    { CZ_ADD_FIELD("Author", { "a", "datetime_field", .db_default = cz_db_now() }), CZ__SAFE, NULL,
      false },
    { CZ_ADD_FIELD("Author", { "a", "char_field", .db_default = cz_sql("random()::text") }),
      CZ__BLOCKING, "ACCESS EXCLUSIVE", false },
    { CZ_ADD_FIELD("Author", { "a", "int_field", .null = true, .index = true }), CZ__BLOCKING,
      "SHARE", true },
    { CZ_ADD_FIELD("Author", { "a", "foreign_key", "store.Author", .null = true }), CZ__BLOCKING,
      "SHARE", true },
    { CZ_ADD_FIELD("Author", { "a", "many_to_many", "store.Author" }), CZ__SAFE, NULL, false },
    { CZ_REMOVE_FIELD("Author", "born"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_FIELD("Author", "name", "title"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_FIELD("Author", "kept", "title"), CZ__SAFE, NULL, false },
    { CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 60 }), CZ__SAFE, NULL, false },
    { CZ_ALTER_FIELD("Author", { "name", "text_field" }), CZ__SAFE, NULL, false },
    { CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 40 }), CZ__BLOCKING,
      "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 50, .null = true }), CZ__SAFE,
      NULL, false },
    { CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 50, .index = true }),
      CZ__BLOCKING, "SHARE", true },
    { CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 50, .unique = true }),
      CZ__BLOCKING, "SHARE", true },
    { CZ_ALTER_FIELD("Author", { "name", "char_field", .max_length = 50, .column = "x" }),
      CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD("Author", { "born", "int_field", .fill = cz_int(0) }), CZ__BLOCKING,
      "ACCESS EXCLUSIVE", true },
    { CZ_ALTER_FIELD("Author", { "born", "big_int_field", .null = true }), CZ__BLOCKING,
      "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD("Author", { "price", "decimal_field", .digits = 8, .places = 2 }), CZ__SAFE,
      NULL, false },
    { CZ_ALTER_FIELD("Author", { "price", "decimal_field", .digits = 8, .places = 3 }),
      CZ__BLOCKING, "ACCESS EXCLUSIVE", false },
    { CZ_ADD_INDEX("Author", { "i", CZ_NAMES("born") }), CZ__BLOCKING, "SHARE", true },
    { CZ_REMOVE_INDEX("Author", "on_new_table"), CZ__SAFE, NULL, false },
    { CZ_RENAME_INDEX("Author", "on_new_table", "x"), CZ__SAFE, NULL, false },
    { CZ_ADD_CONSTRAINT("Author", { "c", .check = "\"born\" > 0" }), CZ__BLOCKING,
      "ACCESS EXCLUSIVE", true },
    { CZ_ALTER_UNIQUE_TOGETHER("Author", "name", "born"), CZ__BLOCKING, "SHARE", true },
    { CZ_RUN_SQL("SELECT 1", NULL), CZ__TWO_STEPS, NULL, false },
    { CZ_RUN_SQL("SELECT 1", ""), CZ__SAFE, NULL, false },
};

CZ_TEST(each_operation_is_classed_by_its_lock_and_by_what_the_running_version_needs)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *what = cz__operation_describe(&ctx, &cases[i].op);
        const cz_migration initial = { "store", "0001", .operations = { first, CZ_COUNT(first) } };
        cz_migration change = { "store", "0002", .operations = { &cases[i].op, 1 } };
        const cz_migration *const all[] = { &initial };
        cz__graph *graph = cz__graph_make(&ctx, all, 1, NULL);
        cz__finding *found = cz__lint(&ctx, graph, &change);
        CZ_EXPECT_MSG(found->safety == cases[i].safety, "%zu %s is %s", i, what,
                      cz__safety_name(found->safety));
        CZ_EXPECT_MSG(cz_str_eq(cz_str_from(found->lock), cz_str_from(cases[i].lock)),
                      "%zu %s: lock %s", i, what, found->lock ? found->lock : "none");
        CZ_EXPECT_MSG((found->advice != NULL) == (found->safety != CZ__SAFE), "%s", what);
        CZ_EXPECT_EQ(found->can_be_online, cases[i].online);
        change.online = true;
        found = cz__lint(&ctx, graph, &change);
        CZ_EXPECT_MSG((found->safety == CZ__SAFE) == (cases[i].online || !cases[i].safety),
                      "%zu %s", i, what);
        found = cz__lint(&ctx, cz__graph_make(&ctx, all, 0, NULL), &initial);
        CZ_EXPECT(found[0].safety == CZ__SAFE && found[1].safety == CZ__SAFE);
    }
}
