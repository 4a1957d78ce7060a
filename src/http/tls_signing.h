/* http/tls_signing.h: what a worker asks of the process that has the keys (tls_keys.h), and what that takes.
 *
 * A request is one message: whose key, by which scheme of TLS, over which bytes. They are what a TLS server signs in a
 * handshake (RFC 8446, 4.4.3; RFC 8422, 5.4) and are taken in no other form: who has a worker can have handshakes signed for as
 * long as that lasts, but no certificate, token or program, and decrypt nothing. An answer is the request's number and the
 * signature; one without a signature is a refusal, and number 0 says that another process has taken over. */
#ifndef CZ_HTTP_TLS_SIGNING_H
#define CZ_HTTP_TLS_SIGNING_H

#include <calzone/status.h>
#include <calzone/str.h>

enum {
    CZ__SIGNING_HEAD = 16,
    CZ__SIGNED_MAX = 165,     /* of TLS 1.2 with a point of P-384 */
    CZ__SIGNATURE_MAX = 1024, /* of RSA with 8192 bits */
    CZ__SIGNING_MAX = CZ__SIGNING_HEAD + CZ__SIGNED_MAX,
    CZ__SIGNED_ANSWER_MAX = 8 + CZ__SIGNATURE_MAX
};

/* How keys of a type sign (RFC 8446, 4.2.3). */
struct cz__scheme {
    uint16_t number;
    bool tls12_alone;
    bool pss;
    const char *type;   /* of keys, as OpenSSL names it: "RSA", "EC", "ED25519" */
    const char *digest; /* NULL: the scheme has its own */
};

/* NULL: there is none, or it is not signed by. */
const struct cz__scheme *cz__scheme_numbered(uint16_t number);
/* `digest` as OpenSSL names it: "SHA2-256" or "SHA256"; NULL or empty: none. */
const struct cz__scheme *cz__scheme_of(const char *type, const char *digest, bool pss);

struct cz__signing {
    uint64_t id; /* of the worker's choice; not 0 */
    const struct cz__scheme *scheme;
    unsigned key; /* which of the certificates' */
    cz_str bytes; /* what is to be signed; read, it lies in the message */
};

/* Read a message. Errors: CZ_EPROTOCOL: it is none; `*out` is as it was. Context: any. */
CZ_NODISCARD cz_status cz__signing_read(cz_str message, struct cz__signing *out);
/* Write one; returns its length. `bytes` has CZ__SIGNED_MAX at most, and is not looked at. */
size_t cz__signing_write(const struct cz__signing *signing, unsigned char out[CZ__SIGNING_MAX]);

#endif
