#include "loadtest/loadtest.h"
#include <calzone/testing.h>

static const cz_load_test told = { .name = "told",
                                   .requests =
                                       CZ_LOAD_REQUESTS({ .path = "/a" }, { .path = "/b" }) };

/* 100 answers of /a in 1 to 100 ms, three of them 500; two of /b that never came. */
static void count_some(struct cz__load_scenario *scenario, struct cz__load_outcome *outcome)
{
    CZ_REQUIRE_OK(cz__load_scenario_create(&told, "here", "", scenario));
    struct cz__load_endpoint *a = &scenario->endpoints[0], *b = &scenario->endpoints[1];
    for (int i = 1; i <= 100; i++)
        cz__histogram_add(&a->times, i * 1000);
    a->requests = 100;
    a->errors = a->statuses[500] = 3;
    b->requests = b->errors = 2;
    b->failures[CZ__LOAD_CONNECT] = b->failures[CZ__LOAD_CLOSED] = 1;
    *outcome = (struct cz__load_outcome){
        .elapsed_us = 2000000, .requests = 106, .errors = 9, .not_sent = 4, .gave_up = true
    };
}

static const struct cz__load_search search = {
    .steps = { { .answered = 900.25, .p99_us = 80000, .errors_share = 0.25 },
               { .rate = 450, .answered = 450, .p99_us = 2000, .held = true } },
    .step_count = 2,
    .rate = 450,
};

CZ_TEST(the_table_tells_each_endpoint_and_all)
{
    struct cz__load_scenario scenario;
    struct cz__load_outcome outcome;
    cz_buf out = { 0 };
    count_some(&scenario, &outcome);
    cz__load_write_table(&out, &scenario, &outcome, NULL);
    CZ_EXPECT_STR(
        cz_buf_str(&out),
        "told\n"
        "endpoint       requests  requests/s   mean ms       p50       p95       p99       max  "
        "errors\n"
        "GET /a              100        50.0     50.50     50.17     95.23     99.33    100.00  "
        "     3  500: 3\n"
        "GET /b                2         1.0      0.00      0.00      0.00      0.00      0.00  "
        "     2  cannot connect: 1, connection lost: 1\n"
        "all                 106        53.0     50.50     50.17     95.23     99.33    100.00  "
        "     9  not sent, for no client was free: 4\n"
        "Ended early: the server takes no connections.\n");
    cz_buf_clear(&out);
    cz__load_write_table(&out, &scenario, &outcome, &search);
    CZ_EXPECT_MSG(
        cz_str_starts_with(cz_buf_str(&out),
                           CZ_STR("told\n"
                                  "     asked/s  answered/s    p99 ms    errors\n"
                                  "    no limit       900.2     80.00   25.00 %  not held\n"
                                  "       450.0       450.0      2.00    0.00 %  held\n"
                                  "450.0 requests a second are held; at that rate:\nendpoint ")),
        "%.*s", CZ_STR_ARG(cz_buf_str(&out)));
    cz_buf_done(&out);
    cz__load_scenario_destroy(&scenario);
}

static double number_at(const cz_json_value *object, const char *key)
{
    const cz_json_value *value = cz_json_get(object, cz_str_from(key));
    CZ_REQUIRE(value && (value->kind == CZ_JSON_INT || value->kind == CZ_JSON_REAL));
    return value->kind == CZ_JSON_INT ? (double)value->as.integer : value->as.real;
}

CZ_TEST(the_json_of_a_run_has_what_the_table_has)
{
    struct cz__load_scenario scenario;
    struct cz__load_outcome outcome;
    cz_buf out = { 0 };
    cz_json_writer json;
    cz_json_limits limits = { .depth_max = 10, .keys_max = 1000 };
    const cz_json_value *root;
    cz_error err;
    count_some(&scenario, &outcome);
    cz_json_writer_init(&json, &out);
    cz__load_write_json(&json, &scenario, &outcome, &search);
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_buf_str(&out), &limits, &root, &err));
    static const struct {
        const char *key;
        double value;
    } numbers[] = { { "seconds", 2 },     { "requests", 106 }, { "requests_per_second", 53 },
                    { "errors", 9 },      { "not_sent", 4 },   { "mean_ms", 50.5 },
                    { "p50_ms", 50.175 }, { "max_ms", 100 } };
    for (size_t i = 0; i < CZ_COUNT(numbers); i++)
        CZ_EXPECT_MSG(number_at(root, numbers[i].key) == numbers[i].value, "%s: %g", numbers[i].key,
                      number_at(root, numbers[i].key));
    const cz_json_value *endpoints = cz_json_get(root, CZ_STR("endpoints"));
    CZ_REQUIRE(endpoints && endpoints->count == 2);
    const cz_json_value *errors = cz_json_get(&endpoints->as.items[0], CZ_STR("errors"));
    CZ_REQUIRE(errors && errors->count == 1);
    CZ_EXPECT(number_at(errors, "500") == 3);
    errors = cz_json_get(&endpoints->as.items[1], CZ_STR("errors"));
    CZ_REQUIRE(errors && errors->count == 2);
    CZ_EXPECT(number_at(errors, "cannot connect") == 1);
    const cz_json_value *found = cz_json_get(root, CZ_STR("search"));
    CZ_REQUIRE(found);
    CZ_EXPECT(number_at(found, "requests_per_second") == 450);
    const cz_json_value *steps = cz_json_get(found, CZ_STR("steps"));
    CZ_REQUIRE(steps && steps->count == 2);
    CZ_EXPECT_EQ(cz_json_get(&steps->as.items[0], CZ_STR("asked_per_second"))->kind, CZ_JSON_NULL);
    cz_buf_done(&out);
    cz__load_scenario_destroy(&scenario);
}

CZ_TEST(a_load_is_held_within_both_limits_alone)
{
    struct cz__load_scenario scenario;
    struct cz__load_outcome outcome;
    count_some(&scenario, &outcome);
    static const struct {
        int64_t p99_us;
        double errors_share;
        bool gave_up, held;
    } cases[] = {
        { 0, 0.1, false, true },   { 99328, 0.1, false, true }, { 99000, 0.1, false, false },
        { 0, 0.08, false, false }, { 0, 0, false, false },      { 0, 1, true, false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__load_limits limits = { cases[i].p99_us, cases[i].errors_share };
        outcome.gave_up = cases[i].gave_up;
        CZ_EXPECT_MSG(cz__load_held(&scenario, &outcome, &limits) == cases[i].held, "%zu", i);
    }
    outcome = (struct cz__load_outcome){ 0 }; /* nothing was asked, so nothing was held */
    CZ_EXPECT(!cz__load_held(&scenario, &outcome, &(struct cz__load_limits){ 0, 0.5 }));
    cz__load_scenario_destroy(&scenario);
}

CZ_TEST(the_bar_grows_with_the_run)
{
    static const struct {
        struct cz__load_progress progress;
        const char *line;
    } lines[] = {
        { { "browse", 0, 0, 0, 0 },
          "browse [                              ]   0 %  0.0 s  0 requests  0/s  0 errors" },
        { { "browse", 0.5, 2000000, 1000, 3 },
          "browse [###############               ]  50 %  2.0 s  1000 requests  500/s  3 errors" },
        { { "browse", 1, 4000000, 2000, 3 },
          "browse [##############################] 100 %  4.0 s  2000 requests  500/s  3 errors" },
    };
    for (size_t i = 0; i < CZ_COUNT(lines); i++) {
        cz_buf out = { 0 };
        cz__load_write_progress(&out, &lines[i].progress);
        CZ_EXPECT_STR(cz_buf_str(&out), lines[i].line);
        cz_buf_done(&out);
    }
}
