/* runtime/sockets.h: the listening sockets of a server: one of each worker slot for each address, so that the kernel spreads
 * connections and a dying worker resets nobody's; of a Unix socket one that all share. */
#ifndef CZ_RUNTIME_SOCKETS_H
#define CZ_RUNTIME_SOCKETS_H

#include "runtime/listen.h"

enum { CZ__LISTEN_MAX = 16 }; /* addresses */

struct cz__sockets {
    struct cz__address addresses[CZ__LISTEN_MAX];
    char texts[CZ__LISTEN_MAX][CZ__ADDRESS_TEXT]; /* with the ports that the system picked */
    size_t count;                                 /* of addresses */
    unsigned slots;
    int *fds;      /* owned: slots * count; -1: none */
    bool *stopped; /* owned: of each slot */
};

/* Open those of `slots` slots. Zeroed is none. Errors: as cz__listen_open(), CZ_ETOOBIG, CZ_ENOMEM; what was opened stays for
 * cz__sockets_close(). */
CZ_NODISCARD cz_status cz__sockets_open(struct cz__sockets *sockets, const char *const *bind,
                                        size_t count, unsigned slots, cz_error *err);
/* Those of a slot, one an address. */
const int *cz__sockets_of(const struct cz__sockets *sockets, unsigned slot);
/* In a worker: close all but its own, else a drained socket would live on here. */
void cz__sockets_keep(struct cz__sockets *sockets, unsigned slot);
/* Refuse further connections of a slot; those of a shared socket when no slot is left. */
void cz__sockets_stop(struct cz__sockets *sockets, unsigned slot);
/* And remove the files of Unix sockets. */
void cz__sockets_close(struct cz__sockets *sockets);

#endif
