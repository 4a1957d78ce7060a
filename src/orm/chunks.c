/* Many rows in chunks: each in an arena that is emptied before the next. */
#include "orm/orm_internal.h"
#include <calzone/bulk.h>

struct cz_chunks {
    struct cz__apart *apart; /* where a chunk's rows are */
    cz_query query;
    const cz__column *key;
    bool began, over;
    union { /* of the last row given */
        int64_t integer;
        cz_uuid uuid;
    } last;
    struct cz__rows found;
};

static bool goes_to_many(const cz_model *model, cz_str path)
{
    for (cz_str rest = path; rest.len && model;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        const cz__column *column = cz__column_find(
            model, cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow)));
        if (!column)
            return false; /* whoever compiles it says so */
        if (column->many)
            return true;
        model = column->field->target;
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
    }
    return false;
}

/* Whether a condition surely gives no row twice and says of a row the same whichever others are asked about: it is about
 * fields over to-one relations and values. */
static bool is_plain(cz_cond cond)
{
    if (cond->op == CZ__COND_LEAF)
        return !cond->expr && !cz__expr_of(cond->value_kind, cond->value) &&
               !goes_to_many(cond->model, cond->path);
    if (cond->op == CZ__COND_EVERY || cond->op == CZ__COND_EXISTS || cond->op == CZ__COND_LINKED)
        return true;
    for (uint32_t i = 0; i < cond->count; i++)
        if (!is_plain(cond->children[i]))
            return false;
    return true;
}

static bool gives_once(const cz_query *query)
{
    cz_cond conds[CZ__CONDS_MAX];
    size_t count = cz__conds_of(query, conds);
    for (size_t i = 0; i < count; i++)
        if (!is_plain(conds[i]))
            return false;
    return true;
}

/* The same rows, each once: those whose keys the query gives. The repeats of a row would end with its chunk, and a
 * window or a group would lack the rows of the chunks before. */
static cz_query by_keys(cz_ctx *ctx, const cz_query *query)
{
    cz_str key = query->model->state->key->attribute;
    cz_query *inner = cz_new(ctx, cz_query);
    struct cz__expr *exprs = cz_array(ctx, struct cz__expr, 2);
    const struct cz__expr **pointers = cz_array(ctx, const struct cz__expr *, 2);
    struct cz__arg *arg = cz_new(ctx, struct cz__arg);
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *inner = (cz_query){ .model = query->model,
                         .where = query->where,
                         .manager = query->manager,
                         .deleted = query->deleted,
                         .database = query->database,
                         .unordered = true };
    exprs[0] = (struct cz__expr){ .op = CZ__EXPR_FIELD, .model = query->model, .path = key };
    exprs[1] = (struct cz__expr){ .op = CZ__EXPR_SUBQUERY, .query = inner, .args = { arg, 1 } };
    pointers[0] = &exprs[0];
    pointers[1] = &exprs[1];
    *arg = (struct cz__arg){ CZ__VALUE_EXPR_KEY, &pointers[0] };
    *leaf = (struct cz__cond){ .op = CZ__COND_LEAF,
                               .lookup = CZ_LOOKUP_IN,
                               .model = query->model,
                               .path = key,
                               .value_kind = CZ__VALUE_EXPR_KEY,
                               .value = &pointers[1] };
    cz_query outer = *query;
    outer.where = leaf;
    outer.manager = &cz_base_manager; /* as the inner one says */
    outer.deleted = CZ_WITH_DELETED;
    return outer;
}

cz_chunks *cz__chunks_begin(cz_ctx *ctx, size_t rows, const cz_query *query)
{
    if (!rows || query->order_by.count || query->limit || query->offset || query->distinct ||
        query->distinct_on.count || query->combine.count || query->values.count)
        cz_raise(ctx, CZ_EINVAL,
                 "chunks of %s: they have a size, and no order, limit, distinct, union or values",
                 query->model->name);
    cz_chunks *chunks = cz_new(ctx, cz_chunks);
    const cz_query *copy = cz__query_copy(ctx, query);
    chunks->query = gives_once(copy) ? *copy : by_keys(ctx, copy);
    chunks->query.limit = (int64_t)rows;
    chunks->query.repeats = true; /* one query a chunk is what was asked for */
    chunks->key = query->model->state->key;
    chunks->apart = cz__apart_create(ctx);
    return chunks;
}

static void read_chunk(cz_ctx *ctx, void *arg)
{
    cz_chunks *chunks = arg;
    cz_query query = chunks->query;
    cz_order order = { .path = chunks->key->attribute };
    struct cz__cond after = { .op = CZ__COND_LEAF,
                              .lookup = CZ_LOOKUP_GT,
                              .model = query.model,
                              .path = chunks->key->attribute,
                              .value_kind = cz__value_kind_of(chunks->key),
                              .value = &chunks->last };
    cz_cond both[2];
    size_t count = 0;
    if (query.where)
        both[count++] = query.where;
    if (chunks->began)
        both[count++] = &after;
    query.where = count ? cz_cond_all(ctx, both, count) : NULL;
    query.order_by = (cz_order_list){ &order, 1 };
    chunks->found = cz__select(ctx, &query);
}

struct cz__rows cz__chunks_next(cz_chunks *chunks)
{
    chunks->found = (struct cz__rows){ 0 };
    if (chunks->over)
        return chunks->found;
    cz__apart_run(chunks->apart, read_chunk, chunks);
    if (!chunks->found.count) {
        chunks->over = true;
        return chunks->found;
    }
    const cz_model *model = chunks->query.model;
    const cz_row *last = cz__row_nth(chunks->found.items, chunks->found.count - 1, model);
    memcpy(&chunks->last, cz__row_at(last, chunks->key), cz__column_bytes(chunks->key));
    chunks->over = chunks->found.count < (size_t)chunks->query.limit;
    chunks->began = true;
    return chunks->found;
}
