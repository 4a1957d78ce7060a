/* loadtest/connection.h: one connection to the server under load, that is asked one thing at a time.
 *
 * It is opened when it is first asked and kept open as HTTP/1.1 says. Bodies are read and dropped. All waiting is
 * the fiber's.
 */
#ifndef CZ_LOADTEST_CONNECTION_H
#define CZ_LOADTEST_CONNECTION_H

#include "runtime/fiber.h"
#include "runtime/listen.h"
#include "runtime/loop.h"
#include <calzone/buf.h>

/* What keeps a request from being answered. */
#define CZ__LOAD_FAILURE_MAP(X)                                                                    \
    X(CONNECT, "cannot connect")                                                                   \
    X(CLOSED, "connection lost")                                                                   \
    X(TIMEOUT, "timed out")                                                                        \
    X(MALFORMED, "malformed answer")

enum cz__load_failure {
    CZ__LOAD_NONE,
#define X(name, text) CZ__LOAD_##name,
    CZ__LOAD_FAILURE_MAP(X)
#undef X
        CZ__LOAD_FAILURE_COUNT
};

typedef struct cz__load_connection {
    cz_ctx *ctx;                       /* borrowed: of the fiber that asks */
    const struct cz__address *address; /* borrowed */
    int64_t timeout_ms;                /* of a request, its connecting included */
    int fd;                            /* -1: it is closed */
    cz__watch watch;
    cz__timer timer;
    cz__fiber *fiber; /* that waits; NULL: none does */
    bool ready, timed_out;
    cz_buf in;
} cz__load_connection;

/* A closed connection, in place; it may not move. */
void cz__load_connection_init(cz__load_connection *connection, cz_ctx *ctx,
                              const struct cz__address *address, int64_t timeout_ms);
void cz__load_connection_done(cz__load_connection *connection);

/* Send a request and read its answer; `is_head`: it is one of HEAD. The answer's status is in `*out_status` when
 * nothing failed; else the connection is closed. Context: fiber, suspends. */
enum cz__load_failure cz__load_ask(cz__load_connection *connection, cz_str request, bool is_head,
                                   uint16_t *out_status);

#endif
