/* Servers of a test's own, on free ports of this machine, which end with the test. */
#ifndef TESTS_PRIVATE_SERVER_H
#define TESTS_PRIVATE_SERVER_H

#include <calzone/testing.h>
#include <sys/types.h>

struct private_server {
    uint16_t port;
    pid_t pid;
};

/* A socket that listens on a port that was free. */
int listen_anywhere(uint16_t *out_port);
/* Run a program until it takes connections on `server->port`; `argv` ends with NULL and its first is the program. Skips the
 * test where that is not installed. */
void private_server_run(struct private_server *server, const char *const *argv);
/* Stop it (SIGSTOP), and return when it has stopped; SIGCONT lets it go on. */
void private_server_stop(struct private_server *server);
/* End it at once, as a crash does. */
void private_server_kill(struct private_server *server);

/* redis-server, on `server->port`, or, when that is 0, on a free one; `more` (may be NULL) are options that come after,
 * ended by NULL. It keeps nothing when it ends. */
void redis_run(struct private_server *server, const char *const *more);
/* memcached, likewise. */
void memcached_run(struct private_server *server, const char *const *more);

#endif
