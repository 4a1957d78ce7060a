#include "orm/orm.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <sys/stat.h>

CZ_MODEL_FORWARD(Berth)

#define PORT(F)                                                                                    \
    F(char_field, name, .max_length = 20, .unique = true)                                          \
    F(reverse, berths, Berth, port)
CZ_MODEL(Port, PORT, .verbose_name = "sea port");

static const cz_choice KINDS[] = { { "quay", "Quay" } };

#define BERTH(F)                                                                                   \
    F(foreign_key, port, Port, .on_delete = CZ_CASCADE)                                            \
    F(char_field, kind, .choices = CZ_CHOICES(KINDS), .default_ = cz_text("quay"))
CZ_MODEL(Berth, BERTH);

static void clean_far(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Port *port = row;
    if (cz_str_eq(port->name, CZ_STR("Farce")))
        cz_field_errors_add(ctx, errors, CZ_STR("name"), "invalid", "That is no port.");
}
CZ_PROXY(FarPort, Port, .manager = CZ_MANAGER(.where = CZ_Q(FarPort, name, STARTSWITH, "Far")),
         .ordering = CZ_ORDER_BY(CZ_DESC(FarPort, name)), .clean = clean_far,
         .verbose_name = "far port");

static const cz_app harbour_app = { "harbour", .models = CZ_MODELS(Port, FarPort, Berth) };
static CZ_SERIALIZER(FarSerializer, FarPort, .fields = CZ_FIELDS(FarPort, id, name));
static CZ_SERIALIZER(PortSerializer, Port, .fields = CZ_FIELDS(Port, id, name));
static CZ_SERIALIZER(BerthSerializer, Berth, .fields = CZ_FIELDS(Berth, id, port, kind));

/* Ports with a berth: joins, so a port comes once for each berth. */
static cz_cond with_berths(cz_ctx *ctx, const cz_request *req)
{
    (void)req;
    return cz_cond_copy(ctx, CZ_Q(Port, berths->id, GT, 0));
}

static CZ_VIEWSET(port_views, Port, .serializer = &PortSerializer, .permissions = &cz_allow_any);
static CZ_VIEWSET(busy_views, Port, .serializer = &PortSerializer, .permissions = &cz_allow_any,
                  .rows = with_berths);
static CZ_VIEWSET(berth_views, Berth, .serializer = &BerthSerializer, .permissions = &cz_allow_any);

static CZ_VIEWSET(far_views, FarPort, .serializer = &FarSerializer, .permissions = &cz_allow_any);
static CZ_VIEWSET(seen_views, FarPort, .serializer = &PortSerializer, .permissions = &cz_allow_any);

static const cz_route urls[] = {
    CZ_RESOURCE("/far", &far_views, .name = "far"),
    CZ_RESOURCE("/seen", &seen_views, .name = "seen"),
    CZ_RESOURCE("/ports", &port_views),
    CZ_RESOURCE("/busy", &busy_views, .name = "busy"),
    CZ_RESOURCE("/berths", &berth_views),
    CZ_RESOURCE("/in/<land>/ports", &port_views, .name = "port-in"),
    CZ_ROUTES_END,
};

static CZ_PROJECT(harbour, "harbour", .apps = CZ_APPS(&harbour_app), .urls = urls);

CZ_TEST(a_row_that_joins_find_twice_is_answered_once)
{
    cz_client *client = cz_client_create(&harbour);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Hoorn\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/berths", "{\"port\": 1}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/berths", "{\"port\": 1}"), 201);
    const cz_answer *answer = cz_client_get(client, "/busy/1");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON(answer, "name", "Hoorn");
}

CZ_TEST(a_viewset_of_a_proxy_answers_with_its_rows_by_its_rules)
{
    cz_client *client = cz_client_create(&harbour);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Hoorn\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/far", "{\"name\": \"Far A\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Far B\"}"), 201);
    const char *const lists[] = { "/far", "/seen" }; /* by a serializer of either */
    for (size_t i = 0; i < CZ_COUNT(lists); i++) {
        const cz_answer *answer = cz_client_get(client, lists[i]);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_JSON(answer, "results[0].name", "Far B");
        CZ_EXPECT_JSON(answer, "results[1].name", "Far A");
        CZ_EXPECT_JSON(answer, "count", 2);
    }
    CZ_EXPECT_STATUS(cz_client_get(client, "/far/1"), 404);
    CZ_EXPECT_STATUS(cz_client_get(client, "/ports/2"), 200);
    const cz_answer *answer = cz_client_post(client, "/far", "{\"name\": \"Farce\"}");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "name[0]", "That is no port.");
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Farce\"}"), 201);
    answer = cz_client_post(client, "/far", "{\"name\": \"Hoorn\"}");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "name[0]", "far port with this name already exists.");
    CZ_EXPECT_STATUS(cz_client_patch(client, "/seen/2", "{\"name\": \"Far C\"}"), 200);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/far/2"), 204);
    CZ_EXPECT_STATUS(cz_client_get(client, "/ports/2"), 404);
}

CZ_TEST(the_write_ahead_log_stays_small_when_requests_read_before_they_write)
{
    cz_client *client = cz_client_create(&harbour);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Hoorn\"}"), 201);
    for (int i = 0; i < 1000; i++) {
        char json[64];
        cz_ignore(snprintf(json, sizeof json, "{\"name\": \"Port %d\"}", i) < 0); /* it fits */
        CZ_EXPECT_STATUS(cz_client_patch(client, "/ports/1", json), 200);
    }
    char path[512];
    cz_ignore(snprintf(path, sizeof path, "%s/test.db-wal", cz_test_directory()) < 0); /* it fits */
    struct stat wal;
    CZ_REQUIRE(stat(path, &wal) == 0);
    CZ_EXPECT_MSG(wal.st_size < 6 << 20, "%lld bytes", (long long)wal.st_size);
}

CZ_TEST(a_body_of_unknown_members_is_refused_with_a_short_list)
{
    cz_client *client = cz_client_create(&harbour);
    static char json[20000 * 12];
    size_t len = 0;
    for (int i = 0; i < 19000; i++)
        len += (size_t)snprintf(json + len, sizeof json - len, "%s\"m%d\":0", i ? "," : "{", i);
    cz_ignore(snprintf(json + len, sizeof json - len, "}") < 0); /* it fits */
    const cz_answer *answer = cz_client_post(client, "/ports", json);
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "m0[0]", "Unknown field.");
    CZ_EXPECT(answer->body.len < 10000);
}

CZ_TEST(an_error_that_quotes_the_input_cuts_it_between_characters)
{
    cz_client *client = cz_client_create(&harbour);
    char json[512] = "{\"port\": 1, \"kind\": \"";
    for (int i = 0; i < 50; i++)
        strcat(json, "\xe2\x82\xac");
    strcat(json, "\"}");
    const cz_answer *answer = cz_client_post(client, "/berths", json);
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT(cz_str_is_utf8(answer->body));
    CZ_EXPECT(cz_str_find(answer->body, CZ_STR("\xef\xbf\xbd")) == SIZE_MAX); /* U+FFFD */
}

CZ_TEST(an_empty_body_is_an_empty_object_and_an_empty_page_the_first)
{
    cz_client *client = cz_client_create(&harbour);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Hoorn\"}"), 201);
    cz_client_request request = { .method = "PATCH",
                                  .target = "/ports/1",
                                  .content_type = "application/json" };
    CZ_EXPECT_STATUS(cz_client_send(client, &request), 200);
    request = (cz_client_request){ .method = "POST",
                                   .target = "/ports",
                                   .content_type = "application/json" };
    const cz_answer *answer = cz_client_send(client, &request);
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "name[0]", "This field is required.");
    CZ_EXPECT_STATUS(cz_client_get(client, "/ports?page="), 200);
}

CZ_TEST(a_query_that_no_location_may_have_does_not_break_the_slash_redirect)
{
    cz_client *client = cz_client_create(&harbour);
    const cz_answer *answer = cz_client_get(client, "/ports/?q=a\\b");
    CZ_EXPECT_STATUS(answer, 301);
    CZ_EXPECT_HEADER(answer, "location", "/ports?q=a%5Cb");
}

CZ_TEST(a_message_calls_the_model_by_its_verbose_name)
{
    cz_client *client = cz_client_create(&harbour);
    CZ_EXPECT_STATUS(cz_client_post(client, "/ports", "{\"name\": \"Hoorn\"}"), 201);
    const cz_answer *answer = cz_client_post(client, "/ports", "{\"name\": \"Hoorn\"}");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "name[0]", "sea port with this name already exists.");
}

CZ_TEST(the_address_of_a_new_row_is_escaped)
{
    cz_client *client = cz_client_create(&harbour);
    const cz_answer *answer =
        cz_client_post(client, "/in/a%20b%3F%0D%0Ac/ports", "{\"name\": \"Hoorn\"}");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_HEADER(answer, "location", "/in/a%20b%3F%0D%0Ac/ports/1");
    answer = cz_client_get(client, "/in/a%20b%3F%0D%0Ac/ports/1");
    CZ_EXPECT_STATUS(answer, 200);
}

#ifdef CZ_FAULTS
static uint64_t fail_at; /* the allocation of the next request to fail; 0: none */
static bool sticky_failures;

static void fail_allocations(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz__alloc_fail_at(fail_at, sticky_failures);
    cz_next_call(ctx, req, next);
    cz__alloc_fail_at(0, false);
}

static const cz_middleware scarce = { "scarce", fail_allocations, NULL };
static const cz_middleware *const scarce_middleware[] = { &scarce, NULL };
static CZ_PROJECT(scarce_harbour, "harbour", .apps = CZ_APPS(&harbour_app), .urls = urls,
                  .middleware = scarce_middleware);

CZ_TEST(without_memory_a_request_fails_and_the_next_succeeds)
{
    cz_client *client = cz_client_create(&scarce_harbour);
    static const struct {
        const char *method, *target, *body;
    } cases[] = {
        { "POST", "/ports", "{\"name\": \"P\"}" },
        { "GET", "/ports?page=1", "" },
        { "POST", "/berths", "{\"port\": 1}" },
        { "GET", "/berths/1", "" },
        { "PATCH", "/ports/1", "{\"name\": \"Q\"}" },
        { "GET", "/busy", "" },
        { "GET", "/ports/?x=%20", "" },
        { "POST", "/berths", "{\"port\": 17, \"x\": 1}" },
        { "DELETE", "/ports/1", "" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        for (fail_at = 1; fail_at < 60; fail_at++) {
            sticky_failures = fail_at % 2;
            cz_client_request request = { .method = cases[i].method,
                                          .target = cases[i].target,
                                          .body = cz_str_from(cases[i].body) };
            const cz_answer *answer = cz_client_send(client, &request);
            CZ_EXPECT_MSG(answer->status != 500, "%s %s: %.*s", cases[i].method, cases[i].target,
                          CZ_STR_ARG(answer->body));
        }
    fail_at = 0;
    CZ_EXPECT_STATUS(cz_client_get(client, "/ports"), 200);
}
#endif

/* ---- what a new row must have ---- */

#define VIEW_WREATH(F)                                                                             \
    F(char_field, flower, .max_length = 20)                                                        \
    F(char_field, ribbon, .max_length = 20, .blank = true)                                         \
    F(char_field, hook, .max_length = 20, .default_ = cz_text("brass"))                            \
    F(char_field, note, .max_length = 20, .null = true)                                            \
    F(int_field, leaves, .default_ = cz_int(3))
CZ_MODEL(ViewWreath, VIEW_WREATH);
#define VIEW_TWIG(F) F(int_field, length)
CZ_MODEL(ViewTwig, VIEW_TWIG);

static CZ_SERIALIZER(WreathSerializer, ViewWreath, .fields = CZ_FIELDS(ViewWreath, id, ribbon));
static CZ_SERIALIZER(FlowerSerializer, ViewWreath, .fields = CZ_FIELDS(ViewWreath, id, flower));
static CZ_SERIALIZER(TwigSerializer, ViewTwig, .fields = CZ_FIELDS(ViewTwig, id));

static bool on_mondays(cz_ctx *c, const cz_request *r, const cz_permission *self, void *object)
{
    (void)c;
    (void)r;
    (void)self;
    (void)object;
    return false;
}
static const cz_permission mondays = { "on Mondays", on_mondays, NULL, 0 };

#define WREATHS(name, shown, ...)                                                                  \
    static CZ_VIEWSET(name, ViewWreath, .serializer = &shown, .permissions = __VA_ARGS__)
WREATHS(flowerless, WreathSerializer, &mondays);
WREATHS(flowers, FlowerSerializer, &mondays);
WREATHS(read_alone, WreathSerializer, &cz_read_only);
WREATHS(read_by_all, WreathSerializer, CZ_ALL_OF(&mondays, &cz_read_only));
WREATHS(read_by_any, WreathSerializer, CZ_ANY_OF(&cz_deny_all, CZ_ALL_OF(&cz_read_only, &mondays)));
WREATHS(written_by_any, WreathSerializer, CZ_ANY_OF(&cz_read_only, &mondays));
WREATHS(written_by_not, WreathSerializer, CZ_NOT_OF(&cz_read_only));
static CZ_VIEWSET(twigs, ViewTwig, .serializer = &TwigSerializer, .permissions = &cz_allow_any);

#define NO_ROW(view, field, way)                                                                   \
    "viewset " view ": no row can be created, because \"" field                                    \
    "\" is required and not in the serializer's .fields; list it, give it a default" way           \
    ", set it in .before_save or make the viewset .read_only"

CZ_TEST(a_required_field_that_nobody_gives_is_told_at_start_unless_nobody_may_write)
{
    static const struct {
        const cz_viewset *view;
        const char *message; /* NULL: it starts */
    } cases[] = {
        { &flowerless, NO_ROW("flowerless", "flower", " or .blank") },
        { &flowers, NULL },
        { &read_alone, NULL },
        { &read_by_all, NULL },
        { &read_by_any, NULL },
        { &written_by_any, NO_ROW("written_by_any", "flower", " or .blank") },
        { &written_by_not, NO_ROW("written_by_not", "flower", " or .blank") },
        { &twigs, NO_ROW("twigs", "length", "") },
    };
    static cz_model *const models[] = { &ViewWreath__model, &ViewTwig__model };
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("hall", models, 2, &err));
    CZ_REQUIRE_OK(cz__models_resolve(&err));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_route routes[] = {
            { .kind = CZ__ROUTE_RESOURCE, .pattern = "/x", .resource = &cases[i].view->resource },
            CZ_ROUTES_END
        };
        cz_router *router = NULL;
        cz_status status = cz_router_create(routes, NULL, &router, &err);
        CZ_EXPECT_MSG((status == CZ_OK) == !cases[i].message, "%s: %s", cases[i].view->name,
                      status ? cz_error_message(&err) : "it started");
        if (cases[i].message)
            CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
        cz_router_destroy(router);
    }
}
