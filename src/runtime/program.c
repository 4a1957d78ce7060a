#include "runtime/program.h"
#include <calzone/str.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static bool is_same(const char *path, const char *other)
{
    struct stat a, b;
    return !stat(path, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* As the shell names it: getcwd() would name the folder that a symbolic link leads to today. */
static void find_directory(char out[CZ__PROGRAM_PATH])
{
    const char *named = getenv("PWD");
    if (named && named[0] == '/' && strlen(named) < CZ__PROGRAM_PATH && is_same(named, "."))
        memcpy(out, named, strlen(named) + 1);
    else if (!getcwd(out, CZ__PROGRAM_PATH))
        out[0] = '\0';
}

/* Whether "FOLDER/NAME", or a NAME that is absolute, fits and is what runs here. */
static bool try_path(cz_str folder, const char *name, char out[CZ__PROGRAM_PATH])
{
    int len = name[0] == '/' ? snprintf(out, CZ__PROGRAM_PATH, "%s", name)
                             : snprintf(out, CZ__PROGRAM_PATH, "%.*s/%s", CZ_STR_ARG(folder), name);
    return len > 0 && len < CZ__PROGRAM_PATH && is_same(out, "/proc/self/exe");
}

static bool find_in_path(const char *directory, const char *name, char out[CZ__PROGRAM_PATH])
{
    const char *path = getenv("PATH");
    cz_str rest = cz_str_from(path ? path : "");
    while (rest.len) {
        char whole[CZ__PROGRAM_PATH];
        cz_str folder = cz_str_cut(&rest, ':');
        bool relative = !cz_str_starts_with(folder, CZ_STR("/"));
        int len = snprintf(whole, sizeof whole, "%s%s%.*s", relative ? directory : "",
                           relative ? "/" : "", CZ_STR_ARG(folder));
        if (len > 0 && len < (int)sizeof whole && try_path(cz_str_from(whole), name, out))
            return true;
    }
    return false;
}

cz_status cz__program_find(struct cz__program *out, cz_error *err)
{
    const char *name = program_invocation_name;
    cz_assert(out);
    find_directory(out->directory);
    bool found = strchr(name, '/') ? try_path(cz_str_from(out->directory), name, out->path)
                                   : find_in_path(out->directory, name, out->path);
    if (found)
        return CZ_OK;
    ssize_t len = readlink("/proc/self/exe", out->path, sizeof out->path - 1);
    if (len <= 0)
        return cz_error_set(err, CZ_ENOTFOUND, "no path leads to this program: %s",
                            strerrorname_np(errno));
    out->path[len] = '\0';
    return CZ_OK;
}

int cz__program_execute(const struct cz__program *program, char *const *argv)
{
    if (!program->directory[0] || chdir(program->directory))
        return program->directory[0] ? errno : ENOENT;
    execve(program->path, argv, environ);
    return errno;
}
