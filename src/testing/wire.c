/* The wire client: bytes to a loopback port, cut where a test wants, and the answers back. */
#include "testing/testing_internal.h"
#include <arpa/inet.h>
#include <calzone/time.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 2, READ_BYTES = 64 << 10 };

cz_wire *cz_wire_open(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    cz_wire *wire = cz_calloc(1, sizeof *wire);
    CZ_REQUIRE(wire);
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0 ||
        connect(wire->fd, (const struct sockaddr *)(const void *)&address, sizeof address))
        cz__test_die("cannot connect to port %u: errno %d", (unsigned)port, errno);
    cz_ignore(setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)));
    return wire;
}

void cz_wire_close(cz_wire *wire)
{
    if (!wire)
        return;
    close(wire->fd);
    cz_buf_done(&wire->in);
    cz_free(wire);
}

void cz_wire_abort(cz_wire *wire)
{
    struct linger linger = { .l_onoff = 1 };
    if (wire)
        cz_ignore(setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    cz_wire_close(wire);
}

bool cz_wire_send(cz_wire *wire, cz_str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        bytes = cz_str_tail(bytes, (size_t)sent);
    }
    return true;
}

/* Long enough for a peer that waits in epoll to read what was sent; were it not, the two pieces would
 * arrive as one and the test would only show less. */
static void let_peer_read(void)
{
    struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
    nanosleep(&pause, NULL);
}

bool cz_wire_send_cut(cz_wire *wire, cz_str bytes, size_t cut)
{
    if (!cz_wire_send(wire, cz_str_head(bytes, cut)))
        return false;
    if (cut && cut < bytes.len)
        let_peer_read();
    return cz_wire_send(wire, cz_str_tail(bytes, cut));
}

bool cz_wire_send_bytes(cz_wire *wire, cz_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (!cz_wire_send(wire, cz_str_of(bytes.ptr + i, 1)))
            return false;
        let_peer_read();
    }
    return true;
}

/* Read once. False at the close, a reset included, or when the time is over. */
static bool read_more(cz_wire *wire, int64_t until_us)
{
    for (;;) {
        struct pollfd fd = { .fd = wire->fd, .events = POLLIN };
        int64_t left_us = until_us - cz_monotonic_us();
        int ready = poll(&fd, 1, left_us > 0 ? (int)((left_us + 999) / 1000) : 0);
        if (ready == 0) {
            wire->timed_out = true;
            return false;
        }
        char *at = cz_buf_reserve(&wire->in, READ_BYTES);
        CZ_REQUIRE(at);
        ssize_t got = recv(wire->fd, at, READ_BYTES, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0) {
            wire->closed = true;
            return false;
        }
        cz_buf_commit(&wire->in, (size_t)got);
        wire->read_count++;
        return true;
    }
}

const cz_answer *cz_wire_next(cz_wire *wire, uint32_t timeout_ms)
{
    int64_t until_us = cz_monotonic_us() + (int64_t)timeout_ms * 1000;
    cz_answer *answer = cz_arena_new(cz_test_arena(), cz_answer);
    CZ_REQUIRE(answer);
    wire->timed_out = false;
    for (;;) {
        cz_str in = cz_str_tail(cz_buf_str(&wire->in), wire->used);
        size_t used = cz__answer_parse(in, wire->head, wire->closed, answer);
        if (used) {
            wire->used += used;
            wire->head = false;
            return answer;
        }
        if (wire->closed)
            return NULL;
        if (wire->used == wire->in.len) { /* nothing half read: begin again at the front */
            cz_buf_clear(&wire->in);
            wire->used = 0;
        }
        if (!read_more(wire, until_us) && !wire->closed)
            return NULL;
    }
}

bool cz_wire_closes(cz_wire *wire, uint32_t timeout_ms)
{
    int64_t until_us = cz_monotonic_us() + (int64_t)timeout_ms * 1000;
    if (wire->used < wire->in.len)
        return false;
    return wire->closed || (!read_more(wire, until_us) && wire->closed);
}
