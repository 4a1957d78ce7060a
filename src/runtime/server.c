/* The master.
 *
 * Binds, forks and waits. It parses nothing from outside and opens nothing that a fork could share by
 * accident. Its states and who makes each:
 *
 *     SERVING    dead workers are replaced                    cz__server_run()
 *     DRAINING   workers finish what they have; none is       first SIGTERM or SIGINT, drain(): the sockets close one by
 *                replaced                                     one; the keeper's "D", hand_over(): they stay as they are
 *     STOPPING   workers stop at once; after a second they    second signal, the keeper's "N", or the drain's deadline,
 *                are killed                                   stop_at_once()
 *
 * All workers report through one pipe in packet mode, so records never mix and a dying worker's last words
 * are there before its SIGCHLD.
 */
#include <calzone/log.h>
#include <calzone/memory.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/generation.h"
#include "runtime/server_internal.h"

enum {
    DRAIN_MS_DEFAULT = 30000,
    DRAIN_GRACE_MS = 1000, /* for a worker's own deadline to act first */
    STOP_GRACE_MS = 1000,
    STEADY_MS = 1000, /* a worker that lived so long after it was ready did not crash at start */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    FAILED_STARTS_MAX = 3
};

/* ---- Workers ---- */

static unsigned place_of(const struct cz__master *master, const struct cz__pulse *pulse)
{
    return (unsigned)(pulse - master->pulses);
}

static void run_worker(struct cz__master *master, struct cz__slot *slot)
{
    close(master->signal_fd);
    close(master->report_read_fd);
    struct cz__worker_start start = {
        .options = master->options,
        .slot = (unsigned)(slot - master->slots),
        .sockets = &master->sockets,
        .report_fd = master->report_write_fd,
        .master_pid = master->pid,
        .pulse = slot->pulse,
        .place = place_of(master, slot->pulse),
    };
    exit(cz__worker_main(&start));
}

int64_t cz__respawn_delay_ms(unsigned deaths)
{
    int64_t delay = BACKOFF_MIN_MS;
    for (unsigned i = 2; i < deaths && delay < BACKOFF_MAX_MS; i++)
        delay *= 2;
    return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

static void schedule_respawn(struct cz__slot *slot)
{
    slot->respawn_ms = cz__now_ms() + cz__respawn_delay_ms(slot->deaths);
}

static void spawn(struct cz__master *master, struct cz__slot *slot)
{
    slot->respawn_ms = 0;
    slot->ready = slot->spent = false;
    slot->stall = (struct cz__stall){ 0 };
    *slot->pulse = (struct cz__pulse){ .waiting = 1, .wake_fd = master->report_write_fd };
    cz_log_flush(true); /* else the child would write again what is gathered */
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_worker(master, slot);
    if (pid < 0) {
        cz_log_error(NULL, "runtime", "a worker could not be started",
                     CZ_FIELD_INT("worker", (int64_t)(slot - master->slots)),
                     CZ_FIELD_INT("errno", errno));
        slot->deaths++;
        schedule_respawn(slot);
        return;
    }
    slot->pid = pid;
}

static void signal_workers(const struct cz__master *master, int number)
{
    for (unsigned i = 0; i < master->count; i++) {
        if (master->slots[i].pid)
            kill(master->slots[i].pid, number);
        if (master->slots[i].leaving)
            kill(master->slots[i].leaving, number);
    }
}

static bool any_worker(const struct cz__master *master)
{
    for (unsigned i = 0; i < master->count; i++)
        if (master->slots[i].pid || master->slots[i].leaving)
            return true;
    return false;
}

/* ---- Workers that have asked to be replaced: the next one is started first ---- */

static void replace_spent(struct cz__master *master, struct cz__slot *slot)
{
    struct cz__pulse *pulse = slot->pulse;
    slot->leaving = slot->pid;
    slot->leaving_kill_ms = 0;
    slot->pid = 0;
    slot->deaths = 0;
    slot->pulse = slot->leaving_pulse;
    slot->leaving_pulse = pulse;
    spawn(master, slot);
}

/* One at a time, so that those that ask together do not all start anew together. */
static void replace_next_spent(struct cz__master *master)
{
    struct cz__slot *next = NULL;
    for (unsigned i = 0; i < master->count; i++) {
        struct cz__slot *slot = &master->slots[i];
        if (slot->leaving && !slot->leaving_kill_ms)
            return;
        if (slot->spent && slot->pid && !slot->leaving)
            next = slot;
    }
    if (next && master->state == CZ__SERVING)
        replace_spent(master, next);
}

/* ---- Ending ---- */

static uint64_t drain_ms(const struct cz__master *master)
{
    uint64_t timeout = master->options->drain_timeout_ms;
    return timeout ? timeout : DRAIN_MS_DEFAULT;
}

static void begin_draining(struct cz__master *master)
{
    master->state = CZ__DRAINING;
    master->kill_ms = cz__now_ms() + (int64_t)drain_ms(master) + DRAIN_GRACE_MS;
    for (unsigned i = 0; i < master->count; i++)
        master->slots[i].respawn_ms = 0;
}

static void drain(struct cz__master *master)
{
    begin_draining(master);
    for (unsigned i = 0; i < master->count; i++)
        if (!master->slots[i].pid)
            cz__sockets_stop(&master->sockets, i);
    signal_workers(master, SIGTERM);
}

static void hand_over(struct cz__master *master)
{
    begin_draining(master);
    cz__sockets_hand_over(&master->sockets);
    for (unsigned i = 0; i < master->count; i++)
        if (master->slots[i].pid)
            cz__worker_replaced(master->slots[i].pid);
    for (unsigned i = 0; i < master->count; i++)
        if (master->slots[i].leaving)
            cz__worker_replaced(master->slots[i].leaving);
}

static void stop_at_once(struct cz__master *master)
{
    bool again = master->state == CZ__STOPPING;
    if (!again)
        cz_log_warning(NULL, "runtime", "stopping at once; requests under way are cut");
    master->state = CZ__STOPPING;
    master->cut = true;
    master->kill_ms = again ? 0 : cz__now_ms() + STOP_GRACE_MS;
    signal_workers(master, again ? SIGKILL : SIGQUIT);
}

/* ---- What workers report ---- */

static void tell_ready(const struct cz__master *master)
{
    if (master->options->on_ready)
        master->options->on_ready(&master->sockets, master->count, master->options->user);
}

/* What the generation before has left and nobody took is not needed from here on. */
static void begin_serving(struct cz__master *master)
{
    master->all_ready = true;
    cz__sockets_serve(&master->sockets);
    if (!cz__generation_has_keeper())
        return;
    if (cz__generation.number > 1)
        tell_ready(master);
    if (cz__generation.beat_ms)
        master->beat_ms = cz__now_ms();
    cz_ignore(cz__generation_ready(master->options->reload_timeout_ms,
                                   drain_ms(master))); /* its end is heard */
    cz__generation_close_rest();
}

static void worker_ready(struct cz__master *master, struct cz__slot *slot)
{
    unsigned ready = 0;
    slot->ready = true;
    slot->ready_ms = cz__now_ms();
    if (!master->any_ready && cz__generation.number == 1)
        tell_ready(master);
    master->any_ready = true;
    for (unsigned i = 0; i < master->count; i++)
        ready += master->slots[i].ready;
    if (ready == master->count && !master->all_ready && master->state == CZ__SERVING)
        begin_serving(master);
    if (slot->leaving && !slot->leaving_kill_ms) {
        cz__worker_replaced(slot->leaving);
        slot->leaving_kill_ms = cz__now_ms() + (int64_t)drain_ms(master) + DRAIN_GRACE_MS;
    }
    replace_next_spent(master);
}

static void take_spent(struct cz__master *master, struct cz__slot *slot,
                       const struct cz__report *report)
{
    if (report->pid != slot->pid || slot->spent || master->state != CZ__SERVING)
        return;
    cz_log_info(NULL, "runtime", "a worker is replaced", CZ_FIELD_INT("worker", report->slot),
                CZ_FIELD_INT("pid", report->pid),
                CZ_FIELD_STR("why", cz_str_from(report->message)));
    slot->spent = true;
    replace_next_spent(master);
}

static void take_report(struct cz__master *master, const struct cz__report *report)
{
    if (report->slot >= master->count)
        return;
    struct cz__slot *slot = &master->slots[report->slot];
    switch (report->kind) {
    case CZ__REPORT_READY:
        if (report->pid == slot->pid)
            worker_ready(master, slot);
        break;
    case CZ__REPORT_FAILED:
        cz_log_error(NULL, "runtime", "a worker's start failed",
                     CZ_FIELD_INT("worker", report->slot),
                     CZ_FIELD_STR("error", cz_str_from(report->message)));
        memcpy(master->failure, report->message, sizeof master->failure);
        break;
    case CZ__REPORT_DRAINING:
        if (master->state != CZ__SERVING) /* else the socket is for the replacement */
            cz__sockets_stop(&master->sockets, report->slot);
        break;
    case CZ__REPORT_CRASH:
        if (!slot->crash)
            slot->crash = cz_malloc(sizeof *slot->crash);
        if (slot->crash)
            *slot->crash = *report;
        break;
    case CZ__REPORT_SPENT:
        take_spent(master, slot, report);
        break;
    case CZ__REPORT_STALL:
        cz__report_stall(report);
        break;
    case CZ__REPORT_WAKE:
        cz__master_wake_watchdog(master);
        break;
    default: /* a process that lost its mind wrote it */
        break;
    }
}

static void read_reports(struct cz__master *master)
{
    struct cz__report report;
    ssize_t got;
    while ((got = read(master->report_read_fd, &report, sizeof report)) > 0) {
        if (got != sizeof report) /* a process that lost its mind wrote it */
            continue;
        report.label[sizeof report.label - 1] = '\0';
        report.request_id[sizeof report.request_id - 1] = '\0';
        report.message[sizeof report.message - 1] = '\0';
        if (report.frame_count > CZ__FRAMES_MAX)
            report.frame_count = CZ__FRAMES_MAX;
        take_report(master, &report);
    }
}

/* ---- Deaths ---- */

static void replace(struct cz__master *master, struct cz__slot *slot)
{
    bool steady = slot->ready && cz__now_ms() - slot->ready_ms >= STEADY_MS;
    slot->deaths = steady ? 0 : slot->deaths + 1;
    if (!master->any_ready && slot->deaths >= FAILED_STARTS_MAX) {
        master->failed = true;
        drain(master);
        return;
    }
    if (slot->deaths <= 1)
        spawn(master, slot);
    else
        schedule_respawn(slot);
}

struct death {
    unsigned slot;
    bool left; /* it was no longer the slot's */
    pid_t pid;
    int wait_status;
};

/* False: it is no worker. */
static bool take_death(struct cz__master *master, pid_t pid, int wait_status, struct death *out)
{
    for (unsigned i = 0; i < master->count; i++) {
        struct cz__slot *slot = &master->slots[i];
        if (slot->pid != pid && slot->leaving != pid)
            continue;
        *out = (struct death){ i, slot->leaving == pid, pid, wait_status };
        if (master->state == CZ__SERVING)
            cz__companion_on_left(master,
                                  place_of(master, out->left ? slot->leaving_pulse : slot->pulse));
        if (out->left)
            slot->leaving = 0;
        else
            slot->pid = 0;
        return true;
    }
    return false;
}

/* Replace first, report after: nobody waits for a log line. */
static void reap(struct cz__master *master)
{
    struct death deaths[2 * CZ__WORKERS_MAX];
    size_t count = 0;
    int wait_status;
    pid_t pid;
    read_reports(master); /* a worker may have been ready before it died */
    while (count < CZ_COUNT(deaths) && (pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
        if (take_death(master, pid, wait_status, &deaths[count]))
            count++;
        else
            cz__companion_reap(master, pid, wait_status);
    for (size_t i = 0; i < count; i++) {
        struct cz__slot *slot = &master->slots[deaths[i].slot];
        if (deaths[i].left)
            continue;
        if (master->state == CZ__SERVING)
            replace(master, slot);
        else
            cz__sockets_stop(&master->sockets, deaths[i].slot);
    }
    replace_next_spent(master);
    read_reports(master);
    for (size_t i = 0; i < count; i++) {
        struct cz__slot *slot = &master->slots[deaths[i].slot];
        bool own = slot->crash && slot->crash->pid == deaths[i].pid;
        bool expected = WIFEXITED(deaths[i].wait_status) && !WEXITSTATUS(deaths[i].wait_status);
        bool asked = master->state == CZ__STOPPING && !own;
        if (!expected && !asked)
            cz__report_death(deaths[i].slot, deaths[i].pid, deaths[i].wait_status,
                             own ? slot->crash : NULL);
        cz_free(slot->crash);
        slot->crash = NULL;
    }
}

/* ---- Waiting ---- */

static void take_signals(struct cz__master *master)
{
    struct signalfd_siginfo info;
    bool keeper = cz__generation_has_keeper() && !master->keeper_gone;
    while (read(master->signal_fd, &info, sizeof info) == sizeof info)
        switch (info.ssi_signo) {
        case SIGTERM:
        case SIGINT: /* a terminal and some supervisors send them to all; then the keeper decides what the second one is */
            if (master->state == CZ__SERVING && !(keeper && info.ssi_signo == SIGINT))
                drain(master);
            else if (!keeper)
                stop_at_once(master);
            break;
        case SIGUSR1:
            cz_log_reopen();
            signal_workers(master, SIGUSR1);
            break;
        default: /* SIGCHLD: several deaths may be one signal */
            reap(master);
            break;
        }
}

static void hear_keeper(struct cz__master *master)
{
    int word;
    while (!master->keeper_gone && (word = cz__generation_hear()) != 0)
        if (word == 'D' && master->state == CZ__SERVING)
            hand_over(master);
        else if (word == 'N')
            stop_at_once(master);
        else if (word < 0)
            master->keeper_gone = true; /* it was killed */
    if (master->keeper_gone && master->state == CZ__SERVING)
        drain(master);
}

/* What is due now; returns the milliseconds until the next thing is, or -1. */
static int run_due(struct cz__master *master)
{
    int64_t now = cz__now_ms(), next = INT64_MAX;
    if (master->kill_ms && now >= master->kill_ms)
        stop_at_once(master);
    if (master->watch_ms && now >= master->watch_ms)
        cz__master_watch(master, now);
    if (master->beat_ms && now >= master->beat_ms)
        cz__master_beat(master, now);
    cz__companion_run_due(master, now);
    const int64_t times[] = { master->kill_ms, master->watch_ms, master->beat_ms,
                              master->companion_due_ms };
    for (size_t i = 0; i < CZ_COUNT(times); i++)
        if (times[i] && times[i] < next)
            next = times[i];
    for (unsigned i = 0; i < master->count; i++) {
        struct cz__slot *slot = &master->slots[i];
        if (slot->respawn_ms && now >= slot->respawn_ms)
            spawn(master, slot);
        if (slot->respawn_ms && slot->respawn_ms < next)
            next = slot->respawn_ms;
        if (slot->leaving && slot->leaving_kill_ms && now >= slot->leaving_kill_ms) {
            kill(slot->leaving, SIGKILL);
            slot->leaving_kill_ms = now + STOP_GRACE_MS; /* it ends within that */
        }
        if (slot->leaving && slot->leaving_kill_ms && slot->leaving_kill_ms < next)
            next = slot->leaving_kill_ms;
    }
    int64_t wait = next == INT64_MAX ? -1 : next > now ? next - now : 0;
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void supervise(struct cz__master *master)
{
    while (master->state == CZ__SERVING || any_worker(master)) {
        int timeout = run_due(master);
        cz_log_flush(true);
        struct pollfd fds[] = {
            { .fd = master->signal_fd, .events = POLLIN },
            { .fd = master->report_read_fd, .events = POLLIN },
            { .fd = master->keeper_gone ? -1 : cz__generation.channel_fd, .events = POLLIN },
        };
        int count = poll(fds, CZ_COUNT(fds), timeout);
        cz_assert(count >= 0 || errno == EINTR);
        if (fds[1].revents)
            read_reports(master);
        if (fds[2].revents)
            hear_keeper(master);
        if (fds[0].revents)
            take_signals(master);
    }
}

int cz__server_run(const cz__server_options *options)
{
    struct cz__master master = { .options = options,
                                 .pid = getpid(),
                                 .signal_fd = -1,
                                 .report_read_fd = -1,
                                 .report_write_fd = -1,
                                 .companion_since_ms = cz__now_ms() };
    cz_error err;
    cz_status status = cz__master_set_up(&master, &err);
    if (!status) {
        for (unsigned i = 0; i < master.count; i++)
            spawn(&master, &master.slots[i]);
        reap(&master); /* a companion may have died before its signal was waited for */
        supervise(&master);
    }
    cz__companion_end(&master);
    if (status || master.failed)
        cz_log_error(NULL, "runtime", "the server could not start",
                     CZ_FIELD_STR("error", cz_str_from(status ? cz_error_message(&err)
                                                       : master.failure[0]
                                                           ? master.failure
                                                           : "workers end before they are ready")));
    cz__master_tear_down(&master);
    cz_log_flush(true);
    return status || master.failed || master.cut ? 1 : 0;
}
