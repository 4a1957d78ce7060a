#include "files/spool.h"
#include "runtime/fiber.h"
#include <calzone/runtime.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAVED_MODE = 0644, COPIED_BYTES = 64 << 10, PATH_BYTES = 4096, SMALL_BYTES_MAX = 1 << 20 };

struct cz__spool {
    cz_ctx *ctx; /* whose request it is of */
    int fd;
    uint64_t size;
};

static const char *folder = "/var/tmp";

cz_status cz__spool_configure(const char *path, cz_error *err)
{
    struct stat status;
    if (stat(path, &status) || !S_ISDIR(status.st_mode) || access(path, W_OK | X_OK))
        return cz_error_set(err, CZ_EVALIDATION,
                            "UPLOAD_DIRECTORY: %s is no folder that one may write to", path);
    folder = path;
    return CZ_OK;
}

/* ---- On a thread of the pool: no context ---- */

struct job {
    int fd; /* -1: none yet, or the bytes are what is saved */
    cz_str bytes;
    void *out;
    uint64_t at;
    size_t count;
    const char *path;
    int failed; /* errno */
};

/* A file without a name in this folder, one that may get a name. */
static int open_nameless(const char *path)
{
    return open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static void do_open(void *arg)
{
    struct job *job = arg;
    job->fd = open_nameless(job->path);
    job->failed = job->fd < 0 ? errno : 0;
}

static int write_all(int fd, cz_str bytes, uint64_t at)
{
    while (bytes.len) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes = cz_str_tail(bytes, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

static void do_write(void *arg)
{
    struct job *job = arg;
    job->failed = write_all(job->fd, job->bytes, job->at);
}

static void do_read(void *arg)
{
    struct job *job = arg;
    ssize_t n;
    do
        n = pread(job->fd, job->out, job->count, (off_t)job->at);
    while (n < 0 && errno == EINTR);
    job->failed = n < 0 ? errno : 0;
    job->count = n < 0 ? 0 : (size_t)n;
}

static int copy(int from, int to)
{
    char bytes[COPIED_BYTES]; /* of a thread's stack of a MiB */
    for (uint64_t at = 0;;) {
        ssize_t n = pread(from, bytes, sizeof bytes, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : 0;
        int failed = write_all(to, cz_str_of(bytes, (size_t)n), at);
        if (failed)
            return failed;
        at += (uint64_t)n;
    }
}

/* The folder that a path's last step is in. False: it is too long. */
static bool folder_of(const char *path, char out[PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + (slash == path) : 1;
    if (len >= PATH_BYTES)
        return false;
    memcpy(out, slash ? path : ".", len);
    out[len] = '\0';
    return true;
}

/* The content is on the disk before it has a name, and the name before it is told. A file that has the name stays. */
static int give_name(int fd, const char *path, const char *above)
{
    char link[64];
    cz_ignore(snprintf(link, sizeof link, "/proc/self/fd/%d", fd)); /* it fits */
    if (fchmod(fd, SAVED_MODE) || fsync(fd) ||
        linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
        return errno;
    int place = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = place < 0 || fsync(place) ? errno : 0;
    if (place >= 0)
        close(place);
    if (failed)
        unlink(path);
    return failed;
}

/* On another disk, or of bytes in memory: a nameless file there first. */
static int make_beside(const struct job *job, const char *above)
{
    int fd = open_nameless(above);
    if (fd < 0)
        return errno;
    int failed = job->fd >= 0 ? copy(job->fd, fd) : write_all(fd, job->bytes, 0);
    if (!failed)
        failed = give_name(fd, job->path, above);
    close(fd);
    return failed;
}

static void do_save(void *arg)
{
    struct job *job = arg;
    char above[PATH_BYTES];
    if (!folder_of(job->path, above)) {
        job->failed = ENAMETOOLONG;
        return;
    }
    job->failed = job->fd >= 0 ? give_name(job->fd, job->path, above) : EXDEV;
    if (job->failed == EXDEV)
        job->failed = make_beside(job, above);
}

/* ---- In the fiber ---- */

/* What is to be told to whom: a full disk is no fault of the program, and passes. */
static void check(cz_ctx *ctx, const struct job *job, const char *what, const char *where)
{
    cz_error err;
    if (!job->failed)
        return;
    bool full = job->failed == ENOSPC || job->failed == EDQUOT || job->failed == EFBIG;
    bool exists = job->failed == EEXIST;
    cz_ignore(cz_error_set(&err, exists ? CZ_EINTEGRITY : CZ_EIO, "%s %s: %s", what, where,
                           strerror(job->failed)));
    if (full)
        err.http_status = 507;
    cz_raise_error(ctx, &err);
}

static void do_close(void *arg)
{
    close(((cz__spool *)arg)->fd);
}

/* What it took of the disk is given back with it, which takes 100 ms a GiB; clean-ups may wait. */
static void close_spool(void *arg)
{
    cz__spool *spool = arg;
    bool small = spool->size <= SMALL_BYTES_MAX;
    if (small || cz__fiber_offload_uncancelled(spool->ctx, do_close, spool))
        do_close(spool);
}

cz__spool *cz__spool_create(cz_ctx *ctx)
{
    cz__spool *spool = cz_new(ctx, cz__spool);
    struct job job = { .fd = -1, .path = folder };
    cz_status status = cz__fiber_offload(ctx, do_open, &job);
    if (status && job.fd >= 0)
        close(job.fd);
    cz_check(ctx, status);
    check(ctx, &job, "a file can not be made in", folder);
    spool->ctx = ctx;
    spool->fd = job.fd;
    cz_defer(ctx, close_spool, spool);
    return spool;
}

void cz__spool_write(cz_ctx *ctx, cz__spool *spool, cz_str bytes)
{
    struct job job = { .fd = spool->fd, .bytes = bytes, .at = spool->size };
    cz_offload(ctx, do_write, &job);
    check(ctx, &job, "an upload can not be written to", folder);
    spool->size += bytes.len;
}

uint64_t cz__spool_size(const cz__spool *spool)
{
    return spool->size;
}

size_t cz__spool_read(cz_ctx *ctx, const cz__spool *spool, uint64_t from, void *out, size_t room)
{
    if (from >= spool->size)
        return 0;
    struct job job = { .fd = spool->fd, .out = out, .at = from, .count = room };
    cz_offload(ctx, do_read, &job);
    check(ctx, &job, "an upload can not be read from", folder);
    return job.count;
}

void cz__spool_save(cz_ctx *ctx, const cz__spool *spool, const char *path)
{
    struct job job = { .fd = spool->fd, .path = path };
    cz_offload(ctx, do_save, &job);
    check(ctx, &job, "an upload can not be saved as", path);
}

void cz__bytes_save(cz_ctx *ctx, cz_str bytes, const char *path)
{
    struct job job = { .fd = -1, .bytes = bytes, .path = path };
    cz_offload(ctx, do_save, &job);
    check(ctx, &job, "an upload can not be saved as", path);
}
