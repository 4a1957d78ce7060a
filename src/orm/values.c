/* Values on their way: from the caller to a parameter, from text to a row's member. */
#include "orm/orm_internal.h"
#include <calzone/json.h>

static int64_t integer_of(uint8_t kind, const void *value)
{
    switch ((cz__value_kind)kind) {
    case CZ__VALUE_BOOL:
        return *(const bool *)value;
    case CZ__VALUE_I8:
        return *(const signed char *)value;
    case CZ__VALUE_I16:
        return *(const short *)value;
    case CZ__VALUE_I32:
        return *(const int *)value;
    case CZ__VALUE_I64:
        return *(const int64_t *)value;
    case CZ__VALUE_U8:
        return *(const uint8_t *)value;
    case CZ__VALUE_U16:
        return *(const uint16_t *)value;
    case CZ__VALUE_U32:
        return *(const uint32_t *)value;
    default:
        return 0;
    }
}

static cz__db_param wrong(cz_ctx *ctx, const cz__column *column)
{
    cz_raise(ctx, CZ_EINVAL, "a value of the wrong type for \"%s\"", column->field->name);
}

cz__db_param cz__param_of(cz_ctx *ctx, const cz__column *column, uint8_t value_kind,
                          const void *value)
{
    cz__db_param param = { .kind = CZ__PARAM_NULL };
    switch ((cz__value_kind)value_kind) {
    case CZ__VALUE_NULL:
        return param;
    case CZ__VALUE_CSTR: {
        const char *text = *(const char *const *)value;
        if (!text)
            return param;
        if (column->type != CZ__DB_TEXT)
            return wrong(ctx, column);
        param.kind = CZ__PARAM_TEXT;
        param.text = cz_str_from(text);
        return param;
    }
    case CZ__VALUE_STR:
        if (column->type != CZ__DB_TEXT)
            return wrong(ctx, column);
        param.kind = CZ__PARAM_TEXT;
        param.text = *(const cz_str *)value;
        return param;
    case CZ__VALUE_UUID:
        if (column->type != CZ__DB_UUID)
            return wrong(ctx, column);
        param.kind = CZ__PARAM_UUID;
        param.uuid = *(const cz_uuid *)value;
        return param;
    case CZ__VALUE_DATETIME:
        if (column->type != CZ__DB_DATETIME)
            return wrong(ctx, column);
        param.kind = CZ__PARAM_DATETIME;
        param.integer = ((const cz_datetime *)value)->us;
        return param;
    case CZ__VALUE_DATE:
        if (column->type != CZ__DB_DATE)
            return wrong(ctx, column);
        param.kind = CZ__PARAM_DATE;
        param.integer = ((const cz_date *)value)->days;
        return param;
    case CZ__VALUE_FLOAT:
    case CZ__VALUE_DOUBLE:
        if (column->type != CZ__DB_REAL)
            return wrong(ctx, column);
        param.kind = CZ__PARAM_REAL;
        param.real =
            value_kind == CZ__VALUE_FLOAT ? (double)*(const float *)value : *(const double *)value;
        return param;
    case CZ__VALUE_U64:
        if (*(const uint64_t *)value > INT64_MAX)
            cz_raise(ctx, CZ_EINVAL, "a value over 2^63-1 for \"%s\"", column->field->name);
        param.integer = (int64_t) * (const uint64_t *)value;
        break;
    case CZ__VALUE_BOOL:
    case CZ__VALUE_I8:
    case CZ__VALUE_I16:
    case CZ__VALUE_I32:
    case CZ__VALUE_I64:
    case CZ__VALUE_U8:
    case CZ__VALUE_U16:
    case CZ__VALUE_U32:
        param.integer = integer_of(value_kind, value);
        break;
    case CZ__VALUE_NONE:
    case CZ__VALUE_INTS:
    case CZ__VALUE_STRS:
    case CZ__VALUE_UUIDS:
        return wrong(ctx, column);
    }
    switch (column->type) {
    case CZ__DB_REAL:
        param.kind = CZ__PARAM_REAL;
        param.real = (double)param.integer;
        return param;
    case CZ__DB_BOOL:
        param.integer = param.integer != 0;
        break;
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        break;
    default:
        return wrong(ctx, column);
    }
    param.kind = CZ__PARAM_INT;
    return param;
}

/* The kind of value a row's member is, for conditions and assignments made from rows. */
uint8_t cz__value_kind_of(const cz__column *column)
{
    static const uint8_t kinds[CZ__DB_TYPE_COUNT] = {
        [CZ__DB_TEXT] = CZ__VALUE_STR,  [CZ__DB_INT16] = CZ__VALUE_I16,
        [CZ__DB_INT32] = CZ__VALUE_I32, [CZ__DB_INT64] = CZ__VALUE_I64,
        [CZ__DB_BOOL] = CZ__VALUE_BOOL, [CZ__DB_REAL] = CZ__VALUE_DOUBLE,
        [CZ__DB_DATE] = CZ__VALUE_DATE, [CZ__DB_DATETIME] = CZ__VALUE_DATETIME,
        [CZ__DB_UUID] = CZ__VALUE_UUID,
    };
    return kinds[column->type];
}

cz__db_param cz__param_of_row(const cz_row *row, const cz__column *column)
{
    cz__db_param param = { .kind = CZ__PARAM_NULL };
    if (cz__row_bit(row, CZ__BITS_NULL, column->ordinal))
        return param;
    const void *at = cz__row_at(row, column);
    param.kind = CZ__PARAM_INT;
    switch (column->type) {
    case CZ__DB_TEXT:
        param.kind = CZ__PARAM_TEXT;
        param.text = *(const cz_str *)at;
        break;
    case CZ__DB_INT16:
        param.integer = *(const int16_t *)at;
        break;
    case CZ__DB_INT32:
        param.integer = *(const int32_t *)at;
        break;
    case CZ__DB_INT64:
        param.integer = *(const int64_t *)at;
        break;
    case CZ__DB_BOOL:
        param.integer = *(const bool *)at;
        break;
    case CZ__DB_REAL:
        param.kind = CZ__PARAM_REAL;
        param.real = *(const double *)at;
        break;
    case CZ__DB_DATE:
        param.kind = CZ__PARAM_DATE;
        param.integer = ((const cz_date *)at)->days;
        break;
    case CZ__DB_DATETIME:
        param.kind = CZ__PARAM_DATETIME;
        param.integer = ((const cz_datetime *)at)->us;
        break;
    case CZ__DB_UUID:
        param.kind = CZ__PARAM_UUID;
        param.uuid = *(const cz_uuid *)at;
        break;
    case CZ__DB_TYPE_COUNT:
        break;
    }
    return param;
}

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
    switch ((cz__value_kind)leaf->value_kind) {
    case CZ__VALUE_INTS:
        return cz__param_of(feed->ctx, column, CZ__VALUE_I64,
                            &((const cz_int_list *)leaf->value)->items[i]);
    case CZ__VALUE_STRS:
        return cz__param_of(feed->ctx, column, CZ__VALUE_STR,
                            &((const cz_str_list *)leaf->value)->items[i]);
    case CZ__VALUE_UUIDS:
        return cz__param_of(feed->ctx, column, CZ__VALUE_UUID,
                            &((const cz_uuid_list *)leaf->value)->items[i]);
    default:
        return wrong(feed->ctx, column);
    }
}

static void feed_list(struct feed *feed, const cz__column *column, cz_cond leaf)
{
    size_t count = ((const cz_int_list *)leaf->value)->count; /* all lists begin alike */
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
    if ((column->type == CZ__DB_INT16 && value != (int16_t)value) ||
        (column->type == CZ__DB_INT32 && value != (int32_t)value))
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

/* ---- text ---- */

static cz_status integer_from_text(cz_str text, int64_t min, int64_t max, int64_t *out,
                                   cz_error *err)
{
    cz_status status = cz_str_to_i64(cz_str_trim(text), out);
    if (status == CZ_EVALIDATION)
        return cz_error_set(err, CZ_EVALIDATION, "A valid integer is required.");
    if (status || *out < min || *out > max)
        return cz_error_set(err, CZ_EVALIDATION, "This number is out of range.");
    return CZ_OK;
}

static cz_status bool_from_text(cz_str text, bool *out, cz_error *err)
{
    static const char *const truths[] = { "true", "1", "yes", "on", "t", "y" };
    static const char *const lies[] = { "false", "0", "no", "off", "f", "n" };
    for (size_t i = 0; i < CZ_COUNT(truths); i++) {
        if (cz_str_eq_icase(text, cz_str_from(truths[i]))) {
            *out = true;
            return CZ_OK;
        }
        if (cz_str_eq_icase(text, cz_str_from(lies[i]))) {
            *out = false;
            return CZ_OK;
        }
    }
    return cz_error_set(err, CZ_EVALIDATION, "Must be a valid boolean.");
}

static cz_status real_from_text(cz_str text, double *out, cz_error *err)
{
    text = cz_str_trim(text);
    cz_json_reader reader;
    cz_json_reader_init(&reader, NULL, text, NULL);
    cz_json_kind kind = cz_json_next(&reader);
    if (reader.status || (kind != CZ_JSON_INT && kind != CZ_JSON_REAL))
        return cz_error_set(err, CZ_EVALIDATION, "A valid number is required.");
    *out = kind == CZ_JSON_INT ? (double)reader.integer : reader.real;
    return cz_json_next(&reader) == CZ_JSON_END && !reader.status
               ? CZ_OK
               : cz_error_set(err, CZ_EVALIDATION, "A valid number is required.");
}

cz_status cz__value_from_text(const cz__column *column, cz_str text, void *out, cz_error *err)
{
    int64_t integer;
    cz_status status;
    switch (column->type) {
    case CZ__DB_TEXT:
        *(cz_str *)out = text;
        return CZ_OK;
    case CZ__DB_INT16:
        status = integer_from_text(text, INT16_MIN, INT16_MAX, &integer, err);
        if (!status)
            *(int16_t *)out = (int16_t)integer;
        return status;
    case CZ__DB_INT32:
        status = integer_from_text(text, INT32_MIN, INT32_MAX, &integer, err);
        if (!status)
            *(int32_t *)out = (int32_t)integer;
        return status;
    case CZ__DB_INT64:
        return integer_from_text(text, INT64_MIN, INT64_MAX, out, err);
    case CZ__DB_BOOL:
        return bool_from_text(text, out, err);
    case CZ__DB_REAL:
        return real_from_text(text, out, err);
    case CZ__DB_DATE:
        return cz_date_parse(text, out)
                   ? cz_error_set(err, CZ_EVALIDATION,
                                  "Date has wrong format. Use one of these formats "
                                  "instead: YYYY-MM-DD.")
                   : CZ_OK;
    case CZ__DB_DATETIME:
        return cz_datetime_parse(text, out)
                   ? cz_error_set(err, CZ_EVALIDATION,
                                  "Datetime has wrong format. Use one of these formats instead: "
                                  "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].")
                   : CZ_OK;
    case CZ__DB_UUID:
        return cz_uuid_parse(text, out) ? cz_error_set(err, CZ_EVALIDATION, "Must be a valid UUID.")
                                        : CZ_OK;
    case CZ__DB_TYPE_COUNT:
        break;
    }
    return cz_error_set(err, CZ_EINVAL, "%s has no value of its own", column->field->name);
}
