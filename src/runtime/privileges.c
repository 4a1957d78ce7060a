#include "runtime/privileges.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITIES_MAX = 64, NAME_BYTES = 64, GROUPS_MAX = 1024 };

struct identity {
    uid_t uid;
    gid_t gid;
    char name[NAME_BYTES]; /* empty: the number has none */
    char home[256];        /* likewise */
};

static cz_status refused(cz_error *err, const char *call)
{
    return cz_error_set(err, CZ_EIO, "root could not be given up: %s: errno %d", call, errno);
}

/* ---- who ---- */

static void know(struct identity *out, const struct passwd *user)
{
    out->gid = user->pw_gid;
    if (strlen(user->pw_name) < sizeof out->name)
        memcpy(out->name, user->pw_name, strlen(user->pw_name) + 1);
    if (strlen(user->pw_dir) < sizeof out->home)
        memcpy(out->home, user->pw_dir, strlen(user->pw_dir) + 1);
}

static cz_status find_named(cz_str name, struct identity *out, cz_error *err)
{
    char text[NAME_BYTES] = "";
    uint64_t number = 0;
    if (name.len < sizeof text)
        memcpy(text, name.ptr, name.len);
    bool numeric = !cz_str_to_u64(name, &number) && number < UINT32_MAX;
    const struct passwd *user = numeric ? getpwuid((uid_t)number) : getpwnam(text);
    if (!user && !numeric)
        return cz_error_set(err, CZ_EVALIDATION, "there is no user \"%.*s\" on this machine",
                            CZ_STR_ARG(name));
    out->uid = user ? user->pw_uid : (uid_t)number;
    out->gid = (gid_t)out->uid; /* as containers have it, where a number has no name */
    if (user)
        know(out, user);
    if (!out->uid)
        return cz_error_set(err, CZ_EVALIDATION, "the user to serve as may not be root");
    return CZ_OK;
}

static cz_status find_owner(const char *folder, struct identity *out, cz_error *err)
{
    struct stat status;
    if (stat(folder, &status))
        return cz_error_set(err, CZ_EIO, "%s: errno %d", folder, errno);
    out->uid = status.st_uid;
    out->gid = status.st_gid;
    const struct passwd *user = getpwuid(status.st_uid);
    if (user)
        know(out, user);
    return CZ_OK;
}

/* ---- giving up ---- */

/* No program that is ever started gets more than these. */
static void bound_capabilities(void)
{
    for (unsigned long i = 0; i < CAPABILITIES_MAX; i++)
        if (i != CAP_NET_BIND_SERVICE)
            cz_ignore(prctl(PR_CAPBSET_DROP, i, 0, 0, 0)); /* the kernel may not know it */
}

/* Whether there is none to be given up, which a service manager may have seen to, and forbidden to change. */
static bool has_no_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];
    return !syscall(SYS_capget, &header, sets) && !sets[0].permitted && !sets[1].permitted &&
           !sets[0].inheritable && !sets[1].inheritable;
}

static cz_status set_capabilities(uint32_t kept, cz_error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2] = { { kept, kept, kept }, { 0, 0, 0 } };
    if (syscall(SYS_capset, &header, sets))
        return refused(err, "capset");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
        (kept && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0)))
        return refused(err, "prctl(PR_CAP_AMBIENT)");
    return CZ_OK;
}

static cz_status change_groups(const struct identity *to, cz_error *err)
{
    gid_t groups[GROUPS_MAX] = { to->gid };
    int count = GROUPS_MAX;
    if (!to->name[0] || getgrouplist(to->name, to->gid, groups, &count) < 0)
        count = 1;
    if (setgroups((size_t)count, groups))
        return refused(err, "setgroups");
    return setresgid(to->gid, to->gid, to->gid) ? refused(err, "setresgid") : CZ_OK;
}

static cz_status become(const struct identity *to, cz_error *err)
{
    bound_capabilities();
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
        return refused(err, "prctl(PR_SET_KEEPCAPS)");
    cz_status status = change_groups(to, err);
    if (status)
        return status;
    if (setresuid(to->uid, to->uid, to->uid))
        return refused(err, "setresuid");
    status = set_capabilities(1u << CAP_NET_BIND_SERVICE, err);
    if (status)
        return status;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return refused(err, "prctl(PR_SET_NO_NEW_PRIVS)");
    if (!setuid(0)) /* whatever the calls said */
        return cz_error_set(err, CZ_EIO, "root could not be given up: it could be taken again");
    if (to->name[0]) {
        setenv("USER", to->name, 1);
        setenv("LOGNAME", to->name, 1);
    }
    if (to->home[0])
        setenv("HOME", to->home, 1);
    return CZ_OK;
}

/* Somebody who is not root is asked to be who they are. */
static cz_status check_same(cz_str user, cz_error *err)
{
    struct identity named = { 0 };
    cz_status status = user.len ? find_named(user, &named, err) : CZ_OK;
    if (!status && user.len && named.uid != getuid())
        return cz_error_set(
            err, CZ_EVALIDATION,
            "only root can become the user \"%.*s\"; start as root, or as that user",
            CZ_STR_ARG(user));
    return status;
}

cz_status cz__privileges_drop(cz_str user, const char *folder, enum cz__privileges *out,
                              cz_error *err)
{
    struct identity to = { 0 };
    if (geteuid() != 0) {
        *out = CZ__PRIVILEGES_USER;
        return check_same(user, err);
    }
    cz_status status = user.len ? find_named(user, &to, err) : find_owner(folder, &to, err);
    if (!status && to.uid)
        status = become(&to, err);
    if (!status)
        *out = to.uid ? CZ__PRIVILEGES_DROPPED : CZ__PRIVILEGES_ROOT;
    return status;
}

cz_status cz__privileges_drop_all(cz_error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return refused(err, "prctl(PR_SET_NO_NEW_PRIVS)");
    return has_no_capabilities() ? CZ_OK : set_capabilities(0, err);
}

/* Of a limit of 0 the kernel still gives a dump to the program of core_pattern; 1 refuses that as well (core(5)). */
void cz__core_dumps_off(void)
{
    struct rlimit none = { 1, 1 };
    cz_ignore(setrlimit(RLIMIT_CORE, &none)); /* lowering is always allowed */
}
