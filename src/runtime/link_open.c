/* Opening a link: looking its host up, trying its addresses. */
#include "runtime/link.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>

/* The host may have moved: look it up again. */
static void fail_to_connect(cz__link *link, const char *reason)
{
    link->address_count = 0;
    cz__link_fail(link, reason);
}

static void try_address(cz__link *link)
{
    unsigned at = link->address_at;
    link->state = CZ__LINK_CONNECTING;
    link->fd = socket(link->addresses[at].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        cz__link_fail(link, strerror(errno));
        return;
    }
    int one = 1;
    cz_ignore(setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one,
                         sizeof one)); /* slower without, that is all */
    if (connect(link->fd, (const struct sockaddr *)&link->addresses[at], link->address_bytes[at]) <
            0 &&
        errno != EINPROGRESS) {
        fail_to_connect(link, strerror(errno));
        return;
    }
    cz__loop *loop = cz__loop_current();
    if (loop && cz__watch_add(loop, &link->watch, link->fd, EPOLLOUT, cz__link_on_ready)) {
        cz__link_fail(link, "the socket cannot be watched");
        return;
    }
    link->loop = loop;
}

/* Of a host with several addresses the next, when one does not take the connection. */
void cz__link_connect_over(cz__link *link)
{
    int code = 0;
    socklen_t bytes = sizeof code;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &code, &bytes))
        code = errno;
    if (!code) {
        cz__link_connected(link);
    } else if (link->address_at + 1 < link->address_count) {
        cz__link_close_socket(link);
        link->address_at++;
        try_address(link);
    } else {
        fail_to_connect(link, strerror(code));
    }
}

/* ---- looking the host up ---- */

/* For a thread of the pool, and a fiber that waits for it longer than anybody else. */
struct lookup {
    cz__link *link;
    uint64_t attempt;
    char host[256], port[8];
    struct addrinfo *found;
    int code;
};

static void look_up(void *arg)
{
    struct lookup *lookup = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    lookup->code = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
}

static void looked_up(struct lookup *lookup)
{
    cz__link *link = lookup->link;
    bool wanted = link->state == CZ__LINK_RESOLVING && link->attempt == lookup->attempt;
    if (wanted && lookup->code) {
        cz__link_fail(link, gai_strerror(lookup->code));
    } else if (wanted) {
        link->address_count = link->address_at = 0;
        for (const struct addrinfo *at = lookup->found;
             at && link->address_count < CZ__LINK_ADDRESSES_MAX; at = at->ai_next) {
            memcpy(&link->addresses[link->address_count], at->ai_addr, at->ai_addrlen);
            link->address_bytes[link->address_count++] = at->ai_addrlen;
        }
        try_address(link);
    }
    if (lookup->found)
        freeaddrinfo(lookup->found);
    cz_free(lookup);
}

static void look_up_on_fiber(void *arg)
{
    struct lookup *lookup = arg;
    cz_ctx ctx;
    cz_ctx_init(&ctx, NULL);
    if (cz__fiber_offload_uncancelled(&ctx, look_up, lookup))
        lookup->code = EAI_AGAIN;
    cz_ctx_done(&ctx);
    looked_up(lookup);
}

void cz__link_open(cz__link *link)
{
    link->attempt++;
    link->address_at = 0;
    if (link->address_count) {
        try_address(link);
        return;
    }
    link->state = CZ__LINK_RESOLVING;
    struct lookup *lookup = cz_calloc(1, sizeof *lookup);
    if (!lookup) {
        cz__link_fail(link, "no memory");
        return;
    }
    lookup->link = link;
    lookup->attempt = link->attempt;
    cz_ignore(snprintf(lookup->host, sizeof lookup->host, "%s", link->host)); /* 253 at most */
    cz_ignore(snprintf(lookup->port, sizeof lookup->port, "%u", link->port));
    struct in6_addr number;
    bool is_number = inet_pton(AF_INET, link->host, &number) == 1 ||
                     inet_pton(AF_INET6, link->host, &number) == 1;
    if (is_number || !cz__fiber_current()) {
        look_up(lookup);
        looked_up(lookup);
    } else if (cz__fiber_start(look_up_on_fiber, lookup)) {
        cz_free(lookup);
        cz__link_fail(link, "no fiber to look the host up");
    }
}
