/* migrations/migrations_testing.h: what tests of migrations stand on that need no models. */
#ifndef CZ_MIGRATIONS_TESTING_H
#define CZ_MIGRATIONS_TESTING_H

#include "db/database.h"
#include <calzone/testing.h>

/* Open the database and call `body(ctx, NULL)`, outside a transaction. What it raises fails the test. */
static inline void cz__test_on_database(const char *url, void (*body)(cz_ctx *ctx, void *arg))
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(url), &cz__db_default, &err));
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz_status status = cz_try(&ctx, body, NULL, &err);
    CZ_EXPECT_MSG(!status, "%s", cz_error_message(&err));
    cz_ctx_done(&ctx);
    cz__db_close(cz__db_default);
    cz_arena_destroy(arena);
}

#endif
