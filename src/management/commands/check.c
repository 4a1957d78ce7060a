/* `check`: what a start would refuse, and what a request would stumble over: SQL written by hand, columns that no migration
 * makes. */
#include "loadtest/loadtest.h"
#include "management/project.h"
#include "middleware/compression.h"
#include "migrations/migrations.h"
#include "orm/orm.h"
#include "orm/raw.h"
#include "views/views.h"
#include <calzone/authentication.h>
#include <stdio.h>

/* Whether a server answers, by a statement that asks it for a table. */
static int ask_database(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz__db_session *session = NULL;
    cz_error err;
    bool found;
    if (cz__db_session_of(ctx, &session, &err) ||
        session->db->driver->table_exists(ctx, session, "calzone_migrations", &found, &err))
        cz_raise_error(ctx, &err);
    return 0;
}

/* ---- SQL written by hand ---- */

struct sql_check {
    const struct cz__site *site;
    bool servers;   /* ask those that are configured */
    size_t skipped; /* databases that are a server's and were not asked */
};

static void tell(const char *sentence, void *arg)
{
    const struct sql_check *check = arg;
    fprintf(stderr, "%s: %s\n", check->site->project->name, sentence);
}

static int check_in_place(cz_ctx *ctx, void *arg)
{
    size_t wrong = cz__meta_sql_check(ctx, tell, arg);
    if (cz__raw_count())
        cz__raw_check(ctx);
    return wrong > 0;
}

/* All tables of the project, empty, once what they are made of is known to be right. */
static int check_in_scratch(cz_ctx *ctx, void *arg)
{
    if (cz__meta_sql_check(ctx, tell, arg))
        return 1;
    if (cz__raw_count()) {
        cz__migrate_all(ctx);
        cz__tables_create(ctx);
        cz__raw_check(ctx);
    }
    return 0;
}

/* Whether there is anything to ask a database. */
static bool has_sql(const cz__database *database)
{
    bool has = cz__raw_count() > 0;
    for (size_t i = 0; i < cz__models_count(); i++)
        has = has || (cz__database_has_model(database, cz__models_at(i)) &&
                      cz__meta_has_sql(cz__models_at(i)));
    return has;
}

/* A SQLite database is a new one in memory, whatever its file holds; a server's is the one that is configured, and
 * nothing stays in it. */
static int check_database(struct sql_check *check, cz__database *database)
{
    cz_buf url = { 0 };
    cz_error err;
    if (cz__site_database_url(check->site, database, &url, &err)) {
        fprintf(stderr, "%s: %s\n", check->site->project->name, cz_error_message(&err));
        cz_buf_done(&url);
        return 1;
    }
    bool is_file = cz_str_starts_with(cz_buf_str(&url), CZ_STR("sqlite:"));
    cz_buf_done(&url);
    if (is_file)
        return cz__site_run_in_memory(check->site, database, check_in_scratch, check);
    if (check->servers)
        return cz__site_run_on(check->site, database->alias, check_in_place, check);
    check->skipped++;
    return 0;
}

static int check_sql(const struct cz__site *site, bool servers)
{
    struct sql_check check = { site, servers, 0 };
    int code = 0;
    for (size_t i = 0; i < cz__database_count; i++)
        if (has_sql(&cz__databases[i]))
            code |= check_database(&check, &cz__databases[i]);
    if (!code && cz__raw_check_end(!check.skipped, tell, &check))
        code = 1;
    if (!code && check.skipped)
        printf("%s: SQL for PostgreSQL was not looked at: `check --databases` prepares it there\n",
               site->project->name);
    return code;
}

/* What is no mistake for certain; how many there were is said at the end. */
static void warn(const char *sentence, void *arg)
{
    const struct cz__site *site = arg;
    fprintf(stderr, "%s: warning: %s\n", site->project->name, sentence);
}

static void print_summary(const struct cz__site *site, size_t warnings, size_t routes)
{
    char found[40] = "no issues";
    size_t models = cz__models_count();
    if (warnings)
        cz_ignore(snprintf(found, sizeof found, "%zu warning%s", warnings,
                           warnings == 1 ? "" : "s")); /* it fits */
    printf("%s: %s in %zu model%s and %zu route%s (%s)\n", site->project->name, found, models,
           models == 1 ? "" : "s", routes, routes == 1 ? "" : "s", cz_env_name(site->env));
}

int cz__command_check(struct cz__site *site, int argc, char **argv)
{
    bool databases = argc == 2 && strcmp(argv[1], "--databases") == 0;
    if (argc > 1 && !databases) {
        fprintf(stderr, "check: unknown argument \"%s\"; see --help\n", argv[1]);
        return 2;
    }
    cz_error err;
    if (cz__load_tests_check(&site->project->load_tests, &err)) {
        fprintf(stderr, "%s: %s\n", site->project->name, cz_error_message(&err));
        return 1;
    }
    int code = cz__site_run_offline(site, cz__command_check_drift, site);
    size_t warnings = cz__site_warn_of_settings(site);
    warnings += cz__views_check_exposure(site->router, warn, site);
    for (size_t i = 0; i < cz__database_count && databases; i++)
        code |= cz__site_run_on(site, cz__databases[i].alias, ask_database, NULL);
    if (!code)
        code = check_sql(site, databases);
    if (code)
        return code; /* each was told */
    size_t routes = 0;
    cz_route_info route;
    for (size_t cursor = 0; cz_router_next(site->router, &cursor, &route);)
        routes++;
    if (cz__compression_missing()) /* as many sites mean it */
        printf("%s: %s\n", site->project->name, cz__compression_missing());
    const char *warning = cz__authentication_warning();
    if (warning)
        warn(warning, site);
    warnings += (warning != NULL) + cz__site_warn(site);
    /* everything that can be wrong stops the start before this line */
    print_summary(site, warnings, routes);
    for (size_t i = 0; i < cz__database_count && databases; i++)
        code |= cz__site_run_on(site, cz__databases[i].alias, cz__command_check_database, site);
    return code;
}
