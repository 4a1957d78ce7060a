#include "views.h"
#include "models.h"

/* An author cannot die before being born. */
static void validate_author(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Author *author = row;
    if (!cz_is_null(author, birth_year) && !cz_is_null(author, death_year) &&
        author->death_year < author->birth_year)
        cz_field_errors_add(ctx, errors, CZ_STR("death_year"), "invalid",
                            "Must not be before birth_year.");
}

static CZ_SERIALIZER(AuthorSerializer, Author,
                     .fields = CZ_FIELDS(Author, id, name, birth_year, death_year, source),
                     .validate = validate_author);

static CZ_SERIALIZER(BookSerializer, Book,
                     .fields = CZ_FIELDS(Book, id, title, author, isbn, year, category, language,
                                         source));

static CZ_SERIALIZER(MagazineSerializer, Magazine,
                     .fields = CZ_FIELDS(Magazine, id, title, issn, founded, category, publisher,
                                         source));

/* Everyone may read and write until users come: this is an example on a local address. */
static CZ_VIEWSET(author_views, Author, .serializer = &AuthorSerializer,
                  .permissions = &cz_allow_any,
                  .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Author, name) }),
                  .orderings = CZ_FIELDS(Author, name, birth_year));
static CZ_VIEWSET(
    book_views, Book, .serializer = &BookSerializer, .permissions = &cz_allow_any, .etags = true,
    .filters = CZ_FILTERS({ .path = CZ_FIELD(Book, author) }, { .path = CZ_FIELD(Book, category) },
                          { .path = CZ_FIELD(Book, year), CZ_LOOKUPS(EXACT, GTE, LTE) }),
    .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Book, title) },
                               { .path = CZ_FIELD(Book, author->name) }),
    .orderings = CZ_FIELDS(Book, title, year),
    .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
static CZ_VIEWSET(magazine_views, Magazine, .serializer = &MagazineSerializer,
                  .permissions = &cz_allow_any,
                  .filters = CZ_FILTERS({ .path = CZ_FIELD(Magazine, category) }),
                  .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Magazine, title) }),
                  .orderings = CZ_FIELDS(Magazine, title, founded));

CZ_OPENAPI(api_document, .title = "Bookstore", .version = "2.0.0",
           .description = "Authors, books and magazines.");
CZ_SWAGGER_UI(swagger_ui);
CZ_REDOC(redoc);

const cz_route v2_urls[] = {
    CZ_RESOURCE("/authors", &author_views),
    CZ_RESOURCE("/books", &book_views),
    CZ_RESOURCE("/magazines", &magazine_views),
    CZ_ROUTES_END,
};

/* The addresses of the API, for whoever opens the site's root. */
void index_page(cz_ctx *ctx, cz_request *req)
{
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    static const char *const names[] = { "author-list", "book-list", "magazine-list" };
    cz_json_object(&json);
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        cz_str name = cz_str_head(cz_str_from(names[i]), strlen(names[i]) - strlen("-list"));
        cz_json_key(&json, cz_format(ctx, "%.*ss", CZ_STR_ARG(name)));
        cz_json_str(&json, cz_request_absolute_uri(ctx, req, cz_reverse(ctx, names[i], NULL, 0)));
    }
    cz_json_object_end(&json);
}
