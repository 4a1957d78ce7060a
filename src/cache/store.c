/* Before every driver: keys, times, and what happens when the cache is away. */
#include "cache/cache_internal.h"
#include <calzone/log.h>
#include <calzone/random.h>
#include <calzone/time.h>

enum { TELL_EVERY_US = 60000000 };

/* ---- keys ---- */

void cz__cache_check_name(cz_ctx *ctx, const char *what, cz_str name)
{
    if (name.len > CZ_CACHE_KEY_BYTES_MAX)
        cz_raise(ctx, CZ_EINVAL, "a %s of a cache has at most %d bytes, not %zu", what,
                 CZ_CACHE_KEY_BYTES_MAX, name.len);
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            cz_raise(ctx, CZ_EINVAL, "a %s of a cache has a control byte", what);
}

cz_str cz__cache_key(cz_ctx *ctx, const cz_cache *cache, cz_str key)
{
    cz__cache_check_name(ctx, "key", key);
    return cz_format(ctx, "%s:%lld:%.*s", cache->store->prefix, (long long)cache->version,
                     CZ_STR_ARG(key));
}

cz_str cz__cache_own_key(cz_ctx *ctx, const struct cz__store *store, const char *kind, cz_str rest)
{
    return cz_format(ctx, "%s:%s:%.*s", store->prefix, kind, CZ_STR_ARG(rest));
}

/* ---- times ---- */

int64_t cz__store_ttl(cz_ctx *ctx, const struct cz__store *store, int64_t ttl_ms, bool exact)
{
    const int64_t century_ms =
        INT64_C(36525) * 86400000; /* longer is for ever, and adds up to no overflow */
    if (ttl_ms < 0 && ttl_ms != CZ_CACHE_FOREVER)
        cz_raise(ctx, CZ_EINVAL, "a value cannot be kept for %lld ms", (long long)ttl_ms);
    if (ttl_ms == CZ_CACHE_FOREVER || ttl_ms > century_ms)
        return CZ_CACHE_FOREVER;
    int64_t ttl = ttl_ms ? ttl_ms : store->ttl_ms, part = exact ? 0 : ttl * store->jitter / 100;
    return ttl - (int64_t)(cz_random_u64() % (uint64_t)(part + 1));
}

/* ---- a cache that is away ---- */

void cz__store_tell(cz_ctx *ctx, struct cz__store *store, enum cz__news news, const char *detail)
{
    static const char *const sentences[] = {
        [CZ__NEWS_AWAY] = "a cache is away; nothing is read from it nor stored",
        [CZ__NEWS_REFUSED] = "a cache refuses a command",
        [CZ__NEWS_TOO_LONG] = "a value is too long for a cache and was not stored",
    };
    int64_t now_us = cz_monotonic_us();
    if (store->told_at_us[news] && now_us - store->told_at_us[news] < TELL_EVERY_US)
        return;
    store->told_at_us[news] = now_us;
    cz_log_warning(ctx, "calzone.cache", sentences[news],
                   CZ_FIELD_STR("cache", cz_str_from(store->alias)),
                   CZ_FIELD_STR("detail", cz_str_from(detail)));
}

bool cz__store_is_open(struct cz__store *store)
{
    return cz__circuit_may_ask(&store->circuit);
}

void cz__store_raise(cz_ctx *ctx, const struct cz__store *store, cz_status status)
{
    if (status == CZ_EINVAL)
        cz_raise(ctx, status,
                 "the cache \"%s\" is waited for inside a write transaction, which keeps every "
                 "other writer waiting; ask it before or after, or with cz_on_commit()",
                 store->alias);
    cz_raise(ctx, status, "the cache \"%s\": %s", store->alias, cz_status_text(status));
}

bool cz__store_answered(cz_ctx *ctx, struct cz__store *store, cz_status status)
{
    if (status != CZ_OK && status != CZ_EUNAVAILABLE)
        cz__store_raise(ctx, store, status);
    if (store->driver->owe)
        return status == CZ_OK; /* the driver has told, and knows which server it was */
    cz__circuit_set(&store->circuit, status == CZ_OK);
    if (status == CZ_OK)
        return true;
    cz__store_tell(ctx, store, CZ__NEWS_AWAY,
                   store->driver->reason ? store->driver->reason(store) : store->driver->scheme);
    return false;
}

bool cz__store_changed(cz_ctx *ctx, struct cz__store *store, cz_status status, const cz_str *keys,
                       size_t count)
{
    if (status) /* also when the request was cancelled: nobody knows whether it was made */
        cz__store_owe(store, keys, count);
    return cz__store_answered(ctx, store, status);
}

/* ---- what could not be removed ---- */

void cz__store_owe(struct cz__store *store, const cz_str *keys, size_t count)
{
    if (store->driver->owe)
        store->driver->owe(store, keys, count);
    else if (keys)
        cz__owed_add(store->owed, keys, count);
    else
        cz__owed_add_all(store->owed);
}

static cz_status settle(cz_ctx *ctx, struct cz__store *store)
{
    struct cz__debt debt;
    size_t removed;
    cz_status status = cz__owed_read(store->owed, ctx->arena, &debt);
    if (!status && debt.all)
        status = store->driver->clear(ctx, store);
    else if (!status && debt.keys.count)
        status = store->driver->remove(ctx, store, debt.keys.items, debt.keys.count, &removed);
    if (!status)
        cz__owed_settle(store->owed, &debt);
    return status;
}

bool cz__store_may_ask(cz_ctx *ctx, struct cz__store *store)
{
    if (store->is_settling || !cz__store_is_open(store))
        return false;
    if (cz__owed_is_none(store->owed))
        return true;
    store->is_settling = true;
    cz_status status = settle(ctx, store);
    store->is_settling = false;
    if (status == CZ_ENOMEM || status == CZ_ECANCELED || status == CZ_ETIMEDOUT)
        return false; /* this request's own end: another one settles */
    return cz__store_answered(ctx, store, status);
}
