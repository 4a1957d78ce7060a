/* runtime/descriptors.h: descriptors with names, and what one generation of a program leaves to the next (generation.h).
 *
 * A name says what a descriptor is: "socket 127.0.0.1:8000 #0", "memory throttles", "fd:3 shop.socket". The next generation takes by
 * name what it needs; what it does not take is closed. */
#ifndef CZ_RUNTIME_DESCRIPTORS_H
#define CZ_RUNTIME_DESCRIPTORS_H

#include <calzone/status.h>

enum {
    CZ__DESCRIPTOR_NAME = 160, /* bytes of a name with its NUL, at most */
    CZ__DESCRIPTORS_MAX = 8192 /* of a list: the sockets of 256 workers at 16 addresses, and room */
};

struct cz__descriptor {
    int fd;
    char name[CZ__DESCRIPTOR_NAME];
};

/* Zeroed is empty. Owns its descriptors. */
struct cz__descriptors {
    struct cz__descriptor *items;
    size_t count, cap;
};

/* Add one, which becomes the list's; one of the same name is closed and replaced. Errors: CZ_EINVAL: an empty or too long name,
 * or a control byte in it; CZ_ETOOBIG; CZ_ENOMEM: `fd` is still the caller's. */
CZ_NODISCARD cz_status cz__descriptors_add(struct cz__descriptors *list, const char *name, int fd);
/* The descriptor of a name, which stays the list's; -1: there is none. */
int cz__descriptors_find(const struct cz__descriptors *list, const char *name);
/* The same, which becomes the caller's. */
int cz__descriptors_take(struct cz__descriptors *list, const char *name);
/* Close all whose name does not begin with `but`, NULL: all; and free the list when none is left. */
void cz__descriptors_close(struct cz__descriptors *list, const char *but);

/* In a child that is about to execute a program: let them live on over exec and name them in the environment variable, a line
 * "NUMBER NAME" each. Errors: CZ_ENOMEM, CZ_EIO. */
CZ_NODISCARD cz_status cz__descriptors_pass(const struct cz__descriptors *list,
                                            const char *variable);
/* Take in what the variable names, close-on-exec from here on, and remove the variable. Errors: CZ_EVALIDATION: it is malformed or
 * names what is not open; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__descriptors_receive(struct cz__descriptors *list, const char *variable,
                                               cz_error *err);

#endif
