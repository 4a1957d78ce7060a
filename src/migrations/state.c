/* All models at one time: from the project's declarations, or built by operations. */
#include "migrations/migrations_internal.h"

/* ---- names and kinds ---- */

static const char *const kind_names[CZ_KIND_COUNT] = {
#define X(kind, ...) [CZ_KIND_##kind] = #kind,
    CZ_COLUMN_KIND_MAP(X)
#undef X
#define X(kind) [CZ_KIND_##kind] = #kind,
        CZ_RELATION_KIND_MAP(X)
#undef X
};

cz_field_kind cz__kind_of(const char *name)
{
    for (int kind = 0; name && kind < CZ_KIND_COUNT; kind++)
        if (strcmp(kind_names[kind], name) == 0)
            return (cz_field_kind)kind;
    return CZ_KIND_COUNT;
}

const char *cz__kind_name(cz_field_kind kind)
{
    return kind_names[kind];
}

bool cz__kind_is_relation(const char *kind)
{
    cz_field_kind known = cz__kind_of(kind);
    return known == CZ_KIND_foreign_key || known == CZ_KIND_one_to_one ||
           known == CZ_KIND_many_to_many;
}

bool cz__has_link_table(const cz_state_field *field)
{
    return cz__kind_of(field->kind) == CZ_KIND_many_to_many && !field->through;
}

bool cz__kind_is_stored(const char *kind)
{
    return cz__kind_of(kind) <= CZ_KIND_one_to_one;
}

bool cz__same_name(const char *a, const char *b)
{
    return a && b ? cz_str_eq_icase(cz_str_from(a), cz_str_from(b)) : a == b;
}

const char *cz__lower(cz_ctx *ctx, const char *text)
{
    char *copy = cz_alloc(ctx, strlen(text) + 1);
    size_t i = 0;
    for (; text[i]; i++)
        copy[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
    copy[i] = '\0';
    return copy;
}

/* ---- a state ---- */

cz__state *cz__state_copy(cz_ctx *ctx, const cz__state *state)
{
    cz__state *copy = cz_new(ctx, cz__state);
    copy->models = cz_array(ctx, const cz__state_model *, state->count + 1);
    copy->count = state->count;
    if (state->count)
        memcpy(copy->models, state->models, state->count * sizeof *copy->models);
    return copy;
}

size_t cz__state_find(const cz__state *state, const char *app, const char *name)
{
    for (size_t i = 0; i < state->count; i++)
        if (strcmp(state->models[i]->app, app) == 0 && cz__same_name(state->models[i]->name, name))
            return i;
    return SIZE_MAX;
}

const cz__state_model *cz__state_get(const cz__state *state, const char *app, const char *name)
{
    size_t at = cz__state_find(state, app, name);
    return at == SIZE_MAX ? NULL : state->models[at];
}

void cz__state_add(cz_ctx *ctx, cz__state *state, const cz__state_model *model)
{
    const cz__state_model **grown = cz_array(ctx, const cz__state_model *, state->count + 1);
    if (state->count)
        memcpy(grown, state->models, state->count * sizeof *grown);
    grown[state->count++] = model;
    state->models = grown;
}

const cz_state_field *cz__state_field(const cz__state_model *model, const char *name)
{
    for (size_t i = 0; i < model->fields.count; i++)
        if (cz__same_name(model->fields.items[i].name, name))
            return &model->fields.items[i];
    return NULL;
}

const cz__state_model *cz__state_target(const cz__state *state, const cz_state_field *field)
{
    cz_str name = cz_str_from(field->to), app = cz_str_cut(&name, '.');
    for (size_t i = 0; i < state->count; i++)
        if (cz_str_eq(cz_str_from(state->models[i]->app), app) &&
            cz_str_eq_icase(cz_str_from(state->models[i]->name), name))
            return state->models[i];
    return NULL;
}

const char *cz__state_table(cz_ctx *ctx, const cz__state_model *model)
{
    if (model->table)
        return model->table;
    return cz_format(ctx, "%s_%s", model->app, cz__lower(ctx, model->name)).ptr;
}

const char *cz__state_link_table(cz_ctx *ctx, const cz__state_model *model,
                                 const cz_state_field *field)
{
    if (field->table)
        return field->table;
    return cz_format(ctx, "%s_%s", cz__state_table(ctx, model), field->name).ptr;
}

/* ---- from the project's models ---- */

/* A proxy is known by the model whose table it has: there is nothing to migrate about it. */
static const char *full_name(cz_ctx *ctx, const cz_model *model)
{
    model = model->state->concrete;
    return cz_format(ctx, "%s.%s", model->state->app, model->name).ptr;
}

static void field_of(cz_ctx *ctx, const cz__column *column, bool is_key, cz_state_field *out)
{
    const cz_field_options *options = &column->field->options;
    *out = (cz_state_field){ .name = column->field->name,
                             .kind = cz__kind_name(column->field->kind),
                             .primary_key = is_key };
#define X(type, member) out->member = options->member;
    CZ_STATE_OPTION_MAP(X)
#undef X
    out->django = column->type & (CZ__DB_AS_NUMBER | CZ__DB_AS_DIGITS) && !column->relation;
    out->max_length =
        column->max_length; /* as it works out: 255 for a char_field that names none */
    if (options->blank && !options->null && !options->default_.kind && column->type == CZ__DB_TEXT)
        out->fill = (cz_tagged)cz_text(""); /* it may be empty, so it is in rows that are there */
    if (column->type & CZ__DB_CHOSEN && options->default_.kind == CZ__TAG_INT)
        out->default_ = (cz_tagged)cz_text(options->choices.items[options->default_.integer].value);
    if (column->type & CZ__DB_CHOSEN && options->db_default.kind == CZ__TAG_INT)
        out->db_default =
            (cz_tagged)cz_text(options->choices.items[options->db_default.integer].value);
    const cz_model *target = column->field->target;
    if (target)
        out->to = full_name(ctx, target);
    if (column->through)
        out->through = full_name(ctx, column->through);
}

static cz_names names_of(cz_ctx *ctx, const cz_model *model, const cz_fields *fields)
{
    const char **names = cz_array(ctx, const char *, fields->count + 1);
    for (size_t i = 0; i < fields->count; i++) /* "author_id" is the field "author" */
        names[i] = cz__column_find(model, fields->items[i])->field->name;
    return (cz_names){ names, fields->count };
}

static void copy_meta(cz_ctx *ctx, const cz_model *model, cz__state_model *out)
{
    const cz_meta *meta = &model->meta;
    cz_state_index *indexes = cz_array(ctx, cz_state_index, meta->indexes.count + 1);
    cz_state_constraint *constraints =
        cz_array(ctx, cz_state_constraint, meta->constraints.count + 1);
    for (size_t i = 0; i < meta->indexes.count; i++) {
        const cz_index *index = &meta->indexes.items[i];
        indexes[i] = (cz_state_index){ .name = cz__index_name(ctx, model, index),
                                       .condition = index->condition,
                                       .expressions = index->expressions,
                                       .include = names_of(ctx, model, &index->include),
                                       .method = index->method,
                                       .search = index->search,
                                       .weights = index->weights };
        indexes[i].fields.items =
            cz__index_columns(ctx, model, index, true, &indexes[i].fields.count);
    }
    for (size_t i = 0; i < meta->constraints.count; i++) {
        const cz_constraint *constraint = &meta->constraints.items[i];
        constraints[i] =
            (cz_state_constraint){ constraint->name, names_of(ctx, model, &constraint->unique),
                                   constraint->condition, constraint->check,
                                   constraint->expressions };
    }
    out->indexes = (cz_state_index_list){ indexes, meta->indexes.count };
    out->constraints = (cz_state_constraint_list){ constraints, meta->constraints.count };
}

static const cz__state_model *model_of(cz_ctx *ctx, const cz_model *model)
{
    const struct cz__model_state *state = model->state;
    cz__state_model *out = cz_new(ctx, cz__state_model);
    out->app = state->app;
    out->name = model->name;
    out->table = model->meta.table;
    out->unmanaged = model->meta.unmanaged;
    out->alias = model->meta.database;
    cz_state_field *fields = cz_array(ctx, cz_state_field, state->column_count);
    size_t count = 0;
    for (uint16_t i = 0; i < state->column_count; i++) {
        cz_field_kind kind = state->columns[i].field->kind;
        if (kind != CZ_KIND_reverse && kind != CZ_KIND_many_to_many_reverse)
            field_of(ctx, &state->columns[i], i == 0, &fields[count++]);
    }
    out->fields = (cz_state_field_list){ fields, count };
    out->unique_together = names_of(ctx, model, &model->meta.unique_together);
    copy_meta(ctx, model, out);
    return out;
}

cz__state *cz__state_of_models(cz_ctx *ctx)
{
    cz__state *state = cz_new(ctx, cz__state);
    state->models = cz_array(ctx, const cz__state_model *, cz__models_count() + 1);
    for (size_t i = 0; i < cz__models_count(); i++)
        if (!cz__models_at(i)->proxy_of)
            state->models[state->count++] = model_of(ctx, cz__models_at(i));
    return state;
}

/* ---- comparing ---- */

static bool is_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool cz__tagged_eq(const cz_tagged *a, const cz_tagged *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CZ__TAG_REAL:
        return a->real <= b->real && a->real >= b->real;
    case CZ__TAG_TEXT:
    case CZ__TAG_SQL:
        return is_text(a->text, b->text);
    default:
        return a->integer == b->integer;
    }
}

bool cz__names_eq(const cz_names *a, const cz_names *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!cz__same_name(a->items[i], b->items[i]))
            return false;
    return true;
}

bool cz__state_field_eq(const cz_state_field *a, const cz_state_field *b)
{
#define EQ_NUMBER(member) (a->member == b->member)
#define EQ_SMALL EQ_NUMBER
#define EQ_FLAG EQ_NUMBER
#define EQ_ON_DELETE EQ_NUMBER
#define EQ_VALUE(member) cz__tagged_eq(&a->member, &b->member)
#define EQ_TEXT(member) is_text(a->member, b->member)
#define X(type, member)                                                                            \
    if (!EQ_##type(member))                                                                        \
        return false;
    CZ_STATE_OPTION_MAP(X)
#undef X
    return strcmp(a->kind, b->kind) == 0 && cz__same_name(a->to, b->to) &&
           cz__same_name(a->through, b->through) && a->primary_key == b->primary_key;
}

bool cz__state_index_eq(const cz_state_index *a, const cz_state_index *b)
{
    return cz__names_eq(&a->fields, &b->fields) && is_text(a->condition, b->condition) &&
           is_text(a->expressions, b->expressions) && cz__names_eq(&a->include, &b->include) &&
           is_text(a->method, b->method) && is_text(a->search, b->search) &&
           is_text(a->weights, b->weights);
}

bool cz__state_constraint_eq(const cz_state_constraint *a, const cz_state_constraint *b)
{
    return cz__names_eq(&a->fields, &b->fields) && is_text(a->condition, b->condition) &&
           is_text(a->check, b->check) && is_text(a->expressions, b->expressions);
}
