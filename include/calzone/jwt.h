/* calzone/jwt.h: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256.
 *
 *     cz_str token = cz_jwt_sign(ctx, &(cz_jwt){ .subject = CZ_STR("7"), .type = CZ_STR("access") }, 300);
 *     ...
 *     cz_jwt jwt;
 *     if (!cz_jwt_verify(ctx, token, CZ_STR("access"), &jwt))
 *         cz_raise(ctx, CZ_EUNAUTHENTICATED, "The token is not valid.");
 *
 * The keys are JWT_KEYS: the first signs, all verify, so a key is changed by putting another before it and taking it out when the
 * last of its tokens is over. In development and tests a start without JWT_KEYS makes one, and its tokens end with it. The algorithm is the key's and never the token's (RFC 8725, 3.1), and a token names its key.
 */
#ifndef CALZONE_JWT_H
#define CALZONE_JWT_H

#include <calzone/context.h>
#include <calzone/json.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CZ_JWT_BYTES_MAX = 8192, CZ_JWT_LEEWAY_S = 30 }; /* between clocks, for `nbf` and `iat` */

typedef struct cz_jwt {
    cz_str subject; /* "sub": whom it is about */
    cz_str
        type; /* "token_type", as djangorestframework-simplejwt calls it: what it is for; empty: none */
    cz_str id;                     /* "jti": random when it is signed with none */
    int64_t issued_at, expires_at; /* seconds of Unix time; set by signing */
    cz_str more;                   /* to sign: further members, `"scope":"read"`; empty: none */
    const cz_json_value *claims;   /* verified: all of them, an object; in the arena */
} cz_jwt;

/* A token that is good for `life_s` seconds. Owns: in the arena. Raises: CZ_EINVAL: JWT_KEYS names no key, or `life_s` is not
 * positive; CZ_EUNSUPPORTED: no libcrypto. */
cz_str cz_jwt_sign(cz_ctx *ctx, const cz_jwt *jwt, int64_t life_s);

/* Whether a token is signed by one of the keys, is in its time and of this type (empty: of none); then `*out` is what it says. False
 * as well for one that names no key, another algorithm, `crit`, or no `exp`, that is malformed anywhere or has over CZ_JWT_BYTES_MAX
 * bytes. Which it was is in the log at level debug. Raises: CZ_ENOMEM; CZ_EUNSUPPORTED. */
CZ_NODISCARD bool cz_jwt_verify(cz_ctx *ctx, cz_str token, cz_str type, cz_jwt *out);

/* Take JWT_KEYS; with none, and `make_one`, a key of this start. Errors: CZ_EVALIDATION. Context: start-up. */
CZ_NODISCARD cz_status cz__jwt_configure(cz_str keys, bool make_one, cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
