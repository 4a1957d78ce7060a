/* The models of a project, resolved once at start: columns, keys, relations, the tables between. What
 * cannot work is refused here, with one line naming the model and the field. */
#include "base/regex.h"
#include "base/words.h"
#include "files/files.h"
#include "orm/orm_internal.h"
#include <calzone/html.h>
#include <math.h>
#include <stdio.h>

enum { MODELS_MAX = 1024, ENUMS_MAX = 4096 };

static cz_model *models[MODELS_MAX];
static size_t model_count;
static cz_arena *registry;                     /* lives as long as the process */
static const cz_choice_list *enums[ENUMS_MAX]; /* by the number in their columns' types, less one */
static size_t enum_count;

size_t cz__models_count(void)
{
    return model_count;
}

cz_model *cz__models_at(size_t index)
{
    cz_assert(index < model_count);
    return models[index];
}

cz_model *cz__models_find(cz_str label)
{
    for (size_t i = 0; i < model_count; i++)
        if (cz_str_eq_icase(cz_str_from(models[i]->state->label), label))
            return models[i];
    return NULL;
}

const cz__column *cz__column_find(const cz_model *model, cz_str name)
{
    return cz_map_get(&model->state->by_name, name);
}

static cz_status refuse(cz_error *err, const cz_model *model, const cz_field *field,
                        const char *text)
{
    return cz_error_set(err, CZ_EVALIDATION, "%s.%s: %s", model->name, field->name, text);
}

static bool is_stored_relation(cz_field_kind kind)
{
    return kind == CZ_KIND_foreign_key || kind == CZ_KIND_one_to_one;
}

/* How Django keeps values of a type on SQLite. */
static cz__db_type as_django(cz__db_type type)
{
    switch (CZ__DB_KIND(type)) {
    case CZ__DB_DECIMAL:
        return type | CZ__DB_AS_NUMBER;
    case CZ__DB_UUID:
        return type | CZ__DB_AS_DIGITS;
    default:
        return type;
    }
}

static cz__db_type plain_type_of(const cz_field *field)
{
    switch (field->kind) {
    case CZ_KIND_small_int_field:
        return CZ__DB_INT16;
    case CZ_KIND_int_field:
        return CZ__DB_INT32;
    case CZ_KIND_big_int_field:
        return CZ__DB_INT64;
    case CZ_KIND_bool_field:
        return CZ__DB_BOOL;
    case CZ_KIND_float_field:
        return CZ__DB_REAL;
    case CZ_KIND_date_field:
        return CZ__DB_DATE;
    case CZ_KIND_datetime_field:
        return CZ__DB_DATETIME;
    case CZ_KIND_uuid_field:
        return CZ__DB_UUID;
    case CZ_KIND_decimal_field:
        return cz__db_decimal(field->options.digits, field->options.places);
    case CZ_KIND_time_field:
        return CZ__DB_TIME;
    case CZ_KIND_duration_field:
        return CZ__DB_DURATION;
    case CZ_KIND_json_field:
        return CZ__DB_JSON;
    case CZ_KIND_binary_field:
        return CZ__DB_BINARY;
    case CZ_KIND_ip_field:
        return CZ__DB_IP;
    case CZ_KIND_int_array_field:
        return CZ__DB_INT_LIST;
    case CZ_KIND_text_array_field:
        return CZ__DB_TEXT_LIST;
    case CZ_KIND_enum_field:
        return CZ__DB_TEXT;
    case CZ_KIND_encrypted_field:
        return CZ__DB_TEXT | CZ__DB_SEALED;
    default:
        return CZ__DB_TEXT;
    }
}

static cz__db_type type_of(const cz_field *field)
{
    cz__db_type type = plain_type_of(field);
    return field->options.django ? as_django(type) : type;
}

cz__db_type cz__field_type(const cz_field *field)
{
    return type_of(field);
}

static uint32_t max_length_of(const cz_field *field)
{
    if (field->options.max_length)
        return field->options.max_length;
    switch (field->kind) {
    case CZ_KIND_char_field:
        return 255;
    case CZ_KIND_enum_field:
        return 50; /* of its texts, those to come among them */
    case CZ_KIND_slug_field:
        return 50;
    case CZ_KIND_email_field:
        return 254;
    case CZ_KIND_url_field:
        return 200;
    case CZ_KIND_file_field:
    case CZ_KIND_image_field:
        return 100;
    default:
        return 0;
    }
}

static char *lower(cz_arena *arena, const char *text)
{
    char *copy = cz_arena_strdup(arena, text);
    for (char *c = copy; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    return copy;
}

static bool is_number(cz__db_type type)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    return kind == CZ__DB_INT16 || kind == CZ__DB_INT32 || kind == CZ__DB_INT64 ||
           kind == CZ__DB_REAL || kind == CZ__DB_DECIMAL;
}

static bool is_choice(const cz_choice_list *choices, const char *value)
{
    for (size_t i = 0; i < choices->count; i++)
        if (strcmp(choices->items[i].value, value) == 0)
            return true;
    return choices->count == 0;
}

/* Whether a tagged value is one, and suits what the field stores. */
static cz_status check_tagged(const cz_model *model, const cz_field *field, cz__db_type type,
                              const char *option, const cz_tagged *value, cz_error *err)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    bool suits = false;
    switch (value->kind) {
    case CZ__TAG_NONE:
        return CZ_OK;
    case CZ__TAG_INT:
        suits = is_number(type) || (field->kind == CZ_KIND_enum_field && value->integer >= 0 &&
                                    (uint64_t)value->integer < field->options.choices.count);
        break;
    case CZ__TAG_REAL:
        suits = kind == CZ__DB_REAL;
        break;
    case CZ__TAG_TEXT:
        suits = kind != CZ__DB_BOOL && !(kind >= CZ__DB_INT16 && kind <= CZ__DB_INT64) &&
                kind != CZ__DB_REAL && kind != CZ__DB_BINARY && kind < CZ__DB_INT_LIST;
        break;
    case CZ__TAG_BOOL:
        suits = kind == CZ__DB_BOOL;
        break;
    default:
        return cz_error_set(
            err, CZ_EVALIDATION,
            "%s.%s: .%s is written cz_int(50), cz_real(0.5), cz_text(\"draft\") or cz_bool(true)",
            model->name, field->name, option);
    }
    return suits ? CZ_OK
                 : cz_error_set(err, CZ_EVALIDATION, "%s.%s: .%s is not of the field's kind",
                                model->name, field->name, option);
}

static cz_status check_db_default(const cz_model *model, const cz_field *field, cz__db_type type,
                                  cz_error *err)
{
    const cz_tagged *value = &field->options.db_default;
    if (value->kind == CZ__TAG_SQL)
        return CZ_OK;
    if (value->kind == CZ__TAG_NOW)
        return type == CZ__DB_DATETIME || type == CZ__DB_DATE
                   ? CZ_OK
                   : refuse(err, model, field, "cz_db_now() is for datetime and date fields");
    if (is_stored_relation(field->kind))
        return value->kind ? refuse(err, model, field, "db_default is not for relations") : CZ_OK;
    return check_tagged(model, field, type, "db_default", value, err);
}

static double number_of(const cz_tagged *value)
{
    return value->kind == CZ__TAG_REAL ? value->real : (double)value->integer;
}

static bool is_finite(const cz_tagged *value)
{
    return value->kind != CZ__TAG_REAL || isfinite(value->real);
}

static cz_status check_values(const cz_model *model, const cz_field *field, cz_error *err)
{
    const cz_field_options *options = &field->options;
    cz_status status =
        is_stored_relation(field->kind)
            ? CZ_OK /* once the target's key is known */
            : check_tagged(model, field, type_of(field), "default_", &options->default_, err);
    if (!status)
        status = check_db_default(model, field, type_of(field), err);
    if (!status)
        status = check_tagged(model, field, type_of(field), "min", &options->min, err);
    if (!status)
        status = check_tagged(model, field, type_of(field), "max", &options->max, err);
    if (status)
        return status;
    if (!is_finite(&options->default_) || !is_finite(&options->db_default))
        return refuse(err, model, field,
                      "a default is a finite number: no migration can say others");
    if (options->default_.kind && options->default_function)
        return refuse(err, model, field, "default_ and default_function exclude each other");
    if (options->min.kind && options->max.kind &&
        number_of(&options->min) > number_of(&options->max))
        return refuse(err, model, field, ".min is greater than .max");
    if ((options->min.kind || options->max.kind) && !is_number(type_of(field)))
        return refuse(err, model, field, ".min and .max are for numbers");
    if (options->default_.kind == CZ__TAG_TEXT && type_of(field) == CZ__DB_TEXT &&
        !is_choice(&options->choices, options->default_.text))
        return refuse(err, model, field, "the default is none of the choices");
    return CZ_OK;
}

static cz_status check_link_options(const cz_model *model, const cz_field *field, cz_error *err)
{
    const cz_field_options *options = &field->options;
    if (options->through && field->kind != CZ_KIND_many_to_many)
        return refuse(err, model, field, ".through is for many-to-many relations");
    if (options->table && (field->kind != CZ_KIND_many_to_many || options->through))
        return refuse(err, model, field, ".table is for many-to-many relations without .through");
    if (options->table && strlen(options->table) > CZ__MODEL_NAME_BYTES_MAX)
        return refuse(err, model, field, "a table's name has at most 60 bytes");
    if (options->through_fields.count && !options->through)
        return refuse(err, model, field, ".through_fields are those of a .through");
    return CZ_OK;
}

/* ".png" and "image/PNG" would allow nothing, without a word. */
static const char *wrong_words(const cz_field_options *options)
{
    cz_str types = cz_str_from(options->content_types), ends = cz_str_from(options->extensions);
    for (cz_str type; (type = cz__word_next(&types)).len;)
        if (!cz__content_type_is_plain(type))
            return ".content_types are written \"image/png image/jpeg\", each by its own name";
    for (cz_str end; (end = cz__word_next(&ends)).len;)
        for (size_t i = 0; i < end.len; i++)
            if (end.ptr[i] == '.' || (end.ptr[i] >= 'A' && end.ptr[i] <= 'Z'))
                return ".extensions are written \"png jpg\", in lower case without dots";
    return NULL;
}

static cz_status check_file(const cz_model *model, const cz_field *field, cz_error *err)
{
    const cz_field_options *options = &field->options;
    bool is_said = options->max_bytes || options->content_types || options->extensions ||
                   options->allow_empty_file;
    if (field->kind != CZ_KIND_file_field)
        return is_said ? refuse(err, model, field,
                                ".max_bytes, .content_types, .extensions and .allow_empty_file are "
                                "for file fields")
                       : CZ_OK;
    if (options->default_.kind || options->default_function || options->db_default.kind ||
        options->choices.count)
        return refuse(err, model, field,
                      "a file comes with a request: it has no default, no choices");
    const char *wrong = wrong_words(options);
    return wrong ? refuse(err, model, field, wrong) : CZ_OK;
}

/* What is said of texts, and of texts alone. */
static cz_status check_text_options(const cz_model *model, const cz_field *field, cz_error *err)
{
    const cz_field_options *options = &field->options;
    bool said = options->regex || options->min_length || options->html;
    uint32_t longest = max_length_of(field);
    cz_error why;
    if (options->regex_message && !options->regex)
        return refuse(err, model, field, ".regex_message is of a .regex");
    if (!said)
        return CZ_OK;
    if (is_stored_relation(field->kind) || CZ__DB_KIND(type_of(field)) != CZ__DB_TEXT ||
        field->kind == CZ_KIND_file_field || options->choices.count)
        return refuse(err, model, field,
                      ".regex, .min_length and .html are for text fields without choices");
    if (options->regex && field->kind == CZ_KIND_slug_field)
        return refuse(err, model, field,
                      "a slug has a pattern of its own: want a char_field with .regex");
    if (longest && options->min_length > longest)
        return refuse(err, model, field, ".min_length is greater than .max_length");
    if (options->html && cz__html_rules_check(options->html, &why))
        return refuse(err, model, field, cz_error_message(&why));
    return CZ_OK;
}

/* Compiled once, for the life of the process, as the registry is. */
static cz_status compile_regex(const cz_model *model, cz__column *column, cz_error *err)
{
    const char *regex = column->field->options.regex;
    struct cz__regex *pattern = NULL;
    cz_error why;
    if (regex && cz__regex_create(cz_str_from(regex), 0, &pattern, &why))
        return refuse(err, model, column->field, cz_error_message(&why));
    column->regex = pattern;
    return CZ_OK;
}

static cz_status check_options(const cz_model *model, const cz_field *field, cz_error *err)
{
    const cz_field_options *options = &field->options;
    if (options->unconstrained && field->kind != CZ_KIND_foreign_key)
        return refuse(err, model, field, ".unconstrained is for foreign keys");
    cz_status status = check_link_options(model, field, err);
    if (!status)
        status = check_file(model, field, err);
    if (!status)
        status = check_text_options(model, field, err);
    if (status)
        return status;
    if (is_stored_relation(field->kind)) {
        if (!options->on_delete)
            return refuse(err, model, field,
                          "a foreign key must say on_delete: CZ_CASCADE, CZ_PROTECT, CZ_RESTRICT, "
                          "CZ_SET_NULL, CZ_SET_DEFAULT or CZ_DO_NOTHING");
        if (options->on_delete == CZ_SET_NULL && !options->null)
            return refuse(err, model, field, "on_delete is CZ_SET_NULL, so it needs .null = true");
        if (options->on_delete == CZ_SET_DEFAULT && !options->default_.kind &&
            !options->default_function && !options->null)
            return refuse(err, model, field,
                          "on_delete is CZ_SET_DEFAULT, so it needs a default, or .null = true");
    }
    if ((options->auto_now || options->auto_now_add) && field->kind != CZ_KIND_datetime_field)
        return refuse(err, model, field, "auto_now and auto_now_add are for datetime fields");
    if (field->kind == CZ_KIND_enum_field && (!options->choices.count || options->validator))
        return refuse(err, model, field, "an enum field has the enum's choices and no validator");
    if (field->kind == CZ_KIND_encrypted_field &&
        (options->unique || options->index || options->db_default.kind))
        return refuse(err, model, field,
                      "an encrypted field is never twice the same: no unique, index or db_default");
    if ((options->auto_actor || options->auto_actor_add) && type_of(field) != CZ__DB_TEXT)
        return refuse(err, model, field, "auto_actor and auto_actor_add are for text fields");
    if (options->marks_deleted && !(field->kind == CZ_KIND_datetime_field && options->null) &&
        field->kind != CZ_KIND_bool_field)
        return refuse(err, model, field,
                      "marks_deleted is for a datetime that may be NULL and a boolean beside it");
    if (options->choices.count && type_of(field) != CZ__DB_TEXT)
        return refuse(err, model, field, "choices are for text fields");
    if (field->kind == CZ_KIND_decimal_field) {
        if (!options->digits)
            return refuse(err, model, field, "a decimal field must say .digits and .places");
        if (options->digits > CZ_DECIMAL_DIGITS_MAX || options->places > options->digits)
            return refuse(err, model, field, "digits are 1 to 38, and places no more than digits");
    } else if (options->digits || options->places) {
        return refuse(err, model, field, ".digits and .places are for decimal fields");
    }
    if (strstr(field->name, "__"))
        return refuse(err, model, field, "a field's name may not contain two underscores in a row");
    return check_values(model, field, err);
}

/* Whether a default that is text can be read as what the column stores. */
static cz_status check_text(const cz_model *model, const cz__column *column, const char *option,
                            const cz_tagged *value, cz_error *err)
{
    char out[sizeof(cz_decimal)] __attribute__((aligned(16))); /* the largest member */
    cz_error why;
    if (value->kind == CZ__TAG_TEXT &&
        cz__value_from_text(column, cz_str_from(value->text), out, &why))
        return cz_error_set(err, CZ_EVALIDATION, "%s.%s: %s = cz_text(\"%s\"): %s", model->name,
                            column->field->name, option, value->text, cz_error_message(&why));
    return CZ_OK;
}

static cz_status check_default_text(const cz_model *model, const cz__column *column, cz_error *err)
{
    const cz_field_options *options = &column->field->options;
    cz_status status = check_text(model, column, "default_", &options->default_, err);
    return status ? status : check_text(model, column, "db_default", &options->db_default, err);
}

/* An enum's values are the places of its choices, which its column's type names. */
static cz_status number_choices(const cz_model *model, cz__column *column, cz_error *err)
{
    const cz_choice_list *choices = &column->field->options.choices;
    for (size_t i = 0; i < choices->count; i++)
        for (size_t other = 0; other < i; other++)
            if (strcmp(choices->items[i].value, choices->items[other].value) == 0)
                return refuse(err, model, column->field, "two of the enum's texts are the same");
    if (enum_count == ENUMS_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "more than %d enum fields", ENUMS_MAX);
    enums[enum_count++] = choices;
    column->type |= CZ__DB_CHOSEN | (cz__db_type)enum_count << 8;
    return CZ_OK;
}

const cz_choice_list *cz__choices_of(cz__db_type type)
{
    cz_assert(CZ__DB_LIST(type) && CZ__DB_LIST(type) <= enum_count);
    return enums[CZ__DB_LIST(type) - 1];
}

int cz__choice_find(cz__db_type type, cz_str text)
{
    const cz_choice_list *choices = cz__choices_of(type);
    for (size_t i = 0; i < choices->count; i++)
        if (cz_str_eq(text, cz_str_from(choices->items[i].value)))
            return (int)i;
    return -1;
}

bool cz__choice_read(const cz__db_cursor *cursor, unsigned at, cz__db_type type, int *out)
{
    cz_str text;
    if (!cursor->db->driver->read(cursor, at, type, &text))
        return false;
    *out = cz__choice_find(type, text);
    return true;
}

const cz_str *cz__member_text(const cz__column *column, const void *at, cz_str *store)
{
    if (!(column->type & CZ__DB_CHOSEN))
        return at;
    const cz_choice_list *choices = cz__choices_of(column->type);
    int place = *(const int *)at;
    *store = place >= 0 && (size_t)place < choices->count ? cz_str_from(choices->items[place].value)
                                                          : CZ_STR("");
    return store;
}

static cz_status add_column(struct cz__model_state *state, uint16_t ordinal, cz_error *err)
{
    cz_model *model = state->model;
    const cz_field *field = &model->fields[ordinal];
    cz_status status = check_options(model, field, err);
    if (status)
        return status;
    cz__column *column = &state->columns[ordinal];
    bool relation = is_stored_relation(field->kind);
    bool upload = model->record && field->kind == CZ_KIND_file_field;
    *column = (cz__column){
        .field = field,
        .ordinal = ordinal,
        .offset = model->offsets()[ordinal],
        .slot = model->slots()[ordinal],
        .stored = relation || field->kind < CZ_KIND_foreign_key,
        .relation = relation,
        .many = !relation && field->kind >= CZ_KIND_foreign_key,
        .null = field->options.null,
        .upload = upload,
        .type = type_of(field),
        .position = state->stored_count,
        .max_length = upload ? field->options.max_length : max_length_of(field),
    };
    if (model->meta.django)
        column->type = as_django(column->type);
    if (field->kind == CZ_KIND_enum_field)
        status = number_choices(model, column, err);
    if (!status)
        status = compile_regex(model, column, err);
    if (status)
        return status;
    if (!relation)
        status = check_default_text(model, column, err);
    if (status)
        return status;
    const char *attribute = field->name;
    if (relation)
        attribute = cz_arena_printf(registry, "%s_id", field->name);
    if (!attribute)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    column->attribute = cz_str_from(attribute);
    column->name = field->options.column ? field->options.column : attribute;
    if (strlen(column->name) > CZ__MODEL_NAME_BYTES_MAX)
        return refuse(err, model, field, "a column's name has at most 60 bytes");
    if (cz_map_get(&state->by_name, cz_str_from(field->name)) ||
        cz_map_get(&state->by_name, column->attribute))
        return refuse(err, model, field, "is declared twice");
    if (cz_map_set(&state->by_name, cz_str_from(field->name), column) ||
        cz_map_set(&state->by_name, column->attribute, column))
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    state->stored_count = (uint16_t)(state->stored_count + column->stored);
    state->sealed |= column->stored && column->type & CZ__DB_SEALED;
    state->db_defaults |= column->stored && field->options.db_default.kind;
    return CZ_OK;
}

cz_cond cz__cond_null(cz_arena *arena, const cz_model *model, const cz__column *column, bool null)
{
    static const bool truths[] = { false, true };
    struct cz__cond *cond = cz_arena_new(arena, struct cz__cond);
    if (cond)
        *cond = (struct cz__cond){ .op = CZ__COND_LEAF,
                                   .lookup = CZ_LOOKUP_ISNULL,
                                   .value_kind = CZ__VALUE_BOOL,
                                   .model = model,
                                   .path = column->attribute,
                                   .value = &truths[null] };
    return cond;
}

/* What CZ_SOFT_DELETED marks a row by. */
static cz_status find_marks(struct cz__model_state *state, cz_error *err)
{
    for (uint16_t i = 0; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        const cz__column **mark =
            column->field->kind == CZ_KIND_bool_field ? &state->is_deleted : &state->deleted_at;
        if (!column->field->options.marks_deleted)
            continue;
        if (*mark)
            return refuse(err, state->model, column->field, "is a second field with marks_deleted");
        *mark = column;
    }
    if (!state->deleted_at)
        return state->is_deleted ? refuse(err, state->model, state->is_deleted->field,
                                          "marks_deleted needs a datetime that does, too")
                                 : CZ_OK;
    state->is_kept = cz__cond_null(registry, state->model, state->deleted_at, true);
    state->is_gone = cz__cond_null(registry, state->model, state->deleted_at, false);
    return state->is_kept && state->is_gone
               ? CZ_OK
               : cz_error_set(err, CZ_ENOMEM, "no memory for the models");
}

/* The dates that values of a column are unique for. */
static cz_status find_periods(const struct cz__model_state *state, cz__column *column,
                              cz_error *err)
{
    const cz_field_options *options = &column->field->options;
    const struct {
        const char *option;
        cz_str date;
    } rules[] = {
#define X(period) { "unique_for_" #period, options->unique_for_##period },
        CZ__PERIOD_MAP(X)
#undef X
    };
    for (int i = 0; i < CZ__PERIODS; i++) {
        if (!rules[i].date.len)
            continue;
        const cz__column *date = cz_map_get(&state->by_name, rules[i].date);
        if (!column->stored || column->type & CZ__DB_SEALED)
            return cz_error_set(err, CZ_EVALIDATION, "%s.%s: %s is for fields that can be compared",
                                state->model->name, column->field->name, rules[i].option);
        if (!date || (date->type != CZ__DB_DATE && date->type != CZ__DB_DATETIME))
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s.%s: %s: \"%.*s\" is no date or datetime of %s",
                                state->model->name, column->field->name, rules[i].option,
                                CZ_STR_ARG(rules[i].date), state->model->name);
        column->unique_for[i] = date;
    }
    return CZ_OK;
}

/* The columns of a model or record, each resolved on its own. */
static cz_status add_columns(struct cz__model_state *state, cz_error *err)
{
    const cz_model *model = state->model;
    state->column_count = model->field_count;
    state->columns = cz_arena_array(registry, cz__column, model->field_count);
    if (!state->lower_name || !state->columns)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    cz_map_init(&state->by_name, registry);
    for (uint16_t i = 0; i < model->field_count; i++) {
        cz_status status = add_column(state, i, err);
        if (status)
            return status;
    }
    state->key = &state->columns[0];
    for (uint16_t i = 0; i < model->field_count; i++) {
        cz_status status = find_periods(state, &state->columns[i], err);
        if (status)
            return status;
    }
    return CZ_OK;
}

const struct cz__model_state *cz__record_state(cz_ctx *ctx, const cz_model *record)
{
    if (record->state)
        return record->state;
    cz_error err;
    struct cz__model_state *state = NULL;
    cz_status status = CZ_OK;
    if (!registry)
        status = cz_arena_create(NULL, 0, &registry);
    if (!status)
        state = cz_arena_new(registry, struct cz__model_state);
    if (!state)
        cz_raise(ctx, CZ_ENOMEM, "no memory for a record");
    state->model = state->concrete =
        (cz_model *)(uintptr_t)record; /* declared by a macro as an object that is not const */
    state->lower_name = lower(registry, record->name);
    for (uint16_t i = 0; i < record->field_count; i++)
        if (record->fields[i].target || !record->record)
            cz_raise(ctx, CZ_EINVAL,
                     "%s.%s: a record has no relations; values of a key are numbers", record->name,
                     record->fields[i].name);
    if (add_columns(state, &err))
        cz_raise(ctx, err.status == CZ_ENOMEM ? CZ_ENOMEM : CZ_EINVAL, "%s",
                 cz_error_message(&err));
    state->label = state->lower_name;
    state->model->state = state;
    return state;
}

static cz_status add_model(const char *app, cz_model *model, cz_error *err)
{
    if (model->state)
        return cz_error_set(err, CZ_EVALIDATION, "model %s is listed by two apps", model->name);
    if (model_count == MODELS_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "more than %d models", MODELS_MAX);
    struct cz__model_state *state = cz_arena_new(registry, struct cz__model_state);
    if (!state)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    state->model = state->concrete = model;
    state->app = app;
    state->lower_name = lower(registry, model->name);
    cz_status status = model->proxy_of ? cz__proxy_check(model, err) : add_columns(state, err);
    if (!status && !model->proxy_of)
        status = find_marks(state, err);
    if (status)
        return status;
    if (state->lower_name)
        state->label = cz_arena_printf(registry, "%s.%s", app, state->lower_name);
    state->table = model->meta.table ? model->meta.table
                                     : cz_arena_printf(registry, "%s_%s", app, state->lower_name);
    if (!state->label || !state->table)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    if (strlen(state->table) > CZ__MODEL_NAME_BYTES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "%s: a table's name has at most 60 bytes",
                            model->name);
    if (cz__models_find(cz_str_from(state->label)))
        return cz_error_set(err, CZ_EVALIDATION, "two models are called %s", state->label);
    model->state = state;
    models[model_count++] = model;
    return CZ_OK;
}

cz_status cz__models_add(const char *app, cz_model *const *list, size_t count, cz_error *err)
{
    if (!registry) {
        cz_status status = cz_arena_create(NULL, 0, &registry);
        if (status)
            return cz_error_set(err, status, "no memory for the models");
    }
    for (size_t i = 0; i < count; i++) {
        cz_status status = add_model(app, list[i], err);
        if (status)
            return status;
    }
    return CZ_OK;
}

/* ---- relations, once every model is in ---- */

static cz_status add_referrer(cz_model *target, cz_model *model, const cz__column *column,
                              cz_error *err)
{
    struct cz__model_state *state = target->state->concrete->state;
    struct cz__referrer *grown =
        cz_arena_array(registry, struct cz__referrer, state->referrer_count + 1);
    if (!grown)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    if (state->referrer_count)
        memcpy(grown, state->referrers, state->referrer_count * sizeof *grown);
    grown[state->referrer_count] = (struct cz__referrer){ model, column };
    state->referrers = grown;
    state->referrer_count++;
    return CZ_OK;
}

/* Whether a table that was named for links is somebody else's already. */
static cz_status check_link_table(const cz_model *model, const cz__column *column, cz_error *err)
{
    for (size_t i = 0; i < model_count; i++) {
        const struct cz__model_state *state = models[i]->state;
        bool taken = strcmp(state->table, column->link_table) == 0;
        for (uint16_t f = 0; f < state->column_count && !taken; f++) {
            const cz__column *other = &state->columns[f];
            taken = other != column && other->field->kind == CZ_KIND_many_to_many &&
                    other->link_table && strcmp(other->link_table, column->link_table) == 0;
        }
        if (taken)
            return cz_error_set(err, CZ_EVALIDATION, "%s.%s: its .table is that of %s already",
                                model->name, column->field->name, models[i]->name);
    }
    return CZ_OK;
}

/* Names that were made of others are to be seen at the start, not when a database cuts them. */
static cz_status check_link_names(const cz_model *model, const cz__column *column, cz_error *err)
{
    const struct {
        const char *name, *what, *instead;
    } made[] = {
        { column->link_table, "table", "name it by .table" },
        { column->link_from, "column", "go through a model by .through" },
        { column->link_to, "column", "go through a model by .through" },
    };
    for (size_t i = 0; i < CZ_COUNT(made); i++)
        if (strlen(made[i].name) > CZ__MODEL_NAME_BYTES_MAX)
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s.%s: its links would have the %s %s, of %zu bytes; a name has "
                                "at most 60: %s",
                                model->name, column->field->name, made[i].what, made[i].name,
                                strlen(made[i].name), made[i].instead);
    return CZ_OK;
}

/* A many-to-many's table, as Django names it: "store_book_shelves" with "book_id" and "shelf_id", and
 * "from_book_id", "to_book_id" when it joins a model with itself. */
static cz_status name_link(cz_model *model, cz__column *column, cz_error *err)
{
    const struct cz__model_state *from = model->state;
    const struct cz__model_state *to = column->field->target->state->concrete->state;
    if (column->field->options.through)
        return cz__through_resolve(model, column, err);
    bool self = from == to;
    column->link_table = column->field->options.table
                             ? column->field->options.table
                             : cz_arena_printf(registry, "%s_%s", from->table, column->field->name);
    column->link_from = cz_arena_printf(registry, self ? "from_%s_id" : "%s_id", from->lower_name);
    column->link_to = cz_arena_printf(registry, self ? "to_%s_id" : "%s_id", to->lower_name);
    if (!column->link_table || !column->link_from || !column->link_to)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the models");
    cz_status status = check_link_names(model, column, err);
    if (!status && column->field->options.table)
        status = check_link_table(model, column, err);
    return status;
}

static cz_status resolve_reverse(cz_model *model, cz__column *column, cz_error *err)
{
    const cz_field *field = column->field;
    const cz__column *via = cz__column_find(field->target, cz_str_from(field->via));
    bool link = field->kind == CZ_KIND_many_to_many_reverse;
    if (!via || !cz__same_table(via->field->target, model) ||
        (link ? via->field->kind != CZ_KIND_many_to_many : !via->relation))
        return cz_error_set(err, CZ_EVALIDATION, "%s.%s: %s.%s is no %s to %s", model->name,
                            field->name, field->target->name, field->via,
                            link ? "many_to_many" : "foreign_key", model->name);
    column->via = via;
    if (link) {
        column->link_table = via->link_table;
        column->link_from = via->link_to;
        column->link_to = via->link_from;
        column->through = via->through;
        column->through_from = via->through_to;
        column->through_to = via->through_from;
    }
    return CZ_OK;
}

static cz_status resolve_column(cz_model *model, cz__column *column, bool reverse_sides,
                                cz_error *err)
{
    const cz_field *field = column->field;
    if (!field->target)
        return CZ_OK;
    if (!field->target->state)
        return cz_error_set(err, CZ_EVALIDATION, "%s.%s: the model %s is not in any app's .models",
                            model->name, field->name, field->target->name);
    bool reverse = field->kind == CZ_KIND_reverse || field->kind == CZ_KIND_many_to_many_reverse;
    if (reverse != reverse_sides)
        return CZ_OK;
    if (reverse)
        return resolve_reverse(model, column, err);
    if (field->kind == CZ_KIND_many_to_many)
        return name_link(model, column, err);
    column->type = field->target->state->key->type;
    cz_status status =
        check_tagged(model, field, column->type, "default_", &field->options.default_, err);
    if (!status)
        status = check_default_text(model, column, err);
    if (status)
        return status;
    return add_referrer(field->target, model, column, err);
}

cz_status cz__path_resolve(const cz_model *model, cz_str path, const cz__column **out,
                           cz_error *err)
{
    if (!path.len)
        return cz_error_set(err, CZ_EINVAL, "an empty path into %s", model->name);
    for (cz_str rest = path;;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        const cz__column *column = cz__column_find(model, part);
        if (!column)
            return cz_error_set(err, CZ_EINVAL, "%s has no field \"%.*s\"", model->name,
                                CZ_STR_ARG(part));
        if (arrow == SIZE_MAX) {
            *out = column;
            return CZ_OK;
        }
        if (!column->field->target)
            return cz_error_set(err, CZ_EINVAL, "%s.%s is no relation", model->name,
                                column->field->name);
        model = column->field->target;
        rest = cz_str_tail(rest, arrow + 2);
    }
}

bool cz__path_is_many(const cz_model *model, cz_str path)
{
    for (cz_str rest = path; rest.len;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        const cz__column *column = cz__column_find(
            model, cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow)));
        if (!column || column->many)
            return column != NULL;
        if (arrow == SIZE_MAX || !column->field->target)
            return false;
        model = column->field->target;
        rest = cz_str_tail(rest, arrow + 2);
    }
    return false;
}

static cz_status find_database(cz_model *model, cz_error *err)
{
    const char *alias = model->meta.database;
    char names[256];
    model->state->database = alias ? cz__database_find(alias) : NULL;
    if (!alias || model->state->database)
        return CZ_OK;
    cz__database_names(names, sizeof names);
    return cz_error_set(err, CZ_EVALIDATION,
                        "%s: .database: the project declares no \"%s\"; there are %s", model->name,
                        alias, names);
}

static const cz__database *database_of(const cz_model *model)
{
    return model->state->database ? model->state->database : cz__databases;
}

/* No statement can join them, and no database would hold the rows to it. */
static cz_status check_same_database(const cz_model *model, const cz__column *column, cz_error *err)
{
    const cz_model *target = column->field->target;
    const cz__column *key = column->via ? column->via : column;
    if (column->through && database_of(model) != database_of(column->through))
        return refuse(err, model, column->field, "its .through is in another database");
    if (!target || database_of(model) == database_of(target))
        return CZ_OK;
    if (key->field->options.unconstrained) {
        cz_on_delete rule = key->field->options.on_delete;
        return rule == CZ_CASCADE || rule == CZ_SET_NULL || rule == CZ_DO_NOTHING
                   ? CZ_OK
                   : refuse(err, model, column->field,
                            "a reference into another database follows a deletion there: on_delete "
                            "is CZ_CASCADE, CZ_SET_NULL or CZ_DO_NOTHING");
    }
    return cz_error_set(err, CZ_EVALIDATION,
                        "%s.%s: %s is in the database \"%s\" and %s in \"%s\": a relation cannot "
                        "lead from one to the other, but a reference; or keep the key in a %s",
                        model->name, column->field->name, model->name, database_of(model)->alias,
                        target->name, database_of(target)->alias,
                        CZ__DB_KIND(target->state->key->type) == CZ__DB_UUID ? "uuid_field"
                                                                             : "big_int_field");
}

static cz_status resolve_databases(cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < model_count && !status; i++)
        status = find_database(models[i], err);
    for (size_t i = 0; i < model_count && !status; i++)
        for (uint16_t f = 0; f < models[i]->state->column_count && !status; f++)
            status = check_same_database(models[i], &models[i]->state->columns[f], err);
    return status;
}

static cz_status resolve_columns(cz_model *model, bool reverse_sides, cz_error *err)
{
    cz_status status = CZ_OK;
    for (uint16_t f = 0; f < model->state->column_count && !model->proxy_of && !status; f++)
        status = resolve_column(model, &model->state->columns[f], reverse_sides, err);
    return status;
}

cz_status cz__models_resolve(cz_error *err)
{
    cz_status joined = cz__proxies_join(err);
    if (joined)
        return joined;
    for (int reverse_sides = 0; reverse_sides < 2; reverse_sides++)
        for (size_t i = 0; i < model_count; i++) {
            cz_status status = resolve_columns(models[i], reverse_sides, err);
            if (status)
                return status;
        }
    cz__proxies_know_referrers();
    for (size_t i = 0; i < model_count; i++) {
        cz_status status = cz__meta_check(models[i], err);
        if (!status)
            status = cz__natural_key_check(models[i], err);
        if (!status)
            status = cz__model_permissions_check(models[i], err);
        if (status)
            return status;
    }
    return resolve_databases(err);
}
