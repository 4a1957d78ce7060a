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
    _Atomic uint32_t beats;
    _Atomic uint32_t waiting;
    _Atomic uint32_t watched; /* the master looks; 0: it sleeps and wants a wake-up */
    int wake_fd;              /* where to wake it */
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
/* Cancel every context attached to a fiber. */
void cz__fibers_cancel_all(cz_status reason);
/* Whether `address` lies in the guard region of the running fiber. Async-signal-safe. */
bool cz__fiber_guards(const void *address);
/* The bounds of the stack that is in use: the running fiber's, else the thread's. Async-signal-safe. */
void cz__fiber_stack_bounds(uintptr_t *out_low, uintptr_t *out_high);

/* Threads of the pool of this process (pool.c); started at first use. */
void cz__pool_configure(unsigned threads);
void cz__pool_done(void); /* waits for jobs under way */

#endif
