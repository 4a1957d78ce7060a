/* Each in a child of its own: what was given up does not come back. */
#include "runtime/privileges.h"
#include <calzone/testing.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static int in_a_child(int (*fn)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(fn());
    CZ_REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int fail(const cz_error *err)
{
    fprintf(stderr, "%s\n", cz_error_message(err));
    return 1;
}

static int become_nobody(void)
{
    enum cz__privileges privileges;
    cz_error err = { 0 };
    if (cz__privileges_drop(CZ_STR("nobody"), "/", &privileges, &err))
        return fail(&err);
    if (privileges != CZ__PRIVILEGES_DROPPED || getuid() != NOBODY || geteuid() != NOBODY ||
        getgid() == 0 || !setuid(0) || !setgid(0))
        return 2;
    gid_t groups[8];
    int count = getgroups(8, groups);
    for (int i = 0; i < count; i++)
        if (!groups[i])
            return 3;
    /* again it is nothing to do, and another user cannot be become */
    if (cz__privileges_drop(CZ_STR("nobody"), "/", &privileges, &err) ||
        privileges != CZ__PRIVILEGES_USER)
        return 4;
    if (cz__privileges_drop(CZ_STR("daemon"), "/", &privileges, &err) != CZ_EVALIDATION)
        return 5;
    if (strcmp(cz_error_message(&err),
               "only root can become the user \"daemon\"; start as root, or as that user") != 0)
        return 6;
    return cz__privileges_drop_all(&err) ? fail(&err) : 0;
}

static int become_a_number(void)
{
    enum cz__privileges privileges;
    cz_error err = { 0 };
    if (cz__privileges_drop(CZ_STR("54321"), "/", &privileges, &err))
        return fail(&err);
    return getuid() == 54321 && getgid() == 54321 ? 0 : 2;
}

static int become_the_owner(void)
{
    enum cz__privileges privileges;
    cz_error err = { 0 };
    const char *folder = cz_test_directory();
    if (cz__privileges_drop(CZ_STR(""), folder, &privileges, &err) ||
        privileges != CZ__PRIVILEGES_ROOT || getuid())
        return 2;
    if (chown(folder, 1234, 2345))
        return 3;
    if (cz__privileges_drop(CZ_STR(""), folder, &privileges, &err))
        return fail(&err);
    return getuid() == 1234 && getgid() == 2345 && privileges == CZ__PRIVILEGES_DROPPED ? 0 : 4;
}

static int refuse(void)
{
    static const char *const users[] = { "root",        "0",  "nobody-has-this-name",
                                         "99999999999", "-1", "no body" };
    enum cz__privileges privileges;
    for (size_t i = 0; i < CZ_COUNT(users); i++)
        if (cz__privileges_drop(cz_str_from(users[i]), "/", &privileges, NULL) != CZ_EVALIDATION)
            return 2 + (int)i;
    return getuid() == 0 ? 0 : 20;
}

static int end_dumps(void)
{
    struct rlimit limit;
    cz__core_dumps_off();
    return getrlimit(RLIMIT_CORE, &limit) || limit.rlim_cur != 1 || limit.rlim_max != 1;
}

CZ_TEST(root_is_given_up_for_good)
{
    if (geteuid() != 0)
        cz_test_skip("only root can give up root");
    CZ_EXPECT_EQ(in_a_child(become_nobody), 0);
    CZ_EXPECT_EQ(in_a_child(become_a_number), 0);
    CZ_EXPECT_EQ(in_a_child(become_the_owner), 0);
    CZ_EXPECT_EQ(in_a_child(refuse), 0);
}

CZ_TEST(core_dumps_can_be_turned_off)
{
    CZ_EXPECT_EQ(in_a_child(end_dumps), 0);
}
