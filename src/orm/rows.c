/* Creating, changing and saving rows. */
#include "orm/orm_internal.h"

/* ---- members ---- */

void cz__row_assign(cz_ctx *ctx, cz_row *row, const struct cz__assign *assign)
{
    const cz__column *column = &row->model->state->columns[assign->field];
    if (!column->stored)
        cz_raise(ctx, CZ_EINVAL, "%s.%s has no column to set", row->model->name,
                 column->field->name);
    cz__db_param param = cz__param_of(ctx, column, assign->value_kind, assign->value);
    cz__row_store(ctx, row, column, &param);
}

cz__db_param cz__tagged_param(cz_ctx *ctx, const cz__column *column, const cz_tagged *tagged)
{
    char value[sizeof(cz_decimal)] __attribute__((aligned(16))); /* the largest member */
    switch (tagged->kind) {
    case CZ__TAG_INT:
    case CZ__TAG_BOOL:
        return cz__param_of(ctx, column, CZ__VALUE_I64, &tagged->integer);
    case CZ__TAG_REAL:
        return cz__param_of(ctx, column, CZ__VALUE_DOUBLE, &tagged->real);
    case CZ__TAG_TEXT:
        cz_check(ctx, cz__value_from_text(column, cz_str_from(tagged->text), value, NULL));
        return cz__param_of(ctx, column, cz__value_kind_of(column), value);
    default:
        return (cz__db_param){ .kind = CZ__PARAM_NULL };
    }
}

bool cz__default_of(cz_ctx *ctx, const cz__column *column, cz__db_param *out)
{
    char value[sizeof(cz_decimal)] __attribute__((aligned(16))); /* the largest member */
    const cz_field_options *options = &column->field->options;
    *out = (cz__db_param){ .kind = CZ__PARAM_NULL };
    if (options->auto_now || options->auto_now_add) {
        *out = (cz__db_param){ .kind = CZ__PARAM_DATETIME, .integer = cz_now().us };
        return true;
    }
    if (options->auto_actor || options->auto_actor_add) {
        *out = (cz__db_param){ .kind = CZ__PARAM_TEXT, .text = ctx->actor };
        return true;
    }
    if (options->default_.kind) {
        *out = cz__tagged_param(ctx, column, &options->default_);
        return true;
    }
    if (options->default_function) {
        options->default_function(value);
        *out = cz__param_of(ctx, column, cz__value_kind_of(column), value);
        return true;
    }
    if (options->db_default.kind)
        return false; /* the database's */
    if (column->null || column->upload)
        return true;
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (options->blank && (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST)) {
        out->kind = kind == CZ__DB_INT_LIST ? CZ__PARAM_INT_LIST : CZ__PARAM_TEXT_LIST;
        return true; /* empty */
    }
    if (kind == CZ__DB_TEXT) { /* Django's CharField: "" */
        *out = (cz__db_param){ .kind = CZ__PARAM_TEXT };
        return true;
    }
    if (kind == CZ__DB_UUID && column->ordinal == 0) {
        *out = (cz__db_param){ .kind = CZ__PARAM_UUID, .type = column->type, .uuid = cz_uuid_v7() };
        return true;
    }
    return false;
}

static cz_row *make_row(cz_ctx *ctx, cz_model *model)
{
    if (cz__signal_wanted(model, CZ_PRE_INIT))
        cz__signal_send(ctx, &(const cz_event){ .signal = CZ_PRE_INIT, .model = model });
    bool keeps = cz__rows_kept && !model->record;
    cz_row *row = cz_alloc_zero(ctx, keeps ? 2 : 1, model->row_bytes);
    row->model = model;
    row->kept = keeps ? (char *)row + model->row_bytes : NULL; /* zeros: what is set is marked */
    for (uint16_t i = 0; i < model->state->column_count; i++) {
        const cz__column *column = &model->state->columns[i];
        cz__db_param param;
        if (column->stored && cz__default_of(ctx, column, &param))
            cz__row_store(ctx, row, column, &param);
    }
    return row;
}

cz_row *cz__row_made(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns, size_t count)
{
    cz_row *row = make_row(ctx, model);
    for (size_t i = 0; i < count; i++)
        cz__row_assign(ctx, row, &assigns[i]);
    cz__signal_row(ctx, CZ_POST_INIT, row);
    return row;
}

void *cz__row_new(cz_ctx *ctx, cz_model *model)
{
    if (model->record)
        cz_ignore(!cz__record_state(ctx, model)); /* made, or it raises */
    return cz__row_made(ctx, model, NULL, 0);
}

/* ---- writing ---- */

int64_t cz__run_change(cz_ctx *ctx, const struct cz__plan_request *request, int64_t *out_last_id)
{
    const cz_query *query = request->query;
    cz__db_session *session = cz__session_to_write(ctx, query->model, NULL, query->database);
    struct cz__shape shape;
    const struct cz__plan *plan = cz__plan_for(ctx, session, request, &shape);
    cz__db_param *params = cz__plan_params(ctx, plan, &shape, request->query);
    int64_t rows = 0, last_id = 0;
    cz_error err;
    cz__watch_change(ctx, request->query->model);
    if (session->db->driver->change(ctx, session, &plan->statement, params, plan->slot_count, &rows,
                                    &last_id, &err))
        cz__raise_refused(ctx, query, plan, params, &err);
    if (out_last_id)
        *out_last_id = last_id;
    cz__tell_change(ctx, session, query->model);
    return rows;
}

/* The dirty members of a row as assignments. */
static size_t dirty_assigns(const cz_row *row, struct cz__assign *out)
{
    size_t count = 0;
    for (uint16_t i = 0; i < row->model->state->column_count; i++) {
        const cz__column *column = &row->model->state->columns[i];
        if (!column->stored || !cz__row_bit(row, CZ__BITS_DIRTY, i))
            continue;
        bool null = cz__row_bit(row, CZ__BITS_NULL, i);
        out[count++] =
            (struct cz__assign){ i, null ? (uint8_t)CZ__VALUE_NULL : cz__value_kind_of(column),
                                 cz__row_at(row, column) };
    }
    return count;
}

cz_cond cz__cond_column(cz_ctx *ctx, cz_model *model, const cz__column *column, const void *value)
{
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *leaf = (struct cz__cond){ .op = CZ__COND_LEAF,
                               .lookup = CZ_LOOKUP_EXACT,
                               .value_kind = cz__value_kind_of(column),
                               .model = model,
                               .path = column->attribute,
                               .value = value };
    return leaf;
}

cz_cond cz__cond_key(cz_ctx *ctx, const cz_row *row)
{
    const cz__column *key = row->model->state->key;
    return cz__cond_column(ctx, row->model, key, cz__row_at(row, key));
}

static bool from_database(const cz_row *row)
{
    return cz__row_bit(row, CZ__BITS_LOADED, 0) && !cz__row_bit(row, CZ__BITS_DIRTY, 0);
}

static void clear_dirty(cz_row *row)
{
    size_t words = cz__model_words(row->model);
    memset(cz__row_bits(row, words, CZ__BITS_DIRTY), 0, words * sizeof(uint64_t));
    cz__row_keep(row);
}

/* What every save sets. */
static void touch(cz_ctx *ctx, cz_row *row)
{
    for (uint16_t i = 0; i < row->model->state->column_count; i++) {
        const cz__column *column = &row->model->state->columns[i];
        cz__db_param now = { .kind = CZ__PARAM_DATETIME, .integer = cz_now().us };
        cz__db_param actor = { .kind = CZ__PARAM_TEXT, .text = ctx->actor };
        if (column->field->options.auto_now)
            cz__row_store(ctx, row, column, &now);
        else if (column->field->options.auto_actor)
            cz__row_store(ctx, row, column, &actor);
    }
}

static void stored(cz_ctx *ctx, const char *database, cz_row *row, bool created)
{
    cz__row_is_stored(cz__session_to_write(ctx, row->model, NULL, database), row, created);
    row->database = database ? cz__database_named(ctx, database) : cz__databases;
    clear_dirty(row);
}

/* Whether the database is to say what a column has. */
static bool lacks_db_default(const cz_row *row)
{
    const struct cz__model_state *state = row->model->state;
    for (uint16_t i = 1; state->db_defaults && i < state->column_count; i++)
        if (state->columns[i].field->options.db_default.kind &&
            !cz__row_bit(row, CZ__BITS_DIRTY, i))
            return true;
    return false;
}

void cz__check_inserted(cz_ctx *ctx, const cz_model *model, bool keyed, int64_t rows)
{
    if (!rows && !(keyed && model->meta.unmanaged)) /* SQLite counts none of a view's triggers */
        cz_raise(ctx, CZ_EINTEGRITY,
                 "This %s was not stored: a trigger of the database left it out.",
                 model->state->lower_name);
}

struct insertion {
    const struct cz__plan_request *request;
    cz_row *row;
};

static void insert_returning(cz_ctx *ctx, void *arg)
{
    const struct insertion *insertion = arg;
    cz__run_insert_row(ctx, insertion->request, insertion->row);
}

/* `raw`: as a fixture has it, who and when included. */
static void write_row(cz_ctx *ctx, const char *database, cz_row *row, bool update, bool raw)
{
    struct cz__assign *assigns = cz_array(ctx, struct cz__assign, row->model->state->column_count);
    cz__row_check_assigned(ctx, row);
    if (update && dirty_assigns(row, assigns) == 0)
        return; /* nothing to write */
    if (!raw)
        touch(ctx, row);
    size_t count = dirty_assigns(row, assigns);
    cz_query query = { .model = row->model,
                       .where = update ? cz__cond_key(ctx, row) : NULL,
                       .manager = &cz_base_manager,
                       .database = database,
                       .repeats = true,
                       .file = ctx->file,
                       .line = ctx->line };
    ctx->file = NULL; /* what is saved next has a place of its own, or none */
    struct cz__plan_request request = { .kind = update ? CZ__PLAN_UPDATE : CZ__PLAN_INSERT,
                                        .query = &query,
                                        .assigns = assigns,
                                        .assign_count = count };
    if (!update && lacks_db_default(row)) {
        struct insertion insertion = { &request, row };
        request.returning = true;
        cz__atomic_in(ctx, cz__session_to_write(ctx, row->model, NULL, database), insert_returning,
                      &insertion);
        stored(ctx, database, row, true);
        return;
    }
    int64_t last_id;
    int64_t rows = cz__run_change(ctx, &request, &last_id);
    if (update && rows == 0)
        cz_raise(ctx, CZ_ENOTFOUND, "This %s no longer exists.", row->model->state->lower_name);
    if (!update)
        cz__check_inserted(ctx, row->model, cz__row_bit(row, CZ__BITS_LOADED, 0), rows);
    const cz__column *key = row->model->state->key;
    if (!update && key->type == CZ__DB_INT64 && !cz__row_bit(row, CZ__BITS_LOADED, 0)) {
        *(int64_t *)cz__row_at(row, key) = last_id;
        cz__row_bit_set(row, CZ__BITS_LOADED, 0, true);
    }
    stored(ctx, database, row, !update);
}

void cz__keys_given(cz_ctx *ctx, const cz_model *model)
{
    cz__db_session *session = cz__session_to_write(ctx, model, NULL, NULL);
    const cz__column *key = model->state->key;
    cz_error err;
    if (session->db->driver->keys_given && key->type == CZ__DB_INT64 &&
        session->db->driver->keys_given(ctx, session, model->state->table, key->name, &err))
        cz_raise_error(ctx, &err);
}

/* Whether there is such a row is not known, as of one that came from another database: what it holds is all to be
 * written, if there is one here or not. Returns whether there is. */
static bool move_to(cz_ctx *ctx, const char *database, cz_row *row)
{
    for (uint16_t i = 0; i < row->model->state->column_count; i++)
        if (row->model->state->columns[i].stored && cz__row_bit(row, CZ__BITS_LOADED, i))
            cz__row_bit_set(row, CZ__BITS_DIRTY, i, true);
    cz_query query = { .model = row->model,
                       .where = cz__cond_key(ctx, row),
                       .manager = &cz_base_manager,
                       .database = database };
    bool found = cz__exists(ctx, &query);
    if (found)
        cz__row_bit_set(row, CZ__BITS_DIRTY, 0, false);
    return found;
}

/* What a rolled back transaction stored is to be stored again: all the row holds, and the row itself when it was made
 * there, with the key it got. Returns whether a row of this key may be there all the same. */
static bool revive(cz_ctx *ctx, cz_row *row)
{
    const cz__db_session *session =
        row->stored_in && row->database ? cz__db_session_find(ctx, row->database) : NULL;
    if (!session || !cz__is_undone(session, row->stored_in))
        return false;
    bool unmade = cz__is_undone(session, row->created_in), doubtful = unmade && row->maybe_created;
    for (uint16_t i = unmade ? 0 : 1; i < row->model->state->column_count; i++)
        if (row->model->state->columns[i].stored && cz__row_bit(row, CZ__BITS_LOADED, i))
            cz__row_bit_set(row, CZ__BITS_DIRTY, i, true);
    row->stored_in = 0;
    if (unmade)
        row->maybe_stored = row->maybe_created = false;
    return doubtful;
}

static void save_row(cz_ctx *ctx, const char *named, cz_row *row, bool raw)
{
    bool doubtful = revive(ctx, row);
    if (row->maybe_stored)
        cz_raise(
            ctx, CZ_EINVAL,
            "a %s of a cz_bulk_create() with .ignore_conflicts cannot be saved: whether it was "
            "stored, and under which key, is not known; read it first",
            row->model->name);
    const char *database = cz__alias_of(ctx, row->model, row, named, true);
    bool update = from_database(row);
    if (database && update && row->database && strcmp(row->database->alias, database) != 0)
        doubtful = true;
    if (doubtful)
        update = move_to(ctx, database, row);
    cz_event event = { .signal = CZ_PRE_SAVE,
                       .model = row->model,
                       .row = row,
                       .database = database ? database : cz__databases[0].alias,
                       .created = !update,
                       .raw = raw };
    if (cz__signal_wanted(row->model, CZ_PRE_SAVE))
        cz__signal_send(ctx, &event);
    write_row(ctx, database, row, update, raw);
    event.signal = CZ_POST_SAVE;
    if (cz__signal_wanted(row->model, CZ_POST_SAVE))
        cz__signal_send(ctx, &event);
}

/* ---- what is stored with a row ---- */

void cz__pending_add(cz_row *row, struct cz__pending *pending)
{
    struct cz__pending **end = &row->pending;
    while (*end)
        end = &(*end)->next;
    *end = pending;
}

struct saving {
    cz_row *row;
    cz__db_session *session;
    const char *named;
    bool raw;
};

static void store_pending(cz_ctx *ctx, const struct saving *saving, bool before)
{
    for (struct cz__pending *p = saving->row->pending; p; p = p->next) {
        if (p->before != before || (p->stored && !cz__is_undone(saving->session, p->stored_in)))
            continue;
        p->store(ctx, saving->row, p);
        p->stored = true;
        p->stored_in = cz__block_number(saving->session);
    }
}

static void save_all(cz_ctx *ctx, void *arg)
{
    const struct saving *saving = arg;
    store_pending(ctx, saving, true);
    save_row(ctx, saving->named, saving->row, saving->raw);
    store_pending(ctx, saving, false);
}

static void save(cz_ctx *ctx, const char *named, cz_row *row, bool raw)
{
    if (!row->pending) {
        save_row(ctx, named, row, raw);
        return;
    }
    const char *database = cz__alias_of(ctx, row->model, row, named, true);
    struct saving saving = { row, cz__session_to_write(ctx, row->model, NULL, database), named,
                             raw };
    cz__atomic_in(ctx, saving.session, save_all, &saving);
}

void cz__save(cz_ctx *ctx, cz_row *row)
{
    save(ctx, NULL, row, false);
}

void cz__save_on(cz_ctx *ctx, const char *database, cz_row *row)
{
    save(ctx, database, row, false);
}

void cz__save_raw(cz_ctx *ctx, cz_row *row)
{
    save(ctx, NULL, row, true);
}

void *cz__create(cz_ctx *ctx, const char *database, cz_model *model,
                 const struct cz__assign *assigns, size_t count)
{
    cz_row *row = cz__row_made(ctx, model, assigns, count);
    save(ctx, database, row, false);
    return row;
}

int64_t cz__update(cz_ctx *ctx, const cz_query *query, const struct cz__assign *assigns,
                   size_t count)
{
    cz__check_change(ctx, query, "cz_update");
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!query->model->state->columns[assigns[i].field].stored)
            cz_raise(ctx, CZ_EINVAL, "%s.%s has no column to set", query->model->name,
                     query->model->fields[assigns[i].field].name);
    struct cz__plan_request request = {
        .kind = CZ__PLAN_UPDATE, .query = query, .assigns = assigns, .assign_count = count
    };
    return cz__run_change(ctx, &request, NULL);
}

void cz__refresh(cz_ctx *ctx, cz_row *row, const char *file, int line)
{
    cz_query query = { .model = row->model,
                       .where = cz__cond_key(ctx, row),
                       .manager = &cz_base_manager,
                       .database = cz__alias_of(ctx, row->model, row, NULL, false),
                       .file = file,
                       .line = line };
    query.strict = row->result && row->result->strict;
    memcpy(row, cz__get(ctx, &query), row->model->row_bytes);
}
