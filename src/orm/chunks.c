/* Many rows in chunks: each in an arena that is emptied before the next. */
#include "orm/compiler.h"
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

cz_chunks *cz__chunks_begin(cz_ctx *ctx, size_t rows, const cz_query *query)
{
    if (!rows || query->order_by.count || query->limit || query->offset || query->distinct ||
        query->distinct_on.count || query->combine.count || query->values.count)
        cz_raise(ctx, CZ_EINVAL,
                 "chunks of %s: they have a size, and no order, limit, distinct, union or values",
                 query->model->name);
    cz_cond conds[CZ__CONDS_MAX];
    for (size_t i = 0, count = cz__conds_of(query, conds); i < count; i++)
        if (cz__cond_has(conds[i], true))
            cz_raise(ctx, CZ_EINVAL,
                     "chunks of %s with a condition on a window, which each chunk would compute "
                     "from the rows that are left; cz_iterator_begin() asks once",
                     query->model->name);
    cz_chunks *chunks = cz_new(ctx, cz_chunks);
    chunks->query = *cz__query_copy(ctx, query);
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
    const char *last =
        (const char *)chunks->found.items + (chunks->found.count - 1) * model->row_bytes;
    memcpy(&chunks->last, cz__row_at((const cz_row *)(const void *)last, chunks->key),
           CZ__DB_KIND(chunks->key->type) == CZ__DB_UUID ? sizeof(cz_uuid) : sizeof(int64_t));
    chunks->over = chunks->found.count < (size_t)chunks->query.limit;
    chunks->began = true;
    return chunks->found;
}
