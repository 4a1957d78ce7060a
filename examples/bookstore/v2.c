#include "v2.h"
#include "access.h"
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
static CZ_SERIALIZER(
    BookSerializer, Book,
    .fields = CZ_FIELDS(Book, id, title, author, isbn, year, category, language, source),
    .members = CZ_MEMBERS({ .source = CZ_FIELD(Book, author), .expand = &AuthorSerializer }));
static CZ_SERIALIZER(MagazineSerializer, Magazine,
                     .fields = CZ_FIELDS(Magazine, id, title, issn, founded, category, publisher,
                                         source));

static CZ_VIEWSET(author_views, Author, .serializer = &AuthorSerializer,
                  .permissions = &write_with_token, .security = CZ_SECURITY("token"), .etags = true,
                  .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Author, name) }),
                  .orderings = CZ_FIELDS(Author, name, birth_year), .page_size_query = "page_size");
static CZ_VIEWSET(
    book_views, Book, .serializer = &BookSerializer, .permissions = &write_with_token,
    .security = CZ_SECURITY("token"), .etags = true, .sparse = true, .bulk = true,
    .filters = CZ_FILTERS({ .path = CZ_FIELD(Book, author) }, { .path = CZ_FIELD(Book, category) },
                          { .path = CZ_FIELD(Book, year), CZ_LOOKUPS(EXACT, GTE, LTE) }),
    .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Book, title) },
                               { .path = CZ_FIELD(Book, author->name) }),
    .orderings = CZ_FIELDS(Book, title, year), .page_size_query = "page_size",
    .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
static CZ_VIEWSET(magazine_views, Magazine, .serializer = &MagazineSerializer,
                  .permissions = &write_with_token, .security = CZ_SECURITY("token"), .etags = true,
                  .filters = CZ_FILTERS({ .path = CZ_FIELD(Magazine, category) }),
                  .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Magazine, title) }),
                  .orderings = CZ_FIELDS(Magazine, title, founded), .page_size_query = "page_size");

const cz_route v2_urls[] = {
    CZ_RESOURCE("/authors", &author_views, .middleware = around_authors),
    CZ_RESOURCE("/books", &book_views, .middleware = around_books),
    CZ_RESOURCE("/magazines", &magazine_views, .middleware = around_magazines),
    CZ_ROUTES_END,
};
