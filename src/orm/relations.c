/* Changing what a row is related to. */
#include "orm/orm_internal.h"
#include <calzone/relations.h>

struct change {
    struct cz__links links; /* or rows of a reverse side */
    enum cz__related_change how;
    const char *database; /* NULL: there is nothing to choose */
};

static size_t count_distinct(cz_ctx *ctx, const struct change *change)
{
    const cz__column *key = change->links.column->field->target->state->key;
    size_t bytes = cz__column_bytes(key), count = 0;
    cz_map seen;
    cz_map_init(&seen, ctx->arena);
    for (size_t i = 0; i < change->links.count; i++) {
        cz_str each = cz_str_of((const char *)change->links.keys + i * bytes, bytes);
        count += !cz_map_get(&seen, each);
        cz_check(ctx, cz_map_set(&seen, each, &seen));
    }
    return count;
}

static void refer(cz_ctx *ctx, const struct change *change, cz_cond where, bool to_row)
{
    const cz__column *via = change->links.column->via;
    const cz_model *model = change->links.row->model;
    if (!to_row && !via->null)
        cz_raise(ctx, CZ_EINVAL, "%s.%s may not be NULL: rows can be added, not taken away",
                 change->links.column->field->target->name, via->field->name);
    struct cz__assign assign = { via->ordinal,
                                 to_row ? cz__value_kind_of(model->state->key)
                                        : (uint8_t)CZ__VALUE_NULL,
                                 cz__row_at(change->links.row, model->state->key) };
    cz_query query = { .model = change->links.column->field->target,
                       .where = where,
                       .manager = &cz_base_manager,
                       .database = change->database };
    int64_t changed = cz__update(ctx, &query, &assign, 1);
    if (to_row && (size_t)changed < count_distinct(ctx, change))
        cz_raise(ctx, CZ_EINTEGRITY, "no %s has one of these keys",
                 change->links.column->field->target->name);
}

/* Reverse sides: the other rows' foreign keys. */
static void change_reverse(cz_ctx *ctx, const struct change *change)
{
    cz_model *target = change->links.column->field->target;
    const cz__column *key = target->state->key;
    cz_cond named = cz__cond_keys(ctx, target, key->attribute, key->type, change->links.keys,
                                  change->links.count);
    cz_cond ours = cz__related_cond(ctx, change->links.row, change->links.column);
    bool all = change->how == CZ__RELATED_CLEAR || change->how == CZ__RELATED_REPLACE;
    if (all || change->how == CZ__RELATED_SET) {
        cz_cond others = change->links.count && !all ? cz__cond_not(ctx, named) : NULL;
        cz_cond gone = cz__cond_both(ctx, ours, others);
        cz_query query = {
            .model = target, .where = gone, .unordered = true, .database = change->database
        };
        if (cz__exists(ctx, &query)) /* a key that may not be NULL matters only when one would be */
            refer(ctx, change, gone, false);
    }
    if (change->how == CZ__RELATED_REMOVE)
        refer(ctx, change, cz__cond_both(ctx, ours, named), false);
    if (change->how != CZ__RELATED_REMOVE && change->links.count)
        refer(ctx, change, named, true);
}

static void change_in_transaction(cz_ctx *ctx, void *arg)
{
    const struct change *change = arg;
    if (!change->links.column->link_table)
        change_reverse(ctx, change);
    else if (change->how == CZ__RELATED_REPLACE || change->how == CZ__RELATED_CLEAR)
        cz__links_replace(ctx, &change->links); /* a clear: by none */
    else if (change->how == CZ__RELATED_SET)
        cz__links_set(ctx, &change->links);
    else
        cz__links_change(ctx, &change->links, change->how == CZ__RELATED_ADD);
}

void cz__related_change(cz_ctx *ctx, cz_row *row, size_t field, enum cz__related_change how,
                        cz_pairs through_defaults, const void *list)
{
    const cz_int_list *keys = list; /* all lists begin alike */
    struct change change = { .links = { .row = row,
                                        .column = cz__to_many(ctx, row, field),
                                        .keys = keys ? keys->items : NULL,
                                        .count = keys ? keys->count : 0,
                                        .defaults = through_defaults },
                             .how = how };
    const cz__column *column = change.links.column;
    cz__through_check(ctx, column, &through_defaults);
    if (change.links.count > CZ__LIST_ITEMS_MAX)
        cz_raise(ctx, CZ_EINVAL, "at most %d related rows change at once", CZ__LIST_ITEMS_MAX);
    change.database = cz__alias_behind(ctx, row, column, NULL, true);
    cz__atomic_in(ctx, cz__session_to_write(ctx, column->field->target, NULL, change.database),
                  change_in_transaction, &change);
    cz__related_forget(row, column);
}

/* ---- new rows behind a field ---- */

struct making {
    cz_row *row;
    const cz__column *column;
    cz_pairs match, defaults, through_defaults;
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
    return (cz_pairs){ all, count, pairs.model };
}

static void make(cz_ctx *ctx, void *arg)
{
    struct making *making = arg;
    cz_pairs pairs = with_foreign_key(ctx, making, making->match);
    making->made =
        cz__create(ctx, making->database, making->column->field->target, pairs.items, pairs.count);
    if (!making->column->link_table)
        return;
    struct cz__links links = { .row = making->row,
                               .column = making->column,
                               .keys = cz__row_at(making->made, making->made->model->state->key),
                               .count = 1,
                               .defaults = making->through_defaults };
    cz__links_change(ctx, &links, true);
}

void *cz__related_create(cz_ctx *ctx, cz_row *row, size_t field, cz_pairs through_defaults,
                         cz_pairs pairs)
{
    struct making making = { .row = row,
                             .column = cz__to_many(ctx, row, field),
                             .match = pairs,
                             .through_defaults = through_defaults };
    cz__through_check(ctx, making.column, &through_defaults);
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
        making->match = (cz_pairs){ all, count + more, making->match.model };
        make(ctx, making);
        making->created = true;
    } else if (making->update) {
        for (size_t i = 0; i < making->defaults.count; i++)
            cz__row_assign(ctx, making->made, &making->defaults.items[i]);
        cz__save(ctx, making->made);
    }
}

void *cz__related_or_create(cz_ctx *ctx, cz_row *row, size_t field, cz_pairs through_defaults,
                            cz_pairs match, cz_pairs defaults, enum cz__related_or how,
                            bool *out_created)
{
    struct making making = { .row = row,
                             .column = cz__to_many(ctx, row, field),
                             .match = match,
                             .defaults = defaults,
                             .through_defaults = through_defaults,
                             .update = how == CZ__RELATED_UPDATE };
    making.database = cz__alias_behind(ctx, row, making.column, NULL, true);
    cz_model *target = making.column->field->target;
    cz__through_check(ctx, making.column, &through_defaults);
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
