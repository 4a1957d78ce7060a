/* A site whose reads are served by a copy of its database that follows it. The copy can be held back, killed and
 * stopped, so that what would go wrong without care does go wrong where no care is taken. */
#include "postgresql_server.h"
#include <calzone/time.h>
#include <stdlib.h>

enum { WAIT_MS = 15000 };

/* ---- two servers ---- */

static struct pg primary, copy;

static void remove_both(void)
{
    pg_remove(&copy);
    pg_remove(&primary);
}

static void create_both(void)
{
    pg_create(&primary);
    strcpy(copy.folder, format("%s-copy", primary.folder).ptr);
    atexit(remove_both);
    pg_run(&primary);
    pg_script("replica", primary.folder, copy.folder);
    pg_run(&copy);
}

static void hold_back(void)
{
    pg_script("sql", copy.folder, "SELECT pg_wal_replay_pause()");
    for (int i = 0; i < WAIT_MS; i += 10) { /* it is asked for, and then comes */
        cz_str state = pg_script("sql", copy.folder, "SELECT pg_get_wal_replay_pause_state()");
        if (cz_str_eq(state, CZ_STR("paused")))
            return;
        sleep_ms(10);
    }
    cz__test_fail(__FILE__, __LINE__, "the replay does not pause");
}

static void let_go(void)
{
    pg_script("sql", copy.folder, "SELECT pg_wal_replay_resume()");
}

/* ---- the site ---- */

static struct server start(unsigned workers, const char *lag_max)
{
    create_both();
    const char *env[] = { format("DATABASE_URL=%s?application_name=site", primary.url).ptr,
                          format("DATABASE_REPLICA_URLS=%s?application_name=site", copy.url).ptr,
                          format("DATABASE_REPLICA_LAG_MAX=%s", lag_max).ptr,
                          "SECRET_KEY=of the test alone", NULL };
    return server_start("lab", workers, env);
}

/* The number of notes a client without memory is told; -1: it got no answer, or a bad one. */
static int count_of(const cz_answer *answer)
{
    uint64_t count;
    if (!answer || answer->status != 200 || cz_str_to_u64(answer->body, &count))
        return -1;
    return (int)count;
}

static int anybodys_count(const struct server *server)
{
    return count_of(get(server->port, "/notes"));
}

/* Until whoever asks is told `count`; false when that does not come. */
static bool comes_to(const struct server *server, int count)
{
    for (int i = 0; i < WAIT_MS; i += 20) {
        if (anybodys_count(server) == count)
            return true;
        sleep_ms(20);
    }
    return false;
}

/* Store a note; the headers a client that remembers it sends. */
static const char *add_note(const struct server *server, const char *text, bool by_cookie)
{
    const cz_answer *answer = post(server->port, "/own-notes", text);
    CZ_EXPECT_STATUS(answer, 201);
    cz_str cookie = cz_answer_header(answer, "Set-Cookie"),
           header = cz_answer_header(answer, "X-Read-After");
    CZ_EXPECT(cz_str_starts_with(cookie, CZ_STR("calzone_position=")) && header.len);
    CZ_EXPECT(cz_str_find(cookie, CZ_STR("HttpOnly")) != SIZE_MAX);
    if (!by_cookie)
        return format("X-Read-After: %.*s\r\n", CZ_STR_ARG(header)).ptr;
    cz_str pair = cz_str_cut(&cookie, ';');
    return format("Cookie: a=b; %.*s; c=d\r\n", CZ_STR_ARG(pair)).ptr;
}

/* Hold the copy back and add a note, until somebody is told the old count: then the copy serves again. */
static bool copy_serves(const struct server *server, int *count)
{
    if (!comes_to(server, *count))
        return false;
    for (int i = 0; i < WAIT_MS / 500; i++) {
        hold_back();
        cz_ignore(!add_note(server, format("more %d %d", *count, i).ptr, true));
        bool stale = anybodys_count(server) == *count;
        ++*count;
        let_go();
        CZ_EXPECT(comes_to(server, *count));
        if (stale)
            return true;
        sleep_ms(300);
    }
    return false;
}

CZ_TEST(who_wrote_sees_it_though_a_replica_that_is_behind_serves_others)
{
    struct server server = start(2, "60s");
    int count = 0;
    CZ_REQUIRE(copy_serves(&server, &count));
    hold_back();
    const char *mine = add_note(&server, "mine", true), *yours = add_note(&server, "yours", false);
    const char *forged = "Cookie: calzone_position=1.default.99999999.12345\r\n";
    for (int i = 0; i < 50; i++) { /* over both workers, again and again */
        CZ_EXPECT_EQ(count_of(ask(server.port, "GET", "/own-notes", mine, NULL)), count + 2);
        CZ_EXPECT_EQ(count_of(ask(server.port, "GET", "/own-notes", yours, NULL)), count + 2);
    }
    /* what is seen without: the copy serves, and does not have it */
    int stale = 0, fooled = 0;
    for (int i = 0; i < 50; i++) {
        stale += anybodys_count(&server) == count;
        fooled += count_of(ask(server.port, "GET", "/own-notes", forged, NULL)) == count;
    }
    CZ_EXPECT(stale > 0 && fooled > 0);
    let_go();
    CZ_EXPECT(comes_to(&server, count + 2));
    CZ_EXPECT_EQ(count_of(ask(server.port, "GET", "/own-notes", mine, NULL)), count + 2);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_replica_too_far_behind_is_not_used)
{
    struct server server = start(1, "1s");
    int count = 0;
    CZ_REQUIRE(copy_serves(&server, &count));
    hold_back();
    cz_ignore(!add_note(&server, "late", true));
    count++;
    int64_t began_us = cz_monotonic_us();
    CZ_EXPECT(comes_to(&server, count)); /* though the copy does not have it */
    CZ_EXPECT(cz_monotonic_us() - began_us < 4 * 1000000);
    for (int i = 0; i < 50; i++)
        CZ_EXPECT_EQ(anybodys_count(&server), count);
    let_go();
    CZ_EXPECT(copy_serves(&server, &count));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(no_read_fails_when_a_replica_dies_and_it_is_used_again_when_it_is_back)
{
    struct server server = start(2, "60s");
    int count = 0;
    CZ_REQUIRE(copy_serves(&server, &count));
    for (int i = 0; i < 200; i++) {
        if (i == 50)
            pg_end(&copy);
        CZ_EXPECT_EQ(anybodys_count(&server), count);
        sleep_ms(2);
    }
    cz_ignore(!add_note(&server, "meanwhile", true));
    count++;
    for (int i = 0; i < 50; i++)
        CZ_EXPECT_EQ(anybodys_count(&server), count);
    pg_run(&copy);
    CZ_EXPECT(copy_serves(&server, &count));
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("a replica is not used")) != SIZE_MAX);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(no_read_fails_when_a_replica_stops_answering)
{
    struct server server = start(1, "60s");
    int count = 0;
    CZ_REQUIRE(copy_serves(&server, &count));
    pg_script("signal", "STOP", copy.folder);
    int64_t worst_us = 0;
    for (int i = 0; i < 100; i++) {
        int64_t began_us = cz_monotonic_us();
        CZ_EXPECT_EQ(anybodys_count(&server), count);
        int64_t us = cz_monotonic_us() - began_us;
        worst_us = us > worst_us ? us : worst_us;
    }
    pg_script("signal", "CONT", copy.folder);
    CZ_EXPECT_MSG(worst_us < 15 * 1000000, "a read took %lld ms", (long long)worst_us / 1000);
    CZ_EXPECT(copy_serves(&server, &count));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* How often of fifty times SQL by hand was answered by the copy. */
static int answered_by_copy(const struct server *server, const char *how)
{
    int copies = 0;
    for (int i = 0; i < 50; i++) {
        const cz_answer *answer = get(server->port, format("/who/%s", how).ptr);
        bool by_copy = cz_str_eq(answer->body, CZ_STR("copy"));
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_MSG(by_copy || cz_str_eq(answer->body, CZ_STR("primary")), "%s: %.*s", how,
                      CZ_STR_ARG(answer->body));
        copies += by_copy;
    }
    return copies;
}

CZ_TEST(sql_by_hand_is_answered_by_a_replica_when_it_only_reads)
{
    static const char *const reads[] = { "values", "rows", "built" };
    static const char *const others[] = { "locked", "function", "transaction", "after-change" };
    struct server server = start(1, "60s");
    int count = 0;
    CZ_REQUIRE(copy_serves(&server, &count));
    for (size_t i = 0; i < CZ_COUNT(reads); i++)
        CZ_EXPECT_MSG(answered_by_copy(&server, reads[i]) > 0, "%s: by the primary", reads[i]);
    for (size_t i = 0; i < CZ_COUNT(others); i++)
        CZ_EXPECT_MSG(answered_by_copy(&server, others[i]) == 0, "%s: by the copy", others[i]);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
