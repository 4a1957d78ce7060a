/* Error documents: DRF's shape by default because clients parse it, RFC 9457 where the client asks for
 * application/problem+json or the project says so, FastAPI's 422 by setting, a plain page for browsers. */
#include "routing/errors.h"
#include <calzone/html.h>
#include <calzone/log.h>
#include <calzone/random.h>
#include <calzone/routing.h>
#include <stdio.h>

enum { ROUTES_SHOWN_MAX = 1000 };

static cz__error_format chosen_format;
static bool tell_internals_of_errors;

void cz__errors_configure(cz__error_format format, bool tell_internals)
{
    chosen_format = format;
    tell_internals_of_errors = tell_internals;
}

bool cz__errors_tell_internals(void)
{
    return tell_internals_of_errors;
}

cz__error_format cz__errors_format(void)
{
    return chosen_format;
}

/* ---- the documents ---- */

struct document {
    const cz_error *err;
    int http;
    cz_str message;
    const char *code;
    const cz_field_errors *fields;
    bool no_route; /* the path leads nowhere, and who reads develops it */
};

static void key_str(cz_json_writer *json, const char *key, cz_str value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_str(json, value);
}

static void write_drf(cz_json_writer *json, const struct document *doc)
{
    if (doc->fields) {
        cz__field_errors_write_value(json, doc->fields);
        return;
    }
    cz_json_object(json);
    key_str(json, "detail", doc->message);
    key_str(json, "code", cz_str_from(doc->code));
    cz_json_object_end(json);
}

static void write_problem(cz_json_writer *json, const struct document *doc)
{
    cz_json_object(json);
    key_str(json, "type", CZ_STR("about:blank"));
    key_str(json, "title", cz_str_from(cz_http_reason(doc->http)));
    cz_json_key(json, CZ_STR("status"));
    cz_json_i64(json, doc->http);
    key_str(json, "detail", doc->message);
    key_str(json, "code", cz_str_from(doc->code));
    if (doc->fields) {
        cz_json_key(json, CZ_STR("errors"));
        cz__field_errors_write_value(json, doc->fields);
    }
    cz_json_object_end(json);
}

/* Where an error is: the steps that lead there, innermost first. */
struct location {
    const struct location *outer;
    cz_str field;
    size_t index;
    bool is_index;
};

static void write_location(cz_json_writer *json, const struct location *location)
{
    if (!location) {
        cz_json_str(json, CZ_STR("body"));
        return;
    }
    write_location(json, location->outer);
    if (location->is_index)
        cz_json_u64(json, location->index);
    else
        cz_json_str(json, location->field);
}

static void write_message(cz_json_writer *json, const cz_field_error *error,
                          const struct location *location)
{
    cz_json_object(json);
    key_str(json, "type", cz_str_from(error->code));
    cz_json_key(json, CZ_STR("loc"));
    cz_json_list(json);
    write_location(json, location);
    cz_json_list_end(json);
    key_str(json, "msg", error->message);
    cz_json_object_end(json);
}

static void write_locations(cz_json_writer *json, const cz_field_errors *errors,
                            const struct location *outer)
{
    for (const cz_field_error *e = errors->first; e; e = e->next) {
        struct location field = { .outer = outer, .field = e->field };
        for (size_t i = 0; i < e->item_count; i++) {
            struct location item = { .outer = e->field.len ? &field
                                                           : outer, /* else the body is the list */
                                     .index = i,
                                     .is_index = true };
            if (e->items[i])
                write_locations(json, e->items[i], &item);
        }
        if (e->object)
            write_locations(json, e->object, &field);
        else if (!e->item_count)
            write_message(json, e, &field);
    }
}

static void write_fastapi(cz_json_writer *json, const struct document *doc)
{
    cz_json_object(json);
    cz_json_key(json, CZ_STR("detail"));
    if (!doc->fields) {
        cz_json_str(json, doc->message);
        cz_json_object_end(json);
        return;
    }
    cz_json_list(json);
    write_locations(json, doc->fields, NULL);
    cz_json_list_end(json);
    cz_json_object_end(json);
}

/* Of a path that leads nowhere, as Django's page does. */
static void write_routes(cz_buf *out)
{
    const cz_router *router = cz_router_of_project();
    cz_route_info route;
    size_t cursor = 0;
    if (!router)
        return;
    cz_buf_append_lit(out, "<p>No route has this path. The project's are, in the order they are "
                           "tried:</p>\n<ol>\n");
    for (size_t n = 0; n < ROUTES_SHOWN_MAX && cz_router_next(router, &cursor, &route); n++) {
        cz_buf_printf(out, "<li><code>%s ", route.method);
        cz_html_escape(out, cz_str_from(route.pattern));
        cz_buf_append_lit(out, "</code> ");
        cz_html_escape(out, cz_str_from(route.name));
        cz_buf_append_lit(out, "</li>\n");
    }
    cz_buf_append_lit(out,
                      "</ol>\n<p><small>This list is shown in development alone.</small></p>\n");
}

static void write_html(cz_buf *out, const struct document *doc, cz_str request_id)
{
    const char *reason = cz_http_reason(doc->http);
    cz_buf_printf(out,
                  "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n"
                  "<title>%d %s</title>\n<h1>%d %s</h1>\n<p>",
                  doc->http, reason, doc->http, reason);
    cz_html_escape(out, doc->message);
    cz_buf_append_lit(out, "</p>\n");
    if (doc->no_route)
        write_routes(out);
    if (request_id.len) {
        cz_buf_append_lit(out, "<p><small>Request ");
        cz_html_escape(out, request_id);
        cz_buf_append_lit(out, "</small></p>\n");
    }
    cz_buf_append_lit(out, "</html>\n");
}

/* Whether `accept` names `type` before it names JSON or anything. Unlike an answer's, an error's format is not weighed by
 * quality: it is told whatever is asked for, and the first type that is named is the browser's wish. */
static bool prefers(cz_str accept, cz_str type)
{
    for (cz_str rest = accept; rest.len;) {
        cz_str item = cz_str_cut(&rest, ',');
        cz_str name = cz_str_trim(cz_str_cut(&item, ';'));
        if (cz_str_eq_icase(name, type))
            return true;
        if (cz_str_eq_icase(name, CZ_STR("application/json")) || cz_str_eq(name, CZ_STR("*/*")))
            return false;
    }
    return false;
}

static void log_failure(cz_ctx *ctx, const cz_request *req, const cz_error *err, int http)
{
    if (err->status == CZ_EINTEGRITY) /* a race between clients, or a program that forgot a rule */
        cz_log_warning(ctx, "calzone.request", cz_error_message(err), CZ_FIELD_INT("status", http),
                       CZ_FIELD_STR("method", req->method_text), CZ_FIELD_STR("path", req->path),
                       CZ_FIELD_STR("route", cz_str_from(ctx->label ? ctx->label : "")));
    if (http < 500 || err->status == CZ_EUNSUPPORTED || err->status == CZ_EOVERLOAD)
        return; /* the last is counted where it is made, and not a line each */
    cz_log_error(ctx, "calzone.request", cz_error_message(err), CZ_FIELD_INT("status", http),
                 CZ_FIELD_STR("error", cz_str_from(cz_status_name(err->status))),
                 CZ_FIELD_STR("method", req->method_text), CZ_FIELD_STR("path", req->path),
                 CZ_FIELD_STR("route", cz_str_from(ctx->label ? ctx->label : "")),
                 CZ_FIELD_STR("file", cz_str_from(err->file ? err->file : "")),
                 CZ_FIELD_INT("line", err->line));
}

static void set_document(cz_ctx *ctx, cz_request *req, const struct document *doc)
{
    cz_response *response = &req->response;
    cz_str accept = cz_request_header(req, CZ_STR("Accept"));
    cz_json_writer json;
    cz_json_writer_init(&json, response->body);
    if (prefers(accept, CZ_STR("text/html"))) {
        write_html(response->body, doc, ctx->request_id);
        response->content_type = CZ_STR("text/html; charset=utf-8");
    } else if (chosen_format == CZ__ERRORS_PROBLEM ||
               prefers(accept, CZ_STR("application/problem+json"))) {
        write_problem(&json, doc);
        response->content_type = CZ_STR("application/problem+json");
    } else {
        if (chosen_format == CZ__ERRORS_FASTAPI)
            write_fastapi(&json, doc);
        else
            write_drf(&json, doc);
        response->content_type = CZ_STR("application/json");
    }
    if (cz_buf_status(response->body))
        cz_buf_clear(response->body); /* no memory: the status alone must do */
}

static void render(cz_ctx *ctx, void *arg)
{
    cz_request *req = arg;
    req->render(ctx, req);
}

/* In the format that was chosen; what cannot be, as for want of memory, stays JSON. */
static void set_rendered_document(cz_ctx *ctx, cz_request *req, const struct document *doc)
{
    set_document(ctx, req, doc);
    if (!req->render || cz_try(ctx, render, req, NULL) == CZ_OK)
        return;
    cz_buf_clear(req->response.body);
    set_document(ctx, req, doc);
}

/* Not all at the same moment. */
static void set_retry_after(cz_ctx *ctx, void *arg)
{
    static const char *const seconds[] = { "1", "2", "3" };
    cz_respond_header_static(ctx, arg, CZ_STR("Retry-After"),
                             cz_str_from(seconds[cz_random_u64() % CZ_COUNT(seconds)]));
}

void cz__answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err)
{
    struct document doc = { .err = err,
                            .http = cz_error_http(err),
                            .code = cz_error_code(err),
                            .message = cz_str_from(cz_error_message(err)) };
    if (err->status == CZ_EVALIDATION)
        doc.fields = err->details;
    doc.no_route = doc.http == 404 && !req->entry && tell_internals_of_errors;
    if (chosen_format == CZ__ERRORS_FASTAPI && doc.fields)
        doc.http = 422;
    log_failure(ctx, req, err, doc.http);
    if (doc.http >= 500 && !tell_internals_of_errors && err->status != CZ_EUNSUPPORTED) {
        doc.message = cz_str_from(doc.http == 503 ? "Service unavailable; try again later."
                                                  : "A server error occurred.");
        if (err->status != CZ_EOVERLOAD)
            doc.code = doc.http == 503 ? "unavailable" : "error";
    }
    cz_response *response = &req->response;
    cz_buf_clear(response->body);
    response->body_text = CZ_STR("");
    response->stream = NULL;
    response->status = doc.http;
    response->sent = response->raised = true;
    set_rendered_document(ctx, req, &doc);
    if (doc.http == 503)
        cz_ignore(cz_try(ctx, set_retry_after, req, NULL)); /* without memory it goes without */
}
