/* A connection whose proxy still says for whom it speaks. Then TLS or HTTP begin, as if the client had connected itself. */
#include "http/connection.h"
#include "http/proxy_protocol.h"
#include <calzone/log.h>
#include <errno.h>
#include <sys/socket.h>

struct proxy { /* what came of the header */
    size_t bytes;
    char room[CZ__PROXY_BYTES_MAX];
};

static void refuse(cz__conn *conn, const char *why)
{
    cz_log_warning(NULL, "calzone.http", "a connection is closed: PROXY_PROTOCOL is on",
                   CZ_FIELD_STR("error", cz_str_from(why)),
                   CZ_FIELD_STR("proxy", cz_str_from(conn->address_text)));
    cz__conn_close(conn);
}

/* Bytes that were looked at and are the header's. False: the connection was closed. */
static bool consume(cz__conn *conn, struct proxy *proxy, size_t bytes)
{
    bool whole = recv(conn->watch.fd, proxy->room + proxy->bytes, bytes, 0) == (ssize_t)bytes;
    proxy->bytes += bytes;
    if (!whole)
        cz__conn_close(conn);
    return whole;
}

static void begin_protocol(cz__conn *conn, const struct cz__proxy_header *header)
{
    if (header->known && cz__http_server_know_client(conn, &header->client)) {
        refuse(conn, "its client has HTTP_CONNECTIONS_PER_ADDRESS connections");
        return;
    }
    cz_free(conn->session);
    conn->session = NULL;
    if (cz__conn_begin(conn))
        cz__conn_close(conn);
    else
        conn->protocol->on_ready(conn, EPOLLIN);
}

/* The client's first byte may stand behind the header, and is not for us to take: so bytes are looked at first. */
static void on_ready(cz__conn *conn, uint32_t events)
{
    struct proxy *proxy = conn->session;
    struct cz__proxy_header header = { 0 };
    (void)events;
    ssize_t came = recv(conn->watch.fd, proxy->room + proxy->bytes,
                        sizeof proxy->room - proxy->bytes, MSG_PEEK);
    if (came <= 0) {
        if (came == 0 || (errno != EAGAIN && errno != EINTR))
            cz__conn_close(conn);
        return;
    }
    cz_status status =
        cz__proxy_header_read(cz_str_of(proxy->room, proxy->bytes + (size_t)came), &header);
    if (status == CZ_EAGAIN)
        consume(conn, proxy, (size_t)came);
    else if (status)
        refuse(conn, "it begins with no header of the PROXY protocol");
    else if (consume(conn, proxy, header.bytes - proxy->bytes))
        begin_protocol(conn, &header);
}

static void on_due(cz__conn *conn)
{
    refuse(conn, "no header of the PROXY protocol came within HTTP_HEADER_TIMEOUT");
}

static void destroy(cz__conn *conn)
{
    cz_free(conn->session);
}

static const struct cz__conn_protocol protocol = { .on_ready = on_ready,
                                                   .on_due = on_due,
                                                   .on_sent = cz__conn_do_nothing,
                                                   .interest = cz__conn_wants_input,
                                                   .drain = cz__conn_do_nothing,
                                                   .on_ended = cz__conn_do_nothing,
                                                   .is_done = cz__conn_runs_nothing,
                                                   .destroy = destroy };

cz_status cz__proxy_begin(cz__conn *conn)
{
    struct proxy *proxy = cz_calloc(1, sizeof *proxy);
    if (!proxy)
        return CZ_ENOMEM;
    conn->session = proxy;
    conn->protocol = &protocol;
    conn->due_ms = cz__conn_now_ms(conn) + (int64_t)conn->server->core.limits.header_timeout_ms;
    return CZ_OK;
}
