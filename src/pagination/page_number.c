#include <calzone/pagination.h>

static bool is_page_parameter(cz_str pair)
{
    return cz_str_starts_with(pair, CZ_STR("page=")) || cz_str_eq(pair, CZ_STR("page"));
}

/* The request's address with another page; page 1 goes without the parameter, as in DRF. */
static cz_str address(cz_ctx *ctx, const cz_request *req, int64_t number)
{
    cz_str path = req->target;
    size_t question = cz_str_find_char(path, '?');
    if (question != SIZE_MAX)
        path = cz_str_head(path, question);
    size_t scheme = cz_str_find(path, CZ_STR("://"));
    if (scheme != SIZE_MAX) { /* an absolute-form target */
        cz_str rest = cz_str_tail(path, scheme + 3);
        size_t slash = cz_str_find_char(rest, '/');
        path = slash == SIZE_MAX ? CZ_STR("/") : cz_str_tail(rest, slash);
    }
    char *out = cz_alloc(ctx, path.len + req->query.len + 32);
    memcpy(out, path.ptr, path.len);
    size_t len = path.len;
    char separator = '?';
    for (cz_str rest = req->query; rest.len;) {
        cz_str pair = cz_str_cut(&rest, '&');
        if (!pair.len || is_page_parameter(pair))
            continue;
        out[len++] = separator;
        separator = '&';
        memcpy(out + len, pair.ptr, pair.len);
        len += pair.len;
    }
    if (number > 1) {
        out[len++] = separator;
        memcpy(out + len, "page=", 5);
        len += 5;
        len += cz_i64_write(out + len, number);
    }
    return cz_request_absolute_uri(ctx, req, cz_str_of(out, len));
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
