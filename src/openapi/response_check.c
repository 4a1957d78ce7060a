/* Every answer against the document: a status that is documented, a type that is, and a body as its schema. The document is
 * made once, when the first answer is checked. */
#include "openapi/openapi_internal.h"
#include "openapi/response_check.h"
#include "openapi/schema_check.h"
#include <calzone/log.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void (*cz__response_fault_report)(const struct cz__response_fault *fault);

static struct {
    cz__response_checking checking;
    int record; /* a file that takes a line an answer; -1: none */
    cz_arena *arena;
    const cz_json_value *document; /* in the arena; NULL: not made yet */
} self = { .record = -1 };

void cz__response_check_configure(cz__response_checking checking, bool record)
{
    const char *path = record ? getenv("CZ_RESPONSES") : NULL;
    self.checking = checking;
    cz_arena_destroy(self.arena); /* a site before this one had another document */
    self.arena = NULL;
    self.document = NULL;
    if (self.record >= 0)
        close(self.record);
    self.record = path && *path ? open(path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600) : -1;
}

bool cz__response_check_is_on(void)
{
    return self.checking != CZ__RESPONSES_UNCHECKED;
}

/* ---- the document ---- */

static const cz_json_value *document(cz_ctx *ctx)
{
    cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX, .keys_max = UINT32_MAX };
    cz_error err;
    cz_str kept;
    if (self.document)
        return self.document;
    cz_buf *text = cz_scratch(ctx);
    const cz_router *router = cz_router_of_project();
    const cz_openapi *api = cz_openapi_of(router);
    cz_openapi all = api ? *api : (cz_openapi){ .title = "", .version = "" };
    all.api_version = NULL;
    cz_openapi_write(ctx, &all, router, CZ_STR(""), text);
    if (!self.arena)
        cz_check(ctx, cz_arena_create(NULL, 0, &self.arena));
    cz_check(ctx, cz_str_dup(self.arena, cz_buf_str(text), &kept));
    if (cz_json_parse(self.arena, kept, &limits, &self.document, &err))
        cz_raise_error(ctx, &err);
    return self.document;
}

/* The operation of a route, whose key is "get" for GET. */
static const cz_json_value *operation_of(cz_ctx *ctx, const cz_route_info *route)
{
    const cz_json_value *paths = cz_json_get(document(ctx), CZ_STR("paths"));
    const cz_json_value *path = cz_json_get(paths, cz__path_template(ctx, route->pattern));
    return cz_json_get(path, cz__method_key(ctx, route->method));
}

/* ---- one response ---- */

struct response {
    cz_ctx *ctx;
    const cz_request *req;
    struct cz__response_fault *fault;
};

static bool fail(const struct response *response, cz_str pointer, cz_str what)
{
    response->fault->pointer = pointer;
    response->fault->what = what;
    return false;
}

/* What is documented of a status. "default" stands for errors, and for anything where nothing is said of it. */
static const cz_json_value *documented(cz_ctx *ctx, const cz_json_value *operation, int status)
{
    const cz_json_value *responses = cz_json_get(operation, CZ_STR("responses"));
    const cz_json_value *own = cz_json_get(responses, cz_format(ctx, "%d", status));
    const cz_json_value *rest = cz_json_get(responses, CZ_STR("default"));
    bool covered = status >= 400 || !cz_json_get(rest, CZ_STR("content"));
    return own ? own : covered ? rest : NULL;
}

static const cz_json_value *content_of(const cz_json_value *content, cz_str type)
{
    for (uint32_t i = 0; i < content->count; i++)
        if (cz_str_eq_icase(content->keys[i], type))
            return &content->as.items[i];
    return NULL;
}

static bool is_json(cz_str type)
{
    return cz_str_eq_icase(type, CZ_STR("application/json")) ||
           cz_str_ends_with(type, CZ_STR("+json"));
}

static bool check_body(const struct response *response, cz_str body, const cz_json_value *schema)
{
    cz_ctx *ctx = response->ctx;
    cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX, .keys_max = UINT32_MAX };
    const cz_json_value *value;
    struct cz__schema_fault fault;
    cz_error err;
    if (cz_json_parse(cz__document_arena(ctx), body, &limits, &value, &err)) {
        if (err.status == CZ_ENOMEM)
            cz_raise_error(ctx, &err);
        return fail(response, CZ_STR(""), cz_copy(ctx, cz_str_from(cz_error_message(&err))));
    }
    /* Logs and errors are read by more people than answers; in tests the answers are nobody's. */
    bool shows_values = cz__response_fault_report != NULL;
    if (cz__schema_check(ctx, document(ctx), schema, value, shows_values, &fault))
        return true;
    return fail(response, fault.pointer, fault.what);
}

/* Its type and, where that is JSON and all of it is here, its body. */
static bool check_content(const struct response *response, const cz_json_value *content)
{
    const cz_response *answer = &response->req->response;
    cz_str type = answer->content_type, body = cz_buf_str(answer->body);
    type = cz_str_trim(cz_str_cut(&type, ';'));
    if (!body.len)
        body = answer->body_text;
    bool empty = !body.len && !answer->stream && !type.len;
    if (!content || content->kind != CZ_JSON_OBJECT)
        return empty || fail(response, CZ_STR(""), CZ_STR("has a body, and none is documented"));
    const cz_json_value *found = content_of(content, type);
    if (!found)
        return fail(response, CZ_STR(""),
                    type.len
                        ? cz_format(response->ctx, "has the type %.*s, which is not documented",
                                    CZ_STR_ARG(type))
                        : CZ_STR("has no body, and one is documented"));
    const cz_json_value *schema = cz_json_get(found, CZ_STR("schema"));
    bool spared = answer->raised && !body.len; /* there was no memory for the error's document */
    bool coded = cz_response_header(response->req, CZ_STR("Content-Encoding")).len > 0;
    return !schema || !is_json(type) || answer->stream || coded || spared ||
           check_body(response, body, schema);
}

static bool check(const struct response *response, const cz_json_value *operation)
{
    int status = response->req->response.status;
    const cz_json_value *said = documented(response->ctx, operation, status);
    bool leads = status / 100 == 3 && cz_response_header(response->req, CZ_STR("Location")).len;
    if (!said && leads)
        return true; /* as middleware does: to TLS, to another host */
    if (!said)
        return fail(response, CZ_STR(""), CZ_STR("its status is not documented"));
    const cz_json_value *content = cz_json_get(said, CZ_STR("content"));
    bool anything = !content && !cz_json_get(cz_json_get(operation, CZ_STR("responses")),
                                             cz_format(response->ctx, "%d", status));
    return anything || check_content(response, content);
}

/* ---- what comes of it ---- */

/* A line an answer, whole or not at all: several processes write to the file. What can't be written is not counted. */
static void record(cz_ctx *ctx, const struct cz__response_fault *seen)
{
    if (self.record < 0)
        return;
    cz_str line = cz_format(ctx, "%s\t%.*s\t%d\n", program_invocation_short_name,
                            CZ_STR_ARG(seen->operation), seen->status);
    cz_ignore(write(self.record, line.ptr, line.len));
}

static void tell(cz_ctx *ctx, const struct cz__response_fault *fault)
{
    if (cz__response_fault_report)
        cz__response_fault_report(fault);
    else if (self.checking == CZ__RESPONSES_LOGGED)
        cz_log_error(ctx, "calzone.openapi", "an answer is not as documented",
                     CZ_FIELD_STR("operation", fault->operation),
                     CZ_FIELD_INT("status", fault->status), CZ_FIELD_STR("at", fault->pointer),
                     CZ_FIELD_STR("fault", fault->what));
    else
        cz_raise(ctx, CZ_EINVAL, "%.*s answers %d and is not as documented: %.*s%s%.*s",
                 CZ_STR_ARG(fault->operation), fault->status, CZ_STR_ARG(fault->pointer),
                 fault->pointer.len ? " " : "", CZ_STR_ARG(fault->what));
}

static void check_answer(cz_ctx *ctx, void *arg)
{
    const cz_request *req = arg;
    cz_route_info route;
    bool described = req->method == CZ_METHOD_OPTIONS; /* it tells of a path, and is no operation */
    if (described || !cz_route_of(req, &route) || !cz__operation_is_shown(&route, NULL))
        return;
    cz_str path = cz__path_template(ctx, route.pattern);
    struct cz__response_fault fault = {
        .operation = cz_format(ctx, "%s %.*s", route.method, CZ_STR_ARG(path)),
        .status = req->response.status,
    };
    record(ctx, &fault);
    const struct response response = { ctx, req, &fault };
    if (!check(&response, operation_of(ctx, &route)))
        tell(ctx, &fault);
}

/* Where faults are logged alone, nothing of the check itself may change an answer; nor may want of memory, for a change may
 * have been stored by now. */
static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_error err;
    cz_next_call(ctx, req, next);
    if (!cz__response_check_is_on())
        return;
    cz_status status = cz_try(ctx, check_answer, req, &err);
    if (status && status != CZ_ENOMEM && self.checking == CZ__RESPONSES_REFUSED)
        cz_raise_error(ctx, &err);
    if (status)
        cz_log_error(ctx, "calzone.openapi", cz_error_message(&err));
}

const cz_middleware cz_response_check = { "response_check", process, NULL };
