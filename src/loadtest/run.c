/* One run: clients take requests by number, wait until they are due, ask, and count. */
#include "loadtest/loadtest.h"
#include <calzone/time.h>
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    TURN_MS = 50,             /* how soon a run sees that it is to stop */
    PROGRESS_US = 200 * 1000, /* how often it tells */
    RETRY_MS = 20,            /* between two tries to connect */
    GIVE_UP_US = 2 * 1000000, /* of tries in vain */
    US_PER_SECOND = 1000000
};

/* A client that waits until its request is due. Numbers are taken in order, so the first is due first. */
struct waiter {
    struct waiter *next;
    cz__fiber *fiber;
    int64_t due_us;
    bool over;
};

struct run {
    struct cz__load_scenario *scenario;
    const struct cz__load_options *options;
    cz__loop *loop;
    int64_t start_us, end_us;
    uint64_t taken, requests, errors;
    unsigned alive, started;  /* clients */
    int64_t failing_since_us; /* no connection since; 0: there was an answer */
    bool over, gave_up;
    cz_status status; /* why it cannot go on */
    cz_error *err;
    int timer_fd; /* of microseconds: the loop's timers have milliseconds */
    cz__watch timer_watch;
    struct waiter *first, **last;
};

/* ---- when a request is due ---- */

static void arm(const struct run *run)
{
    int64_t at_us = run->first ? run->first->due_us : 0;
    struct itimerspec when = { .it_value = { .tv_sec = (time_t)(at_us / US_PER_SECOND),
                                             .tv_nsec = (long)(at_us % US_PER_SECOND) * 1000 } };
    int code = timerfd_settime(run->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    cz_assert(!code);
}

/* Let those go on whose requests are due, or all when the run is over. */
static void release(struct run *run)
{
    int64_t now_us = cz_monotonic_us();
    while (run->first && (run->over || run->first->due_us <= now_us)) {
        struct waiter *waiter = run->first;
        run->first = waiter->next;
        if (!run->first)
            run->last = &run->first;
        waiter->over = true;
        cz__fiber_wake(waiter->fiber);
    }
    arm(run);
}

static void on_timer(cz__watch *watch, uint32_t events)
{
    struct run *run = (struct run *)(void *)((char *)watch - offsetof(struct run, timer_watch));
    uint64_t count;
    (void)events;
    cz_ignore(read(run->timer_fd, &count, sizeof count)); /* it says how often; once is enough */
    release(run);
}

static void wait_until(struct run *run, cz_ctx *ctx, int64_t due_us)
{
    struct waiter waiter = { .fiber = cz__fiber_current(), .due_us = due_us };
    *run->last = &waiter;
    run->last = &waiter.next;
    if (run->first == &waiter)
        arm(run);
    while (!waiter.over)
        cz__fiber_wait_uncancelled(ctx);
}

static int64_t due_of(const struct run *run, uint64_t number)
{
    return run->start_us + (int64_t)((double)number * US_PER_SECOND / run->options->rate);
}

/* Take the next request. False: there is none any more. What was taken in time is sent, also when it is due only
 * in the last moment. */
static bool take(struct run *run, cz_ctx *ctx, uint64_t *out_number, int64_t *out_due_us)
{
    int64_t now_us = cz_monotonic_us();
    uint64_t max = run->options->requests_max;
    if (run->over || now_us >= run->end_us || (max && run->taken >= max))
        return false;
    int64_t due_us = run->options->rate > 0 ? due_of(run, run->taken) : now_us;
    if (due_us >= run->end_us)
        return false;
    *out_number = run->taken++;
    *out_due_us = due_us;
    if (due_us > now_us)
        wait_until(run, ctx, due_us);
    return !run->over;
}

/* What was due before the end and taken by nobody. */
static uint64_t count_not_sent(const struct run *run)
{
    uint64_t max = run->options->requests_max;
    if (run->options->rate <= 0 || (run->over && !run->gave_up))
        return 0;
    int64_t end_us = run->gave_up ? cz_monotonic_us() : run->end_us;
    end_us = end_us < run->end_us ? end_us : run->end_us;
    double due = (double)(end_us - run->start_us) * run->options->rate / US_PER_SECOND;
    uint64_t count = (uint64_t)due;
    while (due_of(run, count) < end_us) /* the last by the very sum that they are taken by */
        count++;
    count = max && max < count ? max : count;
    return count > run->taken ? count - run->taken : 0;
}

/* ---- clients ---- */

static void stop(struct run *run)
{
    run->over = true;
    release(run);
}

static void note(struct run *run, struct cz__load_endpoint *endpoint, enum cz__load_failure failure,
                 uint16_t status, int64_t time_us)
{
    uint16_t wanted = endpoint->request->status;
    bool good = !failure && (wanted ? status == wanted : status >= 200 && status <= 299);
    endpoint->requests++;
    run->requests++;
    if (!failure || failure == CZ__LOAD_TIMEOUT)
        cz__histogram_add(&endpoint->times, time_us);
    if (!good) {
        endpoint->errors++;
        run->errors++;
        if (failure)
            endpoint->failures[failure]++;
        else
            endpoint->statuses[status]++;
    }
    if (failure != CZ__LOAD_CONNECT)
        run->failing_since_us = 0;
    else if (!run->failing_since_us)
        run->failing_since_us = cz_monotonic_us();
    else if (cz_monotonic_us() - run->failing_since_us > GIVE_UP_US && !run->over) {
        run->gave_up = true;
        stop(run);
    }
}

static void client(void *arg)
{
    struct run *run = arg;
    unsigned self = run->started++;
    cz_ctx ctx;
    cz__load_connection connection;
    cz_buf scratch = { 0 };
    uint64_t number;
    int64_t due_us;
    cz_ctx_init(&ctx, NULL);
    cz__load_connection_init(&connection, &ctx, &run->options->address, run->options->timeout_ms);
    while (take(run, &ctx, &number, &due_us)) {
        struct cz__load_endpoint *endpoint = cz__load_pick(run->scenario, number);
        cz_str bytes;
        uint16_t answered = 0;
        cz_status status = cz__load_write(run->scenario, endpoint, number, self, &scratch, &bytes,
                                          run->status ? NULL : run->err);
        if (status) {
            run->status = run->status ? run->status : status;
            stop(run);
            break;
        }
        enum cz__load_failure failure = cz__load_ask(
            &connection, bytes, endpoint->request->method == CZ_METHOD_HEAD, &answered);
        note(run, endpoint, failure, answered, cz_monotonic_us() - due_us);
        if (failure == CZ__LOAD_CONNECT)
            cz_ignore(cz__fiber_sleep(&ctx, RETRY_MS)); /* nobody cancels it */
    }
    cz__load_connection_done(&connection);
    cz_buf_done(&scratch);
    cz_ctx_done(&ctx);
    run->alive--;
}

/* ---- the run ---- */

static void tell(const struct run *run)
{
    int64_t elapsed_us = cz_monotonic_us() - run->start_us;
    uint64_t max = run->options->requests_max;
    double by_time = (double)elapsed_us / (double)(run->end_us - run->start_us);
    double by_count = max ? (double)run->requests / (double)max : 0;
    double done = by_count > by_time ? by_count : by_time;
    struct cz__load_progress progress = { .name = run->scenario->test->name,
                                          .done = done < 1 ? done : 1,
                                          .elapsed_us = elapsed_us,
                                          .requests = run->requests,
                                          .errors = run->errors };
    run->options->on_progress(&progress);
}

static cz_status go(struct run *run)
{
    int64_t told_us = run->start_us;
    cz_status status = CZ_OK;
    for (unsigned i = 0; i < run->options->clients && !status && !run->over; i++) {
        run->alive++;
        status = cz__fiber_start(client, run);
        if (status)
            run->alive--;
    }
    if (status)
        stop(run);
    while (run->alive) {
        cz__loop_turn(run->loop, TURN_MS);
        if (run->options->stop && *run->options->stop && !run->over)
            stop(run);
        if (run->options->on_progress && cz_monotonic_us() - told_us >= PROGRESS_US) {
            told_us = cz_monotonic_us();
            tell(run);
        }
    }
    return status ? cz_error_set(run->err, status, "not all clients could be started")
                  : run->status;
}

static cz_status with_timer(struct run *run)
{
    run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (run->timer_fd < 0)
        return cz_error_set(run->err, CZ_EIO, "timerfd_create: %s", strerror(errno));
    cz_status status =
        cz__watch_add(run->loop, &run->timer_watch, run->timer_fd, EPOLLIN, on_timer);
    if (!status) {
        run->start_us = cz_monotonic_us();
        run->end_us = run->start_us + run->options->duration_ms * 1000;
        status = go(run);
        cz__watch_remove(run->loop, &run->timer_watch);
    }
    close(run->timer_fd);
    return status;
}

cz_status cz__load_run(struct cz__load_scenario *scenario, const struct cz__load_options *options,
                       struct cz__load_outcome *out, cz_error *err)
{
    struct run run = { .scenario = scenario, .options = options, .err = err };
    cz__fiber_options fibers = { .count_max = options->clients };
    run.last = &run.first;
    cz_status status = cz__loop_create(&run.loop);
    if (status)
        return cz_error_set(err, status, "no event loop for the clients");
    status = cz__fibers_init(&fibers);
    if (!status) {
        status = with_timer(&run);
        cz__fibers_done();
    }
    if (!status) {
        uint64_t not_sent = count_not_sent(&run);
        *out = (struct cz__load_outcome){ .elapsed_us = cz_monotonic_us() - run.start_us,
                                          .requests = run.requests + not_sent,
                                          .errors = run.errors + not_sent,
                                          .not_sent = not_sent,
                                          .gave_up = run.gave_up };
    }
    cz__loop_destroy(run.loop);
    return status;
}
