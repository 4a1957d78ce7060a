/* Rows of models as they were.
 *
 * A model of the past is made like one of the project's, field by field, but at run time and without a
 * struct: its rows have a place for each field and are read and written by the ORM's own statements. Plans
 * are kept by model, so one that is made lives as long as the process. */
#include "migrations/migrations_internal.h"
#include <calzone/queries.h>

enum { BATCH_ROWS = 1000, MEMBER_BYTES = 32 };

struct cz_past_row {
    cz_row row;
};

_Static_assert(sizeof(cz_decimal) <= MEMBER_BYTES && sizeof(cz_str) <= MEMBER_BYTES,
               "the largest members fit");

static cz_arena *past; /* lives as long as the process */

static void *lasting(cz_ctx *ctx, size_t count, size_t bytes)
{
    if (!past)
        cz_check(ctx, cz_arena_create(NULL, 0, &past));
    void *memory = cz_arena_calloc(past, count ? count : 1, bytes);
    if (!memory)
        cz_raise(ctx, CZ_ENOMEM, "no memory for a model of the past");
    return memory;
}

static const char *lasting_text(cz_ctx *ctx, const char *text)
{
    return text ? memcpy(lasting(ctx, strlen(text) + 1, 1), text, strlen(text) + 1) : NULL;
}

/* ---- models ---- */

static const cz__state_model *find_model(cz_ctx *ctx, const cz_history *history, const char *name)
{
    cz_str rest = cz_str_from(name), first = cz_str_cut(&rest, '.');
    const char *app = rest.len ? cz_copy(ctx, first).ptr : history->app;
    const cz__state_model *model = cz__state_get(history->state, app, rest.len ? rest.ptr : name);
    if (!model)
        cz_raise(ctx, CZ_EVALIDATION, "there is no model %s.%s then", app,
                 rest.len ? rest.ptr : name);
    return model;
}

static void describe_field(cz_ctx *ctx, const cz__state *state, const cz_state_field *from,
                           cz_field *out)
{
    const cz__state_model *target = from->to ? cz__state_target(state, from) : NULL;
    if (from->to && (!target || !target->fields.count))
        cz_raise(ctx, CZ_EVALIDATION, "%s refers to %s, which does not exist then", from->name,
                 from->to);
    out->name = lasting_text(ctx, from->name);
    const cz_state_field *stored = target ? cz__state_key(ctx, state, target) : from;
    out->kind = cz__kind_of(stored->kind);
    if (out->kind == CZ_KIND_enum_field) /* whose texts are then unknown: the text itself */
        out->kind = CZ_KIND_char_field;
    out->options = (cz_field_options){ .max_length = from->max_length,
                                       .digits = from->digits,
                                       .places = from->places,
                                       .null = from->null,
                                       .default_ = from->default_,
                                       .db_default = from->db_default,
                                       .auto_now = from->auto_now,
                                       .auto_now_add = from->auto_now_add,
                                       .django = stored->django };
    out->options.default_.text = lasting_text(ctx, from->default_.text);
    out->options.db_default.text = lasting_text(ctx, from->db_default.text);
    out->options.column = lasting_text(ctx, cz__state_column(ctx, from));
}

static void add_column(cz_ctx *ctx, cz_model *model, uint16_t at, size_t offset)
{
    struct cz__model_state *state = model->state;
    const cz_field *field = &model->fields[at];
    cz__column *column = &state->columns[at];
    *column = (cz__column){ .field = field,
                            .ordinal = at,
                            .offset = (uint16_t)offset,
                            .slot = UINT16_MAX,
                            .stored = true,
                            .null = field->options.null,
                            .type = cz__field_type(field),
                            .position = at,
                            .max_length = field->options.max_length,
                            .name = field->options.column,
                            .attribute = cz_str_from(field->name) };
    state->sealed |= (column->type & CZ__DB_SEALED) != 0;
    state->db_defaults |= field->options.db_default.kind != CZ__TAG_NONE;
    cz_check(ctx, cz_map_set(&state->by_name, column->attribute, column));
}

static cz_model *make_model(cz_ctx *ctx, const cz__state *all, const cz__state_model *from)
{
    cz_model *model = lasting(ctx, 1, sizeof *model);
    struct cz__model_state *state = lasting(ctx, 1, sizeof *state);
    cz_field *fields = lasting(ctx, from->fields.count, sizeof *fields);
    uint16_t count = 0;
    for (size_t i = 0; i < from->fields.count && count < UINT16_MAX; i++)
        if (cz__kind_is_stored(from->fields.items[i].kind))
            describe_field(ctx, all, &from->fields.items[i], &fields[count++]);
    size_t head = sizeof(cz_row) + 3 * CZ__BIT_WORDS((size_t)count) * sizeof(uint64_t);
    head = (head + MEMBER_BYTES - 1) / MEMBER_BYTES * MEMBER_BYTES;
    model->row_bytes = head + (size_t)count * MEMBER_BYTES;
    if (model->row_bytes > UINT16_MAX)
        cz_raise(ctx, CZ_ETOOBIG, "%s.%s has too many fields", from->app, from->name);
    model->name = lasting_text(ctx, from->name);
    model->fields = fields;
    model->field_count = count;
    model->state = state;
    state->model = model;
    state->app = lasting_text(ctx, from->app);
    state->table = lasting_text(ctx, cz__state_table(ctx, from));
    state->lower_name = lasting_text(ctx, cz__lower(ctx, from->name));
    state->label =
        lasting_text(ctx, cz_format(ctx, "%s.%s", from->app, cz__lower(ctx, from->name)).ptr);
    state->columns = lasting(ctx, count, sizeof *state->columns);
    state->column_count = state->stored_count = count;
    cz_map_init(&state->by_name, past);
    for (uint16_t i = 0; i < count; i++)
        add_column(ctx, model, i, head + (size_t)i * MEMBER_BYTES);
    state->key = &state->columns[0];
    return model;
}

static const cz__column *column_of(cz_ctx *ctx, const cz_past_row *row, const char *field)
{
    const cz__column *column = cz__column_find(row->row.model, cz_str_from(field));
    if (!column)
        cz_raise(ctx, CZ_EVALIDATION, "%s has no field \"%s\" with a column then",
                 row->row.model->state->label, field);
    return column;
}

/* ---- rows ---- */

static struct cz__rows next_batch(cz_ctx *ctx, cz_model *model, const cz_row *last)
{
    const cz__column *key = model->state->key;
    cz_order order = { .path = key->attribute };
    cz_query query = { .model = model, .order_by = { &order, 1 }, .limit = BATCH_ROWS };
    if (last) {
        struct cz__cond *after = cz_new(ctx, struct cz__cond);
        *after = *cz__cond_key(ctx, last);
        after->lookup = CZ_LOOKUP_GT;
        query.where = after;
    }
    return cz__select(ctx, &query);
}

size_t cz_past_each(cz_ctx *ctx, const cz_history *history, const char *model,
                    void (*each)(cz_ctx *ctx, cz_past_row *row, void *arg), void *arg)
{
    cz_model *past_model = make_model(ctx, history->state, find_model(ctx, history, model));
    size_t seen = 0;
    const cz_row *last = NULL;
    for (;;) {
        struct cz__rows rows = next_batch(ctx, past_model, last);
        for (size_t i = 0; i < rows.count; i++) {
            cz_past_row *row =
                (cz_past_row *)(void *)((char *)rows.items + i * past_model->row_bytes);
            each(ctx, row, arg);
            if (cz__row_bit(&row->row, CZ__BITS_LOADED, 0))
                cz__save(ctx, &row->row); /* nothing, when nothing was set */
            last = &row->row;
        }
        seen += rows.count;
        if (rows.count < BATCH_ROWS)
            return seen;
    }
}

cz_past_row *cz_past_new(cz_ctx *ctx, const cz_history *history, const char *model)
{
    return cz__row_new(ctx, make_model(ctx, history->state, find_model(ctx, history, model)));
}

void cz_past_save(cz_ctx *ctx, cz_past_row *row)
{
    cz__save(ctx, &row->row);
}

void cz_past_delete(cz_ctx *ctx, cz_past_row *row)
{
    cz__remove(ctx, &row->row);
    cz__row_bit_set(&row->row, CZ__BITS_LOADED, 0, false);
}

bool cz_past_is_null(cz_ctx *ctx, const cz_past_row *row, const char *field)
{
    return cz__row_bit(&row->row, CZ__BITS_NULL, column_of(ctx, row, field)->ordinal);
}

const void *cz_past_value(cz_ctx *ctx, const cz_past_row *row, const char *field)
{
    const cz__column *column = column_of(ctx, row, field);
    bool null = cz__row_bit(&row->row, CZ__BITS_NULL, column->ordinal);
    return null ? NULL : cz__row_at(&row->row, column);
}

cz_str cz_past_text(cz_ctx *ctx, const cz_past_row *row, const char *field)
{
    if (!cz__kind_is_text(CZ__DB_KIND(column_of(ctx, row, field)->type)))
        cz_raise(ctx, CZ_EVALIDATION, "%s is no text", field);
    const cz_str *text = cz_past_value(ctx, row, field);
    return text ? *text : (cz_str){ 0 };
}

int64_t cz_past_int(cz_ctx *ctx, const cz_past_row *row, const char *field)
{
    const void *value = cz_past_value(ctx, row, field);
    if (!value)
        return 0;
    switch (CZ__DB_KIND(column_of(ctx, row, field)->type)) {
    case CZ__DB_INT16:
        return *(const int16_t *)value;
    case CZ__DB_INT32:
        return *(const int32_t *)value;
    case CZ__DB_INT64:
        return *(const int64_t *)value;
    case CZ__DB_BOOL:
        return *(const bool *)value;
    default:
        cz_raise(ctx, CZ_EVALIDATION, "%s is no whole number", field);
    }
}

static size_t bytes_of(cz__db_kind kind)
{
    static const size_t bytes[CZ__DB_TYPE_COUNT] = {
        [CZ__DB_INT16] = sizeof(int16_t),        [CZ__DB_INT32] = sizeof(int32_t),
        [CZ__DB_INT64] = sizeof(int64_t),        [CZ__DB_BOOL] = sizeof(bool),
        [CZ__DB_REAL] = sizeof(double),          [CZ__DB_DATE] = sizeof(cz_date),
        [CZ__DB_DATETIME] = sizeof(cz_datetime), [CZ__DB_UUID] = sizeof(cz_uuid),
        [CZ__DB_DECIMAL] = sizeof(cz_decimal),   [CZ__DB_TIME] = sizeof(cz_time),
        [CZ__DB_DURATION] = sizeof(cz_duration),
    };
    return bytes[kind] ? bytes[kind] : sizeof(cz_str); /* text, documents, bytes and lists */
}

void cz_past_set(cz_ctx *ctx, cz_past_row *row, const char *field, const void *value)
{
    const cz__column *column = column_of(ctx, row, field);
    if (value)
        memcpy(cz__row_at(&row->row, column), value, bytes_of(CZ__DB_KIND(column->type)));
    cz__row_mark(&row->row, column, !value);
}

void cz_past_set_text(cz_ctx *ctx, cz_past_row *row, const char *field, cz_str text)
{
    const cz__column *column = column_of(ctx, row, field);
    cz_error err;
    cz_str copy = cz_copy(ctx, text);
    if (cz__value_from_text(column, copy, cz__row_at(&row->row, column), &err))
        cz_raise(ctx, CZ_EVALIDATION, "%s: %s", field, cz_error_message(&err));
    cz__row_mark(&row->row, column, false);
}

void cz_past_set_int(cz_ctx *ctx, cz_past_row *row, const char *field, int64_t value)
{
    char text[24];
    cz__db_kind kind = CZ__DB_KIND(column_of(ctx, row, field)->type);
    if (kind == CZ__DB_BOOL)
        cz_past_set_text(ctx, row, field, value ? CZ_STR("true") : CZ_STR("false"));
    else
        cz_past_set_text(ctx, row, field, cz_str_of(text, cz_i64_write(text, value)));
}
