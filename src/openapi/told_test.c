/* What the document says of nested input, values, middleware around a route, and actions of one's own. */
#include <calzone/calzone.h>
#include <calzone/testing.h>

CZ_MODEL_FORWARD(WorkPart)
#define WORK_ORDER(F)                                                                              \
    F(char_field, title, .max_length = 20)                                                         \
    F(decimal_field, labour, .digits = 8, .places = 2, .min = cz_int(0), .max = cz_int(5000),      \
      .help_text = "Without tax.")                                                                 \
    F(decimal_field, points, .digits = 3, .null = true)                                            \
    F(reverse, parts, WorkPart, order)
CZ_MODEL(WorkOrder, WORK_ORDER);
#define WORK_PART(F)                                                                               \
    F(char_field, name, .max_length = 20)                                                          \
    F(foreign_key, order, WorkOrder, .on_delete = CZ_CASCADE)
CZ_MODEL(WorkPart, WORK_PART);

static void total(cz_ctx *ctx, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)req;
    cz_json_decimal(out,
                    cz_decimal_plus(ctx, ((const WorkOrder *)row)->labour, cz_decimal_of(1, 0)));
}

static void due(cz_ctx *ctx, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)ctx, (void)req, (void)row;
    cz_json_date(out, cz_today());
}

static CZ_SERIALIZER(PartSerializer, WorkPart, .fields = CZ_FIELDS(WorkPart, id, name));
static CZ_SERIALIZER(
    OrderSerializer, WorkOrder, .fields = CZ_FIELDS(WorkOrder, id, title, labour, points),
    .members = CZ_MEMBERS(
        { .source = CZ_FIELD(WorkOrder, parts), .nested = &PartSerializer, .writable = true },
        { .name = "total", .compute = total, .type = CZ_KIND_decimal_field },
        { .name = "due", .compute = due, .type = CZ_KIND_date_field }));

static void close_order(cz_ctx *ctx, cz_request *req)
{
    WorkOrder *order = cz_view_object(ctx, req, WorkOrder);
    cz_respond_row(ctx, req, 200, &OrderSerializer, order);
}

static void answer(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

CZ_THROTTLE_MIDDLEWARE(estimate_rate, { .rate = "100/m" });
static const cz_middleware *const careful[] = { &estimate_rate, NULL };
static const cz_middleware *const once[] = { &cz_idempotency_required, NULL };

static CZ_VIEWSET(orders, WorkOrder, .serializer = &OrderSerializer,
                  .permissions = &cz_is_authenticated, .require_match = true,
                  .throttles = CZ_THROTTLES({ .rate = "100/m" }),
                  .actions = CZ_ACTIONS(
                      { "close", .method = CZ_METHOD_POST, .detail = true, .handler = close_order,
                        .doc = CZ_DOC(.summary = "Close it", .response = &OrderSerializer) },
                      { "open", .handler = answer, .permissions = &cz_allow_any,
                        .doc = CZ_DOC(.summary = "Open it", .status = 204) },
                      { "forgotten", .handler = answer }));

static CZ_VIEWSET(plain_orders, WorkOrder, .serializer = &OrderSerializer,
                  .permissions = &cz_allow_any);

#define TOLD(text) .doc = CZ_DOC(.summary = text, .status = 204)
static const cz_route v2_urls[] = {
    CZ_POST("/estimate", answer, TOLD("Estimate"), .middleware = careful),
    CZ_ROUTES_END,
};
static CZ_VERSIONS(versions, .versions = CZ_VERSION_LIST({ .name = "2", .urls = v2_urls }));
static CZ_OPENAPI(api, .title = "Workshop", .version = "1",
                  .security = CZ_SECURITY_SCHEMES({ "token", .kind = CZ_SECURITY_BEARER }));
static const cz_route urls[] = {
    CZ_RESOURCE("", &versions),
    CZ_RESOURCE("/orders", &orders),
    CZ_RESOURCE("/plain", &plain_orders, .name = "plain"),
    CZ_POST("/pay", answer, TOLD("Pay"), .middleware = once),
    CZ_GET("/pay", answer, TOLD("Show"), .middleware = once),
    CZ_RESOURCE("/openapi.json", &api),
    CZ_ROUTES_END,
};
static const cz_app work_app = { .name = "work", .models = CZ_MODELS(WorkOrder, WorkPart) };
static CZ_PROJECT(workshop, "workshop", .apps = CZ_APPS(&work_app, &cz_idempotency_app),
                  .urls = urls);

#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define PARTS                                                                                      \
    "{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"anyOf\":[" REF("PartRequest") "," REF(     \
        "KeyedPartRequest") "]}}"

static const struct {
    const char *path, *text; /* NULL: nothing is there */
} expected[] = {
    /* a new row is whole, a stored one is named by its key */
    { "components.schemas.OrderRequest.properties.parts", PARTS },
    { "components.schemas.PatchedOrderRequest.properties.parts", PARTS },
    { "components.schemas.PartRequest.required", "[\"name\"]" },
    { "components.schemas.PartRequest.properties.id", NULL },
    { "components.schemas.KeyedPartRequest.required", "[\"id\"]" },
    { "components.schemas.KeyedPartRequest.properties.name.type", "\"string\"" },
    { "components.schemas.Order.properties.parts.items", REF("Part") },
    /* decimals */
    { "components.schemas.Order.properties.total",
      "{\"type\":[\"string\",\"null\"],\"format\":\"decimal\",\"examples\":[\"1.50\"]}" },
    { "components.schemas.Order.properties.due.format", "\"date\"" },
    { "components.schemas.Order.properties.labour.pattern", NULL },
    { "components.schemas.OrderRequest.properties.labour.pattern",
      "\"^-?\\\\d{0,6}(?:\\\\.\\\\d{0,2})?$\"" },
    { "components.schemas.OrderRequest.properties.labour.description",
      "\"Without tax. At least 0. At most 5000.\"" },
    { "components.schemas.OrderRequest.properties.points.pattern", "\"^-?\\\\d{1,3}$\"" },
    { "components.schemas.OrderRequest.properties.points.description", NULL },
    /* around a route */
    { "paths./pay.post.parameters[0].name", "\"Idempotency-Key\"" },
    { "paths./pay.post.parameters[0].required", "true" },
    { "paths./pay.post.parameters[0].schema",
      "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}" },
    { "paths./pay.post.responses.409.description",
      "\"The first request with this Idempotency-Key is not done yet.\"" },
    { "paths./pay.post.responses.422.description",
      "\"This Idempotency-Key came with another request.\"" },
    { "paths./pay.post.responses.429", NULL },
    { "paths./pay.get.parameters", "[]" },
    { "paths./pay.get.responses.422", NULL },
    { "paths./v2/estimate.post.responses.429.headers.Retry-After.schema.type", "\"string\"" },
    { "paths./v2/estimate.post.tags", "[\"estimate\"]" },
    { "paths./orders.get.responses.429.description", "\"Too many requests.\"" },
    /* actions of one's own */
    { "paths./orders/{id}/close.post.parameters[1].name", "\"If-Match\"" },
    { "paths./orders/{id}/close.post.parameters[1].required", "true" },
    { "paths./orders/{id}/close.post.responses.401.description", "\"It is not told who asks.\"" },
    { "paths./orders/{id}/close.post.responses.403.description", "\"Not allowed.\"" },
    { "paths./orders/{id}/close.post.responses.404.description", "\"There is none.\"" },
    { "paths./orders/{id}/close.post.responses.412.description",
      "\"It is not as If-Match has it.\"" },
    { "paths./orders/{id}/close.post.responses.428.description", "\"If-Match is missing.\"" },
    { "paths./orders/{id}/close.post.responses.429.description", "\"Too many requests.\"" },
    { "paths./orders/open.get.responses.401", NULL },
    { "paths./orders/open.get.responses.404", NULL },
    { "paths./orders/open.get.responses.412", NULL },
    { "paths./orders/forgotten.get.responses.401", NULL },
};

CZ_DATABASE_TEST(the_document_tells_of_nested_input_values_and_what_stands_around)
{
    const cz_answer *document = cz_client_get(cz_client_create(&workshop), "/openapi.json");
    CZ_EXPECT_STATUS(document, 200);
    for (size_t i = 0; i < CZ_COUNT(expected); i++)
        if (expected[i].text)
            CZ_EXPECT_JSON_TEXT(document, expected[i].path, expected[i].text);
        else
            CZ_EXPECT_MSG(!cz_answer_at(document, expected[i].path), "%s", expected[i].path);
}

CZ_DATABASE_TEST(options_tell_the_type_of_computed_values)
{
    const cz_client_request request = { .method = "OPTIONS", .target = "/plain" };
    const cz_answer *described = cz_client_send(cz_client_create(&workshop), &request);
    CZ_EXPECT_STATUS(described, 200);
    CZ_EXPECT_JSON(described, "actions.POST.total.type", "decimal");
    CZ_EXPECT_JSON(described, "actions.POST.due.type", "date");
    CZ_EXPECT_JSON(described, "actions.POST.labour.type", "decimal");
}
