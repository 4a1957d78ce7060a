/* Forms as the JSON a serializer reads. A form has text alone: what an empty or a missing field means is known by its member, as
 * in DRF's handling of HTML input. */
#include "serializers/serializers_internal.h"

struct writing {
    cz_ctx *ctx;
    cz_json_writer json;
    const cz_form *form;
    cz_field_errors errors;
    bool partial;
};

/* What a browser sends with a form that carries a token against forgery; it is no member's. */
static const char token_name[] = "csrfmiddlewaretoken";

static bool takes_list(const struct cz__serializer_field *field)
{
    if (!field->column)
        return false;
    cz__db_kind kind = CZ__DB_KIND(field->column->type);
    return field->list || (field->as == CZ__AS_VALUE && !field->column->many &&
                           (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST));
}

static bool is_kind(const struct cz__serializer_field *field, cz__db_kind kind)
{
    return field->as == CZ__AS_VALUE && field->column->stored && !field->column->relation &&
           CZ__DB_KIND(field->column->type) == kind;
}

/* An item of an array of integers is a number in JSON; what is none is told as it would be there. */
static void write_item(struct writing *writing, const struct cz__serializer_field *field,
                       cz_str value)
{
    int64_t number;
    if (is_kind(field, CZ__DB_INT_LIST) && cz_str_to_i64(cz_str_trim(value), &number) == CZ_OK)
        cz_json_i64(&writing->json, number);
    else
        cz_json_str(&writing->json, value);
}

static void write_list(struct writing *writing, const struct cz__serializer_field *field)
{
    size_t count = 0;
    for (size_t i = 0; i < writing->form->count; i++)
        count += cz_str_eq(writing->form->items[i].name, field->name);
    if (!count && writing->partial)
        return;
    cz_json_key(&writing->json, field->name);
    cz_json_list(&writing->json);
    for (size_t i = 0; i < writing->form->count; i++)
        if (cz_str_eq(writing->form->items[i].name, field->name))
            write_item(writing, field, writing->form->items[i].value);
    cz_json_list_end(&writing->json);
}

/* A field that was left empty: NULL where that is allowed, "" for text that may be blank, else as if it had not been sent where
 * it may be missing. */
static void write_empty(struct writing *writing, const struct cz__serializer_field *field)
{
    bool blank = is_kind(field, CZ__DB_TEXT) && field->column->field->options.blank;
    if (!blank && !field->column->null && !field->required)
        return;
    cz_json_key(&writing->json, field->name);
    if (field->column->null && !blank)
        cz_json_null(&writing->json);
    else
        cz_json_str(&writing->json, CZ_STR(""));
}

static void write_value(struct writing *writing, const struct cz__serializer_field *field,
                        cz_str value)
{
    if (is_kind(field, CZ__DB_JSON) && !cz_json_is_valid(value)) {
        cz_field_errors_add(writing->ctx, &writing->errors, field->name, "invalid",
                            "Value must be valid JSON.");
        return;
    }
    cz_json_key(&writing->json, field->name);
    if (is_kind(field, CZ__DB_JSON))
        cz_json_raw(&writing->json, value);
    else
        cz_json_str(&writing->json, value);
}

/* Of a repeated one the last counts, as in Django's QueryDict. A checkbox that is not ticked is not sent. */
static void write_member(struct writing *writing, const struct cz__serializer_field *field)
{
    const cz_form_item *item = NULL;
    if (field->column->upload) { /* what input may set has a column */
        cz__form_file(&writing->json, writing->form, field);
        return;
    }
    for (size_t i = 0; i < writing->form->count; i++)
        if (cz_str_eq(writing->form->items[i].name, field->name))
            item = &writing->form->items[i];
    if (item && item->is_file) {
        cz_field_errors_add(writing->ctx, &writing->errors, field->name, "invalid",
                            "This field takes no file.");
    } else if (takes_list(field)) {
        write_list(writing, field);
    } else if (!item) {
        if (!is_kind(field, CZ__DB_BOOL) || field->column->null || writing->partial)
            return;
        cz_json_key(&writing->json, field->name);
        cz_json_bool(&writing->json, false);
    } else if (!cz_str_trim(item->value).len) {
        write_empty(writing, field);
    } else {
        write_value(writing, field, item->value);
    }
}

static bool is_known(const struct cz__serializer_state *state, cz_str name)
{
    for (size_t i = 0; i < state->count; i++)
        if (cz_str_eq(state->fields[i].name, name))
            return true;
    return cz_str_eq(name, cz_str_from(token_name));
}

cz_str cz__form_json(cz_ctx *ctx, cz_request *req, const struct cz__serializer_state *state,
                     bool partial)
{
    struct writing writing = { .ctx = ctx, .form = cz_request_form(ctx, req), .partial = partial };
    cz_buf *text = cz_scratch(ctx);
    cz_json_writer_init(&writing.json, text);
    cz_field_errors_init(&writing.errors);
    cz_json_object(&writing.json);
    for (size_t i = 0; i < state->count; i++)
        if (!state->fields[i].read_only)
            write_member(&writing, &state->fields[i]);
    for (size_t i = 0; i < writing.form->count; i++) /* told as unknown, once each */
        if (!is_known(state, writing.form->items[i].name)) {
            cz_json_key(&writing.json, writing.form->items[i].name);
            cz_json_null(&writing.json);
        }
    cz_json_object_end(&writing.json);
    cz_check(ctx, cz_buf_status(text));
    cz_field_errors_raise(ctx, &writing.errors);
    return cz_copy(ctx, cz_buf_str(text));
}
