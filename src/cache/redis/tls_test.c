/* Redis by TLS: what is trusted and what is not. */
#include "cache/cache_testing.h"
#include "certificates.h"
#include "redis/redis.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct private_server server;
static const char *certificate = "good";

static void run_server(void)
{
    static char port[8], pem[600], key[600];
    if (!server.port)
        close(listen_anywhere(&server.port));
    snprintf(port, sizeof port, "%u", server.port);
    snprintf(pem, sizeof pem, "%s.pem", certificate_file(certificate));
    snprintf(key, sizeof key, "%s.key", certificate_file(certificate));
    const char *const options[] = { "--port",
                                    "0",
                                    "--tls-port",
                                    port,
                                    "--tls-cert-file",
                                    pem,
                                    "--tls-key-file",
                                    key,
                                    "--requirepass",
                                    "pw",
                                    "--tls-ca-cert-file",
                                    certificate_file("ca.pem"),
                                    "--tls-auth-clients",
                                    "no",
                                    NULL };
    redis_run(&server, options);
}

static const char *url_of(const char *host, uint16_t port, const char *rest)
{
    static char url[900];
    cz_ignore(snprintf(url, sizeof url, "rediss://:pw@%s:%u/1?ca=%s%s", host, port,
                       certificate_file("ca.pem"), rest)); /* it fits */
    return url;
}

static void begin(const char *host)
{
    certificates_make();
    run_server();
    cache_begin(url_of(host, server.port, ""));
}

static struct cz__store *store(void)
{
    return cz_cache_of(NULL, "default")->store;
}

CZ_TEST(redis_by_tls_does_what_every_cache_does)
{
    begin("localhost");
    cache_run(cache_suite, NULL);
    cache_run_on_fiber(cache_suite, NULL);
    cache_flight_suite();
    CZ_EXPECT_MSG(!store()->circuit.is_away, "%s", store()->driver->reason(store()));
    cz__caches_close();
    cache_begin(url_of("127.0.0.1", server.port, "")); /* an address */
    cache_run_on_fiber(cache_suite, NULL);
    CZ_EXPECT_MSG(!store()->circuit.is_away, "%s", store()->driver->reason(store()));
}

/* ---- as without TLS ---- */

static bool is_away(void)
{
    return store()->circuit.is_away;
}

static void retry(void)
{
    store()->circuit.retry_at_us = 0;
}

static cz__link *link_of(void)
{
    return &((cz__redis *)store()->state)->link;
}

static struct cz__owed *owed(void)
{
    return store()->owed;
}

static const char *plain_url(uint16_t port, const char *rest)
{
    char more[40] = "";
    if (*rest)
        snprintf(more, sizeof more, "&%s", rest + 1);
    return url_of("127.0.0.1", port, more);
}

static const struct cache_server redis_server = { &server, run_server, plain_url, is_away,
                                                  retry,   link_of,    owed };

CZ_TEST(many_fibers_share_a_connection_by_tls)
{
    begin("localhost");
    cache_sharing_suite(&redis_server);
}

CZ_TEST(a_redis_by_tls_killed_under_load_costs_no_request_more_than_a_miss)
{
    begin("localhost");
    cache_killed_suite(&redis_server);
}

CZ_TEST(a_redis_by_tls_that_never_answers_costs_its_time_out_once)
{
    certificates_make();
    cache_silent_suite(&redis_server);
}

CZ_TEST(what_speaks_no_tls_is_a_miss)
{
    static const cz_str replies[] = {
        CZ_STR("+OK\r\n+OK\r\n+OK\r\n"),
        CZ_STR("-ERR unencrypted\r\n"),
        CZ_STR("HTTP/1.1 400 Bad Request\r\n\r\n"),
        CZ_STR("\x15\x03\x03\x00\x02\x02\x28"),         /* an alert: handshake failure */
        CZ_STR("\x16\x03\x03\xff\xff\x02\x00\x00\x00"), /* a record that is too long */
        CZ_STR("\0\0\0\0\0\0\0\0"),
    };
    certificates_make();
    cache_liar_suite(&redis_server, replies, CZ_COUNT(replies));
}

CZ_TEST(what_was_ended_while_redis_by_tls_was_away_does_not_come_back_with_it)
{
    begin("localhost");
    cache_owing_suite(&redis_server);
}

/* ---- who is trusted ---- */

static void expect_trust(cz_ctx *ctx, void *arg)
{
    bool trusted = *(bool *)arg;
    CZ_EXPECT_EQ(cz_cache_set(ctx, NULL, CZ_STR("k"), CZ_STR("v"), NULL), trusted);
    CZ_EXPECT_EQ(cz_cache_has_key(ctx, NULL, CZ_STR("k")), trusted);
}

CZ_TEST(a_redis_is_trusted_by_a_certificate_that_is_good_now_for_its_host_and_by_no_other)
{
    static const struct {
        const char *certificate, *host, *ca, *why;
    } cases[] = {
        { "good", "localhost", "ca.pem", NULL },
        { "good", "127.0.0.1", "ca.pem", NULL },
        { "good", "localhost", "other-ca.pem", "self-signed certificate in certificate chain" },
        { "good", "localhost", NULL,
          "self-signed certificate in certificate chain" }, /* the system's */
        { "elsewhere", "localhost", "ca.pem", "hostname mismatch" },
        { "elsewhere", "127.0.0.1", "ca.pem", "IP address mismatch" },
        { "expired", "localhost", "ca.pem", "certificate has expired" },
        { "foreign", "localhost", "ca.pem", "unable to get local issuer certificate" },
    };
    certificates_make();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char url[900];
        bool trusted = !cases[i].why;
        certificate = cases[i].certificate;
        run_server();
        int len = snprintf(url, sizeof url, "rediss://:pw@%s:%u/0", cases[i].host, server.port);
        if (cases[i].ca)
            snprintf(url + len, sizeof url - (size_t)len, "?ca=%s", certificate_file(cases[i].ca));
        cache_begin(url);
        cache_run_on_fiber(expect_trust, &trusted);
        const char *reason = store()->driver->reason(store());
        CZ_EXPECT_MSG(trusted || strstr(reason, cases[i].why ? cases[i].why : ""), "%zu: %s", i,
                      reason);
        cz__caches_close();
        private_server_kill(&server);
    }
}

CZ_TEST(urls_of_redis_by_tls_are_read_strictly)
{
    static const char *const bad[] = {
        "rediss://host/?ca=relative.pem",      "rediss://host/?ca=",
        "rediss://host/?ca=/no/such/file.pem", "redis://host/?ca=/x",
        "rediss://host/?insecure=1",           "rediss://user@host/"
    };
    cz_error err;
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__cache_open("default", cz_str_from(bad[i]), CZ_STR("p"), &err) ==
                          CZ_EVALIDATION,
                      "%s", bad[i]);
    cache_begin("rediss://host");
}
