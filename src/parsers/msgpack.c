/* MessagePack (github.com/msgpack/msgpack, spec.md) as a JSON document.
 *
 * Every form of the specification is read, also where a shorter one would do. What JSON has no word for becomes the text that
 * serializers read: bytes base64, a timestamp (extension -1) ISO 8601. Refused are keys that are no text, a key that comes
 * twice in a map, text that is not UTF-8, NaN and the infinities, other extensions, and what is cut short or goes on. */
#include <calzone/base64.h>
#include <calzone/json.h>
#include <calzone/map.h>
#include <calzone/parsers.h>
#include <calzone/time.h>
#include <math.h>

enum { DEPTH_MAX = 64, KEYS_MAX = 20000, JSON_BYTES_PER_BYTE = 6, TIMESTAMP = -1 };

struct level {
    uint32_t left; /* items or pairs */
    bool is_map;
    cz_map keys;
};

struct msgpack {
    cz_ctx *ctx;
    cz_str in;
    size_t at;
    uint32_t key_count, depth;
    struct level *levels;
    cz_json_writer json;
};

static CZ_NORETURN void fail(const struct msgpack *in, const char *what)
{
    cz_raise(in->ctx, CZ_EPROTOCOL, "MessagePack parse error: %s (byte %zu)", what, in->at);
}

/* ---- pieces ---- */

static cz_str take(struct msgpack *in, uint64_t bytes)
{
    if (bytes > in->in.len - in->at)
        fail(in, "it ends too early");
    cz_str piece = cz_str_of(in->in.ptr + in->at, (size_t)bytes);
    in->at += (size_t)bytes;
    return piece;
}

/* Big-endian. */
static uint64_t take_number(struct msgpack *in, unsigned bytes)
{
    cz_str piece = take(in, bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < piece.len; i++)
        value = value << 8 | (uint8_t)piece.ptr[i];
    return value;
}

/* In two's complement. */
static int64_t take_signed(struct msgpack *in, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;
    return (int64_t)(take_number(in, bytes) << unused) >> unused;
}

static cz_str take_text(struct msgpack *in, uint64_t bytes)
{
    cz_str text = take(in, bytes);
    if (!cz_str_is_utf8(text))
        fail(in, "text is not UTF-8");
    return text;
}

/* ---- values ---- */

static void put_real(struct msgpack *in, double value)
{
    if (!isfinite(value))
        fail(in, "NaN and infinities are no numbers");
    cz_json_f64(&in->json, value);
}

static void put_float(struct msgpack *in)
{
    uint32_t bits = (uint32_t)take_number(in, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    put_real(in, (double)value);
}

static void put_double(struct msgpack *in)
{
    uint64_t bits = take_number(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    put_real(in, value);
}

static void put_bytes(struct msgpack *in, uint64_t bytes)
{
    cz_str data = take(in, bytes);
    char *text = cz_alloc(in->ctx, CZ_BASE64_TEXT(data.len) + 1);
    cz_json_str(&in->json, cz_str_of(text, cz_base64_write(text, data.ptr, data.len)));
}

/* Of 4, 8 or 12 bytes: seconds; 30 bits of nanoseconds and 34 of seconds; 4 bytes of nanoseconds and 8 of seconds. */
static void put_timestamp(struct msgpack *in, uint64_t bytes)
{
    char text[CZ_DATETIME_TEXT];
    uint64_t nanoseconds = 0;
    int64_t seconds = 0;
    if (bytes == 4) {
        seconds = (int64_t)take_number(in, 4);
    } else if (bytes == 8) {
        uint64_t both = take_number(in, 8);
        nanoseconds = both >> 34;
        seconds = (int64_t)(both & ((UINT64_C(1) << 34) - 1));
    } else if (bytes == 12) {
        nanoseconds = take_number(in, 4);
        seconds = take_signed(in, 8);
    } else {
        fail(in, "a timestamp has 4, 8 or 12 bytes");
    }
    static const int64_t year_1 = INT64_C(-62135596800), year_10000 = INT64_C(253402300800);
    if (nanoseconds > 999999999 || seconds < year_1 || seconds >= year_10000)
        fail(in, "there is no such time");
    cz_datetime instant = { seconds * 1000000 + (int64_t)(nanoseconds / 1000) };
    cz_json_str(&in->json, cz_str_of(text, cz_datetime_write(text, instant)));
}

static void put_extension(struct msgpack *in, uint64_t bytes)
{
    if (take_signed(in, 1) != TIMESTAMP)
        fail(in, "an extension that nobody knows");
    put_timestamp(in, bytes);
}

/* ---- lists and maps ---- */

/* Each item takes a byte at least, so a count beyond the body is a lie nobody waits for. */
static void open_level(struct msgpack *in, uint64_t count, bool is_map)
{
    if (in->depth == DEPTH_MAX)
        cz_raise(in->ctx, CZ_ETOOBIG, "MessagePack nests deeper than %d", DEPTH_MAX);
    if (count * (is_map ? 2 : 1) > in->in.len - in->at)
        fail(in, "it ends too early");
    struct level *level = &in->levels[in->depth++];
    *level = (struct level){ .left = (uint32_t)count, .is_map = is_map };
    if (is_map) {
        cz_map_init(&level->keys, in->ctx->arena);
        cz_json_object(&in->json);
    } else {
        cz_json_list(&in->json);
    }
}

static void close_levels(struct msgpack *in)
{
    for (; in->depth && !in->levels[in->depth - 1].left; in->depth--) {
        if (in->levels[in->depth - 1].is_map)
            cz_json_object_end(&in->json);
        else
            cz_json_list_end(&in->json);
    }
}

static void take_key(struct msgpack *in, struct level *level)
{
    uint8_t head = (uint8_t)take_number(in, 1);
    if ((head < 0xa0 || head > 0xbf) && (head < 0xd9 || head > 0xdb))
        fail(in, "a key that is no text");
    if (++in->key_count > KEYS_MAX)
        cz_raise(in->ctx, CZ_ETOOBIG, "MessagePack has more than %d keys", KEYS_MAX);
    cz_str key = take_text(in, head <= 0xbf ? head & 0x1f : take_number(in, 1u << (head - 0xd9)));
    if (cz_map_get(&level->keys, key))
        fail(in, "a key comes twice");
    cz_check(in->ctx, cz_map_set(&level->keys, key, in));
    cz_json_key(&in->json, key);
}

/* ---- the document ---- */

/* What a byte from 0xc0 on begins. */
static void put_long(struct msgpack *in, uint8_t head)
{
    switch (head) {
    case 0xc0:
        cz_json_null(&in->json);
        return;
    case 0xc2:
    case 0xc3:
        cz_json_bool(&in->json, head & 1);
        return;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        put_bytes(in, take_number(in, 1u << (head - 0xc4)));
        return;
    case 0xc7:
    case 0xc8:
    case 0xc9:
        put_extension(in, take_number(in, 1u << (head - 0xc7)));
        return;
    case 0xca:
        put_float(in);
        return;
    case 0xcb:
        put_double(in);
        return;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        cz_json_u64(&in->json, take_number(in, 1u << (head - 0xcc)));
        return;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        cz_json_i64(&in->json, take_signed(in, 1u << (head - 0xd0)));
        return;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        put_extension(in, 1u << (head - 0xd4));
        return;
    case 0xd9:
    case 0xda:
    case 0xdb:
        cz_json_str(&in->json, take_text(in, take_number(in, 1u << (head - 0xd9))));
        return;
    case 0xdc:
    case 0xdd:
        open_level(in, take_number(in, 2u << (head - 0xdc)), false);
        return;
    case 0xde:
    case 0xdf:
        open_level(in, take_number(in, 2u << (head - 0xde)), true);
        return;
    default:
        fail(in, "0xc1 begins nothing");
    }
}

static void put_value(struct msgpack *in)
{
    uint8_t head = (uint8_t)take_number(in, 1);
    if (head <= 0x7f)
        cz_json_i64(&in->json, head);
    else if (head <= 0x8f)
        open_level(in, head & 0x0f, true);
    else if (head <= 0x9f)
        open_level(in, head & 0x0f, false);
    else if (head <= 0xbf)
        cz_json_str(&in->json, take_text(in, head & 0x1f));
    else if (head >= 0xe0)
        cz_json_i64(&in->json, (int8_t)head);
    else
        put_long(in, head);
}

static cz_str to_json(cz_ctx *ctx, cz_request *req)
{
    cz_str body = cz_request_body(ctx, req);
    cz_buf *out = cz_scratch(ctx); /* which goes with the request, as its text must */
    cz_buf_init(out, body.len * JSON_BYTES_PER_BYTE + 64);
    struct msgpack in = { .ctx = ctx,
                          .in = body,
                          .levels = cz_array(ctx, struct level, DEPTH_MAX) };
    cz_json_writer_init(&in.json, out);
    put_value(&in);
    for (close_levels(&in); in.depth; close_levels(&in)) {
        struct level *level = &in.levels[in.depth - 1];
        level->left--;
        if (level->is_map)
            take_key(&in, level);
        put_value(&in);
    }
    if (in.at != in.in.len)
        fail(&in, "something follows the document");
    cz_check(ctx, cz_buf_status(out));
    return cz_buf_str(out);
}

static const char *const also[] = { "application/x-msgpack", "application/vnd.msgpack", NULL };
const cz_parser cz_msgpack_parser = { "application/msgpack", to_json, also };
