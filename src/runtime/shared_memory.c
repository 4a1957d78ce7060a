#include "runtime/shared_memory.h"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "runtime/generation.h"

/* What was left, when it is as long; -1: nothing was. */
static int take(const char *name, size_t bytes)
{
    struct stat file;
    int fd = cz__generation_take(name);
    if (fd < 0 || (!fstat(fd, &file) && file.st_size == (off_t)bytes))
        return fd;
    close(fd);
    return -1;
}

static int make(const char *name, size_t bytes)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || !ftruncate(fd, (off_t)bytes))
        return fd;
    close(fd);
    return -1;
}

cz_status cz__shared_memory_open(const char *name, size_t bytes, void **out, bool *out_fresh)
{
    char whole[CZ__DESCRIPTOR_NAME];
    if (snprintf(whole, sizeof whole, "memory %s", name) >= (int)sizeof whole)
        return CZ_EINVAL;
    int fd = take(whole, bytes);
    bool fresh = fd < 0;
    if (fresh && (fd = make(whole, bytes)) < 0)
        return CZ_ENOMEM;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cz_status status = memory == MAP_FAILED ? CZ_ENOMEM : cz__generation_leave(whole, fd);
    if (!status) {
        *out = memory;
        *out_fresh = fresh;
        return CZ_OK;
    }
    if (memory != MAP_FAILED)
        munmap(memory, bytes);
    close(fd);
    return status;
}
