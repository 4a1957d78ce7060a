/* null://: a cache that keeps nothing, for development. */
#include "cache/cache_internal.h"

static cz_status null_open(struct cz__store *store, const cz_url *url, cz_error *err)
{
    (void)store, (void)url, (void)err;
    return CZ_OK;
}

static void null_close(struct cz__store *store)
{
    (void)store;
}

static cz_status null_get(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                          cz_str *out)
{
    (void)ctx, (void)store, (void)keys;
    memset(out, 0, count * sizeof *out);
    return CZ_OK;
}

/* As Django's dummy cache, it takes everything. */
static cz_status null_set(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items,
                          size_t count, int64_t ttl_ms, size_t *out_stored)
{
    (void)ctx, (void)store, (void)items, (void)ttl_ms;
    *out_stored = count;
    return CZ_OK;
}

static cz_status null_add(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value,
                          int64_t ttl_ms, bool *out_added)
{
    (void)ctx, (void)store, (void)key, (void)value, (void)ttl_ms;
    *out_added = true;
    return CZ_OK;
}

static cz_status null_touch(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                            bool *out_found)
{
    (void)ctx, (void)store, (void)key, (void)ttl_ms;
    *out_found = false;
    return CZ_OK;
}

static cz_status null_remove(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                             size_t *out_removed)
{
    (void)ctx, (void)store, (void)keys, (void)count;
    *out_removed = 0;
    return CZ_OK;
}

static cz_status null_remove_if(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value)
{
    (void)ctx, (void)store, (void)key, (void)value;
    return CZ_OK;
}

static cz_status null_incr(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                           enum cz__counted *out_counted, int64_t *out)
{
    (void)ctx, (void)store, (void)key, (void)delta, (void)out;
    *out_counted = CZ__COUNTED_NOTHING;
    return CZ_OK;
}

static cz_status null_clear(cz_ctx *ctx, struct cz__store *store)
{
    (void)ctx, (void)store;
    return CZ_OK;
}

const struct cz__cache_driver cz__cache_null = {
    .scheme = "null",
    .open = null_open,
    .close = null_close,
    .get = null_get,
    .set = null_set,
    .add = null_add,
    .touch = null_touch,
    .remove = null_remove,
    .remove_if = null_remove_if,
    .incr = null_incr,
    .clear = null_clear,
};
