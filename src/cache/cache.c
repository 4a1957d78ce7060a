/* The calls of calzone/cache.h but cz_cache_get_or_set() (single_flight.c). */
#include "cache/cache_internal.h"
#include <calzone/time.h>

/* ---- whole entries ---- */

enum cz__freshness cz__entry_read(cz_ctx *ctx, struct cz__store *store, cz_str full_key,
                                  cz_str *out)
{
    struct cz__envelope envelope;
    cz_str stored;
    if (!cz__store_ask(ctx, store, store->driver->get(ctx, store, &full_key, 1, &stored)) ||
        !stored.ptr || !cz__envelope_read(ctx, stored, &envelope))
        return CZ__MISS;
    cz__tags_check(ctx, store, &envelope, 1);
    if (!envelope.value.ptr)
        return CZ__MISS;
    *out = envelope.value;
    bool fresh = !envelope.fresh_until_us || cz_now().us < envelope.fresh_until_us;
    return fresh ? CZ__FRESH : CZ__STALE;
}

static const cz_cache_options defaults;

/* Whether a value cannot be stored. What was there before goes as well: it is out of date. */
static bool is_too_long(cz_ctx *ctx, struct cz__store *store, cz_str full_key, cz_str value)
{
    if (value.len <= CZ_CACHE_VALUE_BYTES_MAX)
        return false;
    size_t removed;
    cz_ignore(cz__store_change(ctx, store,
                               store->driver->remove(ctx, store, &full_key, 1, &removed), &full_key,
                               1)); /* it goes when the cache is back */
    cz__store_tell(ctx, store, CZ__NEWS_TOO_LONG,
                   cz_format(ctx, "%zu bytes; 1 MiB is the most", value.len).ptr);
    return true;
}

/* What to store for a value, and how long. */
static cz_str wrap(cz_ctx *ctx, const struct cz__store *store, cz_str value,
                   const cz_cache_options *options, const struct cz__tag *tags, int64_t *out_ttl_ms)
{
    struct cz__envelope envelope = { .value = value,
                                     .tags = tags,
                                     .tag_count = options->tags.count };
    int64_t ttl_ms = cz__store_ttl(ctx, store, options->ttl_ms, options->exact);
    int64_t stale_ms = cz__store_ttl(ctx, store, options->stale_ms, true);
    if (stale_ms == CZ_CACHE_FOREVER && options->stale_ms)
        cz_raise(ctx, CZ_EINVAL, "no value is stale for ever");
    if (options->stale_ms && ttl_ms != CZ_CACHE_FOREVER) {
        envelope.fresh_until_us = cz_now().us + ttl_ms * 1000;
        ttl_ms += stale_ms;
    }
    *out_ttl_ms = ttl_ms;
    return cz__envelope_write(ctx, &envelope);
}

bool cz__entry_store(cz_ctx *ctx, struct cz__store *store, cz_str full_key, cz_str value,
                     const cz_cache_options *options, const struct cz__tag *tags)
{
    if (is_too_long(ctx, store, full_key, value))
        return false;
    int64_t ttl_ms;
    size_t stored = 0;
    cz_cache_item item = { full_key, wrap(ctx, store, value, options, tags, &ttl_ms) };
    return cz__store_change(ctx, store, store->driver->set(ctx, store, &item, 1, ttl_ms, &stored),
                            &full_key, 1) &&
           stored;
}

/* ---- one value ---- */

bool cz_cache_get(cz_ctx *ctx, cz_cache *cache, cz_str key, cz_str *out)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    cz_str value;
    if (cz__entry_read(ctx, own->store, cz__cache_key(ctx, own, key), &value) != CZ__FRESH)
        return false;
    *out = value;
    return true;
}

bool cz_cache_set(cz_ctx *ctx, cz_cache *cache, cz_str key, cz_str value,
                  const cz_cache_options *options)
{
    return cz_cache_set_many(ctx, cache, &(const cz_cache_item){ key, value }, 1, options) == 1;
}

bool cz_cache_add(cz_ctx *ctx, cz_cache *cache, cz_str key, cz_str value,
                  const cz_cache_options *options)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    cz_str full_key = cz__cache_key(ctx, own, key);
    options = options ? options : &defaults;
    const struct cz__tag *tags = cz__tags_now(ctx, store, options->tags);
    if (!tags || value.len > CZ_CACHE_VALUE_BYTES_MAX)
        return false;
    int64_t ttl_ms;
    cz_str stored = wrap(ctx, store, value, options, tags, &ttl_ms);
    bool added = false;
    return cz__store_ask(ctx, store,
                         store->driver->add(ctx, store, full_key, stored, ttl_ms, &added)) &&
           added;
}

bool cz_cache_touch(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t ttl_ms)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    cz_str full_key = cz__cache_key(ctx, own, key);
    int64_t ttl = cz__store_ttl(ctx, store, ttl_ms, false);
    bool found = false;
    return cz__store_ask(ctx, store, store->driver->touch(ctx, store, full_key, ttl, &found)) &&
           found;
}

bool cz_cache_delete(cz_ctx *ctx, cz_cache *cache, cz_str key)
{
    return cz_cache_delete_many(ctx, cache, (cz_str_list){ &key, 1 }) == 1;
}

bool cz_cache_has_key(cz_ctx *ctx, cz_cache *cache, cz_str key)
{
    cz_str value;
    return cz_cache_get(ctx, cache, key, &value);
}

/* ---- integers ---- */

bool cz_cache_get_int(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t *out)
{
    cz_str value;
    return cz_cache_get(ctx, cache, key, &value) && cz__is_integer(value, out);
}

bool cz_cache_set_int(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t value,
                      const cz_cache_options *options)
{
    char text[24];
    return cz_cache_set(ctx, cache, key, cz_str_of(text, cz_i64_write(text, value)), options);
}

bool cz_cache_incr(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t delta, int64_t *out)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    cz_str full_key = cz__cache_key(ctx, own, key);
    enum cz__counted counted = CZ__COUNTED_NOTHING;
    int64_t sum = 0;
    if (!cz__store_ask(ctx, store,
                       store->driver->incr(ctx, store, full_key, delta, &counted, &sum)))
        return false;
    if (counted == CZ__COUNTED_NO_INTEGER)
        cz_raise(ctx, CZ_EINVAL, "the cache holds no integer under \"%.*s\"", CZ_STR_ARG(key));
    if (counted == CZ__COUNTED_TOO_FAR)
        cz_raise(ctx, CZ_EINVAL, "the integer under \"%.*s\" would not fit 64 bits",
                 CZ_STR_ARG(key));
    if (counted == CZ__COUNTED)
        *out = sum;
    return counted == CZ__COUNTED;
}

bool cz_cache_decr(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t delta, int64_t *out)
{
    if (delta == INT64_MIN)
        cz_raise(ctx, CZ_EINVAL, "the integer under \"%.*s\" would not fit 64 bits",
                 CZ_STR_ARG(key));
    return cz_cache_incr(ctx, cache, key, -delta, out);
}

/* ---- many ---- */

static cz_str *full_keys(cz_ctx *ctx, const cz_cache *cache, cz_str_list keys)
{
    cz_str *full = cz_array(ctx, cz_str, keys.count);
    for (size_t i = 0; i < keys.count; i++)
        full[i] = cz__cache_key(ctx, cache, keys.items[i]);
    return full;
}

cz_str_list cz_cache_get_many(cz_ctx *ctx, cz_cache *cache, cz_str_list keys)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    cz_str *full = full_keys(ctx, own, keys), *values = cz_array(ctx, cz_str, keys.count);
    struct cz__envelope *envelopes = cz_array(ctx, struct cz__envelope, keys.count);
    if (!keys.count ||
        !cz__store_ask(ctx, store, store->driver->get(ctx, store, full, keys.count, values))) {
        memset(values, 0, keys.count * sizeof *values);
        return (cz_str_list){ values, keys.count };
    }
    for (size_t i = 0; i < keys.count; i++)
        if (!values[i].ptr || !cz__envelope_read(ctx, values[i], &envelopes[i]) ||
            (envelopes[i].fresh_until_us && cz_now().us >= envelopes[i].fresh_until_us))
            envelopes[i] = (struct cz__envelope){ .value = { NULL, 0 } };
    cz__tags_check(ctx, store, envelopes, keys.count);
    for (size_t i = 0; i < keys.count; i++)
        values[i] = envelopes[i].value.ptr ? envelopes[i].value : cz_str_of(NULL, 0);
    return (cz_str_list){ values, keys.count };
}

size_t cz_cache_set_many(cz_ctx *ctx, cz_cache *cache, const cz_cache_item *items, size_t count,
                         const cz_cache_options *options)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    cz_cache_item *wrapped = cz_array(ctx, cz_cache_item, count);
    options = options ? options : &defaults;
    size_t kept = 0, stored = 0;
    cz_str *keys = cz_array(ctx, cz_str, count);
    for (size_t i = 0; i < count; i++) /* whatever is wrong with one, none is stored */
        wrapped[i].key = keys[i] = cz__cache_key(ctx, own, items[i].key);
    const struct cz__tag *tags = cz__tags_now(ctx, store, options->tags);
    int64_t ttl_ms = 0;
    for (size_t i = 0; i < count && tags; i++) {
        if (is_too_long(ctx, store, wrapped[i].key, items[i].value))
            continue;
        wrapped[kept].key = wrapped[i].key;
        wrapped[kept++].value = wrap(ctx, store, items[i].value, options, tags, &ttl_ms);
    }
    if (!tags)
        cz__store_owe(store, keys, count);
    else if (kept)
        cz_ignore(cz__store_change(ctx, store,
                                   store->driver->set(ctx, store, wrapped, kept, ttl_ms, &stored),
                                   keys, count)); /* then none was */
    return stored;
}

size_t cz_cache_delete_many(cz_ctx *ctx, cz_cache *cache, cz_str_list keys)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    const cz_str *full = full_keys(ctx, own, keys);
    size_t removed = 0;
    if (keys.count)
        cz_ignore(cz__store_change(ctx, store,
                                   store->driver->remove(ctx, store, full, keys.count, &removed),
                                   full, keys.count)); /* they go when the cache is back */
    return removed;
}

void cz_cache_clear(cz_ctx *ctx, cz_cache *cache)
{
    struct cz__store *store = cz__cache_resolve(ctx, cache)->store;
    bool open = cz__store_may_ask(ctx, store);
    cz_status status = open ? store->driver->clear(ctx, store) : CZ_EUNAVAILABLE;
    if (status)
        cz__store_owe(store, NULL, 0);
    if (open)
        cz_ignore(cz__store_answered(ctx, store, status)); /* it is done when the cache is back */
}

uint32_t cz_cache_incr_version(cz_ctx *ctx, cz_cache *cache, cz_str key, int32_t delta)
{
    const cz_cache *own = cz__cache_resolve(ctx, cache);
    struct cz__store *store = own->store;
    int64_t version = own->version + delta;
    if (version < 1 || version > UINT32_MAX)
        cz_raise(ctx, CZ_EINVAL, "a cache has no version %lld", (long long)version);
    cz_cache moved = { store, version };
    cz_str from = cz__cache_key(ctx, own, key), to = cz__cache_key(ctx, &moved, key), stored;
    int64_t ttl_ms = cz__store_ttl(ctx, store, 0, false);
    size_t count = 0;
    if (!cz__store_ask(ctx, store, store->driver->get(ctx, store, &from, 1, &stored)) ||
        !stored.ptr)
        return 0;
    if (version == own->version)
        return (uint32_t)version;
    cz_cache_item item = { to, stored }; /* as it was: tags and all */
    if (!cz__store_ask(ctx, store, store->driver->set(ctx, store, &item, 1, ttl_ms, &count)) ||
        !count || !cz__store_ask(ctx, store, store->driver->remove(ctx, store, &from, 1, &count)))
        return 0;
    return (uint32_t)version;
}
