/* Members that are more than a field: nested, by slug, by address, over relations, computed, renamed. */
#include "serializers/romances_testing.h"

static CZ_SERIALIZER(RealmSerializer, Realm, .fields = CZ_FIELDS(Realm, code, name));
static CZ_SERIALIZER(FabulistSerializer, Fabulist, .fields = CZ_FIELDS(Fabulist, id, name, country),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Fabulist, country),
                                             .nested = &RealmSerializer }));
static CZ_SERIALIZER(CantoSerializer, Canto, .fields = CZ_FIELDS(Canto, id, number, heading));
static CZ_SERIALIZER(JacketSerializer, Jacket, .fields = CZ_FIELDS(Jacket, colour));

static void is_long(cz_ctx *c, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)c, (void)req;
    cz_json_bool(out, ((const Romance *)row)->pages > 300);
}
static void words(cz_ctx *c, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)c, (void)req;
    cz_json_list(out);
    for (cz_str rest = ((const Romance *)row)->title; rest.len;)
        cz_json_str(out, cz_str_cut(&rest, ' '));
    cz_json_list_end(out);
}

static CZ_SERIALIZER(
    RomanceSerializer, Romance, .fields = CZ_FIELDS(Romance, id, title, secret, author, editor),
    .write_only = CZ_FIELDS(Romance, secret),
    .members =
        CZ_MEMBERS({ .source = CZ_FIELD(Romance, author), .nested = &FabulistSerializer },
                   { .source = CZ_FIELD(Romance, title), .name = "name" },
                   { .source = CZ_FIELD(Romance, editor), .view = "author-detail" },
                   { .name = "editor_id", .source = CZ_FIELD(Romance, editor), .read_only = true },
                   { .name = "country", .source = CZ_FIELD(Romance, author->country->name) },
                   { .source = CZ_FIELD(Romance, tags), .slug = CZ_FIELD(Motif, word) },
                   { .name = "tag_ids", .source = CZ_FIELD(Romance, tags), .read_only = true },
                   { .source = CZ_FIELD(Romance, chapters), .nested = &CantoSerializer },
                   { .source = CZ_FIELD(Romance, cover), .nested = &JacketSerializer },
                   { .name = "url", .view = "novel-detail" },
                   { .name = "is_long", .compute = is_long, .type = CZ_KIND_bool_field },
                   { .name = "words", .compute = words, .list = true }));

/* The JSON of every novel, in order. */
static cz_str written(cz_ctx *c, const cz_request *req, cz_serializer *serializer)
{
    cz_buf *out = cz_scratch(c);
    const cz_query query = { .model = &Romance__model,
                             .order_by = CZ_ORDER_BY(CZ_ASC(Romance, id)),
                             .file = __FILE__,
                             .line = __LINE__ };
    CZ_EXPECT_EQ(cz__serializer_write_query(c, req, serializer, &query, out), cz_count(c, Romance));
    return cz_copy(c, cz_buf_str(out));
}

static void shown(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_STR(
        written(c, NULL, &RomanceSerializer),
        "{\"id\":1,\"name\":\"Two words\",\"author\":{\"id\":1,\"name\":\"Ann\",\"country\":"
        "{\"code\":\"oz\",\"name\":\"Oz\"}},\"editor\":\"/authors/2\",\"editor_id\":2,"
        "\"country\":\"Oz\",\"tags\":[\"apple\",\"bread\"],\"tag_ids\":[\"" TAG_A "\",\"" TAG_B
        "\"],\"chapters\":[{\"id\":2,\"number\":1,\"heading\":\"One\"},"
        "{\"id\":1,\"number\":2,\"heading\":\"Two\"}],\"cover\":{\"colour\":\"red\"},"
        "\"url\":\"/novels/1\",\"is_long\":true,\"words\":[\"Two\",\"words\"]},"
        "{\"id\":2,\"name\":\"Bare\",\"author\":{\"id\":2,\"name\":\"Bob\",\"country\":null},"
        "\"editor\":null,\"editor_id\":null,\"country\":null,\"tags\":[],\"tag_ids\":[],"
        "\"chapters\":[],\"cover\":null,\"url\":\"/novels/2\",\"is_long\":false,"
        "\"words\":[\"Bare\"]},"
        "{\"id\":3,\"name\":\"Third\",\"author\":{\"id\":1,\"name\":\"Ann\",\"country\":"
        "{\"code\":\"oz\",\"name\":\"Oz\"}},\"editor\":null,\"editor_id\":null,\"country\":\"Oz\","
        "\"tags\":[\"apple\"],\"tag_ids\":[\"" TAG_A "\"],\"chapters\":[{\"id\":3,\"number\":1,"
        "\"heading\":\"Alone\"}],\"cover\":null,\"url\":\"/novels/3\",\"is_long\":false,"
        "\"words\":[\"Third\"]}");
    const cz_request req = { .scheme = CZ_STR("https"), .host = CZ_STR("example.com") };
    cz_str absolute = written(c, &req, &RomanceSerializer);
    CZ_EXPECT(cz_str_find(absolute, CZ_STR("\"url\":\"https://example.com/novels/3\"")) !=
              SIZE_MAX);
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(members_show_relations_addresses_and_computed_values)
{
    cz__orm_test_run(&library, shown);
}

/* ---- what a computed member may write ---- */

static void no_number(cz_ctx *c, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)c, (void)req, (void)row;
    cz_json_str(out, CZ_STR("seven"));
}
static CZ_SERIALIZER(
    WrongType, Romance, .fields = CZ_FIELDS(Romance, id),
    .members = CZ_MEMBERS({ .name = "luck", .compute = no_number, .type = CZ_KIND_int_field }));

static void write_wrong(cz_ctx *c)
{
    written(c, NULL, &WrongType);
}

static void wrong_type(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_STR(cz_str_from(cz__orm_test_raised(c, write_wrong)),
                  "the computed \"luck\" of Romance wrote \"seven\", which is not of its .type");
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(a_computed_member_is_of_its_type)
{
    cz__orm_test_run(&library, wrong_type);
}

/* ---- input ---- */

static CZ_SERIALIZER(KeysSerializer, Romance, .fields = CZ_FIELDS(Romance, title, author, tags),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Romance, title), .required = true },
                                           { .source = CZ_FIELD(Romance, tags),
                                             .optional = true }));
static CZ_SERIALIZER(
    SlugsSerializer, Romance, .fields = CZ_FIELDS(Romance, title, author, tags),
    .members = CZ_MEMBERS({ .source = CZ_FIELD(Romance, author), .slug = CZ_FIELD(Fabulist, name) },
                          { .source = CZ_FIELD(Romance, tags), .slug = CZ_FIELD(Motif, word) }));
static CZ_SERIALIZER(LinksSerializer, Romance, .fields = CZ_FIELDS(Romance, title, author, tags),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Romance, author),
                                             .view = "author-detail" },
                                           { .source = CZ_FIELD(Romance, tags),
                                             .view = "tag-detail",
                                             .optional = true }));

static const struct {
    cz_serializer *serializer;
    const char *text, *wrong;
} cases[] = {
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2}", "" },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":[\"" TAG_B "\",\"" TAG_A "\"]}",
      "" },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":[\"" TAG_B "\",\"" TAG_B "\"]}",
      "" },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":[]}",
      "tags: This list may not be empty." },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":null}",
      "tags: This field may not be null." },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":\"" TAG_A "\"}",
      "tags: Expected a list of items but got type \"str\"." },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":[1]}",
      "tags: Incorrect type. Expected pk value, received int." },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":2,\"tags\":[[]]}",
      "tags: Incorrect type. Expected pk value, received list." },
    { &KeysSerializer,
      "{\"title\":\"a\",\"author\":2,\"tags\":[\"33333333-3333-4333-8333-333333333333\"]}",
      "tags: Invalid pk \"33333333-3333-4333-8333-333333333333\" - object does not exist." },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":[2]}",
      "author: Incorrect type. Expected pk value, received list." },
    { &KeysSerializer, "{\"title\":\"a\",\"author\":null}", "author: This field may not be null." },
    { &SlugsSerializer, "{\"title\":\"a\",\"author\":\"Bob\",\"tags\":[\"bread\"]}", "" },
    { &SlugsSerializer, "{\"title\":\"a\",\"author\":\"Bob\"}", "tags: This field is required." },
    { &SlugsSerializer, "{\"title\":\"a\",\"author\":\"Eve\",\"tags\":[\"bread\"]}",
      "author: Object with name=Eve does not exist." },
    { &SlugsSerializer, "{\"title\":\"a\",\"author\":{},\"tags\":[\"bread\"]}",
      "author: Invalid value." },
    { &SlugsSerializer, "{\"title\":\"a\",\"author\":\"Bob\",\"tags\":[\"bread\",\"stone\"]}",
      "tags: Object with word=stone does not exist." },
    { &SlugsSerializer, "{\"title\":\"a\",\"author\":\"Bob\",\"tags\":[null]}",
      "tags: Invalid value." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"/authors/2\"}", "" },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"http://other.example/authors/2?x=1\"}", "" },
    { &LinksSerializer,
      "{\"title\":\"a\",\"author\":\"/authors/1\",\"tags\":[\"/tags/" TAG_A "\"]}", "" },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":2}",
      "author: Incorrect type. Expected URL string, received int." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"/writers/2\"}",
      "author: Invalid hyperlink - No URL match." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"/authors/%zz\"}",
      "author: Invalid hyperlink - No URL match." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"http://x.example\"}",
      "author: Invalid hyperlink - No URL match." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"\"}",
      "author: Invalid hyperlink - No URL match." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"/novels/1\"}",
      "author: Invalid hyperlink - Incorrect URL match." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"/nobody\"}",
      "author: Invalid hyperlink - Incorrect URL match." },
    { &LinksSerializer, "{\"title\":\"a\",\"author\":\"/authors/99\"}",
      "author: Invalid hyperlink - Object does not exist." },
    { &LinksSerializer,
      "{\"title\":\"a\",\"author\":\"/authors/1\",\"tags\":[\"/tags/"
      "33333333-3333-4333-8333-333333333333\"]}",
      "tags: Invalid hyperlink - Object does not exist." },
};

static void relations(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct reading reading = { .text = cases[i].text, .serializer = cases[i].serializer };
        CZ_EXPECT_STR(cz_str_from(outcome(c, &reading)), cases[i].wrong);
    }
    CZ_EXPECT_EQ(cz_count(c, Romance, .where = CZ_Q(Romance, tags->word, EXACT, "bread")), 4);
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(relations_are_named_by_key_slug_or_address)
{
    cz__orm_test_run(&library, relations);
}

static void too_many(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    cz_buf text;
    cz_buf_init(&text, 1 << 20);
    cz_buf_append_lit(&text, "{\"title\":\"a\",\"author\":2,\"tags\":[\"" TAG_A "\"");
    for (int i = 0; i < CZ_INPUT_LIST_MAX; i++)
        cz_buf_append_lit(&text, ",\"" TAG_A "\"");
    cz_buf_append(&text, "]}", 3);
    struct reading reading = { .text = cz_buf_str(&text).ptr, .serializer = &KeysSerializer };
    CZ_EXPECT_STR(cz_str_from(outcome(c, &reading)),
                  "tags: Ensure this field has no more than 1000 elements.");
    cz_buf_done(&text);
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(a_list_of_keys_has_an_end)
{
    cz__orm_test_run(&library, too_many);
}

static void changed(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    Romance *novel = cz_get(c, Romance, .where = CZ_Q(Romance, id, EXACT, 1));
    struct reading reading = { "{\"tags\":[\"" TAG_B "\"]}", &KeysSerializer, &novel->row_, true,
                               NULL };
    CZ_EXPECT_STR(cz_str_from(outcome(c, &reading)), "");
    cz_rows(Motif) tags = cz_related(c, Motif, novel, tags);
    CZ_EXPECT_EQ(tags.count, 1);
    cz_save(c, novel); /* what was stored with it is not stored again */
    cz_related_clear(c, novel, tags);
    cz_save(c, novel);
    CZ_EXPECT_EQ(cz_related(c, Motif, novel, tags).count, 0);
    reading.text = "{\"title\":\"new\"}";
    CZ_EXPECT_STR(cz_str_from(outcome(c, &reading)), "");
    CZ_EXPECT_EQ(cz_related(c, Motif, novel, tags).count, 0);
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(links_are_stored_with_their_row_and_once)
{
    cz__orm_test_run(&library, changed);
}

static void in_bulk(cz_ctx *c)
{
    cz_row *row =
        cz__read_row_text(c, CZ_STR("{\"title\":\"b\",\"author\":1,\"tags\":[\"" TAG_B "\"]}"),
                          &KeysSerializer, NULL, false);
    cz__bulk_create(c, &Romance__model, &row, 1, &(cz_bulk_options){ 0 });
}

static void save_and_fail(cz_ctx *c, void *arg)
{
    cz__save(c, arg);
    cz_raise(c, CZ_EBUSY, "later");
}
static void save_in_block(cz_ctx *c, void *arg)
{
    cz_atomic(c, save_and_fail, arg);
}

static void rolled_back(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    CZ_EXPECT_STR(cz_str_from(cz__orm_test_raised(c, in_bulk)),
                  "row 0 of a bulk call came with links or rows of others, which cz_save() stores");
    cz_row *row =
        cz__read_row_text(c, CZ_STR("{\"title\":\"b\",\"author\":1,\"tags\":[\"" TAG_B "\"]}"),
                          &KeysSerializer, NULL, false);
    CZ_EXPECT_EQ(cz_try(c, save_in_block, row, NULL), CZ_EBUSY);
    CZ_EXPECT_EQ(cz_count(c, Romance, .where = CZ_Q(Romance, title, EXACT, "b")), 0);
    cz__save(c, row);
    CZ_EXPECT_EQ(cz_related(c, Motif, (Romance *)row, tags).count, 1);
    cz_router_destroy(router);
}

CZ_DATABASE_TEST(links_of_a_rolled_back_row_are_stored_when_it_is_saved_again)
{
    cz__orm_test_run(&library, rolled_back);
}
