/* From rows to the rows they are related to. Touching a relation of one row of a result loads it for all rows of
 * that result, so a loop over rows asks once and not once a row. */
#include "orm/orm_internal.h"
#include <calzone/relations.h>
#include <stdlib.h>

static size_t key_bytes_of(const cz_model *model)
{
    return CZ__DB_KIND(model->state->key->type) == CZ__DB_UUID ? sizeof(cz_uuid) : sizeof(int64_t);
}

static cz_row *row_at(const void *items, size_t n, const cz_model *model)
{
    return (cz_row *)(void *)((char *)(uintptr_t)items + n * model->row_bytes);
}

static cz_str key_text(const cz_row *row, const cz__column *column)
{
    return cz_str_of(cz__row_at(row, column),
                     CZ__DB_KIND(column->type) == CZ__DB_UUID ? sizeof(cz_uuid) : sizeof(int64_t));
}

/* ---- one row: a foreign key ---- */

/* The keys to load: that of `touched`, which may be a copy or stand behind as many as one query takes, and
 * those of the other rows of its result. */
static void batch_keys(cz_ctx *ctx, const cz_row *touched, const struct cz__result *result,
                       const cz__column *column, struct cz__cond *leaf)
{
    size_t count = 1;
    const cz__column *key = column->field->target->state->key;
    bool uuid = CZ__DB_KIND(key->type) == CZ__DB_UUID;
    int64_t *integers = uuid ? NULL : cz_array(ctx, int64_t, result->count + 1);
    cz_uuid *uuids = uuid ? cz_array(ctx, cz_uuid, result->count + 1) : NULL;
    if (uuid)
        uuids[0] = *(const cz_uuid *)cz__row_at(touched, column);
    else
        integers[0] = *(const int64_t *)cz__row_at(touched, column);
    for (size_t n = 0; n < result->count && count < CZ__LIST_ITEMS_MAX; n++) {
        const cz_row *row =
            (const cz_row *)(const void *)(result->items + n * result->model->row_bytes);
        if (row == touched || cz__row_bit(row, CZ__BITS_NULL, column->ordinal) ||
            *cz__row_slot(row, column))
            continue;
        if (uuid)
            uuids[count++] = *(const cz_uuid *)cz__row_at(row, column);
        else
            integers[count++] = *(const int64_t *)cz__row_at(row, column);
    }
    if (uuid) {
        cz_uuid_list *list = cz_new(ctx, cz_uuid_list);
        *list = (cz_uuid_list){ uuids, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_UUIDS;
    } else {
        cz_int_list *list = cz_new(ctx, cz_int_list);
        *list = (cz_int_list){ integers, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_INTS;
    }
}

void *cz__relation(cz_ctx *ctx, cz_row *row, size_t field)
{
    const cz__column *column = &row->model->state->columns[field];
    if (cz__row_bit(row, CZ__BITS_NULL, field) || !cz__row_bit(row, CZ__BITS_LOADED, field))
        return NULL;
    cz_row **slot = cz__row_slot(row, column);
    if (*slot)
        return *slot;
    cz_model *target = column->field->target;
    const cz__column *key = target->state->key;
    struct cz__result alone = { .model = row->model, .items = (char *)row, .count = 1 };
    const struct cz__result *result = row->result ? row->result : &alone;
    struct cz__cond leaf = {
        .op = CZ__COND_LEAF, .lookup = CZ_LOOKUP_IN, .model = target, .path = key->attribute
    };
    batch_keys(ctx, row, result, column, &leaf);
    cz_query query = { .model = target, .where = &leaf, .unordered = true };
    struct cz__rows found = cz__select(ctx, &query);
    cz_map by_key; /* key bytes -> row */
    cz_map_init(&by_key, ctx->arena);
    size_t key_bytes = CZ__DB_KIND(key->type) == CZ__DB_UUID ? sizeof(cz_uuid) : sizeof(int64_t);
    for (size_t n = 0; n < found.count; n++) {
        cz_row *item = (cz_row *)(void *)((char *)found.items + n * target->row_bytes);
        cz_check(ctx, cz_map_set(&by_key, cz_str_of(cz__row_at(item, key), key_bytes), item));
    }
    for (size_t n = 0; n < result->count; n++) {
        cz_row *each = (cz_row *)(void *)(result->items + n * result->model->row_bytes);
        if (!cz__row_bit(each, CZ__BITS_NULL, field) && !*cz__row_slot(each, column))
            *cz__row_slot(each, column) =
                cz_map_get(&by_key, cz_str_of(cz__row_at(each, column), key_bytes));
    }
    *slot = cz_map_get(&by_key, cz_str_of(cz__row_at(row, column), key_bytes));
    return *slot;
}

/* ---- several rows: reverse sides and many-to-many ---- */

struct cz__loaded { /* what a to-many field of all rows of a result leads to */
    struct cz__loaded *next;
    const cz__column *column;
    cz_map rows; /* key bytes of this side -> struct cz__rows */
};

/* A list of keys as the value of a condition. */
static void set_keys(cz_ctx *ctx, struct cz__cond *leaf, const cz_model *model, const void *keys,
                     size_t count)
{
    cz_int_list *list = cz_new(ctx, cz_int_list); /* all lists begin alike */
    *list = (cz_int_list){ keys, count };
    leaf->value = list;
    leaf->value_kind =
        CZ__DB_KIND(model->state->key->type) == CZ__DB_UUID ? CZ__VALUE_UUIDS : CZ__VALUE_INTS;
}

static void remember(cz_ctx *ctx, struct cz__loaded *loaded, cz_str key, struct cz__rows found)
{
    struct cz__rows *kept = cz_new(ctx, struct cz__rows);
    *kept = found;
    cz_check(ctx, cz_map_set(&loaded->rows, cz_copy(ctx, key), kept));
}

/* Rows that refer to the keys, read in the order of what they refer to: a slice of them for each. */
static void load_reverse(cz_ctx *ctx, struct cz__loaded *loaded, const void *keys, size_t count)
{
    const cz__column *via = loaded->column->via;
    cz_model *target = loaded->column->field->target;
    struct cz__cond leaf = {
        .op = CZ__COND_LEAF, .lookup = CZ_LOOKUP_IN, .model = target, .path = via->attribute
    };
    set_keys(ctx, &leaf, loaded->column->via->field->target, keys, count);
    const cz_order_list *own = &target->meta.ordering;
    cz_order *order = cz_array(ctx, cz_order, own->count + 1);
    order[0].path = via->attribute;
    if (own->count)
        memcpy(order + 1, own->items, own->count * sizeof *order);
    cz_query query = { .model = target, .where = &leaf, .order_by = { order, own->count + 1 } };
    struct cz__rows found = cz__select(ctx, &query);
    for (size_t from = 0, n = 1; from < found.count; n++) {
        cz_str key = key_text(row_at(found.items, from, target), via);
        if (n < found.count && cz_str_eq(key, key_text(row_at(found.items, n, target), via)))
            continue;
        remember(ctx, loaded, key,
                 (struct cz__rows){ row_at(found.items, from, target), n - from });
        from = n;
    }
}

static int compare_places(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The linked rows, in their model's order; a row that several link to is there for each of them. */
static void load_links(cz_ctx *ctx, struct cz__loaded *loaded, const cz_model *model,
                       const void *keys, size_t count)
{
    cz_model *target = loaded->column->field->target;
    struct cz__links links = cz__links_of(ctx, model, loaded->column, keys, count);
    struct cz__cond leaf = { .op = CZ__COND_LEAF,
                             .lookup = CZ_LOOKUP_IN,
                             .model = target,
                             .path = target->state->key->attribute };
    size_t to_bytes = key_bytes_of(target), from_bytes = key_bytes_of(model);
    cz_map places; /* key of the target -> its place among the rows, plus one */
    cz_map_init(&places, ctx->arena);
    struct cz__rows found = { 0 };
    size_t distinct = 0;
    char *wanted = cz_alloc(ctx, (links.count + 1) * to_bytes);
    for (size_t i = 0; i < links.count; i++) {
        cz_str key = cz_str_of(links.to + i * to_bytes, to_bytes);
        if (cz_map_get(&places, key))
            continue;
        cz_check(ctx, cz_map_set(&places, key, &places));
        memcpy(wanted + distinct++ * to_bytes, key.ptr, to_bytes);
    }
    if (distinct > CZ__LIST_ITEMS_MAX)
        cz_raise(ctx, CZ_EINVAL, "more than %d rows behind %s.%s; ask in parts", CZ__LIST_ITEMS_MAX,
                 model->name, loaded->column->field->name);
    set_keys(ctx, &leaf, target, wanted, distinct);
    cz_query query = { .model = target, .where = &leaf };
    if (distinct)
        found = cz__select(ctx, &query);
    for (size_t n = 0; n < found.count; n++)
        cz_check(ctx,
                 cz_map_set(&places, key_text(row_at(found.items, n, target), target->state->key),
                            row_at(found.items, n, target)));
    for (size_t i = 0; i < links.count;) { /* they come in the order of this side */
        const char *from = links.from + i * from_bytes;
        size_t end = i;
        while (end < links.count && memcmp(links.from + end * from_bytes, from, from_bytes) == 0)
            end++;
        size_t *order = cz_array(ctx, size_t, end - i), kept = 0;
        for (; i < end; i++) {
            const char *row = cz_map_get(&places, cz_str_of(links.to + i * to_bytes, to_bytes));
            if (row != (const char *)&places) /* deleted meanwhile */
                order[kept++] = (size_t)(row - (const char *)found.items) / target->row_bytes;
        }
        qsort(order, kept, sizeof *order, compare_places);
        char *rows = cz_alloc(ctx, kept * target->row_bytes + 1);
        for (size_t n = 0; n < kept; n++)
            memcpy(rows + n * target->row_bytes, row_at(found.items, order[n], target),
                   target->row_bytes);
        remember(ctx, loaded, cz_str_of(from, from_bytes), (struct cz__rows){ rows, kept });
    }
}

/* What the field leads to from every row of the result that `row` is of, read at the first touch. */
static const struct cz__loaded *load(cz_ctx *ctx, const cz_row *row, const cz__column *column)
{
    struct cz__result *result = row->result;
    for (struct cz__loaded *l = result ? result->loaded : NULL; l; l = l->next)
        if (l->column == column)
            return l;
    const cz_model *model = row->model;
    const cz__column *key = model->state->key;
    size_t bytes = key_bytes_of(model), count = 0, rows = result ? result->count : 0;
    char *keys = cz_alloc(ctx, (rows + 1) * bytes);
    memcpy(keys + count++ * bytes, cz__row_at(row, key), bytes);
    for (size_t n = 0; n < rows && count < CZ__LIST_ITEMS_MAX; n++) {
        const cz_row *other = row_at(result->items, n, model);
        if (memcmp(cz__row_at(other, key), keys, bytes) != 0)
            memcpy(keys + count++ * bytes, cz__row_at(other, key), bytes);
    }
    struct cz__loaded *loaded = cz_new(ctx, struct cz__loaded);
    loaded->column = column;
    cz_map_init(&loaded->rows, ctx->arena);
    if (column->link_table)
        load_links(ctx, loaded, model, keys, count);
    else
        load_reverse(ctx, loaded, keys, count);
    if (result && rows < CZ__LIST_ITEMS_MAX && result->arena == ctx->arena) {
        loaded->next = result->loaded;
        result->loaded = loaded;
    }
    return loaded;
}

static bool is_plain(const cz_query *query)
{
    return !query->where && !query->order_by.count && !query->related.count && !query->limit &&
           !query->offset && !query->unordered && !query->distinct && !query->only.count &&
           !query->defer.count && !query->lock && !query->combine.count;
}

/* The condition that rows are those a field of `row` leads to. */
static cz_cond behind(cz_ctx *ctx, const cz_row *row, const cz__column *column)
{
    cz_model *target = column->field->target;
    if (column->via && !column->link_table)
        return cz__cond_column(ctx, target, column->via, cz__row_at(row, row->model->state->key));
    struct cz__cond *linked = cz_new(ctx, struct cz__cond);
    *linked = (struct cz__cond){ .op = CZ__COND_LINKED,
                                 .model = target,
                                 .link = column,
                                 .count = row->model->state->key->type,
                                 .value_kind = cz__value_kind_of(row->model->state->key),
                                 .value = cz__row_at(row, row->model->state->key) };
    return linked;
}

static const cz__column *to_many(cz_ctx *ctx, const cz_row *row, size_t field)
{
    const cz__column *column = &row->model->state->columns[field];
    if (!column->many)
        cz_raise(ctx, CZ_EINVAL, "%s.%s leads to one row: CZ_REL() reads it", row->model->name,
                 column->field->name);
    if (!cz__row_bit(row, CZ__BITS_LOADED, 0))
        cz_raise(ctx, CZ_EINVAL, "a %s that is not stored has no relations", row->model->name);
    return column;
}

struct cz__rows cz__related_rows(cz_ctx *ctx, const cz_row *row, size_t field,
                                 const cz_query *query)
{
    const cz__column *column = to_many(ctx, row, field);
    if (is_plain(query)) {
        const struct cz__rows *found =
            cz_map_get(&load(ctx, row, column)->rows, key_text(row, row->model->state->key));
        return found ? *found : (struct cz__rows){ 0 };
    }
    cz_query narrowed = *query;
    cz_cond *both = cz_array(ctx, cz_cond, 2);
    both[0] = behind(ctx, row, column);
    both[1] = query->where;
    narrowed.where = cz_cond_all(ctx, both, query->where ? 2 : 1);
    return cz__select(ctx, &narrowed);
}

/* ---- changing what a row is related to ---- */

struct change {
    cz_row *row;
    const cz__column *column;
    const void *keys;
    size_t count;
    enum cz__related_change how;
};

/* What was read of the field is no longer so. */
static void forget(const cz_row *row, const cz__column *column)
{
    for (struct cz__loaded **l = row->result ? &row->result->loaded : NULL; l && *l;)
        if ((*l)->column == column)
            *l = (*l)->next;
        else
            l = &(*l)->next;
}

static void refer(cz_ctx *ctx, const struct change *change, cz_cond where, bool to_row)
{
    const cz__column *via = change->column->via;
    const cz_model *model = change->row->model;
    if (!to_row && !via->null)
        cz_raise(ctx, CZ_EINVAL, "%s.%s may not be NULL: rows can be added, not taken away",
                 change->column->field->target->name, via->field->name);
    struct cz__assign assign = { via->ordinal,
                                 to_row ? cz__value_kind_of(model->state->key)
                                        : (uint8_t)CZ__VALUE_NULL,
                                 cz__row_at(change->row, model->state->key) };
    cz_ignore(cz__update(ctx, change->column->field->target, where, &assign, 1) <
              0); /* how many it were does not matter */
}

/* Reverse sides: the other rows' foreign keys. */
static void change_reverse(cz_ctx *ctx, const struct change *change)
{
    cz_model *target = change->column->field->target;
    struct cz__cond *named = cz_new(ctx, struct cz__cond);
    *named = (struct cz__cond){ .op = CZ__COND_LEAF,
                                .lookup = CZ_LOOKUP_IN,
                                .model = target,
                                .path = target->state->key->attribute };
    set_keys(ctx, named, target, change->keys, change->count);
    cz_cond ours = behind(ctx, change->row, change->column);
    if (change->how == CZ__RELATED_CLEAR || change->how == CZ__RELATED_SET) {
        struct cz__cond *others = cz_new(ctx, struct cz__cond);
        cz_cond *child = cz_new(ctx, cz_cond), *both = cz_array(ctx, cz_cond, 2);
        *child = named;
        *others = (struct cz__cond){ .op = CZ__COND_NOT, .count = 1, .children = child };
        both[0] = ours;
        both[1] = others;
        cz_cond gone = cz_cond_all(ctx, both, change->count ? 2 : 1);
        cz_query query = { .model = target, .where = gone, .unordered = true };
        if (cz__exists(ctx, &query)) /* a key that may not be NULL matters only when one would be */
            refer(ctx, change, gone, false);
    }
    if (change->how == CZ__RELATED_REMOVE) {
        cz_cond *both = cz_array(ctx, cz_cond, 2);
        both[0] = ours;
        both[1] = named;
        refer(ctx, change, cz_cond_all(ctx, both, 2), false);
    }
    if ((change->how == CZ__RELATED_ADD || change->how == CZ__RELATED_SET) && change->count)
        refer(ctx, change, named, true);
}

static void change_in_transaction(cz_ctx *ctx, void *arg)
{
    const struct change *change = arg;
    if (!change->column->link_table)
        change_reverse(ctx, change);
    else if (change->how == CZ__RELATED_SET || change->how == CZ__RELATED_CLEAR)
        cz__links_set(ctx, change->row, change->column, change->keys, change->count);
    else
        cz__links_change(ctx, change->row, change->column, change->keys, change->count,
                         change->how == CZ__RELATED_ADD);
}

void cz__related_change(cz_ctx *ctx, cz_row *row, size_t field, enum cz__related_change how,
                        const void *list)
{
    const cz_int_list *keys = list; /* all lists begin alike */
    struct change change = { row, to_many(ctx, row, field), keys ? keys->items : NULL,
                             keys ? keys->count : 0, how };
    if (change.count > CZ__LIST_ITEMS_MAX)
        cz_raise(ctx, CZ_EINVAL, "at most %d related rows change at once", CZ__LIST_ITEMS_MAX);
    cz_atomic(ctx, change_in_transaction, &change);
    forget(row, change.column);
}
