/* A server on a real socket with the real loop and real fibers, and its clients, all in one thread: the test writes as a client
 * and turns the loop. */
#ifndef CZ_HTTP_TESTING_H
#define CZ_HTTP_TESTING_H

#include "http/http_internal.h"
#include <arpa/inet.h>
#include <calzone/runtime.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

struct bench {
    cz__loop *loop;
    cz__http_server *server;
    int listen_fd;
    uint16_t port;
};

/* With TLS when `tls` is not NULL. */
static inline struct bench bench_make(const cz_http_limits *limits, const cz__http_app *app,
                                      cz__tls_server *tls)
{
    struct bench b = { 0 };
    CZ_REQUIRE_OK(cz__loop_create(&b.loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    b.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(bind(b.listen_fd, (struct sockaddr *)&address, len) == 0);
    CZ_REQUIRE(listen(b.listen_fd, 512) == 0);
    CZ_REQUIRE(getsockname(b.listen_fd, (struct sockaddr *)&address, &len) == 0);
    b.port = ntohs(address.sin_port);
    CZ_REQUIRE_OK(cz__http_server_create(b.loop, limits, app, &b.server));
    if (tls)
        cz__http_server_set_tls(b.server, tls);
    CZ_REQUIRE_OK(
        cz__http_server_listen(b.server, b.listen_fd, tls ? CZ__HTTP_TLS : CZ__HTTP_PLAIN));
    return b;
}

static inline void bench_done(struct bench *b)
{
    cz__http_server_destroy(b->server);
    cz__fibers_done();
    cz__loop_destroy(b->loop);
    close(b->listen_fd);
}

static inline int dial(const struct bench *b)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(b->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CZ_REQUIRE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) == 0);
    CZ_REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static inline void turn(struct bench *b, int ms)
{
    for (int64_t until = cz_monotonic_us() + ms * 1000; cz_monotonic_us() < until;)
        cz__loop_turn(b->loop, 1);
}

static inline void say_bytes(int fd, cz_str text)
{
    CZ_EXPECT(send(fd, text.ptr, text.len, MSG_NOSIGNAL) == (ssize_t)text.len);
}

static inline void say(int fd, const char *text)
{
    say_bytes(fd, cz_str_from(text));
}

struct heard {
    cz_buf all;
    unsigned receives; /* recv() calls that gave something */
    bool closed, reset;
};

/* Read until nothing came for `quiet_ms`, or `wanted` bytes did, or the end. */
static inline void listen_until(struct bench *b, int fd, struct heard *heard, size_t wanted,
                                int quiet_ms)
{
    int64_t quiet_since = cz_monotonic_us();
    while (heard->all.len < wanted && cz_monotonic_us() - quiet_since < quiet_ms * 1000) {
        cz__loop_turn(b->loop, 1);
        ssize_t n = recv(fd, cz_buf_reserve(&heard->all, 1 << 16), 1 << 16, 0);
        if (n > 0) {
            cz_buf_commit(&heard->all, (size_t)n);
            heard->receives++;
            quiet_since = cz_monotonic_us();
        } else if (n == 0 || errno != EAGAIN) {
            heard->closed = true;
            heard->reset = n < 0;
            return;
        }
    }
}

static inline struct heard hear(struct bench *b, int fd)
{
    struct heard heard = { 0 };
    listen_until(b, fd, &heard, SIZE_MAX, 60);
    return heard;
}

static inline size_t count_of(const struct heard *heard, const char *needle)
{
    cz_str rest = cz_buf_str(&heard->all), wanted = cz_str_from(needle);
    size_t count = 0;
    for (size_t at; (at = cz_str_find(rest, wanted)) != SIZE_MAX; count++)
        rest = cz_str_tail(rest, at + wanted.len);
    return count;
}

#define EXPECT_HEARD(heard, needle, times)                                                         \
    CZ_EXPECT_MSG(count_of(&(heard), needle) == (times), "%s: heard %.*s", needle,                 \
                  CZ_STR_ARG(cz_str_head(cz_buf_str(&(heard).all), 400)))

#endif
