/* calzone/buf.h: a growing byte buffer that remembers its first failure.
 *
 * A cz_buf owns its bytes, never grows past its maximum, and after a failure ignores further appends, so
 * ten appends need one check of cz_buf_status(). There is always room for a NUL after the bytes, which
 * cz_buf_cstr() writes. What is appended may not lie in the buffer itself. Used by one thread at a time.
 */
#ifndef CALZONE_BUF_H
#define CALZONE_BUF_H

#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_buf {
    char *ptr; /* owned; NULL until the first append */
    size_t len;
    size_t cap;       /* bytes at ptr, including room for the NUL */
    size_t bytes_max; /* len never exceeds it; 0 means 1 GiB */
    cz_status status; /* the first failure: CZ_ENOMEM or CZ_ETOOBIG */
} cz_buf;

/* An empty buffer of at most `bytes_max` bytes. A zeroed cz_buf is one as well. */
static inline void cz_buf_init(cz_buf *buf, size_t bytes_max)
{
    memset(buf, 0, sizeof *buf);
    buf->bytes_max = bytes_max;
}

/* Release the bytes; the buffer is empty and usable again. */
void cz_buf_done(cz_buf *buf);
/* Empty it and forget a failure, keeping the memory for reuse. */
static inline void cz_buf_clear(cz_buf *buf)
{
    buf->len = 0;
    buf->status = CZ_OK;
}

CZ_NODISCARD static inline cz_status cz_buf_status(const cz_buf *buf)
{
    return buf->status;
}

static inline cz_str cz_buf_str(const cz_buf *buf)
{
    return cz_str_of(buf->ptr, buf->len);
}

/* Make room; see cz_buf_reserve(). Sets the status and returns NULL on failure. */
char *cz__buf_grow(cz_buf *buf, size_t bytes);

/* A place to write up to `bytes` bytes, followed by cz_buf_commit() of what was written; NULL after a
 * failure. The pointer is good until the next call on the buffer. */
static inline char *cz_buf_reserve(cz_buf *buf, size_t bytes)
{
    if (__builtin_expect(buf->status == CZ_OK && buf->cap - buf->len > bytes, 1))
        return buf->ptr + buf->len;
    return cz__buf_grow(buf, bytes);
}

static inline void cz_buf_commit(cz_buf *buf, size_t bytes)
{
    buf->len += bytes;
}

static inline void cz_buf_append(cz_buf *buf, const void *bytes, size_t len)
{
    char *at = cz_buf_reserve(buf, len);
    if (at && len) {
        memcpy(at, bytes, len);
        buf->len += len;
    }
}

static inline void cz_buf_append_str(cz_buf *buf, cz_str s)
{
    cz_buf_append(buf, s.ptr, s.len);
}

static inline void cz_buf_append_char(cz_buf *buf, char c)
{
    char *at = cz_buf_reserve(buf, 1);
    if (at) {
        *at = c;
        buf->len++;
    }
}

/* A string literal. */
#define cz_buf_append_lit(buf, literal) cz_buf_append((buf), "" literal, sizeof(literal) - 1)

void cz_buf_append_u64(cz_buf *buf, uint64_t value);
void cz_buf_append_i64(cz_buf *buf, int64_t value);
/* printf-style; for text that is not on a hot path. */
void cz_buf_printf(cz_buf *buf, const char *format, ...) CZ_PRINTF(2, 3);
/* The bytes with a NUL after them, as a C string; "" when empty or failed. */
const char *cz_buf_cstr(cz_buf *buf);
/* The bytes as cz_str_dup() copies them, and the end of the buffer, also on failure.
 * Errors: the buffer's own, CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__buf_take(cz_buf *buf, cz_arena *arena, cz_str *out);

#ifdef __cplusplus
}
#endif
#endif
