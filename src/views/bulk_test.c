/* Many rows in one request, all or none. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <string.h>

CZ_MODEL_FORWARD(Medal)

#define MEDAL_CASE(F)                                                                              \
    F(char_field, owner, .max_length = 20)                                                         \
    F(reverse, medals, Medal, box)
CZ_MODEL(MedalCase, MEDAL_CASE);
#define MEDAL(F)                                                                                   \
    F(char_field, number, .max_length = 12, .unique = true)                                        \
    F(int_field, cents, .default_ = cz_int(10), .min = cz_int(1))                                  \
    F(bool_field, locked, .default_ = cz_bool(false))                                              \
    F(foreign_key, box, MedalCase, .null = true, .on_delete = CZ_CASCADE)                          \
    F(foreign_key, parent, Medal, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL(Medal, MEDAL);

static CZ_SERIALIZER(CaseSerializer, MedalCase, .fields = CZ_FIELDS(MedalCase, id, owner));
static CZ_SERIALIZER(MedalSerializer, Medal,
                     .fields = CZ_FIELDS(Medal, id, number, cents, locked, box, parent));
static CZ_SERIALIZER(ShownMedal, Medal, .fields = CZ_FIELDS(Medal, id, number, box),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Medal, box),
                                             .nested = &CaseSerializer }));
static CZ_SERIALIZER(CaseMedal, Medal, .fields = CZ_FIELDS(Medal, id, number));
static CZ_SERIALIZER(KeylessMedal, Medal, .fields = CZ_FIELDS(Medal, number));

/* Medals of less than a euro; what is locked can be seen and not changed. */
static cz_cond cheap(cz_ctx *ctx, const cz_request *req)
{
    (void)req;
    return cz_cond_copy(ctx, CZ_Q(Medal, cents, LT, 100));
}
static bool is_unlocked(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    const Medal *medal = object;
    (void)ctx, (void)self;
    return !medal || req->method == CZ_METHOD_GET || !medal->locked;
}
static const cz_permission unlocked = { .name = "unlocked", .allows = is_unlocked };
static void in_capitals(cz_ctx *ctx, const cz_request *req, void *row, cz_action action)
{
    Medal *medal = row;
    (void)req;
    if (action == CZ_ACTION_create && cz_str_eq(medal->number, CZ_STR("old")))
        cz_set(ctx, medal, number, CZ_STR("OLD"));
}

static CZ_VIEWSET(medals, Medal, .serializer = &MedalSerializer, .permissions = &unlocked,
                  .bulk = true, .rows = cheap, .before_save = in_capitals);
static CZ_VIEWSET(shown, Medal, .serializer = &ShownMedal, .permissions = &cz_allow_any,
                  .bulk = true, .sparse = true);
static CZ_VIEWSET(of_box, Medal, .serializer = &CaseMedal, .permissions = &cz_allow_any,
                  .bulk = true, .parent = CZ_FIELD(Medal, box));
static CZ_VIEWSET(singles, Medal, .serializer = &MedalSerializer, .permissions = &cz_allow_any);
static CZ_VIEWSET(made, Medal, .serializer = &KeylessMedal, .permissions = &cz_allow_any,
                  .bulk = true, .only = { .list = true, .create = true });

static void import(cz_ctx *ctx, cz_request *req)
{
    size_t count;
    Medal **rows = cz_read_rows(ctx, req, &MedalSerializer, Medal, &count);
    int64_t stored = cz_bulk_create(ctx, Medal, rows, count);
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_i64(&json, stored);
}

static const cz_app app = { "numismatics", .models = CZ_MODELS(MedalCase, Medal) };
static const cz_route urls[] = {
    CZ_RESOURCE("/medals", &medals),
    CZ_RESOURCE("/shown", &shown, .name = "shown"),
    CZ_RESOURCE("/boxs/<int:box>/medals", &of_box, .name = "of-box"),
    CZ_RESOURCE("/singles", &singles, .name = "single"),
    CZ_RESOURCE("/made/", &made, .name = "made"),
    CZ_POST("/import", import),
    CZ_ROUTES_END,
};
static CZ_PROJECT(numismatics, "numismatics", .apps = CZ_APPS(&app), .urls = urls);

static void add_boxs(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_create(ctx, MedalCase, (owner, "Vera"));
    cz_create(ctx, MedalCase, (owner, "Willem"));
}

static cz_client *three_medals(void)
{
    cz_client *client = cz_client_create(&numismatics);
    cz_client_run(client, add_boxs, NULL);
    CZ_EXPECT_STATUS(cz_client_post(client, "/medals",
                                    "[{\"number\": \"a\"}, {\"number\": \"b\", \"cents\": 20},"
                                    " {\"number\": \"c\", \"box\": 1}]"),
                     201);
    return client;
}

static const cz_answer *send(cz_client *client, const char *method, const char *target,
                             const char *body)
{
    const cz_client_request request = { .method = method,
                                        .target = target,
                                        .body = cz_str_from(body) };
    return cz_client_send(client, &request);
}

CZ_DATABASE_TEST(a_list_makes_its_rows_in_order)
{
    cz_client *client = three_medals();
    const cz_answer *answer =
        cz_client_post(client, "/medals", "[{\"number\": \"old\"}, {\"number\": \"d\"}]");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(answer, "[0].number", "OLD");
    CZ_EXPECT_JSON(answer, "[1].id", 5);
    CZ_EXPECT_JSON(answer, "[1].cents", 10);
    answer = cz_client_post(client, "/medals", " []");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON_TEXT(answer, "", "[]");
    CZ_EXPECT_STATUS(cz_client_post(client, "/medals", "{\"number\": \"one\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/made/", "[{\"number\": \"m\"}]"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/singles", "[{\"number\": \"s\"}]"), 400);
    CZ_EXPECT_STATUS(send(client, "PUT", "/singles", "[]"), 405);
    CZ_EXPECT_STATUS(send(client, "PUT", "/made/", "[]"), 405);
    CZ_EXPECT_JSON(cz_client_get(client, "/medals"), "count", 7);
}

/* What is sent to the list's path, and what comes back; the three rows stay as they are. */
CZ_DATABASE_TEST(of_a_list_with_a_fault_nothing_is_stored)
{
    static const struct {
        const char *method, *body;
        int status;
        const char *answer;
    } cases[] = {
        { "POST", "[{\"number\": \"d\"}, {}]", 400,
          "[{},{\"number\":[\"This field is required.\"]}]" },
        { "POST", "[{\"number\": \"d\", \"cents\": 0}, {\"number\": \"a\"}, {\"number\": \"e\"}]",
          400,
          "[{\"cents\":[\"Ensure this value is greater than or equal to 1.\"]},"
          "{\"number\":[\"medal with this number already exists.\"]},{}]" },
        { "POST", "[{\"number\": \"d\"}, {\"number\": \"d\"}]", 400,
          "[{},{\"number\":[\"medal with this number already exists.\"]}]" },
        { "POST", "[1, null, {\"number\": \"d\"}]", 400,
          "[{\"non_field_errors\":[\"Invalid data. Expected a dictionary, but got int.\"]},"
          "{\"non_field_errors\":[\"No data provided\"]},{}]" },
        { "POST", "[{\"number\": \"d\", \"colour\": \"red\"}]", 400,
          "[{\"colour\":[\"Unknown field.\"]}]" },
        { "PUT", "{\"id\": 1}", 400,
          "{\"non_field_errors\":[\"Expected a list of items but got type \\\"dict\\\".\"]}" },
        { "PUT", "\"x\"", 400,
          "{\"non_field_errors\":[\"Expected a list of items but got type \\\"str\\\".\"]}" },
        { "PUT", "", 400,
          "{\"non_field_errors\":[\"Expected a list of items but got type \\\"dict\\\".\"]}" },
        { "PUT", "[{\"id\": 1, \"number\": \"A\"}, {\"id\": 2}]", 400,
          "[{},{\"number\":[\"This field is required.\"]}]" },
        { "PATCH", "[{\"id\": 1, \"number\": \"A\"}, {\"id\": 2, \"cents\": -1}]", 400,
          "[{},{\"cents\":[\"Ensure this value is greater than or equal to 1.\"]}]" },
        { "PATCH", "[{\"number\": \"A\"}]", 400, "[{\"id\":[\"This field is required.\"]}]" },
        { "PATCH", "[{\"id\": null}]", 400, "[{\"id\":[\"This field is required.\"]}]" },
        { "PATCH", "[{\"id\": \"x\"}]", 400,
          "[{\"id\":[\"Incorrect type. Expected pk value, received str.\"]}]" },
        { "PATCH", "[{\"id\": 1, \"cents\": 5}, {\"id\": 9}]", 400,
          "[{},{\"id\":[\"Invalid pk \\\"9\\\" - object does not exist.\"]}]" },
        { "PATCH", "[{\"id\": 1, \"cents\": 5}, {\"id\": 1, \"cents\": 6}]", 400,
          "[{},{\"id\":[\"Another item names this row.\"]}]" },
        { "PATCH", "[{\"id\": 1, \"number\": \"x\"}, {\"id\": 2, \"number\": \"x\"}]", 400,
          "[{},{\"number\":[\"medal with this number already exists.\"]}]" },
        { "PATCH", "[[]]", 400,
          "[{\"non_field_errors\":[\"Invalid data. Expected a dictionary, but got list.\"]}]" },
    };
    cz_client *client = three_medals();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = send(client, cases[i].method, "/medals", cases[i].body);
        CZ_EXPECT_STATUS(answer, cases[i].status);
        CZ_EXPECT_JSON_TEXT(answer, "", cases[i].answer);
    }
    CZ_EXPECT_STATUS(send(client, "PATCH", "/medals", "[{\"id\": 1"), 400);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/medals?fields=x", "[]"),
                     200); /* nothing is sparse here */
    CZ_EXPECT_STATUS(send(client, "POST", "/shown?fields=x", "[{\"number\": \"d\"}]"), 400);
    CZ_EXPECT_JSON_TEXT(
        cz_client_get(client, "/singles"), "results",
        "[{\"id\":1,\"number\":\"a\",\"cents\":10,\"locked\":false,\"box\":null,\"parent\":null},"
        "{\"id\":2,\"number\":\"b\",\"cents\":20,\"locked\":false,\"box\":null,\"parent\":null},"
        "{\"id\":3,\"number\":\"c\",\"cents\":10,\"locked\":false,\"box\":1,\"parent\":null}]");
}

CZ_DATABASE_TEST(a_list_changes_the_rows_it_names)
{
    cz_client *client = three_medals();
    const cz_answer *answer = send(client, "PATCH", "/medals",
                                   "[{\"id\": 3, \"cents\": 30}, {\"id\": \"1\", \"box\": 2}]");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(
        answer, "",
        "[{\"id\":3,\"number\":\"c\",\"cents\":30,\"locked\":false,\"box\":1,\"parent\":null},"
        "{\"id\":1,\"number\":\"a\",\"cents\":10,\"locked\":false,\"box\":2,\"parent\":null}]");
    answer = send(client, "PUT", "/medals", "[{\"id\": 3, \"number\": \"C\"}]");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON(answer, "[0].number", "C");
    CZ_EXPECT_JSON(cz_client_get(client, "/medals/3"), "cents", 30);
}

CZ_DATABASE_TEST(rows_that_show_others_are_read_again_at_once)
{
    cz_client *client = three_medals();
    const cz_answer *answer = send(client, "PATCH", "/shown", "[{\"id\": 3}, {\"id\": 1}]");
    CZ_EXPECT_JSON_TEXT(answer, "",
                        "[{\"id\":3,\"number\":\"c\",\"box\":{\"id\":1,\"owner\":\"Vera\"}},"
                        "{\"id\":1,\"number\":\"a\",\"box\":null}]");
    answer = send(client, "PATCH", "/shown?fields=box.owner", "[{\"id\": 3, \"number\": \"C\"}]");
    CZ_EXPECT_JSON_TEXT(answer, "", "[{\"box\":{\"owner\":\"Vera\"}}]");
}

CZ_DATABASE_TEST(rows_are_deleted_by_their_keys)
{
    static const struct {
        const char *query, *why;
    } refused[] = {
        { "", "Say which rows: ?id=1,2,3" },
        { "?id=", "Say which rows: ?id=1,2,3" },
        { "?id=1,x", "\"x\" is no key." },
        { "?id=1,", "\"\" is no key." },
        { "?id=1,99", "Invalid pk \"99\" - object does not exist." },
        { "?id=1,9223372036854775808", "\"9223372036854775808\" is no key." },
    };
    cz_client *client = three_medals();
    for (size_t i = 0; i < CZ_COUNT(refused); i++) {
        char target[80];
        cz_ignore(snprintf(target, sizeof target, "/medals%s", refused[i].query) < 0); /* it fits */
        const cz_answer *answer = cz_client_delete(client, target);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON(answer, "id[0]", refused[i].why);
    }
    CZ_EXPECT_JSON(cz_client_get(client, "/medals"), "count", 3);
    /* one goes with the other already */
    CZ_EXPECT_STATUS(send(client, "PATCH", "/medals", "[{\"id\": 2, \"parent\": 1}]"), 200);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/medals?id=1,2,1"), 204);
    CZ_EXPECT_JSON(cz_client_get(client, "/medals"), "count", 1);
}

CZ_DATABASE_TEST(many_rows_are_no_way_round_what_one_may_not)
{
    cz_client *client = three_medals();
    CZ_EXPECT_STATUS(cz_client_patch(client, "/singles/1", "{\"cents\": 500}"), 200);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/singles/2", "{\"locked\": true}"), 200);
    const cz_answer *answer = send(client, "PATCH", "/medals", "[{\"id\": 1, \"cents\": 5}]");
    CZ_EXPECT_JSON(answer, "[0].id[0]", "Invalid pk \"1\" - object does not exist.");
    CZ_EXPECT_STATUS(cz_client_delete(client, "/medals?id=1"), 400);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/medals", "[{\"id\": 3}, {\"id\": 2, \"cents\": 5}]"),
                     403);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/medals?id=3,2"), 403);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/boxs/2/medals?id=3"), 400);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/boxs/2/medals", "[{\"id\": 3, \"number\": \"C\"}]"),
                     400);
    CZ_EXPECT_STATUS(send(client, "PATCH", "/boxs/9/medals", "[{\"id\": 3}]"), 404);
    CZ_EXPECT_STATUS(cz_client_post(client, "/boxs/9/medals", "[{\"number\": \"z\"}]"), 404);
    answer = cz_client_post(client, "/boxs/2/medals", "[{\"number\": \"z\"}]");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(cz_client_get(client, "/singles/4"), "box", 2);
    CZ_EXPECT_JSON(cz_client_get(client, "/singles"), "count", 4);
}

/* If-Match of a list would be of the list's state, which nobody locks (RFC 9110, 13.1.1). */
CZ_DATABASE_TEST(a_condition_on_the_state_of_many_rows_is_not_passed_over)
{
    static const struct {
        const char *headers;
        bool passes;
    } cases[] = {
        { "If-Match: \"0\"\r\n", false },
        { "If-Match: \r\n", false },
        { "If-None-Match: *\r\n", false },
        { "If-None-Match: \"0\"\r\n", false },
        { "If-Match: *\r\nIf-Match: \"0\"\r\n", false },
        { "If-None-Match:\r\nIf-None-Match: \"0\"\r\n", false },
        { "If-Match: *\r\n", true },
    };
    cz_client *client = three_medals();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_request request = { .method = "PATCH",
                                      .target = "/medals",
                                      .headers = cases[i].headers,
                                      .body = CZ_STR("[{\"id\": 1, \"cents\": 5}]") };
        CZ_EXPECT_STATUS(cz_client_send(client, &request), cases[i].passes ? 200 : 412);
        CZ_EXPECT_JSON(cz_client_get(client, "/singles/1"), "cents", cases[i].passes ? 5 : 10);
        request = (cz_client_request){ .method = "DELETE",
                                       .target = "/medals?id=2",
                                       .headers = cases[i].headers };
        CZ_EXPECT_STATUS(cz_client_send(client, &request), cases[i].passes ? 204 : 412);
    }
}

CZ_TEST(a_list_has_at_most_a_thousand_items)
{
    cz_client *client = cz_client_create(&numismatics);
    cz_buf *body = &(cz_buf){ 0 };
    for (int round = 0; round < 2; round++) {
        cz_buf_clear(body);
        for (int i = 0; i < CZ_INPUT_LIST_MAX + round; i++)
            cz_buf_printf(body, "%c{\"number\":\"%d.%d\"}", i ? ',' : '[', round, i);
        cz_buf_append_char(body, ']');
        const cz_client_request request = { .method = "POST",
                                            .target = "/medals",
                                            .body = cz_buf_str(body) };
        const cz_answer *answer = cz_client_send(client, &request);
        CZ_EXPECT_STATUS(answer, round ? 400 : 201);
        if (round)
            CZ_EXPECT_JSON(answer, "non_field_errors[0]",
                           "Ensure this field has no more than 1000 elements.");
    }
    CZ_EXPECT_JSON(cz_client_get(client, "/medals"), "count", CZ_INPUT_LIST_MAX);
    cz_buf_done(body);
}

CZ_DATABASE_TEST(a_handler_reads_a_list_of_rows)
{
    cz_client *client = cz_client_create(&numismatics);
    const cz_answer *answer =
        cz_client_post(client, "/import", "[{\"number\": \"a\"}, {\"number\": \"b\"}]");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(answer, "", "2");
    CZ_EXPECT_STATUS(cz_client_post(client, "/import", "[{\"number\": \"a\"}, {}]"), 400);
    CZ_EXPECT_STATUS(
        cz_client_post(client, "/import", "[{\"number\": \"z\"}, {\"number\": \"z\"}]"), 409);
    CZ_EXPECT_STATUS(cz_client_post(client, "/import", "{\"number\": \"a\"}"), 400);
}

static CZ_VIEWSET(matched, Medal, .serializer = &MedalSerializer, .permissions = &cz_allow_any,
                  .bulk = true, .require_match = true);
static CZ_VIEWSET(keyless, Medal, .serializer = &KeylessMedal, .permissions = &cz_allow_any,
                  .bulk = true);
static void refuse(cz_ctx *ctx, cz_request *req)
{
    (void)req;
    cz_raise(ctx, CZ_EDENIED, "No.");
}
static CZ_VIEWSET(kept, Medal, .serializer = &MedalSerializer, .permissions = &cz_allow_any,
                  .bulk = true, .destroy = refuse);
static CZ_VIEWSET(fixed, Medal, .serializer = &MedalSerializer, .permissions = &cz_allow_any,
                  .bulk = true, .update = refuse, .destroy = refuse, .bulk_destroy = refuse);
static CZ_VIEWSET(half_fixed, Medal, .serializer = &MedalSerializer, .permissions = &cz_allow_any,
                  .bulk = true, .only = { .partial_update = true, .bulk_partial_update = true },
                  .partial_update = refuse, .update = refuse);

CZ_TEST(a_viewset_whose_lists_cannot_work_does_not_start)
{
    static const struct {
        cz_viewset *view;
        const char *why;
    } cases[] = { { &matched, ".bulk would go round it" },
                  { &keyless, "lists the key, \"id\"" },
                  { &kept, "a .destroy of its own, and .bulk would go round it" },
                  { &fixed, "a .update of its own" },
                  { &half_fixed, "a .partial_update of its own" } };
    cz_client_create(&numismatics); /* whose models they are of */
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_route table[] = { CZ_RESOURCE("/x", cases[i].view), CZ_ROUTES_END };
        cz_router *router = NULL;
        cz_error err;
        CZ_EXPECT_EQ(cz_router_create(table, NULL, &router, &err), CZ_EVALIDATION);
        CZ_EXPECT_MSG(strstr(cz_error_message(&err), cases[i].why) != NULL, "%s",
                      cz_error_message(&err));
    }
}
