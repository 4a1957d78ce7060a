/* Leads who comes without TLS to the same address with it, as Django's SecurityMiddleware does. */
#include "http/targets.h"
#include <calzone/middleware.h>

static struct {
    bool on;
    cz_str host; /* empty: the request's own */
} self;

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    if (!self.on || cz_str_eq(req->scheme, CZ_STR("https")) || !req->host.len) {
        cz_next_call(ctx, req, next);
        return;
    }
    cz_str host = self.host.len ? self.host : cz__host_name(req->host);
    cz_str target = cz__target_on_host(req->target); /* which holds no control byte and no space */
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
