/* A JSON document as MessagePack (github.com/msgpack/msgpack, spec.md), each value in its shortest form.
 *
 * A list or map begins with its count, which is known at its end: room is left for the shortest head, and what was written
 * moves when that does not suffice. So there is neither a tree nor a second pass; objects of up to 15 members never move. */
#include <calzone/json.h>
#include <calzone/renderers.h>

struct level {
    size_t head; /* where its head stands */
    uint32_t count;
    bool is_map;
};

struct msgpack {
    cz_buf *out;
    struct level levels[CZ_JSON_READ_DEPTH_MAX];
    uint32_t depth;
};

static void put_number(cz_buf *out, uint8_t head, uint64_t value, unsigned bytes)
{
    char *at = cz_buf_reserve(out, bytes + 1);
    if (!at)
        return;
    at[0] = (char)head;
    for (unsigned i = 0; i < bytes; i++)
        at[1 + i] = (char)(value >> 8 * (bytes - 1 - i));
    cz_buf_commit(out, bytes + 1);
}

static void put_unsigned(cz_buf *out, uint64_t value)
{
    if (value < 128)
        cz_buf_append_char(out, (char)value);
    else if (value <= UINT8_MAX)
        put_number(out, 0xcc, value, 1);
    else if (value <= UINT16_MAX)
        put_number(out, 0xcd, value, 2);
    else if (value <= UINT32_MAX)
        put_number(out, 0xce, value, 4);
    else
        put_number(out, 0xcf, value, 8);
}

static void put_integer(cz_buf *out, int64_t value)
{
    if (value >= 0)
        put_unsigned(out, (uint64_t)value);
    else if (value >= -32)
        cz_buf_append_char(out, (char)value);
    else if (value >= INT8_MIN)
        put_number(out, 0xd0, (uint64_t)value, 1);
    else if (value >= INT16_MIN)
        put_number(out, 0xd1, (uint64_t)value, 2);
    else if (value >= INT32_MIN)
        put_number(out, 0xd2, (uint64_t)value, 4);
    else
        put_number(out, 0xd3, (uint64_t)value, 8);
}

/* A whole number beyond int64 is a real to the reader; 64 bits without a sign are kept exact. */
static void put_real(cz_buf *out, const cz_json_reader *json)
{
    uint64_t whole, bits;
    if (cz_str_to_u64(json->text, &whole) == CZ_OK) {
        put_unsigned(out, whole);
        return;
    }
    memcpy(&bits, &json->real, sizeof bits);
    put_number(out, 0xcb, bits, 8);
}

static void put_text(cz_buf *out, cz_str text)
{
    if (text.len < 32)
        cz_buf_append_char(out, (char)(0xa0 | text.len));
    else if (text.len <= UINT8_MAX)
        put_number(out, 0xd9, text.len, 1);
    else if (text.len <= UINT16_MAX)
        put_number(out, 0xda, text.len, 2);
    else
        put_number(out, 0xdb, text.len, 4);
    cz_buf_append_str(out, text);
}

static void open_level(struct msgpack *msgpack, bool is_map)
{
    msgpack->levels[msgpack->depth++] = (struct level){ msgpack->out->len, 0, is_map };
    cz_buf_append_char(msgpack->out, '\0');
}

static void close_level(struct msgpack *msgpack)
{
    const struct level *level = &msgpack->levels[--msgpack->depth];
    cz_buf *out = msgpack->out;
    unsigned bytes = level->count < 16 ? 0 : level->count <= UINT16_MAX ? 2 : 4;
    if (!cz_buf_reserve(out, bytes))
        return;
    uint8_t *head = (uint8_t *)out->ptr + level->head;
    memmove(head + 1 + bytes, head + 1, out->len - level->head - 1);
    cz_buf_commit(out, bytes);
    if (!bytes) {
        *head = (uint8_t)((level->is_map ? 0x80 : 0x90) | level->count);
        return;
    }
    *head = (uint8_t)((level->is_map ? 0xde : 0xdc) + (bytes == 4));
    for (unsigned i = 0; i < bytes; i++)
        head[1 + i] = (uint8_t)(level->count >> 8 * (bytes - 1 - i));
}

static void put_item(struct msgpack *msgpack, const cz_json_reader *json, cz_json_kind kind)
{
    cz_buf *out = msgpack->out;
    struct level *level = msgpack->depth ? &msgpack->levels[msgpack->depth - 1] : NULL;
    if (level)
        level->count++;
    if (level && level->is_map)
        put_text(out, json->key);
    if (kind == CZ_JSON_NULL)
        cz_buf_append_char(out, (char)0xc0);
    else if (kind == CZ_JSON_BOOL)
        cz_buf_append_char(out, (char)(json->boolean ? 0xc3 : 0xc2));
    else if (kind == CZ_JSON_INT)
        put_integer(out, json->integer);
    else if (kind == CZ_JSON_REAL)
        put_real(out, json);
    else if (kind == CZ_JSON_STR)
        put_text(out, json->text);
    else
        open_level(msgpack, kind == CZ_JSON_OBJECT);
}

static void render(cz_ctx *ctx, const cz_request *req, cz_str text, cz_buf *out)
{
    (void)req;
    static const cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX,
                                           .keys_max = UINT32_MAX };
    struct msgpack *msgpack = cz_new(ctx, struct msgpack);
    msgpack->out = out;
    cz_json_reader json;
    cz_json_reader_init(&json, ctx->arena, text, &limits);
    for (bool more = true; more;) {
        cz_json_kind kind = cz_json_next(&json);
        if (kind != CZ_JSON_END)
            put_item(msgpack, &json, kind);
        else if (msgpack->depth && !json.status)
            close_level(msgpack);
        else
            more = false;
    }
    if (json.status)
        cz_raise(ctx, json.status == CZ_ENOMEM ? CZ_ENOMEM : CZ_EINVAL, "what is no JSON: %s",
                 json.error);
}

static const char *const also[] = { "application/x-msgpack", "application/vnd.msgpack", NULL };
const cz_renderer cz_msgpack_renderer = { "msgpack", "application/msgpack", NULL, render, also };
