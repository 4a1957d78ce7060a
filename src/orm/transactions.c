/* Atomic blocks.
 *
 * A block's record is on the stack of the call that opened it, linked from the session. Its cz_on_commit()
 * calls are a list in the arena that joins the outer block's when the block ends well, so a rollback drops
 * exactly those of the block and of the blocks that ended inside it. */
#include "orm/orm_internal.h"
#include <calzone/log.h>
#include "runtime/fiber.h"

enum { RETRIES_MAX = 100, RETRY_MS_MIN = 10, RETRY_MS_MAX = 1000, AFTER_COMMIT_MS = 5000 };

struct hook { /* a cz_on_commit() call */
    struct hook *next;
    void (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
};

struct cz__block {
    struct cz__block *outer;
    uint32_t number;
    struct hook *hooks, **hooks_end;
    bool asked; /* cz_set_rollback() marked it, so it ends without a raise */
};

/* ---- what was rolled back ---- */

/* Numbers of blocks that were rolled back, those inside them included. */
struct cz__undone {
    struct cz__undone *next;
    uint32_t from, to;
};

static uint32_t last_block; /* of the process; contexts take turns */

static void undo(cz__db_session *session, const struct cz__block *block)
{
    while (session->undone && session->undone->from >= block->number)
        session->undone = session->undone->next;
    struct cz__undone *undone = cz_arena_new(session->arena, struct cz__undone);
    if (!undone)
        return; /* the rows are then taken for stored, as they were before */
    *undone = (struct cz__undone){ session->undone, block->number, last_block };
    session->undone = undone;
}

bool cz__is_undone(const cz__db_session *session, uint32_t block)
{
    for (const struct cz__undone *u = session->undone; u && block; u = u->next)
        if (block >= u->from && block <= u->to)
            return true;
    return false;
}

uint32_t cz__block_number(const cz__db_session *session)
{
    return session->block ? session->block->number : 0;
}

void cz__row_is_stored(const cz__db_session *session, cz_row *row, bool created)
{
    row->stored_in = cz__block_number(session);
    if (created)
        row->created_in = row->stored_in;
}

void cz__raise_broken(cz_ctx *ctx)
{
    cz_raise(
        ctx, CZ_EDATABASE,
        "this transaction can only be rolled back; no statement runs before its block has ended");
}

/* ---- after the commit ---- */

/* Also for a client that has gone: what follows a commit belongs to it. */
static void run_hooks(cz_ctx *ctx, const struct hook *hook)
{
    if (!hook)
        return;
    cz_status cancelled = ctx->cancelled;
    int64_t deadline_us = ctx->deadline_us;
    int64_t soonest_us = cz_monotonic_us() + AFTER_COMMIT_MS * 1000;
    ctx->cancelled = CZ_OK;
    if (deadline_us && deadline_us < soonest_us)
        ctx->deadline_us = soonest_us;
    for (; hook; hook = hook->next) {
        cz_error err;
        if (cz_try(ctx, hook->fn, hook->arg, &err))
            cz_log_error(ctx, "calzone.db", cz_error_message(&err),
                         CZ_FIELD_STR("error", cz_str_from(cz_status_name(err.status))),
                         CZ_FIELD_STR("state", CZ_STR("after a commit")),
                         CZ_FIELD_STR("file", cz_str_from(err.file ? err.file : "")),
                         CZ_FIELD_INT("line", err.line));
    }
    if (!ctx->cancelled)
        ctx->cancelled = cancelled;
    ctx->deadline_us = deadline_us;
}

/* The session of a database by its alias, NULL for what names none; NULL when nothing has used it yet. */
static cz__db_session *used_session(const cz_ctx *ctx, const cz__database *database)
{
    if (database)
        return cz__db_session_find(ctx, database);
    return ctx->db && ctx->db->home ? ctx->db->home : ctx->db;
}

static void on_commit(cz_ctx *ctx, const cz__database *database, void (*fn)(cz_ctx *ctx, void *arg),
                      void *arg)
{
    const cz__db_session *session = used_session(ctx, database);
    struct cz__block *block = session ? session->block : NULL;
    if (!block) {
        fn(ctx, arg);
        return;
    }
    struct hook *hook = cz_arena_new(cz__home(ctx), struct hook); /* a part ends before its block */
    cz_check(ctx, hook ? CZ_OK : CZ_ENOMEM);
    *hook = (struct hook){ .fn = fn, .arg = arg };
    *block->hooks_end = hook;
    block->hooks_end = &hook->next;
}

void cz_on_commit(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    on_commit(ctx, NULL, fn, arg);
}

void cz_on_commit_on(cz_ctx *ctx, const char *database, void (*fn)(cz_ctx *ctx, void *arg),
                     void *arg)
{
    on_commit(ctx, cz__database_named(ctx, database), fn, arg);
}

/* A block that ends well gives its calls to the one around it, so one that is still listed runs if what is done now is
 * committed. */
void cz__on_commit_once(cz_ctx *ctx, const char *alias, void (*fn)(cz_ctx *ctx, void *arg),
                        void *arg)
{
    const cz__database *database = cz__database_named(ctx, alias);
    const cz__db_session *session = used_session(ctx, database);
    const struct cz__block *block = session ? session->block : NULL;
    for (; block; block = block->outer)
        for (const struct hook *hook = block->hooks; hook; hook = hook->next)
            if (hook->fn == fn && hook->arg == arg)
                return;
    on_commit(ctx, database, fn, arg);
}

/* ---- marks ---- */

static bool is_open(const cz__db_session *session)
{
    return session && session->block;
}

static void set_rollback(cz_ctx *ctx, cz__db_session *session, bool rollback)
{
    if (!is_open(session))
        cz_raise(ctx, CZ_EINVAL, "cz_set_rollback() outside any cz_atomic()");
    session->broken = rollback;
    session->block->asked = rollback;
}

bool cz_in_atomic(const cz_ctx *ctx)
{
    return is_open(used_session(ctx, NULL));
}

bool cz_in_atomic_on(cz_ctx *ctx, const char *database)
{
    return is_open(used_session(ctx, cz__database_named(ctx, database)));
}

void cz_set_rollback(cz_ctx *ctx, bool rollback)
{
    set_rollback(ctx, used_session(ctx, NULL), rollback);
}

void cz_set_rollback_on(cz_ctx *ctx, const char *database, bool rollback)
{
    set_rollback(ctx, used_session(ctx, cz__database_named(ctx, database)), rollback);
}

bool cz_get_rollback(const cz_ctx *ctx)
{
    const cz__db_session *session = used_session(ctx, NULL);
    return is_open(session) && session->broken;
}

bool cz_get_rollback_on(cz_ctx *ctx, const char *database)
{
    const cz__db_session *session = used_session(ctx, cz__database_named(ctx, database));
    return is_open(session) && session->broken;
}

/* ---- blocks ---- */

/* The options are those of one transaction. */
static void leave(cz__db_session *session, struct cz__block *block)
{
    session->block = block->outer;
    if (block->outer)
        return;
    session->isolation = CZ_ISOLATION_DEFAULT;
    session->read_only = session->lazy = false;
}

/* Undo the innermost block. Its mark goes with it, unless the driver could not and leaves one for the next. */
static void roll_back(cz_ctx *ctx, cz__db_session *session, struct cz__block *block)
{
    session->broken = false;
    session->db->driver->rollback(ctx, session);
    undo(session, block);
    cz__watch_change(ctx, NULL);
    leave(session, block);
}

static void commit(cz_ctx *ctx, cz__db_session *session, struct cz__block *block)
{
    cz_error err;
    cz_status status = session->db->driver->commit(ctx, session, &err);
    leave(session, block);
    if (status) {
        session->broken = block->outer != NULL; /* what this block did may still be there */
        undo(session, block);
        cz_raise_error(ctx, &err);
    }
    if (!block->outer) {
        run_hooks(ctx, block->hooks);
    } else if (block->hooks) {
        *block->outer->hooks_end = block->hooks;
        block->outer->hooks_end = block->hooks_end;
    }
}

static void run_block(cz_ctx *ctx, cz__db_session *session, void (*fn)(cz_ctx *ctx, void *arg),
                      void *arg)
{
    struct cz__block block = { .outer = session->block, .number = ++last_block };
    cz_error err;
    block.hooks_end = &block.hooks;
    if (session->db->driver->begin(ctx, session, &err)) {
        leave(session, &block);
        cz_raise_error(ctx, &err);
    }
    session->block = &block;
    unsigned depth = session->depth;
    cz_status status = cz_try(ctx, fn, arg, &err);
    cz_assert(session->depth == depth && session->block == &block);
    if (!status && !session->broken) {
        commit(ctx, session, &block);
        return;
    }
    roll_back(ctx, session, &block);
    if (!status && !block.asked)
        status =
            cz_error_set(&err, CZ_EDATABASE,
                         "a savepoint inside this transaction could not be ended, so all of it was "
                         "rolled back");
    if (status)
        cz_raise_error(ctx, &err);
}

void cz__atomic_in(cz_ctx *ctx, cz__db_session *session, void (*fn)(cz_ctx *ctx, void *arg),
                   void *arg)
{
    run_block(ctx, session, fn, arg);
}

void cz_atomic(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    run_block(ctx, cz__session(ctx), fn, arg);
}

/* The session of a database by its alias, for a block. */
static cz__db_session *block_session(cz_ctx *ctx, cz__database *database)
{
    cz__db_session *session = NULL;
    cz_error err;
    if (!database)
        return cz__session(ctx);
    if (cz__db_session_on(ctx, database, &session, &err))
        cz_raise_error(ctx, &err);
    if (session->broken)
        cz__raise_broken(ctx);
    return session;
}

void cz__atomic_lazily(cz_ctx *ctx, cz__database *database, void (*fn)(cz_ctx *ctx, void *arg),
                       void *arg)
{
    cz__db_session *session = block_session(ctx, database);
    if (session->block) {
        fn(ctx, arg);
        return;
    }
    session->lazy = true;
    run_block(ctx, session, fn, arg);
}

/* ---- with options ---- */

struct attempt {
    cz__db_session *session;
    void (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
    bool begun;
};

static void call_begun(cz_ctx *ctx, void *arg)
{
    struct attempt *attempt = arg;
    attempt->begun = true;
    attempt->fn(ctx, attempt->arg);
}

static void run_attempt(cz_ctx *ctx, void *arg)
{
    struct attempt *attempt = arg;
    attempt->begun = false;
    run_block(ctx, attempt->session, call_begun, attempt);
}

/* An EBUSY from inside `fn` may be anybody's, a full queue's for one. */
static bool may_retry(cz_status status, const struct attempt *attempt)
{
    return status == CZ_ESERIALIZATION || (status == CZ_EBUSY && !attempt->begun);
}

static void pause_before_retry(cz_ctx *ctx, unsigned tries)
{
    uint64_t ms = tries < 7 ? (uint64_t)RETRY_MS_MIN << tries : RETRY_MS_MAX;
    cz_status status = cz__fiber_sleep(ctx, ms - cz_random_u64() % (ms / 2 + 1));
    if (status)
        cz_raise(ctx, status, "gave up trying a transaction again");
}

static void check_options(cz_ctx *ctx, const cz__db_session *session,
                          const cz_atomic_options *options)
{
    if (options->retries > RETRIES_MAX)
        cz_raise(ctx, CZ_EINVAL, "a transaction is tried again at most %d times, not %u",
                 RETRIES_MAX, options->retries);
    if (!session->block)
        return;
    if (options->durable)
        cz_raise(ctx, CZ_EINVAL, "a durable transaction cannot stand inside another");
    if (options->isolation && options->isolation != session->isolation)
        cz_raise(ctx, CZ_EINVAL, "the isolation is that of the outermost transaction");
    if (options->read_only && !session->read_only)
        cz_raise(ctx, CZ_EINVAL, "a read-only transaction cannot stand inside one that writes");
}

void cz_atomic_with(cz_ctx *ctx, const cz_atomic_options *options,
                    void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz__database *database = options->database ? cz__database_named(ctx, options->database) : NULL;
    struct attempt attempt = { .session = block_session(ctx, database), .fn = fn, .arg = arg };
    check_options(ctx, attempt.session, options);
    bool outermost = !attempt.session->block;
    unsigned retries = outermost ? options->retries : 0;
    for (unsigned tries = 0;; tries++) {
        cz_error err;
        if (outermost) {
            attempt.session->isolation = options->isolation;
            attempt.session->read_only = options->read_only;
        }
        cz_status status = cz_try(ctx, run_attempt, &attempt, &err);
        if (!status)
            return;
        if (tries >= retries || !may_retry(status, &attempt))
            cz_raise_error(ctx, &err);
        pause_before_retry(ctx, tries);
    }
}
