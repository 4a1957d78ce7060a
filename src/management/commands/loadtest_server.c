/* The server that `loadtest` asks: found by its URL, or started for it. */
#include "http/h1_head.h"
#include "management/commands/loadtest.h"
#include <arpa/inet.h>
#include <calzone/log.h>
#include <calzone/time.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 120000, STOP_MS = 10000, LOOK_MS = 10, PRINTED_MAX = 4096 };

/* ---- by its URL ---- */

static bool is_loopback(const struct cz__address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* The first of the host's addresses; of "localhost" and of numbers without asking anybody. */
static cz_status look_up(cz_arena *arena, cz_str host, cz_str port, struct cz__address *out,
                         cz_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    cz_str name = host, number = port;
    if (host.len > 2 && host.ptr[0] == '[')
        name = cz_str_of(host.ptr + 1, host.len - 2);
    if (cz_str_dup(arena, name, &name) || cz_str_dup(arena, number, &number))
        return cz_error_set(err, CZ_ENOMEM, "no memory to look a host up");
    int code = getaddrinfo(name.ptr, number.ptr, &hints, &found);
    if (code)
        return cz_error_set(err, CZ_EUNAVAILABLE, "%s: %s", name.ptr, gai_strerror(code));
    memcpy(&out->any, found->ai_addr, found->ai_addrlen); /* AF_INET or AF_INET6 */
    out->bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return CZ_OK;
}

cz_status cz__loadtest_resolve(cz_arena *arena, const char *url, bool remote,
                               struct cz__address *out, const char **out_host, cz_error *err)
{
    cz_str scheme = CZ_STR("http://"), text = cz_str_from(url), authority;
    struct cz__address address = { 0 };
    if (!cz_str_starts_with(text, scheme))
        return cz_error_set(err, CZ_EVALIDATION,
                            "--url takes http://HOST:PORT, not \"%s\"; https is not spoken", url);
    authority = cz_str_tail(text, scheme.len);
    if (authority.len && authority.ptr[authority.len - 1] == '/')
        authority.len--;
    if (!cz__http_is_host(authority))
        return cz_error_set(err, CZ_EVALIDATION,
                            "--url takes http://HOST:PORT without a path, not \"%s\"", url);
    size_t end = authority.len; /* of the host: a colon inside brackets is the address's */
    while (end && authority.ptr[end - 1] >= '0' && authority.ptr[end - 1] <= '9')
        end--;
    bool has_port = end && authority.ptr[end - 1] == ':';
    cz_str host = has_port ? cz_str_head(authority, end - 1) : authority;
    cz_str port = end < authority.len && has_port ? cz_str_tail(authority, end) : CZ_STR("80");
    cz_status status = look_up(arena, host, port, &address, err);
    if (status)
        return status;
    if (!remote && !is_loopback(&address))
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s is not this machine; --allow-remote asks others, too", url);
    if (cz_str_dup(arena, authority, &authority))
        return cz_error_set(err, CZ_ENOMEM, "no memory for a host's name");
    *out = address;
    *out_host = authority.ptr;
    return CZ_OK;
}

/* ---- started for it ---- */

/* In the child. Not in the terminal's foreground: Ctrl-C is for the command, which then stops the server. */
_Noreturn static void serve(struct cz__site *site, pid_t parent, int out_fd)
{
    static char bind[] = "127.0.0.1:0", option[] = "--bind", name[] = "run";
    char *argv[] = { name, option, bind, NULL };
    const struct cz__serving serving = { .bind = bind };
    cz_ignore(setpgid(0, 0)); /* then Ctrl-C ends both, that is all */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent || dup2(out_fd, STDOUT_FILENO) < 0)
        _exit(1);
    if (!cz_setting_str(site->settings, "ACCESS_LOG")
             .len) /* a line for each request would bury the table */
        cz_ignore(cz_log_configure_access("off", NULL)); /* which opens nothing */
    site->serving = &serving;
    int code = cz__command_run(site, 3, argv);
    fflush(NULL);
    _exit(code);
}

static void sleep_a_little(void)
{
    struct timespec time = { .tv_nsec = LOOK_MS * 1000000L };
    nanosleep(&time, NULL);
}

/* The URL in "shop is served on http://127.0.0.1:PORT/ by ...". */
static bool find_url(int fd, char *out, size_t out_bytes)
{
    char text[PRINTED_MAX];
    ssize_t len = pread(fd, text, sizeof text, 0);
    cz_str printed = cz_str_of(text, len > 0 ? (size_t)len : 0);
    size_t at = cz_str_find(printed, CZ_STR("http://127.0.0.1:"));
    cz_str url = cz_str_tail(printed, at);
    size_t end = cz_str_find_char(url, ' ');
    if (at == SIZE_MAX || end == SIZE_MAX || end >= out_bytes)
        return false;
    memcpy(out, url.ptr, end);
    out[end] = '\0';
    return true;
}

static bool wait_for_url(struct cz__loadtest_server *server, int fd)
{
    int64_t until_us = cz_monotonic_us() + (int64_t)START_MS * 1000;
    while (!find_url(fd, server->url, sizeof server->url)) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            return false;
        if (cz_monotonic_us() > until_us) {
            cz__loadtest_server_stop(server);
            return false;
        }
        sleep_a_little();
    }
    return true;
}

/* What the server prints goes to a file in memory, of which its first line is read: a pipe that nobody empties
 * would stop it. */
cz_status cz__loadtest_server_start(struct cz__site *site, struct cz__loadtest_server *out,
                                    cz_error *err)
{
    struct cz__loadtest_server server = { 0 };
    pid_t self = getpid();
    int fd = memfd_create("loadtest", MFD_CLOEXEC);
    if (fd < 0)
        return cz_error_set(err, CZ_EIO, "memfd_create: %s", strerror(errno));
    fflush(NULL);
    server.pid = fork();
    if (server.pid == 0)
        serve(site, self, fd);
    bool started = server.pid > 0 && wait_for_url(&server, fd);
    close(fd);
    if (!started)
        return cz_error_set(err, CZ_EIO, "the project could not be started for it");
    *out = server;
    return CZ_OK;
}

void cz__loadtest_server_stop(struct cz__loadtest_server *server)
{
    if (server->pid <= 0)
        return;
    int64_t until_us = cz_monotonic_us() + (int64_t)STOP_MS * 1000;
    bool killed = false;
    kill(server->pid, SIGTERM);
    while (waitpid(server->pid, NULL, WNOHANG) == 0) {
        if (!killed && cz_monotonic_us() > until_us)
            killed = !kill(-server->pid, SIGKILL); /* master and workers */
        sleep_a_little();
    }
    server->pid = 0;
}
