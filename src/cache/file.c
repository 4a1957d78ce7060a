/* file://: a cache in a folder, for what is dear to compute and to survive a restart.
 *
 * The folder has 256 others by the key's hash, in each of which a file holds an entry:
 *
 *     file = "czc1" end-us checksum key-bytes key value   ; numbers of 8 bytes; the checksum is of all else
 *
 * Names are hashes, so a file also tells its key, and one of another key is none. Whoever changes a folder holds the lock of its
 * file "lock", which the kernel frees with its holder, writes the file "new" and renames it: a reader needs no lock and finds
 * an entry whole or not at all. All of it happens on threads of the pool, which neither raise nor use the arena. */
#include "cache/cache_internal.h"
#include "runtime/fiber.h"
#include <calzone/buf.h>
#include <calzone/map.h>
#include <calzone/time.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS = 256, NAME_BYTES = 33, HEAD_BYTES = 4 + 3 * 8, FILE_BYTES_MAX = 2 << 20 };

static const uint8_t name_key[16] = "calzone file 1", more_key[16] = "calzone file 2";

struct files {
    char *path;
    char reason[128]; /* of the last failure */
};

struct job {
    struct cz__store *store;
    const cz_str *keys;
    const cz_cache_item *items;
    size_t count;
    cz_str value;
    int64_t ttl_ms, delta;
    cz_buf *found; /* by key; with no status but CZ_OK */
    bool *hits;
    size_t changed;
    enum cz__counted counted;
    int64_t sum;
    bool failed; /* as errno says in `reason` */
    bool refused;
    char reason[128];
};

struct place {
    int folder, lock; /* -1: there is none */
    char name[NAME_BYTES];
};

static void note(struct job *job, const char *what)
{
    cz_ignore(snprintf(job->reason, sizeof job->reason, "%s: %s", what,
                       strerror(errno))); /* may be cut */
}

static void fail(struct job *job, const char *what)
{
    note(job, what);
    job->failed = true;
}

/* ---- folders ---- */

/* A folder that others may write to is no place for what is trusted when it is read. */
static bool is_ours(int fd)
{
    struct stat at;
    if (fstat(fd, &at) < 0)
        return false;
    if (at.st_uid == geteuid() && !(at.st_mode & 022))
        return true;
    errno = EPERM;
    return false;
}

static int open_folder(int above, const char *path, bool make)
{
    if (make && mkdirat(above, path, 0700) < 0 && errno != EEXIST)
        return -1;
    int fd = openat(above, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !is_ours(fd)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void leave(struct place *place)
{
    if (place->lock >= 0)
        close(place->lock);
    if (place->folder >= 0)
        close(place->folder);
}

/* Open the folder of a number and, to change it, take its lock. False: there is none yet, which is no failure of a reader, or
 * the job failed. */
static bool enter_folder(struct job *job, unsigned number, bool change, struct place *place)
{
    char name[4];
    const struct files *files = job->store->state;
    *place = (struct place){ .folder = -1, .lock = -1 };
    cz_ignore(snprintf(name, sizeof name, "%02x", number & 0xff)); /* it fits */
    int above = open_folder(AT_FDCWD, files->path, change);
    if (above >= 0) {
        place->folder = open_folder(above, name, change);
        close(above);
    }
    if (place->folder < 0) {
        if (change || errno != ENOENT)
            fail(job, files->path);
        return false;
    }
    if (!change)
        return true;
    place->lock = openat(place->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int code = place->lock < 0 ? -1 : flock(place->lock, LOCK_EX);
    while (place->lock >= 0 && code < 0 && errno == EINTR)
        code = flock(place->lock, LOCK_EX);
    if (code < 0) {
        fail(job, files->path);
        leave(place);
        return false;
    }
    return true;
}

static bool enter(struct job *job, cz_str key, bool change, struct place *place)
{
    uint64_t first = cz__siphash13(name_key, key.ptr, key.len);
    if (!enter_folder(job, (unsigned)(first & 0xff), change, place))
        return false;
    cz_ignore(snprintf(place->name, sizeof place->name, "%016llx%016llx", (unsigned long long)first,
                       (unsigned long long)cz__siphash13(more_key, key.ptr, key.len))); /* fits */
    return true;
}

/* ---- files ---- */

static bool read_file(int folder, const char *name, cz_buf *out)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat at;
    if (fd < 0)
        return false;
    cz_buf_clear(out);
    char *place = !fstat(fd, &at) && at.st_size >= HEAD_BYTES && at.st_size <= FILE_BYTES_MAX
                      ? cz_buf_reserve(out, (size_t)at.st_size)
                      : NULL;
    ssize_t count = 1;
    while (place && out->len < (size_t)at.st_size && count > 0) {
        count = read(fd, out->ptr + out->len, (size_t)at.st_size - out->len);
        if (count > 0)
            cz_buf_commit(out, (size_t)count);
    }
    close(fd);
    return place && out->len == (size_t)at.st_size;
}

static uint64_t checksum(cz_str key, cz_str value, int64_t end_us)
{
    return cz__siphash13(name_key, key.ptr, key.len) * 31 +
           cz__siphash13(more_key, value.ptr, value.len) * 7 +
           cz__siphash13(name_key, &end_us, sizeof end_us);
}

/* Take an entry apart; false: it is damaged. */
static bool parse_file(cz_str text, cz_str *key, cz_str *value, int64_t *end_us)
{
    cz_str magic;
    uint64_t end, sum, bytes;
    if (!cz__take(&text, 4, &magic) || !cz_str_eq(magic, CZ_STR("czc1")) ||
        !cz__take_u64(&text, &end) || !cz__take_u64(&text, &sum) || !cz__take_u64(&text, &bytes) ||
        bytes > text.len || !cz__take(&text, (size_t)bytes, key))
        return false;
    *value = text;
    *end_us = (int64_t)end;
    return checksum(*key, text, *end_us) == sum;
}

/* Read the entry of a key as it is now; `value` points into `file`. */
static bool find(const struct place *place, cz_str key, cz_buf *file, cz_str *value,
                 int64_t *end_us)
{
    cz_str own;
    return read_file(place->folder, place->name, file) &&
           parse_file(cz_buf_str(file), &own, value, end_us) && cz_str_eq(own, key) &&
           cz_now().us < *end_us;
}

static bool write_all(int fd, cz_str text)
{
    while (text.len) {
        ssize_t count = write(fd, text.ptr, text.len);
        if (count < 0 && errno != EINTR)
            return false;
        text = cz_str_tail(text, count > 0 ? (size_t)count : 0);
    }
    return true;
}

/* Make room when the folder has its share of the entries: those whose time is over go, or else every other one. */
static void cull(const struct job *job, const struct place *place)
{
    int64_t most = job->store->entries / FOLDERS, count = 0, gone = 0;
    int fd = openat(place->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return;
    const struct dirent *entry;
    while ((entry = readdir(folder)))
        count += strlen(entry->d_name) == NAME_BYTES - 1;
    cz_buf file = { 0 };
    for (int round = 0; round < 2 && count - gone >= (most > 1 ? most : 1); round++) {
        bool every_other = false;
        rewinddir(folder);
        while ((entry = readdir(folder))) {
            cz_str key, value;
            int64_t end_us;
            if (strlen(entry->d_name) != NAME_BYTES - 1)
                continue;
            bool over = !read_file(place->folder, entry->d_name, &file) ||
                        !parse_file(cz_buf_str(&file), &key, &value, &end_us) ||
                        cz_now().us >= end_us;
            every_other = !every_other;
            if ((over || (round && every_other)) && !unlinkat(place->folder, entry->d_name, 0))
                gone++;
        }
    }
    cz_buf_done(&file);
    closedir(folder);
}

static bool put(struct job *job, const struct place *place, cz_str key, cz_str value,
                int64_t end_us)
{
    char head[HEAD_BYTES] = "czc1", *at = head + 4;
    at = cz__put_u64(at, (uint64_t)end_us);
    at = cz__put_u64(at, checksum(key, value, end_us));
    cz__put_u64(at, key.len);
    cull(job, place);
    int fd =
        openat(place->folder, "new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, cz_str_of(head, sizeof head)) && write_all(fd, key) &&
              write_all(fd, value);
    if (fd >= 0 && close(fd) < 0)
        ok = false;
    if (ok && !renameat(place->folder, "new", place->folder, place->name))
        return true;
    note(job, "writing");
    job->refused = true; /* a disk that is full can still be read */
    unlinkat(place->folder, "new", 0);
    unlinkat(place->folder, place->name, 0); /* what was there is out of date */
    return false;
}

static int64_t end_of(int64_t ttl_ms)
{
    return ttl_ms == CZ_CACHE_FOREVER ? INT64_MAX : cz_now().us + ttl_ms * 1000;
}

/* ---- jobs, on a thread ---- */

static void get_job(void *arg)
{
    struct job *job = arg;
    cz_buf file = { 0 };
    for (size_t i = 0; i < job->count && !job->failed; i++) {
        struct place place;
        cz_str value;
        int64_t end_us;
        if (!enter(job, job->keys[i], false, &place))
            continue;
        if (find(&place, job->keys[i], &file, &value, &end_us)) {
            cz_buf_append_str(&job->found[i], value);
            job->hits[i] = !job->found[i].status;
        }
        leave(&place);
    }
    cz_buf_done(&file);
}

static void set_job(void *arg)
{
    struct job *job = arg;
    for (size_t i = 0; i < job->count && !job->failed; i++) {
        struct place place;
        if (!enter(job, job->items[i].key, true, &place))
            continue;
        job->changed +=
            put(job, &place, job->items[i].key, job->items[i].value, end_of(job->ttl_ms));
        leave(&place);
    }
}

/* Put the job's value where the key has none, or the key's own once more where it has one: its time begins anew. */
static void put_if(struct job *job, bool there)
{
    struct place place;
    cz_buf file = { 0 };
    cz_str own;
    int64_t end_us;
    if (!enter(job, job->keys[0], true, &place))
        return;
    if (find(&place, job->keys[0], &file, &own, &end_us) == there)
        job->changed =
            put(job, &place, job->keys[0], there ? own : job->value, end_of(job->ttl_ms));
    cz_buf_done(&file);
    leave(&place);
}

static void add_job(void *arg)
{
    put_if(arg, false);
}

static void touch_job(void *arg)
{
    put_if(arg, true);
}

/* Remove the keys; with a value, only those that have it. */
static void remove_job(void *arg)
{
    struct job *job = arg;
    cz_buf file = { 0 };
    for (size_t i = 0; i < job->count && !job->failed; i++) {
        struct place place;
        cz_str value;
        int64_t end_us;
        if (!enter(job, job->keys[i], true, &place))
            continue;
        bool found = find(&place, job->keys[i], &file, &value, &end_us);
        bool meant = !job->value.ptr || (found && cz_str_eq(value, job->value));
        bool gone =
            meant && !unlinkat(place.folder, place.name, 0); /* also one whose time is over */
        job->changed += gone && found;
        leave(&place);
    }
    cz_buf_done(&file);
}

static void incr_job(void *arg)
{
    struct job *job = arg;
    struct place place;
    cz_buf file = { 0 };
    cz_str value;
    char text[24];
    int64_t end_us;
    job->counted = CZ__COUNTED_NOTHING;
    if (!enter(job, job->keys[0], true, &place))
        return;
    if (find(&place, job->keys[0], &file, &value, &end_us)) {
        job->counted = !cz__is_integer(value, &job->sum) ? CZ__COUNTED_NO_INTEGER
                       : __builtin_add_overflow(job->sum, job->delta, &job->sum)
                           ? CZ__COUNTED_TOO_FAR
                           : CZ__COUNTED;
        if (job->counted == CZ__COUNTED &&
            !put(job, &place, job->keys[0], cz_str_of(text, cz_i64_write(text, job->sum)), end_us))
            job->failed = true;
    }
    cz_buf_done(&file);
    leave(&place);
}

/* The entries of this cache's prefix, and damaged ones, of a folder. */
static void clear_folder(const struct job *job, const struct place *place)
{
    int fd = openat(place->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    cz_str prefix = cz_str_from(job->store->prefix);
    cz_buf file = { 0 };
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        cz_str key, value;
        int64_t end_us;
        if (strlen(entry->d_name) != NAME_BYTES - 1)
            continue;
        bool is_others = read_file(place->folder, entry->d_name, &file) &&
                         parse_file(cz_buf_str(&file), &key, &value, &end_us) &&
                         !(cz_str_starts_with(key, prefix) && key.len > prefix.len &&
                           key.ptr[prefix.len] == ':');
        if (!is_others)
            unlinkat(place->folder, entry->d_name, 0);
    }
    cz_buf_done(&file);
    if (folder)
        closedir(folder);
}

static void clear_job(void *arg)
{
    struct job *job = arg;
    for (unsigned i = 0; i < FOLDERS && !job->failed; i++) {
        struct place place;
        if (!enter_folder(job, i, true, &place))
            continue;
        clear_folder(job, &place);
        leave(&place);
    }
}

/* ---- the driver ---- */

static cz_status run(cz_ctx *ctx, struct cz__store *store, void (*fn)(void *arg), struct job *job)
{
    struct files *files = store->state;
    job->store = store;
    cz_status status = cz__fiber_offload(ctx, fn, job);
    if (status == CZ_EBUSY) {
        cz_ignore(snprintf(files->reason, sizeof files->reason, "no thread is free")); /* it fits */
        return CZ_EUNAVAILABLE;
    }
    if (job->failed || job->refused)
        memcpy(files->reason, job->reason, sizeof files->reason);
    if (job->refused)
        cz__store_tell(ctx, store, CZ__NEWS_REFUSED, files->reason);
    return status ? status : job->failed ? CZ_EUNAVAILABLE : CZ_OK;
}

static cz_status file_open(struct cz__store *store, const cz_url *url, cz_error *err)
{
    if (url->host.len || url->user.len || url->path.len < 2)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "the URL of the cache \"%s\": file:// has no host and an absolute path, as "
            "in file:///var/cache/shop",
            store->alias);
    struct files *files = cz_calloc(1, sizeof *files);
    char *path = cz_calloc(url->path.len + 1, 1);
    if (!files || !path) {
        cz_free(files);
        cz_free(path);
        return cz_error_set(err, CZ_ENOMEM, "no memory for a cache");
    }
    memcpy(path, url->path.ptr, url->path.len);
    files->path = path;
    store->state = files;
    return CZ_OK;
}

static void file_close(struct cz__store *store)
{
    struct files *files = store->state;
    cz_free(files->path);
    cz_free(files);
    store->state = NULL;
}

static const char *file_reason(const struct cz__store *store)
{
    return ((const struct files *)store->state)->reason;
}

static cz_status file_get(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                          cz_str *out)
{
    struct job job = { .keys = keys, .count = count };
    job.found = cz_arena_array(ctx->arena, cz_buf, count);
    job.hits = cz_arena_array(ctx->arena, bool, count);
    if (!job.found || !job.hits)
        return CZ_ENOMEM;
    cz_status status = run(ctx, store, get_job, &job);
    for (size_t i = 0; i < count; i++) {
        out[i] = cz_str_of(NULL, 0);
        if (!status && job.hits[i])
            status = cz_str_dup(ctx->arena, cz_buf_str(&job.found[i]), &out[i]);
        cz_buf_done(&job.found[i]);
    }
    return status;
}

static cz_status file_set(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items,
                          size_t count, int64_t ttl_ms, size_t *out_stored)
{
    struct job job = { .items = items, .count = count, .ttl_ms = ttl_ms };
    cz_status status = run(ctx, store, set_job, &job);
    *out_stored = job.changed;
    return status;
}

static cz_status file_add(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value,
                          int64_t ttl_ms, bool *out_added)
{
    struct job job = { .keys = &key, .count = 1, .value = value, .ttl_ms = ttl_ms };
    cz_status status = run(ctx, store, add_job, &job);
    *out_added = job.changed == 1;
    return !status && job.refused ? CZ_EUNAVAILABLE : status; /* nobody has it to wait for */
}

static cz_status file_touch(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                            bool *out_found)
{
    struct job job = { .keys = &key, .count = 1, .ttl_ms = ttl_ms };
    cz_status status = run(ctx, store, touch_job, &job);
    *out_found = job.changed == 1;
    return status;
}

static cz_status file_remove(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                             size_t *out_removed)
{
    struct job job = { .keys = keys, .count = count };
    cz_status status = run(ctx, store, remove_job, &job);
    *out_removed = job.changed;
    return status;
}

static cz_status file_remove_if(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value)
{
    struct job job = { .keys = &key, .count = 1, .value = value };
    return run(ctx, store, remove_job, &job);
}

static cz_status file_incr(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                           enum cz__counted *out_counted, int64_t *out)
{
    struct job job = { .keys = &key, .count = 1, .delta = delta };
    cz_status status = run(ctx, store, incr_job, &job);
    *out_counted = job.counted;
    *out = job.sum;
    return status;
}

static cz_status file_clear(cz_ctx *ctx, struct cz__store *store)
{
    struct job job = { 0 };
    return run(ctx, store, clear_job, &job);
}

const struct cz__cache_driver cz__cache_file = {
    .scheme = "file",
    .open = file_open,
    .close = file_close,
    .reason = file_reason,
    .get = file_get,
    .set = file_set,
    .add = file_add,
    .touch = file_touch,
    .remove = file_remove,
    .remove_if = file_remove_if,
    .incr = file_incr,
    .clear = file_clear,
};
