#include <calzone/http.h>
#include "http/h1_head.h"
#include "http/h1_scan.h"
#include "http/http_internal.h"

const char *cz_http_reason(int status)
{
    /* clang-format off */
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    case 511: return "Network Authentication Required";
    /* clang-format on */
    default:
        return "Unknown";
    }
}

static void answer(cz_ctx *ctx, cz_request *req, int status, cz_str content_type)
{
    if (status < 200 || status > 599)
        cz_raise(ctx, CZ_EINVAL, "%d is not a final response status", status);
    if (cz__has_ctl(content_type))
        cz_raise(ctx, CZ_EINVAL, "a control byte in Content-Type");
    cz_response *response = &req->response;
    cz_buf_clear(response->body);
    response->body_text = cz_str_of(NULL, 0);
    response->stream = NULL;
    response->stream_filter = NULL;
    response->upgrade = NULL;
    response->status = status;
    response->content_type = content_type;
    response->sent = true;
}

void cz_respond(cz_ctx *ctx, cz_request *req, int status, cz_str content_type, cz_str body)
{
    answer(ctx, req, status, content_type);
    cz_buf_append_str(req->response.body, body);
    cz_status failure = cz_buf_status(req->response.body);
    if (failure) {
        cz_error err;
        cz_error_set(&err, failure, "the response body could not be made");
        if (failure == CZ_ETOOBIG)
            err.http_status = 500; /* not the client's fault, as 413 would say */
        cz_raise_error(ctx, &err);
    }
}

void cz_respond_empty(cz_ctx *ctx, cz_request *req, int status)
{
    answer(ctx, req, status, cz_str_of(NULL, 0));
}

void cz_respond_json(cz_ctx *ctx, cz_request *req, int status, cz_str json)
{
    cz_respond(ctx, req, status, CZ_STR("application/json"), json);
}

cz_buf *cz_respond_json_begin(cz_ctx *ctx, cz_request *req, int status)
{
    answer(ctx, req, status, CZ_STR("application/json"));
    return req->response.body;
}

void cz_respond_stream(cz_ctx *ctx, cz_request *req, int status, cz_str content_type,
                       cz_stream_fn stream, void *arg)
{
    answer(ctx, req, status, content_type);
    req->response.stream = stream;
    req->response.stream_arg = arg;
    req->response.stream_counted = false;
}

void cz__respond_counted(cz_ctx *ctx, cz_request *req, int status, cz_str content_type,
                         uint64_t bytes, cz_stream_fn stream, void *arg)
{
    cz_respond_stream(ctx, req, status, content_type, stream, arg);
    req->response.stream_counted = true;
    req->response.stream_bytes = bytes;
}

/* ---- Headers ---- */

static bool is_servers_own(cz_str name)
{
    static const cz_str own[] = { CZ_STR("content-length"), CZ_STR("transfer-encoding"),
                                  CZ_STR("connection"), CZ_STR("date") };
    for (size_t i = 0; i < CZ_COUNT(own); i++)
        if (cz_str_eq_icase(name, own[i]))
            return true;
    return false;
}

static cz_header *find(cz_response *response, cz_str name)
{
    for (uint32_t i = 0; i < response->header_count; i++)
        if (cz_str_eq_icase(response->headers[i].name, name))
            return &response->headers[i];
    return NULL;
}

static cz_header *append_header(cz_ctx *ctx, cz_response *response)
{
    if (response->header_count == response->header_cap) {
        uint32_t cap = response->header_cap ? response->header_cap * 2 : 8;
        cz_header *grown = cz_alloc(ctx, cap * sizeof *grown);
        if (response->header_count)
            memcpy(grown, response->headers, response->header_count * sizeof *grown);
        response->headers = grown;
        response->header_cap = cap;
    }
    return &response->headers[response->header_count++];
}

static void check_header(cz_ctx *ctx, cz_str name, cz_str value)
{
    if (!cz__http_is_token(name))
        cz_raise(ctx, CZ_EINVAL, "a response header's name is not a token");
    if (is_servers_own(name))
        cz_raise(ctx, CZ_EINVAL, "%.*s is written by the server itself", CZ_STR_ARG(name));
    if (cz__has_ctl(value))
        cz_raise(ctx, CZ_EINVAL, "a control byte in the response header %.*s", CZ_STR_ARG(name));
}

void cz_respond_header_static(cz_ctx *ctx, cz_request *req, cz_str name, cz_str value)
{
    check_header(ctx, name, value);
    if (cz_str_eq_icase(name, CZ_STR("content-type"))) {
        req->response.content_type = value;
        return;
    }
    /* Each Set-Cookie is a field of its own: cookies have commas and cannot be joined (9110, 5.3). */
    cz_header *header =
        cz_str_eq_icase(name, CZ_STR("set-cookie")) ? NULL : find(&req->response, name);
    if (!header)
        header = append_header(ctx, &req->response);
    *header = (cz_header){ name, value };
}

void cz_respond_header(cz_ctx *ctx, cz_request *req, cz_str name, cz_str value)
{
    check_header(ctx, name, value);
    cz_respond_header_static(ctx, req, cz_copy(ctx, name), cz_copy(ctx, value));
}

cz_str cz_response_header(const cz_request *req, cz_str name)
{
    if (cz_str_eq_icase(name, CZ_STR("content-type")))
        return req->response.content_type;
    for (uint32_t i = 0; i < req->response.header_count; i++)
        if (cz_str_eq_icase(req->response.headers[i].name, name))
            return req->response.headers[i].value;
    return cz_str_of(NULL, 0);
}

static bool has_item(cz_str list, cz_str item)
{
    while (list.len)
        if (cz_str_eq_icase(cz_str_trim(cz_str_cut(&list, ',')), item))
            return true;
    return false;
}

void cz_respond_header_add(cz_ctx *ctx, cz_request *req, cz_str name, cz_str value)
{
    cz_str before = cz_response_header(req, name);
    if (has_item(before, value))
        return;
    cz_respond_header(
        ctx, req, name,
        before.len ? cz_format(ctx, "%.*s, %.*s", CZ_STR_ARG(before), CZ_STR_ARG(value)) : value);
}

/* ---- Redirects ---- */

/* Browsers read "\" as "/" and drop tabs and line ends, so "/\evil" and "/<tab>/evil" leave the site. */
static bool is_local_path(cz_str path)
{
    if (!path.len || path.ptr[0] != '/' || cz__has_ctl(path))
        return false;
    if (path.len > 1 && path.ptr[1] == '/')
        return false;
    return cz_str_find_char(path, '\\') == SIZE_MAX && cz_str_find_char(path, '\t') == SIZE_MAX;
}

/* A URI is visible ASCII: the rest is escaped, what is escaped already stays. */
static cz_str escape_location(cz_ctx *ctx, cz_str path)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = cz_alloc(ctx, path.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>') {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '%';
        out[len++] = hex[c >> 4];
        out[len++] = hex[c & 15];
    }
    return cz_str_of(out, len);
}

void cz_respond_redirect(cz_ctx *ctx, cz_request *req, int status, cz_str path)
{
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        cz_raise(ctx, CZ_EINVAL, "%d is not a redirect", status);
    if (!is_local_path(path))
        cz_raise(ctx, CZ_EINVAL, "a redirect's target is not a path of this site");
    cz_respond_empty(ctx, req, status);
    cz_respond_header_static(ctx, req, CZ_STR("Location"), escape_location(ctx, path));
}
