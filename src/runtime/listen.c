#include "runtime/listen.h"
#include <arpa/inet.h>
#include <calzone/str.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096, DESCRIPTORS_WANTED = 65536 };

static bool read_port(cz_str text, in_port_t *out)
{
    uint64_t port;
    if (cz_str_to_u64(text, &port) || port > 65535)
        return false;
    *out = htons((uint16_t)port);
    return true;
}

static cz_status parse_local(cz_str path, struct cz__address *out, cz_error *err)
{
    struct cz__address address = { .local = { .sun_family = AF_UNIX },
                                   .bytes = sizeof address.local };
    bool control = false;
    for (size_t i = 0; i < path.len; i++)
        control |= (unsigned char)path.ptr[i] < ' ' || path.ptr[i] == 0x7f;
    if (!path.len || path.len >= sizeof address.local.sun_path || control)
        return cz_error_set(
            err, CZ_EINVAL,
            "cannot listen on \"unix:%.*s\": want a path of 1 to %zu bytes, none of them "
            "a control byte",
            CZ_STR_ARG(path), sizeof address.local.sun_path - 1);
    memcpy(address.local.sun_path, path.ptr, path.len);
    *out = address;
    return CZ_OK;
}

cz_status cz__address_parse(const char *text, struct cz__address *out, cz_error *err)
{
    cz_str all = cz_str_from(text ? text : "");
    if (cz_str_starts_with(all, CZ_STR("unix:")))
        return parse_local(cz_str_tail(all, strlen("unix:")), out, err);
    const char *colon = text ? strrchr(text, ':') : NULL;
    size_t host_len = colon ? (size_t)(colon - text) : 0;
    struct cz__address address = { 0 };
    in_port_t port;
    uint64_t number;
    char host[INET6_ADDRSTRLEN];
    if (!colon || host_len >= sizeof host || !read_port(cz_str_tail(all, host_len + 1), &port))
        goto refuse;
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    if (host[0] == '[' && host_len > 2 && host[host_len - 1] == ']') {
        host[host_len - 1] = '\0';
        address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
        address.bytes = sizeof address.v6;
        if (inet_pton(AF_INET6, host + 1, &address.v6.sin6_addr) != 1)
            goto refuse;
    } else {
        const char *name = !host[0] ? "0.0.0.0" : !strcmp(host, "localhost") ? "127.0.0.1" : host;
        address.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
        address.bytes = sizeof address.v4;
        if (inet_pton(AF_INET, name, &address.v4.sin_addr) != 1)
            goto refuse;
    }
    *out = address;
    return CZ_OK;
refuse:
    if (colon && cz_str_to_u64(cz_str_tail(all, host_len + 1), &number) != CZ_EVALIDATION &&
        !read_port(cz_str_tail(all, host_len + 1), &port))
        return cz_error_set(err, CZ_EINVAL, "cannot listen on \"%s\": a port is 0 to 65535", text);
    return cz_error_set(err, CZ_EINVAL,
                        "cannot listen on \"%s\": want ADDRESS:PORT, unix:PATH, "
                        "systemd, systemd:NAME or fd:NUMBER, https:// before it for TLS, and an "
                        "address in numbers",
                        text ? text : "");
}

void cz__address_write(const struct cz__address *address, char out[CZ__ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (cz__address_is_local(address)) {
        cz_ignore(
            snprintf(out, CZ__ADDRESS_TEXT, "unix:%s", address->local.sun_path)); /* it fits */
    } else if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
        cz_ignore(snprintf(out, CZ__ADDRESS_TEXT, "[%s]:%u", host, ntohs(address->v6.sin6_port)));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
        cz_ignore(snprintf(out, CZ__ADDRESS_TEXT, "%s:%u", host, ntohs(address->v4.sin_port)));
    }
}

static bool set_option(int fd, int level, int option)
{
    int on = 1;
    return !setsockopt(fd, level, option, &on, sizeof on);
}

/* SO_REUSEPORT would let a second server of the same user share the port in silence. A socket without it
 * cannot be bound where another listens. */
static bool in_use(const struct cz__address *address)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool used = set_option(fd, SOL_SOCKET, SO_REUSEADDR) &&
                bind(fd, &address->any, address->bytes) && errno == EADDRINUSE;
    close(fd);
    return used;
}

static bool has_port(const struct cz__address *address)
{
    return address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port;
}

/* Whether somebody takes connections there. A file that is left of a server that died takes none. */
static bool is_served(const struct cz__address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool served = fd >= 0 && (!connect(fd, &address->any, address->bytes) || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    return served;
}

/* Only what is a socket is removed. */
void cz__listen_remove(const struct cz__address *address)
{
    struct stat file;
    if (cz__address_is_local(address) && !lstat(address->local.sun_path, &file) &&
        S_ISSOCK(file.st_mode))
        cz_ignore(unlink(address->local.sun_path)); /* binding tells what is wrong */
}

static cz_status open_local(const struct cz__address *address, const char *text, int *out_fd,
                            cz_error *err)
{
    if (is_served(address))
        return cz_error_set(err, CZ_EBUSY, "cannot listen on %s: another server does", text);
    cz__listen_remove(address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0117);
    bool bound = fd >= 0 && !bind(fd, &address->any, address->bytes);
    int reason = errno;
    umask(mask);
    if (bound && !listen(fd, BACKLOG)) {
        *out_fd = fd;
        return CZ_OK;
    }
    reason = bound ? errno : reason;
    if (fd >= 0)
        close(fd);
    return cz_error_set(err, CZ_EIO, "cannot listen on %s: %s", text, strerrorname_np(reason));
}

cz_status cz__listen_open(struct cz__address *address, bool first, int *out_fd, cz_error *err)
{
    char text[CZ__ADDRESS_TEXT];
    cz__address_write(address, text);
    if (cz__address_is_local(address))
        return open_local(address, text, out_fd, err);
    if (first && has_port(address) && in_use(address))
        return cz_error_set(
            err, CZ_EBUSY,
            "cannot listen on %s: the address is in use; `run --bind ADDRESS:PORT` names "
            "another",
            text);
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t bytes = address->bytes;
    if (fd < 0 || !set_option(fd, SOL_SOCKET, SO_REUSEADDR) ||
        !set_option(fd, SOL_SOCKET, SO_REUSEPORT) || !set_option(fd, IPPROTO_TCP, TCP_NODELAY) ||
        bind(fd, &address->any, address->bytes) || listen(fd, BACKLOG) ||
        getsockname(fd, &address->any, &bytes)) {
        int reason = errno;
        if (fd >= 0)
            close(fd);
        return cz_error_set(err, CZ_EIO, "cannot listen on %s: %s%s", text, strerrorname_np(reason),
                            reason == EACCES
                                ? "; ports below 1024 are for root, with --user, or for a "
                                  "service manager that passes the socket"
                                : "");
    }
    *out_fd = fd;
    return CZ_OK;
}

void cz__descriptor_limit_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
    cz_ignore(setrlimit(RLIMIT_NOFILE, &limit)); /* serves on with the old limit */
}

bool cz__listens(int fd)
{
    int type = 0, domain = 0, listens = 0;
    socklen_t bytes = sizeof(int);
    return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) && type == SOCK_STREAM &&
           !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) && listens &&
           !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) &&
           (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX);
}

cz_status cz__listen_address(int fd, struct cz__address *out)
{
    struct cz__address address = { .bytes = sizeof address.local };
    if (getsockname(fd, &address.any, &address.bytes))
        return CZ_EIO;
    *out = address;
    return CZ_OK;
}

void cz__listen_stop(int fd)
{
    cz_ignore(shutdown(fd, SHUT_RD)); /* fails when it has stopped already */
}
