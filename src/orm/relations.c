/* Changing what a row is related to. */
#include "orm/orm_internal.h"
#include <calzone/relations.h>

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

struct change {
    cz_row *row;
    const cz__column *column;
    const void *keys;
    size_t count;
    enum cz__related_change how;
    const char *database; /* NULL: there is nothing to choose */
};

static size_t count_distinct(cz_ctx *ctx, const struct change *change)
{
    const cz__column *key = change->column->field->target->state->key;
    size_t bytes = cz__column_bytes(key), count = 0;
    cz_map seen;
    cz_map_init(&seen, ctx->arena);
    for (size_t i = 0; i < change->count; i++) {
        cz_str each = cz_str_of((const char *)change->keys + i * bytes, bytes);
        count += !cz_map_get(&seen, each);
        cz_check(ctx, cz_map_set(&seen, each, &seen));
    }
    return count;
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
    cz_query query = { .model = change->column->field->target,
                       .where = where,
                       .manager = &cz_base_manager,
                       .database = change->database };
    int64_t changed = cz__update(ctx, &query, &assign, 1);
    if (to_row && (size_t)changed < count_distinct(ctx, change))
        cz_raise(ctx, CZ_EINTEGRITY, "no %s has one of these keys",
                 change->column->field->target->name);
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
    cz_cond ours = cz__related_cond(ctx, change->row, change->column);
    bool all = change->how == CZ__RELATED_CLEAR || change->how == CZ__RELATED_REPLACE;
    if (all || change->how == CZ__RELATED_SET) {
        struct cz__cond *others = cz_new(ctx, struct cz__cond);
        cz_cond *child = cz_new(ctx, cz_cond), *both = cz_array(ctx, cz_cond, 2);
        *child = named;
        *others = (struct cz__cond){ .op = CZ__COND_NOT, .count = 1, .children = child };
        both[0] = ours;
        both[1] = others;
        cz_cond gone = cz_cond_all(ctx, both, change->count && !all ? 2 : 1);
        cz_query query = {
            .model = target, .where = gone, .unordered = true, .database = change->database
        };
        if (cz__exists(ctx, &query)) /* a key that may not be NULL matters only when one would be */
            refer(ctx, change, gone, false);
    }
    if (change->how == CZ__RELATED_REMOVE) {
        cz_cond *both = cz_array(ctx, cz_cond, 2);
        both[0] = ours;
        both[1] = named;
        refer(ctx, change, cz_cond_all(ctx, both, 2), false);
    }
    if (change->how != CZ__RELATED_REMOVE && change->count)
        refer(ctx, change, named, true);
}

static void change_in_transaction(cz_ctx *ctx, void *arg)
{
    const struct change *change = arg;
    if (!change->column->link_table)
        change_reverse(ctx, change);
    else if (change->how == CZ__RELATED_REPLACE)
        cz__links_replace(ctx, change->row, change->column, change->keys, change->count);
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
    struct change change = {
        row, cz__to_many(ctx, row, field), keys ? keys->items : NULL, keys ? keys->count : 0, how,
        NULL
    };
    if (change.count > CZ__LIST_ITEMS_MAX)
        cz_raise(ctx, CZ_EINVAL, "at most %d related rows change at once", CZ__LIST_ITEMS_MAX);
    cz_model *target = change.column->field->target;
    change.database = cz__alias_behind(ctx, row, change.column, NULL, true);
    cz__atomic_in(ctx, cz__session_to_write(ctx, target, NULL, change.database),
                  change_in_transaction, &change);
    cz__related_forget(row, change.column);
}

/* ---- new rows behind a field ---- */

struct making {
    cz_row *row;
    const cz__column *column;
    cz_pairs match, defaults;
    bool update, created;
    const char *database; /* the row's; NULL: there is nothing to choose */
    cz_row *made;
};

/* The pairs, and for a reverse side that the row's key is the foreign key. */
static cz_pairs with_foreign_key(cz_ctx *ctx, const struct making *making, cz_pairs pairs)
{
    const cz__column *via = making->column->via, *key = making->row->model->state->key;
    struct cz__assign *all = cz_array(ctx, struct cz__assign, pairs.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < pairs.count; i++)
        if (making->column->link_table || pairs.items[i].field != via->ordinal)
            all[count++] = pairs.items[i];
    if (!making->column->link_table)
        all[count++] = (struct cz__assign){ via->ordinal, cz__value_kind_of(key),
                                            cz__row_at(making->row, key) };
    return (cz_pairs){ all, count };
}

static void make(cz_ctx *ctx, void *arg)
{
    struct making *making = arg;
    cz_pairs pairs = with_foreign_key(ctx, making, making->match);
    making->made =
        cz__create(ctx, making->database, making->column->field->target, pairs.items, pairs.count);
    if (making->column->link_table)
        cz__links_change(ctx, making->row, making->column,
                         cz__row_at(making->made, making->made->model->state->key), 1, true);
}

void *cz__related_create(cz_ctx *ctx, cz_row *row, size_t field, cz_pairs pairs)
{
    struct making making = { .row = row, .column = cz__to_many(ctx, row, field), .match = pairs };
    making.database = cz__alias_behind(ctx, row, making.column, NULL, true);
    if (making.column->link_table)
        cz__atomic_in(ctx, cz__session_to_write(ctx, row->model, row, NULL), make, &making);
    else
        make(ctx, &making); /* one INSERT */
    cz__related_forget(row, making.column);
    return making.made;
}

/* Among the linked rows, or made and linked. */
static void link_or_make(cz_ctx *ctx, void *arg)
{
    struct making *making = arg;
    cz_cond both[2] = { cz__related_cond(ctx, making->row, making->column),
                        cz__pairs_cond(ctx, making->column->field->target, making->match) };
    cz_query query = { .model = making->column->field->target,
                       .where = cz_cond_all(ctx, both, 2),
                       .limit = 2,
                       .unordered = true,
                       .database = making->database,
                       .lock = making->update ? CZ_FOR_UPDATE : CZ_NO_LOCK };
    struct cz__rows found = cz__select(ctx, &query);
    if (found.count > 1)
        cz_raise(ctx, CZ_EMULTIPLE, "more than one %s matches the given query", query.model->name);
    making->made = found.count ? found.items : NULL;
    if (!making->made) {
        size_t count = making->match.count, more = making->defaults.count;
        struct cz__assign *all = cz_array(ctx, struct cz__assign, count + more + 1);
        memcpy(all, making->match.items, count * sizeof *all);
        if (more)
            memcpy(all + count, making->defaults.items, more * sizeof *all);
        making->match = (cz_pairs){ all, count + more };
        make(ctx, making);
        making->created = true;
    } else if (making->update) {
        for (size_t i = 0; i < making->defaults.count; i++)
            cz__row_assign(ctx, making->made, &making->defaults.items[i]);
        cz__save(ctx, making->made);
    }
}

void *cz__related_or_create(cz_ctx *ctx, cz_row *row, size_t field, cz_pairs match,
                            cz_pairs defaults, enum cz__related_or how, bool *out_created)
{
    struct making making = { .row = row,
                             .column = cz__to_many(ctx, row, field),
                             .match = match,
                             .defaults = defaults,
                             .update = how == CZ__RELATED_UPDATE };
    making.database = cz__alias_behind(ctx, row, making.column, NULL, true);
    cz_model *target = making.column->field->target;
    if (!match.count)
        cz_raise(ctx, CZ_EINVAL, "get_or_create without anything to match a %s by", target->name);
    if (making.column->link_table)
        cz__atomic_in(ctx, cz__session_to_write(ctx, row->model, row, NULL), link_or_make, &making);
    else
        making.made = cz__get_or_create_on(ctx, making.database, target,
                                           with_foreign_key(ctx, &making, match), defaults,
                                           making.update, &making.created);
    cz__related_forget(row, making.column);
    if (out_created)
        *out_created = making.created;
    return making.made;
}
