/* One value against its field, with DRF's sentences, because clients match on them. */
#include "serializers/serializers_internal.h"
#include "serializers/formats.h"

void cz__input_fail(struct cz__input *input, const struct cz__serializer_field *field,
                    const char *code, const char *text)
{
    cz_field_errors_add(input->ctx, input->errors, field->name, code, "%s", text);
}

/* What a message repeats of the input: at most so many bytes, cut between characters. */
static cz_str quoted(cz_str text, size_t bytes_max)
{
    cz_str head = cz_str_head(text, bytes_max);
    while (head.len && head.len < text.len && ((unsigned char)text.ptr[head.len] & 0xc0) == 0x80)
        head.len--;
    return head;
}

/* ---- text ---- */

static const char *format_error(cz_field_kind kind, cz_str text)
{
    switch (kind) {
    case CZ_KIND_email_field:
        return cz__is_email(text) ? NULL : "Enter a valid email address.";
    case CZ_KIND_url_field:
        return cz__is_url(text) ? NULL : "Enter a valid URL.";
    case CZ_KIND_slug_field:
        return cz__is_slug(text)
                   ? NULL
                   : "Enter a valid \"slug\" consisting of letters, numbers, underscores or "
                     "hyphens.";
    default:
        return NULL;
    }
}

static bool is_choice(const cz_choice_list *choices, cz_str text)
{
    for (size_t i = 0; i < choices->count; i++)
        if (cz_str_eq(text, cz_str_from(choices->items[i].value)))
            return true;
    return choices->count == 0;
}

static void take_text(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    const cz__column *column = field->column;
    const cz_field_options *options = &column->field->options;
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
    if (!text.len && (options->blank || !options->choices.count)) {
        if (!options->blank)
            cz__input_fail(input, field, "blank", "This field may not be blank.");
    } else if (!is_choice(&options->choices, text)) {
        cz_field_errors_add(input->ctx, input->errors, field->name, "invalid_choice",
                            "\"%.*s\" is not a valid choice.", CZ_STR_ARG(quoted(text, 100)));
        return;
    } else {
        const char *wrong = format_error(column->field->kind, text);
        if (!wrong && options->validator)
            wrong = options->validator(text, 0);
        if (wrong)
            cz__input_fail(input, field, "invalid", wrong);
    }
    if (column->max_length && text.len > column->max_length &&
        cz_str_utf8_length(text) > column->max_length)
        cz_field_errors_add(input->ctx, input->errors, field->name, "max_length",
                            "Ensure this field has no more than %u characters.",
                            column->max_length);
    *(cz_str *)cz__row_at(input->row, column) = cz_copy(input->ctx, text);
    cz__row_mark(input->row, column, false);
}

/* ---- numbers ---- */

/* `bound` is a number as text. */
static void out_of_range(struct cz__input *input, const struct cz__serializer_field *field,
                         bool above, cz_str bound)
{
    cz_field_errors_add(input->ctx, input->errors, field->name, above ? "max_value" : "min_value",
                        "Ensure this value is %s than or equal to %.*s.",
                        above ? "less" : "greater", CZ_STR_ARG(bound));
}

static void check_range(struct cz__input *input, const struct cz__serializer_field *field,
                        double value)
{
    const cz_field_options *options = &field->column->field->options;
    const struct {
        const cz_tagged *bound;
        bool upper;
    } bounds[] = { { &options->min, false }, { &options->max, true } };
    for (size_t i = 0; i < CZ_COUNT(bounds); i++) {
        const cz_tagged *bound = bounds[i].bound;
        if (bound->kind == CZ__TAG_NONE)
            continue;
        bool real = bound->kind == CZ__TAG_REAL;
        double limit = real ? bound->real : (double)bound->integer;
        if (bounds[i].upper ? value <= limit : value >= limit)
            continue;
        char text[CZ__JSON_F64_BYTES]; /* as Python writes it */
        size_t len = real ? (size_t)(cz__json_write_f64(text, limit) - text)
                          : cz_i64_write(text, bound->integer);
        out_of_range(input, field, bounds[i].upper, cz_str_of(text, len));
    }
    const char *wrong = options->validator ? options->validator(CZ_STR(""), value) : NULL;
    if (wrong)
        cz__input_fail(input, field, "invalid", wrong);
}

/* DRF takes 3, "3" and 3.0 for an integer. */
static bool integer_of(const struct cz__member *member, int64_t *out, bool *out_huge)
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
    bool fine = integer_of(member, &value, &huge);
    if (!fine && !huge) {
        cz__input_fail(input, field, "invalid", "A valid integer is required.");
        return;
    }
    if (huge || value < min || value > max) {
        bool above = huge ? cz_str_trim(member->text).ptr[0] != '-' : value > max;
        char text[24];
        out_of_range(input, field, above, cz_str_of(text, cz_i64_write(text, above ? max : min)));
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

/* Dates, instants, addresses and UUIDs: text, read as the kind. */
static void take_parsed(struct cz__input *input, const struct cz__serializer_field *field,
                        const struct cz__member *member)
{
    cz_error err;
    cz_str text = member->kind == CZ_JSON_STR ? cz_str_trim(member->text) : CZ_STR("");
    void *at = cz__row_at(input->row, field->column);
    if (cz__value_from_text(field->column, text, at, &err)) {
        cz__input_fail(input, field, "invalid", cz_error_message(&err));
        return;
    }
    if (CZ__DB_KIND(field->column->type) == CZ__DB_IP)
        *(cz_str *)at = cz_copy(input->ctx, *(cz_str *)at);
    cz__row_mark(input->row, field->column, false);
}

static void take_key(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member)
{
    const cz__column *column = field->column;
    cz_model *target = column->field->target;
    void *at = cz__row_at(input->row, column);
    bool huge, fine;
    if (CZ__DB_KIND(column->type) == CZ__DB_UUID)
        fine = member->kind == CZ_JSON_STR && cz_uuid_parse(member->text, at) == CZ_OK;
    else
        fine = integer_of(member, at, &huge);
    if (!fine) {
        static const char *const names[] = { "null", "bool", "int",  "float",
                                             "str",  "list", "dict", "" };
        cz_field_errors_add(input->ctx, input->errors, field->name, "incorrect_type",
                            "Incorrect type. Expected pk value, received %s.", names[member->kind]);
        return;
    }
    cz_query query = { .model = target,
                       .unordered = true,
                       .where = cz__cond_column(input->ctx, target, target->state->key, at) };
    if (!cz__exists(input->ctx, &query)) {
        cz_field_errors_add(input->ctx, input->errors, field->name, "does_not_exist",
                            "Invalid pk \"%.*s\" - object does not exist.",
                            CZ_STR_ARG(quoted(member->text, 60)));
        return;
    }
    *cz__row_slot(input->row, column) = NULL;
    cz__row_mark(input->row, column, false);
}

void cz__input_value(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member)
{
    const cz__column *column = field->column;
    if (member->kind == CZ_JSON_NULL) {
        if (!column->null) {
            cz__input_fail(input, field, "null", "This field may not be null.");
            return;
        }
        cz__row_mark(input->row, column, true);
        return;
    }
    if (column->relation) {
        take_key(input, field, member);
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

/* ---- checks against other rows ---- */

bool cz__has_error(const cz_field_errors *errors, cz_str field)
{
    for (const cz_field_error *e = errors->first; e; e = e->next)
        if (cz_str_eq(e->field, field))
            return true;
    return false;
}

/* Whether another row matches `conds`; the row itself does not count. */
static bool taken(struct cz__input *input, cz_cond *conds, size_t count, bool existing)
{
    cz_ctx *ctx = input->ctx;
    if (existing) {
        struct cz__cond *not_self = cz_new(ctx, struct cz__cond);
        cz_cond *self = cz_new(ctx, cz_cond);
        *self = cz__cond_key(ctx, input->row);
        *not_self = (struct cz__cond){ .op = CZ__COND_NOT, .count = 1, .children = self };
        conds[count++] = not_self;
    }
    cz_query query = { .model = input->row->model,
                       .where = cz_cond_all(ctx, conds, count),
                       .unordered = true };
    return cz__exists(ctx, &query);
}

static void check_unique(struct cz__input *input, const struct cz__serializer_field *field,
                         bool existing)
{
    const cz__column *column = field->column;
    bool unique = column->field->options.unique || column->field->kind == CZ_KIND_one_to_one;
    if (!unique || field->read_only || !cz__row_bit(input->row, CZ__BITS_DIRTY, column->ordinal) ||
        cz__row_bit(input->row, CZ__BITS_NULL, column->ordinal) ||
        cz__has_error(input->errors, field->name))
        return;
    cz_cond conds[2] = { cz__cond_column(input->ctx, input->row->model, column,
                                         cz__row_at(input->row, column)) };
    const cz_model *model = input->row->model;
    if (taken(input, conds, 1, existing))
        cz_field_errors_add(
            input->ctx, input->errors, field->name, "unique", "%s with this %s already exists.",
            model->meta.verbose_name ? model->meta.verbose_name : model->state->lower_name,
            column->field->options.verbose_name ? column->field->options.verbose_name
                                                : column->field->name);
}

static void check_unique_together(struct cz__input *input, bool existing)
{
    const cz_model *model = input->row->model;
    const cz_fields *together = &model->meta.unique_together;
    if (!together->count)
        return;
    cz_cond *conds = cz_array(input->ctx, cz_cond, together->count + 1);
    char names[160] = "";
    size_t len = 0;
    for (size_t i = 0; i < together->count; i++) {
        const cz__column *column = cz__column_find(model, together->items[i]);
        if (cz__row_bit(input->row, CZ__BITS_NULL, column->ordinal) ||
            !cz__row_bit(input->row, CZ__BITS_LOADED, column->ordinal))
            return; /* NULL equals nothing */
        conds[i] =
            cz__cond_column(input->ctx, input->row->model, column, cz__row_at(input->row, column));
        int added =
            snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "", column->field->name);
        if (added > 0 && (size_t)added < sizeof names - len)
            len += (size_t)added;
    }
    if (taken(input, conds, together->count, existing))
        cz_field_errors_add(input->ctx, input->errors, CZ_STR("non_field_errors"), "unique",
                            "The fields %s must make a unique set.", names);
}

void cz__input_check_rows(struct cz__input *input, const cz_serializer *serializer,
                          const struct cz__serializer_state *state, bool existing)
{
    (void)serializer;
    for (size_t i = 0; i < state->count; i++)
        check_unique(input, &state->fields[i], existing);
    if (!input->errors->count)
        check_unique_together(input, existing);
}
