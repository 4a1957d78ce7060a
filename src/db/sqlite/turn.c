/* Whose turn it is to write, among the fibers of this process, and this process's own turn among the others.
 *
 * A fiber draws a ticket and waits behind those before it. When the process has a slot in the queue between
 * processes (queue.c), its first fiber's ticket stands there: the write side goes to the lowest ticket of all
 * processes. It then tries BEGIN IMMEDIATE, which only processes outside the queue can still refuse.
 *
 *   idle      !taken, !asked, nobody waits here
 *   asked     !taken, asked: fibers wait here, and another process's turn it is
 *   taken     a fiber of ours has the write connection; more may wait here
 */
#include "db/sqlite/sqlite_internal.h"
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 20 }; /* between looks for turns that died and for waits that are over */

/* The first waiting fiber has the turn; there is one, or the turn is passed on. */
static void grant(struct cz__sqlite *db)
{
    struct cz__sqlite_waiter *waiter = db->waiters;
    db->asked = false;
    db->taken = waiter != NULL;
    if (!waiter) {
        if (db->slot >= 0)
            cz_ignore(cz__queue_pass(db->slot, 0)); /* without a ticket never ours */
        return;
    }
    db->waiters = waiter->next;
    if (!db->waiters)
        db->waiters_end = &db->waiters;
    waiter->granted = true;
    cz__fiber_wake(waiter->fiber);
}

void cz__sqlite_give_turn(struct cz__sqlite *db)
{
    cz_assert(db->taken);
    const struct cz__sqlite_waiter *next = db->waiters;
    db->taken = false;
    if (db->slot >= 0 && !cz__queue_pass(db->slot, next ? next->ticket : 0))
        db->asked = next != NULL;
    else
        grant(db);
}

static void turn_came(cz__watch *watch, uint32_t events)
{
    struct cz__sqlite *db =
        (struct cz__sqlite *)((char *)watch - offsetof(struct cz__sqlite, turn_came));
    uint64_t count;
    (void)events;
    cz_ignore(read(watch->fd, &count, sizeof count) < 0); /* taken back before we came to read it */
    if (db->asked && cz__queue_look(db->slot))
        grant(db);
}

static void look(cz__timer *timer)
{
    struct cz__sqlite *db =
        (struct cz__sqlite *)((char *)timer - offsetof(struct cz__sqlite, look));
    int64_t now_us = cz_monotonic_us();
    if (db->asked && cz__queue_look(db->slot))
        grant(db);
    for (struct cz__sqlite_waiter *waiter = db->waiters; waiter; waiter = waiter->next)
        if (waiter->give_up_us <= now_us && !waiter->late) {
            waiter->late = true;
            cz__fiber_wake(waiter->fiber);
        }
    if (db->waiters)
        cz__timer_set(db->loop, timer, LOOK_MS, look);
}

static void wait_behind(struct cz__sqlite *db, struct cz__sqlite_waiter *waiter)
{
    *db->waiters_end = waiter;
    db->waiters_end = &waiter->next;
    if (!cz__timer_is_set(&db->look))
        cz__timer_set(db->loop, &db->look, LOOK_MS, look);
}

static void stop_waiting(struct cz__sqlite *db, struct cz__sqlite_waiter *waiter)
{
    struct cz__sqlite_waiter **at = &db->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    if (!waiter->next)
        db->waiters_end = at;
    if (!db->waiters && db->asked) {
        db->asked = false;
        cz_ignore(cz__queue_pass(db->slot, 0)); /* without a ticket never ours */
    }
}

cz_status cz__sqlite_busy(const struct cz__sqlite *db, cz_error *err)
{
    return cz_error_set(err, CZ_EBUSY, "the database stayed locked for %lld ms",
                        (long long)db->busy_timeout_ms);
}

cz_status cz__sqlite_take_turn(cz_ctx *ctx, struct cz__sqlite *db, int64_t give_up_us,
                               cz_error *err)
{
    struct cz__sqlite_waiter waiter = { .fiber = cz__fiber_current(), .give_up_us = give_up_us };
    if (!db->taken && db->slot < 0) {
        db->taken = true;
        return CZ_OK;
    }
    if (!waiter.fiber)
        return cz_error_set(err, CZ_EINVAL, "a transaction is open in this process already");
    if (db->slot >= 0)
        waiter.ticket = cz__queue_ticket();
    if (!db->taken && !db->asked) {
        db->taken = cz__queue_enter(db->slot, waiter.ticket);
        db->asked = !db->taken;
        if (db->taken)
            return CZ_OK;
    }
    wait_behind(db, &waiter);
    while (!waiter.granted) {
        cz_status status = cz__db_wait(ctx);
        if (waiter.granted || (status == CZ_OK && !waiter.late))
            continue;
        stop_waiting(db, &waiter);
        return status ? cz_error_set(err, status, "gave up waiting to write")
                      : cz__sqlite_busy(db, err);
    }
    return CZ_OK;
}

cz_status cz__sqlite_wait_for_writer(cz_ctx *ctx, struct cz__sqlite *db, cz_error *err)
{
    int64_t give_up_us = cz_monotonic_us() + db->busy_timeout_ms * 1000;
    cz_status status = cz__sqlite_take_turn(ctx, db, give_up_us, err);
    if (!status) /* whom this wakes does not run before the caller has read */
        cz__sqlite_give_turn(db);
    return status;
}

/* ---- beginning and end ---- */

/* The same file by any path has one queue. */
static uint64_t file_number(const char *path)
{
    struct stat about;
    if (stat(path, &about))
        return 0;
    uint64_t number = (uint64_t)about.st_dev << 40 ^ (uint64_t)about.st_ino;
    return number ? number : 1;
}

void cz__sqlite_turn_start(struct cz__sqlite *db, const char *path)
{
    uint64_t number = db->loop && !db->in_memory ? file_number(path) : 0;
    db->waiters_end = &db->waiters;
    db->jobs_end = &db->jobs;
    db->slot = number ? cz__queue_join(number) : -1;
    if (db->slot < 0)
        return;
    if (cz__watch_add(db->loop, &db->turn_came, cz__queue_wake_fd(db->slot), EPOLLIN, turn_came)) {
        cz__queue_leave(db->slot);
        db->slot = -1; /* it can write all the same, by trying */
    }
}

void cz__sqlite_turn_stop(struct cz__sqlite *db)
{
    if (cz__timer_is_set(&db->look))
        cz__timer_cancel(db->loop, &db->look);
    if (db->slot < 0)
        return;
    cz__watch_remove(db->loop, &db->turn_came);
    cz__queue_leave(db->slot);
}
