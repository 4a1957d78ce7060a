/* cache/pages.h: what the files of whole answers share. */
#ifndef CZ_CACHE_PAGES_H
#define CZ_CACHE_PAGES_H

#include "cache/cache_internal.h"
#include "http/own_headers.h"

enum { CZ__VARY_MAX = 16 }; /* names of headers */

/* What is known of answers to a URL. */
enum cz__known { CZ__KNOWS_NOTHING, CZ__KNOWS_VARY, CZ__KNOWS_NOT_KEPT };

struct cz__visit {
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
    struct cz__headers_before headers_before;
    bool may_wait, is_made; /* for another's answer; the answer is this request's own */
    /* What was found of the URL, for the next look alone: another may have found more by then. */
    bool has_looked;
    enum cz__known known, waits_for; /* what was known when it began to wait */
    cz_str names[CZ__VARY_MAX];
    size_t name_count;
};

/* ---- page_entries.c ---- */

/* Take what stands before the next comma, trimmed; commas in quoted strings do not count. */
cz_str cz__header_next(cz_str *rest);
bool cz__header_is(const cz_header *header, const char *name);
/* The names an answer varies on: in small letters, each once, in order. False: on everything, or on too many. */
bool cz__page_read_vary(cz_ctx *ctx, const cz_response *response, cz_str *names, size_t *count);
/* Whether the request brings what makes its answer one person's, which the answer does not vary on; or who calls is known without
 * Cookie and Authorization. */
bool cz__page_is_personal(const cz_ctx *ctx, const cz_request *req, const cz_str *names,
                          size_t count);

/* Of kind "vary" or "page", by a hash. */
cz_str cz__page_key(cz_ctx *ctx, const struct cz__visit *visit, const char *kind, cz_str of);
/* The URL and the values of these headers. */
cz_str cz__page_identity(cz_ctx *ctx, const struct cz__visit *visit, const cz_str *names,
                         size_t count);
/* The answer as a page; the URL's names. In the arena. Raises: CZ_ENOMEM. */
cz_str cz__page_write(cz_ctx *ctx, const struct cz__visit *visit, cz_str identity);
cz_str cz__page_write_vary(cz_ctx *ctx, const struct cz__visit *visit, const cz_str *names,
                           size_t count);
/* Answer with a page that was made for another request, if it is this one's as well. */
bool cz__page_answer(cz_ctx *ctx, const struct cz__visit *visit, cz_str page);

#endif
