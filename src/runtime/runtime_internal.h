/* runtime/runtime_internal.h: what the runtime's own files share. */
#ifndef CZ_RUNTIME_INTERNAL_H
#define CZ_RUNTIME_INTERNAL_H

#include "runtime/fiber.h"
#include "runtime/loop.h"
#include "runtime/server.h"

/* The timer wheel (timer.c). Level n has 64 slots of 64^n ms; a timer lies in the level of the highest
 * base-64 digit in which its due time differs from `tick_ms`, under that digit. */
enum { CZ__WHEEL_LEVELS = 7, CZ__WHEEL_SLOTS = 64 };

struct cz__wheel {
    int64_t tick_ms; /* everything due until here has been taken out */
    uint64_t occupied[CZ__WHEEL_LEVELS];
    cz__timer *slots[CZ__WHEEL_LEVELS][CZ__WHEEL_SLOTS];
    cz__timer *due, **due_end; /* being fired, in order */
    cz__timer *soon;           /* set for a time that has come: fire in the next turn */
};

void cz__wheel_init(struct cz__wheel *wheel, int64_t now_ms);
void cz__wheel_set(struct cz__wheel *wheel, cz__timer *timer, int64_t due_ms);
void cz__wheel_cancel(struct cz__wheel *wheel, cz__timer *timer);
/* Fire what is due at `now_ms`. */
void cz__wheel_run(struct cz__wheel *wheel, int64_t now_ms);
/* When the wheel wants to run next; INT64_MAX when it is empty. Never late, sometimes early. */
int64_t cz__wheel_next_ms(const struct cz__wheel *wheel);

/* What a worker shows of its progress to the watchdog in the master (watchdog.c): `beats` rises whenever
 * other code gets the thread, `waiting` says that nothing has it. */
struct cz__pulse {
    uint32_t beats; /* these three are read and written with __atomic built-ins */
    uint32_t waiting;
    uint32_t watched; /* the master looks; 0: it sleeps and wants a wake-up */
    int wake_fd;      /* where to wake it */
};

extern _Thread_local struct cz__pulse *cz__pulse; /* never NULL */
void cz__pulse_wake_watchdog(void);

static inline void cz__pulse_beat(void)
{
    struct cz__pulse *pulse = cz__pulse;
    uint32_t beats = __atomic_load_n(&pulse->beats, __ATOMIC_RELAXED);
    __atomic_store_n(&pulse->beats, beats + 1, __ATOMIC_RELAXED); /* one writer: no locked add */
}

/* Resume the fibers woken so far and, within bounds, those they wake. */
void cz__fibers_run_woken(void);
/* Whether a fiber is ready to run, so the loop may not sleep. */
bool cz__fibers_have_woken(void);
/* Give the idle pages of all pooled fibers back now; otherwise a timer does. */
void cz__fibers_trim(void);
/* Cancel every context attached to a fiber. */
void cz__fibers_cancel_all(cz_status reason);
/* Whether `address` lies in the guard region of the running fiber. Async-signal-safe. */
bool cz__fiber_guards(const void *address);
/* The bounds of the running fiber's stack; false when none runs. Async-signal-safe. */
bool cz__fiber_stack_bounds(uintptr_t *out_low, uintptr_t *out_high);

/* Threads of the pool of this process (pool.c); started at first use. */
void cz__pool_configure(unsigned threads);
void cz__pool_done(void); /* waits for jobs under way */

/* ---- What a worker tells the master, one record a write to the report pipe ---- */

enum cz__report_kind {
    CZ__REPORT_READY = 1,
    CZ__REPORT_FAILED,   /* its start failed: message */
    CZ__REPORT_DRAINING, /* it has taken what waited in its socket and accepts no more */
    CZ__REPORT_CRASH,
    CZ__REPORT_STALL, /* something has held the loop for long and still does */
    CZ__REPORT_SPENT, /* it asks to be replaced, which message tells why */
    CZ__REPORT_WAKE   /* the watchdog may not sleep */
};

enum { CZ__FRAMES_MAX = 48 };

struct cz__report {
    uint32_t kind, slot;
    int32_t pid, signal, code;
    uint32_t overflow, frame_count;
    uint64_t fault_address;
    uint64_t frames[CZ__FRAMES_MAX]; /* return addresses, innermost first */
    char label[160], request_id[64], message[256];
};

/* Send a record. Async-signal-safe. A full pipe loses it. */
void cz__report_send(int fd, const struct cz__report *report);

/* Log a worker's death, in a child of the master that symbolises the trace (report.c). `crash` is NULL
 * when the worker left no record. */
void cz__report_death(unsigned slot, int pid, int wait_status, const struct cz__report *crash);
/* Log in the same way that a worker is stuck. */
void cz__report_stall(const struct cz__report *stall);
/* Write the first `frames_max` functions of a trace, innermost first: "a+0x1 < b+0x2". */
void cz__trace_write(char *out, size_t bytes, const struct cz__report *report, uint32_t frames_max);

/* ---- The watchdog: the master's side, one record a worker (watchdog.c) ---- */

struct cz__stall {
    uint32_t beats;   /* as last seen */
    int64_t since_ms; /* when they were first seen so */
    bool noted, reported;
};

/* Look at one worker at `now_ms`; true when it did something since the last look or still does. */
bool cz__stall_check(struct cz__stall *stall, const struct cz__pulse *pulse, int pid,
                     int64_t now_ms, int64_t stall_ms);

/* The worker's side: be interrupted by the master, and log at the turn's end what was noted then. */
void cz__stall_install(int report_fd, unsigned slot);
extern volatile int cz__stall_noted;
void cz__stall_log(int64_t turn_start_us);

/* ---- The worker's process (worker.c, crash.c) ---- */

/* Tell a worker, from its master, to drain because another process serves its sockets. */
void cz__worker_replaced(int pid);

struct cz__worker_start {
    const cz__server_options *options;
    unsigned slot;
    struct cz__sockets *sockets;
    int report_fd;
    int master_pid;
    struct cz__pulse *pulse;
    unsigned place;
};

/* Run a worker until it ends; the process's exit code. */
int cz__worker_main(const struct cz__worker_start *start);

/* Report fatal signals of this process to the master before they end it. */
void cz__crash_install(int report_fd, unsigned slot);
/* Fill in what the thread interrupted at `ucontext` runs: label, request id and return addresses.
 * Async-signal-safe. */
void cz__crash_describe(struct cz__report *report, const void *ucontext);

/* ---- Symbols (symbols.c) ---- */

/* Write "function+0x1f" for an address of this process, or its module or number where nothing is known.
 * Reads files and allocates: not for signal handlers. */
void cz__symbol_write(char *out, size_t bytes, uint64_t address);

#endif
