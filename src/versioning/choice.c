/* Which version a request asks for. */
#include "versioning/versioning_internal.h"
#include <calzone/renderers.h>

const char *cz__scheme_name(const cz_version_scheme *scheme)
{
    static const char *const names[] = { [CZ_VERSION_BY_HEADER] = "Accept-Version",
                                         [CZ_VERSION_BY_ACCEPT] = "version",
                                         [CZ_VERSION_BY_QUERY] = "version" };
    if (scheme->name)
        return scheme->name;
    return scheme->by < CZ_COUNT(names) && names[scheme->by] ? names[scheme->by] : "";
}

/* ---- what a request says ---- */

/* A parameter of a media range, its quotes taken off; false: it has none of that name. */
static bool parameter_of(cz_str range, cz_str name, cz_str *out)
{
    cz_str_cut(&range, ';');
    while (range.len) {
        cz_str value = cz_str_trim(cz_str_cut(&range, ';'));
        if (!cz_str_eq_icase(cz_str_trim(cz_str_cut(&value, '=')), name))
            continue;
        value = cz_str_trim(value);
        bool quoted = value.len > 1 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
        *out = quoted ? cz_str_of(value.ptr + 1, value.len - 2) : value;
        return true;
    }
    return false;
}

/* How exactly a range names JSON, which is what versions mostly answer: 3 for itself, 0 for something else. */
static int closeness(cz_str type)
{
    if (!cz_accept_quality(type, CZ_STR("application/json")))
        return 0;
    return !cz_str_ends_with(type, CZ_STR("*")) ? 3 : cz_str_eq(type, CZ_STR("*/*")) ? 1 : 2;
}

/* Of the ranges that have the parameter the one that names JSON most exactly, then the one wanted most, as the renderer is
 * chosen (RFC 9110, 12.5.1). */
static bool said_by_accept(const cz_request *req, cz_str name, cz_str *out)
{
    int best = -1;
    for (cz_str accept = cz_request_header(req, CZ_STR("Accept")); accept.len;) {
        cz_str range = cz_str_cut(&accept, ','), value, type = range;
        if (!parameter_of(range, name, &value))
            continue;
        type = cz_str_trim(cz_str_cut(&type, ';'));
        int quality = cz_accept_quality(range, type);
        int weight = quality + closeness(type) * 2000;
        if (!quality || weight <= best)
            continue;
        best = weight;
        *out = value;
    }
    return best >= 0;
}

static bool is_label(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool fine =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (!fine)
            return false;
    }
    return text.len > 0;
}

/* The first of three labels, as DRF's HostNameVersioning; an address has four. */
static bool first_of_three(cz_str host, cz_str *out)
{
    cz_str rest = host, first = cz_str_cut(&rest, '.'), second = cz_str_cut(&rest, '.');
    *out = first;
    return is_label(first) && is_label(second) && is_label(rest);
}

static bool said_by_host(const cz_request *req, cz_str domain, cz_str *out)
{
    cz_str host = req->host;
    size_t colon = cz_str_find_char(host, ':');
    if (colon != SIZE_MAX)
        host = cz_str_head(host, colon);
    if (!domain.len)
        return first_of_three(host, out);
    if (host.len <= domain.len + 1 || host.ptr[host.len - domain.len - 1] != '.' ||
        !cz_str_eq_icase(cz_str_tail(host, host.len - domain.len), domain))
        return false;
    *out = cz_str_head(host, host.len - domain.len - 1);
    return true;
}

/* False: the request does not use the scheme. Raises: CZ_ENOMEM, by query alone. */
static bool said_by(cz_ctx *ctx, const cz_request *req, const cz_version_scheme *scheme,
                    cz_str *out)
{
    cz_str name = cz_str_from(cz__scheme_name(scheme));
    *out = CZ_STR("");
    switch (scheme->by) {
    case CZ_VERSION_BY_HEADER:
        *out = cz_request_header(req, name);
        return cz_request_has_header(req, name);
    case CZ_VERSION_BY_ACCEPT:
        return said_by_accept(req, name, out);
    case CZ_VERSION_BY_QUERY:
        return req->query.len && cz_query_get(ctx, req, name, out);
    case CZ_VERSION_BY_HOST:
        return said_by_host(req, name, out);
    case CZ_VERSION_BY_PATH:
        break;
    }
    return false;
}

/* ---- the choice ---- */

const cz_version *cz__version_named(const cz_versions *versions, cz_str name)
{
    for (size_t i = 0; i < versions->versions.count; i++)
        if (cz_str_eq(cz_str_from(versions->versions.items[i].name), name))
            return &versions->versions.items[i];
    return NULL;
}

/* Host names know no case (RFC 4343). */
static const cz_version *labelled(const cz_versions *versions, cz_str label)
{
    char room[CZ__VERSION_LABEL];
    for (size_t i = 0; i < versions->versions.count; i++)
        if (cz_str_eq_icase(cz_str_from(cz__version_label(&versions->versions.items[i], room)),
                            label))
            return &versions->versions.items[i];
    return NULL;
}

struct question {
    const cz_request *req;
    const cz_versions *versions;
    const cz_version *version;
    int scheme;
};

static void find_version(cz_ctx *ctx, void *arg)
{
    struct question *question = arg;
    const cz_versions *versions = question->versions;
    for (size_t i = 0; i < versions->schemes.count; i++) {
        const cz_version_scheme *scheme = &versions->schemes.items[i];
        cz_str said;
        if (!said_by(ctx, question->req, scheme, &said))
            continue;
        question->scheme = (int)i;
        question->version = scheme->by == CZ_VERSION_BY_HOST ? labelled(versions, said)
                                                             : cz__version_named(versions, said);
        return;
    }
    if (versions->default_)
        question->version = cz__version_named(versions, cz_str_from(versions->default_));
}

void cz__version_choose(cz_ctx *ctx, cz_request *req, const cz_versions *versions)
{
    if (req->versions == versions)
        return;
    struct question question = { .req = req, .versions = versions, .scheme = -1 };
    /* Without memory for a parameter's text there is no version, and refusing it says why. */
    cz_ignore(cz_try(ctx, find_version, &question, NULL));
    req->versions = versions;
    req->version = question.version;
    req->version_scheme = question.scheme;
}

/* ---- what is wrong with it ---- */

/* RFC 9110, 15.5.7: what there is should be told. */
static cz_str names_of(cz_ctx *ctx, const cz_versions *versions)
{
    cz_buf *names = cz_scratch(ctx);
    for (size_t i = 0; i < versions->versions.count; i++)
        cz_buf_printf(names, "%s\"%s\"", i ? ", " : "", versions->versions.items[i].name);
    cz_check(ctx, cz_buf_status(names));
    return cz_buf_str(names);
}

static bool is_negotiated(cz_version_by by)
{
    return by == CZ_VERSION_BY_HEADER || by == CZ_VERSION_BY_ACCEPT;
}

static CZ_NORETURN void refuse_silence(cz_ctx *ctx, const cz_versions *versions)
{
    const cz_version_scheme *scheme = versions->schemes.items;
    while (scheme->by == CZ_VERSION_BY_PATH)
        scheme++;
    cz_raise(ctx, is_negotiated(scheme->by) ? CZ_ENOTACCEPTABLE : CZ_ENOTFOUND,
             "The request says no version. There are %.*s.", CZ_STR_ARG(names_of(ctx, versions)));
}

void cz__version_refuse(cz_ctx *ctx, cz_request *req, const cz_versions *versions)
{
    cz_str said;
    if (req->version_scheme < 0)
        refuse_silence(ctx, versions);
    const cz_version_scheme *scheme = &versions->schemes.items[req->version_scheme];
    const char *name = cz__scheme_name(scheme);
    cz_ignore(said_by(ctx, req, scheme, &said)); /* raises what kept it from being read */
    cz_str names = names_of(ctx, versions);
    switch (scheme->by) {
    case CZ_VERSION_BY_HEADER:
        cz_raise(ctx, CZ_ENOTACCEPTABLE, "Invalid version in \"%s\" header. There are %.*s.", name,
                 CZ_STR_ARG(names));
    case CZ_VERSION_BY_ACCEPT:
        cz_raise(ctx, CZ_ENOTACCEPTABLE, "Invalid version in \"Accept\" header. There are %.*s.",
                 CZ_STR_ARG(names));
    case CZ_VERSION_BY_QUERY:
        cz_raise(ctx, CZ_ENOTFOUND, "Invalid version in query parameter. There are %.*s.",
                 CZ_STR_ARG(names));
    case CZ_VERSION_BY_HOST:
    case CZ_VERSION_BY_PATH:
        cz_raise(ctx, CZ_ENOTFOUND, "Invalid version in hostname.");
    }
}
