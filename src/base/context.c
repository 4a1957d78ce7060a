#include "base/unset.h"
#include "base/defers.h"
#include <calzone/buf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cz__defer {
    struct cz__defer *next;
    void (*fn)(void *arg);
    void *arg;
};

void cz_ctx_init(cz_ctx *ctx, cz_arena *arena)
{
    memset(ctx, 0, offsetof(cz_ctx, error)); /* the error is written before it is read */
    ctx->error.status = CZ_OK;
    ctx->arena = arena;
}

/* Clean-ups may suspend (a rollback over the network) but not raise: there is no boundary below them
 * that would know what to do. */
void cz__defers_run(cz_ctx *ctx, const struct cz__defer *until)
{
    struct cz__boundary *boundary = ctx->boundary;
    ctx->boundary = NULL;
    while (ctx->defers != until) {
        struct cz__defer *defer = ctx->defers;
        ctx->defers = defer->next;
        defer->fn(defer->arg);
    }
    ctx->boundary = boundary;
}

void cz_ctx_done(cz_ctx *ctx)
{
    cz_assert(!ctx->boundary);
    cz__defers_run(ctx, NULL);
}

static CZ_NORETURN void unwind(cz_ctx *ctx)
{
    cz_assert(ctx->error.status != CZ_OK);
    cz_assert(ctx->foreign == 0 || (ctx->boundary && ctx->foreign == ctx->boundary->foreign));
    cz_assert(ctx->boundary); /* a raise outside every boundary, or from a clean-up */
    longjmp(ctx->boundary->env, 1);
}

void cz__raise(cz_ctx *ctx, const char *file, int line, cz_status status, const char *format, ...)
{
    cz_error *err = &ctx->error;
    va_list args;
    va_start(args, format);
    char message[sizeof err->message]; /* the arguments may point into the old error */
    cz_ignore(vsnprintf(message, sizeof message, format, args)); /* cut is documented */
    va_end(args);
    *err = (cz_error){ .status = status, .file = file, .line = line };
    memcpy(err->message, message, sizeof message);
    unwind(ctx);
}

void cz__raise_error(cz_ctx *ctx, const cz_error *err, const char *file, int line)
{
    if (err != &ctx->error)
        ctx->error = *err;
    if (!ctx->error.file) {
        ctx->error.file = file;
        ctx->error.line = line;
    }
    unwind(ctx);
}

cz_status cz_try(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg, cz_error *err)
{
    struct cz__boundary boundary CZ__UNSET;
    boundary.outer = ctx->boundary;
    boundary.defers = ctx->defers;
    boundary.foreign = ctx->foreign;
    ctx->boundary = &boundary;
    if (_setjmp(boundary.env) == 0) {
        fn(ctx, arg);
        cz_assert(ctx->boundary == &boundary);
        ctx->boundary = boundary.outer;
        return CZ_OK;
    }
    ctx->boundary = boundary.outer;
    cz_error raised = ctx->error; /* a clean-up may overwrite it with a nested cz_try() */
    cz__defers_run(ctx, boundary.defers);
    ctx->error = raised;
    if (err)
        *err = raised;
    return raised.status;
}

void cz_defer(cz_ctx *ctx, void (*fn)(void *arg), void *arg)
{
    struct cz__defer *defer = cz_arena_alloc(ctx->arena, sizeof *defer);
    if (!defer) {
        fn(arg);
        cz_raise(ctx, CZ_ENOMEM, "no memory to register a clean-up");
    }
    *defer = (struct cz__defer){ ctx->defers, fn, arg };
    ctx->defers = defer;
}

static CZ_NORETURN void raise_memory(cz_ctx *ctx)
{
    cz_raise(ctx, CZ_ENOMEM, "out of memory: the request's arena holds %zu of %zu bytes",
             cz_arena_bytes(ctx->arena), cz_arena_budget(ctx->arena));
}

void *cz_alloc(cz_ctx *ctx, size_t bytes)
{
    void *memory = cz_arena_alloc(ctx->arena, bytes);
    if (!memory)
        raise_memory(ctx);
    return memory;
}

void *cz_alloc_zero(cz_ctx *ctx, size_t count, size_t bytes)
{
    void *memory = cz_arena_calloc(ctx->arena, count, bytes);
    if (!memory)
        raise_memory(ctx);
    return memory;
}

cz_str cz_copy(cz_ctx *ctx, cz_str s)
{
    cz_str copy;
    if (cz_str_dup(ctx->arena, s, &copy))
        raise_memory(ctx);
    return copy;
}

cz_str cz_format(cz_ctx *ctx, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    cz_assert(len >= 0); /* a broken format is our own bug */
    char *text = cz_arena_alloc(ctx->arena, (size_t)len + 1);
    if (text)
        cz_ignore(vsnprintf(text, (size_t)len + 1, format, again)); /* measured just above */
    va_end(again);
    va_end(args);
    if (!text)
        raise_memory(ctx);
    return cz_str_of(text, (size_t)len);
}

void cz_set_actor(cz_ctx *ctx, cz_str actor)
{
    if (actor.len > CZ_ACTOR_BYTES_MAX)
        cz_raise(ctx, CZ_EINVAL, "an actor's name has at most %d bytes, not %zu",
                 CZ_ACTOR_BYTES_MAX, actor.len);
    cz_check(ctx, cz_str_dup(cz__home(ctx), actor, &ctx->actor));
}

static void free_buf(void *buf)
{
    cz_buf_done(buf);
}

cz_buf *cz_scratch(cz_ctx *ctx)
{
    cz_buf *buf = cz_new(ctx, cz_buf);
    cz_defer(ctx, free_buf, buf);
    return buf;
}
