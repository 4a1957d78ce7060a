/* What the files of src/throttling share. */
#ifndef CZ_THROTTLING_INTERNAL_H
#define CZ_THROTTLING_INTERNAL_H

#include <calzone/throttling.h>

/* ---- rates.c ---- */

typedef struct cz__rate {
    uint32_t hits;     /* at most, */
    int64_t period_us; /* in any period of this length */
} cz__rate;

/* Read "100/day", "5/second" or "10/5m": hits, and a period of seconds, minutes, hours or days. A unit is a word, its
 * plural or its usual short form. Errors: CZ_EVALIDATION: it is none, has no hits, over a thousand million, or a period
 * over 366 days. */
CZ_NODISCARD cz_status cz__rate_read(cz_str text, cz__rate *out);

/* ---- table.c ---- */

enum { CZ__HITS_MAX = 16 }; /* counters one request may count in */

typedef struct cz__throttle_table cz__throttle_table;

/* One counter that a request is to count in, and what became of it. */
struct cz__hit {
    uint64_t key[2]; /* 128 bits of a keyed hash, of the rate, too; never all zero */
    cz__rate rate;
    /* set by cz__throttle_table_take() */
    uint32_t left;    /* hits left now, this one counted */
    int64_t wait_us;  /* until one passes; 0: it does now */
    int64_t reset_us; /* until the oldest counted hits are forgotten */
};

/* A table for about `entry_count` counters, in memory that processes forked from now on share, and the generations before and after
 * (runtime/shared_memory.h). Errors: CZ_ENOMEM. Context: start-up. */
CZ_NODISCARD cz_status cz__throttle_table_create(size_t entry_count, cz__throttle_table **out);
/* Two keys for the hashes of its counters, drawn when it was made. */
const uint8_t (*cz__throttle_table_secrets(const cz__throttle_table *table))[16];
void cz__throttle_table_destroy(cz__throttle_table *table);

/* Count in all of `hits`, at most CZ__HITS_MAX of different keys, or, when one has none left, in none. False: in none.
 * `now_us` is cz_monotonic_us(). `*out_evicted`: a counter that was still needed was given up for a new one.
 * Context: any thread of any process that shares the table. */
CZ_NODISCARD bool cz__throttle_table_take(cz__throttle_table *table, struct cz__hit *hits,
                                          size_t count, int64_t now_us, bool *out_evicted);

/* How long after a run's first hit others join it; 0: none does. */
int64_t cz__rate_step_us(const cz__rate *rate);

/* ---- counters.c ---- */

/* Two keys of the counters' hashes: nobody can choose keys that collide, and the counters hold no caller's name. Drawn
 * at the start; with THROTTLE_URL made of SECRET_KEY, so that machines agree. */
extern uint8_t cz__throttle_secrets[2][16];

/* Read THROTTLE_URL; no server is asked yet. Errors: CZ_EVALIDATION, CZ_EUNSUPPORTED, CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__throttle_counters_configure(const cz_settings *settings, cz_str project,
                                                       cz_error *err);
/* Map this machine's counters, once in the life of the process: they outlive a project that starts again in it.
 * Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__throttle_counters_map(size_t entry_count, cz_error *err);
/* Count in all of `hits`, as cz__throttle_table_take(), wherever this site counts. Raises: CZ_EINVAL: inside a write
 * transaction that allows no wait; CZ_ECANCELED, CZ_ETIMEDOUT: the request's own end. Context: worker, may suspend. */
CZ_NODISCARD bool cz__throttle_take(cz_ctx *ctx, struct cz__hit *hits, size_t count);

/* ---- redis/script.c ---- */

struct cz__redis;

/* The same by a Redis, in one round trip. Errors: CZ_EUNAVAILABLE, and `*out_reason` says why; CZ_ENOMEM; those of
 * cz__fiber_wait(). It may have counted all the same. */
CZ_NODISCARD cz_status cz__throttle_redis_take(cz_ctx *ctx, struct cz__redis *redis, cz_str prefix,
                                               struct cz__hit *hits, size_t count,
                                               int64_t timeout_ms, bool *out_pass,
                                               const char **out_reason);

#endif
