/* Full text by the lookup SEARCH: what a query means, on every database the same. */
#include "db/search.h"
#include "orm/orm_internal.h"
#include "orm/orm_testing.h"
#include <calzone/raw.h>
#include <calzone/memory.h>

CZ_MODEL_FORWARD(Page)
#define SHELFMARK(F)                                                                               \
    F(char_field, name)                                                                            \
    F(reverse, pages, Page, mark)
CZ_MODEL(Shelfmark, SHELFMARK);
#define PAGE(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(text_field, body, .null = true)                                                              \
    F(foreign_key, mark, Shelfmark, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL(Page, PAGE,
         .indexes = CZ_INDEXES({ .name = "page_body_search",
                                 .method = "gin",
                                 .expressions = "to_tsvector('simple', body)" }));

static const struct cz__orm_test map = { "lib", CZ_MODELS(Shelfmark, Page) };

static void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Shelfmark *mark = cz_create(c, Shelfmark, (name, "A 1"));
    const struct {
        const char *name, *body;
    } pages[] = {
        { "a", "Dune is a desert planet. The spice must flow." },
        { "b", "A desert, and then a planet; DUNE it is not" },
        { "c", "what's up, Planet Earth?" },
        { "d", "" },
        { "e", "\xc3\x89mile fut \xc3\xa0 Z\xc3\xbcrich \xe2\x80\x94 en hiver" },
        { "f", "\xf0\x9f\x98\x80 or not, and near 1984 NOT" },
    };
    for (size_t i = 0; i < CZ_COUNT(pages); i++)
        cz_create(c, Page, (name, pages[i].name), (body, pages[i].body), (mark, mark->id));
    cz_create(c, Page, (name, "g")); /* of no text */
}

struct asked {
    cz_str query;
    cz_str names;
};

/* The names of the pages that match, one after the other. */
static void ask(cz_ctx *c, void *arg)
{
    struct asked *asked = arg;
    cz_rows(Page) pages = cz_select(c, Page, .where = CZ_Q(Page, body, SEARCH, asked->query),
                                    .order_by = CZ_ORDER_BY(CZ_ASC(Page, name)));
    asked->names = CZ_STR("");
    for (size_t i = 0; i < pages.count; i++)
        asked->names =
            cz_format(c, "%.*s%.*s", CZ_STR_ARG(asked->names), CZ_STR_ARG(pages.items[i].name));
}

static void searches(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    const struct {
        const char *query, *names;
    } cases[] = {
        { "dune", "ab" },
        { "DUNE planet", "ab" },
        { "planet dune", "ab" },
        { "\"desert planet\"", "a" },
        { "\"planet desert\"", "" },
        { "\"is a desert planet the\"", "a" },
        { "desert -spice", "b" },
        { "desert -\"desert planet\"", "b" },
        { "- dune planet", "c" },
        { "--dune", "ab" },
        { "spice or earth", "ac" },
        { "spice OR earth planet", "ac" },
        { "earth planet or spice nothing", "c" },
        { "what's", "c" },
        { "1984", "f" },
        { "z\xc3\xbcrich", "e" },
        { "z\xc3\xbcrich hiver", "e" },
        { "des", "" },
        { "planets", "" },
        /* nothing that stands in a query is anything but words, quotes, "-" and "or" */
        { "", "" },
        { "   ", "" },
        { "\"", "" },
        { "\"\"", "" },
        { "\"desert planet", "a" },
        { "\"desert\"planet", "ab" },
        { "dune\"", "ab" },
        { "or", "f" },
        { "or or or", "f" },
        { "or dune", "" },
        { "dune or", "" },
        { "dune order", "" },
        { "-", "" },
        { "-\"", "" },
        { "!!! ???", "" },
        { "dune !!!", "ab" },
        { "dune & spice | (earth)", "" },
        { "NOT", "bf" },
        { "dune AND spice", "" },
        { "near 1984", "f" },
        { "NEAR(dune spice)", "" },
        { "body:dune", "" },
        { "'; DROP TABLE lib_page; --", "" },
        { "%", "" },
        { "\\", "" },
        { "\xf0\x9f\x98\x80", "" },
        { "\xf0\x9f\x98\x80 1984", "f" },
        { "\xe2\x80\x9c"
          "dune\xe2\x80\x9d",
          "ab" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct asked asked = { .query = cz_str_from(cases[i].query) };
        cz_error err = { 0 };
        CZ_EXPECT_MSG(!cz_try(c, ask, &asked, &err), "[%s] raised %s", cases[i].query,
                      cz_error_message(&err));
        CZ_EXPECT_MSG(cz_str_eq(asked.names, cz_str_from(cases[i].names)),
                      "[%s] found \"%.*s\", not \"%s\"", cases[i].query, CZ_STR_ARG(asked.names),
                      cases[i].names);
    }
    /* only words that are not there: every text, but no NULL */
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, body, SEARCH, "-dune")), 4);
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_NOT(CZ_Q(Page, body, SEARCH, "dune"))), 5);
}

CZ_DATABASE_TEST(a_search_means_the_same_on_every_database)
{
    cz__orm_test_run(&map, searches);
}

static void limits(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    char *text = cz_alloc(c, CZ__SEARCH_BYTES_MAX + 1);
    for (size_t i = 0; i <= CZ__SEARCH_BYTES_MAX; i++)
        text[i] = i % 2 ? ' ' : 'x';
    struct asked longest = { .query = cz_str_of(text, CZ__SEARCH_BYTES_MAX) },
                 too_long = { .query = cz_str_of(text, CZ__SEARCH_BYTES_MAX + 1) },
                 nul = { .query = CZ_STR("du\0ne") }, cut = { .query = CZ_STR("du\xc3") };
    CZ_EXPECT_EQ(cz_try(c, ask, &longest, NULL), CZ_OK);
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, ask, &too_long, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "A search has at most 1000 bytes.");
    CZ_EXPECT_EQ(cz_try(c, ask, &nul, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "Null characters are not allowed.");
    cz_status status = cz_try(c, ask, &cut, NULL); /* no UTF-8: refused, or nothing is found */
    CZ_EXPECT(status == CZ_EVALIDATION || (status == CZ_OK && !cut.names.len));
    /* a long text, and words at its end */
    cz_buf *body = cz__scratch(c);
    for (int i = 0; i < 2000; i++)
        cz_buf_append_lit(body, "word after word, ");
    cz_buf_append_lit(body, "at last the end");
    cz_create(c, Page, (name, "z"), (body, cz_buf_str(body)));
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, body, SEARCH, "\"at last the end\"")), 1);
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, body, SEARCH, "\"last end\"")), 0);
}

CZ_DATABASE_TEST(a_search_has_limits)
{
    cz__orm_test_run(&map, limits);
}

static void elsewhere(cz_ctx *c, void *arg)
{
    (void)arg;
    seed(c);
    /* over a relation, of an expression, by text, with an expression as the query */
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, mark->name, SEARCH, "1 a")), 6);
    CZ_EXPECT_EQ(cz_count(c, Page,
                          .where = CZ_QE(CZ_CONCAT(CZ_F(Page, name), " ", CZ_F(Page, body)), SEARCH,
                                         "c earth")),
                 1);
    CZ_EXPECT_EQ(cz_count(c, Page,
                          .where = cz_cond_text(c, &Page__model, CZ_STR("body"), CZ_LOOKUP_SEARCH,
                                                CZ_STR("desert -spice"))),
                 1);
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, body, SEARCH, CZ_F(Page, name))), 1);
    /* what is written is found, and what is undone is not */
    cz_update(c, Page, CZ_Q(Page, name, EXACT, "d"), (body, "dune"));
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, body, SEARCH, "dune")), 3);
    cz_delete(c, Page, CZ_Q(Page, body, SEARCH, "dune"));
    CZ_EXPECT_EQ(cz_count(c, Page), 4);
}

CZ_DATABASE_TEST(a_search_stands_where_other_lookups_do)
{
    cz__orm_test_run(&map, elsewhere);
}

static void plan(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    if (cz__session(c)->db->driver == &cz__sqlite_driver)
        return; /* it leaves the index out */
    cz_execute(
        c,
        "INSERT INTO lib_page (name, body) SELECT 'n', 'word ' || i FROM generate_series(1, ?) i",
        CZ_ARGS(20000));
    cz_execute(c, "ANALYZE lib_page");
    cz_str said = cz_explain(c, Page, .where = CZ_Q(Page, body, SEARCH, "word 777"));
    CZ_EXPECT_MSG(cz_str_find(said, CZ_STR("page_body_search")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(said));
    CZ_EXPECT_EQ(cz_count(c, Page, .where = CZ_Q(Page, body, SEARCH, "word 777")), 1);
}

CZ_DATABASE_TEST(a_declared_index_serves_searches)
{
    cz__orm_test_run(&map, plan);
}

/* ---- an index over several fields ---- */

CZ_MODEL_FORWARD(Story)
#define TELLER(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(reverse, stories, Story, teller)
CZ_MODEL(Teller, TELLER);
#define STORY(F)                                                                                   \
    F(char_field, title)                                                                           \
    F(text_field, body, .null = true)                                                              \
    F(foreign_key, teller, Teller, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL(Story, STORY,
         .indexes = CZ_INDEXES(
             { .search = "english", .fields = CZ_FIELDS(Story, title, body), .weights = "AB" }));
#define LEAFLET(F) F(text_field, body, .null = true)
CZ_MODEL_UUID(Leaflet, LEAFLET,
              .indexes = CZ_INDEXES({ .search = "simple", .fields = CZ_FIELDS(Leaflet, body) }));

CZ_PROXY(Tale, Story, .ordering = CZ_ORDER_BY(CZ_DESC(Tale, title)));

static const struct cz__orm_test indexed_map = { "lib", CZ_MODELS(Teller, Story, Tale, Leaflet) };

static void seed_stories(cz_ctx *c)
{
    cz__tables_create(c);
    Teller *teller = cz_create(c, Teller, (name, "T"));
    const struct {
        const char *title, *body;
    } stories[] = {
        { "Planets", "Deserts and the spice of life" },
        { "a The Hobbit", "In a hole in the ground there lived a hobbit" },
        { "b Dune", "On a desert planet, <b>spice</b> & worms are \"found\"" },
        { "c What's up", "planetary systems at example.com, well-known" },
        { "d", NULL },
        { "e \xc3\x89mile", "fut \xc3\xa0 Z\xc3\xbcrich" },
    };
    for (size_t i = 0; i < CZ_COUNT(stories); i++) {
        Story *story = cz_create(c, Story, (title, stories[i].title), (teller, teller->id));
        if (stories[i].body)
            cz_set(c, story, body, stories[i].body);
        cz_save(c, story);
    }
}

static cz_str first_letters(cz_ctx *c, cz_rows(Story) stories)
{
    char *letters = cz_alloc(c, stories.count + 1);
    for (size_t i = 0; i < stories.count; i++)
        letters[i] = stories.items[i].title.ptr[0];
    return cz_str_of(letters, stories.count);
}

static void ask_index(cz_ctx *c, void *arg)
{
    struct asked *asked = arg;
    asked->names = first_letters(c, cz_select(c, Story, .where = CZ_SEARCH(Story, asked->query),
                                              .order_by = CZ_ORDER_BY(CZ_ASC(Story, title))));
}

static void index_searches(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    const struct {
        const char *query, *names;
    } cases[] = {
        { "planet", "Pb" },
        { "PLANETS", "Pb" },
        { "the hobbit", "a" },
        { "deserts planets", "Pb" },
        { "\"desert planet\"", "b" },
        { "\"spice deserts\"", "" },
        { "planet -spice", "" },
        { "planet -worms", "P" },
        { "planet -worms -life", "" },
        { "planet --worms", "b" },
        { "hobbit or dune", "ab" },
        { "hobbit or dune -worm", "a" },
        { "plan*", "Pbc" },
        { "plan* -dune", "Pc" },
        { "\"desert plan\"*", "b" },
        { "\"a desert plan\"*", "b" },
        { "z\xc3\xbcr*", "e" },
        { "z\xc3\xbcrich", "e" },
        { "example.com", "c" },
        { "well-known", "c" },
        { "what's up systems", "c" },
        { "what's up", "" },
        /* what is left when stop words and "-" are gone finds nothing */
        { "the", "" },
        { "the -dune", "" },
        { "-dune", "" },
        { "-dune or hobbit", "a" },
        { "hobbit or -dune", "a" },
        { "", "" },
        { "   ", "" },
        { "*", "" },
        { "***", "" },
        { "\"", "" },
        { "\"\"", "" },
        { "\"\"*", "" },
        { "\"desert planet", "b" },
        { "desert & planet | (nothing)", "" },
        { "title:dune", "" },
        { "{title}: dune", "" },
        { "NEAR(desert planet)", "" },
        { "dune AND", "b" },
        { "dune:*", "b" },
        { "dune:A", "b" },
        { "\"the hobbit\" \"hobbit in the\"", "a" },
        { "dune:worm", "" },
        { "'dune", "b" },
        { "\\dune", "b" },
        { "dune\\", "b" },
        { "'; DROP TABLE lib_story; --", "" },
        { "^dune", "b" },
        { "+dune", "b" },
        { "<dune>", "b" },
        { "%", "" },
        { "\xf0\x9f\x98\x80", "" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct asked asked = { .query = cz_str_from(cases[i].query) };
        cz_error err = { 0 };
        CZ_EXPECT_MSG(!cz_try(c, ask_index, &asked, &err), "[%s] raised %s", cases[i].query,
                      cz_error_message(&err));
        CZ_EXPECT_MSG(cz_str_eq(asked.names, cz_str_from(cases[i].names)),
                      "[%s] found \"%.*s\", not \"%s\"", cases[i].query, CZ_STR_ARG(asked.names),
                      cases[i].names);
    }
}

CZ_DATABASE_TEST(an_index_finds_words_of_several_fields)
{
    cz__orm_test_run(&indexed_map, index_searches);
}

static void index_limits(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    static const char *const pieces[] = { "x ", "-a ", "or ", "\"a b\" ", "a* ", "x or -y " };
    char *text = cz_alloc(c, CZ__SEARCH_BYTES_MAX + 8);
    for (size_t p = 0; p < CZ_COUNT(pieces);
         p++) { /* as many terms as there can be, of each sort */
        size_t len = 0, bytes = strlen(pieces[p]);
        for (; len + bytes <= CZ__SEARCH_BYTES_MAX; len += bytes)
            memcpy(text + len, pieces[p], bytes);
        struct asked longest = { .query = cz_str_of(text, len) };
        cz_error err = { 0 };
        CZ_EXPECT_MSG(!cz_try(c, ask_index, &longest, &err), "[%s] raised %s", pieces[p],
                      cz_error_message(&err));
    }
    struct asked too_long = { .query = cz_str_of(text, CZ__SEARCH_BYTES_MAX + 1) },
                 nul = { .query = CZ_STR("du\0ne") }, cut = { .query = CZ_STR("du\xc3") };
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, ask_index, &too_long, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "A search has at most 1000 bytes.");
    CZ_EXPECT_EQ(cz_try(c, ask_index, &nul, &err), CZ_EVALIDATION);
    cz_status status =
        cz_try(c, ask_index, &cut, NULL); /* no UTF-8: refused, or nothing is found */
    CZ_EXPECT(status == CZ_EVALIDATION || (status == CZ_OK && !cut.names.len));
}

CZ_DATABASE_TEST(a_search_of_an_index_has_limits)
{
    cz__orm_test_run(&indexed_map, index_limits);
}

static int64_t found(cz_ctx *c, const char *query)
{
    return cz_count(c, Story, .where = CZ_SEARCH(Story, query));
}

static void undo(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Story, (title, "worm"));
    CZ_EXPECT_EQ(found(c, "worm"), 2);
    cz_raise(c, CZ_EINVAL, "undone");
}

static void in_atomic(cz_ctx *c, void *arg)
{
    cz_atomic(c, undo, arg);
}

/* Each way rows change, and the index with them. */
static void index_follows(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    CZ_EXPECT_EQ(cz_try(c, in_atomic, NULL, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(found(c, "worm"), 1);
    CZ_EXPECT_EQ(cz_update(c, Story, CZ_SEARCH(Story, "worm"), (title, "x"), (body, "y whale")), 1);
    CZ_EXPECT_EQ(found(c, "worm"), 0);
    CZ_EXPECT_EQ(found(c, "whales"), 1);
    cz_update(c, Story, CZ_Q(Story, title, EXACT, "x"), (body, NULL));
    CZ_EXPECT_EQ(found(c, "whales"), 0);
    Story *made[] = { cz_row_new(c, Story), cz_row_new(c, Story) };
    cz_set(c, made[0], title, "one fish");
    cz_set(c, made[1], title, "two fish");
    cz_bulk_create(c, Story, made, 2);
    CZ_EXPECT_EQ(found(c, "fishes"), 2);
    CZ_EXPECT_EQ(
        cz_execute(c, "UPDATE lib_story SET body = 'red fish' WHERE title = 'd'", CZ_ARGS()), 1);
    CZ_EXPECT_EQ(found(c, "fish"), 3);
    CZ_EXPECT_EQ(cz_delete(c, Story, CZ_SEARCH(Story, "fish -two")), 2);
    CZ_EXPECT_EQ(found(c, "fish"), 1);
    cz_delete(c, Teller, CZ_EVERY_ROW); /* and its stories */
    CZ_EXPECT_EQ(cz_count(c, Story), 1);
    CZ_EXPECT_EQ(found(c, "planet or fish"), 1);
    cz_delete(c, Story, CZ_EVERY_ROW);
    CZ_EXPECT_EQ(found(c, "planet or fish"), 0);
}

CZ_DATABASE_TEST(an_index_follows_its_rows)
{
    cz__orm_test_run(&indexed_map, index_follows);
}

static void places(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    Teller *other = cz_create(c, Teller, (name, "U"));
    cz_create(c, Story, (title, "planet x"), (teller, other->id));
    CZ_EXPECT_EQ(cz_count(c, Teller, .where = CZ_SEARCH_AT(Teller, stories, "hobbit")), 1);
    CZ_EXPECT_EQ(
        cz_count(c, Teller, .where = CZ_SEARCH_AT(Teller, stories, "planet"), .distinct = true), 2);
    CZ_EXPECT_EQ(cz_count(c, Teller, .where = CZ_NOT(CZ_SEARCH_AT(Teller, stories, "hobbit"))), 1);
    CZ_EXPECT_EQ(cz_count(c, Story, .where = CZ_NOT(CZ_SEARCH(Story, "planet"))), 4);
    CZ_EXPECT_EQ(
        cz_count(c, Story,
                 .where = CZ_OR(CZ_SEARCH(Story, "hobbit"), CZ_Q(Story, title, EXACT, "d"))),
        2);
    CZ_EXPECT_EQ(cz_count(c, Story, .where = CZ_EXISTS(Story, .where = CZ_SEARCH(Story, "hobbit"))),
                 7);
    /* a key that is no number */
    Leaflet *leaflet = cz_create(c, Leaflet, (body, "a leaflet of planets"));
    cz_create(c, Leaflet, (body, "another"));
    CZ_EXPECT_EQ(cz_count(c, Leaflet, .where = CZ_SEARCH(Leaflet, "planets")), 1);
    CZ_EXPECT_EQ(cz_count(c, Leaflet, .where = CZ_SEARCH(Leaflet, "planet")), 0); /* simple */
    cz_set(c, leaflet, body, "no more");
    cz_save(c, leaflet);
    CZ_EXPECT_EQ(cz_count(c, Leaflet, .where = CZ_SEARCH(Leaflet, "planets")), 0);
    CZ_EXPECT_EQ(cz_delete(c, Leaflet, CZ_SEARCH(Leaflet, "more or another")), 2);
    CZ_EXPECT_EQ(cz_count(c, Leaflet, .where = CZ_SEARCH(Leaflet, "more")), 0);
}

CZ_DATABASE_TEST(a_search_of_an_index_stands_anywhere)
{
    cz__orm_test_run(&indexed_map, places);
}

#define FOUND(F)                                                                                   \
    F(char_field, title)                                                                           \
    F(float_field, rank)                                                                           \
    F(text_field, headline, .null = true)
CZ_RECORD(Found, FOUND);

static void ranks(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    for (int i = 0; i < 20; i++) /* a word in most texts tells little */
        cz_create(c, Story, (title, "z"), (body, "about nothing at all"));
    cz_str order = first_letters(
        c, cz_select(c, Story, .where = CZ_SEARCH(Story, "planet"),
                     .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_SEARCH_RANK(Story, "planet")))));
    CZ_EXPECT_STR(order, "Pb"); /* the title counts for more */
    order = first_letters(c, cz_select(c, Story, .where = CZ_SEARCH(Story, "planet -hole -bread"),
                                       .order_by = CZ_ORDER_BY(CZ_ASC_OF(
                                           CZ_SEARCH_RANK(Story, "planet -hole -bread")))));
    CZ_EXPECT_STR(order, "bP"); /* what is not to be found tells nothing */
    cz_rows(Found) found = cz_values(
        c, Found, Story, .where = CZ_SEARCH(Story, "spi* -life2 or hobbit"),
        .values = CZ_AS(Found, (title, CZ_F(Story, title)),
                        (rank, CZ_SEARCH_RANK(Story, "spi* -life2 or hobbit")),
                        (headline, CZ_SEARCH_HEADLINE(Story, body, "spi* -life2 or hobbit"))),
        .order_by = CZ_ORDER_BY(CZ_ASC(Story, title)));
    CZ_REQUIRE(found.count == 3);
    static const char dune[] =
        "On a desert planet, &lt;b&gt;<mark>spice</mark>&lt;/b&gt; &amp; worms "
        "are &quot;found&quot;";
    const char *const headlines[] = { "Deserts and the <mark>spice</mark> of life",
                                      "In a hole in the ground there lived a <mark>hobbit</mark>",
                                      dune };
    const char *const order_of_titles[] = { "Planets", "a The Hobbit", "b Dune" };
    for (size_t i = 0; i < 3; i++) {
        CZ_EXPECT_STR(found.items[i].title, order_of_titles[i]);
        CZ_EXPECT(found.items[i].rank > 0);
        cz_str headline = found.items[i].headline; /* PostgreSQL cuts differently */
        CZ_EXPECT_MSG(headline.len > 20 &&
                          cz_str_find(cz_str_from(headlines[i]), headline) != SIZE_MAX &&
                          cz_str_find(headline, CZ_STR("<mark>")) != SIZE_MAX,
                      "%.*s", CZ_STR_ARG(headline));
    }
}

CZ_DATABASE_TEST(a_search_ranks_and_shows_what_it_found)
{
    cz__orm_test_run(&indexed_map, ranks);
}

static void rebuilds(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    cz_create(c, Leaflet, (body, "planets"));
    if (cz__session(c)->db->driver == &cz__sqlite_driver) { /* as after a failing disk */
        cz_execute(c, "INSERT INTO lib_story_search(lib_story_search) VALUES ('delete-all')");
        cz_execute(c, "INSERT INTO lib_leaflet_search(lib_leaflet_search) VALUES ('delete-all')");
        CZ_EXPECT_EQ(found(c, "planet"), 0);
    }
    CZ_EXPECT(cz__search_rebuild(c, &Story__model) && cz__search_rebuild(c, &Leaflet__model));
    CZ_EXPECT(!cz__search_rebuild(c, &Teller__model));
    CZ_EXPECT_EQ(found(c, "planet"), 2);
    CZ_EXPECT_EQ(cz_count(c, Leaflet, .where = CZ_SEARCH(Leaflet, "planets")), 1);
}

CZ_DATABASE_TEST(an_index_is_made_anew)
{
    cz__orm_test_run(&indexed_map, rebuilds);
}

static void ask_without(cz_ctx *c, void *arg)
{
    switch (*(int *)arg) {
    case 0:
        cz_count(c, Teller, .where = CZ_SEARCH(Teller, "x"));
        return;
    case 1:
        cz_select(c, Story, .where = CZ_SEARCH_AT(Story, teller, "x"));
        return;
    case 2:
        cz_select(c, Teller, .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_SEARCH_RANK(Teller, "x"))));
        return;
    case 3:
        cz_select(c, Teller, .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_SEARCH_RANK(Story, "x"))));
        return;
    case 4:
        cz_select(c, Teller,
                  .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_SEARCH_HEADLINE(Story, title, "x"))));
        return;
    default:
        cz_select(c, Story, .where = CZ_SEARCH(Story, (const char *)NULL));
    }
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    static const char *const says[] = {
        "Teller has no index with .search",
        "Teller has no index with .search",
        "Teller has no index with .search",
        "an expression about Story in a query of Teller",
        "an expression about Story in a query of Teller",
        "NULL as a value for \"id\": only EXACT takes it",
    };
    for (int i = 0; i < (int)CZ_COUNT(says); i++) {
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_try(c, ask_without, &i, &err), CZ_EINVAL);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), says[i]);
    }
}

CZ_DATABASE_TEST(a_search_of_no_index_is_an_error)
{
    cz__orm_test_run(&indexed_map, mistakes);
}

static void index_plan(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    bool sqlite = cz__session(c)->db->driver == &cz__sqlite_driver;
    for (int i = 0; i < 3000; i++)
        cz_create(c, Story, (title, "story"), (body, cz_format(c, "word and word%d", i)));
    cz_execute(c, "ANALYZE lib_story");
    cz_str plan = cz_explain(c, Story, .where = CZ_SEARCH(Story, "word777"));
    CZ_EXPECT_MSG(cz_str_find(plan, CZ_STR("lib_story_search")) != SIZE_MAX &&
                      cz_str_find(plan, sqlite ? CZ_STR("SCAN t1") : CZ_STR("Seq Scan")) ==
                          SIZE_MAX,
                  "%.*s", CZ_STR_ARG(plan));
    /* a rank for each of 3,000 rows that are found, and no quadrillion of looks at the index */
    cz_rows(Story) best =
        cz_select(c, Story, .where = CZ_SEARCH(Story, "word"), .limit = 3,
                  .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_SEARCH_RANK(Story, "word"))));
    CZ_EXPECT_EQ(best.count, 3);
}

CZ_DATABASE_TEST(an_index_serves_searches)
{
    cz__orm_test_run(&indexed_map, index_plan);
}

/* A proxy has its base's index, and what is asked of the one is asked of the other. */
static void proxies(cz_ctx *c, void *arg)
{
    (void)arg;
    seed_stories(c);
    cz_rows(Tale) tales =
        cz_select(c, Tale, .where = CZ_SEARCH(Story, "planet"),
                  .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_SEARCH_RANK(Story, "planet"))));
    CZ_EXPECT_STR(first_letters(c, tales), "Pb");
    cz_rows(Found) found = cz_values(
        c, Found, Story, .where = CZ_SEARCH(Tale, "hobbit"),
        .values = CZ_AS(Found, (title, CZ_F(Story, title)), (rank, CZ_SEARCH_RANK(Tale, "hobbit")),
                        (headline, CZ_SEARCH_HEADLINE(Tale, title, "hobbit"))));
    CZ_REQUIRE(found.count == 1);
    CZ_EXPECT_STR(found.items[0].headline, "a The <mark>Hobbit</mark>");
}

CZ_DATABASE_TEST(a_proxy_is_searched_as_its_base)
{
    cz__orm_test_run(&indexed_map, proxies);
}

#ifdef CZ_FAULTS
/* A part of a query would be another one. */
CZ_TEST(a_query_is_written_whole_or_not)
{
    static void (*const writers[])(const struct cz__search_query *query, bool english,
                                   cz_buf *out) = { cz__search_write_fts5,
                                                    cz__search_write_tsquery };
    struct cz__search_query query;
    cz__search_read(&query, CZ_STR("desert \"spice must flow and go on\" -film or water* -fire"));
    for (size_t i = 0; i < CZ_COUNT(writers); i++) {
        cz_buf whole = { 0 };
        writers[i](&query, true, &whole);
        CZ_REQUIRE_OK(cz_buf_status(&whole));
        cz_status status = CZ_ENOMEM;
        for (uint64_t nth = 1; status; nth++) {
            cz_buf out = { 0 };
            CZ_REQUIRE(nth < 100);
            cz__alloc_fail_at(nth, false);
            writers[i](&query, true, &out);
            cz__alloc_fail_at(0, false);
            status = cz_buf_status(&out);
            CZ_EXPECT(status || cz_str_eq(cz_buf_str(&out), cz_buf_str(&whole)));
            cz_buf_done(&out);
        }
        cz_buf_done(&whole);
    }
}
#endif
