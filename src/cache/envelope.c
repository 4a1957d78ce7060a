/* What is stored for a value.
 *
 *   stored   = integer / envelope
 *   integer  = the decimal digits, without anything else: what Redis and Memcached count in
 *   envelope = %x01 flags [ fresh-until ] [ tags ] value
 *   flags    = one byte: 1 there is a fresh-until, 2 there are tags
 *   fresh-until = 8 bytes, microseconds since 1970
 *   tags     = count *( length name generation )   ; one byte, one byte, 8 bytes
 *
 * Numbers are little-endian. What others may have put there, or a file that was cut, is read as no value. */
#include "cache/cache_internal.h"

enum { MARK = 1, HAS_FRESH_UNTIL = 1, HAS_TAGS = 2 };

bool cz__is_integer(cz_str text, int64_t *out)
{
    char canonical[24];
    int64_t number;
    if (cz_str_to_i64(text, &number))
        return false;
    *out = number;
    return cz_str_eq(text, cz_str_of(canonical, cz_i64_write(canonical, number)));
}

char *cz__put_u64(char *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        *at++ = (char)(number >> (8 * i));
    return at;
}

cz_str cz__envelope_write(cz_ctx *ctx, const struct cz__envelope *envelope)
{
    int64_t integer;
    if (!envelope->fresh_until_us && !envelope->tag_count &&
        cz__is_integer(envelope->value, &integer))
        return envelope->value;
    size_t bytes = 2 + 8 + 1 + envelope->value.len;
    for (size_t i = 0; i < envelope->tag_count; i++)
        bytes += 1 + envelope->tags[i].name.len + 8;
    char *start = cz_alloc(ctx, bytes), *at = start;
    *at++ = MARK;
    *at++ = (char)((envelope->fresh_until_us ? HAS_FRESH_UNTIL : 0) |
                   (envelope->tag_count ? HAS_TAGS : 0));
    if (envelope->fresh_until_us)
        at = cz__put_u64(at, (uint64_t)envelope->fresh_until_us);
    if (envelope->tag_count)
        *at++ = (char)envelope->tag_count;
    for (size_t i = 0; i < envelope->tag_count; i++) {
        const struct cz__tag *tag = &envelope->tags[i];
        *at++ = (char)tag->name.len; /* at most CZ_CACHE_KEY_BYTES_MAX */
        memcpy(at, tag->name.ptr ? tag->name.ptr : "", tag->name.len);
        at = cz__put_u64(at + tag->name.len, tag->generation);
    }
    if (envelope->value.len)
        memcpy(at, envelope->value.ptr, envelope->value.len);
    return cz_str_of(start, (size_t)(at - start) + envelope->value.len);
}

bool cz__take(cz_str *rest, size_t bytes, cz_str *out)
{
    if (rest->len < bytes)
        return false;
    *out = cz_str_head(*rest, bytes);
    *rest = cz_str_tail(*rest, bytes);
    return true;
}

bool cz__take_u64(cz_str *rest, uint64_t *out)
{
    cz_str bytes;
    if (!cz__take(rest, 8, &bytes))
        return false;
    *out = 0;
    for (int i = 0; i < 8; i++)
        *out |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * i);
    return true;
}

static bool take_tags(cz_ctx *ctx, cz_str *rest, struct cz__envelope *out)
{
    cz_str byte;
    if (!cz__take(rest, 1, &byte) || (unsigned char)byte.ptr[0] > CZ_CACHE_TAGS_MAX)
        return false;
    size_t count = (unsigned char)byte.ptr[0];
    struct cz__tag *tags = cz_array(ctx, struct cz__tag, count);
    for (size_t i = 0; i < count; i++)
        if (!cz__take(rest, 1, &byte) ||
            !cz__take(rest, (unsigned char)byte.ptr[0], &tags[i].name) ||
            !cz__take_u64(rest, &tags[i].generation))
            return false;
    out->tags = tags;
    out->tag_count = count;
    return true;
}

bool cz__envelope_read(cz_ctx *ctx, cz_str stored, struct cz__envelope *out)
{
    int64_t integer;
    cz_str rest = stored, head;
    *out = (struct cz__envelope){ .value = stored };
    if (cz__is_integer(stored, &integer))
        return true;
    if (!cz__take(&rest, 2, &head) || head.ptr[0] != MARK ||
        (head.ptr[1] & ~(HAS_FRESH_UNTIL | HAS_TAGS)))
        return false;
    uint64_t fresh_until = 0;
    if ((head.ptr[1] & HAS_FRESH_UNTIL) && !cz__take_u64(&rest, &fresh_until))
        return false;
    if ((head.ptr[1] & HAS_TAGS) && !take_tags(ctx, &rest, out))
        return false;
    out->fresh_until_us = (int64_t)fresh_until;
    out->value = rest;
    return true;
}
