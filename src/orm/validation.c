#include "orm/validation.h"
#include "base/regex.h"
#include "orm/formats.h"
#include "orm/orm_internal.h"
#include <calzone/html.h>
#include <calzone/json.h>
#include <calzone/log.h>
#include <calzone/validation.h>

bool cz__has_error(const cz_field_errors *errors, cz_str name)
{
    for (const cz_field_error *e = errors->first; e; e = e->next)
        if (cz_str_eq(e->field, name))
            return true;
    return false;
}

/* ---- values ---- */

/* What a message repeats of the input: at most so many bytes, cut between characters. */
static cz_str quoted(cz_str text, size_t bytes_max)
{
    cz_str head = cz_str_head(text, bytes_max);
    while (head.len && head.len < text.len && ((unsigned char)text.ptr[head.len] & 0xc0) == 0x80)
        head.len--;
    return head;
}

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

static const char *regex_error(cz_ctx *ctx, const cz__column *column, cz_str text)
{
    const char *message = column->field->options.regex_message;
    bool found = false;
    cz_error err;
    if (!column->regex)
        return NULL;
    if (text.len <= CZ_REGEX_TEXT_MAX && cz__regex_search(column->regex, text, &found, &err))
        cz_log_warning(ctx, "orm", "a .regex takes too long for what came; it was refused",
                       CZ_FIELD_STR("field", cz_str_from(column->field->name)),
                       CZ_FIELD_STR("error", cz_str_from(cz_error_message(&err))));
    if (found)
        return NULL;
    return message ? message : "This value does not match the required pattern.";
}

/* What is wrong with a text, as its kind, its pattern and its validator have it. */
static const char *text_error(cz_ctx *ctx, const cz__column *column, cz_str text)
{
    cz_validator validator = column->field->options.validator;
    const char *wrong = format_error(column->field->kind, text);
    if (!wrong)
        wrong = regex_error(ctx, column, text);
    return wrong || !validator ? wrong : validator(text, 0);
}

static bool is_choice(const cz_choice_list *choices, cz_str text)
{
    for (size_t i = 0; i < choices->count; i++)
        if (cz_str_eq(text, cz_str_from(choices->items[i].value)))
            return true;
    return choices->count == 0;
}

void cz__not_there(cz_ctx *ctx, cz_str name, cz_str text, cz_field_errors *errors)
{
    cz_field_errors_add(ctx, errors, name, "does_not_exist",
                        "Invalid pk \"%.*s\" - object does not exist.",
                        CZ_STR_ARG(quoted(text, 60)));
}

bool cz__check_text(cz_ctx *ctx, const cz__column *column, cz_str name, cz_str text,
                    cz_field_errors *errors)
{
    const cz_field_options *options = &column->field->options;
    if (!text.len && (options->blank || !options->choices.count)) {
        if (!options->blank)
            cz_field_errors_add(ctx, errors, name, "blank", "This field may not be blank.");
    } else if (!is_choice(&options->choices, text)) {
        cz_field_errors_add(ctx, errors, name, "invalid_choice", "\"%.*s\" is not a valid choice.",
                            CZ_STR_ARG(quoted(text, 100)));
        return false;
    } else {
        const char *wrong = text_error(ctx, column, text);
        if (wrong)
            cz_field_errors_add(ctx, errors, name, "invalid", "%s", wrong);
    }
    if (text.len && options->min_length && cz_str_utf8_length(text) < options->min_length)
        cz_field_errors_add(ctx, errors, name, "min_length",
                            "Ensure this field has at least %u characters.", options->min_length);
    if (column->max_length && text.len > column->max_length &&
        cz_str_utf8_length(text) > column->max_length)
        cz_field_errors_add(ctx, errors, name, "max_length",
                            "Ensure this field has no more than %u characters.",
                            column->max_length);
    return true;
}

void cz__out_of_range(cz_ctx *ctx, cz_str name, bool above, cz_str bound, cz_field_errors *errors)
{
    cz_field_errors_add(ctx, errors, name, above ? "max_value" : "min_value",
                        "Ensure this value is %s than or equal to %.*s.",
                        above ? "less" : "greater", CZ_STR_ARG(bound));
}

void cz__check_number(cz_ctx *ctx, const cz__column *column, cz_str name, double value,
                      cz_field_errors *errors)
{
    const cz_field_options *options = &column->field->options;
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
        cz__out_of_range(ctx, name, bounds[i].upper, cz_str_of(text, len), errors);
    }
    const char *wrong = options->validator ? options->validator(CZ_STR(""), value) : NULL;
    if (wrong)
        cz_field_errors_add(ctx, errors, name, "invalid", "%s", wrong);
}

/* ---- other rows ---- */

/* Whether another of the manager's rows matches `conds`, which has room for one more. */
static bool taken(cz_ctx *ctx, const cz_row *row, cz_cond *conds, size_t count, bool existing,
                  const cz_manager *manager)
{
    if (existing)
        conds[count++] = cz__cond_not(ctx, cz__cond_key(ctx, row));
    cz_query query = { .model = row->model,
                       .where = cz_cond_all(ctx, conds, count),
                       .unordered = true,
                       .manager = manager,
                       .database = cz__alias_of(ctx, row->model, row, NULL, false) };
    return cz__exists(ctx, &query);
}

static bool known(const cz_row *row, const cz__column *column)
{
    return cz__row_bit(row, CZ__BITS_LOADED, column->ordinal);
}

static bool is_null(const cz_row *row, const cz__column *column)
{
    return cz__row_bit(row, CZ__BITS_NULL, column->ordinal);
}

static bool was_set(const cz_row *row, const cz__column *column)
{
    return cz__row_bit(row, CZ__BITS_DIRTY, column->ordinal);
}

/* Something is wrong with the value itself; that others have it hides no other rule. */
static bool is_wrong(const cz_field_errors *errors, const cz__column *column)
{
    for (const cz_field_error *e = errors->first; e; e = e->next)
        if (cz_str_eq(e->field, cz_str_from(column->field->name)) && strcmp(e->code, "unique") != 0)
            return true;
    return false;
}

/* Whether a condition can be asked about the row, or without one whether it need not be: all that it names is known
 * and right. `*out_set`: some of it was set. */
static bool can_be_asked(const cz_row *row, const char *condition, const cz_field_errors *errors,
                         bool *out_set)
{
    const struct cz__model_state *state = row->model->state;
    for (uint16_t i = 0; condition && i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        if (!column->stored || !cz__sql_names(condition, column->name))
            continue;
        if (!known(row, column) || is_wrong(errors, column))
            return false;
        *out_set = *out_set || was_set(row, column);
    }
    return true;
}

/* Whether another row is equal in the fields of a rule, of those that fulfil its condition. What a stored row has not
 * been given anew it has by the database's leave; NULL equals nothing. */
static bool breaks_unique(cz_ctx *ctx, const cz_row *row, const cz_constraint *rule, bool existing,
                          const cz_field_errors *errors)
{
    cz_cond *conds = cz_array(ctx, cz_cond, rule->unique.count + 1);
    bool set = !existing;
    for (size_t i = 0; i < rule->unique.count; i++) {
        const cz__column *column = cz__column_find(row->model, rule->unique.items[i]);
        if (is_null(row, column) || !known(row, column) || is_wrong(errors, column))
            return false;
        set = set || was_set(row, column);
        conds[i] = cz__cond_column(ctx, row->model, column, cz__row_at(row, column));
    }
    if (!can_be_asked(row, rule->condition, errors, &set) || !set)
        return false;
    return rule->condition ? cz__constraint_broken(ctx, row, rule, existing)
                           : taken(ctx, row, conds, rule->unique.count, existing, &cz_base_manager);
}

/* The model's constraints; of a proxy its table's. */
static const cz_constraint_list *constraints_of(const cz_row *row)
{
    return &row->model->state->concrete->meta.constraints;
}

static bool is_taken_alone(cz_ctx *ctx, const cz_row *row, const cz__column *column, bool existing,
                           const cz_field_errors *errors)
{
    const cz_constraint_list *constraints = constraints_of(row);
    const cz_str name = cz_str_from(column->field->name);
    const cz_constraint own = { .unique = { &name, 1 } };
    bool unique = column->field->options.unique || column->field->kind == CZ_KIND_one_to_one ||
                  column == row->model->state->key;
    if (unique && was_set(row, column) && breaks_unique(ctx, row, &own, existing, errors))
        return true;
    for (size_t i = 0; i < constraints->count; i++) {
        const cz_constraint *rule = &constraints->items[i];
        if (rule->unique.count == 1 &&
            cz__column_find(row->model, rule->unique.items[0]) == column &&
            breaks_unique(ctx, row, rule, existing, errors))
            return true;
    }
    return false;
}

void cz__check_unique(cz_ctx *ctx, const cz_row *row, const cz__column *column, cz_str name,
                      bool existing, cz_field_errors *errors)
{
    const cz_model *model = row->model;
    if (cz__has_error(errors, name) || !is_taken_alone(ctx, row, column, existing, errors))
        return;
    cz_field_errors_add(ctx, errors, name, "unique", "%s with this %s already exists.",
                        model->meta.verbose_name ? model->meta.verbose_name
                                                 : model->state->lower_name,
                        column->field->options.verbose_name ? column->field->options.verbose_name
                                                            : column->field->name);
}

/* NULL is a value here, as in Django. */
static cz_cond equals(cz_ctx *ctx, const cz_row *row, const cz__column *column)
{
    if (!is_null(row, column))
        return cz__cond_column(ctx, row->model, column, cz__row_at(row, column));
    cz_cond null = cz__cond_null(ctx->arena, row->model, column, true);
    cz_check(ctx, null ? CZ_OK : CZ_ENOMEM);
    return null;
}

static cz_cond in_month(cz_ctx *ctx, const cz_model *model, const cz__column *date, int64_t month)
{
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    struct cz__expr *exprs = cz_array(ctx, struct cz__expr, 2);
    const struct cz__expr **of = cz_new(ctx, const struct cz__expr *);
    struct cz__arg *arg = cz_new(ctx, struct cz__arg);
    int64_t *value = cz_new(ctx, int64_t);
    *of = &exprs[0];
    *arg =
        (struct cz__arg){ date->type == CZ__DB_DATE ? CZ__VALUE_EXPR_DAY : CZ__VALUE_EXPR_INSTANT,
                          of };
    *value = month;
    exprs[0] = (struct cz__expr){ .op = CZ__EXPR_FIELD, .model = model, .path = date->attribute };
    exprs[1] =
        (struct cz__expr){ .op = CZ__EXPR_CALL, .function = CZ__FN_MONTH, .args = { arg, 1 } };
    *leaf = (struct cz__cond){ .op = CZ__COND_LEAF,
                               .lookup = CZ_LOOKUP_EXACT,
                               .value_kind = CZ__VALUE_I64,
                               .model = model,
                               .expr = &exprs[1],
                               .value = value };
    return leaf;
}

/* The days or instants from the first of a period to its last. */
static cz_cond between(cz_ctx *ctx, const cz_model *model, const cz__column *date, cz_civil first,
                       cz_civil last)
{
    struct cz__cond *leaf = cz_new(ctx, struct cz__cond);
    *leaf = (struct cz__cond){
        .op = CZ__COND_LEAF, .lookup = CZ_LOOKUP_RANGE, .model = model, .path = date->attribute
    };
    if (date->type == CZ__DB_DATE) {
        cz_date *ends = cz_array(ctx, cz_date, 2);
        cz_date_list *list = cz_new(ctx, cz_date_list);
        cz_check(ctx, cz_civil_date(first.year, first.month, first.day, &ends[0]));
        cz_check(ctx, cz_civil_date(last.year, last.month, last.day, &ends[1]));
        *list = (cz_date_list){ ends, 2 };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_DATES;
    } else {
        cz_datetime *ends = cz_array(ctx, cz_datetime, 2);
        cz_datetime_list *list = cz_new(ctx, cz_datetime_list);
        cz_check(ctx, cz_civil_datetime(first, &ends[0]));
        cz_check(ctx, cz_civil_datetime(last, &ends[1]));
        *list = (cz_datetime_list){ ends, 2 };
        leaf->value = list;
        leaf->value_kind = CZ__VALUE_DATETIMES;
    }
    return leaf;
}

static cz_cond in_period(cz_ctx *ctx, const cz_row *row, const cz__column *date,
                         enum cz__period period)
{
    const void *at = cz__row_at(row, date);
    cz_civil is = date->type == CZ__DB_DATE ? cz_date_civil(*(const cz_date *)at)
                                            : cz_datetime_civil(*(const cz_datetime *)at);
    if (period == CZ__PERIOD_month)
        return in_month(ctx, row->model, date, is.month);
    bool year = period == CZ__PERIOD_year;
    cz_civil first = { .year = is.year, .month = year ? 1 : is.month, .day = year ? 1 : is.day };
    cz_civil last = { .year = is.year,
                      .month = year ? 12 : is.month,
                      .day = year ? 31 : is.day,
                      .hour = 23,
                      .minute = 59,
                      .second = 59,
                      .us = 999999 };
    return between(ctx, row->model, date, first, last);
}

void cz__check_unique_for(cz_ctx *ctx, const cz_row *row, const cz__column *column, cz_str name,
                          bool existing, bool changed_alone, cz_field_errors *errors)
{
    static const char *const names[] = {
#define X(period) #period,
        CZ__PERIOD_MAP(X)
#undef X
    };
    bool wrong = cz__has_error(errors, name);
    for (int i = 0; i < CZ__PERIODS; i++) {
        const cz__column *date = column->unique_for[i];
        if (!date || !known(row, column) || !known(row, date) || is_null(row, date) ||
            (changed_alone && !was_set(row, column) && !was_set(row, date)) || wrong ||
            cz__has_error(errors, cz_str_from(date->field->name)))
            continue;
        cz_cond conds[3] = { equals(ctx, row, column),
                             in_period(ctx, row, date, (enum cz__period)i) };
        if (taken(ctx, row, conds, 2, existing, NULL))
            cz_field_errors_add(ctx, errors, name, "unique",
                                "This field must be unique for the \"%s\" %s.", date->field->name,
                                names[i]);
    }
}

/* Add that the rule's fields "must make a unique set", if they do not. */
static void check_set(cz_ctx *ctx, const cz_row *row, const cz_constraint *rule, bool existing,
                      cz_field_errors *errors)
{
    if (!breaks_unique(ctx, row, rule, existing, errors))
        return;
    cz_str names = CZ_STR("");
    for (size_t i = 0; i < rule->unique.count; i++)
        names = cz_format(ctx, "%.*s%s%s", CZ_STR_ARG(names), i ? ", " : "",
                          cz__column_find(row->model, rule->unique.items[i])->field->name);
    cz_field_errors_add(ctx, errors, CZ_STR("non_field_errors"), "unique",
                        "The fields %.*s must make a unique set.", CZ_STR_ARG(names));
}

void cz__check_unique_together(cz_ctx *ctx, const cz_row *row, bool existing,
                               cz_field_errors *errors)
{
    const cz_constraint_list *constraints = constraints_of(row);
    const cz_constraint together = { .unique = row->model->state->concrete->meta.unique_together };
    if (together.unique.count)
        check_set(ctx, row, &together, existing, errors);
    for (size_t i = 0; i < constraints->count; i++)
        if (constraints->items[i].unique.count > 1)
            check_set(ctx, row, &constraints->items[i], existing, errors);
}

/* ---- a whole row ---- */

cz_str cz__text_as_stored(cz_ctx *ctx, const cz__column *column, cz_str text)
{
    const cz_html_rules *html = column->field->options.html;
    return html ? cz_str_trim(cz_html_clean(ctx, text, html)) : text;
}

static void clean_text(cz_ctx *ctx, cz_row *row, const cz__column *column)
{
    if (!column->field->options.html || !known(row, column) || is_null(row, column))
        return;
    cz_str *text = cz__row_at(row, column);
    cz_str cleaned = cz__text_as_stored(ctx, column, *text);
    if (cz_str_eq(*text, cleaned))
        return;
    *text = cleaned;
    cz__row_mark(row, column, false);
}

void cz__check_value(cz_ctx *ctx, const cz_row *row, const cz__column *column, cz_str name,
                     cz_field_errors *errors)
{
    const void *at = cz__row_at(row, column);
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT: {
        cz_str store;
        const cz_str *text = cz__member_text(column, at, &store);
        cz_ignore(!cz__check_text(ctx, column, name, *text, errors)); /* told */
        return;
    }
    case CZ__DB_INT16:
        cz__check_number(ctx, column, name, *(const int16_t *)at, errors);
        return;
    case CZ__DB_INT32:
        cz__check_number(ctx, column, name, *(const int32_t *)at, errors);
        return;
    case CZ__DB_INT64:
        if (!column->relation)
            cz__check_number(ctx, column, name, (double)*(const int64_t *)at, errors);
        return;
    case CZ__DB_REAL:
        cz__check_number(ctx, column, name, *(const double *)at, errors);
        return;
    case CZ__DB_DECIMAL:
        cz__check_number(ctx, column, name, cz_decimal_to_double(*(const cz_decimal *)at), errors);
        return;
    default: /* any value of the type will do */
        return;
    }
}

static void check_column(cz_ctx *ctx, const cz_row *row, const cz__column *column, bool existing,
                         cz_field_errors *errors)
{
    cz_str name = cz_str_from(column->field->name);
    bool loaded = cz__row_bit(row, CZ__BITS_LOADED, column->ordinal);
    if (!loaded && !existing && !column->null && !column->field->options.db_default.kind)
        cz_field_errors_add(ctx, errors, name, "required", "This field is required.");
    if (!loaded)
        return;
    if (!cz__row_bit(row, CZ__BITS_NULL, column->ordinal))
        cz__check_value(ctx, row, column, name, errors);
    else if (!column->null)
        cz_field_errors_add(ctx, errors, name, "null", "This field may not be null.");
}

/* That a foreign key which was set leads to a row, of all there are. */
static void check_reference(cz_ctx *ctx, const cz_row *row, const cz__column *column,
                            cz_field_errors *errors)
{
    cz_model *target = column->field->target;
    const void *key = cz__row_at(row, column);
    if (!column->relation || is_null(row, column) || !was_set(row, column))
        return;
    cz_query query = { .model = target,
                       .where = cz__cond_column(ctx, target, target->state->key, key),
                       .unordered = true,
                       .manager = &cz_base_manager,
                       .database = cz__alias_behind(ctx, row, column, NULL, false) };
    char text[CZ_UUID_TEXT];
    if (!cz__exists(ctx, &query))
        cz__not_there(ctx, cz_str_from(column->field->name), cz__key_text(target, key, text),
                      errors);
}

/* .check, and unique in .expressions: what is about no field that could be named. */
static void check_checks(cz_ctx *ctx, const cz_row *row, bool existing, cz_field_errors *errors)
{
    const cz_constraint_list *constraints = constraints_of(row);
    for (size_t i = 0; i < constraints->count; i++) {
        const cz_constraint *rule = &constraints->items[i];
        bool set = !existing;
        const char *sql = rule->check ? rule->check : rule->expressions;
        if (sql && can_be_asked(row, sql, errors, &set) &&
            can_be_asked(row, rule->condition, errors, &set) && set &&
            cz__constraint_broken(ctx, row, rule, existing))
            cz_field_errors_add(ctx, errors, CZ_STR("non_field_errors"), "invalid",
                                "Constraint “%s” is violated.", rule->name);
    }
}

void cz__full_clean(cz_ctx *ctx, cz_row *row)
{
    const struct cz__model_state *state = row->model->state;
    bool existing = cz__row_bit(row, CZ__BITS_LOADED, 0) && !cz__row_bit(row, CZ__BITS_DIRTY, 0);
    cz_field_errors errors;
    cz_field_errors_init(&errors);
    for (uint16_t i = 1; i < state->column_count; i++)
        clean_text(ctx, row, &state->columns[i]);
    for (uint16_t i = 1; i < state->column_count; i++)
        if (state->columns[i].stored)
            check_column(ctx, row, &state->columns[i], existing, &errors);
    for (uint16_t i = 1; i < state->column_count; i++)
        check_reference(ctx, row, &state->columns[i], &errors);
    if (row->model->meta.clean)
        row->model->meta.clean(ctx, row, &errors);
    for (uint16_t i = 0; i < state->column_count; i++)
        if (state->columns[i].stored)
            cz__check_unique(ctx, row, &state->columns[i],
                             cz_str_from(state->columns[i].field->name), existing, &errors);
    for (uint16_t i = 1; i < state->column_count; i++)
        cz__check_unique_for(ctx, row, &state->columns[i],
                             cz_str_from(state->columns[i].field->name), existing, false, &errors);
    cz__check_unique_together(ctx, row, existing, &errors);
    check_checks(ctx, row, existing, &errors);
    cz_field_errors_raise(ctx, &errors);
}
