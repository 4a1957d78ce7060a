/* What one method of a path takes and answers. */
#include "openapi/openapi_internal.h"
#include <ctype.h>
#include <stdio.h>

/* One operation as its route has it. */
struct operation {
    const cz_route_info *route;
    const cz_viewset *view;      /* NULL: a handler of one's own */
    const cz_operation_doc *doc; /* NULL: nothing was said */
    bool stock;                  /* of a viewset, and answered by it */
};

static cz_handler own_handler(const cz_viewset *view, int action)
{
    const cz_handler own[CZ_ACTION_COUNT] = {
#define X(name) [CZ_ACTION_##name] = view->name,
        CZ_ACTION_MAP(X)
#undef X
    };
    return own[action];
}

static struct operation operation_of(const cz_route_info *route)
{
    struct operation op = { .route = route,
                            .view = cz_view_of_route(route),
                            .doc = route->route->doc };
    if (op.view && route->action >= CZ_ACTION_COUNT)
        op.doc = op.view->actions.items[route->action - CZ_ACTION_COUNT].doc;
    op.stock = op.view && route->action < CZ_ACTION_COUNT && !own_handler(op.view, route->action);
    return op;
}

bool cz__operation_is_shown(const cz_route_info *route)
{
    struct operation op = operation_of(route);
    bool document = route->route->resource && !op.view; /* this document itself */
    return !document && !(op.doc && op.doc->hidden) && cz_version_lists_route(NULL, route);
}

bool cz_openapi_is_documented(const cz_route_info *route)
{
    struct operation op = operation_of(route);
    return !cz__operation_is_shown(route) || (op.view && route->action < CZ_ACTION_COUNT) ||
           (op.doc && op.doc->summary);
}

/* ---- names ---- */

static const char *title_of(const cz_model *model)
{
    return model->meta.verbose_name ? model->meta.verbose_name : model->state->lower_name;
}

static cz_str summary_of(struct cz__document *doc, const struct operation *op)
{
    static const char *const stock[] = { "List every", "Create a",         "Show a",
                                         "Replace a",  "Change part of a", "Delete a" };
    if (op->doc && op->doc->summary)
        return cz_str_from(op->doc->summary);
    if (op->view && op->route->action < CZ_ACTION_COUNT)
        return cz_format(doc->ctx, "%s %s", stock[op->route->action], title_of(op->view->model));
    return cz_format(doc->ctx, "%s %s", op->route->method, op->route->pattern);
}

/* "books_list"; "get_loans_id_return" of a handler. Unique, as method and path are. */
static cz_str id_of(struct cz__document *doc, const struct operation *op)
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

static cz_str tag_of(struct cz__document *doc, const struct operation *op)
{
    if (op->doc && op->doc->tag)
        return cz_str_from(op->doc->tag);
    if (op->view)
        return cz_str_from(op->view->name);
    cz_str rest = cz_str_from(op->route->pattern);
    rest = cz_str_tail(rest, 1);
    cz_str first = cz_str_cut(&rest, '/');
    bool plain = first.len && cz_str_find_char(first, '<') == SIZE_MAX;
    return plain ? cz_copy(doc->ctx, first) : CZ_STR("default");
}

/* ---- bodies ---- */

static void write_content(struct cz__document *doc, const char *media_type, cz_str schema)
{
    cz__doc_object(doc, media_type);
    if (schema.len)
        cz__schema_ref(doc, "schema", schema);
    cz_json_object_end(&doc->json);
}

static void write_request(struct cz__document *doc, const struct operation *op,
                          cz_serializer *serializer, bool partial)
{
    const cz_parsers *parsers =
        op->view && op->view->parsers ? op->view->parsers : &cz_default_parsers;
    cz_str schema = cz__schema_named(doc, serializer, partial ? CZ__SCHEMA_PATCH : CZ__SCHEMA_IN,
                                     CZ_PAGE_NUMBER);
    cz__doc_object(doc, "requestBody");
    cz__doc_bool(doc, "required", !partial);
    cz__doc_object(doc, "content");
    for (size_t i = 0; i < parsers->count; i++)
        write_content(doc, parsers->items[i]->media_type, schema);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

static void begin_response(struct cz__document *doc, int status, const char *description)
{
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    cz__doc_object(doc, status ? text : "default");
    cz__doc_str(doc, "description", description);
}

/* In each format the operation has; `schema` is that of JSON. */
static void write_success(struct cz__document *doc, const struct operation *op, int status,
                          cz_str schema, bool list, bool location)
{
    begin_response(doc, status, cz_http_reason(status));
    if (location) {
        cz__doc_object(doc, "headers");
        cz__doc_object(doc, "Location");
        cz__doc_object(doc, "schema");
        cz__doc_str(doc, "type", "string");
        cz__doc_str(doc, "format", "uri-reference");
        cz_json_object_end(&doc->json);
        cz_json_object_end(&doc->json);
        cz_json_object_end(&doc->json);
    }
    cz__doc_object(doc, "content");
    const cz_renderers *renderers =
        op->view && op->view->renderers ? op->view->renderers : &cz_default_renderers;
    for (size_t i = 0; i < renderers->count; i++) {
        cz__doc_object(doc, renderers->items[i]->media_type);
        bool json = !renderers->items[i]->render;
        if (!json || (list && schema.len)) {
            cz__doc_object(doc, "schema");
            cz__doc_str(doc, "type", json ? "array" : "string");
            if (json)
                cz__schema_ref(doc, "items", schema);
            cz_json_object_end(&doc->json);
        } else if (schema.len) {
            cz__schema_ref(doc, "schema", schema);
        }
        cz_json_object_end(&doc->json);
    }
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

static void write_error(struct cz__document *doc, int status, const char *description,
                        bool validation)
{
    begin_response(doc, status, description);
    cz__doc_object(doc, "content");
    if (validation) {
        cz__doc_object(doc, "application/json");
        cz__doc_object(doc, "schema");
        cz__doc_list(doc, "anyOf");
        cz__schema_ref(doc, NULL, CZ_STR("ValidationErrors"));
        cz__schema_ref(doc, NULL, CZ_STR("Error"));
        cz_json_list_end(&doc->json);
        cz_json_object_end(&doc->json);
        cz_json_object_end(&doc->json);
    } else {
        write_content(doc, "application/json", CZ_STR("Error"));
    }
    write_content(doc, "application/problem+json", CZ_STR("Problem"));
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

/* ---- the actions of a viewset ---- */

static void write_list(struct cz__document *doc, const struct operation *op)
{
    const cz_viewset *view = op->view;
    bool plain = view->pagination == CZ_NO_PAGES;
    write_success(doc, op, 200,
                  cz__schema_named(doc, view->serializer, plain ? CZ__SCHEMA_OUT : CZ__SCHEMA_PAGE,
                                   view->pagination),
                  plain, false);
    if (view->filters.count || view->search.count)
        write_error(doc, 400, "A parameter has no such value.", true);
}

static void write_stock(struct cz__document *doc, const struct operation *op)
{
    cz_action action = (cz_action)op->route->action;
    cz_str row = cz__schema_named(doc, op->view->serializer, CZ__SCHEMA_OUT, CZ_PAGE_NUMBER);
    bool writes = action != CZ_ACTION_list && action != CZ_ACTION_retrieve;
    bool takes = writes && action != CZ_ACTION_destroy;
    if (action == CZ_ACTION_list) {
        write_list(doc, op);
    } else if (action == CZ_ACTION_destroy) {
        begin_response(doc, 204, "It is deleted.");
        cz_json_object_end(&doc->json);
    } else if (action == CZ_ACTION_create) {
        write_success(doc, op, 201, row, false, true);
    } else {
        write_success(doc, op, 200, row, false, false);
        if (action == CZ_ACTION_update && op->view->put_creates)
            write_success(doc, op, 201, row, false, false);
    }
    if (takes)
        write_error(doc, 400, "The input is malformed, or its values can't be.", true);
    if (op->view->permissions != &cz_allow_any &&
        (writes || op->view->permissions != &cz_read_only))
        write_error(doc, 403, "Not allowed.", false);
    bool finds = (action != CZ_ACTION_list && action != CZ_ACTION_create) || op->view->parent.len ||
                 (action == CZ_ACTION_list && op->view->pagination != CZ_LIMIT_OFFSET &&
                  op->view->pagination != CZ_NO_PAGES) ||
                 op->view->renderers;
    if (finds)
        write_error(doc, 404, "There is none.", false);
    write_error(doc, 406, "The format is not to be had.", false);
    if (writes)
        write_error(doc, 409, "Another row is in the way.", false);
    bool changes = writes && action != CZ_ACTION_create;
    if (changes)
        write_error(doc, 412, "It is not as If-Match has it.", false);
    if (takes)
        write_error(doc, 415, "The body is of another type.", false);
    if (changes && op->view->require_match)
        write_error(doc, 428, "If-Match is missing.", false);
}

static void write_own(struct cz__document *doc, const struct operation *op)
{
    const cz_operation_doc *said = op->doc;
    int status = said && said->status ? said->status : 200;
    if (status == 204) {
        begin_response(doc, 204, cz_http_reason(204));
        cz_json_object_end(&doc->json);
        return;
    }
    cz_str schema = said && said->response
                        ? cz__schema_named(doc, said->response, CZ__SCHEMA_OUT, CZ_PAGE_NUMBER)
                        : CZ_STR("");
    write_success(doc, op, status, schema, said && said->list, false);
    if (said && said->request)
        write_error(doc, 400, "The input is malformed, or its values can't be.", true);
}

/* ---- the whole ---- */

static void write_body(struct cz__document *doc, const struct operation *op)
{
    int action = op->route->action;
    if (op->stock && (action == CZ_ACTION_create || action == CZ_ACTION_update ||
                      action == CZ_ACTION_partial_update))
        write_request(doc, op, op->view->serializer, action == CZ_ACTION_partial_update);
    else if (op->doc && op->doc->request)
        write_request(doc, op, op->doc->request, strcmp(op->route->method, "PATCH") == 0);
}

void cz__operation_write(struct cz__document *doc, const cz_route_info *route)
{
    struct operation op = operation_of(route);
    cz_json_object(&doc->json);
    cz_json_key(&doc->json, CZ_STR("operationId"));
    cz_json_str(&doc->json, id_of(doc, &op));
    cz_json_key(&doc->json, CZ_STR("summary"));
    cz_json_str(&doc->json, summary_of(doc, &op));
    if (op.doc && op.doc->description)
        cz__doc_str(doc, "description", op.doc->description);
    cz_str tag = tag_of(doc, &op);
    cz__doc_list(doc, "tags");
    cz_json_str(&doc->json, tag);
    cz_json_list_end(&doc->json);
    cz_check(doc->ctx, cz_map_set(&doc->tags, tag, doc));
    cz__parameters_write(doc, route, op.stock ? op.view : NULL);
    write_body(doc, &op);
    cz__doc_object(doc, "responses");
    if (op.stock)
        write_stock(doc, &op);
    else
        write_own(doc, &op);
    write_error(doc, 0, "Whatever else goes wrong.", true);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}
