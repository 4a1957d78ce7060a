/* Transactions on the write connection.
 *
 * The outermost block takes the write connection and BEGIN IMMEDIATE at once, unless the session says that it is
 * lazy or only reads; from then on its reads run there, too. Nested ones are savepoints named by their depth.
 *
 * The connection has no busy handler: BEGIN IMMEDIATE is tried again after a sleep of the fiber, outside SQLite,
 * until the busy time is over; once it has begun no statement can meet another's lock.
 *
 * A commit waits for the disk. Where that has lately taken longer than handing it to a thread of the pool costs the
 * loop's other requests nothing, it is handed over, and so is every checkpoint; nobody else has the connection
 * meanwhile. bench/writes.c measures it. */
#include "db/sqlite/sqlite_internal.h"
#include <stdio.h>

enum { RETRY_MS_MAX = 20, COMMIT_INLINE_US_MAX = 300, CHECKPOINT_FRAMES = 1000 };

static const cz__db_statement immediate = { .sql = { "BEGIN IMMEDIATE", 15 }, .number = 0 };
static const cz__db_statement deferred = { .sql = { "BEGIN", 5 }, .number = 3 };
static const cz__db_statement commit_statement = { .sql = { "COMMIT", 6 }, .number = 1 };
static const cz__db_statement rollback_statement = { .sql = { "ROLLBACK", 8 }, .number = 2 };

static int64_t give_up_at(const struct cz__sqlite *db)
{
    return cz_monotonic_us() + db->busy_timeout_ms * 1000;
}

/* ---- one transaction ---- */

/* Sleep between two tries for the lock another process holds. */
static cz_status sleep_before_retry(cz_ctx *ctx, int tries)
{
    return cz__db_sleep(ctx, tries < 5 ? 1 : tries < 20 ? 5 : RETRY_MS_MAX);
}

cz_status cz__sqlite_begin_write(cz_ctx *ctx, struct cz__sqlite *db, int64_t give_up_us,
                                 cz_error *err)
{
    for (int tries = 0;; tries++) {
        cz_status status = cz__sqlite_run_on_write(db, &immediate, err);
        if (status != CZ_EBUSY)
            return status;
        if (cz_monotonic_us() > give_up_us)
            return cz__sqlite_busy(db, err);
        status = sleep_before_retry(ctx, tries);
        if (status)
            return cz_error_set(err, status, "gave up waiting for the database's write lock");
    }
}

cz_status cz__sqlite_run_on_write(struct cz__sqlite *db, const cz__db_statement *statement,
                                  cz_error *err)
{
    sqlite3_stmt *prepared = NULL;
    cz_status status = cz__sqlite_prepare(&db->write, statement, &prepared, err);
    if (status)
        return status;
    int code;
    do
        code = sqlite3_step(prepared);
    while (code == SQLITE_ROW);
    if (code != SQLITE_DONE)
        status = cz__sqlite_error(&db->write, code, err);
    cz__sqlite_release(prepared, statement->number == CZ__STATEMENT_UNCACHED);
    return status;
}

void cz__sqlite_undo_write(struct cz__sqlite *db)
{
    /* SQLite rolls back by itself after some errors; then there is nothing to do */
    if (!sqlite3_get_autocommit(db->write.handle))
        cz_ignore(cz__sqlite_run_on_write(db, &rollback_statement, NULL));
}

struct commit {
    struct cz__sqlite *db;
    cz_error *err;
    cz_status status;
    int64_t us;
};

static void commit(void *arg)
{
    struct commit *commit = arg;
    int64_t before_us = cz_monotonic_us();
    commit->status = cz__sqlite_run_on_write(commit->db, &commit_statement, commit->err);
    commit->us = cz_monotonic_us() - before_us;
}

/* Fold the log into the file, as far as readers allow. */
static void checkpoint(void *arg)
{
    struct cz__sqlite *db = arg;
    int frames = 0, folded = 0;
    /* busy: another process does it already */
    cz_ignore(sqlite3_wal_checkpoint_v2(db->write.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames,
                                        &folded));
    db->checkpoint_at = (folded < frames ? db->wal_frames : 0) + CHECKPOINT_FRAMES;
}

/* Call `fn(arg)`, which waits for the disk, on a thread where there is one. */
static void wait_for_disk(cz_ctx *ctx, const struct cz__sqlite *db, bool on_thread,
                          void (*fn)(void *arg), void *arg)
{
    if (!on_thread || !db->loop || db->in_memory || cz__fiber_offload_uncancelled(ctx, fn, arg))
        fn(arg);
}

cz_status cz__sqlite_end_write(cz_ctx *ctx, struct cz__sqlite *db, cz_error *err)
{
    struct commit job = { .db = db, .err = err };
    sqlite3_stmt *prepared;
    /* The next read of this turn is to see what was written. Ended before the commit: a checkpoint cannot
     * pass a reader, and when every write follows a read of its turn the log would grow for ever. */
    cz__sqlite_end_read(db);
    job.status = cz__sqlite_prepare(&db->write, &commit_statement, &prepared, err);
    if (!job.status) {
        wait_for_disk(ctx, db, db->commit_us > COMMIT_INLINE_US_MAX, commit, &job);
        db->commit_us += (job.us - db->commit_us) / 8;
    }
    cz__sqlite_end_read(db); /* reads that began meanwhile do not see it */
    if (job.status)
        cz__sqlite_undo_write(db);
    else if (db->wal_frames >= (db->checkpoint_at ? db->checkpoint_at : CHECKPOINT_FRAMES))
        wait_for_disk(ctx, db, true, checkpoint, db);
    return job.status;
}

int cz__sqlite_note_frames(void *arg, sqlite3 *handle, const char *name, int frames)
{
    (void)handle;
    (void)name;
    ((struct cz__sqlite *)arg)->wal_frames = frames;
    return SQLITE_OK;
}

/* SQLite ends a transaction by itself after some errors (a full disk, RAISE(ROLLBACK) in a trigger). What its
 * fiber does next would be stored alone, statement by statement, so nothing runs until its end. */
cz_status cz__sqlite_check_transaction(const struct cz__sqlite *db, cz_error *err)
{
    if (!sqlite3_get_autocommit(db->write.handle))
        return CZ_OK;
    return cz_error_set(err, CZ_EDATABASE, "the database has rolled this transaction back");
}

cz_status cz__sqlite_run_change(struct cz__sqlite *db, const cz__db_statement *statement,
                                const cz__db_param *params, size_t count, int64_t *out_rows,
                                int64_t *out_last_id, cz_error *err)
{
    sqlite3_stmt *prepared = NULL;
    cz_status status = cz__sqlite_check_transaction(db, err);
    if (status)
        return status;
    status = cz__sqlite_prepare(&db->write, statement, &prepared, err);
    if (status)
        return status;
    status = cz__sqlite_bind_all(&db->write, prepared, params, count, err);
    if (!status) {
        int code = sqlite3_step(prepared);
        if (code != SQLITE_DONE && code != SQLITE_ROW)
            status = cz__sqlite_error(&db->write, code, err);
    }
    cz__sqlite_release(prepared, statement->number == CZ__STATEMENT_UNCACHED);
    if (!status) {
        *out_rows = sqlite3_changes64(db->write.handle);
        *out_last_id = sqlite3_last_insert_rowid(db->write.handle);
    }
    return status;
}

static cz__db_statement savepoint_statement(char *text, size_t bytes, const char *verb,
                                            unsigned depth)
{
    int len = snprintf(text, bytes, "%s cz_%u", verb, depth);
    return (cz__db_statement){ .sql = { text, (size_t)len }, .number = CZ__STATEMENT_UNCACHED };
}

static cz_status run_savepoint(struct cz__sqlite *db, const char *verb, unsigned depth,
                               cz_error *err)
{
    char text[64];
    cz__db_statement statement = savepoint_statement(text, sizeof text, verb, depth);
    return cz__sqlite_run_on_write(db, &statement, err);
}

/* Take the write side for the session's transaction. */
static cz_status take_for(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    int64_t give_up_us = give_up_at(db);
    cz_status status = cz__sqlite_take_turn(ctx, db, give_up_us, err);
    if (status)
        return status;
    status = session->read_only ? cz__sqlite_run_on_write(db, &deferred, err)
                                : cz__sqlite_begin_write(ctx, db, give_up_us, err);
    if (status) {
        cz__sqlite_give_turn(db);
        return status;
    }
    session->writing = true;
    cz__db_hold_write(ctx, session);
    return CZ_OK;
}

cz_status cz__sqlite_refuse_change(cz_error *err)
{
    return cz_error_set(err, CZ_EINVAL, "a change in a read-only transaction");
}

/* A lazy transaction is at its first change, or at a block inside it: what a block reads and then writes is to
 * stand still meanwhile. It is the first, so no savepoint is open. */
static cz_status be_writing(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    if (session->read_only)
        return cz__sqlite_refuse_change(err);
    return session->writing ? CZ_OK : take_for(ctx, session, err);
}

/* A transaction for one change, or for one with others. */
static cz_status begin_alone(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    session->read_only = false;
    cz_status status = take_for(ctx, session, err);
    if (!status)
        session->depth = 1;
    return status;
}

static cz_status change_alone(cz_ctx *ctx, cz__db_session *session, struct cz__sqlite_job *job,
                              cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz_status status = begin_alone(ctx, session, err);
    if (status)
        return status;
    status = cz__sqlite_run_change(db, job->statement, job->params, job->count, &job->rows,
                                   &job->last_id, err);
    if (!status)
        return cz__sqlite_commit(ctx, session, err);
    cz__sqlite_rollback(ctx, session);
    return status;
}

cz_status cz__sqlite_change(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                            const cz__db_param *params, size_t count, int64_t *out_rows,
                            int64_t *out_last_id, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    struct cz__sqlite_job job = { .statement = statement, .params = params, .count = count };
    cz_status status;
    if (session->depth) {
        status = be_writing(ctx, session, err);
        if (!status)
            status =
                cz__sqlite_run_change(db, statement, params, count, &job.rows, &job.last_id, err);
    } else if (cz__sqlite_group_ready(db)) {
        status = cz__sqlite_change_in_group(ctx, db, &job, err);
    } else {
        status = change_alone(ctx, session, &job, err);
    }
    if (!status) {
        *out_rows = job.rows;
        *out_last_id = job.last_id;
    }
    return status;
}

/* The outermost block. One that only reads waits for no writer and lets none wait: its reads are those of the
 * turn, or, when all are to see one state, a transaction without the lock on this worker's write connection. */
static cz_status begin_outermost(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    cz_status status = CZ_OK;
    if (session->read_only) {
        if (session->isolation >= CZ_ISOLATION_REPEATABLE_READ)
            status = take_for(ctx, session, err);
    } else if (!session->lazy) {
        status = take_for(ctx, session, err);
    }
    if (!status)
        session->depth = 1;
    return status;
}

cz_status cz__sqlite_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    if (session->depth == 0)
        return begin_outermost(ctx, session, err);
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz_status status = session->read_only ? CZ_OK : be_writing(ctx, session, err);
    if (!status && session->writing) {
        status = cz__sqlite_check_transaction(db, err);
        if (!status)
            status = run_savepoint(db, "SAVEPOINT", session->depth, err);
    }
    if (!status)
        session->depth++;
    return status;
}

cz_status cz__sqlite_commit(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz_assert(session->depth > 0);
    session->depth--;
    if (!session->writing)
        return CZ_OK;
    if (session->depth > 0)
        return run_savepoint(db, "RELEASE", session->depth, err);
    session->writing = false;
    cz__db_release_write(ctx, session);
    cz_status status = cz__sqlite_end_write(ctx, db, err);
    cz__sqlite_give_turn(db);
    return status;
}

void cz__sqlite_rollback(cz_ctx *ctx, cz__db_session *session)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz_assert(session->depth > 0);
    session->depth--;
    if (!session->writing)
        return;
    if (session->depth > 0) {
        if (run_savepoint(db, "ROLLBACK TO", session->depth, NULL) ||
            run_savepoint(db, "RELEASE", session->depth, NULL))
            session->broken = true; /* what it did is still there */
        return;
    }
    session->writing = false;
    cz__db_release_write(ctx, session);
    cz__sqlite_undo_write(db);
    cz__sqlite_give_turn(db);
}

cz_status cz__sqlite_run(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    if (session->depth) {
        cz_status status = be_writing(ctx, session, err);
        if (!status)
            status = cz__sqlite_check_transaction(db, err);
        return status ? status : cz__sqlite_run_on_write(db, &statement, err);
    }
    cz_status status = begin_alone(ctx, session, err);
    if (status)
        return status;
    status = cz__sqlite_run_on_write(db, &statement, err);
    if (status) {
        cz__sqlite_rollback(ctx, session);
        return status;
    }
    return cz__sqlite_commit(ctx, session, err);
}
