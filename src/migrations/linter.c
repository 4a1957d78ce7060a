/* The safety of operations on a busy PostgreSQL, after its documentation of ALTER TABLE, CREATE INDEX and
 * explicit locking. A table that the same migration makes is used by nobody, so anything may be done to it. */
#include "migrations/linter.h"
#include "migrations/migrations_internal.h"

const char *cz__safety_name(enum cz__safety safety)
{
    static const char *const names[] = { "safe", "two steps", "blocking" };
    return names[safety];
}

static const cz__finding safe = { .safety = CZ__SAFE };

static cz__finding two_steps(const char *advice)
{
    return (cz__finding){ .safety = CZ__TWO_STEPS, .lock = "ACCESS EXCLUSIVE", .advice = advice };
}

static cz__finding blocking(const char *lock, const char *advice)
{
    return (cz__finding){
        .safety = CZ__BLOCKING, .can_be_online = true, .lock = lock, .advice = advice
    };
}

/* ---- fields ---- */

static bool has_index(const cz_state_field *field)
{
    return field->unique || field->index || cz__kind_of(field->kind) == CZ_KIND_foreign_key ||
           cz__kind_of(field->kind) == CZ_KIND_one_to_one;
}

static cz__finding judge_addition(const cz_state_field *field)
{
    if (!cz__kind_is_stored(field->kind))
        return safe; /* a table of its own */
    if (field->db_default.kind == CZ__TAG_SQL)
        return (cz__finding){
            .safety = CZ__BLOCKING,
            .lock = "ACCESS EXCLUSIVE",
            .advice = "each row is written anew when the default differs from row to row: "
                      "add the field without it, fill it in batches, and give it the "
                      "default then"
        };
    if (!field->null && !field->db_default.kind)
        return two_steps("the version that runs stores rows without it, and they would be refused: "
                         "give it a .db_default, or add it with .null = true, release, and make it "
                         "required in a later migration");
    if (has_index(field))
        return blocking("SHARE", "its index or foreign key is made while nobody writes: make the "
                                 "migration .online = true");
    return safe;
}

/* Whether the server changes the type without looking at a row. */
static bool is_wider(const cz_state_field *was, const cz_state_field *is)
{
    bool from_text = cz__kind_of(was->kind) <= CZ_KIND_url_field;
    bool to_text = cz__kind_of(is->kind) <= CZ_KIND_url_field;
    if (from_text && to_text)
        return !is->max_length || (was->max_length && is->max_length >= was->max_length);
    if (strcmp(was->kind, is->kind) != 0)
        return false;
    return was->max_length == is->max_length && was->places == is->places &&
           is->digits >= was->digits;
}

/* The new key is in every table that refers to the model, too; the server can do that beside nobody. */
static cz__finding judge_key(cz_ctx *ctx, const cz__state *before, const cz__state_model *model)
{
    const char *referrers = cz__state_referrers(ctx, before, model);
    const char *advice =
        cz_format(
            ctx,
            "%s%s%s is written again while nobody reads, and the version that runs may not "
            "know the new keys: for a busy table make a second model with such keys, copy the "
            "rows in batches, point new fields to it, and let the old ones go in later "
            "releases",
            cz__state_table(ctx, model), referrers ? ", with each table that refers to it: " : "",
            referrers ? cz_format(ctx, "%s,", referrers).ptr : "")
            .ptr;
    return (cz__finding){ CZ__BLOCKING, false, "ACCESS EXCLUSIVE", advice };
}

/* Whether the operation changes the type of a key so that the server has to look at the rows. */
static bool rekeys(cz_ctx *ctx, const cz__state *before, const char *app, const cz_operation *op,
                   const cz_state_field *was)
{
    cz__state *after = cz__state_copy(ctx, before);
    cz__operation_apply(ctx, after, app, op);
    return (was->to || !is_wider(was, &op->fields.items[0])) &&
           cz__state_rekeys(ctx, before, after, app, op);
}

static cz__finding judge_alteration(const cz_state_field *was, const cz_state_field *is,
                                    bool column_moves)
{
    if (column_moves)
        return two_steps("the version that runs asks for the old column: keep .column");
    if (cz__has_link_table(was) && !cz__same_name(was->to, is->to))
        return two_steps("the version that runs asks for the columns of its links by the old "
                         "model's name: add a second many-to-many, copy the links in a later "
                         "migration, and let the old one go when no version asks for it");
    if (was->db_default.kind && !is->db_default.kind && !is->null)
        return two_steps("the version that runs leaves the value to the database, and its rows "
                         "would be refused: take .db_default away in a later release");
    if (cz__kind_is_stored(is->kind) && !is_wider(was, is))
        return (cz__finding){
            .safety = CZ__BLOCKING,
            .lock = "ACCESS EXCLUSIVE",
            .advice = "every row is looked at or written again while nobody reads: add a "
                      "second field, fill it, "
                      "and let the old one go in a later release"
        };
    if (was->null && !is->null) {
        cz__finding finding =
            blocking("ACCESS EXCLUSIVE", "every row is looked at while nobody reads: make the "
                                         "migration .online = true; and a version that stores NULL "
                                         "would be refused");
        finding.online = "a version that stores NULL would be refused: release one that stores "
                         "none first";
        return finding;
    }
    if ((is->unique && !was->unique) || (has_index(is) && !has_index(was)) ||
        (is->to && !cz__same_name(was->to, is->to)) ||
        (is->to && was->unconstrained && !is->unconstrained))
        return blocking("SHARE", "its index or constraint is made while nobody writes: make the "
                                 "migration .online = true");
    return safe;
}

static cz__finding judge_rename(const cz_state_field *was)
{
    if (was && cz__has_link_table(was) && !was->table)
        return two_steps("the version that runs asks for the table of its links by the old name: "
                         "keep it with .table");
    return was && (was->column || !cz__kind_is_stored(was->kind))
               ? safe
               : two_steps("the version that runs asks for the old column: keep its name with "
                           ".column");
}

/* Whether the model's name is in the name of a column of links, its own or another model's. */
static bool names_links(const cz__state *state, const cz__state_model *model)
{
    for (size_t i = 0; i < state->count; i++) {
        const cz_state_field_list *fields = &state->models[i]->fields;
        for (size_t f = 0; f < fields->count; f++)
            if (cz__has_link_table(&fields->items[f]) &&
                (state->models[i] == model || cz__state_target(state, &fields->items[f]) == model))
                return true;
    }
    return false;
}

static cz__finding judge_model_rename(const cz__state *before, const cz__state_model *model,
                                      const char *to)
{
    if (model && cz__same_name(model->name, to))
        return safe;
    if (!model || !model->table)
        return two_steps("the version that runs asks for the old table: keep its name with .table");
    if (names_links(before, model))
        return two_steps("the version that runs asks for the columns of its many-to-many tables by "
                         "the old name: let those go .through a model first, whose columns keep "
                         "theirs");
    return safe;
}

/* ---- what goes and comes again ---- */

static bool is_declared(const cz__state_model *model, const cz_operation *removal)
{
    bool index = removal->kind == CZ_OPERATION_REMOVE_INDEX, found = false;
    for (size_t i = 0; model && index && i < model->indexes.count; i++)
        found = found || cz__same_name(model->indexes.items[i].name, removal->name);
    for (size_t i = 0; model && !index && i < model->constraints.count; i++)
        found = found || cz__same_name(model->constraints.items[i].name, removal->name);
    return found;
}

/* Whether a transaction hides that it was away. */
static bool returns_at_once(const cz_migration *migration, const cz_operation *removal)
{
    bool found = false;
    for (const cz_operation *op = removal + 1;
         op < migration->operations.items + migration->operations.count; op++)
        found = found ||
                (op->kind == CZ_OPERATION_ADD_INDEX &&
                 cz__same_name(op->indexes.items[0].name, removal->name)) ||
                (op->kind == CZ_OPERATION_ADD_CONSTRAINT &&
                 cz__same_name(op->constraints.items[0].name, removal->name));
    return found && !migration->online;
}

/* What the models still declare is made again by another migration, as it is to be now. */
static cz__finding judge_removal(const cz__state *models, const cz_migration *migration,
                                 const cz_operation *op)
{
    if (!is_declared(cz__state_get(models, migration->app, op->model), op) ||
        returns_at_once(migration, op))
        return safe;
    return (cz__finding){
        .safety = CZ__SAFE,
        .advice = op->kind == CZ_OPERATION_REMOVE_INDEX
                      ? "until the migration that makes it again is done, queries that use it read "
                        "the whole "
                        "table, searches of full text too; under another name it is made first"
                      : "until the migration that makes it again is done, rows that break it are "
                        "stored, and "
                        "would fail that one; under another name it is made first"
    };
}

/* ---- operations ---- */

static cz__finding judge_change(cz_ctx *ctx, const cz__state *before, const char *app,
                                const cz_operation *op, const cz_state_field *was)
{
    const cz__state_model *model = cz__state_get(before, app, op->model);
    const cz_state_field *is = &op->fields.items[0];
    if (rekeys(ctx, before, app, op, was))
        return judge_key(ctx, before, model);
    if (cz__has_link_table(was) && cz__has_link_table(is) &&
        !cz__same_name(cz__state_link_table(ctx, model, was), cz__state_link_table(ctx, model, is)))
        return two_steps("the version that runs asks for the table of its links by the old name: "
                         "keep .table");
    return judge_alteration(was, is,
                            cz__kind_is_stored(is->kind) &&
                                strcmp(cz__state_column(ctx, was), cz__state_column(ctx, is)) != 0);
}

static cz__finding judge(cz_ctx *ctx, const cz__state *before, const char *app,
                         const cz_operation *op)
{
    const cz__state_model *model = op->model ? cz__state_get(before, app, op->model) : NULL;
    const cz_state_field *field = op->fields.count ? &op->fields.items[0] : NULL;
    const cz_state_field *was = model && field ? cz__state_field(model, field->name) : NULL;
    switch (op->kind) {
    case CZ_OPERATION_DELETE_MODEL:
        return two_steps(
            "the version that runs still asks for it: release without the model first");
    case CZ_OPERATION_RENAME_MODEL:
        return judge_model_rename(before, model, op->new_name);
    case CZ_OPERATION_ALTER_TABLE:
        return two_steps("the version that runs asks for the old table");
    case CZ_OPERATION_REMOVE_FIELD:
        return two_steps(
            "the version that runs still asks for it: release without the field first, "
            "NULL allowed");
    case CZ_OPERATION_RENAME_FIELD:
        return judge_rename(model ? cz__state_field(model, op->name) : NULL);
    case CZ_OPERATION_ADD_FIELD:
        return field ? judge_addition(field) : safe;
    case CZ_OPERATION_ALTER_FIELD:
        return was ? judge_change(ctx, before, app, op, was) : safe;
    case CZ_OPERATION_ADD_INDEX:
        return blocking("SHARE",
                        "nobody writes while it is made: make the migration .online = true");
    case CZ_OPERATION_ADD_CONSTRAINT:
        return blocking("ACCESS EXCLUSIVE", "every row is checked while nobody reads: make the "
                                            "migration .online = true");
    case CZ_OPERATION_ALTER_UNIQUE_TOGETHER:
        return op->unique_together.count
                   ? blocking("SHARE", "nobody writes while its index is made: make the migration "
                                       ".online = true")
                   : safe;
    case CZ_OPERATION_RUN_SQL:
    case CZ_OPERATION_RUN_C:
        if (!cz__operation_is_reversible(op))
            return (cz__finding){ .safety = CZ__TWO_STEPS,
                                  .advice =
                                      "it cannot be undone: say how, or that nothing need be" };
        return safe;
    default:
        return safe;
    }
}

/* Of a table that this migration has made nobody knows yet. */
static bool is_new(const cz__state *start, const char *app, const cz_operation *op)
{
    return op->model && op->kind != CZ_OPERATION_CREATE_MODEL &&
           !cz__state_get(start, app, op->model);
}

cz__finding *cz__lint(cz_ctx *ctx, const cz__graph *graph, const cz_migration *migration)
{
    bool *nodes = cz_array(ctx, bool, graph->count + 1);
    for (size_t i = 0; i < graph->count && graph->nodes[i] != migration; i++)
        nodes[i] = true;
    const cz__state *start = cz__graph_state(ctx, graph, nodes);
    const cz__state *models = cz__state_of_models(ctx);
    cz__state *state = cz__state_copy(ctx, start);
    cz__finding *findings = cz_array(ctx, cz__finding, migration->operations.count + 1);
    for (size_t i = 0; i < migration->operations.count; i++) {
        const cz_operation *op = &migration->operations.items[i];
        findings[i] = judge(ctx, state, migration->app, op);
        if (is_new(start, migration->app, op))
            findings[i] = safe;
        else if (migration->online && findings[i].can_be_online)
            findings[i] = (cz__finding){ .safety = CZ__SAFE, .advice = findings[i].online };
        else if (op->kind == CZ_OPERATION_REMOVE_INDEX ||
                 op->kind == CZ_OPERATION_REMOVE_CONSTRAINT)
            findings[i] = judge_removal(models, migration, op);
        cz__operation_apply(ctx, state, migration->app, op);
    }
    return findings;
}
