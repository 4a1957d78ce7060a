/* Opening files that are to be answers.
 *
 * openat2() keeps a name below its folder, and refuses symbolic links on the way, in one call that no rename in between can
 * trick. With RESOLVE_CACHED it also refuses to wait for a disk, so names that the kernel remembers, as those of a site's
 * files, cost no thread.
 */
#include "http/file_response.h"
#include "runtime/fiber.h"
#include <calzone/map.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED /* headers before Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

/* A pipe without a writer does not hold the open, and a terminal does not become ours. */
enum { FILE_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, SETTLED_S = 2 };

struct opening {
    const char *folder, *path; /* `folder` may be NULL */
    bool may_block;
    int fd;    /* -1: not opened */
    int error; /* errno then */
    struct stat stat;
};

/* ---- System calls; any thread ---- */

/* One step after the other. */
int cz__file_walk(int folder, const char *path, int flags)
{
    int at = folder;
    for (;;) {
        size_t len = strcspn(path, "/");
        char step[256];
        if (len >= sizeof step || (len == 2 && path[0] == '.' && path[1] == '.')) {
            errno = len == 2 ? EXDEV : ENAMETOOLONG;
            len = 0;
        } else if (!len) {
            errno = ENOENT;
        }
        bool last = !path[len];
        int next = -1;
        if (len) {
            memcpy(step, path, len);
            step[len] = '\0';
            next = openat(at, step, (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW);
        }
        int error = errno;
        if (at != folder)
            close(at);
        errno = error;
        if (next < 0 || last)
            return next;
        at = next;
        path += len + 1;
    }
}

static int open_by(int folder, const char *path, int flags, uint64_t resolve, bool may_block)
{
    struct open_how how = { .flags = (unsigned)flags,
                            .resolve = resolve | (may_block ? 0 : RESOLVE_CACHED) };
    int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    bool unknown = fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL);
    if (unknown && !may_block)
        errno = EAGAIN; /* the thread does it in another way */
    else if (unknown)
        return resolve ? cz__file_walk(folder, path, flags) : openat(folder, path, flags);
    return fd;
}

static void open_now(void *arg)
{
    struct opening *opening = arg;
    int folder = AT_FDCWD;
    opening->fd = -1;
    if (opening->folder)
        folder = open_by(AT_FDCWD, opening->folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                         opening->may_block);
    if (folder != -1)
        opening->fd = open_by(folder, opening->path, FILE_FLAGS,
                              opening->folder ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : 0,
                              opening->may_block);
    opening->error = errno;
    if (folder >= 0)
        close(folder);
    if (opening->fd >= 0 && fstat(opening->fd, &opening->stat)) {
        opening->error = errno;
        close(opening->fd);
        opening->fd = -1;
    }
}

static cz_status status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case ENAMETOOLONG:
    case ENXIO: /* a socket */
        return CZ_ENOTFOUND;
    case EACCES:
    case EPERM:
        return CZ_EDENIED;
    case EMFILE:
    case ENFILE:
    case EAGAIN: /* somebody has a lease on it */
        return CZ_EBUSY;
    case ENOMEM:
        return CZ_ENOMEM;
    default:
        return CZ_EIO;
    }
}

/* ---- What is known of it ---- */

void cz__file_close(struct cz__file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static void close_file(void *file)
{
    cz__file_close(file);
}

/* Times of nanoseconds alone would do, if all file systems had them and nobody set them: the time of the last change of
 * anything, which nobody sets, and the inode tell apart what was copied with its times. */
static void describe(struct cz__file *file, const struct stat *stat)
{
    static const uint8_t key[16] = "calzone's files";
    int64_t now_s = time(NULL);
    file->settled = now_s - stat->st_ctim.tv_sec >= SETTLED_S;
    file->bytes = (uint64_t)stat->st_size;
    file->modified_s = stat->st_mtim.tv_sec < now_s ? stat->st_mtim.tv_sec : now_s;
    const uint64_t parts[] = { (uint64_t)stat->st_dev,          (uint64_t)stat->st_ino,
                               (uint64_t)stat->st_size,         (uint64_t)stat->st_mtim.tv_sec,
                               (uint64_t)stat->st_mtim.tv_nsec, (uint64_t)stat->st_ctim.tv_sec,
                               (uint64_t)stat->st_ctim.tv_nsec, file->settled };
    file->state = cz__siphash13(key, parts, sizeof parts);
}

static cz_status take(cz_ctx *ctx, int fd, const struct stat *stat, enum cz__file_kind *out_kind,
                      struct cz__file **out)
{
    struct cz__file *file = S_ISREG(stat->st_mode) && stat->st_size >= 0
                                ? cz_arena_new(ctx->arena, struct cz__file)
                                : NULL;
    if (!file) {
        close(fd);
        *out_kind = CZ__FILE_FOLDER;
        return S_ISDIR(stat->st_mode) ? CZ_OK : S_ISREG(stat->st_mode) ? CZ_ENOMEM : CZ_ENOTFOUND;
    }
    file->fd = fd;
    describe(file, stat);
    cz_defer(ctx, close_file, file);
    *out_kind = CZ__FILE_REGULAR;
    *out = file;
    return CZ_OK;
}

cz_status cz__file_take(cz_ctx *ctx, int fd, struct cz__file **out)
{
    struct stat stat;
    enum cz__file_kind kind;
    if (fstat(fd, &stat)) {
        close(fd);
        return CZ_EIO;
    }
    cz_status status = take(ctx, fd, &stat, &kind, out);
    return !status && kind == CZ__FILE_FOLDER ? CZ_ENOTFOUND : status;
}

/* Whether a name has a step that leads out of where it stands. */
static bool climbs(cz_str name)
{
    while (name.len)
        if (cz_str_eq(cz_str_cut(&name, '/'), CZ_STR("..")))
            return true;
    return false;
}

cz_status cz__file_open(cz_ctx *ctx, const char *folder, cz_str name, enum cz__file_kind *out_kind,
                        struct cz__file **out)
{
    if (!name.len || cz_str_find_char(name, '\0') != SIZE_MAX || (folder && climbs(name)))
        return CZ_ENOTFOUND;
    struct opening opening = { .folder = folder, .path = cz_copy(ctx, name).ptr };
    cz_status status = CZ_OK;
    open_now(&opening);
    if (opening.fd < 0 && opening.error == EAGAIN) {
        opening.may_block = true;
        status = cz__fiber_offload(ctx, open_now, &opening);
    }
    if (!status && opening.fd < 0)
        status = status_of(opening.error);
    if (!status)
        return take(ctx, opening.fd, &opening.stat, out_kind, out);
    if (opening.fd >= 0)
        close(opening.fd);
    return status;
}
