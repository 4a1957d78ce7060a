/* Stacks: their memory, and what the tools that watch memory must be told of them. */
#include "runtime/fiber_stack.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer)
#define ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(__SANITIZE_THREAD__) || FEATURE(thread_sanitizer)
#define TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__has_include) && !defined(CZ_NO_VALGRIND)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

#if !defined(CZ_PORTABLE_FIBERS) && !defined(__x86_64__) && !defined(__aarch64__)
#define CZ_PORTABLE_FIBERS 1
#endif

/* ---- The switch ---- */

#ifdef CZ_PORTABLE_FIBERS
#include <ucontext.h>

struct portable {
    ucontext_t context;
    void (*fn)(void *arg);
    void *arg;
};

/* makecontext() passes only ints; the stack to begin on waits here instead. */
static _Thread_local struct portable *entering;

static void portable_entry(void)
{
    entering->fn(entering->arg);
}

static bool switch_init(cz__stack *stack, char *top, void (*fn)(void *arg), void *arg)
{
    struct portable *portable = calloc(1, sizeof *portable);
    if (!portable || getcontext(&portable->context)) {
        free(portable);
        return false;
    }
    portable->fn = fn;
    portable->arg = arg;
    portable->context.uc_stack.ss_sp = stack->low;
    portable->context.uc_stack.ss_size = (size_t)(top - stack->low);
    makecontext(&portable->context, portable_entry, 0);
    stack->context = portable;
    return true;
}

static void switch_now(cz__stack *from, cz__stack *to)
{
    if (!from->context) /* a thread's own stack, left for the first time */
        from->context = calloc(1, sizeof(struct portable));
    if (!from->context)
        abort();
    entering = to->context;
    swapcontext(&((struct portable *)from->context)->context,
                &((struct portable *)to->context)->context);
}
#else
void cz__fiber_switch(void **save_sp, void *to_sp);
void cz__fiber_entry(void);

static bool switch_init(cz__stack *stack, char *top, void (*fn)(void *arg), void *arg)
{
    /* As if the fiber had called cz__fiber_switch() from cz__fiber_entry(). */
#if defined(__x86_64__)
    void **sp = (void **)(void *)top;
    *--sp = NULL; /* keeps the entry's stack pointer aligned as the convention wants it */
    *--sp = NULL;
    *--sp = (void *)cz__fiber_entry;
    *--sp = NULL;       /* rbp: frame-pointer walks end here */
    *--sp = NULL;       /* rbx */
    *--sp = arg;        /* r12 */
    *--sp = (void *)fn; /* r13 */
    *--sp = NULL;       /* r14 */
    *--sp = NULL;       /* r15 */
#else
    void **sp = (void **)(void *)top - 20; /* x19-x30, d8-d15 */
    for (int i = 0; i < 20; i++)
        sp[i] = NULL;
    sp[0] = arg;                      /* x19 */
    sp[1] = (void *)fn;               /* x20 */
    sp[11] = (void *)cz__fiber_entry; /* x30 */
#endif
    stack->sp = sp;
    return true;
}

static inline void switch_now(cz__stack *from, cz__stack *to)
{
    cz__fiber_switch(&from->sp, to->sp);
}
#endif

void cz__stack_switch(cz__stack *from, cz__stack *to)
{
#ifdef ASAN
    __sanitizer_start_switch_fiber(&from->fake, to->low, to->bytes);
#endif
#ifdef TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    switch_now(from, to);
#ifdef ASAN
    __sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

void cz__stack_entered(cz__stack *self, cz__stack *from)
{
#ifdef ASAN
    const void *low;
    size_t bytes;
    __sanitizer_finish_switch_fiber(self->fake, &low, &bytes);
    if (!from->bytes) { /* a thread's own stack: now its bounds are known */
        from->low = (char *)low;
        from->bytes = bytes;
    }
#else
    (void)self;
    (void)from;
#endif
}

/* ---- The memory ---- */

static size_t page_bytes(void)
{
    static size_t bytes;
    if (!bytes)
        bytes = (size_t)sysconf(_SC_PAGESIZE);
    return bytes;
}

bool cz__stack_create(cz__stack *stack, size_t bytes, size_t reserve, void **out_reserved,
                      void (*fn)(void *reserved))
{
    size_t page = page_bytes();
    bytes = (bytes + page - 1) & ~(page - 1);
    char *memory = mmap(NULL, CZ__FIBER_GUARD_BYTES + bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    char *low = memory + CZ__FIBER_GUARD_BYTES;
    *stack = (cz__stack){ .low = low, .bytes = bytes };
    char *reserved = low + bytes - ((reserve + 63) & ~(size_t)63);
    if (mprotect(memory, CZ__FIBER_GUARD_BYTES, PROT_NONE) ||
        !switch_init(stack, reserved, fn, reserved)) {
        munmap(memory, CZ__FIBER_GUARD_BYTES + bytes);
        return false;
    }
#ifdef ASAN
    __asan_unpoison_memory_region(low, bytes); /* an earlier stack may have lain here */
    __lsan_register_root_region(low, bytes);
#endif
#ifdef TSAN
    stack->tsan = __tsan_create_fiber(0);
#endif
#ifdef VALGRIND_STACK_REGISTER
    stack->valgrind = VALGRIND_STACK_REGISTER(low, low + bytes);
#endif
    *out_reserved = reserved;
    return true;
}

void cz__stack_destroy(cz__stack *stack)
{
    cz__stack gone = *stack; /* it may lie on the memory itself */
#ifdef ASAN
    __lsan_unregister_root_region(gone.low, gone.bytes);
    __asan_unpoison_memory_region(gone.low, gone.bytes);
#endif
#ifdef TSAN
    __tsan_destroy_fiber(gone.tsan);
#endif
#ifdef VALGRIND_STACK_DEREGISTER
    VALGRIND_STACK_DEREGISTER(gone.valgrind);
#endif
    free(gone.context);
    munmap(gone.low - CZ__FIBER_GUARD_BYTES, CZ__FIBER_GUARD_BYTES + gone.bytes);
}

void cz__stack_adopt_thread(cz__stack *stack)
{
    *stack = (cz__stack){ 0 };
#ifdef TSAN
    stack->tsan = __tsan_get_current_fiber();
#endif
}

void cz__stack_disown_thread(cz__stack *stack)
{
    free(stack->context);
    *stack = (cz__stack){ 0 };
}

size_t cz__stack_trim(cz__stack *stack, size_t keep)
{
    enum { PAGES_MAX = 4096 };
    unsigned char resident[PAGES_MAX];
    size_t page = page_bytes(), pages = stack->bytes / page;
    if (pages > PAGES_MAX || mincore(stack->low, stack->bytes, resident))
        return 0;
    size_t first = 0;
    while (first < pages && !(resident[first] & 1))
        first++;
    size_t used = (pages - first) * page;
    if (used > keep)
        madvise(stack->low, stack->bytes - keep, MADV_DONTNEED);
    return used;
}
