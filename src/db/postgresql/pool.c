/* A small, hard-capped pool of connections that one fiber or transaction has for itself. */
#include "db/postgresql/postgresql_internal.h"

enum { IDLE_MS = 60000, DRAIN_MS = 1000 };

/* The first that is open, so that those behind fall idle and close; else the first there is. */
static struct cz__pg_link *find_free(struct cz__pg *db)
{
    struct cz__pg_link *found = NULL;
    for (unsigned i = 0; i < db->settings.pool_size; i++) {
        struct cz__pg_link *link = &db->pool[i];
        if (link->taken)
            continue;
        if (link->state == CZ__PG_READY)
            return link;
        if (!found)
            found = link;
    }
    return found;
}

static void wait_over(cz__timer *timer)
{
    struct cz__pg_waiter *waiter =
        (struct cz__pg_waiter *)(void *)((char *)timer - offsetof(struct cz__pg_waiter, timer));
    waiter->timed_out = true;
    cz__fiber_wake(waiter->fiber);
}

static void leave_queue(struct cz__pg *db, struct cz__pg_waiter *waiter)
{
    struct cz__pg_waiter **at = &db->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    if (!waiter->next)
        db->waiters_end = at;
}

static cz_status wait_in_queue(cz_ctx *ctx, struct cz__pg *db, struct cz__pg_link **out,
                               cz_error *err)
{
    struct cz__pg_waiter waiter = { .fiber = cz__fiber_current() };
    if (!waiter.fiber)
        return cz_error_set(err, CZ_EINVAL, "all %u connections of the pool are taken",
                            db->settings.pool_size);
    *db->waiters_end = &waiter;
    db->waiters_end = &waiter.next;
    cz__timer_set(db->loop, &waiter.timer, db->settings.pool_timeout_ms, wait_over);
    cz_status status = CZ_OK;
    while (!status && !waiter.link && !waiter.timed_out)
        status = cz__db_wait(ctx);
    cz__timer_cancel(db->loop, &waiter.timer);
    if (waiter.link) {
        *out = waiter.link;
        return CZ_OK;
    }
    leave_queue(db, &waiter);
    if (status)
        return cz_error_set(err, status, "gave up waiting for a connection to PostgreSQL");
    return cz_error_set(err, CZ_EBUSY,
                        "none of the pool's %u connections to PostgreSQL came free in %lld ms",
                        db->settings.pool_size, (long long)db->settings.pool_timeout_ms);
}

/* Whether a connection of the pool is open, so that it will be given back. */
static bool any_open(const struct cz__pg *db)
{
    for (unsigned i = 0; i < db->settings.pool_size; i++)
        if (db->pool[i].state == CZ__PG_READY)
            return true;
    return false;
}

cz_status cz__pg_pool_take(cz_ctx *ctx, struct cz__pg *db, struct cz__pg_link **out, cz_error *err)
{
    struct cz__pg_link *link = find_free(db);
    cz_status status = CZ_OK;
    for (bool waited = !link;; waited = true) {
        if (link)
            link->taken = true;
        else
            status = wait_in_queue(ctx, db, &link, err);
        if (status)
            return status;
        if (db->loop)
            cz__timer_cancel(db->loop, &link->timer); /* it is idle no more */
        status = cz__pg_link_open(ctx, link, err);
        if (!status)
            break;
        cz__pg_pool_give(link);
        /* The server may take no more connections, while those there are go on: wait for one of them. */
        if (waited || status != CZ_EUNAVAILABLE || !any_open(db) || !cz__fiber_current())
            return status;
        link = NULL;
        status = CZ_OK;
    }
    *out = link;
    return CZ_OK;
}

static void drained_too_long(cz__timer *timer)
{
    cz__pg_link_close(
        (struct cz__pg_link *)(void *)((char *)timer - offsetof(struct cz__pg_link, timer)));
}

void cz__pg_pool_give(struct cz__pg_link *link)
{
    struct cz__pg *db = link->db;
    link->draining = false;
    if (link->state == CZ__PG_READY && link->first) {
        if (!db->loop) {
            cz__pg_link_close(link);
        } else {
            link->draining = true;
            cz__timer_set(db->loop, &link->timer, DRAIN_MS, drained_too_long);
            return;
        }
    }
    if (link->state == CZ__PG_READY && cz__pq.PQtransactionStatus(link->conn) != PQTRANS_IDLE)
        cz__pg_link_close(link); /* its end failed: the server rolls back */
    struct cz__pg_waiter *waiter = db->waiters;
    if (waiter && (link->state == CZ__PG_READY || !any_open(db))) {
        db->waiters = waiter->next;
        if (!db->waiters)
            db->waiters_end = &db->waiters;
        waiter->link = link;
        cz__fiber_wake(waiter->fiber);
        return;
    }
    link->taken = false;
    if (db->loop && link->state == CZ__PG_READY)
        cz__timer_set(db->loop, &link->timer, IDLE_MS, drained_too_long);
}
