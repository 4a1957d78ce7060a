/* Rows to JSON: each field's key was escaped once, values are written where they will be sent from. */
#include "serializers/serializers_internal.h"
#include <calzone/base64.h>
#include <calzone/relations.h>

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

/* ---- rows of columns alone ---- */

/* At `at`, which has the room. */
static char *write_column(char *at, const cz__column *column, const cz_row *row)
{
    cz_str chosen;
    if (cz__row_bit(row, CZ__BITS_NULL, column->ordinal))
        return put(at, "null", 4);
    const void *value = cz__row_at(row, column);
    if (is_long(CZ__DB_KIND(column->type)))
        return write_long(at, CZ__DB_KIND(column->type), cz__member_text(column, value, &chosen));
    return write_value(at, column, value);
}

static size_t column_bytes_max(const cz__column *column, const cz_row *row)
{
    cz_str chosen;
    if (!is_long(CZ__DB_KIND(column->type)))
        return 64;
    return long_bytes_max(CZ__DB_KIND(column->type),
                          cz__member_text(column, cz__row_at(row, column), &chosen));
}

static void write_plain(const struct cz__serializer_state *state, const cz_row *row, cz_buf *out)
{
    size_t bytes = state->fixed_bytes;
    for (size_t i = 0; i < state->count; i++) {
        const cz__column *column = state->fields[i].column;
        if (!state->fields[i].write_only && is_long(CZ__DB_KIND(column->type)))
            bytes += column_bytes_max(column, row);
    }
    char *start = cz_buf_reserve(out, bytes), *at = start;
    if (!start)
        return;
    *at++ = '{';
    for (size_t i = 0; i < state->count; i++) {
        const struct cz__serializer_field *field = &state->fields[i];
        if (field->write_only)
            continue;
        at = put(at, field->key.ptr, field->key.len);
        at = write_column(at, field->column, row);
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
        if (field->write_only)
            continue;
        cz_buf_append_str(out, field->key);
        cz__write_column(cursor, field->column, out);
    }
    cz_buf_append_char(out, '}');
}

/* ---- rows with relations ---- */

struct output {
    cz_ctx *ctx;
    const cz_request *req;
    cz_buf *out;
};

static void write_row(const struct output *output, cz_serializer *serializer, cz_row *row);

static void append_null(cz_buf *out)
{
    cz_buf_append_lit(out, "null");
}

static void append_str(cz_buf *out, cz_str text)
{
    cz_json_writer json;
    cz_json_writer_init(&json, out);
    cz_json_str(&json, text);
}

/* A member that was never read would be written as zero: a column that the row's query left out is read, for all
 * rows of its result. Rows that were never stored have what they were given. */
static void load(cz_ctx *ctx, const cz__column *column, cz_row *row)
{
    if (cz__row_bit(row, CZ__BITS_LOADED, column->ordinal))
        return;
    if (row->model->record)
        cz_raise(ctx, CZ_EINVAL, "%s.%s was not among the query's values", row->model->name,
                 column->field->name);
    if (cz__row_bit(row, CZ__BITS_LOADED, 0))
        cz__load(ctx, row, column->ordinal, NULL, 0);
}

/* An answer that shows what no save has stored would be believed. */
static void check_assigned(cz_ctx *ctx, const cz_row *row)
{
    if (row->kept && cz__row_bit(row, CZ__BITS_LOADED, 0))
        cz__row_check_assigned(ctx, row);
}

static void write_stored(const struct output *output, const cz__column *column, cz_row *row)
{
    load(output->ctx, column, row);
    char *at = cz_buf_reserve(output->out, column_bytes_max(column, row));
    if (at)
        cz_buf_commit(output->out, (size_t)(write_column(at, column, row) - at));
}

/* One related row, as the member has it. */
static void write_related(const struct output *output, const struct cz__serializer_field *field,
                          cz_row *row)
{
    switch (field->as) {
    case CZ__AS_NESTED:
        write_row(output, field->member->nested, row);
        break;
    case CZ__AS_SLUG:
        write_stored(output, field->slug, row);
        break;
    case CZ__AS_LINK:
        append_str(output->out, cz__link_to(output->ctx, output->req, field->member->view,
                                            row->model, cz__row_at(row, row->model->state->key)));
        break;
    default:
        write_stored(output, row->model->state->key, row);
    }
}

/* The rows of a to-many field; of a row that was never stored there are none. */
static void write_many(const struct output *output, const struct cz__serializer_field *field,
                       cz_row *row)
{
    cz_model *target = field->column->field->target;
    cz_query query = { .model = target, .file = __FILE__, .line = __LINE__ };
    if (field->as == CZ__AS_VALUE || field->as == CZ__AS_LINK)
        query.only = (cz_fields){ &target->state->key->attribute, 1 };
    struct cz__rows rows = { 0 };
    if (cz__row_bit(row, CZ__BITS_LOADED, 0))
        rows = cz__related_rows(output->ctx, row, field->column->ordinal, &query);
    if (!field->list) {
        if (rows.count)
            write_related(output, field, cz__row_nth(rows.items, 0, target));
        else
            append_null(output->out);
        return;
    }
    cz_buf_append_char(output->out, '[');
    for (size_t i = 0; i < rows.count; i++) {
        if (i)
            cz_buf_append_char(output->out, ',');
        write_related(output, field, cz__row_nth(rows.items, i, target));
    }
    cz_buf_append_char(output->out, ']');
}

/* The row behind a foreign key; the address alone needs no more than the key. */
static void write_one(const struct output *output, const struct cz__serializer_field *field,
                      cz_row *row)
{
    const cz__column *column = field->column;
    if (field->as == CZ__AS_LINK) {
        load(output->ctx, column, row);
        if (cz__row_bit(row, CZ__BITS_NULL, column->ordinal))
            append_null(output->out);
        else
            append_str(output->out, cz__link_to(output->ctx, output->req, field->member->view,
                                                column->field->target, cz__row_at(row, column)));
        return;
    }
    cz_row *related = cz__relation(output->ctx, row, column->ordinal, __FILE__, __LINE__);
    if (related)
        write_related(output, field, related);
    else
        append_null(output->out);
}

/* One value of JSON, of the type that was declared: the documents about the API say so. */
static void write_computed(const struct output *output, const struct cz__serializer_field *field,
                           cz_row *row)
{
    size_t before = cz_buf_str(output->out).len;
    cz_json_writer json;
    cz_json_writer_init(&json, output->out);
    field->member->compute(output->ctx, output->req, row, &json);
    cz_check(output->ctx, cz_buf_status(output->out));
    cz_str written = cz_str_tail(cz_buf_str(output->out), before);
    char first = written.len ? written.ptr[0] : '\0';
    cz_field_kind type = field->member->type;
    bool number = first == '-' || (first >= '0' && first <= '9');
    bool fits = field->member->list          ? first == '['
                : type == CZ_KIND_json_field ? first != '\0'
                : type == CZ_KIND_bool_field ? first == 't' || first == 'f'
                : type == CZ_KIND_int_field || type == CZ_KIND_float_field ||
                        type == CZ_KIND_small_int_field || type == CZ_KIND_big_int_field
                    ? number
                    : first == '"';
    if (!fits && !cz_str_eq(written, CZ_STR("null")))
        cz_raise(output->ctx, CZ_EINVAL,
                 "the computed \"%.*s\" of %s wrote %.*s, which is not of its .type",
                 CZ_STR_ARG(field->name), row->model->name,
                 CZ_STR_ARG(cz_str_head(written, written.len < 40 ? written.len : 40)));
}

static void write_member(const struct output *output, const struct cz__serializer_field *field,
                         cz_row *row)
{
    for (size_t i = 0; i < field->way_count && row; i++)
        row = cz__relation(output->ctx, row, field->way[i]->ordinal, __FILE__, __LINE__);
    if (!row)
        append_null(output->out);
    else if (field->as == CZ__AS_COMPUTED)
        write_computed(output, field, row);
    else if (!field->column)
        write_related(output, field, row);
    else if (field->column->many)
        write_many(output, field, row);
    else if (field->as == CZ__AS_VALUE)
        write_stored(output, field->column, row);
    else
        write_one(output, field, row);
}

static void write_row(const struct output *output, cz_serializer *serializer, cz_row *row)
{
    const struct cz__serializer_state *state = cz__serializer_state(output->ctx, serializer);
    check_assigned(output->ctx, row);
    cz_buf_append_char(output->out, '{');
    for (size_t i = 0; i < state->count; i++) {
        const struct cz__serializer_field *field = &state->fields[i];
        if (field->write_only)
            continue;
        cz_buf_append_str(output->out, field->key);
        write_member(output, field, row);
    }
    cz_buf_append_char(output->out, '}');
}

void cz__serializer_write(cz_ctx *ctx, const cz_request *req, cz_serializer *serializer,
                          cz_row *row, cz_buf *out)
{
    const struct cz__serializer_state *state = cz__serializer_state(ctx, serializer);
    struct output output = { ctx, req, out };
    if (!state->plain) {
        write_row(&output, serializer, row);
        return;
    }
    check_assigned(ctx, row);
    for (size_t i = 0; i < state->count; i++)
        if (!state->fields[i].write_only)
            load(ctx, state->fields[i].column, row);
    write_plain(state, row, out);
}
