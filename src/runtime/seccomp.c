/* System calls that no server makes, by libseccomp: seccomp_init(3) and its kin, declared here as their manual has them. */
#include "base/library.h"
#include "runtime/sandbox.h"
#include <errno.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

typedef void *filter_ctx;
enum compare { COMPARE_EQ = 4, COMPARE_GT = 6, COMPARE_MASKED_EQ = 7 };
struct argument {
    unsigned index;
    enum compare compare;
    uint64_t a, b;
};
#define ALLOW 0x7fff0000u
#define REFUSE(error) (0x00050000u | (error))

#define FUNCTIONS(X)                                                                               \
    X(filter_ctx, seccomp_init, (uint32_t default_action))                                         \
    X(void, seccomp_release, (filter_ctx))                                                         \
    X(int, seccomp_load, (filter_ctx))                                                             \
    X(int, seccomp_syscall_resolve_name, (const char *name))                                       \
    X(int, seccomp_rule_add_array,                                                                 \
      (filter_ctx, uint32_t action, int call, unsigned count, const struct argument *))

static struct {
#define X(type, name, arguments) type(*name) arguments; /* NOLINT(bugprone-macro-parentheses) */
    FUNCTIONS(X)
#undef X
} seccomp;

static cz_status load(void)
{
    static struct cz__library library = { .file = "libseccomp.so.2",
                                          .from = " (package libseccomp2)",
                                          .name = "libseccomp",
                                          .need = "; version 2.5 is needed" };
    static const struct cz__symbol symbols[] = {
#define X(type, name, arguments) { #name, &seccomp.name },
        FUNCTIONS(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), NULL);
}

const char *cz__seccomp_lacks(void)
{
    return load() ? "libseccomp (package libseccomp2)" : NULL;
}

/* What is refused whatever its arguments are: the kernel's modules, keys, tracers, namespaces and clocks, other people's
 * memory, and ways past the checks of opened files. Names that a kernel lacks are passed over. */
static const char *const refused_calls[] = {
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mknod",
    "mknodat",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pivot_root",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setdomainname",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "sethostname",
    "setns",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "settimeofday",
    "setuid",
    "swapoff",
    "swapon",
    "sysfs",
    "syslog",
    "umount",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
    "vhangup",
    "vmsplice",
};

/* What is refused with some arguments. */
static const struct {
    const char *call;
    struct argument argument;
} refused_arguments[] = {
    /* memory that can be written and run: where an exploit puts its program */
    { "mmap", { 2, COMPARE_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC } },
    { "mprotect", { 2, COMPARE_MASKED_EQ, PROT_EXEC, PROT_EXEC } },
    { "pkey_mprotect", { 2, COMPARE_MASKED_EQ, PROT_EXEC, PROT_EXEC } },
    { "shmat", { 2, COMPARE_MASKED_EQ, 0100000, 0100000 } }, /* SHM_EXEC */
    /* namespaces, in which a kernel lets everybody be root */
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWNS, CLONE_NEWNS } },
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWCGROUP, CLONE_NEWCGROUP } },
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWUTS, CLONE_NEWUTS } },
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWIPC, CLONE_NEWIPC } },
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER } },
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWPID, CLONE_NEWPID } },
    { "clone", { 0, COMPARE_MASKED_EQ, CLONE_NEWNET, CLONE_NEWNET } },
    /* typing on the terminal of who started the server */
    { "ioctl", { 1, COMPARE_EQ, TIOCSTI, 0 } },
    { "ioctl", { 1, COMPARE_EQ, TIOCLINUX, 0 } },
    { "socket", { 0, COMPARE_GT, AF_NETLINK, 0 } },
};

/* All that is left to a thread that computes for others: its memory, its locks, its clock, chance, the descriptors it has. */
static const char *const calls_alone[] = {
    "brk",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "exit",
    "exit_group",
    "futex",
    "getcpu",
    "getpid",
    "getppid",
    "getrandom",
    "gettid",
    "gettimeofday",
    "madvise",
    "mremap",
    "munmap",
    "poll",
    "ppoll",
    "read",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rseq",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "sigaltstack",
    "time",
    "write", /* the last words of a failed assertion */
};

/* The same with some arguments. */
static const struct {
    const char *call;
    struct argument argument;
} arguments_alone[] = {
    { "mmap", { 2, COMPARE_MASKED_EQ, PROT_EXEC, 0 } },
    { "mprotect", { 2, COMPARE_MASKED_EQ, PROT_EXEC, 0 } },
};

static int add(filter_ctx filter, uint32_t action, const char *name,
               const struct argument *argument)
{
    int call = seccomp.seccomp_syscall_resolve_name(name);
    if (call < 0) /* this machine, or this libseccomp, has none of that name */
        return 0;
    return seccomp.seccomp_rule_add_array(filter, action, call, argument ? 1 : 0, argument);
}

/* Of families below the highest that is allowed those between. */
static int refuse_families(filter_ctx filter)
{
    int failed = 0;
    for (uint64_t family = 0; family < AF_NETLINK && !failed; family++) {
        struct argument is = { 0, COMPARE_EQ, family, 0 };
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
            failed = add(filter, REFUSE(EPERM), "socket", &is);
    }
    return failed;
}

static int add_rules(filter_ctx filter, const struct cz__sandbox *sandbox)
{
    static const char *const programs[] = { "execve", "execveat" };
    int failed = refuse_families(filter);
    for (size_t i = 0; i < CZ_COUNT(refused_calls) && !failed; i++)
        failed = add(filter, REFUSE(EPERM), refused_calls[i], NULL);
    for (size_t i = 0; i < CZ_COUNT(refused_arguments) && !failed; i++)
        failed =
            add(filter, REFUSE(EPERM), refused_arguments[i].call, &refused_arguments[i].argument);
    for (size_t i = 0; i < CZ_COUNT(programs) && !sandbox->programs && !failed; i++)
        failed = add(filter, REFUSE(EPERM), programs[i], NULL);
    if (!failed) /* its arguments lie in memory, where a filter cannot look; libc goes on with clone() */
        failed = add(filter, REFUSE(ENOSYS), "clone3", NULL);
    return failed;
}

static int add_rules_alone(filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < CZ_COUNT(calls_alone) && !failed; i++)
        failed = add(filter, ALLOW, calls_alone[i], NULL);
    for (size_t i = 0; i < CZ_COUNT(arguments_alone) && !failed; i++)
        failed = add(filter, ALLOW, arguments_alone[i].call, &arguments_alone[i].argument);
    return failed;
}

static cz_status load_filter(filter_ctx filter, int failed, cz_error *err)
{
    if (!failed)
        failed = seccomp.seccomp_load(filter);
    if (filter)
        seccomp.seccomp_release(filter);
    return failed ? cz_error_set(err, CZ_EIO, "the sandbox: seccomp: errno %d", -failed) : CZ_OK;
}

cz_status cz__seccomp_enter(const struct cz__sandbox *sandbox, cz_error *err)
{
    filter_ctx filter = seccomp.seccomp_init(ALLOW);
    return load_filter(filter, filter ? add_rules(filter, sandbox) : -ENOMEM, err);
}

cz_status cz__seccomp_enter_alone(cz_error *err)
{
    filter_ctx filter = seccomp.seccomp_init(REFUSE(EPERM));
    return load_filter(filter, filter ? add_rules_alone(filter) : -ENOMEM, err);
}
