/* Asking the throttles of a request: who calls, what is left, and the answer's headers. */
#include "http/proxies.h"
#include "throttling/throttling_internal.h"
#include <calzone/map.h>

enum { SECOND_US = 1000000 };

/* Throttles of a middleware, which the view asks with its own. On the middleware's stack. */
struct cz__throttle_layer {
    const struct cz__throttle_layer *outer;
    const cz_throttles *throttles;
};

/* ---- keys ---- */

/* What a counter's key is made of, whole: no padding, so that its bytes are its value. */
struct key_parts {
    uint64_t scope, caller[2];
    int64_t period_us;
    uint32_t hits, kind;
};

enum caller_kind { BY_ADDRESS, BY_ACTOR, BY_HEADER, BY_KEY };

struct caller {
    enum caller_kind kind;
    cz_str name;         /* empty: the throttle is not for this request */
    cz__address address; /* what `name` points to, when it is one */
};

static void hash(const void *bytes, size_t len, uint64_t out[2])
{
    cz__siphash13_twice(cz__throttle_secrets, bytes, len, (uint8_t *)out);
}

static void set_address(const cz_request *req, struct caller *caller)
{
    caller->kind = BY_ADDRESS;
    caller->name = req->client_address;
    if (!cz__address_read(req->client_address, &caller->address))
        return;
    if (!cz__address_is_ipv4(&caller->address))
        memset(caller->address.bytes + 8, 0, 8); /* whoever has one has all of its /64 */
    caller->name = cz_str_of((const char *)caller->address.bytes, sizeof caller->address.bytes);
}

static void set_caller(cz_ctx *ctx, const cz_request *req, const cz_throttle *throttle,
                       struct caller *caller)
{
    *caller = (struct caller){ .name = CZ_STR("") };
    if (throttle->key) {
        caller->kind = BY_KEY;
        caller->name = throttle->key(ctx, req);
        return;
    }
    if (throttle->header) {
        caller->kind = BY_HEADER;
        caller->name = cz_request_header(req, cz_str_from(throttle->header));
    } else if (ctx->actor.len && throttle->by == CZ_THROTTLE_ANON) {
        return;
    } else if (ctx->actor.len && throttle->by == CZ_THROTTLE_USER) {
        caller->kind = BY_ACTOR;
        caller->name = ctx->actor;
    }
    if (!caller->name.len)
        set_address(req, caller);
}

static void set_key(const struct cz__throttle_rate *rate, const struct caller *caller,
                    uint64_t out[2])
{
    uint64_t scope[2];
    struct key_parts parts = { .period_us = rate->period_us,
                               .hits = rate->hits,
                               .kind = (uint32_t)caller->kind };
    hash(rate->scope, strlen(rate->scope), scope);
    hash(caller->name.ptr, caller->name.len, parts.caller);
    parts.scope = scope[0];
    hash(&parts, sizeof parts, out);
    out[1] |= 1; /* both zero is no key */
}

/* ---- asking ---- */

struct asked {
    struct cz__hit hits[CZ__HITS_MAX];
    const struct cz__throttle_rate *rates[CZ__HITS_MAX];
    size_t count;
};

static bool has_key(const struct asked *asked, const uint64_t key[2])
{
    for (size_t i = 0; i < asked->count; i++)
        if (asked->hits[i].key[0] == key[0] && asked->hits[i].key[1] == key[1])
            return true;
    return false;
}

static void add(cz_ctx *ctx, const cz_request *req, const cz_throttles *throttles,
                struct asked *asked)
{
    const cz_throttle *of = NULL; /* whose caller it is; its rates stand together */
    struct caller caller = { .name = CZ_STR("") };
    for (uint32_t i = 0; throttles && i < throttles->rate_count; i++) {
        const struct cz__throttle_rate *rate = &throttles->rates[i];
        struct cz__hit hit = { .rate = { rate->hits, rate->period_us } };
        if (of != rate->throttle)
            set_caller(ctx, req, rate->throttle, &caller);
        of = rate->throttle;
        if (!caller.name.ptr || !caller.name.len)
            continue;
        set_key(rate, &caller, hit.key);
        if (has_key(asked, hit.key)) /* of the viewset and of a middleware around it */
            continue;
        if (asked->count == CZ__HITS_MAX)
            cz_raise(ctx, CZ_EINVAL, "more than %d rates throttle one request", CZ__HITS_MAX);
        asked->rates[asked->count] = rate;
        asked->hits[asked->count++] = hit;
    }
}

static void add_layers(cz_ctx *ctx, const cz_request *req, const struct cz__throttle_layer *layer,
                       struct asked *asked)
{
    if (!layer)
        return;
    add_layers(ctx, req, layer->outer, asked);
    add(ctx, req, layer->throttles, asked);
}

/* ---- the answer ---- */

static int64_t seconds_up(int64_t us)
{
    return (us + SECOND_US - 1) / SECOND_US;
}

/* "books" for the first rate of a scope, "books-2" for the next. */
static cz_str policy_name(cz_ctx *ctx, const struct cz__throttle_rate *rate)
{
    return rate->number == 1 ? cz_str_from(rate->scope)
                             : cz_format(ctx, "%s-%u", rate->scope, rate->number);
}

/* Behind what an outer middleware has set. */
static void append_header(cz_ctx *ctx, cz_request *req, cz_str name, cz_str item)
{
    cz_str before = cz_response_header(req, name);
    if (before.len)
        item = cz_format(ctx, "%.*s, %.*s", CZ_STR_ARG(before), CZ_STR_ARG(item));
    cz_respond_header_static(ctx, req, name, item);
}

static bool is_tighter(const struct cz__hit *a, const struct cz__hit *b)
{
    return a->left < b->left || (a->left == b->left && a->reset_us > b->reset_us);
}

static void set_headers(cz_ctx *ctx, cz_request *req, const struct asked *asked)
{
    size_t tightest = 0;
    for (size_t i = 0; i < asked->count; i++) {
        const struct cz__throttle_rate *rate = asked->rates[i];
        append_header(ctx, req, CZ_STR("RateLimit-Policy"),
                      cz_format(ctx, "\"%.*s\";q=%u;w=%lld", CZ_STR_ARG(policy_name(ctx, rate)),
                                rate->hits, (long long)(rate->period_us / SECOND_US)));
        if (is_tighter(&asked->hits[i], &asked->hits[tightest]))
            tightest = i;
    }
    const struct cz__hit *hit = &asked->hits[tightest];
    append_header(ctx, req, CZ_STR("RateLimit"),
                  cz_format(ctx, "\"%.*s\";r=%u;t=%lld",
                            CZ_STR_ARG(policy_name(ctx, asked->rates[tightest])), hit->left,
                            (long long)seconds_up(hit->reset_us)));
}

CZ_NORETURN static void refuse(cz_ctx *ctx, cz_request *req, const struct asked *asked)
{
    int64_t wait_us = 0;
    for (size_t i = 0; i < asked->count; i++)
        if (asked->hits[i].wait_us > wait_us)
            wait_us = asked->hits[i].wait_us;
    long long wait = seconds_up(wait_us);
    cz_respond_header_static(ctx, req, CZ_STR("Retry-After"), cz_format(ctx, "%lld", wait));
    cz_raise(ctx, CZ_ETHROTTLED, "Request was throttled. Expected available in %lld second%s.",
             wait, wait == 1 ? "" : "s");
}

void cz_throttle_require(cz_ctx *ctx, cz_request *req, const cz_throttles *throttles)
{
    if (!throttles && !req->throttles)
        return;
    if (throttles && !throttles->prepared)
        cz_raise(ctx, CZ_EINVAL, "these throttles are of no viewset and no middleware");
    struct asked asked = { .count = 0 };
    add_layers(ctx, req, req->throttles, &asked);
    add(ctx, req, throttles, &asked);
    if (!asked.count)
        return;
    bool pass = cz__throttle_take(ctx, asked.hits, asked.count);
    set_headers(ctx, req, &asked);
    if (!pass)
        refuse(ctx, req, &asked);
}

void cz__throttle_process(cz_ctx *ctx, cz_request *req, const cz_next *next,
                          const cz_throttles *throttles)
{
    const struct cz__throttle_layer layer = { req->throttles, throttles };
    bool view = req->route && req->route->kind == CZ__ROUTE_RESOURCE;
    if (view)
        req->throttles = &layer;
    else if (req->route)
        cz_throttle_require(ctx, req, throttles);
    cz_next_call(ctx, req, next);
    if (view)
        req->throttles = layer.outer;
}
