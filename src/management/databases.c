/* A project's databases: what it declares, the settings that name them, opening them. */
#include "management/project.h"
#include "db/replicas.h"
#include "orm/orm.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SETTINGS_EACH = 2 };

const char *cz__alias_setting(cz_arena *arena, const char *first, const char *alias,
                              const char *last)
{
    char upper[CZ__ALIAS_BYTES_MAX + 2] = "";
    size_t len = strlen(alias);
    if (strcmp(alias, cz__databases[0].alias) != 0 && len <= CZ__ALIAS_BYTES_MAX) {
        for (size_t i = 0; i < len; i++)
            upper[i] = (char)(alias[i] >= 'a' && alias[i] <= 'z' ? alias[i] - 32 : alias[i]);
        upper[len] = '_';
    }
    return cz_arena_printf(arena, "%s_%s%s", first, upper, last);
}

const char *cz__database_setting(cz_arena *arena, const char *alias, const char *last)
{
    return cz__alias_setting(arena, "DATABASE", alias, last);
}

cz_status cz__database_settings(cz_arena *arena, const cz_project *project, cz_setting_table *out,
                                cz_error *err)
{
    const cz_database_list *list = &project->databases;
    cz_setting *settings = cz_arena_array(arena, cz_setting, list->count * SETTINGS_EACH + 1);
    bool made = settings != NULL;
    for (size_t i = 0; i < list->count && made; i++) {
        const char *alias = list->items[i].alias ? list->items[i].alias : "";
        cz_setting *own = settings + i * SETTINGS_EACH;
        own[0] = (cz_setting){ .name = cz__database_setting(arena, alias, "URL"),
                               .kind = CZ_SETTING_URL,
                               .required_in_production = true,
                               .help = "The database of this alias, as DATABASE_URL." };
        own[1] = (cz_setting){ .name = cz__database_setting(arena, alias, "REPLICA_URLS"),
                               .kind = CZ_SETTING_LIST,
                               .secret = true,
                               .help = "Copies of it that serve reads, as DATABASE_REPLICA_URLS." };
        made = own[0].name && own[1].name;
    }
    if (!made)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the databases");
    *out = (cz_setting_table){ settings, list->count * SETTINGS_EACH };
    return CZ_OK;
}

cz_status cz__site_declare_databases(struct cz__site *site, cz_setting_table *out, cz_error *err)
{
    const cz_project *project = site->project;
    if (cz_arena_create(NULL, 0, &site->arena))
        return cz_error_set(err, CZ_ENOMEM, "no memory for the databases");
    for (size_t i = 0; i < project->databases.count; i++) {
        const cz_database *database = &project->databases.items[i];
        cz_status status = cz__database_declare(database->alias, database->atomic_requests, err);
        if (status)
            return status;
    }
    cz__database_router_set(project->database_router);
    if (project->database_router)
        cz__db_must_choose = true;
    return cz__database_settings(site->arena, project, out, err);
}

/* ---- opening ---- */

cz_status cz__site_database_url(const struct cz__site *site, const cz__database *database,
                                cz_buf *out, cz_error *err)
{
    const char *name = cz__database_setting(site->arena, database->alias, "URL");
    cz_str url = name ? cz_setting_str(site->settings, name) : CZ_STR("");
    char here[4096];
    if (!name) {
        return cz_error_set(err, CZ_ENOMEM, "no memory to open the database");
    } else if (url.len) {
        cz_buf_append_str(out, url);
    } else if (getcwd(here, sizeof here)) {
        cz_buf_append_lit(out, "sqlite://");
        cz_percent_encode(out, cz_str_from(here)); /* it may hold blanks, "%" and "?" */
        cz_buf_append_char(out, '/');
        cz_percent_encode(out, cz_str_from(site->project->name));
        if (database != cz__databases)
            cz_buf_printf(out, ".%s", database->alias);
        cz_buf_append_lit(out, ".db");
    } else {
        return cz_error_set(err, CZ_EIO, "the working directory cannot be read");
    }
    cz_status status = cz_buf_status(out);
    return status ? cz_error_set(err, status, "no memory to open the database") : CZ_OK;
}

/* What is wrong with a database, with its alias where there are several. */
static cz_status tell_database(const cz__database *database, const cz_error *why, cz_error *err)
{
    if (cz__database_count > 1)
        return cz_error_set(err, why->status, "database \"%s\": %s", database->alias,
                            cz_error_message(why));
    if (err)
        *err = *why;
    return why->status;
}

cz_status cz__site_check_databases(const struct cz__site *site, cz_error *err)
{
    for (size_t i = 0; i < cz__database_count; i++) {
        cz_buf url = { 0 };
        cz_error why;
        cz_status status = cz__site_database_url(site, &cz__databases[i], &url, &why);
        if (!status)
            status = cz__db_check_url(cz_buf_str(&url), &why);
        cz_buf_done(&url);
        if (status)
            return tell_database(&cz__databases[i], &why, err);
    }
    return CZ_OK;
}

static cz_status open_with_replicas(const struct cz__site *site, cz__database *database,
                                    cz_error *err)
{
    cz_buf text = { 0 };
    cz_status status = cz__site_database_url(site, database, &text, err);
    if (!status)
        status = cz__db_open(cz_buf_str(&text), &database->primary, err);
    cz_buf_done(&text);
    const char *name = cz__database_setting(site->arena, database->alias, "REPLICA_URLS");
    if (status || !name)
        return status ? status : cz_error_set(err, CZ_ENOMEM, "no memory to open the database");
    cz_str_list urls = cz_setting_list(site->settings, name);
    cz__replica_lag_max_ms = cz_setting_int(site->settings, "DATABASE_REPLICA_LAG_MAX");
    return cz__replicas_open(database, &urls, err);
}

cz_status cz__site_open_database(const struct cz__site *site, cz__database *database, cz_error *err)
{
    cz_error why;
    cz_status status = open_with_replicas(site, database, &why);
    return status ? tell_database(database, &why, err) : CZ_OK;
}

cz_status cz__site_open_databases(const struct cz__site *site, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < cz__database_count && !status; i++)
        status = cz__site_open_database(site, &cz__databases[i], err);
    return status;
}

/* ---- running with them ---- */

enum which { NONE, ALL, ONE, MEMORY };

struct site_job {
    int (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
    int code;
};

static void run_job(cz_ctx *ctx, void *arg)
{
    struct site_job *job = arg;
    job->code = job->fn(ctx, job->arg);
}

/* With the database's own words: it is a developer who reads. */
static void print_failure(const struct cz__site *site, const cz__database *database,
                          const cz_error *err)
{
    fputs(site->project->name, stderr);
    if (database && database != cz__databases)
        fprintf(stderr, " (%s)", database->alias);
    fprintf(stderr, ": %s\n", cz_error_message(err));
    if (err->database[0])
        fprintf(stderr, "  the database said: %s\n", err->database);
}

static int run_site(const struct cz__site *site, enum which which, cz__database *database,
                    int (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz_error err;
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena)) {
        fputs("out of memory\n", stderr);
        return 1;
    }
    struct site_job job = { fn, arg, 1 };
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    cz_status status = CZ_OK;
    if (which == ALL)
        status = cz__site_open_databases(site, &err);
    else if (which == ONE)
        status = cz__site_open_database(site, database, &err);
    else if (which == MEMORY)
        status = cz__db_open(CZ_STR("sqlite:///:memory:"), &database->primary, &err);
    if (!status && (which == ONE || which == MEMORY))
        status = cz__db_go_home(&ctx, database, &err);
    if (!status)
        status = cz_try(&ctx, run_job, &job, &err);
    if (status)
        print_failure(site, database, &err);
    cz_ctx_done(&ctx);
    cz__databases_close(false);
    cz_arena_destroy(arena);
    return status ? 1 : job.code;
}

int cz__site_run(const struct cz__site *site, int (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    return run_site(site, ALL, NULL, fn, arg);
}

int cz__site_run_offline(const struct cz__site *site, int (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    return run_site(site, NONE, NULL, fn, arg);
}

int cz__site_run_in_memory(const struct cz__site *site, cz__database *database,
                           int (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    return run_site(site, MEMORY, database, fn, arg);
}

int cz__site_run_on(const struct cz__site *site, const char *alias,
                    int (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    char names[256];
    cz__database *database = cz__database_find(alias ? alias : cz__databases[0].alias);
    if (database)
        return run_site(site, ONE, database, fn, arg);
    cz__database_names(names, sizeof names);
    fprintf(stderr, "%s: there is no database \"%s\"; declared are %s\n", site->project->name,
            alias, names);
    return 2;
}

bool cz__command_database(int *argc, char **argv, const char **out)
{
    *out = NULL;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--database") != 0)
            continue;
        if (i + 1 == *argc) {
            fprintf(stderr, "%s: --database takes an alias; see --help\n", argv[0]);
            return false;
        }
        *out = argv[i + 1];
        for (int rest = i; rest + 2 <= *argc; rest++)
            argv[rest] = argv[rest + 2]; /* the NULL at the end as well */
        *argc -= 2;
        i--;
    }
    return true;
}
