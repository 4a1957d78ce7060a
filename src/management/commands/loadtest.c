/* `loadtest`: the project's load tests against a server, one after the other. */
#include "management/commands/loadtest.h"
#include <stdio.h>
#include <unistd.h>

enum { EXIT_HELD = 0, EXIT_NOT_HELD = 1, EXIT_USAGE = 2 };

struct loadtest {
    struct cz__loadtest_arguments *arguments;
    cz_json_writer json;
    cz_buf out; /* what is printed in the end */
    int code;
};

static volatile sig_atomic_t stopped;
static bool progress_shown;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* ---- telling ---- */

static void show_progress(const struct cz__load_progress *progress)
{
    cz_buf line = { 0 };
    cz__load_write_progress(&line, progress);
    fprintf(stderr, "\r%s\x1b[K", cz_buf_cstr(&line)); /* and clear what was longer */
    fflush(stderr);
    cz_buf_done(&line);
    progress_shown = true;
}

static void clear_progress(void)
{
    if (progress_shown)
        fprintf(stderr, "\r\x1b[K");
    progress_shown = false;
}

static void tell(struct loadtest *loadtest, const struct cz__load_scenario *scenario,
                 const struct cz__load_outcome *outcome, const struct cz__load_search *search)
{
    if (loadtest->arguments->json) {
        cz__load_write_json(&loadtest->json, scenario, outcome, search);
        return;
    }
    cz__load_write_table(&loadtest->out, scenario, outcome, search);
    printf("%s", cz_buf_cstr(&loadtest->out));
    fflush(stdout);
    cz_buf_clear(&loadtest->out);
}

/* ---- running ---- */

static cz_status run_scenario(struct loadtest *loadtest, struct cz__load_scenario *scenario,
                              cz_error *err)
{
    const struct cz__loadtest_arguments *arguments = loadtest->arguments;
    struct cz__load_search search = { 0 };
    struct cz__load_outcome outcome = { 0 };
    bool held;
    cz_status status = arguments->search ? cz__load_search_run(scenario, &arguments->run,
                                                               &arguments->limits, &search, err)
                                         : cz__load_run(scenario, &arguments->run, &outcome, err);
    clear_progress();
    if (status)
        return status;
    if (arguments->search) {
        outcome = search.outcome;
        held = search.rate > 0;
    } else {
        held = cz__load_held(scenario, &outcome, &arguments->limits);
    }
    tell(loadtest, scenario, &outcome, arguments->search ? &search : NULL);
    if (!held)
        loadtest->code = EXIT_NOT_HELD;
    return CZ_OK;
}

static bool is_asked_for(const struct cz__loadtest_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->name_count; i++)
        if (!strcmp(arguments->names[i], name))
            return true;
    return !arguments->name_count;
}

static cz_status run_all(struct loadtest *loadtest, const cz_load_test_list *tests,
                         const char *url_host, cz_error *err)
{
    struct cz__loadtest_arguments *arguments = loadtest->arguments;
    const char *host = arguments->host ? arguments->host : url_host;
    cz_status status = CZ_OK;
    for (size_t i = 0; i < tests->count && !status && !stopped; i++) {
        struct cz__load_scenario scenario;
        if (!is_asked_for(arguments, tests->items[i].name))
            continue;
        status = cz__load_scenario_create(&tests->items[i], host, cz_buf_cstr(&arguments->headers),
                                          &scenario);
        if (status)
            return cz_error_set(err, status, "no memory for \"%s\"", tests->items[i].name);
        status = run_scenario(loadtest, &scenario, err);
        cz__load_scenario_destroy(&scenario);
    }
    return status;
}

static cz_status run_and_print(struct loadtest *loadtest, const cz_load_test_list *tests,
                               const char *host, const char *url, cz_error *err)
{
    cz_json_writer *json = &loadtest->json;
    cz_json_writer_init(json, &loadtest->out);
    if (loadtest->arguments->json) {
        cz_json_object(json);
        cz_json_key(json, CZ_STR("url"));
        cz_json_str(json, cz_str_from(url));
        cz_json_key(json, CZ_STR("clients"));
        cz_json_u64(json, loadtest->arguments->run.clients);
        cz_json_key(json, CZ_STR("load_tests"));
        cz_json_list(json);
    }
    cz_status status = run_all(loadtest, tests, host, err);
    if (!status && loadtest->arguments->json) {
        cz_json_list_end(json);
        cz_json_object_end(json);
        printf("%s\n", cz_buf_cstr(&loadtest->out));
    }
    if (!status && (status = cz_buf_status(&loadtest->out)))
        cz_error_set(err, status, "no memory for the report");
    cz_buf_done(&loadtest->out);
    return status;
}

static int against_server(struct cz__site *site, struct cz__loadtest_arguments *arguments)
{
    struct cz__loadtest_server server = { 0 };
    struct loadtest loadtest = { .arguments = arguments };
    const char *host;
    cz_error err;
    cz_status status = CZ_OK;
    if (!arguments->url)
        status = cz__loadtest_server_start(site, &server, &err);
    const char *url = arguments->url ? arguments->url : server.url;
    if (!status)
        status = cz__loadtest_resolve(site->arena, url, arguments->allow_remote,
                                      &arguments->run.address, &host, &err);
    if (!status)
        status = run_and_print(&loadtest, &site->project->load_tests, host, url, &err);
    cz__loadtest_server_stop(&server);
    if (!status && stopped)
        fprintf(stderr, "loadtest: stopped early\n");
    if (!status)
        return stopped ? EXIT_NOT_HELD : loadtest.code;
    fprintf(stderr, "loadtest: %s\n", cz_error_message(&err));
    return status == CZ_EVALIDATION ? EXIT_USAGE : EXIT_NOT_HELD;
}

/* ---- the command ---- */

static bool has_test(const cz_load_test_list *tests, const char *name)
{
    for (size_t i = 0; i < tests->count; i++)
        if (!strcmp(tests->items[i].name, name))
            return true;
    fprintf(stderr, "loadtest: there is no load test \"%s\"; there %s", name,
            tests->count == 1 ? "is" : "are");
    for (size_t i = 0; i < tests->count; i++)
        fprintf(stderr, "%s %s", i ? "," : "", tests->items[i].name);
    fprintf(stderr, "\n");
    return false;
}

static int check_tests(const struct cz__site *site, const struct cz__loadtest_arguments *arguments)
{
    const cz_load_test_list *tests = &site->project->load_tests;
    cz_error err;
    if (!tests->count) {
        fprintf(stderr,
                "loadtest: %s declares no load tests; .load_tests of the project has them\n",
                site->project->name);
        return EXIT_NOT_HELD;
    }
    if (cz__load_tests_check(tests, &err)) {
        fprintf(stderr, "loadtest: %s\n", cz_error_message(&err));
        return EXIT_NOT_HELD;
    }
    for (size_t i = 0; i < arguments->name_count; i++)
        if (!has_test(tests, arguments->names[i]))
            return EXIT_USAGE;
    return EXIT_HELD;
}

int cz__command_loadtest(struct cz__site *site, int argc, char **argv)
{
    struct cz__loadtest_arguments arguments;
    struct sigaction action = { .sa_handler = on_signal }, before[2];
    if (!cz__loadtest_arguments_read(argc, argv, &arguments)) {
        cz__loadtest_arguments_done(&arguments);
        return EXIT_USAGE;
    }
    int code = check_tests(site, &arguments);
    if (!code) {
        arguments.run.stop = &stopped;
        arguments.run.on_progress = isatty(STDERR_FILENO) ? show_progress : NULL;
        sigaction(SIGINT, &action, &before[0]);
        sigaction(SIGTERM, &action, &before[1]);
        code = against_server(site, &arguments);
        sigaction(SIGINT, &before[0], NULL);
        sigaction(SIGTERM, &before[1], NULL);
    }
    cz__loadtest_arguments_done(&arguments);
    return code;
}
