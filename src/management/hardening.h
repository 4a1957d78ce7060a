/* management/hardening.h: whom a site is served as, and what its workers may do, by settings. */
#ifndef CZ_MANAGEMENT_HARDENING_H
#define CZ_MANAGEMENT_HARDENING_H

#include "management/project.h"
#include "runtime/sandbox.h"

/* What `run` was told about it. */
struct cz__serving {
    const char *user; /* --user; NULL: the setting says */
    bool require_sandbox;
};

/* Of the arguments of `run` those that count before anything is opened; whatever is wrong with them `run` tells. */
struct cz__serving cz__serving_read(int argc, char **argv);

/* As root become the user, before a file is opened; dumps end. Errors: CZ_EVALIDATION, CZ_EIO. */
CZ_NODISCARD cz_status cz__site_give_up_root(const struct cz__site *site,
                                             const struct cz__serving *serving, cz_error *err);
/* Log that it is served as root, where it matters. */
void cz__site_warn_of_root(const struct cz__site *site);
/* What workers may do, in the site's arena: `*out` NULL when the setting SANDBOX says so. With `required` it is an error when the
 * machine can do less; otherwise that is logged. Errors: CZ_EVALIDATION, CZ_ENOMEM, CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__site_sandbox(const struct cz__site *site, bool required,
                                        const struct cz__sandbox **out, cz_error *err);

#endif
