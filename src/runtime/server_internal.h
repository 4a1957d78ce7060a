/* runtime/server_internal.h: the master's parts. */
#ifndef CZ_RUNTIME_SERVER_INTERNAL_H
#define CZ_RUNTIME_SERVER_INTERNAL_H

#include <calzone/time.h>
#include <signal.h>
#include "runtime/runtime_internal.h"

enum { CZ__WORKERS_MAX = 256 };

enum cz__master_state { CZ__SERVING, CZ__DRAINING, CZ__STOPPING };

/* A place for a worker, with the sockets that go with it. */
struct cz__slot {
    pid_t pid; /* 0: none */
    bool ready;
    int64_t ready_ms;
    unsigned deaths;          /* in a row, each before or soon after it was ready */
    int64_t respawn_ms;       /* 0: none is waited for */
    struct cz__report *crash; /* the last words of the worker that had the slot; owned */
    struct cz__pulse *pulse;  /* in memory shared with the worker */
    struct cz__stall stall;
    struct cz__stall beat; /* as stall, looked at by the service manager's watchdog */
    bool spent;            /* the worker has asked to be replaced */
    pid_t leaving; /* the worker before, which drains once the one above is ready; 0: none */
    int64_t leaving_kill_ms; /* when it has drained for too long; 0: it has not been told */
    struct cz__pulse *leaving_pulse;
};

struct cz__master {
    const cz__server_options *options;
    enum cz__master_state state;
    struct cz__slot *slots;
    struct cz__pulse *pulses; /* two of each slot */
    unsigned count;
    struct cz__sockets sockets;
    int signal_fd, report_read_fd, report_write_fd;
    pid_t pid;
    bool any_ready, all_ready, failed, cut;
    bool hands_over; /* it drains because another generation serves */
    bool keeper_gone;
    int64_t kill_ms; /* when the next harder step is due while ending; 0: never */
    char failure[256];
    int64_t watch_ms,
        watch_idle_ms;          /* the watchdog's next look; since when it saw nothing; 0: asleep */
    int64_t beat_ms;            /* when the keeper is told next that all are alive; 0: never */
    int64_t companion_since_ms; /* when it was started */
    int64_t companion_due_ms;   /* when another is; 0: none is waited for */
    unsigned companion_deaths;  /* in a row, each within a second */
    sigset_t signals, signals_before;
};

static inline int64_t cz__now_ms(void)
{
    return cz_monotonic_us() / 1000;
}

/* How long a process that died for the n-th time in a row is not started again; n from 2 on. */
int64_t cz__respawn_delay_ms(unsigned deaths);

/* ---- companion.c: each does nothing when there is none ---- */

/* One of the master's children has died, which may be it. */
void cz__companion_reap(struct cz__master *master, pid_t pid, int wait_status);
/* The worker of that place has ended. */
void cz__companion_on_left(const struct cz__master *master, unsigned place);
/* Start another if that is due. */
void cz__companion_run_due(struct cz__master *master, int64_t now);
/* Its workers have ended: end it. */
void cz__companion_end(struct cz__master *master);

/* ---- server_setup.c ---- */

/* Errors: as cz__sockets_open(); CZ_ENOMEM, CZ_EIO. What was opened stays for the second. */
CZ_NODISCARD cz_status cz__master_set_up(struct cz__master *master, cz_error *err);
void cz__master_tear_down(struct cz__master *master);

/* ---- watchdog.c: it looks while anything happens, and sleeps while nothing does ---- */

void cz__master_wake_watchdog(struct cz__master *master);
void cz__master_watch(struct cz__master *master, int64_t now);
/* Say to the keeper that all are alive, if they are: the master's loop turns, as it is here, and no worker has been held by one piece
 * of work for two beats. */
void cz__master_beat(struct cz__master *master, int64_t now);

#endif
