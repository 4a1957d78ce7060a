/* The API that tests/twin/django_side.py has with Django REST Framework, over tables of the same shape. */
#include <calzone/calzone.h>
#include <stdlib.h>

CZ_MODEL_FORWARD(Chapter)
static const cz_choice KINDS[] = { { "novel", "Novel" }, { "play", "Play" }, { "essay", "Essay" } };

#define AUTHOR(F)                                                                                  \
    F(char_field, name, .max_length = 20, .unique = true)                                          \
    F(email_field, email, .blank = true)
CZ_MODEL(Author, AUTHOR, .ordering = CZ_ORDER_BY(CZ_ASC(Author, id)));

#define TAG(F) F(slug_field, word, .max_length = 12, .unique = true)
CZ_MODEL(Tag, TAG, .ordering = CZ_ORDER_BY(CZ_ASC(Tag, id)));

#define BOOK(F)                                                                                    \
    F(char_field, title, .max_length = 30)                                                         \
    F(char_field, kind, .max_length = 10, .choices = CZ_CHOICES(KINDS),                            \
      .default_ = cz_text("novel"))                                                                \
    F(int_field, year, .null = true, .min = cz_int(1000), .max = cz_int(2100))                     \
    F(float_field, rating, .default_ = cz_real(0))                                                 \
    F(bool_field, lent, .default_ = cz_bool(false))                                                \
    F(date_field, bought, .null = true)                                                            \
    F(datetime_field, read_at, .null = true)                                                       \
    F(url_field, link, .blank = true)                                                              \
    F(text_field, notes, .blank = true)                                                            \
    F(foreign_key, author, Author, .on_delete = CZ_CASCADE)                                        \
    F(many_to_many, tags, Tag, .blank = true)                                                      \
    F(reverse, chapters, Chapter, book)
CZ_MODEL(Book, BOOK, .ordering = CZ_ORDER_BY(CZ_ASC(Book, id)),
         .unique_together = CZ_FIELDS(Book, title, author));

#define CHAPTER(F)                                                                                 \
    F(foreign_key, book, Book, .on_delete = CZ_CASCADE)                                            \
    F(int_field, number)                                                                           \
    F(char_field, heading, .max_length = 20)
CZ_MODEL(Chapter, CHAPTER, .ordering = CZ_ORDER_BY(CZ_ASC(Chapter, number)));

static CZ_SERIALIZER(AuthorSerializer, Author, .fields = CZ_FIELDS(Author, id, name, email));
static CZ_SERIALIZER(TagSerializer, Tag, .fields = CZ_FIELDS(Tag, id, word));
static CZ_SERIALIZER(ChapterSerializer, Chapter, .fields = CZ_FIELDS(Chapter, id, number, heading));
/* As DRF's, which passes over what it does not know. */
static CZ_SERIALIZER(BookSerializer, Book,
                     .fields = CZ_FIELDS(Book, id, title, kind, year, rating, lent, bought, read_at,
                                         link, notes, author, tags),
                     .ignore_unknown = true);
static CZ_SERIALIZER(
    WholeSerializer, Book, .fields = CZ_FIELDS(Book, id, title, author, tags, chapters),
    .members = CZ_MEMBERS({ .source = CZ_FIELD(Book, author), .nested = &AuthorSerializer },
                          { .source = CZ_FIELD(Book, tags), .slug = CZ_FIELD(Tag, word) },
                          { .source = CZ_FIELD(Book, chapters), .nested = &ChapterSerializer },
                          { .name = "author_name", .source = CZ_FIELD(Book, author->name) },
                          { .name = "url", .view = "book-detail" }));
static CZ_SERIALIZER(
    LinkSerializer, Book, .fields = CZ_FIELDS(Book, id, title, author, tags),
    .members = CZ_MEMBERS({ .source = CZ_FIELD(Book, author), .view = "author-detail" },
                          { .source = CZ_FIELD(Book, tags), .slug = CZ_FIELD(Tag, word) }));

#define COVER(F)                                                                                   \
    F(char_field, title, .max_length = 20)                                                         \
    F(file_field, cover, .max_length = 30, .max_bytes = 100, .extensions = "png jpg")              \
    F(file_field, notes, .null = true, .allow_empty_file = true)
CZ_RECORD(Cover, COVER);
static CZ_SERIALIZER(CoverSerializer, Cover, .fields = CZ_FIELDS(Cover, title, cover, notes),
                     .ignore_unknown = true);
static void take_cover(cz_ctx *ctx, cz_request *req)
{
    Cover *cover = cz_read_row(ctx, req, &CoverSerializer, Cover);
    cz_respond_row(ctx, req, 201, &CoverSerializer, cover);
}

#define LABEL(F)                                                                                   \
    F(char_field, code, .max_length = 8, .regex = "^[A-Z]{2}-\\d{2}$")                             \
    F(char_field, word, .max_length = 6, .min_length = 3)                                          \
    F(char_field, nick, .max_length = 6, .min_length = 2, .blank = true)
CZ_RECORD(Label, LABEL);
static CZ_SERIALIZER(LabelSerializer, Label, .fields = CZ_FIELDS(Label, code, word, nick));
static void take_label(cz_ctx *ctx, cz_request *req)
{
    Label *label = cz_read_row(ctx, req, &LabelSerializer, Label);
    cz_respond_row(ctx, req, 201, &LabelSerializer, label);
}

#define LISTS                                                                                      \
    .permissions = &cz_allow_any,                                                                  \
    .filters =                                                                                     \
        CZ_FILTERS({ .path = CZ_FIELD(Book, kind) },                                               \
                   { .path = CZ_FIELD(Book, year), CZ_LOOKUPS(EXACT, GTE, LT, ISNULL) },           \
                   { .path = CZ_FIELD(Book, author) },                                             \
                   { .path = CZ_FIELD(Book, title), CZ_LOOKUPS(ICONTAINS) },                       \
                   { .path = CZ_FIELD(Book, bought) }, { .path = CZ_FIELD(Book, lent) },           \
                   { .path = CZ_FIELD(Book, author->name), CZ_LOOKUPS(EXACT, ISTARTSWITH) }),      \
    .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Book, title) },                                  \
                               { .path = CZ_FIELD(Book, tags->word) }),                            \
    .orderings = CZ_FIELDS(Book, title, year, id)

/* With PLANTED in the environment a book is missing: the comparison must notice. */
static cz_cond shown_books(cz_ctx *ctx, const cz_request *req)
{
    (void)req;
    return getenv("PLANTED") ? cz_cond_copy(ctx, CZ_NOT(CZ_Q(Book, id, EXACT, 3))) : CZ_EVERY_ROW;
}

static CZ_VIEWSET(authors, Author, .serializer = &AuthorSerializer, .permissions = &cz_allow_any,
                  .page_size = 3);
static CZ_VIEWSET(tags, Tag, .serializer = &TagSerializer, .permissions = &cz_allow_any,
                  .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(books, Book, .serializer = &BookSerializer, LISTS, .page_size = 4,
                  .rows = shown_books, .page_size_query = "page_size", .page_size_max = 10,
                  .actions = CZ_ACTIONS({ .name = "cover",
                                          .method = CZ_METHOD_POST,
                                          .handler = take_cover,
                                          .serializer = &CoverSerializer },
                                        { .name = "label",
                                          .method = CZ_METHOD_POST,
                                          .handler = take_label,
                                          .serializer = &LabelSerializer }));
static CZ_VIEWSET(slices, Book, .serializer = &BookSerializer, LISTS, .pagination = CZ_LIMIT_OFFSET,
                  .page_size = 4, .page_size_max = 10);
static CZ_VIEWSET(cursors, Book, .serializer = &BookSerializer, .permissions = &cz_allow_any,
                  .pagination = CZ_CURSOR, .page_size = 4);
static CZ_VIEWSET(whole, Book, .serializer = &WholeSerializer, .permissions = &cz_allow_any,
                  .read_only = true, .page_size = 4);
static CZ_VIEWSET(linked, Book, .serializer = &LinkSerializer, .permissions = &cz_allow_any,
                  .page_size = 4);
static CZ_VIEWSET(closed, Book, .serializer = &BookSerializer, .permissions = &cz_deny_all);

/* Authors in two versions, below a prefix for each of DRF's schemes. */
static CZ_SERIALIZER(NewAuthorSerializer, Author, .fields = CZ_FIELDS(Author, id, name, email),
                     .members = CZ_MEMBERS({ .name = "url", .view = "author-detail" }));
static CZ_VIEWSET(old_authors, Author, .serializer = &AuthorSerializer,
                  .permissions = &cz_allow_any, .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(new_authors, Author, .serializer = &NewAuthorSerializer,
                  .permissions = &cz_allow_any, .pagination = CZ_NO_PAGES);
static const cz_route v1_urls[] = { CZ_RESOURCE("/authors/", &old_authors), CZ_ROUTES_END };
static const cz_route v2_urls[] = { CZ_RESOURCE("/authors/", &new_authors), CZ_ROUTES_END };
#define VERSIONS_BY(scheme)                                                                        \
    .schemes = CZ_VERSION_SCHEMES({ .by = scheme }), .default_ = "v1",                             \
    .versions =                                                                                    \
        CZ_VERSION_LIST({ .name = "v1", .urls = v1_urls }, { .name = "v2", .urls = v2_urls })
static CZ_VERSIONS(spaces, VERSIONS_BY(CZ_VERSION_BY_PATH));
static CZ_VERSIONS(paths, VERSIONS_BY(CZ_VERSION_BY_PATH));
static CZ_VERSIONS(accepts, VERSIONS_BY(CZ_VERSION_BY_ACCEPT));
static CZ_VERSIONS(queries, VERSIONS_BY(CZ_VERSION_BY_QUERY));
static CZ_VERSIONS(hosts, VERSIONS_BY(CZ_VERSION_BY_HOST));

static const cz_route urls[] = {
    CZ_RESOURCE("/spaces", &spaces, .name_space = "spaces"),
    CZ_RESOURCE("/paths", &paths, .name_space = "paths"),
    CZ_RESOURCE("/accepts", &accepts, .name_space = "accepts"),
    CZ_RESOURCE("/queries", &queries, .name_space = "queries"),
    CZ_RESOURCE("/hosts", &hosts, .name_space = "hosts"),
    CZ_RESOURCE("/authors/", &authors),
    CZ_RESOURCE("/tags/", &tags),
    CZ_RESOURCE("/books/", &books),
    CZ_RESOURCE("/slices/", &slices, .name = "slice"),
    CZ_RESOURCE("/cursors/", &cursors, .name = "cursor"),
    CZ_RESOURCE("/whole/", &whole, .name = "whole"),
    CZ_RESOURCE("/linked/", &linked, .name = "linked"),
    CZ_RESOURCE("/closed/", &closed, .name = "closed"),
    CZ_ROUTES_END,
};
static const cz_app library = { .name = "library",
                                .models = CZ_MODELS(Author, Tag, Book, Chapter) };
CZ_PROJECT_MAIN("twin", .apps = CZ_APPS(&library), .urls = urls)
