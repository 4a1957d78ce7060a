/* Tags. Each has a generation under a key of its own, a random number. A value carries the generations its tags had, and is
 * there only as long as they are the same; to invalidate a tag is to draw it another. A generation that was evicted takes its
 * values along: it is drawn anew, and never the same twice. */
#include "cache/cache_internal.h"
#include <calzone/random.h>

static cz_str generation_key(cz_ctx *ctx, const struct cz__store *store, cz_str name)
{
    return cz__cache_own_key(ctx, store, "tag", name);
}

static cz_str generation_text(cz_ctx *ctx, uint64_t generation)
{
    return cz_format(ctx, "%llu", (unsigned long long)generation);
}

/* Never 0, which no text gives. */
static uint64_t draw(void)
{
    return cz_random_u64() | 1;
}

static uint64_t read_generation(cz_str text)
{
    uint64_t generation;
    return text.ptr && !cz_str_to_u64(text, &generation) ? generation : 0;
}

/* Those of the tags; 0 for one that has none. False: the cache is away. */
static bool read_generations(cz_ctx *ctx, struct cz__store *store, struct cz__tag *tags,
                             size_t count)
{
    cz_str *keys = cz_array(ctx, cz_str, count), *values = cz_array(ctx, cz_str, count);
    for (size_t i = 0; i < count; i++)
        keys[i] = generation_key(ctx, store, tags[i].name);
    if (!cz__store_ask(ctx, store, store->driver->get(ctx, store, keys, count, values)))
        return false;
    for (size_t i = 0; i < count; i++)
        tags[i].generation = read_generation(values[i]);
    return true;
}

/* Give a tag a generation unless another has done so meanwhile. */
static bool begin_generation(cz_ctx *ctx, struct cz__store *store, struct cz__tag *tag)
{
    cz_str key = generation_key(ctx, store, tag->name);
    bool added;
    tag->generation = draw();
    if (!cz__store_ask(ctx, store,
                       store->driver->add(ctx, store, key, generation_text(ctx, tag->generation),
                                          CZ_CACHE_FOREVER, &added)))
        return false;
    return added || read_generations(ctx, store, tag, 1);
}

const struct cz__tag *cz__tags_now(cz_ctx *ctx, struct cz__store *store, cz_str_list names)
{
    if (names.count > CZ_CACHE_TAGS_MAX)
        cz_raise(ctx, CZ_EINVAL, "a value of a cache has at most %d tags, not %zu",
                 CZ_CACHE_TAGS_MAX, names.count);
    struct cz__tag *tags = cz_array(ctx, struct cz__tag, names.count);
    for (size_t i = 0; i < names.count; i++) {
        cz__cache_check_name(ctx, "tag", names.items[i]);
        tags[i].name = names.items[i];
    }
    if (names.count && !read_generations(ctx, store, tags, names.count))
        return NULL;
    for (size_t i = 0; i < names.count; i++)
        if (!tags[i].generation && !begin_generation(ctx, store, &tags[i]))
            return NULL;
    return tags;
}

void cz__tags_check(cz_ctx *ctx, struct cz__store *store, struct cz__envelope *envelopes,
                    size_t count)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += envelopes[i].tag_count;
    if (!total)
        return;
    struct cz__tag *now = cz_array(ctx, struct cz__tag, total);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < envelopes[i].tag_count; j++)
            now[at++].name = envelopes[i].tags[j].name;
    bool known = read_generations(ctx, store, now, total);
    at = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < envelopes[i].tag_count; j++, at++)
            if (!known || !now[at].generation ||
                now[at].generation != envelopes[i].tags[j].generation)
                envelopes[i].value.ptr = NULL;
}

void cz_cache_invalidate(cz_ctx *ctx, cz_cache *cache, cz_str tag)
{
    struct cz__store *store = cz__cache_resolve(ctx, cache)->store;
    cz__cache_check_name(ctx, "tag", tag);
    cz_cache_item item = { generation_key(ctx, store, tag), generation_text(ctx, draw()) };
    size_t stored;
    cz_ignore(cz__store_change(ctx, store,
                               store->driver->set(ctx, store, &item, 1, CZ_CACHE_FOREVER, &stored),
                               &item.key, 1)); /* without a generation its values are none either */
}
