/* A worker: one loop, its fibers, and the signals the master sends. */
#include <calzone/log.h>
#include <calzone/map.h>
#include <calzone/memory.h>
#include <calzone/time.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "runtime/generation.h"
#include "runtime/listen.h"
#include "runtime/runtime_internal.h"
#include "runtime/sandbox.h"

enum { LOG_FLUSH_MS = 250, DRAIN_MS_DEFAULT = 30000, CANCEL_MS = 500 };
enum { REPLACED = 1 }; /* with SIGTERM */

static struct {
    const struct cz__worker_start *start;
    cz__worker worker;
    cz__listener *listeners; /* as long as the worker */
    cz__watch signals;
    cz__timer drain_over;
    cz__turn_hook turn_hook;
    cz__timer log_timer;
    bool log_due;
} self;

void cz__report_send(int fd, const struct cz__report *report)
{
    while (write(fd, report, sizeof *report) < 0 && errno == EINTR)
        ;
}

static void report(enum cz__report_kind kind, const char *message)
{
    struct cz__report record = { .kind = kind, .slot = self.worker.slot, .pid = getpid() };
    cz_ignore(snprintf(record.message, sizeof record.message, "%s", message)); /* may be cut */
    cz__report_send(self.start->report_fd, &record);
}

void cz__worker_spent(const char *why)
{
    report(CZ__REPORT_SPENT, why);
}

/* ---- The end of each turn. Logs are written 250 ms after a turn that may have made lines ---- */

static void log_timer_due(cz__timer *timer)
{
    (void)timer;
    self.log_due = true; /* at the end of the turn, with what this turn still logs */
}

static void turn_ended(cz__turn_hook *hook)
{
    (void)hook;
    if (cz__stall_noted)
        cz__stall_log(cz__loop_now_us(self.worker.loop));
    if (self.log_due) {
        self.log_due = false;
        cz_log_flush(true);
    } else if (!cz__timer_is_set(&self.log_timer)) {
        cz__timer_set(self.worker.loop, &self.log_timer, LOG_FLUSH_MS, log_timer_due);
    }
}

/* ---- Ending ---- */

void cz__worker_drained(cz__worker *worker)
{
    cz__loop_stop(worker->loop);
}

static void drain_timed_out(cz__timer *timer)
{
    (void)timer;
    cz_log_warning(NULL, "runtime", "the time for draining is over; cancelling what is left",
                   CZ_FIELD_INT("worker", self.worker.slot),
                   CZ_FIELD_INT("fibers", cz__fibers_stats().in_use));
    cz__loop_stop(self.worker.loop);
}

static void close_sockets(void)
{
    for (size_t i = 0; i < self.worker.listener_count; i++)
        close(self.listeners[i].fd);
    self.worker.listener_count = 0;
}

static void stop_own_sockets(void)
{
    for (size_t i = 0; i < self.worker.listener_count; i++)
        if (!self.listeners[i].shared) /* which other orphans still take from */
            cz__listen_stop(self.listeners[i].fd);
}

/* By the death of its master. While the keeper lives, another one takes its place. */
static bool is_orphan_of_keeper(void)
{
    return cz__generation_has_keeper() && getppid() == cz__generation.keeper;
}

static void drain(bool replaced)
{
    if (self.worker.draining)
        return;
    self.worker.draining = true;
    self.worker.replaced = replaced || is_orphan_of_keeper();
    const cz__server_options *options = self.start->options;
    uint64_t timeout = options->drain_timeout_ms ? options->drain_timeout_ms : DRAIN_MS_DEFAULT;
    cz__timer_set(self.worker.loop, &self.drain_over, (int64_t)timeout, drain_timed_out);
    if (options->on_worker_drain)
        options->on_worker_drain(&self.worker);
    else
        cz__worker_drained(&self.worker);
    if (self.worker.replaced)
        close_sockets(); /* else those that nobody serves any more would live on here */
    else if (getppid() == self.start->master_pid)
        report(CZ__REPORT_DRAINING, "");
    else
        stop_own_sockets(); /* an orphan: nobody will serve them again */
}

/* Fibers that are left unwind by themselves; they get a moment for it. */
static void cancel_fibers(void)
{
    int64_t until_us = cz_monotonic_us() + CANCEL_MS * 1000;
    while (cz__fibers_stats().in_use && cz_monotonic_us() < until_us) {
        cz__fibers_cancel_all(CZ_ECANCELED);
        cz__loop_turn(self.worker.loop, 10);
    }
}

static void take_signals(cz__watch *watch, uint32_t events)
{
    (void)events;
    struct signalfd_siginfo info;
    while (read(watch->fd, &info, sizeof info) == sizeof info)
        switch (info.ssi_signo) {
        case SIGTERM: /* from the master, the kernel when the master is dead, or an operator; once */
            drain(info.ssi_code == SI_QUEUE && info.ssi_int == REPLACED);
            break;
        case SIGQUIT:
            cz__loop_stop(self.worker.loop);
            break;
        case SIGUSR1:
            cz_log_reopen();
            break;
        default: /* SIGINT: a terminal sends it to all; the master decides */
            break;
        }
}

void cz__worker_replaced(int pid)
{
    cz_ignore(sigqueue(pid, SIGTERM,
                       (union sigval){ .sival_int = REPLACED })); /* it may just have died */
}

/* ---- Life ---- */

static cz_status watch_signals(cz_error *err)
{
    sigset_t set, child;
    sigemptyset(&child);
    sigaddset(&child,
              SIGCHLD); /* handlers may start programs; only the master cares for it itself */
    sigprocmask(SIG_UNBLOCK, &child, NULL);
    sigemptyset(&set);
    const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1 };
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0 || cz__watch_add(self.worker.loop, &self.signals, fd, EPOLLIN, take_signals))
        return cz_error_set(err, CZ_EIO, "cannot watch signals: errno %d", errno);
    return CZ_OK;
}

static cz_status take_sockets(cz_error *err)
{
    struct cz__sockets *sockets = self.start->sockets;
    self.listeners = cz_calloc(sockets->item_count, sizeof *self.listeners);
    if (!self.listeners)
        return cz_error_set(err, CZ_ENOMEM, "no memory for sockets");
    cz__sockets_keep(sockets, self.start->slot, self.listeners, &self.worker.listener_count);
    self.worker.listeners = self.listeners;
    cz__descriptors_close(&cz__generation.given, NULL); /* the master's, until all are ready */
    if (cz__generation.channel_fd >= 0)
        close(cz__generation.channel_fd);
    cz__generation.channel_fd = -1;
    return CZ_OK;
}

static cz_status set_up(cz_error *err)
{
    const cz__server_options *options = self.start->options;
    cz_status status = cz__loop_create(&self.worker.loop);
    if (!status)
        status = cz__fibers_init(&(cz__fiber_options){ .stack_bytes = options->fiber_stack_bytes,
                                                       .count_max = options->fibers_max });
    if (status)
        return cz_error_set(err, status, "cannot set up the loop: errno %d", errno);
    cz__pool_configure(options->pool_threads);
    status = watch_signals(err);
    if (!status && options->sandbox)
        status = cz__sandbox_enter(options->sandbox, err); /* before threads and before strangers */
    if (status)
        return status;
    self.turn_hook.on_turn_end = turn_ended;
    cz__turn_hook_add(self.worker.loop, &self.turn_hook);
    return options->on_worker_start ? options->on_worker_start(&self.worker, err) : CZ_OK;
}

int cz__worker_main(const struct cz__worker_start *start)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* there is nothing to drain, and a start may hang */
    if (getppid() != start->master_pid)
        return 1; /* it died before the line above */
    self.start = start;
    self.worker =
        (cz__worker){ .slot = start->slot, .place = start->place, .user = start->options->user };
    cz__pulse = start->pulse;
    cz__hash_reseed();
    cz__crash_install(start->report_fd, start->slot);
    cz__stall_install(start->report_fd, start->slot);
    cz_error err = { 0 };
    if (take_sockets(&err) || set_up(&err)) {
        report(CZ__REPORT_FAILED, cz_error_message(&err));
        cz_log_flush(true);
        return 1;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    report(CZ__REPORT_READY, "");
    cz_log_flush(false); /* from here on lines are gathered, and written by the hook above */
    cz__loop_run(self.worker.loop);
    cancel_fibers();
    if (start->options->on_worker_stop)
        start->options->on_worker_stop(&self.worker);
    cz_log_flush(true);
    bool clean = cz__fibers_stats().in_use == 0;
    cz__fibers_done();
    if (clean) { /* a stuck fiber may have a timer, a watch or a job in it */
        cz__pool_done();
        cz__loop_destroy(self.worker.loop);
    }
    return 0;
}
