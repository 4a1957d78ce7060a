/* http/tls_keys.h: the keys of certificates in a process of their own.
 *
 * A process that parses what strangers send must not know what can't be taken back. So the files of certificates and keys are read by
 * a process that is forked for it. It tells its master the certificates, keeps the keys, shuts itself in and signs handshakes
 * (tls_signing.h); neither the master nor a worker ever has a byte of a key.
 *
 * Each place for a worker has a pair of sockets, both ends of which the master keeps: so they outlive the worker, whose replacement
 * inherits its end, and the process, whose successor goes on with the others' ends. What was asked of one that died is asked again
 * when the next one says that it is there.
 */
#ifndef CZ_HTTP_TLS_KEYS_H
#define CZ_HTTP_TLS_KEYS_H

#include "http/tls.h"
#include "http/tls_signing.h"

typedef struct cz__tls_keys cz__tls_keys;

enum { CZ__TLS_KEYS_WORKERS_MAX = 256, CZ__TLS_KEYS_PLACES_MAX = 2 * CZ__TLS_KEYS_WORKERS_MAX };

struct cz__tls_keys_options {
    const char *const *certificates, *const *keys; /* as those of cz__tls_options; borrowed */
    size_t count;
    unsigned workers;   /* 1 to CZ__TLS_KEYS_WORKERS_MAX; there are two places for each */
    bool shut_in;       /* the process enters the sandbox, as far as the machine can */
    uint64_t linger_ms; /* how long it goes on for workers whose master has died */
};

/* Fork the process, and wait until it has read the files. Errors: as cz__tls_server_create(), with the same sentences; CZ_EVALIDATION: a
 * key of a kind that it does not sign with; CZ_EIO. Context: the master, with one thread, before its workers. */
CZ_NODISCARD cz_status cz__tls_keys_start(const struct cz__tls_keys_options *options,
                                          cz__tls_keys **out, cz_error *err);
/* The process that was started last. */
pid_t cz__tls_keys_pid(const cz__tls_keys *keys);
/* Fork another in its place. It reads the files of the keys again; one that is not that of the certificate which is served is logged
 * there, and ends it. -1: errno. Context: the master. */
pid_t cz__tls_keys_restart(void *keys);
/* The worker of that place has ended: if it left the pair in a state in which its replacement gets no answers, make another, which only
 * a process knows that is started after that. Returns whether it did. Context: the master, while the process lives. */
bool cz__tls_keys_left(void *keys, unsigned place);
/* Close the sockets, by which the process ends when no worker has one, and wait for it unless somebody has. NULL does nothing. Context:
 * the master. */
void cz__tls_keys_destroy(cz__tls_keys *keys);

/* This process is the worker of that place: it lets go of all other sockets. Context: the worker, once, before it serves. */
void cz__tls_keys_join(cz__tls_keys *keys, unsigned place);

/* Have bytes signed with the key of the certificate of that number. Waits for the answer, 2 s at most; when there was none, later calls
 * fail at once, but for a short try each second, until the process answers or another one says that it is there.
 * Errors: CZ_EUNAVAILABLE: no answer; CZ_EDENIED: it refused. Context: a worker that has joined. */
CZ_NODISCARD cz_status cz__tls_keys_sign(cz__tls_keys *keys, unsigned key,
                                         const struct cz__scheme *scheme, cz_str bytes,
                                         unsigned char out[CZ__SIGNATURE_MAX], size_t *out_len);
/* Why the last call failed, static; NULL: it did not. Once. */
const char *cz__tls_keys_failure(cz__tls_keys *keys);

#endif
