/* http/tls.h: TLS as a server, by OpenSSL 3: TLS 1.2 and 1.3 alone, with forward secrecy and authenticated encryption.
 *
 * One cz__tls_server holds the certificates and rules of a worker; a connection keeps the one it began with, so they can be
 * replaced while connections live. */
#ifndef CZ_HTTP_TLS_H
#define CZ_HTTP_TLS_H

#include <calzone/memory.h>
#include <calzone/status.h>
#include <calzone/str.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct cz__tls_server cz__tls_server;
typedef struct cz__tls_session cz__tls_session;

enum { CZ__TLS_CERTIFICATES_MAX = 64 };

struct cz__tls_options {
    /* Files with PEM: a certificate with those that lead to its authority, and its key. A client that names a host (SNI, RFC
     * 6066) gets the first that is for it, others the first of all. */
    const char *const *certificates, *const *keys;
    size_t count;
    const char *
        client_ca; /* clients show a certificate that leads to one of this file; NULL: none is asked for */
    bool client_required; /* and who shows none is refused */
    bool http2;           /* is offered, before HTTP/1.1 */
    struct cz__tls_keys *
        process; /* has read those files (tls_keys.h), and signs; borrowed. NULL: keys are read here */
};

/* Errors: CZ_EUNSUPPORTED: there is no OpenSSL; CZ_EVALIDATION: a file that cannot be read, is none or does not fit its key;
 * CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_server_create(const struct cz__tls_options *options,
                                             cz__tls_server **out, cz_error *err);
void cz__tls_server_retain(cz__tls_server *server);
void cz__tls_server_release(cz__tls_server *server); /* NULL does nothing */
/* How many of its certificates are over. */
size_t cz__tls_server_expired(const cz__tls_server *server);

/* Choose the secret that tickets of sessions are sealed with (tls_tickets.c), if there is none yet. In the process that workers
 * are forked from, so each of them takes the tickets of the others. Errors: CZ_EUNSUPPORTED. */
CZ_NODISCARD cz_status cz__tls_tickets_begin(cz_error *err);

/* ---- one connection ---- */

/* Over `fd`, which stays the caller's. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_session_create(cz__tls_server *server, int fd,
                                              cz__tls_session **out);
void cz__tls_session_destroy(cz__tls_session *session); /* NULL does nothing */

/* Go on with the handshake. Errors: CZ_EAGAIN: the descriptor has to be ready first; CZ_EPROTOCOL: it failed, `*out_reason` says
 * why, static; CZ_EVALIDATION: what came is no TLS but HTTP. */
CZ_NODISCARD cz_status cz__tls_session_handshake(cz__tls_session *session, const char **out_reason);
/* As recv() and send() return and set errno. */
ssize_t cz__tls_session_read(cz__tls_session *session, char *room, size_t bytes);
ssize_t cz__tls_session_write(cz__tls_session *session, const struct iovec *parts, size_t count);
/* Whether bytes of the client were taken from the descriptor and not yet read, as far as is known: it will not be ready for them. */
bool cz__tls_session_has_more(const cz__tls_session *session);
/* Whether it has to write before it can go on reading. */
bool cz__tls_session_wants_out(const cz__tls_session *session);
/* Tell the client that nothing more comes (close_notify). */
void cz__tls_session_end(cz__tls_session *session);
/* What the client chose of ALPN, "http/1.1"; empty: nothing. */
cz_str cz__tls_session_protocol(const cz__tls_session *session);
/* The subject of the certificate that the client showed and that was verified, as RFC 2253 writes it, in `arena`; empty: it
 * showed none. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_session_peer(const cz__tls_session *session, cz_arena *arena,
                                            cz_str *out);

#endif
