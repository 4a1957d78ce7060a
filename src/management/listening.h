/* management/listening.h: what a site listens on, by BIND and the settings of TLS. */
#ifndef CZ_MANAGEMENT_LISTENING_H
#define CZ_MANAGEMENT_LISTENING_H

#include "http/tls.h"
#include "management/project.h"
#include "runtime/sockets.h"

struct cz__listening {
    const char *addresses[CZ__LISTEN_MAX]; /* without the scheme */
    bool tls[CZ__LISTEN_MAX];
    size_t count;
    struct cz__tls_options certificates; /* of TLS_CERTIFICATES and its kin; count 0: none */
};

/* Read "127.0.0.1:8000, https://:8443, unix:/run/shop.sock" and the certificates' names; nothing is opened but the certificates,
 * to see whether they can be used. `out` points into the site's arena. Errors: CZ_EVALIDATION, CZ_EINVAL; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__listening_read(const struct cz__site *site, cz_str bind,
                                          struct cz__listening *out, cz_error *err);
/* Of one of them where a browser finds it: "https://127.0.0.1:8443/"; "unix:/run/shop.sock" stays. */
void cz__listening_url(const struct cz__listening *listening, size_t index, const char *address,
                       char *out, size_t bytes);

#endif
