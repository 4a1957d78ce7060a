/* What throttles are told at the start: the settings' rates by scope, and each declared throttle's own. */
#include "throttling/throttling_internal.h"

enum { SCOPES_MAX = 64, SCOPE_BYTES_MAX = 64 };

/* A line of THROTTLE_RATES. */
static struct setting_rate {
    cz_str scope; /* in the settings, which live as long */
    cz__rate rate;
    bool asked; /* a throttle has this scope */
} setting_rates[SCOPES_MAX];
static size_t setting_rate_count;
static size_t entry_count;

/* ---- the settings ---- */

static bool is_scope(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return text.len > 0 && text.len <= SCOPE_BYTES_MAX;
}

static cz_status read_setting(cz_str item, struct setting_rate *out, cz_error *err)
{
    cz_str rate = item, scope = cz_str_trim(cz_str_cut(&rate, ':'));
    *out = (struct setting_rate){ .scope = scope };
    if (is_scope(scope) && cz__rate_read(rate, &out->rate) == CZ_OK)
        return CZ_OK;
    return cz_error_set(err, CZ_EVALIDATION,
                        "THROTTLE_RATES: \"%.*s\" is no scope and rate, such as \"anon: 20/m\"",
                        CZ_STR_ARG(cz_str_head(item, 100)));
}

cz_status cz__throttling_configure(const cz_settings *settings, cz_str project, cz_error *err)
{
    cz_str_list list = cz_setting_list(settings, "THROTTLE_RATES");
    if (list.count > SCOPES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "THROTTLE_RATES: at most %d rates", SCOPES_MAX);
    entry_count = (size_t)cz_setting_int(settings, "THROTTLE_ENTRIES");
    setting_rate_count = 0;
    for (size_t i = 0; i < list.count; i++) {
        cz_status status = read_setting(list.items[i], &setting_rates[i], err);
        if (status)
            return status;
    }
    setting_rate_count = list.count;
    return cz__throttle_counters_configure(settings, project, err);
}

cz_status cz__throttling_check(cz_error *err)
{
    for (size_t i = 0; i < setting_rate_count; i++)
        if (!setting_rates[i].asked)
            return cz_error_set(
                err, CZ_EVALIDATION,
                "THROTTLE_RATES: no throttle has the scope \"%.*s\"; anon, user and "
                "address need the middleware cz_throttling",
                CZ_STR_ARG(setting_rates[i].scope));
    return CZ_OK;
}

/* ---- declared throttles ---- */

static cz_status refuse(const char *owner, const char *why, cz_error *err)
{
    return cz_error_set(err, CZ_EVALIDATION, "throttle of %s: %s", owner, why);
}

static cz_status add_rate(cz_throttles *throttles, const cz_throttle *throttle, const char *scope,
                          const cz__rate *rate, const char *owner, cz_error *err)
{
    cz_assert(scope);
    if (throttles->rate_count == CZ_THROTTLE_RATES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "throttle of %s: at most %d rates", owner,
                            CZ_THROTTLE_RATES_MAX);
    uint32_t number = 1;
    for (uint32_t i = 0; i < throttles->rate_count; i++)
        number += strcmp(throttles->rates[i].scope, scope) == 0;
    throttles->rates[throttles->rate_count++] =
        (struct cz__throttle_rate){ throttle, scope, number, rate->hits, rate->period_us };
    return CZ_OK;
}

/* The rates a throttle names itself. */
static cz_status add_own(cz_throttles *throttles, const cz_throttle *throttle, const char *scope,
                         const char *owner, cz_error *err)
{
    cz_str rest = cz_str_from(throttle->rate);
    do {
        cz__rate rate;
        cz_str text = cz_str_trim(cz_str_cut(&rest, ','));
        if (cz__rate_read(text, &rate))
            return cz_error_set(err, CZ_EVALIDATION,
                                "throttle of %s: \"%.*s\" is no rate such as 100/day or 10/5m",
                                owner, CZ_STR_ARG(cz_str_head(text, 100)));
        cz_status status = add_rate(throttles, throttle, scope, &rate, owner, err);
        if (status)
            return status;
    } while (rest.len);
    return CZ_OK;
}

static cz_status add_settings(cz_throttles *throttles, const cz_throttle *throttle,
                              const char *scope, const char *owner, cz_error *err)
{
    for (size_t i = 0; i < setting_rate_count; i++) {
        struct setting_rate *setting = &setting_rates[i];
        if (!cz_str_eq(setting->scope, cz_str_from(scope)))
            continue;
        setting->asked = true;
        cz_status status = add_rate(throttles, throttle, scope, &setting->rate, owner, err);
        if (status)
            return status;
    }
    return CZ_OK;
}

static cz_status prepare_one(cz_throttles *throttles, const cz_throttle *throttle,
                             const char *owner, cz_error *err)
{
    const char *scope = throttle->scope ? throttle->scope : owner;
    if (!is_scope(cz_str_from(scope)))
        return refuse(owner, "a scope is 1 to 64 letters, digits, \"-\", \"_\" and \".\"", err);
    if ((throttle->by != CZ_THROTTLE_ADDRESS) + (throttle->header != NULL) +
            (throttle->key != NULL) >
        1)
        return refuse(owner, "one of .by, .header and .key says who is one caller", err);
    if (throttle->header && !*throttle->header)
        return refuse(owner, "its .header has no name", err);
    if (throttle->rate)
        return add_own(throttles, throttle, scope, owner, err);
    uint32_t before = throttles->rate_count;
    cz_status status = add_settings(throttles, throttle, scope, owner, err);
    if (status || throttles->rate_count > before)
        return status;
    return cz_error_set(err, CZ_EVALIDATION,
                        "throttle of %s: it has no .rate, and THROTTLE_RATES none of \"%s\"", owner,
                        scope);
}

cz_status cz__throttles_prepare(cz_throttles *throttles, const char *owner, cz_error *err)
{
    throttles->rate_count = 0;
    throttles->prepared = true;
    for (size_t i = 0; i < throttles->count; i++) {
        cz_status status = prepare_one(throttles, &throttles->items[i], owner, err);
        if (status)
            return status;
    }
    return cz__throttle_counters_map(entry_count, err);
}

/* ---- the project's ---- */

static const cz_throttle project_items[] = {
    { .scope = "anon", .by = CZ_THROTTLE_ANON },
    { .scope = "user", .by = CZ_THROTTLE_USER },
    { .scope = "address" },
};
static cz_throttles project_throttles = { .items = project_items,
                                          .count = CZ_COUNT(project_items) };

/* None of the three needs a rate: settings differ by environment. */
static cz_status configure(const cz_settings *settings, cz_error *err)
{
    (void)settings;
    project_throttles.rate_count = 0;
    project_throttles.prepared = true;
    for (size_t i = 0; i < CZ_COUNT(project_items); i++) {
        cz_status status = add_settings(&project_throttles, &project_items[i],
                                        project_items[i].scope, "cz_throttling", err);
        if (status)
            return status;
    }
    return cz__throttle_counters_map(entry_count, err);
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz__throttle_process(ctx, req, next, &project_throttles);
}

const cz_middleware cz_throttling = { "throttling", process, configure };

static cz_throttles *around; /* those of middlewares; they are static, and stay */

cz_status cz__throttles_prepare_around(cz_throttles *throttles,
                                       void (*called)(cz_ctx *ctx, cz_request *req,
                                                      const cz_next *next),
                                       const char *owner, cz_error *err)
{
    if (!throttles->process) {
        throttles->process = called;
        throttles->next = around;
        around = throttles;
    }
    return cz__throttles_prepare(throttles, owner, err);
}

bool cz__throttles_by(const cz_middleware *middleware)
{
    const cz_throttles *throttles = around;
    while (throttles && throttles->process != middleware->process)
        throttles = throttles->next;
    return throttles || middleware == &cz_throttling;
}
