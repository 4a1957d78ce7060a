/* The processes that the keeper starts. */
#include <calzone/log.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "runtime/generation_internal.h"

enum { NOT_EXECUTED = 127, ARGUMENTS_MAX = 1024 };

/* In a child: as the keeper found it. */
static void restore_signals(const struct cz__start *how)
{
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGHUP, SIG_IGN); /* a terminal tells it to all; the keeper decides */
    sigprocmask(SIG_SETMASK, &how->signals_before, NULL);
}

static void execute(const struct cz__start *how, char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 2] = { program_invocation_name };
    size_t count = 0;
    for (; arguments[count] && count < ARGUMENTS_MAX; count++)
        argv[count + 1] = arguments[count];
    int reason = arguments[count] ? E2BIG : cz__program_execute(how->program, argv);
    cz_log_error(NULL, "runtime", "the program cannot be started",
                 CZ_FIELD_STR("command", cz_str_from(arguments[0])),
                 CZ_FIELD_STR("path", cz_str_from(how->program->path)),
                 CZ_FIELD_STR("error", cz_str_from(strerrorname_np(reason))));
    cz_log_flush(true);
    _exit(NOT_EXECUTED);
}

static pid_t fork_child(void)
{
    cz_log_flush(true); /* else the child would write again what is gathered */
    fflush(NULL);
    return fork();
}

pid_t cz__check_start(const struct cz__start *how)
{
    static char check[] = "check";
    static char *const arguments[] = { check, NULL };
    pid_t pid = fork_child();
    if (pid)
        return pid;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    restore_signals(how);
    if (null >= 0)
        dup2(null, STDOUT_FILENO); /* that all is well need not be told */
    execute(how, arguments);
    return 0; /* not reached */
}

static void execute_generation(const struct cz__start *how, unsigned number, int channel_fd)
{
    char text[80];
    cz_ignore(snprintf(text, sizeof text, "%d %lld %d %u", channel_fd, (long long)how->beat_ms,
                       (int)getppid(), number)); /* it fits */
    if (!setenv(CZ__GENERATION_VARIABLE, text, 1) && !fcntl(channel_fd, F_SETFD, 0) &&
        !cz__descriptors_pass(how->left, CZ__INHERITED_VARIABLE))
        execute(how, how->arguments);
    _exit(NOT_EXECUTED);
}

/* What others are told over exec. */
static void become_first(const struct cz__start *how, int channel_fd)
{
    cz__generation.channel_fd = channel_fd;
    cz__generation.keeper = getppid();
    cz__generation.beat_ms = how->beat_ms;
    cz__generation.given = *how->left;
}

pid_t cz__kept_start(const struct cz__start *how, struct cz__kept *generation, bool executes)
{
    int fds[2];
    pid_t keeper = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
        return -1;
    pid_t pid = fork_child();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        close(fds[0]);
        if (getppid() != keeper)
            _exit(1); /* it died before the line above */
        restore_signals(how);
        if (executes)
            execute_generation(how, generation->number, fds[1]);
        become_first(how, fds[1]);
        return 0;
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return pid;
    }
    generation->pid = pid;
    generation->channel_fd = fds[0];
    return pid;
}
