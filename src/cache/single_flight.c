/* cz_cache_get_or_set(): of all that want a value that is not there, one computes it.
 *
 * In a process there is a flight for each key that is wanted so: its leader reads, computes and stores, and the other fibers
 * sleep until it has landed and take a copy of what it brought, so that this holds also while the cache is away. Among the
 * leaders of several processes the one computes that has put the lock of the key into the cache; the others look now and
 * then whether the value is there, or the lock gone. The lock ends by itself after .compute_ms, and where processes can be
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

enum { COMPUTE_MS = 5000, LOOK_MS_MIN = 2, LOOK_MS_MAX = 50 };

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

struct request {
    struct cz__store *store;
    cz_str key, full_key;
    const cz_cache_options *options;
    cz_cache_compute_fn compute;
    void *arg;
    struct cz__flight *flight; /* NULL: this one is alone */
    cz_str lock_key, lock_value;
    bool locked;
    cz_str value;
};

static int64_t compute_ms(const struct request *request)
{
    return request->options->compute_ms > 0 ? request->options->compute_ms : COMPUTE_MS;
}

/* ---- flights of this process ---- */

static void release(struct cz__flight *flight)
{
    if (--flight->users)
        return;
    cz_free((void *)(uintptr_t)flight->value.ptr);
    cz_free(flight);
}

static struct cz__flight *find_flight(const struct request *request)
{
    struct cz__flight *flight = request->store->flights;
    while (flight && !cz_str_eq(flight->full_key, request->full_key))
        flight = flight->next;
    return flight;
}

/* Without memory for a flight everybody computes. */
static struct cz__flight *begin_flight(const cz_ctx *ctx, const struct request *request)
{
    struct cz__flight *flight = cz_calloc(1, sizeof *flight);
    if (!flight)
        return NULL;
    flight->full_key = request->full_key;
    flight->leader = ctx;
    flight->users = 1;
    flight->next = request->store->flights;
    request->store->flights = flight;
    return flight;
}

/* The leader is done; `value` NULL: it raised. */
static void land(const struct request *request, const cz_str *value)
{
    struct cz__flight *flight = request->flight;
    if (!flight)
        return;
    struct cz__flight **link = &request->store->flights;
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
static bool wait_for(cz_ctx *ctx, struct request *request, struct cz__flight *flight)
{
    struct waiter waiter = { .fiber = cz__fiber_current(), .next = flight->waiters };
    cz_status status = CZ_OK;
    flight->waiters = &waiter;
    flight->users++;
    cz__timer_set(cz__loop_current(), &waiter.timer, compute_ms(request), waited_long);
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
        status = cz_str_dup(ctx->arena, flight->value, &request->value);
    release(flight);
    if (status)
        cz__store_raise(ctx, request->store, status);
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

static void clear_dead_lock(cz_ctx *ctx, const struct request *request)
{
    struct cz__store *store = request->store;
    cz_str holder;
    if (cz__store_ask(ctx, store, store->driver->get(ctx, store, &request->lock_key, 1, &holder)) &&
        holder.ptr && holder_is_dead(store, holder))
        cz_ignore(cz__store_ask(ctx, store,
                                store->driver->remove_if(ctx, store, request->lock_key, holder)));
}

/* True when this one is to compute: it has the lock, or the cache is away. */
static bool take_lock(cz_ctx *ctx, struct request *request)
{
    struct cz__store *store = request->store;
    bool added = false;
    if (store->driver->is_local)
        clear_dead_lock(ctx, request);
    if (!cz__store_ask(ctx, store,
                       store->driver->add(ctx, store, request->lock_key, request->lock_value,
                                          compute_ms(request), &added)))
        return true;
    request->locked = added;
    return added;
}

static void give_lock(cz_ctx *ctx, struct request *request)
{
    struct cz__store *store = request->store;
    if (!request->locked)
        return;
    if (cz__store_is_open(store)) /* also when it was cancelled; else the lock ends by itself */
        cz_ignore(store->driver->remove_if(ctx, store, request->lock_key, request->lock_value));
}

/* ---- the leader ---- */

static void compute(cz_ctx *ctx, struct request *request)
{
    const struct cz__tag *tags = cz__tags_now(ctx, request->store, request->options->tags);
    request->value = request->compute(ctx, request->arg);
    if (tags)
        cz_ignore(cz__entry_store(ctx, request->store, request->full_key, request->value,
                                  request->options, tags)); /* it is there all the same */
}

/* Another process computes: look for what it brings. False: it takes too long, or has gone. */
static bool wait_for_others(cz_ctx *ctx, struct request *request)
{
    int64_t end_us = cz_monotonic_us() + compute_ms(request) * 1000;
    uint64_t pause_ms = LOOK_MS_MIN;
    while (cz_monotonic_us() < end_us) {
        cz_status status = cz__fiber_sleep(ctx, pause_ms);
        if (status)
            cz__store_raise(ctx, request->store, status);
        pause_ms = pause_ms * 2 < LOOK_MS_MAX ? pause_ms * 2 : LOOK_MS_MAX;
        if (cz__entry_read(ctx, request->store, request->full_key, &request->value) != CZ__MISS)
            return true;
        if (take_lock(ctx, request))
            return false;
    }
    return false;
}

static void lead(cz_ctx *ctx, void *arg)
{
    struct request *request = arg;
    enum cz__freshness found =
        cz__entry_read(ctx, request->store, request->full_key, &request->value);
    if (found == CZ__FRESH)
        return;
    request->lock_key =
        cz__cache_own_key(ctx, request->store, "lock",
                          cz_str_tail(request->full_key, strlen(request->store->prefix) + 1));
    request->lock_value =
        cz_format(ctx, "%lld.%llx", (long long)getpid(), (unsigned long long)cz_random_u64());
    if (!take_lock(ctx, request) && (found == CZ__STALE || wait_for_others(ctx, request)))
        return;
    compute(ctx, request);
}

static void lead_flight(cz_ctx *ctx, struct request *request)
{
    cz_error err;
    request->flight = begin_flight(ctx, request);
    cz_status status = cz_try(ctx, lead, request, &err);
    land(request, status ? NULL : &request->value);
    give_lock(ctx, request);
    if (status)
        cz_raise_error(ctx, &err);
}

cz_str cz_cache_get_or_set(cz_ctx *ctx, cz_cache *cache, cz_str key,
                           const cz_cache_options *options, cz_cache_compute_fn compute_value,
                           void *arg)
{
    static const cz_cache_options defaults;
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct request request = { .store = own->store,
                               .key = key,
                               .full_key = cz__cache_key(ctx, own, key),
                               .options = options ? options : &defaults,
                               .compute = compute_value,
                               .arg = arg };
    struct cz__flight *flight;
    enum cz__freshness found = cz__entry_read(ctx, request.store, request.full_key, &request.value);
    if (found == CZ__FRESH)
        return request.value;
    while ((flight = find_flight(&request))) {
        if (flight->leader == ctx)
            cz_raise(ctx, CZ_EINVAL, "what is cached under \"%.*s\" is computed from itself",
                     CZ_STR_ARG(key));
        if (found == CZ__STALE)
            return request.value;
        if (!cz__fiber_current())
            break; /* a command: who computes it is further out on this stack */
        int64_t began_us = cz_monotonic_us();
        if (wait_for(ctx, &request, flight))
            return request.value;
        if (cz_monotonic_us() - began_us >= compute_ms(&request) * 1000) {
            compute(ctx, &request);
            return request.value;
        }
    }
    lead_flight(ctx, &request);
    return request.value;
}
