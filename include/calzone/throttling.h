/* calzone/throttling.h: how often one caller may ask.
 *
 *     CZ_VIEWSET(book_views, Book, ...,
 *         .throttles = CZ_THROTTLES({ .rate = "20/m", .by = CZ_THROTTLE_ANON },
 *                                   { .rate = "10/s, 1000/d", .by = CZ_THROTTLE_USER }));
 *
 * In any period of a rate, wherever it begins, a caller gets at most so many answers; one request more is answered with
 * 429, DRF's document and Retry-After. Counts are shared by all workers of a site, and live in memory of a fixed size
 * (setting THROTTLE_ENTRIES) until the site stops, or in a Redis that several machines share (THROTTLE_URL); when that
 * is away, each machine counts for itself. A request that is refused, by a throttle or before it was asked, counts
 * nowhere.
 *
 * A rate is "100/day": hits, and a period of s, sec, second(s), m, min, minute(s), h, hour(s), d or day(s), or of
 * several of them, "10/5m". Of more than 30 hits a rate forgets a hit late by up to a thirtieth of its period, never
 * early.
 */
#ifndef CALZONE_THROTTLING_H
#define CALZONE_THROTTLING_H

#include <calzone/http.h>
#include <calzone/middleware.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who is one caller. */
typedef enum cz_throttle_by {
    CZ_THROTTLE_ADDRESS, /* each req->client_address; of IPv6 its first 64 bits, which one subscriber has */
    CZ_THROTTLE_ANON, /* the same, and who is known (ctx->actor) is not throttled */
    CZ_THROTTLE_USER  /* each ctx->actor; nobody known: the address */
} cz_throttle_by;

typedef struct cz_throttle {
    const char
        *rate; /* "20/m", several between commas; NULL: what THROTTLE_RATES says of the scope */
    /* Throttles of one scope and rate share their counters, and headers name it: 1 to 64 letters, digits, "-", "_" and
     * "."; NULL: the viewset's or middleware's own name. */
    const char *scope;
    cz_throttle_by by;
    /* Instead of .by: each value of this request header, as "X-API-Key"; without it the address. Whoever may send any
     * value is throttled by none, so set one by address beside it, or check the key in a permission. */
    const char *header;
    /* Instead of .by: what the project says; empty: this throttle is not for the request. May query and raise. */
    cz_str (*key)(cz_ctx *ctx, const cz_request *req);
} cz_throttle;

enum { CZ_THROTTLE_RATES_MAX = 8 /* of one CZ_THROTTLES() */ };

struct cz__throttle_rate { /* private: what was read at the start */
    const cz_throttle *throttle;
    const char *scope;
    uint32_t number; /* of its scope: 1, 2 */
    uint32_t hits;
    int64_t period_us;
};

typedef struct cz_throttles {
    const cz_throttle *items;
    size_t count;
    struct cz__throttle_rate rates[CZ_THROTTLE_RATES_MAX]; /* private */
    uint32_t rate_count;
    bool prepared;
    /* Of a middleware: its function, and another middleware's throttles. */
    void (*process)(cz_ctx *ctx, cz_request *req, const cz_next *next);
    struct cz_throttles *next;
} cz_throttles;
#define CZ__THROTTLES(...)                                                                         \
    {                                                                                              \
        .items = (const cz_throttle[]){ __VA_ARGS__ },                                             \
        .count = sizeof((const cz_throttle[]){ __VA_ARGS__ }) / sizeof(cz_throttle)                \
    }
#define CZ_THROTTLES(...) (&(cz_throttles)CZ__THROTTLES(__VA_ARGS__))

/* A middleware of this file, for routes, includes or the whole project:
 *
 *     CZ_THROTTLE_MIDDLEWARE(login_rate, { .rate = "5/m", .scope = "login" });
 *     static const cz_middleware *const careful[] = { &login_rate, NULL };
 *     ... CZ_POST("/login", login, .middleware = careful),
 *
 * Around a viewset it is asked with the viewset's own, after the permissions; else before the handler. What has no
 * route is not counted. */
#define CZ_THROTTLE_MIDDLEWARE(variable, ...)                                                      \
    static cz_throttles variable##__throttles = CZ__THROTTLES(__VA_ARGS__);                        \
    static void variable##__process(cz_ctx *ctx, cz_request *req, const cz_next *next)             \
    {                                                                                              \
        cz__throttle_process(ctx, req, next, &variable##__throttles);                              \
    }                                                                                              \
    static cz_status variable##__configure(const cz_settings *settings, cz_error *err)             \
    {                                                                                              \
        (void)settings;                                                                            \
        return cz__throttles_prepare_around(&variable##__throttles, variable##__process,           \
                                            #variable, err);                                       \
    }                                                                                              \
    static const cz_middleware variable = { #variable, variable##__process, variable##__configure }

/* For a whole project: what THROTTLE_RATES says of the scopes "anon" (DRF's AnonRateThrottle), "user" (UserRateThrottle)
 * and "address". Not among the default ones: list it last. */
extern const cz_middleware cz_throttling;

/* Count this request in `throttles`, which belong to a viewset, and in those of the middleware around it, or, when one of
 * them has nothing left, in none. Sets RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers) to the
 * rates that were asked and to the one with the least left. Viewsets call it. `throttles`: NULL for none.
 * Raises: CZ_ETHROTTLED, with Retry-After set; CZ_EINVAL: `throttles` are no viewset's, so nobody has read their rates, or
 * over 16 rates are asked, or it would wait for the server of THROTTLE_URL inside a write transaction; CZ_ECANCELED,
 * CZ_ETIMEDOUT: the request's own end; CZ_ENOMEM; what a key function raises. Context: a request; may suspend where
 * THROTTLE_URL names a server. */
void cz_throttle_require(cz_ctx *ctx, cz_request *req, const cz_throttles *throttles);

void cz__throttle_process(cz_ctx *ctx, cz_request *req, const cz_next *next,
                          const cz_throttles *throttles);
/* Read the rates of `throttles` that `owner` (static) has, and map the counters. Errors: CZ_EVALIDATION: a throttle that
 * cannot be; CZ_ENOMEM. Context: start-up, before workers are forked; may come again. */
CZ_NODISCARD cz_status cz__throttles_prepare(cz_throttles *throttles, const char *owner,
                                             cz_error *err);
/* The same of a middleware's, whose function `process` is. */
CZ_NODISCARD cz_status cz__throttles_prepare_around(cz_throttles *throttles,
                                                    void (*process)(cz_ctx *ctx, cz_request *req,
                                                                    const cz_next *next),
                                                    const char *owner, cz_error *err);
/* Whether a middleware is one that throttles; for documents about the API. Context: after the start. */
bool cz__throttles_by(const cz_middleware *middleware);
/* Read THROTTLE_RATES, THROTTLE_URL and THROTTLE_ENTRIES; at last, say whether a scope has a rate that nobody asks for.
 * `project` is what a server's keys begin with unless the URL says so. Errors: CZ_EVALIDATION; CZ_EUNSUPPORTED: the
 * URL's library is missing; CZ_ENOMEM. Context: start-up. */
CZ_NODISCARD cz_status cz__throttling_configure(const cz_settings *settings, cz_str project,
                                                cz_error *err);
CZ_NODISCARD cz_status cz__throttling_check(cz_error *err);
/* Leave the server of THROTTLE_URL. */
void cz__throttling_close(void);

#ifdef __cplusplus
}
#endif
#endif
