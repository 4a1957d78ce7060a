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

void cz__apart_run(struct cz__apart *apart, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz_ctx *ctx = apart->ctx;
    cz_assert(apart->arena);
    clear(apart);
    cz_arena_reset(apart->arena);
    cz_arena *arena = ctx->arena;
    struct cz__defer *defers = ctx->defers;
    cz_error err;
    cz_arena *outer = ctx->db->outer; /* of a part inside a part */
    ctx->db->outer = outer ? outer : arena;
    ctx->arena = apart->arena;
    ctx->defers = NULL;
    cz_status status = cz_try(ctx, fn, arg, &err);
    apart->defers = ctx->defers;
    ctx->defers = defers;
    ctx->arena = arena;
    ctx->db->outer = outer;
    if (status)
        cz_raise_error(ctx, &err);
}
