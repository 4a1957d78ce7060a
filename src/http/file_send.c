/* Bodies that are files: on the request's fiber, after its head.
 *
 * A disk that has to be read takes milliseconds, in which the worker would serve nobody. So what the kernel has in memory is
 * sent from here, and what it has not is read by a thread of the pool first. RWF_NOWAIT tells the one from the other: a read
 * that would wait fails instead. sendfile() has no such flag; before it a byte every PROBE_STEP is read so. Pages between
 * them may be missing where memory is short: then the loop waits for a disk, for one window at most.
 */
#include "base/unset.h"
#include "http/file_response.h"
#include "http/http_internal.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <calzone/map.h>
#include <errno.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 64 << 10,   /* of a file, in memory at once */
    FIRST_BYTES = 4 << 10,    /* of a larger one, with its head */
    WINDOW_BYTES = 256 << 10, /* sent before others have their turn */
    PROBE_STEP = 64 << 10,
    BUSY_MS = 20, /* until the pool is asked again when its queue is full */
    BUSY_TRIES = 250,
    LATELY_MS = 10000, /* for which what was read stays in memory */
    LATELY_COUNT = 1024,
    TMPFS = 0x01021994, /* statfs(2) */
    RAMFS = 0x858458f6,
    OVERLAYFS = 0x794c7630
};

struct sending {
    cz_ctx *ctx;
    cz_request *req;
    struct cz__file *file;
    char *piece;  /* for threads to read into; NULL: none was needed yet */
    size_t turn;  /* bytes that were sent since others had theirs */
    bool started; /* the head has gone, with what came behind it */
    bool last;    /* no part follows the one at hand */
};

/* ---- What is read by a thread ---- */

struct reading {
    int fd;
    uint64_t first;
    size_t bytes;
    char *out; /* NULL: into the kernel's memory alone */
    ssize_t done;
};

static ssize_t read_once(int fd, char *out, size_t bytes, uint64_t first)
{
    ssize_t n;
    do
        n = pread(fd, out, bytes, (off_t)first);
    while (n < 0 && errno == EINTR);
    return n;
}

static void read_by_thread(void *arg)
{
    struct reading *reading = arg;
    char unused[PIECE_BYTES] CZ__UNSET;
    while (!reading->out && reading->bytes) {
        size_t bytes = reading->bytes < sizeof unused ? reading->bytes : sizeof unused;
        reading->done = read_once(reading->fd, unused, bytes, reading->first);
        if (reading->done <= 0)
            break; /* sendfile() finds it too */
        reading->first += (uint64_t)reading->done;
        reading->bytes -= (size_t)reading->done;
    }
    if (reading->out)
        reading->done = read_once(reading->fd, reading->out, reading->bytes, reading->first);
}

/* A queue that is full empties: it is no reason to cut an answer. */
static void let_thread_read(cz_ctx *ctx, struct reading *reading)
{
    cz_status status = cz__fiber_offload(ctx, read_by_thread, reading);
    for (int tries = 0; status == CZ_EBUSY && tries < BUSY_TRIES; tries++) {
        cz_check(ctx, cz__fiber_sleep(ctx, BUSY_MS));
        status = cz__fiber_offload(ctx, read_by_thread, reading);
    }
    cz_check(ctx, status);
}

/* ---- What was read lately ----
 *
 * overlayfs, which images of containers are, knows no RWF_NOWAIT, and a thread for each small file is three times the work. What
 * one has read there is taken to be in memory for some seconds; if it is not, the loop waits for a piece of a disk. NFS and FUSE
 * know no RWF_NOWAIT either, but who is behind them may never answer: nothing is taken of them. */

static struct lately {
    uint64_t key;
    int64_t until_ms;
} lately[LATELY_COUNT]; /* of the one thread that has a loop */

static struct lately *place_of(const struct cz__file *file, uint64_t first, size_t bytes,
                               uint64_t *out_key)
{
    static const uint8_t key[16] = "calzone's reads";
    const uint64_t parts[] = { file->state, first, bytes };
    *out_key = cz__siphash13(key, parts, sizeof parts);
    return &lately[*out_key % LATELY_COUNT];
}

static bool was_read_lately(const struct cz__file *file, uint64_t first, size_t bytes)
{
    uint64_t key;
    const struct lately *place = place_of(file, first, bytes, &key);
    return file->in_layers && place->key == key &&
           cz__loop_now_ms(cz__loop_current()) < place->until_ms;
}

static void note_read(const struct cz__file *file, uint64_t first, size_t bytes)
{
    uint64_t key;
    struct lately *place = place_of(file, first, bytes, &key);
    if (file->in_layers)
        *place = (struct lately){ key, cz__loop_now_ms(cz__loop_current()) + LATELY_MS };
}

/* ---- What is in memory ---- */

/* Why nothing could be read without waiting is noted in the file: that it never can be, or that it always is there. */
static void note_refusal(struct cz__file *file, int error)
{
    struct statfs system;
    if (error == EAGAIN)
        return;
    long type = fstatfs(file->fd, &system) ? 0 : (long)system.f_type;
    file->in_memory = type == TMPFS || type == (long)RAMFS;
    file->asks_disk = !file->in_memory;
    file->in_layers = type == OVERLAYFS;
}

static bool needs_no_thread(const struct cz__file *file, uint64_t first, size_t bytes)
{
    return file->in_memory || (file->asks_disk && was_read_lately(file, first, bytes));
}

/* As pread(), of what is in memory; -1: it is not. */
static ssize_t read_at_once(struct cz__file *file, char *out, size_t bytes, uint64_t first)
{
    struct iovec part = { out, bytes };
    if (!file->asks_disk && !file->in_memory) {
        ssize_t n = preadv2(file->fd, &part, 1, (off_t)first, RWF_NOWAIT);
        if (n >= 0)
            return n;
        note_refusal(file, errno == EINTR ? EAGAIN : errno);
    }
    return needs_no_thread(file, first, bytes) ? read_once(file->fd, out, bytes, first) : -1;
}

static bool is_in_memory(struct cz__file *file, uint64_t first, size_t bytes)
{
    char byte;
    for (size_t at = 0; at < bytes; at += PROBE_STEP)
        if (read_at_once(file, &byte, 1, first + at) < 0)
            return false;
    return read_at_once(file, &byte, 1, first + bytes - 1) >= 0;
}

/* ---- Sending ---- */

static void give_turn(struct sending *sending, size_t sent)
{
    sending->turn += sent;
    if (sending->turn < WINDOW_BYTES)
        return;
    sending->turn = 0;
    cz_check(sending->ctx, cz__fiber_yield(sending->ctx));
}

static CZ_NORETURN void raise_failure(const struct sending *sending, ssize_t result)
{
    cz_raise(sending->ctx, CZ_EIO, "%s",
             result ? "the file could not be read while it was sent"
                    : "the file became shorter while it was sent");
}

/* Of a large file little goes before sendfile() takes over. */
static size_t piece_bytes(const struct sending *sending, uint64_t bytes)
{
    if (bytes <= PIECE_BYTES)
        return (size_t)bytes;
    return sending->started || sending->file->asks_disk ? PIECE_BYTES : FIRST_BYTES;
}

/* A thread reads into memory of this request's own: others go on meanwhile. */
static ssize_t read_later(struct sending *sending, size_t bytes, uint64_t first)
{
    if (!sending->piece)
        sending->piece = cz_alloc(sending->ctx, PIECE_BYTES);
    struct reading reading = { sending->file->fd, first, bytes, sending->piece, 0 };
    let_thread_read(sending->ctx, &reading);
    note_read(sending->file, first, bytes);
    return reading.done;
}

static size_t send_piece(struct sending *sending, uint64_t first, uint64_t bytes)
{
    static char shared[PIECE_BYTES]; /* of the one thread that has a loop; it is copied at once */
    size_t size = piece_bytes(sending, bytes);
    const char *piece = shared;
    ssize_t n = read_at_once(sending->file, shared, size, first);
    if (n < 0) {
        n = read_later(sending, size, first);
        piece = sending->piece;
    }
    if (n <= 0)
        raise_failure(sending, n);
    /* Nothing is read ahead of the client: a hundred streams of one connection have a piece each. The last one, which of a small
     * file is the only one, waits for the client without a fiber. */
    cz__stream_write(sending->ctx, sending->req, cz_str_of(piece, (size_t)n),
                     sending->last && (uint64_t)n == bytes ? CZ__HTTP_UNSENT_BYTES_MAX : 0);
    return (size_t)n;
}

/* Returns what was sent; 0: it has to be copied. */
static size_t send_window(struct sending *sending, uint64_t first, uint64_t bytes)
{
    struct cz__file *file = sending->file;
    size_t size = bytes < WINDOW_BYTES ? (size_t)bytes : WINDOW_BYTES, sent;
    if (file->is_copied || file->asks_disk)
        return 0;
    if (!is_in_memory(file, first, size)) {
        struct reading reading = { file->fd, first, size, NULL, 0 };
        let_thread_read(sending->ctx, &reading);
    }
    if (!cz__stream_file(sending->ctx, sending->req, file->fd, first, size, &sent)) {
        file->is_copied = true;
        return 0;
    }
    if (!sent)
        raise_failure(sending, 0);
    return sent;
}

/* The first piece is copied: it goes in one call with the head, and that is all of a small file. */
static void send_part(struct sending *sending, uint64_t first, uint64_t bytes)
{
    while (bytes) {
        size_t sent = sending->started ? send_window(sending, first, bytes) : 0;
        if (!sent)
            sent = send_piece(sending, first, bytes);
        sending->started = true;
        first += sent;
        bytes -= sent;
        if (bytes)
            give_turn(sending, sent);
    }
}

void cz__file_send(cz_ctx *ctx, cz_request *req, void *arg)
{
    const struct cz__file_body *body = arg;
    struct sending sending = { .ctx = ctx, .req = req, .file = body->file };
    if (body->file->fd < 0) /* the scope it was opened in has ended by a raise */
        cz_raise(ctx, CZ_EINVAL, "the file of an answer was closed before it was sent");
    for (size_t i = 0; i < body->count; i++) {
        sending.last = i + 1 == body->count;
        cz_stream_write(ctx, req, body->parts[i].head);
        send_part(&sending, body->parts[i].first, body->parts[i].bytes);
    }
    cz_stream_write(ctx, req, body->end);
}
