/* runtime/sockets.h: the listening sockets of a server: one of each worker slot for each address, so that the kernel spreads
 * connections and a dying worker resets nobody's. All workers share a Unix socket, one of a service manager, and those that are left
 * of a generation with more workers: connections that wait in them are lost to nobody. */
#ifndef CZ_RUNTIME_SOCKETS_H
#define CZ_RUNTIME_SOCKETS_H

#include "runtime/listen.h"

enum { CZ__LISTEN_MAX = 16 }; /* addresses */

/* What a worker takes connections of. */
typedef struct cz__listener {
    int fd;           /* borrowed; non-blocking */
    unsigned address; /* its number among those of .bind */
    bool shared;      /* other workers do, too */
} cz__listener;

struct cz__socket {
    cz__listener listener;
    unsigned slot;  /* whose it is, unless it is shared */
    bool activated; /* a service manager has it, and goes on with it: it is never stopped */
    bool inherited; /* of the generation before, which serves it until this one does */
};

struct cz__sockets {
    struct cz__address addresses[CZ__LISTEN_MAX];
    char texts[CZ__LISTEN_MAX][CZ__ADDRESS_TEXT]; /* with the ports that the system picked */
    size_t count;                                 /* of addresses */
    unsigned slots;
    struct cz__socket *items; /* owned */
    size_t item_count, item_cap;
    bool *stopped; /* owned: of each slot */
    bool serves;   /* this generation is the one that does */
};

/* Open those of `slots` slots, or take those that the generation before left (generation.h), and leave them all to the next. "fd:3" is
 * a socket of a service manager. Zeroed is none. Errors: as cz__listen_open(), CZ_ETOOBIG, CZ_ENOMEM; what was opened stays for
 * cz__sockets_close(). */
CZ_NODISCARD cz_status cz__sockets_open(struct cz__sockets *sockets, const char *const *bind,
                                        size_t count, unsigned slots, cz_error *err);
/* In a worker: close those of other slots, else a drained socket would live on here. What is left is in `out`, of item_count. */
void cz__sockets_keep(struct cz__sockets *sockets, unsigned slot, cz__listener *out,
                      size_t *out_count);
/* Refuse further connections of a slot; those of a shared socket when no slot is left. */
void cz__sockets_stop(struct cz__sockets *sockets, unsigned slot);
/* Another generation serves them: close them here, and leave them as they are. */
void cz__sockets_hand_over(struct cz__sockets *sockets);
/* This generation serves from now on: remove the files of Unix sockets that the one before had, and this one has not. */
void cz__sockets_serve(struct cz__sockets *sockets);
/* Close them, and remove the files of Unix sockets but for those of a generation that still serves them. */
void cz__sockets_close(struct cz__sockets *sockets);

#endif
