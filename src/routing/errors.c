/* Error documents: DRF's shape by default because clients parse it, RFC 9457 where the client asks for
 * application/problem+json or the project says so, FastAPI's 422 by setting, a plain page for browsers. */
#include "routing/errors.h"
#include <calzone/json.h>
#include <calzone/log.h>
#include <stdarg.h>
#include <stdio.h>

static cz__error_format chosen_format;
static bool tell_internals_of_errors;

void cz__errors_configure(cz__error_format format, bool tell_internals)
{
    chosen_format = format;
    tell_internals_of_errors = tell_internals;
}

void cz_field_errors_add(cz_ctx *ctx, cz_field_errors *errors, cz_str field, const char *code,
                         const char *format, ...)
{
    char text[256];
    va_list args;
    if (errors->count++ >= CZ_FIELD_ERRORS_MAX)
        return;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    cz_field_error *error = cz_new(ctx, cz_field_error);
    *error = (cz_field_error){ .field = field,
                               .code = code,
                               .message = cz_copy(ctx, cz_str_of(text, kept)) };
    *errors->end = error;
    errors->end = &error->next;
}

void cz_field_errors_raise(cz_ctx *ctx, const cz_field_errors *errors)
{
    if (!errors->count)
        return;
    cz_field_errors *kept = cz_new(ctx, cz_field_errors);
    *kept = *errors;
    cz_error err;
    const cz_field_error *first = errors->first;
    cz_ignore(cz_error_set(&err, CZ_EVALIDATION, "%.*s: %.*s%s", CZ_STR_ARG(first->field),
                           CZ_STR_ARG(first->message), errors->count > 1 ? " (and more)" : ""));
    err.details = kept;
    cz_raise_error(ctx, &err);
}

/* ---- the documents ---- */

struct document {
    const cz_error *err;
    int http;
    cz_str message;
    const char *code;
    const cz_field_errors *fields;
};

static void key_str(cz_json_writer *json, const char *key, cz_str value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_str(json, value);
}

/* Members "field": ["message", ...], each field once, in the order first met. */
static void write_fields(cz_json_writer *json, const cz_field_errors *errors)
{
    for (const cz_field_error *e = errors->first; e; e = e->next) {
        bool before = false;
        for (const cz_field_error *p = errors->first; p != e && !before; p = p->next)
            before = cz_str_eq(p->field, e->field);
        if (before)
            continue;
        cz_json_key(json, e->field);
        cz_json_list(json);
        for (const cz_field_error *p = e; p; p = p->next)
            if (cz_str_eq(p->field, e->field))
                cz_json_str(json, p->message);
        cz_json_list_end(json);
    }
}

static void write_drf(cz_json_writer *json, const struct document *doc)
{
    cz_json_object(json);
    if (doc->fields) {
        write_fields(json, doc->fields);
    } else {
        key_str(json, "detail", doc->message);
        key_str(json, "code", cz_str_from(doc->code));
    }
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
        cz_json_object(json);
        write_fields(json, doc->fields);
        cz_json_object_end(json);
    }
    cz_json_object_end(json);
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
    for (const cz_field_error *e = doc->fields->first; e; e = e->next) {
        cz_json_object(json);
        key_str(json, "type", cz_str_from(e->code));
        cz_json_key(json, CZ_STR("loc"));
        cz_json_list(json);
        cz_json_str(json, CZ_STR("body"));
        cz_json_str(json, e->field);
        cz_json_list_end(json);
        key_str(json, "msg", e->message);
        cz_json_object_end(json);
    }
    cz_json_list_end(json);
    cz_json_object_end(json);
}

static void append_html(cz_buf *out, cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '<':
            cz_buf_append_lit(out, "&lt;");
            break;
        case '>':
            cz_buf_append_lit(out, "&gt;");
            break;
        case '&':
            cz_buf_append_lit(out, "&amp;");
            break;
        case '"':
            cz_buf_append_lit(out, "&quot;");
            break;
        default:
            cz_buf_append_char(out, text.ptr[i]);
        }
    }
}

static void write_html(cz_buf *out, const struct document *doc, cz_str request_id)
{
    const char *reason = cz_http_reason(doc->http);
    cz_buf_printf(out,
                  "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n"
                  "<title>%d %s</title>\n<h1>%d %s</h1>\n<p>",
                  doc->http, reason, doc->http, reason);
    append_html(out, doc->message);
    cz_buf_append_lit(out, "</p>\n");
    if (request_id.len) {
        cz_buf_append_lit(out, "<p><small>Request ");
        append_html(out, request_id);
        cz_buf_append_lit(out, "</small></p>\n");
    }
    cz_buf_append_lit(out, "</html>\n");
}

/* Whether `accept` names `type` before it names JSON or anything. A full negotiation comes with the
 * renderers; for errors the first named type is the browser's wish. */
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
    if (http < 500 || err->status == CZ_EUNSUPPORTED)
        return;
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

static void set_retry_after(cz_ctx *ctx, void *arg)
{
    cz_respond_header_static(ctx, arg, CZ_STR("Retry-After"), CZ_STR("1"));
}

void cz__answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err)
{
    struct document doc = { .err = err,
                            .http = cz_error_http(err),
                            .code = cz_error_code(err),
                            .message = cz_str_from(cz_error_message(err)) };
    if (err->status == CZ_EVALIDATION)
        doc.fields = err->details;
    if (chosen_format == CZ__ERRORS_FASTAPI && doc.fields)
        doc.http = 422;
    log_failure(ctx, req, err, doc.http);
    if (doc.http >= 500 && !tell_internals_of_errors && err->status != CZ_EUNSUPPORTED) {
        doc.message = cz_str_from(doc.http == 503 ? "Service unavailable; try again later."
                                                  : "A server error occurred.");
        doc.code = doc.http == 503 ? "unavailable" : "error";
    }
    cz_response *response = &req->response;
    cz_buf_clear(response->body);
    response->body_text = CZ_STR("");
    response->stream = NULL;
    response->status = doc.http;
    response->sent = response->raised = true;
    set_document(ctx, req, &doc);
    if (doc.http == 503)
        cz_ignore(cz_try(ctx, set_retry_after, req, NULL)); /* without memory it goes without */
}
