/* `calzone run`, `test`, `build` and the project's own commands: find the project, build it, become it.
 *
 * A project is the nearest directory, here or above, whose CMakeLists.txt links Calzone::calzone. It is
 * configured once into build/; CMake itself configures again when a CMakeLists.txt changed.
 */
#include "management/main/command.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64, FILE_BYTES_MAX = 64 << 10, DEFINITION_BYTES_MAX = PATH_MAX + 64 };

extern char **environ;

/* ---- finding ---- */

static bool links_calzone(const char *path)
{
    static char text[FILE_BYTES_MAX];
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    return memmem(text, len, "Calzone::calzone", strlen("Calzone::calzone")) != NULL;
}

/* Change to the project's directory. */
bool enter_project(const char *command)
{
    char here[PATH_MAX];
    while (!links_calzone("CMakeLists.txt")) {
        if (!getcwd(here, sizeof here) || !strcmp(here, "/") || chdir("..")) {
            say(0,
                "\"%s\" is a command inside a project, and neither here nor above is one; "
                "`calzone new NAME` makes one, `calzone help` lists the commands",
                command);
            return false;
        }
    }
    return true;
}

/* The project's name, which is its binary's, as CMake noted it. */
static bool read_name(char *out, size_t out_bytes)
{
    static const char key[] = "CMAKE_PROJECT_NAME:STATIC=";
    char line[PATH_MAX];
    bool found = false;
    FILE *file = fopen("build/CMakeCache.txt", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, sizeof key - 1) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        int len = snprintf(out, out_bytes, "%s", line + sizeof key - 1);
        found = len > 0 && (size_t)len < out_bytes;
    }
    if (file)
        fclose(file);
    return found;
}

bool program_exists(const char *program)
{
    const char *path = getenv("PATH");
    char candidate[PATH_MAX];
    while (path && *path) {
        size_t len = strcspn(path, ":");
        int written = snprintf(candidate, sizeof candidate, "%.*s/%s", (int)len, path, program);
        if (len && written < (int)sizeof candidate && !access(candidate, X_OK))
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

/* How CMake is to find Calzone: the package beside this command, installed or in a build directory; else
 * the sources it was built from; else wherever CMake looks by itself, and then this is false. */
static bool locate_calzone(char out[static DEFINITION_BYTES_MAX])
{
    static const char *const places[] = { "lib*/cmake/Calzone", "lib*/*/cmake/Calzone" };
    char self[PATH_MAX], pattern[PATH_MAX + 64];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    for (int up = 0; up < 2; up++) { /* PREFIX/bin/calzone */
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = '\0';
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s/CalzoneConfig.cmake", self, places[i]);
        if (glob(pattern, 0, NULL, &found) == 0) {
            char *config = found.gl_pathv[0];
            *strrchr(config, '/') = '\0';
            snprintf(out, DEFINITION_BYTES_MAX, "-DCalzone_DIR=%s", config);
            globfree(&found);
            return true;
        }
    }
    if (access(CZ_SOURCE_DIR "/CMakeLists.txt", R_OK))
        return false;
    snprintf(out, DEFINITION_BYTES_MAX, "-DCALZONE_SOURCE_DIR=%s", CZ_SOURCE_DIR);
    return true;
}

/* ---- building ---- */

/* What becomes of a program's standard output; its standard error is shown but for what CMake says there when it finds
 * a new source. */
#define FAILED_LINE "FAILED: " /* how Ninja names what failed; the next line is its command */
enum output { OUTPUT_SHOWN, OUTPUT_DROPPED, OUTPUT_FILTERED };

static bool starts_with(const char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0;
}

static bool is_news(const char *line, enum output output)
{
    if (output == OUTPUT_FILTERED)
        return !starts_with(line, "-- ") && !starts_with(line, FAILED_LINE) &&
               !starts_with(line, "ninja: build stopped") &&
               strcmp(line, "ninja: no work to do.\n") != 0;
    return strcmp(line, "-- GLOB mismatch!\n") != 0;
}

/* Show what comes from the pipe on standard error; of OUTPUT_FILTERED also what Ninja passes on from the compiler:
 * standard output belongs to the project's command, which may print JSON. The compiler's own command line, which Ninja
 * puts before its words, is left out: it hides them, and `calzone build` shows it. */
static void show_filtered(int fd, enum output output)
{
    char line[4096];
    bool begins = true, is_shown = true, is_command = false;
    FILE *in = fdopen(fd, "r");
    while (in && fgets(line, sizeof line, in)) {
        if (begins) { /* a long line comes in pieces */
            is_shown = !is_command && is_news(line, output);
            is_command = output == OUTPUT_FILTERED && starts_with(line, FAILED_LINE);
        }
        begins = strchr(line, '\n') != NULL;
        if (is_shown)
            fputs(line, stderr);
    }
    if (in)
        fclose(in);
    else
        close(fd);
}

/* Run a program to its end. Returns its exit code, or EXIT_FAILED. */
static int run_program(const char *const *arguments, enum output output)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status, pipe_fds[2] = { -1, -1 };
    if (pipe2(pipe_fds, O_CLOEXEC))
        return say(EXIT_FAILED, "pipe: %s", strerror(errno));
    int failed = posix_spawn_file_actions_init(&actions);
    if (!failed && output == OUTPUT_DROPPED)
        failed =
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!failed && output == OUTPUT_FILTERED)
        failed = posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
    if (!failed)
        failed = posix_spawnp(&child, arguments[0], &actions, NULL,
                              (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fds[1]);
    show_filtered(pipe_fds[0], output);
    if (failed)
        return say(EXIT_FAILED, "%s: %s", arguments[0],
                   failed == ENOENT ? "not found; it is needed to build a project"
                                    : strerror(failed));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

static bool is_configured(void)
{
    return !access("build/build.ninja", R_OK) || !access("build/Makefile", R_OK);
}

static bool configure(int option_count, char **options)
{
    char calzone[DEFINITION_BYTES_MAX];
    const char *arguments[ARGUMENTS_MAX] = { "cmake", "-S", ".", "-B", "build" };
    size_t count = 5;
    if (option_count > ARGUMENTS_MAX - 10) {
        say(0, "build: too many options");
        return false;
    }
    if (!is_configured()) {
        if (access("build/CMakeCache.txt", F_OK) &&
            program_exists("ninja")) { /* a cache has its generator */
            arguments[count++] = "-G";
            arguments[count++] = "Ninja";
        }
        if (locate_calzone(calzone))
            arguments[count++] = calzone;
    }
    for (int i = 0; i < option_count; i++)
        arguments[count++] = options[i];
    arguments[count] = NULL;
    if (run_program(arguments, OUTPUT_DROPPED) == 0)
        return true;
    say(0, "the project could not be configured");
    return false;
}

/* Build `target`, or everything when it is NULL; when `quiet`, show only what went wrong. */
static bool build(const char *target, bool quiet)
{
    const char *arguments[] = { "cmake", "--build", "build", "--parallel", NULL,
                                NULL,    NULL,      NULL,    NULL };
    size_t count = 4;
    if (target) {
        arguments[count++] = "--target";
        arguments[count++] = target;
    }
    enum output output = quiet ? OUTPUT_DROPPED : OUTPUT_SHOWN;
    if (quiet && !access("build/build.ninja",
                         R_OK)) { /* make leaves the compiler's words on its error output */
        arguments[count++] = "--";
        arguments[count++] = "--quiet";
        output = OUTPUT_FILTERED;
    }
    if (run_program(arguments, output) == 0)
        return true;
    say(0, "the project could not be built");
    return false;
}

/* Become the program build/bin/NAME, or build/bin/NAME-tests. What was not built yet is told, and with `tells` that
 * it is built again. */
static int become(const char *suffix, bool tells, char **argv)
{
    char name[128], target[160], path[192];
    if (!is_configured()) {
        say(0, "building the project in build/, which takes longer the first time");
        if (!configure(0, NULL))
            return EXIT_FAILED;
        tells = false; /* it is told */
    }
    if (!read_name(name, sizeof name))
        return say(EXIT_FAILED,
                   "build/CMakeCache.txt names no project; remove build/ and try again");
    snprintf(target, sizeof target, "%s%s", name, suffix);
    if (tells)
        say(0, "building %s", target);
    if (!build(target, true))
        return EXIT_FAILED;
    snprintf(path, sizeof path, "build/bin/%s", target);
    argv[0] = path;
    fflush(NULL);
    execv(path, argv);
    return say(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

/* ---- the commands ---- */

int command_build(int argc, char **argv)
{
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        puts("usage: calzone build [CMAKE_OPTION...]\n\n"
             "Build the project; with options, configure it anew first.");
        return EXIT_DONE;
    }
    if (!enter_project("build"))
        return EXIT_MISUSED;
    if ((argc > 1 || !is_configured()) && !configure(argc - 1, argv + 1))
        return EXIT_FAILED;
    return build(NULL, false) ? EXIT_DONE : EXIT_FAILED;
}

int command_test(int argc, char **argv)
{
    (void)argc;
    if (!enter_project("test"))
        return EXIT_MISUSED;
    if (setenv("ENV", "test", 0))
        return say(EXIT_FAILED, "%s", strerror(errno));
    return become("-tests", true, argv);
}

int command_project(int argc, char **argv)
{
    char *arguments[ARGUMENTS_MAX];
    if (argc > ARGUMENTS_MAX - 2)
        return say(EXIT_MISUSED, "too many arguments");
    if (!enter_project(argv[0]))
        return EXIT_MISUSED;
    for (int i = 0; i < argc; i++)
        arguments[i + 1] = argv[i];
    arguments[argc + 1] = NULL;
    return become("", strcmp(argv[0], "run") == 0, arguments);
}
