/* A probe for the primary and one for each replica asks its server, one after the other, how far its log is; a
 * server that does not answer holds up nobody else's. Probes run as long as somebody has read since the last
 * ones, so an idle site asks nothing. */
#include "db/replicas.h"
#include <calzone/log.h>
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <stdio.h>

enum {
    PROBE_MS = 250,          /* between two */
    PROBE_TIMEOUT_MS = 1000, /* a server that takes longer is not used */
    SAMPLES = 64,
    NAME_BYTES = 64
};

int64_t cz__replica_lag_max_ms = 10000;

struct sample { /* what was committed before `at_us` lies before `position` */
    int64_t at_us;
    uint64_t position;
};

struct probe {
    cz__database *database;
    cz__db *db;
    bool running;
    cz_ctx *ctx; /* while it runs */
};

struct cz__replica {
    struct probe probe;
    char name[NAME_BYTES]; /* "replica 1 of reports" */
    bool answers;          /* the last probe, and no read since, says so */
    bool told;             /* of its being out of use */
    uint64_t replayed;     /* 0: not known */
    int64_t fresh_us;      /* it has what was committed before; 0: not known */
};

struct cz__replicas {
    struct probe primary;
    struct cz__replica *items;
    size_t count, next;
    int64_t lag_max_us;
    struct sample samples[SAMPLES]; /* a ring, the oldest first from `first` on */
    size_t first, sample_count;
    cz__timer timer;
    bool wanted; /* somebody has read since the last probes */
};

/* ---- measuring ---- */

/* Samples lie a part of the limit apart, so that those there are reach back further than it. */
static void add_sample(struct cz__replicas *replicas, int64_t at_us, uint64_t position)
{
    if (replicas->sample_count > 1) {
        const struct sample *before =
            &replicas->samples[(replicas->first + replicas->sample_count - 2) % SAMPLES];
        if (at_us - before->at_us < replicas->lag_max_us / (SAMPLES / 2))
            replicas->sample_count--; /* the newest gives way */
    }
    if (replicas->sample_count == SAMPLES) {
        replicas->first = (replicas->first + 1) % SAMPLES;
        replicas->sample_count--;
    }
    replicas->samples[(replicas->first + replicas->sample_count++) % SAMPLES] =
        (struct sample){ at_us, position };
}

static void note_replayed(const struct cz__replicas *replicas, struct cz__replica *replica,
                          uint64_t replayed)
{
    replica->replayed = replayed;
    for (size_t i = replicas->sample_count; i > 0; i--) {
        const struct sample *sample = &replicas->samples[(replicas->first + i - 1) % SAMPLES];
        if (sample->position > replayed)
            continue;
        if (sample->at_us > replica->fresh_us)
            replica->fresh_us = sample->at_us;
        return;
    }
}

static void note_answer(struct cz__replica *replica, cz_status status, const cz_error *err)
{
    replica->answers = !status;
    if (!replica->answers == replica->told)
        return;
    replica->told = !replica->answers;
    if (replica->told)
        cz_log_warning(NULL, "calzone.db", "a replica is not used: the primary serves",
                       CZ_FIELD_STR("replica", cz_str_from(replica->name)),
                       CZ_FIELD_STR("error", cz_str_from(cz_error_message(err))));
    else
        cz_log_info(NULL, "calzone.db", "a replica is used again",
                    CZ_FIELD_STR("replica", cz_str_from(replica->name)));
}

static void ask(struct probe *probe, cz_ctx *ctx)
{
    struct cz__replicas *replicas = probe->database->replicas;
    bool as_replica = probe != &replicas->primary;
    struct cz__replica *replica = as_replica ? (struct cz__replica *)(void *)probe : NULL;
    cz__db_session session = { .db = probe->db };
    int64_t asked_us = cz_monotonic_us();
    uint64_t position;
    cz_error err;
    cz_status status = probe->db->driver->position(ctx, &session, as_replica, &position, &err);
    if (replica) {
        if (!status)
            note_replayed(replicas, replica, position);
        note_answer(replica, status, &err);
    } else if (!status) { /* a primary that is away is told of by who needs it */
        add_sample(replicas, asked_us, position);
    }
}

static void run_probe(void *arg)
{
    struct probe *probe = arg;
    cz_arena *arena;
    cz_ctx ctx;
    if (cz_arena_create(NULL, 0, &arena) == CZ_OK) {
        cz_ctx_init(&ctx, arena);
        ctx.label = "replica probe";
        ctx.deadline_us = cz_monotonic_us() + PROBE_TIMEOUT_MS * 1000;
        cz__fiber_attach(&ctx);
        probe->ctx = &ctx;
        ask(probe, &ctx);
        probe->ctx = NULL;
        cz_ctx_done(&ctx);
        cz__fiber_attach(NULL);
        cz_arena_destroy(arena);
    }
    probe->running = false;
}

static void start_probe(struct probe *probe)
{
    if (probe->running)
        return;
    probe->running = true;
    if (cz__fiber_start(run_probe, probe))
        probe->running = false; /* no fiber is free; the next round tries again */
}

static void probe_all(cz__timer *timer)
{
    struct cz__replicas *replicas =
        (struct cz__replicas *)((char *)timer - offsetof(struct cz__replicas, timer));
    if (!replicas->wanted)
        return; /* who reads next sets the timer again */
    replicas->wanted = false;
    start_probe(&replicas->primary); /* first: what a replica has replayed is compared with it */
    for (size_t i = 0; i < replicas->count; i++)
        start_probe(&replicas->items[i].probe);
    cz__timer_set(cz__loop_current(), timer, PROBE_MS, probe_all);
}

/* ---- choosing ---- */

static bool is_usable(const struct cz__replicas *replicas, const struct cz__replica *replica,
                      uint64_t wanted)
{
    return replica->answers && replica->replayed >= wanted && replica->fresh_us &&
           cz_monotonic_us() - replica->fresh_us <= replicas->lag_max_us;
}

/* A unit of work reads from one replica: two are seldom equally far, and what it has seen once must not be gone
 * later. When that one can be used no more, the primary is. */
cz__db_session *cz__replica_session(cz__db_session *session)
{
    struct cz__replicas *replicas = session->database->replicas;
    cz__db_session *reader = session->reader;
    replicas->wanted = true;
    if (!cz__timer_is_set(&replicas->timer))
        cz__timer_set(cz__loop_current(), &replicas->timer, 0, probe_all);
    if (reader->replica && is_usable(replicas, reader->replica, session->wanted))
        return reader;
    for (size_t i = 0; i < replicas->count && !reader->replica; i++) {
        struct cz__replica *replica = &replicas->items[replicas->next++ % replicas->count];
        if (is_usable(replicas, replica, session->wanted)) {
            reader->replica = replica;
            reader->db = replica->probe.db;
            return reader;
        }
    }
    session->primary_only = true;
    return session;
}

bool cz__replica_failed(cz__db_session *session, cz__db_session *reader, const cz_error *error)
{
    struct cz__replica *replica = reader->replica;
    if (error->status == CZ_ECANCELED || error->status == CZ_ETIMEDOUT ||
        error->status == CZ_ENOMEM)
        return false; /* it is over, wherever it reads */
    if (error->status == CZ_EUNAVAILABLE || error->status == CZ_EUNKNOWN)
        note_answer(replica, error->status, error);
    session->primary_only = true;
    return true;
}

size_t cz__replicas_usable(const cz__database *database)
{
    const struct cz__replicas *replicas = database->replicas;
    size_t usable = 0;
    for (size_t i = 0; replicas && i < replicas->count; i++)
        usable += is_usable(replicas, &replicas->items[i], 0);
    return usable;
}

bool cz__replicas_any(void)
{
    for (size_t i = 0; i < cz__database_count; i++)
        if (cz__databases[i].replicas)
            return true;
    return false;
}

/* ---- beginning and end ---- */

static cz_status open_one(cz__database *database, size_t number, cz_str url, cz_error *err)
{
    struct cz__replica *replica = &database->replicas->items[number];
    cz_error why;
    snprintf(replica->name, sizeof replica->name, "replica %zu of %s", number + 1, database->alias);
    replica->probe.database = database;
    cz_status status = cz__db_open(url, &replica->probe.db, &why);
    if (status)
        return cz_error_set(err, status, "%s: %s", replica->name, cz_error_message(&why));
    database->replicas->count++;
    if (strcmp(replica->probe.db->driver->scheme, database->primary->driver->scheme) != 0)
        return cz_error_set(err, CZ_EVALIDATION, "%s: it is not of its primary's kind",
                            replica->name);
    return CZ_OK;
}

cz_status cz__replicas_open(cz__database *database, const cz_str_list *urls, cz_error *err)
{
    if (!urls->count)
        return CZ_OK;
    if (!database->primary->driver->position)
        return cz_error_set(err, CZ_EVALIDATION,
                            "the database \"%s\" has replicas: %s has none, they are for "
                            "PostgreSQL",
                            database->alias, database->primary->driver->features->name);
    if (urls->count > CZ__REPLICAS_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "the database \"%s\" has more than %d replicas",
                            database->alias, CZ__REPLICAS_MAX);
    if (!cz__loop_current())
        return CZ_OK;
    struct cz__replicas *replicas = cz_calloc(1, sizeof *replicas);
    struct cz__replica *items = cz_calloc(urls->count, sizeof *items);
    if (!replicas || !items) {
        cz_free(replicas);
        cz_free(items);
        return cz_error_set(err, CZ_ENOMEM, "no memory for the replicas");
    }
    replicas->items = items;
    replicas->lag_max_us = cz__replica_lag_max_ms * 1000;
    replicas->primary = (struct probe){ .database = database, .db = database->primary };
    database->replicas = replicas;
    cz__db_must_choose = true;
    cz_status status = CZ_OK;
    for (size_t i = 0; i < urls->count && !status; i++)
        status = open_one(database, i, urls->items[i], err);
    if (status)
        cz_ignore(cz__replicas_close(database)); /* nothing is under way */
    return status;
}

bool cz__replicas_close(cz__database *database)
{
    struct cz__replicas *replicas = database->replicas;
    if (!replicas)
        return true;
    bool idle = !replicas->primary.running;
    for (size_t i = 0; i < replicas->count; i++)
        idle = idle && !replicas->items[i].probe.running;
    if (cz__timer_is_set(&replicas->timer))
        cz__timer_cancel(cz__loop_current(), &replicas->timer);
    if (!idle)
        return false;
    for (size_t i = 0; i < replicas->count; i++)
        cz__db_close(replicas->items[i].probe.db);
    cz_free(replicas->items);
    cz_free(replicas);
    database->replicas = NULL;
    return true;
}
