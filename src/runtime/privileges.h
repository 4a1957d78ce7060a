/* runtime/privileges.h: whom a server that was started as root runs as.
 *
 * Root is given up before anything is opened, by the master as well: files that are made belong to the user, and a fault in
 * the master is nobody's way to the machine. What is kept is CAP_NET_BIND_SERVICE, for ports below 1024, and over a reload;
 * workers give that up, too (sandbox.h).
 */
#ifndef CZ_RUNTIME_PRIVILEGES_H
#define CZ_RUNTIME_PRIVILEGES_H

#include <calzone/status.h>
#include <calzone/str.h>

enum cz__privileges {
    CZ__PRIVILEGES_USER,    /* it was not started as root */
    CZ__PRIVILEGES_DROPPED, /* it is somebody else now */
    CZ__PRIVILEGES_ROOT     /* it is root still: nobody was named, and the folder is root's */
};

/* As root become `user`, a name or a number; when that is empty the owner of `folder`. Whoever is not root becomes nobody else.
 * The capabilities a child may ever have are bounded, and programs that raise privileges raise none (no_new_privs).
 * Errors: CZ_EVALIDATION: there is no such user, it is root, or it is another and this is not root; CZ_EIO: the system
 * refused. Context: start-up, one thread, before files are opened. */
CZ_NODISCARD cz_status cz__privileges_drop(cz_str user, const char *folder,
                                           enum cz__privileges *out, cz_error *err);

/* Give up every capability. Errors: CZ_EIO. Context: a worker, before its threads. */
CZ_NODISCARD cz_status cz__privileges_drop_all(cz_error *err);

/* No core dumps, to files or to programs: what a worker knows must not be found on a disk. */
void cz__core_dumps_off(void);

#endif
