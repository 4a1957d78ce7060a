#include "db/database.h"

cz__db *cz__db_default;
int64_t cz__db_write_hold_ms = -1;

void cz__db_hold_write(cz_ctx *ctx)
{
    ctx->write_hold_us =
        cz__db_write_hold_ms < 0 ? -1 : cz_monotonic_us() + cz__db_write_hold_ms * 1000;
}

static const cz__db_driver *const drivers[] = {
    &cz__sqlite_driver,
#ifdef CZ_POSTGRESQL
    &cz__postgresql_driver,
#endif
};

static cz_status no_driver(cz_str scheme, cz_error *err)
{
#ifndef CZ_POSTGRESQL
    if (cz_str_eq(scheme, CZ_STR("postgresql")) || cz_str_eq(scheme, CZ_STR("postgres")))
        return cz_error_set(err, CZ_EVALIDATION,
                            "DATABASE_URL: this Calzone was built without PostgreSQL: libpq-dev "
                            "was missing");
#endif
    return cz_error_set(err, CZ_EVALIDATION,
                        "DATABASE_URL: no driver for \"%.*s\"; known: sqlite, postgresql",
                        CZ_STR_ARG(scheme));
}

cz_status cz__db_open(cz_str url, cz__db **out, cz_error *err)
{
    cz_arena *arena;
    cz_status status = cz_arena_create(NULL, 0, &arena);
    if (status)
        return cz_error_set(err, status, "no memory to open the database");
    cz_url parts;
    status = cz_url_parse(arena, url, &parts);
    if (status) {
        /* the URL itself may hold a password and is not repeated */
        cz_ignore(cz_error_set(err, status,
                               "DATABASE_URL is malformed; a form that works is "
                               "sqlite:///absolute/path.db"));
    } else {
        const cz__db_driver *driver = NULL;
        for (size_t i = 0; i < CZ_COUNT(drivers); i++)
            if (cz_str_eq(parts.scheme, cz_str_from(drivers[i]->scheme)) ||
                (drivers[i]->scheme_short &&
                 cz_str_eq(parts.scheme, cz_str_from(drivers[i]->scheme_short))))
                driver = drivers[i];
        status = driver ? driver->open(&parts, out, err) : no_driver(parts.scheme, err);
    }
    cz_arena_destroy(arena);
    return status;
}

cz_status cz__db_share(unsigned processes, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < CZ_COUNT(drivers) && !status; i++)
        if (drivers[i]->share)
            status = drivers[i]->share(processes, err);
    return status;
}

void cz__db_close(cz__db *db)
{
    if (db)
        db->driver->close(db);
}

cz_status cz__db_session_of(cz_ctx *ctx, cz__db_session **out, cz_error *err)
{
    if (!ctx->db) {
        if (!cz__db_default)
            return cz_error_set(err, CZ_EINVAL, "no database is open; set DATABASE_URL");
        cz__db_session *session = cz_arena_new(ctx->arena, cz__db_session);
        if (!session)
            return cz_error_set(err, CZ_ENOMEM, "no memory for a database session");
        session->db = cz__db_default;
        session->arena = ctx->arena;
        ctx->db = session;
    }
    *out = ctx->db;
    return CZ_OK;
}

void cz__db_append_name(cz_buf *sql, const char *name)
{
    cz_buf_append_char(sql, '"');
    for (; *name; name++) {
        if (*name == '"')
            cz_buf_append_char(sql, '"');
        cz_buf_append_char(sql, *name);
    }
    cz_buf_append_char(sql, '"');
}
