/* Which database a statement goes to. Where there is one alone, nothing here is asked. */
#include "orm/orm_internal.h"
#include <calzone/databases.h>
#include "db/replicas.h"

static const cz_database_router *router;

void cz__database_router_set(const cz_database_router *project_router)
{
    router = project_router;
}

/* ---- choosing ---- */

cz__database *cz__database_named(cz_ctx *ctx, const char *alias)
{
    cz__database *database = cz__database_find(alias);
    char names[256];
    if (database)
        return database;
    cz__database_names(names, sizeof names);
    cz_raise(ctx, CZ_EINVAL, "there is no database \"%s\"; declared are %s", alias, names);
}

cz__db_session *cz__session_of(cz_ctx *ctx)
{
    cz__db_session *session = NULL;
    cz_error err;
    if (cz__db_session_of(ctx, &session, &err))
        cz_raise_error(ctx, &err);
    return session;
}

cz__database *cz__database_at_home(cz_ctx *ctx)
{
    return cz__session_of(ctx)->database;
}

static cz__database *choose(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                            const char *database, bool write)
{
    if (database)
        return cz__database_named(ctx, database);
    if (ctx->db && ctx->db->home)
        return ctx->db->home->database;
    const char *alias = NULL;
    if (router && write && router->for_write)
        alias = router->for_write(ctx, model, row);
    else if (router && !write && router->for_read)
        alias = router->for_read(ctx, model, row);
    if (alias)
        return cz__database_named(ctx, alias);
    if (row && row->database)
        return row->database;
    return model->state->database ? model->state->database : cz__databases;
}

const char *cz__alias_of(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                         const char *database, bool write)
{
    if (!database && !cz__db_must_choose)
        return NULL;
    return choose(ctx, model, row, database, write)->alias;
}

static inline bool is_alone(const cz_ctx *ctx, const char *database)
{
    return __builtin_expect(ctx->db && ctx->db->alone && !database && !ctx->db->broken, 1);
}

static cz__db_session *checked(cz_ctx *ctx, cz_status status, cz__db_session *session,
                               const cz_error *err)
{
    if (status)
        cz_raise_error(ctx, err);
    if (session->broken)
        cz__raise_broken(ctx);
    return session;
}

static cz__db_session *session_on(cz_ctx *ctx, cz__database *database)
{
    cz__db_session *session = NULL;
    cz_error err;
    cz_status status = cz__db_session_on(ctx, database, &session, &err);
    return checked(ctx, status, session, &err);
}

cz__db_session *cz__session(cz_ctx *ctx)
{
    cz__db_session *session = NULL;
    cz_error err;
    if (is_alone(ctx, NULL))
        return ctx->db;
    cz_status status = cz__db_session_of(ctx, &session, &err);
    return checked(ctx, status, session, &err);
}

cz__db_session *cz__session_to_read(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                                    const char *database, bool lock)
{
    if (is_alone(ctx, database))
        return ctx->db;
    cz__db_session *session = session_on(ctx, choose(ctx, model, row, database, false));
    if (session->primary_only || session->block || session->depth || lock || ctx->db->all_primary)
        return session;
    return cz__replica_session(session);
}

cz__db_session *cz__session_to_write(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                                     const char *database)
{
    if (is_alone(ctx, database))
        return ctx->db;
    cz__db_session *session = session_on(ctx, choose(ctx, model, row, database, true));
    session->wrote = session->primary_only = true;
    return session;
}

cz_status cz__open_rows(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                        const cz__db_param *params, size_t count, cz__db_cursor *out, cz_error *err)
{
    cz_status status =
        session->db->driver->select(ctx, session, statement, params, count, out, err);
    if (!status || !session->replica)
        return status;
    cz__db_session *primary = cz__db_session_find(ctx, session->database);
    if (!cz__replica_failed(primary, session, err))
        return status;
    return primary->db->driver->select(ctx, primary, statement, params, count, out, err);
}

/* ---- scope ---- */

void cz_with_database(cz_ctx *ctx, const char *alias, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz_error err;
    cz__database *database = cz__database_named(ctx, alias);
    cz__db_session *before = ctx->db ? ctx->db->home : NULL;
    if (cz__db_go_home(ctx, database, &err))
        cz_raise_error(ctx, &err);
    cz_status status = cz_try(ctx, fn, arg, &err);
    ctx->db->home = before;
    ctx->db->alone = !cz__db_must_choose;
    if (status)
        cz_raise_error(ctx, &err);
}

void cz_read_primary(cz_ctx *ctx)
{
    cz__db_session *session = NULL;
    cz_error err;
    if (!ctx->db && cz__db_session_of(ctx, &session, &err))
        cz_raise_error(ctx, &err);
    ctx->db->all_primary = true; /* also those to come */
}

/* ---- whose tables are where ---- */

int cz__database_opinion(const cz__database *database, const char *app, const char *model)
{
    return router && router->allow_migrate ? (int)router->allow_migrate(database->alias, app, model)
                                           : (int)CZ_NO_OPINION;
}

bool cz__database_has(const cz__database *database, const char *app, const char *model,
                      const char *alias)
{
    int opinion = cz__database_opinion(database, app, model);
    if (opinion != CZ_NO_OPINION)
        return opinion == CZ_ALLOW;
    return strcmp(database->alias, alias ? alias : cz__databases[0].alias) == 0;
}

bool cz__database_has_model(const cz__database *database, const cz_model *model)
{
    return cz__database_has(database, model->state->app, model->name, model->meta.database);
}
