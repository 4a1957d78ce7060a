/* testing/template.h: a database for each test, copied from one that was migrated once for the whole run.
 *
 * SQLite: the template is a file in the run's directory, a test's database a copy of it in the test's. PostgreSQL:
 * both are databases of the server, which copies them (CREATE DATABASE ... TEMPLATE). Their names tell the run
 * they belong to, test_MACHINE_PID_START_..., so that a later run knows those of one that was killed.
 *
 * All of it ends the test when it fails. Context: a test's main stack, or the runner where it says so.
 */
#ifndef CZ_TESTING_TEMPLATE_H
#define CZ_TESTING_TEMPLATE_H

#include <calzone/settings.h>

typedef struct cz__test_database {
    const char *url;       /* of the test's own database */
    const char *path;      /* SQLite: its file */
    const char *name;      /* PostgreSQL: its name */
    const char *server;    /* PostgreSQL: the URL the project names, of the server to make it on */
    const char *template_; /* the template's file or name */
    const char *template_url;
    const char *mark; /* the beginning of the template's files in the run's directory */
} cz__test_database;

/* Choose the names; makes nothing. `base` is the URL the project would use, empty for SQLite; `project`
 * and `alias` tell one template from another. In the test's arena. */
void cz__test_database_plan(const void *project, const char *alias, cz_str base,
                            cz__test_database *out);
/* Make the database. When the template is not there yet, `migrate(url)` fills it, in one test of the run while
 * the others wait. */
void cz__test_database_make(const cz__test_database *database, void (*migrate)(const char *url));
/* PostgreSQL: the URL of an empty database that all tests of the run share; the end of the run drops it. */
const char *cz__test_database_shared(const char *server);
/* PostgreSQL: drop the test's database, which nothing uses any more. */
void cz__test_database_drop(const cz__test_database *database);

/* The runner's directory; and at its end, drop what the tests left on servers. */
const char *cz__test_run_directory(void);
long cz__test_runner(void); /* its process */
void cz__test_databases_end(const char *run_directory);

/* ---- template_postgresql.c ---- */

/* "test_MACHINE_PID_START_" of the run that belongs to process `runner`. */
const char *cz__test_server_prefix(long runner);
/* The URL with another database's name in it. */
const char *cz__test_server_url(const char *server, const char *name);
/* Create `name`, empty (`from` NULL) or as a copy. Returns false with a report when that fails. */
bool cz__test_server_create(const char *server, const char *name, const char *from);
bool cz__test_server_drop(const char *server, const char *name);
/* Drop what begins with `prefix`; NULL: what belongs to runs of this machine that are over. */
bool cz__test_server_sweep(const char *server, const char *prefix);

#endif
