/* Whole answers, kept by URL and by the request headers that they vary on; one is made for all that want it. */
#include "cache/pages.h"

enum { NOT_KEPT_MS = 10000 };

/* ---- answering ---- */

/* Find what answers of this URL vary on, if that is known. */
static enum cz__known find_vary(cz_ctx *ctx, struct cz__visit *visit)
{
    cz_str text;
    visit->name_count = 0;
    if (cz__entry_read(ctx, visit->store, cz__page_key(ctx, visit, "vary", visit->url), &text) !=
            CZ__FRESH ||
        !cz_str_eq(cz_str_cut(&text, '\n'), visit->url))
        return CZ__KNOWS_NOTHING;
    while (text.len && visit->name_count < CZ__VARY_MAX)
        visit->names[visit->name_count++] = cz_str_cut(&text, '\n');
    bool none = visit->name_count == 1 && cz_str_eq(visit->names[0], CZ_STR("*"));
    return none ? CZ__KNOWS_NOT_KEPT : CZ__KNOWS_VARY;
}

static void learn(cz_ctx *ctx, struct cz__visit *visit)
{
    visit->known = find_vary(ctx, visit);
    visit->has_looked = true;
}

/* Of the URL, or of the URL and the values of what it is known to vary on. */
static cz_str key_of(cz_ctx *ctx, const struct cz__visit *visit)
{
    return visit->known == CZ__KNOWS_VARY
               ? cz__page_key(ctx, visit, "page",
                              cz__page_identity(ctx, visit, visit->names, visit->name_count))
               : cz__page_key(ctx, visit, "vary", visit->url);
}

/* Look for the page; what is known not to be kept is not waited for. */
static enum cz__freshness look_for_page(cz_ctx *ctx, struct cz__once *once)
{
    struct cz__visit *visit = (struct cz__visit *)(void *)once;
    if (!visit->has_looked)
        learn(ctx, visit);
    visit->has_looked = false;
    once->value = CZ_STR("");
    if (visit->known != CZ__KNOWS_VARY)
        return visit->known == CZ__KNOWS_NOTHING ? CZ__MISS : CZ__FRESH;
    enum cz__freshness found = cz__entry_read(ctx, visit->store, key_of(ctx, visit), &once->value);
    bool was_another = found == CZ__MISS && visit->waits_for == CZ__KNOWS_NOTHING;
    return was_another ? CZ__FRESH : found; /* empty: it asks anew, by what is known by now */
}

/* ---- keeping ---- */

/* How long Cache-Control lets an answer be kept, in seconds; INT64_MAX: it does not say; 0: not at all. */
static int64_t shared_age(const cz_response *response)
{
    int64_t age = INT64_MAX, shared = -1;
    for (uint32_t i = 0; i < response->header_count; i++) {
        cz_str rest = response->headers[i].value;
        while (cz__header_is(&response->headers[i], "cache-control") && rest.len) {
            cz_str value = cz__header_next(&rest), name = cz_str_trim(cz_str_cut(&value, '='));
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

static bool says_no_store(const cz_request *req)
{
    for (cz_str rest = cz_request_header(req, CZ_STR("Cache-Control")); rest.len;)
        if (cz_str_eq_icase(cz__header_next(&rest), CZ_STR("no-store")))
            return true;
    return false;
}

static bool may_be_kept(cz_ctx *ctx, const struct cz__visit *visit)
{
    const cz_response *response = &visit->req->response;
    if (visit->req->method != CZ_METHOD_GET || response->status != 200 || response->raised ||
        response->stream)
        return false;
    struct cz__own_headers own = cz__headers_since(ctx, response, &visit->headers_before);
    for (size_t i = 0; i < own.count; i++)
        if (cz__header_is(&own.items[i], "set-cookie"))
            return false;
    return !says_no_store(visit->req);
}

/* So that nobody waits for a page that will not be there. Nothing that is known of others' answers goes for that. */
static void keep_that_none_is(cz_ctx *ctx, const struct cz__visit *visit)
{
    if (!visit->may_wait || visit->known != CZ__KNOWS_NOTHING)
        return;
    const cz_str all = CZ_STR("*");
    const cz_cache_options brief = { .ttl_ms = NOT_KEPT_MS };
    cz_ignore(cz__entry_store(ctx, visit->store, cz__page_key(ctx, visit, "vary", visit->url),
                              cz__page_write_vary(ctx, visit, &all, 1), &brief,
                              NULL)); /* else some wait in vain */
}

static void keep(cz_ctx *ctx, void *arg)
{
    struct cz__visit *visit = arg;
    const cz_response *response = &visit->req->response;
    cz_str names[CZ__VARY_MAX] = { { NULL, 0 } };
    size_t count;
    int64_t age_s = may_be_kept(ctx, visit) ? shared_age(response) : 0;
    if (!age_s || !cz__page_read_vary(ctx, response, names, &count)) {
        keep_that_none_is(ctx, visit);
        return;
    }
    if (cz__page_is_personal(ctx, visit->req, names, count))
        return;
    cz_cache_options page = visit->options, vary = { .ttl_ms = visit->options.ttl_ms };
    if (age_s < visit->options.ttl_ms / 1000 ||
        (visit->options.ttl_ms == CZ_CACHE_FOREVER && age_s < INT64_MAX / 1000))
        page.ttl_ms = age_s * 1000;
    if (vary.ttl_ms != CZ_CACHE_FOREVER)
        vary.ttl_ms += page.stale_ms;
    cz_str identity = cz__page_identity(ctx, visit, names, count);
    visit->once.value = cz__page_write(ctx, visit, identity);
    if (!visit->tags)
        return; /* for those that wait in this process, which may be all there are */
    if (cz__entry_store(ctx, visit->store, cz__page_key(ctx, visit, "page", identity),
                        visit->once.value, &page, visit->tags))
        cz_ignore(cz__entry_store(ctx, visit->store, cz__page_key(ctx, visit, "vary", visit->url),
                                  cz__page_write_vary(ctx, visit, names, count), &vary,
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
    struct cz__visit *visit = (struct cz__visit *)(void *)once;
    once->value = CZ_STR("");
    visit->is_made = true;
    visit->tags = cz__tags_now(ctx, visit->store, visit->options.tags);
    visit->headers_before = cz__headers_before(ctx, &visit->req->response);
    cz_next_call(ctx, visit->req, visit->next);
    cz_ignore(cz_try(ctx, keep, visit, NULL)); /* the answer is there all the same */
}

/* Whether it may have an answer that another request gets: not one that brings what makes its answer a person's, unless that
 * is known to be one of the values that answers vary on. */
static bool is_one_of_many(const cz_ctx *ctx, const struct cz__visit *visit)
{
    size_t count = visit->known == CZ__KNOWS_VARY ? visit->name_count : 0;
    return visit->req->method == CZ_METHOD_GET && !says_no_store(visit->req) &&
           visit->known != CZ__KNOWS_NOT_KEPT &&
           !cz__page_is_personal(ctx, visit->req, visit->names, count);
}

/* Answer with a page, of which one is made for all that want it. What that one made may be another's, as of another language;
 * then they ask once more, for what is known by then. */
static bool answer_by_one(cz_ctx *ctx, struct cz__visit *visit)
{
    for (int i = 0; i < 2; i++) {
        learn(ctx, visit);
        visit->may_wait = is_one_of_many(ctx, visit);
        if (!visit->may_wait)
            return look_for_page(ctx, &visit->once) == CZ__FRESH &&
                   cz__page_answer(ctx, visit, visit->once.value);
        visit->once.full_key = key_of(ctx, visit);
        visit->waits_for = visit->known;
        cz__once_run(ctx, &visit->once);
        if (visit->is_made || cz__page_answer(ctx, visit, visit->once.value))
            return true;
        if (!visit->once.value.len && visit->waits_for == CZ__KNOWS_VARY)
            return false; /* it was not kept */
    }
    return false;
}

cz_status cz__page_cache_check(const cz_middleware *middleware, cz_error *err)
{
    if (middleware->process != cz__page_cache_process)
        return CZ_OK;
    const cz_page_cache *page = (const cz_page_cache *)(const void *)middleware;
    const char *alias = page->cache ? page->cache : "default";
    if (!cz__store_named(alias))
        return cz_error_set(err, CZ_EVALIDATION, "a page cache: there is no cache \"%s\"", alias);
    if (page->tags.count + page->models.count > CZ_CACHE_TAGS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "a page cache: at most %d .tags and .models",
                            CZ_CACHE_TAGS_MAX);
    for (size_t i = 0; i < page->models.count; i++)
        if (!cz__cache_watches(page->models.items[i]))
            return cz_error_set(err, CZ_EVALIDATION,
                                "a page cache: %s is in no app's .cached, so its changes would "
                                "end nothing",
                                page->models.items[i]->name);
    return CZ_OK;
}

void cz__page_cache_process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct cz__visit visit = { .req = req,
                               .next = next,
                               .page =
                                   (const cz_page_cache *)(const void *)cz__next_middleware(next) };
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
