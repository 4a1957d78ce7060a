/* runtime/notify.h: telling a service manager how it goes (sd_notify(3)), without systemd's library. */
#ifndef CZ_RUNTIME_NOTIFY_H
#define CZ_RUNTIME_NOTIFY_H

#include <calzone/status.h>

/* Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and remove them from the environment: they are for this process alone. The socket
 * is a path or, after "@", an abstract name. `*out_watchdog_ms`: within what time "WATCHDOG=1" is expected again; 0: it is not.
 * Errors: CZ_EVALIDATION: one is malformed. Context: at the start. */
CZ_NODISCARD cz_status cz__notify_begin(int64_t *out_watchdog_ms, cz_error *err);
/* Send lines such as "READY=1\nSTATUS=serving". Nobody listens: does nothing. One that cannot be sent within a second is logged and lost.
 * Context: the process that began. */
void cz__notify(const char *format, ...) CZ_PRINTF(1, 2);

#endif
