/* MessagePack bodies. Oracles: what is taken is JSON, and written as MessagePack and read again it is the same JSON. */
#include <calzone/json.h>
#include <calzone/parsers.h>
#include <calzone/renderers.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void read_and_write(cz_ctx *ctx, void *arg)
{
    cz_request *req = arg;
    cz_str json = cz_msgpack_parser.to_json(ctx, req);
    expect(cz_json_is_valid(json));
    cz_buf *out = cz_scratch(ctx);
    cz_msgpack_renderer.render(ctx, req, json, out);
    cz_check(ctx, cz_buf_status(out));
    expect(out->len <= req->body.len * 4 + 8); /* a timestamp of 6 bytes is a text of 21 */
    req->body = cz_buf_str(out);
    expect(cz_str_eq(cz_msgpack_parser.to_json(ctx, req), json));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (!arena && cz_arena_create(NULL, 0, &arena))
        return 0;
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    cz_request req = { .body = { (const char *)data, size } };
    cz_status status = cz_try(&ctx, read_and_write, &req, NULL);
    expect(!status || status == CZ_EPROTOCOL || status == CZ_ETOOBIG || status == CZ_ENOMEM);
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    return 0;
}
