/* States by name: what a client has need not be sent again, and what another changed is not changed unseen (RFC 9110, 8.8.3
 * and 13; "lost updates"). A name is 128 bits of the row as JSON, so it is the same from every worker and format. */
#include "http/etags.h"
#include "views/views_internal.h"
#include <calzone/map.h>
#include <stdio.h>

static cz_str etag_of(cz_ctx *ctx, cz_str json)
{
    static const uint8_t keys[2][16] = { "calzone's etag 1", "calzone's etag 2" };
    return cz_format(ctx, "%016llx%016llx",
                     (unsigned long long)cz__siphash13(keys[0], json.ptr, json.len),
                     (unsigned long long)cz__siphash13(keys[1], json.ptr, json.len));
}

/* Whether a header names a state to be changed, in whatever format it was read: that stands behind a dash. */
static bool header_names(const cz_request *req, cz_str header, cz_str etag, bool strong)
{
    return cz__etag_is_named(req, header, etag, '-', strong);
}

/* Whether If-Match lets it be; it comes before If-None-Match (RFC 9110, 13.2.2). */
static bool is_meant(const cz_request *req, cz_str etag)
{
    return !cz_request_has_header(req, CZ_STR("If-Match")) ||
           header_names(req, CZ_STR("If-Match"), etag, true);
}

/* ---- GET ---- */

static cz_str body_of(const cz_response *response)
{
    cz_str body = cz_buf_str(response->body);
    return body.len ? body : response->body_text;
}

/* Another format is another representation, and has a name of its own. */
static void set_etag(cz_ctx *ctx, cz_request *req, cz_str etag)
{
    bool json = !req->render;
    cz_respond_header_static(ctx, req, CZ_STR("ETag"),
                             cz_format(ctx, "\"%.*s%s%s\"", CZ_STR_ARG(etag), json ? "" : "-",
                                       json ? "" : req->renderer->format));
}

void cz__view_name_state(cz_ctx *ctx, cz_request *req)
{
    const cz_response *response = &req->response;
    bool reads = req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD;
    if (response->status / 100 != 2 || response->stream || response->status == 204 ||
        !cz_str_eq(response->content_type, CZ_STR("application/json")))
        return;
    cz_str etag = etag_of(ctx, body_of(response));
    set_etag(ctx, req, etag);
    if (reads && !is_meant(req, etag))
        cz_raise(ctx, CZ_EPRECONDITION, "It is not as it was when you read it.");
    if (reads && cz__etag_is_known(req)) /* who has the state in another format has another body */
        cz_respond_empty(ctx, req, 304);
}

/* ---- changes ---- */

struct guarding {
    cz_request *req;
    cz_handler action;
};

static cz_str current_etag(cz_ctx *ctx, cz_request *req, cz_row *row)
{
    cz_buf *json = cz_scratch(ctx);
    cz__serializer_write(ctx, req, cz__view_serializer(ctx, req), row, json);
    cz_check(ctx, cz_buf_status(json));
    return etag_of(ctx, cz_buf_str(json));
}

/* Whether the row, or that there is none, is as the request says. What is not there is the action's to tell, unless PUT would
 * make it. */
static bool is_as_said(cz_ctx *ctx, cz_request *req, cz_row *row)
{
    bool matches = cz_request_has_header(req, CZ_STR("If-Match"));
    if (!row)
        return !matches || req->method != CZ_METHOD_PUT || !cz_view_of(req)->put_creates;
    cz_str etag = current_etag(ctx, req, row);
    return is_meant(req, etag) && !header_names(req, CZ_STR("If-None-Match"), etag, false);
}

static void check_and_run(cz_ctx *ctx, void *arg)
{
    const struct guarding *guarding = arg;
    cz_request *req = guarding->req;
    if (!is_as_said(ctx, req, cz__view_locked_object(ctx, req)))
        cz_raise(ctx, CZ_EPRECONDITION, "It is not as it was when you read it.");
    guarding->action(ctx, req);
}

void cz__view_atomic(cz_ctx *ctx, const cz_request *req, void (*fn)(cz_ctx *ctx, void *arg),
                     void *arg)
{
    cz_atomic_with(ctx,
                   &(const cz_atomic_options){ .database = cz_view_of(req)->model->meta.database },
                   fn, arg);
}

void cz__view_guard(cz_ctx *ctx, cz_request *req, cz_handler action)
{
    if (cz_request_has_header(req, CZ_STR("If-Match")) ||
        cz_request_has_header(req, CZ_STR("If-None-Match"))) {
        struct guarding guarding = { req, action };
        cz__view_atomic(ctx, req, check_and_run, &guarding);
        return;
    }
    if (cz_view_of(req)->require_match)
        cz_raise(ctx, CZ_EUNCONDITIONAL, "Say in If-Match which state of it you mean to change.");
    action(ctx, req);
}
