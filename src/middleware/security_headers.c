/* The headers of OWASP's Secure Headers project, on every answer; what an answer sets itself is kept.
 *
 * An HTML page gets all of them. Anything else is no document, so its policy is stricter and shorter, as
 * OWASP's REST cheat sheet has it: nothing may be loaded by it, and it may not be framed. */
#include <calzone/middleware.h>
#include <stdio.h>

#define LINE(name, value) name ": " value "\r\n"
#define BOTH                                                                                       \
    LINE("X-Content-Type-Options", "nosniff")                                                      \
    LINE("X-Frame-Options", "DENY")                                                                \
    LINE("Referrer-Policy", "same-origin")                                                         \
    LINE("Cross-Origin-Resource-Policy", "same-origin")

static const char document_lines[] = LINE("Content-Security-Policy",
                                          "default-src 'self'; object-src 'none'; base-uri 'none'; "
                                          "frame-ancestors 'none'; form-action 'self'")
    BOTH LINE("Cross-Origin-Opener-Policy", "same-origin")
        LINE("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");

static const char data_lines[] =
    LINE("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") BOTH;

/* The lines but for those whose names the answer has set. */
static cz_str lines_left(cz_ctx *ctx, const cz_request *req, cz_str lines)
{
    char *out = cz_alloc(ctx, lines.len);
    size_t len = 0;
    while (lines.len) {
        size_t end = cz_str_find_char(lines, '\n') + 1;
        cz_str line = cz_str_head(lines, end);
        lines = cz_str_tail(lines, end);
        cz_str name = cz_str_head(line, cz_str_find_char(line, ':'));
        if (cz_response_header(req, name).len)
            continue;
        memcpy(out + len, line.ptr, line.len);
        len += line.len;
    }
    return cz_str_of(out, len);
}

/* Whether a header may be one of ours, told by how it begins. */
static bool may_be_ours(cz_str name)
{
    static const char *const beginnings[] = { "content-sec", "x-", "ref", "cross-", "perm" };
    for (size_t i = 0; i < CZ_COUNT(beginnings); i++) {
        cz_str beginning = cz_str_from(beginnings[i]);
        if (cz_str_eq_icase(cz_str_head(name, beginning.len), beginning))
            return true;
    }
    return false;
}

/* "max-age=31536000; includeSubDomains; preload"; empty: browsers may come without TLS (RFC 6797). */
static char transport_security[80];

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_next_call(ctx, req, next);
    cz_str name = CZ_STR("Strict-Transport-Security");
    if (transport_security[0] && cz_str_eq(req->scheme, CZ_STR("https")) &&
        !cz_response_header(req, name).len)
        cz_respond_header_static(ctx, req, name, cz_str_from(transport_security));
    cz_response *response = &req->response;
    bool document = cz_str_starts_with(response->content_type, CZ_STR("text/html"));
    cz_str lines = document ? cz_str_of(document_lines, sizeof document_lines - 1)
                            : cz_str_of(data_lines, sizeof data_lines - 1);
    for (uint32_t i = 0; i < response->header_count; i++)
        if (may_be_ours(response->headers[i].name)) {
            lines = lines_left(ctx, req, lines);
            break;
        }
    response->header_lines = lines;
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    int64_t seconds = cz_setting_int(settings, "SECURE_HSTS_SECONDS");
    bool subdomains = cz_setting_bool(settings, "SECURE_HSTS_INCLUDE_SUBDOMAINS");
    bool preload = cz_setting_bool(settings, "SECURE_HSTS_PRELOAD");
    transport_security[0] = '\0';
    if (!seconds && (subdomains || preload))
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: SECURE_HSTS_SECONDS is 0, so there is nothing to extend",
                            subdomains ? "SECURE_HSTS_INCLUDE_SUBDOMAINS" : "SECURE_HSTS_PRELOAD");
    if (seconds)
        cz_ignore(snprintf(transport_security, sizeof transport_security, "max-age=%lld%s%s",
                           (long long)seconds, subdomains ? "; includeSubDomains" : "",
                           preload ? "; preload" : "")); /* it fits */
    return CZ_OK;
}

const cz_middleware cz_security_headers = { "security_headers", process, configure };
