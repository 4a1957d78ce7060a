/* `run`: the master, its workers, and HTTP in each of them. */
#include "management/hardening.h"
#include "management/listening.h"
#include "management/project.h"
#include "management/worker_limits.h"
#include <calzone/authentication.h>
#include <calzone/log.h>
#include "migrations/migrations.h"
#include "notifications/listeners.h"
#include "orm/orm.h"
#include "orm/raw.h"
#include "runtime/generation.h"
#include "runtime/server.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { APPS_MAX = 1024 };

struct worker_state {
    struct cz__site *site;
    const struct cz__listening *listening;
    cz__http_server *server;
};

/* ---- before the workers ---- */

/* Of several databases which. */
static void tell_done(const char *alias, const char *sentence, const char *what, size_t count)
{
    if (count && cz__database_count == 1)
        cz_log_info(NULL, "calzone.db", sentence, CZ_FIELD_INT(what, (int64_t)count));
    else if (count)
        cz_log_info(NULL, "calzone.db", sentence, CZ_FIELD_INT(what, (int64_t)count),
                    CZ_FIELD_STR("database", cz_str_from(alias)));
}

static bool lacks_notifications(const struct cz__site *site)
{
    for (size_t i = 0; i < site->project->apps.count; i++)
        if (site->project->apps.items[i]->listeners.count && !cz__db_default->driver->listen) {
            fprintf(stderr,
                    "%s: app %s has listeners, and %s has no notifications; PostgreSQL has\n",
                    site->project->name, site->project->apps.items[i]->name,
                    cz__db_default->driver->features->name);
            return true;
        }
    return false;
}

/* In development and tests a start makes what is missing. */
static void make_tables(cz_ctx *ctx, const char *alias)
{
    cz__migrate_signal(ctx, CZ_PRE_MIGRATE);
    size_t migrated = cz__migrate_all(ctx), created = cz__tables_create(ctx);
    cz__migrate_signal(ctx, CZ_POST_MIGRATE);
    tell_done(alias, "applied the pending migrations", "migrations", migrated);
    if (cz__models_drift(ctx, NULL))
        cz_log_warning(
            NULL, "calzone.db",
            "the models have changes that no migration has: run makemigrations and build");
    tell_done(alias, "created the missing tables", "tables", created);
    cz__raw_check(ctx);
    cz_log_flush(true);
}

static int prepare_tables(cz_ctx *ctx, void *arg)
{
    const struct cz__site *site = arg;
    const cz__database *database = cz__database_at_home(ctx);
    const char *alias = database->alias;
    bool other = alias != cz__databases[0].alias;
    if (database->primary->created) /* elsewhere than was meant, maybe */
        cz_log_info(NULL, "calzone.db", "made a new database",
                    CZ_FIELD_STR("file", cz_str_from(database->primary->created)));
    if (lacks_notifications(site))
        return 1;
    if (site->env == CZ_ENV_DEVELOPMENT || site->env == CZ_ENV_TEST) {
        make_tables(ctx, alias);
        return 0;
    }
    size_t pending = cz__migrate_pending(ctx);
    if (pending) {
        fprintf(stderr, "%s: %zu migration%s not applied; run `%s migrate%s%s`\n",
                site->project->name, pending, pending == 1 ? " is" : "s are", site->project->name,
                other ? " --database " : "", other ? alias : "");
        return 1;
    }
    const char *missing = cz__tables_missing(ctx);
    if (!missing)
        return 0;
    fprintf(stderr, "%s: table %s does not exist; run `%s createtables%s%s`\n", site->project->name,
            missing, site->project->name, other ? " --database " : "", other ? alias : "");
    return 1;
}

/* In development; elsewhere `check` was to say it before. */
static void tell_of_sql(const char *sentence, void *arg)
{
    (void)arg;
    cz_log_warning(NULL, "calzone.db", "SQL that cannot run",
                   CZ_FIELD_STR("error", cz_str_from(sentence)));
}

/* One after the other, also when one cannot be reached: each that cannot is told. */
static int prepare_all(struct cz__site *site)
{
    bool warns = site->env == CZ_ENV_DEVELOPMENT || site->env == CZ_ENV_TEST;
    int code = warns ? 0 : cz__site_run_offline(site, cz__command_check_drift, site);
    if (code)
        return code;
    for (size_t i = 0; i < cz__database_count; i++) {
        int one = cz__site_run_on(site, cz__databases[i].alias, prepare_tables, site);
        code = code ? code : one;
    }
    if (!code && cz__raw_check_end(true, tell_of_sql, NULL))
        cz_log_flush(true);
    const char *warning = cz__authentication_warning();
    if (!code && warning) {
        cz_log_warning(NULL, "calzone.auth", warning);
        cz_log_flush(true);
    }
    return code;
}

/* Set-up work runs in a child that ends before the workers start: the master never opens a database. */
static int prepare_in_child(struct cz__site *site)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "%s: fork: %s\n", site->project->name, strerror(errno));
        return 1;
    }
    if (child == 0) {
        int code = prepare_all(site);
        fflush(NULL);
        _exit(code);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ---- in a worker ---- */

static cz_status listen_in_worker(const struct cz__site *site, cz_error *err)
{
    static const cz_listener_list *lists[APPS_MAX]; /* as long as the worker */
    size_t count = site->project->apps.count;
    if (count > APPS_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "a project of over %d apps", APPS_MAX);
    for (size_t i = 0; i < count; i++)
        lists[i] = &site->project->apps.items[i]->listeners;
    return cz__listeners_start(cz__db_default, lists, count, err);
}

static cz_status use_certificates(const struct worker_state *state, cz_error *err)
{
    cz__tls_server *tls;
    cz_status status = cz__tls_server_create(&state->listening->certificates, &tls, err);
    if (status)
        return status;
    cz__http_server_set_tls(state->server, tls);
    cz__tls_server_release(tls); /* the server has it */
    return CZ_OK;
}

static cz_status serve(const cz__worker *worker, struct worker_state *state, cz_error *err)
{
    cz_http_limits limits = state->site->limits;
    limits.http2 = limits.http2 && cz__h2_is_there();
    cz_status status =
        cz__http_server_create(worker->loop, &limits, &state->site->app, &state->server);
    if (status)
        return cz_error_set(err, status, "the HTTP server could not start");
    if (state->listening->certificates.count && (status = use_certificates(state, err)))
        return status;
    for (size_t i = 0; i < worker->listener_count && !status; i++) {
        const cz__listener *listener = &worker->listeners[i];
        bool tls = state->listening->tls[listener->address];
        status = cz__http_server_listen(state->server, listener->fd,
                                        (tls ? CZ__HTTP_TLS : 0) |
                                            (listener->shared ? CZ__HTTP_SHARED : 0));
    }
    return status ? cz_error_set(err, status, "the HTTP server could not start") : CZ_OK;
}

static cz_status on_start(cz__worker *worker, cz_error *err)
{
    struct worker_state *state = worker->user;
    cz__tls_keys *keys = state->listening->certificates.process;
    if (keys)
        cz__tls_keys_join(keys, worker->place);
    cz_status status = cz__site_open_databases(state->site, err);
    if (status)
        return status;
    status = listen_in_worker(state->site, err);
    if (!status)
        status = serve(worker, state, err);
    if (!status)
        cz__worker_limits_watch(worker->loop, state->server, state->site->settings);
    return status;
}

static void drained(void *arg)
{
    cz__worker_drained(arg);
}

static void on_drain(cz__worker *worker)
{
    struct worker_state *state = worker->user;
    cz__http_server_drain(state->server, worker->replaced ? CZ__HTTP_HANDS_OVER : CZ__HTTP_STOPS,
                          drained, worker);
}

static void on_stop(cz__worker *worker)
{
    struct worker_state *state = worker->user;
    if (state->server)
        cz__http_server_destroy(state->server);
    cz__listeners_stop();
    cz__databases_close(false);
}

/* Printed by the first generation; whoever reads that need not read on, so the log has it of others. */
static void on_ready(const struct cz__sockets *sockets, unsigned workers, void *user)
{
    const struct worker_state *state = user;
    const struct cz__site *site = state->site;
    char url[CZ__ADDRESS_TEXT + 16];
    cz_buf urls = { 0 };
    for (size_t i = 0; i < sockets->count; i++) {
        cz__listening_url(state->listening, i, sockets->texts[i], url, sizeof url);
        cz_buf_append_str(&urls, cz_str_from(i == 0                    ? ""
                                             : i + 1 == sockets->count ? " and "
                                                                       : ", "));
        cz_buf_append_str(&urls, cz_str_from(url));
    }
    if (cz__generation.number > 1) {
        cz_log_info(NULL, "calzone.http", "served on", CZ_FIELD_STR("addresses", cz_buf_str(&urls)),
                    CZ_FIELD_INT("workers", workers));
    } else {
        printf("%s is served on %.*s by %u worker%s (%s, Calzone %s). Ctrl-C stops it.\n",
               site->project->name, CZ_STR_ARG(cz_buf_str(&urls)), workers, workers == 1 ? "" : "s",
               cz_env_name(site->env), CZ_VERSION);
        fflush(stdout);
    }
    cz_buf_done(&urls);
}

/* ---- the command ---- */

static bool read_workers(const char *text, unsigned *out)
{
    uint64_t number;
    if (cz_str_to_u64(cz_str_from(text), &number) || number > 256)
        return false;
    *out = (unsigned)number;
    return true;
}

static bool refuses_memory(const struct cz__site *site)
{
    bool refused = false;
    for (size_t i = 0; i < cz__database_count; i++) {
        cz_buf url = { 0 };
        if (!cz__site_database_url(site, &cz__databases[i], &url, NULL) &&
            cz_str_ends_with(cz_buf_str(&url), CZ_STR("/:memory:"))) {
            fprintf(stderr,
                    "run: DATABASE_URL%s%s: a database in memory is one process's alone, and a "
                    "site has several; name a file\n",
                    i ? " of " : "", i ? cz__databases[i].alias : "");
            refused = true;
        }
        cz_buf_done(&url);
    }
    return refused;
}

/* The option's value if `argument` is one of that name; it may stand in the same argument, behind "=". */
static bool is_option(const char *argument, const char *name, const char **out_value)
{
    size_t len = strlen(name);
    if (strncmp(argument, name, len) || (argument[len] && argument[len] != '='))
        return false;
    *out_value = argument[len] ? argument + len + 1 : NULL;
    return true;
}

bool cz__serving_read(int argc, char **argv, struct cz__serving *out)
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const char **wanted = is_option(argv[i], "--bind", &value)      ? &out->bind
                              : is_option(argv[i], "--workers", &value) ? &out->workers
                              : is_option(argv[i], "--user", &value)    ? &out->user
                                                                        : NULL;
        unsigned number = 0;
        if (wanted && *wanted) {
            fprintf(stderr, "run: %s is given twice%s\n", argv[i],
                    wanted == &out->bind ? "; several addresses have commas between them" : "");
            return false;
        }
        if (wanted && !value && i + 1 == argc) {
            fprintf(stderr, "run: %s takes a value; see --help\n", argv[i]);
            return false;
        }
        if (wanted) {
            *wanted = value ? value : argv[++i];
        } else if (!strcmp(argv[i], "--require-sandbox")) {
            out->require_sandbox = true;
        } else {
            fprintf(stderr, "run: unknown argument \"%s\"; see --help\n", argv[i]);
            return false;
        }
        if (wanted == &out->workers && !read_workers(out->workers, &number)) {
            fprintf(stderr, "run: --workers takes a number from 0 to 256, not \"%s\"\n",
                    out->workers);
            return false;
        }
    }
    return true;
}

/* In the keeper, which serves nobody: what it opened is the first generation's. */
static void stop_site(void *site)
{
    cz__site_stop(site);
}

/* Before anything is migrated. Root is gone already. */
static cz_status prepare_serving(const struct cz__site *site,
                                 const struct cz__listening_options *how, struct cz__listening *out,
                                 const struct cz__sandbox **out_sandbox, cz_error *err)
{
    struct cz__listening_options options = *how;
    cz_status status = cz__site_sandbox(site, site->serving->require_sandbox, out_sandbox, err);
    options.shut_in = *out_sandbox != NULL;
    return status ? status : cz__listening_read(site, &options, out, err);
}

static int serve_prepared(struct cz__site *site, const struct cz__listening *listening,
                          const struct cz__sandbox *sandbox, unsigned workers)
{
    cz_error err;
    if (site->env == CZ_ENV_DEVELOPMENT)
        cz_ignore(cz__site_warn(site) == 0);
    int code = prepare_in_child(site);
    if (code)
        return code;
    if (cz__db_share(2 * workers, &err)) { /* as many may drain while others serve in their place */
        fprintf(stderr, "run: %s\n", cz_error_message(&err));
        return 1;
    }
    cz__site_warn_of_root(site);
    struct worker_state state = { site, listening, NULL };
    cz__tls_keys *keys = listening->certificates.process;
    struct cz__companion companion = {
        .name = "the process of the keys",
        .pid = keys ? cz__tls_keys_pid(keys) : 0,
        .start = cz__tls_keys_restart,
        .on_left = cz__tls_keys_left,
        .arg = keys,
    };
    cz__server_options options = {
        .bind = listening->addresses,
        .bind_count = listening->count,
        .workers = workers,
        .drain_timeout_ms = (uint64_t)cz_setting_int(site->settings, "DRAIN_TIMEOUT"),
        .stall_ms = (uint64_t)cz_setting_int(site->settings, "STALL_TIME"),
        .fiber_stack_bytes = (size_t)cz_setting_int(site->settings, "FIBER_STACK"),
        .fibers_max = (unsigned)cz_setting_int(site->settings, "FIBERS_MAX"),
        .pool_threads = (unsigned)cz_setting_int(site->settings, "POOL_THREADS"),
        .sandbox = sandbox,
        .reload_timeout_ms = (uint64_t)cz_setting_int(site->settings, "RELOAD_TIMEOUT"),
        .companion = keys ? &companion : NULL,
        .user = &state,
        .on_worker_start = on_start,
        .on_worker_drain = on_drain,
        .on_worker_stop = on_stop,
        .on_ready = on_ready,
    };
    return cz__server_run(&options);
}

static int serve_site(struct cz__site *site, cz_str bind, unsigned workers)
{
    if (refuses_memory(site))
        return 1;
    cz_ignore(cz__site_warn_of_settings(site)); /* each was told */
    cz_error err;
    struct cz__listening listening;
    const struct cz__sandbox *sandbox;
    const struct cz__listening_options how = { .bind = bind, .workers = workers };
    if (prepare_serving(site, &how, &listening, &sandbox, &err)) {
        fprintf(stderr, "run: %s\n", cz_error_message(&err));
        return 1;
    }
    int code = serve_prepared(site, &listening, sandbox, workers);
    cz__listening_done(&listening);
    return code;
}

/* What 0 workers mean, and what any number is bounded to. */
static unsigned count_workers(unsigned workers)
{
    enum { WORKERS_MAX = 256 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = workers ? workers : cores > 0 ? (unsigned)cores : 1;
    return count < WORKERS_MAX ? count : WORKERS_MAX;
}

int cz__command_run(struct cz__site *site, int argc, char **argv)
{
    const struct cz__serving *serving = site->serving;
    cz_str bind =
        serving->bind ? cz_str_from(serving->bind) : cz_setting_str(site->settings, "BIND");
    unsigned workers = (unsigned)cz_setting_int(site->settings, "WORKERS");
    int code;
    (void)argc;
    if (serving->workers)
        cz_ignore(read_workers(serving->workers, &workers)); /* it was tried */
    const struct cz__keeper_options options = {
        .arguments = argv,
        .bind = bind,
        .reload_timeout_ms = (uint64_t)cz_setting_int(site->settings, "RELOAD_TIMEOUT"),
        .on_forked = stop_site,
        .arg = site,
    };
    if (!cz__generation_has_keeper() && cz__keeper_run(&options, &code))
        return code;
    return serve_site(site, bind, count_workers(workers));
}
