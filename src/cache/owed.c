/* What a cache that is away still has to forget, in memory that the workers share: whichever finds it back first removes that
 * before anything is read again, also when the one that owed it has ended.
 *
 * Keys stand one behind the other, each with a NUL after it; more than there is room for are all keys. */
#include "base/shared_mutex.h"
#include "cache/cache_internal.h"
#include "runtime/shared_memory.h"
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

enum { KEYS_BYTES_MAX = 65536, LAYOUT_VERSION = 1 };

struct cz__owed {
    pthread_mutex_t mutex;
    _Atomic bool pending; /* there is something, for a look without the mutex */
    bool all;
    uint64_t changes; /* counts additions */
    size_t len;
    char keys[KEYS_BYTES_MAX];
};

cz_status cz__owed_create(const char *whose, struct cz__owed **out)
{
    char name[120];
    void *memory; /* whose pages are used when they are needed */
    bool fresh;
    cz_ignore(snprintf(name, sizeof name, "owed %s %d", whose, LAYOUT_VERSION)); /* it fits */
    if (cz__shared_memory_open(name, sizeof(struct cz__owed), &memory, &fresh))
        return CZ_ENOMEM;
    struct cz__owed *owed = memory;
    if (fresh && !cz__shared_mutex_init(&owed->mutex)) {
        munmap(owed, sizeof *owed);
        return CZ_ENOMEM;
    }
    *out = owed;
    return CZ_OK;
}

void cz__owed_destroy(struct cz__owed *owed)
{
    if (owed)
        munmap(owed, sizeof *owed);
}

/* Who died in the middle may have left half a key. */
static void lock(struct cz__owed *owed)
{
    if (cz__shared_mutex_lock(&owed->mutex)) {
        owed->all = true;
        owed->changes++;
        atomic_store(&owed->pending, true);
    }
}

static void add_key(struct cz__owed *owed, cz_str key)
{
    if (key.len + 1 > KEYS_BYTES_MAX - owed->len) {
        owed->all = true;
        return;
    }
    memcpy(owed->keys + owed->len, key.ptr, key.len); /* which has no control byte */
    owed->keys[owed->len + key.len] = '\0';
    owed->len += key.len + 1;
}

void cz__owed_add(struct cz__owed *owed, const cz_str *keys, size_t count)
{
    lock(owed);
    for (size_t i = 0; i < count && !owed->all; i++)
        add_key(owed, keys[i]);
    owed->changes++;
    atomic_store(&owed->pending, true);
    pthread_mutex_unlock(&owed->mutex);
}

void cz__owed_add_all(struct cz__owed *owed)
{
    lock(owed);
    owed->all = true;
    owed->changes++;
    atomic_store(&owed->pending, true);
    pthread_mutex_unlock(&owed->mutex);
}

bool cz__owed_is_none(struct cz__owed *owed)
{
    return !atomic_load(&owed->pending);
}

cz_status cz__owed_read(struct cz__owed *owed, cz_arena *arena, struct cz__debt *out)
{
    cz_str text = CZ_STR("");
    lock(owed);
    *out = (struct cz__debt){ .all = owed->all, .changes = owed->changes };
    cz_status status =
        owed->all ? CZ_OK : cz_str_dup(arena, cz_str_of(owed->keys, owed->len), &text);
    pthread_mutex_unlock(&owed->mutex);
    size_t count = cz_str_count(text, '\0');
    cz_str *keys = cz_arena_array(arena, cz_str, count + 1);
    if (status || !keys)
        return CZ_ENOMEM;
    while (text.len)
        keys[out->keys.count++] = cz_str_cut(&text, '\0');
    out->keys.items = keys;
    return CZ_OK;
}

void cz__owed_settle(struct cz__owed *owed, const struct cz__debt *debt)
{
    lock(owed);
    if (owed->changes == debt->changes) { /* else more was added, and all of it is done again */
        owed->all = false;
        owed->len = 0;
        atomic_store(&owed->pending, false);
    }
    pthread_mutex_unlock(&owed->mutex);
}
