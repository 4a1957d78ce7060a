/* Base64. Oracles: any bytes come back from their text; text that is read is what its bytes are written as. */
#include <calzone/base64.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (!arena)
        expect(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    char *text = malloc(CZ_BASE64_TEXT(size) + 1), *copy = malloc(size ? size : 1);
    expect(text && copy);
    if (size)
        memcpy(copy, data, size);
    cz_bytes bytes;
    size_t len = cz_base64_write(text, copy, size);
    expect(len == CZ_BASE64_TEXT(size));
    expect(cz_base64_read(arena, cz_str_of(text, len), &bytes) == CZ_OK);
    expect(bytes.len == size && (!size || memcmp(bytes.ptr, copy, size) == 0));
    if (cz_base64_read(arena, cz_str_of(copy, size), &bytes) == CZ_OK) {
        expect(cz_base64_write(text, bytes.ptr, bytes.len) == size);
        expect(!size || memcmp(text, copy, size) == 0);
    }
    cz_arena_reset(arena);
    free(text);
    free(copy);
    return 0;
}
