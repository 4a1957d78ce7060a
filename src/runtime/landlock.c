/* Landlock (Documentation/userspace-api/landlock.rst of Linux): files below some folders, and ports. The numbers are of the
 * kernel's interface; headers of a distribution may be older than the kernel that runs. */
#include "runtime/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since which version of the interface the kernel knows a right. */
#define FS_RIGHTS(X)                                                                               \
    X(EXECUTE, 0, 1)                                                                               \
    X(WRITE_FILE, 1, 1)                                                                            \
    X(READ_FILE, 2, 1)                                                                             \
    X(READ_DIR, 3, 1)                                                                              \
    X(REMOVE_DIR, 4, 1)                                                                            \
    X(REMOVE_FILE, 5, 1)                                                                           \
    X(MAKE_CHAR, 6, 1)                                                                             \
    X(MAKE_DIR, 7, 1)                                                                              \
    X(MAKE_REG, 8, 1)                                                                              \
    X(MAKE_SOCK, 9, 1)                                                                             \
    X(MAKE_FIFO, 10, 1)                                                                            \
    X(MAKE_BLOCK, 11, 1)                                                                           \
    X(MAKE_SYM, 12, 1)                                                                             \
    X(REFER, 13, 2)                                                                                \
    X(TRUNCATE, 14, 3)                                                                             \
    X(IOCTL_DEV, 15, 5)

enum {
#define X(name, bit, since) FS_##name = 1 << (bit),
    FS_RIGHTS(X)
#undef X
        NET_BIND_TCP = 1 << 0,
    NET_CONNECT_TCP = 1 << 1,
    NET_SINCE = 4,
    SCOPE_ABSTRACT_SOCKETS = 1 << 0,
    SCOPE_SIGNALS = 1 << 1,
    SCOPE_SINCE = 6,
    RULE_PATH_BENEATH = 1,
    RULE_NET_PORT = 2,
    CREATE_VERSION = 1 /* a flag: tell the version */
};

/* What files have; the rest are of folders. */
enum { OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV };
enum {
    READING = FS_READ_FILE | FS_READ_DIR,
    WRITING = READING | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
              FS_MAKE_SOCK | FS_REFER | FS_TRUNCATE
};

struct ruleset {
    uint64_t fs, net, scoped;
};
struct path_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));
struct net_port {
    uint64_t allowed, port;
};

static int version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
}

const char *cz__landlock_lacks(void)
{
    return version() < 1 ? "Landlock, of Linux 5.13 (the kernel lacks it, or was started without)"
                         : NULL;
}

static uint64_t known_fs_rights(int abi)
{
    uint64_t rights = 0;
#define X(name, bit, since) rights |= abi >= (since) ? (uint64_t)FS_##name : 0;
    FS_RIGHTS(X)
#undef X
    return rights;
}

static cz_status refused(cz_error *err, const char *what, const char *path)
{
    return cz_error_set(err, CZ_EIO, "the sandbox: %s%s%s: errno %d", what, path ? " of " : "",
                        path ? path : "", errno);
}

static cz_status allow_path(int ruleset, const struct cz__sandbox_path *path, bool programs,
                            uint64_t known, cz_error *err)
{
    struct stat status;
    struct path_beneath rule = { .parent = open(path->path, O_PATH | O_CLOEXEC) };
    if (rule.parent < 0)
        return CZ_OK; /* nothing is there to be read */
    uint64_t rights = (path->write ? WRITING : READING) | (programs ? FS_EXECUTE : 0);
    if (fstat(rule.parent, &status) || !S_ISDIR(status.st_mode))
        rights &= OF_FILES;
    rule.allowed = rights & known;
    long failed = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    cz_status result = failed ? refused(err, "the rule", path->path) : CZ_OK;
    close(rule.parent);
    return result;
}

static cz_status add_rules(int ruleset, const struct cz__sandbox *sandbox,
                           const struct ruleset *handled, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < sandbox->path_count && !status; i++)
        status = allow_path(ruleset, &sandbox->paths[i], sandbox->programs, handled->fs, err);
    for (size_t i = 0; i < sandbox->connect_count && handled->net && !status; i++) {
        struct net_port rule = { NET_CONNECT_TCP, sandbox->connect[i] };
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0))
            status = refused(err, "the rule of a port", NULL);
    }
    return status;
}

cz_status cz__landlock_enter(const struct cz__sandbox *sandbox, cz_error *err)
{
    int abi = version();
    struct ruleset handled = { .fs = known_fs_rights(abi) };
    if (abi >= NET_SINCE)
        handled.net = NET_BIND_TCP | (sandbox->connect_count ? NET_CONNECT_TCP : 0);
    if (abi >= SCOPE_SINCE)
        handled.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    size_t bytes = abi >= SCOPE_SINCE ? sizeof handled
                   : abi >= NET_SINCE ? offsetof(struct ruleset, scoped)
                                      : offsetof(struct ruleset, net);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, bytes, 0);
    if (ruleset < 0)
        return refused(err, "landlock_create_ruleset", NULL);
    cz_status status = add_rules(ruleset, sandbox, &handled, err);
    if (!status && syscall(SYS_landlock_restrict_self, ruleset, 0))
        status = refused(err, "landlock_restrict_self", NULL);
    close(ruleset);
    return status;
}
