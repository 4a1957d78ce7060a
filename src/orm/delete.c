/* Deleting, with what on_delete says of the rows that refer to those deleted.
 *
 * Done here rather than by the database, as Django does, so the rules are the same everywhere and a
 * protected row is named. All of it is one transaction: first the keys to go are read, then every
 * referrer is asked (PROTECT), changed (SET_NULL) or deleted in turn (CASCADE), then the rows go. */
#include "orm/orm_internal.h"

enum { KEYS_PER_STATEMENT = 500, CASCADE_DEPTH_MAX = 32 };

struct keys { /* of rows of one model, as a counted list of its key's type */
    cz_model *model;
    bool uuid;
    int64_t *integers;
    cz_uuid *uuids;
    size_t count;
};

struct deletion {
    cz_model *model;
    cz_cond where;
    int64_t removed;
};

static struct keys read_keys(cz_ctx *ctx, cz_model *model, cz_cond where)
{
    const cz__column *key = model->state->key;
    struct keys keys = { .model = model, .uuid = key->type == CZ__DB_UUID };
    cz_query query = { .model = model, .where = where, .unordered = true };
    struct cz__rows rows = cz__select(ctx, &query);
    if (keys.uuid)
        keys.uuids = cz_array(ctx, cz_uuid, rows.count);
    else
        keys.integers = cz_array(ctx, int64_t, rows.count);
    for (size_t n = 0; n < rows.count; n++) {
        const cz_row *row = (const cz_row *)(void *)((char *)rows.items + n * model->row_bytes);
        if (keys.uuid)
            keys.uuids[n] = *(const cz_uuid *)cz__row_at(row, key);
        else
            keys.integers[n] = *(const int64_t *)cz__row_at(row, key);
    }
    keys.count = rows.count;
    return keys;
}

/* "column IN (a part of the keys)". */
static cz_cond in_part(cz_ctx *ctx, cz_model *model, cz_str path, const struct keys *keys, size_t from)
{
    size_t count = keys->count - from < KEYS_PER_STATEMENT ? keys->count - from : KEYS_PER_STATEMENT;
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *leaf = (struct cz__cond){ .op = CZ__COND_LEAF, .lookup = CZ_LOOKUP_IN, .model = model, .path = path };
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

static int64_t delete_keys(cz_ctx *ctx, const struct keys *keys, unsigned depth);

static int64_t settle_referrer(cz_ctx *ctx, const struct keys *keys, const struct cz__referrer *referrer,
                               unsigned depth)
{
    cz_on_delete rule = referrer->column->field->options.on_delete;
    int64_t removed = 0;
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
            cz_ignore(cz__update(ctx, referrer->model, where, &null, 1) < 0); /* counted by nobody */
            break;
        }
        case CZ_CASCADE: {
            struct keys dependents = read_keys(ctx, referrer->model, where);
            removed += delete_keys(ctx, &dependents, depth + 1);
            break;
        }
        case CZ_DO_NOTHING:
            break;
        }
    }
    return removed;
}

static int64_t delete_keys(cz_ctx *ctx, const struct keys *keys, unsigned depth)
{
    if (keys->count == 0)
        return 0;
    if (depth > CASCADE_DEPTH_MAX)
        cz_raise(ctx, CZ_EINVAL, "a delete cascades over more than %d models", CASCADE_DEPTH_MAX);
    int64_t removed = 0;
    const struct cz__model_state *state = keys->model->state;
    for (size_t i = 0; i < state->referrer_count; i++)
        removed += settle_referrer(ctx, keys, &state->referrers[i], depth);
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_query query = { .model = keys->model,
                           .where = in_part(ctx, keys->model, state->key->attribute, keys, from) };
        struct cz__plan_request request = { .kind = CZ__PLAN_DELETE, .query = &query };
        removed += cz__run_change(ctx, &request, NULL);
    }
    return removed;
}

static void delete_in_transaction(cz_ctx *ctx, void *arg)
{
    struct deletion *deletion = arg;
    struct keys keys = read_keys(ctx, deletion->model, deletion->where);
    deletion->removed = delete_keys(ctx, &keys, 0);
}

int64_t cz__delete(cz_ctx *ctx, cz_model *model, cz_cond where)
{
    if (!where)
        cz_raise(ctx, CZ_EINVAL, "cz_delete without a condition; CZ_EVERY_ROW means every row");
    struct deletion deletion = { .model = model, .where = where };
    cz_atomic(ctx, delete_in_transaction, &deletion);
    return deletion.removed;
}
