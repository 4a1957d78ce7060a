/* calzone/filters.h: lists narrowed and ordered by the query of a request.
 *
 *     CZ_VIEWSET(books, Book, ...,
 *         .filters  = CZ_FILTERS({ .path = CZ_FIELD(Book, category) },
 *                                { .path = CZ_FIELD(Book, year), CZ_LOOKUPS(EXACT, GTE, LTE) },
 *                                { .path = CZ_FIELD(Book, author->name), CZ_LOOKUPS(ICONTAINS), .name = "by" }),
 *         .search   = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Book, title) },
 *                                      { .path = CZ_FIELD(Book, isbn), .lookup = CZ_LOOKUP_STARTSWITH }),
 *         .orderings = CZ_FIELDS(Book, title, year));
 *
 * gives ?category=poetry&year__gte=1900&by=ann, ?search=space+opera and ?ordering=-year,title, as django-filter and DRF's
 * SearchFilter and OrderingFilter do. Names are those that were declared, values are bound; other parameters are
 * somebody else's.
 */
#ifndef CALZONE_FILTERS_H
#define CALZONE_FILTERS_H

#include <calzone/http.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_lookups {
    const cz_lookup *items;
    size_t count;
} cz_lookups;
/* CZ_LOOKUPS(EXACT, GTE, LTE) as a member of a cz_filter. */
#define CZ_LOOKUPS(...)                                                                            \
    .lookups = { (const cz_lookup[]){ CZ__EACH(CZ__LOOKUP_NAMED, _, __VA_ARGS__) },                \
                 CZ__NARG(__VA_ARGS__) }
#define CZ__LOOKUP_NAMED(unused, name) CZ_LOOKUP_##name

/* A condition of one's own for a parameter: of `value`, which is not empty. It must live as long as the context
 * (cz_cond_copy()). Raises: CZ_EVALIDATION for a value that can't be; its message is told under the parameter. */
typedef cz_cond (*cz_filter_fn)(cz_ctx *ctx, const cz_request *req, cz_str value);

/* What a list can be filtered by: a field with lookups, each a parameter, "year" for EXACT and "year__gte" for the others;
 * "author__name" over relations. Values are as cz_cond_text() reads them; an empty one is no filter. */
typedef struct cz_filter {
    cz_str path;
    cz_lookups lookups;     /* none: EXACT */
    const char *name;       /* instead of the path; of a single lookup nothing is behind it */
    cz_filter_fn condition; /* instead of a path */
} cz_filter;
typedef struct cz_filters {
    const cz_filter *items;
    size_t count;
} cz_filters;
#define CZ_FILTERS(...)                                                                            \
    {                                                                                              \
        (const cz_filter[]){ __VA_ARGS__ },                                                        \
            sizeof((const cz_filter[]){ __VA_ARGS__ }) / sizeof(cz_filter)                         \
    }

/* A field whose text ?search= looks in: for the word anywhere in it, in any case, unless .lookup says otherwise
 * (CZ_LOOKUP_EXACT can't be said: it is the default's place; CZ_LOOKUP_IEXACT can). */
typedef struct cz_search_field {
    cz_str path;
    cz_lookup lookup;
} cz_search_field;
typedef struct cz_search_fields {
    const cz_search_field *items;
    size_t count;
} cz_search_fields;
#define CZ_SEARCH_FIELDS(...)                                                                      \
    {                                                                                              \
        (const cz_search_field[]){ __VA_ARGS__ },                                                  \
            sizeof((const cz_search_field[]){ __VA_ARGS__ }) / sizeof(cz_search_field)             \
    }

enum { CZ_SEARCH_WORDS_MAX = 10 };

/* The condition of the request's parameters; NULL: it names no filter. `*out_distinct` is set where it goes over a
 * relation to several rows, so a row might come more than once. Raises: CZ_EVALIDATION: every value that can't be, under
 * its parameter; CZ_ENOMEM. */
cz_cond cz_filter_rows(cz_ctx *ctx, const cz_request *req, cz_model *model,
                       const cz_filters *filters, bool *out_distinct);
/* That each word of ?search= is in one of the fields; NULL: there is none. Words stand between spaces and commas.
 * Raises: CZ_EVALIDATION: more than CZ_SEARCH_WORDS_MAX; CZ_ENOMEM. */
cz_cond cz_search_rows(cz_ctx *ctx, const cz_request *req, cz_model *model,
                       const cz_search_fields *fields, bool *out_distinct);
/* The order ?ordering= asks for, of `allowed`, "-year,author__name"; other names in it are passed over, as in DRF. Empty when
 * no name is left. Raises: CZ_ENOMEM. */
cz_order_list cz_order_rows(cz_ctx *ctx, const cz_request *req, cz_fields allowed);

/* Whether ?ordering= may name it, without "-". */
bool cz__order_has(cz_fields allowed, cz_str name);
/* The name of a filter's parameter for its lookup `n`, "year__gte". Failures stay in the buffer. */
void cz__filter_name(const cz_filter *filter, size_t n, cz_buf *out);
/* Whether the declarations can be: paths, and lookups their fields have. Errors: CZ_EVALIDATION, `err` names what can't.
 * Context: start-up. */
CZ_NODISCARD cz_status cz__filters_check(const cz_model *model, const cz_filters *filters,
                                         const cz_search_fields *search, const cz_fields *orderings,
                                         cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
