/* Conditions made at run time. */
#include "orm/orm_internal.h"

enum { CONDS_FROM_TEXT_MAX = 100 }; /* SQLite nests an expression at most 1,000 deep */

const struct cz__cond cz__every_row = { .op = CZ__COND_EVERY };

static const void *copy_value(cz_ctx *ctx, cz_cond leaf)
{
    switch ((cz__value_kind)leaf->value_kind) {
    case CZ__VALUE_NONE:
    case CZ__VALUE_NULL:
        return NULL;
    case CZ__VALUE_CSTR: {
        const char **copy = cz_new(ctx, const char *);
        const char *text = *(const char *const *)leaf->value;
        *copy = text ? cz_copy(ctx, cz_str_from(text)).ptr : NULL;
        return copy;
    }
    case CZ__VALUE_STR: {
        cz_str *copy = cz_new(ctx, cz_str);
        *copy = cz_copy(ctx, *(const cz_str *)leaf->value);
        return copy;
    }
    case CZ__VALUE_INTS: {
        const cz_int_list *list = leaf->value;
        cz_int_list *copy = cz_new(ctx, cz_int_list);
        int64_t *items = cz_array(ctx, int64_t, list->count);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        *copy = (cz_int_list){ items, list->count };
        return copy;
    }
    case CZ__VALUE_UUIDS: {
        const cz_uuid_list *list = leaf->value;
        cz_uuid_list *copy = cz_new(ctx, cz_uuid_list);
        cz_uuid *items = cz_array(ctx, cz_uuid, list->count);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        *copy = (cz_uuid_list){ items, list->count };
        return copy;
    }
    case CZ__VALUE_STRS: {
        const cz_str_list *list = leaf->value;
        cz_str_list *copy = cz_new(ctx, cz_str_list);
        cz_str *items = cz_array(ctx, cz_str, list->count);
        for (size_t i = 0; i < list->count; i++)
            items[i] = cz_copy(ctx, list->items[i]);
        *copy = (cz_str_list){ items, list->count };
        return copy;
    }
    default: {
        /* every other kind is a plain value of at most 16 bytes */
        static const uint8_t sizes[] = {
            [CZ__VALUE_BOOL] = sizeof(bool),
            [CZ__VALUE_I8] = 1,
            [CZ__VALUE_I16] = 2,
            [CZ__VALUE_I32] = 4,
            [CZ__VALUE_I64] = 8,
            [CZ__VALUE_U8] = 1,
            [CZ__VALUE_U16] = 2,
            [CZ__VALUE_U32] = 4,
            [CZ__VALUE_U64] = 8,
            [CZ__VALUE_FLOAT] = sizeof(float),
            [CZ__VALUE_DOUBLE] = sizeof(double),
            [CZ__VALUE_UUID] = sizeof(cz_uuid),
            [CZ__VALUE_DATETIME] = sizeof(cz_datetime),
            [CZ__VALUE_DATE] = sizeof(cz_date),
        };
        void *copy = cz_alloc(ctx, 16);
        memcpy(copy, leaf->value, sizes[leaf->value_kind]);
        return copy;
    }
    }
}

cz_cond cz_cond_copy(cz_ctx *ctx, cz_cond cond)
{
    if (!cond)
        return NULL;
    struct cz__cond *copy = cz_new(ctx, struct cz__cond);
    *copy = *cond;
    if (cond->op == CZ__COND_LEAF) {
        copy->path = cz_copy(ctx, cond->path);
        copy->value = copy_value(ctx, cond);
        return copy;
    }
    cz_cond *children = cz_array(ctx, cz_cond, cond->count);
    for (uint32_t i = 0; i < cond->count; i++)
        children[i] = cz_cond_copy(ctx, cond->children[i]);
    copy->children = children;
    return copy;
}

cz_cond cz_cond_all(cz_ctx *ctx, const cz_cond *conds, size_t count)
{
    if (count > UINT32_MAX)
        cz_raise(ctx, CZ_EINVAL, "too many conditions");
    struct cz__cond *all = cz_new(ctx, struct cz__cond);
    *all = (struct cz__cond){ .op = CZ__COND_AND, .count = (uint32_t)count, .children = conds };
    return all;
}

/* A list lookup's text: values between commas, of the column's type. */
static void list_from_text(cz_ctx *ctx, const cz__column *column, cz_str text,
                           struct cz__cond *leaf)
{
    size_t count = cz_str_count(text, ',') + 1;
    if (leaf->lookup == CZ_LOOKUP_RANGE && count != 2)
        cz_raise(ctx, CZ_EVALIDATION, "Range query expects two values.");
    if (count > CZ__LIST_ITEMS_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "A list has at most %d values.", CZ__LIST_ITEMS_MAX);
    cz_error err;
    cz_status status = CZ_OK;
    if (column->type == CZ__DB_TEXT) {
        cz_str *items = cz_array(ctx, cz_str, count);
        for (size_t i = 0; i < count; i++)
            items[i] = cz_str_cut(&text, ',');
        cz_str_list *list = cz_new(ctx, cz_str_list);
        *list = (cz_str_list){ items, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_STRS;
    } else if (column->type == CZ__DB_UUID) {
        cz_uuid *items = cz_array(ctx, cz_uuid, count);
        for (size_t i = 0; i < count && !status; i++)
            status =
                cz__value_from_text(column, cz_str_trim(cz_str_cut(&text, ',')), &items[i], &err);
        cz_uuid_list *list = cz_new(ctx, cz_uuid_list);
        *list = (cz_uuid_list){ items, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_UUIDS;
    } else {
        int64_t *items = cz_array(ctx, int64_t, count);
        cz__column wide = *column;
        wide.type = CZ__DB_INT64;
        for (size_t i = 0; i < count && !status; i++)
            status =
                cz__value_from_text(&wide, cz_str_trim(cz_str_cut(&text, ',')), &items[i], &err);
        cz_int_list *list = cz_new(ctx, cz_int_list);
        *list = (cz_int_list){ items, count };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_INTS;
    }
    if (status)
        cz_raise_error(ctx, &err);
}

/* A list of values that lists have no type for, numbers with a fraction, booleans, days and instants: IN as
 * one of several EXACTs, RANGE as GTE and LTE. */
static cz_cond conds_from_text(cz_ctx *ctx, cz_model *model, cz_str path, cz_lookup lookup,
                               cz_str text)
{
    bool range = lookup == CZ_LOOKUP_RANGE;
    size_t count = cz_str_count(text, ',') + 1;
    if (range && count != 2)
        cz_raise(ctx, CZ_EVALIDATION, "Range query expects two values.");
    if (count > CONDS_FROM_TEXT_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "A list has at most %d values.", CONDS_FROM_TEXT_MAX);
    cz_cond *children = cz_array(ctx, cz_cond, count);
    for (size_t i = 0; i < count; i++)
        children[i] = cz_cond_text(ctx, model, path,
                                   !range   ? CZ_LOOKUP_EXACT
                                   : i == 0 ? CZ_LOOKUP_GTE
                                            : CZ_LOOKUP_LTE,
                                   cz_str_trim(cz_str_cut(&text, ',')));
    struct cz__cond *group = cz_new(ctx, struct cz__cond);
    *group = (struct cz__cond){ .op = range ? CZ__COND_AND : CZ__COND_OR,
                                .count = (uint32_t)count,
                                .children = children };
    return group;
}

cz_cond cz_cond_text(cz_ctx *ctx, cz_model *model, cz_str path, cz_lookup lookup, cz_str text)
{
    const cz__column *column;
    cz_error err;
    if (cz__path_resolve(model, path, &column, &err))
        cz_raise_error(ctx, &err);
    if (column->many)
        column = column->field->target->state->key;
    if ((lookup == CZ_LOOKUP_IN || lookup == CZ_LOOKUP_RANGE) && column->type >= CZ__DB_BOOL &&
        column->type != CZ__DB_UUID)
        return conds_from_text(ctx, model, path, lookup, text);
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *leaf = (struct cz__cond){
        .op = CZ__COND_LEAF, .lookup = (uint8_t)lookup, .model = model, .path = path
    };
    if (lookup == CZ_LOOKUP_IN || lookup == CZ_LOOKUP_RANGE) {
        list_from_text(ctx, column, text, leaf);
        return leaf;
    }
    cz__column typed = *column;
    leaf->value_kind = cz__value_kind_of(column);
    if (lookup == CZ_LOOKUP_ISNULL) {
        typed.type = CZ__DB_BOOL;
        leaf->value_kind = CZ__VALUE_BOOL;
    }
    void *value = cz_alloc(ctx, 16);
    if (cz__value_from_text(&typed, text, value, &err))
        cz_raise_error(ctx, &err);
    leaf->value = value;
    return leaf;
}
