/* Pages by their number: DRF's PageNumberPagination. */
#include "pagination/pagination_internal.h"

/* Page 1 goes without the parameter, as in DRF. */
static cz_str address(cz_ctx *ctx, const cz_request *req, int64_t number)
{
    const struct cz__page_parameter page = { "page", number > 1 ? cz__page_number_text(ctx, number)
                                                                : CZ_STR("") };
    return cz__page_address(ctx, req, &page, 1);
}

void cz_paginate(cz_ctx *ctx, const cz_request *req, int64_t count, int64_t size, cz_page *out)
{
    cz_assert(size >= 1 && size <= CZ_PAGE_SIZE_MAX);
    int64_t last = count > 0 ? (count + size - 1) / size : 1;
    int64_t number = 1;
    cz_str asked = CZ_STR("");
    if (req->query.len && cz_query_get(ctx, req, CZ_STR("page"), &asked) && asked.len) {
        if (cz_str_eq(asked, CZ_STR("last")))
            number = last;
        else if (cz_str_to_i64(asked, &number))
            number = 0;
    }
    if (number < 1 || number > last)
        cz_raise(ctx, CZ_ENOTFOUND, "Invalid page.");
    *out =
        (cz_page){ .number = number, .size = size, .count = count, .offset = (number - 1) * size };
    if (number < last)
        out->next = address(ctx, req, number + 1);
    if (number > 1)
        out->previous = address(ctx, req, number - 1);
}
