/* The in-process client: a project's site in the test's own process, asked without a socket.
 *
 * The process is a worker in all but its signals: a loop, fibers and a database that belongs to the loop.
 * Requests travel as bytes, so the test sees what a client would, parser and all. */
#include "testing/template.h"
#include "testing/testing_internal.h"
#include "management/project.h"
#include "migrations/migrations.h"
#include "openapi/response_check.h"
#include "orm/orm.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <calzone/log.h>
#include <stdlib.h>

enum { DEFAULT_HEADERS_MAX = 16 };

struct cz_client {
    cz_client *next;
    cz_header headers[DEFAULT_HEADERS_MAX]; /* sent with every request; owned by the test's arena */
    size_t header_count;
};

static struct {
    const cz_project *project; /* NULL: not started */
    struct cz__site site;
    cz__loop *loop;
    cz__test_database databases[CZ__DATABASES_MAX]; /* as cz__databases */
    size_t database_count;
    cz__database *migrating;
} self;

/* ---- running something as a handler runs ---- */

struct work {
    void (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
    cz_error err;
    bool done;
};

static void run_work(void *arg)
{
    struct work *work = arg;
    cz_ctx ctx;
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz__fiber_attach(&ctx);
    work->err.status = cz_try(&ctx, work->fn, work->arg, &work->err);
    cz_ctx_done(&ctx);
    cz__fiber_attach(NULL);
    cz_arena_destroy(arena);
    work->done = true;
}

static CZ_NORETURN void tell_raise(const char *file, int line, const cz_error *err)
{
    if (err->file)
        cz__test_fail(file, line, "cz_client_run() raised %s at %s:%d: %s",
                      cz_status_name(err->status), err->file, err->line, cz_error_message(err));
    else
        cz__test_fail(file, line, "cz_client_run() raised %s: %s", cz_status_name(err->status),
                      cz_error_message(err));
    cz__test_abort();
}

void cz__client_run(cz_client *client, void (*fn)(cz_ctx *ctx, void *arg), void *arg,
                    const char *file, int line)
{
    (void)client;
    struct work work = { .fn = fn, .arg = arg };
    CZ_REQUIRE_OK(cz__fiber_start(run_work, &work));
    while (!work.done)
        cz__loop_turn(self.loop, 100);
    cz__loop_turn(self.loop, 0); /* ends what belongs to the turn, as a read transaction */
    cz_log_flush(true);
    if (work.err.status)
        tell_raise(file, line, &work.err);
}

/* ---- beginning and end ---- */

static void stop(void)
{
    cz_log_flush(true);
    if (cz__fiber_current())
        return; /* the test ended inside its handler, on a stack that would go away here */
    cz__databases_close(false);
    for (size_t i = 0; i < self.database_count; i++)
        cz__test_database_drop(&self.databases[i]);
    cz__site_stop(&self.site);
    cz__fibers_done();
    cz__loop_destroy(self.loop);
}

static void create_tables(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    if (cz__db_go_home(ctx, self.migrating, &err))
        cz_raise_error(ctx, &err);
    cz__migrate_signal(ctx, CZ_PRE_MIGRATE);
    cz__migrate_all(ctx);
    cz__tables_create(ctx);
    cz__migrate_signal(ctx, CZ_POST_MIGRATE);
}

/* Fill the template as `migrate` would. */
static void migrate(const char *url)
{
    cz_error err = { 0 };
    if (cz__db_open(cz_str_from(url), &self.migrating->primary, &err))
        cz__test_die("%s: %s", url, cz_error_message(&err));
    cz_client_run(NULL, create_tables, NULL);
    cz__db_close(self.migrating->primary);
    self.migrating->primary = NULL;
}

/* What the project's settings say for ENV=test; empty: nothing, or they are wrong, which its start will tell. */
static cz_str project_database(const cz_project *project, const char *setting)
{
    cz_setting_table tables[] = { { cz__framework_settings, cz__framework_setting_count },
                                  project->settings,
                                  { 0 } };
    cz_settings *settings;
    cz_str url;
    const char *server = getenv("CZ_TEST_POSTGRESQL_URL");
    if (cz__test_on_postgresql) {
#ifndef CZ_POSTGRESQL
        cz_test_skip("built without PostgreSQL");
#endif
        if (!server || !*server)
            cz_test_skip("CZ_TEST_POSTGRESQL_URL names no PostgreSQL server");
        return cz_str_from(server);
    }
    CZ_REQUIRE_OK(cz__database_settings(cz_test_arena(), project, &tables[2], NULL));
    if (cz_settings_load(NULL, tables, CZ_COUNT(tables), &settings, NULL))
        return CZ_STR("");
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_setting_str(settings, setting), &url));
    cz_settings_destroy(settings);
    return url;
}

/* Each alias has a database of the test's own, and nothing in the test can reach another one. */
static void plan_databases(const cz_project *project)
{
    CZ_REQUIRE(project->databases.count < CZ__DATABASES_MAX);
    self.database_count = project->databases.count + 1;
    for (size_t i = 0; i < self.database_count; i++) {
        const char *alias = i ? project->databases.items[i - 1].alias : "default";
        const char *url = cz__database_setting(cz_test_arena(), alias, "URL");
        const char *replicas = cz__database_setting(cz_test_arena(), alias, "REPLICA_URLS");
        CZ_REQUIRE(url && replicas);
        cz__test_database_plan(project, alias, project_database(project, url), &self.databases[i]);
        setenv(replicas, "", 1);
    }
    for (size_t i = 0; i < self.database_count; i++) {
        const char *alias = i ? project->databases.items[i - 1].alias : "default";
        setenv(cz__database_setting(cz_test_arena(), alias, "URL"), self.databases[i].url, 1);
    }
}

/* One query a row is a mistake of the line that asks. */
static void fail_repeat(const cz_ctx *ctx, const struct cz__repeat *repeat)
{
    (void)ctx;
    cz__test_fail(repeat->file, repeat->line,
                  "asked %u times for one row after another, which one query can read together "
                  "(if it must be so: .repeats = true): %.*s",
                  repeat->times, CZ_STR_ARG(repeat->sql));
}

/* An answer that the document does not tell of is a fault of one of the two. */
static void fail_response(const struct cz__response_fault *fault)
{
    cz__test_fail("test", 0,
                  "%.*s answers %d and is not as its OpenAPI document says: \"%.*s\" %.*s",
                  CZ_STR_ARG(fault->operation), fault->status, CZ_STR_ARG(fault->pointer),
                  CZ_STR_ARG(fault->what));
}

static void set_environment(const cz_project *project)
{
    setenv("ENV", "test", 1);
    setenv("LOG_LEVEL", "warning", 0);
    setenv("LOG_FORMAT", "console", 0);
    setenv("ACCESS_LOG", "off", 0);
    plan_databases(project);
}

static void start(const cz_project *project)
{
    cz_error err = { 0 };
    set_environment(project);
    CZ_REQUIRE_OK(cz__loop_create(&self.loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    cz_status status = cz__site_start(project, &self.site, &err);
    if (status)
        cz__test_die("%s does not start: %s", project->name, cz_error_message(&err));
    self.project = project;
    cz__repeats_report = fail_repeat;
    cz__response_fault_report = fail_response;
    atexit(stop);
    for (size_t i = 0; i < self.database_count; i++) {
        self.migrating = &cz__databases[i];
        cz__test_database_make(&self.databases[i], migrate);
    }
    if (cz__site_open_databases(&self.site, &err))
        cz__test_die("%s does not start: %s", project->name, cz_error_message(&err));
    cz__test_count_queries();
}

cz_client *cz_client_create(const cz_project *project)
{
    if (!self.project)
        start(project);
    if (self.project != project)
        cz__test_die("a test has one project; %s has started already", self.project->name);
    cz_client *client = cz_arena_new(cz_test_arena(), cz_client);
    CZ_REQUIRE(client);
    return client;
}

/* ---- asking ---- */

void cz_client_set_header(cz_client *client, const char *name, const char *value)
{
    size_t at = 0;
    while (at < client->header_count &&
           !cz_str_eq_icase(client->headers[at].name, cz_str_from(name)))
        at++;
    if (!value) {
        if (at < client->header_count)
            client->headers[at] = client->headers[--client->header_count];
        return;
    }
    CZ_REQUIRE(at < DEFAULT_HEADERS_MAX);
    cz_header *header = &client->headers[at];
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_from(name), &header->name));
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_from(value), &header->value));
    if (at == client->header_count)
        client->header_count++;
}

static const cz_answer *exchange(cz_str bytes, bool head)
{
    cz_answer *answer = cz_arena_new(cz_test_arena(), cz_answer);
    CZ_REQUIRE(answer);
    cz_buf out;
    cz_buf_init(&out, 0);
    struct cz__test_queries before = cz__test_queries();
    cz_status status = cz__http_serve_bytes(&self.site.limits, &self.site.app, bytes, &out);
    struct cz__test_queries after = cz__test_queries();
    cz__loop_turn(self.loop, 0);
    cz_log_flush(true);
    if (status)
        cz__test_die("the request was not answered: %s", cz_status_name(status));
    size_t used = cz__answer_parse(cz_buf_str(&out), head, true, answer);
    if (!used || used != out.len)
        cz__test_die("not one whole answer: %.*s", CZ_STR_ARG(cz_str_head(cz_buf_str(&out), 300)));
    cz_buf_done(&out);
    answer->query_count = after.count - before.count;
    answer->queries = after.items ? after.items + before.count : NULL;
    return answer;
}

const cz_answer *cz_client_send_raw(cz_client *client, cz_str bytes)
{
    (void)client;
    return exchange(bytes, cz_str_starts_with(bytes, CZ_STR("HEAD ")));
}

static bool names_header(const cz_client *client, const char *headers, const char *name)
{
    for (size_t i = 0; i < client->header_count; i++)
        if (cz_str_eq_icase(client->headers[i].name, cz_str_from(name)))
            return true;
    for (cz_str rest = cz_str_from(headers ? headers : ""); rest.len;) {
        cz_str line = cz_str_cut(&rest, '\n');
        if (cz_str_eq_icase(cz_str_cut(&line, ':'), cz_str_from(name)))
            return true;
    }
    return false;
}

const cz_answer *cz_client_send(cz_client *client, const cz_client_request *request)
{
    cz_buf bytes;
    cz_buf_init(&bytes, 0);
    cz_buf_printf(&bytes, "%s %s HTTP/1.1\r\n", request->method, request->target);
    if (!names_header(client, request->headers, "Host"))
        cz_buf_append_lit(&bytes, "Host: testserver\r\n");
    for (size_t i = 0; i < client->header_count; i++)
        cz_buf_printf(&bytes, "%.*s: %.*s\r\n", CZ_STR_ARG(client->headers[i].name),
                      CZ_STR_ARG(client->headers[i].value));
    if (request->headers)
        cz_buf_append_str(&bytes, cz_str_from(request->headers));
    if (request->content_type || request->body.len)
        cz_buf_printf(&bytes, "Content-Type: %s\r\n",
                      request->content_type ? request->content_type : "application/json");
    if (request->body.len)
        cz_buf_printf(&bytes, "Content-Length: %zu\r\n", request->body.len);
    cz_buf_append_lit(&bytes, "\r\n");
    cz_buf_append_str(&bytes, request->body);
    CZ_REQUIRE_OK(cz_buf_status(&bytes));
    const cz_answer *answer = exchange(cz_buf_str(&bytes), !strcmp(request->method, "HEAD"));
    cz_buf_done(&bytes);
    return answer;
}

const cz_answer *cz_client_get(cz_client *client, const char *target)
{
    return cz_client_send(client, &(cz_client_request){ .method = "GET", .target = target });
}

const cz_answer *cz_client_delete(cz_client *client, const char *target)
{
    return cz_client_send(client, &(cz_client_request){ .method = "DELETE", .target = target });
}

static const cz_answer *send_json(cz_client *client, const char *method, const char *target,
                                  const char *json)
{
    return cz_client_send(
        client,
        &(cz_client_request){ .method = method, .target = target, .body = cz_str_from(json) });
}

const cz_answer *cz_client_post(cz_client *client, const char *target, const char *json)
{
    return send_json(client, "POST", target, json);
}

const cz_answer *cz_client_put(cz_client *client, const char *target, const char *json)
{
    return send_json(client, "PUT", target, json);
}

const cz_answer *cz_client_patch(cz_client *client, const char *target, const char *json)
{
    return send_json(client, "PATCH", target, json);
}
