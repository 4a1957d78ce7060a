/* Tags of models. The ORM tells after each statement that changed rows of one; the tag is drawn anew when that is
 * committed, once for each transaction, in every cache. */
#include "cache/cache_internal.h"
#include "orm/orm.h"

static cz_str tag_of(cz_ctx *ctx, const cz_model *model)
{
    return cz_format(ctx, "model:%s", model->state->concrete->state->label);
}

static void invalidate(cz_ctx *ctx, void *arg)
{
    const cz_model *model = arg;
    cz_str tag = tag_of(ctx, model);
    for (size_t i = 0; i < cz__stores_count(); i++)
        cz_cache_invalidate(ctx, &cz__stores_at(i)->handle, tag);
}

static void told(cz_ctx *ctx, const char *alias, const cz_model *model)
{
    cz__on_commit_once(ctx, alias, invalidate, (void *)(uintptr_t)model);
}

cz_status cz__cache_watch_models(const char *app, const cz_model_list *models, cz_error *err)
{
    for (size_t i = 0; i < models->count; i++) {
        const cz_model *model = models->items[i];
        if (!model->state)
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: .cached names %s, which is in no app's .models", app,
                                model->name);
        model->state->concrete->state->is_told = true;
        cz__changes_told = told;
    }
    return CZ_OK;
}

bool cz__cache_watches(const cz_model *model)
{
    return model->state && model->state->concrete->state->is_told;
}

static void check_told(cz_ctx *ctx, const cz_model *model)
{
    if (!cz__cache_watches(model))
        cz_raise(ctx, CZ_EINVAL, "%s is in no app's .cached, so its changes would end nothing",
                 model->name);
}

cz_str cz__cache_model(cz_ctx *ctx, const cz_model *model)
{
    check_told(ctx, model);
    return tag_of(ctx, model);
}

void cz__cache_model_changed(cz_ctx *ctx, const cz_model *model)
{
    check_told(ctx, model);
    const char *alias = cz__alias_of(ctx, model, NULL, NULL, true);
    told(ctx, alias ? alias : cz__database_at_home(ctx)->alias, model->state->concrete);
}
