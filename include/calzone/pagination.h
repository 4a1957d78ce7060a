/* calzone/pagination.h: lists in pages.
 *
 * Page numbers, in DRF's shape: {"count": 262, "next": "http://.../books?page=3", "previous": ...,
 * "results": [...]}. `?page=` counts from 1, and empty is 1; "last" is the last page; a page that does
 * not exist is 404 "Invalid page.". The links keep the request's other parameters.
 */
#ifndef CALZONE_PAGINATION_H
#define CALZONE_PAGINATION_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CZ_PAGE_SIZE_MAX = 100, CZ_PAGE_SIZE_DEFAULT = 50 };

typedef struct cz_page {
    int64_t number; /* from 1 */
    int64_t size;
    int64_t count; /* rows in all */
    int64_t offset;
    cz_str next, previous; /* absolute addresses; empty: there is none */
} cz_page;

/* Which page `req` asks for, of `count` rows in pages of `size` (1 to CZ_PAGE_SIZE_MAX).
 * Raises: CZ_ENOTFOUND "Invalid page.". */
void cz_paginate(cz_ctx *ctx, const cz_request *req, int64_t count, int64_t size, cz_page *out);

#ifdef __cplusplus
}
#endif
#endif
