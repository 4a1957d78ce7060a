/* Many rows in one transaction. Where the database has a way to load rows, many are loaded. Else, where a new key comes
 * back by RETURNING, rows are inserted many to a statement, as each statement is a way to the server and back; else
 * each with the same prepared one. */
#include "orm/orm_internal.h"
#include <calzone/bulk.h>

enum {
    ROWS_PER_STATEMENT = 256,
    PARAMETERS_MAX = 30000,
    LOAD_ROWS_MIN =
        512 /* loading asks two questions beforehand; where it begins to pay was not measured */
};

struct bulk {
    struct cz__apart *apart; /* where a statement's parameters are */
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

/* Whether the database itself is to say what a row has in a column. */
static bool is_left_out(const cz_row *row, const cz__column *column)
{
    return column->field->options.db_default.kind &&
           !cz__row_bit(row, CZ__BITS_LOADED, column->ordinal);
}

/* Whether two rows are written in the same columns. */
static bool are_alike(const cz_row *a, const cz_row *b)
{
    const struct cz__model_state *state = a->model->state;
    bool alike = has_key(a) == has_key(b);
    for (uint16_t i = 1; alike && state->db_defaults && i < state->column_count; i++)
        alike = is_left_out(a, &state->columns[i]) == is_left_out(b, &state->columns[i]);
    return alike;
}

/* The columns of rows like this one. */
static void choose_columns(cz_ctx *ctx, struct bulk *bulk, const cz_row *row, bool with_key)
{
    const struct cz__model_state *state = bulk->model->state;
    bulk->columns = cz_array(ctx, const cz__column *, state->column_count);
    bulk->column_count = 0;
    for (uint16_t i = with_key ? 0 : 1; i < state->column_count; i++)
        if (state->columns[i].stored && !is_left_out(row, &state->columns[i]))
            bulk->columns[bulk->column_count++] = &state->columns[i];
}

static cz__db_session *writer_of(cz_ctx *ctx, const struct bulk *bulk)
{
    return cz__session_to_write(ctx, bulk->model, NULL, bulk->database);
}

/* Whether a row that is there already is changed; false: it is left, or an error. */
static bool is_upsert(const struct bulk *bulk)
{
    return bulk->conflict && bulk->conflict->update_count;
}

/* `key`: the one it has now; NULL: the one it brought, or none that is known. */
static void now_stored(cz_ctx *ctx, const struct bulk *bulk, cz_row *row, const void *key)
{
    const cz__column *column = bulk->model->state->key;
    row->maybe_stored = bulk->conflict && !is_upsert(bulk);
    row->maybe_created = is_upsert(bulk);
    row->database = bulk->database ? cz__database_named(ctx, bulk->database) : cz__databases;
    cz__row_is_stored(writer_of(ctx, bulk), row, true);
    size_t words = cz__model_words(row->model);
    memset(cz__row_bits(row, words, CZ__BITS_DIRTY), 0, words * sizeof(uint64_t));
    if (key) {
        memcpy(cz__row_at(row, column), key, cz__column_bytes(column));
        cz__row_bit_set(row, CZ__BITS_LOADED, 0, true);
    }
    cz__row_keep(row);
}

/* Rows on their way in one statement. */
struct part {
    struct bulk *bulk;
    cz_row *const *rows;
    size_t count;
    const int64_t *key; /* of a single row that does not know it yet; NULL: none */
};

static void insert_one(cz_ctx *ctx, struct bulk *bulk, cz_row *row, const int64_t *key)
{
    cz_query query = { .model = bulk->model, .database = bulk->database };
    struct cz__plan_request request = { .kind = CZ__PLAN_INSERT,
                                        .query = &query,
                                        .assigns = bulk->assigns,
                                        .assign_count = bulk->column_count,
                                        .conflict = bulk->conflict };
    assign_row(bulk, row, bulk->assigns);
    if (key)
        bulk->assigns[0] = (struct cz__assign){ 0, CZ__VALUE_I64, key };
    int64_t id;
    int64_t stored = cz__run_change(ctx, &request, &id);
    if (!bulk->conflict)
        cz__check_inserted(ctx, bulk->model, has_key(row) || key, stored);
    bulk->stored += stored;
    if (!key && (stored || bulk->conflict))
        now_stored(ctx, bulk, row, bulk->conflict || has_key(row) ? NULL : &id);
}

static void insert_many(cz_ctx *ctx, void *arg)
{
    const struct part *part = arg;
    struct bulk *bulk = part->bulk;
    cz_query query = { .model = bulk->model, .database = bulk->database };
    struct cz__plan_request request = { .kind = CZ__PLAN_INSERT,
                                        .query = &query,
                                        .assigns = bulk->assigns,
                                        .assign_count = bulk->column_count,
                                        .row_count = part->count,
                                        .conflict = bulk->conflict };
    for (size_t i = 0; i < part->count; i++)
        assign_row(bulk, part->rows[i], bulk->assigns + i * bulk->column_count);
    struct cz__keys keys = cz__run_insert(ctx, &request);
    bulk->stored += (int64_t)keys.count;
    bool leaves_out = bulk->conflict && !is_upsert(bulk);
    if (!leaves_out) /* each row of an INSERT gives one, in the order of its VALUES */
        cz__check_inserted(ctx, bulk->model, false, keys.count == part->count);
    size_t bytes = cz__column_bytes(bulk->model->state->key);
    for (size_t i = 0; i < part->count; i++)
        now_stored(ctx, bulk, part->rows[i], leaves_out ? NULL : keys.items + i * bytes);
}

/* Where the database does not say the keys of several rows in their order: an upsert's is known by RETURNING alone. */
static void insert_each(cz_ctx *ctx, void *arg)
{
    const struct part *part = arg;
    for (size_t i = 0; i < part->count; i++) {
        struct part one = { .bulk = part->bulk, .rows = part->rows + i, .count = 1 };
        if (is_upsert(part->bulk))
            insert_many(ctx, &one);
        else
            insert_one(ctx, part->bulk, part->rows[i], part->key);
    }
}

static size_t rows_per_statement(const struct bulk *bulk)
{
    size_t most = ROWS_PER_STATEMENT;
    while (most > 1 && most * bulk->column_count > PARAMETERS_MAX)
        most /= 2;
    return most;
}

/* Statements of 256, 128, ... rows: few shapes, whatever the number of rows. */
static void insert_run(cz_ctx *ctx, struct bulk *bulk, cz_row *const *rows, size_t count)
{
    size_t most = rows_per_statement(bulk);
    bool many = writer_of(ctx, bulk)->db->driver->features->returning_key;
    bulk->assigns = cz_array(ctx, struct cz__assign, most * bulk->column_count + 1);
    for (size_t done = 0; done < count;) {
        size_t size = most;
        while (size > count - done)
            size /= 2;
        struct part part = { .bulk = bulk, .rows = rows + done, .count = size };
        cz__apart_run(bulk->apart, many ? insert_many : insert_each, &part);
        done += size;
    }
}

/* ---- loading ---- */

struct load {
    const cz__db_driver *driver;
    cz__db_load *handle;
};

static void destroy_load(void *arg)
{
    struct load *load = arg;
    load->driver->load_destroy(load->handle);
}

/* Begin; false: this table has to be inserted into. */
static bool begin_load(cz_ctx *ctx, struct bulk *bulk, size_t count, int64_t *keys,
                       struct load *load)
{
    cz__db_session *session = writer_of(ctx, bulk);
    const char **names = cz_array(ctx, const char *, bulk->column_count);
    cz__db_type *types = cz_array(ctx, cz__db_type, bulk->column_count);
    for (size_t i = 0; i < bulk->column_count; i++) {
        names[i] = bulk->columns[i]->name;
        types[i] = bulk->columns[i]->type;
    }
    struct cz__db_load_table table = { .name = bulk->model->state->table,
                                       .columns = names,
                                       .types = types,
                                       .column_count = bulk->column_count,
                                       .key = keys ? bulk->model->state->key->name : NULL,
                                       .key_count = count,
                                       .keys = keys };
    cz_error err;
    cz_status status = load->driver->load_begin(ctx, session, &table, &load->handle, &err);
    if (status && status != CZ_EUNSUPPORTED)
        cz_raise_error(ctx, &err);
    if (!status)
        cz_defer(ctx, destroy_load, load);
    return !status;
}

static void load_one(cz_ctx *ctx, struct bulk *bulk, struct load *load, cz_row *row,
                     const int64_t *key, cz__db_param *params)
{
    assign_row(bulk, row, bulk->assigns);
    if (key)
        bulk->assigns[0] = (struct cz__assign){ 0, CZ__VALUE_I64, key };
    for (size_t i = 0; i < bulk->column_count; i++) {
        params[i] = cz__param_of(ctx, bulk->columns[i], bulk->assigns[i].value_kind,
                                 bulk->assigns[i].value);
        cz__check_stored(ctx, bulk->columns[i]->type, bulk->columns[i]->field->name, &params[i]);
        if (bulk->columns[i]->type & CZ__DB_SEALED)
            cz__seal_param(ctx, &params[i]);
    }
    cz_error err;
    cz_status status = load->driver->load_row(ctx, load->handle, params, &err);
    if (status == CZ_EUNSUPPORTED) {
        struct part part = { .bulk = bulk, .rows = &row, .count = 1, .key = key };
        cz__apart_run(bulk->apart, insert_each, &part);
    } else if (status) {
        cz_raise_error(ctx, &err);
    } else {
        bulk->stored++;
    }
}

/* Load rows that all have a key, or none of which has one; false: they have to be inserted. */
static bool load_run(cz_ctx *ctx, struct bulk *bulk, cz_row *const *rows, size_t count)
{
    const cz__column *key = bulk->model->state->key;
    struct load *load = cz_new(ctx, struct load);
    load->driver = writer_of(ctx, bulk)->db->driver;
    bool given = has_key(rows[0]);
    if (!load->driver->load_begin || bulk->conflict || count < LOAD_ROWS_MIN ||
        (!given && key->type != CZ__DB_INT64))
        return false;
    int64_t *keys = given ? NULL : cz_array(ctx, int64_t, count);
    choose_columns(ctx, bulk, rows[0], true);
    if (!begin_load(ctx, bulk, count, keys, load))
        return false;
    cz__watch_change(ctx, bulk->model);
    bulk->assigns = cz_array(ctx, struct cz__assign, bulk->column_count);
    cz__db_param *params = cz_array(ctx, cz__db_param, bulk->column_count);
    for (size_t i = 0; i < count; i++)
        load_one(ctx, bulk, load, rows[i], keys ? &keys[i] : NULL, params);
    cz_error err;
    if (load->driver->load_end(ctx, load->handle, &err))
        cz_raise_error(ctx, &err);
    cz__tell_change(ctx, writer_of(ctx, bulk), bulk->model);
    for (size_t i = 0; i < count; i++)
        now_stored(ctx, bulk, rows[i], keys ? &keys[i] : NULL);
    return true;
}

static void create_in_transaction(cz_ctx *ctx, void *arg)
{
    struct bulk *bulk = arg;
    for (size_t from = 0; from < bulk->count;) { /* runs of rows with a key, or without */
        size_t to = from;
        while (to < bulk->count && are_alike(bulk->rows[to], bulk->rows[from]))
            to++;
        if (!load_run(ctx, bulk, bulk->rows + from, to - from)) {
            choose_columns(ctx, bulk, bulk->rows[from], has_key(bulk->rows[from]));
            if (!bulk->column_count)
                cz_raise(ctx, CZ_EINVAL, "%s has no columns to write", bulk->model->name);
            insert_run(ctx, bulk, bulk->rows + from, to - from);
        }
        from = to;
    }
}

static void check_rows(cz_ctx *ctx, const cz_model *model, cz_row *const *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!rows[i] || !cz__same_table(rows[i]->model, model))
            cz_raise(ctx, CZ_EINVAL, "row %zu of a bulk call is no %s", i, model->name);
        else if (rows[i]->pending)
            cz_raise(
                ctx, CZ_EINVAL,
                "row %zu of a bulk call came with links or rows of others, which cz_save() stores",
                i);
}

static const cz__column *own_column(cz_ctx *ctx, const cz_model *model, cz_str name)
{
    const cz__column *column = cz__column_find(model, name);
    if (!column || !column->stored)
        cz_raise(ctx, CZ_EINVAL, "\"%.*s\" is no column of %s", CZ_STR_ARG(name), model->name);
    return column;
}

/* ---- unique rules ---- */

static bool is_rule_over(const cz_model *model, const cz_fields *rule, const cz_fields *fields)
{
    if (!fields->count || rule->count != fields->count)
        return false;
    for (size_t i = 0; i < rule->count; i++) {
        bool found = false;
        for (size_t f = 0; f < fields->count && !found; f++)
            found =
                cz__column_find(model, rule->items[i]) == cz__column_find(model, fields->items[f]);
        if (!found)
            return false;
    }
    return true;
}

/* Whether no two rows at all may be equal in these fields. */
static bool are_unique(const cz_model *model, const cz_fields *fields)
{
    const cz_constraint_list *constraints = &model->meta.constraints;
    const cz__column *first = cz__column_find(model, fields->items[0]);
    if (fields->count == 1 && (first->ordinal == 0 || first->field->options.unique ||
                               first->field->kind == CZ_KIND_one_to_one))
        return true;
    for (size_t i = 0; i < constraints->count; i++)
        if (!constraints->items[i].condition &&
            is_rule_over(model, &constraints->items[i].unique, fields))
            return true;
    return is_rule_over(model, &model->meta.unique_together, fields);
}

static cz_str listed(cz_ctx *ctx, const cz_fields *fields)
{
    cz_str text = fields->items[0];
    for (size_t i = 1; i < fields->count; i++)
        text = cz_format(ctx, "%.*s, %.*s", CZ_STR_ARG(text), CZ_STR_ARG(fields->items[i]));
    return text;
}

/* The condition of the rule over these fields; NULL: it is about all rows. Two rules over the same fields cannot be told
 * apart by what a call says. */
static const char *condition_of(cz_ctx *ctx, const cz_model *asked, const cz_fields *fields)
{
    const cz_model *model = asked->state->concrete; /* a proxy has no rules of its own */
    const cz_constraint_list *constraints = &model->meta.constraints;
    if (are_unique(model, fields))
        return NULL;
    const char *condition = NULL;
    for (size_t i = 0; i < constraints->count; i++) {
        const cz_constraint *rule = &constraints->items[i];
        if (!is_rule_over(model, &rule->unique, fields))
            continue;
        if (condition && strcmp(condition, rule->condition) != 0)
            cz_raise(ctx, CZ_EINVAL, "%s has several unique rules over %.*s, of different rows",
                     asked->name, CZ_STR_ARG(listed(ctx, fields)));
        condition = rule->condition;
    }
    if (!condition && !model->meta.unmanaged) /* somebody else's table may have rules of its own */
        cz_raise(ctx, CZ_EINVAL, "%s has no unique rule over %.*s", asked->name,
                 CZ_STR_ARG(listed(ctx, fields)));
    return condition;
}

/* What is to be done about rows that are there already; without columns to update: they are left. */
static struct cz__conflict conflict_of(cz_ctx *ctx, const cz_model *model,
                                       const cz_bulk_options *options)
{
    if (options->update.count && (options->ignore_conflicts || !options->unique.count))
        cz_raise(ctx, CZ_EINVAL,
                 ".update needs the fields that make a row the same in .unique, and no "
                 ".ignore_conflicts");
    if (options->unique.count && !options->update.count && !options->ignore_conflicts)
        cz_raise(ctx, CZ_EINVAL, ".unique is for .update or .ignore_conflicts");
    uint16_t *update = cz_array(ctx, uint16_t, options->update.count + 1);
    for (size_t i = 0; i < options->update.count; i++)
        update[i] = own_column(ctx, model, options->update.items[i])->ordinal;
    struct cz__conflict conflict = { .unique = options->unique,
                                     .update = update,
                                     .update_count = options->update.count };
    for (size_t i = 0; i < options->unique.count; i++)
        cz_ignore(own_column(ctx, model, options->unique.items[i])); /* it is one */
    if (options->unique.count)
        conflict.condition = condition_of(ctx, model, &options->unique);
    return conflict;
}

int64_t cz__bulk_create(cz_ctx *ctx, cz_model *model, cz_row *const *rows, size_t count,
                        const cz_bulk_options *options)
{
    check_rows(ctx, model, rows, count);
    for (size_t i = 0; i < count; i++)
        if (!has_key(rows[i])) /* of one that was read, all that it holds is written */
            cz__row_check_assigned(ctx, rows[i]);
    struct cz__conflict conflict = conflict_of(ctx, model, options);
    struct bulk bulk = { .model = model, .rows = rows, .count = count };
    if (options->ignore_conflicts || options->update.count)
        bulk.conflict = &conflict;
    if (!count)
        return 0;
    bulk.database = cz__alias_of(ctx, model, NULL, options->database, true);
    bulk.apart = cz__apart_create(ctx);
    cz__atomic_in(ctx, writer_of(ctx, &bulk), create_in_transaction, &bulk);
    cz__apart_done(bulk.apart);
    return bulk.stored;
}

/* ---- changing ---- */

/* One statement for rows whose keys differ. The first column is the key. */
static void update_many(cz_ctx *ctx, void *arg)
{
    const struct part *part = arg;
    struct bulk *bulk = part->bulk;
    cz_query query = { .model = bulk->model,
                       .database = bulk->database,
                       .manager = &cz_base_manager };
    struct cz__plan_request request = { .kind = CZ__PLAN_UPDATE,
                                        .query = &query,
                                        .assigns = bulk->assigns,
                                        .assign_count = bulk->column_count,
                                        .row_count = part->count };
    for (size_t i = 0; i < part->count; i++)
        assign_row(bulk, part->rows[i], bulk->assigns + i * bulk->column_count);
    bulk->stored += cz__run_change(ctx, &request, NULL);
}

static uint64_t key_number(const cz_row *row)
{
    const cz__column *key = row->model->state->key;
    uint64_t halves[2] = { 0 };
    memcpy(halves, cz__row_at(row, key), cz__column_bytes(key));
    return (halves[0] ^ halves[1]) * UINT64_C(0x9e3779b97f4a7c15);
}

/* How many rows from the first on have keys of their own, up to `most`. Of two with one key the later would have
 * to come after the other, and a statement has no order. */
static size_t count_distinct(cz_row *const *rows, size_t most)
{
    enum { PLACES = ROWS_PER_STATEMENT * 2 }; /* a power of two: half of it stays free */
    uint16_t places[PLACES] = { 0 };          /* a row's number, from 1 on */
    const cz__column *key = rows[0]->model->state->key;
    for (size_t i = 0; i < most; i++) {
        size_t at = key_number(rows[i]) >> 32 & (PLACES - 1);
        for (; places[at]; at = (at + 1) & (PLACES - 1))
            if (!memcmp(cz__row_at(rows[places[at] - 1], key), cz__row_at(rows[i], key),
                        cz__column_bytes(key)))
                return i;
        places[at] = (uint16_t)(i + 1);
    }
    return most;
}

static void update_in_transaction(cz_ctx *ctx, void *arg)
{
    struct bulk *bulk = arg;
    size_t most = rows_per_statement(bulk);
    bulk->assigns = cz_array(ctx, struct cz__assign, most * bulk->column_count);
    for (size_t done = 0; done < bulk->count;) {
        cz_row *const *rows = bulk->rows + done;
        size_t left = bulk->count - done, size = most;
        left = count_distinct(rows, left < most ? left : most);
        while (size > left)
            size /= 2;
        struct part part = { .bulk = bulk, .rows = rows, .count = size };
        cz__apart_run(bulk->apart, update_many, &part);
        done += size;
    }
}

int64_t cz__bulk_update(cz_ctx *ctx, cz_model *model, cz_row *const *rows, size_t count,
                        const cz_fields *fields)
{
    check_rows(ctx, model, rows, count);
    struct bulk bulk = { .model = model, .rows = rows, .count = count };
    bulk.columns = cz_array(ctx, const cz__column *, fields->count + 1);
    bulk.columns[bulk.column_count++] = model->state->key;
    for (size_t i = 0; i < fields->count; i++) {
        const cz__column *column = own_column(ctx, model, fields->items[i]);
        if (column->ordinal == 0)
            cz_raise(ctx, CZ_EINVAL, "the key of a row cannot change");
        bulk.columns[bulk.column_count++] = column;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < bulk.column_count; f++)
            if (!cz__row_bit(rows[i], CZ__BITS_LOADED, bulk.columns[f]->ordinal))
                cz_raise(ctx, CZ_EINVAL,
                         f ? "row %zu of a bulk update has no \"%s\": it was neither read nor set"
                           : "row %zu of a bulk update is not stored",
                         i, bulk.columns[f]->field->name);
    for (size_t i = 1; i < count; i++)
        if (rows[i]->database && rows[0]->database && rows[i]->database != rows[0]->database)
            cz_raise(ctx, CZ_EINVAL, "row %zu of a bulk update is in another database", i);
    if (!count || !fields->count)
        return 0;
    bulk.database = cz__alias_of(ctx, model, rows[0], NULL, true);
    bulk.apart = cz__apart_create(ctx);
    cz__atomic_in(ctx, writer_of(ctx, &bulk), update_in_transaction, &bulk);
    cz__apart_done(bulk.apart);
    for (size_t i = 0; i < count; i++)
        for (size_t f = 1; f < bulk.column_count; f++) {
            cz__row_bit_set(rows[i], CZ__BITS_DIRTY, bulk.columns[f]->ordinal, false);
            cz__row_keep_member(rows[i], bulk.columns[f]);
        }
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
        if (model->state->columns[pair->field].type & CZ__DB_SEALED)
            cz_raise(ctx, CZ_EINVAL, "\"%s\" is encrypted: no row is found by it",
                     model->fields[pair->field].name);
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
