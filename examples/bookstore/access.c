#include "access.h"
#include "models.h"

static const cz_permission *const either[] = { &cz_read_only, &cz_is_authenticated };
const cz_permission write_with_token = { .name = "write with token",
                                         .allows = cz__permission_any,
                                         .parts = either,
                                         .part_count = CZ_COUNT(either) };

/* ---- how often ---- */

/* Each user, and each address of who is not known. */
static cz_str caller(cz_ctx *ctx, const cz_request *req)
{
    if (!cz_setting_bool(cz_project_settings(), "RATE_LIMIT"))
        return CZ_STR("");
    return ctx->actor.len ? ctx->actor : req->client_address;
}

CZ_THROTTLE_MIDDLEWARE(api_rate, { .rate = "6000/m", .key = caller });
CZ_THROTTLE_MIDDLEWARE(login_rate, { .rate = "20/m", .scope = "login" });
const cz_middleware *const few_tries[] = { &login_rate, NULL };

/* ---- what is kept ---- */

enum { MINUTE_MS = 60 * 1000 };
static CZ_PAGE_CACHE(author_pages, .ttl_ms = 10 * MINUTE_MS, .models = CZ_MODELS(Author));
static CZ_PAGE_CACHE(book_pages, .ttl_ms = 10 * MINUTE_MS, .models = CZ_MODELS(Book, Author));
static CZ_PAGE_CACHE(magazine_pages, .ttl_ms = 10 * MINUTE_MS, .models = CZ_MODELS(Magazine));

const cz_middleware *const around_authors[] = { &api_rate, &author_pages.middleware, NULL };
const cz_middleware *const around_books[] = { &api_rate, &book_pages.middleware, NULL };
const cz_middleware *const around_magazines[] = { &api_rate, &magazine_pages.middleware, NULL };
