#include "cache/cache_testing.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <calzone/runtime.h>
#include <calzone/time.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- running ---- */

void cache_begin(const char *url)
{
    cz_error err = { 0 };
    cz_status status = cz__cache_open("default", cz_str_from(url), CZ_STR("test"), &err);
    CZ_EXPECT_MSG(!status, "%s: %s", url, cz_error_message(&err));
    CZ_REQUIRE(!status);
}

struct work {
    void (*fn)(cz_ctx *ctx, void *arg);
    void *arg;
    unsigned left;
};

static void run_here(struct work *work)
{
    cz_ctx ctx;
    cz_arena *arena;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    if (cz__fiber_current())
        cz__fiber_attach(&ctx);
    cz_status status = cz_try(&ctx, work->fn, work->arg, &err);
    CZ_EXPECT_MSG(!status, "raised %s: %s", cz_status_name(status), cz_error_message(&err));
    cz_ctx_done(&ctx);
    if (cz__fiber_current())
        cz__fiber_attach(NULL);
    cz_arena_destroy(arena);
    work->left--;
}

static void run_in_fiber(void *arg)
{
    run_here(arg);
}

void cache_run(void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    run_here(&(struct work){ fn, arg, 1 });
}

void cache_run_many(unsigned count, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    static cz__loop *loop;
    if (!loop) {
        CZ_REQUIRE_OK(cz__loop_create(&loop));
        CZ_REQUIRE_OK(cz__fibers_init(&(cz__fiber_options){ .count_max = 1000 }));
    }
    struct work work = { fn, arg, count };
    for (unsigned i = 0; i < count; i++)
        CZ_REQUIRE_OK(cz__fiber_start(run_in_fiber, &work));
    while (work.left)
        cz__loop_turn(loop, 100);
}

void cache_run_on_fiber(void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cache_run_many(1, fn, arg);
}

#define EXACT(...)                                                                                 \
    &(const cz_cache_options)                                                                      \
    {                                                                                              \
        .exact = true, __VA_ARGS__                                                                 \
    }

static bool is_value(cz_ctx *ctx, const char *key, const char *expected)
{
    cz_str value;
    return cz_cache_get(ctx, NULL, cz_str_from(key), &value) &&
           cz_str_eq(value, cz_str_from(expected));
}

static cz_status status_of(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    return cz_try(ctx, fn, arg, NULL);
}

/* ---- what every cache does ---- */

static void incr_text(cz_ctx *ctx, void *arg)
{
    int64_t sum;
    cz_cache_incr(ctx, NULL, cz_str_from(arg), 1, &sum);
}

static void suite_of_values(cz_ctx *ctx)
{
    const char bytes[] = "\0\x01\xff\r\n";
    cz_str value = CZ_STR("untouched"), odd = cz_str_of(bytes, sizeof bytes);
    CZ_EXPECT(!cz_cache_get(ctx, NULL, CZ_STR("a"), &value));
    CZ_EXPECT_STR(value, "untouched");
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("a"), CZ_STR("one"), NULL));
    CZ_EXPECT(is_value(ctx, "a", "one") && cz_cache_has_key(ctx, NULL, CZ_STR("a")));
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("a"), CZ_STR("two"), NULL) &&
              is_value(ctx, "a", "two"));
    CZ_EXPECT(!cz_cache_add(ctx, NULL, CZ_STR("a"), CZ_STR("three"), NULL));
    CZ_EXPECT(is_value(ctx, "a", "two"));
    CZ_EXPECT(cz_cache_delete(ctx, NULL, CZ_STR("a")) && !cz_cache_delete(ctx, NULL, CZ_STR("a")));
    CZ_EXPECT(cz_cache_add(ctx, NULL, CZ_STR("a"), CZ_STR("three"), NULL));
    CZ_EXPECT(is_value(ctx, "a", "three"));
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("odd: \xc3\xa9"), odd, NULL));
    CZ_EXPECT(cz_cache_get(ctx, NULL, CZ_STR("odd: \xc3\xa9"), &value) && cz_str_eq(value, odd));
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("empty"), CZ_STR(""), NULL));
    CZ_EXPECT(cz_cache_get(ctx, NULL, CZ_STR("empty"), &value) && value.len == 0);
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR(""), CZ_STR("of nothing"), NULL));
    CZ_EXPECT(is_value(ctx, "", "of nothing"));
}

static void suite_of_lengths(cz_ctx *ctx)
{
    char *big = cz_alloc(ctx, CZ_CACHE_VALUE_BYTES_MAX + 1);
    char key[CZ_CACHE_KEY_BYTES_MAX];
    memset(key, 'k', sizeof key);
    for (size_t i = 0; i <= CZ_CACHE_VALUE_BYTES_MAX; i++)
        big[i] = (char)(i * 31 + i / 251);
    static const size_t lengths[] = {
        1,   218, 219, 220, 221, 222,  223,   224,
        225, 470, 473, 474, 475, 4096, 65536, CZ_CACHE_VALUE_BYTES_MAX
    };
    for (size_t i = 0; i < CZ_COUNT(lengths); i++) {
        cz_str value, k = cz_str_of(key, 1 + i * (sizeof key - 1) / (CZ_COUNT(lengths) - 1));
        CZ_EXPECT(cz_cache_set(ctx, NULL, k, cz_str_of(big, lengths[i]), NULL));
        CZ_EXPECT_MSG(cz_cache_get(ctx, NULL, k, &value) &&
                          cz_str_eq(value, cz_str_of(big, lengths[i])),
                      "%zu bytes came back as others", lengths[i]);
    }
    cz_str longest = cz_str_of(key, sizeof key);
    CZ_EXPECT(
        !cz_cache_set(ctx, NULL, longest, cz_str_of(big, CZ_CACHE_VALUE_BYTES_MAX + 1), NULL));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, longest)); /* what was there is out of date */
}

static void suite_of_times(cz_ctx *ctx)
{
    cz_cache_set(ctx, NULL, CZ_STR("short"), CZ_STR("x"), EXACT(.ttl_ms = 300));
    cz_cache_set(ctx, NULL, CZ_STR("touched"), CZ_STR("x"), EXACT(.ttl_ms = 300));
    cz_cache_set(ctx, NULL, CZ_STR("ever"), CZ_STR("x"), EXACT(.ttl_ms = CZ_CACHE_FOREVER));
    CZ_EXPECT(cz_cache_touch(ctx, NULL, CZ_STR("touched"), 60000));
    CZ_EXPECT(!cz_cache_touch(ctx, NULL, CZ_STR("nobody"), 60000));
    CZ_EXPECT(is_value(ctx, "short", "x"));
    cz_sleep(ctx, 350);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("short")));
    CZ_EXPECT(is_value(ctx, "touched", "x") && is_value(ctx, "ever", "x"));
    CZ_EXPECT(cz_cache_add(ctx, NULL, CZ_STR("short"), CZ_STR("y"), NULL)); /* its place is free */
    CZ_EXPECT(cz_cache_touch(ctx, NULL, CZ_STR("ever"), CZ_CACHE_FOREVER));
}

static void suite_of_integers(cz_ctx *ctx)
{
    int64_t number = 7;
    CZ_EXPECT(!cz_cache_incr(ctx, NULL, CZ_STR("n"), 1, &number) && number == 7);
    CZ_EXPECT(cz_cache_set_int(ctx, NULL, CZ_STR("n"), -3, NULL));
    CZ_EXPECT(cz_cache_incr(ctx, NULL, CZ_STR("n"), 1000000000000, &number));
    CZ_EXPECT_EQ(number, 999999999997);
    CZ_EXPECT(cz_cache_decr(ctx, NULL, CZ_STR("n"), 999999999998, &number));
    CZ_EXPECT_EQ(number, -1);
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("n"), &number) && number == -1);
    CZ_EXPECT(is_value(ctx, "n", "-1"));
    cz_cache_set(ctx, NULL, CZ_STR("t"), CZ_STR("012"), NULL);
    CZ_EXPECT(is_value(ctx, "t", "012") && !cz_cache_get_int(ctx, NULL, CZ_STR("t"), &number));
    CZ_EXPECT_EQ(status_of(ctx, incr_text, (void *)"t"), CZ_EINVAL);
    cz_cache_set_int(ctx, NULL, CZ_STR("max"), INT64_MAX, NULL);
    CZ_EXPECT_EQ(status_of(ctx, incr_text, (void *)"max"), CZ_EINVAL);
    CZ_EXPECT(cz_cache_get_int(ctx, NULL, CZ_STR("max"), &number) && number == INT64_MAX);
    cz_cache_set_int(ctx, NULL, CZ_STR("brief"), 1, EXACT(.ttl_ms = 300));
    cz_cache_incr(ctx, NULL, CZ_STR("brief"), 1, &number);
    cz_sleep(ctx, 350); /* counting does not make it live longer */
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("brief")));
}

static void suite_of_many(cz_ctx *ctx)
{
    const cz_cache_item items[] = { { CZ_STR("m1"), CZ_STR("1") },
                                    { CZ_STR("m2"), CZ_STR("two") },
                                    { CZ_STR("m3"), CZ_STR("") } };
    const cz_str keys[] = { CZ_STR("m2"), CZ_STR("none"), CZ_STR("m3"), CZ_STR("m1") };
    cz_str_list list = { keys, CZ_COUNT(keys) };
    CZ_EXPECT_EQ(cz_cache_set_many(ctx, NULL, items, CZ_COUNT(items), NULL), 3);
    cz_str_list got = cz_cache_get_many(ctx, NULL, list);
    CZ_EXPECT_EQ(got.count, 4);
    CZ_EXPECT_STR(got.items[0], "two");
    CZ_EXPECT(!got.items[1].ptr);
    CZ_EXPECT(got.items[2].ptr && !got.items[2].len);
    CZ_EXPECT_STR(got.items[3], "1");
    CZ_EXPECT_EQ(cz_cache_delete_many(ctx, NULL, list), 3);
    CZ_EXPECT(!cz_cache_get_many(ctx, NULL, list).items[0].ptr);
    CZ_EXPECT_EQ(cz_cache_get_many(ctx, NULL, (cz_str_list){ NULL, 0 }).count, 0);
    CZ_EXPECT_EQ(cz_cache_delete_many(ctx, NULL, (cz_str_list){ NULL, 0 }), 0);
}

static void suite_of_versions(cz_ctx *ctx)
{
    cz_cache *second = cz_cache_version(ctx, NULL, 2);
    cz_str value = CZ_STR("");
    cz_cache_set(ctx, NULL, CZ_STR("v"), CZ_STR("first"), NULL);
    CZ_EXPECT(!cz_cache_get(ctx, second, CZ_STR("v"), &value));
    CZ_EXPECT_EQ(cz_cache_incr_version(ctx, NULL, CZ_STR("v"), 1), 2);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("v")));
    CZ_EXPECT(cz_cache_get(ctx, second, CZ_STR("v"), &value));
    CZ_EXPECT_STR(value, "first");
    CZ_EXPECT_EQ(cz_cache_incr_version(ctx, second, CZ_STR("v"), -1), 1);
    CZ_EXPECT(is_value(ctx, "v", "first"));
    CZ_EXPECT_EQ(cz_cache_incr_version(ctx, NULL, CZ_STR("nobody"), 1), 0);
}

static void suite_of_tags(cz_ctx *ctx)
{
    const cz_cache_options books = { .tags = CZ_CACHE_TAGS(CZ_STR("books")) };
    const cz_cache_options both = { .tags = CZ_CACHE_TAGS(CZ_STR("books"), CZ_STR("authors")) };
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("b"), CZ_STR("1"), &books));
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("ba"), CZ_STR("2"), &both));
    CZ_EXPECT(cz_cache_add(ctx, cz_cache_version(ctx, NULL, 9), CZ_STR("b9"), CZ_STR("3"), &books));
    cz_cache_set(ctx, NULL, CZ_STR("plain"), CZ_STR("4"), NULL);
    CZ_EXPECT(is_value(ctx, "b", "1") && is_value(ctx, "ba", "2"));
    cz_cache_invalidate(ctx, NULL, CZ_STR("authors"));
    CZ_EXPECT(is_value(ctx, "b", "1") && !cz_cache_has_key(ctx, NULL, CZ_STR("ba")));
    cz_cache_set(ctx, NULL, CZ_STR("ba"), CZ_STR("5"), &both);
    const cz_str keys[] = { CZ_STR("b"), CZ_STR("ba"), CZ_STR("plain") };
    cz_cache_invalidate(ctx, NULL, CZ_STR("books"));
    cz_str_list got = cz_cache_get_many(ctx, NULL, (cz_str_list){ keys, 3 });
    CZ_EXPECT(!got.items[0].ptr && !got.items[1].ptr && got.items[2].ptr);
    CZ_EXPECT(!cz_cache_has_key(ctx, cz_cache_version(ctx, NULL, 9), CZ_STR("b9")));
    cz_cache_set(ctx, NULL, CZ_STR("b"), CZ_STR("6"), &books);
    CZ_EXPECT(is_value(ctx, "b", "6"));
    cz_cache_invalidate(ctx, NULL, CZ_STR("nothing has it"));
    CZ_EXPECT_EQ(status_of(ctx, incr_text, (void *)"b"), CZ_EINVAL); /* it has tags */
}

void cache_suite(cz_ctx *ctx, void *arg)
{
    (void)arg;
    suite_of_values(ctx);
    suite_of_lengths(ctx);
    suite_of_times(ctx);
    suite_of_integers(ctx);
    suite_of_many(ctx);
    suite_of_versions(ctx);
    suite_of_tags(ctx);
    CZ_EXPECT(is_value(ctx, "a", "three"));
    cz_cache_clear(ctx, NULL);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("a")));
    suite_of_values(ctx);
    cz_cache_clear(ctx, NULL);
}

CZ_TEST(memory_does_what_every_cache_does)
{
    cache_begin("memory://");
    cache_run(cache_suite, NULL);
    cache_run_on_fiber(cache_suite, NULL);
    CZ_EXPECT(cz__cache_memory_is_sound(cz_cache_of(NULL, "default")->store));
    cz__caches_close();
}

static void null_suite(cz_ctx *ctx, void *arg)
{
    (void)arg;
    int64_t number;
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("a"), CZ_STR("b"), NULL));
    CZ_EXPECT(cz_cache_add(ctx, NULL, CZ_STR("a"), CZ_STR("b"), NULL));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("a")));
    CZ_EXPECT(!cz_cache_touch(ctx, NULL, CZ_STR("a"), 1));
    CZ_EXPECT(!cz_cache_incr(ctx, NULL, CZ_STR("a"), 1, &number));
    CZ_EXPECT(!cz_cache_delete(ctx, NULL, CZ_STR("a")));
    cz_cache_invalidate(ctx, NULL, CZ_STR("tag"));
    cz_cache_clear(ctx, NULL);
}

CZ_TEST(the_null_cache_takes_everything_and_keeps_nothing)
{
    cache_begin("null://");
    cache_run(null_suite, NULL);
}

/* ---- what is refused ---- */

static void use_key(cz_ctx *ctx, void *arg)
{
    const cz_str *key = arg;
    cz_str value;
    cz_cache_get(ctx, NULL, *key, &value);
}

static void use_tag(cz_ctx *ctx, void *arg)
{
    cz_cache_invalidate(ctx, NULL, *(const cz_str *)arg);
}

static void use_options(cz_ctx *ctx, void *arg)
{
    cz_cache_set(ctx, NULL, CZ_STR("k"), CZ_STR("v"), arg);
}

static void use_version_0(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_version(ctx, NULL, 0);
}

static void lower_version(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_incr_version(ctx, NULL, CZ_STR("k"), -1);
}

static void use_nobody(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_of(ctx, "nobody");
}

static void expect_refusals(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char longer[CZ_CACHE_KEY_BYTES_MAX + 1];
    cz_str tags[CZ_CACHE_TAGS_MAX + 1] = { { NULL, 0 } };
    memset(longer, 'k', sizeof longer);
    cz_str bad[] = { cz_str_of(longer, sizeof longer), CZ_STR("a\nb"), CZ_STR("a\0b"),
                     CZ_STR("\x7f"), CZ_STR("\t") };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_EQ(status_of(ctx, use_key, &bad[i]), CZ_EINVAL);
        CZ_EXPECT_EQ(status_of(ctx, use_tag, &bad[i]), CZ_EINVAL);
    }
    cz_cache_options options[] = {
        { .ttl_ms = -2 },          { .stale_ms = -1 },
        { .stale_ms = INT64_MAX }, { .tags = { tags, CZ_COUNT(tags) } },
        { .tags = { bad, 1 } },
    };
    for (size_t i = 0; i < CZ_COUNT(options); i++)
        CZ_EXPECT_MSG(status_of(ctx, use_options, &options[i]) == CZ_EINVAL, "options %zu", i);
    CZ_EXPECT_EQ(status_of(ctx, use_version_0, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(status_of(ctx, lower_version, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(status_of(ctx, use_nobody, NULL), CZ_EINVAL);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("k")));
}

CZ_TEST(keys_tags_and_options_that_cannot_be_are_refused)
{
    cache_begin("memory://");
    cache_run(expect_refusals, NULL);
}

CZ_TEST(urls_of_caches_are_read_strictly)
{
    static const char *const bad[] = {
        "nothing://",
        "memory",
        "memory://host",
        "memory:///path",
        "memory://?bytes=1",
        "memory://?bytes=x",
        "memory://?ttl=0",
        "memory://?ttl=-1",
        "memory://?jitter=91",
        "memory://?version=0",
        "memory://?version=4294967296",
        "memory://?size=1",
        "memory://?prefix=a:b",
        "null://?bytes=1048576",
        "memory://?timeout=0",
    };
    static const char *const good[] = {
        "", "memory://", "memory://?bytes=262144", "null://",
        "memory://?ttl=9&jitter=0&version=3&prefix=p&bytes=20000001"
    };
    cz_error err;
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__cache_open("default", cz_str_from(bad[i]), CZ_STR("p"), &err) ==
                          CZ_EVALIDATION,
                      "%s", bad[i]);
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cache_begin(good[i]);
        CZ_EXPECT_EQ(cz__cache_open("default", CZ_STR(""), CZ_STR("p"), &err), CZ_EVALIDATION);
        cz__caches_close();
    }
    CZ_EXPECT_EQ(cz__cache_open("Pages", CZ_STR(""), CZ_STR("p"), &err), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz__cache_open("", CZ_STR(""), CZ_STR("p"), &err), CZ_EVALIDATION);
}

static void measure_jitter(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const struct cz__store *store = cz_cache_of(ctx, "default")->store;
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 2000; i++) {
        int64_t ttl = cz__store_ttl(ctx, store, 1000, false);
        least = ttl < least ? ttl : least;
        most = ttl > most ? ttl : most;
        CZ_EXPECT_EQ(cz__store_ttl(ctx, store, 1000, true), 1000);
        CZ_EXPECT_EQ(cz__store_ttl(ctx, store, CZ_CACHE_FOREVER, false), CZ_CACHE_FOREVER);
    }
    CZ_EXPECT(least >= 800 && least < 810 && most > 990 && most <= 1000);
    int64_t own = cz__store_ttl(ctx, store, 0, true);
    CZ_EXPECT_EQ(own, 7000);
}

CZ_TEST(times_are_up_to_the_jitter_shorter_and_never_longer)
{
    cache_begin("memory://?jitter=20&ttl=7000");
    cache_run(measure_jitter, NULL);
}

/* ---- envelopes ---- */

static void damage_envelopes(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const struct cz__tag tags[] = { { CZ_STR("a"), 1 }, { CZ_STR(""), UINT64_MAX } };
    const struct cz__envelope whole = { CZ_STR("value"), 77, tags, 2 };
    cz_str stored = cz__envelope_write(ctx, &whole);
    struct cz__envelope read;
    CZ_REQUIRE(cz__envelope_read(ctx, stored, &read));
    CZ_EXPECT(cz_str_eq(read.value, whole.value) && read.fresh_until_us == 77);
    CZ_EXPECT(read.tag_count == 2 && read.tags[1].generation == UINT64_MAX);
    for (size_t len = 0; len < stored.len - whole.value.len; len++)
        CZ_EXPECT_MSG(!cz__envelope_read(ctx, cz_str_head(stored, len), &read), "cut at %zu", len);
    static const char *const foreign[] = { "",         "text", "\x02", "\x01",
                                           "\x01\x04", "01",   "+1",   "\x01\x02\x11" };
    for (size_t i = 0; i < CZ_COUNT(foreign); i++)
        CZ_EXPECT_MSG(!cz__envelope_read(ctx, cz_str_from(foreign[i]), &read), "%zu", i);
}

CZ_TEST(what_is_no_entry_is_read_as_none)
{
    cache_run(damage_envelopes, NULL);
}

/* ---- computed once ---- */

struct flights {
    unsigned computed, raised;
    uint64_t takes_ms;
    bool raises;
    cz_cache_options options;
    const char *brings;
};

static cz_str compute(cz_ctx *ctx, void *arg)
{
    struct flights *flights = arg;
    unsigned number = ++flights->computed;
    cz_sleep(ctx, flights->takes_ms);
    if (flights->raises && number <= 3)
        cz_raise(ctx, CZ_EIO, "the first three fail");
    return cz_str_from(flights->brings);
}

static void get_or_set(cz_ctx *ctx, void *arg)
{
    struct flights *flights = arg;
    cz_str value =
        cz_cache_get_or_set(ctx, NULL, CZ_STR("slow"), &flights->options, compute, flights);
    CZ_EXPECT_STR(value, flights->brings);
}

static void get_or_raise(cz_ctx *ctx, void *arg)
{
    struct flights *flights = arg;
    flights->raised += cz_try(ctx, get_or_set, arg, NULL) == CZ_EIO;
}

void cache_flight_suite(void)
{
    struct flights flights = { .takes_ms = 30, .brings = "brought" };
    cache_run_many(40, get_or_set, &flights);
    CZ_EXPECT_EQ(flights.computed, 1);
    cache_run_many(40, get_or_set, &flights);
    CZ_EXPECT_EQ(flights.computed, 1);
}

CZ_TEST(of_many_fibers_one_computes)
{
    cache_begin("memory://");
    cache_flight_suite();
}

CZ_TEST(of_many_fibers_one_computes_also_without_a_cache)
{
    struct flights flights = { .takes_ms = 30, .brings = "brought" };
    cache_begin("null://");
    cache_run_many(40, get_or_set, &flights);
    CZ_EXPECT_EQ(flights.computed, 1);
}

CZ_TEST(whose_computation_raises_is_replaced_by_one_that_waited)
{
    struct flights flights = { .takes_ms = 10, .brings = "brought", .raises = true };
    cache_begin("memory://");
    cache_run_many(40, get_or_raise, &flights);
    CZ_EXPECT_EQ(flights.computed, 4);
    CZ_EXPECT_EQ(flights.raised, 3);
}

CZ_TEST(one_that_takes_too_long_is_not_waited_for)
{
    struct flights flights = { .takes_ms = 300, .brings = "brought", .options.compute_ms = 50 };
    cache_begin("memory://");
    cache_run_many(5, get_or_set, &flights);
    CZ_EXPECT_EQ(flights.computed, 5);
}

static void get_stale(cz_ctx *ctx, void *arg)
{
    struct flights *flights = arg;
    int64_t began_us = cz_monotonic_us();
    cz_str value =
        cz_cache_get_or_set(ctx, NULL, CZ_STR("slow"), &flights->options, compute, flights);
    if (cz_monotonic_us() - began_us < 400000)
        CZ_EXPECT_STR(value, "old");
    else
        flights->raised++; /* the one that computed */
}

CZ_TEST(the_others_get_the_old_value_while_one_computes)
{
    struct flights flights = { .brings = "old",
                               .options = { .ttl_ms = 50, .exact = true, .stale_ms = 60000 } };
    cache_begin("memory://");
    cache_run_on_fiber(get_or_set, &flights);
    usleep(70000);
    flights.takes_ms = 500;
    flights.brings = "new";
    cache_run_many(20, get_stale, &flights);
    CZ_EXPECT_EQ(flights.computed, 2);
    CZ_EXPECT_EQ(flights.raised, 1);
    flights.options.ttl_ms = 60000;
}

static void look_stale(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_set(ctx, NULL, CZ_STR("s"), CZ_STR("v"), EXACT(.ttl_ms = 200, .stale_ms = 60000));
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("s")));
    cz_sleep(ctx, 250);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("s"))); /* only get_or_set() takes it */
    const cz_str key = CZ_STR("s");
    CZ_EXPECT(!cz_cache_get_many(ctx, NULL, (cz_str_list){ &key, 1 }).items[0].ptr);
}

CZ_TEST(an_old_value_is_a_miss_for_all_other_calls)
{
    cache_begin("memory://");
    cache_run(look_stale, NULL);
}

static cz_str compute_itself(cz_ctx *ctx, void *arg)
{
    return cz_cache_get_or_set(ctx, NULL, CZ_STR("slow"), NULL, compute_itself, arg);
}

static void ask_itself(cz_ctx *ctx, void *arg)
{
    compute_itself(ctx, arg);
}

static void expect_no_circle(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(status_of(ctx, ask_itself, NULL), CZ_EINVAL);
}

CZ_TEST(a_value_computed_from_itself_is_refused)
{
    cache_begin("memory://");
    cache_run_on_fiber(expect_no_circle, NULL);
    cache_run(expect_no_circle, NULL);
}

static cz_str compute_while_invalidated(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_invalidate(ctx, NULL, CZ_STR("books"));
    return CZ_STR("from rows that have changed");
}

static void invalidate_meanwhile(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_options options = { .tags = CZ_CACHE_TAGS(CZ_STR("books")) };
    cz_cache_get_or_set(ctx, NULL, CZ_STR("k"), &options, compute_while_invalidated, NULL);
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("k")));
}

CZ_TEST(what_was_invalidated_while_it_was_computed_is_not_kept)
{
    cache_begin("memory://");
    cache_run(invalidate_meanwhile, NULL);
}

/* ---- without memory ---- */

#ifdef CZ_FAULTS
static cz_str compute_short(cz_ctx *ctx, void *arg)
{
    (void)arg;
    return cz_format(ctx, "computed %d", 1);
}

static void use_all(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char text[4000];
    int64_t number;
    const cz_str keys[] = { CZ_STR("k"), CZ_STR("n"), CZ_STR("none") };
    cz_cache_options options = { .tags = CZ_CACHE_TAGS(CZ_STR("a"), CZ_STR("b")) };
    memset(text, 't', sizeof text);
    cz_cache_set(ctx, NULL, keys[0], cz_str_of(text, sizeof text), &options);
    cz_cache_add(ctx, NULL, keys[1], CZ_STR("1"), NULL);
    cz_cache_incr(ctx, NULL, keys[1], 1, &number);
    cz_cache_get_many(ctx, NULL, (cz_str_list){ keys, 3 });
    cz_cache_touch(ctx, NULL, keys[0], 1000);
    cz_cache_get_or_set(ctx, NULL, CZ_STR("c"), &options, compute_short, NULL);
    cz_cache_invalidate(ctx, NULL, CZ_STR("a"));
    cz_cache_incr_version(ctx, NULL, keys[1], 1);
    cz_cache_clear(ctx, NULL);
}

static void use_without_memory(cz_ctx *ctx, void *arg)
{
    const uint64_t *nth = arg;
    cz__alloc_fail_at(*nth / 2, *nth % 2);
    cz_status status = cz_try(ctx, use_all, NULL, NULL);
    cz__alloc_fail_at(0, false);
    CZ_EXPECT_MSG(!status || status == CZ_ENOMEM, "%llu: %s", (unsigned long long)*nth,
                  cz_status_name(status));
}

static void expect_working(cz_ctx *ctx, void *arg)
{
    struct cz__store *store = cz_cache_of(ctx, "default")->store;
    CZ_EXPECT(!store->flights);
    store->circuit.is_away = false; /* a server's connection may have found no memory */
    if (arg)
        (*(void (*const *)(void))arg)();
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("k"), CZ_STR("still"), NULL));
    CZ_EXPECT(is_value(ctx, "k", "still"));
}

void cache_without_memory_suite(void (*run)(void (*fn)(cz_ctx *ctx, void *arg), void *arg),
                                void (*retry)(void))
{
    for (uint64_t nth = 2; nth < 120; nth++) {
        run(use_without_memory, &nth);
        run(expect_working, retry ? &retry : NULL);
    }
}

CZ_TEST(without_memory_a_call_on_memory_fails_and_the_next_succeeds)
{
    cache_begin("memory://");
    cache_without_memory_suite(cache_run, NULL);
    cache_without_memory_suite(cache_run_on_fiber, NULL);
    CZ_EXPECT(cz__cache_memory_is_sound(cz_cache_of(NULL, "default")->store));
}
#endif
