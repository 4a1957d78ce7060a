/* management/command_testing.h: what tests of commands stand on: a project as its binary runs it, and its files.
 *
 *     cz_str out;
 *     CZ_EXPECT_EQ(cz__test_command(&shop, CZ__TEXTS(cz__test_setting("DATABASE_URL", url)),
 *                                  CZ__TEXTS("loaddata", path), &out), 0);
 */
#ifndef CZ_MANAGEMENT_COMMAND_TESTING_H
#define CZ_MANAGEMENT_COMMAND_TESTING_H

#include <calzone/project.h>
#include <calzone/testing.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CZ__TEST_ARGUMENTS_MAX = 15, CZ__TEST_OUTPUT_MAX = 1 << 20 };

#define CZ__TEXTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A path in the test's directory. Such texts live as long as the test. */
static inline const char *cz__test_path(const char *name)
{
    return cz_arena_printf(cz_test_arena(), "%s/%s", cz_test_directory(), name);
}

/* The URL of an SQLite file there. */
static inline const char *cz__test_sqlite(const char *name)
{
    return cz_arena_printf(cz_test_arena(), "sqlite://%s/%s", cz_test_directory(), name);
}

/* "NAME=value", for cz__test_command(). */
static inline const char *cz__test_setting(const char *name, const char *value)
{
    return cz_arena_printf(cz_test_arena(), "%s=%s", name, value);
}

/* Write a file there and return its path. */
static inline const char *cz__test_write(const char *name, const char *text)
{
    const char *path = cz__test_path(name);
    FILE *file = fopen(path, "we");
    CZ_REQUIRE(file && fputs(text, file) >= 0 && fclose(file) == 0);
    return path;
}

/* Run the project's command in a process of its own, in the environment "test" with these settings beside the test's
 * own. Both lists end with NULL. What it printed, to either output, is in `*out`, as long as the test; what it ended
 * with is returned. */
static inline int cz__test_command(const cz_project *project, const char *const *settings,
                                   const char *const *arguments, cz_str *out)
{
    const char *argv[CZ__TEST_ARGUMENTS_MAX + 2] = { project->name };
    int argc = 1, status, ends[2];
    while (*arguments) {
        CZ_REQUIRE(argc <= CZ__TEST_ARGUMENTS_MAX);
        argv[argc++] = *arguments++;
    }
    CZ_REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        setenv("ENV", "test", 1);
        for (; *settings; settings++)
            putenv((char *)(uintptr_t)*settings);
        if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0)
            _exit(99);
        int code = cz_project_main(project, argc, (char **)(uintptr_t)argv);
        fflush(NULL);
        _exit(code);
    }
    close(ends[1]);
    char *text = cz_arena_alloc(cz_test_arena(), CZ__TEST_OUTPUT_MAX);
    CZ_REQUIRE(text);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], text + len, CZ__TEST_OUTPUT_MAX - len)) > 0;)
        len += (size_t)got;
    close(ends[0]);
    CZ_REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    *out = cz_str_of(text, len);
    return WEXITSTATUS(status);
}

#endif
