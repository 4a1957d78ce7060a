/* migrations/migrations.h: what commands, a server's start and tests use of migrations.
 *
 * All of it raises: CZ_EVALIDATION for migrations that do not fit together, and what the database gives.
 * Results are in the context's arena. Context: a command, outside a loop.
 */
#ifndef CZ_MIGRATIONS_MIGRATIONS_H
#define CZ_MIGRATIONS_MIGRATIONS_H

#include <calzone/migrations.h>
#include <calzone/signals.h>
#include "db/schema.h"

/* Name an app's migrations, at the project's start; `list` may be NULL. Errors: CZ_ETOOBIG: over 16384;
 * CZ_EVALIDATION: one of them names another app, or the list has no end. */
CZ_NODISCARD cz_status cz__migrations_add(const char *app, cz_migration_list list, cz_error *err);
/* After all were named: each that is compiled in, of an app that has a list, must be in it. Errors:
 * CZ_EVALIDATION: one is not; `err` names it and what to add. */
CZ_NODISCARD cz_status cz__migrations_check_listed(cz_error *err);
/* Every migration that was named, apps in order and each app's by name. */
const cz_migration *const *cz__migrations_all(size_t *out_count);
/* Whether the app has any. */
bool cz__migrations_of(const char *app);

/* ---- what the database has ---- */

typedef struct cz__ledger_row {
    const char *app, *name;
    cz_datetime applied;
    bool from_tables;        /* written when tables were created without migrations */
    const char *fingerprint; /* of its operations as they were applied; NULL: not recorded */
} cz__ledger_row;
typedef struct cz__ledger {
    const cz__ledger_row *rows; /* as they were applied */
    size_t count;
} cz__ledger;
/* The rows of calzone_migrations; none when there is no such table. */
cz__ledger *cz__ledger_read(cz_ctx *ctx);
bool cz__ledger_has(const cz__ledger *ledger, const char *app, const char *name);

/* ---- how migrations hang together ---- */

typedef struct cz__graph {
    const cz_migration **nodes; /* each after those it depends on */
    bool *applied;              /* by node */
    size_t count;
} cz__graph;

/* Of a squashed migration and those it replaces only the one or the others remain: the squashed one unless
 * the database has some but not all of them. `ledger` may be NULL: nothing is applied.
 * Raises: CZ_EVALIDATION: a migration is missing, comes twice, or needs itself. */
cz__graph *cz__graph_make(cz_ctx *ctx, const cz_migration *const *migrations, size_t count,
                          const cz__ledger *ledger);
/* SIZE_MAX: there is none. A unique beginning of the name will do, as "0002". */
size_t cz__graph_find(cz_ctx *ctx, const cz__graph *graph, const char *app, const char *name);
/* The migration that a row written when tables were created without migrations is about: the app's first when none
 * has its name. SIZE_MAX: there is none. */
size_t cz__graph_of_row(cz_ctx *ctx, const cz__graph *graph, const cz__ledger_row *row);
/* The name of such a row that another migration than one of that name stands in for; NULL: none. */
const char *cz__graph_stands_in_for(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger,
                                    size_t node);
/* The nodes of an app that no other of its nodes needs; more than one is a conflict. */
size_t cz__graph_leaves(cz_ctx *ctx, const cz__graph *graph, const char *app, size_t **out);
/* Raises CZ_EVALIDATION when an app has two leaves, naming both and `makemigrations --merge`. */
void cz__graph_check_leaves(cz_ctx *ctx, const cz__graph *graph);
/* Raises CZ_EVALIDATION when one is applied and what it needs is not. */
void cz__graph_check_applied(cz_ctx *ctx, const cz__graph *graph);
/* Whether the node depends on none of its own app. */
bool cz__graph_is_initial(const cz_migration *migration);

/* Tell of each migration whose operations are others than those the database was given. Returns how many. */
size_t cz__migrations_edited(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger,
                             void (*each)(const char *sentence));

/* Record of each of these what it has now. Returns how many. */
size_t cz__migrations_accept_edited(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger);

/* ---- running ---- */

typedef struct cz__planned {
    size_t node;
    bool backward;
} cz__planned;
typedef struct cz__plan_list {
    cz__planned *items;
    size_t count;
} cz__plan_list;
/* What leads to the target: everything (`app` NULL), all of an app (`name` NULL), to one migration, forward
 * or backward, or back to before the first ("zero"). */
cz__plan_list cz__migrate_plan(cz_ctx *ctx, const cz__graph *graph, const char *app,
                               const char *name);

enum cz__migrate_how {
    CZ__MIGRATE_RUN,
    CZ__MIGRATE_FAKE, /* record it and run nothing */
    CZ__MIGRATE_FAKE_INITIAL /* as FAKE when it creates an app's first tables and they are there; half of them there is
                                CZ_EVALIDATION, which names what is missing */
};
enum cz__migrated { CZ__MIGRATED_RUN, CZ__MIGRATED_FAKED, CZ__MIGRATED_BY_ANOTHER };
/* Run one step of a plan, in one transaction with its row in calzone_migrations, and note it in the graph.
 * A lock that another session holds is waited for and tried again. */
enum cz__migrated cz__migrate_step(cz_ctx *ctx, cz__graph *graph, cz__planned step,
                                   enum cz__migrate_how how);
/* Before migrating: tables that were made without migrations must be those the first migrations make.
 * Raises CZ_EVALIDATION naming what is missing. */
void cz__migrate_check_tables(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger);

/* A squashed migration counts as applied where all it replaces are; write that down, so that it stays so when
 * they are gone. */
void cz__migrate_record_squashed(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger);

/* What a migration runs, as text: statements, and comments where a function would run. */
cz__sql_list *cz__migrate_sql(cz_ctx *ctx, const cz__graph *graph, cz__planned step);

/* Run whatever is pending. Returns how many. Sends no signals: cz__migrate_signal() does, around this and
 * cz__tables_create(). */
size_t cz__migrate_all(cz_ctx *ctx);
/* Send CZ_PRE_MIGRATE or CZ_POST_MIGRATE once for each app that has models, in the project's order. Raises what
 * a receiver raises. */
void cz__migrate_signal(cz_ctx *ctx, cz_signal signal);
/* How many migrations the database lacks. */
size_t cz__migrate_pending(cz_ctx *ctx);
/* "Add field isbn to Book". */
const char *cz__migrate_describe(cz_ctx *ctx, const cz_operation *op);

#endif
