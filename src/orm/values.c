/* Values on their way: from the caller or a row to a parameter. text_values.c reads them from text. */
#include "orm/orm_internal.h"

static const struct { /* by cz__value_kind */
    uint8_t bytes;
    uint8_t item; /* of a list: the kind of its items */
} kinds[CZ__VALUE_KIND_COUNT] = {
    [CZ__VALUE_NULL] = { 0, 0 },
    [CZ__VALUE_BOOL] = { sizeof(bool), 0 },
    [CZ__VALUE_I8] = { 1, 0 },
    [CZ__VALUE_I16] = { 2, 0 },
    [CZ__VALUE_I32] = { 4, 0 },
    [CZ__VALUE_I64] = { 8, 0 },
    [CZ__VALUE_U8] = { 1, 0 },
    [CZ__VALUE_U16] = { 2, 0 },
    [CZ__VALUE_U32] = { 4, 0 },
    [CZ__VALUE_U64] = { 8, 0 },
    [CZ__VALUE_FLOAT] = { sizeof(float), 0 },
    [CZ__VALUE_DOUBLE] = { sizeof(double), 0 },
    [CZ__VALUE_CSTR] = { sizeof(const char *), 0 },
    [CZ__VALUE_STR] = { sizeof(cz_str), 0 },
    [CZ__VALUE_BYTES] = { sizeof(cz_bytes), 0 },
    [CZ__VALUE_UUID] = { sizeof(cz_uuid), 0 },
    [CZ__VALUE_DATE] = { sizeof(cz_date), 0 },
    [CZ__VALUE_DATETIME] = { sizeof(cz_datetime), 0 },
    [CZ__VALUE_TIME] = { sizeof(cz_time), 0 },
    [CZ__VALUE_DURATION] = { sizeof(cz_duration), 0 },
    [CZ__VALUE_DECIMAL] = { sizeof(cz_decimal), 0 },
    [CZ__VALUE_INTS] = { sizeof(cz_int_list), CZ__VALUE_I64 },
    [CZ__VALUE_STRS] = { sizeof(cz_str_list), CZ__VALUE_STR },
    [CZ__VALUE_UUIDS] = { sizeof(cz_uuid_list), CZ__VALUE_UUID },
    [CZ__VALUE_REALS] = { sizeof(cz_real_list), CZ__VALUE_DOUBLE },
    [CZ__VALUE_DECIMALS] = { sizeof(cz_decimal_list), CZ__VALUE_DECIMAL },
    [CZ__VALUE_DATES] = { sizeof(cz_date_list), CZ__VALUE_DATE },
    [CZ__VALUE_DATETIMES] = { sizeof(cz_datetime_list), CZ__VALUE_DATETIME },
    [CZ__VALUE_TIMES] = { sizeof(cz_time_list), CZ__VALUE_TIME },
    [CZ__VALUE_DURATIONS] = { sizeof(cz_duration_list), CZ__VALUE_DURATION },
};

uint8_t cz__value_item_kind(uint8_t value_kind)
{
    return kinds[value_kind].item;
}

size_t cz__value_bytes(uint8_t value_kind)
{
    return kinds[value_kind].bytes;
}

const void *cz__value_item(uint8_t value_kind, const void *list, size_t index)
{
    const cz_int_list *any = list; /* all lists begin alike */
    return (const char *)(const void *)any->items + index * kinds[kinds[value_kind].item].bytes;
}

size_t cz__value_count(uint8_t value_kind, const void *value)
{
    return kinds[value_kind].item ? ((const cz_int_list *)value)->count : 1;
}

/* ---- copies ---- */

const void *cz__value_copy(cz_ctx *ctx, uint8_t value_kind, const void *value)
{
    size_t bytes = kinds[value_kind].bytes;
    if (!bytes)
        return NULL;
    void *copy = cz_alloc(ctx, bytes);
    memcpy(copy, value, bytes);
    if (value_kind == CZ__VALUE_STR || value_kind == CZ__VALUE_BYTES) {
        *(cz_str *)copy = cz_copy(ctx, *(cz_str *)copy);
    } else if (value_kind == CZ__VALUE_CSTR) {
        const char *text = *(const char **)copy;
        *(const char **)copy = text ? cz_copy(ctx, cz_str_from(text)).ptr : NULL;
    } else if (kinds[value_kind].item) {
        cz_int_list *list = copy;
        size_t item = kinds[kinds[value_kind].item].bytes;
        void *items = cz_alloc(ctx, list->count * item + 1);
        if (list->count)
            memcpy(items, list->items, list->count * item);
        list->items = items;
        for (size_t i = 0; value_kind == CZ__VALUE_STRS && i < list->count; i++)
            ((cz_str *)items)[i] = cz_copy(ctx, ((cz_str *)items)[i]);
    }
    return copy;
}

/* ---- from the caller ---- */

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

static CZ_NORETURN void wrong(cz_ctx *ctx, const char *name)
{
    cz_raise(ctx, CZ_EINVAL, "a value of the wrong type for \"%s\"", name);
}

/* A decimal as its column keeps it: rounded to its places, as Django does, and refused when it has more
 * digits than the column. */
static cz_decimal fit_decimal(cz_ctx *ctx, cz__db_type type, cz_decimal value, const char *name)
{
    cz_decimal fitted;
    if (!CZ__DB_DIGITS(type)) /* of an expression: as it is */
        return value;
    if (cz_decimal_round(value, CZ__DB_PLACES(type), &fitted) ||
        cz_decimal_digits(fitted) > CZ__DB_DIGITS(type))
        cz_raise(ctx, CZ_EINVAL, "a decimal of more than %d digits for \"%s\"", CZ__DB_DIGITS(type),
                 name);
    return fitted;
}

static bool is_text(cz__db_kind kind)
{
    return kind == CZ__DB_TEXT || kind == CZ__DB_JSON || kind == CZ__DB_IP;
}

static cz__db_param list_param(const void *value, cz__param_kind kind)
{
    const cz_int_list *list = value; /* all lists begin alike */
    return (cz__db_param){ .kind = kind, .items = list->items, .item_count = list->count };
}

/* An integer, whatever takes one. */
static cz__db_param integer_param(cz_ctx *ctx, cz__db_type type, int64_t value, const char *name)
{
    cz__db_param param = { .kind = CZ__PARAM_INT, .type = type, .integer = value };
    switch (CZ__DB_KIND(type)) {
    case CZ__DB_REAL:
        param.kind = CZ__PARAM_REAL;
        param.real = (double)value;
        return param;
    case CZ__DB_DECIMAL:
        param.kind = CZ__PARAM_DECIMAL;
        param.decimal = fit_decimal(ctx, type, cz_decimal_of(value, 0), name);
        return param;
    case CZ__DB_BOOL:
        param.integer = value != 0;
        return param;
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        return param;
    default:
        wrong(ctx, name);
    }
}

/* A constant of an enum, as the text it is stored as. */
static cz__db_param choice_param(cz_ctx *ctx, cz__db_type type, const char *name, int64_t place)
{
    const cz_choice_list *choices = cz__choices_of(type);
    if (place < 0 || (uint64_t)place >= choices->count)
        cz_raise(ctx, CZ_EINVAL, "%lld is no value of \"%s\"", (long long)place, name);
    return (cz__db_param){ .kind = CZ__PARAM_TEXT,
                           .type = type,
                           .text = cz_str_from(choices->items[place].value) };
}

/* One address is one text, as PostgreSQL keeps it; what is none may be part of one, for a lookup. */
static cz_str address_of(cz_ctx *ctx, cz_str text)
{
    char canonical[CZ__IP_TEXT];
    return cz__ip_write(canonical, text) ? cz_copy(ctx, cz_str_from(canonical)) : text;
}

cz__db_param cz__param_of_value(cz_ctx *ctx, cz__db_type type, const char *name, uint8_t value_kind,
                                const void *value)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    cz__db_param param = { .kind = CZ__PARAM_NULL, .type = type };
    if (type & CZ__DB_CHOSEN && value_kind > CZ__VALUE_NULL && value_kind <= CZ__VALUE_U64)
        return choice_param(ctx, type, name, integer_of(value_kind, value));
    cz__db_kind wanted; /* what a column must be for the value */
    switch ((cz__value_kind)value_kind) {
    case CZ__VALUE_NULL:
        return param;
    case CZ__VALUE_CSTR:
    case CZ__VALUE_STR:
        if (value_kind == CZ__VALUE_CSTR && !*(const char *const *)value)
            return param;
        param.kind = CZ__PARAM_TEXT;
        param.text = value_kind == CZ__VALUE_STR ? *(const cz_str *)value
                                                 : cz_str_from(*(const char *const *)value);
        if (kind == CZ__DB_IP)
            param.text = address_of(ctx, param.text);
        wanted = is_text(kind) ? kind : CZ__DB_TEXT;
        break;
    case CZ__VALUE_BYTES:
        param.kind = CZ__PARAM_BINARY;
        param.text = cz_str_of(((const cz_bytes *)value)->ptr, ((const cz_bytes *)value)->len);
        wanted = CZ__DB_BINARY;
        break;
    case CZ__VALUE_UUID:
        param.kind = CZ__PARAM_UUID;
        param.uuid = *(const cz_uuid *)value;
        wanted = CZ__DB_UUID;
        break;
    case CZ__VALUE_DATETIME:
        param.kind = CZ__PARAM_DATETIME;
        param.integer = ((const cz_datetime *)value)->us;
        wanted = CZ__DB_DATETIME;
        break;
    case CZ__VALUE_DATE:
        param.kind = CZ__PARAM_DATE;
        param.integer = ((const cz_date *)value)->days;
        wanted = CZ__DB_DATE;
        break;
    case CZ__VALUE_TIME:
        param.kind = CZ__PARAM_TIME;
        param.integer = ((const cz_time *)value)->us;
        wanted = CZ__DB_TIME;
        break;
    case CZ__VALUE_DURATION:
        param.kind = CZ__PARAM_DURATION;
        param.integer = ((const cz_duration *)value)->us;
        wanted = CZ__DB_DURATION;
        break;
    case CZ__VALUE_DECIMAL:
        wanted = CZ__DB_DECIMAL;
        param.kind = CZ__PARAM_DECIMAL;
        if (kind == wanted)
            param.decimal = fit_decimal(ctx, type, *(const cz_decimal *)value, name);
        break;
    case CZ__VALUE_FLOAT:
    case CZ__VALUE_DOUBLE:
        param.kind = CZ__PARAM_REAL;
        param.real =
            value_kind == CZ__VALUE_FLOAT ? (double)*(const float *)value : *(const double *)value;
        wanted = CZ__DB_REAL;
        break;
    case CZ__VALUE_INTS:
        param = list_param(value, CZ__PARAM_INT_LIST);
        wanted = CZ__DB_INT_LIST;
        break;
    case CZ__VALUE_STRS:
        param = list_param(value, CZ__PARAM_TEXT_LIST);
        wanted = CZ__DB_TEXT_LIST;
        break;
    case CZ__VALUE_UUIDS:
        param = list_param(value, CZ__PARAM_UUID_LIST);
        wanted = CZ__DB_UUID_LIST;
        break;
    case CZ__VALUE_U64:
        if (*(const uint64_t *)value > INT64_MAX)
            cz_raise(ctx, CZ_EINVAL, "a value over 2^63-1 for \"%s\"", name);
        return integer_param(ctx, type, (int64_t) * (const uint64_t *)value, name);
    case CZ__VALUE_BOOL:
    case CZ__VALUE_I8:
    case CZ__VALUE_I16:
    case CZ__VALUE_I32:
    case CZ__VALUE_I64:
    case CZ__VALUE_U8:
    case CZ__VALUE_U16:
    case CZ__VALUE_U32:
        return integer_param(ctx, type, integer_of(value_kind, value), name);
    default:
        wrong(ctx, name);
    }
    if (kind != wanted)
        wrong(ctx, name);
    param.type = type;
    return param;
}

cz__db_param cz__param_of(cz_ctx *ctx, const cz__column *column, uint8_t value_kind,
                          const void *value)
{
    return cz__param_of_value(ctx, column->type, column->field->name, value_kind, value);
}

/* ---- from a row ---- */

/* The kind of value a row's member is, for conditions and assignments made from rows. */
uint8_t cz__value_kind_of(const cz__column *column)
{
    static const uint8_t by_type[CZ__DB_TYPE_COUNT] = {
        [CZ__DB_TEXT] = CZ__VALUE_STR,       [CZ__DB_INT16] = CZ__VALUE_I16,
        [CZ__DB_INT32] = CZ__VALUE_I32,      [CZ__DB_INT64] = CZ__VALUE_I64,
        [CZ__DB_BOOL] = CZ__VALUE_BOOL,      [CZ__DB_REAL] = CZ__VALUE_DOUBLE,
        [CZ__DB_DATE] = CZ__VALUE_DATE,      [CZ__DB_DATETIME] = CZ__VALUE_DATETIME,
        [CZ__DB_UUID] = CZ__VALUE_UUID,      [CZ__DB_DECIMAL] = CZ__VALUE_DECIMAL,
        [CZ__DB_TIME] = CZ__VALUE_TIME,      [CZ__DB_DURATION] = CZ__VALUE_DURATION,
        [CZ__DB_JSON] = CZ__VALUE_STR,       [CZ__DB_BINARY] = CZ__VALUE_BYTES,
        [CZ__DB_IP] = CZ__VALUE_STR,         [CZ__DB_INT_LIST] = CZ__VALUE_INTS,
        [CZ__DB_TEXT_LIST] = CZ__VALUE_STRS, [CZ__DB_UUID_LIST] = CZ__VALUE_UUIDS,
    };
    return column->type & CZ__DB_CHOSEN ? (uint8_t)CZ__VALUE_I32
                                        : by_type[CZ__DB_KIND(column->type)];
}

size_t cz__column_bytes(const cz__column *column)
{
    return kinds[cz__value_kind_of(column)].bytes;
}

static void store_integer(cz_ctx *ctx, const cz__column *column, void *at, int64_t value)
{
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if ((kind == CZ__DB_INT16 && value != (int16_t)value) ||
        (kind == CZ__DB_INT32 && value != (int32_t)value))
        cz_raise(ctx, CZ_EINVAL, "%lld is out of range for \"%s\"", (long long)value,
                 column->field->name);
    if (kind == CZ__DB_INT16)
        *(int16_t *)at = (int16_t)value;
    else if (kind == CZ__DB_INT32)
        *(int32_t *)at = (int32_t)value;
    else if (kind == CZ__DB_BOOL)
        *(bool *)at = value != 0;
    else
        *(int64_t *)at = value;
}

void cz__row_store(cz_ctx *ctx, cz_row *row, const cz__column *column, const cz__db_param *param)
{
    void *at = cz__row_at(row, column);
    switch (param->kind) {
    case CZ__PARAM_NULL:
        break; /* cz__row_mark() makes it zero */
    case CZ__PARAM_INT:
        store_integer(ctx, column, at, param->integer);
        break;
    case CZ__PARAM_REAL:
        *(double *)at = param->real;
        break;
    case CZ__PARAM_TEXT:
    case CZ__PARAM_BINARY:
        if (column->type & CZ__DB_CHOSEN)
            *(int *)at = cz__choice_find(column->type, param->text);
        else
            *(cz_str *)at = param->text;
        break;
    case CZ__PARAM_DATE:
        *(cz_date *)at = (cz_date){ (int32_t)param->integer };
        break;
    case CZ__PARAM_DATETIME:
    case CZ__PARAM_TIME:
    case CZ__PARAM_DURATION:
        *(int64_t *)at = param->integer;
        break;
    case CZ__PARAM_UUID:
        *(cz_uuid *)at = param->uuid;
        break;
    case CZ__PARAM_DECIMAL:
        *(cz_decimal *)at = param->decimal;
        break;
    case CZ__PARAM_INT_LIST:
    case CZ__PARAM_TEXT_LIST:
    case CZ__PARAM_UUID_LIST:
        *(cz_int_list *)at = (cz_int_list){ param->items, param->item_count };
        break;
    }
    if (column->relation)
        *cz__row_slot(row, column) = NULL; /* what was read for the old key */
    cz__row_mark(row, column, param->kind == CZ__PARAM_NULL);
}
