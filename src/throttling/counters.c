/* Where a site counts: in memory that its workers share, or in a Redis that its machines share.
 *
 * What a Redis lets pass is counted in this machine's memory as well. When the server is away, that is where requests are
 * judged, and it knows already what the machine's callers have had. */
#include "runtime/circuit.h"
#include "throttling/throttling_internal.h"
#include <calzone/log.h>
#include <calzone/map.h>
#include <calzone/random.h>
#ifdef CZ_REDIS
#include "redis/redis.h"
#endif

enum { WARN_EVERY_US = 60000000, TIMEOUT_MS = 200, TIMEOUT_MS_MAX = 10000, PREFIX_BYTES_MAX = 64 };

static cz__throttle_table *table; /* NULL until a throttle was prepared */
uint8_t cz__throttle_secrets[2][16];

/* The server; no `redis`: there is none. */
static struct {
    struct cz__redis *redis;
    char prefix[PREFIX_BYTES_MAX + 1];
    int64_t timeout_ms;
    cz__circuit circuit;
} server;

/* ---- opening ---- */

static cz_status refuse(const char *what, cz_str text, cz_error *err)
{
    return cz_error_set(err, CZ_EVALIDATION, "THROTTLE_URL: %s \"%.*s\"", what, CZ_STR_ARG(text));
}

static cz_status set_prefix(cz_str prefix, cz_error *err)
{
    if (prefix.len > PREFIX_BYTES_MAX || cz_str_find_char(prefix, ':') != SIZE_MAX)
        return refuse("a prefix has at most 64 bytes and no colon, unlike", prefix, err);
    memcpy(server.prefix, prefix.len ? prefix.ptr : "", prefix.len);
    server.prefix[prefix.len] = '\0';
    return CZ_OK;
}

static cz_status set_timeout(cz_str value, cz_error *err)
{
    if (cz_str_to_i64(value, &server.timeout_ms) || server.timeout_ms < 1 ||
        server.timeout_ms > TIMEOUT_MS_MAX)
        return refuse("timeout is a number from 1 to 10000, not", value, err);
    return CZ_OK;
}

static bool is_server_s_own(const cz_url *url, cz_str name)
{
#ifdef CZ_REDIS
    return cz__redis_has_parameter(url, name);
#else
    (void)url, (void)name;
    return false;
#endif
}

static cz_status read_query(cz_arena *arena, const cz_url *url, cz_error *err)
{
    cz_str query = url->query;
    cz_status status = CZ_OK;
    server.timeout_ms = TIMEOUT_MS;
    while (query.len && !status) {
        cz_str name, value;
        status = cz_url_take_parameter(arena, &query, &name, &value);
        if (status == CZ_EVALIDATION)
            return refuse("malformed query", query, err);
        if (status)
            return cz_error_set(err, status, "no memory for THROTTLE_URL");
        if (cz_str_eq(name, CZ_STR("prefix")))
            status = set_prefix(value, err);
        else if (cz_str_eq(name, CZ_STR("timeout")))
            status = set_timeout(value, err);
        else if (name.len && !is_server_s_own(url, name))
            status = refuse("there is no parameter", name, err);
    }
    return status;
}

static cz_status open_server(cz_arena *arena, cz_str text, cz_str project, cz_error *err)
{
    cz_url url;
    cz_status status = cz_url_parse(arena, text, &url);
    if (status == CZ_EVALIDATION) /* which may hold a password */
        return cz_error_set(err, status, "THROTTLE_URL is malformed");
    if (status)
        return cz_error_set(err, status, "no memory for THROTTLE_URL");
    if (cz_str_eq(text, CZ_STR("memory://")))
        return CZ_OK;
    if (!cz_str_eq(url.scheme, CZ_STR("redis")) && !cz_str_eq(url.scheme, CZ_STR("rediss")))
        return refuse("throttles count in memory:// or in redis://, not in", url.scheme, err);
    status = set_prefix(project, err);
    if (!status)
        status = read_query(arena, &url, err);
    if (status)
        return status;
#ifdef CZ_REDIS
    return cz__redis_open(&url, "THROTTLE_URL", &server.redis, err);
#else
    return cz_error_set(err, CZ_EUNSUPPORTED,
                        "THROTTLE_URL: Redis is not built in; libhiredis-dev was missing");
#endif
}

/* Machines find each other's counters under the same secrets. */
static cz_status share_secrets(const cz_settings *settings, cz_error *err)
{
    static const uint8_t salts[2][2][16] = { { "throttle secret1", "throttle secret2" },
                                             { "throttle secret3", "throttle secret4" } };
    cz_str key = cz_setting_str(settings, "SECRET_KEY");
    cz_env env = cz_settings_env(settings);
    if (!key.len && env != CZ_ENV_DEVELOPMENT && env != CZ_ENV_TEST)
        return cz_error_set(err, CZ_EVALIDATION,
                            "THROTTLE_URL needs a SECRET_KEY, under which callers are hashed");
    for (int i = 0; i < 2; i++)
        cz__siphash13_twice(salts[i], key.ptr, key.len, cz__throttle_secrets[i]);
    return CZ_OK;
}

cz_status cz__throttle_counters_configure(const cz_settings *settings, cz_str project,
                                          cz_error *err)
{
    cz_str text = cz_setting_str(settings, "THROTTLE_URL");
    cz_arena *arena;
    cz__throttling_close();
    if (!text.len)
        return CZ_OK;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "no memory for THROTTLE_URL");
    cz_status status = open_server(arena, text, project, err);
    cz_arena_destroy(arena);
    if (!status && server.redis)
        status = share_secrets(settings, err);
    return status;
}

void cz__throttling_close(void)
{
#ifdef CZ_REDIS
    cz__redis_close(server.redis);
#endif
    server.redis = NULL;
    server.circuit = (cz__circuit){ 0 };
}

cz_status cz__throttle_counters_map(size_t entry_count, cz_error *err)
{
    if (table)
        return CZ_OK;
    if (cz__throttle_table_create(entry_count, &table))
        return cz_error_set(err, CZ_ENOMEM, "no memory for THROTTLE_ENTRIES=%zu", entry_count);
    if (!server.redis)
        memcpy(cz__throttle_secrets, cz__throttle_table_secrets(table),
               sizeof cz__throttle_secrets);
    return CZ_OK;
}

/* ---- counting ---- */

/* Whether a minute has gone since somebody was told. */
static bool may_tell(int64_t *told_us)
{
    int64_t now_us = cz_monotonic_us();
    if (*told_us && now_us - *told_us < WARN_EVERY_US)
        return false;
    *told_us = now_us;
    return true;
}

/* Too few entries let callers ask more than their rate, so whoever runs the site is told. */
static bool take_here(cz_ctx *ctx, struct cz__hit *hits, size_t count)
{
    static int64_t told_us;
    bool evicted, pass = cz__throttle_table_take(table, hits, count, cz_monotonic_us(), &evicted);
    if (evicted && may_tell(&told_us))
        cz_log_warning(ctx, "calzone.throttling",
                       "more callers than THROTTLE_ENTRIES: some are counted anew");
    return pass;
}

#ifdef CZ_REDIS
static void tell_away(cz_ctx *ctx, const char *reason)
{
    static int64_t told_us;
    if (may_tell(&told_us))
        cz_log_warning(ctx, "calzone.throttling",
                       "the server of THROTTLE_URL is away; each machine counts for itself",
                       CZ_FIELD_STR("detail", cz_str_from(reason)));
}

/* False: it cannot answer. */
static bool take_there(cz_ctx *ctx, struct cz__hit *hits, size_t count, bool *out_pass)
{
    const char *reason;
    if (!server.redis || !cz__circuit_may_ask(&server.circuit))
        return false;
    cz_status status = cz__throttle_redis_take(ctx, server.redis, cz_str_from(server.prefix), hits,
                                               count, server.timeout_ms, out_pass, &reason);
    if (status == CZ_EINVAL)
        cz_raise(ctx, status,
                 "a throttle waits for its server inside a write transaction, which keeps every "
                 "other writer waiting; ask it before");
    if (status == CZ_ECANCELED || status == CZ_ETIMEDOUT)
        cz_raise(ctx, status, "a throttle: %s", cz_status_text(status));
    cz__circuit_set(&server.circuit, !status);
    if (status)
        tell_away(ctx, reason);
    return !status;
}
#else
static bool take_there(cz_ctx *ctx, struct cz__hit *hits, size_t count, bool *out_pass)
{
    (void)ctx, (void)hits, (void)count, (void)out_pass;
    return false;
}
#endif

bool cz__throttle_take(cz_ctx *ctx, struct cz__hit *hits, size_t count)
{
    struct cz__hit copies[CZ__HITS_MAX];
    bool pass;
    memcpy(copies, hits, count * sizeof *hits);
    if (!take_there(ctx, hits, count, &pass))
        return take_here(ctx, hits, count);
    if (pass)
        cz_ignore(take_here(ctx, copies, count)); /* remembered for when the server is away */
    return pass;
}
