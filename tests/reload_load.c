#include "reload_load.h"
#include "certificates.h"
#include <arpa/inet.h>
#include <calzone/time.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_S = 20, PIECES = 8, PIECE_BYTES = 6000, PIPELINED = 6 };

struct client {
    uint16_t port, tls_port;
    struct load_tally *tally;
    int fd; /* -1: not connected */
    char in[65536];
    size_t used, taken;
};

static void fail(struct client *client, const char *text, ...) CZ_PRINTF(2, 3);
static void fail(struct client *client, const char *text, ...)
{
    va_list args;
    if (__atomic_fetch_add(&client->tally->failed, 1, __ATOMIC_RELAXED) == 0) {
        va_start(args, text);
        cz_ignore(vsnprintf(client->tally->first_failure, sizeof client->tally->first_failure, text,
                            args)); /* may be cut */
        va_end(args);
    }
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static bool connect_client(struct client *client)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(client->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval limit = { ANSWER_S, 0 };
    if (client->fd >= 0)
        return true;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client->used = client->taken = 0;
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (!connect(client->fd, (struct sockaddr *)&address, sizeof address))
        return true;
    fail(client, "connect: %s", strerrorname_np(errno));
    return false;
}

static bool say(struct client *client, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(client->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            fail(client, "send: %s", strerrorname_np(errno));
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* The bytes of the first answer in the input; 0: it is not whole. */
static size_t whole_answer(struct client *client)
{
    cz_str in = cz_str_of(client->in + client->taken, client->used - client->taken);
    size_t end = cz_str_find(in, CZ_STR("\r\n\r\n")), length = 0;
    if (end == SIZE_MAX)
        return 0;
    cz_str head = cz_str_head(in, end + 2);
    size_t at = cz_str_find(head, CZ_STR("Content-Length: "));
    if (at != SIZE_MAX)
        length = (size_t)strtoul(head.ptr + at + 16, NULL, 10);
    return in.len >= end + 4 + length ? end + 4 + length : 0;
}

/* Take one answer of 200 or 201. Sets `*out_last` when the connection closes after it. */
static bool hear(struct client *client, bool *out_last)
{
    size_t len;
    while (!(len = whole_answer(client))) {
        if (client->taken) {
            memmove(client->in, client->in + client->taken, client->used - client->taken);
            client->used -= client->taken;
            client->taken = 0;
        }
        ssize_t got =
            recv(client->fd, client->in + client->used, sizeof client->in - client->used, 0);
        if (got <= 0) {
            fail(client, "%s after %zu bytes of an answer",
                 got ? strerrorname_np(errno) : "the end", client->used);
            return false;
        }
        client->used += (size_t)got;
    }
    cz_str answer = cz_str_of(client->in + client->taken, len);
    client->taken += len;
    if (!cz_str_starts_with(answer, CZ_STR("HTTP/1.1 20"))) {
        fail(client, "%.*s", (int)(len < 120 ? len : 120), answer.ptr);
        return false;
    }
    *out_last = cz_str_find(answer, CZ_STR("Connection: close")) != SIZE_MAX;
    __atomic_fetch_add(&client->tally->answered, 1, __ATOMIC_RELAXED);
    return true;
}

static void hang_up(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

#define ASK "GET /sleep/0 HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void ask_once(struct client *client, unsigned round)
{
    bool last = false;
    if (!connect_client(client) || !say(client, ASK, strlen(ASK)) || !hear(client, &last))
        return;
    if (last)
        hang_up(client);
    if (round % 16 == 0) /* so that some hand-overs meet an idle connection */
        sleep_ms(5 + (int)(round % 7) * 10);
}

static void ask_fresh(struct client *client, unsigned round)
{
    (void)round;
    bool last;
    if (connect_client(client) && say(client, ASK, strlen(ASK)) && hear(client, &last))
        hang_up(client);
}

static void write_row(struct client *client, unsigned round)
{
    bool last = false;
    char post[200];
    int len = snprintf(post, sizeof post,
                       "POST /notes HTTP/1.1\r\nHost: localhost\r\n"
                       "Content-Length: 8\r\n\r\n%08u",
                       round); /* the lab takes each once */
    if (!connect_client(client) || !say(client, post, (size_t)len) || !hear(client, &last))
        return;
    if (last)
        hang_up(client);
}

static void ask_several(struct client *client, unsigned round)
{
    (void)round;
    bool last = false;
    static const char all[] =
        ASK ASK "GET /sleep/3 HTTP/1.1\r\nHost: localhost\r\n\r\n" ASK ASK ASK;
    if (!connect_client(client) || !say(client, all, sizeof all - 1))
        return;
    for (int i = 0; i < PIPELINED; i++) {
        if (last) {
            fail(client, "closed after answer %d of %d", i, PIPELINED);
            return;
        }
        if (!hear(client, &last))
            return;
    }
    if (last)
        hang_up(client);
}

static void upload(struct client *client, unsigned round)
{
    static char piece[PIECE_BYTES + 16];
    bool chunked = round % 2, last = false;
    char head[200];
    size_t len = PIECE_BYTES;
    memset(piece, 'x', sizeof piece);
    int head_len = chunked ? snprintf(head, sizeof head,
                                      "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n")
                           : snprintf(head, sizeof head,
                                      "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                                      "Content-Length: %d\r\n\r\n",
                                      PIECES * PIECE_BYTES);
    if (chunked) {
        len = (size_t)snprintf(piece, 16, "%x\r\n", PIECE_BYTES);
        piece[len] = 'x';
        memcpy(piece + len + PIECE_BYTES, "\r\n", 2);
        len += PIECE_BYTES + 2;
    }
    if (!connect_client(client) || !say(client, head, (size_t)head_len))
        return;
    for (int i = 0; i < PIECES; i++) {
        sleep_ms(15);
        if (!say(client, piece, len))
            return;
    }
    if ((chunked && !say(client, "0\r\n\r\n", 5)) || !hear(client, &last))
        return;
    if (last)
        hang_up(client);
}

/* curl asks again by itself what a GOAWAY left out, as every client may. */
static void ask_by_curl(struct client *client, unsigned round)
{
    (void)round;
    char command[300], line[200], bad[200] = "";
    unsigned good = 0;
    cz_ignore(
        snprintf(command, sizeof command,
                 "exec curl -sS --no-progress-meter --cacert ca.pem --parallel -o /dev/null "
                 "-w '%%{http_code} %%{http_version}\\n' 'https://localhost:%u/sleep/[1-20]' 2>&1",
                 client->tls_port)); /* it fits */
    FILE *out = popen(command, "r"); /* NOLINT(cert-env33-c): its words are the test's own */
    while (out && fgets(line, sizeof line, out)) {
        bool answered = !strcmp(line, "200 2\n");
        good += answered;
        if (!answered && !bad[0] && strstr(line, "curl:"))
            cz_ignore(snprintf(bad, sizeof bad, "%s", line)); /* may be cut */
    }
    int code = out ? pclose(out) : -1;
    __atomic_fetch_add(&client->tally->answered, good, __ATOMIC_RELAXED);
    if (code || good != 20)
        fail(client, "curl: %u of 20, code %d: %s", good, code, bad);
}

static void run_client(const struct server *server, enum load_kind kind, struct load_tally *tally,
                       const bool *stop)
{
    static void (*const asks[])(struct client *, unsigned) = {
        [LOAD_KEEP_ALIVE] = ask_once, [LOAD_PIPELINE] = ask_several, [LOAD_UPLOAD] = upload,
        [LOAD_FRESH] = ask_fresh,     [LOAD_WRITE] = write_row,      [LOAD_HTTP2] = ask_by_curl,
    };
    static struct client client;
    client = (struct client){
        .port = server->port, .tls_port = server->tls_port, .tally = tally, .fd = -1
    };
    for (unsigned round = 0; !__atomic_load_n(stop, __ATOMIC_RELAXED); round++) {
        asks[kind](&client, round);
        if (tally->failed > 1000)
            break;
    }
    _exit(0);
}

struct server load_server(const char *bind, unsigned workers)
{
    certificates_make();
    const char *const env[] = { format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
                                format("TLS_KEYS=%s", certificate_file("good.key")).ptr, NULL };
    return server_start_on("lab", bind, workers, env);
}

struct load load_start(const struct server *server)
{
    struct load load = { 0 };
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(shared != MAP_FAILED && !chdir(cz_test_directory()));
    load.tallies = (struct load_tally *)(void *)shared;
    load.stop = (bool *)(shared + LOAD_KINDS * sizeof *load.tallies);
    fflush(NULL);
    for (enum load_kind kind = 0; kind < LOAD_KINDS; kind++) {
        pid_t pid = fork();
        CZ_REQUIRE(pid >= 0);
        if (pid == 0)
            run_client(server, kind, &load.tallies[kind], load.stop);
        load.clients[kind] = pid;
    }
    return load;
}

void load_stop(struct load *load)
{
    __atomic_store_n(load->stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < LOAD_KINDS; i++)
        waitpid(load->clients[i], NULL, 0);
}

void load_expect_no_failure(const struct load *load)
{
    static const char *const names[] = { "keep-alive", "pipelines", "uploads",
                                         "fresh",      "writes",    "HTTP/2" };
    const char *path = getenv("CZ_LOAD_REPORT");
    FILE *report = path ? fopen(path, "ae") : NULL;
    for (int kind = 0; kind < LOAD_KINDS; kind++) {
        const struct load_tally *tally = &load->tallies[kind];
        fprintf(report ? report : stdout, "%s: %llu answered, %llu failed\n", names[kind],
                (unsigned long long)tally->answered, (unsigned long long)tally->failed);
        CZ_EXPECT_MSG(!tally->failed, "%s: %llu failed, the first: %s", names[kind],
                      (unsigned long long)tally->failed, tally->first_failure);
        CZ_EXPECT_MSG(tally->answered > 0, "%s: nothing was answered", names[kind]);
    }
    if (report)
        fclose(report);
}
