/* Work in an arena of its own, on the caller's context: its memory and clean-ups go before the caller's do. */
#include "orm/orm_internal.h"

/* What the last run has left: its clean-ups, newest first, then its memory. */
static void clear(struct cz__apart *apart)
{
    cz_ctx *ctx = apart->ctx;
    struct cz__defer *defers = ctx->defers;
    struct cz__boundary *boundary = ctx->boundary;
    ctx->defers = apart->defers;
    ctx->boundary = NULL; /* a clean-up may not raise */
    cz_ctx_done(ctx);
    ctx->boundary = boundary;
    ctx->defers = defers;
    apart->defers = NULL;
}

void cz__apart_done(struct cz__apart *apart)
{
    if (!apart->arena)
        return;
    clear(apart);
    cz_arena_destroy(apart->arena);
    apart->arena = NULL;
}

static void done(void *arg)
{
    cz__apart_done(arg);
}

struct cz__apart *cz__apart_create(cz_ctx *ctx)
{
    cz_error err;
    if (cz__db_sessions_make(ctx, &err)) /* in the caller's arena, not in the other */
        cz_raise_error(ctx, &err);
    struct cz__apart *apart = cz_new(ctx, struct cz__apart);
    apart->ctx = ctx;
    cz_check(ctx, cz_arena_create(NULL, 0, &apart->arena));
    cz_defer(ctx, done, apart);
    return apart;
}

void cz__apart_go_on(struct cz__apart *apart, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz_ctx *ctx = apart->ctx;
    cz_arena *arena = ctx->arena, *home = ctx->home;
    struct cz__defer *defers = ctx->defers;
    struct cz__apart *part = ctx->part;
    cz_error err;
    ctx->arena = apart->arena;
    ctx->defers = apart->defers;
    ctx->home = home ? home : arena;
    ctx->part = apart;
    cz_status status = cz_try(ctx, fn, arg, &err);
    apart->defers = ctx->defers;
    ctx->part = part;
    ctx->home = home;
    ctx->defers = defers;
    ctx->arena = arena;
    if (status)
        cz_raise_error(ctx, &err);
}

void cz__apart_run(struct cz__apart *apart, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz_assert(apart->arena);
    clear(apart);
    cz_arena_reset(apart->arena);
    cz__apart_go_on(apart, fn, arg);
}

struct cz__apart *cz__apart_of(const cz_ctx *ctx, const struct cz__result *result)
{
    struct cz__apart *part = result ? result->part : NULL;
    return part && part->ctx == ctx && ctx->part != part ? part : NULL;
}
