#include "runtime/notify.h"
#include <calzone/log.h>
#include <calzone/str.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 1024, SEND_S = 1 };

static struct sockaddr_un manager; /* sun_family 0: nobody listens */
static socklen_t manager_bytes;

static cz_status read_socket(const char *name, cz_error *err)
{
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof manager.sun_path)
        return cz_error_set(err, CZ_EVALIDATION,
                            "NOTIFY_SOCKET: \"%.*s\" is neither a path nor an abstract name behind "
                            "\"@\", of at most %zu bytes",
                            120, name, sizeof manager.sun_path - 1);
    manager.sun_family = AF_UNIX;
    memcpy(manager.sun_path, name, len + 1);
    if (name[0] == '@')
        manager.sun_path[0] = '\0';
    manager_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return CZ_OK;
}

/* One that is meant for another process is none. */
static bool is_for_others(const char *pid)
{
    uint64_t number;
    return pid && (cz_str_to_u64(cz_str_from(pid), &number) || number != (uint64_t)getpid());
}

static cz_status read_watchdog(const char *usec, int64_t *out_ms, cz_error *err)
{
    uint64_t number;
    if (cz_str_to_u64(cz_str_from(usec), &number) || number < 1000 || number > INT64_MAX)
        return cz_error_set(err, CZ_EVALIDATION,
                            "WATCHDOG_USEC: \"%.*s\" is no number of microseconds from 1000", 40,
                            usec);
    *out_ms = (int64_t)(number / 1000);
    return CZ_OK;
}

cz_status cz__notify_begin(int64_t *out_watchdog_ms, cz_error *err)
{
    const char *socket_name = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC");
    cz_status status = socket_name ? read_socket(socket_name, err) : CZ_OK;
    *out_watchdog_ms = 0;
    if (!status && socket_name && usec && !is_for_others(getenv("WATCHDOG_PID")))
        status = read_watchdog(usec, out_watchdog_ms, err);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return status;
}

void cz__notify(const char *format, ...)
{
    char text[MESSAGE_BYTES];
    const struct timeval patience = { .tv_sec = SEND_S };
    if (!manager.sun_family)
        return;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= (int)sizeof text)
        len = sizeof text - 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
        sendto(fd, text, (size_t)len, MSG_NOSIGNAL, (const struct sockaddr *)&manager,
               manager_bytes) < 0)
        cz_log_warning(NULL, "runtime", "the service manager could not be told",
                       CZ_FIELD_STR("error", cz_str_from(strerrorname_np(errno))));
    if (fd >= 0)
        close(fd);
}
