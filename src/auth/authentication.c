/* Who calls: the schemes, asked in order before anything further in. */
#include <calzone/authentication.h>
#include <calzone/base64.h>
#include "auth/auth_internal.h"
#include "base/mapped.h"
#include "routing/errors.h"

static bool client_tokens_asked; /* a list of the project's has them; written at start-up alone */

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

/* How a scheme's credentials look, as far as its challenge tells: "Bearer TOKEN". */
static cz_str form_of(cz_ctx *ctx, const cz_authentication_scheme *scheme)
{
    cz_str rest = cz_str_from(scheme->challenge), word = cz_str_cut(&rest, ' ');
    const char *what = scheme == &cz_client_tokens               ? "BASE64(CLIENT:TOKEN)"
                       : cz_str_eq_icase(word, CZ_STR("Basic"))  ? "BASE64(NAME:PASSWORD)"
                       : cz_str_eq_icase(word, CZ_STR("Bearer")) ? "TOKEN"
                                                                 : "...";
    return cz_format(ctx, "%.*s %s", CZ_STR_ARG(word), what);
}

/* Who sends credentials means to be known: to go on as nobody would hide why, and show a public page as if they were good. */
void cz__credentials_require_read(cz_ctx *ctx, const cz_request *req)
{
    if (!req->unread)
        return;
    const cz_authentication_scheme *const *schemes = req->unread->schemes;
    cz_str forms = form_of(ctx, schemes[0]);
    for (size_t i = 1; schemes[i]; i++)
        forms =
            cz_format(ctx, "%.*s or %.*s", CZ_STR_ARG(forms), CZ_STR_ARG(form_of(ctx, schemes[i])));
    cz_raise(ctx, CZ_EUNAUTHENTICATED,
             "Credentials of this form are not read here. Send Authorization: %.*s.",
             CZ_STR_ARG(forms));
}

static void ask(cz_ctx *ctx, void *arg)
{
    const struct asking *asking = arg;
    const cz_authentication_scheme *const *schemes = asking->authentication->schemes;
    bool known = false;
    for (size_t i = 0; schemes[i] && !known; i++)
        known = schemes[i]->authenticate(ctx, asking->req, schemes[i]);
    cz_str sent = cz_str_trim(cz_request_header(asking->req, CZ_STR("Authorization")));
    asking->req->unread = !known && sent.len ? asking->authentication : NULL;
}

static bool changes_nothing(const cz_request *req)
{
    return req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD;
}

static void require_read(cz_ctx *ctx, void *arg)
{
    cz__credentials_require_read(ctx, arg);
}

/* The handler asked for no permission and did not look: its answer is as if nobody had been meant to be known. */
static void refuse_answer(cz_ctx *ctx, cz_request *req)
{
    cz_error err;
    if (cz_try(ctx, require_read, req, &err))
        cz__answer_error(ctx, req, &err);
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
    if (req->unread == asking.authentication && changes_nothing(req) && req->response.status < 400)
        refuse_answer(ctx, req);
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
    for (size_t i = 0; schemes[i]; i++)
        client_tokens_asked |= schemes[i] == &cz_client_tokens;
    return CZ_OK;
}

bool cz__client_tokens_asked(void)
{
    return client_tokens_asked;
}

const char *cz__authentication_warning(void)
{
    return client_tokens_asked && !cz__client_tokens_count()
               ? "CLIENT_TOKENS is not set, so cz_client_tokens knows no service; "
                 "CLIENT_TOKENS=NAME:TOKEN names one, and `openssl rand -hex 32` prints a token"
               : NULL;
}

/* ---- the header ---- */

cz_str cz_authorization(const cz_request *req, const char *scheme)
{
    cz_str rest = cz_str_trim(cz_request_header(req, CZ_STR("Authorization")));
    cz_str name = cz_str_cut(&rest, ' ');
    ((cz_request *)(uintptr_t)req)->unread =
        NULL; /* a note beside the request, no part of what was sent */
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
