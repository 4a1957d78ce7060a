/* A query string, and percent-coding. Oracles: what is encoded decodes to itself; a name found by the walk
 * is found by cz_query_get(); a walk is bounded. */
#include <calzone/http.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUERY_BYTES_MAX = 8192, PAIRS_MAX = 1000 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void walk(cz_ctx *ctx, void *arg)
{
    const cz_request *req = arg;
    cz_str name, value, found, last_name = CZ_STR(""), last_value = CZ_STR("");
    size_t pairs = 0;
    for (size_t cursor = 0; cz_query_next(ctx, req, &cursor, &name, &value);) {
        expect(++pairs <= PAIRS_MAX);
        last_name = name;
        last_value = value;
    }
    /* false for a malformed value of the last pair with the name */
    if (pairs && cz_query_get(ctx, req, last_name, &found))
        expect(cz_str_eq(found, last_value));
}

static void round_trip(cz_arena *arena, cz_str text)
{
    cz_buf encoded = { 0 };
    cz_percent_encode(&encoded, text);
    expect(cz_buf_status(&encoded) == CZ_OK);
    for (size_t i = 0; i < encoded.len; i++)
        expect(encoded.ptr[i] > ' ' && encoded.ptr[i] < 0x7f);
    cz_str decoded;
    expect(cz_percent_decode(arena, cz_buf_str(&encoded), false, &decoded) == CZ_OK);
    expect(cz_str_eq(decoded, text));
    cz_buf_done(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (!arena)
        expect(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    if (size > QUERY_BYTES_MAX)
        return 0;
    char *text = malloc(size ? size : 1); /* exactly as long, so a byte read past it is seen */
    expect(text != NULL);
    if (size)
        memcpy(text, data, size);
    cz_str whole = cz_str_of(text, size);
    cz_request req = { .query = whole, .target = whole };
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    expect(cz_try(&ctx, walk, &req, NULL) == CZ_OK);
    round_trip(arena, whole);
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    free(text);
    return 0;
}
