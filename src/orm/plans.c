/* Plans by shape: the SQL of a call site is built once and its statement prepared once per connection. A shape
 * too long for the key, or met when the cache is full, is built each time. */
#include "orm/orm_internal.h"

enum { PLANS_MAX = 4096, FIRST_NUMBER = CZ__STATEMENT_FIRST };

static cz_arena *plan_arena; /* lives as long as the process */
static cz_map plan_map;
static uint32_t plan_count; /* statements written by hand included */

uint32_t cz__statement_number(void)
{
    return plan_count < PLANS_MAX ? FIRST_NUMBER + plan_count++ : CZ__STATEMENT_UNCACHED;
}

static const void *kept_copy(const void *items, size_t bytes)
{
    void *copy = cz_arena_alloc(plan_arena, bytes ? bytes : 1);
    if (copy && bytes)
        memcpy(copy, items, bytes);
    return copy;
}

static size_t output_count(const cz_query *query)
{
    return query->values.count ? query->values.count : 1;
}

/* A copy of a plan that outlives the request; NULL when there is no memory, which only means that it is
 * built again. */
static const struct cz__plan *keep(const struct cz__shape *shape, const struct cz__plan *plan,
                                   const cz_query *query, cz_buf *sql)
{
    if (!plan_arena) {
        if (cz_arena_create(NULL, 0, &plan_arena))
            return NULL;
        cz_map_init(&plan_map, plan_arena);
    }
    struct cz__plan *kept = cz_arena_new(plan_arena, struct cz__plan);
    cz_str key_copy, sql_copy;
    if (!kept || cz_str_dup(plan_arena, cz_str_of(shape->bytes, shape->len), &key_copy) ||
        cz_str_dup(plan_arena, cz_buf_str(sql), &sql_copy))
        return NULL;
    *kept = *plan;
    kept->slots = kept_copy(plan->slots, plan->slot_count * sizeof *plan->slots);
    kept->related =
        (void *)(uintptr_t)kept_copy(plan->related, plan->related_count * sizeof *plan->related);
    if (plan->loaded)
        kept->loaded = kept_copy(plan->loaded, cz__model_words(query->model) * sizeof(uint64_t));
    if (plan->outputs)
        kept->outputs = kept_copy(plan->outputs, output_count(query) * sizeof(cz__db_type));
    const cz__db_type *types =
        kept_copy(plan->statement.types, plan->slot_count * sizeof(cz__db_type));
    if (!kept->slots || !kept->related || !types || (plan->loaded && !kept->loaded) ||
        (plan->outputs && !kept->outputs))
        return NULL;
    kept->statement = (cz__db_statement){ .sql = sql_copy,
                                          .number = FIRST_NUMBER + plan_count,
                                          .types = types,
                                          .type_count = plan->slot_count };
    if (cz_map_set(&plan_map, key_copy, kept))
        return NULL;
    plan_count++;
    return kept;
}

const struct cz__plan *cz__plan_for(cz_ctx *ctx, cz__db_session *session,
                                    const struct cz__plan_request *request, struct cz__shape *shape)
{
    cz__shape_build(ctx, shape, request, session);
    if (!shape->overflow && plan_arena) {
        const struct cz__plan *kept = cz_map_get(&plan_map, cz_str_of(shape->bytes, shape->len));
        if (kept)
            return kept;
    }
    cz_buf *sql = cz__scratch(ctx);
    struct cz__plan *plan = cz_new(ctx, struct cz__plan);
    cz__compile(ctx, session->db->driver->features, request, shape, plan, sql);
    cz_check(ctx, cz_buf_status(sql));
    cz_buf_cstr(sql);
    cz__db_type *types = cz_array(ctx, cz__db_type, plan->slot_count + 1);
    for (uint32_t i = 0; i < plan->slot_count; i++)
        types[i] = plan->slots[i].type;
    plan->statement.types = types;
    plan->statement.type_count = plan->slot_count;
    if (!shape->overflow && plan_count < PLANS_MAX) {
        const struct cz__plan *kept = keep(shape, plan, request->query, sql);
        if (kept)
            return kept;
    }
    plan->statement.sql = cz_copy(ctx, cz_buf_str(sql));
    plan->statement.number = CZ__STATEMENT_UNCACHED;
    return plan;
}
