/* Deleting, with what on_delete says of the rows that refer to those deleted.
 *
 * Done here rather than by the database, as Django does, so the rules are the same everywhere and a
 * protected row is named. All of it is one transaction: first the keys to go are collected, each once, while
 * every referrer is asked (PROTECT) or collected in turn (CASCADE), and receivers of CZ_PRE_DELETE are told; then
 * referrers are changed (SET_NULL) and the rows go, the last collected first, each with its many-to-many links.
 * Rows may refer to each other in a circle: foreign keys are checked at the commit. */
#include "orm/orm_internal.h"

enum { KEYS_PER_STATEMENT = 500 };

struct keys { /* of rows of one model, as a counted list of its key's type */
    cz_model *model;
    bool uuid;
    int64_t *integers;
    cz_uuid *uuids;
    size_t count;
    cz_row **rows;       /* of the keys, when somebody wants to be told of them; else NULL */
    struct keys *before; /* collected before these */
    struct keys *after;  /* and after */
};

struct deletion {
    cz_model *model;
    cz_cond where;
    int64_t removed;
    struct keys *last;
    cz_map seen; /* model and key of every row collected */
};

/* Whether a row is collected for the first time. */
static bool is_new(cz_ctx *ctx, struct deletion *deletion, const cz_row *row)
{
    const cz__column *key = row->model->state->key;
    size_t bytes = CZ__DB_KIND(key->type) == CZ__DB_UUID ? sizeof(cz_uuid) : sizeof(int64_t);
    char name[sizeof(cz_model *) + sizeof(cz_uuid)];
    memcpy(name, &row->model, sizeof row->model);
    memcpy(name + sizeof row->model, cz__row_at(row, key), bytes);
    cz_str whole = cz_str_of(name, sizeof row->model + bytes);
    if (cz_map_get(&deletion->seen, whole))
        return false;
    cz_check(ctx, cz_map_set(&deletion->seen, cz_copy(ctx, whole), row->model));
    return true;
}

/* Collect the rows that match and were not collected yet. */
static void collect(cz_ctx *ctx, struct deletion *deletion, cz_model *model, cz_cond where)
{
    const cz__column *key = model->state->key;
    struct keys keys = { .model = model, .uuid = CZ__DB_KIND(key->type) == CZ__DB_UUID };
    cz_query query = { .model = model, .where = where, .unordered = true };
    struct cz__rows rows = cz__select(ctx, &query);
    if (keys.uuid)
        keys.uuids = cz_array(ctx, cz_uuid, rows.count);
    else
        keys.integers = cz_array(ctx, int64_t, rows.count);
    if (cz__signal_wanted(model, CZ_PRE_DELETE) || cz__signal_wanted(model, CZ_POST_DELETE))
        keys.rows = cz_array(ctx, cz_row *, rows.count);
    for (size_t n = 0; n < rows.count; n++) {
        cz_row *row = (cz_row *)(void *)((char *)rows.items + n * model->row_bytes);
        if (!is_new(ctx, deletion, row))
            continue;
        if (keys.rows)
            keys.rows[keys.count] = row;
        if (keys.uuid)
            keys.uuids[keys.count++] = *(const cz_uuid *)cz__row_at(row, key);
        else
            keys.integers[keys.count++] = *(const int64_t *)cz__row_at(row, key);
    }
    if (!keys.count)
        return;
    struct keys *kept = cz_new(ctx, struct keys);
    *kept = keys;
    kept->before = deletion->last;
    if (deletion->last)
        deletion->last->after = kept;
    deletion->last = kept;
}

/* "column IN (a part of the keys)". */
static cz_cond in_part(cz_ctx *ctx, cz_model *model, cz_str path, const struct keys *keys,
                       size_t from)
{
    size_t count =
        keys->count - from < KEYS_PER_STATEMENT ? keys->count - from : KEYS_PER_STATEMENT;
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *leaf = (struct cz__cond){
        .op = CZ__COND_LEAF, .lookup = CZ_LOOKUP_IN, .model = model, .path = path
    };
    if (keys->uuid) {
        cz_uuid_list *list = cz_new(ctx, cz_uuid_list);
        *list = (cz_uuid_list){ keys->uuids + from, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_UUIDS;
    } else {
        cz_int_list *list = cz_new(ctx, cz_int_list);
        *list = (cz_int_list){ keys->integers + from, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_INTS;
    }
    return leaf;
}

/* What refers to the keys: collected or refused in the first round, set to NULL in the second, when the
 * receivers of CZ_PRE_DELETE have seen everything as it was. */
static void settle_referrer(cz_ctx *ctx, struct deletion *deletion, const struct keys *keys,
                            const struct cz__referrer *referrer, bool second_round)
{
    cz_on_delete rule = referrer->column->field->options.on_delete;
    if (second_round != (rule == CZ_SET_NULL))
        return;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_cond where = in_part(ctx, referrer->model, referrer->column->attribute, keys, from);
        cz_query query = { .model = referrer->model, .where = where, .unordered = true };
        switch (rule) {
        case CZ_PROTECT:
            if (cz__exists(ctx, &query))
                cz_raise(ctx, CZ_EINTEGRITY, "Cannot delete: a %s still refers to this %s.",
                         referrer->model->state->lower_name, keys->model->state->lower_name);
            break;
        case CZ_SET_NULL: {
            struct cz__assign null = { referrer->column->ordinal, CZ__VALUE_NULL, NULL };
            cz_ignore(cz__update(ctx, referrer->model, where, &null, 1) <
                      0); /* counted by nobody */
            break;
        }
        case CZ_CASCADE:
            collect(ctx, deletion, referrer->model, where);
            break;
        case CZ_DO_NOTHING:
            break;
        }
    }
}

/* The links of a many-to-many to the keys, which stand in `side` of its table. */
static int64_t delete_links(cz_ctx *ctx, const struct keys *keys, const char *table,
                            const char *side)
{
    cz__db_session *session = cz__session(ctx);
    int64_t removed = 0;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        size_t count =
            keys->count - from < KEYS_PER_STATEMENT ? keys->count - from : KEYS_PER_STATEMENT;
        cz__db_param *params = cz_array(ctx, cz__db_param, count);
        for (size_t i = 0; i < count; i++)
            params[i] = keys->uuid ? (cz__db_param){ .kind = CZ__PARAM_UUID,
                                                     .type = keys->model->state->key->type,
                                                     .uuid = keys->uuids[from + i] }
                                   : (cz__db_param){ .kind = CZ__PARAM_INT,
                                                     .integer = keys->integers[from + i] };
        cz__db_statement statement = cz__link_delete(ctx, session, table, side, count);
        int64_t rows, last_id;
        cz_error err;
        if (session->db->driver->change(ctx, session, &statement, params, count, &rows, &last_id,
                                        &err))
            cz_raise_error(ctx, &err);
        removed += rows;
    }
    return removed;
}

/* From both sides: the other may not declare its own. */
static int64_t delete_all_links(cz_ctx *ctx, const struct keys *keys)
{
    int64_t removed = 0;
    for (size_t m = 0; m < cz__models_count(); m++) {
        const struct cz__model_state *state = cz__models_at(m)->state;
        for (uint16_t i = 0; i < state->column_count; i++) {
            const cz__column *column = &state->columns[i];
            if (column->field->kind != CZ_KIND_many_to_many)
                continue;
            if (state->model == keys->model)
                removed += delete_links(ctx, keys, column->link_table, column->link_from);
            if (column->field->target == keys->model)
                removed += delete_links(ctx, keys, column->link_table, column->link_to);
        }
    }
    return removed;
}

static int64_t delete_keys(cz_ctx *ctx, const struct keys *keys)
{
    int64_t removed = delete_all_links(ctx, keys);
    cz_str key = keys->model->state->key->attribute;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_query query = { .model = keys->model,
                           .where = in_part(ctx, keys->model, key, keys, from) };
        struct cz__plan_request request = { .kind = CZ__PLAN_DELETE, .query = &query };
        removed += cz__run_change(ctx, &request, NULL);
    }
    return removed;
}

static void settle(cz_ctx *ctx, struct deletion *deletion, const struct keys *keys,
                   bool second_round)
{
    for (; keys; keys = keys->after) { /* which grows meanwhile */
        const struct cz__model_state *state = keys->model->state;
        for (size_t i = 0; i < state->referrer_count; i++)
            settle_referrer(ctx, deletion, keys, &state->referrers[i], second_round);
    }
}

static void tell(cz_ctx *ctx, const struct keys *keys, cz_signal signal)
{
    for (size_t i = 0; keys->rows && i < keys->count; i++)
        cz__signal_row(ctx, signal, keys->rows[i]);
}

static void delete_in_transaction(cz_ctx *ctx, void *arg)
{
    struct deletion *deletion = arg;
    cz_map_init(&deletion->seen, ctx->arena);
    collect(ctx, deletion, deletion->model, deletion->where);
    struct keys *first = deletion->last;
    settle(ctx, deletion, first, false); /* which collects more */
    for (const struct keys *keys = first; keys; keys = keys->after)
        tell(ctx, keys, CZ_PRE_DELETE);
    settle(ctx, deletion, first, true);
    for (const struct keys *keys = deletion->last; keys; keys = keys->before) {
        deletion->removed += delete_keys(ctx, keys);
        tell(ctx, keys, CZ_POST_DELETE);
    }
}

int64_t cz__delete(cz_ctx *ctx, cz_model *model, cz_cond where)
{
    if (!where)
        cz_raise(ctx, CZ_EINVAL, "cz_delete without a condition; CZ_EVERY_ROW means every row");
    struct deletion deletion = { .model = model, .where = where };
    cz_atomic(ctx, delete_in_transaction, &deletion);
    return deletion.removed;
}
