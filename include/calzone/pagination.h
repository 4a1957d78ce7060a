/* calzone/pagination.h: lists in pages, in DRF's shapes.
 *
 *     CZ_PAGE_NUMBER   ?page=3            {"count": 262, "next": "http://...", "previous": null, "results": []}
 *     CZ_LIMIT_OFFSET  ?limit=20&offset=40   the same
 *     CZ_CURSOR        ?cursor=WyIx...    {"next": "http://...", "previous": null, "results": []}
 *     CZ_NO_PAGES      a plain list of at most CZ_PAGE_SIZE_MAX rows, ?offset= for what follows
 *
 * Pages are counted from 1; empty is 1 and "last" the last; a page that does not exist is 404 "Invalid page.". A limit or
 * an offset that is no number is the default, as in DRF. A cursor is a row's place in the order, so rows that come and go
 * move nothing between pages, and page 1,000 costs what page 1 does; who sends one that is none gets 404 "Invalid cursor".
 * The links keep the request's other parameters, and stand in a Link header, too (RFC 8288).
 */
#ifndef CALZONE_PAGINATION_H
#define CALZONE_PAGINATION_H

#include <calzone/http.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A page has at most CZ_PAGE_SIZE_MAX rows whatever is declared, and CZ_PAGE_SIZE_LIMIT unless .page_size_max says more. */
enum { CZ_PAGE_SIZE_MAX = 1000, CZ_PAGE_SIZE_LIMIT = 100, CZ_PAGE_SIZE_DEFAULT = 50 };

typedef enum cz_pagination {
    CZ_PAGE_NUMBER,
    CZ_LIMIT_OFFSET,
    CZ_CURSOR,
    CZ_NO_PAGES
} cz_pagination;

typedef struct cz_page {
    int64_t number; /* from 1; of CZ_LIMIT_OFFSET 0 */
    int64_t size;
    int64_t count; /* rows in all */
    int64_t offset;
    cz_str next, previous; /* absolute addresses; empty: there is none */
} cz_page;

/* Which page `req` asks for, of `count` rows in pages of `size` (1 to CZ_PAGE_SIZE_MAX).
 * Raises: CZ_ENOTFOUND "Invalid page.". */
void cz_paginate(cz_ctx *ctx, const cz_request *req, int64_t count, int64_t size, cz_page *out);
/* The same by ?limit=, at most `most` and `size` without it, and ?offset=. Raises: CZ_ENOMEM. */
void cz_paginate_limit(cz_ctx *ctx, const cz_request *req, int64_t count, int64_t size,
                       int64_t most, cz_page *out);
/* How many rows the request's parameter `name` asks for: at most `most`; `size` when it says nothing, or no number. */
int64_t cz_page_size(cz_ctx *ctx, const cz_request *req, const char *name, int64_t size,
                     int64_t most);

/* The rows of a page by cursor. */
typedef struct cz_cursor_page {
    void *items; /* rows of the query's model, in its order */
    size_t count;
    cz_str next, previous; /* absolute addresses; empty: there is none */
} cz_cursor_page;
/* Read a page of `size` rows of a query, whose order is of columns of its model that are not NULL and ends with the key; it
 * has no limit and no offset. Raises: CZ_ENOTFOUND "Invalid cursor"; as a query. */
void cz_paginate_cursor(cz_ctx *ctx, const cz_request *req, const cz_query *query, int64_t size,
                        cz_cursor_page *out);

/* Answer with a header `Link: <http://...>; rel="next", <http://...>; rel="prev"`, for those that are not empty. Raises:
 * CZ_ENOMEM. */
void cz_respond_page_links(cz_ctx *ctx, cz_request *req, cz_str next, cz_str previous);

#ifdef __cplusplus
}
#endif
#endif
