/* The watchdog: who holds the loop?
 *
 * Each worker counts up a number in shared memory whenever other code gets its thread, one plain store; the
 * master looks at it four times in the time allowed. A number that stands still while the worker is not
 * waiting is a stall. The master then interrupts the worker by a signal, whose handler notes what runs at
 * that moment; the worker logs it with the whole time once the turn is over. One that goes on ten times
 * as long is reported by the master, with a stack trace, while it is stuck.
 *
 * So nobody reads a clock for it on the way of a request, and a stuck worker is named too.
 */
#include <calzone/log.h>
#include <calzone/time.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include "runtime/generation.h"
#include "runtime/server_internal.h"

enum { NOTE, SEND }; /* what the master asks for by its signal */
enum {
    LONG_STALLS = 10,
    FRAMES_NAMED = 6,
    STALL_MS_DEFAULT = 100,
    WATCH_IDLE_MS = 1000 /* it sleeps after so long without a turn of any worker */
};

volatile int cz__stall_noted;
static struct cz__report note;
static int report_to;

/* ---- In the master ---- */

static void interrupt(int pid, int what)
{
    cz_ignore(
        sigqueue(pid, SIGRTMIN, (union sigval){ .sival_int = what })); /* it may just have died */
}

bool cz__stall_check(struct cz__stall *stall, const struct cz__pulse *pulse, int pid,
                     int64_t now_ms, int64_t stall_ms)
{
    uint32_t beats = __atomic_load_n(&pulse->beats, __ATOMIC_RELAXED);
    if (beats != stall->beats) {
        *stall = (struct cz__stall){ .beats = beats, .since_ms = now_ms };
        return true;
    }
    if (__atomic_load_n(&pulse->waiting, __ATOMIC_ACQUIRE)) {
        stall->since_ms = now_ms;
        return false;
    }
    int64_t held_ms = now_ms - stall->since_ms;
    if (held_ms >= stall_ms && !stall->noted) {
        stall->noted = true;
        interrupt(pid, NOTE);
    } else if (held_ms >= stall_ms * LONG_STALLS && !stall->reported) {
        stall->reported = true;
        interrupt(pid, SEND);
    }
    return true;
}

/* ---- In the master: all workers ---- */

static int64_t stall_ms(const struct cz__master *master)
{
    return master->options->stall_ms ? (int64_t)master->options->stall_ms : STALL_MS_DEFAULT;
}

void cz__master_wake_watchdog(struct cz__master *master)
{
    master->watch_idle_ms = cz__now_ms();
    master->watch_ms = master->watch_idle_ms + stall_ms(master) / 4 + 1;
    for (unsigned i = 0; i < master->count; i++)
        __atomic_store_n(&master->slots[i].pulse->watched, 1, __ATOMIC_RELAXED);
}

void cz__master_watch(struct cz__master *master, int64_t now)
{
    for (unsigned i = 0; i < master->count; i++) {
        struct cz__slot *slot = &master->slots[i];
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

void cz__master_beat(struct cz__master *master, int64_t now)
{
    bool alive = true;
    int64_t patience = 2 * cz__generation.beat_ms;
    for (unsigned i = 0; i < master->count; i++) {
        struct cz__slot *slot = &master->slots[i];
        uint32_t beats = __atomic_load_n(&slot->pulse->beats, __ATOMIC_RELAXED);
        if (!slot->pid || !slot->ready || beats != slot->beat.beats ||
            __atomic_load_n(&slot->pulse->waiting, __ATOMIC_ACQUIRE))
            slot->beat = (struct cz__stall){ .beats = beats, .since_ms = now };
        alive &= now - slot->beat.since_ms < patience;
    }
    master->beat_ms = now + cz__generation.beat_ms;
    if (alive)
        cz__generation_beat();
}

/* ---- In the worker ---- */

void cz__pulse_wake_watchdog(void)
{
    struct cz__report wake = { .kind = CZ__REPORT_WAKE, .pid = getpid() };
    __atomic_store_n(&cz__pulse->watched, 1, __ATOMIC_RELAXED);
    cz__report_send(cz__pulse->wake_fd, &wake);
}

static void on_interrupt(int number, siginfo_t *info, void *ucontext)
{
    (void)number;
    int before = errno;
    if (info->si_code == SI_QUEUE && info->si_value.sival_int == SEND) {
        static struct cz__report report;
        report = note;
        cz__crash_describe(&report, ucontext);
        report.kind = CZ__REPORT_STALL;
        cz__report_send(report_to, &report);
    } else if (!__atomic_load_n(&cz__pulse->waiting, __ATOMIC_RELAXED)) { /* else just over */
        cz__crash_describe(&note, ucontext);
        cz__stall_noted = 1;
    }
    errno = before;
}

void cz__stall_install(int report_fd, unsigned slot)
{
    report_to = report_fd;
    note = (struct cz__report){ .slot = slot, .pid = getpid() };
    struct sigaction action = { .sa_sigaction = on_interrupt,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    sigfillset(&action.sa_mask);
    sigaction(SIGRTMIN, &action, NULL);
}

void cz__stall_log(int64_t turn_start_us)
{
    char where[512];
    cz__trace_write(where, sizeof where, &note, FRAMES_NAMED);
    cz__stall_noted = 0;
    cz_log_warning(NULL, "runtime",
                   "the loop was held by one piece of work; every other request waited",
                   CZ_FIELD_STR("route", cz_str_from(note.label[0] ? note.label : "(none)")),
                   CZ_FIELD_INT("ms", (cz_monotonic_us() - turn_start_us) / 1000),
                   CZ_FIELD_STR("request_id", cz_str_from(note.request_id)),
                   CZ_FIELD_STR("trace", cz_str_from(where)));
}
