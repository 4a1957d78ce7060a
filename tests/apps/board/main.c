/* Board: one number, read through a cache of pages and behind a throttle, for tests that take their server away; and pages that
 * take their time, for tests of who makes them. Not an example. */
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

/* Each time it is made it is another. */
static void draw(cz_ctx *ctx, cz_request *req)
{
    cz_sleep(ctx, 300);
    cz_respond(ctx, req, 200, CZ_STR("text/plain"),
               cz_format(ctx, "%016llx", (unsigned long long)cz_random_u64()));
}

static void draw_by_language(cz_ctx *ctx, cz_request *req)
{
    cz_respond_header(ctx, req, CZ_STR("Vary"), CZ_STR("Accept-Language"));
    draw(ctx, req);
}

static void draw_privately(cz_ctx *ctx, cz_request *req)
{
    cz_respond_header(ctx, req, CZ_STR("Cache-Control"), CZ_STR("private"));
    draw(ctx, req);
}

/* Private for who sends a cookie, and everybody's for who does not. */
static void draw_for_one(cz_ctx *ctx, cz_request *req)
{
    if (cz_request_has_header(req, CZ_STR("Cookie")))
        draw_privately(ctx, req);
    else
        draw(ctx, req);
}

CZ_THROTTLE_MIDDLEWARE(often, { .rate = "1000000/h", .header = "X-Client" });
static CZ_PAGE_CACHE(kept, .ttl_ms = 3600000, .models = CZ_MODELS(Price));
static CZ_PAGE_CACHE(briefly, .ttl_ms = 1000, .stale_ms = 3600000);
static const cz_middleware *const around[] = { &often, &kept.middleware, NULL };
static const cz_route urls[] = {
    CZ_GET("/price", say, .middleware = around),
    CZ_POST("/price", raise_price, .middleware = around),
    CZ_GET("/slow", draw, .middleware = CZ_CACHE_PAGES(kept)),
    CZ_GET("/languages", draw_by_language, .middleware = CZ_CACHE_PAGES(kept)),
    CZ_GET("/brief", draw, .middleware = CZ_CACHE_PAGES(briefly)),
    CZ_GET("/private", draw_privately, .middleware = CZ_CACHE_PAGES(kept)),
    CZ_GET("/mixed", draw_for_one, .middleware = CZ_CACHE_PAGES(kept)),
    CZ_ROUTES_END,
};
static const cz_app board = { "board", .models = CZ_MODELS(Price), .cached = CZ_MODELS(Price) };
CZ_PROJECT_MAIN("board", .apps = CZ_APPS(&board), .urls = urls)
