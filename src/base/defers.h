/* base/defers.h: ending a part of a unit of work before the whole. */
#ifndef CZ_BASE_DEFERS_H
#define CZ_BASE_DEFERS_H

#include <calzone/context.h>

/* Run the clean-ups registered since `ctx->defers` was `until`, newest first. No cz_try() may have begun in between. */
void cz__defers_run(cz_ctx *ctx, const struct cz__defer *until);

#endif
