/* cache/cache_internal.h: what a kind of cache offers, and what stands before it. */
#ifndef CZ_CACHE_CACHE_INTERNAL_H
#define CZ_CACHE_CACHE_INTERNAL_H

#include "cache/caches.h"
#include "runtime/circuit.h"
#include <calzone/buf.h>

struct cz__store;

/* What comes of cz__cache_driver.incr besides an error. */
enum cz__counted { CZ__COUNTED, CZ__COUNTED_NOTHING, CZ__COUNTED_NO_INTEGER, CZ__COUNTED_TOO_FAR };

/* A kind of cache: bytes under keys, each for a time, CZ_CACHE_FOREVER among them. Keys come whole, with prefix and version, at
 * most CZ__FULL_KEY_BYTES_MAX long. No call raises. Each returns CZ_OK; CZ_EUNAVAILABLE: the cache cannot answer; CZ_ENOMEM;
 * CZ_ECANCELED, CZ_ETIMEDOUT, CZ_EINVAL of a wait (fiber.h), after which the change may have happened. */
struct cz__cache_driver {
    const char *scheme;
    bool
        is_local; /* all who share it are processes of one machine: whether one lives can be seen */
    /* Whether a parameter of the URL's query is the driver's own to read; NULL: none is. */
    bool (*has_parameter)(const cz_url *url, cz_str name);
    /* Make `store->state`, whatever it is, asking no server. The store's other members are set; `url` is gone afterwards. */
    cz_status (*open)(struct cz__store *store, const cz_url *url, cz_error *err);
    void (*close)(struct cz__store *store);
    const char *(*reason)(const struct cz__store *store); /* why it could not answer; may be NULL */
    /* Values go into the context's arena, `.ptr` NULL for a miss. */
    cz_status (*get)(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                     cz_str *out);
    cz_status (*set)(cz_ctx *ctx, struct cz__store *store, const cz_cache_item *items, size_t count,
                     int64_t ttl_ms, size_t *out_stored);
    cz_status (*add)(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value, int64_t ttl_ms,
                     bool *out_added);
    cz_status (*touch)(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t ttl_ms,
                       bool *out_found);
    cz_status (*remove)(cz_ctx *ctx, struct cz__store *store, const cz_str *keys, size_t count,
                        size_t *out_removed);
    /* Remove a key whose value is `value`. */
    cz_status (*remove_if)(cz_ctx *ctx, struct cz__store *store, cz_str key, cz_str value);
    cz_status (*incr)(cz_ctx *ctx, struct cz__store *store, cz_str key, int64_t delta,
                      enum cz__counted *out_counted, int64_t *out);
    cz_status (*clear)(cz_ctx *ctx, struct cz__store *store);
    /* Of several servers, each of which may be away by itself: it looks after that, and after what they have to forget; a get
     * of one that is away is a miss. These keys could not be changed; no `keys`: all. NULL: the store does. */
    void (*owe)(struct cz__store *store, const cz_str *keys, size_t count);
};

extern const struct cz__cache_driver cz__cache_memory, cz__cache_null, cz__cache_file,
    cz__cache_redis, cz__cache_rediss, cz__cache_memcached, cz__cache_database;

enum {
    CZ__PREFIX_BYTES_MAX = 64,
    CZ__FULL_KEY_BYTES_MAX = CZ_CACHE_KEY_BYTES_MAX + CZ__PREFIX_BYTES_MAX + 24,
    CZ__TIMEOUT_MS = 200
};

struct cz__flight;
struct cz__owed;

/* What the log is told. */
enum cz__news { CZ__NEWS_AWAY, CZ__NEWS_REFUSED, CZ__NEWS_TOO_LONG, CZ__NEWS_COUNT };

struct cz_cache {
    struct cz__store *store;
    int64_t version;
};

/* A cache of the project, in this process. */
struct cz__store {
    cz_cache handle; /* whose version is the URL's */
    char alias[CZ__PREFIX_BYTES_MAX];
    char prefix[CZ__PREFIX_BYTES_MAX + 1];
    const struct cz__cache_driver *driver;
    void *state; /* the driver's */
    int64_t ttl_ms, timeout_ms;
    int64_t jitter;  /* per cent */
    int64_t bytes;   /* of memory */
    int64_t entries; /* of a folder, at most */
    cz__circuit circuit;
    int64_t told_at_us[CZ__NEWS_COUNT]; /* 0: never */
    struct cz__owed *owed;              /* what to remove when it is back */
    bool is_settling; /* a fiber of this process does that; the others find the cache away */
    struct cz__flight *flights; /* what fibers of this process compute (single_flight.c) */
};

/* Those that are open. */
size_t cz__stores_count(void);
struct cz__store *cz__stores_at(size_t number);
/* NULL: there is none of this alias. */
struct cz__store *cz__store_named(const char *alias);

/* models.c: whether a model stands in an app's .cached. */
bool cz__cache_watches(const cz_model *model);
/* The cache a call means. Raises: CZ_EINVAL: none is open. */
const cz_cache *cz__cache_resolve(cz_ctx *ctx, const cz_cache *cache);
/* "PREFIX:VERSION:KEY" in the arena. Raises: CZ_EINVAL: no key; CZ_ENOMEM. */
cz_str cz__cache_key(cz_ctx *ctx, const cz_cache *cache, cz_str key);
/* A key of the cache's own, as of a tag: "PREFIX:KIND:REST". */
cz_str cz__cache_own_key(cz_ctx *ctx, const struct cz__store *store, const char *kind, cz_str rest);
/* Raises: CZ_EINVAL: it is too long or has a control byte. */
void cz__cache_check_name(cz_ctx *ctx, const char *what, cz_str name);

/* Whether the cache is to be asked; false for a second after it was found away. */
bool cz__store_is_open(struct cz__store *store);
/* The same, after what is owed was done. */
bool cz__store_may_ask(cz_ctx *ctx, struct cz__store *store);
/* Whether it answered; what else a driver returns is raised. */
bool cz__store_answered(cz_ctx *ctx, struct cz__store *store, cz_status status);
/* Ask by `call`, an expression of a status. */
#define cz__store_ask(ctx, store, call)                                                            \
    (cz__store_may_ask((ctx), (store)) && cz__store_answered((ctx), (store), (call)))
/* The same for a change of keys. Unless it is known to have been made, what is stored under them is out of date: it is removed
 * before anything else is asked again. When that are too many keys, everything goes. */
#define cz__store_change(ctx, store, call, keys, count)                                            \
    (cz__store_may_ask((ctx), (store))                                                             \
         ? cz__store_changed((ctx), (store), (call), (keys), (count))                              \
         : (cz__store_owe((store), (keys), (count)), false))
void cz__store_owe(struct cz__store *store, const cz_str *keys, size_t count);
bool cz__store_changed(cz_ctx *ctx, struct cz__store *store, cz_status status, const cz_str *keys,
                       size_t count);
/* Raise what ended a wait. */
CZ_NORETURN void cz__store_raise(cz_ctx *ctx, const struct cz__store *store, cz_status status);
/* A line, but of each kind at most one a minute. */
void cz__store_tell(cz_ctx *ctx, struct cz__store *store, enum cz__news news, const char *detail);

/* For how long a value is fresh by these options. Raises: CZ_EINVAL: a negative time. */
int64_t cz__store_ttl(cz_ctx *ctx, const struct cz__store *store, int64_t ttl_ms, bool exact);

/* Whether every chain and count of a cache in memory is right; for tests. */
bool cz__cache_memory_is_sound(struct cz__store *store);

/* ---- what is to be removed when a cache is back (owed.c) ---- */

struct cz__debt {
    bool all;
    cz_str_list keys; /* unless all */
    uint64_t changes;
};
/* In memory that processes forked from now on share, and generations before and after; `whose`: a name of up to 80 bytes.
 * Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__owed_create(const char *whose, struct cz__owed **out);
void cz__owed_destroy(struct cz__owed *owed); /* NULL does nothing */
void cz__owed_add(struct cz__owed *owed, const cz_str *keys, size_t count);
void cz__owed_add_all(struct cz__owed *owed);
bool cz__owed_is_none(struct cz__owed *owed);
/* What there is, in the arena, and the end of it unless more was added since. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__owed_read(struct cz__owed *owed, cz_arena *arena, struct cz__debt *out);
void cz__owed_settle(struct cz__owed *owed, const struct cz__debt *debt);

/* ---- what is stored for a value (envelope.c) ---- */

struct cz__tag {
    cz_str name;
    uint64_t generation;
};

struct cz__envelope {
    cz_str value;
    int64_t fresh_until_us; /* by cz_now(); 0: as long as it is there */
    const struct cz__tag *tags;
    size_t tag_count;
};

/* Raises: CZ_ENOMEM. */
cz_str cz__envelope_write(cz_ctx *ctx, const struct cz__envelope *envelope);
/* False: it is none, or damaged. `out` points into `stored` and the arena. Raises: CZ_ENOMEM. */
bool cz__envelope_read(cz_ctx *ctx, cz_str stored, struct cz__envelope *out);
/* Write a number in 8 bytes and return what follows them; take bytes, or such a number, off the front. False: there are
 * fewer. */
char *cz__put_u64(char *at, uint64_t number);
bool cz__take(cz_str *rest, size_t bytes, cz_str *out);
bool cz__take_u64(cz_str *rest, uint64_t *out);
/* Whether a text is an integer as cz_i64_write() writes it. */
bool cz__is_integer(cz_str text, int64_t *out);

/* ---- tags (tags.c) ---- */

/* The generations the tags have now, made where they have none; NULL: the cache is away. Raises: CZ_EINVAL: a name, or too many. */
const struct cz__tag *cz__tags_now(cz_ctx *ctx, struct cz__store *store, cz_str_list names);
/* Set `.ptr` of the value to NULL where a tag has another generation by now. */
void cz__tags_check(cz_ctx *ctx, struct cz__store *store, struct cz__envelope *envelopes,
                    size_t count);

/* ---- reading and storing whole entries (cache.c) ---- */

enum cz__freshness { CZ__MISS, CZ__STALE, CZ__FRESH };
/* Raises: CZ_ENOMEM. */
enum cz__freshness cz__entry_read(cz_ctx *ctx, struct cz__store *store, cz_str full_key,
                                  cz_str *out);
/* Store under the tags' generations `tags`, one for each of the options'. */
bool cz__entry_store(cz_ctx *ctx, struct cz__store *store, cz_str full_key, cz_str value,
                     const cz_cache_options *options, const struct cz__tag *tags);

/* The key of a part of a page (fragments.c). Raises: CZ_EINVAL: its name; CZ_ENOMEM. */
cz_str cz__fragment_key(cz_ctx *ctx, cz_str name, cz_str_list vary_on);

/* ---- single-flight (single_flight.c) ---- */

enum { CZ__COMPUTE_MS = 5000 }; /* for so long others wait, unless something else was said */

/* What is wanted, of which one is to be brought for all that ask at once. Begins what `look` and `bring` know besides. */
struct cz__once {
    struct cz__store *store;
    cz_str name,
        full_key;    /* for the error of what is made from itself; of the flight and its lock */
    int64_t wait_ms; /* for who brings it */
    /* Whether `value` is in the cache by now, and set. */
    enum cz__freshness (*look)(cz_ctx *ctx, struct cz__once *once);
    /* Make `value` and store it; what it raises ends this one's wish, and another brings. */
    void (*bring)(cz_ctx *ctx, struct cz__once *once);
    cz_str
        value; /* afterwards: looked up, brought, taken from another fiber that brought it, or an old one */
    struct cz__flight *flight; /* private, as all that follows; NULL: this one is alone */
    cz_str lock_key, lock_value;
    bool locked;
};
/* Raises: what `look` and `bring` raise; CZ_EINVAL: `bring` asks for it itself; what ended a wait. */
void cz__once_run(cz_ctx *ctx, struct cz__once *once);

#endif
