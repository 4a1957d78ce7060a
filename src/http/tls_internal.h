/* http/tls_internal.h: what the files of TLS share. */
#ifndef CZ_HTTP_TLS_INTERNAL_H
#define CZ_HTTP_TLS_INTERNAL_H

#include <calzone/buf.h>
#include "http/tls_keys.h"
#include "runtime/openssl.h"

/* What OpenSSL noted first in this thread, and forget the rest; "the connection was closed" when it is nothing. */
const char *cz__tls_noted(void);
/* Read files with PEM into `ssl`; the key must be that of the certificate. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__tls_use_certificate(SSL_CTX *ssl, const char *certificate,
                                               cz_error *err);
CZ_NODISCARD cz_status cz__tls_use_key(SSL_CTX *ssl, const char *certificate, const char *key,
                                       cz_error *err);

/* ---- tls_keys.c ---- */

enum {
    CZ__TLS_CHAINS_MAX = 1 << 20, /* bytes of all certificates together */
    CZ__TLS_RSA_BITS_MAX = 8192
};

struct cz__tls_keys {
    struct cz__tls_keys_options options;
    pid_t master, pid;
    size_t place_count;
    int (*pairs)[2]; /* of each place the worker's end and the process's; owned */
    /* The certificates as DER, each behind its length of 4 bytes; a length of 0 ends the chain of one. */
    cz_buf chains;
    /* In a worker: */
    int fd;
    bool silent;      /* the process gave no answer, and nothing came since */
    int64_t retry_ms; /* while it is silent: when it is asked again */
    const char *failure;
};

/* The next certificate of a chain in DER; false: `*chain` is at its end. */
bool cz__tls_chain_next(cz_str *chain, cz_str *out);
/* The chain of the certificate of that number. */
cz_str cz__tls_chain(const cz__tls_keys *keys, size_t index);
/* Have `ssl` show a chain. Errors: CZ_EVALIDATION, CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__tls_use_chain(SSL_CTX *ssl, OSSL_LIB_CTX *library, cz_str chain,
                                         cz_error *err);

/* ---- tls_key_process.c ---- */

/* What the process does from its fork on. With `report_fd` it is the first one: it reads the certificates, too, and writes there a status
 * (4 bytes) with the sentence of an error or the chains; -1: it is one that takes over, and logs its error. */
CZ_NORETURN void cz__tls_key_process(cz__tls_keys *keys, int report_fd);

/* ---- tls_provider.c: OpenSSL with keys that are elsewhere ---- */

/* A library of OpenSSL in which such keys sign. NULL: there is none, and OpenSSL noted why. */
OSSL_LIB_CTX *cz__tls_provider_library(void);
/* Have `ssl`, of that library, which shows certificate `index`, sign by `keys`. False: OpenSSL noted why. */
bool cz__tls_provider_use(SSL_CTX *ssl, cz__tls_keys *keys, unsigned index);

#endif
