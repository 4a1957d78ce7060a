/* Rows in the input of another: checked with it, stored with it, all or none. */
#include "serializers/romances_testing.h"

static CZ_SERIALIZER(RealmSerializer, Realm, .fields = CZ_FIELDS(Realm, id, code, name));
static CZ_SERIALIZER(FabulistSerializer, Fabulist, .fields = CZ_FIELDS(Fabulist, id, name, country),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Fabulist, country),
                                             .nested = &RealmSerializer,
                                             .writable = true }));
static void check_canto(cz_ctx *c, void *row, cz_field_errors *errors)
{
    if (((const Canto *)row)->number == 13)
        cz_field_errors_add(c, errors, CZ_STR("non_field_errors"), "invalid", "No thirteenth.");
}
static CZ_SERIALIZER(CantoSerializer, Canto, .fields = CZ_FIELDS(Canto, id, number, heading),
                     .validate = check_canto);
static CZ_SERIALIZER(JacketSerializer, Jacket, .fields = CZ_FIELDS(Jacket, colour));
static CZ_SERIALIZER(MotifSerializer, Motif, .fields = CZ_FIELDS(Motif, id, word));

static CZ_SERIALIZER(
    WholeSerializer, Romance, .fields = CZ_FIELDS(Romance, id, title, author, editor),
    .members = CZ_MEMBERS(
        { .source = CZ_FIELD(Romance, author), .nested = &FabulistSerializer, .writable = true },
        { .source = CZ_FIELD(Romance, editor), .nested = &FabulistSerializer, .writable = true },
        { .source = CZ_FIELD(Romance, tags),
          .nested = &MotifSerializer,
          .writable = true,
          .optional = true },
        { .source = CZ_FIELD(Romance, chapters),
          .nested = &CantoSerializer,
          .writable = true,
          .optional = true },
        { .source = CZ_FIELD(Romance, cover),
          .nested = &JacketSerializer,
          .writable = true,
          .optional = true }));

/* What a client gets when it is asked again, without what does not change. */
static cz_str shown(cz_ctx *c, int64_t key)
{
    cz_buf out;
    cz_buf_init(&out, 1 << 20);
    const cz_query query = { .model = &Romance__model,
                             .where = cz_cond_copy(c, CZ_Q(Romance, id, EXACT, key)),
                             .file = __FILE__,
                             .line = __LINE__ };
    CZ_EXPECT_EQ(cz__serializer_write_query(c, NULL, &WholeSerializer, &query, &out), 1);
    cz_str text = cz_copy(c, cz_buf_str(&out));
    cz_buf_done(&out);
    return text;
}

struct step {
    int64_t key; /* of the romance that is changed; 0: a new one */
    bool partial;
    const char *text, *wrong; /* "" when it is stored */
    const char *shown;        /* then; NULL: as before */
};

/* One after another, on what the seed made. */
static void run_steps(cz_ctx *c, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        Romance *instance =
            step->key ? cz_get(c, Romance, .where = CZ_Q(Romance, id, EXACT, step->key)) : NULL;
        cz_str before = instance ? shown(c, step->key) : CZ_STR("");
        struct reading reading = { step->text, &WholeSerializer, instance ? &instance->row_ : NULL,
                                   step->partial, NULL };
        CZ_EXPECT_STR(cz_str_from(outcome(c, &reading)), step->wrong);
        if (step->shown)
            CZ_EXPECT_STR(shown(c, instance ? step->key : ((Romance *)reading.row)->id),
                          step->shown);
        else if (instance)
            CZ_EXPECT_STR(shown(c, step->key), before.ptr);
    }
    cz_router_destroy(router);
}

/* ---- behind foreign keys ---- */

#define REST ",\"editor\":null,\"tags\":[],\"chapters\":[],\"cover\":null}"
#define NO_REALM ",\"country\":null}"

static const struct step of_foreign_keys[] = {
    /* a new row, and one in it */
    { 0, false, "{\"title\":\"a\",\"author\":{\"name\":\"Eve\"}}", "",
      "{\"id\":4,\"title\":\"a\",\"author\":{\"id\":3,\"name\":\"Eve\"" NO_REALM REST },
    { 0, false,
      "{\"title\":\"b\",\"author\":{\"name\":\"Fay\",\"country\":{\"code\":\"no\",\"name\":"
      "\"Nowhere\"}}}",
      "",
      "{\"id\":5,\"title\":\"b\",\"author\":{\"id\":4,\"name\":\"Fay\",\"country\":{\"id\":2,"
      "\"code\":\"no\",\"name\":\"Nowhere\"}}" REST },
    /* one that is there: referred to, and changed as far as members are given */
    { 0, false, "{\"title\":\"c\",\"author\":{\"id\":4}}", "",
      "{\"id\":6,\"title\":\"c\",\"author\":{\"id\":4,\"name\":\"Fay\",\"country\":{\"id\":2,"
      "\"code\":\"no\",\"name\":\"Nowhere\"}}" REST },
    { 6, true, "{\"author\":{\"country\":null}}", "",
      "{\"id\":6,\"title\":\"c\",\"author\":{\"id\":4,\"name\":\"Fay\"" NO_REALM REST },
    { 6, false, "{\"title\":\"c\",\"author\":{\"name\":\"Fey\"},\"editor\":{\"id\":\"2\"}}", "",
      "{\"id\":6,\"title\":\"c\",\"author\":{\"id\":4,\"name\":\"Fey\"" NO_REALM
      ",\"editor\":{\"id\":2,\"name\":\"Bob\"" NO_REALM
      ",\"tags\":[],\"chapters\":[],\"cover\":null}" },
    { 6, false, "{\"title\":\"c\",\"author\":{\"id\":4},\"editor\":{\"id\":2}}", "", NULL },
    { 6, true, "{\"editor\":null}", "",
      "{\"id\":6,\"title\":\"c\",\"author\":{\"id\":4,\"name\":\"Fey\"" NO_REALM REST },
    { 6, true, "{\"title\":\"d\"}", "",
      "{\"id\":6,\"title\":\"d\",\"author\":{\"id\":4,\"name\":\"Fey\"" NO_REALM REST },
    { 6, true, "{\"author\":{\"id\":1,\"name\":\"Ana\"}}", "",
      "{\"id\":6,\"title\":\"d\",\"author\":{\"id\":1,\"name\":\"Ana\",\"country\":{\"id\":1,"
      "\"code\":\"oz\",\"name\":\"Oz\"}}" REST },
    /* of a repeated one the last counts */
    { 6, true, "{\"author\":{\"nane\":1},\"author\":{\"name\":\"Ann\"}}", "",
      "{\"id\":6,\"title\":\"d\",\"author\":{\"id\":1,\"name\":\"Ann\",\"country\":{\"id\":1,"
      "\"code\":\"oz\",\"name\":\"Oz\"}}" REST },
    /* refused, and nothing stored */
    { 6, false, "{\"title\":\"x\",\"author\":{}}", "author.name: This field is required.", NULL },
    { 6, true, "{\"author\":null}", "author: This field may not be null.", NULL },
    { 6, true, "{\"author\":3}",
      "author.non_field_errors: Invalid data. Expected a dictionary, but got int.", NULL },
    { 6, true, "{\"author\":[{\"name\":\"x\"}]}",
      "author.non_field_errors: Invalid data. Expected a dictionary, but got list.", NULL },
    { 6, true, "{\"author\":{\"id\":99}}", "author.id: Invalid pk \"99\" - object does not exist.",
      NULL },
    { 6, true, "{\"author\":{\"id\":\"one\"}}",
      "author.id: Incorrect type. Expected pk value, received str.", NULL },
    { 6, true, "{\"author\":{\"name\":\"Bob\"}}",
      "author.name: fabulist with this name already exists.", NULL },
    { 6, true, "{\"author\":{\"nick\":\"Bob\"}}", "author.nick: Unknown field.", NULL },
    { 6, true,
      "{\"title\":\"x\",\"author\":{\"name\":\"12345678901\",\"country\":{\"code\":\"!\"}}}",
      "author.name: Ensure this field has no more than 10 characters. (and more)", NULL },
    { 0, false, "{\"title\":\"x\",\"author\":{\"name\":\"New\",\"country\":{\"code\":\"zz\"}}}",
      "author.country.name: This field is required.", NULL },
    /* the row itself is wrong: what hangs on it is not stored either */
    { 0, false, "{\"title\":\"123456789012345678901\",\"author\":{\"name\":\"New\"}}",
      "title: Ensure this field has no more than 20 characters.", NULL },
};

static void foreign_keys(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    run_steps(c, of_foreign_keys, CZ_COUNT(of_foreign_keys));
    CZ_EXPECT_EQ(cz_count(c, Fabulist), 4);
    CZ_EXPECT_EQ(cz_count(c, Romance), 6);
    CZ_EXPECT_EQ(cz_count(c, Realm), 2);
}

CZ_DATABASE_TEST(a_row_behind_a_foreign_key_comes_with_the_row)
{
    cz__orm_test_run(&library, foreign_keys);
}

/* ---- behind reverse sides ---- */

#define HEAD(id, title)                                                                            \
    "{\"id\":" id ",\"title\":\"" title "\",\"author\":{\"id\":2,\"name\":\"Bob\"" NO_REALM        \
    ",\"editor\":null,\"tags\":[],"
#define NO_COVER ",\"cover\":null}"

static const struct step of_reverse_sides[] = {
    { 2, true,
      "{\"chapters\":[{\"number\":2,\"heading\":\"b\"},{\"number\":1,\"heading\":\"a\"}],"
      "\"cover\":{\"colour\":\"blue\"}}",
      "",
      HEAD("2",
           "Bare") "\"chapters\":[{\"id\":5,\"number\":1,\"heading\":\"a\"},{\"id\":4,\"number\":2,"
                   "\"heading\":\"b\"}],\"cover\":{\"colour\":\"blue\"}}" },
    /* named ones change, others come, the rest goes; a chapter's number is free again at once */
    { 2, true,
      "{\"chapters\":[{\"id\":4,\"heading\":\"B\"},{\"number\":1,\"heading\":\"new\"}],"
      "\"cover\":{\"colour\":\"green\"}}",
      "",
      HEAD("2", "Bare") "\"chapters\":[{\"id\":6,\"number\":1,\"heading\":\"new\"},{\"id\":4,"
                        "\"number\":2,\"heading\":\"B\"}],\"cover\":{\"colour\":\"green\"}}" },
    { 2, true, "{\"title\":\"Barer\",\"chapters\":[]}", "",
      HEAD("2", "Barer") "\"chapters\":[],\"cover\":{\"colour\":\"green\"}}" },
    { 0, false,
      "{\"title\":\"New\",\"author\":{\"id\":2},\"chapters\":[{\"number\":1,\"heading\":\"x\"}]}",
      "", HEAD("4", "New") "\"chapters\":[{\"id\":7,\"number\":1,\"heading\":\"x\"}]" NO_COVER },
    { 4, true, "{\"chapters\":[{\"id\":7,\"number\":3}]}", "",
      HEAD("4", "New") "\"chapters\":[{\"id\":7,\"number\":3,\"heading\":\"x\"}]" NO_COVER },
    /* refused */
    { 4, false, "{\"title\":\"x\",\"author\":{\"id\":2},\"chapters\":[{\"id\":7},{\"number\":3}]}",
      "chapters.1.heading: This field is required.", NULL },
    { 4, true, "{\"chapters\":[{\"number\":3}]}", "chapters.0.heading: This field is required.",
      NULL },
    { 4, true, "{\"chapters\":[{\"number\":1,\"heading\":\"y\"},{\"number\":0,\"heading\":\"z\"}]}",
      "chapters.1.number: Ensure this value is greater than or equal to 1.", NULL },
    { 4, true, "{\"chapters\":[{\"number\":13,\"heading\":\"y\"}]}",
      "chapters.0.non_field_errors: No thirteenth.", NULL },
    { 4, true, "{\"chapters\":[{\"number\":1,\"heading\":\"y\"},7]}",
      "chapters.1.non_field_errors: Invalid data. Expected a dictionary, but got int.", NULL },
    { 4, true, "{\"chapters\":[null]}", "chapters.0.non_field_errors: No data provided", NULL },
    { 4, true, "{\"chapters\":{\"number\":1}}",
      "chapters: Expected a list of items but got type \"dict\".", NULL },
    { 4, true, "{\"chapters\":\"none\"}",
      "chapters: Expected a list of items but got type \"str\".", NULL },
    { 4, true, "{\"chapters\":null}", "chapters: This field may not be null.", NULL },
    { 4, true, "{\"cover\":null}", "cover: This field may not be null.", NULL },
    { 4, true, "{\"cover\":[]}",
      "cover.non_field_errors: Invalid data. Expected a dictionary, but got list.", NULL },
    /* another's row, one that is nobody's, and one twice */
    { 4, true, "{\"chapters\":[{\"id\":1,\"heading\":\"mine\"}]}",
      "chapters.0.id: Invalid pk \"1\" - object does not exist.", NULL },
    { 4, true, "{\"chapters\":[{\"id\":99}]}",
      "chapters.0.id: Invalid pk \"99\" - object does not exist.", NULL },
    { 4, true, "{\"chapters\":[{\"id\":7},{\"id\":7}]}",
      "chapters.1.id: Invalid pk \"7\" - object does not exist.", NULL },
    { 4, true, "{\"chapters\":[{\"id\":{}}]}",
      "chapters.0.id: Incorrect type. Expected pk value, received dict.", NULL },
    { 0, false, "{\"title\":\"x\",\"author\":{\"id\":2},\"chapters\":[{\"id\":7}]}",
      "chapters.0.id: Invalid pk \"7\" - object does not exist.", NULL },
    /* what the database alone knows takes all of it back */
    { 4, true,
      "{\"title\":\"Lost\",\"chapters\":[{\"number\":5,\"heading\":\"y\"},{\"number\":5,"
      "\"heading\":\"z\"}]}",
      "Another row has this novel_id, number already.", NULL },
};

static void reverse_sides(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    run_steps(c, of_reverse_sides, CZ_COUNT(of_reverse_sides));
    CZ_EXPECT_EQ(cz_count(c, Jacket), 2);
    CZ_EXPECT_EQ(cz_count(c, Canto), 4);
}

CZ_DATABASE_TEST(rows_behind_a_reverse_side_come_with_the_row)
{
    cz__orm_test_run(&library, reverse_sides);
}

/* ---- behind a many-to-many ---- */

static void titles_of_tags(cz_ctx *c, const char *expected)
{
    cz_str text = CZ_STR("");
    cz_rows(Motif) tags = cz_select(c, Motif);
    for (size_t i = 0; i < tags.count; i++)
        text = cz_format(c, "%.*s%.*s ", CZ_STR_ARG(text), CZ_STR_ARG(tags.items[i].word));
    CZ_EXPECT_STR(text, expected);
}

static const struct step of_links[] = {
    { 3, true, "{\"tags\":[{\"word\":\"cider\"},{\"id\":\"" TAG_B "\"}]}", "", NULL },
    { 3, true, "{\"tags\":[{\"id\":\"" TAG_A "\",\"word\":\"Apple\"}]}", "", NULL },
    { 3, true, "{\"tags\":[{\"id\":\"" TAG_A "\",\"word\":\"bread\"}]}",
      "tags.0.word: motif with this word already exists.", NULL },
    { 3, true, "{\"tags\":[{\"id\":\"no uuid\"}]}",
      "tags.0.id: Incorrect type. Expected pk value, received str.", NULL },
    { 3, true, "{\"tags\":[{}]}", "tags.0.word: This field is required.", NULL },
};

static void links(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    for (size_t i = 0; i < CZ_COUNT(of_links); i++) {
        Romance *romance = cz_get(c, Romance, .where = CZ_Q(Romance, id, EXACT, 3));
        struct reading reading = { of_links[i].text, &WholeSerializer, &romance->row_, true, NULL };
        CZ_EXPECT_STR(cz_str_from(outcome(c, &reading)), of_links[i].wrong);
        cz_rows(Motif) tags = cz_related(c, Motif, romance, tags);
        CZ_EXPECT_EQ(tags.count, i == 0 ? 2 : 1);
        titles_of_tags(c, i == 0 ? "apple bread cider " : "Apple bread cider ");
    }
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(rows_behind_a_many_to_many_come_with_the_row)
{
    cz__orm_test_run(&library, links);
}
