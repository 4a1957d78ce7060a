/* Sockets that a service manager has opened (sd_listen_fds(3)). */
#include <calzone/str.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "runtime/generation_internal.h"
#include "runtime/listen.h"
#include "runtime/notify.h"

enum { FIRST = 3 };

static cz_status add_socket(struct cz__descriptors *list, int fd, cz_str given, cz_error *err)
{
    char name[CZ__DESCRIPTOR_NAME];
    int flags = fcntl(fd, F_GETFL);
    if (!cz__listens(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return cz_error_set(err, CZ_EVALIDATION,
                            "LISTEN_FDS: descriptor %d is no socket that listens for streams of IP "
                            "or Unix; a .socket unit has those as ListenStream=, with Accept=no",
                            fd);
    int len = snprintf(name, sizeof name, "fd:%d %.*s", fd, CZ_STR_ARG(given));
    cz_status status = len < (int)sizeof name ? cz__descriptors_add(list, name, fd) : CZ_EINVAL;
    return status == CZ_EINVAL
               ? cz_error_set(err, CZ_EVALIDATION,
                              "LISTEN_FDNAMES: the name of descriptor %d is too long, or has a "
                              "control byte",
                              fd)
               : status;
}

static cz_status receive(struct cz__descriptors *list, const char *pid, const char *fds,
                         const char *names, cz_error *err)
{
    uint64_t for_whom, count;
    if (!pid || cz_str_to_u64(cz_str_from(pid), &for_whom))
        return cz_error_set(err, CZ_EVALIDATION, "LISTEN_FDS is set and LISTEN_PID is no number");
    if (for_whom != (uint64_t)getpid())
        return CZ_OK;
    if (cz_str_to_u64(cz_str_from(fds), &count) || !count || count > CZ__DESCRIPTORS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "LISTEN_FDS: \"%.*s\" is no number of sockets", 40,
                            fds);
    cz_str rest = cz_str_from(names ? names : "");
    if (names && cz_str_count(rest, ':') + 1 != count)
        return cz_error_set(err, CZ_EVALIDATION,
                            "LISTEN_FDNAMES names %zu sockets and LISTEN_FDS says %zu",
                            cz_str_count(rest, ':') + 1, (size_t)count);
    cz_status status = CZ_OK;
    for (uint64_t i = 0; i < count && !status; i++)
        status = add_socket(list, FIRST + (int)i,
                            names ? cz_str_cut(&rest, ':') : CZ_STR("unknown"), err);
    return status;
}

/* Of "https://fd:3"; -1: it names none. */
static int number_of(cz_str address)
{
    uint64_t number;
    size_t scheme = cz_str_find(address, CZ_STR("://"));
    if (scheme != SIZE_MAX)
        address = cz_str_tail(address, scheme + 3);
    if (!cz_str_starts_with(address, CZ_STR(CZ__ACTIVATED)) ||
        cz_str_to_u64(cz_str_tail(address, strlen(CZ__ACTIVATED)), &number) || number > INT32_MAX)
        return -1;
    return (int)number;
}

static bool has(const struct cz__descriptors *list, int fd)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].fd == fd)
            return true;
    return false;
}

/* What is none is told by whoever is to listen there. */
static cz_status receive_by_number(struct cz__descriptors *list, cz_str bind, cz_error *err)
{
    cz_status status = CZ_OK;
    while (bind.len && !status) {
        int fd = number_of(cz_str_trim(cz_str_cut(&bind, ',')));
        if (fd >= FIRST && !has(list, fd) && cz__listens(fd))
            status = add_socket(list, fd, CZ_STR("inherited"), err);
    }
    return status;
}

cz_status cz__activation_receive(struct cz__descriptors *list, cz_str bind, cz_error *err)
{
    const char *fds = getenv("LISTEN_FDS");
    cz_status status =
        fds ? receive(list, getenv("LISTEN_PID"), fds, getenv("LISTEN_FDNAMES"), err) : CZ_OK;
    if (!status)
        status = receive_by_number(list, bind, err);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return status;
}
