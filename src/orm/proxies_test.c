/* Proxies: the rows of a table under another name. */
#include "orm/orm_testing.h"
#include <calzone/relations.h>
#include <calzone/validation.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Letter)
CZ_PROXY_FORWARD(Draft, Letter)
CZ_MODEL_FORWARD(Postage)
CZ_MODEL_FORWARD(Desk)

static void clean_letter(cz_ctx *ctx, void *row, cz_field_errors *errors);
static void clean_urgent(cz_ctx *ctx, void *row, cz_field_errors *errors);

#define LETTER(F)                                                                                  \
    F(char_field, title, .max_length = 20, .unique = true)                                         \
    F(int_field, pages, .default_ = cz_int(1))                                                     \
    F(bool_field, sent, .default_ = cz_bool(false))                                                \
    F(foreign_key, answers, Draft, .null = true, .on_delete = CZ_CASCADE)                          \
    F(many_to_many, stamps, Postage)                                                               \
    F(many_to_many, copies, Draft)                                                                 \
    F(reverse, answered_by, Letter, answers)                                                       \
    F(reverse, desks, Desk, draft)                                                                 \
    CZ_SOFT_DELETED(F)
CZ_MODEL(Letter, LETTER, .ordering = CZ_ORDER_BY(CZ_ASC(Letter, title)), .clean = clean_letter,
         .unique_together = CZ_FIELDS(Letter, pages, answers),
         .permissions = CZ_MODEL_PERMISSIONS({ "post_letter", "Can post letters" }));

CZ_PROXY(Draft, Letter, .manager = CZ_MANAGER(.where = CZ_Q(Draft, sent, EXACT, false)),
         .ordering = CZ_ORDER_BY(CZ_DESC(Draft, title)), .verbose_name = "draft of a letter");
CZ_PROXY(Urgent, Draft, .clean = clean_urgent, .default_permissions = "hurry  view",
         .permissions = CZ_MODEL_PERMISSIONS({ "forget_urgent", "Can forget it" }));

static void clean_letter(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Letter *letter = row;
    if (letter->pages > 9)
        cz_field_errors_add(ctx, errors, CZ_STR("pages"), "invalid", "Too long for a letter.");
}
static void clean_urgent(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Urgent *urgent = row; /* the same struct: the base's rule takes it */
    clean_letter(ctx, row, errors);
    if (urgent->pages > 1)
        cz_field_errors_add(ctx, errors, CZ_STR("pages"), "invalid", "Urgent is one page.");
}

#define POSTAGE(F)                                                                                 \
    F(int_field, cents)                                                                            \
    F(many_to_many_reverse, letters, Letter, stamps)
CZ_MODEL(Postage, POSTAGE);

/* Keys to the proxy, on behalf of which the table of letters is referred to. */
#define DESK(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(foreign_key, draft, Draft, .null = true, .on_delete = CZ_SET_NULL)                           \
    F(one_to_one, top, Urgent, .null = true, .on_delete = CZ_PROTECT)
CZ_MODEL(Desk, DESK, .default_permissions = "");

static char trail[256];

static void note(cz_ctx *c, const cz_event *event)
{
    size_t len = strlen(trail);
    const Letter *letter = CZ_EVENT_ROW(c, event, Letter);
    cz_ignore(snprintf(trail + len, sizeof trail - len, "%d:%s:%.*s ", event->signal,
                       event->model->name, CZ_STR_ARG(letter->title)));
}
static void note_draft(cz_ctx *c, const cz_event *event)
{
    (void)CZ_EVENT_ROW(c, event, Draft);
    strcat(trail, "draft ");
}

static const cz_receiver receivers[] = { CZ_RECEIVER(CZ_POST_DELETE, Letter, note),
                                         CZ_RECEIVER(CZ_POST_DELETE, Draft, note),
                                         CZ_RECEIVER(CZ_POST_SAVE, Letter, note),
                                         CZ_RECEIVER(CZ_POST_SAVE, Draft, note_draft) };
/* The proxies stand before what they are proxies of, which is nobody's concern. */
static const struct cz__orm_test office = { "office",
                                            CZ_MODELS(Urgent, Draft, Letter, Postage, Desk),
                                            { receivers, CZ_COUNT(receivers) } };

static const char *titles(cz_ctx *c, cz_rows(Letter) letters)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < letters.count; i++)
        text = cz_format(c, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(letters.items[i].title));
    return text.ptr;
}
#define EXPECT_TITLES(letters, expected) CZ_EXPECT_STR(cz_str_from(titles(c, letters)), expected)
#define EXPECT_TRAIL(expected)                                                                     \
    do {                                                                                           \
        CZ_EXPECT_STR(cz_str_from(trail), expected);                                               \
        trail[0] = '\0';                                                                           \
    } while (0)

static void names_of_one_table(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz__tables_create(c), 5); /* letters, their two tables of links, stamps, desks */
    CZ_EXPECT(!cz__tables_missing(c));
    cz_create(c, Letter, (title, "a"), (sent, true));
    cz_create(c, Letter, (title, "b"));
    Draft *c_draft = cz_create(c, Draft, (title, "c"), (pages, 3));
    cz_create(c, Urgent, (title, "d"), (pages, 4));
    EXPECT_TITLES(cz_select(c, Letter), "abcd");
    EXPECT_TITLES(cz_select(c, Draft), "dcb");  /* its order, its manager */
    EXPECT_TITLES(cz_select(c, Urgent), "dcb"); /* those of what it is a proxy of */
    EXPECT_TITLES(cz_select(c, Draft, .manager = &cz_base_manager), "dcba");
    /* conditions and expressions of one are those of the other */
    EXPECT_TITLES(cz_select(c, Draft, .where = CZ_Q(Letter, pages, GT, 1)), "dc");
    EXPECT_TITLES(cz_select(c, Letter, .where = CZ_NOT(CZ_Q(Urgent, title, EXACT, "d"))), "abc");
    EXPECT_TITLES(cz_select(c, Letter, .where = CZ_Q(Draft, pages, EXACT, CZ_F(Letter, pages)),
                            .order_by = CZ_ORDER_BY(CZ_DESC(Draft, pages), CZ_DESC(Letter, title))),
                  "dcba");
    CZ_EXPECT_EQ(cz_update(c, Draft, CZ_EVERY_ROW, (pages, 5)), 3); /* the manager's alone */
    CZ_EXPECT_EQ(cz_count(c, Letter, .where = CZ_Q(Letter, pages, EXACT, 5)), 3);
    /* what was read before a change through the other name is read anew */
    Letter *first = cz_first(c, Letter);
    cz_related_add(c, c_draft, copies, CZ_INTS(first->id));
    Draft *same = cz_get(c, Draft, .where = CZ_Q(Draft, id, EXACT, c_draft->id));
    cz_cond long_ones = CZ_Q(Letter, pages, GT, 0);
    EXPECT_TITLES(cz_related(c, Letter, same, copies, .where = long_ones), "a");
    cz_update_rows(c, Draft, CZ_QUERY(Draft, .manager = &cz_base_manager), (pages, 0));
    EXPECT_TITLES(cz_related(c, Letter, same, copies, .where = long_ones), "");
    /* deleted rows are the same under each name */
    cz_remove(c, same);
    EXPECT_TITLES(cz_select(c, Letter), "abd");
    CZ_EXPECT_EQ(cz_restore(c, Urgent, CZ_Q(Letter, title, EXACT, "c")), 1);
    Letter *more[2] = { cz_row_new(c, Letter), cz_row_new(c, Draft) };
    cz_set(c, more[0], title, "e");
    cz_set(c, more[1], title, "f");
    CZ_EXPECT_EQ(cz_bulk_create(c, Draft, more, 2), 2);
    CZ_EXPECT_EQ(cz_count(c, Letter), 6);
    bool created;
    cz_get_or_create(c, Urgent, CZ_PAIRS(Urgent, (title, "f")), CZ_PAIRS(Urgent), &created);
    CZ_EXPECT(!created);
}

CZ_DATABASE_TEST(a_proxy_has_the_rows_of_its_base_by_rules_of_its_own)
{
    cz__orm_test_run(&office, names_of_one_table);
}

static void delete_protected(cz_ctx *c, void *arg)
{
    const Letter *letter = arg;
    cz_purge(c, Letter, CZ_Q(Draft, id, EXACT, letter->id));
}

static void relations(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Letter *a = cz_create(c, Letter, (title, "a"), (sent, true));
    Draft *b = cz_create(c, Draft, (title, "b"), (answers, a->id));
    Postage *stamp = cz_create(c, Postage, (cents, 85));
    cz_related_add(c, b, stamps, CZ_INTS(stamp->id));
    cz_related_add(c, (Letter *)b, copies, CZ_INTS(a->id));
    cz_create(c, Desk, (name, "x"), (draft, b->id), (top, a->id));
    cz_create(c, Desk, (name, "y"), (draft, a->id));
    /* to the proxy: its rows, and what the manager of another model leaves out all the same */
    cz_rows(Desk) desks = cz_select(c, Desk, .order_by = CZ_ORDER_BY(CZ_ASC(Desk, id)));
    Draft *of_y = CZ_REL(c, &desks.items[1], draft);
    CZ_EXPECT_STR(of_y->title, "a");
    CZ_EXPECT(of_y->row_.model == &Draft__model);
    Letter *answered = CZ_REL(c, b, answers);
    CZ_EXPECT_STR(answered->title, "a");
    CZ_EXPECT_EQ(cz_count(c, Desk, .where = CZ_Q(Desk, draft->title, EXACT, "a")), 1);
    CZ_EXPECT_EQ(cz_count(c, Desk, .where = CZ_Q(Desk, draft->answers->sent, EXACT, true)), 1);
    desks = cz_select(c, Desk, .related = CZ_RELATED(Desk, draft, top),
                      .where = CZ_Q(Desk, name, EXACT, "x"));
    CZ_EXPECT_STR(CZ_REL(c, &desks.items[0], top)->title, "a");
    /* the other sides are both models' */
    CZ_EXPECT_EQ(cz_related(c, Desk, a, desks).count, 1);
    CZ_EXPECT_EQ(cz_related(c, Desk, b, desks).count, 1);
    EXPECT_TITLES(cz_related(c, Letter, a, answered_by), "b");
    EXPECT_TITLES(cz_related(c, Letter, stamp, letters), "b");
    cz_rows(Draft) drafts =
        cz_select(c, Draft, .prefetch = CZ_PREFETCH(Draft, (stamps), (desks, Desk, .as = "on")));
    CZ_EXPECT_EQ(cz_related(c, Postage, &drafts.items[0], stamps).count, 1);
    CZ_EXPECT_EQ(cz_prefetched(c, Desk, &drafts.items[0], desks, "on").count, 1);
    /* rules of deleting are those of the rows, whatever they are found as */
    CZ_EXPECT_EQ(cz_purge(c, Urgent, CZ_Q(Urgent, title, EXACT, "b")), 3); /* two links along */
    CZ_EXPECT_EQ(cz_count(c, Desk, .where = CZ_Q(Desk, draft, ISNULL, true)), 1);
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_try(c, delete_protected, a, &err), CZ_EINTEGRITY);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Cannot delete: a desk still refers to this letter.");
    cz_delete(c, Desk, CZ_EVERY_ROW);
    cz_create(c, Draft, (title, "c"), (answers, a->id));
    CZ_EXPECT_EQ(cz_purge(c, Letter, CZ_Q(Draft, title, EXACT, "a")), 2); /* CASCADE by the proxy */
}

CZ_DATABASE_TEST(relations_lead_to_proxies_and_from_them)
{
    cz__orm_test_run(&office, relations);
}

/* ---- who is told, and what is checked ---- */

static void clean_draft(cz_ctx *c, void *arg)
{
    cz_full_clean(c, (Draft *)arg);
}

static void told(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    trail[0] = '\0';
    Letter *a = cz_create(c, Letter, (title, "a"));
    EXPECT_TRAIL(cz_format(c, "%d:Letter:a ", CZ_POST_SAVE).ptr);
    Draft *b = cz_create(c, Draft, (title, "b"));
    EXPECT_TRAIL("draft "); /* the sender is the proxy, and the base's receivers hear nothing */
    cz_create(c, Urgent, (title, "u"));
    EXPECT_TRAIL("");
    Letter *read = cz_get(c, Letter, .where = CZ_Q(Letter, id, EXACT, b->id));
    cz_set(c, read, pages, 2);
    cz_save(c, read); /* what it was read as, it is */
    EXPECT_TRAIL(cz_format(c, "%d:Letter:b ", CZ_POST_SAVE).ptr);
    cz_remove(c, b);
    EXPECT_TRAIL(cz_format(c, "%d:Draft:b ", CZ_POST_DELETE).ptr);
    static const struct {
        const char *title;
        int pages;
        cz_model *model;
        const char *said;
    } cases[] = {
        { "x", 2, &Letter__model, "" },
        { "x", 10, &Draft__model, "pages: Too long for a letter." },
        { "x", 2, &Draft__model, "" },
        { "x", 2, &Urgent__model, "pages: Urgent is one page." },
        { "a", 1, &Letter__model, "title: letter with this title already exists." },
        { "a", 1, &Draft__model, "title: draft of a letter with this title already exists." },
        { "a", 1, &Urgent__model, "title: urgent with this title already exists." },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        Letter *letter = cz__row_new(c, cases[i].model);
        cz_set(c, letter, title, cases[i].title);
        cz_set(c, letter, pages, cases[i].pages);
        cz_set(c, letter, answers, a->id);
        cz_error err = { 0 };
        cz_status status = cz_try(c, clean_draft, letter, &err);
        CZ_EXPECT_STR(cz_str_from(status ? cz_error_message(&err) : ""), cases[i].said);
    }
    cz_create(c, Letter, (title, "t"), (pages, 7), (answers, a->id));
    Urgent *twin = cz_row_new(c, Urgent);
    cz_set(c, twin, title, "twin");
    cz_set(c, twin, pages, 1);
    CZ_EXPECT_EQ(cz_try(c, clean_draft, twin, NULL), CZ_OK);
}

CZ_DATABASE_TEST(a_proxy_is_told_of_and_checked_by_its_own_name)
{
    cz__orm_test_run(&office, told);
}

/* "codename: name" of each, a line each. */
static cz_str permissions(cz_ctx *c, const cz_model *model)
{
    cz_model_permissions list = cz_permissions_of(c, model);
    const char *lines = "";
    for (size_t i = 0; i < list.count; i++)
        lines = cz_arena_printf(c->arena, "%s%s: %s\n", lines, list.items[i].codename,
                                list.items[i].name);
    return cz_str_from(lines);
}

static void list_permissions(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_STR(permissions(c, &Letter__model),
                  "add_letter: Can add letter\nchange_letter: Can change letter\n"
                  "delete_letter: Can delete letter\nview_letter: Can view letter\n"
                  "post_letter: Can post letters\n");
    CZ_EXPECT_STR(
        permissions(c, &Draft__model),
        "add_draft: Can add draft of a letter\nchange_draft: Can change draft of a letter\n"
        "delete_draft: Can delete draft of a letter\nview_draft: Can view draft of a letter\n");
    CZ_EXPECT_STR(permissions(c, &Urgent__model), "hurry_urgent: Can hurry urgent\n"
                                                  "view_urgent: Can view urgent\n"
                                                  "forget_urgent: Can forget it\n");
    CZ_EXPECT_STR(permissions(c, &Desk__model), "");
}

CZ_DATABASE_TEST(a_proxy_has_permissions_of_its_own)
{
    cz__orm_test_run(&office, list_permissions);
}

/* ---- what the start refuses ---- */

#define BASE(F) F(int_field, number)
CZ_MODEL(Base, BASE);
CZ_PROXY(OfTable, Base, .table = "others");
CZ_PROXY(OfUnique, Base, .unique_together = CZ_FIELDS(OfUnique, id, number));
CZ_PROXY(OfIndex, Base, .indexes = CZ_INDEXES({ .fields = CZ_FIELDS(OfIndex, number) }));
CZ_PROXY(OfRule, Base, .constraints = CZ_CONSTRAINTS({ .name = "x", .check = "1 = 1" }));
CZ_PROXY(OfNobody, Base, .unmanaged = true);
CZ_PROXY(OfDatabase, Base, .database = "default");
CZ_PROXY(OfDjango, Base, .django = true);
CZ_RECORD(Sum, BASE);
typedef int64_t Sum__key;
typedef struct cz__integer Sum__key_tag;
CZ_PROXY(OfRecord, Sum);
CZ_PROXY(OfTheAbsent, Base);

CZ_TEST(a_proxy_says_nothing_of_its_table)
{
    static const struct {
        cz_model *model;
        const char *said;
    } cases[] = {
        { &OfTable__model, "OfTable: .table belongs to the table, and a proxy has that of Base" },
        { &OfUnique__model,
          "OfUnique: .unique_together belongs to the table, and a proxy has that of Base" },
        { &OfIndex__model, "OfIndex: .indexes belongs to the table, and a proxy has that of Base" },
        { &OfRule__model,
          "OfRule: .constraints belongs to the table, and a proxy has that of Base" },
        { &OfNobody__model,
          "OfNobody: .unmanaged belongs to the table, and a proxy has that of Base" },
        { &OfDatabase__model,
          "OfDatabase: .database belongs to the table, and a proxy has that of Base" },
        { &OfDjango__model,
          "OfDjango: .django belongs to the table, and a proxy has that of Base" },
        { &OfRecord__model, "OfRecord: the record Sum has no table for a proxy" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_model *const models[] = { cases[i].model };
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz__models_add("bad", models, 1, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].said);
    }
}

CZ_TEST(the_base_of_a_proxy_is_in_an_app)
{
    cz_model *const models[] = { &OfTheAbsent__model };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("bad", models, 1, &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "OfTheAbsent: the model Base is not in any app's .models");
}
