#include <calzone/testing.h>
#include "migrations/linter.h"
#include "migrations/migrations_internal.h"

static const cz_operation first[] = {
    CZ_CREATE_MODEL(
        "Author",
        CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                        { "name", "char_field", .max_length = 50 },
                        { "kept", "char_field", .max_length = 50, .column = "same" },
                        { "price", "decimal_field", .digits = 6, .places = 2 },
                        { "born", "int_field", .null = true },
                        { "friends", "many_to_many", "store.Author" },
                        { "peers", "many_to_many", "store.Author", .through = "store.Peer" },
                        { "rivals", "many_to_many", "store.Author", .table = "rivals" })),
    CZ_ADD_INDEX("Author", { "on_new_table", CZ_NAMES("name") }),
    CZ_CREATE_MODEL("Linked", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true }),
                    .table = "linked"),
    CZ_CREATE_MODEL("Linking",
                    CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                    { "linked", "many_to_many", "store.Linked" }),
                    .table = "linking"),
    CZ_CREATE_MODEL("Alone", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true }),
                    .table = "alone"),
    CZ_CREATE_MODEL("Profile", CZ_STATE_FIELDS({ "author", "one_to_one", "store.Author",
                                                 .primary_key = true, .on_delete = CZ_CASCADE })),
    CZ_CREATE_MODEL("Photo", CZ_STATE_FIELDS({ "id", "uuid_field", .primary_key = true },
                                             { "profile", "foreign_key", "store.Profile",
                                               .on_delete = CZ_CASCADE })),
    CZ_CREATE_MODEL(
        "Shelf",
        CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                        { "height", "int_field", .db_default = cz_int(30) },
                        { "room", "foreign_key", "store.Author", .unconstrained = true }),
        .table = "shelves"),
    CZ_CREATE_MODEL("Leading",
                    CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                    { "them", "many_to_many", "store.Goal" }),
                    .table = "leading"),
    CZ_CREATE_MODEL("Goal", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true }),
                    .table = "goals"),
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
    { CZ_RENAME_MODEL("Author", "AUTHOR"), CZ__SAFE, NULL, false },
    { CZ_RENAME_MODEL("Alone", "Lonely"), CZ__SAFE, NULL, false },
    { CZ_RENAME_MODEL("Linking", "Binding"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_MODEL("Linked", "Bound"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_MODEL("Shelf", "Board"), CZ__SAFE, NULL, false },
    { CZ_RENAME_MODEL("Leading", "Bound"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_MODEL("Goal", "End"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
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
    { CZ_RENAME_FIELD("Author", "friends", "mates"), CZ__TWO_STEPS, "ACCESS EXCLUSIVE", false },
    { CZ_RENAME_FIELD("Author", "peers", "mates"), CZ__SAFE, NULL, false },
    { CZ_RENAME_FIELD("Author", "rivals", "mates"), CZ__SAFE, NULL, false },
    { CZ_ALTER_FIELD("Author", { "rivals", "many_to_many", "store.Author" }), CZ__TWO_STEPS,
      "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD(
          "Author", { "friends", "many_to_many", "store.Author", .table = "store_author_friends" }),
      CZ__SAFE, NULL, false },
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
    { CZ_ALTER_FIELD("Author", { "id", "uuid_field", .primary_key = true }), CZ__BLOCKING,
      "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD("Profile", { "author", "one_to_one", "store.Photo", .primary_key = true,
                                  .on_delete = CZ_CASCADE }),
      CZ__BLOCKING, "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD("Author", { "friends", "many_to_many", "store.Goal" }), CZ__TWO_STEPS,
      "ACCESS EXCLUSIVE", false },
    { CZ_ALTER_FIELD("Shelf", { "height", "int_field" }), CZ__TWO_STEPS, "ACCESS EXCLUSIVE",
      false },
    { CZ_ALTER_FIELD("Shelf", { "height", "int_field", .db_default = cz_int(40) }), CZ__SAFE, NULL,
      false },
    { CZ_ALTER_FIELD("Shelf", { "height", "int_field", .null = true }), CZ__SAFE, NULL, false },
    { CZ_ALTER_FIELD("Shelf", { "room", "foreign_key", "store.Author" }), CZ__BLOCKING, "SHARE",
      true },
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
        bool requires_value =
            cases[i].op.kind == CZ_OPERATION_ALTER_FIELD && cases[i].op.fields.items[0].fill.kind;
        if (found->safety == CZ__SAFE)
            CZ_EXPECT_MSG((found->advice != NULL) == requires_value, "%s", what);
        found = cz__lint(&ctx, cz__graph_make(&ctx, all, 0, NULL), &initial);
        CZ_EXPECT(found[0].safety == CZ__SAFE && found[1].safety == CZ__SAFE);
    }
}

CZ_TEST(a_change_of_a_key_names_every_table_that_is_written_again)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    const cz_operation op = CZ_ALTER_FIELD("Author", { "id", "uuid_field", .primary_key = true });
    const cz_migration initial = { "store", "0001", .operations = { first, CZ_COUNT(first) } };
    const cz_migration change = { "store", "0002", .operations = { &op, 1 } };
    const cz_migration *const all[] = { &initial };
    cz__finding *found = cz__lint(&ctx, cz__graph_make(&ctx, all, 1, NULL), &change);
    CZ_REQUIRE(found->advice);
    CZ_EXPECT_MSG(
        strstr(found->advice,
               "store_author, with each table that refers to it: store_author_friends, "
               "rivals, store_profile, store_photo, shelves, is written again while nobody reads"),
        "said: %s", found->advice);
}

/* ---- what goes and comes again ---- */

#define SCROLL(F) F(text_field, body) F(int_field, age)
CZ_MODEL(Scroll, SCROLL,
         .indexes = CZ_INDEXES(
             { .name = "scroll_words", .fields = CZ_FIELDS(Scroll, body), .search = "english" }),
         .constraints = CZ_CONSTRAINTS({ .name = "scroll_age", .check = "\"age\" > 1" }));

static const cz_operation scroll_first[] = {
    CZ_CREATE_MODEL("Scroll", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                              { "body", "text_field" }, { "age", "int_field" })),
    CZ_ADD_INDEX("Scroll", { "scroll_words", CZ_NAMES("body"), .search = "simple" }),
    CZ_ADD_INDEX("Scroll", { "scroll_gone", CZ_NAMES("age") }),
    CZ_ADD_CONSTRAINT("Scroll", { "scroll_age", .check = "\"age\" > 0" }),
};
static const cz_operation scroll_change[] = {
    CZ_REMOVE_INDEX("Scroll", "scroll_gone"),
    CZ_REMOVE_INDEX("Scroll", "scroll_words"),
    CZ_REMOVE_CONSTRAINT("Scroll", "scroll_age"),
    CZ_ADD_INDEX("Scroll", { "scroll_words", CZ_NAMES("body"), .search = "english" }),
    CZ_ADD_CONSTRAINT("Scroll", { "scroll_age", .check = "\"age\" > 1" }),
};

CZ_TEST(what_goes_in_one_migration_and_comes_again_in_another_is_told)
{
    cz_ctx ctx;
    cz_error err = { 0 };
    const cz_model_list models = CZ_MODELS(Scroll);
    cz_ctx_init(&ctx, cz_test_arena());
    CZ_REQUIRE_OK(cz__models_add("library", models.items, models.count, &err));
    CZ_REQUIRE_OK(cz__models_resolve(&err));
    const cz_migration initial = { "library", "0001", .operations = { scroll_first, 4 } };
    const cz_migration *const all[] = { &initial };
    cz__graph *graph = cz__graph_make(&ctx, all, 1, NULL);
    const cz_migration apart = { "library", "0002", .operations = { scroll_change, 3 } };
    const cz_migration whole = { "library", "0002", .operations = { scroll_change, 5 } };
    cz_migration beside = whole;
    beside.online = true;
    const cz_migration *const told[] = { &apart, &beside };
    for (size_t i = 0; i < CZ_COUNT(told); i++) {
        cz__finding *found = cz__lint(&ctx, graph, told[i]);
        CZ_EXPECT(!found[0].advice);
        CZ_EXPECT_EQ(found[1].safety, CZ__SAFE);
        CZ_REQUIRE(found[1].advice && found[2].advice);
        CZ_EXPECT(strstr(found[1].advice, "read the whole table, searches of full text too"));
        CZ_EXPECT(strstr(found[2].advice, "rows that break it are stored"));
    }
    cz__finding *found = cz__lint(&ctx, graph, &whole);
    CZ_EXPECT(!found[1].advice && !found[2].advice);
}
