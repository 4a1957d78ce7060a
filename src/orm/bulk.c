/* Many rows in one transaction. Where a new key comes back by RETURNING, rows are inserted many to a statement,
 * as each statement is a way to the server and back; else each with the same prepared one. */
#include "orm/orm_internal.h"
#include <calzone/bulk.h>

enum { ROWS_PER_STATEMENT = 256, PARAMETERS_MAX = 30000 };

struct bulk {
    cz_model *model;
    const char *database; /* NULL: there is nothing to choose */
    cz_row *const *rows;
    size_t count;
    const struct cz__conflict *conflict;
    const cz__column **columns; /* written: all that are stored, the key when it is set */
    size_t column_count;
    struct cz__assign *assigns;
    int64_t stored;
};

static void assign_row(const struct bulk *bulk, const cz_row *row, struct cz__assign *out)
{
    for (size_t i = 0; i < bulk->column_count; i++) {
        const cz__column *column = bulk->columns[i];
        bool null = cz__row_bit(row, CZ__BITS_NULL, column->ordinal) ||
                    !cz__row_bit(row, CZ__BITS_LOADED, column->ordinal);
        out[i] = (struct cz__assign){ column->ordinal,
                                      null ? (uint8_t)CZ__VALUE_NULL : cz__value_kind_of(column),
                                      cz__row_at(row, column) };
    }
}

static bool has_key(const cz_row *row)
{
    return cz__row_bit(row, CZ__BITS_LOADED, 0);
}

/* The columns of rows whose key is set, or is not. */
static void choose_columns(cz_ctx *ctx, struct bulk *bulk, bool with_key)
{
    const struct cz__model_state *state = bulk->model->state;
    bulk->columns = cz_array(ctx, const cz__column *, state->column_count);
    bulk->column_count = 0;
    for (uint16_t i = with_key ? 0 : 1; i < state->column_count; i++)
        if (state->columns[i].stored)
            bulk->columns[bulk->column_count++] = &state->columns[i];
}

static void now_stored(cz_ctx *ctx, const struct bulk *bulk, cz_row *row, const int64_t *id)
{
    const cz__column *key = bulk->model->state->key;
    row->database = bulk->database ? cz__database_named(ctx, bulk->database) : cz__databases;
    size_t words = cz__model_words(row->model);
    memset(cz__row_bits(row, words, CZ__BITS_DIRTY), 0, words * sizeof(uint64_t));
    if (id && key->type == CZ__DB_INT64) {
        *(int64_t *)cz__row_at(row, key) = *id;
        cz__row_bit_set(row, CZ__BITS_LOADED, 0, true);
    }
}

static void insert_one(cz_ctx *ctx, struct bulk *bulk, cz_row *row)
{
    cz_query query = { .model = bulk->model, .database = bulk->database };
    struct cz__plan_request request = { .kind = CZ__PLAN_INSERT,
                                        .query = &query,
                                        .assigns = bulk->assigns,
                                        .assign_count = bulk->column_count,
                                        .conflict = bulk->conflict };
    assign_row(bulk, row, bulk->assigns);
    int64_t id;
    int64_t stored = cz__run_change(ctx, &request, &id);
    bulk->stored += stored;
    if (!bulk->conflict && stored)
        now_stored(ctx, bulk, row, has_key(row) ? NULL : &id);
}

static void insert_many(cz_ctx *ctx, struct bulk *bulk, cz_row *const *rows, size_t count)
{
    cz_query query = { .model = bulk->model, .database = bulk->database };
    struct cz__plan_request request = { .kind = CZ__PLAN_INSERT,
                                        .query = &query,
                                        .assigns = bulk->assigns,
                                        .assign_count = bulk->column_count,
                                        .row_count = count,
                                        .conflict = bulk->conflict };
    for (size_t i = 0; i < count; i++)
        assign_row(bulk, rows[i], bulk->assigns + i * bulk->column_count);
    struct cz__keys keys = cz__run_insert(ctx, &request);
    bulk->stored += (int64_t)keys.count;
    if (bulk->conflict)
        return;
    cz_assert(keys.count ==
              count); /* each row of an INSERT gives one, in the order of its VALUES */
    for (size_t i = 0; i < count; i++)
        now_stored(ctx, bulk, rows[i], has_key(rows[i]) ? NULL : &keys.integers[i]);
}

/* Statements of 256, 128, ... rows: few shapes, whatever the number of rows. */
static void insert_run(cz_ctx *ctx, struct bulk *bulk, cz_row *const *rows, size_t count)
{
    size_t most = ROWS_PER_STATEMENT;
    while (most > 1 && most * bulk->column_count > PARAMETERS_MAX)
        most /= 2;
    bulk->assigns = cz_array(ctx, struct cz__assign, most * bulk->column_count + 1);
    cz__db_session *session = cz__session_to_write(ctx, bulk->model, NULL, bulk->database);
    if (!session->db->driver->features->returning_key) {
        for (size_t i = 0; i < count; i++)
            insert_one(ctx, bulk, rows[i]);
        return;
    }
    for (size_t done = 0; done < count;) {
        size_t part = most;
        while (part > count - done)
            part /= 2;
        insert_many(ctx, bulk, rows + done, part);
        done += part;
    }
}

static void create_in_transaction(cz_ctx *ctx, void *arg)
{
    struct bulk *bulk = arg;
    for (size_t from = 0; from < bulk->count;) { /* runs of rows with a key, or without */
        size_t to = from;
        while (to < bulk->count && has_key(bulk->rows[to]) == has_key(bulk->rows[from]))
            to++;
        choose_columns(ctx, bulk, has_key(bulk->rows[from]));
        if (!bulk->column_count)
            cz_raise(ctx, CZ_EINVAL, "%s has no columns to write", bulk->model->name);
        insert_run(ctx, bulk, bulk->rows + from, to - from);
        from = to;
    }
}

static void check_rows(cz_ctx *ctx, const cz_model *model, cz_row *const *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rows[i] || rows[i]->model != model)
            cz_raise(ctx, CZ_EINVAL, "row %zu of a bulk call is no %s", i, model->name);
}

static const cz__column *own_column(cz_ctx *ctx, const cz_model *model, cz_str name)
{
    const cz__column *column = cz__column_find(model, name);
    if (!column || !column->stored)
        cz_raise(ctx, CZ_EINVAL, "\"%.*s\" is no column of %s", CZ_STR_ARG(name), model->name);
    return column;
}

int64_t cz__bulk_create(cz_ctx *ctx, cz_model *model, cz_row *const *rows, size_t count,
                        const cz_bulk_options *options)
{
    check_rows(ctx, model, rows, count);
    if (options->update.count && (options->ignore_conflicts || !options->unique.count))
        cz_raise(ctx, CZ_EINVAL,
                 ".update needs the fields that make a row the same in .unique, and no "
                 ".ignore_conflicts");
    struct bulk bulk = { .model = model, .rows = rows, .count = count };
    uint16_t *update = cz_array(ctx, uint16_t, options->update.count + 1);
    for (size_t i = 0; i < options->update.count; i++)
        update[i] = own_column(ctx, model, options->update.items[i])->ordinal;
    struct cz__conflict conflict = { options->unique, update, options->update.count };
    if (options->ignore_conflicts || options->update.count)
        bulk.conflict = &conflict;
    bulk.database = cz__alias_of(ctx, model, NULL, options->database, true);
    if (count)
        cz__atomic_in(ctx, cz__session_to_write(ctx, model, NULL, bulk.database),
                      create_in_transaction, &bulk);
    return bulk.stored;
}

/* ---- changing ---- */

static void update_in_transaction(cz_ctx *ctx, void *arg)
{
    struct bulk *bulk = arg;
    for (size_t i = 0; i < bulk->count; i++) {
        const cz_row *row = bulk->rows[i];
        const cz__column *key = bulk->model->state->key;
        struct cz__cond where = { .op = CZ__COND_LEAF,
                                  .lookup = CZ_LOOKUP_EXACT,
                                  .model = bulk->model,
                                  .path = key->attribute,
                                  .value_kind = cz__value_kind_of(key),
                                  .value = cz__row_at(row, key) };
        assign_row(bulk, row, bulk->assigns);
        cz_query query = { .model = bulk->model,
                           .where = &where,
                           .manager = &cz_base_manager,
                           .database = bulk->database };
        bulk->stored += cz__update(ctx, &query, bulk->assigns, bulk->column_count);
    }
}

int64_t cz__bulk_update(cz_ctx *ctx, cz_model *model, cz_row *const *rows, size_t count,
                        const cz_fields *fields)
{
    check_rows(ctx, model, rows, count);
    struct bulk bulk = { .model = model, .rows = rows, .count = count };
    bulk.columns = cz_array(ctx, const cz__column *, fields->count);
    bulk.assigns = cz_array(ctx, struct cz__assign, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        bulk.columns[bulk.column_count++] = own_column(ctx, model, fields->items[i]);
        if (bulk.columns[i]->ordinal == 0)
            cz_raise(ctx, CZ_EINVAL, "the key of a row cannot change");
    }
    for (size_t i = 0; i < count; i++)
        if (!has_key(rows[i]))
            cz_raise(ctx, CZ_EINVAL, "row %zu of a bulk update is not stored", i);
    for (size_t i = 1; i < count; i++)
        if (rows[i]->database && rows[0]->database && rows[i]->database != rows[0]->database)
            cz_raise(ctx, CZ_EINVAL, "row %zu of a bulk update is in another database", i);
    bulk.database = cz__alias_of(ctx, model, count ? rows[0] : NULL, NULL, true);
    if (count)
        cz__atomic_in(ctx, cz__session_to_write(ctx, model, NULL, bulk.database),
                      update_in_transaction, &bulk);
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < bulk.column_count; f++)
            cz__row_bit_set(rows[i], CZ__BITS_DIRTY, bulk.columns[f]->ordinal, false);
    return bulk.stored;
}

/* ---- rows that may be there ---- */

struct wanted {
    cz_model *model;
    const char *database; /* NULL: there is nothing to choose */
    cz_pairs match, defaults;
    bool update, created;
    cz_row *row;
};

cz_cond cz__pairs_cond(cz_ctx *ctx, const cz_model *model, cz_pairs pairs)
{
    struct cz__cond *leaves = cz_array(ctx, struct cz__cond, pairs.count + 1);
    cz_cond *conds = cz_array(ctx, cz_cond, pairs.count + 1);
    for (size_t i = 0; i < pairs.count; i++) {
        const struct cz__assign *pair = &pairs.items[i];
        leaves[i] = (struct cz__cond){
            .op = CZ__COND_LEAF,
            .lookup = CZ_LOOKUP_EXACT,
            .model = model,
            .path = model->state->columns[pair->field].attribute,
            .value_kind = pair->value_kind,
            .value = pair->value,
        };
        conds[i] = &leaves[i];
    }
    return cz_cond_all(ctx, conds, pairs.count);
}

static cz_row *find(cz_ctx *ctx, const struct wanted *wanted)
{
    cz_query query = { .model = wanted->model,
                       .where = cz__pairs_cond(ctx, wanted->model, wanted->match),
                       .limit = 2,
                       .unordered = true,
                       .database = wanted->database,
                       .lock = wanted->update ? CZ_FOR_UPDATE : CZ_NO_LOCK };
    struct cz__rows found = cz__select(ctx, &query);
    if (found.count > 1)
        cz_raise(ctx, CZ_EMULTIPLE, "more than one %s matches the given query",
                 wanted->model->name);
    return found.count ? found.items : NULL;
}

static void create_wanted(cz_ctx *ctx, void *arg)
{
    struct wanted *wanted = arg;
    size_t count = wanted->match.count + wanted->defaults.count;
    struct cz__assign *all = cz_array(ctx, struct cz__assign, count + 1);
    if (wanted->match.count)
        memcpy(all, wanted->match.items, wanted->match.count * sizeof *all);
    if (wanted->defaults.count)
        memcpy(all + wanted->match.count, wanted->defaults.items,
               wanted->defaults.count * sizeof *all);
    wanted->row = cz__create(ctx, wanted->database, wanted->model, all, count);
    wanted->created = true;
}

static void create_apart(cz_ctx *ctx, void *arg)
{
    const struct wanted *wanted = arg;
    cz__atomic_in(ctx, cz__session_to_write(ctx, wanted->model, NULL, wanted->database),
                  create_wanted, arg);
}

static void find_or_create(cz_ctx *ctx, void *arg)
{
    struct wanted *wanted = arg;
    wanted->row = find(ctx, wanted);
    if (!wanted->row) {
        cz_error err;
        cz_status status = cz_try(ctx, create_apart, wanted, &err);
        if (status && status != CZ_EINTEGRITY)
            cz_raise_error(ctx, &err);
        if (status && !(wanted->row = find(ctx, wanted)))
            cz_raise_error(ctx, &err); /* it was about something else */
    }
    if (wanted->created || !wanted->update)
        return;
    for (size_t i = 0; i < wanted->defaults.count; i++)
        cz__row_assign(ctx, wanted->row, &wanted->defaults.items[i]);
    cz__save(ctx, wanted->row);
}

void *cz__get_or_create(cz_ctx *ctx, cz_model *model, cz_pairs match, cz_pairs defaults,
                        bool update, bool *out_created)
{
    return cz__get_or_create_on(ctx, NULL, model, match, defaults, update, out_created);
}

void *cz__get_or_create_on(cz_ctx *ctx, const char *database, cz_model *model, cz_pairs match,
                           cz_pairs defaults, bool update, bool *out_created)
{
    if (!match.count)
        cz_raise(ctx, CZ_EINVAL, "get_or_create without anything to match a %s by", model->name);
    struct wanted wanted = {
        .model = model, .match = match, .defaults = defaults, .update = update
    };
    wanted.database = cz__alias_of(ctx, model, NULL, database, true);
    if (update)
        cz__atomic_in(ctx, cz__session_to_write(ctx, model, NULL, wanted.database), find_or_create,
                      &wanted);
    else
        find_or_create(ctx, &wanted);
    if (out_created)
        *out_created = wanted.created;
    return wanted.row;
}
