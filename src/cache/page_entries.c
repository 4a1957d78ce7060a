/* The entries of pages: what they are kept under and hold.
 *
 * Two entries are kept. "PREFIX:vary:HASH" is of the URL alone and names the headers, which only an answer can tell;
 * "PREFIX:page:HASH" is of the URL and these headers' values. Hashes may collide, and an attacker may look for such URLs, so both
 * entries begin with what they are of, word for word, and one of anything else is none.
 *
 *   vary = url LF *( name LF )
 *   page = created identity type count *( name value ) body      ; created and count 8 bytes, the others counted by 8 bytes
 *   identity = url LF *( name LF *( "=" value LF ) )             ; no "=" line: the header is absent
 */
#include "cache/pages.h"
#include "http/etags.h"
#include <calzone/map.h>
#include <calzone/time.h>

/* ---- headers ---- */

cz_str cz__header_next(cz_str *rest)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->len && (quoted || rest->ptr[i] != ','); i++) {
        if (quoted && rest->ptr[i] == '\\')
            i++;
        else if (rest->ptr[i] == '"')
            quoted = !quoted;
    }
    cz_str item = cz_str_trim(cz_str_head(*rest, i));
    *rest = cz_str_tail(*rest, i + 1);
    return item;
}

bool cz__header_is(const cz_header *header, const char *name)
{
    return cz_str_eq_icase(header->name, cz_str_from(name));
}

bool cz__page_read_vary(cz_ctx *ctx, const cz_response *response, cz_str *names, size_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < response->header_count; i++) {
        cz_str rest = response->headers[i].value;
        while (cz__header_is(&response->headers[i], "vary") && rest.len) {
            cz_str item = cz__header_next(&rest);
            size_t at = 0;
            if (!item.len)
                continue;
            if (cz_str_eq(item, CZ_STR("*")))
                return false;
            char *small = cz_alloc(ctx, item.len);
            for (size_t c = 0; c < item.len; c++)
                small[c] = (char)(item.ptr[c] >= 'A' && item.ptr[c] <= 'Z' ? item.ptr[c] + 32
                                                                           : item.ptr[c]);
            item.ptr = small;
            while (at < *count && cz_str_cmp(names[at], item) < 0)
                at++;
            if (at < *count && cz_str_eq(names[at], item))
                continue;
            if (*count == CZ__VARY_MAX)
                return false;
            memmove(names + at + 1, names + at, (*count - at) * sizeof *names);
            names[at] = item;
            ++*count;
        }
    }
    return true;
}

static bool stands_among(const cz_str *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (cz_str_eq(names[i], cz_str_from(name)))
            return true;
    return false;
}

bool cz__page_is_personal(const cz_ctx *ctx, const cz_request *req, const cz_str *names,
                          size_t count)
{
    bool cookie = cz_request_has_header(req, CZ_STR("Cookie")),
         authorization = cz_request_has_header(req, CZ_STR("Authorization"));
    return (cookie && !stands_among(names, count, "cookie")) ||
           (authorization && !stands_among(names, count, "authorization")) ||
           (ctx->actor.len && !cookie && !authorization); /* known by something else */
}

/* ---- keys ---- */

cz_str cz__page_key(cz_ctx *ctx, const struct cz__visit *visit, const char *kind, cz_str of)
{
    static const uint8_t first[16] = "calzone pages 1", second[16] = "calzone pages 2";
    return cz__cache_own_key(ctx, visit->store, kind,
                             cz_format(ctx, "%016llx%016llx",
                                       (unsigned long long)cz__siphash13(first, of.ptr, of.len),
                                       (unsigned long long)cz__siphash13(second, of.ptr, of.len)));
}

static cz_str take_text(cz_ctx *ctx, cz_buf *text)
{
    cz_str out = CZ_STR("");
    cz_check(ctx, cz__buf_take(text, ctx->arena, &out));
    return out;
}

cz_str cz__page_identity(cz_ctx *ctx, const struct cz__visit *visit, const cz_str *names,
                         size_t count)
{
    cz_buf text = { 0 };
    cz_buf_append_str(&text, visit->url);
    cz_buf_append_char(&text, '\n');
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_str(&text, names[i]);
        cz_buf_append_char(&text, '\n');
        for (uint32_t h = 0; h < visit->req->header_count; h++) {
            const cz_header *header = &visit->req->headers[h];
            if (!cz_str_eq_icase(header->name, names[i]))
                continue;
            cz_buf_append_char(&text, '=');
            cz_buf_append_str(&text, header->value);
            cz_buf_append_char(&text, '\n');
        }
    }
    return take_text(ctx, &text);
}

/* ---- reading a page ---- */

static bool take_counted(cz_str *rest, cz_str *out)
{
    uint64_t bytes;
    return cz__take_u64(rest, &bytes) && bytes <= rest->len && cz__take(rest, (size_t)bytes, out);
}

static bool answer_with(cz_ctx *ctx, cz_request *req, cz_str identity, cz_str stored)
{
    uint64_t created_us, count;
    cz_str own, type, name, value;
    if (!cz__take_u64(&stored, &created_us) || !take_counted(&stored, &own) ||
        !cz_str_eq(own, identity) || !take_counted(&stored, &type) ||
        !cz__take_u64(&stored, &count))
        return false;
    cz_str rest = stored;
    for (uint64_t i = 0; i < count; i++)
        if (!take_counted(&rest, &name) || !take_counted(&rest, &value))
            return false;
    cz_respond(ctx, req, 200, type, CZ_STR(""));
    req->response.body_text = rest; /* in the arena, as all of it */
    for (uint64_t i = 0; i < count && take_counted(&stored, &name); i++)
        if (take_counted(&stored, &value))
            cz_respond_header_static(ctx, req, name, value);
    int64_t age_us = cz_now().us - (int64_t)created_us;
    cz_respond_header_static(
        ctx, req, CZ_STR("Age"),
        cz_format(ctx, "%lld", (long long)(age_us > 0 ? age_us / 1000000 : 0)));
    if (cz__etag_is_known(req))
        cz_respond_empty(ctx, req, 304);
    return true;
}

/* The names that the page of another request varies on, from its identity. */
static size_t names_of(cz_str identity, cz_str *names)
{
    size_t count = 0;
    cz_ignore(cz_str_cut(&identity, '\n').len); /* the URL */
    while (identity.len && count < CZ__VARY_MAX) {
        cz_str line = cz_str_cut(&identity, '\n');
        if (line.len && line.ptr[0] != '=')
            names[count++] = line;
    }
    return count;
}

bool cz__page_answer(cz_ctx *ctx, const struct cz__visit *visit, cz_str page)
{
    cz_str names[CZ__VARY_MAX] = { { NULL, 0 } }, rest = page, identity;
    uint64_t created;
    if (!cz__take_u64(&rest, &created) || !take_counted(&rest, &identity))
        return false;
    size_t count = names_of(identity, names);
    return !cz__page_is_personal(ctx, visit->req, names, count) &&
           answer_with(ctx, visit->req, cz__page_identity(ctx, visit, names, count), page);
}

/* ---- writing one ---- */

static void put_counted(cz_buf *out, cz_str text)
{
    char bytes[8];
    cz_buf_append(out, bytes, (size_t)(cz__put_u64(bytes, text.len) - bytes));
    cz_buf_append_str(out, text);
}

cz_str cz__page_write(cz_ctx *ctx, const struct cz__visit *visit, cz_str identity)
{
    const cz_response *response = &visit->req->response;
    struct cz__own_headers own = cz__headers_since(ctx, response, &visit->headers_before);
    char bytes[8];
    cz_buf text = { 0 };
    cz_buf_append(&text, bytes, (size_t)(cz__put_u64(bytes, (uint64_t)cz_now().us) - bytes));
    put_counted(&text, identity);
    put_counted(&text, response->content_type);
    cz_buf_append(&text, bytes, (size_t)(cz__put_u64(bytes, own.count) - bytes));
    for (size_t i = 0; i < own.count; i++) {
        put_counted(&text, own.items[i].name);
        put_counted(&text, own.items[i].value);
    }
    cz_buf_append_str(&text,
                      response->body->len ? cz_buf_str(response->body) : response->body_text);
    return take_text(ctx, &text);
}

cz_str cz__page_write_vary(cz_ctx *ctx, const struct cz__visit *visit, const cz_str *names,
                           size_t count)
{
    cz_buf text = { 0 };
    cz_buf_append_str(&text, visit->url);
    cz_buf_append_char(&text, '\n');
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_str(&text, names[i]);
        cz_buf_append_char(&text, '\n');
    }
    return take_text(ctx, &text);
}
