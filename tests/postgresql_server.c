#include "postgresql_server.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

/* Start tests/postgresql; what it prints can be read from `*out`. */
static pid_t start_script(const char *first, const char *second, const char *third, int *out)
{
    int fds[2];
    CZ_REQUIRE(!pipe2(fds, O_CLOEXEC));
    fflush(NULL);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        const char *script = CZ_SOURCE_DIR "/tests/postgresql";
        execl(script, script, first, second, third, NULL);
        _exit(127);
    }
    close(fds[1]);
    *out = fds[0];
    return pid;
}

static void skip_where_missing(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        cz_test_skip("PostgreSQL's server is not installed");
}

cz_str pg_script(const char *first, const char *second, const char *third)
{
    int fd, status;
    pid_t pid = start_script(first, second, third, &fd);
    char text[4096];
    size_t len = 0;
    ssize_t got;
    while ((got = read(fd, text + len, sizeof text - len)) > 0)
        len += (size_t)got;
    close(fd);
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    skip_where_missing(status);
    CZ_EXPECT_MSG(status == 0, "%s %s failed", first, third ? third : "");
    return cz_str_trim(format("%.*s", (int)len, text));
}

void pg_create(struct pg *pg)
{
#ifndef CZ_POSTGRESQL
    cz_test_skip("built without PostgreSQL");
#endif
    *pg = (struct pg){ .folder = "/tmp/calzone-pg-XXXXXX" };
    CZ_REQUIRE(mkdtemp(pg->folder) && !chmod(pg->folder, 0755));
}

void pg_run(struct pg *pg)
{
    int fd;
    pg->pid = start_script("run", pg->folder, NULL, &fd);
    char url[256];
    size_t len = 0;
    while (len < sizeof url && read(fd, url + len, 1) == 1 && url[len] != '\n')
        len++;
    close(fd);
    if (!len) {
        int status;
        waitpid(pg->pid, &status, 0);
        pg->pid = 0;
        skip_where_missing(status);
        CZ_REQUIRE(len > 0);
    }
    pg->url = format("%.*s", (int)len, url).ptr;
    pg_script("wait", pg->folder, NULL);
}

void pg_end(struct pg *pg)
{
    if (pg->pid > 0) {
        kill(pg->pid, SIGQUIT);
        waitpid(pg->pid, NULL, 0);
    }
    pg->pid = 0;
}

void pg_remove(struct pg *pg)
{
    pg_end(pg);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", pg->folder, NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}
