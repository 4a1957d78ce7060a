/* States by name: 304 for what a client has, 412 for what another changed, 428 where a client must say. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Ledger)
#define CLERK(F)                                                                                   \
    F(char_field, name)                                                                            \
    F(reverse, ledgers, Ledger, clerk)
CZ_MODEL(Clerk, CLERK);
#define LEDGER(F)                                                                                  \
    F(char_field, title, .max_length = 20)                                                         \
    F(int_field, sum, .default_ = cz_int(0))                                                       \
    F(foreign_key, clerk, Clerk, .null = true, .on_delete = CZ_SET_NULL)
CZ_MODEL(Ledger, LEDGER);

static const cz_app office_app = { .name = "counting", .models = CZ_MODELS(Clerk, Ledger) };
static CZ_SERIALIZER(ClerkSerializer, Clerk, .fields = CZ_FIELDS(Clerk, id, name));
static CZ_SERIALIZER(LedgerSerializer, Ledger, .fields = CZ_FIELDS(Ledger, id, title, sum, clerk));

/* Over a foreign key that may be NULL, and to several rows: joins, on which a row is locked all the same. */
static cz_cond kept(cz_ctx *ctx, const cz_request *req)
{
    (void)req;
    return cz_cond_copy(
        ctx, CZ_OR(CZ_Q(Ledger, clerk, ISNULL, true), CZ_Q(Ledger, clerk->ledgers->sum, GTE, 0)));
}

/* Actions of one's own, which know nothing of states. */
static void close_ledger(cz_ctx *ctx, cz_request *req)
{
    Ledger *ledger = cz_view_object(ctx, req, Ledger);
    cz_set(ctx, ledger, sum, -1);
    cz_save(ctx, ledger);
    cz_respond_row(ctx, req, 200, &LedgerSerializer, ledger);
}

static void total(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

static const cz_extra_action closing[] = {
    { "close", .method = CZ_METHOD_POST, .detail = true, .handler = close_ledger },
    { "sum", .detail = true, .handler = total },
    { "total", .method = CZ_METHOD_POST, .handler = total },
};

static CZ_VIEWSET(ledgers, Ledger, .serializer = &LedgerSerializer, .permissions = &cz_allow_any,
                  .etags = true, .put_creates = true, .rows = kept,
                  .actions = { closing, CZ_COUNT(closing) },
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
static CZ_VIEWSET(strict, Ledger, .serializer = &LedgerSerializer, .permissions = &cz_allow_any,
                  .require_match = true, .actions = { closing, CZ_COUNT(closing) },
                  .partial_update = close_ledger);
static CZ_VIEWSET(clerks, Clerk, .serializer = &ClerkSerializer, .permissions = &cz_allow_any);
static const cz_route urls[] = {
    CZ_RESOURCE("/ledgers", &ledgers),
    CZ_RESOURCE("/strict", &strict, .name = "strict"),
    CZ_RESOURCE("/clerks", &clerks),
    CZ_ROUTES_END,
};
static CZ_PROJECT(counting, "counting", .apps = CZ_APPS(&office_app), .urls = urls);

static const cz_answer *send(cz_client *client, const char *method, const char *target,
                             const char *header, const char *value, const char *body)
{
    char line[512];
    snprintf(line, sizeof line, "%s: %s\r\n", header, value);
    const cz_client_request request = {
        .method = method, .target = target, .headers = line, .body = cz_str_from(body)
    };
    return cz_client_send(client, &request);
}

/* The ETag of /ledgers/1 as it is. */
static const char *state(cz_client *client, char *text, size_t bytes)
{
    cz_str etag = cz_answer_header(cz_client_get(client, "/ledgers/1"), "ETag");
    snprintf(text, bytes, "%.*s", CZ_STR_ARG(etag));
    return text;
}

CZ_DATABASE_TEST(what_a_client_has_is_not_sent_again)
{
    cz_client *client = cz_client_create(&counting);
    char etag[80], list[300];
    CZ_EXPECT_STATUS(cz_client_post(client, "/ledgers", "{\"title\": \"a\"}"), 201);
    state(client, etag, sizeof etag);
    CZ_EXPECT_EQ(strlen(etag), 34);
    const cz_answer *answer = send(client, "GET", "/ledgers/1", "If-None-Match", etag, "");
    CZ_EXPECT_STATUS(answer, 304);
    CZ_EXPECT_HEADER(answer, "ETag", etag);
    CZ_EXPECT_EQ(answer->body.len, 0);
    snprintf(list, sizeof list, "\"other\", W/%s", etag);
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1", "If-None-Match", list, ""), 304);
    CZ_EXPECT_STATUS(send(client, "HEAD", "/ledgers/1", "If-None-Match", "*", ""), 304);
    static const char *const others[] = {
        "\"other\"", "other", "\"", "", "W/", ",", "\"a\" x \"b\""
    };
    for (size_t i = 0; i < CZ_COUNT(others); i++)
        CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1", "If-None-Match", others[i], ""), 200);
    /* If-Match goes for reading, too, compares strongly, and comes before If-None-Match (RFC 9110, 13.2.2) */
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1", "If-Match", etag, ""), 200);
    CZ_EXPECT_STATUS(send(client, "HEAD", "/ledgers/1", "If-Match", "*", ""), 200);
    snprintf(list, sizeof list, "W/%s", etag);
    answer = send(client, "GET", "/ledgers/1", "If-Match", list, "");
    CZ_EXPECT_STATUS(answer, 412);
    CZ_EXPECT_JSON(answer, "code", "precondition_failed");
    CZ_EXPECT_HEADER(answer, "ETag", "");
    CZ_EXPECT_STATUS(send(client, "HEAD", "/ledgers/1", "If-Match", "\"other\"", ""), 412);
    CZ_EXPECT_STATUS(
        send(client, "GET", "/ledgers/1", "If-None-Match", "*\r\nIf-Match: \"other\"", ""), 412);
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1", "If-None-Match", "*\r\nIf-Match: *", ""),
                     304);
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/9", "If-Match", "\"other\"", ""), 404);
    answer = cz_client_get(client, "/ledgers/1?format=csv");
    snprintf(list, sizeof list, "%.33s-csv\"", etag);
    CZ_EXPECT_HEADER(answer, "ETag", list);
    /* in one format is not in another */
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1", "If-None-Match", list, ""), 200);
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1?format=csv", "If-None-Match", etag, ""), 200);
    answer = send(client, "GET", "/ledgers/1?format=csv", "If-None-Match", list, "");
    CZ_EXPECT_STATUS(answer, 304);
    CZ_EXPECT_HEADER(answer, "ETag", list);
    answer = cz_client_get(client, "/ledgers");
    snprintf(list, sizeof list, "%.*s", CZ_STR_ARG(cz_answer_header(answer, "ETag")));
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers", "If-None-Match", list, ""), 304);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ledgers", "{\"title\": \"b\"}"), 201);
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers", "If-None-Match", list, ""), 200);
    CZ_EXPECT_HEADER(cz_client_get(client, "/ledgers/9"), "ETag", "");
    CZ_EXPECT_HEADER(cz_client_get(client, "/strict/1"), "ETag", "");
}

CZ_DATABASE_TEST(what_another_changed_is_not_changed_unseen)
{
    cz_client *client = cz_client_create(&counting);
    char first[80], second[80], csv[90];
    CZ_EXPECT_STATUS(cz_client_post(client, "/clerks", "{\"name\": \"Ann\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ledgers", "{\"title\": \"a\", \"clerk\": 1}"), 201);
    state(client, first, sizeof first);
    const cz_answer *answer =
        send(client, "PATCH", "/ledgers/1", "If-Match", first, "{\"sum\": 1}");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_HEADER(answer, "ETag", state(client, second, sizeof second));
    CZ_EXPECT(strcmp(first, second) != 0);
    static const char *const methods[] = { "PATCH", "PUT", "DELETE" };
    for (size_t i = 0; i < CZ_COUNT(methods); i++) {
        answer = send(client, methods[i], "/ledgers/1", "If-Match", first, "{\"title\": \"lost\"}");
        CZ_EXPECT_STATUS(answer, 412);
        CZ_EXPECT_JSON(answer, "code", "precondition_failed");
        char weak[90];
        snprintf(weak, sizeof weak, "W/%s", second);
        CZ_EXPECT_STATUS(
            send(client, methods[i], "/ledgers/1", "If-Match", weak, "{\"title\": \"lost\"}"), 412);
        CZ_EXPECT_STATUS(send(client, methods[i], "/ledgers/1", "If-Match", i % 2 ? "" : "bare",
                              "{\"title\": \"lost\"}"),
                         412);
        CZ_EXPECT_STATUS(
            send(client, methods[i], "/ledgers/1", "If-None-Match", "*", "{\"title\": \"lost\"}"),
            412);
    }
    CZ_EXPECT_JSON(cz_client_get(client, "/ledgers/1"), "title", "a");
    /* a list on two lines, whose second is the one that counts */
    CZ_EXPECT_STATUS(send(client, "PUT", "/ledgers/1", "If-None-Match", "\"0\"\r\nIf-None-Match: *",
                          "{\"title\": \"lost\"}"),
                     412);
    CZ_EXPECT_STATUS(
        send(client, "GET", "/ledgers/1", "If-None-Match", "\"0\"\r\nif-none-match: *", ""), 304);
    CZ_EXPECT_STATUS(
        send(client, "PUT", "/ledgers/1", "If-Match", "\"0\"\r\nIf-Match: *", "{\"title\": \"b\"}"),
        200);
    CZ_EXPECT_STATUS(send(client, "PUT", "/ledgers/1", "If-Match", "*", "{\"title\": \"b\"}"), 200);
    state(client, second, sizeof second);
    snprintf(csv, sizeof csv, "%.33s-csv\"", second);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/ledgers/1", "If-Match", csv, "{\"sum\": 2}"), 200);
    /* what is wrong otherwise is told as ever, and nothing is stored */
    CZ_EXPECT_STATUS(send(client, "PATCH", "/ledgers/1", "If-Match", "*", "{\"sum\": \"x\"}"), 400);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/ledgers/9", "If-Match", "*", "{}"), 404);
    CZ_EXPECT_STATUS(send(client, "DELETE", "/ledgers/9", "If-Match", first, ""), 404);
    CZ_EXPECT_STATUS(send(client, "PUT", "/ledgers/9", "If-Match", "*", "{\"title\": \"x\"}"), 412);
    CZ_EXPECT_STATUS(send(client, "PUT", "/ledgers/9", "If-None-Match", "*", "{\"title\": \"x\"}"),
                     201);
    CZ_EXPECT_STATUS(send(client, "PUT", "/ledgers/9", "If-None-Match", "*", "{\"title\": \"y\"}"),
                     412);
}

CZ_DATABASE_TEST(a_viewset_may_ask_for_the_state_that_is_meant)
{
    cz_client *client = cz_client_create(&counting);
    char etag[80];
    CZ_EXPECT_STATUS(cz_client_post(client, "/strict", "{\"title\": \"a\"}"), 201);
    const cz_answer *answer = cz_client_patch(client, "/strict/1", "{\"sum\": 1}");
    CZ_EXPECT_STATUS(answer, 428);
    CZ_EXPECT_JSON(answer, "code", "precondition_required");
    CZ_EXPECT_STATUS(cz_client_put(client, "/strict/1", "{\"title\": \"b\"}"), 428);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/strict/1"), 428);
    state(client, etag, sizeof etag); /* of the same serializer elsewhere */
    CZ_EXPECT_STATUS(send(client, "PUT", "/strict/1", "If-Match", etag, "{\"title\": \"b\"}"), 200);
    CZ_EXPECT_STATUS(send(client, "DELETE", "/strict/1", "If-Match", etag, ""), 412);
}

CZ_DATABASE_TEST(actions_of_ones_own_obey_if_match_too)
{
    cz_client *client = cz_client_create(&counting);
    char first[80], second[80];
    CZ_EXPECT_STATUS(cz_client_post(client, "/ledgers", "{\"title\": \"a\"}"), 201);
    state(client, first, sizeof first);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/ledgers/1", "{\"sum\": 1}"), 200);
    state(client, second, sizeof second);
    CZ_EXPECT_STATUS(send(client, "POST", "/ledgers/1/close", "If-Match", first, ""), 412);
    CZ_EXPECT_STATUS(send(client, "POST", "/ledgers/1/close", "If-Match", "\"nonsense\"", ""), 412);
    CZ_EXPECT_JSON(cz_client_get(client, "/ledgers/1"), "sum", 1);
    CZ_EXPECT_STATUS(send(client, "POST", "/ledgers/9/close", "If-Match", first, ""), 404);
    const cz_answer *answer = send(client, "POST", "/ledgers/1/close", "If-Match", second, "");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_HEADER(answer, "ETag", state(client, first, sizeof first));
    CZ_EXPECT_STATUS(cz_client_post(client, "/ledgers/1/close", ""), 200); /* it need not say */
    /* what changes nothing, or is of no single row, has no state to be compared */
    CZ_EXPECT_STATUS(send(client, "GET", "/ledgers/1/sum", "If-Match", second, ""), 204);
    CZ_EXPECT_STATUS(send(client, "POST", "/ledgers/total", "If-Match", second, ""), 204);
    /* with .require_match they must, as must a stock action that was replaced */
    CZ_EXPECT_STATUS(cz_client_post(client, "/strict/1/close", ""), 428);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/strict/1", "{}"), 428);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/strict/1", "If-Match", second, "{}"), 412);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/strict/1", "If-Match", first, "{}"), 200);
    CZ_EXPECT_STATUS(send(client, "POST", "/strict/1/close", "If-Match", first, ""), 200);
    CZ_EXPECT_STATUS(cz_client_post(client, "/strict/total", ""), 204);
}
