/* A built binary under test: started with fork and exec, ended by its pid. */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <calzone/testing.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    uint16_t port, tls_port; /* 0: it has no https:// address */
    char log[600];           /* its standard error */
    char database[600];
};

/* "build/bin/bookstore": beside this test's own binary; a name with a slash in front is the path itself. */
const char *binary_path(const char *name);
bool is_sanitized(void);
/* The full form of a long test, or the short one when CZ_SHORT is set. */
int full_or_short(int full, int brief);

/* Run a binary with arguments and environment ("NAME=value"), both ended by NULL, in the test's
 * directory. The environment is these variables, PATH and the sanitizers' options, and nothing else.
 * Returns the exit code; what it printed on both outputs in `*out` (may be NULL). */
int run_binary(const char *name, const char *const *argv, const char *const *env, cz_str *out);

/* `NAME run --bind 127.0.0.1:0 --workers N` with ENV=test and a new database in the test's directory;
 * `env` (may be NULL) comes after and wins. Returns when it says that it serves. */
struct server server_start(const char *name, unsigned workers, const char *const *env);
/* The same with addresses of its own, the first of which is http://127.0.0.1:0; NULL: `run` alone, by its settings. */
struct server server_start_on(const char *name, const char *bind, unsigned workers,
                              const char *const *env);
/* SIGTERM and wait; ends the test when it takes longer than 30 s. Returns the exit code, -1 for a
 * signal's. Expects that no sanitizer has reported anything. */
int server_stop(struct server *server);
/* Wait without asking it to end. */
int server_wait(struct server *server);
cz_str server_log(const struct server *server);
/* The children of a process, at most `max`. */
size_t process_children(pid_t parent, pid_t *out, size_t max);
/* The pids of its masters, of which there are two during a reload; and of all their workers; at most `max`. */
size_t server_masters(const struct server *server, pid_t *out, size_t max);
size_t server_workers(const struct server *server, pid_t *out, size_t max);
/* And of the processes that have the keys of TLS. */
size_t server_key_processes(const struct server *server, pid_t *out, size_t max);

/* How often its log says `text`; and wait until it has said so that often, 20 s at most. */
size_t server_logged(const struct server *server, const char *text);
void server_wait_for_log(const struct server *server, const char *text, size_t times);
/* Its master, as soon as there is one alone. */
pid_t server_only_master(const struct server *server);
/* SIGHUP, and wait until another generation is the only one. */
void server_reload(const struct server *server);
#define SERVER_RELOADED "reloaded: another generation serves" /* what its log says then */

/* A setting of the Bookstore, and the header of a service that may write by it. */
#define BOOKSTORE_SERVICE "CLIENT_TOKENS=tests:a-token-for-the-tests"
#define BOOKSTORE_SERVICE_HEADER "Authorization: Bearer dGVzdHM6YS10b2tlbi1mb3ItdGhlLXRlc3Rz\r\n"
/* Header lines of every request of ask(), get() and post(), before its own; NULL: none. */
extern const char *ask_always;
/* One request on a connection of its own. NULL: it was not answered. */
const cz_answer *ask_raw(uint16_t port, cz_str bytes);
const cz_answer *ask(uint16_t port, const char *method, const char *target, const char *headers,
                     const char *body);
const cz_answer *get(uint16_t port, const char *target);
const cz_answer *post(uint16_t port, const char *target, const char *json);

/* What a shell command prints, on both outputs. $DIR is the test's directory, $PORT that of TLS, $PLAIN the other, $ARG
 * `argument`. */
cz_str shell(const struct server *server, const char *command, const char *argument);

/* A connection to it. */
int dial(uint16_t port);
/* How many descriptors a process has. */
size_t open_files(pid_t pid);

cz_str format(const char *text, ...) CZ_PRINTF(1, 2);
void sleep_ms(int ms);

#endif
