/* calzone/context.h: what a request, a task, a command, a migration and a test each carry.
 *
 * A cz_ctx holds the arena, the deadline, cancellation, the error boundary and the database session of
 * one unit of work. Whatever may raise, suspend or query takes one. It is used by one fiber at a time.
 *
 * Raising: code may end its work with cz_raise(), which jumps to the nearest boundary. The boundary runs
 * the clean-ups registered since it was entered, newest first, and receives the error. The outermost
 * boundary is the request (it answers), the task (it retries) or the command (it prints); cz_try() and
 * cz_atomic() (transactions.h) are nested ones. PostgreSQL's ereport() and resource owners are the model.
 *
 * Nothing raises through a foreign frame: around a callback from a C library stand cz_foreign_enter()
 * and cz_foreign_leave(), and a raise or a suspension between them is an assertion.
 * `__attribute__((cleanup))` does not run on a raise: register with cz_defer() instead.
 */
#ifndef CALZONE_CONTEXT_H
#define CALZONE_CONTEXT_H

#include <calzone/memory.h>
#include <calzone/status.h>
#include <calzone/str.h>
#include <setjmp.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_ctx cz_ctx;
struct cz__fiber;
struct cz__db_session;
struct cz_map;

struct cz__boundary { /* private */
    jmp_buf env;
    struct cz__boundary *outer;
    struct cz__defer *defers;
    unsigned foreign;
};

struct cz_ctx {
    cz_arena *arena;     /* borrowed; what the unit of work allocates, gone when it ends */
    int64_t deadline_us; /* cz_monotonic_us() after which waiting gives CZ_ETIMEDOUT; 0: none */
    cz_str request_id;   /* stands in every log line; empty outside requests */
    const char *label;   /* static or in the arena: the route, task or command; may be NULL */
    cz_str actor; /* who it acts for, for fields with .auto_actor; empty: nobody. cz_set_actor() */

    /* private */
    struct cz__boundary *boundary;
    struct cz__defer *defers;
    struct cz__fiber *fiber;   /* the fiber it runs on; NULL outside fibers */
    struct cz__db_session *db; /* transactions and routing, made by the first query */
    void *request;             /* the cz_request it belongs to; NULL elsewhere */
    cz_status cancelled;       /* CZ_OK, or why every further wait fails */
    int64_t write_hold_us; /* a write transaction is open: cz_monotonic_us() after which waiting for
                                  anything but its database gives CZ_ETIMEDOUT; negative: waiting gives
                                  CZ_EINVAL at once; 0: none is open */
    unsigned foreign;      /* depth of foreign callbacks: no raise, no suspension */
    struct cz__apart *part; /* the part of the work that runs with `arena` for itself; NULL: none */
    cz_arena *home;         /* the arena of the whole then; NULL: `arena` is */
    const char *file; /* where the change was asked for that is about to run, see cz__from() */
    int line;
    struct cz_map *once; /* what cz_once() (cache.h) has computed; NULL: nothing yet */
    cz_error error;      /* the error being raised */
};

/* Begin and end a context. `arena` is borrowed. cz_ctx_done() runs the clean-ups that are left, newest
 * first; it neither resets nor destroys the arena. Context: any thread. */
void cz_ctx_init(cz_ctx *ctx, cz_arena *arena);
void cz_ctx_done(cz_ctx *ctx);

/* Raise `status` with a printf-style message for the client (cut at 255 bytes). Never returns.
 * The message is shown to clients for 4xx statuses and kept to the log for 5xx. */
#define cz_raise(ctx, status, ...) cz__raise((ctx), __FILE__, __LINE__, (status), __VA_ARGS__)
CZ_NORETURN void cz__raise(cz_ctx *ctx, const char *file, int line, cz_status status,
                           const char *format, ...) CZ_PRINTF(5, 6);
/* Raise an error as it is, but for the place where it was raised, when it has none; its status must not be CZ_OK. */
#define cz_raise_error(ctx, err) cz__raise_error((ctx), (err), __FILE__, __LINE__)
CZ_NORETURN void cz__raise_error(cz_ctx *ctx, const cz_error *err, const char *file, int line);
/* Raise when `call` fails; its value is discarded. */
#define cz_check(ctx, call)                                                                        \
    do {                                                                                           \
        cz_status cz__check_status = (call);                                                       \
        if (__builtin_expect(cz__check_status != CZ_OK, 0))                                        \
            cz__raise((ctx), __FILE__, __LINE__, cz__check_status, "%s",                           \
                      cz_status_text(cz__check_status));                                           \
    } while (0)

/* Note the place a call is written at, for the error of what it asks the database. */
static inline cz_ctx *cz__from(cz_ctx *ctx, const char *file, int line)
{
    ctx->file = file;
    ctx->line = line;
    return ctx;
}
#define CZ__FROM(ctx) cz__from((ctx), __FILE__, __LINE__)

/* Call `fn(ctx, arg)` inside a boundary of its own.
 * Returns CZ_OK when it returned, and the status raised otherwise, with the error in `err` (may be NULL).
 * Clean-ups registered inside run at once, newest first, on a raise; on success they pass to the
 * enclosing scope, as its memory does. A cancellation is caught like any other error, but every
 * later wait raises it again. Context: where `ctx` may be used. */
CZ_NODISCARD cz_status cz_try(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg,
                              cz_error *err);

/* Call `fn(arg)` when the current scope ends by a raise, or when the unit of work ends. `fn` may not
 * raise. Raises: CZ_ENOMEM, after having called `fn(arg)`, so the resource is never lost. */
void cz_defer(cz_ctx *ctx, void (*fn)(void *arg), void *arg);

/* An empty buffer, given back when the current scope ends by a raise, or when the unit of work ends. Raises: CZ_ENOMEM. */
struct cz_buf *cz_scratch(cz_ctx *ctx);

/* Mark a callback from a foreign library: between the two nothing may raise or suspend. */
static inline void cz_foreign_enter(cz_ctx *ctx)
{
    ctx->foreign++;
}
static inline void cz_foreign_leave(cz_ctx *ctx)
{
    cz_assert(ctx->foreign > 0);
    ctx->foreign--;
}

/* The arena of what outlives a part. */
static inline cz_arena *cz__home(const cz_ctx *ctx)
{
    return ctx->home ? ctx->home : ctx->arena;
}

/* Memory that lives as long as the unit of work. Raises: CZ_ENOMEM. */
void *cz_alloc(cz_ctx *ctx, size_t bytes) __attribute__((malloc, returns_nonnull, alloc_size(2)));
void *cz_alloc_zero(cz_ctx *ctx, size_t count, size_t bytes) __attribute__((returns_nonnull));
#define cz_new(ctx, type) ((type *)cz_alloc_zero((ctx), 1, sizeof(type)))
#define cz_array(ctx, type, count) ((type *)cz_alloc_zero((ctx), (count), sizeof(type)))
/* A copy with a NUL after it. Raises: CZ_ENOMEM. */
cz_str cz_copy(cz_ctx *ctx, cz_str s);
/* A formatted string with a NUL after it. Raises: CZ_ENOMEM. */
cz_str cz_format(cz_ctx *ctx, const char *format, ...) CZ_PRINTF(2, 3);

/* Who the unit of work acts for: what rows it makes and changes keep in fields with .auto_actor, such as "user:7".
 * Copied. Raises: CZ_EINVAL: more than CZ_ACTOR_BYTES_MAX bytes; CZ_ENOMEM. */
enum { CZ_ACTOR_BYTES_MAX = 150 };
void cz_set_actor(cz_ctx *ctx, cz_str actor);

/* Ask a unit of work to end: its next wait, or the one it is in, raises `reason` (CZ_ECANCELED or
 * CZ_ETIMEDOUT). Does not wake it; the runtime does. */
static inline void cz__ctx_cancel(cz_ctx *ctx, cz_status reason)
{
    if (ctx->cancelled == CZ_OK)
        ctx->cancelled = reason;
}

#ifdef __cplusplus
}
#endif
#endif
