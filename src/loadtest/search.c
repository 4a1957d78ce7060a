/* The highest rate that is held. What clients get when they ask as fast as they are answered is the most they could
 * get at any rate, so the search is between that and nothing. */
#include "loadtest/loadtest.h"

enum {
    PARTS = 50,            /* of the first rate: how exactly it is found */
    STEP_REQUESTS_MIN = 20 /* fewer say too little of a rate */
};

void cz__load_times(const struct cz__load_scenario *scenario, cz__histogram *out)
{
    *out = (cz__histogram){ 0 };
    for (size_t i = 0; i < scenario->test->requests.count; i++)
        cz__histogram_merge(out, &scenario->endpoints[i].times);
}

static double share_of_errors(const struct cz__load_outcome *outcome)
{
    return outcome->requests ? (double)outcome->errors / (double)outcome->requests : 1;
}

static uint64_t p99_of(const struct cz__load_scenario *scenario)
{
    cz__histogram times;
    cz__load_times(scenario, &times);
    return cz__histogram_quantile_us(&times, 0.99);
}

bool cz__load_held(const struct cz__load_scenario *scenario, const struct cz__load_outcome *outcome,
                   const struct cz__load_limits *limits)
{
    return !outcome->gave_up && share_of_errors(outcome) <= limits->errors_share &&
           (!limits->p99_us || p99_of(scenario) <= (uint64_t)limits->p99_us);
}

static cz_status try_rate(struct cz__load_scenario *scenario,
                          const struct cz__load_options *options, double rate,
                          const struct cz__load_limits *limits, struct cz__load_search *search,
                          struct cz__load_outcome *outcome, cz_error *err)
{
    struct cz__load_options at_rate = *options;
    at_rate.rate = rate;
    cz__load_scenario_clear(scenario);
    cz_status status = cz__load_run(scenario, &at_rate, outcome, err);
    if (status)
        return status;
    struct cz__load_step *step = &search->steps[search->step_count++];
    *step = (struct cz__load_step){ .rate = rate,
                                    .answered = (double)(outcome->requests - outcome->errors) *
                                                1e6 / (double)outcome->elapsed_us,
                                    .p99_us = p99_of(scenario),
                                    .errors_share = share_of_errors(outcome),
                                    .held = cz__load_held(scenario, outcome, limits) };
    return CZ_OK;
}

static bool is_stopped(const struct cz__load_options *options)
{
    return options->stop && *options->stop;
}

cz_status cz__load_search_run(struct cz__load_scenario *scenario,
                              const struct cz__load_options *options,
                              const struct cz__load_limits *limits, struct cz__load_search *out,
                              cz_error *err)
{
    size_t bytes = scenario->test->requests.count * sizeof *scenario->endpoints;
    /* The scenario counts the step that was run last, so the counts of the best are kept aside. */
    struct cz__load_endpoint *best = cz_malloc(bytes);
    struct cz__load_search search = { 0 };
    struct cz__load_outcome outcome = { 0 };
    if (!best)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the search");
    cz_status status = try_rate(scenario, options, 0, limits, &search, &outcome, err);
    double most = status ? 0 : search.steps[0].answered, low = 0, high = most, next = most;
    search.outcome = outcome;
    while (!status && !outcome.gave_up && !is_stopped(options) &&
           next * (double)options->duration_ms / 1000 >= STEP_REQUESTS_MIN &&
           high - low > most / PARTS && search.step_count < CZ__LOAD_SEARCH_STEPS_MAX) {
        status = try_rate(scenario, options, next, limits, &search, &outcome, err);
        if (!status && search.steps[search.step_count - 1].held && !is_stopped(options)) {
            search.rate = low = next;
            search.outcome = outcome;
            memcpy(best, scenario->endpoints, bytes);
        } else {
            high = next;
        }
        next = (low + high) / 2;
    }
    if (!status && search.rate > 0)
        memcpy(scenario->endpoints, best, bytes);
    cz_free(best);
    if (!status)
        *out = search;
    return status;
}
