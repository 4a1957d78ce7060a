#include "base/unset.h"
#include <calzone/log.h>
#include <calzone/middleware.h>
#include <calzone/time.h>
#include <stdio.h>
#include <time.h>

enum { LINE_BYTES_FIXED = 512, PATH_BYTES_LOGGED_MAX = 1024 };

static char *put(char *out, cz_str text)
{
    if (text.len)
        memcpy(out, text.ptr, text.len);
    return out + text.len;
}

#define PUT(out, literal) put(out, CZ_STR(literal))

/* The time of the last line, to the second: formatting a date costs more than the rest of a line. */
static cz_str time_text(void)
{
    static char text[CZ_DATETIME_TEXT];
    static size_t len;
    static int64_t second;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* a few nanoseconds, and 4 ms late at most */
    if (now.tv_sec != second) {
        second = now.tv_sec;
        len = cz_datetime_write(text, (cz_datetime){ second * 1000000 });
    }
    return cz_str_of(text, len);
}

/* Of a stream that tells its length what it is to have. */
static uint64_t body_bytes(const cz_response *response)
{
    if (response->stream)
        return response->stream_counted ? response->stream_bytes : 0;
    return response->body->len ? response->body->len : response->body_text.len;
}

/* A WebSocket's 101 leaves as 200 over HTTP/2 (RFC 8441, 5.1). */
static int status_of(const cz_request *req)
{
    return req->connects && req->response.upgrade ? 200 : req->response.status;
}

/* For people: "WARNING calzone.access: GET /books/9 404 bytes=42 us=120 client=127.0.0.1 request_id=9f2c". */
static void write_for_people(const cz_ctx *ctx, const cz_request *req, cz_str method, cz_str path)
{
    int status = status_of(req);
    char message[PATH_BYTES_LOGGED_MAX + 64] CZ__UNSET;
    cz_ignore(snprintf(message, sizeof message, "%.*s %.*s %d", CZ_STR_ARG(method),
                       CZ_STR_ARG(path), status)); /* it fits */
    const cz_log_field fields[] = {
        CZ_FIELD_INT("bytes", (int64_t)body_bytes(&req->response)),
        CZ_FIELD_INT("us", cz_monotonic_us() - req->started_us),
        CZ_FIELD_STR("client", cz_str_head(req->client_address, 64)),
    };
    cz__log_access(ctx,
                   status >= 500   ? CZ_LOG_ERROR
                   : status >= 400 ? CZ_LOG_WARNING
                                   : CZ_LOG_INFO,
                   message, fields, CZ_COUNT(fields));
}

void cz__access_log_write(const cz_ctx *ctx, const cz_request *req)
{
    cz_str path = cz_str_head(req->path, PATH_BYTES_LOGGED_MAX);
    cz_str method = cz_str_head(req->method_text, 32);
    if (cz__log_access_is_console()) {
        if (cz_log_access_enabled())
            write_for_people(ctx, req, method, path);
        return;
    }
    char *line = cz__log_access_reserve(LINE_BYTES_FIXED + 6 * (path.len + method.len));
    if (!line)
        return;
    const cz_response *response = &req->response;
    char *at = PUT(line, "{\"time\":\"");
    at = put(at, time_text());
    at = PUT(at, "\",\"id\":\"");
    at = put(at, cz_str_head(ctx->request_id, 64)); /* letters, digits, "-", "_" and "." */
    at = PUT(at, "\",\"client\":\"");
    at = put(at, cz_str_head(req->client_address, 64));
    at = PUT(at, "\",\"method\":\"");
    at = cz__json_escape(at, method);
    at = PUT(at, "\",\"path\":\"");
    at = cz__json_escape(at, path);
    at = PUT(at, "\",\"status\":");
    at += cz_u64_write(at, (uint64_t)status_of(req));
    at = PUT(at, ",\"bytes\":");
    at += cz_u64_write(at, body_bytes(response));
    at = PUT(at, ",\"us\":");
    at += cz_u64_write(at, (uint64_t)(cz_monotonic_us() - req->started_us));
    at = PUT(at, "}\n");
    cz__log_access_commit((size_t)(at - line));
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_next_call(ctx, req, next);
    cz__access_log_write(ctx, req);
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    cz_str path = cz_setting_str(settings, "ACCESS_LOG");
    return cz_log_configure_access(path.len ? path.ptr : NULL, err);
}

const cz_middleware cz_access_log = { "access_log", process, configure };
