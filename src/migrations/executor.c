/* Running migrations.
 *
 * One migration is one transaction: its statements, its functions and its row in calzone_migrations are
 * there together or not at all, so a process killed half-way leaves the last whole migration. The
 * transaction takes the database's lock for changing tables before it looks into calzone_migrations, so of
 * two processes one runs a migration and the other finds it done. */
#include "migrations/migrations_internal.h"
#include "migrations/ledger.h"
#include <calzone/databases.h>
#include <time.h>

enum { BUSY_TRIES_MAX = 10 };

/* ---- states ---- */

static void apply_all(cz_ctx *ctx, cz__state *state, const cz_migration *migration)
{
    for (size_t i = 0; i < migration->operations.count; i++)
        cz__operation_apply(ctx, state, migration->app, &migration->operations.items[i]);
}

cz__state *cz__graph_state(cz_ctx *ctx, const cz__graph *graph, const bool *nodes)
{
    cz__state *state = cz_new(ctx, cz__state);
    for (size_t i = 0; i < graph->count; i++)
        if (!nodes || nodes[i])
            apply_all(ctx, state, graph->nodes[i]);
    return state;
}

/* The models before the step's migration: those of what is applied, without it. */
static cz__state *state_before(cz_ctx *ctx, const cz__graph *graph, size_t node)
{
    bool *nodes = cz_array(ctx, bool, graph->count + 1);
    for (size_t i = 0; i < graph->count; i++)
        nodes[i] = graph->applied[i] && i != node;
    return cz__graph_state(ctx, graph, nodes);
}

/* ---- what runs: statements, and functions between them ---- */

struct run {
    cz_ctx *ctx;
    const cz_migration *migration;
    cz__sql_list *text; /* write down instead of running; NULL: run */
    bool online;        /* each statement for itself, outside a transaction */
};

/* Between two tries for a lock: 0.2 s, then 0.4 s, at most 5 s. */
static void wait_to_retry(int tries)
{
    long ms = tries < 5 ? 200L << tries : 5000L;
    struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };
    while (nanosleep(&pause, &pause)) {
        /* a signal woke it: the rest of the time */
    }
}

static bool is_online(cz_ctx *ctx, const cz_migration *migration)
{
    return migration->online && cz__session_of(ctx)->db->driver->features->concurrent_indexes;
}

/* A statement that locks a table for a moment: it does not wait long for that moment, because everybody else
 * waits behind it, but tries again. */
static cz_status run_briefly(cz_ctx *ctx, cz_str sql, cz_error *err)
{
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz_status status = CZ_EBUSY;
    for (int tries = 0; status == CZ_EBUSY && tries <= BUSY_TRIES_MAX; tries++) {
        if (tries)
            wait_to_retry(tries - 1);
        status = driver->begin(ctx, session, err);
        if (status)
            return status;
        status = driver->run(ctx, session, CZ_STR("SET LOCAL lock_timeout = '2s'"), err);
        if (!status)
            status = driver->run(ctx, session, sql, err);
        if (status)
            driver->rollback(ctx, session);
        else
            status = driver->commit(ctx, session, err);
    }
    return status;
}

/* Those that may run long and lock nobody out, and can be in no transaction. */
static bool takes_its_time(cz_str sql)
{
    return cz_str_find(sql, CZ_STR(" CONCURRENTLY ")) != SIZE_MAX ||
           cz_str_find(sql, CZ_STR(" VALIDATE CONSTRAINT ")) != SIZE_MAX ||
           cz_str_starts_with(sql, CZ_STR("DO "));
}

/* It waits for whoever has begun before it, as long as that takes; nobody waits behind it. The three go to one
 * connection: this session is the only one of the process that runs anything. */
static cz_status run_at_leisure(cz_ctx *ctx, cz_str sql, cz_error *err)
{
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz_status status = driver->run(ctx, session, CZ_STR("SET lock_timeout = 0"), err);
    if (status)
        return status;
    status = driver->run(ctx, session, sql, err);
    cz_status reset = driver->run(ctx, session, CZ_STR("RESET lock_timeout"), status ? NULL : err);
    return status ? status : reset;
}

static void run_statement(const struct run *run, cz_str sql)
{
    cz__db_session *session = cz__session_of(run->ctx);
    cz_error err;
    cz_status status;
    if (!run->online)
        status = session->db->driver->run(run->ctx, session, sql, &err);
    else if (takes_its_time(sql))
        status = run_at_leisure(run->ctx, sql, &err);
    else
        status = run_briefly(run->ctx, sql, &err);
    if (status)
        cz_raise(run->ctx, err.status, "%s.%s: %s%s%s (%.*s)", run->migration->app,
                 run->migration->name, cz_error_message(&err), err.database[0] ? " " : "",
                 err.database, (int)(sql.len < 120 ? sql.len : 120), sql.ptr);
}

static void write_down(const struct run *run, cz_str text)
{
    cz_buf sql = { 0 };
    cz_buf_append_str(&sql, text);
    cz_error err;
    cz_status status = cz__sql_list_add(run->text, &sql, &err);
    cz_buf_done(&sql);
    if (status)
        cz_raise_error(run->ctx, &err);
}

static void run_steps(const struct run *run, cz__steps *steps)
{
    cz__db_session *session = cz__session_of(run->ctx);
    for (size_t i = 0; i < steps->count; i++) {
        cz__sql_list list = { .arena = run->ctx->arena };
        cz_error err;
        const cz__db_driver *driver = session->db->driver;
        cz__sql_list kept = { .arena = run->ctx->arena }, named = { .arena = run->ctx->arena };
        steps->items[i].online = run->online;
        if ((!run->text &&
             driver->schema_names(run->ctx, session, &steps->items[i], &named, &err)) ||
            driver->schema_write(&steps->items[i], &list, &err) ||
            (driver->schema_keep && !run->text &&
             driver->schema_keep(run->ctx, session, &steps->items[i], &kept, &err)))
            cz_raise_error(run->ctx, &err);
        for (size_t s = 0; s < named.count; s++)
            run_statement(run, named.items[s]);
        for (size_t s = 0; s < list.count; s++) {
            if (run->text)
                write_down(run, list.items[s]);
            else
                run_statement(run, list.items[s]);
        }
        for (size_t s = 0; s < kept.count; s++)
            run_statement(run, kept.items[s]);
    }
}

/* Rows may have changed: what is checked at the end is checked now, or the next table could not change. */
static void settle(const struct run *run)
{
    const char *sql = cz__session_of(run->ctx)->db->driver->features->settle;
    if (sql && run->text && !run->online)
        write_down(run, cz_str_from(sql));
    else if (sql && !run->online)
        run_statement(run, cz_str_from(sql));
}

static void run_sql(const struct run *run, const cz_operation *op, bool backward)
{
    const char *sql = backward ? op->reverse_sql : op->sql;
    const char *scheme = cz__session_of(run->ctx)->db->driver->scheme;
    if (!sql || !*sql || (op->database && strcmp(op->database, scheme) != 0))
        return;
    if (run->text)
        write_down(run, cz_str_from(sql));
    else
        run_statement(run, cz_str_from(sql));
    settle(run);
}

static void run_function(const struct run *run, const cz_operation *op, const cz__state *state,
                         bool backward)
{
    cz_migration_function function = backward ? op->reverse : op->run;
    if (run->text) {
        write_down(run, CZ_STR("-- a C function runs here"));
        return;
    }
    cz_history history = { state, run->migration->app };
    if (function)
        function(run->ctx, &history);
    settle(run);
}

static void run_operation(const struct run *run, const cz_operation *op, const cz__state *before,
                          const cz__state *after, bool backward);

/* Operations one after another, each with the state before and after it. */
static void run_operations(const struct run *run, const cz_operation_list *list,
                           const cz__state *from, bool backward)
{
    cz_ctx *ctx = run->ctx;
    const cz__state **states = cz_array(ctx, const cz__state *, list->count + 1);
    states[0] = from;
    for (size_t i = 0; i < list->count; i++) {
        cz__state *next = cz__state_copy(ctx, states[i]);
        cz__operation_apply(ctx, next, run->migration->app, &list->items[i]);
        states[i + 1] = next;
    }
    for (size_t i = 0; i < list->count; i++) {
        size_t at = backward ? list->count - 1 - i : i;
        run_operation(run, &list->items[at], states[at], states[at + 1], backward);
    }
}

/* Where an app's functions and SQL run when nobody has said: where it has a model. */
static bool app_is_in(const cz__state *state, const char *app, const cz__database *database)
{
    size_t models = 0;
    for (size_t i = 0; i < state->count; i++) {
        const cz__state_model *model = state->models[i];
        if (strcmp(model->app, app) != 0)
            continue;
        models++;
        if (cz__database_has(database, app, model->name, model->alias))
            return true;
    }
    return !models && database == cz__databases;
}

/* Whether an operation is for the database that is migrated; of others the state alone goes on. */
static bool belongs_here(const struct run *run, const cz_operation *op, const cz__state *before,
                         const cz__state *after)
{
    const cz__database *database = cz__session_of(run->ctx)->database;
    const char *app = run->migration->app;
    if (op->kind == CZ_OPERATION_SEPARATE)
        return true; /* each inside is asked for itself */
    if (op->kind == CZ_OPERATION_RUN_SQL || op->kind == CZ_OPERATION_RUN_C) {
        int opinion = cz__database_opinion(database, app, NULL);
        if (op->alias)
            return strcmp(op->alias, database->alias) == 0;
        return opinion == CZ_NO_OPINION ? app_is_in(after, app, database) : opinion == CZ_ALLOW;
    }
    const cz__state_model *model = cz__state_get(before, app, op->model);
    if (!model)
        model = cz__state_get(after, app, op->model);
    return !model || cz__database_has(database, app, model->name, model->alias);
}

/* A key and what refers to it change together or not at all, for which .online has no way on any database. */
static void refuse_online(const struct run *run, const cz_operation *op)
{
    if (run->migration->online)
        cz_raise(
            run->ctx, CZ_EUNSUPPORTED,
            "%s.%s: \"%s\" changes the type of a key, which is done whole or not at all: put it "
            "into a migration that is not .online",
            run->migration->app, run->migration->name, cz__operation_describe(run->ctx, op));
}

static void run_operation(const struct run *run, const cz_operation *op, const cz__state *before,
                          const cz__state *after, bool backward)
{
    cz__steps steps = { 0 };
    bool here = belongs_here(run, op, before, after);
    if (!here && op->kind != CZ_OPERATION_ALTER_FIELD)
        return;
    switch (op->kind) {
    case CZ_OPERATION_RUN_SQL:
        run_sql(run, op, backward);
        return;
    case CZ_OPERATION_RUN_C:
        run_function(run, op, after, backward);
        return;
    case CZ_OPERATION_SEPARATE:
        run_operations(run, &op->database_operations, before, backward);
        return;
    case CZ_OPERATION_ALTER_OPTIONS:
        return; /* a table that is managed from now on is there already */
    default:
        cz__state_steps(run->ctx, backward ? after : before, backward ? before : after,
                        run->migration->app, op, backward, &steps);
        if (steps.rekeys)
            refuse_online(run, op);
        if (here || steps.rekeys) /* columns here may hold keys of another database */
            run_steps(run, &steps);
    }
}

/* ---- one migration ---- */

struct job {
    cz__graph *graph;
    cz__planned step;
    enum cz__migrate_how how;
    enum cz__migrated outcome;
};

static void require_reversible(cz_ctx *ctx, const cz_migration *migration)
{
    for (size_t i = 0; i < migration->operations.count; i++)
        if (!cz__operation_is_reversible(&migration->operations.items[i]))
            cz_raise(ctx, CZ_EUNSUPPORTED, "%s.%s cannot be undone: \"%s\" does not say how",
                     migration->app, migration->name,
                     cz__operation_describe(ctx, &migration->operations.items[i]));
}

static bool has_column(cz_ctx *ctx, const char *table, const char *column)
{
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    bool found = false;
    cz_error err;
    if (column ? driver->column_exists(ctx, session, table, column, &found, &err)
               : driver->table_exists(ctx, session, table, &found, &err))
        cz_raise_error(ctx, &err);
    return found;
}

/* The first table or column of the model that the database lacks; NULL: none. `*out_there` is its table, if that is
 * there. */
static const char *find_missing_of(cz_ctx *ctx, const cz__state_model *model,
                                   const char **out_there)
{
    const char *table = cz__state_table(ctx, model);
    if (!has_column(ctx, table, NULL))
        return table;
    *out_there = table;
    for (size_t f = 0; f < model->fields.count; f++) {
        const cz_state_field *field = &model->fields.items[f];
        if (cz__has_link_table(field)) {
            const char *link = cz__state_link_table(ctx, model, field);
            if (!has_column(ctx, link, NULL))
                return link;
        } else if (cz__kind_is_stored(field->kind) &&
                   !has_column(ctx, table, cz__state_column(ctx, field))) {
            return cz_format(ctx, "%s.%s", table, cz__state_column(ctx, field)).ptr;
        }
    }
    return NULL;
}

/* The same of all of the migration's models; `*out_there` is one of their tables that is there, or NULL. */
static const char *find_missing(cz_ctx *ctx, const cz__state *state, const cz_migration *migration,
                                const char **out_there)
{
    const char *missing = NULL;
    *out_there = NULL;
    for (size_t i = 0; i < migration->operations.count; i++) {
        const cz_operation *op = &migration->operations.items[i];
        if (op->kind != CZ_OPERATION_CREATE_MODEL)
            continue;
        const cz__state_model *model = cz__state_get(state, migration->app, op->model);
        if (!model || model->unmanaged ||
            !cz__database_has(cz__session_of(ctx)->database, migration->app, model->name,
                              model->alias))
            continue;
        const char *lacks = find_missing_of(ctx, model, out_there);
        missing = missing ? missing : lacks;
    }
    return missing;
}

static cz__state *state_after(cz_ctx *ctx, const cz__graph *graph, size_t node)
{
    cz__state *state = state_before(ctx, graph, node);
    apply_all(ctx, state, graph->nodes[node]);
    return state;
}

/* A version of the program that knows but those it replaces finds them done. What they ran is not known. */
static void record_replaced(cz_ctx *ctx, const cz_migration *squashed)
{
    const cz__ledger *ledger = cz__ledger_read(ctx);
    for (size_t i = 0; i < squashed->replaces.count; i++)
        if (!cz__ledger_has(ledger, squashed->app, squashed->replaces.items[i]))
            cz__ledger_add(ctx, squashed->app, squashed->replaces.items[i], "");
}

static void record(cz_ctx *ctx, const cz__graph *graph, size_t node, bool backward)
{
    const cz_migration *migration = graph->nodes[node];
    const char *row = cz__graph_stands_in_for(ctx, graph, cz__ledger_read(ctx), node);
    if (row) /* from now on the migration has a row of its own */
        cz__ledger_remove(ctx, migration->app, row);
    if (!backward) {
        cz__ledger_add(ctx, migration->app, migration->name,
                       cz__migration_fingerprint(ctx, migration));
        record_replaced(ctx, migration);
        return;
    }
    cz__ledger_remove(ctx, migration->app, migration->name);
    for (size_t i = 0; i < migration->replaces.count; i++)
        cz__ledger_remove(ctx, migration->app, migration->replaces.items[i]);
}

static bool is_done(cz_ctx *ctx, const cz_migration *migration, bool backward)
{
    const cz__ledger *ledger = cz__ledger_read(ctx);
    bool has = cz__ledger_has(ledger, migration->app, migration->name);
    for (size_t i = 0; i < migration->replaces.count && backward; i++)
        has = has || cz__ledger_has(ledger, migration->app, migration->replaces.items[i]);
    return has != backward;
}

/* Whether an app's first tables are there, which is all or none of them: half of them can neither be made nor be
 * taken for made. */
static bool is_there(cz_ctx *ctx, const struct job *job, const cz_migration *migration)
{
    const char *there;
    const char *missing =
        find_missing(ctx, state_after(ctx, job->graph, job->step.node), migration, &there);
    if (missing && there && !is_online(ctx, migration)) /* which makes what is missing */
        cz_raise(ctx, CZ_EVALIDATION,
                 "%s.%s cannot be faked: the table %s is there already, but %s is missing. Add it "
                 "by hand, or begin with a new database",
                 migration->app, migration->name, there, missing);
    return !missing;
}

/* Inside the transaction. */
static void run_job(cz_ctx *ctx, void *arg)
{
    struct job *job = arg;
    const cz_migration *migration = job->graph->nodes[job->step.node];
    struct run run = { ctx, migration, NULL, is_online(ctx, migration) };
    cz__ledger_create(ctx);
    if (is_done(ctx, migration, job->step.backward)) {
        job->outcome = CZ__MIGRATED_BY_ANOTHER;
        return;
    }
    bool fake = job->how == CZ__MIGRATE_FAKE;
    if (job->how == CZ__MIGRATE_FAKE_INITIAL && !job->step.backward &&
        cz__graph_is_initial(migration))
        fake = is_there(ctx, job, migration);
    if (!fake)
        run_operations(&run, &migration->operations, state_before(ctx, job->graph, job->step.node),
                       job->step.backward);
    record(ctx, job->graph, job->step.node, job->step.backward);
    job->outcome = fake ? CZ__MIGRATED_FAKED : CZ__MIGRATED_RUN;
}

/* Outside a transaction, but under the lock of migrations, which another session holds meanwhile. */
static cz_status try_online(cz_ctx *ctx, struct job *job, cz_error *err)
{
    cz__db_session guard = { .db = cz__session_of(ctx)->db };
    const cz__db_driver *driver = guard.db->driver;
    cz_status status = driver->schema_begin(ctx, &guard, err);
    if (status)
        return status;
    status = cz_try(ctx, run_job, job, err);
    driver->schema_rollback(ctx, &guard);
    return status;
}

static cz_status try_job(cz_ctx *ctx, struct job *job, cz_error *err)
{
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    if (is_online(ctx, job->graph->nodes[job->step.node]))
        return try_online(ctx, job, err);
    cz_status status = driver->schema_begin(ctx, session, err);
    if (status)
        return status;
    status = cz_try(ctx, run_job, job, err);
    if (status) {
        driver->schema_rollback(ctx, session);
        return status;
    }
    return driver->schema_commit(ctx, session, err);
}

enum cz__migrated cz__migrate_step(cz_ctx *ctx, cz__graph *graph, cz__planned step,
                                   enum cz__migrate_how how)
{
    struct job job = { graph, step, how, CZ__MIGRATED_RUN };
    const cz_migration *migration = graph->nodes[step.node];
    cz_error err;
    if (step.backward && how != CZ__MIGRATE_FAKE)
        require_reversible(ctx, migration);
    cz_status status;
    for (int tries = 0; (status = try_job(ctx, &job, &err)) == CZ_EBUSY; tries++) {
        if (tries == BUSY_TRIES_MAX || is_online(ctx, migration))
            break; /* online each statement was tried so often, and those before it are done */
        wait_to_retry(tries);
    }
    if (status)
        cz_raise_error(ctx, &err);
    graph->applied[step.node] = !step.backward;
    return job.outcome;
}

void cz__migrate_check_tables(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const cz__ledger_row *row = &ledger->rows[i];
        size_t node = row->from_tables ? cz__graph_of_row(ctx, graph, row) : SIZE_MAX;
        if (node == SIZE_MAX || !graph->applied[node])
            continue;
        const cz_migration *migration = graph->nodes[node];
        /* migrations applied since may have changed what this one made: as the tables are now */
        const char *there;
        const char *missing =
            find_missing(ctx, cz__graph_state(ctx, graph, graph->applied), migration, &there);
        if (missing)
            cz_raise(ctx, CZ_EVALIDATION,
                     "the tables of %s were made before it had migrations and are not those of "
                     "%s.%s: %s is missing. Add it by hand, or begin with a new database",
                     row->app, row->app, migration->name, missing);
    }
}

void cz__migrate_record_squashed(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger)
{
    for (size_t i = 0; i < graph->count; i++) {
        const cz_migration *node = graph->nodes[i];
        if (!graph->applied[i] || cz__ledger_has(ledger, node->app, node->name))
            continue;
        struct job job = { (cz__graph *)(uintptr_t)graph, { i, false }, CZ__MIGRATE_FAKE, 0 };
        cz_error err;
        if (try_job(ctx, &job, &err))
            cz_raise_error(ctx, &err);
    }
}

cz__sql_list *cz__migrate_sql(cz_ctx *ctx, const cz__graph *graph, cz__planned step)
{
    const cz_migration *migration = graph->nodes[step.node];
    cz__sql_list *list = cz_new(ctx, cz__sql_list);
    list->arena = ctx->arena;
    struct run run = { ctx, migration, list, is_online(ctx, migration) };
    bool *nodes = cz_array(ctx, bool, graph->count + 1);
    for (size_t i = 0; i < step.node; i++)
        nodes[i] = true; /* as if all before it were applied and nothing after */
    if (step.backward)
        require_reversible(ctx, migration);
    run_operations(&run, &migration->operations, cz__graph_state(ctx, graph, nodes), step.backward);
    return list;
}

static cz__graph *graph_of_database(cz_ctx *ctx, cz__ledger **out_ledger)
{
    size_t count;
    const cz_migration *const *migrations = cz__migrations_all(&count);
    *out_ledger = cz__ledger_read(ctx);
    return cz__graph_make(ctx, migrations, count, *out_ledger);
}

size_t cz__migrate_all(cz_ctx *ctx)
{
    cz__ledger *ledger;
    cz__graph *graph = graph_of_database(ctx, &ledger);
    cz__graph_check_leaves(ctx, graph);
    cz__graph_check_applied(ctx, graph);
    cz__migrate_check_tables(ctx, graph, ledger);
    cz__migrate_record_squashed(ctx, graph, ledger);
    cz__plan_list plan = cz__migrate_plan(ctx, graph, NULL, NULL);
    size_t run = 0;
    for (size_t i = 0; i < plan.count; i++)
        run += cz__migrate_step(ctx, graph, plan.items[i], CZ__MIGRATE_RUN) == CZ__MIGRATED_RUN;
    return run;
}

void cz__migrate_signal(cz_ctx *ctx, cz_signal signal)
{
    const char *before = NULL;
    for (size_t i = 0; i < cz__models_count(); i++) { /* an app's models stand together */
        const char *app = cz__models_at(i)->state->app;
        if (!before || strcmp(before, app) != 0)
            cz__signal_send(ctx,
                            &(const cz_event){ .signal = signal,
                                               .app = app,
                                               .database = cz__session_of(ctx)->database->alias });
        before = app;
    }
}

size_t cz__migrate_pending(cz_ctx *ctx)
{
    cz__ledger *ledger;
    cz__graph *graph = graph_of_database(ctx, &ledger);
    return cz__migrate_plan(ctx, graph, NULL, NULL).count;
}

const char *cz__migrate_describe(cz_ctx *ctx, const cz_operation *op)
{
    return cz__operation_describe(ctx, op);
}
