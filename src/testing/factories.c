/* Rows for tests: which fields are filled, and with what. */
#include <calzone/factories.h>
#include <calzone/transactions.h>
#include "orm/orm.h"
#include "orm/validation.h"
#include "testing/testing_internal.h"
#include <inttypes.h>

enum { DEPTH_MAX = 16, TRIES_MAX = 1000, MODELS_MAX = 1024 };

static cz__factory *factories;
static struct {
    const cz_model *model;
    uint64_t made;
} counts[MODELS_MAX];

void cz__factory_register(cz__factory *factory)
{
    factory->next = factories;
    factories = factory;
}

static cz_fake_fn own_function(const cz_model *model, const cz__column *column)
{
    for (const cz__factory *f = factories; f; f = f->next)
        for (size_t i = 0; f->model == model && i < f->count; i++)
            if (f->fields[i].field == column->ordinal)
                return f->fields[i].fn;
    return NULL;
}

static uint64_t next_number(cz_ctx *ctx, const cz_model *model)
{
    size_t i = 0;
    while (i < MODELS_MAX && counts[i].model && counts[i].model != model)
        i++;
    if (i == MODELS_MAX)
        cz_raise(ctx, CZ_ETOOBIG, "factories of more than %d models", MODELS_MAX);
    counts[i].model = model;
    return ++counts[i].made;
}

/* ---- text ---- */

static cz_fake_fn text_function(const cz_field *field)
{
    static const struct {
        const char *end; /* of the field's name */
        cz_fake_fn fn;
    } names[] = {
        { "email", cz_fake_email },
        { "first_name", cz_fake_first_name },
        { "last_name", cz_fake_last_name },
        { "surname", cz_fake_last_name },
        { "name", cz_fake_name },
        { "author", cz_fake_name },
        { "city", cz_fake_city },
        { "place", cz_fake_city },
        { "description", cz_fake_sentence },
        { "summary", cz_fake_sentence },
        { "comment", cz_fake_sentence },
    };
    if (field->kind == CZ_KIND_email_field)
        return cz_fake_email;
    if (field->kind == CZ_KIND_text_field)
        return cz_fake_paragraph;
    for (size_t i = 0; field->kind == CZ_KIND_char_field && i < CZ_COUNT(names); i++)
        if (cz_str_ends_with(cz_str_from(field->name), cz_str_from(names[i].end)))
            return names[i].fn;
    return cz_fake_words;
}

/* `text` with the number behind it, within the length; of a short field the number alone. */
static cz_str numbered(const cz_fake *fake, cz_str text, const char *between)
{
    cz_str number = cz_format(fake->ctx, "%s%" PRIu64, between, fake->number);
    if (!fake->max_length || text.len + number.len <= fake->max_length)
        return cz_format(fake->ctx, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(number));
    if (fake->max_length > number.len + 3)
        return cz_format(fake->ctx, "%.*s%.*s",
                         CZ_STR_ARG(cz_str_head(text, fake->max_length - number.len)),
                         CZ_STR_ARG(number));
    return cz_format(fake->ctx, "%" PRIu64, fake->number);
}

/* At least as long as the field wants it. */
static cz_str lengthened(const cz_fake *fake, cz_str text)
{
    cz_str longer = text;
    while (longer.len < fake->field->options.min_length)
        longer = cz_format(fake->ctx, "%.*s %.*s", CZ_STR_ARG(longer), CZ_STR_ARG(text));
    return longer.len == text.len || !fake->max_length ? longer
                                                       : cz_str_head(longer, fake->max_length);
}

static cz_str as_slug(const cz_fake *fake, cz_str text)
{
    text = cz_copy(fake->ctx, text);
    for (size_t i = 0; i < text.len; i++) {
        char *c = (char *)(uintptr_t)&text.ptr[i];
        *c = *c == ' ' ? '-' : (char)(*c | ' ');
    }
    return text;
}

static void fill_text(const cz_fake *fake, cz_str *out)
{
    const cz_field *field = fake->field;
    const cz_choice_list *choices = &field->options.choices;
    if (choices->count) {
        uint64_t at = field->options.unique ? fake->number - 1 : cz_fake_u64();
        *out = cz_str_from(choices->items[at % choices->count].value);
        return;
    }
    if (field->options.regex && field->options.example) { /* which nobody here could think of */
        *out = cz_str_from(field->options.example);
        return;
    }
    text_function(field)(fake, out);
    cz_str slug = as_slug(fake, *out);
    if (field->kind == CZ_KIND_char_field || field->kind == CZ_KIND_text_field)
        *out = lengthened(fake, *out);
    if (field->kind == CZ_KIND_slug_field)
        *out = numbered(fake, slug, "-");
    else if (field->kind == CZ_KIND_url_field)
        *out = cz_format(fake->ctx, "https://example.com/%" PRIu64, fake->number);
    else if (field->options.unique && field->kind != CZ_KIND_email_field)
        *out = numbered(fake, *out, " ");
}

/* ---- numbers ---- */

static double bound_of(const cz_tagged *bound, double fallback)
{
    return bound->kind == CZ__TAG_REAL  ? bound->real
           : bound->kind == CZ__TAG_INT ? (double)bound->integer
                                        : fallback;
}

/* Whole numbers from `low` to `high`; where nothing is said, 1 to 1000. */
static int64_t fake_integer(const cz_fake *fake, int64_t low, int64_t high)
{
    const cz_field_options *options = &fake->field->options;
    bool has_low = options->min.kind != CZ__TAG_NONE, has_high = options->max.kind != CZ__TAG_NONE;
    double min = bound_of(&options->min, 1), max = bound_of(&options->max, 1000);
    if (has_low && !has_high)
        max = min + 1000;
    if (has_high && !has_low && min > max)
        min = max - 1000;
    int64_t from = min <= (double)low ? low : (int64_t)min,
            to = max >= (double)high ? high : (int64_t)max;
    from += (double)from < min && from < to; /* a bound between two whole numbers */
    if (options->unique) {
        bool open = !has_high && (!has_low || max < (double)high);
        uint64_t span = open ? (uint64_t)high - (uint64_t)from : (uint64_t)to - (uint64_t)from + 1;
        return (int64_t)((uint64_t)from + (fake->number - 1) % (span ? span : 1));
    }
    return cz_fake_between(from, to);
}

static double fake_real(const cz_fake *fake)
{
    const cz_field_options *options = &fake->field->options;
    double min = bound_of(&options->min, options->max.kind && bound_of(&options->max, 0) < 0
                                             ? bound_of(&options->max, 0) - 1000
                                             : 0);
    double max = bound_of(&options->max, min + 1000);
    return min + (max - min) * ((double)(cz_fake_u64() >> 11) / 9007199254740992.0);
}

static cz_decimal fake_decimal(const cz_fake *fake)
{
    const cz_field_options *options = &fake->field->options;
    int64_t scale = 1, most = 1;
    for (int i = 0; i < options->places && i < 17; i++)
        scale *= 10;
    for (int i = 0; i < options->digits && i < 18; i++)
        most *= 10;
    most -= 1;
    double low = bound_of(&options->min, 0) * (double)scale,
           high = bound_of(&options->max, bound_of(&options->min, 0) + 1000) * (double)scale;
    int64_t from = low < -(double)most ? -most : (int64_t)low;
    int64_t to = high > (double)most ? most : (int64_t)high;
    int64_t units = options->unique ? from + (int64_t)(fake->number % (uint64_t)(to - from + 1))
                                    : cz_fake_between(from, to);
    return cz_decimal_of(units, options->places < 17 ? options->places : 17);
}

/* ---- one value ---- */

static cz_uuid fake_uuid(void)
{
    cz_uuid uuid;
    for (size_t i = 0; i < sizeof uuid.bytes; i++)
        uuid.bytes[i] = (uint8_t)cz_fake_u64();
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40); /* version 4 */
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

static void fill_lists(const cz_fake *fake, cz__db_kind kind, void *out)
{
    enum { COUNT = 3 };
    if (kind == CZ__DB_INT_LIST) {
        int64_t *items = cz_array(fake->ctx, int64_t, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            items[i] = cz_fake_between(1, 1000);
        *(cz_int_list *)out = (cz_int_list){ items, COUNT };
        return;
    }
    cz_str *items = cz_array(fake->ctx, cz_str, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        cz_fake_words(&(const cz_fake){ .ctx = fake->ctx, .field = fake->field }, &items[i]);
    *(cz_str_list *)out = (cz_str_list){ items, COUNT };
}

static void fill_value(const cz_fake *fake, const cz__column *column, void *out)
{
    const int64_t day_us = INT64_C(86400000000), from_day = 18262; /* 2020-01-01 */
    cz_str text;
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT:
        if (column->type & CZ__DB_CHOSEN)
            *(int *)out = (int)(cz_fake_u64() % cz__choices_of(column->type)->count);
        else
            fill_text(fake, out);
        break;
    case CZ__DB_INT16:
        *(int16_t *)out = (int16_t)fake_integer(fake, INT16_MIN, INT16_MAX);
        break;
    case CZ__DB_INT32:
        *(int32_t *)out = (int32_t)fake_integer(fake, INT32_MIN, INT32_MAX);
        break;
    case CZ__DB_INT64:
        *(int64_t *)out = fake_integer(fake, INT64_MIN / 2, INT64_MAX / 2);
        break;
    case CZ__DB_BOOL:
        *(bool *)out = cz_fake_u64() & 1;
        break;
    case CZ__DB_REAL:
        *(double *)out = fake_real(fake);
        break;
    case CZ__DB_DATE:
        *(cz_date *)out = (cz_date){ (int32_t)(from_day + cz_fake_between(0, 3650)) };
        break;
    case CZ__DB_DATETIME:
        *(cz_datetime *)out =
            (cz_datetime){ from_day * day_us + cz_fake_between(0, 315360000) * 1000000 };
        break;
    case CZ__DB_TIME:
        *(cz_time *)out = (cz_time){ cz_fake_between(0, 86399) * 1000000 };
        break;
    case CZ__DB_DURATION:
        *(cz_duration *)out = (cz_duration){ cz_fake_between(1, 86400) * 1000000 };
        break;
    case CZ__DB_UUID:
        *(cz_uuid *)out = fake_uuid();
        break;
    case CZ__DB_DECIMAL:
        *(cz_decimal *)out = fake_decimal(fake);
        break;
    case CZ__DB_JSON:
        *(cz_str *)out = cz_format(fake->ctx, "{\"number\": %" PRIu64 "}", fake->number);
        break;
    case CZ__DB_IP: /* the addresses of documents, RFC 3849 */
        *(cz_str *)out = cz_format(fake->ctx, "2001:db8::%" PRIx64, fake->number & 0xffff);
        break;
    case CZ__DB_BINARY:
        text = cz_format(fake->ctx, "%016" PRIx64, cz_fake_u64());
        *(cz_bytes *)out = (cz_bytes){ text.ptr, text.len };
        break;
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
        fill_lists(fake, CZ__DB_KIND(column->type), out);
        break;
    case CZ__DB_UUID_LIST:
    case CZ__DB_TYPE_COUNT:
        break; /* no field stores them */
    }
}

static bool is_accepted(cz_ctx *ctx, const cz_row *row, const cz__column *column)
{
    const cz_field_options *options = &column->field->options;
    const void *at = cz__row_at(row, column);
    cz_field_errors errors;
    cz_field_errors_init(&errors);
    cz__check_value(ctx, row, column, cz_str_from(column->field->name), &errors);
    if (errors.count)
        return false;
    if (!options->unique)
        return true;
    cz_query query = { .model = row->model,
                       .where = cz__cond_column(ctx, row->model, column, at),
                       .unordered = true };
    return !cz__exists(ctx, &query);
}

/* ---- one row ---- */

static cz_row *make_row(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns,
                        size_t count, unsigned depth);

/* `depth`: of rows made for the foreign keys of rows. */
static void fill_key(cz_ctx *ctx, cz_row *row, const cz__column *column, unsigned depth)
{
    cz_model *target = column->field->target;
    if (depth == DEPTH_MAX)
        cz_raise(ctx, CZ_EINVAL, "%s.%s needs a row that needs another, and so on: give it",
                 row->model->name, column->field->name);
    const cz_row *other = make_row(ctx, target, NULL, 0, depth + 1);
    const void *key = cz__row_at(other, target->state->key);
    if (CZ__DB_KIND(column->type) == CZ__DB_UUID)
        *(cz_uuid *)cz__row_at(row, column) = *(const cz_uuid *)key;
    else
        *(int64_t *)cz__row_at(row, column) = *(const int64_t *)key;
    cz__row_mark(row, column, false);
}

static void fill_column(cz_ctx *ctx, cz_row *row, const cz__column *column, cz_fake_fn fn,
                        uint64_t number)
{
    cz_fake fake = { ctx, column->field, column->max_length, number };
    for (int tries = 0; tries < TRIES_MAX; tries++, fake.number++) {
        if (fn)
            fn(&fake, cz__row_at(row, column));
        else
            fill_value(&fake, column, cz__row_at(row, column));
        if (is_accepted(ctx, row, column)) {
            cz__row_mark(row, column, false);
            return;
        }
    }
    cz_raise(ctx, CZ_EINVAL,
             "no value was found for %s.%s that its rules take and no row has; give it, an "
             ".example of its .regex, or a "
             "function in CZ_FACTORY(%s, ...)",
             row->model->name, column->field->name, row->model->name);
}

/* Left as cz_row_new() makes it. */
static bool has_default(const cz__column *column)
{
    const cz_field_options *options = &column->field->options;
    if (cz__column_fills_itself(column) || column->null)
        return true;
    return options->blank && !options->unique && CZ__DB_KIND(column->type) == CZ__DB_TEXT;
}

static cz_row *make_row(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns,
                        size_t count, unsigned depth)
{
    cz_row *row = cz__row_new(ctx, model);
    uint64_t number = next_number(ctx, model);
    bool *given = cz_alloc_zero(ctx, model->field_count, sizeof *given);
    for (size_t i = 0; i < count; i++) {
        cz__row_assign(ctx, row, &assigns[i]);
        given[assigns[i].field] = true;
    }
    for (uint16_t i = 1; i < model->state->column_count; i++) {
        const cz__column *column = &model->state->columns[i];
        cz_fake_fn fn = own_function(model, column);
        if (!column->stored || given[i] || (!fn && has_default(column)))
            continue;
        if (column->relation && !fn)
            fill_key(ctx, row, column, depth);
        else
            fill_column(ctx, row, column, fn, number);
    }
    cz__save(ctx, row);
    return row;
}

void *cz__make(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns, size_t count)
{
    return make_row(ctx, model, assigns, count, 0);
}

struct many {
    cz_model *model;
    const struct cz__assign *assigns;
    size_t rows, count;
    char *items;
};

static void make_all(cz_ctx *ctx, void *arg)
{
    const struct many *many = arg;
    for (size_t i = 0; i < many->rows; i++)
        memcpy(many->items + i * many->model->row_bytes,
               cz__make(ctx, many->model, many->assigns, many->count), many->model->row_bytes);
}

void *cz__make_many(cz_ctx *ctx, cz_model *model, size_t rows, const struct cz__assign *assigns,
                    size_t count)
{
    struct many many = { model, assigns, rows, count, NULL };
    many.items = cz_alloc_zero(ctx, rows ? rows : 1, model->row_bytes);
    cz_atomic(ctx, make_all, &many);
    return many.items;
}
