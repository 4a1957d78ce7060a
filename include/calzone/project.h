/* calzone/project.h: a project, and its one binary.
 *
 *     static const cz_app store_app = { "store", .models = CZ_MODELS(Author, Book) };
 *     CZ_PROJECT_MAIN("shop", .apps = CZ_APPS(&store_app), .urls = urls)
 *
 * The binary has the management commands: `shop run`, `shop routes`, `shop check`, `shop settings`,
 * `shop version`, `shop makemigrations`, `shop migrate`, `shop createtables`, `shop loaddata FILE...`,
 * `shop dumpdata` and the project's own; `shop help` lists them. Each has --help; exit codes are 0, 1 for a
 * failure and 2 for a command line that makes no sense.
 */
#ifndef CALZONE_PROJECT_H
#define CALZONE_PROJECT_H

#include <calzone/cache.h>
#include <calzone/databases.h>
#include <calzone/loadtest.h>
#include <calzone/middleware.h>
#include <calzone/migrations.h>
#include <calzone/models.h>
#include <calzone/notifications.h>
#include <calzone/routing.h>
#include <calzone/settings.h>
#include <calzone/signals.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_project cz_project;

/* A command of the project's own. `ctx` has the database; what it raises is printed and exits with 1. */
typedef struct cz_command {
    const char *name, *help; /* "import", one sentence */
    const char *usage;       /* "FILE..."; may be NULL */
    int (*run)(cz_ctx *ctx, const cz_project *project, int argc,
               char **argv); /* argv[0] is the name */
} cz_command;
typedef struct cz_command_list {
    const cz_command *items;
    size_t count;
} cz_command_list;
#define CZ_COMMANDS(array)                                                                         \
    {                                                                                              \
        (array), CZ_COUNT(array)                                                                   \
    }

typedef struct cz_app {
    const char *name; /* begins the tables' names */
    cz_model_list models;
    cz_command_list commands;
    cz_migration_list migrations; /* as its migrations/list.h declares it; NULL: none */
    const char *folder; /* where `makemigrations` finds its sources; NULL: src/NAME or NAME */
    cz_receiver_list receivers; /* of signals, signals.h */
    cz_model_list
        cached; /* CZ_MODELS(Book): those whose changes end what is cached of them (cache.h) */
    cz_listener_list listeners; /* of notifications, in each worker; notifications.h */
} cz_app;
typedef struct cz_app_list {
    const cz_app *const *items;
    size_t count;
} cz_app_list;
#define CZ_APPS(...)                                                                               \
    {                                                                                              \
        (const cz_app *const[]){ __VA_ARGS__ },                                                    \
            sizeof((const cz_app *const[]){ __VA_ARGS__ }) / sizeof(void *)                        \
    }

struct cz_project {
    const char *name;
    const char *version; /* of the project; NULL: "0" */
    cz_app_list apps;
    const cz_route *urls;                   /* required */
    const cz_middleware *const *middleware; /* ended by NULL; NULL: cz_default_middleware */
    const cz_converter *converters;
    cz_setting_table settings;                 /* the project's own settings */
    cz_database_list databases;                /* those beside "default" (databases.h) */
    const cz_database_router *database_router; /* NULL: models say where they are */
    cz_cache_list caches;                      /* those beside "default" (cache.h) */
    cz_load_test_list load_tests;              /* what `loadtest` runs (loadtest.h) */
};

/* A project under a name of its own, which its tests can use beside its binary:
 *
 *     CZ_PROJECT(shop, "shop", .apps = CZ_APPS(&store_app), .urls = urls);       in project.c
 *     extern const cz_project shop;                                             in project.h
 *     int main(int argc, char **argv) { return cz_project_main(&shop, argc, argv); }
 */
#define CZ_PROJECT(variable, project_name, ...)                                                    \
    const cz_project variable = { .name = (project_name), ##__VA_ARGS__ }

/* A project and main() in one, where nothing else uses the project. */
#define CZ_PROJECT_MAIN(project_name, ...)                                                         \
    static const cz_project cz__the_project = { .name = (project_name), ##__VA_ARGS__ };           \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return cz_project_main(&cz__the_project, argc, argv);                                      \
    }

int cz_project_main(const cz_project *project, int argc, char **argv);

/* The settings of the running project; NULL before it has started. */
const cz_settings *cz_project_settings(void);

#ifdef __cplusplus
}
#endif
#endif
