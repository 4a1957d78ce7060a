/* TLS as a server, with the client of runtime/tls.h at the other end. */
#include "certificates.h"
#include "http/http_testing.h"
#include "http/tls.h"
#include "http/tls_tickets.h"
#include "runtime/tls.h"
#include <stdio.h>

static char large_body[300000];

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    if (cz_str_eq(req->path, CZ_STR("/echo"))) {
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), req->body);
    } else if (cz_str_eq(req->path, CZ_STR("/large"))) {
        memset(large_body, 'L', sizeof large_body);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_str_of(large_body, sizeof large_body));
    } else if (cz_str_eq(req->path, CZ_STR("/sleep"))) {
        cz_sleep(ctx, 20);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("slept"));
    } else {
        cz_respond(ctx, req, 200, CZ_STR("text/plain"),
                   cz_request_absolute_uri(ctx, req, req->path));
    }
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"),
               cz_str_from(cz_error_message(err)));
}

static const cz__http_app app = { .handle = handle, .answer_error = answer_error };

/* ---- a server with certificates ---- */

static char *file_named(const char *name, const char *suffix)
{
    char *path = cz_arena_alloc(cz_test_arena(), 600);
    CZ_REQUIRE(path);
    snprintf(path, 600, "%s%s", certificate_file(name), suffix);
    return path;
}

static cz_status create(const char *const *names, size_t count, cz__tls_server **out, cz_error *err)
{
    const char *certificates[4], *keys[4];
    for (size_t i = 0; i < count; i++) {
        certificates[i] = file_named(names[i], ".pem");
        keys[i] = file_named(names[i], ".key");
    }
    struct cz__tls_options options = { .certificates = certificates, .keys = keys, .count = count };
    return cz__tls_server_create(&options, out, err);
}

static struct bench begin(const cz_http_limits *limits)
{
    static const char *const names[] = { "good", "elsewhere" };
    cz__tls_server *tls;
    cz_error err = { 0 };
    certificates_make();
    CZ_REQUIRE_OK(create(names, 2, &tls, &err));
    struct bench b = bench_make(limits, &app, tls);
    cz__tls_server_release(tls); /* the server has it */
    return b;
}

/* ---- a client ---- */

struct client {
    cz__tls_context *context;
    cz__tls *tls;
    int fd;
    size_t piece; /* bytes sent at once; 0: all */
    cz_buf out, heard;
    bool closed;
    cz_status failed;
};

/* What is to be sent, in pieces, and what came. */
static void exchange(struct bench *b, struct client *client)
{
    char bytes[4096];
    cz__tls_take(client->tls, &client->out);
    while (client->out.len) {
        size_t piece =
            client->piece && client->piece < client->out.len ? client->piece : client->out.len;
        ssize_t sent = send(client->fd, client->out.ptr, piece, MSG_NOSIGNAL);
        if (sent > 0) {
            client->out.len -= (size_t)sent;
            memmove(client->out.ptr, client->out.ptr + sent, client->out.len);
        } else if (errno != EAGAIN) {
            client->closed = true;
            break;
        }
        cz__loop_turn(b->loop, 0);
    }
    cz__loop_turn(b->loop, 1);
    for (ssize_t n; (n = recv(client->fd, bytes, sizeof bytes, 0)) != -1;) {
        if (n == 0) {
            client->closed = true;
            break;
        }
        CZ_REQUIRE_OK(cz__tls_feed(client->tls, bytes, (size_t)n));
    }
}

static struct client connect_to(struct bench *b, const char *host, size_t piece)
{
    struct client client = { .fd = dial(b), .piece = piece };
    cz_error err = { 0 };
    bool done = false;
    CZ_REQUIRE_OK(cz__tls_context_create(certificate_file("ca.pem"), &client.context, &err));
    CZ_REQUIRE_OK(cz__tls_create(client.context, host, &client.tls));
    for (int i = 0; i < 2000 && !done && !client.failed && !client.closed; i++) {
        client.failed = cz__tls_handshake(client.tls, &done);
        exchange(b, &client);
    }
    CZ_EXPECT(done || client.failed || client.closed);
    return client;
}

/* Ask, and hear until there are `wanted` bytes or the end. */
static cz_str ask(struct bench *b, struct client *client, cz_str text, size_t wanted)
{
    CZ_REQUIRE_OK(cz__tls_write(client->tls, text.ptr, text.len));
    for (int i = 0; i < 2000 && client->heard.len < wanted; i++) {
        size_t len = 1;
        exchange(b, client);
        while (len &&
               !cz__tls_read(client->tls, cz_buf_reserve(&client->heard, 1 << 15), 1 << 15, &len))
            cz_buf_commit(&client->heard, len);
        if (client->closed)
            break;
    }
    return cz_buf_str(&client->heard);
}

static void hang_up(struct client *client)
{
    close(client->fd);
    cz__tls_destroy(client->tls);
    cz__tls_context_destroy(client->context);
    cz_buf_done(&client->out);
    cz_buf_done(&client->heard);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static size_t count_in(cz_str text, const char *needle)
{
    size_t count = 0;
    for (size_t at; (at = cz_str_find(text, cz_str_from(needle))) != SIZE_MAX; count++)
        text = cz_str_tail(text, at + strlen(needle));
    return count;
}

/* ---- what is spoken ---- */

CZ_TEST(requests_are_answered_inside_tls_however_its_bytes_come)
{
    static const size_t pieces[] = { 0, 1, 7, 1000 };
    struct bench b = begin(&(cz_http_limits){ 0 });
    for (size_t i = 0; i < CZ_COUNT(pieces); i++) {
        struct client client = connect_to(&b, "localhost", pieces[i]);
        CZ_EXPECT_EQ(client.failed, CZ_OK);
        cz_str heard = ask(&b, &client, CZ_STR(GET("/a") GET("/sleep") GET("/b")), 340);
        CZ_EXPECT_MSG(count_in(heard, "HTTP/1.1 200 OK") == 3, "pieces of %zu: %.*s", pieces[i],
                      CZ_STR_ARG(heard));
        CZ_EXPECT(cz_str_find(heard, CZ_STR("https://localhost/b")) != SIZE_MAX);
        hang_up(&client);
    }
    bench_done(&b);
}

/* What a client sends without end is read by and by: others have their turn. OpenSSL reads as far ahead as it has room, and again
 * at once where that ends inside the head of a record: with records of some lengths always. */
CZ_TEST(what_tls_has_read_ahead_keeps_nobody_waiting)
{
    enum { BYTES = 200 << 10, TURN_BYTES = 50 << 10, HEAD = 400 };
    struct bench b = begin(&(cz_http_limits){ 0 });
    cz_buf text = { 0 };
    while (text.len < BYTES)
        cz_buf_printf(&text, "GET /%0*d HTTP/1.1\r\nHost: localhost\r\n\r\n", HEAD, 0);
    size_t request = HEAD + strlen("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), most = 0;
    for (size_t piece = 200; piece < 300; piece++) {
        struct client client = connect_to(&b, "localhost", 0);
        for (size_t at = 0; at < text.len; at += piece) {
            cz_str part = cz_str_head(cz_str_tail(cz_buf_str(&text), at), piece);
            CZ_REQUIRE_OK(cz__tls_write(client.tls, part.ptr, part.len));
        }
        cz__tls_take(client.tls, &client.out);
        ssize_t sent = send(client.fd, client.out.ptr, client.out.len, MSG_NOSIGNAL);
        CZ_REQUIRE(sent > BYTES - 1000); /* it waits in the socket */
        uint64_t before = cz__http_server_stats(b.server).requests;
        cz__loop_turn(b.loop, 1);
        size_t taken = (cz__http_server_stats(b.server).requests - before) * request;
        most = taken > most ? taken : most;
        client.out.len = 0;
        hang_up(&client);
        turn(&b, 5);
    }
    CZ_EXPECT(most > 0);
    CZ_EXPECT_MSG(most < TURN_BYTES, "%zu bytes in a turn", most);
    cz_buf_done(&text);
    bench_done(&b);
}

/* More than a record, and more than a socket takes at once. */
CZ_TEST(bodies_of_many_records_pass_both_ways)
{
    struct bench b = begin(&(cz_http_limits){ 0 });
    struct client client = connect_to(&b, "localhost", 0);
    cz_str heard = ask(&b, &client, CZ_STR(GET("/large") GET("/large")), 2 * sizeof large_body);
    for (int i = 0; i < 50 && count_in(heard, "HTTP/1.1 200 OK") < 2; i++)
        heard = ask(&b, &client, CZ_STR(""), client.heard.len + 1);
    CZ_EXPECT(heard.len > 2 * sizeof large_body);
    hang_up(&client);

    client = connect_to(&b, "localhost", 0);
    cz_buf body = { 0 };
    cz_buf_printf(&body, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
                  sizeof large_body);
    cz_buf_append(&body, large_body, sizeof large_body);
    heard = ask(&b, &client, cz_buf_str(&body), sizeof large_body + 60);
    CZ_EXPECT(cz_str_ends_with(heard, CZ_STR("LLLLLLLL")));
    CZ_EXPECT(heard.len > sizeof large_body);
    cz_buf_done(&body);
    hang_up(&client);
    bench_done(&b);
}

CZ_TEST(who_names_a_host_gets_its_certificate)
{
    static const struct {
        const char *host;
        bool trusted;
    } cases[] = {
        { "localhost", true },
        { "example.com", true },
        { "127.0.0.1", true },     /* an address is no name: the first, which is for it */
        { "other.example", false } /* whom nothing is for: the first, which is not for it */
    };
    struct bench b = begin(&(cz_http_limits){ 0 });
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct client client = connect_to(&b, cases[i].host, 0);
        CZ_EXPECT_MSG((client.failed == CZ_OK) == cases[i].trusted, "%s: %s", cases[i].host,
                      cz__tls_reason(client.tls));
        hang_up(&client);
    }
    bench_done(&b);
}

CZ_TEST(what_is_no_tls_is_told_or_closed)
{
    static const struct {
        const char *text;
        bool told;
    } cases[] = {
        { GET("/"), true },
        { "POST / HTTP/1.1\r\n", true },
        { "\x16\x03\x01", false },
        { "\x16\x03\x01\xff\xff", false },
        { "SSH-2.0-OpenSSH_9.2\r\n", false },
        { "\x80\x2e\x01\x03\x01", false }, /* SSL 2 */
    };
    struct bench b = begin(&(cz_http_limits){ .header_timeout_ms = 100 });
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int fd = dial(&b);
        say(fd, cases[i].text);
        struct heard heard = { 0 };
        listen_until(&b, fd, &heard, SIZE_MAX, 1500);
        CZ_EXPECT_MSG(count_of(&heard, "HTTP/1.1 400 Bad Request") == cases[i].told, "case %zu", i);
        CZ_EXPECT_MSG(heard.closed, "case %zu", i);
        if (cases[i].told)
            CZ_EXPECT(cz_str_ends_with(cz_buf_str(&heard.all), CZ_STR("ask https://.\n")));
        cz_buf_done(&heard.all);
        close(fd);
    }
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

/* A client that goes away at any byte of the handshake leaves nothing behind. */
CZ_TEST(a_handshake_that_is_cut_at_any_place_ends)
{
    struct bench b = begin(&(cz_http_limits){ 0 });
    cz__tls_context *context;
    cz_buf hello = { 0 };
    bool done;
    cz__tls *tls;
    CZ_REQUIRE_OK(cz__tls_context_create(certificate_file("ca.pem"), &context, NULL));
    CZ_REQUIRE_OK(cz__tls_create(context, "localhost", &tls));
    CZ_REQUIRE_OK(cz__tls_handshake(tls, &done));
    cz__tls_take(tls, &hello);
    for (size_t cut = 0; cut <= hello.len; cut += 3) {
        int fd = dial(&b);
        say_bytes(fd, cz_str_of(hello.ptr, cut));
        turn(&b, 2);
        close(fd);
        turn(&b, 2);
    }
    turn(&b, 20);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    cz_buf_done(&hello);
    cz__tls_destroy(tls);
    cz__tls_context_destroy(context);
    bench_done(&b);
}

/* ---- certificates ---- */

CZ_TEST(certificates_that_cannot_be_used_are_told)
{
    static const struct {
        const char *certificate, *key, *client_ca, *told;
    } cases[] = {
        { "good.pem", "good.key", NULL, NULL },
        { "good.pem", "good.key", "ca.pem", NULL },
        { "none.pem", "good.key", NULL, "none.pem cannot be read as PEM" },
        { "good.key", "good.key", NULL, "good.key cannot be read as PEM" },
        { "good.pem", "none.key", NULL, "none.key cannot be read as PEM or is not that of" },
        { "good.pem", "none.key", NULL, "good.pem: No such file or directory" },
        { "good.pem", "elsewhere.key", NULL, "elsewhere.key cannot be read as PEM or is not that" },
        { "good.pem", "locked.key", NULL, "locked.key has a passphrase" },
        { "good.pem", "good.pem", NULL, "good.pem cannot be read as PEM or is not that of" },
        { "good.pem", "good.key", "none.pem", "none.pem has no certificates that can be read" },
        { "good.pem", "good.key", "good.key", "good.key has no certificates that can be read" },
    };
    certificates_make();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *certificate = certificate_file(cases[i].certificate);
        const char *key = certificate_file(cases[i].key);
        struct cz__tls_options options = { .certificates = &certificate, .keys = &key, .count = 1 };
        if (cases[i].client_ca)
            options.client_ca = certificate_file(cases[i].client_ca);
        cz__tls_server *tls = NULL;
        cz_error err = { 0 };
        cz_status status = cz__tls_server_create(&options, &tls, &err);
        CZ_EXPECT_MSG(status == (cases[i].told ? CZ_EVALIDATION : CZ_OK), "case %zu: %s", i,
                      cz_error_message(&err));
        if (cases[i].told)
            CZ_EXPECT_MSG(strstr(cz_error_message(&err), cases[i].told), "case %zu: %s", i,
                          cz_error_message(&err));
        cz__tls_server_release(tls);
    }
    struct cz__tls_options none = { 0 };
    CZ_EXPECT_EQ(cz__tls_server_create(&none, &(cz__tls_server *){ NULL }, NULL), CZ_EVALIDATION);
}

CZ_TEST(certificates_that_are_over_are_counted)
{
    static const char *const names[] = { "good", "expired" };
    cz__tls_server *tls;
    certificates_make();
    CZ_REQUIRE_OK(create(names, 2, &tls, NULL));
    CZ_EXPECT_EQ(cz__tls_server_expired(tls), 1);
    cz__tls_server_release(tls);
}

/* Connections keep those they began with. */
CZ_TEST(certificates_are_replaced_while_connections_live)
{
    static const char *const names[] = { "elsewhere" };
    struct bench b = begin(&(cz_http_limits){ 0 });
    struct client before = connect_to(&b, "localhost", 0);
    cz__tls_server *tls;
    CZ_REQUIRE_OK(create(names, 1, &tls, NULL));
    cz__http_server_set_tls(b.server, tls);
    cz__tls_server_release(tls);
    struct client after = connect_to(&b, "localhost", 0);
    CZ_EXPECT_EQ(after.failed, CZ_EPROTOCOL); /* it is for example.com alone now */
    hang_up(&after);
    after = connect_to(&b, "example.com", 0);
    CZ_EXPECT_EQ(after.failed, CZ_OK);
    CZ_EXPECT(count_in(ask(&b, &before, CZ_STR(GET("/")), 100), "HTTP/1.1 200 OK") == 1);
    hang_up(&after);
    hang_up(&before);
    bench_done(&b);
}
