/* cz__once_run(): of all that want a value that is not there, one brings it.
 *
 * In a process there is a flight for each key that is wanted so: its leader looks, brings and stores, and the other fibers
 * sleep until it has landed and take a copy of what it brought, so that this holds also while the cache is away. Among the
 * leaders of several processes the one computes that has put the lock of the key into the cache; the others look now and
 * then whether the value is there, or the lock gone. The lock ends by itself after .wait_ms, and where processes can be
 * seen, with the process that put it.
 *
 * A flight whose leader raised has landed without a value: the first of those who waited begins another. */
#include "cache/cache_internal.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <calzone/random.h>
#include <calzone/time.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOK_MS_MIN = 2, LOOK_MS_MAX = 50 };

struct waiter {
    cz__timer timer; /* first: the timer is the waiter */
    struct waiter *next;
    cz__fiber *fiber;
    bool over;
};

struct cz__flight {
    struct cz__flight *next;
    cz_str full_key; /* in the leader's arena */
    const cz_ctx *leader;
    struct waiter *waiters;
    unsigned users; /* the leader, until it has landed, and who waits */
    bool landed, has_value;
    cz_str value; /* a copy, for those who wait; owned */
};

/* ---- flights of this process ---- */

static void release(struct cz__flight *flight)
{
    if (--flight->users)
        return;
    cz_free((void *)(uintptr_t)flight->value.ptr);
    cz_free(flight);
}

static struct cz__flight *find_flight(const struct cz__once *once)
{
    struct cz__flight *flight = once->store->flights;
    while (flight && !cz_str_eq(flight->full_key, once->full_key))
        flight = flight->next;
    return flight;
}

/* Without memory for a flight everybody computes. */
static struct cz__flight *begin_flight(const cz_ctx *ctx, const struct cz__once *once)
{
    struct cz__flight *flight = cz_calloc(1, sizeof *flight);
    if (!flight)
        return NULL;
    flight->full_key = once->full_key;
    flight->leader = ctx;
    flight->users = 1;
    flight->next = once->store->flights;
    once->store->flights = flight;
    return flight;
}

/* The leader is done; `value` NULL: it raised. */
static void land(const struct cz__once *once, const cz_str *value)
{
    struct cz__flight *flight = once->flight;
    if (!flight)
        return;
    struct cz__flight **link = &once->store->flights;
    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    flight->landed = true;
    if (value && flight->waiters) {
        char *copy = cz_malloc(
            value->len + 1); /* for those in other arenas; without one they go on themselves */
        if (copy && value->len)
            memcpy(copy, value->ptr, value->len);
        flight->value = cz_str_of(copy, value->len);
        flight->has_value = copy != NULL;
    }
    for (struct waiter *waiter = flight->waiters; waiter; waiter = waiter->next)
        cz__fiber_wake(waiter->fiber);
    release(flight);
}

static void waited_long(cz__timer *timer)
{
    struct waiter *waiter = (struct waiter *)(void *)timer;
    waiter->over = true;
    cz__fiber_wake(waiter->fiber);
}

/* Wait for a flight; true when it brought the value. */
static bool wait_for(cz_ctx *ctx, struct cz__once *once, struct cz__flight *flight)
{
    struct waiter waiter = { .fiber = cz__fiber_current(), .next = flight->waiters };
    cz_status status = CZ_OK;
    flight->waiters = &waiter;
    flight->users++;
    cz__timer_set(cz__loop_current(), &waiter.timer, once->wait_ms, waited_long);
    while (!flight->landed && !waiter.over && !status)
        status = cz__fiber_wait(ctx);
    cz__timer_cancel(cz__loop_current(), &waiter.timer);
    if (!flight->landed) {
        struct waiter **link = &flight->waiters;
        while (*link != &waiter)
            link = &(*link)->next;
        *link = waiter.next;
    }
    bool has_value = !status && flight->has_value;
    if (has_value)
        status = cz_str_dup(ctx->arena, flight->value, &once->value);
    release(flight);
    if (status)
        cz__store_raise(ctx, once->store, status);
    return has_value;
}

/* ---- the lock among processes ---- */

/* Whether the process that holds a lock has died, which only a cache of one machine can know. */
static bool holder_is_dead(const struct cz__store *store, cz_str lock_value)
{
    uint64_t pid;
    cz_str rest = lock_value;
    return store->driver->is_local && !cz_str_to_u64(cz_str_cut(&rest, '.'), &pid) && pid > 1 &&
           pid <= INT32_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void clear_dead_lock(cz_ctx *ctx, const struct cz__once *once)
{
    struct cz__store *store = once->store;
    cz_str holder;
    if (cz__store_ask(ctx, store, store->driver->get(ctx, store, &once->lock_key, 1, &holder)) &&
        holder.ptr && holder_is_dead(store, holder))
        cz_ignore(cz__store_ask(ctx, store,
                                store->driver->remove_if(ctx, store, once->lock_key, holder)));
}

/* True when this one is to compute: it has the lock, or the cache is away. */
static bool take_lock(cz_ctx *ctx, struct cz__once *once)
{
    struct cz__store *store = once->store;
    bool added = false;
    if (store->driver->is_local)
        clear_dead_lock(ctx, once);
    if (!cz__store_ask(ctx, store,
                       store->driver->add(ctx, store, once->lock_key, once->lock_value,
                                          once->wait_ms, &added)))
        return true;
    once->locked = added;
    return added;
}

static void give_lock(cz_ctx *ctx, struct cz__once *once)
{
    struct cz__store *store = once->store;
    if (!once->locked)
        return;
    if (cz__store_is_open(store)) /* also when it was cancelled; else the lock ends by itself */
        cz_ignore(store->driver->remove_if(ctx, store, once->lock_key, once->lock_value));
}

/* ---- the leader ---- */

/* Another process brings it: look for that. False: it takes too long, or has gone. */
static bool wait_for_others(cz_ctx *ctx, struct cz__once *once)
{
    int64_t end_us = cz_monotonic_us() + once->wait_ms * 1000;
    uint64_t pause_ms = LOOK_MS_MIN;
    while (cz_monotonic_us() < end_us) {
        cz_status status = cz__fiber_sleep(ctx, pause_ms);
        if (status)
            cz__store_raise(ctx, once->store, status);
        pause_ms = pause_ms * 2 < LOOK_MS_MAX ? pause_ms * 2 : LOOK_MS_MAX;
        if (once->look(ctx, once) != CZ__MISS)
            return true;
        if (take_lock(ctx, once))
            return false;
    }
    return false;
}

static void lead(cz_ctx *ctx, void *arg)
{
    struct cz__once *once = arg;
    enum cz__freshness found = once->look(ctx, once);
    if (found == CZ__FRESH)
        return;
    once->lock_key = cz__cache_own_key(
        ctx, once->store, "lock", cz_str_tail(once->full_key, strlen(once->store->prefix) + 1));
    once->lock_value =
        cz_format(ctx, "%lld.%llx", (long long)getpid(), (unsigned long long)cz_random_u64());
    if (!take_lock(ctx, once) && (found == CZ__STALE || wait_for_others(ctx, once)))
        return;
    /* Who held the lock may have stored between the last look and the end of the lock. */
    if (!once->locked || once->look(ctx, once) != CZ__FRESH)
        once->bring(ctx, once);
}

static void lead_flight(cz_ctx *ctx, struct cz__once *once)
{
    cz_error err;
    once->flight = begin_flight(ctx, once);
    cz_status status = cz_try(ctx, lead, once, &err);
    land(once, status ? NULL : &once->value);
    give_lock(ctx, once);
    if (status)
        cz_raise_error(ctx, &err);
}

void cz__once_run(cz_ctx *ctx, struct cz__once *once)
{
    struct cz__flight *flight;
    enum cz__freshness found = once->look(ctx, once);
    if (found == CZ__FRESH)
        return;
    while ((flight = find_flight(once))) {
        if (flight->leader == ctx)
            cz_raise(ctx, CZ_EINVAL, "what is cached under \"%.*s\" is computed from itself",
                     CZ_STR_ARG(once->name));
        if (found == CZ__STALE)
            return;
        if (!cz__fiber_current())
            break; /* a command: who computes it is further out on this stack */
        int64_t began_us = cz_monotonic_us();
        if (wait_for(ctx, once, flight))
            return;
        if (cz_monotonic_us() - began_us >= once->wait_ms * 1000) {
            once->bring(ctx, once);
            return;
        }
    }
    lead_flight(ctx, once);
}

/* ---- values ---- */

struct wanted {
    struct cz__once once; /* first */
    const cz_cache_options *options;
    cz_cache_compute_fn compute;
    void *arg;
};

static enum cz__freshness look_for_value(cz_ctx *ctx, struct cz__once *once)
{
    return cz__entry_read(ctx, once->store, once->full_key, &once->value);
}

static void compute(cz_ctx *ctx, struct cz__once *once)
{
    const struct wanted *wanted = (const struct wanted *)(const void *)once;
    const struct cz__tag *tags = cz__tags_now(ctx, once->store, wanted->options->tags);
    once->value = wanted->compute(ctx, wanted->arg);
    if (tags)
        cz_ignore(cz__entry_store(ctx, once->store, once->full_key, once->value, wanted->options,
                                  tags)); /* it is there all the same */
}

cz_str cz_cache_get_or_set(cz_ctx *ctx, cz_cache *cache, cz_str key,
                           const cz_cache_options *options, cz_cache_compute_fn compute_value,
                           void *arg)
{
    static const cz_cache_options defaults;
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    options = options ? options : &defaults;
    struct wanted wanted = { .once = { .store = own->store,
                                       .name = key,
                                       .full_key = cz__cache_key(ctx, own, key),
                                       .wait_ms = options->compute_ms > 0 ? options->compute_ms
                                                                          : CZ__COMPUTE_MS,
                                       .look = look_for_value,
                                       .bring = compute },
                             .options = options,
                             .compute = compute_value,
                             .arg = arg };
    cz__once_run(ctx, &wanted.once);
    return wanted.once.value;
}
