/* Which headers of an answer come from further in. */
#include "http/own_headers.h"

struct cz__headers_before cz__headers_before(cz_ctx *ctx, const cz_response *response)
{
    uint32_t count = response->header_count;
    cz_header *items = count ? cz_array(ctx, cz_header, count) : NULL;
    for (uint32_t i = 0; i < count; i++)
        items[i] = response->headers[i];
    return (struct cz__headers_before){ items, count, response->header_lines.ptr };
}

/* A header stays where it is when it is set again. */
static bool was_there(const struct cz__headers_before *before, const cz_header *headers, uint32_t i)
{
    return i < before->count && cz_str_eq(before->items[i].name, headers[i].name) &&
           cz_str_eq(before->items[i].value, headers[i].value);
}

struct cz__own_headers cz__headers_since(cz_ctx *ctx, const cz_response *response,
                                         const struct cz__headers_before *before)
{
    cz_str lines =
        response->header_lines.ptr == before->lines ? CZ_STR("") : response->header_lines;
    size_t room = response->header_count + cz_str_count(lines, '\n'), count = 0;
    cz_header *own = cz_array(ctx, cz_header, room + 1);
    for (uint32_t i = 0; i < response->header_count; i++)
        if (!was_there(before, response->headers, i))
            own[count++] = response->headers[i];
    while (lines.len) {
        cz_str value = cz_str_cut(&lines, '\n'), name = cz_str_cut(&value, ':');
        own[count++] = (cz_header){ name, cz_str_trim(value) };
    }
    return (struct cz__own_headers){ own, count };
}
