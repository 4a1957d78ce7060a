/* Private to src/auth. */
#ifndef CZ_AUTH_JWT_INTERNAL_H
#define CZ_AUTH_JWT_INTERNAL_H

#include <calzone/context.h>
#include <calzone/jwt.h>
#include "base/key_ring.h"

/* The payload of a JWS in compact form (RFC 7515, 7.1) that one of these keys has signed; false: it is none. `*out_why` says what
 * was wrong, static. Raises: CZ_ENOMEM; CZ_EUNSUPPORTED. */
CZ_NODISCARD bool cz__jws_verify(cz_ctx *ctx, const struct cz__key_ring *keys, cz_str token,
                                 cz_str *out_payload, const char **out_why);

#endif
