/* TLS as its users meet it: curl, openssl s_client, workers that come and go, and settings that are wrong. */
#include "certificates.h"
#include "server.h"
#include <signal.h>

#define BOTH "127.0.0.1:0, https://127.0.0.1:0"

static struct server start(const char *name, unsigned workers, const char *setting)
{
    certificates_make();
    const char *const env[] = {
        format("TLS_CERTIFICATES=%s,%s", certificate_file("good.pem"),
               certificate_file("elsewhere.pem"))
            .ptr,
        format("TLS_KEYS=%s,%s", certificate_file("good.key"), certificate_file("elsewhere.key"))
            .ptr,
        "ALLOWED_HOSTS=localhost,127.0.0.1,example.com",
        setting,
        NULL,
    };
    struct server server = server_start_on(name, BOTH, workers, env);
    CZ_REQUIRE(server.port && server.tls_port);
    return server;
}

/* What leaves is smaller, and what curl and other programs make of it is what it was. */
CZ_TEST(compressed_answers_are_read_by_curl_gzip_and_zstd)
{
    enum { BYTES = 300000 };
    struct server server = start("lab", 1, "LOG_LEVEL=info");
    static const struct {
        const char *arguments, *reader, *said; /* of the type x, so many are left */
    } cases[] = {
        { "--http1.1 --compressed", "cat", "300000" },
        { "--http2 --compressed", "cat", "300000" },
        { "--http1.1 -H 'Accept-Encoding: gzip'", "gzip -dc", "300000" },
        { "--http2 -H 'Accept-Encoding: gzip'", "gzip -dc", "300000" },
        { "--http1.1 -H 'Accept-Encoding: zstd'", "zstd -dc", "300000" },
        { "--http2 -H 'Accept-Encoding: zstd'", "zstd -dc", "300000" },
        { "--http2 -H 'Accept-Encoding: zstd, br;q=0.5, gzip;q=0.1' -D-", "grep -ai encoding",
          "zstd" },
        { "--http2 -H 'Accept-Encoding: zstd;q=0.1, br;q=0.5, gzip;q=0.1' -D-", "grep -ai encoding",
          "br" },
        { "-o /dev/null -w 'small%{size_download}' -H 'Accept-Encoding: br'",
          "grep -E 'small.{1,4}$'", "small" },
    };
    static const char *const paths[] = { "small/", "small/stream/" };
    bool has_zstd = cz_str_find(shell(&server, "zstd --version", ""), CZ_STR("v1")) != SIZE_MAX;
    for (size_t i = 0; i < 2 * CZ_COUNT(cases); i++) {
        const char *arguments = cases[i / 2].arguments, *reader = cases[i / 2].reader;
        bool counts = cases[i / 2].said[0] == '3';
        if (!has_zstd && strcmp(reader, "zstd -dc") == 0)
            continue;
        cz_str said =
            shell(&server,
                  format("curl -sS --cacert $DIR/ca.pem %s https://localhost:$PORT/%s%d | %s %s",
                         arguments, paths[i % 2], BYTES, reader, counts ? "| tr -dc x | wc -c" : "")
                      .ptr,
                  "");
        CZ_EXPECT_MSG(cz_str_find(said, cz_str_from(cases[i / 2].said)) != SIZE_MAX, "%s %s: %.*s",
                      arguments, paths[i % 2], CZ_STR_ARG(cz_str_head(said, 300)));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(curl_is_answered_by_tls_and_without)
{
    struct server server = start("lab", 2, "SECURE_HSTS_SECONDS=3600");
    static const struct {
        const char *arguments, *answer;
    } cases[] = {
        { "https://localhost:$PORT/peer", "https " },
        { "--tlsv1.2 --tls-max 1.2 https://localhost:$PORT/peer", "https " },
        { "--resolve example.com:$PORT:127.0.0.1 https://example.com:$PORT/peer", "https " },
        { "-o /dev/null -w '%header{strict-transport-security}' https://localhost:$PORT/peer",
          "max-age=3600" },
        { "-o /dev/null -w '%{http_code}' http://localhost:$PORT/peer", "400" },
        { "--resolve other.test:$PORT:127.0.0.1 https://other.test:$PORT/", "no alternative" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str said =
            shell(&server, format("curl -sS --cacert $DIR/ca.pem %s", cases[i].arguments).ptr, "");
        CZ_EXPECT_MSG(cz_str_find(said, cz_str_from(cases[i].answer)) != SIZE_MAX, "%s: %.*s",
                      cases[i].arguments, CZ_STR_ARG(said));
    }
    const cz_answer *plain = get(server.port, "/peer");
    CZ_REQUIRE(plain);
    CZ_EXPECT_STR(plain->body, "http ");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(only_what_is_safe_is_spoken)
{
    struct server server = start("lab", 1, NULL);
    static const struct {
        const char *options;
        bool taken;
    } cases[] = {
        { "-tls1_3", true },
        { "-tls1_2", true },
        { "-tls1_1 -cipher DEFAULT@SECLEVEL=0", false },
        { "-tls1 -cipher DEFAULT@SECLEVEL=0", false },
        { "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", true },
        { "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", false }, /* not sealed as a whole */
        { "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", false },
        { "-tls1_2 -cipher AES128-GCM-SHA256", false },           /* no forward secrecy */
        { "-tls1_2 -cipher AECDH-AES128-SHA@SECLEVEL=0", false }, /* no certificate */
        { "-tls1_3 -groups X25519", true },
        { "-tls1_3 -groups ffdhe2048", false },
        { "-alpn http/1.1", true },
        { "-alpn spdy/1", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str said = shell(&server,
                            format("echo | openssl s_client -connect 127.0.0.1:$PORT -CAfile "
                                   "$DIR/ca.pem %s",
                                   cases[i].options)
                                .ptr,
                            "");
        bool taken = cz_str_find(said, CZ_STR("Verify return code: 0 (ok)")) != SIZE_MAX &&
                     cz_str_find(said, CZ_STR("Cipher is (NONE)")) == SIZE_MAX;
        CZ_EXPECT_MSG(taken == cases[i].taken, "%s: %.*s", cases[i].options,
                      CZ_STR_ARG(cz_str_head(said, 1500)));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Whichever worker takes the connection, and after the one that gave the ticket was killed. */
CZ_TEST(a_session_goes_on_at_any_worker)
{
    struct server server = start("lab", 4, NULL);
    static const char *const versions[] = { "-tls1_3", "-tls1_2" };
    for (size_t i = 0; i < CZ_COUNT(versions); i++) {
        cz_str said = shell(
            &server,
            "ask() { (printf 'GET /peer HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'; sleep 0.3) |"
            " openssl s_client -connect 127.0.0.1:$PORT -CAfile $DIR/ca.pem $ARG \"$@\"; };"
            "ask -sess_out $DIR/session >/dev/null;"
            "for i in 1 2 3 4 5 6 7 8; do ask -sess_in $DIR/session; done | grep -c ^Reused",
            versions[i]);
        CZ_EXPECT_MSG(cz_str_find(said, CZ_STR("8")) != SIZE_MAX, "%s: %.*s", versions[i],
                      CZ_STR_ARG(said));
        pid_t workers[4];
        size_t count = server_workers(&server, workers, 4);
        for (size_t w = 0; i == 0 && w < count; w++)
            kill(workers[w], SIGKILL); /* the next ones take the tickets of these */
        sleep_ms(500);
    }
    cz_ignore(server_stop(&server)); /* whose code tells of the killed ones */
}

CZ_TEST(clients_show_who_they_are)
{
    certificates_make();
    static const char *const required[] = { "false", "true" };
    for (size_t i = 0; i < CZ_COUNT(required); i++) {
        const char *const env[] = {
            format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
            format("TLS_KEYS=%s", certificate_file("good.key")).ptr,
            format("TLS_CLIENT_CA=%s", certificate_file("ca.pem")).ptr,
            format("TLS_CLIENT_REQUIRED=%s", required[i]).ptr,
            NULL,
        };
        struct server server = server_start_on("lab", BOTH, 1, env);
        const char *curl = "curl -sS --cacert $DIR/ca.pem https://localhost:$PORT/peer"
                           " ${ARG:+--cert $DIR/$ARG.pem --key $DIR/$ARG.key}";
        cz_str none = shell(&server, curl, ""), good = shell(&server, curl, "elsewhere"),
               foreign = shell(&server, curl, "foreign");
        CZ_EXPECT_STR(good, "https CN=elsewhere");
        CZ_EXPECT_MSG(cz_str_eq(none, CZ_STR("https ")) == (i == 0), "%.*s", CZ_STR_ARG(none));
        CZ_EXPECT_MSG(!cz_str_starts_with(foreign, CZ_STR("https ")), "%.*s", CZ_STR_ARG(foreign));
        CZ_EXPECT_EQ(server_stop(&server), 0);
    }
}

CZ_TEST(who_comes_without_tls_is_led_to_it)
{
    struct server server = start("lab", 1, "SECURE_SSL_REDIRECT=true");
    const cz_answer *answer = get(server.port, "/notes?a=%20b");
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 301);
    CZ_EXPECT_HEADER(answer, "Location", "https://localhost/notes?a=%20b");
    answer = post(server.port, "/notes", "{}");
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 308);
    answer = ask_raw(server.port, CZ_STR("GET /notes HTTP/1.1\r\nHost: evil.test\r\n\r\n"));
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 400); /* not led there */
    answer = ask_raw(server.port,
                     CZ_STR("GET http://localhost:80/x HTTP/1.1\r\nHost: localhost:80\r\n\r\n"));
    CZ_REQUIRE(answer);
    CZ_EXPECT_HEADER(answer, "Location", "https://localhost/x");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(settings_of_tls_that_are_wrong_stop_the_start)
{
    certificates_make();
    const char *good = certificate_file("good.pem"), *key = certificate_file("good.key");
    const struct {
        const char *bind, *certificates, *keys, *told;
    } cases[] = {
        { "https://127.0.0.1:0", "", "", "`calzone cert` makes one" },
        { "https://127.0.0.1:0", good, "", "cannot be read as PEM or is not that of" },
        { "https://127.0.0.1:0", good, certificate_file("elsewhere.key"), "is not that of" },
        { "https://127.0.0.1:0", certificate_file("none.pem"), key, "none.pem cannot be read" },
        { "https://127.0.0.1:0", good, format("%s,%s", key, key).ptr,
          "TLS_CERTIFICATES names 1 files and TLS_KEYS 2" },
        { "https://", good, key, "cannot listen on \"\": want ADDRESS:PORT, unix:PATH, systemd" },
        { "ftp://127.0.0.1:0", good, key, "cannot listen on \"ftp://127.0.0.1:0\"" },
        { " , ", good, key, "BIND names no address" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *const env[] = {
            "ENV=test",
            format("DATABASE_URL=sqlite://%s/x.db", cz_test_directory()).ptr,
            format("TLS_CERTIFICATES=%s", cases[i].certificates).ptr,
            format("TLS_KEYS=%s", cases[i].keys).ptr,
            NULL,
        };
        const char *const argv[] = { "lab", "run", "--bind", cases[i].bind, NULL };
        cz_str out;
        CZ_EXPECT_EQ(run_binary("lab", argv, env, &out), 1);
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(cases[i].told)) != SIZE_MAX, "case %zu: %.*s", i,
                      CZ_STR_ARG(out));
    }
}
