/* Which rows a query is about before it says so itself: those of its manager, and those that are not deleted. */
#include "orm/orm_internal.h"

const cz_manager cz_base_manager = { 0 };

static const cz_manager *manager_of(const cz_query *query)
{
    return query->manager ? query->manager : query->model->meta.manager;
}

static cz_cond deleted_cond(const cz_query *query)
{
    const struct cz__model_state *state = query->model->state;
    if (query->deleted == CZ_ONLY_DELETED)
        return state->is_gone;
    return query->deleted == CZ_WITHOUT_DELETED && query->manager != &cz_base_manager
               ? state->is_kept
               : NULL;
}

size_t cz__conds_of(const cz_query *query, cz_cond out[CZ__CONDS_MAX])
{
    const cz_manager *manager = manager_of(query);
    cz_cond deleted = deleted_cond(query);
    size_t count = 0;
    if (query->where)
        out[count++] = query->where;
    if (manager && manager->where)
        out[count++] = manager->where;
    if (deleted)
        out[count++] = deleted;
    return count;
}

bool cz__leaves_out_deleted(const cz_query *query)
{
    return query->deleted == CZ_WITHOUT_DELETED && query->manager != &cz_base_manager;
}

const cz_order_list *cz__ordering_of(const cz_query *query)
{
    const cz_manager *manager = manager_of(query);
    if (query->order_by.count || query->unordered || query->combine.count)
        return &query->order_by; /* a union has none of its own, as in Django */
    return manager && manager->order_by.count ? &manager->order_by : &query->model->meta.ordering;
}

bool cz__is_own_order(const cz_query *query)
{
    return cz__ordering_of(query) != &query->order_by;
}

void cz__check_change(cz_ctx *ctx, const cz_query *query, const char *call)
{
    if (!query->where && !query->manager && !query->deleted)
        cz_raise(ctx, CZ_EINVAL, "%s without a condition; CZ_EVERY_ROW means every row", call);
    if (query->limit || query->offset || query->order_by.count || query->combine.count ||
        query->distinct || query->distinct_on.count || query->lock || query->values.count)
        cz_raise(ctx, CZ_EINVAL,
                 "%s takes conditions alone: no order, limit, union, lock or values", call);
}
