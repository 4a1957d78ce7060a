/* calzone/databases.h: more than one database, and copies to read from.
 *
 *     CZ_PROJECT_MAIN("shop", ..., .databases = CZ_DATABASES({ .alias = "reports" }, { .alias = "archive" }))
 *     CZ_MODEL(Report, REPORT, .database = "reports");
 *
 *     cz_rows(Book) old = cz_select(ctx, Book, .database = "archive");
 *     cz_atomic_with(ctx, &(cz_atomic_options){ .database = "reports" }, build, &report);
 *
 * The alias "default" is DATABASE_URL and always there; "reports" is DATABASE_REPORTS_URL. A statement goes to the
 * first of: the database it names, what the project's router says, the one its row came from, its model's
 * .database, "default". What is asked inside a transaction of a database does not move there: a transaction is
 * one database's, and there is none over two.
 *
 * Replicas, DATABASE_REPLICA_URLS and DATABASE_REPORTS_REPLICA_URLS, serve reads outside transactions. A unit of
 * work that wrote reads from the primary; the next request of the same client is taken care of by the middleware
 * cz_read_your_writes (middleware.h), other work by the position below.
 */
#ifndef CALZONE_DATABASES_H
#define CALZONE_DATABASES_H

#include <calzone/models.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- which there are ---- */

typedef struct cz_database {
    const char *alias;    /* small letters, digits and underscores */
    bool atomic_requests; /* cz_atomic_requests opens a transaction here, too */
} cz_database;
typedef struct cz_database_list {
    const cz_database *items;
    size_t count;
} cz_database_list;
/* Those beside "default": CZ_DATABASES({ .alias = "reports" }, { .alias = "archive", .atomic_requests = true }). */
#define CZ_DATABASES(...)                                                                          \
    {                                                                                              \
        (const cz_database[]){ __VA_ARGS__ },                                                      \
            sizeof((const cz_database[]){ __VA_ARGS__ }) / sizeof(cz_database)                     \
    }

/* ---- a router ---- */

typedef enum cz_opinion { CZ_NO_OPINION, CZ_ALLOW, CZ_REFUSE } cz_opinion;

/* A project's own choice; each member may be NULL. None may raise or suspend. */
typedef struct cz_database_router {
    /* The alias for rows of a model; NULL: no opinion. `row`: the one that is saved or deleted, or whose
     * relation is followed; NULL: none. */
    const char *(*for_read)(cz_ctx *ctx, const cz_model *model, const cz_row *row);
    const char *(*for_write)(cz_ctx *ctx, const cz_model *model, const cz_row *row);
    /* Whether a model's table ("store", "Book") belongs to a database; `model` NULL: whether CZ_RUN_SQL and
     * CZ_RUN_C of the app's migrations run there. Without opinion a table belongs to its model's .database. */
    cz_opinion (*allow_migrate)(const char *alias, const char *app, const char *model);
} cz_database_router;

/* ---- scope ---- */

/* Call `fn(ctx, arg)` with everything in it that names no database going to `alias`, whatever the router and the
 * models say. Raises: what `fn` raises; CZ_EINVAL: there is no such database. */
void cz_with_database(cz_ctx *ctx, const char *alias, void (*fn)(cz_ctx *ctx, void *arg),
                      void *arg);

/* ---- replicas ---- */

/* Read from primaries for the rest of this unit of work: where a decision hangs on what is read. */
void cz_read_primary(cz_ctx *ctx);
/* A text for cz_read_after() that stands for what this unit of work has written, in the arena; empty when it
 * wrote to no database with replicas. Call it after the transaction. It is signed with SECRET_KEY, at most
 * CZ_POSITION_BYTES_MAX long, made of letters, digits, "." and "_", and useless once DATABASE_REPLICA_LAG_MAX is
 * over. Raises: CZ_ENOMEM. Context: may suspend: it asks each such database once. */
cz_str cz_read_position(cz_ctx *ctx);
/* Read only from replicas that have replayed as far as a position says, else from the primary. False: it is
 * none of this site's, or too old to matter; nothing has changed then. */
bool cz_read_after(cz_ctx *ctx, cz_str position);
enum { CZ_POSITION_BYTES_MAX = 1280 };

#ifdef __cplusplus
}
#endif
#endif
