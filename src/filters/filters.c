/* Conditions from the parameters that a view declares. */
#include <calzone/errors.h>
#include <calzone/filters.h>
#include "orm/orm.h"
#include <stdio.h>

static const cz_lookup exact[] = { CZ_LOOKUP_EXACT };
static const cz_lookups by_default = { exact, 1 };

static const cz_lookups *lookups_of(const cz_filter *filter)
{
    return filter->lookups.count ? &filter->lookups : &by_default;
}

/* ---- names ---- */

static const char *const lookup_names[] = {
#define X(name) [CZ_LOOKUP_##name] = #name,
    CZ_LOOKUP_MAP(X)
#undef X
};

/* "icontains", after two underscores. */
static void append_lookup(cz_buf *out, cz_lookup lookup)
{
    cz_buf_append_lit(out, "__");
    for (const char *at = lookup_names[lookup]; *at; at++)
        cz_buf_append_char(out, (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at));
}

void cz__filter_name(const cz_filter *filter, size_t n, cz_buf *out)
{
    cz_lookup lookup = lookups_of(filter)->items[n];
    for (cz_str rest = filter->name ? cz_str_from(filter->name) : filter->path; rest.len;) {
        size_t arrow = filter->name ? SIZE_MAX : cz_str_find(rest, CZ_STR("->"));
        cz_buf_append_str(out, cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow)));
        if (arrow != SIZE_MAX)
            cz_buf_append_lit(out, "__");
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
    }
    bool alone = filter->name && lookups_of(filter)->count == 1;
    if (lookup != CZ_LOOKUP_EXACT && !alone)
        append_lookup(out, lookup);
}

/* ---- one parameter ---- */

struct asked { /* of a request */
    const cz_request *req;
    cz_model *model;
    const cz_filter *filter;
    cz_lookup lookup;
    cz_str value;
    cz_cond cond;
};

static CZ_NORETURN void no_choice(cz_ctx *ctx, cz_str value)
{
    cz_raise(ctx, CZ_EVALIDATION,
             "Select a valid choice. %.*s is not one of the available choices.",
             CZ_STR_ARG(cz_str_head(value, value.len < 60 ? value.len : 60)));
}

static void check_choice(cz_ctx *ctx, const cz__column *column, cz_str value)
{
    const cz_choice_list *choices = &column->field->options.choices;
    for (size_t i = 0; i < choices->count; i++)
        if (cz_str_eq(value, cz_str_from(choices->items[i].value)))
            return;
    if (choices->count)
        no_choice(ctx, value);
}

/* A row that a relation is to lead to is there, as for django-filter's ModelChoiceFilter. */
static void check_there(cz_ctx *ctx, const cz__column *column, cz_str value)
{
    cz_model *target = column->field->target;
    cz_query query = { .model = target,
                       .where = cz_cond_text(ctx, target, target->state->key->attribute,
                                             CZ_LOOKUP_EXACT, value),
                       .unordered = true,
                       .repeats = true };
    if (!cz__exists(ctx, &query))
        cz_raise(ctx, CZ_EVALIDATION,
                 "Select a valid choice. That choice is not one of the available choices.");
}

static void ask(cz_ctx *ctx, void *arg)
{
    struct asked *asked = arg;
    const cz_filter *filter = asked->filter;
    if (filter->condition) {
        asked->cond = filter->condition(ctx, asked->req, asked->value);
        cz_check(ctx, asked->cond ? CZ_OK : CZ_EINVAL);
        return;
    }
    const cz__column *column;
    cz_error err;
    if (cz__path_resolve(asked->model, filter->path, &column, &err))
        cz_raise(ctx, CZ_EINVAL, "%s", cz_error_message(&err)); /* the start has checked it */
    if (asked->lookup == CZ_LOOKUP_EXACT)
        check_choice(ctx, column, asked->value);
    asked->cond = cz_cond_text(ctx, asked->model, filter->path, asked->lookup, asked->value);
    if (asked->lookup == CZ_LOOKUP_EXACT && (column->relation || column->many))
        check_there(ctx, column, asked->value);
}

/* ---- all of them ---- */

struct filtering {
    const cz_request *req;
    cz_model *model;
    cz_buf *name;
    cz_cond *conds;
    size_t count;
    cz_field_errors errors;
    bool distinct;
};

static void filter_by(cz_ctx *ctx, struct filtering *filtering, const cz_filter *filter, size_t n)
{
    cz_buf_clear(filtering->name);
    cz__filter_name(filter, n, filtering->name);
    cz_check(ctx, cz_buf_status(filtering->name));
    struct asked asked = { .req = filtering->req,
                           .model = filtering->model,
                           .filter = filter,
                           .lookup = lookups_of(filter)->items[n] };
    cz_str name = cz_buf_str(filtering->name);
    if (!cz_query_get(ctx, filtering->req, name, &asked.value) || !asked.value.len)
        return;
    cz_error err;
    cz_status status = cz_try(ctx, ask, &asked, &err);
    if (status && (status != CZ_EVALIDATION || err.details))
        cz_raise_error(ctx, &err);
    if (status) {
        cz_field_errors_add(ctx, &filtering->errors, cz_copy(ctx, name), "invalid", "%s",
                            cz_error_message(&err));
        return;
    }
    filtering->conds[filtering->count++] = asked.cond;
    filtering->distinct |= filter->path.len && cz__path_is_many(filtering->model, filter->path);
}

cz_cond cz_filter_rows(cz_ctx *ctx, const cz_request *req, cz_model *model,
                       const cz_filters *filters, bool *out_distinct)
{
    if (!req->query.len || !filters->count)
        return NULL;
    size_t most = 0;
    for (size_t i = 0; i < filters->count; i++)
        most += lookups_of(&filters->items[i])->count;
    struct filtering filtering = {
        .req = req, .model = model, .name = cz_scratch(ctx), .conds = cz_array(ctx, cz_cond, most)
    };
    cz_field_errors_init(&filtering.errors);
    for (size_t i = 0; i < filters->count; i++)
        for (size_t n = 0; n < lookups_of(&filters->items[i])->count; n++)
            filter_by(ctx, &filtering, &filters->items[i], n);
    cz_field_errors_raise(ctx, &filtering.errors);
    *out_distinct |= filtering.distinct;
    return filtering.count ? cz_cond_all(ctx, filtering.conds, filtering.count) : NULL;
}

/* ---- the start ---- */

/* The column whose values are compared at the end of a path. */
static cz_status compared_column(const cz_model *model, cz_str path, const cz__column **out,
                                 cz_error *err)
{
    cz_error why;
    if (cz__path_resolve(model, path, out, &why))
        return cz_error_set(err, CZ_EVALIDATION, "%s", cz_error_message(&why));
    if ((*out)->many)
        *out = (*out)->field->target->state->key;
    return CZ_OK;
}

static cz_status check_lookup(const cz_model *model, cz_str path, cz_lookup lookup, cz_error *err)
{
    const cz__column *column;
    cz_status status = compared_column(model, path, &column, err);
    if (!status && (lookup >= CZ_LOOKUP_COUNT || !cz__is_asked(column->type, lookup)))
        status = cz_error_set(err, CZ_EVALIDATION, "%s.%.*s has no lookup %s", model->name,
                              CZ_STR_ARG(path),
                              lookup < CZ_LOOKUP_COUNT ? lookup_names[lookup] : "of that number");
    return status;
}

static cz_status check_order(const cz_model *model, cz_str path, cz_error *err)
{
    const cz__column *column;
    cz_status status = compared_column(model, path, &column, err);
    if (!status && !cz__is_asked(column->type, CZ_LOOKUP_GT))
        status = cz_error_set(err, CZ_EVALIDATION, "rows cannot be ordered by %s.%.*s", model->name,
                              CZ_STR_ARG(path));
    return status;
}

static cz_status check_filter(const cz_model *model, const cz_filter *filter, cz_error *err)
{
    if ((filter->path.len > 0) == (filter->condition != NULL))
        return cz_error_set(err, CZ_EVALIDATION, "a filter has either a path or a .condition");
    if (filter->condition)
        return filter->name && lookups_of(filter) == &by_default
                   ? CZ_OK
                   : cz_error_set(err, CZ_EVALIDATION,
                                  "a filter with a .condition has a .name and no lookups");
    cz_status status = CZ_OK;
    for (size_t n = 0; n < lookups_of(filter)->count && !status; n++)
        status = check_lookup(model, filter->path, lookups_of(filter)->items[n], err);
    return status;
}

/* Add "&name&" to the names there are, if it is none of them. */
static cz_status add_name(cz_buf *names, const cz_filter *filter, size_t n, cz_error *err)
{
    cz_buf name = { 0 };
    cz_buf_append_char(&name, '&');
    cz__filter_name(filter, n, &name);
    cz_buf_append_char(&name, '&');
    cz_str text = cz_buf_str(&name);
    cz_status status = cz_buf_status(&name);
    if (!status && text.ptr && cz_str_find(cz_buf_str(names), text) != SIZE_MAX)
        status = cz_error_set(err, CZ_EVALIDATION, "two filters are called \"%.*s\"",
                              (int)text.len - 2, text.ptr + 1);
    else if (!status && text.ptr)
        cz_buf_append_str(names, text);
    if (status == CZ_ENOMEM || cz_buf_status(names))
        status = cz_error_set(err, CZ_ENOMEM, "no memory for filters");
    cz_buf_done(&name);
    return status;
}

static cz_status check_names(const cz_filters *filters, cz_error *err)
{
    cz_buf names = { 0 };
    cz_status status = CZ_OK;
    for (size_t i = 0; i < filters->count && !status; i++)
        for (size_t n = 0; n < lookups_of(&filters->items[i])->count && !status; n++)
            status = add_name(&names, &filters->items[i], n, err);
    cz_buf_done(&names);
    return status;
}

cz_status cz__filters_check(const cz_model *model, const cz_filters *filters,
                            const cz_search_fields *search, const cz_fields *orderings,
                            cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < filters->count && !status; i++)
        status = check_filter(model, &filters->items[i], err);
    if (!status)
        status = check_names(filters, err);
    for (size_t i = 0; i < search->count && !status; i++)
        status = check_lookup(
            model, search->items[i].path,
            search->items[i].lookup ? search->items[i].lookup : CZ_LOOKUP_ICONTAINS, err);
    for (size_t i = 0; i < orderings->count && !status; i++)
        status = check_order(model, orderings->items[i], err);
    return status;
}
