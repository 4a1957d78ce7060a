/* runtime/sandbox.h: what a worker may do to the machine once it serves.
 *
 * A worker reads what strangers send. Should one of them take it over, it has the rights of its process, and these are few:
 * files below some folders (Landlock), no new programs, no raw sockets, no tracing and none of the calls that servers never
 * make and kernels are broken by (seccomp), no capability. What is forbidden fails with EPERM or EACCES and ends nobody.
 */
#ifndef CZ_RUNTIME_SANDBOX_H
#define CZ_RUNTIME_SANDBOX_H

#include <calzone/status.h>

enum { CZ__SANDBOX_PATHS_MAX = 256, CZ__SANDBOX_PORTS_MAX = 64 };

struct cz__sandbox_path {
    const char *
        path; /* a folder, for all that is below, or a file; one that is not there is passed over */
    bool write; /* make, change and remove, too */
};

struct cz__sandbox {
    struct cz__sandbox_path paths[CZ__SANDBOX_PATHS_MAX];
    size_t path_count;
    uint16_t connect[CZ__SANDBOX_PORTS_MAX]; /* TCP ports that may be connected to; none: any */
    size_t connect_count;
    bool programs; /* may be started, those that may be read */
};

/* What of it this machine cannot do, for people; NULL: it can do all. Context: any. */
const char *cz__sandbox_lacks(void);

/* Shut the calling thread in, and all it starts; as far as the machine can. Errors: CZ_EIO:
 * the system refused what it can do; CZ_ETOOBIG. Context: a worker with one thread. */
CZ_NODISCARD cz_status cz__sandbox_enter(const struct cz__sandbox *sandbox, cz_error *err);

/* Shut the calling thread in so that it can but compute and use the descriptors it has: no file, no socket, no process, no
 * memory that runs, no other thread. What is not on a short list of calls fails with EPERM. As far as the machine can. Errors:
 * CZ_EIO. Context: any thread; others of the process are not shut in. */
CZ_NODISCARD cz_status cz__sandbox_enter_alone(cz_error *err);

/* landlock.c and seccomp.c: the halves of both. */
const char *cz__landlock_lacks(void);
CZ_NODISCARD cz_status cz__landlock_enter(const struct cz__sandbox *sandbox, cz_error *err);
const char *cz__seccomp_lacks(void);
CZ_NODISCARD cz_status cz__seccomp_enter(const struct cz__sandbox *sandbox, cz_error *err);
CZ_NODISCARD cz_status cz__seccomp_enter_alone(cz_error *err);

#endif
