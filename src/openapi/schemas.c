/* Serializers as JSON Schema (2020-12, as OpenAPI 3.1 has it): what they show and what they take. */
#include "openapi/openapi_internal.h"

/* ---- names ---- */

static cz_str base_name(const cz_serializer *serializer)
{
    cz_str name = cz_str_from(serializer->name), suffix = CZ_STR("Serializer");
    if (name.len > suffix.len && cz_str_ends_with(name, suffix))
        name = cz_str_head(name, name.len - suffix.len);
    return name.len ? name : cz_str_from(serializer->model->name);
}

static bool is_taken(const struct cz__document *doc, cz_str name)
{
    for (size_t i = 0; i < doc->count; i++)
        if (cz_str_eq(doc->schemas[i].name, name))
            return true;
    return cz__error_schema_is_named(name);
}

static bool is_page(enum cz__schema_mode mode)
{
    return mode == CZ__SCHEMA_PAGE || mode == CZ__SCHEMA_SPARSE_PAGE;
}

static bool is_input(enum cz__schema_mode mode)
{
    return mode == CZ__SCHEMA_IN || mode == CZ__SCHEMA_LISTED || mode == CZ__SCHEMA_KEYED ||
           mode == CZ__SCHEMA_PATCH;
}

enum cz__schema_mode cz__schema_shown(const cz_viewset *view)
{
    return view->sparse ? CZ__SCHEMA_SPARSE : CZ__SCHEMA_OUT;
}

static cz_str new_name(struct cz__document *doc, const cz_serializer *serializer,
                       enum cz__schema_mode mode)
{
    static const struct {
        const char *before, *behind;
    } forms[] = {
        [CZ__SCHEMA_OUT] = { "", "" },
        [CZ__SCHEMA_SPARSE] = { "Sparse", "" },
        [CZ__SCHEMA_IN] = { "", "Request" },
        [CZ__SCHEMA_LISTED] = { "Listed", "Request" },
        [CZ__SCHEMA_KEYED] = { "Keyed", "Request" },
        [CZ__SCHEMA_PATCH] = { "Patched", "Request" },
        [CZ__SCHEMA_PAGE] = { "", "Page" },
        [CZ__SCHEMA_SPARSE_PAGE] = { "Sparse", "Page" },
    };
    cz_str base = base_name(serializer);
    cz_str name =
        cz_format(doc->ctx, "%s%.*s%s", forms[mode].before, CZ_STR_ARG(base), forms[mode].behind);
    for (int n = 2; is_taken(doc, name); n++) /* serializers of two files may have one name */
        name = cz_format(doc->ctx, "%s%.*s%d%s", forms[mode].before, CZ_STR_ARG(base), n,
                         forms[mode].behind);
    return name;
}

cz_str cz__schema_named(struct cz__document *doc, cz_serializer *serializer,
                        enum cz__schema_mode mode, cz_pagination pagination)
{
    for (size_t i = 0; i < doc->count; i++)
        if (doc->schemas[i].serializer == serializer && doc->schemas[i].mode == mode &&
            (!is_page(mode) ||
             (doc->schemas[i].pagination == CZ_CURSOR) == (pagination == CZ_CURSOR)))
            return doc->schemas[i].name;
    if (doc->count == doc->cap) {
        size_t cap = doc->cap * 2 + 16;
        struct cz__schema *grown = cz_array(doc->ctx, struct cz__schema, cap);
        if (doc->count)
            memcpy(grown, doc->schemas, doc->count * sizeof *grown);
        doc->schemas = grown;
        doc->cap = cap;
    }
    struct cz__schema *made = &doc->schemas[doc->count];
    *made = (struct cz__schema){ serializer, mode, pagination, new_name(doc, serializer, mode) };
    doc->count++;
    return made->name;
}

void cz__schema_ref(struct cz__document *doc, const char *key, cz_str name)
{
    if (key)
        cz_json_key(&doc->json, cz_str_from(key));
    cz_json_object(&doc->json);
    cz__doc_str(doc, "$ref",
                cz_format(doc->ctx, "#/components/schemas/%.*s", CZ_STR_ARG(name)).ptr);
    cz_json_object_end(&doc->json);
}

/* ---- columns ---- */

static void write_type(struct cz__document *doc, const char *type, bool null)
{
    if (!null) {
        cz__doc_str(doc, "type", type);
        return;
    }
    cz__doc_list(doc, "type");
    cz_json_str(&doc->json, cz_str_from(type));
    cz_json_str(&doc->json, CZ_STR("null"));
    cz_json_list_end(&doc->json);
}

static void write_choices(struct cz__document *doc, const cz_choice_list *choices, bool null)
{
    cz__doc_list(doc, "enum");
    for (size_t i = 0; i < choices->count; i++)
        cz_json_str(&doc->json, cz_str_from(choices->items[i].value));
    if (null)
        cz_json_null(&doc->json);
    cz_json_list_end(&doc->json);
}

/* A text that may be empty need not have the pattern then. */
static void write_pattern(struct cz__document *doc, const cz_field_options *options)
{
    cz_buf *pattern = cz_scratch(doc->ctx);
    if (!options->regex || !cz__regex_to_ecmascript(cz_str_from(options->regex), pattern))
        return;
    cz_check(doc->ctx, cz_buf_status(pattern));
    cz__doc_str(
        doc, "pattern",
        cz_format(doc->ctx, "%s%.*s", options->blank ? "^$|" : "", CZ_STR_ARG(cz_buf_str(pattern)))
            .ptr);
}

static void write_lengths(struct cz__document *doc, const cz__column *column)
{
    const cz_field_options *options = &column->field->options;
    if (column->max_length)
        cz__doc_int(doc, "maxLength", column->max_length);
    if (!options->blank) {
        cz__doc_int(doc, "minLength", options->min_length > 1 ? options->min_length : 1);
    } else if (options->min_length > 1) {
        cz__doc_list(doc, "anyOf");
        cz_json_object(&doc->json);
        cz__doc_int(doc, "maxLength", 0);
        cz_json_object_end(&doc->json);
        cz_json_object(&doc->json);
        cz__doc_int(doc, "minLength", options->min_length);
        cz_json_object_end(&doc->json);
        cz_json_list_end(&doc->json);
    }
}

/* What input is bound by. Of HTML that is cleaned first only what is left. */
static void write_text_rules(struct cz__document *doc, const cz__column *column)
{
    const cz_field_options *options = &column->field->options;
    if (options->html)
        return;
    if (column->field->kind == CZ_KIND_slug_field)
        cz__doc_str(doc, "pattern", options->blank ? "^[-a-zA-Z0-9_]*$" : "^[-a-zA-Z0-9_]+$");
    else
        write_pattern(doc, options);
    write_lengths(doc, column);
}

static void write_text(struct cz__document *doc, const cz__column *column, bool null, bool input)
{
    const cz_field_options *options = &column->field->options;
    const cz_choice_list *choices =
        column->type & CZ__DB_CHOSEN ? cz__choices_of(column->type) : &options->choices;
    write_type(doc, "string", null);
    if (choices->count) { /* old rows may have others that are no enum's */
        if (input || column->type & CZ__DB_CHOSEN)
            write_choices(doc, choices, null);
        return;
    }
    cz_field_kind kind = column->field->kind;
    if (kind == CZ_KIND_email_field && !options->blank) /* "" is none */
        cz__doc_str(doc, "format", "email");
    else if (kind == CZ_KIND_url_field && !options->blank)
        cz__doc_str(doc, "format", "uri");
    if (input)
        write_text_rules(doc, column);
}

static void write_bounds(struct cz__document *doc, const cz_field_options *options)
{
    const struct {
        const char *key;
        const cz_tagged *bound;
    } bounds[] = { { "minimum", &options->min }, { "maximum", &options->max } };
    for (size_t i = 0; i < CZ_COUNT(bounds); i++) {
        if (bounds[i].bound->kind == CZ__TAG_INT) {
            cz__doc_int(doc, bounds[i].key, bounds[i].bound->integer);
        } else if (bounds[i].bound->kind == CZ__TAG_REAL) {
            cz_json_key(&doc->json, cz_str_from(bounds[i].key));
            cz_json_f64(&doc->json, bounds[i].bound->real);
        }
    }
}

static void write_integer(struct cz__document *doc, const cz__column *column, bool null, bool input)
{
    write_type(doc, "integer", null);
    cz__doc_str(doc, "format", CZ__DB_KIND(column->type) == CZ__DB_INT64 ? "int64" : "int32");
    if (input)
        write_bounds(doc, &column->field->options);
}

static void write_items(struct cz__document *doc, const char *type, bool null)
{
    write_type(doc, "array", null);
    cz__doc_object(doc, "items");
    cz__doc_str(doc, "type", type);
    cz_json_object_end(&doc->json);
}

static void write_format(struct cz__document *doc, const char *format, bool null)
{
    write_type(doc, "string", null);
    cz__doc_str(doc, "format", format);
}

/* A file in, its name out. OpenAPI 3.1 tells bytes by contentMediaType; which types are allowed stands beside the schema
 * (operations.c). */
static void write_file(struct cz__document *doc, bool null, bool input)
{
    write_type(doc, "string", null);
    if (input)
        cz__doc_str(doc, "contentMediaType", "application/octet-stream");
}

/* The digits a decimal may have, as drf-spectacular writes them; a minimum would be of numbers, and this is text. */
static void write_decimal(struct cz__document *doc, const cz__column *column, bool null, bool input)
{
    const cz_field_options *options = &column->field->options;
    write_format(doc, "decimal", null);
    if (!input || !options->digits)
        return;
    cz__doc_str(doc, "pattern",
                options->places ? cz_format(doc->ctx, "^-?\\d{0,%d}(?:\\.\\d{0,%d})?$",
                                            options->digits - options->places, options->places)
                                      .ptr
                                : cz_format(doc->ctx, "^-?\\d{1,%d}$", options->digits).ptr);
}

void cz__schema_column(struct cz__document *doc, const cz__column *column, bool null, bool input)
{
    if (column->upload) {
        write_file(doc, null, input);
        return;
    }
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT:
        write_text(doc, column, null, input);
        break;
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        write_integer(doc, column, null, input);
        break;
    case CZ__DB_BOOL:
        write_type(doc, "boolean", null);
        break;
    case CZ__DB_REAL:
        write_type(doc, "number", null);
        cz__doc_str(doc, "format", "double");
        if (input)
            write_bounds(doc, &column->field->options);
        break;
    case CZ__DB_DATE:
        write_format(doc, "date", null);
        break;
    case CZ__DB_DATETIME:
        write_format(doc, "date-time", null);
        break;
    case CZ__DB_UUID:
        write_format(doc, "uuid", null);
        break;
    case CZ__DB_DECIMAL:
        write_decimal(doc, column, null, input);
        break;
    case CZ__DB_BINARY:
        write_type(doc, "string", null);
        cz__doc_str(doc, "contentEncoding", "base64");
        break;
    case CZ__DB_INT_LIST:
        write_items(doc, "integer", null);
        break;
    case CZ__DB_TEXT_LIST:
    case CZ__DB_UUID_LIST:
        write_items(doc, "string", null);
        break;
    case CZ__DB_JSON:
        break; /* whatever it is */
    case CZ__DB_TIME:
    case CZ__DB_DURATION:
    case CZ__DB_IP:
    case CZ__DB_TYPE_COUNT:
        write_type(doc, "string", null);
        break;
    }
}

/* ---- members ---- */

/* An object of a nested serializer. In input one that is for a new row is whole, and one that names a stored row by its key
 * has what is to change; the row behind a foreign key is known without a key, so PATCH may say a part of it. */
static void write_nested(struct cz__document *doc, const struct cz__serializer_field *field,
                         bool null, enum cz__schema_mode mode)
{
    cz_assert(field->member); /* which names the serializer */
    cz_serializer *nested = field->member->nested;
    bool input = is_input(mode);
    bool whole = input && (field->list || (mode != CZ__SCHEMA_PATCH && mode != CZ__SCHEMA_KEYED));
    bool keyed = whole && cz__serializer_state(doc->ctx, nested)->key;
    enum cz__schema_mode shown = whole ? CZ__SCHEMA_IN : input ? CZ__SCHEMA_PATCH : mode;
    cz_str name = cz__schema_named(doc, nested, shown, CZ_PAGE_NUMBER);
    if (!null && !keyed) {
        cz__doc_str(doc, "$ref",
                    cz_format(doc->ctx, "#/components/schemas/%.*s", CZ_STR_ARG(name)).ptr);
        return;
    }
    cz__doc_list(doc, "anyOf");
    cz__schema_ref(doc, NULL, name);
    if (keyed)
        cz__schema_ref(doc, NULL, cz__schema_named(doc, nested, CZ__SCHEMA_KEYED, CZ_PAGE_NUMBER));
    if (null) {
        cz_json_object(&doc->json);
        cz__doc_str(doc, "type", "null");
        cz_json_object_end(&doc->json);
    }
    cz_json_list_end(&doc->json);
}

/* Of a relation: what stands for one row of it, as the serializer has it. */
static void write_declared(struct cz__document *doc, const struct cz__serializer_field *field,
                           bool null, enum cz__schema_mode mode)
{
    bool input = is_input(mode);
    if (field->as == CZ__AS_NESTED) {
        write_nested(doc, field, null, mode);
    } else if (field->as == CZ__AS_LINK) {
        write_format(doc, input ? "uri-reference" : "uri", null);
    } else if (field->as == CZ__AS_SLUG) {
        cz__schema_column(doc, field->slug, null, false);
    } else {
        cz__schema_column(doc, field->column->field->target->state->key, null, false);
    }
}

/* The same, or the row, where a client may ask for that. */
static void write_related(struct cz__document *doc, const struct cz__serializer_field *field,
                          bool null, enum cz__schema_mode mode)
{
    if (mode != CZ__SCHEMA_SPARSE || !field->member || !field->member->expand) {
        write_declared(doc, field, null, mode);
        return;
    }
    cz__doc_list(doc, "anyOf");
    cz_json_object(&doc->json);
    write_declared(doc, field, null, mode);
    cz_json_object_end(&doc->json);
    cz__schema_ref(doc, NULL, cz__schema_named(doc, field->member->expand, mode, CZ_PAGE_NUMBER));
    cz_json_list_end(&doc->json);
}

static void write_list(struct cz__document *doc, const struct cz__serializer_field *field,
                       enum cz__schema_mode mode)
{
    cz__doc_str(doc, "type", "array");
    if (is_input(mode))
        cz__doc_int(doc, "maxItems", CZ_INPUT_LIST_MAX);
    cz__doc_object(doc, "items");
    write_related(doc, field, false, mode);
    cz_json_object_end(&doc->json);
}

const char *cz__computed_type(cz_field_kind kind)
{
    switch (kind) {
    case CZ_KIND_small_int_field:
    case CZ_KIND_int_field:
    case CZ_KIND_big_int_field:
        return "integer";
    case CZ_KIND_float_field:
        return "number";
    case CZ_KIND_bool_field:
        return "boolean";
    case CZ_KIND_json_field:
        return NULL;
    default:
        return "string";
    }
}

/* As columns of the kind have it. */
static const char *computed_format(cz_field_kind kind)
{
    switch (kind) {
    case CZ_KIND_decimal_field:
        return "decimal";
    case CZ_KIND_date_field:
        return "date";
    case CZ_KIND_datetime_field:
        return "date-time";
    case CZ_KIND_uuid_field:
        return "uuid";
    default:
        return NULL;
    }
}

static void write_computed(struct cz__document *doc, const cz_serializer_member *member)
{
    const char *type = cz__computed_type(member->type);
    if (member->list) {
        write_type(doc, "array", true);
        cz__doc_object(doc, "items");
    }
    if (type)
        write_type(doc, type, true); /* a computed value may be null */
    if (computed_format(member->type))
        cz__doc_str(doc, "format", computed_format(member->type));
    if (member->list)
        cz_json_object_end(&doc->json);
}

/* Whether there may be no value: a foreign key on the way, or the last, may be NULL. */
static bool may_be_null(const struct cz__serializer_field *field)
{
    bool null = field->column && field->column->null;
    for (size_t i = 0; i < field->way_count; i++)
        null |= field->way[i]->null;
    return null || (field->column && field->column->many && !field->list);
}

static const char *help_of(const struct cz__serializer_field *field)
{
    if (field->member && field->member->help_text)
        return field->member->help_text;
    return field->column && !field->way_count ? field->column->field->options.help_text : NULL;
}

/* Of a file that may be left out none is shown; in a form that is no part at all. */
static bool is_null_in(const struct cz__serializer_field *field, bool input)
{
    const cz__column *column = field->column;
    if (column && column->upload)
        return !input && (column->null || column->field->options.blank);
    return input && column ? column->null : may_be_null(field);
}

/* A bound of a decimal, as text; "" for none. */
static cz_str bound_of(struct cz__document *doc, const char *words, const cz_tagged *bound)
{
    if (bound->kind == CZ__TAG_INT)
        return cz_format(doc->ctx, "%s %lld.", words, (long long)bound->integer);
    if (bound->kind == CZ__TAG_REAL)
        return cz_format(doc->ctx, "%s %.15g.", words, bound->real);
    if (bound->kind == CZ__TAG_TEXT)
        return cz_format(doc->ctx, "%s %s.", words, bound->text);
    return CZ_STR("");
}

/* What is to be read of a member. A decimal is text, which no keyword of the schema bounds. */
static void write_description(struct cz__document *doc, const struct cz__serializer_field *field,
                              bool input)
{
    const char *help = help_of(field);
    bool bounded = input && field->column && field->as == CZ__AS_VALUE && !field->way_count &&
                   CZ__DB_KIND(field->column->type) == CZ__DB_DECIMAL;
    cz_buf *text = cz_scratch(doc->ctx);
    cz_buf_append_str(text, cz_str_from(help ? help : ""));
    for (int i = 0; i < 2 && bounded; i++) {
        const cz_field_options *options = &field->column->field->options;
        cz_str bound =
            i ? bound_of(doc, "At most", &options->max) : bound_of(doc, "At least", &options->min);
        if (bound.len && cz_buf_str(text).len)
            cz_buf_append_char(text, ' ');
        cz_buf_append_str(text, bound);
    }
    cz_check(doc->ctx, cz_buf_status(text));
    if (cz_buf_str(text).len)
        cz__doc_str(doc, "description", cz_copy(doc->ctx, cz_buf_str(text)).ptr);
}

static void write_member(struct cz__document *doc, const struct cz__serializer_field *field,
                         enum cz__schema_mode mode)
{
    bool input = is_input(mode), null = is_null_in(field, input);
    cz_json_key(&doc->json, field->name);
    cz_json_object(&doc->json);
    if (field->as == CZ__AS_COMPUTED)
        write_computed(doc, field->member);
    else if (!field->column)
        write_format(doc, "uri", false);
    else if (field->list)
        write_list(doc, field, mode);
    else if (field->column->many || field->column->relation)
        write_related(doc, field, null, mode);
    else
        cz__schema_column(doc, field->column, null, input);
    write_description(doc, field, input);
    if (!input || !field->column || !field->column->upload) /* no bytes */
        cz__example_write(doc, field);
    cz_json_object_end(&doc->json);
}

static bool is_in(const struct cz__serializer_field *field, enum cz__schema_mode mode)
{
    return is_input(mode) ? !field->read_only : !field->write_only;
}

static bool is_required(const struct cz__serializer_field *field, enum cz__schema_mode mode)
{
    bool whole = mode == CZ__SCHEMA_IN || mode == CZ__SCHEMA_LISTED;
    return mode == CZ__SCHEMA_OUT || (whole && field->required);
}

static void write_object(struct cz__document *doc, const struct cz__schema *schema)
{
    const struct cz__serializer_state *state = cz__serializer_state(doc->ctx, schema->serializer);
    bool any = false;
    bool keyed = schema->mode == CZ__SCHEMA_LISTED || schema->mode == CZ__SCHEMA_KEYED;
    const struct cz__serializer_field *key =
        keyed || schema->mode == CZ__SCHEMA_PATCH ? state->key : NULL;
    cz__doc_str(doc, "type", "object");
    cz__doc_object(doc, "properties");
    for (size_t i = 0; i < state->count; i++)
        if (is_in(&state->fields[i], schema->mode) || key == &state->fields[i])
            write_member(doc, &state->fields[i], schema->mode);
    cz_json_object_end(&doc->json);
    for (size_t i = 0; i < state->count; i++) {
        const struct cz__serializer_field *field = &state->fields[i];
        bool must = is_in(field, schema->mode) && is_required(field, schema->mode);
        if (!must && !(keyed && key == field))
            continue;
        if (!any)
            cz__doc_list(doc, "required");
        any = true;
        cz_json_str(&doc->json, field->name);
    }
    if (any)
        cz_json_list_end(&doc->json);
    if (is_input(schema->mode) && !schema->serializer->ignore_unknown)
        cz__doc_bool(doc, "additionalProperties", false);
}

static void write_link(struct cz__document *doc, const char *key)
{
    cz__doc_object(doc, key);
    write_format(doc, "uri", true);
    cz_json_object_end(&doc->json);
}

static void write_page(struct cz__document *doc, const struct cz__schema *schema)
{
    bool counted = schema->pagination != CZ_CURSOR;
    cz_str rows = cz__schema_named(
        doc, schema->serializer,
        schema->mode == CZ__SCHEMA_PAGE ? CZ__SCHEMA_OUT : CZ__SCHEMA_SPARSE, CZ_PAGE_NUMBER);
    cz__doc_str(doc, "type", "object");
    cz__doc_object(doc, "properties");
    if (counted) {
        cz__doc_object(doc, "count");
        cz__doc_str(doc, "type", "integer");
        cz__doc_int(doc, "minimum", 0);
        cz_json_object_end(&doc->json);
    }
    write_link(doc, "next");
    write_link(doc, "previous");
    cz__doc_object(doc, "results");
    cz__doc_str(doc, "type", "array");
    cz__schema_ref(doc, "items", rows);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
    cz__doc_list(doc, "required");
    if (counted)
        cz_json_str(&doc->json, CZ_STR("count"));
    cz_json_str(&doc->json, CZ_STR("next"));
    cz_json_str(&doc->json, CZ_STR("previous"));
    cz_json_str(&doc->json, CZ_STR("results"));
    cz_json_list_end(&doc->json);
}

void cz__schemas_write(struct cz__document *doc)
{
    cz__doc_object(doc, "schemas");
    for (size_t i = 0; i < doc->count; i++) { /* grows while it is written */
        const struct cz__schema schema = doc->schemas[i];
        cz_json_key(&doc->json, schema.name);
        cz_json_object(&doc->json);
        if (is_page(schema.mode))
            write_page(doc, &schema);
        else
            write_object(doc, &schema);
        cz_json_object_end(&doc->json);
    }
    cz__error_schemas_write(doc);
    cz_json_object_end(&doc->json);
}
