#include "runtime/descriptors.h"
#include <calzone/testing.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int some_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CZ_REQUIRE(fd >= 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

CZ_TEST(descriptors_are_found_taken_replaced_and_closed_by_name)
{
    struct cz__descriptors list = { 0 };
    int a = some_fd(), b = some_fd(), c = some_fd(), again = some_fd();
    CZ_REQUIRE_OK(cz__descriptors_add(&list, "socket a", a));
    CZ_REQUIRE_OK(cz__descriptors_add(&list, "fd:3 b", b));
    CZ_REQUIRE_OK(cz__descriptors_add(&list, "memory c", c));
    CZ_REQUIRE_OK(cz__descriptors_add(&list, "socket a", again));
    CZ_EXPECT(!is_open(a));
    CZ_EXPECT_EQ(cz__descriptors_find(&list, "socket a"), again);
    CZ_EXPECT_EQ(cz__descriptors_find(&list, "socket"), -1);
    CZ_EXPECT_EQ(cz__descriptors_take(&list, "memory c"), c);
    CZ_EXPECT_EQ(cz__descriptors_take(&list, "memory c"), -1);
    cz__descriptors_close(&list, "fd:");
    CZ_EXPECT(is_open(b) && is_open(c) && !is_open(again));
    CZ_EXPECT_EQ(list.count, 1);
    cz__descriptors_close(&list, NULL);
    CZ_EXPECT(!is_open(b) && is_open(c) && !list.items);
    close(c);
}

CZ_TEST(descriptors_without_a_proper_name_or_in_too_great_a_number_are_refused)
{
    static char longest[CZ__DESCRIPTOR_NAME + 1];
    static const char *const bad[] = { "", "a\nb", "a\x7f", longest };
    struct cz__descriptors list = { 0 };
    int fd = some_fd();
    memset(longest, 'x', CZ__DESCRIPTOR_NAME);
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_EQ(cz__descriptors_add(&list, bad[i], fd), CZ_EINVAL);
    for (int i = 0; i < CZ__DESCRIPTORS_MAX; i++) {
        char name[20];
        cz_ignore(snprintf(name, sizeof name, "%d", i)); /* it fits */
        CZ_REQUIRE_OK(cz__descriptors_add(&list, name, fd));
    }
    CZ_EXPECT_EQ(cz__descriptors_add(&list, "one more", fd), CZ_ETOOBIG);
    list.count = 1; /* all are one */
    cz__descriptors_close(&list, NULL);
}

CZ_TEST(descriptors_live_over_exec_when_they_are_passed_and_only_then)
{
    struct cz__descriptors list = { 0 };
    int passed = some_fd(), kept = some_fd(), status;
    CZ_REQUIRE_OK(cz__descriptors_add(&list, "socket 127.0.0.1:80 0 #0", passed));
    char wanted[400];
    cz_ignore(snprintf(wanted, sizeof wanted,
                       "[ \"$FDS\" = \"%d socket 127.0.0.1:80 0 #0\n\" ] && [ -e /proc/self/fd/%d "
                       "] && ! [ -e /proc/self/fd/%d ]",
                       passed, passed, kept)); /* it fits */
    pid_t pid = fork();
    if (pid == 0) {
        if (cz__descriptors_pass(&list, "FDS") == CZ_OK)
            execl("/bin/sh", "sh", "-c", wanted, NULL);
        _exit(9);
    }
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    CZ_EXPECT_EQ(status, 0);
    cz__descriptors_close(&list, NULL);
    close(kept);
}

CZ_TEST(descriptors_are_received_by_number_and_name)
{
    char text[100];
    struct cz__descriptors list = { 0 };
    int fd = some_fd();
    cz_error err;
    fcntl(fd, F_SETFD, 0);
    cz_ignore(snprintf(text, sizeof text, "%d socket unix:/a b #0\n", fd)); /* it fits */
    setenv("FDS", text, 1);
    CZ_REQUIRE_OK(cz__descriptors_receive(&list, "FDS", &err));
    CZ_EXPECT(!getenv("FDS"));
    CZ_EXPECT_EQ(cz__descriptors_find(&list, "socket unix:/a b #0"), fd);
    CZ_EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cz__descriptors_close(&list, NULL);
    CZ_REQUIRE_OK(cz__descriptors_receive(&list, "FDS", &err)); /* there are none */
    static const char *const bad[] = {
        "x name\n", "-1 name\n", "99999999999 name\n", "1000000 name\n", "0\n", "0 \n", "\n"
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        setenv("FDS", bad[i], 1);
        CZ_EXPECT_MSG(cz__descriptors_receive(&list, "FDS", &err) == CZ_EVALIDATION, "%s", bad[i]);
        CZ_EXPECT(!getenv("FDS"));
        CZ_EXPECT(strstr(cz_error_message(&err), "FDS: "));
    }
    CZ_EXPECT_EQ(list.count, 0);
}
