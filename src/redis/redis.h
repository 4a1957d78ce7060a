/* redis/redis.h: one connection of a process to a database of a Redis server, for all that keep something there.
 *
 * Commands of one request are sent in one piece, and their replies come in one. Server 4.0 or newer, or one that speaks as it
 * does (Valkey, KeyDB).
 */
#ifndef CZ_REDIS_REDIS_H
#define CZ_REDIS_REDIS_H

#include "redis/hiredis.h"
#include "runtime/link.h"
#include <calzone/settings.h>

enum { CZ__REDIS_ELEMENTS_MAX = 1 << 20 }; /* of a reply's array */

typedef struct cz__redis cz__redis;
struct cz__redis {
    cz__link link;
    cz__redis *next; /* of those that are open */
    unsigned users;
    char *user, *password; /* owned */
    cz__tls_context *tls;  /* of rediss://, owned; NULL: none */
    char *ca;              /* of the URL, owned; "": the system's */
    int64_t number;        /* of the database */
    size_t hello_left;     /* replies to come before requests are sent */
    char refusal[160];     /* what the server said instead */
    redisReader *reader;   /* NULL: no connection */
    redisReplyObjectFunctions functions;
};

struct cz__redis_request {
    struct cz__link_request link; /* first */
    size_t expected, got;
    redisReply *replies[]; /* as many as got */
};

/* Whether a parameter of a URL's query is read here: `ca` of rediss://. */
bool cz__redis_has_parameter(const cz_url *url, cz_str name);
/* What a URL "redis://user:password@host:port/number" names, or "rediss://", by TLS, asking no server; who names the same shares
 * one connection. `what` begins an error's sentence: "the URL of the cache \"pages\"". The rest of the query is the caller's
 * to read. Errors: CZ_EVALIDATION; CZ_EUNSUPPORTED: libhiredis or OpenSSL is missing; CZ_ENOMEM. Context: start-up. */
CZ_NODISCARD cz_status cz__redis_open(const cz_url *url, const char *what, cz__redis **out,
                                      cz_error *err);
/* NULL does nothing. */
void cz__redis_close(cz__redis *redis);

/* Append a command of `count` arguments. */
void cz__redis_command(cz_buf *out, const cz_str *arguments, size_t count);

/* Send commands and wait for as many replies, at most `timeout_ms`; the caller ends them with cz__redis_done(). `commands` is
 * taken and ended in any case. Errors: CZ_EUNAVAILABLE: the server is away, or does not answer in time; CZ_ENOMEM; those of
 * cz__fiber_wait(). Context: worker, may suspend; in a command it waits. */
CZ_NODISCARD cz_status cz__redis_ask(cz_ctx *ctx, cz__redis *redis, cz_buf *commands,
                                     size_t replies, int64_t timeout_ms,
                                     struct cz__redis_request **out);
void cz__redis_done(struct cz__redis_request *request);

/* ---- scripts (script.c) ---- */

/* A script in Lua, which the server keeps under a hash that it tells: sent whole once to each server, then by that. */
typedef struct cz__redis_script {
    const char *text;
    char hash[41];  /* empty: not known yet */
    bool is_unkept; /* the server refused to keep it: whole each time */
} cz__redis_script;

/* Run a script with `count` arguments, of which the first is the number of keys; its reply is the request's first. As
 * cz__redis_ask(). What the server refuses is an error's reply. */
CZ_NODISCARD cz_status cz__redis_run(cz_ctx *ctx, cz__redis *redis, cz__redis_script *script,
                                     const cz_str *arguments, size_t count, int64_t timeout_ms,
                                     struct cz__redis_request **out);

#endif
