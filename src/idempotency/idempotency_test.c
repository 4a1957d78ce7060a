/* Requests that are sent twice. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include "idempotency/models.h"
#include "management/command_testing.h"

#define DEPOSIT(F)                                                                                 \
    F(char_field, reference, .max_length = 40)                                                     \
    F(int_field, cents, .min = cz_int(1))
CZ_MODEL(Deposit, DEPOSIT);
static CZ_SERIALIZER(DepositSerializer, Deposit,
                     .fields = CZ_FIELDS(Deposit, id, reference, cents));
static CZ_VIEWSET(deposits, Deposit, .serializer = &DepositSerializer,
                  .permissions = &cz_allow_any);

static void deposit_and(cz_ctx *ctx, const char *reference)
{
    cz_create(ctx, Deposit, (reference, reference), (cents, 1));
}
static void deposit_and_raise(cz_ctx *ctx, cz_request *req)
{
    (void)req;
    deposit_and(ctx, "raised");
    cz_raise(ctx, CZ_EDENIED, "No.");
}
static void deposit_and_fail(cz_ctx *ctx, cz_request *req)
{
    deposit_and(ctx, "failed");
    cz_respond_json(ctx, req, 500, CZ_STR("{}"));
}
static void deposit_and_refuse(cz_ctx *ctx, cz_request *req)
{
    deposit_and(ctx, "refused");
    cz_respond_json(ctx, req, 409, CZ_STR("{\"refused\":true}"));
}
static void nothing(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)ctx, (void)req, (void)arg;
}
static void deposit_and_stream(cz_ctx *ctx, cz_request *req)
{
    deposit_and(ctx, "streamed");
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), nothing, NULL);
}
static void deposit_and_be_empty(cz_ctx *ctx, cz_request *req)
{
    deposit_and(ctx, "empty");
    cz_respond_header(ctx, req, CZ_STR("X-Note"), CZ_STR("a: b, c"));
    cz_respond_header(ctx, req, CZ_STR("X-Empty"), CZ_STR(""));
    cz_respond_empty(ctx, req, 204);
}

static void deposit_and_vary(cz_ctx *ctx, cz_request *req)
{
    deposit_and(ctx, "varied");
    cz_respond_header_add(ctx, req, CZ_STR("Vary"), CZ_STR("Accept"));
    cz_respond_empty(ctx, req, 204);
}

/* Whom X-User names. */
static void know(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_set_actor(ctx, cz_request_header(req, CZ_STR("X-User")));
    cz_respond_header(ctx, req, CZ_STR("Vary"), CZ_STR("X-User"));
    cz_next_call(ctx, req, next);
}
static const cz_middleware knowing = { .name = "knowing", .process = know };

static const cz_middleware *const once[] = { &knowing, &cz_idempotency, NULL };
static const cz_middleware *const strictly_once[] = { &cz_idempotency_required, NULL };
static const cz_route urls[] = {
    CZ_RESOURCE("/deposits", &deposits, .middleware = once),
    CZ_RESOURCE("/strict", &deposits, .name = "strict", .middleware = strictly_once),
    CZ_RESOURCE("/plain", &deposits, .name = "plain"),
    CZ_POST("/raise", deposit_and_raise, .middleware = once),
    CZ_POST("/fail", deposit_and_fail, .middleware = once),
    CZ_POST("/refuse", deposit_and_refuse, .middleware = once),
    CZ_POST("/stream", deposit_and_stream, .middleware = once),
    CZ_POST("/empty", deposit_and_be_empty, .middleware = once),
    CZ_POST("/vary", deposit_and_vary, .middleware = once),
    CZ_ROUTES_END,
};
static const cz_app app = { "vault", .models = CZ_MODELS(Deposit) };
static CZ_PROJECT(vault, "vault", .apps = CZ_APPS(&app, &cz_idempotency_app), .urls = urls);

static const cz_answer *send(cz_client *client, const char *method, const char *target,
                             const char *headers, const char *body)
{
    const cz_client_request request = {
        .method = method, .target = target, .headers = headers, .body = cz_str_from(body)
    };
    return cz_client_send(client, &request);
}

static void expect_deposits(cz_client *client, int count)
{
    CZ_EXPECT_JSON(cz_client_get(client, "/plain"), "count", count);
}

#define TEN "{\"reference\": \"a\", \"cents\": 10}"

CZ_DATABASE_TEST(a_request_sent_again_gets_the_same_answer_and_does_nothing)
{
    cz_client *client = cz_client_create(&vault);
    const cz_answer *first = send(client, "POST", "/deposits", "Idempotency-Key: \"k-1\"\r\n", TEN);
    CZ_EXPECT_STATUS(first, 201);
    CZ_EXPECT_HEADER(first, "Idempotency-Replayed", "");
    static const char *const again[] = { "Idempotency-Key: \"k-1\"\r\n",
                                         "Idempotency-Key:  k-1 \r\n",
                                         "idempotency-key: k-1\r\nX-Other: 1\r\n" };
    for (size_t i = 0; i < CZ_COUNT(again); i++) {
        const cz_answer *answer = send(client, "POST", "/deposits", again[i], TEN);
        CZ_EXPECT_STATUS(answer, 201);
        CZ_EXPECT_HEADER(answer, "Idempotency-Replayed", "true");
        CZ_EXPECT_HEADER(answer, "Location", "/deposits/1");
        CZ_EXPECT_HEADER(answer, "Content-Type", "application/json");
        cz__test_expect_str(__FILE__, __LINE__, "body", answer->body, first->body);
    }
    expect_deposits(client, 1);
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", "Idempotency-Key: k-2\r\n", TEN), 201);
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", NULL, TEN), 201);
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", NULL, TEN), 201);
    expect_deposits(client, 4);
    const cz_answer *empty = send(client, "POST", "/empty", "Idempotency-Key: k-3\r\n", "");
    CZ_EXPECT_STATUS(empty, 204);
    empty = send(client, "POST", "/empty", "Idempotency-Key: k-3\r\n", "");
    CZ_EXPECT_STATUS(empty, 204);
    CZ_EXPECT_HEADER(empty, "X-Note", "a: b, c");
    CZ_EXPECT_HEADER(empty, "Idempotency-Replayed", "true");
    expect_deposits(client, 5);
}

CZ_DATABASE_TEST(what_the_handler_makes_of_headers_from_further_out_is_kept)
{
    cz_client *client = cz_client_create(&vault);
    for (int i = 0; i < 2; i++) {
        const cz_answer *answer = send(client, "POST", "/vary", "Idempotency-Key: k\r\n", "");
        CZ_EXPECT_STATUS(answer, 204);
        CZ_EXPECT_HEADER(answer, "Idempotency-Replayed", i ? "true" : "");
        CZ_EXPECT_HEADER(answer, "Vary", "X-User, Accept");
    }
}

CZ_DATABASE_TEST(changes_of_a_row_are_made_once_and_what_is_idempotent_anyway_is_let_by)
{
    cz_client *client = cz_client_create(&vault);
    const char *key = "Idempotency-Key: k\r\n";
    CZ_EXPECT_STATUS(send(client, "PUT", "/deposits/9", key, TEN), 404);
    CZ_EXPECT_STATUS(send(client, "GET", "/deposits", key, ""), 200);
    CZ_EXPECT_STATUS(send(client, "POST", "/plain", key, TEN), 201);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/deposits/1", key, "{\"cents\": 5}"), 200);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/plain/1", "{\"cents\": 6}"), 200);
    const cz_answer *answer = send(client, "PATCH", "/deposits/1", key, "{\"cents\": 5}");
    CZ_EXPECT_HEADER(answer, "Idempotency-Replayed", "true");
    CZ_EXPECT_JSON(cz_client_get(client, "/plain/1"), "cents", 6);
    CZ_EXPECT_STATUS(send(client, "DELETE", "/deposits/1", key, ""), 204);
    CZ_EXPECT_STATUS(send(client, "DELETE", "/deposits/1", key, ""), 404);
}

CZ_DATABASE_TEST(a_key_that_comes_with_another_request_is_refused)
{
    static const struct {
        const char *method, *target, *body;
    } others[] = {
        { "POST", "/deposits", "{\"reference\": \"a\", \"cents\": 11}" },
        { "POST", "/deposits", "" },
        { "POST", "/deposits", TEN " " },
        { "POST", "/deposits?x=1", TEN },
        { "POST", "/empty", TEN },
        { "PATCH", "/deposits/1", TEN },
    };
    cz_client *client = cz_client_create(&vault);
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", "Idempotency-Key: k\r\n", TEN), 201);
    for (size_t i = 0; i < CZ_COUNT(others); i++) {
        const cz_answer *answer = send(client, others[i].method, others[i].target,
                                       "Idempotency-Key: k\r\n", others[i].body);
        CZ_EXPECT_STATUS(answer, 422);
        CZ_EXPECT_JSON(answer, "code", "idempotency_key_reused");
    }
    expect_deposits(client, 1);
}

CZ_DATABASE_TEST(a_key_is_one_callers)
{
    static const char *const callers[] = {
        "Authorization: Bearer a\r\n",
        "Authorization: Bearer b\r\n",
        "Cookie: s=1\r\n",
        "Cookie: s=2\r\n",
        "X-User: user:1\r\n",
        "X-User: user:2\r\n",
        "X-User: Bearer a\r\n",
        "",
    };
    cz_client *client = cz_client_create(&vault);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < CZ_COUNT(callers); i++) {
            char headers[100];
            cz_ignore(snprintf(headers, sizeof headers, "Idempotency-Key: k\r\n%s", callers[i]) <
                      0);
            const cz_answer *answer = send(client, "POST", "/deposits", headers, TEN);
            CZ_EXPECT_STATUS(answer, 201);
            CZ_EXPECT_JSON(answer, "id", (int)i + 1);
        }
    /* who is known keeps keys when the token changes */
    CZ_EXPECT_HEADER(send(client, "POST", "/deposits",
                          "Idempotency-Key: k\r\nX-User: user:1\r\nAuthorization: Bearer new\r\n",
                          TEN),
                     "Idempotency-Replayed", "true");
    expect_deposits(client, CZ_COUNT(callers));
}

CZ_DATABASE_TEST(what_is_no_key_is_refused)
{
    static const char *const keys[] = { "",         "\"\"", "a b",      "a,b",
                                        "\"a\"b\"", "a\\b", "\xc3\xbc", "\"a" };
    cz_client *client = cz_client_create(&vault);
    char headers[400];
    for (size_t i = 0; i < CZ_COUNT(keys); i++) {
        cz_ignore(snprintf(headers, sizeof headers, "Idempotency-Key: %s\r\n", keys[i]) < 0);
        const cz_answer *answer = send(client, "POST", "/deposits", headers, TEN);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON(answer, "code", "idempotency_key_invalid");
    }
    const cz_answer *two =
        send(client, "POST", "/deposits", "Idempotency-Key: a\r\nidempotency-key: b\r\n", TEN);
    CZ_EXPECT_STATUS(two, 400);
    CZ_EXPECT_JSON(two, "code", "idempotency_key_invalid");
    for (int longer = 0; longer < 2; longer++) {
        cz_ignore(snprintf(headers, sizeof headers, "Idempotency-Key: %0*d\r\n",
                           CZ_IDEMPOTENCY_KEY_MAX + longer, 1) < 0);
        CZ_EXPECT_STATUS(send(client, "POST", "/deposits", headers, TEN), longer ? 400 : 201);
    }
    const cz_answer *answer = send(client, "POST", "/strict", NULL, TEN);
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "code", "idempotency_key_required");
    CZ_EXPECT_STATUS(send(client, "GET", "/strict", NULL, ""), 200);
    CZ_EXPECT_STATUS(send(client, "PUT", "/strict/1", NULL, TEN), 200);
    expect_deposits(client, 1);
}

CZ_DATABASE_TEST(what_fails_is_rolled_back_and_frees_the_key)
{
    static const struct {
        const char *target;
        int status;
    } failing[] = { { "/raise", 403 }, { "/refuse", 409 }, { "/fail", 500 }, { "/stream", 500 } };
    cz_client *client = cz_client_create(&vault);
    const char *key = "Idempotency-Key: k\r\n";
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < CZ_COUNT(failing); i++) {
            const cz_answer *answer = send(client, "POST", failing[i].target, key, "");
            CZ_EXPECT_STATUS(answer, failing[i].status);
            CZ_EXPECT_HEADER(answer, "Idempotency-Replayed", "");
        }
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", key, "{}"), 400);
    expect_deposits(client, 0);
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", key, TEN), 201);
    expect_deposits(client, 1);
}

CZ_DATABASE_TEST(a_key_is_free_when_its_time_is_over)
{
    cz_client *client = cz_client_create(&vault);
    const char *key = "Idempotency-Key: k\r\n";
    cz_datetime now = cz_now();
    cz__time_freeze(now);
    CZ_EXPECT_STATUS(send(client, "POST", "/deposits", key, TEN), 201);
    now.us += (int64_t)24 * 3600 * 1000000 - 1;
    cz__time_freeze(now);
    CZ_EXPECT_HEADER(send(client, "POST", "/deposits", key, TEN), "Idempotency-Replayed", "true");
    now.us++;
    cz__time_freeze(now);
    CZ_EXPECT_JSON(send(client, "POST", "/deposits", key, TEN), "id", 2);
    CZ_EXPECT_HEADER(send(client, "POST", "/deposits", key, TEN), "Idempotency-Replayed", "true");
    expect_deposits(client, 2);
}

static CZ_PROJECT(without, "without", .apps = CZ_APPS(&app), .urls = urls);

CZ_TEST(without_its_table_the_start_fails)
{
    cz_str out;
    CZ_EXPECT_EQ(cz__test_command(
                     &without, CZ__TEXTS(cz__test_setting("DATABASE_URL", cz__test_sqlite("a.db"))),
                     CZ__TEXTS("check"), &out),
                 1);
    CZ_EXPECT(cz_str_find(out, CZ_STR("list &cz_idempotency_app in .apps")) != SIZE_MAX);
}

static int plant(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    (void)project, (void)argc, (void)argv;
    for (int i = 0; i < 2; i++)
        cz_create(ctx, cz_idempotency_key, (digest, cz_format(ctx, "%d", i)), (request, "x"),
                  (status, 200), (body, (cz_bytes){ "", 0 }),
                  (expires_at, (cz_datetime){ cz_now().us + (i ? 60000000 : 0) }));
    return 0;
}
static const cz_command commands[] = { { "plant", "Plant.", NULL, plant } };
static const cz_app planting = { "planting", .commands = CZ_COMMANDS(commands) };
static const cz_route no_urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(field, "field", .apps = CZ_APPS(&planting, &cz_idempotency_app), .urls = no_urls);

CZ_TEST(keys_whose_time_is_over_are_cleared)
{
    cz_str out;
    const char *const *settings =
        CZ__TEXTS(cz__test_setting("DATABASE_URL", cz__test_sqlite("a.db")));
    CZ_EXPECT_EQ(cz__test_command(&field, settings, CZ__TEXTS("migrate"), &out), 0);
    CZ_EXPECT_EQ(cz__test_command(&field, settings, CZ__TEXTS("plant"), &out), 0);
    CZ_EXPECT_EQ(cz__test_command(&field, settings, CZ__TEXTS("clearidempotencykeys"), &out), 0);
    CZ_EXPECT_STR(out, "1 key cleared\n");
    CZ_EXPECT_EQ(cz__test_command(&field, settings, CZ__TEXTS("clearidempotencykeys"), &out), 0);
    CZ_EXPECT_STR(out, "0 keys cleared\n");
    CZ_EXPECT_EQ(cz__test_command(&field, settings, CZ__TEXTS("clearidempotencykeys", "x"), &out),
                 2);
}
