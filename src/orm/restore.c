/* Restoring rows that were marked as deleted.
 *
 * What may come back is collected first: the rows asked for, and over CASCADE those that went in the same deletion.
 * Of these a row is held back that another deleted row still takes over CASCADE; it counts as deleted with that
 * one from then on, so that it comes back with it and is never alive below it. */
#include "orm/collector.h"

struct restoration {
    const cz_query *query;
    struct cz__deletion found;
    const struct cz__collected *named; /* the rows asked for: never held back, but refused */
    cz_map held; /* model and key of a row -> when that which takes it was deleted */
    int64_t restored;
};

/* Whether deleting a row marks those that refer to it by the column. */
static bool takes(const cz_model *model, const cz__column *column)
{
    const struct cz__model_state *state = model->state;
    return column->relation && column->stored && column->field->options.on_delete == CZ_CASCADE &&
           state->deleted_at && column->field->target->state->deleted_at &&
           column->field->target->state->database == state->database;
}

/* When the row was deleted that rows of the model refer to by the column. */
static const struct cz__expr **parent_deleted_at(cz_ctx *ctx, const cz_model *model,
                                                 const cz__column *column)
{
    struct cz__expr *expr = cz_new(ctx, struct cz__expr);
    const struct cz__expr **value = cz_alloc(ctx, sizeof(const struct cz__expr *));
    cz_str path = cz_format(ctx, "%s->%.*s", column->field->name,
                            CZ_STR_ARG(column->field->target->state->deleted_at->attribute));
    *expr = (struct cz__expr){ .op = CZ__EXPR_FIELD, .model = model, .path = path };
    *value = expr;
    return value;
}

/* What went with the keys by one of the relations to them. */
static void follow_back(cz_ctx *ctx, struct restoration *work, const struct cz__collected *keys,
                        const struct cz__referrer *referrer)
{
    const struct cz__model_state *state = referrer->model->state;
    struct cz__cond together = { .op = CZ__COND_LEAF,
                                 .lookup = CZ_LOOKUP_EXACT,
                                 .value_kind = CZ__VALUE_EXPR_INSTANT,
                                 .model = referrer->model,
                                 .path = state->deleted_at->attribute,
                                 .value =
                                     parent_deleted_at(ctx, referrer->model, referrer->column) };
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT) {
        cz_cond where[] = {
            cz__keys_part(ctx, referrer->model, referrer->column->attribute, keys, from), &together
        };
        cz_query query = { .model = referrer->model,
                           .where = cz_cond_all(ctx, where, 2),
                           .unordered = true,
                           .manager = &cz_base_manager,
                           .deleted = CZ_ONLY_DELETED,
                           .database = work->found.database };
        cz__collect_keys(ctx, &work->found, &query);
    }
}

struct holding {
    cz_ctx *ctx;
    struct restoration *work;
    const struct cz__collected *keys;
    const cz__column *column;
    bool changed, refused, no_memory;
};

/* Stands on a row's key, the key of the deleted row it refers to and when that was deleted. */
static bool hold_back(const cz__db_cursor *cursor, void *arg)
{
    struct holding *h = arg;
    const cz__db_driver *driver = cursor->db->driver;
    cz_map *held = &h->work->held;
    union cz__key_value own = { 0 }, parent = { 0 };
    cz_datetime at = { 0 };
    cz_ignore(!driver->read(cursor, 0, h->keys->model->state->key->type, &own)); /* never NULL: */
    cz_ignore(!driver->read(cursor, 1, h->column->type, &parent)); /* the condition says so */
    cz_ignore(!driver->read(cursor, 2, CZ__DB_DATETIME, &at));
    struct cz__name name = cz__name_key(h->keys->model, &own);
    struct cz__name above = cz__name_key(h->column->field->target, &parent);
    if (cz_map_get(held, cz__name_text(&name)))
        return true;
    const cz_datetime *since = cz_map_get(held, cz__name_text(&above));
    if (!since && cz_map_get(&h->work->found.seen, cz__name_text(&above)))
        return true; /* it comes back as well */
    h->refused = h->keys == h->work->named;
    cz_datetime *until = cz_arena_new(h->ctx->arena, cz_datetime);
    if (until)
        *until = since ? *since : at;
    h->no_memory = !until || cz__name_remember(h->ctx, held, &name, until) != CZ_OK;
    h->changed = true;
    return !h->refused && !h->no_memory;
}

/* Hold back those of the keys that a deleted row still takes by the column. Returns whether there was one. */
static bool hold_keys(cz_ctx *ctx, struct restoration *work, const struct cz__collected *keys,
                      const cz__column *column)
{
    const struct cz__model_state *state = keys->model->state;
    struct cz__expr key = { .op = CZ__EXPR_FIELD,
                            .model = keys->model,
                            .path = state->key->attribute };
    struct cz__expr other = { .op = CZ__EXPR_FIELD,
                              .model = keys->model,
                              .path = column->attribute };
    const struct cz__expr *key_value = &key, *other_value = &other;
    const struct cz__expr **at = parent_deleted_at(ctx, keys->model, column);
    /* They are read as a row of the model itself that is deleted since the other is. */
    const struct cz__assign values[] = {
        { state->key->ordinal, CZ__VALUE_EXPR_KEY, &key_value },
        { column->ordinal, CZ__VALUE_EXPR_KEY, &other_value },
        { state->deleted_at->ordinal, CZ__VALUE_EXPR_INSTANT, at },
    };
    struct cz__cond gone = *state->is_gone;
    gone.path = (*at)->path;
    struct holding h = { .ctx = ctx, .work = work, .keys = keys, .column = column };
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT) {
        cz_cond where[] = { cz__keys_part(ctx, keys->model, state->key->attribute, keys, from),
                            &gone };
        cz_query query = { .model = keys->model,
                           .where = cz_cond_all(ctx, where, 2),
                           .unordered = true,
                           .manager = &cz_base_manager,
                           .values = { keys->model, values, CZ_COUNT(values) },
                           .database = work->found.database };
        cz_ignore(cz__each(ctx, &query, hold_back, &h) == 0); /* there may be none */
        if (h.refused)
            cz_raise(ctx, CZ_EINTEGRITY,
                     "Cannot restore: this %s's \"%s\" is deleted; restore that first.",
                     state->lower_name, column->field->name);
        if (h.no_memory)
            cz_raise(ctx, CZ_ENOMEM, "the keys of the %s rows do not fit the memory",
                     keys->model->name);
    }
    return h.changed;
}

/* Whoever is held back holds back what it takes itself, and so on. */
static void hold(cz_ctx *ctx, struct restoration *work, const struct cz__collected *first)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (const struct cz__collected *keys = first; keys; keys = keys->after)
            for (uint16_t i = 0; i < keys->model->state->column_count; i++) {
                const cz__column *column = &keys->model->state->columns[i];
                if (takes(keys->model, column))
                    changed |= hold_keys(ctx, work, keys, column);
            }
    }
}

static const void *key_at(const struct cz__collected *keys, size_t i)
{
    return keys->uuid ? (const void *)&keys->uuids[i] : &keys->integers[i];
}

static void add_key(struct cz__collected *keys, const void *key)
{
    if (keys->uuid)
        memcpy(&keys->uuids[keys->count++], key, sizeof(cz_uuid));
    else
        memcpy(&keys->integers[keys->count++], key, sizeof(int64_t));
}

/* Those of the keys that count as deleted since then; since NULL: those that come back. */
static struct cz__collected keys_since(cz_ctx *ctx, const struct restoration *work,
                                       const struct cz__collected *keys, const cz_datetime *since)
{
    struct cz__collected some = { .model = keys->model, .uuid = keys->uuid };
    some.integers = keys->uuid ? NULL : cz_array(ctx, int64_t, keys->count);
    some.uuids = keys->uuid ? cz_array(ctx, cz_uuid, keys->count) : NULL;
    for (size_t i = 0; i < keys->count; i++) {
        struct cz__name name = cz__name_key(keys->model, key_at(keys, i));
        const cz_datetime *until = cz_map_get(&work->held, cz__name_text(&name));
        if (since && until ? since->us == until->us : !since && !until)
            add_key(&some, key_at(keys, i));
    }
    return some;
}

/* The keys that are held back count as deleted with what takes them. */
static void hand_on(cz_ctx *ctx, const struct restoration *work, const struct cz__collected *keys)
{
    static char done; /* a value that is not NULL */
    cz_map handed;
    cz_map_init(&handed, ctx->arena);
    for (size_t i = 0; i < keys->count; i++) {
        struct cz__name name = cz__name_key(keys->model, key_at(keys, i));
        const cz_datetime *since = cz_map_get(&work->held, cz__name_text(&name));
        cz_str instant = cz_str_of((const char *)since, since ? sizeof *since : 0);
        if (!since || cz_map_get(&handed, instant))
            continue;
        cz_check(ctx, cz_map_set(&handed, instant, &done));
        struct cz__collected some = keys_since(ctx, work, keys, since);
        cz_ignore(cz__mark_keys(ctx, work->found.database, &some, since) <
                  0); /* counted by nobody */
    }
}

static void tell_restored(cz_ctx *ctx, const struct restoration *work,
                          const struct cz__collected *keys)
{
    cz_model *model = keys->model;
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT) {
        cz_query query = { .model = model,
                           .where =
                               cz__keys_part(ctx, model, model->state->key->attribute, keys, from),
                           .unordered = true,
                           .manager = &cz_base_manager,
                           .database = work->found.database };
        struct cz__rows rows = cz__select(ctx, &query);
        for (size_t n = 0; n < rows.count; n++)
            cz__signal_row(ctx, CZ_POST_SAVE, cz__row_nth(rows.items, n, model));
    }
}

static void restore_in_transaction(cz_ctx *ctx, void *arg)
{
    struct restoration *work = arg;
    cz_query query = *work->query;
    query.deleted = CZ_ONLY_DELETED;
    query.unordered = true;
    query.database = work->found.database;
    cz_map_init(&work->found.seen, ctx->arena);
    cz_map_init(&work->held, ctx->arena);
    cz__collect_keys(ctx, &work->found, &query);
    struct cz__collected *first = work->found.last;
    work->named = first;
    for (struct cz__collected *keys = first; keys; keys = keys->after) /* which grows meanwhile */
        for (size_t i = 0; i < keys->model->state->referrer_count; i++) {
            const struct cz__referrer *referrer = &keys->model->state->referrers[i];
            if (takes(referrer->model, referrer->column))
                follow_back(ctx, work, keys, referrer);
        }
    hold(ctx, work, first);
    for (const struct cz__collected *keys = first; keys; keys = keys->after) {
        struct cz__collected back = keys_since(ctx, work, keys, NULL);
        work->restored += cz__mark_keys(ctx, work->found.database, &back, NULL);
        hand_on(ctx, work, keys);
    }
    for (const struct cz__collected *keys = first; keys; keys = keys->after)
        if (cz__signal_wanted(keys->model, CZ_POST_SAVE)) {
            struct cz__collected back = keys_since(ctx, work, keys, NULL);
            tell_restored(ctx, work, &back);
        }
}

int64_t cz__restore(cz_ctx *ctx, const cz_query *query)
{
    cz__check_change(ctx, query, "cz_restore");
    if (!query->model->state->deleted_at)
        cz_raise(ctx, CZ_EINVAL, "%s is not CZ_SOFT_DELETED: its rows cannot be restored",
                 query->model->name);
    struct restoration work = { .query = query };
    work.found.database = cz__alias_of(ctx, query->model, NULL, query->database, true);
    cz__atomic_in(ctx, cz__session_to_write(ctx, query->model, NULL, work.found.database),
                  restore_in_transaction, &work);
    return work.restored;
}
