/* A client sees what it has written, though replicas serve its reads. */
#include <calzone/databases.h>
#include <calzone/middleware.h>
#include "db/replicas.h"
#include "orm/orm.h"

static const cz_str cookie_name = { "calzone_position", 16 };
static const cz_str header_name = { "X-Read-After", 12 };

/* A cookie's value, in the header; empty when it is not there. */
static cz_str find_cookie(const cz_request *req, cz_str name)
{
    cz_str rest = cz_request_header(req, CZ_STR("Cookie"));
    while (rest.len) {
        cz_str value = cz_str_trim(cz_str_cut(&rest, ';'));
        if (cz_str_eq(cz_str_cut(&value, '='), name))
            return value;
    }
    return CZ_STR("");
}

/* What is read to be changed must not be old. */
static bool is_for_reading(const cz_request *req)
{
    return req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD ||
           req->method == CZ_METHOD_OPTIONS;
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    if (!cz__replicas_any()) {
        cz_next_call(ctx, req, next);
        return;
    }
    if (!is_for_reading(req))
        cz_read_primary(ctx);
    cz_ignore(cz_read_after(ctx, find_cookie(req, cookie_name))); /* none, or too old to matter */
    cz_ignore(cz_read_after(ctx, cz_request_header(req, header_name)));
    cz_next_call(ctx, req, next);
    cz_str position = cz_read_position(ctx);
    if (!position.len)
        return;
    cz_respond_header(ctx, req, header_name, position);
    cz_respond_header(ctx, req, CZ_STR("Set-Cookie"),
                      cz_format(ctx, "%s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax",
                                cookie_name.ptr, CZ_STR_ARG(position),
                                (long long)(cz__position_life_ms() / 1000)));
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    cz_str secret = cz_setting_str(settings, "SECRET_KEY");
    cz_env env = cz_settings_env(settings);
    bool strict = env == CZ_ENV_PRODUCTION || env == CZ_ENV_STAGING;
    if (strict && !secret.len)
        return cz_error_set(err, CZ_EVALIDATION,
                            "SECRET_KEY: cz_read_your_writes signs with it, and it is empty");
    return CZ_OK;
}

const cz_middleware cz_read_your_writes = { "read_your_writes", process, configure };
