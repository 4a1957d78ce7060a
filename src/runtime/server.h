/* runtime/server.h: the master and its workers.
 *
 * The master binds one SO_REUSEPORT socket per worker slot, keeps them open and hands each worker its
 * own, so a dying worker resets nobody's pending connection. It opens no database and parses no byte from
 * outside. A worker that dies is replaced first and reported after; one that dies again and again is
 * started with growing delay (100 ms doubling to 5 s), and a start that fails three times in a row before it is
 * ready, with no worker ever ready, ends the master with the error.
 *
 * Signals: SIGTERM and SIGINT drain (the second stops at once), SIGUSR1 reopens logs, SIGHUP is reserved
 * for reload: it starts a new master with the inherited sockets (CZ_LISTEN_FDS names them) and drains the
 * old one.
 */
#ifndef CZ_RUNTIME_SERVER_H
#define CZ_RUNTIME_SERVER_H

#include <calzone/status.h>
#include "runtime/loop.h"

typedef struct cz__worker {
    unsigned slot;     /* 0 .. workers-1 */
    int listen_fd;     /* borrowed from the master, non-blocking */
    cz__loop *loop;
    void *user;        /* the server's `user` */
    bool draining;
} cz__worker;

typedef struct cz__server_options {
    const char *bind;          /* "127.0.0.1:8000", "[::1]:8000"; port 0 picks one */
    unsigned workers;          /* 0: one per core */
    uint64_t drain_timeout_ms; /* 0: 30,000; then what is left is cancelled */
    uint64_t stall_ms;         /* 0: 100; a handler that holds the loop longer is named in the log */
    size_t fiber_stack_bytes;  /* 0: 256 KiB */
    unsigned fibers_max;       /* 0: 4096 a worker */
    unsigned pool_threads;     /* 0: 4; threads for blocking calls, started at first use */
    void *user;
    /* In the worker, before it is announced as ready: open databases, start the listener. */
    cz_status (*on_worker_start)(cz__worker *worker, cz_error *err);
    /* In the worker on SIGTERM: stop accepting, close what is idle; when nothing is left to do call
     * cz__worker_drained(). Called once. */
    void (*on_worker_drain)(cz__worker *worker);
    /* In the worker after its loop ended. */
    void (*on_worker_stop)(cz__worker *worker);
    /* In the master, once all sockets are bound and the first worker is ready; prints the address. */
    void (*on_ready)(const char *address, unsigned workers, void *user);
} cz__server_options;

/* Run master and workers until a signal ends them. Returns the process's exit code: 0 after a drain,
 * 1 after a failure, which is logged. Context: main thread, outside any loop. */
int cz__server_run(const cz__server_options *options);

/* The worker has nothing left to do and may end. Context: the worker's loop. */
void cz__worker_drained(cz__worker *worker);

#endif
