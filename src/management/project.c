/* A project's start, in one order for every command: settings, logs, models, routes, middleware. Nothing is
 * opened and nothing runs before all of it is known to be right. */
#include "management/project.h"
#include "management/hardening.h"
#include "orm/encryption.h"
#include "cache/caches.h"
#include <calzone/authentication.h>
#include <calzone/jwt.h>
#include <calzone/log.h>
#include <calzone/passwords.h>
#include <calzone/staticfiles.h>
#include <calzone/views.h>
#include <calzone/websocket.h>
#include "files/spool.h"
#include "http/proxies.h"
#include "migrations/migrations.h"
#include "notifications/listeners.h"
#include "openapi/openapi.h"
#include "orm/orm.h"
#include "routing/errors.h"
#include "runtime/generation.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const cz_settings *current_settings;
static cz_router_options router_options;

const cz_settings *cz_project_settings(void)
{
    return current_settings;
}

/* ---- what the HTTP layer calls ---- */

static void tell_of_request(cz_ctx *ctx, cz_request *req, cz_signal signal)
{
    if (cz__signal_heard(signal))
        cz__signal_send(ctx, &(const cz_event){ .signal = signal, .request = req });
}

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    const struct cz__site *site = user;
    tell_of_request(ctx, req, CZ_REQUEST_STARTED);
    cz_router_dispatch(site->router, ctx, req);
    tell_of_request(ctx, req, CZ_REQUEST_FINISHED);
}

static void plan_body(cz_ctx *ctx, cz_request *req, cz__body_plan *plan, void *user)
{
    const struct cz__site *site = user;
    cz__router_plan_body(site->router, ctx, req, plan);
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz__answer_error(ctx, req, err);
}

/* Who asks so decides whether the worker gets more or fewer requests, or is ended. */
static bool is_vital(const cz_request *req, void *user)
{
    static const char *const paths[] = { "/livez", "/readyz", "/healthz" };
    (void)user;
    for (size_t i = 0; i < CZ_COUNT(paths); i++)
        if (cz_str_eq(req->path, cz_str_from(paths[i])))
            return true;
    return false;
}

/* What never reached the middleware, a malformed request or one of an unknown method, is logged here. The router
 * labels what it is given. */
static void on_answered(cz_ctx *ctx, cz_request *req, size_t bytes, void *user)
{
    (void)user;
    (void)bytes;
    if (!ctx->label)
        cz__access_log_write(ctx, req);
}

/* ---- settings ---- */

static cz_status configure_proxies(const struct cz__site *site, cz_error *err)
{
    cz_str_list list = cz_setting_list(site->settings, "TRUSTED_PROXIES");
    return cz__proxies_configure(&list, err);
}

static cz_status configure_uploads(const struct cz__site *site, cz_error *err)
{
    cz_str folder = cz_setting_str(site->settings, "UPLOAD_DIRECTORY");
    return folder.len ? cz__spool_configure(folder.ptr, err) : CZ_OK;
}

cz_status cz__setting_one_of(const struct cz__site *site, const char *name,
                             const char *const *words, size_t count, size_t fallback, size_t *out,
                             cz_error *err)
{
    cz_str text = cz_setting_str(site->settings, name);
    if (!text.len) {
        *out = fallback;
        return CZ_OK;
    }
    for (size_t i = 0; i < count; i++)
        if (cz_str_eq(text, cz_str_from(words[i]))) {
            *out = i;
            return CZ_OK;
        }
    char list[128];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        int added = snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", words[i]);
        len += added > 0 ? (size_t)added : 0;
    }
    return cz_error_set(err, CZ_EVALIDATION, "%s: \"%.*s\" is none of %s", name, CZ_STR_ARG(text),
                        list);
}

static cz_status configure_log(const struct cz__site *site, cz_error *err)
{
    static const char *const levels[] = { "debug", "info", "warning", "error", "off" };
    static const char *const formats[] = { "console", "json" };
    size_t level = 0, format = 0;
    cz_status status =
        cz__setting_one_of(site, "LOG_LEVEL", levels, CZ_COUNT(levels), CZ_LOG_INFO, &level, err);
    if (!status)
        status = cz__setting_one_of(site, "LOG_FORMAT", formats, CZ_COUNT(formats),
                                    site->env == CZ_ENV_DEVELOPMENT ? CZ_LOG_CONSOLE : CZ_LOG_JSON,
                                    &format, err);
    if (status)
        return status;
    cz_str path = cz_setting_str(site->settings, "LOG_FILE");
    cz_log_options options = { (cz_log_level)level, (cz_log_format)format,
                               path.len ? path.ptr : NULL };
    return cz_log_configure(&options, err);
}

static cz_status configure_errors(const struct cz__site *site, cz_error *err)
{
    static const char *const formats[] = { "drf", "problem", "fastapi" };
    size_t format = 0;
    cz_status status =
        cz__setting_one_of(site, "ERROR_FORMAT", formats, CZ_COUNT(formats), 0, &format, err);
    if (!status)
        cz__errors_configure((cz__error_format)format, site->env == CZ_ENV_DEVELOPMENT);
    return status;
}

static void read_limits(struct cz__site *site)
{
    const cz_settings *s = site->settings;
    site->limits = (cz_http_limits){
        .request_line_bytes = (uint32_t)cz_setting_int(s, "HTTP_REQUEST_LINE_MAX"),
        .header_bytes = (uint32_t)cz_setting_int(s, "HTTP_HEADER_BYTES_MAX"),
        .header_count = (uint32_t)cz_setting_int(s, "HTTP_HEADER_COUNT_MAX"),
        .body_bytes = (uint64_t)cz_setting_int(s, "HTTP_BODY_MAX"),
        .upload_memory_bytes = (uint32_t)cz_setting_int(s, "UPLOAD_MEMORY_MAX"),
        .header_timeout_ms = (uint32_t)cz_setting_int(s, "HTTP_HEADER_TIMEOUT"),
        .idle_timeout_ms = (uint32_t)cz_setting_int(s, "HTTP_IDLE_TIMEOUT"),
        .body_grace_ms = (uint32_t)cz_setting_int(s, "HTTP_BODY_GRACE"),
        .body_rate_min = (uint32_t)cz_setting_int(s, "HTTP_BODY_RATE_MIN"),
        .write_timeout_ms = (uint32_t)cz_setting_int(s, "HTTP_WRITE_TIMEOUT"),
        .handler_timeout_ms = (uint32_t)cz_setting_int(s, "HTTP_HANDLER_TIMEOUT"),
        .queue_wait_max_ms = (uint32_t)cz_setting_int(s, "HTTP_QUEUE_WAIT_MAX"),
        .requests_per_connection = (uint32_t)cz_setting_int(s, "HTTP_REQUESTS_PER_CONNECTION"),
        .http2 = cz_setting_bool(s, "HTTP2"),
        .proxy_protocol = cz_setting_bool(s, "PROXY_PROTOCOL"),
        .connections_max = (uint32_t)cz_setting_int(s, "HTTP_CONNECTIONS_MAX"),
        .connections_per_address = (uint32_t)cz_setting_int(s, "HTTP_CONNECTIONS_PER_ADDRESS"),
        .ws_message_bytes = (uint32_t)cz_setting_int(s, "WS_MESSAGE_MAX"),
        .ws_ping_interval_ms = (uint32_t)cz_setting_int(s, "WS_PING_INTERVAL"),
        .ws_pong_timeout_ms = (uint32_t)cz_setting_int(s, "WS_PONG_TIMEOUT"),
    };
    if (!site->limits.queue_wait_max_ms)
        site->limits.queue_wait_max_ms = UINT32_MAX;
}

static cz_status configure_middleware(const struct cz__site *site, const cz_middleware *const *list,
                                      cz_error *err)
{
    for (; *list; list++) {
        cz_status status = cz__authentication_check(*list, err);
        if (!status && (*list)->configure)
            status = (*list)->configure(site->settings, err);
        if (!status)
            status = cz__page_cache_check(*list, err);
        if (status)
            return status;
    }
    return CZ_OK;
}

/* The middleware that stands around single routes and includes. */
static cz_status configure_routes(const struct cz__site *site, const cz_route *route, cz_error *err)
{
    cz_status status = CZ_OK;
    for (; !status && route->kind != CZ__ROUTE_END; route++) {
        if (route->middleware)
            status = configure_middleware(site, route->middleware, err);
        if (!status && route->kind == CZ__ROUTE_INCLUDE)
            status = configure_routes(site, route->include, err);
        const cz_resource *resource = route->resource;
        const cz_route *table = NULL;
        for (size_t i = 0; !status && resource && resource->table &&
                           (table = resource->table(resource, i)) != NULL;
             i++)
            status = configure_routes(site, table, err);
    }
    return status;
}

static cz_status check_keys(const struct cz__site *site, cz_error *err)
{
    bool tests = site->env == CZ_ENV_TEST;
    for (size_t i = 0; i < cz__models_count() && !cz__field_keys_count(); i++)
        if (cz__models_at(i)->state->sealed)
            return cz_error_set(err, CZ_EVALIDATION,
                                "FIELD_ENCRYPTION_KEYS is required: %s has an encrypted field. A "
                                "first key%s: %sFIELD_ENCRYPTION_KEYS=k1:$(openssl rand -base64 "
                                "32)%s",
                                cz__models_at(i)->name, tests ? ", for tests alone" : "",
                                tests ? "echo " : "", tests ? " >> settings/test.env" : "");
    return CZ_OK;
}

static cz_status start_models(const cz_project *project, cz_error *err)
{
    for (size_t i = 0; i < project->apps.count; i++) {
        const cz_app *app = project->apps.items[i];
        cz_status status = cz__models_add(app->name, app->models.items, app->models.count, err);
        if (!status)
            status = cz__migrations_add(app->name, app->migrations, err);
        if (status)
            return status;
    }
    cz_status status = cz__migrations_check_listed(err);
    if (!status)
        status = cz__models_resolve(err);
    for (size_t i = 0; i < project->apps.count && !status; i++)
        status = cz__receivers_add(project->apps.items[i]->name, &project->apps.items[i]->receivers,
                                   err);
    for (size_t i = 0; i < project->apps.count && !status; i++)
        status = cz__cache_watch_models(project->apps.items[i]->name,
                                        &project->apps.items[i]->cached, err);
    for (size_t i = 0; i < project->apps.count && !status; i++)
        status = cz__listeners_check(project->apps.items[i]->name,
                                     &project->apps.items[i]->listeners, err);
    return status;
}

static cz_status start(struct cz__site *site, cz_error *err)
{
    const cz_project *project = site->project;
    cz_setting_table tables[] = {
        { cz__framework_settings, cz__framework_setting_count }, project->settings, { 0 }, { 0 }
    };
    cz_status status = cz__site_declare_databases(site, &tables[2], err);
    if (!status)
        status = cz__site_declare_caches(site, &tables[3], err);
    if (!status)
        status = cz_settings_load(NULL, tables, CZ_COUNT(tables), &site->settings, err);
    if (status)
        return status;
    current_settings = site->settings;
    site->env = cz_settings_env(site->settings);
    if (site->serving && (status = cz__site_give_up_root(site, err)))
        return status;
    read_limits(site);
    cz__position_set_key(cz_setting_str(site->settings, "SECRET_KEY"));
    cz__passwords_configure(site->settings);
    cz__views_configure(cz_setting_int(site->settings, "PAGE_SIZE"));
    cz__static_configure(site->env == CZ_ENV_DEVELOPMENT
                             ? 0
                             : cz_setting_int(site->settings, "STATIC_MAX_AGE") / 1000);
    router_options = (cz_router_options){
        .middleware = project->middleware ? project->middleware : cz_default_middleware,
        .converters = project->converters,
        .no_slash_redirect = !cz_setting_bool(site->settings, "TRAILING_SLASH_REDIRECT"),
    };
    bool strict = site->env == CZ_ENV_DEVELOPMENT || site->env == CZ_ENV_TEST;
    cz__repeats_max = strict ? (uint32_t)cz_setting_int(site->settings, "QUERY_REPEATS_MAX") : 0;
    cz__rows_kept = strict;
    cz__db_write_hold_ms = strict ? -1 : cz_setting_int(site->settings, "WRITE_HOLD_TIME");
    status = configure_log(site, err);
    if (!status)
        status = configure_errors(site, err);
    if (!status)
        status = cz__site_check_responses(site, &router_options.middleware, err);
    if (!status)
        status = configure_proxies(site, err);
    if (!status)
        status = configure_uploads(site, err);
    if (!status)
        status = cz__websockets_configure(site->settings, err);
    if (!status)
        status = cz__field_keys_set(cz_setting_str(site->settings, "FIELD_ENCRYPTION_KEYS"), err);
    if (!status)
        status = cz__throttling_configure(site->settings, cz_str_from(project->name), err);
    if (!status)
        status = cz__jwt_configure(cz_setting_str(site->settings, "JWT_KEYS"), strict, err);
    if (!status)
        status = cz__site_open_caches(site, err);
    if (!status)
        status = start_models(project, err);
    if (!status)
        status = cz_router_create(project->urls, &router_options, &site->router, err);
    if (!status)
        status = cz__openapi_check(site->router, err);
    if (!status)
        status = configure_middleware(site, router_options.middleware, err);
    if (!status)
        status =
            configure_routes(site, project->urls, err); /* whose depth the router has bounded */
    return status ? status : cz__throttling_check(err);
}

/* All but the keys of encrypted fields. */
static cz_status start_keyless(const cz_project *project, const struct cz__serving *serving,
                               struct cz__site *out, cz_error *err)
{
    *out = (struct cz__site){ .project = project, .serving = serving };
    out->app = (cz__http_app){ .handle = handle,
                               .plan_body = plan_body,
                               .answer_error = answer_error,
                               .is_vital = is_vital,
                               .on_answered = on_answered,
                               .user = out };
    if (!project->urls)
        return cz_error_set(err, CZ_EVALIDATION, "the project names no .urls");
    cz_status status = start(out, err);
    if (status)
        cz__site_stop(out);
    return status;
}

static cz_status start_with_keys(const cz_project *project, const struct cz__serving *serving,
                                 struct cz__site *out, cz_error *err)
{
    cz_status status = start_keyless(project, serving, out, err);
    if (!status && (status = check_keys(out, err)))
        cz__site_stop(out);
    return status;
}

cz_status cz__site_start(const cz_project *project, struct cz__site *out, cz_error *err)
{
    return start_with_keys(project, NULL, out, err);
}

/* `check`, which says what a start would refuse, warns of keys where one may come later. */
static cz_status check_keys_later(const cz_project *project, struct cz__site *site, cz_error *err)
{
    bool later = site->env == CZ_ENV_DEVELOPMENT || site->env == CZ_ENV_TEST;
    cz_status status = check_keys(site, err);
    if (status && later)
        fprintf(stderr, "%s: warning: %s\n", project->name, cz_error_message(err));
    return later ? CZ_OK : status;
}

/* For a command of the project's. psql takes URLs that the driver does not. */
static cz_status start_for(const struct cz__builtin *builtin, const cz_project *project,
                           const struct cz__serving *serving, struct cz__site *out, cz_error *err)
{
    bool keyless = builtin && builtin->needs_no_keys;
    cz_status status = keyless ? start_keyless(project, NULL, out, err)
                               : start_with_keys(project, serving, out, err);
    if (status)
        return status;
    if (!builtin || builtin->run != cz__command_dbshell)
        status = cz__site_check_databases(out, err);
    if (!status && builtin && builtin->run == cz__command_check)
        status = check_keys_later(project, out, err);
    if (status)
        cz__site_stop(out);
    return status;
}

static size_t warn_of_keys(const struct cz__site *site)
{
    bool open = site->env == CZ_ENV_STAGING || site->env == CZ_ENV_PRODUCTION;
    if (!open || !cz_setting_list(site->settings, "TLS_CERTIFICATES").count ||
        cz_setting_bool(site->settings, "TLS_KEY_PROCESS"))
        return 0;
    fprintf(stderr,
            "%s: warning: TLS_KEY_PROCESS is false: the keys of TLS are in the memory of each "
            "worker, and a fault in one may give them away\n",
            site->project->name);
    return 1;
}

size_t cz__site_warn_of_settings(const struct cz__site *site)
{
    size_t cursor = 0, count = 0;
    cz_str name;
    const char *file;
    for (; site->env == CZ_ENV_DEVELOPMENT &&
           cz_settings_next_unknown(site->settings, &cursor, &name, &file);
         count++)
        fprintf(stderr, "%s: warning: %s names %.*s, and no setting is called so\n",
                site->project->name, file, CZ_STR_ARG(cz_str_head(name, 100)));
    return count + warn_of_keys(site);
}

void cz__site_stop(struct cz__site *site)
{
    cz_router_destroy(site->router);
    cz_ignore(cz__websockets_configure(NULL, NULL)); /* without settings it does not fail */
    cz_settings_destroy(site->settings);
    current_settings = NULL;
    cz__databases_close(true);
    cz__caches_close();
    cz__throttling_close();
    cz_arena_destroy(site->arena);
    site->arena = NULL;
    site->router = NULL;
    site->settings = NULL;
}

/* ---- the command line ---- */

static const struct cz__builtin builtins[] = {
    { "run", "Serve the site.",
      "[--bind ADDRESS[,ADDRESS...]] [--workers N] [--user NAME] [--require-sandbox]",
      cz__command_run, .serves = true,
      .flags = "  --bind ADDRESS     instead of the setting BIND\n"
               "  --workers N        instead of WORKERS; 0 is one per core\n"
               "  --user NAME        started as root, become this user; instead of RUN_AS_USER\n"
               "  --require-sandbox  do not start as root, nor where workers cannot be shut in "
               "whole\n" },
    { "routes", "List the routes in the order they are tried.", "[--json]", cz__command_routes,
      .needs_no_keys = true },
    { "check",
      "Check settings, models, routes and SQL without starting anything; with --databases, that "
      "each "
      "answers and what was migrated.",
      "[--databases]", cz__command_check, .needs_no_keys = true },
    { "settings", "List the settings, their values and where those came from.",
      "[--help-texts | --json]", cz__command_settings, .needs_no_keys = true,
      .flags = "  --help-texts   below each what it is for\n"
               "  --json         as JSON, with what each is for\n" },
    { "version", "Print the versions of the project, Calzone and what is built in.", "[--json]",
      cz__command_version, .needs_nothing = true },
    { "makemigrations", "Write migrations for what changed in the models.",
      "[APP] [--check] [--dry-run] [--empty] [--merge] [--online] [--name NAME] [--folder FOLDER] "
      "[--rename APP.MODEL[.FIELD]:NAME] [--no-rename] [--default APP.MODEL.FIELD=VALUE]",
      cz__command_makemigrations, .needs_no_keys = true,
      .flags =
          "  --check            write nothing; exit with 1 when something changed\n"
          "  --dry-run          print the migrations and write nothing\n"
          "  --empty            one without operations, for SQL and functions\n"
          "  --merge            one that joins two histories of an app\n"
          "  --online           what would lock a large table in migrations of their own, which do "
          "not\n"
          "  --name NAME        what they are called after their number\n"
          "  --folder FOLDER    where the app's sources are\n"
          "  --rename OLD:NEW   a model or field has another name; may come again\n"
          "  --no-rename        nothing has: what is gone is removed, what is new is added\n"
          "  --default F=VALUE  what the rows that are there get in a field; may come again\n" },
    { "migrate", "Bring the database to the newest migration, or to one that is named.",
      "[APP [NAME|zero]] [--database ALIAS] [--plan] [--check] [--fake] [--fake-initial] "
      "[--accept-edited]",
      cz__command_migrate,
      .flags = "  --database ALIAS  of the project's databases this one\n"
               "  --plan            print what would run, and run nothing\n"
               "  --check           run nothing; exit with 1 when something would run\n"
               "  --fake            record the migrations and run nothing\n"
               "  --fake-initial    so for an app's first one when all of its tables and columns "
               "are there\n"
               "  --accept-edited   record migrations that were changed since as they are now\n" },
    { "showmigrations", "List the migrations; [X] marks those the database has.",
      "[APP] [--database ALIAS]", cz__command_showmigrations, .needs_no_keys = true },
    { "sqlmigrate", "Print what a migration runs.", "APP NAME [--backwards] [--database ALIAS]",
      cz__command_sqlmigrate, .needs_no_keys = true },
    { "squashmigrations", "Write one migration in place of an app's first ones.",
      "APP LAST [--without-data] [--dry-run] [--folder FOLDER]", cz__command_squashmigrations,
      .needs_no_keys = true },
    { "inspectdb", "Print models for the tables there are.",
      "[--database ALIAS] [--unmanaged] [TABLE...]", cz__command_inspectdb, .needs_no_keys = true },
    { "createtables", "Create the tables that are missing, of apps without migrations.",
      "[--database ALIAS]", cz__command_createtables },
    { "createcachetable", "Create the tables that caches in databases lie in.",
      "[--database ALIAS] [--dry-run]", cz__command_createcachetable,
      .flags = "  --dry-run   print the SQL and make nothing\n" },
    { "backup", "Copy the SQLite database while it is in use, and check the copy.",
      "[--database ALIAS] FILE", cz__command_backup },
    { "dbshell", "Open sqlite3 or psql on the database.", "[--database ALIAS] [ARGUMENT]...",
      cz__command_dbshell },
    { "loaddata", "Load rows from JSON or CSV files, all or none; those that exist are replaced.",
      "[--database ALIAS] [--model APP.MODEL] [--ignorenonexistent] FILE...",
      cz__command_loaddata },
    { "dumpdata", "Write rows as JSON, in Django's form, or CSV.",
      "[--database ALIAS] [--format json|csv] [--indent N] [--natural-foreign] [--natural-primary] "
      "[-e "
      "APP[.MODEL]]... "
      "[-o FILE] [APP[.MODEL]]...",
      cz__command_dumpdata },
    { "reencrypt", "Encrypt every value of encrypted fields with the first key of the setting.", "",
      cz__command_reencrypt },
    { "rebuild_search", "Make indexes of full text anew, while others read.", "[APP.MODEL]...",
      cz__command_rebuild_search },
    { "openapi",
      "Print the OpenAPI document, or check that it tells of every route and its examples are "
      "some.",
      "[--yaml] [--api-version NAME] | --check", cz__command_openapi, .needs_no_keys = true },
    { "loadtest", "Run the project's load tests and tell how long requests took.",
      "[--url URL] [OPTION...] [NAME]...", cz__command_loadtest, .needs_no_keys = true,
      .flags = cz__loadtest_flags },
    { "purge", "Delete for good the rows that were deleted longer ago than some days (30).",
      "[--days N] [APP.MODEL]...", cz__command_purge },
};

static const cz_command *find_own(const cz_project *project, const char *name)
{
    for (size_t i = 0; i < project->apps.count; i++) {
        const cz_command_list *commands = &project->apps.items[i]->commands;
        for (size_t c = 0; c < commands->count; c++)
            if (strcmp(commands->items[c].name, name) == 0)
                return &commands->items[c];
    }
    return NULL;
}

static int usage(const cz_project *project, FILE *out)
{
    fprintf(out, "usage: %s COMMAND [--help]\n\n", project->name);
    for (size_t i = 0; i < CZ_COUNT(builtins); i++)
        fprintf(out, "  %-16s %s\n", builtins[i].name, builtins[i].help);
    for (size_t i = 0; i < project->apps.count; i++) {
        const cz_command_list *commands = &project->apps.items[i]->commands;
        for (size_t c = 0; c < commands->count; c++)
            fprintf(out, "  %-16s %s\n", commands->items[c].name, commands->items[c].help);
    }
    return out == stdout ? 0 : 2;
}

static int help_of(const cz_project *project, const char *name, const char *arguments,
                   const char *help, const char *flags)
{
    printf("usage: %s %s %s\n\n%s\n", project->name, name, arguments ? arguments : "", help);
    if (flags)
        printf("\n%s", flags);
    return 0;
}

struct own_call {
    const cz_command *command;
    const cz_project *project;
    int argc;
    char **argv;
};

static int run_own(cz_ctx *ctx, void *arg)
{
    struct own_call *call = arg;
    ctx->label = call->command->name;
    return call->command->run(ctx, call->project, call->argc, call->argv);
}

bool cz__command_json_flag(int argc, char **argv, bool *out_json)
{
    *out_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc == 1 || *out_json)
        return true;
    fprintf(stderr, "%s: unknown argument \"%s\"; see --help\n", argv[0], argv[*out_json ? 2 : 1]);
    return false;
}

static int run_command(const cz_project *project, int argc, char **argv)
{
    if (argc < 2)
        return usage(project, stderr);
    const char *name = argv[1];
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
        return usage(project, stdout);
    const struct cz__builtin *builtin = NULL;
    for (size_t i = 0; i < CZ_COUNT(builtins); i++)
        if (!strcmp(builtins[i].name, name))
            builtin = &builtins[i];
    const cz_command *own = builtin ? NULL : find_own(project, name);
    if (!builtin && !own) {
        fprintf(stderr, "%s: no command \"%s\"; `%s help` lists them\n", project->name, name,
                project->name);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return builtin ? help_of(project, name, builtin->usage, builtin->help, builtin->flags)
                           : help_of(project, name, own->usage, own->help, NULL);
    struct cz__site site = { .project = project };
    cz_error err;
    if (builtin && builtin->needs_nothing)
        return builtin->run(&site, argc - 1, argv + 1);
    struct cz__serving serving = { 0 };
    bool serves = builtin && builtin->serves;
    if (serves && !cz__serving_read(argc - 1, argv + 1, &serving))
        return 2;
    if ((serves && cz__generation_begin(&err)) ||
        start_for(builtin, project, serves ? &serving : NULL, &site, &err)) {
        fprintf(stderr, "%s: %s\n", project->name, cz_error_message(&err));
        return 1;
    }
    struct own_call call = { own, project, argc - 1, argv + 1 };
    int code =
        builtin ? builtin->run(&site, argc - 1, argv + 1) : cz__site_run(&site, run_own, &call);
    cz__site_stop(&site);
    cz_log_flush(true);
    return code;
}

/* What was printed goes out whole, or the command has failed; a server has more to do than to print. */
int cz_project_main(const cz_project *project, int argc, char **argv)
{
    int code = run_command(project, argc, argv);
    if (code || (argc > 1 && strcmp(argv[1], "run") == 0))
        return code;
    const char *why = fflush(stdout)   ? strerror(errno)
                      : ferror(stdout) ? "not all of it could be written"
                                       : NULL;
    if (!why)
        return 0;
    fprintf(stderr, "%s: standard output: %s\n", project->name, why);
    return 1;
}
