#include "server.h"
#include <arpa/inet.h>
#include <calzone/time.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { START_MS = 20000, STOP_MS = 30000, ANSWER_MS = 20000, LOG_MS = 20000, ENV_MAX = 64 };

static cz_str keep(cz_str text)
{
    cz_str copy;
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), text, &copy));
    return copy;
}

cz_str format(const char *text, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, text);
    int len = vasprintf(&out, text, args);
    va_end(args);
    CZ_REQUIRE(len >= 0);
    cz_str kept = keep(cz_str_of(out, (size_t)len));
    free(out);
    return kept;
}

void sleep_ms(int ms)
{
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&time, NULL);
}

bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer);
#else
    return false;
#endif
}

int full_or_short(int full, int brief)
{
    return getenv("CZ_SHORT") ? brief : full;
}

const char *binary_path(const char *name)
{
    char self[512];
    if (name[0] == '/')
        return name;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    CZ_REQUIRE(len > 0);
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    CZ_REQUIRE(slash);
    return format("%.*s/%s", (int)(slash - self), self, name).ptr;
}

/* ---- starting ---- */

static bool names_variable(const char *const *env, const char *entry)
{
    size_t len = strcspn(entry, "=") + 1;
    for (; env && *env; env++)
        if (!strncmp(*env, entry, len))
            return true;
    return false;
}

static bool has_entry(const char *const *env, const char *entry)
{
    for (; env && *env; env++)
        if (!strcmp(*env, entry))
            return true;
    return false;
}

/* Whether workers are shut in: the search for leaks at their end would trace them, which is refused. */
static bool shuts_in(const char *const *env)
{
    bool in_the_open = has_entry(env, "ENV=production") || has_entry(env, "ENV=staging");
    return has_entry(env, "SANDBOX=on") || (in_the_open && !has_entry(env, "SANDBOX=off"));
}

static void build_environment(const char *const *env, const char *const *defaults,
                              const char *out[ENV_MAX])
{
    size_t count = 0;
    for (char **own = environ; *own; own++)
        if (!strncmp(*own, "PATH=", 5) || !strncmp(*own, "ASAN_", 5) ||
            !strncmp(*own, "UBSAN_", 6) || !strncmp(*own, "CZ_RESPONSES=", 13))
            out[count++] = *own;
    if (shuts_in(env))
        out[count++] = "LSAN_OPTIONS=detect_leaks=0";
    for (; defaults && *defaults; defaults++)
        if (!names_variable(env, *defaults))
            out[count++] = *defaults;
    for (; env && *env; env++)
        out[count++] = *env;
    CZ_REQUIRE(count < ENV_MAX);
    out[count] = NULL;
}

static pid_t start_binary(const char *name, const char *const *argv, const char **env, int out,
                          int err)
{
    const char *path = binary_path(name), *directory = cz_test_directory();
    fflush(NULL);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        if (chdir(directory) == 0)
            execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
        dprintf(STDERR_FILENO, "cannot run %s\n", path);
        _exit(127);
    }
    return pid;
}

static cz_str read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return CZ_STR("");
    char *text = NULL;
    size_t cap = 0;
    ssize_t len = getdelim(&text, &cap, '\0', file);
    fclose(file);
    cz_str kept = len > 0 ? keep(cz_str_of(text, (size_t)len)) : CZ_STR("");
    free(text);
    return kept;
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_binary(const char *name, const char *const *argv, const char *const *env, cz_str *out)
{
    const char *whole[ENV_MAX];
    build_environment(env, NULL, whole);
    const char *path = format("%s/output", cz_test_directory()).ptr;
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600), status;
    CZ_REQUIRE(fd >= 0);
    pid_t pid = start_binary(name, argv, whole, fd, fd);
    close(fd);
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    cz_str text = read_whole(path);
    if (out)
        *out = text;
    if (cz_str_find(text, CZ_STR("Sanitizer")) != SIZE_MAX)
        cz__test_fail(__FILE__, __LINE__, "%s: %.*s", name, CZ_STR_ARG(cz_str_head(text, 4000)));
    return exit_code(status);
}

/* The port in "http://127.0.0.1:PORT/"; 0: it is not there. */
static uint16_t port_behind(const char *text, const char *scheme)
{
    uint64_t port;
    const char *at = strstr(text, scheme), *from = at ? at + strlen(scheme) : NULL;
    const char *end = at ? strchr(from, '/') : NULL;
    return end && !cz_str_to_u64(cz_str_of(from, (size_t)(end - from)), &port) ? (uint16_t)port : 0;
}

/* Of "is served on http://127.0.0.1:PORT/ and https://127.0.0.1:PORT/ by 1 worker". */
static void wait_for_ports(struct server *server, int fd)
{
    char text[1024];
    size_t len = 0;
    while (len < sizeof text - 1) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (poll(&ready, 1, START_MS) <= 0)
            break;
        ssize_t got = read(fd, text + len, sizeof text - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
        text[len] = '\0';
        if (!strstr(text, " worker"))
            continue;
        server->port = port_behind(text, " http://127.0.0.1:");
        server->tls_port = port_behind(text, " https://127.0.0.1:");
        return;
    }
    cz__test_fail(__FILE__, __LINE__, "the server does not start: %.*s",
                  CZ_STR_ARG(server_log(server)));
    cz__test_abort();
}

struct server server_start(const char *name, unsigned workers, const char *const *env)
{
    return server_start_on(name, "127.0.0.1:0", workers, env);
}

struct server server_start_on(const char *name, const char *bind, unsigned workers,
                              const char *const *env)
{
    static int number;
    struct server server = { 0 };
    const char *whole[ENV_MAX];
    int pipe_fds[2];
    const char *directory = cz_test_directory();
    snprintf(server.log, sizeof server.log, "%s/server-%d.log", directory, number++);
    snprintf(server.database, sizeof server.database, "%s/test.db", directory);
    const char *defaults[] = { "ENV=test", format("DATABASE_URL=sqlite://%s", server.database).ptr,
                               "ACCESS_LOG=off", NULL };
    build_environment(env, defaults, whole);
    const char *count = format("%u", workers).ptr;
    const char *const argv[] = {
        name, "run", bind ? "--bind" : NULL, bind, "--workers", count, NULL
    };
    int log = open(server.log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    CZ_REQUIRE(log >= 0 && !pipe2(pipe_fds, O_CLOEXEC));
    server.pid = start_binary(name, argv, whole, pipe_fds[1], log);
    close(log);
    close(pipe_fds[1]);
    wait_for_ports(&server, pipe_fds[0]); /* the reading end stays open */
    return server;
}

cz_str server_log(const struct server *server)
{
    return read_whole(server->log);
}

int server_wait(struct server *server)
{
    int status;
    int64_t until_us = cz_monotonic_us() + STOP_MS * 1000;
    while (waitpid(server->pid, &status, WNOHANG) == 0) {
        if (cz_monotonic_us() > until_us) {
            cz__test_fail(__FILE__, __LINE__, "the server does not end: %.*s",
                          CZ_STR_ARG(server_log(server)));
            cz__test_abort();
        }
        sleep_ms(5);
    }
    cz_str log = server_log(server);
    if (cz_str_find(log, CZ_STR("Sanitizer")) != SIZE_MAX ||
        cz_str_find(log, CZ_STR("runtime error")) != SIZE_MAX)
        cz__test_fail(__FILE__, __LINE__, "a sanitizer reports: %.*s",
                      CZ_STR_ARG(cz_str_head(log, 8000)));
    return exit_code(status);
}

int server_stop(struct server *server)
{
    kill(server->pid, SIGTERM);
    return server_wait(server);
}

size_t process_children(pid_t parent, pid_t *out, size_t max)
{
    cz_str text = read_whole(format("/proc/%d/task/%d/children", (int)parent, (int)parent).ptr);
    size_t count = 0;
    uint64_t pid;
    while (text.len && count < max)
        if (!cz_str_to_u64(cz_str_cut(&text, ' '), &pid))
            out[count++] = (pid_t)pid;
    return count;
}

size_t server_masters(const struct server *server, pid_t *out, size_t max)
{
    return process_children(server->pid, out, max);
}

/* The children of its masters that are, or are not, processes of keys. */
static size_t masters_children(const struct server *server, bool keys, pid_t *out, size_t max)
{
    enum { CHILDREN_MAX = 256 };
    pid_t masters[8], children[CHILDREN_MAX];
    size_t count = 0, master_count = server_masters(server, masters, CZ_COUNT(masters));
    for (size_t i = 0; i < master_count; i++) {
        size_t child_count = process_children(masters[i], children, CHILDREN_MAX);
        for (size_t c = 0; c < child_count && count < max; c++) {
            cz_str name = read_whole(format("/proc/%d/comm", (int)children[c]).ptr);
            if (cz_str_eq(name, CZ_STR("calzone-keys\n")) == keys)
                out[count++] = children[c];
        }
    }
    return count;
}

size_t server_workers(const struct server *server, pid_t *out, size_t max)
{
    return masters_children(server, false, out, max);
}

size_t server_key_processes(const struct server *server, pid_t *out, size_t max)
{
    return masters_children(server, true, out, max);
}

/* ---- reloading ---- */

size_t server_logged(const struct server *server, const char *text)
{
    cz_str log = server_log(server);
    size_t count = 0, at;
    while ((at = cz_str_find(log, cz_str_from(text))) != SIZE_MAX) {
        log = cz_str_tail(log, at + strlen(text));
        count++;
    }
    return count;
}

void server_wait_for_log(const struct server *server, const char *text, size_t times)
{
    for (int64_t until = cz_monotonic_us() + LOG_MS * 1000; server_logged(server, text) < times;) {
        if (cz_monotonic_us() > until) {
            cz__test_fail(__FILE__, __LINE__, "not logged %zu times: %s in %.*s", times, text,
                          CZ_STR_ARG(server_log(server)));
            cz__test_abort();
        }
        sleep_ms(5);
    }
}

/* The master, once there is one alone. */
pid_t server_only_master(const struct server *server)
{
    pid_t masters[8] = { 0 };
    for (int i = 0; i < LOG_MS / 10; i++) {
        if (server_masters(server, masters, 8) == 1)
            return masters[0];
        sleep_ms(10);
    }
    cz__test_fail(__FILE__, __LINE__, "not one master: %.*s", CZ_STR_ARG(server_log(server)));
    cz__test_abort();
}

void server_reload(const struct server *server)
{
    size_t before = server_logged(server, SERVER_RELOADED);
    kill(server->pid, SIGHUP);
    server_wait_for_log(server, SERVER_RELOADED, before + 1);
    server_only_master(server);
}

/* ---- asking ---- */

const cz_answer *ask_raw(uint16_t port, cz_str bytes)
{
    cz_wire *wire = cz_wire_open(port);
    wire->head = cz_str_starts_with(bytes, CZ_STR("HEAD "));
    cz_ignore(cz_wire_send(wire, bytes)); /* refused early, there is an answer all the same */
    const cz_answer *answer = cz_wire_next(wire, ANSWER_MS);
    cz_wire_close(wire);
    return answer;
}

const char *ask_always;

const cz_answer *ask(uint16_t port, const char *method, const char *target, const char *headers,
                     const char *body)
{
    const char *always = ask_always ? ask_always : "", *own = headers ? headers : "";
    cz_str bytes =
        body ? format("%s %s HTTP/1.1\r\nHost: localhost\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                      method, target, always, own, strlen(body), body)
             : format("%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", method, target, always, own);
    const cz_answer *answer = ask_raw(port, bytes);
    if (!answer) {
        cz__test_fail(__FILE__, __LINE__, "no answer to %s %s", method, target);
        cz__test_abort();
    }
    return answer;
}

const cz_answer *get(uint16_t port, const char *target)
{
    return ask(port, "GET", target, NULL, NULL);
}

const cz_answer *post(uint16_t port, const char *target, const char *json)
{
    return ask(port, "POST", target, "Content-Type: application/json\r\n", json);
}

cz_str shell(const struct server *server, const char *command, const char *argument)
{
    cz_str all = CZ_STR("");
    char bytes[4096];
    cz_str whole = format("DIR='%s'; PORT=%u; PLAIN=%u; ARG='%s'; exec 2>&1; %s",
                          cz_test_directory(), server->tls_port, server->port, argument, command);
    FILE *out = popen(whole.ptr, "r"); /* NOLINT(cert-env33-c): its words are the test's own */
    CZ_REQUIRE(out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, out)) > 0;)
        all = format("%.*s%.*s", CZ_STR_ARG(all), (int)n, bytes);
    cz_ignore(pclose(out)); /* the text tells */
    return all;
}

int dial(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

size_t open_files(pid_t pid)
{
    size_t count = 0;
    DIR *folder = opendir(format("/proc/%d/fd", (int)pid).ptr);
    CZ_REQUIRE(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}
