/* `check`: what a start would refuse, and what a request would stumble over: SQL written by hand. */
#include "management/project.h"
#include "migrations/migrations.h"
#include "orm/orm.h"
#include "orm/raw.h"
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

static int check_in_place(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz__raw_check(ctx);
    return 0;
}

/* All tables of the project, empty. */
static int check_in_scratch(cz_ctx *ctx, void *arg)
{
    cz__migrate_all(ctx);
    cz__tables_create(ctx);
    return check_in_place(ctx, arg);
}

struct sql_check {
    const struct cz__site *site;
    bool servers;   /* ask those that are configured */
    size_t skipped; /* databases that are a server's and were not asked */
};

/* A SQLite database is a new one in memory, whatever its file holds; a server's is the one that is configured, and
 * nothing runs in it. */
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
        return cz__site_run_in_memory(check->site, database, check_in_scratch, NULL);
    if (check->servers)
        return cz__site_run_on(check->site, database->alias, check_in_place, NULL);
    check->skipped++;
    return 0;
}

static void tell(const char *sentence, void *arg)
{
    const struct sql_check *check = arg;
    fprintf(stderr, "%s: %s\n", check->site->project->name, sentence);
}

static int check_sql(const struct cz__site *site, bool servers)
{
    struct sql_check check = { site, servers, 0 };
    int code = 0;
    size_t count = cz__raw_count();
    for (size_t i = 0; i < cz__database_count && count; i++)
        code |= check_database(&check, &cz__databases[i]);
    if (!code && cz__raw_check_end(!check.skipped, tell, &check))
        code = 1;
    if (!code && check.skipped)
        printf("%s: SQL for PostgreSQL was not looked at: `check --databases` prepares it there\n",
               site->project->name);
    return code;
}

int cz__command_check(struct cz__site *site, int argc, char **argv)
{
    bool databases = argc == 2 && strcmp(argv[1], "--databases") == 0;
    if (argc > 1 && !databases) {
        fprintf(stderr, "check: unknown argument \"%s\"; see --help\n", argv[1]);
        return 2;
    }
    int code = 0;
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
    /* everything that can be wrong stops the start before this line */
    size_t models = cz__models_count();
    printf("%s: no issues in %zu model%s and %zu route%s (%s)\n", site->project->name, models,
           models == 1 ? "" : "s", routes, routes == 1 ? "" : "s", cz_env_name(site->env));
    for (size_t i = 0; i < cz__database_count && databases; i++)
        code |= cz__site_run_on(site, cz__databases[i].alias, cz__command_check_database, site);
    return code;
}
