#include <calzone/base64.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t cz_base64_write(char *out, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    char *at = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t here = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)from[i] << 16;
        group |= here > 1 ? (uint32_t)from[i + 1] << 8 : 0;
        group |= here > 2 ? from[i + 2] : 0;
        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = here > 1 ? alphabet[group >> 6 & 63] : '=';
        *at++ = here > 2 ? alphabet[group & 63] : '=';
    }
    return (size_t)(at - out);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

cz_status cz_base64_read(cz_arena *arena, cz_str text, cz_bytes *out)
{
    if (text.len % 4)
        return CZ_EVALIDATION;
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    size_t len = text.len / 4 * 3 - padding;
    unsigned char *bytes = cz_arena_alloc(arena, len + 1);
    if (!bytes)
        return CZ_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        uint32_t group = 0;
        size_t chars = i + 4 == text.len ? 4 - padding : 4;
        for (size_t c = 0; c < 4; c++) {
            int value = c < chars ? value_of(text.ptr[i + c]) : 0;
            if (value < 0)
                return CZ_EVALIDATION;
            group = group << 6 | (uint32_t)value;
        }
        if (group & ((UINT32_C(1) << (8 * (4 - chars))) - 1)) /* bits beyond the last byte */
            return CZ_EVALIDATION;
        for (size_t c = 0; c + 1 < chars; c++)
            bytes[at++] = (unsigned char)(group >> (16 - 8 * c));
    }
    *out = (cz_bytes){ bytes, len };
    return CZ_OK;
}
