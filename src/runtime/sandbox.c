#include "runtime/sandbox.h"
#include "runtime/privileges.h"

const char *cz__sandbox_lacks(void)
{
    const char *lacks = cz__landlock_lacks();
    return lacks ? lacks : cz__seccomp_lacks();
}

cz_status cz__sandbox_enter(const struct cz__sandbox *sandbox, cz_error *err)
{
    cz_status status = cz__privileges_drop_all(err);
    if (!status && !cz__landlock_lacks())
        status = cz__landlock_enter(sandbox, err);
    if (!status && !cz__seccomp_lacks())
        status = cz__seccomp_enter(sandbox, err);
    return status;
}

cz_status cz__sandbox_enter_alone(cz_error *err)
{
    static const struct cz__sandbox nothing = { .connect = { 0 },
                                                .connect_count = 1 }; /* port 0 is nobody's */
    cz_status status = cz__privileges_drop_all(err);
    if (!status && !cz__landlock_lacks())
        status = cz__landlock_enter(&nothing, err);
    if (!status && !cz__seccomp_lacks())
        status = cz__seccomp_enter_alone(err);
    return status;
}
