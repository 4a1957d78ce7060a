#include "db/database.h"
#include "db/replicas.h"
#include "runtime/fiber.h"
#include <arpa/inet.h>
#include <stdio.h>

cz__database cz__databases[CZ__DATABASES_MAX] = { { .alias = "default" } };
size_t cz__database_count = 1;
bool cz__db_must_choose;
int64_t cz__db_write_hold_ms = -1;

void cz__db_hold_write(cz_ctx *ctx, cz__db_session *session)
{
    session->holds = true;
    if (!ctx->write_hold_us) /* else what the first one allows goes on */
        ctx->write_hold_us =
            cz__db_write_hold_ms < 0 ? -1 : cz_monotonic_us() + cz__db_write_hold_ms * 1000;
}

void cz__db_release_write(cz_ctx *ctx, cz__db_session *session)
{
    session->holds = false;
    for (const cz__db_session *other = ctx->db; other; other = other->next)
        if (other->holds)
            return;
    ctx->write_hold_us = 0;
}

cz_status cz__db_wait(cz_ctx *ctx)
{
    int64_t hold_us = ctx->write_hold_us;
    if (hold_us < 0)
        ctx->write_hold_us = 0;
    cz_status status = cz__fiber_wait(ctx);
    ctx->write_hold_us = hold_us;
    return status;
}

cz_status cz__db_sleep(cz_ctx *ctx, uint64_t ms)
{
    int64_t hold_us = ctx->write_hold_us;
    if (hold_us < 0)
        ctx->write_hold_us = 0;
    cz_status status = cz__fiber_sleep(ctx, ms);
    ctx->write_hold_us = hold_us;
    return status;
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

static cz_status read_url(cz_arena *arena, cz_str url, cz_url *out,
                          const cz__db_driver **out_driver, cz_error *err)
{
    cz_status status = cz_url_parse(arena, url, out);
    if (status) /* the URL itself may hold a password and is not repeated */
        return cz_error_set(err, status,
                            "DATABASE_URL is malformed; a form that works is "
                            "sqlite:///absolute/path.db");
    for (size_t i = 0; i < CZ_COUNT(drivers); i++)
        if (cz_str_eq(out->scheme, cz_str_from(drivers[i]->scheme)) ||
            (drivers[i]->scheme_short &&
             cz_str_eq(out->scheme, cz_str_from(drivers[i]->scheme_short)))) {
            *out_driver = drivers[i];
            return CZ_OK;
        }
    return no_driver(out->scheme, err);
}

cz_status cz__db_check_url(cz_str url, cz_error *err)
{
    cz_arena *arena;
    cz_url parts;
    const cz__db_driver *driver;
    cz_status status = cz_arena_create(NULL, 0, &arena);
    if (status)
        return cz_error_set(err, status, "no memory to read the database's URL");
    status = read_url(arena, url, &parts, &driver, err);
    if (!status)
        status = driver->check(arena, &parts, err);
    cz_arena_destroy(arena);
    return status;
}

cz_status cz__db_open(cz_str url, cz__db **out, cz_error *err)
{
    cz_arena *arena;
    cz_url parts;
    const cz__db_driver *driver;
    cz_status status = cz_arena_create(NULL, 0, &arena);
    if (status)
        return cz_error_set(err, status, "no memory to open the database");
    status = read_url(arena, url, &parts, &driver, err);
    if (!status)
        status = driver->open(&parts, out, err);
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

/* ---- aliases ---- */

/* It becomes part of a setting's name, and of a file's. */
bool cz__alias_is_valid(const char *alias)
{
    if (!alias)
        return false;
    size_t len = strlen(alias);
    for (size_t i = 0; i < len; i++) {
        char c = alias[i];
        if (!((c >= 'a' && c <= 'z') || (i && ((c >= '0' && c <= '9') || c == '_'))))
            return false;
    }
    return len > 0 && len <= CZ__ALIAS_BYTES_MAX;
}

cz__database *cz__database_find(const char *alias)
{
    for (size_t i = 0; i < cz__database_count; i++)
        if (strcmp(cz__databases[i].alias, alias) == 0)
            return &cz__databases[i];
    return NULL;
}

cz_status cz__database_declare(const char *alias, bool atomic_requests, cz_error *err)
{
    if (!cz__alias_is_valid(alias))
        return cz_error_set(err, CZ_EVALIDATION,
                            "a database's alias is small letters, digits and underscores, a "
                            "letter first and at most %d: not \"%s\"",
                            CZ__ALIAS_BYTES_MAX, alias ? alias : "");
    if (cz__database_find(alias))
        return cz_error_set(err, CZ_EVALIDATION, "the database \"%s\" is declared twice", alias);
    if (cz__database_count == CZ__DATABASES_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "more than %d databases", CZ__DATABASES_MAX);
    cz__databases[cz__database_count++] =
        (cz__database){ .alias = alias, .atomic_requests = atomic_requests };
    cz__db_must_choose = true;
    return CZ_OK;
}

void cz__database_names(char *out, size_t bytes)
{
    size_t len = 0;
    for (size_t i = 0; i < cz__database_count; i++) {
        int added = snprintf(out + len, bytes - len, "%s%s", i ? ", " : "", cz__databases[i].alias);
        len += added > 0 ? (size_t)added : 0;
        if (len >= bytes)
            return;
    }
}

void cz__databases_close(bool forget)
{
    for (size_t i = 0; i < cz__database_count; i++) {
        cz__database *database = &cz__databases[i];
        if (cz__replicas_close(database))
            cz__db_close(database->primary);
        database->primary = NULL;
    }
    if (!forget)
        return;
    cz__database_count = 1;
    cz__db_must_choose = false;
}

/* ---- sessions ---- */

/* Replicas are for workers: a command has no loop to ask them how far they are. */
static cz__db_session *new_session(const cz_ctx *ctx, cz__database *database)
{
    bool reader = database->replicas != NULL;
    cz__db_session *session = cz_arena_array(ctx->arena, cz__db_session, reader ? 2 : 1);
    if (!session)
        return NULL;
    session[0] = (cz__db_session){ .db = database->primary,
                                   .arena = ctx->arena,
                                   .database = database,
                                   .alone = !cz__db_must_choose,
                                   .primary_only = !reader };
    if (reader) {
        session[1] = (cz__db_session){ .database = database };
        session->reader = &session[1];
    }
    return session;
}

cz__db_session *cz__db_session_find(const cz_ctx *ctx, const cz__database *database)
{
    cz__db_session *session = ctx->db;
    while (session && session->database != database)
        session = session->next;
    return session;
}

/* Found or made; NULL: no memory. */
static cz__db_session *session_for(cz_ctx *ctx, cz__database *database)
{
    cz__db_session *session = cz__db_session_find(ctx, database), **end = &ctx->db;
    if (!session) {
        session = new_session(ctx, database);
        while (*end)
            end = &(*end)->next;
        *end = session;
    }
    if (session && !session->db)
        session->db = database->primary; /* opened meanwhile */
    return session;
}

cz_status cz__db_session_on(cz_ctx *ctx, cz__database *database, cz__db_session **out,
                            cz_error *err)
{
    cz__db_session *first = session_for(ctx, cz__databases); /* that of "default" */
    cz__db_session *session = first ? session_for(ctx, database) : NULL;
    cz_status status = CZ_OK;
    if (!session)
        status = cz_error_set(err, CZ_ENOMEM, "no memory for a database session");
    else if (!session->db && session == first)
        status = cz_error_set(err, CZ_EINVAL, "no database is open; set DATABASE_URL");
    else if (!session->db)
        status = cz_error_set(err, CZ_EINVAL, "the database \"%s\" is not open", database->alias);
    else
        *out = session;
    return status;
}

cz_status cz__db_session_of(cz_ctx *ctx, cz__db_session **out, cz_error *err)
{
    if (ctx->db && ctx->db->home) {
        *out = ctx->db->home;
        return CZ_OK;
    }
    if (ctx->db && ctx->db->db) {
        *out = ctx->db;
        return CZ_OK;
    }
    return cz__db_session_on(ctx, cz__databases, out, err);
}

cz_status cz__db_sessions_make(cz_ctx *ctx, cz_error *err)
{
    cz_status status = CZ_OK;
    cz__db_session *session;
    for (size_t i = 0; i < cz__database_count && !status; i++)
        if (cz__databases[i].primary)
            status = cz__db_session_on(ctx, &cz__databases[i], &session, err);
    return status;
}

cz_status cz__db_go_home(cz_ctx *ctx, cz__database *database, cz_error *err)
{
    cz__db_session *session = NULL;
    cz_status status = cz__db_session_on(ctx, database, &session, err);
    if (status)
        return status;
    ctx->db->home = session;
    ctx->db->alone = database == cz__databases && !cz__db_must_choose;
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

void cz__db_error_rule(cz_error *err, const char *table, cz_str name)
{
    if (err) /* cut is documented */
        cz_ignore(snprintf(err->constraint, sizeof err->constraint, "%s%s%.*s", table ? table : "",
                           table ? "." : "", CZ_STR_ARG(name)));
}

void cz__db_error_words(cz_error *err, const char *message, const char *detail)
{
    if (!err)
        return;
    if (strstr(err->message, message)) /* it says so already */
        message = "";
    cz_ignore(snprintf(err->database, sizeof err->database, "%s%s%s", message,
                       *message && *detail ? "; " : "", detail)); /* cut is documented */
}

bool cz__ip_write(char *out, cz_str text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char copy[CZ__IP_TEXT];
    if (text.len >= sizeof copy || cz_str_find_char(text, '\0') != SIZE_MAX)
        return false;
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    int family = inet_pton(AF_INET, copy, address) == 1 ? AF_INET : AF_INET6;
    return (family == AF_INET || inet_pton(AF_INET6, copy, address) == 1) &&
           inet_ntop(family, address, out, CZ__IP_TEXT);
}
