/* management/hardening.h: whom a site is served as, and what its workers may do, by settings. */
#ifndef CZ_MANAGEMENT_HARDENING_H
#define CZ_MANAGEMENT_HARDENING_H

#include "management/project.h"
#include "runtime/sandbox.h"

/* As root become the user, before a file is opened; dumps end. Errors: CZ_EVALIDATION, CZ_EIO. */
CZ_NODISCARD cz_status cz__site_give_up_root(const struct cz__site *site, cz_error *err);
/* Log that it is served as root, where it matters. */
void cz__site_warn_of_root(const struct cz__site *site);
/* What workers may do, in the site's arena: `*out` NULL when the setting SANDBOX says so. With `required` it is an error when the
 * machine can do less; otherwise that is logged. Errors: CZ_EVALIDATION, CZ_ENOMEM, CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__site_sandbox(const struct cz__site *site, bool required,
                                        const struct cz__sandbox **out, cz_error *err);

#endif
