#include "runtime/sockets.h"
#include <calzone/memory.h>
#include <calzone/str.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "runtime/generation_internal.h"

#define SOCKET_NAME "socket "
#define ACTIVATED CZ__ACTIVATED

static cz_status add(struct cz__sockets *sockets, const struct cz__socket *socket)
{
    if (sockets->item_count == sockets->item_cap) {
        size_t cap = sockets->item_cap ? 2 * sockets->item_cap : 16;
        struct cz__socket *items = cz_realloc(sockets->items, cap * sizeof *items);
        if (!items)
            return CZ_ENOMEM;
        sockets->items = items;
        sockets->item_cap = cap;
    }
    sockets->items[sockets->item_count++] = *socket;
    return CZ_OK;
}

/* ---- Sockets of a service manager ---- */

/* "fd:3" among names as "fd:3 shop.socket". */
static int find_activated(const char *text)
{
    const struct cz__descriptors *given = &cz__generation.given;
    size_t len = strlen(text);
    for (size_t i = 0; i < given->count; i++)
        if (!strncmp(given->items[i].name, text, len) && given->items[i].name[len] == ' ')
            return given->items[i].fd;
    return -1;
}

static cz_status open_activated(struct cz__sockets *sockets, unsigned index, const char *text,
                                cz_error *err)
{
    int given = find_activated(text), fd = given < 0 ? -1 : fcntl(given, F_DUPFD_CLOEXEC, 0);
    if (given < 0)
        return cz_error_set(err, CZ_EINVAL,
                            "cannot listen on %s: no service manager has passed such a socket "
                            "(LISTEN_FDS)",
                            text);
    struct cz__socket socket = { { fd, index, true }, 0, true, true };
    cz_status status = fd < 0 ? CZ_EIO : cz__listen_address(fd, &sockets->addresses[index]);
    if (!status)
        status = add(sockets, &socket);
    if (status && fd >= 0)
        close(fd);
    return status ? cz_error_set(err, status, "no descriptor for %s", text) : CZ_OK;
}

/* ---- Sockets of our own ---- */

/* Of those with the same text the how manieth one: "127.0.0.1:0, https://127.0.0.1:0". */
static unsigned ordinal(const char *const *bind, unsigned index)
{
    unsigned count = 0;
    for (unsigned i = 0; i < index; i++)
        count += strcmp(bind[i], bind[index]) == 0;
    return count;
}

/* Take what was left, or, of a slot of this generation, open it. CZ_ENOTFOUND: there is none, and none is needed. */
static cz_status open_one(struct cz__sockets *sockets, const char *const *bind,
                          struct cz__socket *socket, cz_error *err)
{
    char name[CZ__DESCRIPTOR_NAME];
    unsigned index = socket->listener.address, slot = socket->slot;
    struct cz__address *address = &sockets->addresses[index];
    cz_ignore(snprintf(name, sizeof name, SOCKET_NAME "%s %u #%u", bind[index],
                       ordinal(bind, index), slot)); /* an address fits */
    int *fd = &socket->listener.fd;
    *fd = cz__generation_take(name);
    cz_status status = CZ_OK;
    if (*fd < 0 && slot >= (cz__address_is_local(address) ? 1 : sockets->slots))
        return CZ_ENOTFOUND;
    socket->inherited = *fd >= 0;
    if (!socket->inherited)
        status = cz__listen_open(address, slot == 0, fd, err);
    else if (cz__listen_address(*fd, address))
        status = cz_error_set(err, CZ_EIO, "%s is no socket", name);
    if (!status)
        status = add(sockets, socket);
    if (!status)
        return cz__generation_leave(name, *fd);
    if (*fd >= 0)
        close(*fd);
    return status;
}

static cz_status open_address(struct cz__sockets *sockets, const char *const *bind, unsigned index,
                              cz_error *err)
{
    struct cz__address *address = &sockets->addresses[index];
    if (!strncmp(bind[index], ACTIVATED, strlen(ACTIVATED)))
        return open_activated(sockets, index, bind[index], err);
    cz_status status = cz__address_parse(bind[index], address, err);
    for (unsigned slot = 0; !status; slot++) {
        bool shared = cz__address_is_local(address) || slot >= sockets->slots;
        struct cz__socket socket = { { -1, index, shared }, slot, false, false };
        status = open_one(sockets, bind, &socket, err);
    }
    return status == CZ_ENOTFOUND ? CZ_OK : status;
}

cz_status cz__sockets_open(struct cz__sockets *sockets, const char *const *bind, size_t count,
                           unsigned slots, cz_error *err)
{
    cz_status status = CZ_OK;
    if (count > CZ__LISTEN_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "%zu addresses to listen on; %d are the most", count,
                            CZ__LISTEN_MAX);
    sockets->stopped = cz_calloc(slots, sizeof *sockets->stopped);
    if (!sockets->stopped)
        return cz_error_set(err, CZ_ENOMEM, "no memory for sockets");
    sockets->count = count;
    sockets->slots = slots;
    for (unsigned i = 0; i < count && !status; i++) {
        status = open_address(sockets, bind, i, err);
        if (!status)
            cz__address_write(&sockets->addresses[i], sockets->texts[i]);
    }
    return status;
}

/* ---- Ending ---- */

void cz__sockets_keep(struct cz__sockets *sockets, unsigned slot, cz__listener *out,
                      size_t *out_count)
{
    size_t count = 0;
    for (size_t i = 0; i < sockets->item_count; i++) {
        const struct cz__socket *socket = &sockets->items[i];
        if (socket->listener.shared || socket->slot == slot)
            out[count++] = socket->listener;
        else
            close(socket->listener.fd);
    }
    *out_count = count;
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
    for (size_t i = 0; i < sockets->item_count; i++) {
        const struct cz__socket *socket = &sockets->items[i];
        bool over = socket->listener.shared ? all_stopped(sockets) : socket->slot == slot;
        if (over && !socket->activated)
            cz__listen_stop(socket->listener.fd);
    }
}

void cz__sockets_hand_over(struct cz__sockets *sockets)
{
    for (size_t i = 0; i < sockets->item_count; i++)
        close(sockets->items[i].listener.fd);
    sockets->item_count = 0;
}

/* Of a name as "socket unix:/run/shop.sock 0 #0". */
static void remove_file_of(const char *name)
{
    char text[CZ__DESCRIPTOR_NAME];
    struct cz__address address;
    cz_ignore(snprintf(text, sizeof text, "%s", name + strlen(SOCKET_NAME))); /* it fits */
    for (int i = 0; i < 2 && strrchr(text, ' '); i++)
        *strrchr(text, ' ') = '\0';
    if (cz__address_parse(text, &address, NULL) == CZ_OK)
        cz__listen_remove(&address);
}

void cz__sockets_serve(struct cz__sockets *sockets)
{
    sockets->serves = true;
    const struct cz__descriptors *given = &cz__generation.given;
    const char *begin = SOCKET_NAME "unix:";
    for (size_t i = 0; i < given->count; i++)
        if (!strncmp(given->items[i].name, begin, strlen(begin)))
            remove_file_of(given->items[i].name);
}

void cz__sockets_close(struct cz__sockets *sockets)
{
    for (size_t i = 0; i < sockets->item_count; i++) {
        const struct cz__socket *socket = &sockets->items[i];
        if (!socket->activated && (sockets->serves || !socket->inherited))
            cz__listen_remove(&sockets->addresses[socket->listener.address]);
    }
    cz__sockets_hand_over(sockets);
    cz_free(sockets->items);
    cz_free(sockets->stopped);
    *sockets = (struct cz__sockets){ 0 };
}
