#include "v1.h"
#include "access.h"
#include "models.h"
#include "users.h"

static CZ_SERIALIZER(OldAuthorSerializer, Author,
                     .fields = CZ_FIELDS(Author, id, name, birth_year, death_year, source));
static CZ_SERIALIZER(AuthorNameSerializer, Author, .fields = CZ_FIELDS(Author, id, name),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Author, name), .required = true }));
static CZ_SERIALIZER(OldBookSerializer, Book,
                     .fields = CZ_FIELDS(Book, isbn, title, author, year, category, language,
                                         source),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Book, isbn), .required = true }));
static CZ_SERIALIZER(OldMagazineSerializer, Magazine,
                     .fields = CZ_FIELDS(Magazine, id, title, issn, founded, category, publisher,
                                         source));

/* ---- what a request is about ---- */

static void require_token(cz_ctx *ctx, const cz_request *req)
{
    cz_permission_require(ctx, req, &cz_is_authenticated, NULL);
}

static void *found(cz_ctx *ctx, void *row)
{
    if (!row)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    return row;
}

static int64_t id_of(cz_ctx *ctx, cz_str text)
{
    int64_t id;
    if (!text.len)
        cz_raise_field(ctx, CZ_STR("id"), "required", "This field is required.");
    if (cz_str_to_i64(text, &id))
        cz_raise_field(ctx, CZ_STR("id"), "invalid", "A valid integer is required.");
    return id;
}

static Book *book_by_isbn(cz_ctx *ctx, cz_str isbn)
{
    if (!isbn.len)
        cz_raise_field(ctx, CZ_STR("isbn"), "required", "This field is required.");
    return found(ctx, cz_first(ctx, Book, .where = CZ_Q(Book, isbn, EXACT, isbn)));
}
static Author *author_by_id(cz_ctx *ctx, int64_t id)
{
    return found(ctx, cz_first(ctx, Author, .where = CZ_Q(Author, id, EXACT, id)));
}
static Magazine *magazine_by_id(cz_ctx *ctx, int64_t id)
{
    return found(ctx, cz_first(ctx, Magazine, .where = CZ_Q(Magazine, id, EXACT, id)));
}

/* What names the row that a body is about; the rest of it is read with the row. */
#define NAMED_BOOK(F) F(char_field, isbn, .max_length = 13)
CZ_RECORD(NamedBook, NAMED_BOOK);
static CZ_SERIALIZER(NamedBookSerializer, NamedBook, .fields = CZ_FIELDS(NamedBook, isbn),
                     .ignore_unknown = true);
#define NAMED_ROW(F) F(big_int_field, id)
CZ_RECORD(NamedRow, NAMED_ROW);
static CZ_SERIALIZER(NamedRowSerializer, NamedRow, .fields = CZ_FIELDS(NamedRow, id),
                     .ignore_unknown = true);

static cz_str isbn_in_body(cz_ctx *ctx, cz_request *req)
{
    return cz_read_row(ctx, req, &NamedBookSerializer, NamedBook)->isbn;
}

static int64_t id_in_body(cz_ctx *ctx, cz_request *req)
{
    return cz_read_row(ctx, req, &NamedRowSerializer, NamedRow)->id;
}

/* ---- books ---- */

static void read_new(cz_ctx *ctx, void *arg)
{
    cz_request *req = arg;
    Book *book = cz_read_row(ctx, req, &OldBookSerializer, Book);
    cz_save(ctx, book);
    cz_respond_header(ctx, req, CZ_STR("Location"),
                      cz_format(ctx, "/v1/book/%.*s", CZ_STR_ARG(book->isbn)));
    cz_respond_row(ctx, req, 201, &OldBookSerializer, book);
}

/* Whether the only thing wrong with a book is that there is one of its ISBN. */
static bool is_duplicate(const cz_error *err)
{
    const cz_field_errors *errors = err->status == CZ_EVALIDATION ? err->details : NULL;
    return errors && errors->count == 1 && cz_str_eq(errors->first->field, CZ_STR("isbn")) &&
           cz_str_eq(cz_str_from(errors->first->code), CZ_STR("unique"));
}

static void create_book(cz_ctx *ctx, cz_request *req)
{
    cz_error err;
    require_token(ctx, req);
    if (cz_try(ctx, read_new, req, &err) == CZ_OK)
        return;
    if (is_duplicate(&err))
        cz_raise(ctx, CZ_EEXISTS, "There is a book of this ISBN already.");
    cz_raise_error(ctx, &err);
}

static void replace_book(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    Book *book = book_by_isbn(ctx, isbn_in_body(ctx, req));
    cz_read_row_into(ctx, req, &OldBookSerializer, book, false);
    cz_save(ctx, book);
    cz_respond_row(ctx, req, 200, &OldBookSerializer, book);
}

static void delete_book(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    cz_remove(ctx, book_by_isbn(ctx, cz_query_str(ctx, req, "isbn")));
    cz_respond_empty(ctx, req, 204);
}

static void show_book(cz_ctx *ctx, cz_request *req)
{
    cz_respond_row(ctx, req, 200, &OldBookSerializer,
                   book_by_isbn(ctx, cz_path_str(ctx, req, "isbn")));
}

/* ---- magazines ---- */

static void create_magazine(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    Magazine *magazine = cz_read_row(ctx, req, &OldMagazineSerializer, Magazine);
    cz_save(ctx, magazine);
    cz_respond_row(ctx, req, 201, &OldMagazineSerializer, magazine);
}

static void replace_magazine(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    Magazine *magazine = magazine_by_id(ctx, id_in_body(ctx, req));
    cz_read_row_into(ctx, req, &OldMagazineSerializer, magazine, false);
    cz_save(ctx, magazine);
    cz_respond_row(ctx, req, 200, &OldMagazineSerializer, magazine);
}

static void delete_magazine(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    cz_remove(ctx, magazine_by_id(ctx, id_of(ctx, cz_query_str(ctx, req, "id"))));
    cz_respond_empty(ctx, req, 204);
}

/* ---- authors ---- */

static void create_author(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    Author *author = cz_read_row(ctx, req, &OldAuthorSerializer, Author);
    cz_save(ctx, author);
    cz_respond_header(ctx, req, CZ_STR("Location"),
                      cz_format(ctx, "/v1/author/%lld", (long long)author->id));
    cz_respond_row(ctx, req, 201, &OldAuthorSerializer, author);
}

static void delete_author(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    cz_remove(ctx, author_by_id(ctx, id_of(ctx, cz_query_str(ctx, req, "id"))));
    cz_respond_empty(ctx, req, 204);
}

static void rename_one(cz_ctx *ctx, cz_request *req, Author *author)
{
    cz_read_row_into(ctx, req, &AuthorNameSerializer, author, false);
    cz_save(ctx, author);
    cz_respond_row(ctx, req, 200, &OldAuthorSerializer, author);
}

static void rename_author(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    rename_one(ctx, req, author_by_id(ctx, cz_path_int(ctx, req, "id")));
}

static void rename_named_author(cz_ctx *ctx, cz_request *req)
{
    require_token(ctx, req);
    rename_one(ctx, req, author_by_id(ctx, id_in_body(ctx, req)));
}

static void show_author(cz_ctx *ctx, cz_request *req)
{
    cz_respond_row(ctx, req, 200, &OldAuthorSerializer,
                   author_by_id(ctx, cz_path_int(ctx, req, "id")));
}

/* By year, the oldest first unless ?order=desc; those without a year last. Lists of /v1 have no pages, so what is too much for one
 * answer is behind a link, as of the others here. */
static void list_books_of_author(cz_ctx *ctx, cz_request *req)
{
    cz_str order = cz_query_str(ctx, req, "order"), category = cz_query_str(ctx, req, "category");
    bool descending = cz_str_eq(order, CZ_STR("desc"));
    if (order.len && !descending && !cz_str_eq(order, CZ_STR("asc")))
        cz_raise_field(ctx, CZ_STR("order"), "invalid_choice", "The order is asc or desc.");
    const Author *author = author_by_id(ctx, cz_path_int(ctx, req, "id"));
    cz_cond all = CZ_Q(Book, author, EXACT, author->id);
    if (category.len)
        all = cz_cond_copy(ctx, CZ_AND(CZ_Q(Book, author, EXACT, author->id),
                                       CZ_Q(Book, category, EXACT, category)));
    cz_order oldest = CZ_ASC(Book, year, .nulls = CZ_NULLS_LAST),
             newest = CZ_DESC(Book, year, .nulls = CZ_NULLS_LAST);
    const cz_order by[] = { descending ? newest : oldest, CZ_ASC(Book, id) };
    cz_page page;
    cz_paginate_limit(ctx, req, cz_count(ctx, Book, .where = all), CZ_PAGE_SIZE_MAX,
                      CZ_PAGE_SIZE_MAX, &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    cz_rows(Book) books = cz_select(ctx, Book, .where = all, .limit = page.size,
                                    .offset = page.offset, .order_by = { by, CZ_COUNT(by) });
    cz_respond_rows(ctx, req, &OldBookSerializer, books);
}

/* ---- lists ---- */

static CZ_VIEWSET(all_books, Book, .serializer = &OldBookSerializer, .permissions = &cz_read_only,
                  .only = { .list = true }, .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(some_books, Book, .serializer = &OldBookSerializer, .permissions = &cz_read_only,
                  .only = { .list = true }, .pagination = CZ_NO_PAGES,
                  .filters = CZ_FILTERS({ .path = CZ_FIELD(Book, category) },
                                        { .path = CZ_FIELD(Book, year) }));
static CZ_VIEWSET(all_authors, Author, .serializer = &OldAuthorSerializer,
                  .permissions = &cz_read_only, .only = { .list = true },
                  .pagination = CZ_NO_PAGES);

/* ---- routes ---- */

#define ISBN CZ_PARAMETERS({ .name = "isbn", .required = true })
#define ID CZ_PARAMETERS({ .name = "id", .type = CZ_KIND_big_int_field, .required = true })
#define BY_TOKEN .security = CZ_SECURITY("token")

const cz_route v1_urls[] = {
    CZ_INCLUDE("", user_urls),
    CZ_RESOURCE("/books", &all_books, .name = "all-books", .middleware = around_books),
    CZ_RESOURCE("/book", &some_books, .name = "some-books", .middleware = around_books,
                .doc = CZ_DOC(.tag = "books")),
    CZ_POST("/book", create_book,
            .doc = CZ_DOC(.summary = "Add a book", .tag = "books", .request = &OldBookSerializer,
                          .response = &OldBookSerializer, .status = 201, BY_TOKEN)),
    CZ_PUT("/book", replace_book,
           .doc = CZ_DOC(.summary = "Replace the book of this ISBN", .tag = "books",
                         .request = &OldBookSerializer, .response = &OldBookSerializer, BY_TOKEN)),
    CZ_DELETE("/book", delete_book,
              .doc = CZ_DOC(.summary = "Delete a book", .tag = "books", .parameters = ISBN,
                            .status = 204, BY_TOKEN)),
    CZ_GET("/book/<isbn>", show_book, .middleware = around_books,
           .doc = CZ_DOC(.summary = "Show a book", .tag = "books", .response = &OldBookSerializer)),
    CZ_POST("/magazine", create_magazine,
            .doc = CZ_DOC(.summary = "Add a magazine", .tag = "magazines",
                          .request = &OldMagazineSerializer, .response = &OldMagazineSerializer,
                          .status = 201, BY_TOKEN)),
    CZ_PUT("/magazine", replace_magazine,
           .doc = CZ_DOC(.summary = "Replace the magazine of this id", .tag = "magazines",
                         .request = &OldMagazineSerializer, .response = &OldMagazineSerializer,
                         BY_TOKEN)),
    CZ_DELETE("/magazine", delete_magazine,
              .doc = CZ_DOC(.summary = "Delete a magazine", .tag = "magazines", .parameters = ID,
                            .status = 204, BY_TOKEN)),
    CZ_RESOURCE("/authors", &all_authors, .name = "all-authors", .middleware = around_authors),
    CZ_POST("/author", create_author,
            .doc = CZ_DOC(.summary = "Add an author", .tag = "authors",
                          .request = &OldAuthorSerializer, .response = &OldAuthorSerializer,
                          .status = 201, BY_TOKEN)),
    CZ_DELETE("/author", delete_author,
              .doc = CZ_DOC(.summary = "Delete an author who has no books", .tag = "authors",
                            .parameters = ID, .status = 204, BY_TOKEN)),
    CZ_PATCH("/author/name", rename_named_author,
             .doc = CZ_DOC(.summary = "Rename the author of this id", .tag = "authors",
                           .request = &AuthorNameSerializer, .response = &OldAuthorSerializer,
                           BY_TOKEN)),
    CZ_PATCH("/author/<int:id>/name", rename_author,
             .doc = CZ_DOC(.summary = "Rename an author", .tag = "authors",
                           .request = &AuthorNameSerializer, .response = &OldAuthorSerializer,
                           BY_TOKEN)),
    CZ_GET("/author/<int:id>", show_author, .middleware = around_authors,
           .doc = CZ_DOC(.summary = "Show an author", .tag = "authors",
                         .response = &OldAuthorSerializer)),
    CZ_GET("/author/<int:id>/book", list_books_of_author, .middleware = around_books,
           .doc = CZ_DOC(.summary = "List the books of an author by year", .tag = "authors",
                         .parameters = CZ_PARAMETERS(
                             { .name = "order", .one_of = CZ_ONE_OF("asc", "desc") },
                             { .name = "category" },
                             { .name = "offset",
                               .type = CZ_KIND_big_int_field,
                               .description = "Books before the list, from a link." }),
                         .response = &OldBookSerializer, .list = true)),
    CZ_ROUTES_END,
};
