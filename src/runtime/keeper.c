/* The keeper: the process that was started (generation.h). It parses nothing from outside and knows no settings.
 *
 *     nothing > CHECKING   `PROGRAM check` runs                       SIGHUP, begin_reload()
 *     CHECKING > STARTING  the next generation is started             it ended with 0, start_next()
 *     STARTING > DRAINING  the next is the current, the one before    "R", hand_over()
 *                          drains
 *     DRAINING > nothing   there is one generation again              its end, take_end()
 *     CHECKING, STARTING > nothing   nothing has changed              an end before its time, the deadline; give_up()
 *
 * A SIGHUP meanwhile is remembered, and many are one. SIGTERM ends all generations, at any time. */
#include <calzone/log.h>
#include <calzone/memory.h>
#include <calzone/str.h>
#include <calzone/time.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/generation_internal.h"
#include "runtime/listen.h"
#include "runtime/notify.h"
#include "runtime/program.h"

enum {
    STEADY_MS = 1000,      /* one that was ready for so long and is killed is replaced */
    DRAIN_GRACE_MS = 10000 /* for a master to end its workers by itself */
};

static struct {
    struct cz__start how;
    struct cz__program program;
    cz_error no_program;
    struct cz__kept current, next, before;
    struct cz__descriptors left; /* by the current one */
    pid_t check_pid;
    int64_t
        due_ms; /* when the check, the next one or the drain of the one before has taken too long; 0: none is there */
    bool timed_out;      /* and was killed for it */
    bool asked_again;    /* SIGHUP during a reload */
    bool told_reloading; /* to the service manager, which waits for the end */
    bool stops;
    bool terminal; /* it was started at one */
    uint64_t timeout_ms, drain_ms;
    int64_t watchdog_ms;
    unsigned generations;
    int signal_fd, code;
} self;

static int64_t now_ms(void)
{
    return cz_monotonic_us() / 1000;
}

/* ---- Reloading ---- */

static void begin_reload(void);

static void reload_over(void)
{
    self.due_ms = 0;
    self.timed_out = false;
    if (self.asked_again && !self.stops && self.current.pid && !self.before.pid) {
        self.asked_again = false;
        begin_reload();
    }
}

/* Nothing has changed, and the current one, when there is one, goes on. */
static void give_up(const char *why, int wait_status)
{
    char end[32] = "";
    const char *name = WIFSIGNALED(wait_status) ? sigabbrev_np(WTERMSIG(wait_status)) : NULL;
    if (WIFSIGNALED(wait_status))
        cz_ignore(snprintf(end, sizeof end, "SIG%s", name ? name : "?"));
    else
        cz_ignore(snprintf(end, sizeof end, "exit code %d", WEXITSTATUS(wait_status)));
    if (!self.stops && !self.current.pid) {
        cz_log_error(NULL, "runtime", "no generation is left, and another cannot be started",
                     CZ_FIELD_STR("why", cz_str_from(why)),
                     CZ_FIELD_STR("ended_by", cz_str_from(end)));
    } else if (!self.stops) {
        cz_log_error(NULL, "runtime", "the reload failed; the program that runs goes on",
                     CZ_FIELD_STR("why", cz_str_from(why)),
                     CZ_FIELD_STR("ended_by", cz_str_from(end)),
                     CZ_FIELD_STR("path", cz_str_from(self.program.path)));
        self.told_reloading = false;
        cz__notify("READY=1\nSTATUS=The reload failed: %s (%s); generation %u serves.", why, end,
                   self.current.number);
    }
    reload_over();
}

static void start_next(void)
{
    self.due_ms = now_ms() + (int64_t)self.timeout_ms;
    self.next.number = ++self.generations;
    if (cz__kept_start(&self.how, &self.next, true) > 0)
        return;
    give_up("a process could not be started", 0);
}

static void tell_reloading(void)
{
    if (self.told_reloading)
        return;
    self.told_reloading = true;
    cz__notify("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading.", (long long)cz_monotonic_us());
}

static void begin_reload(void)
{
    tell_reloading();
    if (!self.program.path[0]) {
        give_up(cz_error_message(&self.no_program), 0);
        return;
    }
    cz_log_info(NULL, "runtime", "reloading", CZ_FIELD_STR("path", cz_str_from(self.program.path)));
    self.due_ms = now_ms() + (int64_t)self.timeout_ms;
    self.check_pid = cz__check_start(&self.how);
    if (self.check_pid < 0) {
        self.check_pid = 0;
        give_up("a process could not be started", 0);
    }
}

static void ask_for_reload(void)
{
    bool under_way = self.check_pid || self.next.pid || !self.current.ready_ms;
    if (self.stops)
        return;
    if (!under_way && !self.before.pid) {
        begin_reload();
        return;
    }
    self.asked_again = true;
    if (!under_way) /* else whoever waits for it would take the end of this one for it */
        tell_reloading();
}

/* It has taken too long. Whoever has none is 0. */
static void cut_short(void)
{
    pid_t pid = self.check_pid ? self.check_pid : self.next.pid ? self.next.pid : self.before.pid;
    self.due_ms = 0;
    self.timed_out = true;
    if (pid)
        kill(pid, SIGKILL);
}

/* ---- Ready ---- */

static void keep_what_is_left(struct cz__kept *generation)
{
    struct cz__descriptors left = generation->left;
    generation->left = (struct cz__descriptors){ 0 };
    cz__descriptors_close(&self.left, CZ__ACTIVATED);
    for (size_t i = 0; i < self.left.count; i++)
        if (cz__descriptors_add(&left, self.left.items[i].name, self.left.items[i].fd))
            close(self.left.items[i].fd);
    cz_free(self.left.items);
    self.left = left;
}

static void hand_over(void)
{
    if (self.current.pid) /* else it was killed, and one that drains still may */
        self.before = self.current;
    self.current = self.next;
    self.next = (struct cz__kept){ .channel_fd = -1 };
    if (self.before.pid)
        cz_ignore(cz__channel_send(self.before.channel_fd, "D", -1)); /* it may just have ended */
    cz_log_info(NULL, "runtime", "reloaded: another generation serves",
                CZ_FIELD_INT("generation", self.current.number),
                CZ_FIELD_INT("pid", self.current.pid));
    self.due_ms = self.before.pid ? now_ms() + (int64_t)self.drain_ms + DRAIN_GRACE_MS : 0;
}

static void take_ready(struct cz__kept *generation, cz_str numbers)
{
    uint64_t reload_ms, drain_ms;
    if (generation->ready_ms || generation == &self.before)
        return;
    generation->ready_ms = now_ms();
    keep_what_is_left(generation);
    if (generation == &self.next)
        hand_over();
    if (!cz_str_to_u64(cz_str_cut(&numbers, ' '), &reload_ms) && reload_ms)
        self.timeout_ms = reload_ms;
    if (!cz_str_to_u64(cz_str_cut(&numbers, ' '), &drain_ms))
        self.drain_ms = drain_ms;
    self.told_reloading = false;
    cz__notify("READY=1\nMAINPID=%d\nSTATUS=Generation %u serves, process %d.", (int)getpid(),
               self.current.number, (int)self.current.pid);
    if (!self.before.pid)
        reload_over();
}

static void take_message(struct cz__kept *generation, const char *text, int fd)
{
    if (text[0] == 'K' && text[1] == ' ' && fd >= 0 && !generation->ready_ms &&
        !cz__descriptors_add(&generation->left, text + 2, fd))
        return;
    if (fd >= 0)
        close(fd);
    if (text[0] == 'R' && text[1] == ' ')
        take_ready(generation, cz_str_from(text + 2));
    else if (text[0] == 'B' && generation == &self.current && self.watchdog_ms)
        cz__notify("WATCHDOG=1");
}

/* What moves at a hand-over is not looked at again in this round: messages wait. */
static void hear(struct cz__kept *generation)
{
    char text[CZ__MESSAGE_BYTES];
    pid_t pid = generation->channel_fd < 0 ? 0 : generation->pid;
    int fd, got = 0;
    while (generation->pid && generation->pid == pid &&
           (got = cz__channel_receive(generation->channel_fd, text, &fd)) > 0)
        take_message(generation, text, fd);
    if (got < 0) { /* its death is told by a signal */
        close(generation->channel_fd);
        generation->channel_fd = -1;
    }
}

/* ---- Ends ---- */

static void stop_all(void)
{
    const struct cz__kept *const all[] = { &self.current, &self.next, &self.before };
    if (!self.stops)
        cz__notify("STOPPING=1\nSTATUS=Stopping.");
    for (size_t i = 0; i < CZ_COUNT(all); i++)
        if (all[i]->pid && !self.stops)
            kill(all[i]->pid, SIGTERM);
        else if (all[i]->pid && !all[i]->ready_ms)
            kill(all[i]->pid, SIGKILL); /* it hears nothing yet */
        else if (all[i]->pid && all[i]->channel_fd >= 0)
            cz_ignore(cz__channel_send(all[i]->channel_fd, "N", -1)); /* it may just have ended */
    if (self.check_pid)
        kill(self.check_pid, SIGKILL);
    self.stops = true;
}

static void forget(struct cz__kept *generation)
{
    if (generation->channel_fd >= 0)
        close(generation->channel_fd);
    cz__descriptors_close(&generation->left, NULL);
    *generation = (struct cz__kept){ .channel_fd = -1 };
}

/* By its own choice it ends with a code, which is the program's. One that was killed is replaced, and connections wait in the sockets
 * meanwhile. */
static void take_end_of_current(int wait_status)
{
    bool steady = self.current.ready_ms && now_ms() - self.current.ready_ms >= STEADY_MS;
    bool never_served = !self.current.ready_ms && self.stops;
    unsigned number = self.current.number;
    forget(&self.current);
    self.code = never_served ? 0 : WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1;
    if (self.stops || WIFEXITED(wait_status)) {
        if (!self.stops && self.next.pid)
            kill(self.next.pid, SIGKILL);
        return;
    }
    cz_log_error(NULL, "runtime", "a master was killed", CZ_FIELD_INT("generation", number),
                 CZ_FIELD_INT("signal", WTERMSIG(wait_status)));
    if (!steady || self.next.pid || self.check_pid || !self.program.path[0])
        return;   /* the next one may be ready soon */
    start_next(); /* unchecked: there is nothing to lose */
}

static void take_end_of_next(int wait_status)
{
    const char *why =
        self.timed_out ? "it was not ready within RELOAD_TIMEOUT" : "it ended before it was ready";
    if (!self.current.pid)
        self.code = 1;
    forget(&self.next);
    give_up(why, wait_status);
}

static void take_end_of_check(int wait_status)
{
    self.check_pid = 0;
    if (WIFEXITED(wait_status) && !WEXITSTATUS(wait_status) && !self.stops)
        start_next();
    else
        give_up(self.timed_out ? "`check` took longer than RELOAD_TIMEOUT" : "`check` failed",
                wait_status);
}

/* Of orphans, too, as the workers of a master that was killed are. */
static void reap(void)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        struct cz__kept *const all[] = { &self.current, &self.next, &self.before };
        for (size_t i = 0; i < CZ_COUNT(all); i++)
            if (all[i]->pid == pid)
                hear(
                    all[i]); /* it may have been ready before it died, and is then another one here */
        if (pid == self.check_pid)
            take_end_of_check(wait_status);
        else if (pid == self.next.pid)
            take_end_of_next(wait_status);
        else if (pid == self.current.pid)
            take_end_of_current(wait_status);
        else if (pid == self.before.pid) {
            forget(&self.before);
            reload_over();
        }
    }
}

/* ---- Waiting ---- */

/* The terminal it was started at is gone; or somebody wants a reload. */
static bool is_hangup(const struct signalfd_siginfo *info)
{
    return self.terminal && (info->ssi_code == SI_KERNEL || !isatty(STDIN_FILENO));
}

static void take_signals(void)
{
    struct signalfd_siginfo info;
    const struct cz__kept *const all[] = { &self.current, &self.next, &self.before };
    while (read(self.signal_fd, &info, sizeof info) == sizeof info)
        switch (info.ssi_signo) {
        case SIGHUP:
            if (!is_hangup(&info))
                ask_for_reload();
            else if (!self.stops)
                stop_all();
            break;
        case SIGUSR1:
            cz_log_reopen();
            for (size_t i = 0; i < CZ_COUNT(all); i++)
                if (all[i]->pid && all[i]->ready_ms)
                    kill(all[i]->pid, SIGUSR1);
            break;
        case SIGCHLD:
            reap();
            break;
        default: /* SIGTERM, SIGINT */
            stop_all();
            break;
        }
}

static void keep(void)
{
    struct cz__kept *const all[] = { &self.current, &self.next, &self.before };
    while (self.current.pid || self.next.pid || self.before.pid || self.check_pid) {
        struct pollfd fds[4] = { { .fd = self.signal_fd, .events = POLLIN } };
        for (size_t i = 0; i < CZ_COUNT(all); i++)
            fds[i + 1] =
                (struct pollfd){ .fd = all[i]->pid ? all[i]->channel_fd : -1, .events = POLLIN };
        int64_t wait = self.due_ms ? self.due_ms - now_ms() : -1;
        cz_log_flush(true);
        if (self.due_ms && wait <= 0)
            cut_short();
        else
            poll(fds, CZ_COUNT(fds), wait > INT32_MAX ? INT32_MAX : (int)wait);
        for (size_t i = 0; i < CZ_COUNT(all); i++)
            if (fds[i + 1].revents)
                hear(all[i]);
        take_signals();
    }
}

/* ---- The whole ---- */

static void open_signals(void)
{
    const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        sigaddset(&set, numbers[i]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_DFL); /* under nohup it is ignored, and would not be told */
    sigprocmask(SIG_BLOCK, &set, &self.how.signals_before);
    self.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static cz_status set_up(const struct cz__keeper_options *options, cz_error *err)
{
    cz_status status = cz__notify_begin(&self.watchdog_ms, err);
    if (!status)
        status = cz__activation_receive(&self.left, options->bind, err);
    if (status)
        return status;
    if (cz__program_find(&self.program, &self.no_program))
        self.program.path[0] = '\0'; /* told when it is asked to reload */
    cz__descriptor_limit_raise();
    open_signals();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return self.signal_fd < 0 ? cz_error_set(err, CZ_EIO, "signalfd: %s", strerrorname_np(errno))
                              : CZ_OK;
}

bool cz__keeper_run(const struct cz__keeper_options *options, int *out_code)
{
    cz_error err;
    self.timeout_ms = options->reload_timeout_ms;
    self.terminal = isatty(STDIN_FILENO);
    *out_code = 1;
    if (set_up(options, &err)) {
        fprintf(stderr, "run: %s\n", cz_error_message(&err));
        return true;
    }
    self.how.program = &self.program;
    self.how.arguments = options->arguments;
    self.how.left = &self.left;
    self.how.beat_ms = self.watchdog_ms / 2;
    self.current.number = ++self.generations;
    pid_t first = cz__kept_start(&self.how, &self.current, false);
    if (first == 0) {
        close(self.signal_fd);
        return false;
    }
    if (first < 0) {
        fprintf(stderr, "run: a process cannot be started: %s\n", strerrorname_np(errno));
        return true;
    }
    options->on_forked(options->arg);
    cz__descriptors_close(&cz__generation.leaves, NULL); /* that are the first generation's now */
    keep();
    cz__descriptors_close(&self.left, NULL);
    close(self.signal_fd);
    cz_log_flush(true);
    *out_code = self.code;
    return true;
}
