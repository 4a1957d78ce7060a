/* Two documents, with a zero byte between, compared in both directions.
 *
 * Oracles: a document does not differ from itself, but for references that lead nowhere; a pair that is refused one way is
 * refused the other; and what is told has a place and a sentence. */
#include <stdlib.h>
#include "openapi/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 4096 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

struct pair {
    const cz_json_value *old, *new_;
    size_t count, breaking;
    bool refused;
};

static void compare(cz_ctx *ctx, void *arg)
{
    struct pair *pair = arg;
    struct cz__diff diff;
    cz_error err;
    pair->refused = cz__openapi_diff(ctx, pair->old, pair->new_, &diff, &err) != CZ_OK;
    if (pair->refused)
        return;
    pair->count = diff.count;
    pair->breaking = diff.breaking;
    expect(diff.breaking <= diff.count);
    for (size_t i = 0; i < diff.count; i++)
        expect(diff.changes[i].where.len && diff.changes[i].what.len);
}

static struct pair compared(cz_ctx *ctx, const cz_json_value *old, const cz_json_value *new_)
{
    struct pair pair = { .old = old, .new_ = new_ };
    cz_error err;
    expect(cz_try(ctx, compare, &pair, &err) == CZ_OK);
    return pair;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cz_json_value *old, *new_;
    cz_arena *arena;
    cz_ctx ctx;
    if (size > INPUT_BYTES_MAX)
        return 0;
    cz_str rest = cz_str_of((const char *)data, size), first = cz_str_cut(&rest, '\0');
    expect(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    cz_ctx_init(&ctx, arena);
    if (cz_json_parse(arena, first, NULL, &old, NULL) == CZ_OK &&
        cz_json_parse(arena, rest, NULL, &new_, NULL) == CZ_OK) {
        struct pair there = compared(&ctx, old, new_), back = compared(&ctx, new_, old);
        struct pair same = compared(&ctx, old, old);
        expect(there.refused == back.refused);
        expect(same.refused || same.count == same.breaking); /* only references that lead nowhere */
    }
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
    return 0;
}
