/* calzone/middleware.h: what stands around every request and response.
 *
 * A middleware is called with the request and calls the next one inside it; before that it sees the
 * request, after it the response. One that does not call the next answers itself. What something further
 * in raises has become a response by the time the call returns, as in Django.
 *
 *     static void stamp(cz_ctx *ctx, cz_request *req, const cz_next *next)
 *     {
 *         cz_next_call(ctx, req, next);
 *         cz_respond_header(ctx, req, CZ_STR("X-Served-By"), CZ_STR("calzone"));
 *     }
 *     const cz_middleware stamp_middleware = { "stamp", stamp };
 *
 * A project lists them in order (project.h); the first is the outermost.
 */
#ifndef CALZONE_MIDDLEWARE_H
#define CALZONE_MIDDLEWARE_H

#include <calzone/routing.h>
#include <calzone/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_next cz_next;

struct cz_middleware {
    const char *name;
    void (*process)(cz_ctx *ctx, cz_request *req, const cz_next *next);
    /* Read settings at start, once for each list it stands in; may be NULL. Errors: CZ_EVALIDATION, which stops the start. */
    cz_status (*configure)(const cz_settings *settings, cz_error *err);
};

/* Whether a list, which may be NULL, has its NULL at the end; `route` is the pattern it stands around, NULL for the project's own.
 * Errors: CZ_EVALIDATION. Context: start-up. */
CZ_NODISCARD cz_status cz__middleware_check(const cz_middleware *const *list, const char *route,
                                            cz_error *err);

/* Run what stands further in, and at last the handler. Raises nothing but CZ_ECANCELED. */
void cz_next_call(cz_ctx *ctx, cz_request *req, const cz_next *next);

/* The middleware that was called with `next`: itself, for one that is embedded in options of its own. */
const cz_middleware *cz__next_middleware(const cz_next *next);

/* Gives each request an id: the client's X-Request-Id when it is 8 to 64 letters, digits, "-", "_" or
 * ".", else 64 random bits in hexadecimal. Answers with it and puts it into every log line. */
extern const cz_middleware cz_request_id;
/* One line a request, to ACCESS_LOG: time, id, client, method, path, status, bytes of the body and microseconds, as a JSON object
 * or, where LOG_FORMAT is console, for people. The query is left out: it may hold secrets. */
extern const cz_middleware cz_access_log;
/* Its line, for requests that never reached the middleware. */
void cz__access_log_write(const cz_ctx *ctx, const cz_request *req);
/* Content-Security-Policy and the rest of OWASP's secure headers, on every answer that does not set its
 * own; and Strict-Transport-Security (RFC 6797) over TLS, by SECURE_HSTS_SECONDS. */
extern const cz_middleware cz_security_headers;
/* Refuses with 400 a request whose Host is not in ALLOWED_HOSTS. An entry is a name, an address, or
 * ".example.com" for a domain and all below it; "*" allows any. */
extern const cz_middleware cz_host_check;
/* With SECURE_SSL_REDIRECT answers who comes without TLS with the same address over it: 301, or 308 where the request may have a
 * body, which is to come again. SECURE_SSL_HOST is the host, "www.example.com" or with a port; else it is the request's,
 * without its port. Behind a proxy the scheme is what TRUSTED_PROXIES tell. Belongs behind cz_host_check. */
extern const cz_middleware cz_https_redirect;
/* Compares against ALLOWED_HOSTS' list; what cz_host_check does. `host` may have a port. */
bool cz_host_is_allowed(cz_str host, const cz_str_list *allowed);

/* Runs what stands further in inside one transaction, as Django's ATOMIC_REQUESTS does: committed before the
 * answer leaves; rolled back when something was raised and not caught, when the status is 500 or more, and
 * when the client has gone away. What streams a body does so after the commit. On SQLite reads take no lock;
 * the first change or the first cz_atomic() takes it (transactions.h). Not among the default ones: list it for
 * the whole project, last, or for a route or an include. A commit that fails is raised. */
extern const cz_middleware cz_atomic_requests;

/* Where databases have replicas: lets a client that wrote read from replicas only when they have what it wrote, by
 * a cookie, calzone_position, and for clients without cookies a header of the answer, X-Read-After, that they send
 * back. Requests that are not GET, HEAD or OPTIONS read from the primary. List it outside cz_atomic_requests.
 * Without replicas it does nothing. */
extern const cz_middleware cz_read_your_writes;

/* Compresses answers for clients that take it: with zstd, br or gzip, as Accept-Encoding wants it and COMPRESSION orders them;
 * of each what is there. Text and what is like it, from COMPRESSION_MIN bytes on; whole bodies and streams, but no server-sent
 * events. Not what sets a cookie, nor what another site's page may have asked for with the client's own credentials, so that no
 * length tells a secret (BREACH), and the others are padded. Belongs behind cz_access_log, outside all that reads bodies. An
 * ETag "x" is "x-gzip" then, and what further in reads If-Match and If-None-Match finds "x" as well. Not among the default ones. */
extern const cz_middleware cz_compression;

/* The first five above, in the order they belong. */
extern const cz_middleware *const cz_default_middleware[];

#ifdef __cplusplus
}
#endif
#endif
