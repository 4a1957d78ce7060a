#include "private_server.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 48, TRIES = 1000, TRY_US = 10000 };

static const struct sockaddr_in loopback = { .sin_family = AF_INET,
                                             .sin_addr = { __builtin_bswap32(INADDR_LOOPBACK) } };

int listen_anywhere(uint16_t *out_port)
{
    struct sockaddr_in address = loopback;
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address) &&
               !listen(fd, 16) && !getsockname(fd, (struct sockaddr *)&address, &bytes));
    *out_port = ntohs(address.sin_port);
    return fd;
}

static bool answers(uint16_t port)
{
    struct sockaddr_in address = loopback;
    address.sin_port = htons(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return ok;
}

void private_server_run(struct private_server *server, const char *const *argv)
{
    static char reason[80];
    fflush(NULL);
    server->pid = fork();
    CZ_REQUIRE(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    for (int i = 0; i < TRIES && !answers(server->port); i++) {
        int status;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            CZ_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 127);
            snprintf(reason, sizeof reason, "%s is not installed", argv[0]);
            cz_test_skip(reason);
        }
        usleep(TRY_US);
    }
    CZ_REQUIRE(answers(server->port));
}

void private_server_stop(struct private_server *server)
{
    int status;
    kill(server->pid, SIGSTOP);
    CZ_REQUIRE(waitpid(server->pid, &status, WUNTRACED) == server->pid && WIFSTOPPED(status));
}

void private_server_kill(struct private_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

static void choose_port(struct private_server *server, char text[8])
{
    if (!server->port)
        close(listen_anywhere(&server->port));
    snprintf(text, 8, "%u", server->port);
}

void redis_run(struct private_server *server, const char *const *more)
{
#ifndef CZ_REDIS
    cz_test_skip("built without Redis");
#endif
    char port[8];
    choose_port(server, port);
    const char *argv[ARGUMENTS_MAX] = {
        "redis-server", "--port", port,    "--bind",           "127.0.0.1", "--save", "",
        "--appendonly", "no",     "--dir", cz_test_directory()
    };
    size_t count = 11;
    for (; more && *more && count < ARGUMENTS_MAX - 1; more++)
        argv[count++] = *more;
    private_server_run(server, argv);
}

void memcached_run(struct private_server *server, const char *const *more)
{
    char port[8];
    choose_port(server, port);
    const char *argv[ARGUMENTS_MAX] = { "memcached", "-p", port, "-U", "0", "-l", "127.0.0.1" };
    size_t count = 7;
    if (getuid() == 0) {
        argv[count++] = "-u";
        argv[count++] = "nobody";
    }
    for (; more && *more && count < ARGUMENTS_MAX - 1; more++)
        argv[count++] = *more;
    private_server_run(server, argv);
}
