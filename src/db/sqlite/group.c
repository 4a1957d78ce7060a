/* Changes outside any block, several in one transaction.
 *
 * A commit waits for the disk, and that costs more than the change itself. So a fiber that changes something
 * outside a block leaves it as a job and sleeps, and a fiber of the driver's own runs all jobs that are there
 * in one transaction, each in a savepoint, and wakes their fibers once it is committed. While one commit is
 * under way the next jobs gather. A job that fails takes no other with it. */
#include "db/sqlite/sqlite_internal.h"

enum { JOBS_MAX = 64 }; /* in a transaction: others wait for it meanwhile */

static const cz__db_statement save = { .sql = { "SAVEPOINT cz_job", 16 }, .number = 4 };
static const cz__db_statement keep = { .sql = { "RELEASE cz_job", 14 }, .number = 5 };
static const cz__db_statement undo = { .sql = { "ROLLBACK TO cz_job", 18 }, .number = 6 };

static void finish(struct cz__sqlite_job *job)
{
    job->done = true;
    cz__fiber_wake(job->fiber);
}

/* A reference to a row that does not exist is found by the commit, where it would fail all of them. */
static bool breaks_reference(struct cz__sqlite *db)
{
    int open = 0, highest;
    return sqlite3_db_status(db->write.handle, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &highest, 0) ==
               SQLITE_OK &&
           open != 0;
}

static void run_in_savepoint(struct cz__sqlite *db, struct cz__sqlite_job *job)
{
    job->status = cz__sqlite_run_on_write(db, &save, &job->err);
    if (job->status)
        return;
    job->status = cz__sqlite_run_change(db, job->statement, job->params, job->count, &job->rows,
                                        &job->last_id, &job->err);
    if (!job->status && breaks_reference(db))
        job->status = cz__sqlite_error(&db->write, SQLITE_CONSTRAINT_FOREIGNKEY, &job->err);
    if (sqlite3_get_autocommit(db->write.handle))
        return; /* SQLite has rolled back all of it */
    if (job->status)
        cz_ignore(cz__sqlite_run_on_write(db, &undo, NULL)); /* the commit tells */
    cz_status status = cz__sqlite_run_on_write(db, &keep, &job->err);
    if (!job->status)
        job->status = status;
}

/* Commit when something was changed. */
static cz_status end_together(cz_ctx *ctx, struct cz__sqlite *db, const struct cz__sqlite_job *jobs,
                              cz_error *err)
{
    bool changed = false;
    for (; jobs; jobs = jobs->next)
        changed |= jobs->status == CZ_OK;
    if (changed)
        return cz__sqlite_end_write(ctx, db, err);
    cz__sqlite_undo_write(db);
    return CZ_OK;
}

/* In the transaction that is open. False: all of it was lost, and each is to be run alone; but `*out_culprit`,
 * which has its error, is not. */
static bool run_together(cz_ctx *ctx, struct cz__sqlite *db, struct cz__sqlite_job *jobs,
                         struct cz__sqlite_job **out_culprit)
{
    for (struct cz__sqlite_job *job = jobs; job; job = job->next) {
        run_in_savepoint(db, job);
        if (sqlite3_get_autocommit(db->write.handle)) {
            *out_culprit = job;
            return false;
        }
    }
    return end_together(ctx, db, jobs, NULL) == CZ_OK;
}

static void run_alone(cz_ctx *ctx, struct cz__sqlite *db, struct cz__sqlite_job *job)
{
    job->status = cz__sqlite_begin_write(ctx, db, job->give_up_us, &job->err);
    if (job->status)
        return;
    job->status = cz__sqlite_run_change(db, job->statement, job->params, job->count, &job->rows,
                                        &job->last_id, &job->err);
    if (job->status)
        cz__sqlite_undo_write(db);
    else
        job->status = cz__sqlite_end_write(ctx, db, &job->err);
}

/* Take at most JOBS_MAX jobs off the list. */
static struct cz__sqlite_job *take_jobs(struct cz__sqlite *db)
{
    struct cz__sqlite_job *first = db->jobs, **at = &db->jobs;
    for (int count = 0; *at && count < JOBS_MAX; count++) {
        (*at)->running = true;
        at = &(*at)->next;
    }
    db->jobs = *at;
    *at = NULL;
    if (!db->jobs)
        db->jobs_end = &db->jobs;
    return first;
}

/* The write side cannot be had: those that have waited for their time, or all, fail. */
static void fail_jobs(struct cz__sqlite *db, cz_status status, const cz_error *err)
{
    int64_t now_us = cz_monotonic_us();
    struct cz__sqlite_job **at = &db->jobs;
    while (*at) {
        struct cz__sqlite_job *job = *at;
        if (status == CZ_EBUSY && job->give_up_us > now_us) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        job->status = status;
        job->err = *err;
        finish(job);
    }
    db->jobs_end = at;
}

static void run_jobs(cz_ctx *ctx, struct cz__sqlite *db)
{
    cz_error err;
    int64_t give_up_us = db->jobs->give_up_us;
    cz_status status = cz__sqlite_take_turn(ctx, db, give_up_us, &err);
    if (!status) {
        status = cz__sqlite_begin_write(ctx, db, give_up_us, &err);
        if (status)
            cz__sqlite_give_turn(db);
    }
    if (status) {
        fail_jobs(db, status, &err);
        return;
    }
    struct cz__sqlite_job *jobs = take_jobs(db), *culprit = NULL, *next;
    if (!jobs) { /* their requests were cancelled */
        cz__sqlite_undo_write(db);
    } else if (!jobs->next) {
        jobs->status = cz__sqlite_run_change(db, jobs->statement, jobs->params, jobs->count,
                                             &jobs->rows, &jobs->last_id, &jobs->err);
        if (jobs->status)
            cz__sqlite_undo_write(db);
        else
            jobs->status = cz__sqlite_end_write(ctx, db, &jobs->err);
    } else if (!run_together(ctx, db, jobs, &culprit)) {
        cz__sqlite_undo_write(db);
        for (struct cz__sqlite_job *job = jobs; job; job = job->next)
            if (job != culprit)
                run_alone(ctx, db, job);
    }
    cz__sqlite_give_turn(db);
    for (; jobs; jobs = next) {
        next = jobs->next; /* it may be gone once its fiber has run */
        finish(jobs);
    }
}

static void run_group(void *arg)
{
    struct cz__sqlite *db = arg;
    cz_ctx ctx;
    cz_ctx_init(&ctx, NULL);
    /* until the others that are ready in this turn have left theirs */
    db->group = cz__fiber_current();
    cz__fiber_wait_uncancelled(&ctx);
    while (db->jobs)
        run_jobs(&ctx, db);
    db->group = NULL;
    cz_ctx_done(&ctx);
}

static void take_back(struct cz__sqlite *db, struct cz__sqlite_job *job)
{
    struct cz__sqlite_job **at = &db->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (!job->next)
        db->jobs_end = at;
}

/* Wait for a job's end; one that has not begun is taken back when its request is over. */
static cz_status wait_for(cz_ctx *ctx, struct cz__sqlite *db, struct cz__sqlite_job *job,
                          cz_error *err)
{
    while (!job->done) {
        if (job->running) {
            cz__fiber_wait_uncancelled(ctx);
            continue;
        }
        cz_status status = cz__db_wait(ctx);
        if (status && !job->running && !job->done) {
            take_back(db, job);
            return cz_error_set(err, status, "gave up waiting to write");
        }
    }
    if (job->status && err)
        *err = job->err;
    return job->status;
}

bool cz__sqlite_group_ready(struct cz__sqlite *db)
{
    if (!db->loop || db->in_memory || !cz__fiber_current())
        return false;
    if (db->group)
        return true;
    if (cz__fiber_start(run_group, db))
        return false;
    cz__fiber_wake(db->group); /* it runs when this turn's other fibers have */
    return true;
}

cz_status cz__sqlite_change_in_group(cz_ctx *ctx, struct cz__sqlite *db, struct cz__sqlite_job *job,
                                     cz_error *err)
{
    job->fiber = cz__fiber_current();
    job->give_up_us = cz_monotonic_us() + db->busy_timeout_ms * 1000;
    *db->jobs_end = job;
    db->jobs_end = &job->next;
    return wait_for(ctx, db, job, err);
}
