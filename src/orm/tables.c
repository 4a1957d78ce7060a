/* Creating the tables of the models that have none, and recording the models' state, for apps without
 * migrations.
 *
 * This is what a start in development and `createtables` do. The state goes to calzone_migrations, one
 * row an app, as the migration "0001_initial" that created them: migrations take over from there. */
#include "migrations/migrations.h"
#include "db/schema.h"
#include "orm/orm_internal.h"
#include <calzone/json.h>

static const char *const *columns_of(cz_ctx *ctx, const cz_model *model, const cz_fields *fields)
{
    const char **names = cz_array(ctx, const char *, fields->count + 1);
    for (size_t i = 0; i < fields->count; i++)
        names[i] = cz__column_find(model, fields->items[i])->name;
    return names;
}

const char *const *cz__index_columns(cz_ctx *ctx, const cz_model *model, const cz_index *index,
                                     bool as_fields, size_t *out_count)
{
    *out_count = index->fields.count ? index->fields.count : index->order.count;
    const char **names = cz_array(ctx, const char *, *out_count + 1);
    for (size_t i = 0; i < *out_count; i++) {
        const cz_order *order = index->fields.count ? NULL : &index->order.items[i];
        const cz__column *column =
            cz__column_find(model, order ? order->path : index->fields.items[i]);
        names[i] = as_fields ? column->field->name : column->name;
        if (order && order->descending)
            names[i] = cz_format(ctx, "-%s", names[i]).ptr;
    }
    return names;
}

const char *cz__index_name(cz_ctx *ctx, const cz_model *model, const cz_index *index)
{
    if (index->name)
        return index->name;
    char *name = cz_alloc(ctx, CZ__DB_NAME_BYTES_MAX + 1);
    size_t count;
    const char *const *columns = cz__index_columns(ctx, model, index, false, &count);
    if (index->search)
        cz__db_name(name, model->state->table, NULL, 0, "search");
    else
        cz__db_name(name, model->state->table, columns, count, "idx");
    return name;
}

static cz__db_index describe_index(cz_ctx *ctx, const cz_model *model, const cz_index *index)
{
    cz__db_index described = { .name = cz__index_name(ctx, model, index),
                               .where = index->condition,
                               .expressions = index->expressions,
                               .include = columns_of(ctx, model, &index->include),
                               .include_count = index->include.count,
                               .method = index->method,
                               .search = index->search,
                               .weights = index->weights };
    described.columns = cz__index_columns(ctx, model, index, false, &described.column_count);
    return described;
}

bool cz__search_index(cz_ctx *ctx, const cz_model *model, cz__db_index *out)
{
    for (size_t i = 0; i < model->meta.indexes.count; i++) {
        if (!model->meta.indexes.items[i].search)
            continue;
        *out = describe_index(ctx, model, &model->meta.indexes.items[i]);
        return true;
    }
    return false;
}

bool cz__search_rebuild(cz_ctx *ctx, const cz_model *model)
{
    cz__db_index index;
    if (!cz__search_index(ctx, model, &index))
        return false;
    cz__db_session *session = cz__session_to_write(ctx, model, NULL, NULL);
    const cz__db_driver *driver = session->db->driver;
    cz_buf *sql = cz__scratch(ctx);
    cz_error err;
    driver->features->search_rebuild(sql, index.name);
    cz_buf_cstr(sql);
    cz_check(ctx, cz_buf_status(sql));
    if (driver->run(ctx, session, cz_buf_str(sql), &err))
        cz_raise_error(ctx, &err);
    return true;
}

/* What the model's meta says beyond its columns. */
static void describe_meta(cz_ctx *ctx, const cz_model *model, cz__db_table *out)
{
    const cz_meta *meta = &model->meta;
    cz__db_index *indexes =
        cz_array(ctx, cz__db_index, meta->indexes.count + meta->constraints.count + 1);
    cz__db_check *checks = cz_array(ctx, cz__db_check, meta->constraints.count + 1);
    for (size_t i = 0; i < meta->indexes.count; i++)
        indexes[out->index_count++] = describe_index(ctx, model, &meta->indexes.items[i]);
    for (size_t i = 0; i < meta->constraints.count; i++) {
        const cz_constraint *constraint = &meta->constraints.items[i];
        if (constraint->check)
            checks[out->check_count++] = (cz__db_check){ constraint->name, constraint->check };
        else
            indexes[out->index_count++] =
                (cz__db_index){ .name = constraint->name,
                                .columns = columns_of(ctx, model, &constraint->unique),
                                .column_count = constraint->unique.count,
                                .where = constraint->condition,
                                .expressions = constraint->expressions,
                                .unique = true };
    }
    out->indexes = indexes;
    out->checks = checks;
}

cz_status cz__table_describe(cz_ctx *ctx, const cz_model *model, cz__db_table *out)
{
    const struct cz__model_state *state = model->state;
    cz__db_column *columns = cz_arena_array(ctx->arena, cz__db_column, state->stored_count);
    const char **together =
        cz_arena_array(ctx->arena, const char *, model->meta.unique_together.count);
    if (!columns || !together)
        return CZ_ENOMEM;
    size_t count = 0;
    for (uint16_t i = 0; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        if (!column->stored)
            continue;
        const cz_field_options *options = &column->field->options;
        cz__db_column *described = &columns[count++];
        *described =
            (cz__db_column){ .name = column->name,
                             .type = column->type,
                             .max_length = column->type & CZ__DB_SEALED ? 0 : column->max_length,
                             .null = column->null,
                             .unique = options->unique || column->field->kind == CZ_KIND_one_to_one,
                             .index = options->index || column->relation,
                             .primary_key = i == 0 };
        const cz_tagged *given = &options->db_default;
        if (given->kind == CZ__TAG_SQL)
            described->default_ = (cz__db_default_value){ CZ__DEFAULT_SQL, .sql = given->text };
        else if (given->kind == CZ__TAG_NOW)
            described->default_.kind = CZ__DEFAULT_NOW;
        else if (given->kind)
            described->default_ =
                (cz__db_default_value){ CZ__DEFAULT_VALUE, cz__tagged_param(ctx, column, given) };
        if (column->relation && !options->unconstrained) {
            const struct cz__model_state *target = column->field->target->state;
            described->references_table = target->table;
            described->references_column = target->key->name;
        }
    }
    for (size_t i = 0; i < model->meta.unique_together.count; i++)
        together[i] = cz__column_find(model, model->meta.unique_together.items[i])->name;
    *out = (cz__db_table){ .name = state->table,
                           .columns = columns,
                           .column_count = count,
                           .unique_together = together,
                           .unique_together_count = model->meta.unique_together.count };
    describe_meta(ctx, model, out);
    return CZ_OK;
}

static void create(cz_ctx *ctx, const cz__db_table *table)
{
    cz__db_session *session = cz__session(ctx);
    cz_error err;
    if (session->db->driver->create_table(ctx, session, table, &err))
        cz_raise_error(ctx, &err);
}

static bool exists(cz_ctx *ctx, const char *table)
{
    cz__db_session *session = cz__session(ctx);
    bool found;
    cz_error err;
    if (session->db->driver->table_exists(ctx, session, table, &found, &err))
        cz_raise_error(ctx, &err);
    return found;
}

static void create_link(cz_ctx *ctx, const cz_model *model, const cz__column *column)
{
    const struct cz__model_state *target = column->field->target->state;
    cz__db_column columns[] = {
        { .name = "id", .type = CZ__DB_INT64, .primary_key = true },
        { .name = column->link_from,
          .type = model->state->key->type,
          .index = true,
          .references_table = model->state->table,
          .references_column = model->state->key->name },
        { .name = column->link_to,
          .type = target->key->type,
          .index = true,
          .references_table = target->table,
          .references_column = target->key->name },
    };
    const char *together[] = { column->link_from, column->link_to };
    cz__db_table table = { .name = column->link_table,
                           .columns = columns,
                           .column_count = CZ_COUNT(columns),
                           .unique_together = together,
                           .unique_together_count = CZ_COUNT(together) };
    create(ctx, &table);
}

/* Call `each` for every table the models need, links included. */
static void walk_tables(cz_ctx *ctx,
                        bool (*each)(cz_ctx *ctx, cz_model *model, const cz__column *link,
                                     void *arg),
                        void *arg)
{
    for (size_t m = 0; m < cz__models_count(); m++) {
        cz_model *model = cz__models_at(m);
        if (model->proxy_of || model->meta.unmanaged || cz__migrations_of(model->state->app) ||
            !cz__database_has_model(cz__database_at_home(ctx), model))
            continue;
        if (!each(ctx, model, NULL, arg))
            return;
        for (uint16_t i = 0; i < model->state->column_count; i++) {
            const cz__column *column = &model->state->columns[i];
            if (column->field->kind == CZ_KIND_many_to_many && !column->through &&
                !each(ctx, model, column, arg))
                return;
        }
    }
}

static const char *table_of(const cz_model *model, const cz__column *link)
{
    return link ? link->link_table : model->state->table;
}

static void require_column(cz_ctx *ctx, const char *table, const char *column)
{
    cz__db_session *session = cz__session(ctx);
    bool found;
    cz_error err;
    if (session->db->driver->column_exists(ctx, session, table, column, &found, &err))
        cz_raise_error(ctx, &err);
    if (!found)
        cz_raise(ctx, CZ_EVALIDATION,
                 "table %s has no column \"%s\", which its model has: until there are migrations, "
                 "add it by hand "
                 "(ALTER TABLE) or start with a new database",
                 table, column);
}

/* A table that exists must have the model's columns: a field that was added since would fail each query. */
static bool require_columns(cz_ctx *ctx, cz_model *model, const cz__column *link, void *arg)
{
    (void)arg;
    if (link) {
        require_column(ctx, link->link_table, link->link_from);
        require_column(ctx, link->link_table, link->link_to);
        return true;
    }
    for (uint16_t i = 0; i < model->state->column_count; i++)
        if (model->state->columns[i].stored)
            require_column(ctx, model->state->table, model->state->columns[i].name);
    return true;
}

static bool find_missing(cz_ctx *ctx, cz_model *model, const cz__column *link, void *arg)
{
    if (exists(ctx, table_of(model, link)))
        return true;
    *(const char **)arg = table_of(model, link);
    return false;
}

const char *cz__tables_missing(cz_ctx *ctx)
{
    const char *missing = NULL;
    walk_tables(ctx, find_missing, &missing);
    if (!missing)
        walk_tables(ctx, require_columns, NULL);
    return missing;
}

static bool create_missing(cz_ctx *ctx, cz_model *model, const cz__column *link, void *arg)
{
    if (exists(ctx, table_of(model, link)))
        return true;
    if (link) {
        create_link(ctx, model, link);
    } else {
        cz__db_table table;
        cz_check(ctx, cz__table_describe(ctx, model, &table));
        create(ctx, &table);
    }
    ++*(size_t *)arg;
    return true;
}

/* ---- the models' state ---- */

static void write_field(cz_json_writer *json, const cz__column *column)
{
    static const char *const kinds[] = {
#define X(kind, tag, type) [CZ_KIND_##kind] = #kind,
        CZ_COLUMN_KIND_MAP(X)
#undef X
#define X(kind) [CZ_KIND_##kind] = #kind,
            CZ_RELATION_KIND_MAP(X)
#undef X
    };
    const cz_field_options *options = &column->field->options;
    cz_json_object(json);
    cz_json_key(json, CZ_STR("name"));
    cz_json_str(json, cz_str_from(column->field->name));
    cz_json_key(json, CZ_STR("kind"));
    cz_json_str(json, cz_str_from(kinds[column->field->kind]));
    if (column->name) {
        cz_json_key(json, CZ_STR("column"));
        cz_json_str(json, cz_str_from(column->name));
    }
    if (column->max_length) {
        cz_json_key(json, CZ_STR("max_length"));
        cz_json_u64(json, column->max_length);
    }
    if (column->field->target) {
        cz_json_key(json, CZ_STR("to"));
        cz_json_str(json, cz_str_from(column->field->target->state->concrete->state->label));
    }
    if (column->through) {
        cz_json_key(json, CZ_STR("through"));
        cz_json_str(json, cz_str_from(column->through->state->concrete->state->label));
    }
    if (column->field->options.digits) {
        cz_json_key(json, CZ_STR("digits"));
        cz_json_u64(json, column->field->options.digits);
        cz_json_key(json, CZ_STR("places"));
        cz_json_u64(json, column->field->options.places);
    }
    const struct {
        const char *name;
        bool value;
    } flags[] = { { "null", column->null },
                  { "unique", options->unique },
                  { "index", options->index } };
    for (size_t i = 0; i < CZ_COUNT(flags); i++) {
        if (!flags[i].value)
            continue;
        cz_json_key(json, cz_str_from(flags[i].name));
        cz_json_bool(json, true);
    }
    cz_json_object_end(json);
}

static cz_str app_state(cz_ctx *ctx, const char *app, cz_buf *buf)
{
    cz_json_writer json;
    cz_buf_clear(buf);
    cz_json_writer_init(&json, buf);
    cz_json_list(&json);
    for (size_t m = 0; m < cz__models_count(); m++) {
        const struct cz__model_state *state = cz__models_at(m)->state;
        if (strcmp(state->app, app) != 0 || state->model->proxy_of)
            continue;
        cz_json_object(&json);
        cz_json_key(&json, CZ_STR("model"));
        cz_json_str(&json, cz_str_from(state->model->name));
        cz_json_key(&json, CZ_STR("table"));
        cz_json_str(&json, cz_str_from(state->table));
        cz_json_key(&json, CZ_STR("fields"));
        cz_json_list(&json);
        for (uint16_t i = 0; i < state->column_count; i++)
            write_field(&json, &state->columns[i]);
        cz_json_list_end(&json);
        cz_json_object_end(&json);
    }
    cz_json_list_end(&json);
    cz_check(ctx, cz_buf_status(buf));
    return cz_copy(ctx, cz_buf_str(buf));
}

static void run_statement(cz_ctx *ctx, cz_str sql, const cz__db_param *params, size_t count)
{
    cz__db_session *session = cz__session(ctx);
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    int64_t rows, last_id;
    cz_error err;
    if (session->db->driver->change(ctx, session, &statement, params, count, &rows, &last_id, &err))
        cz_raise_error(ctx, &err);
}

static void record_state(cz_ctx *ctx)
{
    if (!exists(ctx, "calzone_migrations")) {
        static const cz__db_column columns[] = {
            { .name = "id", .type = CZ__DB_INT64, .primary_key = true },
            { .name = "app", .type = CZ__DB_TEXT, .max_length = 255 },
            { .name = "name", .type = CZ__DB_TEXT, .max_length = 255 },
            { .name = "applied", .type = CZ__DB_DATETIME },
            { .name = "state", .type = CZ__DB_TEXT },
        };
        static const char *const together[] = { "app", "name" };
        static const cz__db_table table = { .name = "calzone_migrations",
                                            .columns = columns,
                                            .column_count = CZ_COUNT(columns),
                                            .unique_together = together,
                                            .unique_together_count = CZ_COUNT(together) };
        create(ctx, &table);
    }
    cz_buf *buf = cz_scratch(ctx);
    const char *app = NULL;
    for (size_t m = 0; m < cz__models_count(); m++) {
        const struct cz__model_state *state = cz__models_at(m)->state;
        if ((app && strcmp(app, state->app) == 0) || cz__migrations_of(state->app))
            continue; /* an app's models stand together */
        app = state->app;
        cz__db_param params[] = {
            { .kind = CZ__PARAM_TEXT, .text = cz_str_from(app) },
            { .kind = CZ__PARAM_DATETIME, .integer = cz_now().us },
            { .kind = CZ__PARAM_TEXT, .text = app_state(ctx, app, buf) },
        };
        run_statement(
            ctx, CZ_STR("DELETE FROM calzone_migrations WHERE app = ? AND name = '0001_initial'"),
            params, 1);
        run_statement(ctx,
                      CZ_STR("INSERT INTO calzone_migrations (app, name, applied, state) "
                             "VALUES (?, '0001_initial', ?, ?)"),
                      params, CZ_COUNT(params));
    }
}

static void create_all(cz_ctx *ctx, void *arg)
{
    size_t *created = arg;
    *created = 0;
    walk_tables(ctx, create_missing, created);
    walk_tables(ctx, require_columns, NULL);
    if (*created)
        record_state(ctx);
}

size_t cz__tables_create(cz_ctx *ctx)
{
    size_t created = 0;
    cz_atomic(ctx, create_all,
              &created); /* the transaction is the lock: two starts at once take turns */
    return created;
}
