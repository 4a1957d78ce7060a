/* Last words of a worker.
 *
 * The handler runs on a stack of its own, because the usual reason for it may be that the other one is
 * full. It only reads what lies still and writes one record to the master's pipe; then the signal takes
 * its default course, so core dumps are as they would be.
 *
 * Return addresses come from frame pointers, which the library is built with. The walk reads nothing
 * outside the stack that was in use, so a corrupted stack shortens the trace and does no more.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "runtime/runtime_internal.h"

#if defined(__has_feature)
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer)
#define ASAN 1
#endif

static struct {
    int report_fd;
    unsigned slot;
    pid_t pid;
    uintptr_t low, high; /* of the main thread's stack */
} self;

#ifndef ASAN
static char alternate_stack[64 * 1024] __attribute__((aligned(16)));
#endif

static void copy_text(char *out, size_t bytes, const char *text, size_t len)
{
    if (len > bytes - 1)
        len = bytes - 1;
    if (len)
        memcpy(out, text, len);
    out[len] = '\0';
}

static void registers(const ucontext_t *context, uintptr_t *out_pc, uintptr_t *out_frame)
{
#if defined(__x86_64__)
    *out_pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    *out_frame = (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
#elif defined(__aarch64__)
    *out_pc = (uintptr_t)context->uc_mcontext.pc;
    *out_frame = (uintptr_t)context->uc_mcontext.regs[29];
#else
    (void)context;
    *out_pc = *out_frame = 0;
#endif
}

static bool stack_bounds(uintptr_t *out_low, uintptr_t *out_high)
{
    if (cz__fiber_stack_bounds(out_low, out_high))
        return true;
    *out_low = self.low;
    *out_high = self.high;
    return gettid() == self.pid; /* a thread of the pool: its bounds are not known here */
}

/* A frame begins with the caller's frame pointer and the return address. */
__attribute__((no_sanitize("address", "undefined"))) static void walk_frames(
    struct cz__report *report, uintptr_t frame)
{
    uintptr_t low, high;
    if (!stack_bounds(&low, &high))
        return;
    while (report->frame_count < CZ__FRAMES_MAX && frame >= low && frame % sizeof(void *) == 0 &&
           frame <= high - 2 * sizeof(void *)) {
        const uintptr_t *words = (const uintptr_t *)frame;
        if (!words[1])
            break;
        report->frames[report->frame_count++] = words[1];
        low = frame + 2 * sizeof(void *); /* callers lie above */
        frame = words[0];
    }
}

void cz__crash_describe(struct cz__report *report, const void *ucontext)
{
    report->label[0] = report->request_id[0] = '\0';
    report->frame_count = 0;
    const cz_ctx *ctx = cz__fiber_ctx();
    if (ctx) {
        if (ctx->label)
            copy_text(report->label, sizeof report->label, ctx->label, strlen(ctx->label));
        copy_text(report->request_id, sizeof report->request_id, ctx->request_id.ptr,
                  ctx->request_id.len);
    }
    uintptr_t pc, frame;
    registers(ucontext, &pc, &frame);
    if (pc)
        report->frames[report->frame_count++] = pc;
    walk_frames(report, frame);
}

static void on_fatal(int number, siginfo_t *info, void *ucontext)
{
    static struct cz__report
        report; /* the handler's stack stays small; a second thread's crash is lost */
    report.kind = CZ__REPORT_CRASH;
    report.slot = self.slot;
    report.pid = getpid();
    report.signal = number;
    report.code = info->si_code;
    if (info->si_code > 0 && (number == SIGSEGV || number == SIGBUS)) {
        report.fault_address = (uint64_t)(uintptr_t)info->si_addr;
        report.overflow = cz__fiber_guards(info->si_addr);
    }
    cz__crash_describe(&report, ucontext);
    if (report.pid == self.pid) /* a child that a handler forked is nobody's worker */
        cz__report_send(self.report_fd, &report);
    /* The default action is set again (SA_RESETHAND). A fault happens again on return; what was sent by
     * someone must be sent again. */
    if (info->si_code <= 0)
        raise(number);
}

void cz__crash_install(int report_fd, unsigned slot)
{
    self.report_fd = report_fd;
    self.slot = slot;
    self.pid = getpid();
    pthread_attr_t attributes;
    void *low;
    size_t bytes;
    if (!pthread_getattr_np(pthread_self(), &attributes)) {
        if (!pthread_attr_getstack(&attributes, &low, &bytes)) {
            self.low = (uintptr_t)low;
            self.high = self.low + bytes;
        }
        pthread_attr_destroy(&attributes);
    }
#ifndef ASAN /* which has set one up */
    sigaltstack(&(stack_t){ .ss_sp = alternate_stack, .ss_size = sizeof alternate_stack }, NULL);
#endif
    struct sigaction action = { .sa_sigaction = on_fatal,
                                .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND) };
    sigemptyset(&action.sa_mask);
#ifdef ASAN
    const int numbers[] = { SIGABRT }; /* the others are AddressSanitizer's */
#else
    const int numbers[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
#endif
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}
