/* Whole answers, kept by URL and by the request headers that they vary on.
 *
 * Two entries are kept. "PREFIX:vary:HASH" is of the URL alone and names the headers, which only an answer can tell;
 * "PREFIX:page:HASH" is of the URL and these headers' values. Hashes may collide, and an attacker may look for such URLs, so both
 * entries begin with what they are of, word for word, and one of anything else is none.
 *
 *   vary = url LF *( name LF )
 *   page = created identity type count *( name value ) body      ; created and count 8 bytes, the others counted by 8 bytes
 *   identity = url LF *( name LF *( "=" value LF ) )             ; no "=" line: the header is absent
 */
#include "cache/cache_internal.h"
#include <calzone/map.h>
#include <calzone/time.h>

enum { VARY_MAX = 16, NOT_KEPT_MS = 10000 };

/* What is known of answers to a URL. */
enum known { KNOWS_NOTHING, KNOWS_VARY, KNOWS_NOT_KEPT };

struct visit {
    struct cz__once
        once; /* first: of all that want the answer one makes it; its value is the page */
    cz_request *req;
    const cz_next *next;
    const cz_page_cache *page;
    struct cz__store *store;
    cz_str url;
    const struct cz__tag
        *tags; /* as they were before the answer was made; NULL: the cache is away */
    cz_cache_options options;
    uint32_t headers_before; /* of the answer, which are not this middleware's to keep */
    bool may_wait, is_made;  /* for another's answer; the answer is this request's own */
    /* What was found of the URL, for the next look alone: another may have found more by then. */
    bool has_looked;
    enum known known, waits_for; /* what was known when it began to wait */
    cz_str names[VARY_MAX];
    size_t name_count;
};

/* ---- headers ---- */

/* What stands before the next comma, trimmed; commas in quoted strings do not count. */
static cz_str next_item(cz_str *rest)
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

static bool name_is(const cz_header *header, const char *name)
{
    return cz_str_eq_icase(header->name, cz_str_from(name));
}

/* The names an answer varies on: in small letters, each once, in order. False: on everything, or on too many. */
static bool read_vary(cz_ctx *ctx, const cz_response *response, cz_str *names, size_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < response->header_count; i++) {
        cz_str rest = response->headers[i].value;
        while (name_is(&response->headers[i], "vary") && rest.len) {
            cz_str item = next_item(&rest);
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
            if (*count == VARY_MAX)
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

/* Whether the request brings what makes its answer one person's, which the answer does not vary on. */
static bool is_personal(const cz_request *req, const cz_str *names, size_t count)
{
    return (cz_request_has_header(req, CZ_STR("Cookie")) &&
            !stands_among(names, count, "cookie")) ||
           (cz_request_has_header(req, CZ_STR("Authorization")) &&
            !stands_among(names, count, "authorization"));
}

/* ---- keys ---- */

static cz_str page_key(cz_ctx *ctx, const struct visit *visit, const char *kind, cz_str of)
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

static cz_str identity_of(cz_ctx *ctx, const struct visit *visit, const cz_str *names, size_t count)
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

/* ---- answering ---- */

/* Find what answers of this URL vary on, if that is known. */
static enum known find_vary(cz_ctx *ctx, struct visit *visit)
{
    cz_str text;
    visit->name_count = 0;
    if (cz__entry_read(ctx, visit->store, page_key(ctx, visit, "vary", visit->url), &text) !=
            CZ__FRESH ||
        !cz_str_eq(cz_str_cut(&text, '\n'), visit->url))
        return KNOWS_NOTHING;
    while (text.len && visit->name_count < VARY_MAX)
        visit->names[visit->name_count++] = cz_str_cut(&text, '\n');
    bool none = visit->name_count == 1 && cz_str_eq(visit->names[0], CZ_STR("*"));
    return none ? KNOWS_NOT_KEPT : KNOWS_VARY;
}

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
    return true;
}

/* The names that the page of another request varies on, from its identity. */
static size_t names_of(cz_str identity, cz_str *names)
{
    size_t count = 0;
    cz_ignore(cz_str_cut(&identity, '\n').len); /* the URL */
    while (identity.len && count < VARY_MAX) {
        cz_str line = cz_str_cut(&identity, '\n');
        if (line.len && line.ptr[0] != '=')
            names[count++] = line;
    }
    return count;
}

/* Answer with a page that was made for another request, if it is this one's as well. */
static bool answer_with_other(cz_ctx *ctx, const struct visit *visit, cz_str page)
{
    cz_str names[VARY_MAX] = { { NULL, 0 } }, rest = page, identity;
    uint64_t created;
    if (!cz__take_u64(&rest, &created) || !take_counted(&rest, &identity))
        return false;
    size_t count = names_of(identity, names);
    return !is_personal(visit->req, names, count) &&
           answer_with(ctx, visit->req, identity_of(ctx, visit, names, count), page);
}

static void learn(cz_ctx *ctx, struct visit *visit)
{
    visit->known = find_vary(ctx, visit);
    visit->has_looked = true;
}

/* Of the URL, or of the URL and the values of what it is known to vary on. */
static cz_str key_of(cz_ctx *ctx, const struct visit *visit)
{
    return visit->known == KNOWS_VARY
               ? page_key(ctx, visit, "page",
                          identity_of(ctx, visit, visit->names, visit->name_count))
               : page_key(ctx, visit, "vary", visit->url);
}

/* Look for the page; what is known not to be kept is not waited for. */
static enum cz__freshness look_for_page(cz_ctx *ctx, struct cz__once *once)
{
    struct visit *visit = (struct visit *)(void *)once;
    if (!visit->has_looked)
        learn(ctx, visit);
    visit->has_looked = false;
    once->value = CZ_STR("");
    if (visit->known != KNOWS_VARY)
        return visit->known == KNOWS_NOTHING ? CZ__MISS : CZ__FRESH;
    enum cz__freshness found = cz__entry_read(ctx, visit->store, key_of(ctx, visit), &once->value);
    bool was_another = found == CZ__MISS && visit->waits_for == KNOWS_NOTHING;
    return was_another ? CZ__FRESH : found; /* empty: it asks anew, by what is known by now */
}

/* ---- keeping ---- */

/* How long Cache-Control lets an answer be kept, in seconds; INT64_MAX: it does not say; 0: not at all. */
static int64_t shared_age(const cz_response *response)
{
    int64_t age = INT64_MAX, shared = -1;
    for (uint32_t i = 0; i < response->header_count; i++) {
        cz_str rest = response->headers[i].value;
        while (name_is(&response->headers[i], "cache-control") && rest.len) {
            cz_str value = next_item(&rest), name = cz_str_trim(cz_str_cut(&value, '='));
            int64_t seconds;
            bool is_number = !cz_str_to_i64(cz_str_trim(value), &seconds) && seconds >= 0;
            if (cz_str_eq_icase(name, CZ_STR("private")) ||
                cz_str_eq_icase(name, CZ_STR("no-store")) ||
                cz_str_eq_icase(name, CZ_STR("no-cache")))
                return 0;
            if (cz_str_eq_icase(name, CZ_STR("max-age")))
                age = is_number ? seconds : 0;
            else if (cz_str_eq_icase(name, CZ_STR("s-maxage")))
                shared = is_number ? seconds : 0;
        }
    }
    return shared >= 0 ? shared : age;
}

static bool may_be_kept(const struct visit *visit)
{
    const cz_response *response = &visit->req->response;
    if (visit->req->method != CZ_METHOD_GET || response->status != 200 || response->raised ||
        response->stream)
        return false;
    for (uint32_t i = visit->headers_before; i < response->header_count; i++)
        if (name_is(&response->headers[i], "set-cookie"))
            return false;
    cz_str rest = cz_request_header(visit->req, CZ_STR("Cache-Control"));
    while (rest.len)
        if (cz_str_eq_icase(next_item(&rest), CZ_STR("no-store")))
            return false;
    return true;
}

static void put_counted(cz_buf *out, cz_str text)
{
    char bytes[8];
    cz_buf_append(out, bytes, (size_t)(cz__put_u64(bytes, text.len) - bytes));
    cz_buf_append_str(out, text);
}

static cz_str page_of(cz_ctx *ctx, const struct visit *visit, cz_str identity)
{
    const cz_response *response = &visit->req->response;
    char bytes[8];
    cz_buf text = { 0 };
    cz_buf_append(&text, bytes, (size_t)(cz__put_u64(bytes, (uint64_t)cz_now().us) - bytes));
    put_counted(&text, identity);
    put_counted(&text, response->content_type);
    uint64_t count = response->header_count - visit->headers_before;
    cz_buf_append(&text, bytes, (size_t)(cz__put_u64(bytes, count) - bytes));
    for (uint32_t i = visit->headers_before; i < response->header_count; i++) {
        put_counted(&text, response->headers[i].name);
        put_counted(&text, response->headers[i].value);
    }
    cz_buf_append_str(&text,
                      response->body->len ? cz_buf_str(response->body) : response->body_text);
    return take_text(ctx, &text);
}

static cz_str vary_of(cz_ctx *ctx, const struct visit *visit, const cz_str *names, size_t count)
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

/* So that nobody waits for a page that will not be there. Nothing that is known of others' answers goes for that. */
static void keep_that_none_is(cz_ctx *ctx, const struct visit *visit)
{
    if (!visit->may_wait || visit->known != KNOWS_NOTHING)
        return;
    const cz_str all = CZ_STR("*");
    const cz_cache_options brief = { .ttl_ms = NOT_KEPT_MS };
    cz_ignore(cz__entry_store(ctx, visit->store, page_key(ctx, visit, "vary", visit->url),
                              vary_of(ctx, visit, &all, 1), &brief,
                              NULL)); /* else some wait in vain */
}

static void keep(cz_ctx *ctx, void *arg)
{
    struct visit *visit = arg;
    const cz_response *response = &visit->req->response;
    cz_str names[VARY_MAX] = { { NULL, 0 } };
    size_t count;
    int64_t age_s = may_be_kept(visit) ? shared_age(response) : 0;
    if (!age_s || !read_vary(ctx, response, names, &count)) {
        keep_that_none_is(ctx, visit);
        return;
    }
    if (is_personal(visit->req, names, count))
        return;
    cz_cache_options page = visit->options, vary = { .ttl_ms = visit->options.ttl_ms };
    if (age_s < visit->options.ttl_ms / 1000 ||
        (visit->options.ttl_ms == CZ_CACHE_FOREVER && age_s < INT64_MAX / 1000))
        page.ttl_ms = age_s * 1000;
    if (vary.ttl_ms != CZ_CACHE_FOREVER)
        vary.ttl_ms += page.stale_ms;
    cz_str identity = identity_of(ctx, visit, names, count);
    visit->once.value = page_of(ctx, visit, identity);
    if (!visit->tags)
        return; /* for those that wait in this process, which may be all there are */
    if (cz__entry_store(ctx, visit->store, page_key(ctx, visit, "page", identity),
                        visit->once.value, &page, visit->tags))
        cz_ignore(cz__entry_store(ctx, visit->store, page_key(ctx, visit, "vary", visit->url),
                                  vary_of(ctx, visit, names, count), &vary,
                                  NULL)); /* without it the page is not found */
}

/* ---- the middleware ---- */

static cz_str_list tags_of(cz_ctx *ctx, const cz_page_cache *page)
{
    size_t count = page->tags.count + page->models.count;
    cz_str *tags = cz_array(ctx, cz_str, count);
    for (size_t i = 0; i < page->tags.count; i++)
        tags[i] = cz_str_from(page->tags.items[i]);
    for (size_t i = 0; i < page->models.count; i++)
        tags[page->tags.count + i] = cz__cache_model(ctx, page->models.items[i]);
    return (cz_str_list){ tags, count };
}

static void make_page(cz_ctx *ctx, struct cz__once *once)
{
    struct visit *visit = (struct visit *)(void *)once;
    once->value = CZ_STR("");
    visit->is_made = true;
    visit->tags = cz__tags_now(ctx, visit->store, visit->options.tags);
    visit->headers_before = visit->req->response.header_count;
    cz_next_call(ctx, visit->req, visit->next);
    cz_ignore(cz_try(ctx, keep, visit, NULL)); /* the answer is there all the same */
}

/* Whether it may have an answer that another request gets: not one that brings what makes its answer a person's, unless that
 * is known to be one of the values that answers vary on. */
static bool is_one_of_many(const struct visit *visit)
{
    cz_str rest = cz_request_header(visit->req, CZ_STR("Cache-Control"));
    while (rest.len)
        if (cz_str_eq_icase(next_item(&rest), CZ_STR("no-store")))
            return false;
    size_t count = visit->known == KNOWS_VARY ? visit->name_count : 0;
    return visit->req->method == CZ_METHOD_GET && visit->known != KNOWS_NOT_KEPT &&
           !is_personal(visit->req, visit->names, count);
}

/* Answer with a page, of which one is made for all that want it. What that one made may be another's, as of another language;
 * then they ask once more, for what is known by then. */
static bool answer_by_one(cz_ctx *ctx, struct visit *visit)
{
    for (int i = 0; i < 2; i++) {
        learn(ctx, visit);
        visit->may_wait = is_one_of_many(visit);
        if (!visit->may_wait)
            return look_for_page(ctx, &visit->once) == CZ__FRESH &&
                   answer_with_other(ctx, visit, visit->once.value);
        visit->once.full_key = key_of(ctx, visit);
        visit->waits_for = visit->known;
        cz__once_run(ctx, &visit->once);
        if (visit->is_made || answer_with_other(ctx, visit, visit->once.value))
            return true;
        if (!visit->once.value.len && visit->waits_for == KNOWS_VARY)
            return false; /* it was not kept */
    }
    return false;
}

void cz__page_cache_process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct visit visit = { .req = req,
                           .next = next,
                           .page = (const cz_page_cache *)(const void *)cz__next_middleware(next) };
    if ((req->method != CZ_METHOD_GET && req->method != CZ_METHOD_HEAD) || req->body.len) {
        cz_next_call(ctx, req, next);
        return;
    }
    visit.store = cz_cache_of(ctx, visit.page->cache ? visit.page->cache : "default")->store;
    visit.url = cz_format(ctx, "%.*s://%.*s%.*s", CZ_STR_ARG(req->scheme), CZ_STR_ARG(req->host),
                          CZ_STR_ARG(req->target));
    visit.options = (cz_cache_options){
        .ttl_ms = visit.page->ttl_ms ? visit.page->ttl_ms : visit.store->ttl_ms,
        .stale_ms = visit.page->stale_ms,
        .tags = tags_of(ctx, visit.page),
    };
    visit.once = (struct cz__once){ .store = visit.store,
                                    .name = visit.url,
                                    .wait_ms = CZ__COMPUTE_MS,
                                    .look = look_for_page,
                                    .bring = make_page };
    if (!answer_by_one(ctx, &visit))
        make_page(ctx, &visit.once);
}
