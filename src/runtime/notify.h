/* runtime/notify.h: telling a service manager how it goes (sd_notify(3)), and being given sockets by it (sd_listen_fds(3)): what
 * systemd's protocols are, without its library. */
#ifndef CZ_RUNTIME_NOTIFY_H
#define CZ_RUNTIME_NOTIFY_H

#include <calzone/str.h>
#include "runtime/descriptors.h"

/* Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and remove them from the environment: they are for this process alone. The socket
 * is a path or, after "@", an abstract name. `*out_watchdog_ms`: within what time "WATCHDOG=1" is expected again; 0: it is not.
 * Errors: CZ_EVALIDATION: one is malformed. Context: at the start. */
CZ_NODISCARD cz_status cz__notify_begin(int64_t *out_watchdog_ms, cz_error *err);
/* Send lines such as "READY=1\nSTATUS=serving". Nobody listens: does nothing. One that cannot be sent within a second is logged and lost.
 * Context: the process that began. */
void cz__notify(const char *format, ...) CZ_PRINTF(1, 2);

/* Take in the sockets of LISTEN_FDS and LISTEN_FDNAMES, when LISTEN_PID is this process, as "fd:3 NAME", and remove the variables; and
 * those that `bind` names by "fd:3" and another supervisor has left open. Errors: CZ_EVALIDATION: a variable is malformed, or a
 * descriptor of LISTEN_FDS is no socket that listens for streams; CZ_ENOMEM. Context: at the start. */
CZ_NODISCARD cz_status cz__activation_receive(struct cz__descriptors *list, cz_str bind,
                                              cz_error *err);

#endif
