/* http/overload.h: when a worker has more requests than it can answer in time, it refuses some at once instead of answering all late.
 *
 * How long requests wait is seen by a mark: an event of our own is put behind those that are ready, ten times a second at most, and
 * the time until its turn comes is what a request has waited that came with it. Of connections the kernel says how old they are when
 * they are accepted. Only a queue that stands is an overload: both the wait and the time for which it was never shorter have to pass
 * HTTP_QUEUE_WAIT_MAX, so a burst and one handler that holds the worker are waited for. (After RFC 8289, whose target the minimum of
 * an interval has to pass, and "Fail at Scale", ACM Queue 13/8, whose queue is served quickly once it stands.)
 *
 * In an overload a turn of the loop begins requests for 3 ms and refuses the rest: who is refused where handlers take 2 ms hears so
 * within 10. The first of a turn is always served, and serving has three times the time of refusing, up to 25 ms. It
 * ends when a second has refused less than an eighth.
 */
#ifndef CZ_HTTP_OVERLOAD_H
#define CZ_HTTP_OVERLOAD_H

#include <calzone/http.h>
#include "runtime/loop.h"

enum {
    CZ__OVERLOAD_NEVER = UINT32_MAX, /* of limits.queue_wait_max_ms */
    CZ__OVERLOAD_TURN_US =
        3000, /* both articles have 5 ms, of one request; a turn is two that follow each other */
    CZ__OVERLOAD_SERVED_SHARE = 3, /* serving has so many times the time of refusing */
    CZ__OVERLOAD_TURN_US_MAX = 25000,
    CZ__OVERLOAD_REFUSED_PART = 8, /* a part of the requests; fewer, and it is over */
    CZ__OVERLOAD_SECOND_US = 1000000
};

/* ---- the rule, which knows no clock ---- */

enum cz__overload_queue { CZ__OVERLOAD_READY, CZ__OVERLOAD_ACCEPT, CZ__OVERLOAD_QUEUES };

struct cz__overload_rule {
    int64_t wait_max_us; /* 0: never */
    bool on;
    int64_t above_since_us
        [CZ__OVERLOAD_QUEUES]; /* since when each wait seen was longer; 0: the last was not */
    /* Of the turn being judged. */
    int64_t first_refused_us; /* 0: none was */
    int64_t busy_us; /* when it was last busy with a request that came in it; 0: with none */
    uint32_t begun;
    /* Of the turn before. */
    int64_t carried_us; /* what went on behind its requests: fibers that were resumed */
    int64_t allowed_us; /* how long the next begins requests */
    /* Since `second_us`. */
    int64_t second_us;
    uint32_t served, refused;
};

/* So long something waited in a queue, whose turn came at `now_us`. */
void cz__overload_waited(struct cz__overload_rule *rule, enum cz__overload_queue queue,
                         int64_t waited_us, int64_t now_us);
/* Whether a request is refused at `now_us`, in the turn that began at `turn_us`. Only while the rule is on. */
bool cz__overload_judge(struct cz__overload_rule *rule, int64_t turn_us, int64_t now_us);
/* What was begun is done, or waits. Only while the rule is on. */
void cz__overload_begun(struct cz__overload_rule *rule, int64_t now_us);
/* The turn that began at `turn_us` ends. Only while the rule is on. */
void cz__overload_turn_ended(struct cz__overload_rule *rule, int64_t turn_us, int64_t now_us);

/* ---- a server's ---- */

struct cz__http_core;

struct cz__overload {
    struct cz__overload_rule rule;
    struct cz__http_core *core; /* NULL: there is no loop to look at, as for a request in memory */
    cz__watch mark;             /* an eventfd, edge-triggered: each write is an event */
    cz__turn_hook hook;
    bool marked;
    int64_t marked_us, mark_next_us, accept_next_us, accept_seen_us;
    /* While turns are so long that a look at the clock for each request costs nothing beside them. */
    bool measures, measured; /* in this turn; in all since the mark was put */
    int64_t turn_us;         /* when the turn before began */
    int64_t seen_us,
        longest_us; /* when a request came last, and the longest time between two since the mark was put */
    int64_t told_us; /* when the log was last told */
    uint64_t untold; /* refused since */
};

/* Errors: CZ_EIO: no descriptor is left; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__overload_init(struct cz__http_core *core);
void cz__overload_done(struct cz__http_core *core);

/* A connection was accepted. */
void cz__overload_accepted(struct cz__http_core *core, int fd);
/* Whether a request is to be refused, with `err`, before anything is done for it. */
bool cz__overload_refuses(struct cz__http_core *core, const cz_request *req, cz_error *err);
/* One was refused for want of time or fibers: sets `err`, counts and logs, one line a second. */
void cz__overload_refused(struct cz__http_core *core, cz_error *err, const char *why);

#endif
