/* database://: a cache in a table of one of the project's databases, which `createcachetable` makes. */
#include "cache/database/database_internal.h"
#include "cache/database/table.h"
#include <calzone/time.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS_AT_ONCE = 100, LOOK_EVERY = 64 };

/* ---- opening ---- */

static cz_status refuse(const struct cz__store *store, const char *why, cz_str text, cz_error *err)
{
    return cz_error_set(err, CZ_EVALIDATION, "the URL of the cache \"%s\": %s \"%.*s\"",
                        store->alias, why, CZ_STR_ARG(text));
}

static bool is_table_name(cz_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i && c >= '0' && c <= '9')))
            return false;
    }
    return name.len > 0 && name.len <= CZ__CACHE_TABLE_BYTES_MAX;
}

static cz_status database_open(struct cz__store *store, const cz_url *url, cz_error *err)
{
    cz_str name = url->path.len > 1 ? cz_str_tail(url->path, 1) : CZ_STR("calzone_cache");
    cz_str alias = url->host.len ? url->host : CZ_STR("default");
    if (url->port || url->user.len || url->password.len)
        return refuse(store, "a database is named by its alias alone, not by", alias, err);
    if (!is_table_name(name))
        return refuse(store, "a table is at most 48 small letters, digits and underscores, not",
                      name, err);
    struct cz__cache_table *table = cz_calloc(1, sizeof *table);
    if (!table)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a cache");
    if (alias.len < sizeof table->alias)
        memcpy(table->alias, alias.ptr, alias.len);
    if (!cz__database_find(table->alias)) {
        cz_free(table);
        return refuse(store, "there is no database", alias, err);
    }
    memcpy(table->name, name.ptr, name.len);
    cz_ignore(snprintf(table->index, sizeof table->index, "%s_expires", table->name)); /* it fits */
    store->state = table;
    return CZ_OK;
}

static void database_close(struct cz__store *store)
{
    cz_free(store->state);
    store->state = NULL;
}

static const char *database_reason(const struct cz__store *store)
{
    return ((const struct cz__cache_table *)store->state)->reason;
}

/* ---- times and values ---- */

static int64_t now_ms(void)
{
    return cz_now().us / 1000;
}

static int64_t over_ms(int64_t ttl_ms)
{
    return ttl_ms == CZ_CACHE_FOREVER ? INT64_MAX : now_ms() + (ttl_ms > 0 ? ttl_ms : 1);
}

/* $1 key, $2 value, $3 number, $4 until when, $5 now. */
static void fill_row(cz__db_param params[5], cz_str key, cz_str value, int64_t ttl_ms)
{
    int64_t number;
    bool is_number = cz__is_integer(value, &number);
    params[0] = cz__cache_bytes(key);
    params[1] = is_number ? (cz__db_param){ .kind = CZ__PARAM_NULL, .type = CZ__DB_BINARY }
                          : cz__cache_bytes(value);
    params[2] = is_number ? cz__cache_integer(number)
                          : (cz__db_param){ .kind = CZ__PARAM_NULL, .type = CZ__DB_INT64 };
    params[3] = cz__cache_integer(over_ms(ttl_ms));
    params[4] = cz__cache_integer(now_ms());
}

/* ---- several statements, all or none ---- */

static cz_status begin(cz_ctx *ctx, struct cz__cache_use *use)
{
    return use->session->db->driver->begin(ctx, use->session, &use->err);
}

static cz_status end(cz_ctx *ctx, struct cz__cache_use *use, cz_status status)
{
    if (!status)
        return use->session->db->driver->commit(ctx, use->session, &use->err);
    use->session->db->driver->rollback(ctx, use->session);
    return status;
}

/* ---- reading ---- */

/* The rows of at most KEYS_AT_ONCE keys. */
static cz_status read_some(cz_ctx *ctx, struct cz__cache_use *use, const cz_str *keys, size_t count,
                           cz_str *out)
{
    cz__db_param params[KEYS_AT_ONCE + 1];
    cz_buf sql = { 0 };
    cz__db_cursor cursor;
    bool row = false;
    params[0] = cz__cache_integer(now_ms());
    cz_buf_append_lit(
        &sql, "SELECT cache_key, value, number FROM $T WHERE expires > $1 AND cache_key IN (");
    for (size_t i = 0; i < count; i++) {
        params[i + 1] = cz__cache_bytes(keys[i]);
        cz_buf_printf(&sql, "%s$%zu", i ? ", " : "", i + 2);
    }
    cz_buf_append_lit(&sql, ")");
    cz_status status = cz_buf_status(&sql);
    if (!status)
        status = cz__cache_select(ctx, use, cz_buf_cstr(&sql), params, count + 1, &cursor);
    cz_buf_done(&sql);
    if (status)
        return status;
    const cz__db_driver *driver = cursor.db->driver;
    while (!(status = driver->step(&cursor, &row, &use->err)) && row) {
        cz_bytes key = { NULL, 0 };
        cz_str value;
        driver->read(&cursor, 0, CZ__DB_BINARY, &key);
        status = cz__cache_row_value(ctx->arena, &cursor, 1, &value);
        for (size_t i = 0; i < count && !status; i++)
            if (cz_str_eq(keys[i], cz_str_of(key.ptr, key.len)))
                out[i] = value;
        if (status)
            break;
    }
    driver->finish(&cursor);
    return status;
}

static cz_status database_get(cz_ctx *ctx, struct cz__store *store, const cz_str *keys,
                              size_t count, cz_str *out)
{
    struct cz__cache_use use;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    memset(out, 0, count * sizeof *out);
    for (size_t at = 0; at < count && !status; at += KEYS_AT_ONCE)
        status = read_some(ctx, &use, keys + at,
                           count - at < KEYS_AT_ONCE ? count - at : KEYS_AT_ONCE, out + at);
    return cz__cache_use_end(ctx, &use, status);
}

/* ---- storing ---- */

static int compare_items(const void *a, const void *b)
{
    return cz_str_cmp(((const cz_cache_item *)a)->key, ((const cz_cache_item *)b)->key);
}

static cz_status store_one(cz_ctx *ctx, struct cz__cache_use *use, const cz_cache_item *item,
                           int64_t ttl_ms)
{
    cz__db_param params[5];
    int64_t rows;
    fill_row(params, item->key, item->value, ttl_ms);
    return cz__cache_change(
        ctx, use,
        "INSERT INTO $T (cache_key, value, number, expires) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, "
        "number = excluded.number, expires = excluded.expires",
        params, 4, &rows);
}

/* All in one transaction, in the order of their keys, so that two which store the same wait for each other and not both. */
static cz_status store_all(cz_ctx *ctx, struct cz__cache_use *use, const cz_cache_item *items,
                           size_t count, int64_t ttl_ms)
{
    cz_cache_item *sorted = cz_arena_array(ctx->arena, cz_cache_item, count);
    if (!sorted)
        return CZ_ENOMEM;
    memcpy(sorted, items, count * sizeof *items);
    qsort(sorted, count, sizeof *sorted, compare_items);
    cz_status status = begin(ctx, use);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++)
        status = store_one(ctx, use, &sorted[i], ttl_ms);
    return end(ctx, use, status);
}

static cz_status database_set(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items,
                              size_t count, int64_t ttl_ms, size_t *out_stored)
{
    struct cz__cache_use use;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    status = count == 1 ? store_one(ctx, &use, items, ttl_ms)
                        : store_all(ctx, &use, items, count, ttl_ms);
    unsigned before = use.table->stores;
    use.table->stores += (unsigned)count;
    if (!status && before / LOOK_EVERY != use.table->stores / LOOK_EVERY)
        cz_ignore(
            cz__cache_table_cull(ctx, &use)); /* what was stored is stored; another looks again */
    *out_stored = status ? 0 : count;
    return cz__cache_use_end(ctx, &use, status);
}

static cz_status database_add(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value,
                              int64_t ttl_ms, bool *out_added)
{
    struct cz__cache_use use;
    cz__db_param params[5];
    int64_t rows = 0;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    fill_row(params, key, value, ttl_ms);
    status = cz__cache_change(ctx, &use,
                              "INSERT INTO $T AS kept (cache_key, value, number, expires) "
                              "VALUES ($1, $2, $3, $4) ON CONFLICT (cache_key) DO UPDATE SET "
                              "value = excluded.value, number = excluded.number, "
                              "expires = excluded.expires WHERE kept.expires <= $5",
                              params, 5, &rows);
    *out_added = rows > 0;
    return cz__cache_use_end(ctx, &use, status);
}

/* ---- changing what is there ---- */

static cz_status database_touch(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                                bool *out_found)
{
    struct cz__cache_use use;
    int64_t rows = 0;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    const cz__db_param params[] = { cz__cache_bytes(key), cz__cache_integer(over_ms(ttl_ms)),
                                    cz__cache_integer(now_ms()) };
    status = cz__cache_change(ctx, &use,
                              "UPDATE $T SET expires = $2 WHERE cache_key = $1 AND expires > $3",
                              params, 3, &rows);
    *out_found = rows > 0;
    return cz__cache_use_end(ctx, &use, status);
}

static int compare_keys(const void *a, const void *b)
{
    return cz_str_cmp(*(const cz_str *)a, *(const cz_str *)b);
}

static cz_status remove_one(cz_ctx *ctx, struct cz__cache_use *use, cz_str key, size_t *removed)
{
    int64_t rows = 0;
    const cz__db_param params[] = { cz__cache_bytes(key), cz__cache_integer(now_ms()) };
    cz_status status = cz__cache_change(
        ctx, use, "DELETE FROM $T WHERE cache_key = $1 AND expires > $2", params, 2, &rows);
    *removed += rows > 0;
    return status;
}

static cz_status database_remove(cz_ctx *ctx, struct cz__store *store, const cz_str *keys,
                                 size_t count, size_t *out_removed)
{
    struct cz__cache_use use;
    cz_str *sorted = cz_arena_array(ctx->arena, cz_str, count + 1);
    if (!sorted)
        return CZ_ENOMEM;
    memcpy(sorted, keys, count * sizeof *keys);
    qsort(sorted, count, sizeof *sorted, compare_keys);
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    *out_removed = 0;
    if (count > 1)
        status = begin(ctx, &use);
    bool begun = count > 1 && !status;
    for (size_t i = 0; i < count && !status; i++)
        status = remove_one(ctx, &use, sorted[i], out_removed);
    if (begun)
        status = end(ctx, &use, status);
    return cz__cache_use_end(ctx, &use, status);
}

static cz_status database_remove_if(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value)
{
    struct cz__cache_use use;
    cz__db_param params[5];
    int64_t rows;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    fill_row(params, key, value, CZ_CACHE_FOREVER);
    status = cz__cache_change(ctx, &use,
                              "DELETE FROM $T WHERE cache_key = $1 AND (value = $2 OR number = $3)",
                              params, 3, &rows);
    return cz__cache_use_end(ctx, &use, status);
}

/* ---- counting ---- */

/* The key's number, or that it has none, or is not there. */
static cz_status read_number(cz_ctx *ctx, struct cz__cache_use *use, cz_str key,
                             enum cz__counted *out_counted, int64_t *out)
{
    cz__db_cursor cursor;
    bool row = false;
    const cz__db_param params[] = { cz__cache_bytes(key), cz__cache_integer(now_ms()) };
    cz_status status =
        cz__cache_select(ctx, use, "SELECT number FROM $T WHERE cache_key = $1 AND expires > $2",
                         params, 2, &cursor);
    if (status)
        return status;
    status = cursor.db->driver->step(&cursor, &row, &use->err);
    *out_counted = CZ__COUNTED_NOTHING;
    if (!status && row)
        *out_counted = cursor.db->driver->read(&cursor, 0, CZ__DB_INT64, out)
                           ? CZ__COUNTED
                           : CZ__COUNTED_NO_INTEGER;
    cursor.db->driver->finish(&cursor);
    return status;
}

/* The row is locked by the change, so what is read after it is the sum. */
static cz_status count_in_block(cz_ctx *ctx, struct cz__cache_use *use, cz_str key, int64_t delta,
                                enum cz__counted *out_counted, int64_t *out)
{
    int64_t rows = 0, number = 0;
    const cz__db_param params[] = {
        cz__cache_bytes(key),
        cz__cache_integer(delta),
        cz__cache_integer(now_ms()),
        cz__cache_integer(delta < 0 ? INT64_MIN - delta : INT64_MIN),
        cz__cache_integer(delta > 0 ? INT64_MAX - delta : INT64_MAX),
    };
    cz_status status =
        cz__cache_change(ctx, use,
                         "UPDATE $T SET number = number + $2 WHERE cache_key = $1 AND "
                         "expires > $3 AND number BETWEEN $4 AND $5",
                         params, 5, &rows);
    if (!status)
        status = read_number(ctx, use, key, out_counted, &number);
    if (!status && *out_counted == CZ__COUNTED && !rows)
        *out_counted = CZ__COUNTED_TOO_FAR;
    if (!status && rows)
        *out = number;
    return status;
}

static cz_status database_incr(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                               enum cz__counted *out_counted, int64_t *out)
{
    struct cz__cache_use use;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    status = begin(ctx, &use);
    if (!status)
        status = end(ctx, &use, count_in_block(ctx, &use, key, delta, out_counted, out));
    return cz__cache_use_end(ctx, &use, status);
}

/* Keys are bytes in their order: ";" comes after ":". */
static cz_status database_clear(cz_ctx *ctx, struct cz__store *store)
{
    struct cz__cache_use use;
    int64_t rows;
    cz_status status = cz__cache_use_begin(ctx, store, &use);
    if (status)
        return status;
    char from[CZ__PREFIX_BYTES_MAX + 2], to[CZ__PREFIX_BYTES_MAX + 2];
    size_t len = strlen(store->prefix);
    memcpy(from, store->prefix, len);
    memcpy(to, store->prefix, len);
    from[len] = ':';
    to[len] = ';';
    const cz__db_param params[] = { cz__cache_bytes(cz_str_of(from, len + 1)),
                                    cz__cache_bytes(cz_str_of(to, len + 1)) };
    status = cz__cache_change(ctx, &use, "DELETE FROM $T WHERE cache_key >= $1 AND cache_key < $2",
                              params, 2, &rows);
    return cz__cache_use_end(ctx, &use, status);
}

const struct cz__cache_driver cz__cache_database = {
    .scheme = "database",
    .open = database_open,
    .close = database_close,
    .reason = database_reason,
    .get = database_get,
    .set = database_set,
    .add = database_add,
    .touch = database_touch,
    .remove = database_remove,
    .remove_if = database_remove_if,
    .incr = database_incr,
    .clear = database_clear,
};
