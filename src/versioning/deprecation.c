/* How a version, or a route, tells that it ends: Deprecation (RFC 9745), Sunset (RFC 8594) and the links beside them. */
#include "versioning/versioning_internal.h"
#include <calzone/time.h>

enum { SECOND_US = 1000000 };

/* ---- dates ---- */

static cz_status read_date(const char *text, int64_t *out)
{
    cz_date date;
    cz_datetime instant;
    *out = INT64_MIN;
    if (!text)
        return CZ_OK;
    cz_status status = cz_date_parse(cz_str_from(text), &date);
    if (!status) {
        *out = (int64_t)date.days * 86400;
        return CZ_OK;
    }
    status = cz_datetime_parse(cz_str_from(text), &instant);
    if (!status)
        *out = instant.us / SECOND_US - (instant.us % SECOND_US < 0);
    return status;
}

cz_status cz__deprecation_prepare(cz_deprecation *deprecation, const char *owner, cz_error *err)
{
    const char *const texts[] = { deprecation->since, deprecation->sunset };
    int64_t *const seconds[] = { &deprecation->since_s, &deprecation->sunset_s };
    for (size_t i = 0; i < CZ_COUNT(texts); i++)
        if (read_date(texts[i], seconds[i]))
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: \"%s\" is no date such as \"2026-06-01\" or "
                                "\"2026-06-01T12:00:00Z\"",
                                owner, texts[i]);
    if (!deprecation->since && !deprecation->sunset)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: a deprecation has a .since, a .sunset or both", owner);
    if (deprecation->since && deprecation->sunset && deprecation->sunset_s < deprecation->since_s)
        return cz_error_set(err, CZ_EVALIDATION, "%s: the sunset, %s, is before the deprecation",
                            owner, deprecation->sunset);
    if (deprecation->gone && !deprecation->sunset)
        return cz_error_set(err, CZ_EVALIDATION, "%s: .gone needs a .sunset", owner);
    return CZ_OK;
}

/* ---- the same thing in another version ---- */

/* How many bytes of the path are before its segment `count`, the slash before it counted with that. */
static size_t bytes_of_segments(cz_str path, uint32_t count)
{
    size_t at = 0;
    for (uint32_t seen = 0; at < path.len; at++)
        if (path.ptr[at] == '/' && seen++ == count)
            break;
    return at;
}

cz_str cz__version_successor(cz_ctx *ctx, const cz_request *req)
{
    const struct cz__versioned *versioned = cz__versioned_of(cz__route_guard(req));
    if (!versioned || !versioned->version->successor || !versioned->has_path)
        return CZ_STR("");
    char room[CZ__VERSION_LABEL];
    const cz_version *next =
        cz__version_named(versioned->versions, cz_str_from(versioned->version->successor));
    bool by_path = !versioned->guard.admit;
    uint32_t whole = versioned->guard.segments, mount = whole - (by_path ? 1 : 0);
    cz_str before = cz_str_head(req->path, bytes_of_segments(req->path, mount));
    cz_str after = cz_str_tail(req->path, bytes_of_segments(req->path, whole));
    cz_str path = cz_format(ctx, "%.*s/%s%.*s", CZ_STR_ARG(before), cz__version_label(next, room),
                            CZ_STR_ARG(after));
    cz_resolved resolved;
    if (!cz_resolve(path, &resolved))
        return CZ_STR("");
    cz_buf *address = cz_scratch(ctx);
    cz_percent_encode(address, path);
    cz_check(ctx, cz_buf_status(address));
    return cz_buf_str(address);
}

/* ---- the headers ---- */

static void add_link(cz_ctx *ctx, cz_request *req, cz_str address, const char *relation)
{
    if (address.len)
        cz_respond_header_add(ctx, req, CZ_STR("Link"),
                              cz_format(ctx, "<%.*s>; rel=\"%s\"", CZ_STR_ARG(address), relation));
}

static void tell(cz_ctx *ctx, cz_request *req, const cz_deprecation *deprecation)
{
    char date[CZ_HTTP_DATE_TEXT];
    if (cz_response_header(req, CZ_STR("Deprecation")).len ||
        cz_response_header(req, CZ_STR("Sunset")).len)
        return; /* the route itself has told, and knows better than its version */
    if (deprecation->since)
        cz_respond_header(ctx, req, CZ_STR("Deprecation"),
                          cz_format(ctx, "@%lld", (long long)deprecation->since_s));
    if (deprecation->sunset)
        cz_respond_header(ctx, req, CZ_STR("Sunset"),
                          cz_str_of(date, cz_http_date_write(date, deprecation->sunset_s)));
    cz_str document = cz_str_from(deprecation->document ? deprecation->document : "");
    add_link(ctx, req, document, deprecation->since ? "deprecation" : "sunset");
    add_link(ctx, req,
             deprecation->successor ? cz_str_from(deprecation->successor)
                                    : cz__version_successor(ctx, req),
             "successor-version");
}

static CZ_NORETURN void raise_gone(cz_ctx *ctx, const cz_deprecation *deprecation)
{
    cz_error err;
    cz_ignore(
        cz_error_set(&err, CZ_ENOTFOUND, "This is no longer here since %s.", deprecation->sunset));
    err.http_status = 410;
    memcpy(err.code, "gone", sizeof "gone");
    cz_raise_error(ctx, &err);
}

/* Headers come last, behind those of the handler's answer. */
void cz__deprecation_process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    const cz_deprecation *deprecation = (const cz_deprecation *)cz__next_middleware(next);
    bool gone = deprecation->gone && cz_now().us / SECOND_US >= deprecation->sunset_s;
    if (!gone)
        cz_next_call(ctx, req, next);
    tell(ctx, req, deprecation);
    if (gone)
        raise_gone(ctx, deprecation);
}

const cz_deprecation *cz_deprecation_of_route(const cz_route_info *info)
{
    const cz_deprecation *found = NULL; /* the innermost is the route's own */
    for (const cz_middleware *const *list = info->middleware; *list; list++)
        if ((*list)->process == cz__deprecation_process)
            found = (const cz_deprecation *)*list;
    return found;
}
