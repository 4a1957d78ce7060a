#include "base/mapped.h"
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORD = 8, NO_SUCH_ACTION = -1 };

/* The kernel reads the mask before it refuses the action, so the error tells whether it could; nothing is changed. */
static bool word_is_mapped(uintptr_t address)
{
    const void *word = (const void *)(address & ~(uintptr_t)(WORD - 1));
    int before = errno;
    long done = syscall(SYS_rt_sigprocmask, NO_SUCH_ACTION, word, NULL, (size_t)WORD);
    bool mapped = done == 0 || errno != EFAULT;
    errno = before;
    return mapped;
}

bool cz__mapped(const void *address, size_t bytes)
{
    uintptr_t first = (uintptr_t)address;
    return first && bytes && first <= UINTPTR_MAX - bytes && word_is_mapped(first) &&
           word_is_mapped(first + bytes - 1);
}
