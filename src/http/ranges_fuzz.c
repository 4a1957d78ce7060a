/* Range headers. The first two bytes choose the size. Oracles: every range lies within the size and has a byte, no byte is asked
 * for twice, and what was read, written again, is read as the same. */
#include "http/ranges.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void expect_within(const struct cz__ranges *ranges, uint64_t size)
{
    uint64_t total = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        expect(ranges->items[i].bytes > 0 && ranges->items[i].first < size &&
               ranges->items[i].bytes <= size - ranges->items[i].first);
        expect(ranges->items[i].bytes <= size - total);
        total += ranges->items[i].bytes;
    }
}

static void expect_the_same_again(const struct cz__ranges *ranges, uint64_t size)
{
    char text[32 + CZ__RANGES_MAX * 48];
    struct cz__ranges again;
    int len = snprintf(text, sizeof text, "bytes=");
    for (size_t i = 0; i < ranges->count; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%llu-%llu", i ? ", " : "",
                        (unsigned long long)ranges->items[i].first,
                        (unsigned long long)(ranges->items[i].first + ranges->items[i].bytes - 1));
    expect(cz__ranges_read(cz_str_of(text, (size_t)len), size, &again) == CZ__RANGES_SOME);
    expect(again.count == ranges->count);
    for (size_t i = 0; i < again.count; i++)
        expect(again.items[i].first == ranges->items[i].first &&
               again.items[i].bytes == ranges->items[i].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cz__ranges ranges;
    if (size < 2)
        return 0;
    uint64_t bytes = data[0] == 255 ? UINT64_MAX - data[1] : (uint64_t)data[0] << 8 | data[1];
    cz_str header = cz_str_of((const char *)data + 2, size - 2);
    enum cz__ranges_wanted wanted = cz__ranges_read(header, bytes, &ranges);
    expect(wanted == CZ__RANGES_ALL || bytes > 0);
    if (wanted != CZ__RANGES_SOME)
        return 0;
    expect(ranges.count > 0 && ranges.count <= CZ__RANGES_MAX);
    expect_within(&ranges, bytes);
    expect_the_same_again(&ranges, bytes);
    return 0;
}
