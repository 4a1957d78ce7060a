/* Requests sent again and again while workers are killed: each is done once, and all that are answered are answered alike. */
#include "server.h"
#include <calzone/random.h>
#include <calzone/time.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

enum { WORKERS = 4, CLIENTS = 4, ANSWER_MS = 20000, TRY_SECONDS = 60 };

/* One key, sent by several clients at once until each has its answer. */
struct payment {
    int number;
    int64_t id; /* of the row that the answers tell of; 0: none has come */
    int answered, busy, lost;
};

static cz_str request_of(const struct payment *payment)
{
    cz_str body =
        format("{\"reference\": \"payment %d\", \"cents\": %d}", payment->number, payment->number);
    return format("POST /payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Idempotency-Key: \"payment-%d\"\r\nContent-Length: %zu\r\n\r\n%.*s",
                  payment->number, body.len, CZ_STR_ARG(body));
}

/* Whether the client need not send it again. */
static bool take(cz_wire *wire, struct payment *payment)
{
    const cz_answer *answer = cz_wire_next(wire, ANSWER_MS);
    CZ_EXPECT(!wire->timed_out);
    if (!answer) {
        payment->lost++;
        return false;
    }
    if (answer->status == 409) {
        payment->busy++;
        return false;
    }
    CZ_EXPECT_STATUS(answer, 201);
    const cz_json_value *id = cz_answer_at(answer, "id");
    CZ_REQUIRE(id && id->kind == CZ_JSON_INT);
    if (payment->id)
        CZ_EXPECT_EQ(id->as.integer, payment->id);
    payment->id = id->as.integer;
    payment->answered++;
    return true;
}

static void kill_one(const struct server *server)
{
    pid_t workers[WORKERS + 1];
    size_t count = server_workers(server, workers, CZ_COUNT(workers));
    struct timespec pause = { .tv_nsec = (long)(cz_random_u64() % 3000000) };
    nanosleep(&pause, NULL);
    if (count) /* the one before it may be on its way out of the list */
        CZ_EXPECT(!kill(workers[cz_random_u64() % count], SIGKILL) || errno == ESRCH);
}

static void pay(const struct server *server, struct payment *payment, bool killing)
{
    cz_str bytes = request_of(payment);
    int64_t began_us = cz_monotonic_us();
    while (payment->answered < CLIENTS && !cz_test_has_failed()) {
        cz_wire *wires[CLIENTS];
        int sent = CLIENTS - payment->answered;
        for (int i = 0; i < sent; i++)
            wires[i] = cz_wire_open(server->port);
        for (int i = 0; i < sent; i++)
            cz_ignore(cz_wire_send(wires[i], bytes)); /* a worker that died answers none */
        if (killing)
            kill_one(server);
        killing = false;
        for (int i = 0; i < sent; i++) {
            cz_ignore(take(wires[i], payment)); /* counted */
            cz_wire_close(wires[i]);
        }
        CZ_REQUIRE(cz_monotonic_us() - began_us < (int64_t)TRY_SECONDS * 1000000);
    }
}

CZ_DATABASE_TEST(a_payment_sent_again_is_taken_once_whoever_dies)
{
    const char *url =
        cz__test_on_postgresql ? format("DATABASE_URL=%s", cz_test_postgresql()).ptr : NULL;
    const char *env[] = { url, NULL };
    struct server server = server_start("till", WORKERS, env);
    int rounds = full_or_short(100, 20), lost = 0, busy = 0;
    for (int round = 1; round <= rounds && !cz_test_has_failed(); round++) {
        struct payment payment = { .number = round };
        pay(&server, &payment, round % 3 == 0);
        lost += payment.lost;
        busy += payment.busy;
    }
    CZ_EXPECT(lost > 0); /* else nobody died with a request */
    CZ_EXPECT_MSG(cz__test_on_postgresql || busy == 0, "%d times 409", busy); /* SQLite waits */
    const cz_answer *answer = get(server.port, "/payments?page_size=1000");
    CZ_EXPECT_JSON(answer, "count", rounds);
    for (int n = 0; n < rounds; n++)
        CZ_EXPECT_JSON(answer, format("results[%d].cents", n).ptr, n + 1);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Of two connections the first request has one for a second and a half. Those that come with its key meanwhile wait, and
 * another client's request is answered as if they did not. */
CZ_TEST(who_waits_for_a_key_holds_no_connection)
{
    enum { AGAIN = 12, OTHERS_MS = 1200 };
    const char *env[] = { format("DATABASE_URL=%s&pool_size=2", cz_test_postgresql()).ptr, NULL };
    struct server server = server_start("till", 1, env);
    cz_str slow = CZ_STR("POST /slow HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\n"
                         "Content-Length: 0\r\n\r\n");
    cz_wire *wires[AGAIN + 1];
    for (int i = 0; i <= AGAIN; i++) {
        wires[i] = cz_wire_open(server.port);
        CZ_EXPECT(cz_wire_send(wires[i], slow));
        if (!i)
            sleep_ms(200);
    }
    sleep_ms(50);
    struct payment other = { .number = 1 };
    int64_t began_us = cz_monotonic_us();
    CZ_EXPECT_STATUS(ask_raw(server.port, request_of(&other)), 201);
    int64_t took_ms = (cz_monotonic_us() - began_us) / 1000;
    CZ_EXPECT_MSG(took_ms < OTHERS_MS, "%lld ms", (long long)took_ms);
    for (int i = AGAIN; i >= 0; i--) {
        CZ_EXPECT_STATUS(cz_wire_next(wires[i], ANSWER_MS), i ? 409 : 204);
        cz_wire_close(wires[i]);
    }
    CZ_EXPECT_STATUS(ask_raw(server.port, slow), 204);
    CZ_EXPECT_JSON(get(server.port, "/payments"), "count", 2);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
