/* memcached://: a cache in memcached servers, 1.6 or newer, by the meta commands of the text protocol. */
#include "cache/memcached/memcached_internal.h"

enum { DEFAULT_PORT = 11211, TRIES_MAX = 20 };

/* ---- opening ---- */

static cz_status refuse(const struct cz__store *store, const char *why, cz_error *err)
{
    return cz_error_set(err, CZ_EVALIDATION, "the URL of the cache \"%s\": %s", store->alias, why);
}

static cz_status mc_open(struct cz__store *store, const cz_url *url, cz_error *err)
{
    cz_url at = *url;
    if (url->user.len || url->password.len)
        return refuse(store, "memcached has no users", err);
    if (url->path.len > 1)
        return refuse(store, "memcached has no path", err);
    struct cz__memcached *memcached = cz_calloc(1, sizeof *memcached);
    cz_status status = memcached ? CZ_OK : CZ_ENOMEM;
    do {
        if (!status && memcached->count == CZ__MC_SERVERS_MAX) {
            cz__mc_destroy(memcached);
            return refuse(store, "at most 32 servers", err);
        }
        if (!status)
            status = cz__mc_add_server(memcached, at.host.len ? at.host : CZ_STR("localhost"),
                                       at.port ? at.port : DEFAULT_PORT);
    } while (!status && cz_url_take_host(&at));
    if (status) {
        cz__mc_destroy(memcached);
        return cz_error_set(err, status, "no memory for a cache");
    }
    cz__mc_sort_points(memcached);
    store->state = memcached;
    return CZ_OK;
}

static void mc_close(struct cz__store *store)
{
    cz__mc_destroy(store->state);
    store->state = NULL;
}

static const char *mc_reason(const struct cz__store *store)
{
    return ((const struct cz__memcached *)store->state)->reason;
}

static void mc_owe(struct cz__store *store, const cz_str *keys, size_t count)
{
    struct cz__memcached *memcached = store->state;
    cz_arena *arena = NULL;
    cz_str token;
    bool all = !keys || cz_arena_create(NULL, 0, &arena);
    for (size_t i = 0; i < count && !all; i++)
        if (cz__mc_token(arena, keys[i], &token))
            all = true;
        else
            cz__owed_add(memcached->servers[cz__mc_server_of(memcached, token)].owed, &token, 1);
    for (size_t i = 0; i < memcached->count && all; i++)
        cz__owed_add_all(memcached->servers[i].owed);
    cz_arena_destroy(arena);
}

/* ---- one command ---- */

/* A key, its server, and the one reply to one command; cz__mc_done() ends it. */
struct one {
    struct cz__mc_batch batch;
    cz_str token;
    size_t server;
    const struct cz__mc_reply *reply;
};

static cz_status begin_one(cz_ctx *ctx, const struct cz__store *store, cz_str key, struct one *one)
{
    memset(one, 0, sizeof *one);
    cz_status status = cz__mc_token(ctx->arena, key, &one->token);
    if (!status)
        one->server = cz__mc_server_of(store->state, one->token);
    return status;
}

static cz_buf *commands_of(struct one *one)
{
    return &one->batch.parts[one->server].commands;
}

static bool is_no_number(const struct cz__mc_reply *reply)
{
    return reply->code == CZ__MC_REFUSED && strstr(reply->text, "non-numeric");
}

/* Ask what stands in commands_of(). */
static cz_status ask_one(cz_ctx *ctx, struct cz__store *store, struct one *one)
{
    one->batch.parts[one->server].count = 1;
    cz_status status = cz__mc_ask(ctx, store, &one->batch);
    one->reply = status ? NULL : cz__mc_reply(&one->batch, one->server, 0);
    if (!status && !one->reply)
        return CZ_EUNAVAILABLE;
    if (!status && one->reply->code == CZ__MC_REFUSED && !is_no_number(one->reply))
        cz__store_tell(ctx, store, CZ__NEWS_REFUSED, one->reply->text);
    return status;
}

/* Forget the reply, for another command about the same key. */
static void again(struct one *one)
{
    cz__mc_done(&one->batch);
    memset(&one->batch, 0, sizeof one->batch);
}

/* Ask for the value's state, and for the value itself. */
static cz_status look(cz_ctx *ctx, struct cz__store *store, struct one *one, bool value)
{
    again(one);
    cz_buf_printf(commands_of(one), "mg %.*s f t c%s\r\n", CZ_STR_ARG(one->token),
                  value ? " v" : "");
    return ask_one(ctx, store, one);
}

/* ---- the driver ---- */

struct place {
    cz_str token;
    size_t server, number; /* of the command among its server's */
};

/* Where each key's command stands. `add` appends it. */
static cz_status place_keys(cz_ctx *ctx, const struct cz__store *store, struct cz__mc_batch *batch,
                            struct place *places, size_t count,
                            cz_str (*key_of)(const void *items, size_t i), const void *items)
{
    cz_status status = CZ_OK;
    memset(batch, 0, sizeof *batch);
    for (size_t i = 0; i < count && !status; i++) {
        status = cz__mc_token(ctx->arena, key_of(items, i), &places[i].token);
        if (status)
            break;
        places[i].server = cz__mc_server_of(store->state, places[i].token);
        places[i].number = batch->parts[places[i].server].count++;
    }
    return status;
}

static cz_str nth_key(const void *items, size_t i)
{
    return ((const cz_str *)items)[i];
}

static cz_str nth_item(const void *items, size_t i)
{
    return ((const cz_cache_item *)items)[i].key;
}

static cz_status mc_get(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                        cz_str *out)
{
    struct cz__mc_batch batch;
    struct place *places = cz_arena_array(ctx->arena, struct place, count + 1);
    if (!places)
        return CZ_ENOMEM;
    cz_status status = place_keys(ctx, store, &batch, places, count, nth_key, keys);
    for (size_t i = 0; i < count && !status; i++)
        cz_buf_printf(&batch.parts[places[i].server].commands, "mg %.*s v f t\r\n",
                      CZ_STR_ARG(places[i].token));
    if (!status)
        status = cz__mc_ask(ctx, store, &batch);
    for (size_t i = 0; i < count && !status; i++) {
        const struct cz__mc_reply *reply = cz__mc_reply(&batch, places[i].server, places[i].number);
        out[i] = cz_str_of(NULL, 0);
        if (reply)
            status = cz__mc_read_value(ctx->arena, reply, &out[i]);
    }
    cz__mc_done(&batch);
    return status;
}

static cz_status mc_set(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items,
                        size_t count, int64_t ttl_ms, size_t *out_stored)
{
    struct cz__mc_batch batch;
    struct place *places = cz_arena_array(ctx->arena, struct place, count + 1);
    if (!places)
        return CZ_ENOMEM;
    cz_status status = place_keys(ctx, store, &batch, places, count, nth_item, items);
    for (size_t i = 0; i < count && !status; i++)
        cz__mc_add_store(&batch.parts[places[i].server].commands, places[i].token, items[i].value,
                         ttl_ms, "", 0);
    if (!status)
        status = cz__mc_ask(ctx, store, &batch);
    *out_stored = 0;
    for (size_t i = 0; i < count && !status; i++) {
        const struct cz__mc_reply *reply = cz__mc_reply(&batch, places[i].server, places[i].number);
        if (reply &&
            reply->code ==
                CZ__MC_REFUSED) /* as one that is too long for it, and the old one has gone */
            cz__store_tell(ctx, store, CZ__NEWS_REFUSED, reply->text);
        *out_stored += reply && reply->code == CZ__MC_DONE;
        if (!reply)
            mc_owe(store, &items[i].key, 1);
    }
    cz__mc_done(&batch);
    return status;
}

static cz_status mc_remove(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                           size_t *out_removed)
{
    struct cz__mc_batch batch;
    struct place *places = cz_arena_array(ctx->arena, struct place, count + 1);
    if (!places)
        return CZ_ENOMEM;
    cz_status status = place_keys(ctx, store, &batch, places, count, nth_key, keys);
    /* One that is over is none: what there is is asked first. */
    for (size_t i = 0; i < count && !status; i++) {
        cz_buf_printf(&batch.parts[places[i].server].commands, "mg %.*s f t\r\nmd %.*s\r\n",
                      CZ_STR_ARG(places[i].token), CZ_STR_ARG(places[i].token));
        batch.parts[places[i].server].count++;
    }
    if (!status)
        status = cz__mc_ask(ctx, store, &batch);
    *out_removed = 0;
    for (size_t i = 0; i < count && !status; i++) {
        size_t at = 2 * places[i].number;
        const struct cz__mc_reply *found = cz__mc_reply(&batch, places[i].server, at);
        const struct cz__mc_reply *reply = cz__mc_reply(&batch, places[i].server, at + 1);
        *out_removed += found && cz__mc_is_there(found) && reply->code == CZ__MC_DONE;
        if (!reply)
            mc_owe(store, &keys[i], 1);
    }
    cz__mc_done(&batch);
    return status;
}

/* Store where nothing is. Something that is over but still there is replaced, unless another was first. */
static cz_status add_in_place(cz_ctx *ctx, struct cz__store *store, struct one *one, cz_str value,
                              int64_t ttl_ms, bool *out_added)
{
    cz_status status = look(ctx, store, one, false);
    if (status || cz__mc_is_there(one->reply))
        return status;
    uint64_t unique = one->reply->unique;
    bool gone = one->reply->code == CZ__MC_MISS;
    again(one);
    cz__mc_add_store(commands_of(one), one->token, value, ttl_ms, gone ? " ME" : "",
                     gone ? 0 : unique);
    status = ask_one(ctx, store, one);
    *out_added = !status && one->reply->code == CZ__MC_DONE;
    return status;
}

static cz_status mc_add(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value,
                        int64_t ttl_ms, bool *out_added)
{
    struct one one;
    *out_added = false;
    cz_status status = begin_one(ctx, store, key, &one);
    if (!status) {
        cz__mc_add_store(commands_of(&one), one.token, value, ttl_ms, " ME", 0);
        status = ask_one(ctx, store, &one);
    }
    if (!status)
        *out_added = one.reply->code == CZ__MC_DONE;
    if (!status && one.reply->code == CZ__MC_NOT_STORED)
        status = add_in_place(ctx, store, &one, value, ttl_ms, out_added);
    if (!status && one.reply->code == CZ__MC_REFUSED)
        status = CZ_EUNAVAILABLE; /* nobody has it, so nobody may wait for who has */
    cz__mc_done(&one.batch);
    return status;
}

/* The flags tell when a value is over, so it is stored again as it was; if it changes meanwhile, once more. */
static cz_status mc_touch(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                          bool *out_found)
{
    struct one one;
    *out_found = false;
    cz_status status = begin_one(ctx, store, key, &one);
    for (int i = 0; i < TRIES_MAX && !status && !*out_found; i++) {
        cz_str value;
        status = look(ctx, store, &one, true);
        if (!status)
            status = cz__mc_read_value(ctx->arena, one.reply, &value);
        if (status || !value.ptr)
            break;
        uint64_t unique = one.reply->unique;
        again(&one);
        cz__mc_add_store(commands_of(&one), one.token, value, ttl_ms, "", unique);
        status = ask_one(ctx, store, &one);
        *out_found = !status && one.reply->code == CZ__MC_DONE;
    }
    cz__mc_done(&one.batch);
    return status;
}

static cz_status mc_remove_if(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value)
{
    struct one one;
    cz_str found = { NULL, 0 };
    cz_status status = begin_one(ctx, store, key, &one);
    if (!status)
        status = look(ctx, store, &one, true);
    if (!status)
        status = cz__mc_read_value(ctx->arena, one.reply, &found);
    if (!status && found.ptr && cz_str_eq(found, value)) {
        uint64_t unique = one.reply->unique;
        again(&one);
        cz_buf_printf(commands_of(&one), "md %.*s C%llu\r\n", CZ_STR_ARG(one.token),
                      (unsigned long long)unique);
        status = ask_one(ctx, store, &one);
    }
    cz__mc_done(&one.batch);
    return status;
}

/* ---- counting ---- */

static cz_status add_delta(cz_ctx *ctx, struct cz__store *store, struct one *one, uint64_t delta)
{
    again(one);
    cz_buf_printf(commands_of(one), "ma %.*s D%llu t v\r\n", CZ_STR_ARG(one->token),
                  (unsigned long long)delta);
    return ask_one(ctx, store, one);
}

/* What came of adding: of a sum that wrapped around, nothing, and it is taken back. */
static cz_status read_sum(cz_ctx *ctx, struct cz__store *store, struct one *one, int64_t delta,
                          enum cz__counted *out_counted, int64_t *out)
{
    uint64_t after;
    if (!cz__mc_read_number(cz_str_of(one->reply->value, one->reply->len), &after))
        return CZ_EUNAVAILABLE;
    uint64_t before = after - (uint64_t)delta;
    if (delta > 0 ? after < before : after > before) {
        *out_counted = CZ__COUNTED_TOO_FAR;
        return add_delta(ctx, store, one, -(uint64_t)delta);
    }
    *out = (int64_t)(after - (UINT64_C(1) << 63));
    *out_counted = CZ__COUNTED;
    return CZ_OK;
}

/* Counting does not tell the flags: one that is over may have been counted, which nobody sees. */
static cz_status check_over(cz_ctx *ctx, struct cz__store *store, struct one *one,
                            enum cz__counted *out_counted)
{
    cz_status status = look(ctx, store, one, false);
    if (!status && !cz__mc_is_there(one->reply))
        *out_counted = CZ__COUNTED_NOTHING;
    return status;
}

static cz_status mc_incr(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                         enum cz__counted *out_counted, int64_t *out)
{
    struct one one;
    *out_counted = CZ__COUNTED_NOTHING;
    cz_status status = begin_one(ctx, store, key, &one);
    if (!status)
        status = add_delta(ctx, store, &one, (uint64_t)delta);
    if (!status && one.reply->code == CZ__MC_REFUSED) {
        *out_counted = CZ__COUNTED_NO_INTEGER;
        status =
            is_no_number(one.reply) ? check_over(ctx, store, &one, out_counted) : CZ_EUNAVAILABLE;
    } else if (!status && one.reply->code == CZ__MC_VALUE) {
        int64_t seconds = one.reply->seconds;
        status = read_sum(ctx, store, &one, delta, out_counted, out);
        if (!status && seconds >= 0 && seconds < CZ__MC_NEARLY_OVER_S)
            status = check_over(ctx, store, &one, out_counted);
    }
    cz__mc_done(&one.batch);
    return status;
}

/* memcached cannot tell one site's keys from another's: all go, as with Django. */
static cz_status mc_clear(cz_ctx *ctx, struct cz__store *store)
{
    const struct cz__memcached *memcached = store->state;
    struct cz__mc_batch batch;
    memset(&batch, 0, sizeof batch);
    for (size_t i = 0; i < memcached->count; i++) {
        cz_buf_append_lit(&batch.parts[i].commands, "flush_all\r\n");
        batch.parts[i].count = 1;
    }
    cz_status status = cz__mc_ask(ctx, store, &batch);
    for (size_t i = 0; i < memcached->count && !status; i++) {
        const struct cz__mc_reply *reply = cz__mc_reply(&batch, i, 0);
        if (!reply)
            cz__owed_add_all(memcached->servers[i].owed);
        else if (reply->code == CZ__MC_REFUSED)
            cz__store_tell(ctx, store, CZ__NEWS_REFUSED, reply->text);
    }
    cz__mc_done(&batch);
    return status;
}

const struct cz__cache_driver cz__cache_memcached = {
    .scheme = "memcached",
    .open = mc_open,
    .close = mc_close,
    .reason = mc_reason,
    .get = mc_get,
    .set = mc_set,
    .add = mc_add,
    .touch = mc_touch,
    .remove = mc_remove,
    .remove_if = mc_remove_if,
    .incr = mc_incr,
    .clear = mc_clear,
    .owe = mc_owe,
};
