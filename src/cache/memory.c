/* memory://: a cache in memory that all workers of a site share.
 *
 * One segment is mapped before the workers are forked. It has a fixed size and holds no pointer, only numbers of blocks. It
 * is cut into shards, each with a lock of its own, chosen by the key's hash; a shard is
 *
 *     struct shard | buckets: first entry, by hash | marks: one byte a block | blocks of 256 bytes
 *
 * An entry is a chain of blocks: the first begins with a struct head, and key and value lie one behind the other in what is
 * left of it and in the blocks after it. So nothing is ever moved, and there are no gaps. When the blocks are used up, a hand
 * goes round the marks (CLOCK): an entry that was read since it last came by is spared once, others go.
 *
 * A process that dies with a lock, also by SIGKILL, has either changed nothing yet, or `changing` says that it was about to:
 * whoever gets the lock next then empties the shard, a part of what is a cache. A process that is stopped with a lock keeps
 * others waiting for the cache's time-out, after which it counts as away. */
#include "cache/cache_internal.h"
#include "runtime/shared_memory.h"
#include "base/shared_mutex.h"
#include <calzone/map.h>
#include <calzone/random.h>
#include <calzone/time.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

enum {
    MAGIC = 0x637a6368,
    LAYOUT_VERSION = 1,
    BLOCK_BYTES = 256,
    SHARD_BYTES =
        4 << 20, /* at least, when there are several: a value of 1 MiB is but a part of one */
    SHARDS_MAX = 64,
    PAGE_BYTES = 4096
};

enum mark {
    MARK_NONE,
    MARK_HEAD,
    MARK_READ
}; /* of a block: no entry's first; one's; one's that was read */

#define FOREVER_US INT64_MAX

struct head {
    uint32_t next;  /* the entry's second block; 0: none */
    uint32_t chain; /* the next entry of the bucket */
    uint64_t hash;
    int64_t end_us; /* by cz_monotonic_us() */
    uint32_t value_bytes;
    uint32_t key_bytes;
    char bytes[BLOCK_BYTES - 32];
};

struct tail {
    uint32_t next; /* the entry's next block, or the next free one; 0: none */
    char bytes[BLOCK_BYTES - 4];
};

union block {
    struct head head;
    struct tail tail;
};

struct shard {
    pthread_mutex_t lock;
    uint32_t changing;    /* what follows is being changed */
    uint32_t block_count; /* numbered from 1 */
    uint32_t fresh;       /* blocks from here on were never used */
    uint32_t free_first;  /* blocks given back; 0: none */
    uint32_t free_count;  /* those and the fresh ones */
    uint32_t hand;
    uint32_t bucket_count;        /* a power of two */
    uint64_t marks_at, blocks_at; /* from the shard's beginning */
    uint32_t buckets[];
};

struct segment {
    uint32_t magic, version, shard_count;
    uint8_t hash_key[16]; /* one for all processes, drawn when it is made */
    uint64_t bytes, shard_bytes;
};

static unsigned char *marks_of(struct shard *shard)
{
    return (unsigned char *)shard + shard->marks_at - 1; /* blocks count from 1 */
}

static union block *block_of(struct shard *shard, uint32_t number)
{
    cz_assert(number && number <= shard->block_count);
    return (union block *)(void *)((char *)shard + shard->blocks_at) + (number - 1);
}

static struct shard *shard_at(struct segment *segment, uint32_t number)
{
    return (struct shard *)(void *)((char *)segment + PAGE_BYTES + number * segment->shard_bytes);
}

/* ---- making it ---- */

/* Also the state after somebody died: what the blocks hold is no matter then. */
static void empty_shard(struct shard *shard)
{
    __atomic_store_n(&shard->changing, 1, __ATOMIC_SEQ_CST);
    memset(shard->buckets, 0, shard->bucket_count * sizeof *shard->buckets);
    memset(marks_of(shard) + 1, MARK_NONE, shard->block_count);
    shard->fresh = 1;
    shard->free_first = 0;
    shard->free_count = shard->block_count;
    shard->hand = 0;
    __atomic_store_n(&shard->changing, 0, __ATOMIC_SEQ_CST);
}

static cz_status init_shard(struct shard *shard, uint64_t bytes)
{
    /* A bucket for two blocks, at most: most entries have more than one. */
    uint64_t blocks = bytes / BLOCK_BYTES, buckets = 1;
    while (buckets * 4 <= blocks)
        buckets *= 2;
    uint64_t head_bytes = sizeof *shard + buckets * sizeof *shard->buckets;
    blocks = (bytes - head_bytes - BLOCK_BYTES) / (BLOCK_BYTES + 1);
    shard->bucket_count = (uint32_t)buckets;
    shard->block_count = (uint32_t)blocks;
    shard->marks_at = head_bytes;
    shard->blocks_at = (head_bytes + blocks + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    cz_assert(shard->blocks_at + blocks * BLOCK_BYTES <= bytes);
    shard->fresh = 1; /* the rest is zero, and its pages are not touched before they are used */
    shard->free_count = shard->block_count;
    return cz__shared_mutex_init(&shard->lock) ? CZ_OK : CZ_ENOMEM;
}

/* Map it; what a generation of another layout has left is not taken, by its name. */
static struct segment *map_segment(const struct cz__store *store, bool *out_fresh)
{
    char name[120];
    void *memory;
    cz_ignore(snprintf(name, sizeof name, "cache %s %d %lld", store->alias, LAYOUT_VERSION,
                       (long long)store->bytes)); /* it fits */
    return cz__shared_memory_open(name, (size_t)store->bytes, &memory, out_fresh) ? NULL : memory;
}

static cz_status memory_open(struct cz__store *store, const cz_url *url, cz_error *err)
{
    if (url->host.len || url->path.len || url->user.len)
        return cz_error_set(err, CZ_EVALIDATION,
                            "the URL of the cache \"%s\": memory:// has no host and no path",
                            store->alias);
    uint64_t space = (uint64_t)store->bytes - PAGE_BYTES;
    uint64_t shards = space / SHARD_BYTES;
    shards = shards < 1 ? 1 : shards > SHARDS_MAX ? SHARDS_MAX : shards;
    bool fresh;
    struct segment *segment = map_segment(store, &fresh);
    if (!segment)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the cache \"%s\"", store->alias);
    store->state = segment;
    if (!fresh)
        return CZ_OK;
    *segment = (struct segment){
        .magic = MAGIC,
        .version = LAYOUT_VERSION,
        .shard_count = (uint32_t)shards,
        .bytes = (uint64_t)store->bytes,
        .shard_bytes = space / shards / PAGE_BYTES * PAGE_BYTES,
    };
    cz_random_bytes(segment->hash_key, sizeof segment->hash_key);
    for (uint32_t i = 0; i < segment->shard_count; i++)
        if (init_shard(shard_at(segment, i), segment->shard_bytes)) {
            store->state = NULL;
            munmap(segment, (size_t)store->bytes);
            return cz_error_set(err, CZ_ENOMEM, "no memory for the cache \"%s\"", store->alias);
        }
    return CZ_OK;
}

static void memory_close(struct cz__store *store)
{
    struct segment *segment = store->state;
    munmap(segment, (size_t)segment->bytes);
    store->state = NULL;
}

/* ---- locking ---- */

static cz_status lock(const struct cz__store *store, struct shard *shard)
{
    int code = pthread_mutex_trylock(&shard->lock);
    if (code == EBUSY) {
        int64_t until_us = cz_monotonic_us() + store->timeout_ms * 1000;
        struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };
        code = pthread_mutex_clocklock(&shard->lock, CLOCK_MONOTONIC, &until);
    }
    if (code == EOWNERDEAD) {
        pthread_mutex_consistent(&shard->lock);
        if (__atomic_load_n(&shard->changing, __ATOMIC_SEQ_CST))
            empty_shard(shard);
        return CZ_OK;
    }
    return code ? CZ_EUNAVAILABLE : CZ_OK;
}

static void unlock(struct shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

/* Around whatever changes more than one word. */
static void begin_change(struct shard *shard)
{
    __atomic_store_n(&shard->changing, 1, __ATOMIC_SEQ_CST);
}

static void end_change(struct shard *shard)
{
    __atomic_store_n(&shard->changing, 0, __ATOMIC_SEQ_CST);
}

/* ---- the bytes of an entry, across its blocks ---- */

struct cursor {
    struct shard *shard;
    uint32_t next; /* block after this one */
    char *bytes;   /* what is left of this one */
    size_t bytes_left;
};

static struct cursor begin_bytes(struct shard *shard, uint32_t entry)
{
    struct head *head = &block_of(shard, entry)->head;
    return (struct cursor){ shard, head->next, head->bytes, sizeof head->bytes };
}

/* The next bytes that lie in one block, at most `bytes`. */
static size_t next_bytes(struct cursor *cursor, size_t bytes, char **out)
{
    if (!cursor->bytes_left) {
        struct tail *tail = &block_of(cursor->shard, cursor->next)->tail;
        *cursor = (struct cursor){ cursor->shard, tail->next, tail->bytes, sizeof tail->bytes };
    }
    size_t count = bytes < cursor->bytes_left ? bytes : cursor->bytes_left;
    *out = cursor->bytes;
    cursor->bytes += count;
    cursor->bytes_left -= count;
    return count;
}

static void write_bytes(struct cursor *cursor, cz_str text)
{
    char *place;
    while (text.len) {
        size_t count = next_bytes(cursor, text.len, &place);
        memcpy(place, text.ptr, count);
        text = cz_str_tail(text, count);
    }
}

static void read_bytes(struct cursor *cursor, char *out, size_t bytes)
{
    char *place;
    while (bytes) {
        size_t count = next_bytes(cursor, bytes, &place);
        memcpy(out, place, count);
        out += count;
        bytes -= count;
    }
}

static bool bytes_are(struct cursor *cursor, cz_str text)
{
    char *place;
    while (text.len) {
        size_t count = next_bytes(cursor, text.len, &place);
        if (memcmp(place, text.ptr, count) != 0)
            return false;
        text = cz_str_tail(text, count);
    }
    return true;
}

static uint64_t blocks_for(size_t bytes)
{
    const size_t first = sizeof((struct head *)0)->bytes, each = sizeof((struct tail *)0)->bytes;
    return bytes <= first ? 1 : 1 + (bytes - first + each - 1) / each;
}

/* ---- blocks ---- */

static uint32_t take_block(struct shard *shard)
{
    cz_assert(shard->free_count);
    shard->free_count--;
    uint32_t number = shard->free_first;
    if (!number)
        return shard->fresh++;
    shard->free_first = block_of(shard, number)->tail.next;
    return number;
}

static void free_block(struct shard *shard, uint32_t number)
{
    block_of(shard, number)->tail.next = shard->free_first;
    shard->free_first = number;
    shard->free_count++;
}

/* ---- entries ---- */

static uint32_t *bucket_of(struct shard *shard, uint64_t hash)
{
    return &shard->buckets[hash & (shard->bucket_count - 1)];
}

/* Between begin_change() and end_change(). */
static void drop_entry(struct shard *shard, uint32_t entry)
{
    const struct head *head = &block_of(shard, entry)->head;
    uint32_t *link = bucket_of(shard, head->hash);
    while (*link != entry)
        link = &block_of(shard, *link)->head.chain;
    *link = head->chain;
    marks_of(shard)[entry] = MARK_NONE;
    for (uint32_t block = entry; block;) {
        uint32_t next = block == entry ? head->next : block_of(shard, block)->tail.next;
        free_block(shard, block);
        block = next;
    }
}

/* The entry of a key; 0: none. One whose time is over is removed. */
static uint32_t find_entry(struct shard *shard, uint64_t hash, cz_str key)
{
    for (uint32_t entry = *bucket_of(shard, hash); entry;) {
        const struct head *head = &block_of(shard, entry)->head;
        struct cursor bytes = begin_bytes(shard, entry);
        if (head->hash != hash || head->key_bytes != key.len || !bytes_are(&bytes, key)) {
            entry = head->chain;
            continue;
        }
        if (cz_monotonic_us() < head->end_us)
            return entry;
        begin_change(shard);
        drop_entry(shard, entry);
        end_change(shard);
        return 0;
    }
    return 0;
}

/* Make room by one entry, not one that was read since the hand came by. */
static void evict_one(struct shard *shard)
{
    unsigned char *marks = marks_of(shard);
    int64_t now_us = cz_monotonic_us();
    for (;;) { /* ends: the second time round no mark says "read" */
        uint32_t at = shard->hand = shard->hand % shard->block_count + 1;
        if (marks[at] == MARK_NONE)
            continue;
        if (marks[at] == MARK_READ && now_us < block_of(shard, at)->head.end_us) {
            marks[at] = MARK_HEAD;
            continue;
        }
        drop_entry(shard, at);
        return;
    }
}

/* Store an entry in place of `old` (0: none). False: it is larger than half a shard. */
static bool put_entry(struct shard *shard, uint32_t old, uint64_t hash, const cz_cache_item *item,
                      int64_t end_us)
{
    uint64_t needed = blocks_for(item->key.len + item->value.len);
    if (needed > shard->block_count / 2)
        return false;
    begin_change(shard);
    if (old)
        drop_entry(shard, old);
    while (shard->free_count < needed)
        evict_one(shard);
    uint32_t entry = take_block(shard), block = 0;
    for (uint64_t i = 1; i < needed; i++) { /* from the last to the second */
        uint32_t number = take_block(shard);
        block_of(shard, number)->tail.next = block;
        block = number;
    }
    uint32_t *bucket = bucket_of(shard, hash);
    struct head *head = &block_of(shard, entry)->head;
    head->next = block;
    head->chain = *bucket;
    head->hash = hash;
    head->end_us = end_us;
    head->key_bytes = (uint32_t)item->key.len;
    head->value_bytes = (uint32_t)item->value.len;
    struct cursor bytes = begin_bytes(shard, entry);
    write_bytes(&bytes, item->key);
    write_bytes(&bytes, item->value);
    marks_of(shard)[entry] = MARK_HEAD;
    *bucket = entry;
    end_change(shard);
    return true;
}

/* ---- the driver ---- */

/* A key's place: its shard, locked, and its entry there. */
struct place {
    struct shard *shard;
    uint64_t hash;
    uint32_t entry; /* 0: none */
};

static cz_status enter(const struct cz__store *store, cz_str key, struct place *out)
{
    struct segment *segment = store->state;
    cz_assert(segment->magic == MAGIC && segment->version == LAYOUT_VERSION);
    out->hash = cz__siphash13(segment->hash_key, key.ptr, key.len);
    out->shard = shard_at(segment, (uint32_t)(out->hash >> 32) % segment->shard_count);
    cz_status status = lock(store, out->shard);
    if (!status)
        out->entry = find_entry(out->shard, out->hash, key);
    return status;
}

static int64_t end_of(int64_t ttl_ms)
{
    return ttl_ms == CZ_CACHE_FOREVER ? FOREVER_US : cz_monotonic_us() + ttl_ms * 1000;
}

static struct cursor begin_value(const struct place *place)
{
    struct cursor bytes = begin_bytes(place->shard, place->entry);
    size_t left = block_of(place->shard, place->entry)->head.key_bytes;
    char *skipped;
    while (left)
        left -= next_bytes(&bytes, left, &skipped);
    return bytes;
}

static cz_status copy_value(cz_ctx *ctx, const struct place *place, cz_str *out)
{
    size_t bytes = block_of(place->shard, place->entry)->head.value_bytes;
    char *copy = cz_arena_alloc(ctx->arena, bytes); /* raises nothing: the lock is held */
    if (!copy)
        return CZ_ENOMEM;
    struct cursor cursor = begin_value(place);
    read_bytes(&cursor, copy, bytes);
    marks_of(place->shard)[place->entry] = MARK_READ;
    *out = cz_str_of(copy, bytes);
    return CZ_OK;
}

static cz_status memory_get(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                            cz_str *out)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < count && !status; i++) {
        struct place place;
        out[i] = cz_str_of(NULL, 0);
        status = enter(store, keys[i], &place);
        if (status)
            break;
        if (place.entry)
            status = copy_value(ctx, &place, &out[i]);
        unlock(place.shard);
    }
    return status;
}

static cz_status memory_set(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items,
                            size_t count, int64_t ttl_ms, size_t *out_stored)
{
    size_t stored = 0;
    for (size_t i = 0; i < count; i++) {
        struct place place;
        cz_status status = enter(store, items[i].key, &place);
        if (status)
            return status;
        bool fits = put_entry(place.shard, place.entry, place.hash, &items[i], end_of(ttl_ms));
        if (!fits && place.entry) { /* what was there is out of date */
            begin_change(place.shard);
            drop_entry(place.shard, place.entry);
            end_change(place.shard);
        }
        unlock(place.shard);
        stored += fits;
        if (!fits)
            cz__store_tell(ctx, store, CZ__NEWS_TOO_LONG, "raise `bytes` of its URL");
    }
    *out_stored = stored;
    return CZ_OK;
}

static cz_status memory_add(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value,
                            int64_t ttl_ms, bool *out_added)
{
    (void)ctx;
    struct place place;
    cz_status status = enter(store, key, &place);
    if (status)
        return status;
    *out_added = !place.entry && put_entry(place.shard, 0, place.hash,
                                           &(const cz_cache_item){ key, value }, end_of(ttl_ms));
    unlock(place.shard);
    return CZ_OK;
}

static cz_status memory_touch(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                              bool *out_found)
{
    (void)ctx;
    struct place place;
    cz_status status = enter(store, key, &place);
    if (status)
        return status;
    *out_found = place.entry != 0;
    if (place.entry)
        block_of(place.shard, place.entry)->head.end_us = end_of(ttl_ms);
    unlock(place.shard);
    return CZ_OK;
}

/* Remove a key, where `value` is not NULL only when that is its value. */
static cz_status remove_one(const struct cz__store *store, cz_str key, const cz_str *value,
                            size_t *removed)
{
    struct place place;
    cz_status status = enter(store, key, &place);
    if (status)
        return status;
    bool is_meant = place.entry != 0;
    if (is_meant && value) {
        struct cursor bytes = begin_value(&place);
        is_meant = block_of(place.shard, place.entry)->head.value_bytes == value->len &&
                   bytes_are(&bytes, *value);
    }
    if (is_meant) {
        begin_change(place.shard);
        drop_entry(place.shard, place.entry);
        end_change(place.shard);
    }
    unlock(place.shard);
    *removed += is_meant;
    return CZ_OK;
}

static cz_status memory_remove(cz_ctx *ctx, struct cz__store *store, const cz_str *keys,
                               size_t count, size_t *out_removed)
{
    (void)ctx;
    size_t removed = 0;
    cz_status status = CZ_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = remove_one(store, keys[i], NULL, &removed);
    *out_removed = removed;
    return status;
}

static cz_status memory_remove_if(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value)
{
    (void)ctx;
    size_t removed = 0;
    return remove_one(store, key, &value, &removed);
}

/* Add to the integer an entry holds, which stays for as long as it was to. */
static enum cz__counted count_on(const struct place *place, cz_str key, int64_t delta, int64_t *out)
{
    char text[24];
    const struct head *head = &block_of(place->shard, place->entry)->head;
    struct cursor bytes = begin_value(place);
    int64_t number;
    if (head->value_bytes > sizeof text)
        return CZ__COUNTED_NO_INTEGER;
    size_t len = head->value_bytes;
    read_bytes(&bytes, text, len);
    if (!cz__is_integer(cz_str_of(text, len), &number))
        return CZ__COUNTED_NO_INTEGER;
    if (__builtin_add_overflow(number, delta, &number))
        return CZ__COUNTED_TOO_FAR;
    cz_cache_item item = { key, cz_str_of(text, cz_i64_write(text, number)) };
    cz_ignore(
        put_entry(place->shard, place->entry, place->hash, &item, head->end_us)); /* as long */
    *out = number;
    return CZ__COUNTED;
}

static cz_status memory_incr(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                             enum cz__counted *out_counted, int64_t *out)
{
    (void)ctx;
    struct place place;
    cz_status status = enter(store, key, &place);
    if (status)
        return status;
    *out_counted = place.entry ? count_on(&place, key, delta, out) : CZ__COUNTED_NOTHING;
    unlock(place.shard);
    return CZ_OK;
}

static cz_status memory_clear(cz_ctx *ctx, struct cz__store *store)
{
    (void)ctx;
    struct segment *segment = store->state;
    for (uint32_t i = 0; i < segment->shard_count; i++) {
        struct shard *shard = shard_at(segment, i);
        cz_status status = lock(store, shard);
        if (status)
            return status;
        empty_shard(shard);
        unlock(shard);
    }
    return CZ_OK;
}

const struct cz__cache_driver cz__cache_memory = {
    .scheme = "memory",
    .is_local = true,
    .open = memory_open,
    .close = memory_close,
    .get = memory_get,
    .set = memory_set,
    .add = memory_add,
    .touch = memory_touch,
    .remove = memory_remove,
    .remove_if = memory_remove_if,
    .incr = memory_incr,
    .clear = memory_clear,
};

/* ---- for tests ---- */

/* Blocks of a chain; 0 when it is broken. */
static uint64_t chain_length(struct shard *shard, uint32_t first, bool is_entry)
{
    uint64_t count = 0;
    for (uint32_t at = first; at; count++) {
        if (at > shard->block_count || count > shard->block_count)
            return 0;
        at = is_entry && at == first ? block_of(shard, at)->head.next
                                     : block_of(shard, at)->tail.next;
    }
    return count;
}

static bool shard_is_sound(struct shard *shard)
{
    uint64_t entries = 0, used = 0, marked = 0;
    for (uint32_t i = 0; i < shard->bucket_count; i++)
        for (uint32_t entry = shard->buckets[i]; entry;
             entry = block_of(shard, entry)->head.chain) {
            const struct head *head = &block_of(shard, entry)->head;
            uint64_t blocks = chain_length(shard, entry, true);
            if (marks_of(shard)[entry] == MARK_NONE ||
                bucket_of(shard, head->hash) != &shard->buckets[i] ||
                blocks != blocks_for((size_t)head->key_bytes + head->value_bytes) ||
                ++entries > shard->block_count)
                return false;
            used += blocks;
        }
    for (uint32_t i = 1; i <= shard->block_count; i++)
        marked += marks_of(shard)[i] != MARK_NONE;
    uint64_t returned = chain_length(shard, shard->free_first, false);
    uint64_t fresh = shard->block_count - shard->fresh + 1;
    return marked == entries && !shard->changing && returned + fresh == shard->free_count &&
           used + shard->free_count == shard->block_count;
}

bool cz__cache_memory_is_sound(struct cz__store *store)
{
    struct segment *segment = store->state;
    bool sound = true;
    for (uint32_t i = 0; i < segment->shard_count && sound; i++) {
        struct shard *shard = shard_at(segment, i);
        if (lock(store, shard))
            return false;
        sound = shard_is_sound(shard);
        unlock(shard);
    }
    return sound;
}
