/* What the master opens, and closes at its end. */
#include <calzone/memory.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "runtime/generation.h"
#include "runtime/listen.h"
#include "runtime/server_internal.h"

static cz_status open_signals(struct cz__master *master, cz_error *err)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told by its write */
    if (cz__generation_has_keeper() || !isatty(STDIN_FILENO))
        signal(SIGHUP, SIG_IGN); /* a service manager's "reload" must not end the service */
    sigemptyset(&master->signals);
    const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGCHLD };
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        sigaddset(&master->signals, numbers[i]);
    sigprocmask(SIG_BLOCK, &master->signals, &master->signals_before);
    sigset_t handled = master->signals;
    sigdelset(&handled, SIGQUIT); /* stays pending; blocked so that workers begin with it blocked */
    master->signal_fd = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
    int fds[2];
    if (master->signal_fd < 0 || pipe2(fds, O_NONBLOCK | O_CLOEXEC | O_DIRECT))
        return cz_error_set(err, CZ_EIO, "cannot set up signals or the report pipe: errno %d",
                            errno);
    master->report_read_fd = fds[0];
    master->report_write_fd = fds[1];
    return CZ_OK;
}

static size_t pulses_bytes(const struct cz__master *master)
{
    return 2 * master->count * sizeof(struct cz__pulse);
}

cz_status cz__master_set_up(struct cz__master *master, cz_error *err)
{
    const cz__server_options *options = master->options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    master->count = options->workers ? options->workers : cores > 0 ? (unsigned)cores : 1;
    if (master->count > CZ__WORKERS_MAX)
        master->count = CZ__WORKERS_MAX;
    cz__descriptor_limit_raise();
    struct cz__pulse *pulses =
        mmap(NULL, pulses_bytes(master), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    master->slots = cz_calloc(master->count, sizeof *master->slots);
    if (pulses == MAP_FAILED || !master->slots)
        return cz_error_set(err, CZ_ENOMEM, "no memory for %u workers", master->count);
    for (unsigned i = 0; i < master->count; i++)
        master->slots[i].pulse = &pulses[2 * i];
    for (unsigned i = 0; i < master->count; i++)
        master->slots[i].leaving_pulse = &pulses[2 * i + 1];
    master->pulses = pulses;
    cz_status status =
        cz__sockets_open(&master->sockets, options->bind, options->bind_count, master->count, err);
    return status ? status : open_signals(master, err);
}

void cz__master_tear_down(struct cz__master *master)
{
    cz__sockets_close(&master->sockets);
    for (unsigned i = 0; master->slots && i < master->count; i++)
        cz_free(master->slots[i].crash);
    if (master->pulses)
        munmap(master->pulses, pulses_bytes(master));
    cz_free(master->slots);
    const int fds[] = { master->signal_fd, master->report_read_fd, master->report_write_fd };
    for (size_t i = 0; i < CZ_COUNT(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (master->signal_fd >= 0)
        sigprocmask(SIG_SETMASK, &master->signals_before, NULL);
}
