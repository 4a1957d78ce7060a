/* What is stored for a value, and what memcached lacks for that:
 * - An integer is the decimal digits of itself + 2^63, since memcached counts from 0 to 2^64 - 1; it is counted down by adding
 *   what wraps around. Everything else begins with "=".
 * - A server knows seconds. It keeps a value up to two longer than asked, and the client flags have the low 32 bits of the
 *   millisecond at which it is over; 0: never. Only where the server has little time left for a value are they looked at, so
 *   clocks of machines matter by no more.
 * - Who sees a value that is over but still there takes its place by its unique number. */
#include "cache/memcached/memcached_internal.h"
#include <calzone/time.h>

enum { MONTH_S = 30 * 86400 };

static uint32_t now_ms(void)
{
    return (uint32_t)(uint64_t)(cz_now().us / 1000);
}

/* "T... F...": for how long the server keeps it, and when it is over. */
static void add_time(cz_buf *out, int64_t ttl_ms)
{
    if (ttl_ms == CZ_CACHE_FOREVER) {
        cz_buf_append_lit(out, " T0 F0");
        return;
    }
    int64_t seconds = (ttl_ms + 999) / 1000 + 1; /* its clock may tick at once */
    if (seconds > MONTH_S)                       /* more is taken for an instant */
        seconds += cz_now().us / 1000000;
    uint32_t over_ms = now_ms() + (uint32_t)(uint64_t)ttl_ms;
    cz_buf_printf(out, " T%lld F%u", (long long)seconds, over_ms ? over_ms : 1);
}

bool cz__mc_is_there(const struct cz__mc_reply *reply)
{
    if (reply->code != CZ__MC_VALUE && reply->code != CZ__MC_DONE)
        return false;
    return reply->seconds < 0 || reply->seconds >= CZ__MC_NEARLY_OVER_S || !reply->flags ||
           (int32_t)(reply->flags - now_ms()) > 0;
}

void cz__mc_add_store(cz_buf *out, cz_str token, cz_str value, int64_t ttl_ms, const char *mode,
                      uint64_t unique)
{
    int64_t number;
    char digits[24];
    bool is_number = cz__is_integer(value, &number);
    cz_str text = value;
    if (is_number) {
        uint64_t above = (uint64_t)number + (UINT64_C(1) << 63);
        text = cz_str_of(digits, cz_u64_write(digits, above));
    }
    cz_buf_printf(out, "ms %.*s %zu", CZ_STR_ARG(token), text.len + !is_number);
    add_time(out, ttl_ms);
    cz_buf_append_str(out, cz_str_from(mode));
    if (unique)
        cz_buf_printf(out, " C%llu", (unsigned long long)unique);
    cz_buf_append_lit(out, "\r\n");
    if (!is_number)
        cz_buf_append_char(out, '=');
    cz_buf_append_str(out, text);
    cz_buf_append_lit(out, "\r\n");
}

bool cz__mc_read_number(cz_str text, uint64_t *out)
{
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return !cz_str_to_u64(text, out);
}

cz_status cz__mc_read_value(cz_arena *arena, const struct cz__mc_reply *reply, cz_str *out)
{
    uint64_t above;
    char digits[24];
    cz_str text = cz_str_of(reply->value, reply->len);
    *out = cz_str_of(NULL, 0);
    if (reply->code != CZ__MC_VALUE || !cz__mc_is_there(reply) || !text.len)
        return CZ_OK;
    if (text.ptr[0] == '=')
        return cz_str_dup(arena, cz_str_tail(text, 1), out);
    if (!cz__mc_read_number(text, &above))
        return CZ_OK;
    return cz_str_dup(
        arena, cz_str_of(digits, cz_i64_write(digits, (int64_t)(above - (UINT64_C(1) << 63)))),
        out);
}
