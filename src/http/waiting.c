/* Requests that found no fiber: they wait in the order in which they came, at most HTTP_QUEUE_WAIT_MAX long.
 *
 * To its connection a request that waits is one whose handler runs and waits. Of one that was cancelled meanwhile nothing is begun;
 * it leaves when its turn comes, with the others. */
#include "http/http_internal.h"

static int64_t wait_max_ms(const struct cz__http_core *core)
{
    return core->limits.queue_wait_max_ms;
}

static cz__exchange *take_first(struct cz__http_core *core)
{
    struct cz__waiting *waiting = &core->waiting;
    cz__exchange *exchange = waiting->first;
    waiting->first = exchange->next;
    if (!waiting->first)
        waiting->end = &waiting->first;
    waiting->count--;
    return exchange;
}

/* Those that are cancelled, and with `all` those whose time is over. */
static void give_up_first(struct cz__http_core *core)
{
    cz_error err;
    cz__exchange *exchange = take_first(core);
    if (exchange->ctx.cancelled != CZ_ECANCELED)
        cz__overload_refused(core, &err, "no fiber came free for this request in time");
    cz__exchange_give_up(exchange, exchange->ctx.cancelled == CZ_ECANCELED ? NULL : &err);
}

static void on_due(cz__timer *timer);

static void arm(struct cz__http_core *core)
{
    struct cz__waiting *waiting = &core->waiting;
    if (!waiting->first)
        cz__timer_cancel(core->loop, &waiting->timer);
    else if (!cz__timer_is_set(&waiting->timer))
        cz__timer_set(core->loop, &waiting->timer,
                      waiting->first->waits_since_ms + wait_max_ms(core) -
                          cz__loop_now_ms(core->loop),
                      on_due);
}

static void on_due(cz__timer *timer)
{
    struct cz__waiting *waiting =
        (struct cz__waiting *)(void *)((char *)timer - offsetof(struct cz__waiting, timer));
    struct cz__http_core *core =
        (struct cz__http_core *)(void *)((char *)waiting - offsetof(struct cz__http_core, waiting));
    int64_t now_ms = cz__loop_now_ms(core->loop);
    while (waiting->first && now_ms - waiting->first->waits_since_ms >= wait_max_ms(core))
        give_up_first(core);
    arm(core);
}

bool cz__waiting_add(cz__exchange *exchange)
{
    struct cz__http_core *core = exchange->core;
    struct cz__waiting *waiting = &core->waiting;
    if (!core->overload.rule.wait_max_us || waiting->count >= CZ__HTTP_WAITING_MAX)
        return false;
    exchange->waits_since_ms = cz__loop_now_ms(core->loop);
    exchange->next = NULL;
    if (!waiting->first)
        waiting->end = &waiting->first;
    *waiting->end = exchange;
    waiting->end = &exchange->next;
    waiting->count++;
    arm(core);
    return true;
}

void cz__waiting_start(struct cz__http_core *core)
{
    struct cz__waiting *waiting = &core->waiting;
    unsigned left = waiting->count; /* what comes behind them while they run is for the next turn */
    while (waiting->first && left--) {
        cz__exchange *exchange = waiting->first;
        if (exchange->ctx.cancelled) {
            give_up_first(core);
            continue;
        }
        if (!cz__fibers_have_free())
            break;
        take_first(core);
        cz_error err;
        if (cz__fiber_start(cz__exchange_run, exchange)) { /* no memory for a new one */
            cz__overload_refused(core, &err, "no memory for a fiber");
            cz__exchange_give_up(exchange, &err);
        }
    }
    if (waiting->first && cz__fibers_have_free())
        cz__timer_set(core->loop, &waiting->timer, 0, on_due); /* there has to be a next turn */
    else
        arm(core);
}
