/* Arenas.
 *
 * An arena is a list of chunks, bump-allocated from the newest. Chunks of the usual size are kept in a
 * small per-thread cache between arenas, so a request costs no malloc once the worker is warm. Each chunk
 * is charged to its arena and to every ancestor; the tightest budget on the way up decides.
 *
 * Under AddressSanitizer unused bytes are poisoned, a red zone follows each allocation and the cache is
 * off, so overruns and uses after reset are reported where they happen.
 */
#include <calzone/memory.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, bytes) ASAN_POISON_MEMORY_REGION((ptr), (bytes))
#define UNPOISON(ptr, bytes) ASAN_UNPOISON_MEMORY_REGION((ptr), (bytes))
enum { RED_ZONE = 16, CACHED_CHUNKS_MAX = 0 };
#else
#define POISON(ptr, bytes) ((void)(ptr), (void)(bytes))
#define UNPOISON(ptr, bytes) ((void)(ptr), (void)(bytes))
enum { RED_ZONE = 0, CACHED_CHUNKS_MAX = 64 };
#endif

enum { ALIGNMENT = 16 };

#ifdef CZ_FAULTS
static _Thread_local uint64_t fault_count, fault_at;
static _Thread_local bool fault_sticky;

static bool fault(void)
{
    fault_count++;
    return fault_at && (fault_count == fault_at || (fault_sticky && fault_count > fault_at));
}

uint64_t cz__alloc_fail_at(uint64_t nth, bool sticky)
{
    uint64_t count = fault_count;
    fault_count = 0;
    fault_at = nth;
    fault_sticky = sticky;
    return count;
}
#else
static bool fault(void)
{
    return false;
}

uint64_t cz__alloc_fail_at(uint64_t nth, bool sticky)
{
    (void)nth;
    (void)sticky;
    return 0;
}
#endif

void *cz_malloc(size_t bytes)
{
    return fault() ? NULL : malloc(bytes ? bytes : 1);
}

void *cz_calloc(size_t count, size_t bytes)
{
    return fault() ? NULL : calloc(count ? count : 1, bytes ? bytes : 1);
}

void *cz_realloc(void *old, size_t bytes)
{
    return fault() ? NULL : realloc(old, bytes ? bytes : 1);
}

void cz_free(void *memory)
{
    free(memory);
}

char *cz_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = cz_malloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

struct chunk {
    struct chunk *next;
    size_t bytes; /* of the whole chunk, this header included */
};

struct cleanup {
    struct cleanup *next;
    uint64_t order; /* among the arena's clean-ups and children */
    void (*fn)(void *arg);
    void *arg;
};

struct cz_arena {
    char *cursor, *end;   /* free part of the newest chunk */
    struct chunk *chunks; /* newest first */
    struct cleanup *cleanups;
    cz_arena *parent, *child, *previous, *next; /* tree; siblings are a list, newest first */
    size_t bytes, budget;                       /* chunks of this arena and its descendants */
    uint64_t order;                             /* among the parent's clean-ups and children */
    uint64_t next_order;                        /* what the next clean-up or child gets */
    bool spent; /* its budget refused something since it was reset */
};

static _Thread_local struct chunk *chunk_cache;
static _Thread_local unsigned chunk_cache_count;

static size_t aligned(size_t bytes)
{
    return (bytes + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
}

static bool charge(cz_arena *arena, size_t bytes)
{
    for (cz_arena *a = arena; a; a = a->parent)
        if (a->bytes > a->budget || a->budget - a->bytes < bytes) {
            a->spent = true;
            return false;
        }
    for (cz_arena *a = arena; a; a = a->parent)
        a->bytes += bytes;
    return true;
}

static void discharge(cz_arena *arena, size_t bytes)
{
    for (cz_arena *a = arena; a; a = a->parent)
        a->bytes -= bytes;
}

static struct chunk *chunk_create(cz_arena *arena, size_t bytes)
{
    if (!charge(arena, bytes))
        return NULL;
    struct chunk *chunk = chunk_cache;
    if (bytes == CZ_ARENA_CHUNK_BYTES && chunk) {
        chunk_cache = chunk->next;
        chunk_cache_count--;
    } else {
        chunk = malloc(bytes);
    }
    if (!chunk) {
        discharge(arena, bytes);
        return NULL;
    }
    chunk->bytes = bytes;
    return chunk;
}

static void chunk_destroy(cz_arena *arena, struct chunk *chunk)
{
    discharge(arena, chunk->bytes);
    UNPOISON(chunk, chunk->bytes);
    if (chunk->bytes == CZ_ARENA_CHUNK_BYTES && chunk_cache_count != CACHED_CHUNKS_MAX) {
        chunk->next = chunk_cache;
        chunk_cache = chunk;
        chunk_cache_count++;
    } else {
        free(chunk);
    }
}

void cz__arena_trim(void)
{
    while (chunk_cache) {
        struct chunk *chunk = chunk_cache;
        chunk_cache = chunk->next;
        free(chunk);
    }
    chunk_cache_count = 0;
}

/* The first chunk holds the arena itself, so a short-lived arena is one chunk and no more. */
static char *first_cursor(cz_arena *arena)
{
    return (char *)arena + aligned(sizeof *arena);
}

cz_status cz_arena_create(cz_arena *parent, size_t budget_bytes, cz_arena **out)
{
    if (fault() || (budget_bytes && budget_bytes < CZ_ARENA_CHUNK_BYTES))
        return CZ_ENOMEM;
    if (parent && !charge(parent, CZ_ARENA_CHUNK_BYTES))
        return CZ_ENOMEM;
    struct chunk *chunk = chunk_cache;
    if (chunk) {
        chunk_cache = chunk->next;
        chunk_cache_count--;
    } else if (!(chunk = malloc(CZ_ARENA_CHUNK_BYTES))) {
        if (parent)
            discharge(parent, CZ_ARENA_CHUNK_BYTES);
        return CZ_ENOMEM;
    }
    chunk->next = NULL;
    chunk->bytes = CZ_ARENA_CHUNK_BYTES;
    cz_arena *arena = (cz_arena *)(void *)((char *)chunk + aligned(sizeof *chunk));
    *arena = (cz_arena){
        .chunks = chunk,
        .end = (char *)chunk + CZ_ARENA_CHUNK_BYTES,
        .parent = parent,
        .bytes = CZ_ARENA_CHUNK_BYTES,
        .budget = budget_bytes ? budget_bytes : SIZE_MAX,
    };
    arena->cursor = first_cursor(arena);
    POISON(arena->cursor, (size_t)(arena->end - arena->cursor));
    if (parent) {
        arena->order = parent->next_order++;
        arena->next = parent->child;
        if (arena->next)
            arena->next->previous = arena;
        parent->child = arena;
    }
    *out = arena;
    return CZ_OK;
}

void cz_arena_reset(cz_arena *arena)
{
    /* Clean-ups and children in one order, as destructors: what came later may use what came before. A
     * clean-up may register others and may end a child itself. */
    while (arena->cleanups || arena->child) {
        struct cleanup *cleanup = arena->cleanups;
        if (arena->child && (!cleanup || arena->child->order > cleanup->order)) {
            cz_arena_destroy(arena->child);
            continue;
        }
        arena->cleanups = cleanup->next;
        cleanup->fn(cleanup->arg);
    }
    while (arena->chunks->next) { /* the last one is the first chunk, which holds the arena */
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        chunk_destroy(arena, chunk);
    }
    arena->cursor = first_cursor(arena);
    arena->end = (char *)arena->chunks + arena->chunks->bytes;
    arena->spent = false;
    POISON(arena->cursor, (size_t)(arena->end - arena->cursor));
}

void cz_arena_destroy(cz_arena *arena)
{
    if (!arena)
        return;
    cz_arena_reset(arena);
    cz_arena *parent = arena->parent;
    if (parent) {
        if (arena->previous)
            arena->previous->next = arena->next;
        else
            parent->child = arena->next;
        if (arena->next)
            arena->next->previous = arena->previous;
    }
    struct chunk *chunk = arena->chunks;
    chunk_destroy(arena, chunk);
}

/* `bytes` as asked for, `take` with red zone and padding. A large piece gets a chunk of its own, and the
 * arena goes on bumping in the chunk it has; which of them stands first in the list does not matter, as
 * long as the one with the arena in it stays last. */
static void *alloc_slow(cz_arena *arena, size_t bytes, size_t take)
{
    size_t header = aligned(sizeof(struct chunk));
    if (take > SIZE_MAX - header)
        return NULL;
    bool own = take > CZ_ARENA_CHUNK_BYTES / 4;
    struct chunk *chunk = chunk_create(arena, own ? header + take : CZ_ARENA_CHUNK_BYTES);
    if (!chunk)
        return NULL;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    char *start = (char *)chunk + header;
    POISON(start, chunk->bytes - header);
    UNPOISON(start, bytes);
    if (!own) {
        arena->cursor = start + take;
        arena->end = (char *)chunk + chunk->bytes;
    }
    return start;
}

void *cz_arena_alloc(cz_arena *arena, size_t bytes)
{
    if (fault() || bytes > SIZE_MAX - ALIGNMENT - RED_ZONE)
        return NULL;
    size_t take = aligned(bytes + RED_ZONE);
    if (__builtin_expect((size_t)(arena->end - arena->cursor) < take, 0))
        return alloc_slow(arena, bytes, take);
    char *at = arena->cursor;
    arena->cursor += take;
    UNPOISON(at, bytes);
    return at;
}

void *cz_arena_calloc(cz_arena *arena, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    void *memory = cz_arena_alloc(arena, total);
    return memory ? memset(memory, 0, total) : NULL;
}

void *cz__arena_grown(cz_arena *arena, const void *items, size_t count, size_t cap, size_t bytes)
{
    size_t total;
    cz_assert(count <= cap);
    if (__builtin_mul_overflow(cap, bytes, &total))
        return NULL;
    void *grown = cz_arena_alloc(arena, total);
    if (grown && count)
        memcpy(grown, items, count * bytes);
    return grown;
}

char *cz_arena_strdup(cz_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = cz_arena_alloc(arena, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *cz_arena_printf(cz_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len >= 0 ? cz_arena_alloc(arena, (size_t)len + 1) : NULL;
    if (text)
        cz_ignore(vsnprintf(text, (size_t)len + 1, format, again)); /* measured just above */
    va_end(again);
    va_end(args);
    return text;
}

cz_status cz_arena_on_reset(cz_arena *arena, void (*fn)(void *arg), void *arg)
{
    struct cleanup *cleanup = cz_arena_alloc(arena, sizeof *cleanup);
    if (!cleanup)
        return CZ_ENOMEM;
    *cleanup = (struct cleanup){ arena->cleanups, arena->next_order++, fn, arg };
    arena->cleanups = cleanup;
    return CZ_OK;
}

size_t cz_arena_bytes(const cz_arena *arena)
{
    return arena->bytes;
}

bool cz__arena_is_spent(const cz_arena *arena)
{
    while (arena && !arena->spent)
        arena = arena->parent;
    return arena != NULL;
}

size_t cz_arena_budget(const cz_arena *arena)
{
    size_t budget = arena->budget;
    for (const cz_arena *a = arena->parent; a; a = a->parent)
        if (a->budget < budget)
            budget = a->budget;
    return budget;
}
