/* Viewsets of the rows of another row, which the path names: DRF-nested-routers. */
#include "views/views_internal.h"
#include <stdio.h>

static const cz__column *parent_of(const cz_viewset *view)
{
    return cz__column_find(view->model, view->parent);
}

/* The parent's key, of the key's type. */
static const void *parent_key(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    const cz__column *column = parent_of(view);
    for (uint32_t i = 0; i < req->param_count; i++)
        if (cz_str_eq(req->params[i].name, cz_str_from(column->field->name)))
            return CZ__DB_KIND(column->type) == CZ__DB_UUID ? (const void *)req->params[i].uuid
                                                            : (const void *)&req->params[i].integer;
    cz_raise(ctx, CZ_EINVAL, "%s: the path names no %s", view->name, column->field->name);
}

/* The key, of a parent there is: rows of none are not an empty list. */
static const void *parent_that_is(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    cz_model *target = parent_of(view)->field->target;
    const void *key = parent_key(ctx, req, view);
    cz_query query = { .model = target,
                       .where = cz__cond_column(ctx, target, target->state->key, key),
                       .unordered = true };
    if (!cz__exists(ctx, &query))
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    return key;
}

cz_cond cz__view_of_parent(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    if (!view->parent.len)
        return NULL;
    return cz__cond_column(ctx, view->model, parent_of(view), parent_that_is(ctx, req, view));
}

void cz__view_set_parent(cz_ctx *ctx, const cz_request *req, const cz_viewset *view, cz_row *row)
{
    if (!view->parent.len)
        return;
    const cz__column *column = parent_of(view);
    memcpy(cz__row_at(row, column), parent_that_is(ctx, req, view), cz__column_bytes(column));
    *cz__row_slot(row, column) = NULL;
    cz__row_mark(row, column, false);
}

cz_status cz__view_check_parent(const cz_viewset *view, const char *path, cz_error *err)
{
    if (!view->parent.len)
        return CZ_OK;
    const cz__column *column = parent_of(view);
    if (!column || !column->relation)
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s: .parent \"%.*s\" is no foreign key",
                            view->name, CZ_STR_ARG(view->parent));
    char parameter[128];
    const char *kind = CZ__DB_KIND(column->type) == CZ__DB_UUID ? "uuid" : "int";
    snprintf(parameter, sizeof parameter, "<%s:%s>", kind, column->field->name);
    if (strstr(path, parameter))
        return CZ_OK;
    return cz_error_set(err, CZ_EVALIDATION,
                        "viewset %s: .parent needs a %s in its path, and \"%s\" has none",
                        view->name, parameter, path);
}
