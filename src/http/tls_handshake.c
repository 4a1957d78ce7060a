/* A connection whose client and server still agree on TLS. Then it is of the protocol that the client chose. */
#include "http/connection.h"
#include <calzone/log.h>

static void tell(const cz__conn *conn, const char *what)
{
    cz_log_debug(NULL, "calzone.http", "a TLS handshake failed",
                 CZ_FIELD_STR("error", cz_str_from(what)),
                 CZ_FIELD_STR("client", cz_str_from(conn->address_text)));
}

/* In the clear, as the client speaks: a browser shows it. */
static void answer_http(cz__conn *conn)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Length: 38\r\nConnection: close\r\n\r\n"
                               "This port speaks HTTPS: ask https://.\n";
    cz__tls_session_destroy(conn->tls);
    conn->tls = NULL;
    cz_buf *out = cz__conn_output(conn);
    if (out)
        cz_buf_append_str(out, cz_str_of(text, sizeof text - 1));
    conn->linger = true;
    cz__conn_end(conn);
}

static void on_ready(cz__conn *conn, uint32_t events)
{
    const char *reason;
    (void)events;
    cz_status status = cz__tls_session_handshake(conn->tls, &reason);
    if (status == CZ_EAGAIN)
        return;
    if (status == CZ_EVALIDATION) {
        answer_http(conn);
    } else if (status) {
        tell(conn, reason);
        cz__conn_close(conn);
    } else if (cz_str_eq(cz__tls_session_protocol(conn->tls), CZ_STR("h2"))
                   ? cz__h2_begin(conn, CZ_STR(""))
                   : cz__h1_begin(conn)) {
        cz__conn_close(conn);
    } else {
        conn->protocol->on_ready(conn,
                                 EPOLLIN); /* its first request came with the handshake's end */
    }
}

static void on_due(cz__conn *conn)
{
    tell(conn, "it did not end within HTTP_HEADER_TIMEOUT");
    cz__conn_close(conn);
}

/* It may have been accepted just now: it gets its one answer. */
static const struct cz__conn_protocol protocol = { .on_ready = on_ready,
                                                   .on_due = on_due,
                                                   .on_sent = cz__conn_do_nothing,
                                                   .interest = cz__conn_wants_input,
                                                   .drain = cz__conn_do_nothing,
                                                   .on_ended = cz__conn_do_nothing,
                                                   .is_done = cz__conn_runs_nothing,
                                                   .destroy = cz__conn_do_nothing };

cz_status cz__tls_handshake_begin(cz__conn *conn)
{
    conn->protocol = &protocol;
    conn->due_ms = cz__conn_now_ms(conn) + (int64_t)conn->server->core.limits.header_timeout_ms;
    return CZ_OK;
}
