/* OPTIONS: what a viewset is, and what its actions take, in the shape of DRF's SimpleMetadata. */
#include "serializers/serializers.h"
#include "views/views_internal.h"

/* ---- small pieces ---- */

static void member(cz_json_writer *json, const char *key, cz_str value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_str(json, value);
}

static void open_object(cz_json_writer *json, const char *key)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_object(json);
}

/* "author_name" as "Author name", or with `each` as "Author Name". */
static cz_str words_of(cz_ctx *ctx, cz_str name, bool each)
{
    char *words = cz_alloc(ctx, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i] == '_' ? ' ' : name.ptr[i];
        bool first = i == 0 || (each && words[i - 1] == ' ');
        words[i] = (char)(first && c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return cz_str_of(words, name.len);
}

/* ---- fields ---- */

/* The column whose own value a member is; NULL: it is more than that, or something else. */
static const cz__column *plain_column(const struct cz__serializer_field *field)
{
    bool plain = field->as == CZ__AS_VALUE && field->column && !field->column->relation &&
                 !field->column->many;
    return plain ? field->column : NULL;
}

static const char *text_type(const cz_field *field)
{
    switch (field->kind) {
    case CZ_KIND_email_field:
        return "email";
    case CZ_KIND_url_field:
        return "url";
    case CZ_KIND_slug_field:
        return "slug";
    default:
        return field->options.regex ? "regex" : "string";
    }
}

static const cz_choice_list *choices_of(const cz__column *column)
{
    const cz_choice_list *choices = column->type & CZ__DB_CHOSEN ? cz__choices_of(column->type)
                                                                 : &column->field->options.choices;
    return choices->count ? choices : NULL;
}

/* In DRF's words, which has none for some kinds. */
static const char *column_type(const cz__column *column)
{
    if (column->upload)
        return "file upload";
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT:
        return choices_of(column) ? "choice" : text_type(column->field);
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        return "integer";
    case CZ__DB_BOOL:
        return "boolean";
    case CZ__DB_REAL:
        return "float";
    case CZ__DB_DECIMAL:
        return "decimal";
    case CZ__DB_DATE:
        return "date";
    case CZ__DB_DATETIME:
        return "datetime";
    case CZ__DB_TIME:
        return "time";
    case CZ__DB_UUID:
    case CZ__DB_IP:
    case CZ__DB_BINARY:
        return "string";
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
    case CZ__DB_UUID_LIST:
        return "list";
    case CZ__DB_DURATION:
    case CZ__DB_JSON:
    case CZ__DB_TYPE_COUNT:
        break;
    }
    return "field";
}

/* Of a computed value: DRF's word for the field of that kind. */
static const char *computed_type(const cz_serializer_member *member)
{
    if (member->list)
        return "list";
    switch (member->type) {
    case CZ_KIND_decimal_field:
        return "decimal";
    case CZ_KIND_date_field:
        return "date";
    case CZ_KIND_datetime_field:
        return "datetime";
    case CZ_KIND_time_field:
        return "time";
    case CZ_KIND_small_int_field:
    case CZ_KIND_int_field:
    case CZ_KIND_big_int_field:
        return "integer";
    case CZ_KIND_float_field:
        return "float";
    case CZ_KIND_bool_field:
        return "boolean";
    default:
        return "field"; /* as of what has no type */
    }
}

static cz_str label_of(cz_ctx *ctx, const struct cz__serializer_field *field)
{
    const cz__column *column = field->way_count ? NULL : field->column;
    if (!column || !cz_str_eq(field->name, cz_str_from(column->field->name)))
        return words_of(ctx, field->name, false);
    if (column->field->options.verbose_name)
        return words_of(ctx, cz_str_from(column->field->options.verbose_name), false);
    return cz_str_eq(field->name, CZ_STR("id")) ? CZ_STR("ID") : words_of(ctx, field->name, false);
}

static void write_bound(cz_json_writer *json, const char *key, const cz_tagged *bound)
{
    if (bound->kind == CZ__TAG_INT) {
        cz_json_key(json, cz_str_from(key));
        cz_json_i64(json, bound->integer);
    } else if (bound->kind == CZ__TAG_REAL) {
        cz_json_key(json, cz_str_from(key));
        cz_json_f64(json, bound->real);
    }
}

static void write_choices(cz_json_writer *json, const cz_choice_list *choices)
{
    cz_json_key(json, CZ_STR("choices"));
    cz_json_list(json);
    for (size_t i = 0; i < choices->count; i++) {
        cz_json_object(json);
        member(json, "value", cz_str_from(choices->items[i].value));
        member(json, "display_name", cz_str_from(choices->items[i].label));
        cz_json_object_end(json);
    }
    cz_json_list_end(json);
}

/* What input to the column is bound by. */
static void write_limits(cz_json_writer *json, const cz__column *column)
{
    const cz_choice_list *choices = choices_of(column);
    if (choices) {
        write_choices(json, choices);
        return;
    }
    if (column->field->options.min_length) {
        cz_json_key(json, CZ_STR("min_length"));
        cz_json_i64(json, column->field->options.min_length);
    }
    if (column->max_length) {
        cz_json_key(json, CZ_STR("max_length"));
        cz_json_i64(json, column->max_length);
    }
    write_bound(json, "min_value", &column->field->options.min);
    write_bound(json, "max_value", &column->field->options.max);
}

static void write_child(cz_json_writer *json, const char *type)
{
    open_object(json, "child");
    member(json, "type", cz_str_from(type));
    cz_json_key(json, CZ_STR("required"));
    cz_json_bool(json, true);
    cz_json_key(json, CZ_STR("read_only"));
    cz_json_bool(json, false);
    cz_json_object_end(json);
}

static void write_fields(cz_ctx *ctx, cz_json_writer *json, cz_serializer *serializer);

static void write_flags(cz_json_writer *json, const char *type,
                        const struct cz__serializer_field *field)
{
    member(json, "type", cz_str_from(type));
    cz_json_key(json, CZ_STR("required"));
    cz_json_bool(json, field->required);
    cz_json_key(json, CZ_STR("read_only"));
    cz_json_bool(json, field->read_only);
}

/* Rows: of a relation to several the child of a list. */
static void write_nested(cz_ctx *ctx, cz_json_writer *json,
                         const struct cz__serializer_field *field)
{
    cz_assert(field->member); /* which names the nested serializer */
    if (field->list) {
        open_object(json, "child");
        write_flags(json, "nested object", field);
    }
    open_object(json, "children");
    write_fields(ctx, json, field->member->nested);
    cz_json_object_end(json);
    if (field->list)
        cz_json_object_end(json);
}

static void write_field(cz_ctx *ctx, cz_json_writer *json, const struct cz__serializer_field *field)
{
    const cz__column *column = plain_column(field);
    bool nested = field->as == CZ__AS_NESTED;
    const char *help = field->member ? field->member->help_text : NULL;
    if (!help && field->column && !field->way_count)
        help = field->column->field->options.help_text;
    cz_json_key(json, field->name);
    cz_json_object(json);
    write_flags(json,
                column                         ? column_type(column)
                : nested && !field->list       ? "nested object"
                : field->as == CZ__AS_COMPUTED ? computed_type(field->member)
                                               : "field",
                field);
    member(json, "label", label_of(ctx, field));
    if (help)
        member(json, "help_text", cz_str_from(help));
    if (column && !field->read_only)
        write_limits(json, column);
    if (column && strcmp(column_type(column), "list") == 0)
        write_child(json, CZ__DB_KIND(column->type) == CZ__DB_INT_LIST ? "integer" : "string");
    if (nested)
        write_nested(ctx, json, field);
    cz_json_object_end(json);
}

static void write_fields(cz_ctx *ctx, cz_json_writer *json, cz_serializer *serializer)
{
    const struct cz__serializer_state *state = cz__serializer_state(ctx, serializer);
    for (size_t i = 0; i < state->count; i++)
        write_field(ctx, json, &state->fields[i]);
}

/* ---- actions ---- */

/* Of a stock action: whether its path is a row's. */
static bool is_detail(const cz_request *req)
{
    return req->view_action != CZ_ACTION_list && req->view_action != CZ_ACTION_create &&
           !cz__view_is_bulk((cz_action)req->view_action);
}

struct probe {
    cz_request req; /* the caller's, with the method in question */
    bool finds;     /* it is about a row */
};

static void try_action(cz_ctx *ctx, void *arg)
{
    struct probe *probe = arg;
    const cz_viewset *view = cz_view_of(&probe->req);
    cz_permission_require(ctx, &probe->req, cz__view_permission(&probe->req), NULL);
    if (probe->finds)
        cz__view_object(ctx, &probe->req, view->model);
}

/* Whether the caller may do it, to the row of the path if there is one. Raises: what is nobody's refusal. */
static bool may_do(cz_ctx *ctx, const cz_request *req, cz_method method, bool finds)
{
    struct probe probe = { .req = *req, .finds = finds };
    cz_error err;
    probe.req.method = method;
    probe.req.method_text = cz_str_from(cz_method_name(method));
    cz_status status = cz_try(ctx, try_action, &probe, &err);
    if (status && (cz_error_http(&err) >= 500 || status == CZ_ECANCELED))
        cz_raise_error(ctx, &err);
    return status == CZ_OK;
}

/* What the path's POST or PUT takes; NULL: there is neither, or nothing is known of it. */
static cz_serializer *input_of(const cz_request *req, cz_method *out_method)
{
    const cz_extra_action *extra = cz__view_extra(req);
    const cz_viewset *view = cz_view_of(req);
    *out_method = extra ? extra->method : is_detail(req) ? CZ_METHOD_PUT : CZ_METHOD_POST;
    if (extra)
        return extra->method == CZ_METHOD_POST || extra->method == CZ_METHOD_PUT ? extra->serializer
                                                                                 : NULL;
    return cz__view_offers(view, is_detail(req) ? CZ_ACTION_update : CZ_ACTION_create)
               ? view->serializer
               : NULL;
}

/* As in DRF, PUT is about a row that is there, POST about none. */
static bool finds_row(const cz_request *req, cz_method method)
{
    const cz_extra_action *extra = cz__view_extra(req);
    return method == CZ_METHOD_PUT && (!extra || extra->detail);
}

static void write_actions(cz_ctx *ctx, const cz_request *req, cz_json_writer *json)
{
    cz_method method;
    cz_serializer *input = input_of(req, &method);
    if (!input || !may_do(ctx, req, method, finds_row(req, method)))
        return;
    open_object(json, "actions");
    open_object(json, cz_method_name(method));
    write_fields(ctx, json, input);
    cz_json_object_end(json);
    cz_json_object_end(json);
}

/* ---- the document ---- */

/* "book" of book_views, as DRF has "Book" of BookViewSet. */
static cz_str bare_name(const cz_viewset *view)
{
    static const char *const endings[] = { "_viewset", "_views", "_view" };
    cz_str name = cz_str_from(view->name);
    for (size_t i = 0; i < CZ_COUNT(endings); i++) {
        cz_str ending = cz_str_from(endings[i]);
        if (name.len > ending.len && cz_str_ends_with(name, ending))
            return cz_str_head(name, name.len - ending.len);
    }
    return name;
}

static cz_str name_of(cz_ctx *ctx, const cz_request *req)
{
    const cz_extra_action *extra = cz__view_extra(req);
    if (extra)
        return words_of(ctx, cz_str_from(extra->name), false);
    return cz_format(ctx, "%.*s %s", CZ_STR_ARG(words_of(ctx, bare_name(cz_view_of(req)), true)),
                     is_detail(req) ? "Instance" : "List");
}

static void write_formats(cz_json_writer *json, const cz_viewset *view)
{
    const cz_renderers *renderers = view->renderers ? view->renderers : &cz_default_renderers;
    const cz_parsers *parsers = view->parsers ? view->parsers : &cz_default_parsers;
    cz_json_key(json, CZ_STR("renders"));
    cz_json_list(json);
    for (size_t i = 0; i < renderers->count; i++)
        cz_json_str(json, cz_str_from(renderers->items[i]->media_type));
    cz_json_list_end(json);
    cz_json_key(json, CZ_STR("parses"));
    cz_json_list(json);
    for (size_t i = 0; i < parsers->count; i++)
        cz_json_str(json, cz_str_from(parsers->items[i]->media_type));
    cz_json_list_end(json);
}

void cz__view_describe(cz_ctx *ctx, cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    cz_json_writer json;
    cz__view_admit(ctx, req);
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_object(&json);
    member(&json, "name", name_of(ctx, req));
    member(&json, "description", cz_str_from(view->description ? view->description : ""));
    write_formats(&json, view);
    write_actions(ctx, req, &json);
    cz_json_object_end(&json);
    if (req->render)
        req->render(ctx, req);
}
