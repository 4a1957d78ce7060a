/* What one method of a path takes and answers. */
#include "base/words.h"
#include "files/files.h"
#include "openapi/openapi_internal.h"
#include "versioning/versioning.h"
#include <calzone/idempotency.h>
#include <ctype.h>

struct cz__operation cz__operation_of(const cz_route_info *route)
{
    struct cz__operation op = { .route = route,
                                .view = cz_view_of_route(route),
                                .doc = route->route->doc };
    if (op.view && route->action >= CZ_ACTION_COUNT)
        op.doc = op.view->actions.items[route->action - CZ_ACTION_COUNT].doc;
    op.stock = op.view && route->action < CZ_ACTION_COUNT &&
               !cz__view_replaced(op.view, (cz_action)route->action);
    return op;
}

bool cz__operation_has(const struct cz__operation *op, const cz_middleware *middleware)
{
    for (size_t i = 0; op->route->middleware && op->route->middleware[i]; i++)
        if (op->route->middleware[i] == middleware)
            return true;
    return false;
}

bool cz__operation_is_once(const struct cz__operation *op)
{
    bool about = strcmp(op->route->method, "POST") == 0 || strcmp(op->route->method, "PATCH") == 0;
    return about && (cz__operation_has(op, &cz_idempotency) ||
                     cz__operation_has(op, &cz_idempotency_required));
}

bool cz__operation_changes_one(const struct cz__operation *op)
{
    if (!op->view || op->stock)
        return false;
    int action = op->route->action;
    if (action >= CZ_ACTION_COUNT)
        return cz__view_changes_one(&op->view->actions.items[action - CZ_ACTION_COUNT]);
    return action == CZ_ACTION_update || action == CZ_ACTION_partial_update ||
           action == CZ_ACTION_destroy;
}

bool cz__operation_is_shown(const cz_route_info *route, const char *api_version)
{
    struct cz__operation op = cz__operation_of(route);
    bool document = route->route->resource && !op.view; /* this document itself */
    return !document && !route->route->websocket && !(op.doc && op.doc->hidden) &&
           cz_version_lists_route(api_version, route);
}

bool cz_openapi_is_documented(const cz_route_info *route)
{
    struct cz__operation op = cz__operation_of(route);
    return !cz__operation_is_shown(route, NULL) || (op.view && route->action < CZ_ACTION_COUNT) ||
           (op.doc && op.doc->summary);
}

/* ---- names ---- */

static const char *title_of(const cz_model *model)
{
    return model->meta.verbose_name ? model->meta.verbose_name : model->state->lower_name;
}

static const char *article_of(const char *noun)
{
    return *noun && strchr("aeiouAEIOU", *noun) ? "an" : "a";
}

static cz_str summary_of(struct cz__document *doc, const struct cz__operation *op)
{
    static const char *const stock[CZ_ACTION_COUNT] = {
        [CZ_ACTION_list] = "List every",
        [CZ_ACTION_create] = "Create",
        [CZ_ACTION_retrieve] = "Show",
        [CZ_ACTION_update] = "Replace",
        [CZ_ACTION_partial_update] = "Change part of",
        [CZ_ACTION_destroy] = "Delete",
        [CZ_ACTION_bulk_update] = "Replace each named",
        [CZ_ACTION_bulk_partial_update] = "Change part of each named",
        [CZ_ACTION_bulk_destroy] = "Delete each named",
    };
    if (op->doc && op->doc->summary)
        return cz_str_from(op->doc->summary);
    if (!op->view || op->route->action >= CZ_ACTION_COUNT)
        return cz_format(doc->ctx, "%s %s", op->route->method, op->route->pattern);
    const char *title = title_of(op->view->model);
    if (op->route->action == CZ_ACTION_list || cz__operation_is_bulk(op))
        return cz_format(doc->ctx, "%s %s", stock[op->route->action], title);
    return cz_format(doc->ctx, "%s %s %s", stock[op->route->action], article_of(title), title);
}

/* "books_list"; "get_loans_id_return" of a handler. Unique, as method and path are. */
static cz_str id_of(struct cz__document *doc, const struct cz__operation *op)
{
    if (op->view) {
        cz_buf *label = cz_scratch(doc->ctx);
        const char *version = cz_version_of_route(op->route); /* two may share a viewset */
        if (version)
            cz_buf_printf(label, "v%s_", version + (*version == 'v'));
        for (const char *at = op->route->handler; *at; at++)
            cz_buf_append_char(label, (char)(*at == '.' ? '_' : *at));
        cz_check(doc->ctx, cz_buf_status(label));
        return cz_copy(doc->ctx, cz_buf_str(label));
    }
    size_t len = 0, bytes = strlen(op->route->method) + strlen(op->route->pattern) + 2;
    char *id = cz_alloc(doc->ctx, bytes);
    for (const char *at = op->route->method; *at; at++)
        id[len++] = (char)tolower((unsigned char)*at);
    for (const char *at = op->route->pattern; *at; at++) {
        bool letter = isalnum((unsigned char)*at) || *at == '_';
        if (letter || id[len - 1] != '_')
            id[len++] = letter ? *at : '_';
    }
    return cz_str_of(id, len && id[len - 1] == '_' ? len - 1 : len);
}

static bool is_plain_step(cz_str step)
{
    return step.len && cz_str_find_char(step, '<') == SIZE_MAX;
}

/* "books" of "/authors/<int:author>/books": the last step that is no parameter. */
static cz_str last_step(cz_str path)
{
    cz_str last = CZ_STR("");
    while (path.len) {
        cz_str step = cz_str_cut(&path, '/');
        if (is_plain_step(step))
            last = step;
    }
    return last;
}

static cz_str tag_of(struct cz__document *doc, const struct cz__operation *op)
{
    if (op->doc && op->doc->tag)
        return cz_str_from(op->doc->tag);
    if (op->view) {
        cz_str step = last_step(cz_str_from(op->route->route->pattern));
        return step.len ? cz_copy(doc->ctx, step) : cz_str_from(op->view->name);
    }
    cz_str rest = cz_str_tail(cz_str_from(op->route->pattern), 1);
    cz_str first = cz_str_cut(&rest, '/');
    if (rest.len && cz__version_is_step(op->route, first))
        first = cz_str_cut(&rest, '/'); /* /v2/estimate is about estimates */
    return is_plain_step(first) ? cz_copy(doc->ctx, first) : CZ_STR("default");
}

/* ---- bodies ---- */

/* The rows of a list, as JSON alone has them. */
static void write_list(struct cz__document *doc, cz_str schema)
{
    cz__doc_str(doc, "type", "array");
    cz__doc_int(doc, "maxItems", CZ_INPUT_LIST_MAX);
    cz__schema_ref(doc, "items", schema);
}

static void write_content(struct cz__document *doc, const struct cz__operation *op,
                          const char *media_type, cz_str schema)
{
    bool bulk = cz__operation_is_bulk(op) || (!op->stock && op->doc && op->doc->request_list);
    bool either = op->stock && op->view->bulk && op->route->action == CZ_ACTION_create;
    if (!bulk && !either) {
        cz__content_write(doc, media_type, schema);
        return;
    }
    cz__doc_object(doc, media_type);
    cz__doc_object(doc, "schema");
    if (either) {
        cz__doc_list(doc, "anyOf");
        cz__schema_ref(doc, NULL, schema);
        cz_json_object(&doc->json);
        write_list(doc, schema);
        cz_json_object_end(&doc->json);
        cz_json_list_end(&doc->json);
    } else {
        write_list(doc, schema);
    }
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

/* ---- files ---- */

static bool is_file_in(const struct cz__serializer_field *field)
{
    return field->column && field->column->upload && !field->read_only;
}

static bool takes_files(struct cz__document *doc, cz_serializer *serializer)
{
    const struct cz__serializer_state *state = cz__serializer_state(doc->ctx, serializer);
    for (size_t i = 0; i < state->count; i++)
        if (is_file_in(&state->fields[i]))
            return true;
    return false;
}

static bool is_multipart(const cz_parser *parser)
{
    return cz_str_eq_icase(cz_str_from(parser->media_type), CZ_STR("multipart/form-data"));
}

/* A form with files: of each what it may be, since a part of a form is text where nothing is said. */
static void write_form(struct cz__document *doc, cz_serializer *serializer, cz_str schema)
{
    const struct cz__serializer_state *state = cz__serializer_state(doc->ctx, serializer);
    cz__doc_object(doc, "multipart/form-data");
    cz__schema_ref(doc, "schema", schema);
    cz__doc_object(doc, "encoding");
    for (size_t i = 0; i < state->count; i++) {
        if (!is_file_in(&state->fields[i]))
            continue;
        const char *allowed = state->fields[i].column->field->options.content_types;
        cz_json_key(&doc->json, state->fields[i].name);
        cz_json_object(&doc->json);
        cz_json_key(&doc->json, CZ_STR("contentType"));
        cz_json_str(&doc->json, allowed ? cz__words_listed(doc->ctx, allowed)
                                        : CZ_STR("application/octet-stream"));
        cz_json_object_end(&doc->json);
    }
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

/* ---- requests ---- */

static void write_contents(struct cz__document *doc, const struct cz__operation *op,
                           cz_serializer *serializer, cz_str schema)
{
    const cz_parsers *parsers =
        op->view && op->view->parsers ? op->view->parsers : &cz_default_parsers;
    bool files = takes_files(doc, serializer), any = false;
    for (size_t i = 0; i < parsers->count; i++) {
        if (files && !is_multipart(parsers->items[i]))
            continue;
        any = true;
        if (files)
            write_form(doc, serializer, schema);
        else
            write_content(doc, op, parsers->items[i]->media_type, schema);
    }
    if (files && !any)
        cz_raise(doc->ctx, CZ_EINVAL,
                 "%s takes files, so the .parsers of the viewset %s need &cz_multipart_parser",
                 serializer->name, op->view->name);
}

static void write_request(struct cz__document *doc, const struct cz__operation *op,
                          cz_serializer *serializer, enum cz__schema_mode mode)
{
    cz_str schema = cz__schema_named(doc, serializer, mode, CZ_PAGE_NUMBER);
    cz__doc_object(doc, "requestBody");
    cz__doc_bool(doc, "required", mode != CZ__SCHEMA_PATCH);
    cz__doc_object(doc, "content");
    write_contents(doc, op, serializer, schema);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

/* What a handler or an extra action takes; NULL: nothing that is known. */
static cz_serializer *own_request(const struct cz__operation *op)
{
    if (op->doc && op->doc->request)
        return op->doc->request;
    bool extra = op->view && op->route->action >= CZ_ACTION_COUNT;
    bool has_body = strcmp(op->route->method, "POST") == 0 ||
                    strcmp(op->route->method, "PUT") == 0 ||
                    strcmp(op->route->method, "PATCH") == 0;
    return extra && has_body
               ? op->view->actions.items[op->route->action - CZ_ACTION_COUNT].serializer
               : NULL;
}

/* ---- the whole ---- */

static void write_body(struct cz__document *doc, const struct cz__operation *op)
{
    static const enum cz__schema_mode modes[CZ_ACTION_COUNT] = {
        [CZ_ACTION_create] = CZ__SCHEMA_IN,
        [CZ_ACTION_update] = CZ__SCHEMA_IN,
        [CZ_ACTION_partial_update] = CZ__SCHEMA_PATCH,
        [CZ_ACTION_bulk_update] = CZ__SCHEMA_LISTED,
        [CZ_ACTION_bulk_partial_update] = CZ__SCHEMA_PATCH,
    }; /* of the others CZ__SCHEMA_OUT: no body */
    if (op->stock && modes[op->route->action])
        write_request(doc, op, op->view->serializer, modes[op->route->action]);
    else if (own_request(op))
        write_request(doc, op, own_request(op),
                      strcmp(op->route->method, "PATCH") == 0 ? CZ__SCHEMA_PATCH : CZ__SCHEMA_IN);
}

void cz__operation_write(struct cz__document *doc, const cz_route_info *route)
{
    struct cz__operation op = cz__operation_of(route);
    cz_json_object(&doc->json);
    cz_json_key(&doc->json, CZ_STR("operationId"));
    cz_json_str(&doc->json, id_of(doc, &op));
    cz_json_key(&doc->json, CZ_STR("summary"));
    cz_json_str(&doc->json, summary_of(doc, &op));
    if (op.doc && op.doc->description)
        cz__doc_str(doc, "description", op.doc->description);
    if ((op.doc && op.doc->deprecated) || cz_deprecation_of_route(route))
        cz__doc_bool(doc, "deprecated", true);
    cz__operation_security_write(doc, &op);
    cz_str tag = tag_of(doc, &op);
    cz__doc_list(doc, "tags");
    cz_json_str(&doc->json, tag);
    cz_json_list_end(&doc->json);
    cz_check(doc->ctx, cz_map_set(&doc->tags, tag, doc));
    cz__parameters_write(doc, &op);
    write_body(doc, &op);
    cz__responses_write(doc, &op);
    cz_json_object_end(&doc->json);
}
