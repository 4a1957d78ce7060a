#include "private_server.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>

#define TURNSTILE(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Turnstile, TURNSTILE);
static CZ_SERIALIZER(TurnstileSerializer, Turnstile, .fields = CZ_FIELDS(Turnstile, id, name));

/* Who is known says so: authentication comes before. */
static void know(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_set_actor(ctx, cz_request_header(req, CZ_STR("X-User")));
    cz_next_call(ctx, req, next);
}
static const cz_middleware knowing = { "knowing", know, NULL };

static bool not_for_bad(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)ctx, (void)self, (void)object;
    return !cz_request_has_header(req, CZ_STR("X-Bad"));
}
static const cz_permission not_bad = { .name = "not bad", .allows = not_for_bad };

static int tenants_asked;

static cz_str tenant(cz_ctx *ctx, const cz_request *req)
{
    tenants_asked++;
    return cz_query_str(ctx, req, "tenant");
}

static CZ_VIEWSET(anon_views, Turnstile, .serializer = &TurnstileSerializer,
                  .permissions = &not_bad,
                  .throttles = CZ_THROTTLES({ .rate = "2/m", .by = CZ_THROTTLE_ANON }));
static CZ_VIEWSET(user_views, Turnstile, .serializer = &TurnstileSerializer,
                  .permissions = &cz_allow_any,
                  .throttles = CZ_THROTTLES({ .rate = "2/m, 3/2h", .by = CZ_THROTTLE_USER }));
static CZ_VIEWSET(key_views, Turnstile, .serializer = &TurnstileSerializer,
                  .permissions = &cz_allow_any,
                  .throttles = CZ_THROTTLES({ .rate = "1/s", .header = "X-API-Key" }));
static CZ_VIEWSET(tenant_views, Turnstile, .serializer = &TurnstileSerializer,
                  .permissions = &cz_allow_any,
                  .throttles = CZ_THROTTLES({ .rate = "1/d, 5/2d", .key = tenant }));
static CZ_VIEWSET(set_views, Turnstile, .serializer = &TurnstileSerializer,
                  .permissions = &cz_allow_any, .throttles = CZ_THROTTLES({ .scope = "uploads" }));
static CZ_VIEWSET(free_views, Turnstile, .serializer = &TurnstileSerializer,
                  .permissions = &cz_allow_any);

static void hello(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("Hello!"));
}

static void ask(cz_ctx *ctx, cz_request *req)
{
    cz_throttle_require(ctx, req, CZ_THROTTLES({ .rate = "1/d" })); /* nobody has read it */
    hello(ctx, req);
}

CZ_THROTTLE_MIDDLEWARE(login_rate, { .rate = "2/m", .scope = "login" });
static const cz_middleware *const careful[] = { &login_rate, NULL };
static const cz_middleware *const middleware[] = { &knowing, &cz_throttling, NULL };
static const cz_route urls[] = {
    CZ_RESOURCE("/anon", &anon_views, .name = "anon"),
    CZ_RESOURCE("/user", &user_views, .name = "user"),
    CZ_RESOURCE("/key", &key_views, .name = "key"),
    CZ_RESOURCE("/tenant", &tenant_views, .name = "tenant"),
    CZ_RESOURCE("/uploads", &set_views, .name = "uploads"),
    CZ_RESOURCE("/free", &free_views, .name = "free"),
    CZ_RESOURCE("/wrapped", &anon_views, .name = "wrapped", .middleware = careful),
    CZ_GET("/login", hello, .middleware = careful),
    CZ_GET("/sign-in", hello, .middleware = careful),
    CZ_GET("/", hello),
    CZ_GET("/unread", ask),
    CZ_ROUTES_END,
};
static const cz_app app = { "turnstiles", .models = CZ_MODELS(Turnstile) };
static CZ_PROJECT(site, "turnstiles", .apps = CZ_APPS(&app), .urls = urls,
                  .middleware = middleware);

static cz_client *start(const char *rates)
{
    char text[256];
    snprintf(text, sizeof text, "uploads: 1/h%s%s", *rates ? ", " : "", rates);
    setenv("THROTTLE_RATES", text, 1);
    setenv("TRUSTED_PROXIES", "127.0.0.1", 1);
    return cz_client_create(&site);
}

static const cz_answer *get_as(cz_client *client, const char *target, const char *header,
                               const char *value)
{
    cz_client_set_header(client, header, value);
    const cz_answer *answer = cz_client_get(client, target);
    cz_client_set_header(client, header, NULL);
    return answer;
}

CZ_TEST(a_request_too_many_is_answered_as_drf_does)
{
    cz_client *client = start("");
    const cz_answer *answer = cz_client_get(client, "/anon");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_HEADER(answer, "RateLimit-Policy", "\"anon_views\";q=2;w=60");
    CZ_EXPECT_HEADER(answer, "RateLimit", "\"anon_views\";r=1;t=60");
    CZ_EXPECT_HEADER(answer, "Retry-After", "");
    CZ_EXPECT_HEADER(cz_client_get(client, "/anon/77"), "RateLimit", "\"anon_views\";r=0;t=60");
    answer = cz_client_get(client, "/anon");
    CZ_EXPECT_STATUS(answer, 429);
    CZ_EXPECT_STR(answer->body, "{\"detail\":\"Request was throttled. Expected available in 60 "
                                "seconds.\",\"code\":\"throttled\"}");
    CZ_EXPECT_HEADER(answer, "Retry-After", "60");
    CZ_EXPECT_HEADER(answer, "RateLimit", "\"anon_views\";r=0;t=60");
    CZ_EXPECT_STATUS(cz_client_get(client, "/free"), 200);
    CZ_EXPECT_HEADER(cz_client_get(client, "/free"), "RateLimit", "");
}

#ifdef CZ_REDIS
CZ_TEST(answers_are_the_same_when_redis_counts_and_when_it_is_away)
{
    struct private_server redis = { 0 };
    char url[80];
    redis_run(&redis, NULL);
    snprintf(url, sizeof url, "redis://127.0.0.1:%u/3?prefix=here&timeout=500", redis.port);
    setenv("THROTTLE_URL", url, 1);
    cz_client *client = start("");
    for (int round = 0; round < 2; round++) {
        const char *caller = round ? "192.0.2.7" : "192.0.2.6";
        const cz_answer *answer = get_as(client, "/anon", "X-Forwarded-For", caller);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_HEADER(answer, "RateLimit", "\"anon_views\";r=1;t=60");
        CZ_EXPECT_STATUS(get_as(client, "/anon", "X-Forwarded-For", caller), 200);
        answer = get_as(client, "/anon", "X-Forwarded-For", caller);
        CZ_EXPECT_STATUS(answer, 429);
        CZ_EXPECT_HEADER(answer, "Retry-After", "60");
        CZ_EXPECT_HEADER(answer, "RateLimit", "\"anon_views\";r=0;t=60");
        if (!round)
            private_server_kill(&redis);
        CZ_EXPECT_STATUS(get_as(client, "/anon", "X-Forwarded-For", caller), 429);
    }
}
#endif

CZ_TEST(one_second_is_no_seconds)
{
    cz_client *client = start("");
    CZ_EXPECT_STATUS(cz_client_get(client, "/key"), 200);
    const cz_answer *answer = cz_client_get(client, "/key");
    CZ_EXPECT_STATUS(answer, 429);
    CZ_EXPECT_JSON(answer, "detail", "Request was throttled. Expected available in 1 second.");
    CZ_EXPECT_STATUS(get_as(client, "/key", "X-API-Key", "a"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/key", "X-API-Key", "b"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/key", "X-API-Key", "a"), 429);
}

CZ_TEST(what_is_denied_for_another_reason_does_not_count)
{
    cz_client *client = start("");
    for (int i = 0; i < 5; i++) {
        CZ_EXPECT_STATUS(get_as(client, "/anon", "X-Bad", "1"), 403);
        CZ_EXPECT_STATUS(get_as(client, "/anon", "Accept", "image/png"), 406);
        CZ_EXPECT_STATUS(cz_client_delete(client, "/anon"), 405);
        CZ_EXPECT_STATUS(cz_client_get(client, "/nothing"), 404);
    }
    CZ_EXPECT_STATUS(cz_client_get(client, "/anon"), 200);
    CZ_EXPECT_STATUS(cz_client_post(client, "/anon", "{}"), 400); /* which counts */
    CZ_EXPECT_STATUS(cz_client_get(client, "/anon"), 429);
    CZ_EXPECT_STATUS(get_as(client, "/anon", "X-Bad", "1"), 403);
}

CZ_TEST(callers_are_told_apart_by_address_and_user)
{
    static const struct {
        const char *header, *value;
        int status;
    } anon[] = {
        { "X-Forwarded-For", "192.0.2.1", 200 },
        { "X-Forwarded-For", "192.0.2.1", 200 },
        { "X-Forwarded-For", "192.0.2.1", 429 },
        { "X-Forwarded-For", "6.6.6.6, 192.0.2.1", 429 },
        { "Forwarded", "for=\"192.0.2.1:1234\"", 429 },
        { "X-Forwarded-For", "192.0.2.2", 200 },
        { "X-Forwarded-For", "2001:db8:1:2::1", 200 },
        { "X-Forwarded-For", "2001:db8:1:2:ffff::2", 200 },
        { "X-Forwarded-For", "2001:db8:1:2:3:4:5:6", 429 },
        { "X-Forwarded-For", "2001:db8:1:3::1", 200 },
        { "X-User", "user:1", 200 },
        { "X-User", "user:1", 200 },
        { "X-User", "user:1", 200 },
    };
    cz_client *client = start("");
    for (size_t i = 0; i < CZ_COUNT(anon); i++)
        CZ_EXPECT_MSG(get_as(client, "/anon", anon[i].header, anon[i].value)->status ==
                          anon[i].status,
                      "%zu: %s", i, anon[i].value);
    CZ_EXPECT_STATUS(get_as(client, "/user", "X-User", "192.0.2.9"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/user", "X-User", "192.0.2.9"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/user", "X-User", "192.0.2.9"), 429);
    CZ_EXPECT_STATUS(get_as(client, "/user", "X-Forwarded-For", "192.0.2.9"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/tenant?tenant=a", "X-User", "u"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/tenant?tenant=a", "X-User", "v"), 429);
    CZ_EXPECT_EQ(tenants_asked, 2); /* once a request, of two rates */
    for (int i = 0; i < 3; i++)
        CZ_EXPECT_STATUS(cz_client_get(client, "/tenant"), 200); /* for none */
}

CZ_TEST(headers_tell_all_rates_and_what_is_left_of_the_tightest)
{
    cz_client *client = start("");
    const cz_answer *answer = cz_client_get(client, "/user");
    CZ_EXPECT_HEADER(answer, "RateLimit-Policy",
                     "\"user_views\";q=2;w=60, \"user_views-2\";q=3;w=7200");
    CZ_EXPECT_HEADER(answer, "RateLimit", "\"user_views\";r=1;t=60");
}

CZ_TEST(the_project_s_rates_are_asked_with_those_of_viewsets_and_before_handlers)
{
    cz_client *client = start("anon: 4/m, user: 3/m");
    const cz_answer *answer = cz_client_get(client, "/anon");
    CZ_EXPECT_HEADER(answer, "RateLimit-Policy",
                     "\"anon\";q=4;w=60, \"user\";q=3;w=60, \"anon_views\";q=2;w=60");
    CZ_EXPECT_HEADER(answer, "RateLimit", "\"anon_views\";r=1;t=60");
    CZ_EXPECT_STATUS(cz_client_get(client, "/anon"), 200);
    for (int i = 0; i < 3; i++) {
        CZ_EXPECT_STATUS(cz_client_get(client, "/anon"), 429); /* and counts in no other */
        CZ_EXPECT_STATUS(get_as(client, "/anon", "X-Bad", "1"), 403);
    }
    CZ_EXPECT_HEADER(cz_client_get(client, "/"), "RateLimit", "\"user\";r=0;t=60");
    answer = cz_client_get(client, "/");
    CZ_EXPECT_STATUS(answer, 429);
    CZ_EXPECT_STATUS(cz_client_get(client, "/free"), 429);
    CZ_EXPECT_STATUS(cz_client_get(client, "/nothing"), 404);
    CZ_EXPECT_STATUS(get_as(client, "/free", "X-User", "user:1"), 200);
}

CZ_TEST(a_middleware_throttles_its_routes_together)
{
    cz_client *client = start("address: 30/m");
    CZ_EXPECT_HEADER(cz_client_get(client, "/login"), "RateLimit",
                     "\"address\";r=29;t=60, \"login\";r=1;t=60");
    CZ_EXPECT_STATUS(cz_client_get(client, "/sign-in"), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/login"), 429);
    CZ_EXPECT_STATUS(get_as(client, "/wrapped", "X-Bad", "1"), 403);
    CZ_EXPECT_STATUS(cz_client_get(client, "/wrapped"), 429);
    CZ_EXPECT_STATUS(cz_client_get(client, "/anon"), 200);
    CZ_EXPECT_STATUS(get_as(client, "/wrapped", "X-Forwarded-For", "192.0.2.1"), 200);
}

CZ_TEST(a_rate_of_the_settings_is_for_its_scope)
{
    cz_client *client = start("");
    CZ_EXPECT_HEADER(cz_client_get(client, "/uploads"), "RateLimit-Policy",
                     "\"uploads\";q=1;w=3600");
    CZ_EXPECT_STATUS(cz_client_get(client, "/uploads"), 429);
}

CZ_TEST(throttles_whose_rates_nobody_read_are_an_error_and_not_no_throttles)
{
    CZ_EXPECT_STATUS(cz_client_get(start(""), "/unread"), 500);
}

/* ---- what cannot be ---- */

static cz_str own_key(cz_ctx *ctx, const cz_request *req)
{
    (void)ctx, (void)req;
    return CZ_STR("x");
}

CZ_TEST(a_throttle_that_cannot_be_stops_the_start)
{
    static const struct {
        cz_throttle throttle;
        const char *why;
    } cases[] = {
        { { .rate = "10/parsec" },
          "throttle of x: \"10/parsec\" is no rate such as 100/day or 10/5m" },
        { { .rate = "" }, "throttle of x: \"\" is no rate such as 100/day or 10/5m" },
        { { .rate = "1/s," }, NULL },
        { { .rate = "1/s,,2/m" }, "throttle of x: \"\" is no rate such as 100/day or 10/5m" },
        { { .scope = "none" },
          "throttle of x: it has no .rate, and THROTTLE_RATES none of \"none\"" },
        { { 0 }, "throttle of x: it has no .rate, and THROTTLE_RATES none of \"x\"" },
        { { .rate = "1/s", .scope = "a b" },
          "throttle of x: a scope is 1 to 64 letters, digits, \"-\", \"_\" and \".\"" },
        { { .rate = "1/s", .scope = "" },
          "throttle of x: a scope is 1 to 64 letters, digits, \"-\", \"_\" and \".\"" },
        { { .rate = "1/s", .header = "" }, "throttle of x: its .header has no name" },
        { { .rate = "1/s", .header = "K", .key = own_key },
          "throttle of x: one of .by, .header and .key says who is one caller" },
        { { .rate = "1/s", .by = CZ_THROTTLE_ANON, .header = "K" },
          "throttle of x: one of .by, .header and .key says who is one caller" },
        { { .rate = "1/s,2/s,3/s,4/s,5/s,6/s,7/s,8/s,9/s" }, "throttle of x: at most 8 rates" },
    };
    start("");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_throttles throttles = { .items = &cases[i].throttle, .count = 1 };
        cz_error err = { 0 };
        cz_status status = cz__throttles_prepare(&throttles, "x", &err);
        CZ_EXPECT_EQ(status, cases[i].why ? CZ_EVALIDATION : CZ_OK);
        if (cases[i].why)
            CZ_EXPECT_STR(cz_str_from(err.message), cases[i].why);
    }
}

static cz_status configure_with(const char *rates, const char *url, cz_error *err)
{
    static const cz_setting declared[] = {
        { .name = "THROTTLE_RATES", .kind = CZ_SETTING_LIST },
        { .name = "THROTTLE_URL", .kind = CZ_SETTING_URL },
        { .name = "SECRET_KEY", .kind = CZ_SETTING_STRING },
        { .name = "THROTTLE_ENTRIES", .kind = CZ_SETTING_INT, .default_value = "1024" },
    };
    static cz_settings *settings; /* what was configured points into it */
    const cz_setting_table table = { declared, CZ_COUNT(declared) };
    cz_settings_destroy(settings);
    settings = NULL;
    setenv("THROTTLE_RATES", rates, 1);
    setenv("THROTTLE_URL", url, 1);
    cz_status status = cz_settings_load(cz_test_directory(), &table, 1, &settings, err);
    if (!status)
        status = cz__throttling_configure(settings, CZ_STR("turnstiles"), err);
    return status ? status : cz__throttling_check(err);
}

static cz_status configure(const char *rates, cz_error *err)
{
    return configure_with(rates, "", err);
}

CZ_TEST(urls_of_throttles_are_read_strictly)
{
    static const struct {
        const char *url, *why;
    } bad[] = {
        { "redis", NULL },
        { "redis://:pass word@host/", NULL },
        { "file:///tmp/x", "throttles count in memory:// or in redis://, not in \"file\"" },
        { "memcached://host", "throttles count in memory:// or in redis://, not in \"memcached\"" },
        { "memory://host", NULL },
        { "memory://?bytes=1000000", NULL },
        { "redis://host/?prefix=a:b",
          "THROTTLE_URL: a prefix has at most 64 bytes and no colon, unlike \"a:b\"" },
        { "redis://host/?timeout=0",
          "THROTTLE_URL: timeout is a number from 1 to 10000, not \"0\"" },
        { "redis://host/?timeout=10001", NULL },
        { "redis://host/?timeout=x", NULL },
        { "redis://host/?ttl=5", "THROTTLE_URL: there is no parameter \"ttl\"" },
        { "redis://host/?a=%zz", NULL },
        { "redis://host/?ca=/x", "THROTTLE_URL: there is no parameter \"ca\"" },
        { "rediss://host/?ca=/no/such/file.pem",
          "THROTTLE_URL: /no/such/file.pem has no certificates" },
        { "redis://host/x", NULL },
        { "redis://host/-1", NULL },
        { "redis://user@host/", "THROTTLE_URL: a user without a password" },
    };
    cz_error err = { 0 };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_MSG(configure_with("", bad[i].url, &err) == CZ_EVALIDATION, "%s", bad[i].url);
        CZ_EXPECT_MSG(!bad[i].why || strstr(err.message, bad[i].why), "%s", err.message);
        CZ_EXPECT_MSG(!strstr(err.message, "pass word"), "%s", err.message);
    }
    static const char *const good[] = { "",
                                        "memory://",
                                        "redis://host",
                                        "redis://u:p@host:1/9",
                                        "redis://host/?prefix=&timeout=10000",
                                        "rediss://host/?timeout=20" };
    for (size_t i = 0; i < CZ_COUNT(good); i++)
        CZ_EXPECT_MSG(!configure_with("", good[i], &err), "%s: %s", good[i], err.message);
    setenv("ENV", "production", 1);
    CZ_EXPECT_EQ(configure_with("", "redis://host", &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(err.message),
                  "THROTTLE_URL needs a SECRET_KEY, under which callers are hashed");
    setenv("SECRET_KEY", "secret", 1);
    CZ_EXPECT_EQ(configure_with("", "redis://host", &err), CZ_OK);
    cz__throttling_close();
}

CZ_TEST(a_rate_of_the_settings_that_cannot_be_or_is_nobody_s_stops_the_start)
{
    static const char *const bad[] = { "anon",
                                       "anon 20/m",
                                       "anon:",
                                       ": 20/m",
                                       "anon: 20",
                                       "a b: 20/m",
                                       "anon: 20/m user: 3/d",
                                       "anon: 20/m: 3/d" };
    cz_error err = { 0 };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_EQ(configure(bad[i], &err), CZ_EVALIDATION);
        CZ_EXPECT_MSG(cz_str_starts_with(cz_str_from(err.message), CZ_STR("THROTTLE_RATES: \"")),
                      "%s", err.message);
    }
    CZ_EXPECT_EQ(configure("", &err), CZ_OK);
    CZ_EXPECT_EQ(configure("uplods: 20/m", &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(
        cz_str_from(err.message),
        "THROTTLE_RATES: no throttle has the scope \"uplods\"; anon, user and address need "
        "the middleware cz_throttling");
    char many[65 * 8], *at = many;
    for (int i = 0; i < 65; i++)
        at += snprintf(at, 8, "%sa:%d/s", i ? "," : "", 1 + i % 9);
    CZ_EXPECT_EQ(configure(many, &err), CZ_EVALIDATION);
}
