/*   Range      = "bytes" "=" #range      ; a list, of which items may be empty (5.6.1)
 *   range      = first "-" [ last ] / "-" suffix
 */
#include "http/ranges.h"

/* A number of digits alone; one beyond 64 bits is as good as the greatest. */
static bool read_number(cz_str text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (digit > 9)
            return false;
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *out = value;
    return text.len > 0;
}

/* One range, cut at the end of what there is; of no bytes where none is there. False: it is malformed. */
static bool read_range(cz_str text, uint64_t size, struct cz__range *out)
{
    uint64_t first, last = UINT64_MAX;
    if (cz_str_find_char(text, '-') == SIZE_MAX)
        return false;
    cz_str end = text, begin = cz_str_cut(&end, '-');
    if (!begin.len) {
        if (!read_number(end, &last))
            return false;
        out->bytes = last < size ? last : size;
        out->first = size - out->bytes;
        return true;
    }
    if (!read_number(begin, &first) || (end.len && !read_number(end, &last)) || last < first)
        return false;
    out->first = first;
    if (first >= size)
        out->bytes = 0;
    else
        out->bytes = last >= size ? size - first : last - first + 1;
    return true;
}

static bool overlaps(const struct cz__ranges *ranges, const struct cz__range *range)
{
    for (size_t i = 0; i < ranges->count; i++) {
        const struct cz__range *other = &ranges->items[i];
        if (range->first < other->first + other->bytes &&
            other->first < range->first + range->bytes)
            return true;
    }
    return false;
}

enum cz__ranges_wanted cz__ranges_read(cz_str header, uint64_t size, struct cz__ranges *out)
{
    struct cz__ranges ranges = { .count = 0 };
    size_t asked = 0;
    cz_str list = header, unit = cz_str_cut(&list, '=');
    if (!cz_str_eq_icase(unit, CZ_STR("bytes")) || !size)
        return CZ__RANGES_ALL;
    while (list.len) {
        struct cz__range range;
        cz_str item = cz_str_trim(cz_str_cut(&list, ','));
        if (!item.len)
            continue;
        if (++asked > CZ__RANGES_MAX || !read_range(item, size, &range))
            return CZ__RANGES_ALL;
        if (!range.bytes)
            continue;
        if (overlaps(&ranges, &range))
            return CZ__RANGES_ALL;
        ranges.items[ranges.count++] = range;
    }
    if (!asked)
        return CZ__RANGES_ALL;
    *out = ranges;
    return ranges.count ? CZ__RANGES_SOME : CZ__RANGES_NONE;
}
