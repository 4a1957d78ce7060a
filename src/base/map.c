/* Open addressing over an array of entries kept in insertion order, as CPython's dict: the slots hold
 * indexes, so iteration is a walk of the array and growing never moves keys out of order. */
#include <calzone/map.h>
#include <calzone/random.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SLOTS_MIN = 8, ENTRIES_MAX = 1 << 30 };

static uint8_t hash_key[16];
static atomic_bool hash_key_ready;
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

void cz__hash_reseed(void)
{
    cz_random_bytes(hash_key, sizeof hash_key);
    atomic_store_explicit(&hash_key_ready, true, memory_order_release);
}

static void hash_seed(void)
{
    if (!hash_key_ready)
        cz__hash_reseed();
}

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

uint64_t cz__siphash13(const uint8_t key[16], const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t k0 = load64(key), k1 = load64(key + 8);
    uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                      k1 ^ 0x7465646279746573u };
    uint64_t last = (uint64_t)len << 56;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t m = load64(p);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)p[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const uint8_t *current_key(void)
{
    if (__builtin_expect(!atomic_load_explicit(&hash_key_ready, memory_order_acquire), 0))
        pthread_once(&hash_key_once, hash_seed); /* two threads must not draw one key each */
    return hash_key;
}

void cz__siphash13_twice(const uint8_t keys[2][16], const void *bytes, size_t len, uint8_t out[16])
{
    for (int i = 0; i < 2; i++) {
        uint64_t half = cz__siphash13(keys[i], bytes, len);
        memcpy(out + 8 * i, &half, sizeof half);
    }
}

uint64_t cz_hash(const void *bytes, size_t len)
{
    return cz__siphash13(current_key(), bytes, len);
}

void cz_map_init(cz_map *map, cz_arena *arena)
{
    *map = (cz_map){ .arena = arena };
    memcpy(map->hash_key, current_key(), sizeof map->hash_key);
}

/* The slot that holds `key`, or the empty one where it would go. */
static uint32_t *find_slot(const cz_map *map, cz_str key, uint64_t hash)
{
    uint32_t mask = map->slot_count - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &map->slots[i];
        if (*slot == 0)
            return slot;
        const cz_map_entry *entry = &map->entries[*slot - 1];
        if (entry->hash == hash && cz_str_eq(entry->key, key))
            return slot;
    }
}

/* Close the gaps that removed entries left, in the memory at hand. */
static void compact(cz_map *map)
{
    uint32_t kept = 0;
    memset(map->slots, 0, map->slot_count * sizeof *map->slots);
    for (uint32_t i = 0; i < map->entry_count; i++) {
        if (!map->entries[i].value)
            continue;
        map->entries[kept] = map->entries[i];
        *find_slot(map, map->entries[kept].key, map->entries[kept].hash) = kept + 1;
        kept++;
    }
    map->entry_count = kept;
}

/* Make room for one more entry. A map in which entries come and go as often keeps its size, and its
 * arena does not grow; at least a quarter of the slots is free afterwards, so this is rare. */
static cz_status make_room(cz_map *map)
{
    if (map->live_count >= ENTRIES_MAX)
        return CZ_ETOOBIG;
    uint32_t slot_count = SLOTS_MIN;
    while (slot_count / 2 <= map->live_count)
        slot_count *= 2;
    if (slot_count <= map->slot_count) {
        compact(map);
        return CZ_OK;
    }
    uint32_t entry_cap = slot_count / 4 * 3;
    uint32_t *slots = cz_arena_array(map->arena, uint32_t, slot_count);
    cz_map_entry *entries = cz_arena_alloc(map->arena, entry_cap * sizeof *entries);
    if (!slots || !entries)
        return CZ_ENOMEM;
    cz_map grown = { .arena = map->arena,
                     .entries = entries,
                     .slots = slots,
                     .entry_cap = entry_cap,
                     .slot_count = slot_count };
    memcpy(grown.hash_key, map->hash_key, sizeof grown.hash_key);
    for (uint32_t i = 0; i < map->entry_count; i++) {
        if (!map->entries[i].value)
            continue;
        entries[grown.entry_count] = map->entries[i];
        *find_slot(&grown, map->entries[i].key, map->entries[i].hash) = ++grown.entry_count;
    }
    grown.live_count = grown.entry_count;
    *map = grown;
    return CZ_OK;
}

cz_status cz_map_set(cz_map *map, cz_str key, void *value)
{
    cz_assert(value);
    uint64_t hash = cz__siphash13(map->hash_key, key.ptr, key.len);
    uint32_t *slot = map->slot_count ? find_slot(map, key, hash) : NULL;
    if (slot && *slot && map->entries[*slot - 1].value) {
        map->entries[*slot - 1].value = value;
        map->entries[*slot - 1].key = key;
        return CZ_OK;
    }
    /* A key that was removed and comes again goes to the end; its slot then points there. */
    if (map->entry_count == map->entry_cap) {
        cz_status status = make_room(map);
        if (status)
            return status;
        slot = find_slot(map, key, hash);
    }
    cz_assert(slot); /* without slots there is no entry_cap either */
    map->entries[map->entry_count] = (cz_map_entry){ key, value, hash };
    *slot = ++map->entry_count;
    map->live_count++;
    return CZ_OK;
}

void *cz_map_get(const cz_map *map, cz_str key)
{
    if (!map->slot_count)
        return NULL;
    uint32_t slot = *find_slot(map, key, cz__siphash13(map->hash_key, key.ptr, key.len));
    return slot ? map->entries[slot - 1].value : NULL;
}

void *cz_map_remove(cz_map *map, cz_str key)
{
    if (!map->slot_count)
        return NULL;
    uint32_t slot = *find_slot(map, key, cz__siphash13(map->hash_key, key.ptr, key.len));
    if (!slot)
        return NULL;
    void *value = map->entries[slot - 1].value;
    map->live_count -= value != NULL;
    map->entries[slot - 1].value = NULL; /* the slot stays taken, so probing past it still works */
    return value;
}

size_t cz_map_count(const cz_map *map)
{
    return map->live_count;
}

const cz_map_entry *cz_map_next(const cz_map *map, size_t *cursor)
{
    while (*cursor < map->entry_count) {
        const cz_map_entry *entry = &map->entries[(*cursor)++];
        if (entry->value)
            return entry;
    }
    return NULL;
}
