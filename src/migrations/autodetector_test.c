/* What only several models or apps show; single changes are found again in executor_test.c. */
#include <calzone/testing.h>
#include "migrations/autodetector.h"
#include "migrations/migrations_internal.h"

static cz_ctx ctx;

static bool say(cz_ctx *c, void *user, const char *app, const char *model, const char *old,
                const char *name, bool similar)
{
    (void)c, (void)app, (void)model, (void)old, (void)name;
    return similar && user;
}

static cz_tagged fill(cz_ctx *c, void *user, const char *app, const char *model,
                      const cz_state_field *field)
{
    (void)c, (void)user, (void)app, (void)model, (void)field;
    return (cz_tagged)cz_int(7);
}

static const cz_state_field a_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "b", "foreign_key", "two.B", .null = true, .on_delete = CZ_SET_NULL },
    { "self", "foreign_key", "one.A", .null = true, .on_delete = CZ_SET_NULL },
};
static const cz_state_field b_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "a", "foreign_key", "one.A", .on_delete = CZ_CASCADE },
    { "n", "int_field" },
};
static const cz_state_field c_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "d", "foreign_key", "one.D", .on_delete = CZ_CASCADE },
    { "b", "foreign_key", "two.B", .on_delete = CZ_CASCADE },
};
static const cz_state_field d_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "c", "foreign_key", "one.C", .null = true, .on_delete = CZ_SET_NULL },
};
static const char *const b_together[] = { "a", "n" };
static const cz__state_model models[] = {
    { .app = "one", .name = "C", .fields = { c_fields, 3 } },
    { .app = "one", .name = "A", .fields = { a_fields, 3 } },
    { .app = "one", .name = "D", .fields = { d_fields, 2 } },
    { .app = "two", .name = "B", .fields = { b_fields, 3 }, .unique_together = { b_together, 2 } },
};

/* The state with the models whose letters are in `letters`. */
static cz__state *state_of(const char *letters)
{
    cz__state *state = cz_new(&ctx, cz__state);
    for (size_t i = 0; i < CZ_COUNT(models); i++)
        if (strchr(letters, models[i].name[0]))
            cz__state_add(&ctx, state, &models[i]);
    return state;
}

static cz__graph *graph_of(const cz__migration_list *lists, size_t count)
{
    const cz_migration *all[32];
    size_t n = 0;
    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < lists[l].count; i++)
            all[n++] = &lists[l].items[i];
    return cz__graph_make(&ctx, all, n, NULL);
}

/* "one.0001_initial two.0001_initial" */
static cz_str names_of(const cz__migration_list *made)
{
    cz_str told = CZ_STR("");
    for (size_t i = 0; i < made->count; i++)
        told = cz_format(&ctx, "%.*s%s%s.%s", CZ_STR_ARG(told), i ? " " : "", made->items[i].app,
                         made->items[i].name);
    return told;
}

/* Detect the way, expect these names, and that it leads there: nothing more is found. */
static cz__migration_list detect(cz__migration_list *lists, size_t count, const cz__state *to,
                                 const char *names, void *user)
{
    const cz__answers answers = { say, fill, user };
    cz__migration_list made =
        cz__autodetect_state(&ctx, graph_of(lists, count), to, &answers, NULL, NULL);
    CZ_EXPECT_STR(names_of(&made), names);
    lists[count] = made;
    cz__migration_list more =
        cz__autodetect_state(&ctx, graph_of(lists, count + 1), to, &answers, NULL, NULL);
    CZ_EXPECT_EQ(more.count, 0);
    return made;
}

CZ_TEST(models_that_refer_to_each_other_are_made_and_unmade_in_an_order_that_works)
{
    cz__migration_list lists[4] = { { 0 } };
    cz_ctx_init(&ctx, cz_test_arena());
    detect(lists, 0, state_of("ABCD"), "one.0001_initial two.0001_initial one.0002_c_b_a_b", NULL);
    const cz__state empty = { 0 };
    detect(lists, 1, &empty,
           "one.0003_remove_a_b_remove_c_d_remove_c_b_remove_d_c two.0002_remove_b_a "
           "one.0004_delete_d_delete_c_delete_a two.0003_delete_b",
           NULL);
}

static bool depends_on(const cz_migration *migration, const char *app, const char *name)
{
    for (size_t i = 0; i < migration->depends.count; i++)
        if (strcmp(migration->depends.items[i].app, app) == 0 &&
            strcmp(migration->depends.items[i].name, name) == 0)
            return true;
    return false;
}

CZ_TEST(a_model_goes_after_the_field_of_another_app_that_led_to_it)
{
    static const cz_state_field post_fields[] = {
        { "id", "big_int_field", .primary_key = true },
        { "tag", "foreign_key", "tags.Tag", .on_delete = CZ_CASCADE },
    };
    static const cz__state_model all[] = {
        { .app = "blog", .name = "Post", .fields = { post_fields, 2 } },
        { .app = "blog", .name = "Post", .fields = { post_fields, 1 } },
        { .app = "tags", .name = "Tag", .fields = { post_fields, 1 } },
    };
    cz__migration_list lists[3] = { { 0 } };
    cz__state first = { 0 }, second = { 0 };
    cz_ctx_init(&ctx, cz_test_arena());
    cz__state_add(&ctx, &first, &all[0]);
    cz__state_add(&ctx, &first, &all[2]);
    cz__state_add(&ctx, &second, &all[1]);
    detect(lists, 0, &first, "tags.0001_initial blog.0001_initial", NULL);
    cz__migration_list made =
        detect(lists, 1, &second, "blog.0002_remove_post_tag tags.0002_delete_tag", NULL);
    CZ_EXPECT(depends_on(&made.items[1], "blog", "0002_remove_post_tag"));
}

CZ_TEST(a_field_is_altered_once_what_it_leads_to_is_there)
{
    static const cz_state_field before[] = {
        { "id", "big_int_field", .primary_key = true },
        { "ref", "foreign_key", "old.B", .on_delete = CZ_CASCADE },
    };
    static const cz_state_field after[] = {
        { "id", "big_int_field", .primary_key = true },
        { "ref", "foreign_key", "two.N", .on_delete = CZ_CASCADE },
    };
    static const cz_state_field needs_one[] = {
        { "id", "big_int_field", .primary_key = true },
        { "m", "foreign_key", "one.M", .on_delete = CZ_CASCADE },
    };
    static const cz__state_model all[] = {
        { .app = "old", .name = "K", .fields = { before, 1 } },
        { .app = "old", .name = "B", .fields = { before, 1 } },
        { .app = "one", .name = "A", .fields = { before, 2 } },
        { .app = "one", .name = "A", .fields = { after, 2 } },
        { .app = "one", .name = "M", .fields = { before, 1 } },
        { .app = "two", .name = "N", .fields = { needs_one, 2 } },
    };
    cz__migration_list lists[3] = { { 0 } };
    cz__state first = { 0 }, second = { 0 };
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < 3; i++)
        cz__state_add(&ctx, &first, &all[i]);
    cz__state_add(&ctx, &second, &all[0]);
    for (size_t i = 3; i < CZ_COUNT(all); i++)
        cz__state_add(&ctx, &second, &all[i]);
    detect(lists, 0, &first, "old.0001_initial one.0001_initial", NULL);
    cz__migration_list made =
        detect(lists, 1, &second,
               "one.0002_m two.0001_initial one.0003_alter_a_ref old.0002_delete_b", NULL);
    CZ_EXPECT(depends_on(&made.items[3], "one", "0003_alter_a_ref"));
}

CZ_TEST(models_of_two_apps_go_one_after_the_other)
{
    static const cz_state_field to_m[] = {
        { "id", "big_int_field", .primary_key = true },
        { "m", "foreign_key", "a.M", .on_delete = CZ_CASCADE },
    };
    static const cz_state_field to_l[] = {
        { "id", "big_int_field", .primary_key = true },
        { "l", "foreign_key", "c.L", .on_delete = CZ_CASCADE },
    };
    /* b.H holds c.L, which holds a.M: the first can go in the second migration of its app only */
    static const cz__state_model all[] = {
        { .app = "a", .name = "M", .fields = { to_m, 1 } },
        { .app = "b", .name = "H", .fields = { to_l, 2 } },
        { .app = "c", .name = "L", .fields = { to_m, 2 } },
    };
    static const size_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 2, 0, 1 }, { 1, 2, 0 } };
    const cz__state empty = { 0 };
    for (size_t n = 0; n < CZ_COUNT(orders); n++) {
        cz__migration_list lists[3] = { { 0 } };
        cz__state first = { 0 };
        cz_ctx_init(&ctx, cz_test_arena());
        for (size_t i = 0; i < CZ_COUNT(all); i++)
            cz__state_add(&ctx, &first, &all[orders[n][i]]);
        detect(lists, 0, &first, "a.0001_initial c.0001_initial b.0001_initial", NULL);
        cz__migration_list made =
            detect(lists, 1, &empty, "b.0002_delete_h c.0002_delete_l a.0002_delete_m", NULL);
        CZ_EXPECT(depends_on(&made.items[1], "b", "0002_delete_h"));
        CZ_EXPECT(depends_on(&made.items[2], "c", "0002_delete_l"));
    }
}

CZ_TEST(apps_that_refer_to_what_the_other_has_had_wait_for_what_is_new_alone)
{
    static const cz_state_field id[] = { { "id", "big_int_field", .primary_key = true } };
    static const cz_state_field to_new[] = {
        { "id", "big_int_field", .primary_key = true },
        { "fresh", "foreign_key", "two.N", .null = true, .on_delete = CZ_CASCADE },
    };
    static const cz_state_field to_old[] = {
        { "id", "big_int_field", .primary_key = true },
        { "known", "foreign_key", "one.A", .on_delete = CZ_CASCADE },
    };
    static const cz__state_model all[] = {
        { .app = "one", .name = "A", .fields = { id, 1 } },
        { .app = "two", .name = "B", .fields = { id, 1 } },
        { .app = "one", .name = "A", .fields = { to_new, 2 } },
        { .app = "two", .name = "B", .fields = { id, 1 } },
        { .app = "two", .name = "N", .fields = { to_old, 2 } },
    };
    cz__migration_list lists[3] = { { 0 } };
    cz__state first = { 0 }, second = { 0 };
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(all); i++)
        cz__state_add(&ctx, i < 2 ? &first : &second, &all[i]);
    detect(lists, 0, &first, "one.0001_initial two.0001_initial", NULL);
    cz__migration_list made = detect(lists, 1, &second, "two.0002_n one.0002_a_fresh", NULL);
    CZ_EXPECT(depends_on(&made.items[0], "one", "0001_initial"));
    CZ_EXPECT(depends_on(&made.items[1], "two", "0002_n"));
}

CZ_TEST(the_migrations_of_one_app_come_with_those_they_depend_on)
{
    static const struct {
        const char *app, *names;
    } cases[] = {
        { "one", "one.0001_initial two.0001_initial one.0002_c_b_a_b" },
        { "two", "one.0001_initial two.0001_initial" },
        { "none", "" },
    };
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz__answers answers = { say, fill, NULL };
        cz__migration_list made = cz__autodetect_state(&ctx, graph_of(NULL, 0), state_of("ABCD"),
                                                       &answers, cases[i].app, NULL);
        CZ_EXPECT_STR(names_of(&made), cases[i].names);
        CZ_EXPECT_EQ(graph_of(&made, 1)->count, made.count);
    }
}

static const cz_state_field book_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "title", "char_field", .max_length = 50 },
    { "year", "int_field" },
};
static const cz_state_field volume_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "name", "char_field", .max_length = 50 },
    { "year", "int_field", .null = true },
    { "pages", "int_field" },
};
static const cz__state_model book = { .app = "shop", .name = "Book", .fields = { book_fields, 3 } };
static const cz__state_model renamed = { .app = "shop",
                                         .name = "Volume",
                                         .fields = { book_fields, 3 } };
static const cz__state_model changed = { .app = "shop",
                                         .name = "Volume",
                                         .fields = { volume_fields, 4 } };

/* The shop's one model as it was, renamed and changed. */
static void put_in(cz__state states[3])
{
    cz_ctx_init(&ctx, cz_test_arena());
    cz__state_add(&ctx, &states[0], &book);
    cz__state_add(&ctx, &states[1], &renamed);
    cz__state_add(&ctx, &states[2], &changed);
}

CZ_TEST(a_rename_is_one_only_when_somebody_says_so)
{
    cz__migration_list lists[4] = { { 0 } };
    cz__state states[3] = { { 0 } };
    put_in(states);
    detect(lists, 0, &states[0], "shop.0001_initial", NULL);
    detect(lists, 1, &states[1], "shop.0002_volume_delete_book", NULL);
    cz__migration_list made = detect(lists, 1, &states[1], "shop.0002_rename_book_volume", &ctx);
    CZ_EXPECT_EQ(made.items[0].operations.items[0].kind, CZ_OPERATION_RENAME_MODEL);
    made = detect(lists, 2, &states[2], "shop.0003_rename_title_volume_name_volume_pages_and_more",
                  &ctx);
    CZ_EXPECT_EQ(made.items[0].operations.count, 3);
    CZ_EXPECT_EQ(made.items[0].operations.items[1].fields.items[0].fill.integer, 7);
}

CZ_TEST(a_squashed_migration_makes_what_those_made_it_replaces)
{
    cz__migration_list lists[4] = { { 0 } };
    cz__state states[3] = { { 0 } };
    put_in(states);
    detect(lists, 0, &states[0], "shop.0001_initial", NULL);
    detect(lists, 1, &states[1], "shop.0002_rename_book_volume", &ctx);
    cz_migration squashed = cz__migration_squash(&ctx, graph_of(lists, 2), 1, false);
    CZ_EXPECT_STR(cz_str_from(squashed.name), "0001_initial_squashed_0002_rename_book_volume");
    CZ_EXPECT_EQ(squashed.operations.count, 1);
    lists[2] = (cz__migration_list){ &squashed, 1 };
    CZ_EXPECT_EQ(graph_of(lists, 3)->count, 1);
    detect(lists, 3, &states[2], "shop.0003_rename_title_volume_name_volume_pages_and_more", &ctx);
}

/* ---- what rows that are there get ---- */

static cz_tagged fill_said(cz_ctx *c, void *user, const char *app, const char *model,
                           const cz_state_field *field)
{
    (void)app, (void)model;
    return cz__fill_of_text(c, field, user);
}

struct linking {
    const char *key_kind, *said;
    int filled; /* the tag of what is said; CZ__TAG_NONE: it is refused */
};

/* A foreign key, and one to a model whose key is a one-to-one with that model. */
static void detect_link(cz_ctx *c, void *arg)
{
    const struct linking *linking = arg;
    const cz__answers answers = { say, fill_said, (void *)(uintptr_t)linking->said };
    const cz_state_field label_fields[] = { { "id", linking->key_kind, .primary_key = true } };
    const cz_state_field owner_fields[] = { { "label", "one_to_one", "shop.Label",
                                              .primary_key = true, .on_delete = CZ_CASCADE } };
    const cz_state_field fields[] = {
        book_fields[0],
        { "label", "foreign_key", "shop.Label", .on_delete = CZ_CASCADE },
        { "owner", "foreign_key", "shop.Owner", .on_delete = CZ_CASCADE },
    };
    const cz__state_model label = { .app = "shop", .name = "Label", .fields = { label_fields, 1 } };
    const cz__state_model owner = { .app = "shop", .name = "Owner", .fields = { owner_fields, 1 } };
    const cz__state_model bare = { .app = "shop", .name = "Book", .fields = { fields, 1 } };
    const cz__state_model linked = { .app = "shop", .name = "Book", .fields = { fields, 3 } };
    const cz__state_model *const before[] = { &label, &owner, &bare };
    const cz__state_model *const after[] = { &label, &owner, &linked };
    cz__state first = { 0 }, second = { 0 };
    for (size_t i = 0; i < 3; i++) {
        cz__state_add(c, &first, before[i]);
        cz__state_add(c, &second, after[i]);
    }
    cz__migration_list lists[1] = { cz__autodetect_state(c, graph_of(NULL, 0), &first, &answers,
                                                         NULL, NULL) };
    cz__migration_list made =
        cz__autodetect_state(c, graph_of(lists, 1), &second, &answers, NULL, NULL);
    CZ_REQUIRE(made.count == 1 && made.items[0].operations.count == 2);
    for (size_t i = 0; i < 2; i++)
        CZ_EXPECT_EQ((int)made.items[0].operations.items[i].fields.items[0].fill.kind,
                     linking->filled);
}

CZ_TEST(a_foreign_key_is_filled_with_a_key_of_what_it_leads_to)
{
    static const struct linking linkings[] = {
        { "big_int_field", "7", CZ__TAG_INT },
        { "uuid_field", "0193a0f0-0000-7000-8000-000000000001", CZ__TAG_TEXT },
        { "uuid_field", "7", CZ__TAG_NONE },
        { "uuid_field", "0193a0f0-0000-7000-8000-00000000000g", CZ__TAG_NONE },
        { "big_int_field", "0193a0f0-0000-7000-8000-000000000001", CZ__TAG_NONE },
        { "big_int_field", "", CZ__TAG_NONE },
    };
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(linkings); i++) {
        struct linking linking = linkings[i];
        cz_error err = { 0 };
        cz_status status = cz_try(&ctx, detect_link, &linking, &err);
        CZ_EXPECT_EQ(status, linking.filled ? CZ_OK : CZ_EVALIDATION);
        if (status)
            CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                          cz_format(&ctx, "\"%s\" is no value for the field label (%s)",
                                    linking.said, linking.key_kind)
                              .ptr);
    }
}

/* ---- encrypted fields ---- */

struct addition {
    cz_state_field field;
    bool refused;
};

static void detect_addition(cz_ctx *c, void *arg)
{
    const struct addition *addition = arg;
    const cz__answers answers = { say, fill, NULL };
    cz_state_field fields[] = { book_fields[0], book_fields[1], book_fields[2], addition->field };
    cz__state_model noted = { .app = "shop", .name = "Book", .fields = { fields, 4 } };
    cz__state first = { 0 }, second = { 0 };
    cz__state_add(c, &first, &book);
    cz__state_add(c, &second, &noted);
    cz__migration_list lists[2] = { cz__autodetect_state(c, graph_of(NULL, 0), &first, &answers,
                                                         NULL, NULL) };
    cz__migration_list made =
        cz__autodetect_state(c, graph_of(lists, 1), &second, &answers, NULL, NULL);
    CZ_EXPECT_EQ(made.count, 1);
    CZ_EXPECT_EQ(made.items[0].operations.items[0].fields.items[0].fill.kind, CZ__TAG_NONE);
}

CZ_TEST(an_encrypted_field_is_not_added_with_what_rows_would_get)
{
    static const struct addition additions[] = {
        { { "note", "encrypted_field", .null = true }, false },
        { { "note", "encrypted_field" }, true },
        { { "note", "encrypted_field", .default_ = cz_text("secret") }, true },
        { { "note", "encrypted_field", .null = true, .default_ = cz_text("secret") }, true },
    };
    for (size_t i = 0; i < CZ_COUNT(additions); i++) {
        cz_error err = { 0 };
        cz_ctx_init(&ctx, cz_test_arena());
        struct addition addition = additions[i];
        cz_status status = cz_try(&ctx, detect_addition, &addition, &err);
        CZ_EXPECT_MSG(status == (addition.refused ? CZ_EVALIDATION : CZ_OK), "%zu: %s", i,
                      cz_error_message(&err));
        CZ_EXPECT(!status || strstr(cz_error_message(&err), "shop.Book.note is encrypted"));
    }
}

/* ---- many-to-many through a model ---- */

static const cz_state_field person_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "clubs", "many_to_many", "shop.Club", .through = "shop.Membership" },
};
static const cz_state_field person_with_links[] = {
    { "id", "big_int_field", .primary_key = true },
    { "clubs", "many_to_many", "shop.Club" },
};
static const cz_state_field person_of_others[] = {
    { "id", "big_int_field", .primary_key = true },
    { "clubs", "many_to_many", "shop.Club", .through = "shop.Visit" },
};
static const cz_state_field club_fields[] = { { "id", "uuid_field", .primary_key = true } };
static const cz_state_field between_fields[] = {
    { "id", "big_int_field", .primary_key = true },
    { "person", "foreign_key", "shop.Person", .on_delete = CZ_CASCADE },
    { "club", "foreign_key", "shop.Club", .on_delete = CZ_CASCADE },
};

static cz__state *society(const cz_state_field *person, const char *between)
{
    cz__state_model *all = cz_array(&ctx, cz__state_model, 3);
    cz__state *state = cz_new(&ctx, cz__state);
    all[0] = (cz__state_model){ .app = "shop", .name = "Person", .fields = { person, 2 } };
    all[1] = (cz__state_model){ .app = "shop", .name = "Club", .fields = { club_fields, 1 } };
    all[2] = (cz__state_model){ .app = "shop", .name = between, .fields = { between_fields, 3 } };
    for (size_t i = 0; i < 3; i++)
        cz__state_add(&ctx, state, &all[i]);
    return state;
}

CZ_TEST(the_model_of_a_many_to_many_is_made_renamed_and_changed)
{
    cz__migration_list lists[5] = { { 0 } };
    cz_ctx_init(&ctx, cz_test_arena());
    const cz_state_field *fields = person_fields;
    detect(lists, 0, society(fields, "Membership"), "shop.0001_initial", NULL);
    cz__migration_list made = detect(lists, 1, society(person_of_others, "Visit"),
                                     "shop.0002_rename_membership_visit", &ctx);
    CZ_EXPECT_EQ(made.items[0].operations.count, 1);
    made = detect(lists, 1, society(person_of_others, "Visit"),
                  "shop.0002_visit_alter_person_clubs_delete_membership", NULL);
    CZ_EXPECT_EQ(made.items[0].operations.items[1].kind, CZ_OPERATION_ALTER_FIELD);
}

struct alteration {
    const cz_state_field *from, *to;
};

static void detect_alteration(cz_ctx *c, void *arg)
{
    const struct alteration *alteration = arg;
    const cz__answers answers = { say, fill, NULL };
    const cz__state *before = society(alteration->from, "Membership");
    cz__migration_list lists[1] = { cz__autodetect_state(c, graph_of(NULL, 0), before, &answers,
                                                         NULL, NULL) };
    cz_ignore(cz__autodetect_state(c, graph_of(lists, 1), society(alteration->to, "Membership"),
                                   &answers, NULL, NULL)
                  .count);
}

CZ_TEST(links_do_not_become_rows_of_a_model)
{
    static const struct {
        struct alteration alteration;
        const char *said;
    } cases[] = {
        { { person_with_links, person_fields },
          "shop.Person.clubs cannot be altered to go through shop.Membership" },
        { { person_fields, person_with_links },
          "shop.Person.clubs cannot be altered to go through a table of its own" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        cz_ctx_init(&ctx, cz_test_arena());
        struct alteration alteration = cases[i].alteration;
        CZ_EXPECT_EQ(cz_try(&ctx, detect_alteration, &alteration, &err), CZ_EUNSUPPORTED);
        CZ_EXPECT_MSG(strstr(cz_error_message(&err), cases[i].said), "%s", cz_error_message(&err));
    }
}

/* ---- proxies ---- */

#define PARCEL(F) F(char_field, name)
CZ_MODEL(Parcel, PARCEL);
CZ_PROXY(Express, Parcel);
#define COURIER(F)                                                                                 \
    F(foreign_key, carries, Express, .on_delete = CZ_CASCADE)                                      \
    F(many_to_many, carried, Express)
CZ_MODEL(Courier, COURIER);

CZ_TEST(a_proxy_is_in_no_migration_and_a_key_to_it_refers_to_its_base)
{
    cz_model *const listed[] = { &Courier__model, &Express__model, &Parcel__model };
    cz_error err = { 0 };
    cz_ctx_init(&ctx, cz_test_arena());
    CZ_REQUIRE_OK(cz__models_add("post", listed, 3, &err));
    CZ_REQUIRE_OK(cz__models_resolve(&err));
    const cz__state *state = cz__state_of_models(&ctx);
    CZ_EXPECT_EQ(state->count, 2);
    CZ_EXPECT(!cz__state_get(state, "post", "Express"));
    const cz__state_model *courier = cz__state_get(state, "post", "Courier");
    CZ_EXPECT_STR(cz_str_from(cz__state_field(courier, "carries")->to), "post.Parcel");
    CZ_EXPECT_STR(cz_str_from(cz__state_field(courier, "carried")->to), "post.Parcel");
    /* the migration's links are called as the query's */
    CZ_EXPECT_STR(cz_str_from(cz__column_find(&Courier__model, CZ_STR("carried"))->link_to),
                  "parcel_id");
    cz__migration_list lists[2] = { { 0 } };
    detect(lists, 0, state, "post.0001_initial", NULL);
}

static const cz_operation shelf_first[] = {
    CZ_CREATE_MODEL("Shelf", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                             { "height", "int_field" })),
    CZ_ADD_INDEX("Shelf", { "shelf_one", CZ_NAMES("height") }),
};
static const cz_operation shelf_change[] = {
    CZ_REMOVE_INDEX("Shelf", "shelf_one"),
    CZ_ADD_INDEX("Shelf", { "shelf_one", CZ_NAMES("-height") }),
    CZ_ADD_FIELD("Shelf", { "depth", "int_field", .null = true }),
};

CZ_TEST(parts_of_a_split_migration_are_called_as_one_asks)
{
    cz_ctx_init(&ctx, cz_test_arena());
    const cz_migration initial = { "hall", "0001_initial", .operations = { shelf_first, 2 } };
    const cz_migration *const all[] = { &initial };
    cz__graph *graph = cz__graph_make(&ctx, all, 1, NULL);
    const cz_dependency on[] = { { "hall", "0001_initial" } };
    cz_migration change = { "hall", "0002_lang", .depends = { on, 1 },
                            .operations = { shelf_change, 3 } };
    static const char *const names[][3] = {
        { "0002_lang", "0003_lang_2", "0004_lang_3" },
        { "0002_remove_shelf_shelf_one", "0003_shelf_shelf_one", "0004_shelf_depth" },
    };
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        cz__migration_list list = { &change, 1 };
        cz__migration_list made = cz__split_online(&ctx, graph, &list, i ? NULL : "lang");
        CZ_REQUIRE(made.count == 3);
        for (size_t n = 0; n < 3; n++)
            CZ_EXPECT_STR(cz_str_from(made.items[n].name), names[i][n]);
        CZ_EXPECT_STR(cz_str_from(made.items[2].depends.items[0].name), names[i][1]);
    }
    /* one that stays whole keeps its name */
    change.operations.count = 1;
    cz__migration_list whole = { &change, 1 };
    CZ_EXPECT_STR(cz_str_from(cz__split_online(&ctx, graph, &whole, "lang").items[0].name),
                  "0002_lang");
}
