/* The keys of models in a state, and what holds them. */
#include "migrations/migrations_internal.h"

const cz_state_field *cz__state_key(cz_ctx *ctx, const cz__state *state,
                                    const cz__state_model *model)
{
    const cz_state_field *key = &model->fields.items[0];
    const cz__state_model *at = model;
    for (size_t i = 0; key->to && i < state->count; i++) {
        at = cz__state_target(state, key);
        if (!at || !at->fields.count)
            cz_raise(ctx, CZ_EVALIDATION,
                     "the key of %s.%s refers to %s, which does not exist then", model->app,
                     model->name, key->to);
        key = &at->fields.items[0];
    }
    if (key->to)
        cz_raise(ctx, CZ_EVALIDATION, "the key of %s.%s leads back to itself", model->app,
                 model->name);
    return key;
}

bool cz__state_rekeys(cz_ctx *ctx, const cz__state *before, const cz__state *after, const char *app,
                      const cz_operation *op)
{
    if (!op || op->kind != CZ_OPERATION_ALTER_FIELD)
        return false;
    const cz__state_model *was = cz__state_get(before, app, op->model);
    const cz__state_model *is = cz__state_get(after, app, op->model);
    return was && is && was->fields.count && is->fields.count &&
           cz__state_type(cz__state_key(ctx, before, was)) !=
               cz__state_type(cz__state_key(ctx, after, is));
}

/* ---- who refers to a model ---- */

struct referrers {
    cz_ctx *ctx;
    const cz__state *state;
    bool *seen; /* by model of the state */
    const char **tables;
    size_t count;
};

static void add_table(struct referrers *r, const char *table)
{
    for (size_t i = 0; i < r->count; i++)
        if (cz__same_name(r->tables[i], table))
            return;
    r->tables[r->count++] = table;
}

static void add_referrers(struct referrers *r, const cz__state_model *model)
{
    for (size_t i = 0; i < r->state->count; i++) {
        const cz__state_model *other = r->state->models[i];
        bool is_key = false;
        for (size_t f = 0; f < other->fields.count && !other->unmanaged; f++) {
            const cz_state_field *field = &other->fields.items[f];
            bool leads_here = field->to && cz__state_target(r->state, field) == model;
            if (cz__has_link_table(field) && (leads_here || other == model))
                add_table(r, cz__state_link_table(r->ctx, other, field));
            if (!leads_here || !cz__kind_is_stored(field->kind))
                continue;
            if (other != model)
                add_table(r, cz__state_table(r->ctx, other));
            is_key = is_key || field->primary_key;
        }
        if (is_key && !r->seen[i]) { /* its own key is one of these, and others refer to that */
            r->seen[i] = true;
            add_referrers(r, other);
        }
    }
}

const char *cz__state_referrers(cz_ctx *ctx, const cz__state *state, const cz__state_model *model)
{
    size_t most = 1;
    for (size_t i = 0; i < state->count; i++)
        most += 1 + state->models[i]->fields.count;
    struct referrers r = { ctx, state, cz_array(ctx, bool, state->count + 1),
                           cz_array(ctx, const char *, most), 0 };
    add_referrers(&r, model);
    const char *list = r.count ? r.tables[0] : NULL;
    for (size_t i = 1; i < r.count; i++)
        list = cz_format(ctx, "%s, %s", list, r.tables[i]).ptr;
    return list;
}
