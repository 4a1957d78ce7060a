/* The addresses of other pages: the request's own with other parameters. */
#include "http/targets.h"
#include "pagination/pagination_internal.h"

static bool is_replaced(cz_str pair, const struct cz__page_parameter *parameters, size_t count)
{
    size_t equals = cz_str_find_char(pair, '=');
    cz_str name = equals == SIZE_MAX ? pair : cz_str_head(pair, equals);
    for (size_t i = 0; i < count; i++)
        if (cz_str_eq(name, cz_str_from(parameters[i].name)))
            return true;
    return false;
}

static char *put(char *out, cz_str text)
{
    memcpy(out, text.ptr, text.len);
    return out + text.len;
}

cz_str cz__page_address(cz_ctx *ctx, const cz_request *req,
                        const struct cz__page_parameter *parameters, size_t count)
{
    cz_str path = cz__target_path(req->target); /* as it was sent: escaped already */
    size_t bytes = path.len + req->query.len + 2;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(parameters[i].name) + parameters[i].value.len + 2;
    char *start = cz_alloc(ctx, bytes), *at = put(start, path), separator = '?';
    for (cz_str rest = req->query; rest.len;) {
        cz_str pair = cz_str_cut(&rest, '&');
        if (!pair.len || is_replaced(pair, parameters, count))
            continue;
        *at++ = separator;
        separator = '&';
        at = put(at, pair);
    }
    for (size_t i = 0; i < count; i++) {
        if (!parameters[i].value.len)
            continue;
        *at++ = separator;
        separator = '&';
        at = put(at, cz_str_from(parameters[i].name));
        *at++ = '=';
        at = put(at, parameters[i].value);
    }
    return cz_request_absolute_uri(ctx, req, cz_str_of(start, (size_t)(at - start)));
}

cz_str cz__page_number_text(cz_ctx *ctx, int64_t number)
{
    char *text = cz_alloc(ctx, 24);
    return cz_str_of(text, cz_i64_write(text, number));
}

int64_t cz_page_size(cz_ctx *ctx, const cz_request *req, const char *name, int64_t size,
                     int64_t most)
{
    cz_str asked;
    int64_t number;
    if (!name || !req->query.len || !cz_query_get(ctx, req, cz_str_from(name), &asked))
        return size;
    cz_status status = cz_str_to_i64(cz_str_trim(asked), &number);
    if (status == CZ_ETOOBIG && asked.ptr[0] != '-')
        return most;
    if (status || number < 1)
        return size;
    return number < most ? number : most;
}

void cz_respond_page_links(cz_ctx *ctx, cz_request *req, cz_str next, cz_str previous)
{
    if (!next.len && !previous.len)
        return;
    cz_respond_header_static(ctx, req, CZ_STR("Link"),
                             cz_format(ctx, "%s%.*s%s%s%s%.*s%s", next.len ? "<" : "",
                                       CZ_STR_ARG(next), next.len ? ">; rel=\"next\"" : "",
                                       next.len && previous.len ? ", " : "",
                                       previous.len ? "<" : "", CZ_STR_ARG(previous),
                                       previous.len ? ">; rel=\"prev\"" : ""));
}
