/* The SQL that models' metas are written with, tried: `check` finds what only `migrate` would stumble over. */
#include "db/schema.h"
#include "orm/orm_internal.h"

struct trial {
    cz_ctx *ctx;
    cz__db_session *session;
    const cz_model *model;
    cz__db_table table; /* without a reference, an index or a rule */
    void (*tell)(const char *sentence, void *arg);
    void *arg;
    size_t wrong;
};

/* On PostgreSQL the table is a temporary one, which hides the model's own. */
static void create(cz_ctx *ctx, void *arg)
{
    const struct trial *trial = arg;
    cz__db_session *session = trial->session;
    const cz__db_driver *driver = session->db->driver;
    cz_error err;
    cz_status status = CZ_OK;
    if (driver->features->temporary_tables)
        status = driver->run(ctx, session, cz_str_from(driver->features->temporary_tables), &err);
    if (!status)
        status = driver->create_table(ctx, session, &trial->table, &err);
    if (status)
        cz_raise_error(ctx, &err);
    cz_set_rollback_on(ctx, session->database->alias, true);
}

static void create_and_undo(cz_ctx *ctx, void *arg)
{
    const struct trial *trial = arg;
    cz__atomic_in(ctx, trial->session, create, arg);
}

/* Whether the database takes the trial's table; `what` and `name` say whose SQL is tried. */
static bool try_table(struct trial *trial, const char *what, const char *name)
{
    cz_error err;
    cz_status status = cz_try(trial->ctx, create_and_undo, trial, &err);
    if (!status)
        return true;
    if (status != CZ_EINVAL && status != CZ_EDATABASE && status != CZ_EVALIDATION)
        cz_raise_error(trial->ctx, &err);
    cz_str reason = cz_str_from(cz_error_message(&err)), rest = reason;
    if (cz_str_eq(cz_str_cut(&rest, ':'), cz_str_from(trial->session->db->driver->features->name)))
        reason = cz_str_trim(rest);
    trial->tell(cz_format(trial->ctx, "%s: %s%s%s%.*s", trial->model->name, what, name,
                          *name ? ": " : "", CZ_STR_ARG(reason))
                    .ptr,
                trial->arg);
    trial->wrong++;
    return false;
}

/* Each by itself, so that each that is wrong is told. */
static void try_each(struct trial *trial, const cz__db_table *whole)
{
    cz__db_table bare = trial->table;
    for (size_t i = 0; i < whole->check_count; i++) {
        trial->table = bare;
        trial->table.checks = &whole->checks[i];
        trial->table.check_count = 1;
        cz_ignore(try_table(trial, "constraint ", whole->checks[i].name));
    }
    for (size_t i = 0; i < whole->index_count; i++) {
        const cz__db_index *index = &whole->indexes[i];
        if (!index->where && !index->expressions && !index->search && !index->method)
            continue;
        trial->table = bare;
        trial->table.indexes = index;
        trial->table.index_count = 1;
        cz_ignore(try_table(trial, index->unique ? "constraint " : "index ", index->name));
    }
}

bool cz__meta_has_sql(const cz_model *model)
{
    const cz_meta *meta = &model->meta;
    bool has = false;
    for (size_t i = 0; i < meta->constraints.count; i++)
        has =
            has || !meta->constraints.items[i].unique.count || meta->constraints.items[i].condition;
    for (size_t i = 0; i < meta->indexes.count; i++) {
        const cz_index *index = &meta->indexes.items[i];
        has = has || index->condition || index->expressions || index->search || index->method;
    }
    for (uint16_t i = 0; i < model->state->column_count; i++)
        has = has || model->state->columns[i].field->options.db_default.kind == CZ__TAG_SQL;
    return has && !model->proxy_of && !meta->unmanaged;
}

static size_t check_model(cz_ctx *ctx, const cz_model *model,
                          void (*tell)(const char *sentence, void *arg), void *arg)
{
    struct trial trial = { .ctx = ctx,
                           .session = cz__session_to_write(ctx, model, NULL, NULL),
                           .model = model,
                           .tell = tell,
                           .arg = arg };
    cz__db_table whole;
    cz_check(ctx, cz__table_describe(ctx, model, &whole));
    cz__db_column *columns = cz_array(ctx, cz__db_column, whole.column_count);
    for (size_t i = 0; i < whole.column_count; i++) {
        columns[i] = whole.columns[i];
        columns[i].references_table = NULL; /* which would be locked, or is not there */
        columns[i].index = false;
    }
    trial.table = (cz__db_table){ .name = whole.name,
                                  .columns = columns,
                                  .column_count = whole.column_count };
    if (try_table(&trial, "", ""))
        try_each(&trial, &whole);
    return trial.wrong;
}

size_t cz__meta_sql_check(cz_ctx *ctx, void (*tell)(const char *sentence, void *arg), void *arg)
{
    size_t wrong = 0;
    for (size_t i = 0; i < cz__models_count(); i++) {
        const cz_model *model = cz__models_at(i);
        if (cz__meta_has_sql(model) && cz__database_has_model(cz__database_at_home(ctx), model))
            wrong += check_model(ctx, model, tell, arg);
    }
    return wrong;
}
