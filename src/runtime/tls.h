/* runtime/tls.h: TLS as a client, by OpenSSL 3's libssl, over bytes that somebody else sends and receives.
 *
 * The library is loaded when it is first asked for. A peer must have a certificate that leads to one that is trusted and names
 * the host; there is no way around that. TLS 1.2 or 1.3.
 */
#ifndef CZ_RUNTIME_TLS_H
#define CZ_RUNTIME_TLS_H

#include <calzone/buf.h>

typedef struct cz__tls_context cz__tls_context; /* whom to trust; for many connections */
typedef struct cz__tls cz__tls;                 /* one connection */

/* Trust the certificates of the file `ca` (PEM), or the system's when it is NULL. Errors: CZ_EUNSUPPORTED: there is no OpenSSL;
 * CZ_EVALIDATION: the file cannot be read or has none; CZ_ENOMEM. Context: start-up. */
CZ_NODISCARD cz_status cz__tls_context_create(const char *ca, cz__tls_context **out, cz_error *err);
void cz__tls_context_destroy(cz__tls_context *context); /* NULL does nothing */

/* A connection to `host`, a name or an address, which its certificate has to be for. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_create(const cz__tls_context *context, const char *host,
                                      cz__tls **out);
void cz__tls_destroy(cz__tls *tls); /* NULL does nothing */

/* Take bytes that the peer sent. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_feed(cz__tls *tls, const char *bytes, size_t len);
/* Go on with the handshake; `*out_done` when it is over. Errors: CZ_EPROTOCOL: cz__tls_reason() says why, as a certificate that
 * is not trusted. */
CZ_NODISCARD cz_status cz__tls_handshake(cz__tls *tls, bool *out_done);
/* Read what the peer said, at most `len` bytes; 0 of them: more has to be fed. Errors: CZ_EPROTOCOL; it closed the connection
 * among them. */
CZ_NODISCARD cz_status cz__tls_read(cz__tls *tls, char *out, size_t len, size_t *out_len);
/* Say something, after the handshake. Errors: CZ_EPROTOCOL, CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_write(cz__tls *tls, const char *bytes, size_t len);
/* Append what is to be sent to the peer, after each of the calls above. */
void cz__tls_take(cz__tls *tls, cz_buf *out);
/* Why the last call failed; until the next, or the end. */
const char *cz__tls_reason(const cz__tls *tls);

#endif
