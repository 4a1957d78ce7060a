/* What a model says beyond its fields, checked when the project starts: Django's system checks of Meta. */
#include "orm/orm_internal.h"

/* Whether each of the fields has a column of the model's own table. */
static cz_status check_fields(const cz_model *model, const char *option, const cz_fields *fields,
                              cz_error *err)
{
    const cz__column *column = NULL;
    for (size_t i = 0; i < fields->count; i++) {
        cz_str path = fields->items[i];
        cz_status status = cz__path_resolve(model, path, &column, err);
        if (status)
            return status;
        if (!column || cz__column_find(model, path) != column || !column->stored)
            return cz_error_set(err, CZ_EVALIDATION, "%s: %s: \"%.*s\" is no column of its own",
                                model->name, option, CZ_STR_ARG(path));
        if (column->type & CZ__DB_SEALED)
            return cz_error_set(err, CZ_EVALIDATION, "%s: %s: \"%.*s\" is encrypted", model->name,
                                option, CZ_STR_ARG(path));
    }
    return CZ_OK;
}

static cz_status check_name(const cz_model *model, const char *option, const char *name,
                            cz_error *err)
{
    if (name && strlen(name) > CZ__MODEL_NAME_BYTES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "%s: %s: a name has at most 60 bytes", model->name,
                            option);
    return CZ_OK;
}

static bool is_method(const char *method)
{
    static const char *const methods[] = { "hash", "gin", "gist", "spgist", "brin" };
    for (size_t i = 0; i < CZ_COUNT(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

/* A configuration of PostgreSQL 15, or, with a "_" in its name, one of the project's own. */
bool cz__is_search_language(const char *name)
{
    static const char *const known[] = {
        "simple",  "arabic",  "armenian",   "basque",   "catalan",    "danish",
        "dutch",   "english", "finnish",    "french",   "german",     "greek",
        "hindi",   "irish",   "indonesian", "italian",  "hungarian",  "lithuanian",
        "nepali",  "russian", "norwegian",  "romanian", "portuguese", "serbian",
        "spanish", "swedish", "tamil",      "turkish",  "yiddish",
    };
    for (size_t i = 0; i < CZ_COUNT(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return strchr(name, '_') && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static bool are_weights(const char *weights, size_t count)
{
    return strlen(weights) == count && strspn(weights, "ABCD") == count;
}

static cz_status check_searched(const cz_model *model, const cz_index *index, cz_error *err)
{
    for (size_t i = 0; i < index->fields.count; i++) {
        const cz__column *column = cz__column_find(model, index->fields.items[i]);
        if (!column || CZ__DB_KIND(column->type) != CZ__DB_TEXT || column->type & CZ__DB_CHOSEN)
            return cz_error_set(err, CZ_EVALIDATION, "%s: .search: \"%.*s\" is no text",
                                model->name, CZ_STR_ARG(index->fields.items[i]));
    }
    return CZ_OK;
}

static cz_status check_search(const cz_model *model, const cz_index *index, cz_error *err)
{
    if (!index->search)
        return cz_error_set(err, CZ_EVALIDATION, "%s: .weights are for an index with .search",
                            model->name);
    for (const cz_index *other = model->meta.indexes.items; other < index; other++)
        if (other->search)
            return cz_error_set(err, CZ_EVALIDATION, "%s: a model has one index with .search",
                                model->name);
    if (!cz__is_search_language(index->search))
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: .search: \"%s\" is no language; say \"english\", or \"simple\" "
                            "for words as they are. A configuration of your own has a \"_\" in its "
                            "name",
                            model->name, index->search);
    if (!index->fields.count || index->condition || index->include.count || index->method)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: an index with .search has .fields, and of the rest .name and "
                            ".weights alone",
                            model->name);
    if (index->weights && !are_weights(index->weights, index->fields.count))
        return cz_error_set(
            err, CZ_EVALIDATION,
            "%s: .weights: \"%s\" is not one letter from A to D for each of .fields", model->name,
            index->weights);
    if (model->meta.unmanaged)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: .search: the table is not managed, so no index of it is made",
                            model->name);
    return check_searched(model, index, err);
}

static cz_status check_index_order(const cz_model *model, const cz_order_list *order, cz_error *err)
{
    for (size_t i = 0; i < order->count; i++) {
        const cz_order *item = &order->items[i];
        const cz_fields path = { &item->path, 1 };
        if (item->expr || item->random || item->nulls)
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: an index's .order has fields and directions alone",
                                model->name);
        cz_status status = check_fields(model, "indexes", &path, err);
        if (status)
            return status;
    }
    return CZ_OK;
}

static cz_status check_indexes(const cz_model *model, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; !status && i < model->meta.indexes.count; i++) {
        const cz_index *index = &model->meta.indexes.items[i];
        if ((index->fields.count > 0) + (index->order.count > 0) + (index->expressions != NULL) !=
            1)
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: an index has one of .fields, .order and .expressions",
                                model->name);
        if (index->expressions && !index->name)
            return cz_error_set(err, CZ_EVALIDATION, "%s: an index of .expressions needs a .name",
                                model->name);
        if (index->method && !is_method(index->method))
            return cz_error_set(err, CZ_EVALIDATION, "%s: there is no index method \"%s\"",
                                model->name, index->method);
        status = check_fields(model, "indexes", &index->fields, err);
        if (!status && (index->search || index->weights))
            status = check_search(model, index, err);
        if (!status)
            status = check_index_order(model, &index->order, err);
        if (!status)
            status = check_fields(model, "indexes", &index->include, err);
        if (!status)
            status = check_name(model, "indexes", index->name, err);
    }
    return status;
}

static cz_status check_constraints(const cz_model *model, cz_error *err)
{
    const cz_constraint_list *list = &model->meta.constraints;
    cz_status status = CZ_OK;
    for (size_t i = 0; !status && i < list->count; i++) {
        const cz_constraint *constraint = &list->items[i];
        if (!constraint->name || !*constraint->name)
            return cz_error_set(err, CZ_EVALIDATION, "%s: a constraint without .name", model->name);
        if ((constraint->check != NULL) + (constraint->unique.count > 0) +
                    (constraint->expressions != NULL) !=
                1 ||
            (constraint->check && constraint->condition))
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: the constraint %s has either .check, or .unique or "
                                ".expressions with or without .condition",
                                model->name, constraint->name);
        for (size_t other = 0; other < i; other++)
            if (strcmp(list->items[other].name, constraint->name) == 0)
                return cz_error_set(err, CZ_EVALIDATION, "%s: two constraints are called %s",
                                    model->name, constraint->name);
        status = check_fields(model, constraint->name, &constraint->unique, err);
        if (!status)
            status = check_name(model, "constraints", constraint->name, err);
    }
    return status;
}

cz_status cz__meta_check(const cz_model *model, cz_error *err)
{
    const cz__column *column = NULL;
    for (size_t i = 0; i < model->meta.ordering.count; i++) {
        const cz_order *order = &model->meta.ordering.items[i];
        cz_status status = order->random || order->expr
                               ? CZ_OK
                               : cz__path_resolve(model, order->path, &column, err);
        if (status)
            return status;
    }
    cz_status status = check_fields(model, "unique_together", &model->meta.unique_together, err);
    if (!status)
        status = check_indexes(model, err);
    return status ? status : check_constraints(model, err);
}

cz_status cz__natural_key_check(const cz_model *model, cz_error *err)
{
    for (size_t i = 0; i < model->meta.natural_key.count; i++) {
        const cz__column *column = cz__column_find(model, model->meta.natural_key.items[i]);
        if (!column || !column->stored || column == model->state->key ||
            column->type & CZ__DB_SEALED)
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: natural_key: \"%.*s\" is no column beside its key",
                                model->name, CZ_STR_ARG(model->meta.natural_key.items[i]));
        if (column->relation && (cz__same_table(column->field->target, model) ||
                                 !column->field->target->meta.natural_key.count))
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: natural_key: %s has no natural key of its own", model->name,
                                column->field->target->name);
    }
    return CZ_OK;
}
