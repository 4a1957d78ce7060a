/* Forms: urlencoded pairs, and multipart bodies, whose parts lie between delimiters (RFC 2046, 5.1; RFC 7578). Strict where
 * two readers could see two forms: lines end in CRLF, each part has one name, nothing comes before the first delimiter. */
#include "files/files.h"
#include "http/body.h"
#include "http/content.h"
#include "http/form_internal.h"
#include "http/http_internal.h"

enum { BOUNDARY_BYTES_MAX = 70, FILENAME_BYTES_MAX = 255, EXTENSION_BYTES_MAX = 32 };

void cz__form_malformed(cz_ctx *ctx, const char *why)
{
    cz_raise(ctx, CZ_EPROTOCOL, "Form parse error - %s", why);
}

cz_form_item *cz__form_add(struct cz__form_reading *reading)
{
    if (reading->count == CZ_FORM_ITEMS_MAX)
        cz_raise(reading->ctx, CZ_ETOOBIG, "A form has at most %d fields.", CZ_FORM_ITEMS_MAX);
    if (reading->count == reading->cap) {
        size_t cap = reading->cap ? reading->cap * 2 : 16;
        cz_form_item *grown = cz_array(reading->ctx, cz_form_item, cap);
        if (reading->count)
            memcpy(grown, reading->items, reading->count * sizeof *grown);
        reading->items = grown;
        reading->cap = cap;
    }
    return &reading->items[reading->count++];
}

/* ---- urlencoded ---- */

static void read_pairs(struct cz__form_reading *reading, cz_str body)
{
    while (body.len) {
        cz_str pair = cz_str_cut(&body, '&');
        if (!pair.len)
            continue;
        cz_str name = cz__query_decode(reading->ctx, cz_str_cut(&pair, '='));
        cz_str value = cz__query_decode(reading->ctx, pair);
        if (!cz_str_is_utf8(name) || !cz_str_is_utf8(value))
            cz__form_malformed(reading->ctx, "it is not UTF-8");
        cz_form_item *item = cz__form_add(reading);
        item->name = name;
        item->value = value;
        item->size = value.len;
    }
}

/* ---- multipart ---- */

/* The value of a header's parameter: a token, or a quoted string whose backslashes are kept but before a quote, as browsers
 * send Windows paths. False: there is none. `text` begins at the ";" before the parameters. */
static bool parameter_of(cz_ctx *ctx, cz_str text, cz_str wanted, cz_str *out)
{
    while (text.len) {
        cz_str_cut(&text, ';');
        text = cz_str_trim(text);
        size_t equals = cz_str_find_char(text, '=');
        if (equals == SIZE_MAX)
            return false;
        cz_str name = cz_str_trim(cz_str_head(text, equals));
        text = cz_str_trim(cz_str_tail(text, equals + 1));
        bool quoted = text.len && text.ptr[0] == '"';
        char *value = cz_alloc(ctx, text.len + 1);
        size_t len = 0, at = quoted;
        for (; at < text.len && (quoted ? text.ptr[at] != '"' : text.ptr[at] != ';'); at++) {
            if (quoted && text.ptr[at] == '\\' && at + 1 < text.len && text.ptr[at + 1] == '"')
                at++;
            value[len++] = text.ptr[at];
        }
        if (quoted && at == text.len)
            cz__form_malformed(ctx, "a quoted value has no end");
        text = cz_str_tail(text, at);
        if (cz_str_eq_icase(name, wanted)) {
            *out = quoted ? cz_str_of(value, len) : cz_str_trim(cz_str_of(value, len));
            return true;
        }
    }
    return false;
}

/* A name that is too long loses what stands before its extension, as in Django: ".png" tells what the file is. `name` is UTF-8
 * and its bytes are the caller's own. */
static cz_str shortened(char *name, size_t len)
{
    size_t dot = len, kept;
    while (dot > 0 && name[dot - 1] != '.')
        dot--;
    size_t extension = dot ? len - dot + 1 : 0;
    if (extension > EXTENSION_BYTES_MAX)
        extension = 0; /* a name with a dot in it */
    kept = FILENAME_BYTES_MAX - extension;
    while (kept > 0 && ((unsigned char)name[kept] & 0xC0) == 0x80)
        kept--; /* whole characters */
    memmove(name + kept, name + len - extension, extension);
    return cz_str_of(name, kept + extension);
}

/* What may be shown and stored: the last step of a path of either kind, without control bytes. */
static cz_str safe_filename(cz_ctx *ctx, cz_str name)
{
    size_t from = 0, len = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '/' || name.ptr[i] == '\\')
            from = i + 1;
    char *kept = cz_alloc(ctx, name.len + 1);
    for (size_t i = from; i < name.len; i++)
        if ((unsigned char)name.ptr[i] >= 0x20 && name.ptr[i] != 0x7f)
            kept[len++] = name.ptr[i];
    cz_str safe = cz_str_trim(cz_str_of(kept, len));
    if (!cz_str_is_utf8(safe))
        cz__form_malformed(ctx, "a filename is not UTF-8");
    if (safe.len > FILENAME_BYTES_MAX)
        safe = shortened(kept + (safe.ptr - kept), safe.len);
    bool is_folder = cz_str_eq(safe, CZ_STR(".")) || cz_str_eq(safe, CZ_STR(".."));
    return is_folder ? CZ_STR("") : safe;
}

/* One header line of a part. */
static void read_line(struct cz__form_reading *reading, cz_str line, cz_form_item *item,
                      bool *named)
{
    size_t colon = cz_str_find_char(line, ':');
    if (colon == SIZE_MAX)
        cz__form_malformed(reading->ctx, "a part's header has no colon");
    cz_str name = cz_str_head(line, colon), value = cz_str_trim(cz_str_tail(line, colon + 1));
    if (cz_str_eq_icase(name, CZ_STR("content-type")))
        item->content_type = value;
    if (cz_str_eq_icase(name, CZ_STR("content-transfer-encoding")) &&
        !cz_str_eq_icase(value, CZ_STR("binary")) && !cz_str_eq_icase(value, CZ_STR("8bit")) &&
        !cz_str_eq_icase(value, CZ_STR("7bit")))
        cz__form_malformed(reading->ctx, "a part is encoded, which RFC 7578 does without");
    if (!cz_str_eq_icase(name, CZ_STR("content-disposition")))
        return;
    cz_str rest = value, filename, kind = cz_str_trim(cz_str_cut(&rest, ';'));
    rest = cz_str_tail(value, value.len - rest.len - (rest.len > 0));
    if (*named || !cz_str_eq_icase(kind, CZ_STR("form-data")) ||
        !parameter_of(reading->ctx, rest, CZ_STR("name"), &item->name) ||
        !cz_str_is_utf8(item->name))
        cz__form_malformed(reading->ctx, "a part has no name");
    *named = true;
    item->is_file = parameter_of(reading->ctx, rest, CZ_STR("filename"), &filename);
    if (item->is_file)
        item->filename = safe_filename(reading->ctx, filename);
}

void cz__form_read_head(struct cz__form_reading *reading, cz_str lines, cz_form_item *item)
{
    if (!lines.len || cz_str_starts_with(lines, CZ_STR("\r\n")))
        cz__form_malformed(reading->ctx, "a part has no header");
    if (lines.len > CZ_FORM_PART_HEADER_MAX)
        cz_raise(reading->ctx, CZ_ETOOBIG, "The header of a form's part has at most %d bytes.",
                 CZ_FORM_PART_HEADER_MAX);
    bool named = false;
    for (cz_str rest = lines; rest.len;) {
        size_t line_end = cz_str_find(rest, CZ_STR("\r\n"));
        cz_str line = line_end == SIZE_MAX ? rest : cz_str_head(rest, line_end);
        read_line(reading, line, item, &named);
        rest = cz_str_tail(rest, line_end == SIZE_MAX ? rest.len : line_end + 2);
    }
    if (!named)
        cz__form_malformed(reading->ctx, "a part has no name");
}

void cz__form_check_part(struct cz__form_reading *reading, const cz_form_item *item)
{
    if (item->is_file && ++reading->files > CZ_FORM_FILES_MAX)
        cz_raise(reading->ctx, CZ_ETOOBIG, "A form has at most %d files.", CZ_FORM_FILES_MAX);
    if (!item->is_file && !cz_str_is_utf8(item->value))
        cz__form_malformed(reading->ctx, "it is not UTF-8");
}

static void read_part(struct cz__form_reading *reading, cz_str part)
{
    size_t end = cz_str_find(part, CZ_STR("\r\n\r\n"));
    cz_form_item *item = cz__form_add(reading);
    if (end == SIZE_MAX)
        cz__form_malformed(reading->ctx, "a part has no header");
    cz__form_read_head(reading, cz_str_head(part, end), item);
    item->value = cz_str_tail(part, end + 4);
    item->size = item->value.len;
    cz__form_check_part(reading, item);
}

/* RFC 2046, 5.1.1: what may stand in a boundary, the last not a space. */
static bool is_boundary(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr("'()+_,-./:=? ", c, 13))
            return false;
    }
    return text.len && text.len <= BOUNDARY_BYTES_MAX && text.ptr[text.len - 1] != ' ';
}

size_t cz__form_line_after(struct cz__form_reading *reading, cz_str rest, bool *out_last)
{
    size_t at = 0;
    *out_last = cz_str_starts_with(rest, CZ_STR("--"));
    if (*out_last)
        return 2; /* the epilogue is nobody's */
    while (at < rest.len && at < CZ_FORM_PART_HEADER_MAX &&
           (rest.ptr[at] == ' ' || rest.ptr[at] == '\t'))
        at++;
    if (!cz_str_starts_with(cz_str_tail(rest, at), CZ_STR("\r\n")))
        cz__form_malformed(reading->ctx, "a boundary is not alone on its line");
    return at + 2;
}

static void read_parts(struct cz__form_reading *reading, cz_str body, cz_str boundary)
{
    cz_str delimiter = cz_format(reading->ctx, "\r\n--%.*s", CZ_STR_ARG(boundary));
    if (!cz_str_starts_with(body, cz_str_tail(delimiter, 2)))
        cz__form_malformed(reading->ctx, "it does not begin with its boundary");
    cz_str rest = cz_str_tail(body, delimiter.len - 2);
    for (;;) {
        bool last;
        rest = cz_str_tail(rest, cz__form_line_after(reading, rest, &last));
        if (last)
            return;
        size_t end = cz_str_find(rest, delimiter);
        if (end == SIZE_MAX)
            cz__form_malformed(reading->ctx, "a part has no end");
        read_part(reading, cz_str_head(rest, end));
        rest = cz_str_tail(rest, end + delimiter.len);
    }
}

/* ---- either ---- */

void cz__request_refuse_coding(cz_ctx *ctx, cz_request *req)
{
    cz_str codings = cz_request_header(req, CZ_STR("Content-Encoding"));
    if (!codings.len || cz_str_eq_icase(codings, CZ_STR("identity")))
        return;
    cz_respond_header_static(ctx, req, CZ_STR("Accept-Encoding"), CZ_STR("identity"));
    cz_raise(ctx, CZ_EMEDIATYPE, "Unsupported content coding \"%.*s\" in request.",
             CZ_STR_ARG(cz_str_head(codings, 100)));
}

bool cz__form_is_streamed(const cz_request *req)
{
    cz_str rest = req->content_type;
    return req->streams_body &&
           cz_str_eq_icase(cz_str_trim(cz_str_cut(&rest, ';')), CZ_STR("multipart/form-data"));
}

static void read_form(cz_ctx *ctx, void *arg)
{
    cz_request *req = arg;
    cz__request_refuse_coding(ctx, req);
    struct cz__form_reading reading = { .ctx = ctx };
    cz_str parameters = req->content_type, boundary;
    cz_str type = cz_str_trim(cz_str_cut(&parameters, ';'));
    parameters = cz_str_tail(req->content_type,
                             req->content_type.len - parameters.len - (parameters.len > 0));
    if (cz_str_eq_icase(type, CZ_STR("application/x-www-form-urlencoded"))) {
        read_pairs(&reading, cz_request_body(ctx, req));
    } else if (!cz_str_eq_icase(type, CZ_STR("multipart/form-data"))) {
        cz_raise(ctx, CZ_EMEDIATYPE, "Unsupported media type \"%.*s\" in request.",
                 CZ_STR_ARG(cz_str_head(req->content_type, 100)));
    } else if (!parameter_of(ctx, parameters, CZ_STR("boundary"), &boundary) ||
               !is_boundary(boundary)) {
        cz__form_malformed(ctx, "its boundary is missing or malformed");
    } else if (req->streams_body) {
        const struct cz__form_limits limits = cz__body_form_limits(req);
        cz__form_read_stream(&reading, req, boundary, &limits);
    } else {
        read_parts(&reading, req->body, boundary);
    }
    cz_form *form = cz_new(ctx, cz_form);
    *form = (cz_form){ reading.items, reading.count };
    req->form = form;
}

const cz_form *cz_request_form(cz_ctx *ctx, cz_request *req)
{
    if (!req->form)
        cz__read_body(ctx, read_form, req);
    return req->form;
}

const cz_form_item *cz_form_find(const cz_form *form, cz_str name)
{
    for (size_t i = 0; i < form->count; i++)
        if (cz_str_eq(form->items[i].name, name))
            return &form->items[i];
    return NULL;
}

cz_upload cz_form_upload(cz_ctx *ctx, const cz_form_item *item)
{
    if (!item->is_file)
        cz_raise(ctx, CZ_EINVAL, "an item of a form that is no file has no upload");
    cz_upload upload = { .filename = item->filename,
                         .claimed_type = cz__content_type_read(ctx, item->content_type),
                         .size = item->size,
                         .bytes_ = { item->value.ptr, item->value.len },
                         .spool_ = item->spool_ };
    char head[CZ_CONTENT_TYPE_BYTES];
    cz_bytes begin = { head, cz_upload_read(ctx, &upload, 0, head, sizeof head) };
    upload.content_type = cz__content_type_settle(upload.claimed_type, begin);
    return upload;
}
