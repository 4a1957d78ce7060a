/* runtime/listen.h: addresses and listening sockets. */
#ifndef CZ_RUNTIME_LISTEN_H
#define CZ_RUNTIME_LISTEN_H

#include <calzone/status.h>
#include <netinet/in.h>
#include <sys/un.h>

enum { CZ__ADDRESS_TEXT = 128 }; /* bytes of "[IPv6]:port" or "unix:PATH" with its NUL, at most */

struct cz__address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
    socklen_t bytes;
};

/* Read "127.0.0.1:8000", "[::1]:8000" ("[::]:8000" is all of IPv6 and of IPv4), "localhost:8000" (IPv4), ":8000" (all of IPv4)
 * or "unix:/run/shop.sock". Errors: CZ_EINVAL. */
CZ_NODISCARD cz_status cz__address_parse(const char *text, struct cz__address *out, cz_error *err);
void cz__address_write(const struct cz__address *address, char out[CZ__ADDRESS_TEXT]);

static inline bool cz__address_is_local(const struct cz__address *address)
{
    return address->any.sa_family == AF_UNIX;
}

/* Open a non-blocking listening socket that shares its address with others of this process, but for a Unix socket; accepted
 * sockets inherit TCP_NODELAY from it. With `first` an address that another server listens on is refused,
 * and a port of 0 becomes the port the system picked. The file of a Unix socket that nobody listens on any more is replaced;
 * it is for the user and the group alone (0660). Errors: CZ_EBUSY: in use; CZ_EIO. */
CZ_NODISCARD cz_status cz__listen_open(struct cz__address *address, bool first, int *out_fd,
                                       cz_error *err);
/* Let this process, and those it starts, have as many descriptors as they may, up to 65,536. */
void cz__descriptor_limit_raise(void);
/* Whether `fd` is a socket that listens for streams of IP or Unix; and the address it listens on. */
bool cz__listens(int fd);
CZ_NODISCARD cz_status cz__listen_address(int fd, struct cz__address *out);
/* Refuse further connections, in every process that holds the socket; it stays open. */
void cz__listen_stop(int fd);
/* Remove the file of a Unix socket. */
void cz__listen_remove(const struct cz__address *address);

#endif
