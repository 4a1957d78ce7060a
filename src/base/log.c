/* Two sinks, one for lines made by cz_log() from any thread, one for access lines of the worker's own
 * thread. Each gathers whole lines in a buffer and hands it to the kernel without ever waiting:
 *
 *   regular file    write(); opened with O_APPEND, so lines of several workers do not mix
 *   pipe, terminal  opened again through /proc/self/fd with O_NONBLOCK: the flag then is ours alone,
 *                   not that of every process that shares the description
 *   socket          send() with MSG_DONTWAIT (journald)
 *   anything else   one poll() and at most PIPE_BUF bytes at a time
 *
 * A write that would block leaves the lines in the buffer until it is full; then, and on any other error,
 * lines are lost and counted. What is left of a line that was written in part is kept, so a later line
 * never continues it.
 */
#include <calzone/log.h>
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base_internal.h"

enum {
    SINK_BYTES = 64 * 1024,
    FLUSH_BYTES = 32 * 1024,
    LINE_BYTES_MAX = 16 * 1024,
    LINE_END_BYTES = 32, /* kept free for what ends a line */
    FLUSH_INTERVAL_MS = 250
};

enum sink_kind { SINK_UNKNOWN, SINK_FILE, SINK_NONBLOCKING, SINK_SOCKET, SINK_POLLED };

struct sink {
    int fd;
    bool owns_fd;
    enum sink_kind kind;
    char *path; /* owned; NULL for standard output and error */
    bool torn;  /* the kernel has the beginning of the buffer's first line */
    size_t len;
    char bytes[SINK_BYTES];
};

static struct sink main_sink = { .fd = STDERR_FILENO }, access_sink = { .fd = -1 };
static pthread_mutex_t main_lock = PTHREAD_MUTEX_INITIALIZER;
static enum { ACCESS_OFF, ACCESS_SHARED, ACCESS_OWN } access_mode = ACCESS_SHARED;
static cz_log_format format = CZ_LOG_CONSOLE;
static bool coloured, coloured_known;
static atomic_bool gathering;
static atomic_bool main_pending;   /* main_sink.len != 0, for those who do not hold the lock */
static _Atomic int64_t written_ms; /* when something was last written */
static _Atomic uint64_t lost;

cz_log_level cz_log_threshold = CZ_LOG_INFO;

static const char *const level_names[] = { "debug", "info", "warning", "error", "off" };

/* ---- text ---- */

static bool contains_icase(cz_str s, cz_str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (cz_str_eq_icase(cz_str_of(s.ptr + i, part.len), part))
            return true;
    return false;
}

bool cz__name_is_secret(cz_str name)
{
    static const char *const parts[] = { "password", "passwd", "passphrase", "token",
                                         "secret",   "cookie", "credential", "authorization" };
    for (size_t i = 0; i < CZ_COUNT(parts); i++)
        if (contains_icase(name, cz_str_from(parts[i])))
            return true;
    return name.len >= 3 && cz_str_eq_icase(cz_str_tail(name, name.len - 3), cz_str_of("key", 3));
}

static char *write_escape(char *out, unsigned code)
{
    static const char digits[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'u';
    out[2] = digits[code >> 12 & 15];
    out[3] = digits[code >> 8 & 15];
    out[4] = digits[code >> 4 & 15];
    out[5] = digits[code & 15];
    return out + 6;
}

/* Bytes of the well-formed sequence that begins a string of `left` bytes; 0 when there is none. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    return len <= left && cz_str_is_utf8(cz_str_of((const char *)p, len)) ? len : 0;
}

static char *escape(char *out, cz_str s, bool quotes)
{
    const unsigned char *p = (const unsigned char *)s.ptr, *end = p + s.len;
    while (p < end) {
        unsigned char c = *p;
        if (c >= 0x20 && c < 0x7f) {
            if (quotes && (c == '"' || c == '\\'))
                *out++ = '\\';
            *out++ = (char)c;
            p++;
            continue;
        }
        if (c < 0x80) {
            char letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : '\0';
            if (letter) {
                *out++ = '\\';
                *out++ = letter;
            } else {
                out = write_escape(out, c);
            }
            p++;
            continue;
        }
        size_t len = sequence_length(p, (size_t)(end - p));
        if (!len || (c == 0xc2 && p[1] < 0xa0)) { /* ill-formed, or C1: U+0080 to U+009F */
            out = write_escape(out, len ? p[1] : 0xfffd);
            p += len ? len : 1;
            continue;
        }
        memcpy(out, p, len);
        out += len;
        p += len;
    }
    return out;
}

char *cz__json_escape(char *out, cz_str s)
{
    return s.len ? escape(out, s, true) : out;
}

/* ---- sinks ---- */

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* Find out how to write to the sink without waiting. */
static void sink_examine(struct sink *sink)
{
    struct stat info;
    if (fstat(sink->fd, &info)) {
        sink->kind = SINK_POLLED;
        return;
    }
    sink->kind = S_ISREG(info.st_mode)    ? SINK_FILE
                 : S_ISSOCK(info.st_mode) ? SINK_SOCKET
                                          : SINK_POLLED;
    if (sink->kind != SINK_POLLED)
        return;
    if (sink->path) { /* opened by us with O_NONBLOCK */
        sink->kind = SINK_NONBLOCKING;
        return;
    }
    char path[32];
    cz_ignore(snprintf(path, sizeof path, "/proc/self/fd/%d", sink->fd)); /* fits any int */
    int fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return; /* no /proc, or another user's terminal */
    sink->fd = fd;
    sink->owns_fd = true;
    sink->kind = SINK_NONBLOCKING;
}

/* Hand over some of `bytes`; -1 with errno as write(). */
static ssize_t sink_write_some(struct sink *sink, const char *bytes, size_t len)
{
    if (sink->kind == SINK_UNKNOWN)
        sink_examine(sink);
    if (sink->kind == SINK_SOCKET)
        return send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sink->kind == SINK_POLLED) {
        struct pollfd ready = { .fd = sink->fd, .events = POLLOUT };
        if (poll(&ready, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        if (len > PIPE_BUF)
            len = PIPE_BUF;
    }
    return write(sink->fd, bytes, len);
}

static size_t count_lines(const char *bytes, size_t len)
{
    return cz_str_count(cz_str_of(bytes, len), '\n');
}

/* Drop the lines from `from` on, but for the rest of one that is half written. */
static void sink_drop(struct sink *sink, size_t from)
{
    size_t kept = 0;
    if (sink->torn) {
        size_t end = cz_str_find_char(cz_str_of(sink->bytes + from, sink->len - from), '\n');
        kept = end + 1; /* every line ends in a line feed */
    }
    lost += count_lines(sink->bytes + from + kept, sink->len - from - kept);
    memmove(sink->bytes, sink->bytes + from, kept);
    sink->len = kept;
}

/* Write `sink`'s buffer to `to`, which is the sink itself or the one it shares. */
static void sink_flush(struct sink *sink, struct sink *to)
{
    size_t done = 0;
    while (done < sink->len) {
        ssize_t got = sink_write_some(to, sink->bytes + done, sink->len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got < 0 && would_block(errno)) {
                memmove(sink->bytes, sink->bytes + done, sink->len - done);
                sink->len -= done;
            } else {
                sink_drop(sink, done);
            }
            return;
        }
        done += (size_t)got;
        sink->torn = sink->bytes[done - 1] != '\n';
    }
    sink->len = 0;
}

static int64_t coarse_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With the lock. While the other sink of a shared file has half a line there, nothing comes between. */
static void flush_main(void)
{
    if (access_mode == ACCESS_SHARED && access_sink.torn)
        return;
    sink_flush(&main_sink, &main_sink);
    main_pending = main_sink.len != 0;
    written_ms = coarse_ms();
}

static void flush_access(void)
{
    if (access_mode == ACCESS_SHARED) {
        pthread_mutex_lock(&main_lock); /* main_sink.fd may be opened anew by a first write */
        if (main_sink.torn)
            flush_main();
        if (!main_sink.torn)
            sink_flush(&access_sink, &main_sink);
        pthread_mutex_unlock(&main_lock);
    } else {
        sink_flush(&access_sink, &access_sink);
    }
    written_ms = coarse_ms();
}

/* Room for a line of at most `bytes`, or NULL when it is lost. */
static char *sink_reserve(struct sink *sink, size_t bytes, void (*flush)(void))
{
    if (SINK_BYTES - sink->len < bytes)
        flush();
    if (SINK_BYTES - sink->len < bytes) {
        lost++;
        return NULL;
    }
    return sink->bytes + sink->len;
}

/* ---- lines ---- */

struct line {
    char *at, *end; /* `end` leaves LINE_END_BYTES */
    bool cut, coloured;
};

static void put(struct line *line, const char *text, size_t len)
{
    if ((size_t)(line->end - line->at) < len) {
        line->cut = true;
        return;
    }
    memcpy(line->at, text, len);
    line->at += len;
}

#define PUT(line, literal) put((line), "" literal, sizeof(literal) - 1)

/* At most `bytes` of `s`, not ending within a character. */
static cz_str utf8_head(cz_str s, size_t bytes)
{
    size_t back = 0;
    while (back < 3 && back < bytes && ((unsigned char)s.ptr[bytes - back] & 0xc0) == 0x80)
        back++;
    return cz_str_head(s, bytes - back);
}

/* Escaped text; what does not fit is cut between two characters. */
static void put_escaped(struct line *line, cz_str s, bool quotes)
{
    size_t room = (size_t)(line->end - line->at) / 6;
    if (s.len > room) {
        line->cut = true;
        s = utf8_head(s, room);
    }
    if (s.len)
        line->at = escape(line->at, s, quotes);
}

static void put_number(struct line *line, const cz_log_field *field)
{
    char text[40];
    size_t len;
    if (field->kind == CZ__LOG_INT) {
        len = cz_i64_write(text, field->integer);
    } else if (__builtin_isfinite(field->real)) {
        len = (size_t)snprintf(text, sizeof text, "%.15g", field->real);
        if (strtod(text, NULL) < field->real || strtod(text, NULL) > field->real)
            len = (size_t)snprintf(text, sizeof text, "%.17g", field->real);
        for (size_t i = 0; i < len; i++) /* the locale's decimal point */
            if (text[i] == ',')
                text[i] = '.';
    } else {
        put(line, "null", 4);
        return;
    }
    put(line, text, len);
}

static void put_json_string(struct line *line, cz_str s)
{
    if (line->end - line->at < 2) {
        line->cut = true;
        return;
    }
    *line->at++ = '"';
    line->end--; /* for the closing quote */
    put_escaped(line, s, true);
    line->end++;
    *line->at++ = '"';
}

static void put_json_member(struct line *line, cz_str name, cz_str value)
{
    /* A member is written whole or not at all, but for its value's length. */
    if ((size_t)(line->end - line->at) < name.len * 6 + 8) {
        line->cut = true;
        return;
    }
    *line->at++ = ',';
    put_json_string(line, name);
    *line->at++ = ':';
    put_json_string(line, value);
}

static void put_json_field(struct line *line, const cz_log_field *field)
{
    cz_str name = cz_str_from(field->name);
    if (cz__name_is_secret(name)) {
        put_json_member(line, name, CZ_STR("***"));
    } else if (field->kind == CZ__LOG_STR) {
        put_json_member(line, name, field->text);
    } else if ((size_t)(line->end - line->at) < name.len * 6 + 8 + 40) {
        line->cut = true;
    } else {
        *line->at++ = ',';
        put_json_string(line, name);
        *line->at++ = ':';
        put_number(line, field);
    }
}

static void make_json(struct line *line, const cz_ctx *ctx, cz_log_level level, const char *logger,
                      const char *message, const cz_log_field *fields, size_t count)
{
    PUT(line, "{\"time\":\"");
    line->at += cz_datetime_write(line->at, cz_now());
    PUT(line, "\"");
    put_json_member(line, CZ_STR("level"), cz_str_from(level_names[level]));
    put_json_member(line, CZ_STR("logger"), cz_str_from(logger));
    put_json_member(line, CZ_STR("message"), cz_str_from(message));
    if (ctx && ctx->request_id.len)
        put_json_member(line, CZ_STR("request_id"), ctx->request_id);
    for (size_t i = 0; i < count; i++)
        put_json_field(line, &fields[i]);
    line->end += LINE_END_BYTES;
    if (line->cut)
        PUT(line, ",\"cut\":true");
    PUT(line, "}\n");
}

static bool is_plain(cz_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] == '"' || s.ptr[i] == '=' || s.ptr[i] == '\\')
            return false;
    return s.len > 0;
}

static void put_console_field(struct line *line, cz_str name, const cz_log_field *field)
{
    PUT(line, " ");
    if (line->coloured)
        PUT(line, "\x1b[2m");
    put_escaped(line, name, false);
    PUT(line, "=");
    if (line->coloured)
        PUT(line, "\x1b[0m");
    if (cz__name_is_secret(name))
        PUT(line, "***");
    else if (field->kind != CZ__LOG_STR)
        put_number(line, field);
    else if (is_plain(field->text))
        put_escaped(line, field->text, false);
    else
        put_json_string(line, field->text);
}

static bool wants_colour(void)
{
    const char *term = getenv("TERM");
    return isatty(main_sink.fd) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

/* With the lock: the main sink may be opened anew. */
static bool is_coloured(void)
{
    if (!coloured_known) {
        coloured = wants_colour();
        coloured_known = true;
    }
    return coloured;
}

static void make_console(struct line *line, const cz_ctx *ctx, cz_log_level level,
                         const char *logger, const char *message, const cz_log_field *fields,
                         size_t count)
{
    static const char titles[][9] = { "DEBUG   ", "INFO    ", "WARNING ", "ERROR   " };
    static const char colours[][6] = { "\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[31m" };
    char time[CZ_DATETIME_TEXT + 1];
    size_t len = cz_datetime_write(time, (cz_datetime){ cz_now().us / 1000 * 1000 });
    put(line, time + 11, 8); /* the time of day, in milliseconds, UTC */
    put(line, len == CZ_DATETIME_TEXT ? time + 19 : ".000", 4);
    PUT(line, " ");
    if (line->coloured)
        put(line, colours[level], 5);
    put(line, titles[level], 8);
    if (line->coloured)
        PUT(line, "\x1b[0m");
    put_escaped(line, cz_str_from(logger), false);
    PUT(line, ": ");
    put_escaped(line, cz_str_from(message), false);
    for (size_t i = 0; i < count; i++)
        put_console_field(line, cz_str_from(fields[i].name), &fields[i]);
    if (ctx && ctx->request_id.len) {
        cz_log_field id = CZ_FIELD_STR("request_id", ctx->request_id);
        put_console_field(line, CZ_STR("request_id"), &id);
    }
    line->end += LINE_END_BYTES;
    if (line->cut)
        PUT(line, " (cut)");
    PUT(line, "\n");
}

void cz__log(const cz_ctx *ctx, cz_log_level level, const char *logger, const char *message,
             const cz_log_field *fields, size_t count)
{
    cz_assert(level >= CZ_LOG_DEBUG && level < CZ_LOG_OFF);
    pthread_mutex_lock(&main_lock);
    char *at = sink_reserve(&main_sink, LINE_BYTES_MAX, flush_main);
    if (at) {
        struct line line = { at, at + LINE_BYTES_MAX - LINE_END_BYTES, false, is_coloured() };
        if (format == CZ_LOG_JSON)
            make_json(&line, ctx, level, logger, message, fields, count);
        else
            make_console(&line, ctx, level, logger, message, fields, count);
        main_sink.len += (size_t)(line.at - at);
        main_pending = true;
        if (level >= CZ_LOG_ERROR || !gathering || main_sink.len >= FLUSH_BYTES)
            flush_main();
    }
    pthread_mutex_unlock(&main_lock);
}

/* ---- access lines ---- */

bool cz_log_access_enabled(void)
{
    return access_mode != ACCESS_OFF;
}

bool cz__log_access_is_console(void)
{
    return format == CZ_LOG_CONSOLE;
}

void cz__log_access(const cz_ctx *ctx, cz_log_level level, const char *message,
                    const cz_log_field *fields, size_t count)
{
    char *at = cz__log_access_reserve(LINE_BYTES_MAX);
    if (!at)
        return;
    bool colours = false;
    if (access_mode == ACCESS_SHARED) {
        pthread_mutex_lock(&main_lock);
        colours = is_coloured();
        pthread_mutex_unlock(&main_lock);
    }
    struct line line = { at, at + LINE_BYTES_MAX - LINE_END_BYTES, false, colours };
    make_console(&line, ctx, level, "calzone.access", message, fields, count);
    cz__log_access_commit((size_t)(line.at - at));
}

char *cz__log_access_reserve(size_t bytes)
{
    if (access_mode == ACCESS_OFF)
        return NULL;
    return sink_reserve(&access_sink, bytes, flush_access);
}

void cz__log_access_commit(size_t bytes)
{
    access_sink.len += bytes;
    if (!gathering || access_sink.len >= FLUSH_BYTES)
        flush_access();
}

/* ---- files ---- */

static cz_status open_file(const char *path, int *out, cz_error *err)
{
    /* O_NONBLOCK: the path may be a pipe, and a reader that is slow or gone must not stop us. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0)
        return cz_error_set(err, CZ_EIO, "cannot open the log file %s: %s", path, strerror(errno));
    *out = fd;
    return CZ_OK;
}

/* Let the sink write to `path`, or to `fd` when it is NULL. What it gathered goes to the old file. */
static cz_status sink_open(struct sink *sink, const char *path, int fd, cz_error *err)
{
    char *copy = NULL;
    if (path) {
        copy = cz_strdup(path);
        if (!copy)
            return cz_error_set(err, CZ_ENOMEM, "no memory to open the log file %s", path);
        cz_status status = open_file(path, &fd, err);
        if (status) {
            cz_free(copy);
            return status;
        }
    }
    if (sink->len && sink->fd >= 0)
        sink_flush(sink, sink);
    if (sink->owns_fd)
        close(sink->fd);
    cz_free(sink->path);
    sink->fd = fd;
    sink->owns_fd = path != NULL;
    sink->kind = SINK_UNKNOWN;
    sink->path = copy;
    sink->torn = false;
    sink->len = 0;
    return CZ_OK;
}

static void sink_reopen(struct sink *sink)
{
    int fd = -1;
    if (!sink->path || open_file(sink->path, &fd, NULL))
        return; /* the old file goes on: better there than nowhere */
    sink_flush(sink, sink);
    close(sink->fd);
    sink->fd = fd;
    sink->kind = SINK_UNKNOWN;
    sink->torn = false;
}

static void flush_at_exit(void)
{
    cz_log_flush(true);
}

static void before_fork(void)
{
    pthread_mutex_lock(&main_lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&main_lock);
}

/* What is gathered belongs to the parent, which will write it. */
static void after_fork_in_child(void)
{
    main_sink.len = access_sink.len = 0;
    main_sink.torn = access_sink.torn = false;
    gathering = main_pending = false;
    pthread_mutex_unlock(&main_lock);
}

__attribute__((constructor)) static void log_begin(void)
{
    /* Both fail only without memory at start-up. */
    cz_ignore(pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child));
    cz_ignore(atexit(flush_at_exit));
}

cz_status cz_log_configure(const cz_log_options *options, cz_error *err)
{
    pthread_mutex_lock(&main_lock);
    cz_status status = sink_open(&main_sink, options->path, STDERR_FILENO, err);
    if (status == CZ_OK) {
        cz_log_threshold = options->level;
        format = options->format;
        coloured = coloured_known = false;
    }
    pthread_mutex_unlock(&main_lock);
    return status;
}

cz_status cz_log_configure_access(const char *path, cz_error *err)
{
    if (access_sink.len)
        flush_access();
    if (!path || !strcmp(path, "off")) {
        cz_status status = sink_open(&access_sink, NULL, -1, err);
        access_mode = path ? ACCESS_OFF : ACCESS_SHARED;
        return status;
    }
    bool to_stdout = !strcmp(path, "-");
    cz_status status = sink_open(&access_sink, to_stdout ? NULL : path, STDOUT_FILENO, err);
    if (status == CZ_OK)
        access_mode = ACCESS_OWN;
    return status;
}

void cz_log_flush(bool now)
{
    if (!now) {
        gathering = true;
        if (!main_pending && !access_sink.len)
            return;
        if (coarse_ms() - written_ms < FLUSH_INTERVAL_MS)
            return;
    }
    pthread_mutex_lock(&main_lock);
    if (main_sink.len)
        flush_main();
    pthread_mutex_unlock(&main_lock);
    if (access_sink.len)
        flush_access();
}

int cz__log_due_ms(void)
{
    if (!main_pending && !access_sink.len)
        return -1;
    int64_t left = written_ms + FLUSH_INTERVAL_MS - coarse_ms();
    return left < 0 ? 0 : left > FLUSH_INTERVAL_MS ? FLUSH_INTERVAL_MS : (int)left;
}

void cz_log_reopen(void)
{
    pthread_mutex_lock(&main_lock);
    sink_reopen(&main_sink);
    pthread_mutex_unlock(&main_lock);
    sink_reopen(&access_sink);
}

uint64_t cz_log_lost(void)
{
    return lost;
}
