#include "runtime/sockets.h"
#include <calzone/memory.h>
#include <fcntl.h>
#include <unistd.h>

static int *fd_at(const struct cz__sockets *sockets, unsigned slot, size_t index)
{
    return &sockets->fds[slot * sockets->count + index];
}

static cz_status open_address(struct cz__sockets *sockets, size_t index, const char *text,
                              cz_error *err)
{
    struct cz__address *address = &sockets->addresses[index];
    cz_status status = cz__address_parse(text, address, err);
    for (unsigned slot = 0; slot < sockets->slots && !status; slot++) {
        int *fd = fd_at(sockets, slot, index);
        if (slot == 0 || !cz__address_is_local(address))
            status = cz__listen_open(address, slot == 0, fd, err);
        else if ((*fd = fcntl(*fd_at(sockets, 0, index), F_DUPFD_CLOEXEC, 0)) < 0)
            status = cz_error_set(err, CZ_EIO, "no descriptor for %s", text);
    }
    cz__address_write(address, sockets->texts[index]);
    return status;
}

cz_status cz__sockets_open(struct cz__sockets *sockets, const char *const *bind, size_t count,
                           unsigned slots, cz_error *err)
{
    cz_status status = CZ_OK;
    if (count > CZ__LISTEN_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "%zu addresses to listen on; %d are the most", count,
                            CZ__LISTEN_MAX);
    sockets->fds = cz_calloc(slots * count, sizeof *sockets->fds);
    sockets->stopped = cz_calloc(slots, sizeof *sockets->stopped);
    if (!sockets->fds || !sockets->stopped)
        return cz_error_set(err, CZ_ENOMEM, "no memory for sockets");
    sockets->count = count;
    sockets->slots = slots;
    for (size_t i = 0; i < slots * count; i++)
        sockets->fds[i] = -1;
    for (size_t i = 0; i < count && !status; i++)
        status = open_address(sockets, i, bind[i], err);
    return status;
}

const int *cz__sockets_of(const struct cz__sockets *sockets, unsigned slot)
{
    return fd_at(sockets, slot, 0);
}

void cz__sockets_keep(struct cz__sockets *sockets, unsigned kept)
{
    for (unsigned slot = 0; slot < sockets->slots; slot++)
        for (size_t i = 0; i < sockets->count && slot != kept; i++)
            close(*fd_at(sockets, slot, i));
}

static bool all_stopped(const struct cz__sockets *sockets)
{
    unsigned stopped = 0;
    for (unsigned slot = 0; slot < sockets->slots; slot++)
        stopped += sockets->stopped[slot];
    return stopped == sockets->slots;
}

void cz__sockets_stop(struct cz__sockets *sockets, unsigned slot)
{
    sockets->stopped[slot] = true;
    for (size_t i = 0; i < sockets->count; i++)
        if (!cz__address_is_local(&sockets->addresses[i]) || all_stopped(sockets))
            cz__listen_stop(*fd_at(sockets, slot, i));
}

void cz__sockets_close(struct cz__sockets *sockets)
{
    for (size_t i = 0; sockets->fds && i < sockets->count * sockets->slots; i++)
        if (sockets->fds[i] >= 0)
            close(sockets->fds[i]);
    for (size_t i = 0; sockets->fds && i < sockets->count; i++)
        if (sockets->fds[i] >= 0) /* slot 0's: it was bound */
            cz__listen_remove(&sockets->addresses[i]);
    cz_free(sockets->fds);
    cz_free(sockets->stopped);
    *sockets = (struct cz__sockets){ 0 };
}
