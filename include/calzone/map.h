/* calzone/map.h: a hash map from strings to pointers, kept in insertion order.
 *
 * Keyed with SipHash-1-3 under a random per-process key, so nobody outside can choose colliding keys
 * (hash flooding). It lives in an arena, whose budget bounds it. Used by one thread at a time.
 */
#ifndef CALZONE_MAP_H
#define CALZONE_MAP_H

#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_map_entry {
    cz_str key;  /* borrowed from the caller, as given to cz_map_set() */
    void *value; /* NULL once removed */
    uint64_t hash;
} cz_map_entry;

typedef struct cz_map {
    cz_arena *arena; /* borrowed */
    cz_map_entry *entries;
    uint32_t *slots; /* index + 1 into entries; 0 empty */
    uint32_t entry_count, entry_cap, slot_count, live_count;
    uint8_t hash_key[16]; /* the process's when the map was made: it stays good after a fork */
} cz_map;

/* An empty map that allocates from `arena`, which must outlive it. */
void cz_map_init(cz_map *map, cz_arena *arena);
/* Store `value` (not NULL) under `key`, whose bytes are borrowed, replacing an earlier one.
 * Ends every walk with cz_map_next() and every pointer to an entry. Errors: CZ_ENOMEM; CZ_ETOOBIG over
 * 2^30 entries. */
CZ_NODISCARD cz_status cz_map_set(cz_map *map, cz_str key, void *value);
/* The value under `key`; NULL when there is none. */
void *cz_map_get(const cz_map *map, cz_str key);
/* Remove and return the value; NULL when there was none. */
void *cz_map_remove(cz_map *map, cz_str key);
/* Live entries. */
size_t cz_map_count(const cz_map *map);
/* The next live entry in insertion order; start with `*cursor` 0; NULL at the end. Entries may be removed
 * on the way. */
const cz_map_entry *cz_map_next(const cz_map *map, size_t *cursor);

/* SipHash-1-3 (Aumasson, Bernstein, 2012) of `bytes` under the process's key. The key is drawn from
 * getrandom() at first use and drawn anew in each worker; hashes are never stored or sent. */
uint64_t cz_hash(const void *bytes, size_t len);
/* The same under a given key; for tests against the published vectors. */
uint64_t cz__siphash13(const uint8_t key[16], const void *bytes, size_t len);
/* Under two keys, which makes 128 bits, in the machine's order of bytes. */
void cz__siphash13_twice(const uint8_t keys[2][16], const void *bytes, size_t len, uint8_t out[16]);
/* Draw a new hash key for cz_hash() and for maps made from now on; those made before keep theirs. Called by
 * each worker at its start. */
void cz__hash_reseed(void);

#ifdef __cplusplus
}
#endif
#endif
