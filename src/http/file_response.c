/* Answers with files: what is said of a file, what a request's conditions make of it, and which bytes go. */
#include "http/file_response.h"
#include "http/conditions.h"
#include "http/http_internal.h"
#include "http/ranges.h"
#include <calzone/files.h>
#include <calzone/random.h>
#include <calzone/time.h>

/* ---- What is said of it ---- */

/* A file that was changed just now may be changed again in the same tick of its clock, so that one tag would name two states: it
 * has a weak one, and another one later (RFC 9110, 8.8.1). */
static cz_str etag_of(cz_ctx *ctx, const struct cz__file *file, cz_str coding)
{
    enum { AROUND_BYTES = sizeof "W/\"18446744073709551615-\"" };
    char *text = cz_alloc(ctx, AROUND_BYTES + coding.len), *at = text;
    if (!file->settled) {
        *at++ = 'W';
        *at++ = '/';
    }
    *at++ = '"';
    at += cz_u64_write(at, file->state);
    if (coding.len) {
        *at++ = '-';
        memcpy(at, coding.ptr, coding.len);
        at += coding.len;
    }
    *at++ = '"';
    return cz_str_of(text, (size_t)(at - text));
}

static cz_str date_of(cz_ctx *ctx, int64_t seconds)
{
    char *text = cz_alloc(ctx, CZ_HTTP_DATE_TEXT);
    return cz_str_of(text, cz_http_date_write(text, seconds));
}

static cz_str content_range(cz_ctx *ctx, const struct cz__range *range, uint64_t size)
{
    return cz_format(ctx, "bytes %llu-%llu/%llu", (unsigned long long)range->first,
                     (unsigned long long)(range->first + range->bytes - 1),
                     (unsigned long long)size);
}

static void describe(cz_ctx *ctx, cz_request *req, const struct cz__file *file,
                     const struct cz__file_answer *answer)
{
    cz_respond_header_static(ctx, req, CZ_STR("Last-Modified"), date_of(ctx, file->modified_s));
    cz_respond_header_static(ctx, req, CZ_STR("Accept-Ranges"), CZ_STR("bytes"));
    if (answer->coding.len)
        cz_respond_header_static(ctx, req, CZ_STR("Content-Encoding"), answer->coding);
    if (answer->disposition.len)
        cz_respond_header_static(ctx, req, CZ_STR("Content-Disposition"), answer->disposition);
}

/* ---- What of it goes ---- */

static void send_body(cz_ctx *ctx, cz_request *req, int status, cz_str type,
                      struct cz__file_body *body)
{
    uint64_t bytes = body->end.len;
    for (size_t i = 0; i < body->count; i++)
        bytes += body->parts[i].head.len + body->parts[i].bytes;
    if (bytes)
        cz__respond_counted(ctx, req, status, type, bytes, cz__file_send, body);
    else
        cz_respond(ctx, req, status, type, CZ_STR(""));
}

static struct cz__file_body *body_of(cz_ctx *ctx, struct cz__file *file, size_t count)
{
    struct cz__file_body *body = cz_new(ctx, struct cz__file_body);
    body->file = file;
    body->parts = cz_array(ctx, struct cz__file_part, count);
    body->count = count;
    return body;
}

static void send_whole(cz_ctx *ctx, cz_request *req, struct cz__file *file, cz_str type)
{
    struct cz__file_body *body = body_of(ctx, file, 1);
    body->parts[0].bytes = file->bytes;
    send_body(ctx, req, 200, type, body);
}

static void send_one(cz_ctx *ctx, cz_request *req, struct cz__file *file, cz_str type,
                     const struct cz__range *range)
{
    struct cz__file_body *body = body_of(ctx, file, 1);
    body->parts[0] = (struct cz__file_part){ .first = range->first, .bytes = range->bytes };
    send_body(ctx, req, 206, type, body);
    cz_respond_header_static(ctx, req, CZ_STR("Content-Range"),
                             content_range(ctx, range, file->bytes));
}

/* multipart/byteranges (RFC 9110, 14.6). The boundary is random, so that no file has it. */
static void send_several(cz_ctx *ctx, cz_request *req, struct cz__file *file, cz_str type,
                         const struct cz__ranges *ranges)
{
    struct cz__file_body *body = body_of(ctx, file, ranges->count);
    cz_str boundary = cz_format(ctx, "%016llx%016llx", (unsigned long long)cz_random_u64(),
                                (unsigned long long)cz_random_u64());
    for (size_t i = 0; i < ranges->count; i++) {
        const struct cz__range *range = &ranges->items[i];
        body->parts[i] = (struct cz__file_part){
            cz_format(ctx, "%s--%.*s\r\nContent-Type: %.*s\r\nContent-Range: %.*s\r\n\r\n",
                      i ? "\r\n" : "", CZ_STR_ARG(boundary), CZ_STR_ARG(type),
                      CZ_STR_ARG(content_range(ctx, range, file->bytes))),
            range->first, range->bytes
        };
    }
    body->end = cz_format(ctx, "\r\n--%.*s--\r\n", CZ_STR_ARG(boundary));
    send_body(ctx, req, 206,
              cz_format(ctx, "multipart/byteranges; boundary=%.*s", CZ_STR_ARG(boundary)), body);
}

static CZ_NORETURN void raise_unsatisfiable(cz_ctx *ctx, cz_request *req, uint64_t bytes)
{
    cz_error err;
    cz_respond_header_static(ctx, req, CZ_STR("Content-Range"),
                             cz_format(ctx, "bytes */%llu", (unsigned long long)bytes));
    cz_ignore(cz_error_set(&err, CZ_EVALIDATION, "There are %llu bytes; none of the range.",
                           (unsigned long long)bytes));
    err.http_status = 416;
    memcpy(err.code, "range_not_satisfiable", sizeof "range_not_satisfiable");
    cz_raise_error(ctx, &err);
}

/* Ranges are of GET alone (14.2). */
static enum cz__ranges_wanted wanted(const cz_request *req, const struct cz__state *state,
                                     uint64_t bytes, struct cz__ranges *out)
{
    if (req->method != CZ_METHOD_GET || !cz__if_range_holds(req, state))
        return CZ__RANGES_ALL;
    return cz__ranges_read(cz_request_header(req, CZ_STR("Range")), bytes, out);
}

void cz__file_respond(cz_ctx *ctx, cz_request *req, struct cz__file *file,
                      const struct cz__file_answer *answer)
{
    const struct cz__state state = { etag_of(ctx, file, answer->coding), file->modified_s,
                                     file->settled };
    struct cz__ranges ranges;
    enum cz__verdict verdict = cz__conditions_judge(req, &state);
    if (verdict == CZ__CHANGED)
        cz_raise(ctx, CZ_EPRECONDITION, "It is not as it was when you read it.");
    cz_respond_header_static(ctx, req, CZ_STR("ETag"), state.etag);
    if (verdict == CZ__UNCHANGED) {
        cz_respond_empty(ctx, req, 304);
        return;
    }
    describe(ctx, req, file, answer);
    switch (wanted(req, &state, file->bytes, &ranges)) {
    case CZ__RANGES_ALL:
        send_whole(ctx, req, file, answer->content_type);
        break;
    case CZ__RANGES_SOME:
        if (ranges.count == 1)
            send_one(ctx, req, file, answer->content_type, &ranges.items[0]);
        else
            send_several(ctx, req, file, answer->content_type, &ranges);
        break;
    case CZ__RANGES_NONE:
        raise_unsatisfiable(ctx, req, file->bytes);
    }
}

/* ---- For handlers ---- */

static cz_str last_step(cz_str name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == '/')
            return cz_str_tail(name, i);
    return name;
}

/* What is said of a file beside what it is. `name` is what it was found by; empty: nobody knows. */
static struct cz__file_answer answer_of(cz_ctx *ctx, const cz_file_options *options, cz_str name)
{
    static const cz_file_options none;
    if (!options)
        options = &none;
    struct cz__file_answer answer = { .content_type = options->content_type };
    cz_str filename = options->filename;
    if (!answer.content_type.len)
        answer.content_type = cz_content_type_by_name(name);
    if (!filename.len && options->attachment)
        filename = last_step(name);
    if (filename.len || options->attachment)
        answer.disposition = cz_content_disposition(ctx, options->attachment, filename);
    return answer;
}

static CZ_NORETURN void raise_not_opened(cz_ctx *ctx, cz_status status)
{
    cz_raise(ctx, status, "%s", cz_status_text(status));
}

void cz_respond_file(cz_ctx *ctx, cz_request *req, const char *folder, cz_str name,
                     const cz_file_options *options)
{
    struct cz__file *file;
    enum cz__file_kind kind;
    cz_status status = cz__file_open(ctx, folder, name, &kind, &file);
    if (!status && kind == CZ__FILE_FOLDER)
        status = CZ_ENOTFOUND;
    if (status)
        raise_not_opened(ctx, status);
    struct cz__file_answer answer = answer_of(ctx, options, name);
    cz__file_respond(ctx, req, file, &answer);
}

void cz_respond_descriptor(cz_ctx *ctx, cz_request *req, int fd, const cz_file_options *options)
{
    struct cz__file *file;
    cz_status status = cz__file_take(ctx, fd, &file);
    if (status)
        raise_not_opened(ctx, status);
    struct cz__file_answer answer = answer_of(ctx, options, CZ_STR(""));
    cz__file_respond(ctx, req, file, &answer);
}
