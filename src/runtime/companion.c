/* The process beside the workers, as the master cares for it. */
#include <calzone/log.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include "runtime/server_internal.h"

enum { STEADY_MS = 1000 };

static void schedule(struct cz__master *master)
{
    master->companion_due_ms =
        cz__now_ms() +
        (master->companion_deaths > 1 ? cz__respawn_delay_ms(master->companion_deaths) : 0);
}

static void start(struct cz__master *master)
{
    struct cz__companion *companion = master->options->companion;
    master->companion_due_ms = 0;
    master->companion_since_ms = cz__now_ms();
    cz_log_flush(true); /* else the child would write again what is gathered */
    fflush(NULL);
    pid_t pid = companion->start(companion->arg);
    if (pid > 0) {
        companion->pid = pid;
        return;
    }
    cz_log_error(NULL, "runtime", "a process could not be started",
                 CZ_FIELD_STR("process", cz_str_from(companion->name)),
                 CZ_FIELD_INT("errno", errno));
    master->companion_deaths++;
    schedule(master);
}

/* Start first, log after, as with workers. */
void cz__companion_reap(struct cz__master *master, pid_t pid, int wait_status)
{
    struct cz__companion *companion = master->options->companion;
    if (!companion || companion->pid != pid)
        return;
    companion->pid = 0;
    bool steady = cz__now_ms() - master->companion_since_ms >= STEADY_MS;
    master->companion_deaths = steady ? 0 : master->companion_deaths + 1;
    schedule(master);
    cz__companion_run_due(master, cz__now_ms());
    int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    cz_log_error(
        NULL, "runtime", "a process has died, and another is started",
        CZ_FIELD_STR("process", cz_str_from(companion->name)), CZ_FIELD_INT("pid", pid),
        CZ_FIELD_INT(signal ? "signal" : "exit_code", signal ? signal : WEXITSTATUS(wait_status)));
}

void cz__companion_on_left(const struct cz__master *master, unsigned place)
{
    const struct cz__companion *companion = master->options->companion;
    if (companion && companion->pid && companion->on_left &&
        companion->on_left(companion->arg, place))
        kill(companion->pid, SIGKILL); /* by which another is started */
}

void cz__companion_run_due(struct cz__master *master, int64_t now)
{
    if (master->state == CZ__STOPPING)
        master->companion_due_ms = 0;
    else if (master->companion_due_ms && now >= master->companion_due_ms)
        start(master);
}

void cz__companion_end(struct cz__master *master)
{
    struct cz__companion *companion = master->options->companion;
    if (!companion || !companion->pid)
        return;
    kill(companion->pid, SIGKILL); /* it keeps nothing that has to be written */
    while (waitpid(companion->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    companion->pid = 0;
}
