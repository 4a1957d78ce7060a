/* What a handler reads of a request: its headers, the path's parameters, links back. query.c has the query. */
#include <calzone/http.h>

const char *cz_method_name(cz_method method)
{
    static const char *const names[] = {
#define X(name) #name,
        CZ_METHOD_MAP(X)
#undef X
    };
    return (size_t)method < CZ_COUNT(names) ? names[method] : "";
}

static const cz_header *find_header(const cz_header *headers, uint32_t count, cz_str name)
{
    for (uint32_t i = 0; i < count; i++)
        if (headers[i].name.len == name.len && cz_str_eq_icase(headers[i].name, name))
            return &headers[i];
    return NULL;
}

cz_str cz_request_header(const cz_request *req, cz_str name)
{
    const cz_header *header = find_header(req->headers, req->header_count, name);
    return header ? header->value : cz_str_of(NULL, 0);
}

bool cz_request_has_header(const cz_request *req, cz_str name)
{
    return find_header(req->headers, req->header_count, name) != NULL;
}

/* ---- The path's parameters, and links ---- */

static const cz_param *find_param(cz_ctx *ctx, const cz_request *req, const char *name)
{
    cz_str wanted = cz_str_from(name);
    for (uint32_t i = 0; i < req->param_count; i++)
        if (cz_str_eq(req->params[i].name, wanted))
            return &req->params[i];
    cz_raise(ctx, CZ_EINVAL, "the route has no path parameter '%s'", name);
}

int64_t cz_path_int(cz_ctx *ctx, const cz_request *req, const char *name)
{
    const cz_param *param = find_param(ctx, req, name);
    if (!param->is_integer)
        cz_raise(ctx, CZ_EINVAL, "the path parameter '%s' is no integer: write <int:%s>", name,
                 name);
    return param->integer;
}

cz_str cz_path_str(cz_ctx *ctx, const cz_request *req, const char *name)
{
    return find_param(ctx, req, name)->text;
}

cz_str cz_request_absolute_uri(cz_ctx *ctx, const cz_request *req, cz_str path_and_query)
{
    if (!req->host.len)
        return path_and_query;
    return cz_format(ctx, "%.*s://%.*s%.*s", CZ_STR_ARG(req->scheme), CZ_STR_ARG(req->host),
                     CZ_STR_ARG(path_and_query));
}
