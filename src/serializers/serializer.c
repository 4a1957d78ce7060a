/* Preparing serializers, and rows to JSON: each field's key is escaped once, values are written where they
 * will be sent from. */
#include "serializers/serializers_internal.h"
#include <calzone/base64.h>

static cz_arena *prepared; /* lives as long as the process */

static bool listed(const cz_fields *fields, cz_str name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (cz_str_eq(fields->items[i], name))
            return true;
    return false;
}

static cz_status prepare_field(const cz_serializer *serializer, size_t i,
                               struct cz__serializer_field *out, cz_error *err)
{
    cz_str name = serializer->fields.items[i];
    const cz_model *model = serializer->model;
    const cz__column *column = cz__column_find(model, name);
    if (!column || !column->stored)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "serializer of %s: \"%.*s\" is no column; relations are written as their key, "
            "other models' fields by a nested serializer",
            model->name, CZ_STR_ARG(name));
    const cz_field_options *options = &column->field->options;
    out->column = column;
    out->name = name;
    out->read_only = options->read_only || listed(&serializer->read_only, name);
    out->required =
        !out->read_only && !options->null && !options->blank && !cz__column_fills_itself(column);
    cz_buf key = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &key);
    if (i)
        cz_buf_append_char(&key, ',');
    cz_json_str(&json, name);
    cz_buf_append_char(&key, ':');
    cz_status status = cz__buf_take(&key, prepared, &out->key);
    return status ? cz_error_set(err, status, "no memory for a serializer") : CZ_OK;
}

cz_status cz__serializer_prepare(cz_serializer *serializer, cz_error *err)
{
    if (serializer->state)
        return CZ_OK;
    const cz_model *model = serializer->model;
    if (!model->state)
        return cz_error_set(err, CZ_EVALIDATION, "serializer of %s: the model is in no app",
                            model->name);
    if (!serializer->fields.count)
        return cz_error_set(err, CZ_EVALIDATION, "serializer of %s: .fields is required",
                            model->name);
    if (!prepared && cz_arena_create(NULL, 0, &prepared))
        return cz_error_set(err, CZ_ENOMEM, "no memory for a serializer");
    struct cz__serializer_state *state = cz_arena_new(prepared, struct cz__serializer_state);
    struct cz__serializer_field *fields =
        cz_arena_array(prepared, struct cz__serializer_field, serializer->fields.count);
    if (!state || !fields)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a serializer");
    for (size_t i = 0; i < serializer->read_only.count; i++)
        if (!listed(&serializer->fields, serializer->read_only.items[i]))
            return cz_error_set(err, CZ_EVALIDATION,
                                "serializer of %s: read_only \"%.*s\" is not in .fields",
                                model->name, CZ_STR_ARG(serializer->read_only.items[i]));
    *state = (struct cz__serializer_state){ .fields = fields,
                                            .count = serializer->fields.count,
                                            .fixed_bytes = 2 };
    for (size_t i = 0; i < state->count; i++) {
        cz_status status = prepare_field(serializer, i, &fields[i], err);
        if (status)
            return status;
        state->fixed_bytes +=
            fields[i].key.len + 64; /* the longest value that is not text, with room */
    }
    serializer->state = state;
    return CZ_OK;
}

const struct cz__serializer_state *cz__serializer_state(cz_ctx *ctx, cz_serializer *serializer)
{
    if (!serializer->state) {
        cz_error err;
        if (cz__serializer_prepare(serializer, &err))
            cz_raise(ctx, CZ_EINVAL, "%s", cz_error_message(&err));
    }
    return serializer->state;
}

/* ---- writing ---- */

static char *put(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

static char *write_value(char *out, const cz__column *column, const void *value)
{
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_INT16:
        return out + cz_i64_write(out, *(const int16_t *)value);
    case CZ__DB_INT32:
        return out + cz_i64_write(out, *(const int32_t *)value);
    case CZ__DB_INT64:
        return out + cz_i64_write(out, *(const int64_t *)value);
    case CZ__DB_BOOL:
        return *(const bool *)value ? put(out, "true", 4) : put(out, "false", 5);
    case CZ__DB_REAL:
        return cz__json_write_f64(out, *(const double *)value);
    default:
        break;
    }
    *out++ = '"';
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_DATE:
        out += cz_date_write(out, *(const cz_date *)value);
        break;
    case CZ__DB_DATETIME:
        out += cz_datetime_write(out, *(const cz_datetime *)value);
        break;
    case CZ__DB_TIME:
        out += cz_time_write(out, *(const cz_time *)value);
        break;
    case CZ__DB_DURATION:
        out += cz_duration_write(out, *(const cz_duration *)value);
        break;
    case CZ__DB_DECIMAL: /* text, as DRF: a double would lose digits */
        out += cz_decimal_write(out, *(const cz_decimal *)value);
        break;
    default:
        cz_uuid_write(out, *(const cz_uuid *)value);
        out += CZ_UUID_TEXT;
    }
    *out++ = '"';
    return out;
}

/* Kinds whose JSON has no fixed length. */
static bool is_long(cz__db_kind kind)
{
    return cz__kind_is_text(kind) || kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST;
}

static size_t long_bytes_max(cz__db_kind kind, const void *value)
{
    size_t bytes = 2;
    if (kind == CZ__DB_INT_LIST)
        return bytes + 21 * ((const cz_int_list *)value)->count;
    if (kind != CZ__DB_TEXT_LIST)
        return 6 * ((const cz_str *)value)->len + 18; /* cz__json_write_str */
    const cz_str_list *list = value;
    for (size_t i = 0; i < list->count; i++)
        bytes += 6 * list->items[i].len + 19;
    return bytes;
}

static char *write_long(char *out, cz__db_kind kind, const void *value)
{
    const cz_str *text = value;
    const cz_int_list *list = value; /* all lists begin alike */
    switch (kind) {
    case CZ__DB_JSON:
        return put(out, text->ptr, text->len);
    case CZ__DB_BINARY:
        *out++ = '"';
        out += cz_base64_write(out, text->ptr, text->len);
        *out++ = '"';
        return out;
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
        *out++ = '[';
        for (size_t i = 0; i < list->count; i++) {
            if (i)
                *out++ = ',';
            out = kind == CZ__DB_INT_LIST
                      ? out + cz_i64_write(out, list->items[i])
                      : cz__json_write_str(out, ((const cz_str_list *)value)->items[i]);
        }
        *out++ = ']';
        return out;
    default:
        return cz__json_write_str(out, *text);
    }
}

void cz__serializer_write(const cz_serializer *serializer, const cz_row *row, cz_buf *out)
{
    const struct cz__serializer_state *state = serializer->state;
    const uint64_t *nulls = cz__row_bits(row, cz__model_words(row->model), CZ__BITS_NULL);
    size_t bytes = state->fixed_bytes;
    cz_str chosen;
    for (size_t i = 0; i < state->count; i++) {
        const cz__column *column = state->fields[i].column;
        if (is_long(CZ__DB_KIND(column->type)))
            bytes += long_bytes_max(CZ__DB_KIND(column->type),
                                    cz__member_text(column, cz__row_at(row, column), &chosen));
    }
    char *start = cz_buf_reserve(out, bytes), *at = start;
    if (!start)
        return;
    *at++ = '{';
    for (size_t i = 0; i < state->count; i++) {
        const struct cz__serializer_field *field = &state->fields[i];
        const cz__column *column = field->column;
        at = put(at, field->key.ptr, field->key.len);
        if ((nulls[column->ordinal / 64] >> (column->ordinal % 64)) & 1)
            at = put(at, "null", 4);
        else if (is_long(CZ__DB_KIND(column->type)))
            at = write_long(at, CZ__DB_KIND(column->type),
                            cz__member_text(column, cz__row_at(row, column), &chosen));
        else
            at = write_value(at, column, cz__row_at(row, column));
    }
    *at++ = '}';
    cz_buf_commit(out, (size_t)(at - start));
}

void cz__serializer_write_cursor(const cz_serializer *serializer, const cz__db_cursor *cursor,
                                 cz_buf *out)
{
    const struct cz__serializer_state *state = serializer->state;
    cz_buf_append_char(out, '{');
    for (size_t i = 0; i < state->count; i++) {
        const struct cz__serializer_field *field = &state->fields[i];
        cz_buf_append_str(out, field->key);
        cz__write_column(cursor, field->column, out);
    }
    cz_buf_append_char(out, '}');
}

/* A member that was never read would be written as zero: a column that the row's query left out is read, for all
 * rows of its result. Rows that were never stored have what they were given. */
static void load_fields(cz_ctx *ctx, const struct cz__serializer_state *state, const cz_row *row)
{
    for (size_t i = 0; i < state->count; i++) {
        const cz__column *column = state->fields[i].column;
        if (cz__row_bit(row, CZ__BITS_LOADED, column->ordinal))
            continue;
        if (row->model->record)
            cz_raise(ctx, CZ_EINVAL, "%s.%s was not among the query's values", row->model->name,
                     column->field->name);
        if (cz__row_bit(row, CZ__BITS_LOADED, 0))
            cz__load(ctx, (cz_row *)(uintptr_t)row, column->ordinal, NULL, 0);
    }
}

void cz__respond_row(cz_ctx *ctx, cz_request *req, int status, cz_serializer *serializer,
                     const cz_row *row)
{
    cz_assert(cz__same_table(serializer->model, row->model));
    load_fields(ctx, cz__serializer_state(ctx, serializer), row);
    cz_buf *body = cz_respond_json_begin(ctx, req, status);
    cz__serializer_write(serializer, row, body);
    cz_check(ctx, cz_buf_status(body));
}

static const cz_row *row_at(const cz_model *model, const void *items, size_t n)
{
    return (const cz_row *)(const void *)((const char *)items + n * model->row_bytes);
}

void cz__respond_rows(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, const void *items,
                      size_t count)
{
    const struct cz__serializer_state *state = cz__serializer_state(ctx, serializer);
    for (size_t i = 0; i < count; i++)
        load_fields(ctx, state, row_at(serializer->model, items, i));
    cz_buf *body = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_char(body, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            cz_buf_append_char(body, ',');
        cz__serializer_write(serializer, row_at(serializer->model, items, i), body);
    }
    cz_buf_append_char(body, ']');
    cz_check(ctx, cz_buf_status(body));
}
