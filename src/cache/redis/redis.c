/* redis://: a cache in a Redis server, 4.0 or newer, or one that speaks as it does (Valkey, KeyDB).
 *
 * What the server refuses is told in the log and is a value that was not stored, or a miss. */
#include "cache/cache_internal.h"
#include "redis/redis.h"
#include <stdio.h>

enum { ARGUMENTS_MAX = 6, SCAN_COUNT = 1000 };

/* ---- opening ---- */

static cz_status redis_open(struct cz__store *store, const cz_url *url, cz_error *err)
{
    char what[sizeof store->alias + 32];
    cz__redis *redis;
    cz_ignore(
        snprintf(what, sizeof what, "the URL of the cache \"%s\"", store->alias)); /* it fits */
    cz_status status = cz__redis_open(url, what, &redis, err);
    if (!status)
        store->state = redis;
    return status;
}

static void redis_close(struct cz__store *store)
{
    cz__redis_close(store->state);
    store->state = NULL;
}

static const char *redis_reason(const struct cz__store *store)
{
    return ((const cz__redis *)store->state)->link.reason;
}

static cz_status redis_ask(cz_ctx *ctx, struct cz__store *store, cz_buf *commands, size_t replies,
                           struct cz__redis_request **out)
{
    return cz__redis_ask(ctx, store->state, commands, replies, store->timeout_ms, out);
}

/* ---- commands and replies ---- */

#define COMMAND(out, ...)                                                                          \
    cz__redis_command((out), (const cz_str[]){ __VA_ARGS__ },                                      \
                      sizeof((const cz_str[]){ __VA_ARGS__ }) / sizeof(cz_str))

/* "MGET key key". */
static void add_keys_command(cz_ctx *ctx, cz_buf *out, cz_str name, const cz_str *keys,
                             size_t count)
{
    cz_str *arguments = cz_arena_array(ctx->arena, cz_str, count + 1);
    if (!arguments) {
        out->status = CZ_ENOMEM;
        return;
    }
    arguments[0] = name;
    memcpy(arguments + 1, keys, count * sizeof *keys);
    cz__redis_command(out, arguments, count + 1);
}

/* SET, with a time unless it is for ever, and "NX" unless it replaces. */
static void add_set(cz_buf *out, cz_str key, cz_str value, int64_t ttl_ms, bool only_new)
{
    char digits[24];
    cz_str arguments[ARGUMENTS_MAX] = { CZ_STR("SET"), key, value };
    size_t count = 3;
    if (ttl_ms != CZ_CACHE_FOREVER) {
        arguments[count++] = CZ_STR("PX");
        arguments[count++] = cz_str_of(digits, cz_i64_write(digits, ttl_ms > 0 ? ttl_ms : 1));
    }
    if (only_new)
        arguments[count++] = CZ_STR("NX");
    cz__redis_command(out, arguments, count);
}

static bool is_ok(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STATUS && !strcmp(reply->str, "OK");
}

static void tell_refusal(cz_ctx *ctx, struct cz__store *store, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        cz__store_tell(ctx, store, CZ__NEWS_REFUSED, reply->str);
}

/* Ask one command whose reply is an integer; an error is the server's being away. */
static cz_status ask_integer(cz_ctx *ctx, struct cz__store *store, cz_buf *commands, int64_t *out)
{
    struct cz__redis_request *request;
    cz_status status = redis_ask(ctx, store, commands, 1, &request);
    if (status)
        return status;
    const redisReply *reply = request->replies[0];
    tell_refusal(ctx, store, reply);
    if (reply->type == REDIS_REPLY_INTEGER)
        *out = reply->integer;
    else
        status = CZ_EUNAVAILABLE;
    cz__redis_done(request);
    return status;
}

/* ---- the driver ---- */

static cz_status copy_values(cz_ctx *ctx, const redisReply *reply, size_t count, cz_str *out)
{
    for (size_t i = 0; i < count; i++) {
        const redisReply *value = reply->element[i];
        out[i] = cz_str_of(NULL, 0);
        if (value->type == REDIS_REPLY_STRING &&
            cz_str_dup(ctx->arena, cz_str_of(value->str, (size_t)value->len), &out[i]))
            return CZ_ENOMEM;
    }
    return CZ_OK;
}

static cz_status redis_get(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                           cz_str *out)
{
    cz_buf commands = { 0 };
    struct cz__redis_request *request;
    add_keys_command(ctx, &commands, CZ_STR("MGET"), keys, count);
    cz_status status = redis_ask(ctx, store, &commands, 1, &request);
    if (status)
        return status;
    const redisReply *reply = request->replies[0];
    tell_refusal(ctx, store, reply);
    bool is_whole = reply->type == REDIS_REPLY_ARRAY && (size_t)reply->elements == count;
    status = is_whole ? copy_values(ctx, reply, count, out) : CZ_EUNAVAILABLE;
    cz__redis_done(request);
    return status;
}

static cz_status redis_set(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items,
                           size_t count, int64_t ttl_ms, size_t *out_stored)
{
    cz_buf commands = { 0 };
    struct cz__redis_request *request;
    for (size_t i = 0; i < count; i++)
        add_set(&commands, items[i].key, items[i].value, ttl_ms, false);
    cz_status status = redis_ask(ctx, store, &commands, count, &request);
    if (status)
        return status;
    *out_stored = 0;
    for (size_t i = 0; i < count; i++) {
        tell_refusal(ctx, store, request->replies[i]);
        *out_stored += is_ok(request->replies[i]);
    }
    cz__redis_done(request);
    return CZ_OK;
}

static cz_status redis_add(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value,
                           int64_t ttl_ms, bool *out_added)
{
    cz_buf commands = { 0 };
    struct cz__redis_request *request;
    add_set(&commands, key, value, ttl_ms, true);
    cz_status status = redis_ask(ctx, store, &commands, 1, &request);
    if (status)
        return status;
    tell_refusal(ctx, store, request->replies[0]);
    bool refused = request->replies[0]->type == REDIS_REPLY_ERROR;
    *out_added = is_ok(request->replies[0]);
    cz__redis_done(request);
    return refused ? CZ_EUNAVAILABLE : CZ_OK; /* nobody has it, so nobody may wait for who has */
}

static cz_status redis_touch(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                             bool *out_found)
{
    /* PERSIST alone does not tell a key without a time from none. */
    static const cz_str persist =
        CZ_STR("redis.call('PERSIST',KEYS[1]) return redis.call('EXISTS',KEYS[1])");
    char digits[24];
    cz_buf commands = { 0 };
    int64_t found = 0;
    if (ttl_ms == CZ_CACHE_FOREVER)
        COMMAND(&commands, CZ_STR("EVAL"), persist, CZ_STR("1"), key);
    else
        COMMAND(&commands, CZ_STR("PEXPIRE"), key,
                cz_str_of(digits, cz_i64_write(digits, ttl_ms > 0 ? ttl_ms : 1)));
    cz_status status = ask_integer(ctx, store, &commands, &found);
    *out_found = found == 1;
    return status;
}

static cz_status redis_remove(cz_ctx *ctx, struct cz__store *store, const cz_str *keys,
                              size_t count, size_t *out_removed)
{
    cz_buf commands = { 0 };
    int64_t removed = 0;
    add_keys_command(ctx, &commands, CZ_STR("UNLINK"), keys, count);
    cz_status status = ask_integer(ctx, store, &commands, &removed);
    *out_removed = (size_t)removed;
    return status;
}

static cz_status redis_remove_if(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value)
{
    static const cz_str script =
        CZ_STR("if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end "
               "return 0");
    cz_buf commands = { 0 };
    int64_t removed;
    COMMAND(&commands, CZ_STR("EVAL"), script, CZ_STR("1"), key, value);
    return ask_integer(ctx, store, &commands, &removed);
}

static cz_status read_sum(cz_ctx *ctx, struct cz__store *store, const redisReply *reply,
                          enum cz__counted *out_counted, int64_t *out)
{
    if (reply->type == REDIS_REPLY_NIL)
        *out_counted = CZ__COUNTED_NOTHING;
    else if (reply->type == REDIS_REPLY_STRING &&
             !cz_str_to_i64(cz_str_of(reply->str, (size_t)reply->len), out))
        *out_counted = CZ__COUNTED;
    else if (reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "overflow"))
        *out_counted = CZ__COUNTED_TOO_FAR;
    else if (reply->type == REDIS_REPLY_ERROR &&
             (strstr(reply->str, "not an integer") || strstr(reply->str, "WRONGTYPE")))
        *out_counted = CZ__COUNTED_NO_INTEGER;
    else {
        tell_refusal(ctx, store, reply);
        return CZ_EUNAVAILABLE;
    }
    return CZ_OK;
}

static cz_status redis_incr(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                            enum cz__counted *out_counted, int64_t *out)
{
    /* INCRBY would begin one that is not there. Lua's numbers have 53 bits, so the sum is read as text. */
    static const cz_str script =
        CZ_STR("if redis.call('EXISTS',KEYS[1])==0 then return false end "
               "redis.call('INCRBY',KEYS[1],ARGV[1]) return redis.call('GET',KEYS[1])");
    char digits[24];
    cz_buf commands = { 0 };
    struct cz__redis_request *request;
    COMMAND(&commands, CZ_STR("EVAL"), script, CZ_STR("1"), key,
            cz_str_of(digits, cz_i64_write(digits, delta)));
    cz_status status = redis_ask(ctx, store, &commands, 1, &request);
    if (status)
        return status;
    status = read_sum(ctx, store, request->replies[0], out_counted, out);
    cz__redis_done(request);
    return status;
}

/* ---- clearing ---- */

/* "shop:*", with what means something in a pattern escaped. */
static cz_status prefix_pattern(cz_arena *arena, const struct cz__store *store, cz_str *out)
{
    cz_buf text = { 0 };
    for (const char *at = store->prefix; *at; at++) {
        if (strchr("*?[]\\^-", *at))
            cz_buf_append_char(&text, '\\');
        cz_buf_append_char(&text, *at);
    }
    cz_buf_append_lit(&text, ":*");
    return cz__buf_take(&text, arena, out);
}

/* Remove the keys of a reply to SCAN, and take the cursor of the next. */
static cz_status remove_scanned(cz_ctx *ctx, struct cz__store *store, const redisReply *reply,
                                cz_str *cursor)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY) {
        tell_refusal(ctx, store, reply);
        return CZ_EUNAVAILABLE;
    }
    const redisReply *found = reply->element[1];
    cz_status status = cz_str_dup(
        ctx->arena, cz_str_of(reply->element[0]->str, (size_t)reply->element[0]->len), cursor);
    size_t count = (size_t)found->elements, removed;
    cz_str *keys = cz_arena_array(ctx->arena, cz_str, count + 1);
    if (status || !keys)
        return CZ_ENOMEM;
    for (size_t i = 0; i < count; i++)
        keys[i] = cz_str_of(found->element[i]->str, (size_t)found->element[i]->len);
    return count ? redis_remove(ctx, store, keys, count, &removed) : CZ_OK;
}

static cz_status redis_clear(cz_ctx *ctx, struct cz__store *store)
{
    cz_str pattern, cursor = CZ_STR("0");
    char digits[24];
    cz_str each = cz_str_of(digits, cz_i64_write(digits, SCAN_COUNT));
    cz_status status = prefix_pattern(ctx->arena, store, &pattern);
    while (!status) {
        cz_buf commands = { 0 };
        struct cz__redis_request *request;
        COMMAND(&commands, CZ_STR("SCAN"), cursor, CZ_STR("MATCH"), pattern, CZ_STR("COUNT"), each);
        status = redis_ask(ctx, store, &commands, 1, &request);
        if (status)
            break;
        status = remove_scanned(ctx, store, request->replies[0], &cursor);
        cz__redis_done(request);
        if (cz_str_eq(cursor, CZ_STR("0")))
            break;
    }
    return status;
}

#define DRIVER(name)                                                                               \
    {                                                                                              \
        .scheme = (name), .has_parameter = cz__redis_has_parameter, .open = redis_open,            \
        .close = redis_close, .reason = redis_reason, .get = redis_get, .set = redis_set,          \
        .add = redis_add, .touch = redis_touch, .remove = redis_remove,                            \
        .remove_if = redis_remove_if, .incr = redis_incr, .clear = redis_clear                     \
    }
const struct cz__cache_driver cz__cache_redis = DRIVER("redis");
const struct cz__cache_driver cz__cache_rediss = DRIVER("rediss"); /* by TLS */
