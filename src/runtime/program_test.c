#include "runtime/program.h"
#include <calzone/testing.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "a/b", in the test's arena. */
static char *joined(const char *a, const char *between, const char *b)
{
    size_t bytes = strlen(a) + strlen(between) + strlen(b) + 1;
    char *out = cz_arena_alloc(cz_test_arena(), bytes);
    CZ_REQUIRE(out);
    cz_ignore(snprintf(out, bytes, "%s%s%s", a, between, b)); /* it fits */
    return out;
}

CZ_TEST(a_program_is_found_by_how_it_was_called)
{
    char exe[CZ__PROGRAM_PATH], *slash;
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    CZ_REQUIRE(len > 0);
    exe[len] = '\0';
    const char *link = joined(cz_test_directory(), "/", "link");
    CZ_REQUIRE(!symlink(exe, link) && !chdir(cz_test_directory()));
    slash = strrchr(exe, '/');
    const char *base = slash + 1;
    *slash = '\0';
    setenv("PATH", joined("/nowhere", ":", exe), 1);
    *slash = '/';
    const struct {
        const char *name, *path;
    } cases[] = {
        { exe, exe },               /* as it is */
        { link, link },             /* a link stays one: it may lead elsewhere later */
        { "link", exe },            /* no slash, and in no folder of PATH */
        { "./link", NULL },         /* from where it was started */
        { base, exe },              /* in PATH */
        { "/bin/sh", exe },         /* a lie */
        { "/nowhere/at/all", exe }, /* another one */
        { "", exe },
    };
    char *name = program_invocation_name;
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__program program;
        cz_error err;
        program_invocation_name = (char *)(uintptr_t)cases[i].name;
        cz_status status = cz__program_find(&program, &err);
        program_invocation_name = name;
        CZ_REQUIRE_OK(status);
        const char *wanted =
            cases[i].path ? cases[i].path : joined(program.directory, "/./", "link");
        CZ_EXPECT_MSG(!strcmp(program.path, wanted), "%s is %s, expected %s", cases[i].name,
                      program.path, wanted);
    }
}

CZ_TEST(the_folder_of_the_start_is_named_as_the_shell_names_it)
{
    const char *real = joined(cz_test_directory(), "/", "real");
    const char *link = joined(cz_test_directory(), "/", "current");
    char folder[CZ__PROGRAM_PATH];
    struct cz__program program;
    CZ_REQUIRE(!mkdir(real, 0700) && !symlink(real, link) && !chdir(link) &&
               getcwd(folder, sizeof folder));
    setenv("PWD", link, 1);
    CZ_REQUIRE_OK(cz__program_find(&program, NULL));
    CZ_EXPECT_STR(cz_str_from(program.directory), link);
    static const char *const lies[] = { "/", "current", "/nowhere", "" };
    for (size_t i = 0; i < CZ_COUNT(lies); i++) {
        setenv("PWD", lies[i], 1);
        CZ_REQUIRE_OK(cz__program_find(&program, NULL));
        CZ_EXPECT_STR(cz_str_from(program.directory), folder);
    }
    CZ_REQUIRE(!rmdir(real));
    CZ_REQUIRE_OK(cz__program_find(&program, NULL));
    CZ_EXPECT_STR(cz_str_from(program.directory), "");
    CZ_EXPECT_EQ(cz__program_execute(&program, (char *[]){ NULL }), ENOENT);
}
