/* calzone/memory.h: arenas, and the allocator below them.
 *
 * Lifetimes are a tree, as PostgreSQL's memory contexts: process > worker > connection > request or task
 * > scratch. Each has an arena; releasing one releases everything below it. An arena has a budget in
 * bytes, charged to all its ancestors too, so nothing grows without a maximum; running out is CZ_ENOMEM
 * like any other failure. Clean-ups registered with an arena run when it is reset, newest first, which is
 * how files, statements and locks follow memory's lifetime.
 *
 * An arena belongs to one thread. Handlers never free: what they allocate goes with the request.
 */
#ifndef CALZONE_MEMORY_H
#define CALZONE_MEMORY_H

#include <calzone/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* malloc, calloc-like zeroing, realloc and free, through which everything of the library's own goes, so
 * tests can fail the n-th. Each returns NULL when out of memory. Context: any thread. */
void *cz_malloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
void *cz_calloc(size_t count, size_t bytes) __attribute__((malloc, alloc_size(1, 2)));
void *cz_realloc(void *old, size_t bytes) __attribute__((alloc_size(2)));
void cz_free(void *memory); /* NULL does nothing */
char *cz_strdup(const char *text);

typedef struct cz_arena cz_arena;

/* What an arena grows by; larger requests get a chunk of their own. */
enum { CZ_ARENA_CHUNK_BYTES = 8192 };

/* Create an arena below `parent` (NULL: a root) that may hold `budget_bytes` (0: as its parent's, or no
 * limit for a root). Every arena holds a chunk from its beginning, so a budget is at least
 * CZ_ARENA_CHUNK_BYTES.
 * Owns:   ended by cz_arena_destroy(), or with its parent.
 * Errors: CZ_ENOMEM, also when a budget is smaller or spent. Context: any thread; an arena is used by one thread at a time. */
CZ_NODISCARD cz_status cz_arena_create(cz_arena *parent, size_t budget_bytes, cz_arena **out);

/* Run the clean-ups and end the children, both in one order, newest first, and give the memory back, but
 * for the first chunk. A clean-up finds alive what was there when it was registered. */
void cz_arena_reset(cz_arena *arena);
/* As reset, and gone itself. NULL does nothing. */
void cz_arena_destroy(cz_arena *arena);

/* `bytes` of memory aligned to 16, not zeroed; NULL when out of memory or over budget. Zero bytes give
 * a valid pointer. */
void *cz_arena_alloc(cz_arena *arena, size_t bytes) __attribute__((malloc, alloc_size(2)));
/* The same, zeroed, for `count` items; NULL also when the product overflows. */
void *cz_arena_calloc(cz_arena *arena, size_t count, size_t bytes);
#define cz_arena_new(arena, type) ((type *)cz_arena_calloc((arena), 1, sizeof(type)))
#define cz_arena_array(arena, type, count) ((type *)cz_arena_calloc((arena), (count), sizeof(type)))
/* A NUL-terminated copy; NULL when out of memory. */
char *cz_arena_strdup(cz_arena *arena, const char *text);
/* A formatted, NUL-terminated string; NULL when out of memory. */
char *cz_arena_printf(cz_arena *arena, const char *format, ...) CZ_PRINTF(2, 3);

/* Call `fn(arg)` when the arena is reset or destroyed; newest first. `fn` may not raise.
 * Errors: CZ_ENOMEM: nothing was registered, the caller still owns the resource. */
CZ_NODISCARD cz_status cz_arena_on_reset(cz_arena *arena, void (*fn)(void *arg), void *arg);

/* Bytes of chunks held by this arena and its descendants, and the tightest
 * budget among it and its ancestors (SIZE_MAX: none). */
size_t cz_arena_bytes(const cz_arena *arena);
size_t cz_arena_budget(const cz_arena *arena);
/* Whether a budget, its own or an ancestor's, has refused this arena or another below that ancestor something since it was
 * reset: memory there was. */
bool cz__arena_is_spent(const cz_arena *arena);

/* A copy of `count` items of `bytes` each where `cap` of them have room, which is not zeroed beyond them; NULL as
 * cz_arena_calloc(). The items, NULL for none, stay in the arena. */
void *cz__arena_grown(cz_arena *arena, const void *items, size_t count, size_t cap, size_t bytes);

/* Give this thread's cached chunks back to the system. */
void cz__arena_trim(void);

/* Fault injection, for tests of builds with CZ_FAULTS: let the n-th allocation from now on fail (1 is
 * the next; 0 turns it off), and every later one too when `sticky`. Returns how many allocations happened
 * since the last call. In other builds it does nothing and returns 0. */
uint64_t cz__alloc_fail_at(uint64_t nth, bool sticky);

#ifdef __cplusplus
}
#endif
#endif
