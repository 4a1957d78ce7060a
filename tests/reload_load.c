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

enum { ANSWER_S = 20, PIECES = 8, PIECE_BYTES = 6000, PIPELINED = 6, NOTES = 500 };

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
    bool drops = round % NOTES == NOTES - 1; /* a database that grows fills caches */
    int len = drops
                  ? snprintf(post, sizeof post, "DELETE /notes HTTP/1.1\r\nHost: localhost\r\n\r\n")
                  : snprintf(post, sizeof post,
                             "POST /notes HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Length: 19\r\n\r\n%010d %08u",
                             (int)getpid(), round); /* the lab takes each once */
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

/* ---- those for servers that stay ---- */

/* Say it on a connection of its own that the server ends, and read it to its end: whether it began and ended so. */
static void read_all(struct client *client, const char *ask, const char *begin, const char *end)
{
    size_t got = 0, kept = 0, end_len = strlen(end);
    if (!connect_client(client) || !say(client, ask, strlen(ask)))
        return;
    for (ssize_t n; (n = recv(client->fd, client->in + kept, sizeof client->in - kept, 0)) > 0;) {
        size_t all = kept + (size_t)n;
        if (got == 0 && (all < strlen(begin) || memcmp(client->in, begin, strlen(begin)))) {
            fail(client, "%.*s", (int)(all < 120 ? all : 120), client->in);
            return;
        }
        got += (size_t)n;
        kept = all < end_len ? all : end_len; /* its last bytes */
        memmove(client->in, client->in + all - kept, kept);
    }
    hang_up(client);
    if (kept < end_len || memcmp(client->in, end, end_len))
        fail(client, "%zu bytes, and no end", got);
    else
        __atomic_fetch_add(&client->tally->answered, 1, __ATOMIC_RELAXED);
}

#define ASK_LAST(target) "GET " target " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static void ask_for_streams(struct client *client, unsigned round)
{
    if (round % 2)
        read_all(client, ASK_LAST("/stream/300000"), "HTTP/1.1 200", "0\r\n\r\n");
    else
        read_all(client, ASK_LAST("/file"), "HTTP/1.1 200", "/* the end of the file */\n");
}

static void ask_for_errors(struct client *client, unsigned round)
{
    static const struct {
        const char *ask, *begin;
    } asks[] = {
        { ASK_LAST("/nothing"), "HTTP/1.1 404" },
        { ASK_LAST("/fail"), "HTTP/1.1 500" },
        { ASK_LAST("/broken-stream"), "HTTP/1.1 200" },
        { "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400" },
        { "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
          "HTTP/1.1 413" },
        { "GET /sleep/0 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
          "HTTP/1.1 400" },
    };
    read_all(client, asks[round % CZ_COUNT(asks)].ask, asks[round % CZ_COUNT(asks)].begin, "");
    sleep_ms(2);
}

/* Nobody answers, or nobody hears it. */
static void abort_somewhere(struct client *client, unsigned round)
{
    static const char *const asks[] = {
        "GET /sl",
        "GET /sleep/50 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /mix HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /stream/5000000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nxxxx",
        "PUT /back HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxx",
        ASK ASK ASK ASK,
    };
    const char *ask = asks[round % CZ_COUNT(asks)];
    if (!connect_client(client) || !say(client, ask, strlen(ask)))
        return;
    sleep_ms((int)(round % 5));
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    hang_up(client);
    __atomic_fetch_add(&client->tally->answered, 1, __ATOMIC_RELAXED);
}

static bool hear_bytes(struct client *client, size_t wanted)
{
    client->used = 0;
    while (client->used < wanted) {
        ssize_t got = recv(client->fd, client->in + client->used, wanted - client->used, 0);
        if (got <= 0) {
            fail(client, "a WebSocket ended after %zu bytes of %zu", client->used, wanted);
            return false;
        }
        client->used += (size_t)got;
    }
    return true;
}

static void talk(struct client *client, unsigned round)
{
    static const char ask[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static const char bye[] = "\x88\x82\0\0\0\0\x03\xe8";
    static const char frame[4008] = "\x82\xfe\x0f\xa0"; /* 4,000 bytes, all and their mask 0 */
    char byte = 0;
    if (!connect_client(client) || !say(client, ask, sizeof ask - 1))
        return;
    for (unsigned end = 0; end < 4;) { /* the head, byte by byte, as a message could follow it */
        if (!hear_bytes(client, 1))
            return;
        byte = client->in[0];
        end = byte == "\r\n\r\n"[end] ? end + 1 : byte == '\r';
    }
    for (int i = 0; i < 20; i++) {
        if (!say(client, frame, sizeof frame) || !hear_bytes(client, 4004))
            return;
        __atomic_fetch_add(&client->tally->answered, 1, __ATOMIC_RELAXED);
    }
    if (round % 2 && (!say(client, bye, sizeof bye - 1) || !hear_bytes(client, 4)))
        return;
    hang_up(client);
    sleep_ms(2);
}

static void run_client(const struct server *server, enum load_kind kind, struct load_tally *tally,
                       const bool *stop)
{
    static void (*const asks[])(struct client *, unsigned) = {
        [LOAD_KEEP_ALIVE] = ask_once,   [LOAD_PIPELINE] = ask_several,
        [LOAD_UPLOAD] = upload,         [LOAD_FRESH] = ask_fresh,
        [LOAD_WRITE] = write_row,       [LOAD_HTTP2] = ask_by_curl,
        [LOAD_WEBSOCKET] = talk,        [LOAD_STREAM] = ask_for_streams,
        [LOAD_ABORT] = abort_somewhere, [LOAD_ERROR] = ask_for_errors,
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
    const char *const env[] = {
        format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
        format("TLS_KEYS=%s", certificate_file("good.key")).ptr,
        "HTTP_QUEUE_WAIT_MAX=20s", /* it shares its processors with all these clients */
        NULL
    };
    return server_start_on("lab", bind, workers, env);
}

static struct load start(const struct server *server, int count)
{
    struct load load = { .count = count };
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(shared != MAP_FAILED && !chdir(cz_test_directory()));
    load.tallies = (struct load_tally *)(void *)shared;
    load.stop = (bool *)(shared + LOAD_KINDS * sizeof *load.tallies);
    fflush(NULL);
    for (int kind = 0; kind < count; kind++) {
        pid_t pid = fork();
        CZ_REQUIRE(pid >= 0);
        if (pid == 0)
            run_client(server, (enum load_kind)kind, &load.tallies[kind], load.stop);
        load.clients[kind] = pid;
    }
    return load;
}

struct load load_start(const struct server *server)
{
    return start(server, LOAD_RELOADED);
}

struct load load_start_all(const struct server *server)
{
    return start(server, LOAD_KINDS);
}

uint64_t load_answered(const struct load *load)
{
    uint64_t answered = 0;
    for (int i = 0; i < load->count; i++)
        answered += __atomic_load_n(&load->tallies[i].answered, __ATOMIC_RELAXED);
    return answered;
}

void load_stop(struct load *load)
{
    __atomic_store_n(load->stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < load->count; i++)
        waitpid(load->clients[i], NULL, 0);
}

void load_expect_no_failure(const struct load *load)
{
    static const char *const names[] = {
        "keep-alive", "pipelines",  "uploads", "fresh",  "writes",
        "HTTP/2",     "WebSockets", "streams", "aborts", "errors"
    };
    const char *path = getenv("CZ_LOAD_REPORT");
    FILE *report = path ? fopen(path, "ae") : NULL;
    for (int kind = 0; kind < load->count; kind++) {
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
