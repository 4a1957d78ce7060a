/* Parts of pages.
 *
 * A fragment's key is its name and a hash of its values. Hashes may collide, and a visitor may look for such values, so what is
 * stored begins with the values, word for word: that of others is none, and is drawn each time.
 *
 *   fragment = values text
 *   values   = size-of-all *( size value )       ; sizes are 8 bytes
 */
#include "cache/cache_internal.h"
#include <calzone/map.h>
#include <stdio.h>

struct fragment {
    cz_str values;
    cz_cache_compute_fn draw;
    void *arg;
};

/* ---- keys ---- */

static cz_str write_values(cz_ctx *ctx, cz_str_list values)
{
    size_t bytes = 0;
    for (size_t i = 0; i < values.count; i++)
        bytes += 8 + values.items[i].len;
    char *start = cz_alloc(ctx, 8 + bytes), *at = cz__put_u64(start, bytes);
    for (size_t i = 0; i < values.count; i++) {
        at = cz__put_u64(at, values.items[i].len);
        if (values.items[i].len)
            memcpy(at, values.items[i].ptr, values.items[i].len);
        at += values.items[i].len;
    }
    return cz_str_of(start, 8 + bytes);
}

static cz_str key_of_values(cz_ctx *ctx, cz_str name, cz_str values)
{
    static const uint8_t salts[2][16] = { "calzone parts 1", "calzone parts 2" };
    uint8_t hash[16];
    char digits[33];
    if (!name.len || name.len > CZ_CACHE_FRAGMENT_NAME_MAX)
        cz_raise(ctx, CZ_EINVAL, "the name of a part of a page has 1 to %d bytes, not %zu",
                 CZ_CACHE_FRAGMENT_NAME_MAX, name.len);
    cz__siphash13_twice(salts, values.ptr, values.len, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        cz_ignore(snprintf(digits + 2 * i, 3, "%02x", hash[i])); /* it fits */
    return cz_format(ctx, "fragment.%.*s.%s", CZ_STR_ARG(name), digits);
}

cz_str cz__fragment_key(cz_ctx *ctx, cz_str name, cz_str_list vary_on)
{
    return key_of_values(ctx, name, write_values(ctx, vary_on));
}

/* ---- parts of pages ---- */

static cz_str draw_with_values(cz_ctx *ctx, void *arg)
{
    const struct fragment *fragment = arg;
    cz_str text = fragment->draw(ctx, fragment->arg);
    size_t bytes = fragment->values.len + text.len;
    char *whole = cz_alloc(ctx, bytes);
    memcpy(whole, fragment->values.ptr, fragment->values.len);
    if (text.len)
        memcpy(whole + fragment->values.len, text.ptr, text.len);
    return cz_str_of(whole, bytes);
}

cz_str cz_cache_fragment(cz_ctx *ctx, cz_cache *cache, cz_str name, cz_str_list vary_on,
                         const cz_cache_options *options, cz_cache_compute_fn draw, void *arg)
{
    struct fragment fragment = { write_values(ctx, vary_on), draw, arg };
    cz_str whole = cz_cache_get_or_set(ctx, cache, key_of_values(ctx, name, fragment.values),
                                       options, draw_with_values, &fragment);
    if (cz_str_starts_with(whole, fragment.values))
        return cz_str_tail(whole, fragment.values.len);
    return draw(ctx, arg);
}

bool cz_cache_fragment_delete(cz_ctx *ctx, cz_cache *cache, cz_str name, cz_str_list vary_on)
{
    return cz_cache_delete(ctx, cache, cz__fragment_key(ctx, name, vary_on));
}
