/* The switch and the stacks alone, without loop and library: tests/fiber_aarch64.sh also builds this file
 * for another processor, with SWITCH_TEST_MAIN, and runs it in an emulator. */
#include "runtime/fiber_stack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SWITCH_TEST_MAIN
static int failures;
#define CZ_TEST(name) static void name(void)
#define CZ_EXPECT(condition)                                                                       \
    ((condition) || failures++ > 10                                                                \
         ? (void)0                                                                                 \
         : (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition))
#else
#include <calzone/testing.h>
#endif

enum { COUNT = 64, ROUNDS = 200 };

static cz__stack thread_stack;
static struct walker {
    cz__stack stack;
    int id;
    uint64_t sum;
    int rounds;
} walkers[COUNT];
static int entering;

#if defined(__aarch64__)
/* Fill d8-d15 with base..base+7, switch, and store what they hold then: in assembly, because a compiler
 * restores them at the end of any function that fills them. */
void test_switch_with_reals(cz__stack *from, cz__stack *to, uint64_t base, uint64_t out[8]);
__asm__(".text\n"
        ".p2align 4\n"
        "test_switch_with_reals:\n"
        "    hint #34\n" /* bti c */
        "    stp x29, x30, [sp, #-96]!\n"
        "    mov x29, sp\n"
        "    str x19, [sp, #16]\n"
        "    stp d8, d9, [sp, #32]\n"
        "    stp d10, d11, [sp, #48]\n"
        "    stp d12, d13, [sp, #64]\n"
        "    stp d14, d15, [sp, #80]\n"
        "    mov x19, x3\n"
        "    fmov d8, x2\n    add x2, x2, #1\n"
        "    fmov d9, x2\n    add x2, x2, #1\n"
        "    fmov d10, x2\n   add x2, x2, #1\n"
        "    fmov d11, x2\n   add x2, x2, #1\n"
        "    fmov d12, x2\n   add x2, x2, #1\n"
        "    fmov d13, x2\n   add x2, x2, #1\n"
        "    fmov d14, x2\n   add x2, x2, #1\n"
        "    fmov d15, x2\n"
        "    bl cz__stack_switch\n"
        "    stp d8, d9, [x19, #0]\n"
        "    stp d10, d11, [x19, #16]\n"
        "    stp d12, d13, [x19, #32]\n"
        "    stp d14, d15, [x19, #48]\n"
        "    ldp d8, d9, [sp, #32]\n"
        "    ldp d10, d11, [sp, #48]\n"
        "    ldp d12, d13, [sp, #64]\n"
        "    ldp d14, d15, [sp, #80]\n"
        "    ldr x19, [sp, #16]\n"
        "    ldp x29, x30, [sp], #96\n"
        "    ret\n");

static void switch_to(struct walker *walker, int round)
{
    uint64_t base = 0x4000000000000000u + (uint64_t)round * 8, got[8];
    test_switch_with_reals(&thread_stack, &walker->stack, base, got);
    for (uint64_t n = 0; n < 8; n++)
        CZ_EXPECT(got[n] == base + n);
}
#else
static void switch_to(struct walker *walker, int round)
{
    (void)round;
    cz__stack_switch(&thread_stack, &walker->stack);
}
#endif

static __attribute__((noinline)) void switch_to_thread(struct walker *walker)
{
    cz__stack_switch(&walker->stack, &thread_stack);
}

/* Calls down, so each suspension has frames of its own below it. */
static __attribute__((noinline)) uint64_t walk(struct walker *walker, int depth)
{
    double a = walker->id + depth * 0.5, b = a * 3, c = a + b, d = c * c;
    uint64_t p = (uint64_t)walker->id * 31, q = p + (uint64_t)depth, r = q * 7, s = r ^ p,
             t = s + r;
    switch_to_thread(walker);
    double expected = walker->id + depth * 0.5;
    CZ_EXPECT(a == expected && b == expected * 3 && c == a + b && d == c * c);
    CZ_EXPECT(q == p + (uint64_t)depth && r == q * 7 && s == (r ^ p) && t == s + r);
    uint64_t below = depth ? walk(walker, depth - 1) : 0;
    return below + t;
}

static void walker_main(void *reserved)
{
    struct walker *walker = &walkers[entering];
    cz__stack_entered(&walker->stack, &thread_stack);
    CZ_EXPECT((uintptr_t)__builtin_frame_address(0) % 16 == 0);
    CZ_EXPECT((char *)reserved > (char *)__builtin_frame_address(0));
    for (;;) {
        walker->sum += walk(walker, 9);
        walker->rounds++;
        switch_to_thread(walker);
    }
}

CZ_TEST(a_switch_keeps_integers_reals_and_frames)
{
    cz__stack_adopt_thread(&thread_stack);
    for (int i = 0; i < COUNT; i++) {
        void *reserved;
        walkers[i].id = i;
        cz__stack stack;
        CZ_EXPECT(cz__stack_create(&stack, 64 * 1024, 100, &reserved, walker_main));
        walkers[i].stack = stack;
        CZ_EXPECT((uintptr_t)reserved % 64 == 0);
        memset(reserved, 0xaa, 100); /* the caller's own */
    }
    for (int round = 0; round < ROUNDS * 11; round++)
        for (int i = 0; i < COUNT; i++) {
            entering = (i * 7 + round) % COUNT;
            switch_to(&walkers[entering], round);
        }
    for (int i = 0; i < COUNT; i++) {
        uint64_t expected = 0, p = (uint64_t)i * 31;
        for (uint64_t depth = 0; depth < 10; depth++) {
            uint64_t r = (p + depth) * 7;
            expected += (r ^ p) + r;
        }
        CZ_EXPECT(walkers[i].rounds == ROUNDS);
        CZ_EXPECT(walkers[i].sum == expected * ROUNDS);
        CZ_EXPECT(!cz__stack_guards(&walkers[i].stack, walkers[i].stack.low));
        CZ_EXPECT(cz__stack_guards(&walkers[i].stack, walkers[i].stack.low - 1));
        cz__stack_destroy(&walkers[i].stack);
    }
    cz__stack_disown_thread(&thread_stack);
}

static cz__stack deep_stack;

static void touch_deep(void *reserved)
{
    (void)reserved;
    cz__stack_entered(&deep_stack, &thread_stack);
    volatile char deep[100 * 1024];
    for (size_t i = 0; i < sizeof deep; i += 1024)
        deep[i] = 1;
    for (;;)
        cz__stack_switch(&deep_stack, &thread_stack);
}

CZ_TEST(trimming_finds_the_deepest_page_and_keeps_the_top)
{
    cz__stack_adopt_thread(&thread_stack);
    void *reserved;
    cz__stack stack;
    CZ_EXPECT(cz__stack_create(&stack, 256 * 1024, 0, &reserved, touch_deep));
    deep_stack = stack;
    cz__stack_switch(&thread_stack, &deep_stack);
    char *bottom = deep_stack.low;
    size_t used = cz__stack_trim(&deep_stack, 128 * 1024);
    CZ_EXPECT(used >= 100 * 1024 && used <= 128 * 1024); /* what lives is within what is kept */
    CZ_EXPECT(deep_stack.low == bottom);
    cz__stack_switch(&thread_stack, &deep_stack);
    cz__stack_destroy(&deep_stack);
    cz__stack_disown_thread(&thread_stack);
}

#ifdef SWITCH_TEST_MAIN
int main(void)
{
    a_switch_keeps_integers_reals_and_frames();
    trimming_finds_the_deepest_page_and_keeps_the_top();
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
#endif
