/* Switching fibers.
 *
 *     void cz__fiber_switch(void **save_sp, void *to_sp);
 *
 * Saves what the platform's calling convention has a callee keep on the running stack, stores the stack
 * pointer and goes on where the other stack was left. The control words of the floating-point units are
 * not switched: nobody changes a rounding mode across a suspension.
 *
 *     void cz__fiber_entry(void);
 *
 * Where a new stack begins: calls the function in one saved register with the argument in another. It has
 * no caller: debuggers and unwinders end here.
 */
#if !defined(CZ_PORTABLE_FIBERS)

#if defined(__x86_64__)

#if defined(__CET__)
#include <cet.h> /* marks the object as fit for indirect-branch tracking */
#else
#define _CET_ENDBR
#endif
    .text
    .globl  cz__fiber_switch
    .hidden cz__fiber_switch
    .type   cz__fiber_switch, @function
    .p2align 4
cz__fiber_switch:
    .cfi_startproc
    _CET_ENDBR
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    /* Not `ret`: the return predictor knows the other stack's caller, so it would always be wrong. The
     * target follows a call and is no endbr64, hence notrack. */
    popq    %rcx
    notrack jmp *%rcx
    .cfi_endproc
    .size   cz__fiber_switch, . - cz__fiber_switch

    .globl  cz__fiber_entry
    .hidden cz__fiber_entry
    .type   cz__fiber_entry, @function
    .p2align 4
cz__fiber_entry:
    .cfi_startproc
    .cfi_undefined rip
    _CET_ENDBR
    movq    %r12, %rdi
    notrack callq *%r13
    ud2
    .cfi_endproc
    .size   cz__fiber_entry, . - cz__fiber_entry

#elif defined(__aarch64__)

/* With branch target identification a `br x16` or `br x17` may land on `bti c`; `ret` may land anywhere. */
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define BTI_C hint #34
#else
#define BTI_C
#endif
    .text
    .globl  cz__fiber_switch
    .hidden cz__fiber_switch
    .type   cz__fiber_switch, %function
    .p2align 4
cz__fiber_switch:
    .cfi_startproc
    BTI_C
    sub     sp, sp, #160
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mov     x9, sp
    str     x9, [x0]
    mov     sp, x1
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #160
    ret
    .cfi_endproc
    .size   cz__fiber_switch, . - cz__fiber_switch

    .globl  cz__fiber_entry
    .hidden cz__fiber_entry
    .type   cz__fiber_entry, %function
    .p2align 4
cz__fiber_entry:
    .cfi_startproc
    .cfi_undefined x30
    BTI_C
    mov     x0, x19
    mov     x29, xzr
    mov     x30, xzr
    blr     x20
    brk     #0
    .cfi_endproc
    .size   cz__fiber_entry, . - cz__fiber_entry

#if defined(__ARM_FEATURE_BTI_DEFAULT)
    .pushsection .note.gnu.property, "a"
    .p2align 3
    .word   4, 16, 5          /* name size, description size, NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .word   0xc0000000, 4, 1, 0 /* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI */
    .popsection
#endif

#endif
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
