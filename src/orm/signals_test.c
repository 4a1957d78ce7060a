#include <calzone/calzone.h>
#include <calzone/testing.h>
#include "orm/orm.h"
#include <stdio.h>

#define HIVE(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Hive, HIVE);

#define BEE(F)                                                                                     \
    F(char_field, name, .max_length = 20)                                                          \
    F(foreign_key, hive, Hive, .on_delete = CZ_CASCADE)                                            \
    F(foreign_key, mother, Bee, .null = true, .on_delete = CZ_SET_NULL)                            \
    F(many_to_many, visits, Hive)
CZ_MODEL(Bee, BEE, .ordering = CZ_ORDER_BY(CZ_ASC(Bee, id)));

#define HONEY(F)                                                                                   \
    F(int_field, grams)                                                                            \
    F(foreign_key, hive, Hive, .on_delete = CZ_CASCADE)
CZ_MODEL(Honey, HONEY);

static char trail[1000];
static bool refusing;

static void note(cz_ctx *ctx, const cz_event *event)
{
    static const char *const names[] = { "pre_init",  "post_init",   "pre_save",
                                         "post_save", "pre_delete",  "post_delete",
                                         "m2m",       "pre_migrate", "post_migrate" };
    const char *name = "-";
    if (event->row && event->model == &Bee__model)
        name = cz_format(ctx, "%.*s", CZ_STR_ARG(CZ_EVENT_ROW(ctx, event, Bee)->name)).ptr;
    CZ_EXPECT(!event->row || event->row->model == event->model);
    cz_ignore(snprintf(trail + strlen(trail), sizeof trail - strlen(trail), "%s:%s:%s%s%s ",
                       names[event->signal], event->model->name, name, event->created ? ":new" : "",
                       event->raw ? ":raw" : "")); /* cut would fail the comparison */
}

static void shout(cz_ctx *ctx, const cz_event *event)
{
    Bee *bee = CZ_EVENT_ROW(ctx, event, Bee);
    if (!cz_str_ends_with(bee->name, CZ_STR("!")))
        cz_set(ctx, bee, name, cz_format(ctx, "%.*s!", CZ_STR_ARG(bee->name)));
}

static void refuse(cz_ctx *ctx, const cz_event *event)
{
    (void)event;
    if (refusing)
        cz_raise(ctx, CZ_EDENIED, "not this one");
}

static void see_children(cz_ctx *ctx, const cz_event *event)
{
    Bee *bee = CZ_EVENT_ROW(ctx, event, Bee);
    int64_t children = cz_count(ctx, Bee, .where = CZ_Q(Bee, mother->id, EXACT, bee->id));
    cz_ignore(snprintf(trail + strlen(trail), sizeof trail - strlen(trail), "children:%d ",
                       (int)children)); /* as above */
}

static void note_links(cz_ctx *ctx, const cz_event *event)
{
    static const char *const names[] = { "",           "pre_add",     "post_add",
                                         "pre_remove", "post_remove", "pre_clear",
                                         "post_clear" };
    const Bee *bee = CZ_EVENT_ROW(ctx, event, Bee);
    CZ_EXPECT(event->other == &Hive__model && !strcmp(event->field->name, "visits"));
    cz_ignore(snprintf(trail + strlen(trail), sizeof trail - strlen(trail), "%s:%.*s",
                       names[event->action], CZ_STR_ARG(bee->name))); /* as above */
    for (size_t i = 0; i < event->key_count; i++)
        cz_ignore(snprintf(trail + strlen(trail), sizeof trail - strlen(trail), ":%d",
                           (int)((const int64_t *)event->keys)[i]));               /* as above */
    cz_ignore(snprintf(trail + strlen(trail), sizeof trail - strlen(trail), " ")); /* as above */
}

static void take_for_hive(cz_ctx *ctx, const cz_event *event)
{
    (void)CZ_EVENT_ROW(ctx, event, Hive);
}

static const cz_receiver receivers[] = {
    CZ_RECEIVER(CZ_PRE_INIT, Bee, note),           CZ_RECEIVER(CZ_POST_INIT, Bee, note),
    CZ_RECEIVER(CZ_PRE_SAVE, Bee, shout),          CZ_RECEIVER(CZ_PRE_SAVE, Bee, note),
    CZ_RECEIVER(CZ_POST_SAVE, Bee, refuse),        CZ_RECEIVER_OF_ALL(CZ_POST_SAVE, note),
    CZ_RECEIVER(CZ_PRE_DELETE, Bee, see_children), CZ_RECEIVER(CZ_PRE_DELETE, Bee, note),
    CZ_RECEIVER(CZ_POST_DELETE, Bee, note),        CZ_RECEIVER(CZ_POST_DELETE, Hive, note),
};
static const cz_receiver more_receivers[] = { CZ_RECEIVER(CZ_M2M_CHANGED, Bee, note_links) };
static const cz_app visits_app = { "visits", .receivers = CZ_RECEIVERS(more_receivers) };
static const cz_app apiary_app = { "apiary", .models = CZ_MODELS(Hive, Bee, Honey),
                                   .receivers = CZ_RECEIVERS(receivers) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(apiary, "apiary", .apps = CZ_APPS(&apiary_app, &visits_app), .urls = urls);

static void expect_trail(int line, const char *expected)
{
    if (strcmp(trail, expected))
        cz__test_fail(__FILE__, line, "the trail is \"%s\", expected \"%s\"", trail, expected);
    trail[0] = '\0';
}

#define EXPECT_TRAIL(expected) expect_trail(__LINE__, expected)

static void add_refused(cz_ctx *ctx, void *arg)
{
    const Hive *hive = arg;
    cz_create(ctx, Bee, (name, "no"), (hive, hive->id));
}

static void add_refused_in_block(cz_ctx *ctx, void *arg)
{
    cz_atomic(ctx, add_refused, arg);
}

static void take_wrong_row(cz_ctx *ctx, void *arg)
{
    take_for_hive(ctx, arg);
}

static void set_visits(cz_ctx *ctx, Bee *bee, const int64_t *keys, size_t count)
{
    cz__links_set(ctx,
                  &(struct cz__links){ .row = &bee->row_,
                                       .column = cz__column_find(&Bee__model, CZ_STR("visits")),
                                       .keys = keys,
                                       .count = count });
}

static void live(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Hive *hive = cz_create(ctx, Hive, (name, "old"));
    cz_create(ctx, Honey, (grams, 5), (hive, hive->id));
    EXPECT_TRAIL("post_save:Hive:-:new post_save:Honey:-:new ");
    Bee *ann = cz_create(ctx, Bee, (name, "ann"), (hive, hive->id));
    EXPECT_TRAIL("pre_init:Bee:- post_init:Bee:ann pre_save:Bee:ann!:new post_save:Bee:ann!:new ");
    Bee *bea = cz_row_new(ctx, Bee);
    cz_set(ctx, bea, name, "bea!");
    cz_set(ctx, bea, hive, hive->id);
    cz_set(ctx, bea, mother, ann->id);
    cz_save(ctx, bea);
    cz_save(ctx, bea); /* nothing to write, and told all the same */
    EXPECT_TRAIL("pre_init:Bee:- post_init:Bee: pre_save:Bee:bea!:new post_save:Bee:bea!:new "
                 "pre_save:Bee:bea! post_save:Bee:bea! ");
    const cz__column *visits = cz__column_find(&Bee__model, CZ_STR("visits"));
    int64_t keys[] = { hive->id, cz_create(ctx, Hive, (name, "2"))->id };
    trail[0] = '\0';
    set_visits(ctx, bea, keys, 2);
    set_visits(ctx, bea, keys, 2); /* nothing new */
    EXPECT_TRAIL("pre_add:bea!:1:2 post_add:bea!:1:2 ");
    set_visits(ctx, bea, keys + 1, 1);
    EXPECT_TRAIL("pre_remove:bea!:1 post_remove:bea!:1 ");
    void *linked;
    CZ_EXPECT(cz__links_read(ctx, &bea->row_, visits, &linked) == 1 &&
              *(int64_t *)linked == keys[1]);
    cz_related_replace(ctx, bea, visits, CZ_INTS(keys[0], keys[1]));
    EXPECT_TRAIL("pre_clear:bea! post_clear:bea! pre_add:bea!:1:2 post_add:bea!:1:2 ");
    cz_related_clear(ctx, bea, visits);
    CZ_EXPECT_EQ(cz__links_read(ctx, &bea->row_, visits, &linked), 0);
    cz_related_clear(ctx, bea, visits); /* of nothing, and told all the same */
    EXPECT_TRAIL("pre_clear:bea! post_clear:bea! pre_clear:bea! post_clear:bea! ");
    cz_delete(ctx, Hive, CZ_Q(Hive, name, EXACT, "2"));
    trail[0] = '\0';
    cz_update(ctx, Bee, CZ_EVERY_ROW, (name, "all!"));
    CZ_EXPECT_EQ(cz_count(ctx, Bee), 2);
    EXPECT_TRAIL("");
    cz_rows(Bee) bees = cz_select(ctx, Bee, .related = CZ_RELATED(Bee, mother));
    CZ_EXPECT_EQ(bees.count, 2);
    EXPECT_TRAIL("post_init:Bee:all! post_init:Bee:all! post_init:Bee:all! ");
    refusing = true;
    CZ_EXPECT_EQ(cz_try(ctx, add_refused_in_block, hive, NULL), CZ_EDENIED);
    CZ_EXPECT_EQ(cz_count(ctx, Bee), 2);
    CZ_EXPECT_EQ(cz_try(ctx, add_refused, hive, NULL), CZ_EDENIED);
    CZ_EXPECT_EQ(cz_count(ctx, Bee), 3);
    refusing = false;
    trail[0] = '\0';
    cz_remove(ctx, ann);
    EXPECT_TRAIL("post_init:Bee:all! children:1 pre_delete:Bee:all! post_delete:Bee:all! ");
    cz_save(ctx, hive);
    EXPECT_TRAIL("post_save:Hive:- ");
    CZ_EXPECT_EQ(cz_delete(ctx, Hive, CZ_EVERY_ROW), 4); /* two bees and the honey as well */
    EXPECT_TRAIL("post_init:Bee:all! post_init:Bee:no! children:0 pre_delete:Bee:all! children:0 "
                 "pre_delete:Bee:no! post_delete:Bee:all! post_delete:Bee:no! post_delete:Hive:- ");
    cz_event event = { .signal = CZ_POST_SAVE, .model = &Bee__model, .row = &bea->row_ };
    CZ_EXPECT_EQ(cz_try(ctx, take_wrong_row, &event, NULL), CZ_EINVAL);
    event.row = NULL;
    CZ_EXPECT_EQ(cz_try(ctx, take_wrong_row, &event, NULL), CZ_EINVAL);
}

CZ_TEST(receivers_are_told_of_each_row_in_order_and_inside_the_transaction)
{
    cz_client_run(cz_client_create(&apiary), live, NULL);
}

CZ_MODEL(Outsider, HIVE);

CZ_TEST(receivers_that_cannot_work_are_refused_at_the_start)
{
    static cz_model *const models[] = { &Hive__model, &Bee__model, &Honey__model };
    static const cz_receiver twice[] = { CZ_RECEIVER(CZ_PRE_SAVE, Bee, note),
                                         CZ_RECEIVER(CZ_PRE_SAVE, Bee, note) },
                             stranger[] = { CZ_RECEIVER_OF_ALL(CZ_PRE_INIT, note),
                                            CZ_RECEIVER(CZ_PRE_INIT, Outsider, note) },
                             nothing[] = { { .signal = CZ_PRE_SAVE, .model = &Hive__model } },
                             unknown[] = { { .signal = CZ__SIGNAL_COUNT, .fn = note } },
                             migrating[] = { CZ_RECEIVER(CZ_POST_MIGRATE, Bee, note) },
                             asking[] = { CZ_RECEIVER(CZ_REQUEST_STARTED, Bee, note) };
    const struct {
        cz_receiver_list list;
        const char *message;
    } cases[] = {
        { { twice, 2 }, "apiary: receiver 2 of Bee: it stands there twice" },
        { { stranger, 2 }, "apiary: receiver 2 of Outsider: its model is in no app's .models" },
        { { nothing, 1 }, "apiary: receiver 1 of Hive: it has no function" },
        { { unknown, 1 }, "apiary: receiver 1: there is no such signal" },
        { { migrating, 1 }, "apiary: receiver 1 of Bee: a migration's signal is of no model" },
        { { asking, 1 }, "apiary: receiver 1 of Bee: a request's signal is of no model" },
    };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("apiary", models, CZ_COUNT(models), &err));
    CZ_REQUIRE_OK(cz__models_resolve(&err));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        CZ_EXPECT_EQ(cz__receivers_add("apiary", &cases[i].list, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
    }
}
