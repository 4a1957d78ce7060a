/* A schema for one test in a database that all tests of a run share. */
#include "testing/testing_internal.h"
#include "db/database.h"
#include "testing/template.h"
#include <stdlib.h>
#include <unistd.h>

static void create_schema(const char *server, const char *schema)
{
    cz_error err = { 0 };
    cz__db *db;
    cz__db_session session = { 0 };
    cz_arena *arena;
    cz_ctx ctx;
    int64_t rows, last_id;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz_status status = cz__db_open(cz_str_from(server), &db, &err);
    if (!status) {
        const char *sql = cz_arena_printf(arena, "CREATE SCHEMA %s", schema);
        CZ_REQUIRE(sql);
        cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
        session.db = db;
        status = db->driver->change(&ctx, &session, &statement, NULL, 0, &rows, &last_id, &err);
        cz__db_close(db);
    }
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
    if (status)
        cz__test_die("CZ_TEST_POSTGRESQL_URL: %s", cz_error_message(&err));
}

const char *cz_test_postgresql(void)
{
    static const char *url;
    const char *server = getenv("CZ_TEST_POSTGRESQL_URL");
#ifndef CZ_POSTGRESQL
    cz_test_skip("built without PostgreSQL");
#endif
    if (url)
        return url;
    if (!server || !*server)
        cz_test_skip("CZ_TEST_POSTGRESQL_URL names no PostgreSQL server");
    /* two programs may run their tests at once, and a process's number comes back */
    const char *schema = cz_arena_printf(cz_test_arena(), "test_%ld_%llx", (long)getpid(),
                                         (unsigned long long)cz_random_u64());
    CZ_REQUIRE(schema);
    server = cz__test_database_shared(server);
    create_schema(server, schema);
    url = cz_arena_printf(cz_test_arena(), "%s%coptions=-c%%20search_path%%3D%s", server,
                          strchr(server, '?') ? '&' : '?', schema);
    CZ_REQUIRE(url);
    return url;
}

bool cz__test_on_postgresql;

const char *cz_test_database(void)
{
    return cz__test_on_postgresql ? cz_test_postgresql() : "sqlite:///:memory:";
}
