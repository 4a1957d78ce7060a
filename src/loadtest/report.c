/* What a run came to, for people and as JSON. */
#include "loadtest/loadtest.h"
#include <stdio.h>

enum { BAR = 30, NAME_MIN = 12, NAME_MAX = 60 };

static const double quantiles[] = { 0.50, 0.95, 0.99 };
static const char *const failure_texts[] = { "",
#define X(name, text) text,
                                             CZ__LOAD_FAILURE_MAP(X)
#undef X
};

static double per_second(uint64_t count, const struct cz__load_outcome *outcome)
{
    return outcome->elapsed_us ? (double)count * 1e6 / (double)outcome->elapsed_us : 0;
}

void cz__load_write_progress(cz_buf *out, const struct cz__load_progress *progress)
{
    int full = (int)(progress->done * BAR);
    double seconds = (double)progress->elapsed_us / 1e6;
    cz_buf_printf(out, "%s [", progress->name);
    for (int i = 0; i < BAR; i++)
        cz_buf_append_char(out, i < full ? '#' : ' ');
    cz_buf_printf(out, "] %3.0f %%  %.1f s  %llu requests  %.0f/s  %llu errors",
                  progress->done * 100, seconds, (unsigned long long)progress->requests,
                  seconds > 0 ? (double)progress->requests / seconds : 0.0,
                  (unsigned long long)progress->errors);
}

/* ---- for people ---- */

static void write_count(cz_buf *out, const char **before, const char *what, uint64_t count)
{
    if (!count)
        return;
    cz_buf_printf(out, "%s%s: %llu", *before, what, (unsigned long long)count);
    *before = ", ";
}

static void write_errors(cz_buf *out, const struct cz__load_endpoint *endpoint)
{
    const char *before = "  ";
    char status[8];
    cz_buf_printf(out, "  %6llu", (unsigned long long)endpoint->errors);
    for (unsigned i = 0; i < CZ__LOAD_STATUSES; i++) {
        cz_ignore(snprintf(status, sizeof status, "%u", i)); /* three digits */
        write_count(out, &before, status, endpoint->statuses[i]);
    }
    for (size_t i = 0; i < CZ__LOAD_FAILURE_COUNT; i++)
        write_count(out, &before, failure_texts[i], endpoint->failures[i]);
}

static void write_row(cz_buf *out, int width, const char *name, uint64_t requests,
                      const struct cz__load_outcome *outcome, const cz__histogram *times)
{
    cz_buf_printf(out, "%-*.*s  %9llu  %10.1f  %8.2f", width, width, name,
                  (unsigned long long)requests, per_second(requests, outcome),
                  cz__histogram_mean_us(times) / 1e3);
    for (size_t i = 0; i < CZ_COUNT(quantiles); i++)
        cz_buf_printf(out, "  %8.2f", (double)cz__histogram_quantile_us(times, quantiles[i]) / 1e3);
    cz_buf_printf(out, "  %8.2f", (double)times->max_us / 1e3);
}

static void write_steps(cz_buf *out, const struct cz__load_search *search)
{
    cz_buf_printf(out, "  %10s  %10s  %8s  %8s\n", "asked/s", "answered/s", "p99 ms", "errors");
    for (size_t i = 0; i < search->step_count; i++) {
        const struct cz__load_step *step = &search->steps[i];
        if (step->rate > 0)
            cz_buf_printf(out, "  %10.1f", step->rate);
        else
            cz_buf_printf(out, "  %10s", "no limit");
        cz_buf_printf(out, "  %10.1f  %8.2f  %6.2f %%  %s\n", step->answered,
                      (double)step->p99_us / 1e3, step->errors_share * 100,
                      step->held ? "held" : "not held");
    }
    if (search->rate > 0)
        cz_buf_printf(out, "%.1f requests a second are held; at that rate:\n", search->rate);
    else
        cz_buf_append_lit(out, "No rate that was tried is held; the last step:\n");
}

static int width_of(const struct cz__load_scenario *scenario)
{
    size_t width = NAME_MIN;
    for (size_t i = 0; i < scenario->test->requests.count; i++) {
        size_t len = strlen(scenario->endpoints[i].name);
        width = len > width ? len : width;
    }
    return width < NAME_MAX ? (int)width : NAME_MAX;
}

void cz__load_write_table(cz_buf *out, const struct cz__load_scenario *scenario,
                          const struct cz__load_outcome *outcome,
                          const struct cz__load_search *search)
{
    int width = width_of(scenario);
    cz__histogram times;
    cz_buf_printf(out, "%s\n", scenario->test->name);
    if (search)
        write_steps(out, search);
    cz_buf_printf(out, "%-*s  %9s  %10s  %8s  %8s  %8s  %8s  %8s  %6s\n", width, "endpoint",
                  "requests", "requests/s", "mean ms", "p50", "p95", "p99", "max", "errors");
    for (size_t i = 0; i < scenario->test->requests.count; i++) {
        const struct cz__load_endpoint *endpoint = &scenario->endpoints[i];
        write_row(out, width, endpoint->name, endpoint->requests, outcome, &endpoint->times);
        write_errors(out, endpoint);
        cz_buf_append_char(out, '\n');
    }
    cz__load_times(scenario, &times);
    write_row(out, width, "all", outcome->requests, outcome, &times);
    cz_buf_printf(out, "  %6llu", (unsigned long long)outcome->errors);
    if (outcome->not_sent)
        cz_buf_printf(out, "  not sent, for no client was free: %llu",
                      (unsigned long long)outcome->not_sent);
    cz_buf_append_char(out, '\n');
    if (outcome->gave_up)
        cz_buf_append_lit(out, "Ended early: the server takes no connections.\n");
}

/* ---- JSON ---- */

static void write_number(cz_json_writer *json, const char *key, double value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_f64(json, value);
}

static void write_integer(cz_json_writer *json, const char *key, uint64_t value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_u64(json, value);
}

static void write_times(cz_json_writer *json, const cz__histogram *times)
{
    static const char *const keys[] = { "p50_ms", "p95_ms", "p99_ms" };
    write_number(json, "mean_ms", cz__histogram_mean_us(times) / 1e3);
    for (size_t i = 0; i < CZ_COUNT(quantiles); i++)
        write_number(json, keys[i], (double)cz__histogram_quantile_us(times, quantiles[i]) / 1e3);
    write_number(json, "max_ms", (double)times->max_us / 1e3);
}

static void write_endpoint_errors(cz_json_writer *json, const struct cz__load_endpoint *endpoint)
{
    char status[8];
    cz_json_key(json, CZ_STR("errors"));
    cz_json_object(json);
    for (unsigned i = 0; i < CZ__LOAD_STATUSES; i++) {
        cz_ignore(snprintf(status, sizeof status, "%u", i)); /* three digits */
        if (endpoint->statuses[i])
            write_integer(json, status, endpoint->statuses[i]);
    }
    for (size_t i = 0; i < CZ__LOAD_FAILURE_COUNT; i++)
        if (endpoint->failures[i])
            write_integer(json, failure_texts[i], endpoint->failures[i]);
    cz_json_object_end(json);
}

static void write_search(cz_json_writer *json, const struct cz__load_search *search)
{
    cz_json_key(json, CZ_STR("search"));
    cz_json_object(json);
    write_number(json, "requests_per_second", search->rate);
    cz_json_key(json, CZ_STR("steps"));
    cz_json_list(json);
    for (size_t i = 0; i < search->step_count; i++) {
        const struct cz__load_step *step = &search->steps[i];
        cz_json_object(json);
        cz_json_key(json, CZ_STR("asked_per_second"));
        if (step->rate > 0)
            cz_json_f64(json, step->rate);
        else
            cz_json_null(json);
        write_number(json, "answered_per_second", step->answered);
        write_number(json, "p99_ms", (double)step->p99_us / 1e3);
        write_number(json, "errors_share", step->errors_share);
        cz_json_key(json, CZ_STR("held"));
        cz_json_bool(json, step->held);
        cz_json_object_end(json);
    }
    cz_json_list_end(json);
    cz_json_object_end(json);
}

void cz__load_write_json(cz_json_writer *json, const struct cz__load_scenario *scenario,
                         const struct cz__load_outcome *outcome,
                         const struct cz__load_search *search)
{
    cz__histogram times;
    cz__load_times(scenario, &times);
    cz_json_object(json);
    cz_json_key(json, CZ_STR("name"));
    cz_json_str(json, cz_str_from(scenario->test->name));
    write_number(json, "seconds", (double)outcome->elapsed_us / 1e6);
    write_integer(json, "requests", outcome->requests);
    write_number(json, "requests_per_second", per_second(outcome->requests, outcome));
    write_integer(json, "errors", outcome->errors);
    write_integer(json, "not_sent", outcome->not_sent);
    cz_json_key(json, CZ_STR("gave_up"));
    cz_json_bool(json, outcome->gave_up);
    write_times(json, &times);
    cz_json_key(json, CZ_STR("endpoints"));
    cz_json_list(json);
    for (size_t i = 0; i < scenario->test->requests.count; i++) {
        const struct cz__load_endpoint *endpoint = &scenario->endpoints[i];
        cz_json_object(json);
        cz_json_key(json, CZ_STR("name"));
        cz_json_str(json, cz_str_from(endpoint->name));
        write_integer(json, "requests", endpoint->requests);
        write_number(json, "requests_per_second", per_second(endpoint->requests, outcome));
        write_times(json, &endpoint->times);
        write_endpoint_errors(json, endpoint);
        cz_json_object_end(json);
    }
    cz_json_list_end(json);
    if (search)
        write_search(json, search);
    cz_json_object_end(json);
}
