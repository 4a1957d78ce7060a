/* The parameters of a plan, in the order of its SQL. */
#include "orm/orm_internal.h"

/* ---- patterns ---- */

/* Text for LIKE with its own wildcards taken literally, by a backslash. */
static cz_str like_pattern(cz_ctx *ctx, cz_str text, bool any_before, bool any_after)
{
    char *out = cz_alloc(ctx, text.len * 2 + 2);
    size_t len = 0;
    if (any_before)
        out[len++] = '%';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\')
            out[len++] = '\\';
        out[len++] = text.ptr[i];
    }
    if (any_after)
        out[len++] = '%';
    return cz_str_of(out, len);
}

/* The same for GLOB, whose wildcards are taken literally inside brackets. */
static cz_str glob_pattern(cz_ctx *ctx, cz_str text, bool any_before, bool any_after)
{
    char *out = cz_alloc(ctx, text.len * 3 + 2);
    size_t len = 0;
    if (any_before)
        out[len++] = '*';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '*' || c == '?' || c == '[') {
            out[len++] = '[';
            out[len++] = c;
            out[len++] = ']';
        } else {
            out[len++] = c;
        }
    }
    if (any_after)
        out[len++] = '*';
    return cz_str_of(out, len);
}

static cz_str pattern_of(cz_ctx *ctx, enum cz__pattern pattern, cz_str text)
{
    switch (pattern) {
    case CZ__PATTERN_NONE:
        return text;
    case CZ__PATTERN_LIKE_EXACT:
        return like_pattern(ctx, text, false, false);
    case CZ__PATTERN_LIKE_CONTAINS:
        return like_pattern(ctx, text, true, true);
    case CZ__PATTERN_LIKE_PREFIX:
        return like_pattern(ctx, text, false, true);
    case CZ__PATTERN_LIKE_SUFFIX:
        return like_pattern(ctx, text, true, false);
    case CZ__PATTERN_GLOB_PREFIX:
        return glob_pattern(ctx, text, false, true);
    case CZ__PATTERN_GLOB_SUFFIX:
        return glob_pattern(ctx, text, true, false);
    }
    return text;
}

/* ---- the parameters of a plan ---- */

struct feed {
    cz_ctx *ctx;
    const struct cz__plan *plan;
    const cz__db_features *features;
    cz__db_param *params;
    size_t count, cap;
    uint16_t leaf;
};

static void feed_add(struct feed *feed, cz__db_param param)
{
    if (feed->count == feed->cap) {
        size_t cap = feed->cap ? feed->cap * 4 : 8;
        cz__db_param *grown = cz_alloc(feed->ctx, cap * sizeof *grown);
        if (feed->count)
            memcpy(grown, feed->params, feed->count * sizeof *grown);
        feed->params = grown;
        feed->cap = cap;
    }
    feed->params[feed->count++] = param;
}

static cz__db_param list_item(struct feed *feed, const cz__column *column, cz_cond leaf, size_t i)
{
    return cz__param_of(feed->ctx, column, cz__value_item_kind(leaf->value_kind),
                        cz__value_item(leaf->value_kind, leaf->value, i));
}

static void feed_list(struct feed *feed, const cz__column *column, cz_cond leaf)
{
    size_t count = cz__value_count(leaf->value_kind, leaf->value);
    size_t places = 1;
    while (leaf->lookup == CZ_LOOKUP_IN && places < count)
        places *= 2;
    if (leaf->lookup == CZ_LOOKUP_RANGE) { /* the plan may come from a leaf that had two */
        if (count != 2)
            cz_raise(feed->ctx, CZ_EINVAL, "RANGE takes two values, not %zu", count);
        places = count;
    }
    for (size_t i = 0; count && i < places; i++)
        feed_add(feed, list_item(feed, column, leaf, i < count ? i : count - 1));
}

static void feed_cond(struct feed *feed, cz_cond cond)
{
    if (cond->op != CZ__COND_LEAF) {
        for (uint32_t i = 0; i < cond->count; i++)
            feed_cond(feed, cond->children[i]);
        return;
    }
    const cz__column *column = feed->plan->leaves[feed->leaf++];
    if (cond->lookup == CZ_LOOKUP_ISNULL || cz__cond_is_null(cond))
        return;
    if (cond->lookup == CZ_LOOKUP_IN || cond->lookup == CZ_LOOKUP_RANGE) {
        feed_list(feed, column, cond);
        return;
    }
    cz__db_param param = cz__param_of(feed->ctx, column, cond->value_kind, cond->value);
    if (param.kind == CZ__PARAM_TEXT)
        param.text =
            pattern_of(feed->ctx, feed->features->lookups[cond->lookup].pattern, param.text);
    feed_add(feed, param);
}

/* What is stored must fit: columns of SQLite would take it, and rows read it back cut off. */
static void check_fits(cz_ctx *ctx, const cz__column *column, const cz__db_param *param)
{
    if (param->kind != CZ__PARAM_INT)
        return;
    int64_t value = param->integer;
    if ((CZ__DB_KIND(column->type) == CZ__DB_INT16 && value != (int16_t)value) ||
        (CZ__DB_KIND(column->type) == CZ__DB_INT32 && value != (int32_t)value))
        cz_raise(ctx, CZ_EINVAL, "%lld is out of range for \"%s\"", (long long)value,
                 column->field->name);
}

cz__db_param *cz__plan_params(cz_ctx *ctx, const struct cz__plan *plan,
                              const struct cz__plan_request *request, size_t *out_count)
{
    const cz_query *query = request->query;
    struct feed feed = { .ctx = ctx,
                         .plan = plan,
                         .features = cz__session(ctx)->db->driver->features };
    for (size_t i = 0; i < request->assign_count; i++) {
        const struct cz__assign *assign = &request->assigns[i];
        const cz__column *column = &query->model->state->columns[assign->field];
        cz__db_param param = cz__param_of(ctx, column, assign->value_kind, assign->value);
        check_fits(ctx, column, &param);
        feed_add(&feed, param);
    }
    if (query->where && request->kind != CZ__PLAN_INSERT)
        feed_cond(&feed, query->where);
    bool sliced = request->kind == CZ__PLAN_SELECT || request->kind == CZ__PLAN_KEYS;
    if (sliced && plan->limit)
        feed_add(&feed, (cz__db_param){ .kind = CZ__PARAM_INT, .integer = query->limit });
    if (sliced && plan->offset)
        feed_add(&feed, (cz__db_param){ .kind = CZ__PARAM_INT, .integer = query->offset });
    *out_count = feed.count;
    return feed.params;
}
