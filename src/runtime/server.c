/* The master.
 *
 * Binds, forks and waits. It parses nothing from outside and opens nothing that a fork could share by
 * accident. Its states and who makes each:
 *
 *     SERVING    dead workers are replaced                    cz__server_run()
 *     DRAINING   workers finish what they have; none is       first SIGTERM or SIGINT, drain()
 *                replaced; the sockets close one by one
 *     STOPPING   workers stop at once; after a second they    second signal, or the drain's deadline,
 *                are killed                                   stop_at_once()
 *
 * All workers report through one pipe in packet mode, so records never mix and a dying worker's last words
 * are there before its SIGCHLD.
 */
#include "runtime/server.h"
#include <calzone/log.h>
#include <calzone/memory.h>
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/runtime_internal.h"

enum {
    WORKERS_MAX = 256,
    DESCRIPTORS_WANTED = 65536,
    DRAIN_MS_DEFAULT = 30000,
    DRAIN_GRACE_MS = 1000, /* for a worker's own deadline to act first */
    STOP_GRACE_MS = 1000,
    STEADY_MS = 1000, /* a worker that lived so long after it was ready did not crash at start */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    FAILED_STARTS_MAX = 3,
    STALL_MS_DEFAULT = 100,
    WATCH_IDLE_MS = 1000 /* the watchdog sleeps after so long without a turn of any worker */
};

enum master_state { SERVING, DRAINING, STOPPING };

struct slot {
    pid_t pid; /* 0: none */
    bool ready;
    int64_t ready_ms;
    unsigned deaths;          /* in a row, each before or soon after it was ready */
    int64_t respawn_ms;       /* 0: none is waited for */
    struct cz__report *crash; /* the last words of the worker that had the slot; owned */
    struct cz__pulse *pulse;  /* in memory shared with the worker */
    struct cz__stall stall;
};

struct master {
    const cz__server_options *options;
    enum master_state state;
    struct slot *slots;
    unsigned count;
    struct cz__sockets sockets;
    int signal_fd, report_read_fd, report_write_fd;
    pid_t pid;
    bool any_ready, failed, cut;
    int64_t kill_ms; /* when the next harder step is due while ending; 0: never */
    char failure[256];
    int64_t watch_ms,
        watch_idle_ms; /* the watchdog's next look; since when it saw nothing; 0: asleep */
    sigset_t signals, signals_before;
};

static int64_t now_ms(void)
{
    return cz_monotonic_us() / 1000;
}

/* ---- Workers ---- */

static void run_worker(struct master *master, struct slot *slot)
{
    cz__sockets_keep(&master->sockets, (unsigned)(slot - master->slots));
    close(master->signal_fd);
    close(master->report_read_fd);
    struct cz__worker_start start = {
        .options = master->options,
        .slot = (unsigned)(slot - master->slots),
        .sockets = &master->sockets,
        .report_fd = master->report_write_fd,
        .master_pid = master->pid,
        .pulse = slot->pulse,
    };
    exit(cz__worker_main(&start));
}

static void schedule_respawn(struct slot *slot)
{
    int64_t delay = BACKOFF_MIN_MS;
    for (unsigned i = 2; i < slot->deaths && delay < BACKOFF_MAX_MS; i++)
        delay *= 2;
    slot->respawn_ms = now_ms() + (delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS);
}

static void spawn(struct master *master, struct slot *slot)
{
    slot->respawn_ms = 0;
    slot->ready = false;
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

static void signal_workers(const struct master *master, int number)
{
    for (unsigned i = 0; i < master->count; i++)
        if (master->slots[i].pid)
            kill(master->slots[i].pid, number);
}

static bool any_worker(const struct master *master)
{
    for (unsigned i = 0; i < master->count; i++)
        if (master->slots[i].pid)
            return true;
    return false;
}

/* ---- Ending ---- */

static void drain(struct master *master)
{
    uint64_t timeout = master->options->drain_timeout_ms;
    master->state = DRAINING;
    master->kill_ms = now_ms() + (int64_t)(timeout ? timeout : DRAIN_MS_DEFAULT) + DRAIN_GRACE_MS;
    for (unsigned i = 0; i < master->count; i++) {
        master->slots[i].respawn_ms = 0;
        if (!master->slots[i].pid)
            cz__sockets_stop(&master->sockets, i);
    }
    signal_workers(master, SIGTERM);
}

static void stop_at_once(struct master *master)
{
    bool again = master->state == STOPPING;
    if (!again)
        cz_log_warning(NULL, "runtime", "stopping at once; requests under way are cut");
    master->state = STOPPING;
    master->cut = true;
    master->kill_ms = again ? 0 : now_ms() + STOP_GRACE_MS;
    signal_workers(master, again ? SIGKILL : SIGQUIT);
}

/* ---- The watchdog: looks while anything happens, and sleeps while nothing does ---- */

static int64_t stall_ms(const struct master *master)
{
    return master->options->stall_ms ? (int64_t)master->options->stall_ms : STALL_MS_DEFAULT;
}

static void wake_watchdog(struct master *master)
{
    master->watch_idle_ms = now_ms();
    master->watch_ms = master->watch_idle_ms + stall_ms(master) / 4 + 1;
    for (unsigned i = 0; i < master->count; i++)
        __atomic_store_n(&master->slots[i].pulse->watched, 1, __ATOMIC_RELAXED);
}

static void watch_workers(struct master *master, int64_t now)
{
    for (unsigned i = 0; i < master->count; i++) {
        struct slot *slot = &master->slots[i];
        if (slot->pid && slot->ready &&
            cz__stall_check(&slot->stall, slot->pulse, slot->pid, now, stall_ms(master)))
            master->watch_idle_ms = now;
    }
    master->watch_ms = now + stall_ms(master) / 4 + 1;
    if (now - master->watch_idle_ms < WATCH_IDLE_MS)
        return;
    /* A worker that begins a turn just now may miss the change; its next turn will see it. */
    master->watch_ms = 0;
    for (unsigned i = 0; i < master->count; i++)
        __atomic_store_n(&master->slots[i].pulse->watched, 0, __ATOMIC_RELAXED);
}

/* ---- What workers report ---- */

static void worker_ready(struct master *master, struct slot *slot)
{
    slot->ready = true;
    slot->ready_ms = now_ms();
    if (master->any_ready)
        return;
    master->any_ready = true;
    if (master->options->on_ready)
        master->options->on_ready(&master->sockets, master->count, master->options->user);
}

static void take_report(struct master *master, const struct cz__report *report)
{
    if (report->slot >= master->count)
        return;
    struct slot *slot = &master->slots[report->slot];
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
        if (master->state != SERVING) /* else the socket is for the replacement */
            cz__sockets_stop(&master->sockets, report->slot);
        break;
    case CZ__REPORT_CRASH:
        if (!slot->crash)
            slot->crash = cz_malloc(sizeof *slot->crash);
        if (slot->crash)
            *slot->crash = *report;
        break;
    case CZ__REPORT_STALL:
        cz__report_stall(report);
        break;
    case CZ__REPORT_WAKE:
        wake_watchdog(master);
        break;
    default: /* a process that lost its mind wrote it */
        break;
    }
}

static void read_reports(struct master *master)
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

static void replace(struct master *master, struct slot *slot)
{
    bool steady = slot->ready && now_ms() - slot->ready_ms >= STEADY_MS;
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
    pid_t pid;
    int wait_status;
};

/* Replace first, report after: nobody waits for a log line. */
static void reap(struct master *master)
{
    struct death deaths[WORKERS_MAX];
    size_t count = 0;
    int wait_status;
    pid_t pid;
    read_reports(master); /* a worker may have been ready before it died */
    while (count < WORKERS_MAX && (pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
        for (unsigned i = 0; i < master->count; i++)
            if (master->slots[i].pid == pid) {
                master->slots[i].pid = 0;
                deaths[count++] = (struct death){ i, pid, wait_status };
            }
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &master->slots[deaths[i].slot];
        if (master->state == SERVING)
            replace(master, slot);
        else
            cz__sockets_stop(&master->sockets, deaths[i].slot);
    }
    read_reports(master);
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &master->slots[deaths[i].slot];
        bool own = slot->crash && slot->crash->pid == deaths[i].pid;
        bool expected = WIFEXITED(deaths[i].wait_status) && !WEXITSTATUS(deaths[i].wait_status);
        bool asked = master->state == STOPPING && !own;
        if (!expected && !asked)
            cz__report_death(deaths[i].slot, deaths[i].pid, deaths[i].wait_status,
                             own ? slot->crash : NULL);
        cz_free(slot->crash);
        slot->crash = NULL;
    }
}

/* ---- Waiting ---- */

static void take_signals(struct master *master)
{
    struct signalfd_siginfo info;
    while (read(master->signal_fd, &info, sizeof info) == sizeof info)
        switch (info.ssi_signo) {
        case SIGTERM:
        case SIGINT:
            if (master->state == SERVING)
                drain(master);
            else
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

/* What is due now; returns the milliseconds until the next thing is, or -1. */
static int run_due(struct master *master)
{
    int64_t now = now_ms(), next = INT64_MAX;
    if (master->kill_ms && now >= master->kill_ms)
        stop_at_once(master);
    if (master->watch_ms && now >= master->watch_ms)
        watch_workers(master, now);
    if (master->kill_ms)
        next = master->kill_ms;
    if (master->watch_ms && master->watch_ms < next)
        next = master->watch_ms;
    for (unsigned i = 0; i < master->count; i++) {
        struct slot *slot = &master->slots[i];
        if (slot->respawn_ms && now >= slot->respawn_ms)
            spawn(master, slot);
        if (slot->respawn_ms && slot->respawn_ms < next)
            next = slot->respawn_ms;
    }
    int64_t wait = next == INT64_MAX ? -1 : next > now ? next - now : 0;
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void supervise(struct master *master)
{
    while (master->state == SERVING || any_worker(master)) {
        int timeout = run_due(master);
        cz_log_flush(true);
        struct pollfd fds[] = { { .fd = master->signal_fd, .events = POLLIN },
                                { .fd = master->report_read_fd, .events = POLLIN } };
        int count = poll(fds, CZ_COUNT(fds), timeout);
        cz_assert(count >= 0 || errno == EINTR);
        if (fds[1].revents)
            read_reports(master);
        if (fds[0].revents)
            take_signals(master);
    }
}

/* ---- Setting up ---- */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
    cz_ignore(setrlimit(RLIMIT_NOFILE, &limit)); /* serves on with the old limit */
}

static cz_status open_signals(struct master *master, cz_error *err)
{
    signal(SIGPIPE, SIG_IGN);
    if (!isatty(STDIN_FILENO))
        signal(SIGHUP, SIG_IGN); /* a service manager's "reload" must not end the service */
    sigemptyset(&master->signals);
    const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGCHLD };
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        sigaddset(&master->signals, numbers[i]);
    sigprocmask(SIG_BLOCK, &master->signals, &master->signals_before);
    sigset_t handled = master->signals;
    sigdelset(&handled, SIGQUIT); /* stays pending; blocked so that workers begin with it blocked */
    master->signal_fd = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
    int fds[2];
    if (master->signal_fd < 0 || pipe2(fds, O_NONBLOCK | O_CLOEXEC | O_DIRECT))
        return cz_error_set(err, CZ_EIO, "cannot set up signals or the report pipe: errno %d",
                            errno);
    master->report_read_fd = fds[0];
    master->report_write_fd = fds[1];
    return CZ_OK;
}

static cz_status set_up(struct master *master, cz_error *err)
{
    const cz__server_options *options = master->options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    master->count = options->workers ? options->workers : cores > 0 ? (unsigned)cores : 1;
    if (master->count > WORKERS_MAX)
        master->count = WORKERS_MAX;
    raise_descriptor_limit();
    struct cz__pulse *pulses = mmap(NULL, master->count * sizeof *pulses, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    master->slots = cz_calloc(master->count, sizeof *master->slots);
    if (pulses == MAP_FAILED || !master->slots)
        return cz_error_set(err, CZ_ENOMEM, "no memory for %u workers", master->count);
    for (unsigned i = 0; i < master->count; i++)
        master->slots[i].pulse = &pulses[i];
    cz_status status =
        cz__sockets_open(&master->sockets, options->bind, options->bind_count, master->count, err);
    return status ? status : open_signals(master, err);
}

static void tear_down(struct master *master)
{
    cz__sockets_close(&master->sockets);
    for (unsigned i = 0; master->slots && i < master->count; i++)
        cz_free(master->slots[i].crash);
    if (master->slots && master->slots[0].pulse)
        munmap(master->slots[0].pulse, master->count * sizeof(struct cz__pulse));
    cz_free(master->slots);
    const int fds[] = { master->signal_fd, master->report_read_fd, master->report_write_fd };
    for (size_t i = 0; i < CZ_COUNT(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (master->signal_fd >= 0)
        sigprocmask(SIG_SETMASK, &master->signals_before, NULL);
}

int cz__server_run(const cz__server_options *options)
{
    struct master master = { .options = options,
                             .pid = getpid(),
                             .signal_fd = -1,
                             .report_read_fd = -1,
                             .report_write_fd = -1 };
    cz_error err;
    cz_status status = set_up(&master, &err);
    if (!status) {
        for (unsigned i = 0; i < master.count; i++)
            spawn(&master, &master.slots[i]);
        supervise(&master);
    }
    if (status || master.failed)
        cz_log_error(NULL, "runtime", "the server could not start",
                     CZ_FIELD_STR("error", cz_str_from(status ? cz_error_message(&err)
                                                       : master.failure[0]
                                                           ? master.failure
                                                           : "workers end before they are ready")));
    tear_down(&master);
    cz_log_flush(true);
    return status || master.failed || master.cut ? 1 : 0;
}
