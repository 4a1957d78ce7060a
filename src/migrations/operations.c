/* What each operation does to the state, and how it is told. What it does to the database follows from the
 * state before and after (tables.c). */
#include "migrations/migrations_internal.h"

void cz_run_nothing(cz_ctx *ctx, const cz_history *history)
{
    (void)ctx;
    (void)history;
}

/* ---- applying ---- */

struct change {
    cz_ctx *ctx;
    cz__state *state;
    const char *app;
    const cz_operation *op;
};

/* The operation's model, as a copy that may be changed and stands in the state. */
static cz__state_model *model_to_change(const struct change *c)
{
    size_t at = cz__state_find(c->state, c->app, c->op->model);
    if (at == SIZE_MAX)
        cz_raise(c->ctx, CZ_EVALIDATION, "%s: there is no model %s.%s then",
                 cz__operation_describe(c->ctx, c->op), c->app, c->op->model);
    cz__state_model *copy = cz_new(c->ctx, cz__state_model);
    *copy = *c->state->models[at];
    c->state->models[at] = copy;
    return copy;
}

static void check_field(const struct change *c, const cz_state_field *field)
{
    cz_field_kind kind = cz__kind_of(field->kind);
    if (kind == CZ_KIND_COUNT || kind == CZ_KIND_reverse || kind == CZ_KIND_many_to_many_reverse)
        cz_raise(c->ctx, CZ_EVALIDATION, "%s.%s: field %s: \"%s\" is no kind of field with a table",
                 c->app, c->op->model, field->name, field->kind ? field->kind : "");
    if (cz__kind_is_relation(field->kind) != (field->to != NULL))
        cz_raise(c->ctx, CZ_EVALIDATION, "%s.%s: field %s: .to is for relations, and they need it",
                 c->app, c->op->model, field->name);
    if (field->through && kind != CZ_KIND_many_to_many)
        cz_raise(c->ctx, CZ_EVALIDATION, "%s.%s: field %s: .through is for many-to-many relations",
                 c->app, c->op->model, field->name);
    if (field->table && !cz__has_link_table(field))
        cz_raise(c->ctx, CZ_EVALIDATION,
                 "%s.%s: field %s: .table is for many-to-many relations without .through", c->app,
                 c->op->model, field->name);
}

static void create_model(const struct change *c)
{
    const cz_operation *op = c->op;
    if (cz__state_get(c->state, c->app, op->model))
        cz_raise(c->ctx, CZ_EVALIDATION, "%s: %s.%s is there already",
                 cz__operation_describe(c->ctx, op), c->app, op->model);
    if (!op->fields.count || !op->fields.items[0].primary_key)
        cz_raise(c->ctx, CZ_EVALIDATION,
                 "%s.%s: a model's first field is its key, with .primary_key = true", c->app,
                 op->model);
    for (size_t i = 0; i < op->fields.count; i++)
        check_field(c, &op->fields.items[i]);
    cz__state_model *model = cz_new(c->ctx, cz__state_model);
    *model = (cz__state_model){ .app = c->app,
                                .name = op->model,
                                .table = op->table,
                                .unmanaged = op->unmanaged,
                                .alias = op->alias,
                                .fields = op->fields,
                                .unique_together = op->unique_together,
                                .indexes = op->indexes,
                                .constraints = op->constraints };
    cz__state_add(c->ctx, c->state, model);
}

static void delete_model(const struct change *c)
{
    cz_ignore(model_to_change(c)); /* raises when it is not there */
    size_t at = cz__state_find(c->state, c->app, c->op->model);
    memmove(&c->state->models[at], &c->state->models[at + 1],
            (c->state->count - at - 1) * sizeof *c->state->models);
    c->state->count--;
}

/* Point every relation to a model's new name. */
static void repoint(const struct change *c, const char *from, const char *to)
{
    for (size_t i = 0; i < c->state->count; i++) {
        const cz__state_model *model = c->state->models[i];
        cz_state_field *fields = NULL;
        for (size_t f = 0; f < model->fields.count; f++) {
            const cz_state_field *field = &model->fields.items[f];
            if (!cz__same_name(field->to, from) && !cz__same_name(field->through, from))
                continue;
            if (!fields) {
                fields = cz_array(c->ctx, cz_state_field, model->fields.count);
                memcpy(fields, model->fields.items, model->fields.count * sizeof *fields);
            }
            fields[f].to = cz__same_name(field->to, from) ? to : field->to;
            fields[f].through = cz__same_name(field->through, from) ? to : field->through;
        }
        if (!fields)
            continue;
        cz__state_model *copy = cz_new(c->ctx, cz__state_model);
        *copy = *model;
        copy->fields.items = fields;
        c->state->models[i] = copy;
    }
}

static void rename_model(const struct change *c)
{
    const char *from = cz_format(c->ctx, "%s.%s", c->app, c->op->model).ptr;
    const char *to = cz_format(c->ctx, "%s.%s", c->app, c->op->new_name).ptr;
    if (!cz__same_name(from, to) && cz__state_get(c->state, c->app, c->op->new_name))
        cz_raise(c->ctx, CZ_EVALIDATION, "%s: %s is there already",
                 cz__operation_describe(c->ctx, c->op), to);
    model_to_change(c)->name = c->op->new_name;
    repoint(c, from, to);
}

/* The model's fields with room for `more`, which may be changed. */
static cz_state_field *fields_to_change(const struct change *c, cz__state_model *model, size_t more)
{
    cz_state_field *fields = cz_array(c->ctx, cz_state_field, model->fields.count + more);
    memcpy(fields, model->fields.items, model->fields.count * sizeof *fields);
    model->fields.items = fields;
    return fields;
}

static size_t find_field(const struct change *c, const cz__state_model *model, const char *name)
{
    const cz_state_field *field = cz__state_field(model, name);
    if (!field)
        cz_raise(c->ctx, CZ_EVALIDATION, "%s: %s.%s has no field %s then",
                 cz__operation_describe(c->ctx, c->op), c->app, c->op->model, name);
    return (size_t)(field - model->fields.items);
}

static const cz_state_field *own_field(const struct change *c)
{
    if (c->op->fields.count != 1)
        cz_raise(c->ctx, CZ_EVALIDATION, "an operation on %s.%s needs exactly one field", c->app,
                 c->op->model);
    check_field(c, &c->op->fields.items[0]);
    return &c->op->fields.items[0];
}

static void add_field(const struct change *c)
{
    const cz_state_field *field = own_field(c);
    cz__state_model *model = model_to_change(c);
    if (cz__state_field(model, field->name))
        cz_raise(c->ctx, CZ_EVALIDATION, "%s: it is there already",
                 cz__operation_describe(c->ctx, c->op));
    fields_to_change(c, model, 1)[model->fields.count] = *field;
    model->fields.count++;
}

static void remove_field(const struct change *c)
{
    cz__state_model *model = model_to_change(c);
    size_t at = find_field(c, model, c->op->name);
    cz_state_field *fields = fields_to_change(c, model, 0);
    model->fields.count--;
    memmove(&fields[at], &fields[at + 1], (model->fields.count - at) * sizeof *fields);
}

static void alter_field(const struct change *c)
{
    const cz_state_field *field = own_field(c);
    cz__state_model *model = model_to_change(c);
    size_t at = find_field(c, model, field->name);
    fields_to_change(c, model, 0)[at] = *field;
}

static const char *renamed(const struct change *c, const char *name)
{
    bool descending = name[0] == '-';
    if (!cz__same_name(name + descending, c->op->name))
        return name;
    return descending ? cz_format(c->ctx, "-%s", c->op->new_name).ptr : c->op->new_name;
}

static cz_names renamed_names(const struct change *c, const cz_names *names)
{
    const char **items = cz_array(c->ctx, const char *, names->count + 1);
    for (size_t i = 0; i < names->count; i++)
        items[i] = renamed(c, names->items[i]);
    return (cz_names){ items, names->count };
}

static void rename_field(const struct change *c)
{
    cz__state_model *model = model_to_change(c);
    size_t at = find_field(c, model, c->op->name);
    if (!cz__same_name(c->op->name, c->op->new_name) && cz__state_field(model, c->op->new_name))
        cz_raise(c->ctx, CZ_EVALIDATION, "%s: %s is there already",
                 cz__operation_describe(c->ctx, c->op), c->op->new_name);
    cz_state_field *fields = fields_to_change(c, model, 0);
    const char *from = cz__state_column(c->ctx, &fields[at]);
    fields[at].name = c->op->new_name;
    const char *to = cz__state_column(c->ctx, &fields[at]);
    model->unique_together = renamed_names(c, &model->unique_together);
    cz_state_index *indexes = cz_array(c->ctx, cz_state_index, model->indexes.count + 1);
    for (size_t i = 0; i < model->indexes.count; i++) {
        indexes[i] = model->indexes.items[i];
        indexes[i].fields = renamed_names(c, &indexes[i].fields);
        indexes[i].include = renamed_names(c, &indexes[i].include);
        indexes[i].condition = cz__rename_in_sql(c->ctx, indexes[i].condition, from, to);
        indexes[i].expressions = cz__rename_in_sql(c->ctx, indexes[i].expressions, from, to);
    }
    model->indexes.items = indexes;
    cz_state_constraint *constraints =
        cz_array(c->ctx, cz_state_constraint, model->constraints.count + 1);
    for (size_t i = 0; i < model->constraints.count; i++) {
        constraints[i] = model->constraints.items[i];
        constraints[i].fields = renamed_names(c, &constraints[i].fields);
        constraints[i].condition = cz__rename_in_sql(c->ctx, constraints[i].condition, from, to);
        constraints[i].check = cz__rename_in_sql(c->ctx, constraints[i].check, from, to);
        constraints[i].expressions =
            cz__rename_in_sql(c->ctx, constraints[i].expressions, from, to);
    }
    model->constraints.items = constraints;
}

static CZ_NORETURN void no_such(const struct change *c)
{
    cz_raise(c->ctx, CZ_EVALIDATION, "%s: %s.%s has none of that name then",
             cz__operation_describe(c->ctx, c->op), c->app, c->op->model);
}

/* The model's indexes with room for one more, which may be changed; `*out_at` is the place of the one
 * called `name`, or the end. */
static cz_state_index *indexes_to_change(const struct change *c, cz__state_model *model,
                                         const char *name, size_t *out_at)
{
    size_t count = model->indexes.count;
    cz_state_index *indexes = cz_array(c->ctx, cz_state_index, count + 1);
    *out_at = count;
    for (size_t i = 0; i < count; i++) {
        indexes[i] = model->indexes.items[i];
        if (cz__same_name(indexes[i].name, name))
            *out_at = i;
    }
    model->indexes.items = indexes;
    return indexes;
}

static void change_index(const struct change *c)
{
    cz__state_model *model = model_to_change(c);
    bool adds = c->op->kind == CZ_OPERATION_ADD_INDEX;
    if (adds && c->op->indexes.count != 1)
        cz_raise(c->ctx, CZ_EVALIDATION, "an index of %s.%s: exactly one is needed", c->app,
                 c->op->model);
    size_t at;
    cz_state_index *indexes =
        indexes_to_change(c, model, adds ? c->op->indexes.items[0].name : c->op->name, &at);
    bool found = at < model->indexes.count;
    if (adds ? found : !found)
        no_such(c);
    if (adds) {
        indexes[model->indexes.count++] = c->op->indexes.items[0];
    } else if (c->op->kind == CZ_OPERATION_RENAME_INDEX) {
        indexes[at].name = c->op->new_name;
    } else {
        model->indexes.count--;
        memmove(&indexes[at], &indexes[at + 1], (model->indexes.count - at) * sizeof *indexes);
    }
}

static void check_constraint(const struct change *c, const cz_state_constraint *constraint)
{
    if ((constraint->fields.count > 0) + (constraint->expressions != NULL) +
            (constraint->check != NULL) !=
        1)
        cz_raise(c->ctx, CZ_EVALIDATION,
                 "%s: a constraint has one of .fields, .expressions and .check",
                 cz__operation_describe(c->ctx, c->op));
}

static void change_constraint(const struct change *c)
{
    cz__state_model *model = model_to_change(c);
    bool adds = c->op->kind == CZ_OPERATION_ADD_CONSTRAINT;
    if (adds && c->op->constraints.count != 1)
        cz_raise(c->ctx, CZ_EVALIDATION, "a constraint of %s.%s: exactly one is needed", c->app,
                 c->op->model);
    if (adds)
        check_constraint(c, &c->op->constraints.items[0]);
    const char *name = adds ? c->op->constraints.items[0].name : c->op->name;
    size_t count = model->constraints.count, at = count;
    cz_state_constraint *constraints = cz_array(c->ctx, cz_state_constraint, count + 1);
    for (size_t i = 0; i < count; i++) {
        constraints[i] = model->constraints.items[i];
        if (cz__same_name(constraints[i].name, name))
            at = i;
    }
    if (adds ? at < count : at == count)
        no_such(c);
    model->constraints.items = constraints;
    if (adds) {
        constraints[count] = c->op->constraints.items[0];
        model->constraints.count++;
    } else {
        model->constraints.count--;
        memmove(&constraints[at], &constraints[at + 1], (count - at - 1) * sizeof *constraints);
    }
}

void cz__operation_apply(cz_ctx *ctx, cz__state *state, const char *app, const cz_operation *op)
{
    struct change c = { ctx, state, app, op };
    switch (op->kind) {
    case CZ_OPERATION_CREATE_MODEL:
        create_model(&c);
        return;
    case CZ_OPERATION_DELETE_MODEL:
        delete_model(&c);
        return;
    case CZ_OPERATION_RENAME_MODEL:
        rename_model(&c);
        return;
    case CZ_OPERATION_ALTER_TABLE:
        model_to_change(&c)->table = op->table;
        return;
    case CZ_OPERATION_ALTER_OPTIONS:
        model_to_change(&c)->unmanaged = op->unmanaged;
        return;
    case CZ_OPERATION_ALTER_UNIQUE_TOGETHER:
        model_to_change(&c)->unique_together = op->unique_together;
        return;
    case CZ_OPERATION_ADD_FIELD:
        add_field(&c);
        return;
    case CZ_OPERATION_REMOVE_FIELD:
        remove_field(&c);
        return;
    case CZ_OPERATION_ALTER_FIELD:
        alter_field(&c);
        return;
    case CZ_OPERATION_RENAME_FIELD:
        rename_field(&c);
        return;
    case CZ_OPERATION_ADD_INDEX:
    case CZ_OPERATION_REMOVE_INDEX:
    case CZ_OPERATION_RENAME_INDEX:
        change_index(&c);
        return;
    case CZ_OPERATION_ADD_CONSTRAINT:
    case CZ_OPERATION_REMOVE_CONSTRAINT:
        change_constraint(&c);
        return;
    case CZ_OPERATION_RUN_SQL:
    case CZ_OPERATION_RUN_C:
        return;
    case CZ_OPERATION_SEPARATE:
        for (size_t i = 0; i < op->state_operations.count; i++)
            cz__operation_apply(ctx, state, app, &op->state_operations.items[i]);
        return;
    }
    cz_raise(ctx, CZ_EVALIDATION, "a migration of %s has an operation of no kind", app);
}

/* ---- telling ---- */

const char *cz__operation_describe(cz_ctx *ctx, const cz_operation *op)
{
    const char *field = op->fields.count ? op->fields.items[0].name : "";
    switch (op->kind) {
    case CZ_OPERATION_CREATE_MODEL:
        return cz_format(ctx, "Create model %s", op->model).ptr;
    case CZ_OPERATION_DELETE_MODEL:
        return cz_format(ctx, "Delete model %s", op->model).ptr;
    case CZ_OPERATION_RENAME_MODEL:
        return cz_format(ctx, "Rename model %s to %s", op->model, op->new_name).ptr;
    case CZ_OPERATION_ALTER_TABLE:
        return cz_format(ctx, "Rename table of %s to %s", op->model,
                         op->table ? op->table : "its own name")
            .ptr;
    case CZ_OPERATION_ALTER_OPTIONS:
        return cz_format(ctx, "Change options of %s", op->model).ptr;
    case CZ_OPERATION_ALTER_UNIQUE_TOGETHER:
        return cz_format(ctx, "Alter unique_together of %s", op->model).ptr;
    case CZ_OPERATION_ADD_FIELD:
        return cz_format(ctx, "Add field %s to %s", field, op->model).ptr;
    case CZ_OPERATION_REMOVE_FIELD:
        return cz_format(ctx, "Remove field %s from %s", op->name, op->model).ptr;
    case CZ_OPERATION_ALTER_FIELD:
        return cz_format(ctx, "Alter field %s on %s", field, op->model).ptr;
    case CZ_OPERATION_RENAME_FIELD:
        return cz_format(ctx, "Rename field %s on %s to %s", op->name, op->model, op->new_name).ptr;
    case CZ_OPERATION_ADD_INDEX:
        return cz_format(ctx, "Create index %s on %s",
                         op->indexes.count ? op->indexes.items[0].name : "", op->model)
            .ptr;
    case CZ_OPERATION_REMOVE_INDEX:
        return cz_format(ctx, "Remove index %s from %s", op->name, op->model).ptr;
    case CZ_OPERATION_RENAME_INDEX:
        return cz_format(ctx, "Rename index %s on %s to %s", op->name, op->model, op->new_name).ptr;
    case CZ_OPERATION_ADD_CONSTRAINT:
        return cz_format(ctx, "Create constraint %s on %s",
                         op->constraints.count ? op->constraints.items[0].name : "", op->model)
            .ptr;
    case CZ_OPERATION_REMOVE_CONSTRAINT:
        return cz_format(ctx, "Remove constraint %s from %s", op->name, op->model).ptr;
    case CZ_OPERATION_RUN_SQL:
        return "Run SQL";
    case CZ_OPERATION_RUN_C:
        return "Run a C function";
    case CZ_OPERATION_SEPARATE:
        return "Change the database and the models' state apart";
    }
    return "An operation of no kind";
}

/* Small letters, digits and underscores: it becomes a file's name, and an index may be called anything. */
static const char *name_of_file(cz_ctx *ctx, const char *text)
{
    size_t len = strlen(text);
    char *name = cz_alloc(ctx, len + 1);
    memcpy(name, cz__lower(ctx, text), len + 1);
    for (char *c = name; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9'))
            *c = '_';
    return name;
}

const char *cz__operation_fragment(cz_ctx *ctx, const cz_operation *op)
{
    const char *text = NULL, *field = op->fields.count ? op->fields.items[0].name : "";
    switch (op->kind) {
    case CZ_OPERATION_CREATE_MODEL:
        text = op->model;
        break;
    case CZ_OPERATION_DELETE_MODEL:
        text = cz_format(ctx, "delete_%s", op->model).ptr;
        break;
    case CZ_OPERATION_RENAME_MODEL:
        text = cz_format(ctx, "rename_%s_%s", op->model, op->new_name).ptr;
        break;
    case CZ_OPERATION_ALTER_TABLE:
        text = cz_format(ctx, "alter_%s_table", op->model).ptr;
        break;
    case CZ_OPERATION_ALTER_OPTIONS:
        text = cz_format(ctx, "alter_%s_options", op->model).ptr;
        break;
    case CZ_OPERATION_ALTER_UNIQUE_TOGETHER:
        text = cz_format(ctx, "alter_%s_unique_together", op->model).ptr;
        break;
    case CZ_OPERATION_ADD_FIELD:
        text = cz_format(ctx, "%s_%s", op->model, field).ptr;
        break;
    case CZ_OPERATION_REMOVE_FIELD:
        text = cz_format(ctx, "remove_%s_%s", op->model, op->name).ptr;
        break;
    case CZ_OPERATION_ALTER_FIELD:
        text = cz_format(ctx, "alter_%s_%s", op->model, field).ptr;
        break;
    case CZ_OPERATION_RENAME_FIELD:
        text = cz_format(ctx, "rename_%s_%s_%s", op->name, op->model, op->new_name).ptr;
        break;
    case CZ_OPERATION_ADD_INDEX:
        text = cz_format(ctx, "%s_%s", op->model, op->indexes.items[0].name).ptr;
        break;
    case CZ_OPERATION_REMOVE_INDEX:
    case CZ_OPERATION_REMOVE_CONSTRAINT:
        text = cz_format(ctx, "remove_%s_%s", op->model, op->name).ptr;
        break;
    case CZ_OPERATION_RENAME_INDEX:
        text = cz_format(ctx, "rename_%s_%s", op->name, op->new_name).ptr;
        break;
    case CZ_OPERATION_ADD_CONSTRAINT:
        text = cz_format(ctx, "%s_%s", op->model, op->constraints.items[0].name).ptr;
        break;
    case CZ_OPERATION_RUN_SQL:
    case CZ_OPERATION_RUN_C:
    case CZ_OPERATION_SEPARATE:
        return NULL;
    }
    return text ? name_of_file(ctx, text) : NULL;
}

bool cz__operation_is_reversible(const cz_operation *op)
{
    if (op->kind == CZ_OPERATION_RUN_SQL)
        return op->reverse_sql != NULL;
    if (op->kind == CZ_OPERATION_RUN_C)
        return op->reverse != NULL;
    for (size_t i = 0; i < op->database_operations.count; i++)
        if (!cz__operation_is_reversible(&op->database_operations.items[i]))
            return false;
    return true;
}
