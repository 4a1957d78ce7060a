/* What one method of a path answers: the statuses of a viewset's action, those a handler tells of, and errors. */
#include "openapi/openapi_internal.h"
#include "routing/errors.h"
#include <calzone/throttling.h>
#include <stdio.h>

/* ---- pieces ---- */

static bool is_written(const struct cz__document *doc, int status)
{
    return (doc->answers[status / 64] >> status % 64) & 1;
}

static void begin_response(struct cz__document *doc, int status, const char *description)
{
    char text[16];
    doc->answers[status / 64] |= UINT64_C(1) << status % 64;
    snprintf(text, sizeof text, "%d", status);
    cz__doc_object(doc, status ? text : "default");
    cz__doc_str(doc, "description", description);
}

static void write_empty(struct cz__document *doc, int status, const char *description)
{
    begin_response(doc, status, description);
    cz_json_object_end(&doc->json);
}

static void begin_schema(struct cz__document *doc, const char *media_type)
{
    cz__doc_object(doc, media_type);
    cz__doc_object(doc, "schema");
}

static void end_schema(struct cz__document *doc)
{
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

static void write_text(struct cz__document *doc, const char *media_type)
{
    begin_schema(doc, media_type);
    cz__doc_str(doc, "type", "string");
    end_schema(doc);
}

void cz__content_write(struct cz__document *doc, const char *media_type, cz_str schema)
{
    cz__doc_object(doc, media_type);
    if (schema.len)
        cz__schema_ref(doc, "schema", schema);
    cz_json_object_end(&doc->json);
}

static const cz_renderers *renderers_of(const struct cz__operation *op)
{
    return op->view && op->view->renderers ? op->view->renderers : &cz_default_renderers;
}

/* ---- headers ---- */

static void write_header(struct cz__document *doc, const char *name, const char *format,
                         const char *description)
{
    cz__doc_object(doc, name);
    cz__doc_str(doc, "description", description);
    cz__doc_object(doc, "schema");
    cz__doc_str(doc, "type", "string");
    if (format)
        cz__doc_str(doc, "format", format);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

/* What a success has beside its body. */
struct headers {
    bool location, etag;
};

static void write_headers(struct cz__document *doc, struct headers headers)
{
    if (!headers.location && !headers.etag)
        return;
    cz__doc_object(doc, "headers");
    if (headers.location)
        write_header(doc, "Location", "uri-reference", "Where the new one is.");
    if (headers.etag)
        write_header(doc, "ETag", NULL, "The name of this state, for If-None-Match and If-Match.");
    cz_json_object_end(&doc->json);
}

/* ---- successes ---- */

/* How many rows an answer has, or a request. */
enum amount { ONE, LIST, ONE_OR_LIST };

static void write_list_schema(struct cz__document *doc, cz_str schema)
{
    cz__doc_str(doc, "type", "array");
    cz__schema_ref(doc, "items", schema);
}

static void write_json(struct cz__document *doc, const char *media_type, cz_str schema,
                       enum amount amount)
{
    if (amount == ONE || !schema.len) {
        cz__content_write(doc, media_type, schema);
        return;
    }
    begin_schema(doc, media_type);
    if (amount == LIST) {
        write_list_schema(doc, schema);
    } else {
        cz__doc_list(doc, "anyOf");
        cz__schema_ref(doc, NULL, schema);
        cz_json_object(&doc->json);
        write_list_schema(doc, schema);
        cz_json_object_end(&doc->json);
        cz_json_list_end(&doc->json);
    }
    end_schema(doc);
}

/* A format that is no JSON, by each of its names. */
static void write_format(struct cz__document *doc, const cz_renderer *renderer)
{
    write_text(doc, renderer->media_type);
    for (const char *const *also = renderer->also; also && *also; also++)
        write_text(doc, *also);
}

/* In each format the operation has; `schema` is that of JSON. */
static void write_success(struct cz__document *doc, const struct cz__operation *op, int status,
                          cz_str schema, enum amount amount, struct headers headers)
{
    const cz_renderers *renderers = renderers_of(op);
    begin_response(doc, status, cz_http_reason(status));
    write_headers(doc, headers);
    cz__doc_object(doc, "content");
    for (size_t i = 0; i < renderers->count; i++)
        if (renderers->items[i]->render)
            write_format(doc, renderers->items[i]);
        else
            write_json(doc, renderers->items[i]->media_type, schema, amount);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

/* ---- errors ---- */

/* The status whose answers have this number, for an example of one. */
static cz_status status_of(int http)
{
    static const cz_status statuses[] = {
#define X(name, value, http, code, text) CZ_##name,
        CZ_STATUS_MAP(X)
#undef X
    };
    for (size_t i = 0; i < CZ_COUNT(statuses); i++)
        if (cz_status_http(statuses[i]) == http)
            return statuses[i];
    return CZ_OK;
}

static void write_example(struct cz__document *doc, int http, bool problem)
{
    cz_status status = status_of(http);
    if (!status)
        return;
    cz__doc_object(doc, "example");
    if (problem) {
        cz__doc_str(doc, "type", "about:blank");
        cz__doc_str(doc, "title", cz_http_reason(http));
        cz__doc_int(doc, "status", http);
    }
    cz__doc_str(doc, "detail", cz_status_text(status));
    if (problem || cz__errors_format() != CZ__ERRORS_FASTAPI)
        cz__doc_str(doc, "code", cz_status_code(status));
    cz_json_object_end(&doc->json);
}

static void write_json_error(struct cz__document *doc, int status, bool error, bool fields,
                             bool lists)
{
    cz_str invalid = cz__errors_format() == CZ__ERRORS_FASTAPI ? CZ_STR("HTTPValidationError")
                                                               : CZ_STR("ValidationErrors");
    bool drf = cz__errors_format() != CZ__ERRORS_FASTAPI;
    if (!error) {
        cz__content_write(doc, "application/json", invalid);
        return;
    }
    cz__doc_object(doc, "application/json");
    if (fields) {
        cz__doc_object(doc, "schema");
        cz__doc_list(doc, "anyOf");
        cz__schema_ref(doc, NULL, invalid);
        if (drf && lists) {
            cz_json_object(&doc->json);
            write_list_schema(doc, invalid);
            cz_json_object_end(&doc->json);
        }
        cz__schema_ref(doc, NULL, CZ_STR("Error"));
        cz_json_list_end(&doc->json);
        cz_json_object_end(&doc->json);
    } else {
        cz__schema_ref(doc, "schema", CZ_STR("Error"));
        write_example(doc, status, false);
    }
    cz_json_object_end(&doc->json);
}

static void write_problem(struct cz__document *doc, int status)
{
    cz__doc_object(doc, "application/problem+json");
    cz__schema_ref(doc, "schema", CZ_STR("Problem"));
    write_example(doc, status, true);
    cz_json_object_end(&doc->json);
}

/* Whether its input may be a list of rows, whose errors are a list then. */
static bool takes_lists(const struct cz__operation *op)
{
    bool creates = op->view && op->view->bulk && op->route->action == CZ_ACTION_create;
    return creates || cz__operation_is_bulk(op) || (op->doc && op->doc->request_list);
}

/* `error`: it may be about the request; `fields`: about single fields of it. Whatever the operation's formats are, a browser
 * gets a page, and who asks for application/problem+json that. */
static void write_error_kinds(struct cz__document *doc, const struct cz__operation *op, int status,
                              const char *description, bool error, bool fields)
{
    const cz_renderers *renderers = renderers_of(op);
    begin_response(doc, status, description);
    if (status == 429) {
        cz__doc_object(doc, "headers");
        write_header(doc, "Retry-After", NULL, "How many seconds to wait.");
        cz_json_object_end(&doc->json);
    }
    cz__doc_object(doc, "content");
    if (cz__errors_format() != CZ__ERRORS_PROBLEM)
        write_json_error(doc, status, error, fields, takes_lists(op));
    write_problem(doc, status);
    write_text(doc, "text/html");
    for (size_t i = 0; i < renderers->count; i++)
        if (renderers->items[i]->render)
            write_format(doc, renderers->items[i]);
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

static void write_error(struct cz__document *doc, const struct cz__operation *op, int status,
                        const char *description)
{
    write_error_kinds(doc, op, status, description, true, false);
}

/* What is wrong with fields is a 400 with the errors of each, in FastAPI's form a 422. */
static void write_invalid(struct cz__document *doc, const struct cz__operation *op,
                          const char *description)
{
    bool apart = cz__errors_format() == CZ__ERRORS_FASTAPI;
    write_error_kinds(doc, op, 400, description, true, !apart);
    if (apart)
        write_error_kinds(doc, op, 422, description, false, true);
}

/* ---- the actions of a viewset ---- */

static void write_list(struct cz__document *doc, const struct cz__operation *op)
{
    const cz_viewset *view = op->view;
    bool plain = view->pagination == CZ_NO_PAGES;
    enum cz__schema_mode page = view->sparse ? CZ__SCHEMA_SPARSE_PAGE : CZ__SCHEMA_PAGE;
    write_success(doc, op, 200,
                  cz__schema_named(doc, view->serializer, plain ? cz__schema_shown(view) : page,
                                   view->pagination),
                  plain ? LIST : ONE, (struct headers){ .etag = view->etags });
    if (view->filters.count || view->search.count || view->sparse || view->strict_query)
        write_invalid(doc, op, "A parameter has no such value.");
}

static void write_stock_success(struct cz__document *doc, const struct cz__operation *op)
{
    const cz_viewset *view = op->view;
    cz_action action = (cz_action)op->route->action;
    cz_str row = cz__schema_named(doc, view->serializer, cz__schema_shown(view), CZ_PAGE_NUMBER);
    struct headers etag = { .etag = view->etags },
                   created = { .location = true, .etag = view->etags };
    if (action == CZ_ACTION_list)
        write_list(doc, op);
    else if (action == CZ_ACTION_destroy || action == CZ_ACTION_bulk_destroy)
        write_empty(doc, 204, "It is deleted.");
    else if (action == CZ_ACTION_create)
        write_success(doc, op, 201, row, view->bulk ? ONE_OR_LIST : ONE, created);
    else
        write_success(doc, op, 200, row, cz__operation_is_bulk(op) ? LIST : ONE, etag);
    if (action == CZ_ACTION_update && view->put_creates)
        write_success(doc, op, 201, row, ONE, etag);
    if (view->etags && (action == CZ_ACTION_list || action == CZ_ACTION_retrieve))
        write_empty(doc, 304, "It is as If-None-Match has it.");
}

/* Whether there may be no such row, page or format. */
static bool may_be_missing(const cz_viewset *view, cz_action action)
{
    bool pages = action == CZ_ACTION_list && view->pagination != CZ_LIMIT_OFFSET &&
                 view->pagination != CZ_NO_PAGES;
    bool of_row = action == CZ_ACTION_retrieve || action == CZ_ACTION_update ||
                  action == CZ_ACTION_partial_update || action == CZ_ACTION_destroy;
    return of_row || view->parent.len || pages || view->renderers;
}

static void write_stock(struct cz__document *doc, const struct cz__operation *op)
{
    const cz_viewset *view = op->view;
    cz_action action = (cz_action)op->route->action;
    bool writes = action != CZ_ACTION_list && action != CZ_ACTION_retrieve;
    bool takes = writes && action != CZ_ACTION_destroy && action != CZ_ACTION_bulk_destroy;
    bool changes = writes && action != CZ_ACTION_create && !cz__operation_is_bulk(op);
    bool chooses = view->sparse && action == CZ_ACTION_retrieve;
    write_stock_success(doc, op);
    if (takes || chooses || action == CZ_ACTION_bulk_destroy)
        write_invalid(doc, op, "The input is malformed, or its values can't be.");
    if (cz__operation_is_secured(doc, op))
        write_error(doc, op, 401, "It is not told who asks.");
    if (!cz__operation_is_open(op))
        write_error(doc, op, 403, "Not allowed.");
    if (may_be_missing(view, action))
        write_error(doc, op, 404, "There is none.");
    write_error(doc, op, 406, "The format is not to be had.");
    if (writes)
        write_error(doc, op, 409, "Another row is in the way.");
    if (changes || (!writes && view->etags))
        write_error(doc, op, 412, "It is not as If-Match has it.");
    if (takes)
        write_error(doc, op, 415, "The body is of another type.");
    if (changes && view->require_match)
        write_error(doc, op, 428, "If-Match is missing.");
}

/* ---- handlers of one's own ---- */

static void write_own(struct cz__document *doc, const struct cz__operation *op)
{
    const cz_operation_doc *said = op->doc;
    int status = said->status ? said->status : 200;
    if (status == 204 || status == 205 || status / 100 == 3) {
        write_empty(doc, status, cz_http_reason(status));
    } else {
        cz_str schema = said->response
                            ? cz__schema_named(doc, said->response, CZ__SCHEMA_OUT, CZ_PAGE_NUMBER)
                            : CZ_STR("");
        write_success(doc, op, status, schema, said->list ? LIST : ONE, (struct headers){ 0 });
    }
    if (said->request)
        write_invalid(doc, op, "The input is malformed, or its values can't be.");
}

/* ---- what stands around any of them ---- */

static void write_once(struct cz__document *doc, const struct cz__operation *op, int status,
                       const char *description)
{
    if (!is_written(doc, status))
        write_error(doc, op, status, description);
}

/* What a viewset answers before an action of the project's own runs. */
static void write_admission(struct cz__document *doc, const struct cz__operation *op)
{
    const cz_viewset *view = op->view;
    int action = op->route->action;
    bool of_row = action >= CZ_ACTION_COUNT && view->actions.items[action - CZ_ACTION_COUNT].detail;
    if (cz__operation_is_secured(doc, op))
        write_once(doc, op, 401, "It is not told who asks.");
    if (!cz__operation_is_open(op))
        write_once(doc, op, 403, "Not allowed.");
    if (of_row || may_be_missing(view, (cz_action)action))
        write_once(doc, op, 404, "There is none.");
    write_once(doc, op, 406, "The format is not to be had.");
    if (cz__operation_changes_one(op))
        write_once(doc, op, 412, "It is not as If-Match has it.");
    if (cz__operation_changes_one(op) && view->require_match)
        write_once(doc, op, 428, "If-Match is missing.");
}

static bool is_throttled(const struct cz__operation *op)
{
    bool throttled = op->view && op->view->throttles;
    for (size_t i = 0; op->route->middleware && op->route->middleware[i]; i++)
        throttled |= cz__throttles_by(op->route->middleware[i]);
    return throttled;
}

static void write_around(struct cz__document *doc, const struct cz__operation *op)
{
    if (op->view && !op->stock)
        write_admission(doc, op);
    if (cz__operation_is_once(op)) {
        write_once(doc, op, 400, "The Idempotency-Key is none.");
        write_once(doc, op, 409, "The first request with this Idempotency-Key is not done yet.");
        write_once(doc, op, 422, "This Idempotency-Key came with another request.");
    }
    if (is_throttled(op))
        write_once(doc, op, 429, "Too many requests.");
}

void cz__responses_write(struct cz__document *doc, const struct cz__operation *op)
{
    memset(doc->answers, 0, sizeof doc->answers);
    cz__doc_object(doc, "responses");
    if (!op->stock && !op->doc) {
        write_empty(doc, 0, "What it answers is not documented.");
    } else {
        if (op->stock)
            write_stock(doc, op);
        else
            write_own(doc, op);
        write_around(doc, op);
        write_error_kinds(doc, op, 0, "Whatever else goes wrong.", true, true);
    }
    cz_json_object_end(&doc->json);
}
