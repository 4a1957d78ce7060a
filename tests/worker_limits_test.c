/* Workers that are replaced after so many requests or with so much memory. */
#include "certificates.h"
#include "reload_load.h"
#include <calzone/time.h>
#include <stdio.h>

static const char replaced[] = "a worker is replaced";

CZ_TEST(workers_are_replaced_after_so_many_requests_and_no_request_fails)
{
    certificates_make();
    const char *const env[] = { format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
                                format("TLS_KEYS=%s", certificate_file("good.key")).ptr,
                                "WORKER_REQUESTS_MAX=300", NULL };
    struct server server = server_start_on("lab", LOAD_BIND, 2, env);
    pid_t before[2], after[2];
    CZ_EXPECT_EQ(server_workers(&server, before, 2), 2);
    struct load load = load_start(&server);
    server_wait_for_log(&server, replaced, 3); /* one of them for the second time */
    load_stop(&load);
    load_expect_no_failure(&load);
    CZ_EXPECT(server_logged(&server, "WORKER_REQUESTS_MAX: it has ") >= 3);
    sleep_ms(300); /* those that drain have nothing left */
    CZ_EXPECT_EQ(server_workers(&server, after, 2), 2);
    for (int i = 0; i < 4; i++)
        CZ_EXPECT(before[i / 2] != after[i % 2]);
    CZ_EXPECT_EQ(server_logged(&server, "a worker died"), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* A limit below what a worker begins with replaces each as seldom as may be, and serves. */
CZ_TEST(workers_are_replaced_with_so_much_memory)
{
    static const struct {
        const char *setting;
        bool over;
    } cases[] = { { "WORKER_MEMORY_MAX=100k", true }, { "WORKER_MEMORY_MAX=10G", false } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *const env[] = { cases[i].setting, NULL };
        struct server server = server_start("lab", 1, env);
        for (int64_t until = cz_monotonic_us() + 7500000; cz_monotonic_us() < until;)
            CZ_EXPECT_STATUS(get(server.port, "/sleep/20"), 200);
        CZ_EXPECT_EQ(server_logged(&server, replaced), cases[i].over);
        CZ_EXPECT_EQ(server_logged(&server, "WORKER_MEMORY_MAX: it has "), cases[i].over);
        CZ_EXPECT_EQ(server_stop(&server), 0);
    }
}
