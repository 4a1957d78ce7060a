/* What a handler reads of a request: its headers, the path's parameters, links back. query.c has the query. */
#include "http/http_internal.h"

const char *cz_method_name(cz_method method)
{
    static const char *const names[] = {
#define X(name) #name,
        CZ_METHOD_MAP(X)
#undef X
    };
    return (size_t)method < CZ_COUNT(names) ? names[method] : "";
}

static bool is_named(const cz_header *header, cz_str name)
{
    return header->name.len == name.len && cz_str_eq_icase(header->name, name);
}

static const cz_header *find_header(const cz_header *headers, uint32_t count, cz_str name)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_named(&headers[i], name))
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

cz_str cz_request_trailer(const cz_request *req, cz_str name)
{
    for (cz_str rest = req->trailer; rest.len;) {
        cz_str value = cz_str_cut(&rest, '\n');
        if (cz_str_eq_icase(cz_str_cut(&value, ':'), name))
            return cz_str_trim(value);
    }
    return cz_str_of(NULL, 0);
}

/* The values of the lines from `first` on that have its name; they are marked by an empty name, as none is sent with. */
static cz_status join_lines(cz_arena *arena, cz_header *first, cz_header *end)
{
    /* Pairs of cookies have no commas between them (RFC 9113, 8.2.3). */
    cz_str between = cz_str_eq_icase(first->name, CZ_STR("Cookie")) ? CZ_STR("; ") : CZ_STR(", ");
    size_t bytes = first->value.len, lines = 1;
    for (cz_header *line = first + 1; line < end; line++)
        if (is_named(line, first->name)) {
            bytes += between.len + line->value.len;
            lines++;
        }
    if (lines == 1)
        return CZ_OK;
    cz_buf text;
    cz_buf_init(&text, bytes);
    cz_buf_append_str(&text, first->value);
    for (cz_header *line = first + 1; line < end; line++)
        if (is_named(line, first->name)) {
            cz_buf_append_str(&text, between);
            cz_buf_append_str(&text, line->value);
            line->name = CZ_STR("");
        }
    return cz__buf_take(&text, arena, &first->value);
}

cz_status cz__request_join_headers(cz_arena *arena, cz_header *headers, uint32_t *count)
{
    uint64_t seen = 0;
    bool repeats = false;
    for (uint32_t i = 0; i < *count && !repeats; i++) {
        cz_str name = headers[i].name;
        uint64_t bit = UINT64_C(1) << ((name.len * 5 + ((unsigned char)name.ptr[0] | 0x20)) & 63);
        repeats = seen & bit; /* perhaps; most requests have none, and end here */
        seen |= bit;
    }
    if (!repeats)
        return CZ_OK;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (!headers[i].name.len)
            continue;
        cz_status status = join_lines(arena, &headers[i], headers + *count);
        if (status)
            return status;
        headers[kept++] = headers[i];
    }
    *count = kept;
    return CZ_OK;
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
