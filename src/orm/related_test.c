/* Rows read along with others: by .prefetch, at the first touch, and what a strict query refuses. */
#include "orm/orm_testing.h"
#include <calzone/http.h>
#include <calzone/log.h>
#include <calzone/relations.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Saga)
CZ_MODEL_FORWARD(Portrait)
CZ_MODEL_FORWARD_UUID(Theme)

#define PRESS(F)                                                                                   \
    F(char_field, name)                                                                            \
    F(reverse, sagas, Saga, press)
CZ_MODEL(Press, PRESS);

#define PENMAN(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(reverse, sagas, Saga, penman)                                                                \
    F(reverse, portrait, Portrait, penman)
CZ_MODEL(Penman, PENMAN, .ordering = CZ_ORDER_BY(CZ_ASC(Penman, name)));

#define PORTRAIT(F)                                                                                \
    F(one_to_one, penman, Penman, .on_delete = CZ_CASCADE)                                         \
    F(char_field, colour)
CZ_MODEL(Portrait, PORTRAIT);

#define SAGA(F)                                                                                    \
    F(char_field, title)                                                                           \
    F(int_field, year)                                                                             \
    F(foreign_key, penman, Penman, .on_delete = CZ_CASCADE)                                        \
    F(foreign_key, press, Press, .null = true, .on_delete = CZ_SET_NULL)                           \
    F(many_to_many, themes, Theme)
CZ_MODEL(Saga, SAGA, .ordering = CZ_ORDER_BY(CZ_ASC(Saga, title)));

#define THEME(F)                                                                                   \
    F(char_field, name)                                                                            \
    F(many_to_many_reverse, sagas, Saga, themes)
CZ_MODEL_UUID(Theme, THEME, .ordering = CZ_ORDER_BY(CZ_ASC(Theme, name)));

#define KNOT(F)                                                                                    \
    F(foreign_key, parent, Knot, .null = true, .on_delete = CZ_CASCADE)                            \
    F(reverse, children, Knot, parent)
CZ_MODEL(Knot, KNOT);

static const struct cz__orm_test library = { "library",
                                             CZ_MODELS(Press, Penman, Portrait, Saga, Theme) };

/* Ann wrote a (1901) to d (1904), Bob e and f, Cid nothing. Even years are of Ace, the others of nobody. Themes:
 * a: love war; b: love; e: war love sea. Ann and Cid have portraits. */
static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Press *ace = cz_create(c, Press, (name, "Ace"));
    Penman *penmen[] = { cz_create(c, Penman, (name, "Ann")), cz_create(c, Penman, (name, "Bob")),
                         cz_create(c, Penman, (name, "Cid")) };
    Saga *sagas[6];
    for (int i = 0; i < 6; i++) {
        sagas[i] = cz_create(c, Saga, (title, cz_format(c, "%c", 'a' + i)), (year, 1901 + i),
                             (penman, penmen[i / 4]->id));
        if (i % 2) {
            cz_set(c, sagas[i], press, ace->id);
            cz_save(c, sagas[i]);
        }
    }
    Theme *love = cz_create(c, Theme, (name, "love")), *war = cz_create(c, Theme, (name, "war")),
          *sea = cz_create(c, Theme, (name, "sea"));
    cz_related_add(c, sagas[0], themes, CZ_UUIDS(love->id, war->id));
    cz_related_add(c, sagas[1], themes, CZ_UUIDS(love->id));
    cz_related_add(c, sagas[4], themes, CZ_UUIDS(war->id, love->id, sea->id));
    cz_create(c, Portrait, (penman, penmen[0]->id), (colour, "red"));
    cz_create(c, Portrait, (penman, penmen[2]->id), (colour, "blue"));
}

static const char *titles(cz_ctx *c, cz_rows(Saga) sagas)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < sagas.count; i++)
        text = cz_format(c, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(sagas.items[i].title));
    return text.ptr;
}
#define EXPECT_SAGAS(sagas, expected) CZ_EXPECT_STR(cz_str_from(titles(c, sagas)), expected)

static const char *names(cz_ctx *c, cz_rows(Theme) themes)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < themes.count; i++)
        text = cz_format(c, "%.*s %.*s", CZ_STR_ARG(text), CZ_STR_ARG(themes.items[i].name));
    return text.ptr;
}
#define EXPECT_THEMES(themes, expected) CZ_EXPECT_STR(cz_str_from(names(c, themes)), expected)

/* ---- .prefetch ---- */

static void prefetch_reverse(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Penman) penmen = { 0 };
    CZ_EXPECT_QUERIES_OF(4)
    {
        penmen =
            cz_select(c, Penman,
                      .prefetch = CZ_PREFETCH(Penman, (sagas),
                                              (sagas, Saga, .where = CZ_Q(Saga, year, GTE, 1902),
                                               .order_by = CZ_ORDER_BY(CZ_DESC(Saga, year)),
                                               .limit = 2, .as = "latest"),
                                              (sagas, Saga, .offset = 1, .as = "but the first")));
    }
    CZ_REQUIRE(penmen.count == 3);
    static const char *const all[] = { "abcd", "ef", "" }, *const latest[] = { "dc", "fe", "" },
                             *const rest[] = { "bcd", "f", "" };
    CZ_EXPECT_QUERIES_OF(0)
    {
        for (size_t i = 0; i < 3; i++) {
            Penman *penman = &penmen.items[i];
            EXPECT_SAGAS(cz_related(c, Saga, penman, sagas), all[i]);
            EXPECT_SAGAS(cz_prefetched(c, Saga, penman, sagas, "latest"), latest[i]);
            EXPECT_SAGAS(cz_prefetched(c, Saga, penman, sagas, "but the first"), rest[i]);
        }
    }
    /* a limit that is none has no end */
    EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[0], sagas, .offset = 1, .limit = INT64_MAX),
                 "bcd");
    /* what has no name stands in the relation's place */
    CZ_EXPECT_QUERIES_OF(2)
    {
        penmen = cz_select(c, Penman, .limit = 2,
                           .prefetch = CZ_PREFETCH(Penman, (sagas, Saga, .limit = 1, .offset = 1,
                                                            .related = CZ_RELATED(Saga, press))));
        EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[0], sagas), "b");
        Saga *f = cz_related(c, Saga, &penmen.items[1], sagas).items;
        CZ_EXPECT_STR(CZ_REL(c, f, press)->name, "Ace");
    }
    /* of no rows nothing is asked */
    CZ_EXPECT_QUERIES_OF(1)
    {
        penmen = cz_select(c, Penman, .where = CZ_Q(Penman, name, EXACT, "Dan"),
                           .prefetch = CZ_PREFETCH(Penman, (sagas->themes)));
    }
}

CZ_DATABASE_TEST(a_prefetch_takes_conditions_order_and_a_slice_for_each_row)
{
    cz__orm_test_run(&library, prefetch_reverse);
}

static void prefetch_links(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Saga) sagas = { 0 };
    CZ_EXPECT_QUERIES_OF(3)
    {
        sagas = cz_select(
            c, Saga,
            .prefetch = CZ_PREFETCH(Saga, (themes),
                                    (themes, Theme, .order_by = CZ_ORDER_BY(CZ_DESC(Theme, name)),
                                     .limit = 1, .offset = 1, .as = "second")));
        EXPECT_THEMES(cz_related(c, Theme, &sagas.items[0], themes), " love war");
        EXPECT_THEMES(cz_related(c, Theme, &sagas.items[1], themes), " love");
        EXPECT_THEMES(cz_related(c, Theme, &sagas.items[2], themes), "");
        EXPECT_THEMES(cz_related(c, Theme, &sagas.items[4], themes), " love sea war");
        EXPECT_THEMES(cz_prefetched(c, Theme, &sagas.items[0], themes, "second"), " love");
        EXPECT_THEMES(cz_prefetched(c, Theme, &sagas.items[1], themes, "second"), "");
        EXPECT_THEMES(cz_prefetched(c, Theme, &sagas.items[4], themes, "second"), " sea");
    }
    cz_rows(Theme) themes = { 0 };
    CZ_EXPECT_QUERIES_OF(3)
    {
        themes =
            cz_select(c, Theme,
                      .prefetch = CZ_PREFETCH(
                          Theme, (sagas, Saga, .where = CZ_Q(Saga, penman->name, EXACT, "Ann")),
                          (sagas->press)));
        EXPECT_SAGAS(cz_related(c, Saga, &themes.items[0], sagas), "ab");
        EXPECT_SAGAS(cz_related(c, Saga, &themes.items[1], sagas), "");
        EXPECT_SAGAS(cz_related(c, Saga, &themes.items[2], sagas), "a");
        CZ_EXPECT(CZ_REL(c, &cz_related(c, Saga, &themes.items[0], sagas).items[1], press));
        CZ_EXPECT(!CZ_REL(c, &cz_related(c, Saga, &themes.items[2], sagas).items[0], press));
    }
}

CZ_DATABASE_TEST(links_are_prefetched_from_both_sides)
{
    cz__orm_test_run(&library, prefetch_links);
}

static void prefetch_paths(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Portrait) portraits = { 0 };
    CZ_EXPECT_QUERIES_OF(
        7) /* portraits, penmen, sagas, themes; presses; late sagas, their penmen */
    {
        portraits =
            cz_select(c, Portrait, .order_by = CZ_ORDER_BY(CZ_ASC(Portrait, id)),
                      .prefetch = CZ_PREFETCH(
                          Portrait, (penman->sagas->themes), (penman->sagas->press),
                          (penman->sagas, Saga, .as = "late", .where = CZ_Q(Saga, year, GT, 1902),
                           .prefetch = CZ_PREFETCH(Saga, (penman)))));
        Penman *ann = CZ_REL(c, &portraits.items[0], penman);
        EXPECT_SAGAS(cz_related(c, Saga, ann, sagas), "abcd");
        EXPECT_THEMES(cz_related(c, Theme, &cz_related(c, Saga, ann, sagas).items[0], themes),
                      " love war");
        CZ_EXPECT(CZ_REL(c, &cz_related(c, Saga, ann, sagas).items[1], press) != NULL);
        Saga *late = cz_prefetched(c, Saga, ann, sagas, "late").items;
        CZ_EXPECT_STR(late->title, "c");
        Penman *cid = CZ_REL(c, &portraits.items[1], penman);
        EXPECT_SAGAS(cz_related(c, Saga, cid, sagas), "");
    }
    /* over rows that .related read along, and rows that a condition leaves out */
    CZ_EXPECT_QUERIES_OF(2)
    {
        portraits = cz_select(c, Portrait, .related = CZ_RELATED(Portrait, penman),
                              .prefetch = CZ_PREFETCH(Portrait, (penman->portrait)));
        CZ_EXPECT_EQ(
            cz_related_one(c, Portrait, CZ_REL(c, &portraits.items[0], penman), portrait)->id,
            portraits.items[0].id);
    }
    CZ_EXPECT_QUERIES_OF(2)
    {
        cz_rows(Saga) sagas = cz_select(
            c, Saga,
            .prefetch = CZ_PREFETCH(Saga, (press, Press, .where = CZ_Q(Press, name, EXACT, "no"))));
        for (size_t i = 0; i < sagas.count; i++)
            CZ_EXPECT(!CZ_REL(c, &sagas.items[i], press));
    }
    CZ_EXPECT_QUERIES_OF(2)
    {
        Saga *b = cz_get(c, Saga, .where = CZ_Q(Saga, title, EXACT, "b"),
                         .prefetch = CZ_PREFETCH(
                             Saga, (press, Press, .only = CZ_FIELDS(Press, id), .as = "key")));
        cz_rows(Press) found = cz_prefetched(c, Press, b, press, "key");
        CZ_REQUIRE(found.count == 1);
        CZ_EXPECT(!cz_is_loaded(&found.items[0], name));
    }
}

CZ_DATABASE_TEST(a_prefetch_goes_over_several_relations_with_one_query_each)
{
    cz__orm_test_run(&library, prefetch_paths);
}

static void prefetch_locked(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Penman, .prefetch = CZ_PREFETCH(Penman, (sagas, Saga, .lock = CZ_FOR_UPDATE)));
}
static void prefetch_slice_of_one(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Saga, .prefetch = CZ_PREFETCH(Saga, (penman, Penman, .limit = 1)));
}
static void prefetch_a_column(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Saga, .prefetch = CZ_PREFETCH(Saga, (penman->name)));
}
static void prefetch_twice(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Penman, .prefetch = CZ_PREFETCH(Penman, (sagas), (sagas, Saga, .limit = 1)));
}
static void prefetch_one_name_twice(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Penman,
              .prefetch = CZ_PREFETCH(Penman, (sagas, Saga, .as = "x"),
                                      (sagas, Saga, .limit = 1, .as = "x")));
}
static void prefetch_with_a_condition_of_others(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Penman,
              .prefetch =
                  CZ_PREFETCH(Penman, (sagas, Saga, .where = CZ_Q(Press, name, EXACT, "x"))));
}
static void take_what_was_not_prefetched(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_prefetched(c, Saga, (Penman *)cz_first(c, Penman), sagas, "latest");
}
static void take_one_of_several(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_one(c, Saga, (Penman *)cz_first(c, Penman), sagas);
}
static void take_one_of_none(cz_ctx *c, void *arg)
{
    (void)arg;
    Penman *bob = cz_get(c, Penman, .where = CZ_Q(Penman, name, EXACT, "Bob"));
    cz_related_one(c, Portrait, bob, portrait);
}
static void load_of_new_row(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_ignore(cz_load(c, cz_row_new(c, Saga), year) == 0); /* it raises */
}
static void load_of_gone_row(cz_ctx *c, void *arg)
{
    (void)arg;
    Press *gone = cz_first(c, Press, .only = CZ_FIELDS(Press, id));
    cz_delete(c, Press, CZ_EVERY_ROW);
    cz_ignore(cz_load(c, gone, name).len == 0); /* it raises */
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    static const struct cz__orm_test_refusal cases[] = {
        { prefetch_locked, CZ_EINVAL,
          "prefetch: Penman.sagas takes neither locks, unions, values nor slices of rows that are "
          "distinct or ordered by a window" },
        { prefetch_slice_of_one, CZ_EINVAL,
          "prefetch: Saga.penman leads to one row, of which there is no slice" },
        { prefetch_a_column, CZ_EINVAL, "prefetch: Penman.name is no relation" },
        { prefetch_twice, CZ_EINVAL, "prefetch: Penman.sagas is read twice; name one with .as" },
        { prefetch_one_name_twice, CZ_EINVAL, "prefetch: Penman.sagas is read twice as x" },
        { prefetch_with_a_condition_of_others, CZ_EINVAL,
          "a condition about Press in a query of Saga" },
        { take_what_was_not_prefetched, CZ_EINVAL,
          "no query prefetched Penman.sagas as \"latest\"" },
        { take_one_of_several, CZ_EINVAL,
          "Penman.sagas leads to several rows: cz_related() reads them" },
        { take_one_of_none, CZ_ENOTFOUND, "Penman has no portrait." },
        { load_of_new_row, CZ_EINVAL, "Saga.year of a new row was never set" },
        { load_of_gone_row, CZ_ENOTFOUND, "This press no longer exists." },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
}

CZ_DATABASE_TEST(relations_that_cannot_be_read_so_say_why)
{
    cz__orm_test_run(&library, mistakes);
}

/* ---- at the first touch ---- */

static void narrowed(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    static const char *const late[] = { "dcb", "fe", "" }, *const two[] = { "ab", "ef", "" };
    cz_rows(Penman) penmen = cz_select(c, Penman);
    CZ_EXPECT_QUERIES_OF(3)
    {
        for (size_t i = 0; i < penmen.count; i++) {
            int year = 1902;
            EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[i], sagas,
                                    .where = CZ_Q(Saga, year, GTE, year),
                                    .order_by = CZ_ORDER_BY(CZ_DESC(Saga, year))),
                         late[i]);
            EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[i], sagas, .limit = 2), two[i]);
            /* the same places, another value */
            EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[i], sagas, .limit = 1), i == 0   ? "a"
                                                                                   : i == 1 ? "e"
                                                                                            : "");
        }
    }
    /* each text asks for other rows */
    static const char *const wanted[] = { "a", "b", "e", "ab" };
    CZ_EXPECT_QUERIES_OF(4)
    {
        for (size_t w = 0; w < CZ_COUNT(wanted); w++)
            for (size_t i = 0; i < penmen.count; i++)
                CZ_EXPECT_EQ(cz_related(c, Saga, &penmen.items[i], sagas,
                                        .where = CZ_Q(Saga, title, EXACT, wanted[w]))
                                 .count,
                             (w < 2 && i == 0) || (w == 2 && i == 1));
    }
    /* links */
    cz_rows(Saga) sagas = cz_select(c, Saga);
    CZ_EXPECT_QUERIES_OF(1)
    {
        for (size_t i = 0; i < sagas.count; i++)
            EXPECT_THEMES(cz_related(c, Theme, &sagas.items[i], themes,
                                     .where = CZ_Q(Theme, name, IN, CZ_STRS("war", "sea")),
                                     .limit = 1, .distinct = false),
                          i == 0   ? " war"
                          : i == 4 ? " sea"
                                   : "");
    }
    /* groups, and their slices */
    static const char *const themed[] = { "a", "e", "" };
    CZ_EXPECT_QUERIES_OF(2)
    {
        for (size_t i = 0; i < penmen.count; i++) {
            EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[i], sagas,
                                    .where = CZ_QE(CZ_COUNT_OF(CZ_F(Saga, themes)), GTE, 2)),
                         themed[i]);
            EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[i], sagas, .limit = 1,
                                    .where = CZ_QE(CZ_COUNT_OF(CZ_F(Saga, themes)), GTE, 1),
                                    .order_by = CZ_ORDER_BY(CZ_ASC_OF(
                                        CZ_COUNT_OF(CZ_F(Saga, themes)), .nulls = CZ_NULLS_LAST))),
                         i == 0 ? "b" : themed[i]);
        }
    }
    CZ_EXPECT_QUERIES_OF(1)
    {
        for (size_t i = 0; i < sagas.count; i++)
            EXPECT_THEMES(cz_related(c, Theme, &sagas.items[i], themes, .limit = 2,
                                     .where = CZ_QE(CZ_COUNT_OF(CZ_F(Theme, sagas)), EXACT, 1)),
                          i == 0   ? " love war"
                          : i == 1 ? " love"
                          : i == 4 ? " love sea"
                                   : "");
    }
    /* what one query for all cannot say */
    CZ_EXPECT_QUERIES_OF(3)
    {
        for (size_t i = 0; i < penmen.count; i++)
            EXPECT_SAGAS(cz_related(c, Saga, &penmen.items[i], sagas, .limit = 2, .distinct = true),
                         two[i]);
    }
}

CZ_DATABASE_TEST(a_narrowed_relation_is_read_for_all_rows_of_a_result)
{
    cz__orm_test_run(&library, narrowed);
}

/* Of love, sea and war. */
static const char *const warlike[] = { "", "", "ae" };

static void about_the_link(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_cond war = CZ_Q(Saga, themes->name, EXACT, "war");
    cz_rows(Theme) themes = cz_select(
        c, Theme, .prefetch = CZ_PREFETCH(Theme, (sagas, Saga, .where = war, .as = "warlike")));
    CZ_REQUIRE(themes.count == 3);
    for (size_t i = 0; i < 3; i++) {
        Theme *theme = &themes.items[i];
        EXPECT_SAGAS(cz_related(c, Saga, theme, sagas, .where = war), warlike[i]);
        EXPECT_SAGAS(
            cz_related(c, Saga, theme, sagas, .where = CZ_WHERE(war), .limit = 9, .distinct = true),
            warlike[i]);
        EXPECT_SAGAS(cz_prefetched(c, Saga, theme, sagas, "warlike"), warlike[i]);
        EXPECT_SAGAS(
            cz_related(c, Saga, theme, sagas, .where = CZ_OR(war, CZ_Q(Saga, title, EXACT, "e"))),
            i == 2 ? "ae" : "e");
        EXPECT_SAGAS(
            cz_related(c, Saga, theme, sagas,
                       .order_by = CZ_ORDER_BY(CZ_ASC(Saga, themes->name), CZ_DESC(Saga, title))),
            i == 0   ? "eba"
            : i == 1 ? "e"
                     : "ea");
        /* any of a saga's themes */
        EXPECT_SAGAS(cz_related(c, Saga, theme, sagas,
                                .where = CZ_Q(Saga, id, IN,
                                              CZ_SUBQUERY(CZ_F(Saga, id), Saga, .where = war))),
                     i == 1 ? "e" : "ae");
        EXPECT_SAGAS(cz_related(c, Saga, theme, sagas, .where = CZ_NOT(war)), i == 0 ? "b" : "");
    }
    /* further steps begin at the same links; so do those of the other side */
    EXPECT_THEMES(cz_related(c, Theme, (Saga *)cz_first(c, Saga), themes, .distinct = true,
                             .where = CZ_Q(Theme, sagas->themes->name, EXACT, "sea")),
                  "");
    EXPECT_THEMES(cz_related(c, Theme, (Saga *)cz_first(c, Saga), themes,
                             .where = CZ_Q(Theme, sagas->title, EXACT, "a")),
                  " love war");
}

CZ_DATABASE_TEST(conditions_of_linked_rows_are_about_the_links_that_lead_there)
{
    cz__orm_test_run(&library, about_the_link);
}

static void changed_meanwhile(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Penman) penmen = cz_select(c, Penman);
    Penman *bob = &penmen.items[1];
#define EARLY(penman) cz_related(c, Saga, penman, sagas, .where = CZ_Q(Saga, year, LT, 1906))
#define OF_ACE(penman)                                                                             \
    cz_related(c, Saga, penman, sagas, .where = CZ_Q(Saga, press->name, EXACT, "Ace"))
    CZ_EXPECT_QUERIES_OF(2)
    {
        EXPECT_SAGAS(EARLY(&penmen.items[0]), "abcd");
        EXPECT_SAGAS(EARLY(bob), "e");
        EXPECT_SAGAS(OF_ACE(bob), "f");
    }
    /* a change of other models changes nothing here, but where they are asked about */
    cz_update(c, Press, CZ_EVERY_ROW, (name, "Bee"));
    CZ_EXPECT_QUERIES_OF(1)
    {
        EXPECT_SAGAS(EARLY(bob), "e");
        EXPECT_SAGAS(OF_ACE(bob), "");
    }
    /* rows of the model: what is asked now is so now */
    cz_create(c, Saga, (title, "g"), (year, 1900), (penman, bob->id));
    EXPECT_SAGAS(EARLY(bob), "eg");
    cz_delete(c, Saga, CZ_Q(Saga, title, EXACT, "e"));
    EXPECT_SAGAS(EARLY(bob), "g");
    /* by a call on the row, for the whole result */
    cz_related_add(c, bob, sagas, CZ_INTS(1));
    CZ_EXPECT_QUERIES_OF(1)
    {
        EXPECT_SAGAS(EARLY(bob), "ag");
        EXPECT_SAGAS(EARLY(&penmen.items[0]), "bcd");
    }
}

CZ_DATABASE_TEST(what_this_request_changed_is_seen_in_relations_asked_with_arguments)
{
    cz__orm_test_run(&library, changed_meanwhile);
}

static void keys_that_lead_nowhere(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Saga) sagas = cz_select(c, Saga, .related = CZ_RELATED(Saga, press));
    CZ_EXPECT_QUERIES_OF(2) /* rows of .related are a result, too */
    {
        for (size_t i = 0; i < sagas.count; i++) {
            Press *press = CZ_REL(c, &sagas.items[i], press);
            CZ_EXPECT_EQ(press != NULL, i % 2);
            if (press)
                CZ_EXPECT_EQ(cz_related(c, Saga, press, sagas).count, 3);
            CZ_EXPECT(CZ_REL(c, &sagas.items[i], penman) != NULL);
        }
    }
    /* copies of rows and rows whose key was set find what was read, or ask alone */
    Saga copy = sagas.items[0];
    copy.penman_slot_ = NULL;
    Penman *cid = cz_get(c, Penman, .where = CZ_Q(Penman, name, EXACT, "Cid"));
    CZ_EXPECT_QUERIES_OF(1)
    {
        CZ_EXPECT_STR(CZ_REL(c, &copy, penman)->name, "Ann");
        cz_set(c, &sagas.items[1], penman, cid->id);
        CZ_EXPECT_STR(CZ_REL(c, &sagas.items[1], penman)->name, "Cid");
    }
}

CZ_DATABASE_TEST(each_key_of_a_result_is_asked_for_once)
{
    cz__orm_test_run(&library, keys_that_lead_nowhere);
}

/* ---- columns left out ---- */

static void left_out(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_rows(Saga) sagas = cz_select(c, Saga, .only = CZ_FIELDS(Saga, title));
    CZ_EXPECT(!cz_is_loaded(&sagas.items[0], year) && !cz_is_loaded(&sagas.items[0], penman));
    CZ_EXPECT_QUERIES_OF(4) /* the years, the keys twice, the penmen */
    {
        for (size_t i = 0; i < sagas.count; i++) {
            CZ_EXPECT_EQ(cz_load(c, &sagas.items[i], year), 1901 + i);
            CZ_EXPECT_EQ(cz_load(c, &sagas.items[i], penman_id), 1 + i / 4);
            CZ_EXPECT_STR(CZ_REL(c, &sagas.items[i], penman)->name, i < 4 ? "Ann" : "Bob");
            cz_ignore(cz_load(c, &sagas.items[i], press_id) == 0); /* whether it is NULL: */
            CZ_EXPECT_EQ(cz_is_null(&sagas.items[i], press), i % 2 == 0);
        }
    }
    /* a foreign key that was left out is read before the row it leads to */
    sagas = cz_select(c, Saga, .defer = CZ_FIELDS(Saga, penman, year));
    CZ_EXPECT_QUERIES_OF(2)
    {
        for (size_t i = 0; i < sagas.count; i++)
            CZ_EXPECT_STR(CZ_REL(c, &sagas.items[i], penman)->name, i < 4 ? "Ann" : "Bob");
    }
    cz_set(c, &sagas.items[0], year, 7); /* what was set is not read over */
    CZ_EXPECT_EQ(cz_load(c, &sagas.items[1], year), 1902);
    CZ_EXPECT_EQ(cz_load(c, &sagas.items[0], year), 7);
    CZ_EXPECT(cz_is_dirty(&sagas.items[0], year));
    cz_refresh(c, &sagas.items[0]);
    CZ_EXPECT_EQ(sagas.items[0].year, 1901);
}

CZ_DATABASE_TEST(a_column_that_was_left_out_is_read_for_all_rows)
{
    cz__orm_test_run(&library, left_out);
}

/* ---- strict ---- */

struct touching {
    Saga *saga;
    Penman *penman;
};
static void touch_relation(cz_ctx *c, void *arg)
{
    CZ_REL(c, ((struct touching *)arg)->saga, penman);
}
static void touch_links(cz_ctx *c, void *arg)
{
    cz_related(c, Theme, ((struct touching *)arg)->saga, themes);
}
static void touch_column(cz_ctx *c, void *arg)
{
    cz_ignore(cz_load(c, ((struct touching *)arg)->saga, year) == 0); /* it raises */
}
static void touch_narrowed(cz_ctx *c, void *arg)
{
    cz_related(c, Saga, ((struct touching *)arg)->penman, sagas, .limit = 1);
}
static void touch_one(cz_ctx *c, void *arg)
{
    cz_related_one(c, Portrait, ((struct touching *)arg)->penman, portrait);
}
static void touch_beyond(cz_ctx *c, void *arg)
{
    Penman *penman = ((struct touching *)arg)->penman;
    CZ_REL(c, cz_related(c, Saga, penman, sagas).items, penman);
}

static void strict(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    struct touching touching;
    touching.saga = cz_first(c, Saga, .defer = CZ_FIELDS(Saga, year), .strict = true);
    int line = __LINE__ - 1;
    touching.penman = cz_first(c, Penman, .strict = true, .prefetch = CZ_PREFETCH(Penman, (sagas)));
    static const struct {
        void (*body)(cz_ctx *c, void *arg);
        const char *what;
    } cases[] = { { touch_relation, "Saga.penman" }, { touch_links, "Saga.themes" },
                  { touch_column, "Saga.year" },     { touch_narrowed, "Penman.sagas" },
                  { touch_one, "Penman.portrait" },  { touch_beyond, "Saga.penman" } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        CZ_EXPECT_QUERIES_OF(0)
        {
            CZ_EXPECT_EQ(cz_try(c, cases[i].body, &touching, &err), CZ_EINVAL);
        }
        cz_str said = cz_str_from(cz_error_message(&err));
        CZ_EXPECT_MSG(cz_str_starts_with(
                          said, cz_format(c, "%s was not read, and the query at ", cases[i].what)),
                      "%.*s", CZ_STR_ARG(said));
        if (i == 0)
            CZ_EXPECT(cz_str_ends_with(said, cz_format(c, "related_test.c:%d is strict", line)));
        CZ_EXPECT(err.file && strstr(err.file, "related_test.c")); /* the line that touched it */
    }
    CZ_EXPECT_EQ(cz_related(c, Saga, touching.penman, sagas).count, 4);
    cz_rows(Saga) sagas =
        cz_select(c, Saga, .strict = true, .related = CZ_RELATED(Saga, penman, press));
    CZ_EXPECT_QUERIES_OF(0)
    {
        for (size_t i = 0; i < sagas.count; i++) {
            CZ_EXPECT(CZ_REL(c, &sagas.items[i], penman) != NULL);
            CZ_EXPECT_EQ(CZ_REL(c, &sagas.items[i], press) != NULL, i % 2); /* NULL is read */
        }
    }
}

CZ_DATABASE_TEST(a_strict_query_refuses_what_it_did_not_read)
{
    cz__orm_test_run(&library, strict);
}

/* ---- joins ---- */

static const struct cz__orm_test ropes = { "ropes", CZ_MODELS(Knot) };

static void join_too_many(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_str path = CZ_STR("parent");
    for (int i = 1; i < 17; i++)
        path = cz_format(c, "%.*s->parent", CZ_STR_ARG(path));
    cz_query query = { .model = &Knot__model, .related = { &path, 1 } };
    cz__first(c, &query);
}

static void joins(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Knot *last = NULL;
    for (int i = 0; i < 3; i++) {
        Knot *knot = cz_row_new(c, Knot);
        if (last)
            cz_set(c, knot, parent, last->id);
        cz_save(c, knot);
        last = knot;
    }
    cz_rows(Knot) knots = { 0 };
    CZ_EXPECT_QUERIES_OF(1) /* over keys that are NULL, and behind those */
    {
        knots = cz_select(c, Knot, .related = CZ_RELATED(Knot, parent->parent->parent),
                          .order_by = CZ_ORDER_BY(CZ_ASC(Knot, id)), .strict = true);
        CZ_EXPECT(!CZ_REL(c, &knots.items[0], parent));
        CZ_EXPECT(!CZ_REL(c, CZ_REL(c, &knots.items[1], parent), parent));
        Knot *up = CZ_REL(c, CZ_REL(c, &knots.items[2], parent), parent);
        CZ_REQUIRE(up);
        CZ_EXPECT_EQ(up->id, knots.items[0].id);
        CZ_EXPECT(!CZ_REL(c, up, parent));
    }
    cz_str longest = CZ_STR("parent");
    for (int i = 1; i < 16; i++)
        longest = cz_format(c, "%.*s->parent", CZ_STR_ARG(longest));
    cz_query query = { .model = &Knot__model, .related = { &longest, 1 } };
    CZ_EXPECT(cz__first(c, &query) != NULL);
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_try(c, join_too_many, NULL, &err), CZ_EINVAL);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "related: Knot joins more than 16 relations; read some by .prefetch");
}

CZ_DATABASE_TEST(joined_relations_may_be_null_and_are_sixteen_at_most)
{
    cz__orm_test_run(&ropes, joins);
}

/* ---- one query a row ---- */

static int asking_line;
static void ask_row_by_row(cz_ctx *c, void *arg)
{
    for (int64_t id = 1; id <= 6; id++) {
        cz_rows(Saga) saga = cz_select(c, Saga, .where = CZ_Q(Saga, id, EXACT, id));
        asking_line = __LINE__ - 1;
        CZ_REL(c, saga.items, penman); /* of rows that came one by one */
        if (arg)
            cz_raise(c, CZ_EDENIED, "in the middle");
    }
    for (int i = 0; i < 40; i++) /* what makes a shape of its own is another query */
        cz_exists(c, Saga, .where = i % 2 ? CZ_Q(Saga, year, EXACT, 1) : CZ_Q(Saga, year, LT, 1));
}

/* The log of a request that runs `body`. */
static const char *log_of(cz_ctx *c, void (*body)(cz_ctx *c, void *arg), void *arg)
{
    const char *path = cz_format(c, "%s/log", cz_test_directory()).ptr;
    static cz_request request;
    cz_arena *arena;
    cz_ctx own;
    CZ_REQUIRE_OK(cz_log_configure(&(cz_log_options){ CZ_LOG_WARNING, CZ_LOG_JSON, path }, NULL));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&own, arena);
    own.request = &request;
    cz_error err = { 0 };
    cz_ignore(cz_try(&own, body, arg, &err)); /* it may raise */
    cz_ctx_done(&own);
    cz_arena_destroy(arena);
    cz_log_flush(true);
    char text[8192] = "";
    FILE *file = fopen(path, "r");
    CZ_REQUIRE(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    CZ_REQUIRE_OK(cz_log_configure(&(cz_log_options){ .level = CZ_LOG_WARNING }, NULL));
    return cz_copy(c, cz_str_of(text, len)).ptr;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void repeats(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_STR(cz_str_from(log_of(c, ask_row_by_row, NULL)), ""); /* nobody counts */
    cz__repeats_max = 5;
    const char *log = log_of(c, ask_row_by_row, NULL);
    CZ_EXPECT_MSG(strstr(log, cz_format(c, "related_test.c\",\"line\":%d", asking_line).ptr), "%s",
                  log);
    CZ_EXPECT_MSG(strstr(log, "\"times\":6") && strstr(log, "library_saga"), "%s", log);
    CZ_EXPECT_EQ(lines_of(log), 1); /* the penmen are two, and each is asked for once */
    CZ_EXPECT(lines_of(log_of(c, ask_row_by_row, c)) == 1);
    cz__repeats_max = 6;
    CZ_EXPECT_EQ(lines_of(log_of(c, ask_row_by_row, NULL)), 1); /* the line from before */
}

CZ_DATABASE_TEST(a_line_that_asks_row_by_row_is_logged)
{
    cz__orm_test_run(&library, repeats);
}

/* A tree is read level by level, and its chunks chunk by chunk: no row alone. */
static void ask_level_by_level(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_rows(Knot) level = cz_select(c, Knot, .where = CZ_Q(Knot, parent, ISNULL, true));
    for (int depth = 0; depth < 4; depth++)
        level = cz_related(c, Knot, &level.items[0], children);
    cz_chunks *chunks = cz_chunks_begin(c, Knot, 2);
    for (cz_rows(Knot) rows; (rows = cz_chunks_next(chunks, Knot)).count;)
        CZ_REL(c, &rows.items[0], parent);
}

static void levels(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    int64_t parents[2] = { 0 };
    for (int i = 0; i < 10; i++) { /* two lines of five */
        Knot *knot = cz_row_new(c, Knot);
        if (i > 1)
            cz_set(c, knot, parent, parents[i % 2]);
        cz_save(c, knot);
        parents[i % 2] = knot->id;
    }
    cz__repeats_max = 2;
    CZ_EXPECT_STR(cz_str_from(log_of(c, ask_level_by_level, NULL)), "");
}

CZ_DATABASE_TEST(levels_of_a_tree_and_chunks_are_not_rows)
{
    cz__orm_test_run(&ropes, levels);
}

/* ---- chunks ---- */

static void chunks(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    size_t themes = 0, sagas = 0;
    CZ_EXPECT_QUERIES_OF(6) /* two chunks, their themes, and their penmen */
    {
        cz_chunks *chunks = cz_chunks_begin(c, Saga, 4, .prefetch = CZ_PREFETCH(Saga, (themes)));
        for (cz_rows(Saga) rows; (rows = cz_chunks_next(chunks, Saga)).count;)
            for (size_t i = 0; i < rows.count; i++) {
                themes += cz_related(c, Theme, &rows.items[i], themes).count;
                sagas += CZ_REL(c, &rows.items[i], penman)->id == (sagas < 4 ? 1 : 2);
            }
    }
    CZ_EXPECT_EQ(themes, 6);
    CZ_EXPECT_EQ(sagas, 6);
}

CZ_DATABASE_TEST(relations_of_chunks_are_read_for_each_chunk)
{
    cz__orm_test_run(&library, chunks);
}

#ifdef CZ_FAULTS
/* ---- memory ---- */

static void read_all_ways(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_rows(Penman) penmen = cz_select(
        c, Penman,
        .prefetch = CZ_PREFETCH(Penman, (sagas->themes), (sagas, Saga, .limit = 1, .as = "first")));
    for (size_t i = 0; i < penmen.count; i++) {
        cz_related(c, Saga, &penmen.items[i], sagas, .where = CZ_Q(Saga, year, GT, 1902));
        cz_related(c, Portrait, &penmen.items[i], portrait);
    }
    cz_rows(Saga) sagas = cz_select(c, Saga, .only = CZ_FIELDS(Saga, title));
    for (size_t i = 0; i < sagas.count; i++)
        CZ_REL(c, &sagas.items[i], penman);
}

static void without_memory(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz__repeats_max = 2;
    static cz_request request;
    cz__orm_test_without_memory(read_all_ways, &request);
}

CZ_DATABASE_TEST(relations_are_read_or_memory_is_missing)
{
    cz__orm_test_run(&library, without_memory);
}
#endif
