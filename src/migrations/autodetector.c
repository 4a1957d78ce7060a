/* The operations that lead from one state to another.
 *
 * Each app gets at most two migrations: in the first everything that depends on no app that comes later;
 * in the second what two apps need of each other (a foreign key each) and models that can go only once
 * another app lets go of them. Inside one, operations come in Django's order: renames, new models, what is
 * taken away, what is added, what is altered, indexes and constraints, and models that go. */
#include "migrations/autodetector.h"
#include "migrations/linter.h"
#include "migrations/migrations_internal.h"
#include <calzone/json.h>

enum { NAME_CHARS_MAX = 52 };

struct operations {
    cz_operation *items;
    size_t count, cap;
};

struct work { /* of one app */
    const char *app;
    struct operations first, second;
    bool done; /* its first operations are all there */
    const char **needs_now;
    size_t needs_now_count; /* apps whose first migration of this run comes before the first */
    const char **uses;
    size_t second_done; /* when its last operation was found */
    size_t uses_count;  /* apps of which what there was before this run is enough */
    const char **needs_later;
    size_t needs_later_count; /* and before the second */
};

struct detector {
    cz_ctx *ctx;
    const cz__graph *graph;
    const cz__answers *answers;
    cz__state *start;    /* what the migrations give */
    cz__state *from;     /* the same, changed by each operation as it is found */
    const cz__state *to; /* the models */
    struct work *apps;
    size_t app_count;
    size_t pushed; /* operations of second migrations */
};

/* ---- collecting ---- */

static void push(struct detector *d, struct work *work, bool later, cz_operation op)
{
    struct operations *list = later ? &work->second : &work->first;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        cz_operation *grown = cz_array(d->ctx, cz_operation, cap);
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->count++] = op;
    if (later)
        work->second_done = ++d->pushed;
    cz__operation_apply(d->ctx, d->from, work->app, &op);
}

static void need(struct detector *d, const char ***list, size_t *count, const char *app)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*list)[i], app) == 0)
            return;
    const char **grown = cz_array(d->ctx, const char *, *count + 1);
    if (*count)
        memcpy(grown, *list, *count * sizeof *grown);
    grown[(*count)++] = app;
    *list = grown;
}

static void need_app(struct detector *d, struct work *work, bool later, const char *app)
{
    if (strcmp(app, work->app) == 0)
        return;
    if (later)
        need(d, &work->needs_later, &work->needs_later_count, app);
    else
        need(d, &work->needs_now, &work->needs_now_count, app);
}

/* The app of what a field leads to. What was there before this run needs no migration of it, so that two apps may
 * each refer to what the other has had. */
static void need_target(struct detector *d, struct work *work, bool later,
                        const cz_state_field *field)
{
    cz_str rest = cz_str_from(field->to);
    const char *app = cz_copy(d->ctx, cz_str_cut(&rest, '.')).ptr;
    if (!later && cz__state_target(d->start, field) && strcmp(app, work->app) != 0)
        need(d, &work->uses, &work->uses_count, app);
    else
        need_app(d, work, later, app);
}

static cz_state_field_list one_field(struct detector *d, const cz_state_field *field)
{
    cz_state_field *copy = cz_new(d->ctx, cz_state_field);
    *copy = *field;
    return (cz_state_field_list){ copy, 1 };
}

/* ---- renames ---- */

/* Whether two fields of models are alike but for names; a relation to the model itself counts as alike. */
static bool fields_alike(const struct detector *d, const cz__state_model *was,
                         const cz__state_model *is)
{
    if (was->fields.count != is->fields.count)
        return false;
    const char *old_self = cz_format(d->ctx, "%s.%s", was->app, was->name).ptr;
    const char *new_self = cz_format(d->ctx, "%s.%s", is->app, is->name).ptr;
    for (size_t i = 0; i < was->fields.count; i++) {
        cz_state_field a = was->fields.items[i];
        const cz_state_field *b = cz__state_field(is, a.name);
        if (a.to && cz__same_name(a.to, old_self))
            a.to = new_self;
        if (a.through && cz__same_name(a.through, old_self))
            a.through = new_self;
        if (!b || !cz__state_field_eq(&a, b))
            return false;
    }
    return true;
}

static void rename_models(struct detector *d, struct work *work)
{
    for (size_t i = 0; i < d->to->count; i++) {
        const cz__state_model *is = d->to->models[i];
        if (strcmp(is->app, work->app) != 0 || cz__state_get(d->from, is->app, is->name))
            continue;
        for (size_t w = 0; w < d->from->count; w++) {
            const cz__state_model *was = d->from->models[w];
            if (strcmp(was->app, work->app) != 0 || cz__state_get(d->to, was->app, was->name))
                continue;
            if (!d->answers->renamed(d->ctx, d->answers->user, work->app, was->name, NULL, is->name,
                                     fields_alike(d, was, is)))
                continue;
            push(d, work, false,
                 (cz_operation){
                     .kind = CZ_OPERATION_RENAME_MODEL, .model = was->name, .new_name = is->name });
            break;
        }
    }
}

static void rename_field(struct detector *d, struct work *work, const cz__state_model *is,
                         const cz_state_field *old, const cz_state_field *field)
{
    push(d, work, false,
         (cz_operation){ .kind = CZ_OPERATION_RENAME_FIELD,
                         .model = is->name,
                         .name = old->name,
                         .new_name = field->name });
}

static void rename_fields(struct detector *d, struct work *work, const cz__state_model *is)
{
    for (size_t i = 0; i < is->fields.count; i++) {
        const cz_state_field *field = &is->fields.items[i];
        const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
        const cz_state_field *same = cz__state_field(was, field->name);
        if (same && strcmp(same->name, field->name) != 0)
            rename_field(d, work, is, same, field); /* only its letters' case: nothing to ask */
        if (same)
            continue;
        for (size_t w = 0; w < was->fields.count; w++) {
            const cz_state_field *old = &was->fields.items[w];
            if (cz__state_field(is, old->name))
                continue;
            cz_state_field alike = *old;
            /* a field that keeps its column or table under another name is alike, too */
            if (field->column && strcmp(field->column, cz__state_column(d->ctx, old)) == 0)
                alike.column = field->column;
            if (field->table && cz__has_link_table(old) &&
                strcmp(field->table, cz__state_link_table(d->ctx, was, old)) == 0)
                alike.table = field->table;
            if (!d->answers->renamed(d->ctx, d->answers->user, work->app, is->name, old->name,
                                     field->name, cz__state_field_eq(&alike, field)))
                continue;
            if (!cz__state_field_eq(old, &alike))
                push(d, work, false,
                     (cz_operation){ .kind = CZ_OPERATION_ALTER_FIELD,
                                     .model = is->name,
                                     .fields = one_field(d, &alike) });
            rename_field(d, work, is, old, field);
            break;
        }
    }
}

/* ---- new models ---- */

/* Whether a relation can be made now: its target is there, or is the model itself. */
static bool can_refer(const struct detector *d, const cz__state_model *model,
                      const cz_state_field *field)
{
    if (!field->to || cz__state_target(d->from, field))
        return true;
    return cz__state_target(d->to, field) == model;
}

static bool waits_in_app(const struct detector *d, const cz__state_model *model)
{
    for (size_t i = 0; i < model->fields.count; i++) {
        const cz_state_field *field = &model->fields.items[i];
        if (!can_refer(d, model, field) &&
            strcmp(cz__state_target(d->to, field)->app, model->app) == 0)
            return true;
    }
    return false;
}

static bool names_field(const cz_names *names, const char *field)
{
    for (size_t i = 0; i < names->count; i++)
        if (cz__same_name(names->items[i] + (names->items[i][0] == '-'), field))
            return true;
    return false;
}

static void create_model(struct detector *d, struct work *work, const cz__state_model *model)
{
    cz_state_field *fields = cz_array(d->ctx, cz_state_field, model->fields.count);
    size_t count = 0;
    bool together = true;
    for (size_t i = 0; i < model->fields.count; i++) {
        const cz_state_field *field = &model->fields.items[i];
        if (can_refer(d, model, field)) {
            fields[count++] = *field;
            if (field->to)
                need_target(d, work, false, field);
        } else if (names_field(&model->unique_together, field->name)) {
            together = false; /* added by and by, as the field is */
        }
    }
    push(d, work, false,
         (cz_operation){ .kind = CZ_OPERATION_CREATE_MODEL,
                         .model = model->name,
                         .fields = { fields, count },
                         .table = model->table,
                         .unmanaged = model->unmanaged,
                         .alias = model->alias,
                         .unique_together = together ? model->unique_together : (cz_names){ 0 } });
}

/* Models before those that refer to them; of two that refer to each other the one declared first. */
static void create_models(struct detector *d, struct work *work)
{
    for (;;) {
        const cz__state_model *next = NULL;
        for (size_t i = 0; i < d->to->count; i++) {
            const cz__state_model *model = d->to->models[i];
            if (strcmp(model->app, work->app) != 0 ||
                cz__state_get(d->from, model->app, model->name))
                continue;
            bool waits = waits_in_app(d, model);
            if (!next || !waits)
                next = model;
            if (!waits)
                break;
        }
        if (!next)
            return;
        create_model(d, work, next);
    }
}

/* ---- changes of a model that stays ---- */

static bool is_encrypted(const cz_state_field *field) /* nothing can be filled in */
{
    return cz__kind_of(field->kind) == CZ_KIND_encrypted_field;
}

static bool needs_fill(const cz_state_field *field)
{
    return cz__kind_is_stored(field->kind) && !field->null && !field->default_.kind &&
           !field->db_default.kind && !field->fill.kind && !field->auto_now &&
           !field->auto_now_add && !is_encrypted(field);
}

/* What rows that are there get. Of a relation that is a key, and is asked for as what that key is. */
static cz_tagged fill_for(struct detector *d, const char *app, const char *model,
                          const cz_state_field *field)
{
    cz_state_field asked = *field;
    const cz__state_model *target = field->to ? cz__state_target(d->to, field) : NULL;
    if (target && target->fields.count)
        asked.kind = cz__state_key(d->ctx, d->to, target)->kind;
    return d->answers->fill(d->ctx, d->answers->user, app, model, &asked);
}

static void add_fields(struct detector *d, struct work *work, const cz__state_model *is, bool later,
                       bool asks)
{
    for (size_t i = 0; i < is->fields.count; i++) {
        cz_state_field field = is->fields.items[i];
        if (cz__state_field(cz__state_get(d->from, is->app, is->name), field.name))
            continue;
        if (!can_refer(d, is, &field))
            continue; /* in the second migration */
        if (field.to)
            need_target(d, work, later, &field);
        if (asks && is_encrypted(&field) && (!field.null || field.default_.kind))
            cz__fill_refuse(d->ctx, work->app, is->name, &field);
        if (asks && needs_fill(&field))
            field.fill = fill_for(d, work->app, is->name, &field);
        push(d, work, later,
             (cz_operation){ .kind = CZ_OPERATION_ADD_FIELD,
                             .model = is->name,
                             .fields = one_field(d, &field) });
    }
}

static void alter_field(struct detector *d, struct work *work, const cz__state_model *is,
                        const cz_state_field *old, const cz_state_field *field, bool later)
{
    cz_state_field changed = *field;
    if (old->null && needs_fill(&changed))
        changed.fill = fill_for(d, work->app, is->name, &changed);
    if (changed.to)
        need_target(d, work, later, &changed);
    cz__through_unchanged(d->ctx, work->app, is->name, old, field);
    bool link = cz__kind_of(old->kind) == CZ_KIND_many_to_many;
    if (link == (cz__kind_of(field->kind) == CZ_KIND_many_to_many)) {
        push(d, work, later,
             (cz_operation){ .kind = CZ_OPERATION_ALTER_FIELD,
                             .model = is->name,
                             .fields = one_field(d, &changed) });
        return;
    }
    push(d, work, later, /* a column and a table of its own have nothing in common */
         (cz_operation){ .kind = CZ_OPERATION_REMOVE_FIELD, .model = is->name, .name = old->name });
    if (needs_fill(&changed))
        changed.fill = fill_for(d, work->app, is->name, &changed);
    push(d, work, later,
         (cz_operation){
             .kind = CZ_OPERATION_ADD_FIELD, .model = is->name, .fields = one_field(d, &changed) });
}

static void alter_fields(struct detector *d, struct work *work, const cz__state_model *is,
                         bool later)
{
    for (size_t i = 0; i < is->fields.count; i++) {
        const cz_state_field *field = &is->fields.items[i];
        const cz_state_field *old =
            cz__state_field(cz__state_get(d->from, is->app, is->name), field->name);
        if (old && !cz__state_field_eq(old, field) && can_refer(d, is, field))
            alter_field(d, work, is, old, field, later);
    }
}

static void remove_fields(struct detector *d, struct work *work, const cz__state_model *is)
{
    const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
    for (size_t i = 0; i < was->fields.count; i++)
        if (!cz__state_field(is, was->fields.items[i].name))
            push(d, work, false,
                 (cz_operation){ .kind = CZ_OPERATION_REMOVE_FIELD,
                                 .model = is->name,
                                 .name = was->fields.items[i].name });
}

static const cz_state_index *find_index(const cz_state_index_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (cz__same_name(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

static const cz_state_constraint *find_constraint(const cz_state_constraint_list *list,
                                                  const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (cz__same_name(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

/* The index that is the same but for a name that is new; NULL: none. */
static const cz_state_index *find_renamed(const cz__state_model *was, const cz__state_model *is,
                                          const cz_state_index *old)
{
    for (size_t i = 0; i < is->indexes.count; i++) {
        const cz_state_index *index = &is->indexes.items[i];
        if (cz__state_index_eq(old, index) && !find_index(&was->indexes, index->name))
            return index;
    }
    return NULL;
}

static void remove_indexes(struct detector *d, struct work *work, const cz__state_model *is)
{
    const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
    for (size_t i = 0; i < was->constraints.count; i++) {
        const cz_state_constraint *old = &was->constraints.items[i];
        const cz_state_constraint *now = find_constraint(&is->constraints, old->name);
        if (!now || !cz__state_constraint_eq(old, now))
            push(d, work, false,
                 (cz_operation){ .kind = CZ_OPERATION_REMOVE_CONSTRAINT,
                                 .model = is->name,
                                 .name = old->name });
    }
    for (size_t i = 0; i < was->indexes.count; i++) {
        const cz_state_index *old = &was->indexes.items[i];
        const cz_state_index *now = find_index(&is->indexes, old->name);
        if (now && cz__state_index_eq(old, now))
            continue;
        const cz_state_index *renamed =
            now ? NULL : find_renamed(cz__state_get(d->from, is->app, is->name), is, old);
        push(
            d, work, false,
            (cz_operation){ .kind = renamed ? CZ_OPERATION_RENAME_INDEX : CZ_OPERATION_REMOVE_INDEX,
                            .model = is->name,
                            .name = old->name,
                            .new_name = renamed ? renamed->name : NULL });
    }
}

/* Those whose fields are there; the others wait for the second migration. */
static bool has_fields(const cz__state_model *model, const cz_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (!cz__state_field(model, names->items[i] + (names->items[i][0] == '-')))
            return false;
    return true;
}

static void add_indexes(struct detector *d, struct work *work, const cz__state_model *is,
                        bool later)
{
    for (size_t i = 0; i < is->indexes.count; i++) {
        const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
        const cz_state_index *index = &is->indexes.items[i];
        if (!find_index(&was->indexes, index->name) && has_fields(was, &index->fields) &&
            has_fields(was, &index->include))
            push(d, work, later,
                 (cz_operation){
                     .kind = CZ_OPERATION_ADD_INDEX, .model = is->name, .indexes = { index, 1 } });
    }
    for (size_t i = 0; i < is->constraints.count; i++) {
        const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
        const cz_state_constraint *constraint = &is->constraints.items[i];
        if (!find_constraint(&was->constraints, constraint->name) &&
            has_fields(was, &constraint->fields))
            push(d, work, later,
                 (cz_operation){ .kind = CZ_OPERATION_ADD_CONSTRAINT,
                                 .model = is->name,
                                 .constraints = { constraint, 1 } });
    }
}

static void alter_together(struct detector *d, struct work *work, const cz__state_model *is,
                           bool later)
{
    const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
    if (!cz__names_eq(&was->unique_together, &is->unique_together) &&
        has_fields(was, &is->unique_together))
        push(d, work, later,
             (cz_operation){ .kind = CZ_OPERATION_ALTER_UNIQUE_TOGETHER,
                             .model = is->name,
                             .unique_together = is->unique_together });
}

/* A field that goes cannot stand in unique_together any more. */
static void free_together(struct detector *d, struct work *work, const cz__state_model *is)
{
    const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
    for (size_t i = 0; i < was->unique_together.count; i++)
        if (!cz__state_field(is, was->unique_together.items[i])) {
            alter_together(d, work, is, false);
            was = cz__state_get(d->from, is->app, is->name);
            if (!cz__names_eq(&was->unique_together, &is->unique_together))
                push(d, work, false,
                     (cz_operation){ .kind = CZ_OPERATION_ALTER_UNIQUE_TOGETHER,
                                     .model = is->name });
            return;
        }
}

static bool is_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void alter_options(struct detector *d, struct work *work, const cz__state_model *is)
{
    const cz__state_model *was = cz__state_get(d->from, is->app, is->name);
    if (!is_text(was->alias, is->alias))
        cz_raise(d->ctx, CZ_EUNSUPPORTED,
                 "%s.%s was in the database \"%s\" and is to be in \"%s\": no migration can move "
                 "its rows; declare a new model there, copy them, then remove this one",
                 is->app, is->name, was->alias ? was->alias : "default",
                 is->alias ? is->alias : "default");
    if (was->unmanaged != is->unmanaged)
        push(d, work, false,
             (cz_operation){ .kind = CZ_OPERATION_ALTER_OPTIONS,
                             .model = is->name,
                             .unmanaged = is->unmanaged });
    if (!is_text(was->table, is->table))
        push(d, work, false,
             (cz_operation){
                 .kind = CZ_OPERATION_ALTER_TABLE, .model = is->name, .table = is->table });
}

/* ---- models that go ---- */

/* Whether a field of `other` leads to the model, as both are in the state. */
static bool refers(const cz__state *state, const cz__state_model *other,
                   const cz__state_model *model)
{
    for (size_t f = 0; f < other->fields.count; f++) {
        const cz_state_field *field = &other->fields.items[f];
        const cz__state_model *target = field->to ? cz__state_target(state, field) : NULL;
        if (target && strcmp(target->app, model->app) == 0 &&
            cz__same_name(target->name, model->name))
            return true;
    }
    return false;
}

/* Whether another model refers to this one so far. */
static bool is_held(const struct detector *d, const cz__state_model *model)
{
    for (size_t i = 0; i < d->from->count; i++)
        if (d->from->models[i] != model && refers(d->from, d->from->models[i], model))
            return true;
    return false;
}

static size_t find_app(const struct detector *d, const char *app)
{
    size_t at = 0;
    while (at < d->app_count && strcmp(d->apps[at].app, app) != 0)
        at++;
    return at;
}

/* Mark the app and those whose first migrations come, by way of others, before its first. */
static void mark_needed(const struct detector *d, const char *app, bool *marked)
{
    size_t at = find_app(d, app);
    if (at == d->app_count || marked[at])
        return;
    marked[at] = true;
    for (size_t i = 0; i < d->apps[at].needs_now_count; i++)
        mark_needed(d, d->apps[at].needs_now[i], marked);
}

/* Let the model go after the migrations of this run in which other apps let go of it. False: one of those comes
 * after this app's first, so that the model can go in the second only. */
static bool need_those_who_let_go(struct detector *d, struct work *work,
                                  const cz__state_model *model)
{
    bool *before = cz_array(d->ctx, bool, d->app_count + 1);
    for (size_t i = 0; i < d->start->count; i++)
        if (strcmp(d->start->models[i]->app, work->app) != 0 &&
            refers(d->start, d->start->models[i], model))
            mark_needed(d, d->start->models[i]->app, before);
    if (before[find_app(d, work->app)])
        return false;
    for (size_t i = 0; i < d->app_count; i++)
        if (before[i])
            need_app(d, work, false, d->apps[i].app);
    return true;
}

/* Delete what nothing refers to any more, until nothing more can go. */
static void delete_models(struct detector *d, struct work *work, bool later)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = d->from->count; i-- > 0 && !again;) {
            const cz__state_model *model = d->from->models[i];
            if (strcmp(model->app, work->app) != 0 ||
                cz__state_get(d->to, model->app, model->name) || is_held(d, model) ||
                (!later && !need_those_who_let_go(d, work, model)))
                continue;
            if (later)
                for (size_t a = 0; a < d->app_count; a++)
                    if (d->apps[a].first.count || d->apps[a].second.count)
                        need_app(d, work, true, d->apps[a].app);
            push(d, work, later,
                 (cz_operation){ .kind = CZ_OPERATION_DELETE_MODEL, .model = model->name });
            again = true;
        }
    }
}

/* Two that go and refer to each other: one lets go first. */
static void break_cycles(struct detector *d, struct work *work)
{
    for (size_t i = 0; i < d->from->count; i++) {
        const cz__state_model *model = d->from->models[i];
        if (strcmp(model->app, work->app) != 0 || cz__state_get(d->to, model->app, model->name))
            continue;
        for (size_t f = 0; f < model->fields.count; f++) {
            const cz_state_field *field = &model->fields.items[f];
            const cz__state_model *target = field->to ? cz__state_target(d->from, field) : NULL;
            if (!target || target == model || cz__state_get(d->to, target->app, target->name))
                continue;
            push(d, work, false,
                 (cz_operation){ .kind = CZ_OPERATION_REMOVE_FIELD,
                                 .model = model->name,
                                 .name = field->name });
            return break_cycles(d, work);
        }
    }
}

/* ---- an app ---- */

static bool stays(const struct detector *d, const struct work *work, const cz__state_model *is)
{
    return strcmp(is->app, work->app) == 0 && cz__state_get(d->from, is->app, is->name) != NULL;
}

enum phase { /* in Django's order */
             PHASE_OPTIONS,
             PHASE_RENAMES,
             PHASE_REMOVE_INDEXES,
             PHASE_FREE_TOGETHER,
             PHASE_REMOVE_FIELDS,
             PHASE_ADD_FIELDS,
             PHASE_ALTER_FIELDS,
             PHASE_TOGETHER,
             PHASE_ADD_INDEXES,
             PHASES
};

static void run_phase(struct detector *d, struct work *work, const cz__state_model *is,
                      enum phase phase, bool is_new)
{
    switch (phase) {
    case PHASE_OPTIONS:
        alter_options(d, work, is);
        return;
    case PHASE_RENAMES:
        rename_fields(d, work, is);
        return;
    case PHASE_REMOVE_INDEXES:
        remove_indexes(d, work, is);
        return;
    case PHASE_FREE_TOGETHER:
        free_together(d, work, is);
        return;
    case PHASE_REMOVE_FIELDS:
        remove_fields(d, work, is);
        return;
    case PHASE_ADD_FIELDS:
        add_fields(d, work, is, false, !is_new);
        return;
    case PHASE_ALTER_FIELDS:
        alter_fields(d, work, is, false);
        return;
    case PHASE_TOGETHER:
        alter_together(d, work, is, false);
        return;
    case PHASE_ADD_INDEXES:
        add_indexes(d, work, is, false);
        return;
    case PHASES:
        return;
    }
}

static void detect_app(struct detector *d, struct work *work)
{
    rename_models(d, work);
    bool *is_new = cz_array(d->ctx, bool, d->to->count + 1);
    for (size_t i = 0; i < d->to->count; i++)
        is_new[i] = !cz__state_get(d->from, d->to->models[i]->app, d->to->models[i]->name);
    create_models(d, work);
    for (int phase = 0; phase < PHASES; phase++)
        for (size_t i = 0; i < d->to->count; i++)
            if (stays(d, work, d->to->models[i]))
                run_phase(d, work, d->to->models[i], (enum phase)phase, is_new[i]);
    delete_models(d, work, false);
    work->done = true;
}

/* What waited for another app. */
static void detect_rest(struct detector *d, struct work *work)
{
    for (size_t i = 0; i < d->to->count; i++)
        if (stays(d, work, d->to->models[i])) {
            add_fields(d, work, d->to->models[i], true, true);
            alter_fields(d, work, d->to->models[i], true);
        }
    for (size_t i = 0; i < d->to->count; i++) {
        if (!stays(d, work, d->to->models[i]))
            continue;
        alter_together(d, work, d->to->models[i], true);
        add_indexes(d, work, d->to->models[i], true);
    }
}

/* Whether a new model or field of the app waits for a new model of an app that is not done. */
static bool waits_for_app(const struct detector *d, const struct work *work)
{
    for (size_t i = 0; i < d->to->count; i++) {
        const cz__state_model *is = d->to->models[i];
        for (size_t f = 0; f < is->fields.count && strcmp(is->app, work->app) == 0; f++) {
            const cz__state_model *target =
                is->fields.items[f].to ? cz__state_target(d->to, &is->fields.items[f]) : NULL;
            if (target && strcmp(target->app, work->app) != 0 &&
                !cz__state_get(d->from, target->app, target->name))
                return true;
        }
    }
    return false;
}

static void detect_all(struct detector *d)
{
    for (size_t done = 0; done < d->app_count; done++) {
        struct work *next = NULL;
        for (size_t i = 0; i < d->app_count; i++) {
            if (d->apps[i].done)
                continue;
            bool waits = waits_for_app(d, &d->apps[i]);
            if (!next || !waits)
                next = &d->apps[i];
            if (!waits)
                break;
        }
        detect_app(d, next);
    }
    for (size_t i = 0; i < d->app_count; i++)
        detect_rest(d, &d->apps[i]);
    for (size_t i = 0; i < d->app_count; i++)
        delete_models(d, &d->apps[i], true);
    for (size_t i = 0; i < d->app_count; i++)
        break_cycles(d, &d->apps[i]);
    for (size_t i = 0; i < d->app_count; i++)
        delete_models(d, &d->apps[i], true);
}

static void add_app(struct detector *d, const char *app)
{
    for (size_t i = 0; i < d->app_count; i++)
        if (strcmp(d->apps[i].app, app) == 0)
            return;
    d->apps[d->app_count++].app = app;
}

/* ---- names and dependencies ---- */

/* 4 of "0004_alter_book" and of "0001_initial_squashed_0004_alter_book". */
static unsigned number_of(const char *name)
{
    unsigned number = 0;
    const char *squashed = strstr(name, "_squashed_");
    if (squashed)
        name = squashed + strlen("_squashed_");
    for (; *name >= '0' && *name <= '9' && number < 100000; name++)
        number = number * 10 + (unsigned)(*name - '0');
    return number;
}

static unsigned next_number(const cz__graph *graph, const char *app)
{
    unsigned last = 0;
    for (size_t i = 0; i < graph->count; i++)
        if (strcmp(graph->nodes[i]->app, app) == 0 && number_of(graph->nodes[i]->name) > last)
            last = number_of(graph->nodes[i]->name);
    return last + 1;
}

static const char *stamp(cz_ctx *ctx)
{
    cz_civil now = cz_datetime_civil(cz_now());
    return cz_format(ctx, "auto_%04d%02d%02d_%02d%02d", (int)now.year, now.month, now.day, now.hour,
                     now.minute)
        .ptr;
}

/* "book_isbn", "book_isbn_author_born_and_more": by what it does, as Django names it. */
static const char *suggest(cz_ctx *ctx, const struct operations *ops, bool initial)
{
    cz_str name = { 0 };
    if (initial)
        return "initial";
    for (size_t i = 0; i < ops->count; i++) {
        const char *fragment = cz__operation_fragment(ctx, &ops->items[i]);
        if (!fragment)
            continue;
        if (name.len && name.len + 1 + strlen(fragment) > NAME_CHARS_MAX)
            return cz_format(ctx, "%.*s_and_more", CZ_STR_ARG(name)).ptr;
        name = name.len ? cz_format(ctx, "%.*s_%s", CZ_STR_ARG(name), fragment)
                        : cz_str_from(fragment);
    }
    return name.len ? cz_copy(ctx, name).ptr : stamp(ctx);
}

static void add_dependency(struct detector *d, cz_migration *m, const char *app, const char *name)
{
    cz_dependency *grown = cz_array(d->ctx, cz_dependency, m->depends.count + 1);
    if (m->depends.count)
        memcpy(grown, m->depends.items, m->depends.count * sizeof *grown);
    grown[m->depends.count] = (cz_dependency){ app, name };
    m->depends.items = grown;
    m->depends.count++;
}

/* The name of the app's last migration of those there are; NULL: none. */
static const char *last_there(struct detector *d, const char *app)
{
    size_t *leaves;
    size_t count = cz__graph_leaves(d->ctx, d->graph, app, &leaves);
    return count ? d->graph->nodes[leaves[0]]->name : NULL;
}

/* The same of those made now, if there are any of it. */
static const char *last_name(struct detector *d, const cz__migration_list *made, const char *app)
{
    for (size_t i = made->count; i-- > 0;)
        if (strcmp(made->items[i].app, app) == 0)
            return made->items[i].name;
    return last_there(d, app);
}

static bool is_needed(const struct work *work, const char *app)
{
    for (size_t i = 0; i < work->needs_now_count; i++)
        if (strcmp(work->needs_now[i], app) == 0)
            return true;
    return false;
}

/* Relations to models of other apps that were there need those apps' migrations, too. */
static void make(struct detector *d, cz__migration_list *made, const struct work *work, bool later,
                 const char *name)
{
    const struct operations *ops = later ? &work->second : &work->first;
    if (!ops->count)
        return;
    cz_migration migration = { .app = work->app, .operations = { ops->items, ops->count } };
    const char *last = last_name(d, made, work->app);
    unsigned number =
        later && work->first.count ? number_of(last) + 1 : next_number(d->graph, work->app);
    if (last)
        add_dependency(d, &migration, work->app, last);
    const char *const *needs = later ? work->needs_later : work->needs_now;
    size_t count = later ? work->needs_later_count : work->needs_now_count;
    for (size_t i = 0; i < count; i++) {
        const char *other = last_name(d, made, needs[i]);
        if (other)
            add_dependency(d, &migration, needs[i], other);
    }
    for (size_t i = 0; i < work->uses_count && !later; i++) {
        const char *other = last_there(d, work->uses[i]);
        if (other && !is_needed(work, work->uses[i]))
            add_dependency(d, &migration, work->uses[i], other);
    }
    migration.name =
        cz_format(d->ctx, "%04u_%s", number, name ? name : suggest(d->ctx, ops, !last)).ptr;
    made->items[made->count++] = migration;
}

/* The app whose second migration was done first of those that are not made; NULL: there is none. */
static struct work *next_second(struct detector *d, const struct work *after)
{
    struct work *next = NULL;
    for (size_t i = 0; i < d->app_count; i++)
        if (d->apps[i].second.count && (!after || d->apps[i].second_done > after->second_done) &&
            (!next || d->apps[i].second_done < next->second_done))
            next = &d->apps[i];
    return next;
}

/* Keep those of the app, and what they depend on: a file that depends on one nobody has written could not be
 * loaded. */
static void keep_needed(cz_ctx *ctx, cz__migration_list *made, const char *app)
{
    bool *needed = cz_array(ctx, bool, made->count + 1);
    size_t kept = 0;
    for (size_t i = made->count; i-- > 0;) { /* what one needs stands before it */
        const cz_migration *migration = &made->items[i];
        needed[i] = needed[i] || strcmp(migration->app, app) == 0;
        for (size_t n = 0; n < migration->depends.count && needed[i]; n++)
            for (size_t other = 0; other < i; other++)
                if (strcmp(made->items[other].app, migration->depends.items[n].app) == 0 &&
                    strcmp(made->items[other].name, migration->depends.items[n].name) == 0)
                    needed[other] = true;
    }
    for (size_t i = 0; i < made->count; i++)
        if (needed[i])
            made->items[kept++] = made->items[i];
    made->count = kept;
}

cz__migration_list cz__autodetect(cz_ctx *ctx, const cz__graph *graph, const cz__answers *answers,
                                  const char *app, const char *name)
{
    return cz__autodetect_state(ctx, graph, cz__state_of_models(ctx), answers, app, name);
}

cz__migration_list cz__autodetect_state(cz_ctx *ctx, const cz__graph *graph, const cz__state *to,
                                        const cz__answers *answers, const char *app,
                                        const char *name)
{
    struct detector d = { .ctx = ctx, .graph = graph, .answers = answers, .to = to };
    d.from = cz__graph_state(ctx, graph, NULL);
    d.start = cz__state_copy(ctx, d.from);
    d.apps = cz_array(ctx, struct work, d.from->count + d.to->count + 1);
    for (size_t i = 0; i < d.to->count; i++)
        add_app(&d, d.to->models[i]->app);
    for (size_t i = 0; i < d.from->count; i++)
        add_app(&d, d.from->models[i]->app);
    detect_all(&d);
    cz__migration_list made = { cz_array(ctx, cz_migration, 2 * d.app_count + 1), 0 };
    bool *placed = cz_array(ctx, bool, d.app_count + 1);
    for (size_t left = d.app_count; left > 0; left--) { /* an app after those its first needs */
        size_t next = SIZE_MAX;
        for (size_t i = 0; i < d.app_count; i++) {
            bool ready = !placed[i];
            for (size_t n = 0; n < d.apps[i].needs_now_count && ready; n++)
                for (size_t o = 0; o < d.app_count && ready; o++)
                    ready = placed[o] || strcmp(d.apps[o].app, d.apps[i].needs_now[n]) != 0;
            if (!placed[i] && (ready || next == SIZE_MAX))
                next = i;
            if (ready)
                break;
        }
        placed[next] = true;
        make(&d, &made, &d.apps[next], false, name);
    }
    /* as their last operations were found: what lets go of a model before what deletes it */
    for (struct work *next = NULL; (next = next_second(&d, next));)
        make(&d, &made, next, true, name);
    if (app)
        keep_needed(ctx, &made, app);
    return made;
}

cz_migration cz__migration_empty(cz_ctx *ctx, const cz__graph *graph, const char *app,
                                 const char *name)
{
    struct detector d = { .ctx = ctx, .graph = graph };
    cz__migration_list none = { 0 };
    cz_migration migration = { .app = app };
    const char *last = last_name(&d, &none, app);
    if (last)
        add_dependency(&d, &migration, app, last);
    migration.name =
        cz_format(ctx, "%04u_%s", next_number(graph, app), name ? name : stamp(ctx)).ptr;
    return migration;
}

cz_migration cz__migration_merge(cz_ctx *ctx, const cz__graph *graph, const char *app)
{
    struct detector d = { .ctx = ctx, .graph = graph };
    cz_migration migration = { .app = app };
    size_t *leaves;
    size_t count = cz__graph_leaves(ctx, graph, app, &leaves);
    cz_str name = CZ_STR("merge");
    for (size_t i = 0; i < count; i++) {
        const char *leaf = graph->nodes[leaves[i]]->name;
        add_dependency(&d, &migration, app, leaf);
        if (name.len + strlen(leaf) < NAME_CHARS_MAX)
            name = cz_format(ctx, "%.*s_%s", CZ_STR_ARG(name), leaf);
    }
    migration.name = cz_format(ctx, "%04u_%.*s", next_number(graph, app), CZ_STR_ARG(name)).ptr;
    return migration;
}

/* ---- beside whoever writes ---- */

/* Those that depended on a migration now depend on the last it was split into. */
static void follow(cz_ctx *ctx, cz__migration_list *list, const char *app, const char *from,
                   const char *to)
{
    for (size_t i = 0; i < list->count; i++) {
        cz_migration *m = &list->items[i];
        cz_dependency *depends = cz_array(ctx, cz_dependency, m->depends.count + 1);
        for (size_t n = 0; n < m->depends.count; n++) {
            depends[n] = m->depends.items[n];
            if (strcmp(depends[n].app, app) == 0 && strcmp(depends[n].name, from) == 0)
                depends[n].name = to;
        }
        m->depends.items = depends;
    }
}

/* "0004_name" and "0005_name_2"; by what it does without a name. */
static const char *name_part(cz_ctx *ctx, unsigned number, unsigned part, const char *name,
                             const struct operations *ops)
{
    if (!name)
        return cz_format(ctx, "%04u_%s", number, suggest(ctx, ops, false)).ptr;
    return part == 1 ? cz_format(ctx, "%04u_%s", number, name).ptr
                     : cz_format(ctx, "%04u_%s_%u", number, name, part).ptr;
}

static void split(cz_ctx *ctx, const cz__graph *graph, cz__migration_list *rest,
                  const cz_migration *whole, const char *name, cz__migration_list *out)
{
    const cz__finding *findings = cz__lint(ctx, graph, whole);
    size_t count = whole->operations.count;
    unsigned number = number_of(whole->name), parts = 0;
    cz_dependency_list depends = whole->depends;
    for (size_t start = 0, end; start < count; start = end) {
        bool online = findings[start].can_be_online;
        for (end = start; end < count && findings[end].can_be_online == online;)
            end++;
        cz_migration part = *whole;
        struct operations ops = { (cz_operation *)(uintptr_t)(whole->operations.items + start),
                                  end - start, 0 };
        part.operations = (cz_operation_list){ ops.items, ops.count };
        part.depends = depends;
        part.online = online;
        if (end - start < count)
            part.name = name_part(ctx, number++, ++parts, name, &ops);
        out->items[out->count++] = part;
        cz_dependency *on = cz_new(ctx, cz_dependency);
        *on = (cz_dependency){ part.app, part.name };
        depends = (cz_dependency_list){ on, 1 };
    }
    follow(ctx, rest, whole->app, whole->name, out->items[out->count - 1].name);
}

cz__migration_list cz__split_online(cz_ctx *ctx, const cz__graph *graph,
                                    const cz__migration_list *list, const char *name)
{
    size_t most = 1;
    for (size_t i = 0; i < list->count; i++)
        most += list->items[i].operations.count;
    cz__migration_list out = { cz_array(ctx, cz_migration, most), 0 };
    for (size_t i = 0; i < list->count; i++) {
        cz__migration_list rest = { list->items + i + 1, list->count - i - 1 };
        split(ctx, graph, &rest, &list->items[i], name, &out);
    }
    return out;
}

/* ---- one in place of several ---- */

static bool moves_data(const cz_operation *op)
{
    return op->kind == CZ_OPERATION_RUN_SQL || op->kind == CZ_OPERATION_RUN_C ||
           op->kind == CZ_OPERATION_SEPARATE;
}

static bool runs_nothing(const cz_operation *op)
{
    return op->kind == CZ_OPERATION_RUN_SQL && op->sql && !*op->sql;
}

static void refuse_data(cz_ctx *ctx, const cz_migration *migration)
{
    for (size_t i = 0; i < migration->operations.count; i++) {
        const cz_operation *op = &migration->operations.items[i];
        if (moves_data(op) && !runs_nothing(op))
            cz_raise(
                ctx, CZ_EUNSUPPORTED,
                "%s.%s: \"%s\" is not among what makes models; new databases may do without it "
                "(--without-data), or squash up to the migration before",
                migration->app, migration->name, cz__operation_describe(ctx, op));
    }
}

static bool is_among(const cz_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* From nothing to models there is nothing to ask. */
static bool no_rename(cz_ctx *ctx, void *user, const char *app, const char *model, const char *old,
                      const char *name, bool similar)
{
    (void)ctx, (void)user, (void)app, (void)model, (void)old, (void)name, (void)similar;
    return false;
}

static cz_tagged no_fill(cz_ctx *ctx, void *user, const char *app, const char *model,
                         const cz_state_field *field)
{
    (void)ctx, (void)user, (void)app, (void)model, (void)field;
    return (cz_tagged){ 0 };
}

static const cz__answers no_answers = { no_rename, no_fill, NULL };

cz_migration cz__migration_squash(cz_ctx *ctx, const cz__graph *graph, size_t last,
                                  bool without_data)
{
    const char *app = graph->nodes[last]->app, *first = NULL;
    cz_names names = { 0 };
    const char **replaced = cz_array(ctx, const char *, graph->count + 1);
    bool *nodes = cz_array(ctx, bool, graph->count + 1);
    names.items = replaced;
    for (size_t i = 0; i <= last; i++) {
        nodes[i] = true;
        if (strcmp(graph->nodes[i]->app, app) != 0)
            continue;
        if (!without_data)
            refuse_data(ctx, graph->nodes[i]);
        first = first ? first : graph->nodes[i]->name;
        replaced[names.count++] = graph->nodes[i]->name;
    }
    struct detector d = { .ctx = ctx, .graph = graph, .answers = &no_answers };
    d.to = cz__graph_state(ctx, graph, nodes);
    d.from = cz_new(ctx, cz__state);
    for (size_t i = 0; i < d.to->count; i++)
        if (strcmp(d.to->models[i]->app, app) != 0)
            cz__state_add(ctx, d.from, d.to->models[i]);
    struct work work = { .app = app };
    d.start = d.from;
    detect_app(&d, &work);
    cz_migration squashed = {
        .app = app,
        .name = cz_format(ctx, "%s_squashed_%s", first, replaced[names.count - 1]).ptr,
        .operations = { work.first.items, work.first.count },
        .replaces = names
    };
    for (size_t i = 0; i <= last; i++)
        for (size_t n = 0; n < graph->nodes[i]->depends.count; n++) {
            const cz_dependency *on = &graph->nodes[i]->depends.items[n];
            if (strcmp(graph->nodes[i]->app, app) == 0 &&
                !(strcmp(on->app, app) == 0 && is_among(&names, on->name)))
                add_dependency(&d, &squashed, on->app, on->name);
        }
    return squashed;
}

/* ---- values from text ---- */

cz_tagged cz__fill_of_text(cz_ctx *ctx, const cz_state_field *field, const char *text)
{
    cz_str value = cz_str_from(text);
    cz_tagged tagged = { 0 };
    bool is_bool = false;
    switch (cz__kind_of(field->kind)) {
    case CZ_KIND_small_int_field:
    case CZ_KIND_int_field:
    case CZ_KIND_big_int_field:
        tagged.kind = CZ__TAG_INT;
        if (cz_str_to_i64(value, &tagged.integer) == CZ_OK)
            return tagged;
        break;
    case CZ_KIND_bool_field:
        is_bool = cz_str_eq(value, CZ_STR("true"));
        tagged.kind = CZ__TAG_BOOL;
        tagged.integer = is_bool;
        if (is_bool || cz_str_eq(value, CZ_STR("false")))
            return tagged;
        break;
    case CZ_KIND_float_field:
        tagged.kind = CZ__TAG_REAL;
        if (cz__json_read_f64(value, &tagged.real) == CZ_OK)
            return tagged;
        break;
    case CZ_KIND_binary_field:
    case CZ_KIND_int_array_field:
    case CZ_KIND_text_array_field:
        break;
    default:
        tagged.kind = CZ__TAG_TEXT;
        tagged.text = cz_copy(ctx, value).ptr;
        cz__fill_check(ctx, field, &tagged);
        return tagged;
    }
    cz_raise(ctx, CZ_EVALIDATION, "\"%s\" is no value for the field %s (%s)", text, field->name,
             field->kind);
}
