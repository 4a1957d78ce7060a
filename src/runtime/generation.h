/* runtime/generation.h: programs that replace one another without losing a connection.
 *
 * The process that is started is the keeper. It serves nobody: it starts the first generation, a master with its workers, and holds
 * what generations leave to each other, the listening sockets and shared memory. At SIGHUP it runs `PROGRAM check`, starts the program
 * that now lies where it was started from as the next generation, and when that says that all of its workers are ready tells the one
 * before to drain. Whatever fails on the way changes nothing. Its process id never changes, so a shell, systemd, a container or any
 * other supervisor sees one program.
 *
 * Between both is a socket pair in packet mode whose messages are text, as the two may be of different versions:
 *
 *     generation > keeper   "K NAME" with a descriptor   keep this for the next one
 *                           "R MS MS"                    all workers are ready; RELOAD_TIMEOUT and DRAIN_TIMEOUT are these
 *                           "B"                          the master and all workers are alive
 *     keeper > generation   "D"                          drain: another one serves where you did
 *                           "N"                          stop now
 *
 * A generation of another program than the first is told of it by CZ_GENERATION="DESCRIPTOR BEAT_MS KEEPER_PID NUMBER", and what the one
 * before left by CZ_INHERITED_FDS (descriptors.h). */
#ifndef CZ_RUNTIME_GENERATION_H
#define CZ_RUNTIME_GENERATION_H

#include <calzone/str.h>
#include <sys/types.h>
#include "runtime/descriptors.h"

/* ---- the generation's side ---- */

struct cz__generation {
    int channel_fd;                /* to the keeper; -1: there is none, or it is a worker's copy */
    pid_t keeper;                  /* 0: there is none, the master is alone */
    unsigned number;               /* 1 is the first */
    int64_t beat_ms;               /* how often to say that all are alive; 0: nobody asks */
    struct cz__descriptors given;  /* of the generation before, not taken yet */
    struct cz__descriptors leaves; /* for the next: named here, owned by who opened them */
};

/* This process's. Context: master; its workers have a copy. */
extern struct cz__generation cz__generation;

/* Take in what the keeper has passed over exec; a process without a keeper stays alone. Errors: CZ_EVALIDATION, CZ_ENOMEM.
 * Context: at the start, before anything is opened. */
CZ_NODISCARD cz_status cz__generation_begin(cz_error *err);
static inline bool cz__generation_has_keeper(void)
{
    return cz__generation.keeper != 0;
}

/* Of the sockets of a service manager, "fd:3 shop.socket", the next one that has the name, any when that is empty, as "fd:3". Begin with
 * `*cursor` 0. False: there is no other. */
bool cz__generation_next_activated(size_t *cursor, cz_str name, char out[CZ__DESCRIPTOR_NAME]);
/* What the generation before left by this name, which is the caller's now; -1: nothing. */
int cz__generation_take(const char *name);
/* Leave a descriptor, which stays the caller's, to the next generation. Errors: as cz__descriptors_add(). */
CZ_NODISCARD cz_status cz__generation_leave(const char *name, int fd);
/* Close what was left and nobody has taken, but for sockets of a service manager. Context: when all is taken. */
void cz__generation_close_rest(void);
/* Tell the keeper that all workers are ready, and what is left to the next. Errors: CZ_EIO: it is gone. */
CZ_NODISCARD cz_status cz__generation_ready(uint64_t reload_timeout_ms, uint64_t drain_timeout_ms);
void cz__generation_beat(void);
/* What the keeper says: 'D' or 'N'; 0: nothing now; -1: it is gone. */
int cz__generation_hear(void);

/* ---- the keeper's side ---- */

struct cz__keeper_options {
    char *const *
        arguments; /* "run" and what follows, ended by NULL: with these the program is started again */
    cz_str bind;                /* of which "fd:3" are taken in */
    uint64_t reload_timeout_ms; /* for `check` and until a new generation is ready, each */
    void (*on_forked)(
        void *
            arg); /* in the keeper, once the first generation is another process: release what it opened */
    void *arg;
};

/* Become the keeper, in a process that has none: fork the first generation, and keep until the last has ended. In the first
 * generation it returns false and `cz__generation` is set; in the keeper it returns true when all is over, with the process's exit code.
 * Context: one thread, outside any loop. */
CZ_NODISCARD bool cz__keeper_run(const struct cz__keeper_options *options, int *out_code);

#endif
