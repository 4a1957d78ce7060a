/* Leads who comes without TLS to the same address with it, as Django's SecurityMiddleware does. */
#include <calzone/middleware.h>

static struct {
    bool on;
    cz_str host; /* empty: the request's own */
} self;

/* The host check has let this host pass. */
static cz_str without_port(cz_str host)
{
    size_t close = cz_str_find_char(host, ']'); /* of an IPv6 address */
    size_t from = close == SIZE_MAX ? 0 : close;
    size_t colon = cz_str_find_char(cz_str_tail(host, from), ':');
    return colon == SIZE_MAX ? host : cz_str_head(host, from + colon);
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    if (!self.on || cz_str_eq(req->scheme, CZ_STR("https")) || !req->host.len) {
        cz_next_call(ctx, req, next);
        return;
    }
    cz_str host = self.host.len ? self.host : without_port(req->host);
    /* Of an absolute target the path; a target may hold no control byte and no space. */
    cz_str target = req->target;
    size_t scheme = cz_str_find(target, CZ_STR("://"));
    if (!cz_str_starts_with(target, CZ_STR("/")) && scheme != SIZE_MAX) {
        cz_str rest = cz_str_tail(target, scheme + 3);
        size_t slash = cz_str_find_char(rest, '/');
        target = slash == SIZE_MAX ? CZ_STR("/") : cz_str_tail(rest, slash);
    }
    /* The method and the body are kept (308), which Django's 301 lets clients drop. */
    cz_respond_empty(ctx, req,
                     req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD ? 301 : 308);
    cz_respond_header(ctx, req, CZ_STR("Location"),
                      cz_format(ctx, "https://%.*s%.*s", CZ_STR_ARG(host), CZ_STR_ARG(target)));
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    (void)err;
    self.on = cz_setting_bool(settings, "SECURE_SSL_REDIRECT");
    self.host = cz_setting_str(settings, "SECURE_SSL_HOST");
    return CZ_OK;
}

const cz_middleware cz_https_redirect = { "https_redirect", process, configure };
