/* runtime/generation_internal.h: what the keeper and a generation share. */
#ifndef CZ_RUNTIME_GENERATION_INTERNAL_H
#define CZ_RUNTIME_GENERATION_INTERNAL_H

#include <signal.h>
#include "runtime/generation.h"
#include "runtime/program.h"

#define CZ__GENERATION_VARIABLE "CZ_GENERATION"
#define CZ__INHERITED_VARIABLE "CZ_INHERITED_FDS"
#define CZ__ACTIVATED                                                                              \
    "fd:" /* with this begin the names of sockets of a service manager, which no generation closes */

enum { CZ__MESSAGE_BYTES = CZ__DESCRIPTOR_NAME + 16 };

/* Send a message, with a descriptor unless it is -1; waits for room. Errors: CZ_EIO: the other side is gone. */
CZ_NODISCARD cz_status cz__channel_send(int channel_fd, const char *text, int fd);
/* 1: a message, with a descriptor that is the caller's or -1; 0: none now; -1: the other side is gone. */
int cz__channel_receive(int channel_fd, char text[CZ__MESSAGE_BYTES], int *out_fd);

/* ---- keeper_start.c: what the keeper starts ---- */

/* A generation, as the keeper knows it. */
struct cz__kept {
    pid_t pid;      /* 0: none */
    int channel_fd; /* -1: none */
    unsigned number;
    int64_t ready_ms;            /* 0: it is not yet */
    struct cz__descriptors left; /* what it leaves, until it is ready */
};

struct cz__start {
    const struct cz__program *program;
    char *const *arguments;             /* "run" and what follows */
    const struct cz__descriptors *left; /* for the one that is started */
    int64_t beat_ms;
    sigset_t signals_before; /* the keeper's, and its children's again */
};

/* Run `check`, whose standard output goes nowhere. Returns its process id, or -1. */
pid_t cz__check_start(const struct cz__start *how);
/* Start a generation, whose number is set: with `executes` the program that lies there now, else a fork, in which this returns 0 and
 * cz__generation is set. Else its process id, with a channel, or -1. */
pid_t cz__kept_start(const struct cz__start *how, struct cz__kept *generation, bool executes);

#endif
