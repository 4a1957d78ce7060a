/* Board: one number, read through a cache of pages and behind a throttle, for tests that take their server away. Not an
 * example. */
#include <calzone/calzone.h>

#define PRICE(F) F(int_field, amount)
CZ_MODEL(Price, PRICE);

static void say(cz_ctx *ctx, cz_request *req)
{
    const Price *price = cz_first(ctx, Price);
    cz_respond(ctx, req, 200, CZ_STR("text/plain"),
               cz_format(ctx, "%lld", price ? (long long)price->amount : 0));
}

static void raise_price(cz_ctx *ctx, cz_request *req)
{
    if (!cz_update(ctx, Price, CZ_EVERY_ROW, (amount, CZ_ADD(CZ_F(Price, amount), 1))))
        cz_create(ctx, Price, (amount, 1));
    say(ctx, req);
}

CZ_THROTTLE_MIDDLEWARE(often, { .rate = "1000000/h", .header = "X-Client" });
static CZ_PAGE_CACHE(kept, .ttl_ms = 3600000, .models = CZ_MODELS(Price));
static const cz_middleware *const around[] = { &often, &kept.middleware, NULL };
static const cz_route urls[] = {
    CZ_GET("/price", say, .middleware = around),
    CZ_POST("/price", raise_price, .middleware = around),
    CZ_ROUTES_END,
};
static const cz_app board = { "board", .models = CZ_MODELS(Price), .cached = CZ_MODELS(Price) };
CZ_PROJECT_MAIN("board", .apps = CZ_APPS(&board), .urls = urls)
