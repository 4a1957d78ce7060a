/* management/project.h: a project that has started, as the commands see it. */
#ifndef CZ_MANAGEMENT_PROJECT_H
#define CZ_MANAGEMENT_PROJECT_H

#include <calzone/project.h>
#include "db/database.h"
#include "http/http_server.h"

/* What `run` was told. */
struct cz__serving {
    const char *bind, *user, *workers; /* NULL: the setting says */
    bool require_sandbox;
};

struct cz__site {
    const cz_project *project;
    cz_settings *settings;
    cz_router *router;
    cz_http_limits limits;
    cz__http_app app;
    cz_env env;
    const struct cz__serving *serving; /* NULL: another command runs */
    cz_arena *arena;                   /* as long as the site: the settings of its databases */
};

/* Read the settings, resolve the models, compile the routes, configure logs and middleware. Opens no
 * database and starts nothing. Errors: CZ_EVALIDATION and others; `err` is the one line to print. */
CZ_NODISCARD cz_status cz__site_start(const cz_project *project, struct cz__site *out,
                                      cz_error *err);
void cz__site_stop(struct cz__site *site);

/* "CACHE_PAGES_URL" of "CACHE", "pages" and "URL"; without the alias of "default". NULL: no memory. */
const char *cz__alias_setting(cz_arena *arena, const char *first, const char *alias,
                              const char *last);
/* "DATABASE_REPORTS_URL" of "reports" and "URL"; without the alias of "default". NULL: no memory. */
const char *cz__database_setting(cz_arena *arena, const char *alias, const char *last);
/* The settings of a project's databases beside "default", in the arena. */
CZ_NODISCARD cz_status cz__database_settings(cz_arena *arena, const cz_project *project,
                                             cz_setting_table *out, cz_error *err);
/* Declare the project's databases and its router; their settings, in the site's arena. */
CZ_NODISCARD cz_status cz__site_declare_databases(struct cz__site *site, cz_setting_table *out,
                                                  cz_error *err);
/* The settings of a project's caches beside "default", in the site's arena; and open all of them. */
CZ_NODISCARD cz_status cz__site_declare_caches(const struct cz__site *site, cz_setting_table *out,
                                               cz_error *err);
CZ_NODISCARD cz_status cz__site_open_caches(const struct cz__site *site, cz_error *err);
/* Which of `words` a setting says, `fallback` when it is empty. Errors: CZ_EVALIDATION: none of them. */
CZ_NODISCARD cz_status cz__setting_one_of(const struct cz__site *site, const char *name,
                                          const char *const *words, size_t count, size_t fallback,
                                          size_t *out, cz_error *err);
/* A line on stderr in development for each name in a .env file that no setting has, elsewhere for a setting that gives away what
 * is kept by default. Returns how many. */
size_t cz__site_warn_of_settings(const struct cz__site *site);
/* Put the check of responses in front of the middleware, where the setting CHECK_RESPONSES or the environment asks for it and
 * it does not stand there; the list is in the site's arena. */
CZ_NODISCARD cz_status cz__site_check_responses(const struct cz__site *site,
                                                const cz_middleware *const **middleware,
                                                cz_error *err);
/* Whether the URLs of the databases can be read; none is opened. Errors name the alias. */
CZ_NODISCARD cz_status cz__site_check_databases(const struct cz__site *site, cz_error *err);
/* Append a database's URL, or what it is when it is not set. */
CZ_NODISCARD cz_status cz__site_database_url(const struct cz__site *site,
                                             const cz__database *database, cz_buf *out,
                                             cz_error *err);
/* Open all databases of the project, in a worker with their replicas, or one. Errors name the alias. */
CZ_NODISCARD cz_status cz__site_open_databases(const struct cz__site *site, cz_error *err);
CZ_NODISCARD cz_status cz__site_open_database(const struct cz__site *site, cz__database *database,
                                              cz_error *err);

/* Run `fn(ctx, arg)` with a context of its own and the databases open, printing what it raises. Returns the
 * exit code: what `fn` returned, or 1. */
int cz__site_run(const struct cz__site *site, int (*fn)(cz_ctx *ctx, void *arg), void *arg);
/* The same with one database, to which everything goes: "default" when `alias` is NULL. 2 when there is none. */
int cz__site_run_on(const struct cz__site *site, const char *alias,
                    int (*fn)(cz_ctx *ctx, void *arg), void *arg);
/* The same with an empty SQLite database in memory in place of that one, whichever it is. */
int cz__site_run_in_memory(const struct cz__site *site, cz__database *database,
                           int (*fn)(cz_ctx *ctx, void *arg), void *arg);
/* Take "--database ALIAS" out of a command's arguments; NULL: it was not there. False: without an alias, which
 * was printed. */
bool cz__command_database(int *argc, char **argv, const char **out);

/* The same with no database opened. */
int cz__site_run_offline(const struct cz__site *site, int (*fn)(cz_ctx *ctx, void *arg), void *arg);

/* A built-in command. */
struct cz__builtin {
    const char *name, *help, *usage;
    int (*run)(struct cz__site *site, int argc, char **argv);
    bool
        needs_nothing; /* it asks the project's name and version alone, and runs whatever is wrong with the rest */
    bool
        needs_no_keys; /* it reads and writes no value of a field, so no key of encrypted ones either */
    bool serves; /* it gives up root before files are opened, and site.serving has its arguments */
    const char *flags; /* for --help, a line for each of those in `usage`; NULL: none */
};
/* Read the arguments of `run`, which count before anything is opened. False: they make no sense, which was printed. */
bool cz__serving_read(int argc, char **argv, struct cz__serving *out) __attribute__((nonnull));
int cz__command_run(struct cz__site *site, int argc, char **argv);
int cz__command_routes(struct cz__site *site, int argc, char **argv);
/* Print what a start does not refuse and a developer should know. Returns how many warnings that were. */
size_t cz__site_warn(const struct cz__site *site);
int cz__command_check(struct cz__site *site, int argc, char **argv);
/* What `check --databases` asks it; `arg` is the site. */
int cz__command_check_database(cz_ctx *ctx, void *arg);
int cz__command_settings(struct cz__site *site, int argc, char **argv);
int cz__command_version(struct cz__site *site, int argc, char **argv);
int cz__command_createtables(struct cz__site *site, int argc, char **argv);
int cz__command_createcachetable(struct cz__site *site, int argc, char **argv);
int cz__command_loaddata(struct cz__site *site, int argc, char **argv);
int cz__command_backup(struct cz__site *site, int argc, char **argv);
int cz__command_dbshell(struct cz__site *site, int argc, char **argv);
int cz__command_reencrypt(struct cz__site *site, int argc, char **argv);
int cz__command_rebuild_search(struct cz__site *site, int argc, char **argv);
int cz__command_openapi(struct cz__site *site, int argc, char **argv);
int cz__command_purge(struct cz__site *site, int argc, char **argv);
int cz__command_dumpdata(struct cz__site *site, int argc, char **argv);
int cz__command_loadtest(struct cz__site *site, int argc, char **argv);
extern const char cz__loadtest_flags[]; /* the lines of its options */
int cz__command_makemigrations(struct cz__site *site, int argc, char **argv);
int cz__command_migrate(struct cz__site *site, int argc, char **argv);
int cz__command_showmigrations(struct cz__site *site, int argc, char **argv);
int cz__command_sqlmigrate(struct cz__site *site, int argc, char **argv);
int cz__command_squashmigrations(struct cz__site *site, int argc, char **argv);
int cz__command_inspectdb(struct cz__site *site, int argc, char **argv);

/* How many operations the models are ahead of the migrations, and the first of them, "store: Add field isbn to Book"; 0 when there
 * are none. `out_first` may be NULL. Raises. Context: no database is asked. */
size_t cz__models_drift(cz_ctx *ctx, const char **out_first);
/* Print that they are, if so; `arg` is the site. 1: they are. */
int cz__command_check_drift(cz_ctx *ctx, void *arg);

/* A file's bytes, or a pipe's, as long as the context. Raises: CZ_EIO: it can't be read; CZ_ETOOBIG; CZ_ENOMEM. */
cz_str cz__command_read_file(cz_ctx *ctx, const char *path, size_t bytes_max);
/* `openapi diff OLD NEW [--json]`, told from "diff" on. */
int cz__command_openapi_diff(const struct cz__site *site, int argc, char **argv);

/* Whether `argv[1]` and on is exactly `--json` or nothing; prints the usage and answers false else. */
bool cz__command_json_flag(int argc, char **argv, bool *out_json);

/* The settings every project has. */
extern const cz_setting cz__framework_settings[];
extern const size_t cz__framework_setting_count;

#endif
