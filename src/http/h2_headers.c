/* The headers of an answer over HTTP/2: names in lower case (RFC 9113, 8.2), and how each is packed.
 *
 * HPACK (RFC 7541) keeps what was sent in a table, so what comes again takes a byte. What is different in every answer would push that
 * out and be compared with all of its kind for nothing; it goes as it is. The lines that middleware has ready are the same every time:
 * they are split once. nghttp2 copies nothing: all is static, or in the arena of an exchange that outlives its stream. */
#ifdef CZ_HTTP2
#include "http/h2_internal.h"
#include <calzone/memory.h>

enum { LINES_KEPT_MAX = 16, LINES_KEPT_BYTES_MAX = 4096 };

struct lines {
    cz_str text; /* what they were split from */
    nghttp2_nv *items;
    size_t count;
};

static void lower(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
}

static nghttp2_nv field(cz_str name, cz_str value, uint8_t flags)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.ptr,
                         (uint8_t *)(uintptr_t)(value.len ? value.ptr : ""), name.len, value.len,
                         (uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME |
                                   NGHTTP2_NV_FLAG_NO_COPY_VALUE) };
}

/* ---- Whole lines, "Name: value\r\n" ---- */

static size_t line_count(cz_str lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.ptr[i] == '\n';
    return count;
}

/* `text` is the lines' own copy, and written to. */
static size_t split(char *text, size_t len, nghttp2_nv *items)
{
    cz_str left = cz_str_of(text, len);
    size_t count = 0;
    while (left.len) {
        cz_str value = cz_str_cut(&left, '\n');
        cz_str name = cz_str_cut(&value, ':');
        lower(text + (name.ptr - text), name.len);
        items[count++] = field(name, cz_str_trim(value), 0);
    }
    return count;
}

/* The first few that are asked for stay as long as the worker: nghttp2 may point to them. */
static const struct lines *kept_lines(cz_str text)
{
    static struct lines kept[LINES_KEPT_MAX]; /* of the one thread that has a loop */
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (cz_str_eq(kept[i].text, text))
            return &kept[i];
    if (count == LINES_KEPT_MAX || text.len > LINES_KEPT_BYTES_MAX)
        return NULL;
    size_t most = line_count(text);
    char *memory = cz_malloc(most * sizeof(nghttp2_nv) + 2 * text.len);
    if (!memory)
        return NULL;
    struct lines *lines = &kept[count++];
    char *copy = memory + most * sizeof(nghttp2_nv), *split_copy = copy + text.len;
    memcpy(copy, text.ptr, text.len);
    memcpy(split_copy, text.ptr, text.len);
    lines->text = cz_str_of(copy, text.len);
    lines->items = (nghttp2_nv *)(void *)memory;
    lines->count = split(split_copy, text.len, lines->items);
    return lines;
}

/* ---- Single fields ---- */

/* Whether a field, whose name is in lower case, has another value in nearly every answer. nghttp2 knows Content-Length, ETag, Location
 * and Set-Cookie itself. */
static bool is_new_each_time(cz_str name)
{
    static const cz_str names[] = { CZ_STR("x-request-id"),  CZ_STR("ratelimit"),
                                    CZ_STR("last-modified"), CZ_STR("content-range"),
                                    CZ_STR("retry-after"),   CZ_STR("link") };
    for (size_t i = 0; i < CZ_COUNT(names); i++)
        if (cz_str_eq(name, names[i]))
            return true;
    return false;
}

static cz_str number_text(cz_arena *arena, uint64_t number)
{
    char *text = cz_arena_alloc(arena, 20);
    return cz_str_of(text, text ? cz_u64_write(text, number) : 0);
}

static cz_str status_text(cz_arena *arena, int status)
{
    return status == 200 ? CZ_STR("200") : number_text(arena, (uint64_t)status);
}

/* Those that the handler and middleware have set. Returns how many, or SIZE_MAX: no memory. */
static size_t put_set(const cz_response *response, cz_arena *arena, nghttp2_nv *items)
{
    size_t count = 0;
    for (uint32_t i = 0; i < response->header_count; i++) {
        const cz_header *header = &response->headers[i];
        char *name = cz_arena_alloc(arena, header->name.len);
        if (!name)
            return SIZE_MAX;
        memcpy(name, header->name.ptr, header->name.len);
        lower(name, header->name.len);
        cz_str lower_name = cz_str_of(name, header->name.len);
        if (cz_str_eq(lower_name, CZ_STR("upgrade"))) /* of a connection (RFC 9113, 8.2.2) */
            continue;
        items[count++] = field(lower_name, header->value,
                               is_new_each_time(lower_name) ? NGHTTP2_NV_FLAG_NO_INDEX : 0);
    }
    return count;
}

cz_status cz__h2_headers(cz__exchange *exchange, const nghttp2_nv **out, size_t *out_count)
{
    const cz_response *response = &exchange->request.response;
    cz_arena *arena = exchange->arena;
    cz_str lines = response->header_lines;
    const struct lines *kept = lines.len ? kept_lines(lines) : NULL;
    size_t count = 0, of_lines = kept ? kept->count : line_count(lines);
    nghttp2_nv *items =
        cz_arena_alloc(arena, (4 + response->header_count + of_lines) * sizeof *items);
    cz_str status = status_text(arena, response->status);
    if (!items || !status.len)
        return CZ_ENOMEM;
    items[count++] = field(CZ_STR(":status"), status, 0);
    items[count++] = field(CZ_STR("date"), cz__http_date(exchange->core), 0);
    uint64_t length;
    bool none = response->status == 204 || response->status == 304 || response->upgrade;
    if (!none && cz__exchange_body_bytes(exchange, &length)) {
        cz_str text = number_text(arena, length);
        if (!text.len)
            return CZ_ENOMEM;
        items[count++] = field(CZ_STR("content-length"), text, 0);
    }
    if (response->content_type.len)
        items[count++] = field(CZ_STR("content-type"), response->content_type, 0);
    size_t set = put_set(response, arena, items + count);
    char *copy = kept || !lines.len ? NULL : cz_arena_alloc(arena, lines.len);
    if (set == SIZE_MAX || (!kept && lines.len && !copy))
        return CZ_ENOMEM;
    count += set;
    if (kept) {
        memcpy(items + count, kept->items, kept->count * sizeof *items);
        count += kept->count;
    } else if (copy) {
        memcpy(copy, lines.ptr, lines.len);
        count += split(copy, lines.len, items + count);
    }
    *out = items;
    *out_count = count;
    return CZ_OK;
}
#endif
