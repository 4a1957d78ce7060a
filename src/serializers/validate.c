/* One value against its field, with DRF's sentences, because clients match on them. */
#include "serializers/serializers_internal.h"

void cz__input_fail(struct cz__input *input, const struct cz__serializer_field *field,
                    const char *code, const char *text)
{
    cz_field_errors_add(input->ctx, input->errors, field->name, code, "%s", text);
}

/* ---- text ---- */

static void take_text(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    const cz__column *column = field->column;
    if (member->kind != CZ_JSON_STR && member->kind != CZ_JSON_INT &&
        member->kind != CZ_JSON_REAL) {
        cz__input_fail(input, field, "invalid", "Not a valid string.");
        return;
    }
    cz_str text = cz_str_trim(member->text);
    if (text.len && memchr(text.ptr, '\0', text.len)) {
        cz__input_fail(input, field, "null_characters_not_allowed",
                       "Null characters are not allowed.");
        return;
    }
    text = cz__text_as_stored(input->ctx, column, text);
    if (!cz__check_text(input->ctx, column, field->name, text, input->errors))
        return;
    if (column->type & CZ__DB_CHOSEN)
        *(int *)cz__row_at(input->row, column) = cz__choice_find(column->type, text);
    else
        *(cz_str *)cz__row_at(input->row, column) = cz_copy(input->ctx, text);
    cz__row_mark(input->row, column, false);
}

/* ---- numbers ---- */

static void check_range(struct cz__input *input, const struct cz__serializer_field *field,
                        double value)
{
    cz__check_number(input->ctx, field->column, field->name, value, input->errors);
}

bool cz__integer_of(const struct cz__member *member, int64_t *out, bool *out_huge)
{
    *out_huge = false;
    if (member->kind == CZ_JSON_INT) {
        *out = member->integer;
        return true;
    }
    if (member->kind == CZ_JSON_STR) {
        cz_status status = cz_str_to_i64(cz_str_trim(member->text), out);
        *out_huge = status == CZ_ETOOBIG;
        return status == CZ_OK;
    }
    if (member->kind != CZ_JSON_REAL)
        return false;
    *out_huge = member->real >= 9223372036854775808.0 || member->real < -9223372036854775808.0;
    if (*out_huge)
        return false;
    *out = (int64_t)member->real;
    return (double)*out == member->real;
}

static void take_integer(struct cz__input *input, const struct cz__serializer_field *field,
                         const struct cz__member *member)
{
    const cz__column *column = field->column;
    int64_t value, min = INT64_MIN, max = INT64_MAX;
    bool huge;
    if (column->type == CZ__DB_INT16) {
        min = INT16_MIN;
        max = INT16_MAX;
    } else if (column->type == CZ__DB_INT32) {
        min = INT32_MIN;
        max = INT32_MAX;
    }
    bool fine = cz__integer_of(member, &value, &huge);
    if (!fine && !huge) {
        cz__input_fail(input, field, "invalid", "A valid integer is required.");
        return;
    }
    if (huge || value < min || value > max) {
        bool above = huge ? cz_str_trim(member->text).ptr[0] != '-' : value > max;
        char text[24];
        cz__out_of_range(input->ctx, field->name, above,
                         cz_str_of(text, cz_i64_write(text, above ? max : min)), input->errors);
        return;
    }
    check_range(input, field, (double)value);
    void *at = cz__row_at(input->row, column);
    if (column->type == CZ__DB_INT16)
        *(int16_t *)at = (int16_t)value;
    else if (column->type == CZ__DB_INT32)
        *(int32_t *)at = (int32_t)value;
    else
        *(int64_t *)at = value;
    cz__row_mark(input->row, column, false);
}

static void take_real(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    double value = 0;
    bool fine = member->kind == CZ_JSON_INT || member->kind == CZ_JSON_REAL;
    if (fine)
        value = member->kind == CZ_JSON_INT ? (double)member->integer : member->real;
    else if (member->kind == CZ_JSON_STR)
        fine = cz__value_from_text(field->column, member->text, &value, NULL) == CZ_OK;
    if (!fine) {
        cz__input_fail(input, field, "invalid", "A valid number is required.");
        return;
    }
    check_range(input, field, value);
    *(double *)cz__row_at(input->row, field->column) = value;
    cz__row_mark(input->row, field->column, false);
}

/* ---- the rest ---- */

static void take_bool(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    bool value = false, fine = true;
    if (member->kind == CZ_JSON_BOOL)
        value = member->boolean;
    else if (member->kind == CZ_JSON_INT && (member->integer == 0 || member->integer == 1))
        value = member->integer == 1;
    else
        fine = member->kind == CZ_JSON_STR &&
               cz__value_from_text(field->column, member->text, &value, NULL) == CZ_OK;
    if (!fine) {
        cz__input_fail(input, field, "invalid", "Must be a valid boolean.");
        return;
    }
    *(bool *)cz__row_at(input->row, field->column) = value;
    cz__row_mark(input->row, field->column, false);
}

/* DRF takes numbers and text; a number's own digits count, not those of the double it would become. */
static void take_decimal(struct cz__input *input, const struct cz__serializer_field *field,
                         const struct cz__member *member)
{
    cz_error err;
    cz_decimal value;
    bool fine =
        member->kind == CZ_JSON_INT || member->kind == CZ_JSON_REAL || member->kind == CZ_JSON_STR;
    if (!fine || cz__value_from_text(field->column, member->text, &value, &err)) {
        cz__input_fail(input, field, "invalid",
                       fine ? cz_error_message(&err) : "A valid number is required.");
        return;
    }
    check_range(input, field, cz_decimal_to_double(value));
    *(cz_decimal *)cz__row_at(input->row, field->column) = value;
    cz__row_mark(input->row, field->column, false);
}

/* Dates, instants, addresses and UUIDs: text, read as the kind. White space around an address alone is passed over, as in
 * DRF, where that is a text. */
static void take_parsed(struct cz__input *input, const struct cz__serializer_field *field,
                        const struct cz__member *member)
{
    cz_error err;
    cz_str text = member->kind == CZ_JSON_STR ? member->text : CZ_STR("");
    if (CZ__DB_KIND(field->column->type) == CZ__DB_IP)
        text = cz_str_trim(text);
    void *at = cz__row_at(input->row, field->column);
    if (cz__value_from_text(field->column, text, at, &err)) {
        cz__input_fail(input, field, "invalid", cz_error_message(&err));
        return;
    }
    if (CZ__DB_KIND(field->column->type) == CZ__DB_IP)
        *(cz_str *)at = cz_copy(input->ctx, *(cz_str *)at);
    cz__row_mark(input->row, field->column, false);
}

static void take_value(struct cz__input *input, const struct cz__serializer_field *field,
                       const struct cz__member *member)
{
    const cz__column *column = field->column;
    if (column->upload) {
        cz__input_file(input, field, member);
        return;
    }
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT:
        take_text(input, field, member);
        break;
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        take_integer(input, field, member);
        break;
    case CZ__DB_BOOL:
        take_bool(input, field, member);
        break;
    case CZ__DB_REAL:
        take_real(input, field, member);
        break;
    case CZ__DB_DECIMAL:
        take_decimal(input, field, member);
        break;
    case CZ__DB_JSON:
        cz__input_json(input, field, member);
        break;
    case CZ__DB_BINARY:
        cz__input_binary(input, field, member);
        break;
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
        cz__input_list(input, field, member);
        break;
    case CZ__DB_DATE:
    case CZ__DB_DATETIME:
    case CZ__DB_TIME:
    case CZ__DB_DURATION:
    case CZ__DB_IP:
    case CZ__DB_UUID:
    case CZ__DB_UUID_LIST:
    case CZ__DB_TYPE_COUNT:
        take_parsed(input, field, member);
        break;
    }
}

/* The number of a column that has one, and of a file its size; 0 of others. */
static double number_of(const cz__column *column, const void *value)
{
    if (column->upload)
        return (double)((const cz_upload *)value)->size;
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_INT16:
        return *(const int16_t *)value;
    case CZ__DB_INT32:
        return *(const int32_t *)value;
    case CZ__DB_INT64:
        return (double)*(const int64_t *)value;
    case CZ__DB_REAL:
        return *(const double *)value;
    case CZ__DB_DECIMAL:
        return cz_decimal_to_double(*(const cz_decimal *)value);
    default:
        return 0;
    }
}

/* The validator that the serializer adds to the field's own. */
static void ask_validator(struct cz__input *input, const struct cz__serializer_field *field)
{
    const void *value = cz__row_at(input->row, field->column);
    cz_str chosen;
    bool text = CZ__DB_KIND(field->column->type) == CZ__DB_TEXT;
    const char *wrong = field->member->validator(
        text ? *cz__member_text(field->column, value, &chosen) : CZ_STR(""),
        number_of(field->column, value));
    if (wrong)
        cz__input_fail(input, field, "invalid", wrong);
}

void cz__input_value(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member)
{
    size_t before = input->errors->count;
    if (member->kind != CZ_JSON_NULL) {
        take_value(input, field, member);
        if (field->member && field->member->validator && input->errors->count == before)
            ask_validator(input, field);
    } else if (field->column->null) {
        cz__row_mark(input->row, field->column, true);
    } else {
        cz__input_fail(input, field, "null", "This field may not be null.");
    }
}

/* ---- checks against other rows ---- */

/* A field whose own column the input may set. */
static bool is_own(const struct cz__serializer_field *field)
{
    return !field->read_only && field->column->stored;
}

void cz__input_check_rows(struct cz__input *input, const struct cz__serializer_state *state)
{
    if (state->serializer->model->record)
        return;
    for (size_t i = 0; i < state->count; i++)
        if (is_own(&state->fields[i]))
            cz__check_unique(input->ctx, input->row, state->fields[i].column, state->fields[i].name,
                             input->existing, input->errors);
    for (size_t i = 0; i < state->count; i++)
        if (is_own(&state->fields[i]))
            cz__check_unique_for(input->ctx, input->row, state->fields[i].column,
                                 state->fields[i].name, input->existing, input->existing,
                                 input->errors);
    if (!input->errors->count)
        cz__check_unique_together(input->ctx, input->row, input->existing, input->errors);
}
