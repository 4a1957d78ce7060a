/* Proxies: models that share another's table, columns and row struct. Their columns are the base's own, so that what is
 * found out about a relation is found once; what is theirs is their name, their meta and who is told of their rows. */
#include "orm/orm_internal.h"

/* What belongs to the table is the base's. */
cz_status cz__proxy_check(const cz_model *model, cz_error *err)
{
    const cz_meta *meta = &model->meta;
    const char *wrong = meta->table                   ? "table"
                        : meta->unique_together.count ? "unique_together"
                        : meta->indexes.count         ? "indexes"
                        : meta->constraints.count     ? "constraints"
                        : meta->unmanaged             ? "unmanaged"
                        : meta->database              ? "database"
                        : meta->django                ? "django"
                                                      : NULL;
    if (model->proxy_of->record)
        return cz_error_set(err, CZ_EVALIDATION, "%s: the record %s has no table for a proxy",
                            model->name, model->proxy_of->name);
    return wrong ? cz_error_set(err, CZ_EVALIDATION,
                                "%s: .%s belongs to the table, and a proxy has that of %s",
                                model->name, wrong, model->proxy_of->name)
                 : CZ_OK;
}

/* The meta of what it is a proxy of, which may be a proxy, but for what it says itself. Its permissions are its own, as
 * in Django: who may change drafts may not change every post. */
static void inherit_meta(cz_model *proxy)
{
    const cz_meta own = proxy->meta, *base = &proxy->proxy_of->meta;
    proxy->meta = *base;
    proxy->meta.verbose_name = own.verbose_name;
    proxy->meta.verbose_name_plural = own.verbose_name_plural;
    proxy->meta.default_permissions = own.default_permissions;
    proxy->meta.permissions = own.permissions;
    if (own.ordering.count)
        proxy->meta.ordering = own.ordering;
    if (own.manager)
        proxy->meta.manager = own.manager;
    if (own.clean)
        proxy->meta.clean = own.clean;
    if (own.natural_key.count)
        proxy->meta.natural_key = own.natural_key;
}

/* Share the columns of the model at the end of the way. */
static cz_status join_base(cz_model *proxy, cz_error *err)
{
    cz_model *base = proxy->proxy_of;
    if (!base->state)
        return cz_error_set(err, CZ_EVALIDATION, "%s: the model %s is not in any app's .models",
                            proxy->name, base->name);
    if (proxy->state->concrete != proxy)
        return CZ_OK; /* another proxy's way led over it */
    if (base->proxy_of) {
        cz_status status = join_base(base, err);
        if (status)
            return status;
    }
    const cz_model *concrete = base->state->concrete;
    struct cz__model_state *state = proxy->state, own = *state;
    *state = *concrete->state;
    state->model = proxy;
    state->app = own.app;
    state->lower_name = own.lower_name;
    state->label = own.label;
    proxy->fields = concrete->fields;
    proxy->field_count = concrete->field_count;
    proxy->offsets = concrete->offsets;
    proxy->slots = concrete->slots;
    proxy->row_bytes = concrete->row_bytes;
    inherit_meta(proxy);
    return CZ_OK;
}

cz_status cz__proxies_join(cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < cz__models_count() && !status; i++)
        if (cz__models_at(i)->proxy_of)
            status = join_base(cz__models_at(i), err);
    return status;
}

void cz__proxies_know_referrers(void)
{
    for (size_t i = 0; i < cz__models_count(); i++) {
        struct cz__model_state *state = cz__models_at(i)->state;
        state->referrers = state->concrete->state->referrers;
        state->referrer_count = state->concrete->state->referrer_count;
    }
}
