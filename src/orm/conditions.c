/* Conditions made at run time. */
#include <calzone/base64.h>
#include "orm/orm_internal.h"

const struct cz__cond cz__every_row = { .op = CZ__COND_EVERY };

/* ---- copies that live as long as the context ---- */

static const struct cz__expr *copy_expr(cz_ctx *ctx, const struct cz__expr *expr);

static const void *copy_value(cz_ctx *ctx, uint8_t value_kind, const void *value)
{
    const struct cz__expr *expr = cz__expr_of(value_kind, value);
    if (!expr)
        return cz__value_copy(ctx, value_kind, value);
    const struct cz__expr **copy = cz_new(ctx, const struct cz__expr *);
    *copy = copy_expr(ctx, expr);
    return copy;
}

static struct cz__args copy_args(cz_ctx *ctx, struct cz__args args)
{
    struct cz__arg *items = cz_array(ctx, struct cz__arg, args.count);
    for (size_t i = 0; i < args.count; i++)
        items[i] =
            (struct cz__arg){ args.items[i].value_kind,
                              copy_value(ctx, args.items[i].value_kind, args.items[i].value) };
    return (struct cz__args){ items, args.count };
}

static cz_order_list copy_order(cz_ctx *ctx, cz_order_list order)
{
    cz_order *items = cz_array(ctx, cz_order, order.count);
    for (size_t i = 0; i < order.count; i++) {
        items[i] = order.items[i];
        items[i].path = cz_copy(ctx, items[i].path);
        if (items[i].expr)
            items[i].expr = copy_expr(ctx, items[i].expr);
    }
    return (cz_order_list){ items, order.count };
}

static cz_fields copy_fields(cz_ctx *ctx, cz_fields fields)
{
    cz_str *items = cz_array(ctx, cz_str, fields.count);
    for (size_t i = 0; i < fields.count; i++)
        items[i] = cz_copy(ctx, fields.items[i]);
    return (cz_fields){ items, fields.count };
}

static const char *copy_name(cz_ctx *ctx, const char *name)
{
    return name ? cz_copy(ctx, cz_str_from(name)).ptr : NULL;
}

static cz_combine copy_combine(cz_ctx *ctx, cz_combine combine)
{
    const cz_query **queries = cz_array(ctx, const cz_query *, combine.count);
    for (size_t i = 0; i < combine.count; i++)
        queries[i] = cz__query_copy(ctx, combine.queries[i]);
    return (cz_combine){ combine.op, queries, combine.count };
}

static cz_prefetch_list copy_prefetch(cz_ctx *ctx, cz_prefetch_list list)
{
    cz_prefetch *items = cz_array(ctx, cz_prefetch, list.count);
    for (size_t i = 0; i < list.count; i++) {
        items[i].path = cz_copy(ctx, list.items[i].path);
        if (list.items[i].query)
            items[i].query = cz__query_copy(ctx, list.items[i].query);
    }
    return (cz_prefetch_list){ items, list.count };
}

static const cz_manager *copy_manager(cz_ctx *ctx, const cz_manager *manager)
{
    if (!manager || manager == &cz_base_manager) /* which is known by its place */
        return manager;
    cz_manager *copy = cz_new(ctx, cz_manager);
    *copy = *manager;
    copy->where = cz_cond_copy(ctx, manager->where);
    copy->order_by = copy_order(ctx, manager->order_by);
    return copy;
}

const cz_query *cz__query_copy(cz_ctx *ctx, const cz_query *query)
{
    cz_query *copy = cz_new(ctx, cz_query);
    *copy = *query;
    copy->where = cz_cond_copy(ctx, query->where);
    copy->order_by = copy_order(ctx, query->order_by);
    copy->related = copy_fields(ctx, query->related);
    copy->distinct_on = copy_fields(ctx, query->distinct_on);
    copy->only = copy_fields(ctx, query->only);
    copy->defer = copy_fields(ctx, query->defer);
    copy->combine = copy_combine(ctx, query->combine);
    copy->manager = copy_manager(ctx, query->manager);
    copy->prefetch = copy_prefetch(ctx, query->prefetch);
    copy->database = copy_name(ctx, query->database);
    copy->as = copy_name(ctx, query->as);
    return copy;
}

static const struct cz__expr *copy_expr(cz_ctx *ctx, const struct cz__expr *expr)
{
    struct cz__expr *copy = cz_new(ctx, struct cz__expr);
    *copy = *expr;
    copy->path = cz_copy(ctx, expr->path);
    copy->args = copy_args(ctx, expr->args);
    copy->partition_by = copy_args(ctx, expr->partition_by);
    copy->order_by = copy_order(ctx, expr->order_by);
    copy->filter = cz_cond_copy(ctx, expr->filter);
    if (expr->query)
        copy->query = cz__query_copy(ctx, expr->query);
    if (expr->op == CZ__EXPR_CASE) {
        struct cz__when *whens = cz_array(ctx, struct cz__when, expr->when_count);
        for (uint32_t i = 0; i < expr->when_count; i++) {
            const struct cz__arg *value = &expr->whens[i].value;
            whens[i].condition = cz_cond_copy(ctx, expr->whens[i].condition);
            whens[i].value.value_kind = value->value_kind;
            whens[i].value.value = copy_value(ctx, value->value_kind, value->value);
        }
        copy->whens = whens;
    }
    return copy;
}

cz_cond cz_cond_copy(cz_ctx *ctx, cz_cond cond)
{
    if (!cond)
        return NULL;
    struct cz__cond *copy = cz_new(ctx, struct cz__cond);
    *copy = *cond;
    if (cond->op == CZ__COND_EXISTS) {
        copy->query = cz__query_copy(ctx, cond->query);
        return copy;
    }
    if (cond->op == CZ__COND_LINKED) {
        copy->value = copy_value(ctx, cond->value_kind, cond->value);
        return copy;
    }
    if (cond->op == CZ__COND_LEAF) {
        copy->path = cz_copy(ctx, cond->path);
        copy->expr = cond->expr ? copy_expr(ctx, cond->expr) : NULL;
        copy->value = copy_value(ctx, cond->value_kind, cond->value);
        return copy;
    }
    cz_cond *children = cz_array(ctx, cz_cond, cond->count);
    for (uint32_t i = 0; i < cond->count; i++)
        children[i] = cz_cond_copy(ctx, cond->children[i]);
    copy->children = children;
    return copy;
}

static cz_cond group(cz_ctx *ctx, enum cz__cond_op op, const cz_cond *conds, size_t count)
{
    if (count > UINT32_MAX)
        cz_raise(ctx, CZ_EINVAL, "too many conditions");
    struct cz__cond *cond = cz_new(ctx, struct cz__cond);
    *cond = (struct cz__cond){ .op = (uint8_t)op, .count = (uint32_t)count, .children = conds };
    return cond;
}

cz_cond cz_cond_all(cz_ctx *ctx, const cz_cond *conds, size_t count)
{
    return group(ctx, CZ__COND_AND, conds, count);
}

cz_cond cz__cond_any(cz_ctx *ctx, const cz_cond *conds, size_t count)
{
    return group(ctx, CZ__COND_OR, conds, count);
}

cz_cond cz__cond_both(cz_ctx *ctx, cz_cond a, cz_cond b)
{
    if (!a || !b)
        return a ? a : b;
    cz_cond *both = cz_array(ctx, cz_cond, 2);
    both[0] = a;
    both[1] = b;
    return cz_cond_all(ctx, both, 2);
}

cz_cond cz__cond_not(cz_ctx *ctx, cz_cond cond)
{
    cz_cond *child = cz_new(ctx, cz_cond);
    *child = cond;
    return group(ctx, CZ__COND_NOT, child, 1);
}

cz_cond cz__cond_keys(cz_ctx *ctx, const cz_model *model, cz_str path, cz__db_type type,
                      const void *keys, size_t count)
{
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    cz_int_list *list = cz_new(ctx, cz_int_list); /* all lists begin alike */
    *list = (cz_int_list){ keys, count };
    *leaf = (struct cz__cond){ .op = CZ__COND_LEAF,
                               .lookup = CZ_LOOKUP_IN,
                               .model = model,
                               .path = path,
                               .value = list,
                               .value_kind = CZ__DB_KIND(type) == CZ__DB_UUID ? CZ__VALUE_UUIDS
                                                                              : CZ__VALUE_INTS };
    return leaf;
}

/* ---- names and values that come as text ---- */

bool cz_lookup_find(cz_str name, cz_lookup *out)
{
    static const char *const names[] = {
#define X(lookup) #lookup,
        CZ_LOOKUP_MAP(X)
#undef X
    };
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        if (cz_str_eq_icase(name, cz_str_from(names[i]))) {
            *out = (cz_lookup)i;
            return true;
        }
    }
    return false;
}

static bool is_list(cz__db_kind kind)
{
    return kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST;
}

/* Whether columns of a kind can be asked this way: what CZ_Q() checks when it is compiled. */
bool cz__is_asked(cz__db_type type, cz_lookup lookup)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    if (type & CZ__DB_SEALED)
        return lookup == CZ_LOOKUP_ISNULL;
    if (lookup == CZ_LOOKUP_EXACT || lookup == CZ_LOOKUP_ISNULL)
        return true;
    if (kind == CZ__DB_JSON)
        return lookup == CZ_LOOKUP_CONTAINS || lookup == CZ_LOOKUP_HAS_KEY ||
               lookup == CZ_LOOKUP_HAS_KEYS || lookup == CZ_LOOKUP_HAS_ANY_KEYS;
    if (is_list(kind))
        return lookup == CZ_LOOKUP_CONTAINS || lookup == CZ_LOOKUP_CONTAINED_BY ||
               lookup == CZ_LOOKUP_OVERLAP;
    if (lookup >= CZ_LOOKUP_IEXACT && lookup <= CZ_LOOKUP_SEARCH)
        return kind == CZ__DB_TEXT || kind == CZ__DB_IP;
    if (lookup == CZ_LOOKUP_IN || lookup == CZ_LOOKUP_RANGE)
        return kind != CZ__DB_BINARY;
    return lookup >= CZ_LOOKUP_GT && lookup <= CZ_LOOKUP_LTE;
}

/* A list's text, values between commas, as a list of the column's kind. */
static void list_from_text(cz_ctx *ctx, const cz__column *column, cz_str text,
                           struct cz__cond *leaf)
{
    static const uint8_t lists[CZ__DB_TYPE_COUNT] = {
        [CZ__DB_TEXT] = CZ__VALUE_STRS,          [CZ__DB_IP] = CZ__VALUE_STRS,
        [CZ__DB_INT16] = CZ__VALUE_INTS,         [CZ__DB_INT32] = CZ__VALUE_INTS,
        [CZ__DB_INT64] = CZ__VALUE_INTS,         [CZ__DB_BOOL] = CZ__VALUE_INTS,
        [CZ__DB_REAL] = CZ__VALUE_REALS,         [CZ__DB_DATE] = CZ__VALUE_DATES,
        [CZ__DB_DATETIME] = CZ__VALUE_DATETIMES, [CZ__DB_UUID] = CZ__VALUE_UUIDS,
        [CZ__DB_DECIMAL] = CZ__VALUE_DECIMALS,   [CZ__DB_TIME] = CZ__VALUE_TIMES,
        [CZ__DB_DURATION] = CZ__VALUE_DURATIONS,
    };
    size_t count = cz_str_count(text, ',') + 1;
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (!lists[kind])
        cz_raise(ctx, CZ_EVALIDATION, "\"%s\" has no lists of values.", column->field->name);
    if (leaf->lookup == CZ_LOOKUP_RANGE && count != 2)
        cz_raise(ctx, CZ_EVALIDATION, "Range query expects two values.");
    if (count > CZ__LIST_ITEMS_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "A list has at most %d values.", CZ__LIST_ITEMS_MAX);
    cz__column typed = *column;
    bool integer = lists[kind] == CZ__VALUE_INTS;
    if (integer && kind != CZ__DB_BOOL)
        typed.type = CZ__DB_INT64;
    size_t bytes = integer ? sizeof(int64_t) : cz__column_bytes(column);
    char *items = cz_alloc_zero(ctx, count, bytes);
    for (size_t i = 0; i < count; i++) {
        cz_str part = cz_str_cut(&text, ',');
        cz_error err;
        if (cz__value_from_text(&typed, kind == CZ__DB_TEXT ? part : cz_str_trim(part),
                                items + i * bytes, &err))
            cz_raise_error(ctx, &err);
    }
    cz_int_list *list = cz_new(ctx, cz_int_list); /* all lists begin alike */
    *list = (cz_int_list){ (const void *)items, count };
    leaf->value = list;
    leaf->value_kind = lists[kind];
}

/* Bytes come as base64, as in JSON. */
static void bytes_from_text(cz_ctx *ctx, cz_str text, struct cz__cond *leaf)
{
    cz_bytes *value = cz_new(ctx, cz_bytes);
    cz_status status = cz_base64_read(ctx->arena, text, value);
    if (status)
        cz_raise(ctx, status, "Value must be valid base64.");
    leaf->value = value;
    leaf->value_kind = CZ__VALUE_BYTES;
}

static void value_from_text(cz_ctx *ctx, const cz__column *column, cz_str text,
                            struct cz__cond *leaf)
{
    cz__column typed = *column;
    leaf->value_kind = cz__value_kind_of(column);
    if (leaf->lookup == CZ_LOOKUP_ISNULL) {
        typed.type = CZ__DB_BOOL;
        leaf->value_kind = CZ__VALUE_BOOL;
    } else if (leaf->lookup == CZ_LOOKUP_HAS_KEY ||
               (leaf->lookup >= CZ_LOOKUP_IEXACT && leaf->lookup <= CZ_LOOKUP_SEARCH &&
                CZ__DB_KIND(column->type) == CZ__DB_IP)) {
        typed.type = CZ__DB_TEXT; /* a key; a part of an address */
        leaf->value_kind = CZ__VALUE_STR;
    }
    void *value = cz_alloc(ctx, sizeof(cz_decimal)); /* the largest member */
    cz_error err;
    if (cz__value_from_text(&typed, text, value, &err))
        cz_raise_error(ctx, &err);
    leaf->value = value;
}

/* With "->" for each "__", which no field's name has. */
static cz_str with_arrows(cz_ctx *ctx, cz_str path)
{
    if (cz_str_find(path, CZ_STR("__")) == SIZE_MAX)
        return path;
    char *copy = cz_array(ctx, char, path.len);
    memcpy(copy, path.ptr, path.len);
    for (size_t i = 0; i + 1 < path.len; i++)
        if (copy[i] == '_' && copy[i + 1] == '_')
            memcpy(copy + i++, "->", 2);
    return cz_str_of(copy, path.len);
}

cz_cond cz_cond_text(cz_ctx *ctx, cz_model *model, cz_str path, cz_lookup lookup, cz_str text)
{
    const cz__column *column;
    cz_error err;
    path = with_arrows(ctx, path);
    if (cz__path_resolve(model, path, &column, &err))
        cz_raise(ctx, CZ_EVALIDATION, "%s", cz_error_message(&err));
    if (column->many)
        column = column->field->target->state->key;
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (lookup >= CZ_LOOKUP_COUNT || !cz__is_asked(column->type, lookup))
        cz_raise(ctx, CZ_EVALIDATION, "\"%s\" cannot be compared in this way.",
                 column->field->name);
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *leaf = (struct cz__cond){
        .op = CZ__COND_LEAF, .lookup = (uint8_t)lookup, .model = model, .path = path
    };
    bool keys = lookup == CZ_LOOKUP_HAS_KEYS || lookup == CZ_LOOKUP_HAS_ANY_KEYS;
    bool one = lookup == CZ_LOOKUP_ISNULL;
    cz__column items = *column; /* what a list's values are */
    if (keys || kind == CZ__DB_TEXT_LIST || column->type & CZ__DB_CHOSEN)
        items.type = CZ__DB_TEXT;
    else if (kind == CZ__DB_INT_LIST)
        items.type = CZ__DB_INT64;
    if (keys || (is_list(kind) && !one) || lookup == CZ_LOOKUP_IN || lookup == CZ_LOOKUP_RANGE)
        list_from_text(ctx, &items, text, leaf);
    else if (kind == CZ__DB_BINARY && !one)
        bytes_from_text(ctx, text, leaf);
    else
        value_from_text(ctx, column, text, leaf);
    return leaf;
}

/* Two paths are the same whatever blanks stand around their arrows, and with "__" for "->". */
static bool same_path(cz_str path, cz_str text)
{
    for (;;) {
        size_t arrow = cz_str_find(path, CZ_STR("->")), mark = cz_str_find(text, CZ_STR("->"));
        size_t lines = cz_str_find(text, CZ_STR("__"));
        mark = lines < mark ? lines : mark;
        bool last = arrow == SIZE_MAX;
        if (last != (mark == SIZE_MAX))
            return false;
        if (!cz_str_eq(cz_str_trim(last ? path : cz_str_head(path, arrow)),
                       last ? text : cz_str_head(text, mark)))
            return false;
        if (last)
            return true;
        path = cz_str_tail(path, arrow + 2);
        text = cz_str_tail(text, mark + 2);
    }
}

/* The name of `allowed` that the text is. Raises: CZ_EVALIDATION: there is none. */
static cz_str allowed_path(cz_ctx *ctx, cz_fields allowed, cz_str name, const char *purpose)
{
    for (size_t i = 0; i < allowed.count; i++)
        if (same_path(allowed.items[i], name))
            return allowed.items[i];
    cz_raise(ctx, CZ_EVALIDATION, "\"%.*s\" is nothing to %s.",
             (int)(name.len < 60 ? name.len : 60), name.ptr, purpose);
}

static size_t count_names(cz_ctx *ctx, cz_str text)
{
    size_t count = text.len ? cz_str_count(text, ',') + 1 : 0;
    if (count > CZ__NAMES_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "At most %d fields can be named.", CZ__NAMES_MAX);
    return count;
}

cz_fields cz_fields_text(cz_ctx *ctx, cz_fields allowed, cz_str text)
{
    size_t count = count_names(ctx, text);
    cz_str *items = cz_array(ctx, cz_str, count);
    for (size_t i = 0; i < count; i++)
        items[i] = allowed_path(ctx, allowed, cz_str_trim(cz_str_cut(&text, ',')), "ask for");
    return (cz_fields){ items, count };
}

cz_order_list cz_order_text(cz_ctx *ctx, cz_fields allowed, cz_str text)
{
    size_t count = count_names(ctx, text);
    cz_order *items = cz_array(ctx, cz_order, count);
    for (size_t i = 0; i < count; i++) {
        cz_str name = cz_str_trim(cz_str_cut(&text, ','));
        bool descending = cz_str_starts_with(name, CZ_STR("-"));
        items[i].path = allowed_path(ctx, allowed, cz_str_tail(name, descending), "order by");
        items[i].descending = descending;
    }
    return (cz_order_list){ items, count };
}
