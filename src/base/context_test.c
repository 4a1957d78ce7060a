#include <calzone/context.h>
#include <calzone/testing.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char trace[64];

static void mark(void *arg)
{
    size_t len = strlen(trace);
    cz_assert(len + 2 < sizeof trace);
    trace[len] = *(const char *)arg;
    trace[len + 1] = '\0';
}

static void begin(cz_ctx *ctx, cz_arena **arena)
{
    CZ_REQUIRE_OK(cz_arena_create(NULL, 1 << 20, arena));
    cz_ctx_init(ctx, *arena);
    trace[0] = '\0';
}

static void end(cz_ctx *ctx, cz_arena *arena)
{
    cz_ctx_done(ctx);
    cz_arena_destroy(arena);
}

static void go_down(cz_ctx *ctx, volatile int depth)
{
    if (depth > 0)
        go_down(ctx, depth - 1);
    if (depth <= 0)
        cz_raise(ctx, CZ_ENOTFOUND, "no pizza %d", 7);
}

static void raise_at_depth(cz_ctx *ctx, void *arg)
{
    go_down(ctx, *(int *)arg);
}

CZ_TEST(a_raise_ends_at_the_nearest_boundary_with_its_error)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err;
    int depth = 10;
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, raise_at_depth, &depth, &err), CZ_ENOTFOUND);
    CZ_EXPECT_EQ(err.status, CZ_ENOTFOUND);
    CZ_EXPECT_STR(cz_str_from(err.message), "no pizza 7");
    CZ_EXPECT(cz_str_ends_with(cz_str_from(err.file), CZ_STR("context_test.c")) && err.line > 0);
    depth = 0;
    CZ_EXPECT_EQ(cz_try(&ctx, raise_at_depth, &depth, NULL), CZ_ENOTFOUND);
    CZ_EXPECT(ctx.boundary == NULL);
    end(&ctx, arena);
}

static void inner(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_defer(ctx, mark, (void *)"c");
    cz_defer(ctx, mark, (void *)"d");
    cz_raise(ctx, CZ_EINTEGRITY, "inner");
}

static void outer(cz_ctx *ctx, void *arg)
{
    cz_error err;
    cz_defer(ctx, mark, (void *)"a");
    CZ_EXPECT_EQ(cz_try(ctx, inner, NULL, &err), CZ_EINTEGRITY);
    CZ_EXPECT_STR(cz_str_from(trace), "dc"); /* at once, newest first, and only the inner ones */
    cz_defer(ctx, mark, (void *)"b");
    if (arg)
        cz_raise(ctx, CZ_EDENIED, "outer, after: %s", err.message);
}

CZ_TEST(a_nested_boundary_runs_its_own_cleanups_and_the_work_goes_on)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err = { 0 };
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, outer, (void *)"raise", &err), CZ_EDENIED);
    CZ_EXPECT_STR(cz_str_from(trace), "dcba");
    CZ_EXPECT_STR(cz_str_from(err.message), "outer, after: inner");
    end(&ctx, arena);
    CZ_EXPECT_STR(cz_str_from(trace), "dcba");
}

CZ_TEST(on_success_cleanups_pass_to_the_enclosing_scope)
{
    cz_ctx ctx;
    cz_arena *arena;
    begin(&ctx, &arena);
    cz_defer(&ctx, mark, (void *)"0");
    CZ_EXPECT_EQ(cz_try(&ctx, outer, NULL, NULL), CZ_OK);
    CZ_EXPECT_STR(cz_str_from(trace), "dc");
    cz_ctx_done(&ctx);
    CZ_EXPECT_STR(cz_str_from(trace), "dcba0");
    cz_arena_destroy(arena);
}

static void reraise(cz_ctx *ctx, void *arg)
{
    cz_error err;
    int depth = 0;
    if (cz_try(ctx, raise_at_depth, &depth, &err)) {
        err.http_status = 410;
        cz_raise_error(ctx, &err);
    }
    (void)arg;
}

CZ_TEST(an_error_is_raised_again_as_it_is)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err = { 0 };
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, reraise, NULL, &err), CZ_ENOTFOUND);
    CZ_EXPECT_EQ(err.http_status, 410);
    CZ_EXPECT_STR(cz_str_from(err.message), "no pizza 7");
    end(&ctx, arena);
}

static void raise_with_own_message(cz_ctx *ctx, void *arg)
{
    int depth = 0;
    (void)arg;
    cz_ignore(cz_try(ctx, raise_at_depth, &depth, NULL)); /* its error stays in the context */
    cz_raise(ctx, CZ_EIO, "again: %s", ctx->error.message);
}

static void check_failing_call(cz_ctx *ctx, void *arg)
{
    int64_t value;
    (void)arg;
    cz_check(ctx, cz_str_to_i64(CZ_STR("7"), &value));
    mark((void *)"1");
    cz_check(ctx, cz_str_to_i64(CZ_STR("x"), &value));
    mark((void *)"2");
}

CZ_TEST(a_message_may_be_made_from_the_last_one_and_check_raises_the_statuss)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err = { 0 };
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, raise_with_own_message, NULL, &err), CZ_EIO);
    CZ_EXPECT_STR(cz_str_from(err.message), "again: no pizza 7");
    CZ_EXPECT_EQ(cz_try(&ctx, check_failing_call, NULL, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(err.message), cz_status_text(CZ_EVALIDATION));
    CZ_EXPECT_STR(cz_str_from(trace), "1");
    end(&ctx, arena);
}

static cz_ctx *trying_ctx;

static void try_in_cleanup(void *arg)
{
    int depth = 3;
    mark(arg);
    CZ_EXPECT_EQ(cz_try(trying_ctx, raise_at_depth, &depth, NULL), CZ_ENOTFOUND);
    cz_defer(trying_ctx, mark, (void *)"+");
}

static void defer_and_raise(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_defer(ctx, mark, (void *)"a");
    cz_defer(ctx, try_in_cleanup, (void *)"t");
    cz_defer(ctx, mark, (void *)"b");
    cz_raise(ctx, CZ_EIO, "first");
}

CZ_TEST(a_cleanup_may_catch_errors_and_register_cleanups_of_its_own)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err = { 0 };
    begin(&ctx, &arena);
    trying_ctx = &ctx;
    CZ_EXPECT_EQ(cz_try(&ctx, defer_and_raise, NULL, &err), CZ_EIO);
    CZ_EXPECT_STR(cz_str_from(err.message), "first");
    CZ_EXPECT_STR(cz_str_from(ctx.error.message), "first");
    CZ_EXPECT_STR(cz_str_from(trace), "bt+a");
    end(&ctx, arena);
}

static void spend(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (;;)
        memset(cz_alloc(ctx, 5000), 0, 5000);
}

static void count_up(void *count)
{
    ++*(int *)count;
}

static void defer_until_full(cz_ctx *ctx, void *arg)
{
    int *counts = arg;
    for (;; counts[0]++)
        cz_defer(ctx, count_up, &counts[1]);
}

CZ_TEST(a_spent_budget_raises_and_loses_no_resource)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err = { 0 };
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, spend, NULL, &err), CZ_ENOMEM);
    CZ_EXPECT(cz_str_starts_with(cz_str_from(err.message),
                                 CZ_STR("out of memory: the request's arena holds")));
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);

    CZ_REQUIRE_OK(cz_arena_create(NULL, 3 * CZ_ARENA_CHUNK_BYTES, &arena));
    cz_ctx_init(&ctx, arena);
    int counts[2] = { 0, 0 }; /* registered, run */
    CZ_EXPECT_EQ(cz_try(&ctx, defer_until_full, counts, &err), CZ_ENOMEM);
    CZ_EXPECT_EQ(counts[1], counts[0] + 1); /* the one that could not be registered, too */
    end(&ctx, arena);
}

static void make_text(cz_ctx *ctx, void *arg)
{
    cz_str *out = arg;
    out[0] = cz_format(ctx, "%s/%d", "pizza", 7);
    out[1] = cz_copy(ctx, cz_str_of("abcdef", 3));
    int *numbers = cz_array(ctx, int, 100);
    CZ_EXPECT_EQ(numbers[99], 0);
    CZ_EXPECT(cz_new(ctx, cz_error)->status == CZ_OK);
    cz_ignore(cz_alloc_zero(ctx, SIZE_MAX / 2, 4) == NULL); /* raises */
}

CZ_TEST(memory_of_a_context_lives_until_its_end)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_str texts[2];
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, make_text, texts, NULL), CZ_ENOMEM);
    CZ_EXPECT_STR(texts[0], "pizza/7");
    CZ_EXPECT_STR(texts[1], "abc");
    CZ_EXPECT_EQ(texts[1].ptr[3], '\0');
    end(&ctx, arena);
}

CZ_TEST(the_first_cancellation_counts)
{
    cz_ctx ctx;
    cz_arena *arena;
    begin(&ctx, &arena);
    cz__ctx_cancel(&ctx, CZ_ETIMEDOUT);
    cz__ctx_cancel(&ctx, CZ_ECANCELED);
    CZ_EXPECT_EQ(ctx.cancelled, CZ_ETIMEDOUT);
    end(&ctx, arena);
}

/* ---- what must not happen ends the process ---- */

static void raise_in_cleanup(void *arg)
{
    cz_raise(arg, CZ_EIO, "from a clean-up");
}

static void defer_raising(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_defer(ctx, raise_in_cleanup, ctx);
    cz_raise(ctx, CZ_EIO, "first");
}

static void raise_through_foreign(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_foreign_enter(ctx);
    cz_raise(ctx, CZ_EIO, "through a foreign frame");
}

static void raise_within_foreign(cz_ctx *ctx, void *arg)
{
    (void)arg;
    int depth = 0;
    cz_foreign_enter(ctx);
    CZ_EXPECT_EQ(cz_try(ctx, raise_at_depth, &depth, NULL),
                 CZ_ENOTFOUND); /* crosses no foreign frame */
    cz_foreign_leave(ctx);
}

static void raise_outside(cz_ctx *ctx)
{
    cz_raise(ctx, CZ_EIO, "outside every boundary");
}

static void raise_ok(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_raise(ctx, CZ_OK, "success");
}

static void run_raising_cleanup(cz_ctx *ctx)
{
    cz_ignore(cz_try(ctx, defer_raising, NULL, NULL)); /* never returns */
}

static void run_raise_through_foreign(cz_ctx *ctx)
{
    cz_ignore(cz_try(ctx, raise_through_foreign, NULL, NULL)); /* never returns */
}

static void run_raise_ok(cz_ctx *ctx)
{
    cz_ignore(cz_try(ctx, raise_ok, NULL, NULL)); /* never returns */
}

static void leave_foreign_twice(cz_ctx *ctx)
{
    cz_foreign_leave(ctx);
}

static void expect_assertion(void (*fn)(cz_ctx *ctx), const char *part)
{
    int fds[2];
    CZ_REQUIRE(pipe(fds) == 0);
    pid_t pid = fork();
    CZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        cz_ctx ctx;
        cz_arena *arena;
        begin(&ctx, &arena);
        fn(&ctx);
        _exit(0);
    }
    close(fds[1]);
    char text[512];
    ssize_t got = read(fds[0], text, sizeof text);
    int status;
    CZ_REQUIRE(waitpid(pid, &status, 0) == pid);
    CZ_EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CZ_EXPECT(got > 0 && cz_str_find(cz_str_of(text, (size_t)got), cz_str_from(part)) != SIZE_MAX);
    close(fds[0]);
}

CZ_TEST(a_raise_where_none_may_be_is_an_assertion)
{
    expect_assertion(raise_outside, "ctx->boundary");
    expect_assertion(run_raising_cleanup, "ctx->boundary");
    expect_assertion(run_raise_through_foreign, "foreign");
    expect_assertion(leave_foreign_twice, "foreign");
    expect_assertion(run_raise_ok, "CZ_OK");
}

CZ_TEST(a_boundary_inside_a_foreign_callback_catches)
{
    cz_ctx ctx;
    cz_arena *arena;
    begin(&ctx, &arena);
    CZ_EXPECT_EQ(cz_try(&ctx, raise_within_foreign, NULL, NULL), CZ_OK);
    CZ_EXPECT_EQ(ctx.foreign, 0);
    end(&ctx, arena);
}
