/* calzone/cache.h: values kept for a while, so that they need not be worked out again.
 *
 *     cz_str page;
 *     if (!cz_cache_get(ctx, NULL, CZ_STR("front"), &page)) {
 *         page = draw_front_page(ctx);
 *         cz_cache_set(ctx, NULL, CZ_STR("front"), page, &(cz_cache_options){ .ttl_ms = 60000 });
 *     }
 *
 * The cache `default` is the setting CACHE_URL; without it it lies in memory that all workers of the site share. Others are
 * declared by the project and found with cz_cache_of(); NULL is `default` in every call. A value is bytes, at most 1 MiB, or an
 * integer.
 *
 * A cache may lose anything at any time, and it never fails a request: when it cannot answer within its time-out, a
 * get is a miss, a set is dropped, and for a second nobody asks it again. A line a minute tells the log.
 *
 * Every call: Raises: CZ_EINVAL: a key or tag over CZ_CACHE_KEY_BYTES_MAX bytes or with a control byte, or options that cannot
 * be; CZ_ENOMEM; CZ_ECANCELED, CZ_ETIMEDOUT: the request's own end. Values returned are in the context's arena. Context: worker,
 * may suspend where the cache is a server's; also in a command, which waits.
 */
#ifndef CALZONE_CACHE_H
#define CALZONE_CACHE_H

#include <calzone/middleware.h>
#include <calzone/models.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_cache cz_cache; /* opaque; NULL is the one of the alias "default" */

enum {
    CZ_CACHE_KEY_BYTES_MAX = 250,
    CZ_CACHE_VALUE_BYTES_MAX = 1024 * 1024, /* longer ones are not stored, which the log tells */
    CZ_CACHE_TAGS_MAX = 16                  /* of one value */
};

/* ---- which there are ---- */

typedef struct cz_cache_declaration {
    const char *
        alias; /* small letters, digits and underscores; the setting of "pages" is CACHE_PAGES_URL */
} cz_cache_declaration;
typedef struct cz_cache_list {
    const cz_cache_declaration *items;
    size_t count;
} cz_cache_list;
/* Those beside "default", for cz_project.caches: CZ_CACHES({ .alias = "pages" }). */
#define CZ_CACHES(...)                                                                             \
    {                                                                                              \
        (const cz_cache_declaration[]){ __VA_ARGS__ },                                             \
            sizeof((const cz_cache_declaration[]){ __VA_ARGS__ }) / sizeof(cz_cache_declaration)   \
    }

/* The cache of an alias. Raises: CZ_EINVAL: none is declared by that name. */
cz_cache *cz_cache_of(cz_ctx *ctx, const char *alias);
/* The same cache with other keys: those of a version, 1 or more, which the URL's `version` (1) is the first of. Lives as long
 * as `ctx`. */
cz_cache *cz_cache_version(cz_ctx *ctx, cz_cache *cache, uint32_t version);

/* ---- one value ---- */

/* For cz_cache_options.ttl_ms and cz_cache_touch(): until it is deleted, or there is no room. */
#define CZ_CACHE_FOREVER INT64_C(-1)

typedef struct cz_cache_options {
    int64_t ttl_ms; /* how long it is fresh; 0: as the cache's URL says, 300,000 if it does not */
    bool
        exact; /* for so long exactly; else up to a tenth (the URL's `jitter`) less, so that values stored at
                       one time do not all end at one time */
    int64_t
        stale_ms; /* how much longer cz_cache_get_or_set() may return it while another value is computed; 0: not */
    cz_str_list tags; /* what it is made of: cz_cache_invalidate() of one ends it */
    int64_t
        compute_ms; /* cz_cache_get_or_set(): others wait so long for one that computes; 0: 5,000 */
} cz_cache_options;
/* A list of tags, as cz_str: CZ_CACHE_TAGS(CZ_STR("books"), cz_format(ctx, "author %lld", id)). */
#define CZ_CACHE_TAGS(...)                                                                         \
    {                                                                                              \
        (const cz_str[]){ __VA_ARGS__ }, sizeof((const cz_str[]){ __VA_ARGS__ }) / sizeof(cz_str)  \
    }

/* The value of a key; false when there is none. */
bool cz_cache_get(cz_ctx *ctx, cz_cache *cache, cz_str key, cz_str *out);
/* Store a value in place of any other. False when it was not stored: it is too long, or the cache is away. `options` may be
 * NULL. */
bool cz_cache_set(cz_ctx *ctx, cz_cache *cache, cz_str key, cz_str value,
                  const cz_cache_options *options);
/* Store a value if there is none; of several that try at once, in whichever process, one does. False: there was one, or the
 * cache is away. */
bool cz_cache_add(cz_ctx *ctx, cz_cache *cache, cz_str key, cz_str value,
                  const cz_cache_options *options);
/* Keep a value for another while from now; 0 is the cache's own time. One stored with .stale_ms is kept, yet fresh no longer
 * than it was. False: there is none. */
bool cz_cache_touch(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t ttl_ms);
/* Whether there was one. */
bool cz_cache_delete(cz_ctx *ctx, cz_cache *cache, cz_str key);
bool cz_cache_has_key(cz_ctx *ctx, cz_cache *cache, cz_str key);

/* ---- integers: what counters are made of, in one step among all processes ---- */

bool cz_cache_get_int(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t *out);
bool cz_cache_set_int(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t value,
                      const cz_cache_options *options);
/* Add to an integer, whose time stays as it is. False, and `*out` as it was: there is none, as in Django; begin it with
 * cz_cache_add(). Raises: CZ_EINVAL: what is stored is no integer, has tags or a stale time; the sum does not fit. */
bool cz_cache_incr(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t delta, int64_t *out);
bool cz_cache_decr(cz_ctx *ctx, cz_cache *cache, cz_str key, int64_t delta, int64_t *out);

/* ---- many ---- */

typedef struct cz_cache_item {
    cz_str key, value;
} cz_cache_item;

/* The values of the keys, in their order; `.ptr` is NULL where there is none. One round trip. */
cz_str_list cz_cache_get_many(cz_ctx *ctx, cz_cache *cache, cz_str_list keys);
/* How many were stored, and how many there were. */
size_t cz_cache_set_many(cz_ctx *ctx, cz_cache *cache, const cz_cache_item *items, size_t count,
                         const cz_cache_options *options);
size_t cz_cache_delete_many(cz_ctx *ctx, cz_cache *cache, cz_str_list keys);
/* Forget everything under the cache's prefix; of memcached://, everything in its servers. */
void cz_cache_clear(cz_ctx *ctx, cz_cache *cache);

/* Move a value from the cache's version to that version + delta, with the cache's own time to live, and return the number
 * of the new version; 0: there is no such value, or the cache is away. Raises: CZ_EINVAL: a version below 1. */
uint32_t cz_cache_incr_version(cz_ctx *ctx, cz_cache *cache, cz_str key, int32_t delta);

/* ---- tags ---- */

/* End every value stored with this tag, in every version. Costs one key, however many values that are. */
void cz_cache_invalidate(cz_ctx *ctx, cz_cache *cache, cz_str tag);

/* The tag of a model that stands in an app's .cached: it is invalidated in every cache of the project when rows of the model, or
 * links of its many-to-manys, have changed, and their transaction is committed. That is so for all that goes through the ORM,
 * cz_update() and bulk changes among it; not for SQL by hand. In the arena. Raises: CZ_EINVAL: it is in no .cached. */
#define CZ_CACHE_MODEL(ctx, M) cz__cache_model((ctx), &M##__model)
cz_str cz__cache_model(cz_ctx *ctx, const cz_model *model);
/* Say that rows of a model have changed, by SQL by hand: as above, once the open transaction is committed; of none, now.
 * Raises: CZ_EINVAL: it is in no .cached. */
#define cz_cache_model_changed(ctx, M) cz__cache_model_changed((ctx), &M##__model)
void cz__cache_model_changed(cz_ctx *ctx, const cz_model *model);

/* ---- computed once ---- */

typedef cz_str (*cz_cache_compute_fn)(cz_ctx *ctx, void *arg);

/* The value of a key, or what `compute(ctx, arg)` returns, which is stored. Of all that ask at once, in this worker and the
 * others, one computes; the others wait for it, at most .compute_ms, or return the old value at once as long as its .stale_ms
 * lasts. Whoever dies while it computes, and whose computation raises, is replaced by one that waited. A value that is stored
 * is as old as its tags were when the computation began, so what an invalidation meanwhile would have ended is not kept.
 * Raises: what `compute` raises; CZ_EINVAL: `compute` asks for this key itself. */
cz_str cz_cache_get_or_set(cz_ctx *ctx, cz_cache *cache, cz_str key,
                           const cz_cache_options *options, cz_cache_compute_fn compute, void *arg);

/* ---- parts of pages ---- */

/* A part of a page, Django's `{% cache %}`: what `draw(ctx, arg)` returns, kept for this name and these values, such as a
 * language and a user, and drawn once as by cz_cache_get_or_set(). Values are told apart byte for byte, in their order.
 * Raises: what `draw` raises; CZ_EINVAL: a name that is empty, over CZ_CACHE_FRAGMENT_NAME_MAX bytes or has a control byte. */
enum { CZ_CACHE_FRAGMENT_NAME_MAX = 100 };
cz_str cz_cache_fragment(cz_ctx *ctx, cz_cache *cache, cz_str name, cz_str_list vary_on,
                         const cz_cache_options *options, cz_cache_compute_fn draw, void *arg);
/* Whether there was one of this name and these values. */
bool cz_cache_fragment_delete(cz_ctx *ctx, cz_cache *cache, cz_str name, cz_str_list vary_on);

/* ---- once a request ---- */

/* The value of a key in this unit of work, as a request or task: what `compute(ctx, arg)` returned when it was first asked; no
 * cache is asked, and nobody else sees it. Raises: what `compute` raises, and the next asks it again; CZ_EINVAL: `compute` asks
 * for this key itself; CZ_ENOMEM. Context: any. */
cz_str cz_once(cz_ctx *ctx, cz_str key, cz_cache_compute_fn compute, void *arg);

/* ---- whole answers ---- */

/* Texts for a declaration at file scope. */
typedef struct cz_cache_names {
    const char *const *items;
    size_t count;
} cz_cache_names;
#define CZ_CACHE_NAMES(...)                                                                        \
    {                                                                                              \
        (const char *const[]){ __VA_ARGS__ },                                                      \
            sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)                          \
    }

/* Answers to GET and HEAD, kept by URL and the request headers that the answer's Vary names. A middleware for routes:
 *
 *     static CZ_PAGE_CACHE(book_pages, .ttl_ms = 60000, .models = CZ_MODELS(Book));
 *     CZ_RESOURCE("/books", &book_views, .middleware = CZ_CACHE_PAGES(book_pages))
 *
 * An answer is kept when its status is 200, it sets no cookie, is no stream, and neither says `Cache-Control: private`, `no-store`
 * or `no-cache` nor varies on everything; for .ttl_ms, or less by its s-maxage or max-age. Nobody who sends Cookie or Authorization is
 * answered with what is kept, nor is an answer to him kept, unless that varies on it; nor anybody whom middleware further out knows
 * otherwise (`ctx->actor`), as by a client's certificate or a header of its own. A request with a body passes by. What
 * comes from the cache has Age. Of all that want a page at once one gets it made; the others wait for it, 5 s at most, or
 * get the old one. Also for a project's middleware: &VARIABLE.middleware, behind what is to be asked before. What stands further in, as a check of permissions, does not run then. */
typedef struct cz_page_cache {
    cz_middleware middleware; /* private; must be first */
    const char *cache;        /* its alias; NULL: "default" */
    int64_t ttl_ms;           /* 0: as the cache's URL says */
    int64_t stale_ms; /* how much longer others get the old one while one makes it anew; 0: not */
    cz_cache_names tags;  /* CZ_CACHE_NAMES("front"), to invalidate them by */
    cz_model_list models; /* as tags; each stands in an app's .cached. At most CZ_CACHE_TAGS_MAX
                                 of both. Else the start fails, as where there is no such cache */
} cz_page_cache;
#define CZ_PAGE_CACHE(variable, ...)                                                               \
    const cz_page_cache variable = { .middleware = { "page_cache", cz__page_cache_process, NULL }, \
                                     ##__VA_ARGS__ }
/* For .middleware of a route, where it stands alone; among others it is &VARIABLE.middleware. */
#define CZ_CACHE_PAGES(variable)                                                                   \
    (const cz_middleware *const[])                                                                 \
    {                                                                                              \
        &(variable).middleware, NULL                                                               \
    }
void cz__page_cache_process(cz_ctx *ctx, cz_request *req, const cz_next *next);

#ifdef __cplusplus
}
#endif
#endif
