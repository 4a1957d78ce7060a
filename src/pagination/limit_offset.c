/* Pages by limit and offset: DRF's LimitOffsetPagination. */
#include "pagination/pagination_internal.h"

/* Without an offset it is the first page. */
static cz_str address(cz_ctx *ctx, const cz_request *req, int64_t limit, int64_t offset)
{
    const struct cz__page_parameter parameters[] = {
        { "limit", cz__page_number_text(ctx, limit) },
        { "offset", offset > 0 ? cz__page_number_text(ctx, offset) : CZ_STR("") },
    };
    return cz__page_address(ctx, req, parameters, CZ_COUNT(parameters));
}

static int64_t asked_offset(cz_ctx *ctx, const cz_request *req)
{
    cz_str asked;
    int64_t offset;
    if (!req->query.len || !cz_query_get(ctx, req, CZ_STR("offset"), &asked))
        return 0;
    cz_status status = cz_str_to_i64(cz_str_trim(asked), &offset);
    if (status == CZ_ETOOBIG && asked.ptr[0] != '-')
        return INT64_MAX - CZ_PAGE_SIZE_MAX; /* beyond any row */
    return status || offset < 0 ? 0 : offset;
}

void cz_paginate_limit(cz_ctx *ctx, const cz_request *req, int64_t count, int64_t size,
                       int64_t most, cz_page *out)
{
    cz_assert(size >= 1 && size <= most && most <= CZ_PAGE_SIZE_MAX);
    int64_t limit = cz_page_size(ctx, req, "limit", size, most), offset = asked_offset(ctx, req);
    if (offset > INT64_MAX - CZ_PAGE_SIZE_MAX)
        offset = INT64_MAX - CZ_PAGE_SIZE_MAX;
    *out = (cz_page){ .size = limit, .count = count, .offset = offset };
    if (offset + limit < count)
        out->next = address(ctx, req, limit, offset + limit);
    if (offset > 0)
        out->previous = address(ctx, req, limit, offset - limit);
}
