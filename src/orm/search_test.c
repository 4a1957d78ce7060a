/* Full text by the lookup SEARCH: what a query means, on every database the same. */
#include "orm/orm_internal.h"
#include "orm/orm_testing.h"
#include <calzone/raw.h>

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
