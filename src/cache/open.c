/* The caches of a project: reading their URLs, finding them by alias. */
#include "cache/cache_internal.h"
#include "db/database.h"
#include <stddef.h>
#include <stdio.h>

static const struct cz__cache_driver *const drivers[] = {
    &cz__cache_memory,    &cz__cache_null,     &cz__cache_file,
    &cz__cache_memcached, &cz__cache_database,
#ifdef CZ_REDIS
    &cz__cache_redis,     &cz__cache_rediss,
#endif
};

static struct cz__store stores[CZ__CACHES_MAX];
static size_t store_count;

#define YEAR_MS (INT64_C(365) * 86400000)

/* What the query of a URL may set. */
static const struct parameter {
    const char *name, *scheme; /* NULL: of every cache */
    size_t offset;
    int64_t min, max, fallback;
} parameters[] = {
    { "ttl", NULL, offsetof(struct cz__store, ttl_ms), 1, YEAR_MS, 300000 },
    { "jitter", NULL, offsetof(struct cz__store, jitter), 0, 90, 10 },
    { "version", NULL, offsetof(struct cz__store, handle.version), 1, UINT32_MAX, 1 },
    { "timeout", NULL, offsetof(struct cz__store, timeout_ms), 1, 10000, CZ__TIMEOUT_MS },
    { "bytes", "memory", offsetof(struct cz__store, bytes), 262144, INT64_C(1) << 38, 16777216 },
    { "entries", "file", offsetof(struct cz__store, entries), 256, 100000000, 65536 },
    { "entries", "database", offsetof(struct cz__store, entries), 256, 100000000, 65536 },
};

static int64_t *parameter_of(struct cz__store *store, const struct parameter *parameter)
{
    return (int64_t *)(void *)((char *)store + parameter->offset);
}

static cz_status refuse(const struct cz__store *store, cz_error *err, const char *what, cz_str text)
{
    return cz_error_set(err, CZ_EVALIDATION, "the URL of the cache \"%s\": %s \"%.*s\"",
                        store->alias, what, CZ_STR_ARG(text));
}

static cz_status set_parameter(struct cz__store *store, cz_str name, cz_str value, cz_error *err)
{
    for (size_t i = 0; i < CZ_COUNT(parameters); i++) {
        const struct parameter *parameter = &parameters[i];
        if (!cz_str_eq(name, cz_str_from(parameter->name)))
            continue;
        if (parameter->scheme && strcmp(parameter->scheme, store->driver->scheme) != 0)
            continue;
        int64_t number;
        if (cz_str_to_i64(value, &number) || number < parameter->min || number > parameter->max)
            return cz_error_set(err, CZ_EVALIDATION,
                                "the URL of the cache \"%s\": %s is a number from %lld to %lld, "
                                "not \"%.*s\"",
                                store->alias, parameter->name, (long long)parameter->min,
                                (long long)parameter->max, CZ_STR_ARG(value));
        *parameter_of(store, parameter) = number;
        return CZ_OK;
    }
    return refuse(store, err, "there is no parameter", name);
}

/* It stands in every key; a colon would let one site's keys be another's. */
static cz_status set_prefix(struct cz__store *store, cz_str prefix, cz_error *err)
{
    if (prefix.len > CZ__PREFIX_BYTES_MAX || cz_str_find_char(prefix, ':') != SIZE_MAX)
        return refuse(store, err, "a prefix has at most 64 bytes and no colon, unlike", prefix);
    memcpy(store->prefix, prefix.ptr ? prefix.ptr : "", prefix.len);
    store->prefix[prefix.len] = '\0';
    return CZ_OK;
}

static cz_status read_query(struct cz__store *store, cz_arena *arena, const cz_url *url,
                            cz_error *err)
{
    cz_str query = url->query;
    for (size_t i = 0; i < CZ_COUNT(parameters); i++)
        *parameter_of(store, &parameters[i]) = parameters[i].fallback;
    cz_status status = CZ_OK;
    while (query.len && !status) {
        cz_str name, value;
        status = cz_url_take_parameter(arena, &query, &name, &value);
        if (status)
            return status == CZ_EVALIDATION ? refuse(store, err, "malformed query", query)
                                            : cz_error_set(err, status, "no memory for a cache");
        if (cz_str_eq(name, CZ_STR("prefix")))
            status = set_prefix(store, value, err);
        else if (name.len &&
                 !(store->driver->has_parameter && store->driver->has_parameter(url, name)))
            status = set_parameter(store, name, value, err);
    }
    return status;
}

static cz_status open_store(struct cz__store *store, cz_arena *arena, cz_str text, cz_str prefix,
                            cz_error *err)
{
    cz_url url;
    cz_status status = cz_url_parse(arena, text.len ? text : CZ_STR("memory://"), &url);
    if (status == CZ_EVALIDATION) /* which may hold a password */
        return cz_error_set(err, status, "the URL of the cache \"%s\" is malformed", store->alias);
    if (status)
        return cz_error_set(err, status, "no memory for a cache");
    for (size_t i = 0; i < CZ_COUNT(drivers); i++)
        if (cz_str_eq(url.scheme, cz_str_from(drivers[i]->scheme)))
            store->driver = drivers[i];
#ifndef CZ_REDIS
    if (cz_str_starts_with(url.scheme, CZ_STR("redis")))
        return cz_error_set(
            err, CZ_EUNSUPPORTED,
            "the URL of the cache \"%s\": Redis is not built in; libhiredis-dev was "
            "missing",
            store->alias);
#endif
    if (!store->driver)
        return refuse(store, err, "no cache is called", url.scheme);
    status = set_prefix(store, prefix, err);
    if (!status)
        status = read_query(store, arena, &url, err);
    return status ? status : store->driver->open(store, &url, err);
}

struct cz__store *cz__store_named(const char *alias)
{
    for (size_t i = 0; i < store_count; i++)
        if (!strcmp(stores[i].alias, alias))
            return &stores[i];
    return NULL;
}

cz_status cz__cache_open(const char *alias, cz_str url, cz_str prefix, cz_error *err)
{
    if (!cz__alias_is_valid(alias))
        return cz_error_set(err, CZ_EVALIDATION,
                            "a cache's alias is small letters, digits and underscores, a letter "
                            "first and at most %d: not \"%s\"",
                            CZ__ALIAS_BYTES_MAX, alias ? alias : "");
    if (cz__store_named(alias))
        return cz_error_set(err, CZ_EVALIDATION, "the cache \"%s\" is declared twice", alias);
    if (store_count == CZ__CACHES_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "more than %d caches", CZ__CACHES_MAX);
    struct cz__store *store = &stores[store_count];
    *store = (struct cz__store){ .handle.store = store };
    memcpy(store->alias, alias, strlen(alias) + 1);
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "no memory for a cache");
    cz_status status = open_store(store, arena, url, prefix, err);
    cz_arena_destroy(arena);
    if (!status && cz__owed_create(store->alias, &store->owed)) {
        store->driver->close(store);
        status = cz_error_set(err, CZ_ENOMEM, "no memory for a cache");
    }
    store_count += !status;
    return status;
}

size_t cz__stores_count(void)
{
    return store_count;
}

struct cz__store *cz__stores_at(size_t number)
{
    return &stores[number];
}

void cz__caches_close(void)
{
    while (store_count) {
        struct cz__store *store = &stores[--store_count];
        store->driver->close(store);
        cz__owed_destroy(store->owed);
    }
}

cz_cache *cz_cache_of(cz_ctx *ctx, const char *alias)
{
    struct cz__store *store = cz__store_named(alias);
    if (!store)
        cz_raise(ctx, CZ_EINVAL, "there is no cache \"%s\"", alias);
    return &store->handle;
}

const cz_cache *cz__cache_resolve(cz_ctx *ctx, const cz_cache *cache)
{
    return cache ? cache : cz_cache_of(ctx, "default");
}

cz_cache *cz_cache_version(cz_ctx *ctx, cz_cache *cache, uint32_t version)
{
    if (!version)
        cz_raise(ctx, CZ_EINVAL, "a cache has no version 0");
    cz_cache *copy = cz_new(ctx, cz_cache);
    *copy = (cz_cache){ cz__cache_resolve(ctx, cache)->store, version };
    return copy;
}
