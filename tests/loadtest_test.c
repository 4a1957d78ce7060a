/* `bookstore loadtest` against a Bookstore of its own: what it counts, and what it does when that one fails. */
#include "server.h"
#include <calzone/time.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MAX = 4 };

static int64_t integer_at(const cz_json_value *object, const char *key)
{
    const cz_json_value *value = cz_json_get(object, cz_str_from(key));
    CZ_REQUIRE(value && value->kind == CZ_JSON_INT);
    return value->as.integer;
}

static double real_at(const cz_json_value *object, const char *key)
{
    const cz_json_value *value = cz_json_get(object, cz_str_from(key));
    CZ_REQUIRE(value && (value->kind == CZ_JSON_REAL || value->kind == CZ_JSON_INT));
    return value->kind == CZ_JSON_INT ? (double)value->as.integer : value->as.real;
}

/* `bookstore loadtest --json ...` and the one scenario of its report. Returns the exit code. */
static int loadtest(const struct server *server, const char *const *arguments,
                    const cz_json_value **out)
{
    const char *argv[20] = { "bookstore", "loadtest", "--json" };
    const char *env[] = { "ENV=test", format("DATABASE_URL=sqlite://%s", server->database).ptr,
                          NULL };
    cz_json_limits limits = { .depth_max = 20, .keys_max = 10000 };
    const cz_json_value *root;
    cz_str text;
    cz_error err;
    size_t count = 3;
    if (server->port) {
        argv[count++] = "--url";
        argv[count++] = format("http://127.0.0.1:%u", (unsigned)server->port).ptr;
    }
    while (*arguments)
        argv[count++] = *arguments++;
    int code = run_binary("bookstore", argv, env, &text);
    size_t begin = cz_str_find(text, CZ_STR("{\"url\"")); /* what is logged comes before */
    CZ_REQUIRE(begin != SIZE_MAX);
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_tail(text, begin), &limits, &root, &err));
    const cz_json_value *tests = cz_json_get(root, CZ_STR("load_tests"));
    CZ_REQUIRE(tests && tests->count == 1);
    *out = &tests->as.items[0];
    return code;
}

/* That the counts of the endpoints are those of the whole. */
static void expect_sum(const cz_json_value *told)
{
    const cz_json_value *endpoints = cz_json_get(told, CZ_STR("endpoints"));
    int64_t requests = integer_at(told, "not_sent"), errors = requests;
    CZ_REQUIRE(endpoints);
    for (size_t i = 0; i < endpoints->count; i++) {
        const cz_json_value *each = cz_json_get(&endpoints->as.items[i], CZ_STR("errors"));
        requests += integer_at(&endpoints->as.items[i], "requests");
        for (size_t n = 0; n < each->count; n++)
            errors += each->as.items[n].as.integer;
    }
    CZ_EXPECT_EQ(integer_at(told, "requests"), requests);
    CZ_EXPECT_EQ(integer_at(told, "errors"), errors);
}

static size_t count_of(cz_str text, const char *what)
{
    size_t count = 0, at;
    while ((at = cz_str_find(text, cz_str_from(what))) != SIZE_MAX) {
        text = cz_str_tail(text, at + 1);
        count++;
    }
    return count;
}

CZ_TEST(a_load_test_counts_what_the_server_answered)
{
    static const char *const env[] = { "RATE_LIMIT=false", "ACCESS_LOG=", NULL };
    struct server server = server_start("bookstore", 1, env);
    const cz_json_value *told;
    CZ_EXPECT_EQ(loadtest(&server, (const char *[]){ "--requests", "300", "course", NULL }, &told),
                 0);
    CZ_EXPECT_EQ(integer_at(told, "requests"), 300);
    CZ_EXPECT_EQ(integer_at(told, "errors"), 0);
    CZ_EXPECT(real_at(told, "p50_ms") > 0 && real_at(told, "p50_ms") <= real_at(told, "p99_ms"));
    expect_sum(told);
    /* without rows the books are not found, which is an error; book 0 never is, and is none */
    CZ_EXPECT_EQ(loadtest(&server, (const char *[]){ "--requests", "400", "browse", NULL }, &told),
                 1);
    CZ_EXPECT_EQ(integer_at(told, "requests"), 400);
    CZ_EXPECT(integer_at(told, "errors") > 100 && integer_at(told, "errors") < 400);
    expect_sum(told);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    CZ_EXPECT_EQ(count_of(server_log(&server), "/v1/books"), 300);
}

/* In a process of its own, as this one waits for the command: `pids` get `first`, and after `ms` `then`. */
static pid_t signal_later(const pid_t *pids, size_t count, int ms, int first, int then)
{
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child)
        return child;
    sleep_ms(700);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], first);
    sleep_ms(ms);
    for (size_t i = 0; i < count; i++)
        if (then)
            kill(pids[i], then);
    _exit(0);
}

static size_t all_pids(const struct server *server, pid_t *out)
{
    out[0] = server->pid;
    return server_workers(server, out + 1, WORKERS_MAX - 1) + 1;
}

CZ_TEST(a_server_killed_amid_a_load_test_is_errors_and_an_end_in_time)
{
    static const char *const env[] = { "RATE_LIMIT=false", NULL };
    struct server server = server_start("bookstore", 1, env);
    const cz_json_value *told;
    pid_t pids[WORKERS_MAX];
    size_t count = all_pids(&server, pids);
    pid_t killer = signal_later(pids, count, 0, SIGKILL, 0);
    int64_t begun_us = cz_monotonic_us();
    CZ_EXPECT_EQ(loadtest(&server, (const char *[]){ "--duration", "60s", "course", NULL }, &told),
                 1);
    CZ_EXPECT(cz_monotonic_us() - begun_us < 20 * 1000000);
    CZ_EXPECT_EQ(waitpid(killer, NULL, 0), killer);
    CZ_EXPECT_EQ(server_wait(&server), -1);
    CZ_EXPECT(integer_at(told, "errors") > 0);
    CZ_EXPECT(integer_at(told, "requests") > integer_at(told, "errors"));
    const cz_json_value *gave_up = cz_json_get(told, CZ_STR("gave_up"));
    CZ_EXPECT(gave_up && gave_up->kind == CZ_JSON_BOOL && gave_up->as.boolean);
    expect_sum(told);
}

/* A second of standstill in three: of 100 requests that were due, 33. Were times counted from when a client got to
 * send them, it would be one for each of the two clients. */
CZ_TEST(a_server_that_stands_still_is_seen_by_all_that_were_due)
{
    static const char *const env[] = { "RATE_LIMIT=false", NULL };
    struct server server = server_start("bookstore", 1, env);
    const cz_json_value *told;
    pid_t pids[WORKERS_MAX];
    size_t count = all_pids(&server, pids);
    pid_t holder = signal_later(pids, count, 1000, SIGSTOP, SIGCONT);
    CZ_EXPECT_EQ(loadtest(&server,
                          (const char *[]){ "--duration", "3s", "--rate", "100", "--clients", "2",
                                            "course", NULL },
                          &told),
                 0);
    CZ_EXPECT_EQ(waitpid(holder, NULL, 0), holder);
    CZ_EXPECT_EQ(integer_at(told, "requests"), 300);
    CZ_EXPECT_MSG(real_at(told, "p95_ms") > 500, "p95 is %g ms", real_at(told, "p95_ms"));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_search_ends_with_a_rate_that_was_held)
{
    static const char *const env[] = { "RATE_LIMIT=false", NULL };
    struct server server = server_start("bookstore", 1, env);
    const cz_json_value *told;
    CZ_EXPECT_EQ(loadtest(&server,
                          (const char *[]){ "--search", "--duration", "200ms", "--p99", "2s",
                                            "--errors", "50%", "course", NULL },
                          &told),
                 0);
    const cz_json_value *search = cz_json_get(told, CZ_STR("search"));
    CZ_REQUIRE(search);
    CZ_EXPECT(real_at(search, "requests_per_second") > 0);
    CZ_EXPECT(cz_json_get(search, CZ_STR("steps"))->count <= 10);
    /* what nothing can hold */
    CZ_EXPECT_EQ(loadtest(&server,
                          (const char *[]){ "--search", "--duration", "50ms", "--errors", "0",
                                            "browse", NULL },
                          &told),
                 1);
    CZ_EXPECT(real_at(cz_json_get(told, CZ_STR("search")), "requests_per_second") == 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
