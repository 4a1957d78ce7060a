/* Turnstile: throttles with a counter for each value of a header, for tests that fire at several workers. Not an
 * example. */
#include <calzone/calzone.h>
#include <unistd.h>

#define GUEST(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Guest, GUEST);
static CZ_SERIALIZER(GuestSerializer, Guest, .fields = CZ_FIELDS(Guest, id, name));
static CZ_VIEWSET(guests, Guest, .serializer = &GuestSerializer, .permissions = &cz_allow_any,
                  .throttles = CZ_THROTTLES({ .rate = "20/h, 100/d", .header = "X-Round" }));

/* Which worker it was. */
static void gate(cz_ctx *ctx, cz_request *req)
{
    cz_str pid = cz_format(ctx, "%d", (int)getpid());
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), pid);
}

static void who(cz_ctx *ctx, cz_request *req)
{
    cz_str text =
        cz_format(ctx, "%.*s by %.*s", CZ_STR_ARG(req->client_address), CZ_STR_ARG(req->scheme));
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), text);
}

CZ_THROTTLE_MIDDLEWARE(hourly, { .rate = "20/h", .header = "X-Round" });
CZ_THROTTLE_MIDDLEWARE(few, { .rate = "2/2s", .header = "X-Round" });
CZ_THROTTLE_MIDDLEWARE(many, { .rate = "90/2s", .header = "X-Round" });
static const cz_middleware *const around_gate[] = { &hourly, NULL };
static const cz_middleware *const around_few[] = { &few, NULL };
static const cz_middleware *const around_many[] = { &many, NULL };
static const cz_route urls[] = {
    CZ_GET("/gate", gate, .middleware = around_gate),
    CZ_GET("/few", gate, .middleware = around_few),
    CZ_GET("/many", gate, .middleware = around_many),
    CZ_GET("/who", who),
    CZ_POST("/who", who),
    CZ_RESOURCE("/guests", &guests),
    CZ_ROUTES_END,
};
static const cz_app turnstile_app = { "turnstile", .models = CZ_MODELS(Guest) };
CZ_PROJECT_MAIN("turnstile", .apps = CZ_APPS(&turnstile_app), .urls = urls)
