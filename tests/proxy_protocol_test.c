/* The PROXY protocol over real sockets: tests/apps/turnstile says who asks. */
#include <sys/socket.h>
#include <unistd.h>
#include "certificates.h"
#include "server.h"

#define ON "PROXY_PROTOCOL=on"
#define LINE "PROXY TCP4 192.0.2.1 198.51.100.7 4711 443\r\n"
#define BYTES                                                                                      \
    "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                 \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"
#define LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
#define ASK "GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define SENT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct {
    cz_str sent;
    const char *told; /* NULL: it is closed */
} cases[] = {
    { SENT(LINE ASK), "192.0.2.1 by http" },
    { SENT(BYTES ASK), "2001:db8::1 by http" },
    { SENT(LOCAL ASK), "127.0.0.1 by http" },
    { SENT("PROXY UNKNOWN\r\n" ASK), "127.0.0.1 by http" },
    { SENT(ASK), NULL },
    { SENT(LINE LINE ASK), "" }, /* of two the second is the client's: 400 */
    { SENT("PROXY TCP4 192.0.2.1\r\n" ASK), NULL },
};

/* Everything that comes of bytes which are sent in two parts. */
static cz_str exchange(uint16_t port, cz_str bytes, size_t cut)
{
    struct timeval limit = { .tv_sec = 10 };
    char room[4096];
    cz_str all = CZ_STR("");
    int fd = dial(port);
    CZ_REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    cz_ignore(send(fd, bytes.ptr, cut, MSG_NOSIGNAL) < 0); /* it may be closed by then */
    sleep_ms(2);
    cz_ignore(send(fd, bytes.ptr + cut, bytes.len - cut, MSG_NOSIGNAL) < 0);
    for (ssize_t n; (n = recv(fd, room, sizeof room, 0)) > 0;)
        all = format("%.*s%.*s", CZ_STR_ARG(all), (int)n, room);
    close(fd);
    return all;
}

CZ_TEST(a_client_is_who_its_proxy_says)
{
    struct server server =
        server_start("turnstile", 1,
                     (const char *[]){ ON, "TRUSTED_PROXIES=127.0.0.1", "LOG_LEVEL=error", NULL });
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        for (size_t cut = 0; cut <= cases[i].sent.len; cut += cut < 60 ? 1 : 17) {
            cz_str came = exchange(server.port, cases[i].sent, cut);
            bool fine = !cases[i].told     ? came.len == 0
                        : cases[i].told[0] ? cz_str_starts_with(came, CZ_STR("HTTP/1.1 200 ")) &&
                                                 cz_str_ends_with(came, cz_str_from(cases[i].told))
                                           : cz_str_starts_with(came, CZ_STR("HTTP/1.1 400 "));
            CZ_EXPECT_MSG(fine, "case %zu, cut at %zu: %.*s", i, cut, CZ_STR_ARG(came));
        }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(tls_and_http_2_come_behind_the_header_of_a_proxy)
{
    certificates_make();
    const char *certificate = format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr;
    const char *key = format("TLS_KEYS=%s", certificate_file("good.key")).ptr;
    struct server server = server_start_on(
        "turnstile", "127.0.0.1:0, https://127.0.0.1:0", 1,
        (const char *[]){ ON, "TRUSTED_PROXIES=127.0.0.1", certificate, key, NULL });
    static const char *const versions[] = { "--http1.1", "--http2" };
    for (size_t i = 0; i < CZ_COUNT(versions); i++) {
        cz_str said = shell(
            &server,
            "curl -sS --haproxy-protocol --cacert \"$DIR/ca.pem\" $ARG https://localhost:$PORT/who",
            versions[i]);
        CZ_EXPECT_STR(said, "127.0.0.1 by https");
        said = shell(&server,
                     "curl -sS -m 5 --cacert \"$DIR/ca.pem\" $ARG https://localhost:$PORT/who",
                     versions[i]);
        CZ_EXPECT_MSG(cz_str_starts_with(said, CZ_STR("curl: ")), "%.*s", CZ_STR_ARG(said));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
    CZ_EXPECT(cz_str_find(server_log(&server),
                          CZ_STR("begins with no header of the PROXY protocol")) != SIZE_MAX);
}

CZ_TEST(nobody_but_a_trusted_proxy_says_who_asks)
{
    struct server server =
        server_start("turnstile", 1, (const char *[]){ ON, "TRUSTED_PROXIES=192.0.2.9", NULL });
    cz_str sent = SENT(LINE ASK);
    for (int i = 0; i < 3; i++)
        CZ_EXPECT_EQ(exchange(server.port, sent, sent.len).len, 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    cz_str told = CZ_STR("PROXY_PROTOCOL is on, and who connects is not of TRUSTED_PROXIES"),
           log = server_log(&server);
    size_t at = cz_str_find(log, told);
    CZ_EXPECT(at != SIZE_MAX && cz_str_find(cz_str_tail(log, at + 1), told) == SIZE_MAX); /* once */
    server = server_start("turnstile", 1, NULL);
    cz_str came = exchange(server.port, sent, sent.len); /* which it is no header for */
    CZ_EXPECT(cz_str_starts_with(came, CZ_STR("HTTP/1.1 400 ")));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(clients_are_counted_by_the_address_their_proxy_says)
{
    struct server server = server_start("turnstile", 1,
                                        (const char *[]){ ON, "TRUSTED_PROXIES=127.0.0.1",
                                                          "HTTP_CONNECTIONS_PER_ADDRESS=3", NULL });
    int held[3];
    for (int i = 0; i < 3; i++) {
        held[i] = dial(server.port);
        CZ_REQUIRE(send(held[i], LINE, sizeof LINE - 1, MSG_NOSIGNAL) == sizeof LINE - 1);
        sleep_ms(50);
    }
    cz_str same = SENT(LINE ASK), other = SENT(BYTES ASK);
    CZ_EXPECT_EQ(exchange(server.port, same, same.len).len, 0);
    CZ_EXPECT(cz_str_starts_with(exchange(server.port, other, other.len), CZ_STR("HTTP/1.1 200 ")));
    for (int i = 0; i < 3; i++)
        close(held[i]);
    sleep_ms(100);
    CZ_EXPECT(cz_str_starts_with(exchange(server.port, same, same.len), CZ_STR("HTTP/1.1 200 ")));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
