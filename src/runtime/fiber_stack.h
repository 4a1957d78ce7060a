/* runtime/fiber_stack.h: a fiber's stack and the switch, below the pool.
 *
 * Knows the processor, the sanitizers and Valgrind; knows neither loop nor context. Also compiled alone
 * by tests/fiber_aarch64.sh.
 */
#ifndef CZ_RUNTIME_FIBER_STACK_H
#define CZ_RUNTIME_FIBER_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CZ__FIBER_GUARD_BYTES = 64 * 1024 };

/* A place where a thread can be: its own stack or a fiber's. */
typedef struct cz__stack {
    void *sp;          /* where it was left */
    char *low;         /* the lowest usable byte; the guard region ends here */
    size_t bytes;      /* usable */
    void *fake;        /* AddressSanitizer's fake stack */
    void *tsan;        /* ThreadSanitizer's fiber */
    unsigned valgrind; /* Valgrind's number of the stack */
    void *context;     /* the ucontext_t of the portable switch */
} cz__stack;

/* Map a stack on which the first switch calls `fn(*out_reserved)`, which never returns. False: no memory.
 * `*out_reserved` is `reserve` bytes above the frames for the caller's own use, aligned to 64: it shares
 * the page that is touched anyway. */
bool cz__stack_create(cz__stack *stack, size_t bytes, size_t reserve, void **out_reserved,
                      void (*fn)(void *reserved));
void cz__stack_destroy(cz__stack *stack);

/* Make `stack` stand for the calling thread's own, and undo it. */
void cz__stack_adopt_thread(cz__stack *stack);
void cz__stack_disown_thread(cz__stack *stack);

/* Leave `from`, which must be the running one, and go on at `to`. Returns when someone switches back. */
void cz__stack_switch(cz__stack *from, cz__stack *to);
/* The first thing on a new stack; `from` is the one it was switched from. */
void cz__stack_entered(cz__stack *self, cz__stack *from);

/* How many bytes of the stack are backed by memory, counted from the top down to the deepest page; those
 * below the top `keep` bytes go back to the system. The stack may not be running. */
size_t cz__stack_trim(cz__stack *stack, size_t keep);

/* Whether `address` lies in the guard region. Async-signal-safe. */
static inline bool cz__stack_guards(const cz__stack *stack, const void *address)
{
    uintptr_t at = (uintptr_t)address, low = (uintptr_t)stack->low;
    return at < low && at >= low - CZ__FIBER_GUARD_BYTES;
}

#endif
