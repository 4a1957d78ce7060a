/* Databases on a PostgreSQL server, made and dropped from "postgres" or the database the URL names. */
#include "testing/template.h"
#include "testing/testing_internal.h"
#include "db/database.h"
#include <calzone/map.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { START_FIELD = 22, LINK_BYTES = 64 };

/* ---- whose a database is ---- */

/* When a process started, in the kernel's ticks; 0: there is none. */
static unsigned long long start_of(long pid)
{
    char path[64], text[1024];
    cz_ignore(snprintf(path, sizeof path, "/proc/%ld/stat", pid)); /* fits */
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[got] = '\0';
    const char *at = strrchr(text, ')'); /* the name may hold anything */
    for (int field = 2; at && field < START_FIELD; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

/* A container may have the same name as another, or the same process numbers, but not both. */
static unsigned machine(void)
{
    static const uint8_t key[16] = "calzone machine";
    char text[HOST_NAME_MAX + 1 + LINK_BYTES] = "";
    cz_ignore(gethostname(text, HOST_NAME_MAX)); /* none is a name, too */
    size_t len = strlen(text);
    ssize_t got = readlink("/proc/self/ns/pid", text + len, LINK_BYTES);
    return (unsigned)cz__siphash13(key, text, len + (size_t)(got > 0 ? got : 0));
}

const char *cz__test_server_prefix(long runner)
{
    const char *prefix = cz_arena_printf(cz_test_arena(), "test_%08x_%ld_%llx_", machine(), runner,
                                         start_of(runner));
    CZ_REQUIRE(prefix);
    return prefix;
}

/* Whether it belongs to a run of this machine that is over. */
static bool is_left_over(const char *name)
{
    unsigned where;
    long pid;
    unsigned long long start;
    int used = 0;
    if (sscanf(name, "test_%8x_%ld_%llx_%n", &where, &pid, &start, &used) != 3 || !used)
        return false;
    return where == machine() && start_of(pid) != start;
}

/* ---- talking to the server ---- */

const char *cz__test_server_url(const char *server, const char *name)
{
    cz_str rest = cz_str_from(server), url;
    size_t authority = cz_str_find(rest, CZ_STR("://"));
    authority = authority == SIZE_MAX ? 0 : authority + 3;
    size_t end = authority + strcspn(server + authority, "/?");
    const char *query = strchr(server + end, '?');
    cz_buf buf = { 0 };
    cz_buf_append_str(&buf, cz_str_head(rest, end));
    cz_buf_append_char(&buf, '/');
    cz_percent_encode(&buf, cz_str_from(name));
    cz_buf_append_str(&buf, cz_str_from(query ? query : ""));
    CZ_REQUIRE_OK(cz_buf_status(&buf));
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&buf), &url));
    cz_buf_done(&buf);
    return url.ptr;
}

typedef cz_status (*server_work)(cz_ctx *ctx, cz__db_session *session, const void *arg,
                                 cz_error *err);

static cz_status work_at(const char *url, server_work work, const void *arg, bool *out_reached,
                         cz_error *err)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz__db_session session = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz_status status = cz__db_open(cz_str_from(url), &session.db, err);
    if (!status)
        status = session.db->driver->run(&ctx, &session, CZ_STR("SELECT 1"), err);
    *out_reached = status == CZ_OK;
    if (!status)
        status = work(&ctx, &session, arg, err);
    cz__db_close(session.db);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
    return status;
}

/* Where there is no "postgres", the project's own database must do. */
static bool at_server(const char *server, server_work work, const void *arg)
{
    cz_error err = { 0 };
    bool reached;
    cz_status status = work_at(cz__test_server_url(server, "postgres"), work, arg, &reached, &err);
    if (!reached)
        status = work_at(server, work, arg, &reached, &err);
    if (status)
        cz__test_fail(__FILE__, __LINE__, "a database for the test: %s", cz_error_message(&err));
    return status == CZ_OK;
}

static cz_status run_sql(cz_ctx *ctx, cz__db_session *session, cz_buf *sql, cz_error *err)
{
    cz_status status = cz_buf_status(sql);
    if (!status)
        status = session->db->driver->run(ctx, session, cz_buf_str(sql), err);
    cz_buf_done(sql);
    return status;
}

struct creation {
    const char *name, *from;
};

static cz_status create(cz_ctx *ctx, cz__db_session *session, const void *arg, cz_error *err)
{
    const struct creation *creation = arg;
    cz_buf sql = { 0 };
    cz_buf_append_lit(&sql, "CREATE DATABASE ");
    cz__db_append_name(&sql, creation->name);
    if (creation->from) {
        cz_buf_append_lit(&sql, " TEMPLATE ");
        cz__db_append_name(&sql, creation->from);
    }
    return run_sql(ctx, session, &sql, err);
}

static cz_status drop(cz_ctx *ctx, cz__db_session *session, const void *name, cz_error *err)
{
    cz_buf sql = { 0 };
    cz_buf_append_lit(&sql, "DROP DATABASE IF EXISTS ");
    cz__db_append_name(&sql, name);
    cz_buf_append_lit(&sql, " WITH (FORCE)");
    return run_sql(ctx, session, &sql, err);
}

bool cz__test_server_create(const char *server, const char *name, const char *from)
{
    return at_server(server, create, &(struct creation){ name, from });
}

bool cz__test_server_drop(const char *server, const char *name)
{
    return at_server(server, drop, name);
}

static cz_status list_databases(cz_ctx *ctx, cz__db_session *session, const char *prefix,
                                cz_buf *out, cz_error *err)
{
    const cz__db_driver *driver = session->db->driver;
    cz__db_statement statement = { .sql = CZ_STR("SELECT datname::text FROM pg_database"),
                                   .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    bool row = false;
    cz_status status = driver->select(ctx, session, &statement, NULL, 0, &cursor, err);
    if (status)
        return status;
    while (!(status = driver->step(&cursor, &row, err)) && row) {
        cz_str text = { 0 };
        cz_ignore(driver->read(&cursor, 0, CZ__DB_TEXT, &text)); /* never NULL */
        const char *name = cz_arena_printf(ctx->arena, "%.*s", CZ_STR_ARG(text));
        if (name && (prefix ? cz_str_starts_with(text, cz_str_from(prefix)) : is_left_over(name)))
            cz_buf_printf(out, "%s\n", name);
    }
    driver->finish(&cursor);
    return status ? status : cz_buf_status(out);
}

static cz_status sweep(cz_ctx *ctx, cz__db_session *session, const void *prefix, cz_error *err)
{
    cz_buf names = { 0 };
    cz_status status = list_databases(ctx, session, prefix, &names, err);
    for (cz_str rest = cz_buf_str(&names); !status && rest.len;) {
        cz_str name = cz_str_cut(&rest, '\n');
        const char *text = cz_arena_printf(ctx->arena, "%.*s", CZ_STR_ARG(name));
        status = text ? drop(ctx, session, text, err) : CZ_ENOMEM;
    }
    cz_buf_done(&names);
    return status;
}

bool cz__test_server_sweep(const char *server, const char *prefix)
{
    return at_server(server, sweep, prefix);
}
