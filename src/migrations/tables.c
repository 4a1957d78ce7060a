/* The tables of a state, and the steps from those of one state to those of another.
 *
 * Every operation's work on the database is such a difference, forward and backward. A table is found again
 * by its model, or by its model and field when it joins two, and a column by its field; so a name that
 * changed is a rename and not a loss. Renames come first and each alone; then tables are made, changed and
 * dropped. */
#include "migrations/migrations_internal.h"
#include "orm/orm.h"

/* A table with what its parts come from. */
struct described {
    cz__db_table table;
    cz__db_column *columns; /* table.columns */
    const char **together;  /* table.unique_together */
    cz__db_index *indexes;  /* table.indexes */
    cz__db_check *checks;   /* table.checks */
    const char *app, *model;
    const char *link;             /* the many-to-many it stands for; NULL: the model's own */
    const cz_state_field **field; /* by column; NULL in tables that join two */
    bool taken;                   /* found again in the other state */
};

struct described_list {
    struct described *items;
    size_t count;
};

const char *cz__state_column(cz_ctx *ctx, const cz_state_field *field)
{
    if (field->column)
        return field->column;
    cz_field_kind kind = cz__kind_of(field->kind);
    bool relation = kind == CZ_KIND_foreign_key || kind == CZ_KIND_one_to_one;
    return relation ? cz_format(ctx, "%s_id", field->name).ptr : field->name;
}

cz__db_type cz__state_type(const cz_state_field *field)
{
    cz_field described = { .name = field->name, .kind = cz__kind_of(field->kind) };
    described.options.digits = field->digits;
    described.options.places = field->places;
    described.options.django = field->django;
    return cz__field_type(&described);
}

static const cz__state_model *target_of(cz_ctx *ctx, const cz__state *state,
                                        const cz__state_model *model, const cz_state_field *field)
{
    const cz__state_model *target = cz__state_target(state, field);
    if (!target || !target->fields.count)
        cz_raise(ctx, CZ_EVALIDATION, "%s.%s.%s refers to %s, which does not exist then",
                 model->app, model->name, field->name, field->to);
    return target;
}

/* ---- values ---- */

static cz_status read_text(cz_str text, cz__db_type type, cz__db_param *out)
{
    union {
        cz_date date;
        cz_datetime instant;
        cz_time time;
        cz_duration duration;
    } value = { { 0 } };
    cz_status status;
    switch (CZ__DB_KIND(type)) {
    case CZ__DB_TEXT:
    case CZ__DB_JSON:
    case CZ__DB_IP:
        *out = (cz__db_param){ .kind = CZ__PARAM_TEXT, .text = text };
        return CZ_OK;
    case CZ__DB_DATE:
        status = cz_date_parse(text, &value.date);
        *out = (cz__db_param){ .kind = CZ__PARAM_DATE, .integer = value.date.days };
        return status;
    case CZ__DB_DATETIME:
        status = cz_datetime_parse(text, &value.instant);
        *out = (cz__db_param){ .kind = CZ__PARAM_DATETIME, .integer = value.instant.us };
        return status;
    case CZ__DB_TIME:
        status = cz_time_parse(text, &value.time);
        *out = (cz__db_param){ .kind = CZ__PARAM_TIME, .integer = value.time.us };
        return status;
    case CZ__DB_DURATION:
        status = cz_duration_parse(text, &value.duration);
        *out = (cz__db_param){ .kind = CZ__PARAM_DURATION, .integer = value.duration.us };
        return status;
    case CZ__DB_UUID:
        *out = (cz__db_param){ .kind = CZ__PARAM_UUID, .type = type };
        return cz_uuid_parse(text, &out->uuid);
    case CZ__DB_DECIMAL:
        *out = (cz__db_param){ .kind = CZ__PARAM_DECIMAL };
        status = cz_decimal_parse(text, &out->decimal);
        return status ? status : cz_decimal_round(out->decimal, CZ__DB_PLACES(type), &out->decimal);
    default:
        return CZ_EVALIDATION;
    }
}

static cz__db_param param_of_text(cz_ctx *ctx, const cz_state_field *field, cz__db_type type,
                                  const char *text)
{
    cz__db_param param;
    if (read_text(cz_str_from(text), type, &param))
        cz_raise(ctx, CZ_EVALIDATION, "\"%s\" is no value for the field %s (%s)", text, field->name,
                 field->kind);
    param.type = type;
    return param;
}

static cz__db_param param_of(cz_ctx *ctx, const cz_state_field *field, cz__db_type type,
                             const cz_tagged *value)
{
    switch (value->kind) {
    case CZ__TAG_INT:
    case CZ__TAG_BOOL:
        if (type == CZ__DB_REAL)
            return (cz__db_param){ .kind = CZ__PARAM_REAL, .real = (double)value->integer };
        if (CZ__DB_KIND(type) == CZ__DB_DECIMAL)
            return (cz__db_param){ .kind = CZ__PARAM_DECIMAL,
                                   .type = type,
                                   .decimal = cz_decimal_of(value->integer, 0) };
        return (cz__db_param){ .kind = CZ__PARAM_INT, .integer = value->integer };
    case CZ__TAG_REAL:
        return (cz__db_param){ .kind = CZ__PARAM_REAL, .real = value->real };
    case CZ__TAG_TEXT:
        return param_of_text(ctx, field, type, value->text);
    default:
        return (cz__db_param){ .kind = CZ__PARAM_NULL };
    }
}

/* ---- describing ---- */

static void describe_reference(cz_ctx *ctx, const cz__state *state, const cz__state_model *target,
                               bool unconstrained, cz__db_column *out)
{
    const cz_state_field *key = &target->fields.items[0];
    out->type = cz__state_type(cz__state_key(ctx, state, target));
    if (unconstrained)
        return;
    out->references_table = cz__state_table(ctx, target);
    out->references_column = cz__state_column(ctx, key);
}

static void describe_default(cz_ctx *ctx, const cz_state_field *field, cz__db_column *out)
{
    const cz_tagged *value = &field->db_default;
    if (value->kind == CZ__TAG_SQL)
        out->default_ = (cz__db_default_value){ CZ__DEFAULT_SQL, .sql = value->text };
    else if (value->kind == CZ__TAG_NOW)
        out->default_.kind = CZ__DEFAULT_NOW;
    else if (value->kind)
        out->default_ =
            (cz__db_default_value){ CZ__DEFAULT_VALUE, param_of(ctx, field, out->type, value) };
}

static void describe_column(cz_ctx *ctx, const cz__state *state, const cz__state_model *model,
                            const cz_state_field *field, cz__db_column *out)
{
    cz_field_kind kind = cz__kind_of(field->kind);
    *out = (cz__db_column){ .name = cz__state_column(ctx, field),
                            .type = cz__state_type(field),
                            .max_length = kind == CZ_KIND_encrypted_field ? 0 : field->max_length,
                            .null = field->null,
                            .unique = (field->unique || kind == CZ_KIND_one_to_one) &&
                                      !field->primary_key, /* which says so already */
                            .primary_key = field->primary_key };
    if (kind == CZ_KIND_foreign_key || kind == CZ_KIND_one_to_one)
        describe_reference(ctx, state, target_of(ctx, state, model, field), field->unconstrained,
                           out);
    describe_default(ctx, field, out);
}

/* The column of a field, with the "-" of a descending one. */
static const char *column_named(cz_ctx *ctx, const cz__state_model *model, const char *name)
{
    bool descending = name[0] == '-';
    const cz_state_field *field = cz__state_field(model, name + descending);
    if (!field || !cz__kind_is_stored(field->kind))
        cz_raise(ctx, CZ_EVALIDATION, "%s.%s has no field \"%s\" with a column", model->app,
                 model->name, name + descending);
    const char *column = cz__state_column(ctx, field);
    return descending ? cz_format(ctx, "-%s", column).ptr : column;
}

static const char **columns_named(cz_ctx *ctx, const cz__state_model *model, const cz_names *names)
{
    const char **columns = cz_array(ctx, const char *, names->count + 1);
    for (size_t i = 0; i < names->count; i++)
        columns[i] = column_named(ctx, model, names->items[i]);
    return columns;
}

static cz__db_index auto_index(cz_ctx *ctx, const char *table, const char *const *column)
{
    char *name = cz_alloc(ctx, CZ__DB_NAME_BYTES_MAX + 1);
    cz__db_name(name, table, column, 1, "idx");
    return (cz__db_index){ .name = name, .columns = column, .column_count = 1 };
}

/* Indexes are told one by one, those of single columns too: a rename of the table leaves their names. */
static void describe_indexes(cz_ctx *ctx, const cz__state_model *model, struct described *out)
{
    size_t count = 0;
    out->indexes =
        cz_array(ctx, cz__db_index,
                 out->table.column_count + model->indexes.count + model->constraints.count);
    for (size_t i = 0; i < out->table.column_count; i++) {
        const cz__db_column *column = &out->columns[i];
        if ((out->field[i]->index || column->references_table || out->field[i]->unconstrained) &&
            !column->unique && !column->primary_key) {
            const char **name = cz_array(ctx, const char *, 1);
            name[0] = column->name;
            out->indexes[count++] = auto_index(ctx, out->table.name, name);
        }
    }
    for (size_t i = 0; i < model->indexes.count; i++) {
        const cz_state_index *index = &model->indexes.items[i];
        out->indexes[count++] =
            (cz__db_index){ .name = index->name,
                            .columns = columns_named(ctx, model, &index->fields),
                            .column_count = index->fields.count,
                            .where = index->condition,
                            .expressions = index->expressions,
                            .include = columns_named(ctx, model, &index->include),
                            .include_count = index->include.count,
                            .method = index->method,
                            .search = index->search,
                            .weights = index->weights };
    }
    for (size_t i = 0; i < model->constraints.count; i++) {
        const cz_state_constraint *constraint = &model->constraints.items[i];
        if (!constraint->check)
            out->indexes[count++] =
                (cz__db_index){ .name = constraint->name,
                                .columns = columns_named(ctx, model, &constraint->fields),
                                .column_count = constraint->fields.count,
                                .where = constraint->condition,
                                .expressions = constraint->expressions,
                                .unique = true };
    }
    out->table.indexes = out->indexes;
    out->table.index_count = count;
}

static void describe_checks(cz_ctx *ctx, const cz__state_model *model, struct described *out)
{
    size_t count = 0;
    out->checks = cz_array(ctx, cz__db_check, model->constraints.count + 1);
    for (size_t i = 0; i < model->constraints.count; i++)
        if (model->constraints.items[i].check)
            out->checks[count++] = (cz__db_check){ model->constraints.items[i].name,
                                                   model->constraints.items[i].check };
    out->table.checks = out->checks;
    out->table.check_count = count;
}

static void describe_model(cz_ctx *ctx, const cz__state *state, const cz__state_model *model,
                           struct described *out)
{
    out->app = model->app;
    out->model = model->name;
    out->columns = cz_array(ctx, cz__db_column, model->fields.count + 1);
    out->field = cz_array(ctx, const cz_state_field *, model->fields.count + 1);
    out->table.name = cz__state_table(ctx, model);
    for (size_t i = 0; i < model->fields.count; i++) {
        const cz_state_field *field = &model->fields.items[i];
        if (!cz__kind_is_stored(field->kind))
            continue;
        out->field[out->table.column_count] = field;
        describe_column(ctx, state, model, field, &out->columns[out->table.column_count++]);
    }
    out->table.columns = out->columns;
    out->together = columns_named(ctx, model, &model->unique_together);
    out->table.unique_together = out->together;
    out->table.unique_together_count = model->unique_together.count;
    describe_indexes(ctx, model, out);
    describe_checks(ctx, model, out);
}

/* A many-to-many's table, named as src/orm/registry.c names it. */
static void describe_link(cz_ctx *ctx, const cz__state *state, const cz__state_model *model,
                          const cz_state_field *field, struct described *out)
{
    const cz__state_model *target = target_of(ctx, state, model, field);
    const char *from = cz__lower(ctx, model->name), *to = cz__lower(ctx, target->name);
    bool self = target == model;
    out->app = model->app;
    out->model = model->name;
    out->link = field->name;
    out->columns = cz_array(ctx, cz__db_column, 3);
    out->together = cz_array(ctx, const char *, 2);
    out->indexes = cz_array(ctx, cz__db_index, 2);
    out->table = (cz__db_table){
        .name = cz__state_link_table(ctx, model, field),
        .columns = out->columns,
        .column_count = 3,
        .unique_together = out->together,
        .unique_together_count = 2,
        .indexes = out->indexes,
        .index_count = 2,
    };
    out->columns[0] = (cz__db_column){ .name = "id", .type = CZ__DB_INT64, .primary_key = true };
    out->columns[1].name = cz_format(ctx, self ? "from_%s_id" : "%s_id", from).ptr;
    out->columns[2].name = cz_format(ctx, self ? "to_%s_id" : "%s_id", to).ptr;
    describe_reference(ctx, state, model, false, &out->columns[1]);
    describe_reference(ctx, state, target, false, &out->columns[2]);
    for (int i = 0; i < 2; i++) {
        out->together[i] = out->columns[i + 1].name;
        const char **name = cz_array(ctx, const char *, 1);
        name[0] = out->columns[i + 1].name;
        out->indexes[i] = auto_index(ctx, out->table.name, name);
    }
}

/* The tables that are in the context's database. */
static struct described_list describe(cz_ctx *ctx, const cz__state *state)
{
    const cz__database *database = cz__session_of(ctx)->database;
    struct described_list list = { 0 };
    size_t most = 0;
    for (size_t i = 0; i < state->count; i++)
        most += 1 + state->models[i]->fields.count;
    list.items = cz_array(ctx, struct described, most + 1);
    for (size_t i = 0; i < state->count; i++) {
        const cz__state_model *model = state->models[i];
        if (model->unmanaged || !cz__database_has(database, model->app, model->name, model->alias))
            continue;
        describe_model(ctx, state, model, &list.items[list.count++]);
        for (size_t f = 0; f < model->fields.count; f++)
            if (cz__has_link_table(&model->fields.items[f]))
                describe_link(ctx, state, model, &model->fields.items[f],
                              &list.items[list.count++]);
    }
    return list;
}

/* ---- the way from one to the other ---- */

struct difference {
    cz_ctx *ctx;
    struct described_list before, after;
    const char *app;        /* of the operation */
    const cz_operation *op; /* may be NULL */
    bool backward;
    cz__steps *out;
};

/* What a model or field of the operation's is called in the state after, given its name before. */
static const char *model_becomes(const struct difference *d, const char *app, const char *name)
{
    if (!d->op || d->op->kind != CZ_OPERATION_RENAME_MODEL || strcmp(app, d->app) != 0)
        return name;
    const char *from = d->backward ? d->op->new_name : d->op->model;
    const char *to = d->backward ? d->op->model : d->op->new_name;
    return cz__same_name(name, from) ? to : name;
}

static const char *field_becomes(const struct difference *d, const struct described *table,
                                 const char *name)
{
    if (!d->op || d->op->kind != CZ_OPERATION_RENAME_FIELD || strcmp(table->app, d->app) != 0 ||
        !cz__same_name(table->model, d->op->model))
        return name;
    const char *from = d->backward ? d->op->new_name : d->op->name;
    const char *to = d->backward ? d->op->name : d->op->new_name;
    return cz__same_name(name, from) ? to : name;
}

static struct described *find_after(const struct difference *d, const struct described *before)
{
    const char *model = model_becomes(d, before->app, before->model);
    const char *link = before->link ? field_becomes(d, before, before->link) : NULL;
    for (size_t i = 0; i < d->after.count; i++) {
        struct described *after = &d->after.items[i];
        if (strcmp(after->app, before->app) == 0 && cz__same_name(after->model, model) &&
            cz__same_name(after->link, link))
            return after;
    }
    return NULL;
}

/* The column of `after` that holds what a column of `before` held; NULL: none does. */
static const char *column_becomes(const struct difference *d, const struct described *before,
                                  const struct described *after, size_t column)
{
    if (before->link)
        return after->columns[column].name;
    const char *field = field_becomes(d, before, before->field[column]->name);
    for (size_t i = 0; i < after->table.column_count; i++)
        if (cz__same_name(after->field[i]->name, field))
            return after->columns[i].name;
    return NULL;
}

static cz__schema_step *add_step(struct difference *d, const cz__db_table *before,
                                 const cz__db_table *after)
{
    if (d->out->count == d->out->cap) {
        size_t cap = d->out->cap ? d->out->cap * 2 : 8;
        cz__schema_step *grown = cz_array(d->ctx, cz__schema_step, cap);
        if (d->out->count)
            memcpy(grown, d->out->items, d->out->count * sizeof *grown);
        d->out->items = grown;
        d->out->cap = cap;
    }
    cz__schema_step *step = &d->out->items[d->out->count++];
    *step = (cz__schema_step){ .before = before, .after = after };
    return step;
}

/* A copy of a table as it is now, for a step: `described` goes on changing. */
static const cz__db_table *snapshot(cz_ctx *ctx, const struct described *described)
{
    const cz__db_table *table = &described->table;
    cz__db_table *copy = cz_new(ctx, cz__db_table);
    cz__db_column *columns = cz_array(ctx, cz__db_column, table->column_count + 1);
    cz__db_index *indexes = cz_array(ctx, cz__db_index, table->index_count + 1);
    cz__db_check *checks = cz_array(ctx, cz__db_check, table->check_count + 1);
    const char **together = cz_array(ctx, const char *, table->unique_together_count + 1);
    *copy = *table;
    memcpy(columns, table->columns, table->column_count * sizeof *columns);
    if (table->index_count)
        memcpy(indexes, table->indexes, table->index_count * sizeof *indexes);
    if (table->check_count)
        memcpy(checks, table->checks, table->check_count * sizeof *checks);
    if (table->unique_together_count)
        memcpy(together, table->unique_together, table->unique_together_count * sizeof *together);
    copy->columns = columns;
    copy->indexes = indexes;
    copy->checks = checks;
    copy->unique_together = together;
    return copy;
}

static void rename_table(struct difference *d, struct described *before, const char *to)
{
    const char *from = before->table.name;
    const cz__db_table *was = snapshot(d->ctx, before);
    before->table.name = to;
    for (size_t i = 0; i < d->before.count; i++)
        for (size_t c = 0; c < d->before.items[i].table.column_count; c++) {
            cz__db_column *column = &d->before.items[i].columns[c];
            if (cz__same_name(column->references_table, from))
                column->references_table = to;
        }
    add_step(d, was, snapshot(d->ctx, before))->rename_table = true;
}

const char *cz__rename_in_sql(cz_ctx *ctx, const char *sql, const char *from, const char *to)
{
    if (!sql || strcmp(from, to) == 0)
        return sql;
    cz_str quoted = cz_format(ctx, "\"%s\"", from), rest = cz_str_from(sql), text = CZ_STR("");
    for (;;) {
        size_t at = cz_str_find(rest, quoted);
        if (at == SIZE_MAX)
            return cz_format(ctx, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(rest)).ptr;
        text = cz_format(ctx, "%.*s%.*s\"%s\"", CZ_STR_ARG(text), (int)at, rest.ptr, to);
        rest = cz_str_tail(rest, at + quoted.len);
    }
}

static const char *rename_in_list(cz_ctx *ctx, const char *name, const char *from, const char *to)
{
    bool descending = name[0] == '-';
    if (!cz__same_name(name + descending, from))
        return name;
    return descending ? cz_format(ctx, "-%s", to).ptr : to;
}

static const char *const *rename_in_names(cz_ctx *ctx, const char *const *names, size_t count,
                                          const char *from, const char *to)
{
    const char **renamed = cz_array(ctx, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        renamed[i] = rename_in_list(ctx, names[i], from, to);
    return renamed;
}

static void rename_column(struct difference *d, struct described *before, size_t column,
                          const char *to)
{
    cz_ctx *ctx = d->ctx;
    const char *from = before->columns[column].name;
    const cz__db_table *was = snapshot(ctx, before);
    before->columns[column].name = to;
    for (size_t i = 0; i < before->table.unique_together_count; i++)
        before->together[i] = rename_in_list(ctx, before->together[i], from, to);
    for (size_t i = 0; i < before->table.index_count; i++) {
        cz__db_index *index = &before->indexes[i];
        index->columns = rename_in_names(ctx, index->columns, index->column_count, from, to);
        index->include = rename_in_names(ctx, index->include, index->include_count, from, to);
        index->where = cz__rename_in_sql(ctx, index->where, from, to);
        index->expressions = cz__rename_in_sql(ctx, index->expressions, from, to);
    }
    for (size_t i = 0; i < before->table.check_count; i++)
        before->checks[i].sql = cz__rename_in_sql(ctx, before->checks[i].sql, from, to);
    for (size_t i = 0; i < d->before.count; i++)
        for (size_t c = 0; c < d->before.items[i].table.column_count; c++) {
            cz__db_column *other = &d->before.items[i].columns[c];
            if (cz__same_name(other->references_table, before->table.name) &&
                cz__same_name(other->references_column, from))
                other->references_column = to;
        }
    cz__schema_step *step = add_step(d, was, snapshot(ctx, before));
    step->rename_from = from;
    step->rename_to = to;
}

static void rename_columns(struct difference *d, struct described *before,
                           const struct described *after)
{
    for (size_t i = 0; i < before->table.column_count; i++) {
        const char *to = column_becomes(d, before, after, i);
        if (to && strcmp(to, before->columns[i].name) != 0)
            rename_column(d, before, i, to);
    }
}

/* The database cannot encrypt what is there. */
static void check_sealed(const struct difference *d, const struct described *before,
                         const struct described *after)
{
    for (size_t i = 0; i < after->table.column_count; i++) {
        const cz__db_column *is = &after->columns[i];
        const cz__db_column *was = cz__db_column_find(&before->table, is->name);
        if (was && (was->type ^ is->type) & CZ__DB_SEALED)
            cz_raise(d->ctx, CZ_EVALIDATION,
                     "%s.%s.%s cannot become encrypted, or no longer be: add another field, move "
                     "the values in a CZ_RUN_C, and remove this one",
                     after->app, after->model, after->field[i]->name);
    }
}

void cz__through_unchanged(cz_ctx *ctx, const char *app, const char *model,
                           const cz_state_field *before, const cz_state_field *after)
{
    bool was = before->through != NULL, is = after->through != NULL;
    if (was == is || !(was ? cz__has_link_table(after) : cz__has_link_table(before)))
        return;
    cz_raise(ctx, CZ_EUNSUPPORTED,
             "%s.%s.%s cannot be altered to go through %s: a migration cannot turn links into rows "
             "of a model or back. Add another field, copy the links in a CZ_RUN_C and remove this "
             "one; or keep the table by a CZ_SEPARATE",
             app, model, after->name, is ? after->through : "a table of its own");
}

/* The operation's field, which no step can turn from links of its own into a model's rows. */
static void check_through(cz_ctx *ctx, const cz__state *before, const cz__state *after,
                          const char *app, const cz_operation *op)
{
    if (!op || op->kind != CZ_OPERATION_ALTER_FIELD || !op->fields.count)
        return;
    const cz__state_model *was = cz__state_get(before, app, op->model);
    const cz__state_model *is = cz__state_get(after, app, op->model);
    const char *name = op->fields.items[0].name;
    if (was && is && cz__state_field(was, name) && cz__state_field(is, name))
        cz__through_unchanged(ctx, app, is->name, cz__state_field(was, name),
                              cz__state_field(is, name));
}

/* ---- what rows that are there get ---- */

void cz__fill_refuse(cz_ctx *ctx, const char *app, const char *model, const cz_state_field *field)
{
    cz_raise(ctx, CZ_EVALIDATION,
             "%s.%s.%s is encrypted, and a migration cannot encrypt what the rows that are there "
             "get: add it with .null = true and no default, set it in a CZ_RUN_C, and change it "
             "after that",
             app, model, field->name);
}

void cz__fill_check(cz_ctx *ctx, const cz_state_field *field, const cz_tagged *value)
{
    cz_ignore(param_of(ctx, field, cz__state_type(field), value).kind); /* raises when it is none */
}

/* Rows that are there get nothing in an encrypted column: what a migration writes is written as it is. */
static cz__db_param fill_sealed(const struct difference *d, const struct described *after,
                                const cz_state_field *field, bool is_new)
{
    if (!d->backward && (field->fill.kind || (is_new && field->default_.kind)))
        cz__fill_refuse(d->ctx, after->app, after->model, field);
    return (cz__db_param){ .kind = CZ__PARAM_NULL };
}

static cz__db_param fill_of(const struct difference *d, const struct described *after,
                            const cz_state_field *field, const cz__db_column *column, bool is_new)
{
    if (column->type & CZ__DB_SEALED)
        return fill_sealed(d, after, field, is_new);
    const cz_tagged *value = field->fill.kind ? &field->fill : &field->default_;
    bool is_null_no_more = !is_new && field->db_default.kind;
    if (!value->kind && is_null_no_more && field->db_default.kind != CZ__TAG_SQL)
        value = &field->db_default;
    if (value->kind == CZ__TAG_NOW)
        return (cz__db_param){ .kind = CZ__PARAM_DATETIME, .integer = cz_now().us };
    if (value->kind)
        return param_of(d->ctx, field, column->type, value);
    if (column->null)
        return (cz__db_param){ .kind = CZ__PARAM_NULL };
    if (field->auto_now || field->auto_now_add)
        return (cz__db_param){ .kind = CZ__PARAM_DATETIME, .integer = cz_now().us };
    if (is_new && column->default_.kind)
        return (cz__db_param){ .kind = CZ__PARAM_NULL }; /* the database knows */
    if (d->backward && column->type == CZ__DB_TEXT && !column->unique)
        return (cz__db_param){ .kind = CZ__PARAM_TEXT }; /* a removed text comes back empty */
    return (cz__db_param){ .kind = CZ__PARAM_NULL };
}

static const cz__db_param *fills_of(const struct difference *d, const struct described *before,
                                    const struct described *after)
{
    if (after->link)
        return NULL;
    cz__db_param *fills = cz_array(d->ctx, cz__db_param, after->table.column_count + 1);
    for (size_t i = 0; i < after->table.column_count; i++) {
        const cz__db_column *column = &after->columns[i];
        const cz__db_column *was = cz__db_column_find(&before->table, column->name);
        fills[i] = !was || (was->null && !column->null)
                       ? fill_of(d, after, after->field[i], column, !was)
                       : (cz__db_param){ .kind = CZ__PARAM_NULL };
    }
    return fills;
}

/* ---- all of it ---- */

/* Whether a new table refers to another that is not there yet. */
static bool waits(const struct difference *d, const struct described *table)
{
    for (size_t c = 0; c < table->table.column_count; c++)
        for (size_t i = 0; i < d->after.count; i++) {
            const struct described *other = &d->after.items[i];
            if (!other->taken && other != table &&
                cz__same_name(table->columns[c].references_table, other->table.name))
                return true;
        }
    return false;
}

/* A table after those it refers to; of two that refer to each other the first. */
static void create_tables(struct difference *d)
{
    for (;;) {
        struct described *next = NULL;
        for (size_t i = 0; i < d->after.count && (!next || waits(d, next)); i++)
            if (!d->after.items[i].taken && (!next || !waits(d, &d->after.items[i])))
                next = &d->after.items[i];
        if (!next)
            return;
        next->taken = true;
        add_step(d, NULL, &next->table);
    }
}

/* Whether a table has foreign keys that change their type along with the key they lead to. */
static bool follows_key(const struct described *before, const struct described *after)
{
    for (size_t i = 0; i < after->table.column_count; i++) {
        const cz__db_column *was = cz__db_column_find(&before->table, after->columns[i].name);
        if (was && was->references_table && was->type != after->columns[i].type)
            return true;
    }
    return false;
}

/* The changes of the tables that stay: of their columns, or of the foreign keys that let go for that or hold again
 * (db/schema.h). */
static void change_tables(struct difference *d, struct described **becomes,
                          enum cz__schema_part part)
{
    for (size_t i = 0; i < d->before.count; i++) {
        struct described *before = &d->before.items[i];
        bool parted = becomes[i] && d->out->rekeys && follows_key(before, becomes[i]);
        if (!becomes[i] || (part != CZ__SCHEMA_BETWEEN && !parted))
            continue;
        cz__schema_step *step = add_step(d, snapshot(d->ctx, before), &becomes[i]->table);
        step->fills = fills_of(d, before, becomes[i]);
        step->part = parted ? part : CZ__SCHEMA_WHOLE;
    }
}

void cz__state_steps(cz_ctx *ctx, const cz__state *before, const cz__state *after, const char *app,
                     const cz_operation *op, bool backward, cz__steps *out)
{
    struct difference d = {
        ctx, describe(ctx, before), describe(ctx, after), app, op, backward, out
    };
    check_through(ctx, before, after, app, op);
    out->rekeys = cz__state_rekeys(ctx, before, after, app, op);
    struct described **becomes = cz_array(ctx, struct described *, d.before.count + 1);
    for (size_t i = 0; i < d.before.count; i++) {
        struct described *table = &d.before.items[i];
        becomes[i] = find_after(&d, table);
        if (!becomes[i])
            continue;
        becomes[i]->taken = true;
        if (strcmp(table->table.name, becomes[i]->table.name) != 0)
            rename_table(&d, table, becomes[i]->table.name);
    }
    for (size_t i = 0; i < d.before.count; i++)
        if (becomes[i]) {
            rename_columns(&d, &d.before.items[i], becomes[i]);
            check_sealed(&d, &d.before.items[i], becomes[i]);
        }
    create_tables(&d);
    if (out->rekeys)
        change_tables(&d, becomes, CZ__SCHEMA_LETS_GO);
    change_tables(&d, becomes, CZ__SCHEMA_BETWEEN);
    if (out->rekeys)
        change_tables(&d, becomes, CZ__SCHEMA_HOLDS);
    for (size_t i = d.before.count; i-- > 0;)
        if (!becomes[i])
            add_step(&d, snapshot(ctx, &d.before.items[i]), NULL);
}
