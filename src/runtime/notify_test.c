#include "runtime/notify.h"
#include <calzone/testing.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Listen as a service manager does; `name` as in NOTIFY_SOCKET. */
static int listen_on(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, name, strlen(name) + 1);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    CZ_REQUIRE(!bind(fd, (struct sockaddr *)&address,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))));
    return fd;
}

CZ_TEST(a_service_manager_is_told_by_path_and_by_abstract_name)
{
    char path[100], text[200];
    cz_ignore(snprintf(path, sizeof path, "%s/notify", cz_test_directory()));
    char abstract[40];
    cz_ignore(snprintf(abstract, sizeof abstract, "@calzone-test-%d", (int)getpid())); /* fits */
    const char *const names[] = { path, abstract };
    cz_error err;
    int64_t watchdog_ms;
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        int fd = listen_on(names[i]);
        setenv("NOTIFY_SOCKET", names[i], 1);
        CZ_REQUIRE_OK(cz__notify_begin(&watchdog_ms, &err));
        CZ_EXPECT(!getenv("NOTIFY_SOCKET"));
        CZ_EXPECT_EQ(watchdog_ms, 0);
        cz__notify("READY=1\nMAINPID=%d", 7);
        ssize_t got = recv(fd, text, sizeof text, MSG_DONTWAIT);
        CZ_EXPECT_STR(cz_str_of(text, got > 0 ? (size_t)got : 0), "READY=1\nMAINPID=7");
        close(fd);
    }
    cz__notify("READY=1"); /* nobody is there any more: logged and lost */
}

CZ_TEST(what_a_service_manager_asks_is_read_once_and_refused_when_malformed)
{
    char own[20];
    cz_ignore(snprintf(own, sizeof own, "%d", (int)getpid()));
    const struct {
        const char *socket, *usec, *pid;
        cz_status status;
        int64_t watchdog_ms;
    } cases[] = {
        { NULL, "2000000", NULL, CZ_OK, 0 }, /* nobody could be told */
        { "/run/x", "2000000", NULL, CZ_OK, 2000 },
        { "/run/x", "2000000", own, CZ_OK, 2000 },
        { "/run/x", "2000000", "1", CZ_OK, 0 }, /* another process is meant */
        { "/run/x", "soon", NULL, CZ_EVALIDATION, 0 },
        { "/run/x", "0", NULL, CZ_EVALIDATION, 0 },
        { "/run/x", "-5", NULL, CZ_EVALIDATION, 0 },
        { "run/x", NULL, NULL, CZ_EVALIDATION, 0 },
        { "@", NULL, NULL, CZ_EVALIDATION, 0 },
        { "", NULL, NULL, CZ_EVALIDATION, 0 },
        { "vsock:2:1234", NULL, NULL, CZ_EVALIDATION, 0 },
        { "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaa",
          NULL, NULL, CZ_EVALIDATION, 0 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" };
        const char *const values[] = { cases[i].socket, cases[i].usec, cases[i].pid };
        cz_error err;
        int64_t watchdog_ms = -1;
        for (size_t n = 0; n < CZ_COUNT(names); n++)
            if (values[n])
                setenv(names[n], values[n], 1);
        cz_status status = cz__notify_begin(&watchdog_ms, &err);
        CZ_EXPECT_MSG(status == cases[i].status, "%zu: %s", i, cz_status_name(status));
        CZ_EXPECT_MSG(watchdog_ms == cases[i].watchdog_ms, "%zu: %lld", i, (long long)watchdog_ms);
        for (size_t n = 0; n < CZ_COUNT(names); n++)
            CZ_EXPECT(!getenv(names[n]));
    }
}
