/* Who calls: the schemes, asked in order before anything further in. */
#include <calzone/authentication.h>
#include <calzone/base64.h>
#include "auth/auth_internal.h"
#include "base/mapped.h"

static const cz_authentication *authentication_of(const cz_next *next)
{
    return (const cz_authentication *)(const void *)cz__next_middleware(next);
}

/* A handler that asks for credentials of its own has said so. */
static void challenge(cz_ctx *ctx, cz_request *req, const cz_authentication *authentication)
{
    if (req->response.status == 401 && !cz_response_header(req, CZ_STR("WWW-Authenticate")).len)
        cz_respond_header_static(ctx, req, CZ_STR("WWW-Authenticate"),
                                 cz_str_from(authentication->schemes[0]->challenge));
}

struct asking {
    cz_request *req;
    const cz_authentication *authentication;
};

static void ask(cz_ctx *ctx, void *arg)
{
    const struct asking *asking = arg;
    const cz_authentication_scheme *const *schemes = asking->authentication->schemes;
    bool known = false;
    for (size_t i = 0; schemes[i] && !known; i++)
        known = schemes[i]->authenticate(ctx, asking->req, schemes[i]);
}

void cz__authentication_process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct asking asking = { req, authentication_of(next) };
    cz_error err;
    req->authenticates = true;
    if (cz_try(ctx, ask, &asking, &err)) {
        if (err.status == CZ_EUNAUTHENTICATED)
            cz_respond_header_static(ctx, req, CZ_STR("WWW-Authenticate"),
                                     cz_str_from(asking.authentication->schemes[0]->challenge));
        cz_raise_error(ctx, &err);
    }
    cz_next_call(ctx, req, next);
    challenge(ctx, req, asking.authentication);
}

cz_status cz__authentication_configure(const cz_settings *settings, cz_error *err)
{
    return cz__client_tokens_read(cz_setting_str(settings, "CLIENT_TOKENS"), err);
}

static bool is_scheme(const cz_authentication_scheme *scheme)
{
    union {
        bool (*function)(cz_ctx *, cz_request *, const cz_authentication_scheme *);
        const void *address;
    } authenticate;
    if (!cz__mapped(scheme, sizeof *scheme))
        return false;
    authenticate.function = scheme->authenticate;
    return cz__mapped(authenticate.address, 1) && cz__mapped(scheme->challenge, 1);
}

cz_status cz__authentication_check(const cz_middleware *middleware, cz_error *err)
{
    if (middleware->process != cz__authentication_process)
        return CZ_OK;
    const cz_authentication_scheme *const *schemes =
        ((const cz_authentication *)(const void *)middleware)->schemes;
    if (!schemes || !schemes[0])
        return cz_error_set(err, CZ_EVALIDATION, "CZ_AUTHENTICATION() without schemes");
    for (size_t i = 0; schemes[i]; i++)
        if (!is_scheme(schemes[i]))
            return cz_error_set(
                err, CZ_EVALIDATION,
                "scheme %zu of a CZ_AUTHENTICATION() lacks its function or its challenge, or the "
                "list has no NULL at its end",
                i + 1);
    return CZ_OK;
}

/* ---- the header ---- */

cz_str cz_authorization(const cz_request *req, const char *scheme)
{
    cz_str rest = cz_str_trim(cz_request_header(req, CZ_STR("Authorization")));
    cz_str name = cz_str_cut(&rest, ' ');
    return cz_str_eq_icase(name, cz_str_from(scheme)) ? cz_str_trim(rest) : CZ_STR("");
}

bool cz_authorization_basic(cz_ctx *ctx, const cz_request *req, cz_str *out_name,
                            cz_str *out_password)
{
    cz_str encoded = cz_authorization(req, "Basic");
    cz_bytes bytes;
    if (!encoded.len)
        return false;
    if (cz_base64_read(ctx->arena, encoded, &bytes))
        cz_raise(ctx, CZ_EUNAUTHENTICATED,
                 "Invalid basic header. Credentials not correctly base64 encoded.");
    cz_str text = cz_str_of(bytes.ptr, bytes.len);
    size_t colon = cz_str_find_char(text, ':');
    if (colon == SIZE_MAX || !cz_str_is_utf8(text))
        cz_raise(ctx, CZ_EUNAUTHENTICATED,
                 "Invalid basic header. Credentials not correctly base64 encoded.");
    *out_name = cz_str_head(text, colon);
    *out_password = cz_str_tail(text, colon + 1);
    return true;
}
