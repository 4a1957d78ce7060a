/* management/listening.h: what a site listens on, by BIND and the settings of TLS. */
#ifndef CZ_MANAGEMENT_LISTENING_H
#define CZ_MANAGEMENT_LISTENING_H

#include "http/tls_keys.h"
#include "management/project.h"
#include "runtime/sockets.h"

struct cz__listening {
    const char *addresses[CZ__LISTEN_MAX]; /* without the scheme */
    bool tls[CZ__LISTEN_MAX];
    size_t count;
    struct cz__tls_options certificates; /* of TLS_CERTIFICATES and its kin; count 0: none */
};

struct cz__listening_options {
    cz_str bind;      /* "127.0.0.1:8000, https://:8443, unix:/run/shop.sock" */
    unsigned workers; /* there will be */
    bool shut_in;     /* they are, and the process of the keys is */
};

/* Read the addresses and the certificates' names. Nothing is opened but the certificates, to see whether they can be used, and with
 * them the process of their keys is started, which cz__listening_done() ends. `out` points into the site's arena. Errors: CZ_EVALIDATION, CZ_EINVAL; CZ_EIO,
 * CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__listening_read(const struct cz__site *site,
                                          const struct cz__listening_options *options,
                                          struct cz__listening *out, cz_error *err);
void cz__listening_done(struct cz__listening *listening);
/* Of one of them where a browser finds it: "https://127.0.0.1:8443/"; "unix:/run/shop.sock" stays. */
void cz__listening_url(const struct cz__listening *listening, size_t index, const char *address,
                       char *out, size_t bytes);

#endif
