/* loadtest/loadtest.h: running a scenario against a server, finding how much it holds, and telling of it.
 *
 * The clients are fibers on an event loop of the command's own. Without a rate each asks again as soon as it was
 * answered. With one, request n is due n/rate seconds after the start, whichever client is free then, and its time
 * counts from there: a server that stands still is seen to do so, although nobody could ask it meanwhile
 * (coordinated omission).
 */
#ifndef CZ_LOADTEST_LOADTEST_H
#define CZ_LOADTEST_LOADTEST_H

#include "loadtest/connection.h"
#include "loadtest/histogram.h"
#include <calzone/json.h>
#include <calzone/loadtest.h>
#include <calzone/memory.h>
#include <signal.h>

enum {
    CZ__LOAD_CLIENTS_MAX = 1000,
    CZ__LOAD_RATE_MAX = 1000000,
    CZ__LOAD_DURATION_MAX_MS = 24 * 3600 * 1000,
    CZ__LOAD_STATUSES = 600,
    CZ__LOAD_SEARCH_STEPS_MAX = 10
};

/* How one endpoint was answered. */
struct cz__load_endpoint {
    const cz_load_request *request;
    const char *name;
    cz_buf bytes;        /* the request as it is sent; empty: it is made for each */
    cz__histogram times; /* of what was answered, or timed out */
    uint64_t requests;   /* that have ended, in whatever way */
    uint64_t errors;     /* of these, failed or answered by another status than is expected */
    uint32_t statuses[CZ__LOAD_STATUSES]; /* how often each unexpected one */
    uint32_t failures[CZ__LOAD_FAILURE_COUNT];
};

/* A scenario made ready: checked, its unchanging requests written. */
struct cz__load_scenario {
    const cz_load_test *test;
    struct cz__load_endpoint *endpoints; /* owned, as many as test->requests.count */
    uint64_t weight;
    const char *host, *headers; /* borrowed: Host's value, and lines that every request has */
};

/* Check a project's scenarios. Errors: CZ_EVALIDATION: what is wrong, and with which. */
CZ_NODISCARD cz_status cz__load_tests_check(const cz_load_test_list *tests, cz_error *err);
/* Whether this is a header that a request may have of its own. */
bool cz__load_header_ok(cz_str name, cz_str value);

/* Make a checked one ready. `host` and `headers`, lines each with CRLF, are borrowed. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__load_scenario_create(const cz_load_test *test, const char *host,
                                                const char *headers, struct cz__load_scenario *out);
void cz__load_scenario_destroy(struct cz__load_scenario *scenario);
/* Forget what was counted. */
void cz__load_scenario_clear(struct cz__load_scenario *scenario);
/* The endpoint of request `number`. */
struct cz__load_endpoint *cz__load_pick(const struct cz__load_scenario *scenario, uint64_t number);
/* The bytes of a request, in `out` where they are made for it. Errors: CZ_EVALIDATION: a path that is none was
 * made; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__load_write(const struct cz__load_scenario *scenario,
                                      const struct cz__load_endpoint *endpoint, uint64_t number,
                                      unsigned client, cz_buf *out, cz_str *out_bytes,
                                      cz_error *err);

struct cz__load_progress {
    const char *name;
    double done; /* 0 to 1 */
    int64_t elapsed_us;
    uint64_t requests, errors;
};

struct cz__load_options {
    struct cz__address address;
    unsigned clients;
    int64_t duration_ms;   /* no request is due later */
    uint64_t requests_max; /* 0: as many as there is time for */
    double rate;           /* requests a second; 0: as fast as answers come */
    int64_t timeout_ms;
    const volatile sig_atomic_t *stop; /* set: the run ends early */
    void (*on_progress)(
        const struct cz__load_progress *progress); /* some times a second; may be NULL */
};

/* What came of a run, beside its endpoints. */
struct cz__load_outcome {
    int64_t elapsed_us;
    uint64_t requests, errors; /* of all endpoints; what was not sent is an error, too */
    uint64_t not_sent;         /* due, with no client free for it before the end */
    bool gave_up;              /* the server took no connection for two seconds */
};

/* Run a scenario; its endpoints are counted up. Errors: those of cz__load_write(); CZ_EIO, CZ_ENOMEM: nothing could
 * run. Context: main thread, outside any loop. */
CZ_NODISCARD cz_status cz__load_run(struct cz__load_scenario *scenario,
                                    const struct cz__load_options *options,
                                    struct cz__load_outcome *out, cz_error *err);

/* What a load is held by. */
struct cz__load_limits {
    int64_t p99_us;      /* 0: however long */
    double errors_share; /* of all requests, 0 to 1 */
};
bool cz__load_held(const struct cz__load_scenario *scenario, const struct cz__load_outcome *outcome,
                   const struct cz__load_limits *limits);
/* All endpoints' times together. */
void cz__load_times(const struct cz__load_scenario *scenario, cz__histogram *out);

struct cz__load_step {
    double rate;     /* 0: as fast as answers came */
    double answered; /* a second */
    uint64_t p99_us;
    double errors_share;
    bool held;
};
struct cz__load_search {
    struct cz__load_step steps[CZ__LOAD_SEARCH_STEPS_MAX];
    size_t step_count;
    double rate;                     /* the highest that was held; 0: none was */
    struct cz__load_outcome outcome; /* of that step; the scenario's counts are its, too */
};
/* Find the highest rate within the limits: once as fast as answers come, then halving what lies between the highest
 * that was held and the lowest that was not, to 2 % of the first. Each step takes options->duration_ms, and
 * timeout_ms at most beyond; there are CZ__LOAD_SEARCH_STEPS_MAX at most, and none of under 20 requests, which would
 * say too little. Errors: as cz__load_run(). */
CZ_NODISCARD cz_status cz__load_search_run(struct cz__load_scenario *scenario,
                                           const struct cz__load_options *options,
                                           const struct cz__load_limits *limits,
                                           struct cz__load_search *out, cz_error *err);

/* ---- telling ---- */

/* "browse [#####     ] 50 %  5.0 s  1200 requests  240/s  0 errors" */
void cz__load_write_progress(cz_buf *out, const struct cz__load_progress *progress);
/* Lines for people: a table by endpoint; before it, with a search, its steps. Times in milliseconds. */
void cz__load_write_table(cz_buf *out, const struct cz__load_scenario *scenario,
                          const struct cz__load_outcome *outcome,
                          const struct cz__load_search *search);
/* An object of JSON of the same. */
void cz__load_write_json(cz_json_writer *json, const struct cz__load_scenario *scenario,
                         const struct cz__load_outcome *outcome,
                         const struct cz__load_search *search);

#endif
