/* orm/orm_testing.h: what tests of the ORM stand on: an app's models, a database of the test's own, a context.
 *
 *     static const struct cz__orm_test map = { "map", CZ_MODELS(City, Street) };
 *
 *     CZ_DATABASE_TEST(cities_have_streets)
 *     {
 *         cz__orm_test_run(&map, cities);
 *     }
 */
#ifndef CZ_ORM_ORM_TESTING_H
#define CZ_ORM_ORM_TESTING_H

#include "orm/orm.h"
#include <calzone/testing.h>

struct cz__orm_test {
    const char *app;
    cz_model_list models;
    cz_receiver_list receivers; /* may be empty */
    const char *url;            /* NULL: the database the test is run on */
};

/* Resolve the models, open the database and call `body(ctx, NULL)` inside a boundary. What
 * goes wrong or is raised fails the test. Once in a test. */
static inline void cz__orm_test_run(const struct cz__orm_test *test,
                                    void (*body)(cz_ctx *ctx, void *arg))
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err = { 0 };
    cz__rows_kept = true; /* as in development */
    if (cz__models_add(test->app, test->models.items, test->models.count, &err) ||
        cz__models_resolve(&err) || cz__receivers_add(test->app, &test->receivers, &err) ||
        cz__db_open(cz_str_from(test->url ? test->url : cz_test_database()), &cz__db_default,
                    &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s", cz_error_message(&err));
        cz__test_abort();
    }
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    if (cz_try(&ctx, body, NULL, &err))
        cz__test_fail(err.file ? err.file : __FILE__, err.line, "raised %s: %s",
                      cz_status_name(err.status), cz_error_message(&err));
    cz_ctx_done(&ctx);
    cz__db_close(cz__db_default);
    cz_arena_destroy(arena);
}

static inline void cz__orm_test_call(cz_ctx *ctx, void *arg)
{
    (*(void (*const *)(cz_ctx *))arg)(ctx);
}

/* The message of what `fn` raises, as long as the context; "" when it raises nothing. */
static inline const char *cz__orm_test_raised(cz_ctx *ctx, void (*fn)(cz_ctx *ctx))
{
    cz_error err;
    if (!cz_try(ctx, cz__orm_test_call, (void *)&fn, &err))
        return "";
    return cz_copy(ctx, cz_str_from(cz_error_message(&err))).ptr;
}

/* What a check tells, a line each. */
struct cz__orm_test_told {
    cz_ctx *ctx;
    cz_str all;
};

static inline void cz__orm_test_note(const char *sentence, void *arg)
{
    struct cz__orm_test_told *told = arg;
    told->all = cz_format(told->ctx, "%.*s%s\n", CZ_STR_ARG(told->all), sentence);
}

/* A call and how it fails. */
struct cz__orm_test_refusal {
    void (*body)(cz_ctx *ctx, void *arg);
    cz_status status;
    const char *message;
};

/* Each call, with `arg`, fails as it is said to. */
static inline void cz__orm_test_refused(cz_ctx *ctx, void *arg,
                                        const struct cz__orm_test_refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cz_error err = { 0 };
        cz_status status = cz_try(ctx, cases[i].body, arg, &err);
        if (status != cases[i].status || strcmp(cz_error_message(&err), cases[i].message) != 0)
            cz__test_fail(__FILE__, __LINE__, "case %zu raised %s: \"%s\"; expected %s: \"%s\"", i,
                          cz_status_name(status), cz_error_message(&err),
                          cz_status_name(cases[i].status), cases[i].message);
    }
}

#ifdef CZ_FAULTS
/* Let the n-th allocation of `body` fail for every n, in a context of its own each time, until it runs through. It
 * raises CZ_ENOMEM or nothing. `request` may be NULL. */
static inline void cz__orm_test_without_memory(void (*body)(cz_ctx *ctx, void *arg),
                                               cz_request *request)
{
    cz_status status = CZ_ENOMEM;
    for (uint64_t nth = 1; status; nth++) {
        cz_arena *arena;
        cz_ctx ctx;
        CZ_REQUIRE(nth < 2000);
        CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
        cz_ctx_init(&ctx, arena);
        ctx.request = request;
        cz__alloc_fail_at(nth, nth % 2);
        cz_error err = { 0 };
        status = cz_try(&ctx, body, NULL, &err);
        cz__alloc_fail_at(0, false);
        CZ_EXPECT_MSG(!status || status == CZ_ENOMEM, "%llu: %s: %s", (unsigned long long)nth,
                      cz_status_name(status), cz_error_message(&err));
        cz_ctx_done(&ctx);
        cz_arena_destroy(arena);
    }
}
#endif

#endif
