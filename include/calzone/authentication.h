/* calzone/authentication.h: who calls.
 *
 *     static const cz_authentication_scheme *const schemes[] = { &cz_client_tokens, &by_token, NULL };
 *     static CZ_AUTHENTICATION(authentication, .schemes = schemes);
 *     static const cz_middleware *const middleware[] = { ..., &authentication.middleware, NULL };
 *
 * is DRF's list of authentication classes: the first scheme whose credentials a request has decides. Good ones set `ctx->actor`; bad
 * ones are 401 whatever the request is for; without any nobody is known. Those that neither a scheme nor the handler reads, by
 * cz_authorization(), are 401 where a permission is asked, and at the end of what changes nothing. What a permission (permissions.h) then denies to nobody is
 * 401 with WWW-Authenticate, and 403 to who is known.
 */
#ifndef CALZONE_AUTHENTICATION_H
#define CALZONE_AUTHENTICATION_H

#include <calzone/middleware.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_authentication_scheme {
    const char *name;
    const char
        *challenge; /* for WWW-Authenticate (RFC 9110, 11.6.1): "Bearer", "Basic realm=\"api\"" */
    /* Whether the request has credentials of this scheme. Of good ones it has called cz_set_actor(); of bad ones it raises
     * CZ_EUNAUTHENTICATED. May query. */
    bool (*authenticate)(cz_ctx *ctx, cz_request *req, const struct cz_authentication_scheme *self);
} cz_authentication_scheme;

typedef struct cz_authentication {
    cz_middleware middleware;
    const cz_authentication_scheme *const
        *schemes; /* ended by NULL; the first names the challenge */
} cz_authentication;
void cz__authentication_process(cz_ctx *ctx, cz_request *req, const cz_next *next);
cz_status cz__authentication_configure(const cz_settings *settings, cz_error *err);
/* Whether a middleware that is a CZ_AUTHENTICATION() has schemes, and NULL after them; others are fine. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__authentication_check(const cz_middleware *middleware, cz_error *err);
/* Raises that credentials of a request are read by nobody, if so. */
void cz__credentials_require_read(cz_ctx *ctx, const cz_request *req);
/* After all were checked: whether one has cz_client_tokens, and what else is to be told of at a start; NULL: nothing. */
bool cz__client_tokens_asked(void);
const char *cz__authentication_warning(void);
#define CZ_AUTHENTICATION(variable, ...)                                                           \
    const cz_authentication variable = { .middleware = { "authentication",                         \
                                                         cz__authentication_process,               \
                                                         cz__authentication_configure },           \
                                         __VA_ARGS__ }

/* What follows a scheme's name, which is compared without case, in the request's one Authorization header: `cz_authorization(req,
 * "Bearer")` is the token. Empty: there is none, or one of another scheme. Lives as long as the request. */
cz_str cz_authorization(const cz_request *req, const char *scheme);
/* The name and password of Basic credentials (RFC 7617), UTF-8 as they came. False: there are none. Raises: CZ_EUNAUTHENTICATED:
 * they are malformed. */
bool cz_authorization_basic(cz_ctx *ctx, const cz_request *req, cz_str *out_name,
                            cz_str *out_password);

/* Services that call, by CLIENT_TOKENS: `Authorization: Bearer BASE64(CLIENT:TOKEN)`; the actor is "client:NAME". Bearer tokens that
 * are not of that form are left to the next scheme, and are 401 when there is none. Compared in constant time. */
extern const cz_authentication_scheme cz_client_tokens;

enum { CZ_CLIENTS_MAX = 64, CZ_CLIENT_TOKENS_MAX = 2, CZ_CLIENT_TOKEN_BYTES_MIN = 16 };

#ifdef __cplusplus
}
#endif
#endif
