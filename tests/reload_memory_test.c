/* What generations share in memory: counters of throttles, caches, and the keys of TLS tickets. */
#include "certificates.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>

CZ_TEST(a_reload_forgets_no_hit_of_a_throttle)
{
    struct server server = server_start("turnstile", 2, NULL);
    for (int i = 0; i < 20; i++) { /* which is the rate */
        CZ_EXPECT_STATUS(ask(server.port, "GET", "/gate", "X-Round: 1\r\n", NULL), 200);
        if (i % 5 == 0)
            server_reload(&server);
    }
    CZ_EXPECT_STATUS(ask(server.port, "GET", "/gate", "X-Round: 1\r\n", NULL), 429);
    CZ_EXPECT_STATUS(ask(server.port, "GET", "/gate", "X-Round: 2\r\n", NULL), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Pages that the generation before made are served until a row changes, whichever generation changes it. */
CZ_TEST(a_reload_keeps_what_is_cached)
{
    struct server server = server_start("board", 2, NULL);
    cz_str before = get(server.port, "/slow")->body;
    for (int i = 0; i < 2; i++) {
        server_reload(&server);
        CZ_EXPECT(cz_str_eq(get(server.port, "/slow")->body, before));
        CZ_EXPECT_STATUS(post(server.port, "/price", "{}"), 200);
        cz_str after = get(server.port, "/slow")->body;
        CZ_EXPECT(!cz_str_eq(after, before));
        before = after;
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Another size is another cache. */
CZ_TEST(a_reload_with_other_counters_begins_them_anew)
{
    const char *settings = format("%s/.env", cz_test_directory()).ptr;
    struct server server = server_start("turnstile", 2, NULL);
    for (int i = 0; i < 20; i++)
        CZ_EXPECT_STATUS(ask(server.port, "GET", "/gate", "X-Round: 1\r\n", NULL), 200);
    FILE *file = fopen(settings, "we");
    CZ_REQUIRE(file && fputs("THROTTLE_ENTRIES=2048\n", file) >= 0 && !fclose(file));
    server_reload(&server);
    CZ_EXPECT_STATUS(ask(server.port, "GET", "/gate", "X-Round: 1\r\n", NULL), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Whether a session, kept in a file or taken from there, is "New" or "Reused". */
static bool session_is(const struct server *server, const char *option, const char *state)
{
    return !system(
        format("(printf 'GET /peer HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'; sleep 0.2) |"
               " openssl s_client -connect 127.0.0.1:%u -CAfile %s %s %s/session"
               " 2>/dev/null | grep -q '^%s'",
               server->tls_port, certificate_file("ca.pem"), option, cz_test_directory(), state)
            .ptr); /* NOLINT(cert-env33-c): its words are the test's own */
}

CZ_TEST(a_session_of_tls_goes_on_over_reloads)
{
    certificates_make();
    const char *const env[] = { format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
                                format("TLS_KEYS=%s", certificate_file("good.key")).ptr, NULL };
    struct server server = server_start_on("lab", "127.0.0.1:0, https://127.0.0.1:0", 2, env);
    CZ_REQUIRE(session_is(&server, "-sess_out", "New"));
    for (int i = 0; i < 2; i++) {
        server_reload(&server);
        CZ_EXPECT(session_is(&server, "-sess_in", "Reused"));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
