/* Till: payments that are taken once, for tests that send them again and kill workers. Not an example. */
#include <calzone/calzone.h>
#include <unistd.h>

#define PAYMENT(F)                                                                                 \
    F(char_field, reference, .max_length = 40)                                                     \
    F(int_field, cents)
CZ_MODEL(Payment, PAYMENT);
static CZ_SERIALIZER(PaymentSerializer, Payment,
                     .fields = CZ_FIELDS(Payment, id, reference, cents));
static CZ_VIEWSET(payments, Payment, .serializer = &PaymentSerializer, .permissions = &cz_allow_any,
                  .page_size_max = 1000, .page_size_query = "page_size");

static void pid(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_format(ctx, "%d", (int)getpid()));
}

static void pay_slowly(cz_ctx *ctx, cz_request *req)
{
    cz_create(ctx, Payment, (reference, "slow"), (cents, 1));
    cz_sleep(ctx, 1500);
    cz_respond_empty(ctx, req, 204);
}

static const cz_middleware *const once[] = { &cz_idempotency, NULL };
static const cz_route urls[] = {
    CZ_RESOURCE("/payments", &payments, .middleware = once),
    CZ_POST("/slow", pay_slowly, .middleware = once),
    CZ_GET("/pid", pid),
    CZ_ROUTES_END,
};
static const cz_app till_app = { "till", .models = CZ_MODELS(Payment) };
CZ_PROJECT_MAIN("till", .apps = CZ_APPS(&till_app, &cz_idempotency_app), .urls = urls)
