/* firstanswer.c: milliseconds from exec of a server to its first 200.
 *
 *     cc -O2 firstanswer.c -o firstanswer
 *     ./firstanswer PORT PATH CPU COMMAND...
 *
 * Runs COMMAND pinned to CPU in a session of its own, asks http://127.0.0.1:PORT/PATH every 0.2 ms,
 * prints the time, and ends COMMAND: by SIGTERM, and whatever is left of its session by SIGKILL.
 * What COMMAND prints goes to standard error. Exits 1 when there was no 200 in TIMEOUT_MS.
 *
 * In C because the thing measured takes a few milliseconds, which an interpreter's own pauses would
 * blur.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 200000
#define TIMEOUT_MS 20000
#define STOP_MS 5000

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void pause_ns(long ns)
{
    nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* One connection, one request; true for a 200. A server that listens before it is ready is waited
 * for on the open connection, as a client would. */
static bool answers_200(const struct sockaddr_in *address, const char *request)
{
    bool ok = false;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = { .tv_sec = 5 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!connect(fd, (const struct sockaddr *)address, sizeof *address)) {
        char head[12]; /* "HTTP/1.1 200" */
        size_t len = strlen(request);
        ok = send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len &&
             recv(fd, head, sizeof head, MSG_WAITALL) == (ssize_t)sizeof head &&
             !memcmp(head + 8, " 200", 4);
    }
    close(fd);
    return ok;
}

/* The child stays a zombie until its session has been killed: so long, its id is not given away. */
static void end(pid_t child)
{
    siginfo_t info = { 0 };
    double start = now_ms();
    kill(child, SIGTERM);
    while (now_ms() - start < STOP_MS) {
        if (!waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | WNOHANG) && info.si_pid)
            break;
        pause_ns(1000000);
    }
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: firstanswer PORT PATH CPU COMMAND...\n");
        return 2;
    }
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(argv[1], NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    char request[512];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n", argv[2],
             argv[1]);
    prctl(PR_SET_TIMERSLACK, 1UL); /* or a 0.2 ms sleep is a quarter longer */

    /* Shared, so that the child can say when it called exec: fork is not the server's doing. */
    double *start =
        mmap(NULL, sizeof *start, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 1;
    }
    if (child == 0) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET((size_t)strtol(argv[3], NULL, 10), &cpus);
        setsid();
        sched_setaffinity(0, sizeof cpus, &cpus);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* the figure stands alone on our own */
        *start = now_ms();
        execvp(argv[4], argv + 4);
        perror(argv[4]);
        _exit(127);
    }

    bool ok = false;
    double first = 0, give_up = now_ms() + TIMEOUT_MS;
    while (!ok && now_ms() < give_up) {
        siginfo_t info = { 0 };
        waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | WNOHANG);
        if (info.si_pid)
            break; /* it has ended: nobody will answer */
        ok = answers_200(&address, request);
        first = now_ms() - *start;
        if (!ok)
            pause_ns(POLL_NS);
    }
    end(child);
    if (!ok) {
        fprintf(stderr, "firstanswer: no 200 from %s\n", argv[4]);
        return 1;
    }
    printf("%.2f\n", first);
    return 0;
}
