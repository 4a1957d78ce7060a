#include <calzone/buf.h>
#include <stdarg.h>
#include <stdio.h>

enum { BUF_BYTES_MIN = 256, BUF_BYTES_MAX_DEFAULT = 1 << 30 };

void cz_buf_done(cz_buf *buf)
{
    cz_free(buf->ptr);
    cz_buf_init(buf, buf->bytes_max);
}

char *cz__buf_grow(cz_buf *buf, size_t bytes)
{
    if (buf->status)
        return NULL;
    size_t max = buf->bytes_max ? buf->bytes_max : BUF_BYTES_MAX_DEFAULT;
    if (max > SIZE_MAX / 4)
        max = SIZE_MAX / 4; /* so that doubling cannot overflow */
    if (buf->len > max || bytes > max - buf->len) {
        buf->status = CZ_ETOOBIG;
        return NULL;
    }
    size_t need = buf->len + bytes + 1;
    if (need <= buf->cap)
        return buf->ptr + buf->len;
    size_t cap = buf->cap ? buf->cap : BUF_BYTES_MIN;
    while (cap < need)
        cap *= 2;
    if (cap > max + 1)
        cap = max + 1;
    char *grown = cz_realloc(buf->ptr, cap);
    if (!grown) {
        buf->status = CZ_ENOMEM;
        return NULL;
    }
    buf->ptr = grown;
    buf->cap = cap;
    return buf->ptr + buf->len;
}

void cz_buf_append_u64(cz_buf *buf, uint64_t value)
{
    char *at = cz_buf_reserve(buf, 20);
    if (at)
        buf->len += cz_u64_write(at, value);
}

void cz_buf_append_i64(cz_buf *buf, int64_t value)
{
    char *at = cz_buf_reserve(buf, 21);
    if (at)
        buf->len += cz_i64_write(at, value);
}

void cz_buf_printf(cz_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *at = len >= 0 ? cz_buf_reserve(buf, (size_t)len) : NULL;
    if (at) {
        cz_ignore(vsnprintf(at, (size_t)len + 1, format, again)); /* measured just above */
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

const char *cz_buf_cstr(cz_buf *buf)
{
    if (buf->status || !buf->ptr)
        return "";
    buf->ptr[buf->len] = '\0'; /* cap always leaves room for it */
    return buf->ptr;
}

cz_status cz__buf_take(cz_buf *buf, cz_arena *arena, cz_str *out)
{
    cz_status status = cz_buf_status(buf);
    if (!status)
        status = cz_str_dup(arena, cz_buf_str(buf), out);
    cz_buf_done(buf);
    return status;
}
