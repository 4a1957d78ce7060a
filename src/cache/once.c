/* cz_once(): what is computed once in a unit of work, in the arena of the whole. */
#include <calzone/cache.h>
#include <calzone/map.h>

struct computed {
    cz_cache_compute_fn compute;
    void *arg;
    bool done; /* else it is under way, or has raised */
    bool under_way;
    cz_str value;
};

static void call(cz_ctx *ctx, void *arg)
{
    struct computed *computed = arg;
    computed->value = computed->compute(ctx, computed->arg);
}

static struct computed *find_or_add(cz_ctx *ctx, cz_str key)
{
    cz_arena *arena = cz__home(ctx);
    if (!ctx->once) {
        cz_map *map = cz_arena_new(arena, cz_map);
        if (!map)
            cz_raise(ctx, CZ_ENOMEM, "no memory for what is computed once");
        cz_map_init(map, arena);
        ctx->once = map;
    }
    struct computed *computed = cz_map_get(ctx->once, key);
    if (computed)
        return computed;
    cz_str own = CZ_STR("");
    computed = cz_arena_new(arena, struct computed);
    if (!computed)
        cz_raise(ctx, CZ_ENOMEM, "no memory for what is computed once");
    cz_check(ctx, cz_str_dup(arena, key, &own));
    cz_check(ctx, cz_map_set(ctx->once, own, computed));
    return computed;
}

cz_str cz_once(cz_ctx *ctx, cz_str key, cz_cache_compute_fn compute, void *arg)
{
    cz_error err;
    struct computed *computed = find_or_add(ctx, key);
    if (computed->done)
        return computed->value;
    if (computed->under_way)
        cz_raise(ctx, CZ_EINVAL, "what is computed once under \"%.*s\" is computed from itself",
                 CZ_STR_ARG(key));
    computed->compute = compute;
    computed->arg = arg;
    computed->under_way = true;
    cz_status status = cz_try(ctx, call, computed, &err);
    computed->under_way = false;
    if (status)
        cz_raise_error(ctx, &err);
    cz_check(ctx,
             cz_str_dup(cz__home(ctx), computed->value, &computed->value)); /* a part may end */
    computed->done = true;
    return computed->value;
}
