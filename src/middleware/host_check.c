#include "http/targets.h"
#include <calzone/middleware.h>

static cz_str_list allowed_hosts;

bool cz_host_is_allowed(cz_str host, const cz_str_list *allowed)
{
    cz_str name = cz__host_name(host);
    if (name.len > 1 && name.ptr[name.len - 1] == '.') /* "example.com." is the same host */
        name.len--;
    for (size_t i = 0; i < allowed->count; i++) {
        cz_str entry = allowed->items[i];
        bool domain = entry.len > 1 && entry.ptr[0] == '.';
        if (cz_str_eq(entry, CZ_STR("*")) ||
            cz_str_eq_icase(domain ? cz_str_tail(entry, 1) : entry, name))
            return true;
        if (domain && name.len > entry.len &&
            cz_str_eq_icase(cz_str_tail(name, name.len - entry.len), entry))
            return true;
    }
    return false;
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    if (!cz_host_is_allowed(req->host, &allowed_hosts)) {
        cz_error err;
        cz_ignore(
            cz_error_set(&err, CZ_EPROTOCOL,
                         "Host \"%.*s\" is not served here; ALLOWED_HOSTS names those that are.",
                         CZ_STR_ARG(cz_str_head(req->host, 100))));
        memcpy(err.code, "disallowed_host", sizeof "disallowed_host");
        cz_raise_error(ctx, &err);
    }
    cz_next_call(ctx, req, next);
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    static const cz_str local[] = { { "localhost", 9 },
                                    { "127.0.0.1", 9 },
                                    { "[::1]", 5 },
                                    { ".localhost", 10 },
                                    { "testserver", 10 } };
    allowed_hosts = cz_setting_list(settings, "ALLOWED_HOSTS");
    if (allowed_hosts.count)
        return CZ_OK;
    if (cz_settings_env(settings) == CZ_ENV_PRODUCTION ||
        cz_settings_env(settings) == CZ_ENV_STAGING)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "ALLOWED_HOSTS: required list is empty; name the hosts this site answers to");
    allowed_hosts = (cz_str_list){ local, CZ_COUNT(local) };
    return CZ_OK;
}

const cz_middleware cz_host_check = { "host_check", process, configure };
