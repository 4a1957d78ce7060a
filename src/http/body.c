#include "http/body.h"
#include <calzone/memory.h>

void cz__read_body(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz_error err;
    cz_status status = cz_try(ctx, fn, arg, &err);
    if (status == CZ_ENOMEM && cz__arena_is_spent(ctx->arena))
        cz_raise(ctx, CZ_ETOOBIG, "Reading this body takes more memory than one request has.");
    if (status)
        cz_raise_error(ctx, &err);
}
