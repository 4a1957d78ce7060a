/* Examples: what was declared of a field or member, else a value that its kind takes. */
#include "base/regex.h"
#include "openapi/openapi_internal.h"
#include "openapi/schema_check.h"

enum { EXAMPLE_BYTES_MAX = 1000 };

static void begin(struct cz__document *doc)
{
    cz__doc_list(doc, "examples");
}

static void end(struct cz__document *doc)
{
    cz_json_list_end(&doc->json);
}

static void write_string(struct cz__document *doc, cz_str text)
{
    begin(doc);
    cz_json_str(&doc->json, text);
    end(doc);
}

static void write_raw(struct cz__document *doc, const char *json)
{
    begin(doc);
    cz_json_raw(&doc->json, cz_str_from(json));
    end(doc);
}

/* ---- declared ones ---- */

/* Text as it is; of anything else its JSON. */
static void write_declared(struct cz__document *doc, const char *example, bool text, cz_str name)
{
    if (text) {
        write_string(doc, cz_str_from(example));
        return;
    }
    if (!cz_json_is_valid(cz_str_from(example)))
        cz_raise(doc->ctx, CZ_EINVAL, "the .example of \"%.*s\" is no JSON: %s", CZ_STR_ARG(name),
                 example);
    write_raw(doc, example);
}

static bool is_text(const cz__column *column)
{
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
    case CZ__DB_BOOL:
    case CZ__DB_REAL:
    case CZ__DB_JSON:
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
    case CZ__DB_UUID_LIST:
        return false;
    default:
        return true;
    }
}

/* ---- made from the kind ---- */

static void write_text(struct cz__document *doc, const cz__column *column)
{
    const cz_choice_list *choices = column->type & CZ__DB_CHOSEN ? cz__choices_of(column->type)
                                                                 : &column->field->options.choices;
    const char *text = column->upload ? "file" : "text";
    if (choices->count)
        text = choices->items[0].value;
    else if (column->field->kind == CZ_KIND_email_field)
        text = "ada@example.org";
    else if (column->field->kind == CZ_KIND_url_field)
        text = "https://example.org/";
    else if (column->field->kind == CZ_KIND_slug_field)
        text = "a-slug";
    cz_str example = cz_str_from(text);
    uint32_t least = column->field->options.min_length;
    if (least > EXAMPLE_BYTES_MAX)
        return;
    while (example.len < least)
        example = cz_format(doc->ctx, "%.*s%s", CZ_STR_ARG(example), text);
    if (!choices->count && column->max_length) /* all of them are ASCII */
        example = cz_str_head(example, column->max_length);
    bool fits = !column->regex;
    if (fits || (!cz__regex_search(column->regex, example, &fits, NULL) && fits))
        write_string(doc, example);
}

static void write_number(struct cz__document *doc, const cz_field_options *options, bool real)
{
    double least = options->min.kind == CZ__TAG_INT    ? (double)options->min.integer
                   : options->min.kind == CZ__TAG_REAL ? options->min.real
                                                       : 1;
    double most = options->max.kind == CZ__TAG_INT    ? (double)options->max.integer
                  : options->max.kind == CZ__TAG_REAL ? options->max.real
                                                      : 1;
    double example = least > 1 ? least : most < 1 ? most : 1;
    begin(doc);
    if (real)
        cz_json_f64(&doc->json, example);
    else
        cz_json_i64(&doc->json, (int64_t)example);
    end(doc);
}

static void write_decimal(struct cz__document *doc, const cz_field_options *options)
{
    char text[64] = "0.";
    size_t len = options->digits > options->places ? 1 : 2;
    if (len == 1)
        text[0] = '1';
    if (len == 1 && options->places)
        text[len++] = '.';
    for (int i = 0; i < options->places; i++)
        text[len++] = i == 0 ? '5' : '0';
    write_string(doc, cz_str_of(text, len));
}

static void write_of_kind(struct cz__document *doc, const cz__column *column)
{
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT:
        write_text(doc, column);
        break;
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
    case CZ__DB_REAL:
        write_number(doc, &column->field->options, CZ__DB_KIND(column->type) == CZ__DB_REAL);
        break;
    case CZ__DB_BOOL:
        write_raw(doc, "true");
        break;
    case CZ__DB_DATE:
        write_raw(doc, "\"2026-01-31\"");
        break;
    case CZ__DB_DATETIME:
        write_raw(doc, "\"2026-01-31T12:30:00Z\"");
        break;
    case CZ__DB_TIME:
        write_raw(doc, "\"12:30:00\"");
        break;
    case CZ__DB_DURATION:
        write_raw(doc, "\"1 02:30:00\"");
        break;
    case CZ__DB_UUID:
        write_raw(doc, "\"018f3c1e-7a4b-7c3d-9e2f-4a5b6c7d8e9f\"");
        break;
    case CZ__DB_DECIMAL:
        write_decimal(doc, &column->field->options);
        break;
    case CZ__DB_BINARY:
        write_raw(doc, "\"aGVsbG8=\"");
        break;
    case CZ__DB_INT_LIST:
        write_raw(doc, "[1,2]");
        break;
    case CZ__DB_TEXT_LIST:
        write_raw(doc, "[\"one\",\"two\"]");
        break;
    case CZ__DB_UUID_LIST:
        write_raw(doc, "[\"018f3c1e-7a4b-7c3d-9e2f-4a5b6c7d8e9f\"]");
        break;
    case CZ__DB_IP:
        write_raw(doc, "\"192.0.2.1\"");
        break;
    case CZ__DB_JSON:
    case CZ__DB_TYPE_COUNT:
        break; /* it may be anything */
    }
}

/* The JSON of a computed text. */
static const char *text_of_kind(cz_field_kind kind)
{
    switch (kind) {
    case CZ_KIND_decimal_field:
        return "\"1.50\"";
    case CZ_KIND_date_field:
        return "\"2026-01-31\"";
    case CZ_KIND_datetime_field:
        return "\"2026-01-31T12:30:00Z\"";
    case CZ_KIND_uuid_field:
        return "\"018f3c1e-7a4b-7c3d-9e2f-4a5b6c7d8e9f\"";
    default:
        return "\"text\"";
    }
}

static void write_of_type(struct cz__document *doc, cz_field_kind kind)
{
    const char *type = cz__computed_type(kind);
    if (!type)
        return;
    if (strcmp(type, "string") == 0)
        write_raw(doc, text_of_kind(kind));
    else
        write_raw(doc, strcmp(type, "boolean") == 0 ? "true" : "1");
}

static void write_computed(struct cz__document *doc, const struct cz__serializer_field *field)
{
    const cz_serializer_member *member = field->member;
    const char *type = cz__computed_type(member->type);
    bool text = !member->list && type && strcmp(type, "string") == 0;
    if (member->example)
        write_declared(doc, member->example, text, field->name);
    else if (!member->list)
        write_of_type(doc, member->type);
}

void cz__example_write(struct cz__document *doc, const struct cz__serializer_field *field)
{
    if (field->as == CZ__AS_COMPUTED) {
        write_computed(doc, field);
        return;
    }
    const cz__column *column = field->column;
    bool value = field->as == CZ__AS_VALUE && column && !column->many;
    const char *declared = field->member ? field->member->example : NULL;
    if (!declared && value)
        declared = column->field->options.example;
    if (declared)
        write_declared(doc, declared, value && is_text(column), field->name);
    else if (value && !column->relation)
        write_of_kind(doc, column);
}

/* ---- whether they are examples of it ---- */

static bool check_examples(cz_ctx *ctx, const cz_json_value *document, const cz_json_value *schema,
                           struct cz__schema_fault *out)
{
    const cz_json_value *examples = cz_json_get(schema, CZ_STR("examples"));
    for (uint32_t i = 0; examples && i < examples->count; i++)
        if (!cz__schema_check(ctx, document, schema, &examples->as.items[i], true, out))
            return false;
    return true;
}

static bool check_schema(cz_ctx *ctx, const cz_json_value *document, cz_str pointer,
                         const cz_json_value *schema, struct cz__schema_fault *out)
{
    if (check_examples(ctx, document, schema, out))
        return true;
    out->pointer = pointer;
    return false;
}

bool cz__examples_check(cz_ctx *ctx, const cz_json_value *document, struct cz__schema_fault *out)
{
    cz_str base = CZ_STR("#/components/schemas");
    const cz_json_value *schemas = cz__json_pointer(ctx, document, base);
    for (uint32_t i = 0; schemas && i < schemas->count; i++) {
        const cz_json_value *schema = &schemas->as.items[i];
        const cz_json_value *properties = cz_json_get(schema, CZ_STR("properties"));
        cz_str pointer =
            cz_format(ctx, "%.*s/%.*s", CZ_STR_ARG(base), CZ_STR_ARG(schemas->keys[i]));
        if (!check_schema(ctx, document, pointer, schema, out))
            return false;
        for (uint32_t n = 0; properties && n < properties->count; n++)
            if (!check_schema(ctx, document,
                              cz_format(ctx, "%.*s/properties/%.*s", CZ_STR_ARG(pointer),
                                        CZ_STR_ARG(properties->keys[n])),
                              &properties->as.items[n], out))
                return false;
    }
    return true;
}
