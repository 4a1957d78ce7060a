/* runtime/server.h: the master and its workers.
 *
 * The master binds one SO_REUSEPORT socket per worker slot, keeps them open and hands each worker its
 * own, so a dying worker resets nobody's pending connection. It opens no database and parses no byte from
 * outside. A worker that dies is replaced first and reported after; one that dies again and again is
 * started with growing delay (100 ms doubling to 5 s), and a start that fails three times in a row before it is
 * ready, with no worker ever ready, ends the master with the error. One that asks to be replaced serves until another is ready in its
 * slot; of several that ask, one after the other.
 *
 * Signals: SIGTERM and SIGINT drain (the second stops at once), SIGUSR1 reopens logs in master and
 * workers. The master tells workers SIGTERM to drain and SIGQUIT to stop; a worker that anyone else sends
 * SIGTERM drains and is replaced.
 *
 * A master that has a keeper (generation.h) is one of several generations: it takes the sockets that the one before left, and at its
 * end leaves them as they are when another one serves them. What a second signal means is the keeper's to say.
 */
#ifndef CZ_RUNTIME_SERVER_H
#define CZ_RUNTIME_SERVER_H

#include <calzone/status.h>
#include "runtime/loop.h"
#include "runtime/sockets.h"

typedef struct cz__worker {
    unsigned slot;                 /* 0 .. workers-1 */
    unsigned place;                /* 0 .. 2*workers-1; no two that live have the same */
    const cz__listener *listeners; /* what they accept has TCP_NODELAY set */
    size_t listener_count;
    cz__loop *loop;
    void *user; /* the server's `user` */
    bool draining;
    bool replaced; /* it drains because another process serves at its addresses */
} cz__worker;

/* A process of the master's beside its workers, which work by it. It was started before them and ends after them; when it dies before
 * that, another is started, at once or, when it did not live for a second, with growing delay (100 ms doubling to 5 s). */
struct cz__companion {
    const char *name; /* for the log: "the process of the keys" */
    pid_t pid;        /* the one that runs; 0: none does */
    pid_t (*start)(
        void *
            arg); /* in the master: fork another; what keeps it from its work it logs itself. -1: errno */
    /* In the master: the worker of that place has ended. True: what it had of the process was of no use any more and was made anew,
     * which only another process knows: this one is killed. NULL: there is nothing to be seen to. */
    bool (*on_left)(void *arg, unsigned place);
    void *arg;
};

typedef struct cz__server_options {
    const char *const *bind;   /* addresses as cz__address_parse() reads them; port 0 picks one */
    size_t bind_count;         /* 1 to CZ__LISTEN_MAX */
    unsigned workers;          /* 0: one per core */
    uint64_t drain_timeout_ms; /* 0: 30,000; then what is left is cancelled */
    uint64_t stall_ms;        /* 0: 100; a handler that holds the loop longer is named in the log */
    size_t fiber_stack_bytes; /* 0: 256 KiB */
    unsigned fibers_max;      /* 0: 4096 a worker */
    unsigned pool_threads;    /* 0: 4; threads for blocking calls, started at first use */
    const struct cz__sandbox *sandbox; /* what workers may do; NULL: whatever the process may */
    uint64_t reload_timeout_ms;        /* what a keeper is told; 0: what it had */
    struct cz__companion *companion;   /* NULL: none */
    void *user;
    /* In the worker, before it is announced as ready: open databases, start the listener. */
    cz_status (*on_worker_start)(cz__worker *worker, cz_error *err);
    /* In the worker on SIGTERM: accept what waits already, remove the watches of its listeners (the master makes
     * them refuse connections right after, unless the worker is replaced), close what is idle; when nothing is left to
     * do call cz__worker_drained(). Called once. NULL: there is never anything left to do. */
    void (*on_worker_drain)(cz__worker *worker);
    /* In the worker after its loop ended. Contexts of fibers that were left have been cancelled, and had
     * half a second to unwind. */
    void (*on_worker_stop)(cz__worker *worker);
    /* In the master, once all sockets are bound and the first worker is ready, of a generation after the first all of them; prints
     * the addresses. */
    void (*on_ready)(const struct cz__sockets *sockets, unsigned workers, void *user);
} cz__server_options;

/* Run master and workers until a signal ends them. Returns the process's exit code: 0 after a drain,
 * 1 after a failure or a drain that was cut short, which is logged. Context: main thread, outside any loop. */
int cz__server_run(const cz__server_options *options);

/* Ask the master to replace this worker, which goes on until another is ready and then drains; `why` is logged: "after 1000 requests".
 * Once. Context: the worker's loop. */
void cz__worker_spent(const char *why);
/* The worker has nothing left to do and may end. Context: the worker's loop. */
void cz__worker_drained(cz__worker *worker);

#endif
