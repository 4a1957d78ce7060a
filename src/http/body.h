/* http/body.h: reading a body within the memory that a request has. */
#ifndef CZ_HTTP_BODY_H
#define CZ_HTTP_BODY_H

#include <calzone/context.h>

/* Call `fn(ctx, arg)`, which makes something of a request's body. Where that takes more than the budget of the context's arena, the
 * client has sent too much and sending it again is no use: it raises CZ_ETOOBIG (413) and not CZ_ENOMEM (503). Raises besides
 * what `fn` raises. */
void cz__read_body(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg);

#endif
