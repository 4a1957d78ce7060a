/* Clients that ask a server all the time while it is reloaded, and count what was not answered whole. */
#ifndef TESTS_RELOAD_LOAD_H
#define TESTS_RELOAD_LOAD_H

#include "server.h"

enum load_kind {
    LOAD_KEEP_ALIVE, /* one request after another on a connection, with pauses now and then */
    LOAD_PIPELINE,   /* several at once */
    LOAD_UPLOAD,     /* slow bodies, counted and chunked */
    LOAD_FRESH,      /* a connection a request */
    LOAD_WRITE,      /* rows into the database, which both generations have open */
    LOAD_HTTP2,      /* inside TLS, by curl with twenty streams at a time */
    LOAD_RELOADED, /* those above go on over reloads, and nothing of them fails; those below are for servers that stay */
    LOAD_WEBSOCKET = LOAD_RELOADED, /* messages, with and without a last word */
    LOAD_STREAM,                    /* an answer that is streamed, and a file */
    LOAD_ABORT,                     /* resets in the middle of requests, bodies and answers */
    LOAD_ERROR,                     /* what is refused, and a handler that fails */
    LOAD_KINDS
};

struct load_tally {
    uint64_t answered, failed;
    char first_failure[200];
};

struct load {
    struct load_tally *tallies; /* of each kind; shared with the clients */
    bool *stop;                 /* likewise */
    pid_t clients[LOAD_KINDS];
    int count; /* of kinds */
};

/* `lab run` on a port for each of both protocols; a bind that begins so may follow. Skips the test where openssl is not installed. */
#define LOAD_BIND "127.0.0.1:0, https://127.0.0.1:0"
struct server load_server(const char *bind, unsigned workers);
/* Start a client of every kind against it that goes on over reloads; and of every kind. */
struct load load_start(const struct server *server);
struct load load_start_all(const struct server *server);
/* How many requests were answered. */
uint64_t load_answered(const struct load *load);
/* Stop them and wait. What they counted stays in the tallies. */
void load_stop(struct load *load);
/* That each kind was answered, always. The figures are printed, or added to the file that CZ_LOAD_REPORT names. */
void load_expect_no_failure(const struct load *load);

#endif
