/* Tokens. Oracle: none that was not signed here is good. */
#include "auth/jwt_internal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(cz_ctx *ctx, void *arg)
{
    static struct cz__key_ring ring;
    cz_str payload;
    const char *why;
    cz_error err;
    if (!ring.count &&
        cz__key_ring_read(&ring, "KEY", CZ_STR("k:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="),
                          &err))
        abort();
    if (cz__jws_verify(ctx, &ring, *(const cz_str *)arg, &payload, &why))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (!arena && cz_arena_create(NULL, 0, &arena))
        abort();
    cz_ctx ctx;
    cz_str token = cz_str_of((const char *)data, size);
    cz_ctx_init(&ctx, arena);
    if (cz_try(&ctx, verify, &token, NULL))
        abort();
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    return 0;
}
